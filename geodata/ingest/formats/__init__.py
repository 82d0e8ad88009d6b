"""
Files of users as rows in batches, whatever their format.

One door: `opened`. Sizes and packed files are checked before anything is read, and formats are told by what is inside.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geodata.errors import IngestError
from geodata.ingest.formats.cityjson import is_cityjson, open_cityjson
from geodata.ingest.formats.ogr import open_ogr
from geodata.ingest.formats.parquet import open_parquet
from geodata.ingest.formats.source import Batch, Source
from geodata.ingest.formats.text import open_csv
from geodata.ingest.formats.zips import check_zip, unpack
from geodata.settings import settings

__all__ = ["FORMATS", "Batch", "Source", "opened", "require_size"]

TABLES = (".csv", ".tsv", ".txt")
GDAL = (".geojson", ".json", ".gpkg", ".fgb", ".xlsx", ".dxf")
PARQUET = (".parquet", ".geoparquet")
FORMATS: tuple[str, ...] = (*TABLES, *GDAL, *PARQUET, ".zip")
"""Endings of files that can be read; a shapefile comes in a zip."""
MOST_JSON = 500_000_000
"""Bytes of a CityJSON file, which is read as a whole."""


@contextmanager
def opened(
    path: Path, name: str | None = None, *, encoding: str | None = None, layer: str | None = None
) -> Iterator[Source]:
    """
    A file for reading; inside the block its batches can be read as often as one likes.

    Parameters
    ----------
    path
        Where it lies. Its ending says what it is.
    name
        As the person calls it; that of the path if not given.
    encoding
        Of its text, where the file does not say and guessing would fail.
    layer
        Of a file with several.

    Raises
    ------
    IngestError
        If there is no such file, or it is too large, empty, of another kind or damaged.
    """
    name = name or path.name
    require_size(name, path)
    with tempfile.TemporaryDirectory(prefix="huiyan-") as place:
        folder = Path(place)
        if path.suffix.lower() == ".zip":
            path = unpack(name, path, folder, tuple(each for each in FORMATS if each != ".zip"))
            require_size(name, path)
        yield _open(name, path, folder, encoding, layer)


def require_size(name: str, path: Path) -> None:
    """
    Refuses a file by its size alone, before it is read.

    Raises
    ------
    IngestError
        If it does not exist, is empty or above `TWIN_LOAD_MAX_MB`.
    """
    if not path.is_file():
        raise IngestError("There is no file {path}.", "Look at the path.", path=path)
    size, most = path.stat().st_size, settings().load_max_mb
    if size == 0:
        raise IngestError("{name} is empty.", "Choose another file.", name=name)
    if size > most * 1e6:
        raise IngestError(
            "{name} has {size:,.0f} MB; {most:,} MB are allowed.",
            "Split it, or set TWIN_LOAD_MAX_MB.",
            name=name,
            size=size / 1e6,
            most=most,
        )


def _open(name: str, path: Path, folder: Path, encoding: str | None, layer: str | None) -> Source:
    suffix = path.suffix.lower()
    if suffix in TABLES:
        return open_csv(name, path, encoding)
    if suffix in PARQUET:
        return open_parquet(name, path)
    if suffix == ".json" and is_cityjson(path):
        if path.stat().st_size > MOST_JSON:
            raise IngestError(
                "{name} has {size:,.0f} MB; {most:,} MB are allowed.",
                "Split it by districts: CityJSON is read as a whole.",
                name=name,
                size=path.stat().st_size / 1e6,
                most=MOST_JSON // 1_000_000,
            )
        return open_cityjson(name, path)
    if suffix == ".xlsx":
        check_zip(name, path)
    if suffix in (*GDAL, ".shp"):
        return open_ogr(name, path, folder, encoding=encoding, layer=layer)
    raise IngestError(
        "{name} is no kind of file that is read here.",
        "Choose one of {kinds}.",
        name=name,
        kinds=", ".join(FORMATS),
    )
