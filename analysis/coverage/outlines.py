"""Outlines of places and views as plain arrays, for the sweeps."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from analysis.errors import InputError

__all__ = [
    "AREA",
    "LINE",
    "POINT",
    "Frame",
    "Outlines",
    "box_outlines",
    "boxes",
    "joined",
    "outlines",
    "taken",
    "valid_areas",
    "valid_places",
]

Frame: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

POINT, LINE, AREA = 0, 1, 2
"""Kinds of place: seen or not, share of its length, share of its ground."""
_KIND_OF_TYPE = np.array([POINT, LINE, -1, AREA, -1, LINE, AREA, -1])
"""By shapely's type id, from Point to GeometryCollection."""


class Outlines(NamedTuple):
    """
    Shapes taken apart: each has pieces (rings, lines, points), each piece has corners.

    Attributes
    ----------
    xy
        Corners, metres, shape (corners, 2). A ring is open: its first corner is not repeated. Outer rings run
        anticlockwise, inner ones clockwise.
    corners
        Piece k holds `xy[corners[k]:corners[k + 1]]`.
    pieces
        Shape n holds the pieces from `pieces[n]` up to `pieces[n + 1]`.
    bounds
        West, south, east, north of each shape; of an empty one infinite, -infinite.
    """

    xy: Floats
    corners: Ints
    pieces: Ints
    bounds: Floats

    @property
    def size(self) -> int:
        """How many shapes."""
        return len(self.bounds)


def valid_areas(name: str, frame: Frame, *, empty: bool = True) -> Shapes:
    """
    Shapes of a frame, all valid (Multi)Polygons; a missing one is empty.

    Raises
    ------
    InputError
        If a shape is something else, is invalid, or is empty where that is not allowed; names the row.
    """
    shapes: Shapes = np.array(frame.geometry.array, dtype=object)
    shapes[shapely.is_missing(shapes)] = shapely.Polygon()
    void = shapely.is_empty(shapes)
    areal = _kinds(shapes) == AREA
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


def valid_places(name: str, frame: Frame) -> tuple[Shapes, Ints]:
    """
    Shapes of a frame and the kind of each: valid polygons with area, lines with length, or points.

    Raises
    ------
    InputError
        If a shape is missing, empty, invalid or something else; names the row.
    """
    shapes: Shapes = np.array(frame.geometry.array, dtype=object)
    kinds = _kinds(shapes)
    good = (kinds >= 0) & ~shapely.is_empty(shapes) & shapely.is_valid(shapes)
    good &= (kinds != AREA) | (shapely.area(shapes) > 0)
    good &= (kinds != LINE) | (shapely.length(shapes) > 0)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        shape = shapes[row]
        reason = "missing" if shape is None else f"{'empty ' if shape.is_empty else ''}{shape.geom_type}"
        if shape is not None and kinds[row] >= 0 and not shape.is_empty:
            reason += f", {shapely.is_valid_reason(shape)}"
        raise InputError(
            "Row {row} of {name} is not a valid polygon, line or point: {reason}.",
            "Mend it (shapely.make_valid) or leave it out.",
            name=name,
            row=frame.index[row],
            reason=reason,
        )
    return shapes, kinds


def outlines(shapes: Shapes, owner: Ints | None = None, count: int | None = None) -> Outlines:
    """
    Takes shapes apart.

    Parameters
    ----------
    shapes
        Valid polygons, lines or points; empty ones give no pieces.
    owner
        Which outline each shape belongs to, 0 to count - 1; each to its own if left out.
    count
        How many outlines; as many as shapes if left out.
    """
    owner = np.arange(len(shapes)) if owner is None else owner
    count = len(shapes) if count is None else count
    areal = _kinds(shapes) == AREA
    ring_xy, ring_corners, ring_of = _rings(shapes[areal])
    other_xy, other_corners, other_of = _parts(shapes[~areal])
    xy = np.concatenate([ring_xy, other_xy])
    corners = np.concatenate([ring_corners, ring_corners[-1] + other_corners[1:]])
    piece_of = np.concatenate([owner[areal][ring_of], owner[~areal][other_of]])
    if (piece_of[1:] < piece_of[:-1]).any():
        order = np.argsort(piece_of, kind="stable")
        corner, corners = _runs(corners, order)
        xy, piece_of = xy[corner], piece_of[order]
    pieces = np.searchsorted(piece_of, np.arange(count + 1))
    return _bounded(xy, corners, pieces)


