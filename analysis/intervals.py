"""Intervals of shares and of rates: few cases say little, and the interval says how little."""

from __future__ import annotations

from math import isfinite, sqrt

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.errors import InputError

__all__ = ["poisson_interval", "poisson_intervals", "wilson_interval"]


def wilson_interval(hits: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """
    Interval of a share, `hits` among `of`; both ends in [0, 1], and the share lies between them [1]_.

    Raises
    ------
    InputError
        If `of` is not above 0, `hits` is outside 0 … `of`, or `level` outside (0, 1).

    References
    ----------
    .. [1] Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    _require_level(level)
    if of <= 0 or not 0 <= hits <= of:
        raise InputError("{hits} of {of} is no share.", "Give 0 ≤ hits ≤ of, of above 0.", hits=hits, of=of)
    z = float(stats.norm.ppf(0.5 + level / 2))
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def poisson_interval(events: int, exposure: float, level: float = 0.95) -> tuple[float, float]:
    """
    Exact interval of a rate, events over exposure, in events per unit of exposure [1]_.

    Raises
    ------
    InputError
        If `events` is negative, `exposure` is not above 0, or `level` outside (0, 1).

    References
    ----------
    .. [1] Garwood (1936), Fiducial limits for the Poisson distribution.
    """
    _require_level(level)
    if events < 0 or not (isfinite(exposure) and exposure > 0):
        raise InputError(
            "{events} events over {exposure} is no rate.",
            "Give a count and an exposure above 0.",
            events=events,
            exposure=exposure,
        )
    tail = (1 - level) / 2
    lower = float(stats.chi2.ppf(tail, 2 * events)) / 2 if events else 0.0
    upper = float(stats.chi2.isf(tail, 2 * events + 2)) / 2
    return lower / exposure, upper / exposure


def poisson_intervals(
    events: npt.ArrayLike, exposure: npt.ArrayLike, level: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """
    `poisson_interval` of many rates at once.

    Parameters
    ----------
    events
        (n,) counts.
    exposure
        (n,) of any unit.
    level
        In (0, 1).

    Returns
    -------
    lower, upper
        (n,) events per unit of exposure; NaN where the exposure is 0: nothing is known.

    Raises
    ------
    InputError
        If a count or an exposure is negative or not finite, their shapes differ, or `level` is outside (0, 1).
    """
    _require_level(level)
    n, of = np.asarray(events, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    if n.shape != of.shape or not (np.isfinite(n) & np.isfinite(of) & (n >= 0) & (of >= 0)).all():
        raise InputError("These are no rates.", "Give as many counts as exposures, finite and not negative.")
    tail, known = (1 - level) / 2, np.where(of > 0, of, np.nan)
    lower = np.where(n > 0, stats.chi2.ppf(tail, 2 * np.maximum(n, 1)), 0.0) / 2
    upper = stats.chi2.isf(tail, 2 * n + 2) / 2
    return lower / known, upper / known


def _require_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError("{level} is no level.", "Give one in (0, 1), such as 0.95.", level=level)
