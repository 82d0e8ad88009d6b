"""
OGC API – Features and Tiles over the public views: tipg without its pages for people.

Imported at the first request: it is heavy. tipg answers JSON, GeoJSON, CSV and vector tiles here; its HTML pages would
ask other hosts for scripts.
"""

import re
from typing import Annotated, Any

import asyncpg
import tipg.collections
import tipg.factory
from cql2 import Expr
from fastapi import Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from morecantile import Tile
from morecantile import tms as every_matrix_set
from morecantile.defaults import TileMatrixSets
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from tipg import model
from tipg.collections import Collection, register_collection_catalog
from tipg.database import connection_factory
from tipg.dependencies import CollectionParams, FilterLang, TileParams, filter_query
from tipg.errors import (
    InvalidDatetimeColumnName,
    InvalidGeometryColumnName,
    InvalidPropertyName,
    MissingDatetimeColumn,
    NotFound,
    TiPgError,
)
from tipg.factory import COMMON_CONFORMS, Endpoints
from tipg.resources.enums import MediaType
from tipg.settings import DatabaseSettings

from analysis.errors import HuiyanError
from geodata import errors as ours
from geodata.queries.reader import reader_pool
from pages.endpoints.filters import check_filter, check_length
from pages.endpoints.problems import BadQuery, BadRequest, problem

__all__ = ["OgcApp"]

DEFAULT_FEATURES, MOST_FEATURES, MOST_IN_A_TILE = 100, 10_000, 200_000
DEEPEST_ZOOM = 24
MATRIX_SETS = ("WebMercatorQuad", "WorldCRS84Quad")
PIPES = ["open.pipes"]
HAPPENED = ("reported_at",)
"""Columns that `datetime` asks for, where a collection has several of times."""

tipg.factory.features_settings.default_features_limit = DEFAULT_FEATURES
tipg.factory.features_settings.max_features_per_query = MOST_FEATURES
tipg.collections.features_settings.default_features_limit = DEFAULT_FEATURES
tipg.collections.features_settings.max_features_per_query = MOST_FEATURES
tipg.collections.mvt_settings.max_features_per_tile = MOST_IN_A_TILE
tipg.collections.mvt_settings.set_mvt_layername = True


AWAY = ours.DatabaseUnavailable("The database does not answer.", "Try again in a moment.")
SENTENCES: tuple[tuple[tuple[type[Exception], ...], HuiyanError], ...] = (
    (
        (asyncpg.QueryCanceledError, TimeoutError),
        BadQuery("This takes too long.", "Ask for a smaller area or fewer rows."),
    ),
    (
        (
            asyncpg.PostgresConnectionError,
            asyncpg.OperatorInterventionError,
            asyncpg.InsufficientResourcesError,
            asyncpg.InterfaceError,
            OSError,
        ),
        AWAY,
    ),
    (
        (asyncpg.DataError, asyncpg.SyntaxOrAccessError, asyncpg.InternalServerError),
        BadRequest(
            "The filter or a parameter does not fit the columns that it is about.",
            "The address /queryables of the collection tells which columns there are, and of what type.",
        ),
    ),
    (
        (InvalidPropertyName, InvalidDatetimeColumnName, InvalidGeometryColumnName),
        BadRequest("There is no such column.", "The address /queryables of the collection lists them."),
    ),
    ((MissingDatetimeColumn,), BadRequest("This collection has no times.", "Leave datetime out.")),
    ((NotFound,), ours.NotFound("There is no such item.", "See /api/ogc/collections.")),
    (
        (TiPgError, ValueError, ArithmeticError),
        BadQuery("A parameter cannot be read.", "See /api/ogc/api for what each may be."),
    ),
    ((Exception,), ours.TwinError("Something went wrong here.", "Tell whoever runs this twin.")),
)
"""What went wrong → the sentence about it; the first that fits. asyncpg's own words stay inside."""


class JsonEndpoints(Endpoints):
    """tipg's endpoints with a landing page that leads to no HTML."""

    def _conformance_route(self) -> None:
        kept = [each for each in [*COMMON_CONFORMS, *self.conforms_to] if not each.endswith("/conf/html")]

        @self.router.get("/conformance", response_model=model.Conformance, tags=["OGC Common"])
        def conformance() -> Any:
            """What of the standards is kept."""
            return model.Conformance(conformsTo=kept)

    @property
    def conforms_to(self) -> list[str]:
        """Conformance classes beside those common to all."""
        return [*self.ogc_features.conforms_to, *self.ogc_tiles.conforms_to]

    def _landing_route(self) -> None:
        @self.router.get(
            "/", response_model=model.Landing, response_model_exclude_none=True, tags=["OGC Common"]
        )
        def landing(request: Request) -> Any:
            """Where everything is."""

            def link(title: str, name: str, rel: str, kind: MediaType) -> model.Link:
                return model.Link(title=title, href=self.url_for(request, name), rel=rel, type=kind)

            return model.Landing(
                title=self.title,
                links=[
                    link("Landing Page", "landing", "self", MediaType.json),
                    model.Link(
                        title="the API definition (JSON)",
                        href=str(request.url_for("openapi")),
                        type=MediaType.openapi30_json,
                        rel="service-desc",
                    ),
                    link("Conformance", "conformance", "conformance", MediaType.json),
                    *self.links(request),
                ],
            )

    def __post_init__(self) -> None:
        self.register_routes()
        self._landing_route()
        self._conformance_route()


