"""The endpoints themselves."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from geodata.errors import NotFound
from geodata.queries.health import COUNT_SQL
from geodata.queries.heat import heat_sql
from geodata.queries.serving import TileStore, tag
from geodata.video.narrowing import narrowed
from layers.catalogue import layer
from pages.endpoints.asking import read_filters
from pages.endpoints.described import described, parameter
from pages.endpoints.problems import BadQuery, tells_problems

__all__ = ["Endpoints"]

MVT = "application/vnd.mapbox-vector-tile"
NARROWEST_PX, WIDEST_PX = 80, 4096
LIVE_S = 5.0
"""A tile of what changes without a new revision is believed so long."""
PICTURES = {
    "sample": "SELECT picture FROM sample WHERE id = %(id)s",
    "finding": "SELECT evidence FROM finding WHERE id = %(id)s",
    **{
        role: f"SELECT picture FROM finding_frame WHERE finding_id = %(id)s AND role = '{role}'"  # noqa: S608
        for role in ("before", "after", "recheck")
    },
}
"""Kind of picture → its query; before, after and recheck are frames of a finding."""
WHOLE = {"type": "integer", "minimum": 0, "maximum": 2**31}
LAYER = parameter("layer", "id of a layer", where="path", example="cameras")
ADDRESS = {"z": "zoom", "x": "column", "y": "row"}
FILTERS = (
    parameter("since", "ISO 8601"),
    parameter("until", "ISO 8601"),
    parameter("class", "event class"),
    parameter("source", "of the violation"),
    parameter("grouping", "of cameras"),
    parameter("area", "code of a county, street or community"),
)


class Endpoints:
    """
    All endpoints of a web process.

    Parameters
    ----------
    tiles
        Answers for tiles and rows.
    """

    def __init__(self, tiles: TileStore) -> None:
        self.tiles = tiles

    @described(
        "A vector tile of a layer",
        {200: {MVT: {}}, 304: {}},
        LAYER,
        *(parameter(name, about, WHOLE, where="path") for name, about in ADDRESS.items()),
        *FILTERS,
    )
    @tells_problems
    async def tile(self, request: Request) -> Response:
        """`/tiles/{layer}/{z}/{x}/{y}.pbf`: 200, 304 if known, 404 for a layer, 422 for an address."""
        chosen = layer(request.path_params["layer"])
        address = (_integer(request, "z"), _integer(request, "x"), _integer(request, "y"))
        filters = read_filters(request)
        if "moment" in chosen.tile.filters:
            filters["moment"] = str(int(time.time() // LIVE_S))
        found = await self.tiles.tile(
            chosen.id,
            chosen.tile,
            chosen.datasets,
            address,
            filters,
            request.headers.get("if-none-match"),
            packed="gzip" in request.headers.get("accept-encoding", ""),
        )
        headers = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if found is None:
            return Response(status_code=304, headers=headers)
        headers |= {"ETag": found.etag, **({"Content-Encoding": "gzip"} if found.packed else {})}
        return Response(found.body, media_type=MVT, headers=headers)

    @described("Town, revision and number of rows", {200: {"application/json": {"type": "object"}}})
    @tells_problems
    async def health(self, request: Request) -> Response:
        """`/health`: is the database there, which town, which revision, how many rows."""
        tiles = self.tiles
        rows = dict(await tiles.rows(COUNT_SQL))
        named = {**rows, "cells": rows["unit_cell"], "buildings": rows["building"], "cameras": rows["camera"]}
        named |= {
            "camera_views": rows["camera_view"],
            "pipes": rows["pipe"],
            "violations": rows["violation"],
            "samples": rows["sample"],
            "detections": rows["detection"],
        }
        body = {
            "status": "ok" if rows["unit_cell"] else "empty",
            "town": await tiles.town(),
            "revision": await tiles.revision(),
            "rows": dict(sorted(named.items())),
        }
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    @described("Places of a layer of points: lon, lat, n", {200: {"text/csv": {}}, 304: {}}, LAYER, *FILTERS)
    @tells_problems
    async def heat(self, request: Request) -> Response:
        """`/heat/{layer}.csv`: lon, lat, n for a heat map."""
        chosen = layer(request.path_params["layer"])
        if chosen.tile.shape != "point":
            raise BadQuery(
                "Layer '{name}' has no points, so it has no heat map.", "Choose violations.", name=chosen.id
            )
        filters = read_filters(request)
        revision = await self.tiles.revision(chosen.datasets)
        etag = tag(chosen.id, revision, sorted(filters.items()))
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304)
        rows = await self.tiles.rows(heat_sql(chosen.tile, filters), filters)
        body = "lon,lat,n\n" + "".join(f"{lon},{lat},{n}\n" for lon, lat, n in rows)
        return Response(body, media_type="text/csv", headers={"ETag": etag, "Cache-Control": "no-cache"})

    @described(
        "A sampled frame or evidence, heads and plates blurred",
        {200: {"image/jpeg": {}}, 304: {}},
        parameter("kind", "of picture", {"type": "string", "enum": list(PICTURES)}, where="path"),
        parameter("id", "number of the sample or finding", WHOLE, where="path"),
        parameter("width", "pixels", {"type": "integer", "minimum": NARROWEST_PX, "maximum": WIDEST_PX}),
    )
    @tells_problems
    async def picture(self, request: Request) -> Response:
        """
        `/pictures/{kind}/{id}.jpg`: a sampled frame, the evidence of a finding, or its frames; faces blurred.

        `?width=` asks for one no wider than that.
        """
        sql = PICTURES.get(request.path_params["kind"])
        if sql is None:
            raise BadQuery(
                "There are no pictures of '{kind}'.",
                "Choose sample or finding, or before, after or recheck of a finding.",
                kind=request.path_params["kind"],
            )
        rows = await self.tiles.rows(sql, {"id": _integer(request, "id")})
        if not rows or rows[0][0] is None:
            raise NotFound(
                "There is no such picture.", "Pictures are kept of the newest looks and of findings only."
            )
        body = bytes(rows[0][0])
        if "width" in request.query_params:
            body = await asyncio.to_thread(narrowed, body, _width(request))
        etag = tag(body)
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="image/jpeg", headers=headers)


def _integer(request: Request, name: str) -> int:
    value = request.path_params[name]
    if not value.isdecimal() or len(value) > 18:
        raise BadQuery(
            "{name} = '{value}' is not a whole number.", "Write digits only.", name=name, value=value
        )
    return int(value)


def _width(request: Request) -> int:
    """Pixels that a picture is to be wide at the most."""
    value = request.query_params["width"]
    if not value.isdecimal() or not NARROWEST_PX <= int(value[:6]) <= WIDEST_PX:
        raise BadQuery(
            "width = '{value}' is not a width of a picture.",
            "Write a whole number from {least} to {most}, in pixels.",
            value=value,
            least=NARROWEST_PX,
            most=WIDEST_PX,
        )
    return int(value)
