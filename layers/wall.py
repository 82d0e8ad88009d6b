"""Layers of the catalogue in the dark of the wall, as plain data that a browser reads without running any of it."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from layers import ramps
from layers.layer import Colour, Layer, Measure

__all__ = [
    "AMBER",
    "BASE",
    "CORAL",
    "DARK_HEAT",
    "GROUND",
    "ICE",
    "NOBODY",
    "PIPES",
    "QUIET",
    "Dark",
    "dark_form",
    "dark_ramp",
    "heat",
    "legend",
    "tiles",
]

GROUND: Colour = (9, 15, 20, 255)
ICE: Colour = (108, 206, 222, 255)
AMBER: Colour = (255, 176, 46, 255)
CORAL: Colour = (255, 112, 82, 255)
QUIET: Colour = (118, 134, 146, 255)
NOBODY: Colour = (120, 132, 140, 46)
"""Nobody looked: a veil, neither good nor bad."""
TILE_ZOOMS = (8, 14)
"""Nearer tiles than these would be many on a tilted map as large as a wall; at 14 every feature is as it is."""
BASE = ("streets", "buildings")
"""On every page, from the ground up: the map is never empty, whatever comes and goes on top."""

COLD = ((19, 47, 56, 150), (24, 84, 95, 165), (34, 127, 137, 175), (72, 176, 180, 185), (158, 230, 222, 200))
"""More light, more of it: in even steps of lightness, so that colour-blind eyes read it too."""
WARM = ((58, 40, 28, 150), (112, 66, 34, 170), (172, 95, 34, 185), (230, 140, 44, 200), (255, 204, 112, 215))
DARK_HEAT = (
    (58, 40, 28, 0),
    (128, 70, 34, 130),
    (196, 104, 34, 180),
    (242, 156, 52, 210),
    (255, 222, 150, 240),
)
PIPES: dict[str, Colour] = {
    "water": (74, 160, 255, 255),
    "drain": (198, 150, 104, 255),
    "gas": (255, 128, 196, 255),
    "heat": (255, 146, 66, 255),
    "power": (255, 92, 92, 255),
    "telecom": (92, 206, 128, 255),
    "unknown": (132, 144, 152, 255),
}
"""As in the light after CJJ 61, lifted for the dark."""

MODELLED: Colour = (86, 140, 208, 190)

Rule = tuple[str, str, str | float | bool, Colour]
"""Property, how to compare (== <= < >), with what, and the colour if it holds."""


@dataclass(frozen=True)
class Dark:
    """
    How a layer is drawn in the dark.

    Attributes
    ----------
    fill, line
        Colour where no rule holds; None: none.
    fill_rules, line_rules
        The first that holds wins.
    radius_px, line_px
        At a height of 1080 px.
    height
        Property with metres to extrude, or None.
    legend
        Colours of the layer's legend, in its order; empty: its own, lifted.
    """

    fill: Colour | None = None
    line: Colour | None = None
    fill_rules: tuple[Rule, ...] = field(default=())
    line_rules: tuple[Rule, ...] = field(default=())
    radius_px: float = 4
    line_px: float = 1
    height: str | None = None
    legend: tuple[Colour, ...] = field(default=())


def _cases(name: str, colours: Mapping[str, Colour]) -> tuple[Rule, ...]:
    return tuple((name, "==", value, colour) for value, colour in colours.items())


_STREAMS = _cases("state", {"online": ICE, "stalled": AMBER, "unreachable": CORAL})
_EVIDENCE = _cases("evidence", {"observed": WARM[3], "modelled": MODELLED})
_OWN: dict[str, Dark] = {
    "streets": Dark(
        line=(44, 60, 71, 255), line_rules=(("drivable", "==", True, (66, 87, 101, 255)),), line_px=2
    ),
    "buildings": Dark(fill=(38, 52, 63, 255), height="height_m"),
    "kerbs": Dark(
        line=(110, 122, 130, 120),
        line_rules=(("legal", "==", True, (92, 150, 255, 255)), ("legal", "==", False, (255, 96, 84, 190))),
        line_px=2.5,
        legend=((92, 150, 255, 255), (255, 96, 84, 190), (110, 122, 130, 120)),
    ),
    "pipes": Dark(
        line=PIPES["unknown"], line_rules=_cases("kind", PIPES), line_px=4, legend=tuple(PIPES.values())
    ),
    "pipe_nodes": Dark(
        fill=PIPES["unknown"],
        fill_rules=_cases("network", PIPES),
        radius_px=3.5,
        legend=tuple(PIPES.values()),
    ),
    "cameras": Dark(
        fill=QUIET,
        fill_rules=(
            ("demonstration", "==", True, AMBER),
            ("state", "==", "online", ICE),
            ("online", ">", 0, ICE),
        ),
        radius_px=5,
        legend=(ICE, QUIET, AMBER),
    ),
    "camera_views": Dark(fill=(88, 206, 224, 62), line=(120, 224, 238, 110), legend=((88, 206, 224, 150),)),
    "camera_health": Dark(
        fill=QUIET,
        fill_rules=(("trouble", ">", 0, CORAL), ("n", ">", 0, ICE), *_STREAMS),
        line=GROUND,
        radius_px=8,
        legend=(ICE, AMBER, CORAL, QUIET),
    ),
    "cell_demand": Dark(
        fill=NOBODY, fill_rules=_EVIDENCE, line=(160, 176, 186, 40), legend=(WARM[3], MODELLED, QUIET)
    ),
    "edge_demand": Dark(
        line=(130, 142, 150, 110), line_rules=_EVIDENCE, line_px=5, legend=(WARM[3], MODELLED, QUIET)
    ),
    "findings": Dark(fill=CORAL, line=(255, 255, 255, 235), radius_px=9, line_px=2, legend=(CORAL,)),
    "violations": Dark(fill=(255, 150, 74, 190), radius_px=3.5, legend=((255, 150, 74, 255),)),
    "sensors": Dark(fill=(255, 196, 90, 240), line=GROUND, radius_px=4.5, legend=((255, 196, 90, 255),)),
}


def dark_form(layer: Layer) -> Dark:
    """
    How `layer` is drawn in the dark: as told here, or else its own colours, lifted until they are seen.

    Raises
    ------
    ValueError
        If the layer's colours are an expression and none is told here.
    """
    if layer.id in _OWN:
        return _OWN[layer.id]
    form = layer.form
    return Dark(
        fill=_lifted(layer.id, form.fill),
        line=_lifted(layer.id, form.line),
        radius_px=form.radius_px,
        line_px=form.line_px,
        height=form.height,
    )


def dark_ramp(measure: Measure) -> tuple[Colour, ...]:
    """Classes of a measure in the dark, from low to high: warm where more is worse, cold elsewhere."""
    return WARM if measure.ramp == ramps.ORANGES else COLD


def legend(layer: Layer) -> tuple[tuple[Colour, str, str], ...]:
    """Lines of a layer's legend in the dark: colour, message, mark."""
    told = dark_form(layer).legend
    colours = told or tuple(_lifted(layer.id, entry.colour) or QUIET for entry in layer.legend)
    return tuple(
        (colour, entry.label, entry.mark) for colour, entry in zip(colours, layer.legend, strict=True)
    )


