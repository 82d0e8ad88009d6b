"""
Open311 GeoReport v2: which services there are, what was requested, and a way to request.

As the standard wants it, every address answers XML and JSON, and a mistake is told as its list of errors.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import re
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any
from xml.etree import ElementTree as Xml

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from analysis.categories import EVENT_MAJORS
from analysis.errors import HuiyanError
from geodata.commands.cases import Reported, report_problem
from geodata.errors import NotFound
from geodata.queries.service_requests import CLOSED, SERVICES_SQL, requests_sql, service_request
from geodata.queries.serving import TileStore
from layers.i18n import N_, explain, translate
from pages.endpoints.described import described, parameter
from pages.endpoints.guard import Guard, body_of
from pages.endpoints.problems import BadRequest, headers_of, reader_language, status_of

__all__ = ["Open311"]

LONGEST_DAYS, MOST_REQUESTS, MOST_IDS = 90, 1000, 100
WIDEST_M = 50_000.0
MOST_BYTES, LONGEST_DESCRIPTION, LONGEST_URL = 16_384, 4000, 500
PERSONAL = ("first_name", "last_name", "phone", "email", "device_id", "account_id")
"""Fields of the standard that tell who somebody is: they are read by nobody and stored nowhere."""
NOTICE = N_(
    "Names, telephone numbers, mail addresses and devices are not kept; what is described is given to nobody."
)
STAGES = ("reported", "registered", "dispatched", "disposed", "verified", "closed", "void")
KNOWN = frozenset(
    [
        *("jurisdiction_id", "service_code", "lat", "long", "address_string", "address_id", "description"),
        *("media_url", "api_key"),
        *PERSONAL,
    ]
)

FORM = parameter("form", "xml or json", {"type": "string", "enum": ["json", "xml"]}, where="path")
TEXT = {"type": "string"}
ERRORS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {"code": {"type": "integer"}, "description": TEXT},
    },
}
REQUEST = {
    "type": "object",
    "required": ["service_request_id", "status", "service_code", "requested_datetime", "lat", "long"],
    "properties": {
        "service_request_id": TEXT,
        "status": {"enum": ["open", "closed"]},
        "status_notes": {"enum": list(STAGES)},
        "service_code": TEXT,
        "requested_datetime": {"type": "string", "format": "date-time"},
        "lat": {"type": "number"},
        "long": {"type": "number"},
    },
}


def _both(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {"application/json": schema, "text/xml": {}}


def _list(schema: Mapping[str, Any]) -> dict[int, dict[str, Mapping[str, Any]]]:
    return {200: _both({"type": "array", "items": schema})}


def tells_errors(
    endpoint: Callable[..., Awaitable[Response]],
) -> Callable[..., Awaitable[Response]]:
    """An endpoint whose errors are told as GeoReport v2 tells them."""

    @wraps(endpoint)
    async def wrapped(self: Open311, request: Request) -> Response:
        try:
            form = request.path_params["form"]
            if form not in ("json", "xml"):
                raise NotFound("There is no form '{form}'.", "Ask for .json or .xml.", form=form)
            return await endpoint(self, request)
        except HuiyanError as error:
            status = 400 if status_of(error) == 422 else status_of(error)
            told = {"code": status, "description": explain(error, reader_language(request))}
            return _answer(request, "errors", "error", [told], status, headers_of(error))

    return wrapped


class Open311:
    """
    The endpoints.

    Parameters
    ----------
    store
        Answers rows of the database.
    guard
        Lets clients in.
    """

    def __init__(self, store: TileStore, guard: Guard) -> None:
        self._store = store
        self._guard = guard

    @described(
        "Services: event classes of GB/T 30428.2",
        _list({"type": "object", "required": ["service_code", "service_name", "metadata", "type"]}),
        FORM,
        scope="read",
    )
    @tells_errors
    async def services(self, request: Request) -> Response:
        """`services.{form}`."""
        await self._guard.admit(request, "read")
        await self._require_jurisdiction(request.query_params)
        language = reader_language(request)
        majors = {each.code: (each.zh, each.en) for each in EVENT_MAJORS}
        rows = [
            {
                "service_code": code,
                "service_name": zh if language == "zh-CN" else en,
                "description": f"{zh} / {en}",
                "metadata": True,
                "type": "realtime",
                "keywords": "",
                "group": majors.get(code[:2], (code[:2], code[:2]))[language != "zh-CN"],
            }
            for code, zh, en in await self._store.rows(SERVICES_SQL)
        ]
        return _answer(request, "services", "service", rows)

    @described(
        "Definition of a service; it says what is done with what people send",
        {200: _both({"type": "object", "required": ["service_code", "attributes"]})},
        parameter("code", "service_code, 2 + 2 digits", where="path", example="05-05"),
        FORM,
        scope="read",
    )
    @tells_errors
    async def service(self, request: Request) -> Response:
        """`services/{code}.{form}`."""
        await self._guard.admit(request, "read")
        await self._require_jurisdiction(request.query_params)
        code = request.path_params["code"]
        if code not in {known for known, _, _ in await self._store.rows(SERVICES_SQL)}:
            raise NotFound("There is no service '{code}'.", "services.json lists them.", code=code)
        notice = {
            "variable": False,
            "code": "notice",
            "datatype": "string",
            "required": False,
            "datatype_description": None,
            "order": 1,
            "description": translate(NOTICE, reader_language(request)),
            "values": [],
        }
        return _answer(
            request, "service_definition", "attribute", {"service_code": code, "attributes": [notice]}
        )

    @described(
        "Service requests: cases, without anything that anybody wrote; the newest first",
        _list(REQUEST),
        FORM,
        parameter(
            "service_request_id", "numbers with commas between them; all other conditions are then ignored"
        ),
        parameter("service_code", "codes with commas between them"),
        parameter("start_date", "requested since; ISO 8601, 90 days before the end if not given"),
        parameter("end_date", "requested until, at most 90 days after start_date"),
        parameter("status", "open, closed, or both with a comma"),
        parameter("lat", "with long and radius: only near this place, degrees", {"type": "number"}),
        parameter("long", "degrees", {"type": "number"}),
        parameter("radius", "metres, up to 50,000", {"type": "number"}),
        parameter("page", "from 1", {"type": "integer", "minimum": 1, "maximum": 1000}),
        parameter("page_size", "1 to 1,000", {"type": "integer", "minimum": 1, "maximum": 1000}),
        scope="read",
    )
    @tells_errors
    async def requests(self, request: Request) -> Response:
        """`requests.{form}`, GET."""
        await self._guard.admit(request, "read")
        await self._require_jurisdiction(request.query_params)
        chosen = _conditions(request.query_params)
        rows = await self._store.rows(requests_sql(chosen), chosen)
        return _answer(request, "service_requests", "request", [_named(request, row) for row in rows])

    @described(
        "One service request",
        _list(REQUEST),
        parameter("id", "service_request_id", where="path"),
        FORM,
        scope="read",
    )
    @tells_errors
    async def one(self, request: Request) -> Response:
        """`requests/{id}.{form}`."""
        await self._guard.admit(request, "read")
        await self._require_jurisdiction(request.query_params)
        rows = await self._rows_of(request.path_params["id"])
        return _answer(request, "service_requests", "request", [_named(request, row) for row in rows])

    @described(
        "The number of a service request from its token, which is the same here",
        _list({"type": "object", "required": ["service_request_id", "token"]}),
        parameter("id", "token", where="path"),
        FORM,
        scope="read",
    )
    @tells_errors
    async def token(self, request: Request) -> Response:
        """`tokens/{id}.{form}`."""
        await self._guard.admit(request, "read")
        [row, *_] = await self._rows_of(request.path_params["id"])
        told = {"service_request_id": row[0], "token": row[0]}
        return _answer(request, "service_requests", "request", [told])

    @described(
        "Report a problem; nothing of the person who does is kept",
        {201: _both({"type": "array", "items": {"type": "object", "required": ["service_request_id"]}})},
        FORM,
        body={
            "application/x-www-form-urlencoded": {
                "type": "object",
                "required": ["service_code"],
                "properties": {
                    "service_code": TEXT,
                    "lat": {"type": "number", "minimum": -90, "maximum": 90},
                    "long": {"type": "number", "minimum": -180, "maximum": 180},
                    "address_id": TEXT,
                    "description": {"type": "string", "maxLength": LONGEST_DESCRIPTION},
                    "media_url": TEXT,
                },
            }
        },
        scope="report",
    )
    @tells_errors
    async def report(self, request: Request) -> Response:
        """`requests.{form}`, POST."""
        sent = _fields(request, await body_of(request, MOST_BYTES))
        client = await self._guard.admit(request, "report", sent.get("api_key"))
        assert client is not None
        await self._require_jurisdiction(sent)
        number = await asyncio.to_thread(report_problem, _reported(sent), client)
        told = {
            "service_request_id": number,
            "service_notice": translate(NOTICE, reader_language(request)),
            "account_id": None,
        }
        return _answer(request, "service_requests", "request", [told], 201)

    async def _rows_of(self, number: str) -> list[tuple[Any, ...]]:
        """The row of a request; NotFound if there is none."""
        chosen = {"ids": [number], "most": 1, "skip": 0}
        rows = [] if "\0" in number else await self._store.rows(requests_sql(chosen), chosen)
        if not rows:
            raise NotFound(
                "There is no service request '{number}'.", "requests.json lists the newest.", number=number
            )
        return rows

    async def _require_jurisdiction(self, sent: Mapping[str, str]) -> None:
        """The jurisdiction, if one is named, is the loaded town."""
        named = sent.get("jurisdiction_id")
        if named:
            town = await self._store.town()
            if named != town:
                raise NotFound(
                    "There is no jurisdiction '{name}'.",
                    "Leave jurisdiction_id out, or write {known}.",
                    name=named,
                    known=town or "-",
                )


def _named(request: Request, row: tuple[Any, ...]) -> dict[str, Any]:
    """A request whose words are in the reader's language."""
    told = service_request(row)
    language = reader_language(request)
    told["service_name"] = told["service_name"][language]
    if told["extended_attributes"]["simulated"]:
        told["service_notice"] = translate(N_("simulated"), language)
    return told


