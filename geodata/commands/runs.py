"""Keeping a run: once for each question, scenario and revision."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata import database
from geodata.errors import NotFound

__all__ = ["keep_run"]


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


def _scenario(session: Session, token: str | None) -> int | None:
    if token is None:
        return None
    number = session.scalar(text("SELECT id FROM scenario WHERE token = :token"), {"token": token})
    if number is None:
        raise NotFound(
            "There is no scenario '{token}'.", "Choose one from the list, or make a new one.", token=token
        )
    return int(number)
