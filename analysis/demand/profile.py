"""How busy each hour of the week is, whatever hours cameras were looking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["WEEK_H", "HourProfile", "hour_profile"]

Floats = npt.NDArray[np.float64]

WEEK_H = 168
"""Hours of a week, from Monday 00:00 local time."""
SMOOTH_H = 1.5
"""Standard deviation of the kernel that joins neighbouring hours."""


@dataclass(frozen=True, eq=False)
class HourProfile:
    """
    How busy each hour of the week is against the mean.

    Attributes
    ----------
    weight
        (168,), of mean 1 over the hours of the week; Monday 00:00 local time first.
    cv
        (168,), standard deviation of each weight over the weight.
    """

    weight: Floats
    cv: Floats


def hour_profile(captures: Floats, expected: Floats) -> HourProfile:
    """
    The profile under which captures by hour are what exposure lets one expect.

    Captures in hour h are Poisson(weight_h · expected_h). Each weight has a gamma prior about the mean of its
    neighbours in time (a Gaussian kernel around the week, which leaves the hour itself out); how tightly it is held is
    fitted to the captures. An hour in which nobody looked takes the mean of its neighbours.

    Parameters
    ----------
    captures
        (168,), captures in each hour of the week, whole numbers.
    expected
        (168,), captures that the exposure would give at the mean rate, 0 or more.

    Raises
    ------
    InputError
        If a shape is not (168,), a value is negative or not finite, or an hour without exposure has captures.
    """
    for name, values in (("captures", captures), ("expected", expected)):
        if values.shape != (WEEK_H,):
            raise InputError(
                "{name} has the shape {shape}, not ({hours},).",
                "Give one number for each hour of the week.",
                name=name,
                shape=values.shape,
                hours=WEEK_H,
            )
        require_positive(name, values, zero=True)
    impossible = (expected == 0) & (captures > 0)
    if impossible.any():
        raise InputError(
            "Hour {hour} of the week has {captures:g} captures although no camera looked.",
            "Correct the hours that cameras were sampled, or the times of the captures.",
            hour=int(np.flatnonzero(impossible)[0]),
            captures=captures[impossible][0],
        )
    if captures.sum() == 0:
        return HourProfile(np.ones(WEEK_H), np.zeros(WEEK_H))
    near = _neighbours(captures, expected)
    shape = _tightness(captures, expected, near)
    posterior = shape + captures
    weight = posterior / (shape / near + expected)
    return HourProfile(weight / weight.mean(), 1 / np.sqrt(posterior))


def _neighbours(captures: Floats, expected: Floats) -> Floats:
    """The weight that each hour's neighbours have; further ones count where near ones did not look."""
    away = np.abs(np.arange(WEEK_H)[:, None] - np.arange(WEEK_H)[None, :])
    away = np.minimum(away, WEEK_H - away)
    overall = captures.sum() / expected.sum()
    kernel = np.exp(-0.5 * (away / SMOOTH_H) ** 2)
    np.fill_diagonal(kernel, 0.0)
    # as if a capture had been made at the mean rate: keeps hours without any neighbour's capture above 0
    return np.asarray((kernel @ captures + 1.0) / (kernel @ expected + 1.0 / overall))


def _tightness(captures: Floats, expected: Floats, near: Floats) -> float:
    """Shape of the gamma prior that makes the captures most likely: negative binomial, in the log of the shape."""
    mean = near * expected

    def loss(log_shape: float) -> float:
        shape = np.exp(log_shape)
        likelihood = special.gammaln(shape + captures) - special.gammaln(shape)
        likelihood += shape * np.log(shape / (shape + mean))
        likelihood += special.xlogy(captures, mean / (shape + mean))
        return -float(likelihood.sum())

    found = optimize.minimize_scalar(loss, bounds=(np.log(0.5), np.log(1e4)), method="bounded")
    return float(np.exp(found.x))
