"""
The one door to open footage: files here, and what `geodata.video.sources` asks of streams.

A patrol needs one frame in many seconds. Where the footage has a keyframe in every interval, packets are read
but only the due keyframes are decoded (23 ms of CPU a sample of 1080p25, where decoding everything takes 1.2
s); elsewhere every frame is decoded and only the due ones become pictures.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from analysis.errors import Terms
from geodata.video.clocks import Timeline
from geodata.video.failures import Failure, SourceError, reason_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = [
    "FILE_OPTIONS",
    "UNSEEN",
    "Footage",
    "Frame",
    "Survey",
    "footage",
    "frame_at",
    "keyframe",
    "missing",
    "open_media",
    "sample",
    "seek",
    "stated_s",
    "survey",
    "upright",
]

COMPLETE_SHARE = 0.95
"""Footage that ends before this share of the length it states was cut short."""
REMEMBERED = 128
"""Surveys of so many files are kept; one of an hour takes 0.7 MB."""
MEND = "Copy the file again, or give a clip that a common player (VLC, ffplay) can play."
FILE_FORMATS = (
    "mov matroska webm avi mpegts mpeg mpegvideo m4v h264 hevc av1 obu ivf flv asf ogg mxf nut dhav mjpeg mpjpeg wav "
    "gif jpeg_pipe png_pipe bmp_pipe webp_pipe tiff_pipe"
)
UNSEEN = {"skip_frame": "all"}
"""Opening recognises the coding without decoding a picture, which would cost as much as a sample."""
FILE_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(FILE_FORMATS.split())} | UNSEEN
"""A file is read by itself: a playlist or a script that names other files or addresses is refused."""


@dataclass(frozen=True, slots=True)
class Footage:
    """
    What a clip is, without decoding it.

    Parameters
    ----------
    width_px, height_px
        Size of its pictures as they are shown.
    frames
        How many pictures it holds.
    rate_hz
        Pictures a second; their mean, if it varies.
    duration_s
        Length that the container states, or that the packets show if it states none or stamps them wrongly.
    keyframe_gap_s
        Longest time from one keyframe to the next, or to the end.
    codec
        Name of the coding, such as `h264`.
    rotation_deg
        By how much its pictures are turned counterclockwise to be shown: 0, 90, 180 or 270.
    doubts
        What is wrong with the times it states; they were mended.
    """

    width_px: int
    height_px: int
    frames: int
    rate_hz: float
    duration_s: float
    keyframe_gap_s: float
    codec: str
    rotation_deg: int = 0
    doubts: Terms = Terms()  # noqa: RUF009  (it is a tuple)


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
        (h, w, 3) bytes, blue first, upright.
    """

    time_s: float
    index: int
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """
    A clip's packets, read once.

    Parameters
    ----------
    about
        What the clip is.
    times_s
        (frames,) seconds of its pictures from the first, ascending.
    keys_s
        (keyframes,) those of its keyframes, ascending.
    key_ticks
        (keyframes,) the container's own stamps of the keyframes, by which they are sought; empty if it cannot be
        relied on.
    """

    about: Footage
    times_s: NDArray[np.float64]
    keys_s: NDArray[np.float64]
    key_ticks: NDArray[np.int64]

    def index(self, time_s: float) -> int:
        """Number of the picture that is shown from `time_s` on, from 0."""
        half = 0.5 / self.about.rate_hz
        before = int(np.searchsorted(self.times_s, time_s + half, side="right")) - 1
        near = np.clip([before, before + 1], 0, len(self.times_s) - 1)
        return int(near[np.argmin(np.abs(self.times_s[near] - time_s))])

    def key_at(self, time_s: float) -> int:
        """Row of the last keyframe at or before `time_s`; of the first, if none is."""
        half = 0.5 / self.about.rate_hz
        return max(0, int(np.searchsorted(self.keys_s, time_s + half, side="right")) - 1)


def footage(path: Path) -> Footage:
    """
    Size, length and coding of a clip.

    Raises
    ------
    StreamError
        If it is missing, not footage, holds no picture track, or was cut short.
    """
    return survey(path).about


def survey(path: Path) -> Survey:
    """
    What `footage` says and where its keyframes lie; read anew only when the file has changed.

    Raises
    ------
    StreamError
        As `footage`.
    """
    if not path.is_file():
        raise missing(path)
    state = path.stat()
    return _surveyed(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=REMEMBERED)
