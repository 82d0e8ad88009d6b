"""Cameras: what of each cell they see, which cells are blind, and where the next ones go."""

from __future__ import annotations

import html

import pandas as pd
import pydeck as pdk
import streamlit as st

from analysis.coverage import blind_cells
from geodata.queries.planning import METHOD, MOST, Plan
from geodata.towns.town import Town
from layers import ramps
from layers.catalogue import LAYERS, MEASURES
from layers.deck import shape_layer, tile_layer, view_state
from layers.i18n import N_
from layers.layer import Form
from pages import cached
from pages.session import language, recall, remember, words
from pages.widgets.columns import side_and_field
from pages.widgets.facts import camera_panel, cell_panel
from pages.widgets.figures import figures
from pages.widgets.legend import choropleth_legend, keys, legend, shown_sources, source_line
from pages.widgets.map import Click, show_map
from pages.widgets.screen import screen, simulated_mark

COVERAGE = MEASURES[0]
LAYER_IDS = ("unit_cells", "streets", "camera_views", "cameras")
PROPOSED = Form(fill=ramps.PROPOSED, line=(255, 255, 255, 255), radius_px=8)
PROPOSED_VIEW = Form(fill=(*ramps.PROPOSED[:3], 70), line=(*ramps.PROPOSED[:3], 220))


def main() -> None:
    with screen(
        N_("Cameras"),
        N_(
            "What the cameras see behind the buildings, which cells stay blind, and where more cameras would help most."
        ),
    ) as revision:
        if revision is None:
            return
        town = cached.town(revision)
        cells = cached.cell_table(revision)
        side, field = side_and_field(3.1)
        with side:
            plan = _ask_plan(revision)
        with field:
            _figures(cells)
            click = _map(revision, town, plan)
        with side:
            _facts(revision, click)
        with field:
            proposal, blind = st.columns(2, gap="medium")
            with proposal:
                _proposal(plan)
            with blind:
                _blind(cells)


def _ask_plan(revision: int) -> Plan | None:
    """The proposal that was asked for in this visit, on the present data."""
    with st.form("place", border=True):
        st.markdown(f"**{words(N_('Place more cameras'))}**")
        count = st.number_input(words(N_("How many")), 1, MOST, 10, key="place_count")
        st.caption(
            words(
                N_(
                    "Lamp posts × 8 headings with real sight lines; weighted by violations per exposure, "
                    "by the town's mean where nobody looked."
                )
            )
        )
        if st.form_submit_button(
            words(N_("Place cameras")), type="primary", icon=":material/add_location_alt:"
        ):
            remember("place_count", int(count))
    wanted = recall("place_count")
    if wanted is None:
        return None
    with st.spinner(words(N_("Weighing every lamp post and heading …"))):
        return cached.plan(revision, wanted)


def _figures(cells: pd.DataFrame) -> None:
    known = cells["coverage_ratio"].dropna()
    seen_m2 = (cells["coverage_ratio"] * cells["area_m2"]).sum()
    figures(
        [
            (N_("Ground seen"), "–" if known.empty else f"{seen_m2 / cells['area_m2'].sum():.1%}"),
            (N_("Blind cells (under 5 % seen)"), f"{int(blind_cells(known).sum()):,} / {len(cells):,}"),
            (N_("Cells that no camera sees"), f"{int((known <= 0).sum()):,}"),
            (N_("Most cameras on one cell"), f"{int(cells['cameras'].fillna(0).max()):,}"),
        ]
    )


