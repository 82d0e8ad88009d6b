"""Groups of cameras whose cover is asked for: by hour, owner, share level, tier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.checks import require_columns
from analysis.errors import InputError

__all__ = ["hour_groups", "owner_groups", "share_level_groups", "tier_groups"]

Group = dict[str, "pd.Series[bool]"]

HOURS = range(24)


def hour_groups(
    cameras: pd.DataFrame, sampled: pd.DataFrame | None = None, *, least_ratio: float = 0.0
) -> Group:
    """
    Cameras that look during each hour of the day.

    A camera is in the group of an hour if it is online and frames are sampled during more than `least_ratio` of that
    hour. Where only the hours a day are known, they are spread evenly: 6 h/d are a quarter of every hour, so that all
    hours are alike.

    Parameters
    ----------
    cameras
        One row a camera, with `hours_per_day` in [0, 24] (not read if `sampled` is given) and, where it varies,
        `state`: a camera that is not "online" is in no group.
    sampled
        How much of each hour is sampled, if that is known: one row a camera, the 24 columns 0 to 23 (hour of the
        day in the town's time), hours a day in [0, 1]; from exposure: hours sampled in a month over its days. A
        camera that lacks here samples nothing.
    least_ratio
        Share of the hour, in [0, 1).

    Returns
    -------
    groups
        "hour:00" to "hour:23", each one truth value a camera, indexed like `cameras`.

    Raises
    ------
    InputError
        If a column is missing or a value out of range; the message names the camera.
    """
    if not 0 <= least_ratio < 1:
        raise InputError(
            "least_ratio is {value}, but must be 0 or more and below 1.",
            "Give 0.5 for half of each hour.",
            value=least_ratio,
        )
    if sampled is None:
        require_columns("cameras", cameras, "hours_per_day")
        day = _hours("hours_per_day", cameras["hours_per_day"], 24.0) / 24
        share = pd.DataFrame({hour: day for hour in HOURS}, index=cameras.index)
    else:
        if not sampled.index.is_unique or not set(HOURS) <= set(sampled.columns):
            raise InputError(
                "sampled is not one row a camera with the 24 columns 0 to 23.",
                "Pivot it: sampled.pivot(index='camera_id', columns='hour', values='ratio').",
            )
        share = sampled.reindex(cameras.index, fill_value=0.0)
        share = pd.DataFrame({hour: _hours(f"sampled at {hour}", share[hour], 1.0) for hour in HOURS})
    online = cameras["state"] == "online" if "state" in cameras else pd.Series(True, index=cameras.index)
    return {f"hour:{hour:02d}": (share[hour] > least_ratio) & online for hour in HOURS}


def owner_groups(cameras: pd.DataFrame) -> Group:
    """
    Cameras of each owner: "owner:…", in order of name, from the column `owner`.

    Raises
    ------
    InputError
        If the column is missing, or a camera has no owner.
    """
    return _by_value(cameras, "owner", "owner")


def tier_groups(cameras: pd.DataFrame) -> Group:
    """
    Cameras of each tier: "tier:high", "tier:street", "tier:vehicle" …, in order of name, from the column `tier`.

    Raises
    ------
    InputError
        If the column is missing, or a camera has no tier.
    """
    return _by_value(cameras, "tier", "tier")


def share_level_groups(cameras: pd.DataFrame) -> Group:
    """
    Cameras of each share level: "share:1" (own office only), "share:2", …, from the whole number `share_level`.

    What somebody sees who may look from level 2 on is asked for with a group of one's own: level 2 or more.

    Raises
    ------
    InputError
        If the column is missing, or a level is not a whole number of 1 or more.
    """
    require_columns("cameras", cameras, "share_level")
    level = pd.to_numeric(cameras["share_level"], errors="coerce")
    _require(cameras, "share_level", (level >= 1) & (level % 1 == 0), "a whole number, 1 or more")
    return {f"share:{n}": level == n for n in sorted(level.astype(int).unique())}


def _by_value(cameras: pd.DataFrame, column: str, prefix: str) -> Group:
    require_columns("cameras", cameras, column)
    _require(cameras, column, cameras[column].notna(), "known")
    return {f"{prefix}:{value}": cameras[column] == value for value in sorted(cameras[column].unique())}


def _hours(name: str, hours: pd.Series[Any], most: float) -> pd.Series[float]:
    number = pd.to_numeric(hours, errors="coerce").astype(float)
    _require(pd.DataFrame({name: hours}), name, number.between(0, most), f"between 0 and {most:g}")
    return number


def _require(cameras: pd.DataFrame, column: str, good: pd.Series[bool], rule: str) -> None:
    if not good.all():
        row = int(np.argmin(good.to_numpy(dtype=bool)))
        raise InputError(
            "{name} of camera {row} must be {rule}, but is {value}.",
            "Correct that camera or leave it out.",
            name=column,
            row=cameras.index[row],
            rule=rule,
            value=cameras[column].iloc[row],
        )
