"""A map on a screen: draw it, and tell what was clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pydeck as pdk
import streamlit as st

from layers.catalogue import LAYERS
from layers.deck import deck
from layers.i18n import N_
from pages.session import dark, listed, widget, words
from pages.widgets.legend import attribution

__all__ = ["Click", "in_words", "peek", "show_map"]


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
    told: str = "",
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
    told
        What can be read from it, for those who do not see it; the names of its layers are said in any case.
    """
    chart = st.pydeck_chart(
        deck(layers, view, dark=dark()),
        height=height_px,
        key=key,
        on_select="rerun" if selectable else "ignore",
        selection_mode="single-object",
        alt=in_words([layer.id for layer in layers], told),
    )
    attribution(sources, simulated=simulated)
    if not selectable:
        return None
    return _first(chart.selection)  # type: ignore[union-attr]


def in_words(ids: Sequence[str], told: str = "") -> str:
    """
    A map in one or two sentences, for those who do not see it.

    Parameters
    ----------
    ids
        Of what is drawn, from the ground up; what is no layer of the catalogue has no name of its own.
    told
        What can be read from it, one sentence.
    """
    names = dict.fromkeys(words(LAYERS[name].title) for name in ids if name in LAYERS)
    if any(name.endswith("_heat") for name in ids):
        names[words(N_("Violation heat map"))] = None
    shown = words(N_("Map of: {layers}."), layers=listed(names)) if names else words(N_("Map."))
    return f"{shown} {told}".strip()


def peek(key: str) -> Click | None:
    """What is selected on the map called `key`, before it is drawn in this run."""
    return _first((widget(key) or {}).get("selection"))


def _first(selection: Any) -> Click | None:
    for layer, found in (selection or {}).get("objects", {}).items():
        for each in found:
            return Click(layer, dict(each.get("properties", each)))
    return None
