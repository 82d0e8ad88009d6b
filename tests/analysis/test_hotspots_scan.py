"""Space scan, near repeat, and events in cells: brute force, published values and laws."""

from __future__ import annotations

import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from analysis.errors import InputError
from analysis.hotspots import (
    CellIndex,
    count_by_cell_and_step,
    near_repeat,
    repeated_events,
    space_scan,
    space_time_counts,
)
from analysis.hotspots.scan import _best_circles, _best_of_towns, _circles, log_likelihood_ratio

# ------------------------------------------------------------------------------------------------- scan


def town(seed: int = 1, places: int = 60) -> tuple[pd.Series, pd.Series, np.ndarray]:
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, 1000, (places, 2))
    hours = pd.Series(rng.gamma(2, 20, places))
    return pd.Series(rng.poisson(hours * 0.3)), hours, spots


def tried(counts: np.ndarray, means: np.ndarray, spots: np.ndarray, share: float) -> float:
    """The best ratio of all circles, one after the other."""
    best, total = 0.0, counts.sum()
    means = means * total / means.sum()
    for middle in range(len(spots)):
        order = np.argsort(np.hypot(*(spots - spots[middle]).T), kind="stable")
        for size in range(1, len(spots)):
            inside, usual = counts[order[:size]].sum(), means[order[:size]].sum()
            if size > 1 and usual > share * total:
                break
            if inside > usual:
                ratio = inside * np.log(inside / usual)
                if inside < total:
                    ratio += (total - inside) * np.log((total - inside) / (total - usual))
                best = max(best, ratio)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_best_circle_is_that_of_trying_all(seed: int) -> None:
    counts, hours, spots = town(seed)
    [best, *_] = space_scan(counts, hours, spots, simulations=9)
    assert best.llr == pytest.approx(tried(counts.to_numpy(), hours.to_numpy(), spots, 0.25))
    inside, usual, total = best.observed, best.expected, counts.sum()
    assert best.llr == pytest.approx(log_likelihood_ratio(inside, usual, total))
    assert best.observed == counts[best.members].sum() and best.centre == best.members[0]
    assert best.relative_risk == pytest.approx((inside / usual) / ((total - inside) / (total - usual)))


def test_towns_that_are_made_up_are_judged_as_the_real_one_is() -> None:
    counts, hours, spots = town(7)
    means = hours.to_numpy() * counts.sum() / hours.sum()
    order, sizes = _circles(spots, means, 0.25 * counts.sum(), np.inf)
    drawn = np.random.default_rng(3).multinomial(counts.sum(), means / means.sum(), 25).T.astype(float)
    fast = _best_of_towns(order, sizes, np.ascontiguousarray(drawn), means, float(counts.sum()))
    slow = [
        _best_circles(order, sizes, drawn[:, [each]], means, float(counts.sum()))[0].max()
        for each in range(25)
    ]
    np.testing.assert_allclose(fast, slow, rtol=1e-9)


def test_a_place_with_three_times_the_rate_is_found() -> None:
    counts, hours, spots = town(2, 150)
    hot = np.hypot(*(spots - [300, 300]).T) < 150
    counts[hot] = np.random.default_rng(1).poisson(hours[hot] * 0.9)
    [best, *others] = space_scan(counts, hours, spots, simulations=199)
    assert best.p == pytest.approx(1 / 200) and best.relative_risk > 2
    assert hot[best.members].mean() > 0.7
    taken = list(best.members)
    for each in others:
        assert each.llr <= best.llr and not set(each.members) & set(taken)
        taken += list(each.members)


def test_without_a_hot_spot_it_finds_one_as_often_as_it_says() -> None:
    found = []
    for seed in range(40):
        counts, hours, spots = town(100 + seed, 40)
        found += [space_scan(counts, hours, spots, simulations=99, seed=seed)[0].p]
    assert (np.array(found) <= 0.1).mean() < 0.25 and 0.3 < np.mean(found) < 0.7


def test_where_nobody_looked_is_left_out_and_the_unit_of_exposure_does_not_matter() -> None:
    counts, hours, spots = town(5)
    hours[:10], counts[:10] = 0.0, 50
    seen = hours > 0
    whole = space_scan(counts, hours, spots, simulations=49)
    part = space_scan(counts[seen], hours[seen], spots[seen], simulations=49)
    scaled = space_scan(counts, hours * 60, spots, simulations=49)
    for other in (part, scaled):
        assert [each.llr for each in whole] == pytest.approx([each.llr for each in other])
        assert all((a.members == b.members).all() for a, b in zip(whole, other, strict=True))


def test_a_radius_bounds_circles_and_no_events_are_no_cluster() -> None:
    counts, hours, spots = town(3)
    assert all(
        each.radius_m <= 120 for each in space_scan(counts, hours, spots, most_radius_m=120, simulations=9)
    )
    assert space_scan(counts * 0, hours, spots) == []
    with pytest.raises(InputError, match="most_share"):
        space_scan(counts, hours, spots, most_share=1.5)
    with pytest.raises(InputError, match="same places"):
        space_scan(counts, hours[::-1], spots)
    with pytest.raises(InputError, match="Only 0 places"):
        space_scan(counts, hours * 0, spots)


# ------------------------------------------------------------------------------------------- near repeat


def test_the_example_of_burkitt() -> None:
    """Thirteen pairs within 20 units and 5 days, as in the documentation of pointpats."""
    table = libpysal.io.open(libpysal.examples.get_path("burkitt.dbf"))
    events = np.column_stack([table.by_col("X"), table.by_col("Y"), table.by_col("T")]).astype(float)
    [found] = near_repeat(
        events[:, :2], events[:, 2], distances_m=(20,), delays=(5,), permutations=999
    ).itertuples()
    assert found.pairs == 13
    assert 0.1 < found.p < 0.3, "published: 0.17 of 99 permutations"


