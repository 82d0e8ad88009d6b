"""CSV that a spreadsheet cannot be tricked with, and the JSON beside it that says where it comes from (CSVW)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pandas as pd
from psycopg import sql

from geodata.export.arrow import KINDS, column_kinds, geometry_kinds
from geodata.export.blocks import blocks
from geodata.export.parcel import DIGITS, SHAPE, Parcel, opened, provenance_of, rows_sql

__all__ = ["BOM", "DANGEROUS", "csv_stream", "csvw_stream", "frame_csv", "harmless"]

BOM = b"\xef\xbb\xbf"
"""Spreadsheets take a file without it for the country's old encoding."""
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins so is a formula to some spreadsheet; the last four are the wide forms of the first."""
CHUNK = 1 << 18
CSVW = {
    "bool": "boolean",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "float4": "double",
    "float8": "double",
    "numeric": "double",
    "date": "date",
    "timestamptz": "dateTime",
}


def harmless(text: str) -> str:
    """`text` as a cell: one that a spreadsheet would run begins with an apostrophe, which makes it text."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def csv_stream(parcel: Parcel) -> Iterator[bytes]:
    """
    UTF-8 CSV with a head (RFC 4180), streamed: `lon` and `lat` of points in degrees, else `wkt`, EPSG:4326.

    Times are ISO 8601 in UTC; what is not known is an empty cell; text that would be a formula begins with an
    apostrophe.

    Raises
    ------
    DatabaseUnavailable
        If the database does not answer.
    NotFound
        If the area that is asked for does not exist.
    """
    with opened(parcel) as conn:
        provenance_of(conn, parcel)
        kinds = column_kinds(conn, parcel)
        pointed = geometry_kinds(conn, parcel) == ["Point"]
        columns = ["t.id"]
        columns += [f'{_cell(each, kinds[name])} AS "{name}"' for name, each in parcel.export.columns.items()]
        if pointed:
            columns += [
                f"round({axis}({SHAPE})::numeric, {DIGITS}) AS {name}"
                for axis, name in (("ST_X", "lon"), ("ST_Y", "lat"))
            ]
        else:
            columns.append(f"ST_AsText({SHAPE}, {DIGITS}) AS wkt")
        query = f"SELECT {', '.join(columns)} FROM {rows_sql(parcel)} ORDER BY {parcel.export.order}"  # noqa: S608
        statement = sql.SQL("COPY ({}) TO STDOUT WITH (FORMAT csv, HEADER)").format(
            sql.SQL(query)  # type: ignore[arg-type] - the catalogue's own SQL
        )
        yield BOM
        with conn.cursor() as cursor, cursor.copy(statement, parcel.chosen.parameters) as copy:
            yield from blocks(copy, CHUNK)


def _cell(expression: str, kind: str) -> str:
    """A cell's SQL: times as JSON writes them, truth as words, text that is no formula."""
    if kind == "timestamptz":
        return f"(to_json({expression}) #>> '{{}}')"
    if kind == "bool":
        return f"({expression})::text"
    if kind in KINDS:
        return f"({expression})"
    starts = ", ".join(f"E'\\u{ord(each):04x}'" for each in DANGEROUS)
    text = f"({expression})::text"
    return f"CASE WHEN left({text}, 1) IN ({starts}) THEN '''' || {text} ELSE {text} END"


def csvw_stream(parcel: Parcel) -> Iterator[bytes]:
    """What `csv_stream` cannot say of itself, as CSV on the Web (W3C) wants it: beside it as `….csv-metadata.json`."""
    with opened(parcel) as conn:
        told = provenance_of(conn, parcel)
        kinds = column_kinds(conn, parcel)
        pointed = geometry_kinds(conn, parcel) == ["Point"]
    columns = {"id": "integer"} | {name: CSVW.get(kind, "string") for name, kind in kinds.items()}
    columns |= {"lon": "double", "lat": "double"} if pointed else {"wkt": "string"}
    body = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": f"{parcel.layer}.csv",
        "dc:title": told["title"],
        "dc:license": told["licence"],
        "dc:source": told["attribution"],
        "tableSchema": {
            "columns": [{"name": name, "titles": name, "datatype": kind} for name, kind in columns.items()],
            "primaryKey": "id",
        },
        "dialect": {"encoding": "utf-8", "header": True},
        "huiyan": told,
    }
    yield json.dumps(body, ensure_ascii=False, indent=1).encode() + b"\n"


def frame_csv(table: pd.DataFrame) -> bytes:
    """A table on a screen as the same kind of CSV; the index is left out."""
    cells = table.copy()
    for name in cells.columns:
        column = cells[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            cells[name] = column.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            cells[name] = [harmless(each) if isinstance(each, str) else each for each in column]
    cells.columns = [harmless(str(name)) for name in cells.columns]
    return BOM + cells.to_csv(index=False, lineterminator="\r\n").encode()
