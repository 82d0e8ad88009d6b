"""What people do at the video desk: verdicts, dealt with, steps of escalation, thresholds. One transaction each."""

from __future__ import annotations

import datetime as dt
import json
import math

from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.errors import InputError
from geodata import database
from geodata.commands.cases import alone, next_number
from geodata.commands.datasets import Provenance, renew
from geodata.commands.partitions import ensure_months
from geodata.errors import NotFound
from geodata.models import Stage
from geodata.queries.datasets import loaded_town
from geodata.queries.desk import SCORED_BY, TAKEN_BACK, front_of, ladder_of, place_of
from geodata.queries.watches import zone_rule
from geodata.towns.town import Town

__all__ = [
    "DESK",
    "call_dealt_with",
    "give_verdict",
    "note_evidence",
    "take_back",
    "take_step",
    "use_threshold",
]

DESK = "video desk"
"""Who gives verdicts: the desk, not a person's name."""
VERDICTS = ("confirmed", "rejected", "unsure")
DISPOSED = ", ".join(
    f"{name} = CASE WHEN :state = 'confirmed' THEN {name} END"
    for name in ("disposed_at", "recheck", "recheck_at")
)
"""Only what is confirmed can be dealt with."""


def give_verdict(lead: int, verdict: str) -> int:
    """
    Writes what a person says of a lead; returns the number of the verdict, by which it can be taken back.

    A lead that meanwhile stands behind another one passes the verdict on to it. A lead is a violation from the verdict
    that confirms it until one that does not: then the dataset `finding` has a new revision. The other maps of leads are
    live and need none.

    Raises
    ------
    InputError
        If the verdict is none of confirmed, rejected and unsure; nothing is written.
    NotFound
        If there is no such lead.
    """
    if verdict not in VERDICTS:
        raise InputError(
            "There is no verdict {verdict!r}.",
            "Give one of {verdicts}.",
            verdict=verdict,
            verdicts=", ".join(VERDICTS),
        )
    with database.transaction() as session:
        front = _locked(session, lead)
        number = _write_verdict(session, front, verdict, DESK)
        _set_state(session, front, verdict, session.execute(text("SELECT now()")).scalar_one())
    return number


def take_back(verdict: int) -> int:
    """
    Takes the last verdict of a lead back; returns the lead.

    Rows are only added: what was said before is said again; where nothing was, the lead waits for a person as before,
    and an unsure verdict says that one was taken back.

    Raises
    ------
    NotFound
        If there is no such verdict.
    InputError
        If somebody has judged the lead since, or it is taken back already; nothing is written.
    """
    with database.transaction() as session:
        lead = session.scalar(text("SELECT finding_id FROM verdict WHERE id = :id"), {"id": verdict})
        if lead is None:
            raise NotFound("There is no verdict {verdict}.", "Give one first.", verdict=verdict)
        session.execute(text("SELECT id FROM finding WHERE id = :id FOR UPDATE"), {"id": lead})
        rows = session.execute(
            text("SELECT id, verdict, given_by, given_at FROM verdict WHERE finding_id = :id ORDER BY id"),
            {"id": lead},
        ).all()
        standing = []
        for row in rows:
            if row.given_by != TAKEN_BACK:
                standing.append(row)
            elif standing:
                standing.pop()
        if not standing or standing[-1].id != verdict:
            raise InputError(
                "Somebody has judged lead {lead} since.", "Look at it again and judge it anew.", lead=lead
            )
        before = standing[-2] if len(standing) > 1 else None
        _write_verdict(session, lead, "unsure" if before is None else before.verdict, TAKEN_BACK)
        if before is None:
            _set_state(session, lead, "lead", None)
        else:
            _set_state(session, lead, before.verdict, before.given_at)
    return int(lead)