def _conditions(sent: Mapping[str, str]) -> dict[str, Any]:
    """Conditions of the query, checked."""
    for name, value in sent.items():
        if "\0" in value:
            raise BadRequest("{name} holds a NUL character.", "Write text.", name=name)
    size = _whole(sent, "page_size", MOST_REQUESTS, MOST_REQUESTS)
    paged = {"most": size, "skip": size * (_whole(sent, "page", 1, 1000) - 1)}
    if sent.get("service_request_id"):
        ids = sent["service_request_id"].split(",")
        if len(ids) > MOST_IDS:
            raise BadRequest(
                "service_request_id names {number} requests.",
                "Ask for {most}.",
                number=len(ids),
                most=MOST_IDS,
            )
        return {**paged, "ids": ids}
    until, since = _moment(sent, "end_date"), _moment(sent, "start_date")
    span = dt.timedelta(days=LONGEST_DAYS)
    now = dt.datetime.now(dt.UTC)
    until = until or (min(since + span, now) if since else now)
    since = since or until - span
    if not since <= until <= since + span:
        raise BadRequest(
            "start_date and end_date are not {days} days or less from each other.",
            "Ask for one such period after the other.",
            days=LONGEST_DAYS,
        )
    status = {each.strip() for each in sent.get("status", "open,closed").split(",")}
    if not status <= {"open", "closed"}:
        raise BadRequest("status = '{value}' is none.", "Write open or closed.", value=sent["status"])
    stages = [each for each in STAGES if ("closed" if each in CLOSED else "open") in status]
    chosen = {**paged, "since": since, "until": until, "stages": stages}
    if sent.get("service_code"):
        chosen["classes"] = sent["service_code"].split(",")
    near = [name for name in ("lat", "long", "radius") if name in sent]
    if near:
        chosen |= {
            "lat": _number(sent, "lat", -90, 90),
            "lon": _number(sent, "long", -180, 180),
            "radius_m": _number(sent, "radius", 0, WIDEST_M),
        }
    return chosen


