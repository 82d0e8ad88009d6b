"""Greedy choice within limits, and its improvement: take a few neighbours out, choose anew."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from analysis.placement.programme import Programme

__all__ = ["added", "filled", "in_order", "rebuilt"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.integer]

MOST_OUT = 6
"""How many rows are taken out at once, at most."""
WARMTH = 0.05
"""A loss of this share of a row's mean value is first accepted with the chance 1/e; in the end, a hundredth."""


class Board(NamedTuple):
    """
    The state of a search.

    Attributes
    ----------
    starts, items
        Columns that each row covers, compressed.
    backs, holders
        Rows that cover each column, compressed.
    first, lure, second
        Worth of covering a column once; what it is taken for when rows are chosen; worth of the second time.
    times
        How often each column is covered.
    gain
        What taking each row in would bring, by `lure`.
    chosen
        Rows that are in.
    sides, left
        What each row takes of each limit, and what is left of it.
    group, share, reached
        Group of each column, what it counts there, and what each group has.
    """

    starts: Indices
    items: Indices
    backs: Indices
    holders: Indices
    first: Floats
    lure: Floats
    second: Floats
    times: Ints
    gain: Floats
    chosen: npt.NDArray[np.bool_]
    sides: Floats
    left: Floats
    group: Ints
    share: Floats
    reached: Floats


def filled(programme: Programme, rows: Ints, lure: Floats | None = None) -> Ints:
    """
    The rows, and after them as many as fit, each the one that gains most for its cost.

    Gains are worked out again only when a row comes to the head of the queue [1]_; with one count as limit
    the choice is worth at least 63 % of the best [2]_.

    Parameters
    ----------
    lure
        What covering each column is taken to be worth, if not `first`.

    References
    ----------
    .. [1] Leskovec et al. (2007), Cost-effective outbreak detection in networks.
    .. [2] Nemhauser, Wolsey & Fisher (1978), An analysis of approximations for maximizing submodular set
       functions.
    """
    covers = programme.covers
    first = programme.first if lure is None else lure
    return np.asarray(
        _fill(
            covers.indptr,
            covers.indices,
            first,
            programme.second,
            programme.base.copy(),
            programme.sides,
            programme.limits - programme.sides[:, rows].sum(axis=1),
            rows.astype(np.int64),
        )
    )


def in_order(programme: Programme, rows: Ints) -> tuple[Ints, Floats]:
    """The rows, the one that adds most first, and what each adds; those that add nothing are left out."""
    covers = programme.covers[rows]
    free = np.zeros((0, rows.size))
    order = np.asarray(
        _fill(
            covers.indptr,
            covers.indices,
            programme.first,
            programme.second,
            programme.base.copy(),
            free,
            np.zeros(0),
            np.zeros(0, np.int64),
        )
    )
    return rows[order], added(programme, rows[order])


def added(programme: Programme, rows: Ints) -> Floats:
    """What each row adds to those before it."""
    count, gains = programme.base.copy(), np.zeros(rows.size)
    for place, row in enumerate(rows):
        held = programme.covers.indices[programme.covers.indptr[row] : programme.covers.indptr[row + 1]]
        gains[place] = (
            programme.first[held[count[held] == 0]].sum() + programme.second[held[count[held] == 1]].sum()
        )
        count[held] += 1
    return gains


def rebuilt(
    programme: Programme,
    rows: Ints,
    steps: float,
    *,
    lure: Floats | None = None,
    penalty: float = 0.0,
    seed: int = 0,
) -> Ints:
    """
    The best of many choices: a few neighbouring rows go, others come by gain for cost [1]_.

    Worse choices are followed now and then, ever less [2]_. The same seed gives the same answer.

    Parameters
    ----------
    rows
        Choice within the limits to begin from.
    steps
        Entries of the cover matrix to visit.
    lure
        What covering each column is taken to be worth where rows are chosen; their worth stays `first`.
    penalty
        What each unit costs by which a group falls short of its need.

    References
    ----------
    .. [1] Schrimpf et al. (2000), Record breaking optimization results using the ruin and recreate principle.
    .. [2] Kirkpatrick, Gelatt & Vecchi (1983), Optimization by simulated annealing.
    """
    if not rows.size or not programme.limits.size:
        return rows
    board = _board(programme, programme.first if lure is None else lure)
    best = _rebuild(board, rows, programme.need, penalty, steps, seed)
    return np.flatnonzero(best)


