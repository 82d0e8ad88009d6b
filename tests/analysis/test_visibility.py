"""Laws and cases of what a camera sees."""

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

from analysis.errors import CrsError, InputError
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
FEW = settings(max_examples=40, deadline=None)


# Laws


@FEW
@given(boxes(), poses)
def test_a_view_is_what_rays_reach(shapes, pose):
    seen = view(shapes, **pose)
    assert seen.is_valid
    assert seen.area == pytest.approx(seen_by_rays_m2(shapes, 0, 0, rays=6_000, **pose), rel=1e-3)


@FEW
@given(boxes(), poses)
def test_a_view_stays_in_range_and_out_of_buildings(shapes, pose):
    seen = view(shapes, **pose)
    circle = shapely.Point(0, 0).buffer(pose["range_m"], quad_segs=720)
    assert seen.difference(circle).area <= 1e-5 * circle.area
    assert seen.intersection(shapely.union_all(shapes)).area <= 1e-6 * circle.area


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(3, 12))
def test_a_convex_room_is_seen_whole(seed, corners):
    random = np.random.default_rng(seed)
    room = shapely.MultiPoint(random.uniform(-40, 40, (corners, 2))).convex_hull
    assume(room.area > 50)
    inside = room.centroid
    walls = shapely.box(-60, -60, 60, 60).difference(room)
    seen = view([walls], x=inside.x, y=inside.y, range_m=200)
    assert lost_m2(seen, room) + lost_m2(room, seen) <= 1e-6 * room.area


@FEW
@given(st.floats(2, 30), st.floats(1, 20), st.floats(31, 60))
def test_the_shadow_of_a_wall_is_a_trapezoid(distance, width, far):
    wall = shapely.box(distance, -width / 2, distance + 0.1, width / 2)
    half = width / 2 / distance * far
    beyond = shapely.box(distance, -half - 1, far, half + 1)
    seen = view([wall], range_m=math.hypot(far, half + 1) * 1.01)
    trapezoid = (width + 2 * half) / 2 * (far - distance)
    assert beyond.difference(seen).area == pytest.approx(trapezoid, rel=1e-5)


@FEW
@given(boxes(), poses, st.floats(0, 360))
def test_turning_the_city_turns_the_views(shapes, pose, turn):
    turned = [shapely.affinity.rotate(shape, turn, origin=(0, 0)) for shape in shapes]
    again = view(turned, **{**pose, "heading_deg": (pose["heading_deg"] - turn) % 360 % 360})
    back = shapely.affinity.rotate(again, -turn, origin=(0, 0))
    assert back.symmetric_difference(view(shapes, **pose)).area <= 1e-4 * pose["range_m"] ** 2


@FEW
@given(boxes(), boxes(3), poses)
def test_one_more_building_never_adds_view(shapes, more, pose):
    gained = view(shapes + more, **pose).difference(view(shapes, **pose)).area
    assert gained <= ARC_RATIO * math.pi * pose["range_m"] ** 2


@FEW
@given(boxes(), poses, st.floats(1, 12), st.floats(0, 80), st.floats(10, 120))
def test_the_blind_cone_is_taken_out_and_nothing_else(shapes, pose, height, tilt, vfov):
    bare = view(shapes, **pose)
    seen = view(shapes, **pose, height_m=height, tilt_deg=tilt, vfov_deg=vfov)
    near, far = float(near_distance_m(height, tilt, vfov)), float(far_distance_m(height, tilt, vfov))
    here, slack = shapely.Point(0, 0), 2 * ARC_RATIO * math.pi * pose["range_m"] ** 2
    expected = bare.difference(here.buffer(near, quad_segs=360)) if near > 0 else bare
    if far < pose["range_m"]:
        expected = expected.intersection(here.buffer(far, quad_segs=360))
    assert seen.is_valid
    assert seen.symmetric_difference(expected).area <= slack


@FEW
@given(boxes(), st.lists(poses, min_size=2, max_size=4))
def test_one_more_camera_never_hides_ground(shapes, several):
    cameras = pd.concat([camera(**pose) for pose in several])
    made = obstacles(*shapes)
    fewer, all_of_them = visible_polygons(cameras.iloc[:-1], made), visible_polygons(cameras, made)
    assert all_of_them.iloc[:-1].geom_equals_exact(fewer, 0).all()
    assert lost_m2(fewer.union_all(), all_of_them.union_all()) == pytest.approx(0, abs=1e-6)


