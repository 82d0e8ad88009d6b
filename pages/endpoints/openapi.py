"""The OpenAPI document, made of the routes and of what stands beside each endpoint: it cannot drift from them."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from geodata.ingest.case_exchange import SCHEMA
from pages.endpoints.described import Described, described

__all__ = ["openapi_document", "openapi_endpoint", "operations"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    },
}
MISTAKES = {
    "400": "The request cannot be understood",
    "404": "There is no such thing",
    "422": "A parameter or value cannot be",
    "503": "The database does not answer",
}
KEPT_OUT = {
    "401": "A token is needed, or it is not known",
    "403": "The token does not allow this, or the door is closed",
    "413": "The body is too large",
    "429": "Too many requests; Retry-After says when to come again",
}
ERRORS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {"code": {"type": "integer"}, "description": {"type": "string"}},
    },
}


def operations(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str, Described | None]]:
    """Path, method and description of every route under /api but the one that catches the rest."""
    for mount in routes:
        if isinstance(mount, Mount) and mount.path == "/api":
            for route in mount.routes or []:
                if isinstance(route, Route) and "{rest:path}" not in route.path:
                    for method in sorted(route.methods or {"GET"}):
                        if method in METHODS:
                            yield f"/api{route.path}", method, getattr(route.endpoint, "described", None)


def openapi_document(routes: Iterable[BaseRoute], server: str = "/") -> dict[str, Any]:
    """OpenAPI 3.1 of every endpoint of ours; OGC API describes itself under `/api/ogc/api`."""
    paths: dict[str, dict[str, Any]] = {}
    for path, method, told in operations(routes):
        if told is not None:
            paths.setdefault(path, {})[method.lower()] = _operation(path, method, told)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Huiyan",
            "version": "1",
            "description": "Tiles, downloads, Open311 GeoReport v2 and case exchange. OGC API: /api/ogc/api.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "externalDocs": {"url": "/api/ogc/api", "description": "OGC API – Features and Tiles"},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Problem": PROBLEM, "Errors": ERRORS, "CasePackage": _inlined(SCHEMA)},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without addresses of its own, and without the tuple, which some readers of OpenAPI mistake."""
    whole = copy.deepcopy(schema)
    [case] = whole.pop("$defs").values()
    pair = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    case["properties"]["place"]["properties"]["coordinates"] = pair
    whole["properties"]["cases"]["items"] = case
    return {name: value for name, value in whole.items() if name not in ("$schema", "$id")}


def _operation(path: str, method: str, told: Described) -> dict[str, Any]:
    open311 = path.startswith("/api/open311/")
    wrong = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if open311:
        wrong = {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}, "text/xml": {}}
    answers = {
        str(status): {
            "description": told.summary,
            **(
                {"content": {kind: {"schema": dict(schema)} for kind, schema in content.items()}}
                if content
                else {}
            ),
        }
        for status, content in told.answers.items()
    }
    mistakes = MISTAKES if told.scope is None else MISTAKES | KEPT_OUT
    answers |= {status: {"description": why, "content": wrong} for status, why in mistakes.items()}
    operation: dict[str, Any] = {
        "summary": told.summary,
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_"),
        # one endpoint may stand at several paths
        "parameters": [dict(p) for p in told.parameters if p["in"] != "path" or f"{{{p['name']}}}" in path],
        "responses": answers,
    }
    if told.body:
        operation["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": dict(schema)} for kind, schema in told.body.items()},
        }
    if told.scope is not None:
        operation["security"] = [{"token": []}] if told.scope != "read" else [{}, {"token": []}]
        operation["x-scope"] = told.scope
    return operation


def openapi_endpoint(routes: Callable[[], Iterable[BaseRoute]]) -> Callable[[Request], Any]:
    """The endpoint that answers the document of `routes`, made once."""
    made: dict[str, Any] = {}

    @described("This document", {200: {"application/json": {"type": "object"}}})
    async def document(_request: Request) -> Response:
        if not made:
            made.update(openapi_document(routes()))
        return JSONResponse(made)

    return document
