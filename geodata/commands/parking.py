"""Keeping what was found about parking: under other cameras, and of new bays."""

from __future__ import annotations

from typing import Any

from geodata.commands.runs import keep_run
from geodata.queries.parking_reading import parking_revision

__all__ = ["KINDS", "keep_parking"]

KINDS = ("parking", "bays")
"""Demand and shortage under other cameras; a choice of new bays."""


def keep_parking(
    kind: str,
    parameters: dict[str, Any],
    result: dict[str, Any],
    *,
    method: str,
    seconds: float,
    scenario: str | None = None,
) -> int:
    """
    Keeps an answer in the table of runs, once for each question and revision; returns the number of the run.

    Parameters
    ----------
    kind
        Of KINDS.
    parameters
        The question: same question, same run.
    result
        Figures, or GeoJSON with figures.
    method, seconds
        How, and how long it took.
    scenario
        Token of the scenario whose cameras it rests on.

    Raises
    ------
    NotFound
        If there is no such scenario.
    """
    return keep_run(
        kind,
        parameters,
        result,
        method=method,
        seconds=seconds,
        revision=parking_revision(),
        scenario=scenario,
    )
