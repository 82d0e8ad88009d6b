"""Packages of cases: the schema is one, good ones pass, and whatever is wrong is named by row and field."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from analysis.errors import InputError
from geodata.errors import IngestError
from geodata.ingest.case_exchange import (
    CASE,
    MOST_CASES,
    NAME,
    SCHEMA,
    check_package,
    digest_of_case,
    read_package,
)
from geodata.queries.case_exchange import cursor_after, place_of_cursor
from pages.terminal.main import app

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
GOOD: dict[str, Any] = {
    "number": "330481-20260131-000123",
    "code_profile": "2013",
    "class_code": "05-05",
    "cell_code": "330481001001001",
    "component_code": "3304810118000001",
    "camera_code": "33048100081320000001",
    "place": {"type": "Point", "coordinates": [120.69, 30.53]},
    "reported_at": "2026-01-31T08:00:00+08:00",
    "closed_at": "2026-01-31T09:30:00.5Z",
    "stage": "closed",
    "source": "camera",
    "simulated": False,
}


def package(*cases: Any) -> dict[str, Any]:
    return {"schema": NAME, "cases": list(cases)}


def faults(*cases: Any) -> set[tuple[int | None, str]]:
    return {(each.row, each.field) for each in check_package(package(*cases), NOW)}


def test_the_schema_is_a_schema_and_a_good_package_passes() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    bare = {name: GOOD[name] for name in CASE["required"]} | {
        "number": "330481-20260131-000124",
        "stage": "reported",
    }
    nulls = GOOD | {
        "number": "330481-20260131-000125",
        "cell_code": None,
        "component_code": None,
        "camera_code": None,
    }
    assert check_package(package(GOOD, bare, nulls), NOW) == []
    assert check_package(package(), NOW) == []


@given(
    st.sampled_from(sorted(GOOD)),
    st.one_of(
        st.none(), st.integers(), st.text(max_size=30), st.lists(st.integers(), max_size=2), st.just({})
    ),
)
def test_a_field_with_anything_else_is_named_or_still_means_something(field: str, value: Any) -> None:
    found = check_package(package(GOOD, GOOD | {"number": "330481-20260131-000124", field: value}), NOW)
    shapes = list(Draft202012Validator(SCHEMA).iter_errors(package(GOOD | {field: value})))
    assert {each.row for each in found} <= {2}
    assert not shapes or any(each.field.split(".")[0] == field for each in found)
    for each in found:
        assert each.why.message.format(**each.why.facts) and each.why.mend and len(each.value) <= 80


@pytest.mark.parametrize("field", sorted(CASE["required"]))
def test_what_is_missing_is_named(field: str) -> None:
    case = {name: value for name, value in GOOD.items() if name != field}
    [first, *_] = check_package(package(case), NOW)
    assert first.row == 1 and field in str(first.why)


def test_all_that_is_missing_is_one_fault() -> None:
    [only] = check_package(package({"stage": "reported"}), NOW)
    assert only.row == 1 and all(field in str(only.why) for field in set(CASE["required"]) - {"stage"})


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"cell_code": "330481001001000"}, "cell_code", "13-15|000"),
        ({"cell_code": "330482001001001"}, "cell_code", "county"),
        ({"class_code": "05-77"}, "class_code", "77"),
        ({"component_code": "3304810199000001"}, "component_code", "99"),
        ({"camera_code": "33048100991320000001"}, "camera_code", "99"),
        ({"closed_at": "2026-01-30T09:30:00Z"}, "closed_at", "before"),
        ({"closed_at": None}, "closed_at", "agree"),
        ({"stage": "registered"}, "closed_at", "agree"),
        ({"reported_at": "2026-02-30T08:00:00Z"}, "reported_at", "no such time"),
        ({"reported_at": "2026-01-31T08:00:00"}, "reported_at", "form"),
        ({"reported_at": "2027-01-31T08:00:00Z"}, "reported_at", "between"),
        ({"number": "330481-20260131-000123\n"}, "number", "not shown"),
        ({"number": "\x1b[2J\ud800"}, "number", "not shown"),
        ({"cell_code": "\ud800" * 15}, "cell_code", "not shown"),
        ({"reported_at": "2031-01-31\x1b08:00:00Z"}, "reported_at", "not shown"),
        ({"reporter": "somebody"}, "", "reporter is no field"),
        ({"rep\ud800": "somebody"}, "", "is no field"),
        (
            {"place": {"type": "Point", "coordinates": [30.5, 120.7]}},
            "place.coordinates.1",
            "longitude first",
        ),
    ],
)
def test_what_a_shape_cannot_tell(change: dict[str, Any], field: str, said: str) -> None:
    told = check_package(package(GOOD | change), NOW)
    found: dict[str, str] = {}
    for each in told:
        found[each.field] = f"{found.get(each.field, '')} {each.why}"
        assert f"{each.field}{each.value}{each.why}".isprintable()
    assert any(part in found[field] for part in said.split("|")), found


def test_the_same_number_twice_and_too_many_cases() -> None:
    assert faults(GOOD, GOOD) == {(2, "number")}
    many = [GOOD | {"number": f"330481-20260131-{n:06d}"} for n in range(1, MOST_CASES + 2)]
    assert faults(*many) == {(None, "cases")}


@pytest.mark.parametrize(
    "wrong", [None, [], 7, {"schema": "other", "cases": []}, {"cases": {}}, {"schema": NAME}]
)
def test_what_is_no_package(wrong: Any) -> None:
    assert check_package(wrong, NOW)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json(text: bytes) -> None:
    with pytest.raises(IngestError, match="no JSON"):
        read_package(text)


def test_a_digest_is_of_what_a_case_says() -> None:
    turned = dict(reversed(copy.deepcopy(GOOD).items()))
    assert digest_of_case(turned | {"changed_at": "2026-05-01T00:00:00Z"}) == digest_of_case(GOOD)
    assert digest_of_case(GOOD | {"stage": "void"}) != digest_of_case(GOOD)


@given(st.datetimes(timezones=st.just(dt.UTC)), st.integers(0, 2**63 - 1))
def test_a_cursor_comes_back(moment: dt.datetime, number: int) -> None:
    assert place_of_cursor(cursor_after((moment, number))) == (moment, number)


@pytest.mark.parametrize("cursor", ["x", "é", "W10=", "WzEsMl0=", "bnVsbA==", "WyIyMDI2LTAxLTAxIiwgMV0="])
def test_what_is_no_cursor(cursor: str) -> None:
    with pytest.raises(InputError, match="no cursor"):
        place_of_cursor(cursor)


def test_the_command_names_rows_and_ends_with_1(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(package(GOOD)), encoding="utf-8")
    good = CliRunner().invoke(app, ["exchange", "check", str(file)])
    assert (good.exit_code, "1 cases" in good.output) == (0, True)
    file.write_text(json.dumps(package(GOOD, GOOD | {"class_code": "05-77"})), encoding="utf-8")
    wrong = CliRunner().invoke(app, ["exchange", "check", str(file)])
    assert wrong.exit_code == 1 and "class_code" in wrong.output and "05-77" in wrong.output
    assert CliRunner().invoke(app, ["exchange", "check", str(tmp_path / "none.json")]).exit_code == 1
