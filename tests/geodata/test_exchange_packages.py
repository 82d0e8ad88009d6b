"""Packages for the province: what this twin makes passes its own check, twice the same; what is wrong is named."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sqlalchemy import text
from typer.testing import CliRunner

from analysis.errors import InputError
from geodata import database
from geodata.errors import IngestError, NotFound
from geodata.export.exchange import make_package
from geodata.ingest.exchange import FORMATS, Checked, check_exchange, schema_of
from geodata.ingest.exchange.geographic import CRS_MEMBER, LAYERS
from geodata.ingest.exchange.video import DEVICE, LEAD
from pages.paper.folder import write_zip
from pages.terminal.main import app

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
JPEG = cv2.imencode(".jpg", np.zeros((24, 32, 3), np.uint8))[1].tobytes()
SHA = hashlib.sha256(JPEG).hexdigest()
SQUARE = [[[120.0, 30.0], [120.001, 30.0], [120.001, 30.001], [120.0, 30.001], [120.0, 30.0]]]
SQUARE_M2 = 10_695.0


def area(kind: str, code: str, parent: str | None) -> dict[str, Any]:
    told = {"kind": kind, "code": code, "name_zh": "某地", "name_en": "Place", "parent_code": parent}
    return feature("Polygon", SQUARE, told | {"simulated": True})


def feature(kind: str, coordinates: Any, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": told,
    }


def collection(name: str, *features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "name": name, "crs": CRS_MEMBER, "features": list(features)}


def at(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat]}


HERE = [120.0005, 30.0005]
CELL = "330481001001001"
GROUND: dict[str, Any] = {
    "areas.geojson": collection(
        "areas",
        area("county", "330481", None),
        area("street", "330481001", "330481"),
        area("community", "330481001001", "330481001"),
    ),
    "unit_cells.geojson": collection(
        "unit_cells",
        feature(
            "Polygon",
            SQUARE,
            {
                "code": CELL,
                "code_profile": "2013",
                "area_code": CELL[:12],
                "area_m2": SQUARE_M2,
                "simulated": True,
            },
        ),
    ),
    "components.geojson": collection(
        "components",
        feature(
            "Point",
            HERE,
            {
                "code": "3304810118000001",
                "code_profile": "2013",
                "class_code": "01-18",
                "state": "intact",
                "simulated": True,
            },
        ),
    ),
    "cameras.geojson": collection(
        "cameras",
        feature(
            "Point",
            HERE,
            {
                "code": "33048100081320000001",
                "name": "Camera 1",
                "kind": "fixed",
                "tier": "street",
                "state": "online",
                "owner": "city",
                "simulated": True,
            },
        ),
    ),
}
VIDEO: dict[str, Any] = {
    "devices.json": {
        "devices": [
            {
                "device_id": "33048100081320000001",
                "component_code": "3304810136000001",
                "name": "Camera 1",
                "civil_code": "330481",
                "area_code": CELL[:12],
                "cell_code": CELL,
                "longitude": 120.0,
                "latitude": 30.0,
                "status": "ON",
                "state": "online",
                "ptz_type": 3,
                "direction_type": 6,
                "heading_deg": 50.0,
                "heading_sd_deg": 0.0,
                "tilt_deg": 12.0,
                "height_m": 6.0,
                "hfov_deg": 70.0,
                "range_m": 80.0,
                "resolution_px": 1920,
                "owner": "city",
                "pose_simulated": True,
                "demonstration": False,
                "simulated": True,
            }
        ]
    },
    "leads.json": {
        "leads": [
            {
                "lead": 7,
                "device_id": "33048100081320000001",
                "class_code": "05-05",
                "cell_code": CELL,
                "rule": "standing",
                "rule_version": "1.1",
                "first_seen_at": "2026-05-01T08:00:00Z",
                "last_seen_at": "2026-05-01T08:20:00+00:00",
                "confidence": 0.7,
                "longitude": 120.0,
                "latitude": 30.0,
                "deviation_m": 1.5,
                "verdict_at": "2026-05-01T09:00:00.5Z",
                "disposed_at": None,
                "recheck": None,
                "recheck_at": None,
                "evidence_sha256": SHA,
                "still": f"stills/{SHA}.jpg",
                "demonstration": False,
                "simulated": True,
            }
        ]
    },
    f"stills/{SHA}.jpg": JPEG,
}
PICTURES = [f"stills/{SHA}.jpg"]
GOOD = {"geographic": GROUND, "video": VIDEO}


def packed(
    out: Path,
    name: str,
    files: Mapping[str, Any],
    manifest: Callable[[dict[str, Any]], Any] = lambda told: told,
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """A package with a manifest that fits it, changed by `manifest`, and files that it does not name."""
    written = {
        path: body if isinstance(body, bytes) else json.dumps(body).encode() for path, body in files.items()
    }
    listed = []
    for path, content in written.items():
        rows = {}
        if not isinstance(files[path], bytes):
            [*_, counted] = [each for each in files[path].values() if isinstance(each, list)] or [[]]
            rows = {"rows": len(counted)}
        listed.append(
            {"path": path, **rows, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        )
    told = {
        "schema": f"huiyan.exchange.{name}/1",
        "county_code": "330481",
        "code_profile": "2013",
        "crs": "EPSG:4490",
        "revision": 1,
        "simulated": True,
        "licence": "CC0-1.0",
        "attribution": "nobody",
        "blurred": ["heads", "plates"],
        "files": listed,
    }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("manifest.json", json.dumps(manifest(told)))
        for path, content in {**written, **(extra or {})}.items():
            pack.writestr(path, content)
    return out


def said(checked: Checked) -> dict[tuple[str, int | None, str], str]:
    return {(each.file, each.row, each.field): str(each.why) for each in checked.faults}


# --------------------------------------------------------------------------------------- what it must be


@pytest.mark.parametrize("name", ["manifest", *FORMATS])
def test_schemas_are_schemas_and_are_printed(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(name))
    printed = CliRunner().invoke(app, ["exchange", "schema", name])
    assert printed.exit_code == 0 and json.loads(printed.output) == json.loads(json.dumps(schema_of(name)))
    with pytest.raises(NotFound):
        schema_of("poetry")


@pytest.mark.parametrize("name", GOOD)
def test_a_good_package_passes(name: str, tmp_path: Path) -> None:
    checked = check_exchange(packed(tmp_path / "p.zip", name, GOOD[name]), NOW)
    assert (checked.format, checked.faults) == (name, [])
    assert set(checked.rows) == {path for path in GOOD[name] if not path.endswith(".jpg")}


def rows_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    return next(each for each in body.values() if isinstance(each, list))


ANYTHING = st.one_of(
    st.none(), st.integers(), st.text(max_size=12), st.just([]), st.just({}), st.just("rtsp://a:b@c/1")
)
FIELDS = [
    (name, path, row, field)
    for name, files in GOOD.items()
    for path, body in files.items()
    if not isinstance(body, bytes)
    for row, each in enumerate(rows_of(body), start=1)
    for field in each.get("properties", each)
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FIELDS), ANYTHING)
def test_whatever_stands_in_a_field_is_named_or_means_something(
    tmp_path_factory: pytest.TempPathFactory, where: tuple[str, str, int, str], value: Any
) -> None:
    name, path, row, field = where
    files = copy.deepcopy(GOOD[name])
    told = rows_of(files[path])[row - 1]
    told = told.get("properties", told)
    same = told[field] == value and isinstance(value, type(told[field]))
    told[field] = value
    checked = check_exchange(packed(tmp_path_factory.mktemp("any") / "p.zip", name, files), NOW)
    assert same or not checked.faults or any(each.file in (path, *PICTURES) for each in checked.faults)
    for each in checked.faults:
        assert each.why.message.format(**each.why.facts) and each.why.mend and len(each.value) <= 80
    if value == "rtsp://a:b@c/1" and name == "video":
        assert (path, row, field) in said(checked)


def changed(name: str, path: str, row: int, /, **told: Any) -> dict[str, Any]:
    files = copy.deepcopy(GOOD[name])
    each = rows_of(files[path])[row - 1]
    for field, value in told.items():
        (each if field in ("geometry", "type") else each.get("properties", each))[field] = value
    return files


@pytest.mark.parametrize(
    ("name", "path", "row", "told", "field", "why"),
    [
        ("geographic", "areas", 1, {"code": "990481"}, "code", "digits 1-2"),
        ("geographic", "areas", 2, {"code": "330482001", "parent_code": "330482"}, "code", "county 330481"),
        ("geographic", "areas", 2, {"kind": "community"}, "code", "12 digits"),
        ("geographic", "areas", 3, {"parent_code": "330481002"}, "parent_code", "330481001"),
        ("geographic", "unit_cells", 1, {"code": "330481001001000"}, "code", "digits 13-15"),
        ("geographic", "unit_cells", 1, {"area_code": "330481001002"}, "area_code", "no such division"),
        ("geographic", "unit_cells", 1, {"area_m2": 12_000.0}, "area_m2", "m²"),
        (
            "geographic",
            "unit_cells",
            1,
            {
                "geometry": {"type": "Polygon", "coordinates": [[SQUARE[0][n] for n in (0, 2, 1, 3, 0)]]},
            },
            "geometry",
            "not valid",
        ),
        ("geographic", "unit_cells", 1, {"area_m2": 10**400}, "properties.area_m2", "outside what may be"),
        ("geographic", "components", 1, {"code": "3304810199000001"}, "code", "99"),
        ("geographic", "components", 1, {"class_code": "01-17"}, "class_code", "Digits 7-10"),
        ("geographic", "components", 1, {"geometry": at(30.0, 120.0)}, "geometry", "first"),
        ("geographic", "components", 1, {"geometry": at(30.0, 80.0)}, "geometry", "outside"),
        ("geographic", "components", 1, {"geometry": at(1e999, 30.0)}, "", ""),
        ("geographic", "cameras", 1, {"code": "33048100991320000001"}, "code", "99"),
        ("geographic", "cameras", 1, {"stream_url": "rtsp://x"}, "properties", "stream_url is no field"),
        ("video", "devices", 1, {"device_id": "33048100084990000000"}, "device_id", "digits 15-20"),
        ("video", "devices", 1, {"component_code": "3304810118000001"}, "component_code", "01-36"),
        ("video", "devices", 1, {"status": "OFF"}, "status", "agree"),
        ("video", "devices", 1, {"direction_type": 2}, "direction_type", "140° apart"),
        ("video", "devices", 1, {"area_code": "330481001002"}, "area_code", "community"),
        ("video", "devices", 1, {"name": "admin:hunter2@10.0.0.9"}, "name", "password"),
        ("video", "devices", 1, {"name": "密码 123"}, "name", "password"),
        ("video", "devices", 1, {"name": "see http://10.0.0.9/live"}, "name", "password"),
        ("video", "devices", 1, {"password": "x"}, "", "password is no field"),
        ("video", "devices", 1, {"ptz_type": 9}, "ptz_type", "1, 2, 3, 4, null"),
        ("video", "leads", 1, {"device_id": "33048100081320000002"}, "device_id", "devices.json"),
        ("video", "leads", 1, {"class_code": "05-77"}, "class_code", "77"),
        ("video", "leads", 1, {"verdict_at": "2026-05-01T07:00:00Z"}, "verdict_at", "before"),
        ("video", "leads", 1, {"first_seen_at": "2031-05-01T08:00:00Z"}, "first_seen_at", "between"),
        ("video", "leads", 1, {"deviation_m": None}, "deviation_m", "both"),
        ("video", "leads", 1, {"recheck": "solved"}, "recheck_at", "time"),
        ("video", "leads", 1, {"evidence_sha256": "0" * 64}, "still", "evidence"),
        ("video", "leads", 1, {"still": f"stills/{'0' * 64}.jpg"}, "still", "not the evidence"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_file_row_and_field(
    name: str, path: str, row: int, told: dict[str, Any], field: str, why: str, tmp_path: Path
) -> None:
    file = f"{path}.{'geojson' if name == 'geographic' else 'json'}"
    checked = check_exchange(packed(tmp_path / "p.zip", name, changed(name, file, row, **told)), NOW)
    if not field and not why:  # no number of JSON: the whole file is refused
        assert any(each.file == file and "no JSON" in str(each.why) for each in checked.faults)
        return
    assert why in said(checked).get((file, row, field), ""), said(checked)


def test_fields_that_are_missing_are_one_fault(tmp_path: Path) -> None:
    files = copy.deepcopy(VIDEO)
    for field in ("owner", "tilt_deg"):
        del files["devices.json"]["devices"][0][field]
    found = check_exchange(packed(tmp_path / "p.zip", "video", files), NOW).faults
    [only] = [each for each in found if each.file == "devices.json"]
    assert "tilt_deg, owner is missing" in str(only.why)


def test_holes_and_the_turn_of_rings_do_not_change_an_area(tmp_path: Path) -> None:
    (west, south), (east, north) = (120.0002, 30.0002), (120.0008, 30.0008)
    hole = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    share = 1 - 0.6**2
    for rings in ([*SQUARE, hole], [*SQUARE, hole[::-1]], [SQUARE[0][::-1], hole]):
        told = {
            "geometry": {"type": "Polygon", "coordinates": rings},
            "area_m2": SQUARE_M2 * share,
        }
        files = changed("geographic", "unit_cells.geojson", 1, **told)
        assert check_exchange(packed(tmp_path / "p.zip", "geographic", files), NOW).faults == []


@pytest.mark.parametrize("text", ["a" * 2_000_000, "a:" * 1_000_000, "a:b" * 700_000, "://" * 300_000])
def test_a_long_text_is_looked_through_at_once(text: str, tmp_path: Path) -> None:
    files = changed("video", "devices.json", 1, name=text)
    checked = check_exchange(packed(tmp_path / "p.zip", "video", files), NOW)
    assert (("devices.json", 1, "name") in said(checked)) is text.startswith("://")


def test_what_is_told_of_a_fault_holds_no_secret_and_no_control_of_a_terminal(tmp_path: Path) -> None:
    wild = "\x1b]0;owned\x07\ud800"
    files = copy.deepcopy(VIDEO)
    [device] = files["devices.json"]["devices"]
    files["devices.json"]["devices"] = [
        {"stream": "rtsp://boss:geheim@10.0.0.9/1", **device, wild: wild, "device_id": wild}
    ]
    out = packed(tmp_path / "p.zip", "video", files, extra={f"{wild[:-1]}.json": b"{}"})
    faults = check_exchange(out, NOW).faults
    assert len(faults) > 4
    told = "".join(f"{each.file}{each.field}{each.value}{each.why}" for each in faults)
    assert "geheim" not in told and told.isprintable()
    run = CliRunner().invoke(app, ["exchange", "check", str(out)])
    assert run.exit_code == 1 and "\x1b" not in run.output and "owned" in run.output


# -------------------------------------------------------------------------------------- what it may not be


def test_the_manifest_is_held_against_the_files(tmp_path: Path) -> None:
    def of(change: Callable[[dict[str, Any]], Any], **how: Any) -> dict[Any, str]:
        return said(check_exchange(packed(tmp_path / "p.zip", "video", VIDEO, change, **how), NOW))

    def first(**told: Any) -> Callable[[dict[str, Any]], Any]:
        return lambda manifest: manifest | {"files": [manifest["files"][0] | told, *manifest["files"][1:]]}

    device = ("devices.json", None)
    assert "not the one" in of(first(sha256="0" * 64))[(*device, "sha256")]
    assert "bytes" in of(first(bytes=1))[(*device, "bytes")]
    assert "1 rows" in of(first(rows=2))[(*device, "rows")]
    assert "missing" in of(first(path="devices_of_us.json"))[("devices_of_us.json", None, "")]
    assert "does not name" in of(lambda told: told, extra={"notes.json": b"{}"})[("notes.json", None, "")]
    assert (
        "blur" in of(lambda told: told | {"blurred": ["heads"]})[("manifest.json", None, "blurred")].lower()
    )
    assert (
        "digits 1-2"
        in of(lambda told: told | {"county_code": "990000"})[("manifest.json", None, "county_code")]
    )
    assert "Convert" in of(lambda told: told | {"crs": "EPSG:4326"})[("manifest.json", None, "crs")]
    assert ("manifest.json", None, "schema") in of(lambda told: told | {"schema": "other/1"})
    assert ("manifest.json", None, "") in of(lambda told: [told])
    assert ("manifest.json", None, "files.0.path") in of(first(path="../devices.json"))
    lost = said(check_exchange(packed(tmp_path / "p.zip", "video", {"leads.json": {"leads": []}}), NOW))
    assert "devices.json is missing" in lost[("manifest.json", None, "files")]


def test_pictures_are_what_they_say(tmp_path: Path) -> None:
    exif = JPEG[:2] + b"\xff\xe1\x00\x10Exif\0\0" + JPEG[2:]
    xmp = JPEG[:2] + b"\xff\xe1\x00\x1fhttp://ns.adobe.com/xap/1.0/\0" + JPEG[2:]
    for content, why in ((b"GIF89a", "no JPEG"), (exif, "EXIF"), (xmp, "XMP")):
        digest = hashlib.sha256(content).hexdigest()
        path = f"stills/{digest}.jpg"
        files = {**changed("video", "leads.json", 1, evidence_sha256=digest, still=path), path: content}
        files.pop(f"stills/{SHA}.jpg")
        assert why in said(check_exchange(packed(tmp_path / "p.zip", "video", files), NOW))[(path, None, "")]
    alone = changed("video", "leads.json", 1, still=None)
    stray = said(check_exchange(packed(tmp_path / "p.zip", "video", alone), NOW))
    assert "No lead" in stray[(f"stills/{SHA}.jpg", None, "")]


@pytest.mark.parametrize("member", ["../out.json", "/etc/out.json", "C:\\out.json"])
def test_a_file_that_leads_out_is_refused(member: str, tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="outside"):
        check_exchange(packed(tmp_path / "p.zip", "video", VIDEO, extra={member: b"{}"}), NOW)
    assert not (tmp_path.parent / "out.json").exists()


def test_bombs_damage_and_other_files_are_refused(tmp_path: Path) -> None:
    bomb = packed(tmp_path / "bomb.zip", "video", VIDEO, extra={"devices_2.json": b" " * 30_000_000})
    with pytest.raises(IngestError, match="times its size"):
        check_exchange(bomb, NOW)
    good = packed(tmp_path / "p.zip", "video", VIDEO).read_bytes()
    (tmp_path / "cut.zip").write_bytes(good[: len(good) // 2])
    with pytest.raises(IngestError, match="cannot be unpacked"):
        check_exchange(tmp_path / "cut.zip", NOW)
    with zipfile.ZipFile(tmp_path / "bare.zip", "w") as pack:
        pack.writestr("devices.json", "{}")
    with pytest.raises(IngestError, match="holds no manifest"):
        check_exchange(tmp_path / "bare.zip", NOW)
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    with pytest.raises(IngestError, match="no JSON"):
        check_exchange(tmp_path / "text", NOW)
    with pytest.raises(IngestError, match="cannot be read"):
        check_exchange(tmp_path / "nothing", NOW)


# ------------------------------------------------------------------------------------------ what is made


def count(sql: str) -> int:
    with database.connection() as conn:
        return int(conn.execute(text(sql)).scalar_one())


@pytest.mark.postgis
def test_what_the_town_sends_passes_twice_the_same_and_holds_what_may_leave(
    town_database: str, tmp_path: Path
) -> None:
    for name in FORMATS:
        made = []
        for turn in ("once", "again"):
            folder = tmp_path / f"{name}-{turn}"
            folder.mkdir()
            package = make_package(name, folder)
            write_zip(tmp_path / f"{name}-{turn}.zip", package.files)
            made.append((tmp_path / f"{name}-{turn}.zip").read_bytes())
        assert made[0] == made[1]
        checked = check_exchange(tmp_path / f"{name}-once.zip", NOW)
        assert (checked.format, checked.faults[:3]) == (name, []), said(checked)
        assert checked.rows == package.rows
        assert b"stream" not in b"".join(
            content.read_bytes() for content in package.files.values() if isinstance(content, Path)
        )
        if name == "geographic":
            assert set(package.rows) == {f"{layer}.geojson" for layer in LAYERS if layer != "pipes"}
            for layer in ("areas", "unit_cells", "components", "cameras", "address_points"):
                assert package.rows[f"{layer}.geojson"] == count(f"SELECT count(*) FROM open.{layer}")
            cells = gpd.read_file(tmp_path / "geographic-once" / "unit_cells.geojson")
            assert cells.crs.to_epsg() == 4490 and cells.geometry.is_valid.all()
        elif name == "video":
            shared = count("SELECT count(*) FROM camera WHERE share_level = 3")
            assert 0 < package.rows["devices.json"] == shared < count("SELECT count(*) FROM camera")
        else:
            assert sum(package.rows.values()) == count("SELECT count(*) FROM case_file")
            named = {
                case["camera_code"]
                for content in package.files.values()
                if isinstance(content, Path)
                for case in json.loads(content.read_bytes())["cases"]
            } - {None}
            with database.connection() as conn:
                shared_codes = set(conn.scalars(text("SELECT code FROM camera WHERE share_level = 3")))
            assert named and named <= shared_codes


@pytest.mark.postgis
def test_confirmed_leads_go_along_with_stills_only_if_asked_and_it_is_noted(
    town_copy: str, tmp_path: Path
) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE camera SET share_level = 3 WHERE id IN (SELECT camera_id FROM finding)"))
        session.execute(
            text(
                "UPDATE finding SET state = 'confirmed', verdict_at = last_seen_at WHERE merged_into IS NULL"
            )
        )
    leads = count("SELECT count(*) FROM finding WHERE merged_into IS NULL")
    if not leads:
        pytest.skip("nobody patrolled this town: weights and clip are not set up")
    for stills in (False, True):
        out = tmp_path / f"video-{stills}.zip"
        asked = ["exchange", "export", str(out), "--format", "video", *(["--stills"] if stills else [])]
        run = CliRunner().invoke(app, asked)
        assert run.exit_code == 0, run.output
        with zipfile.ZipFile(out) as pack:
            told = json.loads(pack.read("leads.json"))["leads"]
            pictures = {name for name in pack.namelist() if name.startswith("stills/")}
            manifest = json.loads(pack.read("manifest.json"))
        assert len(told) == leads and bool(pictures) is stills
        assert manifest.get("blurred") == (["heads", "plates"] if stills else None)
        assert {each["still"] for each in told if each["still"]} == pictures
        assert CliRunner().invoke(app, ["exchange", "check", str(out)]).exit_code == 0
        with database.connection() as conn:
            noted = conn.scalar(
                text(
                    "SELECT details->>'sha256' FROM audit WHERE action = 'exchange out' ORDER BY id DESC LIMIT 1"
                )
            )
        assert noted == hashlib.sha256(out.read_bytes()).hexdigest()
    assert count("SELECT count(*) FROM audit WHERE action = 'exchange out' AND subject = 'package'") == 2
    with pytest.raises(InputError, match="Only a video package"):
        make_package("case", tmp_path, stills=True)
    with pytest.raises(NotFound, match="no format"):
        make_package("poetry", tmp_path)


def test_fields_that_are_made_are_those_that_are_checked() -> None:
    from geodata.export.exchange import DEVICE_SQL, LEAD_SQL

    assert list(DEVICE_SQL) == DEVICE["required"] == list(DEVICE["properties"])
    assert list(LEAD_SQL) == LEAD["required"] == list(LEAD["properties"])
