"""
Ground of places that one, two or more cameras see: exact but for rounding.

A place is halved again and again, and the outlines of the views with it, until a rectangle holds few edges [1]_;
a view that covers a rectangle leaves no edge there. What is left is cut into slabs between corners and crossings:
within a slab no edges cross, so that each gap between two of them is a trapezoid, as high as the slab and as wide
as on its middle line. Where rounding misplaces a crossing, what is misjudged is a sliver as wide as the rounding.

All of the sweep is in this file: compiled code is kept by file, and is not renewed when a function of another
file that it calls has changed.

References
----------
.. [1] Warnock (1969), A hidden surface algorithm for computer generated halftone pictures.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numba
import numpy as np
import numpy.typing as npt

from analysis.coverage.outlines import Outlines

__all__ = ["sweep_areas"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Sums: TypeAlias = tuple[Floats, Floats, Floats, Floats]
"""Of one place: ground (one), once and twice (by group), alone (view × group)."""

FEW_EDGES = 64
"""A rectangle with so many edges inside is cut into slabs."""
LEAST_SIDE_M = 0.05
"""A rectangle so narrow is not halved any more: its edges meet at one pole."""
LEAST_SLAB_M = 1e-12
"""A slab, or an edge, that rises less is level: it bounds nothing."""
PLACE = 0
"""Owner of the place's own rings; the views of the place follow."""


class Rings(NamedTuple):
    """
    A stack of rings; one without corners is the whole rectangle.

    Attributes
    ----------
    xy
        Corners, metres from the place's south-west.
    starts
        Ring r holds `xy[starts[r]:starts[r + 1]]`.
    owners
        PLACE, or 1 + position of the view among those of the place.
    """

    xy: Floats
    starts: Ints
    owners: Ints


class Desk(NamedTuple):
    """
    Working space of the slabs.

    Attributes
    ----------
    edges
        Lower x and y, upper y, slope dx / dy, upper x.
    turns
        Owner and sense, +1 upward.
    events
        Heights at which a slab begins.
    line
        Edges in play from west to east, and their x.
    on, winding
        Owners seen here; how often the line is inside each.
    """

    edges: Floats
    turns: Ints
    events: Floats
    line: Ints
    at: Floats
    on: Ints
    winding: Ints


@numba.njit(cache=True, nogil=True)
def sweep_areas(
    places: Outlines,
    views: Outlines,
    first_pair: Ints,
    pair_view: Ints,
    masks: Ints,
    groups: int,
    against: int,
) -> tuple[Floats, Floats, Floats, Floats]:
    """
    Areas of polygonal places that the views see, square metres.

    Parameters
    ----------
    places, views
        Polygons.
    first_pair, pair_view
        Place p may be met by the views `pair_view[first_pair[p]:first_pair[p + 1]]`.
    masks
        One a view: bit g is set if it is in group g.
    groups
        Number of groups, at most 64.
    against
        Bits of the groups for which `alone` is wanted.

    Returns
    -------
    ground, once, twice, alone
        As in `Tally`.
    """
    count = len(places.bounds)
    ground = np.zeros(count)
    once, twice = np.zeros((count, groups)), np.zeros((count, groups))
    alone = np.zeros((len(pair_view) if against else 0, groups))
    room = np.int64(64)
    stack, work, desk = _rings(room, 16 * room), _rings(room, 16 * room), _desk(room, room)
    for p in range(count):
        mine = pair_view[first_pair[p] : first_pair[p + 1]]
        own = np.zeros(len(mine) + 1, np.int64)
        for k in range(len(mine)):
            own[k + 1] = masks[mine[k]]
        pairs = alone[first_pair[p] : first_pair[p + 1]] if against else alone
        stack, work, desk = _measure_place(
            places,
            p,
            views,
            mine,
            own,
            against,
            (ground[p : p + 1], once[p], twice[p], pairs),
            stack,
            work,
            desk,
        )
    return ground, once, twice, alone


