"""Illegal parking that happens, and the captures of the cameras that see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.categories import ILLEGAL_PARKING
from analysis.checks import require_columns, require_metric, require_positive
from analysis.errors import InputError
from geodata.towns.simulation.lines import segments_in_cells

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

__all__ = [
    "DemandModel",
    "bare_kerbs",
    "hour_of_week_profile",
    "parking_captures",
    "parking_demand",
    "parking_events",
]

_LEGAL_REACH_M = 12.0
_KERB_ASIDE_M = 2.5
_SHORTEST_MIN, _MEAN_STAY_MIN = 3.0, 35.0


@dataclass(frozen=True, slots=True)
class DemandModel:
    """
    The written model of illegal parking: true events an hour in a cell, averaged over the week.

        rate = exp(base + per_log_poi · ln(1 + POIs) + per_100_m · bare kerb / 100 m) · noise

    noise is gamma distributed with mean 1 and standard deviation 1/√noise_shape. A cell without bare kerb has
    rate 0. The coefficients are this project's own assumptions, chosen so that the centre of Helsinki, with
    some 200 cells and 200 cameras, has about 70,000 events and 8,000 captures a year.

    Parameters
    ----------
    base
        Log of the events an hour in a cell without POIs and with very little bare kerb.
    per_log_poi
        Log rate for each unit of ln(1 + POIs): shops and offices draw cars.
    per_100_m
        Log rate for each 100 m of kerb without legal bays: the room to park badly.
    noise_shape
        Above 0; the larger, the closer all cells follow the two causes.
    """

    base: float = -4.2
    per_log_poi: float = 0.45
    per_100_m: float = 0.12
    noise_shape: float = 4.0

    def __post_init__(self) -> None:
        require_positive("noise_shape", self.noise_shape)

    def mean_rate_per_h(
        self, poi_count: NDArray[np.integer], bare_kerb_m: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Events an hour before noise."""
        rate = np.exp(self.base + self.per_log_poi * np.log1p(poi_count) + self.per_100_m * bare_kerb_m / 100)
        return np.where(bare_kerb_m > 0, rate, 0.0)


def hour_of_week_profile() -> NDArray[np.float64]:
    """
    How busy each hour of the week is against the mean: 168 floats from Monday 00:00 local time, of mean 1.

    Two peaks on working days, at 9 and at 18 o'clock, one broad one on Saturday and a lower one on Sunday.
    """
    hour = np.arange(24)

    def peak(at: float, width: float) -> NDArray[np.float64]:
        return np.exp(-0.5 * ((hour - at) / width) ** 2)

    working = 0.15 + 1.0 * peak(9, 1.8) + 0.6 * peak(13, 2.0) + 1.3 * peak(18, 2.2)
    saturday = 0.2 + 1.4 * peak(14, 3.5)
    sunday = 0.15 + 0.9 * peak(14, 3.5)
    week = np.concatenate([working] * 5 + [saturday, sunday])
    return week / week.mean()


def bare_kerbs(
    streets: gpd.GeoDataFrame,
    kerbs: gpd.GeoDataFrame,
    *,
    reach_m: float = _LEGAL_REACH_M,
    aside_m: float = _KERB_ASIDE_M,
) -> gpd.GeoDataFrame:
    """
    Both kerbs of the streets, without the stretches along which parking is allowed: where it can be illegal.

    The one set of lines for demand, events and exposure: make the points of `analysis.exposure.Watch` of it.

    Parameters
    ----------
    streets
        Centre lines in metres; other geometries are left out.
    kerbs
        Lines along which parking is allowed, in the CRS of `streets`; may have no rows.
    reach_m
        A street runs along an allowed stretch while it is nearer than this, above 0.
    aside_m
        Distance from the centre line to a kerb, above 0.

    Returns
    -------
    bare
        One unbroken line a row, indexed by the street it belongs to, with `side` ("left" or "right" of the
        street's direction).

    Raises
    ------
    CrsError
        If a frame is not in metres, or two differ.
    """
    require_metric(streets=streets, kerbs=kerbs)
    require_positive("reach_m", reach_m)
    require_positive("aside_m", aside_m)
    centres = streets.geometry.to_numpy()
    legal = shapely.get_parts(shapely.union_all(shapely.buffer(kerbs.geometry.to_numpy(), reach_m)))
    # each street is cut by what it meets of the allowed ground, not by that of the whole town
    met, ground = shapely.STRtree(legal).query(centres, predicate="intersects")
    order = np.lexsort((ground, met))
    rows, place = np.unique(met[order], return_inverse=True)
    left = centres.copy()
    left[rows] = shapely.difference(centres[rows], shapely.multipolygons(legal[ground[order]], indices=place))
    parts, row = _unbroken(left, np.arange(len(centres)))
    sides = []
    for side, distance_m in (("left", aside_m), ("right", -aside_m)):
        lines, street = _unbroken(shapely.offset_curve(parts, distance_m), row)
        label = streets.index.take(street)
        shapes = gpd.GeoSeries(lines.tolist(), index=label, crs=streets.crs)
        sides.append(gpd.GeoDataFrame({"side": side}, index=label, geometry=shapes))
    return gpd.GeoDataFrame(pd.concat(sides), crs=streets.crs)


