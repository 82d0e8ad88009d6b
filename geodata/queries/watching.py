"""What cameras show: the newest pictures of all, the patrol's pace, the health of streams, and one camera's looks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from analysis.errors import HuiyanError
from analysis.patrolling import Health, seen_at
from geodata.queries.frames import read_table

__all__ = [
    "PACE_S",
    "WALL_ORDERS",
    "HealthPage",
    "Pace",
    "Patrol",
    "WallPage",
    "camera_health",
    "cameras_with_footage",
    "cell_leads",
    "newest_patrol",
    "patrol_pace",
    "video_wall",
]

PACE_S = 600.0
"""Over so many seconds the pace of the patrol is told."""
RATE_S = 60.0
"""Over so many seconds samples a second are counted."""
WALL_ORDERS = ("trouble", "leads", "newest")
SILENCE_H = 24
"""Hours in which the longest silence is looked for."""
HANDS_OUT = 7_352_011
"""Advisory lock that the worker holds which hands out looks (geodata.jobs.watching)."""
LISTENS = 'LISTEN "procrastinate_queue_v1#video"%'
"""What the connection of a video worker did last: it waits for work."""

STATE_NOW = "(CASE WHEN w.last_event_at < now() - interval '1 hour' THEN 'unknown' ELSE w.state END)"
"""As `analysis.patrolling.seen_at` tells it: after an hour without any try nothing is known."""
OPEN = (
    "SELECT camera_id, count(*) AS leads FROM finding"
    " WHERE state = 'lead' AND merged_into IS NULL GROUP BY camera_id"
)
ORDERS = {
    "trouble": (
        f"array_position(ARRAY['unreachable', 'stalled', 'unknown', 'online'], {STATE_NOW}),"
        " w.failures DESC, coalesce(o.leads, 0) DESC, w.camera_id"
    ),
    "leads": "coalesce(o.leads, 0) DESC, w.last_lead_at DESC NULLS LAST, w.camera_id",
    "newest": "w.last_sampled_at DESC NULLS LAST, w.camera_id",
}


@dataclass(frozen=True)
class Patrol:
    """
    The newest looks at a camera.

    Attributes
    ----------
    samples
        id, taken_at, footage_s, width_px, height_px, detector, looked_s, pictured: by time.
    detections
        sample_id, label, score, x1, y1, x2, y2: pixels.
    findings
        Of the camera, newest first: id, zone, titles, label, class names, times, dwell_s, confidence, box, lon_deg,
        lat_deg, simulated.
    zones
        name, titles, dwell_s, polygon_px.
    """

    samples: pd.DataFrame
    detections: pd.DataFrame
    findings: pd.DataFrame
    zones: pd.DataFrame


@dataclass(frozen=True)
class WallPage:
    """
    A page of the wall.

    Attributes
    ----------
    cameras
        camera_id, code, name, demonstration, state, since, failures, leads (that nobody judged), sample_id, taken_at,
        width_px, height_px: one row a camera, in order; without a picture the last four are missing.
    boxes
        sample_id, label, score, x1, y1, x2, y2: pixels.
    zones
        camera_id, polygon_px, title_zh, title_en.
    watched
        Cameras on all pages.
    by_state
        State → cameras on all pages.
    """

    cameras: pd.DataFrame
    boxes: pd.DataFrame
    zones: pd.DataFrame
    watched: int
    by_state: dict[str, int]


@dataclass(frozen=True)
class Pace:
    """
    How the patrol keeps up.

    Attributes
    ----------
    per_s
        Samples a second in the last minute.
    taken
        Samples in the last ten minutes that were due at some time.
    late_median_s, late_worst_s
        From the due time to the picture, of these; None without any.
    waiting, doing
        Looks in the queue, and looks that are being taken.
    oldest_s
        Seconds since the oldest waiting look was due; None where none waits.
    workers
        Video workers that are connected.
    handing_out
        One of them hands out what is due.
    """

    per_s: float
    taken: int
    late_median_s: float | None
    late_worst_s: float | None
    waiting: int
    doing: int
    oldest_s: float | None
    workers: int
    handing_out: bool


@dataclass(frozen=True)
class HealthPage:
    """
    A page of the table of streams.

    Attributes
    ----------
    cameras
        camera_id, code, name, address (as stored: show it through `geodata.video.addresses.shown_address`),
        demonstration, state, since, failures, next_try_at, last_sampled_at, resized_at, error (a HuiyanError or None),
        silence_s (longest time between two pictures in the last 24 h, the present one included; None without any).
    watched
        Cameras on all pages, of the states asked for.
    by_state
        State → cameras, of all states.
    """

    cameras: pd.DataFrame
    watched: int
    by_state: dict[str, int]


def cameras_with_footage(conn: Connection) -> pd.DataFrame:
    """
    Cameras that have footage: id, code, name, stream_url, demonstration, lon_deg, lat_deg, their calibration, and
    whether they are watched.
    """
    return read_table(
        conn,
        "SELECT c.id, c.code, c.name, c.stream_url, c.demonstration, c.pose_simulated,"
        " ST_X(c.geom) AS lon_deg, ST_Y(c.geom) AS lat_deg, k.rmse_m, k.max_error_m, k.source,"
        " w.camera_id IS NOT NULL AS watched FROM camera c LEFT JOIN calibration k ON k.camera_id = c.id"
        " LEFT JOIN camera_watch w ON w.camera_id = c.id WHERE c.stream_url IS NOT NULL ORDER BY c.id",
    )


def newest_patrol(conn: Connection, camera_id: int) -> Patrol:
    """Samples that still have their pictures, their boxes, and the camera's findings."""
    here = {"camera": camera_id}
    return Patrol(
        samples=read_table(
            conn,
            "SELECT id, taken_at, footage_s, width_px, height_px, detector, looked_s, simulated FROM sample"
            " WHERE camera_id = :camera AND picture IS NOT NULL ORDER BY taken_at",
            here,
        ),
        detections=read_table(
            conn,
            "SELECT d.sample_id, d.label, d.score, d.x1, d.y1, d.x2, d.y2 FROM detection d"
            " JOIN sample s ON s.id = d.sample_id"
            " WHERE s.camera_id = :camera AND s.picture IS NOT NULL ORDER BY d.sample_id, d.id",
            here,
        ),
        findings=read_table(
            conn,
            "SELECT f.id, z.name AS zone, z.title_zh, z.title_en, f.label, e.code AS class_code, e.name_zh, e.name_en,"
            " f.first_seen_at, f.last_seen_at, f.dwell_s, f.confidence, f.x1, f.y1, f.x2, f.y2,"
            " ST_X(f.geom) AS lon_deg, ST_Y(f.geom) AS lat_deg, f.simulated FROM finding f"
            " JOIN zone z ON z.id = f.zone_id JOIN event_class e ON e.code = f.class_code"
            " WHERE f.camera_id = :camera ORDER BY f.first_seen_at DESC, f.id LIMIT 200",
            here,
        ),
        zones=read_table(
            conn,
            "SELECT name, title_zh, title_en, dwell_s, polygon_px FROM zone WHERE camera_id = :camera ORDER BY name",
            here,
        ),
    )