def _board(programme: Programme, lure: Floats) -> Board:
    covers, across = programme.covers, programme.covers.T.tocsr()
    return Board(
        covers.indptr,
        covers.indices,
        across.indptr,
        across.indices,
        programme.first,
        lure,
        programme.second,
        programme.base.copy(),
        np.zeros(covers.shape[0]),
        np.zeros(covers.shape[0], bool),
        programme.sides,
        programme.limits.copy(),
        programme.group.astype(np.int64),
        programme.share,
        np.zeros(programme.need.size),
    )


@numba.njit(cache=True, nogil=True)
def _fits(row, sides, left):  # type: ignore[no-untyped-def]
    """The row takes no more than is left of any limit."""
    over = False
    for side in range(len(left)):
        over |= sides[side, row] > left[side] + 1e-9 * max(1.0, abs(left[side]))
    return not over


@numba.njit(cache=True, nogil=True)
def _cost(row, sides):  # type: ignore[no-untyped-def]
    """What the row takes of the first limit; never nothing, so that it can divide."""
    return max(sides[0, row], 1e-9) if len(sides) else 1.0


@numba.njit(cache=True, nogil=True)
def _fill(starts, items, first, second, count, sides, left, rows):  # type: ignore[no-untyped-def]
    """The rows and those that follow them by gain for cost."""
    n = len(starts) - 1
    chosen = np.zeros(n, np.bool_)
    order, size = np.empty(n, np.int64), 0
    for row in rows:
        chosen[row] = True
        order[size] = row
        size += 1
        for item in items[starts[row] : starts[row + 1]]:
            count[item] += 1
    queue = [(-np.inf, row, -1) for row in range(n)]
    while queue:
        loss, row, valued = heappop(queue)
        if chosen[row] or not _fits(row, sides, left):
            continue
        if valued != size:
            gain = 0.0
            for item in items[starts[row] : starts[row + 1]]:
                if count[item] <= 1:
                    gain += first[item] if count[item] == 0 else second[item]
            heappush(queue, (-gain / _cost(row, sides), row, size))
            continue
        if loss >= 0.0:
            break
        chosen[row] = True
        order[size] = row
        size += 1
        for item in items[starts[row] : starts[row + 1]]:
            count[item] += 1
        left -= sides[:, row]
    return order[:size].copy()


@numba.njit(cache=True, nogil=True)
def _move(board, row, by):  # type: ignore[no-untyped-def]
    """Takes a row in (by = 1) or out (−1); returns what that brings and how many entries it visits."""
    worth, visited = 0.0, 0
    board.chosen[row] = by > 0
    board.left[:] -= by * board.sides[:, row]
    for item in board.items[board.starts[row] : board.starts[row + 1]]:
        was = board.times[item]
        now = was + by
        board.times[item] = now
        visited += 1
        if min(was, now) > 1:
            continue
        if min(was, now) == 0:
            worth += by * board.first[item]
            if board.group[item] >= 0:
                board.reached[board.group[item]] += by * board.share[item]
        else:
            worth += by * board.second[item]
        change = _lure(board, item, now) - _lure(board, item, was)
        if change != 0.0:
            visited += board.backs[item + 1] - board.backs[item]
            for other in board.holders[board.backs[item] : board.backs[item + 1]]:
                board.gain[other] += change
    return worth, visited


@numba.njit(cache=True, nogil=True)
def _lure(board, item, count):  # type: ignore[no-untyped-def]
    """What covering the column once more is taken to be worth."""
    if count > 1:
        return 0.0
    return board.lure[item] if count == 0 else board.second[item]


