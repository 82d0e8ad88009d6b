"""The fewest or cheapest cameras that cover everything: the location set covering problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.placement.answers import SetCovering
from analysis.placement.choosing import first_look
from analysis.placement.inputs import (
    already_counts,
    candidate_costs,
    cover_pattern,
    demand_weights,
    one_a_column,
    rows_named,
)
from analysis.placement.prices import STEPS_A_SECOND, priced_bound, rounds_for
from analysis.placement.programme import EXACT_ENTRIES, PROOF_RATIO, Programme, merged, solve
from analysis.placement.weighing import cheapest_cover, greedy_cover

__all__ = ["location_set_covering"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
T = TypeVar("T", float, Floats)

PASSES = (0.2, 0.2)
"""Shares of the time of each pass: so much for the bound, for the search and for the proof."""
LED = 1e-2
"""Share of a row's cost that counts although prices pay for it."""


def location_set_covering(
    covers: sparse.csr_matrix,
    *,
    costs: npt.ArrayLike | None = None,
    fixed: Sequence[int] = (),
    already_covered: npt.ArrayLike | None = None,
    required: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    share: float = 1.0,
    complete: bool = False,
    time_limit_s: float = 10.0,
) -> SetCovering:
    """
    Choose the fewest or cheapest candidates that cover all demand that can be covered [1]_, or a share of it.

    Greedy, then a search in which demand that stays uncovered grows heavier, a bound from prices on demand,
    and for small cases HiGHS for a proof.

    Parameters
    ----------
    covers
        Candidates in rows, demand in columns; an entry other than 0 means that it covers the demand.
    costs
        One a row, 0 or more; without them each costs 1, so that the fewest are sought.
    fixed
        Rows that are there already and cost nothing more.
    already_covered
        One truth value a column: demand that others cover.
    required
        One truth value a column: demand that must be covered; all if not given.
    weights
        One a column, 0 or more; demand of weight 0 need not be covered. All 1 if not given.
    share
        So much of the weight that can be covered must be, in (0, 1].
    complete
        Demand that nobody can cover is an error, not part of the answer.
    time_limit_s
        Seconds for the solver; search and bound are held to a number of steps that takes about as long, so
        that, unless the solver runs out of time, the same question gets the same answer.

    Raises
    ------
    InputError
        If an argument is out of range, sizes differ, there is nothing to cover, or, with `complete`, some
        demand cannot be covered.

    References
    ----------
    .. [1] Toregas, Swain, ReVelle & Bergman (1971), The location of emergency service facilities.
    """
    covers = cover_pattern(covers)
    weight = demand_weights(covers, weights)
    cost = candidate_costs(covers, costs)
    kept = rows_named(covers, "fixed", fixed)
    require_positive("time_limit_s", time_limit_s, zero=True)
    if not 0 < share <= 1:
        raise InputError(
            "share is {share}; it must be above 0 and at most 1.", "Give 0.95 for 95 per cent.", share=share
        )
    asked = _asked(covers, required) & (weight > 0)
    done = already_counts(covers, already_covered) > 0
    done[covers[kept].indices] = True
    reachable = done | (np.bincount(covers.indices, minlength=done.size) > 0)
    unreachable = np.flatnonzero(asked & ~reachable)
    if complete and unreachable.size:
        raise InputError(
            "Nobody can cover the demand in column {column} ({count} such columns).",
            "Add candidates near it, or leave it out of required.",
            column=int(unreachable[0]),
            count=unreachable.size,
        )
    total = float(weight[asked].sum())
    allowance = (1.0 - share) * float(weight[asked & reachable].sum())
    wanted = np.flatnonzero(asked & reachable & ~done)
    part = covers[:, wanted].tocsr()
    weight_left = weight[wanted]
    picked, bound = _cheapest(part, cost, weight_left, allowance, time_limit_s)
    picked = _most_first(part, weight_left, picked)
    spent = float(cost[picked].sum())
    proven = spent - bound <= PROOF_RATIO * max(spent, float(cost.mean()))
    bound = spent if proven else bound
    uncovered = float(weight_left.sum() - weight_left[np.unique(part[picked].indices)].sum())
    return SetCovering(
        chosen=np.concatenate([kept, picked]),
        cost=spent,
        lower_bound=bound,
        gap_ratio=0.0 if proven else (spent - bound) / spent,
        proven_optimal=bool(proven),
        covered_weight=total - uncovered - float(weight[unreachable].sum()),
        total_weight=total,
        unreachable=unreachable,
    )


def _asked(covers: sparse.csr_matrix, required: npt.ArrayLike | None) -> Truths:
    """Demand that must be covered."""
    if required is None:
        return np.ones(covers.shape[1], bool)
    asked = np.asarray(required)
    one_a_column(covers, required=asked)
    if asked.dtype != np.bool_:
        raise InputError(
            "required holds {kind}, not truth values.", "Compare it first.", kind=str(asked.dtype)
        )
    if not asked.any():
        raise InputError(
            "No demand is required, so there is nothing to cover.", "Leave required out for all of it."
        )
    return asked


