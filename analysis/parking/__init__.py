"""Parking: places to stand, where more could lie, what they should cost, where to patrol, and what to build first."""

from analysis.parking.choice import BayPlan, choose_bays
from analysis.parking.enforcement import PatrolPlan, patrol_plan
from analysis.parking.faults import Fault
from analysis.parking.layout import (
    BAY_STREETS,
    CLEARANCES,
    LAW,
    PRACTICE,
    SHAPES,
    BayBlocks,
    BayShape,
    Clearance,
    bay_blocks,
    junctions_and_bends,
    missing_kinds,
    usable_kerbs,
)
from analysis.parking.supply import (
    BAY_PITCH_M,
    OPEN_ACCESS,
    Supply,
    car_park_supply,
    joined_supply,
    kerb_supply,
)
from analysis.parking.tariff import (
    ELASTICITY,
    SFPARK,
    StepRule,
    free_places,
    occupancy_from_rates,
    occupancy_from_series,
    tariff_steps,
)
from analysis.parking.works import WorksList, persistent_shortages, works_list

__all__ = [
    "BAY_PITCH_M",
    "BAY_STREETS",
    "CLEARANCES",
    "ELASTICITY",
    "LAW",
    "OPEN_ACCESS",
    "PRACTICE",
    "SFPARK",
    "SHAPES",
    "BayBlocks",
    "BayPlan",
    "BayShape",
    "Clearance",
    "Fault",
    "PatrolPlan",
    "StepRule",
    "Supply",
    "WorksList",
    "bay_blocks",
    "car_park_supply",
    "choose_bays",
    "free_places",
    "joined_supply",
    "junctions_and_bends",
    "kerb_supply",
    "missing_kinds",
    "occupancy_from_rates",
    "occupancy_from_series",
    "patrol_plan",
    "persistent_shortages",
    "tariff_steps",
    "usable_kerbs",
    "works_list",
]