def test_pairs_are_those_of_counting_them() -> None:
    rng = np.random.default_rng(2)
    spots, times = rng.uniform(0, 300, (80, 2)), rng.uniform(0, 30, 80)
    near, soon = np.array([20.0, 60.0, 100.0]), np.array([1.0, 5.0])
    found = near_repeat(spots, times, distances_m=near, delays=soon, permutations=99)
    counted = np.zeros((3, 2), int)
    for one in range(80):
        for other in range(one):
            apart, delay = np.hypot(*(spots[one] - spots[other])), abs(times[one] - times[other])
            if apart <= near[-1] and delay <= soon[-1]:
                counted[np.searchsorted(near, apart), np.searchsorted(soon, delay)] += 1
    assert found["pairs"].tolist() == counted.ravel().tolist()
    share = np.mean([abs(a - b) <= 1.0 for i, a in enumerate(times) for b in times[:i]])
    within_20 = sum(np.hypot(*(a - b)) <= 20 for i, a in enumerate(spots) for b in spots[:i])
    assert found["expected"][0] == pytest.approx(share * within_20, rel=0.2)


def test_events_that_call_forth_others_are_noticed_and_others_are_not() -> None:
    rng = np.random.default_rng(9)
    spots, times = rng.uniform(0, 3000, (400, 2)), rng.uniform(0, 365, 400)
    asked = {"distances_m": (50.0, 150.0), "delays": (2.0, 7.0), "permutations": 199}
    calm = near_repeat(spots, times, **asked)
    assert calm["p"].min() > 0.005
    echo = np.concatenate([spots, spots[:80] + rng.normal(0, 15, (80, 2))])
    repeated = near_repeat(echo, np.concatenate([times, times[:80] + 1]), **asked)
    assert repeated["p"][0] == pytest.approx(1 / 200) and repeated["ratio"][0] > 5


def test_an_event_repeats_another_that_came_just_before() -> None:
    spots = np.array([[0.0, 0], [10, 0], [500, 0], [505, 0], [0, 5]])
    times = np.array([1.0, 3.0, 8.0, 8.0, 30.0])
    found = repeated_events(spots, times, distance_m=20, delay=2)
    assert found.tolist() == [False, True, True, True, False]


def test_bad_input_of_near_repeat_is_named() -> None:
    spots, times = np.zeros((3, 2)), np.arange(3.0)
    with pytest.raises(InputError, match="rise"):
        near_repeat(spots, times, distances_m=(50, 20), delays=(1,))
    with pytest.raises(InputError, match="3 places but 2 times"):
        near_repeat(spots, times[:2], distances_m=(50,), delays=(1,))
    with pytest.raises(InputError, match="lacks its place"):
        near_repeat(spots * np.nan, times, distances_m=(50,), delays=(1,))


# ---------------------------------------------------------------------------------------- cells and hours


def cells() -> gpd.GeoDataFrame:
    """A turned lattice, one cell with a hole, one in two parts, one missing."""
    shapes = [shapely.box(x * 100, y * 100, x * 100 + 100, y * 100 + 100) for y in range(6) for x in range(6)]
    shapes[14] = shapes[14].difference(shapely.Point(250, 250).buffer(30))
    shapes[20] = shapes[20].difference(shapely.box(240, 290, 255, 420))
    del shapes[8]
    shapes = [affinity.rotate(shape, 17, origin=(300, 300)) for shape in shapes]
    return gpd.GeoDataFrame({"code": range(35)}, geometry=shapes, crs=32650)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([None, 12.0, 700.0]))
def test_every_point_lies_where_shapely_says(seed: int, tile_m: float | None) -> None:
    ground = cells()
    points = np.random.default_rng(seed).uniform(-150, 750, (4000, 2))
    found = CellIndex(ground, tile_m=tile_m).rows(points[:, 0], points[:, 1])
    who, which = shapely.STRtree(ground.geometry.to_numpy()).query(shapely.points(points), "within")
    there = np.full(len(points), -1)
    there[who] = which
    np.testing.assert_array_equal(found, there)


def test_cells_times_hours_are_counted_once_each() -> None:
    ground = cells()
    rng = np.random.default_rng(4)
    points, hours = rng.uniform(0, 600, (3000, 2)), rng.integers(-2, 30, 3000)
    index = CellIndex(ground)
    rows = index.rows(points[:, 0], points[:, 1])
    cell, step, count = count_by_cell_and_step(rows, hours, 24)
    kept = (rows >= 0) & (hours >= 0) & (hours < 24)
    pairs = pd.Series(1, index=[rows[kept], hours[kept]]).groupby(level=[0, 1]).sum()
    assert list(zip(cell, step, strict=True)) == list(pairs.index) and count.tolist() == pairs.tolist()
    table = space_time_counts(rows, hours, ground.index, 24)
    assert table.shape == (35, 24) and table.to_numpy().sum() == kept.sum()
    assert (table.to_numpy()[cell, step] == count).all()
    nothing = count_by_cell_and_step(np.zeros(0, np.int32), np.zeros(0, int), 24)
    assert [len(each) for each in nothing] == [0, 0, 0]


def test_points_without_a_place_are_nowhere() -> None:
    index = CellIndex(cells())
    found = index.rows(np.array([np.nan, 1e9, 300.0]), np.array([300.0, 300.0, np.inf]))
    assert found.tolist() == [-1, -1, -1]
    with pytest.raises(InputError, match="x has 2 values"):
        index.rows(np.zeros(2), np.zeros(3))
    with pytest.raises(InputError, match="no cells"):
        CellIndex(cells().iloc[:0])
