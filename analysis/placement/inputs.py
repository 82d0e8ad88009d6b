"""What every placement asks of its inputs; each check names the row and says how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = [
    "already_counts",
    "candidate_costs",
    "cover_pattern",
    "demand_weights",
    "one_a_column",
    "require_choice",
    "require_count",
    "rows_named",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


def cover_pattern(covers: sparse.csr_matrix) -> sparse.csr_matrix:
    """The entries other than 0, as ones, in order."""
    pattern = sparse.csr_matrix(covers, copy=True)
    pattern.sum_duplicates()
    pattern.data = (pattern.data != 0).astype(np.int8)
    pattern.eliminate_zeros()
    return pattern


def one_a_column(covers: sparse.csr_matrix, **arrays: npt.NDArray[np.generic]) -> None:
    """Each array has one value for each column of `covers`."""
    for name, array in arrays.items():
        if array.shape != covers.shape[1:]:
            raise InputError(
                "{name} has the shape {shape}, but covers has {columns} columns.",
                "Give one value a column of covers.",
                name=name,
                shape=array.shape,
                columns=covers.shape[1],
            )


def demand_weights(covers: sparse.csr_matrix, weights: npt.ArrayLike | None) -> Floats:
    """One weight a column, 0 or more, not all 0; all 1 if none are given."""
    weight = np.ones(covers.shape[1]) if weights is None else np.asarray(weights, dtype=float)
    one_a_column(covers, weights=weight)
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
    return weight


def already_counts(covers: sparse.csr_matrix, already_covered: npt.ArrayLike | None) -> Ints:
    """How many existing cameras see each column; a truth value counts as one."""
    if already_covered is None:
        return np.zeros(covers.shape[1], np.int64)
    counts = np.asarray(already_covered)
    one_a_column(covers, already_covered=counts)
    if counts.dtype != np.bool_ and not np.issubdtype(counts.dtype, np.integer):
        raise InputError(
            "already_covered holds {kind}, neither truth values nor numbers of cameras.",
            "Compare it first.",
            kind=str(counts.dtype),
        )
    if counts.size:
        require_positive("already_covered", counts, zero=True)
    return counts.astype(np.int64)


def require_count(name: str, value: int, most: int) -> int:
    """A whole number from 1 to `most`, the number of candidates."""
    if not 1 <= index(value) <= most:
        raise InputError(
            "{name} is {k}, but there are {count} candidates.",
            "Ask for 1 to {count} of them.",
            name=name,
            k=value,
            count=most,
        )
    return index(value)


def rows_named(covers: sparse.csr_matrix, name: str, rows: Sequence[int] | npt.NDArray[np.integer]) -> Ints:
    """Rows of `covers`, each named once."""
    named = np.array([index(row) for row in rows], dtype=np.int64)
    count = covers.shape[0]
    if named.size and (len(set(named.tolist())) < named.size or named.min() < 0 or named.max() >= count):
        raise InputError(
            "{name} is {rows}; each must be a row of covers from 0 to {last}, named once.",
            "Give positions, not labels.",
            name=name,
            rows=named.tolist(),
            last=count - 1,
        )
    return named


def require_choice(covers: sparse.csr_matrix, k: int, fixed: Sequence[int]) -> Ints:
    """The fixed rows, if they and k can be."""
    require_count("k", k, covers.shape[0])
    rows = rows_named(covers, "fixed", fixed)
    if rows.size > k:
        raise InputError(
            "k is {k}, but {fixed} candidates are fixed.",
            "Let k count the fixed ones too.",
            k=k,
            fixed=rows.size,
        )
    return rows


def candidate_costs(covers: sparse.csr_matrix, costs: npt.ArrayLike | None) -> Floats:
    """One cost a row, 0 or more; all 1 if none are given."""
    cost = np.ones(covers.shape[0]) if costs is None else np.asarray(costs, dtype=float)
    if cost.shape != covers.shape[:1]:
        raise InputError(
            "costs has the shape {shape}, but covers has {rows} rows.",
            "Give one cost a row of covers.",
            shape=cost.shape,
            rows=covers.shape[0],
        )
    if cost.size:
        require_positive("costs", cost, zero=True)
    return cost
