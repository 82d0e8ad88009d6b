"""The most cover of which every district gets its share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from analysis.checks import require_positive
from analysis.errors import InputError
from analysis.placement.answers import DistrictCover, FairPlacement
from analysis.placement.choosing import best_choice, first_look, placed, proof, without_fixed
from analysis.placement.inputs import (
    already_counts,
    cover_pattern,
    demand_weights,
    require_choice,
)
from analysis.placement.prices import STEPS_A_SECOND, priced_bound, rounds_for
from analysis.placement.programme import EXACT_ENTRIES, Programme, merged, objective, solve, worth
from analysis.placement.rebuilding import filled, rebuilt

__all__ = ["fair_covering"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TURNS = 10
"""How often the demand of districts that are short is made dearer."""
PENALTY = 100.0
"""What each unit of weight costs that a district lacks, while searching."""
SLACK_RATIO = 1e-6
"""A district that lacks less than this share of its minimum has it."""


class Districts(NamedTuple):
    """Labels, district of each column (−1: none), weight and minimum of each district."""

    labels: list[object]
    of: Ints
    weight: Floats
    minimum: Floats


def fair_covering(
    covers: sparse.csr_matrix,
    weights: npt.ArrayLike,
    k: int,
    districts: Sequence[object] | npt.NDArray[np.generic] | pd.Series,
    minimum: float | Mapping[object, float],
    *,
    fixed: Sequence[int] = (),
    already_covered: npt.ArrayLike | None = None,
    time_limit_s: float = 10.0,
) -> FairPlacement:
    """
    Choose k candidates that cover the greatest weight of demand and of every district at least its minimum.

    Parameters
    ----------
    covers
        Candidates in rows, demand in columns; an entry other than 0 means that it covers the demand.
    weights
        One a column, 0 or more.
    k
        How many to choose, the fixed ones included; from 1 to the number of candidates.
    districts
        One label a column; None or not a number where no district is responsible.
    minimum
        Share of its own demand that must be covered, in [0, 1]: one for all districts, or by label (0 for
        those that are not named).
    fixed
        Rows that are in every choice.
    already_covered
        One truth value a column: demand that existing cameras see; it counts for its district.
    time_limit_s
        Seconds for the solver; search and bound are held to a number of steps that takes about as long.

    Raises
    ------
    InputError
        If an argument is out of range, sizes differ, there is nothing to cover, or the minima contradict
        what k candidates can do; the message names the district.
    """
    covers = cover_pattern(covers)
    weight = demand_weights(covers, weights)
    base = np.minimum(already_counts(covers, already_covered), 1)
    kept = require_choice(covers, k, fixed)
    require_positive("time_limit_s", time_limit_s, zero=True)
    parts = _districts(covers, weight, districts, minimum)
    programme = Programme.of(
        covers,
        weight,
        base=base,
        sides=np.ones((1, covers.shape[0])),
        limits=[float(k)],
        group=parts.of,
        share=weight,
        need=parts.minimum * parts.weight,
    )
    reachable = _covered(parts, weight, (base > 0) | (np.bincount(covers.indices, minlength=base.size) > 0))
    _require_reachable(parts, reachable)
    rest, free = without_fixed(programme, kept)
    rest = replace(rest, limits=np.array([float(k - kept.size)]))
    _require_alone(parts, rest, k)
    picked, bound, any_bound = _fairest(rest, parts, k, time_limit_s)
    chosen, gains = placed(programme, kept, free[picked])
    already = worth(programme, base)
    reached = already + float(gains.sum())
    times = base + np.bincount(covers[chosen].indices, minlength=base.size)
    covered = _covered(parts, weight, times > 0)
    short = _short(parts, covered)
    found = proof(reached, any_bound if short.size else bound, already)
    return FairPlacement(
        chosen=chosen,
        gains=gains,
        covered_weight=reached,
        already_weight=already,
        total_weight=float(weight.sum()),
        upper_bound=found.upper_bound,
        gap_ratio=found.gap_ratio,
        proven_optimal=found.proven_optimal and not short.size,
        districts=tuple(
            DistrictCover(
                label,
                float(parts.weight[row]),
                float(parts.minimum[row]),
                float(covered[row] / parts.weight[row]),
                float(reachable[row] / parts.weight[row]),
            )
            for row, label in enumerate(parts.labels)
        ),
        unmet=tuple(parts.labels[row] for row in short),
    )


def _districts(
    covers: sparse.csr_matrix,
    weight: Floats,
    districts: Sequence[object] | npt.NDArray[np.generic] | pd.Series,
    minimum: float | Mapping[object, float],
) -> Districts:
    """Districts with demand, sorted by label, and their minima."""
    given = pd.Series(np.asarray(districts, dtype=object))
    if len(given) != covers.shape[1]:
        raise InputError(
            "districts has {given} labels, but covers has {columns} columns.",
            "Give one label a column, None where no district is responsible.",
            given=len(given),
            columns=covers.shape[1],
        )
    labels = sorted(given.dropna().unique(), key=lambda label: (str(type(label)), label))
    if isinstance(minimum, Mapping):
        unknown = [label for label in minimum if label not in set(labels)]
        if unknown:
            raise InputError(
                "minimum names the district {label}, which has no demand.",
                "Choose from {known}.",
                label=unknown[0],
                known=", ".join(map(str, labels)),
            )
        least = np.array([float(minimum.get(label, 0.0)) for label in labels])
    else:
        least = np.full(len(labels), float(minimum))
    good = (least >= 0) & (least <= 1)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InputError(
            "The minimum of district {label} is {value}; a share is from 0 to 1.",
            "Give 0.5 for half of its demand.",
            label=labels[row],
            value=least[row],
        )
    of = pd.Categorical(given, categories=labels).codes.astype(np.int64)
    size = np.bincount(of[of >= 0], weight[of >= 0], len(labels)).astype(float)
    full = np.flatnonzero(size > 0)
    place = np.full(len(labels) + 1, -1)
    place[full] = np.arange(full.size)
    return Districts([labels[row] for row in full], place[of], size[full], least[full])


def _covered(parts: Districts, weight: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
    """Weight of each district that is seen."""
    inside = seen & (parts.of >= 0)
    return np.bincount(parts.of[inside], weight[inside], len(parts.labels)).astype(float)


def _short(parts: Districts, covered: Floats) -> Ints:
    """Districts below their minimum."""
    return np.flatnonzero(covered < parts.minimum * parts.weight * (1 - SLACK_RATIO))


def _require_reachable(parts: Districts, reachable: Floats) -> None:
    """All candidates together give every district its minimum."""
    short = _short(parts, reachable)
    if short.size:
        row = short[0]
        raise InputError(
            "District {label} cannot reach its minimum of {minimum:.1%}: all candidates together cover {most:.1%}"
            " ({count} such districts).",
            "Add candidates there or lower its minimum.",
            label=parts.labels[row],
            minimum=float(parts.minimum[row]),
            most=float(reachable[row] / parts.weight[row]),
            count=short.size,
        )


def _require_alone(parts: Districts, rest: Programme, k: int) -> None:
    """k candidates give any one district its minimum, if they serve no other."""
    for row, label in enumerate(parts.labels):
        alone = replace(rest, first=np.where(rest.group == row, rest.first, 0.0))
        if objective(alone, filled(alone, np.zeros(0, np.int64))) >= rest.need[row]:
            continue
        most = best_choice(alone, 1.0).bound
        if most < rest.need[row] * (1 - SLACK_RATIO):
            raise InputError(
                "District {label} cannot reach its minimum of {minimum:.1%} with {k}: even if all are put there,"
                " they cover at most {most:.1%}.",
                "Ask for more, or lower its minimum.",
                label=label,
                minimum=float(parts.minimum[row]),
                k=k,
                most=most / float(parts.weight[row]),
            )


def _fairest(rest: Programme, parts: Districts, k: int, time_limit_s: float) -> tuple[Ints, float, float]:
    """The best choice found that leaves nobody short, or least; a bound on such choices, and one on all choices."""
    small = merged(rest)
    plain = replace(small, group=np.full(small.base.size, -1), need=np.zeros(0))
    rows, any_bound = best_choice(plain, time_limit_s / 2)
    if not _lacking(small, rows).any():
        return rows, any_bound, any_bound
    priced = priced_bound(small, rounds_for(small, time_limit_s / 3), start=rows)
    bound = min(any_bound, priced.bound)
    dues = np.maximum(priced.dues, 0.0)
    each = min(time_limit_s * STEPS_A_SECOND / (2 * TURNS), first_look(small, 10 * time_limit_s))
    for turn in range(TURNS):
        lure = small.first * (1.0 + np.append(dues, 0.0)[small.group])
        other = filled(small, np.zeros(0, np.int64), lure)
        other = rebuilt(small, other, each, lure=lure, penalty=PENALTY, seed=turn)
        rows = _fairer(small, rows, other)
        lacking = _lacking(small, other)
        dues = np.where(lacking > 0, 2 * dues + 0.5, dues)
    impossible = bound < max(float(small.need.sum()), worth(small, small.base)) * (1 - SLACK_RATIO)
    if small.covers.nnz <= EXACT_ENTRIES and time_limit_s > 0 and not impossible:
        solved = solve(small, None if _lacking(small, rows).any() else rows, time_limit_s / 2)
        impossible = solved.impossible
        bound = min(bound, solved.bound)
        if solved.rows is not None:
            rows = _fairer(small, rows, solved.rows)
    if impossible:
        lacking = _lacking(small, rows) / parts.weight
        row = int(np.argmax(lacking))
        raise InputError(
            "No choice of {k} gives every district its minimum: in the best one found, district {label} has"
            " {covered:.1%} of the {minimum:.1%} asked for ({count} districts are short).",
            "Ask for more, or lower the minimum of some.",
            k=k,
            label=parts.labels[row],
            covered=float(parts.minimum[row] - lacking[row]),
            minimum=float(parts.minimum[row]),
            count=int((lacking > 0).sum()),
        )
    return rows, bound, any_bound


def _lacking(programme: Programme, rows: Ints) -> Floats:
    """What each group lacks of its need."""
    times = programme.base + np.bincount(programme.covers[rows].indices, minlength=programme.base.size)
    inside = (times > 0) & (programme.group >= 0)
    has = np.bincount(programme.group[inside], programme.share[inside], programme.need.size)
    lacks = programme.need - has
    return np.where(lacks > SLACK_RATIO * programme.need, lacks, 0.0)


def _fairer(programme: Programme, rows: Ints, other: Ints) -> Ints:
    """Whichever leaves less lacking, then brings more."""
    lacks = [float(_lacking(programme, each).sum()) for each in (rows, other)]
    if lacks[0] != lacks[1]:
        return rows if lacks[0] < lacks[1] else other
    return other if objective(programme, other) > objective(programme, rows) else rows
