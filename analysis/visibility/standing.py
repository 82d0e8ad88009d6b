"""Where a camera stands: before the wall of a building that is higher than it, on the roof of one that is not."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from analysis.visibility.obstacles import Obstacles

__all__ = ["Standing", "stand"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

STEP_CLEAR_M = 0.01
"""How far beyond the wall a camera stands after stepping out of a footprint."""


class Standing(NamedTuple):
    """
    Where cameras stand.

    Attributes
    ----------
    at
        x, y, metres.
    outside
        Whether the camera got out of all that is as high as it.
    on_camera, on_face
        Pairs of a camera and a lower building on which it stands, by camera.
    """

    at: Floats
    outside: npt.NDArray[np.bool_]
    on_camera: Rows
    on_face: Rows


def stand(at: Floats, bearing: Floats, height_m: Floats, obstacles: Obstacles, depth_m: float) -> Standing:
    """
    Cameras outside of the buildings that are as high as they.

    Parameters
    ----------
    at
        x, y, metres, one row a camera.
    bearing
        Radians anticlockwise from east: the way that a camera inside of a building goes to get out.
    height_m
        Lens above ground, metres; minus infinite where it is not known to be above any roof.
    obstacles
        The buildings.
    depth_m
        How far it may go.
    """
    outside, moved = np.ones(len(at), dtype=bool), at.copy()
    pairs = [np.empty((0, 2), dtype=np.intp)]
    known = np.isfinite(height_m)
    for rows in (np.flatnonzero(~known), np.flatnonzero(known)):
        if not rows.size:
            continue
        footprints, roof_m = obstacles.footprints, np.full(len(obstacles.footprints), np.inf)
        if obstacles.faces is not None and known[rows[0]]:
            footprints, roof_m = obstacles.faces.footprints, obstacles.faces.height_m
        found = _step_out(at[rows], bearing[rows], height_m[rows], footprints, roof_m, depth_m)
        moved[rows], outside[rows] = found.at, found.outside
        pairs.append(np.column_stack([rows[found.on_camera], found.on_face]))
    on_camera, on_face = np.concatenate(pairs).T
    order = np.argsort(on_camera, kind="stable")
    return Standing(moved, outside, on_camera[order], on_face[order])


def _step_out(
    start: Floats,
    bearing: Floats,
    height_m: Floats,
    footprints: gpd.GeoSeries,
    roof_m: Floats,
    depth_m: float,
) -> Standing:
    """The same among footprints of one kind, pairs in any order."""
    at, outside = start.copy(), np.ones(len(start), dtype=bool)
    direction = np.column_stack([np.cos(bearing), np.sin(bearing)])
    shapes = np.array(footprints.array, dtype=object)
    on_camera, on_face = [], []
    row = np.arange(len(at))
    while row.size:  # again if one step ends in the next footprint, less than a centimetre behind
        nth, hit = footprints.sindex.query(shapely.points(at[row]), predicate="intersects")
        high = roof_m[hit] >= height_m[row[nth]]
        stuck, first = np.unique(nth[high], return_index=True)
        settled = ~high & ~np.isin(nth, stuck)
        on_camera.append(row[nth[settled]])
        on_face.append(hit[settled])
        row, wall = row[stuck], hit[high][first]
        left = depth_m - np.hypot(*(at[row] - start[row]).T) + STEP_CLEAR_M
        ends = at[row] + direction[row] * np.maximum(left, 0.0)[:, None]
        sight = shapely.linestrings(np.stack([at[row], ends], axis=1))
        free = shapely.difference(sight, shapes[wall])
        distance = shapely.distance(shapely.points(at[row]), free)
        outside[row] = (left > 0) & ~shapely.is_empty(free)
        row, distance = row[outside[row]], distance[outside[row]]
        at[row] += direction[row] * (distance + STEP_CLEAR_M)[:, None]
    return Standing(at, outside, np.concatenate(on_camera), np.concatenate(on_face))
