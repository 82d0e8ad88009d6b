"""Errors as problem+json (RFC 9457): one table from error class to HTTP status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from analysis.errors import HuiyanError, InputError
from geodata.errors import ClusterError, DatabaseUnavailable, IngestError, MissingAsset, NotFound
from geodata.queries.tiles import BadTileAddress
from layers.i18n import explain, pick_language

__all__ = [
    "BadQuery",
    "BadRequest",
    "Forbidden",
    "TooFast",
    "TooLarge",
    "Unauthorised",
    "headers_of",
    "problem",
    "reader_language",
    "status_of",
    "tells_problems",
]


class BadQuery(InputError):
    """A query parameter cannot be read."""


class BadRequest(InputError):
    """A request that cannot be understood."""


class Unauthorised(HuiyanError):
    """A token is missing, unknown or revoked."""


class Forbidden(HuiyanError):
    """The client may come in, but not do this."""


class TooFast(HuiyanError):
    """More requests than the client may make; the fact `seconds` says how long to wait."""


class TooLarge(InputError):
    """A body is larger than what is read."""


STATUS: tuple[tuple[type[HuiyanError], int], ...] = (
    (NotFound, 404),
    (BadTileAddress, 422),
    (Unauthorised, 401),
    (Forbidden, 403),
    (TooFast, 429),
    (TooLarge, 413),
    (BadRequest, 400),
    (InputError, 422),
    (IngestError, 422),
    (DatabaseUnavailable, 503),
    (ClusterError, 503),
    (MissingAsset, 503),
    (HuiyanError, 500),
)


def problem(error: HuiyanError, request: Request, more: Mapping[str, object] | None = None) -> Response:
    """The error as problem+json, in the language that the browser asks for, with further members."""
    status = status_of(error)
    language = reader_language(request)
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": explain(error, language),
        "instance": request.url.path,
        **(more or {}),
    }
    return JSONResponse(body, status, headers=headers_of(error), media_type="application/problem+json")


def status_of(error: HuiyanError) -> int:
    """HTTP status of an error."""
    return next(code for kind, code in STATUS if isinstance(error, kind))


def headers_of(error: HuiyanError) -> dict[str, str]:
    """Headers that an answer about `error` bears: when to come again, how to say who one is."""
    match status_of(error):
        case 503:
            return {"Retry-After": "2"}
        case 429:
            return {"Retry-After": str(error.facts["seconds"])}
        case 401:
            return {"WWW-Authenticate": "Bearer"}
    return {}


def reader_language(request: Request) -> str:
    """The language that the request asks for."""
    return pick_language(request.query_params.get("lang"), request.headers.get("accept-language"))


def tells_problems(
    endpoint: Callable[..., Awaitable[Response]],
) -> Callable[..., Awaitable[Response]]:
    """An endpoint whose errors become problem+json; anything that is not ours passes to the server's log."""

    @wraps(endpoint)
    async def wrapped(*args: object) -> Response:
        try:
            return await endpoint(*args)
        except HuiyanError as error:
            request = args[-1]
            assert isinstance(request, Request)
            return problem(error, request)

    return wrapped
