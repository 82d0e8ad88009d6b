"""Lots become footprints: polygons in metres, a few of them as broken as in any real map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from geodata.towns.synthetic.lots import Frames

__all__ = ["BROKEN_RATIO", "SWOLLEN_RATIO", "footprints"]

BROKEN_RATIO = 0.001
"""Share of the rectangular footprints whose ring crosses itself, as maps drawn by hand have them."""
SWOLLEN_RATIO = 0.004
"""Share of the small rectangular footprints drawn too large, mostly over their neighbours."""
_SWELLING, _SMALL_M = 1.12, 30.0


def footprints(lots: pd.DataFrame, frames: Frames, epsg: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """
    The buildings of `lots`, in their order.

    Returns block, use, levels, height_m, height_source and a geometry of Polygons in metres.
    """
    shapes = np.empty(len(lots), dtype=object)
    kind = lots["shape"].to_numpy()
    arms = rng.uniform(0.28, 0.42, len(lots))
    for name in np.unique(kind):
        rows = np.flatnonzero(kind == name)
        ring, hole = _outline(str(name), arms[rows])
        if name == "rect":
            crossed = rng.random(len(rows)) < BROKEN_RATIO
            ring[crossed] = ring[crossed][:, [0, 1, 3, 2]]
            small = lots["width"].to_numpy()[rows] < _SMALL_M
            swollen = small & (rng.random(len(rows)) < SWOLLEN_RATIO)
            ring[swollen] = 0.5 + _SWELLING * (ring[swollen] - 0.5)
        outside = _placed(ring, lots.iloc[rows], frames)
        if hole is None:
            shapes[rows] = shapely.polygons(outside)
        else:
            inside = _placed(hole, lots.iloc[rows], frames)
            shapes[rows] = [shapely.Polygon(a, [b]) for a, b in zip(outside, inside, strict=True)]
    return gpd.GeoDataFrame(
        {
            "block": lots["block"],
            "use": lots["use"],
            "levels": lots["levels"],
            "height_m": lots["height_m"].round(1),
            "height_source": np.where(lots["use"].eq("shed"), "assumed", "levels"),
        },
        geometry=shapes,
        crs=epsg,
    )


def _outline(name: str, arm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Corners of a shape in the unit square, (n, k, 2), and of the court in it; `arm` is the width of its wings."""
    zero, one = np.zeros_like(arm), np.ones_like(arm)
    square = [(zero, zero), (one, zero), (one, one), (zero, one)]
    outlines = {
        "rect": square,
        "ring": square,
        "ell": [
            (zero, zero),
            (one, zero),
            (one, arm + 0.1),
            (arm + 0.1, arm + 0.1),
            (arm + 0.1, one),
            (zero, one),
        ],
        "you": [
            *(square[0], square[1], square[2], (1 - arm + 0.05, one)),
            *((1 - arm + 0.05, arm), (arm - 0.05, arm), (arm - 0.05, one), square[3]),
        ],
        "round": [
            (0.5 + 0.5 * np.cos(turn) * one, 0.5 + 0.5 * np.sin(turn) * one)
            for turn in np.linspace(0, 2 * np.pi, 13)[:-1]
        ],
    }
    corners = np.stack([np.column_stack(corner) for corner in outlines[name]], axis=1)
    if name != "ring":
        return corners, None
    # a court needs walls of some depth on every side, and runs the other way round
    low, high = arm - 0.05, 1.05 - arm
    court = np.stack(
        [np.column_stack(each) for each in ((low, low), (low, high), (high, high), (high, low))], 1
    )
    return corners, court


def _placed(corners: NDArray[np.float64], lots: pd.DataFrame, frames: Frames) -> NDArray[np.float64]:
    """Corners in the unit square of each lot → metres, turned by the lot's skew about its middle."""
    size = lots[["width", "depth"]].to_numpy(dtype=float)
    block = lots["block"].to_numpy()
    skew = np.radians(lots["skew_deg"].to_numpy(dtype=float))[:, None]
    local = (corners - 0.5) * size[:, None]
    x = local[..., 0] * np.cos(skew) - local[..., 1] * np.sin(skew)
    y = local[..., 0] * np.sin(skew) + local[..., 1] * np.cos(skew)
    middle = lots[["x", "y"]].to_numpy(dtype=float) + size / 2
    x, y = x + middle[:, :1], y + middle[:, 1:]
    placed = (
        frames.origin[block][:, None]
        + x[..., None] * frames.right[block][:, None]
        + y[..., None] * frames.up[block][:, None]
    )
    return placed.round(3)
