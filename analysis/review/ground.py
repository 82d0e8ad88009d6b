"""Ground that proposed cameras add, and what of it is seen already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.review.facades import ground_reach_m, numbers
from analysis.review.sheet import ReviewRules
from analysis.visibility import DORI_PX_PER_M

__all__ = ["Ground", "clear_views", "measure_ground", "needless_cameras", "task_views"]

Shapes = npt.NDArray[np.object_]
QUARTER_STEPS = 45
"""A disc of pixel density is drawn with chords of 2°, as views are."""
UNSHARED = 1
"""Share level of a camera that only its own office uses."""


@dataclass(frozen=True, eq=False)
class Ground:
    """
    Ground of each proposed camera, in the order of its views.

    Attributes
    ----------
    figures
        view_m2, new_m2, new_ratio, duplicate_m2, duplicate_ratio, unshared_m2, mutual_m2, mutual_ratio, sharper_m2,
        own_m2; indexed like the views.
    totals
        The same of their union.
    duplicates
        camera, existing, code, name, owner, share_level, shared_m2, shared_ratio: those that share most, first.
    unshared_owners
        Owners of unshared cameras that see its ground.
    views, new, duplicate, sharper
        Shapes.
    """

    figures: pd.DataFrame
    totals: dict[str, float]
    duplicates: pd.DataFrame
    unshared_owners: list[list[str]]
    views: Shapes
    new: Shapes
    duplicate: Shapes
    sharper: Shapes


def clear_views(views: gpd.GeoSeries) -> Shapes:
    """Shapes of the views, all valid areas; a missing one is empty."""
    shapes = np.array(views.array, dtype=object)
    shapes[shapely.is_missing(shapes)] = shapely.Polygon()
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return shapes


def task_views(cameras: gpd.GeoDataFrame, views: Shapes, px_per_m: float) -> Shapes:
    """The part of each view that is seen with at least so many pixels a metre."""
    reach = ground_reach_m(cameras, px_per_m)
    discs = shapely.buffer(cameras.geometry.to_numpy(), reach, quad_segs=QUARTER_STEPS)
    return shapely.intersection(views, discs)


def measure_ground(
    proposed: gpd.GeoDataFrame,
    views: gpd.GeoSeries,
    existing: gpd.GeoDataFrame,
    existing_views: gpd.GeoSeries,
    rules: ReviewRules,
) -> Ground:
    """
    What each proposed camera sees, and what of it others see.

    Parameters
    ----------
    proposed, views
        Cameras and their views, one index.
    existing, existing_views
        Existing cameras (code, name, owner, share_level and lens) and their views, one index.
    rules
        Tells the task that counts as sharper, and how many existing cameras are listed.
    """
    seen, others = clear_views(views), clear_views(existing_views)
    row, other = shapely.STRtree(others).query(seen, predicate="intersects")
    shared = shapely.intersection(seen[row], others[other])
    duplicate = _united(row, shared, len(seen))
    level = numbers(existing, "share_level", np.inf)
    open_to_all = _united(row[level[other] > UNSHARED], shared[level[other] > UNSHARED], len(seen))
    new = shapely.difference(seen, duplicate)
    a, b = shapely.STRtree(seen).query(seen, predicate="intersects")
    a, b = a[a != b], b[a != b]
    mutual = _united(a, shapely.intersection(seen[a], seen[b]), len(seen))
    px = DORI_PX_PER_M[rules.sharp_task]
    sharp = task_views(proposed, seen, px)
    row_s, other_s = shapely.STRtree(others).query(sharp, predicate="intersects")
    before = task_views(existing.iloc[other_s], others[other_s], px)
    sharper = shapely.difference(sharp, _united(row_s, before, len(seen)))
    figures = pd.DataFrame(
        {
            "view_m2": shapely.area(seen),
            "new_m2": shapely.area(new),
            "duplicate_m2": shapely.area(duplicate),
            "unshared_m2": shapely.area(shapely.difference(duplicate, open_to_all)),
            "mutual_m2": shapely.area(mutual),
            "sharper_m2": shapely.area(shapely.difference(sharper, new)),
            "own_m2": shapely.area(shapely.difference(new, mutual)),
        },
        index=proposed.index,
    )
    for name in ("new", "duplicate", "mutual"):
        figures[f"{name}_ratio"] = _ratio(figures[f"{name}_m2"], figures["view_m2"])
    return Ground(
        figures=figures,
        totals=_totals(seen, new, duplicate, open_to_all, mutual, shapely.difference(sharper, new)),
        duplicates=_listed(proposed, existing, row, other, shapely.area(shared), figures["view_m2"], rules),
        unshared_owners=_owners(existing, row, other, level, len(seen)),
        views=seen,
        new=new,
        duplicate=duplicate,
        sharper=sharper,
    )


def needless_cameras(
    ground: Ground, rules: ReviewRules, place_lost: Callable[[set[int]], set[int]]
) -> tuple[list[int], npt.NDArray[np.float64], list[int]]:
    """
    Cameras that need not be built: the least useful goes first, and the rest are looked at again.

    Parameters
    ----------
    ground
        From `measure_ground`.
    rules
        Tells the least gain.
    place_lost
        Rows of cameras that are built → those of them without which a place that matters loses its task.

    Returns
    -------
    needless
        Rows in the order in which they were left out.
    gain_ratio
        What each gains as a share of its ground: when it was left out, or beside all that stay; NaN where it sees
        nothing.
    kept
        Rows that gain too little but that a place needs.
    """
    near = _neighbours(ground.views)
    area = shapely.area(ground.views)
    built = set(range(len(area)))
    gain = np.full(len(area), np.nan)

    def measure(row: int) -> None:
        others = [each for each in near[row] if each in built]
        if area[row] > 0:
            fresh, sharp = (
                shapely.difference(part[row], shapely.union_all(part[others]))
                for part in (ground.new, ground.sharper)
            )
            gain[row] = shapely.area(shapely.union(fresh, sharp)) / area[row]

    for row in sorted(built):
        measure(row)
    needless: list[int] = []
    while True:
        bound = place_lost(built)
        weak = [row for row in sorted(built) if not gain[row] >= rules.least_gain_ratio]
        free = [row for row in weak if row not in bound]
        if not free:
            return needless, gain, weak
        # the last of several equal ones goes, so that the first of the application stays
        worst = min(free, key=lambda row: (np.nan_to_num(gain[row], nan=-1.0), area[row], -row))
        built.discard(worst)
        needless.append(worst)
        for row in near[worst]:
            if row in built:
                measure(row)


def _united(rows: npt.NDArray[np.intp], shapes: Shapes, count: int) -> Shapes:
    """Union of the shapes of each row 0 … count - 1; empty where it has none."""
    found = np.full(count, shapely.Polygon(), dtype=object)
    order = np.argsort(rows, kind="stable")
    cuts = np.flatnonzero(np.diff(rows[order])) + 1
    for group in np.split(order, cuts) if len(order) else []:
        found[rows[group[0]]] = shapely.union_all(shapes[group])
    return found


def _neighbours(views: Shapes) -> list[list[int]]:
    near: list[list[int]] = [[] for _ in views]
    for a, b in zip(*shapely.STRtree(views).query(views, predicate="intersects").tolist(), strict=True):
        if a != b:
            near[a].append(b)
    return near


def _ratio(part: pd.Series[float], whole: pd.Series[float]) -> pd.Series[float]:
    """Share in [0, 1]; NaN where there is nothing to share."""
    return (part / whole.where(whole > 0)).clip(0.0, 1.0)


def _totals(
    seen: Shapes, new: Shapes, duplicate: Shapes, open_to_all: Shapes, mutual: Shapes, sharper: Shapes
) -> dict[str, float]:
    whole = {
        "view_m2": seen,
        "new_m2": new,
        "duplicate_m2": duplicate,
        "mutual_m2": mutual,
        "sharper_m2": sharper,
    }
    united = {name: shapely.union_all(shapes) for name, shapes in whole.items()}
    found = {name: float(shape.area) for name, shape in united.items()}
    unshared = shapely.difference(united["duplicate_m2"], shapely.union_all(open_to_all))
    found["unshared_m2"] = float(unshared.area)
    for name in ("new", "duplicate", "mutual"):
        found[f"{name}_ratio"] = (
            min(found[f"{name}_m2"] / found["view_m2"], 1.0) if found["view_m2"] else float("nan")
        )
    return found


def _listed(
    proposed: gpd.GeoDataFrame,
    existing: gpd.GeoDataFrame,
    row: npt.NDArray[np.intp],
    other: npt.NDArray[np.intp],
    shared_m2: npt.NDArray[np.float64],
    view_m2: pd.Series[float],
    rules: ReviewRules,
) -> pd.DataFrame:
    """The existing cameras that share most ground with each proposed one."""
    told = {
        name: existing[name].to_numpy()[other] if name in existing else np.full(len(other), None)
        for name in ("code", "name", "owner", "share_level")
    }
    pairs = pd.DataFrame(
        {"row": row, "existing": existing.index.to_numpy()[other], **told, "shared_m2": shared_m2}
    )
    pairs["shared_ratio"] = pairs["shared_m2"] / view_m2.to_numpy()[row]
    pairs = pairs[pairs["shared_m2"] > 0].sort_values(["row", "shared_m2"], ascending=[True, False])
    pairs = pairs.groupby("row").head(rules.listed)
    pairs.insert(0, "camera", proposed.index.to_numpy()[pairs["row"]])
    return pairs.drop(columns="row").reset_index(drop=True)


def _owners(
    existing: gpd.GeoDataFrame,
    row: npt.NDArray[np.intp],
    other: npt.NDArray[np.intp],
    level: npt.NDArray[np.float64],
    count: int,
) -> list[list[str]]:
    owners: list[set[str]] = [set() for _ in range(count)]
    if "owner" in existing:
        name = existing["owner"].to_numpy()
        for each, at in zip(row.tolist(), other.tolist(), strict=True):
            if level[at] <= UNSHARED:
                owners[each].add(str(name[at]))
    return [sorted(each) for each in owners]
