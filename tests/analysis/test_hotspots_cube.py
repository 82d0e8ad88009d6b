"""The space-time cube: trends, the 17 kinds of hot spot, and Gi* of bins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.errors import InputError
from analysis.hotspots import CLASSES, Neighbours, cube_hot_spots, emerging_classes, getis_ord, mann_kendall


def lattice(side: int) -> Neighbours:
    spots = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    pairs = [(i, j) for i, a in enumerate(spots) for j, b in enumerate(spots[:i]) if np.abs(a - b).max() == 1]
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    return Neighbours.of_pairs(first, second, side * side)


# ------------------------------------------------------------------------------------------------ trends


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=4, max_size=40))
def test_tau_is_that_of_scipy_and_the_variance_that_of_kendall(series: list[int]) -> None:
    row = mann_kendall(np.array([series], float)).iloc[0]
    if len(set(series)) == 1:
        assert (row["tau"], row["z"], row["p"]) == (0, 0, 1)
        return
    assert row["tau"] == pytest.approx(stats.kendalltau(np.arange(len(series)), series).statistic, abs=1e-12)
    count, ties = len(series), np.unique(series, return_counts=True)[1]
    score = sum(np.sign(b - a) for i, b in enumerate(series) for a in series[:i])
    variance = (
        count * (count - 1) * (2 * count + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties.tolist())
    ) / 18
    assert row["z"] == pytest.approx((score - np.sign(score)) / np.sqrt(variance))
    assert row["p"] == pytest.approx(2 * stats.norm.sf(abs(row["z"])))


def test_a_series_backwards_has_the_opposite_trend_and_gaps_are_passed_over() -> None:
    rows = np.random.default_rng(3).normal(size=(20, 15)).cumsum(axis=1)
    there, back = mann_kendall(rows), mann_kendall(rows[:, ::-1])
    np.testing.assert_allclose(there["z"], -back["z"])
    gaps = np.insert(rows, [4, 9], np.nan, axis=1)
    pd.testing.assert_frame_equal(there, mann_kendall(gaps))


# ----------------------------------------------------------------------------------------------- classes

H, C, N = 1, -1, 0
SERIES = {
    "new": ([N] * 9 + [H], 0.0),
    "consecutive": ([N] * 6 + [H] * 4, 0.0),
    "intensifying": ([H] * 10, 3.0),
    "persistent": ([H] * 10, 0.0),
    "diminishing": ([H] * 10, -3.0),
    "sporadic": ([N, H, N, N, H, H, N, N, N, H], 0.0),
    "oscillating": ([N, C, C, N, H, N, C, N, H, H], 0.0),
    "historical": ([H] * 9 + [N], 0.0),
}


@pytest.mark.parametrize("kind", SERIES)
@pytest.mark.parametrize(("sign", "name"), [(1, "hot"), (-1, "cold")])
def test_each_kind_by_its_definition(kind: str, sign: int, name: str) -> None:
    series, trend = SERIES[kind]
    marks = np.array([series], float) * sign
    p = np.array([0.001 if trend else 0.6])
    assert emerging_classes(marks, np.array([trend * sign]), p).tolist() == [f"{kind} {name}"]


def test_borders_between_kinds() -> None:
    said = {
        "persistent hot": [N] + [H] * 9,  # 90 % and hot in the last step
        "consecutive hot": [N, N] + [H] * 8,  # under 90 %
        "sporadic hot": [H, N, N] + [H] * 7,  # hot before the run as well
        "oscillating hot": [C] + [N] * 8 + [H],  # new, were it not cold before
        "none": [H] * 8 + [N, N],  # gone, and never 90 %
        "historical cold": [C] * 9 + [N],
        "oscillating cold": [H] * 9 + [C],  # historical hot too: the last step counts
    }
    for name, series in said.items():
        assert emerging_classes(np.array([series], float), np.zeros(1), np.ones(1))[0] == name, series
    assert emerging_classes(np.full((1, 5), np.nan), np.zeros(1), np.ones(1))[0] == "no evidence"
    assert len(CLASSES) == len(set(CLASSES)) == 17


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([H, C, N]), min_size=4, max_size=30), st.floats(-5, 5))
def test_every_series_has_one_kind_and_cold_mirrors_hot(series: list[int], trend: float) -> None:
    marks, p = np.array([series], float), np.array([2 * stats.norm.sf(abs(trend))])
    [kind] = emerging_classes(marks, np.array([trend]), p)
    assert kind in CLASSES
    [mirrored] = emerging_classes(-marks, np.array([-trend]), p)
    swapped = {"hot": "cold", "cold": "hot"}
    assert mirrored == (" ".join([*kind.split()[:-1], swapped[kind.split()[-1]]]) if kind != "none" else kind)
    if kind == "none":
        assert series[-1] == N and abs(np.mean(np.array(series) == H)) < 0.9
    elif "historical" not in kind:
        assert series[-1] == (H if kind.endswith("hot") else C)


# -------------------------------------------------------------------------------------------------- cube


def test_without_lags_and_time_a_bin_is_a_place() -> None:
    rng = np.random.default_rng(2)
    values = pd.DataFrame(np.tile(rng.gamma(2, 3, (36, 1)), (1, 5)))
    cube = cube_hot_spots(values, lattice(6), lags=0)
    alone = getis_ord(values[0], lattice(6), permutations=0)["z"]
    # the same values five times: the same mean and spread, but among 180 bins
    weight = lattice(6).degrees + 1
    factor = np.sqrt((36 - weight) / 35 / ((180 - weight) / 179))
    for step in range(5):
        np.testing.assert_allclose(cube.z[step], alone * factor, atol=1e-9)


def test_a_neighbourhood_in_time_is_that_of_adding_up() -> None:
    rng = np.random.default_rng(5)
    values = rng.gamma(2, 3, (16, 7))
    values[3, 2] = values[9, 5] = np.nan
    near = lattice(4)
    z = cube_hot_spots(pd.DataFrame(values), near, lags=2).z.to_numpy()
    known = values[np.isfinite(values)]
    for place in range(16):
        members = [place, *near.others[near.starts[place] : near.starts[place + 1]]]
        for step in range(7):
            block = values[members, max(0, step - 2) : step + 1]
            block = block[np.isfinite(block)]
            if not np.isfinite(values[place, step]):
                assert np.isnan(z[place, step])
                continue
            n, w = len(known), len(block)
            spread = known.std() * np.sqrt(w * (n - w) / (n - 1))
            assert z[place, step] == pytest.approx((block.sum() - w * known.mean()) / spread)


def test_a_corner_that_becomes_hot_is_told_and_the_rest_is_calm() -> None:
    rng = np.random.default_rng(7)
    values = pd.DataFrame(rng.poisson(4, (100, 24)).astype(float), index=[f"c{n}" for n in range(100)])
    corner = [0, 1, 2, 10, 11, 12, 20, 21, 22]
    values.iloc[corner, 18:] += 20
    found = cube_hot_spots(values, lattice(10)).places
    assert found.iloc[[0, 1, 10, 11]]["kind"].eq("consecutive hot").all()
    assert found["kind"].iloc[50:].isin(["none", "sporadic hot", "new hot"]).all()
    assert found.index.equals(values.index) and found["hot_steps"].iloc[0] == 6


def test_a_place_that_nobody_looked_at_has_no_kind() -> None:
    values = pd.DataFrame(np.random.default_rng(1).gamma(2, 3, (16, 8)))
    values.iloc[5] = np.nan
    found = cube_hot_spots(values, lattice(4)).places
    assert found["kind"][5] == "no evidence" and found["steps"][5] == 0 and np.isnan(found["last_z"][5])


def test_bad_cubes_are_named() -> None:
    values = pd.DataFrame(np.ones((16, 8)))
    with pytest.raises(InputError, match="3 steps"):
        cube_hot_spots(values.iloc[:, :3], lattice(4))
    with pytest.raises(InputError, match="15 places"):
        cube_hot_spots(values.iloc[:15], lattice(4))
    with pytest.raises(InputError, match="evidence"):
        cube_hot_spots(values * np.nan, lattice(4))
    assert cube_hot_spots(values, lattice(4)).places["kind"].eq("none").all()
