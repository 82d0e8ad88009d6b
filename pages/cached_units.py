"""The door to Streamlit's caches, for units of the city: keyed by the data's revision and by what the desk did."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd
import streamlit as st

from geodata import database
from geodata.queries import units as unit_queries
from pages import cached

__all__ = ["cell_streets", "unit_outlines", "unit_table"]

Chosen = tuple[dt.datetime | None, dt.datetime | None, tuple[tuple[str, str], ...]]
"""First moment, last moment, and the filters class and source: what violations and leads are chosen by."""


def unit_table(revision: int, chosen: Chosen) -> pd.DataFrame:
    """Every unit with its figures; read-only, shared by all visits until data or leads change."""
    return _units(revision, _stamp(), chosen)


def _stamp() -> str:
    """One short query a run, never cached."""
    with database.connection() as conn:
        return unit_queries.unit_stamp(conn)


@st.cache_resource(max_entries=2, show_spinner=False)  # noqa: TID251 - this is the door
def _ground(revisions: tuple[int, ...]) -> unit_queries.Ground:
    with database.connection() as conn:
        return unit_queries.ground(conn)


@st.cache_resource(max_entries=16, show_spinner=False)  # noqa: TID251
def _units(revision: int, stamp: str, chosen: Chosen) -> pd.DataFrame:
    register = cached.register(revision).set_index("name")["revision"]
    known = _ground(tuple(int(register.get(name, 0)) for name in unit_queries.GROUND_DATASETS))
    with database.connection() as conn:
        return unit_queries.units(conn, _filters(chosen), known)


def _filters(chosen: Chosen) -> dict[str, object]:
    since, until, words = chosen
    return {"since": since, "until": until, **dict(words)}


@st.cache_data(max_entries=64, show_spinner=False)  # noqa: TID251
def unit_outlines(revision: int, codes: tuple[str, ...], most_px: int | None = None) -> gpd.GeoDataFrame:
    """Outlines of units; None: as stored."""
    with database.connection() as conn:
        return unit_queries.unit_shapes(conn, codes, most_px=most_px)


@st.cache_data(max_entries=256, show_spinner=False)  # noqa: TID251
def cell_streets(revision: int, code: str) -> pd.DataFrame:
    """Streets of a unit cell."""
    with database.connection() as conn:
        return unit_queries.cell_streets(conn, code)
