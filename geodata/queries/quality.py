"""Checks of a dataset's rows: codes, geometry, duplicates, times in the future, and how much is not given."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import Connection, DateTime, Table, text
from sqlalchemy.orm import Session

from analysis.quality import check_codes, quality_score
from geodata.models import Base
from geodata.queries.frames import read_table

__all__ = ["CHECKED_KINDS", "CODES", "Check", "check_dataset", "scores", "stored_checks"]

CODES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("unit_cell", "code"): "cell",
        ("component", "code"): "component",
        ("component", "class_code"): "event",  # the same 2+2 digits
        ("camera", "code"): "camera",
        ("camera", "component_code"): "component",
    }
)
"""(table, column) → kind of code."""
CHECKED_KINDS = ("code", "geometry", "duplicate", "time", "null")
UNIQUE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "address_point": ("code",),
        "area": ("code",),
        "camera": ("code",),
        "case_file": ("number",),
        "component": ("code",),
        "sensor": ("code",),
        "unit_cell": ("code",),
    }
)
"""Table → columns whose values name a row."""
SAME_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "building": (),
        "camera": (),
        "car_park": ("kind",),
        "case_file": ("class_code", "reported_at"),
        "component": ("class_code",),
        "finding": ("class_code", "first_seen_at"),
        "pipe": ("kind",),
        "pipe_node": ("kind", "network"),
        "poi": ("category", "name"),
        "sensor": ("kind",),
        "street_edge": (),
    }
)
"""Table → columns that, with the place, make two rows one thing."""
OF_FILES = frozenset({"source_name", "source_key"})
"""Given for rows from files only."""
LATER = frozenset({"due_at", "next_try_at", "valid_until"})
"""Times that may lie ahead."""
CLASS_COLUMN = "class_code"
EXAMPLES = 5
AHEAD = dt.timedelta(days=1)
BATCH = 10_000


@dataclass(frozen=True)
class Check:
    """
    What one check found.

    Attributes
    ----------
    kind
        Of `CHECKED_KINDS`.
    subject
        The column, or what of the geometry: given, valid, inside; of duplicates the columns together.
    rows, faults
        Rows looked at, and those that fail.
    examples
        A few that fail: {row, value, error}; error as `HuiyanError.told`, where there is more to say.
    """

    kind: str
    subject: str
    rows: int
    faults: int
    examples: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


def check_dataset(conn: Connection | Session, name: str) -> list[Check]:
    """
    Looks at every row of a dataset.

    Raises
    ------
    KeyError
        If there is no such table.
    """
    table = Base.metadata.tables[name]
    found: list[Check] = []
    for each in (_codes, _classes, _geometry, _duplicates, _times, _nulls):
        begun = time.monotonic()
        made = list(each(conn, table))
        share = (time.monotonic() - begun) / max(1, len(made))
        found += [
            Check(one.kind, one.subject, one.rows, one.faults, one.examples, round(share, 4)) for one in made
        ]
    return found


def stored_checks(conn: Connection, name: str | None = None) -> Any:
    """
    What the newest checks found: name, revision, kind, subject, rows, faults, examples, checked_at, seconds.

    Parameters
    ----------
    conn
        An open connection.
    name
        Of a dataset; None: of all.
    """
    return read_table(
        conn,
        "SELECT c.name, c.revision, c.kind, c.subject, c.rows, c.faults, c.examples, c.checked_at, c.seconds"
        " FROM dataset_check c JOIN (SELECT name, max(revision) AS revision FROM dataset_check GROUP BY name) n"
        " ON n.name = c.name AND n.revision = c.revision WHERE CAST(:name AS text) IS NULL OR c.name = :name"
        " ORDER BY c.name, array_position(ARRAY['code', 'geometry', 'duplicate', 'time', 'null'], c.kind), c.subject",
        {"name": name},
    )


def scores(checks: Any) -> dict[str, float]:
    """Dataset → quality score of its checks but for what is not given, which is often nobody's fault."""
    told = {
        str(name): quality_score(
            [(int(row.rows), int(row.faults)) for row in rows.itertuples() if row.kind != "null"]
        )
        for name, rows in checks.groupby("name")
    }
    return {name: score for name, score in told.items() if score is not None}


def _codes(conn: Connection | Session, table: Table) -> Iterator[Check]:
    for (name, column), kind in CODES.items():
        if name != table.name:
            continue
        key = _key(table)
        rows = conn.execute(
            text(f"SELECT {key}, {column} FROM {name} WHERE {column} IS NOT NULL"),  # noqa: S608
            execution_options={"yield_per": BATCH},
        )
        seen, faults = check_codes(kind, ((row[0], row[1]) for row in rows))
        examples = [
            {"row": str(each.row), "value": each.code, "error": each.error.told()}
            for each in faults[:EXAMPLES]
        ]
        yield Check("code", column, seen, len(faults), examples)


def _classes(conn: Connection | Session, table: Table) -> Iterator[Check]:
    """Event classes that the town does not have."""
    if CLASS_COLUMN not in table.columns or (table.name, CLASS_COLUMN) in CODES:
        return
    lost = f"{CLASS_COLUMN} IS NOT NULL AND NOT EXISTS (SELECT FROM event_class e WHERE e.code = t.{CLASS_COLUMN})"
    yield _counted(conn, table, "code", CLASS_COLUMN, f"{CLASS_COLUMN} IS NOT NULL", lost, CLASS_COLUMN)


