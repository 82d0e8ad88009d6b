"""Bays and tariffs of a scenario: put in, taken out, copied, and what they do to shortage."""

from __future__ import annotations

import json
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.errors import InputError
from analysis.parking import ELASTICITY
from geodata import database
from geodata.commands import scenarios as commands
from geodata.commands.parking_changes import add_bays, drop_bays, drop_tariffs, set_tariffs
from geodata.errors import NotFound
from geodata.export.scenario import scenario_geojson
from geodata.queries import parking as queries
from geodata.queries import parking_reading as readings
from geodata.queries.datasets import loaded_town
from geodata.queries.demand import UNIT_CELL
from geodata.queries.outlook import load_ground, outlook
from geodata.queries.parking_access import Rules
from geodata.queries.parking_changes import ParkingChanges, blocks, read_parking_changes
from geodata.queries.parking_plan import BayQuestion, plan_bays, tariffs
from geodata.queries.scenarios import read_scenario

pytestmark = pytest.mark.postgis

TIGHT = Rules(limit_m=200.0, stay_min=240.0, free_ratio=0.02)
"""So few places are free that somebody finds none."""


@pytest.fixture(scope="module")
def here(town_of_module: str) -> queries.ParkingGround:
    return readings.ParkingStore().reading(readings.parking_revision()).result()


@pytest.fixture
def token(town_of_module: str) -> Iterator[str]:
    made = commands.create_scenario("bays and tariffs")
    yield made
    commands.delete_scenario(made)


def changes_of(token: str) -> ParkingChanges:
    with database.connection() as conn:
        return read_parking_changes(conn, token)


def version(token: str) -> int:
    with database.connection() as conn:
        return read_scenario(conn, token).version


def chosen(here: queries.ParkingGround) -> tuple[gpd.GeoDataFrame, float]:
    """Blocks of a plan as they are put into a scenario, and what the plan serves more."""
    need = queries.needed(here, here.now, TIGHT)
    assert need is not None and need.unmet.sum() > 0
    bays = plan_bays(need, BayQuestion(budget=40_000.0))
    assert len(bays.blocks)
    shapes = bays.shapes.dissolve("order").geometry
    rows = {
        "street": bays.blocks["street"].to_numpy(dtype=object),
        "places": bays.blocks["bays"].to_numpy(),
        "cost": bays.blocks["cost"].to_numpy(dtype=float),
    }
    frame = gpd.GeoDataFrame(rows, geometry=shapes.loc[bays.blocks["order"]].to_numpy(), crs=shapes.crs)
    return frame, bays.plan.served_after - bays.plan.served_before


def test_bays_of_a_scenario_serve_those_who_found_no_place(here: queries.ParkingGround, token: str) -> None:
    frame, gain = chosen(here)
    before = version(token)
    add_bays(token, frame, "parallel")
    assert version(token) == before + 1
    changes = changes_of(token)
    assert changes.bays["places"].tolist() == frame["places"].tolist()
    assert changes.bays.to_crs(frame.crs).area.to_numpy() == pytest.approx(frame.area.to_numpy(), rel=1e-3)
    now = queries.needed(here, here.now, TIGHT)
    then = queries.needed(here, here.now, TIGHT, (token, 2), changes=changes)
    assert now is not None and then is not None
    assert then.free.sum() == pytest.approx(now.free.sum() + frame["places"].sum())
    saved = now.unmet.sum() - then.unmet.sum()
    assert 0.5 * gain < saved < 1.5 * gain, "the plan counts a mean day, the scenario every hour"
    assert (then.unmet <= now.unmet + 1e-6).all()
    # ground that is taken is not offered again
    again = plan_bays(then, BayQuestion(budget=40_000.0), changes.bays.geometry)
    taken = changes.bays.to_crs(again.shapes.crs).union_all()
    assert not again.shapes.intersects(taken.buffer(-0.1)).any()


def test_bays_are_taken_out_and_copied(here: queries.ParkingGround, token: str) -> None:
    frame, _ = chosen(here)
    add_bays(token, frame, "parallel")
    set_tariffs(token, [("kerb:A", 5.0, 6.0)])
    copy = commands.copy_scenario(token, "copy")
    try:
        drop_bays(token, [int(changes_of(token).bays.index[0])])
        assert len(changes_of(token).bays) == len(frame) - 1
        there = changes_of(copy)
        assert len(there.bays) == len(frame) and there.tariffs["tariff"].tolist() == [6.0]
    finally:
        commands.delete_scenario(copy)
    with pytest.raises(NotFound):
        changes_of(copy)


