"""A row as the text of a GeoJSON feature, written by the database: every text is escaped by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby

from geodata.export.parcel import DIGITS, SHAPE

__all__ = ["feature_sql"]

WHOLE = ("bool", "int2", "int4", "int8")
"""PostgreSQL's types whose text is their JSON."""
NUMBERS = ("float4", "float8", "numeric")
"""The same, but for those that are no number."""
TEXTS = ("text", "varchar")
PLAIN = re.compile(r"\w+\.\w+")
"""A column: it may be asked twice, other expressions may be dear."""
MOST_ARGUMENTS = 90
"""A function of PostgreSQL takes a hundred."""


def feature_sql(columns: Mapping[str, str], types: Mapping[str, str]) -> str:
    """
    SQL of a feature over `t`: `id`, geometry in EPSG:4326, properties as `json_build_object` would write them.

    That function looks every value's type up in the catalogue, row by row, which took half of an export's time. Here
    the text is put together from values whose type is known, and neighbouring texts are escaped in one call.

    Parameters
    ----------
    columns
        Property → expression.
    types
        Property → PostgreSQL's name of its type; empty where it has none of the usual ones.
    """
    shape = f"coalesce(ST_AsGeoJSON(ST_ForcePolygonCCW({SHAPE}), {DIGITS}), 'null')"
    parts = ['\'{"type":"Feature","id":\'', "t.id", "',\"geometry\":'", shape, "',\"properties\":{'"]
    before = ""
    for are_texts, names in groupby(columns, lambda name: types[name] in TEXTS):
        run = list(names)
        if are_texts and len(run) > 1:
            pairs = ", ".join(f"'{name}', ({columns[name]})::text" for name in run)
            parts += [f"'{before}'", f"substr(left(json_object(ARRAY[{pairs}])::text, -1), 2)"]
            before = ", "
            continue
        for name in run:
            parts += [f"'{before}\"{name}\" : '", _value(columns[name], types[name])]
            before = ", "
    parts.append("'}}'")
    return _joined(parts)


def _value(expression: str, kind: str) -> str:
    """JSON of one value; what is not known is null."""
    if kind in WHOLE:
        return f"coalesce(({expression})::text, 'null')"
    told = f"coalesce(to_json({expression})::text, 'null')"
    if kind in NUMBERS and PLAIN.fullmatch(expression):
        finite = f"{expression} > '-Infinity' AND {expression} < 'Infinity'"
        return f"CASE WHEN {finite} THEN {expression}::text ELSE {told} END"
    return told


def _joined(parts: list[str]) -> str:
    """One text of many; unlike `||` it is put together once, and takes whole numbers as they are."""
    while len(parts) > MOST_ARGUMENTS:
        parts = [
            f"concat({', '.join(parts[at : at + MOST_ARGUMENTS])})"
            for at in range(0, len(parts), MOST_ARGUMENTS)
        ]
    return f"concat({', '.join(parts)})"
