"""The addresses for machines, asked as a machine asks them: over HTTP, of the app as a process of its own."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from geodata import database
from geodata.export.formats import FORMATS
from geodata.queries.frames import read_table
from layers.catalogue import LAYERS
from tests.browser.serving import web_process
from tests.conftest import LoneServer, may_look
from tests.vector_tiles import read_tile

pytestmark = pytest.mark.postgis

CENTRE = (14, 9327, 4742)
"""The tile above 60.17 N 24.94 E."""
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self, status: int) -> str:
        """The sentence of a problem, which must be told as RFC 9457 wants it."""
        assert (self.status, self.headers["content-type"]) == (status, PROBLEM)
        told = self.json()
        assert told["status"] == status and told["title"] and told["type"] == "about:blank"
        assert urllib.parse.unquote(told["instance"]).startswith("/api/")
        return str(told["detail"])


def get(address: str, **headers: str) -> Answer:
    request = urllib.request.Request(address, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


@pytest.fixture(scope="module")
def api(town_url: str) -> Iterator[str]:
    with web_process(town_url) as address:
        yield f"{address}/api"


# ------------------------------------------------------------------------------------------------ health


def test_health_tells_town_revision_and_rows(api: str) -> None:
    answer = get(f"{api}/health")
    told = answer.json()
    assert (answer.status, told["status"], told["town"]) == (200, "ok", "helsinki")
    assert told["revision"] > 0
    for name in ("cells", "buildings", "cameras", "camera_views", "pipes", "violations"):
        assert told["rows"][name] > 0
    assert told["rows"]["cells"] == told["rows"]["unit_cell"] == 208
    if may_look():
        assert told["rows"]["samples"] > 0 and told["rows"]["detections"] > 0
    assert not [name for name in told["rows"] if name.startswith("truth")]
    assert answer.headers["cache-control"] == "no-store"


# ------------------------------------------------------------------------------------------------- tiles


def tile(api: str, layer: str, address: tuple[object, object, object] = CENTRE, query: str = "") -> str:
    return f"{api}/tiles/{layer}/{address[0]}/{address[1]}/{address[2]}.pbf{query}"


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_has_a_tile_with_a_tag_that_spares_the_next(api: str, layer: str) -> None:
    first = get(tile(api, layer))
    assert first.status == 200
    assert first.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    # the town has no gas sensors, no schedule has sampled it yet, and it has findings where a detector may look
    if layer not in ("sensors", "cell_leads") and (layer != "findings" or may_look()):
        assert read_tile(first.body)[layer]
    again = get(tile(api, layer), If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert get(tile(api, layer), If_None_Match='"another"').body == first.body


def test_filters_in_the_query_choose_rows(api: str) -> None:
    def held(query: str) -> int:
        found = read_tile(get(tile(api, "violations", (10, 582, 296), query)).body)
        return sum(each.properties["n"] for each in found.get("violations", []))

    whole = held("")
    assert whole > 1000
    assert held("?until=2026-03-01T00:00:00Z") + held("?since=2026-03-01") == whole
    assert held("?since=2026-03-01T02:00:00%2B02:00") == held("?since=2026-03-01T00:00:00")
    assert 0 < held("?source=qr") < whole
    assert held("?source=" + urllib.parse.quote("' OR 1=1 --")) == 0
    assert held("?r=17&unknown=x") == whole


def test_a_tile_is_packed_for_whoever_takes_it(api: str) -> None:
    plain, packed = get(tile(api, "buildings")), get(tile(api, "buildings"), Accept_Encoding="br, gzip")
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    assert "Accept-Encoding" in plain.headers["vary"] and "Accept-Encoding" in packed.headers["vary"]
    assert (
        get(tile(api, "buildings"), Accept_Encoding="gzip", If_None_Match=packed.headers["etag"]).status
        == 304
    )


@pytest.mark.parametrize(
    ("address", "status", "named"),
    [
        ("tiles/clouds/14/1/1.pbf", 404, "'clouds'.*unit_cells"),
        ("tiles/%27%3B--/14/1/1.pbf", 404, "no layer"),
        ("tiles/cameras/99/0/0.pbf", 422, "Zoom 99"),
        ("tiles/cameras/3/8/0.pbf", 422, "x = 8"),
        ("tiles/cameras/3/0/8.pbf", 422, "y = 8"),
        ("tiles/cameras/3/-1/0.pbf", 422, "x = '-1'"),
        ("tiles/cameras/a/0/0.pbf", 422, "z = 'a'"),
        ("tiles/cameras/1.5/0/0.pbf", 422, "z = '1.5'"),
        ("tiles/cameras/" + "9" * 5000 + "/0/0.pbf", 422, "not a whole number"),
        ("tiles/violations/3/0/0.pbf?since=yesterday", 422, "'yesterday' is not a time.*ISO 8601"),
        ("tiles/violations/3/0/0.pbf?source=%00", 422, "NUL"),
        ("heat/clouds.csv", 404, "'clouds'"),
        ("heat/buildings.csv", 422, "no heat map.*violations"),
        ("export/clouds.geojson", 404, "'clouds'"),
        ("export/cameras.shp", 404, "no format 'shp'.*parquet"),
        ("export/cameras.gpkg?area=910091009", 404, "no area 910091009"),
        ("export/cameras.csv?area=1%27%20OR%201=1", 422, "not the code of an area"),
        ("export/cameras.fgb?bbox=1,2,3", 422, "not a box"),
        ("export/cameras.parquet?bbox=nan,0,1,1", 422, "not a box"),
        ("tiles/cameras/14/1/1.pbf?area=33048", 422, "not the code of an area"),
        ("report.zip?area=910091009", 404, "no area 910091009"),
        ("report.zip?layers=clouds", 422, "clouds"),
        ("report.zip?run=999999999", 404, "no run 999999999"),
        *(
            (f"report.zip?run={wrong}", 422, "number of a run")
            for wrong in ("0", "-1", "1e3", "", "%D9%A3", "9" * 40)
        ),
        ("report.zip?run=1&area=910091002", 422, "area"),
        ("pictures/sample/999999999.jpg", 404, "no such picture"),
        ("pictures/sample/x.jpg", 422, "id = 'x'"),
        ("pictures/camera/1.jpg", 422, "sample or finding"),
        ("pictures/before/999999999.jpg", 404, "no such picture"),
        ("", 404, "nothing at"),
        ("nothing/here", 404, "nothing at /api/nothing/here"),
    ],
)
def test_a_mistake_is_a_problem_that_names_it(api: str, address: str, status: int, named: str) -> None:
    detail = get(f"{api}/{address}", Accept_Language="en-GB").problem(status)
    assert re.search(named, detail), detail


def test_problems_are_told_in_the_readers_language(api: str) -> None:
    address = f"{api}/tiles/clouds/1/1/1.pbf"
    english = get(address, Accept_Language="en").problem(404)
    chinese = get(f"{address}?lang=zh", Accept_Language="en").problem(404)
    assert get(address, Accept_Language="zh-CN,zh;q=0.9,en;q=0.8").problem(404) == chinese
    assert get(f"{address}?lang=en", Accept_Language="zh-CN").problem(404) == english
    assert get(address, Accept_Language="fr").problem(404) == english
    assert english.isascii() and "clouds" in chinese
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


# ------------------------------------------------------------------------- heat, downloads and pictures


def test_the_heat_map_holds_every_violation_once(api: str, town_database: str) -> None:
    answer = get(f"{api}/heat/violations.csv")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    with database.connection() as conn:
        [total] = read_table(conn, "SELECT count(*) AS n FROM violation WHERE geom IS NOT NULL")["n"]
    assert sum(int(row["n"]) for row in rows) == total
    assert all(24 < float(row["lon"]) < 26 and 60 < float(row["lat"]) < 61 for row in rows)
    again = get(f"{api}/heat/violations.csv", If_None_Match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    one_source = get(f"{api}/heat/violations.csv?source=qr").body.decode()
    assert 0 < sum(int(row["n"]) for row in csv.DictReader(io.StringIO(one_source))) < total
    assert get(f"{api}/heat/violations.csv?source=nobody").body == b"lon,lat,n\n"


def test_a_download_is_geojson_with_a_name(api: str) -> None:
    answer = get(f"{api}/export/pipes.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["content-disposition"] == 'attachment; filename="helsinki-pipes.geojson"'
    body = answer.json()
    assert len(body["features"]) == 78 and body["licence"] == "ODbL-1.0" and body["revision"] > 0


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_an_address_with_its_type_and_name(api: str, suffix: str) -> None:
    answer = get(
        f"{api}/export/cameras.{suffix}?area=910091001&since=2026-03-01&source=%27%20OR%201=1%20--&shown=1"
    )
    assert answer.status == 200 and len(answer.body) > 500
    assert answer.headers["content-type"] == FORMATS[suffix].media_type
    named = f'attachment; filename="helsinki-cameras-910091001.{suffix}"'
    assert answer.headers["content-disposition"] == named
    if suffix == "csv":
        assert "cameras.csv-metadata.json?area=910091001&" in answer.headers["link"]
        rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))
        collection = get(f"{api}/export/cameras.geojson?area=910091001&shown=1").json()
        assert [int(row["id"]) for row in rows] == [each["id"] for each in collection["features"]]


@pytest.mark.skipif(not may_look(), reason="run make setup: weights or clip are absent, so nobody patrolled")
@pytest.mark.parametrize("kind", ["sample", "finding"])
def test_pictures_are_jpeg(api: str, kind: str, town_database: str) -> None:
    with database.connection() as conn:
        number = read_table(conn, f"SELECT max(id) AS id FROM {kind}")["id"][0]
    answer = get(f"{api}/pictures/{kind}/{number}.jpg")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.body.startswith(b"\xff\xd8\xff")
    narrow = get(f"{api}/pictures/{kind}/{number}.jpg?width=120")
    assert narrow.body.startswith(b"\xff\xd8\xff") and len(narrow.body) < len(answer.body) / 4
    assert narrow.headers["etag"] != answer.headers["etag"]
    for wrong in ("0", "-5", "wide", "9" * 400):
        detail = get(f"{api}/pictures/{kind}/{number}.jpg?width={wrong}", Accept_Language="en").problem(422)
        assert "80" in detail and "4096" in detail


# ------------------------------------------------------------------------------------- a database away


def test_a_database_that_goes_away_is_told_and_the_first_request_after_it_is_back_works(
    lone_server: LoneServer,
) -> None:
    rows = count(1)  # tiles that are remembered need no database

    with web_process(lone_server.url) as address, ThreadPoolExecutor(4) as people:

        def ask(path: str) -> Answer:
            return get(f"{address}/api/{path}", Accept_Language="en")

        def paths() -> list[str]:
            tile = f"tiles/cameras/14/9327/{next(rows)}.pbf"
            return [tile, "health", "heat/violations.csv", "export/pipes.geojson"]

        assert ask("health").json()["status"] == "empty"
        assert [ask(path).status for path in paths()] == [200] * 4
        lone_server.stop()
        for answer in people.map(ask, paths()):
            assert "does not answer" in answer.problem(503)
            assert "huiyan up" in answer.json()["detail"] and answer.headers["retry-after"]
        lone_server.start()
        assert [ask(path).status for path in paths()] == [200] * 4
