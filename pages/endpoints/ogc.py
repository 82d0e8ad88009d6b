"""The door to OGC API – Features and Tiles: who may come in, and an application that is made at the first request."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from analysis.errors import HuiyanError
from geodata.queries.serving import TileStore
from geodata.settings import settings
from pages.endpoints.described import Described
from pages.endpoints.guard import Guard
from pages.endpoints.problems import BadQuery, problem

if TYPE_CHECKING:
    from pages.endpoints.ogc_app import OgcApp

__all__ = ["OgcDoor"]

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 5.0
"""How far collections reach is read anew so often at the most, after data have changed."""


class OgcDoor:
    """
    An ASGI application for everything under `/api/ogc`.

    Parameters
    ----------
    store
        Tells revisions, and whose token it is.
    guard
        Lets clients in.
    """

    described = Described(
        "OGC API – Features and Tiles; it describes itself at /api/ogc/api",
        {200: {"application/json": {"type": "object", "required": ["links"]}}},
        scope="read",
    )

    def __init__(self, store: TileStore, guard: Guard) -> None:
        self._store = store
        self._guard = guard
        self._inner: OgcApp | None = None
        self._opening = asyncio.Lock()
        self._revision = -1
        self._looked_at = -math.inf
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            await self._guard.admit(request, "read")
            _require_data(request)
            inner = await self._opened()
        except HuiyanError as error:
            await problem(error, request)(scope, receive, send)
            return
        await inner.app(_inside(scope), receive, send)

    async def close(self) -> None:
        """Lets go of the connections."""
        if self._looking is not None:
            self._looking.cancel()
        if self._inner is not None:
            await self._inner.close()
            self._inner = None

    async def _opened(self) -> OgcApp:
        revision = await self._store.revision()
        if self._inner is None:
            async with self._opening:
                if self._inner is None:
                    made = await asyncio.to_thread(_make)
                    await made.open()
                    self._inner, self._revision, self._looked_at = made, revision, time.monotonic()
        elif revision != self._revision and time.monotonic() - self._looked_at > LOOK_AGAIN_S:
            self._revision, self._looked_at = revision, time.monotonic()
            self._looking = asyncio.create_task(self._look(self._inner))
        return self._inner

    async def _look(self, inner: OgcApp) -> None:
        try:
            await inner.look()
        except Exception as error:  # noqa: BLE001 - the collections stay as they were, and are looked at again
            self._revision = -1
            log.info("Collections cannot be looked at: %s", error)


def _make() -> OgcApp:
    from pages.endpoints.ogc_app import OgcApp  # noqa: PLC0415 - heavy: screens open sooner without it

    return OgcApp(None, pipes=settings().open_pipes)


def _require_data(request: Request) -> None:
    """No pages for people here, and no area that is not a number."""
    if request.query_params.get("f") == "html":
        raise BadQuery("There are no HTML pages here.", "Ask for f=json or f=geojson.")
    for name, value in request.query_params.multi_items():
        if "\0" in name + value:
            raise BadQuery("{name} holds a NUL character.", "Write text.", name=name.replace("\0", ""))
    for value in request.query_params.get("bbox", "").split(","):
        if value.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
            raise BadQuery(
                "bbox holds something that is no number.", "Write west,south,east,north in degrees."
            )


def _inside(scope: Scope) -> Scope:
    """The scope as an application that stands at /api/ogc sees it."""
    path = scope["path"]
    root = scope["root_path"]
    if not root.endswith("/ogc"):  # asked without the slash at the end
        root, path = path, f"{path}/"
    headers = [
        (name, value if name != b"accept" or b"html" not in value else b"*/*")
        for name, value in scope["headers"]
    ]
    kept = {name: value for name, value in scope.items() if name not in ("router", "endpoint", "path_params")}
    return {**kept, "path": path, "root_path": root, "app_root_path": root, "headers": headers}
