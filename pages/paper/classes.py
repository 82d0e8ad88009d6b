"""Layers on paper in the colours of the screen, class by class, each with its line in the legend."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.i18n import N_
from layers.layer import Colour, Layer, Measure
from layers.paints import colours, names_in
from layers.ramps import NO_EVIDENCE, PURPLES
from pages.paper.mapping import Ink, MapLayer, scale_bar_m
from pages.paper.telling import Say

__all__ = ["asked_of", "choropleth", "classed", "counted", "fill", "hexed", "labels_of"]

SQUARES = 56
"""Squares across the map, about."""
DOTS = ((PURPLES[1], 1.3), (PURPLES[2], 2.0), (PURPLES[3], 2.9), (PURPLES[4], 4.2))
"""Colour and radius (points) of a square's dot, from few to many: another ramp than that of cells beneath."""


def asked_of(layer: Layer) -> tuple[str, ...]:
    """Columns of a layer's file that tell the colours of its features."""
    rule = _rule(layer)
    return tuple(name for name in names_in(rule) if name in layer.export.columns) if rule else ()


def classed(shapes: gpd.GeoDataFrame, layer: Layer, say: Say) -> list[MapLayer]:
    """
    A layer's features by the colour that the screen gives them, in the order of its legend.

    Parameters
    ----------
    shapes
        Features in metres with the columns of `asked_of`.
    layer
        From the catalogue.
    say
        In the reader's language.
    """
    title, rule = say(layer.title), _rule(layer)
    first = layer.legend[0].colour if layer.legend else NO_EVIDENCE
    if rule is None:
        return [MapLayer(shapes.geometry, _ink(layer, None, first), title)]
    told = colours(rule, pd.DataFrame(shapes.drop(columns=shapes.geometry.name)))
    known = {entry.colour: say(entry.label) for entry in layer.legend}
    order = list(known)
    found = []
    for colour in sorted(set(told), key=lambda each: order.index(each) if each in order else len(order)):
        label = f"{title}: {known[colour]}" if len(known) > 1 and colour in known else ""
        if len(known) <= 1 and (colour in known or not known):
            label = title
        found.append(
            MapLayer(shapes.geometry[(told == colour).to_numpy()], _ink(layer, colour, first), label)
        )
    return found


def _rule(layer: Layer) -> str | None:
    """The expression that tells features apart by colour; None where all look alike."""
    return next((each for each in (layer.form.fill, layer.form.line) if isinstance(each, str)), None)


def _ink(layer: Layer, told: Colour | None, first: Colour) -> Ink:
    """A layer's look on paper; `told` is the colour of a class, where its form has a rule."""
    form = layer.form
    area = told if isinstance(form.fill, str) else form.fill
    line = told if isinstance(form.line, str) else form.line
    assert not isinstance(area, str) and not isinstance(line, str)
    if layer.tile.shape == "line":
        return Ink(line=hexed(line or first), width_pt=max(0.6, form.line_px * 0.45))
    radius = max(1.2, form.radius_px * 0.42)
    if layer.tile.shape == "point":
        return Ink(fill=hexed(area or first), line="#ffffff", width_pt=0.4, radius_pt=radius)
    return Ink(
        fill=hexed(area or first),
        line=hexed(line) if line else None,
        alpha=round((area or first)[3] / 255, 3),
        width_pt=0.3,
        radius_pt=radius,
    )


def labels_of(measure: Measure, breaks: Sequence[float], say: Say) -> list[str]:
    """Words of a measure's classes, from low to high."""

    def number(value: float) -> str:
        return f"{value:.{measure.digits}%}" if measure.percent else f"{value:,.{measure.digits}f}"

    limits = [number(each) for each in breaks]
    labels = [f"{say('up to')} {limits[0]}" if limits else say("all")]
    labels += [f"{low} – {high}" for low, high in pairwise(limits)]
    if limits:
        labels.append(f"> {limits[-1]}")
    return labels


def choropleth(
    cells: gpd.GeoDataFrame, measure: Measure, breaks: Sequence[float], say: Say
) -> list[MapLayer]:
    """Cells by class of the measure; those without a value by themselves."""

    values = pd.to_numeric(cells[measure.id], errors="coerce").to_numpy(dtype=float)
    classes = np.where(np.isnan(values), -1, np.searchsorted(np.asarray(breaks, dtype=float), values))
    title = say(measure.title)
    empty = f"{title}: {say(measure.empty)}"
    found = [MapLayer(cells.geometry[classes == -1], fill(NO_EVIDENCE), empty)]
    for number_of, label in enumerate(labels_of(measure, breaks, say)):
        shapes = cells.geometry[classes == number_of]
        found.append(MapLayer(shapes, fill(measure.ramp[number_of]), f"{title}: {label}"))
    return found


def counted(
    points: gpd.GeoSeries, box: tuple[float, float, float, float], title: str, say: Say
) -> list[MapLayer]:
    """Points counted in squares, in classes of equal numbers of squares."""
    if points.empty:
        return []
    side = scale_bar_m((box[2] - box[0]) / SQUARES * 1.5)
    index = np.floor(np.column_stack([points.x, points.y]) / side).astype(np.int64)
    squares, counts = np.unique(index, axis=0, return_counts=True)
    limits = sorted({int(each) for each in np.quantile(counts, np.arange(1, len(DOTS)) / len(DOTS))})
    classes = np.searchsorted(limits, counts)
    middles = (squares + 0.5) * side
    places = gpd.GeoSeries(shapely.points(middles), crs=points.crs)
    found = []
    for number in np.unique(classes):
        held = counts[classes == number]
        span = f"{held.min():,}" if held.min() == held.max() else f"{held.min():,} – {held.max():,}"
        label = say(N_("{layer}: {span} in {side:g} m × {side:g} m"), layer=title, span=span, side=side)
        colour, radius = DOTS[number]
        ink = Ink(fill=hexed(colour), line="#ffffff", width_pt=0.3, radius_pt=radius)
        found.append(MapLayer(places[classes == number], ink, label))
    return found


def fill(colour: Colour) -> Ink:
    """The look of areas of that colour."""
    return Ink(fill=hexed(colour), line="#ffffff", alpha=round(colour[3] / 255, 3), width_pt=0.4)


def hexed(colour: Colour) -> str:
    """A colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour[:3])
