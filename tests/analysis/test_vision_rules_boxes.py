"""Laws of rules judged by boxes: what stays is found, at any interval, once, under one key."""

from __future__ import annotations

from datetime import date, time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.vision.detections import BICYCLE, BUS, CAR, MOTORCYCLE, PERSON, TRUCK, Detections
from analysis.vision.rules import (
    BikesOutside,
    Crowding,
    Hours,
    Intrusion,
    Lead,
    Look,
    Standing,
    Validity,
    WatchedZone,
    judge,
    same,
)

SQUARE = ((100.0, 100.0), (300.0, 100.0), (300.0, 300.0), (100.0, 300.0))
RULE = Standing()
ZONE = WatchedZone("bay", SQUARE, RULE)
PARKED = (150.0, 150.0, 210.0, 190.0)
START_S = 1_700_000_000.0


def seen(*boxes: tuple[float, ...], score: float = 0.8, kind: int = CAR) -> Detections:
    count = len(boxes)
    return Detections(np.array(boxes, float).reshape(-1, 4), np.full(count, score), np.full(count, kind))


def record(samples: list[Detections], every_s: float = 10, start_s: float = START_S) -> list[Look]:
    return [Look(start_s + row * every_s, each) for row, each in enumerate(samples)]


def pattern(
    present: list[bool], times: list[float] | None = None, box: tuple[float, ...] = PARKED
) -> list[Look]:
    at = times if times is not None else [START_S + 10.0 * row for row in range(len(present))]
    return [Look(when, seen(box) if here else seen()) for when, here in zip(at, present, strict=True)]


def test_a_parked_car_is_found_with_its_evidence() -> None:
    [lead] = judge(ZONE, pattern([False] * 3 + [True] * 10 + [False] * 2))
    assert (lead.first_seen_s, lead.last_seen_s) == (START_S + 30, START_S + 120)
    assert (lead.before_s, lead.at_s, lead.after_s) == (START_S + 20, START_S + 30, START_S + 130)
    assert lead.rule == "standing" and lead.zone == "bay" and lead.object_class == CAR
    assert lead.boxes_px == (PARKED,) and lead.foot_px == (180, 190)
    assert lead.score == pytest.approx(0.8) and lead.dwell_s == 90 and not lead.hint


times = st.lists(st.integers(1, 100), min_size=3, max_size=40).map(
    lambda steps: [START_S + float(sum(steps[:row])) for row in range(len(steps) + 1)]
)


@settings(deadline=None)
@given(times)
def test_it_is_found_at_any_interval_as_soon_as_it_has_stood_long_enough(at: list[float]) -> None:
    for upto in range(1, len(at) + 1):
        found = judge(ZONE, pattern([True] * upto, at[:upto]))
        due = upto >= RULE.min_sights and at[upto - 1] - at[0] >= RULE.dwell_s
        assert len(found) == due
        if due:
            assert (found[0].first_seen_s, found[0].last_seen_s) == (at[0], at[upto - 1])


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=50))
def test_no_lead_without_three_quarters_of_the_looks(present: list[bool]) -> None:
    looks = pattern(present)
    for lead in judge(ZONE, looks):
        within = [
            here
            for look, here in zip(looks, present, strict=True)
            if lead.first_seen_s <= look.time_s <= lead.last_seen_s
        ]
        assert sum(within) >= 0.75 * len(within) and within[0] and within[-1]
        assert lead.dwell_s >= RULE.dwell_s and sum(within) >= RULE.min_sights
        assert lead.first_seen_s <= lead.at_s <= lead.last_seen_s
        assert lead.before_s is None or lead.before_s < lead.first_seen_s
        assert lead.after_s is None or lead.after_s > lead.last_seen_s


def test_one_seen_in_fewer_gives_none() -> None:
    for period in (2, 3):
        assert judge(ZONE, pattern([row % period == 0 for row in range(60)])) == []
    two_of_three = [row % 3 != 2 for row in range(60)]
    assert judge(ZONE, pattern(two_of_three)) == []
    three_of_four = [row % 4 != 3 for row in range(60)]
    assert len(judge(ZONE, pattern(three_of_four))) == 1