def video_wall(conn: Connection, order: str, *, page: int, of: int, least_score: float) -> WallPage:
    """
    The newest picture of each camera that is watched, page by page.

    Parameters
    ----------
    conn
        An open connection.
    order
        One of `WALL_ORDERS`: streams in trouble first, most leads that nobody judged first, or newest picture first.
    page, of
        Number of the page from 0, and cameras on it.
    least_score
        Boxes below this are left out.
    """
    cameras = read_table(
        conn,
        "SELECT p.*, s.id AS sample_id, s.taken_at, s.width_px, s.height_px FROM ("  # noqa: S608 - from above
        f"SELECT row_number() OVER (ORDER BY {ORDERS[order]}) AS place, w.camera_id, c.code, c.name, c.demonstration,"
        f" {STATE_NOW} AS state, w.state_since AS since, w.failures, coalesce(o.leads, 0) AS leads"
        f" FROM camera_watch w JOIN camera c ON c.id = w.camera_id LEFT JOIN ({OPEN}) o ON o.camera_id = w.camera_id"
        " ORDER BY place LIMIT :of OFFSET :skip) p LEFT JOIN LATERAL ("
        "SELECT id, taken_at, width_px, height_px FROM sample WHERE camera_id = p.camera_id AND picture IS NOT NULL"
        " ORDER BY taken_at DESC LIMIT 1) s ON true ORDER BY p.place",
        {"of": of, "skip": page * of},
    )
    boxes = read_table(
        conn,
        "SELECT sample_id, label, score, x1, y1, x2, y2 FROM detection"
        " WHERE sample_id = ANY(:samples) AND score >= :least ORDER BY sample_id, id",
        {"samples": [int(each) for each in cameras["sample_id"].dropna()], "least": least_score},
    )
    zones = read_table(
        conn,
        "SELECT camera_id, polygon_px, title_zh, title_en FROM zone WHERE enabled AND camera_id = ANY(:cameras)"
        " ORDER BY id",
        {"cameras": [int(each) for each in cameras["camera_id"]]},
    )
    states = _states(conn)
    return WallPage(cameras, boxes, zones, sum(states.values()), states)


