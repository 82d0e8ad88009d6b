"""Taking in cases that another platform sends: all of a package, or nothing of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.crs import DISPLAY_EPSG, STORAGE_EPSG
from analysis.errors import InputError
from geodata import database
from geodata.commands.cases import alone, note
from geodata.commands.datasets import Provenance, renew
from geodata.commands.partitions import ensure_months
from geodata.errors import IngestError
from geodata.ingest.case_exchange import CaseFault, check_package, digest_of_case
from geodata.queries.clients import Client
from geodata.queries.datasets import loaded_town

__all__ = ["Taken", "WrongPackage", "note_given", "take_package"]

BESIDE_M = 30.0
"""A place may lie so far from its cell: devices are no better."""


@dataclass(frozen=True)
class Taken:
    """How many cases were new, changed, or known as they are."""

    created: int
    changed: int
    unchanged: int


class WrongPackage(IngestError):
    """A package with faults; nothing of it was written."""

    faults: list[CaseFault]


def _wrong(faults: list[CaseFault]) -> WrongPackage:
    error = WrongPackage(
        "The package has {number} faults; nothing of it was taken in.",
        "Correct the rows that are named, then send all of it again.",
        number=len(faults),
    )
    error.faults = faults
    return error


def take_package(package: Any, client: Client, now: dt.datetime) -> Taken:
    """
    Takes in a package of cases, in one transaction.

    A case is known by its number: sent again as it was, it changes nothing; sent otherwise, it is changed, if this
    client sent it first.

    Raises
    ------
    WrongPackage
        If anything is wrong with any row.
    """
    if faults := check_package(package, now):
        raise _wrong(faults)
    cases = package["cases"]
    with database.transaction() as session:
        town = loaded_town(session)
        alone(session, "case exchange")
        alone(session, "case numbers")
        rows, faults = _matched(session, cases, client)
        if faults:
            raise _wrong(faults)
        fresh = [row for row in rows if row["known"] is None]
        other = [row for row in rows if row["known"] not in (None, row["digest"])]
        for month in {_month(row["reported_at"]) for row in fresh}:
            ensure_months(session, month, month)
        for row in fresh:
            session.execute(text(INSERT), row)
        for row in other:
            session.execute(text(UPDATE), row)
        for row in fresh + other:
            session.execute(text(REMEMBER), {**row, "client": client.id})
        if fresh or other:
            made = Provenance("Huiyan", town.licence, "cases that another platform sent", simulated=False)
            renew(session, "case_file", town.name, made)
        taken = Taken(len(fresh), len(other), len(rows) - len(fresh) - len(other))
        note(session, client, "exchange in", "case_file", vars(taken))
    return taken


def note_given(client: Client, cases: int, cursor: str | None) -> None:
    """Notes in the audit that a client took a page of cases."""
    with database.transaction() as session:
        note(session, client, "exchange out", "case_file", {"cases": cases, "cursor": cursor})


_POINT = f"ST_Transform(ST_SetSRID(ST_MakePoint(:lon, :lat), {DISPLAY_EPSG}), {STORAGE_EPSG})"
INSERT = (
    "INSERT INTO case_file (reported_at, number, class_code, source, stage, camera_id, cell_id, closed_at, simulated,"  # noqa: S608
    " component_code, geom) VALUES (:reported_at, :number, :class_code, :source, :stage, :camera_id, :cell_id,"
    f" :closed_at, :simulated, :component_code, {_POINT})"
)
UPDATE = (
    "UPDATE case_file SET class_code = :class_code, source = :source, stage = :stage, camera_id = :camera_id,"  # noqa: S608
    " cell_id = :cell_id, closed_at = :closed_at, simulated = :simulated, component_code = :component_code,"
    f" geom = {_POINT} WHERE number = :number AND reported_at = :reported_at"
)
REMEMBER = (
    "INSERT INTO exchanged_case (number, client_id, digest) VALUES (:number, :client, :digest)"
    " ON CONFLICT (number) DO UPDATE SET digest = excluded.digest, received_at = now()"
)
MATCH = (
    "SELECT s.row, f.number IS NOT NULL AS known_here, f.reported_at, e.client_id, e.digest, u.id AS cell_id,"  # noqa: S608
    " c.id AS camera_id, k.code IS NOT NULL AS class_known, u.id IS NULL OR ST_DWithin(u.geom::geography,"
    " s.geom::geography, :beside) AS inside,"
    " (SELECT id FROM unit_cell w WHERE ST_Covers(w.geom, s.geom) ORDER BY id LIMIT 1) AS under,"
    " EXISTS (SELECT FROM area a WHERE ST_Covers(a.geom, s.geom)) AS in_city"
    " FROM (SELECT row, number, cell, camera, class,"
    f" ST_Transform(ST_SetSRID(ST_MakePoint(lon, lat), {DISPLAY_EPSG}), {STORAGE_EPSG}) AS geom"
    " FROM unnest(CAST(:numbers AS text[]), CAST(:cells AS text[]), CAST(:cameras AS text[]),"
    " CAST(:classes AS text[]), CAST(:lons AS float8[]), CAST(:lats AS float8[]))"
    " WITH ORDINALITY AS q(number, cell, camera, class, lon, lat, row)) s"
    " LEFT JOIN case_file f ON f.number = s.number LEFT JOIN exchanged_case e ON e.number = s.number"
    " LEFT JOIN unit_cell u ON u.code = s.cell LEFT JOIN camera c ON c.code = s.camera"
    " LEFT JOIN event_class k ON k.code = s.class ORDER BY s.row"
)


def _month(moment: dt.datetime) -> dt.datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _matched(
    session: Session, cases: list[Mapping[str, Any]], client: Client
) -> tuple[list[dict[str, Any]], list[CaseFault]]:
    """Rows to write, and what does not fit what is stored."""
    found = session.execute(
        text(MATCH),
        {
            "numbers": [case["number"] for case in cases],
            "cells": [case.get("cell_code") for case in cases],
            "cameras": [case.get("camera_code") for case in cases],
            "classes": [case["class_code"] for case in cases],
            "lons": [float(case["place"]["coordinates"][0]) for case in cases],
            "lats": [float(case["place"]["coordinates"][1]) for case in cases],
            "beside": BESIDE_M,
        },
    ).all()
    rows, faults = [], []
    for case, match in zip(cases, found, strict=True):
        reported = dt.datetime.fromisoformat(case["reported_at"]).astimezone(dt.UTC)
        faults += _unmatched(case, match, reported, client)
        closed = case.get("closed_at")
        rows.append(
            {
                "known": match.digest,
                "digest": digest_of_case(case),
                "number": case["number"],
                "class_code": case["class_code"],
                "source": case["source"],
                "stage": case["stage"],
                "simulated": case.get("simulated", False),
                "component_code": case.get("component_code"),
                "reported_at": reported,
                "closed_at": dt.datetime.fromisoformat(closed).astimezone(dt.UTC) if closed else None,
                "camera_id": match.camera_id,
                "cell_id": match.cell_id if match.cell_id is not None else match.under,
                "lon": case["place"]["coordinates"][0],
                "lat": case["place"]["coordinates"][1],
            }
        )
    return rows, faults


def _unmatched(case: Mapping[str, Any], match: Any, reported: dt.datetime, client: Client) -> list[CaseFault]:
    """What does not fit what is stored."""
    wrong: list[tuple[str, InputError]] = []
    if match.known_here and match.client_id is None:
        wrong.append(
            (
                "number",
                InputError("This case was registered here.", "Only cases that you sent can be changed."),
            )
        )
    elif match.client_id not in (None, client.id):
        wrong.append(("number", InputError("Another client sent this case.", "Only that one can change it.")))
    elif match.known_here and match.reported_at != reported:
        wrong.append(
            (
                "reported_at",
                InputError("A known case cannot be reported at another time.", "Send the time as before."),
            )
        )
    if case.get("cell_code") and match.cell_id is None:
        wrong.append(
            ("cell_code", InputError("There is no such cell here.", "Send null; the place tells the cell."))
        )
    if not match.inside:
        wrong.append(
            ("place", InputError("The place is not in its cell.", "Correct one, or send null for cell_code."))
        )
    if match.under is None and not match.in_city:
        wrong.append(("place", InputError("The place is outside the city.", "Send cases of this city.")))
    if case.get("camera_code") and match.camera_id is None:
        wrong.append(("camera_code", InputError("There is no such camera here.", "Send null.")))
    if not match.class_known:
        wrong.append(
            ("class_code", InputError("This class is not used here.", "services.json lists those that are."))
        )
    return [CaseFault(match.row, field, str(case.get(field))[:80], why) for field, why in wrong]
