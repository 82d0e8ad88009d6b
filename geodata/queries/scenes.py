"""How a scene stands in the loaded town: what there is, figures with intervals, days, newest cases and leads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection, text

from analysis.intervals import poisson_interval, wilson_interval
from geodata.queries.closing import closings, together
from geodata.queries.frames import read_table
from geodata.scenes import Scene

__all__ = [
    "WINDOW_DAYS",
    "Answer",
    "Evidence",
    "Figure",
    "Standing",
    "answer",
    "event_classes",
    "newest",
    "scene_by_day",
    "scene_evidence",
    "scene_figures",
]

WINDOW_DAYS = 28
"""Figures by day look at so many days, up to the last case or lead of the scene."""
LIVE = "f.merged_into IS NULL AND f.state <> 'rejected' AND NOT f.hint"
OPEN_STAGES = "('reported', 'registered', 'dispatched', 'disposed', 'verified')"


@dataclass(frozen=True)
class Evidence:
    """
    What the town has, by event class or kind.

    Attributes
    ----------
    cases
        Event class → cases that are not void.
    leads
        Event class → leads that nobody rejected.
    zones
        (rule, event class) → zones where it runs.
    looking_h
        Event class → hours in which cameras looked for it.
    sensors
        What is measured → sensors, and how many of them are online.
    components
        Component class → components.
    """

    cases: dict[str, int] = field(default_factory=dict)
    leads: dict[str, int] = field(default_factory=dict)
    zones: dict[tuple[str, str], int] = field(default_factory=dict)
    looking_h: dict[str, float] = field(default_factory=dict)
    sensors: dict[str, tuple[int, int]] = field(default_factory=dict)
    components: dict[str, int] = field(default_factory=dict)

    def standing(self, scene: Scene) -> Standing:
        """What of this is about one scene."""
        online = self.sensors.get(scene.rule.measures or "", (0, 0))
        return Standing(
            cases=sum(self.cases.get(code, 0) for code in scene.codes),
            leads=sum(self.leads.get(code, 0) for code in scene.codes),
            zones=sum(self.zones.get((scene.rule.kind, code), 0) for code in scene.codes),
            looking_h=sum(self.looking_h.get(code, 0.0) for code in scene.codes),
            sensors=online[0],
            sensors_online=online[1],
            components=sum(self.components.get(code, 0) for code in scene.components),
        )


@dataclass(frozen=True)
class Standing:
    """Counts of what there is for one scene; `looking_h` in camera hours."""

    cases: int
    leads: int
    zones: int
    looking_h: float
    sensors: int
    sensors_online: int
    components: int

    @property
    def state(self) -> str:
        """watched (cameras or sensors look), reported (people only), or nothing: nobody looked and nobody told."""
        if self.zones or self.looking_h or self.sensors_online:
            return "watched"
        return "reported" if self.cases or self.leads else "nothing"


@dataclass(frozen=True)
class Figure:
    """
    One indicator.

    Attributes
    ----------
    name
        Of `geodata.scenes.INDICATORS`.
    value, lower, upper
        The number and its 95 % interval; None where there is nothing to tell it from.
    hits, of
        What it was counted from: events and days, hours or cases.
    why
        Where there is no value: no_cases, nobody_looked, never_closed, none_due, no_cells.
    """

    name: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    hits: float = 0
    of: float = 0
    why: str = ""


@dataclass(frozen=True, eq=False)
class Answer:
    """How one scene stands: its figures, its days and its newest cases and leads."""

    figures: tuple[Figure, ...]
    by_day: pd.DataFrame
    newest: pd.DataFrame


def answer(conn: Connection, scene: Scene, zone: ZoneInfo) -> Answer:
    """All that a page shows of a scene; `zone` is the town's time."""
    return Answer(scene_figures(conn, scene, zone), scene_by_day(conn, scene, zone), newest(conn, scene))


def event_classes(conn: Connection) -> dict[str, tuple[str, str]]:
    """Event classes of the town, local extensions among them: code → names in Chinese and English."""
    rows = conn.execute(text("SELECT code, name_zh, name_en FROM event_class ORDER BY code"))
    return {row.code: (row.name_zh, row.name_en) for row in rows}


def scene_evidence(conn: Connection) -> Evidence:
    """What there is for every scene, in some short queries."""

    def pairs(sql: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in conn.execute(text(sql))]

    return Evidence(
        cases=dict(pairs("SELECT class_code, count(*) FROM case_file WHERE stage <> 'void' GROUP BY 1")),  # type: ignore[arg-type]
        leads=dict(pairs(f"SELECT class_code, count(*) FROM finding f WHERE {LIVE} GROUP BY 1")),  # type: ignore[arg-type]  # noqa: S608
        zones={
            (str(rule), str(code)): int(str(n))
            for rule, code, n in pairs(
                "SELECT rule, class_code, count(*) FROM zone WHERE enabled GROUP BY 1, 2"
            )
        },
        looking_h=dict(
            pairs("SELECT class_code, sum(h) FROM exposure e, unnest(e.hours) h GROUP BY 1 HAVING sum(h) > 0")  # type: ignore[arg-type]
        ),
        sensors={
            str(kind): (int(str(n)), int(str(online)))
            for kind, n, online in pairs(
                "SELECT kind, count(*), count(*) FILTER (WHERE state = 'online') FROM sensor GROUP BY 1"
            )
        },
        components=dict(pairs("SELECT class_code, count(*) FROM component GROUP BY 1")),  # type: ignore[arg-type]
    )


