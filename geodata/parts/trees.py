"""Nested values as bytes: frames, shapes and dataclasses of ours, told by `pack`; reading them runs no code of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from analysis.errors import HuiyanError
from geodata.parts.packing import KINDS, Array, pack, unpack

__all__ = ["from_bytes", "to_bytes"]

_TREE = "tree"
PLAIN = (bool, int, float, str)


def to_bytes(value: Any, kinds: Iterable[type]) -> bytes:
    """
    A nested value as bytes.

    Parameters
    ----------
    value
        None, numbers, text, tuples, lists, dicts with such keys, datetimes of a named zone, errors of ours, reference
        systems with an EPSG code, arrays of plain values or of shapes, trees of shapes, indexes, series and frames, and
        dataclasses of all these.
    kinds
        Dataclasses and errors that may stand in it. Their fields come back as they were; a field that begins with an
        underscore and has a factory begins anew.

    Raises
    ------
    TypeError
        If something else stands in it.
    """
    writer = _Writer(kinds)
    node = writer.node(value)
    told = np.frombuffer(json.dumps(node, separators=(",", ":")).encode(), np.uint8)
    return pack({_TREE: told, **{str(number): array for number, array in enumerate(writer.arrays)}})


def from_bytes(content: bytes, kinds: Iterable[type]) -> Any:
    """The value that `to_bytes` was given; a dataclass that is not among `kinds` is a KeyError."""
    arrays = unpack(content)
    reader = _Reader(kinds, arrays)
    return reader.value(json.loads(arrays[_TREE].tobytes()))


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _begins_anew(field: dataclasses.Field[Any]) -> bool:
    return field.name.startswith("_") and field.default_factory is not dataclasses.MISSING


class _Writer:
    def __init__(self, kinds: Iterable[type]) -> None:
        self.arrays: list[Array] = []
        self._kinds = set(kinds)

    def _put(self, array: Array) -> int:
        self.arrays.append(array)
        return len(self.arrays) - 1

    def node(self, value: Any) -> list[Any]:  # noqa: PLR0911 - one line a kind
        """The value as JSON can hold it; arrays stand beside it by number."""
        if value is None or type(value) in PLAIN:
            return ["v", value]
        if isinstance(value, np.generic):
            return ["n", self._put(np.array([value]))]
        if type(value) in {tuple, list}:
            return ["t" if type(value) is tuple else "l", *(self.node(each) for each in value)]
        if isinstance(value, dict):
            return ["d", *([self.node(key), self.node(each)] for key, each in value.items())]
        if type(value) in self._kinds:
            return self._ours(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, pd.RangeIndex):
            return ["r", value.start, value.stop, value.step, self.node(value.name)]
        if type(value) is pd.Index:
            return ["i", self._column(value), self.node(value.name)]
        if isinstance(value, (pd.Series, pd.DataFrame)):
            return self._frame(value)
        if isinstance(value, dt.datetime) and isinstance(value.tzinfo, ZoneInfo):
            return ["w", value.astimezone(dt.UTC).isoformat(), value.tzinfo.key]
        if isinstance(value, pyproj.CRS) and value.to_epsg() is not None:
            return ["c", value.to_epsg()]
        if isinstance(value, shapely.STRtree):
            return ["q", self._array(value.geometries)]
        raise TypeError(f"{type(value)} cannot be kept")

    def _ours(self, value: Any) -> list[Any]:
        if isinstance(value, HuiyanError):
            return ["e", _name(type(value)), value.told()]
        fields = [field for field in dataclasses.fields(value) if not _begins_anew(field)]
        return [
            "o",
            _name(type(value)),
            {field.name: self.node(getattr(value, field.name)) for field in fields},
        ]

    def _array(self, array: Array) -> list[Any]:
        if array.dtype.kind in KINDS:
            return ["a", self._put(array)]
        if array.dtype != object:
            raise TypeError(f"An array of {array.dtype} cannot be kept")
        flat = array.ravel()
        if any(isinstance(each, shapely.Geometry) for each in flat):
            wkb = [b"" if each is None else each for each in shapely.to_wkb(flat)]
            ends = np.cumsum([len(each) for each in wkb], dtype=np.int64)
            whole = self._put(np.frombuffer(b"".join(wkb), np.uint8))
            return ["g", list(array.shape), whole, self._put(ends)]
        if flat.size and all(type(each) is int for each in flat):
            return ["b", list(array.shape), self._put(flat.astype(np.int64))]
        return ["x", list(array.shape), [self.node(each) for each in flat]]

    def _column(self, column: Any) -> list[Any]:
        """Values of a series or an index, whose kind comes back too."""
        kind = column.dtype
        if isinstance(kind, np.dtype):
            return self._array(column.to_numpy())
        if isinstance(kind, pd.DatetimeTZDtype):
            moments = column.to_numpy(f"datetime64[{kind.unit}]").view(np.int64)
            return ["z", self._put(moments), kind.unit, str(kind.tz)]
        if isinstance(kind, pd.StringDtype):
            words = column.to_numpy(dtype=object)
            return [
                "s",
                str(kind),
                [None if missing else word for word, missing in zip(words, pd.isna(words), strict=True)],
            ]
        if isinstance(kind, gpd.array.GeometryDtype):
            return self._array(column.to_numpy())
        raise TypeError(f"A column of {kind} cannot be kept")

    def _frame(self, frame: pd.Series[Any] | pd.DataFrame) -> list[Any]:
        crs = getattr(frame, "crs", None)
        epsg = None if crs is None else crs.to_epsg()
        if crs is not None and epsg is None:
            raise TypeError("A reference system without an EPSG code cannot be kept")
        index = self.node(frame.index)
        if isinstance(frame, pd.Series):
            kind = "geoseries" if isinstance(frame, gpd.GeoSeries) else "series"
            return ["f", kind, index, self._column(frame), self.node(frame.name), epsg]
        held = frame.to_numpy() if _all_alike(frame) else None
        if held is not None:
            return ["f", "table", index, self.node(frame.columns), self._array(held)]
        columns = [self._column(frame[name]) for name in frame.columns]
        shapes = frame.geometry.name if isinstance(frame, gpd.GeoDataFrame) else None
        kind = "geoframe" if isinstance(frame, gpd.GeoDataFrame) else "frame"
        return ["f", kind, index, self.node(frame.columns), columns, shapes, epsg]


def _all_alike(frame: pd.DataFrame) -> bool:
    """Numbers of one kind in every column: kept as one array, however many columns there are."""
    kinds = set(frame.dtypes)
    return (
        type(frame) is pd.DataFrame
        and len(kinds) == 1
        and isinstance(only := kinds.pop(), np.dtype)
        and only.kind in KINDS
    )


class _Reader:
    def __init__(self, kinds: Iterable[type], arrays: dict[str, Array]) -> None:
        self._kinds = {_name(kind): kind for kind in kinds}
        self._arrays = arrays

    def _got(self, number: int) -> Array:
        return self._arrays[str(number)].copy()

    def value(self, node: Sequence[Any]) -> Any:  # noqa: PLR0911, PLR0912 - one line a kind
        """What `_Writer.node` was given."""
        match node:
            case ["v", value]:
                return value
            case ["n", number]:
                return self._got(number)[0]
            case ["t", *parts]:
                return tuple(self.value(each) for each in parts)
            case ["l", *parts]:
                return [self.value(each) for each in parts]
            case ["d", *pairs]:
                return {self.value(key): self.value(each) for key, each in pairs}
            case ["e", name, told]:
                return self._kinds[name].retold(told)  # type: ignore[attr-defined]
            case ["o", name, fields]:
                return self._ours(self._kinds[name], fields)
            case ["r", start, stop, step, name]:
                return pd.RangeIndex(start, stop, step, name=self.value(name))
            case ["i", column, name]:
                return pd.Index(self._column(column), name=self.value(name))
            case ["w", moment, zone]:
                return dt.datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))
            case ["c", epsg]:
                return pyproj.CRS.from_epsg(epsg)
            case ["q", shapes]:
                return shapely.STRtree(self._column(shapes))
            case ["f", *parts]:
                return self._frame(*parts)
            case _:
                return self._column(node)

    def _ours(self, kind: type, fields: dict[str, Any]) -> Any:
        made = object.__new__(kind)
        for field in dataclasses.fields(kind):
            found: Any = self._fresh(field) if _begins_anew(field) else self.value(fields[field.name])
            object.__setattr__(made, field.name, found)
        return made

    @staticmethod
    def _fresh(field: dataclasses.Field[Any]) -> Any:
        assert field.default_factory is not dataclasses.MISSING
        return field.default_factory()

    def _column(self, node: Sequence[Any]) -> Any:
        match node:
            case ["a", number]:
                return self._got(number)
            case ["b", shape, number]:
                return self._got(number).astype(object).reshape(shape)
            case ["x", shape, values]:
                flat = np.empty(len(values), dtype=object)
                flat[:] = [self.value(each) for each in values]
                return flat.reshape(shape)
            case ["g", shape, whole, ends]:
                return self._shapes(self._arrays[str(whole)], self._arrays[str(ends)]).reshape(shape)
            case ["z", number, unit, zone]:
                moments = self._got(number).view(f"datetime64[{unit}]")
                return pd.DatetimeIndex(moments, tz="UTC").tz_convert(zone)
            case ["s", kind, words]:
                return pd.array(words, dtype=kind)
        raise ValueError(f"{node[0]} tells no kind of value")

    @staticmethod
    def _shapes(whole: Array, ends: Array) -> Array:
        wkb, stops = whole.tobytes(), ends.tolist()
        parts = [wkb[start:stop] or None for start, stop in zip([0, *stops], stops, strict=False)]
        return shapely.from_wkb(np.array([*parts, None], dtype=object)[:-1])

    def _frame(self, kind: str, index: Any, *rest: Any) -> Any:
        labels = self.value(index)
        if kind in {"series", "geoseries"}:
            column, name, epsg = rest
            values, called = self._column(column), self.value(name)
            if kind == "geoseries":
                return gpd.GeoSeries(values, index=labels, crs=epsg, name=called)
            return pd.Series(values, index=labels, name=called)
        if kind == "table":
            columns, held = rest
            return pd.DataFrame(self._column(held), index=labels, columns=self.value(columns))
        columns, held, shapes, epsg = rest
        named = self.value(columns)
        values = {name: self._column(each) for name, each in zip(named, held, strict=True)}
        if kind == "geoframe":
            for name, node in zip(named, held, strict=True):
                if node[0] == "g" or name == shapes:
                    values[name] = gpd.array.from_shapely(values[name], crs=epsg)
        frame = pd.DataFrame(values, index=labels, columns=named)
        return gpd.GeoDataFrame(frame, geometry=shapes, crs=epsg) if kind == "geoframe" else frame
