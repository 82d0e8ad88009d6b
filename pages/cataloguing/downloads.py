"""What can be taken home, layer by layer."""

from __future__ import annotations

import html

import pandas as pd
import streamlit as st

from layers.catalogue import LAYERS
from layers.i18n import N_
from pages.session import words
from pages.widgets.screen import simulated_mark

__all__ = ["downloads"]

OTHERS = ("gpkg", "fgb", "parquet", "csv")


def downloads(register: pd.DataFrame, counts: dict[str, int]) -> None:
    """One file for each layer."""
    st.header(words(N_("Layers to download")), anchor=False)
    st.caption(
        words(
            N_(
                "GeoJSON (RFC 7946), GeoPackage, FlatGeobuf, GeoParquet or CSV; EPSG:4326, with revision, method,"
                " source and licence."
            )
        )
    )
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
            f'<td><a class="hy-get" href="/api/export/{layer.id}.geojson" download>{layer.id}.geojson</a>'
            f"{_others(layer.id)}</td></tr>"
        )
    head = "".join(f"<th>{html.escape(words(title))}</th>" for title in (N_("Layer"), N_("Rows"), N_("File")))
    st.html(f'<table class="hy-table"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>')


def _others(layer: str) -> str:
    """Links to the other formats."""
    links = "".join(
        f' <a class="hy-get" href="/api/export/{layer}.{suffix}" aria-label="{layer}.{suffix}" download>'
        f".{suffix}</a>"
        for suffix in OTHERS
    )
    return f"<br>{links}"
