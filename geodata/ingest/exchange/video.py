"""
The video of a city for its province: a catalogue of devices in the manner of GB/T 28181, and confirmed leads.

A device has a code, a name, a place, a pose, a state; never the address of a stream, never a password. A lead has a
class, times, a place with its standard deviation, and the SHA-256 of its evidence; the picture itself goes along only
if heads and plates on it are blurred.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from jsonschema import Draft202012Validator

from analysis.codes import (
    explain_camera_code,
    explain_cell_code,
    explain_component_code,
    explain_event_code,
)
from analysis.codes.places import explain_county
from analysis.errors import HuiyanError, InputError
from geodata.ingest.case_exchange import AHEAD, EARLIEST
from geodata.ingest.exchange.manifest import fits
from geodata.ingest.schema_faults import MOST_FAULTS, PackageFault, short

__all__ = [
    "DEVICE",
    "DIRECTIONS",
    "LEAD",
    "PTZ_TYPES",
    "SCHEMA",
    "device_faults",
    "lead_faults",
    "still_fault",
]

DIRECTIONS = {1: 90, 6: 45, 4: 0, 8: 315, 2: 270, 7: 225, 3: 180, 5: 135}
"""DirectionType of GB/T 28181 → degrees clockwise from north: east, north-east, north and so on."""
PTZ_TYPES = {"ptz": 1, "dome": 2, "fixed": 3}
"""Kind of camera → PTZType of GB/T 28181; a panorama has none."""
HALF_DEG = 22.5
METADATA = (b"Exif\0\0", b"http://ns.adobe.com/xap/", b"http://ns.adobe.com/xmp/", b"Photoshop 3.0\0")
"""Begin what a picture says of its making: EXIF, XMP and its extension, IPTC."""
SECRET = re.compile(r"://|[^\s/@]:[^\s/@]{1,128}@|\b(?:passw(?:or)?d|pwd)\b|密码|口令", re.IGNORECASE)
"""What looks like the address of a stream, or like a password; looked for in one pass over texts of any length."""
Schema = dict[str, Any]
_TIME: Schema = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$",
    "description": "RFC 3339 with an offset from UTC",
}


def _maybe(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _number(least: float, most: float, about: str) -> Schema:
    return {"type": "number", "minimum": least, "maximum": most, "description": about}


def _closed(properties: Schema) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


LONGITUDE, LATITUDE = _number(-180, 180, "degrees, EPSG:4490"), _number(-90, 90, "degrees, EPSG:4490")
DEVICE: Schema = _closed(
    {
        "device_id": {"type": "string", "description": "20 digits of GB/T 28181"},
        "component_code": _maybe({"type": "string", "description": "16 digits, class 01-36"}),
        "name": {"type": "string"},
        "civil_code": {"type": "string", "pattern": "^[0-9]{6}$", "description": "county, GB/T 2260"},
        "area_code": _maybe({"type": "string", "pattern": "^[0-9]{12}$", "description": "community"}),
        "cell_code": _maybe({"type": "string", "description": "unit cell, 15 digits"}),
        "longitude": LONGITUDE,
        "latitude": LATITUDE,
        "status": {"enum": ["ON", "OFF"], "description": "GB/T 28181"},
        "state": {"enum": ["online", "offline", "maintenance"]},
        "ptz_type": {"enum": [1, 2, 3, 4, None], "description": "1 dome, 2 half-dome, 3 fixed, 4 remote"},
        "direction_type": {
            "enum": [*sorted(DIRECTIONS), None],
            "description": "1 E, 2 W, 3 S, 4 N, 5 SE, 6 NE, 7 SW, 8 NW; null: it turns",
        },
        "heading_deg": {"type": "number", "minimum": 0, "exclusiveMaximum": 360, "description": "from north"},
        "heading_sd_deg": _number(0, 180, "standard deviation; 0 where surveyed"),
        "tilt_deg": _number(-90, 90, "down from the horizon"),
        "height_m": _number(0, 1000, "above ground"),
        "hfov_deg": _number(0, 360, "horizontal field of view"),
        "range_m": _number(0, 10_000, "to which the picture is used"),
        "resolution_px": {"type": "integer", "minimum": 1, "description": "pixels across the picture"},
        "owner": {"type": "string"},
        "pose_simulated": {"type": "boolean", "description": "heading, tilt and field were not surveyed"},
        "demonstration": {"type": "boolean", "description": "plays recorded footage from another place"},
        "simulated": {"type": "boolean"},
    }
)
LEAD: Schema = _closed(
    {
        "lead": {"type": "integer", "minimum": 1, "description": "number in the sender's register"},
        "device_id": {"type": "string", "description": "camera that saw it; in devices.json"},
        "class_code": {"type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$", "description": "event class"},
        "cell_code": _maybe({"type": "string", "description": "unit cell, 15 digits"}),
        "rule": {"type": "string", "pattern": "^[a-z_]{1,64}$"},
        "rule_version": {"type": "string", "pattern": "^[0-9.]{1,32}$"},
        "first_seen_at": _TIME,
        "last_seen_at": _TIME,
        "confidence": _number(0, 1, "median score"),
        "longitude": _maybe(LONGITUDE),
        "latitude": _maybe(LATITUDE),
        "deviation_m": _maybe(_number(0, 100_000, "of the place, standard")),
        "verdict_at": _maybe({**_TIME, "description": "when a person confirmed it"}),
        "disposed_at": _maybe({**_TIME, "description": "when it was said to be dealt with"}),
        "recheck": {
            "enum": ["solved", "not_solved", "cannot_say", None],
            "description": "second recognition",
        },
        "recheck_at": _maybe(_TIME),
        "evidence_sha256": _maybe({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
        "still": _maybe(
            {"type": "string", "pattern": "^stills/[0-9a-f]{64}[.]jpg$", "description": "in this package"}
        ),
        "demonstration": {"type": "boolean", "description": "recorded footage from another place"},
        "simulated": {"type": "boolean"},
    }
)
DEVICES: Schema = _closed({"devices": {"type": "array"}})
LEADS: Schema = _closed({"leads": {"type": "array"}})
SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:huiyan:exchange:video:1",
    "title": "Files of a video package: devices.json and leads.json, and a row of each",
    "oneOf": [DEVICES, LEADS],
    "$defs": {"device": DEVICE, "lead": LEAD},
}
_DEVICES, _LEADS = Draft202012Validator(DEVICES), Draft202012Validator(LEADS)
_DEVICE, _LEAD = Draft202012Validator(DEVICE), Draft202012Validator(LEAD)
Wrong = tuple[str, Any, HuiyanError]


def device_faults(body: Any) -> tuple[int | None, set[str], list[PackageFault]]:
    """How many devices a file has, their codes, and all that is wrong with it."""
    file = "devices.json"
    found = fits(_DEVICES, body, file, None, "video")
    rows = body.get("devices") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        return None, set(), found
    first: dict[str, int] = {}
    for row, device in enumerate(rows, start=1):
        if len(found) >= MOST_FAULTS:
            break
        wrong, shaped = _shape(_DEVICE, device, file, row)
        found += wrong
        if not shaped:
            continue
        found += [PackageFault(file, row, at, short(value), why) for at, value, why in _device(device)]
        code = device["device_id"]
        if first.setdefault(code, row) != row:
            again = InputError("Row {first} has this code too.", "Send each row once.", first=first[code])
            found.append(PackageFault(file, row, "device_id", short(code), again))
    return len(rows), set(first), found


def lead_faults(
    body: Any, devices: set[str], stills: set[str], now: dt.datetime
) -> tuple[int | None, list[PackageFault]]:
    """
    How many leads a file has, and all that is wrong with it.

    Parameters
    ----------
    body
        Plain values.
    devices
        Codes of the package's devices.
    stills
        Paths of its pictures.
    now
        Aware; nothing happened later.
    """
    file = "leads.json"
    found = fits(_LEADS, body, file, None, "video")
    rows = body.get("leads") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        return None, found
    first: dict[int, int] = {}
    shown: set[str] = set()
    for row, lead in enumerate(rows, start=1):
        if len(found) >= MOST_FAULTS:
            break
        shown |= {lead["still"]} if isinstance(lead, dict) and isinstance(lead.get("still"), str) else set()
        wrong, shaped = _shape(_LEAD, lead, file, row)
        found += wrong
        if not shaped:
            continue
        told = (*_lead(lead, devices, stills), *_times(lead, now))
        found += [PackageFault(file, row, at, short(value), why) for at, value, why in told]
        number = lead["lead"]
        if first.setdefault(number, row) != row:
            again = InputError("Row {first} has this number too.", "Send each row once.", first=first[number])
            found.append(PackageFault(file, row, "lead", str(number), again))
    for path in sorted(stills - shown) if len(found) < MOST_FAULTS else ():
        stray = InputError("No lead names this picture.", "Send only pictures of confirmed leads.")
        found.append(PackageFault(path, None, "", "", stray))
    return len(rows), found


def still_fault(path: str, content: bytes, sha256: str) -> PackageFault | None:
    """What is wrong with a picture: it is no JPEG, bears data about its making, or is not named by its SHA-256."""
    if not (content.startswith(b"\xff\xd8\xff") and content.rstrip(b"\0").endswith(b"\xff\xd9")):
        why = InputError("This is no JPEG.", "Send pictures as JPEG.")
    elif any(mark in content for mark in METADATA):
        why = InputError(
            "This picture bears data of the device that made it.", "Take them out (EXIF, XMP, IPTC)."
        )
    elif path != f"stills/{sha256}.jpg":
        why = InputError("The name is not the picture's SHA-256.", "Name it after its content.")
    else:
        return None
    return PackageFault(path, None, "", "", why)


def _shape(
    validator: Draft202012Validator, row: Any, file: str, number: int
) -> tuple[list[PackageFault], bool]:
    """
    What is wrong with a row, and whether it has the shape that the schema asks for.

    Addresses and passwords are found wherever they stand; their text is not repeated.
    """
    found = fits(validator, row, file, number, "video")
    shaped = not found
    members = row.items() if isinstance(row, dict) else ()
    secret = [short(field) for field, value in members if isinstance(value, str) and SECRET.search(value)]
    if secret:
        found = [replace(each, value="…") if each.field in ("", *secret) else each for each in found]
    for field in secret:
        why = InputError(
            "This looks like the address of a stream or a password.",
            "Take it out: neither is ever exchanged.",
        )
        found.append(PackageFault(file, number, field, "…", why))
    return found, shaped


def _explained(field: str, value: str | None, problems: Iterable[HuiyanError | None]) -> Iterator[Wrong]:
    for problem in problems:
        if problem is not None:
            yield field, value, problem


def _device(told: Mapping[str, Any]) -> Iterator[Wrong]:
    yield from _explained("device_id", told["device_id"], explain_camera_code(told["device_id"]))
    yield from _explained("civil_code", told["civil_code"], [explain_county(told["civil_code"])])
    if (component := told["component_code"]) is not None:
        problems = explain_component_code(component)
        yield from _explained("component_code", component, problems)
        if not problems and component[6:10] != "0136":
            other = InputError("This component is no camera.", "Cameras are of class {known}.", known="01-36")
            yield "component_code", component, other
    if (cell := told["cell_code"]) is not None:
        yield from _explained("cell_code", cell, explain_cell_code(cell))
        if told["area_code"] is not None and cell[:12] != told["area_code"]:
            unlike = InputError(
                "The cell's code does not begin with its community's.", "Correct one of the two."
            )
            yield "area_code", told["area_code"], unlike
    if (told["status"] == "ON") != (told["state"] == "online"):
        unlike = InputError("Status and state do not agree.", "ON is online; all others are OFF.")
        yield "status", told["status"], unlike
    if (direction := told["direction_type"]) is not None:
        apart = abs((told["heading_deg"] - DIRECTIONS[direction] + 180) % 360 - 180)
        if apart > HALF_DEG + 1e-6:
            unlike = InputError(
                "Direction and heading are {apart:.0f}° apart.",
                "Send the nearest of eight directions.",
                apart=apart,
            )
            yield "direction_type", direction, unlike


def _lead(told: Mapping[str, Any], devices: set[str], stills: set[str]) -> Iterator[Wrong]:
    yield from _explained("class_code", told["class_code"], explain_event_code(told["class_code"]))
    if told["device_id"] not in devices:
        unknown = InputError("There is no such device in this package.", "Send it in devices.json.")
        yield "device_id", told["device_id"], unknown
    if (cell := told["cell_code"]) is not None:
        yield from _explained("cell_code", cell, explain_cell_code(cell))
    if (told["longitude"] is None) != (told["latitude"] is None):
        half = InputError("Half of the place is missing.", "Send longitude and latitude, or neither.")
        yield "latitude", told["latitude"], half
    if (told["deviation_m"] is None) != (told["longitude"] is None):
        unlike = InputError("A place comes with its deviation.", "Send both, or neither.")
        yield "deviation_m", told["deviation_m"], unlike
    if (told["recheck"] is None) != (told["recheck_at"] is None):
        unlike = InputError("A second recognition comes with its time.", "Send both, or neither.")
        yield "recheck_at", told["recheck_at"], unlike
    if (still := told["still"]) is not None:
        if still not in stills:
            yield "still", still, InputError("There is no such picture in this package.", "Send it, or null.")
        if still != f"stills/{told['evidence_sha256']}.jpg":
            other = InputError(
                "The picture is not the evidence of this lead.", "Name it after evidence_sha256."
            )
            yield "still", still, other


def _times(told: Mapping[str, Any], now: dt.datetime) -> Iterator[Wrong]:
    times: dict[str, dt.datetime] = {}
    for field in ("first_seen_at", "last_seen_at", "verdict_at", "disposed_at", "recheck_at"):
        if (value := told[field]) is None:
            continue
        try:
            moment = dt.datetime.fromisoformat(value).astimezone(dt.UTC)
        except (ValueError, OverflowError):
            none = InputError("There is no such time.", "Write it as 2026-01-31T08:00:00+08:00.")
            yield field, value, none
            continue
        times[field] = moment
        if not EARLIEST <= moment <= now + AHEAD:
            never = InputError(
                "This time is not between {earliest} and now.", "Correct it.", earliest=f"{EARLIEST:%Y-%m-%d}"
            )
            yield field, value, never
    for field in ("last_seen_at", "verdict_at", "disposed_at", "recheck_at"):
        if field in times and "first_seen_at" in times and times[field] < times["first_seen_at"]:
            before = InputError("This is before it was first seen.", "Correct one of the two times.")
            yield field, told[field], before
