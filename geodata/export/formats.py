"""The formats that a layer leaves the house in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from geodata.errors import NotFound
from geodata.export.columnar import flatgeobuf_stream, geopackage_stream, geoparquet_stream
from geodata.export.geojson import geojson_parcel
from geodata.export.parcel import Parcel
from geodata.export.tables import csv_stream, csvw_stream

__all__ = ["FORMATS", "Format", "export_format"]


@dataclass(frozen=True)
class Format:
    """A format: its name for readers, its media type, and what makes it."""

    title: str
    media_type: str
    stream: Callable[[Parcel], Iterator[bytes]]


FORMATS = {
    "geojson": Format("GeoJSON", "application/geo+json", geojson_parcel),
    "parquet": Format("GeoParquet", "application/vnd.apache.parquet", geoparquet_stream),
    "gpkg": Format("GeoPackage", "application/geopackage+sqlite3", geopackage_stream),
    "fgb": Format("FlatGeobuf", "application/flatgeobuf", flatgeobuf_stream),
    "csv": Format("CSV", "text/csv; charset=utf-8", csv_stream),
    "csv-metadata.json": Format("CSVW", "application/csvm+json", csvw_stream),
}
"""Suffix → format. The last one tells where the CSV comes from, which a CSV cannot."""


def export_format(suffix: str) -> Format:
    """
    The format of files that end in `suffix`, without its dot.

    Raises
    ------
    NotFound
        If there is none; the message lists those there are.
    """
    try:
        return FORMATS[suffix]
    except KeyError:
        raise NotFound(
            "There is no format '{suffix}'.",
            "Choose one of: {names}.",
            suffix=suffix,
            names=", ".join(FORMATS),
        ) from None
