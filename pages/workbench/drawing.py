"""The workbench's map: stored things from tiles, what a scenario changes drawn on top of them."""

from __future__ import annotations

import math
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pydeck as pdk
import shapely

from analysis.crs import DISPLAY_EPSG, STORAGE_EPSG
from geodata.projecting import projected
from geodata.queries.outlook import Ground, Outlook, sight
from geodata.queries.scenarios import Scenario
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import MOST_FEATURES, choropleth_colour, shape_layer, sight_lines, tile_layer
from layers.i18n import N_
from layers.layer import Colour, Form
from layers.measures import MEASURES
from pages.widgets.legend import keys
from pages.workbench.target import Target, draft

__all__ = ["COVERAGE", "SHOWN", "draft_layers", "ground_layers", "scenario_keys", "scenario_layers"]

COVERAGE = MEASURES[0]
SHOWN = ("unit_cells", "streets", "camera_views", "cameras")
LOST: Colour = (178, 24, 43, 255)
CHANGED: Colour = (240, 165, 0, 255)
DRAFT: Colour = (40, 40, 40, 255)
NEW_VIEW = Form(fill=(*ramps.PROPOSED[:3], 70), line=(*ramps.PROPOSED[:3], 220))
LOST_VIEW = Form(fill=(*LOST[:3], 25), line=(*LOST[:3], 230))
DRAFT_VIEW = Form(fill=(40, 40, 40, 45), line=(40, 40, 40, 255), line_px=2)
ITEM = Form(
    fill=(
        f"properties.action == 'add' ? {list(ramps.PROPOSED)} :"
        f" properties.action == 'remove' ? {list(LOST)} : {list(CHANGED)}"
    ),
    line=(255, 255, 255, 255),
    radius_px=8,
)
LONGEST_HEADING_M = 18.0
CLICKED_FROM_ZOOM = 14
"""Farther away lamps are bins that nobody could hang a camera on."""


def ground_layers(
    revision: int, scenario: Scenario | None, found: Outlook, *, lamps: bool, tall: bool
) -> list[pdk.Layer]:
    """What is stored, from tiles; the cells whose coverage a scenario changes lie right on top of the others."""
    flat = Form(fill=ramps.BUILDING, line=ramps.BUILDING_EDGE)
    drawn = [
        tile_layer(LAYERS["unit_cells"], measure=COVERAGE, breaks=COVERAGE.breaks or (), revision=revision),
        *_changed_cells(scenario, found),
        tile_layer(LAYERS["streets"], revision=revision),
        tile_layer(LAYERS["buildings"], revision=revision, form=None if tall else flat),
        tile_layer(LAYERS["camera_views"], revision=revision),
    ]
    if lamps:
        drawn.append(tile_layer(LAYERS["lamps"], revision=revision, from_zoom=CLICKED_FROM_ZOOM))
    cameras = replace(LAYERS["cameras"].form, radius_px=3.5)
    return [*drawn, tile_layer(LAYERS["cameras"], revision=revision, form=cameras)]


def scenario_layers(scenario: Scenario | None, found: Outlook, *, tall: bool) -> list[pdk.Layer]:
    """What the scenario changes: views gained and lost, cameras with their headings."""
    if scenario is None or scenario.items.empty:
        return []
    items = scenario.items.rename_geometry("geometry")
    marks = items.assign(key=items.index)[["key", "action", "geometry"]]
    standing = items[items["action"] != "remove"]
    drawn = [
        shape_layer("lost_views", _frame(found.lost_views), LOST_VIEW, pickable=False),
        shape_layer("new_views", _frame(found.new_views), NEW_VIEW, pickable=False),
        shape_layer("headings", _headings(standing), Form(line=(60, 20, 50, 255), line_px=3), pickable=False),
        shape_layer("items", marks, ITEM),
    ]
    if tall:
        drawn.append(sight_lines("sight_lines", standing, found.new_views, ramps.PROPOSED))
    return drawn


def draft_layers(ground: Ground, target: Target | None, *, tall: bool) -> list[pdk.Layer]:
    """What the sliders in hand would show, with the distances at which a person is detected … identified."""
    if target is None or target.removed:
        return []
    pose = draft(target)
    seen = sight(ground, pose)
    at = gpd.GeoDataFrame(
        {"key": [0], "height_m": [pose.height_m], "heading_deg": [pose.heading_deg]},
        geometry=[shapely.Point(pose.lon_deg, pose.lat_deg)],
        crs=STORAGE_EPSG,
    )
    drawn = [
        shape_layer("draft_tasks", seen.tasks, Form(line=(40, 40, 40, 170), line_px=1), pickable=False),
        shape_layer("draft_view", _frame(seen.view), DRAFT_VIEW, pickable=False),
        shape_layer("draft_heading", _headings(at), Form(line=DRAFT, line_px=3), pickable=False),
        shape_layer("draft", at, Form(fill=DRAFT, line=(255, 255, 255, 255), radius_px=7), pickable=False),
    ]
    if tall:
        drawn.append(sight_lines("draft_lines", at, seen.view.set_axis([0]), DRAFT))
    return drawn


def scenario_keys() -> None:
    """What the colours of a scenario mean."""
    keys(
        N_("Scenario"),
        [
            (ramps.PROPOSED, N_("new camera, and what it would see"), "dot"),
            (CHANGED, N_("moved or turned"), "dot"),
            (LOST, N_("removed, and what is lost"), "dot"),
            (DRAFT, N_("in hand; inner lines: detect, observe, recognise, identify"), "dot"),
        ],
    )


def _changed_cells(scenario: Scenario | None, found: Outlook) -> list[pdk.Layer]:
    if scenario is None or found.changed_cells.empty:
        return []
    cells = found.changed_cells.rename_geometry("geometry")
    cells = cells.loc[cells["change"].abs().sort_values(ascending=False).index[:MOST_FEATURES]]
    form = Form(fill=choropleth_colour(COVERAGE, COVERAGE.breaks or ()), line=(90, 90, 90, 200), line_px=1.5)
    return [shape_layer("changed_cells", cells, form, pickable=False)]


def _frame(views: gpd.GeoSeries) -> gpd.GeoDataFrame:
    whole = views[~views.is_empty]
    return gpd.GeoDataFrame({"key": whole.index.to_numpy()}, geometry=whole.to_numpy(), crs=views.crs)


def _headings(cameras: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A short line ahead of each camera."""
    places = projected(cameras, DISPLAY_EPSG).geometry
    lines = []
    for spot, heading in zip(places, pd.to_numeric(cameras["heading_deg"]), strict=True):
        north = LONGEST_HEADING_M * math.cos(math.radians(heading)) / 111_320
        east = (
            LONGEST_HEADING_M * math.sin(math.radians(heading)) / (111_320 * math.cos(math.radians(spot.y)))
        )
        lines.append(shapely.LineString([(spot.x, spot.y), (spot.x + east, spot.y + north)]))
    return gpd.GeoDataFrame({"key": range(len(lines))}, geometry=lines, crs=DISPLAY_EPSG)