def call_dealt_with(lead: int, *, done: bool = True) -> None:
    """
    Notes that somebody dealt with a lead; its camera then looks again and says whether it is solved.

    With `done` false the note is taken away. Either way what a second recognition said before is forgotten.

    Raises
    ------
    NotFound
        If there is no such lead.
    InputError
        If nobody has confirmed the lead; nothing is written.
    """
    with database.transaction() as session:
        front = _locked(session, lead)
        if done:
            _require_confirmed(session, front)
        session.execute(
            text(
                "UPDATE finding SET disposed_at = CASE WHEN :done THEN now() END, recheck = NULL, recheck_at = NULL"
                " WHERE id = :id"
            ),
            {"done": done, "id": front},
        )
        session.execute(
            text("DELETE FROM finding_frame WHERE finding_id = :id AND role = 'recheck'"), {"id": front}
        )


def take_step(lead: int, step: str) -> str | None:
    """
    Takes the step that the ladder proposes at a lead's place; returns the number of the case, if it makes one.

    Raises
    ------
    NotFound
        If there is no such lead.
    InputError
        If nobody has confirmed the lead, or the ladder does not propose this step now (somebody may have taken it);
        nothing is written.
    """
    with database.transaction() as session:
        front = _locked(session, lead)
        _require_confirmed(session, front)
        row = session.execute(
            text(
                "SELECT f.zone_id, f.class_code, c.code, z.name FROM finding f JOIN camera c ON c.id = f.camera_id"
                " JOIN zone z ON z.id = f.zone_id WHERE f.id = :id"
            ),
            {"id": front},
        ).one()
        place = place_of(row.code, row.name)
        alone(session, f"ladder {place} {row.class_code}")
        standing = ladder_of(session, row.zone_id, row.class_code)
        if standing.step != step:
            raise InputError(
                "The step {step!r} is not due at {place}.",
                "Look again: somebody may have taken it meanwhile.",
                step=step,
                place=place,
            )
        session.execute(
            text(
                "INSERT INTO ladder_step (finding_id, place, class_code, step) VALUES (:id, :place, :class, :step)"
            ),
            {"id": front, "place": place, "class": row.class_code, "step": step},
        )
        return _open_case(session, front, loaded_town(session)) if step == "case" else None


def use_threshold(zone: int, value: float, *, version: int, why: dict[str, float]) -> int:
    """
    Sets the score that leads of a zone must have, and returns the zone's new version.

    Parameters
    ----------
    zone
        Which zone.
    value
        In [0, 1], for the setting that `geodata.queries.desk.SCORED_BY` names for its rule.
    version
        Of the zone that the verdicts were about.
    why
        What is expected of it, for the audit.

    Raises
    ------
    NotFound
        If there is no such zone.
    InputError
        If the value is out of range, the rule has no such setting, or the zone has changed since; nothing is written.
    """
    if not 0 <= value <= 1 or math.isnan(value):
        raise InputError("A threshold of {value} is impossible.", "Give a score in [0, 1].", value=value)
    with database.transaction() as session:
        row = session.execute(
            text(
                "SELECT z.name, z.rule, z.dwell_s, z.settings, z.version, c.code FROM zone z"
                " JOIN camera c ON c.id = z.camera_id WHERE z.id = :id FOR UPDATE OF z"
            ),
            {"id": zone},
        ).one_or_none()
        if row is None:
            raise NotFound("There is no zone {zone}.", "Choose one from the list.", zone=zone)
        if row.version != version:
            raise InputError(
                "Zone {zone} has changed since these verdicts were read.", "Look at it again.", zone=row.name
            )
        name = SCORED_BY.get(row.rule)
        if name is None:
            raise InputError(
                "The scores of the rule {rule} do not come from a detector.",
                "Change its zone or its settings instead.",
                rule=row.rule,
            )
        before = getattr(zone_rule(row.rule, row.dwell_s, row.settings), name)
        settings = {**row.settings, name: value}
        zone_rule(row.rule, row.dwell_s, settings)
        session.execute(
            text("UPDATE zone SET settings = CAST(:settings AS jsonb), version = version + 1 WHERE id = :id"),
            {"settings": json.dumps(settings), "id": zone},
        )
        session.execute(
            text(
                "INSERT INTO audit (actor, action, subject, details)"
                " VALUES (:actor, 'threshold', :subject, CAST(:details AS jsonb))"
            ),
            {
                "actor": DESK,
                "subject": f"zone {row.code}/{row.name}",
                "details": json.dumps(
                    {"setting": name, "before": before, "after": value, "version": version + 1, "why": why}
                ),
            },
        )
    return version + 1


