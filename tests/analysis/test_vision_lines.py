"""Laws of lines and directions: what is counted one way is counted back the other, and jitter counts nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from analysis.errors import InputError
from analysis.vision.calibration import fit_homography
from analysis.vision.detections import CAR, PERSON
from analysis.vision.lines import CountLine, DirectionRule, count_crossings, find_crossings, find_wrong_way
from analysis.vision.tracking import Track, Tracks

LINE = CountLine("gate", (100, 200), (300, 200))
"""From left to right in the picture, so forward is downwards."""


def followed(*paths: ArrayLike, rate_hz: float = 5.0, kind: int = PERSON) -> Tracks:
    """Tracks whose foot points are these."""
    tracks = []
    for number, path in enumerate(paths, start=1):
        feet = np.asarray(path, dtype=float)
        boxes = np.column_stack([feet[:, 0] - 10, feet[:, 1] - 50, feet[:, 0] + 10, feet[:, 1]])
        tracks.append(Track(number, kind, np.arange(len(feet)) / rate_hz, boxes, np.full(len(feet), 0.9)))
    longest = max((len(track) for track in tracks), default=2)
    return Tracks(tuple(tracks), np.arange(max(2, longest)) / rate_hz)


def straight(a: ArrayLike, b: ArrayLike, count: int = 11) -> np.ndarray:
    return np.linspace(np.asarray(a, float), np.asarray(b, float), count)


points = st.tuples(st.floats(0, 400), st.floats(0, 400))


@given(points, points, st.integers(2, 30))
def test_a_straight_walk_crosses_where_geometry_says(
    a: tuple[float, float], b: tuple[float, float], count: int
) -> None:
    assume(abs(a[1] - 200) > 6 and abs(b[1] - 200) > 6)
    found = find_crossings(followed(straight(a, b, count)), LINE)
    back = find_crossings(followed(straight(b, a, count)), LINE)
    through = (a[1] > 200) != (b[1] > 200)
    x = a[0] + (200 - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) if through else 0.0
    assume(abs(x - 100) > 1e-6 and abs(x - 300) > 1e-6)
    assert len(found) == len(back) == int(through and 100 < x < 300)
    for one, other in zip(found, back, strict=True):
        assert one.forward == (b[1] > a[1]) == (not other.forward)
        assert one.point_px == pytest.approx((x, 200), abs=1e-6)
        share = (200 - a[1]) / (b[1] - a[1])
        assert one.time_s == pytest.approx(share * (count - 1) / 5, abs=1e-6)


@given(st.lists(st.floats(0, 400), min_size=2, max_size=40), st.lists(st.floats(-4.9, 4.9), max_size=30))
def test_the_balance_of_crossings_is_where_one_ends_up(heights: list[float], dawdle: list[float]) -> None:
    """However one wanders within the line's ends, forward less backward is the change of side."""
    y = [100, *heights, *(200 + np.array(dawdle)), 300]
    feet = np.column_stack([np.full(len(y), 200.0), y])
    forward, backward = count_crossings(find_crossings(followed(feet), LINE))
    assert forward - backward == 1
    turned = CountLine("gate", LINE.end_px, LINE.start_px)
    assert count_crossings(find_crossings(followed(feet), turned)) == (backward, forward)


def test_who_dawdles_on_the_line_counts_once() -> None:
    y = [150, 190, 202, 198, 203, 197, 201, 200, 199, 240]
    feet = np.column_stack([np.full(len(y), 200.0), y])
    (crossing,) = find_crossings(followed(feet), LINE)
    assert crossing.forward and crossing.line == "gate" and crossing.kind == PERSON
    assert find_crossings(followed(feet[:-1]), LINE) == []  # not clear on the other side yet


def test_who_goes_round_the_end_does_not_cross() -> None:
    feet = [[200, 150], [50, 150], [50, 250], [200, 250]]
    assert find_crossings(followed(feet), LINE) == []


def test_a_foot_point_exactly_on_the_line_is_on_neither_side() -> None:
    bare = CountLine("gate", (100, 200), (300, 200), clear_px=0)
    feet = [[200, 190], [200, 200], [200, 200], [200, 210]]
    assert len(find_crossings(followed(feet), bare)) == 1
    assert find_crossings(followed([[200, 190], [200, 200], [200, 190]]), bare) == []


def test_only_the_classes_of_the_line_count() -> None:
    cars = CountLine("gate", (100, 200), (300, 200), classes={CAR})
    feet = straight((200, 100), (200, 300))
    assert find_crossings(followed(feet), cars) == []
    assert len(find_crossings(followed(feet, kind=CAR), cars)) == 1


def test_crossings_come_in_order_of_time() -> None:
    late, early = straight((200, 0), (200, 210)), straight((150, 190), (150, 400))
    found = find_crossings(followed(late, early), LINE)
    assert [each.track for each in found] == [2, 1]


