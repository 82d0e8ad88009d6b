"""The integer programme that all covering models share, and its proof by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass, replace

import highspy
import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["EXACT_ENTRIES", "PROOF_RATIO", "Programme", "Solved", "merged", "objective", "solve", "worth"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EXACT_ENTRIES = 200_000
"""Entries of the cover matrix up to which HiGHS is asked for a proof; above, minutes bring it nowhere."""
PROOF_RATIO = 1e-6
"""A gap below this share of the bound is none: the tolerance of the solver."""


@dataclass(frozen=True, eq=False)
class Programme:
    """
    Choose rows x in {0, 1} so that

        Σ first_i z_i + Σ second_i y_i − Σ price_j x_j

    is greatest, where z_i (covered) and y_i (covered twice), in [0, 1], are held by
    z_i + y_i ≤ base_i + Σ_j covers_ji x_j, and by sides · x ≤ limits and
    Σ_{i in group d} share_i z_i ≥ need_d.

    Attributes
    ----------
    covers
        Candidates in rows, demand in columns; ones.
    first
        One a column, 0 or more; infinite where the demand must be covered, which then counts nothing.
    second
        One a column, from 0 to `first`.
    base
        How often each column is covered before anything is chosen.
    price
        One a row, 0 or more.
    sides, limits
        Rows such as costs with a budget; 0 or more. Where there are two, the first counts rows and the
        second counts some of them.
    group, share, need
        Group of each column (−1: none), what it counts there, and the least of each group.
    """

    covers: sparse.csr_matrix
    first: Floats
    second: Floats
    base: Ints
    price: Floats
    sides: Floats
    limits: Floats
    group: Ints
    share: Floats
    need: Floats

    @classmethod
    def of(
        cls,
        covers: sparse.csr_matrix,
        first: Floats,
        *,
        second: Floats | None = None,
        base: Ints | None = None,
        price: Floats | None = None,
        sides: Floats | None = None,
        limits: npt.ArrayLike = (),
        group: Ints | None = None,
        share: Floats | None = None,
        need: Floats | None = None,
    ) -> Programme:
        """What is not given is not there."""
        rows, columns = covers.shape
        return cls(
            covers,
            first,
            np.zeros(columns) if second is None else second,
            np.zeros(columns, np.int64) if base is None else base,
            np.zeros(rows) if price is None else price,
            np.zeros((0, rows)) if sides is None else sides,
            np.asarray(limits, dtype=float),
            np.full(columns, -1) if group is None else group,
            np.zeros(columns) if share is None else share,
            np.zeros(0) if need is None else need,
        )


@dataclass(frozen=True, eq=False)
class Solved:
    """
    What HiGHS found.

    Attributes
    ----------
    rows
        The best choice, or None if it has none.
    bound
        No choice reaches more; infinite if it has no bound.
    impossible
        No choice keeps the limits and the needs.
    """

    rows: Ints | None
    bound: float
    impossible: bool


def merged(programme: Programme) -> Programme:
    """
    The same programme with columns that the same rows cover made one.

    Columns are compared by two random sums of their rows, 128 bits.
    """
    across = sparse.csr_matrix(programme.covers.T, dtype=np.uint64)
    marks = np.random.default_rng(0).integers(0, 2**63, (programme.covers.shape[0], 2), dtype=np.uint64)
    forced = np.isinf(programme.first)
    keys = np.column_stack(
        [across @ marks, programme.base.astype(np.uint64), programme.group.astype(np.uint64), forced]
    )
    _, kept, one = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    one = one.ravel()
    return replace(
        programme,
        covers=programme.covers[:, kept].tocsr(),
        first=_summed(one, programme.first),
        second=_summed(one, programme.second),
        base=programme.base[kept],
        group=programme.group[kept],
        share=_summed(one, programme.share),
    )


def _summed(one: Ints, values: Floats) -> Floats:
    return np.bincount(one, values).astype(float)


def worth(programme: Programme, times: Ints) -> float:
    """What it brings that each column is covered so many times; demand that must be covered counts nothing."""
    first = np.where(np.isinf(programme.first), 0.0, programme.first)
    return float(first[times >= 1].sum() + programme.second[times >= 2].sum())


def objective(programme: Programme, rows: Ints) -> float:
    """What the rows bring with what is covered already, less their price."""
    held = programme.covers[rows].indices
    times = programme.base + np.bincount(held, minlength=programme.base.size)
    return worth(programme, times) - float(programme.price[rows].sum())


def solve(programme: Programme, start: Ints | None, time_limit_s: float) -> Solved:
    """
    Asks HiGHS for the best choice, from a choice that is known.

    Parameters
    ----------
    start
        Rows that keep the limits and the needs; None if none are known.
    time_limit_s
        Seconds, above 0.
    """
    count, demand = programme.covers.shape
    forced = np.isinf(programme.first)
    unit = _unit(programme)
    once = np.flatnonzero(~forced & ((programme.first > 0) | (programme.group >= 0)))
    twice = np.flatnonzero(programme.second > 0)
    used = np.union1d(np.union1d(once, twice), np.flatnonzero(forced))
    place = np.full(demand, -1)
    place[used] = np.arange(used.size)
    held = -programme.covers[:, used].T.astype(float)
    of_once, of_twice = (
        sparse.csr_matrix((np.ones(part.size), (place[part], np.arange(part.size))), (used.size, part.size))
        for part in (once, twice)
    )
    counted = programme.group[once]
    grouped = np.flatnonzero(counted >= 0)
    shares = sparse.csr_matrix(
        (-programme.share[once][grouped], (counted[grouped], grouped)), (programme.need.size, once.size)
    )
    matrix = sparse.vstack(
        [
            sparse.hstack([held, of_once, of_twice]),
            sparse.hstack([sparse.csr_matrix(programme.sides), _nothing(programme.limits, once, twice)]),
            sparse.hstack(
                [sparse.csr_matrix((programme.need.size, count)), shares, _nothing(programme.need, twice)]
            ),
        ],
        format="csr",
    )
    upper = np.concatenate(
        [
            (programme.base[used] - forced[used]).astype(float),
            programme.limits * (1 + 1e-12),
            -programme.need * (1 - 1e-12),
        ]
    )
    gains = np.concatenate(
        [-programme.price, np.where(forced, 0.0, programme.first)[once], programme.second[twice]]
    )
    values = None if start is None else _values(programme, start, once, twice)
    found, bound, impossible = _run_highs(matrix, upper, gains / unit, count, values, time_limit_s)
    return Solved(found, bound * unit, impossible)


def _nothing(rows: Floats, *columns: Ints) -> sparse.csr_matrix:
    return sparse.csr_matrix((rows.size, sum(part.size for part in columns)))


def _unit(programme: Programme) -> float:
    """Mean of what counts: the solver's tolerances are for numbers about 1."""
    counting = np.concatenate(
        [programme.first[np.isfinite(programme.first)], programme.second, programme.price]
    )
    counting = counting[counting > 0]
    return float(counting.mean()) if counting.size else 1.0


