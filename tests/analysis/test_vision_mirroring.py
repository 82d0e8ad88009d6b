"""Laws of looking twice: one box an object, and a mirrored frame gives mirrored boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import PERSON, Detections
from analysis.vision.mirroring import Mirrored
from analysis.vision.yolo import YoloV3Tiny

WIDE, HIGH = 200, 120


@dataclass(frozen=True)
class Painted:
    """Finds what is red, `off_px` too far to the right of where it is; `blind_px` from the left it sees nothing."""

    name: str = "painted"
    off_px: float = 0.0
    blind_px: int = 0

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        y, x = np.nonzero(frame[..., 2])
        if not len(x) or x.min() < self.blind_px:
            return Detections.none()
        box = [x.min() + self.off_px, y.min(), x.max() + 1 + self.off_px, y.max() + 1]
        return Detections(np.array([box], float), np.array([0.8]), np.array([PERSON]))


def painted(x: int, y: int, wide: int, high: int) -> NDArray[np.uint8]:
    frame = np.zeros((HIGH, WIDE, 3), np.uint8)
    frame[y : y + high, x : x + wide, 2] = 255
    return frame


boxes = st.tuples(st.integers(0, 160), st.integers(0, 80), st.integers(20, 40), st.integers(20, 40))


@given(boxes)
def test_one_object_is_one_box_where_it_is(box: tuple[int, int, int, int]) -> None:
    x, y, wide, high = box
    found = Mirrored(Painted()).detect(painted(*box))
    np.testing.assert_allclose(found.boxes, [[x, y, x + wide, y + high]])


@given(boxes)
def test_what_a_detector_errs_by_sideways_is_halved_at_least(box: tuple[int, int, int, int]) -> None:
    x, _, wide, _ = box
    found = Mirrored(Painted(off_px=2.0)).detect(painted(*box))
    assert len(found) == 1
    assert abs((found.boxes[0, 0] + found.boxes[0, 2]) / 2 - (x + wide / 2)) <= 1.0


@given(boxes)
def test_a_mirrored_frame_gives_mirrored_boxes(box: tuple[int, int, int, int]) -> None:
    detector = Mirrored(Painted(off_px=1.5, blind_px=90))
    frame = painted(*box)
    plain, turned = detector.detect(frame), detector.detect(frame[:, ::-1])
    np.testing.assert_allclose(plain.boxes[:, [0, 2]], WIDE - turned.boxes[:, [2, 0]], atol=1e-9)
    np.testing.assert_allclose(plain.boxes[:, [1, 3]], turned.boxes[:, [1, 3]], atol=1e-9)


def test_what_one_look_misses_the_other_finds() -> None:
    frame = painted(10, 10, 30, 30)
    blind = Painted(blind_px=100)
    assert not len(blind.detect(frame))
    np.testing.assert_allclose(Mirrored(blind).detect(frame).boxes, [[10, 10, 40, 40]])


def test_nothing_is_nothing_and_the_name_tells_it_apart() -> None:
    detector = Mirrored(Painted())
    assert len(detector.detect(np.zeros((HIGH, WIDE, 3), np.uint8))) == 0
    assert detector.name == "painted-mirrored"


def test_a_frame_that_is_no_picture_is_refused_as_without_mirror() -> None:
    def network(batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        raise AssertionError(batch.shape)

    with pytest.raises(InputError, match="not a colour picture"):
        Mirrored(YoloV3Tiny(network)).detect(np.zeros((0, 4), np.uint8))
