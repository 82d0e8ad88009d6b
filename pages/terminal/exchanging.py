"""`huiyan exchange`: packages between a city and its province: made, checked, and what they must look like."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pages.terminal.console import console, language, say, tells_mistakes
from pages.terminal.opening import open_database

if TYPE_CHECKING:
    from geodata.ingest.exchange import Checked

__all__ = ["exchange"]

MOST_TOLD = 200
"""Faults that are printed; all are counted."""

exchange = typer.Typer(help="Packages between a city and its province.", no_args_is_help=True)


@exchange.callback()
def _exchange() -> None:
    """Packages between a city and its province."""


@exchange.command()
@tells_mistakes
def check(file: Annotated[Path, typer.Argument(help="A package: a zip, or the JSON of cases.")]) -> None:
    """Say what a package is and what is wrong with it: file, row, field, value, reason, mend. Needs no database."""
    from geodata.ingest.exchange import check_exchange

    checked = check_exchange(file, dt.datetime.now(dt.UTC))
    _tell(checked)
    if checked.faults:
        raise typer.Exit(1)
    if checked.format == "case":
        say("{number} cases are as they must be.", number=sum(checked.rows.values()))
        return
    for name, rows in checked.rows.items():
        say("{file}: {rows:,} rows", file=name, rows=rows)
    say("This package of format {name} is as it must be.", name=checked.format)


@exchange.command()
@tells_mistakes
def export(
    file: Annotated[Path, typer.Argument(help="The zip to write.")],
    format: Annotated[str, typer.Option("--format", help="case, geographic or video.")],
    stills: Annotated[
        bool, typer.Option("--stills", help="video: the pictures too, heads and plates blurred.")
    ] = False,
) -> None:
    """Write a package for the province, checked before it is given out; the same data make the same bytes."""
    from geodata.commands.exchanging import note_package
    from geodata.export.exchange import make_package
    from geodata.ingest.exchange import check_exchange
    from pages.paper.folder import write_zip

    with open_database(), tempfile.TemporaryDirectory(prefix="huiyan-exchange-") as folder:
        package = make_package(format, Path(folder), stills=stills)
        made = Path(folder) / "package.zip"
        write_zip(made, package.files)
        checked = check_exchange(made, dt.datetime.now(dt.UTC))
        if checked.faults:
            _tell(checked)
            say("Nothing was written: mend the data first.")
            raise typer.Exit(1)
        with made.open("rb") as whole:
            digest = hashlib.file_digest(whole, "sha256").hexdigest()
        note_package(format, package.rows, stills=stills, sha256=digest)
        size = _put(made, file)
        say("Written: {path} ({size:,} bytes)", path=file, size=size)


@exchange.command()
@tells_mistakes
def schema(
    name: Annotated[str, typer.Argument(help="manifest, case, geographic or video.")],
) -> None:
    """Print the JSON Schema of a format."""
    from geodata.ingest.exchange import schema_of

    print(json.dumps(schema_of(name), ensure_ascii=False, indent=1))


def _tell(checked: Checked) -> None:
    from layers.i18n import explain

    for fault in checked.faults[:MOST_TOLD]:
        where = "–" if fault.row is None else str(fault.row)
        sentence = escape(explain(fault.why, language()))
        console.print(
            f"{escape(fault.file)} [bold]{where:>5}[/] {escape(fault.field):<16} {escape(fault.value):<24} {sentence}",
            highlight=False,
            soft_wrap=True,
        )
    if checked.faults:
        say("{number} faults.", number=len(checked.faults))


def _put(made: Path, file: Path) -> int:
    from geodata.export.geojson import export_file

    with made.open("rb") as whole:
        return export_file(file, iter(lambda: whole.read(1 << 20), b""))
