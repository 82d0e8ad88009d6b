"""Health: which streams give pictures, which do not, since when and why."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import streamlit as st

from geodata.queries.watching import HealthPage
from geodata.towns.town import Town
from geodata.video.addresses import shown_address
from layers.catalogue import LAYERS
from layers.deck import tile_layer, view_state
from layers.i18n import N_
from layers.layer import Form
from layers.watching import STREAM_STATES
from pages import cached
from pages.session import explained, literal, words
from pages.watching.paging import page_of
from pages.watching.telling import age, moment, since
from pages.widgets.legend import legend, shown_sources, source_line
from pages.widgets.map import show_map
from pages.widgets.screen import simulated_mark, told
from pages.widgets.taking import data_table, take_layers

__all__ = ["health_tab"]

PER_PAGE = 50
REFRESH_S = 10.0
FLAT = Form(fill=(222, 226, 223, 255), line=(205, 210, 206, 255))
SHOWN = ("streets", "camera_health")


def health_tab(revision: int, town: Town) -> None:
    """The tab."""
    names = {state: words(name) for state, (_, name) in STREAM_STATES.items()}
    chosen = st.segmented_control(
        words(N_("State")),
        list(STREAM_STATES),
        format_func=names.__getitem__,
        selection_mode="multi",
        key="health_states",
    )
    states = tuple(chosen or ())
    page = page_of("health", cached.health(states, 0, 1).watched, PER_PAGE)
    _live(states, page, town)
    _map(revision, town)


@st.fragment(run_every=REFRESH_S)
def _live(states: tuple[str, ...], page: int, town: Town) -> None:
    with told():
        _shown(cached.health(states, page, PER_PAGE), town)


def _shown(shown: HealthPage, town: Town) -> None:
    if shown.cameras.empty:
        st.info(words(N_("No camera is in this state.")), icon=":material/check_circle:")
        return
    _table(shown, town)
    for row in shown.cameras.to_dict(orient="records"):
        if row["error"] is not None:
            name = words(row["name"])
            st.markdown(f"**{literal(name)}** · {row['code']}")
            st.warning(explained(row["error"]), icon=":material/videocam_off:")
            if detail := row["error"].facts.get("detail"):
                st.caption(words(N_("In the system's own words: {detail}"), detail=detail))
    if shown.cameras["demonstration"].any():
        st.html(f"{simulated_mark()} {words(N_('The demonstration camera plays recorded footage.'))}")


def _table(shown: HealthPage, town: Town) -> None:
    rows = pd.DataFrame([_row(each, town) for each in shown.cameras.to_dict(orient="records")])
    texts = st.column_config.TextColumn
    data_table(
        "camera-health",
        rows,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(rows), 640),
        key="health_table",
        column_config={
            "state": texts(words(N_("State"))),
            "camera": texts(words(N_("Camera"))),
            "code": texts(words(N_("Code"))),
            "since": texts(words(N_("For"))),
            "failures": st.column_config.NumberColumn(words(N_("Failures in a row")), format="%d"),
            "next": texts(words(N_("Next try"))),
            "last": texts(words(N_("Last picture"))),
            "silence": texts(
                words(N_("Longest silence, 24 h")),
                help=words(N_("Longest time between two pictures that the schedule wanted, up to now.")),
            ),
            "resized": texts(words(N_("Other picture size since"))),
            "address": texts(words(N_("Address, without secrets"))),
        },
    )


def _row(row: dict[Any, Any], town: Town) -> dict[str, Any]:
    return {
        "state": words(STREAM_STATES[row["state"]][1]),
        "since": since(row["since"]),
        "camera": words(row["name"]),
        "failures": row["failures"],
        "silence": age(row["silence_s"]),
        "last": moment(row["last_sampled_at"], town),
        "next": moment(row["next_try_at"], town),
        "resized": moment(row["resized_at"], town),
        "code": row["code"],
        "address": shown_address(row["address"] or "–"),
    }


def _map(revision: int, town: Town) -> None:
    layers = [LAYERS[name] for name in SHOWN]
    register = cached.register(revision)
    sources, simulated = shown_sources(register, layers)
    drawn = [
        tile_layer(LAYERS["buildings"], revision=revision, form=FLAT, pickable=False),
        tile_layer(LAYERS["streets"], revision=revision, pickable=False),
        tile_layer(
            LAYERS["camera_health"],
            revision=revision,
            filters={"moment": f"{time.time():.0f}"},
            pickable=False,
        ),
    ]
    view = view_state(town.centre, town.zoom - 0.6)
    show_map("health_map", drawn, view, sources, simulated=simulated, height_px=460, selectable=False)
    legend([LAYERS["camera_health"]])
    st.button(words(N_("Draw the map anew")), icon=":material/refresh:", key="health_map_anew")
    source_line(register, layers)
    take_layers(layers)
