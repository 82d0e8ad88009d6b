"""Caches of the desk's longer questions: who finds what, where cameras are silent; keyed as in `pages.cached`."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import streamlit as st

from geodata import database
from geodata.queries import evidence, shares
from geodata.queries.datasets import loaded_town

__all__ = ["month_shares", "packages_taken", "silent_cells", "spared_rounds"]


def packages_taken(lead: int) -> pd.DataFrame:
    """Packages of evidence that were taken of a lead; never cached."""
    with database.connection() as conn:
        return evidence.packages_taken(conn, lead)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251 - the door for these
def month_shares(revision: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What cameras and people found by district and month, and by district."""
    with database.connection() as conn:
        months = shares.month_shares(conn, loaded_town(conn))
    return months, shares.district_shares(months)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def silent_cells(revision: int) -> gpd.GeoDataFrame:
    """Cells where people found something and cameras nothing."""
    with database.connection() as conn:
        return shares.silent_cells(conn)


def spared_rounds(days: int) -> pd.DataFrame:
    """Rounds that looking spared until now; never cached."""
    with database.connection() as conn:
        return shares.spared_rounds(conn, days)
