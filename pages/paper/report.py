"""The report of a view: its layers as GeoJSON, a brief as PDF and HTML, a manifest; same data, same bytes."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analysis.crs import STORAGE_EPSG
from geodata import database
from geodata.export.geojson import export_file, geojson_parcel
from geodata.export.parcel import Parcel, choose
from geodata.queries.datasets import revision
from geodata.queries.figures import measure_breaks
from geodata.queries.report import ReportFacts, report_facts
from geodata.towns.town import Town
from layers.catalogue import LAYERS
from layers.datasets import DATASET_NAMES
from layers.i18n import N_, enumerate_words
from layers.layer import Layer, Measure
from layers.measures import MEASURES
from layers.view import HEAT, View
from pages.paper.brief import Brief, Grid, Section, brief_pdf
from pages.paper.brief_html import brief_html
from pages.paper.folder import MANIFEST, manifest_of
from pages.paper.report_map import DrawnMap, draw_map
from pages.paper.telling import Say, speaker

__all__ = ["TRIES", "Report", "about_data", "made_report", "sources_grid"]

TRIES = 3
"""Data may change while a report is made; so often it begins anew."""
SOURCES = {
    "camera": N_("captures by cameras"),
    "qr": N_("reports by people"),
    "video": N_("confirmed video leads"),
}


@dataclass(frozen=True)
class Report:
    """
    A report that is ready.

    Attributes
    ----------
    name
        Of its folder or zip, without a suffix.
    files
        Path inside → content, or a file of a folder that lives as long as `made_report`.
    """

    name: str
    files: dict[str, bytes | Path]


@contextmanager
def made_report(view: View, language: str) -> Iterator[Report]:
    """
    The report of a view, in one language. All of it is of one revision.

    Raises
    ------
    NotFound
        If nothing is loaded or the view's area does not exist.
    DatabaseUnavailable
        If the database does not answer.
    MissingAsset
        If the font of printed pages is not there.
    """
    with tempfile.TemporaryDirectory(prefix="huiyan-report-") as folder:
        for last in (*[False] * (TRIES - 1), True):
            report, made_of = _made(view, language, Path(folder))
            with database.connection() as conn:
                if revision(conn) == made_of or last:
                    break
        yield report


def _made(view: View, language: str, folder: Path) -> tuple[Report, int]:
    say = speaker(language)
    filters: dict[str, Any] = {**view.tile_filters()}
    filters |= {name: at for name, at in (("since", view.since), ("until", view.until)) if at}
    measure = next((each for each in MEASURES if each.id == view.measure), MEASURES[0])
    with database.connection() as conn:
        facts = report_facts(conn, filters)
        breaks = list(measure.breaks or measure_breaks(conn, measure.id, len(measure.ramp)))
    named = {layer.id: layer for layer in (LAYERS["violations" if n == HEAT else n] for n in view.layers)}
    files: dict[str, bytes | Path] = {}
    for layer in named.values():
        rows = choose(layer.tile, filters, shown=True)
        title, method = say(layer.title), say(layer.method)
        parcel = Parcel(layer.id, title, method, layer.export, layer.datasets, rows, dated=False)
        path = folder / f"{layer.id}.geojson"
        export_file(path, geojson_parcel(parcel))
        files[f"layers/{layer.id}.geojson"] = path
    drawn = draw_map(view, facts, files, measure, breaks, say)
    brief = _brief(view, facts, list(named.values()), drawn, measure, language)
    files["report.pdf"] = brief_pdf(brief)
    files["report.html"] = brief_html(brief).encode()
    about = {
        "title": brief.title,
        "town": facts.town.name,
        "revision": facts.revision,
        "data_as_of": facts.loaded_at.isoformat(timespec="seconds"),
        "view": view.to_query(),
        **about_data(facts.town, facts.profiles, language, simulated=bool(brief.mark)),
    }
    files[MANIFEST] = manifest_of(files, about)
    parts = ["huiyan-report", facts.town.name, view.area or "", f"r{facts.revision}"]
    return Report("-".join(part for part in parts if part), files), facts.revision


def about_data(town: Town, profiles: Sequence[str], language: str, *, simulated: bool) -> dict[str, Any]:
    """Members of every report's manifest: language, systems of coordinates, code profiles, simulated mark, software."""
    return {
        "language": language,
        "crs": {
            "layers": "EPSG:4326",
            "maps": f"EPSG:{town.metric_epsg}",
            "stored": f"EPSG:{STORAGE_EPSG}",
        },
        "code_profiles": list(profiles),
        "simulated": simulated,
        "software": {"name": "Huiyan", "version": version("huiyan")},
    }