@FEW
@given(st.integers(0, 2**32 - 1))
def test_every_view_of_a_crowd_is_valid_and_its_corners_go_round_the_camera(seed):
    random = np.random.default_rng(seed)
    at = random.uniform(-200, 200, (60, 2)) + random.choice([0, 4e5, 6.5e6])
    half = random.uniform(1, 15, (60, 2))
    shapes = shapely.box(*(at - half).T, *(at + half).T)
    spots = at + random.uniform(-40, 40, (60, 2))
    cameras = gpd.GeoDataFrame(
        {
            "heading_deg": random.uniform(0, 360, 60),
            "hfov_deg": random.choice([0.01, 30, 90, 179, 181, 359, 360], 60),
            "range_m": random.choice([0.5, 30, 300], 60),
            "height_m": random.uniform(0, 12, 60),
            "tilt_deg": random.uniform(-10, 80, 60),
            "vfov_deg": random.uniform(5, 100, 60),
        },
        geometry=shapely.points(spots),
        crs=UTM,
    )
    views = visible_polygons(cameras, obstacles(*shapes))
    assert views.is_valid.all()
    assert (shapely.get_type_id(views.array) >= shapely.GeometryType.POLYGON).all()


# Cases


def test_an_open_field_is_a_sector():
    seen = view([], hfov_deg=90, heading_deg=90, range_m=50)
    assert seen.area == pytest.approx(math.pi * 50**2 / 4, rel=ARC_RATIO)
    assert seen.contains(shapely.Point(49, 0))
    assert not seen.contains(shapely.Point(0, 49))


def test_views_keep_index_and_crs():
    cameras = pd.concat([camera(), camera(x=5, hfov_deg=60)])
    views = visible_polygons(cameras, obstacles(shapely.box(10, 10, 20, 20)))
    assert list(views.index) == ["A7", "A7"]
    assert views.crs == cameras.crs


def test_no_cameras_give_no_views():
    assert visible_polygons(camera().iloc[:0], obstacles(shapely.box(0, 0, 1, 1))).empty


def test_overlapping_touching_and_broken_footprints_become_clean():
    bow = shapely.Polygon([(40, 0), (50, 10), (50, 0), (40, 10)])
    mixed = [shapely.box(0, 0, 10, 10), shapely.box(5, 5, 15, 15), shapely.box(15, 5, 20, 15), bow]
    made = obstacles(*mixed, None, shapely.Point(1, 1), shapely.LineString([(0, 0), (90, 90)]))
    assert made.footprints.is_valid.all()
    assert set(made.footprints.geom_type) == {"Polygon"}
    assert made.footprints.area.sum() == pytest.approx(100 + 100 - 25 + 50 + 50)
    assert not made.footprints.sindex.query(made.footprints, predicate="overlaps").size


def test_no_sight_line_slips_between_houses_that_touch():
    row = [shapely.box(10, y, 20, y + 7.3) for y in np.arange(-73, 73, 7.3)]
    seen = view(row, range_m=60)
    assert seen.intersection(shapely.box(20, -60, 60, 60)).area == 0


@pytest.mark.parametrize("depth", [0.0, 1e-9, 3.0])
def test_a_camera_on_its_wall_looks_out(depth):
    house = shapely.box(-10, -20, 10, 0)
    seen = view([house], y=-depth, hfov_deg=180, range_m=30)
    assert seen.area == pytest.approx(math.pi * 30**2 / 2, rel=2e-3)


def test_a_camera_in_its_house_counts_range_from_the_wall():
    seen = view([shapely.box(-10, -20, 10, 0)], y=-12, hfov_deg=20, range_m=30)
    assert seen.bounds[1] == pytest.approx(0.01, abs=1e-6)
    assert seen.bounds[3] == pytest.approx(30.01, abs=1e-2)


def test_a_camera_too_deep_in_a_house_sees_nothing():
    house = shapely.box(-50, -100, 50, 0)
    assert view([house], y=-40).is_empty
    assert not visible_polygons(camera(y=-40), obstacles(house), step_out_m=41).iloc[0].is_empty


def test_a_courtyard_is_seen_from_within():
    house = shapely.box(-20, -20, 20, 20).difference(shapely.box(-10, -10, 10, 10))
    assert view([house], x=3, y=-4).area == pytest.approx(400)


