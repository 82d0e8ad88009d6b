"""The app as a process, for tests that look at it from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping

from geodata.settings import ROOT, Settings

__all__ = ["answers", "free_port", "running_app", "web_process"]


def answers(address: str) -> bool:
    """The address answers /api/health."""
    with contextlib.suppress(urllib.error.URLError, OSError):
        return urllib.request.urlopen(f"{address}/api/health", timeout=2).status == 200
    return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextlib.contextmanager
def running_app(chosen: Settings) -> Iterator[str]:
    """The app at its address: the one that runs, or one started for the while."""
    address = f"http://127.0.0.1:{chosen.port}"
    if answers(address):
        yield address
        return
    with _process([sys.executable, "-m", "pages.terminal", "up"], {}, address, wait_s=300):
        yield address


@contextlib.contextmanager
def web_process(database_url: str, extra: Mapping[str, str] | None = None) -> Iterator[str]:
    """Only the screens and addresses, over a given database, on a free port."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "app:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
        "--no-access-log",
    ]
    environment = {"TWIN_DATABASE_URL": database_url, "TWIN_PORT": str(port), **(extra or {})}
    with _process(command, environment, f"http://127.0.0.1:{port}", wait_s=180) as address:
        yield address


@contextlib.contextmanager
def _process(command: list[str], extra: Mapping[str, str], address: str, *, wait_s: float) -> Iterator[str]:
    part = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **extra}, start_new_session=True)
    try:
        until = time.monotonic() + wait_s
        while not answers(address):
            if part.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended with {part.returncode}")
            if time.monotonic() > until:
                raise RuntimeError(f"{address} did not answer within {wait_s:.0f} s")
            time.sleep(0.1)
        yield address
    finally:
        part.send_signal(signal.SIGINT)
        try:
            part.wait(15)
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()