# ---------------------------------------------------------------------------------------------- the brief


def _brief(
    view: View, facts: ReportFacts, named: list[Layer], drawn: DrawnMap, measure: Measure, language: str
) -> Brief:
    say = speaker(language)
    chinese = language == "zh-CN"
    town = facts.town.name_zh if chinese else facts.town.name_en
    area = None if facts.area is None else (facts.area.name_zh if chinese else facts.area.name_en)
    used = facts.register[facts.register["name"].isin({name for each in named for name in each.datasets})]
    as_of = f"{facts.loaded_at.astimezone(facts.town.time_zone):%Y-%m-%d %H:%M}"
    lead = [
        say("Area: {area}", area=area or say("The whole town")),
        _days(view, facts, say),
        say(
            "Shown: {layers}",
            layers=enumerate_words([say(each.title) for each in named], language) or say("nothing"),
        ),
    ]
    if kinds := _kinds(view, say):
        lead.append(kinds)
    sections = [
        Section(say("Key figures"), (), _figures(facts, say)),
        Section(f"{say('Map')} · {drawn.paper.scale}", drawn.notes, None, drawn.paper),
        Section(say("Cells with the highest rate"), _rate_note(facts, say), _cells(facts, say, chinese)),
        Section(say("Files"), (), _files(named, facts, drawn, say)),
        Section(say("Method"), _method(named, facts, measure, say)),
        Section(say("Sources"), (), sources_grid(used, say)),
    ]
    return Brief(
        title=say("Report: {place}", place=area or town),
        lead=tuple(lead),
        edge=town,
        stamp=say("Data as of {at} · revision {revision}", at=as_of, revision=facts.revision),
        mark=say("contains simulated data") if bool(used["simulated"].any()) else "",
        language=language,
        sections=tuple(sections),
    )


def _days(view: View, facts: ReportFacts, say: Say) -> str:
    zone = facts.town.time_zone
    if view.since is None and view.until is None:
        return say("Days: all that are on record")
    first = "…" if view.since is None else f"{view.since.astimezone(zone):%Y-%m-%d}"
    end = view.until
    last = "…" if end is None else f"{(end - dt.timedelta(microseconds=1)).astimezone(zone):%Y-%m-%d}"
    return say("Days: {first} – {last}", first=first, last=last)


def _kinds(view: View, say: Say) -> str:
    """Filters that are words, in one sentence; empty without any."""
    found = []
    if code := view.filters.get("class"):
        found.append(say("class {code}", code=code))
    if source := view.filters.get("source"):
        found.append(say("known from {source}", source=say(SOURCES.get(source, source))))
    return say("Violations: {kinds}", kinds=say(", ").join(found)) if found else ""


def _figures(facts: ReportFacts, say: Say) -> Grid:
    found = facts.figures
    share = "–" if found.coverage_ratio is None else f"{found.coverage_ratio:.1%}"
    rate, interval = say("no evidence: nobody looked"), "–"
    if facts.rate is not None:
        rate, interval = f"{facts.rate[0]:.4f}", f"{facts.rate[1]:.4f} – {facts.rate[2]:.4f}"
    rows = [
        (say("Unit cells"), f"{found.cells:,}", "–"),
        (say("Cameras online"), f"{found.cameras_online:,} / {found.cameras:,}", "–"),
        (say("Ground seen (share)"), share, "–"),
        (say("Cells without evidence"), f"{found.dark_cells:,}", "–"),
        (say("Violations in the days chosen"), f"{found.violations:,}", "–"),
        (say("Exposure, hours of full view"), f"{facts.exposure_h:,.0f}", "–"),
        (say("Captures in cells that were looked at"), f"{facts.captures:,}", "–"),
        (say("Reports by people in the same cells"), f"{facts.reports:,}", "–"),
        (say("Violations per hour of full view"), rate, interval),
    ]
    rows += [
        (
            say("Recall of the detectors, class {code}", code=each.class_code),
            f"{each.mean:.1%}",
            f"{each.lower:.1%} – {each.upper:.1%}",
        )
        for each in facts.recall
    ]
    heads = (say("Figure"), say("Value"), say("95 % interval"))
    return Grid(heads, tuple(rows), (0.52, 0.24, 0.24), frozenset({1, 2}))


