"""Who comes in at the open door: tokens, what they allow, and how fast."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request

from geodata.queries.clients import CLIENT_SQL, Client, client_of, digest_of
from geodata.queries.serving import TileStore
from geodata.settings import settings
from pages.endpoints.problems import BadRequest, Forbidden, TooFast, TooLarge, Unauthorised

__all__ = ["Buckets", "Guard", "body_of"]

REMEMBERED = 10_000
"""Clients and addresses whose pace is remembered; those that came least recently are forgotten."""
LONGEST_TOKEN = 200


class Buckets:
    """
    A token bucket for each client: a minute's worth of requests at once, and then as they trickle in.

    Parameters
    ----------
    clock
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str, per_minute: int) -> float:
        """Takes one request; returns 0.0, or after how many seconds there is one again (and takes none)."""
        now = self._clock()
        left, since = self._kept.pop(who, (float(per_minute), now))
        left = min(float(per_minute), left + (now - since) * per_minute / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / per_minute
        self._kept[who] = (left if wait else left - 1, now)
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        return wait


class Guard:
    """
    Lets requests in at the open door, or raises what keeps them out.

    A token is looked up for every request, so one that is revoked is worthless at once.

    Parameters
    ----------
    store
        Answers rows of the database.
    """

    def __init__(self, store: TileStore) -> None:
        self._store = store
        self._buckets = Buckets()

    async def admit(self, request: Request, scope: str, token: str | None = None) -> Client | None:
        """
        The client, or None for somebody who reads without a token.

        Parameters
        ----------
        request
            Whose header Authorization holds the token.
        scope
            What it wants to do.
        token
            One that came in the body, as Open311 allows it; the header goes before it.

        Raises
        ------
        Unauthorised
            If a token is needed and missing, or is unknown or revoked.
        Forbidden
            If the door is closed, or the token does not allow `scope`.
        TooFast
            If the client, or the address, asks more often than it may.
        DatabaseUnavailable
            If nobody can say whose token it is.
        """
        chosen = settings()
        if chosen.open_door == "closed":
            raise Forbidden("The open door is closed.", "TWIN_OPEN_DOOR opens it.")
        client = await self._client(request, token)
        if client is None:
            if scope != "read" or chosen.open_door == "tokens":
                raise Unauthorised(
                    "A token is needed here.",
                    "Send it as Authorization: Bearer; huiyan client add makes one.",
                )
            address = request.client.host if request.client else "unknown"
            self._pace(f"address {address}", chosen.anonymous_per_minute)
            return None
        self._pace(f"client {client.id}", client.per_minute)
        if scope not in client.scopes:
            raise Forbidden(
                "The token of {name} does not allow {scope}.",
                "Ask for one that does: huiyan client add NAME --scopes {scope}.",
                name=client.name,
                scope=scope,
            )
        return client

    async def _client(self, request: Request, sent: str | None) -> Client | None:
        given = request.headers.get("authorization") or (f"Bearer {sent}" if sent else None)
        if given is None:
            return None
        kind, _, token = given.partition(" ")
        token = token.strip()
        found = None
        if kind.lower() == "bearer" and 0 < len(token) <= LONGEST_TOKEN:
            digest = digest_of(token)
            found = client_of(await self._store.rows(CLIENT_SQL, {"digest": digest}), digest)
        if found is None:
            # wrong tokens are paced too, or guessing would cost nothing
            address = request.client.host if request.client else "unknown"
            self._pace(f"address {address}", settings().anonymous_per_minute)
            raise Unauthorised(
                "This token is not known, or it has been revoked.",
                "Ask whoever runs this twin for another one.",
            )
        return found

    def _pace(self, who: str, per_minute: int) -> None:
        wait = self._buckets.take(who, per_minute)
        if wait > 0:
            raise TooFast(
                "More than {most} requests came within a minute.",
                "Wait {seconds} s.",
                most=per_minute,
                seconds=math.ceil(wait),
            )


async def body_of(request: Request, most: int) -> bytes:
    """
    The body of a request, read no further than `most` bytes.

    Raises
    ------
    TooLarge
        If it is longer.
    BadRequest
        If the client went away before its end.
    """
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise TooLarge("The body has more than {most:,} bytes.", "Send less at once.", most=most)
            parts.append(part)
    except ClientDisconnect as error:
        raise BadRequest("The body ended too early.", "Send it again.") from error
    return b"".join(parts)
