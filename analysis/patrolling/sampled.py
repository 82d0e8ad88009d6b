"""The hours that were really looked at: what `exposure` counts, from the samples that were taken."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["sampled_hours"]

Floats = npt.NDArray[np.float64]

HOUR_S = 3600.0
WEEK_H = 168


def sampled_hours(
    taken_s: npt.ArrayLike, cap_s: float, *, until_s: float, week_start_s: float = 0.0
) -> Floats:
    """
    Hours looked at in each hour of the week.

    A sample stands for the time until the next one, but for `cap_s` at most: what happened later nobody looked at. The
    answer is thus the length of the union of [t, t + cap) over all samples t, cut at `until_s`; samples twice or
    closer together than the cap add nothing twice.

    Parameters
    ----------
    taken_s
        (n,) epoch seconds of the samples that were taken (not of those planned), in any order.
    cap_s
        Seconds above 0 for which one sample may stand: the longest interval at which the rule still fires, for
        instance dwell / (needed − 1) of a standing rule.
    until_s
        Epoch seconds of the end of the count, such as now or the end of the month; later samples are left out.
    week_start_s
        Epoch seconds of any Monday 00:00 local time. Where clocks change, count before and after apart.

    Returns
    -------
    hours
        (168,), 0 or more, Monday 00:00 local time first. Their sum is at most the hours from the first sample to
        `until_s`.

    Raises
    ------
    InputError
        If a time is not finite or the cap is not above 0.
    """
    require_positive("cap_s", cap_s)
    taken = np.unique(np.asarray(taken_s, dtype=np.float64))
    if not (np.isfinite(taken).all() and np.isfinite(until_s) and np.isfinite(week_start_s)):
        raise InputError("A time is not a finite number of seconds.", "Give epoch seconds.")
    taken = taken[taken < until_s]
    hours = np.zeros(WEEK_H)
    if not len(taken):
        return hours
    start = taken - week_start_s
    length = np.minimum(np.diff(np.append(taken, until_s)), cap_s)
    # An interval that crosses full hours is cut there: its k-th piece lies in hour first + k.
    first = np.floor(start / HOUR_S)
    pieces = np.ceil((start + length) / HOUR_S - first).astype(np.int64)
    pieces = np.maximum(pieces, 1)
    at = np.repeat(np.arange(len(start)), pieces)
    hour = first[at] + np.arange(len(at)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin = np.maximum(start[at], hour * HOUR_S)
    finish = np.minimum((start + length)[at], (hour + 1) * HOUR_S)
    part = np.maximum(0.0, finish - begin) / HOUR_S
    np.add.at(hours, np.mod(hour, WEEK_H).astype(np.int64), part)
    return hours
