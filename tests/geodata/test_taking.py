"""Taking home what one sees: a file holds the rows that the map shows, in every format, and cannot be tricked."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from sqlalchemy import text

from geodata import database
from geodata.errors import NotFound
from geodata.export.arrow import KINDS
from geodata.export.formats import FORMATS
from geodata.export.parcel import Parcel, choose
from geodata.export.tables import BOM, DANGEROUS, frame_csv, harmless
from geodata.queries.heat import heat_sql
from geodata.queries.serving import TileStore
from geodata.queries.tiles import applied, tile_sql
from layers.catalogue import LAYERS
from layers.layer import Layer
from tests.vector_tiles import read_tile

pytestmark = pytest.mark.postgis

COMMUNITIES = ("910091001001", "910091001002", "910091002001", "910091002002")
HALF = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
CHOICES: tuple[dict[str, Any], ...] = (
    {},
    {"area": COMMUNITIES[2], "since": HALF, "source": "qr", "class": "05-05", "grouping": "all"},
    {"source": "' OR 1=1 --", "grouping": "'; DROP TABLE camera; --"},
)
TILES = [(14, x, y) for x in range(9326, 9329) for y in range(4741, 4744)]
"""Over all of the town."""
HOSTILE = [
    "=1+1",
    "+cmd",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    'say "no", =1',
    "'quoted'",
    "",
    "a\nb",
    "慧眼",
    "\\N",
    "t",
    "NULL",
]


def parcel(
    layer: Layer, filters: dict[str, Any] | None = None, *, shown: bool = False, dated: bool = True
) -> Parcel:
    rows = choose(layer.tile, filters or {}, shown=shown)
    return Parcel(layer.id, layer.title, layer.method, layer.export, layer.datasets, rows, dated=dated)


def taken(suffix: str, *args: Any, **more: Any) -> bytes:
    return b"".join(FORMATS[suffix].stream(parcel(*args, **more)))


def ids(suffix: str, body: bytes, folder: Path) -> list[int]:
    """Ids as another program reads them."""
    file = folder / f"taken.{suffix}"
    file.write_bytes(body)
    if suffix == "csv":
        return [int(row["id"]) for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig")))]
    if suffix == "parquet":
        return list(gpd.read_parquet(file)["id"])
    if suffix == "geojson":
        return [each["id"] for each in json.loads(body)["features"]]
    return list(pyogrio.read_dataframe(file)["id"])


# ------------------------------------------------------------------------------------------------- laws


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_file_holds_the_rows_that_the_tiles_show(layer: Layer, town_database: str, tmp_path: Path) -> None:
    async def seen(filters: dict[str, Any]) -> set[int]:
        store = TileStore(None, max_bytes=10**9, size=1)
        given = {**filters, "moment": "now"}
        found: set[int] = set()
        try:
            for z, x, y in TILES:
                sql = tile_sql(layer.tile, z, given, coarse=False)
                [(body,)] = await store.rows(sql, {**given, "z": z, "x": x, "y": y, "layer": layer.id})
                found |= {each.id for each in read_tile(bytes(body)).get(layer.id, []) if each.id is not None}
        finally:
            await store.close()
        return found

    different = {repr(applied(layer.tile, each)): each for each in CHOICES}
    for filters in different.values():
        drawn = asyncio.run(seen(filters))
        home = ids("geojson", taken("geojson", layer, filters, shown=True), tmp_path)
        # ids of a tile have no sign; what is smaller than a step of the tile's grid falls out of it
        assert drawn <= {each % 2**64 for each in home}, filters
        assert {each % 2**64 for each in home} - drawn <= _tiny(layer, filters), filters
        assert len(home) == len(set(home))


def _tiny(layer: Layer, filters: dict[str, Any]) -> set[int]:
    """Rows with a shape that a tile cannot draw: empty, or thinner than two steps of its grid."""
    body = json.loads(taken("geojson", layer, filters, shown=True))
    shapes = {each["id"]: shapely.from_geojson(json.dumps(each["geometry"])) for each in body["features"]}
    step_deg = 360 / 2**14 / 4096
    return {
        number % 2**64
        for number, shape in shapes.items()
        if shape.is_empty or (shape.length and 2 * shape.area / shape.length < 2 * step_deg)
    }


@pytest.mark.parametrize("layer", ["unit_cells", "violations", "buildings", "streets", "findings"])
def test_every_format_holds_the_same_rows_values_and_sources(
    layer: str, town_database: str, tmp_path: Path
) -> None:
    chosen, filters = LAYERS[layer], {"area": "910091002"}
    first = json.loads(taken("geojson", chosen, filters))
    numbers = [each["id"] for each in first["features"]]
    for suffix in ("parquet", "gpkg", "fgb", "csv"):
        found = ids(suffix, taken(suffix, chosen, filters), tmp_path)
        assert sorted(found) == sorted(numbers), suffix  # FlatGeobuf orders by place
    shapes = {each["id"]: json.dumps(each["geometry"]) for each in first["features"] if each["geometry"]}
    for frame in (
        gpd.read_parquet(tmp_path / "taken.parquet"),
        gpd.read_file(tmp_path / "taken.gpkg"),
        gpd.read_file(tmp_path / "taken.fgb"),
    ):
        assert frame.crs.to_epsg() == 4326
        assert set(chosen.export.columns) <= set(frame.columns)
        for row in frame.itertuples():
            if row.id in shapes and not row.geometry.is_empty:
                assert shapely.hausdorff_distance(row.geometry, shapely.from_geojson(shapes[row.id])) < 2e-7
    geo = json.loads(pq.read_metadata(tmp_path / "taken.parquet").metadata[b"geo"])
    assert geo["version"] == "1.1.0" and geo["columns"]["geometry"]["crs"]["id"]["code"] == 4326
    told = [
        json.loads(pq.read_metadata(tmp_path / "taken.parquet").metadata[b"huiyan"]),
        json.loads(pyogrio.read_info(tmp_path / "taken.gpkg")["layer_metadata"]["huiyan"]),
        json.loads(pyogrio.read_info(tmp_path / "taken.fgb")["layer_metadata"]["DESCRIPTION"]),
        json.loads(taken("csv-metadata.json", chosen, filters))["huiyan"],
    ]
    names = ("title", "method", "revision", "licence", "attribution", "simulated", "sources", "filters")
    for each in told:
        assert {name: each[name] for name in names} == {name: first[name] for name in names}
    assert first["filters"] == filters


def test_areas_share_out_the_town(town_database: str, tmp_path: Path) -> None:
    for layer in ("unit_cells", "violations", "cameras"):
        whole = ids("csv", taken("csv", LAYERS[layer]), tmp_path)
        parts = [
            set(ids("csv", taken("csv", LAYERS[layer], {"area": code}), tmp_path)) for code in COMMUNITIES
        ]
        assert set.union(*parts) == set(whole) and sum(map(len, parts)) == len(whole), layer
    cells = json.loads(taken("geojson", LAYERS["unit_cells"], {"area": COMMUNITIES[0]}))["features"]
    assert all(each["properties"]["code"].startswith(COMMUNITIES[0]) for each in cells)


def test_heat_counts_what_the_file_holds(town_database: str) -> None:
    source = LAYERS["violations"].tile
    for filters in CHOICES:
        with database.connection() as conn:
            link = conn.connection.driver_connection
            assert link is not None
            rows = link.execute(heat_sql(source, filters), filters).fetchall()
        home = json.loads(taken("geojson", LAYERS["violations"], filters, shown=True))["features"]
        assert sum(row[2] for row in rows) == len(home)


def test_without_a_date_the_same_rows_are_the_same_bytes(town_database: str) -> None:
    for suffix in ("geojson", "parquet", "csv", "csv-metadata.json"):
        first, again = (taken(suffix, LAYERS["cameras"], {}, dated=False) for _ in range(2))
        assert first == again


# ------------------------------------------------------------------------------------------------ cases


@pytest.fixture
def hostile_town(town_copy: str) -> str:
    with database.transaction() as session:
        for name in HOSTILE:
            session.execute(
                text(
                    "INSERT INTO poi (name, kind, category, geom) VALUES"
                    " (:name, 'hostile', 'x', ST_SetSRID(ST_MakePoint(24.9, 60.1), 4490))"
                ),
                {"name": name},
            )
        session.execute(
            text(
                "INSERT INTO poi (name, kind, category, geom)"
                " VALUES (NULL, 'hostile', 'x', ST_SetSRID(ST_MakePoint(24.9, 60.1), 4490))"
            )
        )
    return town_copy


def test_any_text_survives_every_format_and_no_cell_of_a_csv_is_a_formula(
    hostile_town: str, tmp_path: Path
) -> None:
    layer = LAYERS["pois"]
    frames = {}
    for suffix in ("parquet", "gpkg", "fgb"):
        (tmp_path / f"t.{suffix}").write_bytes(taken(suffix, layer))
    frames["parquet"] = gpd.read_parquet(tmp_path / "t.parquet")
    frames |= {each: gpd.read_file(tmp_path / f"t.{each}") for each in ("gpkg", "fgb")}
    for suffix, frame in frames.items():
        found = frame[frame["kind"] == "hostile"].sort_values("id")["name"]
        assert [None if pd.isna(each) else each for each in found] == [*HOSTILE, None], suffix
    body = taken("csv", layer)
    assert body.startswith(BOM)
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    mine = [row["name"] for row in rows if row["kind"] == "hostile"]
    assert mine == [*(harmless(each) for each in HOSTILE), ""]
    texts = ("name", "kind", "category")
    assert not [row[name] for row in rows for name in texts if row[name].startswith(DANGEROUS)]


def test_tables_of_screens_are_harmless_too() -> None:
    table = pd.DataFrame({"=name": HOSTILE, "n": range(-3, len(HOSTILE) - 3), "at": [HALF] * len(HOSTILE)})
    rows = list(csv.reader(io.StringIO(frame_csv(table).decode("utf-8-sig"), newline="")))
    assert rows[0] == ["'=name", "n", "at"]
    assert [row[0] for row in rows[1:]] == [harmless(each) for each in HOSTILE]
    assert rows[1][1:] == ["-3", "2026-04-01T00:00:00Z"]


def test_a_box_chooses_what_meets_it(town_database: str, tmp_path: Path) -> None:
    box = {"west": 24.935, "south": 60.168, "east": 24.945, "north": 60.172}
    body = json.loads(taken("geojson", LAYERS["streets"], box))
    window = shapely.box(*box.values())
    shapes = [shapely.from_geojson(json.dumps(each["geometry"])) for each in body["features"]]
    assert 50 < len(shapes) < 2000 and all(each.intersects(window.buffer(1e-6)) for each in shapes)
    whole = json.loads(taken("geojson", LAYERS["streets"]))["features"]
    inside = [each for each in whole if shapely.from_geojson(json.dumps(each["geometry"])).intersects(window)]
    assert abs(len(inside) - len(shapes)) <= 1


# ------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_area_that_does_not_exist_is_named_before_a_byte_leaves(suffix: str, town_database: str) -> None:
    with pytest.raises(NotFound, match="910091009"):
        next(FORMATS[suffix].stream(parcel(LAYERS["cameras"], {"area": "910091009"})))


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_empty_layer_is_a_whole_file(suffix: str, town_database: str, tmp_path: Path) -> None:
    body = taken(suffix, LAYERS["sensors"])
    if suffix == "csv-metadata.json":
        assert json.loads(body)["url"] == "sensors.csv"
    else:
        assert ids(suffix, body, tmp_path) == []


def test_columns_that_are_not_text_are_known() -> None:
    assert {"bool", "int8", "float8", "numeric", "timestamptz"} <= set(KINDS)
