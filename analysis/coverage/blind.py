"""Blind areas: what no camera, patrol or report has looked at for some days."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.checks import require_columns, require_metric, require_positive
from analysis.coverage.measure import Eyes, Pairs, Places, measure, read_eyes, read_places, single_shares
from analysis.coverage.outlines import LINE, POINT, Frame, valid_areas, valid_places
from analysis.errors import InputError, Term

__all__ = ["SOURCES", "unseen_places"]

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]

SOURCES = ("camera", "patrol", "report")
"""Who looks; of two who looked at the same moment, the first named is told."""
STEPS = 48
"""Steps of the decay over the days that count."""
DAY_S = 86_400.0
TRIED = 4
"""So many looks at a place are tried at once, then so many times more."""


class Looks(NamedTuple):
    """Ground that was looked at, how many days ago, and by which of the SOURCES (its position)."""

    shapes: Shapes
    age_days: Floats
    source: npt.NDArray[np.int64]


def unseen_places(
    places: Frame,
    *,
    until: dt.datetime,
    days: float,
    views: Frame | None = None,
    sampled_at: pd.Series[Any] | None = None,
    tracks: gpd.GeoDataFrame | None = None,
    reports: gpd.GeoDataFrame | None = None,
    half_life_days: float | None = None,
    threshold: float = 0.05,
) -> pd.DataFrame:
    """
    How long ago, by whom and how much of each place was looked at; a place that nobody looked at is blind.

    Parameters
    ----------
    places
        Polygons, lines or points, as in `seen_shares`.
    until
        The moment for which this is asked, with a time zone. What was seen later is left out.
    days
        A look counts for so many days, above 0.
    views
        Ground that each camera sees, in the CRS of `places`.
    sampled_at
        When a frame of each camera was last sampled, by camera; aware times, missing if never. Needed with
        `views`; a camera that lacks here was never sampled.
    tracks
        Lines that patrols went, with `width_m` above 0 (how far to each side they looked) and `ended_at`.
    reports
        Points that people reported from, with `radius_m` above 0 (how far they looked) and `at`.
    half_life_days
        After so many days a look is worth half; half of `days` if left out.
    threshold
        A place is blind if less than this share of it was looked at within `days`, in (0, 1].

    Returns
    -------
    looks
        Indexed like `places`: `camera_ratio`, `patrol_ratio`, `report_ratio`, the share of the place that each
        looked at within `days`, and `any_ratio`, that at least one of them did; `freshness_ratio`, the same with
        each spot weighted by 0.5 ** (days since the last look / half_life_days), in 48 steps over `days`, so that
        it errs by at most half a step's decay; `days_since`, days since anybody looked at any of it, however long
        ago, and `source`, who that was (missing if nobody ever did); `blind`.

    Raises
    ------
    CrsError
        If a frame is not in metres, or two differ.
    InputError
        If a shape, a time, or another value is out of range, or `views` come without `sampled_at`.
    """
    require_positive("days", days)
    half_life = days / 2 if half_life_days is None else half_life_days
    require_positive("half_life_days", half_life)
    if not 0 < threshold <= 1:
        raise InputError(
            "threshold is {value}, but a share is above 0 and at most 1.",
            "Give 0.05 for five per cent.",
            value=threshold,
        )
    given = {"views": views, "tracks": tracks, "reports": reports}
    require_metric(places=places, **{name: frame for name, frame in given.items() if frame is not None})
    looks = _joined(
        [_by_camera(views, sampled_at, until), _by_patrol(tracks, until), _by_report(reports, until)]
    )
    wanted = read_places("places", places)
    steps = days * np.arange(1, STEPS + 1) / STEPS
    recent = looks.age_days <= days
    groups = {name: recent & (looks.source == n) for n, name in enumerate(SOURCES)}
    groups |= {f"within {step:g}": looks.age_days <= step for step in steps}
    eyes, names = read_eyes(gpd.GeoSeries(looks.shapes, crs=places.crs), groups)
    pairs = eyes.near(wanted)
    tally = measure(wanted, eyes, len(names), pairs)
    share = tally.once / tally.ground[:, None]
    within = share[:, len(SOURCES) :]
    worth = 0.5 ** ((steps - steps[0] / 2) / half_life)
    table = pd.DataFrame(
        share[:, : len(SOURCES)], index=places.index, columns=[f"{s}_ratio" for s in SOURCES]
    )
    table["any_ratio"] = within[:, -1]
    table["freshness_ratio"] = np.diff(within, axis=1, prepend=0.0) @ worth
    table["days_since"], table["source"] = _last_look(wanted, eyes, looks, pairs)
    table["blind"] = table["any_ratio"] < threshold
    return table


def _last_look(wanted: Places, eyes: Eyes, looks: Looks, pairs: Pairs) -> tuple[Floats, Shapes]:
    """
    Days since the last look at each place, and who looked.

    Pairs are tried from the newest look on, a few of each place at once: mostly one of the first meets its place, and
    the others need not be measured.
    """
    place, look = pairs
    order = np.lexsort([looks.source[look], looks.age_days[look], place])
    place, look = place[order], look[order]
    count = len(wanted.labels)
    days, source = np.full(count, np.nan), np.full(count, None, dtype=object)
    ends = np.searchsorted(place, np.arange(count + 1))
    at, end = ends[:-1].copy(), ends[1:]
    most = TRIED
    while (left := np.flatnonzero(at < end)).size:
        number = np.minimum(end[left] - at[left], most)
        step = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
        row = np.repeat(at[left], number) + step
        hit = row[single_shares(wanted, eyes, (place[row], look[row])) > 0]
        met, first = np.unique(place[hit], return_index=True)
        newest = look[hit[first]]
        days[met], source[met] = looks.age_days[newest], np.array(SOURCES, dtype=object)[looks.source[newest]]
        at[left] += number
        at[met] = end[met]
        most *= TRIED
    return days, source


def _by_camera(views: Frame | None, sampled_at: pd.Series[Any] | None, until: dt.datetime) -> Looks:
    if views is None:
        return _none()
    if sampled_at is None:
        raise InputError(
            "views come without sampled_at.", "Say by camera when a frame of it was last sampled."
        )
    if not sampled_at.index.is_unique:
        raise InputError(
            "sampled_at holds camera {camera} more than once.",
            "Give the last time of each: sampled_at.groupby(level=0).max().",
            camera=sampled_at.index[sampled_at.index.duplicated()][0],
        )
    shapes = valid_areas("views", views)
    return _looks(shapes, _age_days("sampled_at", sampled_at.reindex(views.index), until), 0)


def _by_patrol(tracks: gpd.GeoDataFrame | None, until: dt.datetime) -> Looks:
    if tracks is None:
        return _none()
    require_columns("tracks", tracks, "width_m", "ended_at")
    lines = _of_kind("tracks", tracks, LINE, Term("line"))
    require_positive("width_m of tracks", tracks["width_m"])
    shapes = shapely.buffer(lines, tracks["width_m"].to_numpy(dtype=float))
    return _looks(shapes, _age_days("ended_at of tracks", tracks["ended_at"], until), 1)


def _by_report(reports: gpd.GeoDataFrame | None, until: dt.datetime) -> Looks:
    if reports is None:
        return _none()
    require_columns("reports", reports, "radius_m", "at")
    points = _of_kind("reports", reports, POINT, Term("point"))
    require_positive("radius_m of reports", reports["radius_m"])
    shapes = shapely.buffer(points, reports["radius_m"].to_numpy(dtype=float))
    return _looks(shapes, _age_days("at of reports", reports["at"], until), 2)


def _of_kind(name: str, frame: gpd.GeoDataFrame, kind: int, word: Term) -> Shapes:
    shapes, kinds = valid_places(name, frame)
    if (kinds != kind).any():
        row = int(np.flatnonzero(kinds != kind)[0])
        raise InputError(
            "Row {row} of {name} is a {found}, not a {word}.",
            "Correct that row or leave it out.",
            row=frame.index[row],
            name=name,
            found=shapes[row].geom_type,
            word=word,
        )
    return shapes


def _age_days(name: str, times: pd.Series[Any], until: dt.datetime) -> Floats:
    """Days before `until`; negative after it, not a number where there is no time."""
    stamps = pd.to_datetime(times)
    if until.tzinfo is None or (len(stamps.dropna()) and stamps.dt.tz is None):
        raise InputError(
            "{name} has no time zone.",
            "Give aware times, such as 2026-05-01T08:00+08:00.",
            name="until" if until.tzinfo is None else name,
        )
    if not len(stamps.dropna()):
        return np.full(len(stamps), np.nan)
    return np.array((until - stamps).dt.total_seconds() / DAY_S, dtype=np.float64)


def _looks(shapes: Shapes, age_days: Floats, source: int) -> Looks:
    """Those that had happened."""
    past = age_days >= 0
    return Looks(shapes[past], age_days[past], np.full(past.sum(), source))


def _none() -> Looks:
    return Looks(np.empty(0, dtype=object), np.empty(0), np.empty(0, np.int64))


def _joined(parts: list[Looks]) -> Looks:
    return Looks(*(np.concatenate(column) for column in zip(*parts, strict=True)))
