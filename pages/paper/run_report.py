"""The report of a kept run: its layers as GeoJSON, a brief as PDF and HTML, a manifest; same run, same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from analysis.errors import InputError
from geodata import database
from geodata.queries.datasets import revision
from geodata.queries.runs import RunFacts, run_facts
from layers.i18n import N_
from pages.paper.brief import Brief, Grid, Section, brief_pdf
from pages.paper.brief_html import brief_html
from pages.paper.folder import MANIFEST, manifest_of
from pages.paper.report import TRIES, Report, about_data, sources_grid
from pages.paper.runs.hot_spots import tell_hot_spots
from pages.paper.runs.parking import tell_bays, tell_parking
from pages.paper.runs.placing import tell_moved, tell_placed, tell_thinned
from pages.paper.runs.scenario import tell_coverage, tell_scenario
from pages.paper.runs.stage import Stage, Story, without_secrets

__all__ = ["both_asked", "made_run_report"]

STORIES: dict[str, Callable[[Stage], Story]] = {
    "place": tell_placed,
    "remove": tell_thinned,
    "relocate": tell_moved,
    "scenario": tell_scenario,
    "coverage": tell_coverage,
    "parking": tell_parking,
    "bays": tell_bays,
    "hot_spots": tell_hot_spots,
}
"""Kind of run → what tells it."""


@contextmanager
def made_run_report(run: int, language: str) -> Iterator[Report]:
    """
    The report of a run, in one language.

    The run's answer is as it was kept, on its own revision; streets and buildings under its maps, sources and coverage
    are those that are loaded, and the report says so where they are newer.

    Raises
    ------
    NotFound
        If there is no such run, no report of its kind, or nothing is loaded.
    DatabaseUnavailable
        If the database does not answer.
    MissingAsset
        If the font of printed pages is not there.
    """
    for _ in range(TRIES):
        with database.connection() as conn:
            before = revision(conn)
            report = _made(Stage(conn, run_facts(conn, run), language))
            if revision(conn) == before:
                break
    yield report


def both_asked(named: Sequence[str]) -> InputError:
    """Why a report cannot be of a run and of a view at once."""
    return InputError(
        "A report is of a run or of a view; beside the run this was asked for: {named}.",
        "Leave out the one or the other.",
        named=", ".join(named),
    )


def _made(stage: Stage) -> Report:
    facts, story = stage.facts, STORIES[stage.facts.run.kind](stage)
    run = facts.run
    files: dict[str, Any] = {
        f"layers/{name}.geojson": _json(body) for name, (_, body) in story.layers.items()
    }
    told = {
        "id": run.id,
        "kind": run.kind,
        "made_at": run.made_at.isoformat(timespec="seconds"),
        "revision": run.revision,
        "loaded_revision": facts.loaded,
        "outdated": facts.outdated,
        "method": run.method,
        "seconds": run.seconds,
    }
    figures = {
        name: value
        for name, value in run.result.items()
        if name not in ("kept", "features", "layers", "table", "cells", "question", "type", "exported_at")
    }
    files["run.json"] = _json({**told, "parameters": without_secrets(story.question), "result": figures})
    brief = _brief(stage, story)
    files["report.pdf"] = brief_pdf(brief)
    files["report.html"] = brief_html(brief).encode()
    about = {
        "title": brief.title,
        "town": facts.town.name,
        "revision": run.revision,
        "data_as_of": facts.loaded_at.isoformat(timespec="seconds"),
        "run": told,
        "parameters": without_secrets(story.question),
        **about_data(facts.town, facts.profiles, stage.language, simulated=story.simulated),
    }
    files[MANIFEST] = manifest_of(files, about)
    return Report(f"huiyan-report-{facts.town.name}-run{run.id}-r{run.revision}", files)


def _brief(stage: Stage, story: Story) -> Brief:
    facts, say = stage.facts, stage.say
    run, zone = facts.run, facts.town.time_zone
    made = f"{run.made_at.astimezone(zone):%Y-%m-%d %H:%M}"
    sections = [
        *story.sections,
        stage.parameters(story.question),
        Section(say("Files"), (), _files(story, facts, stage)),
        Section(say("Method"), (*story.methods, *_shared(stage))),
        Section(
            say("Sources"),
            (say("As they are loaded now; the run rests on revision {revision}.", revision=run.revision),)
            if facts.outdated
            else (),
            sources_grid(facts.register, say),
        ),
    ]
    return Brief(
        title=story.title,
        lead=(*story.lead, *_age(stage)),
        edge=facts.town.name_zh if stage.language == "zh-CN" else facts.town.name_en,
        stamp=say("Run {run} of {at} · revision {revision}", run=run.id, at=made, revision=run.revision),
        mark=say("contains simulated data") if story.simulated else "",
        language=stage.language,
        sections=tuple(each for each in sections if each.sentences or each.table or each.map),
    )


def _age(stage: Stage) -> tuple[str, ...]:
    """What is loaded now, where it is newer than the run."""
    facts = stage.facts
    if not facts.outdated:
        return ()
    at = f"{facts.loaded_at.astimezone(facts.town.time_zone):%Y-%m-%d %H:%M}"
    return (
        stage.say(
            "The data have changed since this run: revision {loaded} of {at} is loaded now. Every figure and layer here"
            " is that of revision {revision}; run it again for the newer data.",
            loaded=facts.loaded,
            at=at,
            revision=facts.run.revision,
        ),
    )


def _files(story: Story, facts: RunFacts, stage: Stage) -> Grid:
    say = stage.say
    rows = [
        (
            title,
            f"layers/{name}.geojson",
            f"{len(body['features']):,}",
            str(facts.run.revision),
            say("simulated") if body["simulated"] else "–",
        )
        for name, (title, body) in story.layers.items()
    ]
    rows.append((say(N_("Question and figures")), "run.json", "–", str(facts.run.revision), "–"))
    heads = (say("Layer"), say("File"), say("Rows"), say("Revision"), say("Simulated"))
    return Grid(heads, tuple(rows), (0.34, 0.3, 0.12, 0.1, 0.14), frozenset({2, 3}))


def _shared(stage: Stage) -> tuple[str, ...]:
    say = stage.say
    return (
        stage.crs_told(),
        say(
            "This report holds what the run found, and no personal data. The same run over the same revision makes the"
            " same files; manifest.json has their SHA-256."
        ),
    )


def _json(body: dict[str, Any]) -> bytes:
    return (json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