@numba.njit(cache=True, nogil=True)
def _measure_place(
    places: Outlines,
    p: int,
    views: Outlines,
    mine: Ints,
    own: Ints,
    against: int,
    sums: Sums,
    stack: Rings,
    work: Rings,
    desk: Desk,
) -> tuple[Rings, Rings, Desk]:
    """Adds up one place; returns the working spaces, which may have grown."""
    west, south = places.bounds[p, 0], places.bounds[p, 1]
    width, height = places.bounds[p, 2] - west, places.bounds[p, 3] - south
    nothing = np.int64(0)  # a plain 0 would be a type of its own and compile everything twice
    work, count = _lay(places, p, np.int64(PLACE), west, south, work, nothing)
    for k in range(len(mine)):
        work, count = _lay(views, mine[k], k + 1, west, south, work, count)
    for axis, at, low in ((0, width, True), (0, 0.0, False), (1, height, True), (1, 0.0, False)):
        stack, left = _cut(work, count, stack, nothing, axis, at, low)
        work, stack, count = stack, work, left
    stack, work = work, stack
    nodes = np.empty(128, np.int64)
    rects = np.empty((128, 4))
    inner = np.empty(128, np.int64)
    rects[0, 0], rects[0, 1], rects[0, 2], rects[0, 3] = 0.0, 0.0, width, height
    nodes[0] = 0
    count, inner[0] = _settle(stack, nothing, count, rects[0], own, against, nothing)
    top = 1 if inner[0] >= 0 else 0
    while top:
        top -= 1
        first = nodes[top]
        x0, y0, x1, y1 = rects[top, 0], rects[top, 1], rects[top, 2], rects[top, 3]
        if inner[top] <= FEW_EDGES or max(x1 - x0, y1 - y0) < LEAST_SIDE_M:
            desk = _slabs(stack, first, count, rects[top], own, against, sums, desk)
            count = first
            continue
        closed = _closed(stack, first, count, own)
        work = _roomy(work, nothing, count - first, stack.starts[count] - stack.starts[first])
        work = _copied(stack, first, count, work)
        rings, count = count - first, first
        axis = 0 if x1 - x0 >= y1 - y0 else 1
        at = 0.5 * (x0 + x1) if axis == 0 else 0.5 * (y0 + y1)
        for low in (True, False):
            rects[top, 0], rects[top, 1], rects[top, 2], rects[top, 3] = x0, y0, x1, y1
            rects[top, axis + 2 if low else axis] = at
            begin = count
            stack, count = _cut(work, rings, stack, count, axis, at, low)
            count, inner[top] = _settle(stack, begin, count, rects[top], own, against, closed)
            if inner[top] >= 0:
                nodes[top] = begin
                top += 1
    return stack, work, desk


@numba.njit(cache=True, nogil=True)
def _lay(
    shapes: Outlines, n: int, owner: int, west: float, south: float, rings: Rings, count: int
) -> tuple[Rings, int]:
    """Puts the rings of a shape on the stack, counted from the place's corner."""
    first, end = shapes.pieces[n], shapes.pieces[n + 1]
    rings = _roomy(rings, count, end - first, shapes.corners[end] - shapes.corners[first])
    for piece in range(first, end):
        k = rings.starts[count]
        for corner in range(shapes.corners[piece], shapes.corners[piece + 1]):
            rings.xy[k, 0] = shapes.xy[corner, 0] - west
            rings.xy[k, 1] = shapes.xy[corner, 1] - south
            k += 1
        rings.owners[count] = owner
        count += 1
        rings.starts[count] = k
    return rings, count


@numba.njit(cache=True, nogil=True)
def _cut(
    source: Rings, rings: int, target: Rings, count: int, axis: int, at: float, low: bool
) -> tuple[Rings, int]:
    """
    Appends to `target` what lies of the rings on one side of a line across `axis`.

    A ring that falls apart stays one, joined by edges that run along the line both ways (Sutherland & Hodgman, 1974).
    """
    target = _roomy(target, count, rings, 2 * source.starts[rings])
    other = 1 - axis
    for r in range(rings):
        first, end = source.starts[r], source.starts[r + 1]
        begin = k = target.starts[count]
        if end > first:
            a, u = source.xy[end - 1, axis], source.xy[end - 1, other]
            for i in range(first, end):
                b, v = source.xy[i, axis], source.xy[i, other]
                if (a < at and b > at) or (a > at and b < at):
                    # from the lower end, whichever way the edge runs
                    cross = (
                        u + (at - a) * ((v - u) / (b - a)) if a < b else v + (at - b) * ((u - v) / (a - b))
                    )
                    target.xy[k, axis] = at
                    target.xy[k, other] = min(max(cross, min(u, v)), max(u, v))
                    k += 1
                if (b <= at) if low else (b >= at):
                    target.xy[k, axis], target.xy[k, other] = b, v
                    k += 1
                a, u = b, v
            if k == begin:
                continue
        target.owners[count] = source.owners[r]
        count += 1
        target.starts[count] = k
    return target, count


