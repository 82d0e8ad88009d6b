"""Gi*, local Moran, their permutations and false discovery rate: published values, peers, brute force and laws."""

from __future__ import annotations

from itertools import permutations

import esda
import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.errors import CrsError, InputError
from analysis.hotspots import (
    Neighbours,
    adjusted_p,
    getis_ord,
    local_moran,
    observed_values,
    touching,
    within,
)
from analysis.hotspots.local import _drawn, _two_sided

POINTS = np.array([(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)], dtype=float)
VALUES = pd.Series([2, 3, 3.2, 5, 8, 7])
"""The example in esda's documentation of G_Local."""


def lattice(side: int) -> Neighbours:
    """Queen neighbours of side x side squares."""
    return neighbours_of(libpysal.weights.lat2W(side, side, rook=False))


def neighbours_of(weights: libpysal.weights.W) -> Neighbours:
    first, second = weights.sparse.nonzero()
    return Neighbours.of_pairs(first, second, weights.n)


def uneven(count: int, seed: int = 3) -> pd.Series:
    """Values that are all different, and higher in the middle."""
    rng = np.random.default_rng(seed)
    hill = np.exp(-(((np.arange(count) - count / 2) / (count / 6)) ** 2))
    return pd.Series(rng.gamma(2, 5, count) * (1 + 2 * hill))


# -------------------------------------------------------------------------------------------- published


def test_the_example_of_esda_to_eight_decimals() -> None:
    near = within(POINTS, 15)
    plain = getis_ord(VALUES, near, star=False, permutations=0)["z"].to_numpy()
    starred = getis_ord(VALUES, near, star=True, permutations=0)["z"].to_numpy()
    published = [-1.0136729, -0.04361589, 1.31558703, -0.31412676, 1.15373986, 1.77833941]
    published_star = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331]
    np.testing.assert_allclose(plain, published, atol=6e-9)
    np.testing.assert_allclose(starred, published_star, atol=6e-9)


def test_the_quadrants_of_desmith() -> None:
    weights = libpysal.io.open(libpysal.examples.get_path("desmith.gal")).read()
    heights = np.array(libpysal.io.open(libpysal.examples.get_path("desmith.txt")).by_col["z"])
    found = local_moran(pd.Series(heights), neighbours_of(weights), permutations=99)
    names = {"HH": 1, "LH": 2, "LL": 3, "HL": 4}
    assert found["quadrant"].map(names).tolist() == [4, 4, 4, 2, 3, 3, 1, 4, 3, 3]


# ------------------------------------------------------------------------------------------------ peers


def test_values_and_chances_are_those_of_esda() -> None:
    weights = libpysal.weights.lat2W(15, 15, rook=False)
    weights.transform = "B"
    values = uneven(225)
    peer = esda.G_Local(
        values.to_numpy(), weights, star=True, transform="B", permutations=9999, n_jobs=1, seed=1
    )
    ours = getis_ord(values, lattice(15), permutations=9999)
    np.testing.assert_allclose(ours["z"], peer.Zs, atol=1e-10)
    np.testing.assert_allclose(ours["p_normal"], 2 * peer.p_norm, atol=1e-12)
    # both draw by chance: four standard errors of a share of 9,999
    error = 4 * np.sqrt(2 * peer.p_sim * (1 - peer.p_sim) / 9999) + 2e-4
    assert (np.abs(ours["p"] / 2 - peer.p_sim) < error).all()
    moran = esda.Moran_Local(values.to_numpy(), weights, permutations=9999, n_jobs=1, seed=1)
    found = local_moran(values, lattice(15), permutations=9999)
    np.testing.assert_allclose(found["i"], moran.Is, atol=1e-10)
    assert found["quadrant"].map({"HH": 1, "LH": 2, "LL": 3, "HL": 4}).tolist() == moran.q.tolist()
    error = 4 * np.sqrt(2 * moran.p_sim * (1 - moran.p_sim) / 9999) + 2e-4
    assert (np.abs(found["p"] / 2 - moran.p_sim) < error).all()


def test_the_adjusted_p_is_that_of_scipy_and_cuts_where_esda_cuts() -> None:
    p = np.random.default_rng(5).beta(0.4, 3, 300)
    adjusted = adjusted_p(p)
    np.testing.assert_allclose(adjusted, stats.false_discovery_control(p), atol=1e-12)
    assert ((adjusted <= 0.05) == (p <= esda.fdr(p, 0.05))).all()


def test_a_p_that_is_missing_is_no_test() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.2])
    adjusted = adjusted_p(p)
    assert np.isnan(adjusted[1])
    np.testing.assert_allclose(adjusted[[0, 2, 3]], stats.false_discovery_control(p[[0, 2, 3]]))


