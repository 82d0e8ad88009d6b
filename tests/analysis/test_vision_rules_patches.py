"""Rules judged by patches: a new object is found, light, sway, people and what was taken away are not."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import CAR, PERSON, Detections
from analysis.vision.rules import (
    Gathering,
    Lead,
    Look,
    Motion,
    StaticObject,
    WatchedZone,
    judge,
    same,
    zone_patch,
)

Frame = NDArray[np.uint8]
WIDE, HIGH = 320, 240
POLYGON = ((40.0, 60.0), (280.0, 60.0), (280.0, 220.0), (40.0, 220.0))
RULE = StaticObject(dwell_s=60, max_gap_s=60, reference_s=600)
ZONE = WatchedZone("front", POLYGON, RULE, frame_px=(WIDE, HIGH))
CRATE = (120, 130, 165, 170)
START_S = 1_700_000_000.0


def pavement(seed: int = 0) -> Frame:
    """Slabs with joints and a wall: structure as a street has it."""
    draw = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(draw.normal(120, 30, (HIGH, WIDE)).astype(np.float32), (0, 0), 3)
    ground = 120 + (ground - ground.mean()) * 4
    ground[::24] -= 40
    ground[:, ::32] -= 40
    ground[:80] += 30
    return np.clip(ground, 0, 255).astype(np.uint8)


def with_crate(frame: Frame, box: tuple[int, int, int, int] = CRATE, seed: int = 9) -> Frame:
    x0, y0, x1, y1 = box
    out = frame.copy()
    out[y0:y1, x0:x1] = np.random.default_rng(seed).integers(20, 235, (y1 - y0, x1 - x0))
    out[y0:y1, x0:x1] = cv2.blur(out[y0:y1, x0:x1], (5, 5))
    return out


def person_at(frame: Frame, x: int, y: int, kind: int = PERSON) -> tuple[Frame, Detections]:
    """Somebody of 20×50 px whose feet are at (x, y)."""
    out = frame.copy()
    out[y - 50 : y, x - 10 : x + 10] = 15
    out[y - 50 : y - 40, x - 5 : x + 5] = 220
    return out, Detections(np.array([[x - 10, y - 50, x + 10, y]], float), np.array([0.8]), np.array([kind]))


def looks(
    draw: Callable[[int], Frame],
    count: int = 60,
    every_s: float = 10,
    zone: WatchedZone = ZONE,
    seen: Callable[[int], Detections] = lambda row: Detections.none(),
    noise: float = 2.0,
) -> list[Look]:
    dice = np.random.default_rng(5)
    out = []
    for row in range(count):
        frame = draw(row).astype(np.float32)
        frame = np.clip(frame + dice.normal(0, noise, frame.shape), 0, 255).astype(np.uint8)
        patch = zone_patch(frame, zone.polygon_px)
        out.append(Look(START_S + every_s * row, seen(row), {zone.name: patch}))
    return out


def lit(frame: Frame, gain: float = 1, offset: float = 0, gamma: float = 1) -> Frame:
    value = 255 * (frame / 255.0) ** gamma
    return np.clip(gain * value + offset, 0, 255).astype(np.uint8)


GROUND = pavement()


def test_an_object_that_appears_and_stays_is_found_where_and_since_when() -> None:
    [lead] = judge(ZONE, looks(lambda row: with_crate(GROUND) if row >= 40 else GROUND))
    assert lead.rule == "static_object" and lead.placed and not lead.hint
    assert (lead.first_seen_s - START_S, lead.last_seen_s - START_S) == (400, 590)
    assert lead.before_s == START_S + 390 and lead.after_s is None
    assert lead.first_seen_s <= lead.at_s <= lead.last_seen_s
    assert np.allclose(lead.boxes_px[0], CRATE, atol=12)
    assert np.allclose(lead.foot_px, ((CRATE[0] + CRATE[2]) / 2, CRATE[3]), atol=12)
    assert lead.score > 0.5


@pytest.mark.parametrize("width", [7.0, 20.0, 28.0])
def test_it_is_found_at_any_interval_of_looks(width: float) -> None:
    record = looks(lambda row: with_crate(GROUND) if row * width >= 400 else GROUND, int(600 / width), width)
    [lead] = judge(ZONE, record)
    assert 400 <= lead.first_seen_s - START_S < 400 + width
    assert lead.dwell_s >= RULE.dwell_s


def test_it_is_not_found_before_its_time_nor_when_it_has_gone() -> None:
    for begin, end in ((56, 60), (30, 50), (30, 55)):
        record = looks(lambda row, a=begin, b=end: with_crate(GROUND) if a <= row < b else GROUND)
        assert judge(ZONE, record) == []


def test_nothing_new_is_nothing() -> None:
    assert judge(ZONE, looks(lambda row: GROUND, noise=6)) == []
    assert judge(ZONE, looks(lambda row: with_crate(GROUND))) == []


@pytest.mark.parametrize(
    "light",
    [
        lambda frame: lit(frame, gain=0.55),
        lambda frame: lit(frame, gain=1.4, offset=-20),
        lambda frame: lit(frame, offset=60),
        lambda frame: lit(frame, gamma=1.6),
        lambda frame: lit(frame, gamma=0.6),
        lambda frame: np.clip(frame * np.linspace(0.6, 1.2, WIDE), 0, 255).astype(np.uint8),
    ],
    ids=["darker", "contrast", "brighter", "gamma up", "gamma down", "from one side"],
)
def test_light_alone_makes_no_object_and_hides_none(light: Callable[[Frame], Frame]) -> None:
    assert judge(ZONE, looks(lambda row: light(GROUND) if row >= 40 else GROUND)) == []
    found = judge(ZONE, looks(lambda row: light(with_crate(GROUND)) if row >= 40 else GROUND))
    assert len(found) == 1 and np.allclose(found[0].boxes_px[0], CRATE, atol=14)


def test_dusk_comes_slowly_and_is_no_object() -> None:
    assert judge(ZONE, looks(lambda row: lit(GROUND, gain=1 - 0.012 * row))) == []


def test_a_swaying_mast_makes_no_object_and_hides_none() -> None:
    dice = np.random.default_rng(3).integers(-5, 6, (60, 2))

    def swaying(frame: Frame, row: int) -> Frame:
        return np.roll(frame, tuple(dice[row]), axis=(0, 1))

    assert judge(ZONE, looks(lambda row: swaying(GROUND, row))) == []
    found = judge(ZONE, looks(lambda row: swaying(with_crate(GROUND) if row >= 40 else GROUND, row)))
    assert len(found) == 1


def test_what_was_taken_away_is_no_new_object() -> None:
    assert judge(ZONE, looks(lambda row: GROUND if row >= 40 else with_crate(GROUND))) == []


def test_a_turned_or_covered_camera_is_no_object() -> None:
    other = np.ascontiguousarray(np.roll(pavement(seed=77)[::-1, ::-1], (11, 13), (0, 1)))
    assert judge(ZONE, looks(lambda row: other if row >= 40 else GROUND)) == []
    black = np.zeros_like(GROUND)
    assert judge(ZONE, looks(lambda row: black if row >= 40 else GROUND, noise=0)) == []
    assert judge(ZONE, looks(lambda row: black, noise=0)) == []


@pytest.mark.parametrize("kind", [PERSON, CAR])
def test_people_and_vehicles_that_stand_are_not_objects(kind: int) -> None:
    frame, person = person_at(GROUND, 200, 180, kind)
    record = looks(
        lambda row: frame if row >= 40 else GROUND,
        seen=lambda row: person if row >= 40 else Detections.none(),
    )
    assert judge(ZONE, record) == []
    unseen = looks(lambda row: frame if row >= 40 else GROUND)
    assert len(judge(ZONE, unseen)) == 1  # without the detector's word it is an object like another


def test_passers_by_do_not_hide_an_object() -> None:
    def frame(row: int) -> tuple[Frame, Detections]:
        ground = with_crate(GROUND) if row >= 40 else GROUND
        return person_at(ground, 60 + (row * 37) % 200, 175)

    record = looks(lambda row: frame(row)[0], seen=lambda row: frame(row)[1])
    [lead] = judge(ZONE, record)
    assert np.allclose(lead.boxes_px[0], CRATE, atol=14)


def test_a_small_thing_is_under_the_floor_and_one_outside_the_polygon_does_not_count() -> None:
    tiny = (120, 130, 129, 138)
    assert judge(ZONE, looks(lambda row: with_crate(GROUND, tiny) if row >= 40 else GROUND)) == []
    corner = ((40.0, 60.0), (280.0, 60.0), (280.0, 220.0))
    zone = WatchedZone("corner", corner, RULE)
    low_left = (50, 180, 90, 215)
    record = looks(lambda row: with_crate(GROUND, low_left) if row >= 40 else GROUND, zone=zone)
    assert judge(zone, record) == []


def test_older_looks_and_a_shift_of_time_change_nothing() -> None:
    record = looks(lambda row: with_crate(GROUND) if row >= 90 else GROUND, count=110)
    window = [look for look in record if look.time_s >= record[-1].time_s - RULE.window_s]
    assert len(window) < len(record)
    [a], [b] = judge(ZONE, record), judge(ZONE, window)
    assert a == b
    later = [Look(look.time_s + 3600, look.detections, look.patches) for look in window]
    [c] = judge(ZONE, later)
    assert (c.first_seen_s, c.at_s, c.boxes_px, c.key) == (
        b.first_seen_s + 3600,
        b.at_s + 3600,
        b.boxes_px,
        b.key,
    )


def test_the_key_stays_while_the_window_slides() -> None:
    record = looks(lambda row: with_crate(GROUND) if row >= 60 else GROUND, count=100)
    known: list[Lead] = []
    told = []
    for upto in range(66, 96, 4):
        window = [look for look in record[: upto + 1] if look.time_s >= record[upto].time_s - RULE.window_s]
        found = judge(ZONE, window, known=known)
        assert all(same(old, new) for old in known for new in found)
        known = found or known
        told += found
    assert len(told) == 8 and len({lead.key for lead in told}) == 1
    assert {lead.first_seen_s for lead in told} == {START_S + 600}


def test_a_gap_in_the_looks_begins_anew() -> None:
    record = looks(lambda row: with_crate(GROUND) if row >= 40 else GROUND, count=52)
    late = [
        Look(look.time_s + (300 if row >= 46 else 0), look.detections, look.patches)
        for row, look in enumerate(record)
    ]
    assert judge(ZONE, late) == []


def test_looks_without_patches_and_of_another_size_are_passed_over_and_bad_ones_refused() -> None:
    record = looks(lambda row: with_crate(GROUND) if row >= 40 else GROUND)
    holes = [
        Look(look.time_s, look.detections, {}) if row % 5 == 4 and row < 59 else look
        for row, look in enumerate(record)
    ]
    assert len(judge(ZONE, holes)) == 1
    assert judge(ZONE, [Look(look.time_s, look.detections) for look in record]) == []
    other = [
        Look(look.time_s, look.detections, {"front": look.patches["front"][:40]}) if row < 20 else look
        for row, look in enumerate(record)
    ]
    assert len(judge(ZONE, other)) == 1
    with pytest.raises(InputError, match="zone_patch"):
        judge(ZONE, [Look(0, Detections.none(), {"front": np.zeros((4, 4, 3), np.uint8)})])


def stall(count: int, together: bool = True) -> Detections:
    """People of 20×50 px beside the crate, or far from each other."""
    step = 18 if together else 70
    x = 180 + step * np.arange(count) if together else 50 + step * np.arange(count)
    y = np.full(count, 172.0)
    boxes = np.column_stack([x - 10, y - 50, x + 10, y])
    return Detections(boxes, np.full(count, 0.7), np.full(count, PERSON))


GATHER = Gathering(dwell_s=60, max_gap_s=60, reference_s=600)
CROWD = WatchedZone("front", POLYGON, GATHER, frame_px=(WIDE, HIGH))


def test_many_together_are_a_gathering_and_the_same_number_apart_is_not() -> None:
    record = [Look(START_S + 10 * row, stall(4) if row >= 10 else Detections.none()) for row in range(20)]
    [lead] = judge(CROWD, record)
    assert lead.amount == 4 and len(lead.boxes_px) == 5 and lead.first_seen_s == START_S + 100
    apart = [Look(look.time_s, stall(4, together=False)) for look in record]
    assert judge(CROWD, apart) == []
    assert judge(CROWD, [Look(look.time_s, stall(3)) for look in record]) == []


def test_a_few_beside_a_new_object_are_a_gathering_and_without_it_not() -> None:
    def beside(row: int) -> Detections:
        return stall(2) if row >= 40 else Detections.none()

    [lead] = judge(CROWD, looks(lambda row: with_crate(GROUND) if row >= 40 else GROUND, seen=beside))
    assert lead.rule == "gathering" and lead.amount == 2
    assert np.allclose(lead.boxes_px[0], CRATE, atol=14)
    assert judge(CROWD, looks(lambda row: GROUND, seen=beside)) == []
    nobody = looks(lambda row: with_crate(GROUND) if row >= 40 else GROUND)
    assert judge(CROWD, nobody) == []


MOTION = WatchedZone("front", POLYGON, Motion(min_ratio=0.02), frame_px=(WIDE, HIGH))


def test_motion_is_a_hint_of_little_weight() -> None:
    record = looks(lambda row: with_crate(GROUND) if 50 <= row < 55 else GROUND)
    [lead] = judge(MOTION, record)
    assert lead.hint and lead.score <= 0.3 and not lead.placed
    assert lead.amount is not None and 0.02 <= lead.amount < 0.3
    assert (lead.first_seen_s - START_S, lead.last_seen_s - START_S) == (500, 540)
    assert lead.before_s == START_S + 490 and lead.after_s == START_S + 550
    assert judge(MOTION, looks(lambda row: lit(GROUND, gain=0.7) if row >= 50 else GROUND)) == []
