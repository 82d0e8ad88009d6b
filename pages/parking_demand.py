"""Parking: captures, exposure and exposure-corrected demand side by side."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from geodata.towns.town import Town
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import tile_layer, view_state
from layers.i18n import N_
from layers.layer import Form, Measure
from layers.measures import MEASURES
from pages import cached
from pages.session import language, words
from pages.widgets.facts import cell_panel
from pages.widgets.figures import figures
from pages.widgets.legend import choropleth_legend, shown_sources, source_line
from pages.widgets.map import Click, show_map
from pages.widgets.screen import screen

BY_ID = {measure.id: measure for measure in MEASURES}
SIDE_BY_SIDE = ("captures", "exposure_h", "rate")
SHOWN_RANKS = 15


def main() -> None:
    with screen(
        N_("Parking"),
        N_(
            "A map of captures is a map of cameras. Divided by exposure it becomes a map of demand; "
            "where nobody looked it says so."
        ),
    ) as revision:
        if revision is None:
            return
        town = cached.town(revision)
        cells = cached.cell_table(revision)
        _figures(cells)
        click = None
        for column, name in zip(st.columns(3, gap="small"), SIDE_BY_SIDE, strict=True):
            with column:
                click = _one_map(revision, town, BY_ID[name]) or click
        source_line(cached.register(revision), [LAYERS["unit_cells"], LAYERS["violations"]])
        facts, ranks = st.columns([1, 2.1], gap="medium")
        with facts:
            st.subheader(words(N_("One cell")), anchor=False)
            if click is None or click.id is None:
                st.caption(words(N_("Click a cell on any of the maps.")))
            else:
                cell_panel(cached.cell(revision, click.id), language())
        with ranks:
            _ranking(cells)


def _figures(cells: pd.DataFrame) -> None:
    seen = cells[cells["rate"].notna()]
    figures(
        [
            (N_("Captures"), f"{int(cells['captures'].sum()):,}"),
            (N_("Hours of full view"), f"{seen['exposure_h'].sum():,.0f}"),
            (N_("Cells with evidence"), f"{len(seen):,} / {len(cells):,}"),
            (
                N_("Reports where nobody looked"),
                f"{int(cells.loc[cells['rate'].isna(), 'reports'].sum()):,}",
                N_(
                    "People report problems in cells that cameras never saw: a raw capture map shows none there."
                ),
            ),
        ]
    )


def _one_map(revision: int, town: Town, measure: Measure) -> Click | None:
    limits = list(measure.breaks or cached.breaks(revision, measure.id, len(measure.ramp)))
    st.markdown(f"**{words(measure.title)}**")
    drawn = [
        tile_layer(
            LAYERS["buildings"],
            revision=revision,
            form=Form(fill=(222, 226, 223, 255), line=(205, 210, 206, 255)),
        ),
        tile_layer(LAYERS["unit_cells"], measure=measure, breaks=limits, revision=revision),
    ]
    sources, simulated = shown_sources(cached.register(revision), [LAYERS["unit_cells"], LAYERS["buildings"]])
    view = view_state(town.centre, town.zoom - 1.15)
    click = show_map(f"parking_{measure.id}", drawn, view, sources, simulated=simulated, height_px=430)
    choropleth_legend(measure, limits)
    st.caption(words(measure.meaning))
    return click


def _ranking(cells: pd.DataFrame) -> None:
    """The cells with the highest rate, each with its interval: where intervals overlap, ranks mean little."""
    st.subheader(words(N_("Highest rates, with their 95 % intervals")), anchor=False)
    top = cells.dropna(subset=["rate"]).nlargest(SHOWN_RANKS, "rate")
    if top.empty:
        st.caption(words(N_("No cell has evidence yet.")))
        return
    title = words(BY_ID["rate"].unit)
    order = top["code"].tolist()
    colour = ramps.css((*ramps.ORANGES[3][:3], 255))
    base = alt.Chart(top).encode(y=alt.Y("code:N", sort=order, title=words(N_("Unit cell"))))
    bars = base.mark_rule(strokeWidth=2, color=colour).encode(
        x=alt.X("rate_lower:Q", title=title), x2="rate_upper:Q"
    )
    tips = [
        alt.Tooltip("code:N", title=words(N_("Unit cell"))),
        alt.Tooltip("rate:Q", format=".3f", title=title),
        alt.Tooltip("rate_lower:Q", format=".3f", title="2.5 %"),
        alt.Tooltip("rate_upper:Q", format=".3f", title="97.5 %"),
        alt.Tooltip("captures:Q", title=words(N_("Captures"))),
        alt.Tooltip("exposure_h:Q", format=",.0f", title=words(N_("Hours of full view"))),
    ]
    dots = base.mark_circle(size=70, color=colour, opacity=1).encode(x="rate:Q", tooltip=tips)
    st.altair_chart((bars + dots).properties(height=380), width="stretch")
    st.caption(words(N_("Where intervals overlap, the order of two cells means little.")))


main()