def parking_demand(
    cells: gpd.GeoDataFrame,
    pois: gpd.GeoDataFrame,
    bare: gpd.GeoDataFrame,
    rng: np.random.Generator,
    *,
    model: DemandModel | None = None,
) -> pd.DataFrame:
    """
    True rate of illegal parking in each cell: the answer that estimates are scored against.

    Parameters
    ----------
    cells
        Unit cells with the column `code`, Polygons in metres.
    pois
        Points of interest (any geometry: a point inside it counts), in the CRS of `cells`.
    bare
        From `bare_kerbs`, in the CRS of `cells`.
    rng
        Source of randomness.
    model
        `DemandModel()` by default.

    Returns
    -------
    truth
        Indexed like `cells`: `code`, `poi_count`, `bare_kerb_m`, `noise` (gamma, mean 1) and `rate_per_h`
        (true events an hour in the cell, the mean over a week; see `hour_of_week_profile`).

    Raises
    ------
    CrsError
        If a frame is not in metres, or two differ.
    InputError
        If `cells` lacks `code`.
    """
    require_metric(cells=cells, pois=pois, bare=bare)
    require_columns("cells", cells, "code")
    model = model or DemandModel()
    bare_kerb_m = segments_in_cells(bare, cells).length_by_cell(len(cells))
    points = shapely.point_on_surface(pois.geometry.to_numpy())
    at_cell = shapely.STRtree(points).query(cells.geometry.to_numpy(), predicate="intersects")[0]
    poi_count = np.bincount(at_cell, minlength=len(cells))
    noise = rng.gamma(model.noise_shape, 1 / model.noise_shape, len(cells))
    return pd.DataFrame(
        {
            "code": cells["code"],
            "poi_count": poi_count,
            "bare_kerb_m": bare_kerb_m,
            "noise": noise,
            "rate_per_h": model.mean_rate_per_h(poi_count, bare_kerb_m) * noise,
        },
        index=cells.index,
    )


def parking_events(
    cells: gpd.GeoDataFrame,
    truth: pd.DataFrame,
    bare: gpd.GeoDataFrame,
    rng: np.random.Generator,
    *,
    start: dt.datetime,
    days: int,
    zone: str | dt.tzinfo = "UTC",
) -> gpd.GeoDataFrame:
    """
    Every illegal parking that takes place, seen by anyone or not.

    The number in a cell is Poisson(rate_per_h × hours); hours of the week follow `hour_of_week_profile`;
    places are uniform along the cell's bare kerbs; stays last 3 minutes plus an exponential time, 35 minutes
    on average.

    Parameters
    ----------
    cells, truth
        Unit cells and their true rates from `parking_demand`, with one index.
    bare
        From `bare_kerbs`: the lines that `parking_demand` was given.
    rng
        Source of randomness.
    start
        Aware first moment.
    days
        Length in days, 1 or more.
    zone
        Time zone whose clock the profile follows.

    Returns
    -------
    events
        Sorted by time: `event_id` (from 1), `cell_code`, `started_at` (aware UTC), `duration_min` and a
        geometry of Points in the CRS of `cells`.

    Raises
    ------
    CrsError
        If a frame is not in metres, or two differ.
    InputError
        If `start` is naive, `days` is not above 0, the indexes differ, or a cell with a rate has no kerb.
    """
    require_metric(cells=cells, bare=bare)
    require_columns("cells", cells, "code")
    require_positive("days", days)
    if start.tzinfo is None:
        raise InputError("start is without a time zone.", "Pass an aware time, for instance in UTC.")
    if not truth.index.equals(cells.index):
        raise InputError("truth and cells differ in their index.", "Pass the truth made from these cells.")
    segments = segments_in_cells(bare, cells)
    rates = truth["rate_per_h"].to_numpy(dtype=float)
    stranded = (rates > 0) & (segments.length_by_cell(len(cells)) == 0)
    if stranded.any():
        raise InputError(
            "Cell {code} has a rate above 0 but no bare kerb.",
            "Pass the lines that parking_demand was given.",
            code=cells["code"].to_numpy()[stranded][0],
        )
    hours = pd.date_range(start, periods=round(days * 24), freq="h").tz_convert("UTC")
    local = hours.tz_convert(zone)
    busy = hour_of_week_profile()[local.day_of_week.to_numpy() * 24 + local.hour.to_numpy()]
    cell = np.repeat(np.arange(len(cells)), rng.poisson(rates * busy.sum()))
    hour = rng.choice(len(hours), len(cell), p=busy / busy.sum())
    seconds = rng.integers(0, 3600, len(cell))
    places = segments.places(cell, rng)
    stay = _SHORTEST_MIN + rng.exponential(_MEAN_STAY_MIN - _SHORTEST_MIN, len(cell))
    events = gpd.GeoDataFrame(
        {
            "cell_code": cells["code"].to_numpy()[cell],
            "started_at": hours[hour] + pd.to_timedelta(seconds, unit="s"),
            "duration_min": stay.round(1),
        },
        geometry=shapely.points(places),
        crs=cells.crs,
    )
    events = events.sort_values("started_at", kind="stable", ignore_index=True)
    events.insert(0, "event_id", np.arange(1, len(events) + 1))
    return events


