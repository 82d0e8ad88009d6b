"""
Exposure: how long a place was really looked at.

A count of captured violations is a product of what happens and of where cameras look; dividing it by
exposure leaves what happens. The unit is the *seen-hour*: one hour during which all of a cell's ground (or
kerb) is looked at by a detector that misses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.checks import require_metric, require_positive
from analysis.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

__all__ = ["camera_exposure", "cell_exposure"]


def cell_exposure(
    cells: gpd.GeoDataFrame,
    views: gpd.GeoDataFrame,
    hours: pd.Series[float],
    recall: float | pd.Series[float],
    *,
    period_h: float,
    kerbs: gpd.GeoDataFrame | None = None,
    spacing_m: float = 2.0,
) -> pd.DataFrame:
    """
    Seen-hours of each cell, for counts in which one violation counts once however many cameras caught it.

    At a place x the chance that at least one camera catches a violation is

        q(x) = 1 - Π (1 - recall_c · hours_c / period_h)      over the cameras c that see x,

    and the exposure of a cell is period_h times the mean of q over its ground (or along its kerbs). Adding up
    share × hours × recall over cameras instead would count ground seen twice as two places, although a second
    camera only catches what the first one missed, and would make well-watched cells look too calm; taking the
    union of the views would deny that a second camera helps at all. With a single camera all three agree:
    share × hours × recall.

    Cameras sample independently of each other in time, as a patrol that polls them in turn. Where they all
    run during the same hours, pass those hours as `period_h`.

    Parameters
    ----------
    cells
        Unit grid cells: valid (Multi)Polygons in a projected CRS in metres.
    views
        Ground that each camera sees, one row a camera, indexed by camera; in the CRS of `cells`; may
        have no rows.
    hours
        Hours that each camera sampled in the period, 0 to `period_h`, indexed by camera; further cameras are
        ignored.
    recall
        Share of the violations in view that the detector finds, in [0, 1]: one number, or one a camera.
    period_h
        Length of the period in hours, above 0.
    kerbs
        Lines along which the violation can happen, in the CRS of `cells`. Without them all ground counts
        alike. Prefer kerbs for parking: a courtyard is full of ground and has none.
    spacing_m
        Ground is sampled every `spacing_m` metres, above 0; a piece seen between the samples still counts
        with its own area. Kerbs are cut exactly where views begin and end.

    Returns
    -------
    exposure
        Indexed like `cells`: `seen_share` (share of ground or kerb that a camera with hours above 0 sees, in
        [0, 1]), `cameras` (how many of them), `exposure_h` (seen-hours, from 0 to `period_h`). A cell without
        any of the `kerbs` has zeros.

    Raises
    ------
    CrsError
        If a frame is not in metres, or two differ.
    InputError
        If hours or recall lack a camera, or are outside their range.

    Notes
    -----
    Adding a camera, an hour or recall never lowers the exposure of any cell.
    """
    sampled, found = _rates(views, hours, recall, period_h)
    chance = found * sampled / period_h
    shares = np.zeros(len(cells))
    counts = np.zeros(len(cells), dtype=np.int64)
    exposure = np.zeros(len(cells))
    for row, weights, seen in _sight(cells, views, kerbs, spacing_m):
        missed = np.ones(len(weights))
        covered = np.zeros(len(weights), dtype=bool)
        for camera, mask in seen:
            if sampled[camera] > 0:
                missed[mask] *= 1 - chance[camera]
                covered |= mask
                counts[row] += 1
        shares[row] = weights[covered].sum() / weights.sum()
        exposure[row] = period_h * np.average(1 - missed, weights=weights)
    return pd.DataFrame({"seen_share": shares, "cameras": counts, "exposure_h": exposure}, index=cells.index)


def camera_exposure(
    cells: gpd.GeoDataFrame,
    views: gpd.GeoDataFrame,
    hours: pd.Series[float],
    recall: float | pd.Series[float],
    *,
    period_h: float,
    kerbs: gpd.GeoDataFrame | None = None,
    spacing_m: float = 2.0,
) -> pd.DataFrame:
    """
    Seen-hours of each camera in each cell that it sees, for counts of one camera alone.

    The parameters and errors are those of `cell_exposure`. Where views overlap, these hours add up to more
    than the exposure of the cell, so they fit counts in which a violation counts once for every camera that
    caught it.

    Returns
    -------
    exposure
        One row for each cell and camera that sees some of it: `cell` and `camera` (labels of the two
        indexes), `seen_share` in [0, 1] and `exposure_h` = seen_share × hours × recall.
    """
    sampled, found = _rates(views, hours, recall, period_h)
    rows: list[tuple[int, int, float]] = []
    for row, weights, seen in _sight(cells, views, kerbs, spacing_m):
        rows += [(row, camera, float(weights[mask].sum() / weights.sum())) for camera, mask in seen]
    cell, camera, share = (np.asarray(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    at_cell, at_camera = np.asarray(cell, dtype=np.intp), np.asarray(camera, dtype=np.intp)
    seen_share = np.asarray(share, dtype=float)
    return pd.DataFrame(
        {
            "cell": cells.index.take(at_cell),
            "camera": views.index.take(at_camera),
            "seen_share": seen_share,
            "exposure_h": seen_share * (sampled * found)[at_camera],
        }
    )


def _rates(
    views: gpd.GeoDataFrame, hours: pd.Series[float], recall: float | pd.Series[float], period_h: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hours and recall in the order of `views`, checked."""
    require_positive("period_h", period_h)
    if not views.index.is_unique:
        raise InputError(
            "views holds camera {camera} more than once.",
            "Unite its parts first: views.dissolve(level=0).",
            camera=views.index[views.index.duplicated()][0],
        )
    each = recall if isinstance(recall, pd.Series) else pd.Series(float(recall), index=views.index)
    for name, values in (("hours", hours), ("recall", each)):
        missing = views.index.difference(values.index)
        if len(missing):
            raise InputError(
                "{name} has no value for camera {camera} ({count} cameras are missing).",
                "Give every camera of views a value; 0 for one that was never sampled.",
                name=name,
                camera=missing[0],
                count=len(missing),
            )
    sampled = np.asarray(hours.reindex(views.index), dtype=np.float64)
    found = np.asarray(each.reindex(views.index), dtype=np.float64)
    for name, array, most in (("hours", sampled, period_h), ("recall", found, 1.0)):
        bad = ~((array >= 0) & (array <= most * (1 + 1e-12)))
        if bad.any():
            raise InputError(
                "{name} must lie in [0, {most:g}], but camera {camera} has {value}.",
                "Correct that value; hours are those of the whole period, not of a day.",
                name=name,
                most=most,
                camera=views.index[bad][0],
                value=array[bad][0],
            )
    return sampled, found


