"""What a scenario changes about places to stand: bays that it adds, tariffs that it sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, text

from analysis.access import Walks
from analysis.parking import Supply, free_places, joined_supply
from geodata.errors import NotFound
from geodata.queries.frames import read_frame
from geodata.queries.parking_access import FARTHEST_M, Access, Rules
from geodata.queries.parking_supply import ParkingGround

__all__ = ["ParkingChanges", "access_with", "blocks", "free_with", "read_parking_changes"]

Floats: TypeAlias = npt.NDArray[np.float64]
Objects: TypeAlias = npt.NDArray[np.object_]

NEW = "scenario"
"""Basis of the capacity of bays that only a scenario has."""


@dataclass(frozen=True, eq=False)
class ParkingChanges:
    """
    What a scenario changes about parking.

    Attributes
    ----------
    bays
        One row a block of new bays, by id: `street`, `places`, `shape`, `cost` and its bays in EPSG:4490.
    tariffs
        One row a block of places: `block` (kind and name, as `blocks` tells them), `before` and `tariff`, yuan an hour.
    """

    bays: gpd.GeoDataFrame
    tariffs: pd.DataFrame

    @property
    def empty(self) -> bool:
        """Nothing is changed."""
        return self.bays.empty and self.tariffs.empty


def read_parking_changes(conn: Connection, token: str) -> ParkingChanges:
    """
    The bays and tariffs of a scenario.

    Raises
    ------
    NotFound
        If there is no such scenario.
    """
    number = conn.scalar(text("SELECT id FROM scenario WHERE token = :token"), {"token": token})
    if number is None:
        raise NotFound(
            "There is no scenario '{token}'.", "Choose one from the list, or make a new one.", token=token
        )
    bays = read_frame(
        conn,
        "SELECT id, street, places, shape, cost, geom FROM scenario_bay WHERE scenario_id = :id ORDER BY id",
        {"id": number},
    )
    rows = conn.execute(
        text("SELECT block, before, tariff FROM scenario_tariff WHERE scenario_id = :id ORDER BY block"),
        {"id": number},
    )
    return ParkingChanges(bays, pd.DataFrame(rows, columns=["block", "before", "tariff"]))


def blocks(access: Access) -> Objects:
    """Kind and name of the street or car park of each place to stand; places of one name have one tariff."""
    assert access.supply is not None
    places, ground = access.supply.places, access.ground
    kerb = (places["kind"] == "kerb").to_numpy()
    new = (places["basis"] == NEW).to_numpy(dtype=bool)
    source = places["source"]
    name = pd.Series(None, index=places.index, dtype=object)
    old = kerb & ~new
    name[old] = (
        ground.kerbs["name"].reindex(source[old]).fillna(ground.kerbs["highway"]).to_numpy(dtype=object)
    )
    name[~kerb] = ground.car_parks["name"].reindex(source[~kerb]).to_numpy(dtype=object)
    name[new] = source[new].to_numpy(dtype=object)
    unnamed = name.isna()
    name[unnamed] = [f"#{label}" for label in source[unnamed]]
    found: Objects = (places["kind"].astype(str) + ":" + name.astype(str)).to_numpy(dtype=object)
    return found


def access_with(access: Access, changes: ParkingChanges) -> Access:
    """The same streets with a scenario's bays as further places to stand."""
    if changes.bays.empty:
        return access
    bays = changes.bays.to_crs(access.ground.kerbs.crs)
    shapes = bays.geometry.centroid
    street = bays["street"].fillna("").to_numpy(dtype=object)
    new = gpd.GeoDataFrame(
        {
            "kind": "kerb",
            "source": np.where(street == "", [f"+{label}" for label in bays.index], street),
            "capacity": bays["places"].to_numpy(dtype=np.float64),
            "assumed": False,
            "basis": NEW,
        },
        geometry=shapes.to_numpy(),
        crs=bays.crs,
    )
    old, more = access.walks, access.walks_to(new, FARTHEST_M)
    walks = Walks.of_pairs(
        np.concatenate([old.origin, more.origin]),
        np.concatenate([old.target, more.target + old.targets]),
        np.concatenate([old.metres, more.metres]),
        (old.origins, old.targets + more.targets),
        old.limit_m,
    )
    supplies = [Supply(new)] if access.supply is None else [access.supply, Supply(new)]
    ground: ParkingGround = replace(access.ground, supply=joined_supply(*supplies))
    return replace(access, ground=ground, walks=walks)


def free_with(access: Access, rules: Rules, tariffs: pd.DataFrame, elasticity: float) -> Floats:
    """
    Free places of each supply under other tariffs.

    New bays are free for those who park badly now. Elsewhere those who stand legally follow the tariff: where it rises
    some leave, where it falls more come, both by the elasticity; where they go is not followed.
    """
    if access.supply is None:
        return np.zeros(0)
    new = (access.supply.places["basis"] == NEW).to_numpy(dtype=bool)
    free_ratio = np.where(new, 1.0, rules.free_ratio)
    ratio = np.ones(len(new))
    if len(tariffs):
        change = (tariffs["tariff"] / tariffs["before"]).set_axis(tariffs["block"])
        ratio = pd.Series(blocks(access)).map(change).fillna(1.0).to_numpy(dtype=np.float64)
    return free_places(access.supply.capacity, free_ratio, ratio, elasticity)
