"""Upper bounds from prices on demand: the linear relaxation, approached by a first-order method."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.placement.programme import PROOF_RATIO, Programme

__all__ = ["STEPS_A_SECOND", "Priced", "bound_at", "priced_bound", "rounds_for"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS_A_SECOND = 1e8
"""Matrix entries that a search or a bound visits for each second of the time limit."""
RESTART = 60
"""Rounds after which the method begins again from the mean of its way."""
FREE_WEIGHT = 0.1
"""Steps of rows against steps of prices, to begin with, where there is no limit."""
SWEEPS = 6
"""How often two limits are met by turns."""


@dataclass(frozen=True, eq=False)
class Priced:
    """
    Prices and what they prove.

    Attributes
    ----------
    bound
        No choice reaches more.
    prices
        One a column, 0 or more: what covering it once more is worth at most.
    dues
        One a group: what a unit of its share is worth beyond `first`.
    leaning
        One a row in [0, 1]: how far the relaxed answer chooses it.
    """

    bound: float
    prices: Floats
    dues: Floats
    leaning: Floats


def rounds_for(programme: Programme, time_limit_s: float) -> int:
    """How many rounds take about so long."""
    size = 2 * programme.covers.nnz + 8 * sum(programme.covers.shape)
    return int(np.clip(time_limit_s * STEPS_A_SECOND / size, 2 * RESTART, 4000))


def bound_at(programme: Programme, prices: Floats, dues: Floats) -> float:
    """
    What no choice can exceed, at any prices and dues of 0 or more.

    Weak duality: each column keeps of `first` and `second` what its price leaves, each row earns the prices
    of what it covers, and the rows that earn most within the limits are taken in fractions.
    """
    due = programme.first + _due(programme, dues)
    kept = np.where(np.isinf(due), -prices, np.maximum(due - prices, 0.0)) + np.maximum(
        programme.second - prices, 0.0
    )
    earned = programme.covers @ prices - programme.price
    left = kept.sum() + prices @ programme.base - dues @ programme.need
    return float(left + _best_fraction(earned, programme.sides, programme.limits))


def priced_bound(
    programme: Programme,
    rounds: int,
    *,
    start: Ints | None = None,
    prices: Floats | None = None,
    reached: float = -np.inf,
) -> Priced:
    """
    The least bound that so many rounds find.

    Primal-dual hybrid gradient [1]_ with diagonal steps [2]_, restarted from its mean: prices fall where
    demand is covered more than once and rise where it is not, rows are chosen as far as they earn more than
    their price. Any prices give a bound, so that stopping early only makes it weaker.

    Parameters
    ----------
    rounds
        Products with the cover matrix, there and back.
    start
        Rows to begin from.
    prices
        One a column, to begin from.
    reached
        What a choice is known to reach: the rounds end when the bound meets it.

    References
    ----------
    .. [1] Chambolle & Pock (2011), A first-order primal-dual algorithm for convex problems.
    .. [2] Pock & Chambolle (2011), Diagonal preconditioning for first order primal-dual algorithms.
    """
    covers = programme.covers.astype(float)
    across = covers.T.tocsr()
    scale = _price_scale(programme)
    dues_scale = _dues_scale(programme)
    demand_step = scale / np.maximum(np.diff(across.indptr), 1)
    row_step = 1.0 / np.maximum(
        covers @ scale + 1e-3 * programme.price, 1e-12 * max(scale.max(initial=0.0), 1e-300)
    )
    due_step = dues_scale / np.maximum(_sums(programme, programme.share), 1e-300)
    chosen = np.zeros(covers.shape[0])
    chosen[np.zeros(0, np.int64) if start is None else start] = 1.0
    price = _first_prices(programme, across @ chosen, scale) if prices is None else prices.copy()
    due = np.zeros(programme.need.size)
    best = Priced(bound_at(programme, price, due), price.copy(), due.copy(), chosen.copy())
    totals = [np.zeros_like(chosen), np.zeros_like(price), np.zeros_like(due)]
    since, pushes = 0, np.zeros(programme.limits.size)
    weight = 1.0 if programme.limits.size else FREE_WEIGHT
    came = (chosen.copy(), price.copy())
    for turn in range(1, rounds + 1):
        moved = _within(
            chosen + weight * row_step * (covers @ price - programme.price),
            weight * row_step,
            programme,
            pushes,
        )
        count = across @ (2 * moved - chosen)
        chosen = moved
        price, covered = _demand_step(programme, price, count, due, demand_step / weight)
        due = np.maximum(
            due + due_step / weight * (programme.need - _sums(programme, programme.share * covered)), 0.0
        )
        totals = [total + now for total, now in zip(totals, (chosen, price, due), strict=True)]
        since += 1
        if turn % RESTART and turn != rounds:
            continue
        mean_chosen, mean_price, mean_due = (total / since for total in totals)
        for some_price, some_due in ((mean_price, mean_due), (price, due)):
            settled = _settled(programme, across, some_price, some_due)
            bound = bound_at(programme, settled, some_due)
            if bound < best.bound:
                best = Priced(bound, settled, some_due, mean_chosen)
        if best.bound - reached <= PROOF_RATIO * abs(best.bound):
            break
        chosen, price, due = mean_chosen, mean_price, mean_due
        weight = _balance(weight, came, (chosen, price), row_step, demand_step)
        came = (chosen.copy(), price.copy())
        since = 0
        totals = [np.zeros_like(total) for total in totals]
    return best


def _settled(programme: Programme, across: sparse.csr_matrix, price: Floats, dues: Floats) -> Floats:
    """Where there is no limit, each price in turn moves to where the bound is least."""
    if programme.limits.size:
        return price
    settled = price.copy()
    left = programme.price - programme.covers @ settled
    most = programme.first + _due(programme, dues)
    _settle(across.indptr, across.indices, left, settled, most, programme.base)
    return settled


@numba.njit(cache=True, nogil=True)
def _settle(backs, holders, left, price, most, base):  # type: ignore[no-untyped-def]
    """One pass over the prices; `left` is what each row costs beyond what it earns."""
    for item in range(len(price)):
        least, second = np.inf, np.inf
        for row in holders[backs[item] : backs[item + 1]]:
            if left[row] < least:
                least, second = left[row], least
            elif left[row] < second:
                second = left[row]
        move = least if least > 0.0 else min(second, 0.0)
        move = max(min(move, most[item] - price[item]), -price[item])
        if base[item] == 0 and move != 0.0:
            price[item] += move
            for row in holders[backs[item] : backs[item + 1]]:
                left[row] -= move


def _balance(
    weight: float,
    came: tuple[Floats, Floats],
    now: tuple[Floats, Floats],
    row_step: Floats,
    demand_step: Floats,
) -> float:
    """Steps of rows against steps of prices, after how far each has moved."""
    rows = np.sqrt(((now[0] - came[0]) ** 2 / row_step).sum())
    prices = np.sqrt(((now[1] - came[1]) ** 2 / demand_step).sum())
    if rows <= 0 or prices <= 0:
        return weight
    return float(np.clip(np.exp(0.5 * np.log(rows / prices) + 0.5 * np.log(weight)), 1e-3, 1e3))


def _price_scale(programme: Programme) -> Floats:
    """What a price is about: the weight of the demand, or its part of the cheapest row."""
    scale = np.where(np.isinf(programme.first), 0.0, programme.first) + programme.second
    bare = scale <= 0
    if bare.any():
        size = np.where(bare, np.where(np.isinf(programme.first), 1.0, programme.share), 0.0)
        holds = programme.covers @ size
        rate = np.divide(programme.price, holds, out=np.full(holds.size, np.inf), where=holds > 0)
        across = programme.covers.T.tocsr()
        cheapest = np.full(scale.size, np.inf)
        filled = np.diff(across.indptr) > 0
        if filled.any():
            cheapest[filled] = np.minimum.reduceat(rate[across.indices], across.indptr[:-1][filled])
        part = np.where(np.isfinite(cheapest), cheapest, 0.0) * size
        scale = np.where(bare, part, scale)
    least = scale[scale > 0].min(initial=1.0)
    return np.maximum(scale, 1e-3 * least)


def _dues_scale(programme: Programme) -> Floats:
    """What a due is about: the mean of `first` over the mean share of its group, or of price by share."""
    if not programme.need.size:
        return np.zeros(0)
    shares = _sums(programme, programme.share)
    firsts = _sums(programme, np.where(np.isinf(programme.first), 0.0, programme.first))
    dear = float(programme.price.mean()) / max(float((programme.covers @ programme.share).mean()), 1e-300)
    return np.where(shares > 0, firsts / np.maximum(shares, 1e-300), 0.0) + dear


def _first_prices(programme: Programme, count: Floats, scale: Floats) -> Floats:
    """What is covered once is worth most of its weight, what is covered twice little."""
    count = count + programme.base
    return scale * np.where(count > 1, 0.3, np.where(count == 1, 0.7, 0.9))


def _sums(programme: Programme, values: Floats) -> Floats:
    """Sum of values over each group."""
    inside = programme.group >= 0
    return np.bincount(programme.group[inside], values[inside], programme.need.size).astype(float)


def _due(programme: Programme, dues: Floats) -> Floats:
    """What the dues add to each column."""
    return np.where(programme.group >= 0, np.append(dues, 0.0)[programme.group], 0.0) * programme.share


def _demand_step(
    programme: Programme, price: Floats, count: Floats, dues: Floats, step: Floats
) -> tuple[Floats, Floats]:
    """Prices after one step against how often the demand is covered, and how far it counts as covered."""
    due = programme.first + _due(programme, dues)
    fallen = price - step * (count + programme.base)
    upper = np.maximum(fallen + step, np.minimum(programme.second, fallen + 2 * step))
    moved = np.maximum(np.maximum(fallen, np.minimum(due, upper)), 0.0)
    return moved, np.clip((moved - fallen) / step, 0.0, 1.0)


def _within(wish: Floats, step: Floats, programme: Programme, pushes: Floats) -> Floats:
    """The nearest rows in [0, 1] within the limits, distances measured by the steps; `pushes` are kept."""
    for _ in range(SWEEPS if pushes.size > 1 else 1):
        before = pushes.copy()
        for row in range(pushes.size):
            rest = pushes.copy()
            rest[row] = 0.0
            side = programme.sides[row]
            others = wish - step * (rest @ programme.sides)
            pushes[row] = _push(others, step * side, side, float(programme.limits[row]), float(pushes[row]))
        if np.abs(pushes - before).max(initial=0.0) <= 1e-6 * np.abs(pushes).max(initial=0.0):
            break
    return np.clip(wish - step * (pushes @ programme.sides), 0.0, 1.0)


@numba.njit(cache=True, nogil=True)
def _push(wish: Floats, slope: Floats, side: Floats, limit: float, guess: float) -> float:
    """How hard the limit presses: side · clip(wish − push · slope, 0, 1) meets it; 0 if it is kept anyway."""
    low, high, push = 0.0, np.inf, 0.0
    for turn in range(100):
        over, rate = -limit, 0.0
        for row in range(len(wish)):
            moved = wish[row] - push * slope[row]
            if moved >= 1.0:
                over += side[row]
            elif moved > 0.0:
                over += side[row] * moved
                rate += side[row] * slope[row]
        if abs(over) <= 1e-9 * max(limit, 1.0) or (push == 0.0 and over <= 0.0):
            break
        if over > 0.0:
            low = push
        else:
            high = push
        better = push + over / rate if rate > 0.0 else -1.0
        if turn == 0 and guess > 0.0:
            better = guess
        if low < better < high:  # a step of Newton's, kept within the bracket
            push = better
        elif high < np.inf:
            push = (low + high) / 2
        else:
            push = max(2 * low, 1e-12)
    return push


def _best_fraction(earned: Floats, sides: Floats, limits: Floats) -> float:
    """The most that earned · x can be, x in [0, 1] within the limits."""
    if not limits.size:
        return float(np.maximum(earned, 0.0).sum())
    if limits.size == 1:
        return _knapsack(earned, sides[0], float(limits[0]))
    return _two_counts(earned, sides[1] > 0, int(limits[0]), int(limits[1]))


def _knapsack(earned: Floats, cost: Floats, limit: float) -> float:
    """The best fractional knapsack."""
    worth = earned > 0
    earned, cost = earned[worth], cost[worth]
    if cost.sum() <= limit:
        return float(earned.sum())
    free = cost <= 0
    rest, cost = earned[~free], cost[~free]
    order = np.argsort(-rest / cost)
    spent = np.cumsum(cost[order])
    whole = int(np.searchsorted(spent, limit, side="right"))
    left = limit - (spent[whole - 1] if whole else 0.0)
    part = rest[order[whole]] / cost[order[whole]] * left if whole < order.size else 0.0
    return float(earned[free].sum() + rest[order[:whole]].sum() + part)


def _two_counts(earned: Floats, inside: npt.NDArray[np.bool_], most: int, most_inside: int) -> float:
    """The best `most` rows of which at most `most_inside` are inside."""
    earned = np.maximum(earned, 0.0)
    new, old = (np.r_[0.0, np.cumsum(-np.sort(-earned[part]))] for part in (inside, ~inside))
    count = np.arange(min(most_inside, most, new.size - 1) + 1)
    return float((new[count] + old[np.minimum(most - count, old.size - 1)]).max())
