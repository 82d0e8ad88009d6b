"""Users' files: what is good is read; what is wrong is told with row, column, value, mend, and stops nothing else."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.crs import wgs84_to_bd09, wgs84_to_gcj02
from analysis.errors import HuiyanError, InputError
from geodata.errors import IngestError
from geodata.ingest import tables
from geodata.ingest.camera_columns import DEFAULTS, matched_columns, parse_number
from geodata.ingest.readers import CrsNeeded, Reading, RowFault, read_cameras, take_cameras

METRIC = 4549
LON, LAT = 120.68, 30.51
EAST, NORTH = (
    float(part[0]) for part in gpd.GeoSeries([shapely.Point(LON, LAT)], crs=4326).to_crs(METRIC)[0].xy
)
LAND = gpd.GeoDataFrame(
    geometry=[shapely.box(EAST - 3000, NORTH - 3000, EAST + 3000, NORTH + 3000)], crs=METRIC
)
STREETS = gpd.GeoDataFrame(
    geometry=[
        *(
            shapely.LineString([(EAST - 3000, NORTH + d), (EAST + 3000, NORTH + d)])
            for d in range(-3000, 3001, 150)
        ),
        *(
            shapely.LineString([(EAST + d, NORTH - 3000), (EAST + d, NORTH + 3000)])
            for d in range(-3000, 3001, 150)
        ),
    ],
    crs=METRIC,
)


def read(name: str, content: bytes | str, **more: Any) -> Reading:
    raw = content.encode() if isinstance(content, str) else content
    return read_cameras(name, raw, epsg=METRIC, land=LAND, **more)


def faults(found: Reading) -> dict[int, RowFault]:
    return {each.row: each for each in found.faults}


def rows(count: int, seed: int = 1) -> pd.DataFrame:
    """Cameras within 4 m of the streets."""
    rng = np.random.default_rng(seed)
    lines = STREETS.geometry.to_numpy()[rng.integers(10, 30, count)]
    at = shapely.get_coordinates(shapely.line_interpolate_point(lines, rng.uniform(1000, 5000, count)))
    at += rng.uniform(-4, 4, at.shape)
    spots = gpd.GeoSeries(gpd.points_from_xy(*at.T), crs=METRIC).to_crs(4326)
    return pd.DataFrame(
        {
            "lon": spots.x.round(7),
            "lat": spots.y.round(7),
            "heading": rng.integers(0, 360, count),
            "height": 6.0,
            "range": 50.0,
            "name": [f"{n}号杆" for n in range(1, count + 1)],
        }
    )


def as_csv(table: pd.DataFrame, encoding: str = "utf-8") -> bytes:
    return table.to_csv(index=False).encode(encoding)


def as_geojson(table: pd.DataFrame, **members: Any) -> bytes:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            "properties": {k: v for k, v in row.items() if k not in ("lon", "lat")},
        }
        for row in table.to_dict(orient="records")
    ]
    return json.dumps(
        {"type": "FeatureCollection", "features": features, **members}, ensure_ascii=False
    ).encode()


def as_geopackage(table: pd.DataFrame, folder: Path, crs: int = 4326) -> bytes:
    pyogrio.write_dataframe(_points(table, crs), folder / "c.gpkg", layer="cameras")
    return (folder / "c.gpkg").read_bytes()


def as_shapefile(
    table: pd.DataFrame, folder: Path, crs: int = 4326, encoding: str = "utf-8", *, cpg: bool = True
) -> bytes:
    pyogrio.write_dataframe(_points(table, crs), folder / "c.shp", encoding=encoding)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for each in folder.glob("c.*"):
            if cpg or each.suffix != ".cpg":
                archive.write(each, f"data/{each.name}")
    return packed.getvalue()


def _points(table: pd.DataFrame, crs: int) -> gpd.GeoDataFrame:
    points = gpd.GeoDataFrame(
        table.drop(columns=["lon", "lat"]), geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326
    )
    return points.to_crs(crs)


# --------------------------------------------------------------------------------- every kind, the same rows


def test_every_kind_of_file_gives_the_same_cameras(tmp_path: Path) -> None:
    table = rows(20)
    folders = [tmp_path / str(n) for n in range(4)]
    for folder in folders:
        folder.mkdir()
    files = {
        "c.csv": as_csv(table),
        "gb.csv": as_csv(table, "gb18030"),
        "excel.csv": as_csv(table, "utf-8-sig"),
        "unicode.txt": table.to_csv(index=False, sep="\t").encode("utf-16"),
        "semi.csv": table.to_csv(index=False, sep=";").encode(),
        "c.geojson": as_geojson(table),
        "c.gpkg": as_geopackage(table, folders[0]),
        "metric.gpkg": as_geopackage(table, folders[1], METRIC),
        "c.zip": as_shapefile(table, folders[2]),
        "gbk.zip": as_shapefile(table, folders[3], encoding="gb18030", cpg=False),
    }
    first = read("c.csv", files["c.csv"])
    assert len(first.cameras) == 20 and not first.faults and first.crs == "wgs84"
    assert first.cameras.crs == METRIC and first.cameras.within(LAND.geometry[0]).all()
    for name, content in files.items():
        found = read(name, content)
        assert not found.faults and found.rows == 20, name
        assert found.cameras.distance(first.cameras).max() < 0.05, name
        assert found.cameras["name"].tolist() == table["name"].tolist(), name
        assert found.cameras["heading_deg"].tolist() == table["heading"].tolist(), name
        assert found.assumed == {
            k: DEFAULTS[k] for k in ("hfov_deg", "tilt_deg", "vfov_deg", "resolution_px")
        }
    assert read("gb.csv", files["gb.csv"]).encoding == "gb18030"
    assert read("metric.gpkg", files["metric.gpkg"]).crs == f"EPSG:{METRIC}"


def test_chinese_headings_units_and_writing() -> None:
    text = (
        "点位名称,经度,纬度,方位角（°）,安装高度(米),水平视场角,分辨率,有效距离（m）,造价（元）,国标编码\n"
        f'东门,{LON},{LAT},东南,4.5米,９０°,1920×1080,60,"12,000",33048100081320000011\n'
        f"西门,{LON},{LAT},45°,5,60度,4K,80m,¥8000,'33048100081320000012\n"
    )
    found = read("点位.csv", text)
    assert not found.faults
    first, second = found.cameras.to_dict("records")
    assert (first["heading_deg"], first["height_m"], first["hfov_deg"]) == (135.0, 4.5, 90.0)
    assert (first["resolution_px"], first["cost"], first["name"]) == (1920.0, 12000.0, "东门")
    assert (second["resolution_px"], second["range_m"], second["cost"]) == (3840.0, 80.0, 8000.0)
    assert second["code"] == "33048100081320000012"
    assert found.columns["heading_deg"] == "方位角（°）"


def test_a_typed_table_goes_through_the_same_door() -> None:
    table = pd.DataFrame(
        {"lon_deg": [LON, LON], "lat_deg": [LAT, 91.0], "heading_deg": [10, 361], "name": ["a", None]}
    )
    found = take_cameras(table, epsg=METRIC, land=LAND)
    assert found.cameras.index.tolist() == [1] and found.cameras["name"].tolist() == ["a"]
    assert [each.row for each in found.faults] == [2]


# ------------------------------------------------------------------------------------------------ bad rows


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("heading", "361", r"heading of camera 2 must be in \[0, 360\), but is 361"),
        ("heading", "-1", "heading of camera 2"),
        ("heading", "", "heading of camera 2 is missing"),
        ("heading", "NaN", "is 'NaN', which is not a number"),
        ("heading", "uphill", "is 'uphill', which is not a number"),
        ("hfov", "0", "hfov of camera 2 must be in"),
        ("hfov", "400", "hfov of camera 2"),
        ("height", "-3", "height of camera 2"),
        ("range", "0", "range of camera 2"),
        ("range", "inf", "not a number"),
        ("range", "1e9", "no picture is used so far away"),
        ("cost", "-5", "below zero"),
        ("lat", "NaN", "lat of camera 2"),
        ("lat", "", "lat of camera 2 is missing"),
        ("lat", "95", "camera 2"),
        ("lon", "119.0", "outside the land of the town"),
    ],
)
def test_one_bad_value_is_told_and_stops_no_other(column: str, value: str, said: str) -> None:
    table = rows(5).assign(hfov=90, cost=1000).astype(str)
    table.loc[1, column] = value
    found = read("c.csv", as_csv(table))
    assert found.cameras.index.tolist() == [1, 3, 4, 5]
    [fault] = found.faults
    assert fault.row == 2 and isinstance(fault.error, InputError) and fault.error.mend
    assert re.search(said, str(fault.error)), str(fault.error)
    if column not in ("lon", "lat"):
        assert fault.column == column and fault.value == value


def test_the_other_52999() -> None:
    table = rows(53_000).astype(str)
    table.loc[41_234, "heading"] = "361"
    found = read("c.csv", as_csv(table))
    assert len(found.cameras) == 52_999 and [each.row for each in found.faults] == [41_235]


def test_geojson_rows_that_are_no_points() -> None:
    body = json.loads(as_geojson(rows(6)))
    body["features"][0]["geometry"] = None
    body["features"][1]["geometry"] = {"type": "LineString", "coordinates": [[LON, LAT], [LON, LAT]]}
    body["features"][2]["geometry"]["coordinates"] = ["east", LAT]
    body["features"][4]["geometry"]["coordinates"] = [10**400, LAT]
    body["features"][5]["geometry"]["coordinates"] = [math.inf, LAT]
    found = read("c.geojson", json.dumps(body))
    assert found.cameras.index.tolist() == [4] and set(faults(found)) == {1, 2, 3, 5, 6}
    assert "LineString" in faults(found)[2].value


def test_rows_with_a_field_too_many_or_too_few() -> None:
    lines = as_csv(rows(4)).decode().splitlines()
    lines[2] += ",surplus"
    lines[3] = lines[3].rsplit(",", 2)[0]
    found = read("c.csv", "\n".join(lines))
    assert found.cameras.index.tolist() == [1, 4]
    assert "fields, but the heading has" in str(faults(found)[2].error) and 3 in faults(found)


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just("NaN"), st.just([])
)


@given(
    st.lists(
        st.fixed_dictionaries({"heading": values, "hfov": values, "code": values}), min_size=1, max_size=30
    )
)
@settings(max_examples=12, deadline=None)
def test_whatever_stands_in_a_row_it_is_read_or_told(properties: list[dict[str, Any]]) -> None:
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [LON, LAT]}, "properties": each}
        for each in [*properties, {"heading": 5, "hfov": 90, "code": "x"}]
    ]
    found = read("c.json", json.dumps({"type": "FeatureCollection", "features": features}))
    good, bad = set(found.cameras.index), set(faults(found))
    assert good | bad == set(range(1, len(features) + 1)) and not good & bad
    assert len(features) in good
    assert found.cameras["heading_deg"].between(0, 360, inclusive="left").all()


# ------------------------------------------------------------------------------------------- coordinates


@pytest.mark.parametrize(("datum", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_a_file_from_a_web_map_is_noticed_and_can_be_converted(datum: str, shift: Callable[..., Any]) -> None:
    table = rows(40)
    moved = table.assign(lon=(spot := shift(table["lon"], table["lat"]))[0], lat=spot[1])
    found = read("c.csv", as_csv(moved), landmarks=STREETS)
    assert found.hint is not None and found.hint.crs == datum and not found.hint.exchanged
    before, after = found.hint.median_m
    assert after < 5 < before
    mended = read("c.csv", as_csv(moved), landmarks=STREETS, crs=datum)
    assert mended.hint is None and mended.crs == datum
    plain = read("c.csv", as_csv(table), landmarks=STREETS)
    assert plain.hint is None and mended.cameras.distance(plain.cameras).max() < 0.1


def test_exchanged_coordinates_are_noticed() -> None:
    table = rows(10)
    turned = table.rename(columns={"lon": "lat", "lat": "lon"})
    found = read("c.csv", as_csv(turned))
    assert len(found.faults) == 10 and found.cameras.empty
    assert found.hint is not None and found.hint.exchanged and found.hint.crs == "wgs84"
    mended = read("c.csv", as_csv(turned), crs=found.hint.crs, exchanged=found.hint.exchanged)
    assert len(mended.cameras) == 10 and mended.hint is None


def metric_rows(crs: int, *, chinese: bool = False) -> bytes:
    points = _points(rows(10), crs)
    table = pd.DataFrame({"x": points.geometry.x, "y": points.geometry.y, "heading": 5})
    if chinese:  # in surveying X is north
        table = table.rename(columns={"x": "y", "y": "x"})
    return as_csv(table)


def test_metres_without_a_system_are_asked_about() -> None:
    with pytest.raises(CrsNeeded, match=f"EPSG:{METRIC}") as told:
        read("c.csv", metric_rows(METRIC))
    assert "does not say" in str(told.value)
    assert len(read("c.csv", metric_rows(METRIC), crs=f"EPSG:{METRIC}").cameras) == 10
    with pytest.raises(CrsNeeded, match="EPSG:4528"):  # the same zone with its number before the easting
        read("c.csv", metric_rows(4528))


def test_a_wrong_system_offers_the_right_one() -> None:
    found = read("c.csv", metric_rows(METRIC), crs="EPSG:4547")
    assert len(found.faults) == 10
    assert found.hint is not None and found.hint.crs == f"EPSG:{METRIC}" and found.hint.inside_ratio == 1.0
    turned = read("c.csv", metric_rows(METRIC, chinese=True), crs=f"EPSG:{METRIC}")
    assert turned.hint is not None and turned.hint.exchanged and turned.hint.crs == f"EPSG:{METRIC}"
    with pytest.raises(InputError, match="no coordinate system"):
        read("c.csv", metric_rows(METRIC), crs="EPSG:999999")


def test_an_old_geojson_that_names_its_system() -> None:
    points = _points(rows(5), METRIC)
    table = pd.DataFrame({"lon": points.geometry.x, "lat": points.geometry.y, "heading": 5})
    member = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{METRIC}"}}
    found = read("c.geojson", as_geojson(table, crs=member))
    assert found.crs == f"EPSG:{METRIC}" and len(found.cameras) == 5


def test_cameras_in_the_sea_have_no_better_reading() -> None:
    found = read("c.csv", as_csv(rows(5).assign(lon=150.0, lat=0.0)), landmarks=STREETS)
    assert found.cameras.empty and found.hint is None
    assert all("outside the land" in str(each.error) for each in found.faults)


# ------------------------------------------------------------------------------------- files that cannot be


def refused(name: str, content: bytes) -> str:
    with pytest.raises(IngestError) as told:
        read(name, content)
    assert told.value.mend
    return str(told.value)


@pytest.mark.filterwarnings("ignore:GPKG:RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.xlsx", b"PK", "no kind of file"),
        ("c", b"lon,lat", "no kind of file"),
        ("c.csv", b"   \n", "is empty"),
        ("c.csv", b"lon,lat,heading\n", "has 0 rows"),
        ("c.csv", b"a,b\n1,2\n", "lacks the column"),
        ("c.csv", b"lon,lat\n1,2\n", "heading_deg"),
        ("c.csv", b"lon,lat,heading\n\xff\xff\xff,1,2\n", "neither UTF-8 nor GB 18030"),
        ("c.csv", b"lon,lat,heading\n1,\0,2\n", "not text"),
        ("c.geojson", b"{", "is not JSON"),
        ("c.geojson", b"[" * 100_000, "is not JSON"),
        ("c.geojson", b'{"type": "Topology"}', "no list of features"),
        ("c.geojson", b'{"type": "FeatureCollection", "features": []}', "has 0 rows"),
        ("c.gpkg", b"<OGRVRTDataSource></OGRVRTDataSource>", "not a GeoPackage"),
        ("c.gpkg", b"SQLite format 3\0" + b"x" * 200, "cannot be read"),
        ("c.zip", b"PK\x03\x04 nothing", "cannot be unpacked"),
        (
            "c.geojson",
            b'{"type": "FeatureCollection", "features": [], "crs": {"properties": []}}',
            "has 0 rows",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_told(name: str, content: bytes, said: str) -> None:
    assert said in refused(name, content)


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return packed.getvalue()


def test_zips_that_are_no_shapefile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "holds 0 shapefiles" in refused("c.zip", zipped(a_csv=b"lon,lat"))
    assert "holds 2 shapefiles" in refused("c.zip", zipped(a_shp=b"", b_shp=b""))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c.shp", bytes(range(256)) * 40)
    damaged = bytearray(packed.getvalue())
    at = damaged.find(b"c.shp") + 5  # the packed content begins behind the name
    damaged[at : at + 20] = b"\xff" * 20
    assert "cannot be unpacked" in refused("c.zip", bytes(damaged))
    # GDAL would follow such a file to others on this machine
    assert "not a shapefile" in refused("c.zip", zipped(a_shp=b"<OGRVRTDataSource/>"))
    good = as_shapefile(rows(3), tmp_path)
    monkeypatch.setattr(tables, "UNPACKED", 0)
    assert "unpacks to more" in refused("c.zip", good)


def test_a_file_of_lines_has_only_faults(tmp_path: Path) -> None:
    lines = gpd.GeoDataFrame(
        {"heading": [1]}, geometry=[shapely.LineString([(LON, LAT), (LON, LAT + 1)])], crs=4326
    )
    pyogrio.write_dataframe(lines, tmp_path / "l.gpkg")
    found = read("l.gpkg", (tmp_path / "l.gpkg").read_bytes())
    assert found.cameras.empty and "LineString" in found.faults[0].value


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_BYTES", 100)
    assert "MB" in refused("c.csv", as_csv(rows(20)))
    monkeypatch.setattr(tables, "MOST_BYTES", 10**6)
    monkeypatch.setattr(tables, "MOST_ROWS", 10)
    assert "1 to 10" in refused("c.csv", as_csv(rows(20)))
    wide = ("lon,lat,heading," + ",".join(f"c{n}" for n in range(300)) + "\n" + "1," * 302 + "1\n").encode()
    assert "303 columns" in refused("c.csv", wide)


@given(st.binary(max_size=300))
@settings(max_examples=80, deadline=None)
def test_no_bytes_break_the_door(content: bytes) -> None:
    for name in ("c.csv", "c.geojson", "c.zip", "c.gpkg"):
        try:
            read(name, content)
        except HuiyanError as error:
            assert error.mend or error.message


# ----------------------------------------------------------------------------------------------- columns


def test_columns_of_many_hands() -> None:
    assert matched_columns(["Longitude", " LATITUDE ", "Heading_deg", "FOV (°)", "Mount height (m)"]) == {
        "lon_deg": "Longitude",
        "lat_deg": " LATITUDE ",
        "heading_deg": "Heading_deg",
        "hfov_deg": "FOV (°)",
        "height_m": "Mount height (m)",
    }
    assert matched_columns(["hfov", "视场角", "note"]) == {"hfov_deg": "hfov"}


@given(
    st.floats(-1e6, 1e6).map(lambda value: round(value, 6)), st.sampled_from(["", " ", "°", "m", " 米", "px"])
)
def test_a_number_is_read_with_its_unit(value: float, unit: str) -> None:
    text = f"{value:.6f}{unit}"
    assert parse_number("range_m", text, row=1, called="range") == pytest.approx(value, abs=1e-9)
