"""Captures that cannot be used are told one by one, and the rest goes on."""

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.crs import wgs84_to_gcj02
from analysis.demand import capture_faults
from analysis.errors import InputError

EPSG = 4549
UNTIL = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
ORIGIN = gpd.GeoSeries([shapely.Point(120.68, 30.53)], crs=4490).to_crs(EPSG).iloc[0]


def streets():
    lines = [shapely.LineString([(0, 200 * n), (2000, 200 * n)]) for n in range(11)]
    lines += [shapely.LineString([(200 * n, 0), (200 * n, 2000)]) for n in range(11)]
    return gpd.GeoDataFrame(
        geometry=[shapely.affinity.translate(each, ORIGIN.x, ORIGIN.y) for each in lines], crs=EPSG
    )


LAND = gpd.GeoDataFrame(
    geometry=[shapely.box(ORIGIN.x, ORIGIN.y, ORIGIN.x + 2000, ORIGIN.y + 2000)], crs=EPSG
)


def captures(count=40):
    rng = np.random.default_rng(3)
    lines = streets().geometry.to_numpy()[rng.integers(0, 22, count)]
    spots = shapely.line_interpolate_point(lines, rng.random(count) * 1800 + 100)
    at = pd.date_range("2026-03-01", periods=count, freq="h", tz="UTC")
    return gpd.GeoDataFrame(
        {"at": at, "camera": 1.0}, geometry=spots, crs=EPSG, index=range(100, 100 + count)
    )


def faults(frame):
    return capture_faults(frame, land=LAND, streets=streets(), until=UNTIL)


def test_good_captures_have_no_faults():
    assert faults(captures()).empty
    assert faults(captures().iloc[:0]).empty


def test_every_bad_row_is_told_with_its_reason():
    frame = captures()
    frame.loc[101, "at"] = pd.NaT
    frame.loc[102, "at"] = pd.Timestamp("2027-01-01", tz="UTC")
    frame.loc[103, "geometry"] = None
    frame.loc[104, "geometry"] = shapely.Point()
    frame.loc[105, "geometry"] = shapely.Point(ORIGIN.x - 500, ORIGIN.y)
    frame.loc[107, "geometry"] = frame.loc[106, "geometry"]
    frame.loc[107, "at"] = frame.loc[106, "at"] + pd.Timedelta(seconds=30)
    found = faults(frame)
    assert sorted(found.index) == [101, 102, 103, 104, 105, 107]
    told = {row: str(error) for row, error in found.items()}
    assert "Capture 101 has no time" in told[101]
    assert "2027-01-01" in told[102] and "still to come" in told[102]
    assert "has no place" in told[103] and "has no place" in told[104]
    assert "outside the town" in told[105]
    assert "the same as 106" in told[107]


def test_two_cameras_or_nobody_make_no_double():
    frame = captures()
    frame.loc[107, ["geometry", "at"]] = frame.loc[106, ["geometry", "at"]].to_numpy()
    frame.loc[107, "camera"] = 2.0
    assert faults(frame).empty
    frame.loc[[106, 107], "camera"] = np.nan
    assert faults(frame).empty


def test_captures_in_gcj02_are_told():
    frame = captures(200)
    degrees = frame.to_crs(4490).geometry
    lon, lat = wgs84_to_gcj02(degrees.x, degrees.y)
    shifted = frame.set_geometry(
        gpd.GeoSeries(gpd.points_from_xy(lon, lat), index=frame.index, crs=4490).to_crs(EPSG)
    )
    found = faults(shifted)
    assert len(found) >= 0.9 * len(frame)
    assert "as GCJ-02" in str(found.iloc[0]) and "Convert them from GCJ-02 first." in str(found.iloc[0])


def test_times_without_a_zone_are_refused():
    frame = captures()
    with pytest.raises(InputError, match=r"captures\.at is without a time zone"):
        faults(frame.assign(at=frame["at"].dt.tz_localize(None)))
    with pytest.raises(InputError, match="until is without a time zone"):
        capture_faults(frame, land=LAND, streets=streets(), until=dt.datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(InputError, match=r"lacks the column\(s\) camera"):
        faults(frame.drop(columns="camera"))
