"""Laws of the standing rule: never outside the zone, never before its time, once a vehicle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.vision.detections import CAR, PERSON, TRUCK, Detections
from analysis.vision.standing import ImageZone, StandingFinding, StandingRule, advance, begin, standing

SQUARE = ((100.0, 100.0), (300.0, 100.0), (300.0, 300.0), (100.0, 300.0))
RULE = StandingRule(dwell_s=30)
ZONE = ImageZone("bay", SQUARE, RULE)
PARKED = (150.0, 150.0, 210.0, 190.0)


def seen(*boxes: tuple[float, ...], score: float = 0.8, kind: int = CAR) -> Detections:
    count = len(boxes)
    return Detections(np.array(boxes).reshape(-1, 4), np.full(count, score), np.full(count, kind))


def run(
    samples: list[Detections], every_s: float = 5, zone: ImageZone = ZONE
) -> tuple[list[tuple[float, StandingFinding]], list[StandingFinding]]:
    state, fired = begin(zone), []
    for row, sample in enumerate(samples):
        state, findings = advance(state, row * every_s, sample)
        fired += [(row * every_s, each) for each in findings]
    return fired, standing(state)


def test_a_parked_car_is_found_once_and_its_stay_goes_on() -> None:
    fired, now = run([seen(PARKED)] * 12)
    [(at, first)] = fired
    assert at == 30 and first.dwell_s == 30 and first.zone == "bay" and first.vehicle_class == CAR
    assert [each.track for each in now] == [first.track]
    assert now[0].dwell_s == 55 and now[0].foot_px == (180, 190)


@settings(deadline=None)
@given(
    every_s=st.floats(0.5, 20),
    dwell_s=st.floats(1, 200),
    jitter=st.lists(st.tuples(st.floats(-4, 4), st.floats(-4, 4)), min_size=20, max_size=60),
)
def test_it_never_fires_before_its_time(
    every_s: float, dwell_s: float, jitter: list[tuple[float, float]]
) -> None:
    zone = ImageZone("bay", SQUARE, StandingRule(dwell_s))
    boxes = [(150 + x, 150 + y, 210 + x, 190 + y) for x, y in jitter]
    fired, _ = run([seen(each) for each in boxes], every_s, zone)
    assert all(at >= dwell_s * (1 - 1e-9) and at >= 5 * every_s for at, _ in fired)
    assert len(fired) == (every_s * (len(boxes) - 1) >= max(dwell_s, 5 * every_s))


@settings(deadline=None)
@given(st.floats(0, 700), st.floats(0, 500), st.floats(5, 80), st.floats(5, 80))
def test_it_never_fires_for_a_box_whose_foot_is_outside(x: float, y: float, wide: float, high: float) -> None:
    box = (x, y, x + wide, y + high)
    foot_x, foot_y = x + wide / 2, y + high
    inside = 100 <= foot_x <= 300 and 100 <= foot_y <= 300
    fired, _ = run([seen(box)] * 10)
    assert inside or not fired


@settings(deadline=None)
@given(st.sets(st.integers(0, 39), max_size=20))
def test_misses_within_the_window_are_forgiven_and_more_are_not(missed: set[int]) -> None:
    samples = [seen() if row in missed else seen(PARKED) for row in range(40)]
    fired, _ = run(samples)
    for at, finding in fired:
        upto = int(at // 5)
        last = [row not in missed for row in range(max(0, upto - 7), upto + 1)]
        assert sum(last) >= RULE.needed
        assert finding.dwell_s >= RULE.dwell_s
    if not missed:
        assert len(fired) == 1


def test_nobody_on_foot_and_nobody_driving_is_found() -> None:
    people = [seen(PARKED, kind=PERSON)] * 12
    assert run(people) == ([], [])
    driving = [seen((100 + 12.0 * row, 150, 160 + 12 * row, 190)) for row in range(12)]
    assert run(driving) == ([], [])


def test_a_creeping_queue_is_not_standing() -> None:
    creeping = [seen((110 + 5.0 * row, 150, 170 + 5 * row, 190)) for row in range(24)]
    assert run(creeping)[0] == []


def test_a_part_of_a_reported_vehicle_is_no_second_one_and_a_neighbour_is() -> None:
    cab, neighbour = (152.0, 152.0, 178.0, 190.0), (215.0, 150.0, 275.0, 190.0)
    fired, _ = run([seen(PARKED, cab, neighbour)] * 10)
    assert sorted(finding.box_px for _, finding in fired) == [PARKED, neighbour]


def test_unsure_boxes_do_not_make_a_finding_and_the_commonest_class_names_it() -> None:
    assert run([seen(PARKED, score=0.3)] * 12)[0] == []
    mixed = [seen(PARKED, kind=TRUCK if row % 3 else CAR) for row in range(10)]
    assert run(mixed)[0][0][1].vehicle_class == TRUCK


def test_a_vehicle_that_left_may_be_found_again() -> None:
    samples = [seen(PARKED)] * 8 + [seen()] * 4 + [seen(PARKED)] * 8
    fired, _ = run(samples)
    assert len({finding.track for _, finding in fired}) == len(fired) == 2


def test_bad_rules_zones_and_times_say_why() -> None:
    with pytest.raises(InputError, match="dwell_s"):
        StandingRule(dwell_s=0)
    with pytest.raises(InputError, match="needed"):
        StandingRule(dwell_s=1, needed=9, window=8)
    with pytest.raises(InputError, match="simple polygon"):
        ImageZone("bow", ((0, 0), (10, 10), (10, 0), (0, 10)), RULE)
    state, _ = advance(begin(ZONE), 5, seen())
    with pytest.raises(InputError, match="cannot follow"):
        advance(state, 5, seen())
