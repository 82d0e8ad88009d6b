"""Laws of the covering models, against every choice there is."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from analysis.errors import InputError
from analysis.placement.backup import backup_covering
from analysis.placement.budgeted import budgeted_covering
from analysis.placement.curve import covering_curve
from analysis.placement.fairness import fair_covering
from analysis.placement.prices import bound_at, priced_bound
from analysis.placement.programme import Programme, merged, objective
from analysis.placement.rebuilding import filled, rebuilt
from analysis.placement.relocation import relocation
from analysis.placement.removal import removal
from analysis.placement.set_covering import location_set_covering
from analysis.placement.weighing import greedy_cover

FEW = settings(max_examples=30, deadline=None)
LIMITS = st.sampled_from([0.0, 0.2])
"""Without and with the solver."""


@st.composite
def cases(draw, most=8):
    """Covers and weights, small enough to try every choice."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    candidates, demand = draw(st.integers(2, most)), draw(st.integers(1, 14))
    covers = random.random((candidates, demand)) < draw(st.floats(0.1, 0.6))
    covers[0, 0] = True
    weights = random.choice([0.0, 1, 2, 5, 0.3], demand)
    weights[0] = 1.0
    return sparse.csr_matrix(covers.astype(np.int8)), weights, random


def subsets(rows):
    rows = list(rows)
    return chain.from_iterable(combinations(rows, size) for size in range(len(rows) + 1))


def times(covers, rows):
    return (covers.toarray()[list(rows)] > 0).sum(axis=0)


def seen_weight(covers, weights, rows, already=False):
    return weights[(times(covers, rows) > 0) | already].sum()


def truths(random, size):
    return random.random(size) < 0.2


def within(answer, best, sign=1):
    """Bound, best, answer: each no better than the one before, and proof means equality."""
    slack = 1e-6 * max(abs(best), 1.0)
    reached, bound = answer
    assert sign * bound >= sign * best - slack
    assert sign * best >= sign * reached - slack


# Fewest or cheapest that cover all


@FEW
@given(cases(), LIMITS, st.booleans(), st.sampled_from([1.0, 0.8, 0.4]))
def test_set_covering_covers_all_that_can_be_covered_at_least_cost(case, limit, priced, share):
    covers, weights, random = case
    costs = random.integers(0, 6, covers.shape[0]).astype(float) if priced else np.ones(covers.shape[0])
    already, required = truths(random, weights.size), ~truths(random, weights.size)
    assume(required.any())
    fixed = [0] if random.random() < 0.3 else []
    answer = location_set_covering(
        covers,
        costs=costs if priced else None,
        fixed=fixed,
        already_covered=already,
        required=required,
        weights=weights,
        share=share,
        time_limit_s=limit,
    )
    asked = required & (weights > 0)
    reachable = already | (times(covers, range(covers.shape[0])) > 0)
    assert list(answer.unreachable) == list(np.flatnonzero(asked & ~reachable))
    needed = share * weights[asked & reachable].sum() - 1e-9

    def enough(rows):
        return weights[asked & (already | (times(covers, [*fixed, *rows]) > 0))].sum() >= needed

    others = [row for row in range(covers.shape[0]) if row not in fixed]
    best = min(costs[list(rows)].sum() for rows in subsets(others) if enough(rows))
    assert list(answer.chosen[: len(fixed)]) == fixed
    picked = answer.chosen[len(fixed) :]
    assert enough(picked) and len(set(answer.chosen)) == len(answer.chosen)
    assert answer.cost == pytest.approx(costs[picked].sum())
    within((answer.cost, answer.lower_bound), best, sign=-1)
    assert answer.total_weight == pytest.approx(weights[asked].sum())
    seen = already | (times(covers, answer.chosen) > 0)
    assert answer.covered_weight == pytest.approx(weights[asked & seen].sum())
    assert answer.proven_optimal == (answer.gap_ratio == 0) or limit == 0
    if limit:
        assert answer.proven_optimal and answer.cost == pytest.approx(best)


