"""Every bad row is told, and none stops the others."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from analysis.crs import wgs84_to_bd09, wgs84_to_gcj02
from analysis.errors import CrsError, InputError
from analysis.visibility import camera_faults, footprint_faults, prepare_obstacles, visible_polygons
from tests.analysis.sightlines import UTM, obstacles

HANGZHOU = 32651
CENTRE_DEG = (120.17, 30.27)
BAD = {
    "heading_deg": [361.0, 360.0, -1.0, np.nan, np.inf, "north", None],
    "hfov_deg": [0.0, 361.0, -5.0, np.nan],
    "range_m": [0.0, -3.0, np.inf, np.nan],
    "height_m": [-2.0, np.inf, "high"],
    "tilt_deg": [91.0, -91.0, np.inf],
    "vfov_deg": [0.0, 180.0],
    "heading_sd_deg": [-1.0, np.inf],
    "resolution_px": [0, -1920],
    "pan_from_deg": [360.0, -1.0],
    "pan_to_deg": [361.0],
    "geometry": [
        None,
        shapely.Point(),
        shapely.Point(np.nan, 1),
        shapely.Point(np.inf, 1),
        shapely.LineString([(0, 0), (1, 1)]),
        shapely.box(0, 0, 1, 1),
    ],
}
ALL_BAD = [(column, value) for column, values in BAD.items() for value in values]


def row_of_cameras(count=6):
    """Good cameras in a row, C0, C1 …"""
    return gpd.GeoDataFrame(
        {
            "heading_deg": 10.0,
            "hfov_deg": 90.0,
            "range_m": 50.0,
            "height_m": 5.0,
            "tilt_deg": 20.0,
            "vfov_deg": 50.0,
            "heading_sd_deg": 0.0,
            "resolution_px": 1920.0,
            "pan_from_deg": 0.0,
            "pan_to_deg": 90.0,
        },
        geometry=[shapely.Point(5e5 + 40 * k, 6.6e6) for k in range(count)],
        crs=UTM,
        index=[f"C{k}" for k in range(count)],
    )


def spoilt(cameras, row, column, value):
    """The cameras with one value changed."""
    cameras = cameras.copy()
    values = list(cameras[column])
    values[row] = value
    if column == "geometry":
        return cameras.set_geometry(gpd.GeoSeries(values, index=cameras.index, crs=cameras.crs))
    cameras[column] = pd.Series(values, index=cameras.index, dtype=object)
    return cameras


# Laws


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(ALL_BAD)), max_size=5))
def test_a_bad_row_never_stops_the_others(changes):
    cameras = row_of_cameras()
    for row, (column, value) in changes:
        cameras = spoilt(cameras, row, column, value)
    faults = camera_faults(cameras)
    assert list(faults.index) == [f"C{row}" for row in sorted({row for row, _ in changes})]
    good = cameras[~cameras.index.isin(faults.index)]
    views = visible_polygons(good, obstacles())
    assert (views.area > 0).all()
    assert len(views) + len(faults) == 6


@pytest.mark.parametrize(("column", "value"), ALL_BAD)
def test_a_bad_value_names_camera_column_value_and_mend(column, value):
    faults = camera_faults(spoilt(row_of_cameras(), 3, column, value))
    (fault,) = faults
    assert faults.index.tolist() == ["C3"]
    assert isinstance(fault, InputError)
    words = str(fault)
    assert column in words
    assert "C3" in words
    assert fault.mend
    if column == "geometry":
        assert fault.facts["value"] in ("missing", "Point EMPTY", "LineString", "Polygon") or "POINT" in words
    else:
        assert f"is {value}" in words or value is None


@pytest.mark.parametrize(("column", "value"), ALL_BAD)
def test_views_are_refused_for_the_first_bad_row(column, value):
    cameras = spoilt(spoilt(row_of_cameras(), 4, "range_m", -1.0), 2, column, value)
    depends = column in ("geometry", "heading_deg", "hfov_deg", "range_m", "height_m", "tilt_deg", "vfov_deg")
    with pytest.raises(InputError, match="C2" if depends else "C4"):
        visible_polygons(cameras, obstacles())


# Cases


def test_good_cameras_have_no_faults():
    faults = camera_faults(row_of_cameras())
    assert faults.empty
    assert camera_faults(row_of_cameras(0)).empty
    assert camera_faults(row_of_cameras().set_axis(range(6))).empty


@pytest.mark.parametrize("column", ["height_m", "tilt_deg", "vfov_deg", "heading_sd_deg", "resolution_px"])
def test_what_need_not_be_known_may_be_missing(column):
    assert camera_faults(spoilt(row_of_cameras(), 1, column, None)).empty
    assert camera_faults(row_of_cameras().drop(columns=column)).empty


def test_half_a_pan_range_is_told():
    (fault,) = camera_faults(spoilt(row_of_cameras(), 1, "pan_to_deg", None))
    assert "C1" in str(fault)


def test_labels_that_come_twice_are_told_twice():
    cameras = pd.concat([spoilt(row_of_cameras(2), 0, "hfov_deg", 0.0)] * 2)
    assert camera_faults(cameras).index.tolist() == ["C0", "C0"]


def test_degrees_in_a_frame_in_metres():
    cameras = spoilt(row_of_cameras(), 2, "geometry", shapely.Point(27.5, 60.2))
    faults = camera_faults(cameras)
    assert faults.index.tolist() == ["C2"]
    assert "degrees" in str(faults["C2"])
    assert "(27.5, 60.2)" in str(faults["C2"])


def town(lon=CENTRE_DEG[0], lat=CENTRE_DEG[1]):
    """300 m of land around a spot in Hangzhou, and five cameras on it."""
    x, y = Transformer.from_crs(4326, HANGZHOU, always_xy=True).transform(lon, lat)
    cameras = row_of_cameras(5)
    cameras = cameras.set_geometry(gpd.points_from_xy(x + np.arange(5) * 10, np.full(5, y)), crs=HANGZHOU)
    return cameras, gpd.GeoSeries([shapely.Point(x, y).buffer(300)], crs=HANGZHOU)


def misread(x, y, crs):
    """A metric point out of coordinates of another system, read as if they were of the right one."""
    return shapely.Point(*Transformer.from_crs(crs, HANGZHOU, always_xy=True).transform(x, y))


@pytest.mark.parametrize(
    ("point", "told"),
    [
        (shapely.Point(*CENTRE_DEG), "degrees"),
        (shapely.Point(*CENTRE_DEG[::-1]), "latitude first"),
        (misread(*(float(v) for v in wgs84_to_gcj02(*CENTRE_DEG)), 4326), "GCJ-02"),
        (misread(*(float(v) for v in wgs84_to_bd09(*CENTRE_DEG)), 4326), "BD-09"),
        (
            shapely.Point(*Transformer.from_crs(4326, 3857, always_xy=True).transform(*CENTRE_DEG)),
            "Web Mercator",
        ),
        (
            shapely.Point(*Transformer.from_crs(4326, HANGZHOU, always_xy=True).transform(*CENTRE_DEG)[::-1]),
            "northing",
        ),
        (shapely.Point(7e5, 3.0e6), "Correct its position"),
        (shapely.Point(0, 0), "Correct its position"),
        (shapely.Point(1e12, -1e12), "Correct its position"),
    ],
)
def test_a_camera_in_the_sea_is_told_and_why_it_may_be_there(point, told):
    cameras, land = town()
    faults = camera_faults(spoilt(cameras, 3, "geometry", point), land=land)
    assert faults.index.tolist() == ["C3"]
    assert "outside the land" in str(faults["C3"])
    assert told in faults["C3"].mend


def test_a_camera_on_the_shore_is_on_land():
    cameras, land = town()
    shore = shapely.Point(*land.iloc[0].exterior.coords[7])
    assert camera_faults(spoilt(cameras, 3, "geometry", shore), land=land).empty


def test_a_row_with_a_bad_value_in_the_sea_is_told_once():
    cameras, land = town()
    cameras = spoilt(spoilt(cameras, 3, "geometry", shapely.Point(0, 0)), 3, "hfov_deg", 0.0)
    faults = camera_faults(cameras, land=land)
    assert faults.index.tolist() == ["C3"]
    assert "hfov_deg" in str(faults["C3"])


def test_frames_in_other_systems_are_refused_as_a_whole():
    cameras, land = town()
    with pytest.raises(CrsError):
        camera_faults(cameras.to_crs(4326))
    with pytest.raises(CrsError):
        camera_faults(cameras, land=land.to_crs(4326))
    with pytest.raises(InputError, match="range_m"):
        camera_faults(cameras.drop(columns="range_m"))


# Footprints


def test_footprints_that_hide_nothing_or_were_repaired_are_told():
    bow = shapely.Polygon([(40, 0), (50, 10), (50, 0), (40, 10)])
    shapes = {
        "good": shapely.box(0, 0, 10, 10),
        "line": shapely.LineString([(0, 0), (90, 90)]),
        "point": shapely.Point(1, 1),
        "none": None,
        "empty": shapely.Polygon(),
        "bow": bow,
        "flat": shapely.Polygon([(0, 0), (5, 5), (9, 9)]),
        "both": shapely.GeometryCollection([shapely.box(70, 0, 80, 10), shapely.Point(0, 0)]),
    }
    buildings = gpd.GeoSeries(shapes, crs=UTM)
    faults = footprint_faults(buildings)
    assert faults.index.tolist() == ["line", "point", "none", "empty", "bow", "flat"]
    assert all(isinstance(fault, InputError) and label in str(fault) for label, fault in faults.items())
    assert "LineString" in str(faults["line"])
    assert "missing" in str(faults["none"])
    assert "Self-intersection" in str(faults["bow"])
    assert len(prepare_obstacles(buildings).footprints) == 4  # good, two halves of the bow, both


def test_heights_that_are_none_are_told():
    shapes = [shapely.box(20 * k, 0, 20 * k + 10, 10) for k in range(6)]
    buildings = gpd.GeoDataFrame(
        {"storeys": [3.0, 0.0, -2.0, None, "tall", np.inf]}, geometry=shapes, crs=UTM
    )
    faults = footprint_faults(buildings, height_column="storeys")
    assert faults.index.tolist() == [1, 2, 4, 5]
    assert "storeys of building 4" in str(faults[4])
    assert footprint_faults(buildings).empty
    with pytest.raises(InputError, match="levels"):
        footprint_faults(buildings, height_column="levels")
    with pytest.raises(CrsError):
        footprint_faults(buildings.to_crs(4326))


def test_no_footprints_are_no_faults():
    assert footprint_faults(gpd.GeoSeries([], crs=UTM)).empty
    assert len(prepare_obstacles(gpd.GeoSeries([], crs=UTM)).footprints) == 0
