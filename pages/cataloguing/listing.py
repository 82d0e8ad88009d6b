"""The list of datasets: search, freshness, rows, quality; a row that is chosen opens."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import streamlit as st

from layers.datasets import DATASET_NAMES, FRESHNESS, freshness, matches, searched
from layers.i18n import N_
from pages.session import address, set_address, words
from pages.widgets.figures import figures
from pages.widgets.jobs import job_button
from pages.widgets.taking import MISSING, data_table

__all__ = ["listing"]

SEARCHED = ("source", "licence", "method", "owner", "contact", "note", "columns")


def listing(rows: pd.DataFrame) -> str | None:
    """Shows the datasets and returns the name of the one that is open."""
    now = dt.datetime.now(dt.UTC)
    told = [freshness(row.loaded_at, now, row.renew_days) for row in rows.itertuples()]
    figures(
        [
            (N_("Datasets"), f"{len(rows):,}"),
            (N_("Rows"), f"{int(rows['rows'].sum()):,}"),
            (N_("Without an owner"), f"{int(rows['owner'].isna().sum()):,}"),
            (N_("Overdue"), f"{sum(state == 'overdue' for _, state in told):,}"),
            (
                N_("Checked"),
                f"{int((rows['checked_revision'] == rows['revision']).sum()):,} / {len(rows):,}",
                N_(
                    "Datasets whose present revision was checked; the worker checks what changed every night."
                ),
            ),
        ]
    )
    query = st.text_input(
        words(N_("Search")),
        key="catalogue_search",
        placeholder=words(N_("name, title, source, licence, column …")),
    )
    shown = rows.assign(
        title=[words(DATASET_NAMES.get(name, name)) for name in rows["name"]],
        age_d=[age for age, _ in told],
        fresh=[words(FRESHNESS[state]) for _, state in told],
        owner=rows["owner"].fillna(MISSING),
    )
    texts = [searched(row["name"], [row[name] for name in SEARCHED]) for _, row in rows.iterrows()]
    kept = shown[[matches(text, query or "") for text in texts]].reset_index(drop=True)
    if kept.empty:
        st.caption(words(N_("No dataset has all of these words.")))
        return None
    for column in ("source", "licence"):
        kept[column] = kept[column].map(words)
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    chosen = data_table(
        "datasets",
        kept[
            [
                *("title", "name", "rows", "score", "age_d", "fresh", "owner"),
                *("revision", "simulated", "source", "licence"),
            ]
        ],
        hide_index=True,
        height=36 * (min(len(kept), 14) + 1) + 3,
        key="catalogue_rows",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "title": text(words(N_("Dataset")), width="medium"),
            "name": text(words(N_("Name")), width=150),
            "rows": number(words(N_("Rows")), format="localized"),
            "score": number(
                words(N_("Quality")),
                format="percent",
                help=words(
                    N_(
                        "Product of the shares of rows that pass the checks of codes, geometry, duplicates and times."
                    )
                ),
            ),
            "age_d": number(words(N_("Age, days")), format="%.1f"),
            "fresh": text(words(N_("Freshness"))),
            "owner": text(words(N_("Owner"))),
            "revision": number(words(N_("Revision")), format="%d"),
            "simulated": st.column_config.CheckboxColumn(words(N_("Simulated"))),
            "source": text(words(N_("Source"))),
            "licence": text(words(N_("Licence"))),
        },
    )
    job_button("check", words(N_("Check what changed")))
    picked = chosen.selection.rows  # type: ignore[attr-defined]
    if picked and picked[0] < len(kept):
        set_address(dataset=str(kept["name"].iloc[picked[0]]))
    name = address("dataset")
    return name if name in set(rows["name"]) else None
