"""Parking supply of the loaded town: what the queries give, and what is said where something is missing."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import text

from analysis.access import floating_catchment, gaussian, shortage
from analysis.errors import InputError
from analysis.parking import LAW, PRACTICE, bay_blocks, choose_bays, usable_kerbs
from geodata import database
from geodata.queries import city
from geodata.queries.parking_supply import bay_kerbs, clear_points, load_parking_ground
from geodata.towns.town import find_town

pytestmark = pytest.mark.postgis

TOWN = find_town("helsinki")
EPSG = TOWN.metric_epsg


def test_crossings_and_stops_are_kept_and_are_no_places_to_go(town_database: str) -> None:
    with database.connection() as conn:
        kinds = clear_points(conn, EPSG)["kind"].value_counts()
        wanted = city.pois(conn, EPSG)
        every = conn.execute(text("SELECT count(*) FROM poi")).scalar()
    assert kinds["crossing"] > 500
    assert kinds["bus_stop"] > 90
    assert kinds["hydrant"] == 37
    assert kinds["level_crossing"] == 6
    assert kinds["fire_station"] == 1
    assert "traffic" not in set(wanted["kind"])
    assert every > len(wanted)


def test_the_ground_of_the_town_and_a_whole_round_on_it(town_database: str) -> None:
    with database.connection() as conn:
        ground = load_parking_ground(conn, TOWN)
    assert ground.supply is not None
    assert len(ground.places) == 208
    assert ground.places.crs.to_epsg() == EPSG
    assert ground.graph.component_m[0] > 0.8 * ground.graph.component_m.sum()
    assert set(ground.supply.places["kind"]) == {"kerb", "car_park"}
    assumed = [fault for fault in ground.faults if not fault.left_out]
    assert assumed
    assert 0 < ground.supply.assumed_ratio <= 1
    walks = ground.walks(400)
    assert walks.origins == 208
    assert walks.metres.max() <= 400
    demand = np.where(np.arange(208) % 3 == 0, 40.0, 0.0)
    access = floating_catchment(walks, demand, ground.supply.capacity, decay=gaussian(400)).access
    assert (access >= 0).all()
    assert access.max() > 0
    short = shortage(walks, demand, ground.supply.capacity)
    np.testing.assert_allclose(short.unmet.sum(axis=0), short.least_unmet)
    for rules in (PRACTICE, LAW):
        stretches = usable_kerbs(ground.kerbs, ground.clear, clearances=rules)
        found = bay_blocks(stretches, ground.clear, clearances=rules)
        if rules is PRACTICE:
            practice = found
    assert {"bridge", "tunnel", "petrol_station"} <= set(found.kinds_missing)
    assert len(found.bays) < len(practice.bays)
    new = ground.walks_to(practice.blocks, 400)
    plan = choose_bays(
        new, demand, practice.blocks["bays"], practice.blocks["cost"], 100_000.0,
        existing=(walks, ground.supply.capacity), time_limit_s=1.0,
    )  # fmt: skip
    assert plan.served_before == pytest.approx(demand.sum() - short.unmet.sum())
    assert plan.served_before < plan.served_after <= plan.upper_bound
    assert plan.cost <= 100_000.0


def test_a_town_without_bays_and_car_parks_says_so_and_goes_on(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(text("DELETE FROM car_park"))
        session.execute(text("UPDATE kerb SET legal = NULL, rule = 'untagged'"))
    with database.connection() as conn:
        ground = load_parking_ground(conn, TOWN)
        assert len(bay_kerbs(conn, EPSG))
    assert ground.supply is None
    told = " ".join(str(each) for each in ground.problems)
    assert "no car parks" in told
    assert "no legal bays" in told
    with pytest.raises(InputError, match="no legal bays"):
        ground.walks(400)


def test_a_bad_capacity_is_told_with_its_row(town_copy: str) -> None:
    with database.transaction() as session:
        row = session.execute(
            text("UPDATE car_park SET capacity = -7, access = NULL WHERE id = 1 RETURNING id")
        ).scalar()
    with database.connection() as conn:
        ground = load_parking_ground(conn, TOWN)
    assert any(fault.row == row and fault.left_out and "-7" in str(fault.error) for fault in ground.faults)
    assert ground.supply is not None


def test_an_empty_database_has_no_streets(empty_database: str) -> None:
    with database.connection() as conn, pytest.raises(InputError, match="no streets"):
        load_parking_ground(conn, TOWN)
