"""Scenes of views and places for the tests of coverage, and their cover by unions of GEOS."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import strategies as st

UTM = 32635
EAST, NORTH = 500_000.0, 6_670_000.0
"""Where scenes lie: far from zero, as in a real city."""


def sector(x, y, reach, start, field, arcs=8):
    """What a camera at x, y sees in the open."""
    turn = start + field * np.arange(arcs + 1) / arcs
    arc = np.column_stack([x + reach * np.cos(turn), y + reach * np.sin(turn)])
    return shapely.Polygon(np.vstack([[x, y], arc]))


def scattered(count, seed=0, side=100.0):
    """Sectors in and around a square."""
    random = np.random.default_rng(seed)
    return views(
        sector(
            *random.uniform(-side / 10, 1.1 * side, 2), *random.uniform((side / 20, 0, 0.3), (side / 3, 6, 3))
        )
        for _ in range(count)
    )


def views(shapes, prefix="v"):
    """Shapes as views, named v0, v1, …"""
    shapes = list(shapes)
    return gpd.GeoSeries(shapes, crs=UTM, index=[f"{prefix}{n}" for n in range(len(shapes))])


def grid(side=25.0, count=4):
    """Square cells, named c0, c1, …"""
    x, y = np.meshgrid(np.arange(count) * side, np.arange(count) * side)
    boxes = shapely.box(x, y, x + side, y + side).ravel()
    return gpd.GeoDataFrame(geometry=boxes, crs=UTM, index=[f"c{n}" for n in range(count**2)])


def moved(frame):
    """The same scene far from zero, rounded as coordinates there are."""
    return frame.translate(EAST, NORTH)


def area_seen(place, shapes, least=1):
    """Measure of what at least one, or two, of the shapes cover of a place, by unions."""
    pieces = list(shapes)
    if least == 2:
        pieces = [a.intersection(b) for n, a in enumerate(pieces) for b in pieces[:n]]
    union = shapely.union_all(
        [part for piece in pieces for part in shapely.get_parts(piece) if part.area > 0]
    )
    met = shapely.intersection(place, union)
    return met.area if place.area else met.length


_corner = st.integers(0, 8)
_boxes = st.builds(
    lambda x, y, w, h: shapely.box(x, y, x + w, y + h), _corner, _corner, st.integers(1, 6), st.integers(1, 6)
)
_rings = (
    st.lists(st.tuples(_corner, _corner), min_size=3, max_size=6)
    .map(shapely.Polygon)
    .filter(lambda shape: shape.is_valid and shape.area > 0)
)
_holed = st.builds(
    lambda x, y: shapely.box(0, 0, 8, 8).difference(shapely.box(x, y, x + 2, y + 3)), _corner, _corner
).filter(lambda shape: not shape.is_empty)
_pairs = st.just(shapely.union_all([shapely.box(0, 0, 3, 3), shapely.box(3, 3, 6, 6)]))
_open = st.builds(
    sector, st.floats(-1, 9), st.floats(-1, 9), st.floats(0.5, 6), st.floats(0, 6), st.floats(0.2, math.pi)
)

shapes = st.one_of(_boxes, _rings, _holed, _pairs, _open)
"""Polygons in a square of 8 × 8 that like to share corners and walls."""
scenes = st.lists(shapes, min_size=1, max_size=9)
