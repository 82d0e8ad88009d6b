"""
How each sort of source gives its pictures: a stream its due keyframes, a clip one by one, a loop the one before now.

`geodata.video.sources` chooses among them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.errors import Terms
from geodata.video.addresses import Origin, Source
from geodata.video.clocks import Clock, LiveClock, Stamp
from geodata.video.connecting import Connection, camera_time
from geodata.video.failures import UNDECODABLE, Failure, SourceError, told
from geodata.video.folders import newest_files
from geodata.video.looping import Turn, turn_at
from geodata.video.streams import frame_at, keyframe, sample, stated_s, survey, upright

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = [
    "STALE_S",
    "STEPS",
    "Due",
    "Shot",
    "keyframes",
    "of_clip",
    "of_file",
    "of_folder",
    "of_loop",
    "of_newest",
    "of_stream",
    "of_turn",
    "of_web_turn",
    "wait",
]

STEPS = 3
"""Looking up, connecting, and recognising share the time that a picture may take."""
STALE_S = 10.0
"""Recorded footage whose last keyframe is longer ago is decoded up to the moment that is asked for."""
POLL_S = 0.5
"""A folder without a newer file is looked at again after so long."""
EARLY = 0.1
"""Share of the interval by which a picture may come early, because a keyframe on the very beat may be either."""
BRIEF_S = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """
    A picture and when it was taken.

    Parameters
    ----------
    image
        (h, w, 3) bytes, blue first, upright.
    rotation_deg
        How far it was turned counterclockwise for that.
    stamp
        When it was taken.
    keyframe
        It was decoded by itself.
    """

    image: NDArray[np.uint8]
    rotation_deg: int
    stamp: Stamp
    keyframe: bool = True

    @classmethod
    def of(cls, picture: VideoFrame, stamp: Stamp) -> Shot:
        """Of a decoded keyframe."""
        return cls(*upright(picture), stamp)


@dataclass(slots=True)
class Due:
    """
    When the next picture is due, by `time.monotonic` or by recorded footage's own time.

    Parameters
    ----------
    every_s
        Interval in seconds, above 0; infinite for one picture only.
    timeout_s
        How long a picture that is due may take.
    next_s
        When the first one is due.
    """

    every_s: float
    timeout_s: float
    next_s: float
    _media_s: float = 0.0
    _begun: bool = False

    def wants(self, media_s: float | None) -> bool:
        """A picture of now, or of this time of the footage, is due."""
        if media_s is None:
            return time.monotonic() >= self.next_s - (EARLY * self.every_s if self.every_s < inf else 0)
        return media_s >= self._media_s - BRIEF_S

    def took(self, media_s: float | None) -> None:
        """It was taken; intervals count from the first, and those that passed without one are not made up for."""
        now_s = time.monotonic()
        if not self._begun:
            self._begun, self.next_s = True, now_s
        if self.every_s == inf:
            self.next_s = self._media_s = inf
            return
        if media_s is not None:
            self._media_s = self.every_s * ((media_s + BRIEF_S) // self.every_s + 1)
            self.next_s = now_s
        else:
            self.next_s += self.every_s * max(1, (now_s - self.next_s) // self.every_s + 1)

    def pause(self) -> None:
        """Sleep until the next is due."""
        time.sleep(max(0.0, self.next_s - time.monotonic()))

    def is_late(self) -> bool:
        """A picture was due for longer than it may take."""
        return time.monotonic() > self.next_s + self.timeout_s


def of_stream(source: Source, every_s: float, timeout_s: float) -> Iterator[Shot]:
    """Pictures of an address: of a stream as they are due, of one that gives single pictures by asking again."""
    due = Due(every_s, timeout_s, time.monotonic())
    clock = LiveClock()
    while True:
        with Connection.to(source, timeout_s / STEPS) as link:
            while source.loop and link.length_s:
                yield of_web_turn(link, link.length_s)
                due.took(None)
                due.pause()
            if not link.is_picture:
                yield from keyframes(link, due, clock)
                if link.length_s:
                    return
                raise told(Failure.CUT_SHORT, source.shown)
            shot = next(keyframes(link, due, clock), None)
        if shot is None:
            raise told(Failure.EMPTY, source.shown)
        yield shot
        due.took(None)
        due.pause()


def keyframes(
    link: Connection, due: Due, clock: LiveClock, not_before: datetime | None = None
) -> Iterator[Shot]:
    """
    Keyframes of a stream as they are due, those of recorded footage by its own time; no older ones.

    An interval counts as served when the reader comes back: what piled up while it was busy is passed over.
    """
    recorded, broken = link.length_s is not None, False
    counts = not recorded and not link.is_picture and link.container.format.name != "mpjpeg"
    for packet in link.packets():
        if packet.is_keyframe:
            arrived = datetime.now(UTC)
            count_s = stated_s(packet, link.stream)
            stamp = (
                clock.stamp(arrived, count_s, camera_time(packet)) if counts else Stamp(arrived, Clock.WALL)
            )
            new = not_before is None or stamp.at >= not_before
            if new and due.wants(count_s if recorded else None):
                picture = keyframe(link.stream, packet)
                broken = picture is None or picture.is_corrupt
                if picture is not None and not broken:
                    yield Shot.of(picture, stamp)
                    due.took(count_s if recorded else None)
        if due.is_late():
            break
    else:
        if not broken:
            return
    if broken:
        raise told(Failure.GARBAGE, link.source.shown, why=UNDECODABLE)
    raise SourceError(
        "{source} sent no keyframe in {limit_s:.1f} s.",
        "Set the keyframe interval (GOP) of the camera to a second or two, or allow more time.",
        kind=Failure.STALLED,
        source=link.source.shown,
        limit_s=due.timeout_s,
    )


def of_file(source: Source, path: Path, step_s: float) -> Shot:
    """A picture, or the first keyframe of a clip; taken when the file was last changed, less the clip's length."""
    with Connection.to(replace(source, origin=Origin.FILE, path=path), step_s) as link:
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        length_s, doubts = 0.0, Terms()
        if not link.is_picture:
            about = survey(path).about
            length_s, doubts = about.duration_s, about.doubts
        for packet in link.packets():
            picture = keyframe(link.stream, packet) if packet.is_keyframe else None
            if picture is not None and not picture.is_corrupt:
                at_s = 0.0 if doubts else stated_s(packet, link.stream) or 0.0
                at = changed - timedelta(seconds=length_s - at_s)
                return Shot.of(picture, Stamp(min(at, changed), Clock.FILE, doubts))
    raise told(Failure.GARBAGE, source.shown, why=UNDECODABLE)


