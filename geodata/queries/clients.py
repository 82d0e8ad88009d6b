"""Clients of the open door: what a token is, and whose it is."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

__all__ = ["CLIENT_SQL", "SCOPES", "Client", "client_of", "client_rows", "digest_of"]

SCOPES = ("read", "report", "exchange")
"""What a client may do: read what is public, report problems, exchange cases."""

CLIENT_SQL = (
    "SELECT id, name, scopes, per_minute, token_sha256 FROM api_client"
    " WHERE token_sha256 = %(digest)s AND revoked_at IS NULL"
)
"""The client with a token that has not been revoked."""


@dataclass(frozen=True)
class Client:
    """A program that came in with a token."""

    id: int
    name: str
    scopes: frozenset[str]
    per_minute: int


def digest_of(token: str) -> str:
    """SHA-256 of a token, hexadecimal: all that is kept of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def client_of(rows: Sequence[tuple[Any, ...]], digest: str) -> Client | None:
    """The client in the rows of `CLIENT_SQL`, compared once more in constant time; None if there is none."""
    for number, name, scopes, per_minute, kept in rows:
        if hmac.compare_digest(kept, digest):
            return Client(number, name, frozenset(scopes), per_minute)
    return None


def client_rows(conn: Connection) -> Sequence[Row[Any]]:
    """Rows (name, scopes, per_minute, created_at, revoked_at) of all clients, the newest last."""
    return conn.execute(
        text("SELECT name, scopes, per_minute, created_at, revoked_at FROM api_client ORDER BY id")
    ).all()
