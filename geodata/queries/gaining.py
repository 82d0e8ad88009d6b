"""Ground and kerb that cameras see before and after some come and some go."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from analysis.coverage import CoverageState, blind_cells
from geodata.queries.city import cells
from geodata.queries.city import views as all_views
from geodata.queries.frames import read_frame
from geodata.towns.town import Town

__all__ = ["GroundSeen", "ground_seen", "kerb_seen", "rounded"]

Truths = npt.NDArray[np.bool_]
GroundSeen = dict[str, list[float]]
"""
Figure → [before, after]: `seen_ratio` and `twice_ratio` (shares of the cells' ground that at least one and at least two
cameras see), `seen_m2`, `blind_cells` (of which less than 5 % is seen), `kerb_ratio` (share of the points along kerbs
without bays that are seen); ratios in [0, 1].
"""


def ground_seen(
    conn: Connection,
    town: Town,
    views: gpd.GeoSeries | None,
    *,
    remove: Sequence[int] = (),
    add: gpd.GeoSeries | None = None,
) -> GroundSeen:
    """
    What is seen of the town's cells before and after, as the Cameras screen counts it; nothing without cells.

    Parameters
    ----------
    conn
        An open connection.
    town
        The town.
    views
        What each camera sees, by camera, such as under a scenario; the stored views if None. Cameras that play
        footage of another place count with their pose in any case, as they do on the screen.
    remove
        Cameras that go.
    add
        Views that come, in any CRS.
    """
    epsg = town.metric_epsg
    grid = cells(conn, epsg)[["area_m2", "geom"]]
    if grid.empty:
        return {}
    looked = all_views(conn, epsg).geometry if views is None else _with_shown(conn, views.to_crs(epsg))
    looked = looked[~(looked.is_empty | looked.isna())]
    before = CoverageState.of(grid.geometry, looked)
    new = None
    if add is not None:
        shapes = add.to_crs(epsg).make_valid()
        new = shapes.set_axis(np.arange(len(shapes)) + _next(looked.index))
    after = before.changed(remove=list(remove), add=new)
    figures = [_figures(grid["area_m2"], state) for state in (before, after)]
    return {name: [each[name] for each in figures] for name in figures[0]}


def kerb_seen(before: Truths, after: Truths) -> GroundSeen:
    """Shares of the points along the kerbs that are seen before and after; nothing without points."""
    return {"kerb_ratio": [float(before.mean()), float(after.mean())]} if len(before) else {}


def rounded(seen: GroundSeen) -> GroundSeen:
    """In six decimals, square metres in one."""
    return {
        name: [round(value, 1 if name.endswith("_m2") else 6) for value in ends]
        for name, ends in seen.items()
    }


def _with_shown(conn: Connection, views: gpd.GeoSeries) -> gpd.GeoSeries:
    """These views, and those of cameras that play footage of elsewhere."""
    shown = read_frame(
        conn,
        "SELECT v.camera_id, v.geom FROM camera_view v JOIN camera c ON c.id = v.camera_id"
        " WHERE c.demonstration ORDER BY v.camera_id",
        index="camera_id",
    ).to_crs(views.crs)
    more = shown.geometry[~shown.index.isin(views.index)].make_valid()
    return gpd.GeoSeries(pd.concat([views, more]), crs=views.crs) if len(more) else views


def _next(labels: pd.Index[int]) -> int:
    return int(labels.max()) + 1 if len(labels) else 0


def _figures(area_m2: pd.Series[float], state: CoverageState) -> dict[str, float]:
    once, twice = (state.shares["all", least].to_numpy() for least in (1, 2))
    area = area_m2.to_numpy(dtype=np.float64)
    return {
        "seen_ratio": float((once * area).sum() / area.sum()),
        "seen_m2": float((once * area).sum()),
        "twice_ratio": float((twice * area).sum() / area.sum()),
        "blind_cells": int(blind_cells(pd.Series(once).clip(0, 1)).sum()),
    }
