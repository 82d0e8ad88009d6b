"""Laws and cases of cameras that look over lower roofs."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.visibility import far_distance_m, near_distance_m, prepare_obstacles, visible_polygons
from tests.analysis.sightlines import (
    ARC_RATIO,
    UTM,
    boxes,
    camera,
    lost_m2,
    obstacles,
    poses,
    seen_by_rays_m2,
    view,
)

CITIES = Path(__file__).parents[2].parent / "shared" / "data" / "city"
FEW = settings(max_examples=25, deadline=None)
roofs = st.one_of(st.floats(0.5, 14), st.sampled_from([3.0, 6.0, math.nan]))


@st.composite
def towns(draw, most=8, clear_m=0.0):
    """Boxes that may overlap and hold the camera, and their roofs."""
    shapes = draw(boxes(most, clear_m))
    return shapes, draw(st.lists(roofs, min_size=len(shapes), max_size=len(shapes)))


def outside(shapes, heights, height_m):
    """Whether no building over the camera, or against it, is as high as it."""
    return not any(
        not height < height_m and shape.distance(shapely.Point(0, 0)) < 0.3
        for shape, height in zip(shapes, heights, strict=True)
    )


def slack_m2(pose):
    return 2 * ARC_RATIO * math.pi * pose["range_m"] ** 2


# Laws


@settings(max_examples=60, deadline=None)
@given(towns(), poses, st.floats(1, 15), st.floats(-10, 80), st.floats(5, 110))
def test_a_view_over_roofs_is_what_rays_reach(town, pose, height, tilt, vfov):
    shapes, heights = town
    assume(outside(shapes, heights, height))
    near, far = float(near_distance_m(height, tilt, vfov)), float(far_distance_m(height, tilt, vfov))
    reach = min(far, pose["range_m"])
    assume(near < 0.9 * reach)
    seen = view(shapes, roofs_m=heights, height_m=height, tilt_deg=tilt, vfov_deg=vfov, **pose)
    expected = seen_by_rays_m2(
        shapes,
        0,
        0,
        near_m=near,
        height_m=height,
        roofs_m=np.nan_to_num(heights, nan=np.inf),
        rays=6_000,
        **{**pose, "range_m": reach},
    )
    assert seen.is_valid
    sector = pose["hfov_deg"] / 360 * math.pi * reach**2
    assert seen.area == pytest.approx(expected, rel=1e-3, abs=1e-4 * sector)


blocks = st.tuples(
    st.integers(-6, 5),
    st.integers(-6, 5),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([2, 3, 4, 6, 8, 99]),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(blocks, min_size=1, max_size=9),
    st.tuples(st.integers(-6, 6), st.integers(-6, 6)),
    st.sampled_from([2.0, 4.0, 6.0, 9.0]),
    st.sampled_from([0.0, 45.0, 90.0, 135.0, 270.0]),
    st.sampled_from([90.0, 180.0, 270.0, 360.0]),
    st.sampled_from([20.0, 25.0, 100.0]),
)
def test_walls_in_line_with_each_other_and_with_the_camera(built, at, height, heading, field, reach):
    shapes = [shapely.box(5 * x, 5 * y, 5 * (x + w), 5 * (y + d)) for x, y, w, d, _ in built]
    heights = [float(roof) for *_, roof in built]
    x, y = 2.5 * at[0], 2.5 * at[1]
    here = shapely.Point(x, y)
    assume(not any(h >= height and s.distance(here) < 0.01 for s, h in zip(shapes, heights, strict=True)))
    pose = {"heading_deg": heading, "hfov_deg": field, "range_m": reach, "height_m": height}
    seen = view(shapes, roofs_m=heights, x=x, y=y, **pose)
    expected = seen_by_rays_m2(
        shapes, x, y, roofs_m=heights, rays=4_000, **{**pose, "heading_deg": heading + 1e-9}
    )
    assert seen.is_valid
    assert seen.area == pytest.approx(expected, rel=1e-3, abs=2e-4 * field / 360 * math.pi * reach**2)


@FEW
@given(towns(), poses, st.floats(1, 15))
def test_a_view_over_roofs_contains_the_flat_view(town, pose, height):
    shapes, heights = town
    assume(all(shape.distance(shapely.Point(0, 0)) > 0.3 for shape in shapes))
    assert lost_m2(view(shapes, **pose), view(shapes, roofs_m=heights, height_m=height, **pose)) <= slack_m2(
        pose
    )


@FEW
@given(towns(), poses, st.floats(1, 15), st.data())
def test_a_lower_building_hides_no_more(town, pose, height, data):
    shapes, heights = town
    assume(shapes and outside(shapes, heights, height))
    lowered = list(heights)
    k = data.draw(st.integers(0, len(shapes) - 1))
    lowered[k] = data.draw(st.floats(0.1, 14 if math.isnan(heights[k]) else heights[k]))
    before = view(shapes, roofs_m=heights, height_m=height, **pose)
    after = view(shapes, roofs_m=lowered, height_m=height, **pose)
    assert lost_m2(before, after) <= slack_m2(pose)


@FEW
@given(towns(), poses, st.floats(1, 15))
def test_without_one_building_nothing_is_lost(town, pose, height):
    shapes, heights = town
    assume(shapes and outside(shapes, heights, height))
    with_it = view(shapes, roofs_m=heights, height_m=height, **pose)
    without = view(shapes[1:], roofs_m=heights[1:], height_m=height, **pose)
    assert lost_m2(with_it, without) <= slack_m2(pose)


@FEW
@given(towns(), poses, st.floats(1, 15), st.floats(0, 360))
def test_turning_the_town_turns_the_view_over_roofs(town, pose, height, turn):
    shapes, heights = town
    assume(outside(shapes, heights, height))
    here = view(shapes, roofs_m=heights, height_m=height, **pose)
    turned = [shapely.affinity.rotate(shape, turn, origin=(0, 0)) for shape in shapes]
    pose = {**pose, "heading_deg": (pose["heading_deg"] - turn) % 360 % 360}
    there = view(turned, roofs_m=heights, height_m=height, **pose)
    back = shapely.affinity.rotate(there, -turn, origin=(0, 0))
    assert lost_m2(here, back) + lost_m2(back, here) <= slack_m2(pose)


@FEW
@given(st.floats(2, 20), st.floats(0.1, 10), st.floats(0.5, 10), st.floats(0.5, 5.9), st.floats(0, 359))
def test_the_shadow_of_a_low_shed_ends_where_the_sight_line_over_its_back_edge_does(
    distance, depth, half, roof, turn
):
    height = 6.0
    drawn = height / (height - roof)
    shed = shapely.box(-half, distance, half, distance + depth)
    end = (distance + depth) * drawn
    near = [(-half, distance), (half, distance)]
    far = [
        (half * drawn, distance * drawn),
        (half * drawn, end),
        (-half * drawn, end),
        (-half * drawn, distance * drawn),
    ]
    shadow = shapely.Polygon([*near, *far])
    assume(shadow.hausdorff_distance(shapely.Point(0, 0)) < 400)
    shed, shadow = (shapely.affinity.rotate(shape, -turn, origin=(0, 0)) for shape in (shed, shadow))
    reach = 1.01 * shadow.hausdorff_distance(shapely.Point(0, 0))
    pose = {"range_m": reach, "height_m": height, "heading_deg": turn}
    open_field, seen = view([], **pose), view([shed], roofs_m=[roof], **pose)
    assert shadow.area == pytest.approx(half * distance * (drawn**2 - 1) + 2 * drawn**2 * depth * half)
    assert seen.intersection(shadow).area <= 1e-6 * shadow.area
    assert lost_m2(open_field, seen) == pytest.approx(shadow.area, abs=1e-4 * open_field.area)


@FEW
@given(boxes(), poses, st.floats(1, 15), st.floats(0, 5))
def test_roofs_as_high_as_the_camera_hide_all_that_is_behind_them(shapes, pose, height, more):
    seen = view(shapes, roofs_m=[height + more] * len(shapes), height_m=height, **pose)
    assert seen.equals(view(shapes, **pose))


# Cases


def test_a_camera_without_a_height_sees_over_nothing():
    shed = shapely.box(-5, 10, 5, 15)
    flat = view([shed])
    assert view([shed], roofs_m=[3.0]).equals(flat)
    assert view([shed], roofs_m=[3.0], height_m=math.nan).equals(flat)
    assert view([shed], height_m=6.0).equals(flat)
    assert not view([shed], roofs_m=[3.0], height_m=6.0).equals(flat)


@pytest.mark.parametrize("roof", [math.nan, None, 0.0, -3.0, "tall", math.inf])
def test_a_building_without_a_height_hides_all_that_is_behind_it(roof):
    shapes = [shapely.box(-5, 10, 5, 15), shapely.box(40, 40, 42, 42)]
    seen = view(shapes, roofs_m=[roof, 1.0], height_m=6.0)
    assert not seen.intersects(shapely.box(-5, 15.1, 5, 60))


def test_where_footprints_overlap_the_taller_wins():
    low, tall = shapely.box(-20, 10, 20, 20), shapely.box(-5, 12, 5, 14)
    both = view([low, tall], roofs_m=[2.0, 30.0], height_m=8.0)
    alone = view([tall], height_m=8.0)
    assert both.intersection(shapely.box(-5, 14, 5, 60)).area == pytest.approx(0, abs=1e-6)
    beside = shapely.box(10, 27, 20, 60)
    assert both.intersection(beside).area == pytest.approx(alone.intersection(beside).area, rel=1e-6)


def test_a_row_of_houses_of_different_heights_has_no_gaps():
    row = [shapely.box(10, y, 20, y + 7.3) for y in np.arange(-73, 73, 7.3)]
    heights = [3.0, 9.0] * 10
    seen = view(row, roofs_m=heights, height_m=4.0, range_m=60)
    assert seen.intersection(shapely.union_all(row)).area == pytest.approx(0, abs=1e-6)
    low, tall = row[10], row[11]
    assert seen.intersects(shapely.Point(85, 2 * low.centroid.y).buffer(0.01)) is False  # beyond its range
    behind = view(row, roofs_m=heights, height_m=4.0, range_m=120)
    assert behind.contains(shapely.Point(95, 95 / 15 * low.centroid.y))
    assert not behind.contains(shapely.Point(95, 95 / 15 * tall.centroid.y))


def test_a_camera_on_a_roof_stays_there_and_sees_beyond_the_eaves():
    house = shapely.box(-10, -20, 10, 20)
    seen = view([house], roofs_m=[6.0], height_m=9.0, range_m=100)
    hidden = shapely.affinity.scale(house, 3, 3, origin=(0, 0))  # 9 / (9 - 6)
    whole = view([], range_m=100)
    assert seen.area == pytest.approx(whole.area - hidden.area, rel=ARC_RATIO)
    assert not seen.intersects(hidden.buffer(-0.01))
    assert len(seen.interiors) == 1


def test_a_camera_on_a_roof_wider_than_its_range_sees_nothing():
    assert view([shapely.box(-100, -100, 100, 100)], roofs_m=[6.0], height_m=9.0, range_m=50).is_empty


def test_a_camera_on_a_roof_whose_walls_stand_behind_it():
    roof = shapely.box(-200, -5, 200, 5)
    seen = view([roof], roofs_m=[3.0], height_m=6.0, heading_deg=90, hfov_deg=20, range_m=150)
    inner = shapely.box(0, -9.99, 150, 9.99)  # the eaves drawn out twice
    assert not seen.intersects(inner)
    assert seen.geom_type == "MultiPolygon"


def test_a_camera_in_a_tower_on_a_podium_steps_out_of_the_tower_only():
    podium, tower = shapely.box(-30, -30, 30, 30), shapely.box(-5, -5, 5, 5)
    seen = view([podium, tower], roofs_m=[4.0, 40.0], height_m=8.0, hfov_deg=90, range_m=100)
    assert seen.bounds[1] == pytest.approx(5.01 + 2 * 24.99, abs=0.01)
    assert seen.bounds[3] == pytest.approx(105.01, abs=0.02)


def test_a_low_house_with_a_yard_is_seen_into_from_above():
    house = shapely.box(-10, 10, 10, 40).difference(shapely.box(-8, 12, 8, 38))
    seen = view([house], roofs_m=[3.0], height_m=12.0, range_m=100)
    assert seen.contains(shapely.Point(0, 30))
    assert not seen.contains(
        shapely.Point(0, 13)
    )  # in the shadow of the front, which reaches to 12 · 12 / 9 = 16


def test_a_far_shed_in_the_same_cell_changes_nothing():
    tall, shed = shapely.box(5, 10, 15, 12), shapely.box(30, 30, 31, 31)
    seen = view([tall, shed], roofs_m=[20.0, 1.0], height_m=5.0, range_m=25)
    flat = view([tall], range_m=25)
    assert lost_m2(seen, flat) + lost_m2(flat, seen) <= ARC_RATIO * flat.area


def test_the_blind_cone_and_shadows_together():
    pose = {"height_m": 8.0, "tilt_deg": 25.0, "vfov_deg": 40.0, "range_m": 60.0}
    seen = view([shapely.box(-5, 5, 5, 20)], roofs_m=[2.0], **pose)
    assert seen.is_valid
    assert seen.distance(shapely.Point(0, 0)) == pytest.approx(8.0, rel=1e-3)
    assert not seen.contains(shapely.Point(0, 22))
    assert seen.contains(shapely.Point(0, 28))


def test_heights_keep_index_and_order():
    cameras = pd.concat([camera(x=x, height_m=h) for x, h in ((0, 9.0), (5, 2.0), (-5, math.nan))])
    made = obstacles(shapely.box(-20, 10, 20, 20), roofs_m=[4.0])
    views = visible_polygons(cameras, made)
    assert list(views.index) == ["A7"] * 3
    for k in range(3):
        assert views.iloc[k].equals(visible_polygons(cameras.iloc[[k]], made).iloc[0])


def test_a_height_column_must_be_there():
    with pytest.raises(InputError, match="storeys"):
        prepare_obstacles(
            gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=UTM), height_column="storeys"
        )
    with pytest.raises(InputError, match="storeys"):
        prepare_obstacles(gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=UTM), height_column="storeys")


# Real footprints


def test_views_over_the_roofs_of_manhattan_are_what_rays_reach():
    file = CITIES / "nyc_manhattan" / "buildings.parquet"
    if not file.exists():
        pytest.skip("nyc_manhattan of ../shared/data is not here")
    buildings = gpd.read_parquet(file, columns=["height", "geometry"]).to_crs(32618)
    buildings = buildings[
        buildings.intersects(shapely.box(*buildings.total_bounds).centroid.buffer(500))
    ].reset_index()
    random = np.random.default_rng(5)
    inside = buildings.sample(60, random_state=2)
    height = inside["height"].fillna(30).to_numpy(dtype=float) + random.uniform(1, 20, 60)
    cameras = gpd.GeoDataFrame(
        {
            "heading_deg": random.uniform(0, 360, 60),
            "hfov_deg": random.choice([90.0, 360], 60),
            "range_m": random.uniform(60, 300, 60),
            "height_m": height,
        },
        geometry=inside.representative_point().to_numpy(),
        crs=32618,
    )
    roof = np.nan_to_num(buildings["height"].to_numpy(dtype=float), nan=np.inf)
    at, over = buildings.sindex.query(cameras.geometry, predicate="dwithin", distance=0.05)
    under = np.unique(at[roof[over] >= height[at]])
    cameras = cameras.drop(index=cameras.index[under])
    views = visible_polygons(cameras, prepare_obstacles(buildings, height_column="height"))
    assert len(views) > 15
    assert views.is_valid.all()
    assert (views.geom_type == "MultiPolygon").any()
    for seen, (_, row) in zip(views, cameras.iterrows(), strict=True):
        pose = {name: row[name] for name in ("heading_deg", "hfov_deg", "range_m", "height_m")}
        near = buildings.dwithin(row.geometry, row["range_m"]).to_numpy()
        expected = seen_by_rays_m2(
            buildings.geometry[near].to_numpy(), row.geometry.x, row.geometry.y, roofs_m=roof[near], **pose
        )
        sector = pose["hfov_deg"] / 360 * math.pi * pose["range_m"] ** 2
        assert seen.area == pytest.approx(expected, rel=1e-3, abs=1e-5 * sector)
