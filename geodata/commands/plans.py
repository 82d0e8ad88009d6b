"""Keeping what was planned: each answer is a run, with its question, its figures and the revision it was made on."""

from __future__ import annotations

import json
from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata import database
from geodata.errors import NotFound
from geodata.progress import Progress, silent
from geodata.queries import datasets
from geodata.queries.asked import Answer, Asked, answer_to
from geodata.queries.kept import KINDS, kept_result, newest_source
from geodata.queries.scenarios import read_scenario

__all__ = ["keep_plan", "work_out"]


def work_out(asked: Asked, progress: Progress = silent) -> int:
    """
    Answers a question on the data and the scenario as they are now, keeps the answer, and returns its run.

    Raises
    ------
    InputError, NotFound
        As `answer_to`; NotFound also if the scenario is gone.
    """
    with database.connection() as conn:
        still = conn.execution_options(isolation_level="REPEATABLE READ")  # one moment, whoever writes
        revision = newest_source(still)
        scenario = read_scenario(still, asked.scenario) if asked.scenario is not None else None
        asked = replace(asked, version=0 if scenario is None else scenario.version)
        answer = answer_to(still, asked, scenario, progress)
    with database.transaction() as session:
        return keep_plan(session, answer, asked.scenario, asked=asked, revision=revision)


def keep_plan(
    session: Session,
    answer: Answer,
    scenario: str | None = None,
    *,
    asked: Asked | None = None,
    revision: int | None = None,
) -> int:
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
    asked
        The question, if whoever asks the same is to get this answer.
    revision
        Of the data that it rests on; the newest if not given.

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
    parameters = answer.parameters | ({} if asked is None else {"asked": asked.plain()})
    kept = session.scalar(
        text(
            "INSERT INTO run (scenario_id, kind, revision, method, parameters, result, seconds)"
            " VALUES (:scenario, :kind, :revision, :method, :parameters, :result, :seconds) RETURNING id"
        ),
        {
            "scenario": number,
            "kind": next(kind for kind, made in KINDS.items() if isinstance(answer, made)),
            "revision": datasets.revision(session) if revision is None else revision,
            "method": answer.method,
            "parameters": json.dumps(parameters, ensure_ascii=False),
            "result": kept_result(answer),
            "seconds": answer.reading_s + answer.solving_s,
        },
    )
    return int(kept or 0)
