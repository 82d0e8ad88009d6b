"""Who lies next to whom: the only geography that local statistics know."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from analysis.checks import require_metric, require_positive
from analysis.errors import InputError

__all__ = ["Neighbours", "touching", "within"]

GAP_M = 0.5
"""Cells that were stored in degrees come back with gaps of nanometres; a street between two cells is wider."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """
    Neighbours of each place, each counted once, nobody its own.

    Parameters
    ----------
    starts
        Shape (places + 1,): the neighbours of place i are `others[starts[i]:starts[i + 1]]`.
    others
        Row numbers of neighbours.
    """

    starts: NDArray[np.int64]
    others: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def degrees(self) -> NDArray[np.int64]:
        """Number of neighbours of each place."""
        return np.diff(self.starts)

    @classmethod
    def of_pairs(cls, first: NDArray[np.integer], second: NDArray[np.integer], places: int) -> Neighbours:
        """
        Neighbours from pairs of row numbers; a pair holds both ways, doubles and selves are left out.

        Raises
        ------
        InputError
            If a row number lies outside [0, places).
        """
        rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
        if len(rows) and (rows.min() < 0 or rows.max() >= places):
            raise InputError(
                "A pair names row {row}, but there are {places} places.",
                "Number the places from 0 in the order of their values.",
                row=int(rows.min() if rows.min() < 0 else rows.max()),
                places=places,
            )
        keys = np.unique(rows.astype(np.int64) * places + columns)
        keys = keys[keys // max(places, 1) != keys % max(places, 1)]
        starts = np.searchsorted(keys, np.arange(places + 1, dtype=np.int64) * places)
        return cls(starts.astype(np.int64), keys % max(places, 1))

    def among(self, kept: NDArray[np.bool_]) -> Neighbours:
        """The same among the places where `kept` is true, numbered anew in their order."""
        matrix = self.matrix()[kept][:, kept]
        return Neighbours(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64))

    def matrix(self) -> sparse.csr_array:
        """Shape (places, places): 1 for neighbours, 0 elsewhere."""
        ones = np.ones(len(self.others))
        return sparse.csr_array((ones, self.others, self.starts), shape=(len(self), len(self)))


def touching(cells: gpd.GeoDataFrame, *, gap_m: float = GAP_M) -> Neighbours:
    """
    Cells that share an edge or a corner (queen contiguity).

    Parameters
    ----------
    cells
        Valid (Multi)Polygons in a projected CRS in metres.
    gap_m
        Cells no farther apart than this touch, 0 or more.

    Raises
    ------
    CrsError
        If `cells` is not in metres.
    """
    require_metric(cells=cells)
    require_positive("gap_m", gap_m, zero=True)
    shapes = cells.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=gap_m)
    return Neighbours.of_pairs(first, second, len(cells))


def within(places: NDArray[np.float64], distance_m: float) -> Neighbours:
    """
    Places no farther apart than a distance (distance band).

    Parameters
    ----------
    places
        Shape (places, 2): x and y in metres.
    distance_m
        Above 0; the limit itself is near enough.
    """
    require_positive("distance_m", distance_m)
    spots = np.asarray(places, dtype=np.float64).reshape(-1, 2)
    pairs = cKDTree(spots).query_pairs(distance_m, output_type="ndarray")
    return Neighbours.of_pairs(pairs[:, 0], pairs[:, 1], len(spots))
