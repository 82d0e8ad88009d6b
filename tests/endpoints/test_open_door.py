"""The open door: who comes in and how fast, Open311, case exchange, and an OpenAPI document that tells the truth."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import math
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as drawn
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode
from sqlalchemy import text
from starlette.requests import Request

from analysis.errors import InputError
from geodata import database
from geodata.commands.clients import add_client, revoke_client
from geodata.errors import NotFound
from geodata.ingest.case_exchange import SCHEMA, check_package
from geodata.queries.clients import digest_of
from geodata.settings import settings
from pages.endpoints.filters import check_filter, check_length
from pages.endpoints.guard import Buckets, Guard
from pages.endpoints.openapi import openapi_document, operations
from pages.endpoints.problems import BadRequest, Forbidden, TooFast, Unauthorised
from pages.endpoints.routes import Door
from tests.browser.serving import web_process
from tests.endpoints.asking import Answer, get

pytestmark = pytest.mark.postgis

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
INSIDE = {"service_code": "05-05", "lat": "60.17", "long": "24.94"}
PERSON = "Aino Salainen"
HEAVY = ("/api/report.zip",)
"""Takes seconds: schemathesis asks once."""


@pytest.fixture(scope="module")
def api(town_of_module: str) -> Iterator[str]:
    extra = {"TWIN_ANONYMOUS_PER_MINUTE": "100000", "TWIN_CORS_ORIGINS": "https://city.example"}
    with web_process(town_of_module, extra) as address:
        yield f"{address}/api"


@pytest.fixture(scope="module")
def tokens(town_of_module: str) -> dict[str, str]:
    return {
        "reader": add_client("reader", ["read"], 100_000),
        "reporter": add_client("reporter", ["report"], 100_000),
        "province": add_client("province", ["exchange"], 100_000),
        "neighbour": add_client("neighbour", ["exchange"], 100_000),
    }


def report(api: str, token: str | None, form: str = "json", /, **sent: str) -> Answer:
    body = urllib.parse.urlencode(sent).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return get(f"{api}/open311/v2/requests.{form}", body, Content_Type=FORM, Accept_Language="en", **headers)


def send(api: str, token: str, package: Any) -> Answer:
    return get(
        f"{api}/exchange/v1/cases",
        json.dumps(package).encode(),
        Content_Type=JSON,
        Authorization=f"Bearer {token}",
        Accept_Language="en",
    )


def count(sql: str, **values: Any) -> int:
    with database.connection() as conn:
        return int(conn.scalar(text(sql), values) or 0)


# ------------------------------------------------------------------------------------ who comes in, and how fast


@given(st.lists(st.floats(0, 100), max_size=60), st.integers(1, 30))
def test_nobody_gets_more_than_the_limit_and_whoever_waits_gets_one(
    waits: list[float], per_minute: int
) -> None:
    now = 0.0
    buckets = Buckets(lambda: now)
    granted: list[float] = []
    for wait in waits:
        now += wait
        again = buckets.take("one", per_minute)
        if again == 0:
            granted.append(now)
        else:
            assert 0 < again <= 60 / per_minute + 1e-6
            now += again + 1e-6
            assert buckets.take("one", per_minute) == 0
            granted.append(now)
    for at in granted:
        assert sum(at - 60 < each <= at for each in granted) <= 2 * per_minute + 1
    assert buckets.take("another", per_minute) == 0


def test_tokens_are_kept_as_digests_only(tokens: dict[str, str]) -> None:
    with database.connection() as conn:
        kept = {row.name: row for row in conn.execute(text("SELECT * FROM api_client"))}
        everything = json.dumps([list(map(str, row)) for row in kept.values()])
        audit = "".join(conn.scalars(text("SELECT details::text || subject FROM audit")))
    assert kept["reader"].token_sha256 == digest_of(tokens["reader"])
    assert not [token for token in tokens.values() if token in everything or token in audit]
    with pytest.raises(InputError, match="has a token already"):
        add_client("reader", ["read"], 10)
    for name, scopes, limit in (("x\n", ["read"], 1), ("x", ["all"], 1), ("x", [], 1), ("x", ["read"], 0)):
        with pytest.raises(InputError):
            add_client(name, scopes, limit)
    with pytest.raises(NotFound):
        revoke_client("nobody")


def test_a_token_revoked_in_mid_use_is_worthless_at_once(api: str) -> None:
    token = add_client("passing", ["read", "report"], 1000)
    address = f"{api}/open311/v2/services.json"
    for turn in range(3):
        assert get(address, Authorization=f"Bearer {token}").status == 200, turn
    pages = f"{api}/ogc/collections/open.cameras/items?limit=2"
    page = get(pages, Authorization=f"Bearer {token}").json()
    [following] = [link["href"] for link in page["links"] if link["rel"] == "next"]
    revoke_client("passing")
    assert get(following, Authorization=f"Bearer {token}").status == 401, "in the middle of a download too"
    assert get(following).status == 200, "who needs no token is not kept out"
    for place in (address, f"{api}/ogc/collections"):
        refused = get(place, Authorization=f"Bearer {token}")
        assert refused.status == 401 and refused.headers["www-authenticate"] == "Bearer"
        assert token.encode() not in refused.body
    assert report(api, token, **INSIDE).status == 401
    again = add_client("passing", ["read"], 1000)
    assert again != token and get(address, Authorization=f"Bearer {again}").status == 200
    for wrong in ("Bearer", "Bearer ", "Basic eDp5", f"Bearer {token}x", "Bearer " + "x" * 5000, "nonsense"):
        assert get(address, Authorization=wrong).status == 401


def test_scopes_and_limits_hold(api: str, tokens: dict[str, str]) -> None:
    assert report(api, tokens["reader"], **INSIDE).status == 403
    assert get(f"{api}/exchange/v1/cases", Authorization=f"Bearer {tokens['reporter']}").status == 403
    assert get(f"{api}/exchange/v1/cases").status == 401
    assert report(api, None, **INSIDE).status == 401
    slow = add_client("slow", ["read"], 3)
    answers = [get(f"{api}/ogc/conformance", Authorization=f"Bearer {slow}") for _ in range(4)]
    assert [each.status for each in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert answers[-1].problem(429)
    assert get(f"{api}/ogc/conformance", Authorization=f"Bearer {tokens['reader']}").status == 200


@pytest.mark.parametrize(
    ("door", "scope", "raised"),
    [
        ("public", "read", None),
        ("public", "report", Unauthorised),
        ("tokens", "read", Unauthorised),
        ("closed", "read", Forbidden),
        ("slow", "read", TooFast),
    ],
)
def test_settings_say_who_may_read_without_a_token(
    door: str, scope: str, raised: type[Exception] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings().model_copy(
        update={"open_door": "public", "anonymous_per_minute": 1} if door == "slow" else {"open_door": door}
    )
    monkeypatch.setattr("pages.endpoints.guard.settings", lambda: found)
    request = Request({"type": "http", "headers": [], "client": ("192.0.2.1", 1), "query_string": b""})
    guard = Guard(Door().tiles)

    async def ask() -> None:
        assert await guard.admit(request, scope) is None
        if door == "slow":
            await guard.admit(request, scope)

    if raised is None:
        asyncio.run(ask())
    else:
        with pytest.raises(raised):
            asyncio.run(ask())


def test_only_pages_of_named_origins_may_ask(api: str) -> None:
    address = f"{api}/open311/v2/services.json"
    assert (
        get(address, Origin="https://city.example").headers["access-control-allow-origin"]
        == "https://city.example"
    )
    assert get(address, Origin="https://elsewhere.example").headers.get("access-control-allow-origin") is None


@given(
    st.text(max_size=60)
    | st.recursive(st.sampled_from(["a = 1", "b < 2"]), lambda inner: inner.map("({})".format))
)
def test_a_measured_condition_is_short_and_shallow(condition: str) -> None:
    try:
        check_length(condition)
    except BadRequest:
        return
    assert len(condition) <= 4000 and "\0" not in condition


@pytest.mark.parametrize(
    "operator", ["pg_sleep", "query_to_xml", "set_config", "+", "div", "accenti", "st_transform"]
)
def test_no_function_of_the_server_passes(operator: str) -> None:
    call = {"op": operator, "args": [1]}
    for tree in (call, {"op": "and", "args": [{"op": "=", "args": [{"property": "a"}, call]}]}):
        with pytest.raises(BadRequest, match="not offered"):
            check_filter(tree, {"a"})
    check_filter({"op": "=", "args": [{"property": "a"}, 1]}, {"a"})


# ------------------------------------------------------------------------------------------------------ Open311


def asked(api: str, query: str = "") -> list[dict[str, Any]]:
    answer = get(f"{api}/open311/v2/requests.json?{query}", Accept_Language="en")
    assert answer.status == 200, answer.body
    return list(answer.json())


def test_services_are_the_event_classes_in_both_forms_and_languages(api: str) -> None:
    services = get(f"{api}/open311/v2/services.json", Accept_Language="en").json()
    with database.connection() as conn:
        known = dict(conn.execute(text("SELECT code, name_en FROM event_class")).all())
    assert {each["service_code"]: each["service_name"] for each in services} == known
    chinese = get(f"{api}/open311/v2/services.xml?lang=zh")
    assert chinese.headers["content-type"].startswith("text/xml")
    tree = Xml.fromstring(chinese.body)
    names = {each.findtext("service_code"): each.findtext("service_name") for each in tree}
    assert tree.tag == "services" and set(names) == set(known) and names["05-05"] == "机动车乱停放"
    definition = get(f"{api}/open311/v2/services/05-05.json", Accept_Language="en").json()
    assert "not kept" in definition["attributes"][0]["description"]
    assert get(f"{api}/open311/v2/services/99-99.json").status == 404


def test_conditions_of_requests_part_them_and_narrow_them(api: str) -> None:
    period = "start_date=2026-08-10T00:00:00Z&end_date=2026-08-20T00:00:00Z"
    every = asked(api, period)
    assert 0 < len(every) < 1000
    numbers = {each["service_request_id"] for each in every}
    parts = [
        {each["service_request_id"] for each in asked(api, f"{period}&status={s}")}
        for s in ("open", "closed")
    ]
    assert parts[0] | parts[1] == numbers and not parts[0] & parts[1]
    pages = [
        asked(api, f"{period}&page_size=7&page={page}") for page in range(1, math.ceil(len(every) / 7) + 1)
    ]
    assert [each for page in pages for each in page] == every
    near = [
        len(asked(api, f"{period}&lat=60.17&long=24.94&radius={radius}")) for radius in (0, 100, 300, 50_000)
    ]
    assert near == sorted(near) and near[-1] == len(every) > near[1]
    assert asked(api, f"{period}&service_code=01-02") == []
    assert asked(api, f"service_request_id={','.join(sorted(numbers)[:3])}&status=closed&end_date=nonsense")
    times = [each["requested_datetime"] for each in every]
    assert times == sorted(times, reverse=True)
    assert all(each["description"] is None and each["media_url"] is None for each in every)


def test_a_report_is_a_case_and_nothing_of_the_person_is_kept(api: str, tokens: dict[str, str]) -> None:
    revision = get(f"{api}/health").json()["revision"]
    told = "left side, blue gate"
    answer = report(
        api,
        tokens["reporter"],
        **INSIDE,
        description=told,
        first_name="Aino",
        last_name="Salainen",
        email="aino@example.org",
        phone="+358 40 1234567",
        media_url="https://pictures.example/1.jpg",
    )
    [made] = answer.json()
    number = made["service_request_id"]
    assert answer.status == 201 and "not kept" in made["service_notice"]
    with database.connection() as conn:
        case = conn.execute(text("SELECT * FROM case_file WHERE number = :n"), {"n": number}).mappings().one()
        assert (case["stage"], case["source"], case["class_code"]) == ("reported", "311", "05-05")
        assert case["cell_id"] is not None and not case["simulated"]
        for table in ("service_request", "audit", "case_file", "api_client", "job"):
            held = conn.scalar(
                text(f"SELECT count(*) FROM {table} t WHERE t::text ~* 'aino|salainen|1234567'")
            )
            assert held == 0, table
        assert (
            conn.scalar(text("SELECT description FROM service_request WHERE number = :n"), {"n": number})
            == told
        )
        assert conn.scalar(text("SELECT count(*) FROM audit WHERE actor = 'client reporter'")) >= 1
    [shown] = asked(api, f"service_request_id={number}")
    assert (shown["status"], shown["status_notes"]) == ("open", "reported")
    for address in (
        f"requests/{number}.json",
        f"requests/{number}.xml",
        f"tokens/{number}.json",
        "requests.xml",
    ):
        body = get(f"{api}/open311/v2/{address}").body.decode()
        assert number in body and told not in body and "pictures.example" not in body
    found = get(f"{api}/ogc/collections/open.cases/items?number={number}").body.decode()
    assert number in found and told not in found
    until = time.monotonic() + 60  # the web process asks for revisions once in a while
    while (seen := get(f"{api}/health").json()["revision"]) <= revision and time.monotonic() < until:
        time.sleep(0.1)
    assert seen > revision


def test_a_street_point_tells_the_place_and_numbers_are_never_given_twice(
    api: str, tokens: dict[str, str]
) -> None:
    with database.connection() as conn:
        code, cell = conn.execute(text("SELECT code, cell_id FROM address_point ORDER BY id LIMIT 1")).one()
    made = [
        report(api, tokens["reporter"], service_code="01-02", address_id=code).json()[0]["service_request_id"]
        for _ in range(3)
    ]
    assert len(set(made)) == 3
    assert (
        count("SELECT count(*) FROM case_file WHERE number = ANY (:n) AND cell_id = :c", n=made, c=cell) == 3
    )
    with_key = report(api, None, **INSIDE, api_key=tokens["reporter"])
    assert with_key.status == 201


def test_numbers_that_another_platform_chose_are_passed_over(api: str, tokens: dict[str, str]) -> None:
    def reported() -> str:
        return str(report(api, tokens["reporter"], **INSIDE).json()[0]["service_request_id"])

    first = reported()
    head, last = first[:16], int(first[16:])
    theirs = [f"{head}{n:06d}" for n in (last + 1, 999_999)]
    with database.transaction() as session:
        for number in theirs:
            session.execute(
                text(
                    "INSERT INTO case_file (reported_at, number, class_code, source, stage, simulated, geom) SELECT"
                    " reported_at, :number, class_code, source, stage, false, geom FROM case_file WHERE number = :first"
                ),
                {"number": number, "first": first},
            )
            session.execute(
                text(
                    "INSERT INTO exchanged_case (number, client_id, digest) SELECT :n, min(id), '' FROM api_client"
                ),
                {"n": number},
            )
    ours = [reported(), reported()]
    with database.transaction() as session:
        for table in ("exchanged_case", "case_file"):
            session.execute(text(f"DELETE FROM {table} WHERE number = ANY (:n)"), {"n": theirs})
    same_day = [each for each in ours if each.startswith(head)]
    assert same_day == [f"{head}{last + 2 + n:06d}" for n in range(len(same_day))]
    assert len(set(ours)) == 2


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({}, 400, "service_code is missing"),
        ({"service_code": "05-05"}, 400, "place is missing"),
        ({"service_code": "05-05", "address_string": "Mannerheimintie 1"}, 400, "not looked up"),
        ({**INSIDE, "service_code": "99-99"}, 400, "no service"),
        ({**INSIDE, "lat": "30"}, 400, "outside the city"),
        ({**INSIDE, "lat": "nan"}, 400, "not a number"),
        ({**INSIDE, "lat": "91"}, 400, "not a number"),
        ({**INSIDE, "description": "x" * 4001}, 400, "too long"),
        ({**INSIDE, "description": "\0"}, 400, "NUL"),
        ({**INSIDE, "media_url": "javascript:alert(1)"}, 400, "media_url"),
        ({**INSIDE, "shoe_size": "43"}, 400, "no field"),
        ({**INSIDE, "jurisdiction_id": "atlantis"}, 404, "no jurisdiction"),
        ({"service_code": "05-05", "address_id": "'; DROP TABLE case_file; --"}, 400, "no street point"),
        ({**INSIDE, "description": "x" * 20_000}, 413, "more than"),
    ],
)
def test_a_wrong_report_writes_nothing(
    api: str, tokens: dict[str, str], sent: dict[str, str], status: int, said: str
) -> None:
    before = count("SELECT count(*) FROM case_file")
    for form in ("json", "xml"):
        answer = report(api, tokens["reporter"], form, **sent)
        assert answer.status == status
        told = answer.body.decode()
        assert said in told and str(status) in told
    assert (
        answer.headers["content-type"].startswith("text/xml") and Xml.fromstring(answer.body).tag == "errors"
    )
    assert count("SELECT count(*) FROM case_file") == before


@pytest.mark.parametrize(
    "query",
    [
        *("start_date=yesterday", "start_date=2026-01-01&end_date=2026-06-01", "status=lost", "page=0"),
        *(
            "start_date=2026-02-01&end_date=2026-01-01",
            "page_size=1001",
            "radius=5",
            "lat=1&long=2",
            "lat=x&long=1&radius=1",
        ),
        *(
            "lat=1&long=2&radius=-1",
            "service_code=%00",
            "start_date=0001-01-01T00:00:00%2B14:00",
            "page=" + "9" * 400,
        ),
    ],
)
def test_a_wrong_question_is_told_as_the_standard_wants_it(api: str, query: str) -> None:
    answer = get(f"{api}/open311/v2/requests.json?{query}", Accept_Language="en")
    [told] = answer.json()
    assert answer.status == told["code"] == 400 and told["description"]


# ------------------------------------------------------------------------------------------------ case exchange


def taken_from(api: str, token: str, **query: Any) -> dict[str, Any]:
    answer = get(f"{api}/exchange/v1/cases?{urllib.parse.urlencode(query)}", Authorization=f"Bearer {token}")
    assert answer.status == 200, answer.body
    return dict(answer.json())


def renamed(cases: list[dict[str, Any]], first: int) -> list[dict[str, Any]]:
    """The same cases as another platform would have numbered them."""
    return [each | {"number": f"{each['number'][:16]}{first + n:06d}"} for n, each in enumerate(cases)]


def test_pages_hold_every_case_once_and_keep_to_the_schema(api: str, tokens: dict[str, str]) -> None:
    page = taken_from(api, tokens["province"])
    numbers = [each["number"] for each in page["cases"]]
    Draft202012Validator(SCHEMA).validate(page)
    assert check_package(page, dt.datetime.now(dt.UTC)) == []
    assert Draft202012Validator(get(f"{api}/exchange/v1/case.schema.json").json()).is_valid(page)
    while page["next"]:
        page = taken_from(api, tokens["province"], cursor=page["next"])
        numbers += [each["number"] for each in page["cases"]]
    settled = "SELECT count(*) FROM case_file WHERE changed_at < now() - interval '2 seconds'"
    assert len(set(numbers)) == len(numbers) >= count(settled) > 1000
    later = taken_from(api, tokens["province"], since="2100-01-01T00:00:00Z")
    assert later["cases"] == [] and later["next"] is None
    assert count("SELECT count(*) FROM audit WHERE actor = 'client province' AND action = 'exchange out'") > 2
    for wrong in ("cursor=x", "since=x", "limit=0", "limit=1001", "limit=x"):
        assert (
            get(f"{api}/exchange/v1/cases?{wrong}", Authorization=f"Bearer {tokens['province']}").status
            == 422
        )


def test_a_package_is_taken_in_once_and_changed_by_its_sender_only(api: str, tokens: dict[str, str]) -> None:
    page = taken_from(api, tokens["province"], limit=20)
    own = {"schema": page["schema"], "cases": renamed(page["cases"], 900_000)}
    assert send(api, tokens["province"], own).json() == {"created": 20, "changed": 0, "unchanged": 0}
    assert send(api, tokens["province"], own).json() == {"created": 0, "changed": 0, "unchanged": 20}
    started = dt.datetime.now(dt.UTC).isoformat()
    own["cases"][3] |= {"stage": "closed", "closed_at": "2026-11-20T10:00:00Z"}
    assert send(api, tokens["province"], own).json() == {"created": 0, "changed": 1, "unchanged": 19}
    with database.connection() as conn:
        row = conn.execute(
            text("SELECT stage, changed_at FROM case_file WHERE number = :n"),
            {"n": own["cases"][3]["number"]},
        ).one()
    assert row.stage == "closed" and row.changed_at.isoformat() > started
    moved = {"reported_at": "2026-01-01T00:00:00Z", "stage": "registered", "closed_at": None}
    for package, said in (
        ({**own, "cases": page["cases"][:1]}, "registered here"),
        ({**own, "cases": [own["cases"][0] | moved]}, "another time"),
    ):
        refused = send(api, tokens["province"], package)
        assert refused.status == 422 and said in refused.json()["rows"][0]["reason"]
    other = send(api, tokens["neighbour"], own)
    reasons = [each["reason"] for each in other.json()["rows"]]
    assert other.status == 422 and reasons == ["Another client sent this case."] * 20


def test_one_wrong_row_keeps_the_whole_package_out(api: str, tokens: dict[str, str]) -> None:
    cases = renamed(taken_from(api, tokens["province"], limit=4)["cases"], 910_000)
    tables = ("case_file", "exchanged_case", "audit", "dataset")
    before = [count(f"SELECT count(*) FROM {name}") for name in tables[:2]]
    for change, field in (
        ({"cell_code": "910091999999999"}, "cell_code"),
        ({"class_code": "05-77"}, "class_code"),
        ({"place": {"type": "Point", "coordinates": [24.0, 60.0]}}, "place"),
        ({"camera_code": "91009100081320999999"}, "camera_code"),
        ({"reported_at": "2099-01-01T00:00:00Z"}, "reported_at"),
        ({"citizen": PERSON}, ""),
    ):
        answer = send(
            api, tokens["province"], {"schema": "huiyan.case/1", "cases": [*cases[:3], cases[3] | change]}
        )
        told = answer.json()
        assert answer.status == 422 and answer.problem(422)
        assert {row["row"] for row in told["rows"]} == {4} and field in {row["field"] for row in told["rows"]}
        assert all(row["reason"] and row["mend"] for row in told["rows"])
    for body in (b"{", b"\xff", b"[" * 50_000, b'{"schema": NaN}', b'{"schema": "\\ud800", "\\ud801": 1}'):
        answer = get(
            f"{api}/exchange/v1/cases", body, Content_Type=JSON, Authorization=f"Bearer {tokens['province']}"
        )
        assert answer.problem(422)
    huge = get(
        f"{api}/exchange/v1/cases",
        b" " * 4_200_000,
        Content_Type=JSON,
        Authorization=f"Bearer {tokens['province']}",
    )
    assert huge.status == 413
    assert [count(f"SELECT count(*) FROM {name}") for name in tables[:2]] == before


# ------------------------------------------------------------------------------------------------------ OpenAPI


def test_every_route_is_described_and_everything_described_is_a_route() -> None:
    routes = Door().routes()
    told = list(operations(routes))
    assert [(path, method) for path, method, described in told if described is None] == []
    document = openapi_document(routes)
    written = {(path, method.upper()) for path, each in document["paths"].items() for method in each}
    assert written == {(path, method) for path, method, _ in told} and len(written) >= 15
    for path, method, _ in told:
        named = {
            each["name"]
            for each in document["paths"][path][method.lower()]["parameters"]
            if each["in"] == "path"
        }
        assert named == {part.split("}")[0] for part in path.split("{")[1:]}, path


def _ask(
    cases: st.SearchStrategy[Any], headers: dict[str, str], checked: list[Any], answered: set[int], most: int
) -> None:
    """Draws a few cases of an operation and holds the answers against the document."""

    @given(case=cases)
    @drawn(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        answer = case.call(headers=headers, timeout=120)
        answered.add(answer.status_code)
        case.validate_response(answer, checks=checked)

    ask()


def test_schemathesis_finds_nothing(api: str, tokens: dict[str, str]) -> None:
    """Whatever fits the document, and much that does not, is answered as the document says."""
    document = get(f"{api}/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=api.removesuffix("/api"))
    checked = [
        CHECKS.get_one(name)
        for name in (
            *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
            "response_schema_conformance",
        )
    ]
    asked: set[str] = set()
    answered: set[int] = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        scope = operation.definition.raw.get("x-scope")
        token = {"report": tokens["reporter"], "exchange": tokens["province"]}.get(scope)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        most = 1 if operation.path in HEAVY else 5
        _ask(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), headers, checked, answered, most)
        with suppress(Unsatisfiable):  # what takes nothing can be given nothing wrong
            _ask(
                operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
                headers,
                checked,
                answered,
                most,
            )
        asked.add(f"{operation.method} {operation.path}")
    assert len(asked) >= 15 and 200 in answered and 422 in answered
