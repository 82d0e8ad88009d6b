"""What the Parking screen asks: hours, scenarios, what cameras miss, a plan, and files."""

from __future__ import annotations

import json
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from analysis.errors import InputError
from geodata import database
from geodata.commands import scenarios as commands
from geodata.commands.parking import keep_parking
from geodata.errors import NotFound
from geodata.export.parking import parking_geojson
from geodata.queries import parking as queries
from geodata.queries import parking_reading as readings
from geodata.queries.city import views
from geodata.queries.datasets import dataset_rows, loaded_town
from geodata.queries.demand import EDGE, PLACES, UNIT_CELL, estimate
from geodata.queries.frames import read_table
from geodata.queries.outlook import load_ground, outlook
from geodata.queries.parking_access import FARTHEST_M, Rules
from geodata.queries.parking_plan import (
    BayQuestion,
    clearances_of,
    patrols,
    plan_bays,
    short_places,
    tariffs,
    works,
)
from geodata.queries.parking_scenario import standing_under
from geodata.queries.poses import Pose
from geodata.queries.recapture import TOWN, missed_by_cameras
from geodata.queries.scenarios import read_scenario

pytestmark = pytest.mark.postgis

WEEK = queries.week_hours("all", 0, 24)


@lru_cache(1)
def parking(url: str) -> queries.ParkingGround:
    return readings.ParkingStore().reading(readings.parking_revision()).result()


@lru_cache(1)
def ground(url: str):
    with database.connection() as conn:
        return load_ground(conn, loaded_town(conn))


def under(url: str, change, name: str):
    """The standing of a scenario that `change` makes, by a token that is deleted afterwards."""
    token = commands.create_scenario(name)
    try:
        change(token)
        with database.connection() as conn:
            scenario = read_scenario(conn, token)
        return standing_under(parking(url), scenario, outlook(ground(url), scenario))
    finally:
        commands.delete_scenario(token)


def test_hours_of_the_week() -> None:
    assert list(WEEK) == list(range(168))
    assert queries.week_hours("rest", 23, 24) == (143, 167)
    assert queries.week_hours("0", 8, 10) == (8, 9)


def test_a_week_is_what_was_written(town_database: str) -> None:
    here = parking(town_database)
    assert here.missing == ()
    with database.connection() as conn:
        rows = read_table(conn, "SELECT * FROM demand_estimate ORDER BY place_id")
    for place in PLACES:
        table = queries.place_table(here, here.now, None, place, WEEK).sort_index()
        written = rows[rows["place"] == place].set_index("place_id")
        assert table["rate_100"].to_numpy() == pytest.approx(
            written["rate"].to_numpy(dtype=float) * 100, nan_ok=True
        )
        assert table["evidence"].to_list() == written["evidence"].to_list()
        assert (table["captures"] >= written["captures"]).all(), "those that cannot be used are shown too"
        assert table["unmet"].isna().all()
        assert here.shapes[place].index.equals(here.scape.ids[place])


def test_hours_add_up_and_intervals_hold_the_rate(town_database: str) -> None:
    here = parking(town_database)
    day, night = (queries.week_hours("all", *span) for span in ((6, 22), (0, 6)))
    late = queries.week_hours("all", 22, 24)
    for place in PLACES:
        parts = [queries.place_table(here, here.now, None, place, each) for each in (day, night, late)]
        whole = queries.place_table(here, here.now, None, place, WEEK)
        for name in ("captures", "reports", "exposure_kmh"):
            assert sum(each[name] for each in parts).to_numpy() == pytest.approx(whole[name].to_numpy())
        for each in (*parts, whole):
            known = each.dropna(subset=["rate_100"])
            order = known[["lower95", "lower80", "rate_100", "upper80", "upper95"]].to_numpy()
            assert (np.diff(order, axis=1) >= 0).all()


def test_access_and_shortage_add_up_over_cells_and_streets(town_database: str) -> None:
    here = parking(town_database)
    need = queries.needed(here, here.now, Rules())
    assert need is not None and need is queries.needed(here, here.now, Rules()), "kept"
    tables = [queries.place_table(here, here.now, need, place, WEEK) for place in PLACES]
    for name in ("wanted", "unmet"):
        assert tables[0][name].sum() == pytest.approx(tables[1][name].sum())
    assert tables[0]["unmet"].sum() == pytest.approx(need.unmet.sum())
    assert (tables[0]["unmet_ratio"].dropna() <= 1 + 1e-9).all()
    expected = here.now.found.demand[UNIT_CELL].rates()["per_h"].sum() * 35 / 60
    assert tables[0]["wanted"].sum() == pytest.approx(expected)
    far = queries.needed(here, here.now, Rules(limit_m=FARTHEST_M))
    none = queries.needed(here, here.now, Rules(free_ratio=0.0))
    assert far is not None and none is not None
    assert far.unmet.sum() <= need.unmet.sum() + 1e-9
    assert none.unmet.sum() == pytest.approx(none.wanted.sum())


