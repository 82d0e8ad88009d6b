"""Cameras: what they see and miss, a scenario to change them, where the next go, which are too many."""

from __future__ import annotations

import streamlit as st

from geodata.queries.outlook import Outlook
from geodata.queries.scenarios import Scenario
from geodata.towns.town import Town
from layers.catalogue import LAYERS
from layers.deck import view_state
from layers.i18n import N_
from pages import cached
from pages.session import language, words
from pages.widgets.columns import side_and_field
from pages.widgets.facts import camera_panel, cell_panel
from pages.widgets.legend import choropleth_legend, legend, shown_sources, source_line
from pages.widgets.map import Click, peek, show_map
from pages.widgets.screen import screen
from pages.widgets.sharing import run_link
from pages.widgets.taking import take_layers
from pages.widgets.waiting import wait_for_ground
from pages.workbench import asking, blindness
from pages.workbench.bar import choose_scenario, file_buttons
from pages.workbench.changing import change_panel, change_table
from pages.workbench.comparing import FIGURES, compare, difference, value
from pages.workbench.drawing import (
    COVERAGE,
    SHOWN,
    draft_layers,
    ground_layers,
    scenario_keys,
    scenario_layers,
)
from pages.workbench.target import find_target

TASKS = {
    "change": N_("Change"),
    "place": N_("Add N"),
    "remove": N_("Remove N"),
    "relocate": N_("Move N"),
    "compare": N_("Compare"),
    "blind": N_("Blind areas"),
}


def main() -> None:
    with screen(
        N_("Cameras"),
        N_(
            "What the cameras see behind the buildings, which cells stay blind, and where more cameras would help most."
        ),
    ) as revision:
        if revision is None:
            return
        town = cached.town(revision)
        scenario = choose_scenario()
        wait_for_ground(revision)
        before, after = cached.outlook(revision), cached.outlook(revision, scenario)
        _figures(before, after)
        task, tall = _task()
        if task == "compare":
            compare(revision, town, scenario, tall=tall)
        elif task == "blind":
            blindness.show(revision, town, after)
        else:
            _workbench(revision, town, scenario, before, after, task, tall=tall)


def _task() -> tuple[str, bool]:
    with st.container(horizontal=True, vertical_alignment="center", key="task_bar"):
        chosen = st.segmented_control(
            words(N_("Tools")),
            list(TASKS),
            format_func=lambda each: words(TASKS[each]),
            default="change",
            key="camera_task",
            label_visibility="collapsed",
        )
        tall = st.toggle(words(N_("3-D")), key="camera_tall")
    return chosen or "change", tall


def _figures(before: Outlook, after: Outlook) -> None:
    with st.container(horizontal=True, gap="large", key="figures_cameras"):
        for name, title, kind, better in FIGURES:
            if name == "cost" and not after.figures.cost:
                continue
            change = difference(after.figures, before.figures, name, kind)
            colour = {1: "normal", -1: "inverse", 0: "off"}[better]
            st.metric(
                words(title),
                value(after.figures, name, kind),
                change,
                delta_color=colour,  # type: ignore[arg-type]
                width="content",
            )


def _workbench(
    revision: int,
    town: Town,
    scenario: Scenario | None,
    before: Outlook,
    after: Outlook,
    task: str,
    *,
    tall: bool,
) -> None:
    ground = cached.ground(revision)
    key = f"cameras_map_{tall}"
    click = peek(key)
    target = find_target(revision, ground, after, scenario, click) if task == "change" else None
    side, field = side_and_field(2.9)
    with side:
        answer = None if task == "change" else asking.ask(task, revision, scenario)
    with field:
        layers = [LAYERS[name] for name in SHOWN]
        register = cached.register(revision)
        sources, simulated = shown_sources(register, layers)
        drawn = [
            *ground_layers(revision, scenario, after, lamps=task == "change", tall=tall),
            *scenario_layers(scenario, after, tall=tall),
            *draft_layers(ground, target, tall=tall),
            *asking.drawn(answer),
        ]
        view = view_state(town.centre, town.zoom - 0.35, pitch_deg=50 if tall else 0)
        show_map(key, drawn, view, sources, simulated=simulated, height_px=600)
        choropleth_legend(COVERAGE, COVERAGE.breaks or ())
        legend(
            [LAYERS[name] for name in ("camera_views", "cameras", *(["lamps"] if task == "change" else []))]
        )
        if scenario is not None or target is not None:
            scenario_keys()
        asking.keys_of(answer)
        source_line(register, layers)
        take_layers(layers)
        file_buttons(scenario, after, before.figures, revision)
    with side:
        if task == "change":
            change_panel(ground, after, scenario, target)
            _facts(revision, click)
    with field:
        if task == "change":
            st.header(words(N_("Changes of this scenario")), anchor=False)
            change_table(scenario)
        else:
            asking.show(answer, scenario)
            if answer is not None and (run := asking.run_of(task, revision, scenario)) is not None:
                run_link(run)


def _facts(revision: int, click: Click | None) -> None:
    if click is None or click.id is None or click.layer not in ("unit_cells", "cameras"):
        return
    with st.expander(words(N_("Facts"))):
        if click.layer == "unit_cells":
            cell_panel(cached.cell(revision, click.id), language())
        else:
            camera_panel(cached.camera(revision, click.id), cached.seen_interval(revision, click.id))


main()
