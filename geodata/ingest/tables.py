"""Tables as they stand in users' files: GeoJSON, CSV, GeoPackage, zipped shapefile."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely

from analysis.errors import HuiyanError, InputError
from geodata.errors import IngestError
from geodata.ingest.camera_columns import told_text
from geodata.ingest.sqlite import SQLITE_MAGIC, require_tables_only

__all__ = ["MOST_BYTES", "MOST_ROWS", "SUFFIXES", "FileTable", "RowFault", "dbf_encoding", "open_table"]

MOST_BYTES = 50_000_000
MOST_ROWS = 200_000
UNPACKED = 4
"""A zip may grow to so many times `MOST_BYTES`."""
SUFFIXES = (".geojson", ".json", ".csv", ".txt", ".tsv", ".gpkg", ".zip")
ENCODINGS = ("utf-8-sig", "gb18030")
SHAPEFILE = frozenset({".shp", ".shx", ".dbf", ".prj", ".cpg"})
SHP_MAGIC = b"\x00\x00\x27\x0a"


@dataclass(frozen=True)
class RowFault:
    """
    What is wrong with one row.

    Attributes
    ----------
    row
        Counted from 1, the heading not counted.
    column
        As the file calls it; None for the whole row.
    value
        As it stands there.
    error
        The sentence and its mend.
    """

    row: int
    column: str | None
    value: str
    error: HuiyanError


@dataclass
class FileTable:
    """
    Rows as they stand in a file.

    Attributes
    ----------
    columns
        Names of the columns.
    rows
        Column → value, row by row.
    shapes
        A Point or None a row, where the file has geometry.
    crs
        System that it declares: wgs84, EPSG:n or WKT.
    encoding
        Of its text; empty for binary files.
    faults
        Rows that cannot be read, by number from 1.
    """

    columns: list[str]
    rows: list[dict[str, Any]]
    shapes: npt.NDArray[np.object_] | None = None
    crs: str | None = None
    encoding: str = ""
    faults: dict[int, RowFault] = field(default_factory=dict)


def open_table(name: str, content: bytes) -> FileTable:
    """
    The rows of a file; its name's ending says what it is.

    Raises
    ------
    IngestError
        If it is too large, empty, of another kind or damaged.
    """
    if len(content) > MOST_BYTES:
        raise IngestError(
            "{name} has {size:.0f} MB.",
            "Files may have up to {most:.0f} MB: split it.",
            name=name,
            size=len(content) / 1e6,
            most=MOST_BYTES / 1e6,
        )
    suffix = PurePosixPath(name.lower()).suffix
    if suffix not in SUFFIXES:
        raise IngestError(
            "{name} is no kind of file that is read here.",
            "Choose one of {kinds}; save a spreadsheet as CSV.",
            name=name,
            kinds=", ".join(SUFFIXES),
        )
    if not content.strip():
        raise IngestError("{name} is empty.", "Choose another file.", name=name)
    readers = {".geojson": _geojson, ".json": _geojson, ".gpkg": _geopackage, ".zip": _shapefile}
    return readers.get(suffix, _csv)(name, content)


def _decoded(name: str, content: bytes) -> tuple[str, str]:
    """Text and its encoding: UTF-8, UTF-16 with its mark, or GB 18030."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        candidates: Sequence[str] = ("utf-16",)
    else:
        candidates = ENCODINGS
    for encoding in candidates:
        try:
            return content.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise IngestError(
        "{name} is neither UTF-8 nor GB 18030 text.",
        "Save it as UTF-8, or as CSV from your spreadsheet.",
        name=name,
    )


