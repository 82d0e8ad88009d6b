"""
The space-time cube: hot spots in every step of time, and what becomes of them.

A bin is one place in one step. Gi* is computed for every bin among its neighbours in space and in the steps just
before; the series of each place then has one of 17 names: eight kinds of hot spot, eight of cold spot, or none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from analysis.errors import InputError
from analysis.hotspots.neighbours import Neighbours
from analysis.hotspots.values import adjusted_p

__all__ = ["CLASSES", "CubeHotSpots", "cube_hot_spots", "emerging_classes", "mann_kendall"]

KINDS = (
    "new",
    "consecutive",
    "intensifying",
    "persistent",
    "diminishing",
    "sporadic",
    "oscillating",
    "historical",
)
CLASSES = (*(f"{kind} hot" for kind in KINDS), *(f"{kind} cold" for kind in KINDS), "none")
"""The 17 names of emerging hot spot analysis [1]_."""
MOSTLY = 0.9
"""Share of the steps in which a place must be hot to count as hot for good."""
LEAST_STEPS = 4


@dataclass(frozen=True, slots=True)
class CubeHotSpots:
    """
    Gi* of every bin, and what each place's series is.

    Parameters
    ----------
    z, p_fdr
        One row a place, one column a step: standard score and p adjusted over all bins; NaN without evidence.
    places
        One row a place: `kind` (one of `CLASSES`, or "no evidence"), `steps` (with evidence), `hot_steps`,
        `cold_steps`, `last_z`, and the Mann-Kendall test of its z: `tau`, `trend_z`, `trend_p`.
    """

    z: pd.DataFrame
    p_fdr: pd.DataFrame
    places: pd.DataFrame


def cube_hot_spots(
    values: pd.DataFrame, neighbours: Neighbours, *, lags: int = 1, level: float = 0.05
) -> CubeHotSpots:
    """
    Emerging hot spots of a space-time cube.

    Parameters
    ----------
    values
        One row a place, one column a step of equal length in order of time; NaN where nobody looked in that step.
        See `analysis.hotspots.observed_values` for one step.
    neighbours
        Of the places in this order.
    lags
        A bin's neighbours are its place and its neighbours in the same step and in so many steps before, 0 or more.
    level
        False discovery rate up to which a bin is hot or cold, in (0, 1).

    Raises
    ------
    InputError
        If there are fewer than four steps, or neighbours of other places, or fewer than three bins with evidence.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if len(neighbours) != len(numbers):
        raise InputError(
            "The cube has {rows} places, but there are neighbours of {places}.",
            "Give one row a place, in the same order.",
            rows=len(numbers),
            places=len(neighbours),
        )
    if numbers.shape[1] < LEAST_STEPS:
        raise InputError(
            "The cube has {steps} steps; a trend needs at least {least}.",
            "Choose a longer period or shorter steps.",
            steps=numbers.shape[1],
            least=LEAST_STEPS,
        )
    if lags < 0 or not 0 < level < 1 or np.isinf(numbers).any():
        raise InputError(
            "lags must be 0 or more, level in (0, 1), and every value finite or NaN.",
            "Pass for instance lags=1, level=0.05.",
        )
    z = _bins(numbers, neighbours, lags)
    p = adjusted_p(special.erfc(np.abs(z) / np.sqrt(2)).ravel()).reshape(z.shape)
    mark = np.where(p <= level, np.sign(z), 0.0)
    mark[np.isnan(z)] = np.nan
    trend = mann_kendall(z)
    kinds = emerging_classes(mark, trend["z"].to_numpy(), trend["p"].to_numpy(), level=level)
    steps = np.isfinite(z).sum(axis=1)
    last = np.array([row[np.isfinite(row)][-1] if np.isfinite(row).any() else np.nan for row in z])
    places = pd.DataFrame(
        {
            "kind": kinds,
            "steps": steps,
            "hot_steps": (mark > 0).sum(axis=1),
            "cold_steps": (mark < 0).sum(axis=1),
            "last_z": last,
            "tau": trend["tau"].to_numpy(),
            "trend_z": trend["z"].to_numpy(),
            "trend_p": trend["p"].to_numpy(),
        },
        index=values.index,
    )
    scores = pd.DataFrame(z, index=values.index, columns=values.columns)
    chances = pd.DataFrame(np.asarray(p), index=values.index, columns=values.columns)
    return CubeHotSpots(scores, chances, places)


def mann_kendall(series: NDArray[np.float64]) -> pd.DataFrame:
    """
    Mann and Kendall's test for a trend, of every row.

    Parameters
    ----------
    series
        Shape (rows, steps), in order of time; NaN is passed over.

    Returns
    -------
    trend
        One row a series: `tau` (Kendall's tau-b with time, in [-1, 1]), `z` (with correction for ties and for
        continuity) and `p` (two-sided). Rows with fewer than three values, or all alike, have tau and z 0 and p 1.

    References
    ----------
    .. [1] Mann (1945), Nonparametric tests against trend.
    .. [2] Kendall & Gibbons (1990), Rank correlation methods.
    """
    rows = np.atleast_2d(np.ascontiguousarray(series, dtype=np.float64))
    score, variance, most = _scores(rows)
    trend = np.zeros(len(rows))
    able = variance > 0
    trend[able] = (score[able] - np.sign(score[able])) / np.sqrt(variance[able])
    tau = np.where(able, score / np.where(most > 0, most, 1.0), 0.0)
    return pd.DataFrame({"tau": tau, "z": trend, "p": special.erfc(np.abs(trend) / np.sqrt(2))})


