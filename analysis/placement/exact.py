"""Proofs: rows that a bound decides, and the rest by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.placement.bound import Relaxed
from analysis.placement.incidence import Incidence
from analysis.placement.programme import Programme, solve

__all__ = ["Rest", "rest_of", "solved"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rest:
    """
    What a bound leaves to be decided, if more is to be covered than a known choice covers.

    Attributes
    ----------
    taken
        Rows of every better choice.
    open_rows
        Rows of which a better choice takes `k` and no others.
    k
        How many, at least 0.
    found
        The open rows and the items that no taken row covers.
    base
        Weight that the taken rows cover.
    """

    taken: Ints
    open_rows: Ints
    k: int
    found: Incidence
    base: float


def rest_of(found: Incidence, k: int, relaxed: Relaxed, enough: float) -> Rest:
    """
    What is left when rows are decided by what they are worth.

    To take a row that is worth less than the k-th lowers the bound by the difference, and so does leaving out
    one that is worth more than the next; where that makes it less than `enough`, the least that a better
    choice covers, the row is decided.
    """
    ranked = -np.sort(-relaxed.worth)
    slack = max(relaxed.bound - enough, 0.0)
    open_rows = relaxed.worth >= ranked[k - 1] - slack
    taken = np.flatnonzero(relaxed.worth > ranked[k] + slack)
    open_rows[taken] = False
    chosen = np.flatnonzero(open_rows)
    covered = found.covered_items(taken)
    rank = np.where(covered, -1, np.cumsum(~covered) - 1)
    return Rest(
        taken,
        chosen,
        k - taken.size,
        found.only(chosen, rank, found.weight[~covered]),
        float(found.weight[covered].sum()),
    )


def solved(rest: Rest, rows: Ints, time_limit_s: float) -> tuple[Ints, float]:
    """
    The best choice that HiGHS finds in time, from `rows` where it may, and what no choice better than it covers.

    Rows are of the question that the rest is of.
    """
    if rest.k == 0:
        return rest.taken, rest.base
    part = rest.found
    others = np.setdiff1d(rows, rest.taken)
    fits = others.size <= rest.k and np.isin(others, rest.open_rows).all()
    start = np.searchsorted(rest.open_rows, others) if fits else None
    programme = Programme.of(part.covers, part.weight, sides=np.ones((1, part.rows)), limits=[rest.k])
    answer = solve(programme, start, time_limit_s)
    picked = rows if answer.rows is None else np.concatenate([rest.taken, rest.open_rows[answer.rows]])
    return picked, rest.base + answer.bound
