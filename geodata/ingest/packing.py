"""Rows in the binary form of PostgreSQL's COPY, made from columns without a step in Python for each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from analysis.crs import STORAGE_EPSG

__all__ = ["WIDTHS", "Gapped", "ewkb", "gapped", "packed_chunks"]

Bytes: TypeAlias = npt.NDArray[np.uint8]
Indices: TypeAlias = npt.NDArray[np.int64]

CHUNK_ROWS = 20_000
DAYS_TO_2000 = 10_957
MICROSECONDS_TO_2000 = DAYS_TO_2000 * 86_400_000_000
WIDTHS: dict[str, str] = {
    "bool": "u1",
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float8": ">f8",
    "date": ">i4",
    "timestamptz": ">i8",
}
"""PostgreSQL's type → how a value goes over; all others are bytes of any length."""


POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("srid", "<u4"), ("x", "<f8"), ("y", "<f8")])
HAS_SRID = 0x20000000


@dataclass(frozen=True, eq=False)
class Gapped:
    """
    A column whose values may be missing, or whose lengths differ.

    Attributes
    ----------
    data
        Bytes of all values, one behind the other.
    starts
        Where each begins in `data`.
    lengths
        How many bytes each has; −1: missing.
    """

    data: Bytes
    starts: Indices
    lengths: npt.NDArray[np.int32]


def gapped(values: pa.Array, kind: str) -> Gapped:
    """
    An arrow array as PostgreSQL's `kind` of values, a key of `WIDTHS` or any type that goes over as its bytes.

    Moments are taken as UTC. Texts must not hold the character 0, which PostgreSQL cannot keep.
    """
    missing = values.is_null().to_numpy(zero_copy_only=False)
    if kind not in WIDTHS:
        texts = pc.cast(values, pa.large_binary() if _is_binary(values.type) else pa.large_string())
        texts = texts if not isinstance(texts, pa.ChunkedArray) else texts.combine_chunks()
        _, offsets, data = texts.buffers()
        edges = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
        lengths = np.diff(edges).astype(np.int32)
        lengths[missing] = -1
        content = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, np.uint8)
        return Gapped(content, edges[:-1], lengths)
    dtype = np.dtype(WIDTHS[kind])
    plain = _numbers(values, kind)
    data = np.ascontiguousarray(plain.astype(dtype)).view(np.uint8)
    lengths = np.full(len(values), dtype.itemsize, dtype=np.int32)
    lengths[missing] = -1
    return Gapped(data, np.arange(len(values), dtype=np.int64) * dtype.itemsize, lengths)


def ewkb(shapes: npt.NDArray[np.object_]) -> pa.Array:
    """Shapes in stored degrees as PostGIS takes them; points without an object in Python for each."""
    if not (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all() or shapely.has_z(shapes).any():
        wkb = shapely.to_wkb(shapely.set_srid(shapes, STORAGE_EPSG), include_srid=True)
        return pa.array(wkb, pa.large_binary())
    points = np.empty(len(shapes), dtype=POINT)
    points["order"], points["type"], points["srid"] = 1, HAS_SRID | 1, STORAGE_EPSG
    points["x"], points["y"] = shapely.get_x(shapes), shapely.get_y(shapes)
    ends = np.arange(len(shapes) + 1, dtype=np.int64) * POINT.itemsize
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(points.tobytes())]
    return pa.Array.from_buffers(pa.large_binary(), len(shapes), buffers)


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _numbers(values: pa.Array, kind: str) -> npt.NDArray[Any]:
    """Numbers as PostgreSQL counts them; 0 where missing."""
    if kind == "timestamptz":
        moments = pc.cast(values, pa.timestamp("us", tz=getattr(values.type, "tz", None)))
        return _filled(pc.cast(moments, pa.int64())) - MICROSECONDS_TO_2000
    if kind == "date":
        return _filled(pc.cast(pc.cast(values, pa.date32()), pa.int32())) - DAYS_TO_2000
    if kind == "bool":
        return _filled(pc.cast(values, pa.uint8()))
    return _filled(values)


def _filled(values: pa.Array) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    return found


def packed_chunks(fixed: npt.NDArray[Any], columns: Sequence[Gapped]) -> Iterator[memoryview]:
    """
    Rows as COPY wants them, some thousands at a time.

    Parameters
    ----------
    fixed
        A structured array: number of fields, then size and value of each column without gaps.
    columns
        The other columns, which come behind those.
    """
    for first in range(0, len(fixed), CHUNK_ROWS):
        part = slice(first, first + CHUNK_ROWS)
        head = fixed[part]
        if not columns:
            yield memoryview(head.tobytes())
            continue
        yield memoryview(_packed(head, [Gapped(c.data, c.starts[part], c.lengths[part]) for c in columns]))


def _packed(fixed: npt.NDArray[Any], columns: Sequence[Gapped]) -> Bytes:
    lengths = [np.maximum(column.lengths, 0) for column in columns]
    rows = np.full(len(fixed), fixed.itemsize + 4 * len(columns), dtype=np.int64)
    for each in lengths:
        rows += each
    ends = np.cumsum(rows)
    at = ends - rows
    out = np.empty(int(ends[-1]), dtype=np.uint8)
    _put(out, at, np.frombuffer(fixed.tobytes(), dtype=np.uint8).reshape(len(fixed), -1))
    at = at + fixed.itemsize
    for column, length in zip(columns, lengths, strict=True):
        _put(out, at, column.lengths.astype(">i4").view(np.uint8).reshape(-1, 4))
        at = at + 4
        _put_values(out, at, column, length)
        at = at + length
    return out


def _put(out: Bytes, at: Indices, values: Bytes) -> None:
    """Writes one row of `values` at each place."""
    steps = np.diff(at)
    width = values.shape[1]
    if len(at) and (steps == steps[:1]).all():  # rows of one length: a slice instead of places
        stride = int(steps[0]) if len(steps) else width
        view = np.lib.stride_tricks.as_strided(out[at[0] :], (len(at), width), (stride, 1))
        view[...] = values
        return
    out[at[:, None] + np.arange(width)] = values


def _put_values(out: Bytes, at: Indices, column: Gapped, length: npt.NDArray[np.int32]) -> None:
    """Writes values of any length, each at its place."""
    here = length > 0
    if not here.any():
        return
    lengths = length[here].astype(np.int64)
    starts, places = column.starts[here], at[here]
    if (lengths == lengths[0]).all():
        width = np.arange(lengths[0])
        _put(out, places, column.data[starts[:, None] + width])
        return
    run = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    out[np.repeat(places, lengths) + run] = column.data[np.repeat(starts, lengths) + run]
