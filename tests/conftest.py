"""
Databases for tests, on a throw-away cluster that lives as long as the run.

No test reaches the data of whoever runs it: `.data` is replaced by a folder of links to its assets, clips and
weights, and without one of the fixtures below `TWIN_DATABASE_URL` leads nowhere.

`empty_database`
    Migrated and empty, a fresh one for each test.
`town_database`
    The town helsinki, loaded once, and patrolled once where weights and clip are set up. Read-only, because
    tests share it.
`town_copy`
    The same for one test alone, to write in.
`town_url`, `empty_url`
    Addresses of the shared town, and of an empty database to read, without making them the process's own.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from geodata import cluster, database
from geodata.cluster import ClusterInfo
from geodata.errors import ClusterError
from geodata.settings import Settings, settings
from geodata.video.clips import CLIP_NAME
from geodata.video.weights import MODEL_NAME

LINKED = ("assets", "clips", "models")
NOWHERE = "postgresql://nobody@/nowhere?host=/nonexistent"
TOWN = "helsinki"

_made: list[Path] = []
_number = count(1)
_cached: list[tuple[str, str]] = []
"""Module and database that Streamlit's caches hold answers of."""


def pytest_configure() -> None:
    """Gives the run a data folder of its own."""
    own = settings().data_dir
    folder = Path(tempfile.mkdtemp(prefix="huiyan-tests-", dir="/tmp"))
    folder.chmod(0o755)
    for name in LINKED:
        if (own / name).is_dir():
            (folder / name).symlink_to(own / name, target_is_directory=True)
    _made.append(folder)
    os.environ.update(TWIN_DATA_DIR=str(folder), TWIN_DATABASE_URL=NOWHERE)
    for name in set(Settings.model_fields) - {"data_dir", "database_url"}:
        os.environ.pop(f"TWIN_{name.upper()}", None)
    settings.cache_clear()


def pytest_unconfigure() -> None:
    """Removes that folder, not what its links lead to."""
    while _made:
        shutil.rmtree(_made.pop(), ignore_errors=True)


@pytest.fixture(autouse=True)
def _own_main() -> Iterator[None]:
    """Streamlit puts the screen in place of `__main__`, and every process that is spawned later would run it."""
    own = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = own


def may_look() -> bool:
    """Weights and clip are set up, so that a patrol can be done."""
    return (settings().models_dir / MODEL_NAME).is_file() and (settings().clips_dir / CLIP_NAME).is_file()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterInfo]:
    """A throw-away PostgreSQL with PostGIS; where there is none, tests are skipped, but not in CI."""
    try:
        cluster.find_postgres()
    except ClusterError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no database to test with: {error}")
    with cluster.temporary(tmp_path_factory.mktemp("postgres")) as info:
        yield info


@contextmanager
def chosen(url: str, module: str | None = None) -> Iterator[str]:
    """
    `url` is this process's database for a while.

    What Streamlit caches is forgotten before and after, unless nobody may write there: then the tests of one module
    share it, as visits to one web process do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_DATABASE_URL", url)
        _let_go()
        held = [] if module is None else [(module, url)]
        if not held or _cached != held:
            _forget_answers()
        _cached[:] = held
        yield url
    _let_go()
    if not held or os.environ["TWIN_DATABASE_URL"] != NOWHERE:
        _forget_answers()


def _let_go() -> None:
    settings.cache_clear()
    database.dispose()


def _forget_answers() -> None:
    """Empties Streamlit's caches: they are keyed by revision, and two databases may have the same."""
    _cached.clear()
    if "streamlit" in sys.modules:
        sys.modules["streamlit"].cache_data.clear()
        sys.modules["streamlit"].cache_resource.clear()


def _named(info: ClusterInfo, name: str) -> str:
    return info.url.replace(f"/{info.database}?", f"/{name}?")


def _copy(info: ClusterInfo, template: str, name: str) -> str:
    with psycopg.connect(_named(info, "postgres"), autocommit=True) as link:
        # without a word in the write-ahead log: nobody would recover this server
        plainly = sql.SQL(" STRATEGY FILE_COPY" if link.info.server_version >= 150_000 else "")
        link.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(
                sql.Identifier(name), sql.Identifier(template), plainly
            )
        )
    return _named(info, name)


def _shared_copy(info: ClusterInfo, template: str) -> str:
    name = f"shared_{template}"
    url = _copy(info, template, name)
    with psycopg.connect(_named(info, "postgres"), autocommit=True) as link:
        link.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(sql.Identifier(name))
        )
    return url


@contextmanager
def _passing_copy(info: ClusterInfo, template: str) -> Iterator[str]:
    name = f"copy_{next(_number)}"
    with chosen(_copy(info, template, name)) as url:
        yield url
    with psycopg.connect(_named(info, "postgres"), autocommit=True) as link:
        link.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def empty_template(server: ClusterInfo) -> str:
    """A migrated database that nobody is connected to."""
    url = _copy(server, server.database, "empty")
    with chosen(url):
        database.migrate()
    return "empty"


@pytest.fixture(scope="session")
def town_template(server: ClusterInfo, empty_template: str) -> str:
    """A loaded and, if possible, patrolled town that nobody is connected to."""
    from geodata.commands.load import load_town
    from geodata.commands.patrol import patrol_cameras

    with chosen(_copy(server, empty_template, "town")):
        load_town(TOWN)
        if may_look():
            patrol_cameras()
    return "town"


@pytest.fixture(scope="session")
def town_url(server: ClusterInfo, town_template: str) -> str:
    """Address of the town that tests share; read-only."""
    return _shared_copy(server, town_template)


@pytest.fixture(scope="session")
def empty_url(server: ClusterInfo, empty_template: str) -> str:
    """Address of an empty database that tests share; read-only."""
    return _shared_copy(server, empty_template)


@pytest.fixture
def bare_database(server: ClusterInfo) -> Iterator[str]:
    """A database with PostGIS and no tables."""
    with _passing_copy(server, server.database) as url:
        yield url


@pytest.fixture
def empty_database(server: ClusterInfo, empty_template: str) -> Iterator[str]:
    """A migrated, empty database for one test."""
    with _passing_copy(server, empty_template) as url:
        yield url


@pytest.fixture
def town_database(town_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The shared town: read it, and take `town_copy` to write."""
    with chosen(town_url, str(request.path)) as url:
        yield url


@pytest.fixture
def town_copy(server: ClusterInfo, town_template: str) -> Iterator[str]:
    """A town for one test to write in."""
    with _passing_copy(server, town_template) as url:
        yield url


@pytest.fixture(scope="module")
def town_of_module(server: ClusterInfo, town_template: str) -> Iterator[str]:
    """A town for the tests of one file to write in; each leaves it as it was."""
    with _passing_copy(server, town_template) as url:
        yield url


class LoneServer:
    """A server that one test may stop and start; its database is migrated and empty."""

    def __init__(self, info: ClusterInfo) -> None:
        self._info = info
        self.url = info.url

    def stop(self) -> None:
        """As an administrator would: whoever is connected is thrown out."""
        cluster._shut_down(self._info.data_dir)

    def start(self) -> None:
        """At the same address."""
        place = self._info.data_dir.parent
        cluster._start(self._info.bin_dir, place, cluster._account(self._info.data_dir), durable=False)


@pytest.fixture
def lone_server(server: ClusterInfo, tmp_path: Path) -> Iterator[LoneServer]:
    """A server of the test's own, apart from the one that tests share."""
    with cluster.temporary(tmp_path) as info, chosen(info.url):
        database.migrate()
        yield LoneServer(info)
