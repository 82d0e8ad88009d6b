"""
Cases between platforms: the JSON that is exchanged, its schema, and what is wrong with a package, row by row.

The schema (JSON Schema 2020-12) tells shapes; what shapes cannot tell (which digit of a code is wrong, a case closed
before it was reported, the same number twice) is told by `check_package` too. Nothing that anybody wrote is exchanged:
a case has a class, a place, times and a stage.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from analysis.codes import explain_camera_code, explain_cell_code, explain_component_code, explain_event_code
from analysis.errors import HuiyanError, InputError
from geodata.ingest.schema_faults import hidden_fault, read_json, schema_errors, schema_sentence, short
from geodata.models import Stage

__all__ = ["MOST_CASES", "NAME", "SCHEMA", "CaseFault", "check_package", "digest_of_case", "read_package"]

NAME = "huiyan.case/1"
MOST_CASES = 1000
"""In one package."""
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
AHEAD = dt.timedelta(minutes=5)
"""Clocks of platforms may differ by so much."""
_TIME = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$",
    "description": "RFC 3339 with an offset from UTC",
}


def _or_none(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


CASE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["number", "code_profile", "class_code", "place", "reported_at", "stage", "source"],
    "properties": {
        "number": {
            "type": "string",
            "pattern": "^[0-9]{6}-[0-9]{8}-[0-9]{6}$",
            "description": "county (GB/T 2260), day and sequence; the same number is the same case",
        },
        "code_profile": {"enum": ["2013", "revision"], "description": "edition of GB/T 30428"},
        "class_code": {
            "type": "string",
            "pattern": "^[0-9]{2}-[0-9]{2}$",
            "description": "event class of GB/T 30428.2: major and minor",
        },
        "cell_code": _or_none(
            {"type": "string", "pattern": "^[0-9]{15}$", "description": "unit cell of GB/T 30428.1"}
        ),
        "component_code": _or_none(
            {
                "type": "string",
                "pattern": "^[0-9]{16}$",
                "description": "component of GB/T 30428.2 that the event is about",
            }
        ),
        "camera_code": _or_none(
            {"type": "string", "pattern": "^[0-9]{20}$", "description": "camera of GB/T 28181 that saw it"}
        ),
        "place": {
            "type": "object",
            "additionalProperties": False,
            "required": ["type", "coordinates"],
            "properties": {
                "type": {"const": "Point"},
                "coordinates": {
                    "type": "array",
                    "prefixItems": [
                        {"type": "number", "minimum": -180, "maximum": 180},
                        {"type": "number", "minimum": -90, "maximum": 90},
                    ],
                    "items": False,
                    "minItems": 2,
                },
            },
            "description": "GeoJSON, WGS 84: longitude, latitude",
        },
        "reported_at": _TIME,
        "closed_at": _or_none(_TIME),
        "stage": {"enum": [each.value for each in Stage], "description": "GB/T 30428.8"},
        "source": {"type": "string", "pattern": "^[a-z0-9_]{1,32}$"},
        "simulated": {"type": "boolean", "description": "nobody observed it"},
        "changed_at": {**_TIME, "description": "when the sender wrote it last; told, not taken in"},
    },
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:huiyan:case:1",
    "title": "Package of cases",
    "type": "object",
    "additionalProperties": False,
    "required": ["schema", "cases"],
    "properties": {
        "schema": {"const": NAME},
        "sent_at": _TIME,
        "next": {"type": ["string", "null"], "description": "cursor of the next package"},
        "cases": {"type": "array", "maxItems": MOST_CASES, "items": {"$ref": "#/$defs/case"}},
    },
    "$defs": {"case": CASE},
}
_VALIDATOR = Draft202012Validator(SCHEMA)
_SEE = "See /api/exchange/v1/case.schema.json."
read_package = read_json
"""A package as plain values; IngestError if it is no JSON."""


@dataclass(frozen=True)
class CaseFault:
    """
    Something wrong with a package.

    Attributes
    ----------
    row
        Place of the case in the package, from 1; None for the package itself.
    field
        Name of the field; empty for the case as a whole.
    value
        What stands there, shortened.
    why
        Reason and mend.
    """

    row: int | None
    field: str
    value: str
    why: HuiyanError


def check_package(package: Any, now: dt.datetime) -> list[CaseFault]:
    """
    All that is wrong with a package, by row; an empty list for a good one.

    Parameters
    ----------
    package
        Plain values, as `read_package` gives them.
    now
        Aware; a case reported later than this is wrong.
    """
    cases = package.get("cases") if isinstance(package, dict) else None
    if isinstance(cases, list) and len(cases) > MOST_CASES:  # before anybody names faults of all of them
        return [CaseFault(None, "cases", str(len(cases)), _too_many(MOST_CASES))]
    faults = [_shape_fault(error) for error in schema_errors(_VALIDATOR, package)]
    first: dict[str, int] = {}
    for row, case in enumerate(cases if isinstance(cases, list) else [], start=1):
        if isinstance(case, dict):
            faults += _meaning_faults(row, case, now)
            number = case.get("number")
            if isinstance(number, str) and first.setdefault(number, row) != row:
                again = InputError(
                    "Row {first} has this number too.", "Send each case once.", first=first[number]
                )
                faults.append(CaseFault(row, "number", short(number), again))
    return sorted(faults, key=lambda fault: (fault.row or 0, fault.field))


def digest_of_case(case: Mapping[str, Any]) -> str:
    """SHA-256 of what a case says, whatever the order of its fields."""
    said = {name: value for name, value in case.items() if name != "changed_at" and value is not None}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _shape_fault(error: ValidationError) -> CaseFault:
    path = list(error.absolute_path)
    row = path[1] + 1 if len(path) > 1 and path[0] == "cases" and isinstance(path[1], int) else None
    field = ".".join(map(str, path[2:] if row else path))
    return CaseFault(row, field, short(error.instance), _sentence(error))


def _sentence(error: ValidationError) -> HuiyanError:
    """What the schema says, in words."""
    match error.validator:
        case "minimum" | "maximum":
            return InputError(
                "This is outside what may be ({limit}).",
                "Send degrees, longitude first.",
                limit=error.validator_value,
            )
    return schema_sentence(error, _SEE)


def _too_many(most: int) -> HuiyanError:
    return InputError("There are more than {most} cases.", "Send several packages.", most=most)


def _meaning_faults(row: int, case: Mapping[str, Any], now: dt.datetime) -> Iterator[CaseFault]:
    """What the schema cannot tell."""
    for field, value in case.items():
        if isinstance(value, str) and not value.isprintable():
            yield CaseFault(row, short(field), short(value), hidden_fault())
    case = {name: told for name, told in case.items() if not isinstance(told, str) or told.isprintable()}
    for field, explain in (
        ("cell_code", explain_cell_code),
        ("class_code", explain_event_code),
        ("component_code", explain_component_code),
        ("camera_code", explain_camera_code),
    ):
        value = case.get(field)
        if isinstance(value, str):
            for problem in explain(value):
                yield CaseFault(row, field, short(value), problem)
    number, cell = case.get("number"), case.get("cell_code")
    if isinstance(number, str) and isinstance(cell, str) and number[:6] != cell[:6]:
        other = InputError(
            "The case's county {county} is not that of its cell.",
            "Send cases of one county.",
            county=number[:6],
        )
        yield CaseFault(row, "cell_code", short(cell), other)
    yield from _time_faults(row, case, now)


def _time_faults(row: int, case: Mapping[str, Any], now: dt.datetime) -> Iterator[CaseFault]:
    times: dict[str, dt.datetime] = {}
    for field in ("reported_at", "closed_at"):
        value = case.get(field)
        if isinstance(value, str):
            try:
                moment = dt.datetime.fromisoformat(value)
                if moment.tzinfo is None:
                    continue  # the schema has told it
                times[field] = moment.astimezone(dt.UTC)
            except (ValueError, OverflowError):
                none = InputError("There is no such time.", "Write it as 2026-01-31T08:00:00+08:00.")
                yield CaseFault(row, field, short(value), none)
    for field, moment in times.items():
        if not EARLIEST <= moment <= now + AHEAD:
            never = InputError(
                "This time is not between {earliest} and now.", "Correct it.", earliest=f"{EARLIEST:%Y-%m-%d}"
            )
            yield CaseFault(row, field, short(case[field]), never)
    reported, closed = times.get("reported_at"), times.get("closed_at")
    if reported and closed and closed < reported:
        before = InputError("It was closed before it was reported.", "Correct one of the two times.")
        yield CaseFault(row, "closed_at", short(case["closed_at"]), before)
    if (case.get("stage") == "closed") != (case.get("closed_at") is not None):
        unlike = InputError(
            "Stage and closed_at do not agree.", "A case in stage closed has closed_at, any other has none."
        )
        yield CaseFault(row, "closed_at", short(case.get("closed_at")), unlike)
