"""Which address leads where, and what lives as long as the web process."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from geodata import database
from geodata.errors import NotFound
from geodata.queries.serving import TileStore
from geodata.settings import settings
from pages.endpoints.machine import Endpoints
from pages.endpoints.problems import problem

__all__ = ["Door"]


class Door:
    """The web process's endpoints and what lives as long as it does."""

    def __init__(self) -> None:
        self.tiles = TileStore(None, max_bytes=settings().tile_max_bytes)

    @asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[None]:
        """Keeps the server's log to what settings ask for, and closes the connections when the process ends."""
        for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
            logging.getLogger(name).setLevel(settings().log_level)
        try:
            yield
        finally:
            await self.tiles.close()
            database.dispose()

    def routes(self) -> list[BaseRoute]:
        """Everything beside the screens."""
        machine = Endpoints(self.tiles)
        return [
            Mount(
                "/api",
                routes=[
                    Route("/health", machine.health),
                    Route("/tiles/{layer}/{z}/{x}/{y}.pbf", machine.tile),
                    Route("/heat/{layer}.csv", machine.heat),
                    Route("/export/{layer}.geojson", machine.download),
                    Route("/pictures/{kind}/{id}.jpg", machine.picture),
                    Route("/{rest:path}", _nowhere),
                ],
            ),
            Mount("/assets", StaticFiles(directory=settings().assets_dir, check_dir=False)),
        ]


async def _nowhere(request: Request) -> Response:
    """An address under /api that leads nowhere is told as problem+json, not as a page."""
    path = request.url.path
    return problem(NotFound("There is nothing at {path}.", "See /api/health.", path=path), request)
