"""Forbidden ground and private windows that proposed cameras would see."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.review.facades import facades_in_sight, px_per_m_at
from analysis.review.ground import task_views
from analysis.review.sheet import ReviewRules
from analysis.visibility import DORI_PX_PER_M

__all__ = ["DWELLING", "Privacy", "measure_privacy"]

Shapes = npt.NDArray[np.object_]
DWELLING = "dwelling"
"""Kind of a restricted area whose windows are private; every other kind is forbidden."""
OVERLAP_M = 0.1
"""Facade lines nearer than this to each other are the same facade."""


@dataclass(frozen=True, eq=False)
class Privacy:
    """
    What of private life each camera would see.

    Attributes
    ----------
    forbidden, windows
        As `ReviewSheet` says.
    inside
        camera, kind, source: cameras that stand in a forbidden area.
    figures
        forbidden_m2, forbidden_nearest_m, forbidden_facade_m, private_m, private_close_m, private_nearest_m,
        private_px_per_m, unknown_m; indexed like the cameras.
    totals
        Lengths and areas of what they see together.
    shapes
        camera, kind (forbidden, window, close, unknown), geometry.
    """

    forbidden: pd.DataFrame
    windows: pd.DataFrame
    inside: pd.DataFrame
    figures: pd.DataFrame
    totals: dict[str, float]
    shapes: gpd.GeoDataFrame


def measure_privacy(
    proposed: gpd.GeoDataFrame,
    views: Shapes,
    buildings: gpd.GeoDataFrame,
    restricted: gpd.GeoDataFrame,
    rules: ReviewRules,
) -> Privacy:
    """
    Restricted areas and windows in sight.

    Parameters
    ----------
    proposed, views
        Cameras and the ground they see, row by row.
    buildings
        Footprints around them; `height_m` where known; `use_known` false where nobody knows who lives there.
    restricted
        Polygons with `kind`; name, source and simulated where known.
    rules
        Pixel densities from which on a facade counts.
    """
    homes = restricted[restricted["kind"] == DWELLING]
    others = restricted[restricted["kind"] != DWELLING]
    doubtful = buildings.iloc[:0]
    if "use_known" in buildings:
        doubtful = buildings[~buildings["use_known"].astype(bool)]
        told, _ = restricted.sindex.query(shapely.centroid(doubtful.geometry.array), predicate="intersects")
        doubtful = doubtful.drop(doubtful.index[np.unique(told)])
    window, close, barred, unknown = (
        facades_in_sight(proposed, buildings, areas, px_per_m=DORI_PX_PER_M[task])
        for areas, task in (
            (homes, rules.window_task),
            (homes, rules.close_task),
            (others, rules.forbidden_task),
            (doubtful, rules.window_task),
        )
    )
    ground = _ground(proposed, views, others, rules)
    forbidden = _forbidden(ground, barred, others)
    windows = _windows(window, close, homes)
    figures = pd.DataFrame(index=proposed.index)
    figures["forbidden_m2"] = _sum(ground, "ground_m2", proposed.index)
    figures["forbidden_nearest_m"] = forbidden.groupby("camera")["nearest_m"].min().reindex(proposed.index)
    figures["forbidden_facade_m"] = _sum(barred, "length_m", proposed.index)
    figures["private_m"] = _sum(window, "length_m", proposed.index)
    figures["private_close_m"] = _sum(close, "length_m", proposed.index)
    figures["private_nearest_m"] = window.groupby("camera")["nearest_m"].min().reindex(proposed.index)
    figures["private_px_per_m"] = window.groupby("camera")["px_per_m"].max().reindex(proposed.index)
    figures["unknown_m"] = _sum(unknown, "length_m", proposed.index)
    totals = {
        "forbidden_m2": float(shapely.union_all(ground.geometry.to_numpy()).area),
        "forbidden_facade_m": _together_m(barred),
        "private_m": _together_m(window),
        "private_close_m": _together_m(close),
        "unknown_m": _together_m(unknown),
    }
    named = {"forbidden": ground, "window": window, "close": close, "unknown": unknown, "barred": barred}
    shapes = pd.concat(
        [each[["camera", each.geometry.name]].assign(kind=kind) for kind, each in named.items()],
        ignore_index=True,
    )
    return Privacy(forbidden, windows, _inside(proposed, others), figures, totals, shapes)


def _ground(
    proposed: gpd.GeoDataFrame, views: Shapes, areas: gpd.GeoDataFrame, rules: ReviewRules
) -> gpd.GeoDataFrame:
    """Forbidden ground that each camera sees sharply enough to matter, as far as it is more than a sliver."""
    views = task_views(proposed, views, DORI_PX_PER_M[rules.forbidden_task])
    row, area = shapely.STRtree(areas.geometry.to_numpy()).query(views, predicate="intersects")
    met = shapely.intersection(views[row], areas.geometry.to_numpy()[area])
    large = shapely.area(met) >= max(rules.least_forbidden_m2, 1e-6)
    row, area, met = row[large], area[large], met[large]
    eyes = proposed.iloc[row]
    distance = shapely.distance(eyes.geometry.to_numpy(), met)
    return gpd.GeoDataFrame(
        {
            "camera": eyes.index,
            "area": areas.index[area],
            "ground_m2": shapely.area(met),
            "nearest_m": distance,
            "px_per_m": px_per_m_at(eyes, distance) if len(eyes) else np.array([], dtype=float),
        },
        geometry=met,
        crs=proposed.crs,
    )


def _forbidden(ground: gpd.GeoDataFrame, facade: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> pd.DataFrame:
    """One row a camera and forbidden area, by ground and by facade."""
    by = ["camera", "area"]
    both = pd.merge(
        pd.DataFrame(ground.drop(columns=ground.geometry.name)),
        pd.DataFrame(facade.drop(columns=facade.geometry.name)).rename(columns={"length_m": "facade_m"}),
        on=by,
        how="outer",
        suffixes=("", "_facade"),
    )
    both["ground_m2"], both["facade_m"] = both["ground_m2"].fillna(0.0), both["facade_m"].fillna(0.0)
    both["nearest_m"] = np.fmin(both["nearest_m"].astype(float), both.pop("nearest_m_facade").astype(float))
    both["px_per_m"] = np.fmax(both["px_per_m"].astype(float), both.pop("px_per_m_facade").astype(float))
    return _named(both, areas, "kind", "name", "source", "simulated")


def _windows(window: gpd.GeoDataFrame, close: gpd.GeoDataFrame, homes: gpd.GeoDataFrame) -> pd.DataFrame:
    rows = pd.DataFrame(window.drop(columns=window.geometry.name)).rename(columns={"length_m": "facade_m"})
    near = close.set_index(["camera", "area"])["length_m"]
    keys = pd.MultiIndex.from_frame(rows[["camera", "area"]])
    rows["close_m"] = near.reindex(keys).fillna(0.0).to_numpy(dtype=float)
    return _named(rows.sort_values("facade_m", ascending=False), homes, "name", "simulated")


def _named(rows: pd.DataFrame, areas: gpd.GeoDataFrame, *columns: str) -> pd.DataFrame:
    for name in columns:
        known = areas[name] if name in areas else pd.Series(None, index=areas.index, dtype=object)
        rows[name] = known.reindex(rows["area"]).to_numpy(dtype=object)
    return rows.reset_index(drop=True)


def _inside(proposed: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> pd.DataFrame:
    """Cameras that stand in the open part of a forbidden area: on a wall they hang outside it."""
    row, area = shapely.STRtree(areas.geometry.to_numpy()).query(
        proposed.geometry.to_numpy(), predicate="within"
    )
    where = areas.iloc[area]
    return pd.DataFrame(
        {
            "camera": proposed.index[row],
            "kind": where["kind"].to_numpy(),
            "source": where["source"].to_numpy() if "source" in where else None,
        }
    )


def _sum(rows: pd.DataFrame, name: str, index: pd.Index[int]) -> pd.Series[float]:
    return rows.groupby("camera")[name].sum().reindex(index).fillna(0.0).astype(float)


def _together_m(facades: gpd.GeoDataFrame) -> float:
    """Length of what several cameras see, counted once."""
    strips = shapely.buffer(facades.geometry.to_numpy(), OVERLAP_M / 2, cap_style="flat")
    return float(shapely.union_all(strips).area / OVERLAP_M)
