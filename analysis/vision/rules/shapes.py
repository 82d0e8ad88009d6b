"""Polygons drawn on a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from analysis.errors import InputError

__all__ = ["Box", "Point", "corners"]

Point = tuple[float, float]
Box = tuple[float, float, float, float]


def corners(polygon: Sequence[Sequence[float]], name: str = "") -> tuple[Point, ...]:
    """The corners of a simple polygon as plain numbers; InputError if it is none."""
    try:
        at = np.asarray(polygon, dtype=float)
    except (TypeError, ValueError):
        at = np.zeros(0)
    good = at.ndim == 2 and at.shape[0] >= 3 and at.shape[1] == 2 and bool(np.isfinite(at).all())
    if not good or not shapely.Polygon(at).is_valid or shapely.Polygon(at).area == 0:
        raise InputError(
            "Zone {name!r} is not a simple polygon in pixels: {polygon}.",
            "Give three or more corners in order, without crossing edges.",
            name=name,
            polygon=polygon,
        )
    return tuple((float(x), float(y)) for x, y in at)
