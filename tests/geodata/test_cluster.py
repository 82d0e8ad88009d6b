"""The private cluster: made, shared, killed, put where its user can enter; as root or as an ordinary user."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from geodata import cluster
from geodata.errors import ClusterError

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0

pytestmark = pytest.mark.postgis


@pytest.fixture(scope="module", autouse=True)
def no_trace_outside() -> Iterator[None]:
    """Clusters that find no place in the project go to a folder that is deleted."""
    with tempfile.TemporaryDirectory(prefix="huiyan-fallback-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        before, cluster.FALLBACK_ROOT = cluster.FALLBACK_ROOT, Path(folder) / "huiyan"
        yield
        cluster.FALLBACK_ROOT = before


def _folder() -> Path:
    """A folder that everybody may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="huiyan-test-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


def _remove(home: Path) -> None:
    while home in cluster._holds:
        cluster.stop(cluster.ensure(home))
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Path]:
    folder = _folder()
    yield folder
    _remove(folder)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder whose cluster exists and sleeps."""
    folder = _folder()
    cluster.stop(cluster.ensure(folder))
    yield folder
    _remove(folder)


def _copy(made: Path, home: Path) -> None:
    """Lay a copy of a sleeping cluster into another data folder; much quicker than to make one."""
    home.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(made / "postgres"), str(home)], check=True)


def _ask(info: cluster.ClusterInfo, question: str) -> object:
    with psycopg.connect(info.url) as link:
        row = link.execute(question).fetchone()
    assert row is not None
    return row[0]


def _pid(home: Path) -> int:
    pid = cluster.status(home).pid
    assert pid is not None
    return pid


def _elsewhere(home: Path, body: str) -> subprocess.Popen[str]:
    """Run `body` in another process that already holds the cluster as `info`."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom geodata import cluster\n"
        f"cluster.FALLBACK_ROOT = Path({str(cluster.FALLBACK_ROOT)!r})\n"
        f"info = cluster.ensure(Path({str(home)!r}))\n{body}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


# ----------------------------------------------------------------------------------- what a cluster is


