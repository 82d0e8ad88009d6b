"""Angular sweep over walls: what each of many cameras sees where every wall hides all that is behind it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from analysis.visibility.obstacles import WallGrid

__all__ = [
    "ARC_STEP_RAD",
    "CUT",
    "FULL_TURN",
    "LEAST_AREA_M2",
    "LEAST_SIDE_M",
    "LEAST_TURN",
    "LOWER",
    "SURE",
    "Eye",
    "Spans",
    "cell_in_sector",
    "cells_in_reach",
    "enter_sector",
    "eye_of",
    "grown",
    "most_walls",
    "new_spans",
    "place_span",
    "place_walls",
    "sort_rows",
    "sweep",
    "turn_of",
    "way_of",
    "whole",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ARC_STEP_RAD = math.radians(2.0)
"""Longest chord that stands for an arc; it leaves out at most 0.02 % of the arc's sector."""
LEAST_AREA_M2 = 1e-6
"""A view smaller than this is empty."""
LEAST_SIDE_M = 1e-6
"""Two corners of a view closer than this are one."""
APART_M = 5e-9
"""How far apart two corners are put that stand on one ray: a map's coordinates are rounded to less than 1e-9 m."""
LEAST_TURN = 1e-7
"""Two events of the sweep closer than this are one: at 100 m, at most 0.02 mm."""
FULL_TURN = 2.0
"""`turn_of` straight back on the left: the limit of a field that has no edges."""
SURE, UNSURE, CUT, LOWER = 0, 1, 2, 3
"""
States of a view: valid by its making; to be tested; to be cut, a wall stands in the blind cone; not made, a building
in reach is lower than the camera.
"""


class Eye(NamedTuple):
    """
    One camera, and the frame in which it sees: x ahead, y to the left.

    Attributes
    ----------
    x, y
        Where it stands, metres.
    ahead_x, ahead_y
        Unit vector of its heading.
    edge_x, edge_y
        Unit vector of the left edge of its field, in its own frame.
    limit
        `turn_of` that edge; `FULL_TURN` if the field has no edges.
    reach_m, near_m
        Where the view ends and where it begins, metres.
    height_m
        Lens above ground, metres; minus infinite where it is not known to be above any roof.
    """

    x: float
    y: float
    ahead_x: float
    ahead_y: float
    edge_x: float
    edge_y: float
    limit: float
    reach_m: float
    near_m: float
    height_m: float


class Spans(NamedTuple):
    """
    Lines around an eye, each between two turns, and working space to sweep over them.

    Attributes
    ----------
    duals
        The pair a, b for which a·x + b·y = 1 holds on the line, in the eye's frame: along any way (x, y) from
        the eye, a·x + b·y is the closeness of the line, one over its distance in lengths of the way.
    ends
        Turns between which it stands, within the field.
    starting, active
        Rows in order of their starts, and those in play.
    """

    duals: Floats
    ends: Floats
    starting: Ints
    active: Ints


@numba.njit(cache=True, nogil=True)
def new_spans(room: int) -> Spans:
    """Space for so many lines."""
    return Spans(
        np.empty((room, 2)),
        np.empty((room, 2)),
        np.empty(room, np.int64),
        np.empty(room, np.int64),
    )


@numba.njit(cache=True, nogil=True)
def whole(number: int) -> int:
    """The number as a variable: numba compiles a function anew for every constant that it is given."""
    return number + 0


@numba.njit(cache=True, nogil=True)
def grown(rows: Floats, needed: int) -> Floats:
    """The array itself if it has so many rows, else a longer one that begins like it."""
    if needed <= len(rows):
        return rows
    longer = np.empty((2 * needed, rows.shape[1]))
    for k in range(len(rows)):
        for column in range(rows.shape[1]):
            longer[k, column] = rows[k, column]
    return longer


@numba.njit(cache=True, nogil=True)
def turn_of(x: float, y: float) -> float:
    """A number in [-2, 2] that grows with the angle of (x, y), from straight back round the front to straight back."""
    quarter = y / (abs(x) + abs(y))
    if x >= 0:
        return quarter
    return 2.0 - quarter if y >= 0 else -2.0 - quarter


