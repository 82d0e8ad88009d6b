"""The connection to PostGIS: one engine, one transaction a command, migrations, and what to say when it is away."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from geodata import cluster
from geodata.errors import DatabaseUnavailable, SchemaTooNew, SettingsError
from geodata.settings import Settings, settings

__all__ = [
    "connection",
    "database_url",
    "dispose",
    "engine",
    "guarded",
    "migrate",
    "psycopg_url",
    "transaction",
    "unavailable",
]

SEARCH_PATH = "public, extensions"
_lock = threading.Lock()
_engines: dict[str, Engine] = {}
_homes: set[Path] = set()
"""Private clusters that this process lets go of at its end."""


def database_url(chosen: Settings | None = None) -> str:
    """
    Address of the database, `postgresql+psycopg://…`.

    `TWIN_DATABASE_URL` if it is set; otherwise the private cluster, started if it sleeps and stopped with the last
    process that uses it.

    Raises
    ------
    SettingsError
        If `TWIN_DATABASE_URL` is not a PostgreSQL address.
    ClusterError
        If there is no PostgreSQL to start.
    """
    chosen = chosen or settings()
    raw = chosen.database_url or _private(chosen)
    try:
        url = make_url(raw)
    except ArgumentError as error:
        raise SettingsError(
            "TWIN_DATABASE_URL is not a database address.",
            "Write it as postgresql://user:password@host:5432/name.",
        ) from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(
            "TWIN_DATABASE_URL names {backend}, but only PostgreSQL with PostGIS will do.",
            "Write it as postgresql://user:password@host:5432/name.",
            backend=url.get_backend_name(),
        )
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _private(chosen: Settings) -> str:
    """Address of the private cluster; this process lets go of it at its end, and the last one out stops it."""
    info = cluster.ensure(chosen.data_dir)
    if info.home not in _homes:
        _homes.add(info.home)
        atexit.register(cluster.stop, info)
    return info.url


def psycopg_url(url: str) -> str:
    """The same address as libpq spells it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def engine(url: str | None = None) -> Engine:
    """
    The process's one engine for `url`, with its pool.

    Every connection is checked before use, so that the first request after a database restart works.
    """
    url = url or database_url()
    with _lock:
        found = _engines.get(url)
        if found is None:
            found = create_engine(
                url, pool_pre_ping=True, pool_size=8, max_overflow=16, connect_args={"connect_timeout": 5}
            )
            event.listen(found, "connect", _prepare)
            _engines[url] = found
    return found


def _prepare(raw: Any, _record: Any) -> None:
    """PostGIS lives in its own schema; times are exchanged in UTC."""
    was, raw.autocommit = raw.autocommit, True
    raw.execute(f"SET search_path TO {SEARCH_PATH}")
    raw.execute("SET timezone TO 'UTC'")
    raw.autocommit = was


def dispose() -> None:
    """Closes every pool; for tests and for the end of a process."""
    with _lock:
        for each in _engines.values():
            each.dispose()
        _engines.clear()


@contextmanager
def guarded() -> Iterator[None]:
    """Turns a lost or refused connection into DatabaseUnavailable; other database errors pass."""
    try:
        yield
    except OperationalError as error:
        if error.connection_invalidated or _is_connection_failure(error):
            raise unavailable(error) from error
        raise
    except DBAPIError as error:
        if error.connection_invalidated:
            raise unavailable(error) from error
        raise


def _is_connection_failure(error: OperationalError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith(("08", "57P"))


def unavailable(error: Exception) -> DatabaseUnavailable:
    """The one sentence for a database that does not answer."""
    reason = str(getattr(error, "orig", error)).strip().splitlines()
    return DatabaseUnavailable(
        "The database does not answer ({reason}).",
        "Start it (huiyan up) or correct TWIN_DATABASE_URL, then try again.",
        reason=reason[0] if reason else "connection lost",
    )


@contextmanager
def transaction(url: str | None = None) -> Iterator[Session]:
    """One transaction: committed at the end, rolled back on any error."""
    with guarded(), Session(engine(url), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def connection(url: str | None = None) -> Iterator[Connection]:
    """A connection for reading."""
    with guarded(), engine(url).connect() as conn:
        yield conn


def alembic_config(url: str) -> Config:
    """Alembic's configuration for `url`; also used by `alembic check` in the tests."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def migrate(url: str | None = None) -> str:
    """
    Brings the schema to this program's version and returns its revision.

    Raises
    ------
    SchemaTooNew
        If a newer program migrated the database; nothing is changed.
    DatabaseUnavailable
        If the database does not answer.
    """
    url = url or database_url()
    config = alembic_config(url)
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    with connection(url) as conn:
        current = MigrationContext.configure(conn).get_current_revision()
    if current is not None and current not in {each.revision for each in script.walk_revisions()}:
        raise SchemaTooNew(
            "The database has schema {current}, which this version does not know (it knows up to {head}).",
            "Use the newer program, or another database through TWIN_DATABASE_URL.",
            current=current,
            head=head,
        )
    if current != head:
        with guarded():
            command.upgrade(config, "head")
    with guarded(), engine(url).begin() as conn:
        if conn.execute(text("SELECT to_regclass('procrastinate_jobs')")).scalar() is None:
            from procrastinate.schema import SchemaManager  # noqa: PLC0415 - heavy, and needed once

            conn.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    return str(head)
