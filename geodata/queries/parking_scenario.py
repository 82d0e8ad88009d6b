"""What other cameras would tell of parking: exposure anew where they differ, demand and its certainty with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.demand import Demand
from geodata.queries.demand import PLACES, Estimates, Looking, Streetscape
from geodata.queries.outlook import Outlook
from geodata.queries.parking import ParkingGround, Standing
from geodata.queries.scenarios import Scenario

__all__ = ["METHOD", "standing_under"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

METHOD = (
    "exposure anew where cameras differ; captures that the period would have brought: those made, less what is no"
    " longer looked at, plus the estimated rate over what is newly looked at; gamma posterior about the model as it"
    " stands"
)


def standing_under(ground: ParkingGround, scenario: Scenario, found: Outlook) -> Standing:
    """
    Demand as it would be told by the cameras of a scenario, had they stood there in the period.

    Other cameras do not change what happens, only what is known of it: where fewer look, captures thin out
    and the model tells more; where more look, the intervals narrow. New cameras are sampled as the mean of all.

    Parameters
    ----------
    ground
        The town.
    scenario
        Whose cameras.
    found
        What they see.
    """
    now, items = ground.now, scenario.items
    views = found.new_views[~found.new_views.is_empty]
    stored = items.loc[items["action"] != "add", "camera_id"].astype("int64")
    gone = [camera for camera in stored if camera in now.watch.cameras]
    new = gpd.GeoSeries(views.set_axis(-views.index.to_numpy()), crs=ground.epsg)
    watch = now.watch.changed(remove=gone, add=new)
    standing = Standing(watch, _looking(now.looking, scenario, new.index), now.found)
    touched = _touched(ground, standing, gone, new.index)
    if not touched.size:
        return standing
    demand: dict[str, Demand] = {}
    seen: dict[str, pd.Series[float]] = {}
    chance = standing.looking.share * ground.recall.mean
    scape = ground.scape
    in_view = _in_view(scape, standing)
    for place in PLACES:
        row, count = scape.place[place], len(scape.ids[place])
        places = np.unique(row[touched])
        group = np.where(np.isin(row, places), row, -1)
        looked = watch.looked_at(scape.weight_m, group, count, chance) * standing.looking.hours
        demand[place] = _updated(now.found.demand[place], places, looked, scape.covariates[place])
        seen[place] = pd.Series(
            np.bincount(row, weights=scape.weight_m * in_view, minlength=count),
            index=scape.ids[place],
            name="seen_m",
        )
    return replace(standing, found=Estimates(demand, seen, now.found.unused))


def _looking(looking: Looking, scenario: Scenario, new: pd.Index[int]) -> Looking:
    """Moved cameras keep their hours; new ones have the mean of all."""
    share = looking.share
    mean = share.mean(axis=0).fillna(0.0) if len(share) else pd.Series(0.0, index=share.columns)
    rows = {}
    for label in new:
        camera = scenario.items["camera_id"].get(-label)
        rows[label] = share.loc[camera] if not pd.isna(camera) and camera in share.index else mean
    if not rows:
        return looking
    return replace(looking, share=pd.concat([share, pd.DataFrame(rows).T.set_axis(share.columns, axis=1)]))


def _touched(ground: ParkingGround, standing: Standing, gone: list[int], new: pd.Index[int]) -> Ints:
    """Kerb points that a camera saw which is gone, or sees which is new."""
    found = []
    for watch, labels in ((ground.now.watch, pd.Index(gone)), (standing.watch, new)):
        camera, point = watch.pairs()
        found.append(point[np.isin(camera, watch.cameras.get_indexer(labels))])
    return np.unique(np.concatenate(found))


def _in_view(scape: Streetscape, standing: Standing) -> Floats:
    """1 for kerb points that a camera with hours sees."""
    active = standing.looking.share.index[standing.looking.share.gt(0).any(axis=1)]
    camera, point = standing.watch.pairs()
    seen = np.zeros(len(scape.points))
    seen[point[np.isin(camera, np.flatnonzero(standing.watch.cameras.isin(active)))]] = 1.0
    return seen


def _updated(before: Demand, rows: Ints, looked: Floats, covariates: pd.DataFrame) -> Demand:
    """
    Demand with another exposure of some places.

    A place's gamma has shape 1/cv² + captures and rate 1/(cv²·prior) + exposure: the prior is what is left of them
    without captures and exposure, and needs no new fit.
    """
    weights = before.profile.weight
    places = before.places.copy()
    old = before.hour_exposure[rows]
    caught, exposed = before.hour_captures.copy(), before.hour_exposure.copy()
    exposed[rows] = looked[rows]
    shape, scale = (places[name].to_numpy(dtype=np.float64)[rows] for name in ("shape", "scale"))
    total, hours = caught[rows].sum(axis=1), old @ weights
    prior_shape, prior_hours = shape - total, 1 / scale - hours
    unknown = np.isnan(shape)
    if unknown.any() and before.model is not None:
        # unlike all that were seen while nobody looked; once somebody looks the model's word is a beginning
        told = before.model.expected(covariates.iloc[rows])
        fresh = 1 / told["cv2"].to_numpy()
        prior_shape = np.where(unknown, fresh, prior_shape)
        prior_hours = np.where(unknown, fresh / told["rate"].to_numpy(), prior_hours)
    rate = np.where(unknown, prior_shape / prior_hours, shape * scale)
    ratio = np.divide(looked[rows], old, out=np.zeros_like(old), where=old > 0)
    more = np.maximum(looked[rows] - old, 0.0)
    caught[rows] = caught[rows] * np.minimum(ratio, 1.0) + np.nan_to_num(rate)[:, None] * weights * more
    total, hours = caught[rows].sum(axis=1), looked[rows] @ weights
    shape, scale = prior_shape + total, 1 / (prior_hours + hours)
    told_ratio = hours * scale
    known = np.isfinite(shape) & np.isfinite(scale) & ~(unknown & (hours == 0))
    evidence = np.where(told_ratio >= 0.5, "observed", "modelled")
    if before.model is None:
        evidence = np.where(hours > 0, "observed", "none")
        known &= hours > 0
    at = places.index[rows]
    places["captures"] = places["captures"].astype(np.float64)
    places.loc[at, "captures"] = total
    places.loc[at, "exposure"] = hours
    places.loc[at, "shape"] = np.where(known, shape, np.nan)
    places.loc[at, "scale"] = np.where(known, scale, np.nan)
    places.loc[at, "weight"] = np.where(known, told_ratio, 0.0)
    places.loc[at, "evidence"] = np.where(known, evidence, "none")
    return replace(before, places=places, hour_captures=caught, hour_exposure=exposed)
