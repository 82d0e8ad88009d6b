"""The map of a report, drawn from the report's own files: what is on it can be counted in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyogrio
import shapely
from reportlab.lib.units import mm

from geodata.queries.report import ReportFacts
from layers.catalogue import LAYERS
from layers.layer import Measure
from layers.parking import class_limits
from layers.view import HEAT, View
from pages.paper.classes import asked_of, choropleth, classed, counted
from pages.paper.layout import WIDTH
from pages.paper.mapping import NORTH, MapLayer, PaperMap
from pages.paper.telling import Say

__all__ = ["OWN", "SIZE", "DrawnMap", "draw_map"]

SIZE = (WIDTH, 118 * mm)
MOST_DOTS = 3_000
"""More points than this are counted in squares."""
MOST_SHAPES = 30_000
"""More lines or areas than this are left to their file."""
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
        shown = measure if name == "unit_cells" else next(iter(layer.measures), None)
        shapes = _read(path, [shown.id] if shown else list(asked_of(layer)), epsg)
        if shown is not None:
            limits = breaks if name == "unit_cells" else shown.breaks or class_limits(shapes[shown.id])
            drawn += choropleth(shapes, shown, limits, say)
        elif layer.tile.shape == "point" and (name == HEAT or len(shapes) > MOST_DOTS):
            drawn += counted(shapes.geometry, box, title, say)
        else:
            drawn += classed(shapes, layer, say)
    used = {dataset for name in rows for dataset in LAYERS[name].datasets}
    sources = set(facts.register[facts.register["name"].isin(used)]["source"]) - {OWN}
    attribution = " · ".join(say(each) for each in sorted(sources))
    paper = PaperMap(box, drawn, (), SIZE, attribution=attribution, epsg=epsg, north=say(NORTH))
    return DrawnMap(paper, tuple(notes), rows)


def _read(path: Path, columns: list[str], epsg: int) -> gpd.GeoDataFrame:
    frame = pyogrio.read_dataframe(path, columns=columns)
    if (
        not isinstance(frame, gpd.GeoDataFrame) or frame.empty
    ):  # without any feature there is no geometry column
        return gpd.GeoDataFrame({name: [] for name in columns}, geometry=gpd.GeoSeries([], crs=epsg))
    frame = frame[~(shapely.is_missing(frame.geometry.to_numpy()) | frame.geometry.is_empty)]
    return frame.set_crs(4326, allow_override=True).to_crs(epsg)
