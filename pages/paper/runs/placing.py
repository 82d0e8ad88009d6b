"""Reports of planned cameras: the best more, those that can go, those that do more elsewhere; with bound and gap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geodata.queries.kept import WHOLE, answer_of
from geodata.queries.planning import Plan
from geodata.queries.questions import METHODS
from geodata.queries.sites import LENS_TITLES
from geodata.queries.thinning import Relocated
from geodata.queries.wanted import TITLES
from layers.hotspots import KINDS
from layers.i18n import N_
from layers.planning import MODELS, SITE_KINDS, SITE_NAMES
from layers.ramps import PROPOSED
from pages.paper.brief import Grid, Section
from pages.paper.classes import hexed
from pages.paper.mapping import Ink, MapLayer
from pages.paper.runs.asked import area_words, yes_no
from pages.paper.runs.scenario import before_after
from pages.paper.runs.stage import Stage, Story
from pages.paper.telling import Say

__all__ = ["tell_moved", "tell_placed", "tell_thinned"]

SEEN = Ink(fill=hexed(PROPOSED), line=hexed(PROPOSED), alpha=0.25, width_pt=0.5)
GOING = KINDS["hot99"][0]
GONE = Ink(fill=hexed(GOING), line=hexed(GOING), alpha=0.15, width_pt=0.5)
GOING_DOT = Ink(fill=hexed(GOING), line="#ffffff", radius_pt=3.2)
GROUND = (
    ("seen_ratio", N_("Ground seen (share)"), "share"),
    ("seen_m2", N_("Ground seen, m²"), "count"),
    ("twice_ratio", N_("Seen by two or more (share)"), "share"),
    ("blind_cells", N_("Blind cells (under 5 % seen)"), "count"),
    ("kerb_ratio", N_("Kerb without bays seen (share of its points)"), "share"),
)
MOST_ROWS = 60


def tell_placed(stage: Stage) -> Story:
    """The best N more."""
    say, body = stage.say, stage.facts.run.result
    question = body["question"]
    places = stage.frame(body)
    title = say("{count} more cameras", count=len(places))
    rows = [
        (say("Unseen demand covered"), _share(body["covered_ratio"])),
        (say("No choice covers more than"), _share(body["bound_ratio"])),
        (say("Gap"), f"{body['gap_ratio']:.2%}"),
        (say("Proven to be the best choice"), yes_no(body["proven_optimal"], say)),
        (say("Unseen demand that no candidate reaches"), _share(body["unreachable_ratio"])),
        (say("Cost, yuan"), f"{body['cost']:,.0f}"),
        (say("Candidates weighed, of those possible"), f"{body['candidates']:,} / {body['possible']:,}"),
    ]
    sections = [
        Section(say("Key figures"), _kept_figures(say), _figures(rows, say)),
        *_ground_seen(body, say),
    ]
    layers: dict[str, tuple[str, dict[str, Any]]] = {
        "proposed_cameras": (say("Proposed cameras"), _layer(stage, body, say("Proposed cameras")))
    }
    drawn = []
    if WHOLE in body:
        plan = answer_of(stage.facts.run.kind, body)
        assert isinstance(plan, Plan)
        drawn, layers["proposed_views"] = _ground(stage, plan.views, SEEN, say("ground that they would see"))
    sections += _mapped(stage, drawn, places, say("proposed camera with its field"))
    sections.append(_placed_table(places, say))
    if len(curve := pd.DataFrame(body.get("curve", []))):
        sections.append(_curve(curve, say))
    if len(districts := pd.DataFrame(body.get("districts", []))):
        sections.append(_districts(districts, say, area_words(stage.conn, stage.language)))
    return Story(
        title=title,
        lead=(say(MODELS[question["model"]]),),
        sections=tuple(sections),
        layers=layers,
        methods=(_model(question, say), *_shared_methods(say)),
        simulated=True,
        question=question,
    )


def tell_thinned(stage: Stage) -> Story:
    """The N that can go."""
    say, body = stage.say, stage.facts.run.result
    cameras = stage.frame(body)
    rows = [
        (say("Lost, share of what counts"), f"{body['loss_ratio']:.2%}"),
        (say("No choice loses less than"), f"{body['bound_ratio']:.2%}"),
        (say("Gap"), f"{body['gap_ratio']:.2%}"),
        (say("Proven to be the best choice"), yes_no(body["proven_optimal"], say)),
        (say("Ground lost"), f"{body['lost_m2']:,.0f} m²"),
        (say("Cameras weighed"), f"{body['among']:,}"),
    ]
    drawn, layers = _lost(stage, body, cameras)
    sections = [
        Section(say("Key figures"), _kept_figures(say), _figures(rows, say)),
        *_ground_seen(body, say),
    ]
    sections += _mapped(stage, [*drawn, _going_dots(cameras, say)], None, "")
    sections.append(_going_table(cameras, say))
    return Story(
        title=say("{count} cameras that could go", count=len(cameras)),
        lead=(say("The cameras whose loss costs least: those that others see for, or that see little."),),
        sections=tuple(sections),
        layers=layers,
        methods=(f"{say(stage.facts.run.method)}.", *_shared_methods(say)),
        simulated=True,
        question=body["question"],
    )


def tell_moved(stage: Stage) -> Story:
    """The N that move."""
    say, body = stage.say, stage.facts.run.result
    both = stage.frame(body)
    going, added = both[both["action"] == "remove"], both[both["action"] == "add"]
    rows = [
        (say("Demand seen before"), _share(body["current_ratio"])),
        (say("Demand seen after"), _share(body["covered_ratio"])),
        (say("No choice covers more than"), _share(body["bound_ratio"])),
        (say("Gap"), f"{body['gap_ratio']:.2%}"),
        (say("Proven to be the best choice"), yes_no(body["proven_optimal"], say)),
        (say("Ground lost"), f"{body['lost_m2']:,.0f} m²"),
    ]
    drawn, layers = _lost(stage, body, going)
    if WHOLE in body:
        moved = answer_of(stage.facts.run.kind, body)
        assert isinstance(moved, Relocated)
        more, layers["proposed_views"] = _ground(stage, moved.views, SEEN, say("ground that they would see"))
        drawn += more
    sections = [
        Section(say("Key figures"), _kept_figures(say), _figures(rows, say)),
        *_ground_seen(body, say),
    ]
    sections += _mapped(
        stage, [*drawn, _going_dots(going, say)], added, say("proposed camera with its field")
    )
    sections += [_going_table(going, say), _placed_table(added, say)]
    return Story(
        title=say("{count} cameras to better places", count=len(added)),
        lead=(say("Cameras taken from where they add least to where they add most."),),
        sections=tuple(sections),
        layers=layers,
        methods=(f"{say(stage.facts.run.method)}.", *_shared_methods(say)),
        simulated=True,
        question={name: value for name, value in body["question"].items() if name != "count"},
    )


# ------------------------------------------------------------------------------------------------- parts


def _ground_seen(body: dict[str, Any], say: Say) -> list[Section]:
    """Ground and kerb before and after; nothing of signs, QR points, and answers kept before it was measured."""
    seen = body.get("ground")
    if not seen:
        return []
    before, after = ({name: ends[n] for name, ends in seen.items()} for n in (0, 1))
    sentence = say(
        "Shares of the ground of all unit cells, as the Cameras screen counts them; kerb without bays counts by points"
        " every 10 m of the planned ground, each as much as another."
    )
    grid = before_after([each for each in GROUND if each[0] in seen], before, after, say)
    return [Section(say("Ground seen before and after"), (sentence,), grid)]


def _model(question: dict[str, Any], say: Say) -> str:
    """The covering model, where it comes from, and what it was given."""
    return say(
        "{model}: {reference}. Sites: {sites}. Demand: {demand}.",
        model=say(MODELS[question["model"]]),
        reference=say(METHODS[question["model"]]),
        sites=say(", ").join(say(SITE_NAMES[each]) for each in question["sites"]),
        demand=say(", ").join(f"{say(TITLES[name])} × {factor:g}" for name, factor in question["weights"]),
    )


def _layer(stage: Stage, body: dict[str, Any], title: str) -> dict[str, Any]:
    return stage.collection(body, title, stage.say(stage.facts.run.method))


def _ground(
    stage: Stage, views: gpd.GeoDataFrame, ink: Ink, title: str
) -> tuple[list[MapLayer], tuple[str, dict[str, Any]]]:
    """Ground on the map, and as a layer."""
    shown = views[~(views.geometry.is_empty | views.geometry.isna())]
    body = shown.to_crs(4326).set_geometry(shown.geometry.set_precision(1e-7, mode="pointwise"))
    plain = {"features": list(body.iterfeatures(drop_id=True))}
    layer = stage.collection(plain, title, stage.say(stage.facts.run.method))
    return [MapLayer(shown.to_crs(stage.epsg).geometry, ink, title)], (title, layer)


def _lost(
    stage: Stage, body: dict[str, Any], cameras: gpd.GeoDataFrame
) -> tuple[list[MapLayer], dict[str, tuple[str, dict[str, Any]]]]:
    """Cameras that go as a layer, and the ground that nobody would see any more."""
    say = stage.say
    title = say("Cameras that go") if "action" not in cameras else say("Cameras that move")
    layers = {"cameras": (title, _layer(stage, body, title))}
    drawn: list[MapLayer] = []
    if WHOLE in body:
        answer = answer_of(stage.facts.run.kind, body)
        assert not isinstance(answer, Plan)
        drawn, layers["lost_ground"] = _ground(
            stage, answer.lost, GONE, say("ground that nobody would see any more")
        )
    return drawn, layers


def _going_dots(cameras: gpd.GeoDataFrame, say: Say) -> MapLayer:
    return MapLayer(cameras.geometry, GOING_DOT, say("camera that can go"))


def _mapped(
    stage: Stage, drawn: list[MapLayer], placed: gpd.GeoDataFrame | None, words: str
) -> list[Section]:
    marks = []
    if placed is not None:
        fields = pd.to_numeric(placed.get("hfov_deg", pd.Series(360.0, index=placed.index))).fillna(360.0)
        headings = pd.to_numeric(placed["heading_deg"]).fillna(0.0)
        marks = [
            (shape.x, shape.y, float(heading), float(view), str(order))
            for shape, heading, view, order in zip(
                placed.geometry, headings, fields, placed["order"], strict=True
            )
        ]
    section = stage.map(
        stage.say("Map"), drawn, marks, mark_label=words if marks else "", notes=_dated(stage)
    )
    return [section] if section is not None else []


def _dated(stage: Stage) -> tuple[str, ...]:
    return (stage.say("Streets and buildings under the map are those that are loaded now."),)


def _placed_table(places: gpd.GeoDataFrame, say: Say) -> Section:
    rows = tuple(
        (
            str(row["order"]),
            say(SITE_KINDS.get(row["site_kind"], row["site_kind"])),
            str(row["site"]),
            say(LENS_TITLES.get(row["lens"], row["lens"])),
            f"{row['heading_deg']:.0f}°",
            f"{row['lon_deg']:.6f}, {row['lat_deg']:.6f}",
            f"{row['gain_ratio']:.2%}",
            f"{row['cost']:,.0f}",
        )
        for row in places.head(MOST_ROWS).to_dict("records")
    )
    heads = (
        "#",
        say("Site"),
        say("Code or number"),
        say("Lens"),
        say("Heading"),
        say("Longitude, latitude"),
        say("Adds"),
        say("Cost, yuan"),
    )
    widths = (0.05, 0.12, 0.2, 0.15, 0.09, 0.2, 0.08, 0.11)
    return Section(
        say("Chosen sites"), _more(len(places), say), Grid(heads, rows, widths, frozenset({4, 6, 7}))
    )


def _going_table(cameras: gpd.GeoDataFrame, say: Say) -> Section:
    rows = tuple(
        (
            str(row["order"]),
            _text(row.get("code")),
            _text(row.get("name")),
            f"{row['lost_m2']:,.0f}",
            _share(row.get("overlap_ratio")),
            _share(row.get("loss_ratio")),
        )
        for row in cameras.head(MOST_ROWS).to_dict("records")
    )
    heads = (
        "#",
        say("Camera code"),
        say("Name"),
        say("Ground lost, m²"),
        say("Seen by others too"),
        say("Lost"),
    )
    widths = (0.06, 0.26, 0.28, 0.14, 0.14, 0.12)
    return Section(
        say("Cameras that go"), _more(len(cameras), say), Grid(heads, rows, widths, frozenset({3, 4, 5}))
    )


def _curve(curve: pd.DataFrame, say: Say) -> Section:
    rows = tuple(
        (f"{row['count']:,.0f}", _share(row["covered_ratio"]), _share(row["bound_ratio"]))
        for row in curve.to_dict("records")
    )
    heads = (say("Number of cameras"), say("Unseen demand covered"), say("No choice covers more than"))
    return Section(
        say("Cover against number"), (), Grid(heads, rows, (0.3, 0.35, 0.35), frozenset({0, 1, 2}))
    )


def _districts(districts: pd.DataFrame, say: Say, named: Callable[[str], str]) -> Section:
    rows = tuple(
        (
            named(str(row["code"])),
            _share(row["minimum_ratio"]),
            _share(row["covered_ratio"]),
            _share(row["reachable_ratio"]),
            yes_no(not row["unmet"], say),
        )
        for row in districts.to_dict("records")
    )
    heads = (
        say("Street"),
        say("Least share"),
        say("Covered"),
        say("Could be covered"),
        say("Minimum reached"),
    )
    return Section(
        say("Districts"), (), Grid(heads, rows, (0.3, 0.17, 0.17, 0.19, 0.17), frozenset({1, 2, 3}))
    )


def _figures(rows: list[tuple[str, str]], say: Say) -> Grid:
    return Grid((say("Figure"), say("Value")), tuple(rows), (0.66, 0.34), frozenset({1}))


def _kept_figures(say: Say) -> tuple[str, ...]:
    return (
        say(
            "The bound is proven: no other choice among the candidates does better than it. The gap is how much of what"
            " could be gained is missed at most; 0 % is proven to be the best choice."
        ),
    )


def _shared_methods(say: Say) -> tuple[str, ...]:
    return (
        say(
            "Demand is expected violations corrected for exposure, reports, schools or all kerbs alike, as the weights"
            " say; what a camera sees is an angular sweep behind footprints with heights, within its range. The model's"
            " numbers have no interval: the bound says how far from the best choice they are, not how well demand is"
            " known."
        ),
    )


def _more(rows: int, say: Say) -> tuple[str, ...]:
    if rows <= MOST_ROWS:
        return ()
    return (say(N_("The first {count} of {all}."), count=MOST_ROWS, all=rows),)


def _share(value: Any) -> str:
    return "–" if value is None or not np.isfinite(float(value)) else f"{float(value):.1%}"


def _text(value: Any) -> str:
    return "–" if value is None or (isinstance(value, float) and np.isnan(value)) else str(value)
