"""Laws and cases of coverage that follows changes."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.coverage import CoverageState, seen_area_m2, seen_shares
from analysis.coverage import state as stating
from analysis.errors import CrsError, InputError
from tests.analysis.sectors import grid, moved, scattered, scenes, shapes, views


def mixed(cells):
    """The cells, their borders and their centres as places."""
    parts = [
        cells.geometry,
        cells.boundary.rename(lambda c: f"{c} border"),
        cells.centroid.rename(lambda c: f"{c} centre"),
    ]
    return gpd.GeoSeries(pd.concat(parts), crs=cells.crs)


def same(state, cameras, places):
    pd.testing.assert_frame_equal(state.shares, seen_shares(places, cameras), check_exact=True)


# Laws


@settings(max_examples=30, deadline=None)
@given(scenes, st.lists(st.tuples(st.integers(0, 30), shapes), max_size=8))
def test_a_chain_of_changes_equals_computing_anew(seen, changes):
    places = moved(mixed(grid(side=2.7, count=3)))
    cameras = moved(views(seen))
    state = CoverageState.of(places, cameras)
    for number, shape in changes:
        name = f"v{number}"
        new = moved(views([shape]).rename({"v0": name}))
        gone = [name] if name in cameras.index else []
        cameras = pd.concat([cameras.drop(gone), new])
        state = state.changed(remove=gone, add=new)
    same(state, cameras, places)
    assert state.seen_area_m2 == pytest.approx(seen_area_m2(cameras), rel=1e-12)
    assert sorted(state.cameras) == sorted(cameras.index)


@settings(max_examples=20, deadline=None)
@given(scenes, shapes)
def test_there_and_back_is_as_before(seen, shape):
    places = mixed(grid(side=2.7, count=3))
    before = CoverageState.of(places, views(seen))
    shares = before.shares.copy()
    after = before.changed(remove=["v0"], add=views([shape]))
    back = after.changed(remove=["v0"], add=views(seen[:1]))
    pd.testing.assert_frame_equal(back.shares, shares, check_exact=True)
    pd.testing.assert_frame_equal(before.shares, shares, check_exact=True)


def test_hundreds_of_changes_with_groups(monkeypatch):
    monkeypatch.setattr(stating, "MANY", 40)  # so that cameras are indexed anew in between
    cells, cameras = grid(), scattered(150, seed=5)
    random = np.random.default_rng(6)
    members = pd.DataFrame({"all": True, "night": random.random(150) < 0.4}, index=cameras.index)
    state = CoverageState.of(cells, cameras, dict(members.items()))
    area = state.seen_area_m2
    for step in range(250):
        name = cameras.index[random.integers(len(cameras))]
        if step % 5 == 0:
            state, cameras = state.changed(remove=[name]), cameras.drop(name)
        elif step % 5 == 1:
            new = scattered(2, seed=1000 + step).rename({"v0": f"n{step}", "v1": f"m{step}"})
            belongs = {"night": np.array([True, False]), "all": np.ones(2, bool)}
            state, cameras = state.changed(add=new, groups=belongs), pd.concat([cameras, new])
            members = pd.concat([members, pd.DataFrame(belongs, index=new.index)])
        else:
            new = cameras.loc[[name]].translate(*random.uniform(-20, 20, 2))
            state, cameras = state.changed(remove=[name], add=new), pd.concat([cameras.drop(name), new])
    groups = {name: members[name].loc[cameras.index] for name in ("all", "night")}
    expected = seen_shares(cells, cameras, groups)
    pd.testing.assert_frame_equal(state.shares, expected, check_exact=True)
    assert state.seen_area_m2 == pytest.approx(seen_area_m2(cameras), rel=1e-12)
    assert state.seen_area_m2 != area


def test_many_points_follow_in_blocks():
    random = np.random.default_rng(7)
    points = gpd.GeoSeries(shapely.points(random.uniform(0, 100, (3000, 2))), crs=grid().crs)
    cameras = scattered(60, seed=8)
    before = CoverageState.of(points, cameras)
    after = before.changed(remove=["v3", "v7"])
    same(after, cameras.drop(["v3", "v7"]), points)
    same(before, cameras, points)


# Cases


def test_a_move_touches_only_the_places_it_can():
    cells = grid(side=10, count=3)
    state = CoverageState.of(cells, views([shapely.box(1, 1, 9, 9), shapely.box(21, 21, 29, 29)]))
    assert list(state.touched) == list(cells.index)
    moved_on = state.changed(remove=["v0"], add=views([shapely.box(11, 1, 19, 9)]))
    assert list(moved_on.touched) == ["c0", "c1"]
    assert dict(moved_on.shares["all", 1]) == pytest.approx(
        {f"c{n}": 0.64 if n in (1, 8) else 0 for n in range(9)}
    )
    assert moved_on.seen_area_m2 == pytest.approx(128)
    assert list(moved_on.cameras) == ["v1", "v0"]


def test_nothing_changes_without_a_change():
    state = CoverageState.of(grid(), scattered(5))
    again = state.changed()
    assert again.touched.empty
    pd.testing.assert_frame_equal(again.shares, state.shares)


def test_a_city_may_start_without_cameras():
    state = CoverageState.of(grid(side=10, count=1), views([]))
    assert state.seen_area_m2 == 0
    state = state.changed(add=views([shapely.box(0, 0, 5, 10)]))
    assert list(state.shares.iloc[0]) == [0.5, 0]
    assert state.changed(remove="v0").shares.max(axis=None) == 0


# Errors


def test_labels_of_places_differ():
    cells = grid()
    cells.index = ["twice"] * len(cells)
    with pytest.raises(InputError, match="label twice more than once"):
        CoverageState.of(cells, scattered(2))


def test_changes_that_cannot_be_are_named():
    state = CoverageState.of(grid(), scattered(3))
    with pytest.raises(InputError, match="Camera v9 is to be removed but is not there"):
        state.changed(remove=["v0", "v9"])
    with pytest.raises(InputError, match="Camera v9 is to be removed"):
        state.changed(remove="v9")
    with pytest.raises(InputError, match="Camera v1 is to be added but is already there"):
        state.changed(remove=["v0"], add=scattered(2))
    with pytest.raises(InputError, match="Camera v0 is to be added but is already there"):
        state.changed(remove=["v0"]).changed(add=scattered(1)).changed(add=scattered(1))
    with pytest.raises(InputError, match="Camera v0 is to be removed"):
        state.changed(remove=["v0"]).changed(remove=["v0"])
    with pytest.raises(CrsError, match="add"):
        state.changed(remove=["v0"], add=scattered(1).set_crs(4326, allow_override=True))
    with pytest.raises(InputError, match="Row v0 of add"):
        state.changed(remove=["v0"], add=views([shapely.Polygon([(0, 0), (5, 5), (5, 0), (0, 5)])]))


def test_new_cameras_name_their_groups():
    cameras = scattered(2)
    state = CoverageState.of(grid(), cameras, {"night": np.array([True, False])})
    new = scattered(1).rename({"v0": "n"})
    with pytest.raises(InputError, match="Camera n is new and has no groups"):
        state.changed(add=new)
    with pytest.raises(InputError, match="groups names day, but the state has night"):
        state.changed(add=new, groups={"day": np.array([True])})
    assert "n" in state.changed(add=new, groups={"night": np.array([True])}).cameras
