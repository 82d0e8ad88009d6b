"""Laws and cases of what each camera adds to the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings

from analysis.coverage import (
    camera_overlap,
    federated_gain,
    lost_shares,
    lost_weight,
    marginal_area_m2,
    seen_area_m2,
    seen_shares,
)
from analysis.errors import InputError
from tests.analysis.sectors import grid, moved, scattered, scenes, shapes, views

FEW = settings(max_examples=30, deadline=None)


def others(seen, row):
    return shapely.union_all([shape for n, shape in enumerate(seen) if n != row])


# Laws


@FEW
@given(scenes)
def test_the_marginal_area_is_what_the_union_loses(seen):
    cameras = moved(views(seen))
    marginal, overlap = marginal_area_m2(cameras), camera_overlap(cameras)
    for row, shape in enumerate(seen):
        lost = shape.difference(others(seen, row)).area
        assert marginal.iloc[row] == pytest.approx(lost, abs=1e-6)
        assert overlap.iloc[row] == pytest.approx(1 - lost / shape.area, abs=1e-6)
    assert marginal.sum() <= seen_area_m2(cameras) + 1e-6


@FEW
@given(scenes, shapes)
def test_lost_shares_are_what_the_places_lose(seen, place):
    places, cameras = views([place, place.boundary, place.representative_point()], "p"), views(seen)
    lost = lost_shares(places, cameras)["all"]
    whole = seen_shares(places, cameras)["all", 1]
    for camera in cameras.index:
        without = seen_shares(places, cameras.drop(camera))["all", 1]
        each = lost.xs(camera).reindex(places.index).fillna(0) if camera in lost.index else without * 0
        pd.testing.assert_series_equal(each, whole - without, check_names=False, atol=1e-9)


@FEW
@given(scenes)
def test_a_private_camera_adds_no_more_beside_all_than_beside_public(seen):
    cameras = views(seen)
    private = np.arange(len(seen)) % 2 == 0
    gain = federated_gain(cameras, private)
    public = shapely.union_all([shape for shape, own in zip(seen, private, strict=True) if not own])
    assert list(gain.index) == list(cameras.index[private])
    assert (gain["beside_all_m2"] <= gain["beside_public_m2"] + 1e-9).all()
    assert (gain["beside_public_m2"] <= gain["view_m2"] + 1e-9).all()
    for camera in gain.index:
        assert gain.loc[camera, "view_m2"] == pytest.approx(cameras[camera].area, abs=1e-9)
        expected = cameras[camera].difference(public).area
        assert gain.loc[camera, "beside_public_m2"] == pytest.approx(expected, abs=1e-7)


def test_a_crowd_adds_up_across_places():
    cameras, cells = scattered(120, seed=4), grid()
    lost = lost_shares(cells, cameras)["all"]
    in_cells = (lost * 25.0**2).groupby(level="camera").sum()
    square = cells.union_all()
    inside = cameras.intersection(square)
    expected = marginal_area_m2(inside)
    assert list(in_cells.reindex(cameras.index).fillna(0)) == pytest.approx(list(expected), abs=1e-6)
    assert list(lost.index.get_level_values("camera").unique()) == [
        c for c in cameras.index if c in in_cells.index
    ]


# Cases


def test_weights_follow_what_is_lost():
    places = views([shapely.box(0, 0, 10, 10), shapely.Point(1, 1), shapely.Point(4, 5)], "p")
    cameras = views([shapely.box(0, 0, 5, 10), shapely.box(3, 0, 8, 10), shapely.Polygon()])
    weights = pd.Series([10.0, 3, 7], index=places.index)
    lost = lost_weight(places, cameras, weights)
    assert list(lost["all"]) == pytest.approx([3 + 3, 3, 0])
    against = {"public": np.array([False, True, False])}
    assert list(lost_weight(places, cameras, weights, against)["public"]) == pytest.approx([3 + 3, 5 + 7, 0])


def test_what_a_shop_adds_to_the_city():
    cameras = views([shapely.box(0, 0, 10, 10), shapely.box(5, 0, 15, 10), shapely.box(10, 0, 20, 10)])
    private = pd.Series({"v1": True, "v2": True, "v0": False})
    violations = views([shapely.Point(12, 5), shapely.Point(18, 5), shapely.Point(1, 1)], "p")
    weights = pd.Series([1.0, 2, 4], index=violations.index)
    gain = federated_gain(cameras, private, places=violations, weights=weights)
    assert list(gain["view_m2"]) == pytest.approx([100, 100])
    assert list(gain["beside_public_m2"]) == pytest.approx([50, 100])
    assert list(gain["beside_all_m2"]) == pytest.approx([0, 50])
    assert list(gain["beside_public_weight"]) == [1, 3]
    assert list(gain["beside_all_weight"]) == [0, 2]


def test_presets_of_one_camera_do_not_double_each_other():
    presets = views([shapely.box(0, 0, 10, 10), shapely.box(0, 0, 10, 10), shapely.box(5, 0, 15, 10)])
    presets.index = ["a", "a", "b"]
    assert dict(marginal_area_m2(presets)) == pytest.approx({"a": 50, "b": 50})
    assert dict(camera_overlap(presets)) == pytest.approx({"a": 0.5, "b": 0.5})


def test_nobody_adds_nothing():
    assert lost_shares(grid(), views([])).empty
    assert federated_gain(scattered(2), np.zeros(2, bool)).empty
    assert (lost_weight(grid(), views([None]), pd.Series(1.0, index=grid().index)) == 0).all(axis=None)


# Errors


def test_demand_must_be_whole():
    cells, cameras = grid(), scattered(3)
    weights = pd.Series(1.0, index=cells.index)
    with pytest.raises(InputError, match="not in the order"):
        lost_weight(cells, cameras, weights[::-1])
    with pytest.raises(InputError, match="weights must be zero or more"):
        lost_weight(cells, cameras, -weights)
    with pytest.raises(InputError, match="Only one of places and weights"):
        federated_gain(cameras, np.ones(3, bool), places=cells)
