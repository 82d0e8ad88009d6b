"""Which address leads where, and what lives as long as the web process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from analysis.errors import HuiyanError
from geodata import database
from geodata.errors import NotFound
from geodata.queries.datasets import GROUND
from geodata.queries.serving import TileStore
from geodata.settings import settings
from pages.endpoints.exchange import Exchange
from pages.endpoints.exports import Exports
from pages.endpoints.guard import Guard
from pages.endpoints.machine import Endpoints
from pages.endpoints.ogc import OgcDoor
from pages.endpoints.open311 import Open311
from pages.endpoints.openapi import openapi_endpoint
from pages.endpoints.problems import problem
from pages.endpoints.wall import Wall

__all__ = ["Door"]

log = logging.getLogger(__name__)
LOOK_EVERY_S = 5.0
"""How often the web process asks whether the town has changed."""


class Door:
    """The web process's endpoints and what lives as long as it does."""

    def __init__(self) -> None:
        self.tiles = TileStore(None, max_bytes=settings().tile_max_bytes)
        self.guard = Guard(self.tiles)
        self.ogc = OgcDoor(self.tiles, self.guard)

    @asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[None]:
        """Keeps the server's log to what settings ask for, and closes the connections when the process ends."""
        for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
            logging.getLogger(name).setLevel(settings().log_level)
        watching = asyncio.create_task(self._keep_ground())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self.ogc.close()
            await self.tiles.close()
            database.dispose()

    async def _keep_ground(self) -> None:
        """Has the town read at the start, and again after each change to it, before somebody asks for it."""
        last = 0
        while True:
            try:
                revision = await self.tiles.revision(GROUND)
                if revision not in (0, last):
                    await asyncio.wrap_future(_in_thread_that_ends_with_us(_warm, revision))
                last = revision
            except HuiyanError as error:
                log.info("The town cannot be read ahead: %s", error)
            await asyncio.sleep(LOOK_EVERY_S)

    def routes(self) -> list[BaseRoute]:
        """Everything beside the screens."""
        machine = Endpoints(self.tiles)
        open311 = Open311(self.tiles, self.guard)
        exchange = Exchange(self.tiles, self.guard)
        wall = Wall(settings())
        return [
            Mount(
                "/api",
                routes=[
                    Route("/health", machine.health),
                    Route("/tiles/{layer}/{z}/{x}/{y}.pbf", machine.tile),
                    Route("/heat/{layer}.csv", machine.heat),
                    *Exports(self.tiles).routes(),
                    Route("/pictures/{kind}/{id}.jpg", machine.picture),
                    Route("/open311/v2/services.{form}", open311.services),
                    Route("/open311/v2/services/{code}.{form}", open311.service),
                    Route("/open311/v2/requests.{form}", open311.requests, methods=["GET"]),
                    Route("/open311/v2/requests.{form}", open311.report, methods=["POST"]),
                    Route("/open311/v2/requests/{id}.{form}", open311.one),
                    Route("/open311/v2/tokens/{id}.{form}", open311.token),
                    Route("/exchange/v1/case.schema.json", exchange.schema),
                    Route("/exchange/v1/cases", exchange.give, methods=["GET"]),
                    Route("/exchange/v1/cases", exchange.take, methods=["POST"]),
                    Route("/openapi.json", openapi_endpoint(self.routes)),
                    Route("/ogc", self.ogc),
                    Mount("/ogc", self.ogc),
                    Route("/wall/{page}.json", wall.figures),
                    Route("/{rest:path}", _nowhere),
                ],
                middleware=_other_pages(settings().cors_origins),
            ),
            Route("/big-screen", wall.screen),
            Route("/big-screen/files/{name}", wall.file),
            Mount("/assets", Assets(directory=settings().assets_dir, check_dir=False)),
        ]


class Assets(StaticFiles):
    """What set-up brought for browsers; where it brought nothing, nothing is found."""

    async def check_config(self) -> None:
        """The folder may come later."""


def _other_pages(origins: str | None) -> list[Middleware]:
    """Lets pages of other origins ask, if settings name any."""
    named = [each.strip() for each in (origins or "").split(",") if each.strip()]
    if not named:
        return []
    headers = ["Authorization", "Content-Type"]
    return [
        Middleware(CORSMiddleware, allow_origins=named, allow_methods=["GET", "POST"], allow_headers=headers)
    ]


def _in_thread_that_ends_with_us(work: Callable[[int], None], given: int) -> Future[None]:
    """Does long work; unlike a pool's, its thread does not keep a process that is to end."""
    done: Future[None] = Future()

    def do() -> None:
        try:
            work(given)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            done.set_exception(error)
        else:
            done.set_result(None)

    done.set_running_or_notify_cancel()
    threading.Thread(target=do, name="reading ahead", daemon=True).start()
    return done


def _warm(revision: int) -> None:
    from pages import cached  # noqa: PLC0415 - heavy: the first address answers sooner without it

    cached.warm(revision)


async def _nowhere(request: Request) -> Response:
    """An address under /api that leads nowhere is told as problem+json, not as a page."""
    path = request.url.path
    return problem(NotFound("There is nothing at {path}.", "See /api/health.", path=path), request)
