"""A view: what a planner has on the map, as one value and as one address that anyone can open."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.errors import InputError
from layers.catalogue import LAYERS
from layers.measures import MEASURES
from layers.units import UNIT_MEASURES

__all__ = ["FILTERS", "HEAT", "MAP", "ORDER", "UNITS", "ReadView", "View", "framed", "read_view"]

HEAT = "heat"
"""The heat map of violations: drawn like a layer, made from the layer `violations`."""
ORDER: tuple[str, ...] = tuple(
    name for layer in LAYERS for name in ((HEAT, layer) if layer == "violations" else (layer,))
)
"""What a view may show, from the ground up."""
OPENED: tuple[str, ...] = tuple(name for name in ORDER if name in LAYERS and LAYERS[name].shown)
FILTERS = ("class", "source", "grouping")
"""Filters that are words: event class, source of violations, group of cameras."""
LONGEST = 64
NOTHING = "-"
"""How an address says that no layer is shown; without `layers` it means the layers that open by themselves."""
MAP, UNITS = "map", "units"
"""How an address says (`show`) whether the map or the units are there; without it the map is."""
NORTHERNMOST_DEG = 85.06
AREA = re.compile(r"[0-9]{6}(?:[0-9]{3}){0,2}")
CELL = re.compile(r"[0-9]{15}")
MOST_ZOOM = 17.0
"""No area opens nearer than this, however small it is."""
RANGES = {"zoom": (0.0, 22.0), "pitch_deg": (0.0, 85.0), "bearing_deg": (-180.0, 180.0)}


@dataclass(frozen=True)
class View:
    """
    What a map shows: layers, filters, area, time and camera. Equal views have equal addresses.

    Parameters
    ----------
    layers
        Ids of the catalogue, and `HEAT`; each once, kept in drawing order.
    measure
        Number that the cells show; None: the first.
    filters
        Of `FILTERS` → value.
    area
        Code of a county (6 digits), street (9) or community (12); None: the whole town.
    since, until
        Aware moments, kept in UTC: from the first on, before the second.
    centre
        Longitude and latitude, degrees; None: the town's, or the area's.
    zoom, pitch_deg, bearing_deg
        Of the map's camera; None: as the map opens.
    figure
        Of `layers.units.UNIT_MEASURES`: the units of the city are shown by it; None: the map is.
    cell
        Code of the unit cell that is open among the units.

    Raises
    ------
    InputError
        If a part cannot be; the message names it.
    """

    layers: tuple[str, ...] = OPENED
    measure: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    area: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    centre: tuple[float, float] | None = None
    zoom: float | None = None
    pitch_deg: float | None = None
    bearing_deg: float | None = None
    figure: str | None = None
    cell: str | None = None

    def __post_init__(self) -> None:
        for name in self.layers:
            _require(name in ORDER, "layers", name)
        object.__setattr__(self, "layers", tuple(name for name in ORDER if name in self.layers))
        _require(
            self.measure is None or self.measure in {each.id for each in MEASURES}, "measure", self.measure
        )
        for name, value in self.filters.items():
            _require(name in FILTERS, "filters", name)
            _require(0 < len(value) <= LONGEST and value.isprintable(), name, value)
        object.__setattr__(self, "filters", dict(sorted(self.filters.items())))
        _require(self.area is None or AREA.fullmatch(self.area) is not None, "area", self.area)
        for name in ("since", "until"):
            moment = getattr(self, name)
            _require(moment is None or moment.tzinfo is not None, name, moment)
            object.__setattr__(self, name, moment and moment.astimezone(dt.UTC))
        if self.since and self.until:
            _require(self.since < self.until, "until", self.until)
        if self.centre is not None:
            east, north = self.centre
            _require(abs(east) <= 180 and abs(north) <= NORTHERNMOST_DEG, "centre", self.centre)
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            _require(value is None or least <= value <= most, name, value)
        _require(
            self.figure is None or self.figure in {each.id for each in UNIT_MEASURES}, "figure", self.figure
        )
        _require(
            self.cell is None or (self.figure is not None and CELL.fullmatch(self.cell) is not None),
            "cell",
            self.cell,
        )

    def __hash__(self) -> int:
        return hash(tuple(self.to_query().items()))

    def to_query(self) -> dict[str, str]:
        """The view as parts of an address; `from_query` gives it back."""
        parts = {"layers": ",".join(self.layers) or NOTHING, "measure": self.measure, **self.filters}
        parts["area"] = self.area
        parts |= {"since": _moment(self.since), "until": _moment(self.until)}
        if self.centre is not None:
            parts["centre"] = ",".join(_number(each) for each in self.centre)
        for name in RANGES:
            value = getattr(self, name)
            parts[name.removesuffix("_deg")] = None if value is None else _number(value)
        if self.figure is not None:
            parts |= {"show": UNITS, "figure": self.figure, "cell": self.cell}
        return {name: value for name, value in parts.items() if value is not None}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> View:
        """The view that an address tells, without what cannot be read: `read_view` names that."""
        return read_view(query).view

    def tile_filters(self) -> dict[str, str]:
        """Query of tiles, heat maps and exports: filters, area and time. They show the same rows."""
        found = dict(self.filters)
        if self.area is not None:
            found["area"] = self.area
        for name, moment in (("since", self.since), ("until", self.until)):
            if text := _moment(moment):
                found[name] = text
        return found


@dataclass(frozen=True)
class ReadView:
    """A view as an address told it, and what of the address was left out."""

    view: View
    left_out: tuple[InputError, ...] = ()


def read_view(query: Mapping[str, str]) -> ReadView:
    """
    The view that an address tells; what cannot be read is left out and named, parts that are not ours are passed over.

    Parameters
    ----------
    query
        Parts of an address: name → text.
    """
    view, left_out = View(), []

    def take(name: str, text: str, read: Callable[[str], dict[str, Any]]) -> None:
        nonlocal view
        try:
            view = replace(view, **read(text))
        except InputError as error:
            left_out.append(error)
        except (ValueError, OverflowError):  # the second: a moment that has no name in UTC
            left_out.append(_left_out(name, text))

    if (listed := query.get("layers")) is not None:
        names = [] if listed == NOTHING else [name for name in listed.split(",") if name]
        left_out += [_left_out("layers", name) for name in names if name not in ORDER]
        view = replace(view, layers=tuple(name for name in names if name in ORDER))
    readers: dict[str, Callable[[str], dict[str, Any]]] = {
        "measure": lambda text: {"measure": text},
        "area": lambda text: {"area": text},
        "since": lambda text: {"since": _read_moment(text)},
        "until": lambda text: {"until": _read_moment(text)},
        "centre": lambda text: {"centre": _read_place(text)},
        "zoom": lambda text: {"zoom": float(text)},
        "pitch": lambda text: {"pitch_deg": float(text)},
        "bearing": lambda text: {"bearing_deg": float(text)},
    }
    for name in FILTERS:
        if text := query.get(name):
            take(name, text, lambda text, name=name: {"filters": {**view.filters, name: text}})  # type: ignore[misc]
    for name, reader in readers.items():
        if text := query.get(name):
            take(name, text, reader)
    if (shown := query.get("show")) == UNITS:
        view = replace(view, figure=UNIT_MEASURES[0].id)
        for name in ("figure", "cell"):
            if text := query.get(name):
                take(name, text, lambda text, name=name: {name: text})  # type: ignore[misc]
    elif shown and shown != MAP:
        left_out.append(_left_out("show", shown))
    return ReadView(view, tuple(left_out))


def framed(bounds: tuple[float, float, float, float]) -> tuple[tuple[float, float], float]:
    """Centre in degrees and zoom of a map of about 1,000 × 600 pixels that shows west, south, east, north whole."""
    west, south, east, north = bounds
    centre = (west + east) / 2, (south + north) / 2
    # 0.9 of the map, whose pixels are 360° / 2^zoom / 512 each
    wide = max((east - west) / 1000, (north - south) / math.cos(math.radians(centre[1])) / 600, 1e-7)
    return centre, min(math.log2(0.9 * 360 / 512 / wide), MOST_ZOOM)


def _left_out(name: str, value: object) -> InputError:
    return InputError(
        "{name} = '{value}' is not known to this map.",
        "It was left out; share the view anew from the map.",
        name=name,
        value=str(value)[:LONGEST],
    )


def _require(good: bool, name: str, value: object) -> None:
    if not good:
        raise _left_out(name.removesuffix("_deg"), value)


def _moment(moment: dt.datetime | None) -> str | None:
    """In UTC, so that no sign of an offset has to pass through an address."""
    if moment is None:
        return None
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _read_moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _number(value: float) -> str:
    """The shortest text that is this number; whole numbers without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _read_place(text: str) -> tuple[float, float]:
    east, north = (float(part) for part in text.split(","))
    if not (math.isfinite(east) and math.isfinite(north)):
        raise ValueError(text)
    return east, north
