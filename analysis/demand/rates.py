"""
How often violations happen, estimated from what was captured and how long was looked.

Captures in a cell are Poisson(rate × exposure); a gamma prior over the cells shrinks the rates of
little-watched cells towards the others. A cell that nobody looked at has no rate at all: "no evidence",
never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special, stats

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["JEFFREYS", "GammaPrior", "fit_prior", "violation_rate"]


@dataclass(frozen=True, slots=True)
class GammaPrior:
    """
    Gamma distribution of the rates of all cells.

    Parameters
    ----------
    shape
        Above 0; as if so many violations had been captured beforehand.
    hours
        0 or more; as if so many seen-hours had been spent beforehand. The mean rate is shape / hours an
        hour.
    """

    shape: float
    hours: float

    def __post_init__(self) -> None:
        require_positive("shape", self.shape)
        require_positive("hours", self.hours, zero=True)


JEFFREYS = GammaPrior(0.5, 0.0)
"""Says nothing about the other cells."""


def violation_rate(
    counts: pd.Series[Any],
    exposure_h: pd.Series[float],
    *,
    prior: Literal["empirical-bayes", "jeffreys"] | GammaPrior = "empirical-bayes",
    level: float = 0.95,
) -> pd.DataFrame:
    """
    Violations an hour in each cell, with an interval.

    With a prior Gamma(a, b), the rate given n captures in e seen-hours is Gamma(a + n, b + e) [1]_. The
    estimate is its mean (a + n) / (b + e), the interval its central part.

    Parameters
    ----------
    counts
        Captures in each cell, each violation once: whole numbers, 0 or more.
    exposure_h
        Seen-hours of each cell over the same period, 0 or more, with the index of `counts`;
        see `analysis.exposure.cell_exposure`.
    prior
        "empirical-bayes" fits the prior to all cells with exposure, see `fit_prior`; "jeffreys" uses each
        cell alone; or a `GammaPrior` from elsewhere, for instance last year's.
    level
        Probability that the interval holds the rate, in (0, 1).

    Returns
    -------
    rates
        Indexed like `counts`: `rate_per_h`, `lower`, `upper` (violations an hour when all of the cell is
        looked at) and `evidence` (True where the exposure is above 0). Cells without evidence have NaN.

    Raises
    ------
    InputError
        If the indexes differ, a value is missing, negative or not whole, a cell has captures without
        exposure, or `level` is out of range.

    Notes
    -----
    More exposure at the same rate narrows the interval. The fitted prior is taken as known, so with fewer
    than some 20 cells the intervals are a little too narrow.

    References
    ----------
    .. [1] Clayton & Kaldor (1987), Empirical Bayes estimates of age-standardized relative risks.
    """
    captured, hours = _checked(counts, exposure_h)
    if not 0 < level < 1:
        raise InputError("level must lie in (0, 1), not {level}.", "Pass for instance 0.95.", level=level)
    if isinstance(prior, GammaPrior):
        chosen = prior
    elif prior == "empirical-bayes":
        chosen = _fit(captured[hours > 0], hours[hours > 0])
    elif prior == "jeffreys":
        chosen = JEFFREYS
    else:
        raise InputError(
            "There is no prior {prior!r}.",
            'Use "empirical-bayes", "jeffreys" or a GammaPrior.',
            prior=prior,
        )
    evidence = hours > 0
    shape = chosen.shape + captured[evidence]
    scale = 1 / (chosen.hours + hours[evidence])
    tail = (1 - level) / 2
    rates = pd.DataFrame(np.nan, index=counts.index, columns=["rate_per_h", "lower", "upper"])
    rates.loc[evidence, "rate_per_h"] = shape * scale
    rates.loc[evidence, "lower"] = stats.gamma.ppf(tail, shape, scale=scale)
    rates.loc[evidence, "upper"] = stats.gamma.isf(tail, shape, scale=scale)
    rates["evidence"] = evidence
    return rates


def fit_prior(counts: pd.Series[Any], exposure_h: pd.Series[float]) -> GammaPrior:
    """
    The gamma distribution of rates under which the counts of all cells are most likely.

    The counts are then negative binomial; their likelihood is maximised over shape and mean. Fewer than
    three cells with exposure, or no capture in any, say nothing of a distribution: then it is the Jeffreys
    prior.

    Parameters
    ----------
    counts, exposure_h
        As in `violation_rate`.
    """
    captured, hours = _checked(counts, exposure_h)
    return _fit(captured[hours > 0], hours[hours > 0])


def _checked(
    counts: pd.Series[Any], exposure_h: pd.Series[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not counts.index.equals(exposure_h.index):
        only = counts.index.symmetric_difference(exposure_h.index)
        raise InputError(
            "counts and exposure_h differ in their index{where}.",
            "Align them first: counts.reindex(exposure_h.index, fill_value=0).",
            where=f", first at {only[0]!r}" if len(only) else " by order or doubles",
        )
    captured = np.asarray(counts, dtype=np.float64)
    hours = np.asarray(exposure_h, dtype=np.float64)
    for name, values in (("counts", captured), ("exposure_h", hours)):
        bad = ~(np.isfinite(values) & (values >= 0))
        if name == "counts":
            bad |= values != np.floor(values)
        if bad.any():
            raise InputError(
                "{name} must hold {rule}, but cell {cell} has {value}.",
                "Give a cell without captures 0, and a cell that nobody looked at 0 hours.",
                name=name,
                rule="whole numbers, zero or more" if name == "counts" else "hours, zero or more",
                cell=counts.index[bad][0],
                value=values[bad][0],
            )
    impossible = (captured > 0) & (hours == 0)
    if impossible.any():
        raise InputError(
            "Cell {cell} has {captures:g} captures although no camera looked at it ({cells} such cells).",
            "Either they belong to a neighbour, or a camera's pose, view or hours are wrong.",
            cell=counts.index[impossible][0],
            captures=captured[impossible][0],
            cells=int(impossible.sum()),
        )
    return captured, hours


def _fit(captured: NDArray[np.float64], hours: NDArray[np.float64]) -> GammaPrior:
    if len(captured) < 3 or captured.sum() == 0:
        return JEFFREYS
    overall = captured.sum() / hours.sum()

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Minus the negative binomial log likelihood, and its slope in the logs of shape and mean."""
        shape, mean = np.exp(parameters)
        expected = mean * hours
        pull = (shape + captured) / (shape + expected)
        empty = -np.log1p(expected / shape)
        likelihood = special.gammaln(shape + captured) - special.gammaln(shape) + shape * empty
        likelihood += captured * (np.log(expected) - np.log(shape + expected))
        by_shape = special.digamma(shape + captured) - special.digamma(shape) + empty + 1 - pull
        slope = np.array([shape * by_shape.sum(), (captured - expected * pull).sum()])
        return -float(likelihood.sum()), -slope

    # Shapes beyond the bounds differ from them by less than rounding: all cells alike, or all but one empty.
    bounds = [(np.log(1e-2), np.log(1e4)), (np.log(overall / 1e3), np.log(overall * 1e3))]
    starts = [np.array([start, np.log(overall)]) for start in (-1.0, 0.5, 3.0)]
    fits = [optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds) for start in starts]
    shape, mean = np.exp(min(fits, key=lambda fit: float(fit.fun)).x)
    return GammaPrior(float(shape), float(shape / mean))
