"""Addresses that cannot be used, servers that are away, and servers that come back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from geodata import cluster, database
from geodata.errors import DatabaseUnavailable, SettingsError
from geodata.export.geojson import geojson_stream
from geodata.jobs.record import recorded
from geodata.queries.serving import TileStore
from geodata.settings import ROOT, settings
from layers.catalogue import LAYERS
from tests.conftest import LoneServer

LAYER = LAYERS["buildings"]


def ask() -> object:
    with database.connection() as conn:
        return conn.scalar(text("SELECT count(*) FROM building"))


def write() -> None:
    with recorded("test", {}):
        pass


def export() -> None:
    list(geojson_stream(LAYER.id, LAYER.export, LAYER.title, LAYER.method, LAYER.datasets))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://user@host/name", "names mysql, but only PostgreSQL"),
        ("sqlite:///twin.db", "names sqlite, but only PostgreSQL"),
        ("a database", "not a database address"),
    ],
)
def test_an_address_of_something_else_is_named_with_its_mend(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_DATABASE_URL", address)
    settings.cache_clear()
    try:
        with pytest.raises(SettingsError, match=f"(?s){said}.*postgresql://user:password@host"):
            database.database_url()
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_spelling_of_postgresql_is_taken(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings().model_copy(update={"database_url": f"{scheme}://me:p%40ss@host:6543/name"})
    url = database.database_url(chosen)
    assert url == "postgresql+psycopg://me:p%40ss@host:6543/name"
    assert database.psycopg_url(url) == "postgresql://me:p%40ss@host:6543/name"


@pytest.mark.parametrize("act", [ask, write, export, database.migrate], ids=lambda act: act.__name__)
def test_no_server_is_one_sentence_with_its_mend(act: Callable[[], object]) -> None:
    """Without a fixture tests have an address where nobody answers."""
    with pytest.raises(DatabaseUnavailable, match=r"does not answer \(.*huiyan up.*TWIN_DATABASE_URL"):
        act()


@pytest.mark.postgis
def test_a_mistake_in_a_query_is_not_taken_for_an_absent_server(empty_database: str) -> None:
    with pytest.raises(ProgrammingError), database.connection() as conn:
        conn.execute(text("SELECT nothing FROM nowhere"))


@pytest.mark.postgis
def test_a_transaction_is_whole_or_not_at_all(empty_database: str) -> None:
    insert = text("INSERT INTO audit (actor, action, subject, details) VALUES ('t', 'a', 's', '{}')")
    with pytest.raises(RuntimeError), database.transaction() as session:
        session.execute(insert)
        raise RuntimeError
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM audit")) == 0
        session.execute(insert)
    with database.connection() as conn:
        assert conn.scalar(text("SELECT count(*) FROM audit")) == 1


@pytest.mark.postgis
def test_the_first_request_after_a_restart_works(lone_server: LoneServer) -> None:
    assert ask() == 0
    write()
    lone_server.stop()
    for act in (ask, write, export):
        with pytest.raises(DatabaseUnavailable):
            act()
    lone_server.start()
    assert ask() == 0
    export()
    write()


@pytest.mark.postgis
def test_a_server_that_restarts_between_two_requests_is_not_noticed(lone_server: LoneServer) -> None:
    assert ask() == 0
    lone_server.stop()
    lone_server.start()
    assert ask() == 0
    write()


@pytest.mark.postgis
def test_a_server_that_stops_in_the_middle_leaves_nothing_half_written(lone_server: LoneServer) -> None:
    with pytest.raises(DatabaseUnavailable), database.transaction() as session:
        session.execute(text("INSERT INTO job (kind, state, arguments) VALUES ('t', 'running', '{}')"))
        lone_server.stop()
        session.execute(text("SELECT 1"))
    lone_server.start()
    with database.connection() as conn:
        assert conn.scalar(text("SELECT count(*) FROM job")) == 0


@pytest.mark.postgis
def test_the_tile_store_survives_a_restart(lone_server: LoneServer) -> None:
    async def through_a_restart() -> None:
        store = TileStore(None, max_bytes=500_000, size=3)
        try:
            assert await store.rows("SELECT 1") == [(1,)]
            lone_server.stop()
            lone_server.start()
            assert await store.rows("SELECT 2") == [(2,)]
            lone_server.stop()
            with pytest.raises(DatabaseUnavailable):
                await store.rows("SELECT 3")
            lone_server.start()
            assert await store.rows("SELECT 4") == [(4,)]
        finally:
            await store.close()

    asyncio.run(through_a_restart())


@pytest.mark.postgis
def test_a_database_without_tables_is_said_so(bare_database: str) -> None:
    async def ask_store() -> None:
        store = TileStore(None, max_bytes=500_000)
        try:
            with pytest.raises(DatabaseUnavailable, match=r"no tables yet.*huiyan up"):
                await store.revision()
        finally:
            await store.close()

    asyncio.run(ask_store())


def test_the_last_process_out_stops_the_private_cluster(tmp_path: Path) -> None:
    home = tmp_path / "d"
    code = "from geodata import database; print(database.database_url())"
    environment = {key: value for key, value in os.environ.items() if key != "TWIN_DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment, "TWIN_DATA_DIR": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("postgresql+psycopg://")
    found = cluster.status(home)
    assert found.exists and not found.running
