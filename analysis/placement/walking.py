"""Who is within walking distance along the streets."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import shapely

from analysis.errors import InputError

__all__ = ["walking_reach"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

SNAP_M = 0.01
"""Corners of two streets closer than this are one."""


class Network(NamedTuple):
    """
    Streets between the places where they meet.

    Attributes
    ----------
    ends
        Two nodes a stretch.
    length_m
        One a stretch.
    first_m
        Distance of its first node from the beginning of its line; stretches are sorted by line and this.
    line
        Line of each stretch.
    nodes
        How many.
    """

    ends: Ints
    length_m: Floats
    first_m: Floats
    line: Ints
    nodes: int


class Attached(NamedTuple):
    """Places on the network: stretch, metres from its first node, metres from the place to the street."""

    stretch: Ints
    along_m: Floats
    aside_m: Floats


def walking_reach(starts: Shapes, ends: Shapes, streets: Shapes, limit_m: float) -> tuple[Ints, Ints]:
    """
    Pairs of start and end whose way along the streets is at most `limit_m` metres.

    Shortest paths [1]_ from each start, given up at the limit. A place joins the nearest street, straight.

    Parameters
    ----------
    starts, ends
        Points, in metres.
    streets
        Lines; they meet where they share a corner (to 1 cm), walked in both directions.
    limit_m
        Metres, above 0.

    Returns
    -------
    start, end
        Positions, sorted by start.

    Raises
    ------
    InputError
        If there are no streets.

    References
    ----------
    .. [1] Dijkstra (1959), A note on two problems in connexion with graphs.
    """
    lines = shapely.get_parts(streets)
    lines = lines[
        (shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING) & (shapely.length(lines) > 0)
    ]
    if not lines.size:
        raise InputError("There is no street to walk along.", "Give lines with a length.")
    network = _network(lines)
    tree = shapely.STRtree(lines)
    start, end = (_attached(network, lines, tree, places) for places in (starts, ends))
    links, at = _links(network.ends, network.nodes)
    by_stretch = np.argsort(end.stretch, kind="stable")
    held = np.searchsorted(end.stretch[by_stretch], np.arange(len(network.length_m) + 1))
    return _reach(
        network.ends, network.length_m, links, at, start, end, by_stretch.astype(np.int64), held, limit_m
    )


def _network(lines: Shapes) -> Network:
    """Nodes are the ends of lines and the corners that two lines share."""
    at, line = shapely.get_coordinates(lines, return_index=True)
    _, corner, shared = np.unique(
        np.rint(at / SNAP_M).astype(np.int64), axis=0, return_inverse=True, return_counts=True
    )
    corner = corner.ravel()
    new = np.r_[True, line[1:] != line[:-1]]
    node = new | np.r_[new[1:], True] | (shared[corner] > 1)
    step = np.where(new, 0.0, np.r_[0.0, np.hypot(*np.diff(at, axis=0).T)])
    total = np.cumsum(step)
    along = total - np.repeat(total[new], np.bincount(line))
    kept = np.flatnonzero(node)
    same = line[kept[1:]] == line[kept[:-1]]
    begin, end = kept[:-1][same], kept[1:][same]
    names, ids = np.unique(corner[kept], return_inverse=True)
    number = np.zeros(len(at), np.int64)
    number[kept] = ids.ravel()
    return Network(
        np.column_stack([number[begin], number[end]]),
        along[end] - along[begin],
        along[begin],
        line[begin].astype(np.int64),
        len(names),
    )


def _attached(network: Network, lines: Shapes, tree: shapely.STRtree, places: Shapes) -> Attached:
    """Where each place joins the network."""
    line = tree.nearest(places)
    along = shapely.line_locate_point(lines[line], places)
    length = float(shapely.length(lines).max()) + 1.0
    keys = network.line * length + network.first_m  # lines one behind the other on one axis
    stretch = np.clip(np.searchsorted(keys, line * length + along, side="right") - 1, 0, None)
    within = np.clip(along - network.first_m[stretch], 0.0, network.length_m[stretch])
    return Attached(stretch.astype(np.int64), within, shapely.distance(lines[line], places))


def _links(ends: Ints, nodes: int) -> tuple[Ints, Ints]:
    """Stretches at each node: compressed rows."""
    node = ends.ravel()
    order = np.argsort(node, kind="stable")
    return np.searchsorted(node[order], np.arange(nodes + 1)), order // 2


@numba.njit(cache=True, nogil=True)
def _reach(ends, length, links, at, start, end, by_stretch, held, limit):  # type: ignore[no-untyped-def]
    """Pairs within the limit; distances are kept only where the search went, and wiped after each start."""
    best = np.full(len(links) - 1, np.inf)
    way = np.full(len(end.stretch), np.inf)
    found_start, found_end = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    for place in range(len(start.stretch)):
        home, here, aside = start.stretch[place], start.along_m[place], start.aside_m[place]
        heap = [(aside + here, ends[home, 0]), (aside + length[home] - here, ends[home, 1])]
        if heap[1] < heap[0]:
            heap[0], heap[1] = heap[1], heap[0]
        touched, reached = [ends[home, 0]], [np.int64(0) for _ in range(0)]
        for other in by_stretch[held[home] : held[home + 1]]:
            way[other] = aside + abs(end.along_m[other] - here)
            reached.append(other)
        while heap:
            far, node = heappop(heap)
            if far > limit or far >= best[node]:
                continue
            best[node] = far
            touched.append(node)
            for stretch in at[links[node] : links[node + 1]]:
                back = ends[stretch, 0] != node
                for other in by_stretch[held[stretch] : held[stretch + 1]]:
                    along = length[stretch] - end.along_m[other] if back else end.along_m[other]
                    if way[other] == np.inf:
                        reached.append(other)
                    way[other] = min(way[other], far + along)
                on = ends[stretch, 0] if back else ends[stretch, 1]
                if far + length[stretch] < best[on]:
                    heappush(heap, (far + length[stretch], on))
        for other in reached:
            if way[other] + end.aside_m[other] <= limit:
                found_start.append(np.int64(place))
                found_end.append(other)
            way[other] = np.inf
        for node in touched:
            best[node] = np.inf
    return np.array(found_start), np.array(found_end)
