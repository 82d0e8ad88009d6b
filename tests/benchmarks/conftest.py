"""
What benches share. `huiyan bench NAME` runs them; an ordinary run of the tests skips them at once.

A bench measures our code and its peers in the same run and records rows. Other programs use the same processor
while it does, so each figure is measured several times and its median or its best is taken; the bench says which.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from geodata import cluster, database
from geodata.cluster import ClusterInfo
from geodata.commands.load import load_town
from geodata.queries.datasets import is_empty
from tests.benchmarks.clients import Server, served
from tests.conftest import chosen

Row = Callable[[str, float, float, str, bool], None]

HAINING_FOLDER = "HUIYAN_BENCH_HAINING"
"""Names a data folder in which the large town is kept between runs of benches."""
ROWS_FILE = "HUIYAN_BENCH_ROWS"
"""Names the file that rows are written to; `pages/terminal/benching.py` sets it."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.config.getoption("benchmark_skip", default=False):
        pytest.skip("a bench: huiyan bench NAME runs it")


def pytest_runtest_logstart(nodeid: str) -> None:
    """Tells whoever waits what is being measured."""
    print(f"\n→ {nodeid.rpartition('::test_')[2].replace('_', ' ')}", flush=True)


_recorded: dict[str, dict[str, float | str | bool]] = {}


@pytest.fixture
def row(capsys: pytest.CaptureFixture[str]) -> Row:
    """
    Records one row of the bench's table.

    `row(name, value, floor, unit, ok)`: `floor` is what is to be reached, from below or from above, and `ok` says
    whether it is; a peer's own figure has floor 0 and is always ok.
    """

    def record(name: str, value: float, floor: float, unit: str, ok: bool) -> None:
        _recorded[name] = {"value": round(float(value), 4), "floor": floor, "unit": unit, "ok": bool(ok)}
        if file := os.environ.get(ROWS_FILE):
            Path(file).write_text(json.dumps(_recorded, indent=2), encoding="utf-8")
        with capsys.disabled():
            print(f"  {'✓' if ok else '✗'} {name} {value:,.2f} {unit} (floor {floor:g})", flush=True)

    return record


@pytest.fixture(scope="session")
def bench_url(server: ClusterInfo, town_template: str) -> str:
    """The town in a database of the bench's own, to write in."""
    with psycopg.connect(server.url.replace(f"/{server.database}?", "/postgres?"), autocommit=True) as link:
        link.execute(sql.SQL("CREATE DATABASE bench TEMPLATE {}").format(sql.Identifier(town_template)))
    url = server.url.replace(f"/{server.database}?", "/bench?")
    with psycopg.connect(url, autocommit=True) as link:
        link.execute("ANALYZE")
    return url


@pytest.fixture(scope="session")
def haining_template(server: ClusterInfo, empty_template: str) -> Iterator[tuple[ClusterInfo, str]]:
    """
    The cluster and the database of the town haining, loaded once for all benches of a run; nobody writes in it.

    Where `HUIYAN_BENCH_HAINING` names a data folder, the town is kept there from run to run: making it takes minutes.
    """
    kept = os.environ.get(HAINING_FOLDER)
    if kept is None:
        with psycopg.connect(_named(server, "postgres"), autocommit=True) as link:
            link.execute(
                sql.SQL("CREATE DATABASE haining TEMPLATE {}").format(sql.Identifier(empty_template))
            )
        with chosen(_named(server, "haining")):
            load_town("haining")
        yield server, "haining"
        return
    info = cluster.ensure(Path(kept))
    try:
        with chosen(info.url):
            database.migrate()
            with database.connection() as conn:
                empty = is_empty(conn)
            if empty:
                load_town("haining")
        yield info, info.database
    finally:
        cluster.stop(info)


@pytest.fixture(scope="module")
def haining(haining_template: tuple[ClusterInfo, str], request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a copy of haining to write in, one for each file of benches."""
    info, template = haining_template
    name = sql.Identifier(f"haining_{request.module.__name__.rpartition('.')[2]}")
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name)
    with psycopg.connect(_named(info, "postgres"), autocommit=True) as link:
        link.execute(drop)
        link.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(template)))
    url = _named(info, name.as_string())
    with psycopg.connect(url, autocommit=True) as link:
        link.execute("ANALYZE")
    yield url
    with psycopg.connect(_named(info, "postgres"), autocommit=True) as link:
        link.execute(drop)


def _named(info: ClusterInfo, name: str) -> str:
    return info.url.replace(f"/{info.database}?", f"/{name.strip(chr(34))}?")


@pytest.fixture(scope="session")
def app(bench_url: str) -> Iterator[Server]:
    """The web process as `huiyan up` starts it."""
    with served("app:app", "/api/health", {"TWIN_DATABASE_URL": bench_url}) as found:
        yield found


@pytest.fixture(scope="session")
def forgetful(bench_url: str) -> Iterator[Server]:
    """The same without its memory of recent tiles: every tile is made by PostGIS."""
    with served("tests.benchmarks.forgetful:app", "/api/health", {"TWIN_DATABASE_URL": bench_url}) as found:
        yield found


@pytest.fixture(scope="session")
def tipg(server: ClusterInfo, bench_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """tipg over the same database."""
    with serving_tipg(server, "bench", tmp_path_factory.mktemp("tipg")) as found:
        yield found


@contextlib.contextmanager
def serving_tipg(info: ClusterInfo, name: str, folder: Path) -> Iterator[Server]:
    """
    tipg over a database of a cluster, in a process like ours.

    Set up in its favour: the same buffer as ours, its catalogue is not asked anew, and extents are not computed.
    """
    host = quote(str(info.socket_dir), safe="")  # its settings want a host, not a parameter
    environment = {
        "DATABASE_URL": f"postgresql://{info.user}@{host}:{info.port}/{name}",
        "TIPG_TILE_BUFFER": "64",
        "TIPG_CATALOG_TTL": "0",
        "TIPG_DB_SPATIAL_EXTENT": "false",
        "TIPG_DB_DATETIME_EXTENT": "false",
    }
    with served("tipg.main:app", "/healthz", environment, folder=folder) as found:
        yield found
