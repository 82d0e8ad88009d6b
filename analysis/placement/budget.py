"""How much work a search may do, counted in steps and held to a clock."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["STEPS_A_SECOND", "Budget"]

STEPS_A_SECOND = 6e8
"""
Steps for each second of the limit.

A step is one entry of the cover matrix added up, about 1 ns; dearer visits count several steps. A machine that is
not busy with other things does them in about half the time, so that the clock has no say and the same question gets
the same answer.
"""


class Budget:
    """
    Work and time that are left of a limit.

    Parameters
    ----------
    limit_s
        Seconds, 0 or more.
    now
        Tells the time in seconds, from any beginning. `time_limit_s` is kept by it where the machine is slow;
        a clock that stands still leaves the steps alone to decide, and the answer depends on nothing else.
    """

    def __init__(self, limit_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._now = now
        self._begun = now()
        self._steps = 0.0

    def spend(self, steps: float) -> None:
        """Counts steps that were done."""
        self._steps += steps

    def share_after(self, steps: float) -> float:
        """Share of the limit that will be spent when so many more steps are done."""
        return self.spent_ratio + steps / max(self._limit_s * STEPS_A_SECOND, 1.0)

    @property
    def spent_ratio(self) -> float:
        """Share of the limit that is spent, in steps or in time, whichever is more; 1 or more if none is left."""
        if self._limit_s <= 0:
            return 1.0
        return max(
            self._steps / (self._limit_s * STEPS_A_SECOND), (self._now() - self._begun) / self._limit_s
        )

    @property
    def left_s(self) -> float:
        """Seconds that are left, 0 or more."""
        return max(0.0, self._limit_s - (self._now() - self._begun))
