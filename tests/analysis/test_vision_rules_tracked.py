"""Leads of those who move: one for each, in the right direction, and none for what the rule does not ask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from analysis.errors import InputError
from analysis.vision.calibration import fit_homography
from analysis.vision.detections import CAR, PERSON, Detections
from analysis.vision.rules import LineCrossing, Standing, WatchedZone, WrongWay
from analysis.vision.rules.tracked import count_line, direction_rule, follow, judge_tracks
from analysis.vision.tracking import CascadedTracker, Look, Track, Tracks

EPOCH_S = 1_772_438_400.0
"""Times of bursts are epoch seconds, where a double has a quarter of a microsecond."""
SQUARE = ((0.0, 0.0), (400.0, 0.0), (400.0, 400.0), (0.0, 400.0))
DOWN = ((200.0, 50.0), (200.0, 350.0))
LINE = ((50.0, 200.0), (350.0, 200.0))
"""From left to right, so that forward is downwards."""


def zone(rule: LineCrossing | WrongWay | Standing, **more: object) -> WatchedZone:
    return WatchedZone("gate", SQUARE, rule, frame_px=(400, 400), **more)  # type: ignore[arg-type]


def boxes(feet: ArrayLike) -> np.ndarray:
    at = np.asarray(feet, float).reshape(-1, 2)
    return np.column_stack([at[:, 0] - 20, at[:, 1] - 30, at[:, 0] + 20, at[:, 1]])


def straight(a: ArrayLike, b: ArrayLike, count: int = 33) -> np.ndarray:
    return np.linspace(np.asarray(a, float), np.asarray(b, float), count)


def tracks(*paths: ArrayLike, rate_hz: float = 4.0, kind: int = CAR, score: float = 0.8) -> Tracks:
    made = []
    for number, path in enumerate(paths, start=1):
        at = EPOCH_S + np.arange(len(np.asarray(path))) / rate_hz
        made.append(Track(number, kind, at, boxes(path), np.full(len(at), score)))
    longest = max(len(each) for each in made)
    return Tracks(tuple(made), EPOCH_S + np.arange(longest) / rate_hz)


def looks(*paths: ArrayLike, rate_hz: float = 4.0, score: float = 0.8, kind: int = CAR) -> list[Look]:
    feet = np.stack([np.asarray(path, float) for path in paths], axis=1)
    return [
        Look(
            EPOCH_S + row / rate_hz,
            Detections(boxes(at), np.full(len(at), score), np.full(len(at), kind, dtype=np.int64)),
        )
        for row, at in enumerate(feet)
    ]


@pytest.mark.parametrize(
    ("direction", "down", "found"),
    [("forward", True, 1), ("forward", False, 0), ("backward", True, 0), ("backward", False, 1)],
)
def test_a_line_that_may_not_be_passed_makes_a_lead_of_each_who_does(
    direction: str, down: bool, found: int
) -> None:
    watched = zone(LineCrossing(line=LINE, direction=direction))  # type: ignore[arg-type]
    path = straight((200, 100), (200, 300))
    seen = follow(watched, looks(path if down else path[::-1]), CascadedTracker())
    moved = judge_tracks(watched, seen)
    assert len(moved.leads) == found and (moved.forward, moved.backward) == (int(down), int(not down))
    for lead in moved.leads:
        assert lead.rule == "line_crossing" and lead.zone == "gate" and lead.object_class == CAR
        assert lead.placed and not lead.hint and lead.score == pytest.approx(0.8)
        assert lead.foot_px == pytest.approx((200, 200), abs=3)
        middle_s = EPOCH_S + 4.0
        assert lead.before_s is not None and lead.after_s is not None
        assert lead.before_s <= lead.first_seen_s - 1 and lead.after_s >= lead.last_seen_s + 1
        assert lead.first_seen_s <= lead.at_s <= lead.last_seen_s
        assert lead.at_s == pytest.approx(middle_s, abs=0.3) and lead.dwell_s <= 0.25


@given(st.lists(st.tuples(st.floats(60, 340), st.booleans()), min_size=1, max_size=6))
def test_every_crossing_is_counted_once_and_leads_follow_the_direction(
    ways: list[tuple[float, bool]],
) -> None:
    paths = [straight((x, 100), (x, 300))[:: 1 if down else -1] for x, down in ways]
    seen = tracks(*paths)
    forward = sum(down for _, down in ways)
    one, other, both = (
        judge_tracks(zone(LineCrossing(line=LINE, direction=each)), seen)  # type: ignore[arg-type]
        for each in ("forward", "backward", "both")
    )
    for moved in (one, other, both):
        assert (moved.forward, moved.backward) == (forward, len(ways) - forward)
    assert (len(one.leads), len(other.leads)) == (forward, len(ways) - forward)
    (tally,) = both.leads
    assert tally.amount == len(ways) and not tally.placed and len(tally.boxes_px) == len(ways)
    times = set(seen.times_s.tolist())
    for lead in (*one.leads, *other.leads, *both.leads):
        assert {lead.before_s, lead.at_s, lead.after_s} <= times | {None}
        assert lead.first_seen_s <= lead.at_s <= lead.last_seen_s


def test_keys_tell_apart_who_crosses_at_once_and_stay_when_judged_again() -> None:
    watched = zone(LineCrossing(line=LINE, direction="forward"))
    seen = tracks(straight((100, 100), (100, 300)), straight((300, 100), (300, 300)))
    first, second = (judge_tracks(watched, seen).leads for _ in range(2))
    assert [each.key for each in first] == [each.key for each in second] and first == second
    assert len({each.key for each in first}) == 2
    later = Tracks(
        tuple(Track(t.number, t.kind, t.times_s + 60, t.boxes, t.scores) for t in seen.tracks),
        seen.times_s + 60,
    )
    assert not {each.key for each in first} & {each.key for each in judge_tracks(watched, later).leads}


def test_a_tally_goes_on_under_one_key() -> None:
    watched = zone(LineCrossing(line=LINE))
    early, late = tracks(straight((100, 100), (100, 300))), tracks(straight((300, 300), (300, 100)))
    (one,), (two,) = (judge_tracks(watched, each, quiet_s=150).leads for each in (early, late))
    assert one.key == two.key == "line_crossing/gate" and one.quiet_s == 150
    still = tracks(straight((100, 100), (100, 150)))
    assert judge_tracks(watched, still).leads == ()


def test_a_crossing_beside_the_zone_does_not_count() -> None:
    rule = LineCrossing(line=LINE, direction="forward")
    left = WatchedZone("left", ((0, 0), (150, 0), (150, 400), (0, 400)), rule)
    seen = tracks(straight((100, 100), (100, 300)), straight((300, 100), (300, 300)))
    moved = judge_tracks(left, seen)
    assert [lead.foot_px[0] for lead in moved.leads] == [pytest.approx(100)] and moved.forward == 1
    edge = WatchedZone("edge", ((0, 200), (400, 200), (400, 400), (0, 400)), rule)
    assert len(judge_tracks(edge, seen).leads) == 2


@given(st.integers(1, 5))
def test_each_who_goes_the_wrong_way_is_one_lead(count: int) -> None:
    watched = zone(WrongWay(arrow=DOWN))
    against = [straight((60 * row + 50, 390), (60 * row + 50, 60)) for row in range(count)]
    along = straight((380, 60), (380, 390))
    moved = judge_tracks(watched, tracks(*against, along))
    assert len(moved.leads) == len({lead.key for lead in moved.leads}) == count
    assert (moved.forward, moved.backward) == (0, 0)
    for lead in moved.leads:
        assert lead.rule == "wrong_way" and lead.foot_px[0] < 350 and lead.dwell_s >= 0.5
        assert lead.first_seen_s <= lead.at_s <= lead.last_seen_s
        assert lead.foot_px == ((lead.boxes_px[0][0] + lead.boxes_px[0][2]) / 2, lead.boxes_px[0][3])


def test_a_wrong_way_is_found_in_what_a_detector_saw() -> None:
    watched = zone(WrongWay(arrow=DOWN))
    seen = follow(
        watched, looks(straight((100, 390), (100, 60)), straight((300, 60), (300, 390))), CascadedTracker()
    )
    (lead,) = judge_tracks(watched, seen).leads
    assert lead.foot_px[0] == pytest.approx(100, abs=3) and lead.score == pytest.approx(0.8)
    assert lead.before_s is not None and lead.before_s < lead.first_seen_s


def test_the_frame_that_shows_it_is_the_surest_and_filled_in_sights_are_none() -> None:
    path = straight((200, 390), (200, 60))
    seen = tracks(path)
    scores = np.full(33, 0.5)
    scores[::2], scores[17] = np.nan, 0.9
    only = Track(1, CAR, seen.times_s, seen.tracks[0].boxes, scores)
    (lead,) = judge_tracks(zone(WrongWay(arrow=DOWN)), Tracks((only,), seen.times_s)).leads
    assert lead.at_s == seen.times_s[17] and lead.score == 0.5


def test_frames_reach_as_far_as_the_burst() -> None:
    feet = np.array([[200, 190], [200, 196], [200, 204], [200, 210]])
    rule = LineCrossing(line=LINE, direction="forward", clear_px=1)
    (lead,) = judge_tracks(zone(rule), tracks(feet)).leads
    assert (lead.before_s, lead.after_s) == (EPOCH_S, EPOCH_S + 0.75)
    (lead,) = judge_tracks(zone(rule), tracks(feet[1:3])).leads
    assert (lead.before_s, lead.after_s) == (None, None)


def test_classes_and_scores_are_those_of_the_rule() -> None:
    path = straight((200, 100), (200, 300))
    cars = zone(LineCrossing(line=LINE, direction="forward", classes=frozenset({CAR})))
    assert judge_tracks(cars, tracks(path, kind=PERSON)).forward == 0
    sure = zone(LineCrossing(line=LINE, direction="forward", min_score=0.85))
    assert follow(sure, looks(path), CascadedTracker()).tracks == ()
    assert len(follow(cars, looks(path), CascadedTracker()).tracks) == 1


def test_what_passes_through_a_hole_goes_no_wrong_way() -> None:
    hole = ((10.0, 10.0), (150.0, 10.0), (150.0, 395.0), (10.0, 395.0))
    seen = tracks(straight((100, 390), (100, 60)), straight((300, 390), (300, 60)))
    (lead,) = judge_tracks(zone(WrongWay(arrow=DOWN), holes_px=(hole,)), seen).leads
    assert lead.foot_px[0] == 300


def test_headings_are_compared_on_the_ground_where_it_is_known() -> None:
    pixels = np.array([[0, 0], [400, 0], [400, 400], [0, 400], [200, 200], [100, 300]], float)
    fit = fit_homography(pixels, pixels / 10)
    watched = zone(WrongWay(arrow=DOWN, travel_m=3.0))
    (lead,) = judge_tracks(watched, tracks(straight((200, 390), (200, 60))), fit).leads
    assert lead.rule == "wrong_way"
    small = fit_homography(pixels / 4, pixels / 10)
    with pytest.raises(InputError, match="arrow"):
        judge_tracks(watched, tracks(straight((200, 390), (200, 60))), small)


def test_settings_are_handed_on() -> None:
    rule = WrongWay(arrow=DOWN, tolerance_deg=40, travel_px=12, travel_m=1.5, hold_s=0.9)
    made = direction_rule(zone(rule))
    assert (made.allowed_px, made.tolerance_deg, made.travel_px, made.travel_m, made.hold_s) == (
        DOWN,
        40,
        12,
        1.5,
        0.9,
    )
    assert made.zone_px == SQUARE and made.classes == rule.classes
    line = count_line(zone(LineCrossing(line=LINE, clear_px=7)))
    assert (line.start_px, line.end_px, line.clear_px) == (*LINE, 7)


def test_slow_looks_and_other_rules_are_refused() -> None:
    watched = zone(WrongWay(arrow=DOWN))
    path = straight((200, 390), (200, 60))
    with pytest.raises(InputError, match="looks a second"):
        follow(watched, looks(path, rate_hz=2), CascadedTracker())
    with pytest.raises(InputError, match="looks a second"):
        judge_tracks(watched, tracks(path, rate_hz=2))
    other = zone(Standing())
    for refused in (
        lambda: follow(other, looks(path), CascadedTracker()),
        lambda: judge_tracks(other, tracks(path)),
        lambda: count_line(watched),
        lambda: direction_rule(zone(LineCrossing(line=LINE))),
    ):
        with pytest.raises(InputError, match="not judged by tracks"):
            refused()
