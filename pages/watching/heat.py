"""Heat: leads for each hour that a cell was really looked at; elsewhere there is no evidence."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import streamlit as st

from geodata.towns.town import Town
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import tile_layer, view_state
from layers.i18n import N_
from layers.layer import Form
from layers.watching import LEADS_PER_H
from pages import cached
from pages.session import language, words
from pages.widgets.figures import figures
from pages.widgets.legend import choropleth_legend, shown_sources, source_line
from pages.widgets.map import show_map
from pages.widgets.screen import simulated_mark
from pages.widgets.taking import take_layers, take_table

__all__ = ["heat_breaks", "heat_tab"]

NOBODY = Form(fill=ramps.NO_EVIDENCE, line=(255, 255, 255, 130))
MOST_ROWS = 100
SHORT_H = 1.0
"""Cells that were looked at for less say little."""


def heat_tab(revision: int, town: Town) -> None:
    """The tab."""
    cells = cached.cell_leads()
    every = len(cached.cell_table(revision))
    figures(
        [
            (N_("Cells looked at"), f"{len(cells):,} / {every:,}"),
            (N_("Leads"), f"{int(cells['leads'].sum()):,}"),
            (
                N_("Cells with less than an hour"),
                f"{int((cells['hours'] < SHORT_H).sum()):,}",
                N_("Their number says little yet: one lead more or less changes it much."),
            ),
        ]
    )
    breaks = heat_breaks(cells["leads_per_h"])
    layers = [LAYERS[name] for name in ("unit_cells", "cell_leads", "streets", "buildings")]
    register = cached.register(revision)
    sources, simulated = shown_sources(register, layers)
    drawn = [
        tile_layer(LAYERS["unit_cells"], revision=revision, form=NOBODY, pickable=False),
        tile_layer(
            LAYERS["cell_leads"],
            measure=LEADS_PER_H,
            breaks=breaks,
            revision=revision,
            filters={"moment": f"{time.time():.0f}"},
        ),
        tile_layer(LAYERS["streets"], revision=revision, pickable=False),
    ]
    show_map(
        "heat_map",
        drawn,
        view_state(town.centre, town.zoom - 0.35),
        sources,
        simulated=simulated,
        height_px=520,
        selectable=False,
    )
    choropleth_legend(LEADS_PER_H, breaks)
    st.caption(words(LEADS_PER_H.meaning))
    source_line(register, layers)
    if cells.empty:
        st.info(
            words(N_("Nobody has looked anywhere yet: there is no evidence.")),
            icon=":material/visibility_off:",
        )
        return
    _table(cells)
    with st.container(horizontal=True):
        take_layers([LAYERS["cell_leads"]])
        take_table("heat", "leads-per-sampled-hour", lambda: cells.drop(columns="geom", errors="ignore"))


def heat_breaks(values: pd.Series[float]) -> list[float]:
    """
    Upper limits of all classes but the last: 0, where somebody looked and found nothing, then quantiles of the rest.
    """
    above = values[values > 0].to_numpy(dtype=float)
    classes = len(LEADS_PER_H.ramp) - 1
    limits = np.quantile(above, np.arange(1, classes) / classes) if len(above) else np.zeros(0)
    return [0.0, *sorted({float(f"{limit:.3g}") for limit in limits if limit < above.max()})]


def _table(cells: pd.DataFrame) -> None:
    rows = cells.head(MOST_ROWS)
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    st.dataframe(
        pd.DataFrame(
            {
                "code": rows["code"],
                "community": rows["name_zh" if language() == "zh-CN" else "name_en"],
                "leads": rows["leads"],
                "hours": rows["hours"],
                "per_h": rows["leads_per_h"],
            }
        ),
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(rows), 320),
        key="heat_table",
        column_config={
            "code": texts(words(N_("Unit cell"))),
            "community": texts(words(N_("Community"))),
            "leads": number(words(N_("Leads"))),
            "hours": number(words(N_("Hours sampled")), format="%.2f"),
            "per_h": number(words(N_("Leads an hour")), format="%.2f"),
        },
    )
    if len(cells) > MOST_ROWS:
        st.caption(words(N_("The first {count} of {all}."), count=MOST_ROWS, all=len(cells)))
    if rows["simulated"].any():
        st.html(f"{simulated_mark()} {words(N_('The demonstration camera plays recorded footage.'))}")
