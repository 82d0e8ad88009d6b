"""Rows of a query as Arrow batches: the database's own text, read in blocks, so memory stays flat."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from geodata.export.blocks import blocks
from geodata.export.parcel import SHAPE, Parcel, rows_sql

__all__ = [
    "GEOMETRY",
    "ArrowRows",
    "arrow_rows",
    "column_kinds",
    "column_types",
    "geometry_kinds",
    "placeless",
]

GEOMETRY = "geometry"
BLOCK_BYTES = 1 << 20
"""Read at once, and the end of the row that goes beyond."""
KINDS: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int64(),
    "int4": pa.int64(),
    "int8": pa.int64(),
    "float4": pa.float64(),
    "float8": pa.float64(),
    "numeric": pa.float64(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
"""PostgreSQL's type → Arrow's; every other one goes out as text."""


@dataclass(frozen=True)
class ArrowRows:
    """
    Rows on their way: `id`, the export's columns, and the geometry as WKB, EPSG:4326.

    Parameters
    ----------
    schema
        Of every batch.
    batches
        To be gone through once.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


def column_types(conn: psycopg.Connection, parcel: Parcel) -> dict[str, str]:
    """The export's columns and PostgreSQL's names of their types; empty for lists and types of others."""
    columns = ", ".join(f'{each} AS "{name}"' for name, each in parcel.export.columns.items())
    cursor = conn.execute(
        f"SELECT {columns} FROM {rows_sql(parcel)} LIMIT 0",  # type: ignore[arg-type]  # noqa: S608
        parcel.chosen.parameters,
    )
    found = {}
    for column in cursor.description or ():
        known = conn.adapters.types.get(column.type_code)
        found[column.name] = "" if known is None or known.array_oid == column.type_code else known.name
    return found


def column_kinds(conn: psycopg.Connection, parcel: Parcel) -> dict[str, str]:
    """The same as far as values leave as what they are; all others leave as text."""
    return {name: kind or "text" for name, kind in column_types(conn, parcel).items()}


def geometry_kinds(conn: psycopg.Connection, parcel: Parcel) -> list[str]:
    """Types of geometry among the rows as Simple Features names them, such as MultiPolygon; sorted."""
    rows = conn.execute(
        f"SELECT DISTINCT substr(ST_GeometryType(t.geom), 4) FROM {rows_sql(parcel)} AND t.geom IS NOT NULL",  # type: ignore[arg-type]  # noqa: S608
        parcel.chosen.parameters,
    ).fetchall()
    return sorted(row[0] for row in rows)


def placeless(conn: psycopg.Connection, parcel: Parcel) -> bool:
    """Whether some row has no geometry, or an empty one."""
    row = conn.execute(
        f"SELECT EXISTS (SELECT FROM {rows_sql(parcel)} AND (t.geom IS NULL OR ST_IsEmpty(t.geom)))",  # type: ignore[arg-type]  # noqa: S608
        parcel.chosen.parameters,
    ).fetchone()
    return bool(row and row[0])


@contextmanager
def arrow_rows(conn: psycopg.Connection, parcel: Parcel, *, multi: bool = False) -> Iterator[ArrowRows]:
    """
    The parcel's rows in its order.

    Parameters
    ----------
    multi
        Every geometry becomes one of several parts, for formats that hold one type only.
    """
    kinds = column_kinds(conn, parcel)
    types = {"id": pa.int64()} | {name: KINDS.get(kind, pa.string()) for name, kind in kinds.items()}
    shape = f"ST_Multi({SHAPE})" if multi else SHAPE
    columns = [f'({each}) AS "{name}"' for name, each in parcel.export.columns.items()]
    listed = ", ".join(["t.id", *columns, f"ST_AsHEXEWKB(ST_SetSRID({shape}, 0), 'NDR') AS \"{GEOMETRY}\""])
    query = f"SELECT {listed} FROM {rows_sql(parcel)} ORDER BY {parcel.export.order}"  # noqa: S608
    statement = sql.SQL("COPY ({}) TO STDOUT WITH (FORMAT csv)").format(
        sql.SQL(query)  # type: ignore[arg-type] - the catalogue's own SQL
    )
    schema = pa.schema([*types.items(), (GEOMETRY, pa.binary())])
    with conn.cursor() as cursor, cursor.copy(statement, parcel.chosen.parameters) as copy:
        yield ArrowRows(schema, _batches(copy, types, schema))


def _batches(
    copy: psycopg.Copy, types: dict[str, pa.DataType], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    convert = csv.ConvertOptions(
        column_types=types | {GEOMETRY: pa.string()},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["t"],
        false_values=["f"],
    )
    for text in blocks(copy, BLOCK_BYTES):
        table = csv.read_csv(
            pa.BufferReader(text),
            csv.ReadOptions(column_names=list(schema.names), block_size=len(text) + 1, use_threads=False),
            csv.ParseOptions(newlines_in_values=True),
            convert,
        )
        for batch in table.to_batches():
            shapes = _from_hex(batch.column(batch.num_columns - 1))
            yield pa.record_batch([*batch.columns[:-1], shapes], schema=schema)


def _from_hex(texts: pa.StringArray) -> pa.BinaryArray:
    """Hexadecimal digits → bytes, all rows at once."""
    texts = pa.concat_arrays([texts]) if texts.offset else texts
    valid, ends, digits = texts.buffers()
    offsets = np.frombuffer(ends, np.int32, len(texts) + 1)
    whole = binascii.unhexlify(memoryview(digits)[offsets[0] : offsets[-1]]) if digits else b""
    halved = ((offsets - offsets[0]) // 2).astype(np.int32)
    return pa.Array.from_buffers(
        pa.binary(), len(texts), [valid, pa.py_buffer(halved.tobytes()), pa.py_buffer(whole)]
    )