def patrol_pace(conn: Connection, most_per_s: float) -> Pace:
    """
    How the patrol keeps up, of the last ten minutes.

    Parameters
    ----------
    conn
        An open connection.
    most_per_s
        The budget: more samples a second than twice this are not counted.
    """
    row = conn.execute(
        text(
            "SELECT count(*) FILTER (WHERE taken_at > now() - make_interval(secs => :rate)) AS newest, count(*) AS n,"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY late) AS median, max(late) AS worst FROM ("
            "SELECT taken_at, extract(epoch FROM taken_at - due_at)::float8 AS late FROM ("
            "SELECT taken_at, due_at FROM sample ORDER BY id DESC LIMIT :most) newest"
            " WHERE due_at IS NOT NULL AND taken_at > now() - make_interval(secs => :pace)) late"
        ),
        {"rate": RATE_S, "pace": PACE_S, "most": int(2 * most_per_s * PACE_S) + 100},
    ).one()
    queue = conn.execute(
        text(
            "SELECT count(*) FILTER (WHERE status = 'todo') AS waiting,"
            " count(*) FILTER (WHERE status = 'doing') AS doing, extract(epoch FROM now() -"
            " min((args->>'due')::timestamptz) FILTER (WHERE status = 'todo'))::float8 AS oldest"
            " FROM procrastinate_jobs WHERE queue_name = 'video' AND status IN ('todo', 'doing')"
        )
    ).one()
    alive = conn.execute(
        text(
            "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE :listens)"
            " AS workers, EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND (classid::bigint << 32) + objid::bigint = :lock AND objsubid = 1) AS handing"
        ),
        {"listens": LISTENS, "lock": HANDS_OUT},
    ).one()
    return Pace(
        per_s=row.newest / RATE_S,
        taken=row.n,
        late_median_s=row.median,
        late_worst_s=row.worst,
        waiting=queue.waiting,
        doing=queue.doing,
        oldest_s=None if queue.oldest is None else max(0.0, queue.oldest),
        workers=alive.workers,
        handing_out=alive.handing,
    )


