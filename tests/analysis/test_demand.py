"""Demand: honest intervals, no evidence without looking, and errors that say why."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.demand import GammaPrior, capture_recapture, fit_prior, violation_rate
from analysis.errors import InputError


def watched(seed, cells=400, shape=2.0, mean=0.05):
    """True rates from a gamma distribution, exposure from hours to half a year, Poisson captures."""
    rng = np.random.default_rng(seed)
    truth = pd.Series(rng.gamma(shape, mean / shape, cells))
    exposure_h = pd.Series(10 ** rng.uniform(0.5, 3.6, cells))
    return truth, exposure_h, pd.Series(rng.poisson(truth * exposure_h))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_interval_holds_the_truth_as_often_as_it_says(level):
    held = []
    for seed in range(20):
        truth, exposure_h, counts = watched(seed)
        rates = violation_rate(counts, exposure_h, level=level)
        held.append(((rates["lower"] <= truth) & (truth <= rates["upper"])).mean())
    assert np.mean(held) == pytest.approx(level, abs=0.02)


def test_shrinking_beats_the_plain_ratio():
    better = 0
    for seed in range(10):
        truth, exposure_h, counts = watched(seed)
        rates = violation_rate(counts, exposure_h)
        plain = counts / exposure_h
        better += ((rates["rate_per_h"] - truth) ** 2).mean() < ((plain - truth) ** 2).mean()
    assert better == 10


def test_captures_alone_rank_cameras_but_rates_rank_places():
    truth, exposure_h, counts = watched(3)
    rates = violation_rate(counts, exposure_h)
    by_count, by_rate = (values.corr(truth, method="spearman") for values in (counts, rates["rate_per_h"]))
    assert by_rate > by_count + 0.15


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 500), st.floats(0.1, 1e4), st.floats(1.01, 100), st.floats(0.01, 10), st.floats(0, 1e3))
def test_more_exposure_narrows_the_interval(count, hours, factor, shape, prior_h):
    prior = GammaPrior(shape, prior_h)
    few = violation_rate(pd.Series([count]), pd.Series([hours]), prior=prior)
    many = violation_rate(pd.Series([count]), pd.Series([hours * factor]), prior=prior)
    assert ((many["upper"] - many["lower"]) < (few["upper"] - few["lower"])).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.floats(1, 1e3), st.integers(2, 50))
def test_looking_longer_at_the_same_rate_narrows_the_interval(count, hours, factor):
    few = violation_rate(pd.Series([count]), pd.Series([hours]), prior="jeffreys")
    many = violation_rate(pd.Series([count * factor]), pd.Series([hours * factor]), prior="jeffreys")
    assert ((many["upper"] - many["lower"]) < (few["upper"] - few["lower"])).all()


@given(
    st.lists(st.tuples(st.integers(0, 40), st.floats(0.5, 5e3)), min_size=1, max_size=30),
    st.floats(0.05, 0.99),
)
@settings(max_examples=40, deadline=None)
def test_rates_are_finite_and_inside_wide_intervals(rows, level):
    counts, exposure_h = pd.Series([row[0] for row in rows]), pd.Series([row[1] for row in rows])
    rates = violation_rate(counts, exposure_h, level=level)
    assert (rates["lower"] >= 0).all() and (rates["lower"] <= rates["upper"]).all()
    assert (rates["rate_per_h"] > 0).all() and np.isfinite(rates["rate_per_h"]).all()
    if level >= 0.9:
        assert (rates["rate_per_h"] >= rates["lower"]).all()
    assert rates["evidence"].all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_nobody_looking_is_no_evidence_and_never_zero(looked):
    index = [f"cell {number}" for number in range(len(looked))]
    exposure_h = pd.Series([100.0 if look else 0.0 for look in looked], index=index)
    counts = pd.Series([3 if look else 0 for look in looked], index=index)
    rates = violation_rate(counts, exposure_h)
    assert rates.index.tolist() == index
    assert rates["evidence"].tolist() == looked
    assert list(rates) == ["rate_per_h", "lower", "upper", "evidence"]
    numbers = rates[["rate_per_h", "lower", "upper"]]
    assert numbers.notna().all(axis=1).tolist() == looked
    assert not (numbers == 0).any(axis=None)


def test_looking_without_a_capture_is_evidence_of_little():
    rates = violation_rate(pd.Series([0]), pd.Series([1000.0]), prior="jeffreys")
    assert rates.loc[0, "evidence"]
    assert 0 < rates.loc[0, "upper"] < 0.003


def test_worked_example_with_a_known_prior():
    rates = violation_rate(pd.Series([8]), pd.Series([90.0]), prior=GammaPrior(2, 10))
    assert rates.loc[0, "rate_per_h"] == pytest.approx(0.1)
    # Quantiles of Gamma(10) / 100: chi-square with 20 degrees of freedom over 200.
    assert rates.loc[0, "lower"] == pytest.approx(9.591 / 200, rel=1e-3)
    assert rates.loc[0, "upper"] == pytest.approx(34.170 / 200, rel=1e-3)


def test_the_fitted_prior_finds_the_distribution():
    _, exposure_h, counts = watched(1, cells=3000)
    prior = fit_prior(counts, exposure_h)
    assert prior.shape == pytest.approx(2, rel=0.1)
    assert prior.shape / prior.hours == pytest.approx(0.05, rel=0.05)


def test_cells_that_are_all_alike_share_one_rate():
    exposure_h = pd.Series(np.full(200, 100.0))
    rates = violation_rate(pd.Series(np.random.default_rng(0).poisson(10, 200)), exposure_h)
    assert rates["rate_per_h"].std() < 0.01
    assert rates["rate_per_h"].mean() == pytest.approx(0.1, rel=0.1)


def test_little_evidence_falls_back_to_the_cell_alone():
    assert fit_prior(pd.Series([3, 1]), pd.Series([5.0, 5.0])).hours == 0
    assert fit_prior(pd.Series([0, 0, 0, 0]), pd.Series([5.0] * 4)).hours == 0
    assert violation_rate(pd.Series([], dtype=int), pd.Series([], dtype=float)).empty


@pytest.mark.parametrize(
    ("counts", "exposure_h", "words"),
    [
        ([4, 1], [0.0, 5.0], "Cell 0 has 4 captures although no camera looked at it"),
        ([-1, 1], [1.0, 5.0], "counts must hold whole numbers, zero or more, but cell 0 has -1"),
        ([1.5, 1], [1.0, 5.0], "cell 0 has 1.5"),
        ([np.nan, 1], [1.0, 5.0], "cell 0 has nan"),
        ([1, 1], [1.0, np.nan], "exposure_h must hold hours, zero or more, but cell 1 has nan"),
        ([1, 1], [1.0, -2.0], "cell 1 has -2"),
        ([1, 1], [1.0, np.inf], "cell 1 has inf"),
    ],
)
def test_impossible_input_is_explained(counts, exposure_h, words):
    with pytest.raises(InputError, match=words):
        violation_rate(pd.Series(counts), pd.Series(exposure_h))


def test_indexes_must_agree():
    with pytest.raises(InputError, match="first at 'b'"):
        violation_rate(pd.Series({"a": 1, "b": 2}), pd.Series({"a": 1.0}))
    with pytest.raises(InputError, match="by order"):
        violation_rate(pd.Series({"a": 1, "b": 2}), pd.Series({"b": 1.0, "a": 1.0}))


def test_bad_choices_are_explained():
    counts, exposure_h = pd.Series([1]), pd.Series([1.0])
    with pytest.raises(InputError, match="no prior 'flat'"):
        violation_rate(counts, exposure_h, prior="flat")
    with pytest.raises(InputError, match="level"):
        violation_rate(counts, exposure_h, level=1)
    with pytest.raises(InputError, match="shape must be above zero"):
        GammaPrior(0, 1)


def test_capture_recapture_worked_example():
    found = capture_recapture(200, 100, 40)
    assert found.total == pytest.approx(201 * 101 / 41 - 1)
    assert found.noticed == 260 and found.missed == pytest.approx(found.total - 260)
    assert found.camera_recall == pytest.approx(0.4) and found.report_recall == pytest.approx(0.2)
    assert 260 < found.lower < found.total < found.upper


@pytest.mark.parametrize(("chance_camera", "chance_report"), [(0.4, 0.1), (0.15, 0.15), (0.7, 0.05)])
def test_capture_recapture_covers_the_truth(chance_camera, chance_report):
    rng = np.random.default_rng(5)
    true, held, totals = 2000, 0, []
    for _ in range(400):
        camera, report = (rng.random(true) < chance for chance in (chance_camera, chance_report))
        found = capture_recapture(int(camera.sum()), int(report.sum()), int((camera & report).sum()))
        held += found.lower <= true <= found.upper
        totals.append(found.total)
    assert held / 400 == pytest.approx(0.95, abs=0.035)
    assert np.mean(totals) == pytest.approx(true, rel=0.03)


@given(st.integers(0, 1000), st.integers(0, 1000), st.data())
def test_the_interval_never_falls_below_what_was_noticed(n_camera, n_report, data):
    n_both = data.draw(st.integers(0, min(n_camera, n_report)))
    found = capture_recapture(n_camera, n_report, n_both)
    tolerance = 1e-9 * (1 + found.total)
    assert found.noticed - tolerance <= found.lower <= found.total + tolerance
    assert found.total <= found.upper + tolerance
    assert found.missed >= -tolerance


def test_perfect_agreement_leaves_nothing_missed():
    found = capture_recapture(50, 50, 50)
    assert found.total == found.lower == found.upper == 50


def test_impossible_counts_are_explained():
    with pytest.raises(InputError, match="n_both is 6, more than the 5"):
        capture_recapture(10, 5, 6)
    with pytest.raises(InputError, match="n_camera must be zero or more"):
        capture_recapture(-1, 5, 0)
    with pytest.raises(InputError, match="whole number"):
        capture_recapture(1.5, 5, 0)
    with pytest.raises(InputError, match="level"):
        capture_recapture(1, 5, 0, level=0)
    assert np.isnan(capture_recapture(3, 0, 0).camera_recall)