def box_outlines(bounds: Floats) -> Outlines:
    """Rectangles, from rows west, south, east, north."""
    xy = bounds[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    steps = np.arange(len(bounds) + 1)
    return Outlines(np.ascontiguousarray(xy), 4 * steps, steps, bounds)


def taken(shapes: Outlines, rows: Ints) -> Outlines:
    """Some of the shapes, in the order of `rows`."""
    piece, pieces = _runs(shapes.pieces, rows)
    corner, corners = _runs(shapes.corners, piece)
    return Outlines(shapes.xy[corner], corners, pieces, shapes.bounds[rows])


def joined(first: Outlines, second: Outlines) -> Outlines:
    """The shapes of both, one after the other."""
    return Outlines(
        np.concatenate([first.xy, second.xy]),
        np.concatenate([first.corners, first.corners[-1] + second.corners[1:]]),
        np.concatenate([first.pieces, first.pieces[-1] + second.pieces[1:]]),
        np.concatenate([first.bounds, second.bounds]),
    )


def boxes(bounds: Floats) -> Shapes:
    """Rectangles for an index; empty where there are no bounds."""
    found: Shapes = np.full(len(bounds), shapely.Polygon(), dtype=object)
    there = bounds[:, 0] <= bounds[:, 2]
    found[there] = shapely.box(*bounds[there].T)
    return found


def _kinds(shapes: Shapes) -> Ints:
    """POINT, LINE, AREA, or -1 for anything else."""
    types = shapely.get_type_id(shapes)
    return np.where(types >= 0, _KIND_OF_TYPE[types], -1)


def _runs(starts: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Members of some of the runs that `starts` delimits, and where each run begins among them."""
    sizes = starts[rows + 1] - starts[rows]
    begins = np.concatenate([[0], np.cumsum(sizes)])
    return np.arange(begins[-1]) + np.repeat(starts[rows] - begins[:-1], sizes), begins


def _rings(shapes: Shapes) -> tuple[Floats, Ints, Ints]:
    """Corners of polygons, where each ring begins among them, and whose ring it is; outer rings anticlockwise."""
    if not len(shapes):
        return np.empty((0, 2)), np.zeros(1, np.int64), np.zeros(0, np.int64)
    _, xy, offsets = shapely.to_ragged_array(shapely.orient_polygons(shapes), include_z=False)
    corners = np.asarray(offsets[0], np.int64)
    parts = np.diff(offsets[1])
    owners = (
        np.repeat(np.arange(len(shapes)), np.diff(offsets[2])) if len(offsets) > 2 else np.arange(len(shapes))
    )
    open_ended = np.ones(len(xy), bool)
    open_ended[corners[1:] - 1] = False  # the last corner repeats the first
    return xy[open_ended], corners - np.arange(len(corners)), np.repeat(owners, parts)


def _parts(shapes: Shapes) -> tuple[Floats, Ints, Ints]:
    """The same of lines and points, part by part."""
    parts, owners = shapely.get_parts(shapes, return_index=True)
    xy, part_of = shapely.get_coordinates(parts, return_index=True)
    return xy, np.searchsorted(part_of, np.arange(len(parts) + 1)), owners


def _bounded(xy: Floats, corners: Ints, pieces: Ints) -> Outlines:
    bounds = np.tile([np.inf, np.inf, -np.inf, -np.inf], (len(pieces) - 1, 1))
    starts = corners[pieces]
    there = np.flatnonzero(np.diff(starts))
    if there.size:
        bounds[there, :2] = np.minimum.reduceat(xy, starts[there])
        bounds[there, 2:] = np.maximum.reduceat(xy, starts[there])
    return Outlines(np.ascontiguousarray(xy), corners.astype(np.int64), pieces.astype(np.int64), bounds)
