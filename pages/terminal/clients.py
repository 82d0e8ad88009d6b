"""`huiyan client` and `huiyan clients`: who may come in at the open door."""

from __future__ import annotations

from typing import Annotated

import typer

from pages.terminal.console import console, language, say, tells_mistakes
from pages.terminal.opening import open_database

__all__ = ["client", "clients"]

client = typer.Typer(help="Let a program in at the open door, or turn it away.", no_args_is_help=True)


@client.command()
@tells_mistakes
def add(
    name: Annotated[str, typer.Argument(help="Name of the program or office.")],
    scopes: Annotated[str, typer.Option(help="What it may do: read, report, exchange.")] = "read",
    per_minute: Annotated[int, typer.Option(help="Requests a minute.", min=1)] = 1200,
) -> None:
    """Make a client and print its token, this once."""
    from geodata.commands.clients import add_client

    with open_database():
        token = add_client(name, [each.strip() for each in scopes.split(",")], per_minute)
    say("The token of {name}, shown only now; it is sent as Authorization: Bearer.", name=name)
    console.print(token, highlight=False, markup=False, soft_wrap=True)


@client.command()
@tells_mistakes
def revoke(name: Annotated[str, typer.Argument(help="Name of the client.")]) -> None:
    """Make a client's token worthless at once."""
    from geodata.commands.clients import revoke_client

    with open_database():
        revoke_client(name)
    say("The token of {name} is revoked.", name=name)


@tells_mistakes
def clients() -> None:
    """List the clients of the open door; tokens are kept nowhere."""
    from geodata import database
    from geodata.queries.clients import client_rows
    from layers.i18n import N_, translate

    with open_database(), database.connection() as conn:
        rows = client_rows(conn)
    for row in rows:
        state = N_("has a token") if row.revoked_at is None else N_("revoked")
        console.print(
            f"  {row.name:<24} {','.join(row.scopes):<22} {row.per_minute:>7,}/min  {translate(state, language())}",
            highlight=False,
            markup=False,
        )
