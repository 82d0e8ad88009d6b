"""Laws and cases of the picture: fields, blind cone, pixels on the target."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.visibility import (
    DORI_PX_PER_M,
    dori_distance_m,
    dori_distances,
    dori_views,
    far_distance_m,
    focal_length_mm,
    hfov_deg,
    near_distance_m,
    pixel_density,
    vfov_deg,
    visible_polygons,
)
from tests.analysis.sightlines import ARC_RATIO, camera, lost_m2, obstacles

widths_mm = st.floats(1, 40)

# Laws


@given(st.floats(0.5, 200), widths_mm)
def test_the_focal_length_of_a_field_gives_the_field(focal, width):
    field = hfov_deg(focal, width)
    assert 0 < field < 180
    assert focal_length_mm(field, width) == pytest.approx(focal, rel=1e-9)


@given(st.floats(1, 170), st.floats(0.2, 2))
def test_the_vertical_field_keeps_the_shape_of_the_picture(field, shape):
    ratio = math.tan(math.radians(float(vfov_deg(field, shape))) / 2) / math.tan(math.radians(field) / 2)
    assert ratio == pytest.approx(shape)


@given(st.floats(2, 100), widths_mm, st.integers(300, 8000), st.floats(1, 500))
def test_the_density_is_focal_length_times_pixels_over_sensor_and_distance(focal, width, pixels, distance):
    density = pixel_density(pixels, hfov_deg(focal, width), distance)
    assert density == pytest.approx(focal * pixels / (width * distance), rel=1e-9)
    assert dori_distance_m(pixels, hfov_deg(focal, width), density) == pytest.approx(distance)


@given(st.floats(0.1, 60), st.floats(-80, 80), st.floats(1, 100))
def test_what_is_near_is_nearer_than_what_is_far(height, tilt, vfov):
    assert near_distance_m(height, tilt, vfov) <= far_distance_m(height, tilt, vfov)
    assert near_distance_m(2 * height, tilt, vfov) >= near_distance_m(height, tilt, vfov)


# Cases


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


def test_dori_distances_of_a_4_mm_lens():
    field = hfov_deg(4, 5.37)
    assert field == pytest.approx(67.75, abs=0.01)
    reached = dori_distance_m(1920, field, list(DORI_PX_PER_M.values()))
    assert reached == pytest.approx([57.2, 22.9, 11.4, 5.7], abs=0.05)
    assert pixel_density(1920, field, reached) == pytest.approx(list(DORI_PX_PER_M.values()))
    assert dori_distance_m(1920, field, 250, height_m=5) == pytest.approx(math.sqrt(5.7207**2 - 25), abs=1e-2)
    assert dori_distance_m(1920, field, 250, height_m=6) == 0


def test_distances_of_cameras_end_at_their_range_and_take_panoramas_as_stitched():
    cameras = pd.concat(
        [
            camera(hfov_deg=float(hfov_deg(4, 5.37)), range_m=40.0, resolution_px=1920, height_m=5.0),
            camera(hfov_deg=360.0, range_m=40.0, resolution_px=4 * 1920, height_m=math.nan),
        ]
    )
    found = dori_distances(cameras)
    assert list(found.columns) == ["detect_m", "observe_m", "recognise_m", "identify_m"]
    assert found["detect_m"].iloc[0] == 40
    assert found["identify_m"].iloc[0] == pytest.approx(math.sqrt(5.7207**2 - 25), abs=1e-2)
    assert found.iloc[1, 1:].tolist() == pytest.approx(dori_distance_m(1920, 90, [62.5, 125, 250]).tolist())


def test_dori_views_lie_one_in_the_other_and_end_where_the_pixels_do():
    pose = {"range_m": 80.0, "hfov_deg": 60.0, "resolution_px": 1920}
    made = obstacles(shapely.box(-3, 10, 3, 12))
    cameras = pd.concat([camera(**pose), camera(x=500, height_m=6.0, tilt_deg=20.0, vfov_deg=40.0, **pose)])
    cameras.index = ["A7", "B2"]
    views = visible_polygons(cameras, made)
    swept, cut = dori_views(views, cameras, made), dori_views(views, cameras)
    assert list(swept.columns) == ["camera", "task", "geometry"]
    assert swept.crs == cameras.crs
    for rings in (swept, cut):
        for label in cameras.index:
            mine = rings[rings["camera"] == label].set_index("task").geometry
            assert list(mine.index) == list(DORI_PX_PER_M)
            whole = views[label]
            for smaller, larger in zip(mine.array, [whole, *mine.array[:-1]], strict=True):
                assert lost_m2(smaller, larger) <= 2 * ARC_RATIO * larger.area
    for one, other in zip(swept.geometry, cut.geometry, strict=True):
        assert lost_m2(one, other) + lost_m2(other, one) <= 4 * ARC_RATIO * max(one.area, 1.0)
    identify = swept.geometry[(swept["camera"] == "A7") & (swept["task"] == "identify")].iloc[0]
    reached = float(dori_distance_m(1920, 60.0, 250))
    assert identify.area == pytest.approx(math.pi * reached**2 / 6, rel=ARC_RATIO)


def test_dori_views_of_a_camera_too_high_for_a_task_are_empty():
    cameras = camera(height_m=30.0, hfov_deg=90.0, resolution_px=1920)
    rings = dori_views(visible_polygons(cameras, obstacles()), cameras, obstacles()).set_index("task")
    assert not rings.geometry["detect"].is_empty
    assert rings.geometry["identify"].is_empty


# Errors


def test_a_panorama_has_no_flat_pixel_density():
    with pytest.raises(InputError, match="180"):
        dori_distance_m(1920, 180, 25)
    with pytest.raises(InputError, match="180"):
        focal_length_mm(180, 5.37)
    with pytest.raises(InputError, match="distance_m"):
        pixel_density(1920, 90, 0)


@pytest.mark.parametrize(("focal", "width", "name"), [(0, 5, "focal_mm"), (4, -1, "sensor_width_mm")])
def test_a_lens_has_a_length_and_a_sensor_a_width(focal, width, name):
    with pytest.raises(InputError, match=name):
        hfov_deg(focal, width)


def test_dori_views_need_the_views_of_the_same_cameras():
    cameras = camera(resolution_px=1920, hfov_deg=90.0)
    views = visible_polygons(cameras, obstacles())
    with pytest.raises(InputError, match="rows"):
        dori_views(views.iloc[:0], cameras)
    with pytest.raises(InputError, match="resolution_px"):
        dori_views(views, cameras.drop(columns="resolution_px"))
    with pytest.raises(InputError, match="resolution_px"):
        dori_views(views, cameras.assign(resolution_px=np.nan))
