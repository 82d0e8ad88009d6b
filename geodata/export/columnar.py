"""GeoParquet, GeoPackage and FlatGeobuf from Arrow batches, with where they come from inside."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyproj import CRS

from analysis.crs import DISPLAY_EPSG
from geodata.export.arrow import GEOMETRY, ArrowRows, arrow_rows, geometry_kinds, placeless
from geodata.export.parcel import Parcel, opened, provenance_of

__all__ = [
    "DRIVERS",
    "chunks_of",
    "flatgeobuf_stream",
    "geopackage_stream",
    "geoparquet_stream",
    "parquet_chunks",
    "write_driver",
]

CHUNK = 1 << 20
GROUP_ROWS = 1 << 16
GROUP_BYTES = 1 << 24
"""Rows of a row group, and bytes of those that are long."""
DRIVERS = {"gpkg": "GPKG", "fgb": "FlatGeobuf"}
BOX = pa.struct([(side, pa.float64()) for side in ("xmin", "ymin", "xmax", "ymax")])


def geoparquet_stream(parcel: Parcel) -> Iterator[bytes]:
    """
    GeoParquet 1.1 in chunks, a row group each: WKB, bounds of each row, CRS as PROJJSON.

    Raises
    ------
    DatabaseUnavailable
        If the database does not answer.
    NotFound
        If the area that is asked for does not exist.
    """
    with opened(parcel) as conn:
        told = provenance_of(conn, parcel)
        kinds = geometry_kinds(conn, parcel)
        with arrow_rows(conn, parcel) as rows:
            yield from parquet_chunks(rows, told, kinds)


def geopackage_stream(parcel: Parcel) -> Iterator[bytes]:
    """As `geoparquet_stream`, a GeoPackage: a database cannot be written in one go, so it is made as a file first."""
    return _driven(parcel, "gpkg")


def flatgeobuf_stream(parcel: Parcel) -> Iterator[bytes]:
    """As `geopackage_stream`, FlatGeobuf: its index stands at the head and needs all rows."""
    return _driven(parcel, "fgb")


def _driven(parcel: Parcel, suffix: str) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="huiyan-export-") as folder:
        file = Path(folder) / f"{parcel.layer}.{suffix}"
        with opened(parcel) as conn:
            told = provenance_of(conn, parcel)
            kind, multi = one_kind(geometry_kinds(conn, parcel))
            whole = not placeless(conn, parcel)
            with arrow_rows(conn, parcel, multi=multi) as rows:
                write_driver(file, rows, told, kind, indexed=whole)
        yield from chunks_of(file)


def chunks_of(file: Path) -> Iterator[bytes]:
    """A file piece by piece."""
    with file.open("rb") as opened_file:
        while chunk := opened_file.read(CHUNK):
            yield chunk


def one_kind(kinds: Sequence[str]) -> tuple[str, bool]:
    """The one type that a layer of these types can have, and whether single ones must become several."""
    if len(kinds) == 1:
        return kinds[0], False
    if len(kinds) == 2 and kinds[0] == f"Multi{kinds[1]}":
        return kinds[0], True
    return "Unknown", False


class _Sink(io.RawIOBase):
    """What a writer wrote since it was last asked."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        """All of it."""
        whole = b"".join(self._parts)
        self._parts.clear()
        return whole


def parquet_chunks(rows: ArrowRows, told: Mapping[str, Any], kinds: Sequence[str]) -> Iterator[bytes]:
    """
    GeoParquet 1.1 of any rows with a column `geometry`.

    Parameters
    ----------
    rows
        EPSG:4326.
    told
        Where they come from; goes in under the key `huiyan`.
    kinds
        Types of geometry among them.
    """
    column = {
        "encoding": "WKB",
        "geometry_types": list(kinds),
        "crs": CRS.from_epsg(DISPLAY_EPSG).to_json_dict(),
        "covering": {"bbox": {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}},
    }
    if "bbox" in told:
        column["bbox"] = told["bbox"]
    geo = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
    schema = rows.schema.append(pa.field("bbox", BOX)).with_metadata(
        {"geo": json.dumps(geo), "huiyan": json.dumps(told, ensure_ascii=False)}
    )
    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for group in _groups(rows.batches):
            boxed = [
                pa.record_batch([*each.columns, _boxes(each.column(each.num_columns - 1))], schema=schema)
                for each in group
            ]
            writer.write_table(pa.Table.from_batches(boxed), row_group_size=GROUP_ROWS)
            yield sink.taken()
    yield sink.taken()


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Batches for a row group: many short rows, or fewer long ones."""
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if group and (rows + batch.num_rows > GROUP_ROWS or size > GROUP_BYTES):
            yield group
            group, rows, size = [], 0, 0
        group.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
    if group:
        yield group


def _boxes(shapes: pa.BinaryArray) -> pa.StructArray:
    bounds = shapely.bounds(shapely.from_wkb(shapes.to_numpy(zero_copy_only=False)))
    absent = shapes.is_null()
    sides = [pa.array(bounds[:, side], pa.float64(), mask=absent.to_numpy(False)) for side in range(4)]
    return pa.StructArray.from_arrays(sides, fields=list(BOX), mask=absent)


def write_driver(
    file: Path, rows: ArrowRows, told: Mapping[str, Any], kind: str, *, indexed: bool = True
) -> None:
    """
    A GeoPackage or a FlatGeobuf by the file's suffix.

    Parameters
    ----------
    rows, told
        As in `parquet_chunks`.
    kind
        The one type of geometry, or Unknown.
    indexed
        Every row has a place: FlatGeobuf's index takes no others.
    """
    driver = DRIVERS[file.suffix[1:]]
    text = json.dumps(told, ensure_ascii=False)
    title = str(told["title"])
    options: dict[str, Any] = (
        {"layer_metadata": {"huiyan": text}, "DESCRIPTION": str(told["method"]), "IDENTIFIER": title}
        if driver == "GPKG"
        else {"TITLE": title, "DESCRIPTION": text, "SPATIAL_INDEX": "YES" if indexed else "NO"}
    )
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(rows.schema, rows.batches),
        file,
        layer=str(told["name"]),
        driver=driver,
        geometry_name=GEOMETRY,
        geometry_type=kind,
        crs=f"EPSG:{DISPLAY_EPSG}",
        **options,
    )
