"""How much of the ground the cameras see together, and what each adds to the others."""

from __future__ import annotations

from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse

from analysis.checks import require_metric
from analysis.errors import InputError

__all__ = [
    "blind_cells",
    "camera_overlap",
    "coverage_by_cell",
    "marginal_area_m2",
    "seen_area_m2",
    "share_matrix",
]

Frame: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries
Shapes = npt.NDArray[np.object_]
Rows = npt.NDArray[np.intp]

TILE_M = 500.0
"""Side of the squares in which a city's views are united."""


def coverage_by_cell(cells: gpd.GeoDataFrame, views: Frame) -> pd.Series[float]:
    """
    Share of each cell's ground that at least one camera sees.

    Ground that several cameras see counts once, as in the maximal covering location problem [1]_. The share
    is exact: the area of the union of the views within the cell, over the area of the cell.

    Parameters
    ----------
    cells
        Unit grid cells: valid (Multi)Polygons with area, in a projected CRS in metres.
    views
        Ground that each camera sees, in the CRS of `cells`, as from `visible_polygons`; may have no rows, and
        rows that are empty or missing.

    Returns
    -------
    coverage
        One float in [0, 1] a cell, indexed like `cells`.

    Raises
    ------
    CrsError
        If either frame is not in metres, or the two differ.
    InputError
        If a cell has no area or a shape is invalid; the message names the row.

    References
    ----------
    .. [1] Church & ReVelle (1974), The maximal covering location problem.
    """
    require_metric(cells=cells, views=views)
    grounds, seen = _areas("cells", cells, empty=False), _areas("views", views)
    share = _united_area_m2(grounds, seen) / shapely.area(grounds)
    return pd.Series(np.clip(share, 0.0, 1.0), index=cells.index, name="coverage")


def share_matrix(cells: gpd.GeoDataFrame, views: Frame) -> sparse.csr_matrix:
    """
    Share of each cell that each single camera sees.

    Takes what `coverage_by_cell` takes and raises what it raises.

    Returns
    -------
    shares
        Sparse matrix, views in rows and cells in columns, of floats in (0, 1] where a view meets a cell.
    """
    require_metric(cells=cells, views=views)
    grounds, seen = _areas("cells", cells, empty=False), _areas("views", views)
    view, cell = shapely.STRtree(grounds).query(seen, predicate="intersects")
    share = shapely.area(shapely.intersection(seen[view], grounds[cell])) / shapely.area(grounds[cell])
    met = share > 0
    return sparse.csr_matrix(
        (np.minimum(share[met], 1.0), (view[met], cell[met])), shape=(len(seen), len(grounds))
    )


def seen_area_m2(views: Frame) -> float:
    """
    Ground that at least one camera sees, square metres; several cameras on the same ground count it once.

    Takes views as `coverage_by_cell` does and raises what it raises.
    """
    require_metric(views=views)
    seen = _areas("views", views)
    seen = seen[~shapely.is_empty(seen)]
    if not len(seen):
        return 0.0
    west, south, east, north = shapely.total_bounds(seen)
    tile_m = max(TILE_M, (east - west) / 1000, (north - south) / 1000)
    x, y = np.meshgrid(np.arange(west, east, tile_m), np.arange(south, north, tile_m))
    return float(_united_area_m2(shapely.box(x, y, x + tile_m, y + tile_m).ravel(), seen).sum())


def blind_cells(coverage: pd.Series[float], threshold: float = 0.05) -> pd.Series[bool]:
    """
    Cells of which so little is seen that silence there means nothing.

    Parameters
    ----------
    coverage
        One float in [0, 1] a cell, from `coverage_by_cell`.
    threshold
        A cell is blind if its coverage is below this share, in (0, 1].

    Returns
    -------
    blind
        One truth value a cell, indexed like `coverage`.

    Raises
    ------
    InputError
        If the threshold or a coverage is out of range.
    """
    if not 0 < threshold <= 1:
        raise InputError(
            "threshold is {value}, but a share is above 0 and at most 1.",
            "Give 0.05 for five per cent.",
            value=threshold,
        )
    good = coverage.between(0, 1)
    if not good.all():
        raise InputError(
            "coverage of cell {row} is {value}, outside 0 to 1.",
            "Take it from coverage_by_cell.",
            row=coverage.index[int(np.flatnonzero(~good)[0])],
            value=coverage[~good].iloc[0],
        )
    return (coverage < threshold).rename("blind")