def scene_figures(conn: Connection, scene: Scene, zone: ZoneInfo) -> tuple[Figure, ...]:
    """
    The indicators of a scene, in its order.

    Parameters
    ----------
    conn
        An open connection.
    scene
        Which.
    zone
        The town's time, for days and working hours.
    """
    last = _last(conn, scene)
    made = {
        "open": lambda: _open(conn, scene),
        "per_day": lambda: _per_day(conn, scene, last),
        "per_sampled_h": lambda: _per_sampled_h(conn, scene),
        "closed_in_time": lambda: _closed_in_time(conn, scene, zone),
        "repeat": lambda: _repeat(conn, scene),
        "no_evidence": lambda: _no_evidence(conn, scene),
    }
    return tuple(made[name]() for name in scene.indicators)


def scene_by_day(conn: Connection, scene: Scene, zone: ZoneInfo, days: int = 60) -> pd.DataFrame:
    """New cases and leads of each of the last `days` days of the scene: columns day, cases, leads; none if never."""
    last = _last(conn, scene)
    if last is None:
        return pd.DataFrame({"day": [], "cases": [], "leads": []})
    rows = read_table(
        conn,
        "SELECT d.day::date AS day, coalesce(c.n, 0) AS cases, coalesce(l.n, 0) AS leads FROM"  # noqa: S608
        " generate_series(CAST(:last AS date) - :days + 1, CAST(:last AS date), interval '1 day') AS d(day)"
        " LEFT JOIN (SELECT (reported_at AT TIME ZONE :zone)::date AS day, count(*) AS n FROM case_file"
        " WHERE class_code = ANY (:codes) AND stage <> 'void' AND reported_at > :since GROUP BY 1) c"
        " ON c.day = d.day::date LEFT JOIN"
        " (SELECT (f.first_seen_at AT TIME ZONE :zone)::date AS day, count(*) AS n FROM finding f"
        f" WHERE f.class_code = ANY (:codes) AND {LIVE} AND f.first_seen_at > :since GROUP BY 1) l"
        " ON l.day = d.day::date ORDER BY 1",
        {
            "codes": list(scene.codes),
            "last": last.astimezone(zone).date(),
            "days": days,
            "since": last - dt.timedelta(days=days + 1),
            "zone": zone.key,
        },
    )
    rows["day"] = pd.to_datetime(rows["day"])
    return rows


def newest(conn: Connection, scene: Scene, most: int = 20) -> pd.DataFrame:
    """
    The newest cases and leads: what (case or lead), number, class_code, source, stage, at, simulated.
    """
    return read_table(
        conn,
        "(SELECT 'case' AS what, number, class_code, source, stage, reported_at AS at, simulated FROM case_file"  # noqa: S608
        " WHERE class_code = ANY (:codes) AND stage <> 'void' ORDER BY reported_at DESC LIMIT :most)"
        " UNION ALL (SELECT 'lead', f.id::text, f.class_code, 'video', f.state, f.first_seen_at, f.simulated"
        f" FROM finding f WHERE f.class_code = ANY (:codes) AND {LIVE} ORDER BY f.first_seen_at DESC LIMIT :most)"
        " ORDER BY at DESC LIMIT :most",
        {"codes": list(scene.codes), "most": most},
    )


def _last(conn: Connection, scene: Scene) -> dt.datetime | None:
    """When the last case of the scene was; where there is none, the last lead."""
    found: dt.datetime | None = conn.execute(
        text(
            "SELECT coalesce((SELECT max(reported_at) FROM case_file WHERE class_code = ANY (:codes)"  # noqa: S608
            " AND stage <> 'void'),"
            f" (SELECT max(first_seen_at) FROM finding f WHERE class_code = ANY (:codes) AND {LIVE}))"
        ),
        {"codes": list(scene.codes)},
    ).scalar()
    return found


def _open(conn: Connection, scene: Scene) -> Figure:
    row = conn.execute(
        text(
            f"SELECT count(*) FILTER (WHERE stage IN {OPEN_STAGES}), count(*) FROM case_file"  # noqa: S608
            " WHERE class_code = ANY (:codes) AND stage <> 'void'"
        ),
        {"codes": list(scene.codes)},
    ).one()
    return Figure("open", float(row[0]), hits=row[0], of=row[1]) if row[1] else Figure("open", why="no_cases")


