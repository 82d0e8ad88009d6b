"""Reports of cameras: a scenario before and after, and a coverage run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from layers.i18n import N_
from layers.layer import Colour
from layers.measures import MEASURES
from layers.ramps import CAMERA_OFF, PROPOSED, TEALS
from pages.paper.brief import Grid, Section
from pages.paper.classes import choropleth, fill, hexed
from pages.paper.mapping import Ink, MapLayer
from pages.paper.runs.stage import Stage, Story
from pages.paper.telling import Say

__all__ = ["FIGURES", "before_after", "tell_coverage", "tell_scenario"]

FIGURES = (
    ("seen_ratio", N_("Ground seen (share)"), "share"),
    ("seen_m2", N_("Ground seen, m²"), "count"),
    ("twice_ratio", N_("Seen by two or more (share)"), "share"),
    ("blind_cells", N_("Blind cells (under 5 % seen)"), "count"),
    ("unseen_ratio", N_("Violations unseen"), "share"),
    ("cameras", N_("Cameras that look"), "count"),
    ("cost", N_("New cameras, yuan"), "count"),
)
ACTIONS = {"add": N_("added"), "change": N_("moved or turned"), "remove": N_("removed")}
CHANGES: tuple[tuple[float, Colour, str], ...] = (
    (-np.inf, (178, 24, 43, 200), N_("less is seen, by more than 5 points")),
    (-0.05, (244, 165, 130, 200), N_("less is seen")),
    (0.0, TEALS[2], N_("more is seen")),
    (0.05, TEALS[4], N_("more is seen, by more than 5 points")),
)
"""Change of a cell's coverage from which a colour counts."""
SEEN = Ink(fill=hexed(PROPOSED), line=hexed(PROPOSED), alpha=0.25, width_pt=0.5)
LOST = Ink(fill="#b2182b", line="#b2182b", alpha=0.12, width_pt=0.4, dash=(2, 2))
GONE = Ink(fill=hexed(CAMERA_OFF), line="#ffffff", radius_pt=3.0)
MOST_ROWS = 60


def tell_scenario(stage: Stage) -> Story:
    """Chosen sites and what they change: coverage before and after."""
    say, body = stage.say, stage.facts.run.result
    items = stage.frame(body)
    cameras = items[items["what"] == "camera"]
    standing, gone = cameras[cameras["action"] != "remove"], cameras[cameras["action"] == "remove"]
    cells = stage.frame(body["cells"]) if body["cells"]["features"] else None
    drawn: list[MapLayer] = []
    if cells is not None:
        change = cells["change"].to_numpy(dtype=float)
        classes = np.searchsorted([each[0] for each in CHANGES], change, side="right") - 1
        drawn += [
            MapLayer(cells.geometry[classes == number], fill(colour), f"{say('Cells')}: {say(words)}")
            for number, (_, colour, words) in enumerate(CHANGES)
        ]
    drawn += [
        MapLayer(items.geometry[(items["what"] == what).to_numpy()], ink, label)
        for what, ink, label in (
            ("view", SEEN, say("ground that they would see")),
            ("lost_view", LOST, say("ground that changed or removed cameras saw")),
        )
    ]
    drawn.append(MapLayer(gone.geometry, GONE, say("removed camera")))
    numbers = {item: str(n) for n, item in enumerate(standing["item"], start=1)}
    marks = [
        (
            row.geometry.x,
            row.geometry.y,
            float(_or(row.heading_deg, 0.0)),
            float(_or(row.hfov_deg, 360.0)),
            numbers[row.item],
        )
        for row in standing.itertuples()
    ]
    scenario = stage.facts.run.parameters
    sections = [
        Section(say("Key figures"), (), before_after(FIGURES, body["before"], body["after"], say)),
        stage.map(
            say("Map"),
            drawn,
            marks,
            mark_label=say("camera of the scenario with its field") if marks else "",
            notes=(say("Streets and buildings under the map are those that are loaded now."),),
        ),
        _sites(cameras, numbers, say),
    ]
    if cells is not None:
        sections.append(_cells(cells, say))
    layers = {
        "scenario": (
            say("Scenario: cameras and what they see"),
            stage.collection(body, body["title"], say(stage.facts.run.method)),
        )
    }
    layers["scenario"][1].pop("cells", None)
    if cells is not None:
        title = say("Coverage of cells before and after")
        layers["cells"] = (title, stage.collection(body["cells"], title, say(stage.facts.run.method)))
    return Story(
        title=say("Scenario: {name}", name=body["title"]),
        lead=(say("Version {version} of the scenario.", version=scenario["version"]),),
        sections=tuple(each for each in sections if each is not None),
        layers=layers,
        methods=(f"{say(stage.facts.run.method)}.",),
        simulated=True,
        question={"version": scenario["version"]},
    )


