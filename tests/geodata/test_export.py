"""GeoJSON as RFC 7946 wants it, whatever stands in the data; whole or not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pyogrio
import pytest
import shapely
from sqlalchemy import text

from geodata import database
from geodata.errors import DatabaseUnavailable, TwinError
from geodata.export import geojson
from geodata.export.geojson import export_file, geojson_stream
from layers.catalogue import LAYERS
from layers.layer import Layer
from tests.conftest import LoneServer

pytestmark = pytest.mark.postgis

HARD = [
    "quoted \"twice\" and 'once'",
    "back\\slash \\u0041 \\",
    "two\nlines\r\nand\ta tab",
    "\x01\x02\x0b\x1f\x7f\u2028\ufeff",
    "慧眼 🛰 é",
    '{"type":"Feature"},',
    "\\.",
]


def stream(layer: Layer) -> Iterator[bytes]:
    return geojson_stream(layer.id, layer.export, layer.title, layer.method, layer.datasets)


def exported(layer: Layer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(b"".join(stream(layer)))
    return body


def rows(table: str) -> int:
    with database.connection() as conn:
        return int(conn.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_reader_gets_as_many_features_as_the_table_has_rows(
    layer: Layer, town_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "layer.geojson"
    size = export_file(file, stream(layer))
    assert file.stat().st_size == size
    assert list(tmp_path.iterdir()) == [file]
    info = pyogrio.read_info(file)
    assert info["features"] == rows(layer.export.table)
    body = json.loads(file.read_bytes())
    assert len(body["features"]) == info["features"]
    assert len({each["id"] for each in body["features"]}) == info["features"]
    assert info["crs"] in (None, "EPSG:4326") and "crs" not in body
    for feature in body["features"]:
        assert set(feature) == {"type", "id", "geometry", "properties"} and feature["type"] == "Feature"
        assert set(feature["properties"]) == set(layer.export.columns)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_rings_decimals_and_bounds(layer: Layer, town_database: str) -> None:
    raw = b"".join(stream(layer))
    body = json.loads(raw, parse_float=str)
    shapes = [shapely.from_geojson(json.dumps(each["geometry"])) for each in json.loads(raw)["features"]]
    polygons = [part for part in shapely.get_parts(shapes) if part.geom_type == "Polygon"]
    assert all(part.exterior.is_ccw for part in polygons if part.area > 0)
    assert not any(hole.is_ccw for part in polygons for hole in part.interiors)
    for feature in body["features"]:
        numbers = [n for n in _numbers(feature["geometry"]["coordinates"]) if isinstance(n, str)]
        assert all(len(number.partition(".")[2]) <= 7 and "e" not in number for number in numbers)
    if shapes:
        west, south, east, north = shapely.total_bounds(shapes)
        assert json.loads(raw)["bbox"] == pytest.approx([west, south, east, north], abs=2e-7)
        assert 24 < west <= east < 26 and 60 < south <= north < 61


def _numbers(nested: Any) -> Iterator[Any]:
    for each in nested:
        if isinstance(each, list):
            yield from _numbers(each)
        else:
            yield each


def test_members_say_where_it_came_from(town_database: str) -> None:
    with database.connection() as conn:
        revision = {
            row.name: row.revision for row in conn.execute(text("SELECT name, revision FROM dataset"))
        }
    streets, cells = exported(LAYERS["streets"]), exported(LAYERS["unit_cells"])
    for layer, body in (("streets", streets), ("unit_cells", cells)):
        chosen = LAYERS[layer]
        assert (body["type"], body["name"], body["title"]) == ("FeatureCollection", layer, chosen.title)
        assert body["method"] == chosen.method and body["town"] == "helsinki"
        assert body["revision"] == max(revision[name] for name in chosen.datasets)
        assert body["licence"] == "ODbL-1.0" and "4326" in body["crs_note"]
        assert [source["dataset"] for source in body["sources"]] == sorted(chosen.datasets)
    assert streets["attribution"] == "© OpenStreetMap contributors, ODbL"
    assert (streets["simulated"], cells["simulated"]) == (False, True)


def test_any_text_survives(town_copy: str, tmp_path: Path) -> None:
    insert = text(
        "INSERT INTO poi (name, kind, category, geom) VALUES"
        " (:name, 'test', :name, ST_SetSRID(ST_MakePoint(24.9, 60.1), 4490))"
    )
    with database.transaction() as session:
        for name in HARD:
            session.execute(insert, {"name": name})
    body = exported(LAYERS["pois"])
    found = [each["properties"] for each in body["features"] if each["properties"]["kind"] == "test"]
    assert [each["name"] for each in found] == [each["category"] for each in found] == HARD
    assert len(body["features"]) == rows("poi")
    export_file(tmp_path / "pois.geojson", stream(LAYERS["pois"]))
    assert pyogrio.read_info(tmp_path / "pois.geojson")["features"] == rows("poi")


def test_a_row_without_a_place_is_a_feature_without_geometry(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO finding (camera_id, zone_id, class_code, label, first_seen_at, last_seen_at, dwell_s,"
                " confidence, x1, y1, x2, y2) SELECT camera_id, id, class_code, 'car', now(), now(), 1, 1,"
                " 0, 0, 1, 1 FROM zone LIMIT 1"
            )
        )
    placeless = [each for each in exported(LAYERS["findings"])["features"] if each["geometry"] is None]
    assert [each["properties"]["label"] for each in placeless] == ["car"]


def test_chunks_join_at_any_size(town_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = exported(LAYERS["pipes"])
    monkeypatch.setattr(geojson, "CHUNK", 1)
    chunks = list(stream(LAYERS["pipes"]))
    assert len(chunks) > 50
    pieces = json.loads(b"".join(chunks))
    assert pieces["features"] == whole["features"]


def test_nothing_loaded_is_an_empty_collection(empty_database: str) -> None:
    for layer in LAYERS.values():
        body = exported(layer)
        assert (body["features"], body["revision"], body["town"]) == ([], 0, None)
        assert "bbox" not in body


# ------------------------------------------------------------------------------------------ going wrong


def test_a_failing_export_leaves_what_was_there(town_database: str, tmp_path: Path) -> None:
    file = tmp_path / "pipes.geojson"
    file.write_text("the old one")

    def breaks() -> Iterator[bytes]:
        yield from list(stream(LAYERS["pipes"]))[:2]
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        export_file(file, breaks())
    assert [each.name for each in tmp_path.iterdir()] == ["pipes.geojson"]
    assert file.read_text() == "the old one"


def test_a_query_with_a_mistake_leaves_no_file(town_database: str, tmp_path: Path) -> None:
    wrong = replace(LAYERS["pipes"], export=replace(LAYERS["pipes"].export, columns={"a": "t.nothing"}))
    with pytest.raises(psycopg.errors.UndefinedColumn):
        export_file(tmp_path / "pipes.geojson", stream(wrong))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["no/such/folder/pipes.geojson", "."])
def test_a_place_that_cannot_be_written_is_named(where: str, town_database: str, tmp_path: Path) -> None:
    with pytest.raises(TwinError, match=r"cannot be written.*Choose a folder"):
        export_file(tmp_path / where, stream(LAYERS["pipes"]))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_stops_half_way_is_told_and_leaves_no_file(
    lone_server: LoneServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geojson, "CHUNK", 1)
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO poi (name, kind, category, geom) SELECT repeat('x', 1000), 'a', 'b',"
                " ST_SetSRID(ST_MakePoint(24.9, 60.1), 4490) FROM generate_series(1, 20000)"
            )
        )

    def interrupted() -> Iterator[bytes]:
        for number, chunk in enumerate(stream(LAYERS["pois"])):
            if number == 10:
                lone_server.stop()
            yield chunk

    folder = tmp_path / "out"  # an ordinary user's server lies in tmp_path itself
    folder.mkdir()
    with pytest.raises(DatabaseUnavailable):
        export_file(folder / "pois.geojson", interrupted())
    assert list(folder.iterdir()) == []
