"""The one door for users' files: proposed cameras from GeoJSON, CSV, GeoPackage and zipped shapefiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.errors import InputError
from analysis.visibility import camera_faults
from geodata.errors import IngestError
from geodata.ingest.camera_columns import (
    DEFAULTS,
    NEEDED,
    NUMBERS,
    matched_columns,
    parse_number,
    told_text,
)
from geodata.ingest.places import SAMPLE, Hint, better_reading, likely_systems, to_metres
from geodata.ingest.tables import MOST_BYTES, MOST_ROWS, SUFFIXES, FileTable, RowFault, open_table

__all__ = [
    "MOST_BYTES",
    "MOST_ROWS",
    "SUFFIXES",
    "CrsNeeded",
    "Hint",
    "Reading",
    "RowFault",
    "read_cameras",
    "take_cameras",
]

Floats = npt.NDArray[np.float64]

MOST_COLUMNS = 200
MOST_RANGE_M = 5_000.0
"""A longer range is a slip of the pen."""
MAY_BE_EMPTY = frozenset({"cost"})


class CrsNeeded(IngestError):
    """Metres of an unknown system: the person has to say which."""


@dataclass(frozen=True, eq=False)
class Reading:
    """
    What was read.

    Attributes
    ----------
    cameras
        Good rows in the town's metres, indexed by row number: heading_deg, hfov_deg, range_m, height_m, tilt_deg,
        vfov_deg, resolution_px, cost, code, name, area_class, owner.
    faults
        What is wrong with the others.
    rows
        How many rows there are.
    columns
        Our columns → those of the file.
    assumed
        Columns that the file does not have → the value that was taken.
    crs
        System of the coordinates: wgs84, gcj02, bd09 or EPSG:n.
    encoding
        Of the text; empty for binary files.
    hint
        A better reading of the coordinates, if there is one.
    """

    cameras: gpd.GeoDataFrame
    faults: tuple[RowFault, ...]
    rows: int
    columns: Mapping[str, str]
    assumed: Mapping[str, float]
    crs: str
    encoding: str
    hint: Hint | None


def read_cameras(
    name: str,
    content: bytes,
    *,
    epsg: int,
    land: gpd.GeoDataFrame,
    landmarks: gpd.GeoDataFrame | None = None,
    crs: str | None = None,
    exchanged: bool = False,
) -> Reading:
    """
    Cameras from a file that somebody chose.

    A row that is wrong is told with column, value and mend, and stops no other.

    Parameters
    ----------
    name
        Name of the file; its ending says what it is.
    content
        Its bytes.
    epsg
        The town's metric system.
    land
        Ground of the town in that system; a camera outside is at fault.
    landmarks
        Streets and lamp posts in that system, to notice coordinates shifted as on Chinese web maps.
    crs
        System of the coordinates: wgs84, gcj02, bd09 or EPSG:n; None: as the file declares.
    exchanged
        Its first coordinate is the second.

    Raises
    ------
    IngestError
        If the file cannot be read at all: too large, of another kind, damaged, without needed columns.
    CrsNeeded
        If its coordinates are metres of a system that it does not name; the mend lists those that would fit.
    InputError
        If `crs` is no system.
    """
    table = open_table(name, content)
    return _checked(name, table, epsg, land, landmarks, crs, exchanged)


def take_cameras(
    rows: pd.DataFrame,
    *,
    epsg: int,
    land: gpd.GeoDataFrame,
    landmarks: gpd.GeoDataFrame | None = None,
    crs: str | None = None,
) -> Reading:
    """Cameras from a table that somebody typed, with `lon_deg` and `lat_deg`; otherwise as `read_cameras`."""
    plain = rows.astype(object).where(rows.notna(), None)
    records = [{str(name): value for name, value in row.items()} for row in plain.to_dict(orient="records")]
    table = FileTable([str(column) for column in rows.columns], records)
    return _checked("the table", table, epsg, land, landmarks, crs, exchanged=False)


def _checked(
    name: str,
    table: FileTable,
    epsg: int,
    land: gpd.GeoDataFrame,
    landmarks: gpd.GeoDataFrame | None,
    crs: str | None,
    exchanged: bool,
) -> Reading:
    columns = matched_columns(table.columns)
    _require_columns(name, table, columns)
    places, degrees = _places(table, columns)
    if exchanged:
        places = places[:, ::-1]
    used = crs or table.crs or ("wgs84" if degrees else None)
    if used is None:
        raise _crs_needed(name, places, epsg, land)
    metres = to_metres(places, used, epsg)
    assumed = {each: value for each, value in DEFAULTS.items() if each not in columns}
    cameras = gpd.GeoDataFrame(
        {each: _numbers(table, columns, each) for each in NUMBERS if each in columns}
        | _words(table, columns),
        index=pd.RangeIndex(1, len(table.rows) + 1, name="row"),
        geometry=gpd.points_from_xy(*metres.T),
        crs=epsg,
    ).assign(**assumed)
    _tell_values(cameras, table, columns)
    _tell_cameras(cameras, table, columns, land, places)
    good = cameras[~cameras.index.isin(list(table.faults))]
    return Reading(
        cameras=good,
        faults=tuple(table.faults[row] for row in sorted(table.faults)),
        rows=len(table.rows),
        columns=columns,
        assumed=assumed,
        crs=used,
        encoding=table.encoding,
        hint=better_reading(places, used, exchanged=exchanged, epsg=epsg, land=land, landmarks=landmarks),
    )


def _require_columns(name: str, table: FileTable, columns: Mapping[str, str]) -> None:
    if len(table.columns) > MOST_COLUMNS:
        raise IngestError(
            "{name} has {count} columns.", "Keep those of the cameras.", name=name, count=len(table.columns)
        )
    missing = [each for each in NEEDED if each not in columns]
    placed = (
        table.shapes is not None
        or {"lon_deg", "lat_deg"} <= columns.keys()
        or {"x_m", "y_m"} <= columns.keys()
    )
    if not placed:
        missing.insert(0, "lon_deg, lat_deg")
    if missing:
        raise IngestError(
            "{name} lacks the column(s) {missing}.",
            "Add them (longitude 经度, latitude 纬度, heading 方位角); it has {present}.",
            name=name,
            missing=", ".join(missing),
            present=told_text(", ".join(table.columns)) or "-",
        )


def _places(table: FileTable, columns: Mapping[str, str]) -> tuple[Floats, bool]:
    """Both coordinates of every row as they stand in the file, NaN where they cannot be read; and are they degrees?"""
    if table.shapes is not None:
        places = np.full((len(table.shapes), 2), np.nan)
        known = ~shapely.is_missing(table.shapes)
        places[known] = shapely.get_coordinates(table.shapes[known])
        return places, False
    degrees = {"lon_deg", "lat_deg"} <= columns.keys()
    pair = ("lon_deg", "lat_deg") if degrees else ("x_m", "y_m")
    places = np.column_stack([_numbers(table, columns, each) for each in pair])
    for row, at in np.argwhere(np.isnan(places)).tolist():
        _tell(table, columns, row + 1, pair[at], _MISSING, _FILL_IN)
    return places, degrees


def _numbers(table: FileTable, columns: Mapping[str, str], name: str) -> Floats:
    """A column as numbers; a value that is none becomes its row's fault."""
    found = np.full(len(table.rows), np.nan)
    called = columns[name]
    for number, row in enumerate(table.rows, start=1):
        value = row.get(called)
        try:
            found[number - 1] = parse_number(name, value, row=number, called=called)
        except InputError as error:
            table.faults.setdefault(number, RowFault(number, called, told_text(value), error))
    return found