@numba.njit(cache=True, nogil=True)
def _settle(
    rings: Rings, begin: int, count: int, rect: Floats, own: Ints, against: int, closed: int
) -> tuple[int, int]:
    """
    Clears a rectangle that was just cut: rings along its border become the whole of it or go.

    Views that cannot matter where the groups `closed` are already seen twice go too. Returns the end of the stack
    and how many edges lie inside; -1, with nothing left on the stack, if the rectangle holds nothing of the place.
    """
    x0, y0, x1, y1 = rect[0], rect[1], rect[2], rect[3]
    kept, edges, here = begin, 0, False
    once, twice, r, corner = 0, 0, begin, rings.starts[begin]
    while r < count:
        owner, last, first = rings.owners[r], r, corner
        inside, doubled, whole = 0, 0.0, False
        while last < count and rings.owners[last] == owner:
            end = rings.starts[last + 1]
            if end > first:
                ax, ay = rings.xy[end - 1, 0], rings.xy[end - 1, 1]
                for i in range(first, end):
                    bx, by = rings.xy[i, 0], rings.xy[i, 1]
                    upright = ax == bx and bx in (x0, x1)
                    level = ay == by and by in (y0, y1)
                    if not (upright or level):
                        inside += 1
                    doubled += (ax - x0) * (by - y0) - (bx - x0) * (ay - y0)
                    ax, ay = bx, by
            else:
                whole = True
            first = end
            last += 1
        whole |= inside == 0 and doubled > (x1 - x0) * (y1 - y0)
        mask = own[owner]
        if whole:
            needed = owner == PLACE or (mask & ~twice) != 0 or (against & ~twice) != 0
            twice |= once & mask
            once |= mask
        else:
            needed = inside > 0 and (owner == PLACE or (mask & ~closed) != 0 or (against & ~closed) != 0)
        if needed:
            here |= owner == PLACE
            kept = _keep(rings, r, last, corner, kept, whole)
            edges += 0 if whole else inside
        r, corner = last, first
        if owner == PLACE and not here:
            break  # the place's rings come first
    return (kept, edges) if here else (begin, -1)


@numba.njit(cache=True, nogil=True)
def _keep(rings: Rings, first: int, last: int, begin: int, kept: int, whole: bool) -> int:
    """
    Moves the rings of one owner down the stack to `kept`; a whole rectangle is one ring without corners.

    The first begins at corner `begin`: what the stack says of it may be overwritten already.
    """
    owner, k = rings.owners[first], rings.starts[kept]
    if whole:
        rings.owners[kept] = owner
        rings.starts[kept + 1] = k
        return kept + 1
    for r in range(first, last):
        end = rings.starts[r + 1]
        for i in range(begin, end):
            rings.xy[k, 0], rings.xy[k, 1] = rings.xy[i, 0], rings.xy[i, 1]
            k += 1
        begin = end
        rings.owners[kept] = owner
        kept += 1
        rings.starts[kept] = k
    return kept


@numba.njit(cache=True, nogil=True)
def _closed(rings: Rings, first: int, count: int, own: Ints) -> int:
    """Bits of the groups of which two views cover the whole rectangle."""
    once, twice = 0, 0
    for r in range(first, count):
        if rings.starts[r] == rings.starts[r + 1]:
            twice |= once & own[rings.owners[r]]
            once |= own[rings.owners[r]]
    return twice


@numba.njit(cache=True, nogil=True)
def _slabs(
    rings: Rings, first: int, count: int, rect: Floats, own: Ints, against: int, sums: Sums, desk: Desk
) -> Desk:
    """Adds up a rectangle slab by slab; returns the working space, which may have grown."""
    edges, once, twice, on = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    corners = rings.starts[count] - rings.starts[first]
    if corners > len(desk.edges) or len(own) > len(desk.on):
        desk = _desk(2 * corners, 2 * len(own))
    here = False
    for r in range(first, count):
        owner = rings.owners[r]
        if rings.starts[r] < rings.starts[r + 1]:
            edges = _lift(rings, r, desk, edges)
        elif owner == PLACE:
            here = True
        else:
            desk.on[on] = owner
            on += 1
            twice |= once & own[owner]
            once |= own[owner]
    desk, events = _events(desk, edges, rect[1], rect[3])
    by_foot = _by_foot(desk, edges)
    coming, playing = np.int64(0), np.int64(0)
    for e in range(events - 1):
        low, high = desk.events[e], desk.events[e + 1]
        if high - low >= LEAST_SLAB_M:
            coming, playing = _line_up(desk, edges, by_foot, coming, playing, low, 0.5 * (low + high))
            _walk(desk, playing, rect, high - low, (here, on, once, twice), own, against, sums)
    return desk


