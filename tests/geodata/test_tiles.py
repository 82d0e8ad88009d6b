"""Tiles: every layer has some, bins lose nothing, filters hold, and nobody talks SQL through them."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pyogrio
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from sqlalchemy import text

from geodata import database
from geodata.queries import serving
from geodata.queries.serving import Tile, TileStore
from geodata.queries.tiles import BINS, MAX_ZOOM, BadTileAddress, TileSource, check_address
from layers.catalogue import LAYERS
from tests.conftest import may_look
from tests.vector_tiles import TileFeature, read_tile

pytestmark = pytest.mark.postgis

LON, LAT = 24.94, 60.17
FILTERED = LAYERS["violations"]
TABLES = {each.id: each.tile.table for each in LAYERS.values()}


def over(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    """The tile above a place."""
    x = (lon + 180) / 360 * 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return z, int(x), int(y)


def asked(work: Callable[[TileStore], Awaitable[Any]], **options: Any) -> Any:
    """What `work` gets from a store of its own."""

    async def run() -> Any:
        store = TileStore(None, **{"max_bytes": 10**9, "size": 2, **options})
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def tile(
    layer: str, address: tuple[int, int, int], filters: Mapping[str, Any] | None = None, **options: Any
) -> bytes:
    chosen = LAYERS[layer]
    made = asked(
        lambda store: store.tile(layer, chosen.tile, chosen.datasets, address, filters or {}), **options
    )
    assert isinstance(made, Tile)
    return made.body


def features(layer: str, address: tuple[int, int, int], **rest: Any) -> list[TileFeature]:
    return read_tile(tile(layer, address, **rest)).get(layer, [])


def rows_in(table: str, address: tuple[int, int, int], where: str = "true", **values: Any) -> int:
    """How many rows of `table` have their point in the tile: west and south border included."""
    inside = "ST_X(g3857) >= ST_XMin(e) AND ST_X(g3857) < ST_XMax(e) AND ST_Y(g3857) >= ST_YMin(e) AND"
    sql = (
        f"SELECT count(*) FROM {table}, ST_TileEnvelope(:z, :x, :y) e WHERE {inside} ST_Y(g3857) < ST_YMax(e)"
    )
    z, x, y = address
    with database.connection() as conn:
        return int(conn.scalar(text(f"{sql} AND {where}"), {"z": z, "x": x, "y": y, **values}) or 0)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The queries that are sent meanwhile."""
    sent: list[str] = []
    execute = psycopg.AsyncConnection.execute

    async def noted(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        if not str(query).startswith("SET "):
            sent.append(str(query))
        return await execute(self, query, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.AsyncConnection, "execute", noted)
        yield sent


# ------------------------------------------------------------------------------------------- what is in


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_has_bytes_over_the_centre(layer: str, town_database: str) -> None:
    if layer == "findings" and not may_look():
        pytest.skip("weights or clip are not set up, so nobody patrolled")
    found = features(layer, over(LON, LAT, 14))
    assert found or layer == "sensors", "the town has no gas sensors"
    assert {name for each in found for name in each.properties} <= {
        "n",
        "key",
        *LAYERS[layer].tile.columns,
        *LAYERS[layer].tile.bin_columns,
    }


def test_another_reader_counts_the_same_features(town_database: str, tmp_path_factory: Any) -> None:
    z, x, y = over(LON, LAT, 16)
    for layer in ("buildings", "streets", "cameras"):
        file = tmp_path_factory.mktemp("tile") / f"{y}.pbf"
        file.write_bytes(tile(layer, (z, x, y)))
        assert pyogrio.read_info(file, layer=layer)["features"] == len(features(layer, (z, x, y))) > 0


@pytest.mark.parametrize("layer", LAYERS)
def test_near_features_are_rows_with_their_ids(layer: str, town_database: str) -> None:
    address = over(LON, LAT, 17)
    found = features(layer, address)
    with database.connection() as conn:
        known = set(conn.scalars(text(f"SELECT id FROM {TABLES[layer]}")))
    keyed = LAYERS[layer].tile.keyed
    numbers = [each.properties["key"] if keyed else each.id for each in found]
    assert len(set(numbers)) == len(found) and set(numbers) <= known
    assert keyed == LAYERS[layer].pickable, "a click reads the key"
    kinds = {"point": {1}, "line": {2}, "area": {1, 3}}[LAYERS[layer].tile.shape]
    assert {each.kind for each in found} <= kinds
    if keyed and layer != "violations":  # a finding's id is negative there, which tiles cannot say
        assert all(each.id == each.properties["key"] for each in found)


# ------------------------------------------------------------------------------------------------- bins


POINTS = [each.id for each in LAYERS.values() if each.tile.shape == "point"]


@pytest.mark.parametrize("layer", POINTS)
@pytest.mark.parametrize("z", [0, 9, 11])
def test_far_points_are_bins_that_lose_nothing(layer: str, z: int, town_database: str) -> None:
    address = over(LON, LAT, z)
    found = features(layer, address)
    assert len(found) <= BINS * BINS
    assert len({each.first for each in found}) == len(found)
    assert sum(each.properties["n"] for each in found) == rows_in(TABLES[layer], address)


@given(data=st.data())
@given_settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_four_children_hold_what_their_parent_holds(data: st.DataObject, town_database: str) -> None:
    layer = data.draw(st.sampled_from(["violations", "cameras", "lamps"]))
    z = data.draw(st.integers(5, min(12, LAYERS[layer].tile.coarse_below - 2)))
    z, x, y = over(LON + data.draw(st.floats(-0.02, 0.02)), LAT + data.draw(st.floats(-0.01, 0.01)), z)

    def held(*address: int) -> int:
        return sum(each.properties["n"] for each in features(layer, (address[0], address[1], address[2])))

    children = [(z + 1, 2 * x + i, 2 * y + j) for i in (0, 1) for j in (0, 1)]
    assert held(z, x, y) == sum(held(*child) for child in children)


def test_bins_count_what_is_online(town_database: str) -> None:
    found = features("cameras", over(LON, LAT, 10))
    online = rows_in("camera", over(LON, LAT, 10), "state = 'online'")
    assert sum(each.properties["online"] for each in found) == online > 0


def test_far_away_visible_areas_are_a_mosaic_that_counts_every_one(town_database: str) -> None:
    with database.connection() as conn:
        views = conn.execute(text("SELECT count(*) FROM camera_view")).scalar_one()
    squares = features("camera_views", over(LON, LAT, 9))
    assert sum(each.properties["n"] for each in squares) == views
    assert {each.kind for each in squares} == {3}


def test_a_tile_over_the_limit_falls_back_to_its_coarse_form(town_database: str) -> None:
    for layer in ("violations", "buildings"):
        address = over(LON, LAT, LAYERS[layer].tile.coarse_below)
        near = features(layer, address)
        size = len(tile(layer, address))
        assert near == features(layer, address, max_bytes=size)
        coarse = tile(layer, address, max_bytes=size - 1)
        assert len(coarse) < size
        assert coarse
    binned = read_tile(tile("violations", over(LON, LAT, 16), max_bytes=1))["violations"]
    assert sum(each.properties["n"] for each in binned) == rows_in("violation", over(LON, LAT, 16))


def test_below_its_first_zoom_a_layer_asks_nothing(town_database: str) -> None:
    with statements() as sent:
        assert tile("kerbs", over(LON, LAT, LAYERS["kerbs"].tile.min_zoom - 1)) == b""
    assert [query for query in sent if "ST_AsMVT" in query] == []


# ---------------------------------------------------------------------------------------------- filters


def test_filters_choose_rows(town_database: str) -> None:
    address = over(LON, LAT, 12)
    middle = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    conditions: list[tuple[dict[str, Any], str]] = [
        ({"since": middle}, "at >= :since"),
        ({"until": middle}, "at < :until"),
        ({"source": "qr"}, "source = :source"),
        ({"class": "05-05"}, "class_code = :class"),
        ({"class": "99-99"}, "class_code = :class"),
        ({"since": middle, "source": "camera"}, "at >= :since AND source = :source"),
    ]
    counts = []
    for filters, where in conditions:
        held = sum(each.properties["n"] for each in features("violations", address, filters=filters))
        assert held == rows_in("violation", address, where, **filters), filters
        counts.append(held)
    everything = rows_in("violation", address)
    assert counts[0] + counts[1] == everything
    assert 0 < counts[2] < everything


def test_a_layer_ignores_filters_that_it_does_not_know(town_database: str) -> None:
    address = over(LON, LAT, 14)
    assert tile("buildings", address, {"source": "qr", "unknown": "x"}) == tile("buildings", address)


INJECTIONS = [
    "'; DROP TABLE camera; --",
    "qr' OR '1'='1",
    "%(x)s",
    "%s",
    "\\",
    "$1",
    "qr'/*",
    "慧眼",
    "x" * 10_000,
]


@pytest.mark.parametrize("name", ["class", "source"])
@pytest.mark.parametrize("value", INJECTIONS, ids=lambda value: value[:12])
def test_values_are_never_read_as_sql(name: str, value: str, town_database: str) -> None:
    assert features("violations", over(LON, LAT, 12), filters={name: value}) == []
    with database.connection() as conn:
        assert conn.scalar(text("SELECT count(*) FROM camera")) == 221


def test_the_store_cannot_write(town_copy: str) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        asked(lambda store: store.rows("DELETE FROM camera RETURNING id"))


# --------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("z", "x", "y", "named"),
    [(-1, 0, 0, "Zoom -1"), (MAX_ZOOM + 1, 0, 0, "Zoom 23"), (3, 8, 0, "x = 8"), (3, 0, -1, "y = -1")],
)
def test_an_address_outside_the_pyramid_names_the_number(z: int, x: int, y: int, named: str) -> None:
    with pytest.raises(BadTileAddress, match=named):
        check_address(z, x, y)


