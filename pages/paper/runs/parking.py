"""Reports of parking: demand with intervals and where it is known from, shortage, and the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from layers.demand import EVIDENCE
from layers.i18n import N_
from layers.layer import Measure
from layers.parking import LACKS, MEASURES, class_limits
from layers.ramps import BLUES, NO_EVIDENCE, PROPOSED
from layers.streets import place_name
from pages.paper.brief import Grid, Section
from pages.paper.classes import choropleth, fill, hexed, labels_of
from pages.paper.mapping import Ink, MapLayer
from pages.paper.runs.parking_change import change_sections
from pages.paper.runs.parking_tables import plan_sections
from pages.paper.runs.stage import Stage, Story
from pages.paper.telling import Say

__all__ = ["tell_bays", "tell_parking"]

TOP = 15
BAY = Ink(fill=hexed(PROPOSED), line=hexed(PROPOSED), width_pt=1.0)
UNITS = {
    "captures": N_("captures in the hours chosen, whole period"),
    "reports": N_("reports in the period"),
    "exposure_kmh": N_("km of kerb × hours looked at, recall counted"),
    **dict.fromkeys(
        ("rate_100", "lower80", "upper80", "lower95", "upper95"),
        N_("violations begun per 100 m of kerb and hour"),
    ),
    "per_h": N_("violations an hour in the place"),
    "weight": N_("share of the estimate that captures tell"),
    "wanted": N_("vehicles at a time"),
    "unmet": N_("vehicle-hours a week without a place within the walk"),
    "unmet_ratio": N_("share of those who want one"),
    "reach": N_("places within the walking limit, mean along the kerb"),
    "access": N_("free places for each vehicle that wants one"),
    "length_m": N_("metres of kerb without bays"),
    "cost": N_("yuan"),
    "gain": N_("vehicle-hours a week, of the block"),
    "benefit": N_("vehicle-hours a week"),
    "tariff": N_("yuan an hour"),
    "new_tariff": N_("yuan an hour"),
    "occupancy": N_("share of the places, mean over the hours chosen"),
    "capacity": N_("vehicles"),
    "hour": N_("hour of the week, 0 is Monday 0:00"),
    "hours": N_("hours"),
    "expected": N_("violations found"),
    "vehicle_hours": N_("vehicle-hours a week"),
}
TITLES = {
    "cells": N_("Parking demand and shortage of cells"),
    "streets": N_("Parking demand and shortage of streets"),
    "bays": N_("New bays"),
    "tariffs": N_("Tariff"),
    "patrols": N_("Enforcement"),
    "short": N_("Cells that are short again and again"),
    "works": N_("Costed works"),
}
METHODS = {
    "cells": N_(
        "Captures over exposure, gamma-Poisson about a log-linear model of what lies about the place; mean over the"
        " week"
    ),
    "bays": N_(
        "new bays where most of those who find no place are served within a budget, with a proven bound"
    ),
    "tariffs": N_("SFpark's steps (2014) on estimated occupancy; elasticity −0.6 to −0.2"),
    "patrols": N_("windows of most expected violations, one shift an officer and day"),
    "short": N_("cells with more vehicles without a place than the limit in enough hours of the week"),
    "works": N_("works within a budget by benefit, as a knapsack with a bound"),
}
METHODS["streets"] = METHODS["cells"]


def tell_parking(stage: Stage) -> Story:
    """Demand, shortage and plan as they stood on the screen; of a scenario that nobody kept whole, its figures."""
    say, body, run = stage.say, stage.facts.run.result, stage.facts.run
    if "layers" not in body:
        return _summary(stage)
    figures, held = body["figures"], body["layers"]
    layers = {
        name: (say(TITLES[name]), _layer(stage, name, each))
        for name, each in held.items()
        if each["features"]
    }
    lead = [_scenario_told(body.get("scenario"), say)]
    if figures["missing"]:
        lead += [say(LACKS[name]) for name in figures["missing"]]
    cells = stage.frame(held["cells"])
    streets = stage.frame(held["streets"])
    sections: list[Section | None] = [
        Section(say("Key figures"), (), _figures(figures, say)),
        _demand_map(stage, cells, say("Parking demand of cells")),
        _top_cells(cells, say),
        _demand_map(stage, streets, say("Parking demand of streets")),
        _top_streets(streets, say),
        _evidence_map(stage, cells),
        _shortage_map(stage, cells, held.get("bays")),
        *plan_sections(held, figures, say),
    ]
    return Story(
        title=say("Parking: demand, shortage and plan"),
        lead=tuple(lead),
        sections=tuple(each for each in sections if each is not None),
        layers=layers,
        methods=(
            say(
                "Rates divide captures by exposure: kerb without bays in view × hours looked at × recall of the"
                " detector. They are drawn towards a log-linear model of what lies about the place as far as captures"
                " say little (gamma-Poisson, empirical Bayes). Observed: captures tell at least half of the estimate;"
                " modelled: the model tells more; no evidence: nobody looked, which is not the same as no problem."
            ),
            say(
                "Shortage: vehicles that want a place, served in the nearest free legal place within the walking limit,"
                " hour by hour; those who are left over. Who stands legally now is an assumption, as nobody counts"
                " vacancies."
            ),
            *(
                f"{say(TITLES[name])}: {say(METHODS[name])}."
                for name in held
                if name not in ("cells", "streets")
            ),
            *([f"{say(run.method)}."] if body.get("scenario") else []),
        ),
        simulated=any(bool(each.get("simulated")) for each in held.values()),
        question=run.parameters,
    )


def tell_bays(stage: Stage) -> Story:
    """A choice of new bays that was kept by itself."""
    say, body = stage.say, stage.facts.run.result
    told = body["question"]
    rows = [
        (say("Wanted, vehicle-hours a week"), f"{told['wanted']:,.1f}", "–"),
        (say("Served before, vehicle-hours a week"), f"{told['served_before']:,.1f}", "–"),
        (say("Served after"), f"{told['served_after']:,.1f}", "–"),
        (say("No choice serves more than"), f"{told['upper_bound']:,.1f}", "–"),
        (say("Cost, yuan"), f"{told['cost']:,.0f}", "–"),
    ]
    figures = ("served_before", "served_after", "upper_bound", "wanted", "cost")
    layer = _layer(stage, "bays", body)
    sections: list[Section | None] = [Section(say("Key figures"), (), _grid(rows, say))]
    if body["features"]:
        bays = stage.frame(body)
        sections.append(
            stage.map(say("Map"), [MapLayer(bays.geometry, BAY, say("new bays"))], notes=_now(say))
        )
        blocks = bays.drop_duplicates("order").sort_values("order")
        sections.append(_blocks(blocks, say))
    return Story(
        title=say("New bays"),
        lead=(),
        sections=tuple(each for each in sections if each is not None),
        layers={"bays": (say(TITLES["bays"]), layer)},
        methods=(f"{say(stage.facts.run.method)}.",),
        simulated=bool(body.get("simulated", True)),
        question={name: value for name, value in stage.facts.run.parameters.items() if name not in figures},
    )


def _summary(stage: Stage) -> Story:
    """Before and after, in figures."""
    say, body = stage.say, stage.facts.run.result
    before, after = body["before"], body["after"]
    names = {
        "observed": N_("Cells whose rate is observed"),
        "modelled": N_("Cells whose rate is modelled"),
        "none": N_("Cells without evidence"),
        "per_h": N_("Violations an hour"),
        "width": N_("Mean width of the 95 % interval over the rate"),
        "unmet": N_("Without a place, vehicle-hours a week"),
        "unmet_from": N_("Without a place at the least elasticity of tariffs"),
        "unmet_to": N_("Without a place at the greatest elasticity of tariffs"),
        "bays": N_("New bays"),
        "bays_cost": N_("Cost of new bays, yuan"),
        "tariffs": N_("Other tariffs"),
    }
    rows = tuple(
        (say(title), _number(before.get(name)), _number(after.get(name)))
        for name, title in names.items()
        if name in after
    )
    heads = (say("Figure"), say("Before the change"), say("After the change"))
    sections = [Section(say("Key figures"), (), Grid(heads, rows, (0.6, 0.2, 0.2), frozenset({1, 2})))]
    told = body.get("places")
    if told is None:
        lead = say(
            "This run holds figures only. The button on the Parking screen keeps one with demand, shortage and plan"
            " of every cell and street."
        )
    else:
        lead = say(
            "The screen kept this run by itself: figures, what changes most and where demand is highest, without maps."
            " The button on the Parking screen keeps one with demand, shortage and plan of every cell and street."
        )
        sections += change_sections(told, say)
    return Story(
        title=say("Parking under a scenario"),
        lead=(lead,),
        sections=tuple(sections),
        layers={},
        methods=(f"{say(stage.facts.run.method)}.",),
        simulated=bool(stage.facts.register["simulated"].any()),
        question=stage.facts.run.parameters,
    )


# ------------------------------------------------------------------------------------------------- figures


def _figures(figures: dict[str, Any], say: Say) -> Grid:
    cells, recall = figures["cells"], figures["recall"]
    rows = [
        (say("Captures"), f"{figures['captures']:,.0f}", "–"),
        (say("Kerb looked at, km·h"), f"{figures['exposure_kmh']:,.0f}", "–"),
        (say("Violations an hour"), f"{figures['per_h']:,.1f}", "–"),
        (
            say("Cells observed / modelled / no evidence"),
            f"{cells['observed']:,} / {cells['modelled']:,} / {cells['none']:,}",
            "–",
        ),
        (say("Recall of the detector"), f"{recall[0]:.1%}", f"{recall[1]:.1%} – {recall[2]:.1%}"),
    ]
    if "places" in figures:
        found = figures["found"]
        rows += [
            (say("Legal places"), f"{figures['places']:,.0f}", "–"),
            (say("Capacity assumed"), f"{figures['assumed_ratio']:.0%}", "–"),
            (say("Wanted, vehicle-hours a week"), f"{figures['wanted']:,.1f}", "–"),
            (say("Without a place, vehicle-hours a week"), f"{figures['unmet']:,.1f}", "–"),
            (
                say("Found by officers in a week"),
                f"{found[0]:,.0f}",
                f"{found[1]:,.0f} – {found[2]:,.0f}",
            ),
        ]
    return _grid(rows, say)


def _grid(rows: list[tuple[str, str, str]], say: Say) -> Grid:
    heads = (say("Figure"), say("Value"), say("95 % interval"))
    return Grid(heads, tuple(rows), (0.52, 0.24, 0.24), frozenset({1, 2}))


def _top_cells(cells: gpd.GeoDataFrame, say: Say) -> Section:
    best = _best(cells, "code")
    heads = (say("Unit cell"), *_rate_heads(say))
    grid = Grid(
        heads,
        tuple((str(row["code"]), *_rate_row(row, say)) for row in best.to_dict("records")),
        (0.24, 0.12, 0.2, 0.16, 0.14, 0.14),
        frozenset({1, 2, 4, 5}),
    )
    return Section(say("Cells with most demand"), _rate_note(say), grid)


def _top_streets(streets: gpd.GeoDataFrame, say: Say) -> Section:
    best = _best(streets, "name")
    heads = (say("Street"), *_rate_heads(say))
    grid = Grid(
        heads,
        tuple((place_name(row, say), *_rate_row(row, say)) for row in best.to_dict("records")),
        (0.24, 0.12, 0.2, 0.16, 0.14, 0.14),
        frozenset({1, 2, 4, 5}),
    )
    return Section(say("Streets with most demand"), (), grid)


def _best(places: gpd.GeoDataFrame, name: str) -> pd.DataFrame:
    known = pd.DataFrame(places[pd.to_numeric(places["rate_100"]).notna()])
    return known.sort_values(["rate_100", name, "id"], ascending=[False, True, True]).head(TOP)


def _rate_heads(say: Say) -> tuple[str, ...]:
    return (
        say("Per 100 m and hour"),
        say("95 % interval"),
        say("Evidence"),
        say("Captures"),
        say("Short, veh·h a week"),
    )


def _rate_row(row: dict[Any, Any], say: Say) -> tuple[str, ...]:
    return (
        f"{row['rate_100']:.4f}",
        f"{row['lower95']:.4f} – {row['upper95']:.4f}",
        say(EVIDENCE[row["evidence"]][1]),
        f"{row['captures']:,.0f}",
        _number(row["unmet"]),
    )


def _rate_note(say: Say) -> tuple[str, ...]:
    return (
        say(
            "Violations begun per 100 m of kerb and hour, mean over the week, with the interval that holds the rate in"
            " 95 of 100 cases. Where intervals overlap, the order says little."
        ),
    )


def _blocks(blocks: gpd.GeoDataFrame, say: Say) -> Section:
    rows = tuple(
        (
            str(row["order"]),
            place_name(row, say),
            f"{row['bays']:,.0f}",
            f"{row['cost']:,.0f}",
            f"{row['gain']:,.2f}",
        )
        for row in blocks.to_dict("records")
    )
    heads = ("#", say("Street"), say("Bays"), say("Cost, yuan"), say("Adds, vehicle-hours a week"))
    return Section(
        say("New bays"), (), Grid(heads, rows, (0.08, 0.4, 0.12, 0.16, 0.24), frozenset({2, 3, 4}))
    )


# --------------------------------------------------------------------------------------------------- maps


def _demand_map(stage: Stage, places: gpd.GeoDataFrame, title: str) -> Section | None:
    """The rate in the screen's classes: observed in one ramp, modelled in another, no evidence in grey."""
    say, measure = stage.say, MEASURES["rate_100"]
    values = pd.to_numeric(places["rate_100"])
    limits = class_limits(values)
    labels = labels_of(_told(measure, limits), limits, say)
    classes = np.searchsorted(np.asarray(limits, dtype=float), values.fillna(0.0))
    empty = (values.isna() | (places["evidence"] == "none")).to_numpy()
    lines = bool(len(places)) and places.geom_type.iloc[0].endswith("LineString")

    def ink(colour: tuple[int, int, int, int]) -> Ink:
        return Ink(line=hexed(colour), width_pt=1.6) if lines else fill(colour)

    drawn = [MapLayer(places.geometry[empty], ink(NO_EVIDENCE), say(EVIDENCE["none"][1]))]
    for kind, ramp in (("observed", measure.ramp), ("modelled", BLUES)):
        mine = (places["evidence"] == kind).to_numpy() & ~empty
        drawn += [
            MapLayer(
                places.geometry[mine & (classes == number)],
                ink(ramp[number]),
                f"{say(EVIDENCE[kind][1])}: {label}",
            )
            for number, label in enumerate(labels)
        ]
    notes = (f"{say(measure.title)} ({say(measure.unit)}): {say(measure.meaning)}", *_now(say))
    return stage.map(title, drawn, notes=notes)


