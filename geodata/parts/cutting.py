"""Cutting a city into parts by place, so that a change in one place changes one part."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["cut", "hilbert_keys", "within_reach"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS = 27
"""Times the plane is quartered."""
HALF_SIDE_M = float(2 ** (LEVELS - 1))
"""The plane reaches so far each way from the origin of the coordinates; its smallest squares have sides of 1 m."""
MARK_M = 100.0
"""Side of the squares by which reach is told; grown where a wide, sparse part would make too many."""
MOST_MARKS = 4_000_000


def hilbert_keys(xy: Floats) -> Ints:
    """
    Places along a Hilbert curve through squares of 1 m; near places mostly have near keys.

    The curve is fixed to the coordinates, not to the extent of the data: a place keeps its key whatever is beside it.

    Parameters
    ----------
    xy
        Rows of x and y, metres, within 67,000 km of the origin of the coordinate system.

    Returns
    -------
    keys
        One whole number below 4**27 a row. The first 2k bits name one of the 4**k squares of the plane.

    References
    ----------
    Hilbert (1891), Über die stetige Abbildung einer Linie auf ein Flächenstück.
    """
    x, y = np.clip(np.floor(np.asarray(xy, dtype=float).T + HALF_SIDE_M), 0, 2 * HALF_SIDE_M - 1).astype(
        np.int64
    )
    keys = np.zeros(len(x), np.int64)
    for level in reversed(range(LEVELS)):
        right, up = (x >> level) & 1, (y >> level) & 1
        keys = (keys << 2) | ((3 * right) ^ up)
        mirrored = (up == 0) & (right == 1)
        mask = (1 << level) - 1
        x, y = np.where(mirrored, ~x & mask, x & mask), np.where(mirrored, ~y & mask, y & mask)
        turned = up == 0
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    return keys


def cut(keys: Ints, most: int) -> list[npt.NDArray[np.intp]]:
    """
    Rows in parts of at most `most`, each a square of the plane or some that follow one another on the curve.

    A square with too many rows is quartered, and quarters beside each other are joined while they fit. A row that is
    added, moved or taken away therefore changes the part that it is in, and seldom another.

    Parameters
    ----------
    keys
        From `hilbert_keys`.
    most
        Rows in a part, at least 1; more only where more stand on one square metre.

    Returns
    -------
    parts
        Positions in `keys`, each exactly once; within a part in rising order.
    """
    order = np.argsort(keys, kind="stable")
    return [np.sort(order[first:end]) for first, end in _spans(keys[order], 0, len(keys), 2 * LEVELS, most)]


def _spans(keys: Ints, first: int, end: int, bits: int, most: int) -> list[tuple[int, int]]:
    """Spans of sorted keys that share all but their last `bits`."""
    if first == end:
        return []
    if end - first <= most or bits == 0:
        return [(first, end)]
    bits -= 2
    base = (keys[first] >> (bits + 2)) << 2
    edges = np.searchsorted(keys[first:end], [(base + quarter) << bits for quarter in (1, 2, 3)]) + first
    spans: list[tuple[int, int]] = []
    for start, stop in zip([first, *edges.tolist()], [*edges.tolist(), end], strict=True):
        for span in _spans(keys, start, stop, bits, most):
            if spans and span[1] - spans[-1][0] <= most:
                spans[-1] = (spans[-1][0], span[1])
            else:
                spans.append(span)
    return spans


def within_reach(wanted: Floats, bounds: Floats) -> npt.NDArray[np.intp]:
    """
    Which boxes may touch any of the wanted ones, told by squares of 100 m: never one too few, some too many.

    Parameters
    ----------
    wanted
        Rows west, south, east, north, metres.
    bounds
        The same of the boxes to choose from; rows that are not numbers are never chosen.

    Returns
    -------
    rows
        Positions in `bounds`, in rising order.
    """
    if not len(wanted):
        return np.empty(0, np.intp)
    west, south = np.floor(wanted[:, :2].min(axis=0))
    east, north = wanted[:, 2:].max(axis=0)
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero(
            (bounds[:, 0] <= east)
            & (bounds[:, 2] >= west)
            & (bounds[:, 1] <= north)
            & (bounds[:, 3] >= south)
        )
    side = max(MARK_M, float(np.sqrt((east - west) * (north - south) / MOST_MARKS)))
    shape = (int((east - west) // side) + 1, int((north - south) // side) + 1)
    origin = np.array([west, south])

    def squares(boxes: Floats) -> tuple[Ints, Ints, Ints, Ints]:
        low = np.clip(((boxes[:, :2] - origin) // side).astype(np.int64), 0, np.array(shape) - 1)
        high = np.clip(((boxes[:, 2:] - origin) // side).astype(np.int64), 0, np.array(shape) - 1)
        return low[:, 0], low[:, 1], high[:, 0] + 1, high[:, 1] + 1

    steps = np.zeros((shape[0] + 1, shape[1] + 1), np.int64)
    i0, j0, i1, j1 = squares(wanted)
    for i, j, step in ((i0, j0, 1), (i1, j0, -1), (i0, j1, -1), (i1, j1, 1)):
        np.add.at(steps, (i, j), step)
    marked = np.cumsum(np.cumsum(steps, axis=0), axis=1)[:-1, :-1] > 0
    totals = np.zeros((shape[0] + 1, shape[1] + 1), np.int64)
    totals[1:, 1:] = np.cumsum(np.cumsum(marked, axis=0), axis=1)
    i0, j0, i1, j1 = squares(bounds[near])
    return near[totals[i1, j1] - totals[i0, j1] - totals[i1, j0] + totals[i0, j0] > 0]
