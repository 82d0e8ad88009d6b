"""Working hours between two moments: what a limit in 工作时 counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["CLOSES_H", "OPENS_H", "in_time", "working_hours"]

OPENS_H, CLOSES_H = 9.0, 17.0
"""A working day, in the town's time; Monday to Friday. Holidays are not known and count as working days."""
EPOCH = np.datetime64("1970-01-01", "D")


def working_hours(
    start: npt.NDArray[np.datetime64], end: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.float64]:
    """
    Working hours from `start` to `end`.

    Parameters
    ----------
    start, end
        (n,) moments in the town's time, without an offset; not-a-time gives not-a-number.

    Returns
    -------
    hours
        (n,) floats; negative where `end` is before `start`.
    """
    return _since_epoch(end) - _since_epoch(start)


def in_time(
    begun: npt.NDArray[np.datetime64],
    ended: npt.NDArray[np.datetime64],
    now: npt.NDArray[np.datetime64] | np.datetime64,
    working_h: float,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """
    What was ended within its working hours, and what was not: what has time left is neither.

    Parameters
    ----------
    begun
        (n,) moments in the town's time from which working hours count.
    ended
        (n,) when it ended; not-a-time: it has not yet.
    now
        Until when whatever has not ended has lasted.
    working_h
        Working hours that it may take; 0: it should have ended when they begin to count.

    Returns
    -------
    good, late
        (n,) booleans, never both true.
    """
    open_still = np.isnat(ended)
    until = np.where(open_still, now, ended)
    late = working_hours(begun, until) > working_h if working_h else until > begun
    return ~late & ~open_still, late


def _since_epoch(moment: npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
    moment = np.asarray(moment, dtype="datetime64[s]")
    known = ~np.isnat(moment)
    filled = np.where(known, moment, EPOCH.astype("datetime64[s]"))
    day = filled.astype("datetime64[D]")
    hour = (filled - day).astype(np.float64) / 3600.0
    whole = np.busday_count(EPOCH, day) * (CLOSES_H - OPENS_H)
    today = np.where(np.is_busday(day), np.clip(hour - OPENS_H, 0.0, CLOSES_H - OPENS_H), 0.0)
    return np.where(known, whole + today, np.nan)
