"""When cameras are sampled, hour by hour of the week."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.errors import InputError

__all__ = ["sampling_week"]

WEEK_H = 168
DAY_FROM, DAY_TO = 7, 21
"""Hours of the day in which a camera that is sampled by day only is sampled."""
BY_DAY = 0.5
"""Share of the cameras with few enough hours that are sampled by day only."""


def sampling_week(hours_per_day: pd.Series[float], rng: np.random.Generator) -> pd.DataFrame:
    """
    The share of each hour of the week in which each camera is sampled.

    Half of the cameras whose hours fit between 7 and 21 o'clock are sampled then only; the others all day and night
    alike. So captures by hour are a picture of schedules, as they are in a city.

    Parameters
    ----------
    hours_per_day
        Hours a day, [0, 24], indexed by camera.
    rng
        Source of randomness.

    Returns
    -------
    share
        Indexed by camera, columns 0 (Monday 00:00 local time) to 167, in [0, 1].

    Raises
    ------
    InputError
        If hours a day are outside [0, 24].
    """
    hours = hours_per_day.to_numpy(dtype=float)
    bad = ~((hours >= 0) & (hours <= 24))
    if bad.any():
        raise InputError(
            "Camera {camera} is sampled {hours} hours a day.",
            "Give it from 0 to 24.",
            camera=hours_per_day.index[bad][0],
            hours=hours[bad][0],
        )
    length = DAY_TO - DAY_FROM
    by_day = (rng.random(len(hours)) < BY_DAY) & (hours <= length)
    clock = np.arange(WEEK_H) % 24
    open_hours = np.where(by_day[:, None], (clock >= DAY_FROM) & (clock < DAY_TO), 1.0)
    share = open_hours * (hours / np.where(by_day, length, 24))[:, None]
    return pd.DataFrame(share, index=hours_per_day.index, columns=range(WEEK_H))
