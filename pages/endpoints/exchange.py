"""Cases between platforms: the schema, what changed since, and packages that come in whole or not at all."""

from __future__ import annotations

import asyncio
import datetime as dt
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from geodata.commands.case_exchange import WrongPackage, note_given, take_package
from geodata.ingest.case_exchange import MOST_CASES, NAME, SCHEMA, read_package
from geodata.queries.case_exchange import PAGE_SQL, cursor_after, exchanged, place_of_cursor
from geodata.queries.serving import TileStore
from layers.i18n import translate
from pages.endpoints.described import described, parameter
from pages.endpoints.guard import Guard, body_of
from pages.endpoints.problems import BadQuery, BadRequest, problem, reader_language, tells_problems

__all__ = ["Exchange"]

MOST_BYTES = 4 * 1024 * 1024
MOST_TOLD = 200
"""Faults that an answer names."""
TAKEN = {
    "type": "object",
    "required": ["created", "changed", "unchanged"],
    "properties": {name: {"type": "integer"} for name in ("created", "changed", "unchanged")},
}


class Exchange:
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
        "JSON Schema (2020-12) of a package of cases", {200: {"application/schema+json": {"type": "object"}}}
    )
    async def schema(self, _request: Request) -> Response:
        """`case.schema.json`."""
        return JSONResponse(SCHEMA, media_type="application/schema+json")

    @described(
        "Cases in the order in which they changed",
        {200: {"application/json": {"$ref": "#/components/schemas/CasePackage"}}},
        parameter("since", "only what changed after this moment; ISO 8601"),
        parameter("cursor", "`next` of the package before"),
        parameter("limit", "1 to 1,000", {"type": "integer", "minimum": 1, "maximum": MOST_CASES}),
        scope="exchange",
    )
    @tells_problems
    async def give(self, request: Request) -> Response:
        """`cases`, GET."""
        client = await self._guard.admit(request, "exchange")
        assert client is not None
        most = _limit(request)
        cursor = request.query_params.get("cursor")
        changed_at, number = place_of_cursor(cursor) if cursor else (_since(request), 0)
        rows = await self._store.rows(PAGE_SQL, {"changed_at": changed_at, "id": number, "most": most})
        package = {
            "schema": NAME,
            "sent_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "next": cursor_after(rows[-1]) if len(rows) == most else None,
            "cases": [exchanged(row) for row in rows],
        }
        await asyncio.to_thread(note_given, client, len(rows), cursor)
        return JSONResponse(package, headers={"Cache-Control": "no-store"})

    @described(
        "Send a package of cases: all of it is taken in, or nothing; the same case again changes nothing",
        {200: {"application/json": TAKEN}},
        body={"application/json": {"$ref": "#/components/schemas/CasePackage"}},
        scope="exchange",
    )
    @tells_problems
    async def take(self, request: Request) -> Response:
        """`cases`, POST."""
        client = await self._guard.admit(request, "exchange")
        assert client is not None
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise BadRequest("The body is '{kind}'.", "Send application/json.", kind=kind or "-")
        package = read_package(await body_of(request, MOST_BYTES))
        try:
            taken = await asyncio.to_thread(take_package, package, client, dt.datetime.now(dt.UTC))
        except WrongPackage as error:
            language = reader_language(request)
            rows = [
                {
                    "row": fault.row,
                    "field": fault.field,
                    "value": fault.value,
                    "reason": translate(fault.why.message, language, **fault.why.facts),
                    "mend": translate(fault.why.mend, language, **fault.why.facts),
                }
                for fault in error.faults[:MOST_TOLD]
            ]
            return problem(error, request, {"rows": rows})
        return JSONResponse(vars(taken))


def _limit(request: Request) -> int:
    value = request.query_params.get("limit", str(MOST_CASES))
    if not re.fullmatch("[0-9]{1,4}", value) or not 1 <= int(value) <= MOST_CASES:
        raise BadQuery(
            "{name} = '{value}' cannot be.",
            "Write a whole number from 1 to {most}.",
            name="limit",
            value=value,
            most=MOST_CASES,
        )
    return int(value)


def _since(request: Request) -> dt.datetime:
    value = request.query_params.get("since")
    if not value:
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    try:
        moment = dt.datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise BadQuery(
            "{name} = '{value}' is not a time.",
            "Write it as ISO 8601, such as 2026-01-31T08:00:00Z.",
            name="since",
            value=value,
        ) from None
