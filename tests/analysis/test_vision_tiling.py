"""Laws of tiles: they cover the frame, and an object that an edge cuts comes back whole, once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import CAR, PERSON, TRUCK, Detections
from analysis.vision.tiling import Tiled, merge_tiles, tiles

WIDE, HIGH = 200, 120
overlaps = st.floats(0.05, 0.5)


@dataclass(frozen=True)
class Painted:
    """Finds the rectangle of the brightest red, where a part of it shows; `whole_from` hides it in whole frames."""

    name: str = "painted"
    most_px: int = 10_000

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        y, x = np.nonzero(frame[..., 2])
        if not len(x) or frame.shape[1] > self.most_px:
            return Detections.none()
        box = [x.min(), y.min(), x.max() + 1, y.max() + 1]
        return Detections(np.array([box], float), np.array([0.8]), np.array([PERSON]))


@given(st.integers(2, 3000), st.integers(2, 3000), overlaps)
def test_tiles_cover_the_frame_and_are_of_one_size(wide: int, high: int, overlap: float) -> None:
    parts = np.array(tiles(wide, high, overlap))
    assert parts[:, 0].min() == 0 and parts[:, 1].min() == 0
    assert parts[:, 2].max() == wide and parts[:, 3].max() == high
    assert len({tuple(part[2:] - part[:2]) for part in parts}) == 1
    if len(parts) == 4:  # left to right they meet, and share at least about the overlap asked for
        assert parts[0, 2] - parts[1, 0] >= overlap * (parts[0, 2] - parts[0, 0]) - 2
        assert parts[0, 3] - parts[2, 1] >= overlap * (parts[0, 3] - parts[0, 1]) - 2


@settings(deadline=None, max_examples=200)
@given(
    overlap=st.floats(0.1, 0.5),
    whole=st.booleans(),
    box=st.tuples(st.integers(0, 190), st.integers(0, 110), st.integers(5, 150), st.integers(5, 100)),
)
def test_one_object_is_found_once_and_whole(
    overlap: float, whole: bool, box: tuple[int, int, int, int]
) -> None:
    x, y, wide, high = box
    right, bottom = min(WIDE, x + wide), min(HIGH, y + high)
    assume(right - x > 3 and bottom - y > 3)
    frame = np.zeros((HIGH, WIDE, 3), np.uint8)
    frame[y:bottom, x:right, 2] = 255
    found = Tiled(Painted(), overlap, whole).detect(frame)
    assert len(found) == 1
    np.testing.assert_allclose(found.boxes[0], [x, y, right, bottom], atol=2)


def test_an_object_that_only_tiles_see_is_put_together_from_its_four_pieces() -> None:
    frame = np.zeros((HIGH, WIDE, 3), np.uint8)
    frame[20:100, 40:160, 2] = 255
    found = Tiled(Painted(most_px=150), overlap=0.2).detect(frame)
    assert found.boxes.tolist() == [[40, 20, 160, 100]] and found.scores.tolist() == [0.8]


def test_pieces_of_two_kinds_or_of_neighbours_stay_apart() -> None:
    parts = [(0, 0, 110, 120), (90, 0, 200, 120)]
    left = Detections(np.array([[60.0, 10, 110, 40], [60, 60, 110, 90]]), np.array([0.6, 0.7]), [CAR, PERSON])
    right = Detections(
        np.array([[90.0, 12, 150, 41], [90, 95, 140, 118]]), np.array([0.5, 0.9]), [TRUCK, PERSON]
    )
    found = merge_tiles([left, right], parts, (200, 120))
    # The van, a car here and a truck there, is one; the two people are two.
    assert sorted(found.boxes.tolist()) == [[60, 10, 150, 41], [60, 60, 110, 90], [90, 95, 140, 118]]
    van = found.boxes[:, 3] == 41
    assert found.classes[van].tolist() == [CAR] and found.scores[van].tolist() == [0.6]
    other = Detections(right.boxes, right.scores, np.array([PERSON, PERSON]))
    assert len(merge_tiles([left, other], parts, (200, 120))) == 4


def test_a_box_at_the_edge_of_the_frame_is_no_piece() -> None:
    seen = Detections(np.array([[0.0, 10, 30, 40]]), np.array([0.6]), np.array([CAR]))
    covering = Detections(np.array([[0.0, 5, 60, 50]]), np.array([0.5]), np.array([CAR]))
    found = merge_tiles([seen, covering], [(0, 0, 110, 120), (0, 0, 200, 120)], (200, 120))
    assert len(found) == 2


def test_nothing_seen_gives_nothing_and_a_bad_frame_its_reason() -> None:
    detector = Tiled(Painted())
    assert detector.name == "painted-2x2"
    assert len(detector.detect(np.zeros((HIGH, WIDE, 3), np.uint8))) == 0
    assert len(detector.detect(np.zeros((1, 1, 3), np.uint8))) == 0


@pytest.mark.parametrize("overlap", [0, -0.1, 0.6, float("nan")])
def test_an_overlap_out_of_range_is_refused(overlap: float) -> None:
    with pytest.raises(InputError, match="overlap"):
        Tiled(Painted(), overlap)
