"""Cases of the groups of cameras."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.coverage import hour_groups, owner_groups, seen_shares, share_level_groups, tier_groups
from analysis.errors import InputError
from tests.analysis.sectors import grid, scattered

CAMERAS = pd.DataFrame(
    {
        "hours_per_day": [24.0, 6, 0, 24],
        "state": ["online", "online", "online", "offline"],
        "owner": ["police", "shop", "police", "school"],
        "share_level": [1, 3, 2, 3],
        "tier": ["street", "street", "high", "vehicle"],
    },
    index=["a", "b", "c", "d"],
)


def test_hours_known_by_the_day_are_spread_evenly():
    groups = hour_groups(CAMERAS)
    assert list(groups) == [f"hour:{hour:02d}" for hour in range(24)]
    for group in groups.values():
        assert dict(group) == {"a": True, "b": True, "c": False, "d": False}
    assert not hour_groups(CAMERAS, least_ratio=0.25)["hour:12"]["b"]
    assert hour_groups(CAMERAS.drop(columns="state"))["hour:12"]["d"]


def test_hours_known_one_by_one():
    sampled = pd.DataFrame(0.0, index=["b", "a", "other"], columns=range(24))
    sampled.loc["a", 8:17], sampled.loc["b", 17] = 1.0, 0.4
    groups = hour_groups(CAMERAS, sampled)
    assert dict(groups["hour:07"]) == {"a": False, "b": False, "c": False, "d": False}
    assert dict(groups["hour:17"]) == {"a": True, "b": True, "c": False, "d": False}
    assert not hour_groups(CAMERAS, sampled, least_ratio=0.5)["hour:17"]["b"]


def test_groups_by_owner_tier_and_share_level():
    assert {name: list(group[group].index) for name, group in owner_groups(CAMERAS).items()} == {
        "owner:police": ["a", "c"],
        "owner:school": ["d"],
        "owner:shop": ["b"],
    }
    assert {name: list(group[group].index) for name, group in tier_groups(CAMERAS).items()} == {
        "tier:high": ["c"],
        "tier:street": ["a", "b"],
        "tier:vehicle": ["d"],
    }
    assert {name: list(group[group].index) for name, group in share_level_groups(CAMERAS).items()} == {
        "share:1": ["a"],
        "share:2": ["c"],
        "share:3": ["b", "d"],
    }


def test_groups_of_cameras_fit_their_views():
    seen = scattered(4).set_axis(["b", "d", "a", "c"])
    groups = hour_groups(CAMERAS) | tier_groups(CAMERAS) | share_level_groups(CAMERAS)
    shares = seen_shares(grid(), seen, groups)
    pd.testing.assert_series_equal(
        shares["tier:high", 1], seen_shares(grid(), seen.loc[["c"]])["all", 1], check_names=False, atol=1e-12
    )
    pd.testing.assert_series_equal(
        shares["hour:03", 1],
        seen_shares(grid(), seen.loc[["a", "b"]])["all", 1],
        check_names=False,
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("make", "column", "value", "told"),
    [
        (hour_groups, "hours_per_day", 25.0, "hours_per_day of camera b must be between 0 and 24"),
        (hour_groups, "hours_per_day", float("nan"), "hours_per_day of camera b must be between 0 and 24"),
        (owner_groups, "owner", None, "owner of camera b must be known"),
        (tier_groups, "tier", None, "tier of camera b must be known"),
        (share_level_groups, "share_level", 1.5, "share_level of camera b must be a whole number"),
        (share_level_groups, "share_level", 0, "share_level of camera b must be a whole number"),
    ],
)
def test_a_camera_that_fits_no_group_is_named(make, column, value, told):
    cameras = CAMERAS.astype({"share_level": float})
    cameras.loc["b", column] = value
    with pytest.raises(InputError, match=told):
        make(cameras)


def test_columns_that_lack_are_named():
    for make in (hour_groups, owner_groups, tier_groups, share_level_groups):
        with pytest.raises(InputError, match="lacks the column"):
            make(pd.DataFrame(index=["a"]))
    with pytest.raises(InputError, match="24 columns"):
        hour_groups(CAMERAS, pd.DataFrame({8: [1.0]}, index=["a"]))
    sampled = pd.DataFrame(1.5, index=["a"], columns=range(24))
    with pytest.raises(InputError, match="sampled at 0 of camera a must be between 0 and 1"):
        hour_groups(CAMERAS, sampled)
    with pytest.raises(InputError, match="least_ratio"):
        hour_groups(CAMERAS, least_ratio=1)
