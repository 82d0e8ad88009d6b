"""The video desk: leads that wait for a person, one lead with its evidence, what verdicts say of cameras and rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from analysis.desk import History, Standing, Suggestion, next_step, precision_table, suggest_threshold
from analysis.errors import InputError
from geodata.errors import NotFound
from geodata.queries.frames import read_table
from geodata.queries.watches import zone_rule

__all__ = [
    "QUEUES",
    "SCORED_BY",
    "TAKEN_BACK",
    "DeskCounts",
    "LeadFilter",
    "LeadView",
    "ZoneScores",
    "desk_counts",
    "front_of",
    "ladder_of",
    "lead_choices",
    "lead_queue",
    "place_of",
    "precisions",
    "read_lead",
    "suggest_for",
    "zone_scores",
]

QUEUES = ("lead", "confirmed", "unsure", "rejected")
"""States of leads, each a queue of its own; the first waits for a person."""
ORDERS = {"newest": "f.first_seen_at DESC, f.id DESC", "surest": "f.confidence DESC, f.id DESC"}
SCORED_BY = {
    "standing": "min_median_score",
    "bikes_outside": "min_median_score",
    "crowding": "min_score",
    "intrusion": "min_score",
    "line_crossing": "min_score",
    "wrong_way": "min_score",
}
"""Kind of rule → its setting that a lead's score is compared with; the scores of other rules are no detector's."""
TAKEN_BACK = "video desk: taken back"
"""Who gave a verdict that only takes another one back."""
SAID = {"confirmed": "confirm", "rejected": "reject", "unsure": "unsure"}
FAMILY = (
    "WITH RECURSIVE family AS (SELECT id FROM finding WHERE merged_into = :id"
    " UNION SELECT f.id FROM finding f JOIN family g ON f.merged_into = g.id)"
)
"""Leads that stand behind one, and behind these."""


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """
    Which leads are to be seen.

    Attributes
    ----------
    state
        One of `QUEUES`.
    camera_id, class_code, rule
        Only of this camera, class of event, kind of rule; None for all.
    hints
        Whether leads that are mere hints are among them: None all, False none of them, True only these.
    order
        newest or surest first.
    """

    state: str = "lead"
    camera_id: int | None = None
    class_code: str | None = None
    rule: str | None = None
    hints: bool | None = None
    order: str = "newest"


@dataclass(frozen=True, slots=True)
class DeskCounts:
    """Leads that wait for a person, since when the oldest, and verdicts of today (by the database's day in UTC)."""

    waiting: int
    oldest_at: dt.datetime | None
    judged_today: int


@dataclass(frozen=True, slots=True, eq=False)
class LeadView:
    """
    A lead with all that speaks for it.

    Attributes
    ----------
    facts
        Columns of `finding` but its pictures, with `camera` (code), `camera_name`, `demonstration`, `zone`,
        `title_zh`, `title_en`, `polygon_px`, `zone_version`, `name_zh`, `name_en` (of the class), `lon_deg`, `lat_deg`
        (of the lead), `camera_lon_deg`, `camera_lat_deg`, `pictured` and `size_px` (width and height).
    frames
        role, taken_at: before, after, recheck, as far as there are.
    others
        Leads about the same thing: id, camera, rule, confidence, first_seen_at, last_seen_at, pictured.
    verdicts
        verdict, given_by, given_at: by time.
    steps
        step, taken_at, finding_id: at its place, by time.
    standing
        Where its place stands on the ladder.
    """

    facts: dict[str, Any]
    frames: dict[str, dt.datetime]
    others: pd.DataFrame
    verdicts: pd.DataFrame
    steps: pd.DataFrame
    standing: Standing


@dataclass(frozen=True, slots=True, eq=False)
class ZoneScores:
    """
    Verdicts of one zone under its present rule, as a threshold is suggested from.

    Attributes
    ----------
    zone_id, camera, zone, title_zh, title_en, rule, version
        Which zone.
    field
        Setting of its rule that a score is compared with; None where the scores are no detector's.
    current
        Its present value, in [0, 1].
    scores, confirmed
        (n,) of leads that were confirmed or rejected and that the present threshold would show.
    weeks
        Over which these leads came in.
    reviewed_share
        Share of the leads of that time that were confirmed or rejected.
    """

    zone_id: int
    camera: str
    zone: str
    title_zh: str
    title_en: str
    rule: str
    version: int
    field: str | None
    current: float
    scores: np.ndarray[Any, np.dtype[np.float64]]
    confirmed: np.ndarray[Any, np.dtype[np.bool_]]
    weeks: float
    reviewed_share: float


def desk_counts(conn: Connection, zone: str) -> DeskCounts:
    """How much waits at the desk; today is the day that it is in the time zone."""
    row = conn.execute(
        text(
            "SELECT count(*) FILTER (WHERE state = 'lead') AS waiting,"
            " min(first_seen_at) FILTER (WHERE state = 'lead') AS oldest,"
            " count(*) FILTER (WHERE state <> 'lead' AND verdict_at >= date_trunc('day', now(), :zone)) AS judged"
            " FROM finding WHERE merged_into IS NULL"
        ),
        {"zone": zone},
    ).one()
    return DeskCounts(row.waiting, row.oldest, row.judged)


def lead_choices(conn: Connection) -> pd.DataFrame:
    """What leads may be filtered by: camera_id, camera, camera_name, class_code, name_zh, name_en, rule; and leads."""
    return read_table(
        conn,
        "SELECT f.camera_id, c.code AS camera, c.name AS camera_name, f.class_code, e.name_zh, e.name_en, f.rule,"
        " f.leads FROM (SELECT camera_id, class_code, rule, count(*) AS leads FROM finding"
        " WHERE merged_into IS NULL GROUP BY 1, 2, 3) f JOIN camera c ON c.id = f.camera_id"
        " JOIN event_class e ON e.code = f.class_code ORDER BY f.camera_id, f.class_code, f.rule",
    )


def lead_queue(conn: Connection, chosen: LeadFilter, *, most: int = 200) -> pd.DataFrame:
    """
    Leads of a queue; those about one thing count as one.

    Returns
    -------
    leads
        id, camera, camera_name, class_code, name_zh, name_en, zone titles, rule, label, confidence, hint,
        first_seen_at, dwell_s, others (leads that stand behind it), simulated, state, recheck, disposed_at.
    """
    conditions = ["f.merged_into IS NULL", "f.state = :state"]
    for column in ("camera_id", "class_code", "rule"):
        if getattr(chosen, column) is not None:
            conditions.append(f"f.{column} = :{column}")
    if chosen.hints is not None:
        conditions.append("f.hint = :hints")
    return read_table(
        conn,
        "SELECT f.id, c.code AS camera, c.name AS camera_name, f.class_code, e.name_zh, e.name_en, z.title_zh,"  # noqa: S608
        " z.title_en, f.rule, f.label, f.confidence, f.hint, f.first_seen_at, f.dwell_s,"
        " (SELECT count(*) FROM finding o WHERE o.merged_into = f.id) AS others, f.simulated, f.state, f.recheck,"
        " f.disposed_at FROM finding f JOIN camera c ON c.id = f.camera_id JOIN zone z ON z.id = f.zone_id"
        f" JOIN event_class e ON e.code = f.class_code WHERE {' AND '.join(conditions)}"
        f" ORDER BY {ORDERS[chosen.order]} LIMIT :most",
        {
            "state": chosen.state,
            "camera_id": chosen.camera_id,
            "class_code": chosen.class_code,
            "rule": chosen.rule,
            "hints": chosen.hints,
            "most": most,
        },
    )


def read_lead(conn: Connection, lead: int) -> LeadView:
    """
    A lead with its evidence; of one that stands behind another, that other.

    Raises
    ------
    NotFound
        If there is no such lead.
    """
    row = (
        conn.execute(
            text(
                "SELECT f.id, f.camera_id, f.zone_id, f.cell_id, f.class_code, f.label, f.first_seen_at,"
                " f.last_seen_at, f.dwell_s, f.confidence, f.x1, f.y1, f.x2, f.y2, f.error_m, f.rule,"
                " f.rule_version, f.placed, f.hint, f.boxes, f.state, f.verdict_at, f.disposed_at, f.recheck,"
                " f.recheck_at, f.simulated, f.evidence IS NOT NULL AS pictured, c.code AS camera,"
                " c.name AS camera_name, c.demonstration, z.name AS zone, z.title_zh, z.title_en, z.polygon_px,"
                " z.version AS zone_version, e.name_zh, e.name_en, ST_X(f.geom) AS lon_deg, ST_Y(f.geom) AS lat_deg,"
                " ST_X(c.geom) AS camera_lon_deg, ST_Y(c.geom) AS camera_lat_deg,"
                " coalesce(s.width_px, k.width_px) AS width_px, coalesce(s.height_px, k.height_px) AS height_px"
                " FROM finding f JOIN camera c ON c.id = f.camera_id JOIN zone z ON z.id = f.zone_id"
                " JOIN event_class e ON e.code = f.class_code LEFT JOIN calibration k ON k.camera_id = f.camera_id"
                " LEFT JOIN LATERAL (SELECT width_px, height_px FROM sample WHERE camera_id = f.camera_id"
                " AND taken_at BETWEEN f.first_seen_at - interval '1 s' AND f.last_seen_at + interval '1 s'"
                " ORDER BY taken_at LIMIT 1) s ON true WHERE f.id = :id"
            ),
            {"id": front_of(conn, lead)},
        )
        .mappings()
        .one()
    )
    facts: dict[str, Any] = dict(row)
    width, height = facts.pop("width_px"), facts.pop("height_px")
    facts["size_px"] = (int(width), int(height)) if width else (768, 576)
    here = {"id": facts["id"]}
    frames = conn.execute(text("SELECT role, taken_at FROM finding_frame WHERE finding_id = :id"), here)
    return LeadView(
        facts=facts,
        frames={each.role: each.taken_at for each in frames},
        others=read_table(
            conn,
            f"{FAMILY} SELECT f.id, c.code AS camera, f.rule, f.confidence, f.first_seen_at, f.last_seen_at,"  # noqa: S608
            " f.evidence IS NOT NULL AS pictured FROM finding f JOIN camera c ON c.id = f.camera_id"
            " WHERE f.id IN (SELECT id FROM family) AND f.id <> :id ORDER BY f.first_seen_at, f.id",
            here,
        ),
        verdicts=read_table(
            conn,
            "SELECT verdict, given_by, given_at FROM verdict WHERE finding_id = :id ORDER BY id",
            here,
        ),
        steps=read_table(
            conn,
            "SELECT step, taken_at, finding_id FROM ladder_step WHERE place = :place AND class_code = :class"
            " ORDER BY taken_at, id",
            {"place": place_of(facts["camera"], facts["zone"]), "class": facts["class_code"]},
        ),
        standing=ladder_of(conn, facts["zone_id"], facts["class_code"]),
    )


def front_of(conn: Connection | Session, lead: int) -> int:
    """
    The lead that stands for one: itself, or the one that it was merged into.

    Raises
    ------
    NotFound
        If there is no such lead.
    """
    found = conn.execute(
        text(
            "WITH RECURSIVE up AS (SELECT id, merged_into, 0 AS far FROM finding WHERE id = :id"
            " UNION ALL SELECT f.id, f.merged_into, up.far + 1 FROM finding f JOIN up ON f.id = up.merged_into"
            " WHERE up.far < 100) SELECT id FROM up ORDER BY far DESC LIMIT 1"
        ),
        {"id": lead},
    ).scalar()
    if found is None:
        raise NotFound("There is no lead {lead}.", "Choose one from the list.", lead=lead)
    return int(found)


def place_of(camera: str, zone: str) -> str:
    """The place of escalation: what one zone of one camera shows."""
    return f"{camera}/{zone}"


def ladder_of(conn: Connection | Session, zone_id: int, class_code: str) -> Standing:
    """
    Where a place stands on the ladder now: confirmed leads of its zone and class, and the steps taken there.

    What nobody has confirmed does not count, nor do hints. No lead is called severe: classes have no severity yet.
    """
    zone = conn.execute(
        text("SELECT c.code, z.name FROM zone z JOIN camera c ON c.id = z.camera_id WHERE z.id = :zone"),
        {"zone": zone_id},
    ).one()
    leads = conn.execute(
        text(
            "SELECT extract(epoch FROM first_seen_at)::float8 FROM finding WHERE zone_id = :zone"
            " AND class_code = :class AND state = 'confirmed' AND merged_into IS NULL AND NOT hint"
        ),
        {"zone": zone_id, "class": class_code},
    ).scalars()
    steps = conn.execute(
        text(
            "SELECT extract(epoch FROM taken_at)::float8 AS at, step, extract(epoch FROM now())::float8 AS now"
            " FROM ladder_step WHERE place = :place AND class_code = :class ORDER BY taken_at, id"
        ),
        {"place": place_of(zone.code, zone.name), "class": class_code},
    ).all()
    lead_s = np.array(list(leads), dtype=float)
    now_s = float(conn.execute(text("SELECT extract(epoch FROM now())::float8")).scalar_one())
    return next_step(
        History(
            lead_s=lead_s,
            severe=np.zeros(len(lead_s), dtype=bool),
            step_s=np.array([each.at for each in steps], dtype=float),
            step=tuple(each.step for each in steps),
        ),
        now_s,
    )


def precisions(conn: Connection) -> pd.DataFrame:
    """
    The precision of every camera, class and rule from what people said.

    Returns
    -------
    table
        As `analysis.desk.precision_table`, one row each: camera, camera_name, class_code, name_zh, name_en, rule,
        confirmed, rejected, unsure, precision, lower, upper, shrunk, shrunk_lower, shrunk_upper, simulated. Hints
        are left out: they are no finds.
    """
    said = read_table(
        conn,
        "SELECT c.code AS camera, c.name AS camera_name, f.class_code, e.name_zh, e.name_en, f.rule, f.state,"
        " f.simulated FROM finding f JOIN camera c ON c.id = f.camera_id JOIN event_class e ON e.code = f.class_code"
        " WHERE f.state <> 'lead' AND f.merged_into IS NULL AND NOT f.hint ORDER BY f.id",
    )
    said["verdict"] = said["state"].map(SAID)
    table = precision_table(said).reset_index()
    names = said.groupby(["camera", "class_code"], as_index=False).agg(
        camera_name=("camera_name", "first"),
        name_zh=("name_zh", "first"),
        name_en=("name_en", "first"),
        simulated=("simulated", "any"),
    )
    return table.merge(names, on=["camera", "class_code"], how="left")


def zone_scores(conn: Connection) -> list[ZoneScores]:
    """
    Zones with leads that people judged, each with the scores that a threshold is suggested from.

    Leads that the zone's present threshold would not show are left out, and so are mere hints.
    """
    zones = conn.execute(
        text(
            "SELECT z.id, c.code AS camera, z.name, z.title_zh, z.title_en, z.rule, z.dwell_s, z.settings, z.version"
            " FROM zone z JOIN camera c ON c.id = z.camera_id WHERE EXISTS (SELECT FROM finding f"
            " WHERE f.zone_id = z.id AND f.rule = z.rule AND f.state IN ('confirmed', 'rejected')"
            " AND f.merged_into IS NULL AND NOT f.hint) ORDER BY c.code, z.name"
        )
    ).all()
    leads = read_table(
        conn,
        "SELECT zone_id, rule, confidence, state, extract(epoch FROM first_seen_at)::float8 AS at,"
        " extract(epoch FROM now())::float8 AS now FROM finding"
        " WHERE merged_into IS NULL AND NOT hint AND zone_id = ANY(:zones)",
        {"zones": [each.id for each in zones]},
    )
    return [
        _zone(each, leads[(leads["zone_id"] == each.id) & (leads["rule"] == each.rule)]) for each in zones
    ]


def _zone(row: Any, leads: pd.DataFrame) -> ZoneScores:
    field = SCORED_BY.get(row.rule)
    current = 0.0
    if field is not None:
        current = float(getattr(zone_rule(row.rule, row.dwell_s, row.settings), field))
    shown = leads[leads["confidence"] >= current]
    decided = shown[shown["state"].isin(["confirmed", "rejected"])]
    span_s = float(shown["now"].iloc[0] - shown["at"].min()) if len(shown) else 0.0
    return ZoneScores(
        zone_id=row.id,
        camera=row.camera,
        zone=row.name,
        title_zh=row.title_zh,
        title_en=row.title_en,
        rule=row.rule,
        version=row.version,
        field=field,
        current=current,
        scores=decided["confidence"].to_numpy(dtype=float),
        confirmed=(decided["state"] == "confirmed").to_numpy(dtype=bool),
        weeks=max(span_s, 86_400.0) / (7 * 86_400.0),
        reviewed_share=len(decided) / len(shown) if len(decided) else 1.0,
    )


def suggest_for(zone: ZoneScores, *, wanted_precision: float | None, most_lost: float | None) -> Suggestion:
    """
    The threshold that a zone's verdicts speak for.

    Raises
    ------
    InputError
        If none can be suggested; its message is the reason to show.
    """
    if zone.field is None:
        raise InputError(
            "The scores of the rule {rule} do not come from a detector.",
            "Change its zone or its settings instead.",
            rule=zone.rule,
        )
    return suggest_threshold(
        zone.scores,
        zone.confirmed,
        weeks=zone.weeks,
        wanted_precision=wanted_precision,
        most_lost=most_lost,
        current=zone.current,
        reviewed_share=zone.reviewed_share,
    )
