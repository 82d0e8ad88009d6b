"""Working hours between two moments: what a limit in 工作时 counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["CLOSES_H", "OPENS_H", "working_hours"]

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


def _since_epoch(moment: npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
    moment = np.asarray(moment, dtype="datetime64[s]")
    known = ~np.isnat(moment)
    filled = np.where(known, moment, EPOCH.astype("datetime64[s]"))
    day = filled.astype("datetime64[D]")
    hour = (filled - day).astype(np.float64) / 3600.0
    whole = np.busday_count(EPOCH, day) * (CLOSES_H - OPENS_H)
    today = np.where(np.is_busday(day), np.clip(hour - OPENS_H, 0.0, CLOSES_H - OPENS_H), 0.0)
    return np.where(known, whole + today, np.nan)
