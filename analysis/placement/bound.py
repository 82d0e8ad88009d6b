"""What no k rows can exceed: the linear relaxation, approached by a first-order method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from analysis.placement.budget import Budget
from analysis.placement.incidence import Incidence, Marks, sum_rows

__all__ = ["Relaxed", "relaxed"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROUNDS_A_LOOK = 25
"""Rounds between two looks at the bound and the clock."""
TILT = 2.0
"""Steps of prices against steps of rows, to begin with."""
MUCH_NEARER, NEARER, LONG_AGO = 0.2, 0.8, 0.36
"""When to begin again: the distance fell to this share, or to this and grows, or this share of all rounds ago."""


@dataclass(frozen=True, eq=False)
class Relaxed:
    """
    What the relaxation tells.

    Attributes
    ----------
    bound
        No k rows cover more.
    reached
        Some rows in fractions, k in all, cover so much: the bound cannot fall below.
    worth
        One a row, at the prices that prove the bound: a row that is worth less than the k-th by more than the gap
        is in no better choice, and one worth more than the next by more than the gap is in all.
    leaning
        One a row in [0, 1]: how far the relaxed answer takes it.
    """

    bound: float
    reached: float
    worth: Floats
    leaning: Floats


class _Point(NamedTuple):
    """Shares of rows, each in [0, 1] and k in all, and prices of items as shares of their weight, each in [0, 1]."""

    rows: Floats
    prices: Floats


def relaxed(
    found: Incidence,
    k: int,
    chosen: Ints,
    covered: float,
    budget: Budget,
    share: float,
    *,
    gap_ratio: float,
    near_ratio: float,
) -> Relaxed:
    """
    A bound on what k rows can cover, from prices on the items.

    At any prices between 0 and the weights, what they leave of the weights, plus what the k dearest rows are
    worth, is a bound; the best prices solve the dual of the linear relaxation. They are sought by the
    primal-dual hybrid gradient method [1]_ with steps fitted to each row and item [2]_, in the form that
    reflects each step and leans back to where it began [3]_, begun again from time to time with steps
    balanced anew [4]_.

    Parameters
    ----------
    k
        Less than the number of rows.
    chosen, covered
        A good choice and the weight that it covers.
    budget, share
        Ends when the budget is spent to this share, but not before the first look.
    gap_ratio
        Ends when the gap to `covered` is no more than this share of the bound.
    near_ratio
        Ends when what is left to be gained is this share of that gap.

    References
    ----------
    .. [1] Chambolle & Pock (2011), A first-order primal-dual algorithm for convex problems.
    .. [2] Pock & Chambolle (2011), Diagonal preconditioning for first order primal-dual algorithms.
    .. [3] Lu & Yang (2024), Restarted Halpern PDHG for linear programming.
    .. [4] Applegate et al. (2021), Practical large-scale linear programming using primal-dual hybrid gradient.
    """
    degree = np.diff(found.backs).astype(float)
    here, begun = _first_point(found, chosen), _first_point(found, chosen)
    step, room = _first_point(found, chosen), np.empty((2, found.rows))
    tilt, age, rounds, first, last, cut = TILT, 0, 0, np.inf, np.inf, 0.0
    best = Relaxed(np.inf, -np.inf, found.worth, here.rows)
    while True:
        cut, distance = _rounds(
            found.starts,
            found.items,
            found.weight,
            found.worth,
            degree,
            k,
            tilt,
            here,
            begun,
            step,
            room,
            age,
            cut,
        )
        age += ROUNDS_A_LOOK
        rounds += ROUNDS_A_LOOK
        budget.spend((1.5 * ROUNDS_A_LOOK + 2) * found.entries)
        best = _better(found, k, step, best)
        left, gap = best.bound - best.reached, best.bound - covered
        if left <= near_ratio * gap or gap <= gap_ratio * best.bound or budget.spent_ratio >= share:
            return best
        first = distance if age == ROUNDS_A_LOOK else first
        if (
            distance <= MUCH_NEARER * first
            or last < distance <= NEARER * first
            or age >= max(LONG_AGO * rounds, 2 * ROUNDS_A_LOOK)
        ):
            tilt = _balanced(tilt, found, degree, step, begun)
            for point in (here, begun):
                point.rows[:], point.prices[:] = step
            age, last = 0, np.inf
        else:
            last = distance


def _first_point(found: Incidence, chosen: Ints) -> _Point:
    """The chosen rows, and prices that are high where nobody or one of them covers."""
    rows = np.zeros(found.rows)
    rows[chosen] = 1.0
    count = np.zeros(len(found.weight))
    _add_rows(found.starts, found.items, rows, count)
    return _Point(rows, np.select([count == 0, count == 1], [0.9, 0.7], 0.3))


def _better(found: Incidence, k: int, point: _Point, best: Relaxed) -> Relaxed:
    """The best so far, or what a point tells if that is better."""
    worth = np.empty(found.rows)
    sum_rows(found.starts, found.items, found.weight * point.prices, worth)
    bound = float(found.weight @ (1.0 - point.prices) + np.partition(worth, -k)[-k:].sum())
    count = np.zeros(len(found.weight))
    _add_rows(found.starts, found.items, point.rows, count)
    reached = float(found.weight @ np.minimum(count, 1.0))
    if bound >= best.bound:
        bound, worth = best.bound, best.worth
    leaning = point.rows.copy() if reached > best.reached else best.leaning
    return Relaxed(bound, max(reached, best.reached), worth, leaning)


def _balanced(tilt: float, found: Incidence, degree: Floats, now: _Point, begun: _Point) -> float:
    """A tilt at which rows and prices would have gone equally far."""
    of_rows = np.sqrt(found.worth @ (now.rows - begun.rows) ** 2)
    of_prices = np.sqrt((found.weight * degree) @ (now.prices - begun.prices) ** 2)
    if of_rows < 1e-12 or of_prices < 1e-12:
        return tilt
    return float(np.clip(np.sqrt(tilt * of_prices / of_rows), 1 / 16, 64))


@numba.njit(cache=True, nogil=True)
def _add_rows(starts: Ints, items: Marks, shares: Floats, sums: Floats) -> None:
    """Adds the share of each row to its items."""
    for row in range(len(starts) - 1):
        if shares[row] != 0.0:
            for place in range(starts[row], starts[row + 1]):
                sums[items[place]] += shares[row]


@numba.njit(cache=True, nogil=True)
def _fit(aims: Floats, steps: Floats, k: int, cut: float, shares: Floats) -> float:
    """
    Writes the shares in [0, 1], k in all, that are nearest to `aims`; returns the cut that makes them so many.

    Shares are aims less cut times step, clipped; Newton's method finds the cut, held between two bounds.
    """
    low, high = -np.inf, np.inf
    for _ in range(60):
        total, slope = -float(k), 0.0
        for row in range(len(aims)):
            share = aims[row] - cut * steps[row]
            if share >= 1.0:
                total += 1.0
            elif share > 0.0:
                total += share
                slope += steps[row]
        if abs(total) <= 1e-10 * k:
            break
        if total > 0:
            low = cut
        else:
            high = cut
        cut = cut + total / slope if slope > 0 else np.nan
        if not low < cut < high:
            if low == -np.inf:
                cut = high - max(1.0, abs(high))
            elif high == np.inf:
                cut = low + max(1.0, abs(low))
            else:
                cut = 0.5 * (low + high)
    for row in range(len(aims)):
        shares[row] = min(1.0, max(0.0, aims[row] - cut * steps[row]))
    return cut


@numba.njit(cache=True, nogil=True)
def _rounds(
    starts: Ints,
    items: Marks,
    weight: Floats,
    worth: Floats,
    degree: Floats,
    k: int,
    tilt: float,
    here: _Point,
    begun: _Point,
    step: _Point,
    room: Floats,
    age: int,
    cut: float,
) -> tuple[float, float]:
    """
    Some rounds of the method, in place: `here` moves, `step` is where the last plain step led.

    Returns the last cut, and how far the last step led in the metric of the method.
    """
    priced, sums = np.empty(len(weight)), np.empty(len(weight))
    steps, aims = room[0], room[1]
    for row in range(len(worth)):
        steps[row] = 1.0 / (tilt * worth[row])
    distance = 0.0
    for turn in range(age, age + ROUNDS_A_LOOK):
        for item in range(len(weight)):
            priced[item] = weight[item] * here.prices[item]
            sums[item] = 0.0
        sum_rows(starts, items, priced, aims)
        for row in range(len(worth)):
            aims[row] = here.rows[row] + steps[row] * aims[row]
        cut = _fit(aims, steps, k, cut, step.rows)
        for row in range(len(worth)):
            aims[row] = 2.0 * step.rows[row] - here.rows[row]
        _add_rows(starts, items, aims, sums)
        distance = 0.0
        keep = (turn + 1.0) / (turn + 2.0)
        for item in range(len(weight)):
            price = here.prices[item] - tilt / degree[item] * (sums[item] - 1.0)
            step.prices[item] = min(1.0, max(0.0, price))
            away = step.prices[item] - here.prices[item]
            distance += weight[item] * degree[item] * away * away / tilt
            leap = here.prices[item] + 2.0 * away
            here.prices[item] = keep * leap + (1.0 - keep) * begun.prices[item]
        for row in range(len(worth)):
            away = step.rows[row] - here.rows[row]
            distance += tilt * worth[row] * away * away
            here.rows[row] = keep * (here.rows[row] + 2.0 * away) + (1.0 - keep) * begun.rows[row]
    return cut, np.sqrt(distance)
