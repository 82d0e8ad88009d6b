"""Building reviews: the check of an application against what is stored, applications, and what private cameras add."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from analysis import visibility
from analysis.coverage import marginal_area_m2
from analysis.crs import DISPLAY_EPSG, STORAGE_EPSG
from analysis.review import ReviewRules, ReviewSheet, review_cameras
from geodata.errors import NotFound
from geodata.queries.frames import read_frame, read_table
from geodata.towns.town import Town

__all__ = [
    "METHOD",
    "PLACES",
    "PRIVATE",
    "Precheck",
    "Review",
    "Surroundings",
    "list_reviews",
    "precheck",
    "private_gains",
    "read_review",
    "reading_ground",
    "surroundings",
]

METHOD = (
    "sight lines behind footprints with heights; areas of unions; facades on the edge of the sight area; pixel density"
    " by EN 62676-4; rules of the office"
)
PRIVATE = "private"
"""Owners of this name, or of names that begin with it, are no department."""
PLACES: Mapping[str, tuple[str, str]] = MappingProxyType(
    dict.fromkeys(("school", "kindergarten", "college", "university"), ("school", "recognise"))
    | dict.fromkeys(("hospital", "clinic"), ("hospital", "recognise"))
    | dict.fromkeys(("bank", "fuel", "pharmacy"), ("shop", "recognise"))
    | dict.fromkeys(("bus_station", "ferry_terminal", "marketplace", "townhall"), ("square", "observe"))
)
"""Category of a point of interest → kind of place, and the DORI task that a camera there should reach."""
FRONT_M = 6.0
"""What matters of such a place is the ground so far around its front."""
FRONT_REACH_M = 60.0
"""The front is where the nearest street passes, if it passes this near."""
MARGIN_M = 80.0
"""Things so far outside a proposed camera's reach are looked at too."""
MAP_MARGIN_M = 40.0
MAP_ASPECT = 1.78
"""Width over height of a map on paper."""
LEAST_MAP_M = 160.0
TOGETHER_M = 90.0
"""Cameras whose views come twice as near as this share a map."""
MOST_MAPS = 8
UNKNOWN_USE = ("yes", "")
DATASETS = ("camera", "camera_view", "building", "restricted_area", "poi", "street_edge")
"""What a sheet rests on."""


@dataclass(frozen=True, eq=False)
class Precheck:
    """
    A sheet and what it rests on.

    Attributes
    ----------
    sheet
        Figures, reasons, advice.
    revision
        Of the data.
    epsg
        Metric system that was measured in.
    sources
        Name, source, licence, revision and simulated of each dataset.
    """

    sheet: ReviewSheet
    revision: int
    epsg: int
    sources: tuple[Mapping[str, Any], ...]

    @property
    def simulated(self) -> bool:
        """Something that it rests on is simulated."""
        return any(each["simulated"] for each in self.sources)


@dataclass(frozen=True)
class Review:
    """
    An application as it is stored.

    Attributes
    ----------
    number, title, applicant
        Such as 2026-0001; for people; the office that applies.
    proposal
        FeatureCollection: cameras, their views and what was found on the ground, WGS 84.
    sheet
        `ReviewSheet.plain` with revision, crs, sources and method.
    revision
        Of the data that the sheet rests on.
    state
        submitted, approved or returned.
    reasons, decided_at, decided_by
        Of the decision.
    submitted_at
        When it came in.
    """

    number: str
    title: str
    applicant: str
    proposal: Mapping[str, Any]
    sheet: Mapping[str, Any]
    revision: int
    state: str
    reasons: str | None
    submitted_at: dt.datetime
    decided_at: dt.datetime | None
    decided_by: str | None

    def shapes(self, kind: str) -> gpd.GeoDataFrame:
        """Features of one kind (camera, view, new, duplicate, forbidden, window, …) in WGS 84."""
        chosen = [each for each in self.proposal["features"] if each["properties"]["what"] == kind]
        return gpd.GeoDataFrame(
            pd.DataFrame([each["properties"] for each in chosen]),
            geometry=[shapely.geometry.shape(each["geometry"]) for each in chosen],
            crs=DISPLAY_EPSG,
        )


@dataclass(frozen=True, eq=False)
class Surroundings:
    """
    What one map of an application shows beneath it, in metres.

    Attributes
    ----------
    box
        West, south, east, north of the map.
    buildings, streets, restricted, cameras, views
        What lies in it; a map of a wide area has only its main streets.
    """

    box: tuple[float, float, float, float]
    buildings: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    restricted: gpd.GeoDataFrame
    cameras: gpd.GeoDataFrame
    views: gpd.GeoDataFrame