def _values(programme: Programme, rows: Ints, once: Ints, twice: Ints) -> Floats:
    """The variables that belong to a choice of rows."""
    count = programme.base + np.bincount(programme.covers[rows].indices, minlength=programme.covers.shape[1])
    chosen = np.zeros(programme.covers.shape[0])
    chosen[rows] = 1.0
    return np.concatenate([chosen, (count[once] >= 1).astype(float), (count[twice] >= 2).astype(float)])


def _run_highs(
    matrix: sparse.csr_matrix,
    upper: Floats,
    gains: Floats,
    count: int,
    values: Floats | None,
    time_limit_s: float,
) -> tuple[Ints | None, float, bool]:
    """Greatest gains · v with matrix · v ≤ upper, v in [0, 1], the first `count` whole: rows, bound, impossible."""
    kinds, highs = highspy.HighsVarType, highspy.Highs()
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = gains.size, upper.size
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = gains
    model.col_lower_, model.col_upper_ = np.zeros(gains.size), np.ones(gains.size)
    model.row_lower_, model.row_upper_ = np.full(upper.size, -highspy.kHighsInf), upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.num_col_, model.a_matrix_.num_row_ = gains.size, upper.size
    model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
    model.a_matrix_.value_ = matrix.data.astype(float)
    model.integrality_ = [kinds.kInteger] * count + [kinds.kContinuous] * (gains.size - count)
    for name, value in (("output_flag", False), ("time_limit", float(time_limit_s)), ("mip_rel_gap", 0.0)):
        highs.setOptionValue(name, value)
    highs.passModel(model)
    if values is not None:
        solution = highspy.HighsSolution()
        solution.col_value = values
        highs.setSolution(solution)
    highs.run()
    info, state = highs.getInfo(), highs.getModelStatus()
    if state == highspy.HighsModelStatus.kInfeasible:
        return None, -np.inf, True
    found = np.asarray(highs.getSolution().col_value)
    known = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    rows = np.flatnonzero(found[:count] > 0.5).astype(np.int64) if known and found.size else None
    bound = float(info.mip_dual_bound)
    return rows, bound if np.isfinite(bound) else np.inf, False
