"""Which cameras could go: those whose loss costs least."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.placement.answers import Removal
from analysis.placement.inputs import (
    already_counts,
    candidate_costs,
    cover_pattern,
    demand_weights,
    require_count,
    rows_named,
)
from analysis.placement.prices import priced_bound, rounds_for
from analysis.placement.programme import EXACT_ENTRIES, PROOF_RATIO, Programme, merged, solve

__all__ = ["removal"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SWEEPS = 20
"""How often every removed camera is offered its place again."""


def removal(
    covers: sparse.csr_matrix,
    weights: npt.ArrayLike,
    k: int,
    *,
    costs: npt.ArrayLike | None = None,
    fixed: Sequence[int] = (),
    already_covered: npt.ArrayLike | None = None,
    time_limit_s: float = 10.0,
) -> Removal:
    """
    Choose the k cameras without which the least weight of demand is lost.

    Of two that see the same, each alone can go without loss, but not both: greedy removal with exact losses,
    then exchanges. A camera whose own loss, with the least that k − 1 others lose, is above what was found
    stays in every better choice; among the rest, HiGHS or prices on demand bound the loss from below.

    Parameters
    ----------
    covers
        Cameras in rows, demand in columns; an entry other than 0 means that it covers the demand.
    weights
        One a column, 0 or more.
    k
        How many go; from 1 to the number of cameras that are not fixed.
    costs
        What each saves if it goes, 0 or more; it breaks ties and is summed, it does not weigh against cover.
    fixed
        Rows that must stay.
    already_covered
        One truth value a column: demand that others see, which nobody can lose.
    time_limit_s
        Seconds for the solver.

    Raises
    ------
    InputError
        If an argument is out of range, sizes differ, or there is nothing to cover.
    """
    covers = cover_pattern(covers)
    weight = demand_weights(covers, weights)
    cost = candidate_costs(covers, costs)
    seen = already_counts(covers, already_covered) > 0
    kept = rows_named(covers, "fixed", fixed)
    require_count("k", k, covers.shape[0])
    if k > covers.shape[0] - kept.size:
        raise InputError(
            "k is {k}, but only {free} cameras may go: {fixed} are fixed.",
            "Ask for fewer, or fix fewer.",
            k=k,
            free=covers.shape[0] - kept.size,
            fixed=kept.size,
        )
    require_positive("time_limit_s", time_limit_s, zero=True)
    held = np.bincount(covers.indices, minlength=weight.size) > 0
    loose = ~seen & held
    loose[covers[kept].indices] = False
    free = np.setdiff1d(np.arange(covers.shape[0]), kept)
    part = covers[free][:, loose].tocsr()
    gone, bound = _least_loss(part, weight[loose], cost[free], k, time_limit_s)
    gone, losses = _in_order(part, weight[loose], cost[free], gone)
    lost = float(losses.sum())
    proven = lost - bound <= PROOF_RATIO * max(lost, float(weight.mean()))
    bound = lost if proven else max(bound, 0.0)
    removed = free[gone]
    return Removal(
        removed=removed,
        losses=losses,
        lost_weight=lost,
        covered_weight=float(weight[seen | held].sum()) - lost,
        lower_bound=bound,
        gap_ratio=0.0 if proven else (lost - bound) / lost,
        proven_optimal=bool(proven),
        saved_cost=float(cost[removed].sum()),
    )


def _least_loss(
    covers: sparse.csr_matrix, weight: Floats, cost: Floats, k: int, time_limit_s: float
) -> tuple[Ints, float]:
    """k rows whose loss is small, and what any k rows lose at least."""
    across = covers.T.tocsr()
    gone = _remove(
        covers.indptr, covers.indices, across.indptr, across.indices, weight, _ties(cost), k, SWEEPS
    )
    rows = np.flatnonzero(gone)
    times = np.diff(across.indptr)
    own = covers @ np.where(times == 1, weight, 0.0)
    lost = float(weight[np.bincount(covers[rows].indices, minlength=weight.size) == times].sum())
    least = np.sort(own)
    bound = float(least[:k].sum())
    if lost - bound <= PROOF_RATIO * lost:
        return rows, bound
    others = least[: k - 1].sum() + np.where(own <= least[k - 1], least[k - 1], own)  # with it, k at least
    may = np.flatnonzero(others <= lost * (1 + 1e-9))
    rows_among, among_bound = _proven(covers, weight, times, may, np.flatnonzero(gone[may]), k, time_limit_s)
    return may[rows_among], max(bound, among_bound)


def _proven(
    covers: sparse.csr_matrix, weight: Floats, times: Ints, may: Ints, gone: Ints, k: int, time_limit_s: float
) -> tuple[Ints, float]:
    """The same among the rows that may go: which of them to keep is a maximal covering problem."""
    part = covers[may]
    all_may_go = np.flatnonzero(np.bincount(part.indices, minlength=weight.size) == times)
    total = float(weight[all_may_go].sum())
    stays = may.size - k
    programme = merged(
        Programme.of(
            part[:, all_may_go].tocsr(),
            weight[all_may_go],
            sides=np.ones((1, may.size)),
            limits=[float(stays)],
        )
    )
    kept = np.setdiff1d(np.arange(may.size), gone)
    if programme.covers.nnz <= EXACT_ENTRIES and time_limit_s > 0:
        solved = solve(programme, kept, time_limit_s)
        if solved.rows is not None:
            kept = _filled_up(solved.rows, may.size, stays)
        bound = solved.bound
    else:
        alone = np.where(np.bincount(programme.covers.indices, minlength=programme.base.size) == 1, 1.0, 0.0)
        rounds = rounds_for(programme, time_limit_s)
        bound = priced_bound(programme, rounds, start=kept, prices=programme.first * alone).bound
    return np.setdiff1d(np.arange(may.size), kept), total - bound


def _filled_up(rows: Ints, count: int, size: int) -> Ints:
    """Rows and as many others, in order, as make `size`."""
    others = np.setdiff1d(np.arange(count), rows)
    return np.sort(np.concatenate([rows, others[: size - rows.size]]))


def _ties(cost: Floats) -> Floats:
    """So little that it only decides between equals: the dearer goes first."""
    return -1e-9 * cost / max(float(cost.max(initial=0.0)), 1e-300)


def _in_order(covers: sparse.csr_matrix, weight: Floats, cost: Floats, rows: Ints) -> tuple[Ints, Floats]:
    """The rows, each the one whose loss is least after those before it, and the losses."""
    times = np.bincount(covers.indices, minlength=weight.size)
    part = covers[rows]
    dear = _ties(cost[rows]) * max(float(weight.max(initial=0.0)), 1e-300)
    order: list[int] = []
    losses: list[float] = []
    for _ in range(rows.size):
        loss = part @ np.where(times == 1, weight, 0.0)
        loss[order] = np.inf
        least = int(np.argmin(loss + dear))
        order.append(least)
        losses.append(float(loss[least]))
        times[part[least].indices] -= 1
    return rows[order], np.array(losses)


@numba.njit(cache=True, nogil=True)
def _take(row, by, starts, items, backs, holders, weight, times, loss):  # type: ignore[no-untyped-def]
    """Takes a row away (−1) or puts it back (1), and keeps what each remaining row alone covers."""
    for item in items[starts[row] : starts[row + 1]]:
        times[item] += by
        if (by < 0 and times[item] == 1) or (by > 0 and times[item] == 2):
            for other in holders[backs[item] : backs[item + 1]]:
                loss[other] -= by * weight[item]


@numba.njit(cache=True, nogil=True)
def _remove(starts, items, backs, holders, weight, ties, k, sweeps):  # type: ignore[no-untyped-def]
    """Marks of k rows: greedy, then each is put back and whatever then costs least goes instead."""
    n = len(starts) - 1
    unit = 0.0
    for item in range(len(weight)):
        unit = max(unit, weight[item])
    times, loss = np.empty(len(weight), np.int64), np.zeros(n)
    for item in range(len(weight)):
        times[item] = backs[item + 1] - backs[item]
        if times[item] == 1:
            loss[holders[backs[item]]] += weight[item]
    gone = np.zeros(n, np.bool_)
    queue = [(loss[row] + ties[row] * unit, row) for row in range(n)]
    heapify(queue)
    rows, size = np.empty(k, np.int64), 0
    while size < k:
        value, row = heappop(queue)
        now = loss[row] + ties[row] * unit
        if now > value + 1e-12 * unit:  # others have gone since: it costs more by now
            heappush(queue, (now, row))
            continue
        gone[row] = True
        rows[size] = row
        size += 1
        _take(row, -1, starts, items, backs, holders, weight, times, loss)
    better = True
    while better and sweeps > 0:
        better = False
        sweeps -= 1
        for place in range(k):
            row = rows[place]
            _take(row, 1, starts, items, backs, holders, weight, times, loss)
            gone[row] = False
            least = row
            for other in range(n):
                if not gone[other] and loss[other] < loss[least] - 1e-9 * unit:
                    least = other
            better |= least != row
            gone[least] = True
            rows[place] = least
            _take(least, -1, starts, items, backs, holders, weight, times, loss)
    return gone
