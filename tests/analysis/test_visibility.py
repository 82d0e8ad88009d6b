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
from analysis.visibility import (
    DORI_PX_PER_M,
    dori_distance_m,
    far_distance_m,
    near_distance_m,
    pixel_density,
    prepare_obstacles,
    visible_polygons,
)

UTM = 32635
HELSINKI = (
    Path(__file__).parents[2].parent / "shared" / "data" / "city" / "helsinki_centre" / "buildings.parquet"
)
FEW = settings(max_examples=40, deadline=None)
ARC_RATIO = 3e-4  # what chords leave out of an arc


def camera(x=0.0, y=0.0, *, heading_deg=0.0, hfov_deg=360.0, range_m=100.0, **pose):
    columns = {"heading_deg": [heading_deg], "hfov_deg": [hfov_deg], "range_m": [range_m]}
    columns |= {name: [value] for name, value in pose.items()}
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(x, y)], crs=UTM, index=["A7"])


def obstacles(*shapes):
    return prepare_obstacles(gpd.GeoSeries(list(shapes), crs=UTM))


def view(shapes, **pose):
    return visible_polygons(camera(**pose), obstacles(*shapes)).iloc[0]


def ray_area_m2(shapes, x, y, *, heading_deg, hfov_deg, range_m, rays=20_000):
    """Area seen, by casting rays at every wall of every footprint as it comes."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shapes)), return_index=True)
    same = ring[1:] == ring[:-1]
    start, way = (corners[:-1] - [x, y])[same], (corners[1:] - corners[:-1])[same]
    close = shapely.dwithin(
        shapely.linestrings(np.stack([start, start + way], axis=1)), shapely.Point(0, 0), range_m
    )
    start, way = start[close], way[close]
    turn = math.radians(hfov_deg) / rays
    angle = math.radians(90 - heading_deg - hfov_deg / 2) + turn * (np.arange(rays) + 0.5)
    reach = np.full(rays, range_m)
    c, s = np.cos(angle), np.sin(angle)
    with np.errstate(divide="ignore", invalid="ignore"):
        for (ax, ay), (dx, dy) in zip(start, way, strict=True):
            slope = c * dy - s * dx
            along = (ax * dy - ay * dx) / slope
            across = (ax * s - ay * c) / slope
            hit = (along > 0) & (across >= 0) & (across <= 1)
            reach = np.where(hit, np.minimum(reach, along), reach)
    return float((reach**2).sum() * turn / 2)


@st.composite
def boxes(draw, most=8):
    shapes = []
    for _ in range(draw(st.integers(0, most))):
        x, y = draw(st.floats(-70, 70)), draw(st.floats(-70, 70))
        w, d, turn = draw(st.floats(1, 25)), draw(st.floats(1, 25)), draw(st.floats(0, 180))
        shapes.append(shapely.affinity.rotate(shapely.box(x - w, y - d, x + w, y + d), turn))
    return [shape for shape in shapes if shape.distance(shapely.Point(0, 0)) > 0.5]


poses = st.fixed_dictionaries(
    {
        "heading_deg": st.floats(0, 360, exclude_max=True),
        "hfov_deg": st.floats(5, 360),
        "range_m": st.floats(5, 120),
    }
)


# Laws


@FEW
@given(boxes(), poses)
def test_a_view_is_what_rays_reach(shapes, pose):
    seen = view(shapes, **pose)
    assert seen.is_valid
    assert seen.area == pytest.approx(ray_area_m2(shapes, 0, 0, **pose), rel=1e-3)


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
    assert shapely.symmetric_difference(seen, room, grid_size=1e-9).area <= 1e-6 * room.area


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


def test_dori_distances_of_a_4_mm_lens():
    hfov = math.degrees(2 * math.atan(5.37 / 2 / 4))
    reached = dori_distance_m(1920, hfov, list(DORI_PX_PER_M.values()))
    assert reached == pytest.approx([57.2, 22.9, 11.4, 5.7], abs=0.05)
    assert pixel_density(1920, hfov, reached) == pytest.approx(list(DORI_PX_PER_M.values()))
    assert dori_distance_m(1920, hfov, 250, height_m=5) == pytest.approx(math.sqrt(5.7207**2 - 25), abs=1e-2)
    assert dori_distance_m(1920, hfov, 250, height_m=6) == 0


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


def test_a_panorama_has_no_flat_pixel_density():
    with pytest.raises(InputError, match="180"):
        dori_distance_m(1920, 180, 25)
    with pytest.raises(InputError, match="distance_m"):
        pixel_density(1920, 90, 0)


# Real footprints


@pytest.mark.skipif(not HELSINKI.exists(), reason="the Helsinki footprints of ../shared/data are not here")
def test_views_among_real_footprints_are_what_rays_reach():
    buildings = gpd.read_parquet(HELSINKI).to_crs(UTM)
    prepared = prepare_obstacles(buildings)
    random = np.random.default_rng(11)
    west, south, east, north = buildings.total_bounds
    spots = gpd.GeoSeries(shapely.points(random.uniform([west, south], [east, north], (60, 2))), crs=UTM)
    spots = spots[spots.distance(prepared.footprints.union_all()) > 0.2].iloc[:12]
    count = len(spots)
    cameras = gpd.GeoDataFrame(
        {
            "heading_deg": random.uniform(0, 360, count),
            "hfov_deg": random.choice([45.0, 90, 120, 360], count),
            "range_m": random.uniform(30, 150, count),
        },
        geometry=spots.to_numpy(),
        crs=UTM,
    )
    views = visible_polygons(cameras, prepared)
    assert views.is_valid.all()
    for seen, (_, row) in zip(views, cameras.iterrows(), strict=True):
        pose = {name: row[name] for name in ("heading_deg", "hfov_deg", "range_m")}
        expected = ray_area_m2(buildings.geometry.to_numpy(), row.geometry.x, row.geometry.y, **pose)
        assert seen.area == pytest.approx(expected, rel=1e-3)
