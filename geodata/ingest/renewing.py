"""Renewing a table: what is the same stays, so that a small change writes little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["renewed"]


@contextmanager
def renewed(session: Session, table: str, compared: Sequence[str], *further: str) -> Iterator[str]:
    """
    A temporary table to be filled with all rows that `table` is to have; at the end it has them.

    Rows that are there already, with the same values in all compared columns, are not touched.

    Parameters
    ----------
    session
        Part of its transaction: an error leaves the table as it was.
    table
        To be renewed.
    compared
        Columns that make a row what it is, none of them null.
    *further
        Columns that are written with a new row, and stay as they are in one that is not touched.
    """
    fresh, columns = f"fresh_{table}", ", ".join([*compared, *further])
    same = " AND ".join(f"o.{name} = f.{name}" for name in compared)
    # the names are those of our own tables and columns
    create = f"CREATE TEMP TABLE {fresh} ON COMMIT DROP AS SELECT {columns} FROM {table} LIMIT 0"  # noqa: S608
    delete = f"DELETE FROM {table} o WHERE NOT EXISTS (SELECT FROM {fresh} f WHERE {same})"  # noqa: S608
    insert = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {fresh} f"  # noqa: S608
    insert += f" WHERE NOT EXISTS (SELECT FROM {table} o WHERE {same})"
    session.execute(text(create))
    yield fresh
    for statement in (f"ANALYZE {fresh}", delete, insert, f"DROP TABLE {fresh}"):
        session.execute(text(statement))
