"""
Local statistics: which places stand out together with their neighbours.

The test is by conditional permutation [1]_: a place keeps its value, its neighbours' values are drawn without
replacement from all other places. Only the sum over the neighbours enters, so one set of draws serves all places
with equally many neighbours: a place's own value is taken out of the few draws that it is in, and the next value
drawn takes its turn. That is the same distribution as drawing for each place anew, at a hundredth of the work.

References
----------
.. [1] Anselin (1995), Local indicators of spatial association: LISA.
"""

from __future__ import annotations

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from analysis.errors import InputError
from analysis.hotspots.neighbours import Neighbours
from analysis.hotspots.values import adjusted_p, known

__all__ = ["getis_ord", "local_moran"]

ROUNDING = 1e-10
"""Sums of the same values in another order differ by less than this part of them."""


def getis_ord(
    values: pd.Series[float],
    neighbours: Neighbours,
    *,
    star: bool = True,
    permutations: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """
    Getis and Ord's Gi* (or Gi) of each place: is the sum around it larger or smaller than chance makes it?

    Parameters
    ----------
    values
        One number a place, see `observed_values`; NaN where there is no evidence. Such places are left out: they are
        nobody's neighbours and do not count in the mean.
    neighbours
        Of the same places in the same order; each weighs one.
    star
        Gi*: the place itself counts among its neighbours. Gi leaves it out, also of mean and variance.
    permutations
        0 for the normal approximation only.
    seed
        Of the permutations.

    Returns
    -------
    found
        Indexed like `values`: `z` (standard score [2]_), `neighbours` (with evidence), `p_normal`, `p` (by
        permutation, or `p_normal` where there are none) and `p_fdr` (`p` adjusted for all places, see `adjusted_p`).
        All p are two-sided. Places without evidence, and for Gi places without neighbours, have NaN.

    Raises
    ------
    InputError
        If values and neighbours are of different numbers of places, or fewer than three places have evidence.

    Notes
    -----
    Row-standardised weights give the same z: scale cancels. Ties between the sum and a drawn sum count on both
    sides, so a quiet place among quiet places is not significant.

    References
    ----------
    .. [1] Getis & Ord (1992), The analysis of spatial association by use of distance statistics.
    .. [2] Ord & Getis (1995), Local spatial autocorrelation statistics: distributional issues and an application.
    """
    return _told(values, neighbours, permutations, seed, star=star)


def local_moran(
    values: pd.Series[float], neighbours: Neighbours, *, permutations: int = 999, seed: int = 0
) -> pd.DataFrame:
    """
    Anselin's local Moran of each place: is it like its neighbours, or unlike them?

    Parameters
    ----------
    values, neighbours, permutations, seed
        As in `getis_ord`; at least one permutation.

    Returns
    -------
    found
        Indexed like `values`: `i` (local Moran's I with row-standardised weights [1]_), `lag` (mean standard score
        of the neighbours), `z` (of that mean under permutation), `quadrant` (HH, HL, LH or LL: high or low, among
        high or low), `neighbours`, `p` (two-sided, by permutation) and `p_fdr`. Places without evidence or without
        neighbours have NaN and no quadrant.

    Raises
    ------
    InputError
        As in `getis_ord`.

    References
    ----------
    .. [1] Anselin (1995), Local indicators of spatial association: LISA.
    """
    if permutations < 1:
        raise InputError("permutations must be 1 or more, not {n}.", "Pass for instance 999.", n=permutations)
    found = _told(values, neighbours, permutations, seed, star=False)
    evidence = known(values, len(neighbours))
    numbers = np.asarray(values, dtype=np.float64)[evidence]
    spread = numbers.std()
    score = (numbers - numbers.mean()) / (spread if spread > 0 else 1.0)
    near = neighbours.among(evidence)
    with np.errstate(invalid="ignore"):
        lag = (near.matrix() @ score) / np.where(near.degrees > 0, near.degrees, np.nan)
    count = len(numbers)
    moran = np.full(len(values), np.nan)
    lags = np.full(len(values), np.nan)
    quadrant = np.full(len(values), "", dtype=object)
    moran[evidence] = score * lag * (count - 1) / count
    lags[evidence] = lag
    names = np.where(score > 0, "H", "L").astype(object) + np.where(lag > 0, "H", "L").astype(object)
    quadrant[evidence] = np.where(np.isnan(lag), "", names)
    found = found.drop(columns=["p_normal"]).assign(i=moran, lag=lags, quadrant=quadrant)
    return found[["i", "lag", "z", "quadrant", "neighbours", "p", "p_fdr"]]


def _told(
    values: pd.Series[float],
    neighbours: Neighbours,
    permutations: int,
    seed: int,
    *,
    star: bool,
) -> pd.DataFrame:
    """Score and p of every place with evidence, NaN elsewhere."""
    if permutations < 0 or permutations != int(permutations):
        raise InputError(
            "permutations must be a whole number, 0 or more, not {n}.",
            "Pass for instance 999.",
            n=permutations,
        )
    evidence = known(values, len(neighbours))
    numbers = np.asarray(values, dtype=np.float64)[evidence]
    near = neighbours if evidence.all() else neighbours.among(evidence)
    z = _getis_ord_z(numbers, near, star=star)
    normal = special.erfc(np.abs(z) / np.sqrt(2))
    p = normal.copy()
    if permutations:
        draws = _drawn(len(numbers), int(near.degrees.max(initial=0)) + 1, permutations, seed)
        p = _two_sided(numbers, near, draws)
        p[np.isnan(z)] = np.nan
    columns = {"z": z, "p_normal": normal, "p": p, "p_fdr": adjusted_p(p)}
    found = pd.DataFrame(np.nan, index=values.index, columns=["z", "neighbours", "p_normal", "p", "p_fdr"])
    for name, column in columns.items():
        found.loc[evidence, name] = column
    found.loc[evidence, "neighbours"] = near.degrees.astype(np.float64)
    return found


def _getis_ord_z(numbers: NDArray[np.float64], near: Neighbours, *, star: bool) -> NDArray[np.float64]:
    """Standard scores of Ord & Getis (1995), equations 5 and 6, for weights of one."""
    sums = near.matrix() @ numbers
    weight = near.degrees.astype(np.float64)
    total, squares = numbers.sum(), (numbers * numbers).sum()
    if star:
        sums, weight = sums + numbers, weight + 1
        count = float(len(numbers))
        mean = np.full(len(numbers), total / count)
        variance = np.full(len(numbers), np.mean((numbers - total / count) ** 2))
    else:
        count = len(numbers) - 1.0
        mean = (total - numbers) / count
        variance = (squares - numbers * numbers) / count - mean**2
    flat = variance <= ROUNDING * max(squares / len(numbers), np.finfo(float).tiny)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(variance * weight * (count - weight) / (count - 1))
        z = (sums - weight * mean) / spread
    z[flat | (weight >= count)] = 0.0  # all alike, or all of them: nothing can stand out
    z[weight == 0] = np.nan
    return np.asarray(z)


def _two_sided(
    numbers: NDArray[np.float64], near: Neighbours, draws: NDArray[np.int32]
) -> NDArray[np.float64]:
    """
    Share of permutations that are at least as far out as what is there, on the side that is rarer, times two.

    Parameters
    ----------
    numbers
        Shape (places,).
    near
        Of these places.
    draws
        Shape (permutations, most neighbours + 1): row numbers, distinct in each row.
    """
    degrees = near.degrees
    sums = near.matrix() @ numbers
    slack = ROUNDING * max(float(np.abs(numbers).sum()), np.finfo(float).tiny) / max(len(numbers), 1)
    partial = np.zeros((draws.shape[1] + 1, len(draws)))
    np.cumsum(numbers[draws], axis=1, out=partial[1:].T)
    above, below = np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.int64)
    for degree in np.unique(degrees):
        rows = np.flatnonzero(degrees == degree)
        ranked = np.sort(partial[degree])
        above[rows] = len(draws) - np.searchsorted(ranked, sums[rows] - slack, side="left")
        below[rows] = np.searchsorted(ranked, sums[rows] + slack, side="right")
    _put_right(numbers, degrees, sums, draws, partial, slack, above, below)
    p = 2 * (np.minimum(above, below) + 1) / (len(draws) + 1)
    return np.asarray(np.minimum(p, 1.0))


