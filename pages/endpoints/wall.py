"""The wall's addresses: its page, the files it is made of, and its figures."""

from __future__ import annotations

import asyncio
import hashlib
import json
from html import escape
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from geodata.errors import NotFound, SettingsError
from geodata.queries.wall import PAGES
from geodata.settings import Settings
from layers.i18n import N_, pick_language, translate
from layers.ramps import css
from layers.view import View
from layers.wall import GROUND
from pages.endpoints.described import described, parameter
from pages.endpoints.problems import tells_problems
from pages.wall.answering import Answers
from pages.wall.telling import TITLES

__all__ = ["Wall", "chosen_pages"]

FILES = Path(__file__).parent.parent / "wall" / "static"
KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
VIEWED = ("layers", "measure", "area", "since", "until", "centre", "zoom", "class", "source", "show")
"""Any of these in the address says that it carries a view."""


def chosen_pages(text: str) -> tuple[str, ...]:
    """
    Pages in the order of the setting, each once.

    Raises
    ------
    SettingsError
        If there is no such page, or none is named.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in PAGES]
    if unknown or not names:
        raise SettingsError(
            "TWIN_WALL_PAGES names '{name}', which is no page of the wall.",
            "Choose from: {names}.",
            name=", ".join(unknown),
            names=", ".join(PAGES),
        )
    return names


class Wall:
    """
    The wall's endpoints; one for each web process.

    Parameters
    ----------
    chosen
        Settings: pages, dwell, refresh, city.
    answers
        Figures; None: of the database.
    """

    def __init__(self, chosen: Settings, answers: Answers | None = None) -> None:
        self._chosen = chosen
        self._answers = answers or Answers(chosen)
        self._files = {
            path.name: path.read_bytes() for path in sorted(FILES.iterdir()) if path.suffix in KINDS
        }
        whole = b"".join(name.encode() + body for name, body in self._files.items())
        self._build = hashlib.blake2b(whole, digest_size=6).hexdigest()

    @tells_problems
    async def screen(self, request: Request) -> Response:
        """`/big-screen`: the page; needs no database."""
        language = pick_language(request.query_params.get("lang"), request.headers.get("accept-language"))
        pages = chosen_pages(self._chosen.wall_pages)
        config = {
            "build": self._build,
            "language": language,
            "pages": [{"id": name, "title": translate(TITLES[name], language)} for name in pages],
            "dwellS": self._chosen.wall_dwell_s,
            "refreshS": self._chosen.wall_refresh_s,
            "ground": GROUND,
            "viewed": any(name in request.query_params for name in VIEWED),
            "words": _words(language),
        }
        body = PAGE.format(
            language=language,
            title=escape(self._chosen.wall_city or "Huiyan 慧眼"),
            build=self._build,
            ground=css(GROUND),
            config=json.dumps(config, ensure_ascii=False).replace("<", "\\u003c"),
        )
        return Response(body, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"})

    @tells_problems
    async def file(self, request: Request) -> Response:
        """`/big-screen/files/{name}`: script and style."""
        name = request.path_params["name"]
        if name not in self._files:
            raise NotFound("There is nothing at {path}.", "See /api/health.", path=request.url.path)
        etag = f'"{self._build}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(self._files[name], media_type=KINDS[Path(name).suffix], headers=headers)

    @described(
        "A page of the wall: figures, words and map",
        {
            200: {
                "application/json": {
                    "type": "object",
                    "required": ["page", "takenAt", "ageS", "trouble", "map"],
                }
            }
        },
        parameter("page", "one of " + ", ".join(PAGES), where="path", example="overview"),
        parameter("lang", "zh-CN or en"),
    )
    @tells_problems
    async def figures(self, request: Request) -> Response:
        """
        `/api/wall/{page}.json`: 200 with figures and map; 404 for a page; 503 if there never were any.

        If the database is away the last good figures come, with their age and why there are no newer ones.
        """
        query = dict(request.query_params)
        language = pick_language(query.pop("lang", None), request.headers.get("accept-language"))
        view = View.from_query(query) if any(name in query for name in VIEWED) else None
        answer: dict[str, Any] = await asyncio.to_thread(
            self._answers.answer, request.path_params["page"], language, view
        )
        return JSONResponse(answer | {"build": self._build}, headers={"Cache-Control": "no-store"})


def _words(language: str) -> dict[str, str]:
    """What the browser says by itself."""
    told = {
        "asOf": N_("Figures of {time}"),
        "age": N_("{age} ago"),
        "seconds": N_("{n} s"),
        "minutes": N_("{n} min"),
        "hours": N_("{n} h"),
        "lost": N_("no newer figures"),
        "waiting": N_("Waiting for the first figures"),
        "held": N_("held"),
        "shared": N_("shared view"),
        "noMap": N_("The map cannot be drawn: run make setup, and see that the browser has WebGL."),
    }
    return {name: translate(words, language) for name, words in told.items()}


PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>html {{ background: {ground}; }}</style>
<link rel="stylesheet" href="/big-screen/files/wall.css?v={build}">
<script type="application/json" id="config">{config}</script>
<script src="/assets/deck.min.js" defer></script>
<script type="module" src="/big-screen/files/wall.js?v={build}"></script>
</head>
<body>
<div id="map" aria-hidden="true"></div>
<div id="shade" aria-hidden="true"></div>
<header><h1><span id="city"></span><span id="title"></span></h1><div id="clock"></div></header>
<main><section id="left"></section><section id="right"></section></main>
<div id="scope" role="note"></div>
<div id="legend"></div>
<footer>
<div id="method"></div>
<div id="line"><span id="stamp" role="status"></span><span id="mark"></span><span id="source"></span></div>
<nav id="turns" aria-hidden="true"></nav>
</footer>
</body>
</html>
"""
