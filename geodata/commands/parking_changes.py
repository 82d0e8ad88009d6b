"""New bays and other tariffs of a scenario, kept apart from those that stand."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import text

from analysis.crs import STORAGE_EPSG
from analysis.errors import InputError
from geodata import database
from geodata.commands.scenarios import found_scenario, mark_changed

__all__ = ["MOST_BLOCKS", "add_bays", "drop_bays", "drop_tariffs", "set_tariffs"]

MOST_BLOCKS = 5_000
"""Of bays, and of tariffs: a scenario is a plan, not another register."""
SHAPES = ("parallel", "diagonal", "perpendicular")


def add_bays(token: str, blocks: gpd.GeoDataFrame, shape: str) -> None:
    """
    Adds blocks of bays.

    Parameters
    ----------
    token
        Of the scenario.
    blocks
        One row a block: `street` (or missing), `places` (above 0), `cost` (yuan, 0 or more), and its bays as polygons
        in a known CRS.
    shape
        parallel, diagonal or perpendicular.

    Raises
    ------
    NotFound
        If there is no such scenario.
    InputError
        If a block is out of range, naming it; nothing is added then.
    """
    if shape not in SHAPES:
        raise InputError(
            "Bays lie {known}, not '{shape}'.", "Choose one of them.", known=", ".join(SHAPES), shape=shape
        )
    rows = []
    stored = blocks.to_crs(STORAGE_EPSG)
    for number, row in enumerate(stored.itertuples(index=False), start=1):
        places, cost, geom = int(row.places), float(row.cost), stored.geometry.iloc[number - 1]
        if places <= 0 or not (math.isfinite(cost) and cost >= 0) or geom is None or geom.is_empty:
            raise InputError(
                "Block {row} has {places} places, costs {cost} and covers {area}.",
                "Give places above 0, a cost of 0 or more, and polygons.",
                row=number,
                places=places,
                cost=cost,
                area="nothing" if geom is None or geom.is_empty else geom.geom_type,
            )
        parts = [part for part in shapely.get_parts(geom) if part.geom_type == "Polygon"]
        rows.append(
            {
                "street": None if pd.isna(row.street) else str(row.street),
                "places": places,
                "shape": shape,
                "cost": cost,
                "geom": shapely.to_wkb(shapely.MultiPolygon(parts), hex=True),
            }
        )
    with database.transaction() as session:
        found = found_scenario(session, token)
        if rows:
            session.execute(
                text(
                    "INSERT INTO scenario_bay (scenario_id, street, places, shape, cost, geom) VALUES"
                    " (:scenario, :street, :places, :shape, :cost,"
                    " ST_SetSRID(ST_GeomFromWKB(decode(:geom, 'hex')), :srid))"
                ),
                [{"scenario": found.id, "srid": STORAGE_EPSG, **row} for row in rows],
            )
        _few(
            session.scalar(
                text("SELECT count(*) FROM scenario_bay WHERE scenario_id = :id"), {"id": found.id}
            )
        )
        mark_changed(session, found.id)


def drop_bays(token: str, ids: Collection[int]) -> None:
    """Takes blocks of bays out of a scenario; NotFound if there is no such scenario."""
    with database.transaction() as session:
        found = found_scenario(session, token)
        session.execute(
            text("DELETE FROM scenario_bay WHERE scenario_id = :scenario AND id = ANY(:ids)"),
            {"scenario": found.id, "ids": list(ids)},
        )
        mark_changed(session, found.id)


def set_tariffs(token: str, rows: Sequence[tuple[str, float, float]]) -> None:
    """
    Sets tariffs of blocks: (block, before, tariff), yuan an hour. A block that has one keeps what it was before.

    Raises
    ------
    NotFound
        If there is no such scenario.
    InputError
        If a tariff is not above 0: what happens when standing becomes free, or is no longer free, nobody can foretell
        from an elasticity. Nothing is set then.
    """
    for block, before, tariff in rows:
        if not (math.isfinite(tariff) and math.isfinite(before) and tariff > 0 and before > 0):
            raise InputError(
                "The tariff of {block} goes from {before} to {tariff}; an elasticity tells nothing about free places.",
                "Give tariffs above 0, before and after.",
                block=block,
                before=before,
                tariff=tariff,
            )
    with database.transaction() as session:
        found = found_scenario(session, token)
        if rows:
            session.execute(
                text(
                    "INSERT INTO scenario_tariff (scenario_id, block, before, tariff)"
                    " VALUES (:scenario, :block, :before, :tariff)"
                    " ON CONFLICT (scenario_id, block) DO UPDATE SET tariff = excluded.tariff"
                ),
                [
                    {"scenario": found.id, "block": block, "before": before, "tariff": tariff}
                    for block, before, tariff in rows
                ],
            )
        _few(
            session.scalar(
                text("SELECT count(*) FROM scenario_tariff WHERE scenario_id = :id"), {"id": found.id}
            )
        )
        mark_changed(session, found.id)


def drop_tariffs(token: str, blocks: Collection[str]) -> None:
    """Lets blocks keep the tariff that they have; NotFound if there is no such scenario."""
    with database.transaction() as session:
        found = found_scenario(session, token)
        session.execute(
            text("DELETE FROM scenario_tariff WHERE scenario_id = :scenario AND block = ANY(:blocks)"),
            {"scenario": found.id, "blocks": list(blocks)},
        )
        mark_changed(session, found.id)


def _few(count: int | None) -> None:
    if (count or 0) > MOST_BLOCKS:
        raise InputError(
            "A scenario holds at most {most} changes, this one would have {count}.",
            "Make several scenarios, or change the register of cameras itself.",
            most=MOST_BLOCKS,
            count=count,
        )