def tell_coverage(stage: Stage) -> Story:
    """A run over all cameras; cells are drawn as long as no newer run has replaced them."""
    say, body = stage.say, stage.facts.run.result
    rows = [
        (say("Cameras"), f"{body['cameras']:,}"),
        (say("Mean coverage of the cells"), f"{body['mean_ratio']:.1%}"),
        (say("Cameras left out as their pose is wrong"), f"{body['left_out']:,}"),
        (say("Parts, of which computed anew"), f"{body['parts']:,} / {body['computed']:,}"),
    ]
    sections: list[Section | None] = [
        Section(
            say("Key figures"),
            (),
            Grid((say("Figure"), say("Value")), tuple(rows), (0.66, 0.34), frozenset({1})),
        )
    ]
    layers: dict[str, tuple[str, dict[str, Any]]] = {}
    if not stage.facts.outdated:
        cells = stage.coverage()
        measure = next(each for each in MEASURES if each.id == "coverage_ratio")
        drawn = choropleth(cells.to_crs(stage.epsg), measure, measure.breaks or (), say)
        sections.append(stage.map(say(measure.title), drawn, notes=(say(measure.meaning),)))
        title = say("Coverage of cells")
        shown = cells.to_crs(4326)
        shown = shown.set_geometry(shown.geometry.set_precision(1e-7, mode="pointwise"))
        layers["cells"] = (
            title,
            stage.collection(
                {"features": list(shown.iterfeatures(drop_id=True))}, title, say(stage.facts.run.method)
            ),
        )
    return Story(
        title=say("Coverage of all cameras"),
        lead=()
        if not stage.facts.outdated
        else (say("The cells are those of a newer run, and not in this report."),),
        sections=tuple(each for each in sections if each is not None),
        layers=layers,
        methods=(
            f"{say(stage.facts.run.method)}.",
            say("What went in, and how it was computed, has the SHA-256 {digest}.", digest=body["digest"]),
        ),
        simulated=bool(stage.facts.register["simulated"].any()),
        question=stage.facts.run.parameters,
    )


def before_after(
    figures: Sequence[tuple[str, str, str]], before: Mapping[str, Any], after: Mapping[str, Any], say: Say
) -> Grid:
    """
    Figures before and after a change, with the difference.

    Parameters
    ----------
    figures
        Name, title (a message), and share or count.
    before, after
        Values by name; None where nothing is known.
    say
        In the reader's language.
    """
    rows = []
    for name, title, kind in figures:
        ends = before[name], after[name]
        if name == "cost" and not ends[1]:
            continue
        change = "–" if None in ends else _change(ends[1] - ends[0], kind, say)
        rows.append((say(title), _value(ends[0], kind, say), _value(ends[1], kind, say), change))
    heads = (say("Figure"), say("Before the change"), say("After the change"), say("Difference"))
    return Grid(heads, tuple(rows), (0.46, 0.18, 0.18, 0.18), frozenset({1, 2, 3}))


def _value(value: Any, kind: str, say: Say) -> str:
    if value is None:
        return say("no evidence")
    return f"{value:.2%}" if kind == "share" else f"{value:,.0f}"


def _change(value: float, kind: str, say: Say) -> str:
    return f"{value * 100:+.2f} {say('points')}" if kind == "share" else f"{value:+,.0f}"


def _sites(cameras: Any, numbers: dict[Any, str], say: Say) -> Section:
    places = cameras.to_crs(4326)
    rows = tuple(
        (
            numbers.get(row["item"], "–"),
            say(ACTIONS.get(row["action"], row["action"])),
            str(_or(row.get("name"), "–")),
            str(_or(row.get("site"), _or(row.get("code"), "–"))),
            "–" if _or(row.get("heading_deg"), None) is None else f"{row['heading_deg']:.0f}°",
            f"{row['geometry'].x:.6f}, {row['geometry'].y:.6f}",
            "–" if _or(row.get("cost"), None) is None else f"{row['cost']:,.0f}",
        )
        for row in places.head(MOST_ROWS).to_dict("records")
    )
    heads = (
        "#",
        say("Change"),
        say("Name"),
        say("Code or number"),
        say("Heading"),
        say("Longitude, latitude"),
        say("Cost, yuan"),
    )
    note = ()
    if len(cameras) > MOST_ROWS:
        note = (say(N_("The first {count} of {all}."), count=MOST_ROWS, all=len(cameras)),)
    widths = (0.05, 0.13, 0.2, 0.22, 0.09, 0.2, 0.11)
    return Section(
        say("Changes of this scenario"), note, Grid(heads, rows, widths, frozenset({4, 6})) if rows else None
    )


def _cells(cells: Any, say: Say) -> Section:
    order = cells.assign(much=cells["change"].abs()).sort_values(["much", "code"], ascending=[False, True])
    rows = tuple(
        (
            str(row["code"]),
            f"{row['before_ratio']:.1%}",
            f"{row['after_ratio']:.1%}",
            f"{row['change'] * 100:+.1f} {say('points')}",
        )
        for row in order.head(20).to_dict("records")
    )
    heads = (say("Unit cell"), say("Before the change"), say("After the change"), say("Difference"))
    note = (say("{count:,} cells change; those that change most.", count=len(cells)),)
    return Section(
        say("Coverage of cells before and after"),
        note,
        Grid(heads, rows, (0.4, 0.2, 0.2, 0.2), frozenset({1, 2, 3})),
    )


def _or(value: Any, other: Any) -> Any:
    """The value, or another where it is missing."""
    return other if value is None or (isinstance(value, float) and np.isnan(value)) else value