def _surveyed(path: Path, _mtime_ns: int, _size: int) -> Survey:
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
        raise SourceError(
            "Footage cannot be sampled every {s} s.",
            "Give seconds above 0.",
            kind=Failure.UNSUPPORTED,
            s=every_s,
        )
    known = survey(path)
    with _open(path) as (container, stream):
        due = _Due(every_s, slack_s=0.5 / known.about.rate_hz)
        keyed = known.about.keyframe_gap_s <= every_s
        if not keyed:
            pictures = _decoded(container, stream)
        elif len(known.key_ticks):
            pictures = _sought(container, stream, known, due)
        else:
            pictures = _keyframes(container, stream, due)
        for time_s, picture in pictures:
            if due.wants(time_s):
                due.took(time_s)
                yield _frame(time_s, picture, known)
        if not due.interval:
            raise _nothing(path, "{path} holds no picture that can be decoded.")


def frame_at(path: Path, time_s: float) -> Frame:
    """
    The frame shown at `time_s` seconds from the first one; past the end, the last.

    Raises
    ------
    StreamError
        As `sample`.
    """
    known = survey(path)
    with _open(path) as (container, stream):
        found: tuple[float, VideoFrame] | None = None
        seek(container, stream, known, time_s)
        for picture_s, picture in _decoded(container, stream):
            if found is not None and picture_s > time_s + 0.5 / known.about.rate_hz:
                break
            found = (picture_s, picture)
        if found is None:
            raise _nothing(path, "{path} holds no picture at {time_s} s.", time_s=time_s)
        return _frame(*found, known)


def seek(container: InputContainer, stream: VideoStream, known: Survey, time_s: float) -> None:
    """Go to the last keyframe at or before `time_s` of a clip just opened; to none if its stamps are wrong."""
    if len(known.key_ticks):
        container.seek(int(known.key_ticks[known.key_at(time_s)]), stream=stream, backward=True)


def open_media(
    address: str, options: Mapping[str, str], *, timeout: tuple[float, float] | None = None
) -> InputContainer:
    """
    The opened file or stream; libav's own errors come out.

    Parameters
    ----------
    address
        As libav takes it. Errors of libav repeat it, with its password.
    options
        Libav's; they must name the protocols that are allowed.
    timeout
        Seconds for each of the two steps of opening, and for the next packet.
    """
    return av.open(address, options=dict(options), timeout=timeout)  # noqa: TID251  (this is the door)


def upright(picture: VideoFrame) -> tuple[NDArray[np.uint8], int]:
    """A decoded picture as (h, w, 3) bytes, blue first, and how far it was turned counterclockwise for that."""
    quarters = round(picture.rotation / 90) % 4
    image = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
    return (np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image), 90 * quarters


@contextmanager
def _open(path: Path) -> Generator[tuple[InputContainer, VideoStream]]:
    """The opened clip and its picture track; what libav says in between becomes StreamError."""
    if not path.is_file():
        raise missing(path)
    try:
        with open_media(f"file:{path.absolute()}", FILE_OPTIONS) as container:
            if not container.streams.video:
                raise _nothing(path, "{path} holds no picture track.")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            yield container, stream
    except av.error.FFmpegError as error:
        ended = isinstance(error, av.error.EOFError) or not path.is_file() or not path.stat().st_size
        kind, reason = Failure.EMPTY if ended else Failure.GARBAGE, reason_of(error)
        raise SourceError(
            "{path} cannot be read as footage: {why}.",
            MEND,
            kind=kind,
            path=path.name,
            why=reason.why,
            detail=reason.detail,
        ) from error


def _survey(path: Path, container: InputContainer, stream: VideoStream) -> Survey:
    """Read every packet, decode one for the way it is turned."""
    rate = float(stream.average_rate or 0)
    timeline = _timeline(stream)
    times: list[float] = []
    keys: list[float] = []
    ticks: list[int] = []
    turned = 0
    for packet in container.demux(stream):
        if _ends(packet):
            continue
        times.append(timeline.mended(stated_s(packet, stream)))
        if packet.is_keyframe:
            if not keys:
                picture = keyframe(stream, packet)
                turned = round(picture.rotation / 90) % 4 * 90 if picture is not None else 0
            keys.append(times[-1])
            ticks.append(_ticks(packet) or 0)
    context = stream.codec_context
    if not times or not context.width or not context.height:
        raise _nothing(path, "{path} holds no picture.")
    rate = rate or (len(times) / max(times) if max(times) else 25.0)
    end_s = max(times) + 1 / rate
    length_s = _seconds(stream.duration, stream) if stream.duration else (container.duration or 0) / 1e6
    doubts = Terms(sorted(timeline.doubts))
    if doubts:
        length_s, ticks = end_s, []
    if end_s < COMPLETE_SHARE * length_s or len(times) < COMPLETE_SHARE * stream.frames:
        raise SourceError(
            "{path} was cut short: it states {stated:.1f} s and ends after {end:.1f} s.",
            "Copy or fetch the file again.",
            kind=Failure.CUT_SHORT,
            path=path.name,
            stated=length_s,
            end=end_s,
        )
    gaps = np.diff([*sorted(keys), end_s]) if keys else [float("inf")]
    size = (context.height, context.width) if turned % 180 else (context.width, context.height)
    about = Footage(
        *size, len(times), rate, length_s or end_s, float(max(gaps)), context.name, turned, doubts
    )
    return Survey(about, np.sort(times), np.asarray(keys, np.float64), np.asarray(ticks, np.int64))


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