@given(z=st.integers(0, MAX_ZOOM), data=st.data())
def test_every_address_inside_it_is_good(z: int, data: st.DataObject) -> None:
    check_address(z, data.draw(st.integers(0, 2**z - 1)), data.draw(st.integers(0, 2**z - 1)))


def test_the_corners_of_the_world_are_empty_and_well(town_database: str) -> None:
    last = 2**MAX_ZOOM - 1

    async def work(store: TileStore) -> set[bytes]:
        found = set()
        for each in LAYERS.values():
            for x, y in ((0, 0), (last, last)):
                made = await store.tile(each.id, each.tile, each.datasets, (MAX_ZOOM, x, y), {})
                assert made is not None
                found.add(made.body)
        return found

    assert asked(work) == {b""}


# ------------------------------------------------------------------------------------- memory and tags


def test_one_statement_a_miss_and_none_a_hit(town_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "REVISIONS_FRESH_S", 1e9)
    source, datasets = LAYERS["buildings"].tile, LAYERS["buildings"].datasets

    async def work(store: TileStore) -> list[int]:
        counts = []
        await store.revision()
        first, second = over(LON, LAT, 14), over(LON, LAT, 15)
        for address, known in ((first, None), (first, None), (second, None), (second, "right")):
            with statements() as sent:
                if known:
                    made = await store.tile("buildings", source, datasets, address, {})
                    assert made is not None
                    assert await store.tile("buildings", source, datasets, address, {}, made.etag) is None
                else:
                    await store.tile("buildings", source, datasets, address, {})
            counts.append(len(sent))
        return counts

    assert asked(work) == [1, 0, 1, 0]


