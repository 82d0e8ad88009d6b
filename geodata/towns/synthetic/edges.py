"""The sides of the blocks as streets: their class, which of them are built, and that all hang together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geodata.towns.synthetic.land import Use
from geodata.towns.synthetic.lattice import MACRO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geodata.towns.synthetic.land import Land
    from geodata.towns.synthetic.lattice import Lattice

__all__ = ["HALF_WIDTH_M", "HIGHWAYS", "Edges", "built_edges", "edges_of"]

HIGHWAYS = ("", "primary", "secondary", "tertiary", "residential", "unclassified", "service", "footway")
"""OpenStreetMap's classes; the place in this list is the class of an edge, 0: none."""
HALF_WIDTH_M = np.array([0.0, 10.5, 8.0, 5.5, 4.0, 3.0, 3.0, 1.5])
"""From the middle to the kerb, for each of `HIGHWAYS`."""
_PRIMARY, _SECONDARY, _TERTIARY, _RESIDENTIAL, _UNCLASSIFIED, _SERVICE, _FOOTWAY = range(1, 8)
_SERVICE_RATIO, _FOOTWAY_RATIO = 0.16, 0.06
"""Shares of the residential streets in towns that are roads inside compounds, and paths."""


@dataclass(frozen=True, eq=False)
class Edges:
    """
    Every side of a lattice's blocks; those that run east come first.

    Attributes
    ----------
    start, end
        Flat numbers of the nodes, from west or south, (m,).
    across
        Runs east, else north, (m,).
    line, place
        Number of the line that it lies on, and of the edge along that line, (m,).
    before, after
        Block on its right and on its left as it runs east; on its left and its right as it runs north; -1:
        none, (m,).
    highway
        Its class if it is built, a place in `HIGHWAYS`, (m,).
    """

    start: NDArray[np.intp]
    end: NDArray[np.intp]
    across: NDArray[np.bool_]
    line: NDArray[np.intp]
    place: NDArray[np.intp]
    before: NDArray[np.intp]
    after: NDArray[np.intp]
    highway: NDArray[np.int8]


def edges_of(lattice: Lattice, land: Land, rng: np.random.Generator) -> Edges:
    """
    All edges with the class that each has if it is built.

    Every sixth line is a through road, every twelfth and 24th a wider one. In towns every third line is a
    collector and the others are residential, some of them inside compounds or for walkers only.
    """
    columns, rows = (size - 1 for size in lattice.number.shape)
    number = lattice.number
    flat = np.arange(number.size).reshape(number.shape)
    i, j = np.meshgrid(np.arange(columns), np.arange(rows + 1), indexing="ij")
    east = (flat[i, j], flat[i + 1, j], j, i, number[i, j - 1], number[i, j])
    i, j = np.meshgrid(np.arange(columns + 1), np.arange(rows), indexing="ij")
    north = (flat[i, j], flat[i, j + 1], i, j, number[i - 1, j], number[i, j])
    start, end, line, place, before, after = (
        np.concatenate([one.ravel(), other.ravel()]) for one, other in zip(east, north, strict=True)
    )
    across = np.arange(len(start)) < east[0].size
    use = np.append(land.use, Use.FIELD)  # -1 is no block
    town = np.maximum(use[before], use[after]) >= Use.ESTATE
    highway = np.select(
        [line % (4 * MACRO) == 0, line % (2 * MACRO) == 0, line % MACRO == 0, line % (MACRO // 2) == 0],
        [
            np.full(len(line), _PRIMARY),
            np.full(len(line), _SECONDARY),
            np.where(town, _SECONDARY, _TERTIARY),
            np.where(town, _TERTIARY, _UNCLASSIFIED),
        ],
        np.where(town, _RESIDENTIAL, _UNCLASSIFIED),
    )
    drawn = rng.random(len(line))
    plain = town & (highway == _RESIDENTIAL)
    highway[plain & (drawn < _SERVICE_RATIO)] = _SERVICE
    highway[plain & (drawn > 1 - _FOOTWAY_RATIO)] = _FOOTWAY
    return Edges(start, end, across, line, place, before, after, highway.astype(np.int8))


def built_edges(
    edges: Edges, lattice: Lattice, land: Land, settled: NDArray[np.bool_], reach: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """
    Which edges are streets: one network that hangs together for vehicles, and the paths that end on it.

    Parameters
    ----------
    edges, lattice, land
        The town.
    settled
        Blocks with buildings, (n,).
    reach
        Nodes in the part of the town that is made, (columns + 1, rows + 1).

    Returns
    -------
    built
        One bool an edge.
    """
    town = np.append(settled & (land.use >= Use.ESTATE), False)
    hamlet = np.append(settled & (land.use == Use.HAMLET), False)
    group = (np.append(lattice.col, 0) // MACRO, np.append(lattice.row, 0) // MACRO)
    along = land.road_across[group]
    has_hamlet = np.zeros_like(land.road_across)
    has_hamlet[group[0][hamlet], group[1][hamlet]] = True
    built = (edges.line % MACRO == 0) | town[edges.before] | town[edges.after]
    for block in (edges.before, edges.after):
        crossing = hamlet[block] & (along[block] != edges.across)
        road = (edges.line % MACRO == land.road_line[group][block]) & (along[block] == edges.across)
        built |= crossing | (road & has_hamlet[group][block] & (block >= 0))
    open_node = (lattice.dry & reach).ravel()
    built &= open_node[edges.start] & open_node[edges.end]
    return _hanging_together(edges, built, lattice.dry.size)


def _hanging_together(edges: Edges, built: NDArray[np.bool_], nodes: int) -> NDArray[np.bool_]:
    """Of the built edges, those of the largest network of vehicles; paths with an end on it, piece by piece."""
    walked = edges.highway == _FOOTWAY
    driven = np.flatnonzero(built & ~walked)
    links = coo_array((np.ones(len(driven)), (edges.start[driven], edges.end[driven])), shape=(nodes, nodes))
    part = connected_components(links, directed=False)[1]
    largest = np.bincount(part[edges.start[driven]]).argmax()
    joined = part == largest
    kept = np.zeros(len(built), dtype=bool)
    kept[driven] = joined[edges.start[driven]]
    kept |= built & walked & (joined[edges.start] | joined[edges.end])
    return kept