def test_a_scenario_that_changes_nothing_changes_nothing(town_database: str) -> None:
    here = parking(town_database)
    with database.connection() as conn:
        seen = views(conn, here.epsg)
    cameras = [each for each in here.now.watch.cameras if each in seen.index][:5]
    again = here.now.watch.changed(remove=cameras, add=seen.loc[cameras])
    found = estimate(here.scape, again, here.now.looking, here.events, here.recall)
    pd.testing.assert_frame_equal(
        found.demand[UNIT_CELL].places, here.now.found.demand[UNIT_CELL].places, rtol=1e-9
    )


def test_fewer_cameras_know_less_and_rates_stay_about_the_same(town_copy: str) -> None:
    here = parking(town_copy)
    pairs = np.bincount(here.now.watch.pairs()[0], minlength=len(here.now.watch.cameras))
    busiest = [int(each) for each in here.now.watch.cameras[np.argsort(-pairs)[:5]]]
    found = under(town_copy, lambda token: commands.remove_cameras(token, busiest), "Fewer")
    for place in PLACES:
        before, after = (each.found.demand[place] for each in (here.now, found))
        less = before.places["exposure"] - after.places["exposure"]
        assert (less > -1e-6).all() and (less > 1).any()
        touched = less > 1
        assert (after.places["captures"][touched] <= before.places["captures"][touched]).all()
        same = ~touched & before.places["scale"].notna()
        pd.testing.assert_frame_equal(
            after.places[same].drop(columns="captures"),
            before.places[same].drop(columns="captures"),
            check_dtype=False,
        )
        width = [(each.rates()["upper95"] / each.rates()["lower95"])[touched] for each in (before, after)]
        assert (width[1] >= width[0] * (1 - 1e-9)).mean() > 0.95
        # what is expected under the estimate keeps it: only thinned captures move it towards the model
        assert after.rates()["per_h"].sum() == pytest.approx(before.rates()["per_h"].sum(), rel=0.25)


def test_more_cameras_know_more_at_the_same_rate(town_copy: str) -> None:
    here = parking(town_copy)
    demand = here.now.found.demand[UNIT_CELL].places
    cell = demand.index[(demand["exposure"] == 0) & demand["scale"].notna()][0]
    spot = here.scape.points[here.scape.place[UNIT_CELL] == here.scape.ids[UNIT_CELL].get_loc(cell)]
    at = gpd.GeoSeries(spot.geometry.iloc[[0]], crs=here.epsg).to_crs(4490).iloc[0]
    eyes = [Pose(at.x, at.y, turn * 90.0, range_m=80.0) for turn in range(4)]
    found = under(town_copy, lambda token: commands.add_cameras(token, eyes), "More")
    before, after = (each.found.demand[UNIT_CELL] for each in (here.now, found))
    assert after.places.loc[cell, "exposure"] > 0
    rates = [each.rates().loc[cell] for each in (before, after)]
    assert rates[1]["rate"] == pytest.approx(rates[0]["rate"], rel=1e-6), "expected captures say the same"
    spans = [each["upper95"] - each["lower95"] for each in rates]
    assert spans[1] < spans[0]
    assert after.places.loc[cell, "weight"] > before.places.loc[cell, "weight"]


def test_what_cameras_miss(town_database: str) -> None:
    here = parking(town_database)
    for place in PLACES:
        table = missed_by_cameras(here, place)
        assert table["area"].iloc[0] == TOWN
        assert (table["both"] <= table[["captures", "reports"]].min(axis=1)).all()
        known = table.dropna(subset=["missed_ratio"])
        assert ((known["lower"] <= known["total"]) & (known["total"] <= known["upper"])).all()
        assert (known["missed_lower"] <= known["missed_ratio"] + 1e-9).all()
        assert (table["few"] == (table["both"] < 7)).all()
    parts = missed_by_cameras(here).iloc[1:]
    assert parts["captures"].sum() <= missed_by_cameras(here)["captures"].iloc[0]


def test_bays_serve_more_within_the_budget(town_database: str) -> None:
    here = parking(town_database)
    need = queries.needed(here, here.now, Rules())
    assert need is not None
    small, large = (plan_bays(need, BayQuestion(budget=each)) for each in (5_000.0, 200_000.0))
    for each in (small, large):
        assert each.plan.cost <= each.question.budget
        assert each.plan.served_before <= each.plan.served_after <= each.plan.upper_bound * (1 + 1e-9)
        assert len(each.shapes) == each.blocks["bays"].sum()
        assert each.blocks["gain"].sum() == pytest.approx(each.plan.served_after - each.plan.served_before)
    assert large.plan.served_after >= small.plan.served_after
    law = plan_bays(need, BayQuestion(rule="law"))
    assert law.candidates <= large.candidates
    enough = queries.needed(here, here.now, Rules(stay_min=5.0, free_ratio=1.0, limit_m=FARTHEST_M))
    assert enough is not None
    if not enough.unmet.any():
        assert plan_bays(enough, BayQuestion()).blocks.empty
    found = works(here, need, here.now.found.demand[UNIT_CELL], large, 10_000.0)
    assert found.cost <= 10_000 and found.benefit <= found.upper_bound + 1e-9


