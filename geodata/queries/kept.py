"""Answers as they are kept in the table of runs, and read back whole."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from geodata.queries import datasets
from geodata.queries.asked import Answer, Asked, question_of
from geodata.queries.planning import Plan
from geodata.queries.thinning import Relocated, Thinned

__all__ = [
    "KINDS",
    "SOURCES",
    "WHOLE",
    "answer_of",
    "kept_result",
    "kept_run",
    "newest_source",
    "read_answer",
]

KINDS = {"place": Plan, "remove": Thinned, "relocate": Relocated}
"""Kind of run → what its answer is."""
SOURCES = (*datasets.GROUND, "case_file", "component", "poi")
"""Datasets that answers rest on."""
WHOLE = "kept"
"""Member of the GeoJSON that holds what its features do not."""


def newest_source(conn: Connection) -> int:
    """The newest revision of what answers rest on."""
    return datasets.revision(conn, SOURCES)


def kept_run(conn: Connection, asked: Asked, revision: int) -> int | None:
    """The run that answered a question on the data of a revision; None if there is none."""
    found = conn.execute(
        text(
            "SELECT id FROM run WHERE kind = :kind AND revision = :revision"
            " AND parameters->'asked' = CAST(:asked AS jsonb) ORDER BY id DESC LIMIT 1"
        ),
        {"kind": asked.task, "revision": revision, "asked": json.dumps(asked.plain())},
    ).scalar()
    return None if found is None else int(found)


def read_answer(conn: Connection, run: int) -> Answer:
    """The answer that a run kept for whoever asks the same."""
    row = conn.execute(text("SELECT kind, result FROM run WHERE id = :id"), {"id": run}).one()
    return answer_of(row.kind, row.result)


def answer_of(kind: str, result: dict[str, Any]) -> Answer:
    """The answer in the result of a run of one of `KINDS`."""
    told = {name: _whole(value) for name, value in result[WHOLE].items()}
    if "question" in told:
        told["question"] = question_of(told["question"])
    answer: Answer = KINDS[kind](**told)
    return answer


def kept_result(answer: Answer) -> str:
    """An answer's GeoJSON, with all that `read_answer` needs."""
    assert is_dataclass(answer)
    whole = {field.name: _plain(getattr(answer, field.name)) for field in fields(answer)}
    return json.dumps({**json.loads(answer.geojson()), WHOLE: whole}, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """A value in what JSON knows; shapes to the last bit, columns in their order."""
    if isinstance(value, gpd.GeoDataFrame):
        name = value.geometry.name
        wkb = shapely.to_wkb(value.geometry.to_numpy(), hex=True).tolist()
        rest = _plain(pd.DataFrame(value).assign(**{name: wkb}))
        return rest | {"geometry": name, "epsg": value.crs.to_epsg()}
    if isinstance(value, pd.DataFrame):
        return {"columns": [[name, [_plain(e) for e in column.tolist()]] for name, column in value.items()]}
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def _whole(value: Any) -> Any:
    """What `_plain` was given, but for questions."""
    if isinstance(value, dict) and "columns" in value:
        table = pd.DataFrame(dict(value["columns"]))
        if "geometry" not in value:
            return table
        name = value["geometry"]
        shapes = shapely.from_wkb(table[name].to_numpy(dtype=object))
        return gpd.GeoDataFrame(table.assign(**{name: shapes}), geometry=name, crs=value["epsg"])
    if isinstance(value, list):
        return tuple(map(_whole, value))
    return value
