"""The desk: leads that wait for a person, judged one after the other by keyboard."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from geodata.commands.desk import give_verdict, take_back
from geodata.queries.desk import LeadFilter, LeadView
from geodata.towns.town import Town
from layers.i18n import N_
from layers.watching import VERDICTS
from pages import cached
from pages.session import address, forget, language, recall, remember, set_address, words
from pages.watching.evidence import evidence, lead_facts, lead_map
from pages.watching.following import following
from pages.watching.telling import age, camera_name, label_name, rule_name, since
from pages.widgets.columns import side_and_field
from pages.widgets.screen import empty, told
from pages.widgets.taking import data_table

__all__ = ["leads_tab"]

ORDERS = {"newest": N_("newest first"), "surest": N_("surest first")}
HINTS: dict[str, bool | None] = {"all": None, "none": False, "only": True}
HINT_NAMES = {"all": N_("with hints"), "none": N_("without hints"), "only": N_("hints only")}
REFRESH_S = 5.0


def leads_tab(revision: int, town: Town) -> None:
    """The tab."""
    chosen, choices = _choose()
    queue = cached.leads(chosen)
    zone = str(town.time_zone)
    _newer(cached.desk_counts(zone).waiting, zone)
    if choices.empty:
        empty(
            N_("There is no lead yet"),
            N_("Rules make leads of what video workers see; let one run for some minutes:"),
            "huiyan watch",
        )
        return
    lead = _lead(queue)
    side, field = side_and_field(2.6)
    with side:
        _list(queue, lead)
    with field, told():
        if lead is None:
            _nothing_left(chosen)
            _undo()
            return
        found = cached.lead(lead)
        _judging(found, queue)
        evidence(found, town)
        facts, place = st.columns([1, 1], gap="medium")
        with facts:
            lead_facts(found, town)
        with place:
            lead_map(revision, town, found)
        following(found, town)


# ---------------------------------------------------------------------------------------- what is asked


def _choose() -> tuple[LeadFilter, pd.DataFrame]:
    """The bar above the queue."""
    choices = cached.lead_choices()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="desk_bar"):
        states = {name: words(title) for name, title in VERDICTS.items()}
        state = st.segmented_control(
            words(N_("Queue")),
            list(VERDICTS),
            format_func=states.__getitem__,
            default="lead",
            key="desk_state",
        )
        orders = {name: words(title) for name, title in ORDERS.items()}
        order = st.selectbox(
            words(N_("Order")), list(ORDERS), format_func=orders.__getitem__, key="desk_order", width=150
        )
        cameras = {
            row.camera_id: camera_name(row.camera_name, row.camera[-6:]) for row in choices.itertuples()
        }
        camera = _pick(N_("Camera"), cameras, "desk_camera", 230)
        named = "name_zh" if language() == "zh-CN" else "name_en"
        classes = {row.class_code: f"{row.class_code} {getattr(row, named)}" for row in choices.itertuples()}
        class_code = _pick(N_("Class of event"), classes, "desk_class", 230)
        rule = _pick(
            N_("Rule"), {kind: rule_name(kind) for kind in choices["rule"].unique()}, "desk_rule", 180
        )
        names = {name: words(title) for name, title in HINT_NAMES.items()}
        hints = st.selectbox(
            words(N_("Hints")),
            list(HINTS),
            format_func=names.__getitem__,
            key="desk_hints",
            width=150,
            help=words(N_("A hint says that something changed; it is no find and counts in no score.")),
        )
    return LeadFilter(state or "lead", camera, class_code, rule, HINTS[hints], order), choices


def _pick(title: str, names: dict[Any, str], key: str, width: int) -> Any:
    shown = {"": words(N_("all")), **names}
    picked = st.selectbox(words(title), list(shown), format_func=shown.__getitem__, key=key, width=width)
    return None if picked == "" else picked


def _lead(queue: pd.DataFrame) -> int | None:
    """The lead that is shown: of the address while it is in the queue, or opened by a link; else the first."""
    asked = str(address("lead") or "")
    ids = [int(each) for each in queue["id"]]
    opened = recall("desk_opened")
    remember("desk_opened", opened or asked or "none")
    if asked.isdecimal() and (int(asked) in ids or opened in (None, asked)):
        return int(asked)
    lead = ids[0] if ids else None
    set_address(lead=None if lead is None else str(lead))
    return lead


@st.fragment(run_every=REFRESH_S)
def _newer(shown: int, zone: str) -> None:
    """Says so when leads have come since the queue was drawn; the queue does not move under one's hand."""
    with told(), st.container(horizontal=True, vertical_alignment="center", gap="medium", key="desk_counts"):
        counts = cached.desk_counts(zone)
        oldest = "" if counts.oldest_at is None else f" · {words(N_('oldest'))} {since(counts.oldest_at)}"
        st.caption(
            words(N_("{waiting:,} to judge"), waiting=counts.waiting)
            + oldest
            + " · "
            + words(N_("{judged:,} judged today"), judged=counts.judged_today)
        )
        if counts.waiting > shown and st.button(
            words(N_("Show {count} new"), count=counts.waiting - shown),
            icon=":material/refresh:",
            key="desk_newer",
        ):
            st.rerun()


