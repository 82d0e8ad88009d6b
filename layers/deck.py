"""Layers as deck.gl layers: everything larger than a handful of features comes from a tile or data address of ours."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import geopandas as gpd
import pydeck as pdk
import shapely

from analysis.crs import DISPLAY_EPSG
from geodata.projecting import projected
from layers import ramps
from layers.layer import Colour, Form, Layer, Measure
from layers.ramps import GROUND, NO_EVIDENCE, at_night

__all__ = [
    "MOST_FEATURES",
    "choropleth_colour",
    "deck",
    "heat_layer",
    "shape_layer",
    "sight_lines",
    "tile_layer",
    "view_state",
]

WORKER = "/assets/mvt-worker.js"
"""The tile parser that deck.gl would otherwise fetch from a CDN."""
MOST_FEATURES = 2_000
"""More than this inside a page's description makes a browser crawl; use a tile."""
GRID_DEG = 1e-7
"""Seven decimals of a degree, about a centimetre: more would be half of the bytes that are sent."""
TILE_ZOOMS = (8, 16)
_COLOUR = re.compile(r"\[(\d+), ?(\d+), ?(\d+), ?(\d+)\]")


def tile_layer(
    layer: Layer,
    *,
    measure: Measure | None = None,
    breaks: Sequence[float] = (),
    filters: Mapping[str, str] | None = None,
    revision: int = 0,
    pickable: bool | None = None,
    form: Form | None = None,
    from_zoom: int = TILE_ZOOMS[0],
) -> pdk.Layer:
    """
    A layer drawn from its tiles.

    Parameters
    ----------
    layer
        From the catalogue.
    measure, breaks
        For a choropleth: which number, and the upper limits of its classes.
    filters
        Query of the tiles: since, until, class, source.
    revision
        Part of the address, so that new data are fetched at once.
    pickable
        Overrides the layer's own.
    form
        Overrides the layer's own.
    from_zoom
        Farther away nothing is drawn: what is there only to be clicked would hide the rest.
    """
    form = form or layer.form
    query = urlencode({**(filters or {}), "r": revision})
    fill = choropleth_colour(measure, breaks) if measure else form.fill
    stroked = form.line is not None
    return pdk.Layer(
        "MVTLayer",
        id=layer.id,
        data=f"/api/tiles/{layer.id}/{{z}}/{{x}}/{{y}}.pbf?{query}",
        load_options={"mvt": {"workerUrl": WORKER}},
        min_zoom=from_zoom,
        max_zoom=TILE_ZOOMS[1],
        pickable=layer.pickable if pickable is None else pickable,
        auto_highlight=layer.pickable if pickable is None else pickable,
        highlight_color=[*ramps.ACCENT[:3], 120],
        filled=fill is not None,
        stroked=stroked,
        extruded=form.height is not None,
        material={"ambient": 0.5, "diffuse": 0.42, "shininess": 4, "specularColor": [60, 60, 60]},
        get_elevation=f"properties.{form.height}" if form.height else 0,
        get_fill_color=_colour(fill),
        get_line_color=_colour(form.line),
        get_line_width=form.line_px,
        line_width_units="'pixels'",
        line_width_min_pixels=0.5,
        point_type="'circle'",
        point_radius_units="'pixels'",
        get_point_radius=_radius(form.radius_px),
        update_triggers={
            "getFillColor": [measure.id if measure else "", list(breaks), _mark(fill)],
            "getLineColor": [_mark(form.line)],
        },
    )


def heat_layer(layer: Layer, *, filters: Mapping[str, str] | None = None, revision: int = 0) -> pdk.Layer:
    """A heat map of a layer of points, from its data address."""
    query = urlencode({**(filters or {}), "r": revision})
    return pdk.Layer(
        "HeatmapLayer",
        id=f"{layer.id}_heat",
        data=f"/api/heat/{layer.id}.csv?{query}",
        get_position="[lon, lat]",
        get_weight="n",
        radius_pixels=28,
        intensity=1,
        threshold=0.06,
        color_range=[list(colour) for colour in ramps.HEAT],
        pickable=False,
    )


def shape_layer(name: str, shapes: gpd.GeoDataFrame, form: Form, *, pickable: bool = True) -> pdk.Layer:
    """
    A handful of shapes, sent inside the page.

    Raises
    ------
    ValueError
        If there are more than `MOST_FEATURES`.
    """
    if len(shapes) > MOST_FEATURES:
        raise ValueError(f"{name} has {len(shapes)} features; more than {MOST_FEATURES} belong in a tile")
    rows = projected(shapes, DISPLAY_EPSG)
    rows = rows.set_geometry(rows.geometry.set_precision(GRID_DEG, mode="pointwise"))
    features = [
        {"type": "Feature", "geometry": shapely.geometry.mapping(row.geometry), "properties": _plain(row)}
        for row in rows.itertuples()
    ]
    return pdk.Layer(
        "GeoJsonLayer",
        id=name,
        data={"type": "FeatureCollection", "features": features},
        pickable=pickable,
        filled=form.fill is not None,
        stroked=form.line is not None,
        get_fill_color=_colour(form.fill),
        get_line_color=_colour(form.line),
        get_line_width=form.line_px,
        line_width_units="'pixels'",
        point_type="'circle'",
        point_radius_units="'pixels'",
        get_point_radius=form.radius_px,
    )


