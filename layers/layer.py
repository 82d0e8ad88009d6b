"""What a layer is: a query, a form and a legend, bound once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from geodata.queries.tiles import TileSource

__all__ = ["Colour", "Export", "Form", "Layer", "LegendEntry", "Measure"]

Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha: integers in 0-255."""


@dataclass(frozen=True)
class LegendEntry:
    """One line of a legend: a sample of the colour and what it stands for (a message to translate)."""

    colour: Colour
    label: str
    mark: Literal["fill", "line", "dot"] = "fill"


@dataclass(frozen=True)
class Form:
    """
    How features are drawn.

    Parameters
    ----------
    fill, line
        Colours, or None for none; a text is a deck.gl expression over `properties`.
    radius_px
        Radius of points on the screen.
    line_px
        Width of lines on the screen.
    height
        Property with metres to extrude, or None.
    """

    fill: Colour | str | None = None
    line: Colour | str | None = None
    radius_px: float = 4
    line_px: float = 1
    height: str | None = None


@dataclass(frozen=True)
class Measure:
    """
    A number that a choropleth can show.

    Parameters
    ----------
    id
        Property in the tile.
    title, unit, meaning
        Messages: its name, its unit, and one sentence on how to read it.
    ramp
        Colours from low to high, safe for colour-blind eyes.
    empty
        Message for a cell without a value.
    breaks
        Upper limits of all classes but the last; None: quantiles of the values.
    digits
        Decimals shown.
    """

    id: str
    title: str
    unit: str
    meaning: str
    ramp: tuple[Colour, ...]
    empty: str
    breaks: tuple[float, ...] | None = None
    digits: int = 2
    percent: bool = False


@dataclass(frozen=True)
class Export:
    """The query behind a GeoJSON file: column name → SQL over the alias `t`; only what may leave the house."""

    table: str
    columns: Mapping[str, str]
    join: str = ""
    where: str = "true"
    order: str = "t.id"


@dataclass(frozen=True)
class Layer:
    """
    One layer of the map, the tiles, the legend and the exports.

    Parameters
    ----------
    id
        Its name in addresses and commands.
    title, method
        Messages: its name; how its rows came to be, one sentence.
    tile, form, legend, export
        The query, how it is drawn, what the colours mean, and what is exported.
    datasets
        Names of the datasets it shows; their revision is its own.
    measures
        For choropleths.
    shown
        Drawn when the map opens.
    pickable
        A click shows its facts.
    """

    id: str
    title: str
    method: str
    tile: TileSource
    form: Form
    legend: tuple[LegendEntry, ...]
    export: Export
    datasets: tuple[str, ...]
    measures: tuple[Measure, ...] = field(default=())
    shown: bool = False
    pickable: bool = True
