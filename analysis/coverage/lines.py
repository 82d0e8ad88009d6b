"""Length of lines that one, two or more cameras see, and views that hold a point."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from analysis.coverage.outlines import Outlines

__all__ = ["points_inside", "sweep_lines"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Cuts(NamedTuple):
    """Where a piece of line crosses outlines: metres along it, and which pair is crossed in which sense, ±1."""

    at: Floats
    turns: Ints


@numba.njit(cache=True, nogil=True)
def sweep_lines(
    places: Outlines,
    views: Outlines,
    first_pair: Ints,
    pair_view: Ints,
    masks: Ints,
    groups: int,
    against: int,
) -> tuple[Floats, Floats, Floats, Floats]:
    """
    Lengths of linear places that the views see; takes and gives what `sweep_areas` does, metres for square metres.

    Each piece of a line is cut where it crosses the outlines. A piece that runs along an outline belongs to the
    ground on one side of it.
    """
    count = len(places.bounds)
    ground = np.zeros(count)
    once, twice = np.zeros((count, groups)), np.zeros((count, groups))
    alone = np.zeros((len(pair_view) if against else 0, groups))
    winding, on = np.zeros(len(pair_view), np.int64), np.empty(len(pair_view), np.int64)
    cuts = Cuts(np.empty(64), np.empty((64, 2), np.int64))
    for p in range(count):
        for piece in range(places.pieces[p], places.pieces[p + 1]):
            for corner in range(places.corners[piece], places.corners[piece + 1] - 1):
                x, y = places.xy[corner, 0], places.xy[corner, 1]
                dx, dy = places.xy[corner + 1, 0] - x, places.xy[corner + 1, 1] - y
                length = math.sqrt(dx * dx + dy * dy)
                if length == 0.0:
                    continue
                step, found = (x, y, dx / length, dy / length, length), np.int64(0)
                for pair in range(first_pair[p], first_pair[p + 1]):
                    cuts, found = _crossings(step, views, pair_view[pair], pair, cuts, found)
                _in_order(cuts, found)
                sums = (ground[p : p + 1], once[p], twice[p], alone)
                _add_up(length, cuts, found, pair_view, masks, against, sums, winding, on)
    return ground, once, twice, alone


@numba.njit(cache=True, nogil=True)
def _crossings(
    step: tuple[float, float, float, float, float],
    views: Outlines,
    view: int,
    pair: int,
    cuts: Cuts,
    found: int,
) -> tuple[Cuts, int]:
    """
    Where the line of a piece (start, direction, length) crosses the outline of a view.

    The whole line counts, so that what lies before the start tells whether the start is inside.
    """
    x, y, ux, uy, length = step
    bounds = views.bounds[view]
    if (
        max(x, x + ux * length) < bounds[0]
        or max(y, y + uy * length) < bounds[1]
        or min(x, x + ux * length) > bounds[2]
        or min(y, y + uy * length) > bounds[3]
    ):
        return cuts, found
    for piece in range(views.pieces[view], views.pieces[view + 1]):
        start, stop = views.corners[piece], views.corners[piece + 1]
        if found + stop - start > len(cuts.at):
            cuts = _longer(cuts, found, stop - start)
        dx, dy = views.xy[stop - 1, 0] - x, views.xy[stop - 1, 1] - y
        along, off = dx * ux + dy * uy, dy * ux - dx * uy
        for corner in range(start, stop):
            dx, dy = views.xy[corner, 0] - x, views.xy[corner, 1] - y
            next_along, next_off = dx * ux + dy * uy, dy * ux - dx * uy
            if (off <= 0.0) != (next_off <= 0.0):
                cuts.at[found] = along + (next_along - along) * (off / (off - next_off))
                cuts.turns[found, 0], cuts.turns[found, 1] = pair, 1 if off <= 0.0 else -1
                found += 1
            along, off = next_along, next_off
    return cuts, found


@numba.njit(cache=True, nogil=True)
def _longer(cuts: Cuts, found: int, more: int) -> Cuts:
    longer = Cuts(np.empty(2 * (found + more)), np.empty((2 * (found + more), 2), np.int64))
    for k in range(found):
        longer.at[k], longer.turns[k, 0], longer.turns[k, 1] = cuts.at[k], cuts.turns[k, 0], cuts.turns[k, 1]
    return longer


@numba.njit(cache=True, nogil=True)
def _in_order(cuts: Cuts, found: int) -> None:
    """Sorts the crossings along the line (shell sort, Ciura's gaps)."""
    for gap in (701, 301, 132, 57, 23, 10, 4, 1):
        for k in range(gap, found):
            at, pair, turn, m = cuts.at[k], cuts.turns[k, 0], cuts.turns[k, 1], k
            while m >= gap and cuts.at[m - gap] > at:
                cuts.at[m] = cuts.at[m - gap]
                cuts.turns[m, 0], cuts.turns[m, 1] = cuts.turns[m - gap, 0], cuts.turns[m - gap, 1]
                m -= gap
            cuts.at[m], cuts.turns[m, 0], cuts.turns[m, 1] = at, pair, turn


@numba.njit(cache=True, nogil=True)
def _add_up(
    length: float,
    cuts: Cuts,
    found: int,
    pair_view: Ints,
    masks: Ints,
    against: int,
    sums: tuple[Floats, Floats, Floats, Floats],
    winding: Ints,
    on: Ints,
) -> None:
    """Walks along a piece of line and adds what lies between crossings to the sums of its groups."""
    ground, once_sum, twice_sum, alone = sums
    x, seeing, once, twice = 0.0, 0, 0, 0
    for k in range(found + 1):
        ahead = min(max(cuts.at[k], x), length) if k < found else length
        amount, x = ahead - x, ahead
        if amount > 0.0:
            ground[0] += amount
            for g in range(len(once_sum)):
                once_sum[g] += amount * ((once >> g) & 1)
                twice_sum[g] += amount * ((twice >> g) & 1)
            rare = against & ~twice
            for q in range(seeing if rare else 0):
                bits = rare & (~once | masks[pair_view[on[q]]])
                for g in range(len(once_sum)):
                    alone[on[q], g] += amount * ((bits >> g) & 1)
        if k == found:
            break
        pair, turn = cuts.turns[k, 0], cuts.turns[k, 1]
        winding[pair] += turn
        if winding[pair] == turn:
            on[seeing] = pair
            seeing += 1
        elif winding[pair] == 0:
            kept = 0
            for q in range(seeing):
                if on[q] != pair:
                    on[kept] = on[q]
                    kept += 1
            seeing = kept
        once, twice = 0, 0
        for q in range(seeing):
            twice |= once & masks[pair_view[on[q]]]
            once |= masks[pair_view[on[q]]]


@numba.njit(cache=True, nogil=True)
def points_inside(
    points: Outlines, views: Outlines, pair_point: Ints, pair_view: Ints
) -> npt.NDArray[np.bool_]:
    """
    Whether the point of each pair lies in its view.

    A point on an edge counts to the ground on one side of it, so that it is in one of two views that share an edge.
    """
    inside = np.zeros(len(pair_point), np.bool_)
    for k in range(len(pair_point)):
        corner = points.corners[points.pieces[pair_point[k]]]
        x, y = points.xy[corner, 0], points.xy[corner, 1]
        view, winding = pair_view[k], 0
        for piece in range(views.pieces[view], views.pieces[view + 1]):
            start, stop = views.corners[piece], views.corners[piece + 1]
            ax, ay = views.xy[stop - 1, 0] - x, views.xy[stop - 1, 1] - y
            for corner in range(start, stop):
                bx, by = views.xy[corner, 0] - x, views.xy[corner, 1] - y
                if (ay <= 0.0) != (by <= 0.0):
                    left = (ax * by - bx * ay) > 0.0
                    if ay <= 0.0 and left:
                        winding += 1
                    elif by <= 0.0 and not left:
                        winding -= 1
                ax, ay = bx, by
        inside[k] = winding != 0
    return inside