def test_a_dearer_street_has_more_free_places(here: queries.ParkingGround, token: str) -> None:
    need = queries.needed(here, here.now, TIGHT)
    assert need is not None
    hours = list(queries.week_hours("work", 8, 20))
    demand = here.now.found.demand[UNIT_CELL]
    dearest = tariffs(need, demand, hours, 5.0).iloc[0]
    block = str(dearest["block"])
    set_tariffs(token, [(block, 5.0, 7.5)])
    changes = changes_of(token)
    of_block = blocks(need.access) == block
    free = {}
    for end in (*ELASTICITY, sum(ELASTICITY) / 2):
        then = queries.needed(here, here.now, TIGHT, (token, 2), changes=changes, elasticity=end)
        assert then is not None
        free[end] = then.free
        standing = need.access.supply.capacity * (1 - TIGHT.free_ratio)  # type: ignore[union-attr]
        left = need.access.supply.capacity - then.free  # type: ignore[union-attr]
        assert left[of_block] == pytest.approx(standing[of_block] * 1.5**end)
        assert left[~of_block] == pytest.approx(standing[~of_block])
        assert then.unmet.sum() <= need.unmet.sum() + 1e-9
    assert (free[ELASTICITY[0]][of_block] > free[ELASTICITY[1]][of_block]).all()
    # the next step starts from the tariff of the scenario
    then = queries.needed(here, here.now, TIGHT, (token, 2), changes=changes)
    assert then is not None
    own = changes.tariffs.set_index("block")["tariff"]
    steps = tariffs(then, demand, hours, 5.0, own).set_index("block")
    assert steps.at[block, "tariff"] == 7.5 and (steps["tariff"].drop(block) == 5.0).all()
    # set anew, a block keeps what it was before; taken out, it is as it was
    set_tariffs(token, [(block, 7.5, 8.0)])
    assert changes_of(token).tariffs.iloc[0].tolist() == [block, 5.0, 8.0]
    drop_tariffs(token, [block])
    assert changes_of(token).empty


def test_what_cannot_be_is_refused_whole(here: queries.ParkingGround, token: str) -> None:
    square = shapely.box(0, 0, 5, 2)
    good = gpd.GeoDataFrame({"street": ["A"], "places": [2], "cost": [1.0]}, geometry=[square], crs=here.epsg)
    for column, value in (("places", 0), ("cost", -1.0), ("cost", float("nan"))):
        rows = pd.concat([good, good.assign(**{column: value})], ignore_index=True)
        with pytest.raises(InputError, match="Block 2"):
            add_bays(token, rows, "parallel")
    with pytest.raises(InputError, match="covers nothing"):
        add_bays(token, good.set_geometry([shapely.Polygon()], crs=good.crs), "parallel")
    with pytest.raises(InputError, match="sideways"):
        add_bays(token, good, "sideways")
    for tariff in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="kerb:B"):
            set_tariffs(token, [("kerb:A", 5.0, 6.0), ("kerb:B", 5.0, tariff)])
    assert changes_of(token).empty and version(token) == 1
    for call in (
        lambda: add_bays("nobody", good, "parallel"),
        lambda: set_tariffs("nobody", [("kerb:A", 1.0, 2.0)]),
        lambda: drop_bays("nobody", [1]),
        lambda: drop_tariffs("nobody", ["kerb:A"]),
    ):
        with pytest.raises(NotFound):
            call()


def test_the_file_of_a_scenario_holds_bays_and_tariffs(here: queries.ParkingGround, token: str) -> None:
    frame, _ = chosen(here)
    add_bays(token, frame, "parallel")
    set_tariffs(token, [("kerb:A", 5.0, 6.0)])
    with database.connection() as conn:
        ground = load_ground(conn, loaded_town(conn))
        scenario = read_scenario(conn, token)
    base, found = outlook(ground), outlook(ground, scenario)
    body = json.loads(scenario_geojson(scenario, found, 1, base=base.figures, changes=changes_of(token)))
    drawn = [each["properties"] for each in body["features"] if each["properties"]["what"] == "bays"]
    assert [each["places"] for each in drawn] == frame["places"].tolist()
    assert body["tariffs"] == [{"block": "kerb:A", "before": 5.0, "tariff": 6.0}]
    assert np.isfinite([each["cost"] for each in drawn]).all()
