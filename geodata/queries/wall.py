"""What the wall tells: a few figures of the whole town for each of its pages, each in a handful of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from analysis.evaluation import Change, Indicator, change, indicators, ranked_rates
from geodata.queries.datasets import dataset_rows, loaded_town
from geodata.queries.desk import DeskCounts, desk_counts
from geodata.queries.figures import KeyFigures, key_figures, measure_breaks
from geodata.queries.frames import read_table
from geodata.queries.watching import STATE_NOW
from geodata.towns.town import Town

__all__ = [
    "PAGES",
    "CameraPage",
    "CellPage",
    "Evaluation",
    "LeadPage",
    "OverviewPage",
    "ParkingPage",
    "PipePage",
    "Reading",
    "cameras",
    "cells",
    "evaluation",
    "overview",
    "parking",
    "pipes",
    "read",
    "video",
]

PAGES = ("overview", "cells", "cameras", "parking", "pipes", "video", "evaluation")
"""Every page that the wall has, in its usual order."""
LONGEST_S = 8
TREND_DAYS = 60
RECENT_DAYS = 30
COMPARED_DAYS = 90
TOP = 5
BEYOND = ("dispatched", "disposed", "verified", "closed")
"""Stages that a case reaches only where somebody keeps its progress on record."""


@dataclass(frozen=True, eq=False)
class OverviewPage:
    """
    The city at a glance.

    Attributes
    ----------
    figures
        Of the whole town.
    last_at
        The newest violation, or None.
    by_day
        `day`, `cases`: each of the last whole days on record, those without any too.
    by_area
        `name_zh`, `name_en`, `cases`: the areas with most in the last thirty days on record.
    by_source
        `source`, `cases`: of the same days.
    """

    figures: KeyFigures
    last_at: dt.datetime | None
    by_day: pd.DataFrame
    by_area: pd.DataFrame
    by_source: pd.DataFrame


@dataclass(frozen=True, eq=False)
class CellPage:
    """
    The grid and its cases.

    Attributes
    ----------
    cells, seen_cells
        Unit cells; those of them that somebody looked at.
    recent
        Cases of the last thirty days on record against the thirty before.
    by_class
        `name_zh`, `name_en`, `cases`: of those days.
    by_hour
        (24,) cases of those days by hour of the town's day.
    worst
        `code`, `rate`, `lower`, `upper`, `lon_deg`, `lat_deg`: cells whose lower limit is highest; violations an hour
        of full view.
    breaks
        Limits of the classes of the rate.
    """

    cells: int
    seen_cells: int
    recent: Change
    by_class: pd.DataFrame
    by_hour: np.ndarray[Any, np.dtype[np.int64]]
    worst: pd.DataFrame
    breaks: list[float]


@dataclass(frozen=True, eq=False)
class CameraPage:
    """
    Cameras and what they see.

    Attributes
    ----------
    cameras, online
        In the register; those that work.
    once_ratio, twice_ratio
        Share of the ground that at least one, at least two cameras see; None: not computed.
    by_task
        `name`, `ratio`: share of the ground by DORI task.
    by_hour
        (24,) share of the ground by hour of the day; NaN: not computed.
    by_owner
        `owner`, `cameras`: most first.
    """

    cameras: int
    online: int
    once_ratio: float | None
    twice_ratio: float | None
    by_task: pd.DataFrame
    by_hour: np.ndarray[Any, np.dtype[np.float64]]
    by_owner: pd.DataFrame


@dataclass(frozen=True, eq=False)
class ParkingPage:
    """
    Parking against the rules.

    Attributes
    ----------
    per_h, edges, seen_edges
        Violations begun an hour at all places with an estimate, these places, and those that captures tell of.
    dark_edges
        Street edges without evidence.
    kerb_km
        `legal` (true, false or none), `km`.
    car_parks, told_capacity, capacity
        Car parks; those whose capacity is known; its sum.
    recall
        `hits`, `misses` of the beta distribution of the detector's recall, or None.
    by_hour
        (24,) how busy each hour of the day is against the mean; NaN: not estimated.
    worst
        `name`, `rate`, `lower`, `upper` (violations begun a kilometre of kerb and hour), `lon_deg`, `lat_deg`.
    """

    per_h: float | None
    edges: int
    seen_edges: int
    dark_edges: int
    kerb_km: pd.DataFrame
    car_parks: int
    told_capacity: int
    capacity: int
    recall: tuple[float, float] | None
    by_hour: np.ndarray[Any, np.dtype[np.float64]]
    worst: pd.DataFrame


@dataclass(frozen=True, eq=False)
class PipePage:
    """
    Pipes and lifelines.

    Attributes
    ----------
    by_network
        `network`, `km`, `pipes`: longest first.
    nodes
        `network`, `nodes`: most first.
    sensors, online
        Devices that measure; those that work.
    sized_ratio
        Share of the length whose diameter is on record, or None.
    middle
        Longitude and latitude of the middle of all pipes, or None.
    """

    by_network: pd.DataFrame
    nodes: pd.DataFrame
    sensors: int
    online: int
    sized_ratio: float | None
    middle: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class LeadPage:
    """
    What the video patrol brings.

    Attributes
    ----------
    desk
        What waits for a person.
    streams
        State → cameras that are patrolled.
    looks
        Frames looked at in the last hour.
    by_hour
        `at`, `leads`: leads of the last 24 hours by hour, oldest first, those without any too.
    newest
        `name_zh`, `name_en`, `camera`, `first_seen_at`, `confidence`, `state`, `lon_deg`, `lat_deg`: newest first.
    """

    desk: DeskCounts
    streams: dict[str, int]
    looks: int
    by_hour: pd.DataFrame
    newest: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Evaluation:
    """
    How well the city finds and deals with its problems.

    Attributes
    ----------
    shares
        Indicators of GB/T 30428.4 over all cases on record.
    areas
        `name_zh`, `name_en`, and the columns of `analysis.evaluation.ranked_rates`, by rank.
    breaks
        Limits of the classes of the rate.
    reports
        What people reported in the last ninety days on record against the ninety before, by area: `name_zh`,
        `name_en`, `change`.
    """

    shares: tuple[Indicator, ...]
    areas: pd.DataFrame
    breaks: list[float]
    reports: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Reading:
    """
    What was read for a page, all of one moment.

    Attributes
    ----------
    town, taken_at
        Of the database, and by its clock.
    extent
        West, south, east, north of all unit cells, degrees.
    register
        Rows of `dataset` by name: source, licence, revision, simulated.
    figures
        What the page's own function found.
    """

    town: Town
    taken_at: dt.datetime
    extent: tuple[float, float, float, float]
    register: dict[str, Any]
    figures: Any


def read(conn: Connection, page: str) -> Reading:
    """
    Reads a page's figures; a query that takes longer than `LONGEST_S` is given up.

    Raises
    ------
    NotFound
        If nothing is loaded.
    """
    still = conn.execution_options(isolation_level="REPEATABLE READ")
    still.execute(text(f"SET LOCAL statement_timeout = '{LONGEST_S}s'"))
    town = loaded_town(still)
    taken_at = still.execute(text("SELECT clock_timestamp()")).scalar_one()
    west, south, east, north = still.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM (SELECT ST_Extent(geom) AS e FROM unit_cell) x"
        )
    ).one()
    register = {row.name: row for row in dataset_rows(still)}
    return Reading(town, taken_at, (west, south, east, north), register, READERS[page](still, town))


def overview(conn: Connection, town: Town) -> OverviewPage:
    """The city at a glance."""
    last = _last(conn)
    since = _days_before(last, TREND_DAYS)
    recent = _days_before(last, RECENT_DAYS)
    zone = {"zone": str(town.time_zone)}
    by_day = read_table(
        conn,
        "SELECT d::date AS day, coalesce(n, 0) AS cases FROM generate_series("
        "(CAST(:since AS timestamptz) AT TIME ZONE :zone)::date + 1,"
        " (CAST(:last AS timestamptz) AT TIME ZONE :zone)::date - 1,"
        " interval '1 day') d LEFT JOIN (SELECT (at AT TIME ZONE :zone)::date AS day, count(*) AS n FROM violation"
        " WHERE at >= :since GROUP BY 1) v ON v.day = d::date ORDER BY 1",
        {"since": since, "last": last, **zone},
    )
    by_area = read_table(
        conn,
        "SELECT a.name_zh, a.name_en, count(*) AS cases FROM violation v JOIN unit_cell c ON c.id = v.cell_id"
        " JOIN area a ON a.id = c.area_id WHERE v.at >= :since GROUP BY a.id, 1, 2 ORDER BY 3 DESC, a.id LIMIT :top",
        {"since": recent, "top": TOP},
    )
    by_source = read_table(
        conn,
        "SELECT source, count(*) AS cases FROM violation WHERE at >= :since GROUP BY 1 ORDER BY 2 DESC, 1",
        {"since": recent},
    )
    figures = key_figures(conn, {"since": recent})
    return OverviewPage(figures, last, by_day if last else by_day.iloc[:0], by_area, by_source)


def cells(conn: Connection, town: Town) -> CellPage:
    """The grid and its cases."""
    last = _last(conn)
    recent, before = _days_before(last, RECENT_DAYS), _days_before(last, 2 * RECENT_DAYS)
    found = conn.execute(
        text(
            "SELECT (SELECT count(*) FROM unit_cell),"
            " (SELECT count(*) FROM cell_measure WHERE rate IS NOT NULL),"
            " count(*) FILTER (WHERE at >= :recent), count(*) FILTER (WHERE at < :recent)"
            " FROM violation WHERE at >= :before"
        ),
        {"recent": recent, "before": before},
    ).one()
    by_class = read_table(
        conn,
        "SELECT e.name_zh, e.name_en, count(*) AS cases FROM violation v JOIN event_class e ON e.code = v.class_code"
        " WHERE v.at >= :since GROUP BY e.code ORDER BY 3 DESC, e.code LIMIT :top",
        {"since": recent, "top": TOP},
    )
    hours = read_table(
        conn,
        "SELECT extract(hour FROM at AT TIME ZONE :zone)::int AS hour, count(*) AS cases FROM violation"
        " WHERE at >= :since GROUP BY 1",
        {"since": recent, "zone": str(town.time_zone)},
    )
    by_hour = np.zeros(24, dtype=np.int64)
    by_hour[hours["hour"].to_numpy(dtype=np.int64)] = hours["cases"].to_numpy(dtype=np.int64)
    worst = read_table(
        conn,
        "SELECT c.code, m.rate, m.rate_lower AS lower, m.rate_upper AS upper, ST_X(p) AS lon_deg, ST_Y(p) AS lat_deg"
        " FROM cell_measure m JOIN unit_cell c ON c.id = m.cell_id CROSS JOIN LATERAL ST_PointOnSurface(c.geom) p"
        " WHERE m.rate_lower > 0 ORDER BY m.rate_lower DESC, c.code LIMIT :top",
        {"top": TOP},
    )
    return CellPage(
        found[0],
        found[1],
        change(found[2], found[3]),
        by_class,
        by_hour,
        worst,
        measure_breaks(conn, "rate", 5),
    )


def cameras(conn: Connection, _town: Town) -> CameraPage:
    """Cameras and what they see."""
    total, online = conn.execute(
        text("SELECT count(*), count(*) FILTER (WHERE state = 'online') FROM camera")
    ).one()
    shares = read_table(
        conn,
        "SELECT s.grouping AS name, sum(s.once_ratio * c.area_m2) / (SELECT sum(area_m2) FROM unit_cell) AS once,"
        " sum(s.twice_ratio * c.area_m2) / (SELECT sum(area_m2) FROM unit_cell) AS twice"
        " FROM coverage_share s JOIN unit_cell c ON c.id = s.place_id WHERE s.place = 'unit_cell'"
        " AND (s.grouping = 'all' OR s.grouping LIKE 'dori:%' OR s.grouping LIKE 'hour:%') GROUP BY 1",
    ).set_index("name")
    owners = read_table(
        conn,
        "SELECT owner, count(*) AS cameras FROM camera GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :top",
        {"top": TOP},
    )
    tasks = [f"dori:{task}" for task in ("detect", "observe", "recognise", "identify")]
    by_task = pd.DataFrame(
        {"name": [each[5:] for each in tasks], "ratio": shares["once"].reindex(tasks).to_numpy()}
    )
    by_hour = shares["once"].reindex([f"hour:{hour:02d}" for hour in range(24)]).to_numpy(dtype=np.float64)
    all_of = shares.loc["all"] if "all" in shares.index else None
    return CameraPage(
        total,
        online,
        None if all_of is None else float(all_of["once"]),
        None if all_of is None else float(all_of["twice"]),
        by_task,
        by_hour,
        owners,
    )


def parking(conn: Connection, _town: Town) -> ParkingPage:
    """Parking against the rules: demand, supply, and where it is worst."""
    per_h, edges, seen, dark = conn.execute(
        text(
            "SELECT sum(per_h), count(*) FILTER (WHERE evidence <> 'none'), "
            " count(*) FILTER (WHERE evidence = 'observed'),"
            " count(*) FILTER (WHERE evidence = 'none') FROM demand_estimate WHERE place = 'street_edge'"
        )
    ).one()
    kerb_km = read_table(
        conn, "SELECT legal, sum(length_m) / 1000 AS km FROM kerb GROUP BY 1 ORDER BY legal DESC NULLS LAST"
    )
    parks = conn.execute(
        text("SELECT count(*), count(capacity), coalesce(sum(capacity), 0) FROM car_park")
    ).one()
    recall = conn.execute(
        text("SELECT hits, misses FROM detector_recall ORDER BY class_code LIMIT 1")
    ).first()
    profile = read_table(
        conn, "SELECT hour % 24 AS hour, avg(weight) AS weight FROM demand_profile GROUP BY 1"
    )
    by_hour = np.full(24, np.nan)
    by_hour[profile["hour"].to_numpy(dtype=np.int64)] = profile["weight"].to_numpy(dtype=np.float64)
    worst = read_table(
        conn,
        "SELECT name, 1000 * rate AS rate, 1000 * lower95 AS lower, 1000 * upper95 AS upper, lon_deg, lat_deg FROM ("
        "SELECT DISTINCT ON (s.name) s.name, d.rate, d.lower95, d.upper95, ST_X(p) AS lon_deg, ST_Y(p) AS lat_deg"
        " FROM demand_estimate d JOIN street_edge s ON s.id = d.place_id"
        " CROSS JOIN LATERAL ST_LineInterpolatePoint(s.geom, 0.5) p"
        " WHERE d.place = 'street_edge' AND d.evidence = 'observed' AND s.name IS NOT NULL"
        " ORDER BY s.name, d.lower95 DESC, s.id) best ORDER BY lower95 DESC, name LIMIT :top",
        {"top": TOP},
    )
    return ParkingPage(
        per_h, edges, seen, dark, kerb_km, *parks, (recall[0], recall[1]) if recall else None, by_hour, worst
    )


def pipes(conn: Connection, _town: Town) -> PipePage:
    """Pipes and lifelines."""
    by_network = read_table(
        conn,
        "SELECT kind AS network, sum(length_m) / 1000 AS km, count(*) AS pipes FROM pipe GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    nodes = read_table(conn, "SELECT network, count(*) AS nodes FROM pipe_node GROUP BY 1 ORDER BY 2 DESC, 1")
    sensors, online = conn.execute(
        text("SELECT count(*), count(*) FILTER (WHERE state = 'online') FROM sensor")
    ).one()
    sized, lon, lat = conn.execute(
        text(
            "SELECT sum(length_m) FILTER (WHERE diameter_mm IS NOT NULL) / sum(length_m),"
            " (ST_XMin(ST_Extent(geom)) + ST_XMax(ST_Extent(geom))) / 2,"
            " (ST_YMin(ST_Extent(geom)) + ST_YMax(ST_Extent(geom))) / 2 FROM pipe"
        )
    ).one()
    total = len(by_network) > 0
    return PipePage(
        by_network,
        nodes,
        sensors,
        online,
        float(sized or 0) if total else None,
        (lon, lat) if total else None,
    )


def video(conn: Connection, town: Town) -> LeadPage:
    """What the video patrol brings."""
    streams = read_table(conn, f"SELECT {STATE_NOW} AS state, count(*) AS n FROM camera_watch w GROUP BY 1")  # noqa: S608
    looks = conn.execute(
        text("SELECT count(*) FROM sample WHERE taken_at > now() - interval '1 hour'")
    ).scalar_one()
    by_hour = read_table(
        conn,
        "SELECT h AT TIME ZONE :zone AS at, count(f.id) AS leads FROM generate_series(date_trunc('hour', now())"
        " - interval '23 hours', date_trunc('hour', now()), interval '1 hour') h"
        " LEFT JOIN finding f ON f.first_seen_at >= h AND f.first_seen_at < h + interval '1 hour'"
        " AND f.merged_into IS NULL AND f.state <> 'rejected' GROUP BY h ORDER BY h",
        {"zone": str(town.time_zone)},
    )
    newest = read_table(
        conn,
        "SELECT e.name_zh, e.name_en, c.name AS camera, f.first_seen_at, f.confidence, f.state,"
        " ST_X(coalesce(f.geom, c.geom)) AS lon_deg, ST_Y(coalesce(f.geom, c.geom)) AS lat_deg"
        " FROM finding f JOIN camera c ON c.id = f.camera_id JOIN event_class e ON e.code = f.class_code"
        " WHERE f.merged_into IS NULL AND f.state <> 'rejected' ORDER BY f.first_seen_at DESC, f.id DESC LIMIT :top",
        {"top": TOP},
    )
    told = dict(zip(streams["state"], (int(each) for each in streams["n"]), strict=True))
    return LeadPage(desk_counts(conn), told, looks, by_hour, newest)


def evaluation(conn: Connection, _town: Town) -> Evaluation:
    """How well the city finds and deals with its problems."""
    rows = conn.execute(text("SELECT stage, count(*) FROM case_file GROUP BY 1")).all()
    stages = {stage: n for stage, n in rows}
    areas = read_table(
        conn,
        "SELECT a.id, a.name_zh, a.name_en, sum(m.captures)::bigint AS count, sum(m.exposure_h) AS exposure_h"
        " FROM cell_measure m JOIN unit_cell c ON c.id = m.cell_id JOIN area a ON a.id = c.area_id"
        " GROUP BY a.id ORDER BY a.id",
    ).set_index("id")
    # captures of hours that no camera has any more cannot be divided by anything
    seen = areas["exposure_h"].fillna(0).astype(float)
    counts = areas["count"].fillna(0).astype("int64").where(seen > 0, 0)
    ranked = ranked_rates(counts, seen)
    return Evaluation(
        indicators(_stage_counts(stages)),
        areas[["name_zh", "name_en"]].join(ranked, how="right"),
        measure_breaks(conn, "rate", 5),
        _reports(conn),
    )


READERS: dict[str, Callable[[Connection, Town], Any]] = {
    "overview": overview,
    "cells": cells,
    "cameras": cameras,
    "parking": parking,
    "pipes": pipes,
    "video": video,
    "evaluation": evaluation,
}
"""Page → the function that reads it."""


def _stage_counts(stages: dict[Any, int]) -> dict[str, int | None]:
    """Counts of `analysis.evaluation.INDICATORS`; what no case has got to is taken as not on record."""
    by_stage = {getattr(stage, "value", stage): n for stage, n in stages.items()}
    reported = sum(by_stage.values())
    registered = reported - by_stage.get("reported", 0) - by_stage.get("void", 0)
    kept = any(by_stage.get(stage) for stage in BEYOND)
    disposed = sum(by_stage.get(stage, 0) for stage in ("disposed", "verified", "closed"))
    return {
        "reported": reported,
        "registered": registered,
        "due_disposal": registered if kept else None,
        "disposed": disposed if kept else None,
        "due_closing": registered if kept else None,
        "closed": by_stage.get("closed", 0) if kept else None,
        # cases carry no time limit
        "closed_in_time": None,
    }


def _reports(conn: Connection) -> pd.DataFrame:
    """What people reported, by area: the last days on record against those before."""
    last = _last(conn)
    table = read_table(
        conn,
        "SELECT a.name_zh, a.name_en, count(*) FILTER (WHERE v.at >= :now) AS now,"
        " count(*) FILTER (WHERE v.at < :now) AS before FROM violation v JOIN unit_cell c ON c.id = v.cell_id"
        " JOIN area a ON a.id = c.area_id WHERE v.at >= :before AND v.source NOT IN ('camera', 'video')"
        " GROUP BY a.id ORDER BY count(*) DESC, a.id LIMIT :top",
        {
            "now": _days_before(last, COMPARED_DAYS),
            "before": _days_before(last, 2 * COMPARED_DAYS),
            "top": TOP,
        },
    )
    told = [change(int(row.now), int(row.before)) for row in table.itertuples()]
    return table[["name_zh", "name_en"]].assign(change=pd.Series(told, index=table.index, dtype=object))


def _last(conn: Connection) -> dt.datetime | None:
    """The newest violation; one that is dated in the future does not count."""
    moment: dt.datetime | None = conn.execute(
        text("SELECT max(at) FROM violation WHERE at <= now()")
    ).scalar()
    return moment


def _days_before(moment: dt.datetime | None, days: int) -> dt.datetime | None:
    return None if moment is None else moment - dt.timedelta(days=days)