def test_the_tag_changes_with_the_data_and_with_what_was_asked(town_copy: str) -> None:
    chosen = FILTERED

    async def tag(store: TileStore, filters: dict[str, Any], z: int = 14) -> str:
        store._revisions_at = -1e9
        made = await store.tile(chosen.id, chosen.tile, chosen.datasets, over(LON, LAT, z), filters)
        assert made is not None
        return made.etag

    async def work(store: TileStore) -> list[str]:
        tags = [await tag(store, {}), await tag(store, {}), await tag(store, {"source": "qr"})]
        tags += [await tag(store, {}, 13), await tag(store, {"unknown": "x"})]
        with database.transaction() as session:
            session.execute(text("UPDATE dataset SET revision = revision + 100 WHERE name = 'finding'"))
            session.execute(
                text(
                    "INSERT INTO dataset (name, town, source, licence, method, rows, revision)"
                    " VALUES ('finding', '', '', '', '', 0, 1000) ON CONFLICT DO NOTHING"
                )
            )
        return [*tags, await tag(store, {})]

    first, same, filtered, elsewhere, ignored, later = asked(work)
    assert first == same == ignored
    assert len({first, filtered, elsewhere, later}) == 4


def test_a_packed_tile_is_the_same_tile(town_database: str) -> None:
    source, datasets = LAYERS["buildings"].tile, LAYERS["buildings"].datasets

    async def work(store: TileStore) -> tuple[list[Any], list[Any]]:
        pairs = []
        for address in (over(LON, LAT, 14), (MAX_ZOOM, 0, 0)):
            pairs.append(
                [
                    await store.tile("buildings", source, datasets, address, {}, packed=packed)
                    for packed in (False, True)
                ]
            )
        return pairs[0], pairs[1]

    (plain, packed), (empty, small) = asked(work)
    assert packed.packed and not plain.packed and packed.etag != plain.etag
    assert len(packed.body) < len(plain.body) and gzip.decompress(packed.body) == plain.body
    assert not small.packed and small.body == empty.body


def test_memory_has_a_limit(town_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MEMORY_BYTES", 60_000)

    async def work(store: TileStore) -> int:
        z, x, y = over(LON, LAT, 15)
        for i in range(-3, 3):
            await store.tile("buildings", LAYERS["buildings"].tile, ("building",), (z, x + i, y), {})
            assert (
                store._memory_bytes == sum(len(made.body) + 200 for made in store._memory.values()) <= 60_000
            )
        return len(store._memory)

    assert 0 < asked(work) <= 6
    assert asked(work, remember=False) == 0

    async def chatter(store: TileStore) -> int:
        for i in range(5):
            long = {"class": f"{i}" * 10_000}
            await store.tile("violations", LAYERS["violations"].tile, ("case_file",), (MAX_ZOOM, 0, 0), long)
        return len(store._memory)

    assert asked(chatter) == 1, "what strangers write in an address is counted too"


def test_a_source_with_a_mistake_is_not_told_as_an_absent_database(town_database: str) -> None:
    wrong: TileSource = replace(LAYERS["buildings"].tile, columns={"name": "t.no_such_column"})
    with pytest.raises(psycopg.errors.UndefinedColumn):
        asked(lambda store: store.tile("buildings", wrong, ("building",), over(LON, LAT, 15), {}))