def _sought(
    container: InputContainer, stream: VideoStream, known: Survey, due: _Due
) -> Iterator[tuple[float, VideoFrame]]:
    """The due keyframes that decode, each sought by its stamp: what lies between is not even read."""
    for time_s, ticks in zip(known.keys_s.tolist(), known.key_ticks.tolist(), strict=True):
        if not due.wants(time_s):
            continue
        container.seek(ticks, stream=stream, backward=True)
        for packet in container.demux(stream):
            if _ends(packet) or (packet.is_keyframe and (_ticks(packet) or 0) >= ticks):
                break
        else:
            return
        if _ends(packet):
            return
        if (picture := keyframe(stream, packet)) is not None:
            stated = stated_s(packet, stream)
            yield time_s if stated is None or _ticks(packet) == ticks else stated, picture


def _keyframes(
    container: InputContainer, stream: VideoStream, due: _Due
) -> Iterator[tuple[float, VideoFrame]]:
    """The due keyframes that decode; nothing else is decoded."""
    timeline = _timeline(stream)
    for packet in container.demux(stream):
        if _ends(packet):
            continue
        time_s = timeline.mended(stated_s(packet, stream))
        if not packet.is_keyframe or not due.wants(time_s):
            continue
        if (picture := keyframe(stream, packet)) is not None:
            yield time_s, picture


def keyframe(stream: VideoStream, packet: Packet[VideoStream]) -> VideoFrame | None:
    """The picture of a keyframe's packet by itself; None if it is damaged."""
    pictures = _decode(stream, packet) or _decode(stream, None)
    stream.codec_context.flush_buffers()
    return pictures[0] if pictures else None


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, VideoFrame]]:
    """Every picture in order of showing."""
    timeline = _timeline(stream)
    for packet in container.demux(stream):
        for picture in _decode(stream, None if _ends(packet) else packet):
            yield timeline.mended(stated_s(picture, stream)), picture


def _frame(time_s: float, picture: VideoFrame, known: Survey) -> Frame:
    return Frame(time_s, known.index(time_s), upright(picture)[0])


def _decode(stream: VideoStream, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
    """Pictures that come out after this packet; none if it is damaged."""
    try:
        return list(stream.codec_context.decode(packet))
    except (av.error.InvalidDataError, av.error.EOFError):
        return []


def _timeline(stream: VideoStream) -> Timeline:
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    return Timeline(1 / rate)


def _ends(packet: Packet[VideoStream]) -> bool:
    """It is the packet without content that ends a stream."""
    return packet.pts is None and packet.dts is None and not packet.size


def _ticks(packet: Packet[VideoStream] | VideoFrame) -> int | None:
    return packet.pts if packet.pts is not None else packet.dts


def stated_s(packet: Packet[VideoStream] | VideoFrame, stream: VideoStream) -> float | None:
    """Seconds from the first picture, as the file states them; None if it states none."""
    ticks = _ticks(packet)
    return None if ticks is None else _seconds(ticks - (stream.start_time or 0), stream)


def _seconds(ticks: int, stream: VideoStream) -> float:
    return float(ticks * (stream.time_base or 1))


def missing(path: Path) -> SourceError:
    """There is no such file."""
    return SourceError(
        "There is no footage at {path}.",
        "Check the path, or run `make setup`.",
        kind=Failure.UNREACHABLE,
        path=path,
    )


def _nothing(path: Path, message: str, **facts: object) -> SourceError:
    return SourceError(message, MEND, kind=Failure.EMPTY, path=path.name, **facts)
