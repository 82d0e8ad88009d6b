"""The gallery of scenes: what each is about, and whether anybody looks."""

from __future__ import annotations

import html

import streamlit as st

from geodata.queries.scenes import Evidence, Standing
from geodata.scenes import DOMAINS, Scene, Scenes
from layers.i18n import N_, explain
from layers.scenes import DOMAIN_NAMES, STATE_NAMES, rule_title
from pages.session import language, set_address, words
from pages.widgets.figures import figures

__all__ = ["broken_scenes", "gallery", "scene_facts"]

A_ROW = 3
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
    for domain in DOMAINS:
        mine = [scene for scene in found.found.values() if scene.domain == domain]
        if not mine:
            continue
        st.subheader(words(DOMAIN_NAMES[domain]), anchor=False)
        columns = st.columns(A_ROW)
        for at, scene in enumerate(mine):
            with columns[at % A_ROW]:
                _card(scene, standing[scene.id])
    broken_scenes(found)


def _card(scene: Scene, standing: Standing) -> None:
    said = scene.words[language()]
    with st.container(border=True):
        st.markdown(f"**:material/{scene.icon}: {said.title}**")
        st.caption(said.sentence)
        st.badge(words(STATE_NAMES[standing.state][0]), color=COLOURS[standing.state])
        st.html(f'<div class="hy-source">{html.escape(scene_facts(scene, standing))}</div>')
        if st.button(words(N_("Open")), key=f"scene_open_{scene.id}", help=said.title):
            set_address(scene=scene.id)
            st.rerun()


def scene_facts(scene: Scene, standing: Standing) -> str:
    """What there is of a scene, in one line."""
    parts = [" ".join((*scene.codes, *scene.components[:3])) + (" …" if len(scene.components) > 3 else "")]
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
    if scene.rule.measures:
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
            f"**{words(N_('A scene cannot be used'))}**\n\n{explain(error, language())}",
            icon=":material/error:",
        )
