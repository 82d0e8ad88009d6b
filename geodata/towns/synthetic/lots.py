"""What stands on the blocks: for each building its place in the block's own frame, its shape, height and use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geodata.towns.synthetic.edges import HALF_WIDTH_M
from geodata.towns.synthetic.land import Use

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geodata.towns.synthetic.edges import Edges
    from geodata.towns.synthetic.land import Land
    from geodata.towns.synthetic.lattice import Lattice

__all__ = ["Frames", "all_lots", "block_frames"]

_PAVEMENT_M = 4.0
_LANE_SIDE_M = 2.5
_LEVEL_M = 3.0
_SHED_M = 6.5
"""Room behind a row for a shed."""


@dataclass(frozen=True, eq=False)
class Frames:
    """
    A rectangle inside each block on which may be built, free of streets and pavements.

    Attributes
    ----------
    origin
        Its lower left corner in metres, (n, 2).
    right, up
        Unit vectors along its sides, (n, 2).
    width, depth
        Its sides in metres; 0 where there is no room, (n,).
    """

    origin: NDArray[np.float64]
    right: NDArray[np.float64]
    up: NDArray[np.float64]
    width: NDArray[np.float64]
    depth: NDArray[np.float64]


def block_frames(lattice: Lattice, land: Land, edges: Edges) -> Frames:
    """The room that the streets around a block leave for building."""
    corners = lattice.corners
    right = (corners[:, 1] - corners[:, 0]) + (corners[:, 2] - corners[:, 3])
    right /= np.hypot(*right.T)[:, None]
    up = np.column_stack([-right[:, 1], right[:, 0]])
    away = corners - corners[:, :1]
    x, y = np.einsum("nkc,nc->nk", away, right), np.einsum("nkc,nc->nk", away, up)
    columns, rows = (size - 1 for size in lattice.number.shape)
    east, north = (
        lattice.col * (rows + 1) + lattice.row,
        columns * (rows + 1) + lattice.col * rows + lattice.row,
    )
    beside = np.where(land.use == Use.HAMLET, _LANE_SIDE_M, _PAVEMENT_M)
    bottom, top, left, far = (
        HALF_WIDTH_M[edges.highway[side]] + beside for side in (east, east + 1, north, north + rows)
    )
    low_x, high_x = np.maximum(x[:, 0], x[:, 3]) + left, np.minimum(x[:, 1], x[:, 2]) - far
    low_y, high_y = np.maximum(y[:, 0], y[:, 1]) + bottom, np.minimum(y[:, 2], y[:, 3]) - top
    origin = corners[:, 0] + low_x[:, None] * right + low_y[:, None] * up
    return Frames(origin, right, up, np.maximum(high_x - low_x, 0.0), np.maximum(high_y - low_y, 0.0))


def all_lots(frames: Frames, land: Land, rng: np.random.Generator) -> pd.DataFrame:
    """
    Every building that the land could bear, one a row, sorted by block.

    Returns block, x, y, width, depth (metres in the block's frame), skew_deg, shape (rect, ell, you, ring or round),
    levels, height_m and use (OpenStreetMap's words).
    """
    makers = {
        Use.HAMLET: _hamlet,
        Use.ESTATE: _estate,
        Use.INDUSTRY: _industry,
        Use.SLABS: _slabs,
        Use.TOWERS: _towers,
        Use.OLD: _old_quarter,
        Use.COMMERCE: _commerce,
        Use.SCHOOL: _school,
        Use.PARK: _park,
    }
    parts = []
    for use, make in makers.items():
        blocks = np.flatnonzero((land.use == use) & (frames.width > 30) & (frames.depth > 30))
        parts += make(_Blocks(blocks, frames.width[blocks], frames.depth[blocks]), rng)
    lots = pd.concat([each for each in parts if len(each)], ignore_index=True)
    return lots.sort_values("block", kind="stable", ignore_index=True)


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Some blocks and the room on each."""

    number: NDArray[np.intp]
    width: NDArray[np.float64]
    depth: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.number)


def _rows(
    blocks: _Blocks,
    *,
    unit: NDArray[np.float64] | float,
    deep: NDArray[np.float64] | float,
    pitch: NDArray[np.float64] | float,
    gap: NDArray[np.float64] | float = 0.0,
    first: float = 0.0,
    last: float = 0.0,
) -> pd.DataFrame:
    """
    Rows of equal units across each block, from south to north.

    A unit is `unit` wide and `deep` deep; `gap` metres lie between two of a row, `pitch` between the fronts of two
    rows; `first` and `last` metres stay free in the south and north. Returns at (place in `blocks`), block, row,
    unit, x, y, width, depth.
    """
    unit, deep, pitch, gap = (np.broadcast_to(each, len(blocks)) for each in (unit, deep, pitch, gap))
    rows = np.maximum(np.floor((blocks.depth - first - last - deep) / pitch) + 1, 0).astype(int)
    units = np.maximum(np.floor((blocks.width + gap) / (unit + gap)), 0).astype(int)
    at = np.repeat(np.arange(len(blocks)), rows * units)
    within = np.arange(len(at)) - np.repeat(np.cumsum(rows * units) - rows * units, rows * units)
    row, number = np.divmod(within, np.maximum(units[at], 1))
    slack = blocks.width - units * (unit + gap) + gap
    return pd.DataFrame(
        {
            "at": at,
            "block": blocks.number[at],
            "row": row,
            "unit": number,
            "x": slack[at] / 2 + number * (unit + gap)[at],
            "y": first + row * pitch[at],
            "width": unit[at],
            "depth": deep[at],
        }
    )


def _lots(
    rows: pd.DataFrame,
    use: str | NDArray[np.object_],
    levels: NDArray[np.float64] | float,
    *,
    height_m: NDArray[np.float64] | float | None = None,
    shape: str | NDArray[np.object_] = "rect",
    skew_deg: NDArray[np.float64] | float = 0.0,
) -> pd.DataFrame:
    told = rows[["block", "x", "y", "width", "depth"]].assign(
        skew_deg=skew_deg, shape=shape, levels=levels, use=use
    )
    told["height_m"] = told["levels"] * _LEVEL_M + 0.6 if height_m is None else height_m
    return told


def _some(rows: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    return rows[rng.random(len(rows)) < share].reset_index(drop=True)


def _sheds(
    rows: pd.DataFrame, share: float, rng: np.random.Generator, *, behind_m: float = 2.0
) -> pd.DataFrame:
    """Low sheds behind some of the buildings: lower than most cameras hang."""
    chosen = _some(rows, share, rng)
    count = len(chosen)
    width = np.minimum(rng.uniform(3.0, 7.0, count), chosen["width"])
    deep = rng.uniform(2.5, 4.0, count)
    placed = chosen.assign(
        x=chosen["x"] + rng.random(count) * (chosen["width"] - width),
        y=chosen["y"] + chosen["depth"] + behind_m,
        width=width,
        depth=deep,
    )
    return _lots(placed, "shed", 1.0, height_m=rng.uniform(2.1, 3.0, count).round(1))


def _gatehouse(blocks: _Blocks, rng: np.random.Generator) -> pd.DataFrame:
    """A guard's box by the southern street."""
    count = len(blocks)
    place = pd.DataFrame(
        {
            "block": blocks.number,
            "x": blocks.width * rng.uniform(0.42, 0.58, count),
            "y": 0.5,
            "width": 4.0,
            "depth": 3.5,
        }
    )
    return _lots(place, "service", 1.0, height_m=2.9)


def _hamlet(blocks: _Blocks, rng: np.random.Generator) -> list[pd.DataFrame]:
    """Rows of three-storey farmhouses, often wall to wall, with sheds behind."""
    count = len(blocks)
    rows = _rows(
        blocks,
        unit=rng.uniform(10.5, 13.0, count),
        deep=rng.uniform(10.0, 12.5, count),
        pitch=rng.uniform(24.0, 33.0, count),
        first=1.0,
        last=_SHED_M,
    )
    rows = _some(rows, 0.75, rng)
    size = len(rows)
    # in groups wall to wall, or a little apart
    apart = rng.random(size) < 0.45
    between = np.where(apart, rng.uniform(0.8, 2.5, size), 0.0)
    rows["width"] -= between
    rows["x"] += between / 2
    rows["y"] += rng.normal(0, 0.5, size).clip(-1, 1.5)
    skew = np.where(apart, rng.normal(0, 1.6, size), 0.0)
    levels = rng.choice([1.0, 2.0, 3.0, 4.0], size, p=[0.06, 0.24, 0.6, 0.1])
    ell = apart & (rng.random(size) < 0.15)
    return [
        _lots(rows, "house", levels, shape=np.where(ell, "ell", "rect"), skew_deg=skew),
        _sheds(rows, 0.34, rng),
    ]


def _estate(blocks: _Blocks, rng: np.random.Generator) -> list[pd.DataFrame]:
    """Terraces of resettled villagers, wall to wall."""
    count = len(blocks)
    rows = _rows(
        blocks,
        unit=rng.uniform(9.0, 12.0, count),
        deep=rng.uniform(11.0, 13.0, count),
        pitch=rng.uniform(24.0, 29.0, count),
        first=5.0,
        last=_SHED_M,
    )
    rows = rows[(rows["unit"] % 5 != 4) & (rng.random(len(rows)) < 0.97)].reset_index(drop=True)
    levels = np.broadcast_to(rng.choice([3.0, 4.0], count), count)[rows["at"]]
    return [_lots(rows, "terrace", levels), _sheds(rows, 0.12, rng), _gatehouse(blocks, rng)]


def _industry(blocks: _Blocks, rng: np.random.Generator) -> list[pd.DataFrame]:
    """One to six halls, an office, a dormitory, low sheds."""
    count = len(blocks)
    halls = rng.choice([1, 2, 3], count, p=[0.3, 0.45, 0.25])
    gap = np.full(count, 9.0)
    deep = np.minimum(rng.uniform(22.0, 46.0, count), blocks.depth - 20 - _SHED_M)
    rows = _rows(
        blocks,
        unit=(blocks.width - (halls - 1) * gap) / halls - 0.01,
        gap=gap,
        deep=deep,
        pitch=deep + rng.uniform(10.0, 16.0, count),
        first=18.0,
        last=_SHED_M,
    )
    rows = _some(rows, 0.93, rng)
    size = len(rows)
    rows["width"] *= rng.uniform(0.8, 1.0, size)
    levels = rng.choice([1.0, 1.0, 2.0, 3.0, 4.0], size)
    height = np.where(levels == 1, rng.uniform(7.0, 13.0, size), levels * 4.5).round(1)
    ell = rng.random(size) < 0.12
    use = np.where(rng.random(size) < 0.25, "warehouse", "industrial")
    front = _rows(
        blocks, unit=np.minimum(30.0, blocks.width / 2.4), deep=12.0, pitch=1e4, gap=blocks.width / 8
    )
    office = front["unit"] == 0
    return [
        _lots(rows, use, levels, height_m=height, shape=np.where(ell, "ell", "rect")),
        _lots(front[office], "office", 4.0),
        _lots(_some(front[~office], 0.55, rng), "dormitory", 5.0),
        _sheds(rows, 0.5, rng),
    ]


def _slabs(blocks: _Blocks, rng: np.random.Generator) -> list[pd.DataFrame]:
    """Flats in rows that face south, farther apart the taller they are."""
    count = len(blocks)
    levels = rng.choice([5.0, 6.0, 11.0, 18.0], count, p=[0.2, 0.45, 0.23, 0.12])
    deep = rng.uniform(11.5, 14.5, count)
    per_row = np.clip(np.round(blocks.width / 45), 1, 3)
    gap = np.full(count, 8.0)
    rows = _rows(
        blocks,
        unit=(blocks.width - (per_row - 1) * gap) / per_row - 0.01,
        gap=gap,
        deep=deep,
        pitch=deep + np.clip(levels * 2.6, 12.0, 34.0),
        first=4.5,
        last=_SHED_M / 2,
    )
    rows = _some(rows, 0.97, rng)
    shift = rng.uniform(0, 3.0, len(rows))
    rows = rows.assign(x=rows["x"] + shift, width=rows["width"] - shift)
    bent = rng.random(len(rows)) < 0.1
    return [
        _lots(rows, "apartments", levels[rows["at"]], shape=np.where(bent, "ell", "rect")),
        _sheds(rows, 0.55, rng, behind_m=1.0),
        _gatehouse(blocks, rng),
    ]


def _towers(blocks: _Blocks, rng: np.random.Generator) -> list[pd.DataFrame]:
    """Point blocks of 17 to 33 storeys, and shops on the street."""
    count = len(blocks)
    unit = rng.uniform(22.0, 28.0, count)
    rows = _rows(
        blocks,
        unit=unit,
        deep=unit,
        pitch=rng.uniform(42, 52, count),
        gap=rng.uniform(16, 26, count),
        first=14.0,
        last=_SHED_M,
    )
    levels = rng.integers(17, 34, len(rows)).astype(float)
    shape = rng.choice(["rect", "ell", "you", "round"], len(rows), p=[0.5, 0.2, 0.22, 0.08])
    shops = _shop_rows(blocks, rng, share=0.8)
    return [_lots(rows, "apartments", levels, shape=shape), *shops, _sheds(rows, 0.5, rng)]


def _shop_rows(blocks: _Blocks, rng: np.random.Generator, *, share: float) -> list[pd.DataFrame]:
    """Shops wall to wall along the southern street."""
    rows = _rows(blocks, unit=rng.uniform(6.0, 9.0, len(blocks)), deep=9.0, pitch=1e4)
    rows = _some(rows, share, rng)
    return [_lots(rows, "retail", rng.choice([1.0, 2.0, 3.0], len(rows), p=[0.2, 0.6, 0.2]))]


def _old_quarter(blocks: _Blocks, rng: np.random.Generator) -> list[pd.DataFrame]:
    """Small houses wall to wall along lanes, some about a court."""
    count = len(blocks)
    rows = _rows(
        blocks,
        unit=rng.uniform(8.0, 12.0, count),
        deep=rng.uniform(9.0, 12.0, count),
        pitch=rng.uniform(14.5, 18.0, count),
    )
    rows = _some(rows, 0.9, rng)
    size = len(rows)
    court = rng.random(size) < 0.08
    levels = rng.choice([1.0, 2.0, 3.0], size, p=[0.25, 0.5, 0.25])
    use = rng.choice(["house", "retail"], size, p=[0.75, 0.25])
    return [_lots(rows, use, levels, shape=np.where(court, "ring", "rect"))]


def _commerce(blocks: _Blocks, rng: np.random.Generator) -> list[pd.DataFrame]:
    """Shops round a mall, an office tower or hotel, or a covered market."""
    count = len(blocks)
    room = pd.DataFrame(
        {
            "at": np.arange(count),
            "block": blocks.number,
            "x": 16.0,
            "y": 16.0,
            "width": blocks.width - 32,
            "depth": (blocks.depth - 32) * rng.uniform(0.5, 0.75, count),
        }
    )
    room = room[(room["width"] > 20) & (room["depth"] > 15)].reset_index(drop=True)
    size = len(room)
    shape = rng.choice(["rect", "ell", "you", "ring"], size, p=[0.3, 0.25, 0.25, 0.2])
    tower = room.assign(
        y=room["y"] + room["depth"] + 8, width=rng.uniform(22, 34, size), depth=rng.uniform(18, 22, size)
    )
    tower = tower[tower["y"] + tower["depth"] < blocks.depth[tower["at"]]].reset_index(drop=True)
    high = rng.integers(8, 31, len(tower)).astype(float)
    return [
        _lots(room, "retail", rng.choice([2.0, 4.0, 5.0], size), shape=shape, height_m=None),
        _lots(tower, np.where(rng.random(len(tower)) < 0.3, "hotel", "office"), high),
        *_shop_rows(blocks, rng, share=0.92),
    ]


def _school(blocks: _Blocks, rng: np.random.Generator) -> list[pd.DataFrame]:
    """A winged school house or hospital, a hall, a canteen, a gate."""
    count = len(blocks)
    main = pd.DataFrame(
        {
            "block": blocks.number,
            "x": blocks.width * 0.08,
            "y": blocks.depth * 0.12,
            "width": blocks.width * rng.uniform(0.5, 0.62, count),
            "depth": blocks.depth * rng.uniform(0.4, 0.5, count),
        }
    )
    hall = main.assign(
        x=blocks.width * 0.72, width=blocks.width * 0.25, depth=np.minimum(24.0, blocks.depth * 0.3)
    )
    canteen = hall.assign(y=blocks.depth * 0.72, depth=np.minimum(16.0, blocks.depth * 0.2))
    kind = np.where(rng.random(count) < 0.22, "hospital", "school")
    beds = np.where(kind == "school", "dormitory", "hospital")
    return [
        _lots(main, kind, rng.choice([4.0, 5.0], count), shape=rng.choice(["you", "ring", "ell"], count)),
        _lots(hall, kind, 2.0, height_m=11.0),
        _lots(canteen, beds, 4.0),
        _gatehouse(blocks, rng),
    ]


def _park(blocks: _Blocks, rng: np.random.Generator) -> list[pd.DataFrame]:
    """A public toilet and a pavilion."""
    count = len(blocks)
    toilet = pd.DataFrame(
        {
            "block": blocks.number,
            "x": blocks.width * rng.uniform(0.1, 0.3, count),
            "y": blocks.depth * rng.uniform(0.1, 0.3, count),
            "width": 9.0,
            "depth": 5.0,
        }
    )
    pavilion = toilet.assign(
        x=blocks.width * rng.uniform(0.5, 0.7, count),
        y=blocks.depth * rng.uniform(0.5, 0.7, count),
        depth=9.0,
    )
    return [
        _lots(toilet, "toilets", 1.0, height_m=3.6),
        _lots(pavilion, "pavilion", 1.0, height_m=5.0, shape="round"),
    ]
