"""The most cover for the money: candidates of different cost within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.placement.answers import BudgetedPlacement
from analysis.placement.choosing import best_choice, placed, proof, without_fixed
from analysis.placement.inputs import (
    already_counts,
    candidate_costs,
    cover_pattern,
    demand_weights,
    rows_named,
)
from analysis.placement.programme import Programme, worth

__all__ = ["budgeted_covering"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def budgeted_covering(
    covers: sparse.csr_matrix,
    weights: npt.ArrayLike,
    costs: npt.ArrayLike,
    budget: float,
    *,
    fixed: Sequence[int] = (),
    already_covered: npt.ArrayLike | None = None,
    time_limit_s: float = 10.0,
) -> BudgetedPlacement:
    """
    Choose candidates that cover the greatest weight of demand and together cost no more than the budget.

    The better of the greedy choice by gain for cost and the best single one (at least 39 % of the best
    possible [1]_), improved by rebuilding, bounded by prices, and for small cases proven by HiGHS.

    Parameters
    ----------
    covers
        Candidates in rows, demand in columns; an entry other than 0 means that it covers the demand.
    weights
        One a column, 0 or more.
    costs
        One a row, 0 or more.
    budget
        What the chosen may cost together, above 0.
    fixed
        Rows that are there already; they cost nothing more.
    already_covered
        One truth value a column: demand that existing cameras see.
    time_limit_s
        Seconds for the solver; search and bound are held to a number of steps that takes about as long.

    Raises
    ------
    InputError
        If an argument is out of range, sizes differ, there is nothing to cover, or the budget does not pay
        for the cheapest candidate that covers anything.

    References
    ----------
    .. [1] Khuller, Moss & Naor (1999), The budgeted maximum coverage problem.
    """
    covers = cover_pattern(covers)
    weight = demand_weights(covers, weights)
    cost = candidate_costs(covers, costs)
    base = np.minimum(already_counts(covers, already_covered), 1)
    kept = rows_named(covers, "fixed", fixed)
    require_positive("time_limit_s", time_limit_s, zero=True)
    _require_budget(covers, cost, kept, budget)
    programme = Programme.of(covers, weight, base=base, sides=cost[None, :], limits=[float(budget)])
    rest, free = without_fixed(programme, kept)
    affordable = np.flatnonzero(cost[free] <= budget * (1 + 1e-9))
    rest = replace(
        rest, covers=rest.covers[affordable], sides=rest.sides[:, affordable], price=rest.price[affordable]
    )
    picked, bound = best_choice(rest, time_limit_s)
    chosen, gains = placed(programme, kept, free[affordable[picked]])
    already = worth(programme, base)
    reached = already + float(gains.sum())
    found = proof(reached, bound, already)
    paid = np.where(np.arange(chosen.size) < kept.size, 0.0, cost[chosen])
    return BudgetedPlacement(
        chosen=chosen,
        gains=gains,
        covered_weight=reached,
        already_weight=already,
        total_weight=float(weight.sum()),
        upper_bound=found.upper_bound,
        gap_ratio=found.gap_ratio,
        proven_optimal=found.proven_optimal,
        costs=paid,
        cost=float(paid.sum()),
        budget=float(budget),
    )


def _require_budget(covers: sparse.csr_matrix, cost: Floats, kept: Ints, budget: float) -> None:
    """The budget pays for one candidate at least."""
    require_positive("budget", budget)
    useful = np.diff(covers.indptr) > 0
    useful[kept] = False
    if useful.any() and budget < cost[useful].min():
        row = int(np.flatnonzero(useful)[np.argmin(cost[useful])])
        raise InputError(
            "The budget is {budget:g}, but the cheapest candidate (row {row}) costs {least:g}.",
            "Give at least {least:g}, or offer cheaper candidates.",
            budget=budget,
            row=row,
            least=float(cost[row]),
        )