@numba.njit(cache=True, nogil=True)
def _walk(
    desk: Desk,
    playing: int,
    rect: Floats,
    height: float,
    base: tuple[bool, int, int, int],
    own: Ints,
    against: int,
    sums: Sums,
) -> None:
    """
    Adds up one slab from west to east.

    `base` is what covers the whole rectangle: whether the place does, how many views, which the desk lists first,
    and the groups of one and of two of them.
    """
    whole, base_on, base_once, base_twice = base
    x, on, once, twice = rect[0], base_on, base_once, base_twice
    here = 1 if whole else 0
    for k in range(playing + 1):
        ahead = min(max(desk.at[k], x), rect[2]) if k < playing else rect[2]
        if here != 0 and ahead > x:
            _add((ahead - x) * height, once, twice, desk.on[:on], own, against, sums)
        x = ahead
        if k == playing:
            break
        owner, turn = desk.turns[desk.line[k], 0], desk.turns[desk.line[k], 1]
        if owner == PLACE:
            here += turn
            continue
        desk.winding[owner] += turn
        if desk.winding[owner] == 0:
            on, once, twice = _off(desk.on, owner, base_on, on, own, base_once, base_twice)
        elif desk.winding[owner] == turn:
            desk.on[on] = owner
            on += 1
            twice |= once & own[owner]
            once |= own[owner]
    for k in range(base_on, on):  # in a slab hardly higher than LEAST_SLAB_M an edge may lack
        desk.winding[desk.on[k]] = 0


@numba.njit(cache=True, nogil=True)
def _lift(rings: Rings, r: int, desk: Desk, edges: int) -> int:
    """Puts the edges of a ring on the desk; level ones bound nothing."""
    first, end = rings.starts[r], rings.starts[r + 1]
    ax, ay = rings.xy[end - 1, 0], rings.xy[end - 1, 1]
    for i in range(first, end):
        bx, by = rings.xy[i, 0], rings.xy[i, 1]
        if abs(ay - by) >= LEAST_SLAB_M:
            up = ay < by
            x0, y0, x1, y1 = (ax, ay, bx, by) if up else (bx, by, ax, ay)
            desk.edges[edges, 0], desk.edges[edges, 1], desk.edges[edges, 2] = x0, y0, y1
            desk.edges[edges, 3], desk.edges[edges, 4] = (x1 - x0) / (y1 - y0), x1
            desk.turns[edges, 0], desk.turns[edges, 1] = rings.owners[r], 1 if up else -1
            edges += 1
        ax, ay = bx, by
    return edges


@numba.njit(cache=True, nogil=True)
def _events(desk: Desk, edges: int, south: float, north: float) -> tuple[Desk, int]:
    """Heights of corners and crossings, in order, from `south` to `north`; returns how many."""
    found = np.int64(2)
    events = desk.events
    events[0], events[1] = south, north
    for i in range(edges):
        if found + 2 + edges > len(events):
            grown = np.empty(2 * len(events) + edges + 2)
            for k in range(found):
                grown[k] = events[k]
            events = grown
        x, y, top, slope = desk.edges[i, 0], desk.edges[i, 1], desk.edges[i, 2], desk.edges[i, 3]
        events[found], events[found + 1] = y, top
        found += 2
        west, east = min(x, desk.edges[i, 4]), max(x, desk.edges[i, 4])
        for j in range(i):
            low, high = max(y, desk.edges[j, 1]), min(top, desk.edges[j, 2])
            if (
                low >= high
                or min(desk.edges[j, 0], desk.edges[j, 4]) > east
                or max(desk.edges[j, 0], desk.edges[j, 4]) < west
            ):
                continue
            below = (x + (low - y) * slope) - (desk.edges[j, 0] + (low - desk.edges[j, 1]) * desk.edges[j, 3])
            above = (x + (high - y) * slope) - (
                desk.edges[j, 0] + (high - desk.edges[j, 1]) * desk.edges[j, 3]
            )
            if (below < 0 < above) or (above < 0 < below):
                events[found] = low + (high - low) * (below / (below - above))
                found += 1
    _sort(events, found)
    return Desk(desk.edges, desk.turns, events, desk.line, desk.at, desk.on, desk.winding), int(found)


@numba.njit(cache=True, nogil=True)
def _sort(values: Floats, count: int) -> None:
    """Sorts the first values; mostly few, so by shell sort (Ciura's gaps), which compiles in no time."""
    for gap in (701, 301, 132, 57, 23, 10, 4, 1):
        for k in range(gap, count):
            value, m = values[k], k
            while m >= gap and values[m - gap] > value:
                values[m] = values[m - gap]
                m -= gap
            values[m] = value


