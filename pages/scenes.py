"""Scenes: a gallery, and one generic page that draws any of them."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from geodata.queries.scenes import Standing
from geodata.scenes import Scene, Scenes
from geodata.towns.town import Town
from layers.catalogue import LAYERS
from layers.deck import tile_layer, view_state
from layers.i18n import N_
from layers.scenes import DOMAIN_NAMES, STATE_NAMES, scene_view
from pages import cached, cached_scenes
from pages.scening.gallery import broken_scenes, gallery, scene_facts
from pages.scening.telling import (
    figure_table,
    limits_table,
    newest_table,
    rule_facts,
    setting_up,
    trend,
)
from pages.session import address, language, set_address, words
from pages.widgets.facts import feature_panel
from pages.widgets.legend import legend, shown_sources, source_line
from pages.widgets.map import show_map
from pages.widgets.screen import empty, screen
from pages.widgets.taking import take_layers

UNDER = ("streets", "buildings")


def main() -> None:
    with screen(
        N_("Scenes"),
        N_(
            "What a city looks after, one scene each: its codes, layers, rule, limits and how it stands here."
        ),
    ) as revision:
        if revision is None:
            return
        found = cached_scenes.scenes(revision)
        name = address("scene")
        if name is None:
            gallery(found, cached_scenes.scene_evidence(revision))
        else:
            _one(revision, found, name)


def _one(revision: int, found: Scenes, name: str) -> None:
    if st.button(words(N_("All scenes")), icon=":material/arrow_back:", key="scene_back"):
        set_address(scene=None)
        st.rerun()
    scene = found.found.get(name)
    if scene is None:
        empty(
            N_("There is no such scene"), N_("Choose one of the gallery; a file that is wrong is told below.")
        )
        broken_scenes(found)
        return
    standing = cached_scenes.scene_evidence(revision).standing(scene)
    _head(scene, standing)
    side, field = st.columns([1, 2], gap="medium")
    with field:
        _map(revision, cached.town(revision), scene)
    answer = cached_scenes.scene_answer(revision, scene)
    with field:
        st.subheader(words(N_("How it stands")), anchor=False)
        figure_table(answer.figures)
        st.subheader(words(N_("New by day")), anchor=False)
        trend(answer.by_day)
        st.subheader(words(N_("Newest")), anchor=False)
        newest_table(answer.newest, cached_scenes.event_classes(revision))
    with side:
        st.subheader(words(N_("What to do")), anchor=False)
        st.markdown(scene.words[language()].advice)
        st.subheader(words(N_("Limits")), anchor=False)
        limits_table(scene.limits)
        st.subheader(words(N_("Rule and codes")), anchor=False)
        rule_facts(scene, cached_scenes.event_classes(revision))
        st.subheader(words(N_("Setting it up")), anchor=False)
        setting_up(revision, scene, standing)


def _head(scene: Scene, standing: Standing) -> None:
    said = scene.words[language()]
    st.header(f":material/{scene.icon}: {said.title}", anchor=False)
    st.markdown(said.sentence)
    told = (
        words(DOMAIN_NAMES[scene.domain]),
        words(STATE_NAMES[standing.state][0]),
        scene_facts(scene, standing),
    )
    st.caption(" · ".join(told))


def _map(revision: int, town: Town, scene: Scene) -> None:
    """Ground, then the scene's layers; what has a class shows those of the scene only."""
    names = [name for name in LAYERS if name in UNDER or name in scene.layers]
    filters = {"class": ",".join(scene.codes)} if scene.codes else {}
    drawn = [
        tile_layer(
            LAYERS[name],
            revision=revision,
            filters=filters if "class" in LAYERS[name].tile.filters else None,
        )
        for name in names
    ]
    register = cached.register(revision)
    layers = [LAYERS[name] for name in names]
    sources, simulated = shown_sources(register, layers)
    click = show_map(
        f"scene_map_{scene.id}",
        drawn,
        view_state(town.centre, town.zoom),
        sources,
        simulated=simulated,
        height_px=460,
    )
    legend([each for each in layers if each.id not in UNDER])
    source_line(register, layers)
    take_layers(layers, filters)
    query = urlencode({**scene_view(scene).to_query(), "lang": language()})
    st.link_button(
        words(N_("Open this map on the overview")), f"/?{query}", icon=":material/map:", key="scene_start"
    )
    if click is not None:
        feature_panel(LAYERS[click.layer], click.properties)


main()
