"""The Parking screen's map: one number of cells or streets, with what explains it; its key and its file."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pydeck as pdk

from analysis.crs import STORAGE_EPSG
from geodata.queries.outlook import Outlook
from geodata.queries.parking import EDGE, UNIT_CELL, ParkingGround
from geodata.queries.scenarios import Scenario
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import shape_layer, tile_layer
from layers.demand import EVIDENCE
from layers.i18n import N_
from layers.layer import Form, Layer
from layers.parking import Picture, picture
from pages.kerbside.choosing import KEYS, Choice
from pages.session import words
from pages.widgets.legend import choropleth_legend, keys, legend
from pages.workbench.drawing import scenario_keys, scenario_layers

__all__ = ["draw", "named_layers", "show_keys"]

TILES = {UNIT_CELL: "cell_demand", EDGE: "edge_demand"}
FLAT = Form(fill=(222, 226, 223, 255), line=(205, 210, 206, 255))
THIN = Form(line=(255, 255, 255, 150), line_px=1)
CHOSEN = Form(fill=(0, 0, 0, 0), line=(20, 20, 20, 255), line_px=4)


def draw(
    revision: int,
    ground: ParkingGround,
    choice: Choice,
    table: pd.DataFrame,
    place: int | None,
    scenario: Scenario | None,
    outlook: Outlook | None,
) -> tuple[list[pdk.Layer], Picture]:
    """The layers from the ground up, and how the number is coloured."""
    key, lines = KEYS[choice.place], choice.place == EDGE
    shown = picture(table, choice.number, key=key, lines=lines)
    buildings = tile_layer(LAYERS["buildings"], revision=revision, form=FLAT, pickable=False)
    places = tile_layer(LAYERS[TILES[choice.place]], revision=revision, form=shown.form)
    streets = tile_layer(LAYERS["streets"], revision=revision, form=THIN, pickable=False)
    drawn = [buildings, streets, places] if lines else [buildings, places, streets]
    if choice.view == "access":
        drawn += [
            tile_layer(LAYERS[name], revision=revision, pickable=False) for name in ("kerbs", "car_parks")
        ]
    if scenario is not None and outlook is not None:
        drawn += scenario_layers(scenario, outlook, tall=False)
    if place is not None:
        shape = ground.shapes[choice.place].geometry.loc[place]
        chosen = gpd.GeoDataFrame({"key": [place]}, geometry=[shape], crs=STORAGE_EPSG)
        drawn.append(shape_layer("chosen", chosen, CHOSEN, pickable=False))
    return drawn, shown


def named_layers(choice: Choice) -> list[Layer]:
    """What the map rests on, for its sources."""
    names = [TILES[choice.place], "buildings", "streets"]
    if choice.view == "access":
        names += ["kerbs", "car_parks"]
    if choice.view == "captures":
        names.append("violations")
    return [LAYERS[name] for name in names]


def show_keys(choice: Choice, shown: Picture, scenario: Scenario | None) -> None:
    """What the colours mean."""
    if choice.number == "evidence":
        keys(words(shown.measure.title), [(colour, text, "fill") for colour, text in EVIDENCE.values()])
    else:
        choropleth_legend(shown.measure, shown.limits)
        if shown.modelled:
            entries = [(colour, "", "fill") for colour in ramps.BLUES[: len(shown.limits) + 1]]
            entries[-1] = (
                entries[-1][0],
                N_("same classes, told more by the model"),
                "fill",
            )
            keys(N_("Modelled"), entries)
    if choice.view == "access":
        legend([LAYERS["kerbs"], LAYERS["car_parks"]])
    if scenario is not None:
        scenario_keys()