def of_clip(path: Path, every_s: float) -> Iterator[Shot]:
    """A clip once through, as fast as it is read."""
    about = survey(path).about
    begun = datetime.fromtimestamp(path.stat().st_mtime - about.duration_s, UTC)
    for frame in sample(path, every_s):
        stamp = Stamp(begun + timedelta(seconds=frame.time_s), Clock.FILE, about.doubts)
        yield Shot(frame.image, about.rotation_deg, stamp, about.keyframe_gap_s <= every_s)


def of_loop(source: Source, path: Path, every_s: float, timeout_s: float) -> Iterator[Shot]:
    """A clip round and round; where two intervals fall on one keyframe, the second takes the one after it."""
    due = Due(every_s, timeout_s, time.monotonic())
    seen: datetime | None = None
    with Connection.to(source, timeout_s / STEPS) as link:
        while True:
            after = None if seen is None else seen + timedelta(seconds=BRIEF_S)
            turn = turn_at(survey(path), time.time(), after, max(every_s, STALE_S))
            wait(turn.at_s, inf, source, timeout_s)
            shot = of_turn(link, path, turn)
            seen = shot.stamp.at
            yield shot
            due.took(None)
            due.pause()


def of_turn(link: Connection, path: Path, turn: Turn) -> Shot:
    """The keyframe of a turn, sought by its stamp; otherwise the picture that shows at that moment."""
    known = turn.known
    stamp = Stamp(datetime.fromtimestamp(turn.at_s, UTC), Clock.WALL, known.about.doubts)
    if turn.key is not None:
        ticks = int(known.key_ticks[turn.key])
        link.seek(ticks)
        for packet in link.packets():
            at = packet.pts if packet.pts is not None else packet.dts
            if at == ticks and (picture := keyframe(link.stream, packet)) is not None:
                return Shot.of(picture, stamp)
            if at is None or at >= ticks:
                break
    frame = frame_at(path, turn.position_s)
    return Shot(frame.image, known.about.rotation_deg, stamp, keyframe=False)


def of_web_turn(link: Connection, length_s: float) -> Shot:
    """The keyframe before now of recorded footage that a server sends."""
    now_s = time.time()
    begun_s = now_s - now_s % length_s
    start = link.stream.start_time or 0
    link.seek(start + int((now_s - begun_s) / float(link.stream.time_base or 1)))
    for packet in link.packets():
        if packet.is_keyframe and (picture := keyframe(link.stream, packet)) is not None:
            at_s = min(begun_s + (stated_s(packet, link.stream) or 0.0), now_s)
            return Shot.of(picture, Stamp(datetime.fromtimestamp(at_s, UTC), Clock.WALL))
    raise told(Failure.CUT_SHORT, link.source.shown)


def of_folder(source: Source, every_s: float, timeout_s: float) -> Iterator[Shot]:
    """The newest file of a folder in each interval, once it is a newer one."""
    due = Due(every_s, max(every_s, timeout_s), time.monotonic())
    seen: datetime | None = None
    while True:
        try:
            after = None if seen is None else seen + timedelta(microseconds=1)
            shot = of_newest(source, timeout_s, after)
        except SourceError as error:
            if error.kind is not Failure.STALLED or due.is_late():
                raise
            time.sleep(min(POLL_S, every_s))
            continue
        yield shot
        seen = shot.stamp.at
        due.took(None)
        due.pause()


def of_newest(source: Source, timeout_s: float, not_before: datetime | None) -> Shot:
    """Of the newest file of a folder; one that is still being written is passed over for the one before it."""
    files = newest_files(source, not_before)
    for path, fresh in files:
        try:
            shot = of_file(source, path, timeout_s / STEPS)
        except SourceError:
            if not fresh or path == files[-1][0]:
                raise
        else:
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return replace(shot, stamp=replace(shot.stamp, at=changed))
    raise told(Failure.EMPTY, source.shown)


def wait(at_s: float, until_s: float, source: Source, limit_s: float) -> None:
    """Sleep until a moment in seconds of the epoch; it may not lie past `until_s` of `time.monotonic`."""
    ahead_s = at_s - time.time()
    if time.monotonic() + ahead_s > until_s:
        raise told(Failure.STALLED, source.shown, limit_s=limit_s)
    time.sleep(max(0.0, ahead_s))
