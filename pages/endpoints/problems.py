"""Errors as problem+json (RFC 9457): one table from error class to HTTP status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from analysis.errors import HuiyanError, InputError
from geodata.errors import ClusterError, DatabaseUnavailable, MissingAsset, NotFound
from geodata.queries.tiles import BadTileAddress
from layers.i18n import explain, pick_language

__all__ = ["BadQuery", "problem", "tells_problems"]


class BadQuery(InputError):
    """A query parameter cannot be read."""


STATUS: tuple[tuple[type[HuiyanError], int], ...] = (
    (NotFound, 404),
    (BadTileAddress, 422),
    (InputError, 422),
    (DatabaseUnavailable, 503),
    (ClusterError, 503),
    (MissingAsset, 503),
    (HuiyanError, 500),
)


def problem(error: HuiyanError, request: Request) -> Response:
    """The error as problem+json, in the language that the browser asks for."""
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    language = pick_language(request.query_params.get("lang"), request.headers.get("accept-language"))
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": explain(error, language),
        "instance": request.url.path,
    }
    headers = {"Retry-After": "2"} if status == 503 else None
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


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