def sight_lines(
    name: str, cameras: gpd.GeoDataFrame, views: gpd.GeoSeries, colour: Colour, *, most: int = 48
) -> pdk.Layer:
    """
    Lines in space from each camera's lens, `height_m` metres up, to the rim of its view on the ground.

    Parameters
    ----------
    name
        Id of the layer.
    cameras
        Points with `height_m`, in any CRS.
    views
        Their views by the same index, in any CRS; an empty one has no lines.
    colour
        Of the lines; they are drawn half transparent.
    most
        Lines of one camera, spread evenly along the rim.
    """
    places = projected(cameras, DISPLAY_EPSG).geometry
    lines: list[dict[str, Any]] = []
    for label, shape in projected(views, DISPLAY_EPSG).items():
        if shape.is_empty:
            continue
        lens = [places.loc[label].x, places.loc[label].y, float(cameras["height_m"].loc[label])]
        lines.append({"from": [*lens[:2], 0.0], "to": lens})
        rim = shapely.get_coordinates(shape)
        lines += [{"from": lens, "to": [x, y, 0.0]} for x, y in rim[:: max(1, len(rim) // most)].tolist()]
    return pdk.Layer(
        "LineLayer",
        id=name,
        data=lines,
        get_source_position="from",
        get_target_position="to",
        get_color=[*colour[:3], 130],
        get_width=1.5,
        width_units="'pixels'",
        pickable=False,
    )


def deck(
    layers: Sequence[pdk.Layer], view: pdk.ViewState, tooltip: str | None = None, *, dark: bool = False
) -> pdk.Deck:
    """
    A map that asks no other host for anything: no base map, no provider.

    Parameters
    ----------
    layers
        From the ground up.
    view
        Where it opens.
    tooltip
        HTML shown at the pointer, with {names} of properties; None for none.
    dark
        Draws the ground, buildings and streets dark.
    """
    if dark:
        for each in layers:
            _darken(each)
    return pdk.Deck(
        layers=list(layers),
        initial_view_state=view,
        map_provider=None,
        tooltip={"html": tooltip} if tooltip else False,
        parameters={"clearColor": [part / 255 for part in at_night(GROUND, dark)]},
    )


def _darken(layer: pdk.Layer) -> None:
    """Gives a layer its colours of the night, in expressions too."""
    for name in ("get_fill_color", "get_line_color", "get_color", "color_range"):
        if (found := getattr(layer, name, None)) is not None:
            setattr(layer, name, _at_night(found))
    if layer.id == "streets":
        street = ramps.NIGHT_STREET
        layer.get_line_color = f"@@=properties.drivable ? {list(street)} : {[*street[:3], 140]}"


def _at_night(found: Any) -> Any:
    if isinstance(found, str):
        return _COLOUR.sub(lambda match: str(list(at_night(tuple(map(int, match.groups()))))), found)
    if found and isinstance(found[0], (list, tuple)):
        return [_at_night(each) for each in found]
    return list(at_night(tuple(found))) if len(found) == 4 else found


def view_state(centre: tuple[float, float], zoom: float, *, pitch_deg: float = 0) -> pdk.ViewState:
    """Where a map opens: longitude and latitude in degrees."""
    return pdk.ViewState(
        longitude=centre[0], latitude=centre[1], zoom=zoom, pitch=pitch_deg, max_zoom=19, min_zoom=9
    )


def choropleth_colour(measure: Measure, breaks: Sequence[float]) -> str:
    """A deck.gl expression: value → colour of its class; below 0 (not known) it is the colour of no evidence."""
    value = f"properties.{measure.id}"
    classes = str(list(measure.ramp[len(breaks)]))
    for limit, colour in reversed(list(zip(breaks, measure.ramp, strict=False))):
        classes = f"{value} <= {limit!r} ? {list(colour)} : {classes}"
    return f"{value} >= 0 ? ({classes}) : {list(NO_EVIDENCE)}"


def _colour(colour: Colour | str | None) -> Any:
    return list(colour) if isinstance(colour, tuple) else (colour or [0, 0, 0, 0])


def _mark(colour: Colour | str | None) -> int:
    """Changes with an expression: deck.gl asks accessors anew only if it is told to."""
    return zlib.crc32(colour.encode()) if isinstance(colour, str) else 0


def _radius(base: float) -> str:
    """Bins grow with what they hold; single features have the layer's own radius."""
    return (
        f"properties.n >= 100 ? {base * 2.4} : properties.n >= 20 ? {base * 1.8} :"
        f" properties.n >= 5 ? {base * 1.3} : {base}"
    )


def _plain(row: Any) -> dict[str, Any]:
    return {
        k: v
        for k, v in row._asdict().items()
        if k not in ("geometry", "Index") and isinstance(v, (str, int, float))
    }
