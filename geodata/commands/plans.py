"""Keeping what was planned: each answer is a run, with its question, its figures and the revision it was made on."""

from __future__ import annotations

import json

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.errors import NotFound
from geodata.queries import datasets
from geodata.queries.planning import Plan
from geodata.queries.thinning import Relocated, Thinned

__all__ = ["keep_plan"]

KINDS = {Plan: "place", Thinned: "remove", Relocated: "relocate"}


def keep_plan(session: Session, answer: Plan | Thinned | Relocated, scenario: str | None = None) -> int:
    """
    Writes an answer to the table of runs and returns the number of the run.

    Parameters
    ----------
    session
        An open transaction.
    answer
        From `make_plan`, `remove_cameras` or `relocate_cameras`; its GeoJSON is kept as the result.
    scenario
        Token of the scenario that it was made for, if it was.

    Raises
    ------
    NotFound
        If there is no such scenario.
    """
    number = None
    if scenario is not None:
        number = session.scalar(text("SELECT id FROM scenario WHERE token = :token"), {"token": scenario})
        if number is None:
            raise NotFound(
                "There is no scenario '{token}'.",
                "Choose one from the list, or make a new one.",
                token=scenario,
            )
    kept = session.scalar(
        text(
            "INSERT INTO run (scenario_id, kind, revision, method, parameters, result, seconds)"
            " VALUES (:scenario, :kind, :revision, :method, :parameters, :result, :seconds) RETURNING id"
        ),
        {
            "scenario": number,
            "kind": KINDS[type(answer)],
            "revision": datasets.revision(session),
            "method": answer.method,
            "parameters": json.dumps(answer.parameters, ensure_ascii=False),
            "result": answer.geojson(),
            "seconds": answer.reading_s + answer.solving_s,
        },
    )
    return int(kept or 0)
