"""OGC API – Features and Tiles, asked by the programs that people use, and by people who try what they should not."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator

import psycopg
import pyogrio
import pytest
from owslib.ogcapi.features import Features

from geodata import database
from geodata.errors import DatabaseUnavailable
from geodata.queries.frames import read_table
from tests.browser.serving import web_process
from tests.conftest import LoneServer
from tests.endpoints.asking import get
from tests.vector_tiles import read_tile

pytestmark = pytest.mark.postgis

ITEMS = "collections/open.cameras/items"


@pytest.fixture(scope="module")
def ogc(town_url: str) -> Iterator[str]:
    with web_process(town_url, {"TWIN_ANONYMOUS_PER_MINUTE": "100000"}) as address:
        yield f"{address}/api/ogc"


def test_gdal_reads_every_collection(ogc: str, town_database: str) -> None:
    layers = {name for name, _ in pyogrio.list_layers(f"OAPIF:{ogc}")}
    assert layers == {
        f"open.{name}"
        for name in (
            *(
                "areas",
                "unit_cells",
                "cameras",
                "camera_views",
                "streets",
                "buildings",
                "components",
                "cases",
            ),
            *("address_points", "kerbs", "car_parks", "no_parking_areas"),
        )
    }
    with database.connection() as conn:
        [streets] = read_table(conn, "SELECT count(*) AS n FROM street_edge")["n"]
        [offline] = read_table(conn, "SELECT count(*) AS n FROM open.cameras WHERE state <> 'online'")["n"]
    read = pyogrio.read_dataframe(f"OAPIF:{ogc}", layer="open.streets")
    assert len(read) == streets and read.crs.to_epsg() in (4326, None) and read.total_bounds[0] > 24
    assert (
        len(pyogrio.read_dataframe(f"OAPIF:{ogc}", layer="open.cameras", where="state <> 'online'"))
        == offline
    )


def test_owslib_finds_its_way(ogc: str) -> None:
    service = Features(f"{ogc}/")
    assert "open.cases" in service.feature_collections()
    assert not [each for each in service.conformance()["conformsTo"] if each.endswith("/html")]
    assert "/collections" in service.api()["paths"]
    first = service.collection_items(
        "open.cases", limit=3, datetime="2026-01-01T00:00:00Z/2026-02-01T00:00:00Z"
    )
    assert first["numberReturned"] == 3 < first["numberMatched"]
    assert all(each["properties"]["reported_at"].startswith("2026-01") for each in first["features"])
    inside = service.collection_items("open.cases", bbox=[24.94, 60.165, 24.945, 60.17], limit=1)
    assert 0 < inside["numberMatched"] < service.collection_items("open.cases", limit=1)["numberMatched"]


def test_links_lead_back_to_this_origin(ogc: str) -> None:
    for address in (ogc, f"{ogc}/", f"{ogc}/collections", f"{ogc}/collections/open.areas/items"):
        body = get(address).json()
        links = [link["href"] for link in body["links"]]
        assert links and all(link.startswith(f"{ogc}/") for link in links)
    told = get(f"{ogc}/api").body.decode()
    assert "text/html" not in told and '"html"' not in told


def test_tiles_hold_the_views_columns(ogc: str) -> None:
    answer = get(f"{ogc}/collections/open.cameras/tiles/WebMercatorQuad/14/9327/4742")
    cameras = read_tile(answer.body)["cameras"]
    assert cameras and all("stream_url" not in each.properties for each in cameras)


def test_no_page_for_people_with_scripts_from_elsewhere(ogc: str) -> None:
    assert get(f"{ogc}/", Accept="text/html").headers["content-type"] == "application/json"
    assert "no HTML" in get(f"{ogc}/collections?f=html", Accept_Language="en").problem(422)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        *(
            (f"{ITEMS}?filter={urllib.parse.quote(condition)}", 400)
            for condition in (
                *(
                    "garbage ((",
                    "",
                    "1",
                    "'x'",
                    "state = ",
                    "no_such_column = 1",
                    "name = 1",
                    "state = 'x' OR",
                ),
                *(
                    "pg_sleep(10) = 1",
                    "current_user = 'huiyan'",
                    "height_m + 1 = 2",
                    "state = current_setting('role')",
                ),
                *("set_config('role', 'huiyan', false) = ''", "s_intersects(geom, POLYGON((1)))", "\0"),
                *(
                    "(" * 2000 + "1=1" + ")" * 2000,
                    "1" + "+1" * 1500 + "=1",
                    "NOT " * 900 + "state = 'online'",
                ),
                *("state='" + "a" * 5000 + "'", '{"op":"not","args":[' * 100 + "true" + "]}" * 100),
                json.dumps({"op": "=", "args": [{"op": "query_to_xml", "args": ["SELECT 1"]}, 1]}),
                json.dumps({"op": "=", "args": [{"function": "version"}, 1]}),
                json.dumps([1, 2]),
            )
            if "\0" not in condition
        ),
        (f"{ITEMS}?filter=%00", 422),
        (f"{ITEMS}?state=%00", 422),
        (f"{ITEMS}?height_m=high", 400),
        (f"{ITEMS}?sortby=nothing", 400),
        (f"{ITEMS}?geom-column=nothing", 400),
        (f"{ITEMS}?datetime=2026-01-01T00:00:00Z", 400),
        ("collections/open.cases/items?datetime=yesterday", 422),
        (f"{ITEMS}?bbox=a,b,c,d", 422),
        (f"{ITEMS}?bbox=nan,1,2,3", 422),
        (f"{ITEMS}?bbox=1,2,3", 422),
        (f"{ITEMS}?limit=-1", 422),
        (f"{ITEMS}?limit=10001", 422),
        (f"{ITEMS}?offset=99999999999999999999", 400),
        (f"{ITEMS}?ids=x", 404),
        (f"{ITEMS}/x", 404),
        (f"{ITEMS}/999999999", 404),
        ("collections/public.camera/items", 404),
        ("collections/open.pipes/items", 404),
        ("collections/nothing", 422),
        ("nothing", 404),
        ("collections/open.cameras/tiles/WebMercatorQuad/1000000000/1/1", 422),
        ("collections/open.cameras/tiles/Nothing/1/1/1", 422),
    ],
)
def test_nonsense_is_told_and_nothing_of_the_server_with_it(ogc: str, address: str, status: int) -> None:
    detail = get(f"{ogc}/{address}", Accept_Language="en").problem(status)
    for leak in ("Traceback", "SELECT", "asyncpg", "relation", "operator does not exist", "/lib/"):
        assert leak not in detail


def test_text_that_looks_like_sql_is_only_text(ogc: str) -> None:
    before = get(f"{ogc}/{ITEMS}?limit=1").json()["numberMatched"]
    for text in (
        "x' OR '1'='1",
        "'; DROP TABLE camera; --",
        'x" OR 1=1',
        "\\'; SELECT 1 --",
        "x' UNION SELECT 1",
    ):
        condition = urllib.parse.quote(f"state = '{text.replace(chr(39), chr(39) * 2)}'")
        assert get(f"{ogc}/{ITEMS}?filter={condition}").json()["numberMatched"] == 0
        assert get(f"{ogc}/{ITEMS}?state={urllib.parse.quote(text)}").json()["numberMatched"] == 0
    assert get(f"{ogc}/{ITEMS}?limit=1").json()["numberMatched"] == before > 0


def test_conditions_choose_rows(ogc: str) -> None:
    def held(condition: str) -> int:
        return int(
            get(f"{ogc}/{ITEMS}?limit=1&filter={urllib.parse.quote(condition)}").json()["numberMatched"]
        )

    every = held("id >= 0")
    assert held("state = 'online'") + held("state <> 'online'") == every
    assert held("state IN ('online', 'offline')") + held("NOT state IN ('online', 'offline')") == every
    west = "s_intersects(geom, POLYGON((24 60, 24.944 60, 24.944 61, 24 61, 24 60)))"
    assert 0 < held(west) < every and held(west) + held(f"NOT {west}") == every
    assert held("height_m BETWEEN 0 AND 1000 AND name LIKE '%' AND code IS NOT NULL") == every


def test_no_other_page_may_ask_unless_it_is_named(ogc: str) -> None:
    request = urllib.request.Request(f"{ogc}/collections", headers={"Origin": "https://elsewhere.example"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert "access-control-allow-origin" not in {name.lower() for name in answer.headers}


def test_it_comes_back_by_itself_after_the_database(lone_server: LoneServer) -> None:
    """Connections of both pools are thrown away, by an administrator and by a restart; nobody touches the program."""
    with web_process(lone_server.url) as address:
        asked = f"{address}/api/ogc/{ITEMS}?bbox=24,60,25,61"
        assert get(asked).json()["numberMatched"] == 0
        with psycopg.connect(lone_server.url, autocommit=True) as conn:
            [gone] = conn.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND usename IN ('huiyan', 'huiyan_reader')"
            ).fetchone() or [0]
        assert gone >= 2 and until(asked, 200) <= {200, 503}
        lone_server.stop()
        assert until(asked, 503) <= {200, 503}
        lone_server.start()
        assert until(asked, 200) <= {200, 503}
        assert get(f"{address}/api/ogc/collections").json()["collections"]


def until(address: str, status: int) -> set[int]:
    """Asks until the answer is `status`; every status that came."""
    seen, end = set(), time.monotonic() + 60
    while status not in seen and time.monotonic() < end:
        answer = get(address, Accept_Language="en")
        seen.add(answer.status)
        if answer.status == 503:
            assert "does not answer" in answer.problem(503)
        time.sleep(0.05)
    assert status in seen, seen
    return seen


def test_a_database_without_public_views_is_told(empty_template: str, bare_database: str) -> None:
    from pages.endpoints.ogc_app import OgcApp

    with pytest.raises(DatabaseUnavailable, match="no tables yet"):
        asyncio.run(OgcApp(bare_database, pipes=True).open())
