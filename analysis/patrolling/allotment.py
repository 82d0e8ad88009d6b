"""
Samples handed out one after another.

They are never closer together than the budget allows, so that the budget holds in every window of time and not only on
average; and when many become due at once, those that may wait no longer go first.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.checks import require_positive
from analysis.patrolling.schedule import SLACK, next_due
from analysis.patrolling.watched import Policy, Watched

__all__ = ["Allotment", "allot"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CATCH_UP = 1.1
"""After a gap, samples follow each other by this factor faster than the rates need, as far as the budget goes."""


@dataclass(frozen=True, slots=True, eq=False)
class Allotment:
    """
    Samples to take.

    Attributes
    ----------
    row
        (m,) row of the camera in `Watched`; a camera may come several times.
    at_s
        (m,) epoch seconds at which to take each, ascending, spaced by at least one part of the budget.
    free_s
        When the next sample after these may be taken: pass it to the next call.
    stretched
        As in `Due`.
    """

    row: Ints
    at_s: Floats
    free_s: float
    stretched: float


def allot(
    watched: Watched,
    now_s: float,
    horizon_s: float,
    budget_per_s: float,
    hour_of_week: int,
    policy: Policy | None = None,
    *,
    free_s: float = -np.inf,
) -> Allotment:
    """
    The samples to take from now on until the horizon.

    A healthy camera that has waited nearly as long as it may comes first, then the one that has been due longest; among
    equals a number of each camera's own decides, so that neighbours in the register do not follow each other. Two
    samples are at least 1 / min(budget, 1.1 · sum of the rates) seconds apart: a window of T seconds never holds more
    than budget · T + 1, and there are no bursts after a start or a gap.

    Parameters
    ----------
    watched, now_s, budget_per_s, hour_of_week, policy
        As in `rates`.
    horizon_s
        Seconds from now, 0 or more; short against the hour, because weights are those of now.
    free_s
        `free_s` of the allotment before, so that the spacing holds across calls.

    Returns
    -------
    allotment
        Ordered by time; the same input gives the same samples.

    Raises
    ------
    InputError
        As `rates`, or if the horizon is negative.
    """
    require_positive("horizon_s", horizon_s, zero=True)
    due = next_due(watched, now_s, budget_per_s, hour_of_week, policy)
    at, end = max(now_s, free_s), now_s + horizon_s
    if not len(watched):
        return Allotment(np.zeros(0, np.int64), np.zeros(0), at, due.stretched)
    apart = 1 / min(budget_per_s, CATCH_UP * float(due.rate_per_s.sum()))
    interval = (1 / due.rate_per_s).tolist()
    limit = np.where(watched.failures > 0, np.inf, SLACK * due.stretched * watched.max_interval_s)
    longest = np.maximum(interval, limit).tolist()
    last_s = np.where(np.isneginf(watched.last_sampled_s), now_s, watched.last_sampled_s)
    soon = np.flatnonzero(due.due_s <= end)
    # Two queues hold every camera: by when it is due, and by when it may wait no longer. What was taken from one is
    # out of date in the other.
    queue = _Queue(due.due_s, watched.max_interval_s, watched.phase, soon)
    pressing = _Queue(np.maximum(due.due_s, last_s + limit), watched.max_interval_s, watched.phase, soon)
    rows: list[int] = []
    times: list[float] = []
    while (wanted := queue.first_s()) <= end:
        start = max(at, wanted)
        if start > end:
            break
        row = (pressing if pressing.first_s() <= start else queue).take()
        queue.put(row, start + interval[row])
        pressing.put(row, start + longest[row])
        rows.append(row)
        times.append(start)
        at = start + apart
    return Allotment(np.array(rows, dtype=np.int64), np.array(times), at, due.stretched)


class _Queue:
    """Cameras by a time; each has one that holds, and older ones that do not."""

    def __init__(self, at_s: Floats, longest_s: Floats, own: Floats, rows: Ints) -> None:
        self._holds = dict(zip(rows.tolist(), at_s[rows].tolist(), strict=True))
        ranks = zip(longest_s[rows].tolist(), own[rows].tolist(), strict=True)
        self._rank = dict(zip(rows.tolist(), ranks, strict=True))
        self._heap = [(at, *self._rank[row], row) for row, at in self._holds.items()]
        heapq.heapify(self._heap)

    def first_s(self) -> float:
        """The earliest time that holds; infinite for none."""
        while self._heap and self._holds[self._heap[0][3]] != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else np.inf

    def take(self) -> int:
        """The camera of the earliest time."""
        return heapq.heappop(self._heap)[3]

    def put(self, row: int, at_s: float) -> None:
        """Another time for a camera instead of the one it has."""
        self._holds[row] = at_s
        heapq.heappush(self._heap, (at_s, *self._rank[row], row))
