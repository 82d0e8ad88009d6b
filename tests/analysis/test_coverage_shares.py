"""Laws and cases of shares by group: polygons, lines, points."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.coverage import added_in_order, coverage_by_cell, seen_counts, seen_shares
from analysis.errors import CrsError, InputError
from tests.analysis.sectors import UTM, area_seen, grid, moved, scattered, scenes, sector, shapes, views

FEW = settings(max_examples=40, deadline=None)

lines = (
    st.lists(st.tuples(st.integers(-1, 9), st.integers(-1, 9)), min_size=2, max_size=5)
    .map(shapely.LineString)
    .filter(lambda line: line.is_simple and line.length > 0)
)


def halves(count):
    even = np.arange(count) % 2 == 0
    return {"all": np.ones(count, bool), "even": even, "none": np.zeros(count, bool)}


# Laws


@FEW
@given(scenes, shapes)
def test_shares_are_those_of_unions(seen, place):
    cameras = moved(views(seen))
    shares = seen_shares(moved(views([place], "p")), cameras, halves(len(seen))).iloc[0]
    here = shapely.transform(place, lambda xy: xy)
    for group, some in (("all", seen), ("even", seen[::2]), ("none", [])):
        for least in (1, 2):
            expected = area_seen(here, some, least) / here.area
            assert shares[group, least] == pytest.approx(expected, abs=1e-7), (group, least)


@FEW
@given(scenes, lines)
def test_shares_of_lines_are_those_of_unions(seen, line):
    # a line along a wall belongs to one side of it: moved off by less than anybody sees
    line = shapely.transform(line, lambda xy: xy * 0.991 + (0.0171, 0.0233))
    shares = seen_shares(views([line], "p"), views(seen), halves(len(seen))).iloc[0]
    for group, some in (("all", seen), ("even", seen[::2])):
        for least in (1, 2):
            expected = area_seen(line, some, least) / line.length
            assert shares[group, least] == pytest.approx(expected, abs=1e-9), (group, least)


@FEW
@given(scenes, st.lists(st.tuples(st.floats(-1, 9), st.floats(-1, 9)), min_size=1, max_size=30))
def test_points_are_counted_in_the_views_that_hold_them(seen, at):
    points = gpd.GeoSeries(shapely.points(at), crs=UTM)
    clear = shapely.distance(shapely.union_all([s.boundary for s in seen]), points.to_numpy()) > 1e-9
    points, groups = points[clear], halves(len(seen))
    counts, shares = seen_counts(points, views(seen), groups), seen_shares(points, views(seen), groups)
    inside = np.array([shapely.contains(shape, points.to_numpy()) for shape in seen]).reshape(len(seen), -1)
    for group, members in groups.items():
        assert list(counts[group]) == list(inside[members].sum(axis=0))
        assert list(shares[group, 1]) == list(counts[group] >= 1)
        assert list(shares[group, 2]) == list(counts[group] >= 2)


@FEW
@given(scenes, shapes)
def test_one_more_camera_never_hides_ground(seen, place):
    places = views([place, place.boundary, place.representative_point()], "p")
    fewer, more = seen_shares(places, views(seen[:-1])), seen_shares(places, views(seen))
    assert (more >= fewer - 1e-12).all(axis=None)


@FEW
@given(scenes, shapes, st.integers(0, 2**20))
def test_two_see_no_more_than_one_nor_some_more_than_all(seen, place, seed):
    places = views([place, place.boundary, place.representative_point()], "p")
    members = np.random.default_rng(seed).random(len(seen)) < 0.5
    shares = seen_shares(places, views(seen), {"all": np.ones(len(seen), bool), "some": members})
    assert shares.min(axis=None) >= 0
    assert shares.max(axis=None) <= 1
    for least in (1, 2):
        assert (shares["some", least] <= shares["all", least]).all()
    for group in ("some", "all"):
        assert (shares[group, 2] <= shares[group, 1]).all()


@FEW
@given(scenes, shapes, st.randoms(use_true_random=False))
def test_the_order_of_cameras_and_places_does_not_matter(seen, place, random):
    places = views([place, place.boundary, place.representative_point()], "p")
    cameras = views(seen)
    shuffled = random.sample(list(cameras.index), len(cameras))
    shares = seen_shares(places, cameras)
    pd.testing.assert_frame_equal(shares, seen_shares(places, cameras[shuffled]), check_exact=True)
    back = seen_shares(places[::-1], cameras)[::-1]
    pd.testing.assert_frame_equal(shares, back, check_exact=True)


def test_crowded_places_are_halved_and_stay_exact():
    cameras = scattered(400)
    random = np.random.default_rng(1)
    ragged = sector(50, 50, 45, 0.3, 5.5, arcs=300)
    places = views([ragged, shapely.box(0, 0, 100, 100), shapely.box(20, 30, 20.3, 30.2)], "p")
    members = random.random(len(cameras)) < 0.1
    shares = seen_shares(places, cameras, {"all": np.ones(400, bool), "some": members})
    for name, place in places.items():
        for least in (1, 2):
            expected = area_seen(place, cameras[members], least) / place.area
            assert shares.loc[name, ("some", least)] == pytest.approx(expected, abs=1e-9)
        assert shares.loc[name, ("all", 1)] == pytest.approx(area_seen(place, cameras) / place.area, abs=1e-9)
    order = random.permutation(len(cameras))
    turned = seen_shares(places, cameras.iloc[order], {"all": np.ones(400, bool), "some": members[order]})
    pd.testing.assert_frame_equal(shares, turned, check_exact=True)


def test_long_lines_among_many_views():
    cameras = scattered(300)
    random = np.random.default_rng(2)
    line = shapely.LineString(random.uniform(0, 100, (40, 2)))
    pair = shapely.MultiLineString([[(0, 0), (50, 60)], [(90, 5), (10, 80)]])
    shares = seen_shares(views([line, pair], "p"), cameras.iloc[::20])
    for k, place in enumerate((line, pair)):
        for least in (1, 2):
            expected = area_seen(place, cameras.iloc[::20], least) / place.length
            assert shares["all", least].iloc[k] == pytest.approx(expected, abs=1e-9)
    assert (seen_shares(views([line, pair], "p"), cameras)["all", 2] > 0.99).all()


# Cases


def test_two_views_of_a_cell_a_street_and_a_gate():
    places = views(
        [
            shapely.box(0, 0, 10, 10),
            shapely.LineString([(0, 5), (10, 5)]),
            shapely.Point(4, 5),
            shapely.Point(9, 5),
        ],
        "p",
    )
    cameras = views([shapely.box(0, 0, 5, 10), shapely.box(3, 0, 8, 10)])
    shares = seen_shares(places, cameras, {"all": np.array([True, True]), "first": np.array([True, False])})
    assert list(shares.columns) == [("all", 1), ("all", 2), ("first", 1), ("first", 2)]
    assert list(shares.index) == list(places.index)
    assert list(shares["all", 1]) == pytest.approx([0.8, 0.8, 1, 0])
    assert list(shares["all", 2]) == pytest.approx([0.2, 0.2, 1, 0])
    assert list(shares["first", 1]) == pytest.approx([0.5, 0.5, 1, 0])
    assert (shares["first", 2] == 0).all()
    assert list(seen_counts(places.iloc[2:], cameras)["all"]) == [2, 0]


def test_what_is_seen_whole_is_one():
    place = views([sector(0.1, 0.2, 31.7, 0.3, 2.1)], "p")
    cameras = views([shapely.box(-50, -50, 50, 50), sector(0.1, 0.2, 31.7, 0.3, 2.1)])
    assert seen_shares(place, cameras)["all", 1].iloc[0] == 1
    assert seen_shares(place, cameras)["all", 2].iloc[0] == pytest.approx(1, abs=1e-12)
    assert seen_shares(place, cameras.iloc[:1])["all", 2].iloc[0] == 0


def test_rows_of_one_label_are_one_camera():
    place = views([shapely.box(0, 0, 10, 10)], "p")
    presets = views([shapely.box(0, 0, 5, 10), shapely.box(3, 0, 8, 10), shapely.box(0, 0, 2, 10)])
    presets.index = ["a", "a", "b"]
    shares = seen_shares(place, presets).iloc[0]
    assert list(shares) == pytest.approx([0.8, 0.2])
    assert list(seen_counts(views([shapely.Point(4, 5)], "p"), presets)["all"]) == [1]
    line = views([shapely.LineString([(0, 5), (10, 5)])], "p")
    assert list(seen_shares(line, presets).iloc[0]) == pytest.approx([0.8, 0.2])


def test_more_groups_than_one_pass_carries():
    cameras, cells = scattered(70), grid()
    groups = {f"{n}": np.arange(70) == n for n in range(70)} | {"all": np.ones(70, bool)}
    shares = seen_shares(cells, cameras, groups)
    for n in (0, 62, 63, 64, 69):
        alone = coverage_by_cell(cells, cameras.iloc[[n]])
        assert list(shares[f"{n}", 1]) == pytest.approx(list(alone), abs=1e-12)
    assert list(shares["all", 1]) == pytest.approx(list(coverage_by_cell(cells, cameras)), abs=1e-12)


def test_groups_may_be_told_by_camera():
    cameras = views([shapely.box(0, 0, 5, 10), shapely.box(3, 0, 8, 10)])
    place = views([shapely.box(0, 0, 10, 10)], "p")
    told = pd.Series({"v1": True, "other": False, "v0": False})
    assert list(seen_shares(place, cameras, {"night": told}).iloc[0]) == pytest.approx([0.5, 0])


def test_nothing_to_see_or_nobody_to_look():
    assert (seen_shares(grid(), views([])) == 0).all(axis=None)
    assert seen_shares(grid().iloc[:0], scattered(3)).shape == (0, 2)
    assert (seen_shares(grid(), views([None, shapely.Polygon()])) == 0).all(axis=None)
    assert (seen_counts(views([shapely.Point(0, 0)], "p"), views([])) == 0).all(axis=None)


def test_what_each_tier_adds_in_order():
    place = views([shapely.box(0, 0, 10, 10)], "p")
    cameras = views([shapely.box(0, 0, 5, 10), shapely.box(3, 0, 8, 10), shapely.box(0, 0, 10, 5)])
    tiers = pd.Series(["street", "street", "high"], index=cameras.index)
    added = added_in_order(place, cameras, tiers, ["street", "high", "vehicle"])
    assert list(added.columns) == ["street", "high", "vehicle"]
    assert list(added.iloc[0]) == pytest.approx([0.8, 0.1, 0])
    assert list(added_in_order(place, cameras, tiers, ["high", "street"]).iloc[0]) == pytest.approx(
        [0.5, 0.4]
    )


# Errors


def test_reference_systems_must_agree():
    with pytest.raises(CrsError, match="views"):
        seen_shares(grid(), scattered(2).set_crs(32636, allow_override=True))
    with pytest.raises(CrsError, match="points"):
        seen_counts(views([shapely.Point(0, 0)]).set_crs(4326, allow_override=True), scattered(2))


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (shapely.Polygon([(0, 0), (5, 5), (5, 0), (0, 5)]), "Self-intersection"),
        (shapely.Polygon(), "empty Polygon"),
        (None, "missing"),
        (shapely.MultiPoint([(0, 0), (1, 1)]), "MultiPoint"),
        (shapely.LineString([(1, 1), (1, 1)]), "LineString"),
        (shapely.Point(float("nan"), 1.0), "Point"),
    ],
)
def test_a_place_that_cannot_be_measured_is_named(shape, reason):
    places = views([shapely.box(0, 0, 1, 1), shape], "p")
    with pytest.raises(InputError, match=f"Row p1 of places is not a valid .*{reason}"):
        seen_shares(places, scattered(2))


def test_a_view_with_a_coordinate_that_is_no_number_is_named():
    with np.errstate(invalid="ignore"):
        broken = shapely.Polygon([(0, 0), (5, float("nan")), (5, 5)])
    with pytest.raises(InputError, match="Row v1 of views"):
        seen_shares(grid(), views([shapely.box(0, 0, 1, 1), broken]))


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ({}, "groups is empty"),
        ({"night": np.array([True])}, "night has .*2 views"),
        ({"night": np.array([1, 0])}, "night has values of type int"),
        ({"night": pd.Series({"v0": True})}, "night does not say whether camera v1"),
    ],
)
def test_groups_that_do_not_fit_are_named(groups, told):
    with pytest.raises(InputError, match=told):
        seen_shares(grid(), scattered(2), groups)


def test_one_camera_is_not_in_and_out_of_a_group():
    presets = scattered(2)
    presets.index = ["a", "a"]
    with pytest.raises(InputError, match="Camera a has rows inside and outside the group night"):
        seen_shares(grid(), presets, {"all": np.ones(2, bool), "night": np.array([True, False])})


def test_only_points_are_counted():
    with pytest.raises(InputError, match="Row c0 of points is a Polygon"):
        seen_counts(grid(), scattered(2))


def test_an_order_names_each_kind_once():
    for order in ([], ["street", "street"]):
        with pytest.raises(InputError, match="order"):
            added_in_order(grid(), scattered(2), pd.Series(["street"] * 2, index=["v0", "v1"]), order)
