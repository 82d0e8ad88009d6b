"""Tables of the plan panel as files: each row with its place, its units and what was asked."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd
import streamlit as st

from geodata.export.parking import parking_geojson
from geodata.export.parking_run import block_shapes
from geodata.queries.parking_access import Rules
from geodata.queries.scenarios import Scenario
from layers.i18n import N_
from pages import cached
from pages.session import words
from pages.widgets.taking import other_formats

__all__ = ["REST_ON", "block_shapes", "file_button", "question_of"]

REST_ON = ("kerb", "car_park", "street_edge", "demand_estimate", "exposure", "case_file", "poi")
"""Datasets that a plan for parking rests on."""


def question_of(rules: Rules, scenario: Scenario | None, **asked: object) -> dict[str, object]:
    """What was asked, with the assumptions and the scenario."""
    return {
        **asked,
        "walking_limit_m": rules.limit_m,
        "stay_min": rules.stay_min,
        "free_ratio": rules.free_ratio,
        "scenario": scenario.token if scenario is not None else None,
        "scenario_version": scenario.version if scenario is not None else None,
    }


def file_button(
    revision: int,
    table: pd.DataFrame,
    shapes: gpd.GeoDataFrame,
    *,
    name: str,
    title: str,
    method: str,
    units: Mapping[str, str],
    question: Mapping[str, object],
) -> None:
    """
    A button for the table as GeoJSON.

    Parameters
    ----------
    revision
        Of the data.
    table
        What is shown, in the order of rank.
    shapes
        Where each row is, row by row.
    name
        Of the file, without its ending.
    title, method
        In the reader's language.
    units
        Column → unit, as messages.
    question
        See `question_of`.
    """
    register = cached.register(revision)
    told = {column: words(unit) for column, unit in units.items()}

    def collection() -> str:
        return parking_geojson(
            table.reset_index(drop=True),
            shapes.reset_index(drop=True),
            register[register["name"].isin(REST_ON)],
            title=title,
            method=method,
            units=told,
            question=question,
        )

    with st.container(horizontal=True):
        st.download_button(
            words(N_("Download the table as GeoJSON")),
            collection,
            f"{name}.geojson",
            "application/geo+json",
            icon=":material/download:",
            key=f"file_{name}",
        )
        other_formats(f"file_{name}", name, collection)
