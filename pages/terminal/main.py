"""Every command of `huiyan`. Heavy imports wait until a command needs them: the menu is there at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from geodata import database
from geodata.errors import TwinError
from pages.terminal.cataloguing import card, catalogue, check
from pages.terminal.clients import client, clients
from pages.terminal.console import console, progress_bar, say, tells_mistakes
from pages.terminal.coverage import coverage
from pages.terminal.exchanging import exchange
from pages.terminal.loading import load, loads, unload
from pages.terminal.opening import open_database
from pages.terminal.planning import place, relocate, remove
from pages.terminal.taking import export, report

app = typer.Typer(
    name="huiyan",
    help="Huiyan 慧眼: an open digital twin for running a city.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
@tells_mistakes
def up() -> None:
    """Start everything: database, screens, a worker and a video worker. Ctrl-C stops it; data stay."""
    from pages.terminal.running import run_all

    run_all()


for brought in (load, loads, unload):
    app.command()(brought)


@app.command()
@tells_mistakes
def patrol(
    camera: Annotated[str | None, typer.Argument(help="Camera code; all with footage if not given.")] = None,
    every: Annotated[float | None, typer.Option(help="Seconds between looked-at frames.", min=0.1)] = None,
) -> None:
    """Sample footage, detect, apply the zone rules and write the findings."""
    from geodata.commands.patrol import patrol_cameras

    with open_database(), progress_bar() as progress:
        done = patrol_cameras(camera, every, progress)
    for name, samples, detections, findings in done:
        say(
            "{name}: {samples} samples, {detections} detections, {findings} findings",
            name=name,
            samples=samples,
            detections=detections,
            findings=findings,
        )


app.command()(coverage)
app.add_typer(client, name="client")
app.command()(clients)
app.add_typer(exchange, name="exchange")
for planned in (place, remove, relocate):
    app.command()(planned)


@app.command()
@tells_mistakes
def demand() -> None:
    """Estimate violations per exposure of every cell, with intervals."""
    from geodata.commands.demand import estimate_demand
    from geodata.queries.datasets import loaded_town

    with open_database(), progress_bar() as progress, database.transaction() as session:
        found = estimate_demand(session, loaded_town(session), progress)
    say(
        "{cells} cells: {seen} with evidence, {dark} where nobody looked",
        cells=len(found),
        seen=int(found["evidence"].sum()),
        dark=int((~found["evidence"]).sum()),
    )


app.command()(export)
app.command()(report)
for told in (catalogue, check, card):
    app.command()(told)


@app.command()
@tells_mistakes
def worker(
    once: Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")] = False,
) -> None:
    """Do long work from the queue: patrols on schedule, coverage, demand."""
    from geodata.jobs.queue import run_worker

    with open_database():
        run_worker(once=once)


@app.command()
@tells_mistakes
def watch(
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="Stop after so long; until Ctrl-C if not given.", min=1)
    ] = None,
) -> None:
    """Look at cameras as they are due: a video worker. As many as you like, on as many machines as you like."""
    from geodata.jobs.watching import run_video_worker

    with open_database():
        run_video_worker(for_s=seconds)


@app.command()
@tells_mistakes
def source(
    camera: Annotated[str, typer.Argument(help="Camera code.")],
    address: Annotated[
        str, typer.Argument(help="rtsp://, http://, clip:NAME, folder:NAME; none: no footage.")
    ],
    shortest: Annotated[
        float, typer.Option(help="Shortest interval between samples, seconds.", min=0.1)
    ] = 10.0,
    longest: Annotated[float, typer.Option(help="Longest interval, seconds.", min=0.1)] = 600.0,
    priority: Annotated[
        float, typer.Option(help="Weight against other cameras; 0: not sampled.", min=0)
    ] = 1.0,
) -> None:
    """Say where a camera's footage comes from, and how often it is to be sampled."""
    from geodata.commands.sources import set_source

    with open_database():
        shown = set_source(camera, None if address == "none" else address, shortest, longest, priority)
    say("{camera}: {address}", camera=camera, address=shown or "-")


@app.command()
@tells_mistakes
def status() -> None:
    """Say where the database lives, what is loaded and what runs."""
    from pages.terminal.running import tell_status

    tell_status()


@app.command()
@tells_mistakes
def bench(
    name: Annotated[str, typer.Argument(help="Which bench: cameras, parking, serving or video.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows as JSON.")] = None,
) -> None:
    """Run our code and its peers side by side and print the table."""
    from pages.terminal.benching import run_bench

    if json_file is not None and not json_file.parent.is_dir():
        raise TwinError(
            "{path} cannot be written: its folder does not exist.",
            "Choose a folder that exists.",
            path=json_file,
        )
    rows = run_bench(name)
    for row, entry in rows.items():
        mark = "[green]✓[/]" if entry["ok"] else "[red]✗[/]"
        console.print(
            f"{mark} {row:<44} {entry['value']:>12,.2f} {entry['unit']:<12} floor {entry['floor']:,g}",
            soft_wrap=True,
        )
    if json_file is not None:
        json_file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    if not all(entry["ok"] for entry in rows.values()):
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the console script."""
    app()
