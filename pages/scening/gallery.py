"""The gallery of scenes: what each is about, and whether anybody looks."""

from __future__ import annotations

import html

import streamlit as st

from geodata.queries.scenes import Evidence, Standing
from geodata.scenes import DOMAINS, Scene, Scenes
from layers.i18n import N_
from layers.scenes import DOMAIN_NAMES, STATE_NAMES, rule_title
from pages.session import explained, language, set_address, words
from pages.widgets.figures import figures

__all__ = ["broken_scenes", "gallery", "scene_facts"]

A_ROW = 3
MOST_CODES = 3
COLOURS = {"watched": "green", "reported": "orange", "nothing": "gray"}


def gallery(found: Scenes, evidence: Evidence) -> None:
    """All scenes by domain; a button opens one."""
    standing = {name: evidence.standing(scene) for name, scene in found.found.items()}
    states = [each.state for each in standing.values()]
    figures(
        [
            (N_("Scenes"), f"{len(standing):,}"),
            *((title, f"{states.count(name):,}", meaning) for name, (title, meaning) in STATE_NAMES.items()),
        ]
    )
    broken_scenes(found)
    for domain in DOMAINS:
        mine = [scene for scene in found.found.values() if scene.domain == domain]
        if not mine:
            continue
        st.header(words(DOMAIN_NAMES[domain]), anchor=False)
        for start in range(0, len(mine), A_ROW):
            for column, scene in zip(st.columns(A_ROW), mine[start : start + A_ROW], strict=False):
                with column:
                    _card(scene, standing[scene.id])


def _card(scene: Scene, standing: Standing) -> None:
    said = scene.words[language()]
    with st.container(border=True, height="stretch"):
        st.markdown(f"**:material/{scene.icon}: {said.title}**")
        st.caption(said.sentence)
        st.badge(words(STATE_NAMES[standing.state][0]), color=COLOURS[standing.state])
        st.html(f'<div class="hy-source">{html.escape(scene_facts(scene, standing))}</div>')
        if st.button(words(N_("Open: {scene}"), scene=said.title), key=f"scene_open_{scene.id}"):
            set_address(scene=scene.id)
            st.rerun()


def scene_facts(scene: Scene, standing: Standing) -> str:
    """What there is of a scene, in one line."""
    parts = []
    if scene.codes:
        parts.append(words(N_("events {codes}"), codes=" ".join(scene.codes)))
    if scene.components:
        more = " …" if len(scene.components) > MOST_CODES else ""
        parts.append(
            words(N_("component classes {codes}"), codes=" ".join(scene.components[:MOST_CODES]) + more)
        )
    parts.append(words(rule_title(scene)))
    if standing.cases or standing.leads:
        parts.append(
            words(N_("{cases:,} cases, {leads:,} leads"), cases=standing.cases, leads=standing.leads)
        )
    else:
        parts.append(words(N_("no cases and no leads")))
    if standing.zones:
        parts.append(words(N_("rule runs in {zones:,} zones"), zones=standing.zones))
    if standing.looking_h:
        parts.append(words(N_("{hours:,.0f} camera hours"), hours=standing.looking_h))
    if scene.rule.measures and not standing.sensors:
        parts.append(words(N_("no sensors")))
    elif scene.rule.measures:
        parts.append(
            words(
                N_("{online:,} of {sensors:,} sensors online"),
                online=standing.sensors_online,
                sensors=standing.sensors,
            )
        )
    if standing.components:
        parts.append(words(N_("{components:,} components"), components=standing.components))
    return " · ".join(parts)


def broken_scenes(found: Scenes) -> None:
    """What is wrong with the files that cannot be used."""
    for error in found.broken:
        st.error(
            f"**{words(N_('A scene cannot be used'))}**\n\n{explained(error)}",
            icon=":material/error:",
        )
