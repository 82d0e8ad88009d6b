"""How others find what a camera sees: visilibity, and shapely's difference of shadows, each asked in its favour."""

from __future__ import annotations

import math

import numpy as np
import shapely

ARC_STEP_DEG = 2.0


class Peers:
    """Footprints, indexed once for both; each method takes x, y, bearing, half field (radians), reach (metres)."""

    def __init__(self, footprints: np.ndarray) -> None:
        self.shapes = shapely.orient_polygons(footprints)
        self.tree = shapely.STRtree(self.shapes)
        rings, owner = shapely.get_rings(self.shapes, return_index=True)
        corners, ring = shapely.get_coordinates(rings, return_index=True)
        self.walls = np.hstack([corners[:-1], corners[1:]])[ring[1:] == ring[:-1]]
        self.first = np.searchsorted(owner[ring[:-1][ring[1:] == ring[:-1]]], np.arange(len(footprints) + 1))
        self._holes: dict[int, object] = {}

    def warm(self, rows: np.ndarray) -> None:
        """Makes visilibity's polygons of all footprints that some cameras will need, outside of what is timed."""
        for row in rows:
            for k in self.tree.query(_sector(*row), predicate="intersects").tolist():
                self._hole(k)

    def _hole(self, k: int) -> object:
        if k not in self._holes:
            import visilibity

            ring = shapely.get_coordinates(self.shapes[k].exterior)[:-1][::-1].tolist()
            self._holes[k] = visilibity.Polygon([visilibity.Point(x, y) for x, y in ring])
        return self._holes[k]

    def by_visilibity(
        self, x: float, y: float, bearing: float, half: float, reach: float
    ) -> shapely.Geometry:
        """The visibility polygon among the buildings that meet the sector, cut to the sector."""
        import visilibity

        sector = _sector(x, y, bearing, half, reach)
        near = self.tree.query(sector, predicate="intersects").tolist()
        west, south, east, north = shapely.total_bounds(np.append(self.shapes[near], sector)).tolist()
        point = visilibity.Point
        frame = [
            point(west - 1, south - 1),
            point(east + 1, south - 1),
            point(east + 1, north + 1),
            point(west - 1, north + 1),
        ]
        scene = visilibity.Environment([visilibity.Polygon(frame), *(self._hole(k) for k in near)])
        seen = visilibity.Visibility_Polygon(point(x, y), scene, 1e-7)
        ring = shapely.Polygon([(seen[i].x(), seen[i].y()) for i in range(seen.n())])
        return shapely.intersection(ring if ring.is_valid else ring.buffer(0), sector)

    def by_shapely(self, x: float, y: float, bearing: float, half: float, reach: float) -> shapely.Geometry:
        """The sector without the shadow of each wall that faces the camera."""
        sector = _sector(x, y, bearing, half, reach)
        near = self.tree.query(sector, predicate="intersects")
        if not len(near):
            return sector
        walls = np.concatenate([self.walls[self.first[k] : self.first[k + 1]] for k in near]) - [x, y, x, y]
        walls = walls[walls[:, 0] * walls[:, 3] < walls[:, 1] * walls[:, 2]]
        one, other = walls[:, :2], walls[:, 2:]
        one_m, other_m = np.hypot(*one.T)[:, None], np.hypot(*other.T)[:, None]
        # cosine of half the angle between the two ends
        across = np.hypot(*(one / one_m + other / other_m).T)[:, None] / 2
        far = 2 * reach / np.maximum(across, 1e-3) + np.maximum(one_m, other_m)
        shadows = np.stack([one, other, other / other_m * far, one / one_m * far], axis=1)
        shadows += np.array([x, y])
        return shapely.difference(sector, shapely.union_all(shapely.polygons(shadows)))


def _sector(x: float, y: float, bearing: float, half: float, reach: float) -> shapely.Polygon:
    pieces = max(2, math.ceil(math.degrees(2 * half) / ARC_STEP_DEG))
    turn = bearing - half + 2 * half * np.arange(pieces + 1) / pieces
    arc = np.column_stack([x + reach * np.cos(turn), y + reach * np.sin(turn)])
    return shapely.Polygon(arc[:-1] if half >= math.pi else np.vstack([[x, y], arc]))
