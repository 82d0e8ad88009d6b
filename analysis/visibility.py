"""What a camera sees of the ground: a sector of a circle behind the footprints that hide it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import geopandas as gpd
import numba
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.checks import require_columns, require_metric, require_positive
from analysis.errors import InputError

__all__ = [
    "DORI_PX_PER_M",
    "Obstacles",
    "dori_distance_m",
    "far_distance_m",
    "near_distance_m",
    "pixel_density",
    "prepare_obstacles",
    "visible_polygons",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DORI_PX_PER_M = {"detect": 25.0, "observe": 62.5, "recognise": 125.0, "identify": 250.0}
"""Pixels across one metre at the target that each task needs (EN 62676-4:2014, annex on DORI)."""

ARC_STEP_RAD = math.radians(2.0)
"""Longest chord that stands for an arc; it leaves out at most 0.02 % of the arc's sector."""
GRID_CELL_M = 50.0
"""Side of a cell of the edge grid; grown where a sparse, wide area would make too many cells."""
STEP_CLEAR_M = 0.01
"""How far beyond the wall a camera stands after stepping out of a footprint."""
LEAST_AREA_M2 = 1e-6
"""A view smaller than this is empty."""
LEAST_ANGLE_RAD = 1e-7
"""Two events of the sweep closer than this are one: at 100 m, 0.01 mm."""
FULL_TURN_DEG = 360.0 - 1e-4
"""A field this wide has no edges left and right."""


class EdgeGrid(NamedTuple):
    """
    Walls in the cells of a uniform grid.

    Attributes
    ----------
    edges
        One row x1, y1, x2, y2 a wall, metres, the building on its left.
    starts, edge_ids
        Compressed rows: cell c, counted row by row from the south-west, holds
        `edge_ids[starts[c]:starts[c + 1]]`.
    x0, y0
        South-west corner, metres.
    cell_m
        Side of a cell, metres.
    nx, ny
        Cells along x and along y.
    """

    edges: Floats
    starts: Ints
    edge_ids: npt.NDArray[np.int32]
    x0: float
    y0: float
    cell_m: float
    nx: int
    ny: int


