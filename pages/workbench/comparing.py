"""Two scenarios side by side: their maps, their figures, and the difference."""

from __future__ import annotations

import html
import math

import streamlit as st

from geodata.queries.outlook import Figures
from geodata.queries.scenarios import Scenario
from geodata.towns.town import Town
from layers.catalogue import LAYERS
from layers.deck import view_state
from layers.i18n import N_
from pages import cached
from pages.session import literal, scenario_token, set_scenario, words
from pages.widgets.legend import shown_sources
from pages.widgets.map import show_map
from pages.workbench.bar import titles
from pages.workbench.drawing import SHOWN, ground_layers, scenario_layers

__all__ = ["FIGURES", "compare", "difference", "value"]

FIGURES = (
    ("seen_ratio", N_("Ground seen (share)"), "share", 1),
    ("seen_m2", N_("Ground seen, m²"), "count", 1),
    ("twice_ratio", N_("Seen by two or more (share)"), "share", 1),
    ("blind_cells", N_("Blind cells (under 5 % seen)"), "count", -1),
    ("unseen_ratio", N_("Violations unseen"), "share", -1),
    ("cameras", N_("Cameras that look"), "count", 0),
    ("cost", N_("New cameras, yuan"), "count", 0),
)
"""Name, words, how it is written, and whether more is better (1), worse (-1) or neither (0)."""


def value(figures: Figures, name: str, kind: str) -> str:
    """A figure as people read it."""
    number = getattr(figures, name)
    if math.isnan(number):
        return words(N_("no evidence"))
    if name == "cost" and not number:
        return "–"  # nobody has said what they cost
    return f"{number:.1%}" if kind == "share" else f"{number:,.0f}"


def difference(after: Figures, before: Figures, name: str, kind: str) -> str | None:
    """What changed, with its sign; None where nothing did."""
    change = getattr(after, name) - getattr(before, name)
    if math.isnan(change) or abs(change) < 5e-6:
        return None
    return f"{change * 100:+.2f} {words(N_('points'))}" if kind == "share" else f"{change:+,.0f}"


def compare(revision: int, town: Town, scenario: Scenario | None, *, tall: bool) -> None:
    """The open scenario on the left, another on the right, their figures below."""
    names = cached.scenarios()
    shown = titles(names)
    choices: list[str | None] = [
        None,
        *[token for token in names if scenario is None or token != scenario.token],
    ]
    asked = scenario_token("against")
    chosen = st.selectbox(
        words(N_("Compare with")),
        choices,
        index=choices.index(asked) if asked in choices else 0,
        format_func=lambda each: shown[each] if each else words(N_("Cameras as they stand")),
        key="compare_with",
        width=330,
    )
    if chosen != asked:
        set_scenario(chosen, "against")
    other = cached.scenario(chosen) if chosen else None
    sides = [(scenario, "left"), (other, "right")]
    register = cached.register(revision)
    sources, simulated = shown_sources(register, [LAYERS[name] for name in SHOWN])
    view = view_state(town.centre, town.zoom - 0.8, pitch_deg=50 if tall else 0)
    figures = []
    for column, (each, side) in zip(st.columns(2, gap="small"), sides, strict=True):
        found = cached.outlook(revision, each)
        figures.append(found.figures)
        with column:
            title = each.name if each else words(N_("Cameras as they stand"))
            st.markdown(f"**{title}**" if each is None else f"**:violet[{literal(title)}]**")
            layers = [
                *ground_layers(revision, each, found, lamps=False, tall=tall),
                *scenario_layers(each, found, tall=tall),
            ]
            show_map(
                f"compare_{side}_{tall}",
                layers,
                view,
                sources,
                simulated=simulated,
                height_px=430,
                selectable=False,
            )
    _table(figures[0], figures[1])


def _table(left: Figures, right: Figures) -> None:
    rows = "".join(
        f"<tr><td>{html.escape(words(title))}</td><td class='n'>{value(left, name, kind)}</td>"
        f"<td class='n'>{value(right, name, kind)}</td>"
        f"<td class='n'>{difference(right, left, name, kind) or '–'}</td></tr>"
        for name, title, kind, _ in FIGURES
    )
    heads = (N_("Figure"), N_("Left"), N_("Right"), N_("Right − left"))
    head = "".join(
        f"<th{' class=n' if number else ''}>{html.escape(words(each))}</th>"
        for number, each in enumerate(heads)
    )
    st.html(f'<table class="hy-table"><tr>{head}</tr>{rows}</table>')
