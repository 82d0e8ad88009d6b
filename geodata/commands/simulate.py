"""A simulated year of illegal parking: what happened, who noticed, and the true answers kept apart."""

from __future__ import annotations

import datetime as dt
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.categories import ILLEGAL_PARKING
from analysis.crs import STORAGE_EPSG
from geodata.commands.datasets import Provenance, record
from geodata.commands.partitions import ensure_months
from geodata.ingest.copying import copy_arrays, copy_rows
from geodata.models import Stage
from geodata.queries.city import cameras, cells, kerbs, pois, streets, views
from geodata.towns.simulation import (
    DemandModel,
    bare_kerbs,
    case_lives,
    parking_captures,
    parking_demand,
    parking_events,
    qr_points,
    qr_reports,
    sampling_week,
)
from geodata.towns.town import Town

__all__ = ["DAYS", "RECALL", "first_moment", "schedule_cameras", "simulate_year"]

DAYS = 365
RECALL = 0.8
"""Share of violations in view that the simulated detector finds."""
ENFORCERS = ("city management", "traffic police")
"""Owners whose cameras run the parking detector where not all do."""
_BESIDE_M = 20.0
"""Cameras so near to the cells see something of them."""
_WATCHERS, _SCHEDULES, _LIVES = 2, 3, 4
"""Name the generators of these, of their hours and of what becomes of cases: the other draws stay as they are."""


def first_moment(town: Town) -> dt.datetime:
    """When the simulated year begins: midnight of 2025-11-01 in the town."""
    return dt.datetime(2025, 11, 1, tzinfo=town.time_zone)


def schedule_cameras(session: Session, town: Town) -> None:
    """Writes which cameras run the parking detector in the simulated year, and when."""
    _write_exposure(session, town, _sampled(session, town), first_moment(town))


def simulate_year(session: Session, town: Town, rng: np.random.Generator) -> None:
    """
    Writes captures and reports of a year by the cameras of `schedule_cameras`, and the truth behind them.

    Violations happen first (`DemandModel`); cameras and people then notice some of them, each by chance. A violation
    that several cameras caught is one case; the further captures are void as duplicates.
    """
    epsg = town.metric_epsg
    grid, roads = cells(session, epsg), streets(session, epsg)
    roads = roads[roads["drivable"]]
    roads = roads.iloc[np.unique(grid.sindex.query(roads.geometry, predicate="intersects")[0])]
    sides = kerbs(session, epsg)
    bare = bare_kerbs(roads, sides[sides["legal"].eq(True)])
    truth = parking_demand(grid, pois(session, epsg), bare, rng, model=DemandModel(base=town.year.base))
    start = first_moment(town)
    events = parking_events(grid, truth, bare, rng, start=start, days=DAYS, zone=town.time_zone)
    sampled = _sampled(session, town)
    seen = views(session, epsg)
    seen = seen[seen.index.isin(sampled.index)]
    captures = parking_captures(events, seen, sampled, RECALL, rng, zone=town.time_zone)
    points = qr_points(grid, roads, town.year.qr_points, rng)
    reports = qr_reports(events, points, rng, captures=captures)

    cell_ids = pd.Series(grid.index, index=grid["code"])
    _write_points(session, town, points, cell_ids)
    _write_cases(session, town, captures, reports, cell_ids)
    _write_truth(session, truth, events, cell_ids)


def _sampled(session: Session, town: Town) -> pd.DataFrame:
    """The share of each hour of the week that each camera with the parking detector is sampled."""
    epsg = town.metric_epsg
    eyes = _watching(cameras(session, epsg), cells(session, epsg), town)
    return sampling_week(eyes["hours_per_day"], np.random.default_rng([town.seed, _SCHEDULES]))


def _watching(eyes: gpd.GeoDataFrame, grid: gpd.GeoDataFrame, town: Town) -> gpd.GeoDataFrame:
    """Cameras that run the parking detector: all that are online, or as many of the enforcers' as the town says."""
    eyes = eyes[(eyes["state"] == "online") & ~eyes["demonstration"]]
    if town.year.watching_cameras is None:
        return eyes
    near = np.unique(grid.sindex.query(eyes.geometry, predicate="dwithin", distance=_BESIDE_M)[0])
    able = eyes.index[near][eyes["owner"].isin(ENFORCERS).to_numpy()[near]]
    order = np.random.default_rng([town.seed, _WATCHERS]).permutation(len(able))
    return eyes.loc[np.sort(able.to_numpy()[order[: town.year.watching_cameras]])]


def _write_points(session: Session, town: Town, points: gpd.GeoDataFrame, cell_ids: pd.Series[int]) -> None:
    rows = gpd.GeoDataFrame(
        {
            "id": points["qr_id"].to_numpy(),
            "code": [f"QR{town.county_code}{number:05d}" for number in points["qr_id"]],
            "cell_id": points["cell_code"].map(cell_ids).to_numpy(),
            "simulated": True,
        },
        geometry=points.geometry.to_numpy(),
        crs=points.crs,
    )
    copy_rows(session, "address_point", rows.to_crs(STORAGE_EPSG))
    session.execute(
        text("SELECT setval(pg_get_serial_sequence('address_point', 'id'), :last)"), {"last": len(rows)}
    )
    record(
        session,
        "address_point",
        town.name,
        Provenance("Huiyan", town.licence, "drawn along the streets", simulated=True),
    )