def _geometry(conn: Connection | Session, table: Table) -> Iterator[Check]:
    column = table.columns.get("geom")
    if column is None or not isinstance(column.type, Geometry):
        return
    known = "geom IS NOT NULL"
    yield _counted(
        conn,
        table,
        "geometry",
        "valid",
        known,
        f"{known} AND (ST_IsEmpty(geom) OR NOT ST_IsValid(geom))",
        "CASE WHEN ST_IsEmpty(geom) THEN 'EMPTY' ELSE ST_IsValidReason(geom) END",
    )
    town = conn.execute(text("SELECT ST_AsHexEWKB(ST_Union(geom)) FROM area WHERE kind = 'county'")).scalar()
    if town is None or table.name == "area":
        return
    # as a value it is prepared once; a subquery would unite the town anew for each row
    yield _counted(
        conn,
        table,
        "geometry",
        "inside",
        known,
        f"{known} AND NOT ST_IsEmpty(geom) AND NOT ST_Intersects(CAST(:town AS geometry), t.geom)",
        "ST_AsText(ST_PointOnSurface(geom), 6)",
        town=town,
    )


def _duplicates(conn: Connection | Session, table: Table) -> Iterator[Check]:
    for column in UNIQUE.get(table.name, ()):
        yield _doubled(conn, table, column, (column,))
    if table.name in SAME_KIND:
        columns = SAME_KIND[table.name]
        yield _doubled(conn, table, ", ".join(("geom", *columns)), ("ST_AsBinary(geom)", *columns))


def _doubled(conn: Connection | Session, table: Table, subject: str, parts: tuple[str, ...]) -> Check:
    """Rows beyond the first of those that are alike in every part; rows that lack the first part are left out."""
    listed = ", ".join(parts)
    inner = (
        f"SELECT {_key(table)} AS row, count(*) OVER w AS n, row_number() OVER (PARTITION BY {listed}"  # noqa: S608
        f" ORDER BY {_key(table)}) AS k, {_shown(parts)} AS value FROM {table.name}"
        f" WHERE {parts[0]} IS NOT NULL WINDOW w AS (PARTITION BY {listed})"
    )
    counted = f"SELECT count(*), count(*) FILTER (WHERE k > 1) FROM ({inner}) q"  # noqa: S608
    rows, faults = conn.execute(text(counted)).one()
    examples = []
    if faults:
        found = conn.execute(
            text(f"SELECT row, value FROM ({inner}) q WHERE k > 1 ORDER BY n DESC, row LIMIT {EXAMPLES}")  # noqa: S608
        )
        examples = [{"row": str(each.row), "value": str(each.value)} for each in found]
    return Check("duplicate", subject, rows, faults, examples)


def _shown(parts: tuple[str, ...]) -> str:
    shown = ["ST_AsText(ST_PointOnSurface(geom), 6)" if part.startswith("ST_") else part for part in parts]
    return f"concat_ws(' ', {', '.join(shown)})"


def _times(conn: Connection | Session, table: Table) -> Iterator[Check]:
    for column in table.columns:
        if isinstance(column.type, DateTime) and column.name not in LATER:
            given = f"{column.name} IS NOT NULL"
            ahead = f"{given} AND {column.name} > now() + interval '{AHEAD.days} day'"
            yield _counted(conn, table, "time", column.name, given, ahead, column.name)


def _nulls(conn: Connection | Session, table: Table) -> Iterator[Check]:
    """Rows without a value, column by column, for columns that may lack one."""
    columns = [
        each.name
        for each in table.columns
        if each.nullable and each.computed is None and each.name not in OF_FILES
    ]
    if not columns:
        return
    counts = ", ".join(f"count(*) - count({name})" for name in columns)
    total, *missing = conn.execute(text(f"SELECT count(*), {counts} FROM {table.name}")).one()  # noqa: S608
    for name, faults in zip(columns, missing, strict=True):
        yield Check("null", name, total, faults)


def _counted(
    conn: Connection | Session,
    table: Table,
    kind: str,
    subject: str,
    among: str,
    wrong: str,
    shown: str,
    **facts: object,
) -> Check:
    """Rows that meet `among`, those of them that are `wrong`, and some of these with what they show."""
    rows, faults = conn.execute(
        text(
            f"SELECT count(*) FILTER (WHERE {among}), count(*) FILTER (WHERE {wrong}) FROM {table.name} t"  # noqa: S608
        ),
        facts,
    ).one()
    examples = []
    if faults:
        found = conn.execute(
            text(
                f"SELECT {_key(table)} AS row, {shown} AS value FROM {table.name} t WHERE {wrong} LIMIT {EXAMPLES}"  # noqa: S608
            ),
            facts,
        )
        examples = [{"row": str(each.row), "value": str(each.value)} for each in found]
    return Check(kind, subject, rows, faults, examples)


def _key(table: Table) -> str:
    """What names a row: its id, or all of its primary key."""
    if "id" in table.columns:
        return "id"
    return f"concat_ws('/', {', '.join(column.name for column in table.primary_key.columns)})"
