"""Files of users: what is right comes in whole, what is wrong is told, and what came in goes out again."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from rasterio.transform import from_origin
from sqlalchemy import text

from analysis.crs import wgs84_to_gcj02
from analysis.errors import HuiyanError
from geodata import database
from geodata.commands import merging
from geodata.commands.imports import Order, Report, check_file, load_file
from geodata.commands.rasters import load_raster
from geodata.commands.unloading import unload
from geodata.errors import IngestError, NotFound
from geodata.export.faults import fault_lines, harmless
from geodata.export.tables import DANGEROUS
from geodata.ingest import formats
from geodata.ingest.formats import opened, zips
from geodata.ingest.kinds import KINDS, find_kind
from geodata.ingest.mapping import suggest
from geodata.ingest.readers import CrsNeeded
from geodata.models import Base
from geodata.queries.loads import loads, remembered
from geodata.settings import ROOT, settings

pytestmark = pytest.mark.postgis

HELSINKI = ROOT.parent / "shared" / "data" / "city" / "helsinki_centre"
LON, LAT = 24.944, 60.171
CODE = "91009100081320{:06d}"
WATCHED = (
    *("building", "camera", "pipe", "pipe_node", "component", "case_file", "car_park", "poi", "unit_cell"),
    *("address_point", "dataset"),
)


@pytest.fixture(scope="module")
def town(town_of_module: str) -> Iterator[str]:
    """A town to write in; every test leaves it as it was."""
    yield town_of_module


def prints(*tables: str) -> dict[str, str]:
    """A fingerprint of each table's rows."""
    found = {}
    with database.connection() as conn:
        for name in tables or WATCHED:
            left_out = {"id", "revision", "loaded_at", "rows"} if name == "dataset" else {"id"}
            columns = ", ".join(
                f"t.{c.name}" for c in Base.metadata.tables[name].columns if c.name not in left_out
            )
            sql = f"SELECT md5(string_agg(r, '|' ORDER BY r)) FROM (SELECT ROW({columns})::text r FROM {name} t) q"
            found[name] = str(conn.scalar(text(sql)))
    return found


def rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with database.connection() as conn:
        return [tuple(row) for row in conn.execute(text(sql), values)]


def pois(count: int = 3, **columns: Any) -> gpd.GeoDataFrame:
    facts = {
        "编号": [f"p{n}" for n in range(count)],
        "名称": [f"茶馆 {n}" for n in range(count)],
        "大类": "shop",
        "小类": "tea",
    }
    return gpd.GeoDataFrame(
        pd.DataFrame(facts | columns, index=range(count)),
        geometry=gpd.points_from_xy(LON + np.arange(count) / 1e4, np.full(count, LAT)),
        crs=4326,
    )


def cameras(count: int = 4, first: int = 900_001, **columns: Any) -> pd.DataFrame:
    facts = {
        "设备编码": [CODE.format(first + n) for n in range(count)],
        "方位角": [str(40 * n) for n in range(count)],
        "经度": [f"{LON + n / 1e4:.6f}" for n in range(count)],
        "纬度": [f"{LAT:.6f}"] * count,
    }
    return pd.DataFrame(facts | columns)