gaps = st.integers(1, 400)


@settings(deadline=None)
@given(gaps)
def test_a_gap_longer_than_is_allowed_begins_anew(gap_s: int) -> None:
    before = [START_S + 10.0 * row for row in range(9)]
    after = [before[-1] + gap_s + 10.0 * row for row in range(9)]
    found = judge(ZONE, pattern([True] * 18, before + after))
    assert len(found) == (1 if gap_s <= RULE.max_gap_s else 2)
    assert all(lead.dwell_s == 80 for lead in found) or gap_s <= RULE.max_gap_s
    apart = judge(ZONE, pattern([True] * 10, [*before[:5], *(at - 40 for at in after[:5])]))
    assert (apart == []) == (gap_s > RULE.max_gap_s)  # 40 s on either side are not 60 s


boxes = st.lists(
    st.tuples(st.integers(60, 320), st.integers(60, 320), st.integers(10, 80), st.integers(10, 80)),
    max_size=6,
).map(lambda rows: [(x, y, x + w, y + h) for x, y, w, h in rows])
frames = st.lists(
    st.tuples(boxes, st.lists(st.integers(0, 100), min_size=6, max_size=6)), min_size=1, max_size=25
)


def mixed(frame: tuple[list[tuple[int, ...]], list[int]]) -> Detections:
    rows, scores = frame
    kinds = [(CAR, TRUCK, PERSON, BICYCLE)[score % 4] for score in scores[: len(rows)]]
    return Detections(
        np.array([*rows], float).reshape(-1, 4),
        np.array(scores[: len(rows)], float) / 100,
        np.array(kinds, dtype=int),
    )


RULES = [
    Standing(dwell_s=20, min_median_score=0.1, iou=0.3),
    BikesOutside(dwell_s=20, min_median_score=0.1, iou=0.3),
    Crowding(dwell_s=20, min_people=1),
    Intrusion(classes=frozenset({PERSON, CAR}), min_score=0.2),
]


@settings(deadline=None, max_examples=40)
@given(frames, st.randoms(use_true_random=False), st.sampled_from(RULES))
def test_the_order_of_boxes_in_a_look_changes_nothing(frames_, random, rule) -> None:  # type: ignore[no-untyped-def]
    zone = WatchedZone("bay", SQUARE, rule)
    samples = [mixed(frame) for frame in frames_] * 2
    shuffled = [each.take(random.sample(range(len(each)), len(each))) for each in samples]
    found = judge(zone, record(samples))
    assert judge(zone, record(shuffled)) == found
    assert judge(zone, record(samples)) == found


@settings(deadline=None, max_examples=40)
@given(frames, st.integers(-1_000_000, 1_000_000), st.sampled_from(RULES))
def test_a_shift_of_time_shifts_the_leads(frames_, shift_s: int, rule) -> None:  # type: ignore[no-untyped-def]
    zone = WatchedZone("bay", SQUARE, rule)
    samples = [mixed(frame) for frame in frames_] * 2
    now, later = judge(zone, record(samples)), judge(zone, record(samples, start_s=START_S + shift_s))
    assert len(now) == len(later)
    for a, b in zip(now, later, strict=True):
        assert (b.first_seen_s, b.last_seen_s, b.at_s) == (
            a.first_seen_s + shift_s,
            a.last_seen_s + shift_s,
            a.at_s + shift_s,
        )
        assert (a.boxes_px, a.score, a.foot_px) == (b.boxes_px, b.score, b.foot_px)