def marginal_area_m2(views: Frame) -> pd.Series[float]:
    """
    Ground that no camera would see any more if this one went.

    Of two equal views each has a marginal area of 0, yet only one of them can go without loss: after taking
    one out, ask again.

    Parameters
    ----------
    views
        Ground that each camera sees, as `coverage_by_cell` takes it.

    Returns
    -------
    marginal_m2
        Square metres, 0 or more and at most the area of the view, indexed like `views`.

    Raises
    ------
    CrsError
        If `views` is not in metres.
    InputError
        If a shape is invalid; the message names the row.
    """
    require_metric(views=views)
    seen = _areas("views", views)
    marginal = shapely.area(seen) - _shared_area_m2(seen)
    return pd.Series(np.maximum(marginal, 0.0), index=views.index, name="marginal_m2")


def camera_overlap(views: Frame) -> pd.Series[float]:
    """
    Share of each camera's view that another camera sees too.

    Takes what `marginal_area_m2` takes and raises what it raises.

    Returns
    -------
    overlap
        One float in [0, 1] a camera, indexed like `views`; not a number where a camera sees nothing.
    """
    require_metric(views=views)
    seen = _areas("views", views)
    with np.errstate(invalid="ignore"):
        share = _shared_area_m2(seen) / shapely.area(seen)
    return pd.Series(np.clip(share, 0.0, 1.0), index=views.index, name="overlap")


def _areas(name: str, frame: Frame, *, empty: bool = True) -> Shapes:
    """Shapes of a frame, all valid (Multi)Polygons; a missing one is empty."""
    shapes: Shapes = np.array(frame.geometry.array, dtype=object)
    shapes[shapely.is_missing(shapes)] = shapely.Polygon()
    void = shapely.is_empty(shapes)
    kinds = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    areal = np.isin(shapely.get_type_id(shapes), kinds)
    good = (void & empty) | (areal & shapely.is_valid(shapes) & ~void & (shapely.area(shapes) > 0))
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise InputError(
            "Row {row} of {name} is not a valid polygon with area: {reason}.",
            "Mend it (shapely.make_valid) or leave it out.",
            name=name,
            row=frame.index[row],
            reason=shapely.is_valid_reason(shapes[row])
            if areal[row] and not void[row]
            else shapes[row].geom_type,
        )
    shapes[void] = shapely.Polygon()
    return shapes


def _united_area_m2(grounds: Shapes, seen: Shapes) -> npt.NDArray[np.float64]:
    """Area of the union of the views within each ground, square metres."""
    area = np.zeros(len(grounds))
    view, ground = shapely.STRtree(grounds).query(seen, predicate="intersects")
    shapely.prepare(seen)
    whole = shapely.covers(seen[view], grounds[ground])  # one view sees it all: nothing to unite
    area[ground[whole]] = shapely.area(grounds[ground[whole]])
    open_pairs = ~np.isin(ground, ground[whole])
    view, ground = view[open_pairs], ground[open_pairs]
    for group in _groups(ground):
        area[ground[group[0]]] = _union_within_m2(grounds[ground[group[0]]], seen[view[group]])
    return area


def _shared_area_m2(seen: Shapes) -> npt.NDArray[np.float64]:
    """Area of each view that the others see too, square metres."""
    area = np.zeros(len(seen))
    view, other = shapely.STRtree(seen).query(seen, predicate="intersects")
    apart = view != other
    view, other = view[apart], other[apart]
    for group in _groups(view):
        area[view[group[0]]] = _union_within_m2(seen[view[group[0]]], seen[other[group]])
    return area


def _union_within_m2(ground: shapely.Geometry, shapes: Shapes) -> float:
    return float(shapely.area(shapely.union_all(shapely.intersection(shapes, ground))))


def _groups(keys: Rows) -> list[Rows]:
    """Positions of each key, key by key."""
    if not keys.size:
        return []
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)
