"""Candidates for a placement, and which demand each of them covers."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse

from analysis.checks import require_metric, require_positive
from analysis.errors import InputError

__all__ = ["candidate_cameras", "cover_matrix"]


def candidate_cameras(
    sites: gpd.GeoSeries | gpd.GeoDataFrame,
    headings: int | Sequence[float] = 8,
    *,
    hfov_deg: float = 90.0,
    range_m: float = 60.0,
    height_m: float | None = None,
    tilt_deg: float | None = None,
    vfov_deg: float | None = None,
) -> gpd.GeoDataFrame:
    """
    One camera for every site and heading, ready for `visible_polygons`.

    Parameters
    ----------
    sites
        Points where a camera could hang, in a projected CRS in metres.
    headings
        So many, evenly from north clockwise, or a list of degrees in [0, 360).
    hfov_deg, range_m, height_m, tilt_deg, vfov_deg
        Pose and lens of all of them, as in `visible_polygons`; a column is left out if not given.

    Returns
    -------
    candidates
        Columns `site` (label of the site), `heading_deg`, lens and pose; rows counted from 0, as the rows of
        `cover_matrix` are.

    Raises
    ------
    CrsError
        If `sites` is not in metres.
    InputError
        If there is no heading, or one is out of range.
    """
    require_metric(sites=sites)
    if isinstance(headings, int):
        require_positive("headings", headings)
        turns = np.arange(headings) * 360.0 / headings
    else:
        turns = np.asarray(headings, dtype=float)
    if not turns.size or not ((turns >= 0) & (turns < 360)).all():
        raise InputError(
            "headings is {value}; each must be in [0, 360), and there must be one.",
            "Give a number of headings, such as 8, or degrees clockwise from north.",
            value=turns.tolist(),
        )
    pose = {
        "hfov_deg": hfov_deg,
        "range_m": range_m,
        "height_m": height_m,
        "tilt_deg": tilt_deg,
        "vfov_deg": vfov_deg,
    }
    columns = {
        "site": np.repeat(sites.index.to_numpy(), turns.size),
        "heading_deg": np.tile(turns, len(sites)),
    }
    given = {
        name: np.full(len(sites) * turns.size, float(value))
        for name, value in pose.items()
        if value is not None
    }
    points = np.repeat(np.asarray(sites.geometry.array, dtype=object), turns.size)
    return gpd.GeoDataFrame(columns | given, geometry=points, crs=sites.crs)


def cover_matrix(
    views: gpd.GeoSeries | gpd.GeoDataFrame, points: gpd.GeoSeries | gpd.GeoDataFrame
) -> sparse.csr_matrix:
    """
    Which view holds which point of demand.

    For demand in cells, take `coverage.share_matrix(cells, views) >= 0.5` or the like instead.

    Parameters
    ----------
    views
        Ground that each candidate sees, in a projected CRS in metres.
    points
        Points of demand, in the CRS of `views`.

    Returns
    -------
    covers
        Views in rows, points in columns; 1 where the point lies in the view or on its edge.

    Raises
    ------
    CrsError
        If either is not in metres, or the two differ.
    """
    require_metric(views=views, points=points)
    tree = shapely.STRtree(np.asarray(points.geometry.array, dtype=object))
    view, point = tree.query(np.asarray(views.geometry.array, dtype=object), predicate="intersects")
    return sparse.csr_matrix((np.ones(view.size, np.int8), (view, point)), shape=(len(views), len(points)))
