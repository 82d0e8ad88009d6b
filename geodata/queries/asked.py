"""Questions that take a while: asked by one, worked out by a worker, kept for all."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import geopandas as gpd
import pandas as pd
from sqlalchemy import Connection

from analysis.placement import Lens
from geodata.progress import Progress, silent
from geodata.queries.city import standing_views
from geodata.queries.datasets import loaded_town
from geodata.queries.outlook import seen_by_items
from geodata.queries.planning import Plan, make_plan
from geodata.queries.questions import Question
from geodata.queries.scenarios import Scenario
from geodata.queries.sites import obstacles_near
from geodata.queries.thinning import Relocated, Thinned, relocate_cameras, remove_cameras
from geodata.towns.town import Town

__all__ = ["Answer", "Asked", "answer_to", "question_of", "views_under"]

Answer: TypeAlias = Plan | Thinned | Relocated
REACH_MORE_M = 50.0
"""A camera inside a footprint steps out of it, and sees so much farther."""


@dataclass(frozen=True)
class Asked:
    """
    A question.

    Attributes
    ----------
    task
        place, remove or relocate.
    question
        What is asked of place; of the others, how many.
    scenario, version
        Token and version of the scenario whose cameras it starts from; None and 0 for those that stand.
    """

    task: str
    question: Question | int
    scenario: str | None = None
    version: int = 0

    def plain(self) -> dict[str, Any]:
        """The same in what JSON knows."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return told

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Asked:
        """The question of which `plain` was made."""
        told = plain["question"]
        question = question_of(told) if isinstance(told, dict) else told
        return cls(plain["task"], question, plain["scenario"], plain["version"])


def question_of(plain: dict[str, Any]) -> Question:
    """The question about new places that became `plain` in JSON."""
    pairs = {name: tuple(map(tuple, plain[name])) for name in ("weights", "minima")}
    lists = {name: None if plain[name] is None else tuple(plain[name]) for name in ("sites", "cells")}
    lenses = tuple(Lens(**lens) for lens in plain["lenses"])
    return Question(**{**plain, **pairs, **lists, "lenses": lenses})


def answer_to(
    conn: Connection, asked: Asked, scenario: Scenario | None, progress: Progress = silent
) -> Answer:
    """
    Works a question out.

    Parameters
    ----------
    conn
        An open connection.
    asked
        The question.
    scenario
        The one that it names. Cameras that it adds or turns stay.
    progress
        Told what is being done.

    Raises
    ------
    InputError, NotFound
        As `make_plan`, `remove_cameras` and `relocate_cameras`.
    """
    town = loaded_town(conn)
    views = views_under(conn, town, scenario) if scenario is not None else None
    added = [int(label) for label in views.index if label < 0] if views is not None else []
    if isinstance(asked.question, Question):
        return make_plan(conn, town, asked.question, views, progress)
    if asked.task == "remove":
        return remove_cameras(conn, town, asked.question, views, keep=added, progress=progress)
    return relocate_cameras(conn, town, asked.question, views=views, keep=added, progress=progress)


def views_under(conn: Connection, town: Town, scenario: Scenario) -> gpd.GeoSeries:
    """
    What each camera sees under a scenario, without those that play footage of another place; metric CRS.

    Stored cameras by id, those that the scenario adds or changes by minus the item.
    """
    epsg, items = town.metric_epsg, scenario.items
    kept = standing_views(conn, epsg).geometry
    kept = kept[~kept.index.isin(items.loc[items["action"] != "add", "camera_id"].astype("int64"))]
    standing = items[items["action"] != "remove"].to_crs(epsg)
    if standing.empty:
        return kept
    reach = float(standing["range_m"].max()) + REACH_MORE_M
    new = seen_by_items(standing, obstacles_near(conn, town, standing.geometry, reach))
    new = new[~new.is_empty]
    return gpd.GeoSeries(pd.concat([kept, new.set_axis(-new.index.to_numpy())]), crs=epsg)