@settings(deadline=None, max_examples=30)
@given(frames)
def test_older_looks_that_show_something_else_change_nothing(frames_) -> None:  # type: ignore[no-untyped-def]
    looks = pattern([True] * 12)
    elsewhere = [
        Look(START_S - 10.0 * (row + 1), mixed(([(x - 400, y, a - 400, b) for x, y, a, b in rows], scores)))
        for row, (rows, scores) in enumerate(frames_)
    ][::-1]
    [alone], [longer] = judge(ZONE, looks), judge(ZONE, elsewhere + looks)
    assert longer.before_s == START_S - 10
    assert (longer.key, longer.first_seen_s, longer.boxes_px, longer.score) == (
        alone.key,
        alone.first_seen_s,
        alone.boxes_px,
        alone.score,
    )


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.floats(-2.5, 2.5), st.floats(-2.5, 2.5)), min_size=45, max_size=45))
def test_a_lead_keeps_key_and_beginning_while_the_window_slides(jitter: list[tuple[float, float]]) -> None:
    rule = Standing(max_gap_s=30)
    zone = WatchedZone("bay", SQUARE, rule)
    looks = record([seen((150 + x, 150 + y, 210 + x, 190 + y)) for x, y in jitter])
    known: list[Lead] = []
    told: list[Lead] = []
    for upto in range(7, len(looks)):
        window = [look for look in looks[: upto + 1] if look.time_s >= looks[upto].time_s - rule.window_s]
        fresh = judge(zone, window)
        known = judge(zone, window, known=known)
        assert len(known) == len(fresh) == 1 and same(known[0], fresh[0])
        told += known
    assert {(lead.key, lead.first_seen_s, lead.before_s) for lead in told} == {(told[0].key, START_S, None)}
    assert all(a.last_seen_s < b.last_seen_s for a, b in pairwise(told))


def test_steady_boxes_keep_the_key_even_if_nothing_is_known() -> None:
    looks = pattern([True] * 120)
    windows = [
        [look for look in looks[:upto] if look.time_s >= looks[upto - 1].time_s - 450]
        for upto in range(8, 120)
    ]
    assert len({judge(ZONE, window)[0].key for window in windows}) == 1


def test_neighbours_are_two_and_stay_themselves() -> None:
    neighbour = (215.0, 150.0, 275.0, 190.0)
    looks = record([seen(PARKED, neighbour)] * 60)
    known = judge(ZONE, looks[:20])
    assert len({lead.key for lead in known}) == 2 and not same(*known)
    later = judge(ZONE, looks[15:], known=known)
    assert [(lead.key, lead.boxes_px) for lead in later] == [(lead.key, lead.boxes_px) for lead in known]
    assert {lead.first_seen_s for lead in later} == {START_S}


def test_one_that_left_and_came_again_is_another() -> None:
    looks = pattern([True] * 10 + [False] * 20 + [True] * 10)
    first, second = judge(ZONE, looks)
    assert not same(first, second) and first.key != second.key
    [known] = judge(ZONE, looks[:20])
    [again] = judge(ZONE, looks[25:], known=[known])
    assert again.first_seen_s == second.first_seen_s  # the pause was too long to be prolonged


def test_what_drives_creeps_walks_or_is_unsure_does_not_stand() -> None:
    for step in (6.0, 12.0, 40.0):
        assert (
            judge(ZONE, record([seen((110 + step * row, 150, 170 + step * row, 190)) for row in range(30)]))
            == []
        )
    assert judge(ZONE, record([seen(PARKED, kind=PERSON)] * 20)) == []
    assert judge(ZONE, record([seen(PARKED, score=0.25)] * 20)) == []
    assert judge(ZONE, record([seen(PARKED, score=0.15)] * 20)) == []


def test_cab_and_body_are_one_and_a_box_across_two_is_none() -> None:
    cab = (152.0, 152.0, 178.0, 190.0)
    assert [lead.boxes_px for lead in judge(ZONE, record([seen(PARKED, cab)] * 12))] == [(PARKED,)]
    neighbour = (205.0, 150.0, 265.0, 190.0)
    both = [
        Detections(
            np.array([PARKED, neighbour, (178.0, 151.0, 238.0, 190.0)]),
            np.array([0.8, 0.7, 0.4]),
            np.full(3, CAR),
        )
    ]
    assert [lead.boxes_px for lead in judge(ZONE, record(both * 12))] == [(PARKED,), (neighbour,)]