# ------------------------------------------------------------------------------------------ brute force


def test_shared_draws_count_as_draws_of_each_place_would() -> None:
    near = within(np.random.default_rng(8).uniform(0, 10, (40, 2)), 2.5)
    values = uneven(40).to_numpy()
    draws = _drawn(40, int(near.degrees.max()) + 1, 500, 4)
    assert (np.sort(draws, axis=1)[:, 1:] > np.sort(draws, axis=1)[:, :-1]).all(), "without replacement"
    found = _two_sided(values, near, draws)
    for place in range(40):
        degree = near.degrees[place]
        there = values[near.others[near.starts[place] : near.starts[place + 1]]].sum()
        sums = np.array([values[row[row != place][:degree]].sum() for row in draws])
        more, less = (sums >= there - 1e-9).sum(), (sums <= there + 1e-9).sum()
        assert found[place] == pytest.approx(min(1, 2 * (min(more, less) + 1) / 501))


def test_chances_are_those_of_all_permutations() -> None:
    near = within(POINTS, 15)
    found = getis_ord(VALUES, near, permutations=40_000, seed=2)["p"]
    for place in range(6):
        others = [v for other, v in enumerate(VALUES) if other != place]
        degree = int(near.degrees[place])
        there = VALUES[near.others[near.starts[place] : near.starts[place + 1]]].sum()
        sums = np.array([sum(drawn) for drawn in permutations(others, degree)])
        exact = min(1.0, 2 * min((sums >= there - 1e-9).mean(), (sums <= there + 1e-9).mean()))
        assert found[place] == pytest.approx(exact, abs=0.02)


def test_a_quiet_place_among_quiet_places_is_not_significant() -> None:
    values = pd.Series(np.zeros(100))
    values[:8] = 5
    found = getis_ord(values, lattice(10), permutations=999)
    assert found["p"].iloc[50:].min() > 0.5, "ties with zero are no evidence of cold"


# ------------------------------------------------------------------------------------------------- laws

small_values = st.lists(st.floats(0, 100, allow_nan=False), min_size=25, max_size=25)


@settings(max_examples=30, deadline=None)
@given(small_values, st.randoms())
def test_permuting_places_permutes_scores(values: list[float], random: object) -> None:
    near = lattice(5)
    order = np.arange(25)
    random.shuffle(order)  # type: ignore[attr-defined]
    new = np.argsort(order)  # old row → new row
    first = np.repeat(np.arange(25), near.degrees)
    moved = Neighbours.of_pairs(new[first], new[near.others], 25)
    there = getis_ord(pd.Series(values), near, permutations=0)["z"].to_numpy()
    here = getis_ord(pd.Series(values)[order], moved, permutations=0)["z"].to_numpy()
    np.testing.assert_allclose(here, there[order], atol=1e-7)


@settings(max_examples=30, deadline=None)
@given(small_values, st.floats(0.01, 1000))
def test_the_unit_does_not_matter(values: list[float], factor: float) -> None:
    series = pd.Series(values) + 1
    plain, scaled = (getis_ord(each, lattice(5), permutations=99) for each in (series, series * factor))
    np.testing.assert_allclose(plain["z"], scaled["z"], atol=1e-6)
    np.testing.assert_allclose(plain["p"], scaled["p"], atol=0.021)


def test_a_place_without_evidence_is_as_if_it_were_not_there() -> None:
    values = uneven(100)
    blind = values.copy()
    blind[[0, 1, 57]] = np.nan
    kept = blind.notna().to_numpy()
    near = lattice(10)
    for star in (True, False):
        whole = getis_ord(blind, near, star=star, permutations=99)
        assert whole.loc[~kept].isna().all().all()
        alone = getis_ord(values[kept], near.among(kept), star=star, permutations=99)
        pd.testing.assert_frame_equal(whole[kept], alone)
    moran = local_moran(blind, near, permutations=99)
    assert moran.loc[~kept, "quadrant"].eq("").all() and moran.loc[~kept, "i"].isna().all()


def test_a_place_without_neighbours_has_no_gi_but_a_gi_star() -> None:
    near = Neighbours.of_pairs(np.array([0, 1]), np.array([1, 2]), 4)
    values = pd.Series([1.0, 2.0, 4.0, 9.0])
    assert np.isnan(getis_ord(values, near, star=False)["z"][3])
    assert np.isfinite(getis_ord(values, near, star=True)["z"][3])
    assert np.isnan(local_moran(values, near)["p"][3])


