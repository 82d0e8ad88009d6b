"""Where more cameras see most: the maximal covering location problem, always with a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from operator import index

import highspy
import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["Placement", "maximal_covering"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

EXACT_ENTRIES = 200_000
"""Entries of the cover matrix up to which HiGHS is asked for a proof; above, minutes bring it nowhere."""
PROOF_RATIO = 1e-6
"""A gap below this share of the bound is none: the tolerance of the solver."""
STEPS_A_SECOND = 1e8
"""Matrix entries that the search and the bound visit for each second of the time limit."""


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
) -> Placement:
    """
    Choose k candidates that cover the greatest weight of demand [1]_.

    Greedy choice with lazy gains [2]_ (at least 63 % of the best), then exchanges of one for one, then a
    Lagrangian bound whose prices suggest a second start; small cases go to HiGHS for a proof.

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
        Seconds for the solver; the search and the bound are held to a number of steps that takes about as
        long, so that, unless the solver runs out of time, the same question gets the same answer.

    Raises
    ------
    InputError
        If an argument is out of range, sizes differ, or there is nothing to cover.

    References
    ----------
    .. [1] Church & ReVelle (1974), The maximal covering location problem.
    .. [2] Leskovec et al. (2007), Cost-effective outbreak detection in networks (CELF).
    """
    covers = _pattern(covers)
    weight, already = _demand(covers, weights, already_covered)
    kept = _fixed_rows(covers, k, fixed)
    require_positive("time_limit_s", time_limit_s, zero=True)

    fixed_gains, done = [], already.copy()
    for row in kept:
        fresh = covers[row].indices[~done[covers[row].indices]]
        fixed_gains.append(float(weight[fresh].sum()))
        done[fresh] = True
    free = np.setdiff1d(np.arange(covers.shape[0]), kept)
    wanted = np.flatnonzero(~done & (weight > 0))
    part = covers[free][:, wanted]
    picked, bound = _best_rows(part, weight[wanted], k - len(kept), time_limit_s)
    picked, gains = _greedy(part[picked], weight[wanted], len(picked), among=picked)

    base = float(weight[done].sum())
    covered = base + float(gains.sum())
    upper = min(max(base + bound, covered), float(weight.sum()))
    proven = upper - covered <= PROOF_RATIO * upper
    upper = covered if proven else upper
    already_weight = float(weight[already].sum())
    return Placement(
        chosen=np.concatenate([kept, free[picked]]),
        gains=np.concatenate([fixed_gains, gains]),
        covered_weight=covered,
        already_weight=already_weight,
        total_weight=float(weight.sum()),
        upper_bound=upper,
        gap_ratio=0.0 if proven else (upper - covered) / (upper - already_weight),
        proven_optimal=bool(proven),
    )


def _pattern(covers: sparse.csr_matrix) -> sparse.csr_matrix:
    """The entries other than 0, as ones, in order."""
    pattern = sparse.csr_matrix(covers, copy=True)
    pattern.sum_duplicates()
    pattern.data = (pattern.data != 0).astype(np.int8)
    pattern.eliminate_zeros()
    return pattern


def _demand(
    covers: sparse.csr_matrix, weights: npt.ArrayLike, already_covered: npt.ArrayLike | None
) -> tuple[Floats, Truths]:
    """Weights and what is already covered, one a column."""
    weight = np.asarray(weights, dtype=float)
    already = np.zeros(covers.shape[1], bool) if already_covered is None else np.asarray(already_covered)
    for name, array in (("weights", weight), ("already_covered", already)):
        if array.shape != covers.shape[1:]:
            raise InputError(
                "{name} has the shape {shape}, but covers has {columns} columns.",
                "Give one value a column of covers.",
                name=name,
                shape=array.shape,
                columns=covers.shape[1],
            )
    if already.dtype != np.bool_:
        raise InputError(
            "already_covered holds {kind}, not truth values.", "Compare it first.", kind=str(already.dtype)
        )
    if weight.size:
        require_positive("weights", weight, zero=True)
    if not weight.sum() > 0 or not covers.nnz:
        raise InputError(
            "There is nothing to cover: {demand} demand of weight {weight}, {entries} entries in covers.",
            "Check that demand and candidates lie in the same place and that a weight is above 0.",
            demand=covers.shape[1],
            weight=float(weight.sum()),
            entries=covers.nnz,
        )
    return weight, already


def _fixed_rows(covers: sparse.csr_matrix, k: int, fixed: Sequence[int]) -> Ints:
    """The fixed rows, if they and k can be."""
    rows = np.array([index(row) for row in fixed], dtype=np.int64)
    count = covers.shape[0]
    if not 1 <= index(k) <= count:
        raise InputError(
            "k is {k}, but there are {count} candidates.",
            "Ask for 1 to {count} of them.",
            k=k,
            count=count,
        )
    if rows.size and (len(set(rows.tolist())) < rows.size or rows.min() < 0 or rows.max() >= count):
        raise InputError(
            "fixed is {rows}; each must be a row of covers from 0 to {last}, named once.",
            "Give positions, not labels.",
            rows=rows.tolist(),
            last=count - 1,
        )
    if rows.size > k:
        raise InputError(
            "k is {k}, but {fixed} candidates are fixed.",
            "Let k count the fixed ones too.",
            k=k,
            fixed=rows.size,
        )
    return rows


def _best_rows(covers: sparse.csr_matrix, weight: Floats, k: int, time_limit_s: float) -> tuple[Ints, float]:
    """At most k rows that together gain much, and a bound on what any k rows gain."""
    k = min(k, int((np.diff(covers.indptr) > 0).sum()))
    if k == 0:
        return np.zeros(0, np.int64), 0.0
    rows, _ = _greedy(covers, weight, k)
    steps = time_limit_s * STEPS_A_SECOND
    rows = _exchanged(covers, weight, rows, steps)
    covered = _weight_of(covers, weight, rows)
    bound, hint = _lagrangian(covers, weight, k, covered, steps)
    if bound - covered <= PROOF_RATIO * bound:
        return rows, bound
    other = _exchanged(covers, weight, hint, steps)
    if _weight_of(covers, weight, other) > covered:
        rows = other
    if covers.nnz <= EXACT_ENTRIES and time_limit_s > 0:
        solved, proof = _solved(covers, weight, k, rows, time_limit_s)
        bound = min(bound, proof)
        if _weight_of(covers, weight, solved) > _weight_of(covers, weight, rows):
            rows = solved
    return rows, bound


def _weight_of(covers: sparse.csr_matrix, weight: Floats, rows: Ints) -> float:
    """Weight that the rows cover together."""
    return float(weight[np.unique(covers[rows].indices)].sum())


def _greedy(
    covers: sparse.csr_matrix, weight: Floats, k: int, *, among: Ints | None = None
) -> tuple[Ints, Floats]:
    """Up to k rows, each the one that adds most to those before (named by `among`), and their gains."""
    rows, gains = _lazy_greedy(covers.indptr, covers.indices, weight, covers @ weight, k)
    return (rows if among is None else among[rows]), gains


def _exchanged(covers: sparse.csr_matrix, weight: Floats, rows: Ints, steps: float) -> Ints:
    """The rows after every exchange of one for one that gains, as far as the steps go."""
    across = covers.T.tocsr()
    least = 1e-9 * float(weight.sum())
    return np.asarray(
        _exchange(
            covers.indptr, covers.indices, across.indptr, across.indices, weight, rows.copy(), least, steps
        )
    )


def _lagrangian(
    covers: sparse.csr_matrix, weight: Floats, k: int, covered: float, steps: float
) -> tuple[float, Ints]:
    """
    Bound on the weight that k rows can cover, and the rows that its best multipliers point to.

    Each demand has a price between 0 and its weight; what prices leave of the weights, plus what the k
    dearest rows are worth, is a bound at any prices. They follow a deflected subgradient with Polyak's step.
    """
    covers = covers.astype(float)  # else every product converts it again
    price = weight / np.clip(np.bincount(covers.indices, minlength=weight.size), 1, 3)
    best, best_price, best_rows = np.inf, price, np.zeros(0, np.int64)
    way, theta, idle = np.zeros(weight.size), 1.0, 0
    for _ in range(int(np.clip(steps / (covers.nnz + weight.size), 30, 500))):
        worth = covers @ price
        rows = np.argpartition(-worth, k - 1)[:k]
        bound = float((weight - price).sum() + worth[rows].sum())
        if bound < best * (1 - 1e-7):
            best, best_price, best_rows, idle = bound, price, rows, 0
        else:
            idle += 1
            if idle == 15:
                theta, idle, price, way = 0.6 * theta, 0, best_price, 0.0 * way
                continue
        slope = np.bincount(covers[rows].indices, minlength=weight.size) - 1.0
        slope[((price <= 0) & (slope > 0)) | ((price >= weight) & (slope < 0))] = 0.0
        way = 0.9 * way + slope
        size = float(way @ way)
        if size < 1e-12 or theta < 1e-4 or best - covered <= PROOF_RATIO * best:
            break
        price = np.clip(price - theta * (bound - covered) / size * way, 0.0, weight)
    return best, best_rows.astype(np.int64)


def _solved(
    covers: sparse.csr_matrix, weight: Floats, k: int, rows: Ints, time_limit_s: float
) -> tuple[Ints, float]:
    """Best rows that HiGHS finds from the given ones in time, and its bound (infinite if it has none)."""
    count, demand = covers.shape
    unit = float(weight.mean())
    across = sparse.hstack([-covers.T, sparse.identity(demand)])
    limit = sparse.csr_matrix((np.ones(count), (np.zeros(count, int), np.arange(count))), (1, count + demand))
    matrix = sparse.vstack([across, limit], format="csr")
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = count + demand, demand + 1
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = np.concatenate([np.zeros(count), weight / unit])
    model.col_lower_, model.col_upper_ = np.zeros(count + demand), np.ones(count + demand)
    model.row_lower_ = np.full(demand + 1, -highspy.kHighsInf)
    model.row_upper_ = np.concatenate([np.zeros(demand), [float(k)]])
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.num_col_, model.a_matrix_.num_row_ = count + demand, demand + 1
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
    model.a_matrix_.value_ = matrix.data.astype(float)
    kinds = highspy.HighsVarType
    model.integrality_ = [kinds.kInteger] * count + [kinds.kContinuous] * demand
    start = highspy.HighsSolution()
    values = np.zeros(count + demand)
    values[rows] = 1.0
    values[count + np.unique(covers[rows].indices)] = 1.0
    start.col_value = values

    solver = highspy.Highs()
    for name, value in (("output_flag", False), ("time_limit", float(time_limit_s)), ("mip_rel_gap", 0.0)):
        solver.setOptionValue(name, value)
    solver.passModel(model)
    solver.setSolution(start)
    solver.run()
    found = np.asarray(solver.getSolution().col_value)[:count]
    bound = float(solver.getInfo().mip_dual_bound) * unit
    chosen = np.flatnonzero(found > 0.5) if found.size == count else rows
    return chosen.astype(np.int64), bound if np.isfinite(bound) else np.inf


@numba.njit(cache=True, nogil=True)
def _lazy_greedy(starts: Ints, items: Ints, weight: Floats, gains: Floats, k: int) -> tuple[Ints, Floats]:
    """Rows in order of choice and their gains; stops early where nothing is left to gain."""
    heap = [(-gains[row], row) for row in range(len(gains))]
    heapify(heap)
    covered = np.zeros(len(weight), np.bool_)
    valued = np.zeros(len(gains), np.int64)  # how many were chosen when the gain was last worked out
    rows, added, chosen = np.empty(k, np.int64), np.empty(k), 0
    while chosen < k and heap:
        loss, row = heappop(heap)
        if loss >= 0:
            break
        if valued[row] == chosen:
            rows[chosen], added[chosen] = row, -loss
            chosen += 1
            for item in items[starts[row] : starts[row + 1]]:
                covered[item] = True
            continue
        gain = 0.0
        for item in items[starts[row] : starts[row + 1]]:
            if not covered[item]:
                gain += weight[item]
        valued[row] = chosen
        heappush(heap, (-gain, row))
    return rows[:chosen], added[:chosen]


@numba.njit(cache=True, nogil=True)
def _exchange(starts, items, backs, holders, weight, rows, least, steps):  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915
    """
    Exchanges one chosen row for one other while that gains more than `least`.

    Kept up to date: `gain` of each row (demand that nobody covers), `loss` of each chosen row (demand that
    only it covers), `single` of each row (demand that one chosen row covers: bounds what an exchange saves).
    """
    n, k = len(starts) - 1, len(rows)
    count, owner = (
        np.zeros(len(weight), np.int64),
        np.zeros(len(weight), np.int64),
    )  # owner: sum of covering rows
    gain, single, loss, extra = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    chosen, touched = np.zeros(n, np.bool_), np.empty(n, np.int64)
    for row in rows:
        chosen[row] = True
        for item in items[starts[row] : starts[row + 1]]:
            count[item] += 1
            owner[item] += row
    for item in range(len(weight)):
        if count[item] == 1:
            loss[owner[item]] += weight[item]
        for row in holders[backs[item] : backs[item + 1]]:
            if count[item] == 0:
                gain[row] += weight[item]
            elif count[item] == 1:
                single[row] += weight[item]
    stale, come = 0, -1
    while stale < n and steps > 0:
        come = (come + 1) % n
        stale += 1
        steps -= 1
        if chosen[come] or gain[come] <= least:
            continue
        slot = np.argmin(loss[rows])
        steps -= k
        if gain[come] + single[come] <= loss[rows[slot]] + least:
            continue
        reached = 0
        for item in items[starts[come] : starts[come + 1]]:
            if count[item] == 1:
                if extra[owner[item]] == 0:
                    touched[reached] = owner[item]
                    reached += 1
                extra[owner[item]] += weight[item]
        go = rows[slot]
        for row in touched[:reached]:
            if loss[row] - extra[row] < loss[go] - extra[go]:
                go = row
        better = gain[come] - (loss[go] - extra[go])
        extra[touched[:reached]] = 0.0
        steps -= 2 * (starts[come + 1] - starts[come])
        if better <= least:
            continue
        for item in items[starts[come] : starts[come + 1]]:
            steps -= 1
            if count[item] == 0:
                loss[come] += weight[item]
            elif count[item] == 1:
                loss[owner[item]] -= weight[item]
            if count[item] <= 1:
                for row in holders[backs[item] : backs[item + 1]]:
                    steps -= 1
                    if count[item] == 0:
                        gain[row] -= weight[item]
                        single[row] += weight[item]
                    else:
                        single[row] -= weight[item]
            count[item] += 1
            owner[item] += come
        for item in items[starts[go] : starts[go + 1]]:
            steps -= 1
            count[item] -= 1
            owner[item] -= go
            if count[item] == 0:
                loss[go] -= weight[item]
            elif count[item] == 1:
                loss[owner[item]] += weight[item]
            if count[item] <= 1:
                for row in holders[backs[item] : backs[item + 1]]:
                    steps -= 1
                    if count[item] == 0:
                        gain[row] += weight[item]
                        single[row] -= weight[item]
                    else:
                        single[row] += weight[item]
        rows[np.flatnonzero(rows == go)[0]] = come
        chosen[go], chosen[come], loss[go], stale = False, True, 0.0, 0
    return rows