@numba.njit(cache=True, nogil=True)
def _drawn(places: int, most: int, permutations: int, seed: int) -> NDArray[np.int32]:
    """Row numbers drawn without replacement, in random order, shape (permutations, min(most, places))."""
    np.random.seed(seed)
    taken = min(most, places)
    deck = np.arange(places).astype(np.int32)
    draws = np.empty((permutations, taken), np.int32)
    for each in range(permutations):
        for place in range(taken):
            other = place + np.random.randint(0, places - place)
            deck[place], deck[other] = deck[other], deck[place]
            draws[each, place] = deck[place]
    return draws


@numba.njit(cache=True, nogil=True)
def _put_right(
    numbers: NDArray[np.float64],
    degrees: NDArray[np.int64],
    sums: NDArray[np.float64],
    draws: NDArray[np.int32],
    partial: NDArray[np.float64],
    slack: float,
    above: NDArray[np.int64],
    below: NDArray[np.int64],
) -> None:
    """Where a place was drawn as its own neighbour, the next value drawn takes its turn."""
    permutations, most = draws.shape
    for each in range(permutations):
        for turn in range(most):
            place = draws[each, turn]
            degree = degrees[place]
            if turn >= degree:
                continue
            wrong = partial[degree, each]
            right = partial[degree + 1, each] - numbers[place]
            low, high = sums[place] - slack, sums[place] + slack
            above[place] += (right >= low) - (wrong >= low)
            below[place] += (right <= high) - (wrong <= high)
