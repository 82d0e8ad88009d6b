"""Where more cameras see most: the maximal covering location problem, always with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.placement.budget import Budget
from analysis.placement.engine import best_rows, compiled
from analysis.placement.incidence import reduced
from analysis.placement.inputs import (
    already_counts,
    cover_pattern,
    demand_weights,
    require_count,
    rows_named,
)
from analysis.placement.programme import PROOF_RATIO
from analysis.placement.search import greedy

__all__ = ["Placement", "maximal_covering"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Placement:
    """
    Chosen candidates, and how far from the best possible they can be.

    Attributes
    ----------
    chosen
        Rows of the cover matrix in order of choice: the fixed ones as given, then the one that adds most
        first. Fewer than k if the rest would add nothing.
    gains
        Weight that each adds to those before it.
    covered_weight
        Weight of the demand covered by the chosen or already covered.
    already_weight
        Weight of the demand that was already covered.
    total_weight
        Weight of all demand.
    upper_bound
        No choice of k covers more weight than this.
    gap_ratio
        (upper_bound − covered_weight) / (upper_bound − already_weight), in [0, 1]: at most this share of the
        weight that could be gained is missed.
    proven_optimal
        True if the gap is nothing but rounding.
    """

    chosen: Ints
    gains: Floats
    covered_weight: float
    already_weight: float
    total_weight: float
    upper_bound: float
    gap_ratio: float
    proven_optimal: bool


def maximal_covering(
    covers: sparse.csr_matrix,
    weights: npt.ArrayLike,
    k: int,
    *,
    fixed: Sequence[int] = (),
    already_covered: npt.ArrayLike | None = None,
    time_limit_s: float = 10.0,
    gap_ratio: float = 0.0,
    now: Callable[[], float] = time.monotonic,
) -> Placement:
    """
    Choose k candidates that cover the greatest weight of demand [1]_.

    Greedy choice with lazy gains [2]_ (at least 63 % of the best), exchanges of one for one, a bound from the
    linear relaxation, and walks that lose a little to gain more later; what the bound leaves open goes to HiGHS
    for a proof once it is small.

    Parameters
    ----------
    covers
        Candidates in rows, demand in columns; an entry other than 0 means that it covers the demand.
    weights
        One a column, 0 or more.
    k
        How many to choose, the fixed ones included; from 1 to the number of candidates.
    fixed
        Rows that are in every choice.
    already_covered
        One truth value a column: demand that existing cameras see, which nobody can gain again.
    time_limit_s
        Seconds; greedy choice and a first bound are made in any case. The work is counted in steps that take
        less than that on a machine with nothing else to do: then, unless the solver runs out of time, the same
        question gets the same answer.
    gap_ratio
        Stop once the gap is no more than this, in [0, 1).
    now
        A clock in seconds, from any beginning.

    Raises
    ------
    InputError
        If an argument is out of range, sizes differ, or there is nothing to cover.

    References
    ----------
    .. [1] Church & ReVelle (1974), The maximal covering location problem.
    .. [2] Leskovec et al. (2007), Cost-effective outbreak detection in networks (CELF).
    """
    covers = cover_pattern(covers)
    weight = demand_weights(covers, weights)
    already = already_counts(covers, already_covered) > 0
    kept = rows_named(covers, "fixed", fixed)
    require_count("k", k, covers.shape[0])
    if kept.size > k:
        raise InputError(
            "k is {k}, but {fixed} candidates are fixed.",
            "Let k count the fixed ones too.",
            k=k,
            fixed=kept.size,
        )
    require_positive("time_limit_s", time_limit_s, zero=True)
    if not 0 <= gap_ratio < 1:
        raise InputError(
            "gap_ratio is {gap_ratio}; it must be 0 or more and less than 1.",
            "Give 0.01 to stop at a gap of one per cent.",
            gap_ratio=gap_ratio,
        )
    compiled()
    budget = Budget(time_limit_s, now)

    fixed_gains, done = [], already.copy()
    for row in kept:
        fresh = covers[row].indices[~done[covers[row].indices]]
        fixed_gains.append(float(weight[fresh].sum()))
        done[fresh] = True
    free = np.setdiff1d(np.arange(covers.shape[0]), kept)
    wanted = ~done & (weight > 0)
    part = covers if wanted.all() and not kept.size else covers[free][:, np.flatnonzero(wanted)]
    found, rows = reduced(part, weight[wanted])
    picked, bound = best_rows(found, min(k - kept.size, found.rows), budget, gap_ratio)
    order, gains = greedy(found.only(picked), picked.size)

    base = float(weight[done].sum())
    covered = base + float(gains.sum())
    total = float(weight.sum())
    upper = min(max(base + bound, covered), total)
    proven = upper - covered <= PROOF_RATIO * upper
    upper = covered if proven else upper
    already_weight = float(weight[already].sum())
    return Placement(
        chosen=np.concatenate([kept, free[rows[picked[order]]]]),
        gains=np.concatenate([fixed_gains, gains]),
        covered_weight=covered,
        already_weight=already_weight,
        total_weight=total,
        upper_bound=upper,
        gap_ratio=0.0 if proven else (upper - covered) / (upper - already_weight),
        proven_optimal=bool(proven),
    )
