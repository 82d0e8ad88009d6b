"""What people take home: `/export/{layer}.{suffix}` with the filters of the map, and `/report.zip` of a view."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from geodata.export.columnar import chunks_of
from geodata.export.formats import FORMATS, export_format
from geodata.export.parcel import Parcel, choose
from geodata.queries.serving import TileStore
from geodata.queries.tiles import read_box
from layers.catalogue import layer
from layers.i18n import pick_language
from layers.view import View, read_view
from pages.endpoints.asking import read_filters
from pages.endpoints.described import described, parameter
from pages.endpoints.problems import tells_problems
from pages.paper.folder import write_zip

__all__ = ["Exports"]

MADE_AT_ONCE = 2
"""Files that must be whole before their first byte leaves, such as GeoPackages: so many are made at a time."""
WHOLE_FIRST = ("gpkg", "fgb")


class Exports:
    """
    The addresses of files.

    Parameters
    ----------
    tiles
        Answers for rows.
    """

    def __init__(self, tiles: TileStore) -> None:
        self.tiles = tiles
        self._making = asyncio.Semaphore(MADE_AT_ONCE)

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [Route("/export/{layer}.{suffix}", self.download), Route("/report.zip", self.report)]

    @described(
        "A layer as a file: the rows that the map shows under the same filters",
        {200: {each.media_type: {} for each in FORMATS.values()}},
        parameter("layer", "id of a layer", where="path", example="cameras"),
        parameter("suffix", "form of the file", {"type": "string", "enum": list(FORMATS)}, where="path"),
        *(
            parameter(name, "as for tiles")
            for name in ("since", "until", "class", "source", "grouping", "area")
        ),
        parameter("bbox", "west,south,east,north in degrees"),
        parameter("shown", "1: only what the map draws", {"type": "string", "enum": ["0", "1"]}),
    )
    @tells_problems
    async def download(self, request: Request) -> Response:
        """
        A layer as GeoJSON, GeoParquet, GeoPackage, FlatGeobuf or CSV, streamed.

        `since`, `until`, `class`, `source`, `grouping` and `area` choose rows as they do for tiles, `bbox` those that
        meet a box; `shown` leaves out what the map does not draw.
        """
        # a suffix may have a dot, the id of a layer has none
        whole = "{layer}.{suffix}".format(**request.path_params)
        name, _, suffix = whole.partition(".")
        chosen = layer(name)
        made = export_format(suffix)
        filters = read_filters(request)
        if box := request.query_params.get("bbox"):
            filters |= read_box(box)
        shown = request.query_params.get("shown", "") not in ("", "0", "false")
        parcel = Parcel(
            chosen.id,
            chosen.title,
            chosen.method,
            chosen.export,
            chosen.datasets,
            choose(chosen.tile, filters, shown=shown),
        )
        towns = await self.tiles.rows("SELECT town FROM dataset ORDER BY revision DESC LIMIT 1")
        stream = made.stream(parcel)
        # asked before the answer begins, so that what is wrong is told with its status
        if suffix in WHOLE_FIRST:
            async with self._making:
                first = await asyncio.to_thread(next, stream, b"")
        else:
            first = await asyncio.to_thread(next, stream, b"")
        parts = [towns[0][0] if towns else "empty", chosen.id, str(filters.get("area", ""))]
        file = "-".join(part for part in parts if part)
        headers = {"Content-Disposition": f'attachment; filename="{file}.{suffix}"'}
        if suffix == "csv":
            headers["Link"] = _described(chosen.id, request)
        return StreamingResponse(_joined(first, stream), media_type=made.media_type, headers=headers)

    @described(
        "The report of a view: layers, brief and manifest, zipped",
        {200: {"application/zip": {}}},
        *(
            parameter(name, "as in a shared link")
            for name in (
                "layers",
                "measure",
                "area",
                "since",
                "until",
                "class",
                "source",
                "grouping",
                "centre",
            )
        ),
        *(parameter(name, "of the camera, as in a shared link") for name in ("zoom", "pitch", "bearing")),
        parameter("lang", "zh-CN or en"),
    )
    @tells_problems
    async def report(self, request: Request) -> Response:
        """
        The report of a view as a zip: layers, brief and manifest, in the reader's language.

        The query is that of a shared link; what of it cannot be read is refused, since nobody would see that it was
        left out.
        """
        read = read_view(request.query_params)
        if read.left_out:
            raise read.left_out[0]
        language = pick_language(request.query_params.get("lang"), request.headers.get("accept-language"))
        stream = _report_chunks(read.view, language)
        async with self._making:
            first = await asyncio.to_thread(next, stream)
        headers = {"Content-Disposition": f'attachment; filename="{first.decode()}.zip"'}
        return StreamingResponse(stream, media_type="application/zip", headers=headers)


def _report_chunks(view: View, language: str) -> Iterator[bytes]:
    """The report's name once it is made, then its zip; its files go with the last chunk."""
    from pages.paper.report import made_report  # noqa: PLC0415 - heavy: fonts and printing wait until somebody asks

    with tempfile.TemporaryDirectory(prefix="huiyan-zip-") as folder:
        pack = Path(folder) / "report.zip"
        with made_report(view, language) as report:
            write_zip(pack, report.files)
            name = report.name
        yield name.encode()
        yield from chunks_of(pack)


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _described(name: str, request: Request) -> str:
    """Where a CSV's sources are told."""
    query = urlencode(request.query_params.multi_items())
    address = f"/api/export/{name}.csv-metadata.json{'?' if query else ''}{query}"
    return f'<{address}>; rel="describedby"; type="application/csvm+json"'
