"""Places and cameras made ready for the sweeps, and the sweeps over both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.coverage.lines import points_inside, sweep_lines
from analysis.coverage.outlines import (
    AREA,
    POINT,
    Frame,
    Outlines,
    box_outlines,
    boxes,
    joined,
    outlines,
    taken,
    valid_areas,
    valid_places,
)
from analysis.coverage.sweep import sweep_areas
from analysis.errors import InputError

__all__ = [
    "EVERYONE",
    "Eyes",
    "Groups",
    "Pairs",
    "Places",
    "Tally",
    "count_at_points",
    "measure",
    "read_cells",
    "read_eyes",
    "read_places",
    "single_shares",
    "tiles",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
Pairs: TypeAlias = tuple[Ints, Ints]
"""Rows of places, in order, and rows of views that may meet them."""
Groups: TypeAlias = Mapping[str, "pd.Series[bool] | npt.ArrayLike"]
"""Name → which cameras are in the group: one truth value a row of the views, or a Series by camera."""

EVERYONE = "all"
"""The group of all cameras."""
BITS = 64
"""Groups that one pass of a sweep carries."""
CORNERS = 1_000_000
"""Corners of places that are copied at once where each pair of place and camera is measured by itself."""
TILE_M = 500.0
"""Side of the squares in which a city's views are added up."""


class Tally(NamedTuple):
    """
    What is found, in square metres (metres of a line, 1 a point).

    Attributes
    ----------
    ground
        One a place: all of it.
    once, twice
        Place × group: seen by at least one, by at least two of the group.
    alone
        Pair of place and view × group: seen by the view and by no other view of the group; no rows if not asked for.
    """

    ground: Floats
    once: Floats
    twice: Floats
    alone: Floats


