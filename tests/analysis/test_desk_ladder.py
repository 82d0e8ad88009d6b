"""The ladder: one rung at a time, never lower for one more lead, and down again in quiet times."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.desk import LADDER, History, Ladder, Rung, next_step
from analysis.errors import InputError

FEW = settings(max_examples=100, deadline=None)
SMALL = Ladder((Rung("remind", 1, 10), Rung("warn", 2, 20), Rung("case", 3, 30)), quiet_s=40)
NAMES = [rung.name for rung in SMALL.rungs]
times = st.integers(0, 200)
lead_lists = st.lists(st.tuples(times, st.booleans()), max_size=8)
step_lists = st.lists(st.tuples(times, st.sampled_from(NAMES)), max_size=4)


def history(leads=(), steps=()):
    leads = [each if isinstance(each, tuple) else (each, False) for each in leads]
    return History(
        [at for at, _ in leads],
        [severe for _, severe in leads],
        [at for at, _ in steps],
        tuple(s for _, s in steps),
    )


@FEW
@given(lead_lists, step_lists, times, st.tuples(times, st.booleans()))
def test_one_more_lead_never_lowers_a_place(leads, steps, now, more):
    before = next_step(history(leads, steps), now, SMALL)
    after = next_step(history([*leads, more], steps), now, SMALL)
    assert after.level >= before.level
    assert after.reached >= before.reached


@FEW
@given(lead_lists, step_lists, times)
def test_no_rung_is_skipped_unless_it_is_severe(leads, steps, now):
    told = next_step(history(leads, steps), now, SMALL)
    assert 0 <= told.level <= told.reached <= 3
    assert (told.step is None) == (told.reached == told.level)
    if told.step:
        assert told.step == NAMES[told.reached - 1]
        assert told.counted >= told.needed >= 1
    if not any(severe for _, severe in leads):
        assert told.reached <= told.level + 1


@FEW
@given(lead_lists, step_lists, times)
def test_a_step_once_taken_waits_for_new_leads(leads, steps, now):
    told = next_step(history(leads, steps), now, SMALL)
    if told.step:
        noted = [*steps, (now, told.step)]
        same = next_step(history(leads, noted), now, SMALL)
        assert (same.level, same.step) == (told.reached, None)
        # whatever time goes by
        past = [each for each in leads if each[0] <= now]
        past_steps = [each for each in noted if each[0] <= now]
        for later in range(now, now + 130, 13):
            assert next_step(history(past, past_steps), later, SMALL).step is None


@FEW
@given(lead_lists, step_lists, times)
def test_quiet_brings_a_place_down_and_no_step_about(leads, steps, now):
    past = history([each for each in leads if each[0] <= now], [each for each in steps if each[0] <= now])
    levels = [next_step(past, now + 40 * k, SMALL) for k in range(1, 5)]
    assert [each.level for each in levels] == sorted((each.level for each in levels), reverse=True)
    assert levels[-1].level == 0
    assert all(each.step is None for each in levels)


@FEW
@given(lead_lists, step_lists, times)
def test_the_future_does_not_count(leads, steps, now):
    past = history([each for each in leads if each[0] <= now], [each for each in steps if each[0] <= now])
    assert next_step(history(leads, steps), now, SMALL) == next_step(past, now, SMALL)


def climb(leads, until, ladder=SMALL):
    """Steps that a place gets if each is taken at once."""
    steps = []
    for now in range(until):
        step = next_step(history(leads, steps), now, ladder).step
        if step:
            steps.append((now, step))
    return steps


def test_a_lead_every_two_hours_climbs_all_rungs():
    assert climb(range(0, 40, 2), 40) == [(0, "remind"), (4, "warn"), (10, "case")]


def test_seldom_leads_bring_reminders_only():
    assert climb([0, 50, 100, 150], 200) == [(0, "remind"), (50, "remind"), (100, "remind"), (150, "remind")]


def test_a_severe_lead_is_a_case_at_once():
    assert climb([(5, True)], 20) == [(5, "case")]
    assert climb([0, (5, True), 6, 7, 8], 20) == [(0, "remind"), (5, "case")]


def test_a_severe_lead_at_the_top_brings_nothing_later():
    assert climb([0, (5, True), (7, True)], 300) == [(0, "remind"), (5, "case")]


def test_the_ladder_of_the_house_stands():
    told = next_step(history(), 0.0)
    assert (told.level, told.step, told.needed) == (0, None, 1)
    assert [rung.name for rung in LADDER.rungs] == ["remind", "warn", "case"]


def test_impossible_ladders_and_histories_are_refused():
    with pytest.raises(InputError, match="name of its own"):
        Ladder((), 10)
    with pytest.raises(InputError, match="name of its own"):
        Ladder((Rung("a", 1, 5), Rung("a", 1, 5)), 10)
    with pytest.raises(InputError, match="quiet"):
        Ladder((Rung("a", 1, 50),), 10)
    with pytest.raises(InputError):
        Rung("a", 0, 5)
    with pytest.raises(InputError, match="shout"):
        next_step(history([], [(1, "shout")]), 5)
    with pytest.raises(InputError):
        next_step(history(), np.nan)
    with pytest.raises(InputError):
        history([np.nan])