def _per_day(conn: Connection, scene: Scene, last: dt.datetime | None) -> Figure:
    if last is None:
        return Figure("per_day", why="no_cases")
    events = conn.execute(
        text(
            "SELECT (SELECT count(*) FROM case_file WHERE class_code = ANY (:codes) AND stage <> 'void'"  # noqa: S608
            " AND reported_at > :since AND reported_at <= :last) + (SELECT count(*) FROM finding f WHERE"
            f" class_code = ANY (:codes) AND {LIVE} AND first_seen_at > :since AND first_seen_at <= :last)"
        ),
        {"codes": list(scene.codes), "last": last, "since": last - dt.timedelta(days=WINDOW_DAYS)},
    ).scalar_one()
    lower, upper = poisson_interval(events, WINDOW_DAYS)
    return Figure("per_day", events / WINDOW_DAYS, lower, upper, events, WINDOW_DAYS)


def _per_sampled_h(conn: Connection, scene: Scene) -> Figure:
    """What cameras found in months for which it is known how long they looked, over those hours."""
    events, hours = conn.execute(
        text(
            "WITH looked AS (SELECT camera_id, class_code, month, (SELECT sum(h) FROM unnest(hours) h) AS h"  # noqa: S608
            " FROM exposure WHERE class_code = ANY (:codes)), found AS ("
            " SELECT camera_id, class_code, reported_at AS at FROM case_file WHERE class_code = ANY (:codes)"
            " AND source = 'camera' AND stage <> 'void' UNION ALL"
            " SELECT f.camera_id, f.class_code, f.first_seen_at FROM finding f WHERE"
            f" f.class_code = ANY (:codes) AND {LIVE})"
            " SELECT (SELECT count(*) FROM found f JOIN looked l ON l.camera_id = f.camera_id"
            " AND l.class_code = f.class_code AND l.month = date_trunc('month', f.at)::date WHERE l.h > 0),"
            " (SELECT coalesce(sum(h), 0) FROM looked)"
        ),
        {"codes": list(scene.codes)},
    ).one()
    if not hours:
        return Figure("per_sampled_h", why="nobody_looked")
    lower, upper = poisson_interval(events, hours)
    return Figure("per_sampled_h", events / hours, lower, upper, events, hours)


def _closed_in_time(conn: Connection, scene: Scene, zone: ZoneInfo) -> Figure:
    """Of the cases whose time is up or that are closed, the share closed within the sum of the limits."""
    found = together(list(closings(conn, dict.fromkeys(scene.codes, scene), zone.key).values()))
    if not found.cases:
        return Figure("closed_in_time", why="no_cases")
    if not found.closed:
        return Figure("closed_in_time", why="never_closed", of=found.cases)
    if not found.due:
        return Figure("closed_in_time", why="none_due")
    lower, upper = wilson_interval(found.hits, found.due)
    return Figure("closed_in_time", found.hits / found.due, lower, upper, found.hits, found.due)


def _repeat(conn: Connection, scene: Scene) -> Figure:
    """Share of cases with an earlier one of the same class in the same cell within the scene's days."""
    hits, of = conn.execute(
        text(
            "SELECT count(*) FILTER (WHERE at - before <= make_interval(days => :days)), count(*) FROM ("
            "SELECT reported_at AS at, lag(reported_at) OVER (PARTITION BY class_code, cell_id"
            " ORDER BY reported_at) AS before FROM case_file WHERE class_code = ANY (:codes)"
            " AND stage <> 'void' AND cell_id IS NOT NULL) q"
        ),
        {"codes": list(scene.codes), "days": scene.repeat_days},
    ).one()
    if not of:
        return Figure("repeat", why="no_cases")
    lower, upper = wilson_interval(hits, of)
    return Figure("repeat", hits / of, lower, upper, hits, of)


def _no_evidence(conn: Connection, scene: Scene) -> Figure:
    """Cells that no camera looked at for this, where nobody told of it either."""
    hits, of = conn.execute(
        text(
            "WITH looking AS (SELECT DISTINCT e.camera_id FROM exposure e WHERE e.class_code = ANY (:codes)"
            " AND EXISTS (SELECT FROM unnest(e.hours) h WHERE h > 0)),"
            " told AS (SELECT DISTINCT cell_id FROM case_file WHERE class_code = ANY (:codes) AND stage <> 'void')"
            " SELECT count(*) FILTER (WHERE NOT EXISTS (SELECT FROM told WHERE told.cell_id = c.id)"
            " AND NOT EXISTS (SELECT FROM camera_view v JOIN looking l ON l.camera_id = v.camera_id"
            " WHERE v.geom && c.geom AND ST_Intersects(v.geom, c.geom))), count(*) FROM unit_cell c"
        ),
        {"codes": list(scene.codes)},
    ).one()
    return Figure("no_evidence", hits / of, hits=hits, of=of) if of else Figure("no_evidence", why="no_cells")