def _cheapest(
    covers: sparse.csr_matrix, cost: Floats, weight: Floats, allowance: float, time_limit_s: float
) -> tuple[Ints, float]:
    """Rows that cover all but the allowance, and what any such rows cost at least."""
    free = np.flatnonzero((cost <= 0) & (np.diff(covers.indptr) > 0))
    held = np.zeros(covers.shape[1], bool)
    held[covers[free].indices] = True
    priced = np.flatnonzero((cost > 0) & (np.diff(covers.indptr) > 0))
    if weight[~held].sum() <= allowance * (1 + 1e-12):
        return free, 0.0
    programme = _programme(covers[priced][:, ~held].tocsr(), cost[priced], weight[~held], allowance)
    rows, bound = _hunted(programme, time_limit_s)
    return np.concatenate([free, priced[rows]]), bound


def _hunted(programme: Programme, time_limit_s: float) -> tuple[Ints, float]:
    """Rows that cover enough, and a bound on their cost; each pass goes on among rows that could still be better."""
    cost = programme.price
    rows = greedy_cover(programme.covers, cost, programme.share, _allowance(programme))
    rows = _searched(programme, rows, first_look(programme, time_limit_s), 0)
    bound, among, here = 0.0, np.arange(cost.size), programme
    prices: Floats | None = None
    for turn, share in enumerate(PASSES, start=1):
        best = float(cost[rows].sum())
        rounds = rounds_for(here, share * time_limit_s)
        start = np.searchsorted(among, rows)
        priced = priced_bound(here, rounds, start=start, prices=prices, reached=-best)
        bound = max(bound, min(best, _whole(-priced.bound, cost)))
        if not _is_open(best, bound):
            break
        dearer = here.price - here.covers @ priced.prices
        better = _whole(-priced.bound + np.maximum(dearer, 0.0), cost) < best * (1 - PROOF_RATIO)
        better[start] = True  # what is left out belongs to no cheaper cover
        among = among[better]
        here, prices = _only(here, better, priced.prices)
        led = among[greedy_cover(here.covers, _led_by(here, prices), here.share, _allowance(here))]
        rows = led if cost[led].sum() < cost[rows].sum() else rows
        steps = share * time_limit_s * STEPS_A_SECOND
        rows = among[_searched(here, np.searchsorted(among, rows), steps, turn)]
        if here.covers.nnz <= EXACT_ENTRIES and time_limit_s > 0:
            solved = solve(here, np.searchsorted(among, rows), share * time_limit_s)
            bound = max(bound, min(best, _whole(-solved.bound, cost)))
            if solved.rows is not None and here.price[solved.rows].sum() < cost[rows].sum():
                rows = among[solved.rows]
        if not _is_open(float(cost[rows].sum()), bound):
            break
    return rows, bound


def _allowance(programme: Programme) -> float:
    """Weight that may stay uncovered."""
    return max(float(programme.share.sum() - programme.need[0]), 0.0) if programme.need.size else 0.0


def _only(programme: Programme, rows: Truths, prices: Floats) -> tuple[Programme, Floats]:
    """The programme of some rows, without the demand that none of them covers, and the prices of the rest."""
    covers = programme.covers[rows]
    held = np.bincount(covers.indices, minlength=prices.size) > 0
    left = replace(
        programme,
        covers=covers[:, held].tocsr(),
        first=programme.first[held],
        second=programme.second[held],
        base=programme.base[held],
        price=programme.price[rows],
        sides=programme.sides[:, rows],
        group=programme.group[held],
        share=programme.share[held],
    )
    return left, prices[held]


def _led_by(programme: Programme, prices: Floats) -> Floats:
    """
    What the prices leave of the costs, above 0: it leads greedy to rows that belong together [1]_.

    References
    ----------
    .. [1] Caprara, Fischetti & Toth (1999), A heuristic method for the set covering problem.
    """
    return np.maximum(programme.price - programme.covers @ prices, 0.0) + LED * programme.price


def _searched(programme: Programme, rows: Ints, steps: float, seed: int) -> Ints:
    return cheapest_cover(
        programme.covers, programme.price, programme.share, _allowance(programme), rows, steps, seed=seed
    )


def _is_open(cost: float, bound: float) -> bool:
    return cost - bound > PROOF_RATIO * cost


def _programme(covers: sparse.csr_matrix, cost: Floats, weight: Floats, allowance: float) -> Programme:
    """All columns must be covered, or all but an allowance."""
    columns = covers.shape[1]
    if allowance <= 0:
        return merged(Programme.of(covers, np.full(columns, np.inf), price=cost, share=weight))
    return merged(
        Programme.of(
            covers,
            np.zeros(columns),
            price=cost,
            group=np.zeros(columns, np.int64),
            share=weight,
            need=np.array([weight.sum() - allowance]),
        )
    )


def _whole(bound: T, cost: Floats) -> T:
    """The next whole number, where all costs are whole."""
    if not (cost == np.rint(cost)).all():
        return bound
    return np.ceil(bound - 1e-6 * np.maximum(np.abs(bound), 1.0))


def _most_first(covers: sparse.csr_matrix, weight: Floats, rows: Ints) -> Ints:
    """The rows in order of what they add to those before."""
    if not rows.size:
        return rows
    order: list[int] = []
    left = weight.copy()
    part = covers[rows]
    for _ in range(rows.size):
        gains = part @ left
        gains[order] = -1.0
        best = int(np.argmax(gains))
        order.append(best)
        left[part[best].indices] = 0.0
    return rows[order]
