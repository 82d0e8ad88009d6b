"""The units under the open one on a map, coloured by the figure that is chosen; grey where nothing is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from geodata.queries.units import COUNTS
from geodata.towns.town import Town
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import MOST_FEATURES, choropleth_colour, shape_layer, tile_layer, view_state
from layers.i18n import N_
from layers.layer import Form, Measure
from layers.view import framed
from pages import cached, cached_units
from pages.session import language, remember, words
from pages.widgets.legend import choropleth_legend, number, shown_sources
from pages.widgets.map import show_map

__all__ = ["unit_breaks", "units_map"]

MOST_PX = 2000
"""Outlines are drawn as finely as a map of so many pixels shows."""
OPENED = Form(fill=None, line=(*ramps.ACCENT[:3], 255), line_px=4)
BACKGROUND = ("streets",)
HEIGHT_PX = 440
SMALLER = math.log2(600 / HEIGHT_PX)
"""Zoom that `layers.view.framed` gives too much: it frames for 600 pixels."""


def units_map(
    revision: int, town: Town, rows: pd.DataFrame, breaks: list[float], measure: Measure, cell: str | None
) -> None:
    """
    Draws the units; a click on one opens it.

    Parameters
    ----------
    revision
        Of the data.
    town
        That is loaded.
    rows
        Units side by side, of `geodata.queries.units.units`.
    breaks
        Upper limits of all classes but the last.
    measure
        What colours them, of `layers.units.UNIT_MEASURES`.
    cell
        The one that is open among them, if they are cells.
    """
    rows = rows[rows["level"] != "rest"].head(MOST_FEATURES)  # the rest of a community has no outline
    codes = tuple(str(code) for code in rows.index)
    outlines = cached_units.unit_outlines(revision, codes, MOST_PX)
    values = pd.to_numeric(rows[measure.id]).astype("float64")
    # the browser reads a missing number as none: what is not known is therefore -1
    shapes = outlines.assign(code=outlines.index, **{measure.id: values.fillna(-1.0).reindex(outlines.index)})
    form = Form(fill=choropleth_colour(measure, breaks), line=(255, 255, 255, 220), line_px=1.5)
    background = [tile_layer(LAYERS[name], revision=revision, pickable=False) for name in BACKGROUND]
    drawn = [*background, shape_layer("units", shapes, form)]
    if cell is not None and cell in shapes.index:
        drawn.append(shape_layer("unit_open", shapes.loc[[cell]], OPENED, pickable=False))
    centre, zoom = (
        framed(tuple(shapes.total_bounds)) if len(shapes) else (town.centre, town.zoom)  # type: ignore[arg-type]
    )
    register = cached.register(revision)
    sources, simulated = shown_sources(
        register, [LAYERS["unit_cells"], LAYERS["cameras"], LAYERS["violations"]]
    )
    key = f"units_map_{measure.id}_{cell or (rows['parent_code'].iloc[0] if len(rows) else '')}"
    remember("units_map", key)
    show_map(
        key,
        drawn,
        view_state(centre, zoom - SMALLER),
        sources,
        simulated=simulated,
        height_px=HEIGHT_PX,
        told=_told(rows, values, measure),
    )
    choropleth_legend(measure, breaks)


def unit_breaks(values: pd.Series[float], measure: Measure) -> list[float]:
    """Upper limits of all classes but the last, at quantiles of what is above zero; equal ones are told once."""
    if measure.breaks is not None:
        return list(measure.breaks)
    above = values[values > 0].to_numpy()
    if not len(above):
        return []
    classes = len(measure.ramp)
    limits = np.quantile(above, np.arange(1, classes) / classes)
    whole = measure.id in COUNTS
    return sorted({float(np.floor(limit)) if whole else float(f"{limit:.3g}") for limit in limits})


def _told(rows: pd.DataFrame, values: pd.Series[float], measure: Measure) -> str:
    known = values.dropna()
    if known.empty:
        return words(N_("{units} units; of none is anything known."), units=len(rows))
    name = rows.at[known.idxmax(), "name_zh" if language() == "zh-CN" else "name_en"]
    return words(
        N_("{units} units; {figure} is highest in {name}: {value}."),
        units=len(rows),
        figure=words(measure.title),
        name=name,
        value=number(float(known.max()), measure),
    )
