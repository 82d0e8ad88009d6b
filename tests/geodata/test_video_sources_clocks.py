"""Times of pictures: what a stream says is believed as far as it can be, and they never run backward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import Terms
from geodata.video.clocks import (
    BACKWARD,
    FORWARD,
    NO_TIMES,
    TOLERANCE_S,
    WRONG_CLOCK,
    Clock,
    LiveClock,
    Timeline,
)
from geodata.video.looping import turn_at
from geodata.video.streams import Footage, Survey

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_the_cameras_own_time_is_taken_where_it_is_near_ours() -> None:
    clock = LiveClock()
    for second in range(5):
        stamp = clock.stamp(after(second + 0.3), 100.0 + second, after(second))
        assert (stamp.at, stamp.clock, stamp.doubts) == (after(second), Clock.STREAM, Terms())


@pytest.mark.parametrize("off_s", [-8 * 3600, TOLERANCE_S + 1, -(TOLERANCE_S + 1), -1e9])
def test_a_camera_that_lives_in_another_time_is_not_believed(off_s: float) -> None:
    stamp = LiveClock().stamp(NOON, 5.0, after(off_s))
    assert (stamp.at, stamp.clock, stamp.doubts) == (NOON, Clock.WALL, Terms([WRONG_CLOCK]))


def test_pictures_without_times_bear_that_of_their_arrival() -> None:
    clock = LiveClock()
    for second in range(3):
        stamp = clock.stamp(after(second), None)
        assert (stamp.at, stamp.clock, stamp.doubts) == (after(second), Clock.WALL, Terms([NO_TIMES]))


def test_pictures_that_waited_to_be_read_bear_the_time_at_which_they_came_to_be() -> None:
    clock = LiveClock()
    for second in range(5):
        clock.stamp(after(second), float(second))
    late = [clock.stamp(after(30), float(second)).at for second in range(5, 10)]
    assert late == [after(second) for second in range(5, 10)]


@pytest.mark.parametrize(("jump_s", "doubt"), [(-50.0, BACKWARD), (90_000.0, FORWARD)])
def test_a_count_that_jumps_is_noticed_once_and_begun_anew(jump_s: float, doubt: object) -> None:
    clock = LiveClock()
    for second in range(100):
        assert not clock.stamp(after(second), float(second)).doubts
    stamp = clock.stamp(after(100), 100 + jump_s)
    assert (stamp.at, stamp.clock, stamp.doubts) == (after(100), Clock.WALL, Terms([doubt]))
    again = clock.stamp(after(101), 101 + jump_s)
    assert (again.at, again.doubts) == (after(101), Terms())


moments = st.floats(-1e6, 1e6, allow_nan=False)


@given(
    st.lists(st.tuples(st.floats(0, 1e4), st.none() | moments, st.none() | moments), min_size=1, max_size=30)
)
def test_times_are_aware_and_never_run_backward(
    pictures: list[tuple[float, float | None, float | None]],
) -> None:
    clock, passed_s, last = LiveClock(), 0.0, None
    for gap_s, count_s, camera_s in pictures:
        passed_s += gap_s
        arrived = after(passed_s)
        stamp = clock.stamp(arrived, count_s, None if camera_s is None else after(camera_s))
        assert stamp.at.tzinfo is UTC
        assert last is None or stamp.at > last
        if stamp.clock is Clock.STREAM:
            assert abs((stamp.at - arrived).total_seconds()) <= TOLERANCE_S
        last = stamp.at


@given(st.lists(st.floats(0, 3000), min_size=1, max_size=40), st.floats(0.01, 1))
def test_right_times_are_left_alone(gaps_s: list[float], step_s: float) -> None:
    timeline, times = Timeline(step_s), np.cumsum(gaps_s)
    assert [timeline.mended(at) for at in times] == times.tolist()
    assert not timeline.doubts


@given(st.lists(st.none() | st.floats(-1e9, 1e9), min_size=2, max_size=40), st.floats(0.01, 1))
def test_mended_times_neither_leap_nor_jump_back(stated_s: list[float | None], step_s: float) -> None:
    timeline = Timeline(step_s)
    times = np.array([timeline.mended(at) for at in stated_s])
    highest = np.maximum.accumulate(times)
    assert (np.diff(highest) <= 3600 * (1 + 1e-9) + 1).all()
    assert (times[1:] >= highest[:-1] - max(1.0, 16 * step_s) - 1e-6 * abs(highest[:-1])).all()


def test_each_fault_of_the_times_is_named() -> None:
    for stated, doubt in [([0, 1, None, 3], NO_TIMES), ([0, 50, 1, 2], BACKWARD), ([0, 1, 1e6], FORWARD)]:
        timeline = Timeline(1.0)
        times = [timeline.mended(at) for at in stated]
        assert timeline.doubts == {doubt} and times == sorted(times)


def surveyed(keys_s: list[float], length_s: float, *, reliable: bool = True) -> Survey:
    """As of a clip of 10 pictures a second with these keyframes."""
    times = np.arange(0, length_s, 0.1)
    about = Footage(64, 48, len(times), 10.0, length_s, length_s, "h264")
    keys = np.array(keys_s)
    return Survey(about, times, keys, (keys * 1000).astype(np.int64)[: None if reliable else 0])


loops = st.tuples(
    st.lists(st.integers(1, 99), max_size=8, unique=True).map(lambda tenths: sorted({0, *tenths})),
    st.floats(10, 40),
)


@given(loop=loops, now_s=st.floats(1e9, 2e9))
def test_a_loop_shows_the_last_keyframe_until_now(loop: tuple[list[int], float], now_s: float) -> None:
    keys_s, length_s = [each / 10 for each in loop[0]], loop[1]
    turn = turn_at(surveyed(keys_s, length_s), now_s, None, 1000)
    assert turn.key is not None and turn.position_s == keys_s[turn.key]
    assert turn.at_s <= now_s
    following = keys_s[turn.key + 1] if turn.key + 1 < len(keys_s) else length_s + keys_s[0]
    assert turn.at_s + following - keys_s[turn.key] > now_s - 1e-6
    apart = (turn.at_s - turn.position_s) % length_s
    assert min(apart, length_s - apart) < 1e-5


@given(loop=loops, now_s=st.floats(1e9, 2e9), ahead_s=st.floats(-20, 20))
def test_a_loop_never_shows_what_is_too_old(
    loop: tuple[list[int], float], now_s: float, ahead_s: float
) -> None:
    keys_s = [each / 10 for each in loop[0]]
    earliest = datetime.fromtimestamp(now_s + ahead_s, UTC)
    turn = turn_at(surveyed(keys_s, loop[1]), now_s, earliest, 5.0)
    assert turn.at_s >= earliest.timestamp()
    assert 0 <= turn.position_s <= loop[1]
    if turn.key is None:
        assert turn.at_s == max(now_s, earliest.timestamp())
    else:
        assert abs(turn.at_s - max(now_s, earliest.timestamp())) <= 5.0


@pytest.mark.parametrize("reliable", [True, False])
def test_a_loop_with_rare_keyframes_or_wrong_times_shows_the_very_moment(reliable: bool) -> None:
    known = surveyed([0.0] if reliable else [0.0, 5.0], 30.0, reliable=reliable)
    turn = turn_at(known, 30e6 + 17, None, 10.0)
    assert (turn.key, turn.at_s, turn.position_s) == (None, 30e6 + 17, 17)