def reading_ground(conn: Connection, town: Town) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Ground on which cameras may stand, and streets and lamps by which shifted coordinates are noticed; in metres."""
    land = read_frame(conn, "SELECT id, geom FROM area WHERE kind = 'county' ORDER BY id")
    marks = read_frame(
        conn,
        "SELECT id, geom FROM (SELECT id, geom FROM street_edge UNION ALL"
        " SELECT id, geom FROM component WHERE class_code = '01-18') t ORDER BY id LIMIT 200000",
    )
    return land.to_crs(town.metric_epsg), marks.to_crs(town.metric_epsg)


def precheck(
    conn: Connection, town: Town, proposed: gpd.GeoDataFrame, rules: ReviewRules | None = None
) -> Precheck:
    """
    The sheet of proposed cameras against what is stored around them.

    Parameters
    ----------
    conn
        An open connection.
    town
        The town.
    proposed
        Cameras in the town's metres, as `geodata.ingest.readers` gives them.
    rules
        What the office asks; codes and classes in use are added.

    Raises
    ------
    NotFound
        If the places where no camera may look have not been derived.
    InputError
        As `review_cameras` does.
    """
    sources = _sources(conn)
    if not any(each["name"] == "restricted_area" for each in sources):
        raise NotFound(
            "It is not known yet where no camera may look.", "Load the town anew: huiyan load {town} --replace.",
            town=town.name,
        )  # fmt: skip
    epsg = town.metric_epsg
    near = _reach(proposed)
    existing = _near(conn, _EYES, near, epsg)
    views = _near(conn, _VIEWS, near, epsg).geometry
    buildings = _near(conn, _BUILDINGS, near, epsg)
    buildings["use_known"] = ~buildings["use"].fillna("").isin(UNKNOWN_USE).to_numpy()
    restricted = _near(conn, _RESTRICTED, near, epsg)
    obstacles = visibility.prepare_obstacles(buildings, height_column="height_m")
    sheet = review_cameras(
        proposed,
        visibility.visible_polygons(proposed, obstacles),
        existing,
        views,
        buildings=buildings,
        restricted=restricted,
        places=_within_reach(_fronts(conn, near, epsg, buildings), proposed),
        taken_codes=_taken(conn, proposed),
        rules=replace(rules or ReviewRules(), classes=_classes(conn), county_code=town.county_code),
    )
    return Precheck(sheet, max(int(each["revision"]) for each in sources), epsg, tuple(sources))


def list_reviews(conn: Connection) -> pd.DataFrame:
    """Applications, the newest first: number, title, applicant, state, advice, cameras, and when and by whom."""
    return read_table(
        conn,
        "SELECT number, title, applicant, state, sheet->>'advice' AS advice,"
        " jsonb_array_length(sheet->'cameras') AS cameras, submitted_at, decided_at, decided_by"
        " FROM building_review ORDER BY submitted_at DESC, number DESC",
    )


def read_review(conn: Connection, number: str) -> Review:
    """
    The application of that number.

    Raises
    ------
    NotFound
        If there is none.
    """
    row = (
        conn.execute(
            text(
                "SELECT number, title, applicant, proposal, sheet, revision, state, reasons, submitted_at, decided_at,"
                " decided_by FROM building_review WHERE number = :number"
            ),
            {"number": number},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound("There is no application {number}.", "Choose one of the list.", number=number)
    return Review(**row)


def surroundings(conn: Connection, town: Town, cameras: gpd.GeoDataFrame) -> list[Surroundings]:
    """
    Maps of an application: one of each place where its cameras stand together, and first one of all if they are many.

    Parameters
    ----------
    conn, town
        Where to read.
    cameras
        The proposed cameras and what they see, in any system.
    """
    shapes = cameras.to_crs(town.metric_epsg).geometry
    around = shapely.union_all(shapely.buffer(shapely.envelope(shapes.to_numpy()), TOGETHER_M))
    groups = [each for each in shapely.get_parts(around) if not each.is_empty]
    groups.sort(key=lambda each: -int(shapes.intersects(each).sum()))
    boxes = [shapely.box(*shapes[shapes.intersects(each)].total_bounds) for each in groups[:MOST_MAPS]]
    maps = [_map(conn, town, shapely.buffer(each, MAP_MARGIN_M)) for each in boxes]
    if len(boxes) > 1:
        whole = shapely.box(*shapes.total_bounds)
        maps.insert(0, _map(conn, town, shapely.buffer(whole, 2 * MAP_MARGIN_M), wide=True))
    return maps


def private_gains(conn: Connection, town: Town) -> pd.DataFrame:
    """
    What each private camera adds.

    One row a private camera that sees anything: camera_id, code, name, owner, share_level, view_m2, added_m2 (seen by
    no camera of a department), added_ratio of its own ground, marginal_m2 (seen by no other camera at all), lon_deg,
    lat_deg; most first.
    """
    epsg = town.metric_epsg
    eyes = read_frame(
        conn,
        "SELECT c.id, c.code, c.name, c.owner, c.share_level, ST_X(c.geom) AS lon_deg, ST_Y(c.geom) AS lat_deg, v.geom"
        " FROM camera c JOIN camera_view v ON v.camera_id = c.id"
        " WHERE NOT c.demonstration AND c.tier <> 'vehicle' ORDER BY c.id",
    ).to_crs(epsg)
    mine = eyes["owner"].str.startswith(PRIVATE).to_numpy(dtype=bool)
    private, public = eyes[mine], eyes[~mine]
    added = _beyond(private.geometry.to_numpy(), public.geometry.to_numpy())
    found = pd.DataFrame(private.drop(columns="geom")).rename_axis("camera_id").reset_index()
    found["view_m2"] = private.area.to_numpy()
    found["added_m2"] = added
    found["added_ratio"] = np.clip(added / np.maximum(found["view_m2"], 1e-9), 0.0, 1.0)
    found["marginal_m2"] = marginal_area_m2(eyes).reindex(private.index).to_numpy()
    return found.sort_values("added_m2", ascending=False, ignore_index=True)


def _map(conn: Connection, town: Town, area: shapely.Geometry, *, wide: bool = False) -> Surroundings:
    box, epsg = _as_wide_as_paper(area), town.metric_epsg
    near = shapely.Point(box.bounds[0], box.bounds[1]) if wide else box
    return Surroundings(
        box=box.bounds,
        buildings=_near(conn, _BUILDINGS, near, epsg),
        streets=_near(conn, _MAIN_STREETS if wide else _STREETS, box, epsg),
        restricted=_near(conn, _RESTRICTED, near, epsg),
        cameras=_near(conn, _CAMERAS, near, epsg),
        views=_near(conn, _VIEWS, near, epsg),
    )


def _as_wide_as_paper(area: shapely.Geometry) -> shapely.Geometry:
    """The box around an area, made wider or higher to `MAP_ASPECT`."""
    west, south, east, north = area.bounds
    wide, high = max(east - west, LEAST_MAP_M), max(north - south, LEAST_MAP_M / MAP_ASPECT)
    wide, high = max(wide, high * MAP_ASPECT), max(high, wide / MAP_ASPECT)
    x, y = (west + east) / 2, (south + north) / 2
    return shapely.box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)


# a camera in a vehicle is elsewhere tomorrow, and the demonstration camera shows another place
_EYES = (
    "SELECT c.id, c.code, c.name, c.owner, c.share_level, c.height_m, c.hfov_deg, c.resolution_px, c.geom"
    " FROM camera c JOIN camera_view t ON t.camera_id = c.id"
    " WHERE NOT c.demonstration AND c.tier <> 'vehicle' AND {near} ORDER BY c.id"
)
_VIEWS = (
    "SELECT c.id, t.geom FROM camera c JOIN camera_view t ON t.camera_id = c.id"
    " WHERE NOT c.demonstration AND c.tier <> 'vehicle' AND {near} ORDER BY c.id"
)
_BUILDINGS = "SELECT t.id, t.height_m, t.use, t.geom FROM building t WHERE {near} ORDER BY t.id"
_RESTRICTED = (
    "SELECT t.id, t.kind, t.name, t.source, t.simulated, t.geom FROM restricted_area t"
    " WHERE {near} ORDER BY t.id"
)
_STREETS = "SELECT t.id, t.drivable, t.geom FROM street_edge t WHERE {near} ORDER BY t.id"
_MAIN_STREETS = (
    "SELECT t.id, t.drivable, t.geom FROM street_edge t WHERE {near} AND t.drivable"
    " AND t.highway NOT IN ('service', 'living_street') ORDER BY t.id"
)
_CAMERAS = "SELECT t.id, t.code, t.owner, t.geom FROM camera t WHERE {near} ORDER BY t.id"
_PLACES = (
    "SELECT t.id, t.name, t.category, t.geom FROM poi t"
    " WHERE t.category = ANY(:categories) AND {near} ORDER BY t.id"
)


def _near(
    conn: Connection, sql: str, near: shapely.Geometry, epsg: int, **parameters: object
) -> gpd.GeoDataFrame:
    """Rows of a query whose `t.geom` lies near, in metres."""
    area = gpd.GeoSeries([near], crs=epsg).to_crs(STORAGE_EPSG).iloc[0]
    condition = f"ST_Intersects(t.geom, ST_GeomFromText(:near, {STORAGE_EPSG}))"
    return read_frame(conn, sql.format(near=condition), {"near": area.wkt, **parameters}).to_crs(epsg)


def _reach(proposed: gpd.GeoDataFrame) -> shapely.Geometry:
    """Boxes around all that the proposed cameras could see."""
    x, y = proposed.geometry.x.to_numpy(), proposed.geometry.y.to_numpy()
    away = proposed["range_m"].to_numpy(dtype=float) + MARGIN_M
    return shapely.union_all(shapely.box(x - away, y - away, x + away, y + away))


def _sources(conn: Connection) -> list[dict[str, Any]]:
    rows = conn.execute(
        text(
            "SELECT name, source, licence, revision, simulated FROM dataset WHERE name = ANY(:names) ORDER BY name"
        ),
        {"names": list(DATASETS)},
    ).mappings()
    return [dict(row) for row in rows]


def _taken(conn: Connection, proposed: gpd.GeoDataFrame) -> list[str]:
    codes = [str(code) for code in proposed["code"].dropna()] if "code" in proposed else []
    return list(conn.scalars(text("SELECT code FROM camera WHERE code = ANY(:codes)"), {"codes": codes}))


def _classes(conn: Connection) -> tuple[str, ...]:
    return tuple(conn.scalars(text("SELECT DISTINCT area_class FROM camera ORDER BY 1")))


def _fronts(
    conn: Connection, near: shapely.Geometry, epsg: int, buildings: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Ground before the places that matter: around where the nearest street passes them, outside the buildings."""
    spots = _near(conn, _PLACES, near, epsg, categories=list(PLACES))
    streets = _near(conn, _STREETS, near, epsg).geometry.to_numpy()
    at = spots.geometry.to_numpy()
    if len(streets) and len(at):
        tree = shapely.STRtree(streets)
        (row, street), away = tree.query_nearest(at, return_distance=True, all_matches=False)
        passing = away <= FRONT_REACH_M
        line = shapely.shortest_line(streets[street[passing]], at[row[passing]])
        at[row[passing]] = shapely.get_point(line, 0)
    fronts = shapely.buffer(at, FRONT_M)
    walls = shapely.STRtree(buildings.geometry.to_numpy())
    row, wall = walls.query(fronts, predicate="intersects")
    for each in np.unique(row):
        hidden = shapely.union_all(buildings.geometry.to_numpy()[wall[row == each]])
        fronts[each] = shapely.difference(fronts[each], hidden)
    told = [PLACES[category] for category in spots["category"]]
    found = gpd.GeoDataFrame(
        {
            "name": spots["name"],
            "kind": [kind for kind, _ in told],
            "task": [task for _, task in told],
        },
        geometry=fronts,
        index=spots.index,
        crs=epsg,
    )
    return found[~found.geometry.is_empty & (found.area > 1.0)]


def _within_reach(places: gpd.GeoDataFrame, proposed: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Places that a proposed camera could see if nothing stood between."""
    reach = shapely.buffer(proposed.geometry.to_numpy(), proposed["range_m"].to_numpy(dtype=float))
    return places.iloc[np.unique(shapely.STRtree(reach).query(places.geometry.to_numpy(), "intersects")[0])]


def _beyond(views: np.ndarray[Any, Any], others: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Area of each view that none of the others sees, square metres."""
    row, other = shapely.STRtree(others).query(views, predicate="intersects")
    area = shapely.area(views)
    order = np.argsort(row, kind="stable")
    row, other = row[order], other[order]
    for group in np.split(np.arange(len(row)), np.flatnonzero(np.diff(row)) + 1) if len(row) else []:
        each = row[group[0]]
        area[each] = shapely.area(shapely.difference(views[each], shapely.union_all(others[other[group]])))
    return area
