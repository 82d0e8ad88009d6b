"""Coordinate reference systems: stored in CGCS2000, computed in metres, shown in WGS 84; GCJ-02 and BD-09 undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.special import bdtrc

from analysis.errors import CrsError

__all__ = [
    "DISPLAY_EPSG",
    "STORAGE_EPSG",
    "WEB_EPSG",
    "Datum",
    "DatumGuess",
    "bd09_to_gcj02",
    "bd09_to_wgs84",
    "from_datum",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "guess_datum",
    "to_metric",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
]

Floats = npt.NDArray[np.float64]
Pair: TypeAlias = tuple[Floats, Floats]
Datum = Literal["wgs84", "gcj02", "bd09"]
"""What degrees mean: WGS 84 (CGCS2000 differs by centimetres), or shifted as on Chinese web maps."""

STORAGE_EPSG = 4490
"""CGCS2000 geographic, longitude before latitude, degrees."""
DISPLAY_EPSG = 4326
"""WGS 84 geographic, longitude before latitude, degrees; made at the last moment."""
WEB_EPSG = 3857
"""Web Mercator, the system of map tiles; its metres are not ground metres."""

KRASOVSKY_M = 6_378_245.0
"""Half the long axis of the Krasovsky 1940 ellipsoid, on which GCJ-02 is defined."""
KRASOVSKY_E2 = 0.00669342162296594323
"""Its squared eccentricity."""
SHIFTED_LON_DEG = (72.004, 137.8347)
SHIFTED_LAT_DEG = (0.8293, 55.8271)
"""Outside this rectangle GCJ-02 is WGS 84."""
BD_TURN = np.pi * 3000.0 / 180.0
BD_SHIFT_DEG = (0.0065, 0.006)
"""What BD-09 adds to GCJ-02, longitude and latitude."""
INVERSE_DEG = 1e-11
"""The inverse stops when it is this exact: about a micrometre."""
MOST_STEPS = 30
LEAST_POINTS = 5
"""Fewer points tell nothing about a shift."""
LEAST_OFF_M = 15.0
"""Points that lie this near to what they belong to, in the median, are not shifted."""
MOST_OF_BEFORE = 0.6
"""A shift is believed if undoing it brings the median distance down to this share, …"""
SIGN_TEST_P = 0.01
"""… and if so many single points come nearer that chance would do it this seldom."""


@dataclass(frozen=True)
class DatumGuess:
    """
    What a file's degrees most likely are.

    Attributes
    ----------
    datum
        The most likely one; wgs84 where nothing speaks against it.
    median_m
        Median distance to the landmarks under each reading, metres.
    points
        How many points it rests on.
    """

    datum: Datum
    median_m: Mapping[str, float]
    points: int


def to_metric(frame: gpd.GeoDataFrame, epsg: int) -> gpd.GeoDataFrame:
    """
    The same rows in a projected system in metres.

    Parameters
    ----------
    frame
        Rows with a known CRS.
    epsg
        A projected CRS whose unit is the metre: 3° Gauss-Krüger (4534-4554) in China, UTM elsewhere.

    Raises
    ------
    CrsError
        If `frame` has no CRS.
    """
    if frame.crs is None:
        raise CrsError(
            "The frame has no CRS, so its coordinates cannot be projected to EPSG:{epsg}.",
            "Name it first: frame.set_crs({storage}).",
            epsg=epsg,
            storage=STORAGE_EPSG,
        )
    return frame.to_crs(epsg)


def wgs84_to_gcj02(lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike) -> Pair:
    """
    WGS 84 → GCJ-02, the shifted system of Chinese web maps (AMap, Tencent), in closed form [1]_.

    Parameters
    ----------
    lon_deg, lat_deg
        Degrees, any shape; outside China, and where not a number, they come back as they are.

    Returns
    -------
    lon_deg, lat_deg
        Some 100 to 700 m off on the ground.

    References
    ----------
    .. [1] The formula as published in eviltransform (googollee, 2013), whose test values it reproduces.
    """
    lon, lat = np.broadcast_arrays(np.asarray(lon_deg, dtype=float), np.asarray(lat_deg, dtype=float))
    inside = (
        (lon >= SHIFTED_LON_DEG[0])
        & (lon <= SHIFTED_LON_DEG[1])
        & (lat >= SHIFTED_LAT_DEG[0])
        & (lat <= SHIFTED_LAT_DEG[1])
    )
    east, north = _shift_deg(lon, lat)
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def gcj02_to_wgs84(lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike) -> Pair:
    """GCJ-02 → WGS 84, the inverse of `wgs84_to_gcj02` by iteration, exact to a micrometre."""
    return _inverse(wgs84_to_gcj02, lon_deg, lat_deg)


def gcj02_to_bd09(lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike) -> Pair:
    """GCJ-02 → BD-09, the system of Baidu's maps; shifts everywhere on earth. Degrees, any shape."""
    lon, lat = np.broadcast_arrays(np.asarray(lon_deg, dtype=float), np.asarray(lat_deg, dtype=float))
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * BD_TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * BD_TURN)
    return radius * np.cos(angle) + BD_SHIFT_DEG[0], radius * np.sin(angle) + BD_SHIFT_DEG[1]


