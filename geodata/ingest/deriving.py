"""What follows from a row's fields and shape: lengths, areas, heights, classes, references."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from pyproj import Transformer

from analysis.crs import STORAGE_EPSG
from analysis.errors import InputError
from geodata.ingest.ground import Ground
from geodata.ingest.values import Faults

__all__ = ["DERIVING", "STOREY_M"]

Columns: TypeAlias = dict[str, Any]
Numbers: TypeAlias = npt.NDArray[np.int64]
Shapes: TypeAlias = npt.NDArray[np.object_]

STOREY_M = 3.2
"""Height of a storey where only their number is known."""
POSE = ("heading_deg", "tilt_deg", "hfov_deg", "height_m")


def _cameras(
    columns: Columns,
    shapes: Shapes,
    numbers: Numbers,
    told: Mapping[str, str],
    ground: Ground,
    faults: Faults,
) -> set[str]:
    """A name for those without; 360° is north; a pose that was not told in full was not surveyed."""
    heading = columns["heading_deg"]
    columns["heading_deg"] = pc.if_else(pc.equal(heading, 360.0), pa.scalar(0.0), heading)
    columns["name"] = pc.coalesce(columns["name"], columns["code"]) if "name" in columns else columns["code"]
    columns["pose_simulated"] = pa.array(np.full(len(numbers), not set(POSE) <= columns.keys()))
    columns["demonstration"] = pa.array(np.zeros(len(numbers), dtype=bool))
    return {"pose_simulated"} if set(POSE) <= columns.keys() else set()


def _buildings(
    columns: Columns,
    shapes: Shapes,
    numbers: Numbers,
    told: Mapping[str, str],
    ground: Ground,
    faults: Faults,
) -> set[str]:
    """Height from storeys where it was not measured; the town's median where neither is known."""
    nothing = pa.nulls(len(numbers), pa.float64())
    height, levels = columns.get("height_m", nothing), columns.get("levels", nothing)
    by_levels = pc.multiply(levels, STOREY_M)
    columns["height_m"] = pc.coalesce(height, by_levels, pa.scalar(ground.height_m))
    columns["height_source"] = pc.if_else(
        pc.is_valid(height), "tag", pc.if_else(pc.is_valid(levels), "levels", "assumed")
    )
    return {"height_m", "height_source"} if {"height_m", "levels"} & columns.keys() & told.keys() else set()


def _lines(
    columns: Columns,
    shapes: Shapes,
    numbers: Numbers,
    told: Mapping[str, str],
    ground: Ground,
    faults: Faults,
) -> set[str]:
    columns["length_m"] = pa.array(shapely.length(_metres(shapes, ground.epsg)))
    short = np.flatnonzero(columns["length_m"].to_numpy() == 0)
    faults.tell_many(
        numbers[short],
        "geometry",
        lambda _: "",
        lambda row, _: InputError("The line of row {row} has no length.", "Leave the row out.", row=row),
    )
    return {"length_m"}


def _cells(
    columns: Columns,
    shapes: Shapes,
    numbers: Numbers,
    told: Mapping[str, str],
    ground: Ground,
    faults: Faults,
) -> set[str]:
    """Area in square metres; the community whose code the cell's begins with."""
    columns["area_m2"] = pa.array(shapely.area(_metres(shapes, ground.epsg)))
    codes = columns["code"].to_pylist()
    ids = [None if code is None else ground.areas.get(code[:12]) for code in codes]
    lost = np.array(
        [code is not None and at is None for code, at in zip(codes, ids, strict=True)], dtype=bool
    )
    where = np.flatnonzero(lost)
    faults.tell_many(
        numbers[where],
        told.get("code", "code"),
        lambda at: codes[int(where[at])],
        lambda row, value: InputError(
            "The code {value} of row {row} names a community that the town does not have.",
            "Correct its first 12 digits.",
            row=row,
            value=value,
        ),
    )
    columns["area_id"] = pa.array(ids, pa.int64())
    today = pa.scalar(ground.today, pa.date32())
    days = columns.get("set_up_on", pa.nulls(len(numbers), pa.date32()))
    columns["set_up_on"] = pc.fill_null(days, today)
    return {"area_m2", "area_id"}


