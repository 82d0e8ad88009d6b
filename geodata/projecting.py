"""
Projecting a few shapes at once, in one thread that lives as long as the process.

PROJ keeps what it needs for a pair of systems by thread, and making that takes longer than projecting some cameras.
Streamlit runs every script in a new thread, so each visit would pay for it with every change.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import geopandas as gpd

__all__ = ["projected"]

Frame = TypeVar("Frame", gpd.GeoDataFrame, gpd.GeoSeries)

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="projecting")


def projected(frame: Frame, epsg: int) -> Frame:
    """The same rows in another system, as `to_crs` gives them; for a handful, as all visits wait for each other."""
    return _thread.submit(frame.to_crs, epsg).result()
