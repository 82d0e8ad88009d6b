"""
The one door to open footage.

A patrol needs one frame in many seconds. Where the footage has a keyframe in every interval, packets are read
but only the due keyframes are decoded (23 ms of CPU a sample of 1080p25, where decoding everything takes 1.2
s); elsewhere every frame is decoded and only the due ones become pictures.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from geodata.errors import StreamError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["Footage", "Frame", "footage", "frame_at", "sample"]

COMPLETE_SHARE = 0.95
"""Footage that ends before this share of the length it states was cut short."""
MEND = "Copy the file again, or give a clip that a common player (VLC, ffplay) can play."


@dataclass(frozen=True, slots=True)
class Footage:
    """
    What a clip is, without decoding it.

    Parameters
    ----------
    width_px, height_px
        Size of its pictures.
    frames
        How many pictures it holds.
    rate_hz
        Pictures a second.
    duration_s
        Length that the container states, or that the packets show if it states none.
    keyframe_gap_s
        Longest time from one keyframe to the next, or to the end.
    codec
        Name of the coding, such as `h264`.
    """

    width_px: int
    height_px: int
    frames: int
    rate_hz: float
    duration_s: float
    keyframe_gap_s: float
    codec: str


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """
    One picture of the footage.

    Parameters
    ----------
    time_s
        Seconds from the first picture.
    index
        Its number, from 0.
    image
        (h, w, 3) bytes, blue first.
    """

    time_s: float
    index: int
    image: NDArray[np.uint8]


def footage(path: Path) -> Footage:
    """
    Size, length and coding of a clip.

    Raises
    ------
    StreamError
        If it is missing, not footage, holds no picture track, or was cut short.
    """
    with _open(path) as (container, stream):
        return _survey(path, container, stream)


def sample(path: Path, every_s: float) -> Iterator[Frame]:
    """
    One frame in every `every_s` seconds of a clip.

    Parameters
    ----------
    path
        The clip.
    every_s
        Length of the intervals 0 - every_s, every_s - 2·every_s, …, above 0; shorter than a frame gives every
        frame.

    Yields
    ------
    frame
        The first frame of each interval; of footage with a keyframe in every interval, its first keyframe.

    Raises
    ------
    StreamError
        If the clip is missing, not footage, holds no picture track, was cut short or shows nothing; checked
        before the first frame as far as possible. A damaged picture is passed over and the next one taken.
    """
    if not every_s > 0:
        raise StreamError("Footage cannot be sampled every {s} s.", "Give seconds above 0.", s=every_s)
    with _open(path) as (container, stream):
        about = _survey(path, container, stream)
    with _open(path) as (container, stream):
        due = _Due(every_s, slack_s=0.5 / about.rate_hz)
        keyed = about.keyframe_gap_s <= every_s
        pictures = _keyframes(container, stream, due) if keyed else _decoded(container, stream)
        for time_s, picture in pictures:
            if due.wants(time_s):
                due.took(time_s)
                yield _frame(time_s, picture, about)
        if not due.interval:
            raise StreamError("{path} holds no picture that can be decoded.", MEND, path=path.name)


def frame_at(path: Path, time_s: float) -> Frame:
    """
    The frame shown at `time_s` seconds from the first one; past the end, the last.

    Raises
    ------
    StreamError
        As `sample`.
    """
    with _open(path) as (container, stream):
        about = _survey(path, container, stream)
    with _open(path) as (container, stream):
        start = stream.start_time or 0
        ticks = start + int(max(time_s, 0) / float(stream.time_base or 1))
        container.seek(ticks, stream=stream, backward=True)
        found: tuple[float, VideoFrame] | None = None
        for picture_s, picture in _decoded(container, stream):
            if found is not None and picture_s > time_s + 0.5 / about.rate_hz:
                break
            found = (picture_s, picture)
        if found is None:
            raise StreamError("{path} holds no picture at {time_s} s.", MEND, path=path.name, time_s=time_s)
        return _frame(*found, about)


@contextmanager
def _open(path: Path) -> Generator[tuple[InputContainer, VideoStream]]:
    """The opened clip and its picture track; what libav says in between becomes StreamError."""
    if not path.is_file():
        raise StreamError("There is no footage at {path}.", "Check the path, or run `make setup`.", path=path)
    try:
        with av.open(str(path)) as container:  # noqa: TID251  (this is the door)
            if not container.streams.video:
                raise StreamError("{path} holds no picture track.", "Give a clip with video.", path=path.name)
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            yield container, stream
    except av.error.FFmpegError as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StreamError(
            "{path} cannot be read as footage: {why}.", MEND, path=path.name, why=why
        ) from error


def _survey(path: Path, container: InputContainer, stream: VideoStream) -> Footage:
    """Read every packet, decode none."""
    keys, last_s, count = [], 0.0, 0
    for packet in container.demux(stream):
        time_s = _time_s(packet, stream)
        if time_s is None:
            continue
        count, last_s = count + 1, max(last_s, time_s)
        if packet.is_keyframe:
            keys.append(time_s)
    context = stream.codec_context
    if not count or not context.width or not context.height:
        raise StreamError("{path} holds no picture.", MEND, path=path.name)
    rate = float(stream.average_rate or 0) or (count / last_s if last_s else 25.0)
    end_s = last_s + 1 / rate
    stated_s = _seconds(stream.duration, stream) if stream.duration else (container.duration or 0) / 1e6
    if end_s < COMPLETE_SHARE * stated_s or count < COMPLETE_SHARE * stream.frames:
        raise StreamError(
            "{path} was cut short: it states {stated:.1f} s and ends after {end:.1f} s.",
            "Copy or fetch the file again.",
            path=path.name,
            stated=stated_s,
            end=end_s,
        )
    gaps = np.diff([*sorted(keys), end_s]) if keys else [float("inf")]
    length_s, gap_s = stated_s or end_s, float(max(gaps))
    return Footage(context.width, context.height, count, rate, length_s, gap_s, context.name)


@dataclass(slots=True)
class _Due:
    """Which interval is the next without a frame; times up to `slack_s` before its start count as in it."""

    every_s: float
    slack_s: float
    interval: int = 0

    def wants(self, time_s: float) -> bool:
        return time_s >= self.interval * self.every_s - self.slack_s

    def took(self, time_s: float) -> None:
        self.interval = 1 + max(self.interval, int((time_s + self.slack_s) / self.every_s))


def _keyframes(
    container: InputContainer, stream: VideoStream, due: _Due
) -> Iterator[tuple[float, VideoFrame]]:
    """The due keyframes that decode; nothing else is decoded."""
    for packet in container.demux(stream):
        time_s = _time_s(packet, stream)
        if time_s is None or not packet.is_keyframe or not due.wants(time_s):
            continue
        pictures = _decode(stream, packet) or _decode(stream, None)
        stream.codec_context.flush_buffers()
        if pictures:
            yield time_s, pictures[0]


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, VideoFrame]]:
    """Every picture in order of showing."""
    for packet in container.demux(stream):
        ends = packet.dts is None and packet.pts is None
        for picture in _decode(stream, None if ends else packet):
            time_s = _time_s(picture, stream)
            if time_s is not None:
                yield time_s, picture


def _frame(time_s: float, picture: VideoFrame, about: Footage) -> Frame:
    return Frame(time_s, round(time_s * about.rate_hz), picture.to_ndarray(format="bgr24"))


def _decode(stream: VideoStream, packet: Packet | None) -> list[VideoFrame]:
    """Pictures that come out after this packet; none if it is damaged."""
    try:
        return list(stream.codec_context.decode(packet))
    except (av.error.InvalidDataError, av.error.EOFError):
        return []


def _time_s(packet: Packet | VideoFrame, stream: VideoStream) -> float | None:
    """Seconds from the first picture; None for the packet that only ends the stream."""
    ticks = packet.pts if packet.pts is not None else packet.dts
    return None if ticks is None else _seconds(ticks - (stream.start_time or 0), stream)


def _seconds(ticks: int, stream: VideoStream) -> float:
    return float(ticks * (stream.time_base or 1))
