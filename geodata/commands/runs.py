"""Keeping a run: once for each question, scenario and revision."""

from __future__ import annotations

import json
import time
from typing import Any

import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata import database
from geodata.errors import NotFound
from geodata.export.hotspots import hotspots_run
from geodata.export.scenario import cells_geojson, scenario_geojson
from geodata.queries.grounds import ground_revision
from geodata.queries.hotspot_answers import HotSpots, Question
from geodata.queries.outlook import METHOD, Figures, Outlook
from geodata.queries.parking_changes import ParkingChanges
from geodata.queries.scenarios import Scenario

__all__ = ["keep_hot_spots", "keep_run", "keep_scenario"]


def keep_run(
    kind: str,
    parameters: dict[str, Any],
    result: dict[str, Any],
    *,
    method: str,
    seconds: float,
    revision: int,
    scenario: str | None = None,
) -> int:
    """
    Keeps an answer in the table of runs, once for each question and revision; returns the number of the run.

    Parameters
    ----------
    kind
        As in the table of runs.
    parameters
        The question: same question, same run.
    result
        Figures, or GeoJSON with figures.
    method, seconds
        How, and how long it took.
    revision
        Of the data that it rests on.
    scenario
        Token of the scenario whose cameras it rests on.

    Raises
    ------
    NotFound
        If there is no such scenario.
    """
    with database.transaction() as session:
        number = _scenario(session, scenario)
        facts = {
            "kind": kind,
            "revision": revision,
            "scenario": number,
            "parameters": json.dumps(parameters, ensure_ascii=False, sort_keys=True),
        }
        there = session.scalar(
            text(
                "SELECT id FROM run WHERE kind = :kind AND revision = :revision"
                " AND scenario_id IS NOT DISTINCT FROM CAST(:scenario AS bigint)"
                " AND parameters = CAST(:parameters AS jsonb) ORDER BY id DESC LIMIT 1"
            ),
            facts,
        )
        if there is not None:
            return int(there)
        made = session.scalar(
            text(
                "INSERT INTO run (scenario_id, kind, revision, method, parameters, result, seconds)"
                " VALUES (:scenario, :kind, :revision, :method, :parameters, :result, :seconds) RETURNING id"
            ),
            facts
            | {
                "method": method,
                "result": json.dumps(result, ensure_ascii=False, allow_nan=False),
                "seconds": seconds,
            },
        )
        return int(made or 0)


def keep_scenario(
    scenario: Scenario, found: Outlook, base: Figures, revision: int, changes: ParkingChanges | None
) -> int:
    """
    Keeps what a scenario of cameras changes, once for each version and revision; returns the number of the run.

    Parameters
    ----------
    scenario, found, base, revision, changes
        As of `scenario_geojson`.

    Raises
    ------
    NotFound
        If the scenario is gone.
    """
    began = time.perf_counter()
    body = json.loads(scenario_geojson(scenario, found, revision, base=base, changes=changes))
    body.pop("exported_at")
    return keep_run(
        "scenario",
        {"version": scenario.version},
        {**body, "cells": cells_geojson(found, revision)},
        method=METHOD,
        seconds=round(time.perf_counter() - began, 3),
        revision=ground_revision(),
        scenario=scenario.token,
    )


def keep_hot_spots(found: HotSpots, question: Question, register: pd.DataFrame, *, method: str) -> int:
    """
    Keeps hot spots, once for each question and revision; returns the number of the run.

    Parameters
    ----------
    found, question, register
        As of `hotspots_geojson`.
    method
        In a sentence.
    """
    began = time.perf_counter()
    parameters, result = hotspots_run(found, question, register)
    return keep_run(
        "hot_spots",
        parameters,
        result,
        method=method,
        seconds=round(time.perf_counter() - began, 3),
        revision=int(register["revision"].max()),
    )


def _scenario(session: Session, token: str | None) -> int | None:
    if token is None:
        return None
    number = session.scalar(text("SELECT id FROM scenario WHERE token = :token"), {"token": token})
    if number is None:
        raise NotFound(
            "There is no scenario '{token}'.", "Choose one from the list, or make a new one.", token=token
        )
    return int(number)
