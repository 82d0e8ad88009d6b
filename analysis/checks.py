"""Checks that every measuring function opens with."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from analysis.crs import WEB_EPSG
from analysis.errors import CrsError, InputError

__all__ = ["require_columns", "require_metric", "require_positive"]


def require_metric(**frames: gpd.GeoDataFrame | gpd.GeoSeries) -> None:
    """
    Every frame is in one projected CRS in metres.

    Raises
    ------
    CrsError
        If a frame has no CRS, is in degrees or Web Mercator, or two frames differ; the message names the argument.
    """
    first: tuple[str, object] | None = None
    for name, frame in frames.items():
        crs = frame.crs
        if crs is None:
            raise CrsError("{name} has no CRS.", "Name it first: {name}.set_crs(4490).", name=name)
        metres = crs.is_projected and all(axis.unit_name == "metre" for axis in crs.axis_info)
        if not metres or crs.to_epsg() == WEB_EPSG:
            raise CrsError(
                "{name} is in {crs}, which does not measure ground metres.",
                "Project it to metres first: analysis.crs.to_metric({name}, epsg).",
                name=name,
                crs=crs.to_string(),
            )
        if first is None:
            first = (name, crs)
        elif crs != first[1]:
            raise CrsError(
                "{name} is in {crs} but {other} is in {other_crs}.",
                "Project both to the same system in metres.",
                name=name,
                crs=crs.to_string(),
                other=first[0],
                other_crs=first[1].to_string(),  # type: ignore[attr-defined]
            )


def require_columns(name: str, frame: gpd.GeoDataFrame, *columns: str) -> None:
    """`frame` has every one of `columns`; otherwise InputError names those that are missing."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InputError(
            "{name} lacks the column(s) {missing}.",
            "Add them; it has {present}.",
            name=name,
            missing=", ".join(missing),
            present=", ".join(map(str, frame.columns)),
        )


def require_positive(name: str, values: object, *, zero: bool = False) -> None:
    """All of `values` are finite and positive (or zero, if allowed); otherwise InputError names the first bad row."""
    array = np.atleast_1d(np.asarray(values, dtype=float))
    good = np.isfinite(array) & ((array >= 0) if zero else (array > 0))
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InputError(
            "{name} must be {rule}, but row {row} is {value}.",
            "Correct that row or leave it out.",
            name=name,
            rule="zero or more" if zero else "above zero",
            row=row,
            value=array[row],
        )
