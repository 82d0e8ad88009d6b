"""What a camera sees of the ground: a sector of a circle behind the footprints that hide it."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.checks import require_metric, require_positive
from analysis.errors import InputError
from analysis.visibility.faults import column_values, first_fault
from analysis.visibility.layered import sweep_layers
from analysis.visibility.obstacles import Faces, Obstacles, WallGrid, polygon_parts
from analysis.visibility.picture import DORI_PX_PER_M, dori_distances, far_distance_m, near_distance_m
from analysis.visibility.rings import assemble
from analysis.visibility.standing import Standing, stand
from analysis.visibility.sweep import ARC_STEP_RAD, CUT, LOWER, SURE, sweep

__all__ = ["dori_views", "visible_polygons"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Shapes = npt.NDArray[np.object_]

FULL_TURN_DEG = 360.0 - 1e-4
"""A field this wide has no edges left and right."""
X, Y, BEARING, HALF, REACH, NEAR, HEIGHT = range(7)
"""Columns of what the sweep reads, one row a camera; radians and metres."""


def visible_polygons(
    cameras: gpd.GeoDataFrame, obstacles: Obstacles, *, step_out_m: float = 30.0
) -> gpd.GeoSeries:
    """
    Ground that each camera sees.

    A point of the ground is seen if it lies in the camera's sector, within range, in front of every footprint
    or behind one that is low enough to look over, and between the lower and the upper edge of the picture. The
    sector is swept by angle over the walls within range [1]_.

    Parameters
    ----------
    cameras
        Points in the CRS of `obstacles`, with columns `heading_deg` in [0, 360), clockwise from north,
        `hfov_deg` in (0, 360], the horizontal field, and `range_m` > 0. If `height_m` >= 0 above ground,
        `tilt_deg` in [-90, 90], downward positive, and `vfov_deg` in (0, 180) are all there, the ground
        nearer than `near_distance_m` and beyond `far_distance_m` is left out; a camera for which one of the
        three is missing loses nothing.
    obstacles
        From `prepare_obstacles`. If it knows heights, a camera whose `height_m` is above a roof sees over it:
        hidden are the footprint and its image drawn out from the camera up to height / (height - roof) times.
        A building as high as the camera, or of unknown height, hides all that is behind it.
    step_out_m
        A camera inside or on a footprint hangs on its wall: it moves along its heading to just outside (1 cm)
        and its range counts from there. If that is more than `step_out_m` metres away it sees nothing. One
        that is higher than the roof stands on it and stays where it is.

    Returns
    -------
    views
        One valid Polygon a camera, indexed like `cameras`, in its CRS; a MultiPolygon where a wall cuts the
        near edge of the picture or a shadow cuts the view, an empty Polygon where nothing is seen. An arc is
        drawn as chords of at most 2°: areas are at most 0.03 % too small.

    Raises
    ------
    CrsError
        If `cameras` is not in metres or not in the CRS of `obstacles`.
    InputError
        If a column is missing, or a shape or value is out of range; the message names camera, column, value.
        `camera_faults` tells all of them at once.

    References
    ----------
    .. [1] Suri & O'Rourke (1986), Worst-case optimal algorithms for constructing visibility polygons with
       holes.
    """
    require_metric(cameras=cameras, obstacles=obstacles.footprints)
    require_positive("step_out_m", step_out_m, zero=True)
    if (fault := first_fault(cameras)) is not None:
        raise fault
    look = _look(cameras, obstacles)
    standing = stand(look[:, :2], look[:, BEARING], look[:, HEIGHT], obstacles, step_out_m)
    look[:, :2] = standing.at
    seeing = standing.outside & (look[:, NEAR] < look[:, REACH])
    views = np.full(len(cameras), shapely.Polygon(), dtype=object)
    views[seeing] = _seen(look[seeing], obstacles, *_among(seeing, standing))
    return gpd.GeoSeries(views, index=cameras.index, crs=cameras.crs)


def dori_views(
    views: gpd.GeoSeries, cameras: gpd.GeoDataFrame, obstacles: Obstacles | None = None
) -> gpd.GeoDataFrame:
    """
    The part of each view in which a target has the pixels that each task of `DORI_PX_PER_M` needs.

    Parameters
    ----------
    views
        Ground that each camera sees, indexed like `cameras`, from `visible_polygons`.
    cameras
        What `visible_polygons` and `dori_distances` take.
    obstacles
        If given, the views are swept anew up to each distance, which is exact for cameras that step out of a
        footprint; else each view is cut by a circle around the camera's point.

    Returns
    -------
    rings
        Columns `camera` (label), `task`, `geometry`: for each camera four rows, from detect to identify, each
        within the one before; empty where nothing is near enough.

    Raises
    ------
    CrsError
        If a frame is not in metres, or they differ.
    InputError
        If a column is missing, a value is out of range, or the index of the views differs.
    """
    require_metric(views=views, cameras=cameras)
    if not views.index.equals(cameras.index):
        raise InputError(
            "views and cameras differ in their rows.",
            "Take the views of exactly these cameras, in their order.",
        )
    reached = dori_distances(cameras)
    parts = []
    for task in DORI_PX_PER_M:
        distance = reached[f"{task}_m"].to_numpy()
        seen = np.full(len(cameras), shapely.Polygon(), dtype=object)
        near = distance > 0
        if obstacles is not None:
            seen[near] = visible_polygons(cameras[near].assign(range_m=distance[near]), obstacles).to_numpy()
        else:
            at = shapely.get_coordinates(np.array(cameras.geometry.array, dtype=object)[near])
            circles = shapely.polygons(_circles(np.column_stack([at, distance[near]])))
            seen[near] = shapely.intersection(np.array(views.array, dtype=object)[near], circles)
        parts.append(
            gpd.GeoDataFrame({"camera": cameras.index, "task": task}, geometry=seen, crs=cameras.crs)
        )
    return pd.concat(parts, ignore_index=True)


def _look(cameras: gpd.GeoDataFrame, obstacles: Obstacles) -> Floats:
    """What the sweep reads, as the cameras' rows tell it."""
    look = np.empty((len(cameras), 7))
    hfov = column_values(cameras, "hfov_deg")
    look[:, :2] = shapely.get_coordinates(np.array(cameras.geometry.array, dtype=object))
    look[:, BEARING] = np.deg2rad(90.0 - column_values(cameras, "heading_deg"))
    look[:, HALF] = np.where(hfov >= FULL_TURN_DEG, math.pi, np.deg2rad(hfov) / 2)
    look[:, NEAR], far = _picture_limits(cameras)
    look[:, REACH] = np.minimum(column_values(cameras, "range_m"), far)
    look[:, HEIGHT] = -np.inf
    if obstacles.faces is not None and "height_m" in cameras:
        look[:, HEIGHT] = np.nan_to_num(column_values(cameras, "height_m"), nan=-np.inf)
    return look


