"""`huiyan load`, `loads` and `unload`: towns and files into the database, and files out of it again."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geodata.errors import IngestError
from geodata.settings import settings
from layers.i18n import explain, translate
from pages.terminal.console import console, language, progress_bar, say, tells_mistakes
from pages.terminal.opening import open_database

if TYPE_CHECKING:
    from geodata.commands.imports import Report

__all__ = ["load", "loads", "unload"]

SHOWN_FAULTS = 20


@tells_mistakes
def load(
    what: Annotated[
        str | None, typer.Argument(help="Town, or a file with --as; TWIN_TOWN if not given.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="What the file holds: cameras, buildings, pipes, pipe_nodes, components, cases, car_parks, pois,"
            " address_points, cells, raster.",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="A town: throw away what is loaded first.")
    ] = False,
    source: Annotated[str, typer.Option(help="Where the rows come from; the file's name if not given.")] = "",
    licence: Annotated[str, typer.Option(help="Under which licence.")] = "unknown",
    crs: Annotated[
        str | None, typer.Option(help="System of the coordinates: wgs84, gcj02, bd09 or EPSG:n.")
    ] = None,
    exchanged: Annotated[
        bool, typer.Option("--exchanged", help="The first coordinate is the second.")
    ] = False,
    encoding: Annotated[str | None, typer.Option(help="Of the text, such as gb18030.")] = None,
    layer: Annotated[str | None, typer.Option(help="Of a file with several.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="FIELD=COLUMN: which column fills a field; again for more."),
    ] = None,
    constants: Annotated[
        list[str] | None, typer.Option("--set", help="FIELD=VALUE: the same for all rows; again for more.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend rings that cross themselves.")] = False,
    good_rows: Annotated[
        bool, typer.Option("--good-rows", help="Load the good rows even if others are at fault.")
    ] = False,
    simulated: Annotated[bool, typer.Option("--simulated", help="Nobody measured these rows.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be loaded and what is wrong; write nothing.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write the faults of a dry run as CSV.")] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Then compute anew what follows from it: coverage and demand.")
    ] = False,
    taken_on: Annotated[str | None, typer.Option(help="A raster: the day it shows, 2026-01-31.")] = None,
) -> None:
    """Load a town, or with --as a file: cameras, buildings, pipes, cases …"""
    if kind is None:
        _load_town(what, replace=replace)
        return
    path = Path(what or "")
    if kind == "raster":
        _load_raster(path, source, licence, taken_on, crs)
        return
    from geodata.commands.imports import Order, check_file, load_file

    order = Order(
        path=path,
        kind=kind,
        source=source,
        licence=licence,
        columns=_pairs(columns),
        constants=_pairs(constants),
        crs=crs,
        exchanged=exchanged,
        encoding=encoding,
        layer=layer,
        repair=repair,
        good_rows=good_rows,
        simulated=simulated,
    )
    with open_database(), progress_bar() as progress:
        done = (check_file if dry_run else load_file)(order, progress)
    _tell(done, dry=dry_run, renew=renew)
    if renew and not dry_run:
        _renew()
    if report is not None:
        _write_faults(done, report)
        say("Written: {path} ({size:,} bytes)", path=report, size=report.stat().st_size)
    if dry_run and done.faulty:
        raise typer.Exit(2)


@tells_mistakes
def loads() -> None:
    """List what files brought, the newest first."""
    from geodata import database
    from geodata.queries.loads import loads as read_loads

    with open_database(), database.connection() as conn:
        rows = read_loads(conn)
    if rows.empty:
        say("No file was loaded yet.")
    for row in rows.itertuples():
        state = "-" if row.rolled_back_at is not None and str(row.rolled_back_at) != "NaT" else "+"
        console.print(
            f"{state} {row.revision:>6} {row.at:%Y-%m-%d %H:%M} {row.kind:<14} +{row.added:,} ~{row.changed:,}"
            f" {row.file_name} ({row.source})",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


@tells_mistakes
def unload(
    revision: Annotated[int, typer.Argument(help="Revision of the load, as huiyan loads lists it.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also where rows were changed by something else since.")
    ] = False,
    renew: Annotated[
        bool, typer.Option("--renew", help="Then compute anew what follows from it: coverage and demand.")
    ] = False,
) -> None:
    """Take a load back: rows that it added go, rows that it changed are as before."""
    from geodata.commands.unloading import unload as take_back

    with open_database():
        done = take_back(revision, force=force)
    say(
        "Taken back: {removed:,} rows removed, {restored:,} as before.",
        removed=done["removed"],
        restored=done["restored"],
    )
    if renew:
        _renew()


def _renew() -> None:
    """Coverage and demand, as far as they are behind the data."""
    from geodata import database
    from geodata.commands.coverage import run_coverage
    from geodata.commands.demand import estimate_demand
    from geodata.queries.datasets import loaded_town
    from geodata.queries.derived import behind

    with open_database(), progress_bar() as progress:
        with database.connection() as conn:
            job = behind(conn).job
        if job == "coverage":
            run_coverage(then=estimate_demand, progress=progress)
        elif job == "demand":
            with database.transaction() as session:
                estimate_demand(session, loaded_town(session), progress)
    if job is None:
        say("Coverage and demand are up to date.")
    elif job == "coverage":
        say("Coverage and demand were computed anew.")
    else:
        say("Demand was computed anew.")


def _load_town(town: str | None, *, replace: bool) -> None:
    from geodata.commands.load import load_town

    if town is not None and (Path(town).suffix or Path(town).exists()):
        raise IngestError(
            "{path} looks like a file, and nothing says what it holds.",
            "Say it: huiyan load {path} --as cameras (or buildings, pipes, cases …).",
            path=town,
        )
    with open_database(), progress_bar() as progress:
        counts = load_town(town or settings().town, progress, replace=replace)
    for name, rows in counts.items():
        console.print(f"{name:>16} {rows:>9,}")


def _load_raster(path: Path, source: str, licence: str, taken_on: str | None, crs: str | None) -> None:
    from geodata.commands.rasters import load_raster

    with open_database(), progress_bar() as progress:
        done = load_raster(
            path, source=source, licence=licence, taken_on=taken_on, crs=crs, progress=progress
        )
    say(
        "{name}: {width:,} × {height:,} pixels of {resolution:.2f} m, {bands} band(s), {crs}",
        name=done.name,
        width=done.width_px,
        height=done.height_px,
        resolution=done.resolution_m,
        bands=done.bands,
        crs=done.crs,
    )


def _pairs(given: list[str] | None) -> dict[str, str]:
    found = {}
    for each in given or []:
        ours, between, theirs = each.partition("=")
        if not between or not ours.strip():
            raise IngestError("'{text}' is not FIELD=COLUMN.", "Write for example height_m=高度.", text=each)
        found[ours.strip()] = theirs.strip()
    return found


def _tell(done: Report, *, dry: bool, renew: bool) -> None:
    say(
        "{file}: {rows:,} rows, {good:,} good. New {added:,}, changed {changed:,}, as stored {same:,}."
        " Coordinates: {crs}.",
        file=done.file,
        rows=done.rows,
        good=done.good,
        added=done.added,
        changed=done.changed,
        same=done.same,
        crs=done.crs,
    )
    for ours, theirs in done.columns.items():
        console.print(f"  {theirs} → {ours}", markup=False, highlight=False)
    if done.left:
        say("Columns that fill nothing: {columns}", columns=", ".join(done.left))
    if done.repaired:
        say("Rings mended in {count:,} rows.", count=done.repaired)
    if done.hint is not None:
        say("The coordinates fit the town better as {crs}: load with --crs {crs}.", crs=done.hint.crs)
    for fault in done.faults[:SHOWN_FAULTS]:
        console.print(
            f"  {fault.row}: {fault.column or '-'}: {explain(fault.error, language())}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if done.faulty > SHOWN_FAULTS:
        say("… and {count} more.", count=done.faulty - SHOWN_FAULTS)
    if dry:
        say("Nothing was written.")
        return
    say("Loaded as revision {revision}. Take it back with: huiyan unload {revision}", revision=done.revision)
    if done.then and not renew:
        say(
            "What is computed from it is older now. Renew it with: {commands}",
            commands=" && ".join(done.then),
        )


def _write_faults(done: Report, path: Path) -> None:
    from geodata.export.faults import fault_lines

    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(
            fault_lines(
                done.faults,
                lambda error: (
                    translate(error.message, language(), **error.facts),
                    translate(error.mend, language(), **error.facts) if error.mend else "",
                ),
            )
        )
