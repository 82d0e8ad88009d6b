"""Tiles and data addresses for the web process: an asynchronous pool, revisions, and a small memory of recent tiles."""

from __future__ import annotations

import asyncio
import hashlib
import time
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from geodata import database
from geodata.errors import DatabaseUnavailable
from geodata.queries.datasets import TOWN_SQL
from geodata.queries.tiles import TileSource, applied, check_address, tile_sql

__all__ = ["Tile", "TileStore", "tag"]

REVISIONS_FRESH_S = 1.0
"""How long a revision is believed without asking again."""
MEMORY_BYTES = 64 * 1024 * 1024
CONNECT_WAIT_S = 5.0
PACK_LEVEL = 4
"""Of gzip: six times as fast as the highest, which makes tiles smaller by 2 %."""
PACK_FROM_BYTES = 500
"""Smaller ones gain nothing."""
GZIP_FRAME = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Tile:
    """
    A tile's bytes and the tag by which a browser knows whether it has them already.

    Attributes
    ----------
    packed
        The bytes are compressed with gzip.
    """

    body: bytes
    etag: str
    packed: bool = False


def tag(*parts: object) -> str:
    """An entity tag for an answer made of `parts`: the same in every process."""
    return f'"{hashlib.blake2b(repr(parts).encode(), digest_size=10).hexdigest()}"'


class TileStore:
    """
    Answers for tiles, from memory or from PostGIS.

    One for each web process; open it in the application's lifespan.

    Parameters
    ----------
    url
        Address of the database; None: the one that settings name.
    max_bytes
        A tile larger than this falls back to its coarse form.
    size
        Connections at the most.
    remember
        Keep recent tiles in memory until their revision changes.
    """

    def __init__(self, url: str | None, *, max_bytes: int, size: int = 8, remember: bool = True) -> None:
        self._url = url
        self._max_bytes = max_bytes
        self._size = size
        self._pool: AsyncConnectionPool | None = None
        self._opening = asyncio.Lock()
        self._memory: OrderedDict[tuple[Any, ...], Tile] = OrderedDict()
        self._memory_bytes = 0
        self._remember = remember
        self._revisions: dict[str, int] = {}
        self._revisions_at = -1e9

    async def _opened(self) -> AsyncConnectionPool:
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    url = self._url or await asyncio.to_thread(database.database_url)
                    pool = AsyncConnectionPool(
                        database.psycopg_url(url),
                        min_size=1,
                        max_size=self._size,
                        open=False,
                        timeout=CONNECT_WAIT_S,
                        reconnect_timeout=CONNECT_WAIT_S,
                        configure=_configure,
                        kwargs={"autocommit": True, "connect_timeout": 5},
                    )
                    await pool.open()
                    self._pool = pool
        return self._pool

    async def close(self) -> None:
        """Closes the pool."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """
        Rows of a reading query.

        A connection that died with the database's restart is replaced and the query asked once more.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer.
        """
        pool = await self._opened()
        for last in (False, True):
            try:
                async with pool.connection() as conn:
                    cursor = await conn.execute(sql, parameters or {}, prepare=True)
                    return await cursor.fetchall()
            except psycopg.errors.UndefinedTable as error:
                raise DatabaseUnavailable(
                    "The database has no tables yet.", "Run huiyan up, which makes and fills them."
                ) from error
            except (PoolTimeout, psycopg.OperationalError) as error:
                if last or isinstance(error, PoolTimeout):
                    raise DatabaseUnavailable(
                        "The database does not answer ({reason}).",
                        "Start it (huiyan up) or correct TWIN_DATABASE_URL, then try again.",
                        reason=str(error).strip().splitlines()[0],
                    ) from error
                await pool.check()
        raise AssertionError("unreachable")

    async def town(self) -> str | None:
        """Name of the loaded town; None while the database is empty."""
        return next((name for (name,) in await self.rows(TOWN_SQL)), None)

    async def revision(self, datasets: Sequence[str] = ()) -> int:
        """The newest revision among `datasets` (all of them, if none is named); 0 where nothing is loaded."""
        if time.monotonic() - self._revisions_at > REVISIONS_FRESH_S:
            self._revisions = dict(await self.rows("SELECT name, revision FROM dataset"))
            self._revisions_at = time.monotonic()
        chosen = datasets or self._revisions
        return max((self._revisions.get(name, 0) for name in chosen), default=0)

    async def tile(
        self,
        layer: str,
        source: TileSource,
        datasets: Sequence[str],
        address: tuple[int, int, int],
        filters: Mapping[str, Any],
        known: str | None = None,
        *,
        packed: bool = False,
    ) -> Tile | None:
        """
        One tile, or None if the browser's `known` tag is still true.

        Parameters
        ----------
        layer
            Name of the layer inside the tile.
        source
            What the tile is made of.
        datasets
            Whose revision tags the tile.
        address
            Zoom, column, row.
        filters
            Values for the source's filters.
        known
            The tag the browser sent.
        packed
            Whoever asked takes gzip; small tiles come as they are all the same.

        Raises
        ------
        BadTileAddress
            If there is no such tile.
        """
        z, x, y = address
        check_address(z, x, y)
        used = tuple(sorted((name, str(value)) for name, value in applied(source, filters).items()))
        key = (layer, z, x, y, await self.revision(datasets), used, packed)
        etag = tag(*key)
        if known == etag:
            return None
        found = self._memory.get(key)
        if found is None:
            body = await self._make(layer, source, address, filters)
            packed = packed and len(body) >= PACK_FROM_BYTES
            if packed:
                body = await asyncio.to_thread(zlib.compress, body, PACK_LEVEL, GZIP_FRAME)
            found = Tile(body, etag, packed)
            self._keep(key, found)
        else:
            self._memory.move_to_end(key)
        return found

    async def _make(
        self, layer: str, source: TileSource, address: tuple[int, int, int], filters: Mapping[str, Any]
    ) -> bytes:
        z, x, y = address
        if z < source.min_zoom:
            return b""
        parameters = {**filters, "z": z, "x": x, "y": y, "layer": layer}
        [(body,)] = await self.rows(tile_sql(source, z, filters), parameters)
        if len(body) > self._max_bytes and z >= source.coarse_below:
            [(body,)] = await self.rows(tile_sql(source, z, filters, coarse=True), parameters)
        return bytes(body)

    def _keep(self, key: tuple[Any, ...], made: Tile) -> None:
        if not self._remember:
            return
        self._memory[key] = made
        self._memory_bytes += _weight(key, made)
        while self._memory_bytes > MEMORY_BYTES:
            self._memory_bytes -= _weight(*self._memory.popitem(last=False))


def _weight(key: tuple[Any, ...], made: Tile) -> int:
    """Bytes that a tile takes with its key, whose filters are as long as strangers write them."""
    *_, filters, _packed = key
    return len(made.body) + 200 + sum(4 * len(value) for _, value in filters)


async def _configure(conn: psycopg.AsyncConnection[Any]) -> None:
    await conn.execute(f"SET search_path TO {database.SEARCH_PATH}")
    await conn.execute("SET timezone TO 'UTC'")
    await conn.execute("SET default_transaction_read_only TO on")
