"""Laws of the parts of maximal covering, and its answers on instances that others have published."""

from __future__ import annotations

from itertools import combinations, count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from analysis.placement import maximal_covering
from analysis.placement.bound import relaxed
from analysis.placement.budget import STEPS_A_SECOND, Budget
from analysis.placement.exact import rest_of, solved
from analysis.placement.incidence import Incidence, reduced
from analysis.placement.search import annealed, exchanged, greedy
from tests.benchmarks.instances import (
    FOLDER,
    clustered_city,
    hypercube_cycles,
    located,
    monochromatic_fours,
    san_francisco_stores,
    uniform_field,
)

FEW = settings(max_examples=40, deadline=None)


def still(limit_s=1.0):
    """A budget of steps alone."""
    return Budget(limit_s, lambda: 0.0)


@st.composite
def cases(draw, most=9):
    """Rows that all cover something, items that are all covered and weigh something, and k below the rows."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    candidates, demand = draw(st.integers(2, most)), draw(st.integers(1, 15))
    covers = random.random((candidates, demand)) < draw(st.floats(0.1, 0.6))
    covers[np.arange(candidates), random.integers(0, demand, candidates)] = True
    covers = covers[:, covers.any(axis=0)]
    weights = random.choice([1.0, 2, 5, 0.3], covers.shape[1])
    return sparse.csr_matrix(covers.astype(np.int8)), weights, draw(st.integers(1, candidates - 1))


def incidence(covers, weights):
    return Incidence.of(covers.indptr.astype(np.int64), covers.indices.astype(np.uint32), weights)


def choices(found, k):
    """Every choice of k rows and what it covers."""
    return [(rows, found.covered(np.array(rows))) for rows in combinations(range(found.rows), k)]


def by_highs(covers, weights, k, *, whole=True):
    """The optimum of the textbook model, or of its linear relaxation."""
    candidates, demand = covers.shape
    across = sparse.hstack([-covers.T.astype(float), sparse.identity(demand)])
    limit = sparse.csr_matrix(np.concatenate([np.ones(candidates), np.zeros(demand)]))
    kinds = np.concatenate([np.full(candidates, int(whole)), np.zeros(demand)])
    answer = milp(
        np.concatenate([np.zeros(candidates), -weights]),
        constraints=[LinearConstraint(across, -np.inf, 0), LinearConstraint(limit, -np.inf, k)],
        bounds=Bounds(0, 1),
        integrality=kinds,
    )
    return -answer.fun


# Fewer rows and items


@FEW
@given(cases(most=7))
def test_what_is_left_is_the_same_question(case):
    covers, weights, k = case
    found, rows = reduced(sparse.vstack([covers, covers[:1]], format="csr"), weights)
    whole = incidence(covers, weights)
    assert found.rows <= whole.rows
    assert len(found.weight) <= len(weights)
    best = max(value for _, value in choices(whole, k))
    kept = min(k, found.rows)
    assert max(value for _, value in choices(found, kept)) == pytest.approx(best)
    for picked in combinations(range(found.rows), kept):
        assert found.covered(np.array(picked)) == pytest.approx(
            whole.covered(rows[np.array(picked)] % covers.shape[0])
        )


@FEW
@given(cases())
def test_both_ways_tell_the_same(case):
    covers, weights, _ = case
    found, _ = reduced(covers, weights)
    across = found.covers.T.tocsr()
    assert list(across.indptr) == list(found.backs)
    assert list(across.indices) == list(found.holders)
    assert found.worth == pytest.approx(found.covers.astype(float) @ found.weight)


def test_demand_seen_alike_becomes_one_and_a_row_within_another_goes():
    covers = sparse.csr_matrix([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0]])
    found, rows = reduced(covers.astype(np.int8), np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    assert sorted(rows) == [0, 2]
    assert sorted(found.weight) == [3, 4, 8]


# The bound


@FEW
@given(cases())
def test_the_relaxed_answer_lies_between_what_is_reached_and_the_bound(case):
    covers, weights, k = case
    found = incidence(covers, weights)
    rows, _ = greedy(found, k)
    known = relaxed(found, k, rows, found.covered(rows), still(0.02), 1.0, gap_ratio=0.0, near_ratio=1e-3)
    linear = by_highs(covers, weights, k, whole=False)
    assert known.reached <= linear * (1 + 1e-6)
    assert known.bound >= linear * (1 - 1e-6)
    assert known.bound - known.reached <= 0.01 * linear
    assert ((known.leaning >= 0) & (known.leaning <= 1)).all()
    assert known.leaning.sum() == pytest.approx(k)


@FEW
@given(cases(), st.floats(0, 1))
def test_a_choice_that_is_good_enough_keeps_to_what_the_bound_leaves_open(case, part):
    covers, weights, k = case
    found = incidence(covers, weights)
    rows, _ = greedy(found, k)
    known = relaxed(found, k, rows, 0.0, still(0.0), 0.0, gap_ratio=0.0, near_ratio=0.0)
    every = choices(found, k)
    enough = part * max(value for _, value in every)
    rest = rest_of(found, k, known, enough)
    assert rest.k == k - rest.taken.size
    for rows, value in every:
        if value > enough * (1 + 1e-9):
            assert set(rest.taken) <= set(rows) <= set(rest.taken) | set(rest.open_rows)


@FEW
@given(cases())
def test_the_rest_is_solved_to_the_optimum(case):
    covers, weights, k = case
    found = incidence(covers, weights)
    rows, _ = greedy(found, k)
    known = relaxed(found, k, rows, 0.0, still(0.0), 0.0, gap_ratio=0.0, near_ratio=0.0)
    picked, bound = solved(rest_of(found, k, known, found.covered(rows)), rows, 10.0)
    best = max(value for _, value in choices(found, k))
    assert max(found.covered(picked), found.covered(rows)) == pytest.approx(best, rel=1e-6)
    assert max(bound, found.covered(rows)) == pytest.approx(best, rel=1e-6)


# Walks and the budget


@FEW
@given(cases(), st.integers(0, 3))
def test_a_walk_never_ends_below_its_beginning(case, seed):
    covers, weights, k = case
    found = incidence(covers, weights)
    begin = np.random.default_rng(seed).permutation(found.rows)[:k]
    rows, covered = annealed(found, begin, still(1e-3), 1.0, seed=seed)
    assert covered == pytest.approx(found.covered(rows))
    assert covered >= found.covered(begin) - 1e-9
    assert len(set(rows)) == k
    again, _ = annealed(found, begin, still(1e-3), 1.0, seed=seed)
    assert list(again) == list(rows)


def test_a_walk_finds_what_exchanges_of_one_for_one_miss():
    covering = clustered_city(300, 2000, 12)
    found, _ = reduced(covering.covers, covering.weights)
    stuck = exchanged(found, greedy(found, 12)[0], still(), 1.0)
    _, covered = annealed(found, stuck, still(), 1.0)
    assert covered > found.covered(stuck)


def test_a_walk_ends_when_enough_is_covered():
    covering = clustered_city(300, 2000, 12)
    found, _ = reduced(covering.covers, covering.weights)
    budget = still()
    rows, _ = greedy(found, 12)
    assert list(annealed(found, rows, budget, 1.0, enough=1.0)[0]) == list(rows)
    assert budget.spent_ratio == 0


def test_a_budget_is_spent_in_steps_or_in_time():
    ticks = count()
    by_clock = Budget(10.0, lambda: float(next(ticks)))
    assert by_clock.spent_ratio == pytest.approx(0.1)
    assert by_clock.left_s == pytest.approx(8.0)
    by_steps = still(10.0)
    by_steps.spend(5 * STEPS_A_SECOND)
    assert by_steps.spent_ratio == pytest.approx(0.5)
    assert by_steps.share_after(STEPS_A_SECOND) == pytest.approx(0.6)
    assert by_steps.left_s == 10.0
    assert still(0.0).spent_ratio == 1


# Instances


def test_a_clustered_city_is_proven_as_highs_proves_it():
    covering = clustered_city(150, 800, 8)
    placement = maximal_covering(covering.covers, covering.weights, 8)
    assert placement.proven_optimal
    assert placement.covered_weight == pytest.approx(by_highs(covering.covers, covering.weights, 8))


def test_the_published_generator_is_followed_to_the_last_digit():
    field = uniform_field(100, 1000, 5.5)
    assert field.sites[:2].tolist() == [[25.205632, 11.831488], [23.492977, 23.953201]]
    assert set(field.weights) == set(range(1, 101))


@pytest.mark.parametrize(("radius", "k"), [(3.25, 10), (3.25, 20), (5.5, 20)])
def test_uniform_fields_are_proven_as_highs_proves_them(radius, k):
    field = uniform_field(100, 1000, radius)
    placement = maximal_covering(field.covers, field.weights, k)
    assert placement.proven_optimal
    assert placement.covered_weight == pytest.approx(by_highs(field.covers, field.weights, k))


def test_stores_of_san_francisco_are_proven_as_highs_proves_them():
    pytest.importorskip("spopt")
    covering, _ = san_francisco_stores(5000.0)
    for k in (1, 4, 8):
        placement = maximal_covering(covering.covers, covering.weights, k)
        assert placement.proven_optimal
        assert placement.covered_weight == pytest.approx(by_highs(covering.covers, covering.weights, k))


def test_set_covering_instances_have_their_published_size():
    assert hypercube_cycles(6).covers.shape == (192, 240)
    assert set(np.diff(hypercube_cycles(6).covers.tocsc().indptr)) == {4}
    fours = monochromatic_fours(10).covers
    assert fours.shape == (210, 511)
    assert fours.nnz == 13_230


@pytest.mark.skipif(not (FOLDER / "SJC/SJC324.txt").exists(), reason=f"{FOLDER} holds no published instances")
@pytest.mark.parametrize(
    ("name", "k", "optimum"),
    [("SJC324", 3, 11_604), ("SJC402", 4, 15_658), ("SJC500", 5, 18_859), ("SJC708", 6, 22_504)],
)
def test_places_of_sao_jose_dos_campos_are_proven(name, k, optimum):
    covering = located(f"SJC/{name}.txt", 800.0)
    placement = maximal_covering(covering.covers, covering.weights, k)
    assert placement.proven_optimal
    assert placement.covered_weight == optimum
    first = greedy(incidence(covering.covers, covering.weights), k)[1].sum()
    assert first < optimum