def test_the_commonest_class_names_it_and_vehicles_change_places_in_it() -> None:
    looks = record([seen(PARKED, kind=(CAR, TRUCK, TRUCK, BUS)[row % 4]) for row in range(12)])
    assert [lead.object_class for lead in judge(ZONE, looks)] == [TRUCK]


@settings(deadline=None)
@given(st.integers(0, 340), st.integers(0, 340), st.integers(4, 90), st.integers(4, 90))
def test_the_foot_point_decides(x: int, y: int, wide: int, high: int) -> None:
    foot_x, foot_y = x + wide / 2, y + high
    inside = 100 <= foot_x <= 300 and 100 <= foot_y <= 300
    in_hole = 150 < foot_x < 200 and 150 < foot_y < 250
    edge = foot_x in (150, 200) or foot_y in (150, 250)
    hole = ((150, 150), (200, 150), (200, 250), (150, 250))
    zone = WatchedZone("bay", SQUARE, RULE, holes_px=(hole,))
    found = judge(zone, record([seen((x, y, x + wide, y + high))] * 8))
    if not edge:
        assert len(found) == (inside and not in_hole)


def test_a_box_that_the_border_cuts_is_drawn_back_and_said() -> None:
    zone = WatchedZone("edge", ((0, 0), (400, 0), (400, 240), (0, 240)), RULE, frame_px=(320, 240))
    cut = (200.0, 180.0, 280.0, 246.0)  # below the picture
    [lead] = judge(zone, record([seen(cut)] * 8))
    assert lead.foot_cut and lead.foot_px == (240, 240)
    [whole] = judge(zone, record([seen((100.0, 100.0, 160.0, 150.0))] * 8))
    assert not whole.foot_cut
    unknown = WatchedZone("edge", zone.polygon_px, RULE)
    assert judge(unknown, record([seen(cut)] * 8)) == []


RACK = ((100.0, 100.0), (200.0, 100.0), (200.0, 300.0), (100.0, 300.0))


def test_bicycles_in_their_area_may_stand_and_others_not() -> None:
    zone = WatchedZone("square", SQUARE, BikesOutside(dwell_s=60, allowed=(RACK,)))
    inside, outside = (140.0, 180.0, 170.0, 220.0), (230.0, 180.0, 260.0, 220.0)
    for kind in (BICYCLE, MOTORCYCLE):
        [lead] = judge(zone, record([seen(inside, outside, kind=kind)] * 10))
        assert lead.boxes_px == (outside,) and lead.object_class == kind
    assert judge(zone, record([seen(outside, kind=CAR)] * 10)) == []
    holed = WatchedZone("square", SQUARE, BikesOutside(dwell_s=60), holes_px=(RACK,))
    assert [lead.boxes_px for lead in judge(holed, record([seen(inside, outside, kind=BICYCLE)] * 10))] == [
        (outside,)
    ]
    everywhere = WatchedZone("square", SQUARE, BikesOutside(dwell_s=60, allowed=(SQUARE,)))
    assert judge(everywhere, record([seen(outside, kind=BICYCLE)] * 10)) == []


def crowd(count: int) -> Detections:
    return seen(*((110.0 + 12 * n, 150, 120 + 12 * n, 180) for n in range(count)), score=0.6, kind=PERSON)


@settings(deadline=None)
@given(st.integers(0, 15), st.integers(1, 15), st.sampled_from([None, 0.1, 0.25, 1.0]))
def test_it_is_crowded_by_number_or_by_density(count: int, least: int, density: float | None) -> None:
    rule = Crowding(min_people=least, min_density=density, area_m2=None if density is None else 40.0)
    found = judge(WatchedZone("square", SQUARE, rule), record([crowd(count)] * 10))
    crowded = count >= least or (density is not None and count / 40 >= density and count > 0)
    assert len(found) == crowded
    if found:
        assert found[0].amount == count and len(found[0].boxes_px) == count and not found[0].placed
        assert found[0].score == pytest.approx(0.6)