@numba.njit(cache=True, nogil=True)
def way_of(turn: float) -> tuple[float, float]:
    """The vector with that `turn_of` on the diamond |x| + |y| = 1, on each side of which it grows evenly."""
    if turn > 1.0:
        return 1.0 - turn, 2.0 - turn
    if turn < -1.0:
        return 1.0 + turn, -(2.0 + turn)  # straight back: -0.0, an angle of -π
    return 1.0 - abs(turn), turn


@numba.njit(cache=True, nogil=True)
def eye_of(row: Floats) -> Eye:
    """The eye of a row x, y, bearing, half field (radians), reach, near, height (metres)."""
    edge_x, edge_y = math.cos(row[3]), math.sin(row[3])
    limit = FULL_TURN if row[3] >= math.pi else turn_of(edge_x, edge_y)
    return Eye(
        row[0], row[1], math.cos(row[2]), math.sin(row[2]), edge_x, edge_y, limit, row[4], row[5], row[6]
    )


@numba.njit(cache=True, nogil=True)
def cells_in_reach(grid: WallGrid, eye: Eye) -> tuple[int, int, int, int]:
    """First and last cell along x and along y of the rectangle around the eye's sector."""
    west = east = south = north = 0.0
    for side in (-eye.edge_y, eye.edge_y):
        x = (eye.edge_x * eye.ahead_x - side * eye.ahead_y) * eye.reach_m
        y = (eye.edge_x * eye.ahead_y + side * eye.ahead_x) * eye.reach_m
        west, east, south, north = min(west, x), max(east, x), min(south, y), max(north, y)
    if eye.ahead_x >= eye.edge_x:
        east = eye.reach_m
    if -eye.ahead_x >= eye.edge_x:
        west = -eye.reach_m
    if eye.ahead_y >= eye.edge_x:
        north = eye.reach_m
    if -eye.ahead_y >= eye.edge_x:
        south = -eye.reach_m
    x, y = eye.x - grid.x0, eye.y - grid.y0
    return (
        max(0, math.floor((x + west) / grid.cell_m)),
        min(grid.nx - 1, math.floor((x + east) / grid.cell_m)),
        max(0, math.floor((y + south) / grid.cell_m)),
        min(grid.ny - 1, math.floor((y + north) / grid.cell_m)),
    )


@numba.njit(cache=True, nogil=True)
def cell_in_sector(grid: WallGrid, eye: Eye, i: int, j: int) -> bool:
    """Whether a cell may hold ground of the eye's sector."""
    x = grid.x0 + (i + 0.5) * grid.cell_m - eye.x
    y = grid.y0 + (j + 0.5) * grid.cell_m - eye.y
    round_m = 0.7072 * grid.cell_m
    far = eye.reach_m + round_m
    if x * x + y * y > far * far:
        return False
    ahead, aside = x * eye.ahead_x + y * eye.ahead_y, abs(y * eye.ahead_x - x * eye.ahead_y)
    return eye.edge_x * aside - eye.edge_y * ahead <= round_m


@numba.njit(cache=True, nogil=True)
def most_walls(grid: WallGrid, eye: Eye) -> int:
    """How many walls the cells in reach hold at most."""
    most = 0
    i0, i1, j0, j1 = cells_in_reach(grid, eye)
    if i1 >= i0:
        for j in range(j0, j1 + 1):
            most += grid.starts[j * grid.nx + i1 + 1] - grid.starts[j * grid.nx + i0]
    return most