def camera_health(
    conn: Connection, *, states: tuple[str, ...] = (), page: int, of: int, now: dt.datetime
) -> HealthPage:
    """
    How the streams of all watched cameras are, those in trouble first.

    Parameters
    ----------
    conn
        An open connection.
    states
        Only these; all if empty.
    page, of
        Number of the page from 0, and cameras on it.
    now
        Aware; silence is counted up to here.
    """
    where = f"WHERE {STATE_NOW} = ANY(:states)" if states else ""
    page_sql = (
        f"SELECT w.*, row_number() OVER (ORDER BY {ORDERS['trouble']}) AS place FROM camera_watch w"  # noqa: S608
        f" LEFT JOIN ({OPEN}) o ON o.camera_id = w.camera_id {where} ORDER BY place LIMIT :of OFFSET :skip"
    )
    rows = read_table(
        conn,
        "SELECT w.camera_id, c.code, c.name, c.stream_url AS address, c.demonstration, w.state, w.state_since,"  # noqa: S608
        " w.failures, w.unanswered, w.last_event, w.last_event_at, w.next_try_at, w.last_sampled_at, w.resized_at,"
        f" w.error, g.silence_s FROM ({page_sql}) w JOIN camera c ON c.id = w.camera_id"
        " LEFT JOIN LATERAL (SELECT max(extract(epoch FROM until - taken_at))::float8 AS silence_s FROM ("
        "SELECT taken_at, lead(taken_at, 1, CAST(:now AS timestamptz)) OVER (ORDER BY taken_at) AS until"
        " FROM sample WHERE camera_id = w.camera_id AND due_at IS NOT NULL"
        " AND taken_at > CAST(:now AS timestamptz) - make_interval(hours => :hours)) gaps) g ON true"
        " ORDER BY w.place",
        {"states": list(states), "of": of, "skip": page * of, "now": now, "hours": SILENCE_H},
    )
    told = [_told(row, now) for row in rows.to_dict(orient="records")]
    by_state = _states(conn)
    rows["state"] = [each.state for each in told]
    rows["since"] = pd.Series(
        [None if each.since_s is None else dt.datetime.fromtimestamp(each.since_s, dt.UTC) for each in told],
        index=rows.index,
        dtype="datetime64[us, UTC]",
    )
    rows["error"] = pd.Series(
        [None if not isinstance(each, dict) else HuiyanError.retold(each) for each in rows["error"]],
        index=rows.index,
        dtype=object,
    )
    chosen = states or tuple(by_state)
    watched = sum(count for state, count in by_state.items() if state in chosen)
    return HealthPage(rows, watched, by_state)


def cell_leads(conn: Connection) -> pd.DataFrame:
    """
    Cells that somebody looked at: id, code, name_zh, name_en (of the community), leads, hours, leads_per_h, lon_deg,
    lat_deg, simulated; most leads an hour first.
    """
    return read_table(
        conn,
        "SELECT t.id, t.code, a.name_zh, a.name_en, t.leads, t.hours, t.leads_per_h,"
        " ST_X(ST_Centroid(t.geom)) AS lon_deg, ST_Y(ST_Centroid(t.geom)) AS lat_deg, t.simulated"
        " FROM cell_leads t JOIN unit_cell c ON c.id = t.id JOIN area a ON a.id = c.area_id"
        " ORDER BY t.leads_per_h DESC, t.hours DESC, t.code",
    )


def _states(conn: Connection) -> dict[str, int]:
    rows = conn.execute(
        text(f"SELECT {STATE_NOW} AS state, count(*) AS n FROM camera_watch w GROUP BY 1")  # noqa: S608
    )
    return {row.state: row.n for row in rows}


def _told(row: dict[Any, Any], now: dt.datetime) -> Health:
    """The health as one may tell it now."""
    known = Health(
        state=row["state"],
        since_s=_epoch(row["state_since"]),
        failures=row["failures"],
        unanswered=row["unanswered"],
        last_ok_s=_epoch(row["last_sampled_at"]),
        last_event_s=_epoch(row["last_event_at"]),
        last_event=row["last_event"],
        resized_s=_epoch(row["resized_at"]),
    )
    return seen_at(known, now.timestamp())


def _epoch(moment: Any) -> float | None:
    return None if moment is None or pd.isna(moment) else float(moment.timestamp())
