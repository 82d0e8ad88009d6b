"""The outline of ground that is known by bands between rays: rings of polygons, holes and islands."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import shapely

from analysis.visibility.sweep import (
    FULL_TURN,
    LEAST_AREA_M2,
    LEAST_SIDE_M,
    Eye,
    grown,
    turn_of,
    way_of,
    whole,
)

__all__ = [
    "BAND_COLUMNS",
    "FAR_FIRST",
    "FAR_LAST",
    "LOWER_LINE",
    "NEAR_FIRST",
    "NEAR_LAST",
    "SECTOR",
    "TURN_FIRST",
    "TURN_LAST",
    "UPPER_LINE",
    "Rings",
    "assemble",
    "trace_rings",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

LOWER_LINE, UPPER_LINE, SECTOR, TURN_FIRST, TURN_LAST = 0, 1, 2, 3, 4
NEAR_FIRST, FAR_FIRST, NEAR_LAST, FAR_LAST = 5, 6, 7, 8
BAND_COLUMNS = 9
"""
A band is ground that is seen between two rays and two lines.

Columns: the lines where it begins (-1: at the eye) and ends; its sector, counted from the right edge of the field;
`turn_of` its first and last ray; and on the first, then the last ray, where it begins and ends, metres.
"""


class Rings(NamedTuple):
    """
    Closed rings, one after the other.

    Attributes
    ----------
    corners
        x, y, metres.
    table
        One row a ring: one past its last corner, its camera's row, 1 for a hole or 0.
    used
        Rows of the table so far.
    """

    corners: Floats
    table: Floats
    used: int


class _Graph(NamedTuple):
    """
    The outline as directed edges, what is seen on their left.

    Attributes
    ----------
    corners
        x, y of each node from the eye, metres; node 0 is the eye.
    edges
        From node, to node, and a number that is the same on one straight line.
    nodes
        Of each band: near first, far first, near last, far last.
    first, following
        The first edge that leaves each node; the next one that leaves the same node; -1 for none.
    """

    corners: Floats
    edges: Ints
    nodes: Ints
    first: Ints
    following: Ints


@numba.njit(cache=True, nogil=True)
def _add_edge(graph: _Graph, count: int, start: int, end: int, line: int) -> int:
    graph.edges[count, 0], graph.edges[count, 1], graph.edges[count, 2] = start, end, line
    graph.following[count] = graph.first[start]
    graph.first[start] = count
    return count + 1


@numba.njit(cache=True, nogil=True)
def _add_ray(
    eye: Eye,
    bands: Floats,
    left: tuple[int, int],
    right: tuple[int, int],
    ray: int,
    graph: _Graph,
    size: tuple[int, int],
) -> tuple[int, int]:
    """
    Adds the nodes on one ray, and edges where one side of it is seen and the other is not.

    Takes the bands before (`left`: the first and one past the last) and after it, and how many nodes and edges
    there are; returns how many there are then.
    """
    nodes, edges = size
    if right[0] < right[1]:
        x, y = way_of(bands[right[0], TURN_FIRST])
    else:
        x, y = way_of(bands[left[0], TURN_LAST])
    length = math.hypot(x, y)
    x, y = x / length, y / length
    x, y = x * eye.ahead_x - y * eye.ahead_y, x * eye.ahead_y + y * eye.ahead_x
    p, q = 2 * left[0], 2 * right[0]
    node, at = whole(-1), -1.0
    before = after = False
    while p < 2 * left[1] or q < 2 * right[1]:
        one = bands[p // 2, NEAR_LAST + p % 2] if p < 2 * left[1] else np.inf
        other = bands[q // 2, NEAR_FIRST + q % 2] if q < 2 * right[1] else np.inf
        here = min(one, other)
        if node < 0 or here - at > LEAST_SIDE_M:
            last, node, at = node, whole(0), here
            if here > LEAST_SIDE_M:
                graph.corners[nodes, 0], graph.corners[nodes, 1] = here * x, here * y
                graph.first[nodes] = -1
                node = nodes
                nodes += 1
            if before != after:
                if after:
                    edges = _add_edge(graph, edges, last, node, -2 - ray)
                else:
                    edges = _add_edge(graph, edges, node, last, -2 - ray)
        if one <= other:
            graph.nodes[p // 2, 2 + p % 2] = node
            before = not before
            p += 1
        else:
            graph.nodes[q // 2, q % 2] = node
            after = not after
            q += 1
    return nodes, edges


@numba.njit(cache=True, nogil=True)
def _add_sides(bands: Floats, count: int, graph: _Graph, edges: int) -> int:
    """Adds the edges along the lines where bands begin and end; returns how many edges there are then."""
    nodes, held = graph.nodes, whole(-1)
    for k in range(count + 1):
        if k < count and nodes[k, 0] == nodes[k, 1] and nodes[k, 2] == nodes[k, 3]:
            continue  # no wider than a corner
        joined = (
            held >= 0
            and k < count
            and bands[held, SECTOR] == bands[k, SECTOR]
            and nodes[held, 1] == nodes[k, 0]
            and nodes[held, 3] == nodes[k, 2]
        )
        if held >= 0 and not joined and nodes[held, 1] != nodes[held, 3]:
            edges = _add_edge(graph, edges, nodes[held, 1], nodes[held, 3], int(bands[held, UPPER_LINE]))
        if k < count and not joined and nodes[k, 0] != nodes[k, 2]:
            edges = _add_edge(graph, edges, nodes[k, 2], nodes[k, 0], int(bands[k, LOWER_LINE]))
        held = k
    return edges


@numba.njit(cache=True, nogil=True)
def _outline_of(eye: Eye, bands: Floats, count: int, sectors: int) -> tuple[_Graph, int]:
    """The outline of the bands and how many edges it has."""
    graph = _Graph(
        np.zeros((4 * count + 1, 2)),
        np.empty((6 * count, 3), np.int64),
        np.empty((count, 4), np.int64),
        np.full(4 * count + 1, -1, np.int64),
        np.empty(6 * count, np.int64),
    )
    size, none = (whole(1), whole(0)), (whole(0), whole(0))
    left, first, ray = none, whole(0), whole(0)
    closed = eye.limit >= FULL_TURN and bands[0, SECTOR] == 0 and bands[count - 1, SECTOR] == sectors - 1
    if closed:  # the last sector ends where the first begins
        tail = count - 1
        while bands[tail - 1, SECTOR] == sectors - 1:
            tail -= 1
        left = (tail, count)
    while first < count:
        last = first + 1
        while last < count and bands[last, SECTOR] == bands[first, SECTOR]:
            last += 1
        size = _add_ray(eye, bands, left, (first, last), ray, graph, size)
        ray += 1
        if last < count and bands[last, SECTOR] == bands[first, SECTOR] + 1:
            left = (first, last)
        else:
            left = none
            if last < count or not closed:
                size = _add_ray(eye, bands, (first, last), none, ray, graph, size)
                ray += 1
        first = last
    return graph, _add_sides(bands, count, graph, size[1])


@numba.njit(cache=True, nogil=True)
def _next_edge(graph: _Graph, used: npt.NDArray[np.bool_], node: int, come_from: int) -> int:
    """The unused edge out of a node that turns left most, so that islands which touch stay apart."""
    best, least = -1, 9.0
    x, y = graph.corners[node, 0], graph.corners[node, 1]
    bx, by = graph.corners[come_from, 0] - x, graph.corners[come_from, 1] - y
    edge = graph.first[node]
    while edge >= 0:
        if not used[edge]:
            if best < 0 and graph.following[edge] < 0:
                return edge
            end = graph.edges[edge, 1]
            cx, cy = graph.corners[end, 0] - x, graph.corners[end, 1] - y
            clockwise = -turn_of(bx * cx + by * cy, bx * cy - by * cx)
            if clockwise <= 0:
                clockwise += 4.0
            if clockwise < least:
                best, least = edge, clockwise
        edge = graph.following[edge]
    return best


@numba.njit(cache=True, nogil=True)
def _place_loop(
    eye: Eye, graph: _Graph, path: Ints, first: int, last: int, rings: Rings, camera: int
) -> Rings:
    """Adds the loop of edges `path[first:last]` as a ring, without the nodes in the middle of a straight side."""
    table = grown(rings.table, rings.used + 1)
    begin = int(table[rings.used - 1, 0]) if rings.used else 0
    corners = grown(rings.corners, begin + last - first + 1)
    end, area = begin, 0.0
    ux = uy = sx = sy = 0.0
    previous = path[last - 1]
    for q in range(first, last):
        edge = path[q]
        node = graph.edges[edge, 0]
        alone = graph.following[graph.first[node]] < 0
        if not (alone and graph.edges[edge, 2] == graph.edges[previous, 2]):
            x, y = graph.corners[node, 0], graph.corners[node, 1]
            if end > begin:
                area += 0.5 * (ux * y - uy * x)
            else:
                sx, sy = x, y
            corners[end, 0], corners[end, 1] = eye.x + x, eye.y + y
            end += 1
            ux, uy = x, y
        previous = edge
    area += 0.5 * (ux * sy - uy * sx)
    if end - begin < 3 or abs(area) < LEAST_AREA_M2:
        return Rings(corners, table, rings.used)
    corners[end, 0], corners[end, 1] = corners[begin, 0], corners[begin, 1]
    table[rings.used, 0], table[rings.used, 1], table[rings.used, 2] = (
        end + 1,
        camera,
        1.0 if area < 0 else 0.0,
    )
    return Rings(corners, table, rings.used + 1)


@numba.njit(cache=True, nogil=True)
def trace_rings(eye: Eye, bands: Floats, count: int, sectors: int, camera: int, rings: Rings) -> Rings:
    """
    Adds the rings around the bands of one camera.

    Parameters
    ----------
    eye
        The camera.
    bands
        Rows as `BAND_COLUMNS` tells, by sector and then outwards; the first `count` of them.
    count, sectors
        How many bands and sectors there are.
    camera
        Its row, to be noted in the table.
    rings
        The rings so far.
    """
    if count == 0:
        return rings
    graph, edges = _outline_of(eye, bands, count, sectors)
    used, path = np.zeros(edges, np.bool_), np.empty(edges, np.int64)
    place = np.full(len(graph.corners), -1, np.int64)
    for start in range(edges):
        edge, length = start, whole(0)
        while edge >= 0 and not used[edge]:
            used[edge] = True
            node, end = graph.edges[edge, 0], graph.edges[edge, 1]
            place[node], path[length] = length, edge
            length += 1
            if place[end] >= 0:  # been here: a loop
                back = place[end]
                rings = _place_loop(eye, graph, path, back, length, rings, camera)
                for q in range(back, length):
                    place[graph.edges[path[q], 0]] = -1
                length = back
                if length == 0:
                    break
                node = graph.edges[path[length - 1], 0]
            edge = _next_edge(graph, used, end, node)
    return rings


def assemble(corners: Floats, table: Floats, cameras: int) -> Shapes:
    """
    Polygons from rings: one a camera, a MultiPolygon where it has several outer rings, empty where it has none.

    Takes `corners` and `table` of `Rings` without their spare rows, camera by camera, and how many cameras there
    are.
    """
    views = np.full(cameras, shapely.Polygon(), dtype=object)
    if not len(table):
        return views
    ends, camera, hole = table[:, 0].astype(np.int64), table[:, 1].astype(np.intp), table[:, 2] > 0
    ring = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    rings: Shapes = np.asarray(shapely.linearrings(corners, indices=ring), dtype=object)
    polygon = np.empty(len(rings), dtype=np.intp)
    polygon[~hole] = np.arange(np.count_nonzero(~hole))
    polygon[hole] = _shells(rings, camera, hole)
    order = np.lexsort((hole, polygon))
    polygons: Shapes = np.asarray(shapely.polygons(rings[order], indices=polygon[order]), dtype=object)
    owner = camera[~hole]
    several = np.bincount(owner, minlength=cameras)[owner] > 1
    views[owner[~several]] = polygons[~several]
    if several.any():
        of, at = np.unique(owner[several], return_inverse=True)
        views[of] = shapely.multipolygons(polygons[several], indices=at)
    return views


def _shells(rings: Shapes, camera: npt.NDArray[np.intp], hole: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """The outer ring, counted among the outer rings, around each hole: the smallest that is larger and holds it."""
    discs: Shapes = np.asarray(shapely.polygons(rings), dtype=object)
    outer, inner = discs[~hole], discs[hole]
    first, last = (np.searchsorted(camera[~hole], camera[hole], side=side) for side in ("left", "right"))
    nth = np.repeat(np.arange(len(inner)), last - first)
    shell = np.arange(len(nth)) - np.repeat(np.cumsum(last - first) - last, last - first)
    size = shapely.area(outer)
    around = size[shell] > shapely.area(inner)[nth]
    around &= shapely.intersects(outer[shell], shapely.point_on_surface(inner)[nth])
    nth, shell = nth[around], shell[around]
    order = np.lexsort((size[shell], nth))
    smallest = np.unique(nth[order], return_index=True)[1]
    return shell[order][smallest]
