"""Coordinate reference systems: stored in CGCS2000, computed in metres, shown in WGS 84."""

from __future__ import annotations

import geopandas as gpd

from analysis.errors import CrsError

__all__ = ["DISPLAY_EPSG", "STORAGE_EPSG", "WEB_EPSG", "to_metric"]

STORAGE_EPSG = 4490
"""CGCS2000 geographic, longitude before latitude, degrees."""
DISPLAY_EPSG = 4326
"""WGS 84 geographic, longitude before latitude, degrees; made at the last moment."""
WEB_EPSG = 3857
"""Web Mercator, the system of map tiles; its metres are not ground metres."""


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
