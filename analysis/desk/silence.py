"""Where cameras are silent although people report: how likely that is by chance alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.errors import InputError

__all__ = ["chance_of_silence"]


def chance_of_silence(reports: npt.NDArray[np.int64], *, finds_per_report: float) -> npt.NDArray[np.float64]:
    """
    The chance that cameras find nothing at a place where people report, if they found there as they do elsewhere.

    What people report at a place is Poisson about an unknown mean, and so is what cameras find; the ratio of the means
    is that of all places that cameras look at. The mean has Jeffreys' prior [1]_, so few reports say little.

    Parameters
    ----------
    reports
        (n,) reports by people, 0 or more.
    finds_per_report
        Finds by cameras for each report, over all places that cameras look at; 0 or more.

    Returns
    -------
    chance
        (n,) floats in (0, 1]: (1 + finds_per_report) ** -(reports + 1/2).

    Raises
    ------
    InputError
        If a number is negative or not finite.

    References
    ----------
    .. [1] Gelman et al. (2013), Bayesian Data Analysis, 2.6: predictions from a gamma-Poisson are negative binomial.
    """
    counts = np.asarray(reports, dtype=np.float64)
    if not np.isfinite(finds_per_report) or finds_per_report < 0:
        raise InputError("{ratio} finds a report is impossible.", "Give 0 or more.", ratio=finds_per_report)
    if not np.all(np.isfinite(counts)) or (counts < 0).any():
        raise InputError("Reports of people are counts.", "Give whole numbers, 0 or more.")
    return np.asarray((1.0 + finds_per_report) ** -(counts + 0.5), dtype=np.float64)
