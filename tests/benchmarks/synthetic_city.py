"""A city for benches: some 200,000 footprints in 26.5 km, with streets between blocks, and cameras beside them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

EPSG = 32651
SIDE_M = 26_500.0
BLOCK_M = 100.0
BUILT_M = 66.0
"""Side of the built part of a block."""

_L = [(0, 0), (1, 0), (1, 0.5), (0.45, 0.5), (0.45, 1), (0, 1)]
_U = [(0, 0), (1, 0), (1, 1), (0.7, 1), (0.7, 0.3), (0.3, 0.3), (0.3, 1), (0, 1)]
_BOX = [(0, 0), (1, 0), (1, 1), (0, 1)]
_YARD = [(0.3, 0.3), (0.3, 0.7), (0.7, 0.7), (0.7, 0.3)]
_ROUND = [(0.5 + 0.5 * np.cos(t), 0.5 + 0.5 * np.sin(t)) for t in np.arange(12) * np.pi / 6]
_PLANS = [(_BOX, None, 0.55), (_L, None, 0.27), (_U, None, 0.11), (_BOX, _YARD, 0.04), (_ROUND, None, 0.03)]
"""Outline and courtyard in a unit square, and how common."""


def city(buildings: int = 200_000, seed: int = 1) -> gpd.GeoDataFrame:
    """Footprints that neither overlap nor touch, denser towards the centre; `height_m` is 3 to 60, some sheds."""
    random = np.random.default_rng(seed)
    count = int(SIDE_M // BLOCK_M)
    x, y = (axis.ravel() for axis in np.meshgrid(*[(np.arange(count) + 0.5) * BLOCK_M] * 2))
    dense = np.maximum(np.exp(-((np.hypot(x - SIDE_M / 2, y - SIDE_M / 2) / 10_000) ** 2)), 0.55)
    built = random.random(len(x)) < dense
    x, y, dense = x[built], y[built], dense[built]
    across, deep = random.integers(1, 4, len(x)), random.integers(2, 6, len(x))
    block = np.repeat(np.arange(len(x)), across * deep)
    lot = np.arange(len(block)) - np.repeat(np.cumsum(across * deep) - across * deep, across * deep)
    kept = np.sort(random.permutation(len(block))[:buildings])
    block, lot = block[kept], lot[kept]
    lot_w, lot_d = BUILT_M / across[block], BUILT_M / deep[block]
    size = np.column_stack([lot_w, lot_d]) * random.uniform(0.45, 0.97, (len(block), 2))
    corner = np.column_stack([lot // deep[block] * lot_w, lot % deep[block] * lot_d]) - BUILT_M / 2
    corner += random.random((len(block), 2)) * (np.column_stack([lot_w, lot_d]) - size)
    turn = 0.35 * np.sin(x / 4000) + 0.3 * np.cos(y / 5000)
    plan = random.choice(len(_PLANS), len(block), p=[share for *_, share in _PLANS])
    shapes = np.empty(len(block), dtype=object)
    for kind, (outline, yard, _) in enumerate(_PLANS):
        rows = np.flatnonzero(plan == kind)
        of = block[rows]
        placed = [
            _placed(np.asarray(ring), size[rows], corner[rows], turn[of], np.column_stack([x[of], y[of]]))
            for ring in (outline, yard)
            if ring is not None
        ]
        holes = shapely.linearrings(placed[1])[:, None] if yard else None
        shapes[rows] = shapely.polygons(shapely.linearrings(placed[0]), holes=holes)
    heights = random.choice(
        [3.0, 9.0, 12.0, 18.0, 33.0, 60.0], len(block), p=[0.15, 0.1, 0.2, 0.35, 0.15, 0.05]
    )
    return gpd.GeoDataFrame({"height_m": heights}, geometry=shapes, crs=EPSG)


def _placed(
    ring: np.ndarray, size: np.ndarray, corner: np.ndarray, turn: np.ndarray, at: np.ndarray
) -> np.ndarray:
    """Rings of unit squares put in their place: one (corners, 2) array a building."""
    u, v = (ring[None] * size[:, None] + corner[:, None]).transpose(2, 0, 1)
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
    return np.stack([c * u - s * v + at[:, :1], s * u + c * v + at[:, 1:]], axis=2)


def cameras(
    buildings: gpd.GeoDataFrame, count: int = 53_000, seed: int = 2, clear_m: float = 0.25
) -> gpd.GeoDataFrame:
    """Cameras 8 to 60 m from the middle of a building, `clear_m` or more from every wall, as a city has them."""
    random = np.random.default_rng(seed)
    shapes = buildings.geometry.to_numpy()
    tree, found = shapely.STRtree(shapes), np.empty((0, 2))
    while len(found) < count:
        west, south, east, north = shapely.bounds(shapes[random.integers(0, len(shapes), count)]).T
        angle, away = random.uniform(0, 2 * np.pi, count), random.uniform(8, 60, count)
        spots = np.column_stack([(west + east) / 2, (south + north) / 2])
        spots += away[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        near = tree.query(shapely.points(spots), predicate="dwithin", distance=clear_m)[0]
        found = np.concatenate([found, np.delete(spots, near, axis=0)])
    field = random.choice([45.0, 60, 75, 90, 110, 120, 360], count, p=[0.1, 0.25, 0.2, 0.2, 0.1, 0.1, 0.05])
    return gpd.GeoDataFrame(
        {
            "heading_deg": random.uniform(0, 360, count),
            "hfov_deg": field,
            "range_m": random.uniform(30, 150, count),
        },
        geometry=shapely.points(found[:count]),
        crs=buildings.crs,
        index=pd.RangeIndex(1, count + 1, name="camera"),
    )
