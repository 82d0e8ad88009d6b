"""Which cameras look at which points of the kerbs (or of the ground), and how much of it is looked at when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse

from analysis.checks import require_metric, require_positive
from analysis.errors import InputError

__all__ = ["Watch", "line_points"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def line_points(lines: gpd.GeoDataFrame | gpd.GeoSeries, spacing_m: float = 2.0) -> gpd.GeoDataFrame:
    """
    The middles of equal pieces of each line.

    Parameters
    ----------
    lines
        LineStrings in a projected CRS in metres; others and empty ones are left out.
    spacing_m
        No piece is longer, above 0.

    Returns
    -------
    points
        Points in the CRS of `lines`, with `line` (label of the line) and `length_m` (of the piece, above 0).

    Raises
    ------
    CrsError, InputError
        If `lines` is not in metres or `spacing_m` is not above 0.
    """
    require_metric(lines=lines)
    require_positive("spacing_m", spacing_m)
    shapes = lines.geometry.to_numpy()
    length = np.where(np.isin(shapely.get_type_id(shapes), (1, 2)), shapely.length(shapes), 0.0)
    pieces = np.ceil(length / spacing_m).astype(np.int64)
    row = np.repeat(np.arange(len(shapes)), pieces)
    first = np.cumsum(pieces) - pieces
    share = (np.arange(len(row)) - first[row] + 0.5) / pieces[row]
    points = shapely.line_interpolate_point(shapes[row], share * length[row])
    columns = {"line": lines.index.take(row), "length_m": length[row] / pieces[row]}
    return gpd.GeoDataFrame(columns, geometry=points, crs=lines.crs)


@dataclass(frozen=True, eq=False)
class Watch:
    """
    Which cameras see which points; a change of cameras gives a new watch and leaves this one as it is.

    Make it with `Watch.of`. A change costs as much as the cameras that it touches.

    Attributes
    ----------
    cameras
        Labels of the cameras, those that see nothing too.
    """

    cameras: pd.Index[Any]
    _points: npt.NDArray[np.object_]
    _tree: shapely.STRtree
    _crs: gpd.GeoSeries
    _camera: Ints
    _point: Ints

    @classmethod
    def of(cls, points: gpd.GeoDataFrame | gpd.GeoSeries, views: gpd.GeoDataFrame | gpd.GeoSeries) -> Watch:
        """
        Finds all pairs of a camera and a point that it sees.

        Parameters
        ----------
        points
            Points in a projected CRS in metres.
        views
            Ground that each camera sees, one row a camera, indexed by camera, in the CRS of `points`.

        Raises
        ------
        CrsError
            If a frame is not in metres, or the two differ.
        InputError
            If a camera has two views.
        """
        require_metric(points=points, views=views)
        places = points.geometry.to_numpy()
        none = np.zeros(0, np.int64)
        empty = cls(views.index[:0], places, shapely.STRtree(places), points.geometry.iloc[:0], none, none)
        return empty.changed(add=views)

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(self._points)

    def changed(
        self, *, remove: Iterable[Any] = (), add: gpd.GeoDataFrame | gpd.GeoSeries | None = None
    ) -> Watch:
        """
        The same with other cameras: first some go, then others come.

        Raises
        ------
        CrsError
            If `add` is in another CRS than the points.
        InputError
            If a camera that is to go is not there, or one that is to come is.
        """
        gone = pd.Index(list(remove))
        at = self.cameras.get_indexer(gone)
        if (at < 0).any():
            raise InputError(
                "Camera {camera} is not there to be removed.",
                "Remove only cameras of this watch.",
                camera=gone[at < 0][0],
            )
        kept = np.ones(len(self.cameras), bool)
        kept[at] = False
        number = np.cumsum(kept) - 1
        stay = kept[self._camera]
        cameras, camera, point = self.cameras[kept], number[self._camera[stay]], self._point[stay]
        if add is not None and len(add):
            require_metric(points=self._crs, add=add)
            cameras = cameras.append(add.index) if len(cameras) else add.index
            if not cameras.is_unique:
                raise InputError(
                    "Camera {camera} has more than one view.",
                    "Unite its parts first: views.dissolve(level=0).",
                    camera=cameras[cameras.duplicated()][0],
                )
            views = add.geometry.to_numpy()
            shapely.prepare(views)
            new, seen = self._tree.query(views, predicate="intersects")
            camera = np.concatenate([camera, new + int(kept.sum())])
            point = np.concatenate([point, seen])
        return Watch(cameras, self._points, self._tree, self._crs, camera, point)

    def pairs(self) -> tuple[Ints, Ints]:
        """Row of the camera and row of the point, for each that sees the other."""
        return self._camera, self._point

    def seen_lengths(self, length_m: Floats) -> pd.Series[float]:
        """What each camera sees, in metres (or whatever the points stand for), by camera."""
        seen = np.bincount(self._camera, weights=length_m[self._point], minlength=len(self.cameras))
        return pd.Series(seen, index=self.cameras, name="seen_m")

    def looked_at(self, length_m: Floats, group: Ints, groups: int, chance: pd.DataFrame) -> Floats:
        """
        How much of each group of points is looked at, on average, in each hour.

        At a point x the chance that at least one camera catches a violation that stands there is

            q(x, h) = 1 - Π (1 - share_c(h) · recall_c)      over the cameras c that see x,

        and a group is looked at over Σ length · q. Adding up over cameras instead would count ground seen twice as
        two places, although a second camera only catches what the first one missed; taking the union of
        the views would deny that a second camera helps at all.

        Cameras sample independently of each other in time within an hour, as a patrol that polls them in turn.

        Parameters
        ----------
        length_m
            (points,), metres of kerb (or square metres) that each point stands for.
        group
            (points,), the group of each point, 0 … groups - 1, or -1 for none.
        groups
            How many.
        chance
            Indexed by camera, one column an hour: share of the hour that is sampled times the recall of the
            detector, [0, 1]. Cameras that are missing do not look; further ones are ignored.

        Returns
        -------
        looked_m
            (groups, columns of `chance`), metres, from 0 to the length of the group.

        Raises
        ------
        InputError
            If a chance is outside [0, 1].
        """
        table = chance.reindex(self.cameras).fillna(0.0).to_numpy(dtype=np.float64)
        bad: npt.NDArray[np.bool_] = ~((table >= 0) & (table <= 1))
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise InputError(
                "Camera {camera} has the chance {value} in column {column}, outside [0, 1].",
                "Give the share of the hour that is sampled, times the recall.",
                camera=self.cameras[row],
                value=table[row, column],
                column=chance.columns[column],
            )
        active = np.asarray(table.any(axis=1))
        pair = active[self._camera] & (group[self._point] >= 0)
        point, at = np.unique(self._point[pair], return_inverse=True)
        held = sparse.csr_matrix(
            (np.ones(len(at)), (at, self._camera[pair])), shape=(len(point), len(self.cameras))
        )
        of_group = sparse.csr_matrix(
            (length_m[point], (group[point], np.arange(len(point)))), shape=(groups, len(point))
        )
        unlike, back = np.unique(table, axis=1, return_inverse=True)
        with np.errstate(divide="ignore"):
            missed = np.log1p(-unlike)
        looked = np.empty((groups, unlike.shape[1]))
        for column in range(unlike.shape[1]):
            looked[:, column] = of_group @ -np.expm1(held @ missed[:, column])
        return looked[:, back.ravel()]
