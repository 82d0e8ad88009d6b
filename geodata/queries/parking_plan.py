"""A plan for parking: where bays go, what places should cost, when officers come, what is built first."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.demand import WEEK_H, Demand
from analysis.errors import InputError
from analysis.parking import (
    CLEARANCES,
    SHAPES,
    BayBlocks,
    BayPlan,
    Clearance,
    PatrolPlan,
    WorksList,
    bay_blocks,
    choose_bays,
    occupancy_from_rates,
    patrol_plan,
    persistent_shortages,
    tariff_steps,
    usable_kerbs,
    works_list,
)
from geodata.queries.demand import UNIT_CELL
from geodata.queries.parking import ParkingGround
from geodata.queries.parking_access import Access, Need
from geodata.queries.parking_changes import blocks

__all__ = [
    "METHOD",
    "BayQuestion",
    "Bays",
    "clearances_of",
    "patrols",
    "plan_bays",
    "short_places",
    "tariffs",
    "works",
]

Floats: TypeAlias = npt.NDArray[np.float64]

METHOD = (
    "kerb candidates outside the distances kept clear, blocks chosen by capacity-constrained maximum coverage under a"
    " budget, with a bound"
)
WORK_DAYS, REST_DAYS = 5, 2
"""Of a week; the hours of a working day and of a day of rest stand for all."""


@dataclass(frozen=True)
class BayQuestion:
    """
    What is asked of new bays.

    Attributes
    ----------
    budget
        Yuan, above 0.
    rule
        Set of distances that are kept clear: of analysis.parking.CLEARANCES.
    clearances
        Kind and metres that differ from that set.
    shape
        Of analysis.parking.SHAPES.
    bay_cost, block_cost
        Yuan for each bay, and for the signs of each block.
    """

    budget: float = 100_000.0
    rule: str = "practice"
    clearances: tuple[tuple[str, float], ...] = ()
    shape: str = "parallel"
    bay_cost: float = 600.0
    block_cost: float = 1_500.0


@dataclass(frozen=True, eq=False)
class Bays:
    """
    Where new bays go.

    Attributes
    ----------
    question
        What was asked.
    plan
        The choice with its bound; vehicle-hours a week.
    blocks
        Chosen blocks in order: `order`, `street`, `street_edge_id`, `bays`, `cost`, `gain` (vehicle-hours a week
        served more) and a point.
    shapes
        Their bays: `order` and a rectangle.
    candidates
        Blocks that could have been chosen.
    kinds_missing
        Kinds of features with a distance of which the town has none: nothing was kept clear of them.
    seconds
        That it took.
    """

    question: BayQuestion
    plan: BayPlan
    blocks: gpd.GeoDataFrame
    shapes: gpd.GeoDataFrame
    candidates: int
    kinds_missing: tuple[str, ...]
    seconds: float


def clearances_of(question: BayQuestion) -> tuple[Clearance, ...]:
    """The distances that are kept clear, with their source."""
    own = dict(question.clearances)
    return tuple(
        Clearance(each.kind, own.get(each.kind, each.metres), each.source)
        for each in CLEARANCES[question.rule]
    )


def plan_bays(need: Need, question: BayQuestion, taken: gpd.GeoSeries | None = None) -> Bays:
    """
    Chooses blocks of new bays for those who find no place.

    Parameters
    ----------
    need
        Who finds no place.
    question
        Budget, costs, distances, shape.
    taken
        Ground on which no bay can be laid any more, such as bays that a scenario has already.

    Raises
    ------
    InputError
        If no bay fits anywhere, or nobody wants a place.
    """
    began = time.perf_counter()
    access, ground = need.access, need.access.ground
    shape, clear = SHAPES[question.shape], clearances_of(question)
    stretches = usable_kerbs(ground.kerbs, ground.clear, clearances=clear, shape=shape)
    made = bay_blocks(
        stretches,
        ground.clear,
        shape=shape,
        bay_cost=question.bay_cost,
        block_cost=question.block_cost,
        clearances=clear,
    )
    made = _apart(made, taken)
    if made.blocks.empty:
        raise InputError(
            "No bay fits along any kerb outside the distances that are kept clear.",
            "Choose smaller distances, another shape, or a town with more kerbs.",
        )
    wanted, weights = _typical(need.wanted)
    if not need.unmet.any():
        return _no_bays(need, question, wanted, weights, made, time.perf_counter() - began)
    plan = choose_bays(
        access.walks_to(made.blocks, need.rules.limit_m),
        wanted,
        made.blocks["bays"].to_numpy(),
        made.blocks["cost"].to_numpy(),
        question.budget,
        existing=(access.walks.within(need.rules.limit_m), need.free),
        hour_weights=weights,
    )
    kerbs = ground.kerbs.loc[made.blocks["kerb"].iloc[plan.chosen]]
    blocks = made.blocks.iloc[plan.chosen].assign(
        order=np.arange(1, len(plan.chosen) + 1),
        street=kerbs["name"].to_numpy(dtype=object),
        street_edge_id=kerbs["street_edge_id"].to_numpy(),
        gain=plan.gains,
    )
    order = dict(zip(plan.chosen.tolist(), range(1, len(plan.chosen) + 1), strict=True))
    shapes = made.bays[made.bays["block"].isin(plan.chosen)]
    shapes = shapes.assign(order=shapes["block"].map(order))
    return Bays(
        question, plan, blocks, shapes, len(made.blocks), made.kinds_missing, time.perf_counter() - began
    )


def _no_bays(
    need: Need, question: BayQuestion, wanted: Floats, weights: Floats, made: BayBlocks, seconds: float
) -> Bays:
    """Everybody finds a place: nothing can be gained, which needs no search."""
    total = float((wanted @ weights).sum())
    none = np.zeros_like(wanted)
    plan = BayPlan(
        chosen=np.zeros(0, np.int64),
        gains=np.zeros(0),
        served_before=total,
        served_after=total,
        wanted=total,
        upper_bound=total,
        gap_ratio=0.0,
        proven_optimal=True,
        cost=0.0,
        budget=question.budget,
        unmet_before=none,
        unmet_after=none,
        used=np.zeros((len(made.blocks), wanted.shape[1])),
    )
    blocks = made.blocks.iloc[:0].assign(order=[], street=[], street_edge_id=[], gain=[])
    shapes = made.bays.iloc[:0].assign(order=[])
    return Bays(question, plan, blocks, shapes, len(made.blocks), made.kinds_missing, seconds)


def _apart(made: BayBlocks, taken: gpd.GeoSeries | None) -> BayBlocks:
    """Without the blocks that lie on taken ground."""
    if taken is None or taken.empty or made.blocks.empty:
        return made
    touched = made.bays.sindex.query(taken.to_crs(made.bays.crs).to_numpy(), predicate="intersects")[1]
    kept = ~made.blocks.index.isin(made.bays["block"].iloc[touched])
    number = pd.Series(np.arange(int(kept.sum())), index=made.blocks.index[kept])
    bays = made.bays[made.bays["block"].isin(number.index)]
    return replace(
        made,
        blocks=made.blocks[kept].reset_index(drop=True),
        bays=bays.assign(block=bays["block"].map(number)),
    )


def _typical(by_hour: Floats) -> tuple[Floats, Floats]:
    """Hours of a mean working day and of a mean day of rest, and how often each comes in a week."""
    days = by_hour.reshape(len(by_hour), 7, 24)
    found = np.concatenate([days[:, :WORK_DAYS].mean(axis=1), days[:, WORK_DAYS:].mean(axis=1)], axis=1)
    return found, np.repeat([float(WORK_DAYS), float(REST_DAYS)], 24)


def tariffs(
    need: Need, demand: Demand, hours: list[int], tariff: float, own: pd.Series[float] | None = None
) -> pd.DataFrame:
    """
    The next tariff of each street's bays and each car park in some hours, by SFpark's rule.

    Nobody counts how full they are: those who stand legally take what is not free by assumption, and those who park
    badly now come on top. The interval is that of all demand together. `own` holds the tariffs of blocks that have
    another than the rest.

    Returns
    -------
    steps
        As `analysis.parking.tariff_steps`, with `kind`, `street` and `capacity`; fullest first.
    """
    access = need.access
    if access.supply is None:
        raise InputError(
            "There are no legal bays and no car parks with capacity.",
            "Load kerbs with parking tags or car parks; without them all demand is shortage.",
        )
    block = blocks(access)
    capacity = pd.Series(access.supply.capacity).groupby(block).sum()
    taken = pd.Series(access.supply.capacity - need.free).groupby(block).sum()
    used = pd.Series(need.used[:, hours].mean(axis=1)).groupby(block).sum()
    rates = demand.rates(hours)
    total = float(rates["per_h"].sum())
    low, high = (
        float((rates[name] * demand.places["length_m"]).sum()) / total if total else 1.0
        for name in ("lower95", "upper95")
    )
    arrivals = pd.DataFrame(
        {
            "block": capacity.index,
            "hour": hours[0],
            "rate": (taken + used).to_numpy(),
            "lower": (taken + used * low).to_numpy(),
            "upper": (taken + used * high).to_numpy(),
        }
    )
    occupancy = occupancy_from_rates(arrivals, 1.0, capacity)
    today = pd.Series(tariff, index=capacity.index)
    if own is not None:
        today = today.where(~today.index.isin(own.index), own.reindex(today.index))
    steps = tariff_steps(occupancy, today)
    kind, name = (steps["block"].str.split(":", n=1).str[part] for part in (0, 1))
    found = steps.assign(kind=kind, street=name, capacity=steps["block"].map(capacity))
    return found.sort_values(["occupancy", "capacity"], ascending=False, ignore_index=True)


def patrols(demand: Demand, *, officers: int, shift_h: int, window_h: int, found_ratio: float) -> PatrolPlan:
    """Windows of the week in which officers find most violations; rows of the plan's places are those of `demand`."""
    rates = demand.rates()
    expected = demand.by_hour()
    lower, upper = (
        expected * (rates[name] / rates["rate"]).to_numpy()[:, None] for name in ("lower95", "upper95")
    )
    return patrol_plan(
        expected, lower, upper, officers=officers, shift_h=shift_h, window_h=window_h, found_ratio=found_ratio
    )