# ---------------------------------------------------------------------------------------- what is shown


def _list(queue: pd.DataFrame, lead: int | None) -> None:
    """The queue; one row can be picked."""
    if queue.empty:
        st.caption(words(N_("No lead in this queue.")))
        return
    rows = pd.DataFrame(
        {
            "now": ["▶" if int(each) == lead else "" for each in queue["id"]],
            "age": [since(each) for each in queue["first_seen_at"]],
            "score": queue["confidence"].to_numpy(),
            "what": [f"{label_name(row.label)} · {rule_name(row.rule)}" for row in queue.itertuples()],
            "lasted": [age(each) for each in queue["dwell_s"]],
            "others": queue["others"].to_numpy(),
            "where": [
                str(getattr(row, "title_zh" if language() == "zh-CN" else "title_en"))
                for row in queue.itertuples()
            ],
        }
    )
    texts, number = st.column_config.TextColumn, st.column_config.NumberColumn
    picked = data_table(
        "leads",
        rows,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(rows), 720),
        on_select="rerun",
        selection_mode="single-row",
        key=f"desk_list_{recall('desk_turn', 0)}",
        column_config={
            "now": texts("", width=28),
            "age": texts(words(N_("Age")), width=70),
            "score": number(words(N_("Score")), format="%.2f", width=60),
            "what": texts(words(N_("Lead"))),
            "lasted": texts(words(N_("Lasted"))),
            "others": number(
                words(N_("Others")), help=words(N_("Leads about the same thing; they count as one."))
            ),
            "where": texts(words(N_("Zone"))),
        },
    )
    chosen = picked["selection"]["rows"]
    if chosen and int(queue["id"].iloc[chosen[0]]) != lead:
        _go(int(queue["id"].iloc[chosen[0]]))


def _go(lead: int | None) -> None:
    """Shows another lead."""
    remember("desk_turn", int(recall("desk_turn", 0)) + 1)
    set_address(lead=None if lead is None else str(lead))
    st.rerun()


def _beside(queue: pd.DataFrame, lead: int, step: int) -> int | None:
    """The lead before or after one in the queue; the one at the other side where there is none."""
    ids = [int(each) for each in queue["id"]]
    if lead not in ids:
        return ids[0] if ids else None
    at = ids.index(lead) + step
    if 0 <= at < len(ids):
        return ids[at]
    rest = [each for each in ids if each != lead]
    return (rest[-1] if step > 0 else rest[0]) if rest else None


def _judging(found: LeadView, queue: pd.DataFrame) -> None:
    """Three buttons and their keys; the next lead follows by itself."""
    lead, state = int(found.facts["id"]), str(found.facts["state"])
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="desk_buttons"):
        pressed = None
        for verdict, title, icon, key in (
            ("confirmed", N_("Confirm"), ":material/check:", "Y"),
            ("rejected", N_("Reject"), ":material/close:", "N"),
            ("unsure", N_("Unsure"), ":material/question_mark:", "U"),
        ):
            if st.button(
                words(title),
                icon=icon,
                key=f"desk_{verdict}",
                shortcut=key,
                type="primary" if verdict == "confirmed" else "secondary",
                disabled=state == verdict,
            ):
                pressed = verdict
        if st.button(
            "", icon=":material/arrow_back:", key="desk_back", shortcut="Left", disabled=len(queue) < 2
        ):
            _go(_beside(queue, lead, -1))
        if st.button(
            "", icon=":material/arrow_forward:", key="desk_on", shortcut="Right", disabled=len(queue) < 2
        ):
            _go(_beside(queue, lead, 1))
        _undo()
    if pressed:
        number = give_verdict(lead, pressed)
        remember("desk_given", [*recall("desk_given", []), (number, lead, pressed)][-50:])
        _go(_beside(queue, lead, 1))


def _undo() -> None:
    """Takes the last verdict of this visit back."""
    given = recall("desk_given", [])
    if not given:
        return
    number, lead, verdict = given[-1]
    if st.button(
        words(N_("Take back: {lead} {verdict}"), lead=lead, verdict=words(VERDICTS[verdict]).lower()),
        icon=":material/undo:",
        key="desk_undo",
        shortcut="Z",
        type="tertiary",
    ):
        remember("desk_given", given[:-1])
        take_back(number)
        forget("desk_opened")
        _go(lead)


def _nothing_left(chosen: LeadFilter) -> None:
    if chosen.state == "lead":
        empty(
            N_("Nothing to judge"),
            N_("Every lead that fits has been looked at. New ones come by themselves."),
        )
    else:
        empty(N_("No lead in this queue"), N_("Choose another queue or fewer filters."))
