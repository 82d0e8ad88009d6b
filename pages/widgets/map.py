"""A map on a screen: draw it, and tell what was clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pydeck as pdk
import streamlit as st

from layers.deck import deck
from pages.session import dark, widget
from pages.widgets.legend import attribution

__all__ = ["Click", "peek", "show_map"]


@dataclass(frozen=True)
class Click:
    """What was clicked: the layer's id and the feature's properties, its id among them as `key`."""

    layer: str
    properties: dict[str, Any]

    @property
    def id(self) -> int | None:
        """The feature's id, if it has one."""
        value = self.properties.get("key")
        return int(value) if value is not None else None


def show_map(
    key: str,
    layers: Sequence[pdk.Layer],
    view: pdk.ViewState,
    sources: Sequence[str],
    *,
    simulated: bool = False,
    height_px: int = 560,
    selectable: bool = True,
) -> Click | None:
    """
    Draws a map with its sources on it and returns the feature that is selected.

    Parameters
    ----------
    key
        Keeps the map's view through reruns; one for each map of a screen.
    layers
        From the ground up.
    view
        Where it opens; must stay the same from run to run, or the map jumps.
    sources
        Attribution.
    simulated
        Something on it is simulated: the map says so.
    height_px
        Its height.
    selectable
        Whether clicks select.
    """
    chart = st.pydeck_chart(
        deck(layers, view, dark=dark()),
        height=height_px,
        key=key,
        on_select="rerun" if selectable else "ignore",
        selection_mode="single-object",
    )
    attribution(sources, simulated=simulated)
    if not selectable:
        return None
    return _first(chart.selection)  # type: ignore[union-attr]


def peek(key: str) -> Click | None:
    """What is selected on the map called `key`, before it is drawn in this run."""
    return _first((widget(key) or {}).get("selection"))


def _first(selection: Any) -> Click | None:
    for layer, found in (selection or {}).get("objects", {}).items():
        for each in found:
            return Click(layer, dict(each.get("properties", each)))
    return None