def short_places(
    ground: ParkingGround, need: Need, *, least_vehicles: float, least_ratio: float
) -> pd.DataFrame:
    """Cells that are short of places again and again, by id; as `analysis.parking.persistent_shortages`."""
    ids = ground.scape.ids[UNIT_CELL]
    wanted, unmet = (_by_cell(need.access, each, len(ids)) for each in (need.wanted, need.unmet))
    found = persistent_shortages(unmet, wanted, least_vehicles=least_vehicles, least_ratio=least_ratio)
    return found.assign(cell_id=ids[found["place"]])


def works(ground: ParkingGround, need: Need, demand: Demand, bays: Bays, budget: float) -> WorksList:
    """
    The blocks of a plan as works, best benefit for cost first, with what speaks for each.

    Benefits are what each block adds after those before it, so they add up. Evidence is that of the cell in which
    most of the block's neighbours stand: the nearest piece of kerb.
    """
    at = ground.scape.points.sindex.nearest(bays.blocks.geometry, return_all=False)[1]
    cell = ground.scape.ids[UNIT_CELL][ground.scape.place[UNIT_CELL][at]]
    told = demand.places.loc[cell]
    rows = pd.DataFrame(bays.blocks.drop(columns=bays.blocks.geometry.name)).assign(
        benefit=bays.blocks["gain"],
        cell_id=cell.to_numpy(),
        evidence=told["evidence"].to_numpy(),
        captures=told["captures"].to_numpy(),
        weight=told["weight"].to_numpy(),
    )
    return works_list(rows, budget)


def _by_cell(access: Access, by_piece: Floats, cells: int) -> Floats:
    found = np.zeros((cells, WEEK_H))
    np.add.at(found, access.cell, by_piece)
    return found
