"""`huiyan bench`: runs a bench of tests/benchmarks in a process of its own and collects its rows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from geodata.errors import MissingAsset, NotFound, TwinError
from geodata.settings import ROOT
from pages.terminal.console import complaints, progress_bar

__all__ = ["BenchRow", "bench_names", "run_bench"]

FOLDER = ROOT / "tests" / "benchmarks"
ROWS_FILE = "HUIYAN_BENCH_ROWS"
"""Names the file that the bench writes its rows to; tests/benchmarks/conftest.py reads it."""
NEEDED = ("pytest", "pytest_benchmark", "pytest_timeout", "selenium", "tipg")
STOP_WAIT_S = 60.0
TAIL_LINES = 25


class BenchRow(TypedDict):
    """One line of a bench's table."""

    value: float
    floor: float
    """What is to be reached, from below or above; 0 for a peer's own figure."""
    unit: str
    ok: bool


def bench_names() -> list[str]:
    """The benches there are."""
    return sorted({path.stem.split("_")[1] for path in FOLDER.glob("test_*.py")})


def _files(name: str) -> list[str]:
    return sorted(str(path) for path in FOLDER.glob("test_*.py") if path.stem.split("_")[1] == name)


def run_bench(name: str) -> dict[str, BenchRow]:
    """
    Runs a bench and returns its table; what is being measured is told on stderr.

    Parameters
    ----------
    name
        Of tests/benchmarks/test_<name>.py or all of test_<name>_*.py.

    Raises
    ------
    NotFound
        If there is no such bench; the message lists those there are.
    MissingAsset
        If packages of the peers or of the tests are not installed.
    TwinError
        If the bench fails; the end of what it said is part of the message.
    """
    _require(name)
    with tempfile.TemporaryDirectory(prefix="huiyan-bench-") as folder:
        rows_file = Path(folder) / "rows.json"
        # addopts skip benches; the rest of them is repeated here
        command = [
            sys.executable,
            "-u",
            "-m",
            "pytest",
            *_files(name),
            "-x",
            "-q",
            "--no-header",
        ]
        command += [
            "-o",
            "addopts=",
            "--import-mode=importlib",
            "-p",
            "no:cacheprovider",
            "--color=no",
            "-rN",
        ]
        command += ["--timeout=900", "--tb=short"]
        code, tail = _follow(command, rows_file)
        if code != 0:
            raise TwinError(
                "The bench {name} failed:\n{tail}",
                "Mend what it says, then run it again.",
                name=name,
                tail=tail,
            )
        if not rows_file.exists():
            raise TwinError(
                "The bench {name} measured nothing:\n{tail}", "See why it was skipped.", name=name, tail=tail
            )
        rows: dict[str, BenchRow] = json.loads(rows_file.read_text(encoding="utf-8"))
        return rows


def _require(name: str) -> None:
    names = bench_names()
    if not names:
        raise NotFound(
            "There are no benches in {folder}.", "Run them in a clone of the project.", folder=FOLDER
        )
    if name not in names:
        raise NotFound(
            "There is no bench '{name}'.", "Choose one of: {names}.", name=name, names=", ".join(names)
        )
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise MissingAsset(
            "Benches need packages that are not installed: {missing}.",
            "Run make test once, which installs them.",
            missing=", ".join(missing),
        )


def _follow(command: list[str], rows_file: Path) -> tuple[int, str]:
    """Runs the bench, shows its steps, and returns its exit code and its last lines."""
    environment = {**os.environ, ROWS_FILE: str(rows_file)}  # noqa: TID251 - handed on, not read
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    part = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # so that Ctrl-C reaches it once, from us, and it stops what it started
    )
    assert part.stdout is not None
    try:
        with progress_bar() as progress:
            for line in part.stdout:
                if line.strip():
                    tail.append(line.rstrip())
                if line.startswith("→ "):
                    progress(0, None, line[2:].strip())
                    if not complaints.is_terminal:
                        complaints.print(line.rstrip(), markup=False, highlight=False)
                elif line.startswith(("  ✓ ", "  ✗ ")):
                    complaints.print(line.rstrip(), markup=False, highlight=False)
        return part.wait(), "\n".join(tail)
    finally:
        if part.poll() is None:
            part.send_signal(signal.SIGINT)
            try:
                part.wait(STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                part.kill()
                part.wait()
