"""Web cameras on the loopback for tests: pictures, motion JPEG, clips, playlists, and servers that misbehave."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle


@dataclass(frozen=True)
class Page:
    """
    What one address answers.

    Parameters
    ----------
    content
        Its bytes; several make motion JPEG, `every_s` apart, without end.
    kind
        Its media type.
    status, location
        Answer in place of 200, and where it leads on.
    login
        `user:password` that it wants.
    ranges
        Parts of it can be asked for.
    stall_after
        After so many bytes nothing more comes.
    """

    content: bytes | tuple[bytes, ...] = b""
    kind: str = "application/octet-stream"
    status: int = 200
    location: str = ""
    login: str | None = None
    ranges: bool = True
    stall_after: int | None = None
    every_s: float = 0.05


@contextmanager
def web_server(pages: Mapping[str, Page]) -> Iterator[str]:
    """The address of a server of these pages, without a slash at its end."""
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            page = pages.get(self.path, Page(status=404))
            wanted = "Basic " + base64.b64encode((page.login or "").encode()).decode()
            status = 401 if page.login and self.headers.get("Authorization") != wanted else page.status
            self.close_connection = True
            with suppress(OSError):
                if isinstance(page.content, tuple):
                    self._motion(page, page.content)
                else:
                    self._whole(page, page.content, status)

        def _motion(self, page: Page, pictures: tuple[bytes, ...]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=part")
            self.end_headers()
            for picture in cycle(pictures):
                head = f"--part\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                self.wfile.write(head.encode() + picture + b"\r\n")
                if closing.wait(page.every_s):
                    return

        def _whole(self, page: Page, content: bytes, status: int) -> None:
            first, last = 0, len(content) - 1
            if page.ranges and status == 200 and (asked := self.headers.get("Range")):
                start, _, end = asked.removeprefix("bytes=").partition("-")
                first, last, status = int(start), int(end or last), 206
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            if page.location:
                self.send_header("Location", page.location)
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(last - first + 1))
            self.end_headers()
            part = content[first : last + 1]
            self.wfile.write(part[: page.stall_after])
            self.wfile.flush()
            if page.stall_after is not None:
                closing.wait(60)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def rude_server(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """The port of a server that does `answer` to whoever connects, until the event is set."""
    closing = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def talk(client: socket.socket) -> None:
        with client, suppress(OSError):
            answer(client, closing)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=talk, args=(client,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        closing.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def never_answers(_: socket.socket, closing: threading.Event) -> None:
    """It accepts and says nothing."""
    closing.wait(60)


def hangs_up(client: socket.socket, _: threading.Event) -> None:
    """It accepts, listens and closes."""
    client.recv(4096)


def sends_noise(client: socket.socket, closing: threading.Event) -> None:
    """It sends bytes that are no protocol, without end."""
    noise = bytes((7 * place + place * place) % 251 for place in range(4096))
    while not closing.wait(0.01):
        client.sendall(noise)


def stops_in_its_head(client: socket.socket, closing: threading.Event) -> None:
    """It begins an answer and stops."""
    client.sendall(_protocol(client) + b" 200 OK\r\nContent-Ty")
    closing.wait(60)


def dribbles(client: socket.socket, closing: threading.Event) -> None:
    """It sends a byte now and then, so that no single wait is long."""
    for byte in _protocol(client) + b" 200 OK\r\nX-Long: " + bytes([97]) * 100_000:
        client.sendall(bytes([byte]))
        if closing.wait(0.05):
            return


def _protocol(client: socket.socket) -> bytes:
    """That of the request."""
    return b"RTSP/1.0" if b"RTSP/1.0" in client.recv(4096) else b"HTTP/1.1"