@FEW
@given(cases())
def test_a_greedy_cover_costs_at_most_the_harmonic_number_of_the_best(case):
    covers, _, random = case
    covers = covers[:, np.flatnonzero(times(covers, range(covers.shape[0])) > 0)].tocsr()
    costs = random.integers(1, 6, covers.shape[0]).astype(float)
    rows = greedy_cover(covers, costs, np.ones(covers.shape[1]), 0.0)
    assert (times(covers, rows) > 0).all()
    best = min(
        costs[list(each)].sum() for each in subsets(range(covers.shape[0])) if (times(covers, each) > 0).all()
    )
    most = int(np.diff(covers.indptr).max())
    assert costs[rows].sum() <= best * (1 / np.arange(1, most + 1)).sum() + 1e-9


# Backup, budget, fairness


@FEW
@given(cases(), LIMITS, st.data())
def test_backup_counts_the_second_look_and_keeps_what_is_fixed(case, limit, data):
    covers, weights, random = case
    k = data.draw(st.integers(1, covers.shape[0]))
    fixed = data.draw(st.lists(st.integers(0, covers.shape[0] - 1), unique=True, max_size=k))
    backup = random.choice([0.0, 0.5, 1.0], weights.size)
    already = random.integers(0, 3, weights.size)
    answer = backup_covering(
        covers, weights, k, backup=backup, fixed=fixed, already_covered=already, time_limit_s=limit
    )

    def worth(rows):
        seen = already + times(covers, rows)
        return (weights * ((seen >= 1) + backup * (seen >= 2))).sum()

    free = [row for row in range(covers.shape[0]) if row not in fixed]
    best = max(worth([*fixed, *rows]) for rows in combinations(free, k - len(fixed)))
    assert list(answer.chosen[: len(fixed)]) == fixed and len(answer.chosen) <= k
    assert answer.covered_weight == pytest.approx(worth(answer.chosen))
    assert answer.already_weight == pytest.approx(worth([]))
    assert answer.already_weight + answer.gains.sum() == pytest.approx(answer.covered_weight)
    seen = already + times(covers, answer.chosen)
    assert answer.once_weight == pytest.approx(weights[seen >= 1].sum())
    assert answer.twice_weight == pytest.approx(weights[seen >= 2].sum())
    within((answer.covered_weight, answer.upper_bound), best)
    assert 0 <= answer.gap_ratio <= 1 and answer.proven_optimal == (answer.gap_ratio == 0)
    if limit:
        assert answer.proven_optimal and answer.covered_weight == pytest.approx(best)


@FEW
@given(cases(), LIMITS, st.data())
def test_a_budget_is_kept_and_spent_well(case, limit, data):
    covers, weights, random = case
    costs = random.choice([0.5, 1, 2, 3, 7], covers.shape[0])
    useful = np.diff(covers.indptr) > 0
    budget = data.draw(st.floats(float(costs[useful].min()), float(costs.sum())))
    fixed = [int(np.flatnonzero(useful)[-1])] if random.random() < 0.3 and useful.sum() > 1 else []
    already = truths(random, weights.size)
    others = [row for row in range(covers.shape[0]) if row not in fixed]
    assume(budget >= costs[[row for row in others if useful[row]]].min())
    answer = budgeted_covering(
        covers, weights, costs, budget, fixed=fixed, already_covered=already, time_limit_s=limit
    )
    picked = answer.chosen[len(fixed) :]
    affordable = [rows for rows in subsets(others) if costs[list(rows)].sum() <= budget + 1e-9]
    best = max(seen_weight(covers, weights, [*fixed, *rows], already) for rows in affordable)
    assert list(answer.chosen[: len(fixed)]) == fixed
    assert answer.cost == pytest.approx(costs[picked].sum()) and answer.cost <= budget + 1e-9
    assert answer.costs.sum() == pytest.approx(answer.cost)
    assert answer.covered_weight == pytest.approx(seen_weight(covers, weights, answer.chosen, already))
    within((answer.covered_weight, answer.upper_bound), best)
    gain, most = answer.covered_weight - answer.already_weight, best - answer.already_weight
    assert gain >= (1 - np.e**-0.5) * most - 1e-9
    if limit:
        assert answer.proven_optimal and answer.covered_weight == pytest.approx(best)


