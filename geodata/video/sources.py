"""
Pictures of cameras: one and close, as a patrol of thousands does, or one now and then of a stream that stays open.

Only keyframes are decoded: a camera sends one every second or two, and the rest of its stream is passed over.
Recorded footage can play round and round as if it were live.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf

import numpy as np
from numpy.typing import NDArray

from analysis.errors import Terms
from geodata.video.addresses import Origin, Source
from geodata.video.clocks import Clock, LiveClock
from geodata.video.connecting import Connection
from geodata.video.failures import Failure, SourceError, told
from geodata.video.looping import turn_at
from geodata.video.shots import (
    STALE_S,
    STEPS,
    Due,
    Shot,
    keyframes,
    of_clip,
    of_file,
    of_folder,
    of_loop,
    of_newest,
    of_stream,
    of_turn,
    of_web_turn,
    wait,
)
from geodata.video.streams import survey

__all__ = ["Grabbed", "grab", "watching"]


@dataclass(frozen=True, slots=True, eq=False)
class Grabbed:
    """
    One picture of a source.

    Parameters
    ----------
    image
        (h, w, 3) bytes, blue first, upright.
    taken_at
        When it was taken, aware UTC.
    taken_from
        Whose clock says so: the stream's, ours, or the file's last change.
    width_px, height_px
        Size of `image`.
    rotation_deg
        By how much it was turned counterclockwise to be upright: 0, 90, 180 or 270.
    keyframe
        It was decoded by itself.
    cpu_s
        Processor time that it took this thread, in seconds.
    waited_s
        Time that it took by the clock, in seconds; of a stream that stays open, since the one before was handed on.
    changed
        Its size differs from that of the one before.
    doubts
        What was wrong with the times of the source; most often nothing.
    """

    image: NDArray[np.uint8]
    taken_at: datetime
    taken_from: Clock
    width_px: int
    height_px: int
    rotation_deg: int
    keyframe: bool
    cpu_s: float
    waited_s: float
    changed: bool = False
    doubts: Terms = field(default_factory=Terms)


def grab(
    source: Source, *, timeout_s: float = 10.0, not_before: datetime | None = None, stale_s: float = STALE_S
) -> Grabbed:
    """
    One picture: connect, decode the first keyframe, close.

    Parameters
    ----------
    source
        Where from. Of a folder its newest picture, or the first one of its newest clip; of a clip its first; of
        footage that loops, the last keyframe until now.
    timeout_s
        Longest time that it may take in seconds, above 0. Looking up the name, connecting, recognising the stream
        and each packet may take a third of it.
    not_before
        Pictures of streams, loops and folders that were taken earlier are passed over, and a later one is waited
        for as far as the time allows; aware. None for any.
    stale_s
        Footage that loops with a longer time since its last keyframe is decoded up to now.

    Raises
    ------
    StreamError
        A `SourceError` with its kind, at the latest 4/3 of `timeout_s` and one decoding after the asking.
    """
    _require(timeout_s=timeout_s)
    cost, asked_s, step_s = _Cost(), time.monotonic(), timeout_s / STEPS
    path = source.path
    if source.origin is Origin.FOLDER:
        return cost.of(of_newest(source, timeout_s, not_before))
    if path is not None and not source.loop:
        return cost.of(of_file(source, path, step_s))
    if path is not None:
        turn = turn_at(survey(path), time.time(), not_before, stale_s)
        wait(turn.at_s, asked_s + timeout_s, source, timeout_s)
        with Connection.to(source, step_s) as link:
            return cost.of(of_turn(link, path, turn))
    with Connection.to(source, step_s) as link:
        if source.loop and link.length_s:
            return cost.of(of_web_turn(link, link.length_s))
        for shot in keyframes(link, Due(inf, timeout_s, asked_s), LiveClock(), not_before):
            return cost.of(shot)
    raise told(Failure.CUT_SHORT, source.shown)


def watching(source: Source, every_s: float, *, timeout_s: float = 10.0) -> Iterator[Grabbed]:
    """
    One picture in every `every_s` seconds of a source that stays open.

    Parameters
    ----------
    source
        Where from. A stream, footage that loops and a folder give pictures without end, paced by the clock; other
        footage gives those of each interval of its own time and ends.
    every_s
        Seconds, above 0. A stream with rarer keyframes gives each of them.
    timeout_s
        Longest time in seconds without a packet, and without a picture when one is due; above 0.

    Yields
    ------
    grabbed
        Pictures in order of time; of a folder, only newer ones.

    Raises
    ------
    StreamError
        A `SourceError` with its kind. Whoever watches decides when to try again.
    """
    _require(timeout_s=timeout_s, every_s=every_s)
    size: tuple[int, int] | None = None
    cost = _Cost()
    for shot in _shots(source, every_s, timeout_s):
        grabbed = cost.of(shot)
        now = (grabbed.width_px, grabbed.height_px)
        yield replace(grabbed, changed=size not in (None, now))
        size, cost = now, _Cost()


def _shots(source: Source, every_s: float, timeout_s: float) -> Iterator[Shot]:
    if source.origin is Origin.FOLDER:
        return of_folder(source, every_s, timeout_s)
    if source.path is None:
        return of_stream(source, every_s, timeout_s)
    return of_loop(source, source.path, every_s, timeout_s) if source.loop else of_clip(source.path, every_s)


class _Cost:
    """What a picture costs from now on."""

    def __init__(self) -> None:
        self._cpu_s, self._wall_s = time.thread_time(), time.monotonic()

    def of(self, shot: Shot) -> Grabbed:
        """The picture with what it cost."""
        height, width = shot.image.shape[:2]
        return Grabbed(
            image=shot.image,
            taken_at=shot.stamp.at,
            taken_from=shot.stamp.clock,
            width_px=width,
            height_px=height,
            rotation_deg=shot.rotation_deg,
            keyframe=shot.keyframe,
            cpu_s=time.thread_time() - self._cpu_s,
            waited_s=time.monotonic() - self._wall_s,
            doubts=shot.stamp.doubts,
        )


def _require(**seconds: float) -> None:
    for name, value in seconds.items():
        if not 0 < value < inf:
            raise SourceError(
                "{name} is {value}; it is a time in seconds.",
                "Give seconds above 0.",
                kind=Failure.UNSUPPORTED,
                name=name,
                value=value,
            )
