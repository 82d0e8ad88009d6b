"""Take home what one sees: layers with the map's filters, results, tables; in every format."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from geodata.export.collections import SUFFIXES, collection_as
from geodata.export.formats import FORMATS
from geodata.export.tables import frame_csv
from geodata.queries.tiles import applied
from layers.i18n import N_
from layers.layer import Layer
from pages.session import words

__all__ = ["data_table", "other_formats", "take_layers", "take_table"]

ICON = ":material/download:"
MISSING = "–"
"""What a table shows where nothing is given."""


def take_layers(layers: Sequence[Layer], filters: Mapping[str, str] | None = None) -> None:
    """
    A menu of the layers on a map in every format: the rows that the map shows.

    Parameters
    ----------
    layers
        What is drawn; each once.
    filters
        Of the tiles: filters, area, time.
    """
    with st.popover(words(N_("Take home what I see")), icon=ICON):
        st.caption(
            words(
                N_(
                    "The rows that this map shows, by the same filters, area and days; EPSG:4326, with their sources."
                )
            )
        )
        rows = "".join(_row(layer, filters or {}) for layer in {each.id: each for each in layers}.values())
        st.html(f'<table class="hy-table">{rows}</table>')


def _row(layer: Layer, filters: Mapping[str, str]) -> str:
    query = urlencode({**applied(layer.tile, filters), "shown": "1"})
    links = " · ".join(
        f'<a class="hy-get" href="/api/export/{layer.id}.{suffix}?{html.escape(query)}" download>'
        f"{html.escape(FORMATS[suffix].title)}</a>"
        for suffix in SUFFIXES
    )
    return f"<tr><td><b>{html.escape(words(layer.title))}</b></td><td>{links}</td></tr>"


def other_formats(
    key: str, name: str, collection: Callable[[], str | bytes], *, disabled: bool = False
) -> None:
    """
    A menu of one result in the formats beside GeoJSON, with the same rows and words about their source.

    Parameters
    ----------
    key
        Tells this menu from others of the screen.
    name
        Of the file, without its suffix.
    collection
        Makes the result as a FeatureCollection of ours; called when somebody takes it.
    disabled
        It cannot be taken now.
    """
    with st.popover(words(N_("Other formats")), icon=ICON, disabled=disabled, key=f"{key}_formats"):
        for suffix in SUFFIXES[1:]:
            st.download_button(
                FORMATS[suffix].title,
                _made(collection, suffix, name),
                f"{name}.{suffix}",
                FORMATS[suffix].media_type,
                on_click="ignore",
                key=f"{key}_{suffix}",
                width="stretch",
            )


def _made(collection: Callable[[], str | bytes], suffix: str, name: str) -> Callable[[], bytes]:
    def make() -> bytes:
        whole = collection()
        return collection_as(whole.decode() if isinstance(whole, bytes) else whole, suffix, name)

    return make


def data_table(name: str, rows: pd.DataFrame, **how: Any) -> Any:
    """
    A table on the screen, with a button below it that takes home the same rows as CSV.

    Parameters
    ----------
    name
        Of the file, without its suffix; one for each table of a screen.
    rows
        What is shown.
    how
        As `streamlit.dataframe` takes it; `column_order` leaves columns out of the file too.

    Returns
    -------
    chosen
        What `streamlit.dataframe` returns: the rows that are selected, where they can be.
    """
    chosen = st.dataframe(rows, placeholder=MISSING, **how)
    if len(rows):
        kept = list(how.get("column_order") or rows.columns)
        take_table(f"table_{name}", name, lambda: rows[kept])
    return chosen


def take_table(key: str, name: str, table: Callable[[], pd.DataFrame]) -> None:
    """
    A button for a table as CSV whose cells no spreadsheet runs.

    Parameters
    ----------
    key
        Tells this button from others of the screen.
    name
        Of the file, without its suffix.
    table
        Makes the table; called when somebody takes it.
    """
    st.download_button(
        words(N_("Table as CSV")),
        lambda: frame_csv(table()),
        f"{name}.csv",
        "text/csv",
        icon=ICON,
        on_click="ignore",
        key=f"{key}_csv",
        type="tertiary",
    )
