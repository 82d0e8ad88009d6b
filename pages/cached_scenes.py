"""The door to Streamlit's caches, for scenes and the catalogue: keyed by the data's revision as in `pages.cached`."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from geodata import database
from geodata.queries import catalogue as catalogues
from geodata.queries import datasets, derived, quality
from geodata.queries import scenes as scene_queries
from geodata.scenes import Scene, Scenes, scenes_stamp
from layers.scenes import known_scenes

__all__ = [
    "behind",
    "catalogue",
    "catalogue_stamp",
    "dataset_checks",
    "dataset_history",
    "dataset_lineage",
    "event_classes",
    "scene_answer",
    "scene_evidence",
    "scenes",
]


def scenes(revision: int) -> Scenes:
    """The scenes there are, and what is wrong with the others; read anew when a file changes."""
    return _scenes(revision, scenes_stamp())


@st.cache_resource(max_entries=4, show_spinner=False)  # noqa: TID251 - this is the door
def _scenes(revision: int, stamp: str) -> Scenes:
    with database.connection() as conn:
        return known_scenes(scene_queries.event_classes(conn))


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def event_classes(revision: int) -> dict[str, tuple[str, str]]:
    """Event classes of the town: code → names in Chinese and English."""
    with database.connection() as conn:
        return scene_queries.event_classes(conn)


@st.cache_resource(max_entries=4, show_spinner=False)  # noqa: TID251
def scene_evidence(revision: int) -> scene_queries.Evidence:
    """What the town has for every scene; read-only, shared by all visits."""
    with database.connection() as conn:
        return scene_queries.scene_evidence(conn)


def scene_answer(revision: int, scene: Scene) -> scene_queries.Answer:
    """Figures, days and newest rows of a scene; read-only, shared by all visits."""
    return _scene_answer(revision, scenes_stamp(), scene)


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs={Scene: lambda scene: scene.id})  # noqa: TID251
def _scene_answer(revision: int, stamp: str, scene: Scene) -> scene_queries.Answer:
    with database.connection() as conn:
        return scene_queries.answer(conn, scene, datasets.loaded_town(conn).time_zone)


def catalogue_stamp() -> str:
    """Changes with cards, checks and runs; one short query a run, never cached."""
    with database.connection() as conn:
        return catalogues.catalogue_stamp(conn)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def catalogue(revision: int, stamp: str) -> pd.DataFrame:
    """Every dataset with its card and its quality."""
    with database.connection() as conn:
        return catalogues.catalogue(conn)


@st.cache_data(max_entries=64, show_spinner=False)  # noqa: TID251
def dataset_history(revision: int, stamp: str, name: str) -> pd.DataFrame:
    """What was done to a dataset."""
    with database.connection() as conn:
        return catalogues.history(conn, name)


@st.cache_resource(max_entries=64, show_spinner=False)  # noqa: TID251
def dataset_lineage(revision: int, stamp: str, name: str) -> catalogues.Lineage:
    """What a dataset rests on and what rests on it; read-only, shared by all visits."""
    with database.connection() as conn:
        return catalogues.lineage(conn, name)


@st.cache_data(max_entries=64, show_spinner=False)  # noqa: TID251
def dataset_checks(revision: int, stamp: str, name: str) -> pd.DataFrame:
    """What the newest checks of a dataset found."""
    with database.connection() as conn:
        return quality.stored_checks(conn, name)


@st.cache_data(max_entries=4, show_spinner=False)  # noqa: TID251
def behind(revision: int) -> derived.Behind:
    """What has changed since coverage and demand were computed."""
    with database.connection() as conn:
        return derived.behind(conn)
