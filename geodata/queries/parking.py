"""What the Parking screen shows: captures, exposure, demand, access and shortage of cells and streets, by hours."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from analysis.demand import Demand, Recall
from analysis.exposure import Watch
from analysis.parking import ELASTICITY
from geodata.progress import Progress, silent
from geodata.queries.background import Kept
from geodata.queries.demand import (
    EDGE,
    PLACES,
    UNIT_CELL,
    Estimates,
    Events,
    Looking,
    Streetscape,
    estimate,
    find_recall,
    load_streetscape,
    read_events,
    read_looking,
    watching,
)
from geodata.queries.frames import read_frame
from geodata.queries.parking_access import Access, Need, Rules, load_access, need
from geodata.queries.parking_changes import ParkingChanges, access_with, free_with
from geodata.towns.town import Town

__all__ = [
    "EDGE",
    "PLACES",
    "UNIT_CELL",
    "ParkingGround",
    "Standing",
    "load_parking",
    "needed",
    "place_table",
    "week_hours",
]

Floats: TypeAlias = npt.NDArray[np.float64]

STEPS = 6
"""Of reading a town."""
MOST_NEEDS = 16
DAYS = {
    "all": tuple(range(7)),
    "work": tuple(range(5)),
    "rest": (5, 6),
    **{str(day): (day,) for day in range(7)},
}
"""Kind of day → days of the week, Monday 0."""
INTERVALS = ("lower80", "upper80", "lower95", "upper95")


@dataclass(frozen=True, eq=False)
class Standing:
    """
    Demand as a set of cameras tells it.

    Attributes
    ----------
    watch
        Which cameras see which kerb.
    looking
        When they look.
    found
        Rates of cells and streets.
    """

    watch: Watch
    looking: Looking
    found: Estimates


@dataclass(frozen=True, eq=False)
class ParkingGround:
    """
    What every question about parking starts from; loaded once a revision.

    Attributes
    ----------
    epsg
        Metric CRS.
    scape
        Kerbs without bays.
    events
        Captures and reports.
    recall, reports, caught
        Of the detector; reports where cameras were looking, and how many of them were caught.
    now
        Demand by the cameras as they stand.
    shapes
        By kind of place: geometry with `code` or `name` and `highway`, `name_zh`, `name_en` (of its community).
    access
        Supply and ways to it; None if there are no streets or no places to stand.
    missing
        What the town does not have: cameras, exposure, captures, reports, streets, bays.
    """

    epsg: int
    scape: Streetscape
    events: Events
    recall: Recall
    reports: int
    caught: int
    now: Standing
    shapes: dict[str, gpd.GeoDataFrame]
    access: Access | None
    missing: tuple[str, ...]
    _needs: Kept[Need] = field(default_factory=lambda: Kept(MOST_NEEDS), repr=False)


def load_parking(conn: Connection, town: Town, progress: Progress = silent) -> ParkingGround:
    """Reads kerbs, cameras, captures and supply, and estimates demand as the screen needs it."""
    progress(0, STEPS, "Reading kerbs and what lies about them")
    scape = load_streetscape(conn, town)
    progress(1, STEPS, "Reading exposure")
    looking = read_looking(conn, town)
    watch = watching(conn, scape, looking)
    progress(2, STEPS, "Reading captures and reports")
    events = read_events(conn, town, scape, looking)
    recall, reports, caught = find_recall(events, watch, looking)
    progress(3, STEPS, "Estimating rates")
    now = Standing(watch, looking, estimate(scape, watch, looking, events, recall))
    progress(4, STEPS, "Reading places to stand")
    access = load_access(conn, town, scape)
    progress(5, STEPS, "Reading cells and streets")
    shapes = {
        UNIT_CELL: read_frame(
            conn,
            "SELECT c.id, c.code, a.name_zh, a.name_en, c.geom FROM unit_cell c"
            " LEFT JOIN area a ON a.id = c.area_id ORDER BY c.id",
        ),
        EDGE: read_frame(conn, "SELECT id, name, highway, geom FROM street_edge ORDER BY id"),
    }
    shapes = {place: frame.reindex(scape.ids[place]) for place, frame in shapes.items()}
    sources = events.rows["source"]
    lacks = {
        "cameras": len(watch.cameras) == 0 and looking.share.empty,
        "exposure": looking.share.empty,
        "captures": not (sources == "camera").any(),
        "reports": not (sources == "qr").any(),
        "streets": len(scape.points) == 0,
        "bays": access is None or access.supply is None,
    }
    missing = tuple(name for name, lacking in lacks.items() if lacking)
    return ParkingGround(
        town.metric_epsg, scape, events, recall, reports, caught, now, shapes, access, missing
    )


def week_hours(days: str, begin: int, end: int) -> tuple[int, ...]:
    """Hours of the week: on days of a kind, from one hour of the day up to another, which is not in it."""
    return tuple(day * 24 + hour for day in DAYS[days] for hour in range(begin, end))


def needed(
    ground: ParkingGround,
    standing: Standing,
    rules: Rules,
    key: Hashable = None,
    *,
    changes: ParkingChanges | None = None,
    elasticity: float = sum(ELASTICITY) / 2,
) -> Need | None:
    """
    Who wants to stand where, and finds no place; None without places to stand.

    Parameters
    ----------
    ground
        The town.
    standing
        Demand by some cameras.
    rules
        How far people walk, how long they stand, how much is free.
    key
        Names `standing` and `changes`, to keep the answer; None for the town as it stands.
    changes
        New bays and other tariffs.
    elasticity
        How those who stand legally follow a tariff, 0 or less.
    """
    if ground.access is None:
        return None
    access, demand = ground.access, standing.found.demand[UNIT_CELL]

    def found() -> Need:
        if changes is None or changes.empty:
            return need(access, ground.scape, demand, rules)
        under = access_with(access, changes)
        free = free_with(under, rules, changes.tariffs, elasticity)
        return need(under, ground.scape, demand, rules, free)

    return ground._needs.get((key, rules, elasticity if changes is not None else None), found)


def place_table(
    ground: ParkingGround, standing: Standing, need: Need | None, place: str, hours: Sequence[int]
) -> pd.DataFrame:
    """
    All that the five views show of cells or streets in some hours of the week.

    Returns
    -------
    table
        Indexed by id: `captures` (expected ones under a scenario) and `reports` in those hours of the period,
        `exposure_kmh` (kilometre-hours of kerb looked at), `length_m`, `rate_100` (violations begun per 100 m and hour)
        with `lower80` … `upper95` of it, `width` (of the 95 % interval over the rate), `per_h`, `evidence`, `weight`;
        what `Need.of_places` tells, missing without places to stand.
    """
    demand: Demand = standing.found.demand[place]
    chosen = list(hours)
    rates = demand.rates(chosen)
    per_100 = rates[["rate", *INTERVALS]] * 100
    told = ground.events.tally(ground.scape, place, "qr")[:, chosen].sum(axis=1)
    made = ground.events.tally(ground.scape, place) if standing is ground.now else demand.hour_captures
    caught = made[:, chosen].sum(axis=1)
    table = per_100.rename(columns={"rate": "rate_100"}).assign(
        width=(rates["upper95"] - rates["lower95"]) / rates["rate"],
        per_h=rates["per_h"],
        evidence=demand.places["evidence"],
        weight=demand.places["weight"],
        length_m=demand.places["length_m"],
        captures=caught,
        reports=told.astype(int),
        exposure_kmh=demand.hour_exposure[:, chosen].sum(axis=1) / 1000,
    )
    if need is None:
        return table.assign(**dict.fromkeys(("wanted", "unmet", "unmet_ratio", "reach", "access"), np.nan))
    return table.join(need.of_places(place, chosen).set_axis(table.index))
