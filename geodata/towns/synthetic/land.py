"""What each block of a made-up town is used for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from geodata.towns.synthetic.lattice import MACRO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geodata.towns.synthetic.grounds import Grounds
    from geodata.towns.synthetic.lattice import Lattice
    from geodata.towns.town import Town

__all__ = ["Land", "Use", "use_land"]


class Use(IntEnum):
    """Use of a block; from `ESTATE` on it lies in a town."""

    FIELD = 0
    HAMLET = 1
    ESTATE = 2
    INDUSTRY = 3
    SLABS = 4
    TOWERS = 5
    OLD = 6
    COMMERCE = 7
    SCHOOL = 8
    PARK = 9


_HEART = {Use.COMMERCE: 0.55, Use.OLD: 0.25, Use.TOWERS: 0.12, Use.PARK: 0.08}
_QUARTER = {
    Use.SLABS: 0.42,
    Use.TOWERS: 0.14,
    Use.OLD: 0.10,
    Use.COMMERCE: 0.09,
    Use.SCHOOL: 0.07,
    Use.PARK: 0.06,
    Use.INDUSTRY: 0.07,
    Use.ESTATE: 0.05,
}
_FRINGE = {Use.ESTATE: 0.3, Use.SLABS: 0.16, Use.TOWERS: 0.06, Use.SCHOOL: 0.03, Use.FIELD: 0.45}
_HEART_RATIO = 0.12
_FACTORY_RATIO = 0.4
"""Share of the fringe that is given to factories, in patches."""
_FRINGE_M = (350.0, 180.0)
"""How far the fringe reaches: so much, and so much times the root of the number of urban communities."""


@dataclass(frozen=True, eq=False)
class Land:
    """
    The use of every block.

    Attributes
    ----------
    use
        `Use` of each block, (n,).
    score
        For hamlets, the lower the sooner built; 0 elsewhere, (n,).
    road_across
        For each group of `MACRO` x `MACRO` blocks: its village road runs east, else north, (groups, groups).
    road_line
        On which of the lines inside the group that road lies, 2 to 4, (groups, groups).
    """

    use: NDArray[np.int8]
    score: NDArray[np.float64]
    road_across: NDArray[np.bool_]
    road_line: NDArray[np.intp]


def use_land(
    lattice: Lattice, grounds: Grounds, town: Town, seats: NDArray[np.float64], rng: np.random.Generator
) -> Land:
    """
    Towns about the seats, a fringe of factories and estates about the towns, hamlets along village roads beyond.

    Parameters
    ----------
    lattice, grounds
        Blocks and their communities.
    town
        Made-up town.
    seats
        Metres of the seat of each of `Town.streets`, in their order, (s, 2).
    rng
        Source of randomness.
    """
    centres, dry = lattice.centres, lattice.dry_blocks
    use = np.full(len(centres), Use.FIELD, dtype=np.int8)
    away, seat = cKDTree(seats).query(centres)
    urban = grounds.urban & dry
    quarters = np.array(
        [sum(c.street_code == code and not c.is_village for c in town.communities) for code in town.streets]
    )
    for place in range(len(seats)):
        own = np.flatnonzero(urban & (seat == place))
        own = own[np.argsort(away[own], kind="stable")]
        heart = int(np.ceil(_HEART_RATIO * len(own)))
        use[own[:heart]] = _draw(_HEART, heart, rng)
        use[own[heart:]] = _draw(_QUARTER, len(own) - heart, rng)
    reach = _FRINGE_M[0] + _FRINGE_M[1] * np.sqrt(quarters[seat])
    fringe = dry & ~urban & (cKDTree(centres[urban]).query(centres)[0] < reach)
    rows = np.flatnonzero(fringe)
    use[rows] = _draw(_FRINGE, len(rows), rng)
    patches = _patches(centres[rows], rng)
    use[rows[patches > np.quantile(patches, 1 - _FACTORY_RATIO)]] = Use.INDUSTRY
    return _with_hamlets(lattice, use, grounds.urban | fringe, rng)


def _draw(shares: dict[Use, float], count: int, rng: np.random.Generator) -> NDArray[np.int8]:
    return rng.choice(np.array(list(shares), dtype=np.int8), count, p=list(shares.values()))


def _patches(places: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth random height at each place."""
    height = np.zeros(len(places))
    for wave_m in (1100.0, 1700.0, 2600.0):
        for _ in range(2):
            heading, drift = rng.uniform(0, 2 * np.pi, 2)
            height += np.sin(
                2 * np.pi * (places @ np.array([np.cos(heading), np.sin(heading)])) / wave_m + drift
            )
    return height


def _with_hamlets(
    lattice: Lattice, use: NDArray[np.int8], taken: NDArray[np.bool_], rng: np.random.Generator
) -> Land:
    """Each group of blocks has a village road through it; the blocks along it are hamlets, built from a middle on."""
    groups = np.array(lattice.number.shape) // MACRO + 1
    across = rng.random(groups) < 0.5
    line = rng.integers(2, MACRO - 1, groups)
    middle = rng.uniform(0.5, MACRO - 0.5, groups)
    late = rng.uniform(0, 2.0, groups)
    group = (lattice.col // MACRO, lattice.row // MACRO)
    within_col, within_row = lattice.col % MACRO, lattice.row % MACRO
    along = np.where(across[group], within_col, within_row)
    beside = np.where(across[group], within_row, within_col)
    by_road = (beside == line[group]) | (beside == line[group] - 1)
    whole = _dry_groups(lattice, groups)[group]
    hamlet = by_road & whole & ~taken
    score = np.abs(along + 0.5 - middle[group]) + late[group] + rng.uniform(0, 0.8, len(use))
    return Land(np.where(hamlet, Use.HAMLET, use).astype(np.int8), np.where(hamlet, score, 0.0), across, line)


def _dry_groups(lattice: Lattice, groups: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Groups of which every node is dry."""
    dry = np.zeros(groups * MACRO + 1, dtype=bool)
    dry[: lattice.dry.shape[0], : lattice.dry.shape[1]] = lattice.dry
    whole = np.ones(groups, dtype=bool)
    for right in range(MACRO + 1):
        for up in range(MACRO + 1):
            whole &= dry[right : right + groups[0] * MACRO : MACRO, up : up + groups[1] * MACRO : MACRO]
    return whole