def test_a_crowd_must_last_and_the_fullest_look_shows_it() -> None:
    zone = WatchedZone("square", SQUARE, Crowding(min_people=5))
    assert judge(zone, record([crowd(9)] * 6 + [crowd(2)] * 10)) == []
    [lead] = judge(zone, record([crowd(1)] * 5 + [crowd(5)] * 4 + [crowd(8)] + [crowd(6)] * 5))
    assert lead.amount == 8 and lead.at_s == START_S + 90 and lead.first_seen_s == START_S + 50


NIGHTLY = Validity(
    (Hours(start=time(22), end=time(6)),), date(2023, 11, 1), date(2023, 11, 30), "Asia/Shanghai"
)
MIDNIGHT_S = 1_700_064_000.0  # 2023-11-16 00:00 in Shanghai


def test_who_comes_while_nobody_may_is_an_intruder_and_by_day_not() -> None:
    zone = WatchedZone("yard", SQUARE, Intrusion(validity=NIGHTLY))
    visit = [seen()] * 3 + [seen(PARKED, kind=PERSON)] * 2 + [seen()] * 3
    [lead] = judge(zone, record(visit, start_s=MIDNIGHT_S))
    assert (lead.first_seen_s, lead.last_seen_s) == (MIDNIGHT_S + 30, MIDNIGHT_S + 40)
    assert lead.object_class == PERSON and lead.amount == 1
    assert judge(zone, record(visit, start_s=MIDNIGHT_S + 12 * 3600)) == []
    assert judge(zone, record(visit, start_s=MIDNIGHT_S + 40 * 86400)) == []
    assert judge(zone, record([seen(PARKED, kind=CAR)] * 8, start_s=MIDNIGHT_S)) == []
    assert judge(zone, record([seen(PARKED, score=0.4, kind=PERSON)] * 8, start_s=MIDNIGHT_S)) == []


def test_intrusions_part_at_quiet_times_and_only_sights_in_forbidden_hours_count() -> None:
    zone = WatchedZone("yard", SQUARE, Intrusion(validity=NIGHTLY, min_sights=2))
    person, none = seen(PARKED, kind=PERSON), seen()
    twice = judge(zone, record([person] * 3 + [none] * 20 + [person] * 3, start_s=MIDNIGHT_S))
    assert len(twice) == 2 and not same(*twice)
    assert judge(zone, record([none, person, none], start_s=MIDNIGHT_S)) == []
    morning = record([person] * 12, start_s=MIDNIGHT_S + 6 * 3600 - 60)
    [lead] = judge(zone, morning)
    assert lead.last_seen_s == MIDNIGHT_S + 6 * 3600 - 10


def test_leads_about_a_whole_zone_keep_their_keys_too_and_do_not_share_one() -> None:
    zone = WatchedZone("square", SQUARE, Crowding(min_people=5, dwell_s=30, max_gap_s=30))
    looks = record(([crowd(6)] * 8 + [crowd(0)] * 8) * 6)
    known: list[Lead] = []
    ever: dict[tuple[str, float], Lead] = {}
    for upto in range(1, len(looks) + 1):
        window = [look for look in looks[:upto] if look.time_s > looks[upto - 1].time_s - 300]
        now = judge(zone, window, known=known)
        assert len({lead.key for lead in now}) == len(now)
        known = now + [old for old in known if not any(same(old, lead) for lead in now)]
        ever |= {(lead.key, lead.first_seen_s): lead for lead in now}
    assert sorted(lead.first_seen_s - START_S for lead in ever.values()) == [
        160.0 * turn for turn in range(6)
    ]


def test_an_object_and_a_zone_of_the_same_name_are_not_mixed_up() -> None:
    [standing] = judge(ZONE, pattern([True] * 10))
    bikes = WatchedZone("bay", SQUARE, BikesOutside(dwell_s=60))
    [bike] = judge(bikes, record([seen(PARKED, kind=BICYCLE)] * 10))
    [elsewhere] = judge(WatchedZone("lane", SQUARE, RULE), pattern([True] * 10))
    assert same(standing, standing)
    assert not same(standing, bike) and not same(standing, elsewhere)
    assert len({standing.key, bike.key, elsewhere.key}) == 3