def parking_captures(
    events: gpd.GeoDataFrame,
    views: gpd.GeoDataFrame,
    sampled: pd.DataFrame,
    recall: float | pd.Series[float],
    rng: np.random.Generator,
    *,
    zone: str | dt.tzinfo = "UTC",
) -> gpd.GeoDataFrame:
    """
    What cameras catch: each camera that sees an event's place catches it with chance recall × share sampled of its
    hour.

    Within an hour cameras look independently of the traffic and of one another, so the exposure of these captures is
    `analysis.exposure.Watch.looked_at` with chance = sampled × recall along `bare_kerbs`.

    Parameters
    ----------
    events
        From `parking_events`.
    views
        Ground that each camera sees, one row a camera, indexed by camera id; in the CRS of `events`.
    sampled
        Share of each hour of the week that each camera is sampled, [0, 1], indexed by camera id; see
        `sampling_week`.
    recall
        Share of the events in view that the detector finds, [0, 1]: one number or one a camera id.
    rng
        Source of randomness.
    zone
        Time zone whose clock the hours of the week follow.

    Returns
    -------
    captures
        Sorted by time: `capture_id` (from 1), `event_id`, `camera_id`, `cell_code`, `captured_at` (aware
        UTC, during the event), `event_class` ("05-05"), `same_as` (the `capture_id` of the first capture of
        the same event, missing for the first itself) and a geometry of Points. The rows
        without `same_as` count each event once.

    Raises
    ------
    CrsError
        If the frames are not in metres, or differ.
    InputError
        If a camera lacks hours or recall, or has a value out of range.
    """
    require_metric(events=events, views=views)
    chance = _chances(views, sampled, recall)
    started = pd.DatetimeIndex(events["started_at"]).tz_convert(zone)
    hour = started.day_of_week.to_numpy() * 24 + started.hour.to_numpy()
    camera, event = shapely.STRtree(events.geometry.to_numpy()).query(
        views.geometry.to_numpy(), predicate="contains"
    )
    order = np.lexsort((camera, event))
    camera, event = camera[order], event[order]
    caught = rng.random(len(event)) < chance[camera, hour[event]]
    camera, event = camera[caught], event[caught]
    rows = events.iloc[event]
    waited = rng.random(len(rows)) * rows["duration_min"].to_numpy()
    captures = gpd.GeoDataFrame(
        {
            "event_id": rows["event_id"].to_numpy(),
            "camera_id": views.index.take(camera),
            "cell_code": rows["cell_code"].to_numpy(),
            "captured_at": pd.DatetimeIndex(rows["started_at"])
            + pd.to_timedelta((waited * 60).round(), unit="s"),
            "event_class": ILLEGAL_PARKING,
        },
        geometry=rows.geometry.to_numpy(),
        crs=events.crs,
    )
    captures = captures.sort_values(["captured_at", "event_id"], kind="stable", ignore_index=True)
    captures.insert(0, "capture_id", np.arange(1, len(captures) + 1))
    first = captures.groupby("event_id")["capture_id"].transform("first")
    again = first.astype("Int64").where(first != captures["capture_id"])
    captures.insert(len(captures.columns) - 1, "same_as", again)
    return captures


def _chances(
    views: gpd.GeoDataFrame, sampled: pd.DataFrame, recall: float | pd.Series[float]
) -> NDArray[np.float64]:
    """Chance that each camera, in the order of `views`, catches an event that it sees in each hour of the week."""
    found = recall if isinstance(recall, pd.Series) else pd.Series(float(recall), index=views.index)
    share = sampled.reindex(views.index).to_numpy(dtype=float)
    chance = share * found.reindex(views.index).to_numpy(dtype=float)[:, None]
    bad = ~((chance >= 0) & (chance <= 1)).all(axis=1)
    if bad.any():
        raise InputError(
            "Camera {camera} catches an event in view with a chance outside [0, 1].",
            "Give it shares of the hours and a recall in [0, 1].",
            camera=views.index[bad][0],
        )
    return chance


def _unbroken(
    lines: NDArray[np.object_], row: NDArray[np.intp]
) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Single lines that `lines` consist of, and the row of each."""
    parts, part_of = shapely.get_parts(lines, return_index=True)
    straight = np.isin(shapely.get_type_id(parts), (1, 2)) & (shapely.length(parts) > 0)
    return parts[straight], row[part_of[straight]]
