"""Data: what is loaded, where it came from, and each layer to take home."""

from __future__ import annotations

import html

import pandas as pd
import streamlit as st

from layers.catalogue import LAYERS
from layers.i18n import N_
from pages import cached
from pages.session import words
from pages.widgets.screen import screen, simulated_mark


def main() -> None:
    with screen(
        N_("Data"), N_("What is loaded, where it came from, under which licence, and each layer as GeoJSON.")
    ) as revision:
        if revision is None:
            return
        register = cached.register(revision)
        _downloads(register, cached.layer_rows(revision))
        _register(register)


def _downloads(register: pd.DataFrame, counts: dict[str, int]) -> None:
    st.subheader(words(N_("Layers to download")), anchor=False)
    st.caption(words(N_("RFC 7946 GeoJSON, EPSG:4326, with revision, method, source and licence inside.")))
    rows = []
    for layer in LAYERS.values():
        mine = register[register["name"].isin(layer.datasets)]
        if mine.empty:
            continue
        mark = simulated_mark() if mine["simulated"].any() else ""
        rows.append(
            f"<tr><td><b>{html.escape(words(layer.title))}</b> {mark}<br>"
            f'<span class="hy-source">{html.escape(words(layer.method))}</span></td>'
            f'<td class="n">{counts[layer.export.table]:,}</td>'
            f'<td><a class="hy-get" href="/api/export/{layer.id}.geojson" download>{layer.id}.geojson</a></td></tr>'
        )
    head = "".join(f"<th>{html.escape(words(title))}</th>" for title in (N_("Layer"), N_("Rows"), N_("File")))
    st.html(f'<table class="hy-table"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>')


def _register(register: pd.DataFrame) -> None:
    st.subheader(words(N_("What is loaded")), anchor=False)
    shown = register.assign(**{name: register[name].map(words) for name in ("source", "licence", "method")})
    st.dataframe(
        shown[["name", "rows", "revision", "simulated", "source", "licence", "method", "loaded_at"]],
        hide_index=True,
        height=36 * (len(register) + 1) + 3,
        column_config={
            "name": st.column_config.TextColumn(words(N_("Dataset"))),
            "rows": st.column_config.NumberColumn(words(N_("Rows")), format="localized"),
            "revision": st.column_config.NumberColumn(words(N_("Revision")), format="%d"),
            "simulated": st.column_config.CheckboxColumn(words(N_("simulated"))),
            "source": st.column_config.TextColumn(words(N_("Source"))),
            "licence": st.column_config.TextColumn(words(N_("Licence"))),
            "method": st.column_config.TextColumn(words(N_("Method")), width="large"),
            "loaded_at": st.column_config.DatetimeColumn(
                words(N_("Loaded (UTC)")), format="YYYY-MM-DD HH:mm"
            ),
        },
    )


main()
