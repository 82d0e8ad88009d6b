"""Formats that GDAL reads: GeoJSON, GeoPackage, shapefile, FlatGeobuf, DXF and XLSX, in batches of arrow."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

from analysis.errors import InputError
from geodata.errors import IngestError
from geodata.ingest.camera_columns import told_text
from geodata.ingest.formats.source import BATCH_ROWS, Batch, Source, shapes_of_wkb, unreadable
from geodata.ingest.formats.text import text_encoding
from geodata.ingest.sqlite import SQLITE_MAGIC, require_tables_only
from geodata.ingest.tables import SHP_MAGIC, dbf_encoding

__all__ = ["open_ogr"]

MAGICS = {".gpkg": SQLITE_MAGIC, ".fgb": b"fgb\x03", ".shp": SHP_MAGIC, ".xlsx": b"PK\x03\x04"}
"""How files of a format begin: GDAL goes by what is inside, and some of its formats name other files to read."""
NAMES = {".gpkg": "GeoPackage", ".fgb": "FlatGeobuf", ".shp": "shapefile", ".xlsx": "XLSX", ".dxf": "DXF"}
TROUBLES = (
    DataSourceError, DataLayerError, FeatureError, GeometryError, pa.ArrowException, UnicodeError, ValueError, OSError,
)  # fmt: skip
SHAPE = "wkb_geometry"


def open_ogr(
    name: str, path: Path, folder: Path, *, encoding: str | None = None, layer: str | None = None
) -> Source:
    """
    A file through GDAL; `folder` is there to write in and lasts as long as the source is read.

    Raises
    ------
    IngestError
        If it is not what its name says, damaged, or has several layers and none is named.
    """
    suffix = path.suffix.lower()
    _require_true(name, path, suffix)
    text = encoding
    if suffix == ".shp":
        text = encoding or dbf_encoding(path)
    elif suffix in (".geojson", ".json"):
        found = text_encoding(name, path, encoding)
        if found.removesuffix("-sig") != "utf-8":
            path, text = _as_utf8(path, found, folder), found
    where = f"GeoJSON:{path}" if suffix in (".geojson", ".json") else path
    options: dict[str, Any] = {"HEADERS": "FORCE"} if suffix == ".xlsx" else {}
    passed = text if suffix == ".shp" else None
    try:
        with _quiet(text if suffix == ".dxf" else None):
            chosen = _layer(name, where, layer)
            info = pyogrio.read_info(
                where, layer=chosen, encoding=passed, force_feature_count=True, **options
            )
    except TROUBLES as error:
        raise unreadable(name, error) from error
    columns = tuple(str(each) for each in info["fields"])
    crs = _declared(info["crs"], suffix)
    source = Source(
        name,
        columns,
        lambda: iter(()),
        max(int(info["features"]), 0),
        info["geometry_type"] is not None,
        crs,
        (text or "").removesuffix("-sig"),
        chosen if suffix in (".gpkg", ".xlsx") else "",
    )
    source.batches = lambda: _batches(
        source, where, chosen, passed, options, text if suffix == ".dxf" else None
    )
    return source


def _require_true(name: str, path: Path, suffix: str) -> None:
    with path.open("rb") as file:
        head = file.read(512)
    if not head.strip():
        raise IngestError("{name} is empty.", "Choose another file.", name=name)
    if suffix in (".geojson", ".json"):
        if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"{" and not head.startswith(
            (b"\xff\xfe", b"\xfe\xff")
        ):
            raise IngestError("{name} is not GeoJSON.", "Export it again as a FeatureCollection.", name=name)
        return
    true = (
        head.startswith(b"AutoCAD Binary DXF") or b"SECTION" in head or head.lstrip().startswith(b"999")
        if suffix == ".dxf"
        else head.startswith(MAGICS[suffix])
    )
    if not true:
        raise IngestError("{name} is not a {kind} file.", "Export it again.", name=name, kind=NAMES[suffix])
    if suffix == ".gpkg":
        require_tables_only(name, path)


def _as_utf8(path: Path, encoding: str, folder: Path) -> Path:
    """The same text in UTF-8."""
    out = folder / "recoded.geojson"
    with path.open("r", encoding=encoding) as given, out.open("w", encoding="utf-8") as taken:
        shutil.copyfileobj(given, taken)
    return out


@contextmanager
def _quiet(dxf_encoding: str | None) -> Iterator[None]:
    """GDAL's remarks on single shapes are told row by row instead; a DXF may be read in another encoding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dxf_encoding is None:
            yield
            return
        pyogrio.set_gdal_config_options({"DXF_ENCODING": dxf_encoding})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"DXF_ENCODING": None})


def _layer(name: str, where: Any, wanted: str | None) -> str:
    layers = [str(each) for each, _ in pyogrio.list_layers(where)]
    if not layers:
        raise IngestError("{name} is empty.", "Choose another file.", name=name)
    if wanted is not None and wanted not in layers:
        raise IngestError(
            "{name} has no layer '{layer}'.",
            "Name one of: {layers}.",
            name=name,
            layer=told_text(wanted),
            layers=told_text(", ".join(layers), most=200),
        )
    if wanted is None and len(layers) > 1:
        raise IngestError(
            "{name} has {count} layers.",
            "Name one of: {layers}.",
            name=name,
            count=len(layers),
            layers=told_text(", ".join(layers), most=200),
        )
    return wanted or layers[0]


def _declared(crs: Any, suffix: str) -> str | None:
    if crs is None or suffix == ".dxf":
        return None
    if suffix in (".geojson", ".json") and str(crs) in ("EPSG:4326", "OGC:CRS84"):
        return "wgs84"
    return str(crs)


def _batches(
    source: Source,
    where: Any,
    layer: str,
    encoding: str | None,
    options: dict[str, Any],
    dxf_encoding: str | None,
) -> Iterator[Batch]:
    source.faults.clear()
    first = 1
    try:
        with (
            _quiet(dxf_encoding),
            pyogrio.open_arrow(
                where, layer=layer, encoding=encoding, use_pyarrow=True, batch_size=BATCH_ROWS, **options
            ) as (meta, reader),
        ):
            shape = meta["geometry_name"] or SHAPE
            for batch in reader:
                table = pa.Table.from_batches([batch])
                numbers = np.arange(first, first + table.num_rows, dtype=np.int64)
                first += table.num_rows
                shapes = None
                if shape in table.column_names:
                    shapes = shapes_of_wkb(table[shape], numbers, source.faults)
                    table = table.drop_columns([shape])
                yield Batch(numbers, _plain(table), shapes)
    except InputError:
        raise
    except TROUBLES as error:
        raise unreadable(source.name, error) from error


def _plain(table: pa.Table) -> pa.Table:
    """Columns that arrow knows without extensions: mixed values come as JSON, which is text here."""
    for at, column in enumerate(table.columns):
        if isinstance(column.type, pa.BaseExtensionType):
            storage = pa.chunked_array([each.storage for each in column.chunks], column.type.storage_type)
            table = table.set_column(at, table.column_names[at], storage)
    return table
