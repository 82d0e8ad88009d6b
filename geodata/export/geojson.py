"""GeoJSON as RFC 7946 wants it, made by the database and streamed: memory stays flat however large the layer is."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from geodata import database
from geodata.errors import TwinError

__all__ = ["ExportQuery", "export_file", "geojson_stream"]

DIGITS = 7
"""Decimals of a degree: about a centimetre."""
CHUNK = 1 << 18


class ExportQuery(Protocol):
    """What is exported; `layers` binds one to each layer."""

    table: str
    columns: dict[str, str]
    join: str
    where: str
    order: str


def geojson_stream(
    layer: str, export: ExportQuery, title: str, method: str, datasets: Sequence[str], url: str | None = None
) -> Iterator[bytes]:
    """
    A FeatureCollection in chunks: EPSG:4326, right-hand rings, 7 decimals, bbox, and where it came from.

    All chunks come from one snapshot of the database.

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
    address = database.psycopg_url(url or database.database_url())
    try:
        with psycopg.connect(address, connect_timeout=5) as conn:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            conn.execute(f"SET LOCAL search_path TO {database.SEARCH_PATH}")
            conn.execute("SET LOCAL timezone TO 'UTC'")
            yield _head(conn, layer, export, title, method, datasets)
            yield from _features(conn, export)
            yield b"\n]}\n"
    except psycopg.OperationalError as error:
        raise database.unavailable(error) from error


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


def _head(
    conn: psycopg.Connection,
    layer: str,
    export: ExportQuery,
    title: str,
    method: str,
    datasets: Sequence[str],
) -> bytes:
    sources = conn.execute(
        "SELECT name, town, source, licence, revision, simulated, method FROM dataset"
        " WHERE name = ANY(%s) ORDER BY name",
        [list(datasets)],
    ).fetchall()
    box = conn.execute(
        f"SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM"  # noqa: S608 - the catalogue's own SQL
        f" (SELECT ST_Extent(ST_Transform(t.geom, 4326)) AS e FROM {_from(export)}) q"
    ).fetchone()
    members = {
        "type": "FeatureCollection",
        "name": layer,
        "title": title,
        "method": method,
        "town": sources[0][1] if sources else None,
        "crs_note": "EPSG:4326 (WGS 84), longitude before latitude, degrees; stored in EPSG:4490",
        "revision": max((row[4] for row in sources), default=0),
        "licence": "; ".join(sorted({row[3] for row in sources})),
        "attribution": "; ".join(sorted({row[2] for row in sources})),
        "simulated": any(row[5] for row in sources),
        "exported_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "sources": [
            {
                "dataset": r[0],
                "source": r[2],
                "licence": r[3],
                "revision": r[4],
                "simulated": r[5],
                "method": r[6],
            }
            for r in sources
        ],
    }
    if box and box[0] is not None:
        members["bbox"] = [round(value, DIGITS) for value in box]
    text = json.dumps(members, ensure_ascii=False, indent=1)
    return (text[:-2] + ',\n "features": [').encode()


def _from(export: ExportQuery) -> str:
    return f"{export.table} t {export.join} WHERE {export.where}"


def _features(conn: psycopg.Connection, export: ExportQuery) -> Iterator[bytes]:
    """Features as the server writes them: PostgreSQL makes the JSON, so every text is escaped by it."""
    pairs = ", ".join(f"'{name}', {expression}" for name, expression in export.columns.items())
    shape = f"coalesce(ST_AsGeoJSON(ST_ForcePolygonCCW(ST_Transform(t.geom, 4326)), {DIGITS}), 'null')"
    query = (
        f'SELECT \'{{"type":"Feature","id":\' || t.id || \',"geometry":\' || {shape} || \',"properties":\''  # noqa: S608
        f" || json_build_object({pairs})::text || '}}' FROM {_from(export)} ORDER BY {export.order}"
    )
    # COPY's CSV with control characters for quote and delimiter writes the text exactly as it is: JSON has neither
    statement = sql.SQL("COPY ({}) TO STDOUT WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')").format(
        sql.SQL(query)  # type: ignore[arg-type] - the catalogue's own SQL
    )
    waiting: list[bytes] = []
    size = 0
    before = b"\n"
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for row in copy:
            waiting.append(row)
            size += len(row)
            if size > CHUNK:
                yield before + _listed(waiting)
                before = b",\n"
                waiting, size = [], 0
    if waiting:
        yield before + _listed(waiting)


def _listed(rows: list[bytes]) -> bytes:
    """Lines as items of a JSON list: PostgreSQL's JSON has no line break but the one that ends each row."""
    return b"".join(rows)[:-1].replace(b"\n", b",\n")
