"""Laws and cases of cameras whose heading is not known well."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.errors import CrsError, InputError
from analysis.visibility import heading_views, united_share, visible_polygons, visible_share
from tests.analysis.sightlines import ARC_RATIO, UTM, boxes, camera, obstacles

FEW = settings(max_examples=12, deadline=None)


def places(*shapes):
    return gpd.GeoSeries(list(shapes), crs=UTM, index=[f"P{k}" for k in range(len(shapes))])


def ahead(distance, degrees, size=0.05):
    """A small square so far away, so many degrees right of north."""
    x, y = distance * math.sin(math.radians(degrees)), distance * math.cos(math.radians(degrees))
    return shapely.box(x - size, y - size, x + size, y + size)


# Laws


@FEW
@given(st.floats(2, 40), st.floats(-60, 60), st.floats(20, 100))
def test_a_spot_is_seen_as_often_as_the_field_turns_over_it(spread, off, field):
    cameras = camera(heading_deg=0.0, hfov_deg=field, heading_sd_deg=spread)
    shares = visible_share(cameras, obstacles(), places(ahead(60, off)), steps=201)
    expected = norm.cdf(off + field / 2, scale=spread) - norm.cdf(off - field / 2, scale=spread)
    assert shares["mean"].sum() == pytest.approx(expected, abs=0.011)


@FEW
@given(boxes(5), st.floats(0, 359), st.floats(20, 150), st.floats(1, 60))
def test_the_mean_lies_within_what_the_headings_show(shapes, heading, field, spread):
    spots = places(*(shapely.Point(x, y).buffer(8) for x in (-40, 0, 40) for y in (-40, 40)))
    cameras = camera(heading_deg=heading, hfov_deg=field, heading_sd_deg=spread)
    shares = visible_share(cameras, obstacles(*shapes), spots, steps=15)
    assert shares[["mean", "lower", "upper"]].stack().between(0, 1).all()
    assert (shares["lower"] <= shares["upper"]).all()
    wider = visible_share(cameras, obstacles(*shapes), spots, steps=15, quantiles=(0.0, 1.0))
    assert (wider["lower"] <= shares["lower"]).all()
    assert (wider["upper"] >= shares["upper"]).all()
    assert (wider["mean"] >= wider["lower"] - 1e-12).all()
    assert (wider["mean"] <= wider["upper"] + 1e-12).all()


@FEW
@given(boxes(5), st.floats(0, 359), st.floats(20, 360))
def test_a_surveyed_heading_leaves_no_interval(shapes, heading, field):
    spots = places(shapely.Point(30, 30).buffer(20), shapely.LineString([(-50, -20), (50, 30)]))
    pose = {"heading_deg": heading, "hfov_deg": field}
    made = obstacles(*shapes)
    seen = visible_polygons(camera(**pose), made).iloc[0]
    for cameras in (
        camera(**pose),
        camera(**pose, heading_sd_deg=0.0),
        camera(**pose, heading_sd_deg=math.nan),
    ):
        found = visible_share(cameras, made, spots).drop(columns="camera")
        shares = found.set_index("place").reindex(spots.index).fillna(0.0)
        area = spots["P0"].intersection(seen).area / spots["P0"].area
        length = spots["P1"].intersection(seen).length / spots["P1"].length
        for column in ("mean", "lower", "upper"):
            assert shares[column].tolist() == pytest.approx([area, length], abs=1e-9)


@FEW
@given(boxes(4), st.lists(st.floats(0, 359), min_size=2, max_size=3), st.floats(1, 40))
def test_together_they_see_at_least_what_the_best_sees(shapes, headings, spread):
    cameras = pd.concat([camera(heading_deg=h, hfov_deg=70.0, heading_sd_deg=spread) for h in headings])
    cameras.index = range(len(headings))
    spots = places(shapely.Point(30, 30).buffer(15), shapely.Point(-30, 10).buffer(15))
    alone = visible_share(cameras, obstacles(*shapes), spots, steps=11)
    best = alone.groupby("place")["mean"].max().reindex(spots.index).fillna(0)
    total = alone.groupby("place")["mean"].sum().reindex(spots.index).fillna(0)
    both = united_share(cameras, obstacles(*shapes), spots, steps=11)
    assert (both["mean"] >= best - 1e-9).all()
    assert (both["mean"] <= total + 1e-9).all()


# Cases


def test_views_fan_out_from_left_to_right():
    views = heading_views(camera(hfov_deg=40.0, heading_sd_deg=10.0), obstacles(), steps=3)
    assert views.index.tolist() == [("A7", 0), ("A7", 1), ("A7", 2)]
    assert (views.centroid.x.diff().dropna() > 0).all()
    assert views["A7", 1].centroid.x == pytest.approx(0, abs=1e-6)
    assert len(heading_views(camera(), obstacles())) == 1


def test_a_heading_that_nobody_knows_is_any_heading():
    cameras = camera(hfov_deg=90.0, heading_sd_deg=5000.0)
    ring = places(shapely.Point(0, 0).buffer(40).difference(shapely.Point(0, 0).buffer(20)))
    shares = visible_share(cameras, obstacles(), ring, steps=101)
    assert shares["mean"].iloc[0] == pytest.approx(0.25, rel=ARC_RATIO * 2)
    assert shares["upper"].iloc[0] == pytest.approx(0.25, rel=ARC_RATIO * 2)


def test_a_spot_at_the_edge_of_the_field_is_seen_or_not():
    shares = visible_share(
        camera(hfov_deg=60.0, heading_sd_deg=8.0), obstacles(), places(ahead(50, 30)), steps=101
    )
    row = shares.iloc[0]
    assert row["mean"] == pytest.approx(0.5, abs=0.01)
    assert (row["lower"], row["upper"]) == (0, pytest.approx(1))
    assert (row["camera"], row["place"]) == ("A7", "P0")


def test_independent_cameras_make_it_likelier():
    cameras = pd.concat([camera(hfov_deg=60.0, heading_sd_deg=8.0)] * 3).set_axis(["A", "B", "C"])
    both = united_share(cameras, obstacles(), places(ahead(50, 30)), steps=201, seed=4)
    assert both["mean"]["P0"] == pytest.approx(1 - 0.5**3, abs=0.05)
    again = united_share(cameras, obstacles(), places(ahead(50, 30)), steps=201, seed=4)
    assert both.equals(again)


def test_a_sure_and_an_unsure_camera_together():
    cameras = pd.concat(
        [
            camera(hfov_deg=60.0, heading_sd_deg=0.0),
            camera(hfov_deg=60.0, heading_deg=180.0, heading_sd_deg=20.0),
        ]
    ).set_axis([1, 2])
    both = united_share(cameras, obstacles(), places(ahead(50, 0), ahead(50, 180), ahead(50, 90)))
    assert both.loc["P0"].tolist() == pytest.approx([1, 1, 1])
    assert 0.5 < both.loc["P1", "mean"] < 1
    assert both.loc["P2"].tolist() == [0, 0, 0]


def test_places_may_be_points():
    spots = places(shapely.Point(0, 50), shapely.Point(0, -50))
    shares = visible_share(camera(hfov_deg=60.0, heading_sd_deg=8.0), obstacles(), spots)
    assert shares["place"].tolist() == ["P0"]
    assert shares["mean"].iloc[0] == pytest.approx(1, abs=0.01)


def test_nothing_in_view_is_no_row():
    far = places(ahead(900, 0))
    shares = visible_share(camera(heading_sd_deg=8.0, hfov_deg=40.0), obstacles(), far)
    assert list(shares.columns) == ["camera", "place", "mean", "lower", "upper"]
    assert shares.empty
    assert united_share(camera(), obstacles(), far).loc["P0"].tolist() == [0, 0, 0]
    assert visible_share(camera().iloc[:0], obstacles(), far).empty
    assert united_share(camera().iloc[:0], obstacles(), far).loc["P0"].tolist() == [0, 0, 0]


# Errors


def test_bad_questions_are_refused():
    here = places(ahead(20, 0))
    with pytest.raises(InputError, match=r"heading_sd_deg of camera A7 .* is -1"):
        visible_share(camera(heading_sd_deg=-1.0), obstacles(), here)
    with pytest.raises(InputError, match=r"heading_deg of camera A7 .* is 361"):
        visible_share(camera(heading_deg=361.0), obstacles(), here)
    with pytest.raises(InputError, match="2 headings"):
        heading_views(camera(), obstacles(), steps=2)
    with pytest.raises(InputError, match=r"0\.9 and 0\.1"):
        visible_share(camera(), obstacles(), here, quantiles=(0.9, 0.1))
    with pytest.raises(InputError, match="Place P0"):
        visible_share(camera(), obstacles(), places(shapely.Polygon()))
    with pytest.raises(InputError, match="Place P1"):
        united_share(camera(), obstacles(), places(ahead(1, 1), None))
    with pytest.raises(CrsError):
        visible_share(camera(), obstacles(), here.set_crs(4326, allow_override=True))


def test_headings_wrap_at_north():
    poses = heading_views(camera(heading_deg=359.0, hfov_deg=10.0, heading_sd_deg=20.0), obstacles(), steps=9)
    assert np.isfinite(poses.area).all()
    assert (poses.area > 0).all()
