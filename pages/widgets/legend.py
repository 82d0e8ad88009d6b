"""Legends with units, and the line that says where data come from."""

from __future__ import annotations

import html
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from layers.i18n import N_
from layers.layer import Colour, Layer, Measure
from layers.ramps import HEAT, NO_EVIDENCE, at_night, css, ink_on
from pages.session import dark, language, listed, words
from pages.widgets.screen import simulated_mark

__all__ = [
    "attribution",
    "choropleth_legend",
    "heat_legend",
    "keys",
    "legend",
    "number",
    "shown_sources",
    "source_line",
]

OWN = "Huiyan"
"""Source of what this twin computed or simulated."""


def number(value: float | None, measure: Measure) -> str:
    """A value of a measure as people read it."""
    if value is None or pd.isna(value):
        return words(measure.empty)
    return f"{value:.{measure.digits}%}" if measure.percent else f"{value:,.{measure.digits}f}"


def choropleth_legend(measure: Measure, breaks: Sequence[float]) -> None:
    """Classes of a choropleth with their limits, unit, and the colour of no evidence."""
    lowest = words(N_("up to"))
    limits = [number(limit, measure) for limit in breaks]
    labels = [f"{lowest} {limits[0]}"] if limits else [words(N_("all"))]
    labels += [f"– {limit}" for limit in limits[1:]]
    if limits:
        labels.append(f"> {limits[-1]}")
    ramp = [at_night((*colour[:3], 255), dark()) for colour in measure.ramp]
    steps = "".join(
        f'<span style="background:{css(colour)};color:{css(ink_on(colour))}">{html.escape(label)}</span>'
        for label, colour in zip(labels, ramp, strict=False)
    )
    none = _key(NO_EVIDENCE, words(measure.empty), "fill")
    st.html(
        f'<div class="hy-legend"><b>{html.escape(words(measure.title))}</b> ({html.escape(words(measure.unit))})'
        f'<span class="hy-ramp">{steps}</span>{none}</div>'
    )


def heat_legend() -> None:
    """From few to many."""
    steps = "".join(
        f'<span style="background:{css(at_night(colour, dark()))};width:2rem">&nbsp;</span>'
        for colour in HEAT
    )
    title, unit = words(N_("Violation heat map")), words(N_("violations nearby, relative"))
    few, many = words(N_("few")), words(N_("many"))
    st.html(
        f'<div class="hy-legend"><b>{html.escape(title)}</b> ({html.escape(unit)})'
        f'<span class="hy-key">{html.escape(few)} <span class="hy-ramp">{steps}</span> {html.escape(many)}</span></div>'
    )


def legend(layers: Sequence[Layer]) -> None:
    """Colours of the layers that are shown."""
    parts = []
    for layer in layers:
        keys = "".join(_key(entry.colour, words(entry.label), entry.mark) for entry in layer.legend)
        if keys:
            parts.append(f'<div class="hy-legend"><b>{html.escape(words(layer.title))}</b>{keys}</div>')
    if parts:
        st.html("".join(parts))


def keys(title: str, entries: Sequence[tuple[Colour, str, str]]) -> None:
    """Colours of something that is no layer: (colour, words, fill | line | dot)."""
    marks = "".join(_key(colour, words(label), mark) for colour, label, mark in entries)
    st.html(f'<div class="hy-legend"><b>{html.escape(words(title))}</b>{marks}</div>')


def attribution(sources: Sequence[str], *, simulated: bool = False) -> None:
    """The sources, and the mark of simulated data, on the map's lower edge."""
    text = " · ".join(html.escape(source) for source in sources)  # a licence asks for its own words
    mark = f"{simulated_mark()} " if simulated else ""
    st.html(f'<div class="hy-onmap"><div>{mark}<span>{text}</span></div></div>')


def shown_sources(register: pd.DataFrame, layers: Sequence[Layer]) -> tuple[list[str], bool]:
    """Sources other than this twin of the layers' datasets, and whether any is simulated: what a map bears."""
    rows = register[register["name"].isin({name for layer in layers for name in layer.datasets})]
    return sorted(set(rows["source"]) - {OWN}), bool(rows["simulated"].any())


def source_line(register: pd.DataFrame, layers: Sequence[Layer]) -> None:
    """Source, licence and revision of what is shown, and which of it is simulated."""
    names = {name for layer in layers for name in layer.datasets}
    rows = register[register["name"].isin(names)]
    if rows.empty:
        return
    titles = [
        words(layer.title)
        for layer in layers
        if register.loc[register["name"].isin(layer.datasets), "simulated"].any()
    ]
    facts = words(
        N_("Source: {sources} · Licence: {licences} · Revision {revision}"),
        sources=_several(rows["source"]),
        licences=_several(rows["licence"]),
        revision=int(rows["revision"].max()),
    )
    mark = f" {simulated_mark()} {html.escape(listed(titles))}" if titles else ""
    st.html(f'<div class="hy-source">{html.escape(facts)}{mark}</div>')


def _key(colour: Colour, label: str, mark: str) -> str:
    kind = "" if mark == "fill" else f" {mark}"
    return (
        f'<span class="hy-key"><span class="hy-swatch{kind}" style="background:{css(at_night(colour, dark()))}"></span>'
        f"{html.escape(label)}</span>"
    )


def _several(values: pd.Series[str]) -> str:
    """Each value once, in the visitor's language."""
    between = "；" if language() == "zh-CN" else "; "
    return between.join(words(value) for value in sorted(set(values)))
