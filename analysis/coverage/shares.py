"""How much of the ground, of streets and of points the cameras see together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from analysis.checks import require_metric
from analysis.coverage.measure import (
    Groups,
    count_at_points,
    measure,
    read_cells,
    read_eyes,
    read_places,
    single_shares,
    tiles,
)
from analysis.coverage.outlines import POINT, Frame
from analysis.errors import InputError

__all__ = [
    "added_in_order",
    "blind_cells",
    "coverage_by_cell",
    "seen_area_m2",
    "seen_counts",
    "seen_shares",
    "share_matrix",
    "share_table",
]


def seen_shares(places: Frame, views: Frame, groups: Groups | None = None) -> pd.DataFrame:
    """
    Share of each place that at least one camera sees, and that at least two see, for groups of cameras.

    Ground that several cameras see counts once, as in the maximal covering location problem [1]_; ground that two
    see is covered even if one fails, as in backup covering [2]_. Shares are exact but for rounding (1e-9 of a place,
    which the tests hold against unions by GEOS), do not depend on the order of the rows, and take one pass for up
    to 64 groups.

    Parameters
    ----------
    places
        Cells, no-parking areas, districts: share of ground; street edges: share of length; school gates: 0 or 1.
        Valid (Multi)Polygons with area, (Multi)LineStrings with length or Points, also mixed, in a projected CRS
        in metres.
    views
        Ground that each camera sees, in the CRS of `places`, as from `visible_polygons`, or within a DORI
        distance, as from `dori_views`; may have no rows, and rows that are empty or missing. Rows with the same
        label are one camera.
    groups
        Name → one truth value a row of the views, or a Series by camera: by hour, owner, share level, tier (see
        `hour_groups`, `owner_groups`, `share_level_groups`, `tier_groups`). One group "all" if left out.

    Returns
    -------
    shares
        One row a place, indexed like `places`; columns (group, at_least) with at_least 1 or 2; floats in [0, 1].

    Raises
    ------
    CrsError
        If either frame is not in metres, or the two differ.
    InputError
        If a shape is invalid or a group does not fit the views; the message names the row.

    Notes
    -----
    A line that runs along the edge of a view, and a point on it, belong to the ground on one side of the edge.

    References
    ----------
    .. [1] Church & ReVelle (1974), The maximal covering location problem.
    .. [2] Hogan & ReVelle (1986), Concepts and applications of backup coverage.
    """
    require_metric(places=places, views=views)
    wanted = read_places("places", places)
    eyes, names = read_eyes(views, groups)
    tally = measure(wanted, eyes, len(names), eyes.near(wanted))
    return share_table(
        places.index, names, tally.once / tally.ground[:, None], tally.twice / tally.ground[:, None]
    )


def share_table(
    index: pd.Index[Any], names: Sequence[str], once: npt.NDArray[np.float64], twice: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Shares as a table: a row a place, columns (group, at_least)."""
    columns = pd.MultiIndex.from_product([names, [1, 2]], names=["group", "at_least"])
    return pd.DataFrame(
        np.stack([once, twice], axis=2).reshape(len(index), len(columns)), index=index, columns=columns
    )


def seen_counts(points: Frame, views: Frame, groups: Groups | None = None) -> pd.DataFrame:
    """
    How many cameras see each point: a violation, a complaint, a school gate.

    The weight that nobody sees is `weights[counts["all"] == 0].sum()`.

    Parameters
    ----------
    points
        Points in the CRS of `views`.
    views, groups
        As in `seen_shares`.

    Returns
    -------
    counts
        One row a point, indexed like `points`; one column a group; whole numbers.

    Raises
    ------
    CrsError, InputError
        As in `seen_shares`; also if a row of `points` is no point.
    """
    require_metric(points=points, views=views)
    wanted = read_places("points", points)
    if (wanted.kinds != POINT).any():
        row = int(np.flatnonzero(wanted.kinds != POINT)[0])
        raise InputError(
            "Row {row} of points is a {kind}, not a point.",
            "Ask seen_shares for the share of lines and polygons.",
            row=points.index[row],
            kind=points.geometry.iloc[row].geom_type,
        )
    eyes, names = read_eyes(views, groups)
    _, counts = count_at_points(wanted.outlines, eyes, len(names), eyes.near(wanted))
    return pd.DataFrame(counts, index=points.index, columns=pd.Index(names, name="group"))


def added_in_order(places: Frame, views: Frame, kinds: pd.Series[Any], order: Sequence[Any]) -> pd.DataFrame:
    """
    What each kind of camera adds to those before it: street cameras first, then those on towers, then vehicles.

    Parameters
    ----------
    places, views
        As in `seen_shares`.
    kinds
        Kind of each camera, such as its tier, by camera.
    order
        Kinds in the order in which they are put in place; cameras of other kinds are left out.

    Returns
    -------
    added
        Share of each place, in [0, 1], that cameras of this kind see and none of the kinds before it; indexed like
        `places`, one column a kind. The columns add up to the share that all of them see.

    Raises
    ------
    CrsError, InputError
        As in `seen_shares`; also if a kind is named twice, or no camera's kind is known.
    """
    names = [str(kind) for kind in order]
    if not names or len(set(names)) < len(names):
        raise InputError(
            "order names {order}.", "Name each kind once, at least one.", order=", ".join(names) or "no kind"
        )
    groups = {name: kinds.isin(list(order[: k + 1])) for k, name in enumerate(names)}
    seen = seen_shares(places, views, groups).xs(1, level="at_least", axis=1)
    before = pd.DataFrame(seen).shift(axis=1, fill_value=0.0)
    return pd.DataFrame(seen - before)


def coverage_by_cell(cells: gpd.GeoDataFrame, views: Frame) -> pd.Series[float]:
    """
    Share of each cell's ground that at least one camera sees.

    Ground that several cameras see counts once, as in the maximal covering location problem [1]_. The share
    is exact but for rounding: the area of the union of the views within the cell, over the area of the cell.

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
    grounds = read_cells("cells", cells)
    eyes, names = read_eyes(views)
    tally = measure(grounds, eyes, len(names), eyes.near(grounds))
    return pd.Series(tally.once[:, 0] / tally.ground, index=cells.index, name="coverage")


def share_matrix(cells: gpd.GeoDataFrame, views: Frame) -> sparse.csr_matrix:
    """
    Share of each cell that each single camera sees.

    Takes what `coverage_by_cell` takes and raises what it raises.

    Returns
    -------
    shares
        Sparse matrix, cameras in rows, in the order in which they first appear in the views, and cells in
        columns, of floats in (0, 1] where a view meets a cell.
    """
    require_metric(cells=cells, views=views)
    grounds = read_cells("cells", cells)
    eyes, _ = read_eyes(views)
    cell, view = pairs = eyes.near(grounds)
    share = single_shares(grounds, eyes, pairs)
    met = share > 0
    return sparse.csr_matrix((share[met], (view[met], cell[met])), shape=(eyes.outlines.size, len(cells)))


def seen_area_m2(views: Frame) -> float:
    """
    Ground that at least one camera sees, square metres; several cameras on the same ground count it once.

    Takes views as `coverage_by_cell` does and raises what it raises.
    """
    require_metric(views=views)
    eyes, names = read_eyes(views)
    squares = tiles(eyes.outlines.bounds)
    return float(measure(squares, eyes, len(names), eyes.near(squares)).once.sum())


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
