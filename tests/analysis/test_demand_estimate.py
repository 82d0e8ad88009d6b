"""Demand by place and hour: intervals that hold, places told apart, hours corrected, and what is wrong said."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.demand import (
    WEEK_H,
    Recall,
    estimate_demand,
    fit_rate_model,
    hour_profile,
    recall_from_reports,
)
from analysis.errors import InputError

DAY = np.arange(WEEK_H) % 24
PROFILE = 0.3 + np.exp(-0.5 * ((DAY - 10) / 3) ** 2) * 2
PROFILE = PROFILE / PROFILE.mean()
KNOWN = Recall(80_000.0, 20_000.0)


class World:
    """Places with shops, some of them watched, most by day only; the truth is kept."""

    def __init__(self, seed, places=900, watched=0.6, base=-6.5, noise=4.0, recall=0.8):
        rng = np.random.default_rng(seed)
        shops = rng.poisson(rng.gamma(1.2, 5, places))
        self.length_m = pd.Series(rng.gamma(3, 150, places) + 10, index=[f"p{n}" for n in range(places)])
        self.truth = np.exp(base + 0.5 * np.log1p(shops)) * rng.gamma(noise, 1 / noise, places)
        looked = np.where(rng.random(places) < watched, 10 ** rng.uniform(-2, 0, places), 0.0)
        by_day = (rng.random(places) < 0.5)[:, None] & ((DAY >= 7) & (DAY < 21))
        hours = np.where(by_day, 0.7, 0.15)
        self.exposure = self.length_m.to_numpy()[:, None] * looked[:, None] * hours * recall * 52
        self.captures = rng.poisson(self.truth[:, None] * PROFILE * self.exposure).astype(float)
        self.covariates = pd.DataFrame({"shops": np.log1p(shops)}, index=self.length_m.index)

    def estimate(self, covariates=None, recall=KNOWN):
        table = self.covariates if covariates is None else covariates
        return estimate_demand(self.length_m, self.captures, self.exposure, table, recall)


def held(rates, level, truth):
    return (rates[f"lower{level}"] <= truth) & (truth <= rates[f"upper{level}"])


@pytest.mark.parametrize("level", [80, 95])
def test_intervals_hold_the_truth_as_often_as_they_say(level):
    seen = {"observed": [], "modelled": [], "morning": []}
    for seed in range(8):
        world = World(seed)
        demand = world.estimate()
        rates, morning = demand.rates(), demand.rates([32, 33])
        inside = held(rates, level, world.truth)
        for kind in ("observed", "modelled"):
            seen[kind].append(inside[rates["evidence"] == kind].mean())
        seen["morning"].append(held(morning, level, world.truth * PROFILE[[32, 33]].mean()).mean())
    for kind, shares in seen.items():
        assert np.mean(shares) == pytest.approx(level / 100, abs=0.025), kind


def test_captures_rank_cameras_and_estimates_rank_places():
    world = World(3)
    per_h = world.estimate().rates()["per_h"]
    truth = pd.Series(world.truth, index=per_h.index) * world.length_m
    raw = pd.Series(world.captures.sum(axis=1), index=per_h.index)
    assert per_h.corr(truth, method="spearman") > raw.corr(truth, method="spearman") + 0.25


def test_the_profile_is_not_that_of_the_cameras():
    world = World(5, places=1500)
    found = world.estimate().profile.weight
    captured = world.captures.sum(axis=0)
    captured = captured / captured.mean()
    assert np.abs(found - PROFILE).mean() < 0.5 * np.abs(captured - PROFILE).mean()
    assert found.mean() == pytest.approx(1)


def test_what_looks_tells_and_what_does_not_is_modelled():
    world = World(1)
    places = world.estimate().places
    never = world.exposure.sum(axis=1) == 0
    assert (places.loc[never, "evidence"] == "modelled").all() and (places.loc[never, "weight"] == 0).all()
    much = world.captures.sum(axis=1) > 50
    assert (places.loc[much, "evidence"] == "observed").all()
    plain = world.captures.sum(axis=1)[much] / (world.exposure @ PROFILE)[much]
    rate = (places["shape"] * places["scale"])[much]
    assert np.abs(rate / plain - 1).max() < 0.3


def test_a_place_unlike_all_that_were_seen_has_no_evidence():
    world = World(2)
    never = int(np.flatnonzero(world.exposure.sum(axis=1) == 0)[0])
    table = world.covariates.copy()
    table.iloc[never] = 40.0
    rates = world.estimate(table).rates()
    assert rates["evidence"].iloc[never] == "none"
    assert rates.iloc[never].drop("evidence").isna().all()
    assert (rates["evidence"] == "none").sum() == 1


def test_without_covariates_unseen_places_have_no_evidence():
    world = World(4, places=60)
    demand = world.estimate(world.covariates[[]])
    never = world.exposure.sum(axis=1) == 0
    if demand.model is None:
        assert (demand.places.loc[never, "evidence"] == "none").all()
    few = World(4, places=10)
    demand = few.estimate()
    assert demand.model is None
    assert (demand.places["evidence"] == np.where(few.exposure.sum(axis=1) > 0, "observed", "none")).all()


def test_a_city_without_cameras_has_no_evidence():
    world = World(1, watched=0.0)
    demand = world.estimate()
    assert (demand.places["evidence"] == "none").all()
    assert demand.rates()["rate"].isna().all() and np.isnan(demand.by_hour()).all()


def test_less_known_recall_widens_the_intervals():
    world = World(6)
    sharp, vague = world.estimate().rates(), world.estimate(recall=Recall(8.0, 2.0)).rates()
    assert vague["rate"].to_numpy() == pytest.approx(sharp["rate"].to_numpy())
    assert ((vague["upper95"] - vague["lower95"]) > (sharp["upper95"] - sharp["lower95"])).all()


def test_places_with_hours_of_their_own_are_told_by_their_own_captures():
    world = World(7, places=300, watched=1.0, base=-3.0)
    rng = np.random.default_rng(7)
    night = (rng.random(300) < 0.3)[:, None] & ((DAY >= 22) | (DAY < 4))
    own = np.where(night, 8.0, 1.0)
    world.captures = rng.poisson(world.truth[:, None] * PROFILE * own * world.exposure).astype(float)
    demand = world.estimate()
    assert demand.own_hours > 0
    truth = world.truth * (PROFILE * own)[:, [22, 23]].mean(axis=1)
    rates = demand.rates([22, 23])
    assert rates["rate"].corr(pd.Series(truth, index=rates.index), method="spearman") > 0.8
    assert World(7).estimate().own_hours == 0
    assert demand.by_hour()[:, 22:24].mean(axis=1) == pytest.approx(
        (rates["rate"] * world.length_m).to_numpy(), rel=0.6
    )


def test_hours_add_up_to_the_week():
    demand = World(8).estimate()
    assert np.nanmean(demand.by_hour(), axis=1) == pytest.approx(demand.rates()["per_h"].to_numpy())


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 100))
def test_longer_looking_at_more_captures_changes_no_rate(factor):
    captures = np.full(WEEK_H, 400.0)
    expected = np.linspace(50, 150, WEEK_H)
    few, many = hour_profile(captures, expected), hour_profile(captures, expected * factor)
    assert few.weight == pytest.approx(many.weight, rel=1e-3)


def test_an_hour_in_which_nobody_looked_is_like_its_neighbours():
    expected = np.full(WEEK_H, 100.0)
    captures = np.round(PROFILE * 100)
    expected[34] = captures[34] = 0
    found = hour_profile(captures, expected)
    assert found.weight[34] == pytest.approx(PROFILE[34], rel=0.15)
    assert found.cv[34] > 1.3 * found.cv[35]


def test_the_model_finds_what_made_the_rates():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=3000), "b": rng.normal(size=3000), "same": 1.0})
    table["twin"] = 2 * table["a"] + 3
    truth = np.exp(-2 + 0.5 * table["a"] - 0.3 * table["b"])
    hours = pd.Series(rng.uniform(5, 50, 3000))
    counts = pd.Series(rng.poisson(truth * rng.gamma(4, 0.25, 3000) * hours))
    model = fit_rate_model(counts, hours, table)
    assert model.columns == ["a", "b"]
    assert model.coefficients.to_numpy() == pytest.approx([-2, 0.5, -0.3], abs=0.05)
    assert model.dispersion == pytest.approx(0.25, abs=0.04)
    expected = model.expected(table)
    assert expected["rate"].to_numpy() == pytest.approx(truth.to_numpy(), rel=0.2)
    assert not expected["unlike"].any()
    assert fit_rate_model(counts[:9], hours[:9], table[:9]) is None


# Recall


def reported(seed, truth, count=4000):
    """Reports whose places two cameras may see, and which were caught."""
    rng = np.random.default_rng(seed)
    report = np.concatenate([np.arange(count), np.flatnonzero(rng.random(count) < 0.3)])
    share = rng.uniform(0.1, 1.0, len(report))
    missed = np.bincount(report, weights=np.log1p(-share * truth), minlength=count)
    return report, share, rng.random(count) < -np.expm1(missed)


def test_recall_is_found_behind_the_share_of_hours_sampled():
    inside = 0
    for seed in range(40):
        truth = np.random.default_rng(seed).uniform(0.3, 0.95)
        low, high = recall_from_reports(*reported(seed, truth, 500)).interval()
        inside += low <= truth <= high
    assert 33 <= inside <= 40
    assert recall_from_reports(*reported(1, 0.8)).mean == pytest.approx(0.8, abs=0.03)


def test_without_reports_recall_is_what_was_known():
    none = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool)
    assert recall_from_reports(*none).mean == pytest.approx(0.5)
    kept = recall_from_reports(*none, prior=Recall(8, 2))
    assert (kept.hits, kept.misses) == pytest.approx((8, 2), rel=1e-3)


def test_what_is_wrong_is_said():
    world = World(1, places=30)
    world.captures[3, 7] = 2
    world.exposure[3, 7] = 0
    with pytest.raises(InputError, match=r"Place p3 has 2 captures in hour 7 .* although no camera looked"):
        world.estimate()
    world.captures[3, 7] = np.nan
    with pytest.raises(InputError, match="captures of place p3 in hour 7 of the week is nan"):
        world.estimate()
    with pytest.raises(InputError, match="exposure has the shape"):
        estimate_demand(world.length_m, world.exposure, world.exposure[:, :24], world.covariates, KNOWN)
    with pytest.raises(InputError, match="covariates and length_m differ"):
        World(1, places=30).estimate(world.covariates.iloc[::-1])
    with pytest.raises(InputError, match="Covariate shops of place p2 is inf"):
        table = world.covariates.copy()
        table.iloc[2] = np.inf
        World(1, places=30).estimate(table)
    with pytest.raises(InputError, match="hours must be between 0 and 167"):
        World(1, places=60).estimate().rates([168])
    with pytest.raises(InputError, match="Hour 5 of the week has 3 captures"):
        empty = np.zeros(WEEK_H)
        hour_profile(np.where(np.arange(WEEK_H) == 5, 3.0, 0.0), empty)
    with pytest.raises(InputError, match="Report 0 was caught although no camera sampled"):
        recall_from_reports(np.array([0]), np.array([0.0]), np.array([True]))
    with pytest.raises(InputError, match="hits must be above zero"):
        Recall(0, 1)
