"""The one door to Streamlit's caches: every entry is keyed by the data's revision, which is asked anew in every run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st
from sqlalchemy import Row

from geodata import database
from geodata.queries import cells as cell_queries
from geodata.queries import datasets, figures, planning, watching
from geodata.towns.town import Town, find_town
from layers.catalogue import LAYERS

__all__ = [
    "breaks",
    "camera",
    "cameras_with_footage",
    "cell",
    "cell_table",
    "key_figures",
    "layer_rows",
    "patrol",
    "plan",
    "register",
    "revision",
    "town",
    "violation_span",
]


def revision() -> int:
    """The newest revision; one short query a run, never cached."""
    with database.connection() as conn:
        return datasets.revision(conn)


def town(revision: int) -> Town:
    """The town that is loaded; NotFound where the database is empty."""
    return find_town(_town_name(revision))


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251 - this is the door
def _town_name(revision: int) -> str:
    with database.connection() as conn:
        return datasets.loaded_town(conn).name


@st.cache_data(max_entries=64, show_spinner=False)  # noqa: TID251
def key_figures(revision: int, since: dt.datetime | None, until: dt.datetime | None) -> figures.KeyFigures:
    """Numbers at the head of the overview."""
    with database.connection() as conn:
        return figures.key_figures(conn, {"since": since, "until": until})


@st.cache_data(max_entries=64, show_spinner=False)  # noqa: TID251
def breaks(revision: int, measure: str, classes: int) -> list[float]:
    """Limits of a choropleth's classes."""
    with database.connection() as conn:
        return figures.measure_breaks(conn, measure, classes)


@st.cache_data(max_entries=512, show_spinner=False)  # noqa: TID251
def cell(revision: int, cell_id: int) -> dict[str, Any] | None:
    """Facts of a cell."""
    with database.connection() as conn:
        return figures.cell_facts(conn, cell_id)


@st.cache_data(max_entries=512, show_spinner=False)  # noqa: TID251
def camera(revision: int, camera_id: int) -> dict[str, Any] | None:
    """Facts of a camera."""
    with database.connection() as conn:
        return figures.camera_facts(conn, camera_id)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def violation_span(revision: int) -> tuple[dt.datetime, dt.datetime] | None:
    """First and last violation."""
    with database.connection() as conn:
        return figures.violation_span(conn)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def cell_table(revision: int) -> pd.DataFrame:
    """Cells with their measures, without geometry."""
    with database.connection() as conn:
        return cell_queries.cell_table(conn)


@st.cache_data(max_entries=16, show_spinner=False)  # noqa: TID251
def plan(revision: int, count: int) -> planning.Plan:
    """Where `count` more cameras go."""
    with database.connection() as conn:
        return planning.place_more(conn, datasets.loaded_town(conn), count)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def register(revision: int) -> pd.DataFrame:
    """What is loaded."""
    with database.connection() as conn:
        rows: Sequence[Row[Any]] = datasets.dataset_rows(conn)
    columns = ["name", "town", "source", "licence", "method", "rows", "revision", "loaded_at", "simulated"]
    return pd.DataFrame([tuple(row) for row in rows], columns=columns)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def layer_rows(revision: int) -> dict[str, int]:
    """Rows of every table or view that a layer exports."""
    with database.connection() as conn:
        return datasets.count_rows(conn, sorted({each.export.table for each in LAYERS.values()}))


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def cameras_with_footage(revision: int) -> pd.DataFrame:
    """Cameras that have footage."""
    with database.connection() as conn:
        return watching.cameras_with_footage(conn)


@st.cache_data(max_entries=16, show_spinner=False)  # noqa: TID251
def patrol(revision: int, camera_id: int) -> watching.Patrol:
    """The newest patrol of a camera."""
    with database.connection() as conn:
        return watching.newest_patrol(conn, camera_id)
