"""Shortage: as much as can be served is served, against a linear programme and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from analysis.access import Walks, occupied_places, shortage
from analysis.errors import InputError


def drawn(seed: int, limit: float = 300.0) -> tuple[Walks, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    places, supplies = draw.integers(1, 14, 2)
    metres = draw.uniform(0, 500, (places, supplies))
    origin, target = np.indices(metres.shape)
    walks = Walks.of_pairs(origin.ravel(), target.ravel(), metres.ravel(), metres.shape, limit)
    if seed % 2:
        return (
            walks,
            draw.integers(0, 6, (places, 3)).astype(float),
            draw.integers(0, 9, supplies).astype(float),
        )
    return walks, draw.gamma(0.5, 5, (places, 3)), draw.gamma(0.5, 6, supplies)


def most_served(walks: Walks, demand: np.ndarray, capacity: np.ndarray) -> float:
    pairs = len(walks.metres)
    if not pairs:
        return 0.0
    rows = np.zeros((walks.origins + walks.targets, pairs))
    rows[walks.origin, np.arange(pairs)] = 1
    rows[walks.origins + walks.target, np.arange(pairs)] = 1
    return -float(linprog(-np.ones(pairs), A_ub=rows, b_ub=np.concatenate([demand, capacity])).fun)


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_nothing_serves_more_than_the_linear_programme_and_this_serves_as_much(seed: int) -> None:
    walks, demand, capacity = drawn(seed)
    found = shortage(walks, demand, capacity)
    assert (found.unmet >= 0).all()
    assert (found.unmet <= demand + 1e-9).all()
    assert (found.used <= capacity[:, None] + 1e-9).all()
    np.testing.assert_allclose(
        found.used.sum(axis=0) + found.unmet.sum(axis=0), demand.sum(axis=0), atol=1e-9
    )
    np.testing.assert_allclose(found.least_unmet, found.unmet.sum(axis=0), atol=1e-9)
    for hour in range(3):
        wanted = demand[:, hour].sum() - most_served(walks, demand[:, hour], capacity)
        assert found.unmet[:, hour].sum() == pytest.approx(wanted, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), row=st.integers(0, 100), more=st.floats(0, 50))
def test_more_supply_or_a_longer_way_never_raises_the_shortage(seed: int, row: int, more: float) -> None:
    walks, demand, capacity = drawn(seed)
    total = shortage(walks, demand, capacity).unmet.sum(axis=0)
    larger = capacity.copy()
    larger[row % len(capacity)] += more
    assert (shortage(walks, demand, larger).unmet.sum(axis=0) <= total + 1e-9).all()
    assert (shortage(walks.within(150), demand, capacity).unmet.sum(axis=0) >= total - 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), factor=st.sampled_from([0.25, 2.0, 8.0]))
def test_twice_of_all_is_twice_the_shortage(seed: int, factor: float) -> None:
    walks, demand, capacity = drawn(seed)
    once, scaled = shortage(walks, demand, capacity), shortage(walks, demand * factor, capacity * factor)
    np.testing.assert_allclose(scaled.unmet, factor * once.unmet, atol=1e-9)


def test_the_nearest_stands_first_and_is_sent_on_only_for_somebody_else() -> None:
    # both want the one near place; only the second place can go on to the far supply
    walks = Walks.of_pairs([0, 1, 1], [0, 0, 1], [100, 50, 250], (2, 2), 300)
    near = shortage(walks, [1, 1], [1, 0])
    assert near.unmet[:, 0].tolist() == [1, 0]
    both = shortage(walks, [1, 1], [1, 1])
    assert both.unmet.sum() == 0
    assert both.walk_m[0] == pytest.approx((100 + 250) / 2)
    assert shortage(walks, [0, 1], [1, 1]).walk_m[0] == 50


def test_places_without_any_supply_are_told() -> None:
    walks = Walks.of_pairs([0, 1], [0, 1], [10, 10], (3, 2), 50)
    found = shortage(walks, [1, 1, 1], [2, 0])
    assert found.unreachable.tolist() == [False, True, True]
    assert found.unmet[:, 0].tolist() == [0, 1, 1]


def test_supplies_may_close_at_some_hours_and_hours_that_are_alike_agree() -> None:
    walks = Walks.of_pairs([0], [0], [10], (1, 1), 50)
    found = shortage(walks, np.array([[3.0, 3.0, 3.0]]), np.array([[5.0, 1.0, 5.0]]))
    assert found.unmet[0].tolist() == [0, 2, 0]
    with pytest.raises(InputError, match="3 hours but"):
        shortage(walks, np.ones((1, 3)), np.ones((1, 2)))


def test_no_demand_no_supply_no_hours() -> None:
    nothing = Walks.of_pairs([], [], [], (2, 0), 50)
    assert shortage(nothing, [1, 2], []).unmet[:, 0].tolist() == [1, 2]
    assert shortage(nothing, np.zeros((2, 0)), np.zeros((0, 0))).unmet.shape == (2, 0)


def test_bad_numbers_are_refused() -> None:
    walks = Walks.of_pairs([0], [0], [10], (1, 1), 50)
    for demand, capacity in (([-1], [1]), ([1], [np.nan]), ([1, 2], [1])):
        with pytest.raises(InputError):
            shortage(walks, demand, capacity)


def test_littles_law() -> None:
    assert occupied_places([6.0, 0.0], 0.5).tolist() == [3, 0]
    with pytest.raises(InputError):
        occupied_places([-1.0], 1.0)