class Scratch(NamedTuple):
    """Working space of the sweep: walls (start, vector), their spans (radians), those in play, a ring."""

    walls: Floats
    spans: Floats
    active: Ints
    ring: Floats


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
    """

    footprints: gpd.GeoSeries
    grid: EdgeGrid


def prepare_obstacles(buildings: gpd.GeoDataFrame | gpd.GeoSeries) -> Obstacles:
    """
    Clean footprints and index their walls.

    Invalid rings are repaired; footprints that overlap or touch become one, so that no wall stands inside a
    building and no sight line slips between two that share a wall. Points, lines and missing shapes are
    dropped.

    Parameters
    ----------
    buildings
        Footprints in a projected CRS in metres; may have no rows. Heights are not read: every footprint hides
        the ground behind it completely.

    Raises
    ------
    CrsError
        If `buildings` is not in metres.
    """
    require_metric(buildings=buildings)
    shapes = shapely.force_2d(np.asarray(buildings.geometry.array, dtype=object))
    shapes = shapes[~shapely.is_missing(shapes)]
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    merged = shapely.disjoint_subset_union_all(_polygon_parts(shapes))
    footprints = shapely.orient_polygons(_polygon_parts(np.asarray([merged], dtype=object)))
    corners, ring = shapely.get_coordinates(shapely.get_rings(footprints), return_index=True)
    edges = np.hstack([corners[:-1], corners[1:]])[ring[1:] == ring[:-1]]
    edges = np.ascontiguousarray(edges[(edges[:, :2] != edges[:, 2:]).any(axis=1)])
    return Obstacles(gpd.GeoSeries(footprints, crs=buildings.crs), _edge_grid(edges))


def visible_polygons(
    cameras: gpd.GeoDataFrame, obstacles: Obstacles, *, step_out_m: float = 30.0
) -> gpd.GeoSeries:
    """
    Ground that each camera sees.

    A point of the ground is seen if it lies in the camera's sector, within range, in front of every
    footprint, and between the lower and the upper edge of the picture. The sector is swept by angle over the
    walls within range [1]_.

    Parameters
    ----------
    cameras
        Points in the CRS of `obstacles`, with columns `heading_deg` in [0, 360), clockwise from north,
        `hfov_deg` in (0, 360], the horizontal field, and `range_m` > 0. If `height_m` >= 0 above ground,
        `tilt_deg` in [-90, 90], downward positive, and `vfov_deg` in (0, 180) are all there, the ground
        nearer than `near_distance_m` and beyond `far_distance_m` is left out; a camera for which one of the
        three is missing loses nothing.
    obstacles
        From `prepare_obstacles`.
    step_out_m
        A camera inside or on a footprint hangs on its wall: it moves along its heading to just outside (1 cm)
        and its range counts from there. If that is more than `step_out_m` metres away it sees nothing.

    Returns
    -------
    views
        One valid Polygon a camera, indexed like `cameras`, in its CRS; a MultiPolygon where a wall cuts the
        near edge of the picture, an empty Polygon where nothing is seen. An arc is drawn as chords of at
        most 2°: areas are at most 0.03 % too small.

    Raises
    ------
    CrsError
        If `cameras` is not in metres or not in the CRS of `obstacles`.
    InputError
        If a column is missing, or a shape or value is out of range; the message names camera, column, value.

    References
    ----------
    .. [1] Suri & O'Rourke (1986), Worst-case optimal algorithms for constructing visibility polygons with
       holes.
    """
    require_metric(cameras=cameras, obstacles=obstacles.footprints)
    require_columns("cameras", cameras, "heading_deg", "hfov_deg", "range_m")
    require_positive("step_out_m", step_out_m, zero=True)
    points = np.array(cameras.geometry.array, dtype=object)
    pointlike = (shapely.get_type_id(points) == shapely.GeometryType.POINT) & ~shapely.is_empty(points)
    _require_rows(cameras, "geometry", pointlike, "a point", shapely.get_type_id(points))
    heading = _column(cameras, "heading_deg", "in [0, 360)", lambda v: (v >= 0) & (v < 360))
    hfov = _column(cameras, "hfov_deg", "in (0, 360]", lambda v: (v > 0) & (v <= 360))
    reach = _column(cameras, "range_m", "finite and above zero", lambda v: (v > 0) & np.isfinite(v))
    near, far = _picture_limits(cameras)
    bearing = np.deg2rad(90.0 - heading)
    at, outside = _step_out(shapely.get_coordinates(points), bearing, obstacles.footprints, step_out_m)
    reach = np.minimum(reach, far)
    full = hfov >= FULL_TURN_DEG
    half = np.where(full, math.pi, np.deg2rad(hfov) / 2)
    look = np.column_stack([at, bearing, half, reach, near])
    look = look[(seeing := np.flatnonzero(outside & (near < reach)))]
    views = np.full(len(cameras), shapely.Polygon(), dtype=object)
    views[seeing] = _swept(look, obstacles)
    return gpd.GeoSeries(views, index=cameras.index, crs=cameras.crs)


def near_distance_m(height_m: npt.ArrayLike, tilt_deg: npt.ArrayLike, vfov_deg: npt.ArrayLike) -> Floats:
    """
    Ground distance from the pole to where the picture begins: the radius of the blind cone under the camera.

    Parameters
    ----------
    height_m
        Lens above ground, metres, 0 or more.
    tilt_deg
        Optical axis below the horizon, degrees in [-90, 90].
    vfov_deg
        Vertical field, degrees in (0, 180).

    Returns
    -------
    near_m
        height / tan(tilt + vfov / 2); 0 if the camera can look straight down, infinite if it sees no ground.

    Raises
    ------
    InputError
        If a height is negative or not a number.
    """
    require_positive("height_m", height_m, zero=True)
    return _ground_distance(
        height_m, np.asarray(tilt_deg, dtype=float) + np.asarray(vfov_deg, dtype=float) / 2
    )


def far_distance_m(height_m: npt.ArrayLike, tilt_deg: npt.ArrayLike, vfov_deg: npt.ArrayLike) -> Floats:
    """
    Ground distance from the pole to the upper edge of the picture.

    Takes what `near_distance_m` takes; gives height / tan(tilt − vfov / 2), infinite if the horizon is in the
    picture.
    """
    require_positive("height_m", height_m, zero=True)
    return _ground_distance(
        height_m, np.asarray(tilt_deg, dtype=float) - np.asarray(vfov_deg, dtype=float) / 2
    )


def pixel_density(resolution_px: npt.ArrayLike, hfov_deg: npt.ArrayLike, distance_m: npt.ArrayLike) -> Floats:
    """
    Pixels across one metre of a plane `distance_m` in front of the lens (EN 62676-4).

    Parameters
    ----------
    resolution_px
        Width of the picture, pixels, above 0.
    hfov_deg
        Horizontal field of one flat picture, degrees in (0, 180).
    distance_m
        From lens to plane, metres, above 0.

    Raises
    ------
    InputError
        If a value is out of range.
    """
    require_positive("distance_m", distance_m)
    return _pixels_at_one_metre(resolution_px, hfov_deg) / np.asarray(distance_m, dtype=float)


def dori_distance_m(
    resolution_px: npt.ArrayLike,
    hfov_deg: npt.ArrayLike,
    px_per_m: npt.ArrayLike,
    height_m: npt.ArrayLike = 0.0,
) -> Floats:
    """
    Ground distance out to which a target has a pixel density, such as one of `DORI_PX_PER_M`.

    Parameters
    ----------
    resolution_px
        Width of the picture, pixels, above 0.
    hfov_deg
        Horizontal field of one flat picture, degrees in (0, 180).
    px_per_m
        Wanted density, pixels a metre, above 0.
    height_m
        Lens above the target, metres, 0 or more.

    Returns
    -------
    distance_m
        Metres on the ground; 0 if the lens is too high to reach the density anywhere.

    Raises
    ------
    InputError
        If a value is out of range.
    """
    require_positive("px_per_m", px_per_m)
    require_positive("height_m", height_m, zero=True)
    slant_m = _pixels_at_one_metre(resolution_px, hfov_deg) / np.asarray(px_per_m, dtype=float)
    return np.sqrt(np.maximum(slant_m**2 - np.asarray(height_m, dtype=float) ** 2, 0.0))


def _pixels_at_one_metre(resolution_px: npt.ArrayLike, hfov_deg: npt.ArrayLike) -> Floats:
    require_positive("resolution_px", resolution_px)
    require_positive("hfov_deg", hfov_deg)
    field = np.asarray(hfov_deg, dtype=float)
    if (field >= 180).any():
        raise InputError(
            "hfov_deg is {value}, but a flat picture is narrower than 180°.",
            "Give the field of one lens or of one flattened part of the panorama.",
            value=float(field.max()),
        )
    return np.asarray(resolution_px, dtype=float) / (2 * np.tan(np.deg2rad(field) / 2))


def _ground_distance(height_m: npt.ArrayLike, below_horizon_deg: Floats) -> Floats:
    """Where a line from the lens, so many degrees below the horizon, meets the ground, metres."""
    below = np.clip(below_horizon_deg, 0.0, 90.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.asarray(height_m, dtype=float) / np.tan(np.deg2rad(below))
    return np.where(below >= 90, 0.0, np.where(below <= 0, np.inf, distance))


def _picture_limits(cameras: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    """Near and far ground distance of every camera, metres; 0 and infinite where the pose is not known."""
    near, far = np.zeros(len(cameras)), np.full(len(cameras), np.inf)
    if not {"height_m", "tilt_deg", "vfov_deg"} <= set(cameras.columns):
        return near, far
    height = _column(
        cameras, "height_m", "finite and not below zero", lambda v: (v >= 0) & np.isfinite(v), gaps=True
    )
    tilt = _column(cameras, "tilt_deg", "in [-90, 90]", lambda v: np.abs(v) <= 90, gaps=True)
    vfov = _column(cameras, "vfov_deg", "in (0, 180)", lambda v: (v > 0) & (v < 180), gaps=True)
    known = ~np.isnan(height + tilt + vfov)
    near[known] = near_distance_m(height[known], tilt[known], vfov[known])
    far[known] = far_distance_m(height[known], tilt[known], vfov[known])
    return near, far


def _column(cameras: gpd.GeoDataFrame, name: str, rule: str, good: Any, *, gaps: bool = False) -> Floats:
    """A column as floats, if every row keeps the rule (or is missing, where gaps are allowed)."""
    values: Floats = pd.to_numeric(cameras[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    kept = good(values)
    if gaps:
        kept |= cameras[name].isna().to_numpy()
    _require_rows(cameras, name, kept, rule, cameras[name].to_numpy())
    return values


def _require_rows(
    cameras: gpd.GeoDataFrame, name: str, good: npt.NDArray[np.bool_], rule: str, values: npt.NDArray[Any]
) -> None:
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InputError(
            "{name} of camera {row} must be {rule}, but is {value}.",
            "Correct that camera or leave it out.",
            name=name,
            row=cameras.index[row],
            rule=rule,
            value=shapely.GeometryType(values[row]).name if name == "geometry" else values[row],
        )


def _polygon_parts(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Polygons with area in any shapes or collections."""
    parts = shapely.get_parts(shapely.get_parts(shapes))
    return parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (shapely.area(parts) > 0)]


