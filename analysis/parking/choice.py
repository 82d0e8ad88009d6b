"""Which blocks of bays to build: as much demand as possible served within a budget, with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numba
import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from analysis.access import Walks
from analysis.access.flow import Arcs, allocate, allocate_hours, levels, listed, reroute
from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["BayPlan", "choose_bays"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EXACT_VARIABLES = 40_000
"""Pairs times hours up to which HiGHS is asked for the best choice."""
PROVEN_RATIO = 1e-6
"""A gap below this share of the bound is none."""
ROUNDS = 400
"""Steps towards the bound, at most."""
PATIENCE = 60
"""Steps that may pass without a better one."""


@dataclass(frozen=True, eq=False)
class BayPlan:
    """
    Blocks to build.

    Attributes
    ----------
    chosen
        Rows of blocks, the one chosen first first.
    gains
        Demand that each adds, after those before it.
    served_before, served_after
        Demand served without and with them, hours weighted.
    wanted
        All demand, hours weighted.
    upper_bound
        No choice within the budget serves more.
    gap_ratio
        (upper_bound − served_after) / (upper_bound − served_before), in [0, 1]; 0 where nothing can be gained.
    proven_optimal
        True if the gap is nothing but rounding.
    cost, budget
        What the chosen cost together, and what they may.
    unmet_before, unmet_after
        Vehicles without a place, (places, hours).
    used
        Vehicles that stand in each block, 0 for those not chosen, (blocks, hours).
    """

    chosen: Ints
    gains: Floats
    served_before: float
    served_after: float
    wanted: float
    upper_bound: float
    gap_ratio: float
    proven_optimal: bool
    cost: float
    budget: float
    unmet_before: Floats
    unmet_after: Floats
    used: Floats


@dataclass(frozen=True, eq=False)
class _Task:
    """Existing supplies first, then blocks; hours in rows."""

    arcs: Arcs
    metres: Floats
    demand: Floats
    capacity: Floats
    standing: int
    cost: Floats
    budget: float
    hour_weight: Floats


def choose_bays(
    walks: Walks,
    demand: npt.ArrayLike,
    bays: npt.ArrayLike,
    costs: npt.ArrayLike,
    budget: float,
    *,
    existing: tuple[Walks, npt.ArrayLike] | None = None,
    hour_weights: npt.ArrayLike | None = None,
    time_limit_s: float = 10.0,
    now: Callable[[], float] = time.monotonic,
) -> BayPlan:
    """
    Capacity-constrained maximum coverage under a budget [1]_: a block serves demand within the walk up to its bays.

    For every choice demand is allocated exactly, together with the supply that exists, as `analysis.access.shortage`
    does. Blocks are chosen greedily by gain for cost, or the best single one if that serves more: what is served is
    submodular, so that this is at least 39 % of the best possible gain [2]_. The bound comes from
    prices of places (the dual of the linear relaxation) by subgradient steps; small questions go to HiGHS.

    Parameters
    ----------
    walks
        From places of demand to blocks.
    demand
        Vehicles that want to stand at the same time, 0 or more, (places,) or (places, hours).
    bays
        Of each block, 0 or more.
    costs
        Of each block, above 0.
    budget
        What the chosen may cost together, above 0.
    existing
        Walks from the same places to the supply that exists, and its capacity.
    hour_weights
        How often each hour counts, 0 or more; each once if not given.
    time_limit_s
        Seconds for bound and proof; the choice itself takes what it needs.
    now
        Tells the time in seconds, from any beginning.

    Raises
    ------
    InputError
        If a value is out of range, sizes differ, there are no blocks, or no demand.

    References
    ----------
    .. [1] Current & Storbeck (1988), Capacitated covering models.
    .. [2] Khuller, Moss & Naor (1999), The budgeted maximum coverage problem.
    """
    task = _task(walks, demand, bays, costs, budget, existing, hour_weights)
    before = _served(task, np.zeros(0, np.int64))
    affordable = np.flatnonzero(task.cost <= task.budget * (1 + 1e-12))
    chosen, gains = _greedy(task, affordable, task.cost, len(affordable))
    single, most = _greedy(task, affordable, np.ones_like(task.cost), 1)
    if most.sum() > gains.sum():
        chosen, gains = single, most
    after = before + float(gains.sum())
    begun = now()
    bound = _bound(task, chosen, after, lambda: now() - begun < time_limit_s)
    if _open(after, bound) and len(task.metres) * len(task.demand) <= EXACT_VARIABLES:
        rows, proven = _exact(task, max(time_limit_s - (now() - begun), 0.1))
        bound = min(bound, proven)
        if rows is not None and _served(task, rows) > after * (1 + 1e-12):
            chosen, gains = _in_order(task, rows)
            after = before + float(gains.sum())
    return _plan(task, chosen, gains, before, max(bound, after))


def _plan(task: _Task, chosen: Ints, gains: Floats, before: float, bound: float) -> BayPlan:
    unmet_before = _allocated(task, np.zeros(0, np.int64))[0]
    unmet_after, used = _allocated(task, chosen)
    after = before + float(gains.sum())
    proven = not _open(after, bound)
    bound = after if proven else bound
    return BayPlan(
        chosen=chosen,
        gains=gains,
        served_before=before,
        served_after=after,
        wanted=float(task.hour_weight @ task.demand.sum(axis=1)),
        upper_bound=bound,
        gap_ratio=0.0 if proven else (bound - after) / (bound - before),
        proven_optimal=proven,
        cost=float(task.cost[chosen].sum()),
        budget=task.budget,
        unmet_before=unmet_before.T,
        unmet_after=unmet_after.T,
        used=used[:, task.standing :].T,
    )


def _open(reached: float, bound: float) -> bool:
    return bound - reached > PROVEN_RATIO * abs(bound)


def _task(
    walks: Walks,
    demand: npt.ArrayLike,
    bays: npt.ArrayLike,
    costs: npt.ArrayLike,
    budget: float,
    existing: tuple[Walks, npt.ArrayLike] | None,
    hour_weights: npt.ArrayLike | None,
) -> _Task:
    wanted = np.asarray(demand, dtype=np.float64)
    wanted = wanted[:, None] if wanted.ndim == 1 else wanted
    offered, price = np.asarray(bays, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    weights = np.ones(wanted.shape[1]) if hour_weights is None else np.asarray(hour_weights, dtype=np.float64)
    for name, array, size in (
        ("demand", wanted, walks.origins),
        ("bays", offered, walks.targets),
        ("costs", price, walks.targets),
        ("hour_weights", weights, wanted.shape[1]),
    ):
        if len(array) != size:
            raise InputError(
                "{name} has {given} rows, but there are {size}.",
                "Give one value a row.",
                name=name,
                given=len(array),
                size=size,
            )
        require_positive(name, array.ravel(), zero=name != "costs")
    require_positive("budget", budget)
    if not walks.targets:
        raise InputError(
            "There are no blocks of bays to choose from.", "Allow smaller distances or more kinds of streets."
        )
    if not wanted.sum() > 0:
        raise InputError("There is no demand to serve.", "Estimate demand first.")
    standing = np.zeros(0)
    every = walks
    if existing is not None:
        here, capacity = existing
        standing = np.asarray(capacity, dtype=np.float64)
        require_positive("existing capacity", standing, zero=True)
        if len(standing) != here.targets:
            raise InputError(
                "{name} has {given} rows, but there are {size}.",
                "Give one value a row.",
                name="existing capacity",
                given=len(standing),
                size=here.targets,
            )
        every = here.beside(walks)
    return _Task(
        Arcs.of(every),
        every.turned().metres,
        np.ascontiguousarray(wanted.T),
        np.concatenate([standing, offered]),
        len(standing),
        price,
        float(budget),
        weights,
    )


def _allocated(task: _Task, chosen: Ints) -> tuple[Floats, Floats]:
    """Unmet (hours, places) and used (hours, supplies) with some blocks."""
    capacity = _capacity(task, chosen)
    unmet, used, _, _ = allocate_hours(task.arcs, task.metres, task.demand, capacity[None])
    return unmet, used


def _capacity(task: _Task, chosen: Ints) -> Floats:
    built = np.zeros(len(task.capacity), dtype=bool)
    built[: task.standing] = True
    built[task.standing + chosen] = True
    return np.where(built, task.capacity, 0.0)


def _served(task: _Task, chosen: Ints) -> float:
    unmet, _ = _allocated(task, chosen)
    return float(task.hour_weight @ (task.demand.sum(axis=1) - unmet.sum(axis=1)))


def _greedy(task: _Task, rows: Ints, unit: Floats, most: int) -> tuple[Ints, Floats]:
    """At most so many blocks by gain for each unit, while the money lasts; gains only shrink: few are weighed anew."""
    state = _State(task)
    left = task.budget
    hopes = state.hopes()
    heap = [(-hopes[row] / unit[row], 1, int(row)) for row in rows if hopes[row] > 0]
    heapify(heap)
    chosen: list[int] = []
    gains: list[float] = []
    while heap and len(chosen) < most:
        worth, valued, row = heappop(heap)
        if worth >= 0:
            break
        if task.cost[row] > left * (1 + 1e-12):
            continue
        if (
            -valued < len(chosen) or valued > 0
        ):  # of those that are worth the same, the ones just weighed come first
            heappush(heap, (-state.gain(row) / unit[row], -len(chosen), row))
            continue
        gains.append(state.gain(row, keep=True))
        chosen.append(row)
        left -= task.cost[row]
    return np.array(chosen, dtype=np.int64), np.array(gains, dtype=np.float64)


def _in_order(task: _Task, rows: Ints) -> tuple[Ints, Floats]:
    """The rows, the one that adds most first, and what each adds."""
    state = _State(task)
    chosen: list[int] = []
    gains: list[float] = []
    rest = [int(row) for row in rows]
    while rest:
        best = max(rest, key=lambda row: (state.gain(row), -row))
        rest.remove(best)
        chosen.append(best)
        gains.append(state.gain(best, keep=True))
    return np.array(chosen, dtype=np.int64), np.array(gains, dtype=np.float64)


class _State:
    """Who stands where at every hour, while blocks are added."""

    def __init__(self, task: _Task) -> None:
        self._task = task
        hours, places = task.demand.shape
        supplies = len(task.capacity)
        self._left = task.demand.copy()
        self._room = np.tile(_capacity(task, np.zeros(0, np.int64)), (hours, 1))
        self._flow = np.zeros((hours, len(task.metres)))
        self._spent_place = np.zeros((hours, places), np.bool_)
        self._spent_supply = np.zeros((hours, supplies), np.bool_)
        self._head = np.empty((hours, places), np.int32)
        self._follow = np.empty((hours, len(task.metres)), np.int32)
        _start(
            *(task.arcs, self._left, self._room, self._flow, self._head, self._follow),
            *(self._spent_place, self._spent_supply),
        )
        self._room[:, : task.standing] = 0.0  # what is left there nobody can use

    def hopes(self) -> Floats:
        """What each block adds at most: its bays at every hour at which anybody in its reach could gain."""
        task = self._task
        place, supply = task.arcs.place, task.arcs.supply
        blocks = np.zeros(len(task.capacity))
        for weight, spent in zip(task.hour_weight, self._spent_place, strict=True):
            blocks += weight * (np.bincount(supply, ~spent[place], len(task.capacity)) > 0)
        return np.asarray((blocks * task.capacity)[task.standing :])

    def gain(self, block: int, *, keep: bool = False) -> float:
        """Demand that a block would add, or adds."""
        supply = self._task.standing + block
        gained = _add(
            *(self._task.arcs, supply, self._task.capacity[supply], self._left, self._room, self._flow),
            *(self._head, self._follow, self._spent_place, self._spent_supply, keep),
        )
        return float(self._task.hour_weight @ gained)


@numba.njit(cache=True, nogil=True)
def _start(arcs, left, room, flow, head, follow, spent_place, spent_supply):  # type: ignore[no-untyped-def]
    """Allocates every hour, and marks what no rerouting can bring to unmet demand."""
    for hour in range(left.shape[0]):
        allocate(arcs, left[hour], room[hour], flow[hour])
        head[hour], follow[hour] = listed(arcs, flow[hour])
        place_level, supply_level = np.empty(left.shape[1], np.int64), np.empty(room.shape[1], np.int64)
        levels(arcs, left[hour], room[hour], flow[hour], place_level, supply_level)
        spent_place[hour] = place_level < 0
        spent_supply[hour] = supply_level < 0


@numba.njit(cache=True, nogil=True)
def _add(  # type: ignore[no-untyped-def]
    arcs, supply, bays, left, room, flow, head, follow, spent_place, spent_supply, keep
):
    gained = np.zeros(left.shape[0])
    for hour in range(left.shape[0]):
        room[hour, supply] = bays
        gained[hour] = reroute(
            arcs,
            supply,
            left[hour],
            room[hour],
            flow[hour],
            (head[hour], follow[hour]),
            spent_place[hour],
            spent_supply[hour],
            keep,
        )
        if not keep:
            room[hour, supply] = 0.0
    return gained


def _bound(task: _Task, chosen: Ints, reached: float, in_time: Callable[[], bool]) -> float:
    """
    The least found of Σ w (Σ y d + Σ z c) + the best fraction of blocks for the money, over prices y in [0, 1].

    z = 1 − the least price in reach; weak duality makes each such sum a bound. Begins from the prices of the least
    cuts without any block, with the chosen and with all of them.
    """
    starts = [
        _cut(task.arcs, task.demand, _capacity(task, built))
        for built in (np.zeros(0, np.int64), chosen, np.arange(len(task.cost)))
    ]
    totals = [_priced(task, price)[0] for price in starts]
    best, price = min(totals), starts[int(np.argmin(totals))]
    scale, stalled = 1.0, 0
    for _ in range(ROUNDS):
        if not _open(reached, best) or stalled >= PATIENCE or not in_time():
            break
        total, slope = _priced(task, price)
        if total < best - 1e-9 * abs(best):
            best, stalled = total, 0
        else:
            stalled += 1
            if stalled % 10 == 0:
                scale /= 2
        # a price at its end that wants to go beyond it does not count
        slope[((price <= 0) & (slope > 0)) | ((price >= 1) & (slope < 0))] = 0.0
        steep = float((slope**2).sum())
        if steep <= 0:
            break
        price = np.clip(price - scale * max(total - reached, 1e-9) / steep * slope, 0.0, 1.0)
    return best


def _priced(task: _Task, price: Floats) -> tuple[float, Floats]:
    """The bound that prices give, and how it changes with each of them."""
    spare, cheapest = _spare(task.arcs, price, len(task.capacity))
    worth = task.capacity * (task.hour_weight @ spare)
    share = np.ones(len(task.capacity))
    share[task.standing :] = _knapsack(worth[task.standing :], task.cost, task.budget)
    total = float(task.hour_weight @ (price * task.demand).sum(axis=1) + worth @ share)
    load = _loaded(cheapest, task.capacity * share, price.shape[1])
    return total, task.hour_weight[:, None] * (task.demand - load)


@numba.njit(cache=True, nogil=True)
def _cut(arcs, demand, capacity):  # type: ignore[no-untyped-def]
    """Prices of the least cut: 0 where demand is short of supply, 1 elsewhere."""
    price = np.ones(demand.shape)
    flow = np.empty(arcs.place.shape[0])
    for hour in range(demand.shape[0]):
        left, room = demand[hour].copy(), capacity.copy()
        flow[:] = 0.0
        allocate(arcs, left, room, flow)
        place_level, supply_level = np.empty(left.shape[0], np.int64), np.empty(room.shape[0], np.int64)
        levels(arcs, left, room, flow, place_level, supply_level)
        price[hour][place_level >= 0] = 0.0
    return price


@numba.njit(cache=True, nogil=True)
def _spare(arcs, price, supplies):  # type: ignore[no-untyped-def]
    """One less the least price within reach of each supply, and the place that has it; −1 without any in reach."""
    spare, cheapest = np.zeros((price.shape[0], supplies)), np.full((price.shape[0], supplies), -1, np.int64)
    for hour in range(price.shape[0]):
        for supply in range(supplies):
            least, at = 1.0, -1
            for arc in range(arcs.first[supply], arcs.first[supply + 1]):
                if price[hour, arcs.place[arc]] < least:
                    at = arcs.place[arc]
                    least = price[hour, at]
            spare[hour, supply] = 1.0 - least
            cheapest[hour, supply] = at
    return spare, cheapest


@numba.njit(cache=True, nogil=True)
def _loaded(cheapest, capacity, places):  # type: ignore[no-untyped-def]
    """Capacity that falls to each place."""
    load = np.zeros((cheapest.shape[0], places))
    for hour in range(cheapest.shape[0]):
        for supply in range(cheapest.shape[1]):
            if cheapest[hour, supply] >= 0:
                load[hour, cheapest[hour, supply]] += capacity[supply]
    return load


def _knapsack(worth: Floats, cost: Floats, budget: float) -> Floats:
    """Share of each block in the best choice when blocks could be built in part; those that cost too much are out."""
    share = np.zeros(len(worth))
    fits = np.flatnonzero((worth > 0) & (cost <= budget * (1 + 1e-12)))
    order = fits[np.argsort(-worth[fits] / cost[fits], kind="stable")]
    spent = np.cumsum(cost[order])
    whole = spent <= budget
    share[order[whole]] = 1.0
    if not whole.all():
        last = int(np.argmin(whole))
        before = spent[last] - cost[order[last]]
        share[order[last]] = max(budget - before, 0.0) / cost[order[last]]
    return share


def _exact(task: _Task, time_limit_s: float) -> tuple[Ints | None, float]:
    """The best choice that HiGHS finds in time, and its bound."""
    hours, places = task.demand.shape
    pairs, blocks = len(task.metres), len(task.cost)
    rows, columns, values = [], [], []
    flows = np.arange(hours * pairs)
    hour, arc = np.divmod(flows, max(pairs, 1))
    supplies = len(task.capacity)
    place, supply = task.arcs.place[arc], task.arcs.supply[arc]
    rows.append(hour * places + place)
    columns.append(blocks + flows)
    values.append(np.ones(len(flows)))
    rows.append(hours * places + hour * supplies + supply)
    columns.append(blocks + flows)
    values.append(np.ones(len(flows)))
    block = np.tile(np.arange(blocks), hours)
    rows.append(hours * places + np.repeat(np.arange(hours), blocks) * supplies + task.standing + block)
    columns.append(block)
    values.append(-task.capacity[task.standing + block])
    last = hours * (places + supplies)
    rows.append(np.full(blocks, last))
    columns.append(np.arange(blocks))
    values.append(task.cost)
    matrix = sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(last + 1, blocks + len(flows)),
    )
    standing = np.where(np.arange(supplies) < task.standing, task.capacity, 0.0)
    upper = np.concatenate([task.demand.ravel(), np.tile(standing, hours), [task.budget]])
    gain = np.concatenate([np.zeros(blocks), -task.hour_weight[hour]])
    solved = optimize.milp(
        gain,
        integrality=np.concatenate([np.ones(blocks), np.zeros(len(flows))]),
        bounds=optimize.Bounds(0, np.concatenate([np.ones(blocks), np.full(len(flows), np.inf)])),
        constraints=optimize.LinearConstraint(matrix, -np.inf, upper),
        options={"time_limit": time_limit_s, "mip_rel_gap": 0.0},
    )
    bound = getattr(solved, "mip_dual_bound", None)
    picked = None
    if solved.x is not None:
        picked = np.flatnonzero(solved.x[:blocks] > 0.5)
        if task.cost[picked].sum() > task.budget * (1 + 1e-9):
            picked = None
    return picked, np.inf if bound is None else -float(bound)