@pytest.mark.parametrize(
    ("height", "tilt", "vfov", "near", "far"),
    [
        (6, 20, 50, 6, math.inf),
        (6, 60, 60, 0, 6 * math.sqrt(3)),
        (6, -40, 60, math.inf, math.inf),
        (0, 10, 60, 0, math.inf),
    ],
)
def test_limits_of_the_picture(height, tilt, vfov, near, far):
    assert near_distance_m(height, tilt, vfov) == pytest.approx(near)
    assert far_distance_m(height, tilt, vfov) == pytest.approx(far)


def test_a_camera_that_looks_at_the_sky_sees_no_ground():
    assert view([], height_m=6, tilt_deg=-40, vfov_deg=60).is_empty


def test_a_pose_with_a_gap_loses_nothing():
    gap = view([], height_m=np.nan, tilt_deg=30, vfov_deg=40)
    assert gap.equals(view([]))


def test_a_full_turn_has_a_hole_under_it():
    seen = view([], range_m=40, height_m=8, tilt_deg=25, vfov_deg=40)
    assert seen.area == pytest.approx(math.pi * (40**2 - 8**2), rel=ARC_RATIO)


# Errors


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("heading_deg", 360.0),
        ("heading_deg", -1.0),
        ("heading_deg", "north"),
        ("hfov_deg", 0.0),
        ("hfov_deg", 361.0),
        ("range_m", 0.0),
        ("range_m", np.inf),
        ("range_m", np.nan),
        ("height_m", -2.0),
        ("tilt_deg", 91.0),
        ("vfov_deg", 180.0),
    ],
)
def test_a_wrong_value_names_camera_column_and_value(column, value):
    cameras = camera(height_m=5.0, tilt_deg=20.0, vfov_deg=40.0).astype({column: object})
    cameras[column] = [value]
    with pytest.raises(InputError, match=f"{column} of camera A7 .* is {value}"):
        visible_polygons(cameras, obstacles())


@pytest.mark.parametrize("shape", [None, shapely.Point(), shapely.box(0, 0, 1, 1)])
def test_a_camera_is_a_point(shape):
    cameras = camera()
    cameras.loc["A7", "geometry"] = shape
    with pytest.raises(InputError, match="geometry of camera A7"):
        visible_polygons(cameras, obstacles())


def test_missing_columns_and_degrees_are_refused():
    with pytest.raises(InputError, match="range_m"):
        visible_polygons(camera().drop(columns="range_m"), obstacles())
    with pytest.raises(CrsError):
        prepare_obstacles(gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=4326))
    with pytest.raises(CrsError, match="32636"):
        visible_polygons(camera().set_crs(32636, allow_override=True), obstacles())


# Real footprints


@pytest.mark.parametrize(
    ("city", "epsg"), [("helsinki_centre", 32635), ("nyc_manhattan", 32618), ("monaco", 32632)]
)
def test_views_among_real_footprints_are_what_rays_reach(city, epsg):
    file = CITIES / city / "buildings.parquet"
    if not file.exists():
        pytest.skip(f"{city} of ../shared/data is not here")
    buildings = gpd.read_parquet(file).to_crs(epsg)
    middle = shapely.box(*buildings.total_bounds).centroid.buffer(800)
    buildings = buildings[buildings.intersects(middle)]
    prepared = prepare_obstacles(buildings)
    random = np.random.default_rng(11)
    west, south, east, north = buildings.total_bounds
    spots = gpd.GeoSeries(shapely.points(random.uniform([west, south], [east, north], (400, 2))), crs=epsg)
    spots = spots[spots.distance(prepared.footprints.union_all()) > 0.05].iloc[:40]
    count = len(spots)
    cameras = gpd.GeoDataFrame(
        {
            "heading_deg": random.uniform(0, 360, count),
            "hfov_deg": random.choice([45.0, 90, 120, 360], count),
            "range_m": random.uniform(30, 150, count),
        },
        geometry=spots.to_numpy(),
        crs=epsg,
    )
    views = visible_polygons(cameras, prepared)
    assert views.is_valid.all()
    for seen, (_, row) in zip(views, cameras.iterrows(), strict=True):
        pose = {name: row[name] for name in ("heading_deg", "hfov_deg", "range_m")}
        near = buildings.geometry[buildings.dwithin(row.geometry, row["range_m"])].to_numpy()
        expected = seen_by_rays_m2(near, row.geometry.x, row.geometry.y, **pose)
        assert seen.area == pytest.approx(expected, rel=1e-3)
