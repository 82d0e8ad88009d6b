"""Tracks: one object keeps its number through misses and meetings, others get their own; slow looks are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import CAR, PERSON, TRUCK, Detections, box_iou
from analysis.vision.tracking import CascadedTracker, Look, Track, Tracker, Tracks

RATE_HZ = 10.0


def walker(start: tuple[float, float], speed: tuple[float, float], times: NDArray) -> NDArray[np.float64]:
    """Boxes of 30×80 px whose foot point goes straight on, in px and px/s."""
    x, y = (np.add(start, np.outer(times, speed))).T
    return np.column_stack([x - 15, y - 80, x + 15, y])


def looks(
    times: NDArray,
    paths: list[NDArray],
    kinds: list[int] | None = None,
    hidden: dict[int, set[int]] | None = None,
) -> list[Look]:
    """What a detector would see of walkers; `hidden` says at which rows which one is not seen."""
    hidden = hidden or {}
    made = []
    for row, time_s in enumerate(times):
        seen = [n for n in range(len(paths)) if row not in hidden.get(n, set())]
        made.append(
            Look(
                float(time_s),
                Detections(
                    np.array([paths[n][row] for n in seen]).reshape(-1, 4),
                    np.full(len(seen), 0.9),
                    np.array([(kinds or [PERSON] * len(paths))[n] for n in seen], dtype=np.int64),
                ),
            )
        )
    return made


def times_of(count: int, rate_hz: float = RATE_HZ) -> NDArray[np.float64]:
    return np.arange(count) / rate_hz


@settings(deadline=None, max_examples=25)
@given(
    heading=st.floats(0, 2 * np.pi),
    speed=st.floats(0, 60),
    origin=st.floats(0, 1e6),
    rate=st.floats(3.5, 30),
)
def test_whoever_walks_alone_is_one_track(heading: float, speed: float, origin: float, rate: float) -> None:
    times = times_of(20, rate)
    path = walker((400, 300), (speed * np.cos(heading), speed * np.sin(heading)), times)
    found = CascadedTracker().track(looks(times + origin, [path]))
    assert found.rate_hz == pytest.approx(rate, rel=1e-3)
    (track,) = found.tracks
    assert track.kind == PERSON and track.seen.all() and len(track) >= 19
    rows = np.searchsorted(found.times_s, track.times_s)
    np.testing.assert_allclose(track.boxes, path[rows], atol=1)  # straight motion stays what it is
    np.testing.assert_allclose(track.foot_points()[:, 1], track.boxes[:, 3])


def test_two_who_walk_apart_are_two() -> None:
    times = times_of(30)
    paths = [walker((100, 200), (40, 0), times), walker((100, 400), (40, 0), times)]
    found = CascadedTracker().track(looks(times, paths))
    assert [track.number for track in found.tracks] == [1, 2]
    for track in found.tracks:
        assert np.ptp(track.foot_points()[:, 1]) < 1


def test_a_short_miss_is_filled_in_and_marked() -> None:
    times = times_of(40)
    path = walker((100, 300), (40, 10), times)
    found = CascadedTracker(smooth_s=0).track(looks(times, [path], hidden={0: set(range(15, 20))}))
    (track,) = found.tracks
    assert np.isnan(track.scores[~track.seen]).all() and (~track.seen).sum() == 5
    rows = np.searchsorted(times, track.times_s)
    np.testing.assert_allclose(track.boxes, path[rows], atol=1e-6)


def test_a_long_miss_is_joined_where_the_walker_was_heading_but_not_filled() -> None:
    times = times_of(60)
    path = walker((100, 300), (60, 0), times)
    seen = looks(times, [path], hidden={0: set(range(20, 36))})
    settings_of = {"lost_s": 0.3, "fill_s": 1.0}
    (track,) = CascadedTracker(**settings_of).track(seen).tracks
    assert track.times_s.min() < 2 and track.times_s.max() > 3.5
    assert not ((track.times_s > 2.0) & (track.times_s < 3.5)).any()
    assert len(CascadedTracker(**settings_of, join_s=0).track(seen).tracks) == 2


def test_who_appears_elsewhere_is_another() -> None:
    times = times_of(60)
    first, second = walker((100, 300), (60, 0), times), walker((600, 300), (-60, 0), times)
    hidden = {0: set(range(20, 60)), 1: set(range(30))}
    assert len(CascadedTracker(lost_s=0.3).track(looks(times, [first, second], hidden=hidden)).tracks) == 2


def test_a_van_that_is_now_a_car_now_a_truck_is_one_and_a_person_in_it_another() -> None:
    times = times_of(20)
    van = walker((300, 300), (20, 0), times)
    seen = [
        Look(
            float(time_s),
            Detections(
                np.vstack([van[row], van[row]]),
                np.array([0.9, 0.8]),
                np.array([CAR if row % 3 else TRUCK, PERSON]),
            ),
        )
        for row, time_s in enumerate(times)
    ]
    found = CascadedTracker().track(seen)
    assert sorted(track.kind for track in found.tracks) == [PERSON, CAR]


def test_smoothing_takes_jitter_out() -> None:
    times = times_of(60)
    path = walker((100, 300), (40, 0), times)
    shaken = path + np.random.default_rng(3).normal(0, 3, path.shape)
    off = []
    for smooth_s in (0, 0.25):
        (track,) = CascadedTracker(smooth_s=smooth_s).track(looks(times, [shaken])).tracks
        rows = np.searchsorted(times, track.times_s)
        off.append(1 - np.diag(box_iou(track.boxes, path[rows])).mean())
    assert off[1] < 0.6 * off[0]


def test_the_same_looks_give_the_same_tracks_however_often() -> None:
    times = times_of(30)
    paths = [walker((100, 200), (40, 0), times), walker((300, 210), (-40, 0), times)]
    tracker: Tracker = CascadedTracker()
    first, second = (tracker.track(looks(times, paths)) for _ in range(2))
    assert [t.number for t in first.tracks] == [t.number for t in second.tracks]
    for a, b in zip(first.tracks, second.tracks, strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)


def test_an_empty_street_has_no_tracks_and_faint_boxes_begin_none() -> None:
    times = times_of(10)
    assert CascadedTracker().track([Look(float(t), Detections.none()) for t in times]).tracks == ()
    path = walker((100, 200), (10, 0), times)
    faint = [
        Look(float(t), Detections(path[[r]], np.array([0.3]), np.array([PERSON])))
        for r, t in enumerate(times)
    ]
    assert CascadedTracker().track(faint).tracks == ()


@pytest.mark.parametrize("rate_hz", [0.1, 1.0, 3.4])
def test_slow_looks_are_refused(rate_hz: float) -> None:
    times = times_of(20, rate_hz)
    with pytest.raises(InputError, match=rf"With {rate_hz:.2f} looks a second") as caught:
        CascadedTracker().track(looks(times, [walker((100, 200), (10, 0), times)]))
    assert "3.5" in str(caught.value)


def test_three_and_a_half_looks_a_second_are_enough_and_one_look_is_not() -> None:
    times = times_of(12, 3.5)
    path = walker((100, 200), (10, 0), times)
    assert len(CascadedTracker().track(looks(times, [path])).tracks) == 1
    for count in (0, 1):
        with pytest.raises(InputError, match="looks a second"):
            CascadedTracker().track(looks(times[:count], [path]))


@pytest.mark.parametrize("times", [[0.0, 0.1, 0.1], [0.0, 0.2, 0.1], [0.0, 0.1, float("nan")]])
def test_looks_out_of_order_name_their_row(times: list[float]) -> None:
    with pytest.raises(InputError, match="row 2"):
        CascadedTracker().track([Look(time_s, Detections.none()) for time_s in times])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sure_score", 1.0),
        ("sure_score", 0.05),
        ("faint_score", 0.9),
        ("least_sights", 0),
        ("first_match", 0.0),
        ("second_match", 1.0),
        ("lost_s", -1.0),
        ("smooth_s", float("nan")),
        ("join_s", float("inf")),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        CascadedTracker(**{name: value})


def test_the_rate_is_the_usual_one_despite_a_stall() -> None:
    times = np.array([0, 0.1, 0.2, 0.3, 9.0, 9.1, 9.2])
    assert Tracks((), times).rate_hz == pytest.approx(10)
    assert Tracks((), times[:1]).rate_hz == 0


def test_a_track_over_a_stall_is_not_filled_in() -> None:
    times = np.concatenate([times_of(15), 9 + times_of(15)])
    path = walker((100, 300), (0, 0), times)
    found = CascadedTracker().track(looks(times, [path]))
    for track in found.tracks:
        assert isinstance(track, Track) and track.seen.all()
