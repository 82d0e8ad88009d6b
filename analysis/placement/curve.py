"""Cover against the number of cameras: what each further one is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.placement.answers import CoveringCurve
from analysis.placement.choosing import first_look
from analysis.placement.incidence import reduced
from analysis.placement.inputs import (
    already_counts,
    cover_pattern,
    demand_weights,
    require_count,
    rows_named,
)
from analysis.placement.prices import priced_bound, rounds_for
from analysis.placement.programme import PROOF_RATIO, Programme
from analysis.placement.rebuilding import added, filled, in_order, rebuilt

__all__ = ["covering_curve"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

POSTS = 10
"""Numbers of cameras that are searched and priced; between them both are carried over."""


def covering_curve(
    covers: sparse.csr_matrix,
    weights: npt.ArrayLike,
    k_max: int,
    *,
    fixed: Sequence[int] = (),
    already_covered: npt.ArrayLike | None = None,
    time_limit_s: float = 10.0,
) -> CoveringCurve:
    """
    How much 0, 1, … k_max more candidates cover, each with its upper bound.

    About ten numbers from k_max down to 1 are searched and priced; prices that were found for one number bound every
    other, and a choice for one number is thinned out and filled up for the others.

    Parameters
    ----------
    covers
        Candidates in rows, demand in columns; an entry other than 0 means that it covers the demand.
    weights
        One a column, 0 or more.
    k_max
        From 1 to the number of candidates that are not fixed.
    fixed
        Rows that are in every choice, and do not count.
    already_covered
        One truth value a column: demand that existing cameras see.
    time_limit_s
        Search and bounds are held to a number of steps that takes about so many seconds.

    Raises
    ------
    InputError
        If an argument is out of range, sizes differ, or there is nothing to cover.
    """
    covers = cover_pattern(covers)
    weight = demand_weights(covers, weights)
    base = np.minimum(already_counts(covers, already_covered), 1)
    kept = rows_named(covers, "fixed", fixed)
    if kept.size == covers.shape[0]:
        raise InputError("Every candidate is fixed, so there is nothing to choose.", "Fix fewer.")
    require_count("k_max", k_max, covers.shape[0] - kept.size)
    require_positive("time_limit_s", time_limit_s, zero=True)
    base[covers[kept].indices] = 1
    free = np.setdiff1d(np.arange(covers.shape[0]), kept)
    wanted = np.flatnonzero((base == 0) & (weight > 0))
    floor = float(weight[base > 0].sum())
    reached, upper = _both(covers[free][:, wanted].tocsr(), weight[wanted], k_max, time_limit_s)
    reached, upper = floor + reached, floor + upper
    upper = np.where(upper - reached <= PROOF_RATIO * upper, reached, np.maximum(upper, reached))
    already = float(weight[already_counts(covers, already_covered) > 0].sum())
    open_ratio = np.divide(upper - reached, upper - already, out=np.zeros(k_max + 1), where=upper > already)
    return CoveringCurve(
        counts=np.arange(k_max + 1),
        covered_weight=reached,
        upper_bound=upper,
        gap_ratio=open_ratio,
        already_weight=already,
        total_weight=float(weight.sum()),
    )


def _both(
    covers: sparse.csr_matrix, weight: Floats, k_max: int, time_limit_s: float
) -> tuple[Floats, Floats]:
    """What 0, 1 … k_max rows gain, and cannot exceed."""
    total = float(weight.sum())
    if not covers.nnz:
        return np.zeros(k_max + 1), np.zeros(k_max + 1)
    found, _ = reduced(covers, weight)
    rows = found.covers.shape[0]
    whole = Programme.of(found.covers, found.weight, sides=np.ones((1, rows)), limits=[float(k_max)])
    gained = _thinned_and_filled(whole, np.zeros(0, np.int64), k_max)
    most = np.full(k_max + 1, total)
    most[:2] = gained[:2]  # greedy takes the best one first
    posts = _posts(min(k_max, rows))
    prices: Floats | None = None
    for post in posts:
        here = replace(whole, limits=np.array([float(post)]))
        chosen = filled(here, np.zeros(0, np.int64))
        chosen = rebuilt(here, chosen, first_look(here, 3 * time_limit_s / len(posts)))
        gained = np.maximum(gained, _thinned_and_filled(whole, chosen, k_max))
        rounds = rounds_for(here, time_limit_s / (2 * len(posts)))
        priced = priced_bound(here, rounds, start=chosen, prices=prices, reached=float(gained[post]))
        prices = priced.prices
        most = np.minimum(most, _bounds(whole, prices, k_max))
    return gained, most


def _posts(k_max: int) -> list[int]:
    """k_max and smaller numbers down to 1, each about the same part of the one before."""
    return sorted(set(np.rint(np.geomspace(1, k_max, POSTS)).astype(int).tolist()), reverse=True)


def _thinned_and_filled(programme: Programme, rows: Ints, k_max: int) -> Floats:
    """Gain of the best so many of the rows, and of more than there are."""
    order, _ = in_order(programme, rows)
    order = filled(replace(programme, limits=np.array([float(k_max)])), order)
    gains = np.zeros(k_max + 1)
    gains[1 : order.size + 1] = added(programme, order)
    return np.cumsum(gains)


def _bounds(programme: Programme, prices: Floats, k_max: int) -> Floats:
    """What 0, 1 … k_max rows cannot exceed at these prices."""
    kept = float(np.maximum(programme.first - prices, 0.0).sum())
    worths = np.zeros(k_max)
    best = -np.sort(-(programme.covers @ prices))[:k_max]
    worths[: best.size] = best
    return kept + np.concatenate([[0.0], np.cumsum(worths)])
