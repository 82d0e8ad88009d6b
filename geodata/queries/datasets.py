"""The register of what is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.errors import UndefinedTable
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from geodata.errors import NotFound
from geodata.towns.town import Town, find_town

__all__ = ["GROUND", "TOWN_SQL", "count_rows", "dataset_rows", "is_empty", "loaded_town", "revision"]

GROUND = (
    "building",
    "camera",
    "camera_preset",
    "camera_view",
    "cell_measure",
    "kerb",
    "street_edge",
    "unit_cell",
)
"""What scenarios start from, `outlook.Ground`, is read from these: a patrol or a report leaves it as it is."""
TOWN_SQL = "SELECT town FROM dataset ORDER BY revision DESC LIMIT 1"
"""Name of the loaded town; no row while the database is empty."""


def dataset_rows(conn: Connection | Session) -> Sequence[Row[Any]]:
    """Rows (name, town, source, licence, method, rows, revision, loaded_at, simulated) by name; none before."""
    if conn.execute(text("SELECT to_regclass('dataset')")).scalar() is None:
        return []
    return conn.execute(
        text(
            "SELECT name, town, source, licence, method, rows, revision, loaded_at, simulated"
            " FROM dataset ORDER BY name"
        )
    ).all()


def is_empty(conn: Connection | Session) -> bool:
    """Nothing is loaded."""
    return conn.execute(text("SELECT NOT EXISTS (SELECT FROM unit_cell)")).scalar() is True


def revision(conn: Connection | Session, names: Sequence[str] = ()) -> int:
    """
    The newest revision of all datasets, or of those that are named.

    0 where nothing is loaded or there are no tables yet.
    """
    among = " WHERE name = ANY (:names)" if names else ""
    sql = f"SELECT coalesce(max(revision), 0) FROM dataset{among}"  # noqa: S608
    try:
        return int(conn.execute(text(sql), {"names": list(names)} if names else {}).scalar() or 0)
    except ProgrammingError as error:
        if isinstance(error.orig, UndefinedTable):
            return 0
        raise


def loaded_town(conn: Connection | Session) -> Town:
    """
    The town in the database.

    Raises
    ------
    NotFound
        If the database is empty.
    """
    name = conn.execute(text(TOWN_SQL)).scalar()
    if name is None:
        raise NotFound("The database is empty.", "Load a town first: huiyan load helsinki.")
    return find_town(name)


def count_rows(conn: Connection | Session, tables: Sequence[str]) -> dict[str, int]:
    """Rows of each of `tables`, names that this program wrote."""
    parts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in tables)  # noqa: S608
    return dict(conn.execute(text(parts)).all())
