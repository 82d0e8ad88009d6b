"""The database for the time of one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from geodata import cluster, database
from geodata.settings import settings

__all__ = ["open_database"]


@contextmanager
def open_database(*, migrated: bool = True) -> Iterator[None]:
    """The database for one command; a private cluster that nobody else uses is stopped at its end."""
    chosen = settings()
    info = None if chosen.database_url else cluster.ensure(chosen.data_dir)
    try:
        if migrated:
            database.migrate()
        yield
    finally:
        database.dispose()
        if info is not None:
            cluster.stop(info)
