"""GeoParquet, and Parquet without geometry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS
from pyproj.exceptions import CRSError

from geodata.errors import IngestError
from geodata.ingest.camera_columns import told_text
from geodata.ingest.formats.source import BATCH_ROWS, Batch, Source, shapes_of_wkb, unreadable

__all__ = ["open_parquet"]

TROUBLES = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError)


def open_parquet(name: str, path: Path) -> Source:
    """
    A GeoParquet file with its primary geometry as well-known binary; other geometries are left out.

    Raises
    ------
    IngestError
        If it is damaged or keeps geometry otherwise.
    """
    try:
        file = pq.ParquetFile(path)
        schema, rows = file.schema_arrow, int(file.metadata.num_rows)
        file.close()
        told = json.loads((schema.metadata or {}).get(b"geo", b"null"))
        shape = told["primary_column"] if told else None
        about: dict[str, Any] = told["columns"] if told else {}
        encoding = about[shape]["encoding"] if told else "WKB"
    except TROUBLES as error:
        raise unreadable(name, error) from error
    if str(encoding).upper() != "WKB":
        raise IngestError(
            "{name} keeps its geometry as {encoding}.",
            "Write it with the encoding WKB.",
            name=name,
            encoding=told_text(encoding),
        )
    columns = tuple(each for each in schema.names if each not in about)
    crs = _declared(name, about[shape]) if told else None
    source = Source(name, columns, lambda: iter(()), rows, told is not None, crs)
    source.batches = lambda: _batches(source, path, shape)
    return source


def _declared(name: str, column: dict[str, Any]) -> str | None:
    """Absent: longitude and latitude of CRS84, as the format says; null: not known."""
    if "crs" not in column:
        return "wgs84"
    if column["crs"] is None:
        return None
    try:
        system = CRS.from_user_input(column["crs"])
    except CRSError as error:
        raise unreadable(name, error) from error
    code = system.to_epsg(min_confidence=60)
    return f"EPSG:{code}" if code else "wgs84" if system == CRS("OGC:CRS84") else system.to_wkt()


def _batches(source: Source, path: Path, shape: str | None) -> Iterator[Batch]:
    source.faults.clear()
    first, wanted = 1, [*source.columns, *([shape] if shape else [])]
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
                table = pa.Table.from_batches([batch])
                numbers = np.arange(first, first + table.num_rows, dtype=np.int64)
                first += table.num_rows
                shapes = None
                if shape is not None:
                    shapes = shapes_of_wkb(table[shape], numbers, source.faults)
                    table = table.drop_columns([shape])
                yield Batch(numbers, table, shapes)
    except TROUBLES as error:
        raise unreadable(source.name, error) from error
