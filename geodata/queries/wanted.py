"""Where more eyes are wanted: demand as weighted points, of one kind or mixed."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import Connection

from analysis.checks import require_positive
from analysis.errors import InputError, Term, Terms
from geodata.errors import NotFound
from geodata.queries.city import cells, kerbs, streets
from geodata.queries.frames import read_frame
from geodata.towns.simulation import bare_kerbs
from geodata.towns.town import Town

__all__ = [
    "DISTRICTS",
    "LAYERS",
    "SPACING_M",
    "TITLES",
    "demand_points",
    "district_of",
    "ground_points",
    "planning_area",
    "wanted_points",
]

Shapes = npt.NDArray[np.object_]

LAYERS = ("violations", "complaints", "schools", "uniform")
"""
Kinds of demand: violations expected on kerbs without bays (corrected for exposure), reports by people, streets about
schools, all streets alike.
"""
TITLES = {
    "violations": Term("violations per exposure"),
    "complaints": Term("reports by people"),
    "schools": Term("streets about schools"),
    "uniform": Term("all streets alike"),
}
"""What they are called."""
DISTRICTS = ("county", "street", "community")
"""Levels of the table area."""
SPACING_M = 10.0
"""Distance between demand points along a line."""
KERB_REACH_M = 10.0
"""No kerb is farther from its street."""
SCHOOL_REACH_M = 80.0
"""Streets so near to a school are those about it."""
SCHOOLS = ("school", "kindergarten")


def demand_points(conn: Connection, town: Town, within: shapely.Geometry | None = None) -> gpd.GeoDataFrame:
    """
    Points every 10 m along kerbs without bays; `weight` is the violations an hour expected on their stretch.

    A cell's exposure-corrected rate is divided among its points; where nobody looked the town's mean rate stands in.

    Parameters
    ----------
    conn
        An open connection.
    town
        The town.
    within
        Ground to which the points are limited, in the town's metric CRS.
    """
    epsg = town.metric_epsg
    roads, sides, grid = streets(conn, epsg), kerbs(conn, epsg), cells(conn, epsg)
    grounds = grid.geometry.to_numpy()
    near = shapely.STRtree(grounds).query(
        roads.geometry.to_numpy(), predicate="dwithin", distance=KERB_REACH_M
    )[0]
    roads = roads.iloc[np.unique(near)]
    bare = bare_kerbs(roads[roads["drivable"]], sides[sides["legal"].eq(True)])
    spots = _along(bare.geometry.to_numpy(), epsg)
    held = _inside(spots, grounds)
    spots, held = spots[held >= 0], held[held >= 0]
    number = np.bincount(held, minlength=len(grid))[held]
    rate = pd.to_numeric(grid["rate"]).to_numpy(dtype=float)[held] / number
    mean = float(np.nanmean(rate)) if np.isfinite(rate).any() else 1.0
    points = gpd.GeoDataFrame(
        {"weight": np.where(np.isfinite(rate), rate, mean)}, geometry=spots.to_numpy(), crs=epsg
    )
    return _limited(points, within)


def wanted_points(
    conn: Connection,
    town: Town,
    weights: Sequence[tuple[str, float]],
    within: shapely.Geometry | None = None,
) -> gpd.GeoDataFrame:
    """
    Demand of one kind, or of several mixed.

    Parameters
    ----------
    conn
        An open connection.
    town
        The town.
    weights
        Kind (one of `LAYERS`) and factor, 0 or more. A kind alone keeps its unit; of several, each is brought to a
        total of 1 within the planned ground and multiplied by its factor.
    within
        Ground to which the points are limited, in the town's metric CRS.

    Returns
    -------
    points
        `weight` and `layer`; metric CRS.

    Raises
    ------
    InputError
        If a kind is unknown, named twice, or a factor is out of range.
    NotFound
        If there is no demand.
    """
    _require_layers(weights)
    parts = []
    for layer, factor in weights:
        if factor == 0:
            continue
        points = _of_layer(conn, town, layer, within)
        total = float(points["weight"].sum())
        if len(weights) > 1 and total > 0:
            points["weight"] = points["weight"] * (factor / total)
        parts.append(points.assign(layer=layer))
    found = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=town.metric_epsg)
    if not found["weight"].sum() > 0:
        raise NotFound(
            "There is no demand of the kind {layers} on the planned ground.",
            "Choose another kind, or a larger area.",
            layers=Terms(TITLES[layer] for layer, _ in weights),
        )
    return found


def ground_points(views: gpd.GeoSeries, spacing_m: float = SPACING_M) -> gpd.GeoDataFrame:
    """Points of a lattice that any view holds, each with a `weight` of the square metres it stands for."""
    shapes = views.to_numpy()
    bounds = shapely.bounds(shapes[~shapely.is_empty(shapes)])
    if not len(bounds):
        return gpd.GeoDataFrame({"weight": np.zeros(0)}, geometry=[], crs=views.crs)
    low = np.ceil(bounds[:, :2] / spacing_m).astype(np.int64)
    size = np.maximum(np.floor(bounds[:, 2:] / spacing_m).astype(np.int64) - low + 1, 0)
    number = size.prod(axis=1)
    view = np.repeat(np.arange(len(bounds)), number)
    order = np.arange(view.size) - np.repeat(np.cumsum(number) - number, number)
    column, row = low[view, 0] + order % size[view, 0], low[view, 1] + order // size[view, 0]
    west, width = (int(column.min()), int(np.ptp(column)) + 1) if column.size else (0, 1)
    nodes = np.unique((column - west) + width * row)
    at = shapely.points(np.column_stack([nodes % width + west, nodes // width]) * spacing_m)
    seen = np.unique(shapely.STRtree(at).query(shapes, predicate="intersects")[1])
    return gpd.GeoDataFrame({"weight": np.full(seen.size, spacing_m**2)}, geometry=at[seen], crs=views.crs)


def planning_area(
    conn: Connection, town: Town, area: str | None, cell_ids: Sequence[int] | None
) -> shapely.Geometry | None:
    """
    The ground of an area (by its code) or of cells (by id), in the town's metric CRS; None for the whole town.

    Raises
    ------
    NotFound
        If there is no such area or cell.
    """
    if area is None and cell_ids is None:
        return None
    if area is not None:
        sql, facts = "SELECT id, geom FROM area WHERE code = :code", {"code": area}
        found = read_frame(conn, sql, facts)
        if found.empty:
            raise NotFound(
                "There is no area {code}.", "Give the 6, 9 or 12 digits of an area that is loaded.", code=area
            )
    else:
        wanted = sorted(set(cell_ids or ()))
        found = read_frame(conn, "SELECT id, geom FROM unit_cell WHERE id = ANY (:ids)", {"ids": wanted})
        missing = sorted(set(wanted) - set(found.index))
        if missing or not wanted:
            raise NotFound(
                "There is no cell {cell}.",
                "Choose cells that are loaded.",
                cell=missing[0] if missing else "-",
            )
    return shapely.union_all(found.to_crs(town.metric_epsg).geometry.to_numpy())


def district_of(conn: Connection, points: gpd.GeoDataFrame, level: str) -> pd.Series:
    """
    Code of the county, street or community in which each point lies; None outside of all.

    Raises
    ------
    InputError
        If the level is unknown.
    """
    if level not in DISTRICTS:
        raise InputError(
            "There are no districts of the level {level!r}.",
            "Choose from {known}.",
            level=level,
            known=", ".join(DISTRICTS),
        )
    areas = read_frame(
        conn, "SELECT id, code, geom FROM area WHERE kind = :kind ORDER BY code", {"kind": level}
    )
    areas = areas.to_crs(points.crs)
    held = _inside(points.geometry, areas.geometry.to_numpy())
    codes = np.append(areas["code"].to_numpy(dtype=object), None)
    return pd.Series(codes[held], index=points.index, dtype=object, name="district")


def _require_layers(weights: Sequence[tuple[str, float]]) -> None:
    if not weights or not any(factor > 0 for _, factor in weights):
        raise InputError("No kind of demand has a weight.", "Name one of {known}.", known=", ".join(LAYERS))
    names = [layer for layer, _ in weights]
    for layer, factor in weights:
        if layer not in LAYERS or names.count(layer) > 1:
            raise InputError(
                "The kind of demand {layer!r} is unknown or named twice.",
                "Choose each at most once from {known}.",
                layer=layer,
                known=", ".join(LAYERS),
            )
        require_positive(f"factor of {layer}", factor, zero=True)


def _of_layer(conn: Connection, town: Town, layer: str, within: shapely.Geometry | None) -> gpd.GeoDataFrame:
    """Points of one kind with `weight`."""
    if layer == "violations":
        return demand_points(conn, town, within)
    if layer == "complaints":
        return _complaints(conn, town, within)
    roads = streets(conn, town.metric_epsg)
    spots = _along(roads[roads["drivable"]].geometry.to_numpy(), town.metric_epsg)
    if layer == "uniform":
        points = gpd.GeoDataFrame({"weight": np.full(len(spots), SPACING_M)}, geometry=spots)
        return _limited(points, within)
    return _limited(_about_schools(conn, town, spots), within)


def _complaints(conn: Connection, town: Town, within: shapely.Geometry | None) -> gpd.GeoDataFrame:
    """Where people reported something, each report with a weight of 1."""
    found = read_frame(
        conn,
        "SELECT count(*) AS weight, geom FROM case_file WHERE source NOT IN ('camera', 'video', 'patrol')"
        " AND stage <> 'void' GROUP BY geom ORDER BY geom",
        index=None,
    ).to_crs(town.metric_epsg)
    points = gpd.GeoDataFrame(
        {"weight": found["weight"].to_numpy(dtype=float)},
        geometry=found.geometry.to_numpy(),
        crs=town.metric_epsg,
    )
    return _limited(points, within)


def _about_schools(conn: Connection, town: Town, spots: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Points on streets near a school; each school has a weight of 1, divided among its points."""
    schools = read_frame(
        conn,
        "SELECT id, geom FROM poi WHERE kind = 'amenity' AND category = ANY (:kinds) ORDER BY id",
        {"kinds": list(SCHOOLS)},
    ).to_crs(town.metric_epsg)
    school, spot = shapely.STRtree(spots.to_numpy()).query(
        schools.geometry.to_numpy(), predicate="dwithin", distance=SCHOOL_REACH_M
    )
    number = np.bincount(school, minlength=len(schools))
    weight = np.bincount(spot, 1.0 / number[school], minlength=len(spots))
    near = weight > 0
    return gpd.GeoDataFrame({"weight": weight[near]}, geometry=spots[near].to_numpy(), crs=town.metric_epsg)


def _along(lines: Shapes, epsg: int) -> gpd.GeoSeries:
    """Points at most 10 m apart along lines, each place once."""
    ends = np.unique(shapely.get_coordinates(shapely.segmentize(lines, SPACING_M)), axis=0)
    return gpd.GeoSeries(shapely.points(ends), crs=epsg)


def _inside(points: gpd.GeoSeries, grounds: Shapes) -> npt.NDArray[np.int64]:
    """The first ground that holds each point; −1 for none."""
    point, ground = shapely.STRtree(grounds).query(points.to_numpy(), predicate="within")
    held = np.full(len(points), len(grounds))
    np.minimum.at(held, point, ground)
    return np.where(held == len(grounds), -1, held)


def _limited(points: gpd.GeoDataFrame, within: shapely.Geometry | None) -> gpd.GeoDataFrame:
    """The points on the planned ground, counted anew."""
    if within is None:
        return points.reset_index(drop=True)
    shapely.prepare(within)
    return points[shapely.intersects(within, points.geometry.to_numpy())].reset_index(drop=True)