def emerging_classes(
    marks: NDArray[np.float64],
    trend_z: NDArray[np.float64],
    trend_p: NDArray[np.float64],
    *,
    level: float = 0.05,
) -> NDArray[np.object_]:
    """
    What each place's series of hot and cold steps is called [1]_.

    * new: hot in the last step, never before;
    * consecutive: hot without a break in the last steps, at least two, never before, in under 90 % of all;
    * persistent: hot in 90 % of the steps and in the last; *intensifying* or *diminishing* with a significant trend;
    * sporadic: hot in the last step, on and off before, in under 90 %, never cold;
    * oscillating: hot in the last step, cold in some step before, in under 90 %;
    * historical: not hot in the last step, but in 90 % of all.

    Cold spots likewise, with intensifying for a trend downward. Where two fit, hot nine times of ten and cold at last,
    the last step counts: oscillating cold.

    Parameters
    ----------
    marks
        Shape (places, steps): 1 hot, -1 cold, 0 neither, NaN no evidence; steps without evidence are passed over.
    trend_z, trend_p
        Of each place's Gi*, see `mann_kendall`.
    level
        Up to which a trend is significant.

    Returns
    -------
    kinds
        One of `CLASSES` a place, or "no evidence".

    References
    ----------
    .. [1] Esri, How Emerging Hot Spot Analysis works (ArcGIS Pro documentation).
    """
    kinds = np.full(len(marks), "none", dtype=object)
    for place, row in enumerate(marks):
        series = row[np.isfinite(row)]
        if not len(series):
            kinds[place] = "no evidence"
            continue
        signs = ((1.0, "hot"), (-1.0, "cold"))
        for sign, name in signs if series[-1] >= 0 else signs[::-1]:
            trend = sign * trend_z[place] if trend_p[place] <= level else 0.0
            kind = _kind(series * sign, trend)
            if kind:
                kinds[place] = f"{kind} {name}"
                break
    return kinds


def _kind(series: NDArray[np.float64], trend: float) -> str:
    """The kind of hot spot that a series of 1 (hot), 0 and -1 (cold) is; empty for none."""
    hot = series > 0
    mostly = hot.mean() >= MOSTLY - 1e-12
    if not hot[-1]:
        return "historical" if mostly else ""
    before = hot[:-1]
    if not before.any():
        # cold before and hot now: the earlier cold steps tell more than that the heat is new
        return "oscillating" if (series < 0).any() else "new"
    if mostly:
        return "intensifying" if trend > 0 else "diminishing" if trend < 0 else "persistent"
    if (series < 0).any():
        return "oscillating"
    run = len(hot) - int(np.flatnonzero(~hot)[-1]) - 1
    return "consecutive" if run >= 2 and hot.sum() == run else "sporadic"


def _bins(numbers: NDArray[np.float64], neighbours: Neighbours, lags: int) -> NDArray[np.float64]:
    """Gi* of every bin among all bins with evidence."""
    there = np.isfinite(numbers)
    count = int(there.sum())
    if count < 3:
        raise InputError(
            "Only {count} places have evidence; a statistic compares at least 3.",
            "Choose a longer period, or counts as they are.",
            count=count,
        )
    filled = np.where(there, numbers, 0.0)
    matrix = neighbours.matrix()
    sums, weight = matrix @ filled + filled, matrix @ there.astype(np.float64) + there
    for part in (sums, weight):
        once = part.copy()
        for lag in range(1, lags + 1):
            part[:, lag:] += once[:, :-lag]
    mean = filled.sum() / count
    spread = np.sqrt(max(((numbers[there] - mean) ** 2).mean(), 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (sums - weight * mean) / (spread * np.sqrt(weight * (count - weight) / (count - 1)))
    z[~np.isfinite(z)] = 0.0
    z[~there] = np.nan
    return np.asarray(z)


@numba.njit(cache=True, nogil=True)
def _scores(
    rows: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Kendall's score, its variance with ties, and the largest score that ties allow."""
    count = rows.shape[0]
    score, variance, most = np.zeros(count), np.zeros(count), np.zeros(count)
    for row in range(count):
        series = rows[row][np.isfinite(rows[row])]
        size = len(series)
        if size < 3:
            continue
        for later in range(1, size):
            for earlier in range(later):
                score[row] += np.sign(series[later] - series[earlier])
        ordered = np.sort(series)
        ties, tied = 0.0, 0.0
        length = 1
        for place in range(1, size + 1):
            if place < size and ordered[place] == ordered[place - 1]:
                length += 1
                continue
            ties += length * (length - 1) * (2 * length + 5)
            tied += length * (length - 1) / 2
            length = 1
        variance[row] = (size * (size - 1) * (2 * size + 5) - ties) / 18
        pairs = size * (size - 1) / 2
        most[row] = np.sqrt(pairs * (pairs - tied))
    return score, variance, most