@numba.njit(cache=True, nogil=True)
def place_span(eye: Eye, spans: Spans, count: int, ends: tuple[float, float], a: float, b: float) -> int:
    """
    Writes the line with dual a, b between two turns from row `count`, as far as it stands in the field.

    One across the back is written in two parts. Returns the next free row.
    """
    first, last = ends
    for part in range(2 if last < first else 1):
        low = -eye.limit if last < first and part == 0 else max(first, -eye.limit)
        high = eye.limit if last < first and part == 1 else min(last, eye.limit)
        if high > low:
            spans.duals[count, 0], spans.duals[count, 1] = a, b
            spans.ends[count, 0], spans.ends[count, 1] = low, high
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def sort_rows(keys: Floats, order: Ints, count: int) -> None:
    """Writes the rows of the first `keys` to `order`, by growing key (Shell's sort: they are few)."""
    for k in range(count):
        order[k] = k
    gap = count
    while gap > 1:
        gap = max(1, gap * 4 // 10)
        for k in range(gap, count):
            row, at = order[k], k
            while at >= gap and keys[order[at - gap]] > keys[row]:
                order[at] = order[at - gap]
                at -= gap
            order[at] = row


@numba.njit(cache=True, nogil=True)
def place_walls(eye: Eye, grid: WallGrid, height_m: Floats, spans: Spans) -> int:
    """
    Writes every wall that faces the eye to `spans`, cut to the reach; returns how many rows.

    Walls of buildings that are lower than the eye are left out, by the height of each owner; without heights
    nothing is left out, and -1 is returned if there is such a building. A wall in several cells comes as often,
    which does no harm.
    """
    count = whole(0)
    ahead_x, ahead_y, reach2 = eye.ahead_x, eye.ahead_y, eye.reach_m * eye.reach_m
    i0, i1, j0, j1 = cells_in_reach(grid, eye)
    for j in range(j0, j1 + 1):
        for i in range(i0, i1 + 1):
            at = j * grid.nx + i
            if grid.starts[at] == grid.starts[at + 1] or not cell_in_sector(grid, eye, i, j):
                continue
            mixed = grid.lowest_m[at] < eye.height_m
            if mixed and len(height_m) == 0:
                return -1
            for k in range(grid.starts[at], grid.starts[at + 1]):
                rx, ry = grid.walls[k, 0] - eye.x, grid.walls[k, 1] - eye.y
                qx, qy = grid.walls[k, 2] - eye.x, grid.walls[k, 3] - eye.y
                cross = ry * qx - rx * qy
                if cross <= 1e-12:  # the building is on the eye's side: a back wall
                    continue
                if mixed and height_m[grid.owners[k]] < eye.height_m:
                    continue
                ax, ay = qx * ahead_x + qy * ahead_y, qy * ahead_x - qx * ahead_y
                bx, by = rx * ahead_x + ry * ahead_y, ry * ahead_x - rx * ahead_y
                dx, dy, aa = bx - ax, by - ay, ax * ax + ay * ay
                if aa > reach2 or bx * bx + by * by > reach2:
                    dd, ad = dx * dx + dy * dy, ax * dx + ay * dy
                    root = ad * ad - dd * (aa - reach2)
                    if root <= 0:
                        continue
                    root = math.sqrt(root)
                    t0, t1 = max(0.0, (-ad - root) / dd), min(1.0, (-ad + root) / dd)
                    if t1 <= t0:
                        continue
                    bx, by = ax + t1 * dx, ay + t1 * dy
                    ax, ay = ax + t0 * dx, ay + t0 * dy
                ends = turn_of(ax, ay), turn_of(bx, by)
                if ends[1] < ends[0] or (ends[1] > -eye.limit and ends[0] < eye.limit):
                    count = place_span(eye, spans, count, ends, dy / cross, -dx / cross)
    return count


@numba.njit(cache=True, nogil=True)
def _put(eye: Eye, ring: Floats, m: int, u: float, v: float) -> int:
    """Adds a corner of the eye's frame, turned north, unless it is the last one; returns the number of corners."""
    x, y = u * eye.ahead_x - v * eye.ahead_y, u * eye.ahead_y + v * eye.ahead_x
    if m > 0 and abs(x - ring[m - 1, 0]) + abs(y - ring[m - 1, 1]) < LEAST_SIDE_M:
        return m
    ring[m, 0], ring[m, 1] = x, y
    return m + 1


@numba.njit(cache=True, nogil=True)
def _put_arc(eye: Eye, ring: Floats, m: int, radius: float, t0: float, t1: float) -> int:
    """Adds the chords of an arc between two turns; returns the number of corners."""
    (x0, y0), (x1, y1) = way_of(t0), way_of(t1)
    a, b = math.atan2(y0, x0), math.atan2(y1, x1)
    pieces = max(1, math.ceil(abs(b - a) / ARC_STEP_RAD)) if radius > 0 else 1
    step_x, step_y = math.cos((b - a) / pieces), math.sin((b - a) / pieces)
    u, v = radius * math.cos(a), radius * math.sin(a)
    for _ in range(pieces + 1):
        m = _put(eye, ring, m, u, v)
        u, v = u * step_x - v * step_y, u * step_y + v * step_x
    return m


@numba.njit(cache=True, nogil=True)
def _put_stretch(
    eye: Eye, duals: Floats, wall: int, turns: tuple[float, float], ring: Floats, m: int
) -> tuple[int, bool]:
    """Adds what is seen between two turns, a wall or (-1) the end of the reach; tells if it cuts the blind cone."""
    t0, t1 = turns
    if wall < 0:
        return _put_arc(eye, ring, m, eye.reach_m, t0, t1), False
    a, b = duals[wall, 0], duals[wall, 1]
    nearest = np.inf
    for t in (t0, t1):
        x, y = way_of(t)
        length = math.sqrt(x * x + y * y)
        farthest = eye.reach_m / length
        closeness = a * x + b * y
        far = 1.0 / closeness if closeness * farthest > 1.0 else farthest
        nearest = min(nearest, far * length)
        m = _put(eye, ring, m, far * x, far * y)
    if t0 < turn_of(a, b) < t1:
        nearest = 1.0 / math.sqrt(a * a + b * b)
    return m, nearest < eye.near_m


@numba.njit(cache=True, nogil=True)
def enter_sector(
    spans: Spans, count: int, standing: int, following: int, t0: float, limit: float
) -> tuple[int, int, float]:
    """
    Brings the lines in play up to date for the sector that begins at a turn.

    Takes and returns how many are in play and how many have come in order of their starts; also returns where
    the sector ends, because a line begins or ends, or at the limit.
    """
    soon, t1, kept = t0 + LEAST_TURN, limit, 0
    ends, active = spans.ends, spans.active
    while following < count and ends[spans.starting[following], 0] < soon:
        active[standing] = spans.starting[following]
        standing += 1
        following += 1
    for q in range(standing):
        end = ends[active[q], 1]
        if end >= soon:
            active[kept] = active[q]
            kept += 1
            t1 = min(t1, end)
    if following < count:
        t1 = min(t1, ends[spans.starting[following], 0])
    return kept, following, t1


@numba.njit(cache=True, nogil=True)
def _outline(eye: Eye, spans: Spans, count: int, ring: Floats) -> tuple[int, bool]:
    """Writes the outer line of the view, anticlockwise; returns its corners and if a wall cuts the blind cone."""
    ends, duals, active = spans.ends, spans.duals, spans.active
    sort_rows(ends[:, 0], spans.starting, count)
    m, cut, before = whole(0), False, whole(-2)
    standing = following = 0
    began = t0 = -eye.limit
    while t0 < eye.limit - LEAST_TURN:
        standing, following, t1 = enter_sector(spans, count, standing, following, t0, eye.limit)
        middle = 0.5 * (t0 + t1)
        x, y = way_of(middle)
        closest, wall = 0.0, whole(-1)
        for q in range(standing):
            closeness = duals[active[q], 0] * x + duals[active[q], 1] * y
            if closeness > closest:
                closest, wall = closeness, active[q]
        if wall != before and before > -2:
            m, cuts = _put_stretch(eye, duals, before, (began, t0), ring, m)
            cut, began = cut or cuts, t0
        before, t0 = wall, t1
    m, cuts = _put_stretch(eye, duals, before, (began, t0), ring, m)
    return m, cut or cuts


@numba.njit(cache=True, nogil=True)
def _part_rays(ring: Floats, corners: int) -> None:
    """
    Moves one of two corners on one ray by nanometres, so that the outer line never turns back.

    Where the view jumps from one wall to another, rounding would decide which corner comes first. The farther
    one is moved, by more than coordinates of a map are rounded.
    """
    x, y = ring[0, 0], ring[0, 1]
    for k in range(1, corners):
        u, v = ring[k, 0], ring[k, 1]
        near2, far2 = x * x + y * y, u * u + v * v
        if x * v - y * u < APART_M * math.sqrt(min(near2, far2)):
            if far2 > near2:
                by = APART_M / math.sqrt(far2)
                ring[k, 0], ring[k, 1] = u - v * by, v + u * by
            elif near2 > 0:
                by = APART_M / math.sqrt(near2)
                ring[k - 1, 0], ring[k - 1, 1] = x + y * by, y - x * by
        x, y = ring[k, 0], ring[k, 1]


@numba.njit(cache=True, nogil=True)
def _place_ring(eye: Eye, ring: Floats, outer: int, corners: int, out: Floats, end: int) -> tuple[int, bool]:
    """
    Writes a ring at the eye's place to `out` from row `end`, closed.

    Returns its rows, 0 if it holds no area, and whether it is certainly valid: all corners of the outer line,
    which comes first, go round the eye one way even after rounding.
    """
    if corners < 3:
        return 0, True
    _part_rays(ring, outer)
    sure = eye.near_m < 0.999 * eye.reach_m
    area, x, y = 0.0, ring[corners - 1, 0], ring[corners - 1, 1]
    before_x, before_y = eye.x + ring[outer - 1, 0] - eye.x, eye.y + ring[outer - 1, 1] - eye.y
    for k in range(corners):
        u, v = ring[k, 0], ring[k, 1]
        area += 0.5 * (x * v - y * u)
        x, y = u, v
        out[end + k, 0], out[end + k, 1] = eye.x + u, eye.y + v
        if k < outer:
            u, v = out[end + k, 0] - eye.x, out[end + k, 1] - eye.y
            if (k > 0 or outer == corners) and before_x * v - before_y * u <= 1e-15 * (u * u + v * v):
                sure = False
            before_x, before_y = u, v
    out[end + corners, 0], out[end + corners, 1] = out[end, 0], out[end, 1]
    return corners + 1 if area >= LEAST_AREA_M2 else 0, sure


@numba.njit(cache=True, nogil=True)
def sweep(look: Floats, grid: WallGrid, offsets: Ints, state: npt.NDArray[np.int8]) -> Floats:
    """
    Corners of the rings of all views, one closed ring a camera.

    Parameters
    ----------
    look
        A row a camera as `eye_of` reads it.
    grid
        Disjoint buildings.
    offsets
        Zeros, one more than cameras: comes to hold where each ring begins.
    state
        Zeros, one a camera: comes to hold `SURE`, `UNSURE`, `CUT` or `LOWER`. But where it is `CUT`, the blind
        cone of a sector is an arc of its ring, and that of a full circle is a hole that must be added.
    """
    arcs = 2 * int(2 * math.pi / ARC_STEP_RAD) + 16
    room, nothing = whole(0), np.empty(0)
    spans, ring = new_spans(room), np.empty((arcs, 2))
    out = np.empty((64 * len(look) + arcs, 2))
    for n in range(len(look)):
        eye = eye_of(look[n])
        offsets[n + 1] = end = offsets[n]
        possible = 2 * most_walls(grid, eye)
        if possible > room:
            room = 2 * possible
            spans, ring = new_spans(room), np.empty((4 * room + arcs, 2))
        count = place_walls(eye, grid, nothing, spans)
        if count < 0:
            state[n] = LOWER
            continue
        m, cut = _outline(eye, spans, count, ring)
        outer = m
        if eye.limit < FULL_TURN:
            radius = eye.near_m if eye.near_m > 0 and not cut else 0.0
            m = _put_arc(eye, ring, m, radius, eye.limit, -eye.limit)
        if abs(ring[0, 0] - ring[m - 1, 0]) + abs(ring[0, 1] - ring[m - 1, 1]) < LEAST_SIDE_M:
            m -= 1
            outer = min(outer, m)
        out = grown(out, end + m + 1)
        rows, sure = _place_ring(eye, ring, outer, m, out, end)
        offsets[n + 1] = end + rows
        if rows:
            state[n] = CUT if cut else SURE if sure else UNSURE
    return out
