"""Reads vector tiles, so that tests see what a browser sees; after the Mapbox Vector Tile specification 2.1."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["TileFeature", "read_tile"]


@dataclass(frozen=True)
class TileFeature:
    """A feature: its id, its properties, and what its geometry is (1 points, 2 lines, 3 areas)."""

    id: int | None
    properties: dict[str, Any]
    kind: int
    first: tuple[int, int]
    """First point, in units of the tile."""


def read_tile(body: bytes) -> dict[str, list[TileFeature]]:
    """Layer → its features."""
    return dict(_layer(part) for field, part in _fields(body) if field == 3)


def _fields(body: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and contents of a protobuf message's fields."""
    at = 0
    while at < len(body):
        tag, at = _varint(body, at)
        size = {1: 8, 5: 4}.get(tag & 7)
        if tag & 7 == 0:
            value, at = _varint(body, at)
            yield tag >> 3, value
            continue
        if size is None:
            size, at = _varint(body, at)
        yield tag >> 3, body[at : at + size]
        at += size


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (body[at] & 127) << shift
        shift += 7
        at += 1
        if body[at - 1] < 128:
            return value, at


def _varints(body: bytes) -> list[int]:
    at, found = 0, []
    while at < len(body):
        value, at = _varint(body, at)
        found.append(value)
    return found


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _value(body: bytes) -> Any:
    [(field, raw)] = _fields(body)
    if field == 1:
        return raw.decode()
    if field in (2, 3):
        return struct.unpack("<f" if field == 2 else "<d", raw)[0]
    return {4: raw - (raw >> 63 << 64), 5: raw, 6: _signed(raw), 7: bool(raw)}[field]


def _layer(body: bytes) -> tuple[str, list[TileFeature]]:
    fields = list(_fields(body))
    [name] = [raw.decode() for field, raw in fields if field == 1]
    keys = [raw.decode() for field, raw in fields if field == 3]
    values = [_value(raw) for field, raw in fields if field == 4]
    return name, [_feature(raw, keys, values) for field, raw in fields if field == 2]


def _feature(body: bytes, keys: list[str], values: list[Any]) -> TileFeature:
    parts = dict(_fields(body))
    tags = _varints(parts.get(2, b""))
    shape = _varints(parts[4])
    return TileFeature(
        id=parts.get(1),
        properties={keys[key]: values[value] for key, value in zip(tags[::2], tags[1::2], strict=True)},
        kind=parts[3],
        first=(_signed(shape[1]), _signed(shape[2])),
    )
