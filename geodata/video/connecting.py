"""
A connection to one source, and the promise that it ends.

Every wait has a limit of libav's own: looking up the host, each of the two steps of opening, and the next packet.
What libav says comes out as `SourceError`; its errors repeat addresses with passwords, so none of them is chained.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import unpack_from
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import av.error

from analysis.errors import Term
from geodata.video.addresses import Origin, Source
from geodata.video.failures import (
    UNCODED,
    Failure,
    Reason,
    SourceError,
    failure_of,
    reason_of,
    reason_of_name,
    told,
)
from geodata.video.streams import FILE_OPTIONS, UNSEEN, missing, open_media

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["Connection", "camera_time", "patient"]

T = TypeVar("T")

NEARLY = 0.9
"""An error after this share of a limit came of it."""
NO_ANSWER = Term("nothing answers at its address")
PICTURE = "_pipe"
"""How the names of formats end that hold one picture."""
STREAM_FORMATS = (
    "mov,matroska,webm,mpegts,avi,flv,asf,h264,hevc,mjpeg,mpjpeg,hls,jpeg_pipe,png_pipe,webp_pipe"
)
OPTIONS = {
    Origin.FILE: FILE_OPTIONS,
    Origin.FOLDER: FILE_OPTIONS,
    Origin.RTSP: {
        "protocol_whitelist": "rtsp,rtsps,rtp,tcp,tls",
        "rtsp_transport": "tcp",
        "allowed_media_types": "video",
        "probesize": "32",  # the description tells the coding; a keyframe tells the rest
    }
    | UNSEEN,
    Origin.WEB: {
        "protocol_whitelist": "http,https,tcp,tls,crypto",
        "format_whitelist": STREAM_FORMATS,
        "probesize": "500000",
        "analyzeduration": "500000",
    }
    | UNSEEN,
}


@dataclass(slots=True)
class Connection:
    """
    An opened source; a context that closes it.

    Parameters
    ----------
    source
        Where it leads.
    step_s
        Limit of each wait in seconds.
    container, stream
        Libav's.
    """

    source: Source
    step_s: float
    container: InputContainer
    stream: VideoStream

    @classmethod
    def to(cls, source: Source, step_s: float) -> Connection:
        """
        Connect to a source.

        Raises
        ------
        StreamError
            If it is unreachable, denied, silent for more than `step_s` seconds, not video or without a picture track.
        """
        if source.host is not None:
            _look_up(source, step_s)
        elif source.path is None or not source.path.is_file():
            raise missing(source.path or Path(source.shown))
        elif not source.path.stat().st_size:
            raise told(Failure.EMPTY, source.shown)
        address = f"file:{source.path}" if source.address is None else source.address.get_secret_value()
        options = dict(OPTIONS[source.origin])
        if source.origin is Origin.WEB:
            options["rw_timeout"] = str(int(step_s * 1e6))
        try:
            container = patient(
                lambda: open_media(address, options, timeout=(step_s, step_s)), source.shown, step_s
            )
        except SourceError as error:
            failed = error
        else:
            return cls._opened(source, step_s, container)
        if failed.kind is Failure.STALLED and not _accepts(source, step_s):
            raise told(Failure.UNREACHABLE, source.shown, why=NO_ANSWER)
        if failed.kind is Failure.CUT_SHORT and source.path is not None:
            raise told(Failure.EMPTY, source.shown)
        raise failed

    @classmethod
    def _opened(cls, source: Source, step_s: float, container: InputContainer) -> Connection:
        if not container.streams.video or not _known(container.streams.video[0]):
            found = bool(container.streams.video)
            container.close()
            raise (
                told(Failure.UNSUPPORTED, source.shown, why=UNCODED)
                if found
                else told(Failure.EMPTY, source.shown)
            )
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"err_detect": "explode"}  # half a picture is none
        return cls(source, step_s, container, stream)

    @property
    def is_picture(self) -> bool:
        """It gives one picture and ends."""
        return self.container.format.name.endswith(PICTURE)

    @property
    def length_s(self) -> float | None:
        """How long what was recorded is; None for a live stream or a picture."""
        if self.source.origin is Origin.RTSP or self.is_picture or not self.container.duration:
            return None
        return self.container.duration / 1e6

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """
        Packets of the picture track as they come.

        Raises
        ------
        StreamError
            If nothing comes for longer than a step, or the connection breaks.
        """
        packets = self.container.demux(self.stream)
        while True:
            asked_s = time.monotonic()
            packet = patient(lambda: next(packets, None), self.source.shown, self.step_s)
            if packet is None or (packet.pts is None and packet.dts is None and not packet.size):
                if time.monotonic() - asked_s >= NEARLY * self.step_s:  # libav took the silence for the end
                    raise told(Failure.STALLED, self.source.shown, limit_s=self.step_s)
                return
            yield packet

    def seek(self, ticks: int) -> None:
        """
        Go to the last keyframe at or before this stamp of what was recorded.

        Raises
        ------
        StreamError
            Of kind `unsupported`, if its server sends it only from the start.
        """
        try:
            self.container.seek(ticks, stream=self.stream, backward=True)
            return
        except av.error.FFmpegError as error:
            reason = reason_of(error)
        raise told(Failure.UNSUPPORTED, self.source.shown, why=reason.why, detail=reason.detail)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()


def camera_time(packet: Packet[VideoStream]) -> datetime | None:
    """When a packet's picture was taken by the camera's clock, aware UTC; None if its stream does not tell."""
    if not packet.has_sidedata("prft"):
        return None
    (micros,) = unpack_from("@q", bytes(packet.get_sidedata("prft")))  # AVProducerReferenceTime.wallclock
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
    except OverflowError:
        return None


def patient(call: Callable[[], T], shown: str, limit_s: float) -> T:
    """What `call` of libav gives; its error becomes `SourceError`, which does not hold the address."""
    asked_s = time.monotonic()
    try:
        return call()
    except av.error.FFmpegError as error:
        kind, reason = failure_of(error), reason_of(error)
    if kind is not Failure.DENIED and time.monotonic() - asked_s >= NEARLY * limit_s:
        kind = Failure.STALLED  # whatever libav made of the silence
    raise told(kind, shown, why=reason.why, mend=reason.mend, detail=reason.detail, limit_s=limit_s)


def _known(stream: VideoStream) -> bool:
    """There is a decoder for it."""
    return stream.codec_context is not None


def _accepts(source: Source, limit_s: float) -> bool:
    """Somebody listens there, whether or not it says anything."""
    if source.host is None:
        return True
    try:
        socket.create_connection(source.host, limit_s).close()
        return True
    except OSError:
        return False


def _look_up(source: Source, limit_s: float) -> None:
    """Names are looked up in a thread, because the system's own limit may be minutes and cannot be set."""
    complaints: list[Reason | None] = []

    def ask() -> None:
        try:
            socket.getaddrinfo(*(source.host or ("", 0)), type=socket.SOCK_STREAM)
            complaints.append(None)
        except (OSError, UnicodeError) as error:
            complaints.append(reason_of_name(error))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(limit_s)
    complaint = complaints[0] if complaints else reason_of_name(socket.gaierror(socket.EAI_AGAIN))
    if complaint is not None:
        raise told(
            Failure.UNREACHABLE,
            source.shown,
            why=complaint.why,
            mend=complaint.mend,
            detail=complaint.detail,
        )
