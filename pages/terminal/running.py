"""`huiyan up`: the web process, a worker and a video worker over one database, started and stopped together."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from types import FrameType

from geodata import cluster, database
from geodata.errors import DetectorError, MissingAsset, StreamError, TwinError
from geodata.settings import ROOT, Settings, settings
from layers.i18n import N_, explain, translate
from pages.terminal.console import console, language, progress_bar, say

__all__ = ["run_all", "tell_status"]

START_WAIT_S = 60.0
STOP_WAIT_S = 10.0
COMMANDS = {"worker": "worker", "video worker": "watch"}
"""Parts that are started anew when they die → their command: what they had begun goes back into the queue."""
RESTARTS, RESTARTS_WITHIN_S = 5, 600.0
"""A part that dies more often than this is not mended by starting it again."""
LONGEST_PAUSE_S = 30.0


def run_all() -> None:
    """
    Starts everything, prints the address, and waits until Ctrl-C or the end of the screens.

    A worker that dies is started anew, and the screens stay meanwhile.

    Raises
    ------
    TwinError
        If the port is taken, the screens end by themselves, or a worker dies again and again.
    ClusterError, DatabaseUnavailable, SchemaTooNew
        As the database says.
    """
    chosen = settings()
    _require_port(chosen)
    _heed(_interrupt)
    info = None if chosen.database_url else cluster.ensure(chosen.data_dir)
    parts: dict[str, subprocess.Popen[bytes]] = {}
    try:
        database.migrate()
        _load_if_empty(chosen)
        database.dispose()
        parts["web"] = _start_web(chosen)
        _wait_for(chosen, parts)
        crew = _Crew(parts)
        crew.start("worker")  # after the screens, whose start it would slow down
        if _can_look(chosen):
            crew.start("video worker")
        console.print(
            f"\n  慧眼 Huiyan  →  [bold]http://{_shown_host(chosen)}:{chosen.port}[/]\n", highlight=False
        )
        say("Ctrl-C stops everything; data stay.")
        while True:
            crew.keep()
            time.sleep(0.5)
    except KeyboardInterrupt:
        say("Stopping …")
    finally:
        _heed(_too_late)
        _stop(parts)
        if info is not None:
            cluster.stop(info)


def tell_status() -> None:
    """Where the database lives, what is loaded, whether the address answers."""
    chosen = settings()
    if chosen.database_url:
        say("Database: {url}", url=_without_password(chosen.database_url))
        there = True
    else:
        found = cluster.status(chosen.data_dir)
        say("Database: private cluster in {path}", path=found.data_dir)
        if found.moved:
            say("It lives outside the project because the database's user cannot enter the project's folder.")
        say("It runs.") if found.running else say("It sleeps; huiyan up or any command wakes it.")
        there = found.running
    if there:
        from geodata.queries.datasets import dataset_rows

        with database.connection() as conn:
            for row in dataset_rows(conn):
                mark = translate(N_("simulated"), language()) if row.simulated else ""
                console.print(f"  {row.name:<14} {row.rows:>9,}  r{row.revision:<5} {mark}", highlight=False)
    body = _health(chosen)
    address = f"http://{_shown_host(chosen)}:{chosen.port}"
    say("Screens: {address} answers", address=address) if body else say("Screens: not running")


def _require_port(chosen: Settings) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((chosen.host, chosen.port))
        except OSError as error:
            raise TwinError(
                "Port {port} on {host} cannot be used ({why}).",
                "Choose another: TWIN_PORT={other} make run.",
                port=chosen.port,
                host=chosen.host,
                why=error.strerror,
                other=chosen.port + 1 if chosen.port < 65535 else 8501,
            ) from error


def _load_if_empty(chosen: Settings) -> None:
    from geodata.queries.datasets import is_empty

    with database.connection() as conn:
        empty = is_empty(conn)
    if not empty:
        return
    from geodata.commands.load import load_town

    say("The database is empty: loading the town {town}.", town=chosen.town)
    with progress_bar() as progress:
        load_town(chosen.town, progress)
    _first_patrol()


def _first_patrol() -> None:
    """A fresh town is looked at once before its screens open; without weights or footage it opens all the same."""
    from geodata.commands.patrol import patrol_cameras

    try:
        with progress_bar() as progress:
            patrol_cameras(progress=progress)
    except (MissingAsset, DetectorError, StreamError) as error:
        say("Nobody looks at the footage yet: {reason}", reason=explain(error, language()))


def _start_web(chosen: Settings) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "uvicorn", "app:app", "--host", chosen.host, "--port", str(chosen.port)]
    command += ["--log-level", "warning", "--no-access-log", "--timeout-graceful-shutdown", "3"]
    # uvicorn is started by its own name, so it learns Streamlit's settings from the environment
    extra = {
        "STREAMLIT_SERVER_PORT": str(chosen.port),
        "STREAMLIT_SERVER_ADDRESS": chosen.host,
        "STREAMLIT_LOGGER_LEVEL": "warning",
    }
    return subprocess.Popen(command, cwd=ROOT, env={**_environment(), **extra}, start_new_session=True)


def _can_look(chosen: Settings) -> bool:
    """Without a detector nobody looks at cameras; everything else works."""
    from geodata.video.weights import MODEL_NAME

    model = chosen.detector_model or chosen.models_dir / MODEL_NAME
    if not model.is_file():
        say("Nobody looks at cameras: there is no detector at {path}.", path=model)
    return model.is_file()


def _start_worker(command_name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pages.terminal", command_name]
    return subprocess.Popen(command, cwd=ROOT, env=_environment(), start_new_session=True)


class _Crew:
    """
    The workers among the parts, kept alive.

    Parameters
    ----------
    parts
        All parts by name; workers are entered here.
    """

    def __init__(self, parts: dict[str, subprocess.Popen[bytes]]) -> None:
        self.parts = parts
        self.died_s: dict[str, list[float]] = {name: [] for name in COMMANDS}
        self.due_s: dict[str, float] = {}

    def start(self, name: str) -> None:
        """Starts a worker."""
        self.parts[name] = _start_worker(COMMANDS[name])

    def keep(self) -> None:
        """Starts those anew that died, each time a little later; TwinError if that is vain or the screens died."""
        now_s = time.monotonic()
        dead = [name for name in COMMANDS if name in self.parts and self.parts[name].poll() is not None]
        _require_alive({name: part for name, part in self.parts.items() if name not in dead})
        for name in dead:
            if name not in self.due_s:
                self._mourn(name, now_s)
            elif now_s >= self.due_s[name]:
                del self.due_s[name]
                self.start(name)

    def _mourn(self, name: str, now_s: float) -> None:
        recent = [each for each in self.died_s[name] if each > now_s - RESTARTS_WITHIN_S]
        if len(recent) >= RESTARTS:
            _require_alive({name: self.parts[name]})
        self.died_s[name] = [*recent, now_s]
        pause_s = min(LONGEST_PAUSE_S, 2.0 ** len(recent))
        self.due_s[name] = now_s + pause_s
        say(
            "The {name} ended by itself (exit code {code}); it is started anew in {pause:.0f} s.",
            name=name,
            code=self.parts[name].returncode,
            pause=pause_s,
        )


def _environment() -> dict[str, str]:
    return dict(os.environ)  # noqa: TID251 - handed on to the parts, not read


def _wait_for(chosen: Settings, parts: dict[str, subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + START_WAIT_S
    while _health(chosen) is None:
        _require_alive(parts)
        if time.monotonic() > until:
            raise TwinError(
                "The screens did not answer within {seconds:.0f} s.",
                "Look at the messages above.",
                seconds=START_WAIT_S,
            )
        time.sleep(0.1)


def _health(chosen: Settings) -> dict[str, object] | None:
    try:
        with urllib.request.urlopen(
            f"http://{_shown_host(chosen)}:{chosen.port}/api/health", timeout=2
        ) as answer:
            body: dict[str, object] = json.load(answer)
            return body
    except (urllib.error.URLError, OSError, ValueError):
        return None


def _require_alive(parts: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, part in parts.items():
        if (code := part.poll()) is not None:
            raise TwinError(
                "The {name} process ended by itself (exit code {code}).",
                "Look at the messages above, then start again.",
                name=name,
                code=code,
            )


def _stop(parts: dict[str, subprocess.Popen[bytes]]) -> None:
    for part in parts.values():
        if part.poll() is None:
            part.terminate()
    until = time.monotonic() + STOP_WAIT_S
    for part in parts.values():
        try:
            part.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()


def _heed(asked_to_end: Callable[[int, FrameType | None], None]) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, asked_to_end)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Ends it, once: who asks again while it stops would leave parts of it running."""
    _heed(_too_late)
    raise KeyboardInterrupt


def _too_late(_signal: int, _frame: FrameType | None) -> None:
    """It is ending already."""


def _shown_host(chosen: Settings) -> str:
    return "127.0.0.1" if chosen.host in ("0.0.0.0", "::") else chosen.host


def _without_password(url: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)
