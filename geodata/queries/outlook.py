"""What a scenario would change: the ground seen, the blind cells, the violations that no camera sees."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import Connection

from analysis import visibility
from analysis.coverage import CoverageState, blind_cells, seen_shares
from analysis.crs import STORAGE_EPSG
from geodata.progress import Progress, silent
from geodata.projecting import projected
from geodata.queries.city import buildings, cells, views
from geodata.queries.poses import Pose
from geodata.queries.scenarios import Scenario
from geodata.queries.wanted import demand_points
from geodata.towns.town import Town

__all__ = [
    "Figures",
    "Ground",
    "Outlook",
    "Sight",
    "added_by",
    "best_heading",
    "load_ground",
    "outlook",
    "seen_by_items",
    "sight",
]

METHOD = (
    "angular sweep over footprints with heights; coverage exact, by slabs; violations: kerbs without bays every 10 m,"
    " weighted by the exposure-corrected rate of their cell"
)
TRIED_HEADINGS = 16
STEP_OUT_M = 30.0
"""A camera inside a footprint steps out so far at most before its range counts."""
STEPS = 4
"""Of reading a town."""
Truths: TypeAlias = npt.NDArray[np.bool_]
_POSE = ("heading_deg", "tilt_deg", "height_m", "hfov_deg", "vfov_deg", "resolution_px", "range_m")
EVERYONE = "all"
_TRIAL = np.iinfo(np.int64).max
"""Label of a view that is only tried out."""


@dataclass(frozen=True, eq=False)
class Ground:
    """
    What every scenario of a town starts from; loaded once a revision.

    Attributes
    ----------
    epsg
        Metric CRS.
    cells
        Unit cells.
    obstacles
        Footprints.
    points
        Demand points with `weight`.
    state
        Coverage of the cells, and after them of the points, by the stored views.
    views
        Stored views by camera.
    cameras
        Stored cameras that are online.
    """

    epsg: int
    cells: gpd.GeoDataFrame
    obstacles: visibility.Obstacles
    points: gpd.GeoDataFrame
    state: CoverageState
    views: gpd.GeoSeries
    cameras: int


@dataclass(frozen=True)
class Figures:
    """
    A scenario in numbers.

    Attributes
    ----------
    seen_ratio
        Share of the cells' ground that at least one camera sees, [0, 1].
    seen_m2
        The same in square metres.
    twice_ratio
        Share that at least two see.
    blind_cells
        Cells of which less than 5 % is seen.
    unseen_ratio
        Share of the expected violations on kerbs that no camera sees, [0, 1]; NaN if there are none.
    cameras
        Cameras that look.
    added, changed, removed
        Changes to them.
    cost
        Sum of what the new ones cost, as far as it is known.
    """

    seen_ratio: float
    seen_m2: float
    twice_ratio: float
    blind_cells: int
    unseen_ratio: float
    cameras: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    cost: float = 0.0


@dataclass(frozen=True, eq=False)
class Outlook:
    """
    What a scenario leads to.

    Attributes
    ----------
    figures
        In numbers.
    shares
        Coverage of each cell, at least one camera.
    changed_cells
        Cells whose coverage differs from that of the stored cameras, with `coverage_ratio` and `change`.
    new_views, lost_views
        Ground that changed or new cameras see, by item; ground that changed or removed cameras no longer see, by
        camera; metric CRS.
    state
        Coverage, to go on from.
    unseen
        Whether no camera sees it, for each demand point.
    """

    figures: Figures
    shares: pd.Series[float]
    changed_cells: gpd.GeoDataFrame
    new_views: gpd.GeoSeries
    lost_views: gpd.GeoSeries
    state: CoverageState
    unseen: Truths


def load_ground(conn: Connection, town: Town, progress: Progress = silent) -> Ground:
    """Reads the town and measures its present coverage."""
    epsg = town.metric_epsg
    progress(0, STEPS, "Reading what the cameras see")
    grid = cells(conn, epsg)[["code", "area_m2", "geom"]]
    looked = views(conn, epsg).geometry
    progress(1, STEPS, "Reading where eyes are wanted")
    points = demand_points(conn, town)
    progress(2, STEPS, "Reading the buildings")
    obstacles = visibility.prepare_obstacles(buildings(conn, epsg), height_column="height_m")
    progress(3, STEPS, "Measuring the coverage of places")
    shapes = np.concatenate([grid.geometry.to_numpy(), points.geometry.to_numpy()])
    labels = np.concatenate([grid.index.to_numpy(), -1 - np.arange(len(points))])
    return Ground(
        epsg=epsg,
        cells=grid,
        obstacles=obstacles,
        points=points,
        state=CoverageState.of(gpd.GeoSeries(shapes, index=labels, crs=epsg), looked),
        views=looked,
        cameras=len(looked),
    )


def outlook(ground: Ground, scenario: Scenario | None = None) -> Outlook:
    """
    The coverage and the violations unseen under a scenario, or as things stand.

    Only what the changed cameras touch is computed anew.
    """
    if scenario is None or scenario.items.empty:
        return _summed(ground, ground.state, _no_views(ground), _no_views(ground), None)
    items = scenario.items
    gone = items.loc[items["action"] != "add", "camera_id"].astype("int64")
    lost = ground.views[ground.views.index.isin(gone)]
    standing = projected(items[items["action"] != "remove"], ground.epsg)
    new = seen_by_items(standing, ground.obstacles)
    state = ground.state.changed(remove=list(lost.index), add=new.set_axis(-new.index.to_numpy()))
    return _summed(ground, state, new, lost, items)


def standing_views(ground: Ground, found: Outlook) -> gpd.GeoSeries:
    """All views of an outlook: stored ones by camera, those of its items by minus the item."""
    new = found.new_views[~found.new_views.is_empty]
    kept = ground.views.drop(found.lost_views.index)
    return gpd.GeoSeries(pd.concat([kept, new.set_axis(-new.index.to_numpy())]), crs=ground.epsg)


def best_heading(ground: Ground, unseen: Truths, at: gpd.GeoSeries, lens: dict[str, float]) -> float:
    """
    The heading of a new camera that adds most of the violations no camera sees; where none does, most ground.

    Parameters
    ----------
    ground
        The town.
    unseen
        Whether no camera sees it now, for each demand point.
    at
        One point.
    lens
        hfov_deg, range_m, height_m, tilt_deg, vfov_deg.
    """
    turns = np.arange(TRIED_HEADINGS) * 360.0 / TRIED_HEADINGS
    spot = projected(at, ground.epsg).iloc[0]
    tried = gpd.GeoDataFrame(
        {"heading_deg": turns, **lens}, geometry=[spot] * TRIED_HEADINGS, crs=ground.epsg
    )
    seen = visibility.visible_polygons(tried, ground.obstacles)
    west, south, east, north = spot.buffer(lens["range_m"] + STEP_OUT_M).bounds
    near = ground.points.cx[west:east, south:north]
    looks = seen_shares(near, seen, {str(turn): seen.index == turn for turn in seen.index})
    gain = looks.xs(1, level="at_least", axis=1).T @ (near["weight"] * unseen[near.index])
    return float(turns[np.lexsort((seen.area.to_numpy(), gain.to_numpy()))[-1]])


@dataclass(frozen=True, eq=False)
class Sight:
    """
    What one camera that is tried out would see.

    Attributes
    ----------
    view
        Its ground, one shape, metric CRS.
    tasks
        Parts of it within the DORI distances, by `task` (EN 62676-4), the widest first.
    area_m2
        Its ground, square metres.
    """

    view: gpd.GeoSeries
    tasks: gpd.GeoDataFrame
    area_m2: float


def sight(ground: Ground, pose: Pose) -> Sight:
    """What a camera with this pose would see; a PTZ camera sees what its presets show by turns."""
    camera = gpd.GeoDataFrame(
        {**{name: [getattr(pose, name)] for name in _POSE}, "presets": [[asdict(p) for p in pose.presets]]},
        geometry=[shapely.Point(pose.lon_deg, pose.lat_deg)],
        crs=STORAGE_EPSG,
    )
    camera = projected(camera, ground.epsg)
    view = seen_by_items(camera, ground.obstacles)
    tasks = visibility.dori_views(view, camera)
    return Sight(view, tasks, float(view.area.sum()))


def added_by(
    ground: Ground, found: Outlook, view: gpd.GeoSeries, *, without: int | None = None
) -> tuple[float, float]:
    """
    What one more view adds to an outlook: square metres of the cells, and share of the expected violations.

    `without` names a view of that outlook's state (camera, or minus the item) that goes at the same time.
    """
    state = found.state.changed(remove=[] if without is None else [without], add=view.set_axis([_TRIAL]))
    seen = _seen(ground, state)
    more = float(((seen.once - found.shares) * ground.cells["area_m2"]).sum())
    return more, _weight_ratio(ground, found.unseen & ~seen.unseen)


def _no_views(ground: Ground) -> gpd.GeoSeries:
    return gpd.GeoSeries([], crs=ground.epsg)


def seen_by_items(items: gpd.GeoDataFrame, obstacles: visibility.Obstacles) -> gpd.GeoSeries:
    """What each item sees; a PTZ camera sees what its presets show by turns."""
    with_presets = items["presets"].map(bool) & items["presets"].notna()
    seen = visibility.visible_polygons(items[~with_presets], obstacles)
    if not with_presets.any():
        return seen
    turning = items[with_presets]
    looks = turning.loc[np.repeat(turning.index, turning["presets"].map(len))].copy()
    flat = [preset for presets in turning["presets"] for preset in presets]
    for name in ("heading_deg", "tilt_deg", "hfov_deg"):
        looks[name] = [float(preset[name]) for preset in flat]
    parts = visibility.visible_polygons(looks.reset_index(names="item"), obstacles)
    united = [
        shapely.union_all(group.to_numpy()) for _, group in parts.groupby(np.asarray(looks.index), sort=False)
    ]
    both = pd.concat([seen, gpd.GeoSeries(united, index=turning.index, crs=seen.crs)])
    return gpd.GeoSeries(both.reindex(items.index), crs=seen.crs)


class _Seen(NamedTuple):
    """Coverage of each cell by at least one camera and by two, and which demand points no camera sees."""

    once: pd.Series[float]
    twice: pd.Series[float]
    unseen: Truths


def _seen(ground: Ground, state: CoverageState) -> _Seen:
    shares, cells = state.shares[EVERYONE].set_axis(["once", "twice"], axis=1), ground.cells.index
    of_cells = shares.iloc[: len(cells)].set_axis(cells)
    return _Seen(of_cells["once"], of_cells["twice"], shares["once"].to_numpy()[len(cells) :] == 0)


def _weight_ratio(ground: Ground, chosen: Truths) -> float:
    """Share of the expected violations at some of the demand points; 0 if none are expected."""
    weight = ground.points["weight"].to_numpy()
    total = float(weight.sum())
    return float(weight[chosen].sum() / total) if total else 0.0


def _summed(
    ground: Ground,
    state: CoverageState,
    new: gpd.GeoSeries,
    lost: gpd.GeoSeries,
    items: gpd.GeoDataFrame | None,
) -> Outlook:
    shares, twice, unseen = _seen(ground, state)
    before = _seen(ground, ground.state).once
    area = ground.cells["area_m2"]
    action = items["action"] if items is not None else pd.Series([], dtype=object)
    moved = (shares - before).abs() > 1e-6
    different = ground.cells.loc[moved, ["code", "geom"]].assign(
        coverage_ratio=shares[moved], change=(shares - before)[moved]
    )
    figures = Figures(
        seen_ratio=float((shares * area).sum() / area.sum()),
        seen_m2=float((shares * area).sum()),
        twice_ratio=float((twice * area).sum() / area.sum()),
        blind_cells=int(blind_cells(shares.clip(0, 1)).sum()),
        unseen_ratio=_weight_ratio(ground, unseen) if ground.points["weight"].sum() else float("nan"),
        cameras=ground.cameras - len(lost) + int((~new.is_empty).sum()),
        added=int((action == "add").sum()),
        changed=int((action == "change").sum()),
        removed=int((action == "remove").sum()),
        cost=float(items["cost"].sum()) if items is not None else 0.0,
    )
    return Outlook(figures, shares, different, new, lost, state, unseen)