def _sight(
    cells: gpd.GeoDataFrame, views: gpd.GeoDataFrame, kerbs: gpd.GeoDataFrame | None, spacing_m: float
) -> Iterator[tuple[int, NDArray[np.float64], list[tuple[int, NDArray[np.bool_]]]]]:
    """Each cell that is seen: its row, the weights of its places, and which of the places a camera sees."""
    require_metric(cells=cells, views=views)
    require_positive("spacing_m", spacing_m)
    ground = cells.geometry.to_numpy()
    seen = views.geometry.to_numpy()
    shapely.prepare(ground)
    shapely.prepare(seen)
    lines: NDArray[np.object_] | None = None
    if kerbs is not None:
        require_metric(cells=cells, kerbs=kerbs)
        lines = kerbs.geometry.to_numpy()
        line_tree = shapely.STRtree(lines)
    bounds, outlines = shapely.bounds(seen), shapely.boundary(seen)
    pairs = shapely.STRtree(seen).query(ground, predicate="intersects")
    for row, group in pd.Series(pairs[1]).groupby(pairs[0]):
        cell, cameras = ground[row], np.sort(group.to_numpy())
        if lines is None:
            points, weights = _ground_places(cell, seen[cameras], spacing_m)
        else:
            points, weights = _line_places(
                cell, lines[line_tree.query(cell, "intersects")], outlines[cameras]
            )
        if not len(weights):
            continue
        masks: list[tuple[int, NDArray[np.bool_]]] = []
        for camera in cameras.tolist():
            low, high = bounds[camera, :2], bounds[camera, 2:]
            mask = np.asarray(((points >= low) & (points <= high)).all(axis=1))
            mask[mask] = shapely.contains_xy(seen[camera], points[mask, 0], points[mask, 1])
            if mask.any():
                masks.append((camera, mask))
        if masks:
            yield int(row), weights, masks


def _ground_places(
    cell: BaseGeometry, views: NDArray[np.object_], spacing_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Points and the m² that each stands for.

    A lattice inside the cell, and a point for each view whose piece of the cell lies between its points.
    """
    west, south, east, north = cell.bounds
    x = west + (np.arange(max(1, round((east - west) / spacing_m))) + 0.5) * spacing_m
    y = south + (np.arange(max(1, round((north - south) / spacing_m))) + 0.5) * spacing_m
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    points = points[shapely.contains_xy(cell, points[:, 0], points[:, 1])]
    pieces = shapely.intersection(cell, views)
    areas = shapely.area(pieces)
    caught = shapely.contains_xy(views[:, None], points[None, :, 0], points[None, :, 1]).any(axis=1)
    small = (areas > 0) & ~caught
    extra = shapely.get_coordinates(shapely.point_on_surface(pieces[small]))
    weights = np.concatenate([np.full(len(points), cell.area / max(len(points), 1)), areas[small]])
    return np.concatenate([points, extra]), weights


def _line_places(
    cell: BaseGeometry, lines: NDArray[np.object_], outlines: NDArray[np.object_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle points of the lines in the cell, cut where a view begins or ends, and the metres of each."""
    parts = shapely.get_parts(shapely.intersection(lines, cell))
    parts = parts[shapely.length(parts) > 0]
    count = len(parts)
    crossings = shapely.intersection(parts[:, None], outlines[None, :])
    points, pair = shapely.get_coordinates(crossings.ravel(), return_index=True)
    crossed = pair // max(len(outlines), 1)
    ends = np.concatenate([np.zeros(count), shapely.length(parts)])
    metres = np.concatenate([ends, shapely.line_locate_point(parts[crossed], shapely.points(points))])
    part = np.concatenate([np.arange(count), np.arange(count), crossed])
    order = np.lexsort((metres, part))
    metres, part = metres[order], part[order]
    piece = (part[1:] == part[:-1]) & (metres[1:] > metres[:-1])
    middle = (metres[1:] + metres[:-1])[piece] / 2
    places = shapely.line_interpolate_point(parts[part[1:][piece]], middle)
    return shapely.get_coordinates(places), np.diff(metres)[piece]
