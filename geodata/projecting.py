"""
Projecting a few shapes at once, in one thread that lives as long as the process.

PROJ keeps what it needs for a pair of systems by thread, and making that takes longer than projecting some cameras.
Streamlit runs every script in a new thread, so each visit would pay for it with every change.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from pyproj import Transformer

__all__ = ["projected", "projected_points"]

Frame = TypeVar("Frame", gpd.GeoDataFrame, gpd.GeoSeries)

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="projecting")


def projected(frame: Frame, epsg: int) -> Frame:
    """The same rows in another system, as `to_crs` gives them; for a handful, as all visits wait for each other."""
    return _thread.submit(frame.to_crs, epsg).result()


def projected_points(points: npt.ArrayLike, from_epsg: int, to_epsg: int) -> npt.NDArray[np.float64]:
    """(n, 2) points of one system in another, longitude or easting first; for a handful, as `projected`."""
    return _thread.submit(_points, np.asarray(points, dtype=np.float64), from_epsg, to_epsg).result()


def _points(points: npt.NDArray[np.float64], from_epsg: int, to_epsg: int) -> npt.NDArray[np.float64]:
    x, y = _transformer(from_epsg, to_epsg).transform(points[:, 0], points[:, 1])
    return np.column_stack([x, y])


@lru_cache(maxsize=16)
def _transformer(from_epsg: int, to_epsg: int) -> Transformer:
    return Transformer.from_crs(from_epsg, to_epsg, always_xy=True)
