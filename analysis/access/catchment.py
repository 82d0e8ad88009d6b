"""Floating catchments: how much supply there is within a walk for each unit of demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.access.walks import Decay, Walks
from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["Catchment", "flat", "floating_catchment", "gaussian", "supply_in_reach", "zones"]

Floats = npt.NDArray[np.float64]

ZONE_WEIGHTS = (1.0, 0.68, 0.22)
"""Of three zones of equal width, a slow Gaussian: Luo & Qi (2009)."""


@dataclass(frozen=True, eq=False)
class Catchment:
    """
    What the two steps find.

    Attributes
    ----------
    ratio
        Supply for each unit of weighted demand in reach, one a supply (and hour); NaN where there is no demand in
        reach, which is no ratio.
    access
        Sum of the ratios in reach, weighted, one a place (and hour); 0 where no supply is in reach.
    """

    ratio: Floats
    access: Floats


def flat(metres: Floats) -> Floats:
    """Everything within the limit counts alike: 2SFCA of Luo & Wang (2003)."""
    return np.ones_like(metres)


def gaussian(limit_m: float) -> Decay:
    """
    A Gaussian that falls from 1 to 0 at the limit, (exp(−½(d/d₀)²) − exp(−½)) / (1 − exp(−½)) [1]_.

    References
    ----------
    .. [1] Dai (2010), Black residential segregation, disparities in spatial access to health care facilities, and
       late-stage breast cancer diagnosis in metropolitan Detroit.
    """
    require_positive("limit_m", limit_m)

    def weight(metres: Floats) -> Floats:
        edge = np.exp(-0.5)
        return np.maximum((np.exp(-0.5 * (metres / limit_m) ** 2) - edge) / (1 - edge), 0.0)

    return weight


def zones(ends_m: Sequence[float], weights: Sequence[float] = ZONE_WEIGHTS) -> Decay:
    """
    Steps: each zone reaches to its end and has one weight; E2SFCA of Luo & Qi (2009).

    Raises
    ------
    InputError
        If ends do not rise, or there is not one weight a zone.
    """
    ends, steps = np.asarray(ends_m, dtype=float), np.asarray(weights, dtype=float)
    require_positive("ends_m", ends)
    require_positive("weights", steps, zero=True)
    if ends.size != steps.size or (np.diff(ends) <= 0).any():
        raise InputError("Zones need rising ends and one weight each.", "Give as many weights as ends.")

    def weight(metres: Floats) -> Floats:
        return np.append(steps, 0.0)[np.searchsorted(ends, metres)]

    return weight


def floating_catchment(
    walks: Walks,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    decay: Decay = flat,
    choosing: bool = False,
) -> Catchment:
    """
    Two-step floating catchment areas [1]_; with a decay the enhanced form [2]_, with choosing the three-step one [3]_.

    First each supply is divided by the demand that reaches it, R = S / Σ w·D; then each place adds up what it reaches,
    A = Σ w·R. Demand-weighted access adds up to the supply that anybody reaches.

    Parameters
    ----------
    walks
        From the places of demand to the supplies; only pairs that it holds are in reach.
    demand
        One a place, 0 or more, or one a place and hour, (places, hours).
    supply
        One a supply, 0 or more, or one a supply and hour.
    decay
        Weight of a distance.
    choosing
        Places split their demand among the supplies in reach by weight: three steps.

    Raises
    ------
    InputError
        If a value is negative or missing, or sizes differ.

    References
    ----------
    .. [1] Luo & Wang (2003), Measures of spatial accessibility to health care in a GIS environment.
    .. [2] Luo & Qi (2009), An enhanced two-step floating catchment area (E2SFCA) method.
    .. [3] Wan, Zou & Sternberg (2012), A three-step floating catchment area method.
    """
    wanted, offered = _checked(walks, demand, supply)
    weight = walks.weights(decay)
    if choosing:
        total = np.asarray(weight.sum(axis=1)).ravel()
        share = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
        weight = (sparse.diags(share) @ weight.multiply(weight)).tocsr()
    crowd = weight.T @ wanted
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(crowd > 0, offered / crowd, np.nan)
    return Catchment(ratio, np.asarray(weight @ np.nan_to_num(ratio)))


def supply_in_reach(walks: Walks, supply: npt.ArrayLike, *, decay: Decay = flat) -> Floats:
    """Supply within the limit of each place, whoever else wants it; a longer limit never lowers it."""
    offered = np.asarray(supply, dtype=np.float64)
    require_positive("supply", offered.ravel(), zero=True)
    return np.asarray(walks.weights(decay) @ offered)


def _checked(walks: Walks, demand: npt.ArrayLike, supply: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Demand and supply as arrays that fit the walks and each other."""
    found = []
    for name, values, size in (("demand", demand, walks.origins), ("supply", supply, walks.targets)):
        array = np.asarray(values, dtype=np.float64)
        if array.ndim not in {1, 2} or len(array) != size:
            raise InputError(
                "{name} has the shape {shape}, but there are {size} rows.",
                "Give one value a row, or one a row and hour.",
                name=name,
                shape=array.shape,
                size=size,
            )
        require_positive(name, array.ravel(), zero=True)
        found.append(array)
    wanted, offered = found
    if wanted.ndim == 2 and offered.ndim == 1:
        offered = offered[:, None]
    elif offered.ndim == 2 and wanted.ndim == 1:
        wanted = np.repeat(wanted[:, None], offered.shape[1], axis=1)
    return wanted, offered
