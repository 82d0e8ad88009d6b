"""Quality of a dataset: what is wrong with codes, and one number of the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from analysis.codes import (
    explain_camera_code,
    explain_cell_code,
    explain_component_code,
    explain_event_code,
)
from analysis.errors import CodeError, InputError

__all__ = ["CODE_KINDS", "CodeFault", "check_codes", "quality_score"]

CODE_KINDS: Mapping[str, Callable[[str], list[CodeError]]] = MappingProxyType(
    {
        "cell": explain_cell_code,
        "component": explain_component_code,
        "event": explain_event_code,
        "camera": explain_camera_code,
    }
)
"""Kind of code → what is wrong with one, digit by digit; nothing for a good one."""


@dataclass(frozen=True, slots=True)
class CodeFault:
    """A code that is wrong: where it stands, the code, and the first thing that is wrong with it."""

    row: object
    code: str
    error: CodeError


def check_codes(kind: str, codes: Iterable[tuple[object, str | None]]) -> tuple[int, list[CodeFault]]:
    """
    Reads codes and returns how many there were and what is wrong with those that are.

    Parameters
    ----------
    kind
        Of `CODE_KINDS`.
    codes
        (row, code) one after the other; a missing code is none and is not counted.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    if kind not in CODE_KINDS:
        raise InputError(
            "There is no code '{kind}'.", "Choose one of: {kinds}.", kind=kind, kinds=", ".join(CODE_KINDS)
        )
    explain = CODE_KINDS[kind]
    seen, faults = 0, []
    for row, code in codes:
        if code is None:
            continue
        seen += 1
        if wrong := explain(code):
            faults.append(CodeFault(row, code, wrong[0]))
    return seen, faults


def quality_score(checks: Iterable[tuple[int, int]]) -> float | None:
    """
    One number in [0, 1] for the checks of a dataset: the product of the shares of rows that pass.

    Parameters
    ----------
    checks
        (rows looked at, rows that fail) of each check; one that looked at no row tells nothing.

    Returns
    -------
    score
        1 if nothing fails, 0 if some check fails everywhere; None if no check looked at a row.

    Raises
    ------
    InputError
        If a check has fewer rows than failures, or negative numbers.

    Notes
    -----
    A row that fails two checks counts twice: the score is a sign to look, not a share of good rows.
    """
    score: float | None = None
    for rows, faults in checks:
        if not 0 <= faults <= rows:
            raise InputError(
                "{faults} of {rows} rows fail.", "Give 0 ≤ faults ≤ rows.", faults=faults, rows=rows
            )
        if rows:
            score = (1.0 if score is None else score) * (1 - faults / rows)
    return score
