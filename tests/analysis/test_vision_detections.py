"""Laws of boxes: suppression, overlap, foot points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.vision.detections import (
    CAR,
    PERSON,
    TRUCK,
    VEHICLE_CLASSES,
    Detections,
    box_inside,
    box_iou,
    merge_boxes,
    suppress,
)
from analysis.vision.privacy import LEGIBLE_PX, PLATE_FROM, blur_heads, blur_plates

side = st.integers(0, 120)
box = st.tuples(side, side, st.integers(1, 60), st.integers(1, 60)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
item = st.tuples(box, st.integers(0, 100).map(lambda s: s / 100), st.sampled_from([PERSON, CAR, TRUCK]))
some = st.lists(item, max_size=25).map(
    lambda rows: Detections(
        np.array([row[0] for row in rows], dtype=float).reshape(-1, 4),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows], dtype=int),
    )
)


@settings(deadline=None)
@given(some)
def test_suppressing_twice_is_suppressing_once(detections: Detections) -> None:
    once = suppress(detections)
    twice = suppress(once)
    np.testing.assert_array_equal(once.boxes, twice.boxes)
    np.testing.assert_array_equal(once.classes, twice.classes)


@settings(deadline=None)
@given(some, st.floats(0, 1))
def test_people_and_vehicles_are_suppressed_by_their_own_shares(found: Detections, share: float) -> None:
    both = suppress(found, 0.5, people_iou=share)
    for classes, alone in (({PERSON}, suppress(found, share)), (VEHICLE_CLASSES, suppress(found, 0.5))):
        np.testing.assert_array_equal(both.of(classes).boxes, alone.of(classes).boxes)


@settings(deadline=None)
@given(some)
def test_merging_keeps_who_is_kept_and_moves_boxes_only_among_those_they_meant(found: Detections) -> None:
    kept, merged = suppress(found, 0.5, 0.6), merge_boxes(found, 0.5, 0.6)
    np.testing.assert_array_equal(merged.scores, kept.scores)
    np.testing.assert_array_equal(merged.classes, kept.classes)
    for row in range(len(kept)):
        near = found.boxes[box_iou(kept.boxes[[row]], found.boxes)[0] > 0]
        assert (merged.boxes[row] >= near.min(axis=0) - 1e-9).all()
        assert (merged.boxes[row] <= near.max(axis=0) + 1e-9).all()


def test_merging_takes_the_mean_by_score_and_squared_overlap() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [50, 50, 60, 60], [0, 0, 10, 9]], float)
    found = Detections(boxes, np.array([0.8, 0.5, 0.6, 0.9]), np.array([PERSON, PERSON, PERSON, CAR]))
    merged = merge_boxes(found)
    weights = np.array([0.8, 0.5 * 0.8**2])
    bottom = weights @ [10, 8] / weights.sum()
    np.testing.assert_allclose(merged.boxes, [[0, 0, 10, 9], [0, 0, 10, bottom], [50, 50, 60, 60]])
    assert merged.classes.tolist() == [CAR, PERSON, PERSON]


@settings(deadline=None)
@given(some)
def test_kept_boxes_of_a_class_overlap_little_and_dropped_ones_overlap_a_better_one(
    found: Detections,
) -> None:
    kept = suppress(found, 0.5)
    for classes in ({PERSON}, VEHICLE_CLASSES):
        mine, all_mine = kept.of(classes), found.of(classes)
        among = box_iou(mine.boxes, mine.boxes)
        assert (among[~np.eye(len(mine), dtype=bool)] <= 0.5).all()
        if len(all_mine):
            near = box_iou(all_mine.boxes, mine.boxes)
            identical = (near == 1).any(axis=1)
            assert (identical | (near > 0.5).any(axis=1)).all()


@settings(deadline=None)
@given(some)
def test_overlap_is_symmetric_and_a_share(detections: Detections) -> None:
    iou = box_iou(detections.boxes, detections.boxes)
    np.testing.assert_allclose(iou, iou.T)
    assert ((iou >= 0) & (iou <= 1)).all()
    np.testing.assert_allclose(np.diag(box_inside(detections.boxes, detections.boxes)), 1)


@settings(deadline=None)
@given(some)
def test_foot_point_is_the_middle_of_the_lower_edge(detections: Detections) -> None:
    feet = detections.foot_points()
    assert feet.shape == (len(detections), 2)
    np.testing.assert_allclose(feet[:, 1], detections.boxes[:, 3])
    np.testing.assert_allclose(2 * feet[:, 0], detections.boxes[:, 0] + detections.boxes[:, 2])


def test_van_seen_as_car_and_truck_is_one_vehicle_and_the_person_before_it_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 11], [0, 0, 10, 10]])
    kept = suppress(Detections(boxes, np.array([0.6, 0.8, 0.5]), np.array([CAR, TRUCK, PERSON])))
    assert kept.classes.tolist() == [TRUCK, PERSON]


@pytest.mark.parametrize(
    ("boxes", "scores", "classes", "word"),
    [
        ([[0, 0, 1, 1]], [0.5, 0.5], [2], "same objects"),
        ([[0, 0, 1]], [0.5], [2], "same objects"),
        ([[0, 0, 1, 1], [5, 0, 1, 1]], [0.5, 0.5], [2, 2], "box of row 1"),
        ([[0, 0, np.nan, 1]], [0.5], [2], "box of row 0"),
        ([[0, 0, 1, 1]], [1.5], [2], "score of row 0"),
        ([[0, 0, 1, 1]], [0.5], [-1], "class of row 0"),
    ],
)
def test_unsound_detections_name_what_is_wrong(boxes: list, scores: list, classes: list, word: str) -> None:
    with pytest.raises(InputError, match=word):
        Detections(np.array(boxes, dtype=float), np.array(scores), np.array(classes))


def test_heads_are_averaged_away_and_the_rest_is_untouched() -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    seen = Detections(
        np.array([[50.0, 60, 90, 160], [120, 20, 180, 60]]), np.ones(2), np.array([PERSON, CAR])
    )
    out = blur_heads(image, seen)
    assert out[60:95, 50:90].std() < 0.25 * image[60:95, 50:90].std()
    np.testing.assert_array_equal(out[100:], image[100:])
    np.testing.assert_array_equal(out[20:60, 120:180], image[20:60, 120:180])


def test_plates_cannot_be_read_and_the_rest_stays() -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 255, (300, 400, 3), dtype=np.uint8)
    near, far, person = (
        (50.0, 60.0, 250.0, 200.0),
        (300.0, 20.0, 300.0 + LEGIBLE_PX - 1, 80.0),
        (0, 200, 40, 290),
    )
    seen = Detections(np.array([near, far, person]), np.array([0.06, 0.9, 0.9]), np.array([CAR, CAR, PERSON]))
    out = blur_plates(image, seen)
    top = int(60 + PLATE_FROM * 140)
    hidden = out[top:200, 50:250].astype(float)
    assert hidden.std() < 0.4 * image[top:200, 50:250].astype(float).std(), "coarse patches of noise are grey"
    kept = np.ones((300, 400), bool)
    kept[top:200, 50:250] = False
    assert (out[kept] == image[kept]).all() and (image[top:200, 50:250] != out[top:200, 50:250]).any()
