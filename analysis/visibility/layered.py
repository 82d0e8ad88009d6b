"""Angular sweep over buildings of different heights: a camera sees the ground behind those that are lower than it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from analysis.visibility.obstacles import WallGrid
from analysis.visibility.rings import (
    BAND_COLUMNS,
    FAR_FIRST,
    FAR_LAST,
    LOWER_LINE,
    NEAR_FIRST,
    NEAR_LAST,
    SECTOR,
    TURN_FIRST,
    TURN_LAST,
    UPPER_LINE,
    Rings,
    trace_rings,
)
from analysis.visibility.sweep import (
    FULL_TURN,
    LEAST_TURN,
    Eye,
    Spans,
    cell_in_sector,
    cells_in_reach,
    enter_sector,
    eye_of,
    grown,
    most_walls,
    new_spans,
    place_span,
    place_walls,
    sort_rows,
    turn_of,
    way_of,
    whole,
)

__all__ = ["sweep_layers"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

ARC_STEP_RAD = math.radians(1.0)
"""Longest chord that stands for an arc: finer than in plain views, since shadows may leave but a strip along it."""
EXIT, ENTER, END = -1, 1, 2
"""What happens to a sight line where it meets a line: a shadow ends, a shadow begins, the view ends."""


class _Lines(NamedTuple):
    """
    Where shadows begin and end around an eye.

    Attributes
    ----------
    spans
        The lines.
    kinds
        `EXIT`, `ENTER` or `END`.
    most_m
        Distance to the farther end of each, metres.
    closeness
        Of the lines in play, at the two ends of a sector.
    order
        Those of them that may be seen, nearest first.
    """

    spans: Spans
    kinds: npt.NDArray[np.int8]
    most_m: Floats
    closeness: Floats
    order: npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def _new_lines(room: int) -> _Lines:
    return _Lines(
        new_spans(room),
        np.empty(room, np.int8),
        np.empty(room),
        np.empty((room, 2)),
        np.empty(room, np.int64),
    )


@numba.njit(cache=True, nogil=True)
def _lower_buildings(
    eye: Eye,
    grid: WallGrid,
    height_m: Floats,
    homes: npt.NDArray[np.intp],
    seen: Ints,
    turn: int,
    lower: Ints,
) -> int:
    """Writes every building in reach or under the eye that is lower than it to `lower`; returns how many."""
    count = 0
    for face in homes:
        seen[face], lower[count] = turn, face
        count += 1
    i0, i1, j0, j1 = cells_in_reach(grid, eye)
    for j in range(j0, j1 + 1):
        for i in range(i0, i1 + 1):
            at = j * grid.nx + i
            if grid.lowest_m[at] >= eye.height_m or not cell_in_sector(grid, eye, i, j):
                continue
            for k in range(grid.starts[at], grid.starts[at + 1]):
                face = grid.owners[k]
                if height_m[face] < eye.height_m and seen[face] != turn:
                    seen[face], lower[count] = turn, face
                    count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _place_low_wall(eye: Eye, wall: Floats, roof_m: float, lines: _Lines, count: int) -> int:
    """
    Writes where the shadow of a low building begins, or ends, because of one wall; returns the next free row.

    The shadow is the footprint drawn out from the eye up to height / (height - roof) times: it begins at
    a wall that faces the eye and ends at the image of one that does not.
    """
    ax, ay, bx, by = wall[0] - eye.x, wall[1] - eye.y, wall[2] - eye.x, wall[3] - eye.y
    cross = ax * by - ay * bx
    if abs(cross) <= 1e-12:
        return count
    drawn, kind = eye.height_m / (eye.height_m - roof_m), EXIT
    if cross < 0:
        ax, ay, bx, by, cross, drawn, kind = bx, by, ax, ay, -cross, 1.0, ENTER
    dx, dy = (bx - ax) / (cross * drawn), (by - ay) / (cross * drawn)
    ends = (
        turn_of(ax * eye.ahead_x + ay * eye.ahead_y, ay * eye.ahead_x - ax * eye.ahead_y),
        turn_of(bx * eye.ahead_x + by * eye.ahead_y, by * eye.ahead_x - bx * eye.ahead_y),
    )
    dual_a, dual_b = dy * eye.ahead_x - dx * eye.ahead_y, -dx * eye.ahead_x - dy * eye.ahead_y
    after = place_span(eye, lines.spans, count, ends, dual_a, dual_b)
    for k in range(count, after):
        lines.kinds[k] = kind
        lines.most_m[k] = drawn * math.sqrt(max(ax * ax + ay * ay, bx * bx + by * by))
    return after


@numba.njit(cache=True, nogil=True)
def _place_arc(eye: Eye, radius_m: float, kind: int, lines: _Lines, count: int) -> int:
    """Writes the chords of the near or the far end of the picture; returns the next free row."""
    half = math.pi if eye.limit >= FULL_TURN else math.atan2(eye.edge_y, eye.edge_x)
    pieces = max(2, math.ceil(2 * half / ARC_STEP_RAD))
    x, y, turn = radius_m * math.cos(half), -radius_m * math.sin(half), -eye.limit
    for piece in range(1, pieces + 1):
        angle = half * (2 * piece / pieces - 1)
        u, v = radius_m * math.cos(angle), radius_m * math.sin(angle)
        after = eye.limit if piece == pieces else turn_of(u, v)
        cross = x * v - y * u
        lines.spans.duals[count, 0], lines.spans.duals[count, 1] = (v - y) / cross, (x - u) / cross
        lines.spans.ends[count, 0], lines.spans.ends[count, 1] = turn, after
        lines.kinds[count], lines.most_m[count] = kind, radius_m
        count += 1
        x, y, turn = u, v, after
    return count


@numba.njit(cache=True, nogil=True)
def _place_lines(
    eye: Eye, grid: WallGrid, height_m: Floats, walls: Floats, starts: Ints, lower: Ints, lines: _Lines
) -> int:
    """Writes every line; returns how many."""
    count = place_walls(eye, grid, height_m, lines.spans)
    for row in range(count):
        lines.kinds[row], lines.most_m[row] = END, eye.reach_m
    for face in lower:
        for k in range(starts[face], starts[face + 1]):
            count = _place_low_wall(eye, walls[k], height_m[face], lines, count)
    count = _place_arc(eye, eye.reach_m, whole(END), lines, count)
    if eye.near_m > 0:
        count = _place_arc(eye, eye.near_m, whole(EXIT), lines, count)
    return count


@numba.njit(cache=True, nogil=True)
def _order_lines(lines: _Lines, standing: int, t0: float, t1: float) -> tuple[int, int, float]:
    """
    Sorts the lines in play as they stand just after `t0`.

    Returns how many may be seen, how many shadows the eye stands in, and the turn of the first crossing of two
    lines, or `t1`. Closeness grows evenly between the turns, so that a crossing is found by proportion.
    """
    (x0, y0), (x1, y1) = way_of(t0), way_of(t1)
    inside, end, count = 0, 0.0, 0
    active, closeness, order = lines.spans.active, lines.closeness, lines.order
    for q in range(standing):
        k = active[q]
        a, b = lines.spans.duals[k, 0], lines.spans.duals[k, 1]
        closeness[k, 0], closeness[k, 1] = a * x0 + b * y0, a * x1 + b * y1
        if lines.kinds[k] == END:
            end = max(end, min(closeness[k, 0], closeness[k, 1]))
        else:
            inside -= lines.kinds[k]
    for q in range(standing):
        k = active[q]
        if max(closeness[k, 0], closeness[k, 1]) < end:
            continue
        at = count
        while at > 0:
            before = closeness[order[at - 1], 0] - closeness[k, 0]
            if before > 0 or (before == 0 and closeness[order[at - 1], 1] >= closeness[k, 1]):
                break
            order[at] = order[at - 1]
            at -= 1
        order[at] = k
        count += 1
    crossing = t1
    for q in range(1, count):
        before = closeness[order[q - 1], 0] - closeness[order[q], 0]
        after = closeness[order[q - 1], 1] - closeness[order[q], 1]
        if after < 0:
            crossing = min(crossing, t0 + (t1 - t0) * before / (before - after))
    return count, inside, crossing if crossing < t1 - LEAST_TURN else t1


@numba.njit(cache=True, nogil=True)
def _distance(lines: _Lines, line: int, turn: float) -> float:
    """Metres along a ray to a line, no more than to its farther end; 0 for the eye itself (-1)."""
    if line < 0:
        return 0.0
    x, y = way_of(turn)
    length = math.hypot(x, y)
    closeness = lines.spans.duals[line, 0] * x + lines.spans.duals[line, 1] * y
    most = lines.most_m[line]
    return length / closeness if closeness * most > length else most


@numba.njit(cache=True, nogil=True)
def _add_bands(
    lines: _Lines, count: int, inside: int, turns: tuple[float, float], bands: Floats, end: int
) -> int:
    """Writes what is seen between two turns to `bands` from row `end`; returns one past the last row."""
    t0, t1 = turns
    lower, floor0, floor1 = whole(-1), 0.0, 0.0
    for q in range(count):
        line = lines.order[q]
        kind = lines.kinds[line]
        if kind == EXIT:
            inside -= 1
            if inside == 0:
                lower = line
            continue
        if inside == 0 or (kind == END and inside < 0):
            band = bands[end]
            band[LOWER_LINE], band[UPPER_LINE], band[TURN_FIRST], band[TURN_LAST] = lower, line, t0, t1
            floor0 = band[NEAR_FIRST] = max(floor0, _distance(lines, lower, t0))
            floor0 = band[FAR_FIRST] = max(floor0, _distance(lines, line, t0))
            floor1 = band[NEAR_LAST] = max(floor1, _distance(lines, lower, t1))
            floor1 = band[FAR_LAST] = max(floor1, _distance(lines, line, t1))
            end += 1
        if kind == END:
            break
        inside += 1
    return end


@numba.njit(cache=True, nogil=True)
def _same_bands(bands: Floats, first: int, begin: int, end: int) -> bool:
    """Whether rows `first:begin` and `begin:end` lie between the same lines."""
    if begin - first != end - begin:
        return False
    for k in range(end - begin):
        for column in (LOWER_LINE, UPPER_LINE):
            if bands[first + k, column] != bands[begin + k, column]:
                return False
    return True


@numba.njit(cache=True, nogil=True)
def _before_corner(t0: float, t1: float) -> float:
    """`t1`, or the first corner of the diamond of `way_of` after `t0` if that comes before."""
    for corner in (-1.0, 0.0, 1.0):
        if t0 < corner < t1:
            return corner
    return t1


@numba.njit(cache=True, nogil=True)
def _see(eye: Eye, lines: _Lines, count: int, bands: Floats) -> tuple[Floats, int, int]:
    """The ground that is seen as bands; returns them, how many there are, and how many sectors."""
    sort_rows(lines.spans.ends[:, 0], lines.spans.starting, count)
    standing = following = 0
    first = begin = whole(0)
    sector, t0 = whole(-1), -eye.limit
    while t0 < eye.limit - LEAST_TURN:
        standing, following, t1 = enter_sector(lines.spans, count, standing, following, t0, eye.limit)
        soon = t0 + LEAST_TURN
        t1 = _before_corner(soon, t1)
        ordered, inside, t1 = _order_lines(lines, standing, soon, t1)
        bands = grown(bands, begin + ordered + 1)
        end = _add_bands(lines, ordered, inside, (t0, t1), bands, begin)
        if sector >= 0 and _same_bands(bands, first, begin, end):
            for k in range(end - begin):
                for column in (TURN_LAST, NEAR_LAST, FAR_LAST):
                    bands[first + k, column] = bands[begin + k, column]
        else:
            sector += 1
            for k in range(begin, end):
                bands[k, SECTOR] = sector
            first, begin = begin, end
        t0 = t1
    return bands, begin, sector + 1


@numba.njit(cache=True, nogil=True)
def sweep_layers(
    look: Floats,
    grid: WallGrid,
    height_m: Floats,
    walls: Floats,
    starts: Ints,
    home_starts: npt.NDArray[np.intp],
    homes: npt.NDArray[np.intp],
) -> tuple[Floats, Floats]:
    """
    Rings of all views among buildings of different heights.

    Parameters
    ----------
    look
        A row a camera as `eye_of` reads it.
    grid, height_m, walls, starts
        Of the `Faces`.
    home_starts, homes
        Compressed rows: the lower buildings on which each camera stands.

    Returns
    -------
    corners
        x, y of closed rings, one after the other, metres.
    table
        One row a ring: one past its last corner, the row of its camera, 1 for a hole or 0.
    """
    seen, lower = np.zeros(len(height_m), np.int32), np.empty(len(height_m), np.int32)
    arcs = 2 * int(2 * math.pi / ARC_STEP_RAD) + 16
    room = arcs
    lines, bands = _new_lines(room), np.empty((1024, BAND_COLUMNS))
    rings = Rings(np.empty((64 * len(look) + 1024, 2)), np.empty((len(look) + 16, 3)), 0)
    for n in range(len(look)):
        eye = eye_of(look[n])
        home = homes[home_starts[n] : home_starts[n + 1]]
        buildings = _lower_buildings(eye, grid, height_m, home, seen, n + 1, lower)
        possible = 2 * most_walls(grid, eye) + arcs
        for face in lower[:buildings]:
            possible += 2 * (starts[face + 1] - starts[face])
        if possible > room:
            room = 2 * possible
            lines = _new_lines(room)
        count = _place_lines(eye, grid, height_m, walls, starts, lower[:buildings], lines)
        bands, seen_bands, sectors = _see(eye, lines, count, bands)
        rings = trace_rings(eye, bands, seen_bands, sectors, n, rings)
    last = int(rings.table[rings.used - 1, 0]) if rings.used else 0
    return rings.corners[:last], rings.table[: rings.used]
