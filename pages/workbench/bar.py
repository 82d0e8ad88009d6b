"""The bar above the workbench: which scenario is open, a new one, a copy, its link, its file."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter

import streamlit as st

from geodata.commands import scenarios as commands
from geodata.commands.runs import keep_scenario
from geodata.errors import NotFound
from geodata.export.scenario import scenario_geojson
from geodata.queries.outlook import Figures, Outlook
from geodata.queries.scenarios import Scenario
from layers.i18n import N_, explain
from pages import cached
from pages.session import language, scenario_token, set_scenario, words
from pages.widgets.sharing import run_report
from pages.widgets.taking import other_formats

__all__ = ["choose_scenario", "file_buttons", "opened", "titles"]


def choose_scenario() -> Scenario | None:
    """The scenario of the address, with what opens, makes, copies and deletes one; None: cameras as they stand."""
    names = cached.scenarios()
    token = scenario_token()
    if token is not None and token not in names:
        st.warning(
            explain(
                NotFound(
                    "There is no scenario '{token}'.",
                    "Choose one from the list, or make a new one.",
                    token=token,
                ),
                language(),
            )
        )
        token = None
    choices: list[str | None] = [None, *names]
    shown = titles(names)
    with st.container(horizontal=True, vertical_alignment="bottom", key="scenario_bar"):
        chosen = st.selectbox(
            words(N_("Scenario")),
            choices,
            index=choices.index(token),
            format_func=lambda each: shown[each] if each else words(N_("Cameras as they stand")),
            key=f"scenario_choice_{token}_{len(names)}",
            width=330,
        )
        _new(token)
        if token is not None:
            _delete(token, names[token])
    if chosen != token:
        set_scenario(chosen)
        st.rerun()
    return cached.scenario(token) if token is not None else None


def titles(names: dict[str, str]) -> dict[str, str]:
    """Token → what a list shows: lists go by words, so a name that several have bears its token too."""
    number = Counter(names.values())
    return {token: name if number[name] == 1 else f"{name} · {token}" for token, name in names.items()}


def opened(scenario: Scenario | None) -> str:
    """The token of the open scenario; where there is none, one is made and opened."""
    if scenario is not None:
        return scenario.token
    moment = dt.datetime.now(dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    token = commands.create_scenario(words(N_("Scenario {moment}"), moment=moment))
    set_scenario(token)
    return token


def file_buttons(scenario: Scenario | None, found: Outlook, base: Figures, revision: int) -> None:
    """The scenario as a file, and the link that opens it elsewhere."""
    if scenario is None:
        return
    stem = re.sub(r"[^\w-]+", "-", scenario.name).strip("-") or "scenario"
    with st.container(horizontal=True):
        st.download_button(
            words(N_("Download as GeoJSON")),
            lambda: scenario_geojson(
                scenario, found, revision, base=base, changes=cached.parking_changes(scenario)
            ),
            f"{stem}.geojson",
            "application/geo+json",
            icon=":material/download:",
        )
        other_formats(
            "scenario",
            stem,
            lambda: scenario_geojson(
                scenario, found, revision, base=base, changes=cached.parking_changes(scenario)
            ),
        )
        run_report(
            "scenario",
            (scenario.token, scenario.version, revision),
            lambda: keep_scenario(scenario, found, base, revision, cached.parking_changes(scenario)),
        )
        with st.popover(words(N_("Link")), icon=":material/link:"):
            st.caption(words(N_("Whoever opens this address sees this scenario:")))
            st.code(
                f"{cached.own_address()}/cameras?scenario={scenario.token}&lang={language()}", language=None
            )


def _new(token: str | None) -> None:
    label = words(N_("New")) if token is None else words(N_("New or copy"))
    with (
        st.popover(label, icon=":material/add:"),
        st.form(f"new_scenario_{token}", clear_on_submit=True, border=False),
    ):
        name = st.text_input(words(N_("Name")), max_chars=commands.NAME_LENGTH)
        made = st.form_submit_button(words(N_("Make an empty scenario")), type="primary")
        copied = token is not None and st.form_submit_button(words(N_("Copy the open one")))
        if made or copied:
            fresh = (
                commands.copy_scenario(token, name) if copied and token else commands.create_scenario(name)
            )
            set_scenario(fresh)
            st.rerun()


def _delete(token: str, name: str) -> None:
    with st.popover(words(N_("Delete")), icon=":material/delete:"):
        st.write(words(N_("Delete '{name}' with its changes?"), name=name))
        if st.button(words(N_("Delete for good")), type="primary"):
            commands.delete_scenario(token)
            set_scenario(None)
            st.rerun()