def _moment(sent: Mapping[str, str], name: str) -> dt.datetime | None:
    value = sent.get(name)
    if not value:
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return (
            moment.astimezone(dt.UTC) + dt.timedelta(0)
            if 1900 < moment.year < 9000
            else _no_time(name, value)
        )
    except (ValueError, OverflowError):
        return _no_time(name, value)


def _no_time(name: str, value: str) -> dt.datetime:
    raise BadRequest(
        "{name} = '{value}' is not a time.",
        "Write it as ISO 8601, such as 2026-01-31T08:00:00Z.",
        name=name,
        value=value,
    )


def _whole(sent: Mapping[str, str], name: str, otherwise: int, most: int) -> int:
    value = sent.get(name)
    if value is None:
        return otherwise
    if not re.fullmatch("[0-9]{1,6}", value) or not 1 <= int(value) <= most:
        raise BadRequest(
            "{name} = '{value}' cannot be.",
            "Write a whole number from 1 to {most}.",
            name=name,
            value=value,
            most=most,
        )
    return int(value)


def _number(sent: Mapping[str, str], name: str, least: float, most: float) -> float:
    value = sent.get(name)
    try:
        number = float(value or "")
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise BadRequest(
            "{name} = '{value}' is not a number from {least} to {most}.",
            "Send lat and long in degrees (WGS 84), radius in metres.",
            name=name,
            value=value or "",
            least=least,
            most=most,
        )
    return number


