"""Random places along lines inside cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Segments", "segments_in_cells"]


@dataclass(frozen=True, slots=True)
class Segments:
    """
    Straight pieces of lines, each inside one cell, sorted by cell.

    Parameters
    ----------
    cell
        Row of the cell, (n,).
    start, end
        Coordinates in metres, (n, 2).
    """

    cell: NDArray[np.intp]
    start: NDArray[np.float64]
    end: NDArray[np.float64]

    @property
    def length_m(self) -> NDArray[np.float64]:
        """Length of each piece."""
        return np.hypot(*(self.end - self.start).T)

    def length_by_cell(self, cells: int) -> NDArray[np.float64]:
        """Metres of line in each of the cells 0 … cells - 1."""
        return np.bincount(self.cell, weights=self.length_m, minlength=cells)

    def places(self, cell: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.float64]:
        """
        A place for each of `cell`, uniform along the lines of that cell.

        Every cell asked for must have a line. Returns coordinates in metres, (len(cell), 2).
        """
        reach = np.cumsum(self.length_m)
        before = np.concatenate([[0.0], reach])
        first = np.searchsorted(self.cell, cell, side="left")
        last = np.searchsorted(self.cell, cell, side="right")
        drawn = before[first] + rng.random(len(cell)) * (before[last] - before[first])
        piece = np.clip(np.searchsorted(reach, drawn, side="right"), first, last - 1)
        share = np.clip((drawn - before[piece]) / self.length_m[piece], 0, 1)[:, None]
        return self.start[piece] + share * (self.end[piece] - self.start[piece])


def segments_in_cells(lines: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> Segments:
    """The lines, cut at the cells' borders and into straight pieces; other geometries are left out."""
    lines_at = lines.geometry.to_numpy()
    lines_at = lines_at[np.isin(shapely.get_type_id(lines_at), (1, 2, 5))]
    ground = cells.geometry.to_numpy()
    row, line = shapely.STRtree(lines_at).query(ground, predicate="intersects")
    parts, part_of = shapely.get_parts(shapely.intersection(lines_at[line], ground[row]), return_index=True)
    straight = np.isin(shapely.get_type_id(parts), (1, 2))
    parts, cell = parts[straight], row[part_of[straight]]
    points, point_of = shapely.get_coordinates(parts, return_index=True)
    joined = point_of[1:] == point_of[:-1]
    start, end, owner = points[:-1][joined], points[1:][joined], cell[point_of[:-1][joined]]
    long_enough = np.hypot(*(end - start).T) > 1e-6
    order = np.argsort(owner[long_enough], kind="stable")
    return Segments(owner[long_enough][order], start[long_enough][order], end[long_enough][order])
