"""The patrol's schedule: nobody starves, the budget holds in every window, risk draws looks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.patrolling import Policy, Watched, allot, backoff_s, next_due, phase, rates
from analysis.patrolling.schedule import SLACK

FEW = settings(max_examples=60, deadline=None)
NEVER = -np.inf
NOW = 1.7e9


def watched(n=4, **given):
    values = {
        "camera": np.arange(100, 100 + n),
        "priority": np.ones(n),
        "risk_per_h": np.full(168, 0.2),
        "last_sampled_s": np.full(n, NOW - 30.0),
        "last_finding_s": np.full(n, NEVER),
        "failures": np.zeros(n, int),
        "next_try_s": np.full(n, NEVER),
        "min_interval_s": 10.0,
        "max_interval_s": 600.0,
    }
    return Watched(**(values | given))


@st.composite
def patrols(draw):
    n = draw(st.integers(1, 12))

    def several(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    least = several(st.floats(1, 100))
    return watched(
        n,
        priority=several(st.sampled_from([0.0, 0.1, 1.0, 7.0])),
        risk_per_h=np.repeat(several(st.floats(0, 5))[:, None], 168, axis=1),
        last_sampled_s=NOW - several(st.floats(0, 2000)),
        last_finding_s=np.where(several(st.booleans()), NOW - several(st.floats(0, 9000)), NEVER),
        failures=(failures := several(st.integers(0, 6))),
        next_try_s=np.where(failures > 0, NOW + several(st.floats(-500, 500)), NEVER),
        min_interval_s=least,
        max_interval_s=least * several(st.floats(1, 50)),
    )


budgets = st.floats(0.001, 20)


def limits(patrol):
    """Most samples a second of each camera, and which cameras are well."""
    wait = backoff_s(patrol.failures, patrol.camera)
    return 1 / np.maximum(patrol.min_interval_s, wait), patrol.failures == 0


@FEW
@given(patrols(), budgets)
def test_rates_fill_the_budget_and_keep_every_limit(patrol, budget):
    rate, stretched = rates(patrol, NOW, budget, 9)
    most, well = limits(patrol)
    assert rate.sum() == pytest.approx(min(budget, most.sum()), rel=1e-9)
    assert (rate > 0).all()
    assert (rate <= most * (1 + 1e-9)).all()
    assert (rate[well] >= 1 / patrol.max_interval_s[well] / stretched * (1 - 1e-9)).all()
    assert stretched >= 1
    if stretched > 1:
        assert rate[well] * stretched == pytest.approx(1 / patrol.max_interval_s[well])


@FEW
@given(patrols(), budgets)
def test_failing_cameras_take_a_tenth_or_what_is_left(patrol, budget):
    rate, _ = rates(patrol, NOW, budget, 9)
    most, well = limits(patrol)
    assert rate[~well].sum() <= max(0.1 * budget, budget - most[well].sum()) * (1 + 1e-9)
    due = next_due(patrol, NOW, budget, 9)
    tried = np.isfinite(patrol.next_try_s)
    assert (due.due_s[tried] >= patrol.next_try_s[tried]).all()


@FEW
@given(patrols(), budgets)
def test_no_healthy_camera_is_due_after_its_longest_interval(patrol, budget):
    due = next_due(patrol, NOW, budget, 9)
    healthy = patrol.failures == 0
    latest = patrol.last_sampled_s + patrol.max_interval_s * due.stretched
    assert (due.due_s[healthy] <= latest[healthy] + 1e-3).all()


@FEW
@given(patrols(), budgets)
def test_between_its_limits_a_rate_is_proportional_to_weight(patrol, budget):
    policy = Policy(boost=0.0)
    rate, stretched = rates(patrol, NOW, budget, 9, policy)
    most, well = limits(patrol)
    weight = (patrol.priority * (policy.base_per_h + patrol.risk_per_h[:, 9]))[well]
    rate, most = rate[well], most[well]
    least = np.minimum(1 / (SLACK * patrol.max_interval_s[well]), most)
    inside = (rate > least * (1 + 1e-6)) & (rate < most * (1 - 1e-6)) & (weight > 0)
    if stretched == 1 and inside.any():
        level = rate[inside] / weight[inside]
        assert level == pytest.approx(np.full(len(level), level[0]), rel=1e-6)
        # those at their least want less than that, those at their most want more
        low, high = rate <= least * (1 + 1e-9), rate >= most * (1 - 1e-9)
        assert (level[0] * weight[low] <= least[low] * (1 + 1e-6)).all()
        assert (level[0] * weight[high] >= most[high] * (1 - 1e-6)).all()


@FEW
@given(patrols(), budgets, st.permutations(range(12)))
def test_the_order_of_the_register_does_not_matter(patrol, budget, order):
    take = [each for each in order if each < len(patrol)]
    names = ("camera", "priority", "risk_per_h", "last_sampled_s", "last_finding_s", "failures", "next_try_s")
    names += ("min_interval_s", "max_interval_s")
    turned = Watched(**{name: getattr(patrol, name)[take] for name in names})
    straight = allot(patrol, NOW, 60, budget, 9)
    other = allot(turned, NOW, 60, budget, 9)
    assert patrol.camera[straight.row].tolist() == turned.camera[other.row].tolist()
    assert straight.at_s == pytest.approx(other.at_s, rel=0, abs=1e-3)


def test_a_finding_draws_looks_that_fade():
    ages = np.array([0.0, 1800.0, 36_000.0, np.inf])
    rate, _ = rates(watched(last_finding_s=NOW - ages), NOW, 0.1, 9, Policy(boost=3, half_life_s=1800))
    assert rate[0] / rate[3] == pytest.approx(4.0)
    assert rate[1] / rate[3] == pytest.approx(2.5)
    assert rate[2] / rate[3] == pytest.approx(1.0, abs=1e-5)


def test_risk_counts_in_its_own_hour_only():
    risk = np.zeros((2, 168))
    risk[0, 17] = 1.0
    patrol = watched(2, risk_per_h=risk)
    busy, _ = rates(patrol, NOW, 0.05, 17)
    calm, _ = rates(patrol, NOW, 0.05, 3)
    assert busy[0] > 5 * busy[1]
    assert calm[0] == calm[1]


def test_too_small_a_budget_says_by_how_much_it_is_too_small():
    due = next_due(watched(max_interval_s=np.array([100, 100, 200, 400.0])), NOW, 0.01, 9)
    assert due.stretched == pytest.approx((0.01 + 0.01 + 0.005 + 0.0025) / 0.01)
    assert 1 / due.rate_per_s == pytest.approx(np.array([100, 100, 200, 400]) * due.stretched)


def test_priority_nought_still_gets_its_turn_and_what_is_left_over():
    scarce, _ = rates(watched(2, priority=np.array([0.0, 1.0])), NOW, 0.05, 9)
    assert 1 / scarce[0] == pytest.approx(SLACK * 600)
    ample, _ = rates(watched(2, priority=np.array([0.0, 1.0])), NOW, 0.15, 9)
    assert ample == pytest.approx([0.05, 0.1])


def test_a_failing_camera_waits_and_leaves_its_share_to_others():
    sick = watched(failures=np.array([7, 0, 0, 0]), next_try_s=np.array([NOW + 500, NEVER, NEVER, NEVER]))
    well, _ = rates(watched(), NOW, 0.2, 9)
    rate, _ = rates(sick, NOW, 0.2, 9)
    assert rate[0] < well[0] / 5
    assert (rate[1:] > well[1:]).all()
    assert next_due(sick, NOW, 0.2, 9).due_s[0] == NOW + 500


def test_one_that_was_never_looked_at_is_due_at_once():
    patrol = watched(last_sampled_s=np.array([NEVER, NOW, NOW, NOW]))
    assert next_due(patrol, NOW, 0.2, 9).due_s[0] == NOW
    assert allot(patrol, NOW, 5, 0.2, 9).row[0] == 0


def test_after_a_start_samples_are_spread_and_not_in_the_order_of_the_register():
    n = 200
    plan = allot(watched(n, last_sampled_s=np.full(n, NEVER), min_interval_s=100.0), NOW, 90, 1000.0, 9)
    assert len(set(plan.row.tolist())) == len(plan.row)
    assert np.diff(plan.at_s) == pytest.approx(100 / n / 1.1, rel=1e-3)
    assert abs(np.corrcoef(plan.row, np.arange(len(plan.row)))[0, 1]) < 0.25


@FEW
@given(patrols(), budgets, st.floats(0, 50))
def test_the_spacing_holds_across_calls(patrol, budget, horizon):
    first = allot(patrol, NOW, horizon, budget, 9)
    second = allot(patrol, NOW + horizon, horizon, budget, 9, free_s=first.free_s)
    at = np.concatenate([first.at_s, second.at_s])
    assert (np.diff(at) >= 1 / budget - 1e-4).all()
    assert (first.at_s >= NOW).all()
    assert (first.at_s <= NOW + horizon).all()
    assert not len(first.at_s) or first.free_s > first.at_s[-1]


def test_no_cameras_need_no_samples():
    none = watched(0)
    assert len(allot(none, NOW, 60, 1.0, 0).row) == 0
    assert len(next_due(none, NOW, 1.0, 0).due_s) == 0


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"priority": np.array([1, 1, -1.0, 1])}, "priority"),
        ({"priority": np.ones(3)}, "priority"),
        ({"risk_per_h": np.ones(24)}, "risk_per_h"),
        ({"risk_per_h": np.full(168, np.nan)}, "risk_per_h"),
        ({"camera": np.array([1, 1, 2, 3])}, "twice"),
        ({"camera": np.array([1.0, 2, 3, 4])}, "integers"),
        ({"last_sampled_s": np.full(4, np.nan)}, "last_sampled_s"),
        ({"min_interval_s": 601.0}, "shortest"),
        ({"max_interval_s": 0.0}, "max_interval_s"),
        ({"failures": np.array([0, -1, 0, 0])}, "failures"),
    ],
)
def test_what_cannot_be_watched_is_named(given, word):
    with pytest.raises(InputError, match=word):
        watched(**given)


@pytest.mark.parametrize(("budget", "hour"), [(0.0, 1), (-1.0, 1), (np.nan, 1), (1.0, 168), (1.0, -1)])
def test_an_impossible_budget_or_hour_is_refused(budget, hour):
    with pytest.raises(InputError):
        rates(watched(), NOW, budget, hour)


@given(st.integers(0, 200), st.integers(-(2**40), 2**62))
def test_back_off_doubles_within_its_limits(failures, camera):
    wait = backoff_s([failures, failures + 1], [camera, camera], first_s=5, most_s=900)
    assert wait[0] <= wait[1] <= 900
    if failures == 0:
        assert wait[0] == 0
    else:
        assert wait[0] >= 0.75 * 5
        if wait[1] < 0.75 * 900:
            assert wait[1] == pytest.approx(2 * wait[0])


def test_phases_are_even_and_always_the_same():
    own = phase(np.arange(20_000))
    assert np.histogram(own, 20, (0, 1))[0] == pytest.approx(np.full(20, 1000), abs=150)
    assert phase([7]) == phase(np.array([7], np.int32))
    assert abs(np.corrcoef(own[1:], own[:-1])[0, 1]) < 0.05


@pytest.mark.parametrize("given", [{"first_s": 0}, {"most_s": 1}, {"spread": 1.0}, {"failures": [0.5]}])
def test_an_impossible_back_off_is_refused(given):
    values = {"failures": [1], "camera": [1]} | given
    with pytest.raises(InputError):
        backoff_s(values.pop("failures"), values.pop("camera"), **values)


def a_day(n, budget, hours, step_s, out_s=(0.0, 0.0), outs=()):
    """Samples (row, time) of a patrol from a cold start; rows `outs` fail while `out_s` lasts."""
    rng = np.random.default_rng(4)
    risk = rng.gamma(0.5, 0.4, (n, 1)) * (1 + np.sin(np.arange(168) / 24 * 2 * np.pi))
    state = {
        "risk_per_h": risk.astype(np.float32),
        "last_sampled_s": np.full(n, NEVER),
        "last_finding_s": np.full(n, NEVER),
        "failures": np.zeros(n, int),
        "next_try_s": np.full(n, NEVER),
    }
    tries, good = [], []
    free = NEVER
    for now in np.arange(0, hours * 3600, step_s):
        patrol = watched(n, **state, min_interval_s=10.0, max_interval_s=900.0)
        plan = allot(patrol, now, step_s, budget, int(now // 3600) % 168, free_s=free)
        assert plan.stretched == 1.0
        free = plan.free_s
        for row, at in zip(plan.row, plan.at_s, strict=True):
            tries.append((row, at))
            if row in outs and out_s[0] <= at < out_s[1]:
                state["failures"][row] += 1
                wait = backoff_s(state["failures"][row : row + 1], patrol.camera[row : row + 1])
                state["next_try_s"][row] = at + wait[0]
            else:
                good.append((row, at))
                state["last_sampled_s"][row] = at
                state["failures"][row] = 0
                state["next_try_s"][row] = NEVER
                if rng.random() < 0.02:
                    state["last_finding_s"][row] = at
    return np.array(tries), np.array(good), risk


def fullest(times, window_s):
    times = np.sort(times)
    return int((np.arange(1, len(times) + 1) - np.searchsorted(times, times - window_s, side="right")).max())


@pytest.mark.parametrize(("n", "budget", "hours", "step_s"), [(64, 0.3, 24, 60.0), (2000, 3.0, 24, 120.0)])
def test_a_patrol_in_motion(n, budget, hours, step_s):
    outs = set(range(0, n, 16))
    tries, good, risk = a_day(n, budget, hours, step_s, (3600.0, 7200.0), outs)
    for window_s in (1.0, 10.0, 60.0, 900.0):
        assert fullest(tries[:, 1], window_s) <= budget * window_s + 1
    # nobody starves: not before the first sample, not between two, not at the end
    for row in set(range(n)) - outs:
        times = np.concatenate([[0.0], good[good[:, 0] == row, 1], [hours * 3600.0]])
        assert np.diff(times).max() <= 900.0
    # those that failed come back within the longest wait, and were not hammered meanwhile
    for row in outs:
        times = good[good[:, 0] == row, 1]
        assert times[times >= 7200.0].min() <= 7200.0 + 2 * 900.0
        within = (tries[:, 0] == row) & (tries[:, 1] >= 3600) & (tries[:, 1] < 7200)
        assert within.sum() <= 15
    # who is at greater risk is looked at more
    looks = np.bincount(good[:, 0].astype(int), minlength=n)
    healthy = np.array(sorted(set(range(n)) - outs))
    order = healthy[np.argsort(risk[healthy, 0])]
    quarter = len(order) // 4
    assert looks[order[-quarter:]].mean() > 1.5 * looks[order[:quarter]].mean()
    # the budget is used
    assert len(tries) > 0.9 * budget * hours * 3600


@pytest.mark.parametrize(("hot", "slow", "load"), [(300, 30, 0.5), (150, 150, 0.7), (30, 300, 0.4)])
def test_when_many_become_risky_at_once_the_others_are_not_forgotten(hot, slow, load):
    n = hot + slow
    risk = np.zeros((n, 168))
    risk[:hot, 1::2], risk[hot:, ::2] = 3.0, 1.0
    last, longest, free = np.full(n, NEVER), np.zeros(n), NEVER
    for now in range(0, 4 * 3600, 60):
        patrol = watched(n, risk_per_h=risk, last_sampled_s=last, max_interval_s=900.0)
        plan = allot(patrol, now, 60, n / 900 / load, now // 3600, free_s=free)
        free = plan.free_s
        for row, at in zip(plan.row, plan.at_s, strict=True):
            longest[row] = max(longest[row], at - max(last[row], 0.0))
            last[row] = at
    assert np.maximum(longest, 4 * 3600 - last).max() <= 900.0


def test_new_cameras_find_their_place_in_a_busy_patrol():
    n, late = 400, 50
    rng = np.random.default_rng(6)
    risk = rng.gamma(0.5, 1.0, (n, 1)) * np.ones(168)
    last, free = np.full(n, NEVER), NEVER
    for now in range(0, 2 * 3600, 60):
        rows = np.arange(n if now >= 3600 else n - late)
        patrol = watched(
            len(rows),
            risk_per_h=risk[rows],
            last_sampled_s=last[rows],
            max_interval_s=900.0,
            min_interval_s=5.0,
        )
        plan = allot(patrol, now, 60, 0.6, 9, free_s=free)
        free = plan.free_s
        before = last.copy()
        for row, at in zip(plan.row, plan.at_s, strict=True):
            assert at - max(last[row], 0.0 if row < n - late else 3600.0) <= 900.0
            last[row] = at
        assert (last >= before).all()
    assert np.isfinite(last).all()


def test_the_same_patrol_runs_the_same_way_twice():
    first, _, _ = a_day(40, 0.3, 2, 60.0)
    second, _, _ = a_day(40, 0.3, 2, 60.0)
    assert np.array_equal(first, second)


def test_a_province_of_cameras_is_scheduled():
    n = 53_000
    rng = np.random.default_rng(1)
    patrol = watched(n, last_sampled_s=NOW - rng.uniform(0, 600, n), risk_per_h=rng.gamma(0.5, 1, 168))
    plan = allot(patrol, NOW, 60, 100.0, 9)
    assert plan.stretched == pytest.approx(1.0) or plan.stretched > 1
    assert len(plan.row) == pytest.approx(6000, abs=1)
    assert (np.diff(plan.at_s) > 0).all()