@dataclass(frozen=True, eq=False)
class Places:
    """
    Places whose cover is measured.

    Attributes
    ----------
    labels
        Index of the frame they came from.
    kinds
        POINT, LINE or AREA.
    outlines
        Their shapes.
    """

    labels: pd.Index[Any]
    kinds: Ints
    outlines: Outlines

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Index of their bounding boxes."""
        return shapely.STRtree(boxes(self.outlines.bounds))

    def taken(self, rows: Ints) -> Places:
        """Some of them."""
        return Places(self.labels[rows], self.kinds[rows], taken(self.outlines, rows))


@dataclass(frozen=True, eq=False)
class Eyes:
    """
    Cameras and what each sees.

    Attributes
    ----------
    labels
        One a camera, without doubles.
    outlines
        Ground that each sees.
    masks
        Camera × one column for each 64 groups: bit g is set if it is in group g.
    """

    labels: pd.Index[Any]
    outlines: Outlines
    masks: Ints

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Index of the bounding boxes."""
        return shapely.STRtree(boxes(self.outlines.bounds))

    def taken(self, rows: Ints) -> Eyes:
        """Some of them."""
        return Eyes(self.labels[rows], taken(self.outlines, rows), self.masks[rows])

    def joined(self, more: Eyes) -> Eyes:
        """These and others."""
        return Eyes(
            self.labels.append(more.labels),
            joined(self.outlines, more.outlines),
            np.concatenate([self.masks, more.masks]),
        )

    def chunk(self, group: int) -> Eyes:
        """The same with the masks of 64 groups only, from a multiple of 64 on."""
        return Eyes(self.labels, self.outlines, self.masks[:, group // BITS : group // BITS + 1])

    def near(self, places: Places) -> Pairs:
        """Pairs of place and camera whose bounding boxes meet, place by place."""
        place, view = self.tree.query(boxes(places.outlines.bounds))
        order = np.lexsort([view, place])
        return place[order], view[order]


def read_places(name: str, frame: Frame) -> Places:
    """
    Places of a frame.

    Raises
    ------
    InputError
        If a shape is missing, empty, invalid, or no polygon, line or point; the message names the row.
    """
    shapes, kinds = valid_places(name, frame)
    return Places(frame.index, kinds, outlines(shapes))


def read_cells(name: str, frame: Frame) -> Places:
    """The same where each must be a polygon with area."""
    shapes = valid_areas(name, frame, empty=False)
    return Places(frame.index, np.full(len(shapes), AREA), outlines(shapes))


def tiles(bounds: Floats) -> Places:
    """Squares of a fixed grid that together hold rows west, south, east, north; labelled by column and row."""
    there = bounds[bounds[:, 0] <= bounds[:, 2]]
    first = np.floor(there[:, :2] / TILE_M).astype(np.int64)
    size = np.floor(there[:, 2:] / TILE_M).astype(np.int64) - first + 1
    number = size.prod(axis=1)
    row = np.repeat(np.arange(len(there)), number)
    step = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    corner = first[row] + np.column_stack([step % size[row, 0], step // size[row, 0]])
    corner = np.unique(corner, axis=0)
    squares = box_outlines(np.hstack([corner, corner + 1]) * TILE_M)
    return Places(pd.MultiIndex.from_arrays(list(corner.T)), np.full(len(corner), AREA), squares)


def read_eyes(views: Frame, groups: Groups | None = None, name: str = "views") -> tuple[Eyes, list[str]]:
    """
    Cameras of a frame of views, and the names of their groups.

    Rows with the same label are one camera, as the presets of one that turns.

    Raises
    ------
    InputError
        If a shape is invalid, a group does not fit, or two rows of one camera are in different groups; the message
        names the row.
    """
    shapes = valid_areas(name, views)
    owner, labels = pd.factorize(views.index, use_na_sentinel=False)
    members, names = _members(views, {EVERYONE: np.ones(len(views), bool)} if groups is None else groups)
    first = np.full(len(labels), len(views))
    np.minimum.at(first, owner, np.arange(len(views)))
    differing = (members != members[first[owner]]).any(axis=1) if len(views) else np.zeros(0, bool)
    if differing.any():
        row = int(np.flatnonzero(differing)[0])
        group = int(np.flatnonzero(members[row] != members[first[owner[row]]])[0])
        raise InputError(
            "Camera {camera} has rows inside and outside the group {group}.",
            "Rows with the same label are one camera: give them the same groups, or ask for the sets one by one.",
            camera=views.index[row],
            group=names[group],
        )
    chunks = [_bits(members[first, g : g + BITS]) for g in range(0, len(names), BITS)]
    return Eyes(pd.Index(labels), outlines(shapes, owner, len(labels)), np.column_stack(chunks)), names


def measure(places: Places, eyes: Eyes, groups: int, pairs: Pairs, against: Truths | None = None) -> Tally:
    """
    What the cameras see of the places.

    Parameters
    ----------
    places, eyes
        From `read_places` and `read_eyes`, in one CRS.
    groups
        How many groups there are.
    pairs
        From `Eyes.near`.
    against
        Groups for which is wanted what each camera sees alone.

    Returns
    -------
    tally
        `alone` has a row for each of the `pairs`.
    """
    if against is None:
        against = np.zeros(groups, bool)
    tallies = [
        _measure_some(places, eyes.chunk(g), against[g : g + BITS], pairs) for g in range(0, groups, BITS)
    ]
    ground = tallies[0].ground
    return Tally(ground, *(np.hstack([getattr(t, name) for t in tallies]) for name in Tally._fields[1:]))


def single_shares(places: Places, eyes: Eyes, pairs: Pairs) -> Floats:
    """Share of its place that the camera of each pair sees, whatever others see."""
    everyone = Eyes(eyes.labels, eyes.outlines, np.ones((eyes.outlines.size, 1), np.int64))
    corners = np.diff(places.outlines.corners[places.outlines.pieces])[pairs[0]]
    chunk = np.cumsum(corners) // CORNERS
    shares = np.zeros(len(pairs[0]))
    for at in np.split(np.arange(len(chunk)), np.flatnonzero(np.diff(chunk)) + 1):
        some = places.taken(pairs[0][at])
        tally = measure(some, everyone, 1, (np.arange(len(at)), pairs[1][at]))
        shares[at] = tally.once[:, 0] / tally.ground
    return shares


def count_at_points(points: Outlines, eyes: Eyes, groups: int, pairs: Pairs) -> tuple[Truths, Ints]:
    """Whether the point of each pair lies in its view, and how many cameras of each group see each point."""
    inside = points_inside(points, eyes.outlines, *pairs)
    point, masks = pairs[0][inside], eyes.masks[pairs[1][inside]]
    counts = np.empty((points.size, groups), np.int64)
    for g in range(groups):
        counts[:, g] = np.bincount(point[_has(masks[:, g // BITS], g % BITS)], minlength=points.size)
    return inside, counts


def _measure_some(places: Places, eyes: Eyes, against: Truths, pairs: Pairs) -> Tally:
    """The same for at most 64 groups, kind by kind."""
    groups, count = len(against), places.outlines.size
    tally = Tally(
        np.ones(count),
        np.zeros((count, groups)),
        np.zeros((count, groups)),
        np.zeros((len(pairs[0]) if against.any() else 0, groups)),
    )
    for kind in np.unique(places.kinds):
        rows = np.flatnonzero(places.kinds == kind)
        mine = places.kinds[pairs[0]] == kind
        of_kind = np.searchsorted(rows, pairs[0][mine]), pairs[1][mine]
        shapes = places.outlines if len(rows) == count else taken(places.outlines, rows)
        found = (_tally_points if kind == POINT else _tally_ground)(kind, shapes, eyes, against, of_kind)
        tally.ground[rows], tally.once[rows], tally.twice[rows] = found.ground, found.once, found.twice
        if against.any():
            tally.alone[mine] = found.alone
    return tally


def _tally_ground(kind: int, shapes: Outlines, eyes: Eyes, against: Truths, pairs: Pairs) -> Tally:
    sweep = sweep_areas if kind == AREA else sweep_lines
    first = np.searchsorted(pairs[0], np.arange(shapes.size + 1))
    masks = np.ascontiguousarray(eyes.masks[:, 0])
    return Tally(
        *sweep(shapes, eyes.outlines, first, pairs[1], masks, len(against), int(_bits(against[None])[0]))
    )


def _tally_points(kind: int, shapes: Outlines, eyes: Eyes, against: Truths, pairs: Pairs) -> Tally:
    inside, counts = count_at_points(shapes, eyes, len(against), pairs)
    alone = np.zeros((len(pairs[0]) if against.any() else 0, len(against)))
    for g in np.flatnonzero(against):
        others = counts[pairs[0], g] - _has(eyes.masks[pairs[1], 0], int(g))
        alone[:, g] = inside & (others == 0)
    return Tally(np.ones(shapes.size), (counts > 0).astype(float), (counts > 1).astype(float), alone)


def _bits(members: Truths) -> Ints:
    """One number a row of at most 64 truth values."""
    weights = np.uint64(1) << np.arange(members.shape[1], dtype=np.uint64)
    return np.where(members, weights, np.uint64(0)).sum(axis=1, dtype=np.uint64).astype(np.int64)


def _has(masks: Ints, bit: int) -> Truths:
    return (masks >> np.int64(bit)) & 1 == 1


def _members(views: Frame, groups: Groups) -> tuple[Truths, list[str]]:
    """Row of views × group, and the names of the groups."""
    if not groups:
        raise InputError("groups is empty.", "Leave it out, or name at least one group.")
    members = np.zeros((len(views), len(groups)), bool)
    for g, (name, group) in enumerate(groups.items()):
        members[:, g] = _group(views, name, group)
    return members, list(groups)


def _group(views: Frame, name: str, group: pd.Series[bool] | npt.ArrayLike) -> Truths:
    """One truth value a row of the views."""
    if isinstance(group, pd.Series) and not group.index.equals(views.index):
        missing = ~views.index.isin(group.index)
        if missing.any() or not group.index.is_unique:
            raise InputError(
                "Group {group} does not say whether camera {camera} is in it.",
                "Give one truth value a camera.",
                group=name,
                camera=views.index[int(np.argmax(missing))],
            )
        group = group.loc[views.index]
    array = np.asarray(group)
    if array.shape != (len(views),) or (array.dtype != bool and len(views)):
        raise InputError(
            "Group {group} has {found}, but there are {rows} views.",
            "Give one truth value a row of the views, or a Series by camera.",
            group=name,
            found=f"values of type {array.dtype}, shape {array.shape}",
            rows=len(views),
        )
    return array.astype(bool)