def as_csv(folder: Path, table: pd.DataFrame, name: str = "file.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    table.to_csv(path, index=False, encoding=encoding)
    return path


def faults(report: Report) -> set[tuple[int, str | None]]:
    return {(each.row, each.column) for each in report.faults}


def write(form: str, frame: gpd.GeoDataFrame, folder: Path) -> Path:
    """The same rows in another format."""
    path = folder / f"pois.{form}"
    if form == "csv":
        plain = pd.DataFrame(frame.drop(columns="geometry")).assign(
            经度=frame.geometry.x, 纬度=frame.geometry.y
        )
        plain.to_csv(path, index=False, encoding="gb18030")
    elif form == "xlsx":
        plain = pd.DataFrame(frame.drop(columns="geometry")).assign(
            经度=frame.geometry.x, 纬度=frame.geometry.y
        )
        pyogrio.write_dataframe(plain, path, driver="XLSX")
    elif form == "parquet":
        frame.to_parquet(path)
    elif form == "zip":
        pyogrio.write_dataframe(frame, folder / "pois.shp", encoding="GBK")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for part in (".shp", ".shx", ".dbf", ".prj"):  # no .cpg: the encoding has to be found
                packed.write(folder / f"pois{part}", f"资料/pois{part}")
    else:
        pyogrio.write_dataframe(frame, path)
    return path


# ---------------------------------------------------------------------------------------------- laws


@pytest.mark.parametrize("form", ["csv", "xlsx", "geojson", "gpkg", "zip", "fgb", "parquet"])
def test_every_format_brings_the_same_rows_and_takes_them_away(form: str, town: str, tmp_path: Path) -> None:
    before = prints()
    frame = pois(5)
    order = Order(write(form, frame, tmp_path), "pois", source="law")
    dry = check_file(order)
    assert prints() == before, "a dry run writes nothing"
    done = load_file(order)
    assert (done.rows, done.good, done.added, done.changed, done.same, done.faulty) == (5, 5, 5, 0, 0, 0)
    assert (dry.added, dry.good, dry.revision) == (5, 5, None) and done.revision is not None
    found = rows(
        "SELECT source_key, name, kind, category, ST_X(geom), simulated FROM poi"
        " WHERE source_name = 'law' ORDER BY 1"
    )
    assert found == [
        (f"p{n}", f"茶馆 {n}", "shop", "tea", pytest.approx(LON + n / 1e4, abs=1e-6), False) for n in range(5)
    ]
    again = load_file(order)
    assert (again.added, again.changed, again.same) == (0, 0, 5), "the same file again changes nothing"
    assert unload(again.revision or 0) == {"removed": 0, "restored": 0}
    assert unload(done.revision) == {"removed": 5, "restored": 0}
    assert prints() == before


def test_what_changes_is_put_back_to_the_last_bit(town: str, tmp_path: Path) -> None:
    before = prints()
    [(code, name)] = rows("SELECT code, name FROM camera WHERE NOT demonstration ORDER BY id LIMIT 1")
    table = cameras(2, 设备编码=[code, CODE.format(900_001)], 名称=["改", "新"])
    done = load_file(Order(as_csv(tmp_path, table), "cameras"))
    assert (done.added, done.changed, done.same) == (1, 1, 0)
    assert rows("SELECT name FROM camera WHERE code = :code", code=code) == [("改",)] and name != "改"
    with database.connection() as conn:
        assert loads(conn).iloc[0][["revision", "added", "changed", "newest"]].tolist() == [
            done.revision, 1, 1, True,
        ]  # fmt: skip
    assert unload(done.revision or 0) == {"removed": 1, "restored": 1}
    assert prints() == before
    assert rows("SELECT count(*) FROM load_row") == [(0,)]


def test_rows_are_added_part_by_part_and_told(
    town: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = prints()
    file = write("geojson", pois(12), tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    known = load_file(Order(write("geojson", pois(5), again), "pois", source="parts"))
    monkeypatch.setattr(merging, "PART_ROWS", 3)
    told: list[tuple[int, int | None]] = []
    report = load_file(
        Order(file, "pois", source="parts"),
        lambda done, total, what: told.append((done, total)) if what == "Adding rows" else None,
    )
    assert (report.added, report.same) == (7, 5)
    assert told == [(5, 12), (8, 12), (11, 12), (12, 12)]
    assert rows("SELECT count(*) FROM poi WHERE source_name = 'parts'") == [(12,)]
    assert unload(report.revision or 0) is not None
    unload(known.revision or 0)
    assert prints() == before


@given(values=st.lists(st.text(max_size=12), min_size=1, max_size=8))
@given_settings(max_examples=60, deadline=None)
def test_no_cell_of_a_report_is_a_formula(values: list[str]) -> None:
    for value in (
        *values,
        "=1+1",
        "@SUM(A1)",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "\t=1",
        "＝1+1",
        "－2+3",
        "＠A1",
    ):
        shown = harmless(value)
        assert shown.endswith(value)
        if shown.startswith(DANGEROUS):
            float(shown)


# ---------------------------------------------------------------------------------------------- cases


def test_a_column_of_an_office_finds_its_field_and_is_remembered(town: str, tmp_path: Path) -> None:
    found = suggest(find_kind("cameras"), ["设备编码", "方位角(°)", "经度", "纬度", "安装高度（m）", "甲"])
    assert found == {
        **{"code": "设备编码", "heading_deg": "方位角(°)", "lon_deg": "经度", "lat_deg": "纬度"},
        "height_m": "安装高度（m）",
    }
    path = as_csv(tmp_path, cameras(2).rename(columns={"方位角": "甲"}))
    with pytest.raises(IngestError, match="heading_deg"):
        check_file(Order(path, "cameras", source="office"))
    done = load_file(Order(path, "cameras", source="office", columns={"heading_deg": "甲"}))
    assert done.columns["heading_deg"] == "甲"
    with database.connection() as conn:
        assert remembered(conn, "cameras", "office").columns["heading_deg"] == "甲"
    assert check_file(Order(path, "cameras", source="office")).same == 2
    unload(done.revision or 0)


def test_the_report_names_row_column_value_reason_and_mend(town: str, tmp_path: Path) -> None:
    table = cameras(
        8,
        方位角=["东南", "45°", "３60", "", "700", "90", "90", "90"],
        设备编码=[
            *[CODE.format(900_001 + n) for n in range(5)],
            "9100910008132090000",
            CODE.format(900_001),
            "=A1",
        ],
        状态=["在线", "离线", "", "正常", "正常", "坏", "正常", "正常"],
    )
    before = prints()
    report = check_file(Order(as_csv(tmp_path, table), "cameras"))
    assert report.rows == 8 and report.good == 3 and report.faulty == 5
    assert faults(report) == {
        (4, "方位角"), (5, "方位角"), (6, "设备编码"), (6, "状态"), (7, "设备编码"), (8, "设备编码"),
    }  # fmt: skip
    lines = list(fault_lines(report.faults, lambda error: (error.message.format(**error.facts), error.mend)))
    assert lines[0] == ("row", "field", "value", "reason", "mend") and len(lines) == 7
    assert all(reason and mend for _, _, _, reason, mend in lines[1:])
    assert lines[-1][2] == "'=A1"
    with pytest.raises(IngestError, match="5 of 8 rows"):
        load_file(Order(tmp_path / "file.csv", "cameras"))
    assert prints() == before, "nothing is half loaded"
    done = load_file(Order(tmp_path / "file.csv", "cameras", good_rows=True))
    assert done.added == 3
    told = rows(
        "SELECT heading_deg, state, pose_simulated FROM camera WHERE code LIKE :like ORDER BY code",
        like=CODE[:14] + "90000%",
    )
    assert told == [(135.0, "online", True), (45.0, "offline", True), (0.0, "online", True)]
    unload(done.revision or 0)
    assert prints() == before


def test_buildings_of_cityjson_stand_on_their_ground(town: str, tmp_path: Path) -> None:
    east, north = 385_700, 6_672_000
    corners = [(x, y, z) for z in (0, 120) for x, y in ((0, 0), (100, 0), (100, 50), (0, 50))]
    faces = [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
    body = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/3067"},
        "transform": {"scale": [0.1, 0.1, 0.1], "translate": [east, north, 5]},
        "vertices": [list(each) for each in corners],
        "CityObjects": {
            "b1": {
                "type": "Building",
                "attributes": {"storeysAboveGround": 4, "measuredHeight": 10**400},
                "geometry": [{"type": "Solid", "lod": "1", "boundaries": [[[ring] for ring in faces]]}],
            },
            "b2": {
                "type": "Building",
                "attributes": ["none"],
                "geometry": [{"type": "Solid", "lod": "1", "boundaries": [[[[0, 1, 99]]]]}],
            },
            "tree": {"type": "SolitaryVegetationObject", "geometry": []},
        },
    }
    path = tmp_path / "block.city.json"
    path.write_text(json.dumps(body), "utf-8")
    done = load_file(Order(path, "buildings", source="3D", good_rows=True))
    assert (done.rows, done.added, done.faulty, done.crs) == (2, 1, 1, "EPSG:3067")
    [told] = rows(
        "SELECT source_key, height_m, height_source, levels, ST_Area(ST_Transform(geom, 3067)) FROM building"
        " WHERE source_name = '3D'"
    )
    assert told == ("b1", 12.0, "tag", 4.0, pytest.approx(50.0, rel=1e-4))
    unload(done.revision or 0)


def test_pipes_of_a_drawing_need_a_system_and_get_their_length(town: str, tmp_path: Path) -> None:
    lines = gpd.GeoDataFrame(
        {"Layer": ["WATER", "DRAIN", "NOTES"]},
        geometry=[
            shapely.LineString([(385_700 + 10 * n, 6_672_000), (385_700 + 10 * n, 6_672_030)])
            for n in range(2)
        ]
        + [shapely.Point(385_700, 6_672_000)],
    )
    path = tmp_path / "pipes.dxf"
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.write_dataframe(lines, path, driver="DXF")
    with pytest.raises(CrsNeeded, match="EPSG:3067"):
        check_file(Order(path, "pipes"))
    done = load_file(Order(path, "pipes", crs="EPSG:3067", source="drawing", good_rows=True))
    assert (done.added, done.faulty, dict(done.types)) == (2, 1, {"LineString": 2, "Point": 1})
    told = rows("SELECT kind, length_m FROM pipe WHERE source_name = 'drawing' ORDER BY kind")
    assert told == [("drain", pytest.approx(30.0, rel=1e-3)), ("water", pytest.approx(30.0, rel=1e-3))]
    unload(done.revision or 0)


def test_cases_get_their_cell_camera_and_month(town: str, tmp_path: Path) -> None:
    before = prints("case_file", "dataset")
    [(camera, code)] = rows("SELECT id, code FROM camera ORDER BY id LIMIT 1")
    table = pd.DataFrame(
        {
            "案件编号": ["X-1", "X-2", "X-3", "X-4", "X-5"],
            "类别代码": ["0505", "05-05", "99-99", "05-05", "05-05"],
            "上报时间": ["2031-07-01 08:00", "2031/8/2 09:30:00", "2031-07-01", "2031-07-01", "soon"],
            "结案时间": ["2031-07-02 08:00", "", "", "2031-06-01", ""],
            "摄像机编码": [code, "", "", "", ""],
            "lon": [LON] * 5,
            "lat": [LAT] * 5,
        }
    )
    done = load_file(Order(as_csv(tmp_path, table), "cases", good_rows=True))
    assert faults(done) == {(3, "类别代码"), (4, "结案时间"), (5, "上报时间")} and done.added == 2
    told = rows(
        "SELECT number, class_code, stage, camera_id, reported_at, cell_id = (SELECT id FROM unit_cell c"
        " WHERE ST_Covers(c.geom, f.geom)) FROM case_file f WHERE number LIKE 'X-%' ORDER BY number"
    )
    summer = dt.timezone(dt.timedelta(hours=3))
    assert told == [
        ("X-1", "05-05", "closed", camera, dt.datetime(2031, 7, 1, 8, tzinfo=summer), True),
        ("X-2", "05-05", "reported", None, dt.datetime(2031, 8, 2, 9, 30, tzinfo=summer), True),
    ]
    unload(done.revision or 0)
    assert prints("case_file", "dataset") == before


def test_components_and_cells_know_what_their_code_says(town: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"code": ["9100910118900001"], "状态": ["破损"], "lon": [LON], "lat": [LAT]})
    lamp = load_file(Order(as_csv(tmp_path, table), "components"))
    assert rows("SELECT class_code, state FROM component WHERE code = '9100910118900001'") == [
        ("01-18", "damaged")
    ]
    [(community, wkt)] = rows(
        "SELECT code, ST_AsText(ST_Buffer(ST_PointOnSurface(geom), 0.0005)) FROM area WHERE kind = 'community' LIMIT 1"
    )
    cells = pd.DataFrame({"网格编码": [f"{community}901", "910091999999901"], "wkt": [wkt, wkt]})
    done = load_file(Order(as_csv(tmp_path, cells, "cells.csv"), "cells", crs="wgs84", good_rows=True))
    assert done.added == 1 and faults(done) == {(2, "网格编码")}
    unload(done.revision or 0)
    unload(lamp.revision or 0)


def test_a_raster_is_kept_below_the_data_folder(town: str, tmp_path: Path) -> None:
    def image(name: str, west: float, north: float, crs: Any = "EPSG:3067") -> Path:
        path = tmp_path / name
        with rasterio.open(
            path, "w", driver="GTiff", width=20, height=10, count=1, dtype="float32", crs=crs,
            transform=from_origin(west, north, 2.0, 2.0),
        ) as out:  # fmt: skip
            out.write(np.arange(200, dtype="float32").reshape(1, 10, 20))
        return path

    path = image("dem.tif", 385_700, 6_672_000)
    done = load_raster(path, source="survey", taken_on="2026-01-31")
    [told] = rows("SELECT path, sha256, width_px, bands, resolution_m, taken_on, crs FROM raster_asset")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    kept = f"rasters/{digest[:16]}.tif"
    assert told == (kept, digest, 20, 1, pytest.approx(2.0, rel=0.01), dt.date(2026, 1, 31), "EPSG:3067")
    assert (settings().data_dir / told[0]).read_bytes() == path.read_bytes() and done.bands == 1
    (tmp_path / "cut.tif").write_bytes(path.read_bytes()[:600])
    (tmp_path / "text.tif").write_text("no picture")
    for bad, said in (
        (image("far.tif", 500_000, 6_000_000), "outside the town"),
        (image("lost.tif", 385_700, 6_672_000, None), "where it lies"),
        (tmp_path / "cut.tif", "cannot be read"),
        (tmp_path / "text.tif", "not a GeoTIFF"),
    ):
        with pytest.raises(IngestError, match=said):
            load_raster(bad)
    assert rows("SELECT count(*) FROM raster_asset") == [(1,)]


@pytest.mark.skipif(not HELSINKI.is_dir(), reason="real city data are not here")
def test_real_buildings_come_in_and_go(town: str) -> None:
    before = prints("building", "dataset")
    done = load_file(Order(HELSINKI / "buildings.parquet", "buildings", source="real", licence="ODbL-1.0"))
    assert done.rows == done.good == done.added == 572
    assert done.then == ("huiyan coverage", "huiyan demand")
    [(register,)] = rows("SELECT source FROM dataset WHERE name = 'building'")
    assert "OpenStreetMap" in register and register.endswith("; real")
    unload(done.revision or 0)
    assert prints("building", "dataset") == before


# ---------------------------------------------------------------------------------------------- order of loads


def test_loads_are_taken_back_in_order_and_never_over_other_hands(town: str, tmp_path: Path) -> None:
    before = prints()
    first = load_file(Order(write("gpkg", pois(3), tmp_path), "pois", source="two"))
    second = load_file(Order(write("geojson", pois(3, 名称="改"), tmp_path), "pois", source="two"))
    assert (second.added, second.changed) == (0, 3)
    with pytest.raises(IngestError, match=f"Later loads.*{second.revision}"):
        unload(first.revision or 0)
    unload(second.revision or 0)
    with pytest.raises(IngestError, match="taken back already"):
        unload(second.revision or 0)
    with database.transaction() as session:
        session.execute(text("UPDATE poi SET name = 'by hand' WHERE source_key = 'p1'"))
    with pytest.raises(IngestError, match="1 rows of the load"):
        unload(first.revision or 0)
    assert unload(first.revision or 0, force=True) == {"removed": 3, "restored": 0}
    with pytest.raises(NotFound):
        unload(10**9)
    assert prints() == before


# ---------------------------------------------------------------------------------------------- places


def test_a_shift_of_chinese_web_maps_is_noticed() -> None:
    """The guess itself has laws in tests/analysis/test_crs.py; here the sentence."""
    lon, lat = wgs84_to_gcj02([120.68], [30.53])
    assert abs(float(lon[0]) - 120.68) > 0.001 and abs(float(lat[0]) - 30.53) > 0.0005


def test_coordinates_that_do_not_fit_are_told_and_not_loaded(town: str, tmp_path: Path) -> None:
    before = prints()
    turned = cameras(6).rename(columns={"经度": "纬度", "纬度": "经度"})
    path = as_csv(tmp_path, turned)
    dry = check_file(Order(path, "cameras"))
    assert dry.hint is not None and dry.hint.exchanged and dry.good == 0
    with pytest.raises(IngestError, match="outside the town"):
        load_file(Order(path, "cameras"))
    done = load_file(Order(path, "cameras", exchanged=True, crs="wgs84"))
    assert done.added == 6
    unload(done.revision or 0)
    metres = pois(4).to_crs(3067)
    bare = metres.assign(geometry=metres.geometry).set_crs(None, allow_override=True)
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.write_dataframe(bare, tmp_path / "bare.gpkg")
    with pytest.raises(CrsNeeded, match="EPSG:3067"):
        check_file(Order(tmp_path / "bare.gpkg", "pois"))
    assert check_file(Order(tmp_path / "bare.gpkg", "pois", crs="EPSG:3067")).good == 4
    with pytest.raises(HuiyanError, match="no coordinate system"):
        check_file(Order(tmp_path / "bare.gpkg", "pois", crs="EPSG:mars"))
    assert prints() == before


def test_rings_and_mixed_shapes_are_told_row_by_row(town: str, tmp_path: Path) -> None:
    def moved(*corners: tuple[float, float]) -> shapely.Polygon:
        return shapely.Polygon([(LON + x / 1e4, LAT + y / 1e4) for x, y in corners])

    shapes = [
        moved((0, 0), (4, 0), (4, 2), (0, 2)),
        moved((0, 0), (4, 2), (4, 0), (0, 2)),  # a bow tie
        shapely.Point(LON, LAT),
        None,
        shapely.MultiPolygon([moved((6, 0), (7, 0), (7, 1)), moved((8, 0), (9, 0), (9, 1))]),
        shapely.Point(0, 0),
    ]
    frame = gpd.GeoDataFrame({"id": list("abcdef"), "height": [9.0] * 6}, geometry=shapes, crs=4326)
    frame.to_file(tmp_path / "mixed.geojson")
    order = Order(tmp_path / "mixed.geojson", "buildings", source="mixed")
    dry = check_file(order)
    assert {each.row for each in dry.faults} == {2, 3, 4, 6} and dry.good == 2
    mended = check_file(Order(order.path, "buildings", source="mixed", repair=True))
    assert mended.repaired == 1 and mended.good == 3
    assert dict(dry.types) == {"Polygon": 2, "Point": 2, "MultiPolygon": 1}


# ---------------------------------------------------------------------------------------------- bad input


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return path


def test_bad_files_are_refused_in_a_sentence(
    town: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = prints()
    good = as_csv(tmp_path, cameras(1)).read_bytes()
    files: dict[str, tuple[bytes, str]] = {
        "empty.csv": (b"", "is empty"),
        "blank.csv": (b"\n \n", "is empty"),
        "head.csv": (b"code,heading,lon,lat\n", "is empty"),
        "picture.csv": (b"\x89PNG\r\n\x1a\n\0\0" + bytes(range(256)), "not text"),
        "wrong.geojson": (b"{ not json", "cannot be read"),
        "array.geojson": (b"[1, 2]", "not GeoJSON"),
        "vrt.geojson": (b"<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>", "not GeoJSON"),
        "fake.gpkg": (b"<OGRVRTDataSource/>", "not a GeoPackage"),
        "cut.gpkg": (b"SQLite format 3\0" + bytes(50), "cannot be read"),
        "fake.fgb": (b"nothing", "not a FlatGeobuf"),
        "fake.parquet": (b"PAR1 no", "cannot be read"),
        "fake.xlsx": (b"PK\x03\x04 no", "cannot be unpacked"),
        "fake.dxf": (b"<xml/>", "not a DXF"),
        "old.city.json": (
            b'{"type": "CityJSON", "version": "0.9", "CityObjects": {}, "vertices": []}',
            "0.9",
        ),
        "huge.city.json": (
            b'{"type": "CityJSON", "version": "2.0", "CityObjects": {}, "vertices": [[%s, 0, 0]]}'
            % (b"9" * 400),
            "cannot be read",
        ),
        "program.exe": (b"MZ", "no kind of file"),
        "fake.zip": (b"PK no", "cannot be unpacked"),
    }
    for name, (content, said) in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(IngestError, match=said):
            check_file(Order(tmp_path / name, "cameras"))
    zipped = {
        "climbs.zip": ({"../../etc/cams.csv": good}, "outside it"),
        "root.zip": ({"/etc/cams.csv": good}, "outside it"),
        "drive.zip": ({"C:\\cams.csv": good}, "outside it"),
        "bomb.zip": ({"cams.csv": bytes(30_000_000)}, "times its size"),
        "two.zip": ({"a.csv": good, "b.csv": good}, "holds 2 files"),
        "none.zip": ({"readme.md": b"x"}, "holds 0 files"),
        "bomb.xlsx": ({"xl/workbook.xml": bytes(30_000_000)}, "times its size"),
    }
    for name, (members, said) in zipped.items():
        with pytest.raises(IngestError, match=said):
            check_file(Order(packed(tmp_path / name, members), "cameras"))
    assert (
        check_file(Order(packed(tmp_path / "fine.zip", {".": b"", "深/cams.csv": good}), "cameras")).good == 1
    )
    monkeypatch.setattr(zips, "MOST_UNPACKED", 10)
    with pytest.raises(IngestError, match="unpacks to more"):
        check_file(Order(tmp_path / "fine.zip", "cameras"))
    with pytest.raises(IngestError, match="no file"):
        check_file(Order(tmp_path / "absent.csv", "cameras"))
    with pytest.raises(NotFound, match="raster"):
        check_file(Order(tmp_path / "file.csv", "castles"))
    assert prints() == before


def test_two_gigabytes_are_refused_by_their_size(
    town: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(5_000_000_000)  # takes no room on the disk
    monkeypatch.setattr(formats, "_open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(IngestError, match=r"5,000 MB; 4,000 MB are allowed"):
        check_file(Order(path, "cameras"))


def test_torn_rows_and_encodings_of_text(town: str, tmp_path: Path) -> None:
    body = "设备编码,方位角,经度,纬度,名称\n"
    line = "{code},90,24.944,60.171,{name}\n"
    body += line.format(code=CODE.format(900_001), name='"两\n行"')
    body += "torn,1\n"
    body += line.format(code=CODE.format(900_003), name="=cmd()")
    body += "a,b,c,d,e,f\n"
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        path = tmp_path / f"{encoding}.csv"
        path.write_text(body, encoding)
        dry = check_file(Order(path, "cameras"))
        assert (dry.rows, dry.good, {each.row for each in dry.faults}) == (4, 2, {2, 4})
        assert dry.encoding == encoding.removesuffix("-sig")
    path.write_bytes(body.encode("gb18030") + b"\xff\xff")
    with pytest.raises(IngestError, match=f"byte {len(body.encode('gb18030')) + 1} "):
        check_file(Order(path, "cameras"))
    with pytest.raises(IngestError, match="no encoding 'klingon'"):
        check_file(Order(path, "cameras", encoding="klingon"))


def test_hostile_values_stay_values(town: str, tmp_path: Path) -> None:
    nasty = ["'); DROP TABLE poi; --", "<script>alert(1)</script>", "x" * 5_000, "a\tb\x01c", "%s {x} :y"]
    before = prints("poi")
    report = load_file(
        Order(write("csv", pois(5, 名称=nasty), tmp_path), "pois", source="'; --", good_rows=True)
    )
    assert {each.row for each in report.faults} == {3}
    assert [name for (name,) in rows("SELECT name FROM poi WHERE source_name = :s ORDER BY source_key", s="'; --")] == [
        nasty[0], nasty[1], "a b c", nasty[4],
    ]  # fmt: skip
    unload(report.revision or 0)
    assert prints("poi") == before


def test_every_kind_is_a_table_with_those_columns() -> None:
    for kind in KINDS.values():
        columns = Base.metadata.tables[kind.table].columns
        assert {each.name for each in kind.fields if each.stored} <= set(columns.keys())
        assert set(kind.key_columns) <= set(columns.keys())
        for each in kind.fields:
            assert set(each.choices.values()) == {*each.choices.values()} and each.title
            for plain, value in each.choices.items():
                assert plain == plain.casefold() and value


def test_batches_of_a_format_number_their_rows_through(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["a", "b"])
        out.writerows((n, "x" * 50) if n % 1000 else (n,) for n in range(1, 200_001))
    with opened(path) as source:
        numbers = np.concatenate([batch.numbers for batch in source.batches()])
        values = np.concatenate([batch.table["a"].to_numpy() for batch in source.batches()])
    assert len(numbers) == 200_000 - 200 and (numbers == values.astype(int)).all()
    assert [each.row for each in source.faults] == list(range(1000, 200_001, 1000))
