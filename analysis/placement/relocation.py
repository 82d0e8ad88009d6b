"""A few cameras taken to better places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.placement.answers import Relocation
from analysis.placement.choosing import Choice, best_choice, better, first_look, is_open, proof, without_fixed
from analysis.placement.inputs import (
    already_counts,
    cover_pattern,
    demand_weights,
    require_count,
    rows_named,
)
from analysis.placement.prices import STEPS_A_SECOND, priced_bound, rounds_for
from analysis.placement.programme import EXACT_ENTRIES, Programme, merged, objective, solve
from analysis.placement.rebuilding import filled, in_order, rebuilt
from analysis.placement.removal import removal

__all__ = ["relocation"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LOOSE = 200
"""Besides 20 for each move, so many of the cameras whose loss costs least are tried elsewhere."""


def relocation(
    covers: sparse.csr_matrix,
    weights: npt.ArrayLike,
    current: Sequence[int],
    swaps: int,
    *,
    fixed: Sequence[int] = (),
    already_covered: npt.ArrayLike | None = None,
    time_limit_s: float = 10.0,
) -> Relocation:
    """
    Take at most `swaps` of the current cameras away and put as many elsewhere, so that most is covered.

    Parameters
    ----------
    covers
        Cameras and places for them in rows, demand in columns; an entry other than 0 means that it covers
        the demand.
    weights
        One a column, 0 or more.
    current
        Rows where cameras are.
    swaps
        How many may be moved; from 1 to the number of current cameras that are not fixed.
    fixed
        Rows among the current that stay.
    already_covered
        One truth value a column: demand that others see.
    time_limit_s
        Seconds for the solver; search and bounds are held to a number of steps that takes about as long.

    Raises
    ------
    InputError
        If an argument is out of range, sizes differ, there is nothing to cover, or nowhere to go.
    """
    covers = cover_pattern(covers)
    weight = demand_weights(covers, weights)
    base = np.minimum(already_counts(covers, already_covered), 1)
    here = rows_named(covers, "current", current)
    stay = rows_named(covers, "fixed", fixed)
    _require_moves(covers, here, stay, swaps)
    require_positive("time_limit_s", time_limit_s, zero=True)
    sides = np.ones((2, covers.shape[0]))
    sides[1, here] = 0.0
    whole = Programme.of(covers, weight, base=base, sides=sides, limits=[float(here.size), float(swaps)])
    now = objective(whole, here)
    rest, free = without_fixed(whole, stay)
    rest = replace(rest, limits=np.array([float(here.size - stay.size), float(swaps)]))
    start = np.searchsorted(free, np.setdiff1d(here, stay))
    rows, bound = _moved(rest, start, swaps, time_limit_s)
    chosen = np.union1d(free[rows], stay)
    gone, come = np.setdiff1d(here, chosen), np.setdiff1d(chosen, here)
    gone, come = _ordered(whole, here, gone, come)
    reached = objective(whole, np.concatenate([np.setdiff1d(here, gone), come]))
    found = proof(reached, bound, now)
    return Relocation(
        removed=gone,
        added=come,
        current_weight=now,
        covered_weight=reached,
        upper_bound=found.upper_bound,
        gap_ratio=found.gap_ratio,
        proven_optimal=found.proven_optimal,
    )


def _require_moves(covers: sparse.csr_matrix, here: Ints, stay: Ints, swaps: int) -> None:
    """There are so many cameras to move and places to go to."""
    require_count("swaps", swaps, covers.shape[0])
    outside = np.setdiff1d(stay, here)
    if outside.size:
        raise InputError(
            "fixed names row {row}, where no camera is.", "Fix rows of current only.", row=int(outside[0])
        )
    if here.size == covers.shape[0]:
        raise InputError("There is nowhere to go: every candidate has a camera.", "Add candidates to covers.")
    if swaps > here.size - stay.size:
        raise InputError(
            "swaps is {swaps}, but only {free} cameras may move.",
            "Ask for 1 to {free}.",
            swaps=swaps,
            free=here.size - stay.size,
        )


def _moved(programme: Programme, here: Ints, swaps: int, time_limit_s: float) -> Choice:
    """A choice after at most so many moves, no worse than staying, and a bound on all such choices."""
    small = merged(programme)
    loose = _shortlist(small, here, swaps)
    rows = _improved(
        small, here, loose, _first_moves(small, here, loose, swaps), first_look(small, time_limit_s)
    )
    adding = without_fixed(small, here)[0]
    adding = replace(adding, sides=adding.sides[:1], limits=np.array([float(swaps)]))
    bound = best_choice(adding, time_limit_s / 3).bound  # nothing taken away: no less is covered
    if is_open(objective(small, rows), bound):
        seen = np.bincount(small.covers[here].indices, minlength=small.base.size) > 0
        prices, rounds = np.where(seen, 0.0, small.first), rounds_for(small, time_limit_s / 3)
        priced = priced_bound(small, rounds, start=rows, prices=prices, reached=objective(small, rows))
        bound = min(bound, priced.bound)
    if is_open(objective(small, rows), bound) and small.covers.nnz <= EXACT_ENTRIES and time_limit_s > 0:
        solved = solve(small, rows, time_limit_s / 2)
        bound = min(bound, solved.bound)
        rows = rows if solved.rows is None else better(small, rows, solved.rows)
    if is_open(objective(small, rows), bound):
        steps = time_limit_s * STEPS_A_SECOND / 3
        rows = better(small, rows, _improved(small, here, loose, rows, steps))
    return Choice(rows, bound)


def _shortlist(programme: Programme, here: Ints, swaps: int) -> Ints:
    """The cameras whose loss costs least: those that are tried elsewhere."""
    times = programme.base + np.bincount(programme.covers[here].indices, minlength=programme.base.size)
    own = programme.covers[here] @ np.where(times == 1, programme.first, 0.0)
    return here[np.argsort(own, kind="stable")[: LOOSE + 20 * swaps]]


def _first_moves(programme: Programme, here: Ints, loose: Ints, swaps: int) -> Ints:
    """Those whose loss costs least go, and the places that gain most are taken, if that is better."""
    held = np.setdiff1d(here, loose)
    part, free = without_fixed(programme, held)
    part = replace(part, limits=np.array([float(loose.size), float(swaps)]))
    among = np.searchsorted(free, loose)
    columns = part.covers[among].tocsr()
    if not columns.nnz or not part.first.any():
        return here
    gone = removal(columns, part.first, swaps, already_covered=part.base > 0, time_limit_s=0).removed
    start = filled(part, np.delete(among, gone))
    return better(programme, here, np.union1d(held, free[start]))


def _improved(programme: Programme, here: Ints, loose: Ints, rows: Ints, steps: float) -> Ints:
    """The rows, where those on the shortlist and the new ones are chosen anew again and again."""
    held = np.setdiff1d(here, loose)
    part, free = without_fixed(programme, held)
    part = replace(part, limits=programme.limits - np.array([float(held.size), 0.0]))
    return np.union1d(held, free[rebuilt(part, np.searchsorted(free, np.setdiff1d(rows, held)), steps)])


def _ordered(programme: Programme, here: Ints, gone: Ints, come: Ints) -> tuple[Ints, Ints]:
    """As many come as go: those that add nothing stay away, and the dearest to lose stay for them."""
    staying = np.setdiff1d(here, gone)
    rest, free = without_fixed(programme, staying)
    come = free[in_order(rest, np.searchsorted(free, come))[0]]
    rest, free = without_fixed(programme, np.concatenate([staying, come]))
    dear = free[in_order(rest, np.searchsorted(free, gone))[0]]
    silent = np.setdiff1d(gone, dear)
    order = np.concatenate([silent, dear[::-1]])
    return order[: come.size], come
