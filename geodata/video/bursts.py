"""
Bursts: some seconds of a source, several pictures a second, for rules that follow who moves.

Between keyframes a picture can only be decoded from those before it, so that a burst decodes every picture of its
seconds: of 1080p25 about 0.12 s of processor time a second, fifty times what a look in ten seconds costs.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import av.error
import numpy as np
from numpy.typing import NDArray

from analysis.vision.tracking import LEAST_RATE_HZ
from geodata.video.addresses import Origin, Source
from geodata.video.clocks import LiveClock, Timeline
from geodata.video.connecting import Connection, camera_time
from geodata.video.failures import UNDECODABLE, Failure, SourceError, told
from geodata.video.folders import newest_files
from geodata.video.shots import BRIEF_S, STEPS
from geodata.video.streams import stated_s, survey, upright

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["burst"]

Picture = tuple[datetime, NDArray[np.uint8]]

JUDGED_S = 2.0
"""After so long a source that is too slow is told so."""
LONGEST_S = 0.97 / LEAST_RATE_HZ
"""Longest time between two pictures that is allowed to come about by leaving some out."""
TOLERANCE = 0.99
"""A source whose pictures come with this share of the least rate is not refused: times of arrival tremble."""


def burst(
    source: Source, *, seconds: float = 8.0, rate_hz: float = 4.0, timeout_s: float = 10.0
) -> Generator[Picture]:
    """
    Some seconds of a source, several pictures a second; then it is closed.

    Parameters
    ----------
    source
        Where from. Of a stream what comes from now on; of footage that loops what plays now, or the last seconds of
        its round where it would begin anew meanwhile; of other footage its beginning; of a folder its newest clip.
    seconds
        How long, above 0. Recorded footage that is shorter gives what it has.
    rate_hz
        About so many pictures a second, at least `LEAST_RATE_HZ`. One in n of the source's is taken, so that it may
        be some more: all of a source that gives less than twice the least.
    timeout_s
        Longest time in seconds, above 0, until the first picture; in the burst nothing may come for a third of it.
        The time in which whoever asks is busy does not count.

    Yields
    ------
    taken_at, image
        When it was taken, aware UTC, rising; and (h, w, 3) bytes, blue first, upright.

    Raises
    ------
    StreamError
        A `SourceError` with its kind, some of it after the first pictures; of kind `unsupported` for a source that
        gives single pictures, or fewer than `LEAST_RATE_HZ` a second.
    """
    for name, value, least in (
        ("seconds", seconds, 0.0),
        ("rate_hz", rate_hz, LEAST_RATE_HZ * TOLERANCE),
        ("timeout_s", timeout_s, 0.0),
    ):
        if not least < value < inf:
            raise SourceError(
                "{name} of a burst is {value}.",
                "Give seconds above 0, and {least} pictures a second or more.",
                kind=Failure.UNSUPPORTED,
                name=name,
                value=value,
                least=LEAST_RATE_HZ,
            )
    return _chosen(source, seconds, rate_hz, timeout_s)


@dataclass(slots=True)
class _Patience:
    """How long may still be waited; the time in which whoever asks is busy does not count."""

    shown: str
    limit_s: float
    until_s: float
    broken: bool = False

    def check(self) -> None:
        """SourceError if it is over."""
        if time.monotonic() <= self.until_s:
            return
        if self.broken:
            raise told(Failure.GARBAGE, self.shown, why=UNDECODABLE)
        raise told(Failure.STALLED, self.shown, limit_s=self.limit_s)


def _chosen(source: Source, seconds: float, rate_hz: float, timeout_s: float) -> Generator[Picture]:
    """One in n of the source's pictures, and a word if there are too few."""
    patience = _Patience(source.shown, timeout_s, time.monotonic() + timeout_s)
    first_s = last_s = now_s = -inf
    count = 0
    with _opened(source, timeout_s / STEPS) as link:
        for at_s, picture in _pictures(link, seconds, patience):
            if count and at_s <= now_s:
                continue
            first_s = at_s if not count else first_s
            now_s, count = at_s, count + 1
            if count == 1:
                patience.limit_s = timeout_s / STEPS
                patience.until_s = time.monotonic() + seconds + timeout_s / STEPS
            if now_s - first_s >= JUDGED_S:
                _require_rate(count, now_s - first_s, source.shown)
            if now_s - first_s >= seconds:
                break
            step_s = (now_s - first_s) / (count - 1) if count > 1 else 0.0
            since_s = now_s - last_s
            if since_s >= 1 / rate_hz - step_s / 2 - BRIEF_S or since_s + step_s > LONGEST_S:
                last_s, asked_s = now_s, time.monotonic()
                yield datetime.fromtimestamp(now_s, UTC), upright(picture)[0]
                patience.until_s += time.monotonic() - asked_s
    if not count:
        raise told(Failure.EMPTY, source.shown)
    _require_rate(count, now_s - first_s, source.shown)


def _require_rate(count: int, seconds: float, shown: str) -> None:
    """SourceError if so many pictures in so many seconds are too few."""
    rate_hz = (count - 1) / seconds if seconds > 0 else 0.0
    if rate_hz < TOLERANCE * LEAST_RATE_HZ:
        raise SourceError(
            "{source} gives {rate:.1f} pictures a second; following who moves takes {least}.",
            "Set the frame rate of the camera to 5 a second or more, or choose a rule about what stands still.",
            kind=Failure.UNSUPPORTED,
            source=shown,
            rate=rate_hz,
            least=LEAST_RATE_HZ,
        )


