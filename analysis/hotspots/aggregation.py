"""Events into cells and hours: an index of the cells that is made once and asked a million times."""

from __future__ import annotations

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from analysis.checks import require_metric, require_positive
from analysis.errors import InputError

__all__ = ["CellIndex", "count_by_cell_and_step", "space_time_counts"]

TILES_A_CELL = 400
"""Most tiles then lie wholly in one cell, and need no more than a look."""
MOST_TILES = 4_000_000
NOBODY = -1


class CellIndex:
    """
    Finds the cell of any number of points.

    The ground is cut into square tiles. A tile that no outline crosses lies in one cell or in none; points in the
    others are tried against the few cells whose outlines cross.

    Parameters
    ----------
    cells
        Valid (Multi)Polygons in a projected CRS in metres that do not overlap.
    tile_m
        Side of a tile; None: by the number of cells.

    Raises
    ------
    CrsError
        If `cells` is not in metres.
    InputError
        If there are none.
    """

    def __init__(self, cells: gpd.GeoDataFrame, *, tile_m: float | None = None) -> None:
        require_metric(cells=cells)
        if cells.empty:
            raise InputError("There are no cells.", "Load a town first.")
        self.index = cells.index
        shapes = cells.geometry.to_numpy()
        west, south, east, north = shapely.total_bounds(shapes)
        area = float(shapely.area(shapes).mean())
        self._tile = float(tile_m or np.sqrt(area / TILES_A_CELL))
        require_positive("tile_m", self._tile)
        self._tile = max(self._tile, float(np.sqrt((east - west) * (north - south) / MOST_TILES)))
        self._west, self._south = west - self._tile, south - self._tile
        columns = int((east - self._west) / self._tile) + 2
        rows = int((north - self._south) / self._tile) + 2
        self._begin, self._end, owner = _outlines(shapes)
        self._sides = np.searchsorted(owner, np.arange(len(shapes) + 1)).astype(np.int64)
        frame = (self._west, self._south, self._tile, rows, columns)
        self._whole = _middles(shapely.bounds(shapes), self._sides, self._begin, self._end, *frame)
        tiles, who = _crossings(self._begin, self._end, owner, *frame)
        pairs = np.unique(tiles * len(shapes) + who)
        self._tries = np.searchsorted(pairs, np.arange(rows * columns + 1) * len(shapes)).astype(np.int64)
        self._tried = (pairs % len(shapes)).astype(np.int32)

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int32]:
        """
        Row of each point's cell, -1 outside all.

        A point on an outline between two cells belongs to one of them, always the same.

        Parameters
        ----------
        x, y
            Shape (points,), metres in the CRS of the cells; a point that is not finite is outside.
        """
        across, up = np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)
        if across.shape != up.shape:
            raise InputError(
                "x has {x} values, but y has {y}.", "Give both of every point.", x=len(across), y=len(up)
            )
        return np.asarray(
            _found(
                across,
                up,
                self._west,
                self._south,
                self._tile,
                self._whole,
                self._tries,
                self._tried,
                self._sides,
                self._begin,
                self._end,
            )
        )


def count_by_cell_and_step(
    rows: NDArray[np.int32], steps: NDArray[np.integer], most_steps: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """
    Cells, steps and how many events each pair of them has; only pairs with events, in order.

    Parameters
    ----------
    rows
        From `CellIndex.rows`; events outside all cells (-1) are left out.
    steps
        Hours, or whatever the time is cut into, from 0; events before or after (-1, `most_steps` …) are left out.
    most_steps
        Steps in all.
    """
    keys = _keys(rows, np.ascontiguousarray(steps, np.int64), most_steps)
    keys.sort()
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, int)
    pair = keys[first]
    return pair // most_steps, pair % most_steps, np.diff(np.append(first, len(keys)))


def space_time_counts(
    rows: NDArray[np.int32], steps: NDArray[np.integer], cells: pd.Index, most_steps: int
) -> pd.DataFrame:
    """The same as a table with every cell and every step, zeros too: one row a cell, one column a step."""
    keys = _keys(rows, np.ascontiguousarray(steps, np.int64), most_steps)
    counts = np.bincount(keys, minlength=len(cells) * most_steps).reshape(len(cells), most_steps)
    return pd.DataFrame(counts, index=cells)


