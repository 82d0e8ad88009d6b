"""What a camera sees whose heading nobody surveyed: shares of places with an interval."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.special import ndtri

from analysis.checks import require_metric
from analysis.errors import InputError
from analysis.visibility.faults import column_values, first_fault
from analysis.visibility.obstacles import Obstacles
from analysis.visibility.views import visible_polygons

__all__ = ["heading_views", "united_share", "visible_share"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Shapes = npt.NDArray[np.object_]

STEPS = 41
"""Headings tried for one camera, equally likely."""
BATCH = 2_000
"""Cameras whose views are held at a time."""
INTERVAL = (0.025, 0.975)
"""Quantiles between which 95 % lie."""


def heading_views(cameras: gpd.GeoDataFrame, obstacles: Obstacles, *, steps: int = STEPS) -> gpd.GeoSeries:
    """
    What each camera sees at equally likely headings.

    Parameters
    ----------
    cameras
        As `visible_polygons` takes them, with a column `heading_sd_deg` >= 0: the standard deviation of the
        heading, which is normally distributed. Where it is missing or 0 the heading is certain.
    obstacles
        From `prepare_obstacles`.
    steps
        How many headings, at the middles of as many parts of equal probability; at least 3.

    Returns
    -------
    views
        As from `visible_polygons`, indexed by the labels of `cameras` and the step from 0, from left to right;
        a camera with a certain heading has one row.

    Raises
    ------
    CrsError, InputError
        As `visible_polygons`; also if there are fewer than 3 steps.
    """
    poses, row, step = _poses(cameras, steps)
    views = visible_polygons(poses, obstacles)
    views.index = pd.MultiIndex.from_arrays([cameras.index[row], step], names=["camera", "step"])
    return views


def visible_share(
    cameras: gpd.GeoDataFrame,
    obstacles: Obstacles,
    places: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    quantiles: tuple[float, float] = INTERVAL,
    steps: int = STEPS,
) -> pd.DataFrame:
    """
    Share of each place that each camera sees, given how well its heading is known.

    Parameters
    ----------
    cameras, obstacles, steps
        As `heading_views` takes them.
    places
        Polygons, of which shares of the area are given, lines (of the length) or points (0 or 1), in the CRS of
        `cameras`.
    quantiles
        Of the lower and the upper bound, in [0, 1]; these bound 95 % of the headings.

    Returns
    -------
    shares
        Columns `camera`, `place` (labels), `mean`, `lower`, `upper`, each share in [0, 1]: one row for each pair
        in which some heading sees something.

    Raises
    ------
    CrsError, InputError
        As `heading_views`; also if a place is empty, or `quantiles` do not grow within [0, 1].
    """
    grounds, whole = _places(cameras, places, quantiles)
    tree = shapely.STRtree(grounds)
    found = []
    for first, row, step, views in _batches(cameras, obstacles, steps):
        view, place = tree.query(views, predicate="intersects")
        share = _measure(shapely.intersection(views[view], grounds[place]), grounds[place]) / whole[place]
        pairs, pair = np.unique(np.column_stack([row[view], place]), axis=0, return_inverse=True)
        table = np.zeros((len(pairs), steps))
        sure = np.bincount(row, minlength=len(cameras))[pairs[:, 0]] == 1
        table[pair, step[view]] = np.minimum(share, 1.0)
        table[sure] = table[sure, :1]
        found.append(_summary(table, quantiles).assign(camera=pairs[:, 0] + first, place=pairs[:, 1]))
    names = ["camera", "place", "mean", "lower", "upper"]
    shares = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=names, dtype=float)
    shares = shares[shares["mean"] > 0].reset_index(drop=True)
    shares["camera"] = cameras.index[shares["camera"].to_numpy(dtype=np.intp)]
    shares["place"] = places.index[shares["place"].to_numpy(dtype=np.intp)]
    return shares[names]


def united_share(
    cameras: gpd.GeoDataFrame,
    obstacles: Obstacles,
    places: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    quantiles: tuple[float, float] = INTERVAL,
    steps: int = STEPS,
    seed: int = 0,
) -> pd.DataFrame:
    """
    Share of each place that at least one camera sees, given how well the headings are known.

    The headings of different cameras err independently: as many times as there are steps, one is drawn for every
    camera, each just once (Latin hypercube sampling [1]_).

    Parameters
    ----------
    cameras, obstacles, places, quantiles, steps
        As `visible_share` takes them.
    seed
        Of the draw; the same seed gives the same shares.

    Returns
    -------
    shares
        Columns `mean`, `lower`, `upper`, each in [0, 1], indexed like `places`.

    Raises
    ------
    CrsError, InputError
        As `visible_share`.

    References
    ----------
    .. [1] McKay, Beckman & Conover (1979), A comparison of three methods for selecting values of input variables.
    """
    grounds, whole = _places(cameras, places, quantiles)
    random, tree = np.random.default_rng(seed), shapely.STRtree(grounds)
    parts, keys = [np.empty(0, dtype=object)], [np.empty(0, dtype=np.intp)]
    for _, row, step, views in _batches(cameras, obstacles, steps):
        view, place = tree.query(views, predicate="intersects")
        part = shapely.intersection(views[view], grounds[place])
        sure = (np.bincount(row)[row] == 1)[view]
        drawn = random.permuted(np.tile(np.arange(steps), (row[-1] + 1, 1)), axis=1)
        keys.append(place[~sure] * steps + drawn[row[view], step[view]][~sure])
        keys.append((place[sure, None] * steps + np.arange(steps)).ravel())
        parts += [part[~sure], np.repeat(part[sure], steps)]
    table = np.zeros(len(grounds) * steps)
    key, every = np.concatenate(keys), np.concatenate(parts)
    order = np.argsort(key, kind="stable")
    begin = np.flatnonzero(np.diff(key[order], prepend=-1))
    united = np.array([shapely.union_all(group) for group in np.split(every[order], begin[1:])], dtype=object)
    cell = key[order][begin]
    table[cell] = np.minimum(
        _measure(united[: len(cell)], grounds[cell // steps]) / whole[cell // steps], 1.0
    )
    return _summary(table.reshape(len(grounds), steps), quantiles).set_axis(places.index)


def _poses(cameras: gpd.GeoDataFrame, steps: int) -> tuple[gpd.GeoDataFrame, Rows, Rows]:
    """A row a camera and heading; the row of the camera and the step of each."""
    if steps < 3:
        raise InputError("{steps} headings tell nothing about an interval.", "Try 3 or more.", steps=steps)
    if (fault := first_fault(cameras, turning=True)) is not None:
        raise fault
    spread = np.zeros(len(cameras))
    if "heading_sd_deg" in cameras:
        spread = np.nan_to_num(column_values(cameras, "heading_sd_deg"))
    row = np.repeat(np.arange(len(cameras)), np.where(spread > 0, steps, 1))
    step = np.arange(len(row)) - np.searchsorted(row, row)
    poses = cameras.iloc[row].copy()
    turned = column_values(poses, "heading_deg") + spread[row] * ndtri((step + 0.5) / steps)
    heading = np.where(spread[row] > 0, turned, column_values(poses, "heading_deg")) % 360.0
    poses["heading_deg"] = np.where(heading < 360.0, heading, 0.0)
    return poses, row, step


def _batches(
    cameras: gpd.GeoDataFrame, obstacles: Obstacles, steps: int
) -> Iterator[tuple[int, Rows, Rows, Shapes]]:
    """Views of some cameras at a time: the first of them, and for each view its camera from there and its step."""
    for first in range(0, len(cameras), BATCH):
        poses, row, step = _poses(cameras.iloc[first : first + BATCH], steps)
        yield first, row, step, np.array(visible_polygons(poses, obstacles).array, dtype=object)


def _places(
    cameras: gpd.GeoDataFrame, places: gpd.GeoDataFrame | gpd.GeoSeries, quantiles: tuple[float, float]
) -> tuple[Shapes, Floats]:
    """The places and what is the whole of each; InputError if one is empty or the quantiles make no interval."""
    require_metric(cameras=cameras, places=places)
    if not 0 <= quantiles[0] < quantiles[1] <= 1:
        raise InputError(
            "quantiles are {lower} and {upper}, which bound no interval.",
            "Give two that grow within 0 and 1, such as 0.025 and 0.975.",
            lower=quantiles[0],
            upper=quantiles[1],
        )
    grounds: Shapes = np.array(places.geometry.array, dtype=object)
    grounds[shapely.is_missing(grounds)] = shapely.Point()
    whole = _measure(grounds, grounds)
    if (whole <= 0).any():
        raise InputError(
            "Place {row} has nothing that could be seen.",
            "Give it a point, a line or a polygon, or leave it out.",
            row=places.index[int(np.flatnonzero(whole <= 0)[0])],
        )
    return grounds, whole


def _measure(parts: Shapes, grounds: Shapes) -> Floats:
    """Area of parts of polygons, length of parts of lines, 1 for points that are not empty."""
    size = shapely.get_dimensions(grounds)
    there = (~shapely.is_empty(parts)).astype(float)
    return np.where(size == 2, shapely.area(parts), np.where(size == 1, shapely.length(parts), there))


def _summary(table: Floats, quantiles: tuple[float, float]) -> pd.DataFrame:
    """Mean and quantiles of rows of equally likely shares, each at the middle of its part of probability."""
    if not len(table):
        return pd.DataFrame({"mean": [], "lower": [], "upper": []}, dtype=float)
    lower, upper = np.quantile(table, quantiles, axis=1, method="hazen")
    return pd.DataFrame({"mean": table.mean(axis=1), "lower": lower, "upper": upper})
