"""The measured part of a town: frames from an OpenStreetMap extract, in metres, numbered from 1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from analysis.codes import build_component_code
from geodata.ingest.osm import OsmExtract, kerbs
from geodata.towns.town import Town

__all__ = ["Measured", "communities", "measured"]

LAMP_CLASS = "01-18"


@dataclass(frozen=True)
class Measured:
    """What OpenStreetMap knows of the town; every frame is in the town's metric CRS and indexed by its id."""

    streets: gpd.GeoDataFrame
    kerbs: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    pois: gpd.GeoDataFrame
    car_parks: gpd.GeoDataFrame
    cameras: gpd.GeoDataFrame
    lamps: gpd.GeoDataFrame
    pipes: gpd.GeoDataFrame
    pipe_nodes: gpd.GeoDataFrame


def measured(extract: Path, town: Town) -> Measured:
    """
    Reads the extract.

    Raises
    ------
    IngestError
        If the file is not an OpenStreetMap extract.
    """
    osm = OsmExtract(extract)
    streets = _numbered(osm.streets(), town)
    streets["length_m"] = streets.length.round(3)
    sides = _numbered(kerbs(streets), town).rename(columns={"street_edge": "street_edge_id"})
    pipes = _numbered(osm.pipes(), town)
    pipes["length_m"] = pipes.length.round(3)
    lamps = _numbered(osm.lamps(), town)
    lamps["code"] = [
        build_component_code(town.county_code, *LAMP_CLASS.split("-"), n).text for n in lamps.index
    ]
    lamps["class_code"] = LAMP_CLASS
    return Measured(
        streets=streets.drop(columns="all_tags"),
        kerbs=sides,
        buildings=_numbered(osm.buildings(), town),
        pois=_numbered(osm.pois(), town),
        car_parks=_numbered(osm.car_parks(), town),
        cameras=_numbered(osm.cameras(), town),
        lamps=lamps,
        pipes=pipes,
        pipe_nodes=_numbered(osm.manholes(), town),
    )


def communities(streets: gpd.GeoDataFrame, town: Town) -> gpd.GeoDataFrame:
    """
    The town's communities as rectangles of the extent of `streets`; simulated, for the extract has none.

    Returns one row a community: community_code, name_zh, name_en, geometry.
    """
    west, south, east, north = streets.total_bounds
    width, height = east - west, north - south
    boxes = [
        shapely.box(west + w * width, south + s * height, west + e * width, south + n * height)
        for w, s, e, n in (each.share for each in town.communities)
    ]
    return gpd.GeoDataFrame(
        {
            "community_code": [each.code for each in town.communities],
            "name_zh": [each.name_zh for each in town.communities],
            "name_en": [each.name_en for each in town.communities],
        },
        geometry=boxes,
        crs=streets.crs,
    )


def _numbered(frame: gpd.GeoDataFrame, town: Town) -> gpd.GeoDataFrame:
    metric = frame.to_crs(town.metric_epsg)
    metric.index = np.arange(1, len(metric) + 1)
    metric.index.name = "id"
    return metric