@FEW
@given(cases(), LIMITS, st.data())
def test_every_district_gets_its_minimum_or_the_contradiction_is_named(case, limit, data):
    covers, weights, random = case
    k = data.draw(st.integers(1, covers.shape[0]))
    labels = random.choice(["east", "west"], weights.size)
    minimum = data.draw(st.sampled_from([0.0, 0.2, 0.5, 0.9]))
    already = truths(random, weights.size)

    def ratios(rows):
        seen = already | (times(covers, rows) > 0)
        return {
            label: weights[seen & (labels == label)].sum() / weights[labels == label].sum()
            for label in sorted(set(labels[weights > 0]))
        }

    served = [
        rows
        for rows in combinations(range(covers.shape[0]), k)
        if min(ratios(rows).values()) >= minimum - 1e-9
    ]
    try:
        answer = fair_covering(
            covers, weights, k, labels, minimum, already_covered=already, time_limit_s=limit
        )
    except InputError as error:
        assert not served
        assert error.facts["label"] in {"east", "west"}
        return
    assert answer.covered_weight == pytest.approx(seen_weight(covers, weights, answer.chosen, already))
    found = ratios(answer.chosen)
    assert {each.label: each.covered_ratio for each in answer.districts} == pytest.approx(found)
    assert set(answer.unmet) == {label for label, ratio in found.items() if ratio < minimum - 1e-6}
    if served:
        best = max(seen_weight(covers, weights, rows, already) for rows in served)
        within((min(answer.covered_weight, best), answer.upper_bound), best)
        if limit:
            assert not answer.unmet and answer.proven_optimal
            assert answer.covered_weight == pytest.approx(best)
    else:
        assert answer.unmet and not answer.proven_optimal and not limit


# Removal and relocation


@FEW
@given(cases(), LIMITS, st.data())
def test_the_loss_after_removal_is_the_loss_that_was_told(case, limit, data):
    covers, weights, random = case
    fixed = [0] if random.random() < 0.3 else []
    k = data.draw(st.integers(1, covers.shape[0] - len(fixed)))
    already = truths(random, weights.size)
    answer = removal(covers, weights, k, fixed=fixed, already_covered=already, time_limit_s=limit)
    everyone = set(range(covers.shape[0]))
    full = seen_weight(covers, weights, everyone, already)

    def loss(rows):
        return full - seen_weight(covers, weights, everyone - set(rows), already)

    assert len(set(answer.removed)) == k and not set(answer.removed) & set(fixed)
    for count, each in enumerate(answer.losses, start=1):
        assert each == pytest.approx(loss(answer.removed[:count]) - loss(answer.removed[: count - 1]))
    assert answer.lost_weight == pytest.approx(loss(answer.removed))
    assert answer.covered_weight == pytest.approx(full - answer.lost_weight)
    best = min(loss(rows) for rows in combinations(sorted(everyone - set(fixed)), k))
    within((answer.lost_weight, answer.lower_bound), best, sign=-1)
    assert 0 <= answer.gap_ratio <= 1 and answer.proven_optimal == (answer.gap_ratio == 0)
    if limit:
        assert answer.proven_optimal and answer.lost_weight == pytest.approx(best)


@FEW
@given(cases(), LIMITS, st.data())
def test_moving_cameras_is_never_worse_than_staying(case, limit, data):
    covers, weights, random = case
    size = data.draw(st.integers(1, covers.shape[0] - 1))
    current = random.permutation(covers.shape[0])[:size]
    fixed = current[:1] if size > 1 and random.random() < 0.3 else current[:0]
    swaps = data.draw(st.integers(1, size - len(fixed)))
    already = truths(random, weights.size)
    answer = relocation(
        covers, weights, current, swaps, fixed=fixed, already_covered=already, time_limit_s=limit
    )
    assert len(answer.removed) == len(answer.added) <= swaps
    assert set(answer.removed) <= set(current) - set(fixed) and not set(answer.added) & set(current)
    after = (set(current) - set(answer.removed)) | set(answer.added)
    assert answer.current_weight == pytest.approx(seen_weight(covers, weights, current, already))
    assert answer.covered_weight == pytest.approx(seen_weight(covers, weights, after, already))
    assert answer.covered_weight >= answer.current_weight - 1e-9
    choices = (
        rows
        for rows in combinations(range(covers.shape[0]), size)
        if set(fixed) <= set(rows) and len(set(rows) - set(current)) <= swaps
    )
    best = max(seen_weight(covers, weights, rows, already) for rows in choices)
    within((answer.covered_weight, answer.upper_bound), best)
    if limit:
        assert answer.proven_optimal and answer.covered_weight == pytest.approx(best)


