"""What people take home: `/export/{layer}.{suffix}` with the filters of the map, and `/report.zip` of a view."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from analysis.errors import InputError
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
RUN: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}


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
        town = await self.tiles.town()
        stream = made.stream(parcel)
        # asked before the answer begins, so that what is wrong is told with its status
        if suffix in WHOLE_FIRST:
            async with self._making:
                first = await asyncio.to_thread(next, stream, b"")
        else:
            first = await asyncio.to_thread(next, stream, b"")
        parts = [town or "empty", chosen.id, str(filters.get("area", ""))]
        file = "-".join(part for part in parts if part)
        headers = {"Content-Disposition": f'attachment; filename="{file}.{suffix}"'}
        if suffix == "csv":
            headers["Link"] = _described(chosen.id, request)
        return StreamingResponse(_joined(first, stream), media_type=made.media_type, headers=headers)

    @described(
        "The report of a view, or of a kept run: layers, brief and manifest, zipped",
        {200: {"application/zip": {}}},
        parameter("run", "number of a kept run: its report, without any part of a view", RUN),
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
        The report of a view, or of a kept run, as a zip: layers, brief and manifest, in the reader's language.

        The query is that of a shared link, or `run`; what of it cannot be read is refused, since nobody would see that
        it was left out. A run that is not there is 404; of a run that is older than the data the report says so.
        """
        query = request.query_params
        language = pick_language(query.get("lang"), request.headers.get("accept-language"))
        if "run" in query:
            stream = _report_chunks(_run_asked(query), language)
        else:
            read = read_view(query)
            if read.left_out:
                raise read.left_out[0]
            stream = _report_chunks(read.view, language)
        async with self._making:
            first = await asyncio.to_thread(next, stream)
        headers = {"Content-Disposition": f'attachment; filename="{first.decode()}.zip"'}
        return StreamingResponse(stream, media_type="application/zip", headers=headers)


def _run_asked(query: QueryParams) -> int:
    """The number of the run that is asked for; InputError if it is none, or a view is asked for too."""
    from pages.paper.run_report import both_asked  # noqa: PLC0415 - as below

    if others := [name for name in query if name not in ("run", "lang")]:
        raise both_asked(others)
    text = query["run"]
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= RUN["maximum"]):
        raise InputError(
            "run must be the number of a run, but is {run!r}.",
            "Give a whole number from 1 on.",
            run=text[:40],
        )
    return int(text)


def _report_chunks(asked: View | int, language: str) -> Iterator[bytes]:
    """The report's name once it is made, then its zip; its files go with the last chunk."""
    # heavy: fonts and printing wait until somebody asks
    from pages.paper.report import made_report  # noqa: PLC0415
    from pages.paper.run_report import made_run_report  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="huiyan-zip-") as folder:
        pack = Path(folder) / "report.zip"
        making = made_run_report(asked, language) if isinstance(asked, int) else made_report(asked, language)
        with making as report:
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
