"""What the readers of the wall find for each of its pages, as values."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.evaluation import Change, Indicator
from geodata.queries.desk import DeskCounts
from geodata.queries.figures import KeyFigures
from geodata.queries.wall_scope import Named, Period
from geodata.towns.town import Town

__all__ = [
    "COMPARED_DAYS",
    "TOP",
    "CameraPage",
    "CellPage",
    "Evaluation",
    "LeadPage",
    "OverviewPage",
    "ParkingPage",
    "PipePage",
    "Reading",
]

COMPARED_DAYS = 90
"""Reports of so many days are held against as many before, where nobody chose any days."""
TOP = 5
"""So many rows a list on the wall has."""


@dataclass(frozen=True, eq=False)
class OverviewPage:
    """
    The city at a glance.

    Attributes
    ----------
    figures
        Of the town, or of what was asked.
    period
        The days of its violations.
    by_day
        `day`, `cases`: each whole day of the period, or the last ones on record, those without any too.
    by_area
        `name_zh`, `name_en`, `cases`: the areas with most on the days of the period.
    by_source
        `source`, `cases`: of the same days.
    """

    figures: KeyFigures
    period: Period
    by_day: pd.DataFrame
    by_area: pd.DataFrame
    by_source: pd.DataFrame


@dataclass(frozen=True, eq=False)
class CellPage:
    """
    The grid and its cases.

    Attributes
    ----------
    cells, seen_cells
        Unit cells; those of them that somebody looked at.
    period
        The days of the cases.
    recent
        Cases of these days against as many before.
    by_class
        `name_zh`, `name_en`, `cases`: of those days.
    by_hour
        (24,) cases of those days by hour of the town's day.
    worst
        `code`, `rate`, `lower`, `upper`, `lon_deg`, `lat_deg`: cells whose lower limit is highest; violations an hour
        of full view.
    breaks
        Limits of the classes of the rate.
    """

    cells: int
    seen_cells: int
    period: Period
    recent: Change
    by_class: pd.DataFrame
    by_hour: np.ndarray[Any, np.dtype[np.int64]]
    worst: pd.DataFrame
    breaks: list[float]


@dataclass(frozen=True, eq=False)
class CameraPage:
    """
    Cameras and what they see.

    Attributes
    ----------
    cameras, online
        In the register; those that work.
    once_ratio, twice_ratio
        Share of the ground that at least one, at least two cameras see; None: not computed.
    by_task
        `name`, `ratio`: share of the ground by DORI task.
    by_hour
        (24,) share of the ground by hour of the day; NaN: not computed.
    by_owner
        `owner`, `cameras`: most first.
    """

    cameras: int
    online: int
    once_ratio: float | None
    twice_ratio: float | None
    by_task: pd.DataFrame
    by_hour: np.ndarray[Any, np.dtype[np.float64]]
    by_owner: pd.DataFrame


@dataclass(frozen=True, eq=False)
class ParkingPage:
    """
    Parking against the rules.

    Attributes
    ----------
    per_h, edges, seen_edges
        Violations begun an hour at all places with an estimate, these places, and those that captures tell of.
    dark_edges
        Street edges without evidence.
    kerb_km
        `legal` (true, false or none), `km`.
    car_parks, told_capacity, capacity
        Car parks; those whose capacity is known; its sum.
    recall
        `hits`, `misses` of the beta distribution of the detector's recall, or None.
    by_hour
        (24,) how busy each hour of the day is against the mean; NaN: not estimated.
    worst
        `name`, `rate`, `lower`, `upper` (violations begun a kilometre of kerb and hour), `lon_deg`, `lat_deg`.
    """

    per_h: float | None
    edges: int
    seen_edges: int
    dark_edges: int
    kerb_km: pd.DataFrame
    car_parks: int
    told_capacity: int
    capacity: int
    recall: tuple[float, float] | None
    by_hour: np.ndarray[Any, np.dtype[np.float64]]
    worst: pd.DataFrame


@dataclass(frozen=True, eq=False)
class PipePage:
    """
    Pipes and lifelines.

    Attributes
    ----------
    by_network
        `network`, `km`, `pipes`: longest first.
    nodes
        `network`, `nodes`: most first.
    sensors, online
        Devices that measure; those that work.
    sized_ratio
        Share of the length whose diameter is on record, or None.
    middle
        Longitude and latitude of the middle of all pipes, or None.
    """

    by_network: pd.DataFrame
    nodes: pd.DataFrame
    sensors: int
    online: int
    sized_ratio: float | None
    middle: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class LeadPage:
    """
    What the video patrol brings.

    Attributes
    ----------
    desk
        What waits for a person.
    streams
        State → cameras that are patrolled.
    looks
        Frames looked at in the last hour.
    by_hour
        `at`, `leads`: leads of the last 24 hours by hour, oldest first, those without any too.
    newest
        `name_zh`, `name_en`, `camera`, `first_seen_at`, `confidence`, `state`, `lon_deg`, `lat_deg`: newest first.
    """

    desk: DeskCounts
    streams: dict[str, int]
    looks: int
    by_hour: pd.DataFrame
    newest: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Evaluation:
    """
    How well the city finds and deals with its problems.

    Attributes
    ----------
    shares
        Indicators of GB/T 30428.4 over all cases on record.
    limited, timed, cases
        Cases whose class has a scene with limits; of these, those of classes of which some were ever closed; all that
        are not void. What is closed in time is told of the second.
    areas
        `name_zh`, `name_en`, and the columns of `analysis.evaluation.ranked_rates`, by rank.
    breaks
        Limits of the classes of the rate.
    reports
        What people reported in the last days on record, or those chosen, against as many before, by area: `name_zh`,
        `name_en`, `change`.
    compared_days
        How many days these are.
    """

    shares: tuple[Indicator, ...]
    limited: int
    timed: int
    cases: int
    areas: pd.DataFrame
    breaks: list[float]
    reports: pd.DataFrame
    compared_days: int


@dataclass(frozen=True, eq=False)
class Reading:
    """
    What was read for a page, all of one moment.

    Attributes
    ----------
    town, taken_at
        Of the database, and by its clock.
    extent
        West, south, east, north of all unit cells, degrees.
    register
        Rows of `dataset` by name: source, licence, revision, simulated.
    figures
        What the page's own function found.
    asked
        What they are of, with its names.
    """

    town: Town
    taken_at: dt.datetime
    extent: tuple[float, float, float, float]
    register: dict[str, Any]
    figures: Any
    asked: Named
