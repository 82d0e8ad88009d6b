"""The command line: every command says what it did, or what is wrong and how to mend it; nothing half-written."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from geodata import cluster, database
from geodata.settings import ROOT, settings
from geodata.video.clips import CLIP_NAME
from geodata.video.weights import MODEL_NAME
from layers.catalogue import LAYERS
from pages.terminal.main import app
from tests.browser.serving import answers, free_port

pytestmark = pytest.mark.postgis

COMMANDS = (
    *("up", "load", "patrol", "coverage", "place", "remove", "relocate"),
    *("demand", "export", "report", "worker", "status", "bench"),
)
HEAVY = ("up", "load", "patrol", "coverage", "demand", "worker")
"""Commands that take no argument and touch the database."""


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The terminal speaks English, and handlers of signals are put back."""
    monkeypatch.setattr("pages.terminal.console.language", lambda: "en")
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets `TWIN_*` for the test; commands read them anew."""
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()
    database.dispose()


def huiyan(*words: object) -> Result:
    """Runs a command in this process."""
    settings.cache_clear()
    return CliRunner().invoke(app, [str(word) for word in words])


def said(*words: object) -> str:
    """Runs a command that works and returns what it says."""
    result = huiyan(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def complained(*words: object) -> str:
    """Runs a command that cannot work: exit code 1 and one clear line on stderr."""
    result = huiyan(*words)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("✗ ")
    assert "Traceback" not in result.output
    return lines[0]


def count(table: str) -> int:
    with database.connection() as conn:
        return int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def held(folder: Path) -> list[str]:
    """Names of what a folder holds."""
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def bare_folder(choose: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder without weights, clips or a cluster."""
    folder = tmp_path / "data"
    folder.mkdir()
    choose.setenv("TWIN_DATA_DIR", str(folder))
    settings.cache_clear()
    return folder


# ------------------------------------------------------------------------------------------------ the menu


def test_the_menu_names_every_command_and_needs_nothing() -> None:
    program = Path(sys.executable).parent / "huiyan"
    broken = {**os.environ, "TWIN_PORT": "many", "TWIN_DATABASE_URL": "nonsense", "COLUMNS": "100"}
    done = subprocess.run(
        [program, "--help"], capture_output=True, text=True, check=True, env=broken, cwd="/"
    )
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", done.stdout)
    assert done.stderr == ""


def test_no_command_shows_the_menu() -> None:
    result = huiyan()
    assert all(command in result.output for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    assert len(said(command, "--help")) > 80


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("place",),
        ("place", "0"),
        ("place", "many"),
        ("export", "cameras"),
        ("patrol", "--every", "0"),
    ],
)
def test_words_that_make_no_command_are_a_usage_error(words: tuple[str, ...]) -> None:
    result = huiyan(*words)
    assert result.exit_code == 2
    assert "Usage" in result.stderr and "Traceback" not in result.output


# -------------------------------------------------------------------------------------------------- export


@pytest.mark.parametrize("layer", ["unit_cells", "cameras", "camera_views", "violations"])
def test_an_export_has_every_row(town_database: str, tmp_path: Path, layer: str) -> None:
    path = tmp_path / f"{layer}.geojson"
    assert f"Written: {path}" in said("export", layer, path)
    body = json.loads(path.read_text(encoding="utf-8"))
    assert len(body["features"]) == count(LAYERS[layer].export.table) > 0
    assert body["revision"] > 0 and body["method"] and "ODbL" in body["licence"] + body["attribution"]
    assert held(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["nothing", "[/b]", "[red]unit_cells", "unit_cells; DROP TABLE camera"])
def test_export_of_an_unknown_layer(town_database: str, tmp_path: Path, name: str) -> None:
    line = complained("export", name, tmp_path / "out.geojson")
    assert (
        f"There is no layer '{name}'." in line
        and "Choose one of: unit_cells, cell_coverage, cell_demand" in line
    )
    assert not held(tmp_path)


def test_export_where_nothing_can_be_written(town_database: str, tmp_path: Path) -> None:
    line = complained("export", "cameras", tmp_path / "[no]" / "folder" / "out.geojson")
    assert "[no]" in line and "Choose a folder" in line


