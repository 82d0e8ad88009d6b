"""The open door's own way to the database: a role that reads what may leave the house and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from geodata import database
from geodata.errors import DatabaseUnavailable, TwinError

if TYPE_CHECKING:
    import asyncpg

__all__ = ["READER", "reader_pool"]

READER = "huiyan_reader"
"""May SELECT from the views of the schema `open`."""
TIMEOUT_MS = 15_000
"""A query of a stranger may take so long."""
MOST_CONNECTIONS = 8
SESSION = {
    "search_path": "public, extensions",
    "statement_timeout": str(TIMEOUT_MS),
    "default_transaction_read_only": "off",  # what describes the collections are functions of the session
    "jit": "off",
}


async def reader_pool(init: Callable[[Any], Awaitable[None]], url: str | None = None) -> asyncpg.Pool:
    """
    Connections of the reader.

    It logs in as itself where the server lets it do so without a password (the private cluster does: the socket's
    folder is private); elsewhere the program's own account takes its role.

    Parameters
    ----------
    init
        Called with each new connection.
    url
        Address of the database; None: the one that settings name.

    Raises
    ------
    TwinError
        If there is no such role, or the program may not take it.
    DatabaseUnavailable
        If the database does not answer.
    """
    import asyncpg  # noqa: PLC0415 - heavy: only who asks the open door needs it

    found = make_url(url or await asyncio.to_thread(database.database_url)).set(drivername="postgresql")
    own = found.render_as_string(hide_password=False)
    # made from parts, as some drivers leave out an empty host
    itself = (
        found.set(username=READER, password="").render_as_string(hide_password=False).replace(":@", "@", 1)
    )
    refused = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError)
    try:
        for dsn, extra in ((itself, {}), (own, {"role": READER})):
            try:
                return await asyncpg.create_pool(
                    dsn,
                    min_size=1,
                    max_size=MOST_CONNECTIONS,
                    init=init,
                    server_settings={**SESSION, **extra},
                    timeout=5,
                    command_timeout=TIMEOUT_MS / 1000 + 5,
                )
            except refused:
                if extra:
                    raise
        raise AssertionError("unreachable")
    except (
        *refused,
        asyncpg.InvalidParameterValueError,
        asyncpg.InsufficientPrivilegeError,
        asyncpg.UndefinedObjectError,
    ) as error:
        raise TwinError(
            "The database has no role {role} that this program may take ({reason}).",
            "Have its administrator run: CREATE ROLE {role}; GRANT USAGE ON SCHEMA open TO {role};"
            " GRANT SELECT ON ALL TABLES IN SCHEMA open TO {role}; GRANT {role} TO {account}.",
            role=READER,
            reason=str(error).splitlines()[0],
            account=found.username,
        ) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise DatabaseUnavailable(
            "The database does not answer ({reason}).",
            "Start it (huiyan up) or correct TWIN_DATABASE_URL, then try again.",
            reason=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
        ) from error