def bd09_to_gcj02(lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike) -> Pair:
    """BD-09 → GCJ-02, the inverse of `gcj02_to_bd09` by iteration, exact to a micrometre."""
    return _inverse(gcj02_to_bd09, lon_deg, lat_deg)


def wgs84_to_bd09(lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike) -> Pair:
    """WGS 84 → BD-09. Degrees, any shape."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon_deg, lat_deg))


def bd09_to_wgs84(lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike) -> Pair:
    """BD-09 → WGS 84. Degrees, any shape."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon_deg, lat_deg))


_TO_WGS84: Mapping[str, Callable[[npt.ArrayLike, npt.ArrayLike], Pair]] = MappingProxyType(
    {
        "wgs84": lambda lon, lat: (np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)),
        "gcj02": gcj02_to_wgs84,
        "bd09": bd09_to_wgs84,
    }
)


def from_datum(datum: Datum, lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike) -> Pair:
    """Degrees of any of the three systems → WGS 84."""
    return _TO_WGS84[datum](lon_deg, lat_deg)


def guess_datum(lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike, landmarks: gpd.GeoDataFrame) -> DatumGuess:
    """
    Whether points that are called WGS 84 are GCJ-02 or BD-09, told by what they ought to stand beside.

    Cameras stand along streets and on lamp posts. Points that come much nearer to those when a shift is undone
    were shifted. A shift is believed only if the median distance falls to 60 % and a sign test over the single
    points rejects chance at 1 %.

    Parameters
    ----------
    lon_deg, lat_deg
        Degrees, one-dimensional; not a number where a point has none.
    landmarks
        Streets, lamp posts and the like in a projected CRS in metres; may have no rows.

    Returns
    -------
    guess
        `wgs84` for fewer than 5 points, without landmarks, and outside China.
    """
    lon, lat = np.asarray(lon_deg, dtype=float), np.asarray(lat_deg, dtype=float)
    known = np.isfinite(lon) & np.isfinite(lat)
    lon, lat = lon[known], lat[known]
    if len(lon) < LEAST_POINTS or landmarks.empty:
        return DatumGuess("wgs84", {}, len(lon))
    tree = shapely.STRtree(landmarks.geometry.to_numpy())
    away = {datum: _distances_m(*convert(lon, lat), landmarks, tree) for datum, convert in _TO_WGS84.items()}
    median = {datum: float(np.median(metres)) for datum, metres in away.items()}
    best = min(median, key=median.__getitem__)
    nearer = int((away[best] < away["wgs84"]).sum())
    believed = (
        median["wgs84"] > LEAST_OFF_M
        and median[best] <= MOST_OF_BEFORE * median["wgs84"]
        and bdtrc(nearer - 1, len(lon), 0.5) <= SIGN_TEST_P  # chance of so many or more
    )
    return DatumGuess(best if believed else "wgs84", median, len(lon))  # type: ignore[arg-type]


def _distances_m(lon: Floats, lat: Floats, landmarks: gpd.GeoDataFrame, tree: shapely.STRtree) -> Floats:
    """Distance of each point to the nearest landmark, metres."""
    spots = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=DISPLAY_EPSG).to_crs(landmarks.crs).to_numpy()
    (row, _), away = tree.query_nearest(spots, return_distance=True, all_matches=False)
    found: Floats = np.full(len(spots), np.inf)
    found[row] = away
    return found


def _shift_deg(lon: Floats, lat: Floats) -> Pair:
    """How far GCJ-02 moves a point east and north, degrees."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north_m += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north_m += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east_m += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east_m += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = np.deg2rad(lat)
    curve = 1.0 - KRASOVSKY_E2 * np.sin(phi) ** 2
    along_m = KRASOVSKY_M * (1.0 - KRASOVSKY_E2) / curve**1.5
    across_m = KRASOVSKY_M / np.sqrt(curve) * np.cos(phi)
    return np.rad2deg(east_m / across_m), np.rad2deg(north_m / along_m)


def _inverse(
    forward: Callable[[npt.ArrayLike, npt.ArrayLike], Pair], lon_deg: npt.ArrayLike, lat_deg: npt.ArrayLike
) -> Pair:
    """Fixed-point iteration: move the guess by what its image misses."""
    lon, lat = np.broadcast_arrays(np.asarray(lon_deg, dtype=float), np.asarray(lat_deg, dtype=float))
    found_lon, found_lat = lon.copy(), lat.copy()
    for _ in range(MOST_STEPS):
        image_lon, image_lat = forward(found_lon, found_lat)
        off_lon, off_lat = image_lon - lon, image_lat - lat
        found_lon, found_lat = found_lon - off_lon, found_lat - off_lat
        if not np.any(np.maximum(np.abs(off_lon), np.abs(off_lat)) > INVERSE_DEG):
            break
    return found_lon, found_lat