def our_filter(
    collection: Annotated[Collection, Depends(CollectionParams)],
    query: Annotated[str | None, Query(description="Condition in CQL2", alias="filter")] = None,
    filter_lang: Annotated[
        FilterLang | None, Query(description="cql2-text or cql2-json", alias="filter-lang")
    ] = None,
) -> Expr | None:
    """The condition, of operators and columns that may be asked for."""
    if query is None:
        return None
    check_length(query)
    try:
        tree = Expr(query).to_json()
    except Exception as error:
        at = re.search(r"(\d+):(\d+)", str(error))
        raise BadRequest(
            "The filter is no CQL2; it cannot be read from character {place} on.",
            "Write it as cql2-text or cql2-json, for instance state = 'online'.",
            place=at[2] if at else 1,
        ) from error
    check_filter(tree, {each.name for each in collection.properties})
    return Expr(tree)


def our_tile(z: int, x: int, y: int) -> Tile:
    """A tile that exists."""
    if not 0 <= z <= DEEPEST_ZOOM or not 0 <= x < 2 ** (z + 1) or not 0 <= y < 2**z:
        raise BadQuery(
            "There is no tile {z}/{x}/{y}.", "Zooms are 0 to {most}.", z=z, x=x, y=y, most=DEEPEST_ZOOM
        )
    return Tile(x, y, z)


class OgcApp:
    """
    The application, with its connections once `open` was awaited.

    Parameters
    ----------
    url
        Address of the database; None: the one that settings name.
    pipes
        Offer pipes too.
    """

    def __init__(self, url: str | None, *, pipes: bool) -> None:
        self._url = url
        self._chosen = DatabaseSettings(
            schemas=["open"],
            exclude_tables=None if pipes else PIPES,
            exclude_function_schemas=["open", "public", "extensions", "pg_temp"],
        )
        self.app = FastAPI(
            title="Huiyan",
            version="1",
            openapi_url="/api",
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
        )
        matrix_sets = TileMatrixSets({name: every_matrix_set.get(name) for name in MATRIX_SETS})
        endpoints = JsonEndpoints(title="Huiyan", supported_tms=matrix_sets, with_tiles_viewer=False)
        self.app.include_router(endpoints.router)
        self.app.dependency_overrides = {filter_query: our_filter, TileParams: our_tile}
        described = self.app.openapi
        self.app.openapi = lambda: _without_html(described())  # type: ignore[method-assign]
        for kind, handler in HANDLERS:
            self.app.add_exception_handler(kind, handler)

    async def open(self) -> None:
        """
        Connects and reads which collections there are.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer, or has no public views yet.
        """
        self.app.state.pool = await reader_pool(connection_factory(["open"], "pg_temp"), self._url)
        try:
            await self.look()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            await self.close()
            if isinstance(error, (asyncpg.SyntaxOrAccessError, asyncpg.InvalidSchemaNameError)):
                raise ours.DatabaseUnavailable(
                    "The database has no tables yet.", "Run huiyan up, which makes and fills them."
                ) from error
            raise ours.DatabaseUnavailable(
                "The database does not answer.", "Try again in a moment."
            ) from error

    async def look(self) -> None:
        """Reads anew which collections there are, and how far they reach."""
        await register_collection_catalog(self.app, db_settings=self._chosen)
        async with self.app.state.pool.acquire() as conn:
            told = dict(
                await conn.fetch(
                    "SELECT 'open.' || relname, obj_description(oid, 'pg_class') FROM pg_class"
                    " WHERE relnamespace = 'open'::regnamespace"
                )
            )
        for name, collection in self.app.state.collection_catalog["collections"].items():
            collection.description = told.get(name)
            collection.title = name.removeprefix("open.")
            for column in collection.table_columns:
                if column.name in HAPPENED:
                    collection.datetime_column = column

    async def close(self) -> None:
        """Lets go of the connections."""
        if hasattr(self.app.state, "pool"):
            self.app.state.pool.terminate()


def _without_html(told: Any) -> Any:
    """The OpenAPI document without the pages that are not offered."""
    if isinstance(told, dict):
        if "enum" in told and isinstance(told["enum"], list):
            told["enum"] = [each for each in told["enum"] if each not in ("html", "text/html")]
        told.pop("text/html", None)
        for each in told.values():
            _without_html(each)
    elif isinstance(told, list):
        for each in told:
            _without_html(each)
    return told


def _told(error: Exception) -> HuiyanError:
    """The sentence for whatever went wrong; nothing of the server's own words."""
    if isinstance(error, HuiyanError):
        return error
    return next((told for kinds, told in SENTENCES if isinstance(error, kinds)), SENTENCES[-1][1])


def _answer(request: Request, error: Exception) -> Response:
    return problem(_told(error), request)


def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem(
            ours.NotFound("There is no such collection or address.", "See /api/ogc/collections."), request
        )
    if error.status_code == 405:
        return Response(status_code=405, headers=dict(error.headers or {}))
    return problem(BadQuery("A parameter cannot be read.", "See /api/ogc/api for what each may be."), request)


def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    names = ", ".join(sorted({str(each["loc"][-1]) for each in error.errors()}))
    told = BadQuery(
        "Parameters cannot be read: {names}.", "See /api/ogc/api for what each may be.", names=names
    )
    return problem(told, request)


HANDLERS = (
    (HTTPException, _answer_http),
    (RequestValidationError, _answer_invalid),
    *(
        (kind, _answer)
        for kind in (
            *(HuiyanError, TiPgError, asyncpg.PostgresError, asyncpg.InterfaceError),
            *(OSError, TimeoutError, ValueError, ArithmeticError, Exception),
        )
    ),
)