def test_an_export_that_fails_leaves_the_older_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "cameras.geojson"
    path.write_text("older")
    assert "The database does not answer" in complained("export", "cameras", path)
    assert path.read_text() == "older" and held(tmp_path) == [path.name]


# ------------------------------------------------------------------------------- loading and recomputing


def test_a_town_is_not_loaded_over_another(town_database: str) -> None:
    line = complained("load")
    assert "already holds a town" in line and "--replace" in line


def test_an_unknown_town(empty_database: str) -> None:
    assert "atlantis" in complained("load", "atlantis")
    assert count("unit_cell") == 0 and count("dataset") == 0


@pytest.mark.parametrize("command", [("patrol",), ("coverage",), ("demand",), ("place", "3")])
def test_an_empty_database_is_told_with_its_mend(empty_database: str, command: tuple[str, ...]) -> None:
    assert "Load a town first: huiyan load helsinki." in complained(*command)


def test_coverage_and_demand(town_copy: str) -> None:
    cells = count("unit_cell")
    dark = count("cell_measure WHERE rate IS NULL")
    with database.transaction() as session:
        session.execute(text("UPDATE cell_measure SET coverage_ratio = 0, rate = NULL"))
    assert f"{cells} cells; mean coverage " in said("coverage")
    assert count("cell_measure WHERE coverage_ratio > 0") > 0
    assert f"{cells} cells: {cells - dark} with evidence, {dark} where nobody looked" in said("demand")
    assert count("cell_measure WHERE rate IS NULL") == dark


def test_places_for_more_cameras(town_database: str, tmp_path: Path) -> None:
    path = tmp_path / "more.geojson"
    shown = said("place", 2, "--out", path)
    assert re.search(r"Covers \d+\.\d% .* upper bound \d+\.\d%; gap \d+\.\d\d%", shown)
    assert re.search(r"^\s+1\s+24\.\d+ 60\.\d+ .*\n\s+2\s+24\.", shown, re.MULTILINE)
    assert len(json.loads(path.read_text(encoding="utf-8"))["features"]) == 2


def test_more_places_than_are_weighed(town_database: str) -> None:
    assert "Ask for 1 to 500." in complained("place", 501)


# -------------------------------------------------------------------------------------------------- patrol


def test_patrol_without_weights(town_database: str, bare_folder: Path) -> None:
    line = complained("patrol")
    assert str(bare_folder / "models" / MODEL_NAME) in line and "make setup" in line
    assert not held(bare_folder)


def test_patrol_with_a_model_that_is_not_onnx(
    town_database: str, choose: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"<html>404 not found</html>")
    choose.setenv("TWIN_DETECTOR_MODEL", str(model))
    assert "model.onnx" in complained("patrol")
    choose.setenv("TWIN_DETECTOR_MODEL", str(tmp_path / "none.onnx"))
    line = complained("patrol")
    assert "none.onnx, which is not there" in line and "TWIN_DETECTOR_MODEL" in line


@pytest.mark.parametrize("content", [None, b"", b"RIFF" + b"\0" * 500])
def test_patrol_of_a_clip_that_cannot_be_read(
    town_database: str, bare_folder: Path, content: bytes | None
) -> None:
    _lend_weights(bare_folder)
    if content is not None:
        (bare_folder / "clips").mkdir()
        (bare_folder / "clips" / CLIP_NAME).write_bytes(content)
    assert CLIP_NAME in complained("patrol")


def test_patrol_of_a_camera_that_is_not_there(town_database: str) -> None:
    assert "There is no camera 12345 with footage." in complained("patrol", "12345")


def _lend_weights(folder: Path) -> None:
    weights = Path(os.environ["HUIYAN_TEST_MODELS"]) / MODEL_NAME
    if not weights.is_file():
        if os.environ.get("CI"):
            pytest.fail("weights are not set up; make setup")
        pytest.skip("weights are not set up")
    (folder / "models").symlink_to(weights.parent, target_is_directory=True)


@pytest.fixture(autouse=True)
def _own_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remembers where the run's weights are before a test moves the data folder."""
    settings.cache_clear()
    monkeypatch.setenv("HUIYAN_TEST_MODELS", str(settings().models_dir))