def note_evidence(lead: int, *, manifest_sha256: str, files: int) -> None:
    """Notes in the audit that a package of evidence was taken, with the digest that tells it from a changed one."""
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO audit (actor, action, subject, details)"
                " VALUES (:actor, 'take evidence', :subject, CAST(:details AS jsonb))"
            ),
            {
                "actor": DESK,
                "subject": f"lead {lead}",
                "details": json.dumps({"manifest_sha256": manifest_sha256, "files": files}),
            },
        )


def _locked(session: Session, lead: int) -> int:
    """The lead that stands for one, kept from others until the transaction ends."""
    front, before = front_of(session, lead), None
    while front != before:
        session.execute(text("SELECT id FROM finding WHERE id = :id FOR UPDATE"), {"id": front})
        front, before = front_of(session, lead), front  # while this waited it may have gone behind another
    return front


def _require_confirmed(session: Session, lead: int) -> None:
    state = session.scalar(text("SELECT state FROM finding WHERE id = :id"), {"id": lead})
    if state != "confirmed":
        raise InputError("Nobody has confirmed lead {lead}.", "Confirm it first.", lead=lead)


def _set_state(session: Session, lead: int, state: str, at: dt.datetime | None) -> None:
    """What a lead is from now on; if it becomes a violation, or stops being one, the register says so."""
    before = session.scalar(text("SELECT state FROM finding WHERE id = :id"), {"id": lead})
    session.execute(
        text(f"UPDATE finding SET state = :state, verdict_at = :at, {DISPOSED} WHERE id = :id"),  # noqa: S608
        {"state": state, "at": at, "id": lead},
    )
    if (before == "confirmed") != (state == "confirmed"):
        _changed(session, "finding", loaded_town(session))


def _changed(session: Session, table: str, town: Town) -> None:
    """A new revision of a dataset; where it comes from stays as it was, if it was loaded before."""
    made = Provenance("Huiyan", town.licence, "leads of cameras, judged by people", simulated=False)
    renew(session, table, town.name, made)


def _write_verdict(session: Session, lead: int, verdict: str, by: str) -> int:
    return int(
        session.execute(
            text(
                "INSERT INTO verdict (finding_id, verdict, given_by, given_at)"
                " VALUES (:id, :verdict, :by, clock_timestamp()) RETURNING id"
            ),
            {"id": lead, "verdict": verdict, "by": by},
        ).scalar_one()
    )


def _open_case(session: Session, lead: int, town: Town) -> str:
    """Registers a case about a lead; returns its number: county, local day and sequence."""
    now = session.execute(text("SELECT now()")).scalar_one()
    number = next_number(session, town, now)
    ensure_months(session, now, now)
    session.execute(
        text(
            "INSERT INTO case_file (reported_at, number, class_code, source, stage, camera_id, cell_id, simulated,"
            " geom) SELECT now(), :number, f.class_code, 'camera', :stage, f.camera_id, f.cell_id, f.simulated,"
            " coalesce(f.geom, c.geom) FROM finding f JOIN camera c ON c.id = f.camera_id WHERE f.id = :id"
        ),
        {"number": number, "stage": Stage.REGISTERED.value, "id": lead},
    )
    _changed(session, "case_file", town)
    return number
