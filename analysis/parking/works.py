"""A costed list of works: places that are short of bays again and again, and what to build for the money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize

from analysis.checks import require_columns, require_positive
from analysis.errors import InputError

__all__ = ["WorksList", "persistent_shortages", "works_list"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WorksList:
    """
    What to build.

    Attributes
    ----------
    works
        The rows that were given, best benefit for cost first, with `benefit_per_cost`, `rank` (from 1), `chosen`.
    cost, budget
        Of the chosen, and what they may cost together.
    benefit
        Of the chosen.
    upper_bound
        No choice within the budget brings more; equal to `benefit` where it is proven to be the best.
    left_out
        Rows without a cost or a benefit, which cannot be ranked.
    """

    works: pd.DataFrame
    cost: float
    budget: float
    benefit: float
    upper_bound: float
    left_out: pd.DataFrame


def persistent_shortages(
    unmet: npt.ArrayLike, demand: npt.ArrayLike, *, least_vehicles: float = 1.0, least_ratio: float = 0.25
) -> pd.DataFrame:
    """
    Places that are short at many hours, with the numbers that show it.

    Parameters
    ----------
    unmet, demand
        Vehicles without a place and vehicles that want one, (places, hours), 0 or more.
    least_vehicles
        An hour counts as short from so many on, above 0.
    least_ratio
        Share of the hours with demand that must be short, in [0, 1]; both are assumptions to be set.

    Returns
    -------
    shortages
        Sorted by vehicle-hours: `place` (row), `short_hours`, `short_ratio` (of the hours with demand), `mean_unmet`
        (over short hours), `most_unmet`, `worst_hour`, `vehicle_hours` (all unmet).

    Raises
    ------
    InputError
        If shapes differ or a number is out of range.
    """
    short, wanted = np.asarray(unmet, dtype=np.float64), np.asarray(demand, dtype=np.float64)
    if short.ndim != 2 or short.shape != wanted.shape:
        raise InputError(
            "unmet has the shape {unmet} and demand {demand}.",
            "Give both as (places, hours).",
            unmet=short.shape,
            demand=wanted.shape,
        )
    require_positive("unmet", short.ravel(), zero=True)
    require_positive("demand", wanted.ravel(), zero=True)
    require_positive("least_vehicles", least_vehicles)
    if not 0 <= least_ratio <= 1:
        raise InputError("least_ratio must lie in [0, 1], not {value}.", "Pass a share.", value=least_ratio)
    counts = short >= least_vehicles
    hours = counts.sum(axis=1)
    active = (wanted > 0).sum(axis=1)
    ratio = np.divide(hours, active, out=np.zeros(len(hours)), where=active > 0)
    rows = np.flatnonzero((hours > 0) & (ratio >= least_ratio))
    table = pd.DataFrame(
        {
            "place": rows,
            "short_hours": hours[rows],
            "short_ratio": ratio[rows],
            "mean_unmet": (short * counts).sum(axis=1)[rows] / np.maximum(hours[rows], 1),
            "most_unmet": short.max(axis=1, initial=0.0)[rows],
            "worst_hour": short.argmax(axis=1)[rows] if short.shape[1] else rows,
            "vehicle_hours": short.sum(axis=1)[rows],
        }
    )
    return table.sort_values(["vehicle_hours", "place"], ascending=[False, True], ignore_index=True)


def works_list(works: pd.DataFrame, budget: float, *, time_limit_s: float = 5.0) -> WorksList:
    """
    Ranks works by benefit for cost and chooses those that bring most within the budget: a knapsack [1]_.

    Parameters
    ----------
    works
        One candidate a row: `cost` (above 0) and `benefit` (0 or more, say vehicle-hours served a week) and whatever
        shows why it is needed. Benefits must add up: give each what it adds after those before it, as
        `BayPlan.gains` does, where works serve the same demand.
    budget
        What the chosen may cost together, above 0.
    time_limit_s
        Seconds for HiGHS.

    Raises
    ------
    InputError
        If a column is missing, the budget is not above 0, or no row can be ranked.

    References
    ----------
    .. [1] Dantzig (1957), Discrete-variable extremum problems.
    """
    require_columns("works", works, "cost", "benefit")
    require_positive("budget", budget)
    require_positive("time_limit_s", time_limit_s)
    cost = pd.to_numeric(works["cost"], errors="coerce").to_numpy(dtype=np.float64)
    benefit = pd.to_numeric(works["benefit"], errors="coerce").to_numpy(dtype=np.float64)
    good = np.isfinite(cost) & (cost > 0) & np.isfinite(benefit) & (benefit >= 0)
    if not good.any():
        raise InputError(
            "None of the {count} works has a cost above 0 and a benefit.",
            "Cost them first.",
            count=len(works),
        )
    cost, benefit = cost[good], benefit[good]
    order = np.argsort(-benefit / cost, kind="stable")
    cost, benefit = cost[order], benefit[order]
    chosen, bound = _knapsack(cost, benefit, float(budget), time_limit_s)
    ranked = (
        works[good]
        .iloc[order]
        .assign(benefit_per_cost=benefit / cost, rank=np.arange(1, len(order) + 1), chosen=chosen)
    )
    reached = float(benefit[chosen].sum())
    return WorksList(
        works=ranked,
        cost=float(cost[chosen].sum()),
        budget=float(budget),
        benefit=reached,
        upper_bound=reached if bound - reached <= 1e-6 * abs(bound) else bound,
        left_out=works[~good],
    )


def _knapsack(
    cost: Floats, benefit: Floats, budget: float, time_limit_s: float
) -> tuple[npt.NDArray[np.bool_], float]:
    """The best choice, rows sorted by benefit for cost, and what no choice exceeds."""
    fits = (cost <= budget * (1 + 1e-12)) & (benefit > 0)
    rows = np.flatnonzero(fits)
    chosen = np.zeros(len(cost), dtype=bool)
    if not rows.size:
        return chosen, 0.0
    left = budget
    for row in rows:
        if cost[row] <= left * (1 + 1e-12):
            chosen[row] = True
            left -= cost[row]
    unit = float(benefit[rows].max())
    solved = optimize.milp(
        -benefit[rows] / unit,
        integrality=np.ones(rows.size, np.int64),
        bounds=optimize.Bounds(0, 1),
        constraints=optimize.LinearConstraint(cost[None, rows] / budget, -np.inf, 1.0),
        options={"time_limit": time_limit_s, "mip_rel_gap": 0.0},
    )
    dual = getattr(solved, "mip_dual_bound", None)
    bound = float(benefit[rows].sum()) if dual is None else -float(dual) * unit
    if solved.x is not None:
        picked = np.zeros(len(cost), dtype=bool)
        picked[rows[solved.x > 0.5]] = True
        if cost[picked].sum() <= budget * (1 + 1e-9) and benefit[picked].sum() > benefit[chosen].sum():
            chosen = picked
    return chosen, max(bound, float(benefit[chosen].sum()))