def _map(revision: int, town: Town, plan: Plan | None) -> Click | None:
    drawn: list[pdk.Layer] = [
        tile_layer(LAYERS["unit_cells"], measure=COVERAGE, breaks=COVERAGE.breaks or (), revision=revision),
        tile_layer(LAYERS["streets"], revision=revision),
        tile_layer(
            LAYERS["buildings"], revision=revision, form=Form(fill=ramps.BUILDING, line=(170, 176, 172, 255))
        ),
        tile_layer(LAYERS["camera_views"], revision=revision),
        tile_layer(LAYERS["cameras"], revision=revision),
    ]
    if plan is not None:
        drawn += [
            shape_layer("proposed_views", plan.views, PROPOSED_VIEW, pickable=False),
            shape_layer("proposed", plan.cameras, PROPOSED),
        ]
    layers = [LAYERS[name] for name in LAYER_IDS]
    register = cached.register(revision)
    sources, simulated = shown_sources(register, layers)
    view = view_state(town.centre, town.zoom - 0.35)
    click = show_map("cameras_map", drawn, view, sources, simulated=simulated, height_px=560)
    choropleth_legend(COVERAGE, COVERAGE.breaks or ())
    legend([LAYERS["camera_views"], LAYERS["cameras"]])
    if plan is not None:
        keys(N_("Proposal"), [(ramps.PROPOSED, N_("proposed camera and what it would see"), "dot")])
    source_line(register, layers)
    return click


def _facts(revision: int, click: Click | None) -> None:
    if click is not None and click.layer == "proposed":
        st.markdown(f"**{words(N_('Proposed camera'))} {click.properties.get('order')}**")
        st.caption(f"{click.properties.get('lamp')} · {click.properties.get('heading_deg')}°")
    elif click is None or click.id is None:
        st.caption(words(N_("Click a cell or a camera for its facts.")))
    elif click.layer == "unit_cells":
        cell_panel(cached.cell(revision, click.id), language())
    else:
        camera_panel(cached.camera(revision, click.id), language())


def _proposal(plan: Plan | None) -> None:
    st.subheader(words(N_("Proposal")), anchor=False)
    if plan is None:
        st.caption(words(N_("Choose a number and press Place cameras.")))
        return
    figures(
        [
            (
                N_("Unseen demand covered"),
                f"{plan.covered_ratio:.1%}",
                N_("Share of the expected violations that no camera sees now."),
            ),
            (N_("No choice covers more than"), f"{plan.bound_ratio:.1%}"),
            (N_("Gap"), f"{plan.gap_ratio:.2%}", N_("0 % is proven to be the best choice.")),
        ]
    )
    table = plan.cameras[["order", "lamp", "heading_deg", "gain_ratio", "lon_deg", "lat_deg"]]
    st.dataframe(
        table,
        hide_index=True,
        height=280,
        column_config={
            "order": st.column_config.NumberColumn("#", width="small"),
            "lamp": st.column_config.TextColumn(words(N_("Lamp post"))),
            "heading_deg": st.column_config.NumberColumn(words(N_("Heading")), format="%.0f°"),
            "gain_ratio": st.column_config.NumberColumn(words(N_("Adds")), format="percent"),
            "lon_deg": st.column_config.NumberColumn(words(N_("Longitude, °")), format="%.6f"),
            "lat_deg": st.column_config.NumberColumn(words(N_("Latitude, °")), format="%.6f"),
        },
    )
    st.download_button(
        words(N_("Download as GeoJSON")),
        plan.geojson(),
        "more-cameras.geojson",
        "application/geo+json",
        icon=":material/download:",
    )
    st.html(f"{simulated_mark()} <span class='hy-source'>{html.escape(words(METHOD))}</span>")


def _blind(cells: pd.DataFrame) -> None:
    st.subheader(words(N_("Blind cells")), anchor=False)
    known = cells.dropna(subset=["coverage_ratio"])
    blind = known[blind_cells(known.set_index("id")["coverage_ratio"]).to_numpy()]
    name = "name_zh" if language() == "zh-CN" else "name_en"
    st.dataframe(
        blind[["code", name, "coverage_ratio", "reports"]].sort_values("reports", ascending=False),
        hide_index=True,
        height=390,
        column_config={
            "code": st.column_config.TextColumn(words(N_("Unit cell"))),
            name: st.column_config.TextColumn(words(N_("Community"))),
            "coverage_ratio": st.column_config.NumberColumn(words(N_("Ground seen")), format="percent"),
            "reports": st.column_config.NumberColumn(words(N_("Reports by people")), format="%d"),
        },
    )
    st.caption(
        words(N_("Under 5 % of the ground is seen: silence there means nothing. Most reported first."))
    )


main()
