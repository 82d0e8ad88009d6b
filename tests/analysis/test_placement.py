"""Laws and cases of choosing cameras."""

from __future__ import annotations

from itertools import combinations, count

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from analysis.errors import CrsError, InputError
from analysis.placement import candidate_cameras, cover_matrix, maximal_covering
from analysis.placement.budget import Budget
from analysis.placement.incidence import Incidence
from analysis.placement.search import exchanged, greedy
from analysis.visibility import prepare_obstacles, visible_polygons

UTM = 32635
FEW = settings(max_examples=40, deadline=None)


@st.composite
def cases(draw):
    """Covers, weights and k, small enough to try every choice."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    candidates, demand = draw(st.integers(1, 9)), draw(st.integers(1, 15))
    covers = random.random((candidates, demand)) < draw(st.floats(0.1, 0.6))
    covers[0, 0] = True
    weights = random.choice([0.0, 1, 2, 5, 0.3], demand)
    weights[0] = 1.0
    return sparse.csr_matrix(covers.astype(np.int8)), weights, draw(st.integers(1, candidates))


def covered_weight(covers, weights, rows, already=False):
    return weights[(covers.toarray()[list(rows)] > 0).any(axis=0) | already].sum()


def best_weight(covers, weights, k, fixed=(), already=False):
    free = [row for row in range(covers.shape[0]) if row not in fixed]
    choices = combinations(free, k - len(fixed))
    return max(covered_weight(covers, weights, [*fixed, *rows], already) for rows in choices)


def discs(candidates, demand, k, seed=0):
    """Points in a square kilometre, and discs that can cover about half of it."""
    random = np.random.default_rng(seed)
    points = gpd.GeoSeries(shapely.points(random.uniform(0, 1000, (demand, 2))), crs=UTM)
    sites = gpd.GeoSeries(shapely.points(random.uniform(0, 1000, (candidates, 2))), crs=UTM)
    covers = cover_matrix(sites.buffer(1000 * (0.5 / k / np.pi) ** 0.5), points)
    return covers, random.integers(1, 100, demand).astype(float)


def incidence(covers, weights):
    return Incidence.of(covers.indptr.astype(np.int64), covers.indices.astype(np.uint32), weights)


# Laws


@FEW
@given(cases())
def test_small_cases_are_solved_and_proven(case):
    covers, weights, k = case
    placement = maximal_covering(covers, weights, k)
    assert placement.covered_weight == pytest.approx(best_weight(covers, weights, k))
    assert placement.proven_optimal
    assert placement.gap_ratio == 0


@FEW
@given(cases())
def test_the_bound_holds_without_the_solver(case):
    covers, weights, k = case
    placement = maximal_covering(covers, weights, k, time_limit_s=0)
    best = best_weight(covers, weights, k)
    assert placement.covered_weight <= best + 1e-9
    assert placement.upper_bound >= best * (1 - 1e-6)
    assert placement.upper_bound >= placement.covered_weight
    assert 0 <= placement.gap_ratio <= 1
    assert placement.proven_optimal == (placement.gap_ratio == 0)


@FEW
@given(cases())
def test_greedy_reaches_63_per_cent_and_exchanges_never_lose(case):
    covers, weights, k = case
    found = incidence(covers, weights)
    rows, gains = greedy(found, k)
    assert (np.diff(gains) <= 1e-9).all()
    assert gains.sum() == pytest.approx(covered_weight(covers, weights, rows))
    assert gains.sum() >= (1 - 1 / np.e) * best_weight(covers, weights, k) - 1e-9
    better = exchanged(found, rows, Budget(1.0), 1.0)
    assert len(set(better)) == len(rows)
    assert covered_weight(covers, weights, better) >= gains.sum() - 1e-9


@FEW
@given(cases())
def test_no_exchange_of_one_for_one_gains_any_more(case):
    covers, weights, k = case
    found = incidence(covers, weights)
    rows = exchanged(found, greedy(found, k)[0], Budget(1.0), 1.0)
    reached = covered_weight(covers, weights, rows)
    for gone in rows:
        others = [row for row in rows if row != gone]
        for come in range(covers.shape[0]):
            assert covered_weight(covers, weights, [*others, come]) <= reached + 1e-6


@FEW
@given(cases())
def test_gains_add_up_in_order(case):
    covers, weights, k = case
    placement = maximal_covering(covers, weights, k)
    before = 0.0
    for size, gain in enumerate(placement.gains, start=1):
        now = covered_weight(covers, weights, placement.chosen[:size])
        assert gain == pytest.approx(now - before)
        before = now
    assert before == pytest.approx(placement.covered_weight)
    assert len(set(placement.chosen)) == len(placement.chosen) <= k
    assert (placement.gains > 0).all()


@FEW
@given(cases(), st.data())
def test_fixed_and_already_covered_stay(case, data):
    covers, weights, k = case
    fixed = data.draw(st.lists(st.integers(0, covers.shape[0] - 1), unique=True, max_size=k))
    already = np.array(data.draw(st.lists(st.booleans(), min_size=len(weights), max_size=len(weights))))
    placement = maximal_covering(covers, weights, k, fixed=fixed, already_covered=already)
    assert list(placement.chosen[: len(fixed)]) == fixed
    assert placement.already_weight == pytest.approx(weights[already].sum())
    assert placement.covered_weight == pytest.approx(best_weight(covers, weights, k, fixed, already))
    assert placement.already_weight + placement.gains.sum() == pytest.approx(placement.covered_weight)


@FEW
@given(cases(), st.floats(1e-6, 1e6))
def test_the_unit_of_weight_does_not_matter(case, unit):
    covers, weights, k = case
    one, other = maximal_covering(covers, weights, k), maximal_covering(covers, weights * unit, k)
    assert other.covered_weight == pytest.approx(unit * one.covered_weight, rel=1e-6)


@FEW
@given(cases())
def test_one_more_never_covers_less(case):
    covers, weights, _ = case
    reached = [maximal_covering(covers, weights, size) for size in range(1, covers.shape[0] + 1)]
    assert (np.diff([placement.covered_weight for placement in reached]) >= -1e-9).all()
    assert (np.diff([placement.upper_bound for placement in reached]) >= -1e-9).all()


@FEW
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_demand_and_candidates_does_not_matter(case, random):
    covers, weights, k = case
    rows, columns = list(range(covers.shape[0])), list(range(covers.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    one = maximal_covering(covers, weights, k)
    other = maximal_covering(covers[rows][:, columns], weights[columns], k)
    assert other.covered_weight == pytest.approx(one.covered_weight)
    assert other.upper_bound == pytest.approx(one.upper_bound)


@FEW
@given(cases())
def test_demand_in_two_places_counts_as_one_of_both_weights(case):
    covers, weights, k = case
    twice = sparse.hstack([covers, covers], format="csr")
    placement = maximal_covering(twice, np.concatenate([weights, 2 * weights]), k)
    assert placement.covered_weight == pytest.approx(3 * best_weight(covers, weights, k))


# Cases


def test_greedy_alone_would_miss_the_best_two():
    covers = sparse.csr_matrix([[1, 1, 0, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 1, 1]])
    weights = np.array([2.0, 2.0, 1.0, 2.0, 2.0])
    assert greedy(incidence(covers, weights), 2)[0][0] == 1
    placement = maximal_covering(covers, weights, 2)
    assert sorted(placement.chosen) == [0, 2]
    assert placement.covered_weight == placement.upper_bound == 8


def test_a_district_is_solved_to_a_proof():
    covers, weights = discs(150, 600, 8)
    placement = maximal_covering(covers, weights, 8)
    assert placement.proven_optimal
    assert len(placement.chosen) == 8
    assert np.diff(placement.gains).max() <= 0
    assert placement.covered_weight == pytest.approx(covered_weight(covers, weights, placement.chosen))


def test_a_town_gets_a_bound_and_the_same_answer_twice():
    covers, weights = discs(2000, 12_000, 40)
    one, two = (maximal_covering(covers, weights, 40, time_limit_s=0.3, now=lambda: 0.0) for _ in range(2))
    first = greedy(incidence(covers, weights), 40)[1].sum()
    assert first < one.covered_weight < one.upper_bound < weights.sum()
    assert one.gap_ratio < 0.1
    assert list(one.chosen) == list(two.chosen)
    assert one.upper_bound == two.upper_bound


def test_a_clock_ends_what_steps_would_not():
    covers, weights = discs(2000, 12_000, 40)
    ticks = count()
    hasty = maximal_covering(covers, weights, 40, time_limit_s=20, now=lambda: float(next(ticks)))
    assert 20 < next(ticks) < 60
    assert 0 < hasty.gap_ratio < 0.2


def test_a_gap_that_is_small_enough_ends_the_search():
    covers, weights = discs(2000, 12_000, 40)
    rough = maximal_covering(covers, weights, 40, time_limit_s=60, gap_ratio=0.08, now=lambda: 0.0)
    finer = maximal_covering(covers, weights, 40, time_limit_s=1, now=lambda: 0.0)
    assert finer.gap_ratio < rough.gap_ratio <= 0.08


def test_cameras_that_add_nothing_are_not_chosen():
    placement = maximal_covering(sparse.csr_matrix([[1, 1], [1, 0], [0, 1]]), [1.0, 1.0], 3)
    assert list(placement.chosen) == [0]
    assert placement.proven_optimal


def test_when_all_is_covered_already_nothing_is_chosen():
    placement = maximal_covering(sparse.csr_matrix([[1, 1]]), [1.0, 2.0], 1, already_covered=[True, True])
    assert placement.chosen.size == 0
    assert placement.covered_weight == placement.upper_bound == placement.total_weight == 3
    assert placement.proven_optimal


def test_from_sites_to_chosen_cameras():
    wall = prepare_obstacles(gpd.GeoSeries([shapely.box(-1, -60, 1, 60)], crs=UTM))
    sites = gpd.GeoSeries([shapely.Point(-20, 0), shapely.Point(20, 0)], crs=UTM, index=["west", "east"])
    candidates = candidate_cameras(sites, 4, hfov_deg=80, range_m=50)
    assert list(candidates["site"]) == ["west"] * 4 + ["east"] * 4
    assert list(candidates["heading_deg"]) == [0, 90, 180, 270] * 2
    demand = gpd.GeoSeries(shapely.points([(-50, 0), (-10, 0), (10, 0), (50, 0), (25, 30)]), crs=UTM)
    covers = cover_matrix(visible_polygons(candidates, wall), demand)
    placement = maximal_covering(covers, [5.0, 1, 1, 4, 2], 2)
    chosen = candidates.iloc[placement.chosen]
    assert list(zip(chosen["site"], chosen["heading_deg"], strict=True)) == [("west", 270), ("east", 90)]
    assert list(placement.gains) == [5, 4]


def test_candidates_carry_the_pose_that_is_given():
    sites = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=UTM)
    candidates = candidate_cameras(sites, [10.0, 200.0], height_m=6, tilt_deg=15, vfov_deg=40)
    assert list(candidates["heading_deg"]) == [10, 200]
    assert {"height_m", "tilt_deg", "vfov_deg"} < set(candidates.columns)
    assert "height_m" not in candidate_cameras(sites).columns
    assert len(candidate_cameras(sites.iloc[:0])) == 0


# Errors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": 4}, "k is 4, but there are 3"),
        ({"k": 0}, "k is 0"),
        ({"weights": [1.0, np.nan]}, "weights must be zero or more, but row 1"),
        ({"weights": [1.0, -2.0]}, "weights must be zero or more, but row 1"),
        ({"weights": [0.0, 0.0]}, "nothing to cover"),
        ({"weights": [1.0]}, "weights has the shape"),
        ({"covers": sparse.csr_matrix((3, 2))}, "nothing to cover"),
        ({"covers": sparse.csr_matrix((3, 0)), "weights": []}, "nothing to cover"),
        ({"fixed": [3]}, "fixed is"),
        ({"fixed": [1, 1]}, "fixed is"),
        ({"fixed": [0, 1, 2]}, "3 candidates are fixed"),
        ({"already_covered": [True]}, "already_covered has the shape"),
        ({"already_covered": [0.5, 1.0]}, "neither truth values"),
        ({"time_limit_s": -1}, "time_limit_s"),
        ({"gap_ratio": 1.0}, "gap_ratio is 1.0"),
        ({"gap_ratio": np.nan}, "gap_ratio is nan"),
    ],
)
def test_questions_without_sense_are_refused(change, words):
    question = {"covers": sparse.csr_matrix([[1, 0], [0, 1], [1, 1]]), "weights": [1.0, 2.0], "k": 2} | change
    with pytest.raises(InputError, match=words):
        maximal_covering(**question)


def test_wrong_headings_and_degrees_are_refused():
    sites = gpd.GeoSeries([shapely.Point(0, 0)], crs=UTM)
    for headings in (0, [], [360.0], [np.nan]):
        with pytest.raises(InputError, match="headings"):
            candidate_cameras(sites, headings)
    with pytest.raises(CrsError):
        candidate_cameras(sites.set_crs(4326, allow_override=True))
    with pytest.raises(CrsError):
        cover_matrix(sites, sites.set_crs(32636, allow_override=True))