@numba.njit(cache=True, nogil=True)
def _neighbour(board, row):  # type: ignore[no-untyped-def]
    """A chosen row at most two steps away by shared demand; −1 if the walk meets none."""
    at = row
    for _ in range(2):
        begin, end = board.starts[at], board.starts[at + 1]
        if begin == end:
            break
        item = board.items[begin + np.random.randint(end - begin)]
        begin, number = board.backs[item], board.backs[item + 1] - board.backs[item]
        turn = np.random.randint(number)
        at = board.holders[begin + turn]
        for step in range(number):
            other = board.holders[begin + (turn + step) % number]
            if board.chosen[other]:
                return other
    return -1


@numba.njit(cache=True, nogil=True)
def _best_to_add(board, least, banned):  # type: ignore[no-untyped-def]
    """The row that gains most for its cost, now and then the second best; −1 if none fits and gains."""
    pick, score = -1, 0.0
    for row in range(len(board.gain)):
        if board.gain[row] > least and not board.chosen[row] and row != banned:
            rate = board.gain[row] / _cost(row, board.sides)
            if rate > score and _fits(row, board.sides, board.left) and np.random.random() > 0.01:
                pick, score = row, rate
    return pick


@numba.njit(cache=True, nogil=True)
def _short(reached, need):  # type: ignore[no-untyped-def]
    """By how much the groups fall short."""
    return np.maximum(need - reached, 0.0).sum()


@numba.njit(cache=True, nogil=True)
def _begin(board, rows):  # type: ignore[no-untyped-def]
    """Gains and reached shares before any row, then the rows; returns what they bring."""
    for item in range(len(board.first)):
        worth = _lure(board, item, board.times[item])
        for row in board.holders[board.backs[item] : board.backs[item + 1]]:
            board.gain[row] += worth
        if board.times[item] > 0 and board.group[item] >= 0:
            board.reached[board.group[item]] += board.share[item]
    value = 0.0
    for row in rows:
        value += _move(board, row, 1)[0]
    return value


@numba.njit(cache=True, nogil=True)
def _rebuild(board, rows, need, penalty, steps, seed):  # type: ignore[no-untyped-def]
    """Marks of the best rows found."""
    np.random.seed(seed)
    worth = _begin(board, rows)
    value = worth - penalty * _short(board.reached, need)
    listed = np.empty(len(board.gain), np.int64)
    listed[: len(rows)] = rows
    size, all_steps = len(rows), steps
    best, best_value = board.chosen.copy(), value
    mean = max(abs(worth), 1e-300) / len(rows)
    changed = np.empty(len(board.gain) + MOST_OUT, np.int64)
    while steps > 0 and size > 0:
        heat = WARMTH * mean * 0.01 ** (1.0 - steps / all_steps)
        moves, now = 0, worth
        wanted = 1 + np.random.randint(MOST_OUT)
        row = listed[np.random.randint(size)]
        while row >= 0 and moves < wanted:
            gained, visited = _move(board, row, -1)
            now += gained
            steps -= visited
            changed[moves] = row
            moves += 1
            row = _neighbour(board, row)
        gone = moves
        banned = changed[0] if np.random.random() < 0.7 else -1
        row = _best_to_add(board, 1e-9 * mean, banned)
        while row >= 0:
            gained, visited = _move(board, row, 1)
            now += gained
            steps -= visited + len(board.gain)
            changed[moves] = row
            moves += 1
            row = _best_to_add(board, 1e-9 * mean, banned)
        steps -= len(board.gain)
        new_value = now - penalty * _short(board.reached, need)
        if new_value < value and np.random.random() >= np.exp((new_value - value) / heat):
            for place in range(moves - 1, -1, -1):
                steps -= _move(board, changed[place], -1 if place >= gone else 1)[1]
            continue
        worth, value = now, new_value
        size = _relist(board.chosen, listed, size, changed[gone:moves])
        if value > best_value + 1e-12 * abs(best_value):
            best_value = value
            best[:] = board.chosen
    return best


@numba.njit(cache=True, nogil=True)
def _relist(chosen, listed, size, come):  # type: ignore[no-untyped-def]
    """The chosen rows in `listed`, after some have come; returns how many there are."""
    kept = 0
    for place in range(size):
        row = listed[place]
        back = False
        for other in come:
            back |= other == row
        if chosen[row] and not back:
            listed[kept] = row
            kept += 1
    listed[kept : kept + len(come)] = come
    return kept + len(come)