# Curve and bounds


@FEW
@given(cases(), st.data())
def test_the_curve_rises_ever_less_under_its_bound(case, data):
    covers, weights, random = case
    already = truths(random, weights.size)
    fixed = [0] if random.random() < 0.3 else []
    free = [row for row in range(covers.shape[0]) if row not in fixed]
    k_max = data.draw(st.integers(1, len(free)))
    curve = covering_curve(covers, weights, k_max, fixed=fixed, already_covered=already, time_limit_s=0.1)
    assert list(curve.counts) == list(range(k_max + 1))
    assert (np.diff(curve.covered_weight) >= -1e-9).all()
    for count in curve.counts:
        best = max(
            seen_weight(covers, weights, [*fixed, *rows], already) for rows in combinations(free, count)
        )
        within((curve.covered_weight[count], curve.upper_bound[count]), best)
        assert curve.covered_weight[count] >= (1 - 1 / np.e) * best - 1e-9
    assert ((curve.gap_ratio >= 0) & (curve.gap_ratio <= 1)).all()
    assert curve.covered_weight[0] == pytest.approx(seen_weight(covers, weights, fixed, already))


@FEW
@given(cases(), st.integers(1, 8), st.integers(0, 1000))
def test_greedy_reaches_63_per_cent_and_rebuilding_never_loses(case, k, seed):
    covers, weights, random = case
    second = weights * random.random(weights.size)
    programme = Programme.of(
        covers, weights, second=second, sides=np.ones((1, covers.shape[0])), limits=[float(k)]
    )
    rows = filled(programme, np.zeros(0, np.int64))
    best = max(
        objective(programme, np.array(each, dtype=np.int64))
        for each in combinations(range(covers.shape[0]), min(k, covers.shape[0]))
    )
    assert objective(programme, rows) >= (1 - 1 / np.e) * best - 1e-9
    better = rebuilt(programme, rows, 1e4, seed=seed)
    assert len(set(better)) <= k
    assert objective(programme, better) >= objective(programme, rows) - 1e-9


@FEW
@given(cases(), st.integers(1, 8))
def test_any_prices_bound_every_choice(case, k):
    covers, weights, random = case
    base = random.integers(0, 3, weights.size)
    programme = Programme.of(
        covers,
        weights,
        second=weights * random.random(weights.size),
        base=base,
        sides=random.integers(0, 4, (1, covers.shape[0])).astype(float),
        limits=[float(k)],
        group=random.integers(-1, 2, weights.size),
        share=weights,
        need=np.array([0.3, 0.0]),
    )
    small = merged(programme)
    feasible = []
    for rows in subsets(range(covers.shape[0])):
        each = np.array(rows, dtype=np.int64)
        seen = base + times(covers, rows) > 0
        served = [weights[seen & (programme.group == group)].sum() for group in (0, 1)]
        if (programme.sides[:, each].sum(axis=1) <= k).all() and (np.array(served) >= programme.need).all():
            feasible.append(objective(programme, each))
            assert objective(small, each) == pytest.approx(feasible[-1])
    assume(feasible)
    for _ in range(5):
        prices, dues = random.random(small.base.size) * 6, random.random(2) * 3
        assert bound_at(small, prices, dues) >= max(feasible) - 1e-9
    assert priced_bound(small, 200).bound >= max(feasible) - 1e-9


# Worked cases


