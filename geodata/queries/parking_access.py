"""Places to stand, ways to them on foot, and who finds none: the town's supply against its demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from analysis.access import (
    SnappedPlaces,
    Walks,
    floating_catchment,
    gaussian,
    occupied_places,
    shortage,
    snap_places,
    supply_in_reach,
    walking_distances,
)
from analysis.demand import Demand
from analysis.parking import Supply
from geodata.queries.demand import EDGE, UNIT_CELL, Streetscape
from geodata.queries.parking_supply import LEAST_COMPONENT_M, MOST_LEG_M, ParkingGround, load_parking_ground
from geodata.towns.town import Town

__all__ = ["FARTHEST_M", "Access", "Need", "Rules", "load_access", "need"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

FARTHEST_M = 500.0
"""Ways are looked for so far; a walking limit may be shorter."""


@dataclass(frozen=True)
class Rules:
    """
    Assumptions about those who park; each can be set on the screen.

    Attributes
    ----------
    limit_m
        How far people walk from where they park, up to FARTHEST_M.
    stay_min
        How long those stand who park badly now, minutes on average.
    free_ratio
        Share of the legal places that is free for them, [0, 1]: nobody counts vacancies yet.
    """

    limit_m: float = 300.0
    stay_min: float = 35.0
    free_ratio: float = 0.3


@dataclass(frozen=True, eq=False)
class Access:
    """
    The walking graph, the supply on it, and the pieces of kerb that ask for it.

    Attributes
    ----------
    ground
        Streets that are walked, kerbs, car parks, supply, and what is wrong with them.
    cell, edge
        For each piece of kerb (one street within one cell), the row of its cell and street.
    length_m
        Of each piece.
    at
        The pieces' places on the graph.
    walks
        From pieces to supplies, as far as FARTHEST_M.
    """

    ground: ParkingGround
    cell: Ints
    edge: Ints
    length_m: Floats
    at: SnappedPlaces
    walks: Walks

    @property
    def supply(self) -> Supply | None:
        """Places to stand; None if there are none."""
        return self.ground.supply

    def walks_to(self, targets: gpd.GeoDataFrame, limit_m: float) -> Walks:
        """Ways from the pieces to other places, such as new bays."""
        return walking_distances(self.ground.graph, self.at, _on_streets(self.ground, targets), limit_m)


@dataclass(frozen=True, eq=False)
class Need:
    """
    Who wants to stand where, and finds no place.

    Attributes
    ----------
    access
        What it was found on.
    rules
        The assumptions.
    wanted, unmet
        Vehicles at a time that want a place, and that find none within the walk: (pieces, 168).
    reach
        Free places within the walk of each piece.
    free
        Free places of each supply.
    used
        How many of them are taken, (supplies, 168).
    """

    access: Access
    rules: Rules
    wanted: Floats
    unmet: Floats
    reach: Floats
    free: Floats
    used: Floats

    def of_places(self, place: str, hours: Sequence[int]) -> pd.DataFrame:
        """
        By row of the kind of place, in some hours of the week.

        Returns
        -------
        table
            `wanted` (vehicles at a time, mean), `unmet` (vehicle-hours a week without a place), `unmet_ratio` (of all
            that are wanted), `reach` (free places within the walk) and `access` (of these for each vehicle that wants
            one; missing where nobody does).
        """
        chosen = list(hours)
        wanted, unmet = self.wanted[:, chosen].mean(axis=1), self.unmet[:, chosen].sum(axis=1)
        near = self.access.walks.within(self.rules.limit_m)
        found = floating_catchment(near, wanted, self.free, decay=gaussian(self.rules.limit_m))
        row = self.access.cell if place == UNIT_CELL else self.access.edge
        length = np.bincount(row, self.access.length_m)
        asked, without = np.bincount(row, wanted), np.bincount(row, unmet)
        ratio = np.divide(without, asked * len(chosen), out=np.full_like(asked, np.nan), where=asked > 0)
        return pd.DataFrame(
            {
                "wanted": asked,
                "unmet": without,
                "unmet_ratio": ratio,
                "reach": np.bincount(row, self.reach * self.access.length_m) / length,
                "access": np.where(
                    asked > 0, np.bincount(row, found.access * self.access.length_m) / length, np.nan
                ),
            }
        )


def load_access(conn: Connection, town: Town, scape: Streetscape) -> Access | None:
    """Reads streets and places to stand; None without kerbs on which one can park badly."""
    if not len(scape.points):
        return None
    ground = load_parking_ground(conn, town)
    pieces, of_point = np.unique(
        np.stack([scape.place[UNIT_CELL], scape.place[EDGE]]), axis=1, return_inverse=True
    )
    weight = scape.weight_m
    length = np.bincount(of_point.ravel(), weight).astype(np.float64)
    x, y = (
        np.bincount(of_point.ravel(), weight * axis) / length
        for axis in (scape.points.geometry.x, scape.points.geometry.y)
    )
    at = _on_streets(ground, gpd.GeoSeries(gpd.points_from_xy(x, y), crs=scape.epsg))
    none = gpd.GeoDataFrame(geometry=[], crs=scape.epsg)
    places = ground.supply.places if ground.supply is not None else none
    walks = walking_distances(ground.graph, at, _on_streets(ground, places), FARTHEST_M)
    return Access(ground, pieces[0], pieces[1], length, at, walks)


def _on_streets(ground: ParkingGround, places: gpd.GeoDataFrame | gpd.GeoSeries) -> SnappedPlaces:
    least = min(LEAST_COMPONENT_M, float(ground.graph.component_m[0]))
    return snap_places(ground.graph, places, most_m=MOST_LEG_M, least_component_m=least)


def need(
    access: Access, scape: Streetscape, demand: Demand, rules: Rules, free: Floats | None = None
) -> Need:
    """
    Demand for places hour by hour, and what of it finds none within the walk.

    Those who park badly in a cell ask for a place along its kerb, evenly; cells without evidence ask for none. `free`
    are the free places of each supply, where they are not its capacity times the share of the rules.
    """
    length = scape.length_m[UNIT_CELL].to_numpy()
    per_m = np.nan_to_num(demand.by_hour()) / length[:, None]
    wanted = occupied_places(per_m[access.cell] * access.length_m[:, None], rules.stay_min / 60)
    near = access.walks.within(rules.limit_m)
    if free is None:
        free = access.supply.capacity * rules.free_ratio if access.supply is not None else np.zeros(0)
    found = shortage(near, wanted, free)
    return Need(access, rules, wanted, found.unmet, supply_in_reach(near, free), free, found.used)
