"""A town's city before it is stored: frames in metres, whoever measured or made them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

__all__ = ["City"]


@dataclass(frozen=True, eq=False)
class City:
    """
    What the loader writes; every frame is in the town's metric CRS, has the columns of its table and is indexed by id.

    Attributes
    ----------
    communities
        community_code, name_zh, name_en and has_cells: whether it is cut into unit cells.
    streets, kerbs, buildings, pois, car_parks, lamps, pipes, pipe_nodes, sensors
        Rows of their tables; may be empty.
    cameras
        Cameras with whole poses.
    presets
        camera_id, number, heading_deg, tilt_deg, hfov_deg and share of the PTZ cameras; no geometry.
    """

    communities: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    kerbs: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    pois: gpd.GeoDataFrame
    car_parks: gpd.GeoDataFrame
    lamps: gpd.GeoDataFrame
    pipes: gpd.GeoDataFrame
    pipe_nodes: gpd.GeoDataFrame
    sensors: gpd.GeoDataFrame
    cameras: gpd.GeoDataFrame
    presets: pd.DataFrame
