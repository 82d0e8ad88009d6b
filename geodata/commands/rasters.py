"""Taking a raster in: a GeoTIFF, checked, copied below the data folder and registered."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.transform
import shapely
from pyproj import Geod
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from sqlalchemy import text

from geodata import database
from geodata.commands.datasets import Provenance, record
from geodata.errors import IngestError
from geodata.ingest.camera_columns import told_text
from geodata.ingest.formats import require_size
from geodata.ingest.places import to_degrees
from geodata.progress import Progress, silent
from geodata.queries.datasets import loaded_town
from geodata.settings import settings

__all__ = ["FOLDER", "SUFFIXES", "Raster", "load_raster"]

FOLDER = "rasters"
"""Below the data folder."""
SUFFIXES = (".tif", ".tiff")
MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_PIXELS = 40_000_000_000
GEOD = Geod(ellps="GRS80")


@dataclass(frozen=True)
class Raster:
    """A raster as it is registered; `resolution_m` is the ground size of a pixel in its middle."""

    name: str
    path: Path
    crs: str
    width_px: int
    height_px: int
    bands: int
    resolution_m: float
    bounds: Any


def load_raster(
    path: Path,
    *,
    name: str = "",
    source: str = "",
    licence: str = "unknown",
    taken_on: str | None = None,
    crs: str | None = None,
    progress: Progress = silent,
) -> Raster:
    """
    Copies a GeoTIFF below the data folder and registers it; one of the same name is replaced.

    Parameters
    ----------
    path
        Where it lies.
    name
        As the person calls it; that of the path if empty.
    source, licence
        Where it comes from, and under which licence; an empty source is the file's name.
    taken_on
        The day that it shows, such as 2026-01-31.
    crs
        Its system, where the file does not say.

    Raises
    ------
    IngestError
        If it is no GeoTIFF, has no place, is damaged or lies outside the town. Nothing is kept then.
    """
    name = name or path.name
    require_size(name, path)
    day = _day(taken_on)
    found = _looked_at(name, path, crs)
    progress(0, 2, "Copying the raster")
    with database.transaction() as session:
        town = loaded_town(session)
        inside = session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM area WHERE kind = 'county'"
                " AND ST_Intersects(geom, ST_GeomFromWKB(:shape, 4490)))"
            ),
            {"shape": shapely.to_wkb(found.bounds)},
        )
        if not inside:
            raise IngestError(
                "{name} lies outside the town.", "Look at its system, or load another town.", name=name
            )
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        folder = settings().data_dir / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        target, part = folder / f"{digest[:16]}.tif", folder / f"{digest[:16]}.part"
        shutil.copyfile(path, part)
        part.replace(target)
        progress(1, 2, "Copying the raster")
        before = session.scalar(text("SELECT path FROM raster_asset WHERE name = :name"), {"name": name})
        session.execute(
            text(
                "INSERT INTO raster_asset (name, path, sha256, bytes, crs, width_px, height_px, bands, resolution_m,"
                " taken_on, source, licence, bounds) VALUES (:name, :path, :sha256, :bytes, :crs, :width, :height,"
                " :bands, :resolution, :taken_on, :source, :licence, ST_GeomFromWKB(:shape, 4490))"
                " ON CONFLICT (name) DO UPDATE SET path = excluded.path, sha256 = excluded.sha256,"
                " bytes = excluded.bytes, crs = excluded.crs, width_px = excluded.width_px,"
                " height_px = excluded.height_px, bands = excluded.bands, resolution_m = excluded.resolution_m,"
                " taken_on = excluded.taken_on, source = excluded.source, licence = excluded.licence,"
                " bounds = excluded.bounds, loaded_at = now()"
            ),
            {
                "name": told_text(name, most=200),
                "path": f"{FOLDER}/{target.name}",
                "sha256": digest,
                "bytes": path.stat().st_size,
                "crs": found.crs,
                "width": found.width_px,
                "height": found.height_px,
                "bands": found.bands,
                "resolution": found.resolution_m,
                "taken_on": day,
                "source": source or name,
                "licence": licence,
                "shape": shapely.to_wkb(found.bounds),
            },
        )
        told = {"source": source or name, "licence": licence, "method": "loaded from a file"}
        made = Provenance(**told, simulated=False)
        record(session, "raster_asset", town.name, made)
        used = session.scalars(text("SELECT path FROM raster_asset")).all()
    if before and before not in used:
        (settings().data_dir / before).unlink(missing_ok=True)
    progress(2, 2, "Copying the raster")
    return Raster(
        name,
        target,
        found.crs,
        found.width_px,
        found.height_px,
        found.bands,
        found.resolution_m,
        found.bounds,
    )


def _day(told: str | None) -> dt.date | None:
    if not told:
        return None
    try:
        return dt.date.fromisoformat(told)
    except ValueError as error:
        raise IngestError("'{day}' is no day.", "Write it as 2026-01-31.", day=told_text(told)) from error


def _looked_at(name: str, path: Path, crs: str | None) -> Raster:
    with path.open("rb") as file:
        head = file.read(4)
    if path.suffix.lower() not in SUFFIXES or head not in MAGICS:
        raise IngestError("{name} is not a GeoTIFF.", "Export it again as GeoTIFF.", name=name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, driver="GTiff") as image:
                system = crs or (image.crs.to_string() if image.crs else None)
                if system is None or image.transform.is_identity:
                    raise IngestError(
                        "{name} does not say where it lies.",
                        "Give it a place in a GIS, or name its system.",
                        name=name,
                    )
                if image.width * image.height > MOST_PIXELS:
                    raise IngestError("{name} has too many pixels.", "Cut it into sheets.", name=name)
                wide_px, high_px = image.width, image.height
                ends = ((0, 0), (wide_px, 0), (wide_px, high_px), (0, high_px))
                corners = [
                    rasterio.transform.xy(image.transform, row, column, offset="ul") for column, row in ends
                ]
                _read_ends(image)
                shape = _in_degrees(np.asarray(corners), system)
                wide = GEOD.geometry_length(shapely.LineString(shape.exterior.coords[:2]))
                return Raster(
                    name,
                    path,
                    system,
                    image.width,
                    image.height,
                    image.count,
                    wide / image.width,
                    shape,
                )
    except RasterioError as error:
        raise IngestError(
            "{name} cannot be read ({why}).", "Export it again.", name=name, why=told_text(error, most=200)
        ) from error


def _read_ends(image: Any) -> None:
    """Reads the first and the last row, so that a file that was cut off is told now."""
    for row in (0, image.height - 1):
        image.read(1, window=rasterio.windows.Window(0, row, image.width, 1))


def _in_degrees(corners: Any, system: str) -> Any:
    shape = to_degrees(np.array([shapely.Polygon(corners)], dtype=object), system)[0]
    if not np.isfinite(shapely.bounds(shape)).all():
        raise IngestError(
            "The coordinates of the raster are of no place in {crs}.",
            "Name the system that they are in.",
            crs=told_text(system),
        )
    return shape
