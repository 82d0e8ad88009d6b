"""Rows of a file as rows of a table: shapes in stored degrees, values checked, what follows from them filled in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from sqlalchemy import BigInteger, Integer, SmallInteger

from analysis.errors import InputError, Term
from geodata.ingest.camera_columns import told_text
from geodata.ingest.deriving import DERIVING
from geodata.ingest.formats import Batch
from geodata.ingest.ground import Ground
from geodata.ingest.kinds import Field, Kind
from geodata.ingest.mapping import Mapped, place_columns
from geodata.ingest.packing import ewkb
from geodata.ingest.places import to_degrees
from geodata.ingest.values import Faults, field_values
from geodata.models import Base

__all__ = ["Prepared", "batch_places", "prepare"]

Shapes = npt.NDArray[np.object_]

POLYGONS = ("Polygon", "MultiPolygon")
TYPES = np.array(
    [
        *("Point", "LineString", "LinearRing", "Polygon"),
        *("MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"),
    ]
)
"""shapely's type numbers."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """
    Good rows of a batch, column by column.

    Attributes
    ----------
    columns
        Column of the table → arrow array, or one value for all.
    given
        Those that the file says something about: only they change rows that are there already.
    count
        How many rows are good.
    repaired
        How many of them have rings that were repaired.
    types
        Type of geometry → rows, of all rows.
    """

    columns: dict[str, Any]
    given: frozenset[str]
    count: int
    repaired: int
    types: Mapping[str, int]


def batch_places(batch: Batch, mapped: Mapped, zone: ZoneInfo, faults: Faults) -> Shapes:
    """Shapes of a batch as they stand in the file; points from columns where it has no geometry."""
    if batch.shapes is not None:
        return batch.shapes
    pair = place_columns(mapped)
    assert pair is not None
    numbers = []
    for theirs in pair:
        wanted = Field(theirs, Term("Coordinates"), "number", required=True)
        values = field_values(wanted, batch.table[theirs], theirs, batch.numbers, faults, zone)
        numbers.append(values.to_numpy(zero_copy_only=False).astype(float))
    x, y = numbers
    shapes: Shapes = np.asarray(shapely.points(x, y), dtype=object)
    shapes[~(np.isfinite(x) & np.isfinite(y))] = None
    return shapes


def prepare(
    kind: Kind,
    mapped: Mapped,
    batch: Batch,
    ground: Ground,
    faults: Faults,
    *,
    crs: str,
    exchanged: bool = False,
    repair: bool = False,
    source: str,
    simulated: bool = False,
) -> Prepared:
    """
    The good rows of a batch; what is wrong with the others is told.

    Parameters
    ----------
    kind, mapped
        What is filled, and from which columns.
    batch
        Rows of the file.
    ground
        The town.
    faults
        Takes what is wrong.
    crs, exchanged
        System of the coordinates, and whether the first is the second.
    repair
        Mend rings that cross themselves instead of telling them.
    source
        Its name, by which rows without a code are found again.
    simulated
        Nobody measured them.
    """
    shapes, types, repaired = _shapes(kind, mapped, batch, ground, faults, crs, exchanged, repair)
    columns: dict[str, Any] = {}
    for each in kind.fields:
        if each.name in mapped.constants:
            column = pa.chunked_array([pa.array([mapped.constants[each.name]] * len(batch.numbers))])
            called = each.name
        elif each.name in mapped.columns:
            called = mapped.columns[each.name]
            column = batch.table[called]
        else:
            continue
        columns[each.name] = field_values(each, column, called, batch.numbers, faults, ground.zone)
    given = set(columns)
    if kind.derive:
        given |= DERIVING[kind.derive](columns, shapes, batch.numbers, mapped.columns, ground, faults)
    good = ~np.isin(batch.numbers, np.fromiter(faults.rows, np.int64)) & ~shapely.is_missing(shapes)
    kept = pa.array(good)
    table = Base.metadata.tables[kind.table].columns
    done = {
        name: _typed(pc.filter(values, kept), table[name].type)
        for name, values in columns.items()
        if name in table
    }
    _defaults(kind, done, int(good.sum()))
    done["geom"] = ewkb(_stored(kind, shapes[good]))
    if not kind.key:
        done["source_key"] = _keys(done.get("source_key"), done["geom"])
        done["source_name"] = source
    done["simulated"] = simulated
    done["row_number"] = pa.array(batch.numbers[good])
    fixed = frozenset((given & set(table.keys())) | {"geom", "simulated"}) - set(kind.key_columns)
    return Prepared(done, fixed, int(good.sum()), int(repaired[good].sum()), types)


def _typed(values: pa.Array, kind: Any) -> pa.Array:
    """Choices of a whole-number column are written as text."""
    if isinstance(kind, BigInteger | Integer | SmallInteger) and pa.types.is_string(values.type):
        return pc.cast(values, pa.int64())
    return values


def _defaults(kind: Kind, columns: dict[str, Any], count: int) -> None:
    """Fills in what the file leaves open, where there is something sensible."""
    table = Base.metadata.tables[kind.table].columns
    for each in kind.fields:
        if each.default is None or not each.stored:
            continue
        value = int(str(each.default)) if isinstance(table[each.name].type, SmallInteger) else each.default
        if isinstance(table[each.name].type, Integer | BigInteger) and not isinstance(value, int):
            value = int(float(value))
        if each.name in columns:
            columns[each.name] = pc.fill_null(columns[each.name], pa.scalar(value, columns[each.name].type))
        else:
            columns[each.name] = pa.array([value] * count)


def _keys(told: pa.Array | None, shapes: pa.Array) -> pa.Array:
    """Keys of the source, and digests of the shape where it has none."""
    if told is not None and not told.null_count:
        return told
    digests = pa.array(
        [hashlib.md5(each, usedforsecurity=False).hexdigest() for each in shapes.to_pylist()], pa.string()
    )
    return digests if told is None else pc.coalesce(told, digests)


def _stored(kind: Kind, shapes: Shapes) -> Shapes:
    """Shapes of the type that the table keeps."""
    if kind.shapes[0] != "MultiPolygon":
        return shapes
    single = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    if single.any():
        shapes = shapes.copy()
        shapes[single] = shapely.multipolygons(
            np.asarray(shapes[single]), indices=np.arange(int(single.sum()))
        )
    return shapes


def _shapes(
    kind: Kind,
    mapped: Mapped,
    batch: Batch,
    ground: Ground,
    faults: Faults,
    crs: str,
    exchanged: bool,
    repair: bool,
) -> tuple[Shapes, dict[str, int], npt.NDArray[np.bool_]]:
    """Shapes in stored degrees, None where at fault; how many there are of each type; which were repaired."""
    shapes = batch_places(batch, mapped, ground.zone, faults).copy()
    numbers = batch.numbers
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    shapes[missing] = None
    _tell(
        faults,
        numbers,
        missing,
        lambda row, _: InputError(
            "Row {row} has no shape.", "Give it a place, or leave the row out.", row=row
        ),
    )
    shapes = _single(kind, shapes)
    ids = shapely.get_type_id(shapes)
    names = np.where(ids >= 0, TYPES[np.maximum(ids, 0)], "")
    found, times = np.unique(names[names != ""], return_counts=True)
    counted = dict(zip(found.tolist(), times.tolist(), strict=True))
    wrong = (names != "") & ~np.isin(names, kind.shapes)
    _tell(
        faults,
        numbers,
        wrong,
        lambda row, value: InputError(
            "The shape of row {row} is a {value}; {kind} need a {wanted}.",
            "Leave the row out, or load it as something else.",
            row=row,
            value=value,
            kind=kind.title,
            wanted=" / ".join(each for each in kind.shapes if each != "GEOMETRY"),
        ),
        names,
    )
    shapes[wrong] = None
    shapes = to_degrees(shapes, crs, exchanged=exchanged)
    bounds = shapely.bounds(shapes)
    known = ~shapely.is_missing(shapes)
    lost = known & ~np.isfinite(bounds).all(axis=1)
    coordinates = _first_coordinates(batch, mapped)
    _tell(
        faults,
        numbers,
        lost,
        lambda row, value: InputError(
            "The coordinates of row {row}, {value}, are of no place in {crs}.",
            "Name the system that they are in.",
            row=row,
            value=value,
            crs=told_text(crs),
        ),
        coordinates,
    )
    shapes[lost] = None
    repaired = _valid(shapes, numbers, faults, repair=repair)
    west, south, east, north = ground.box_deg
    away = (bounds[:, 2] < west) | (bounds[:, 0] > east) | (bounds[:, 3] < south) | (bounds[:, 1] > north)
    away &= ~shapely.is_missing(shapes)
    _tell(
        faults,
        numbers,
        away,
        lambda row, value: InputError(
            "Row {row} lies at {value}, outside the town.",
            "Look at its coordinates and their system, or leave the row out.",
            row=row,
            value=value,
        ),
        coordinates,
    )
    shapes[away] = None
    return shapes, counted, repaired


def _first_coordinates(batch: Batch, mapped: Mapped) -> Any:
    """First coordinate pair of a row, as it stands in the file; told only where something is wrong."""

    class Pairs:
        def __getitem__(self, at: int) -> str:
            if batch.shapes is None:
                pair = place_columns(mapped) or ("", "")
                return ", ".join(str(batch.table[each][at].as_py()) for each in pair)
            x, y = shapely.get_coordinates(batch.shapes[at])[0]
            return f"{x:.10g}, {y:.10g}"

    return Pairs()


def _tell(
    faults: Faults,
    numbers: npt.NDArray[np.int64],
    where: npt.NDArray[np.bool_],
    error: Any,
    values: Any = None,
) -> None:
    at = np.flatnonzero(where)
    faults.tell_many(numbers[at], "geometry", lambda k: "" if values is None else values[int(at[k])], error)


def _single(kind: Kind, shapes: Shapes) -> Shapes:
    """A collection of one part is that part, where the kind wants it so."""
    ids = shapely.get_type_id(shapes)
    packed = ids >= shapely.GeometryType.MULTIPOINT
    packed[packed] = shapely.get_num_geometries(shapes[packed]) == 1
    if "MultiPolygon" in kind.shapes:
        packed &= ids != shapely.GeometryType.MULTIPOLYGON
    if packed.any():
        shapes = shapes.copy()
        shapes[packed] = shapely.get_geometry(shapes[packed], 0)
    return shapes


def _valid(
    shapes: Shapes, numbers: npt.NDArray[np.int64], faults: Faults, *, repair: bool
) -> npt.NDArray[np.bool_]:
    """Repairs areas whose rings cross, or tells them; returns which were repaired."""
    broken = ~shapely.is_missing(shapes) & ~shapely.is_valid(shapes)
    repaired = np.zeros(len(shapes), dtype=bool)
    if not broken.any():
        return repaired
    if repair:
        for at in np.flatnonzero(broken).tolist():
            mended = shapely.make_valid(shapes[at], method="structure")
            areas = [p for p in shapely.get_parts(mended) if p.geom_type in POLYGONS]
            if shapes[at].geom_type in POLYGONS and areas:
                shapes[at] = shapely.union_all(areas)
                repaired[at], broken[at] = True, False
    reasons = shapely.is_valid_reason(shapes)
    _tell(
        faults,
        numbers,
        broken,
        lambda row, value: InputError(
            "The shape of row {row} is not valid: {value}.",
            "Draw it anew, or let its rings be repaired.",
            row=row,
            value=value,
        ),
        reasons,
    )
    shapes[broken] = None
    return repaired
