"""What hot spots are asked of: events of a class, where and when, and for how long somebody looked there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import Connection

from analysis.exposure import Watch, line_points
from analysis.hotspots import Neighbours, StreetPieces, cut_streets, touching
from geodata.errors import NotFound
from geodata.queries.city import kerbs, streets
from geodata.queries.frames import listed_numbers, read_frame, read_table
from geodata.towns.simulation import bare_kerbs
from geodata.towns.town import Town

__all__ = ["WEEK_H", "Period", "Scene", "event_classes", "load_scene"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

WEEK_H = 168
SPACING_M = 2.5
"""Distance between the points that stand for a kerb."""
SNAP_M = 25.0
"""An event farther from every kerb has no exposure that it could be divided by."""
STEP_M = 5.0
"""Length of the pieces that streets are cut into."""


@dataclass(frozen=True)
class Period:
    """
    Days and hours that are looked at, in the town's time.

    Attributes
    ----------
    since, until
        First day, and the day after the last.
    days
        Days of the week, 0 (Monday) to 6.
    from_hour, to_hour
        Hours of the day, from and before: 0 … 24.
    """

    since: dt.date
    until: dt.date
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    from_hour: int = 0
    to_hour: int = 24

    @property
    def chosen(self) -> npt.NDArray[np.bool_]:
        """Shape (168,): the hours of the week that count, from Monday 00:00."""
        hours = np.arange(WEEK_H)
        of_day = hours % 24
        return np.isin(hours // 24, self.days) & (of_day >= self.from_hour) & (of_day < self.to_hour)

    def within(self, since: dt.date, until: dt.date) -> Period:
        """The part of it that lies in these days."""
        return Period(max(self.since, since), min(self.until, until), self.days, self.from_hour, self.to_hour)

    def hours(self) -> Floats:
        """Shape (168,): how many of each hour of the week it has; clocks put forward or back are not counted."""
        days = max((self.until - self.since).days, 0)
        weekdays = np.bincount((self.since.weekday() + np.arange(days)) % 7, minlength=7)
        return np.repeat(weekdays, 24).astype(np.float64) * self.chosen


@dataclass(frozen=True, eq=False)
class Scene:
    """
    A class of events in a town, ready for any statistic.

    Attributes
    ----------
    town, class_code
        Which.
    cells
        Unit cells with code, community and `simulated`, by id, in metres.
    neighbours
        Of the cells.
    edges
        Drivable streets that meet a cell, with their name, by id, in metres.
    pieces
        Of these streets.
    events
        By id: `x`, `y`, `at` (the town's time), `hour` (of the week), `day`, `cell` (row, -1 for none), `kerb` (row of
        the nearest kerb point, -1 where none is near).
    by_cameras
        The events are captures by cameras; otherwise, where cameras tell nothing of the class, reports by people.
    kerb_cell, kerb_piece, kerb_m, kerb_xy
        Row of the cell and of the street's piece of each kerb point (-1 for none), the metres it stands for, its place.
    """

    town: Town
    class_code: str
    cells: gpd.GeoDataFrame
    neighbours: Neighbours
    edges: gpd.GeoDataFrame
    pieces: StreetPieces | None
    events: pd.DataFrame
    by_cameras: bool
    kerb_cell: Ints
    kerb_piece: Ints
    kerb_m: Floats
    kerb_xy: Floats
    _watch: Watch
    _months: list[dt.date]
    _sampled: dict[dt.date, pd.DataFrame]
    _recall: float

    @property
    def can_divide(self) -> bool:
        """There is exposure, and events of those who looked."""
        return self.by_cameras and bool(self._months)

    @property
    def span(self) -> tuple[dt.date, dt.date]:
        """First day, and the day after the last, of the events; of the exposure where there is any."""
        if self._months:
            return self._months[0], _next_month(self._months[-1])
        days = self.events["day"]
        return days.min(), days.max() + dt.timedelta(days=1)

    def happened(self, period: Period) -> pd.DataFrame:
        """Events of the period."""
        rows = self.events
        kept = (rows["day"] >= period.since) & (rows["day"] < period.until)
        return rows[kept & period.chosen[rows["hour"]]]

    def looked_at(self, period: Period, group: Ints, groups: int, *, by_hour: bool = True) -> Floats:
        """
        Metre-hours of kerb looked at in the period, shape (groups,).

        Parameters
        ----------
        period
            Months without hours on record count as not looked at.
        group
            The group of each kerb point, -1 for none.
        groups
            How many.
        by_hour
            Hour by hour of the week; otherwise by the mean chance, which is faster for many groups and tells a little
            more where several cameras look at different hours.
        """
        available = period.hours()
        sampled = pd.DataFrame(0.0, index=self._watch.cameras, columns=range(WEEK_H))
        for month in self._months:
            part = period.within(month, _next_month(month))
            whole = Period(month, _next_month(month)).hours()
            with np.errstate(invalid="ignore", divide="ignore"):
                share = np.where(whole > 0, part.hours() / whole, 0.0)
            if share.any():
                sampled = sampled.add(self._sampled[month] * share, fill_value=0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            chance = np.where(available > 0, sampled.to_numpy() / available, 0.0)
        table = pd.DataFrame(np.clip(chance, 0, 1) * self._recall, index=sampled.index)
        if not by_hour:
            total = max(float(available.sum()), 1.0)
            table = pd.DataFrame(table.to_numpy() @ available[:, None] / total, index=table.index)
            available = np.array([total])
        looked = self._watch.looked_at(self.kerb_m, group, groups, table)
        return np.asarray(looked @ available)

    def cell_exposure(self, period: Period) -> pd.Series[float]:
        """Metre-hours of kerb looked at in each cell, by id; 0 where nobody looked."""
        found = self.looked_at(period, self.kerb_cell, len(self.cells))
        return pd.Series(found, index=self.cells.index, name="exposure_mh")

    def cell_counts(self, period: Period, *, seen: bool) -> pd.Series[int]:
        """Events in each cell, by id; with `seen` only those at a kerb, in the cell of that kerb."""
        rows = self.happened(period)
        place = rows["cell"].to_numpy()
        if seen:
            kerb = rows["kerb"].to_numpy()
            place = (
                np.where(kerb >= 0, self.kerb_cell[kerb], -1)
                if len(self.kerb_cell)
                else np.full(len(rows), -1)
            )
        counts = np.bincount(place[place >= 0], minlength=len(self.cells))
        return pd.Series(counts, index=self.cells.index, name="events")


def event_classes(conn: Connection) -> pd.DataFrame:
    """Classes that have violations, by code: their names and how many there are, the most frequent first."""
    return read_table(
        conn,
        "SELECT v.class_code AS code, coalesce(e.name_en, v.class_code) AS name_en,"
        " coalesce(e.name_zh, v.class_code) AS name_zh, count(*) AS events FROM violation v"
        " LEFT JOIN event_class e ON e.code = v.class_code WHERE v.cell_id IS NOT NULL"
        " GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1",
    ).set_index("code")


def load_scene(conn: Connection, town: Town, class_code: str) -> Scene:
    """
    Reads all that hot spots of a class are asked of.

    Raises
    ------
    NotFound
        If there is no event of the class in any cell.
    """
    epsg = town.metric_epsg
    grid = read_frame(
        conn,
        "SELECT c.id, c.code, a.name_zh, a.name_en, c.simulated, c.geom FROM unit_cell c"
        " JOIN area a ON a.id = c.area_id ORDER BY c.code",
    ).to_crs(epsg)
    roads, sides = streets(conn, epsg), kerbs(conn, epsg)
    roads = roads[roads["drivable"]]
    roads = roads.iloc[np.unique(grid.sindex.query(roads.geometry, predicate="intersects")[0])]
    points = line_points(bare_kerbs(roads, sides[sides["legal"].eq(True)]), SPACING_M)
    cell_of = np.full(len(points), -1, dtype=np.int64)
    point, cell = grid.sindex.query(points.geometry, predicate="intersects")
    cell_of[point[::-1]] = cell[::-1]
    pieces = cut_streets(roads, step_m=STEP_M) if len(roads) else None
    events, by_cameras = _events(conn, town, class_code, grid.index, points)
    seen = _views(conn, epsg, class_code)
    months, sampled = _sampling(conn, class_code, seen.index)
    known = next(iter(sampled.values())).index if sampled else seen.index[:0]
    return Scene(
        town=town,
        class_code=class_code,
        cells=grid,
        neighbours=touching(grid),
        edges=roads,
        pieces=pieces,
        events=events,
        by_cameras=by_cameras,
        kerb_cell=cell_of,
        kerb_piece=_piece_of(points, roads, pieces),
        kerb_m=points["length_m"].to_numpy(dtype=np.float64),
        kerb_xy=shapely.get_coordinates(points.geometry.to_numpy()),
        _watch=Watch.of(points, seen[seen.index.isin(known)]),
        _months=months,
        _sampled=sampled,
        _recall=_recall(conn, class_code),
    )


def _events(
    conn: Connection, town: Town, class_code: str, cells: pd.Index[int], points: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, bool]:
    """Captures by cameras; where there are none of the class, all that is told of it."""
    rows = read_table(
        conn,
        "SELECT q.*, ST_X(q.p) AS x, ST_Y(q.p) AS y FROM (SELECT v.id, v.source, v.cell_id,"
        " extract(epoch FROM v.at)::float8 AS at_s, ST_Transform(v.geom, :epsg) AS p FROM violation v"
        " WHERE v.class_code = :class AND v.cell_id IS NOT NULL AND v.geom IS NOT NULL) q ORDER BY q.id",
        {"class": class_code, "epsg": town.metric_epsg},
    ).drop(columns="p")
    if rows.empty:
        raise NotFound(
            "There is no event of class {code} in any cell.", "Choose another class.", code=class_code
        )
    by_cameras = bool(rows["source"].eq("camera").any())
    if by_cameras:
        rows = rows[rows["source"].eq("camera")]
    at = pd.to_datetime(rows["at_s"].to_numpy(dtype=np.float64), unit="s", utc=True).tz_convert(
        town.time_zone
    )
    spots = shapely.points(rows["x"].to_numpy(dtype=np.float64), rows["y"].to_numpy(dtype=np.float64))
    kerb = np.full(len(rows), -1, dtype=np.int64)
    if len(points):
        tree = shapely.STRtree(points.geometry.to_numpy())
        row, near = tree.query_nearest(spots, max_distance=SNAP_M, all_matches=False)
        kerb[row] = near
    found = pd.DataFrame(
        {
            "x": rows["x"].to_numpy(dtype=np.float64),
            "y": rows["y"].to_numpy(dtype=np.float64),
            "at": at,
            "hour": at.day_of_week.to_numpy() * 24 + at.hour.to_numpy(),
            "day": at.date,
            "cell": cells.get_indexer(rows["cell_id"]),
            "kerb": kerb,
        },
        index=pd.Index(rows["id"], name="id"),
    )
    return found, by_cameras


def _views(conn: Connection, epsg: int, class_code: str) -> gpd.GeoDataFrame:
    """What cameras near the cells see that looked for a class; without those that play footage of elsewhere."""
    found = read_frame(
        conn,
        "SELECT v.camera_id, v.geom FROM camera_view v JOIN camera c ON c.id = v.camera_id"
        " WHERE NOT c.demonstration AND EXISTS (SELECT FROM unit_cell u WHERE u.geom && v.geom)"
        " AND EXISTS (SELECT FROM exposure e WHERE e.camera_id = v.camera_id AND e.class_code = :class)"
        " ORDER BY v.camera_id",
        {"class": class_code},
        index="camera_id",
    ).to_crs(epsg)
    # on the way through degrees a corner may slip by a nanometre onto another edge
    found.geometry = found.geometry.make_valid(method="structure", keep_collapsed=False)
    return found


def _sampling(
    conn: Connection, class_code: str, cameras: pd.Index[int]
) -> tuple[list[dt.date], dict[dt.date, pd.DataFrame]]:
    """Months on record, and of each the hours that every camera was sampled in each hour of the week."""
    table = read_table(
        conn,
        "SELECT camera_id, month, array_to_string(hours, ',') AS hours FROM exposure"
        " WHERE class_code = :class AND camera_id = ANY(:cameras)"
        " ORDER BY camera_id, month",
        {"class": class_code, "cameras": cameras.tolist()},
    )
    everyone = pd.Index(table["camera_id"].unique(), name="camera_id", dtype="int64")
    found = {}
    for month, rows in table.groupby("month"):
        hours = listed_numbers(rows["hours"], WEEK_H)
        frame = pd.DataFrame(hours, index=pd.Index(rows["camera_id"], dtype="int64"))
        found[month] = frame.reindex(everyone).fillna(0.0)
    return sorted(found), found


def _recall(conn: Connection, class_code: str) -> float:
    """Mean share of the violations in view that detectors report; 1 where nobody knows."""
    rows = read_table(
        conn,
        "SELECT hits / (hits + misses) AS mean FROM detector_recall WHERE class_code = :class",
        {"class": class_code},
    )
    return float(rows["mean"].iloc[0]) if len(rows) else 1.0


def _piece_of(points: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, pieces: StreetPieces | None) -> Ints:
    """Row of the street's piece beside each kerb point."""
    if pieces is None or points.empty:
        return np.full(len(points), -1, dtype=np.int64)
    row = roads.index.get_indexer(points["line"])
    lines = roads.geometry.to_numpy()[row]
    along = shapely.line_locate_point(lines, points.geometry.to_numpy())
    counts = np.diff(pieces.starts)[row]
    place = np.floor(along / pieces.lengths_m[row] * counts).astype(np.int64)
    return np.asarray(pieces.starts[row] + np.clip(place, 0, counts - 1))


def _next_month(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
