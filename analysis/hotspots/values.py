"""What a statistic looks at: counts as they are, or counts over exposure; nobody looked, nothing is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.demand import violation_rate
from analysis.errors import InputError

__all__ = ["adjusted_p", "known", "observed_values"]


def observed_values(
    counts: pd.Series[int], exposure_h: pd.Series[float] | None = None, *, smooth: bool = True
) -> pd.Series[float]:
    """
    The number of each place that local statistics compare.

    Parameters
    ----------
    counts
        Events at each place: whole numbers, 0 or more.
    exposure_h
        Seen-hours of each place over the same period, 0 or more, with the index of `counts`. None takes counts as
        they are: then a map of captures is a map of cameras.
    smooth
        Shrinks the rates of places that were seen little towards the others (empirical Bayes, see
        `analysis.demand.violation_rate`); otherwise counts are divided by hours as they are.

    Returns
    -------
    values
        Indexed like `counts`: events, or events per seen-hour. NaN where the exposure is 0: no evidence, whatever
        was counted there.

    Raises
    ------
    InputError
        If a count or an exposure is missing, negative or (counts) not whole, or the indexes differ.
    """
    if exposure_h is None:
        return _whole(counts).rename("value")
    if not counts.index.equals(exposure_h.index):
        raise InputError(
            "counts and exposure_h are of different places.",
            "Align them first: counts.reindex(exposure_h.index, fill_value=0).",
        )
    seen = exposure_h > 0
    usable = _whole(counts).where(seen, 0)
    whole = usable.astype(np.int64)
    if smooth:
        return violation_rate(whole, exposure_h)["rate_per_h"].rename("value")
    if not np.isfinite(exposure_h).all() or (exposure_h < 0).any():
        violation_rate(whole, exposure_h)  # says what is wrong, and where
    return (usable / exposure_h.where(seen)).rename("value")


def known(values: pd.Series[float], places: int) -> NDArray[np.bool_]:
    """
    Where there is evidence.

    Raises
    ------
    InputError
        If there are not as many values as places, one is infinite, or fewer than three are known.
    """
    if len(values) != places:
        raise InputError(
            "There are {values} values, but neighbours of {places} places.",
            "Give one value a place, in the same order; NaN where nobody looked.",
            values=len(values),
            places=places,
        )
    numbers = np.asarray(values, dtype=np.float64)
    if np.isinf(numbers).any():
        raise InputError(
            "The value of {place} is infinite.",
            "A rate needs exposure above zero; where there is none, give NaN.",
            place=values.index[np.isinf(numbers)][0],
        )
    found = np.isfinite(numbers)
    if found.sum() < 3:
        raise InputError(
            "Only {count} places have evidence; a statistic compares at least 3.",
            "Choose a longer period, or counts as they are.",
            count=int(found.sum()),
        )
    return found


def adjusted_p(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    The smallest false discovery rate at which each place still counts as significant.

    Benjamini & Hochberg's step-up procedure, as Caldas de Castro & Singer advise for local statistics, whose tests
    overlap: of the places with an adjusted p up to 0.05, about one in twenty is there by chance.

    Parameters
    ----------
    p
        One p-value a place, in [0, 1]; NaN where there is none.

    Returns
    -------
    adjusted
        Of the same shape, in [0, 1], never below `p`; NaN stays NaN and is not counted as a test.

    References
    ----------
    .. [1] Benjamini & Hochberg (1995), Controlling the false discovery rate.
    .. [2] Caldas de Castro & Singer (2006), Controlling the false discovery rate: a new application to account for
       multiple and dependent tests in local statistics of spatial association.
    """
    flat = np.asarray(p, dtype=np.float64)
    adjusted = np.full(flat.shape, np.nan)
    tested = np.isfinite(flat)
    if (flat[tested] < 0).any() or (flat[tested] > 1).any():
        raise InputError("A p-value lies outside [0, 1].", "Pass probabilities, not z-scores.")
    kept = flat[tested]
    order = np.argsort(kept)[::-1]
    steps = kept[order] * len(kept) / np.arange(len(kept), 0, -1)
    found = np.empty(len(kept))
    found[order] = np.minimum(np.minimum.accumulate(steps), 1.0)
    adjusted[tested] = found
    return adjusted


def _whole(counts: pd.Series[int]) -> pd.Series[float]:
    numbers = np.asarray(counts, dtype=np.float64)
    bad = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers)))
    if bad.any():
        raise InputError(
            "counts must hold whole numbers, zero or more, but {place} has {value}.",
            "Give a place without events 0.",
            place=counts.index[bad][0],
            value=numbers[bad][0],
        )
    return pd.Series(numbers, index=counts.index)