# -------------------------------------------------------------------------------------------------- worker


def test_a_worker_with_nothing_to_do_ends(town_copy: str) -> None:
    jobs = count("job")
    said("worker", "--once")
    assert count("job") == jobs


def test_work_that_cannot_be_done_is_written_with_its_sentence(town_copy: str, bare_folder: Path) -> None:
    from geodata.jobs.queue import defer

    samples = count("sample")
    defer("patrol")
    said("worker", "--once")
    with database.connection() as conn:
        job = conn.execute(text("SELECT state, error FROM job")).one()
    assert job.state == "failed" and "make setup" in job.error
    assert count("sample") == samples


# -------------------------------------------------------------------------------------------------- status


def test_status_names_the_database_what_is_loaded_and_whether_screens_run(
    town_database: str, choose: pytest.MonkeyPatch
) -> None:
    choose.setenv("TWIN_PORT", str(free_port()))
    shown = said("status")
    assert "Database: postgresql" in shown
    assert re.search(rf"unit_cell\s+{count('unit_cell'):,}\s+r\d+\s+simulated", shown)
    assert "Screens: not running" in shown


def test_status_says_where_the_cluster_would_live(bare_folder: Path, choose: pytest.MonkeyPatch) -> None:
    choose.delenv("TWIN_DATABASE_URL")
    choose.setenv("TWIN_PORT", str(free_port()))
    shown = said("status")
    assert f"private cluster in {bare_folder / 'postgres' / 'cluster'}" in shown
    assert "sleeps" in shown
    assert not held(bare_folder), "looking makes nothing"


def test_status_hides_the_password(choose: pytest.MonkeyPatch) -> None:
    choose.setenv("TWIN_DATABASE_URL", "postgresql://mayor:secret@127.0.0.1:9/huiyan")
    result = huiyan("status")
    assert result.exit_code == 1
    assert "mayor" in result.stdout and "secret" not in result.output
    assert "The database does not answer" in result.stderr


# ----------------------------------------------------------------------------------- settings and surroundings


@pytest.mark.parametrize("value", ["many", "0", "70000", ""])
@pytest.mark.parametrize("command", ["up", "status", "coverage"])
def test_a_port_that_is_no_port(choose: pytest.MonkeyPatch, command: str, value: str) -> None:
    choose.setenv("TWIN_PORT", value)
    line = complained(command)
    assert "TWIN_PORT has an unusable value" in line and "Correct the variable or unset it." in line


@pytest.mark.parametrize("command", HEAVY)
@pytest.mark.parametrize("url", ["nonsense", "mysql://root@localhost/huiyan"])
def test_an_address_that_is_no_database(choose: pytest.MonkeyPatch, command: str, url: str) -> None:
    choose.setenv("TWIN_DATABASE_URL", url)
    choose.setenv("TWIN_PORT", str(free_port()))
    assert "postgresql://user:password@host:5432/name" in complained(command)


@pytest.mark.parametrize("command", HEAVY)
def test_a_database_that_is_away(choose: pytest.MonkeyPatch, command: str) -> None:
    choose.setenv("TWIN_PORT", str(free_port()))
    line = complained(command)
    assert "The database does not answer" in line and "correct TWIN_DATABASE_URL" in line


def test_a_database_of_a_newer_program(empty_database: str, choose: pytest.MonkeyPatch) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'from_2031'"))
    choose.setenv("TWIN_PORT", str(free_port()))
    for command in HEAVY:
        line = complained(command)
        assert "from_2031" in line and "Use the newer program" in line, command
    assert count("alembic_version WHERE version_num = 'from_2031'") == 1 and count("dataset") == 0


@pytest.mark.parametrize("command", HEAVY)
def test_a_machine_without_postgres(bare_folder: Path, choose: pytest.MonkeyPatch, command: str) -> None:
    choose.delenv("TWIN_DATABASE_URL")
    choose.setenv("TWIN_PORT", str(free_port()))
    choose.setattr(cluster, "_candidates", list)
    line = complained(command)
    assert "No PostgreSQL" in line and "environment.yml" in line and "TWIN_DATABASE_URL" in line
    assert not (bare_folder / "postgres").exists()


