"""Who covers what, both ways, made small and laid out for compiled loops."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["Incidence", "Marks", "reduced", "sum_rows"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.uint32]
"""Positions without a sign: compiled loops need not ask whether they count from the end, and run twice as fast."""
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Incidence:
    """
    Rows (candidates) that cover items (demand).

    Attributes
    ----------
    starts, items
        Row j covers `items[starts[j]:starts[j + 1]]`, ascending.
    backs, holders
        Item i is covered by the rows `holders[backs[i]:backs[i + 1]]`, ascending.
    weight
        One an item, above 0.
    worth
        One a row: weight of all that it covers.
    """

    starts: Ints
    items: Marks
    backs: Ints
    holders: Marks
    weight: Floats
    worth: Floats

    @classmethod
    def of(cls, starts: Ints, items: Marks, weight: Floats, *, ordered: bool = False) -> Incidence:
        """Both ways of a matrix by rows; the items of a row may come in any order, unless said to ascend."""
        backs, holders = _across(starts, items, len(weight))
        if not ordered:
            starts, items = _across(backs, holders, len(starts) - 1)
        worth = np.empty(len(starts) - 1)
        sum_rows(starts, items, weight, worth)
        return cls(starts, items, backs, holders, weight, worth)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.starts) - 1

    @property
    def entries(self) -> int:
        """How many pairs of a row and an item that it covers."""
        return len(self.items)

    @property
    def covers(self) -> sparse.csr_matrix:
        """As a matrix of ones, rows by items."""
        ones = np.ones(self.entries, np.int8)
        return sparse.csr_matrix(
            (ones, self.items.astype(np.int64), self.starts), (self.rows, len(self.weight))
        )

    def only(self, rows: Ints, rank: Ints | None = None, weight: Floats | None = None) -> Incidence:
        """
        The same of some rows.

        Parameters
        ----------
        rows
            In the order that they shall have.
        rank, weight
            New position of each item (−1: left out) and weight of each position; if not given, the items stay
            in their order without those that none of the rows covers.
        """
        if rank is None or weight is None:
            used = self.covered_items(rows)
            rank = np.where(used, np.cumsum(used) - 1, -1)
            weight = self.weight[used]
        starts, items = _picked(self.starts, self.items, rows, rank)
        return Incidence.of(starts, items, weight)

    def covered_items(self, rows: Ints) -> Truths:
        """Which items the rows cover together."""
        return _any_row(self.starts, self.items, rows, len(self.weight))

    def covered(self, rows: Ints) -> float:
        """Weight that the rows cover together."""
        return float(self.weight[self.covered_items(rows)].sum())


def reduced(covers: sparse.csr_matrix, weight: Floats) -> tuple[Incidence, Ints]:
    """
    The same question with fewer rows and items, and which rows are left.

    Items that the same rows cover become one; a row that covers nothing that one other does not cover goes,
    because the other can take its place in every choice. Rows and items that meet are laid close together.

    Parameters
    ----------
    covers
        Ones in canonical order.
    weight
        One a column, above 0.
    """
    found = Incidence.of(
        covers.indptr.astype(np.int64), covers.indices.astype(np.uint32), weight, ordered=True
    )
    rows = np.flatnonzero(np.diff(found.starts) > 0)
    found, order = _merged(found if rows.size == found.rows else found.only(rows))
    rows = rows[order]
    needed = ~_dominated(found.starts, found.items, found.backs, found.holders)
    return (found, rows) if needed.all() else (found.only(np.flatnonzero(needed)), rows[needed])


def _merged(left: Incidence) -> tuple[Incidence, Ints]:
    """Items that the same rows cover made one; the rows brought close together, and in which order."""
    drawn = np.random.default_rng(0).integers(0, 2**63, left.rows, dtype=np.int64)
    keys = _keys(left.backs, left.holders, drawn)
    order = np.argsort(keys, kind="stable")
    first = _first_alike(left.backs, left.holders, keys[order], order)
    single = (first == np.arange(first.size)) & (np.diff(left.backs) > 0)
    summed = np.bincount(first, left.weight, minlength=first.size)
    row_order, rank = _close_together(left.starts, left.items, left.backs, left.holders, single)
    weight = np.empty(int(single.sum()))
    weight[rank[single]] = summed[single]
    return left.only(row_order, rank, weight), row_order


@numba.njit(cache=True, nogil=True)
def sum_rows(starts: Ints, items: Marks, values: Floats, sums: Floats) -> None:
    """Writes for each row the sum of the values of its items; eight sums at once keep the processor busy."""
    for row in range(len(starts) - 1):
        place, end = starts[row], starts[row + 1]
        a = b = c = d = e = f = g = h = 0.0
        while place + 7 < end:
            a += values[items[place]]
            b += values[items[place + 1]]
            c += values[items[place + 2]]
            d += values[items[place + 3]]
            e += values[items[place + 4]]
            f += values[items[place + 5]]
            g += values[items[place + 6]]
            h += values[items[place + 7]]
            place += 8
        while place < end:
            a += values[items[place]]
            place += 1
        sums[row] = ((a + b) + (c + d)) + ((e + f) + (g + h))


@numba.njit(cache=True, nogil=True)
def _across(starts: Ints, items: Marks, count: int) -> tuple[Ints, Marks]:
    """The other way: for each of `count` items its rows, ascending."""
    backs = np.zeros(count + 1, np.int64)
    for item in items:
        backs[item + 1] += 1
    for item in range(count):
        backs[item + 1] += backs[item]
    free, holders = backs[:-1].copy(), np.empty(len(items), np.uint32)
    for row in range(len(starts) - 1):
        for place in range(starts[row], starts[row + 1]):
            item = items[place]
            holders[free[item]] = row
            free[item] += 1
    return backs, holders


@numba.njit(cache=True, nogil=True)
def _picked(starts: Ints, items: Marks, rows: Ints, rank: Ints) -> tuple[Ints, Marks]:
    """Some rows in their new order, with items renamed and those of rank −1 left out."""
    new_starts, room = np.zeros(len(rows) + 1, np.int64), 0
    for row in rows:
        room += starts[row + 1] - starts[row]
    new_items, free = np.empty(room, np.uint32), 0
    for which in range(len(rows)):
        for place in range(starts[rows[which]], starts[rows[which] + 1]):
            new = rank[items[place]]
            if new >= 0:
                new_items[free] = new
                free += 1
        new_starts[which + 1] = free
    return new_starts, new_items[:free].copy()


@numba.njit(cache=True, nogil=True)
def _any_row(starts: Ints, items: Marks, rows: Ints, count: int) -> Truths:
    """Which of `count` items at least one of the rows covers."""
    covered = np.zeros(count, np.bool_)
    for row in rows:
        for place in range(starts[row], starts[row + 1]):
            covered[items[place]] = True
    return covered


@numba.njit(cache=True, nogil=True)
def _keys(backs: Ints, holders: Marks, drawn: Ints) -> Ints:
    """One number an item, the same for items of the same rows, and hardly ever the same for others."""
    keys = np.zeros(len(backs) - 1, np.int64)
    for item in range(len(keys)):
        for place in range(backs[item], backs[item + 1]):
            keys[item] += drawn[holders[place]]
    return keys


@numba.njit(cache=True, nogil=True)
def _first_alike(backs: Ints, holders: Marks, keys: Ints, order: Ints) -> Ints:
    """For each item the first that exactly the same rows cover; items come in order of their keys."""
    first = np.arange(len(order))
    for place in range(1, len(order)):
        item, like = order[place], first[order[place - 1]]
        if keys[place] != keys[place - 1] or backs[item + 1] - backs[item] != backs[like + 1] - backs[like]:
            continue
        same = True
        for step in range(backs[item + 1] - backs[item]):
            if holders[backs[item] + step] != holders[backs[like] + step]:
                same = False
                break
        if same:
            first[item] = like
    return first


@numba.njit(cache=True, nogil=True)
def _dominated(starts: Ints, items: Marks, backs: Ints, holders: Marks) -> Truths:
    """
    Rows all of whose items one other row covers too; of equal rows all but the first.

    Starts from the rows that share its rarest item and drops those that miss one of the others, which leaves
    nobody after a few items as a rule.
    """
    needless = np.zeros(len(starts) - 1, np.bool_)
    others = np.empty(len(starts) - 1, np.int64)
    for row in range(len(needless)):
        begin, end = starts[row], starts[row + 1]
        rare = np.int64(items[begin])
        for step in range(begin + 1, end):
            item = np.int64(items[step])
            if backs[item + 1] - backs[item] < backs[rare + 1] - backs[rare]:
                rare = item
        count = 0
        for place in range(backs[rare], backs[rare + 1]):
            other = np.int64(holders[place])
            long = starts[other + 1] - starts[other]
            if other != row and (long > end - begin or (long == end - begin and other < row)):
                others[count] = other
                count += 1
        for step in range(begin, end):
            if count == 0:
                break
            place, last, kept = backs[items[step]], backs[items[step] + 1], 0
            for which in range(count):
                while place < last and holders[place] < others[which]:
                    place += 1
                if place < last and holders[place] == others[which]:
                    others[kept] = others[which]
                    kept += 1
            count = kept
        needless[row] = count > 0
    return needless


@numba.njit(cache=True, nogil=True)
def _close_together(
    starts: Ints, items: Marks, backs: Ints, holders: Marks, wanted: Truths
) -> tuple[Ints, Ints]:
    """
    Rows in the order in which a walk from neighbour to neighbour meets them, and the rank of each item.

    Items that are not wanted have rank −1.
    """
    n_rows, n_items = len(starts) - 1, len(backs) - 1
    order, met = np.empty(n_rows, np.int64), np.zeros(n_rows, np.bool_)
    rank, ranked = np.full(n_items, -1, np.int64), 0
    head, tail = 0, 0
    for begin in range(n_rows):
        if not met[begin]:
            met[begin] = True
            order[tail] = begin
            tail += 1
        while head < tail:
            row = order[head]
            head += 1
            for place in range(starts[row], starts[row + 1]):
                item = items[place]
                if rank[item] >= 0 or not wanted[item]:
                    continue
                rank[item] = ranked
                ranked += 1
                for back in range(backs[item], backs[item + 1]):
                    if not met[holders[back]]:
                        met[holders[back]] = True
                        order[tail] = holders[back]
                        tail += 1
    return order, rank