def _write_exposure(session: Session, town: Town, sampled: pd.DataFrame, start: dt.datetime) -> None:
    """Hours that each camera looked, by month and hour of the week."""
    days = pd.date_range(start.date(), periods=DAYS)
    months = days.to_period("M")
    for month in months.unique():
        weekdays = np.bincount(days[months == month].day_of_week, minlength=7)
        hours = (sampled.to_numpy() * np.repeat(weekdays, 24)).round(4)
        rows = pd.DataFrame(
            {
                "camera_id": sampled.index,
                "class_code": ILLEGAL_PARKING,
                "month": month.start_time.date(),
                "hours": [f"{{{json.dumps(each)[1:-1]}}}" for each in hours.tolist()],
                "simulated": True,
            }
        )
        copy_rows(session, "exposure", rows)
    made = Provenance(
        "Huiyan",
        town.licence,
        "share of each hour of the week sampled x days of the month; half by day only",
        simulated=True,
    )
    record(session, "exposure", town.name, made)


def _write_cases(
    session: Session,
    town: Town,
    captures: gpd.GeoDataFrame,
    reports: gpd.GeoDataFrame,
    cell_ids: pd.Series[int],
) -> None:
    caught = gpd.GeoDataFrame(
        {
            "reported_at": captures["captured_at"],
            "source": "camera",
            "stage": np.where(captures["same_as"].isna(), Stage.REGISTERED.value, Stage.VOID.value),
            "camera_id": captures["camera_id"].astype("Int64"),
            "address_point_id": pd.array([None] * len(captures), dtype="Int64"),
            "cell_code": captures["cell_code"],
            "event_id": captures["event_id"],
        },
        geometry=captures.geometry,
        crs=captures.crs,
    )
    told = gpd.GeoDataFrame(
        {
            "reported_at": reports["reported_at"],
            "source": "qr",
            "stage": Stage.REGISTERED.value,
            "camera_id": pd.array([None] * len(reports), dtype="Int64"),
            "address_point_id": reports["qr_id"].astype("Int64"),
            "cell_code": reports["cell_code"],
            "event_id": reports["event_id"],
        },
        geometry=reports.geometry,
        crs=reports.crs,
    )
    rows = pd.concat([caught, told], ignore_index=True).sort_values(
        "reported_at", kind="stable", ignore_index=True
    )
    rows.insert(0, "id", np.arange(1, len(rows) + 1))
    local_day = rows["reported_at"].dt.tz_convert(town.time_zone).dt.strftime("%Y%m%d")
    of_day = rows.groupby(local_day).cumcount() + 1
    rows["number"] = town.county_code + "-" + local_day + "-" + of_day.astype(str).str.zfill(6)
    rows["cell_id"] = rows["cell_code"].map(cell_ids)
    rows["class_code"] = ILLEGAL_PARKING
    rows["simulated"] = True
    lives = case_lives(
        rows["reported_at"],
        first_moment(town) + dt.timedelta(days=DAYS),
        np.random.default_rng([town.seed, _LIVES]),
    )
    kept = rows["stage"] != Stage.VOID.value
    rows["stage"] = lives["stage"].where(kept, Stage.VOID.value)
    rows["closed_at"] = lives["closed_at"].where(kept)
    ensure_months(session, rows["reported_at"].min(), rows["reported_at"].max())
    copy_rows(session, "case_file", rows.drop(columns=["cell_code", "event_id"]).to_crs(STORAGE_EPSG))
    session.execute(
        text("SELECT setval(pg_get_serial_sequence('case_file', 'id'), :last)"), {"last": len(rows)}
    )
    copy_arrays(
        session, "truth_sighting", {"case_id": rows["id"].to_numpy(), "event_id": rows["event_id"].to_numpy()}
    )
    made = Provenance(
        "Huiyan",
        town.licence,
        "violations drawn from a written demand model, noticed by cameras in sight and by people at QR points; what"
        " became of each case drawn from the usual hours of each step",
        simulated=True,
    )
    record(session, "case_file", town.name, made)


def _write_truth(
    session: Session, truth: pd.DataFrame, events: gpd.GeoDataFrame, cell_ids: pd.Series[int]
) -> None:
    rates = pd.DataFrame(
        {"cell_id": truth.index, "class_code": ILLEGAL_PARKING, "rate_per_h": truth["rate_per_h"].to_numpy()}
    )
    copy_rows(session, "truth_rate", rates)
    places = gpd.GeoSeries(shapely.force_2d(events.geometry.to_numpy()), crs=events.crs).to_crs(STORAGE_EPSG)
    marked = shapely.set_srid(places.to_numpy(), STORAGE_EPSG)
    copy_arrays(
        session,
        "truth_event",
        {
            "id": events["event_id"].to_numpy(),
            "cell_id": events["cell_code"].map(cell_ids).to_numpy(),
            "class_code": ILLEGAL_PARKING,
            "began_at": events["started_at"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(),
            "lasted_s": events["duration_min"].to_numpy() * 60.0,
            "geom": shapely.to_wkb(marked, include_srid=True).tolist(),
        },
    )
