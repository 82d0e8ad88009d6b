"""What the open scenario changes about parking: its bays and tariffs, put in and taken out again."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pydeck as pdk
import streamlit as st

from geodata.commands.parking_changes import add_bays, drop_bays, drop_tariffs, set_tariffs
from geodata.queries.parking_changes import ParkingChanges
from geodata.queries.parking_plan import Bays
from geodata.queries.scenarios import Scenario
from layers import ramps
from layers.deck import MOST_FEATURES, shape_layer
from layers.i18n import N_
from layers.layer import Form
from layers.streets import street_words
from pages.session import forget, words
from pages.widgets.legend import keys
from pages.widgets.taking import data_table
from pages.workbench.bar import opened

__all__ = ["change_keys", "change_layers", "changes_panel", "put_bays", "put_tariffs"]

BAY = Form(fill=(*ramps.PROPOSED[:3], 120), line=(*ramps.PROPOSED[:3], 255), line_px=2)


def put_bays(bays: Bays, scenario: Scenario | None) -> None:
    """A button that puts the bays of an answer into the open scenario, or into a new one."""
    if bays.blocks.empty or not st.button(
        words(N_("Put into the scenario")), icon=":material/playlist_add:", key="bays_into"
    ):
        return
    shapes = bays.shapes.dissolve("order").geometry
    blocks = gpd.GeoDataFrame(
        {
            "street": bays.blocks["street"].to_numpy(dtype=object),
            "places": bays.blocks["bays"].to_numpy(),
            "cost": bays.blocks["cost"].to_numpy(dtype=float),
        },
        geometry=shapes.loc[bays.blocks["order"]].to_numpy(),
        crs=bays.shapes.crs,
    )
    add_bays(opened(scenario), blocks, bays.question.shape)
    forget("parking_bays")
    st.rerun()


def put_tariffs(steps: pd.DataFrame, scenario: Scenario | None) -> None:
    """A button that puts the next tariffs of a table's blocks into the open scenario, or into a new one."""
    moved = steps[(steps["step"] != 0) & (steps["tariff"] > 0) & (steps["new_tariff"] > 0)]
    if st.button(
        words(N_("Put {count:,} tariffs into the scenario"), count=len(moved)),
        icon=":material/playlist_add:",
        key="tariffs_into",
        disabled=moved.empty,
    ):
        rows = zip(moved["block"], moved["tariff"], moved["new_tariff"], strict=True)
        set_tariffs(opened(scenario), [(str(a), float(b), float(c)) for a, b, c in rows])
        st.rerun()


def changes_panel(scenario: Scenario, changes: ParkingChanges) -> None:
    """What is in the scenario, each row to be taken out again."""
    if changes.empty:
        return
    places, cost = int(changes.bays["places"].sum()), float(changes.bays["cost"].sum())
    title = words(
        N_("In '{name}': {places:,} new bays for {cost:,.0f} yuan, {tariffs:,} other tariffs"),
        name=scenario.name,
        places=places,
        cost=cost,
        tariffs=len(changes.tariffs),
    )
    with st.expander(title, icon=":material/edit_road:"):
        if len(changes.bays):
            _bays(scenario, changes.bays)
        if len(changes.tariffs):
            _tariffs(scenario, changes.tariffs)


def change_layers(changes: ParkingChanges | None) -> list[pdk.Layer]:
    """The scenario's bays on the map."""
    if changes is None or changes.bays.empty:
        return []
    shapes = changes.bays[["places", changes.bays.geometry.name]].rename_geometry("geometry")
    return [
        shape_layer("scenario_bays", shapes.reset_index(drop=True).head(MOST_FEATURES), BAY, pickable=False)
    ]


def change_keys(changes: ParkingChanges | None) -> None:
    """What their colour means."""
    if changes is not None and len(changes.bays):
        keys(words(N_("Scenario")), [(ramps.PROPOSED, N_("bays of the scenario"), "fill")])


def _bays(scenario: Scenario, bays: gpd.GeoDataFrame) -> None:
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    table = pd.DataFrame(bays.drop(columns=bays.geometry.name))
    table["street"] = [street_words(each, words) for each in table["street"]]
    picked = data_table(
        "scenario-bays",
        table[["street", "places", "cost"]],
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(table), 250),
        on_select="rerun",
        selection_mode="multi-row",
        key=f"scenario_bays_{scenario.version}",
        column_config={
            "street": texts(words(N_("Street"))),
            "places": number(words(N_("Bays"))),
            "cost": number(words(N_("Cost, yuan")), format="localized"),
        },
    )
    rows = table.index[picked["selection"]["rows"]]
    if _out(len(rows), len(table), "bays"):
        drop_bays(scenario.token, [int(each) for each in (rows if len(rows) else table.index)])
        st.rerun()


def _tariffs(scenario: Scenario, tariffs: pd.DataFrame) -> None:
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    parts = tariffs["block"].str.split(":", n=1)
    kinds = {"kerb": words(N_("Bays")), "car_park": words(N_("Car parks"))}
    named = [street_words(each, words) for each in parts.str[1]]
    table = tariffs.assign(name=named, kind=parts.str[0].map(kinds))
    picked = data_table(
        "scenario-tariffs",
        table[["name", "kind", "before", "tariff"]],
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(table), 250),
        on_select="rerun",
        selection_mode="multi-row",
        key=f"scenario_tariffs_{scenario.version}",
        column_config={
            "name": texts(words(N_("Street or car park"))),
            "kind": texts(words(N_("Kind"))),
            "before": number(words(N_("Tariff before, yuan an hour")), format="%.2f"),
            "tariff": number(words(N_("Tariff, yuan an hour")), format="%.2f"),
        },
    )
    rows = picked["selection"]["rows"]
    if _out(len(rows), len(table), "tariffs"):
        drop_tariffs(scenario.token, list(table["block"].iloc[rows] if rows else table["block"]))
        st.rerun()


def _out(picked: int, there: int, what: str) -> bool:
    label = N_("Take the selected {count:,} out") if picked else N_("Take all {count:,} out")
    return st.button(
        words(label, count=picked or there), icon=":material/playlist_remove:", key=f"scenario_out_{what}"
    )