def test_distances_can_be_set_one_by_one_and_keep_their_source(town_database: str) -> None:
    asked = BayQuestion(clearances=(("junction", 500.0),))
    kept = {each.kind: each for each in clearances_of(asked)}
    usual = {each.kind: each for each in clearances_of(BayQuestion())}
    assert kept["junction"].metres == 500 and kept["junction"].source == usual["junction"].source
    assert kept["bus_stop"] == usual["bus_stop"]
    here = parking(town_database)
    need = queries.needed(here, here.now, Rules())
    assert need is not None
    with pytest.raises(InputError, match="No bay fits"):
        plan_bays(need, asked)


def test_tariffs_patrols_and_short_places(town_database: str) -> None:
    here = parking(town_database)
    need = queries.needed(here, here.now, Rules())
    assert need is not None
    demand = here.now.found.demand[UNIT_CELL]
    steps = tariffs(need, demand, list(queries.week_hours("work", 8, 20)), 5.0)
    assert (steps["occupancy"] >= 1 - need.rules.free_ratio - 1e-9).all() and (
        steps["occupancy"] <= 1 + 1e-9
    ).all()
    assert (steps["lower"] <= steps["occupancy"]).all() and (steps["occupancy"] <= steps["upper"]).all()
    assert steps["capacity"].sum() == pytest.approx(need.access.ground.supply.total)  # type: ignore[union-attr]
    plan = patrols(demand, officers=2, shift_h=8, window_h=2, found_ratio=0.5)
    assert plan.lower <= plan.expected <= plan.upper
    assert plan.windows["place"].max() < len(demand.places)
    short = short_places(here, need, least_vehicles=0.01, least_ratio=0.0)
    assert short["vehicle_hours"].sum() == pytest.approx(need.unmet.sum(), rel=0.2)
    assert set(short["cell_id"]) <= set(here.scape.ids[UNIT_CELL])


def test_a_file_is_what_is_shown(town_database: str) -> None:
    here = parking(town_database)
    hours = queries.week_hours("work", 8, 20)
    table = queries.place_table(here, here.now, None, EDGE, hours)[
        ["evidence", "rate_100", "lower95", "upper95"]
    ]
    with database.connection() as conn:
        columns = [
            "name",
            "town",
            "source",
            "licence",
            "method",
            "rows",
            "revision",
            "loaded_at",
            "simulated",
        ]
        register = pd.DataFrame([tuple(each) for each in dataset_rows(conn)], columns=columns)
    body = json.loads(
        parking_geojson(
            table,
            here.shapes[EDGE],
            register,
            title="Demand",
            method="m",
            units={"rate_100": "per 100 m and hour"},
            question={"hours": list(hours)},
        )
    )
    assert len(body["features"]) == len(table) and body["simulated"] is True
    assert body["question"]["hours"] == list(hours)
    for feature, (label, row) in zip(body["features"], table.iterrows(), strict=True):
        assert feature["id"] == label
        known = feature["properties"]
        assert known["evidence"] == row["evidence"]
        assert (known["rate_100"] is None) == pd.isna(row["rate_100"])
        if known["rate_100"] is not None:
            assert known["rate_100"] == pytest.approx(row["rate_100"], abs=1e-6)
        lon, lat = np.array(feature["geometry"]["coordinates"]).reshape(-1, 2)[0]
        assert 24 < lon < 26 and 59 < lat < 61


def test_the_same_question_is_kept_once(town_copy: str) -> None:
    told = {"version": 1, "limit_m": 300.0}
    first = keep_parking("parking", told, {"x": 1}, method="m", seconds=0.1)
    assert keep_parking("parking", dict(reversed(told.items())), {"x": 2}, method="m", seconds=0.2) == first
    assert keep_parking("parking", told | {"version": 2}, {}, method="m", seconds=0.1) != first
    assert keep_parking("bays", told, {}, method="m", seconds=0.1) != first
    token = commands.create_scenario("Kept")
    assert keep_parking("parking", told, {}, method="m", seconds=0.1, scenario=token) != first
    with pytest.raises(NotFound):
        keep_parking("parking", told, {}, method="m", seconds=0.1, scenario="nobody")
    with database.connection() as conn:
        assert conn.execute(text("SELECT count(*) FROM run WHERE kind = 'parking'")).scalar() == 3
