"""Before and after the network: letterbox and its inverse, and boxes out of hand-made outputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import CAR, PERSON
from analysis.vision.yolo import TINY_HEADS, YoloV3Tiny, YoloX, letterbox, yolox_rows

sizes = st.tuples(st.integers(2, 300), st.integers(2, 300))


def logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


@settings(deadline=None)
@given(sizes, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_letterbox_and_back(size: tuple[int, int], edges: list[float]) -> None:
    high, wide = size
    canvas, fit = letterbox(np.full((high, wide, 3), 9, dtype=np.uint8), 128, 96, pad=114)
    assert canvas.shape == (96, 128, 3)
    x, y = sorted(edges[:2]), sorted(edges[2:])
    box = np.array([[x[0] * wide, y[0] * high, x[1] * wide, y[1] * high]])
    np.testing.assert_allclose(fit.to_frame(box * fit.ratio), box, atol=1e-9)
    # The picture fills the canvas along one side and everything beyond it is padding.
    used = (canvas == 9).all(axis=2)
    assert abs(used[0].sum() - wide * fit.ratio) <= 1 and abs(used[:, 0].sum() - high * fit.ratio) <= 1
    assert (canvas[~used] == 114).all()


def test_boxes_end_at_the_border_of_the_frame() -> None:
    _, fit = letterbox(np.zeros((50, 100, 3), dtype=np.uint8), 64, 64, pad=0)
    np.testing.assert_allclose(fit.to_frame(np.array([[-9.0, -9, 99, 99]])), [[0, 0, 100, 50]])


@pytest.mark.parametrize(
    "frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused(frame: NDArray) -> None:
    with pytest.raises(InputError, match="colour picture"):
        letterbox(frame, 64, 64, 0)


def test_tiny_places_a_box_by_cell_anchor_and_stride() -> None:
    coarse, fine = np.full((1, 255, 2, 3), -20, np.float32), np.full((1, 255, 4, 6), -20, np.float32)
    # Anchor 1 of the fine head (37×58), row 2, column 3, amid its cell, at twice the anchor's width.
    fine[0, 85 : 85 + 5, 2, 3] = [0, 0, np.log(2), 0, logit(0.9)]
    fine[0, 85 + 5 + CAR, 2, 3] = logit(0.8)
    calls = []

    def network(batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        calls.append(batch)
        return [coarse, fine]

    frame = np.zeros((128, 192, 3), np.uint8)
    frame[..., 0] = 255
    found = YoloV3Tiny(network, TINY_HEADS, 96, 64).detect(frame)
    assert calls[0].shape == (1, 3, 64, 96) and calls[0][0, :, 0, 0].tolist() == [
        0,
        0,
        1,
    ]  # blue last, in [0, 1]
    assert found.classes.tolist() == [CAR]
    assert found.scores[0] == pytest.approx(0.72)
    middle, half = np.array([56.0, 40.0]), np.array([37.0, 29.0])
    box = np.concatenate([middle - half, middle + half]) * 2
    np.testing.assert_allclose(found.boxes[0], np.clip(box, 0, [192, 128, 192, 128]), rtol=1e-5)


def test_yolox_places_a_box_by_cell_and_stride() -> None:
    rows = np.zeros((1, yolox_rows(96, 64), 85), np.float32)
    row = 12 * 8 + 2 * 6 + 3  # stride 16, row 2, column 3
    rows[0, row, :5] = [0.5, 0.25, np.log(2), np.log(1.5), 0.9]
    rows[0, row, 5 + PERSON] = 0.5
    batches = []

    def network(batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        batches.append(batch)
        return [rows]

    frame = np.zeros((64, 90, 3), np.uint8)
    frame[..., 0] = 200
    found = YoloX(network, 96, 64).detect(frame)
    assert batches[0][0, :, 0, 0].tolist() == [200, 0, 0] and batches[0][0, :, 0, 95].tolist() == [114] * 3
    assert found.classes.tolist() == [PERSON] and found.scores[0] == pytest.approx(0.45)
    np.testing.assert_allclose(found.boxes[0], [56 - 16, 36 - 12, 56 + 16, 36 + 12], rtol=1e-5)


def test_an_empty_street_gives_nothing() -> None:
    heads = [np.full((1, 255, 2, 3), -20, np.float32), np.full((1, 255, 4, 6), -20, np.float32)]
    assert len(YoloV3Tiny(lambda _: heads, TINY_HEADS, 96, 64).detect(np.zeros((64, 96, 3), np.uint8))) == 0


def test_an_input_that_is_no_multiple_of_32_is_refused() -> None:
    with pytest.raises(InputError, match="770×576"):
        YoloV3Tiny(lambda _: [], TINY_HEADS, 770, 576)
