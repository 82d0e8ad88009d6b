"""Staged rows into a table: found by their key, added or changed, what they replaced kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.errors import InputError
from geodata.commands.partitions import ensure_months
from geodata.ingest.copying import copy_arrays
from geodata.ingest.kinds import Kind
from geodata.ingest.preparing import Prepared
from geodata.ingest.values import MOST_TOLD, Faults
from geodata.models import Base
from geodata.progress import Progress

__all__ = ["Counts", "merge", "stage", "stage_table", "tell_twins"]

GENERATED = ("id", "g3857")
PART_ROWS = 50_000
"""Rows of the file that are added at once."""


@dataclass(frozen=True)
class Counts:
    """How many rows were added, changed, and were there already."""

    added: int
    changed: int
    same: int


def stage_table(session: Session, kind: Kind) -> None:
    """A temporary table with the columns of the kind's own; it goes with the transaction."""
    columns = ", ".join(_columns(kind))
    # the names are those of our own tables and columns, here and below
    session.execute(text("DROP TABLE IF EXISTS staged"))
    session.execute(
        text(
            f"CREATE TEMP TABLE staged ON COMMIT DROP AS"  # noqa: S608
            f" SELECT NULL::bigint AS row_number, {columns} FROM {kind.table} LIMIT 0"
        )
    )


def _columns(kind: Kind) -> list[str]:
    return [each.name for each in Base.metadata.tables[kind.table].columns if each.name not in GENERATED]


def stage(session: Session, kind: Kind, ready: Prepared) -> None:
    """Copies good rows into the temporary table."""
    if not ready.count:
        return
    columns = {
        name: pa.array([values] * ready.count) if isinstance(values, bool) else values
        for name, values in ready.columns.items()
    }
    copy_arrays(session, kind.table, columns, into="staged", extra={"row_number": "int8"})


def tell_twins(session: Session, kind: Kind, faults: Faults, mapped: Mapping[str, str]) -> None:
    """Of several rows with one key the first is taken; the others are at fault."""
    key = kind.key_columns[-1]
    twins = session.execute(
        text(
            f"DELETE FROM staged s USING (SELECT row_number AS later, first_value(row_number) OVER w AS first_one"  # noqa: S608
            f" FROM staged WINDOW w AS (PARTITION BY {key} ORDER BY row_number)) t"
            f" WHERE s.row_number = t.later AND t.later <> t.first_one"
            f" RETURNING s.row_number, t.first_one, s.{key}"
        )
    ).all()
    for row, first, value in sorted(tuple(each) for each in twins):
        if len(faults.told) >= MOST_TOLD:
            faults.rows.add(row)
            continue
        error = InputError(
            "Row {row} has the same key as row {first}.",
            "Leave one of them out.",
            row=row,
            first=first,
        )
        faults.tell(row, mapped.get(key, key if key in mapped else "geometry"), value, error)


def merge(
    session: Session,
    kind: Kind,
    given: frozenset[str],
    load: int | None,
    progress: Progress,
    total: int,
) -> Counts:
    """
    Staged rows into the table.

    Parameters
    ----------
    session
        Part of its transaction.
    kind
        Whose table.
    given
        Columns that change in rows that are there.
    load
        Number under which the rows are remembered; None: nothing is written, only counted.
    progress, total
        Told what is being done; how many rows the file has.
    """
    table = kind.table
    if kind.derive == "cases":
        _place_cases(session)
    session.execute(text("ANALYZE staged"))
    if load is not None:
        # no other load in between, while others may read
        session.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
    changing = sorted(given | ({"cell_id"} if kind.derive == "cases" else set()))
    same = " AND ".join(f"t.{key} = s.{key}" for key in kind.key_columns)
    differs = " OR ".join(
        f"t.{name}::bytea IS DISTINCT FROM s.{name}::bytea"
        if name == "geom"
        else f"t.{name} IS DISTINCT FROM s.{name}"
        for name in changing
    )
    session.execute(text("DROP TABLE IF EXISTS matched"))
    session.execute(
        text(
            f"CREATE TEMP TABLE matched ON COMMIT DROP AS SELECT s.row_number, t.id, ({differs}) AS differs"  # noqa: S608
            f" FROM staged s JOIN {table} t ON {same}"
        )
    )
    session.execute(text("ANALYZE matched"))
    staged, matched, changed = session.execute(
        text("SELECT (SELECT count(*) FROM staged), count(*), count(*) FILTER (WHERE differs) FROM matched")
    ).one()
    counts = Counts(staged - matched, changed, matched - changed)
    if load is None:
        return counts
    if counts.changed:
        progress(total, total, "Changing rows")
        _remember(session, table, load)
        assigned = ", ".join(f"{name} = s.{name}" for name in changing)
        session.execute(
            text(
                f"UPDATE {table} t SET {assigned} FROM staged s JOIN matched m USING (row_number)"  # noqa: S608
                " WHERE t.id = m.id AND m.differs"
            )
        )
    if counts.added:
        if matched:
            session.execute(text("DELETE FROM staged s USING matched m WHERE m.row_number = s.row_number"))
        _add(session, kind, load, progress, total)
    return counts


def _add(session: Session, kind: Kind, load: int, progress: Progress, total: int) -> None:
    """Appends what is staged, part by part: keeping the indexes of a million shapes takes a while."""
    columns = ", ".join(_filled(session, kind))
    first, last = session.execute(text("SELECT min(row_number), max(row_number) FROM staged")).one()
    for at in range(first, last + 1, PART_ROWS):
        progress(min(at - 1, total), total, "Adding rows")
        session.execute(
            text(
                f"WITH fresh AS (INSERT INTO {kind.table} ({columns}) SELECT {columns} FROM staged"  # noqa: S608
                " WHERE row_number >= :first AND row_number < :end ORDER BY row_number RETURNING id)"
                " INSERT INTO load_row (load_id, row_id) SELECT :load, id FROM fresh"
            ),
            {"load": load, "first": at, "end": at + PART_ROWS},
        )
    progress(total, total, "Adding rows")


def _filled(session: Session, kind: Kind) -> list[str]:
    """Columns that any staged row fills; the others keep the default of the table."""
    columns = _columns(kind)
    asked = ", ".join(f"count({name}) > 0" for name in columns)
    found = session.execute(text(f"SELECT {asked} FROM staged")).one()  # noqa: S608
    return [name for name, any_ in zip(columns, found, strict=True) if any_]


def _remember(session: Session, table: str, load: int) -> None:
    """What rows that will change are like now, their shapes as text without loss."""
    session.execute(
        text(
            f"INSERT INTO load_row (load_id, row_id, before)"  # noqa: S608
            f" SELECT :load, t.id, (to_jsonb(t) - 'geom' - 'g3857') || jsonb_build_object('geom', t.geom::text)"
            f" FROM {table} t JOIN matched m ON m.id = t.id WHERE m.differs"
        ),
        {"load": load},
    )


def _place_cases(session: Session) -> None:
    """The cell of each case, by its place; and the partitions of their months."""
    session.execute(text("CREATE INDEX ON staged USING gist (geom)"))
    session.execute(
        text("UPDATE staged s SET cell_id = c.id FROM unit_cell c WHERE ST_Covers(c.geom, s.geom)")
    )
    months = session.scalars(
        text("SELECT DISTINCT date_trunc('month', reported_at AT TIME ZONE 'UTC') FROM staged")
    ).all()
    for month in months:
        at = month.replace(tzinfo=dt.UTC)
        ensure_months(session, at, at)