def steiner_triples(levels):
    """The set covers of Fulkerson, Nemhauser & Trotter (1974): 9, 27, 81 … points, tripled."""
    triples = {
        tuple(sorted((3 * (a) + i, 3 * ((a + s) % 3) + (i + t) % 3, 3 * ((a + 2 * s) % 3) + (i + 2 * t) % 3)))
        for a in range(3)
        for i in range(3)
        for s, t in ((0, 1), (1, 0), (1, 1), (1, 2))
    }
    size = 9
    for _ in range(levels):
        more = {tuple(size * part + point for point in triple) for triple in triples for part in range(3)}
        more |= {(point, size + point, 2 * size + point) for point in range(size)}
        more |= {
            tuple(size * part + point for part, point in zip(parts, turn, strict=True))
            for triple in triples
            for turn in (
                (triple[a], triple[b], triple[c])
                for a, b, c in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
            )
            for parts in ((0, 1, 2),)
        }
        triples, size = more, 3 * size
    items = np.array(sorted(triples))
    column = np.repeat(np.arange(len(items)), 3)
    return sparse.csr_matrix((np.ones(column.size, np.int8), (items.ravel(), column)), (size, len(items)))


@pytest.mark.parametrize(("levels", "triples", "fewest"), [(0, 12, 5), (1, 117, 18), (2, 1080, 61)])
def test_steiner_triple_systems_are_covered_with_the_published_number(levels, triples, fewest):
    covers = steiner_triples(levels)
    assert covers.shape[1] == triples
    answer = location_set_covering(covers, time_limit_s=1)
    assert answer.cost == fewest
    assert answer.lower_bound <= fewest
    assert answer.proven_optimal or levels > 0


def test_the_marks_of_the_field_come_out_by_hand():
    """Five candidates along a street of six stretches."""
    covers = sparse.csr_matrix(
        [[1, 1, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 1, 0]]
    )
    cover = location_set_covering(covers)
    assert sorted(cover.chosen) == [0, 2, 3] or sorted(cover.chosen) == [0, 2, 4]
    assert cover.cost == cover.lower_bound == 3 and list(cover.unreachable) == [5]
    assert cover.covered_weight == 5 and cover.total_weight == 6
    weights = [1.0, 1, 4, 1, 1, 9]
    twice = backup_covering(covers, weights, 2, backup=1.0)
    assert sorted(twice.chosen) == [1, 2] and twice.covered_weight == 10
    assert (twice.once_weight, twice.twice_weight) == (6, 4)
    paid = budgeted_covering(covers, weights, [1, 5, 5, 1, 1], 6)
    assert sorted(paid.chosen) in ([0, 2], [2, 4]) or paid.covered_weight == 7
    assert paid.cost <= 6 and paid.proven_optimal
    fair = fair_covering(covers, weights, 2, ["w", "w", "w", "e", "e", None], {"e": 1.0})
    assert 3 in fair.chosen and fair.covered_weight == 7 and fair.unmet == ()
    gone = removal(covers, weights, 3)
    assert list(gone.losses) == [0, 0, 1] and gone.lost_weight == gone.lower_bound == 1
    moved = relocation(covers, weights, [0, 4], 1)
    assert (list(moved.removed), moved.covered_weight, moved.current_weight) == ([4], 7, 3)
    curve = covering_curve(covers, weights, 5)
    assert list(curve.covered_weight[:4]) == [0, 5, 7, 8] and curve.total_weight == 17


def test_nothing_is_chosen_where_all_is_covered_already():
    covers, done = sparse.csr_matrix([[1, 1], [0, 1]]), [True, True]
    assert location_set_covering(covers, already_covered=done).chosen.size == 0
    assert location_set_covering(covers, already_covered=done).proven_optimal
    assert budgeted_covering(covers, [1, 2], [1, 1], 2, already_covered=done).chosen.size == 0
    assert backup_covering(covers, [1, 2], 2, already_covered=[2, 2]).chosen.size == 0
    assert removal(covers, [1, 2], 2, already_covered=done).lost_weight == 0
    assert relocation(covers, [1, 2], [0], 1, already_covered=done).removed.size == 0
    assert covering_curve(covers, [1, 2], 2, already_covered=done).gap_ratio.max() == 0


