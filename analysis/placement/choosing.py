"""One way through every model: greedy, rebuilt, bounded by prices, proven by HiGHS where that is in reach."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.placement.prices import STEPS_A_SECOND, priced_bound, rounds_for
from analysis.placement.programme import EXACT_ENTRIES, PROOF_RATIO, Programme, merged, objective, solve
from analysis.placement.rebuilding import added, filled, in_order, rebuilt

__all__ = [
    "Choice",
    "Proof",
    "best_choice",
    "better",
    "first_look",
    "is_open",
    "placed",
    "proof",
    "without_fixed",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FIRST_LOOK = 0.1
"""Share of the time for a first search at most: often the bound meets it."""
LOOKS = 200
"""How often a first search visits every entry, at most."""


class Choice(NamedTuple):
    """Rows, and what no choice can exceed; infinite if there is no bound."""

    rows: Ints
    bound: float


class Proof(NamedTuple):
    """How far an answer can be from the best."""

    upper_bound: float
    gap_ratio: float
    proven_optimal: bool


def best_choice(programme: Programme, time_limit_s: float, *, start: Ints | None = None) -> Choice:
    """
    A good choice within the limits, and a bound on every choice; both with what is covered already.

    Parameters
    ----------
    programme
        Without needs, and with one limit at least.
    time_limit_s
        Seconds for the solver; the rest is held to a number of steps that takes about as long.
    start
        A choice within the limits to begin from; greedy if not given.
    """
    small = merged(programme)
    steps = time_limit_s * STEPS_A_SECOND
    rows = filled(small, np.zeros(0, np.int64) if start is None else start)
    if not rows.size:  # no row that fits gains anything: nor do several
        return Choice(rows, objective(small, rows))
    rows = better(small, rows, _best_single(small))
    rows = better(small, rows, rebuilt(small, rows, first_look(small, time_limit_s)))
    reached = objective(small, rows)
    priced = priced_bound(small, rounds_for(small, time_limit_s / 3), start=rows, reached=reached)
    bound = priced.bound
    if is_open(reached, bound):
        rows = better(small, rows, _rounded(small, priced.leaning))
        if small.covers.nnz <= EXACT_ENTRIES and time_limit_s > 0:
            solved = solve(small, rows, time_limit_s / 2)
            bound = min(bound, solved.bound)
            if solved.rows is not None and _keeps_limits(small, solved.rows):
                rows = better(small, rows, solved.rows)
    if is_open(objective(small, rows), bound):
        rows = better(small, rows, rebuilt(small, rows, steps / 3, seed=1))
    return Choice(rows, max(bound, objective(small, rows)))


def first_look(programme: Programme, time_limit_s: float) -> float:
    """Steps of a first search."""
    size = programme.covers.nnz + sum(programme.covers.shape)
    return float(min(FIRST_LOOK * time_limit_s * STEPS_A_SECOND, LOOKS * size))


def proof(reached: float, bound: float, already: float) -> Proof:
    """
    The gap that is left of what could be gained.

    Parameters
    ----------
    reached
        By the answer.
    bound
        At least the best; no less than `reached` but for rounding.
    already
        Reached without doing anything.
    """
    bound = max(bound, reached)
    proven = not is_open(reached, bound)
    if proven:
        return Proof(reached, 0.0, True)
    return Proof(bound, (bound - reached) / (bound - already), False)


def is_open(reached: float, bound: float) -> bool:
    """The bound is not met."""
    return bound - reached > PROOF_RATIO * abs(bound)


def better(programme: Programme, rows: Ints, other: Ints) -> Ints:
    """Whichever brings more."""
    return other if objective(programme, other) > objective(programme, rows) else rows


def without_fixed(programme: Programme, kept: Ints) -> tuple[Programme, Ints]:
    """The programme of the other rows where the kept ones are chosen already, and which rows those are."""
    free = np.setdiff1d(np.arange(programme.covers.shape[0]), kept)
    base = programme.base + np.bincount(programme.covers[kept].indices, minlength=programme.base.size)
    rest = replace(
        programme,
        covers=programme.covers[free],
        price=programme.price[free],
        sides=programme.sides[:, free],
        base=np.minimum(base, 2),
    )
    return rest, free


def placed(programme: Programme, kept: Ints, picked: Ints) -> tuple[Ints, Floats]:
    """The kept rows as given, then the picked, the one that adds most first; and what each adds."""
    rest, free = without_fixed(programme, kept)
    order, _ = in_order(rest, np.searchsorted(free, picked))
    chosen = np.concatenate([kept, free[order]])
    return chosen, added(programme, chosen)


def _best_single(programme: Programme) -> Ints:
    """The one row that brings most, if it fits."""
    fits = (programme.sides <= programme.limits[:, None] * (1 + 1e-9)).all(axis=0)
    worth = programme.first * (programme.base == 0) + programme.second * (programme.base == 1)
    gains = np.where(fits, programme.covers @ worth, -1.0)
    return np.array([int(np.argmax(gains))]) if fits.any() else np.zeros(0, np.int64)


def _rounded(programme: Programme, leaning: Floats) -> Ints:
    """Rows that the relaxed answer leans to, as far as they fit, then others."""
    left, rows = programme.limits.copy(), []
    for row in np.argsort(-leaning, kind="stable"):
        if leaning[row] <= 0.5:
            break
        if (programme.sides[:, row] <= left + 1e-9 * np.maximum(1.0, np.abs(left))).all():
            rows.append(row)
            left -= programme.sides[:, row]
    return filled(programme, np.array(rows, dtype=np.int64))


def _keeps_limits(programme: Programme, rows: Ints) -> bool:
    taken = programme.sides[:, rows].sum(axis=1)
    return bool((taken <= programme.limits + 1e-9 * np.maximum(1.0, programme.limits)).all())
