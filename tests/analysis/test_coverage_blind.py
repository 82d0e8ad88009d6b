"""Laws and cases of what nobody looked at for some days."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.coverage import seen_shares, unseen_places
from analysis.errors import CrsError, InputError
from tests.analysis.sectors import UTM, grid, scattered, views

NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)


def ago(days):
    return pd.Timestamp(NOON) - pd.Timedelta(days=days)


def tracks(*rows):
    """Patrols: line, metres to each side, days ago."""
    lines, widths, days = zip(*rows, strict=True)
    frame = {"width_m": widths, "ended_at": [ago(d) for d in days]}
    return gpd.GeoDataFrame(frame, geometry=[shapely.LineString(line) for line in lines], crs=UTM)


def reports(*rows):
    """Reports: point, metres around, days ago."""
    points, radii, days = zip(*rows, strict=True)
    frame = {"radius_m": radii, "at": [ago(d) for d in days]}
    return gpd.GeoDataFrame(frame, geometry=[shapely.Point(point) for point in points], crs=UTM)


# Laws


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 20), min_size=6, max_size=6), st.floats(0.5, 9), st.floats(0.5, 9))
def test_more_days_never_make_a_place_blinder(ages, days, more):
    cameras = scattered(6, seed=9)
    sampled = pd.Series([ago(age) for age in ages], index=cameras.index)
    ask = {"until": NOON, "views": cameras, "sampled_at": sampled, "half_life_days": 5}
    few = unseen_places(grid(), days=days, **ask)
    many = unseen_places(grid(), days=days + more, **ask)
    assert (many["any_ratio"] >= few["any_ratio"] - 1e-12).all()
    assert (few["freshness_ratio"] <= few["any_ratio"] + 1e-12).all()
    assert (few["blind"] | ~many["blind"]).all()
    pd.testing.assert_series_equal(few["days_since"], many["days_since"])
    recent = cameras[np.array(ages) <= days]
    expected = seen_shares(grid(), recent)["all", 1]
    pd.testing.assert_series_equal(few["camera_ratio"], expected, check_names=False, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 9.9), min_size=5, max_size=5))
def test_freshness_is_the_decay_since_the_last_look(ages):
    cameras = views([shapely.box(0, 0, 10, 10)] * 5)
    sampled = pd.Series([ago(age) for age in ages], index=cameras.index)
    looks = unseen_places(
        grid(10, 1), until=NOON, days=10, views=cameras, sampled_at=sampled, half_life_days=4
    )
    half_step = 0.5 * 10 / 48
    assert 0.5 ** ((min(ages) + half_step + 1e-6) / 4) <= looks["freshness_ratio"].iloc[0]
    assert looks["freshness_ratio"].iloc[0] <= 0.5 ** ((min(ages) - half_step - 1e-6) / 4)
    assert looks["days_since"].iloc[0] == pytest.approx(min(ages), abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_last_look_is_the_newest_that_meets_the_place(seed):
    """Of many looks whose boxes meet a place few see any of it; which one was last needs no other to be measured."""
    random = np.random.default_rng(seed)
    west, south = random.uniform(-30, 30, (2, 40))
    corners = [[(x, y), (x + 30, y), (x, y + 30)] for x, y in zip(west, south, strict=True)]
    cameras = views([shapely.Polygon(each) for each in corners])
    ages = random.integers(0, 12, 40)
    sampled = pd.Series([ago(int(age)) for age in ages], index=cameras.index)
    cells = grid(10, 2)
    looks = unseen_places(cells, until=NOON, days=7, views=cameras, sampled_at=sampled)
    for cell, told in zip(cells.geometry, looks["days_since"], strict=True):
        met = shapely.area(shapely.intersection(cell, cameras.geometry.to_numpy())) > 1e-9
        assert told == (ages[met].min() if met.any() else pytest.approx(np.nan, nan_ok=True))


# Cases


def test_who_looked_last_and_at_how_much():
    cells = grid(side=10, count=2)
    looks = unseen_places(
        cells,
        until=NOON,
        days=7,
        views=views([shapely.box(0, 0, 5, 10), shapely.box(10, 0, 20, 10)]),
        sampled_at=pd.Series({"v0": ago(1), "v1": ago(8), "other": ago(0)}),
        tracks=tracks(([(-20, 5), (40, 5)], 2, 3)),
        reports=reports(((5, 15), 1, 0.5), ((15, 15), 100, -0.1)),
    )
    assert list(looks.index) == list(cells.index)
    assert list(looks["camera_ratio"]) == pytest.approx([0.5, 0, 0, 0])
    assert list(looks["patrol_ratio"]) == pytest.approx([0.4, 0.4, 0, 0])
    assert list(looks["any_ratio"])[:2] == pytest.approx([0.7, 0.4])
    assert looks["report_ratio"].iloc[2] == pytest.approx(np.pi / 100, rel=0.02)
    assert list(looks["source"].fillna("nobody")) == ["camera", "patrol", "report", "nobody"]
    assert list(looks["days_since"])[:3] == pytest.approx([1, 3, 0.5])
    assert np.isnan(looks["days_since"].iloc[3])
    assert list(looks["blind"]) == [False, False, True, True]
    wide = unseen_places(cells, until=NOON, days=9, reports=reports(((5, 15), 1, 0.5)), threshold=0.01)
    assert list(wide["blind"]) == [True, True, False, True]


def test_a_look_long_ago_is_told_but_does_not_count():
    looks = unseen_places(grid(10, 1), until=NOON, days=7, tracks=tracks(([(0, 5), (10, 5)], 9, 30)))
    row = looks.iloc[0]
    assert (row["days_since"], row["source"], row["any_ratio"], row["blind"]) == (30, "patrol", 0, True)


def test_a_camera_that_never_sampled_saw_nothing():
    looks = unseen_places(
        grid(10, 1),
        until=NOON,
        days=7,
        views=views([shapely.box(0, 0, 10, 10), shapely.box(0, 0, 10, 10)]),
        sampled_at=pd.Series({"v0": pd.NaT}, dtype="datetime64[us, UTC]"),
    )
    assert looks["blind"].iloc[0]
    assert looks["source"].isna().all()


def test_streets_and_gates_are_places_too():
    places = views([shapely.LineString([(0, 0), (10, 0)]), shapely.Point(3, 0), shapely.Point(9, 0)], "p")
    looks = unseen_places(places, until=NOON, days=7, reports=reports(((0, 0), 5, 1)))
    assert list(looks["report_ratio"]) == pytest.approx([0.5, 1, 0])
    assert list(looks["source"].fillna("nobody")) == ["report", "report", "nobody"]


def test_nobody_looked():
    looks = unseen_places(grid(10, 1), until=NOON, days=7)
    assert looks["blind"].all()
    assert looks["any_ratio"].iloc[0] == 0


# Errors


def test_times_need_a_zone():
    track = tracks(([(0, 5), (10, 5)], 9, 30))
    with pytest.raises(InputError, match="until has no time zone"):
        unseen_places(grid(), until=NOON.replace(tzinfo=None), days=7, tracks=track)
    track["ended_at"] = track["ended_at"].dt.tz_localize(None)
    with pytest.raises(InputError, match="ended_at of tracks has no time zone"):
        unseen_places(grid(), until=NOON, days=7, tracks=track)


def test_what_is_out_of_range_is_named():
    ask = {"until": NOON, "days": 7}
    with pytest.raises(InputError, match="days must be above zero"):
        unseen_places(grid(), until=NOON, days=0)
    with pytest.raises(InputError, match="half_life_days must be above zero"):
        unseen_places(grid(), half_life_days=0, **ask)
    with pytest.raises(InputError, match="threshold"):
        unseen_places(grid(), threshold=0, **ask)
    with pytest.raises(InputError, match="without sampled_at"):
        unseen_places(grid(), views=scattered(1), **ask)
    with pytest.raises(InputError, match="camera v0 more than once"):
        unseen_places(grid(), views=scattered(1), sampled_at=pd.Series([NOON] * 2, index=["v0", "v0"]), **ask)
    with pytest.raises(InputError, match="width_m of tracks must be above zero"):
        unseen_places(grid(), tracks=tracks(([(0, 5), (10, 5)], 0, 1)), **ask)
    with pytest.raises(InputError, match="radius_m of reports must be above zero"):
        unseen_places(grid(), reports=reports(((0, 0), float("nan"), 1)), **ask)
    with pytest.raises(InputError, match="Row 0 of reports is a Polygon, not a point"):
        unseen_places(
            grid(), reports=reports(((0, 0), 1, 1)).set_geometry([shapely.box(0, 0, 1, 1)], crs=UTM), **ask
        )
    with pytest.raises(InputError, match="lacks the column"):
        unseen_places(grid(), tracks=tracks(([(0, 5), (10, 5)], 1, 1)).drop(columns="ended_at"), **ask)
    with pytest.raises(CrsError, match="tracks"):
        unseen_places(
            grid(), tracks=tracks(([(0, 5), (10, 5)], 1, 1)).set_crs(4326, allow_override=True), **ask
        )