def tiles(
    layer: Layer,
    *,
    measure: Measure | None = None,
    breaks: Sequence[float] = (),
    filters: Mapping[str, str] | None = None,
    revision: int = 0,
    from_zoom: int = TILE_ZOOMS[0],
) -> dict[str, Any]:
    """A layer drawn from its tiles, as the wall's browser reads it; a measure colours cells by its classes."""
    form = dark_form(layer)
    fill, rules = form.fill, form.fill_rules
    if measure is not None:
        ramp = dark_ramp(measure)
        fill = ramp[len(breaks)]
        steps = ((measure.id, "<=", limit, colour) for limit, colour in zip(breaks, ramp, strict=False))
        rules = ((measure.id, "<", 0, NOBODY), *steps)
    query = urlencode({**(filters or {}), "r": revision})
    return {
        "id": layer.id,
        "kind": "tiles",
        "address": f"/api/tiles/{layer.id}/{{z}}/{{x}}/{{y}}.pbf?{query}",
        "zooms": [from_zoom, TILE_ZOOMS[1]],
        "fill": fill,
        "fillRules": rules,
        "line": form.line,
        "lineRules": form.line_rules,
        "radiusPx": form.radius_px,
        "linePx": form.line_px,
        "height": form.height,
    }


def heat(layer: Layer, *, filters: Mapping[str, str] | None = None, revision: int = 0) -> dict[str, Any]:
    """A heat map of a layer of points."""
    query = urlencode({**(filters or {}), "r": revision})
    return {
        "id": f"{layer.id}_heat",
        "kind": "heat",
        "address": f"/api/heat/{layer.id}.csv?{query}",
        "colours": DARK_HEAT,
    }


def _lifted(name: str, colour: Colour | str | None) -> Colour | None:
    """The same hue, light enough for a dark ground."""
    if isinstance(colour, str):
        raise ValueError(f"layer {name} is coloured by an expression: tell its dark form in layers/wall.py")
    if colour is None:
        return None
    red, green, blue, alpha = colour
    hue, light, depth = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    lifted = colorsys.hls_to_rgb(hue, min(max(light, 0.58), 0.85), depth)
    return (*(round(255 * part) for part in lifted), alpha)  # type: ignore[return-value]
