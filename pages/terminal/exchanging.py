"""`huiyan exchange check`: what is wrong with a package of cases, before it is sent."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from geodata.errors import IngestError
from pages.terminal.console import console, language, say, tells_mistakes

__all__ = ["exchange"]

MOST_BYTES = 64 * 1024 * 1024

exchange = typer.Typer(help="Packages of cases between platforms.", no_args_is_help=True)


@exchange.callback()
def _exchange() -> None:
    """Packages of cases between platforms."""


@exchange.command()
@tells_mistakes
def check(file: Annotated[Path, typer.Argument(help="A package of cases, JSON.")]) -> None:
    """Say what is wrong with a package: row, field, value, reason and mend. Needs no database."""
    from geodata.ingest.case_exchange import check_package, read_package
    from layers.i18n import explain

    try:
        if file.stat().st_size > MOST_BYTES:
            raise IngestError(
                "{path} is larger than {most:,} bytes.", "Make it smaller.", path=file, most=MOST_BYTES
            )
        text = file.read_bytes()
    except OSError as error:
        raise IngestError(
            "{path} cannot be read ({why}).", "Name a file that is there.", path=file, why=error.strerror
        ) from error
    package = read_package(text)
    faults = check_package(package, dt.datetime.now(dt.UTC))
    for fault in faults:
        where = "–" if fault.row is None else str(fault.row)
        sentence = escape(explain(fault.why, language()))
        console.print(
            f"[bold]{where:>5}[/] {escape(fault.field):<16} {escape(fault.value):<24} {sentence}",
            highlight=False,
            soft_wrap=True,
        )
    if faults:
        say("{number} faults.", number=len(faults))
        raise typer.Exit(1)
    say("{number} cases are as they must be.", number=len(package["cases"]))
