"""Cases that come in: their numbers, and what people report through Open311. One transaction each."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.crs import DISPLAY_EPSG, STORAGE_EPSG
from analysis.errors import InputError
from geodata import database
from geodata.commands.datasets import Provenance, renew
from geodata.commands.partitions import ensure_months
from geodata.models import Stage
from geodata.queries.clients import Client
from geodata.queries.datasets import loaded_town
from geodata.towns.town import Town

__all__ = ["Reported", "alone", "next_number", "note", "report_problem"]

LAST_NUMBER = 999_999
"""Of a day."""
SOURCE = "311"
"""Source of a case that a program reported through Open311."""


@dataclass(frozen=True)
class Reported:
    """
    What a service request says.

    Attributes
    ----------
    class_code
        Event class, `05-05`.
    lon, lat
        Degrees, WGS 84; both None where `address_id` tells the place.
    address_id
        Code of a QR street point.
    description, media_url
        As written; kept beside the case and never given out.
    """

    class_code: str
    lon: float | None = None
    lat: float | None = None
    address_id: str | None = None
    description: str | None = None
    media_url: str | None = None


def alone(session: Session, doing: str) -> None:
    """Waits until nobody else does the same, and keeps others waiting until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:doing, 0))"), {"doing": doing})


def next_number(session: Session, town: Town, now: dt.datetime) -> str:
    """
    The next free number of a case: county, local day and sequence; nobody else gets it.

    Numbers that another platform chose are passed over: its last one says nothing of ours.

    Raises
    ------
    InputError
        If the day has no number left.
    """
    alone(session, "case numbers")
    head = f"{town.county_code}-{now.astimezone(town.time_zone):%Y%m%d}-"
    free = session.scalar(
        text(
            "WITH day AS MATERIALIZED (SELECT number, right(number, 6)::int AS n FROM case_file"
            " WHERE number LIKE :head || '%'), own AS (SELECT coalesce(max(n), 0) AS last FROM day"
            " WHERE number NOT IN (SELECT number FROM exchanged_case WHERE number LIKE :head || '%'))"
            " SELECT n FROM own, generate_series(own.last + 1, least(own.last + 1 + (SELECT count(*) FROM day),"
            " :most)) n WHERE NOT EXISTS (SELECT FROM day d WHERE d.n = n.n) ORDER BY n LIMIT 1"
        ),
        {"head": head, "most": LAST_NUMBER},
    )
    if free is None:
        raise InputError("No number is left for a case of this day.", "Report it tomorrow.")
    return f"{head}{free:06d}"


def report_problem(found: Reported, client: Client) -> str:
    """
    Writes a service request as a case in stage reported; returns its number.

    Raises
    ------
    InputError
        If there is no such class or street point, or the place is outside the city; nothing is written.
    NotFound
        If no town is loaded.
    """
    with database.transaction() as session:
        town = loaded_town(session)
        known = session.scalar(
            text("SELECT count(*) FROM event_class WHERE code = :code"), {"code": found.class_code}
        )
        if not known:
            raise InputError(
                "There is no service '{code}'.", "services.json lists them.", code=found.class_code
            )
        place = _place(session, found)
        now = session.execute(text("SELECT now()")).scalar_one()
        number = next_number(session, town, now)
        ensure_months(session, now, now)
        session.execute(
            text(
                "INSERT INTO case_file"  # noqa: S608 - a number of ours
                " (reported_at, number, class_code, source, stage, cell_id, address_point_id, geom)"
                " VALUES (:now, :number, :class_code, :source, :stage, :cell_id, :point_id,"
                f" ST_SetSRID(ST_MakePoint(:lon, :lat), {STORAGE_EPSG}))"
            ),
            {
                "now": now,
                "number": number,
                "class_code": found.class_code,
                "source": SOURCE,
                "stage": Stage.REPORTED.value,
                **place,
            },
        )
        session.execute(
            text(
                "INSERT INTO service_request (number, client_id, description, media_url)"
                " VALUES (:number, :client, :description, :media_url)"
            ),
            {
                "number": number,
                "client": client.id,
                "description": found.description,
                "media_url": found.media_url,
            },
        )
        made = Provenance("Huiyan", town.licence, "service requests of people", simulated=False)
        renew(session, "case_file", town.name, made)
        note(session, client, "report", f"case_file {number}", {"class_code": found.class_code})
    return number


def _place(session: Session, found: Reported) -> dict[str, Any]:
    """Where it is: stored longitude and latitude, cell and street point."""
    if found.address_id is not None:
        row = session.execute(
            text(
                "SELECT id, cell_id, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM address_point WHERE code = :code"
            ),
            {"code": found.address_id},
        ).one_or_none()
        if row is None:
            raise InputError(
                "There is no street point '{code}'.",
                "address_id is the code on the sign; or send lat and long.",
                code=found.address_id,
            )
        return {"lon": row.lon, "lat": row.lat, "cell_id": row.cell_id, "point_id": row.id}
    row = session.execute(
        text(
            "WITH p AS (SELECT ST_Transform("  # noqa: S608 - numbers of ours
            f"ST_SetSRID(ST_MakePoint(:lon, :lat), {DISPLAY_EPSG}), {STORAGE_EPSG}) AS geom)"
            " SELECT ST_X(p.geom) AS lon, ST_Y(p.geom) AS lat,"
            " (SELECT id FROM unit_cell c WHERE ST_Covers(c.geom, p.geom) ORDER BY id LIMIT 1) AS cell_id,"
            " EXISTS (SELECT FROM area a WHERE ST_Covers(a.geom, p.geom)) AS inside FROM p"
        ),
        {"lon": found.lon, "lat": found.lat},
    ).one()
    if not row.inside and row.cell_id is None:
        raise InputError(
            "The place {lat}, {lon} is outside the city.",
            "Send lat and long in degrees, WGS 84.",
            lat=found.lat,
            lon=found.lon,
        )
    return {"lon": row.lon, "lat": row.lat, "cell_id": row.cell_id, "point_id": None}


def note(session: Session, client: Client, action: str, subject: str, details: dict[str, Any]) -> None:
    """A row of the audit about what a client did."""
    session.execute(
        text(
            "INSERT INTO audit (actor, action, subject, details)"
            " VALUES (:actor, :action, :subject, CAST(:details AS jsonb))"
        ),
        {
            "actor": f"client {client.name}",
            "action": action,
            "subject": subject,
            "details": json.dumps(details, ensure_ascii=False),
        },
    )
