"""Parking demand of the town: kerbs without bays, who looked at them when, what was caught, and the rates behind it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from analysis.categories import ILLEGAL_PARKING
from analysis.demand import WEEK_H, Demand, Recall, capture_faults, estimate_demand, recall_from_reports
from analysis.exposure import Watch, line_points
from geodata.queries.city import buildings, cells, kerbs, pois, streets, views
from geodata.queries.frames import listed_numbers, read_frame, read_table
from geodata.towns.simulation import bare_kerbs
from geodata.towns.town import Town

__all__ = [
    "EDGE",
    "PLACES",
    "UNIT_CELL",
    "Estimates",
    "Events",
    "Looking",
    "Streetscape",
    "estimate",
    "find_recall",
    "load_streetscape",
    "read_events",
    "read_looking",
    "same_violation",
    "watching",
]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Truths: TypeAlias = npt.NDArray[np.bool_]

UNIT_CELL, EDGE = "unit_cell", "street_edge"
PLACES = (UNIT_CELL, EDGE)
SPACING_M = 2.5
"""Distance between the points that stand for a kerb."""
SNAP_M = 25.0
"""A violation farther from every kerb is left out, and counted."""
NEAR_M = 100.0
"""What lies so near to a place is part of its surroundings."""
STOREY_M = 3.0
SAME_M = 15.0
SAME_TIME = dt.timedelta(minutes=120)
"""A report and a capture this near in place and time are the same violation."""
KINDS = {
    "food": ("restaurant", "cafe", "fast_food", "bar", "pub", "food_court", "ice_cream"),
    "schools": ("school", "kindergarten", "college", "university"),
    "health": ("hospital", "clinic", "doctors", "pharmacy", "dentist"),
}
"""Categories of points of interest that draw cars in ways of their own; shops and offices are told by kind."""
TELLING = (
    *("pois_near", "log_kerb", "kerb", "pois_here", "main", "floor_area", "legal_bays"),
    *("service", "shops", "food", "offices", "schools", "health", "middle"),
)
"""Covariates, those first that a model of few places is left with."""
CLASSES = {
    "main": ("motorway", "trunk", "primary", "secondary"),
    "middle": ("tertiary", "unclassified"),
    "service": ("service", "living_street", "pedestrian", "track"),
}
"""Classes of street; the others are residential."""


@dataclass(frozen=True, eq=False)
class Streetscape:
    """
    The kerbs of a town on which one can park badly, and what lies about them.

    Attributes
    ----------
    epsg
        Metric CRS.
    points
        Points along the kerbs without bays inside the unit cells, with `length_m`.
    place
        For each kind of place, the row of each point's place.
    ids
        For each kind of place, the ids of its rows.
    length_m
        For each kind of place, its kerb, indexed by id.
    covariates
        For each kind of place, what a model may know of it, indexed by id.
    """

    epsg: int
    points: gpd.GeoDataFrame
    place: dict[str, Ints]
    ids: dict[str, pd.Index[int]]
    length_m: dict[str, pd.Series[float]]
    covariates: dict[str, pd.DataFrame]

    @property
    def weight_m(self) -> Floats:
        """Metres that each point stands for."""
        return np.asarray(self.points["length_m"], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Looking:
    """
    When cameras looked.

    Attributes
    ----------
    first, until
        The period: aware, in the town's time.
    hours
        (168,), hours of each kind that the period has.
    share
        Share of each hour of the week that a camera was sampled, [0, 1], by camera.
    """

    first: dt.datetime
    until: dt.datetime
    hours: Floats
    share: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Events:
    """
    What was caught and reported in the period.

    Attributes
    ----------
    rows
        By case: `source` (camera or qr), `at`, `hour` (of the week), `point` (row of the nearest kerb point, -1 where
        none is near), `x`, `y`.
    faults
        What is wrong with the cases that are not among them: InputError by case.
    """

    rows: pd.DataFrame
    faults: pd.Series[Any]

    def tally(self, streetscape: Streetscape, place: str, source: str = "camera") -> Floats:
        """(places, 168), how many in each place and hour of the week."""
        some = self.rows[(self.rows["source"] == source) & (self.rows["point"] >= 0)]
        counts = np.zeros((len(streetscape.ids[place]), WEEK_H))
        np.add.at(counts, (streetscape.place[place][some["point"]], some["hour"]), 1.0)
        return counts


@dataclass(frozen=True, eq=False)
class Estimates:
    """
    Rates of the cells and of the street edges.

    Attributes
    ----------
    demand
        By kind of place.
    seen_m
        By kind of place: kerb that any camera with hours sees.
    unused
        Captures that could not be used: far from any kerb, or where no camera looks any more.
    """

    demand: dict[str, Demand]
    seen_m: dict[str, pd.Series[float]]
    unused: int


def load_streetscape(conn: Connection | Session, town: Town) -> Streetscape:
    """Reads the kerbs and their surroundings."""
    epsg = town.metric_epsg
    grid, roads, sides = cells(conn, epsg), streets(conn, epsg), kerbs(conn, epsg)
    roads = roads[roads["drivable"].astype(bool)]
    roads = roads.iloc[np.unique(grid.sindex.query(roads.geometry, predicate="intersects")[0])]
    legal = sides[sides["legal"].eq(True)]
    points = line_points(bare_kerbs(roads, legal), SPACING_M)
    point, cell = grid.sindex.query(points.geometry, predicate="intersects")
    first = np.unique(point, return_index=True)[1]  # a point on a border belongs to one cell
    point, cell = point[first], cell[first]
    points = points.iloc[point].reset_index(drop=True)
    used_cells, cell_row = np.unique(cell, return_inverse=True)
    used_edges, edge_row = np.unique(points["line"].to_numpy(), return_inverse=True)
    place = {UNIT_CELL: cell_row.astype(np.int64), EDGE: edge_row.astype(np.int64)}
    ids = {UNIT_CELL: pd.Index(grid.index.to_numpy()[used_cells]), EDGE: pd.Index(used_edges)}
    metres = points["length_m"].to_numpy(dtype=np.float64)
    length = {
        name: pd.Series(np.bincount(place[name], weights=metres, minlength=len(ids[name])), index=ids[name])
        for name in PLACES
    }
    shapes = {UNIT_CELL: grid.geometry.loc[ids[UNIT_CELL]], EDGE: roads.geometry.loc[ids[EDGE]]}
    highway = roads["highway"].loc[points["line"]].to_numpy()
    built = buildings(conn, epsg)
    drawn = pois(conn, epsg)
    covariates = {
        name: _covariates(shapes[name], length[name], place[name], highway, metres, legal, drawn, built)
        for name in PLACES
    }
    return Streetscape(epsg, points, place, ids, length, covariates)


def _covariates(
    shapes: gpd.GeoSeries,
    length_m: pd.Series[float],
    place: Ints,
    highway: npt.NDArray[np.object_],
    metres: Floats,
    legal: gpd.GeoDataFrame,
    drawn: gpd.GeoDataFrame,
    built: gpd.GeoDataFrame,
) -> pd.DataFrame:
    """Points of interest by kind, street class, legal bays, floor area and the kerb itself."""
    tree = shapely.STRtree(shapes.to_numpy())
    spots = shapely.point_on_surface(drawn.geometry.to_numpy())

    def about(points: npt.NDArray[np.object_], weight: Floats, reach_m: float = NEAR_M) -> Floats:
        row, at = tree.query(points, predicate="dwithin", distance=reach_m)
        return np.bincount(at, weights=weight[row], minlength=len(shapes))

    found: dict[str, Floats] = {
        "pois_here": np.log1p(about(spots, np.ones(len(spots)), 0.0)),
        "pois_near": np.log1p(about(spots, np.ones(len(spots)))),
    }
    kinds = {name: drawn["category"].isin(group) for name, group in KINDS.items()}
    kinds |= {name: drawn["kind"] == kind for name, kind in (("shops", "shop"), ("offices", "office"))}
    for name, chosen in kinds.items():
        found[name] = np.log1p(about(spots[chosen], np.ones(int(chosen.sum()))))
    heights = built["height_m"].fillna(STOREY_M).to_numpy(dtype=np.float64)
    floors = shapely.area(built.geometry.to_numpy()) * np.maximum(1.0, np.round(heights / STOREY_M))
    found["floor_area"] = np.log1p(about(shapely.centroid(built.geometry.to_numpy()), floors))
    bays = legal.geometry.to_numpy()
    found["legal_bays"] = np.log1p(about(shapely.centroid(bays), shapely.length(bays)))
    for name, group in CLASSES.items():
        here = np.bincount(place, weights=metres * np.isin(highway, group), minlength=len(shapes))
        found[name] = here / length_m.to_numpy()
    found["kerb"] = length_m.to_numpy() / 100
    found["log_kerb"] = np.log(length_m.to_numpy())
    return pd.DataFrame(found, index=length_m.index)[list(TELLING)]


def read_looking(conn: Connection | Session, town: Town, class_code: str = ILLEGAL_PARKING) -> Looking:
    """
    The hours on record for a class; the period is that of the months on record.

    Cameras that play recorded footage of another place do not count.
    """
    table = read_table(
        conn,
        "SELECT e.camera_id, e.month, array_to_string(e.hours, ',') AS hours FROM exposure e"
        " JOIN camera c ON c.id = e.camera_id"
        " WHERE e.class_code = :class AND NOT c.demonstration ORDER BY e.camera_id, e.month",
        {"class": class_code},
    )
    if table.empty:
        now = dt.datetime.now(town.time_zone).replace(minute=0, second=0, microsecond=0)
        none = pd.DataFrame(np.zeros((0, WEEK_H)), index=pd.Index([], dtype="int64"))
        return Looking(now - dt.timedelta(hours=1), now, _hours(now - dt.timedelta(hours=1), now), none)
    first: dt.date = table["month"].min()
    after = (table["month"].max().replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    begin, until = (dt.datetime(day.year, day.month, 1, tzinfo=town.time_zone) for day in (first, after))
    hours = _hours(begin, until)
    camera, row = np.unique(table["camera_id"].to_numpy(dtype=np.int64), return_inverse=True)
    sampled = np.zeros((len(camera), WEEK_H))
    np.add.at(sampled, row, listed_numbers(table["hours"], WEEK_H))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(hours > 0, sampled / hours, 0.0)
    return Looking(begin, until, hours, pd.DataFrame(np.clip(share, 0, 1), index=pd.Index(camera)))


def _hours(first: dt.datetime, until: dt.datetime) -> Floats:
    """How many of each hour of the week lie in the period; clocks put forward or back are not counted."""
    days = max((until.date() - first.date()).days, 1)
    weekdays = np.bincount((first.weekday() + np.arange(days)) % 7, minlength=7)
    return np.repeat(weekdays, 24).astype(np.float64)


def watching(conn: Connection | Session, streetscape: Streetscape, looking: Looking) -> Watch:
    """Which of the cameras that looked see which kerb."""
    cameras = [int(camera) for camera in looking.share.index]
    return Watch.of(streetscape.points, views(conn, streetscape.epsg, cameras))


def read_events(
    conn: Connection | Session,
    town: Town,
    streetscape: Streetscape,
    looking: Looking,
    class_code: str = ILLEGAL_PARKING,
) -> Events:
    """
    Captures and reports of the period, each violation once a source, at the kerb that is nearest.

    Cases that cannot be right are left out and told.
    """
    frame = read_frame(
        conn,
        "SELECT v.id, v.source, v.camera_id AS camera, v.at, v.geom FROM violation v"
        " WHERE v.class_code = :class AND v.at >= :first AND (v.at < :until OR v.at > :now)"
        " AND v.source IN ('camera', 'qr') ORDER BY v.id",
        {"class": class_code, "first": looking.first, "until": looking.until, "now": dt.datetime.now(dt.UTC)},
    ).to_crs(streetscape.epsg)
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    land = read_frame(conn, "SELECT id, geom FROM area WHERE kind = 'county'").to_crs(streetscape.epsg)
    latest = max(dt.datetime.now(dt.UTC), looking.until)
    faults = capture_faults(frame, land=land, streets=streetscape.points, until=latest)
    frame = frame.drop(index=faults.index)
    spots = frame.geometry.to_numpy()
    point = np.full(len(frame), -1)
    if len(frame) and len(streetscape.points):
        tree = shapely.STRtree(streetscape.points.geometry.to_numpy())
        row, near = tree.query_nearest(spots, max_distance=SNAP_M, all_matches=False)
        point[row] = near
    at = pd.DatetimeIndex(frame["at"]).tz_convert(town.time_zone)
    rows = {
        "source": frame["source"].to_numpy(),
        "at": at,
        "hour": at.day_of_week.to_numpy() * 24 + at.hour.to_numpy(),
        "point": point,
        "x": shapely.get_x(spots),
        "y": shapely.get_y(spots),
    }
    return Events(pd.DataFrame(rows, index=frame.index), faults)


def same_violation(events: Events) -> pd.Series[bool]:
    """
    Whether a camera caught the same violation, for each report: near enough in place and time.

    Two violations so near to each other are taken for one now and then.
    """
    caught, told = (events.rows[events.rows["source"] == each] for each in ("camera", "qr"))
    found = np.zeros(len(told), dtype=bool)
    if len(caught) and len(told):
        tree = shapely.STRtree(shapely.points(caught["x"], caught["y"]))
        report, capture = tree.query(
            shapely.points(told["x"], told["y"]), predicate="dwithin", distance=SAME_M
        )
        first, second = (each["at"].to_numpy("datetime64[us]") for each in (told, caught))  # in UTC
        apart = np.abs(first[report] - second[capture])
        found[report[apart <= np.timedelta64(SAME_TIME)]] = True
    return pd.Series(found, index=told.index)


def find_recall(events: Events, watch: Watch, looking: Looking) -> tuple[Recall, int, int]:
    """
    The detector's recall from what people reported where cameras look.

    Returns
    -------
    recall, reports, caught
        The recall; how many reports lie where a camera was sampled at that hour, and how many of them were caught.
    """
    told = events.rows[events.rows["source"] == "qr"]
    caught = same_violation(events).to_numpy()
    here = told["point"].to_numpy() >= 0
    told, caught = told[here], caught[here]
    camera, point = watch.pairs()
    order = np.argsort(point, kind="stable")
    camera, point = camera[order], point[order]
    place = told["point"].to_numpy()
    first, last = np.searchsorted(point, place, "left"), np.searchsorted(point, place, "right")
    report = np.repeat(np.arange(len(told)), last - first)
    at = np.arange(len(report)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    eye = camera[first[report] + at]
    share = looking.share.reindex(watch.cameras).fillna(0.0).to_numpy()[eye, told["hour"].to_numpy()[report]]
    looked = np.bincount(report, weights=share, minlength=len(told)) > 0
    number = np.cumsum(looked) - 1
    used = looked[report]
    recall = recall_from_reports(number[report[used]], share[used], caught[looked])
    return recall, int(looked.sum()), int(caught[looked].sum())


def estimate(
    streetscape: Streetscape, watch: Watch, looking: Looking, events: Events, recall: Recall
) -> Estimates:
    """
    Rates of cells and street edges; reads nothing, so that a scenario can ask with other cameras or hours.

    A capture where nobody looks any more has nothing to be divided by: it is left out and counted.
    """
    demand: dict[str, Demand] = {}
    seen: dict[str, pd.Series[float]] = {}
    chance = looking.share * recall.mean
    metres = streetscape.weight_m
    active = looking.share.index[looking.share.gt(0).any(axis=1)]
    camera, point = watch.pairs()
    in_view = np.zeros(len(metres))
    in_view[np.unique(point[np.isin(camera, np.flatnonzero(watch.cameras.isin(active)))])] = 1.0
    unused = 0
    for place in PLACES:
        ids, row = streetscape.ids[place], streetscape.place[place]
        exposure = watch.looked_at(metres, row, len(ids), chance) * looking.hours
        captures = events.tally(streetscape, place)
        lost = (captures > 0) & (exposure <= 0)
        if place == UNIT_CELL:
            unused = int(captures[lost].sum() + _far(events))
        demand[place] = estimate_demand(
            streetscape.length_m[place],
            np.where(lost, 0.0, captures),
            exposure,
            streetscape.covariates[place],
            recall,
        )
        seen[place] = pd.Series(
            np.bincount(row, weights=metres * in_view, minlength=len(ids)), index=ids, name="seen_m"
        )
    return Estimates(demand, seen, unused)


def _far(events: Events) -> int:
    rows = events.rows
    return int(((rows["source"] == "camera") & (rows["point"] < 0)).sum())