def test_where_all_are_alike_nothing_stands_out() -> None:
    found = getis_ord(pd.Series(np.full(25, 7.0)), lattice(5))
    assert found["z"].eq(0).all() and found["p"].eq(1).all()


def test_a_share_of_chance_findings_is_what_it_says() -> None:
    rng = np.random.default_rng(11)
    near = lattice(20)
    p = np.concatenate(
        [getis_ord(pd.Series(rng.gamma(1, 1, 400)), near, permutations=199, seed=n)["p"] for n in range(20)]
    )
    assert 0.03 < (p <= 0.05).mean() < 0.07
    found = [
        (getis_ord(pd.Series(rng.gamma(1, 1, 400)), near, permutations=1999, seed=n)["p_fdr"] <= 0.05).any()
        for n in range(20)
    ]
    assert sum(found) <= 4, "with no hot spot at all, few maps may show one"


# ---------------------------------------------------------------------------------------------- exposure


def test_rates_where_somebody_looked_and_nothing_elsewhere() -> None:
    counts, hours = pd.Series([4, 0, 9, 7]), pd.Series([2.0, 10.0, 3.0, 0.0])
    raw = observed_values(counts, hours, smooth=False)
    assert raw[:3].tolist() == [2.0, 0.0, 3.0] and np.isnan(raw[3])
    smooth = observed_values(counts, hours)
    assert np.isnan(smooth[3]) and 0 < smooth[1] < smooth[0] < 2.0
    assert observed_values(counts).tolist() == [4, 0, 9, 7]


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 50))
def test_scaling_exposure_scales_rates_and_leaves_the_map(factor: float) -> None:
    rng = np.random.default_rng(4)
    hours = pd.Series(rng.gamma(2, 50, 100))
    counts = pd.Series(rng.poisson(hours * 0.1))
    once, more = observed_values(counts, hours), observed_values(counts, hours * factor)
    np.testing.assert_allclose(once / factor, more, rtol=2e-3)
    z = [getis_ord(each, lattice(10), permutations=0)["z"] for each in (once, more)]
    np.testing.assert_allclose(*z, atol=0.02)


def test_cameras_make_a_hot_spot_of_counts_and_none_of_rates() -> None:
    rng = np.random.default_rng(6)
    hours = np.full((20, 20), 20.0)
    hours[5:9, 5:9] = 400.0
    counts = pd.Series(rng.poisson(hours.ravel() * 0.2))
    looked = pd.Series(hours.ravel())
    watched = (looked > 100).to_numpy()
    as_they_are = getis_ord(observed_values(counts), lattice(20))
    corrected = getis_ord(observed_values(counts, looked), lattice(20))
    assert (as_they_are["p_fdr"] <= 0.05)[watched].mean() > 0.9
    assert (corrected["p_fdr"] <= 0.05)[watched].mean() < 0.2


# -------------------------------------------------------------------------------------------- neighbours


def test_squares_touch_at_edges_and_corners_also_across_a_hair() -> None:
    squares = [
        shapely.box(x * 10 + 1e-7 * y, y * 10, x * 10 + 10, y * 10 + 10) for y in range(4) for x in range(4)
    ]
    near = touching(gpd.GeoDataFrame(geometry=squares, crs=32650))
    np.testing.assert_array_equal(near.matrix().toarray(), lattice(4).matrix().toarray())


def test_bad_input_is_named_with_its_mend() -> None:
    near = lattice(5)
    degrees = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4490)
    with pytest.raises(CrsError, match="cells"):
        touching(degrees)
    with pytest.raises(InputError, match="24 values, but neighbours of 25"):
        getis_ord(pd.Series(np.ones(24)), near)
    with pytest.raises(InputError, match="infinite"):
        getis_ord(pd.Series([np.inf] + [1.0] * 24), near)
    with pytest.raises(InputError, match="Only 2 places have evidence"):
        getis_ord(pd.Series([1.0, 2.0] + [np.nan] * 23), near)
    with pytest.raises(InputError, match="permutations"):
        local_moran(pd.Series(np.ones(25)), near, permutations=0)
    with pytest.raises(InputError, match="different places"):
        observed_values(pd.Series([1, 2]), pd.Series([1.0, 2.0], index=["a", "b"]))
    with pytest.raises(InputError, match="whole numbers"):
        observed_values(pd.Series([1.5, 2]))
    with pytest.raises(InputError):
        observed_values(pd.Series([1, 2]), pd.Series([1.0, -2.0]), smooth=False)
    with pytest.raises(InputError, match="row 9"):
        Neighbours.of_pairs(np.array([0]), np.array([9]), 3)
    with pytest.raises(InputError, match="outside"):
        adjusted_p(np.array([0.2, 1.2]))
