"""Which community each block belongs to, so that the unit cells of the urban ones come out at the wanted number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree

from analysis.grid import unit_cells
from geodata.errors import IngestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geodata.towns.synthetic.lattice import Lattice
    from geodata.towns.town import Plan, Town

__all__ = ["Grounds", "divide"]

_GRID_M = 0.001
_SETTLING_ROUNDS = 4
_SIDES = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True, eq=False)
class Grounds:
    """
    A town divided.

    Attributes
    ----------
    owner
        Community of each block: its place in `Town.communities`, (n,).
    urban
        Blocks of communities that are not villages, (n,).
    frame
        One community a row, in the order of `Town.communities`: community_code, name_zh, name_en, has_cells and
        a geometry in metres; together they fill the boundary.
    """

    owner: NDArray[np.intp]
    urban: NDArray[np.bool_]
    frame: gpd.GeoDataFrame


def divide(
    lattice: Lattice, town: Town, plan: Plan, seats: NDArray[np.float64], rng: np.random.Generator
) -> Grounds:
    """
    Gives every block to a community.

    A street has the blocks that are nearest to its seat. The blocks about the seat belong to its urban communities,
    by repeated halving; the others to its villages, by nearness to drawn middles. Then single blocks at the
    edge change hands until the communities that are cut into cells have `Plan.cells` of them.

    Parameters
    ----------
    lattice
        Blocks.
    town, plan
        Made-up town and its plan.
    seats
        Metres of the seat of each of `Town.streets`, in their order, (s, 2).
    rng
        Source of randomness.

    Raises
    ------
    IngestError
        If no choice of blocks gives the wanted number of cells.
    """
    pieces, centres = _pieces(lattice), lattice.centres
    area = shapely.area(pieces)
    street = cKDTree(seats).query(centres)[1]
    owner = np.full(len(centres), -1, dtype=np.intp)
    for place, code in enumerate(town.streets):
        members = [n for n, each in enumerate(town.communities) if each.street_code == code]
        quarters = [n for n in members if not town.communities[n].is_village]
        own = np.flatnonzero(street == place)
        own = own[np.argsort(np.hypot(*(centres[own] - seats[place]).T), kind="stable")]
        dry = own[lattice.dry_blocks[own]]
        core = dry[np.cumsum(area[dry]) <= plan.community_m2 * len(quarters)]
        _halve(core, quarters, centres, area, owner)
        rest = own[owner[own] < 0]
        villages = np.array([n for n in members if town.communities[n].is_village])
        owner[rest] = villages[_settle(centres[rest], len(villages), rng)]
    village = np.array([each.is_village for each in town.communities])
    counter = _CellCounter(pieces, town.metric_epsg)
    celled = _choose_celled(owner, np.flatnonzero(~village), centres, seats[0], plan.cells, counter)
    _tune(owner, celled, lattice, plan.cells, counter)
    frame = gpd.GeoDataFrame(
        {
            "community_code": [each.code for each in town.communities],
            "name_zh": [each.name_zh for each in town.communities],
            "name_en": [each.name_en for each in town.communities],
            "has_cells": np.isin(np.arange(len(village)), celled),
        },
        geometry=[_joined(pieces[owner == n]) for n in range(len(village))],
        crs=town.metric_epsg,
    )
    return Grounds(owner, ~village[owner], frame)


def _pieces(lattice: Lattice) -> NDArray[np.object_]:
    """The blocks, cut at the boundary; neighbours share their corners to the millimetre."""
    quads = shapely.polygons(lattice.corners)
    shapely.prepare(lattice.boundary)
    cut = ~shapely.contains_properly(lattice.boundary, quads)
    inside = shapely.intersection(quads[cut], lattice.boundary, grid_size=_GRID_M)
    quads[cut] = [shapely.MultiPolygon(_polygons(shape)) for shape in inside]
    return quads


def _joined(pieces: NDArray[np.object_]) -> shapely.MultiPolygon:
    """Their union; the corners of neighbours agree, and stay even where three meet on a straight line."""
    return shapely.MultiPolygon(_polygons(shapely.coverage_union_all(shapely.get_parts(pieces))))


def _polygons(shape: BaseGeometry) -> list[shapely.Polygon]:
    return [part for part in shapely.get_parts(shape).tolist() if part.geom_type == "Polygon"]


def _halve(
    blocks: NDArray[np.intp],
    members: Sequence[int],
    centres: NDArray[np.float64],
    area: NDArray[np.float64],
    owner: NDArray[np.intp],
) -> None:
    """Cuts the blocks across their longer side until each of the members has a piece of about the same area."""
    if len(members) == 1:
        owner[blocks] = members[0]
        return
    near = len(members) // 2
    axis = int(np.ptp(centres[blocks, 1]) > np.ptp(centres[blocks, 0]))
    ordered = blocks[np.argsort(centres[blocks, axis], kind="stable")]
    reached = np.cumsum(area[ordered])
    cut = int(np.searchsorted(reached, reached[-1] * near / len(members)))
    cut = min(max(cut, near), len(ordered) - (len(members) - near))
    _halve(ordered[:cut], members[:near], centres, area, owner)
    _halve(ordered[cut:], members[near:], centres, area, owner)


def _settle(places: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Nearest of `count` middles for each place: first far apart from one another, then drawn to what they have."""
    chosen = [int(rng.integers(len(places)))]
    away = np.hypot(*(places - places[chosen[0]]).T)
    for _ in range(count - 1):
        chosen.append(int(np.argmax(away * rng.uniform(0.6, 1.0, len(places)))))
        away = np.minimum(away, np.hypot(*(places - places[chosen[-1]]).T))
    middles = places[chosen]
    for _ in range(_SETTLING_ROUNDS):
        nearest = cKDTree(middles).query(places)[1]
        sizes = np.bincount(nearest, minlength=count)
        sums = [np.bincount(nearest, places[:, axis], minlength=count) for axis in (0, 1)]
        middles = np.where(sizes[:, None] > 0, np.column_stack(sums) / np.maximum(sizes, 1)[:, None], middles)
    return cKDTree(middles).query(places)[1]


