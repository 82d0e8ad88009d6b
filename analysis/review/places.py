"""Pixel density at the places that matter, before and after."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.errors import InputError
from analysis.review.facades import px_per_m_at
from analysis.review.ground import task_views
from analysis.review.sheet import ReviewRules
from analysis.visibility import DORI_PX_PER_M

__all__ = ["measure_places"]

Shapes = npt.NDArray[np.object_]
SPOT_M = 0.5
"""A place that is a point is this disc around it."""


def measure_places(
    places: gpd.GeoDataFrame,
    proposed: gpd.GeoDataFrame,
    views: Shapes,
    existing: gpd.GeoDataFrame,
    existing_views: Shapes,
    rules: ReviewRules,
) -> tuple[pd.DataFrame, Callable[[set[int]], set[int]], list[set[int]]]:
    """
    How sharply each place is seen.

    Parameters
    ----------
    places
        Points or areas in metres with `task` (a key of `DORI_PX_PER_M`); `name` and `kind` where known.
    proposed, views, existing, existing_views
        Cameras and their views, row by row.
    rules
        Tells which share of a place must be seen sharply enough.

    Returns
    -------
    table
        One row a place, as `ReviewSheet.places` says.
    place_lost
        Rows of proposed cameras that are built → those of them without which a place loses its task.
    bound
        For each place, the proposed cameras that see any of it sharply enough.

    Raises
    ------
    InputError
        If a task is none of EN 62676-4; the message names the place.
    """
    spots = _areas(places)
    wanted = _wanted(places)
    before, sharp_before = _seen(spots, wanted, existing, existing_views)
    after, sharp_after = _seen(spots, wanted, proposed, views)
    whole = shapely.area(spots)
    now = [shapely.union_all(parts) for parts in _by_place(sharp_before, len(spots)).values()]
    own = [dict(parts) for parts in _rows_by_place(sharp_after, len(spots))]

    def ratio(place: int, built: set[int]) -> float:
        parts = [shape for row, shape in own[place].items() if row in built]
        return min(float(shapely.union_all([now[place], *parts]).area / whole[place]), 1.0)

    def place_lost(built: set[int]) -> set[int]:
        lost: set[int] = set()
        for place in waiting:
            if ratio(place, built) >= rules.reached_ratio:
                for row in own[place].keys() & built:
                    if ratio(place, built - {row}) < rules.reached_ratio:
                        lost.add(row)
        return lost

    all_rows = set(range(len(proposed)))
    ratios = np.array([[ratio(place, set()), ratio(place, all_rows)] for place in range(len(spots))])
    ratios = ratios.reshape(len(spots), 2)
    waiting = np.flatnonzero(ratios[:, 0] < rules.reached_ratio).tolist()
    best_before, _ = _best(before, len(spots))
    best_after, by = _best(after, len(spots))
    table = pd.DataFrame(
        {
            "place": places.index,
            "name": places["name"].to_numpy() if "name" in places else None,
            "kind": places["kind"].to_numpy() if "kind" in places else None,
            "task": places["task"].to_numpy() if len(places) else np.array([], dtype=object),
            "wanted_px_per_m": wanted,
            "before_ratio": ratios[:, 0],
            "after_ratio": ratios[:, 1],
            "before_px_per_m": best_before,
            "after_px_per_m": np.fmax(best_before, best_after),
            # as objects: beside None, numbers would become floats
            "camera": pd.Series([proposed.index[row] if row >= 0 else None for row in by], dtype=object),
            "reached_before": ratios[:, 0] >= rules.reached_ratio,
            "reached_after": ratios[:, 1] >= rules.reached_ratio,
        }
    )
    return table, place_lost, [set(parts) for parts in own]


def _areas(places: gpd.GeoDataFrame) -> Shapes:
    """Places as areas: points and lines become discs and strips."""
    shapes = np.array(places.geometry.array, dtype=object)
    thin = shapely.get_dimensions(shapes) < 2
    shapes[thin] = shapely.buffer(shapes[thin], SPOT_M)
    return shapes


def _wanted(places: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    if not len(places):
        return np.array([], dtype=float)
    wanted = places["task"].map(DORI_PX_PER_M)
    if wanted.isna().any():
        place = wanted.index[wanted.isna()][0]
        raise InputError(
            "Place {place} asks for the task '{task}', which EN 62676-4 does not know.",
            "Choose one of: {known}.",
            place=place,
            task=places.at[place, "task"],
            known=", ".join(DORI_PX_PER_M),
        )
    return wanted.to_numpy(dtype=float)


def _seen(
    spots: Shapes, wanted: npt.NDArray[np.float64], cameras: gpd.GeoDataFrame, views: Shapes
) -> tuple[pd.DataFrame, list[tuple[int, int, shapely.Geometry]]]:
    """Pixel density of each camera at the nearest ground of each place it sees; and what it sees sharply enough."""
    place, row = shapely.STRtree(views).query(spots, predicate="intersects")
    met = shapely.intersection(spots[place], views[row])
    real = shapely.area(met) > 0
    place, row, met = place[real], row[real], met[real]
    eyes = cameras.iloc[row]
    nearest = shapely.distance(eyes.geometry.to_numpy(), met)
    table = pd.DataFrame({"place": place, "row": row, "px": px_per_m_at(eyes, nearest) if len(row) else []})
    sharp: list[tuple[int, int, shapely.Geometry]] = []
    for task in np.unique(wanted[place]):
        mine = wanted[place] == task
        parts = task_views(eyes[mine], met[mine], float(task))
        sharp += [
            (int(at), int(by), part)
            for at, by, part in zip(place[mine], row[mine], parts, strict=True)
            if part.area > 0
        ]
    return table, sharp


def _by_place(
    sharp: list[tuple[int, int, shapely.Geometry]], count: int
) -> dict[int, list[shapely.Geometry]]:
    found: dict[int, list[shapely.Geometry]] = {place: [] for place in range(count)}
    for place, _, part in sharp:
        found[place].append(part)
    return found


def _rows_by_place(
    sharp: list[tuple[int, int, shapely.Geometry]], count: int
) -> list[dict[int, shapely.Geometry]]:
    found: list[dict[int, shapely.Geometry]] = [{} for _ in range(count)]
    for place, row, part in sharp:
        found[place][row] = part
    return found


def _best(seen: pd.DataFrame, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Highest density at each place, 0 where nobody sees it, and by which row, -1 for none."""
    density, by = np.zeros(count), np.full(count, -1, dtype=np.intp)
    for place, row, px in seen.itertuples(index=False):
        if px > density[place]:
            density[place], by[place] = px, row
    return density, by
