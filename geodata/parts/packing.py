"""Arrays and shapes as bytes that are the same on every machine: what a part is sent as, hashed by and kept as."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["Array", "Shapes", "pack", "pick_shapes", "shapes_of", "unpack", "wkb_of"]

Array = npt.NDArray[Any]
Shapes = npt.NDArray[np.object_]

_HEAD_BYTES = 8
KINDS = "biufSU"
"""Truth values, numbers, and text of fixed width."""


def pack(arrays: Mapping[str, Array]) -> bytes:
    """
    Named arrays as bytes: a JSON head with names, types and shapes, then the values, little-endian.

    Unlike a pickle, equal arrays make equal bytes, and reading them runs no code.

    Parameters
    ----------
    arrays
        Arrays of truth values, numbers or text of fixed width, by name.

    Raises
    ------
    TypeError
        If an array holds Python objects.
    """
    head: list[tuple[str, str, tuple[int, ...]]] = []
    values: list[bytes] = []
    for name, array in arrays.items():
        if array.dtype.kind not in KINDS:
            raise TypeError(f"{name} has dtype {array.dtype}, which has no fixed width")
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        head.append((name, plain.dtype.str, plain.shape))
        values.append(plain.tobytes())
    told = json.dumps(head, separators=(",", ":")).encode()
    return b"".join([len(told).to_bytes(_HEAD_BYTES, "little"), told, *values])


def unpack(content: bytes) -> dict[str, Array]:
    """The arrays that `pack` was given; they look into `content` and cannot be written to."""
    at = _HEAD_BYTES + int.from_bytes(content[:_HEAD_BYTES], "little")
    arrays: dict[str, Array] = {}
    for name, kind, shape in json.loads(content[_HEAD_BYTES:at]):
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(content, dtype, count, offset=at).reshape(shape)
        at += count * dtype.itemsize
    return arrays


def pick_shapes(name: str, wkb: Sequence[bytes] | Shapes) -> dict[str, Array]:
    """Shapes in well-known binary as two arrays: `<name>_wkb`, one after the other, and `<name>_end` of each."""
    ends = np.cumsum([len(each) for each in wkb], dtype=np.int64)
    return {f"{name}_wkb": np.frombuffer(b"".join(wkb), np.uint8), f"{name}_end": ends}


def wkb_of(arrays: Mapping[str, Array], name: str) -> list[bytes]:
    """The well-known binary of each shape that `pick_shapes` put under `name`."""
    whole, ends = arrays[f"{name}_wkb"].tobytes(), arrays[f"{name}_end"].tolist()
    return [whole[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def shapes_of(arrays: Mapping[str, Array], name: str) -> Shapes:
    """The shapes that `pick_shapes` put under `name`."""
    return shapely.from_wkb(np.array([*wkb_of(arrays, name), None], dtype=object)[:-1])