def test_a_throw_away_cluster_is_complete_and_leaves_nothing(tmp_path: Path) -> None:
    began = time.monotonic()
    with cluster.temporary(tmp_path) as info:
        took_s = time.monotonic() - began
        assert "3." in str(_ask(info, "SELECT postgis_version()"))
        assert _ask(info, "SELECT pgr_version()")
        assert _ask(info, "SELECT current_user") == "huiyan"
        assert _ask(info, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert _ask(info, "SHOW search_path") == "public, extensions"
        assert _ask(info, "SHOW listen_addresses") == ""
        assert _ask(info, "SHOW jit") == "off"
        assert _ask(info, "SHOW fsync") == "off"
        assert _ask(info, "SHOW server_encoding") == "UTF8"
        assert _ask(info, "SHOW timezone") == "UTC"
        assert info.socket_dir.stat().st_mode & 0o077 == 0
        assert info.data_dir.stat().st_uid != 0
        place, socket_dir = info.data_dir.parent, info.socket_dir
    assert took_s < 15  # 2 s on an idle machine
    assert not place.exists()
    assert not socket_dir.exists()


def test_extensions_keep_out_of_public_and_a_new_database_finds_them(made: Path) -> None:
    with cluster.running(made) as info:
        in_public = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        assert _ask(info, in_public) == 0
        with psycopg.connect(info.url, autocommit=True) as link:
            link.execute("CREATE DATABASE another TEMPLATE huiyan")
        with psycopg.connect(info.url.replace("/huiyan?", "/another?")) as link:
            assert link.execute("SELECT ST_AsText(ST_Point(1, 2))").fetchone() == ("POINT(1 2)",)
            link.execute("CREATE TABLE place (spot geometry(Point, 4490))")
        with psycopg.connect(info.url, autocommit=True) as link:
            link.execute("DROP DATABASE another")


def test_the_url_names_the_socket_and_no_host(made: Path) -> None:
    with cluster.running(made) as info:
        url = urlsplit(info.url)
        assert (url.scheme, url.username, url.hostname, url.path) == ("postgresql", "huiyan", None, "/huiyan")
        assert parse_qs(url.query) == {"host": [str(info.socket_dir)], "port": ["5432"]}


# --------------------------------------------------------------------------------------------- sharing


def test_ensure_reuses_what_runs_and_data_stay(made: Path) -> None:
    info = cluster.ensure(made)
    with psycopg.connect(info.url) as link:
        link.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    pid = _pid(made)
    assert cluster.ensure(made) == info
    assert info.started_by_us
    assert _pid(made) == pid
    status = cluster.status(made)
    assert status.running
    assert status.data_dir == info.data_dir == made / "postgres" / "cluster"
    assert status.size_bytes is not None
    assert status.size_bytes > 10_000_000
    assert not status.moved
    assert cluster.stop(info)
    assert not cluster.status(made).running
    with cluster.running(made) as again:
        assert _ask(again, "SELECT answer FROM kept") == 42


def test_two_that_start_at_once_share_one_server(home: Path) -> None:
    body = "print(info.started_by_us, cluster.status(info.home).pid, flush=True)\nsys.stdin.read()\n"
    body += "cluster.stop(info)"
    both = [_elsewhere(home, body) for _ in range(2)]
    said = [process.stdout.readline().split() for process in both if process.stdout]
    assert sorted(started for started, _ in said) == ["False", "True"]
    assert len({pid for _, pid in said}) == 1
    for process in both:
        process.communicate("")
        assert process.returncode == 0
    assert not cluster.status(home).running


def test_the_last_one_out_stops_it_whoever_started_it(made: Path) -> None:
    first = _elsewhere(made, "print('up', flush=True)\nsys.stdin.read()\nprint(cluster.stop(info))")
    assert first.stdout
    assert first.stdout.readline() == "up\n"
    mine = cluster.ensure(made)
    assert not mine.started_by_us
    assert first.communicate("")[0] == "False\n"
    assert _ask(mine, "SELECT 1") == 1
    assert cluster.stop(mine)
    assert not cluster.status(made).running


def test_a_killed_process_holds_nothing_up(made: Path) -> None:
    other = _elsewhere(made, "print('up', flush=True)\nsys.stdin.read()")
    assert other.stdout
    other.stdout.readline()
    other.kill()
    other.communicate()
    assert cluster.status(made).running
    assert cluster.stop(cluster.ensure(made))


def test_the_terminals_interrupt_does_not_reach_the_server(made: Path) -> None:
    with cluster.running(made):
        assert os.getsid(_pid(made)) != os.getsid(0)


# --------------------------------------------------------------------------------------------- crashes


def test_a_killed_server_comes_back_with_its_data(made: Path) -> None:
    info = cluster.ensure(made)
    with psycopg.connect(info.url) as link:
        link.execute("CREATE TABLE IF NOT EXISTS survivor AS SELECT 7 AS answer")
    os.kill(_pid(made), signal.SIGKILL)
    time.sleep(0.2)
    with cluster.running(made) as again:
        assert _ask(again, "SELECT answer FROM survivor") == 7


def test_a_pid_file_that_names_another_process_is_stale(made: Path) -> None:
    with cluster.running(made) as info:
        lines = (info.data_dir / "postmaster.pid").read_text().splitlines()
    (info.data_dir / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert not cluster.status(made).running
    with cluster.running(made) as again:
        assert _ask(again, "SELECT 1") == 1


def test_a_half_made_cluster_is_discarded(home: Path) -> None:
    half_made = home / "postgres" / "making-abc"
    half_made.mkdir(parents=True)
    (home / "postgres").chmod(0o711)
    (half_made / "PG_VERSION").write_text("15\n")
    with cluster.running(home) as info:
        assert _ask(info, "SELECT 1") == 1
    assert not half_made.exists()


def test_an_interrupted_furnishing_is_done_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: cluster.ClusterInfo) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cluster, "_prepare", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cluster.ensure(home)
    assert not cluster.status(home).running
    with cluster.running(home) as info:
        assert _ask(info, "SELECT postgis_version()")


def test_what_an_older_program_furnished_gets_what_is_new(made: Path) -> None:
    leakproof = (
        "SELECT proleakproof FROM pg_proc WHERE oid = 'st_intersects(geometry, geometry)'::regprocedure"
    )
    with cluster.running(made) as info:
        assert _ask(info, leakproof) is True
        with psycopg.connect(info.admin_url, autocommit=True) as link:
            link.execute("ALTER FUNCTION st_intersects(geometry, geometry) NOT LEAKPROOF")
        (info.data_dir.parent / "furnished").write_text("")
    with cluster.running(made) as info:
        assert _ask(info, leakproof) is True


def test_a_server_that_will_not_start_says_why(made: Path) -> None:
    conf = made / "postgres" / "cluster" / "postgresql.conf"
    good = conf.read_text()
    conf.write_text(good + "\nnonsense_setting = 1\n")
    try:
        with pytest.raises(ClusterError, match="nonsense_setting"):
            cluster.ensure(made)
    finally:
        conf.write_text(good)
    assert not cluster.status(made).running


# ----------------------------------------------------------------------------------- where it can live


def test_a_path_too_long_and_too_odd_for_a_socket(home: Path, made: Path) -> None:
    deep = home / "城市, 'quoted' $HOME %41" / ("d" * 60)
    _copy(made, deep)
    with cluster.running(deep) as info:
        assert _ask(info, "SELECT 1") == 1
        assert info.data_dir.is_relative_to(deep)
        assert len(os.fsencode(info.socket_dir)) < 100
        assert info.socket_dir.stat().st_mode & 0o077 == 0
        socket_dir = info.socket_dir
    shutil.rmtree(socket_dir)


def test_a_new_cluster_in_an_odd_folder(tmp_path: Path) -> None:
    with cluster.temporary(tmp_path / "城市, 'quoted' $HOME %41") as info:
        assert _ask(info, "SELECT 1") == 1


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user owns his own folders")
def test_a_folder_that_the_database_user_cannot_enter(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    data_dir = closed / ".data"
    with cluster.running(data_dir) as info:
        assert _ask(info, "SELECT 1") == 1
        assert info.data_dir.is_relative_to(cluster.FALLBACK_ROOT)
        assert cluster.status(data_dir).moved
        assert (data_dir / "postgres.place").read_text().strip() == str(info.data_dir.parent)
        with psycopg.connect(info.url) as link:
            link.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert cluster.status(data_dir).data_dir == info.data_dir

    # A copy of the project gets its own; a project that moved takes its data along.
    shutil.copytree(closed, home / "copy")
    assert not cluster.status(home / "copy" / ".data").exists
    closed.rename(home / "moved")
    with cluster.running(home / "moved" / ".data") as moved:
        assert _ask(moved, "SELECT answer FROM kept") == 42


@pytest.mark.skipif(not AS_ROOT, reason="only root can act as two users")
def test_root_runs_an_ordinary_users_cluster_as_that_user(home: Path, made: Path) -> None:
    _copy(made, home)
    place = home / "postgres"
    for path in [place, *place.rglob("*")]:
        os.chown(path, 65534, -1, follow_symlinks=False)
    with cluster.running(home) as info:
        assert _ask(info, "SELECT 1") == 1
        assert Path(f"/proc/{_pid(home)}").stat().st_uid == 65534


# ------------------------------------------------------------------------------------- what is missing


def test_no_postgres_is_said_with_its_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cluster, "_candidates", list)
    with pytest.raises(
        ClusterError, match=r"No PostgreSQL .*system\.sh.*environment\.yml.*TWIN_DATABASE_URL"
    ):
        cluster.ensure(tmp_path)
    assert not (tmp_path / "postgres").exists()


def _fake_postgres(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name, said in {
        "postgres": f"postgres (PostgreSQL) {version}",
        "initdb": "",
        "pg_config": folder,
    }.items():
        (folder / name).write_text(f"#!/bin/sh\necho '{said}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_postgres_without_postgis_names_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = _fake_postgres(tmp_path / "bare" / "bin", "94.1 (Debian 94.1-1)")
    monkeypatch.setattr(cluster, "_candidates", lambda: [bare])
    with pytest.raises(ClusterError, match=r"PostgreSQL 94 in .* has no PostGIS and no pgRouting"):
        cluster.find_postgres()


def test_the_newest_complete_postgres_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = []
    for version in ("94.1", "95devel", "12.4"):
        found.append(_fake_postgres(tmp_path / version / "bin", version))
        (tmp_path / version / "share" / "extension").mkdir(parents=True)
        for extension in ("postgis", "pgrouting"):
            (tmp_path / version / "share" / "extension" / f"{extension}.control").touch()
    monkeypatch.setattr(cluster, "_candidates", lambda: found)
    assert cluster.find_postgres() == found[1]
    assert cluster.find_postgres(94) == found[0]
    with pytest.raises(ClusterError, match="made by PostgreSQL 15, but only 94, 95 is installed"):
        cluster.find_postgres(15)


def test_a_cluster_of_another_major_version_is_left_alone(made: Path) -> None:
    version = made / "postgres" / "cluster" / "PG_VERSION"
    good = version.read_text()
    version.write_text("13\n")
    try:
        with pytest.raises(ClusterError, match="made by PostgreSQL 13"):
            cluster.ensure(made)
    finally:
        version.write_text(good)


def test_a_full_disk_is_said_before_anything_is_made(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(cluster, "ROOM_NEEDED_MB", 10**9)
    with pytest.raises(ClusterError, match=r"Only \d+ MB are free"):
        cluster.ensure(home)
    assert not (home / "postgres" / "cluster").exists()
