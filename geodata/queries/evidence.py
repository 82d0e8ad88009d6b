"""What speaks for a lead and for the steps taken at its place: facts, pictures with their digests, the ladder."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from geodata.errors import TwinError
from geodata.queries.datasets import loaded_town, revision
from geodata.queries.desk import LeadView, place_of, read_lead
from geodata.queries.frames import read_table
from geodata.towns.town import Town

__all__ = ["MOST_LEADS", "KeptPicture", "LeadEvidence", "PlaceEvidence", "packages_taken", "read_evidence"]

MOST_LEADS = 20
"""Of a place's confirmed leads so many at the most go into a package, the newest."""
ROLES = ("before", "at", "after", "recheck")


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """
    A still as it was stored, heads and plates blurred.

    Attributes
    ----------
    role
        before, at, after, recheck.
    taken_at
        Of its look; None for the still at the lead, which is of the time that the lead was last seen at first.
    jpeg
        Its bytes.
    sha256
        Their digest, which is the one that was noted when it was stored.
    """

    role: str
    taken_at: dt.datetime | None
    jpeg: bytes
    sha256: str


@dataclass(frozen=True, eq=False)
class LeadEvidence:
    """
    One lead.

    Attributes
    ----------
    view
        As the desk shows it.
    pictures
        In the order of `ROLES`, as far as there are any.
    zone_settings
        Of its zone's rule as it is now.
    zone_changed
        The zone has another version now than the one that made the lead.
    """

    view: LeadView
    pictures: tuple[KeptPicture, ...]
    zone_settings: dict[str, Any]
    zone_changed: bool


@dataclass(frozen=True, eq=False)
class PlaceEvidence:
    """
    A lead with the confirmed leads of its place and class, and what was done there.

    Attributes
    ----------
    town, revision
        Of the database.
    lead
        The one that was asked for; it comes first in `leads`.
    place
        Camera and zone.
    code_profile
        Of the class of event.
    leads
        The lead, then the other confirmed ones of its place and class, newest first.
    left_out
        Confirmed leads of the place beyond `MOST_LEADS`.
    steps
        step, taken_at, finding_id, case (its number, or none): by time.
    """

    town: Town
    revision: int
    lead: int
    place: str
    code_profile: str
    leads: tuple[LeadEvidence, ...]
    left_out: int
    steps: pd.DataFrame

    @property
    def simulated(self) -> bool:
        """Some of it did not happen here."""
        return any(bool(each.view.facts["simulated"]) for each in self.leads)


def read_evidence(conn: Connection, lead: int) -> PlaceEvidence:
    """
    All that speaks for a lead and for the steps at its place.

    Raises
    ------
    NotFound
        If there is no such lead.
    TwinError
        If a picture is not the one that was stored.
    """
    first = read_lead(conn, lead)
    facts = first.facts
    others = read_table(
        conn,
        "SELECT id FROM finding WHERE zone_id = :zone AND class_code = :class AND state = 'confirmed'"
        " AND merged_into IS NULL AND NOT hint AND id <> :id ORDER BY first_seen_at DESC, id DESC",
        {"zone": facts["zone_id"], "class": facts["class_code"], "id": facts["id"]},
    )["id"]
    shown = [first, *(read_lead(conn, int(each)) for each in others[: MOST_LEADS - 1])]
    steps = read_table(
        conn,
        # a case is registered in the transaction of its step: both bear the same moment
        "SELECT l.step, l.taken_at, l.finding_id, (SELECT c.number FROM case_file c WHERE l.step = 'case'"
        " AND c.reported_at = l.taken_at AND c.class_code = l.class_code AND c.camera_id = f.camera_id LIMIT 1)"
        ' AS "case" FROM ladder_step l JOIN finding f ON f.id = l.finding_id'
        " WHERE l.place = :place AND l.class_code = :class ORDER BY l.taken_at, l.id",
        {"place": place_of(facts["camera"], facts["zone"]), "class": facts["class_code"]},
    )
    return PlaceEvidence(
        town=loaded_town(conn),
        revision=revision(conn),
        lead=int(facts["id"]),
        place=place_of(facts["camera"], facts["zone"]),
        code_profile=str(
            conn.execute(
                text("SELECT code_profile FROM event_class WHERE code = :code"), {"code": facts["class_code"]}
            ).scalar_one()
        ),
        leads=tuple(_evidence(conn, each) for each in shown),
        left_out=max(0, len(others) - (MOST_LEADS - 1)),
        steps=steps,
    )


def packages_taken(conn: Connection, lead: int) -> pd.DataFrame:
    """Packages of evidence that were taken of a lead: at, sha256 (of the manifest), files; newest first."""
    return read_table(
        conn,
        "SELECT at, details->>'manifest_sha256' AS sha256, (details->>'files')::int AS files FROM audit"
        " WHERE action = 'take evidence' AND subject = :subject ORDER BY at DESC, id DESC LIMIT 20",
        {"subject": f"lead {lead}"},
    )


def _evidence(conn: Connection, view: LeadView) -> LeadEvidence:
    facts = view.facts
    zone = conn.execute(
        text("SELECT settings, dwell_s FROM zone WHERE id = :id"), {"id": facts["zone_id"]}
    ).one()
    return LeadEvidence(
        view=view,
        pictures=_pictures(conn, int(facts["id"])),
        zone_settings={**zone.settings, "dwell_s": zone.dwell_s},
        zone_changed=str(facts["rule_version"]).rsplit(".", 1)[-1] != str(facts["zone_version"]),
    )


def _pictures(conn: Connection, lead: int) -> tuple[KeptPicture, ...]:
    rows = conn.execute(
        text(
            "SELECT 'at' AS role, NULL::timestamptz AS taken_at, evidence AS jpeg, evidence_sha256 AS sha256"
            " FROM finding WHERE id = :id AND evidence IS NOT NULL UNION ALL"
            " SELECT role, taken_at, picture, sha256 FROM finding_frame WHERE finding_id = :id"
        ),
        {"id": lead},
    ).all()
    kept = [KeptPicture(each.role, each.taken_at, bytes(each.jpeg), str(each.sha256)) for each in rows]
    for each in kept:
        if hashlib.sha256(each.jpeg).hexdigest() != each.sha256:
            raise TwinError(
                "The picture {role!r} of lead {lead} is not the one that was stored: its digest differs.",
                "Do not use it as evidence, and find out who wrote to the database.",
                role=each.role,
                lead=lead,
            )
    return tuple(sorted(kept, key=lambda each: ROLES.index(each.role)))
