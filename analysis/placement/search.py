"""Good choices of k rows: greedy with lazy gains, exchanges of one for one, and annealing."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from analysis.placement.budget import Budget
from analysis.placement.incidence import Incidence, Marks

__all__ = ["annealed", "exchanged", "greedy"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HEAT_RATIO = 0.03
"""Temperature at the start, as a share of what a chosen row covers on average."""
COOLING = 30.0
"""First temperature over last."""
FRESH_RATIO = 0.1
"""Share of moves towards demand that nobody covers; the others look near a chosen row."""
CHUNK = 8192
"""Moves between two looks at the clock."""
AHEAD = 32
"""Moves that are looked up together."""
VISIT_STEPS = 3
"""Steps that one entry costs in a move: several look-ups that no pattern foretells."""
MOVE_STEPS = 300
"""Steps that a move costs besides its entries."""

MANY, NOBODY, FIRST = 0, 1, 2
NOW, BEST = 0, 1


class _Walk(NamedTuple):
    """
    A choice that changes row by row, and what is kept up to date with it.

    Attributes
    ----------
    rows
        The chosen row of each slot.
    slot
        The slot of each row, −1 if it is not chosen.
    times
        How many chosen rows cover each item.
    mixed
        Exclusive or of their slots: the slot itself where there is one.
    tag
        Of each item: MANY, NOBODY, or FIRST + slot of the one that covers it.
    loss
        Of each tag: weight of the items that bear it; infinite for MANY and NOBODY.
    near
        Of each tag: room for a sum, 0 between moves.
    best
        The best rows so far.
    sums
        Weight covered NOW and at BEST.
    """

    rows: Ints
    slot: Ints
    times: Ints
    mixed: Ints
    tag: Marks
    loss: Floats
    near: Floats
    best: Ints
    sums: Floats


def greedy(found: Incidence, k: int) -> tuple[Ints, Floats]:
    """Up to k rows, each the one that adds most to those before, and what each adds."""
    return _lazy_greedy(found.starts, found.items, found.weight, found.worth, k)


def exchanged(found: Incidence, rows: Ints, budget: Budget, share: float) -> Ints:
    """The rows after exchanges of one for one, until none gains or the budget is spent to a share."""
    walk = _walk(found, rows)
    least = 1e-9 * float(found.weight.sum())
    everyone, never = np.arange(found.rows), np.ones(found.rows)
    changed = True
    while changed and budget.spent_ratio < share:
        before = walk.sums[NOW]
        visits = _move(found.starts, found.items, found.weight, walk, everyone, never, 0.0, least)
        budget.spend(VISIT_STEPS * visits)
        changed = walk.sums[NOW] > before
    return walk.rows


def annealed(
    found: Incidence, rows: Ints, budget: Budget, share: float, *, enough: float = np.inf, seed: int = 0
) -> tuple[Ints, float]:
    """
    The best rows that a cooling walk meets, and what they cover.

    A move takes a row near a chosen one, or one that covers what nobody covers, and gives up the chosen row
    that is then missed least; a move that loses is made with a chance that shrinks as the walk cools
    (simulated annealing [1]_).

    Parameters
    ----------
    rows
        Where to begin, at least one.
    budget, share
        Cools as the budget is spent to this share.
    enough
        Stops once so much is covered.
    seed
        Another number leads another way.

    References
    ----------
    .. [1] Kirkpatrick, Gelatt & Vecchi (1983), Optimization by simulated annealing.
    """
    walk = _walk(found, rows)
    random = np.random.default_rng(seed)
    begun = budget.spent_ratio
    hottest = HEAT_RATIO * walk.sums[BEST] / len(rows)
    parts = (found.starts, found.items, found.backs, found.holders, found.weight)
    while (spent := budget.spent_ratio) < share and walk.sums[BEST] < enough:
        heat = hottest * COOLING ** ((begun - spent) / (share - begun))
        visits = _anneal(*parts, walk, random.random((CHUNK, 5)), heat)
        budget.spend(VISIT_STEPS * visits + MOVE_STEPS * CHUNK)
    return walk.best, found.covered(walk.best)


def _walk(found: Incidence, rows: Ints) -> _Walk:
    """The walk at its beginning."""
    walk = _Walk(
        rows=rows.copy(),
        slot=np.full(found.rows, -1),
        times=np.zeros(len(found.weight), np.int64),
        mixed=np.zeros(len(found.weight), np.int64),
        tag=np.full(len(found.weight), NOBODY, np.uint32),
        loss=np.concatenate([[np.inf, np.inf], np.zeros(len(rows))]),
        near=np.zeros(FIRST + len(rows)),
        best=rows.copy(),
        sums=np.full(2, found.covered(rows)),
    )
    for slot, row in enumerate(rows):
        walk.slot[row] = slot
        _enter(found.starts, found.items, found.weight, walk, row, slot)
    return walk


@numba.njit(cache=True, nogil=True)
def _lazy_greedy(starts: Ints, items: Marks, weight: Floats, gains: Floats, k: int) -> tuple[Ints, Floats]:
    """Rows in order of choice and their gains; stops early where nothing is left to gain."""
    heap = [(-gains[row], row) for row in range(len(gains))]
    heapify(heap)
    covered = np.zeros(len(weight), np.bool_)
    valued = np.zeros(len(gains), np.int64)  # how many were chosen when the gain was last worked out
    rows, added, chosen = np.empty(k, np.int64), np.empty(k), 0
    while chosen < k and heap:
        loss, row = heappop(heap)
        if loss >= 0:
            break
        if valued[row] == chosen:
            rows[chosen], added[chosen] = row, -loss
            chosen += 1
            for item in items[starts[row] : starts[row + 1]]:
                covered[item] = True
            continue
        gain = 0.0
        for item in items[starts[row] : starts[row + 1]]:
            if not covered[item]:
                gain += weight[item]
        valued[row] = chosen
        heappush(heap, (-gain, row))
    return rows[:chosen], added[:chosen]


@numba.njit(cache=True, nogil=True)
def _enter(starts: Ints, items: Marks, weight: Floats, walk: _Walk, row: int, slot: int) -> None:
    """Counts a row in."""
    tag, mixed, loss = walk.tag, walk.mixed, walk.loss
    gained = 0.0
    for place in range(starts[row], starts[row + 1]):
        item = items[place]
        walk.times[item] += 1
        mixed[item] ^= slot
        if tag[item] == NOBODY:
            tag[item] = FIRST + slot
            gained += weight[item]
        elif tag[item] != MANY:
            loss[tag[item]] -= weight[item]
            tag[item] = MANY
    loss[FIRST + slot] = gained


@numba.njit(cache=True, nogil=True)
def _leave(starts: Ints, items: Marks, weight: Floats, walk: _Walk, row: int, slot: int) -> None:
    """Counts a row out."""
    tag, mixed, loss, times = walk.tag, walk.mixed, walk.loss, walk.times
    for place in range(starts[row], starts[row + 1]):
        item = items[place]
        times[item] -= 1
        mixed[item] ^= slot
        if times[item] == 0:
            tag[item] = NOBODY
        elif times[item] == 1:
            tag[item] = FIRST + mixed[item]
            loss[tag[item]] += weight[item]


@numba.njit(cache=True, nogil=True)
def _least(loss: Floats) -> int:
    """The tag of the least loss."""
    least = FIRST
    for mark in range(FIRST + 1, len(loss)):
        if loss[mark] < loss[least]:
            least = mark
    return least


@numba.njit(cache=True, nogil=True)
def _missed_least(
    starts: Ints, items: Marks, weight: Floats, walk: _Walk, come: int, least: int, touched: Ints
) -> tuple[int, float]:
    """The tag that is given up best if a row comes, and by how much the choice then covers more."""
    tag, loss, near = walk.tag, walk.loss, walk.near
    gain, reached = 0.0, 0
    for place in range(starts[come], starts[come + 1]):
        mark = tag[items[place]]
        if mark == NOBODY:
            gain += weight[items[place]]
        elif mark != MANY:
            if near[mark] == 0.0:
                touched[reached] = mark
                reached += 1
            near[mark] += weight[items[place]]
    go, missed = least, loss[least] - near[least]
    for which in range(reached):
        mark = touched[which]
        if loss[mark] - near[mark] < missed:
            go, missed = mark, loss[mark] - near[mark]
        near[mark] = 0.0
    return go, gain - missed


@numba.njit(cache=True, nogil=True)
def _move(
    starts: Ints,
    items: Marks,
    weight: Floats,
    walk: _Walk,
    proposed: Ints,
    luck: Floats,
    heat: float,
    more: float,
) -> int:
    """
    Takes proposed rows (−1: none) one after the other for the chosen ones that are missed least.

    Makes a move that covers over `more` more, or one that loses if `luck` allows it at this `heat`; returns
    how many entries were visited.
    """
    touched = np.empty(len(walk.loss), np.int64)
    least = _least(walk.loss)
    visits = 0
    for which in range(len(proposed)):
        come = proposed[which]
        if come < 0 or walk.slot[come] >= 0:
            continue
        visits += starts[come + 1] - starts[come]
        go, change = _missed_least(starts, items, weight, walk, come, least, touched)
        if change <= more and (heat == 0 or luck[which] >= np.exp(change / heat)):
            continue
        slot = go - FIRST
        walk.slot[walk.rows[slot]] = -1
        _leave(starts, items, weight, walk, walk.rows[slot], slot)
        _enter(starts, items, weight, walk, come, slot)
        walk.slot[come] = slot
        walk.rows[slot] = come
        least = _least(walk.loss)
        visits += starts[come + 1] - starts[come]
        walk.sums[NOW] += change
        if walk.sums[NOW] > walk.sums[BEST] * (1 + 1e-12):
            walk.sums[BEST] = walk.sums[NOW]
            for other in range(len(walk.rows)):
                walk.best[other] = walk.rows[other]
    return visits


@numba.njit(cache=True, nogil=True)
def _proposed(
    starts: Ints, items: Marks, backs: Ints, holders: Marks, walk: _Walk, draws: Floats, proposed: Ints
) -> None:
    """
    Writes the row that each move would take, −1 for none.

    All at once, ahead of the moves, because the look-ups of one need not wait for those of another.
    """
    for move in range(len(draws)):
        proposed[move] = -1
        if draws[move, 0] < FRESH_RATIO:
            item = np.int64(draws[move, 1] * len(walk.tag))
            if walk.tag[item] != NOBODY:
                continue
        else:
            row = walk.rows[int(draws[move, 3] * len(walk.rows))]
            item = np.int64(items[starts[row] + int(draws[move, 1] * (starts[row + 1] - starts[row]))])
        proposed[move] = holders[backs[item] + int(draws[move, 2] * (backs[item + 1] - backs[item]))]


@numba.njit(cache=True, nogil=True)
def _anneal(
    starts: Ints,
    items: Marks,
    backs: Ints,
    holders: Marks,
    weight: Floats,
    walk: _Walk,
    draws: Floats,
    heat: float,
) -> int:
    """Makes or passes one move a row of `draws`, each in [0, 1); returns how many entries were visited."""
    proposed = np.empty(AHEAD, np.int64)
    visits = 0
    for begin in range(0, len(draws), AHEAD):
        part = draws[begin : begin + AHEAD]
        _proposed(starts, items, backs, holders, walk, part, proposed)
        visits += _move(starts, items, weight, walk, proposed, part[:, 4].copy(), heat, 0.0)
    return visits