def _fields(request: Request, body: bytes) -> dict[str, str]:
    """What a form says."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadRequest("The body is '{kind}'.", "Send application/x-www-form-urlencoded.", kind=kind or "-")
    try:
        pairs = urllib.parse.parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50
        )
    except ValueError as error:
        raise BadRequest("The form cannot be read.", "Write UTF-8, percent-encoded.") from error
    sent = dict(pairs)
    for name, value in pairs:
        if "\0" in name + value:
            raise BadRequest("The form holds a NUL character.", "Write text.")
        if name not in KNOWN and not name.startswith("attribute["):
            raise BadRequest(
                "'{name}' is no field of a service request.",
                "Known are: {known}.",
                name=name,
                known=", ".join(sorted(KNOWN)),
            )
    return sent


def _reported(sent: Mapping[str, str]) -> Reported:
    """The request, checked; what tells who somebody is goes no further than here."""
    if not sent.get("service_code"):
        raise BadRequest("service_code is missing.", "services.json lists them.")
    description, media = sent.get("description") or None, sent.get("media_url") or None
    if description and len(description) > LONGEST_DESCRIPTION:
        raise BadRequest(
            "The description is too long.", "Say it in {most} characters.", most=LONGEST_DESCRIPTION
        )
    if media and (len(media) > LONGEST_URL or not re.fullmatch(r"https?://[^\s<>\"']+", media)):
        raise BadRequest(
            "media_url is no address of a picture.",
            "Write https://…, at most {most} characters.",
            most=LONGEST_URL,
        )
    if sent.get("address_id"):
        return Reported(sent["service_code"], None, None, sent["address_id"], description, media)
    if "lat" not in sent or "long" not in sent:
        raise BadRequest(
            "The place is missing.",
            "Send lat and long, or address_id, the code of a street point; addresses in words are not looked up.",
        )
    lat, lon = _number(sent, "lat", -90, 90), _number(sent, "long", -180, 180)
    return Reported(sent["service_code"], lon, lat, None, description, media)


def _answer(
    request: Request,
    root: str,
    item: str,
    told: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Rows, or one object, as XML or JSON."""
    kept = {"Cache-Control": "no-store", **(headers or {})}
    if request.path_params["form"] == "xml":
        body = Xml.tostring(_element(root, item, told), encoding="utf-8", xml_declaration=True)
        return Response(body, status, kept, "text/xml")
    return JSONResponse(told, status, kept)


def _element(name: str, item: str, value: Any) -> Xml.Element:
    """A value as an XML element; items of a list are called `item`."""
    made = Xml.Element(name)
    match value:
        case dict():
            made.extend(_element(key, item, each) for key, each in value.items())
        case list():
            made.extend(_element(item, item, each) for each in value)
        case bool():
            made.text = str(value).lower()
        case None:
            pass
        case _:
            made.text = re.sub(
                r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", str(value)
            )
    return made
