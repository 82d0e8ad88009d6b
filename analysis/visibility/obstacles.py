"""Buildings that hide the ground behind them: cleaned footprints and a grid index of their walls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse

from analysis.checks import require_columns, require_metric

__all__ = ["Faces", "Obstacles", "WallGrid", "polygon_parts", "prepare_obstacles", "read_heights"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Shapes = npt.NDArray[np.object_]

GRID_CELL_M = 50.0
"""Side of a cell of the wall grid; grown where a sparse, wide area would make too many cells."""


class WallGrid(NamedTuple):
    """
    Walls in the cells of a uniform grid, a wall in every cell that its bounding box meets.

    Attributes
    ----------
    walls
        One row x1, y1, x2, y2 a wall and cell, metres, the building on its left. Cell c, counted row by row
        from the south-west, holds rows `starts[c]:starts[c + 1]`.
    owners
        The footprint of each row.
    starts
        Where each cell begins.
    lowest_m
        Height of the lowest building with a wall in each cell, metres; infinite where none is known.
    x0, y0
        South-west corner, metres.
    cell_m
        Side of a cell, metres.
    nx, ny
        Cells along x and along y.
    """

    walls: Floats
    owners: Ints
    starts: Ints
    lowest_m: Floats
    x0: float
    y0: float
    cell_m: float
    nx: int
    ny: int


@dataclass(frozen=True, eq=False)
class Faces:
    """
    Buildings one by one, each with its height.

    Attributes
    ----------
    footprints
        Valid Polygons, which may overlap.
    height_m
        One height a footprint, metres; infinite where it is not known.
    grid
        Their walls by cell.
    walls
        Their walls as in the grid, but by footprint: those of f are rows `starts[f]:starts[f + 1]`.
    starts
        Where each footprint begins.
    """

    footprints: gpd.GeoSeries
    height_m: Floats
    grid: WallGrid
    walls: Floats
    starts: Ints


@dataclass(frozen=True, eq=False)
class Obstacles:
    """
    Footprints that hide the ground behind them, with a grid index of their walls.

    Make it with `prepare_obstacles`; one is good for any number of cameras.

    Attributes
    ----------
    footprints
        Disjoint, valid Polygons in a CRS in metres.
    grid
        Their walls.
    faces
        The buildings before they were merged, where heights are known of some: for cameras that look over the
        lower ones.
    """

    footprints: gpd.GeoSeries
    grid: WallGrid
    faces: Faces | None = None


def prepare_obstacles(
    buildings: gpd.GeoDataFrame | gpd.GeoSeries, *, height_column: str | None = None
) -> Obstacles:
    """
    Clean footprints and index their walls.

    Invalid rings are repaired; footprints that overlap or touch become one, so that no wall stands inside a
    building and no sight line slips between two that share a wall. Points, lines and missing shapes are
    dropped; `footprint_faults` tells which.

    Parameters
    ----------
    buildings
        Footprints in a projected CRS in metres; may have no rows.
    height_column
        Column with heights of the roofs above ground, metres. A camera above a roof sees over it: the building
        hides its own ground and a shadow behind it. A building without a height above 0 hides all that is
        behind it, as all of them do if no column is named.

    Raises
    ------
    CrsError
        If `buildings` is not in metres.
    InputError
        If `buildings` lacks the column.
    """
    require_metric(buildings=buildings)
    heights = read_heights(buildings, height_column)
    shapes, heights = _clean(np.array(buildings.geometry.array, dtype=object), heights)
    touching = _touching(shapes)
    merged = polygon_parts(np.asarray([shapely.disjoint_subset_union_all(shapes[touching])], dtype=object))[0]
    footprints = np.concatenate([shapes[~touching], merged])
    lowest = np.concatenate([heights[~touching], _lowest(merged, shapes[touching], heights[touching])])
    found = gpd.GeoSeries(footprints, crs=buildings.crs)
    faces = _faces(shapes, heights, buildings.crs) if np.isfinite(heights).any() else None
    return Obstacles(found, _wall_grid(*_walls(footprints), lowest), faces)


def read_heights(buildings: gpd.GeoDataFrame | gpd.GeoSeries, column: str | None) -> Floats:
    """Heights of buildings, metres: infinite where there is none above 0. InputError if the column is missing."""
    if column is None:
        return np.full(len(buildings), np.inf)
    frame = buildings if isinstance(buildings, gpd.GeoDataFrame) else buildings.to_frame("geometry")
    require_columns("buildings", frame, column)
    heights: Floats = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.where(heights > 0, heights, np.inf)


def polygon_parts(shapes: Shapes) -> tuple[Shapes, npt.NDArray[np.intp]]:
    """Polygons with area in any shapes or collections, and the row of the shape that each comes from."""
    rows = np.arange(len(shapes))
    while (shapely.get_type_id(shapes) > shapely.GeometryType.POLYGON).any():
        shapes, parts = shapely.get_parts(shapes, return_index=True)
        rows = rows[parts]
    areal = (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON) & (shapely.area(shapes) > 0)
    return shapes[areal], rows[areal]


def _clean(shapes: Shapes, heights: Floats) -> tuple[Shapes, Floats]:
    """Valid, flat Polygons with area and their heights."""
    if shapely.has_z(shapes).any():
        shapes = shapely.force_2d(shapes)
    broken = np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes))
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    parts, rows = polygon_parts(shapes)
    return parts, heights[rows]


def _touching(shapes: Shapes) -> npt.NDArray[np.bool_]:
    """Which shapes overlap or touch another."""
    found = np.zeros(len(shapes), dtype=bool)
    one, other = shapely.STRtree(shapes).query(shapes)
    one, other = one[one < other], other[one < other]
    met = shapely.intersects(shapes[one], shapes[other])
    found[one[met]] = found[other[met]] = True
    return found


def _lowest(merged: Shapes, parts: Shapes, heights: Floats) -> Floats:
    """The lowest height of the parts that each merged shape is made of."""
    lowest = np.full(len(merged), np.inf)
    part, whole = shapely.STRtree(merged).query_nearest(shapely.point_on_surface(parts))
    np.minimum.at(lowest, whole, heights[part])
    return lowest


def _faces(shapes: Shapes, heights: Floats, crs: object) -> Faces:
    walls, owners = _walls(shapes)
    starts = np.searchsorted(owners, np.arange(len(shapes) + 1)).astype(np.int32)
    return Faces(gpd.GeoSeries(shapes, crs=crs), heights, _wall_grid(walls, owners, heights), walls, starts)


def _walls(footprints: Shapes) -> tuple[Floats, Ints]:
    """Rows x1, y1, x2, y2 of every wall, the building on its left, and the footprint that each belongs to."""
    if not len(footprints):
        return np.empty((0, 4)), np.empty(0, dtype=np.int32)
    rings, owners = shapely.get_rings(footprints, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    walls = np.empty((len(corners) - 1, 4))
    walls[:, :2], walls[:, 2:] = corners[:-1], corners[1:]
    real = ring[1:] == ring[:-1]
    real &= (walls[:, 0] != walls[:, 2]) | (walls[:, 1] != walls[:, 3])
    walls, ring = walls[real], ring[:-1][real]
    outer = np.diff(owners, prepend=-1) > 0
    turned = (shapely.is_ccw(rings) != outer)[ring]
    walls[turned] = walls[turned][:, [2, 3, 0, 1]]
    return walls, owners.astype(np.int32)[ring]


def _wall_grid(walls: Floats, owners: Ints, height_m: Floats) -> WallGrid:
    """Walls in the cells of a grid around them; `height_m` is that of each owner."""
    if not len(walls):
        starts, lowest = np.zeros(2, dtype=np.int32), np.full(1, np.inf)
        return WallGrid(walls, owners, starts, lowest, 0.0, 0.0, GRID_CELL_M, 1, 1)
    least, most = np.minimum(walls[:, :2], walls[:, 2:]), np.maximum(walls[:, :2], walls[:, 2:])
    corner = least.min(axis=0)
    width, depth = most.max(axis=0) - corner
    cell_m = max(GRID_CELL_M, math.sqrt(width * depth / (4 * len(walls) + 1024)), max(width, depth) / 1e6)
    nx, ny = int(width // cell_m) + 1, int(depth // cell_m) + 1
    first = ((least - corner) // cell_m).astype(np.int32)
    wide, deep = (((most - corner) // cell_m).astype(np.int32) - first + 1).T
    held = wide * deep
    wall = np.repeat(np.arange(len(walls), dtype=np.int32), held)
    nth = np.arange(len(wall), dtype=np.int32) - np.repeat(np.cumsum(held, dtype=np.int32) - held, held)
    cell = (first[wall, 1] + nth // wide[wall]) * nx + first[wall, 0] + nth % wide[wall]
    in_cells = sparse.coo_array(
        (np.ones(len(wall), np.int8), (cell, wall)), shape=(nx * ny, len(walls))
    ).tocsr()
    lowest = np.full(nx * ny, np.inf)
    if np.isfinite(height_m).any():
        np.minimum.at(lowest, cell, height_m[owners[wall]])
    order, (x0, y0) = in_cells.indices, corner.tolist()
    return WallGrid(walls[order], owners[order], in_cells.indptr, lowest, x0, y0, float(cell_m), nx, ny)