@pytest.mark.parametrize("rate_hz", [0.1, 1, 3.4])
def test_slow_looks_are_refused(rate_hz: float) -> None:
    tracks = followed(straight((200, 100), (200, 300)), rate_hz=rate_hz)
    with pytest.raises(InputError, match="looks a second"):
        find_crossings(tracks, LINE)
    with pytest.raises(InputError, match="looks a second"):
        find_wrong_way(tracks, DirectionRule("street", ((0, 0), (0, 100))))


@given(st.floats(0, 2 * np.pi), st.floats(5, 175), st.floats(0, 2 * np.pi))
def test_a_heading_is_wrong_beyond_the_tolerance(arrow: float, tolerance: float, heading: float) -> None:
    rule = DirectionRule("street", ((50, 50), (50 + np.cos(arrow), 50 + np.sin(arrow))), tolerance)
    off = abs((np.degrees(heading - arrow) + 180) % 360 - 180)
    assume(abs(off - tolerance) > 0.01)
    path = straight((500, 500), (500 + 200 * np.cos(heading), 500 + 200 * np.sin(heading)), 21)
    found = find_wrong_way(followed(path), rule)
    assert len(found) == int(off > tolerance)
    for each in found:
        assert each.off_deg == pytest.approx(off, abs=1e-3) and each.last_s - each.first_s >= rule.hold_s


def test_who_stands_and_shakes_has_no_heading() -> None:
    rng = np.random.default_rng(5)
    shaken = np.array([300, 300]) + rng.uniform(-9, 9, (200, 2))
    assert find_wrong_way(followed(shaken), DirectionRule("street", ((0, 0), (0, 100)))) == []


def test_a_short_swerve_is_forgiven_and_a_long_one_told_from_its_beginning() -> None:
    rule = DirectionRule("street", ((0, 0), (100, 0)), hold_s=1.0)
    swerve = np.vstack(
        [straight((0, 0), (200, 0)), straight((180, 0), (120, 0), 4), straight((140, 0), (400, 0), 14)]
    )
    assert find_wrong_way(followed(swerve), rule) == []
    turn = np.vstack([straight((0, 0), (200, 0)), straight((180, 0), (0, 0), 10)])
    (found,) = find_wrong_way(followed(turn), rule)
    assert found.first_s > 2 and found.to_px == (0, 0) and found.off_deg == pytest.approx(180)


def test_outside_its_zone_a_direction_does_not_hold() -> None:
    rule = DirectionRule("street", ((0, 0), (100, 0)), zone_px=((0, 0), (100, 0), (100, 100), (0, 100)))
    against = [straight((300, y), (200, y)) for y in (50, 150)]
    assert find_wrong_way(followed(*against), rule) == []
    within = [straight((90, y), (10, y)) for y in (50, 150)]
    assert [each.track for each in find_wrong_way(followed(*within), rule)] == [1]


def test_on_the_ground_perspective_bends_no_heading() -> None:
    """A street seen at a slant: along it in the picture is not along it on the ground."""
    ground = np.array([[0, 0], [30, 0], [30, 60], [0, 60], [15, 30], [5, 50]], dtype=float)
    spread = np.array([[10, 4, 50], [0, -1.5, 300], [0, 0.02, 1.0]])  # ground → pixels
    mapped = np.column_stack([ground, np.ones(6)]) @ spread.T
    fit = fit_homography(mapped[:, :2] / mapped[:, 2:], ground)
    arrow, path = fit.to_pixels([[15, 5], [15, 50]]), fit.to_pixels(straight((3, 5), (3, 55), 26))
    rule = DirectionRule("street", (tuple(arrow[0]), tuple(arrow[1])), tolerance_deg=5)
    assert find_wrong_way(followed(path, kind=CAR), rule, fit) == []
    (found,) = find_wrong_way(followed(path[::-1], kind=CAR), rule, fit)
    assert found.off_deg == pytest.approx(180, abs=0.01)
    # In the picture the same drive is bent away from the arrow.
    assert len(find_wrong_way(followed(path, kind=CAR), rule)) == 1
    beyond = DirectionRule("street", (tuple(arrow[0]), (5000.0, 5000.0)))
    with pytest.raises(InputError, match="arrow of rule 'street' leaves"):
        find_wrong_way(followed(path), beyond, fit)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CountLine("x", (1, 1), (1, 1)),
        lambda: CountLine("x", (1, 1), (float("nan"), 2)),
        lambda: CountLine("x", (1, 1), (2, 2), clear_px=-1),
        lambda: DirectionRule("x", ((1, 1), (1, 1))),
        lambda: DirectionRule("x", ((1, 1), (2, 1)), tolerance_deg=180),
        lambda: DirectionRule("x", ((1, 1), (2, 1)), travel_m=0),
        lambda: DirectionRule("x", ((1, 1), (2, 1)), hold_s=-1),
        lambda: DirectionRule("x", ((1, 1), (2, 1)), zone_px=((0, 0), (1, 1))),
        lambda: DirectionRule("x", ((1, 1), (2, 1)), zone_px=((0, 0), (2, 2), (2, 0), (0, 2))),
    ],
)
def test_lines_and_directions_that_mean_nothing_are_refused(make) -> None:
    with pytest.raises(InputError, match="'x'") as caught:
        make()
    assert caught.value.mend