def _outlines(
    shapes: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    """Beginning, end and cell of every side of every ring, by cell."""
    polygons, cell = shapely.get_parts(shapes, return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    spots, ring = shapely.get_coordinates(rings, return_index=True)
    side = ring[1:] == ring[:-1]
    return spots[:-1][side], spots[1:][side], cell[polygon[ring[:-1][side]]].astype(np.int32)


@numba.njit(cache=True, nogil=True, inline="always")
def _inside(
    x: float, y: float, first: int, last: int, begin: NDArray[np.float64], end: NDArray[np.float64]
) -> bool:
    """Whether an odd number of the sides from `first` to `last` lies east of the point."""
    odd = False
    for side in range(first, last):
        low, high = begin[side, 1], end[side, 1]
        if (low > y) != (high > y):
            across = begin[side, 0] + (y - low) / (high - low) * (end[side, 0] - begin[side, 0])
            if x < across:
                odd = not odd
    return odd


@numba.njit(cache=True, nogil=True)
def _middles(
    bounds: NDArray[np.float64],
    sides: NDArray[np.int64],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    west: float,
    south: float,
    tile: float,
    rows: int,
    columns: int,
) -> NDArray[np.int32]:
    """Cell of each tile's middle, -1 for none; right for the whole tile where no outline crosses it."""
    whole = np.full((rows, columns), NOBODY, np.int32)
    for cell in range(len(bounds)):
        left, right = int((bounds[cell, 0] - west) / tile), int((bounds[cell, 2] - west) / tile)
        low, high = int((bounds[cell, 1] - south) / tile), int((bounds[cell, 3] - south) / tile)
        for row in range(low, high + 1):
            for column in range(left, right + 1):
                x, y = west + (column + 0.5) * tile, south + (row + 0.5) * tile
                if _inside(x, y, sides[cell], sides[cell + 1], begin, end):
                    whole[row, column] = cell
    return whole


@numba.njit(cache=True, nogil=True)
def _crossings(
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
    owner: NDArray[np.int32],
    west: float,
    south: float,
    tile: float,
    rows: int,
    columns: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tiles that each side crosses, with the side's cell; a hair's breadth more rather than less."""
    hair = 1e-6
    tiles, cells = np.empty(0, np.int64), np.empty(0, np.int64)
    count = 0
    for filling in range(2):
        if filling:
            tiles, cells = np.empty(count, np.int64), np.empty(count, np.int64)
        count = 0
        for side in range(len(owner)):
            x0, y0 = (begin[side, 0] - west) / tile, (begin[side, 1] - south) / tile
            x1, y1 = (end[side, 0] - west) / tile, (end[side, 1] - south) / tile
            for row in range(int(min(y0, y1) - hair), int(max(y0, y1) + hair) + 1):
                left, right = min(x0, x1), max(x0, x1)
                if abs(y1 - y0) > hair:
                    enter = x0 + (max(min(y0, y1), row) - y0) / (y1 - y0) * (x1 - x0)
                    leave = x0 + (min(max(y0, y1), row + 1) - y0) / (y1 - y0) * (x1 - x0)
                    left, right = max(left, min(enter, leave)), min(right, max(enter, leave))
                for column in range(int(left - hair), int(right + hair) + 1):
                    if filling:
                        tiles[count], cells[count] = row * columns + column, owner[side]
                    count += 1
    return tiles, cells


@numba.njit(cache=True, nogil=True)
def _found(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    west: float,
    south: float,
    tile: float,
    whole: NDArray[np.int32],
    tries: NDArray[np.int64],
    tried: NDArray[np.int32],
    sides: NDArray[np.int64],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
) -> NDArray[np.int32]:
    rows, columns = whole.shape
    found = np.empty(len(x), np.int32)
    for each in range(len(x)):
        across, up = (x[each] - west) / tile, (y[each] - south) / tile
        found[each] = NOBODY
        if not (across >= 0 and up >= 0 and across < columns and up < rows):
            continue
        row, column = int(up), int(across)
        place = row * columns + column
        first, last = tries[place], tries[place + 1]
        if first == last:
            found[each] = whole[row, column]
            continue
        for turn in range(first, last):
            cell = tried[turn]
            if _inside(x[each], y[each], sides[cell], sides[cell + 1], begin, end):
                found[each] = cell
                break
    return found


@numba.njit(cache=True, nogil=True)
def _keys(rows: NDArray[np.int32], steps: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """cell × steps + step of every event that is in a cell and in the time."""
    keys = np.empty(len(rows), np.int64)
    count = 0
    for each in range(len(rows)):
        if rows[each] >= 0 and 0 <= steps[each] < most:
            keys[count] = rows[each] * most + steps[each]
            count += 1
    return keys[:count].copy()
