"""A town's city from an OpenStreetMap extract: measured as far as it goes, the rest of the cameras' poses drawn."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.codes import build_camera_code, build_component_code
from geodata.ingest.osm import OsmExtract, kerbs
from geodata.towns.city import City
from geodata.towns.simulation import camera_poses, turning_presets
from geodata.towns.town import Town

__all__ = ["openstreetmap_city"]

LAMP_CLASS, CAMERA_CLASS = "01-18", "01-36"
MAPPED_SD_DEG, DRAWN_SD_DEG = 5.0, 20.0
"""Standard deviation of a heading that someone mapped, and of one that was drawn."""
PTZ_RATIO = 0.04
PTZ_SWING_DEG = 90.0
_PRESETS = 1
"""Names the generator of what was added later, which leaves the older draws as they are."""


def openstreetmap_city(extract: Path, town: Town, rng: np.random.Generator) -> City:
    """
    Reads the extract, divides its extent and completes its cameras.

    Parameters
    ----------
    extract
        OpenStreetMap in PBF.
    town
        Whose communities have shares of the extent.
    rng
        Source of what is drawn for cameras: pose where nobody mapped it, owner, share level, state.

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
    streets = streets.drop(columns="all_tags")
    buildings = _numbered(osm.buildings(), town)
    cameras, presets = _cameras(_numbered(osm.cameras(), town), streets, buildings, town, rng)
    return City(
        communities=_communities(streets, town),
        streets=streets,
        kerbs=sides,
        buildings=buildings,
        pois=_numbered(_together(osm.pois(), osm.traffic_points()), town),
        car_parks=_numbered(osm.car_parks(), town),
        lamps=lamps,
        pipes=pipes,
        pipe_nodes=_numbered(osm.manholes(), town),
        sensors=gpd.GeoDataFrame(geometry=[], crs=town.metric_epsg),
        cameras=cameras,
        presets=presets,
    )


def _communities(streets: gpd.GeoDataFrame, town: Town) -> gpd.GeoDataFrame:
    """The town's communities as rectangles of the extent of `streets`; simulated, for the extract has none."""
    west, south, east, north = streets.total_bounds
    width, height = east - west, north - south
    shares = [each.share for each in town.communities if each.share is not None]
    boxes = [
        shapely.box(west + w * width, south + s * height, west + e * width, south + n * height)
        for w, s, e, n in shares
    ]
    return gpd.GeoDataFrame(
        {
            "community_code": [each.code for each in town.communities],
            "name_zh": [each.name_zh for each in town.communities],
            "name_en": [each.name_en for each in town.communities],
            "has_cells": True,
        },
        geometry=boxes,
        crs=streets.crs,
    )


def _cameras(
    mapped: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    town: Town,
    rng: np.random.Generator,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """The mapped cameras completed, and the presets of those that turn."""
    eyes = camera_poses(mapped, streets[streets["drivable"]], buildings, rng)
    eyes = eyes.rename(columns={"sample_h_per_day": "hours_per_day"})
    numbers = eyes.index
    eyes["code"] = [build_camera_code(town.county_code + "00", int(n)).text for n in numbers]
    major, minor = CAMERA_CLASS.split("-")
    eyes["component_code"] = [
        build_component_code(town.county_code, major, minor, int(n)).text for n in numbers
    ]
    eyes["name"] = [f"{town.name_zh} {town.name_en} {n:04d}" for n in numbers]
    eyes["owner"] = rng.choice(
        ["city management", "traffic police", "private"], len(eyes), p=[0.4, 0.25, 0.35]
    )
    eyes["share_level"] = rng.choice([1, 2, 3], len(eyes), p=[0.2, 0.5, 0.3])
    eyes["area_class"] = "street"
    eyes["state"] = rng.choice(["online", "offline", "maintenance"], len(eyes), p=[0.95, 0.03, 0.02])
    later = np.random.default_rng([town.seed, _PRESETS])
    turns = later.permutation(len(eyes)) < round(PTZ_RATIO * len(eyes))
    eyes["kind"] = np.where(turns, "ptz", np.where(eyes["dome"], "dome", "fixed"))
    eyes["tier"] = "street"
    for column, side in (("pan_from_deg", -1), ("pan_to_deg", 1)):
        ends = (eyes["heading_deg"] + side * PTZ_SWING_DEG).round(1) % 360
        eyes[column] = np.where(turns, ends, np.nan)
    eyes["heading_sd_deg"] = np.where(mapped["heading_deg"].notna(), MAPPED_SD_DEG, DRAWN_SD_DEG)
    return eyes, turning_presets(eyes, later)


def _together(*frames: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=frames[0].crs)


def _numbered(frame: gpd.GeoDataFrame, town: Town) -> gpd.GeoDataFrame:
    metric = frame.to_crs(town.metric_epsg)
    metric.index = np.arange(1, len(metric) + 1)
    metric.index.name = "id"
    return metric
