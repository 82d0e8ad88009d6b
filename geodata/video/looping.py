"""Recorded footage that plays round and round: which picture shows at a moment of the clock. Opens nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from geodata.video.streams import Survey

__all__ = ["Turn", "turn_at"]


@dataclass(frozen=True, slots=True)
class Turn:
    """
    A moment of footage that loops.

    Parameters
    ----------
    known
        The footage.
    at_s
        The moment, in seconds of the epoch. A round begins whenever the epoch's seconds are a multiple of the length,
        so that all who look see the same.
    position_s
        Seconds from the first picture.
    key
        Row of the keyframe that shows then; None if the picture has to be decoded from an earlier one.
    """

    known: Survey
    at_s: float
    position_s: float
    key: int | None


def turn_at(known: Survey, now_s: float, not_before: datetime | None, stale_s: float) -> Turn:
    """
    The last keyframe until `now_s`, or what is to be taken in its place.

    Parameters
    ----------
    known
        The footage.
    now_s
        Seconds of the epoch.
    not_before
        If the last keyframe is older than this, the first one after it is taken, which may lie ahead; aware.
    stale_s
        If the last keyframe is longer ago than this, or the footage is stamped wrongly, the picture of the very
        moment is taken.
    """
    length_s = known.about.duration_s
    earliest_s = not_before.timestamp() if not_before is not None else -np.inf
    if len(known.key_ticks):
        start_s = now_s - now_s % length_s
        rounds = start_s + np.add.outer(length_s * np.arange(-1, 2), known.keys_s).ravel()
        row = int(np.searchsorted(rounds, now_s, side="right")) - 1
        if rounds[row] < earliest_s:  # that one was seen: the next
            row = int(np.searchsorted(rounds, earliest_s))
        soonest_s = max(now_s, earliest_s)
        if row < len(rounds) and abs(soonest_s - rounds[row]) <= stale_s:
            key = row % len(known.keys_s)
            return Turn(known, float(rounds[row]), float(known.keys_s[key]), key)
    at_s = max(now_s, earliest_s)
    return Turn(known, at_s, at_s % length_s, None)
