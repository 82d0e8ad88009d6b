"""A whole answer of the Parking screen to be kept as a run: demand, shortage, bays, tariffs, patrols, works."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from geodata.export.parking import parking_geojson
from geodata.queries.demand import EDGE, UNIT_CELL
from geodata.queries.parking import ParkingGround, Standing, place_table, week_hours
from geodata.queries.parking_access import Access, Need, Rules
from geodata.queries.parking_changes import ParkingChanges, blocks
from geodata.queries.parking_plan import Bays, patrols, short_places, tariffs, works
from geodata.queries.scenarios import Scenario

__all__ = ["PlanQuestion", "block_shapes", "parking_run"]

WEEK = week_hours("all", 0, 24)
COLUMNS = (
    *("evidence", "length_m", "captures", "reports", "exposure_kmh", "weight"),
    *("rate_100", "lower80", "upper80", "lower95", "upper95", "per_h"),
    *("wanted", "unmet", "unmet_ratio", "reach", "access"),
)
"""What a cell or street tells, for the whole week."""


@dataclass(frozen=True)
class PlanQuestion:
    """
    What is asked of the plan beside bays.

    Attributes
    ----------
    place
        unit_cell or street_edge: where officers go.
    hours
        Hours of the week for which tariffs are found.
    tariff
        Today's, yuan an hour.
    officers, shift_h, window_h, found_ratio
        As of `patrols`.
    least_vehicles, least_ratio
        As of `short_places`.
    works_budget
        Yuan; that of the bays where it is None.
    """

    place: str = UNIT_CELL
    hours: tuple[int, ...] = field(default=WEEK)
    tariff: float = 5.0
    officers: int = 3
    shift_h: int = 8
    window_h: int = 2
    found_ratio: float = 0.5
    least_vehicles: float = 0.05
    least_ratio: float = 0.1
    works_budget: float | None = None


def parking_run(
    ground: ParkingGround,
    standing: Standing,
    need: Need | None,
    rules: Rules,
    register: pd.DataFrame,
    question: PlanQuestion,
    *,
    bays: Bays | None = None,
    scenario: Scenario | None = None,
    changes: ParkingChanges | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Question and answer in what JSON knows.

    Parameters
    ----------
    ground, standing, need, rules
        As the screen has them; without `need` there is demand and nothing else.
    register
        Rows of the datasets that it rests on.
    question
        See `PlanQuestion`.
    bays
        New bays, if they were worked out.
    scenario, changes
        Under which it stands.

    Returns
    -------
    parameters, result
        The result holds FeatureCollections under `layers`: `cells` and `streets`, and where there are places to stand
        `bays`, `tariffs`, `patrols`, `short`, `works`; figures under `figures`.
    """
    asked = asdict(question) | {"week_hours": _spans(question.hours), **asdict(rules)}
    del asked["hours"]
    asked |= {"recall": round(ground.recall.mean, 4), "scenario": None, "scenario_version": None}
    if scenario is not None:
        asked |= {"scenario": scenario.token, "scenario_version": scenario.version}
    if bays is not None:
        asked |= {f"bays_{name}": value for name, value in asdict(bays.question).items()}
        asked["bays_clearances"] = [list(each) for each in bays.question.clearances]
    tables = {place: place_table(ground, standing, need, place, WEEK) for place in (UNIT_CELL, EDGE)}

    def layer(table: pd.DataFrame, shapes: gpd.GeoDataFrame, **units: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(
            parking_geojson(table, shapes, register, title="", method="", units=units, question={})
        )
        told.pop("exported_at")
        return told

    layers = {
        name: layer(tables[place][list(COLUMNS)], ground.shapes[place])
        for name, place in (("cells", UNIT_CELL), ("streets", EDGE))
    }
    low, high = ground.recall.interval()
    kinds = tables[UNIT_CELL]["evidence"].value_counts()
    figures: dict[str, Any] = {
        "captures": float(tables[UNIT_CELL]["captures"].sum()),
        "exposure_kmh": float(tables[UNIT_CELL]["exposure_kmh"].sum()),
        "per_h": float(tables[UNIT_CELL]["per_h"].sum()),
        "cells": {kind: int(kinds.get(kind, 0)) for kind in ("observed", "modelled", "none")},
        "recall": [ground.recall.mean, low, high],
        "missing": list(ground.missing),
    }
    if need is not None and need.access.supply is not None:
        more, told = _plan(ground, standing, need, question, bays, changes, layer)
        layers |= more
        figures |= told
    head = None if scenario is None else {"name": scenario.name, "version": scenario.version}
    return asked, {"layers": layers, "figures": figures, "scenario": head}


def _plan(
    ground: ParkingGround,
    standing: Standing,
    need: Need,
    question: PlanQuestion,
    bays: Bays | None,
    changes: ParkingChanges | None,
    layer: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:
    supply, demand = need.access.supply, standing.found.demand
    assert supply is not None
    own = None if changes is None else changes.tariffs.set_index("block")["tariff"]
    steps = tariffs(need, demand[UNIT_CELL], list(question.hours), question.tariff, own)
    layers = {
        "tariffs": layer(
            steps.drop(columns="hour"),
            block_shapes(need.access).loc[steps["block"]].reset_index(drop=True),
        )
    }
    there = demand[question.place]
    plan = patrols(
        there,
        officers=question.officers,
        shift_h=question.shift_h,
        window_h=question.window_h,
        found_ratio=question.found_ratio,
    )
    windows = plan.windows.sort_values(["day", "hour", "expected"], ascending=[True, True, False])
    places = there.places.index[windows["place"]]
    layers["patrols"] = layer(
        windows.drop(columns="place")
        .assign(evidence=there.places["evidence"].loc[places].to_numpy())
        .reset_index(drop=True),
        ground.shapes[question.place].loc[places].reset_index(drop=True),
    )
    short = short_places(
        ground, need, least_vehicles=question.least_vehicles, least_ratio=question.least_ratio
    )
    known = demand[UNIT_CELL].places.loc[short["cell_id"]]
    layers["short"] = layer(
        short.drop(columns=["place", "cell_id"])
        .assign(evidence=known["evidence"].to_numpy(), captures=known["captures"].to_numpy())
        .reset_index(drop=True),
        ground.shapes[UNIT_CELL].loc[short["cell_id"]].reset_index(drop=True),
    )
    figures: dict[str, Any] = {
        "places": float(supply.total),
        "assumed_ratio": float(supply.assumed_ratio),
        "wanted": float(need.wanted.sum()),
        "unmet": float(need.unmet.sum()),
        "found": [plan.expected, plan.lower, plan.upper],
    }
    if bays is not None:
        figures["bays"] = {
            name: float(getattr(bays.plan, name))
            for name in ("served_before", "served_after", "upper_bound", "gap_ratio", "wanted", "cost")
        } | {"new": int(bays.blocks["bays"].sum()), "kinds_missing": list(bays.kinds_missing)}
        blocks_of = pd.DataFrame(bays.blocks.drop(columns=bays.blocks.geometry.name))
        rows = blocks_of[["order", "street", "bays", "cost", "gain"]].reset_index(drop=True)
        name = bays.shapes.geometry.name
        if len(rows):
            shapes = bays.shapes.dissolve("order")[[name]]
            layers["bays"] = layer(rows, shapes.loc[rows["order"]].reset_index(drop=True))
            budget = bays.question.budget if question.works_budget is None else question.works_budget
            found = works(ground, need, demand[UNIT_CELL], bays, budget)
            listed = found.works.reset_index(drop=True)
            layers["works"] = layer(listed, shapes.loc[listed["order"]].reset_index(drop=True))
            figures["works"] = {
                "benefit": found.benefit,
                "upper_bound": found.upper_bound,
                "cost": found.cost,
                "budget": budget,
            }
    return layers, figures


def block_shapes(access: Access) -> gpd.GeoDataFrame:
    """The kerbs and car parks of each block of places, by block."""
    assert access.supply is not None
    places = access.supply.places
    joined = places.geometry.groupby(blocks(access)).agg(lambda shapes: shapes.union_all())
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(joined, crs=places.crs), crs=places.crs)


def _spans(hours: tuple[int, ...]) -> list[list[int]]:
    """Hours of the week as runs: from, and up to."""
    spans: list[list[int]] = []
    for hour in sorted(hours):
        if spans and spans[-1][1] == hour:
            spans[-1][1] = hour + 1
        else:
            spans.append([hour, hour + 1])
    return spans
