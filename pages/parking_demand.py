"""Parking: from captures to demand, supply and shortage, five linked views of one town; then a plan."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from geodata.queries.parking import ParkingGround, Standing, needed, place_table
from geodata.queries.parking_changes import ParkingChanges
from geodata.queries.parking_plan import Bays
from geodata.queries.scenarios import Scenario
from geodata.towns.town import Town
from layers.deck import view_state
from layers.i18n import N_
from layers.parking import VIEWS
from pages import cached
from pages.kerbside.changing import change_keys, change_layers, changes_panel
from pages.kerbside.choosing import Choice, choose, choose_rules, chosen_place
from pages.kerbside.drawing import draw, named_layers, show_keys
from pages.kerbside.inspecting import inspect
from pages.kerbside.planning import bay_layers, plan_panel
from pages.kerbside.reporting import report_of_parking
from pages.kerbside.telling import download, keep_scenario, missed, told_missing, totals
from pages.session import words
from pages.widgets.columns import side_and_field
from pages.widgets.legend import shown_sources, source_line
from pages.widgets.map import peek, show_map
from pages.widgets.screen import empty, screen, told
from pages.widgets.taking import take_layers
from pages.widgets.waiting import wait_for, wait_for_ground
from pages.workbench.bar import choose_scenario

MAP = "parking_map"


def main() -> None:
    with screen(
        N_("Parking"),
        N_(
            "A map of captures is a map of cameras. Divided by exposure it becomes a map of demand; "
            "where nobody looked it says so."
        ),
    ) as revision:
        if revision is None:
            return
        town = cached.town(revision)
        scenario = choose_scenario()
        wait_for(cached.parking_reading(revision))
        ground = cached.parking_reading(revision).result()
        told_missing(ground)
        if "streets" in ground.missing:
            empty(
                N_("There is no street on which one could park badly"),
                N_("Load a town with drivable streets and unit cells, then look again."),
            )
            return
        if scenario is not None and not scenario.items.empty:
            wait_for_ground(revision)
        began = time.perf_counter()
        standing = cached.parking_standing(revision, scenario)
        _views(revision, town, ground, standing, scenario, time.perf_counter() - began)


def _views(
    revision: int,
    town: Town,
    ground: ParkingGround,
    standing: Standing,
    scenario: Scenario | None,
    found_s: float,
) -> None:
    choice = choose()
    side, field = side_and_field(2.5)
    with side:
        rules = choose_rules()
    changes = cached.parking_changes(scenario)
    changed = changes is not None and not changes.empty
    key = None
    if scenario is not None and (standing is not ground.now or changed):
        key = (scenario.token, scenario.version)
    began = time.perf_counter()
    need = needed(ground, standing, rules, key, changes=changes)
    seconds = found_s + time.perf_counter() - began
    table = place_table(ground, standing, need, choice.place, choice.hours)
    place = chosen_place(choice, peek(MAP), ground.shapes[choice.place].index)
    below = st.container()
    with below:
        if key is not None and scenario is not None:
            keep_scenario(ground, standing, need, scenario, changes, rules, seconds)
        if scenario is not None and changes is not None:
            changes_panel(scenario, changes)
        bays = plan_panel(revision, ground, standing, need, choice, scenario, changes)
        missed(revision, ground)
    with field:
        _map(revision, town, ground, choice, table, place, scenario, changes, bays)
        totals(ground, standing, need, table, choice)
        download(revision, ground, choice, rules, table, scenario)
        with told():
            report_of_parking(
                revision,
                ground,
                standing,
                need,
                choice,
                rules,
                bays,
                scenario if key is not None else None,
                changes,
            )
    with side:
        inspect(ground, standing, choice, table, place)


def _map(
    revision: int,
    town: Town,
    ground: ParkingGround,
    choice: Choice,
    table: pd.DataFrame,
    place: int | None,
    scenario: Scenario | None,
    changes: ParkingChanges | None,
    bays: Bays | None,
) -> None:
    changed = scenario is not None and not scenario.items.empty
    outlook = cached.outlook(revision, scenario) if changed else None
    drawn, shown = draw(revision, ground, choice, table, place, scenario if changed else None, outlook)
    drawn += change_layers(changes) + bay_layers(bays)
    register = cached.register(revision)
    layers = named_layers(choice)
    sources, simulated = shown_sources(register, layers)
    show_map(
        MAP, drawn, view_state(town.centre, town.zoom - 0.35), sources, simulated=simulated, height_px=600
    )
    show_keys(choice, shown, scenario if changed else None)
    change_keys(changes)
    st.caption(
        words(
            N_("**{title}.** {meaning}"),
            title=words(VIEWS[choice.view][0]),
            meaning=words(shown.measure.meaning),
        )
    )
    source_line(register, layers)
    take_layers(layers)


main()
