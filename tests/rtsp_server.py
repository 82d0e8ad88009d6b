"""
Cameras on the loopback: a small RTSP server that plays H.264 clips round and round as if they were live.

Written for tests, from RFC 2326 (RTSP, interleaved on TCP), RFC 3550 (RTP, sender reports) and RFC 6184 (H.264).
A clip's packets are sent when they are due, from wherever the camera is at the moment, so that a client waits for
the next keyframe as it does with a real camera. Faults are asked for by the fields of `Camera`.
"""

from __future__ import annotations

import asyncio
import base64
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType

import av
from av.bitstream import BitStreamFilterContext

NTP_EPOCH_S = 2_208_988_800
CLOCK_HZ = 90_000
SPS, PPS = 7, 8


@dataclass(frozen=True)
class Film:
    """A clip as coded pictures: seconds from the start and the NAL units of each."""

    units: tuple[tuple[float, tuple[bytes, ...]], ...]
    length_s: float

    @classmethod
    def read(cls, path: Path) -> Film:
        """The H.264 track of a clip, parameter sets before every keyframe."""
        units = []
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            plain = BitStreamFilterContext("h264_mp4toannexb", stream)
            for packet in container.demux(stream):
                for each in plain.filter(None if packet.pts is None else packet):
                    units.append((float(each.pts * stream.time_base), _nals(bytes(each))))
            step = 1 / float(stream.average_rate)
        start = min(at for at, _ in units)
        return cls(tuple((at - start, nals) for at, nals in units), max(at for at, _ in units) - start + step)

    def parameters(self) -> list[bytes]:
        """The first parameter sets, as a description names them."""
        nals = [nal for _, unit in self.units for nal in unit]
        return [next(nal for nal in nals if nal[0] & 31 == kind) for kind in (SPS, PPS)]


def _nals(annexb: bytes) -> tuple[bytes, ...]:
    parts = annexb.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return tuple(part for part in parts if part)