def test_two_cameras_that_see_the_same_cannot_both_go():
    covers = sparse.csr_matrix([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    one, two = (removal(covers, [5, 5, 1], k) for k in (1, 2))
    assert list(one.losses) == [0] and list(two.losses) == [0, 1]
    assert two.removed[1] == 2
    dear = removal(covers, [5, 5, 1], 1, costs=[3, 8, 100])
    assert list(dear.removed) == [1] and dear.saved_cost == 8


def test_the_same_question_gets_the_same_answer():
    random = np.random.default_rng(3)
    covers = sparse.csr_matrix((random.random((60, 300)) < 0.08).astype(np.int8))
    weights, costs = random.integers(1, 9, 300).astype(float), random.integers(1, 9, 60).astype(float)
    for ask in (
        lambda: location_set_covering(covers, costs=costs, time_limit_s=0).chosen,
        lambda: backup_covering(covers, weights, 8, time_limit_s=0).chosen,
        lambda: budgeted_covering(covers, weights, costs, 20, time_limit_s=0).chosen,
        lambda: relocation(covers, weights, range(20), 4, time_limit_s=0).added,
        lambda: covering_curve(covers, weights, 10, time_limit_s=0.01).upper_bound,
    ):
        assert list(ask()) == list(ask())


def test_a_town_gets_bounds_without_the_solver():
    random = np.random.default_rng(5)
    sites, points = random.uniform(0, 1000, (800, 2)), random.uniform(0, 1000, (4000, 2))
    near = ((sites[:, None, :] - points[None, :, :]) ** 2).sum(axis=2) < 60**2
    covers, weights = sparse.csr_matrix(near.astype(np.int8)), random.integers(1, 9, 4000).astype(float)
    assert covers.nnz > 30_000
    for each in (
        backup_covering(covers, weights, 40, time_limit_s=0.5),
        budgeted_covering(covers, weights, random.integers(1, 9, 800), 100, time_limit_s=0.5),
        fair_covering(covers, weights, 40, (points[:, 0] // 500).astype(int), 0.2, time_limit_s=0.5),
        relocation(covers, weights, range(60), 10, time_limit_s=0.5),
    ):
        assert each.covered_weight <= each.upper_bound and each.gap_ratio < 0.05
    gone = removal(covers[:200], weights, 60, time_limit_s=0.5)
    assert gone.lower_bound <= gone.lost_weight and gone.gap_ratio < 0.3
    cover = location_set_covering(covers, time_limit_s=0.5)
    assert cover.lower_bound > 0 and cover.gap_ratio < 0.35
    curve = covering_curve(covers, weights, 60, time_limit_s=0.5)
    assert curve.gap_ratio[1:].max() < 0.05


# Errors

MODELS = {
    "cover": lambda covers, weights, **more: location_set_covering(covers, weights=weights, **more),
    "backup": lambda covers, weights, **more: backup_covering(covers, weights, **({"k": 2} | more)),
    "budget": lambda covers, weights, **more: budgeted_covering(
        covers, weights, **({"costs": [2.0, 3, 4], "budget": 5} | more)
    ),
    "fair": lambda covers, weights, **more: fair_covering(
        covers, weights, **({"k": 2, "districts": ["a", "b"], "minimum": 0.5} | more)
    ),
    "removal": lambda covers, weights, **more: removal(covers, weights, **({"k": 2} | more)),
    "relocation": lambda covers, weights, **more: relocation(
        covers, weights, **({"current": [0], "swaps": 1} | more)
    ),
    "curve": lambda covers, weights, **more: covering_curve(covers, weights, **({"k_max": 2} | more)),
}
COVERS = sparse.csr_matrix([[1, 0], [0, 1], [1, 1]])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": [1.0, np.nan]}, "weights must be zero or more, but row 1"),
        ({"weights": [1.0, -2.0]}, "weights must be zero or more, but row 1"),
        ({"weights": [0.0, 0.0]}, "nothing to cover"),
        ({"weights": [1.0]}, "weights has the shape"),
        ({"covers": sparse.csr_matrix((3, 2))}, "nothing to cover"),
        ({"fixed": [3]}, "fixed is"),
        ({"fixed": [1, 1]}, "fixed is"),
        ({"already_covered": [True]}, "already_covered has the shape"),
        ({"already_covered": [0.5, 1.0]}, "already_covered holds float64"),
        ({"time_limit_s": -1}, "time_limit_s"),
    ],
)
def test_questions_without_sense_are_refused_by_every_model(model, change, words):
    question = {"covers": COVERS, "weights": [1.0, 2.0]} | change
    with pytest.raises(InputError, match=words):
        MODELS[model](**question)


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [
        ("cover", {"costs": [1, -1, 1]}, "costs must be zero or more, but row 1"),
        ("cover", {"costs": [1, 1]}, "costs has the shape"),
        ("cover", {"share": 0}, "share is 0"),
        ("cover", {"required": [False, False]}, "No demand is required"),
        ("cover", {"required": [1, 0]}, "required holds int"),
        ("cover", {"covers": sparse.csr_matrix([[1, 0], [1, 0], [1, 0]]), "complete": True}, "column 1"),
        ("backup", {"k": 4}, "k is 4, but there are 3"),
        ("backup", {"k": 0}, "k is 0"),
        ("backup", {"fixed": [0, 1, 2]}, "3 candidates are fixed"),
        ("backup", {"backup": 1.5}, "column 0 has 1.5"),
        ("backup", {"backup": [0.5, np.nan]}, "column 1 has nan"),
        ("budget", {"budget": 1}, r"The budget is 1, but the cheapest candidate \(row 0\) costs 2"),
        ("budget", {"budget": float("nan")}, "budget must be above zero"),
        ("budget", {"costs": [2.0, np.nan, 4]}, "costs must be zero or more, but row 1"),
        ("budget", {"costs": [2.0, -1, 4]}, "costs must be zero or more, but row 1"),
        ("fair", {"k": 9}, "k is 9"),
        ("fair", {"minimum": 1.1}, "minimum of district a is 1.1"),
        ("fair", {"minimum": {"c": 0.5}}, "names the district c"),
        ("fair", {"districts": ["a"]}, "districts has 1 labels"),
        (
            "fair",
            {"covers": COVERS[:2][:, [0, 0]], "minimum": {"b": 1.0}, "k": 1, "districts": ["a", "b"]},
            None,
        ),
        (
            "fair",
            {"covers": sparse.csr_matrix([[1, 0], [1, 0], [1, 0]])},
            "District b cannot reach its minimum",
        ),
        ("fair", {"covers": COVERS[:2], "k": 1}, "No choice of 1 gives every district its minimum"),
        (
            "fair",
            {"covers": COVERS[:2], "k": 1, "districts": ["a", "a"], "minimum": 1.0},
            "District a cannot reach its minimum of 100.0% with 1.*at most 66.7%",
        ),
        ("removal", {"k": 4}, "k is 4, but there are 3"),
        ("removal", {"fixed": [0, 1]}, "only 1 cameras may go: 2 are fixed"),
        ("removal", {"costs": [1, -1, 1]}, "costs must be zero or more, but row 1"),
        ("relocation", {"swaps": 2}, "swaps is 2, but only 1 cameras may move"),
        ("relocation", {"current": [0, 1, 2]}, "nowhere to go"),
        ("relocation", {"current": [7]}, "current is"),
        ("relocation", {"fixed": [2]}, "fixed names row 2, where no camera is"),
        ("curve", {"k_max": 4}, "k_max is 4, but there are 3"),
        ("curve", {"fixed": [0, 1, 2]}, "Every candidate is fixed"),
    ],
)
def test_contradictions_say_what_is_wrong_and_where(model, change, words):
    question = {"covers": COVERS, "weights": [1.0, 2.0]} | change
    if words is None:
        assert MODELS[model](**question).unmet == ()
        return
    with pytest.raises(InputError, match=words) as caught:
        MODELS[model](**question)
    assert caught.value.mend
