"""Thresholds: what is written is read back, what is too faint goes, and a faulty file names its fault."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import BICYCLE, CAR, PERSON, TRAFFIC_CLASSES, TRUCK, Detections
from analysis.vision.thresholds import (
    DEFAULT_SCORE,
    ClassThresholds,
    Thresholded,
    Thresholds,
    format_thresholds,
    parse_thresholds,
)

scores = st.floats(0, 1, exclude_min=True, exclude_max=True)
tables = st.builds(ClassThresholds, st.dictionaries(st.sampled_from(TRAFFIC_CLASSES), scores), scores)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda name: name != "default")
files = st.builds(Thresholds, st.dictionaries(names, tables, min_size=1), st.none() | tables)

FILE = """
[yolov3-tiny]
person = 0.35
car = 0.4

[default]
other = 0.5
"""


@given(files)
def test_what_is_written_is_read_back(thresholds: Thresholds) -> None:
    assert parse_thresholds(format_thresholds(thresholds)) == thresholds


@given(tables, st.lists(st.tuples(st.floats(0, 1), st.sampled_from(TRAFFIC_CLASSES)), max_size=20))
def test_what_is_kept_is_exactly_what_reaches_its_threshold(
    thresholds: ClassThresholds, seen: list[tuple[float, int]]
) -> None:
    boxes = np.array([[row, 0, row + 1, 1] for row in range(len(seen))], float)
    found = Detections(boxes, [score for score, _ in seen], [kind for _, kind in seen])
    kept = thresholds.keep(found)
    wanted = [
        row
        for row, (score, kind) in enumerate(seen)
        if score >= thresholds.by_class.get(kind, thresholds.other)
    ]
    assert kept.boxes[:, 0].tolist() == wanted
    assert len(thresholds.keep(kept)) == len(kept)


def test_a_file_gives_each_model_and_class_its_own() -> None:
    found = parse_thresholds(FILE, models=["yolov3-tiny", "yolox"])
    classes = np.array([PERSON, CAR, TRUCK])
    assert found.of("yolov3-tiny").least(classes).tolist() == [0.35, 0.4, DEFAULT_SCORE]
    assert found.of("yolox").least(classes).tolist() == [0.5] * 3


def test_an_empty_file_is_the_default_for_every_model() -> None:
    assert parse_thresholds("").of("anything") == ClassThresholds()
    assert parse_thresholds("").of("anything").least(np.array([BICYCLE])).tolist() == [DEFAULT_SCORE]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("person = 0.3", "person stands outside"),
        ("[yolox]\nunicorn = 0.3", r"\[yolox\] names the class 'unicorn'.*person"),
        ("[yolox]\nperson = 0", r"\[yolox\] person is 0\."),
        ("[yolox]\nperson = 1.0", "person is 1.0"),
        ("[yolox]\nother = -0.5", "other is -0.5"),
        ("[yolox]\nperson = nan", "person is nan"),
        ('[yolox]\nperson = "high"', "'high', not a number"),
        ("[yolox]\nperson = true", "True, not a number"),
        ("[yolo9000]\nperson = 0.5", "no model 'yolo9000'.*yolox"),
        ("[yolox", "not TOML"),
    ],
)
def test_a_faulty_file_names_its_fault(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        parse_thresholds(text, models=["yolox"])
    assert caught.value.mend


def test_a_model_without_thresholds_and_without_a_default_is_refused() -> None:
    with pytest.raises(InputError, match=r"'yolox'.*yolov3-tiny"):
        parse_thresholds("[yolov3-tiny]\nperson = 0.3").of("yolox")


def test_thresholds_made_in_code_are_checked_too() -> None:
    with pytest.raises(InputError, match="person is 1"):
        ClassThresholds({PERSON: 1.0})
    with pytest.raises(InputError, match="no class 17"):
        ClassThresholds({17: 0.5})


class Faint:
    name = "faint"

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        return Detections(np.array([[0, 0, 1, 1], [0, 0, 2, 2]], float), [0.9, 0.3], [PERSON, CAR])


def test_a_detector_with_thresholds_keeps_its_name_and_its_full_sight() -> None:
    strict = Thresholded(Faint(), ClassThresholds({CAR: 0.4}))
    frame = np.zeros((4, 4, 3), np.uint8)
    assert strict.name == "faint"
    assert strict.detect(frame).classes.tolist() == [PERSON]
    assert strict.detector.detect(frame).classes.tolist() == [PERSON, CAR]
