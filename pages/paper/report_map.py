"""The map of a report, drawn from the report's own files: what is on it can be counted in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from reportlab.lib.units import mm

from geodata.queries.report import ReportFacts
from layers.catalogue import LAYERS
from layers.i18n import N_
from layers.layer import Colour, Layer, Measure
from layers.ramps import NO_EVIDENCE, PURPLES
from layers.view import HEAT, View
from pages.paper.layout import WIDTH
from pages.paper.mapping import Ink, MapLayer, PaperMap, scale_bar_m
from pages.paper.telling import Say

__all__ = ["DrawnMap", "draw_map"]

SIZE = (WIDTH, 118 * mm)
MOST_DOTS = 3_000
"""More points than this are counted in squares."""
MOST_SHAPES = 30_000
"""More lines or areas than this are left to their file."""
SQUARES = 56
"""Squares across the map, about."""
DOTS = ((PURPLES[1], 1.3), (PURPLES[2], 2.0), (PURPLES[3], 2.9), (PURPLES[4], 4.2))
"""Colour and radius (points) of a square's dot, from few to many: another ramp than that of cells beneath."""
OWN = "Huiyan"
MARGIN = 0.03


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """A map, what has to be said about it, and how many rows each layer's file has."""

    paper: PaperMap
    notes: tuple[str, ...]
    rows: dict[str, int]


def draw_map(
    view: View,
    facts: ReportFacts,
    files: Mapping[str, bytes | Path],
    measure: Measure,
    breaks: Sequence[float],
    say: Say,
) -> DrawnMap:
    """
    The view on paper, north up, in the town's metric system.

    Parameters
    ----------
    view
        Which layers.
    facts
        Where, and whose attribution it bears.
    files
        `layers/<id>.geojson` → the file.
    measure, breaks
        What cells show, and upper limits of its classes.
    say
        In the reader's language.
    """
    epsg = facts.town.metric_epsg
    west, south, east, north = gpd.GeoSeries([shapely.box(*facts.bounds)], crs=4326).to_crs(epsg).total_bounds
    across = max(east - west, north - south) * MARGIN
    box = (west - across, south - across, east + across, north + across)
    drawn: list[MapLayer] = []
    notes: list[str] = []
    rows: dict[str, int] = {}
    for name in view.layers:
        layer = LAYERS["violations" if name == HEAT else name]
        path = files[f"layers/{layer.id}.geojson"]
        assert isinstance(path, Path)
        rows[layer.id] = int(pyogrio.read_info(path, force_feature_count=True)["features"])
        title = say(layer.title)
        if layer.tile.shape != "point" and rows[layer.id] > MOST_SHAPES:
            notes.append(
                say(
                    "{layer} has {count:,} features, too many for this map: see its file.",
                    layer=title,
                    count=rows[layer.id],
                )
            )
            continue
        shapes = _read(path, [measure.id] if name == "unit_cells" else [], epsg)
        if name == "unit_cells":
            drawn += _choropleth(shapes, measure, breaks, say)
        elif layer.tile.shape == "point" and (name == HEAT or len(shapes) > MOST_DOTS):
            drawn += _counted(shapes.geometry, box, title, say)
        else:
            drawn.append(MapLayer(shapes.geometry, _ink(layer), title))
    used = {dataset for name in rows for dataset in LAYERS[name].datasets}
    sources = set(facts.register[facts.register["name"].isin(used)]["source"]) - {OWN}
    paper = PaperMap(
        box, drawn, (), SIZE, attribution=" · ".join(say(each) for each in sorted(sources)), epsg=epsg
    )
    return DrawnMap(paper, tuple(notes), rows)


def _read(path: Path, columns: list[str], epsg: int) -> gpd.GeoDataFrame:
    frame = pyogrio.read_dataframe(path, columns=columns)
    if (
        not isinstance(frame, gpd.GeoDataFrame) or frame.empty
    ):  # without any feature there is no geometry column
        return gpd.GeoDataFrame({name: [] for name in columns}, geometry=gpd.GeoSeries([], crs=epsg))
    frame = frame[~(shapely.is_missing(frame.geometry.to_numpy()) | frame.geometry.is_empty)]
    return frame.set_crs(4326, allow_override=True).to_crs(epsg)


def _choropleth(
    cells: gpd.GeoDataFrame, measure: Measure, breaks: Sequence[float], say: Say
) -> list[MapLayer]:
    """Cells by class of the measure; those without a value by themselves."""

    def number(value: float) -> str:
        return f"{value:.{measure.digits}%}" if measure.percent else f"{value:,.{measure.digits}f}"

    values = pd.to_numeric(cells[measure.id], errors="coerce").to_numpy(dtype=float)
    classes = np.where(np.isnan(values), -1, np.searchsorted(np.asarray(breaks, dtype=float), values))
    limits = [number(each) for each in breaks]
    labels = [f"{say('up to')} {limits[0]}" if limits else say("all")]
    labels += [f"{low} – {high}" for low, high in pairwise(limits)]
    if limits:
        labels.append(f"> {limits[-1]}")
    title = say(measure.title)
    empty = f"{title}: {say(measure.empty)}"
    found = [MapLayer(cells.geometry[classes == -1], _fill(NO_EVIDENCE), empty)]
    for number_of, label in enumerate(labels):
        shapes = cells.geometry[classes == number_of]
        found.append(MapLayer(shapes, _fill(measure.ramp[number_of]), f"{title}: {label}"))
    return found


def _counted(
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
        ink = Ink(fill=_hex(colour), line="#ffffff", width_pt=0.3, radius_pt=radius)
        found.append(MapLayer(places[classes == number], ink, label))
    return found


def _ink(layer: Layer) -> Ink:
    """A layer's look on paper; where the screen tells features apart by colour, its first one."""
    form = layer.form
    first = layer.legend[0].colour if layer.legend else NO_EVIDENCE
    fill = form.fill if isinstance(form.fill, tuple) else (first if form.fill else None)
    line = form.line if isinstance(form.line, tuple) else (first if form.line else None)
    if layer.tile.shape == "line":
        return Ink(line=_hex(line or first), width_pt=max(0.6, form.line_px * 0.45))
    radius = max(1.2, form.radius_px * 0.42)
    if layer.tile.shape == "point":
        return Ink(fill=_hex(fill or first), line="#ffffff", width_pt=0.4, radius_pt=radius)
    alpha = (fill or first)[3] / 255
    return Ink(
        fill=_hex(fill or first),
        line=_hex(line) if line else None,
        alpha=round(alpha, 3),
        width_pt=0.3,
        radius_pt=radius,
    )


def _fill(colour: Colour) -> Ink:
    return Ink(fill=_hex(colour), line="#ffffff", alpha=round(colour[3] / 255, 3), width_pt=0.4)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour[:3])
