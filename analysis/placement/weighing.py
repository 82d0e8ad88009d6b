"""Search for a cheap set cover: demand that is hard to cover grows heavier until somebody covers it."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["cheapest_cover", "greedy_cover"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.integer]
Truths = npt.NDArray[np.bool_]


class Scale(NamedTuple):
    """
    The state of the search.

    Attributes
    ----------
    starts, items
        Columns that each row covers, compressed.
    backs, holders
        Rows that cover each column, compressed.
    cost
        One a row, above 0.
    weight, growth, burden
        One a column: what it counts towards the allowance, by how much it grows, how heavy it has become.
    score
        Burden that taking the row in would cover, or that leaving it out would uncover.
    times
        How often each column is covered.
    chosen
        Rows that are in.
    moved_at, left_at
        When each row last came or went, and when it last went.
    seen_at
        When the cover of each column last changed.
    open, place
        Columns that nobody covers, in the first `tally[0]` places, and the place of each.
    tally
        How many are open; how many rows are chosen.
    listed, spot
        Rows that are chosen, and the place of each.
    """

    starts: Indices
    items: Indices
    backs: Indices
    holders: Indices
    cost: Floats
    weight: Floats
    growth: Floats
    burden: Floats
    score: Floats
    times: Ints
    chosen: Truths
    moved_at: Ints
    left_at: Ints
    seen_at: Ints
    open: Ints
    place: Ints
    tally: Ints
    listed: Ints
    spot: Ints


def greedy_cover(covers: sparse.csr_matrix, cost: Floats, weight: Floats, allowance: float) -> Ints:
    """
    Rows that leave at most `allowance` of the weight uncovered: each the one that covers most for its cost [1]_.

    References
    ----------
    .. [1] Chvátal (1979), A greedy heuristic for the set-covering problem.
    """
    scale = _scale(covers, cost, weight)
    _greedy(scale, float(weight.sum()), allowance, np.argsort(-cost, kind="stable"))
    return np.sort(scale.listed[: scale.tally[1]])


def cheapest_cover(
    covers: sparse.csr_matrix,
    cost: Floats,
    weight: Floats,
    allowance: float,
    rows: Ints,
    steps: float,
    seed: int = 0,
) -> Ints:
    """
    The cheapest rows found that leave at most `allowance` of the weight uncovered.

    Rows go until something is uncovered, then come to cover a column picked at random; columns that stay
    uncovered grow heavier with every turn [1]_. The same seed gives the same answer.

    Parameters
    ----------
    covers
        Every column is covered by a row.
    cost
        One a row, above 0.
    weight
        One a column, above 0.
    allowance
        Weight that may stay uncovered, 0 or more.
    rows
        A cover to begin from.
    steps
        Entries of the matrix to visit.

    References
    ----------
    .. [1] Gao, Weise & Li (2015), An efficient local search heuristic with row weighting for the unicost set
       covering problem.
    """
    if not rows.size or not covers.shape[1]:
        return rows
    best = _weigh(_scale(covers, cost, weight), rows, float(weight.sum()), allowance, steps, seed)
    return np.flatnonzero(best)


def _scale(covers: sparse.csr_matrix, cost: Floats, weight: Floats) -> Scale:
    across = covers.T.tocsr()
    rows, columns = covers.shape
    growth = weight / weight.mean() if weight.size else weight
    return Scale(
        covers.indptr,
        covers.indices,
        across.indptr,
        across.indices,
        cost,
        weight,
        growth,
        growth.copy(),
        covers @ growth,
        np.zeros(columns, np.int64),
        np.zeros(rows, bool),
        np.zeros(rows, np.int64),
        np.full(rows, -1),
        np.zeros(columns, np.int64),
        np.arange(columns),
        np.arange(columns),
        np.array([columns, 0]),
        np.zeros(rows, np.int64),
        np.zeros(rows, np.int64),
    )


@numba.njit(cache=True, nogil=True)
def _greedy(scale, total, allowance, dearest):  # type: ignore[no-untyped-def]
    """Takes rows in until little enough is open, then leaves out what is not needed, dearest first."""
    uncovered, now = total, 0
    while uncovered > allowance and scale.tally[0] > 0:
        now += 1
        pick, rate = -1, 0.0
        for row in range(len(scale.cost)):
            if not scale.chosen[row] and scale.score[row] > rate * scale.cost[row]:
                pick, rate = row, scale.score[row] / scale.cost[row]
        if pick < 0:
            break
        uncovered -= _come(scale, pick, now)[0]
    for row in dearest:
        if scale.chosen[row]:
            opened = _go(scale, row, now)[0]
            if uncovered + opened > allowance:
                _come(scale, row, now)
            else:
                uncovered += opened


@numba.njit(cache=True, nogil=True)
def _come(scale, row, now):  # type: ignore[no-untyped-def]
    """Takes a row in; returns the weight that it covers and the entries visited."""
    covered, visited = 0.0, 0
    scale.chosen[row] = True
    scale.moved_at[row] = now
    scale.spot[row] = scale.tally[1]
    scale.listed[scale.tally[1]] = row
    scale.tally[1] += 1
    own = 0.0
    for item in scale.items[scale.starts[row] : scale.starts[row + 1]]:
        visited += 1
        scale.seen_at[item] = now
        scale.times[item] += 1
        if scale.times[item] > 2:
            continue
        visited += scale.backs[item + 1] - scale.backs[item]
        held = scale.holders[scale.backs[item] : scale.backs[item + 1]]
        if scale.times[item] == 1:
            own += scale.burden[item]
            covered += scale.weight[item]
            last = scale.open[scale.tally[0] - 1]
            scale.open[scale.place[item]] = last
            scale.place[last] = scale.place[item]
            scale.tally[0] -= 1
            for other in held:
                scale.score[other] -= scale.burden[item]
        else:
            for other in held:
                if scale.chosen[other] and other != row:
                    scale.score[other] -= scale.burden[item]
    scale.score[row] = own
    return covered, visited


@numba.njit(cache=True, nogil=True)
def _go(scale, row, now):  # type: ignore[no-untyped-def]
    """Leaves a row out; returns the weight that it uncovers and the entries visited."""
    opened, visited = 0.0, 0
    scale.chosen[row] = False
    scale.moved_at[row] = scale.left_at[row] = now
    last = scale.listed[scale.tally[1] - 1]
    scale.listed[scale.spot[row]] = last
    scale.spot[last] = scale.spot[row]
    scale.tally[1] -= 1
    own = 0.0
    for item in scale.items[scale.starts[row] : scale.starts[row + 1]]:
        visited += 1
        scale.seen_at[item] = now
        scale.times[item] -= 1
        if scale.times[item] > 1:
            continue
        visited += scale.backs[item + 1] - scale.backs[item]
        held = scale.holders[scale.backs[item] : scale.backs[item + 1]]
        if scale.times[item] == 0:
            own += scale.burden[item]
            opened += scale.weight[item]
            scale.open[scale.tally[0]] = item
            scale.place[item] = scale.tally[0]
            scale.tally[0] += 1
            for other in held:
                scale.score[other] += scale.burden[item]
        else:
            for other in held:
                if scale.chosen[other]:
                    scale.score[other] += scale.burden[item]
    scale.score[row] = own
    return opened, visited


@numba.njit(cache=True, nogil=True)
def _least_needed(scale, kept):  # type: ignore[no-untyped-def]
    """The chosen row that covers least for its cost, the one longest in among equals; not `kept`."""
    pick, rate = -1, np.inf
    for row in scale.listed[: scale.tally[1]]:
        if row == kept:
            continue
        mine = scale.score[row] / scale.cost[row]
        if mine < rate or (mine == rate and scale.moved_at[row] < scale.moved_at[pick]):
            pick, rate = row, mine
    return pick


@numba.njit(cache=True, nogil=True)
def _most_wanted(scale, item):  # type: ignore[no-untyped-def]
    """The row over a column that covers most for its cost; one that has just gone waits until a neighbour moves."""
    pick, rate = -1, -1.0
    for row in scale.holders[scale.backs[item] : scale.backs[item + 1]]:
        mine = scale.score[row] / scale.cost[row]
        if mine < rate or (mine == rate and pick >= 0 and scale.moved_at[row] >= scale.moved_at[pick]):
            continue
        may = scale.left_at[row] < 0
        for other in scale.items[scale.starts[row] : scale.starts[row + 1]]:
            if may:
                break
            may = scale.seen_at[other] > scale.left_at[row]
        if may:
            pick, rate = row, mine
    return pick


@numba.njit(cache=True, nogil=True)
def _weigh(scale, rows, total, allowance, steps, seed):  # type: ignore[no-untyped-def]
    """Marks of the cheapest rows found."""
    np.random.seed(seed)
    slack = allowance + 1e-9 * total
    uncovered, cost, now, came = total, 0.0, 0, -1
    for row in rows:
        uncovered -= _come(scale, row, now)[0]
        cost += scale.cost[row]
    best, best_cost = scale.chosen.copy(), cost
    while steps > 0 and (scale.tally[1] > 0 or uncovered > slack):
        now += 1
        more = True
        while more and scale.tally[1] > 0:  # down to one less than a cover, and one further
            more = uncovered <= slack
            if more and cost < best_cost * (1 - 1e-9):
                best[:] = scale.chosen
                best_cost = cost
            row = _least_needed(scale, -1 if more else came)
            steps -= scale.tally[1]
            if row < 0:
                break
            opened, visited = _go(scale, row, now)
            uncovered += opened
            cost -= scale.cost[row]
            steps -= visited
        while uncovered > slack:
            item = scale.open[np.random.randint(scale.tally[0])]
            row = _most_wanted(scale, item)
            steps -= 2 * (scale.backs[item + 1] - scale.backs[item])
            if row < 0 or cost + scale.cost[row] >= best_cost * (1 - 1e-9):
                break
            now += 1
            covered, visited = _come(scale, row, now)
            uncovered -= covered
            cost += scale.cost[row]
            came = row
            steps -= visited + _press(scale)
        steps -= _press(scale) + 1
    if uncovered <= slack and cost < best_cost * (1 - 1e-9):
        best[:] = scale.chosen
    return best


@numba.njit(cache=True, nogil=True)
def _press(scale):  # type: ignore[no-untyped-def]
    """What is open grows heavier; returns the entries visited."""
    visited = 0
    for item in scale.open[: scale.tally[0]]:
        scale.burden[item] += scale.growth[item]
        visited += scale.backs[item + 1] - scale.backs[item]
        for row in scale.holders[scale.backs[item] : scale.backs[item + 1]]:
            scale.score[row] += scale.growth[item]
    return visited