@dataclass(frozen=True)
class Camera:
    """
    What one address shows, and what is wrong with it.

    Parameters
    ----------
    films
        Played one after another, then over again.
    stall_after, garbage_after, drop_after
        After so many pictures to a client: nothing more comes, noise comes, the connection is cut.
    status
        Answer to DESCRIBE in place of 200.
    login
        `user:password` that it wants.
    reports
        Sends sender reports with its clock, which is `clock_off_s` ahead of ours.
    described
        The description holds the parameter sets.
    packet_bytes
        Longest RTP payload.
    """

    films: tuple[Film, ...]
    stall_after: int | None = None
    garbage_after: int | None = None
    drop_after: int | None = None
    status: int = 200
    login: str | None = None
    reports: bool = True
    clock_off_s: float = 0.0
    described: bool = True
    packet_bytes: int = 1400

    def pictures(self, now_s: float) -> Iterator[tuple[float, tuple[bytes, ...]]]:
        """Pictures that are due from `now_s` on, each with its time; time 0 began a round."""
        length_s = sum(film.length_s for film in self.films)
        for turn in count(int(now_s // length_s)):
            start = turn * length_s
            for film in self.films:
                yield from ((start + at, nals) for at, nals in film.units if start + at >= now_s)
                start += film.length_s


@dataclass
class RtspServer:
    """Serves `cameras` at rtsp://127.0.0.1:port/NAME while it is entered, from a thread of its own."""

    cameras: Mapping[str, Camera]
    port: int = 0
    plays: list[str] = field(default_factory=list)
    """Names that were played, in order."""
    began_s: float = 0.0
    """When the first round began, in seconds of the epoch."""

    def url(self, name: str, login: str = "") -> str:
        return f"rtsp://{login and login + '@'}127.0.0.1:{self.port}/{name}"

    def __enter__(self) -> RtspServer:
        self._loop = asyncio.new_event_loop()
        self.began_s = time.time()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        opening = asyncio.start_server(self._client, "127.0.0.1", self.port)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        playing: asyncio.Task[None] | None = None
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                first = await reader.readexactly(1)
                if first == b"$":  # what the client reports about reception
                    await reader.readexactly(struct.unpack(">xH", await reader.readexactly(3))[0])
                    continue
                request = (first + await reader.readuntil(b"\r\n\r\n")).decode()
                verb, address = request.split(" ")[:2]
                headers = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if ": " in line)
                name = address.split("/", 3)[3].split("/")[0].split("?")[0]
                writer.write(self._answer(verb, name, headers))
                if verb == "PLAY":
                    self.plays.append(name)
                    playing = asyncio.create_task(self._play(self.cameras[name], writer))
                if verb == "TEARDOWN":
                    break
        if playing is not None:
            playing.cancel()
        writer.close()

    def _answer(self, verb: str, name: str, headers: Mapping[str, str]) -> bytes:
        camera = self.cameras.get(name)
        extra, body = "", ""
        status = 200 if verb == "OPTIONS" else 404 if camera is None else camera.status
        if verb == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif camera is not None and camera.login and headers.get("Authorization") != _basic(camera.login):
            status, extra = 401, 'WWW-Authenticate: Basic realm="camera"\r\n'
        elif camera is not None and status == 200 and verb == "DESCRIBE":
            body = _description(camera)
            extra = f"Content-Base: {self.url(name)}/\r\nContent-Type: application/sdp\r\n"
        elif verb == "SETUP":
            if "TCP" not in headers.get("Transport", ""):
                status = 461
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif verb == "PLAY":
            extra = "Session: 1\r\nRange: npt=now-\r\n"
        head = f"RTSP/1.0 {status} .\r\nCSeq: {headers.get('CSeq', '0')}\r\n{extra}"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    async def _play(self, camera: Camera, writer: asyncio.StreamWriter) -> None:
        sequence, reported_s = 0, float("-inf")
        pictures = camera.pictures(time.time() - self.began_s)
        with suppress(ConnectionError):
            for number, (at_s, nals) in enumerate(pictures):
                await asyncio.sleep(max(0.0, self.began_s + at_s - time.time()))
                if number == camera.stall_after:
                    return
                if number == camera.drop_after:
                    writer.close()
                    return
                spoilt = camera.garbage_after is not None and number >= camera.garbage_after
                stamp = int(at_s * CLOCK_HZ) & 0xFFFFFFFF
                if camera.reports and at_s >= reported_s + 1:
                    reported_s = at_s
                    writer.write(_report(self.began_s + at_s + camera.clock_off_s, stamp))
                for payload, last in _payloads(_noise(number) if spoilt else nals, camera.packet_bytes):
                    head = struct.pack(">BBHII", 0x80, 96 | (128 if last else 0), sequence, stamp, 1)
                    writer.write(struct.pack(">cBH", b"$", 0, len(head) + len(payload)) + head + payload)
                    sequence = (sequence + 1) & 0xFFFF
                await writer.drain()


def _noise(number: int) -> tuple[bytes, ...]:
    """What looks like a keyframe and is none."""
    return (b"\x65" + bytes((number * place) % 251 for place in range(4000)),)


def _basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def _description(camera: Camera) -> str:
    sets = camera.films[0].parameters()
    told = ",".join(base64.b64encode(each).decode() for each in sets)
    shape = f";profile-level-id={sets[0][1:4].hex()};sprop-parameter-sets={told}" if camera.described else ""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=camera",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "m=video 0 RTP/AVP 96",
        f"a=rtpmap:96 H264/{CLOCK_HZ}",
        f"a=fmtp:96 packetization-mode=1{shape}",
        "a=control:track1",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def _report(at_s: float, stamp: int) -> bytes:
    """A sender report: at this time of its clock the stream's stamp is this."""
    seconds = int(at_s)
    fraction = int((at_s - seconds) * 2**32)
    body = struct.pack(">BBHIIIIII", 0x80, 200, 6, 1, seconds + NTP_EPOCH_S, fraction, stamp, 0, 0)
    return struct.pack(">cBH", b"$", 1, len(body)) + body


def _payloads(nals: tuple[bytes, ...], most: int) -> Iterator[tuple[bytes, bool]]:
    """RTP payloads of one picture and whether each is its last: whole units, or pieces of long ones (FU-A)."""
    for row, nal in enumerate(nals):
        ends = row == len(nals) - 1
        if len(nal) <= most:
            yield nal, ends
            continue
        pieces = [nal[at : at + most - 2] for at in range(1, len(nal), most - 2)]
        for place, piece in enumerate(pieces):
            edge = (0x80 if place == 0 else 0) | (0x40 if place == len(pieces) - 1 else 0)
            head = bytes([(nal[0] & 0xE0) | 28, edge | (nal[0] & 31)])
            yield head + piece, ends and place == len(pieces) - 1