def test_a_bench_that_there_is_not() -> None:
    assert "serving" in complained("bench", "nothing")


# ------------------------------------------------------------------------------------------------- huiyan up


def test_a_port_that_is_taken(town_database: str, choose: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        choose.setenv("TWIN_PORT", str(port))
        line = complained("up")
    assert f"Port {port} on 127.0.0.1 cannot be used" in line
    assert f"TWIN_PORT={port + 1}" in line


@contextmanager
def running(url: str) -> Iterator[tuple[subprocess.Popen[str], str, list[int]]]:
    """`huiyan up` over a database, its address and its children."""
    port = free_port()
    extra = {
        "TWIN_DATABASE_URL": url,
        "TWIN_PORT": str(port),
        "TWIN_SAMPLES_PER_S": "0.001",
        "LC_ALL": "C.UTF-8",
    }
    part = subprocess.Popen(
        [sys.executable, "-m", "pages.terminal", "up"],
        cwd=ROOT,
        env={**os.environ, **extra},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    children: list[int] = []
    try:
        until = time.monotonic() + 180
        # the workers start once the screens answer
        while not answers(address) or len(children) < parts():
            assert part.poll() is None, part.communicate()
            assert time.monotonic() < until, "no answer"
            time.sleep(0.1)
            children = _children(part.pid)
        yield part, address, children
    finally:
        if part.poll() is None:
            part.kill()
        for each in filter(_lives, children):
            os.kill(each, signal.SIGKILL)


def parts() -> int:
    """Screens and worker, and a video worker where there is a detector."""
    return 3 if (settings().models_dir / MODEL_NAME).is_file() else 2


def _status_beside(address: str, url: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_DATABASE_URL", url)
        patch.setenv("TWIN_PORT", address.rpartition(":")[2])
        shown = said("status")
    settings.cache_clear()
    return shown


def _children(pid: int) -> list[int]:
    # ps ends with 1 where there are none
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(each) for each in listed.stdout.split()]


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def _gone(children: list[int]) -> bool:
    until = time.monotonic() + 60
    while any(map(_lives, children)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(_lives, children))


needs_ps = pytest.mark.skipif(
    not shutil.which("ps") or not Path("/proc/self").exists(), reason="there is no ps or no /proc"
)


@needs_ps
def test_up_serves_until_ctrl_c_and_leaves_nothing_behind(town_copy: str) -> None:
    cells = count("unit_cell")
    with running(town_copy) as (part, address, children):
        with urllib.request.urlopen(f"{address}/api/health", timeout=60) as answer:
            body = json.load(answer)
        assert body["status"] == "ok" and body["rows"]["cells"] == cells
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.status == 200 and b"<html" in answer.read()
        assert "answers" in _status_beside(address, town_copy)
        assert len(children) == parts()
        part.send_signal(signal.SIGINT)
        part.send_signal(signal.SIGTERM)  # somebody is impatient
        out, err = part.communicate(timeout=180)
        assert part.returncode == 0, err
        assert address in out and "Stopping" in out and "Traceback" not in out + err
        assert _gone(children)
        assert not answers(address)
    assert count("unit_cell") == cells, "data stay"


@needs_ps
def test_up_starts_a_worker_anew_and_ends_with_a_sentence_when_the_screens_do(town_copy: str) -> None:
    with running(town_copy) as (part, address, children):
        dead, others = children[-1], children[:-1]
        os.kill(dead, signal.SIGKILL)
        until = time.monotonic() + 180
        while len(now := _children(part.pid)) < len(children) or dead in now:
            assert part.poll() is None and time.monotonic() < until, "it was not started anew"
            time.sleep(0.1)
        assert set(others) < set(now) and answers(address), "the screens and the others stayed"
        children[:] = now
        os.kill(children[0], signal.SIGKILL)
        out, err = part.communicate(timeout=180)
        assert "started anew" in out
        assert part.returncode == 1
        assert "process ended by itself (exit code -9)" in err and "Traceback" not in err
        assert _gone(children) and not answers(address)