class _CellCounter:
    """Counts the unit cells of a set of blocks; remembers each set."""

    def __init__(self, pieces: NDArray[np.object_], epsg: int) -> None:
        self._pieces, self._epsg = pieces, epsg
        self._known: dict[tuple[int, ...], int] = {}

    def __call__(self, blocks: NDArray[np.intp]) -> int:
        key = tuple(blocks.tolist())
        if key not in self._known:
            ground = gpd.GeoDataFrame(
                {"community_code": ["110101001001"]},
                geometry=[_joined(self._pieces[blocks])],
                crs=self._epsg,
            )
            self._known[key] = len(unit_cells(ground))
        return self._known[key]


def _choose_celled(
    owner: NDArray[np.intp],
    quarters: NDArray[np.intp],
    centres: NDArray[np.float64],
    middle: NDArray[np.float64],
    wanted: int,
    counter: _CellCounter,
) -> NDArray[np.intp]:
    """The communities nearest to the town's middle that together have about the wanted number of cells."""
    away = [np.hypot(*(centres[owner == n].mean(axis=0) - middle)) for n in quarters]
    total, celled = 0, []
    for n in quarters[np.argsort(away, kind="stable")].tolist():
        cells = counter(np.flatnonzero(owner == n))
        if celled and abs(total - wanted) <= abs(total + cells - wanted):
            break
        celled.append(n)
        total += cells
    return np.array(celled, dtype=np.intp)


def _tune(
    owner: NDArray[np.intp], celled: NDArray[np.intp], lattice: Lattice, wanted: int, counter: _CellCounter
) -> None:
    """Moves single blocks between communities with cells and their neighbours until there are `wanted` cells."""
    missing = wanted - sum(counter(np.flatnonzero(owner == n)) for n in celled.tolist())
    while missing:
        for block, giver, taker in _moves(owner, celled, lattice, grow=missing > 0):
            side = taker if missing > 0 else giver
            own = np.flatnonzero(owner == side)
            others = np.union1d(own, [block]) if missing > 0 else np.setdiff1d(own, [block])
            gain = counter(others) - counter(own) if len(others) else 0
            if gain and 0 < gain / missing <= 1:
                owner[block] = taker
                missing -= gain
                break
        else:
            raise IngestError(
                "The town cannot be cut into {count} unit cells.",
                "Change cells or community_m2 in its plan.",
                count=wanted,
            )


def _moves(
    owner: NDArray[np.intp], celled: NDArray[np.intp], lattice: Lattice, *, grow: bool
) -> Iterator[tuple[int, int, int]]:
    """Dry blocks that could change hands, with who gives and who takes, from the best surrounded on."""
    inside = np.isin(owner, celled)
    block = np.flatnonzero((inside != grow) & lattice.dry_blocks)
    sides = [lattice.number[lattice.col[block] + right, lattice.row[block] + up] for right, up in _SIDES]
    block, other = np.tile(block, len(_SIDES)), np.concatenate(sides)
    joins = (other >= 0) & (inside[other] == grow)
    pairs, shared = np.unique(
        np.column_stack([block[joins], owner[other[joins]]]), axis=0, return_counts=True
    )
    for moved, taker in pairs[np.argsort(-shared, kind="stable")].tolist():
        yield moved, int(owner[moved]), taker
