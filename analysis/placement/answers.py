"""Answers of the covering models: what was chosen, and how far from the best possible it can be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.placement.maximal import Placement

__all__ = [
    "BackupPlacement",
    "BudgetedPlacement",
    "CoveringCurve",
    "DistrictCover",
    "FairPlacement",
    "Relocation",
    "Removal",
    "SetCovering",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SetCovering:
    """
    The cheapest candidates that cover what must be covered.

    Attributes
    ----------
    chosen
        Rows: the fixed ones as given, then the one that covers most first.
    cost
        Of the chosen without the fixed ones, which are there already; their number if no costs were given.
    lower_bound
        Nothing cheaper covers as much.
    gap_ratio
        (cost − lower_bound) / cost, in [0, 1]; 0 where nothing had to be chosen.
    proven_optimal
        True if the gap is nothing but rounding.
    covered_weight, total_weight
        Weight of the demand covered, and of all that was asked for.
    unreachable
        Columns that were asked for but that nobody can cover.
    """

    chosen: Ints
    cost: float
    lower_bound: float
    gap_ratio: float
    proven_optimal: bool
    covered_weight: float
    total_weight: float
    unreachable: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class BackupPlacement(Placement):
    """
    A placement in which being seen by a second camera counts too.

    The weights of `Placement` are of both: what is seen once and what is seen twice.

    Attributes
    ----------
    once_weight, twice_weight
        Weight, as given for the first cover, of the demand that at least one or two see, existing cameras
        included.
    """

    once_weight: float
    twice_weight: float


@dataclass(frozen=True, eq=False, kw_only=True)
class BudgetedPlacement(Placement):
    """
    A placement within a budget.

    Attributes
    ----------
    costs
        Of each chosen row, 0 for the fixed ones, which are paid for.
    cost, budget
        Their sum, and what it may be.
    """

    costs: Floats
    cost: float
    budget: float


@dataclass(frozen=True)
class DistrictCover:
    """
    How well one district is served; shares are of its own demand, in [0, 1].

    Attributes
    ----------
    label
        As in `districts`.
    weight
        Of its demand.
    minimum_ratio
        Share that must be covered.
    covered_ratio
        Share that is.
    reachable_ratio
        Share that all candidates together could cover.
    """

    label: object
    weight: float
    minimum_ratio: float
    covered_ratio: float
    reachable_ratio: float


@dataclass(frozen=True, eq=False, kw_only=True)
class FairPlacement(Placement):
    """
    A placement that serves every district at least so well.

    Attributes
    ----------
    districts
        Sorted by label.
    unmet
        Labels of the districts that stay below their minimum: no choice was found that serves all, but none
        was proven impossible either; `upper_bound` then holds for choices that leave districts short, too.
        Empty as a rule.
    """

    districts: tuple[DistrictCover, ...]
    unmet: tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Removal:
    """
    The cameras whose loss costs least.

    Attributes
    ----------
    removed
        Rows, the one that costs least first.
    losses
        Weight that each takes with it, after those before it have gone.
    lost_weight
        Their sum.
    covered_weight
        Weight that the rest still covers.
    lower_bound
        No other choice of as many loses less.
    gap_ratio
        (lost_weight − lower_bound) / lost_weight, in [0, 1]; 0 where nothing is lost.
    proven_optimal
        True if the gap is nothing but rounding.
    saved_cost
        Of the removed.
    """

    removed: Ints
    losses: Floats
    lost_weight: float
    covered_weight: float
    lower_bound: float
    gap_ratio: float
    proven_optimal: bool
    saved_cost: float


@dataclass(frozen=True, eq=False)
class Relocation:
    """
    Cameras taken from one place to another.

    Attributes
    ----------
    removed, added
        Rows that are left and that are taken, equally many: at most as many as asked, fewer if more would
        bring nothing. The first removed costs least, the first added brings most.
    current_weight, covered_weight
        Weight covered before and after.
    upper_bound
        No other choice of so many moves covers more.
    gap_ratio
        (upper_bound − covered_weight) / (upper_bound − current_weight), in [0, 1]; 0 where nothing can be
        gained.
    proven_optimal
        True if the gap is nothing but rounding.
    """

    removed: Ints
    added: Ints
    current_weight: float
    covered_weight: float
    upper_bound: float
    gap_ratio: float
    proven_optimal: bool


@dataclass(frozen=True, eq=False)
class CoveringCurve:
    """
    Cover against the number of cameras.

    Attributes
    ----------
    counts
        0, 1, 2 …
    covered_weight
        The best cover found with at most so many.
    upper_bound
        No choice of so many covers more; concave, as the linear relaxation is.
    gap_ratio
        (upper_bound − covered_weight) / (upper_bound − already_weight), in [0, 1].
    already_weight, total_weight
        Weight of the demand that was already covered, and of all.
    """

    counts: Ints
    covered_weight: Floats
    upper_bound: Floats
    gap_ratio: Floats
    already_weight: float
    total_weight: float
