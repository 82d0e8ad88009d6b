"""`huiyan export` and `huiyan report`: a layer as a file with the rows that the map shows, and a view as a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pages.terminal.console import language, say, tells_mistakes
from pages.terminal.opening import open_database

if TYPE_CHECKING:
    from layers.view import View

__all__ = ["export", "report"]


@tells_mistakes
def export(
    layer: Annotated[str, typer.Argument(help="Layer to write.")],
    out: Annotated[Path, typer.Argument(help="File: .geojson, .parquet, .gpkg, .fgb or .csv.")],
    area: Annotated[str | None, typer.Option(help="Code of a county, street or community.")] = None,
    since: Annotated[str | None, typer.Option(help="From this moment on, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this moment, ISO 8601.")] = None,
    event_class: Annotated[str | None, typer.Option("--class", help="Event class.")] = None,
    source: Annotated[str | None, typer.Option(help="Source of violations.")] = None,
    grouping: Annotated[str | None, typer.Option(help="Group of cameras.")] = None,
    bbox: Annotated[str | None, typer.Option(help="west,south,east,north in degrees.")] = None,
    shown: Annotated[bool, typer.Option("--shown", help="Only what the map draws.")] = False,
) -> None:
    """Write a layer as GeoJSON, GeoParquet, GeoPackage, FlatGeobuf or CSV, with its revision, method and licence."""
    from dataclasses import replace

    from geodata.export.formats import FORMATS, export_format
    from geodata.export.geojson import export_file
    from geodata.export.parcel import Parcel, choose
    from geodata.queries.tiles import read_box
    from layers.catalogue import layer as find_layer

    chosen = find_layer(layer)
    suffix = next((each for each in FORMATS if out.name.endswith(f".{each}")), out.suffix[1:])
    made = export_format(suffix)
    filters = _filters(
        since=since, until=until, **{"class": event_class}, source=source, grouping=grouping, area=area
    )
    if bbox:
        filters |= read_box(bbox)
    rows = choose(chosen.tile, filters, shown=shown)
    parcel = Parcel(chosen.id, chosen.title, chosen.method, chosen.export, chosen.datasets, rows)
    with open_database():
        size = export_file(out, made.stream(parcel))
        say("Written: {path} ({size:,} bytes)", path=out, size=size)
        if suffix == "csv":  # it cannot say by itself where it comes from
            beside = out.with_name(out.name + "-metadata.json")
            named = replace(parcel, layer=out.name.removesuffix(".csv"))
            size = export_file(beside, export_format("csv-metadata.json").stream(named))
            say("Written: {path} ({size:,} bytes)", path=beside, size=size)


@tells_mistakes
def report(
    to: Annotated[Path, typer.Option("--to", help="New folder, or a file that ends in .zip.")],
    layers: Annotated[
        str | None, typer.Option(help="Layers with commas between them; those that open.")
    ] = None,
    measure: Annotated[str | None, typer.Option(help="Number that cells show.")] = None,
    area: Annotated[str | None, typer.Option(help="Code of a county, street or community.")] = None,
    since: Annotated[str | None, typer.Option(help="From this moment on, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this moment, ISO 8601.")] = None,
    event_class: Annotated[str | None, typer.Option("--class", help="Event class.")] = None,
    source: Annotated[str | None, typer.Option(help="Source of violations.")] = None,
    run: Annotated[
        int | None, typer.Option(help="Number of a kept run: its report instead of a view's.")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="zh or en; the terminal's if not given.")] = None,
) -> None:
    """Write the report of a view or of a run: layers as GeoJSON, a brief as PDF and HTML, a manifest with SHA-256."""
    from layers.i18n import pick_language
    from pages.paper.folder import write_folder, write_zip
    from pages.paper.report import made_report
    from pages.paper.run_report import both_asked, made_run_report

    asked = {
        "layers": layers,
        "measure": measure,
        "area": area,
        "since": since,
        "until": until,
        "class": event_class,
        "source": source,
    }
    if run is not None and (named := [name for name, value in asked.items() if value is not None]):
        raise both_asked(named)
    view, tongue = _view(**asked), pick_language(lang, language())
    with (
        open_database(),
        made_report(view, tongue) if run is None else made_run_report(run, tongue) as made,
    ):
        if to.suffix == ".zip":
            write_zip(to, made.files)
        else:
            write_folder(to, made.files)
        say("Written: {path} ({count} files)", path=to, count=len(made.files))


def _filters(**asked: str | None) -> dict[str, Any]:
    """Filters of a view with moments for texts."""
    view = _view(**asked)
    moments = {"since": view.since, "until": view.until}
    return {**view.tile_filters(), **{name: moment for name, moment in moments.items() if moment}}


def _view(**asked: str | None) -> View:
    """A view as an address would tell it; what cannot be read is refused."""
    from layers.view import read_view

    read = read_view({name: value for name, value in asked.items() if value is not None})
    if read.left_out:
        raise read.left_out[0]
    return read.view
