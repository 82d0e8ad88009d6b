"""Cameras that back each other up: being seen twice counts too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.placement.answers import BackupPlacement
from analysis.placement.choosing import best_choice, placed, proof, without_fixed
from analysis.placement.inputs import (
    already_counts,
    cover_pattern,
    demand_weights,
    one_a_column,
    require_choice,
)
from analysis.placement.programme import Programme, worth

__all__ = ["backup_covering"]

Floats = npt.NDArray[np.float64]


def backup_covering(
    covers: sparse.csr_matrix,
    weights: npt.ArrayLike,
    k: int,
    *,
    backup: float | npt.ArrayLike = 0.5,
    fixed: Sequence[int] = (),
    already_covered: npt.ArrayLike | None = None,
    time_limit_s: float = 10.0,
) -> BackupPlacement:
    """
    Choose k candidates so that the weight seen once plus the backup weight seen twice is greatest [1]_ [2]_.

    Parameters
    ----------
    covers
        Candidates in rows, demand in columns; an entry other than 0 means that it covers the demand.
    weights
        One a column, 0 or more: what the first cover is worth.
    k
        How many to choose, the fixed ones included; from 1 to the number of candidates.
    backup
        What the second cover is worth as a share of the first, in [0, 1]: one number, or one a column. A
        third is worth nothing. No more than the first, so that seeing new ground comes before seeing twice.
    fixed
        Rows that are in every choice.
    already_covered
        One number a column: how many existing cameras see it (or a truth value: one does).
    time_limit_s
        Seconds for the solver; search and bound are held to a number of steps that takes about as long.

    Raises
    ------
    InputError
        If an argument is out of range, sizes differ, or there is nothing to cover.

    References
    ----------
    .. [1] Hogan & ReVelle (1986), Concepts and applications of backup coverage.
    .. [2] Murray, Kim, Davis, Machiraju & Parent (2007), Coverage optimization to support security monitoring.
    """
    covers = cover_pattern(covers)
    weight = demand_weights(covers, weights)
    ratio = _ratio(covers, backup)
    counts = already_counts(covers, already_covered)
    kept = require_choice(covers, k, fixed)
    require_positive("time_limit_s", time_limit_s, zero=True)
    programme = Programme.of(
        covers,
        weight,
        second=weight * ratio,
        base=np.minimum(counts, 2),
        sides=np.ones((1, covers.shape[0])),
        limits=[float(k)],
    )
    rest, free = without_fixed(programme, kept)
    picked, bound = best_choice(replace(rest, limits=np.array([float(k - kept.size)])), time_limit_s)
    chosen, gains = placed(programme, kept, free[picked])
    already = worth(programme, programme.base)
    reached = already + float(gains.sum())
    times = counts + np.bincount(covers[chosen].indices, minlength=counts.size)
    found = proof(reached, bound, already)
    return BackupPlacement(
        chosen=chosen,
        gains=gains,
        covered_weight=reached,
        already_weight=already,
        total_weight=float((weight * (1 + ratio)).sum()),
        upper_bound=found.upper_bound,
        gap_ratio=found.gap_ratio,
        proven_optimal=found.proven_optimal,
        once_weight=float(weight[times >= 1].sum()),
        twice_weight=float(weight[times >= 2].sum()),
    )


def _ratio(covers: sparse.csr_matrix, backup: float | npt.ArrayLike) -> Floats:
    """What the second cover is worth of the first, one a column."""
    given = np.asarray(backup, dtype=float)
    ratio = np.full(covers.shape[1], float(given)) if given.ndim == 0 else given
    one_a_column(covers, backup=ratio)
    good = (ratio >= 0) & (ratio <= 1)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InputError(
            "backup must be from 0 to 1, but column {row} has {value}.",
            "Give the worth of the second cover as a share of the first, such as 0.5.",
            row=row,
            value=ratio[row],
        )
    return ratio
