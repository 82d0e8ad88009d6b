"""CityJSON: footprint and height of buildings at the first level of detail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from analysis.errors import InputError
from geodata.errors import IngestError
from geodata.ingest.formats.source import BATCH_ROWS, Batch, Source, unreadable
from geodata.ingest.tables import RowFault

__all__ = ["is_cityjson", "open_cityjson"]

Vertices: TypeAlias = npt.NDArray[np.float64]

VERSIONS = ("1.", "2.")
KINDS = ("Building", "BuildingPart")
FLAT_M = 0.05
"""Corners of a ground surface differ by at most so much in height."""
HEIGHTS = ("measuredHeight", "height", "b3_h_dak_max")
USES = ("function", "usage", "class")


def is_cityjson(path: Path) -> bool:
    """The file says that it is CityJSON, within its first kilobytes or at its end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4096)
        file.seek(max(size - 4096, 0))
        tail = file.read(4096)
    return b'"CityJSON"' in head or b'"CityJSON"' in tail


def open_cityjson(name: str, path: Path) -> Source:
    """
    Buildings of a CityJSON file: columns `id`, `height_m`, `name`, `use`, `levels`, and footprints.

    Height is that of the solid, from its lowest to its highest corner. A building in parts is one row a part.

    Raises
    ------
    IngestError
        If it is damaged, of an unknown version or without buildings.
    """
    try:
        body = json.loads(path.read_text("utf-8-sig"))
        version = str(body.get("version", ""))
        objects = body["CityObjects"]
        vertices = np.asarray(body["vertices"], dtype=float).reshape(-1, 3)
        if turn := body.get("transform"):
            vertices = vertices * np.asarray(turn["scale"]) + np.asarray(turn["translate"])
        system = (body.get("metadata") or {}).get("referenceSystem")
        wanted = {
            key: each for key, each in objects.items() if each.get("type") in KINDS and each.get("geometry")
        }
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise unreadable(name, error) from error
    if not version.startswith(VERSIONS):
        raise IngestError(
            "{name} is CityJSON {version}.", "Give it in version 1 or 2.", name=name, version=version or "?"
        )
    if not wanted:
        raise IngestError("{name} holds no building with a shape.", "Export buildings with it.", name=name)
    columns = ("id", "height_m", "name", "use", "levels")
    source = Source(name, columns, lambda: iter(()), len(wanted), True, _declared(system))
    source.batches = lambda: _batches(source, wanted, vertices)
    return source


def _declared(system: Any) -> str | None:
    """https://www.opengis.net/def/crs/EPSG/0/7415 and urn:ogc:def:crs:EPSG::7415 → EPSG:7415."""
    code = str(system or "").replace("::", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return f"EPSG:{code}" if code.isdigit() else None


def _batches(source: Source, objects: dict[str, Any], vertices: Vertices) -> Iterator[Batch]:
    source.faults.clear()
    items = list(objects.items())
    for first in range(0, len(items), BATCH_ROWS):
        part = items[first : first + BATCH_ROWS]
        rows: list[dict[str, Any]] = []
        shapes = np.full(len(part), None, dtype=object)
        for at, (key, each) in enumerate(part):
            number = first + at + 1
            try:
                shapes[at], height = _solid(each["geometry"], vertices)
            except (ValueError, KeyError, IndexError, TypeError, shapely.errors.GEOSException):
                height = None
                error = InputError(
                    "The shape of row {row} cannot be read.",
                    "Draw it anew, or leave the row out.",
                    row=number,
                )
                source.faults.append(RowFault(number, "geometry", str(key)[:40], error))
            told = each.get("attributes")
            rows.append(_facts(str(key), told if isinstance(told, dict) else {}, height))
        schema = pa.schema(
            [(n, pa.float64() if n in ("height_m", "levels") else pa.string()) for n in source.columns]
        )
        numbers = np.arange(first + 1, first + len(part) + 1, dtype=np.int64)
        yield Batch(numbers, pa.Table.from_pylist(rows, schema=schema), shapes)


def _facts(key: str, attributes: dict[str, Any], height: float | None) -> dict[str, Any]:
    measured = next((v for n in HEIGHTS if (v := _number(attributes.get(n))) is not None), height)
    return {
        "id": key,
        "height_m": measured,
        "name": None if attributes.get("name") is None else str(attributes["name"]),
        "use": next((str(attributes[n]) for n in USES if attributes.get(n) is not None), None),
        "levels": _number(attributes.get("storeysAboveGround")),
    }


def _number(value: Any) -> float | None:
    """A number that can be one of a building; None for everything else."""
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return None


def _solid(geometries: list[dict[str, Any]], vertices: Vertices) -> tuple[Any, float]:
    """Footprint and height of the coarsest geometry that stands in space."""
    best = min(
        (each for each in geometries if each["type"] in ("Solid", "MultiSurface", "CompositeSurface")),
        key=lambda each: (float(str(each.get("lod", 1))[:3]) < 1, float(str(each.get("lod", 1))[:3])),
    )
    shells = best["boundaries"] if best["type"] == "Solid" else [best["boundaries"]]
    faces = [[vertices[np.asarray(ring, dtype=int)] for ring in face] for face in shells[0]]
    lowest = min(float(ring[:, 2].min()) for face in faces for ring in face)
    highest = max(float(ring[:, 2].max()) for face in faces for ring in face)
    ground = [face for face in faces if all(ring[:, 2].max() <= lowest + FLAT_M for ring in face)]
    flat = [_flat(face) for face in (ground or faces)]
    footprint = shapely.union_all([each for each in flat if each.area > 0])
    if footprint.is_empty:
        raise ValueError("no ground")
    return footprint, highest - lowest


def _flat(face: list[Vertices]) -> Any:
    """A face as seen from above."""
    outer, *holes = [ring[:, :2] for ring in face]
    shape = shapely.Polygon(outer, holes)
    return shape if shape.is_valid else shapely.make_valid(shape)
