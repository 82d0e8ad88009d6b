"""Captures that cannot be used: which, and why; the rest goes on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.checks import require_columns, require_metric
from analysis.crs import DISPLAY_EPSG, guess_datum
from analysis.errors import InputError

__all__ = ["capture_faults"]

Truths: TypeAlias = npt.NDArray[np.bool_]

BORDER_M = 50.0
"""So far outside the town a place may lie: borders are drawn coarsely."""
SAME_M, SAME_S = 1.0, 60.0
"""The same camera does not capture two violations this near in place and time."""
TRIED = 2000
"""So many places, spread over all, tell the datum."""


def capture_faults(
    captures: gpd.GeoDataFrame, *, land: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, until: dt.datetime
) -> pd.Series[Any]:
    """
    What is wrong with which capture.

    Parameters
    ----------
    captures
        Points in a projected CRS in metres, with `at` (aware) and `camera` (its label; captures of nobody, such as
        reports, have none and are never doubles).
    land
        The town, in the CRS of `captures`.
    streets
        Lines in the CRS of `captures`, along which violations happen; may have no rows.
    until
        Aware moment after which nothing can have been captured yet.

    Returns
    -------
    faults
        InputError by label of the capture, for those that are wrong: without place or time, outside the town, in the
        future, a double of another, or, where all places together tell so, shifted as GCJ-02 or BD-09.

    Raises
    ------
    CrsError
        If a frame is not in metres, or two differ.
    InputError
        If `captures` lacks a column, or its times or `until` have no time zone.
    """
    require_metric(captures=captures, land=land, streets=streets)
    require_columns("captures", captures, "at", "camera")
    if until.tzinfo is None or getattr(captures["at"].dtype, "tz", None) is None:
        raise InputError(
            "{name} is without a time zone.",
            "Pass aware times, for instance in UTC.",
            name="until" if until.tzinfo is None else "captures.at",
        )
    found: dict[Any, InputError] = {}
    for row, error in (*_nowhere(captures), *_shifted(captures, streets), *_outside(captures, land)):
        found.setdefault(row, error)
    for row, error in (*_when(captures, until), *_doubles(captures)):
        found.setdefault(row, error)
    return pd.Series(found, dtype=object)


def _nowhere(captures: gpd.GeoDataFrame) -> Iterator[tuple[Any, InputError]]:
    for row in captures.index[~_placed(captures)]:
        yield (
            row,
            InputError(
                "Capture {row} has no place.", "Give the point on the ground, or leave it out.", row=row
            ),
        )


def _placed(captures: gpd.GeoDataFrame) -> Truths:
    shapes = captures.geometry.to_numpy()
    placed: Truths = (shapely.get_type_id(shapes) == 0) & ~shapely.is_empty(shapes)
    placed[placed] = np.isfinite(shapely.get_coordinates(shapes[placed])).all(axis=1)
    return placed


def _shifted(captures: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> Iterator[tuple[Any, InputError]]:
    placed = captures.geometry[_placed(captures)]
    tried = placed.iloc[:: max(1, len(placed) // TRIED)].to_crs(DISPLAY_EPSG)
    guess = guess_datum(tried.x, tried.y, streets)
    if guess.datum == "wgs84":
        return
    for row in placed.index:
        yield (
            row,
            InputError(
                "Capture {row} looks shifted: as {datum} the captures would lie {near:.0f} m from a street, as they"
                " are {far:.0f} m.",
                "Convert them from {datum} first.",
                row=row,
                datum={"gcj02": "GCJ-02", "bd09": "BD-09"}[guess.datum],
                near=guess.median_m[guess.datum],
                far=guess.median_m["wgs84"],
            ),
        )


def _outside(captures: gpd.GeoDataFrame, land: gpd.GeoDataFrame) -> Iterator[tuple[Any, InputError]]:
    placed = np.flatnonzero(_placed(captures))
    shapes = captures.geometry.to_numpy()[placed]
    inside = np.zeros(len(placed), dtype=bool)
    if len(land):
        # the town is asked, not each capture: a long border is then prepared once
        tree = shapely.STRtree(shapes)
        inside[tree.query(land.geometry.to_numpy(), predicate="dwithin", distance=BORDER_M)[1]] = True
    for row in captures.index[placed[~inside]]:
        yield (
            row,
            InputError("Capture {row} lies outside the town.", "Correct its place or its CRS.", row=row),
        )


def _when(captures: gpd.GeoDataFrame, until: dt.datetime) -> Iterator[tuple[Any, InputError]]:
    at = captures["at"]
    for row in captures.index[at.isna()]:
        yield (
            row,
            InputError("Capture {row} has no time.", "Give the moment with its time zone.", row=row),
        )
    for row, moment in at[at > until].items():
        yield (
            row,
            InputError(
                "Capture {row} is of {moment}, which is still to come.",
                "Correct its time or its time zone.",
                row=row,
                moment=moment.isoformat(),
            ),
        )


def _doubles(captures: gpd.GeoDataFrame) -> Iterator[tuple[Any, InputError]]:
    usable = _placed(captures) & captures["at"].notna().to_numpy() & captures["camera"].notna().to_numpy()
    rows = np.flatnonzero(usable)
    if len(rows) < 2:
        return
    shapes = captures.geometry.to_numpy()[rows]
    table = pd.DataFrame(
        {
            "row": rows,
            "camera": captures["camera"].to_numpy()[rows],
            "at": captures["at"].to_numpy()[rows],
            "x": shapely.get_x(shapes),
            "y": shapely.get_y(shapes),
        }
    ).sort_values(["camera", "at", "row"], kind="stable")
    before = table.shift(1)
    near = (
        (table["camera"] == before["camera"])
        & ((table["at"] - before["at"]).dt.total_seconds() <= SAME_S)
        & (np.hypot(table["x"] - before["x"], table["y"] - before["y"]) <= SAME_M)
    )
    for row, first in zip(table["row"][near], before["row"][near], strict=True):
        yield (
            captures.index[row],
            InputError(
                "Capture {row} is the same as {first}: one camera, one place, within a minute.",
                "Keep one of them.",
                row=captures.index[row],
                first=captures.index[int(first)],
            ),
        )
