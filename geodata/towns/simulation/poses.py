"""Where a camera looks, when the map knows only where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.checks import require_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LENSES", "POSE_COLUMNS", "Lens", "camera_poses"]


@dataclass(frozen=True, slots=True)
class Lens:
    """
    A lens on a 1/2.8-inch sensor.

    Parameters
    ----------
    focal_mm
        Focal length in millimetres.
    hfov_deg
        Horizontal field of view in degrees.
    share
        Share of the cameras that have it; the shares of a list add up to 1.
    """

    focal_mm: float
    hfov_deg: float
    share: float


LENSES = (
    Lens(2.8, 105.0, 0.25),
    Lens(4.0, 84.0, 0.35),
    Lens(6.0, 54.0, 0.22),
    Lens(8.0, 40.0, 0.12),
    Lens(12.0, 25.0, 0.06),
)
"""Usual fixed lenses of street cameras; the shares are this project's own assumption."""

POSE_COLUMNS = (
    "heading_deg",
    "tilt_deg",
    "height_m",
    "hfov_deg",
    "range_m",
    "resolution_px",
    "sample_h_per_day",
)

_STREET_REACH_M = 60.0
_WALL_REACH_M = 30.0
_HEADING_NOISE_DEG = 20.0
_PX_PER_M = 25.0
"""Pixels a metre at the end of the range: enough to detect a vehicle (EN 62676-4, "detect")."""
_RANGE_M = (20.0, 120.0)
_HEIGHT_M = (3.0, 6.0)
_WIDTHS_PX = (1280, 1920, 2560)
_WIDTH_SHARES = (0.15, 0.6, 0.25)
_SAMPLE_H = (2.0, 6.0, 12.0, 24.0)
_SAMPLE_SHARES = (0.3, 0.35, 0.2, 0.15)


def camera_poses(
    cameras: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    """
    The cameras with a full pose; what the map already knows is kept.

    A camera looks at the nearest street within 60 m, or along it when it stands on it; else away from the
    nearest wall within 30 m; else anywhere; always with a noise of 20° (standard deviation, at most 60°).

    Parameters
    ----------
    cameras
        Points in a projected CRS in metres. Of the columns named below, numbers that are present are kept.
    streets
        Lines in the CRS of `cameras`; may have no rows.
    buildings
        Polygons in the CRS of `cameras`; may have no rows.
    rng
        Source of randomness. Every camera draws the same amount, so known values do not shift the others.

    Returns
    -------
    cameras
        The same rows and columns, with `heading_deg` (clockwise from north, [0, 360)), `tilt_deg` (below
        the horizon, [5, 60]), `height_m` ([3, 6]), `hfov_deg` (see `LENSES`), `range_m` ([20, 120], where a
        vehicle has 25 pixels a metre), `resolution_px` (width of the picture), `sample_h_per_day` (hours
        that a patrol looks through it, (0, 24]) and `pose_simulated` (True if at least one of these is
        simulated).

    Raises
    ------
    CrsError
        If a frame is not in metres, or two differ.
    """
    require_metric(cameras=cameras, streets=streets, buildings=buildings)
    known = {name: _numbers(cameras, name) for name in POSE_COLUMNS}
    count = len(cameras)
    noise = np.clip(rng.normal(0, _HEADING_NOISE_DEG, count), -60, 60)
    heading = (_outlook(cameras, streets, buildings, rng.random(count)) + noise) % 360
    lens = rng.choice(len(LENSES), count, p=[lens.share for lens in LENSES])
    hfov = np.array([lens.hfov_deg for lens in LENSES])[lens]
    height = rng.uniform(*_HEIGHT_M, count).round(1)
    width = rng.choice(_WIDTHS_PX, count, p=_WIDTH_SHARES).astype(float)
    hours = rng.choice(_SAMPLE_H, count, p=_SAMPLE_SHARES)
    wobble = rng.normal(0, 2, count)
    hfov = _first(known["hfov_deg"], hfov)
    height = _first(known["height_m"], height)
    width = _first(known["resolution_px"], width)
    reach = width / (2 * np.tan(np.radians(np.clip(hfov, 1, 170) / 2)) * _PX_PER_M)
    reach = _first(known["range_m"], np.clip(reach, *_RANGE_M).round())
    tilt = np.clip(np.degrees(np.arctan2(height, 0.4 * reach)) + wobble, 5, 60).round(1)
    poses = {
        "heading_deg": _first(known["heading_deg"], heading.round(1) % 360),
        "tilt_deg": _first(known["tilt_deg"], tilt),
        "height_m": height,
        "hfov_deg": hfov,
        "range_m": reach,
        "resolution_px": width.round().astype(np.int64),
        "sample_h_per_day": _first(known["sample_h_per_day"], hours),
    }
    simulated = np.isnan(np.column_stack([known[name] for name in POSE_COLUMNS])).any(axis=1)
    return cameras.assign(**poses, pose_simulated=simulated)


def _numbers(cameras: gpd.GeoDataFrame, name: str) -> NDArray[np.float64]:
    if name not in cameras:
        return np.full(len(cameras), np.nan)
    return pd.to_numeric(cameras[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _first(known: NDArray[np.float64], simulated: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(known), simulated, known)


def _outlook(
    cameras: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    turn: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Bearing in degrees to what each camera most likely watches; `turn` in [0, 1) settles free choices."""
    points = cameras.geometry.to_numpy()
    bearing = turn * 360
    walls = shapely.boundary(buildings.geometry.to_numpy())
    found, wall = _nearest(points, walls, _WALL_REACH_M)
    at_wall = _bearing(shapely.shortest_line(points[found], walls[wall]))
    inside = shapely.intersects(points[found], buildings.geometry.to_numpy()[wall])
    apart = shapely.distance(points[found], walls[wall]) > 0.05
    bearing[found[apart]] = (at_wall + np.where(inside, 0, 180))[apart]
    lines = streets.geometry.to_numpy()
    found, street = _nearest(points, lines, _STREET_REACH_M)
    apart = shapely.distance(points[found], lines[street]) > 1
    towards = _bearing(shapely.shortest_line(points[found], lines[street]))
    along = _street_bearing(points[found], lines[street]) + np.where(turn[found] < 0.5, 0, 180)
    bearing[found] = np.where(apart, towards, along)
    return bearing % 360


def _nearest(
    points: NDArray[np.object_], targets: NDArray[np.object_], reach_m: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the points that have a target within reach, and the nearest target of each."""
    found, target = shapely.STRtree(targets).query_nearest(points, max_distance=reach_m, all_matches=False)
    return found, target


def _bearing(lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Bearing from the first to the last point of each line, clockwise from north."""
    start, end = (shapely.get_point(lines, place) for place in (0, -1))
    east = shapely.get_x(end) - shapely.get_x(start)
    north = shapely.get_y(end) - shapely.get_y(start)
    return np.degrees(np.arctan2(east, north))


def _street_bearing(points: NDArray[np.object_], streets: NDArray[np.object_]) -> NDArray[np.float64]:
    """Bearing of each street where it passes its point."""
    place = shapely.line_locate_point(streets, points)
    length = shapely.length(streets)
    start = shapely.line_interpolate_point(streets, np.maximum(place - 1, 0))
    end = shapely.line_interpolate_point(streets, np.minimum(place + 1, length))
    return np.degrees(
        np.arctan2(shapely.get_x(end) - shapely.get_x(start), shapely.get_y(end) - shapely.get_y(start))
    )
