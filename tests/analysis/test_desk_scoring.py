"""Precision from verdicts: intervals that hold, shrinkage that helps, and thresholds that keep their word."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from analysis.desk import (
    BETA_JEFFREYS,
    BetaPrior,
    fit_beta_prior,
    precision_table,
    share_interval,
    suggest_threshold,
)
from analysis.errors import InputError

FEW = settings(max_examples=60, deadline=None)


def said(camera, confirm, reject, unsure=0, class_code="05-05", rule="standing"):
    verdicts = ["confirm"] * confirm + ["reject"] * reject + ["unsure"] * unsure
    return pd.DataFrame({"camera": camera, "class_code": class_code, "rule": rule, "verdict": verdicts})


@pytest.mark.parametrize("truth", [0.02, 0.3, 0.5, 0.9])
def test_intervals_hold_the_truth_as_often_as_they_say(truth):
    rng = np.random.default_rng(3)
    hits = rng.binomial(50, truth, 4000)
    lower, upper = share_interval(hits, 50 - hits)
    assert np.mean((lower <= truth) & (truth <= upper)) > 0.91


@FEW
@given(st.integers(0, 300), st.integers(0, 300))
def test_an_interval_holds_its_share_and_narrows(hits, misses):
    lower, upper = share_interval([hits, 4 * hits], [misses, 4 * misses])
    if hits + misses:
        share = hits / (hits + misses)
        assert 0 <= lower[0] <= share <= upper[0] <= 1
        assert upper[1] - lower[1] < upper[0] - lower[0]
        swapped = share_interval(misses, hits)
        assert (1 - swapped[1], 1 - swapped[0]) == (pytest.approx(lower[0]), pytest.approx(upper[0]))
    else:
        assert np.isnan(lower[0])
        assert np.isnan(upper[0])


def test_a_prior_is_found_again_in_many_cameras():
    rng = np.random.default_rng(5)
    truth = rng.beta(8, 2, 400)
    decided = rng.integers(1, 40, 400)
    hits = rng.binomial(decided, truth)
    prior = fit_beta_prior(hits, decided - hits)
    assert prior.mean == pytest.approx(0.8, abs=0.02)
    assert prior.confirmed + prior.rejected == pytest.approx(10, rel=0.35)


def test_the_fit_is_the_most_likely_one():
    yes, no = np.array([3, 9, 0, 12, 5]), np.array([4, 1, 2, 3, 5])

    def likelihood(a, b):
        return (special.betaln(a + yes, b + no) - special.betaln(a, b)).sum()

    prior = fit_beta_prior(yes, no)
    best = likelihood(prior.confirmed, prior.rejected)
    for turn in (0.8, 0.95, 1.05, 1.25):
        assert likelihood(prior.confirmed * turn, prior.rejected) <= best + 1e-6
        assert likelihood(prior.confirmed, prior.rejected * turn) <= best + 1e-6


def test_two_cameras_say_nothing_of_others():
    assert fit_beta_prior([3, 5, 0], [1, 2, 0]) == BETA_JEFFREYS


def test_shrinking_comes_closer_to_the_truth_than_each_alone():
    rng = np.random.default_rng(7)
    truth = rng.beta(6, 3, 80)
    decided = rng.integers(1, 8, 80)
    hits = rng.binomial(decided, truth)
    table = precision_table(
        pd.concat([said(c, h, d - h) for c, (h, d) in enumerate(zip(hits, decided, strict=True))])
    )
    alone = np.mean((table["precision"].to_numpy() - truth) ** 2)
    shrunk = np.mean((table["shrunk"].to_numpy() - truth) ** 2)
    assert shrunk < 0.6 * alone
    assert np.mean((table["shrunk_lower"] <= truth) & (truth <= table["shrunk_upper"])) > 0.85


def test_worked_table():
    table = precision_table(pd.concat([said(2, 8, 2, 3), said(1, 0, 0, 4), said(1, 1, 0, rule="crowd")]))
    assert table.index.tolist() == [
        (1, "05-05", "crowd"),
        (1, "05-05", "standing"),
        (2, "05-05", "standing"),
    ]
    assert table[["confirmed", "rejected", "unsure"]].to_numpy().tolist() == [[1, 0, 0], [0, 0, 4], [8, 2, 3]]
    assert table.loc[(2, "05-05", "standing"), "precision"] == 0.8
    unsure = table.loc[(1, "05-05", "standing")]
    assert unsure[["precision", "lower", "upper"]].isna().all()
    assert table["shrunk"].notna().all()


def test_the_unsure_weigh_nothing():
    numbers = ["precision", "lower", "upper", "shrunk", "shrunk_lower", "shrunk_upper"]
    with_them = precision_table(pd.concat([said(c, c + 1, 3, 9) for c in range(5)]))
    without = precision_table(pd.concat([said(c, c + 1, 3) for c in range(5)]))
    assert np.array_equal(with_them[numbers].to_numpy(), without[numbers].to_numpy())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_the_shrunk_lies_between_its_own_and_the_others(counts):
    table = precision_table(pd.concat([said(c, y, n, 1) for c, (y, n) in enumerate(counts)]))
    prior = fit_beta_prior([y for y, _ in counts], [n for _, n in counts])
    own = table["precision"].fillna(prior.mean)
    assert (table["shrunk"] >= np.minimum(own, prior.mean) - 1e-9).all()
    assert (table["shrunk"] <= np.maximum(own, prior.mean) + 1e-9).all()
    assert (table["shrunk_lower"] <= table["shrunk"] + 1e-9).all()
    assert table[["confirmed", "rejected", "unsure"]].to_numpy().sum() == sum(y + n + 1 for y, n in counts)


def test_no_verdicts_make_an_empty_table():
    table = precision_table(said(1, 0, 0))
    assert len(table) == 0
    assert {"precision", "shrunk", "unsure"} <= set(table.columns)


def test_wrong_verdicts_are_named():
    rows = said(1, 2, 2)
    with pytest.raises(InputError, match="maybe"):
        precision_table(rows.assign(verdict=["confirm", "reject", "maybe", "unsure"]))
    with pytest.raises(InputError, match="rule"):
        precision_table(rows.drop(columns="rule"))
    with pytest.raises(InputError, match="lacks its camera"):
        precision_table(rows.assign(camera=[1, None, 1, 1]))
    with pytest.raises(InputError):
        precision_table(rows, level=1.0)
    with pytest.raises(InputError):
        BetaPrior(0.0, 1.0)


def leads(seed, n=400, current=0.0):
    """Scores and verdicts of a detector whose true leads score higher."""
    rng = np.random.default_rng(seed)
    true = rng.random(n) < 0.5
    score = np.where(true, rng.beta(5, 2, n), rng.beta(2, 4, n))
    shown = score >= current
    return score[shown], true[shown]


@FEW
@given(st.integers(0, 500), st.floats(0.5, 0.95))
def test_a_suggested_threshold_has_the_precision_that_was_wanted(seed, wanted):
    score, true = leads(seed)
    found = suggest_threshold(score, true, weeks=4, wanted_precision=wanted)
    kept = score >= found.threshold
    assert true[kept].mean() >= wanted
    assert found.precision == pytest.approx(true[kept].mean())
    assert found.precision_lower <= found.precision <= found.precision_upper
    assert found.false_leads.per_week == pytest.approx(-(~true & ~kept).sum() / 4)
    assert found.true_leads.per_week == pytest.approx(-(true & ~kept).sum() / 4)
    for change in (found.false_leads, found.true_leads):
        assert change.lower <= change.per_week <= change.upper <= 0
    # nothing lower would do
    for lower in np.unique(score[~kept]):
        assert true[score >= lower].mean() < wanted


@FEW
@given(st.integers(0, 500), st.floats(0.05, 0.5), st.floats(0.05, 0.5))
def test_no_more_is_lost_than_allowed_and_more_leave_raises_the_threshold(seed, a, b):
    score, true = leads(seed)
    low, high = (suggest_threshold(score, true, weeks=1, most_lost=each) for each in sorted((a, b)))
    assert low.threshold <= high.threshold
    assert low.lost <= low.lost_upper <= sorted((a, b))[0] or low.lost == 0
    assert low.false_leads.per_week >= high.false_leads.per_week


def test_the_expected_change_holds_in_the_weeks_that_follow():
    inside = 0
    for seed in range(60):
        score, true = leads(seed)
        found = suggest_threshold(score, true, weeks=8, wanted_precision=0.8)
        _, later = leads(1000 + seed, 40_000)
        later_score, _ = leads(1000 + seed, 40_000)
        dropped = (~later & (later_score < found.threshold)).sum() / 800
        inside += found.false_leads.lower <= -dropped <= found.false_leads.upper
    assert inside >= 50


def test_what_is_good_enough_stays():
    score, true = leads(1, current=0.6)
    found = suggest_threshold(score, true, weeks=4, wanted_precision=0.5, current=0.6)
    assert found.threshold == 0.6
    assert (found.true_leads.per_week, found.false_leads.upper, found.lost) == (0, 0, 0)


def test_changes_are_those_of_all_leads_not_of_the_verified():
    score, true = leads(2)
    whole = suggest_threshold(score, true, weeks=4, wanted_precision=0.8)
    part = suggest_threshold(score, true, weeks=4, wanted_precision=0.8, reviewed_share=0.25)
    assert part.false_leads.per_week == pytest.approx(4 * whole.false_leads.per_week)
    assert part.threshold == whole.threshold


def test_too_little_is_refused_with_the_reason():
    score, true = leads(3, 12)
    with pytest.raises(InputError, match="12 verdicts"):
        suggest_threshold(score, true, weeks=1, wanted_precision=0.8)
    with pytest.raises(InputError, match="0 rejected"):
        suggest_threshold(np.full(50, 0.5), np.full(50, True), weeks=1, wanted_precision=0.8)
    rng = np.random.default_rng(1)
    with pytest.raises(InputError, match="No threshold reaches"):
        suggest_threshold(rng.random(200), rng.random(200) < 0.3, weeks=1, wanted_precision=0.99)
    score, true = leads(4)
    with pytest.raises(InputError, match="may lose"):
        suggest_threshold(score, true, weeks=1, wanted_precision=0.97, most_lost=0.02)


@pytest.mark.parametrize(
    "given",
    [
        {"weeks": 0, "most_lost": 0.1},
        {"weeks": 1},
        {"weeks": 1, "wanted_precision": 1.2},
        {"weeks": 1, "most_lost": 0.1, "current": 0.9},
        {"weeks": 1, "most_lost": 0.1, "reviewed_share": 0},
    ],
)
def test_impossible_wishes_are_refused(given):
    score, true = leads(5)
    with pytest.raises(InputError):
        suggest_threshold(score, true, **given)