def _evidence_map(stage: Stage, cells: gpd.GeoDataFrame) -> Section | None:
    say, measure = stage.say, MEASURES["evidence"]
    drawn = [
        MapLayer(cells.geometry[(cells["evidence"] == kind).to_numpy()], fill(colour), say(words))
        for kind, (colour, words) in EVIDENCE.items()
    ]
    return stage.map(say(measure.title), drawn, notes=(say(measure.meaning),))


def _shortage_map(stage: Stage, cells: gpd.GeoDataFrame, bays: dict[str, Any] | None) -> Section | None:
    say, measure = stage.say, MEASURES["unmet"]
    values = pd.to_numeric(cells["unmet"])
    if values.notna().sum() == 0:
        return None
    limits = class_limits(values)
    drawn = choropleth(cells.assign(unmet=values), _told(measure, limits), limits, say)
    if bays is not None and bays["features"]:
        drawn.append(MapLayer(stage.frame(bays).geometry, BAY, say("new bays")))
    notes = (f"{say(measure.title)} ({say(measure.unit)}): {say(measure.meaning)}", *_now(say))
    return stage.map(say(measure.title), drawn, notes=notes)


def _told(measure: Measure, limits: tuple[float, ...]) -> Measure:
    """The measure with as many decimals as tell its classes apart."""
    least = min((each for each in limits if each > 0), default=1.0)
    return replace(measure, digits=max(measure.digits, min(6, 1 - int(np.floor(np.log10(least))))))


def _layer(stage: Stage, name: str, body: dict[str, Any]) -> dict[str, Any]:
    there = {column for each in body["features"][:1] for column in each["properties"]}
    units = {column: unit for column, unit in UNITS.items() if column in there}
    return stage.collection(body, stage.say(TITLES[name]), stage.say(METHODS[name]), units)


def _scenario_told(scenario: dict[str, Any] | None, say: Say) -> str:
    if scenario is None:
        return say("Cameras, bays and tariffs as they stand.")
    return say(
        "Under the scenario '{name}', version {version}.", name=scenario["name"], version=scenario["version"]
    )


def _now(say: Say) -> tuple[str, ...]:
    return (say("Streets and buildings under the map are those that are loaded now."),)


def _number(value: Any) -> str:
    if value is None or not np.isfinite(float(value)):
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,.2f}"
