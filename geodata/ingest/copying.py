"""Bulk writing with COPY, inside the caller's transaction."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely
from psycopg import sql
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Float, Integer, SmallInteger
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG
from geodata.errors import IngestError
from geodata.ingest.packing import WIDTHS, gapped, packed_chunks
from geodata.models import Base

__all__ = ["copy_arrays", "copy_rows"]

BINARY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BINARY_END = b"\xff\xff"
POSTGRES_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def copy_rows(session: Session, table: str, rows: pd.DataFrame | gpd.GeoDataFrame) -> int:
    """
    Appends `rows` to `table` and returns how many there were.

    Columns are matched by name; the geometry column goes to `geom` and must be in CGCS2000 or WGS 84 degrees.
    Part of the session's transaction: an error leaves nothing behind.

    Raises
    ------
    IngestError
        If a column does not exist in the table or the geometry is not in degrees.
    """
    plain = pd.DataFrame(rows)
    if isinstance(rows, gpd.GeoDataFrame):
        if rows.crs is None or not rows.crs.is_geographic:
            raise IngestError(
                "Rows for {table} are not in degrees.",
                "Convert them first: frame.to_crs({epsg}).",
                table=table,
                epsg=STORAGE_EPSG,
            )
        wkb = shapely.to_wkb(
            shapely.set_srid(rows.geometry.values, STORAGE_EPSG), hex=True, include_srid=True
        )
        plain = plain.drop(columns=rows.geometry.name).assign(geom=wkb)
    _require_known(table, plain.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, plain.columns))
    )
    raw = session.connection().connection.driver_connection
    assert raw is not None
    columns = [_clean(plain[name]) for name in plain.columns]
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for row in zip(*columns, strict=True):
            copy.write_row(row)
    return len(plain)


def copy_arrays(
    session: Session,
    table: str,
    columns: Mapping[str, Any],
    *,
    into: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> int:
    """
    Appends rows given column by column and returns how many there were.

    They go over in PostgreSQL's binary form, several times faster than with `copy_rows`. Part of the session's
    transaction: an error leaves nothing behind.

    Parameters
    ----------
    session
        Whose transaction.
    table
        Where to.
    columns
        Name → an array of numbers, truth values or moments (UTC, as numpy keeps them), without gaps; an arrow array
        of numbers, truth values, moments, days, texts or bytes, whose nulls become NULL; a list of extended
        well-known binary with EPSG:4490 in it; or one text, number or moment for all rows.
    into
        Another table with the same columns that takes them instead, such as a temporary one.
    extra
        Columns that only `into` has → their PostgreSQL type, a key of `packing.WIDTHS` or text; given as arrow arrays.

    Raises
    ------
    IngestError
        If a column does not exist in the table.
    """
    extra = extra or {}
    columns = {
        name: _whole(values) if isinstance(values, pa.ChunkedArray) else values
        for name, values in columns.items()
    }
    _require_known(table, [name for name in columns if name not in extra])
    loose = [name for name, values in columns.items() if isinstance(values, (list, pa.Array))]
    fixed = [name for name in columns if name not in loose]
    count = max(len(v) for v in columns.values() if isinstance(v, (list, np.ndarray, pa.Array)))
    known = Base.metadata.tables[table].columns
    fields: list[tuple[str, npt.DTypeLike, Any]] = [("fields", ">i2", len(columns))]
    for name in fixed:
        dtype, values = _binary(known[name], columns[name])
        fields += [(f"{name} size", ">i4", dtype.itemsize), (name, dtype, values)]
    rows = np.empty(count, dtype=[(name, dtype) for name, dtype, _ in fields])
    for name, _, values in fields:
        rows[name] = values
    behind = [
        gapped(
            pa.array(values, pa.large_binary()) if isinstance(values, list) else values,
            extra[name] if name in extra else _kind(known[name]),
        )
        for name, values in ((name, columns[name]) for name in loose)
    ]
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(into or table), sql.SQL(", ").join(map(sql.Identifier, [*fixed, *loose]))
    )
    raw = session.connection().connection.driver_connection
    assert raw is not None
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(BINARY_HEAD)
        for chunk in _one_ahead(packed_chunks(rows, behind)):
            copy.write(chunk)
        copy.write(BINARY_END)
    return count


def _one_ahead(chunks: Iterator[memoryview]) -> Iterator[memoryview]:
    """The same chunks; the next is packed while the server takes in the last."""
    with ThreadPoolExecutor(1, "packing") as packer:
        coming = packer.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = packer.submit(next, chunks, None)
            yield chunk


def _whole(values: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)


def _kind(column: Column[Any]) -> str:
    """PostgreSQL's name of a column's type, as far as it goes over in a form of its own."""
    # the first that fits: whole numbers are each other's subclasses
    for kind, name in (
        (Boolean, "bool"),
        (BigInteger, "int8"),
        (SmallInteger, "int2"),
        (Integer, "int4"),
        (Float, "float8"),
        (DateTime, "timestamptz"),
        (Date, "date"),
    ):
        if isinstance(column.type, kind):
            return name
    return "bytes"


def _binary(column: Column[Any], values: Any) -> tuple[np.dtype[Any], Any]:
    """How a value of the column goes over, and the values in that form."""
    if isinstance(values, str):
        text = values.encode()
        return np.dtype(f"V{len(text)}"), np.void(text)
    if isinstance(values, dt.datetime):
        return np.dtype(">i8"), (values - POSTGRES_EPOCH) // dt.timedelta(microseconds=1)
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        unit, dtype = ("D", ">i4") if isinstance(column.type, Date) else ("us", ">i8")
        since = values.astype(f"M8[{unit}]") - np.datetime64("2000-01-01", unit)
        return np.dtype(dtype), since.astype(np.int64)
    kind = _kind(column)
    if kind not in WIDTHS:
        raise TypeError(f"{column.name} is neither number nor truth value")
    return np.dtype(WIDTHS[kind]), values


def _require_known(table: str, columns: Any) -> None:
    known = Base.metadata.tables[table].columns
    strange = [column for column in columns if column not in known]
    if strange:
        raise IngestError("Table {table} has no column {names}.", table=table, names=", ".join(strange))


def _clean(column: pd.Series[Any]) -> list[Any]:
    """Values that psycopg writes: Python objects, None for everything that is missing."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return [None if pd.isna(value) else value.to_pydatetime() for value in column]
    values = column.to_numpy(dtype=object, na_value=None)
    return [
        None
        if value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and math.isnan(value))
        else value.item()
        if isinstance(value, np.generic)
        else value
        for value in values
    ]
