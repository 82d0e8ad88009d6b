"""Cases as Open311 GeoReport v2 tells them: service requests, without anything that anybody wrote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

__all__ = ["SERVICES_SQL", "requests_sql", "service_request"]

SERVICES_SQL = "SELECT code, name_zh, name_en FROM event_class ORDER BY code"

CLOSED = ("closed", "void")
"""Stages after which nothing more happens."""

CONDITIONS = {
    "ids": "t.number = ANY (%(ids)s)",
    "since": "t.reported_at >= %(since)s",
    "until": "t.reported_at <= %(until)s",
    "classes": "t.class_code = ANY (%(classes)s)",
    "stages": "t.stage = ANY (%(stages)s)",
    "radius_m": (
        "t.geom && ST_Expand(ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4490),"
        " %(radius_m)s / (111000 * greatest(cos(radians(%(lat)s)), 0.01)), %(radius_m)s / 110000)"
        " AND ST_DWithin(t.geom::geography,"
        " ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4490)::geography, %(radius_m)s)"
    ),
}


def requests_sql(chosen: Mapping[str, Any]) -> str:
    """The query for the conditions that `chosen` has values for, beside `most` and `skip`; the newest first."""
    where = " AND ".join(sql for name, sql in CONDITIONS.items() if chosen.get(name) is not None) or "true"
    return (
        "SELECT t.number, t.class_code, e.name_zh, e.name_en, t.stage, t.reported_at, t.changed_at, a.code,"  # noqa: S608 - ours
        " c.code, ST_X(ST_Transform(t.geom, 4326)), ST_Y(ST_Transform(t.geom, 4326)), t.simulated"
        " FROM case_file t LEFT JOIN event_class e ON e.code = t.class_code"
        " LEFT JOIN address_point a ON a.id = t.address_point_id LEFT JOIN unit_cell c ON c.id = t.cell_id"
        f" WHERE {where} ORDER BY t.reported_at DESC, t.id DESC LIMIT %(most)s OFFSET %(skip)s"
    )


def service_request(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row of that query as GeoReport v2 names its parts; the name of the service in both languages."""
    number, code, zh, en, stage, reported, changed, address, cell, lon, lat, simulated = row
    return {
        "service_request_id": number,
        "status": "closed" if stage in CLOSED else "open",
        "status_notes": stage,
        "service_name": {"zh-CN": zh or code, "en": en or code},
        "service_code": code,
        "description": None,
        "agency_responsible": None,
        "service_notice": None,
        "requested_datetime": _time(reported),
        "updated_datetime": _time(changed),
        "expected_datetime": None,
        "address": None,
        "address_id": address,
        "zipcode": None,
        "lat": round(lat, 7),
        "long": round(lon, 7),
        "media_url": None,
        "extended_attributes": {"cell_code": cell, "simulated": simulated},
    }


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
