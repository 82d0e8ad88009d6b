"""Letting clients in at the open door, and turning them away."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from analysis.errors import InputError
from geodata import database
from geodata.errors import NotFound
from geodata.queries.clients import SCOPES, digest_of

__all__ = ["add_client", "revoke_client"]

NAME = r"[\w][\w .-]{0,63}"
MOST_PER_MINUTE = 1_000_000


def add_client(name: str, scopes: Iterable[str], per_minute: int) -> str:
    """
    Makes a client and returns its token, which is shown this once and kept nowhere.

    Raises
    ------
    InputError
        If the name, a scope or the limit cannot be, or a client of this name has a token already.
    """
    wanted = sorted(set(scopes), key=SCOPES.index) if set(scopes) <= set(SCOPES) else None
    if not wanted:
        raise InputError(
            "'{scopes}' are no scopes of a client.",
            "Choose among {known}, with commas between them.",
            scopes=",".join(scopes),
            known=", ".join(SCOPES),
        )
    if not re.fullmatch(NAME, name):
        raise InputError(
            "'{name}' is no name of a client.",
            "Use up to 64 letters, digits, spaces, dots, hyphens and underscores.",
            name=name,
        )
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        raise InputError(
            "{number} requests a minute cannot be a limit.",
            "Choose 1 to {most}.",
            number=per_minute,
            most=MOST_PER_MINUTE,
        )
    token = f"hy_{secrets.token_urlsafe(32)}"
    try:
        with database.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO api_client (name, token_sha256, scopes, per_minute)"
                    " VALUES (:name, :digest, :scopes, :per_minute)"
                ),
                {"name": name, "digest": digest_of(token), "scopes": wanted, "per_minute": per_minute},
            )
            _note(session, "add", name, {"scopes": wanted, "per_minute": per_minute})
    except IntegrityError as error:
        raise InputError(
            "Client '{name}' has a token already.",
            "Revoke it first: huiyan client revoke {name}.",
            name=name,
        ) from error
    return token


def revoke_client(name: str) -> None:
    """
    Makes a client's token worthless, from its next request on.

    Raises
    ------
    NotFound
        If no client of this name has a token.
    """
    with database.transaction() as session:
        gone = session.execute(
            text(
                "UPDATE api_client SET revoked_at = now() WHERE name = :name AND revoked_at IS NULL RETURNING id"
            ),
            {"name": name},
        ).first()
        if gone is None:
            raise NotFound("No client '{name}' has a token.", "huiyan clients lists them.", name=name)
        _note(session, "revoke", name, {})


def _note(session: database.Session, action: str, name: str, details: dict[str, object]) -> None:
    session.execute(
        text(
            "INSERT INTO audit (actor, action, subject, details)"
            " VALUES (current_user, :action, :subject, CAST(:details AS jsonb))"
        ),
        {"action": action, "subject": f"api_client {name}", "details": json.dumps(details)},
    )
