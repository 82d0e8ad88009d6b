"""What follows from a confirmed lead: dealt with, second recognition, and the ladder of its place."""

from __future__ import annotations

import html

import streamlit as st

from analysis.desk import LADDER
from geodata.commands.desk import call_dealt_with, take_step
from geodata.queries.desk import TAKEN_BACK, LeadView
from geodata.towns.town import Town
from layers.i18n import N_
from layers.watching import STEPS, VERDICTS
from pages import cached_desk
from pages.paper.evidence import evidence_package
from pages.session import language, recall, remember, words
from pages.watching.telling import age, moment
from pages.widgets.screen import fact_table

__all__ = ["following"]

RECHECKS = {
    "solved": N_("Solved: the camera looked again and found nothing."),
    "not_solved": N_("Not solved: the camera looked again and found it again."),
    "cannot_say": N_("It cannot be said yet: too few looks since, or they contradict each other."),
}
GIVERS = {"video desk": N_("video desk"), "video desk: taken back": N_("taken back")}
"""Who gave a verdict → words."""


def following(found: LeadView, town: Town) -> None:
    """Below the evidence; only what a person has confirmed can be dealt with or climb the ladder."""
    dealt, ladder = st.columns([1, 1], gap="medium")
    with dealt:
        st.header(words(N_("Dealt with")), anchor=False)
        _dealt_with(found, town)
        _said(found, town)
        _package(found, town)
    with ladder:
        st.header(words(N_("Escalation at this place")), anchor=False)
        _ladder(found, town)


def _dealt_with(found: LeadView, town: Town) -> None:
    facts = found.facts
    lead = int(facts["id"])
    if facts["state"] != "confirmed":
        st.caption(words(N_("Only a confirmed lead can be dealt with.")))
        return
    if facts["disposed_at"] is None:
        if st.button(words(N_("Dealt with: look again")), icon=":material/task_alt:", key="desk_dealt"):
            call_dealt_with(lead)
            st.rerun()
        st.caption(words(N_("The same camera then looks again and says whether it is solved.")))
        return
    said = facts["recheck"]
    waits = N_("Waiting for the camera's next looks.")
    st.markdown(words(N_("Dealt with at {at}."), at=moment(facts["disposed_at"], town)))
    show = {"solved": st.success, "not_solved": st.error}.get(said, st.info)
    tail = f" {moment(facts['recheck_at'], town)}" if facts["recheck_at"] is not None else ""
    show(words(RECHECKS.get(said, waits)) + tail)
    if st.button(words(N_("Not dealt with after all")), key="desk_not_dealt", type="tertiary"):
        call_dealt_with(lead, done=False)
        st.rerun()


def _said(found: LeadView, town: Town) -> None:
    """What people said of it so far."""
    if len(found.verdicts):
        fact_table(
            [
                (moment(row.given_at, town), _verdict(row.verdict, row.given_by))
                for row in found.verdicts.itertuples()
            ]
        )


def _verdict(verdict: str, by: str) -> str:
    """One that only takes another back says no more than that."""
    who = words(GIVERS.get(by, by))
    return who if by == TAKEN_BACK else f"{words(VERDICTS[verdict])} · {who}"


def _package(found: LeadView, town: Town) -> None:
    """Takes home what speaks for the lead and for the steps at its place."""
    st.header(words(N_("Package of evidence")), anchor=False)
    lead, chosen = int(found.facts["id"]), language()
    st.download_button(
        words(N_("Take home (zip)")),
        lambda: evidence_package(lead, chosen).body,
        f"huiyan-evidence-{lead}.zip",
        "application/zip",
        icon=":material/folder_zip:",
        on_click="ignore",
        key="desk_package",
    )
    st.caption(
        words(
            N_(
                "Blurred stills, boxes, zone, rule and its version, verdicts and the steps at this place, with the"
                " SHA-256 of every file. That it was taken is noted with the digest of its manifest."
            )
        )
    )
    taken = cached_desk.packages_taken(lead)
    if len(taken):
        rows = "".join(
            f"<div>{html.escape(moment(row.at, town))} · <code>{html.escape(str(row.sha256))}</code></div>"
            for row in taken.itertuples()
        )
        st.html(f'<div style="font-size:0.8125rem;line-height:1.5;overflow-wrap:anywhere">{rows}</div>')


def _rungs() -> str:
    """What each step of the ladder takes."""
    return " · ".join(
        words(
            N_("{step}: {count} confirmed within {span}"),
            step=words(STEPS[rung.name]),
            count=rung.count,
            span=age(rung.window_s),
        )
        for rung in LADDER.rungs
    )


def _ladder(found: LeadView, town: Town) -> None:
    standing = found.standing
    names = [words(STEPS[rung.name]) for rung in LADDER.rungs]
    climbed = " → ".join(
        f"**{name}** ✓" if number < standing.level else name for number, name in enumerate(names)
    )
    st.markdown(climbed)
    if standing.step is None and standing.level == len(names):
        st.caption(words(N_("The ladder is climbed; a month of quiet lets the place climb down.")))
    elif standing.step is None:
        st.caption(
            words(
                N_("{counted} of {needed} confirmed leads that the next step takes."),
                counted=standing.counted,
                needed=standing.needed,
            )
        )
    elif found.facts["state"] != "confirmed":
        st.caption(words(N_("A step is due here; it is taken on a confirmed lead.")))
    else:
        step = standing.step
        if st.button(
            words(N_("Take the step: {step}"), step=words(STEPS[step])),
            icon=":material/stairs:",
            key="desk_step",
        ):
            remember("desk_case", take_step(int(found.facts["id"]), step))
            st.rerun()
    number = recall("desk_case")
    if number is not None:
        st.success(words(N_("Case {number} is registered."), number=number), icon=":material/folder_open:")
        remember("desk_case", None)
    if len(found.steps):
        fact_table(
            [
                (moment(row.taken_at, town), f"{words(STEPS[row.step])} · {row.finding_id}")
                for row in found.steps.itertuples()
            ]
        )
    st.caption(_rungs())
