"""Intervals of shares and rates, and working hours: laws, worked cases, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.intervals import poisson_interval, wilson_interval
from analysis.workhours import CLOSES_H, OPENS_H, in_time, working_hours

MONDAY = np.datetime64("2026-01-05T00:00:00")
moments = st.integers(-10_000_000, 10_000_000).map(lambda s: np.array([MONDAY + np.timedelta64(s, "s")]))


@settings(deadline=None)
@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_share_lies_in_its_interval_and_more_cases_narrow_it(counted: tuple[int, int]) -> None:
    hits, of = counted
    lower, upper = wilson_interval(hits, of)
    assert 0 <= lower <= hits / of <= upper <= 1
    narrow = wilson_interval(hits * 10, of * 10)
    assert narrow[1] - narrow[0] < upper - lower


@settings(deadline=None)
@given(st.integers(0, 5_000), st.floats(0.1, 1e5))
def test_the_rate_lies_in_its_interval_which_goes_with_the_exposure(events: int, exposure: float) -> None:
    lower, upper = poisson_interval(events, exposure)
    assert 0 <= lower <= events / exposure < upper
    assert poisson_interval(events, exposure * 2) == pytest.approx((lower / 2, upper / 2))


def test_worked_intervals() -> None:
    # Newcombe (1998), table I: 81 of 263, and 0 of 20
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    # tables of Garwood (1936): 0 gives 3.69 above, 10 gives 4.80 to 18.39
    assert poisson_interval(0, 1.0) == pytest.approx((0.0, 3.6889), abs=1e-4)
    assert poisson_interval(10, 1.0) == pytest.approx((4.7954, 18.3904), abs=1e-4)


@pytest.mark.parametrize(("hits", "of"), [(1, 0), (-1, 5), (6, 5)])
def test_no_share(hits: int, of: int) -> None:
    with pytest.raises(InputError):
        wilson_interval(hits, of)


@pytest.mark.parametrize(("events", "exposure"), [(-1, 1.0), (1, 0.0), (1, float("nan")), (1, float("inf"))])
def test_no_rate(events: int, exposure: float) -> None:
    with pytest.raises(InputError):
        poisson_interval(events, exposure)


@settings(deadline=None)
@given(moments, moments, moments)
def test_working_hours_add_up_and_never_exceed_the_clock(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    assert working_hours(a, b) + working_hours(b, c) == pytest.approx(working_hours(a, c))
    first, last = min(a, b), max(a, b)
    assert 0 <= working_hours(first, last)[0] <= (last - first)[0] / np.timedelta64(1, "h") + 1e-9


def test_a_week_has_five_days_and_a_night_none() -> None:
    days = np.array([MONDAY, MONDAY + np.timedelta64(17, "h"), np.datetime64("NaT", "s")])
    later = np.array(
        [MONDAY + np.timedelta64(7, "D"), MONDAY + np.timedelta64(33, "h"), MONDAY], dtype="datetime64[s]"
    )
    worked = working_hours(days, later)
    assert worked[0] == 5 * (CLOSES_H - OPENS_H)
    assert worked[1] == 0
    assert np.isnan(worked[2])


def test_a_limit_of_working_hours_over_a_weekend() -> None:
    friday = np.datetime64("2026-01-30T16:00:00")
    monday = np.datetime64("2026-02-02T10:00:00")
    begun = np.full(4, friday)
    ended = np.array([monday, monday + np.timedelta64(1, "m"), "NaT", "NaT"], dtype="datetime64[s]")
    now = np.array([monday, monday, monday, monday + np.timedelta64(1, "s")])
    good, late = in_time(begun, ended, now, 2.0)
    assert good.tolist() == [True, False, False, False]
    assert late.tolist() == [False, True, False, True], "what has time left is neither"
    good, late = in_time(begun, np.full(4, friday), now, 0.0)
    assert good.all() and not late.any()
