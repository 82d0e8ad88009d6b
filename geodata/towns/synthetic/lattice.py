"""The lines on which a made-up town is laid out: a bent lattice of blocks inside a boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

__all__ = ["MACRO", "Lattice", "draw_lattice"]

MACRO = 6
"""Every so many lines runs a through road."""
_SPACING_M = (95.0, 170.0)
_TURN_DEG = -7.0
_BEND = 0.16
"""Turn in radians at the ends of the town, by a conformal map: right angles stay right."""
_WAVES_M = (3500.0, 4500.0, 6000.0, 8000.0, 11000.0)
_WAVE_STEEPNESS = 0.009
_JITTER_M = 6.0
_BUILT_INSIDE_M = 80.0


@dataclass(frozen=True, eq=False)
class Lattice:
    """
    Nodes and blocks of a bent lattice.

    Attributes
    ----------
    nodes
        Metres, (columns + 1, rows + 1, 2): columns go roughly east, rows roughly north.
    dry
        Which nodes may bear a street, (columns + 1, rows + 1).
    col, row
        Lower left node of each block that touches the boundary's inside, (n,).
    number
        Block at a lower left node, or -1, (columns + 1, rows + 1).
    boundary
        The town's boundary in metres.
    """

    nodes: NDArray[np.float64]
    dry: NDArray[np.bool_]
    col: NDArray[np.intp]
    row: NDArray[np.intp]
    number: NDArray[np.intp]
    boundary: BaseGeometry

    @property
    def corners(self) -> NDArray[np.float64]:
        """Corners of each block from the lower left, anticlockwise, (n, 4, 2)."""
        i, j, at = self.col, self.row, self.nodes
        return np.stack([at[i, j], at[i + 1, j], at[i + 1, j + 1], at[i, j + 1]], axis=1)

    @property
    def centres(self) -> NDArray[np.float64]:
        """Middle of each block, (n, 2)."""
        return self.corners.mean(axis=1)

    @property
    def dry_blocks(self) -> NDArray[np.bool_]:
        """Blocks on whose four corners streets may be."""
        i, j, dry = self.col, self.row, self.dry
        return dry[i, j] & dry[i + 1, j] & dry[i + 1, j + 1] & dry[i, j + 1]


def draw_lattice(boundary: BaseGeometry, shore: NDArray[np.float64], rng: np.random.Generator) -> Lattice:
    """
    A lattice over `boundary`: lines 95 to 170 m apart, gently bent, so that the blocks are nearly rectangles.

    Parameters
    ----------
    boundary
        Polygon in metres.
    shore
        Line from west to east in metres, (m, 2); nodes south of it are not dry.
    rng
        Source of randomness.
    """
    west, south, east, north = boundary.bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    half = 0.5 * np.array([east - west, north - south]) + 4000.0
    across, along = _lines(half[0], rng), _lines(half[1], rng)
    flat = np.stack(np.meshgrid(across, along, indexing="ij"), axis=-1)
    # whole millimetres: where blocks are cut, neighbours find the same corners
    nodes = (middle + _bent(flat, float(half.max()), rng)).round(3)
    inside = shapely.buffer(boundary, -_BUILT_INSIDE_M)
    shapely.prepare(inside)
    dry = shapely.contains_xy(inside, nodes[..., 0], nodes[..., 1])
    dry &= nodes[..., 1] > np.interp(nodes[..., 0], shore[:, 0], shore[:, 1]) + _BUILT_INSIDE_M
    corners = np.stack([nodes[:-1, :-1], nodes[1:, :-1], nodes[1:, 1:], nodes[:-1, 1:]], axis=2)
    quads = shapely.polygons(corners.reshape(-1, 4, 2))
    shapely.prepare(boundary)
    touched = shapely.intersects(boundary, quads).reshape(corners.shape[:2])
    col, row = np.nonzero(touched)
    number = np.full(nodes.shape[:2], -1, dtype=np.intp)
    number[col, row] = np.arange(len(col))
    return Lattice(nodes, dry, col, row, number, boundary)


def _lines(half: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Places of parallel lines from -half to half, the number of blocks a multiple of `MACRO`."""
    count = int(np.ceil(2 * half / np.mean(_SPACING_M) / MACRO)) * MACRO
    steps = rng.uniform(*_SPACING_M, count)
    return np.concatenate([[0.0], np.cumsum(steps)]) - steps.sum() / 2


def _bent(flat: NDArray[np.float64], reach_m: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """The flat lattice turned, curved by a conformal map and by waves, with a little noise at each node."""
    z = (flat[..., 0] + 1j * flat[..., 1]) / reach_m
    bends = _BEND * (rng.uniform(0.6, 1.0, 2) * rng.choice([-1, 1], 2))
    z = z + 1j * (bends[0] * z**2 / 2 + bends[1] * z**3 / 3)
    turned = z * np.exp(1j * np.radians(_TURN_DEG)) * reach_m
    bent = np.stack([turned.real, turned.imag], axis=-1)
    moved = np.zeros_like(bent)
    for wave_m in _WAVES_M:
        heading, drift = rng.uniform(0, 2 * np.pi, 2)
        phase = 2 * np.pi * (bent @ np.array([np.cos(heading), np.sin(heading)])) / wave_m + drift
        aside = heading + np.pi / 2 + rng.normal(0, 0.3)
        moved += (_WAVE_STEEPNESS * wave_m * np.sin(phase))[..., None] * [np.cos(aside), np.sin(aside)]
    return bent + moved + rng.uniform(-_JITTER_M, _JITTER_M, bent.shape)
