"""Health of streams: states follow events, and a report told twice counts once."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.patrolling import EVENTS, STATES, Health, Patience, accepted, after, seen_at

FEW = settings(max_examples=200, deadline=None)
PATIENCE = Patience(tolerated=1, lost_after=4, silence_s=600)
events = st.lists(st.tuples(st.sampled_from(EVENTS), st.floats(0.5, 900)), max_size=20)


def told(*kinds, start_s=0.0, gap_s=10.0, health=None):
    health = health or Health()
    for k, kind in enumerate(kinds):
        health = after(health, kind, start_s + (k + 1) * gap_s, PATIENCE)
    return health


def run(steps):
    path, now = [Health()], 0.0
    for kind, gap in steps:
        now += gap
        path.append(after(path[-1], kind, now, PATIENCE))
    return path


@FEW
@given(events)
def test_a_state_lasts_since_it_changed(steps):
    path = run(steps)
    for before, now in pairwise(path):
        assert now.state in STATES
        assert now.since_s is None or now.since_s <= now.last_event_s
        if now.since_s != before.since_s:
            assert before.since_s is None or now.since_s > before.since_s
            silent = now.last_event_s - (before.last_event_s or now.last_event_s) > PATIENCE.silence_s
            assert now.state != before.state or silent
        else:
            assert now.state == before.state


@FEW
@given(events)
def test_pictures_bring_it_online_and_failures_count_in_a_row(steps):
    path = run(steps)
    row = 0
    for (kind, _), health in zip(steps, path[1:], strict=True):
        picture = kind in ("ok", "resized")
        row = 0 if picture else row + 1
        assert health.failures == row
        assert health.unanswered <= health.failures
        if picture:
            assert health.state == "online"
            assert health.last_ok_s == health.last_event_s
        if row > PATIENCE.tolerated:
            assert health.state in ("stalled", "unreachable")


@FEW
@given(events, st.sampled_from(EVENTS), st.floats(0, 1))
def test_a_report_that_is_late_or_told_twice_changes_nothing(steps, kind, share):
    last = run(steps)[-1]
    if last.last_event_s is not None:
        assert after(last, kind, last.last_event_s * share, PATIENCE) == last


@FEW
@given(events, st.floats(0, 5000))
def test_only_silence_makes_it_unknown(steps, later):
    last = run(steps)[-1]
    told_now = seen_at(last, (last.last_event_s or 0) + later, PATIENCE)
    if last.last_event_s is None or later > PATIENCE.silence_s * (1 + 1e-9):
        assert told_now.state == "unknown"
    elif later < PATIENCE.silence_s * (1 - 1e-9):
        assert told_now == last
    assert seen_at(told_now, (last.last_event_s or 0) + later, PATIENCE) == told_now


def test_one_timeout_is_forgiven_the_next_is_not():
    assert told("ok", "timeout").state == "online"
    stalled = told("ok", "timeout", "timeout")
    assert (stalled.state, stalled.since_s) == ("stalled", 30.0)


def test_refusals_and_endless_timeouts_are_out_of_reach():
    assert told("ok", "refused", "refused").state == "unreachable"
    lost = told("ok", *["timeout"] * 4)
    assert (lost.state, lost.since_s) == ("unreachable", 50.0)
    assert told("ok", *["timeout"] * 9).since_s == 50.0


def test_garbage_proves_that_something_answers():
    assert told("ok", *["garbage"] * 9).state == "stalled"
    assert told("refused", "timeout", "garbage").state == "stalled"
    assert told("refused", "timeout").state == "unreachable"


def test_a_camera_never_seen_online_is_forgiven_nothing():
    assert told("timeout").state == "stalled"
    assert told("refused").state == "unreachable"


def test_another_size_is_online_and_remembered_until_accepted():
    health = told("ok", "resized", "ok", "timeout", "timeout", "ok", "resized")
    assert (health.state, health.resized_s) == ("online", 20.0)
    assert accepted(health).resized_s is None
    assert accepted(health).state == "online"


def test_after_silence_the_old_state_forgives_nothing():
    health = after(told("ok"), "timeout", 5000.0, PATIENCE)
    assert (health.state, health.since_s) == ("stalled", 5000.0)
    back = after(told("ok"), "ok", 5000.0, PATIENCE)
    assert (back.state, back.since_s) == ("online", 5000.0)


@pytest.mark.parametrize(("kind", "at_s"), [("gone", 1.0), ("ok", float("nan")), ("ok", float("inf"))])
def test_an_impossible_event_is_refused(kind, at_s):
    with pytest.raises(InputError):
        after(Health(), kind, at_s)


@pytest.mark.parametrize("given", [{"tolerated": -1}, {"lost_after": 1}, {"silence_s": 0}])
def test_impossible_patience_is_refused(given):
    with pytest.raises(InputError):
        Patience(**given)