def _components(
    columns: Columns,
    shapes: Shapes,
    numbers: Numbers,
    told: Mapping[str, str],
    ground: Ground,
    faults: Faults,
) -> set[str]:
    """The class stands in the code: digits 7-10."""
    code = columns["code"]
    columns["class_code"] = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(code, 6, 8), pc.utf8_slice_codeunits(code, 8, 10), "-"
    )
    columns["code_profile"] = pa.array(["2013"] * len(numbers))
    return {"class_code"}


def _cases(
    columns: Columns,
    shapes: Shapes,
    numbers: Numbers,
    told: Mapping[str, str],
    ground: Ground,
    faults: Faults,
) -> set[str]:
    """Classes with their hyphen, and known; closed after they were reported; cameras by their code."""
    digits = pc.replace_substring(columns["class_code"], "-", "")
    classes = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(digits, 0, 2), pc.utf8_slice_codeunits(digits, 2, 4), "-"
    )
    columns["class_code"] = classes
    strange = pc.fill_null(pc.invert(pc.is_in(classes, pa.array(sorted(ground.classes), pa.string()))), False)
    _tell(
        faults,
        numbers,
        pc.and_(strange, pc.is_valid(classes)),
        told.get("class_code"),
        classes,
        lambda row, value: InputError(
            "The class {value} of row {row} is not in the table of event classes.",
            "Use a class of GB/T 30428.2, or register the local class first.",
            row=row,
            value=value,
        ),
    )
    given: set[str] = set()
    if "closed_at" in columns:
        _tell(
            faults,
            numbers,
            pc.less(columns["closed_at"], columns["reported_at"]),
            told.get("closed_at"),
            columns["closed_at"],
            lambda row, value: InputError(
                "Row {row} was closed at {value}, before it was reported.",
                "Look whether the two columns are exchanged.",
                row=row,
                value=value,
            ),
        )
        if "stage" not in columns:
            closed = pc.is_valid(columns["closed_at"])
            columns["stage"] = pc.if_else(closed, "closed", "reported")
            given.add("stage")
    if "camera_code" in columns:
        codes = columns["camera_code"].to_pylist()
        ids = pa.array([ground.cameras.get(code) for code in codes], pa.int64())
        _tell(
            faults,
            numbers,
            pc.and_(pc.is_null(ids), pc.is_valid(columns["camera_code"])),
            told.get("camera_code"),
            columns["camera_code"],
            lambda row, value: InputError(
                "Row {row} names a camera {value} that is not registered.",
                "Load the cameras first, or leave the column out.",
                row=row,
                value=value,
            ),
        )
        columns["camera_id"] = ids
        given.add("camera_id")
    return given


def _tell(
    faults: Faults,
    numbers: Numbers,
    flags: Any,
    called: str | None,
    values: Any,
    error: Callable[[int, str], Any],
) -> None:
    at = np.flatnonzero(pc.fill_null(flags, False).to_numpy(zero_copy_only=False))
    faults.tell_many(numbers[at], called, lambda k: values[int(at[k])].as_py(), error)


def _metres(shapes: Shapes, epsg: int) -> Shapes:
    turn = Transformer.from_crs(STORAGE_EPSG, epsg, always_xy=True)
    done: Shapes = shapely.transform(shapes, lambda p: np.column_stack(turn.transform(p[:, 0], p[:, 1])))
    return done


DERIVING: Mapping[str, Callable[..., set[str]]] = {
    "cameras": _cameras,
    "buildings": _buildings,
    "lines": _lines,
    "cells": _cells,
    "components": _components,
    "cases": _cases,
}
"""Name → what fills in the columns that follow from others, and returns those that the file's facts decide."""
