"""Which unit is open: it is the area of the map, and below it a cell; the address holds both."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from geodata.queries.units import CELL_DIGITS
from layers.view import MAP, UNITS
from pages.session import address, choose, forget, recall, remember, set_address, widget
from pages.widgets.map import peek

__all__ = [
    "AREA_KEY",
    "MAP_MODE",
    "MODE_KEY",
    "UNITS_MODE",
    "cell_of",
    "close",
    "follow",
    "mode",
    "open_unit",
    "turn",
]

AREA_KEY = "overview_area"
"""The list of streets and communities, which the map's filters go by."""
MODE_KEY = "overview_show"
MAP_MODE, UNITS_MODE = MAP, UNITS
CITY_DIGITS = 6


def mode() -> str:
    """Whether the map or the units are shown: chosen, or as the address says."""
    chosen = widget(MODE_KEY)
    if chosen is None:
        chosen = UNITS_MODE if address("show") == UNITS_MODE else MAP_MODE
        choose(MODE_KEY, chosen)
    return str(chosen)


def follow() -> None:
    """Opens the unit that was clicked on the map, before anything of this run is drawn."""
    if (key := recall("units_map")) is None:
        return
    if (click := peek(key)) is not None and (code := click.properties.get("code")):
        forget("units_map")
        open_unit(str(code))


def open_unit(code: str | None) -> None:
    """Opens a unit, before the list of areas is drawn in this run or in a callback; None: the whole town."""
    if code is not None and len(code) == CELL_DIGITS:
        remember("units_cell", code)
        choose(AREA_KEY, code[:-3])
        return
    remember("units_cell", None)
    choose(AREA_KEY, code if code is not None and len(code) > CITY_DIGITS else "")


def turn(key: str, codes: Sequence[str], current: str, parent: str | None) -> None:
    """Callback of the tree: opens the row that was chosen, or closes the one that is open."""
    rows = ((widget(key) or {}).get("selection") or {}).get("rows") or []
    if not rows or rows[0] >= len(codes):
        return
    code = codes[rows[0]]
    open_unit(parent if code == current else code)


def cell_of(table: pd.DataFrame, area: str | None) -> str | None:
    """The cell that is open inside the area, if any: chosen, or as the address says at first."""
    known = recall("units_cell", "")
    if known == "":
        known = address("cell")
        remember("units_cell", known)
    if known in table.index and table.at[known, "level"] == "cell" and table.at[known, "parent_code"] == area:
        return str(known)
    return None


def close() -> None:
    """The map is shown: nothing of the units stays in the address."""
    set_address(show=None, cell=None, figure=None)