def _opened(source: Source, step_s: float) -> Connection:
    """A connection to what moves; of a folder, to its newest file."""
    if source.origin is Origin.FOLDER:
        path = newest_files(source)[0][0]
        source = replace(source, origin=Origin.FILE, path=path, loop=False)
    link = Connection.to(source, step_s)
    if link.is_picture:
        link.container.close()
        raise SourceError(
            "{source} gives single pictures; following who moves takes {least} a second.",
            "Give the address of the camera's stream.",
            kind=Failure.UNSUPPORTED,
            source=source.shown,
            least=LEAST_RATE_HZ,
        )
    return link


def _pictures(link: Connection, seconds: float, patience: _Patience) -> Iterator[tuple[float, VideoFrame]]:
    """Every picture with its time in epoch seconds."""
    path = link.source.path
    if path is not None:
        about = survey(path).about
        _require_rate(about.frames + 1, about.frames / about.rate_hz, link.source.shown)
        return _of_reel(link, path, about.duration_s, seconds, patience)
    if link.length_s is not None:
        return _of_reel(link, None, link.length_s, seconds, patience)
    return _of_stream(link, patience)


def _of_stream(link: Connection, patience: _Patience) -> Iterator[tuple[float, VideoFrame]]:
    """What comes from now on, by the camera's clock where it tells, else by ours."""
    clock, ahead, begun = LiveClock(), None, False
    counts = link.container.format.name != "mpjpeg"
    for picture, told_at, told_s in _decoded(link, patience):
        arrived = datetime.now(UTC)
        if not counts:
            yield arrived.timestamp(), picture
            continue
        count_s = _counted_s(picture, link.stream)
        if (
            count_s is None and not begun
        ):  # a stream's very first packet often bears no count, those after it do
            begun = True
            continue
        begun = True
        if told_at is not None and told_s is not None:
            ahead = told_at - timedelta(seconds=told_s)
        camera = ahead + timedelta(seconds=count_s) if ahead is not None and count_s is not None else None
        yield clock.stamp(arrived, count_s, camera).at.timestamp(), picture
    raise SourceError(
        "{source} ended in the middle of a burst.",
        "Check its network connection.",
        kind=Failure.CUT_SHORT,
        source=link.source.shown,
    )


def _counted_s(each: Packet[VideoStream] | VideoFrame, stream: VideoStream) -> float | None:
    """Seconds by the stream's own count, from wherever; where a live stream began is told only after a while."""
    ticks = each.pts if each.pts is not None else each.dts
    return None if ticks is None else float(ticks * (stream.time_base or 1))


def _of_reel(
    link: Connection, path: Path | None, length_s: float, seconds: float, patience: _Patience
) -> Iterator[tuple[float, VideoFrame]]:
    """Recorded footage: what plays now and not before it is due if it loops, else from its beginning."""
    now_s, start_s = time.time(), 0.0
    if link.source.loop:
        zero_s = now_s - now_s % length_s
        start_s = min(now_s % length_s, max(0.0, length_s - seconds))
    else:
        zero_s = now_s if path is None else path.stat().st_mtime - length_s
    if start_s > 0 and (path is None or len(survey(path).key_ticks)):
        link.seek((link.stream.start_time or 0) + int(start_s / float(link.stream.time_base or 1)))
    step_s = 1 / float(link.stream.average_rate or link.stream.guessed_rate or 25)
    timeline = Timeline(step_s)
    for picture, _, _ in _decoded(link, patience):
        at_s = timeline.mended(stated_s(picture, link.stream))
        if at_s < start_s - step_s / 2:
            continue
        if link.source.loop:
            time.sleep(max(0.0, zero_s + at_s - time.time()))
        yield zero_s + at_s, picture


def _decoded(
    link: Connection, patience: _Patience
) -> Iterator[tuple[VideoFrame, datetime | None, float | None]]:
    """
    Every sound picture from the first keyframe on, with the camera's clock and count as its packet tells them.

    After a damaged one, nothing until the next keyframe: what builds on it would be damaged, too.
    """
    context, whole = link.stream.codec_context, False
    at: datetime | None = None
    count_s: float | None = None
    for packet in link.packets():
        patience.check()
        if not whole and not packet.is_keyframe:
            continue
        at, count_s = camera_time(packet), _counted_s(packet, link.stream)
        try:
            pictures = context.decode(packet)
            whole, patience.broken = True, False
        except (av.error.InvalidDataError, av.error.EOFError):
            whole, patience.broken = False, True
            context.flush_buffers()
            continue
        yield from ((picture, at, count_s) for picture in pictures if not picture.is_corrupt)
    try:
        rest = context.decode(None)
    except (av.error.InvalidDataError, av.error.EOFError):
        rest = []
    yield from ((picture, at, count_s) for picture in rest if not picture.is_corrupt)
    if patience.broken:
        raise told(Failure.GARBAGE, link.source.shown, why=UNDECODABLE)
