"""
When a picture was taken, and how far what a stream says of it can be believed.

A live stream tells the camera's own time only if the camera sends reports of it (RTCP); the numbers on its pictures
count from anywhere, jump when the camera restarts and are missing in raw streams. Nothing here reads a clock: times
of arrival are given.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from analysis.errors import Term, Terms

__all__ = ["Clock", "LiveClock", "Stamp", "Timeline"]

TOLERANCE_S = 60.0
"""A camera whose clock is further from ours is not believed."""
LEAP_S = 3600.0
"""A longer gap between two pictures is a wrong stamp, not a gap."""
BACK_S = 1.0
"""Coded pictures may come before those that are shown earlier by less than this."""
REMEMBERED = 64
"""By so many recent pictures it is judged how late one comes."""

WRONG_CLOCK = Term("its clock differs from ours")
NO_TIMES = Term("its pictures bear no times")
BACKWARD = Term("its times jump back")
FORWARD = Term("its times jump ahead")


class Clock(StrEnum):
    """Whose time it is."""

    STREAM = "stream"
    """The camera's, as its reports tell it."""
    WALL = "wall clock"
    """Ours, when the picture came."""
    FILE = "file"
    """That of the file's last change."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """
    When a picture was taken.

    Parameters
    ----------
    at
        Aware UTC.
    clock
        Whose time it is.
    doubts
        What was wrong with the times that the stream gave; most often nothing.
    """

    at: datetime
    clock: Clock
    doubts: Terms = field(default_factory=Terms)


@dataclass(slots=True)
class LiveClock:
    """
    Times of the pictures of one live stream, in the order in which they come.

    The camera's time is taken where it is told and within a minute of ours. Otherwise a picture's time is that of
    its arrival, less its delay: how much later than the swiftest recent ones it came by the stream's own count, as
    after a time in which nobody read. Times never run backward.
    """

    _last: datetime | None = None
    _last_count_s: float | None = None
    _last_arrival: datetime | None = None
    _offsets_s: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def stamp(self, arrived: datetime, count_s: float | None, camera: datetime | None = None) -> Stamp:
        """
        The time of the next picture.

        Parameters
        ----------
        arrived
            When it came, aware UTC.
        count_s
            Its time by the stream's own count in seconds; None if it bears none.
        camera
            When it was taken by the camera's clock, if it tells.
        """
        doubts = (
            [] if camera is None or abs((camera - arrived).total_seconds()) <= TOLERANCE_S else [WRONG_CLOCK]
        )
        doubts += self._doubts(arrived, count_s)
        if camera is not None and WRONG_CLOCK not in doubts:
            at, clock = camera, Clock.STREAM
        else:
            at, clock = arrived - timedelta(seconds=self._delay_s(arrived, count_s)), Clock.WALL
        if self._last is not None and at <= self._last:
            at, clock = max(arrived, self._last + timedelta(microseconds=1)), Clock.WALL
            doubts += [] if BACKWARD in doubts else [BACKWARD]
        self._last, self._last_arrival = at, arrived
        self._last_count_s = count_s if count_s is not None else self._last_count_s
        return Stamp(at, clock, Terms(doubts))

    def _doubts(self, arrived: datetime, count_s: float | None) -> list[Term]:
        """What is odd about the stream's count; a jump makes it begin anew."""
        if count_s is None:
            return [NO_TIMES]
        if self._last_count_s is None or self._last_arrival is None:
            return []
        passed_s = (arrived - self._last_arrival).total_seconds()
        if count_s < self._last_count_s:
            self._offsets_s.clear()
            return [BACKWARD]
        if count_s - self._last_count_s > passed_s + TOLERANCE_S:
            self._offsets_s.clear()
            return [FORWARD]
        return []

    def _delay_s(self, arrived: datetime, count_s: float | None) -> float:
        if count_s is None:
            return 0.0
        self._offsets_s.append(arrived.timestamp() - count_s)
        return self._offsets_s[-1] - min(self._offsets_s)


@dataclass(slots=True)
class Timeline:
    """
    Times of the pictures of a file, mended where the file stamps them wrongly.

    A time that is missing, jumps back or leaps more than an hour is replaced by that of the next picture at the
    file's rate, and those after it count on from there.

    Parameters
    ----------
    step_s
        From one picture to the next, above 0.
    """

    step_s: float
    doubts: set[Term] = field(default_factory=set)
    _shift_s: float = 0.0
    _last_s: float | None = None

    def mended(self, stated_s: float | None) -> float:
        """Seconds from the first picture of the next one, whose own time is `stated_s`."""
        last_s = self._last_s
        if stated_s is None:
            self.doubts.add(NO_TIMES)
            at_s = 0.0 if last_s is None else last_s + self.step_s
        else:
            at_s = stated_s + self._shift_s
        if last_s is not None and not last_s - self._slack_s <= at_s <= last_s + LEAP_S:
            self.doubts.add(BACKWARD if at_s < last_s else FORWARD)
            self._shift_s += last_s + self.step_s - at_s
            at_s = last_s + self.step_s
        self._last_s = at_s if last_s is None else max(last_s, at_s)
        return at_s

    @property
    def _slack_s(self) -> float:
        return max(BACK_S, 16 * self.step_s)
