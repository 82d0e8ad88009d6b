"""Sampled hours: the union of what samples stand for, by hour of the week."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.patrolling import sampled_hours

FEW = settings(max_examples=100, deadline=None)
HOUR, WEEK = 3600.0, 604_800.0
times = st.lists(st.floats(0, 3 * WEEK), max_size=30)


def union_h(taken, cap, until):
    """Hours covered by [t, t + cap), cut at until: written the slow way."""
    total, reach = 0.0, -np.inf
    for t in sorted(each for each in taken if each < until):
        begin, end = max(t, reach), min(t + cap, until)
        total += max(0.0, end - begin)
        reach = max(reach, end)
    return total / HOUR


@FEW
@given(times, st.floats(1, 20_000), st.floats(0, 3 * WEEK))
def test_hours_add_up_to_the_union_and_never_to_more_than_went_by(taken, cap, until):
    hours = sampled_hours(taken, cap, until_s=until)
    assert hours.shape == (168,)
    assert (hours >= 0).all()
    assert hours.sum() == pytest.approx(union_h(taken, cap, until), abs=1e-6)
    if taken:
        assert hours.sum() <= max(0.0, until - min(taken)) / HOUR + 1e-9
    assert (hours <= 4 + 1e-9).all()  # three weeks and a bit hold each hour four times at most


@FEW
@given(times, st.floats(1, 5000), st.floats(0, 3 * WEEK))
def test_one_more_sample_never_takes_hours_away(taken, cap, extra):
    before = sampled_hours(taken, cap, until_s=3 * WEEK)
    assert (sampled_hours([*taken, extra], cap, until_s=3 * WEEK) >= before - 1e-9).all()
    assert sampled_hours(taken * 2, cap, until_s=3 * WEEK) == pytest.approx(before)


@FEW
@given(times, st.floats(1, 5000), st.integers(0, 167))
def test_the_clock_of_the_week_turns_with_its_monday(taken, cap, by):
    taken = [each for each in taken if each < 2 * WEEK]
    straight = sampled_hours(taken, cap, until_s=3 * WEEK)
    turned = sampled_hours(taken, cap, until_s=3 * WEEK, week_start_s=by * HOUR)
    assert turned == pytest.approx(np.roll(straight, -by), abs=1e-6)


def test_worked_example():
    # every 20 s from 23:59:00 on Sunday to 00:01:00 on Monday, one look may stand for 60 s
    taken = np.arange(WEEK - 60, WEEK + 61, 20.0)
    hours = sampled_hours(taken, 60.0, until_s=WEEK + HOUR)
    assert hours[167] == pytest.approx(60 / HOUR)
    assert hours[0] == pytest.approx(120 / HOUR)
    assert hours[1:167].sum() == 0


def test_a_gap_is_not_counted():
    hours = sampled_hours([0.0, 10 * HOUR], 300.0, until_s=20 * HOUR)
    assert np.flatnonzero(hours).tolist() == [0, 10]
    assert hours.sum() == pytest.approx(600 / HOUR)


def test_real_epoch_seconds_keep_their_precision():
    monday = 1_763_913_600.0
    hours = sampled_hours(
        monday + 5 * HOUR + np.arange(360) * 10.0, 10.0, until_s=monday + WEEK, week_start_s=monday
    )
    assert hours[5] == pytest.approx(1.0)
    assert hours.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("taken", "cap", "until"), [([1.0], 0.0, 5.0), ([np.nan], 1.0, 5.0), ([1.0], 1.0, np.inf)]
)
def test_impossible_times_are_refused(taken, cap, until):
    with pytest.raises(InputError):
        sampled_hours(taken, cap, until_s=until)
