"""Parking: supply, bays beside kerbs, the choice among them, tariffs, patrols and works."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.access import Walks, shortage, street_graph
from analysis.errors import InputError
from analysis.parking import (
    CLEARANCES,
    LAW,
    PRACTICE,
    SHAPES,
    StepRule,
    bay_blocks,
    car_park_supply,
    choose_bays,
    free_places,
    joined_supply,
    junctions_and_bends,
    kerb_supply,
    missing_kinds,
    occupancy_from_rates,
    occupancy_from_series,
    patrol_plan,
    persistent_shortages,
    tariff_steps,
    usable_kerbs,
    works_list,
)

EPSG = 4549


def kerb_frame(*rows: tuple[str, object, str, list[tuple[float, float]]], **more: object) -> gpd.GeoDataFrame:
    rule, legal, side, shapes = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {"rule": rule, "legal": list(legal), "side": side, **more},
        geometry=[shapely.LineString(each) for each in shapes],
        crs=EPSG,
    )


def feature_frame(*rows: tuple[str, object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"kind": [kind for kind, _ in rows]}, geometry=[shape for _, shape in rows], crs=EPSG
    )


STRAIGHT = [(0.0, 3.5), (210.0, 3.5)]


def test_bays_of_legal_kerbs_by_their_rule() -> None:
    kerbs = kerb_frame(
        ("parallel", True, "left", STRAIGHT),
        ("diagonal", True, "left", STRAIGHT),
        ("perpendicular", True, "left", STRAIGHT),
        ("no_parking", False, "left", STRAIGHT),
        ("untagged", None, "left", STRAIGHT),
        ("sideways", True, "left", STRAIGHT),
    )
    found = kerb_supply(kerbs)
    assert found.capacity.tolist() == [33, 69, 80]
    assert found.places["assumed"].all()
    assert found.assumed_ratio == 1
    assert [fault.row for fault in found.faults] == [5]
    assert "sideways" in str(found.faults[0].error)
    assert kerb_supply(kerbs, ends_m=0).capacity[0] == 35


def test_a_count_goes_before_what_would_fit_and_bad_numbers_are_told() -> None:
    kerbs = kerb_frame(
        *[("parallel", True, "left", STRAIGHT)] * 4,
        capacity=[12, -3, None, None],
        length_m=[200.0, 200.0, np.nan, 70.0],
    )
    found = kerb_supply(kerbs)
    assert found.capacity.tolist() == [12, 10]
    assert sorted(fault.row for fault in found.faults) == [1, 2]
    assert all(fault.left_out for fault in found.faults)


def test_car_parks_with_bad_or_missing_capacity_are_reported_and_the_rest_goes_on() -> None:
    square = shapely.box(0, 0, 55, 20)
    parks = gpd.GeoDataFrame(
        {
            "capacity": [100, -5, None, None, None, 30],
            "kind": ["surface", "surface", "surface", "surface", "underground", "surface"],
            "access": ["yes", None, None, None, None, "private"],
        },
        geometry=[
            shapely.Point(0, 0),
            shapely.Point(1, 1),
            square,
            shapely.Point(2, 2),
            shapely.Point(3, 3),
            square,
        ],
        crs=EPSG,
    )
    found = car_park_supply(parks)
    assert found.places["source"].tolist() == [0, 2, 3, 4]
    assert found.capacity.tolist() == [100, 40, 65, 20]
    assert found.places["basis"].tolist() == ["given", "area", "kind", "default"]
    assert {fault.row: fault.left_out for fault in found.faults} == {
        1: True,
        2: False,
        3: False,
        4: False,
        5: True,
    }
    assert "-5" in str(found.faults[0].error)
    everybody = car_park_supply(parks, open_access=None)
    assert everybody.total == found.total + 30


def test_nowhere_to_stand_is_an_error_that_says_so() -> None:
    nothing = kerb_supply(kerb_frame(("untagged", None, "left", STRAIGHT)))
    with pytest.raises(InputError, match="no legal bays"):
        joined_supply(nothing)
    with pytest.raises(InputError, match="capacity"):
        car_park_supply(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=EPSG))


def test_junctions_and_bends_come_from_driven_streets() -> None:
    streets = gpd.GeoDataFrame(
        geometry=[
            shapely.LineString([(0, 0), (100, 0)]),
            shapely.LineString([(100, 0), (200, 0), (200, 100)]),
            shapely.LineString([(100, 0), (100, 90)]),
        ],
        crs=EPSG,
    )
    found = junctions_and_bends(street_graph(streets))
    assert found["kind"].tolist() == ["junction", "bend"]
    assert shapely.get_coordinates(found.geometry.to_numpy()).tolist() == [[100, 0], [200, 0]]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=str)
@pytest.mark.parametrize("rules", CLEARANCES.values(), ids=["law", "practice"])
def test_no_bay_stands_nearer_than_the_clearance(shape: object, rules: tuple) -> None:
    bent = [(0.0, 3.5), (90.0, 3.5), (180.0, 30.0), (260.0, 30.0)]
    kerbs = kerb_frame(("untagged", None, "left", bent), ("untagged", None, "right", [(0, -3.5), (260, -20)]))
    features = feature_frame(("junction", shapely.Point(0, 0)), ("bus_stop", shapely.Point(150, 20)))
    stretches = usable_kerbs(kerbs, features, clearances=rules, shape=shape)
    found = bay_blocks(stretches, features, shape=shape, clearances=rules, most_bays=7)
    assert len(found.bays) == found.blocks["bays"].sum()
    assert found.blocks["bays"].max() <= 7
    np.testing.assert_allclose(found.bays.area, shape.length_m * shape.width_m)
    for kind, line in zip(features["kind"], features.geometry, strict=True):
        metres = next(each.metres for each in rules if each.kind == kind)
        assert stretches.distance(line).min() >= metres - 1e-6
    assert "hydrant" in found.kinds_missing
    assert "junction" not in found.kinds_missing
    assert str(missing_kinds(["hydrant", "bend"])) == "hydrants, sharp bends"


def test_bays_lie_on_the_carriageway_side_and_do_not_overlap() -> None:
    kerbs = kerb_frame(
        ("untagged", None, "left", STRAIGHT), ("untagged", None, "right", [(0, -3.5), (210, -3.5)])
    )
    nothing = feature_frame()
    for shape in SHAPES.values():
        bays = bay_blocks(usable_kerbs(kerbs, nothing, shape=shape), nothing, shape=shape).bays
        for side, low, high in (("left", 3.5 - shape.depth_m, 3.5), ("right", -3.5, -3.5 + shape.depth_m)):
            own = bays[(bays.centroid.y > 0) == (side == "left")] if shape.depth_m < 6 else None
            if own is None:
                continue
            assert own.total_bounds[1] == pytest.approx(low)
            assert own.total_bounds[3] == pytest.approx(high)
        one = bay_blocks(usable_kerbs(kerbs[:1], nothing, shape=shape), nothing, shape=shape).bays
        assert one.total_bounds[3] == pytest.approx(3.5)
        assert one.total_bounds[1] == pytest.approx(3.5 - shape.depth_m)
        assert one.union_all().area == pytest.approx(one.area.sum())


def test_kerbs_with_bays_forbidden_ones_and_other_streets_are_no_candidates() -> None:
    kerbs = kerb_frame(
        ("parallel", True, "left", STRAIGHT),
        ("no_stopping", False, "left", STRAIGHT),
        ("no_parking", False, "left", STRAIGHT),
        ("untagged", None, "left", STRAIGHT),
        ("untagged", None, "left", STRAIGHT),
        highway=["residential"] * 4 + ["primary"],
    )
    assert usable_kerbs(kerbs, feature_frame())["kerb"].tolist() == [3]
    assert usable_kerbs(kerbs, feature_frame(), forbidden=(), streets=None)["kerb"].tolist() == [1, 2, 3, 4]
    with pytest.raises(InputError, match="no kerbs"):
        usable_kerbs(kerbs[:0], feature_frame())
    with pytest.raises(InputError, match="kind"):
        usable_kerbs(kerbs, feature_frame().drop(columns="kind"))


def test_narrow_streets_have_bays_on_one_side_or_none() -> None:
    def sides(width_m: float, shape: str, opposite: bool | None = None) -> list[str]:
        right = [(0.0, -3.5), (190.0, -3.5)]
        kerbs = kerb_frame(
            ("untagged", None, "left", STRAIGHT),
            ("parallel" if opposite else "untagged", opposite, "right", right),
            street_edge_id=[7, 7],
            width_m=[width_m, width_m],
        )
        return usable_kerbs(kerbs, feature_frame(), shape=SHAPES[shape])["side"].tolist()

    assert sides(7, "parallel") == ["left"]
    assert sides(9, "parallel") == ["left", "right"]
    assert sides(6, "parallel") == []
    assert sides(7, "perpendicular") == []
    assert sides(16, "perpendicular") == ["left", "right"]
    assert sides(8, "parallel", opposite=True) == []
    assert sides(9, "parallel", opposite=True) == ["left"]


def test_the_law_keeps_at_least_as_clear_as_practice() -> None:
    practice = {each.kind: each.metres for each in PRACTICE}
    assert all(each.metres >= practice[each.kind] for each in LAW)


def question(seed: int) -> tuple:
    draw = np.random.default_rng(seed)
    places, standing, blocks, hours = (
        draw.integers(low, high) for low, high in ((2, 8), (1, 4), (1, 7), (1, 4))
    )

    def walks(count: int) -> Walks:
        metres = draw.uniform(0, 500, (places, count))
        origin, target = np.indices(metres.shape)
        return Walks.of_pairs(origin.ravel(), target.ravel(), metres.ravel(), metres.shape, 300)

    here, new = walks(standing), walks(blocks)
    demand = draw.integers(0, 6, (places, hours)).astype(float)
    demand[0, 0] += 1
    capacity = draw.integers(0, 4, standing).astype(float)
    bays, costs = draw.integers(1, 6, blocks).astype(float), draw.uniform(1, 5, blocks)
    return here, new, demand, capacity, bays, costs, float(draw.uniform(1, 12)), draw.uniform(0.5, 2, hours)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_bound_is_above_the_optimum_and_the_optimum_above_the_answer(seed: int) -> None:
    here, new, demand, capacity, bays, costs, budget, weights = question(seed)
    every = here.beside(new)

    def served(rows: object) -> float:
        built = np.zeros(len(bays))
        built[list(rows)] = bays[list(rows)]
        unmet = shortage(every, demand, np.concatenate([capacity, built])).unmet
        return float(weights @ (demand.sum(axis=0) - unmet.sum(axis=0)))

    best = max(
        served(rows)
        for count in range(len(bays) + 1)
        for rows in itertools.combinations(range(len(bays)), count)
        if costs[list(rows)].sum() <= budget
    )
    for limit_s in (0.0, 10.0):
        plan = choose_bays(
            new,
            demand,
            bays,
            costs,
            budget,
            existing=(here, capacity),
            hour_weights=weights,
            time_limit_s=limit_s,
        )
        assert plan.cost <= budget * (1 + 1e-9)
        assert plan.served_before == pytest.approx(served([]))
        assert plan.served_after == pytest.approx(served(plan.chosen))
        assert plan.upper_bound >= best - 1e-5
        assert best >= plan.served_after - 1e-6
        assert plan.gains.sum() == pytest.approx(plan.served_after - plan.served_before)
        assert plan.wanted - weights @ plan.unmet_after.sum(axis=0) == pytest.approx(plan.served_after)
        assert (
            plan.used <= np.where(np.isin(np.arange(len(bays)), plan.chosen), bays, 0)[:, None] + 1e-9
        ).all()
        if plan.proven_optimal:
            assert plan.served_after == pytest.approx(best, rel=1e-5)
    assert plan.proven_optimal


def test_a_choice_needs_blocks_demand_and_sound_numbers() -> None:
    walks = Walks.of_pairs([0], [0], [10.0], (1, 1), 100)
    for demand, bays, costs, budget in (
        ([0], [1], [1], 1),
        ([1], [-1], [1], 1),
        ([1], [1], [0], 1),
        ([1], [1], [1], 0),
    ):
        with pytest.raises(InputError):
            choose_bays(walks, demand, bays, costs, budget)
    with pytest.raises(InputError, match="no blocks"):
        choose_bays(Walks.of_pairs([], [], [], (1, 0), 100), [1], [], [], 1)
    poor = choose_bays(walks, [5], [3], [10], 1)
    assert poor.chosen.size == 0
    assert poor.proven_optimal


def test_the_step_rule_of_sfpark() -> None:
    today = pd.DataFrame(
        {
            "block": list("abcdefg"),
            "hour": 10,
            "occupancy": [0.85, 0.8, 0.7, 0.45, 0.2, np.nan, 0.9],
            "lower": [0.82, 0.7, 0.65, 0.4, 0.1, np.nan, 0.8],
            "upper": [0.9, 0.9, 0.75, 0.5, 0.29, np.nan, 1.0],
        }
    )
    found = tariff_steps(today, pd.Series(2.0, index=list("abcdef")).combine_first(pd.Series({"g": 0.0})))
    assert found["step"].tolist()[:6] == [0.25, 0.25, 0, -0.25, -0.5, 0]
    assert found["sure"].tolist() == [True, False, True, True, True, False, True]
    a = found.iloc[0]
    assert a["expected"] == pytest.approx(0.85 * (2.25 / 2) ** -0.4)
    assert a["expected_lower"] == pytest.approx(0.82 * (2.25 / 2) ** -0.6)
    assert a["expected_upper"] == pytest.approx(0.9 * (2.25 / 2) ** -0.2)
    assert found["on_target"].tolist()[2]
    assert found.iloc[6]["new_tariff"] == 0.25
    assert np.isnan(found.iloc[6]["expected"])
    assert (found["expected_lower"].dropna() <= found["expected"].dropna()).all()


def test_floor_cap_and_rules_that_make_no_sense() -> None:
    rule = StepRule(floor=1.0, cap=2.1)
    today = pd.DataFrame(
        {"block": ["a", "b"], "hour": 0, "occupancy": [0.9, 0.1], "lower": 0.1, "upper": 0.9}
    )
    found = tariff_steps(today, pd.Series({"a": 2.0, "b": 1.2}), rule=rule)
    assert found["new_tariff"].tolist() == [2.1, 1.0]
    for wrong in ({"bounds": (0.6, 0.3)}, {"steps": (0.1,)}, {"floor": 3.0, "cap": 1.0}):
        with pytest.raises(InputError):
            StepRule(**wrong)
    with pytest.raises(InputError, match="Block b"):
        tariff_steps(today, pd.Series({"a": 2.0}))
    with pytest.raises(InputError):
        tariff_steps(today, pd.Series({"a": 2.0, "b": 1.0}), elasticity=(-0.2, 0.3))


def test_occupancy_from_rates_and_from_series() -> None:
    rates = pd.DataFrame(
        {"block": ["a", "b"], "hour": 3, "rate": [4.0, 1.0], "lower": [2.0, 0.5], "upper": [8.0, 2.0]}
    )
    found = occupancy_from_rates(rates, 1.5, pd.Series({"a": 10.0, "b": 0.0}))
    assert found.loc[0, ["lower", "occupancy", "upper"]].tolist() == pytest.approx([0.3, 0.6, 1.2])
    assert np.isnan(found.loc[1, "occupancy"])
    counts = pd.DataFrame(
        {"block": "p", "hour": [1, 1, 1, 2, 2], "occupied": [5, 6, 7, 4, -1], "capacity": 10}
    )
    series = occupancy_from_series(counts)
    assert series["occupancy"].tolist() == pytest.approx([0.6, 0.4])
    assert series["upper"][0] == pytest.approx(0.6 + 4.302653 * 0.1 / np.sqrt(3))
    assert np.isnan(series["upper"][1])
    with pytest.raises(InputError, match="No count"):
        occupancy_from_series(counts.assign(capacity=0))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), officers=st.integers(1, 3))
def test_no_roster_finds_more_than_the_patrol_plan(seed: int, officers: int) -> None:
    draw = np.random.default_rng(seed)
    rate = draw.gamma(0.5, 1, (draw.integers(1, 5), 168)).round(2)
    plan = patrol_plan(rate, rate / 2, rate * 2, officers=officers, shift_h=8, window_h=4, found_ratio=0.5)
    slot = rate.reshape(len(rate), 7, 6, 4).sum(axis=3) * 0.5
    best = 0.0
    for day in range(7):
        ranked = -np.sort(-slot[:, day], axis=0)
        sums = np.vstack([np.zeros(6), np.cumsum(ranked, axis=0)])
        best += max(
            sum(sums[min(sum(s <= t < s + 2 for s in starts), len(rate)), t] for t in range(6))
            for starts in itertools.combinations_with_replacement(range(5), officers)
        )
    assert plan.expected == pytest.approx(best)
    assert plan.lower == pytest.approx(plan.expected / 2)
    assert plan.upper == pytest.approx(plan.expected * 2)
    assert not plan.windows.duplicated(["place", "hour"]).any()
    assert plan.windows.groupby("hour").size().max() <= officers


def test_patrols_need_rates_and_whole_shifts() -> None:
    rate = np.full((1, 168), np.nan)
    with pytest.raises(InputError, match="No place"):
        patrol_plan(rate, rate, rate, officers=1)
    rate[0] = 1.0
    for wrong in ({"officers": 0}, {"officers": 1, "shift_h": 7}, {"officers": 1, "found_ratio": 0.0}):
        with pytest.raises(InputError):
            patrol_plan(rate, rate, rate, **wrong)
    unknown = np.vstack([rate, np.full((1, 168), np.nan)])
    assert patrol_plan(unknown, unknown, unknown, officers=2).windows["place"].unique().tolist() == [0]


def test_persistent_shortages_show_their_evidence() -> None:
    unmet = np.array([[0.0, 2.0, 3.0, 0.0], [0.0, 0.0, 9.0, 0.0], [0.2, 0.2, 0.2, 0.2]])
    demand = np.full((3, 4), 10.0)
    found = persistent_shortages(unmet, demand, least_ratio=0.5)
    assert found[
        ["place", "short_hours", "short_ratio", "mean_unmet", "most_unmet", "worst_hour"]
    ].values.tolist() == [[0, 2, 0.5, 2.5, 3, 2]]
    assert persistent_shortages(unmet, demand)["place"].tolist() == [1, 0]
    with pytest.raises(InputError):
        persistent_shortages(unmet, demand[:2])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_works_list_within_the_budget_brings_more(seed: int) -> None:
    draw = np.random.default_rng(seed)
    count = int(draw.integers(1, 9))
    works = pd.DataFrame(
        {"cost": draw.uniform(1, 9, count), "benefit": draw.integers(0, 20, count).astype(float)}
    )
    budget = float(draw.uniform(1, 20))
    found = works_list(works, budget)
    best = max(
        works.loc[list(rows), "benefit"].sum()
        for size in range(count + 1)
        for rows in itertools.combinations(range(count), size)
        if works.loc[list(rows), "cost"].sum() <= budget
    )
    assert found.cost <= budget * (1 + 1e-9)
    assert found.benefit == pytest.approx(best)
    assert found.upper_bound == pytest.approx(best)
    assert found.works["benefit_per_cost"].is_monotonic_decreasing


def test_works_without_cost_are_told() -> None:
    works = pd.DataFrame({"cost": [1.0, None, -2.0], "benefit": [1.0, 2.0, 3.0], "street": ["a", "b", "c"]})
    found = works_list(works, 5)
    assert found.works["street"].tolist() == ["a"]
    assert found.left_out["street"].tolist() == ["b", "c"]
    with pytest.raises(InputError, match="None of the 2"):
        works_list(works[1:], 5)


@given(
    st.floats(0, 500),
    st.floats(0, 1),
    st.floats(0.1, 10),
    st.floats(-1.5, 0),
)
def test_a_dearer_place_is_freer(capacity: float, free: float, ratio: float, elasticity: float) -> None:
    [found] = free_places([capacity], free, ratio, elasticity)
    today = capacity * free
    assert 0 <= found <= capacity
    assert (found >= today - 1e-9) if ratio >= 1 else (found <= today + 1e-9)
    assert free_places([capacity], free, 1.0, elasticity)[0] == pytest.approx(today)
    if 0 < found < capacity:
        assert capacity - found == pytest.approx((capacity - today) * ratio**elasticity)


@pytest.mark.parametrize(
    "wrong",
    [(-1, 0.5, 1, -0.2), (5, 1.2, 1, -0.2), (5, 0.5, 0, -0.2), (5, 0.5, 1, 0.3), (5, float("nan"), 1, 0)],
)
def test_free_places_refuse_what_cannot_be(wrong: tuple[float, ...]) -> None:
    with pytest.raises(InputError):
        free_places(*wrong)
