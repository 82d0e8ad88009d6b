"""Laws and cases of cameras that turn."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.visibility import (
    far_distance_m,
    near_distance_m,
    preset_poses,
    reachable_poses,
    visible_polygons,
)
from tests.analysis.sightlines import ARC_RATIO, boxes, camera, lost_m2, obstacles

FEW = settings(max_examples=40, deadline=None)
PTZ = {"height_m": 8.0, "tilt_deg": 20.0, "vfov_deg": 30.0, "hfov_deg": 60.0}


def presets(**columns):
    """Two presets of camera A7."""
    rows = {
        "camera_id": ["A7", "A7"],
        "number": [1, 2],
        "heading_deg": [10.0, 200.0],
        "tilt_deg": [30.0, math.nan],
        "hfov_deg": [30.0, math.nan],
        "share": [0.7, 0.3],
    }
    return pd.DataFrame(rows | columns)


# Laws


@FEW
@given(boxes(5), st.integers(0, 359), st.integers(0, 360), st.floats(0, 1), st.floats(0, 1))
def test_wherever_it_turns_it_sees_only_what_is_reachable(shapes, start, end, pan, lean):
    cameras = camera(**PTZ, pan_from_deg=start, pan_to_deg=end, tilt_from_deg=5.0, tilt_to_deg=70.0)
    swing = end - start if end >= start else end - start + 360
    turned = cameras.assign(heading_deg=(start + pan * swing) % 360, tilt_deg=5 + lean * 65)
    made = obstacles(*shapes)
    reachable = visible_polygons(reachable_poses(cameras), made).iloc[0]
    assert lost_m2(visible_polygons(turned, made).iloc[0], reachable) <= 2 * ARC_RATIO * math.pi * 100**2


@given(st.floats(0, 359), st.floats(0, 360), st.floats(1, 360))
def test_the_reachable_sector_is_as_wide_as_the_swing_and_the_field(start, end, field):
    pose = reachable_poses(camera(hfov_deg=field, pan_from_deg=start, pan_to_deg=end)).iloc[0]
    swing = end - start if end >= start else end - start + 360
    assert pose["hfov_deg"] == pytest.approx(min(360, swing + field))
    assert 0 <= pose["heading_deg"] < 360
    off = (pose["heading_deg"] - start - swing / 2) % 360
    assert min(off, 360 - off) == pytest.approx(0, abs=1e-6)


# Cases


def test_a_camera_turns_clockwise_through_north():
    pose = reachable_poses(camera(**PTZ, pan_from_deg=300.0, pan_to_deg=60.0)).iloc[0]
    assert (pose["heading_deg"], pose["hfov_deg"]) == (0, 180)


def test_a_camera_that_turns_all_round_sees_all_round():
    assert reachable_poses(camera(**PTZ, pan_from_deg=0.0, pan_to_deg=360.0))["hfov_deg"].iloc[0] == 360
    assert reachable_poses(camera(**PTZ, pan_from_deg=90.0, pan_to_deg=90.0))["hfov_deg"].iloc[0] == 60


def test_a_fixed_camera_keeps_its_pose():
    fixed = camera(**PTZ, pan_from_deg=np.nan, pan_to_deg=np.nan, tilt_from_deg=np.nan, tilt_to_deg=np.nan)
    assert reachable_poses(fixed).equals(fixed)


def test_the_tilt_range_moves_the_edges_of_the_picture():
    pose = reachable_poses(
        camera(**PTZ, pan_from_deg=0.0, pan_to_deg=90.0, tilt_from_deg=20.0, tilt_to_deg=40.0)
    ).iloc[0]
    limits = pose["height_m"], pose["tilt_deg"], pose["vfov_deg"]
    assert near_distance_m(*limits) == pytest.approx(near_distance_m(8, 40, 30))
    assert far_distance_m(*limits) == pytest.approx(far_distance_m(8, 20, 30))


def test_a_camera_that_tilts_from_the_sky_to_the_ground_has_no_blind_cone():
    cameras = camera(**PTZ, pan_from_deg=0.0, pan_to_deg=90.0, tilt_from_deg=-90.0, tilt_to_deg=90.0)
    pose = reachable_poses(cameras).iloc[0]
    assert near_distance_m(8.0, pose["tilt_deg"], pose["vfov_deg"]) == 0
    assert math.isinf(far_distance_m(8.0, pose["tilt_deg"], pose["vfov_deg"]))
    visible_polygons(reachable_poses(cameras), obstacles())


def test_presets_become_cameras():
    cameras = pd.concat([camera(**PTZ), camera(**PTZ).set_axis(["B2"])])
    cameras["owner"] = ["police", "office"]
    poses = preset_poses(cameras, presets())
    assert poses.index.tolist() == [("A7", 1), ("A7", 2)]
    assert poses.index.names == ["camera", "number"]
    assert poses["heading_deg"].tolist() == [10, 200]
    assert poses["tilt_deg"].tolist() == [30, 20]
    assert poses["hfov_deg"].tolist() == [30, 60]
    assert poses["share"].tolist() == [0.7, 0.3]
    assert set(poses["owner"]) == {"police"}
    assert poses.crs == cameras.crs
    narrowed = 2 * math.degrees(
        math.atan(math.tan(math.radians(15)) * math.tan(math.radians(15)) / math.tan(math.radians(30)))
    )
    assert poses["vfov_deg"].tolist() == pytest.approx([narrowed, 30])
    assert len(visible_polygons(poses, obstacles())) == 2


def test_presets_do_without_tilt_and_vertical_field():
    poses = preset_poses(camera(hfov_deg=60.0), presets())
    assert "tilt_deg" not in poses


def test_no_presets_are_no_cameras():
    assert preset_poses(camera(**PTZ), presets().iloc[:0]).empty


# Errors


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"camera_id": ["A7", "Z9"]}, "camera Z9"),
        ({"number": [1, 1]}, "preset 1 twice"),
        ({"share": [0.7, 1.4]}, "share of preset 2 of camera A7 .* is 1.4"),
        ({"share": [0.7, math.nan]}, "share of preset 2"),
        ({"share": [0.7, 0.4]}, "camera A7 take 1.1"),
        ({"heading_deg": [10.0, 361.0]}, "heading_deg of camera A7, 2 .* is 361"),
        ({"hfov_deg": [0.0, 30.0]}, "hfov_deg of camera A7, 1 .* is 0"),
        ({"tilt_deg": [0.0, 95.0]}, "tilt_deg of camera A7, 2 .* is 95"),
    ],
)
def test_a_bad_preset_is_named(columns, told):
    with pytest.raises(InputError, match=told):
        preset_poses(camera(**PTZ), presets(**columns))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"pan_from_deg": 361.0, "pan_to_deg": 0.0}, "pan_from_deg of camera A7 .* is 361"),
        ({"pan_from_deg": 0.0, "pan_to_deg": -1.0}, "pan_to_deg of camera A7"),
        ({"pan_from_deg": 10.0, "pan_to_deg": np.nan}, "Camera A7 has only one end"),
        ({"pan_from_deg": 0.0, "pan_to_deg": 1.0, "tilt_from_deg": 91.0}, "tilt_from_deg of camera A7"),
    ],
)
def test_a_bad_range_is_named(columns, told):
    with pytest.raises(InputError, match=told):
        reachable_poses(camera(**PTZ, **columns))


def test_columns_are_needed():
    with pytest.raises(InputError, match="pan_from_deg"):
        reachable_poses(camera())
    with pytest.raises(InputError, match="share"):
        preset_poses(camera(), presets().drop(columns="share"))
