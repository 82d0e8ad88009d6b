"""What becomes of simulated cases: how far each gets, and when it is closed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

__all__ = ["STEPS", "case_lives"]

STEPS = (("dispatched", 0.3), ("disposed", 1.2), ("verified", 0.4), ("closed", 0.2))
"""Stages after registration, and the median hours that each takes."""
SPREAD = 0.8
"""Standard deviation of the logarithm of these hours."""
LEFT = 0.02
"""Chance that a case is left lying before a step."""


def case_lives(
    reported_at: pd.Series[pd.Timestamp], until: dt.datetime, rng: np.random.Generator
) -> pd.DataFrame:
    """
    The stage that each case has reached, and when it was closed.

    Parameters
    ----------
    reported_at
        Aware moments.
    until
        The moment of which the stages are told.
    rng
        Source of chance.

    Returns
    -------
    lives
        `stage` (registered, or one of `STEPS`) and `closed_at` (not-a-time where it is not closed), indexed like
        `reported_at`.
    """
    medians = np.array([hours for _, hours in STEPS])
    hours = rng.lognormal(np.log(medians), SPREAD, size=(len(reported_at), len(STEPS)))
    lying = rng.random(hours.shape) < LEFT
    done = np.cumsum(np.where(lying, np.inf, hours), axis=1)
    left_h = (pd.Timestamp(until) - reported_at).dt.total_seconds().to_numpy() / 3600
    reached = (done <= left_h[:, None]).sum(axis=1)
    whole = np.where(np.isfinite(done[:, -1]), done[:, -1], 0.0)
    closed = reported_at + pd.to_timedelta((3600 * whole).round(), unit="s")
    return pd.DataFrame(
        {
            "stage": np.array(["registered", *(name for name, _ in STEPS)])[reached],
            "closed_at": closed.where(reached == len(STEPS)),
        },
        index=reported_at.index,
    )
