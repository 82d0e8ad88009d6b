"""What the wall tells: figures of the town, or of what a shared view asks, each page in a handful of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from analysis.evaluation import change, indicators, ranked_rates
from geodata.models import Stage
from geodata.queries.closing import class_scenes, closings, together
from geodata.queries.datasets import dataset_rows, loaded_town
from geodata.queries.desk import DeskCounts
from geodata.queries.figures import key_figures, measure_breaks
from geodata.queries.frames import read_table
from geodata.queries.wall_pages import (
    COMPARED_DAYS,
    TOP,
    CameraPage,
    CellPage,
    Evaluation,
    LeadPage,
    OverviewPage,
    ParkingPage,
    PipePage,
    Reading,
)
from geodata.queries.wall_scope import Scope, named, period
from geodata.queries.watching import STATE_NOW
from geodata.towns.town import Town

__all__ = [
    "PAGES",
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
LONGEST_TREND_DAYS = 366

BEYOND = ("dispatched", "disposed", "verified", "closed")
"""Stages that a case reaches only where somebody keeps its progress on record."""


def read(conn: Connection, page: str, scope: Scope | None = None) -> Reading:
    """
    Reads a page's figures; a query that takes longer than `LONGEST_S` is given up.

    Parameters
    ----------
    page
        One of `PAGES`.
    scope
        What the figures are asked of; None: of the whole town.

    Raises
    ------
    NotFound
        If nothing is loaded.
    """
    asked = scope or Scope()
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
    figures = READERS[page](still, town, asked)
    return Reading(town, taken_at, (west, south, east, north), register, figures, named(still, asked))


def overview(conn: Connection, town: Town, scope: Scope) -> OverviewPage:
    """The city at a glance."""
    told = period(conn, scope)
    trend = told if told.chosen else period(conn, scope, TREND_DAYS)
    dates = trend.dates(town.time_zone)
    asked = {**scope.filters, "since": told.since, "until": told.until, "top": TOP}
    by_day = pd.DataFrame({"day": [], "cases": []})
    if dates is not None:
        first, last = dates
        if not trend.chosen:  # of these days a part only is on record
            first, last = first + dt.timedelta(days=1), last - dt.timedelta(days=1)
        first = max(first, last - dt.timedelta(days=LONGEST_TREND_DAYS - 1))
        by_day = read_table(
            conn,
            "SELECT d::date AS day, coalesce(n, 0) AS cases FROM generate_series(CAST(:first AS date),"
            " CAST(:last AS date), interval '1 day') d LEFT JOIN (SELECT (at AT TIME ZONE :zone)::date AS day,"
            " count(*) AS n FROM violation t WHERE t.at >= :since AND t.at < :until"
            f"{scope.violations()} GROUP BY 1) v ON v.day = d::date ORDER BY 1",
            {
                **asked,
                "since": trend.since,
                "until": trend.until,
                "first": first,
                "last": last,
                "zone": str(town.time_zone),
            },
        )
    within = f"t.at >= :since AND t.at < :until{scope.violations()}"
    by_area = read_table(
        conn,
        "SELECT a.name_zh, a.name_en, count(*) AS cases FROM violation t JOIN unit_cell c ON c.id = t.cell_id"
        f" JOIN area a ON a.id = c.area_id WHERE {within} GROUP BY a.id, 1, 2 ORDER BY 3 DESC, a.id LIMIT :top",
        asked,
    )
    by_source = read_table(
        conn,
        f"SELECT source, count(*) AS cases FROM violation t WHERE {within} GROUP BY 1 ORDER BY 2 DESC, 1",
        asked,
    )
    figures = key_figures(conn, {**scope.filters, "since": told.since, "until": told.until})
    return OverviewPage(figures, told, by_day, by_area, by_source)


def cells(conn: Connection, town: Town, scope: Scope) -> CellPage:
    """The grid and its cases."""
    told = period(conn, scope)
    asked = {**scope.filters, "since": told.since, "until": told.until, "before": told.before(), "top": TOP}
    where = scope.violations()
    recent, earlier = conn.execute(
        text(
            "SELECT count(*) FILTER (WHERE t.at >= :since), count(*) FILTER (WHERE t.at < :since)"
            f" FROM violation t WHERE t.at >= :before AND t.at < :until{where}"
        ),
        asked,
    ).one()
    total, seen = conn.execute(
        text(
            "SELECT count(*), count(m.rate) FROM unit_cell t LEFT JOIN cell_measure m ON m.cell_id = t.id"
            f" WHERE true{scope.place('area')}"
        ),
        scope.filters,
    ).one()
    by_class = read_table(
        conn,
        "SELECT e.name_zh, e.name_en, count(*) AS cases FROM violation t JOIN event_class e ON e.code = t.class_code"
        f" WHERE t.at >= :since AND t.at < :until{where} GROUP BY e.code ORDER BY 3 DESC, e.code LIMIT :top",
        asked,
    )
    hours = read_table(
        conn,
        "SELECT extract(hour FROM t.at AT TIME ZONE :zone)::int AS hour, count(*) AS cases FROM violation t"
        f" WHERE t.at >= :since AND t.at < :until{where} GROUP BY 1",
        {**asked, "zone": str(town.time_zone)},
    )
    by_hour = np.zeros(24, dtype=np.int64)
    by_hour[hours["hour"].to_numpy(dtype=np.int64)] = hours["cases"].to_numpy(dtype=np.int64)
    worst = read_table(
        conn,
        "SELECT t.code, m.rate, m.rate_lower AS lower, m.rate_upper AS upper, ST_X(p) AS lon_deg, ST_Y(p) AS lat_deg"
        " FROM cell_measure m JOIN unit_cell t ON t.id = m.cell_id CROSS JOIN LATERAL ST_PointOnSurface(t.geom) p"
        f" WHERE m.rate_lower > 0{scope.place('area')} ORDER BY m.rate_lower DESC, t.code LIMIT :top",
        asked,
    )
    return CellPage(
        total,
        seen,
        told,
        change(recent, earlier),
        by_class,
        by_hour,
        worst,
        measure_breaks(conn, "rate", 5),
    )


def cameras(conn: Connection, _town: Town, scope: Scope) -> CameraPage:
    """Cameras and what they see."""
    here, ground = scope.place("point"), scope.place("area")
    total, online = conn.execute(
        text(f"SELECT count(*), count(*) FILTER (WHERE state = 'online') FROM camera t WHERE true{here}"),
        scope.filters,
    ).one()
    shares = read_table(
        conn,
        "SELECT s.grouping AS name, sum(s.once_ratio * t.area_m2) / (SELECT sum(area_m2) FROM unit_cell t"
        f" WHERE true{ground}) AS once, sum(s.twice_ratio * t.area_m2) / (SELECT sum(area_m2) FROM unit_cell t"
        f" WHERE true{ground}) AS twice"
        " FROM coverage_share s JOIN unit_cell t ON t.id = s.place_id WHERE s.place = 'unit_cell'"
        f" AND (s.grouping = 'all' OR s.grouping LIKE 'dori:%' OR s.grouping LIKE 'hour:%'){ground} GROUP BY 1",
        scope.filters,
    ).set_index("name")
    owners = read_table(
        conn,
        f"SELECT owner, count(*) AS cameras FROM camera t WHERE true{here} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :top",
        {**scope.filters, "top": TOP},
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


def parking(conn: Connection, _town: Town, scope: Scope) -> ParkingPage:
    """Parking against the rules: demand, supply, and where it is worst."""
    along = scope.place("line")
    per_h, edges, seen, dark = conn.execute(
        text(
            "SELECT sum(d.per_h), count(*) FILTER (WHERE d.evidence <> 'none'),"
            " count(*) FILTER (WHERE d.evidence = 'observed'), count(*) FILTER (WHERE d.evidence = 'none')"
            " FROM demand_estimate d JOIN street_edge t ON t.id = d.place_id"
            f" WHERE d.place = 'street_edge'{along}"
        ),
        scope.filters,
    ).one()
    kerb_km = read_table(
        conn,
        f"SELECT legal, sum(length_m) / 1000 AS km FROM kerb t WHERE true{along}"
        " GROUP BY 1 ORDER BY legal DESC NULLS LAST",
        scope.filters,
    )
    parks = conn.execute(
        text(
            "SELECT count(*), count(capacity), coalesce(sum(capacity), 0) FROM car_park t"
            f" WHERE true{scope.place('area')}"
        ),
        scope.filters,
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
        "SELECT DISTINCT ON (t.name) t.name, d.rate, d.lower95, d.upper95, ST_X(p) AS lon_deg, ST_Y(p) AS lat_deg"
        " FROM demand_estimate d JOIN street_edge t ON t.id = d.place_id"
        " CROSS JOIN LATERAL ST_LineInterpolatePoint(t.geom, 0.5) p"
        f" WHERE d.place = 'street_edge' AND d.evidence = 'observed' AND t.name IS NOT NULL{along}"
        " ORDER BY t.name, d.lower95 DESC, t.id) best ORDER BY lower95 DESC, name LIMIT :top",
        {**scope.filters, "top": TOP},
    )
    return ParkingPage(
        per_h, edges, seen, dark, kerb_km, *parks, (recall[0], recall[1]) if recall else None, by_hour, worst
    )


def pipes(conn: Connection, _town: Town, scope: Scope) -> PipePage:
    """Pipes and lifelines."""
    along, here = scope.place("line"), scope.place("point")
    by_network = read_table(
        conn,
        f"SELECT kind AS network, sum(length_m) / 1000 AS km, count(*) AS pipes FROM pipe t WHERE true{along}"
        " GROUP BY 1 ORDER BY 2 DESC, 1",
        scope.filters,
    )
    nodes = read_table(
        conn,
        f"SELECT network, count(*) AS nodes FROM pipe_node t WHERE true{here} GROUP BY 1 ORDER BY 2 DESC, 1",
        scope.filters,
    )
    sensors, online = conn.execute(
        text(f"SELECT count(*), count(*) FILTER (WHERE state = 'online') FROM sensor t WHERE true{here}"),
        scope.filters,
    ).one()
    sized, lon, lat = conn.execute(
        text(
            "SELECT sum(length_m) FILTER (WHERE diameter_mm IS NOT NULL) / sum(length_m),"
            " (ST_XMin(ST_Extent(geom)) + ST_XMax(ST_Extent(geom))) / 2,"
            f" (ST_YMin(ST_Extent(geom)) + ST_YMax(ST_Extent(geom))) / 2 FROM pipe t WHERE true{along}"
        ),
        scope.filters,
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


def video(conn: Connection, town: Town, scope: Scope) -> LeadPage:
    """What the video patrol brings; leads count where their camera stands."""
    here = scope.place("point")
    of_class = "" if scope.class_codes is None else " AND f.class_code = ANY (string_to_array(:class, ','))"
    by_them = f" AND f.camera_id IN (SELECT t.id FROM camera t WHERE true{here})" if here else ""
    leads = by_them + of_class
    streams = read_table(
        conn,
        f"SELECT {STATE_NOW} AS state, count(*) AS n FROM camera_watch w JOIN camera t ON t.id = w.camera_id"
        f" WHERE true{here} GROUP BY 1",
        scope.filters,
    )
    looks = conn.execute(
        text(
            "SELECT count(*) FROM sample s JOIN camera t ON t.id = s.camera_id"
            f" WHERE s.taken_at > now() - interval '1 hour'{here}"
        ),
        scope.filters,
    ).scalar_one()
    desk = conn.execute(
        text(
            "SELECT count(*) FILTER (WHERE state = 'lead') AS waiting,"
            " min(first_seen_at) FILTER (WHERE state = 'lead') AS oldest,"
            " count(*) FILTER (WHERE state <> 'lead' AND verdict_at >= date_trunc('day', now(), :zone)) AS judged"
            f" FROM finding f WHERE f.merged_into IS NULL{leads}"
        ),
        {**scope.filters, "zone": str(town.time_zone)},
    ).one()
    by_hour = read_table(
        conn,
        "SELECT h AT TIME ZONE :zone AS at, count(f.id) AS leads FROM generate_series(date_trunc('hour', now())"
        " - interval '23 hours', date_trunc('hour', now()), interval '1 hour') h"
        " LEFT JOIN finding f ON f.first_seen_at >= h AND f.first_seen_at < h + interval '1 hour'"
        f" AND f.merged_into IS NULL AND f.state <> 'rejected'{leads} GROUP BY h ORDER BY h",
        {**scope.filters, "zone": str(town.time_zone)},
    )
    newest = read_table(
        conn,
        "SELECT e.name_zh, e.name_en, c.name AS camera, f.first_seen_at, f.confidence, f.state,"
        " ST_X(coalesce(f.geom, c.geom)) AS lon_deg, ST_Y(coalesce(f.geom, c.geom)) AS lat_deg"
        " FROM finding f JOIN camera c ON c.id = f.camera_id JOIN event_class e ON e.code = f.class_code"
        f" WHERE f.merged_into IS NULL AND f.state <> 'rejected'{leads}"
        " ORDER BY f.first_seen_at DESC, f.id DESC LIMIT :top",
        {**scope.filters, "top": TOP},
    )
    told = dict(zip(streams["state"], (int(each) for each in streams["n"]), strict=True))
    return LeadPage(DeskCounts(desk.waiting, desk.oldest, desk.judged), told, looks, by_hour, newest)


def evaluation(conn: Connection, town: Town, scope: Scope) -> Evaluation:
    """How well the city finds and deals with its problems."""
    these = scope.violations()
    these += " AND t.reported_at >= :since" if scope.since else ""
    these += " AND t.reported_at < :until" if scope.until else ""
    rows = conn.execute(
        text(f"SELECT stage, count(*) FROM case_file t WHERE true{these} GROUP BY 1"), scope.filters
    ).all()
    stages = {stage: n for stage, n in rows}
    by_class = closings(
        conn, class_scenes(conn), str(town.time_zone), where=these, filters=scope.filters
    ).values()
    # of a class that was never closed nobody keeps on record whether it is
    timed = together([each for each in by_class if each.closed])
    areas = read_table(
        conn,
        "SELECT a.id, a.name_zh, a.name_en, sum(m.captures)::bigint AS count, sum(m.exposure_h) AS exposure_h"
        " FROM cell_measure m JOIN unit_cell t ON t.id = m.cell_id JOIN area a ON a.id = t.area_id"
        f" WHERE true{scope.place('area')} GROUP BY a.id ORDER BY a.id",
        scope.filters,
    ).set_index("id")
    # captures of hours that no camera has any more cannot be divided by anything
    seen = areas["exposure_h"].fillna(0).astype(float)
    counts = areas["count"].fillna(0).astype("int64").where(seen > 0, 0)
    ranked = ranked_rates(counts, seen)
    return Evaluation(
        indicators(_stage_counts(stages) | {"closed_in_time": timed.hits, "due_in_time": timed.due}),
        sum(each.cases for each in by_class),
        timed.cases,
        sum(n for stage, n in stages.items() if stage != Stage.VOID.value),
        areas[["name_zh", "name_en"]].join(ranked, how="right"),
        measure_breaks(conn, "rate", 5),
        *_reports(conn, scope),
    )


READERS: dict[str, Callable[[Connection, Town, Scope], Any]] = {
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
    }


def _reports(conn: Connection, scope: Scope) -> tuple[pd.DataFrame, int]:
    """What people reported, by area: the days chosen, or the last ones, against as many before; how many days."""
    told = period(conn, scope, COMPARED_DAYS)
    table = read_table(
        conn,
        "SELECT a.name_zh, a.name_en, count(*) FILTER (WHERE t.at >= :since) AS now,"
        " count(*) FILTER (WHERE t.at < :since) AS before FROM violation t JOIN unit_cell c ON c.id = t.cell_id"
        " JOIN area a ON a.id = c.area_id WHERE t.at >= :before AND t.at < :until"
        f" AND t.source NOT IN ('camera', 'video'){scope.violations()}"
        " GROUP BY a.id ORDER BY count(*) DESC, a.id LIMIT :top",
        {
            **scope.filters,
            "since": told.since,
            "until": told.until,
            "before": told.before(),
            "top": TOP,
        },
    )
    changes = [change(int(row.now), int(row.before)) for row in table.itertuples()]
    by_area = table[["name_zh", "name_en"]].assign(change=pd.Series(changes, index=table.index, dtype=object))
    return by_area, told.days