def _words(table: FileTable, columns: Mapping[str, str]) -> dict[str, Any]:
    """Columns of text, trimmed; codes keep their digits."""
    found = {}
    for name in ("code", "name", "area_class", "owner"):
        theirs = columns.get(name)
        values = [row.get(theirs) if theirs else None for row in table.rows]
        found[name] = np.array([_word(value) for value in values], dtype=object)
    return found


def _word(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else str(value).strip().strip("'\t")
    return text or None


_MISSING = "{name} of camera {row} is missing."
_FILL_IN = "Fill it in, or leave the camera out."


def _tell(
    table: FileTable,
    columns: Mapping[str, str],
    row: int,
    name: str,
    message: str,
    mend: str,
    **facts: object,
) -> None:
    """Notes a fault of a value, unless the row has one already."""
    called = columns.get(name, name)
    value = told_text(table.rows[row - 1].get(called))
    error = InputError(message, mend, name=called, row=row, value=value, **facts)
    table.faults.setdefault(row, RowFault(row, called, value, error))


def _tell_values(cameras: gpd.GeoDataFrame, table: FileTable, columns: Mapping[str, str]) -> None:
    """A number that the column holds for other cameras must not be missing; and two limits of good sense."""
    for name in NUMBERS:
        if name in columns and name not in MAY_BE_EMPTY:
            for row in cameras.index[cameras[name].isna()]:
                _tell(table, columns, row, name, _MISSING, _FILL_IN)
    if "range_m" in columns:
        for row in cameras.index[cameras["range_m"] > MOST_RANGE_M]:
            _tell(
                table,
                columns,
                row,
                "range_m",
                "{name} of camera {row} is {value}: no picture is used so far away.",
                "Give metres, at most {most:.0f}.",
                most=MOST_RANGE_M,
            )
    if "cost" in columns:
        for row in cameras.index[cameras["cost"] < 0]:
            _tell(
                table,
                columns,
                row,
                "cost",
                "{name} of camera {row} is {value}, below zero.",
                "Give what it costs.",
            )


def _tell_cameras(
    cameras: gpd.GeoDataFrame,
    table: FileTable,
    columns: Mapping[str, str],
    land: gpd.GeoDataFrame,
    places: Floats,
) -> None:
    """Values out of range and places outside the town, as `camera_faults` finds them."""
    standing = cameras[~cameras.index.isin(list(table.faults))]
    for row, error in camera_faults(standing, land=land).items():
        ours = error.facts.get("name")
        if ours is None:
            where = ", ".join(f"{part:.10g}" for part in places[row - 1])
            table.faults[row] = RowFault(row, "geometry", where, error)
            continue
        called = columns.get(str(ours), str(ours))
        named = InputError(error.message, error.mend, **{**error.facts, "name": called})
        table.faults[row] = RowFault(row, called, told_text(table.rows[row - 1].get(called)), named)


def _crs_needed(name: str, places: Floats, epsg: int, land: gpd.GeoDataFrame) -> CrsNeeded:
    known = places[np.isfinite(places).all(axis=1)]
    likely = likely_systems(known[:SAMPLE], epsg, land) if len(known) else []
    return CrsNeeded(
        "{name} does not say in which system its coordinates are.",
        "Name the system; these would put the cameras into the town: {systems}.",
        name=name,
        systems=", ".join(dict.fromkeys(system for _, system, _ in likely)) or "-",
    )
