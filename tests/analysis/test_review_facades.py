"""Windows in sight: closed forms for one wall, and what must hold of any."""

from __future__ import annotations

import math
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate, translate

from analysis.errors import CrsError, InputError
from analysis.review.facades import facades_in_sight, flat_picture, px_per_m_at
from analysis.visibility import DORI_PX_PER_M, dori_distance_m, pixel_density

METRIC = 4549
RECOGNISE = DORI_PX_PER_M["recognise"]
LENS: dict[str, Any] = {"heading_deg": 0.0, "hfov_deg": 60.0, "resolution_px": 3840, "range_m": 5.0}
REACH_M = float(dori_distance_m(3840, 60.0, RECOGNISE))
"""26.6 m."""


def camera(x: float = 0.0, y: float = 0.0, **lens: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame([LENS | lens], geometry=[shapely.Point(x, y)], crs=METRIC, index=["A"])


def frame(*shapes: shapely.Geometry, **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({**columns}, geometry=list(shapes), crs=METRIC, index=range(len(shapes)))


def wall(distance_m: float, *, width_m: float = 100.0, depth_m: float = 8.0) -> shapely.Polygon:
    return shapely.box(-width_m / 2, distance_m, width_m / 2, distance_m + depth_m)


def length_m(
    cameras: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, *private: int, px: float = RECOGNISE
) -> float:
    areas = buildings.iloc[list(private or range(len(buildings)))][["geometry"]]
    return float(facades_in_sight(cameras, buildings, areas, px_per_m=px)["length_m"].sum())


# -------------------------------------------------------------------------------------------------- laws


@given(st.floats(1.0, 40.0), st.floats(20.0, 120.0), st.floats(0.0, 360.0))
@settings(max_examples=40, deadline=None)
def test_one_wall_is_seen_as_far_as_field_and_pixels_reach(
    distance: float, field: float, turn: float
) -> None:
    """And turning the city turns the facade."""
    reach = float(dori_distance_m(3840, field, RECOGNISE))
    by_field = distance * math.tan(math.radians(field) / 2)
    by_pixels = math.sqrt(max(reach**2 - distance**2, 0.0))
    by_facing = distance / math.tan(math.radians(15))
    want = 2 * min(by_field, by_pixels, by_facing, 50.0)
    place = rotate(translate(wall(distance), 500, 700), -turn, origin=(500, 700))
    found = length_m(camera(500, 700, heading_deg=turn % 360, hfov_deg=field), frame(place))
    assert found == pytest.approx(want, abs=2.5, rel=0.02), "pieces of a metre, chords of 2°"


boxes = st.lists(
    st.tuples(st.floats(-40, 40), st.floats(-40, 40), st.floats(3, 15), st.floats(3, 15)).map(
        lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[3])
    ),
    min_size=1,
    max_size=6,
)


@given(boxes, st.floats(0, 359.9))
@settings(max_examples=30, deadline=None)
def test_more_pixels_wanted_never_shows_more(shapes: list[shapely.Polygon], heading: float) -> None:
    eyes = camera(0.37, 0.53, heading_deg=heading)
    lengths = [length_m(eyes, frame(*shapes), px=px) for px in (62.5, 125.0, 250.0)]
    assert lengths[0] + 2 >= lengths[1] and lengths[1] + 2 >= lengths[2]


@given(boxes, boxes, st.floats(0, 359.9))
@settings(max_examples=30, deadline=None)
def test_a_building_more_never_shows_more_of_the_others(
    shapes: list[shapely.Polygon], more: list[shapely.Polygon], heading: float
) -> None:
    eyes = camera(0.37, 0.53, heading_deg=heading)
    spot = shapely.Point(0.37, 0.53)
    more = [each for each in more if each.distance(spot) > 0.1]  # one around the camera moves it
    few, many = frame(*shapes), frame(*shapes, *more)
    private = few[["geometry"]]
    before = facades_in_sight(eyes, few, private, px_per_m=RECOGNISE)
    after = facades_in_sight(eyes, many, private, px_per_m=RECOGNISE)
    walls = shapely.union_all([each.boundary for each in shapes])
    seen = after.geometry.intersection(walls.buffer(0.1)).length.sum()
    # where the new building touches a private wall, its own wall lies on that one
    touching = shapely.union_all(more).boundary.intersection(walls.buffer(0.1)).length if more else 0.0
    assert seen <= before["length_m"].sum() + touching + 2


@given(boxes, st.floats(0, 359.9))
@settings(max_examples=20, deadline=None)
def test_facades_lie_on_the_edge_of_their_area_within_reach(
    shapes: list[shapely.Polygon], heading: float
) -> None:
    buildings = frame(*shapes)
    found = facades_in_sight(
        camera(heading_deg=heading), buildings, buildings[["geometry"]], px_per_m=RECOGNISE
    )
    for row in found.itertuples():
        assert buildings.geometry[row.area].distance(row.geometry) < 0.06
        assert row.geometry.length == pytest.approx(row.length_m)
        assert row.px_per_m >= RECOGNISE * 0.8 or row.nearest_m < 30
        assert row.nearest_m <= REACH_M + 31


# ------------------------------------------------------------------------------------------------- cases


def test_range_and_blind_cone_do_not_close_a_window() -> None:
    place = frame(wall(3.0), height_m=[9.0])
    posed = camera(height_m=5.0, tilt_deg=20.0, vfov_deg=40.0, range_m=1.0)
    assert length_m(posed, place) == pytest.approx(length_m(camera(), place))
    assert length_m(posed, place) > 3


def test_a_picture_that_ends_before_the_wall_does_not_show_it() -> None:
    place = frame(wall(20.0), height_m=[9.0])
    down = camera(height_m=5.0, tilt_deg=60.0, vfov_deg=40.0)  # ends 6 m away
    assert length_m(down, place) == 0.0
    assert length_m(camera(height_m=5.0, tilt_deg=20.0, vfov_deg=40.0), place) > 10


def test_a_roof_below_the_picture_is_not_in_it() -> None:
    low = frame(wall(4.0), height_m=[3.0])
    high_up = camera(height_m=20.0, tilt_deg=20.0, vfov_deg=40.0)  # at 4 m the picture begins 15 m up
    assert length_m(high_up, low) == 0.0
    steep = camera(height_m=20.0, tilt_deg=70.0, vfov_deg=40.0)
    assert length_m(steep, low) > 3


def test_a_shed_lower_than_the_lens_hides_nothing_and_a_house_does() -> None:
    shed, home = shapely.box(-50, 8, 50, 10), wall(15.0)
    posed = camera(height_m=5.0, tilt_deg=10.0, vfov_deg=40.0)
    assert length_m(posed, frame(shed, home, height_m=[2.5, 9.0]), 1) > 10
    assert length_m(posed, frame(shed, home, height_m=[6.0, 9.0]), 1) == 0.0
    assert length_m(posed, frame(shed, home, height_m=[np.nan, 9.0]), 1) == 0.0, "not known: it hides"
    assert length_m(posed, frame(shed, home), 1) == 0.0


def test_the_nearest_window_tells_the_pixels() -> None:
    place = frame(wall(10.0))
    [row] = facades_in_sight(camera(), place, place[["geometry"]], px_per_m=RECOGNISE).itertuples()
    assert row.camera == "A" and row.area == 0
    assert row.nearest_m == pytest.approx(10.0, abs=0.05)
    assert row.px_per_m == pytest.approx(float(pixel_density(3840, 60.0, 10.0)), rel=0.01)


def test_a_camera_on_the_wall_of_a_house_looks_at_the_one_across() -> None:
    own, across = shapely.box(-10, -10, 10, 0.2), wall(12.0)
    found = facades_in_sight(camera(), frame(own, across), frame(own, across), px_per_m=RECOGNISE)
    assert found["area"].tolist() == [1]


def test_a_disc_in_the_open_has_no_facade() -> None:
    place, disc = frame(wall(15.0)), frame(shapely.Point(0, 8).buffer(4))
    assert facades_in_sight(camera(), place, disc, px_per_m=RECOGNISE).empty
    at_wall = frame(shapely.Point(0, 15).buffer(4))
    found = facades_in_sight(camera(), place, at_wall, px_per_m=RECOGNISE)
    assert found["length_m"].tolist() == pytest.approx([8.0], abs=1.5)


def test_a_panorama_is_stitched() -> None:
    eyes = camera(hfov_deg=360.0, resolution_px=7680)
    pixels, field = flat_picture(eyes)
    assert field.tolist() == [90.0] and pixels.tolist() == pytest.approx([1920 / 2])
    assert px_per_m_at(eyes.assign(height_m=3.0), 4.0).tolist() == pytest.approx([960 / 5])


def test_a_camera_that_sees_nothing_does_not_shift_the_others() -> None:
    inside = camera(0, -50).set_axis(["inside"])  # more than 30 m to the wall
    eyes = pd.concat([inside, camera()])
    found = facades_in_sight(
        eyes, frame(shapely.box(-40, -90, 40, -1), wall(12)), frame(wall(12)), px_per_m=RECOGNISE
    )
    assert found["camera"].tolist() == ["A"] and found["nearest_m"].tolist() == pytest.approx(
        [12.0], abs=0.05
    )


def test_nothing_to_see_is_an_empty_frame_with_its_columns() -> None:
    nothing = frame()
    for buildings, areas in ((nothing, nothing), (frame(wall(5)), nothing), (nothing, frame(wall(5)))):
        found = facades_in_sight(camera(), buildings, areas, px_per_m=RECOGNISE)
        assert found.empty and {"camera", "area", "length_m", "nearest_m", "px_per_m"} <= set(found.columns)
        assert found.crs == METRIC
    assert facades_in_sight(camera().iloc[:0], frame(wall(5)), frame(wall(5)), px_per_m=RECOGNISE).empty


# --------------------------------------------------------------------------------------------- bad input


def test_bad_input_is_told() -> None:
    place = frame(wall(5.0))
    with pytest.raises(CrsError):
        facades_in_sight(camera().to_crs(4326), place, place, px_per_m=RECOGNISE)
    with pytest.raises(InputError, match="resolution_px"):
        facades_in_sight(camera().drop(columns="resolution_px"), place, place, px_per_m=RECOGNISE)
    with pytest.raises(InputError, match="px_per_m"):
        facades_in_sight(camera(), place, place, px_per_m=0.0)
    with pytest.raises(InputError, match="resolution_px"):
        facades_in_sight(camera(resolution_px=0), place, place, px_per_m=RECOGNISE)