def _geojson(name: str, content: bytes) -> FileTable:
    text, encoding = _decoded(name, content)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IngestError(
            "{name} is not JSON ({why}).", "Export it again as GeoJSON.", name=name, why=told_text(error)
        ) from error
    features = body.get("features") if isinstance(body, dict) else None
    if not isinstance(features, list):
        raise IngestError(
            "{name} has no list of features.", "Give a GeoJSON FeatureCollection of points.", name=name
        )
    _require_rows(name, len(features))
    rows, shapes, faults = [], np.full(len(features), None, dtype=object), {}
    for number, feature in enumerate(features, start=1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        rows.append(properties if isinstance(properties, dict) else {})
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        shape = _point(geometry)
        if shape is None:
            told = geometry.get("type") if isinstance(geometry, dict) else geometry
            if told == "Point":
                told = geometry.get("coordinates")
            faults[number] = _no_point(number, "geometry", told_text(told))
        shapes[number - 1] = shape
    columns = list(dict.fromkeys(str(key) for row in rows for key in row))
    return FileTable(columns, rows, shapes, _declared_in_json(body), encoding, faults)


def _point(geometry: Any) -> shapely.Point | None:
    """A GeoJSON point with two numbers, or None."""
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    place = geometry.get("coordinates")
    if not isinstance(place, list) or len(place) < 2:
        return None
    if not all(isinstance(part, int | float) and not isinstance(part, bool) for part in place[:2]):
        return None
    try:
        return shapely.Point(float(place[0]), float(place[1]))
    except OverflowError:  # a whole number of hundreds of digits
        return None


def _declared_in_json(body: dict[str, Any]) -> str:
    """RFC 7946 knows WGS 84 only; older files name a system."""
    member = body.get("crs")
    about = member.get("properties") if isinstance(member, dict) else None
    named = about.get("name") if isinstance(about, dict) else None
    if not isinstance(named, str) or named.endswith("CRS84"):
        return "wgs84"
    return f"EPSG:{named.rsplit(':', 1)[-1]}" if named.rsplit(":", 1)[-1].isdigit() else named


def _csv(name: str, content: bytes) -> FileTable:
    text, encoding = _decoded(name, content)
    if "\0" in text:
        raise IngestError("{name} is not text.", "Save it as CSV.", name=name)
    head = text.lstrip("\ufeff\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|，", key=head.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return _csv_table(name, [line for line in lines if any(part.strip() for part in line)], encoding)
    except csv.Error as error:
        raise IngestError(
            "{name} cannot be read as a table ({why}).",
            "Save it as CSV again.",
            name=name,
            why=told_text(error),
        ) from error


def _csv_table(name: str, lines: list[list[str]], encoding: str) -> FileTable:
    if not lines:
        raise IngestError("{name} is empty.", "Choose another file.", name=name)
    columns = [part.strip().lstrip("\ufeff") for part in lines[0]]
    _require_rows(name, len(lines) - 1)
    rows, faults = [], {}
    for number, line in enumerate(lines[1:], start=1):
        extra = [part for part in line[len(columns) :] if part.strip()]
        if extra or len(line) < len(columns):
            faults[number] = RowFault(
                number,
                None,
                told_text(",".join(line)),
                InputError(
                    "Row {row} has {found} fields, but the heading has {wanted}.",
                    "Look for a missing or surplus separator, or put quotes around the text that holds it.",
                    row=number,
                    found=len(line),
                    wanted=len(columns),
                ),
            )
        rows.append(dict(zip(columns, line, strict=False)))
    return FileTable(columns, rows, encoding=encoding, faults=faults)


def _geopackage(name: str, content: bytes) -> FileTable:
    if not content.startswith(SQLITE_MAGIC):
        raise IngestError("{name} is not a GeoPackage.", "Export it again.", name=name)
    with tempfile.TemporaryDirectory() as folder:
        main = Path(folder) / "cameras.gpkg"
        main.write_bytes(content)
        require_tables_only(name, main)
        return _with_ogr(name, main)


def _shapefile(name: str, content: bytes) -> FileTable:
    """A zip with one shapefile; nothing else in it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, tempfile.TemporaryDirectory() as folder:
            members = [
                each for each in packed.infolist() if PurePosixPath(each.filename).suffix.lower() in SHAPEFILE
            ]
            wanted = [each for each in members if each.filename.lower().endswith(".shp")]
            if len(wanted) != 1:
                raise IngestError(
                    "{name} holds {count} shapefiles.", "Pack exactly one, with .shp, .shx, .dbf and .prj.",
                    name=name, count=len(wanted),
                )  # fmt: skip
            stem = PurePosixPath(wanted[0].filename).with_suffix("")
            members = [each for each in members if PurePosixPath(each.filename).with_suffix("") == stem]
            if sum(each.file_size for each in members) > UNPACKED * MOST_BYTES:
                raise IngestError(
                    "{name} unpacks to more than {most:.0f} MB.",
                    "Split it.",
                    name=name,
                    most=UNPACKED * MOST_BYTES / 1e6,
                )
            for each in members:
                target = Path(folder) / f"cameras{PurePosixPath(each.filename).suffix.lower()}"
                target.write_bytes(packed.read(each))
            main = Path(folder) / "cameras.shp"
            if main.read_bytes()[:4] != SHP_MAGIC:
                raise IngestError("{name} is not a shapefile.", "Export it again.", name=name)
            return _with_ogr(name, main, encoding=dbf_encoding(main))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise IngestError(
            "{name} cannot be unpacked ({why}).",
            "Pack it again, without a password.",
            name=name,
            why=told_text(error),
        ) from error


def dbf_encoding(main: Path) -> str | None:
    """Encoding of the attributes where no .cpg names it: UTF-8 if they are, else GB 18030."""
    table = main.with_suffix(".dbf")
    if main.with_suffix(".cpg").exists() or not table.exists():
        return None
    try:
        table.read_bytes()[32:].decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _with_ogr(name: str, source: Path, encoding: str | None = None) -> FileTable:
    """Points of the first layer that has any, through GDAL."""
    try:
        layers = pyogrio.list_layers(source)
        points = [layer for layer, kind in layers if kind is not None and "Point" in str(kind)]
        layer = points[0] if points else layers[0][0]
        info = pyogrio.read_info(source, layer=layer, encoding=encoding)
        _require_rows(name, max(int(info["features"]), 0))
        frame = pyogrio.read_dataframe(source, layer=layer, encoding=encoding)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        IndexError,
        UnicodeError,
        ValueError,
    ) as error:
        raise IngestError(
            "{name} cannot be read ({why}).", "Export it again.", name=name, why=told_text(error)
        ) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise IngestError("{name} has no points.", "Give a layer of points.", name=name)
    shapes = np.array(frame.geometry.array, dtype=object)
    faults = {}
    for number, shape in enumerate(shapes, start=1):
        if shape is None or shape.geom_type != "Point" or shape.is_empty:
            faults[number] = _no_point(number, "geometry", "" if shape is None else shape.geom_type)
            shapes[number - 1] = None
    plain = pd.DataFrame(frame.drop(columns=frame.geometry.name)).astype(object)
    plain = plain.where(plain.notna(), None)
    rows = [{str(k): v for k, v in row.items()} for row in plain.to_dict(orient="records")] or []
    code = frame.crs.to_epsg(min_confidence=60) if frame.crs is not None else None
    crs = f"EPSG:{code}" if code else frame.crs.to_wkt() if frame.crs is not None else None
    return FileTable([str(c) for c in plain.columns], rows, shapes, crs, encoding or "", faults)


def _require_rows(name: str, count: int) -> None:
    if not 1 <= count <= MOST_ROWS:
        raise IngestError(
            "{name} has {count} rows.", "Give 1 to {most} cameras.", name=name, count=count, most=MOST_ROWS
        )


def _no_point(row: int, column: str, value: str) -> RowFault:
    return RowFault(
        row,
        column,
        value,
        InputError(
            "The place of camera {row} is '{value}', not a point.",
            "Give it one position.",
            row=row,
            value=value,
        ),
    )
