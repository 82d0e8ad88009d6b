"""Web processes to measure, and clients that load them: keep-alive connections over plain sockets."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geodata.settings import ROOT
from tests.browser.serving import free_port

__all__ = ["Pass", "Server", "count_features", "fetch", "load", "served", "stopped_at_end", "tiles_around"]

CLIENTS = 8


@dataclass(frozen=True)
class Server:
    """A web process that answers."""

    port: int

    @property
    def address(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Pass:
    """One run through a list of requests by several clients at once."""

    seconds: float
    waits_s: Sequence[float]
    statuses: Counter[int]

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return len(self.waits_s) / self.seconds

    @property
    def p95_ms(self) -> float:
        """The wait that 95 % of the requests stay below."""
        return statistics.quantiles(self.waits_s, n=20)[-1] * 1e3


@contextlib.contextmanager
def stopped_at_end(
    command: Sequence[str], ready: str, extra: Mapping[str, str], *, folder: Path = ROOT, wait_s: float = 60
) -> Iterator[float]:
    """A process for the length of the block; yields the seconds from its start until `ready` answered 200."""
    began = time.perf_counter()
    environment = {name: value for name, value in {**os.environ, **extra}.items() if value}
    part = subprocess.Popen(
        command, cwd=folder, env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    )
    try:
        while not _answers(ready):
            if part.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended with {part.returncode}")
            if time.perf_counter() - began > wait_s:
                raise RuntimeError(f"{ready} did not answer within {wait_s:.0f} s")
            time.sleep(0.02)
        yield time.perf_counter() - began
    finally:
        part.send_signal(signal.SIGINT)
        try:
            part.wait(20)
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()


@contextlib.contextmanager
def served(app: str, ready: str, extra: Mapping[str, str], *, folder: Path = ROOT) -> Iterator[Server]:
    """An ASGI app in a uvicorn process of its own, started as `huiyan up` starts ours."""
    found = Server(free_port())
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(found.port)]
    command += ["--log-level", "warning", "--no-access-log", "--timeout-graceful-shutdown", "3"]
    port = {"TWIN_PORT": str(found.port), "STREAMLIT_SERVER_PORT": str(found.port)}
    with stopped_at_end(command, found.address + ready, {**port, **extra}, folder=folder):
        yield found


def _answers(url: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, OSError):
        return urllib.request.urlopen(url, timeout=5).status == 200
    return False


def load(server: Server, paths: Sequence[str], headers: Sequence[str] = (), clients: int = CLIENTS) -> Pass:
    """
    Asks for all paths once, by `clients` keep-alive connections at once, each waiting for its answer.

    The clients share the processor with the server and the database, as a browser on the same machine would.

    Parameters
    ----------
    server
        Whom to ask.
    paths
        What for.
    headers
        One header line for each path; empty: browsers' own, `Accept-Encoding: gzip`.
    clients
        How many at once.
    """
    lines = headers or ["Accept-Encoding: gzip"] * len(paths)
    queue = list(zip(paths, lines, strict=True))[::-1]
    waits: list[float] = []
    statuses: Counter[int] = Counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while queue:
            path, line = queue.pop()
            began = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{line}\r\n\r\n".encode())
            status = await _answer(reader)
            waits.append(time.perf_counter() - began)
            statuses[status] += 1
        writer.close()

    async def together() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        return time.perf_counter() - began

    seconds = asyncio.run(together())
    return Pass(seconds, waits, statuses)


async def _answer(reader: asyncio.StreamReader) -> int:
    """Reads one answer to its end and returns its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head[9:12])
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        await reader.readexactly(int(head[at + 17 : head.index(b"\r\n", at + 2)]))
    elif b"\r\ntransfer-encoding: chunked" in head:
        size = 1
        while size:
            size = int(await reader.readline(), 16)
            await reader.readexactly(size + 2)
    return status


def fetch(url: str, encoding: str = "identity") -> tuple[bytes, Mapping[str, str]]:
    """The body as it goes over the wire, and its headers."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": encoding})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read(), dict(answer.headers.items())


def tiles_around(centre: tuple[float, float], rings: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Addresses (z, x, y) of the tile at `centre` (longitude, latitude) and `rings[z]` rings about it, each zoom."""
    longitude, latitude = centre
    found = []
    for z, around in rings.items():
        x = int((longitude + 180) / 360 * 2**z)
        y = int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * 2**z)
        steps = range(-around, around + 1)
        found += [(z, x + i, y + j) for i in steps for j in steps]
    return found


def count_features(tile: bytes) -> int:
    """Features in a Mapbox vector tile: fields 2 of its fields 3."""
    return sum(
        sum(number == 2 for number, _ in _fields(layer)) for number, layer in _fields(tile) if number == 3
    )


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and bytes of a protobuf message's fields."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 2:
            size, at = _varint(message, at)
            yield tag >> 3, message[at : at + size]
            at += size
        elif tag & 7 == 0:
            _, at = _varint(message, at)
        else:
            at += 8 if tag & 7 == 1 else 4


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
