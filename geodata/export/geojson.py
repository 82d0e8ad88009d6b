"""GeoJSON as RFC 7946 wants it, made by the database and streamed: memory stays flat however large the layer is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from geodata.errors import TwinError
from geodata.export.arrow import column_types
from geodata.export.blocks import blocks
from geodata.export.features import feature_sql
from geodata.export.parcel import ExportQuery, Parcel, opened, provenance_of, rows_sql

__all__ = ["ExportQuery", "export_file", "geojson_parcel", "geojson_stream"]

CHUNK = 1 << 18


def geojson_stream(
    layer: str, export: ExportQuery, title: str, method: str, datasets: Sequence[str], url: str | None = None
) -> Iterator[bytes]:
    """
    All of a layer as GeoJSON: `geojson_parcel` without a choice of rows.

    Parameters
    ----------
    layer, title, method
        Written into the collection's members.
    export
        The query.
    datasets
        Whose source, licence and revision are written.
    url
        Address of the database; None: the one that settings name.

    Raises
    ------
    DatabaseUnavailable
        If the database does not answer.
    """
    return geojson_parcel(Parcel(layer, title, method, export, datasets, url=url))


def geojson_parcel(parcel: Parcel) -> Iterator[bytes]:
    """
    A FeatureCollection in chunks: EPSG:4326, right-hand rings, 7 decimals, bbox, and where it came from.

    All chunks come from one snapshot of the database.

    Raises
    ------
    DatabaseUnavailable
        If the database does not answer.
    NotFound
        If the area that is asked for does not exist.
    """
    with opened(parcel) as conn:
        yield _head({"type": "FeatureCollection", **provenance_of(conn, parcel)})
        yield from _features(conn, parcel)
        yield b"\n]}\n"


def export_file(path: Path, chunks: Iterator[bytes]) -> int:
    """
    Writes the stream to `path` and returns its bytes; a file half-written is never left behind.

    Raises
    ------
    TwinError
        If the folder does not exist or cannot be written.
    """
    part = path.with_name(path.name + ".part")
    size = 0
    try:
        with part.open("wb") as file:
            for chunk in chunks:
                size += file.write(chunk)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TwinError(
            "{path} cannot be written ({why}).",
            "Choose a folder that exists and that you own.",
            path=path,
            why=error,
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return size


def _head(members: dict[str, Any]) -> bytes:
    text = json.dumps(members, ensure_ascii=False, indent=1)
    return (text[:-2] + ',\n "features": [').encode()


def _features(conn: psycopg.Connection, parcel: Parcel) -> Iterator[bytes]:
    export = parcel.export
    feature = feature_sql(export.columns, column_types(conn, parcel))
    query = f"SELECT {feature} FROM {rows_sql(parcel)} ORDER BY {export.order}"  # noqa: S608
    # COPY's CSV with control characters for quote and delimiter writes the text exactly as it is: JSON has neither
    statement = sql.SQL("COPY ({}) TO STDOUT WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')").format(
        sql.SQL(query)  # type: ignore[arg-type] - the catalogue's own SQL
    )
    before = b"\n"
    with conn.cursor() as cursor, cursor.copy(statement, parcel.chosen.parameters) as copy:
        for rows in blocks(copy, CHUNK):
            # lines as items of a JSON list: PostgreSQL's JSON has no line break but the one that ends each row
            yield before + rows[:-1].replace(b"\n", b",\n")
            before = b",\n"