def _among(seeing: npt.NDArray[np.bool_], standing: Standing) -> tuple[Rows, Rows]:
    """The pairs of a camera and a roof under it, counted among the cameras that see."""
    kept = seeing[standing.on_camera]
    return (np.cumsum(seeing) - 1)[standing.on_camera[kept]], standing.on_face[kept]


def _picture_limits(cameras: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    """Near and far ground distance of every camera, metres; 0 and infinite where the pose is not known."""
    near, far = np.zeros(len(cameras)), np.full(len(cameras), np.inf)
    if not {"height_m", "tilt_deg", "vfov_deg"} <= set(cameras.columns):
        return near, far
    height, tilt, vfov = (column_values(cameras, name) for name in ("height_m", "tilt_deg", "vfov_deg"))
    known = ~np.isnan(height + tilt + vfov)
    near[known] = near_distance_m(height[known], tilt[known], vfov[known])
    far[known] = far_distance_m(height[known], tilt[known], vfov[known])
    return near, far


def _seen(look: Floats, obstacles: Obstacles, on_camera: Rows, on_face: Rows) -> Shapes:
    """Views of cameras, row by row: those that look over no roof by the plain sweep."""
    views = np.full(len(look), shapely.Polygon(), dtype=object)
    over = np.zeros(len(look), dtype=bool)
    over[on_camera] = True
    plain = np.flatnonzero(~over)
    views[plain], lower = _swept(look[plain], obstacles.grid)
    over[plain[lower]] = True
    if obstacles.faces is not None and over.any():
        starts = np.searchsorted(on_camera, np.append(np.flatnonzero(over), len(look)))
        views[over] = _swept_over(look[over], obstacles.faces, starts, on_face)
    return views


def _swept(look: Floats, grid: WallGrid) -> tuple[Shapes, npt.NDArray[np.bool_]]:
    """Views in which every building hides all behind it, and which cameras are higher than one of them."""
    offsets, state = np.zeros(len(look) + 1, np.int64), np.zeros(len(look), np.int8)
    corners = sweep(look, grid, offsets, state)
    sizes = np.diff(offsets)
    rings = np.concatenate([[0], np.cumsum(sizes > 0)])
    views = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON,
        corners[: offsets[-1]],
        (np.concatenate([[0], offsets[1:][sizes > 0]]), rings),
    )
    cut = state == CUT
    whole = (sizes > 0) & (look[:, HALF] >= math.pi) & (look[:, NEAR] > 0) & ~cut
    views[whole] = shapely.polygons(
        shapely.get_exterior_ring(views[whole]), holes=_cones(look[whole])[:, None]
    )
    views[cut] = shapely.difference(views[cut], shapely.polygons(_cones(look[cut])))
    unsure = state != SURE
    views[unsure] = _mended(views[unsure])
    return views, state == LOWER


def _swept_over(look: Floats, faces: Faces, home_starts: Rows, homes: Rows) -> Shapes:
    """Views in which a camera looks over lower buildings."""
    corners, table = sweep_layers(
        look, faces.grid, faces.height_m, faces.walls, faces.starts, home_starts, homes
    )
    return _mended(assemble(corners, table, len(look)))


def _mended(views: Shapes) -> Shapes:
    """Slivers that collapse in double precision taken out; every view valid."""
    broken = ~shapely.is_valid(views)
    if broken.any():
        mended = shapely.make_valid(views[broken], method="structure", keep_collapsed=False)
        parts, rows = polygon_parts(mended)
        views[broken] = [shapely.union_all(parts[rows == row]) for row in range(len(mended))]
    views[shapely.is_empty(views)] = shapely.Polygon()
    return views


def _cones(look: Floats) -> Shapes:
    """Rings around the ground too near to be in the picture."""
    return _circles(look[:, [X, Y, NEAR]])


def _circles(discs: Floats) -> Shapes:
    """Rings around x, y at a radius, metres."""
    corner = np.arange(0, 2 * math.pi, ARC_STEP_RAD)
    circle = np.column_stack([np.cos(corner), np.sin(corner)])
    return np.asarray(
        shapely.linearrings(discs[:, None, :2] + circle * discs[:, 2, None, None]), dtype=object
    )