@numba.njit(cache=True, nogil=True)
def _by_foot(desk: Desk, edges: int) -> Ints:
    """Edges in the order in which a line that rises meets them."""
    order = np.empty(edges, np.int64)
    for k in range(edges):
        order[k] = k
    for gap in (701, 301, 132, 57, 23, 10, 4, 1):
        for k in range(gap, edges):
            edge, m = order[k], k
            while m >= gap and desk.edges[order[m - gap], 1] > desk.edges[edge, 1]:
                order[m] = order[m - gap]
                m -= gap
            order[m] = edge
    return order


@numba.njit(cache=True, nogil=True)
def _line_up(
    desk: Desk, edges: int, by_foot: Ints, coming: int, playing: int, y0: float, middle: float
) -> tuple[int, int]:
    """The edges that cross a slab, from west to east on its middle line; they keep their order from the last one."""
    kept = 0
    for k in range(playing):
        if desk.edges[desk.line[k], 2] > y0:
            desk.line[kept] = desk.line[k]
            kept += 1
    while coming < edges and desk.edges[by_foot[coming], 1] <= y0:
        if desk.edges[by_foot[coming], 2] > y0:
            desk.line[kept] = by_foot[coming]
            kept += 1
        coming += 1
    for k in range(kept):
        edge = desk.line[k]
        x = desk.edges[edge, 0] + (middle - desk.edges[edge, 1]) * desk.edges[edge, 3]
        m = k
        while m > 0 and desk.at[m - 1] > x:
            desk.at[m], desk.line[m] = desk.at[m - 1], desk.line[m - 1]
            m -= 1
        desk.at[m], desk.line[m] = x, edge
    return coming, kept


@numba.njit(cache=True, nogil=True)
def _off(on: Ints, owner: int, base: int, end: int, own: Ints, once: int, twice: int) -> tuple[int, int, int]:
    """Takes one owner off the list; returns its end and the groups seen once and twice by those that stay."""
    kept = base
    for k in range(base, end):
        if on[k] != owner:
            on[kept] = on[k]
            kept += 1
            twice |= once & own[on[k]]
            once |= own[on[k]]
    return kept, once, twice


@numba.njit(cache=True, nogil=True)
def _add(amount: float, once: int, twice: int, on: Ints, own: Ints, against: int, sums: Sums) -> None:
    """Adds a piece of ground to the sums of its groups, and to each view that sees it without another of a group."""
    ground, once_sum, twice_sum, alone = sums
    ground[0] += amount
    if once:
        for g in range(len(once_sum)):
            if (once >> g) & 1:
                once_sum[g] += amount
                if (twice >> g) & 1:
                    twice_sum[g] += amount
    rare = against & ~twice
    if rare:
        for owner in on:
            bits = rare & (~once | own[owner])
            if bits:
                for g in range(alone.shape[1]):
                    if (bits >> g) & 1:
                        alone[owner - 1, g] += amount


@numba.njit(cache=True, nogil=True)
def _rings(rings: int, corners: int) -> Rings:
    return Rings(np.empty((corners, 2)), np.zeros(rings + 1, np.int64), np.empty(rings, np.int64))


@numba.njit(cache=True, nogil=True)
def _copied(stack: Rings, first: int, count: int, target: Rings) -> Rings:
    """The rings from `first` on, as a stack of their own in `target`, which has the room."""
    begin, end = stack.starts[first], stack.starts[count]
    for k in range(begin, end):
        target.xy[k - begin, 0], target.xy[k - begin, 1] = stack.xy[k, 0], stack.xy[k, 1]
    for r in range(first, count):
        target.starts[r - first], target.owners[r - first] = stack.starts[r] - begin, stack.owners[r]
    target.starts[count - first] = end - begin
    return target


@numba.njit(cache=True, nogil=True)
def _roomy(rings: Rings, count: int, more: int, corners: int) -> Rings:
    """The same stack with room for so many more rings and corners."""
    used = rings.starts[count]
    if used + corners <= len(rings.xy) and count + more <= len(rings.owners):
        return rings
    grown = _rings(2 * (count + more), 2 * (used + corners))
    return _copied(rings, np.int64(0), count, grown)


@numba.njit(cache=True, nogil=True)
def _desk(edges: int, owners: int) -> Desk:
    return Desk(
        np.empty((edges, 5)),
        np.empty((edges, 2), np.int64),
        np.empty(8 * edges),
        np.empty(edges, np.int64),
        np.empty(edges),
        np.empty(owners, np.int64),
        np.zeros(owners, np.int64),
    )