def _step_out(
    at: Floats, bearing: Floats, footprints: gpd.GeoSeries, depth_m: float
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Positions after leaving the footprints along the bearing, and which cameras got out."""
    at, start = at.copy(), at
    outside = np.ones(len(at), dtype=bool)
    direction = np.column_stack([np.cos(bearing), np.sin(bearing)])
    row, hit = footprints.sindex.query(shapely.points(at), predicate="intersects")
    while row.size:  # again if one step ends in the next footprint, less than a centimetre behind
        row, first = np.unique(row, return_index=True)
        wall = footprints.array[hit[first]]
        gone = np.hypot(*(at[row] - start[row]).T)
        left = depth_m - gone + STEP_CLEAR_M
        ends = at[row] + direction[row] * np.maximum(left, 0.0)[:, None]
        sight = shapely.linestrings(np.stack([at[row], ends], axis=1))
        free = shapely.difference(sight, np.asarray(wall, dtype=object))
        distance = shapely.distance(shapely.points(at[row]), free)
        outside[row] = (left > 0) & ~shapely.is_empty(free)
        row, distance = row[outside[row]], distance[outside[row]]
        at[row] += direction[row] * (distance + STEP_CLEAR_M)[:, None]
        again, hit = footprints.sindex.query(shapely.points(at[row]), predicate="intersects")
        row = row[again]
    return at, outside


def _swept(look: Floats, obstacles: Obstacles) -> npt.NDArray[np.object_]:
    """Views of cameras given as rows x, y, bearing, half field (radians), reach, near (metres)."""
    xy, offsets, cut = _sweep(look, obstacles.grid, ARC_STEP_RAD)
    sizes = np.diff(offsets)
    rings = np.concatenate([[0], np.cumsum(sizes > 0)])
    views = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, xy, (np.concatenate([[0], offsets[1:][sizes > 0]]), rings)
    )
    whole = (sizes > 0) & (look[:, 3] >= math.pi) & (look[:, 5] > 0) & ~cut
    views[whole] = shapely.polygons(
        shapely.get_exterior_ring(views[whole]), holes=_cones(look[whole])[:, None]
    )
    views[cut] = shapely.difference(views[cut], shapely.polygons(_cones(look[cut])))
    broken = ~shapely.is_valid(views)
    if broken.any():  # slivers that collapse in double precision
        mended = shapely.make_valid(views[broken], method="structure", keep_collapsed=False)
        views[broken] = [
            shapely.union_all(_polygon_parts(np.asarray([view], dtype=object))) for view in mended
        ]
    views[shapely.is_empty(views)] = shapely.Polygon()
    return views


def _edge_grid(edges: Floats) -> EdgeGrid:
    """Walls in the cells of a grid around them."""
    if not len(edges):
        return EdgeGrid(edges, np.zeros(2, np.int64), np.zeros(0, np.int32), 0.0, 0.0, GRID_CELL_M, 1, 1)
    corners = edges.reshape(-1, 2)
    (x0, y0), (width, depth) = corners.min(axis=0), np.ptp(corners, axis=0)
    cell_m = max(GRID_CELL_M, math.sqrt(width * depth / (4 * len(edges) + 1024)), max(width, depth) / 1e6)
    empty = EdgeGrid(
        edges,
        np.zeros(0, np.int64),
        np.zeros(0, np.int32),
        float(x0),
        float(y0),
        float(cell_m),
        int(width // cell_m) + 1,
        int(depth // cell_m) + 1,
    )
    starts, edge_ids = _fill_cells(empty)
    return empty._replace(starts=starts, edge_ids=edge_ids)


def _cones(look: Floats) -> npt.NDArray[np.object_]:
    """Rings around the ground too near to be in the picture."""
    corner = np.arange(0, 2 * math.pi, ARC_STEP_RAD)
    circle = np.column_stack([np.cos(corner), np.sin(corner)])
    return np.asarray(shapely.linearrings(look[:, None, :2] + circle * look[:, 5, None, None]), dtype=object)


@numba.njit(cache=True, nogil=True)
def _fill_cells(grid: EdgeGrid) -> tuple[Ints, npt.NDArray[np.int32]]:
    """Compressed rows: for each cell the walls whose bounding box meets it."""
    edges, cell = grid.edges, grid.cell_m
    starts = np.zeros(grid.nx * grid.ny + 1, np.int64)
    ids = np.empty(0, np.int32)
    fill = starts
    for placing in range(2):
        if placing:
            starts = np.cumsum(starts)
            ids = np.empty(starts[-1], np.int32)
            fill = starts.copy()
        for k in range(edges.shape[0]):
            west = int((min(edges[k, 0], edges[k, 2]) - grid.x0) // cell)
            east = min(int((max(edges[k, 0], edges[k, 2]) - grid.x0) // cell), grid.nx - 1)
            south = int((min(edges[k, 1], edges[k, 3]) - grid.y0) // cell)
            north = min(int((max(edges[k, 1], edges[k, 3]) - grid.y0) // cell), grid.ny - 1)
            for j in range(south, north + 1):
                for at in range(j * grid.nx + west, j * grid.nx + east + 1):
                    if placing:
                        ids[fill[at]] = k
                        fill[at] += 1
                    else:
                        starts[at + 1] += 1
    return starts, ids


@numba.njit(cache=True, nogil=True)
def _cells_in_reach(grid: EdgeGrid, camera: Floats) -> tuple[int, int, int, int]:
    """First and last cell along x and along y that the camera's reach can touch."""
    x, y, reach = camera[0] - grid.x0, camera[1] - grid.y0, camera[4]
    return (
        max(0, int((x - reach) // grid.cell_m)),
        min(grid.nx - 1, int((x + reach) // grid.cell_m)),
        max(0, int((y - reach) // grid.cell_m)),
        min(grid.ny - 1, int((y + reach) // grid.cell_m)),
    )


@numba.njit(cache=True, nogil=True)
def _place_wall(camera: Floats, wall: Floats, scratch: Scratch, count: int) -> tuple[int, float]:
    """
    Writes one wall that faces the camera to `scratch` from row `count`, in the camera's frame, x ahead.

    Its span is the angles between which it stands within reach and field; one across the back is cut in two.
    Returns the next free row and the square of the distance to the wall, infinite if out of sight.
    """
    rx, ry, qx, qy = wall[0] - camera[0], wall[1] - camera[1], wall[2] - camera[0], wall[3] - camera[1]
    if rx * qy - ry * qx >= -1e-12:  # the building is on the camera's side: a back wall
        return count, np.inf
    half, reach2 = camera[3], camera[4] * camera[4]
    ch, sh = math.cos(camera[2]), math.sin(camera[2])
    ax, ay, bx, by = qx * ch + qy * sh, qy * ch - qx * sh, rx * ch + ry * sh, ry * ch - rx * sh
    dx, dy = bx - ax, by - ay
    dd, ad, aa = dx * dx + dy * dy, ax * dx + ay * dy, ax * ax + ay * ay
    root = ad * ad - dd * (aa - reach2)
    if root <= 0:
        return count, np.inf
    root = math.sqrt(root)
    t0, t1 = max(0.0, (-ad - root) / dd), min(1.0, (-ad + root) / dd)
    if t1 <= t0:
        return count, np.inf
    a = math.atan2(ay + t0 * dy, ax + t0 * dx)
    b = math.atan2(ay + t1 * dy, ax + t1 * dx)
    first = count
    for part in range(2 if b < a else 1):
        low = -half if b < a and part == 0 else max(a, -half)
        high = half if b < a and part == 1 else min(b, half)
        if high > low:
            scratch.walls[count, 0], scratch.walls[count, 1] = ax, ay
            scratch.walls[count, 2], scratch.walls[count, 3] = dx, dy
            scratch.spans[count, 0], scratch.spans[count, 1] = low, high
            count += 1
    if count == first:
        return count, np.inf
    foot = min(1.0, max(0.0, -ad / dd))
    return count, aa + 2 * foot * ad + foot * foot * dd


@numba.njit(cache=True, nogil=True)
def _place_walls(
    camera: Floats, grid: EdgeGrid, seen: Ints, turn: int, scratch: Scratch
) -> tuple[int, float]:
    """Every wall within reach to `scratch`; returns how many rows and the nearest squared distance."""
    reach2, nearest2, count = camera[4] * camera[4], np.inf, 0
    x, y, cell = camera[0] - grid.x0, camera[1] - grid.y0, grid.cell_m
    i0, i1, j0, j1 = _cells_in_reach(grid, camera)
    for j in range(j0, j1 + 1):
        cy = max(j * cell - y, y - (j + 1) * cell, 0.0)
        for i in range(i0, i1 + 1):
            cx = max(i * cell - x, x - (i + 1) * cell, 0.0)
            if cx * cx + cy * cy > reach2:
                continue
            at = j * grid.nx + i
            for q in range(grid.starts[at], grid.starts[at + 1]):
                k = grid.edge_ids[q]
                if seen[k] != turn:
                    seen[k] = turn
                    count, distance2 = _place_wall(camera, grid.edges[k], scratch, count)
                    nearest2 = min(nearest2, distance2)
    return count, nearest2


@numba.njit(cache=True, nogil=True)
def _ray(wall: Floats, angle: float) -> float:
    """Distance along a ray from the camera to the line of a wall (its start and its vector)."""
    slope = math.cos(angle) * wall[3] - math.sin(angle) * wall[2]
    return (wall[0] * wall[3] - wall[1] * wall[2]) / slope if slope > 0 else np.inf


@numba.njit(cache=True, nogil=True)
def _outline(camera: Floats, scratch: Scratch, count: int, step: float) -> int:
    """Writes the outer line of the view, anticlockwise in the camera's frame; returns how many corners."""
    half, reach, spans, active = camera[3], camera[4], scratch.spans, scratch.active
    events = np.empty(2 + 2 * count)
    events[0], events[1] = -half, half
    events[2 : 2 + count], events[2 + count :] = spans[:count, 0], spans[:count, 1]
    events.sort()
    order = np.argsort(spans[:count, 0])
    m, standing, following, previous, t0 = 0, 0, 0, -2, events[0]
    for t1 in events[1:]:
        if t1 - t0 < LEAST_ANGLE_RAD:
            continue
        middle = 0.5 * (t0 + t1)
        while following < count and spans[order[following], 0] <= middle:
            active[standing] = order[following]
            standing += 1
            following += 1
        nearest, wall, kept = np.inf, -1, 0
        for k in active[:standing]:
            if spans[k, 1] < middle:
                continue
            active[kept] = k
            kept += 1
            distance = _ray(scratch.walls[k], middle)
            if distance < nearest:
                nearest, wall = distance, k
        standing = kept
        if wall == previous and wall >= 0:
            m -= 1  # the same wall goes on
        pieces = max(1, math.ceil((t1 - t0) / step)) if wall < 0 else 1
        for piece in range(1 if wall == previous else 0, pieces + 1):
            t = t0 + (t1 - t0) * piece / pieces
            distance = reach if wall < 0 else min(reach, max(0.0, _ray(scratch.walls[wall], t)))
            scratch.ring[m, 0], scratch.ring[m, 1] = distance * math.cos(t), distance * math.sin(t)
            m += 1
        previous, t0 = wall, t1
    return m


@numba.njit(cache=True, nogil=True)
def _inner_line(camera: Floats, ring: Floats, m: int, step: float, cone: bool) -> int:
    """Ends the ring of a sector with the arc of its blind cone, or with the camera; returns its corners."""
    half = camera[3]
    pieces = max(1, math.ceil(2 * half / step)) if cone else 0
    for piece in range(pieces + 1):
        t = half - 2 * half * piece / max(1, pieces)
        radius = camera[5] if cone else 0.0
        ring[m, 0], ring[m, 1] = radius * math.cos(t), radius * math.sin(t)
        m += 1
    return m


@numba.njit(cache=True, nogil=True)
def _place_ring(camera: Floats, ring: Floats, out: Floats) -> int:
    """Writes the ring to `out`, turned to north and closed; returns its rows, 0 if it holds no area."""
    ch, sh = math.cos(camera[2]), math.sin(camera[2])
    kept, area, (x, y) = 0, 0.0, ring[-1]
    for u, v in ring:
        if abs(u - x) + abs(v - y) < 1e-6:
            continue
        area += 0.5 * (x * v - y * u)
        x, y = u, v
        out[kept, 0], out[kept, 1] = camera[0] + u * ch - v * sh, camera[1] + u * sh + v * ch
        kept += 1
    if kept < 3 or area < LEAST_AREA_M2:
        return 0
    out[kept] = out[0]
    return kept + 1


@numba.njit(cache=True, nogil=True)
def _sweep(look: Floats, grid: EdgeGrid, step: float) -> tuple[Floats, Ints, npt.NDArray[np.bool_]]:
    """
    Rings of all views, their offsets, and which still need the blind cone cut out.

    The cone of a sector is an arc of its ring, that of a full circle a hole, unless a wall stands inside it.
    """
    offsets = np.zeros(len(look) + 1, np.int64)
    cut = np.zeros(len(look), np.bool_)
    seen = np.zeros(len(grid.edges), np.int64)
    arc = 2 * int(2 * math.pi / step) + 8
    room, scratch = 0, _scratch(0, arc)
    out = np.empty((64 * len(look) + arc, 2))
    for n in range(len(look)):
        camera = look[n]
        i0, i1, j0, j1 = _cells_in_reach(grid, camera)
        possible = 0
        for j in range(j0, j1 + 1):
            if i1 >= i0:
                possible += 2 * (grid.starts[j * grid.nx + i1 + 1] - grid.starts[j * grid.nx + i0])
        if possible > room:
            room, scratch = 2 * possible, _scratch(2 * possible, arc)
        count, nearest2 = _place_walls(camera, grid, seen, n + 1, scratch)
        m = _outline(camera, scratch, count, step)
        full, near = camera[3] >= math.pi, camera[5]
        cone = near > 0 and nearest2 > near * near
        if not full:
            m = _inner_line(camera, scratch.ring, m, step, cone)
        end = offsets[n]
        if end + m + 1 > len(out):
            grown = np.empty((2 * len(out) + m + 1, 2))
            grown[:end] = out[:end]
            out = grown
        rows = _place_ring(camera, scratch.ring[:m], out[end:])
        offsets[n + 1] = end + rows
        cut[n] = near > 0 and not cone and rows > 0
    return out[: offsets[-1]].copy(), offsets, cut


@numba.njit(cache=True, nogil=True)
def _scratch(room: int, arc: int) -> Scratch:
    """Working space for so many walls; a ring has at most 3 corners an event and those of its arcs."""
    return Scratch(
        np.empty((room, 4)), np.empty((room, 2)), np.empty(room, np.int64), np.empty((6 * room + 2 * arc, 2))
    )