def _rate_note(facts: ReportFacts, say: Say) -> tuple[str, ...]:
    if facts.cells.empty:
        return (
            say("No cell here was looked at: there is no evidence, which is not the same as no problem."),
        )
    return (
        say(
            "Violations per hour of full view, with the interval that holds the rate in 95 of 100 cases. Where"
            " intervals overlap, the order says little. Cells that nobody looked at are not in the list."
        ),
    )


def _cells(facts: ReportFacts, say: Say, chinese: bool) -> Grid | None:
    if facts.cells.empty:
        return None
    rows = tuple(
        (
            str(row.code),
            str(row.name_zh if chinese else row.name_en),
            f"{row.rate:.4f}",
            f"{row.rate_lower:.4f} – {row.rate_upper:.4f}",
            f"{row.captures:,}",
            f"{row.reports:,}",
            f"{row.exposure_h:,.0f}",
            f"{row.coverage_ratio:.0%}",
        )
        for row in facts.cells.itertuples()
    )
    heads = (
        say("Unit cell"),
        say("Community"),
        say("Rate"),
        say("95 % interval"),
        say("Captures"),
        say("Reports"),
        say("Exposure, h"),
        say("Seen"),
    )
    return Grid(heads, rows, (0.18, 0.2, 0.09, 0.18, 0.09, 0.09, 0.09, 0.08), frozenset(range(2, 8)))


def _files(named: list[Layer], facts: ReportFacts, drawn: DrawnMap, say: Say) -> Grid:
    rows = []
    for layer in named:
        mine = facts.register[facts.register["name"].isin(layer.datasets)]
        mark = say("simulated") if mine["simulated"].any() else "–"
        rows.append(
            (
                say(layer.title),
                f"layers/{layer.id}.geojson",
                f"{drawn.rows[layer.id]:,}",
                str(int(mine["revision"].max()) if len(mine) else 0),
                mark,
            )
        )
    heads = (say("Layer"), say("File"), say("Rows"), say("Revision"), say("Simulated"))
    return Grid(heads, tuple(rows), (0.3, 0.34, 0.12, 0.1, 0.14), frozenset({2, 3}))


def _method(named: list[Layer], facts: ReportFacts, measure: Measure, say: Say) -> tuple[str, ...]:
    sentences = [f"{say(layer.title)}: {say(layer.method)}." for layer in named]
    if any(layer.id == "unit_cells" for layer in named):
        sentences.append(f"{say(measure.title)} ({say(measure.unit)}): {say(measure.meaning)}")
    sentences += [
        say(
            "Rates divide captures by exposure: the share of kerb in view × hours sampled × recall of the detector."
            " Of a cell it is the mean of a gamma distribution about what lies around (empirical Bayes); of the whole"
            " area a Poisson count over its exposure (Jeffreys prior)."
        ),
        say(
            "Layers are in EPSG:4326, the map in EPSG:{metric}, the store in EPSG:4490 (CGCS2000). Profile of the"
            " codes: GB/T 30428.1 ({profiles}).",
            metric=facts.town.metric_epsg,
            profiles=say(", ").join(facts.profiles) or "–",
        ),
        say(
            "This report holds the rows that the map shows, and no personal data. The same view of the same revision"
            " makes the same files; manifest.json has their SHA-256."
        ),
    ]
    return tuple(sentences)


def sources_grid(used: Any, say: Say) -> Grid:
    """Rows of the register as a table."""
    rows = tuple(
        (
            f"{say(DATASET_NAMES.get(row['name'], ''))} {row['name']}".strip(),
            say(str(row["source"])),
            say(str(row["licence"])),
            say(str(row["method"])),
            str(row["revision"]),
            say("simulated") if row["simulated"] else "–",
        )
        for row in used.sort_values("name").to_dict(orient="records")
    )
    heads = (
        say("Dataset"),
        say("Source"),
        say("Licence"),
        say("Method"),
        say("Revision"),
        say("Simulated"),
    )
    return Grid(heads, rows, (0.15, 0.22, 0.12, 0.31, 0.08, 0.12), frozenset({4}))
