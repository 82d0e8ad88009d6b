"""The NanoDet layout: a box out of hand-made distributions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.vision.detections import CAR, PERSON
from analysis.vision.nanodet import MEAN, SPREAD, NanoDet, nanodet_rows

WIDE, HIGH, BINS = 96, 64, 8


def silent() -> list[NDArray[np.float32]]:
    """Outputs that see nothing."""
    rows = nanodet_rows(WIDE, HIGH)
    return [np.zeros((1, n, 80), np.float32) for n in rows] + [
        np.zeros((1, n, 4 * BINS), np.float32) for n in rows
    ]


def test_rows_are_counted_stride_by_stride() -> None:
    assert nanodet_rows(416, 416) == (2704, 676, 169)


@settings(deadline=None)
@given(
    stride=st.sampled_from([0, 1, 2]),
    bins=st.tuples(*[st.integers(0, BINS - 1)] * 4),
    kind=st.sampled_from([PERSON, CAR]),
    data=st.data(),
)
def test_a_box_lies_about_its_cell(
    stride: int, bins: tuple[int, ...], kind: int, data: st.DataObject
) -> None:
    step = (8, 16, 32)[stride]
    row = data.draw(st.integers(0, HIGH // step - 1))
    column = data.draw(st.integers(0, WIDE // step - 1))
    outputs = silent()
    cell = row * (WIDE // step) + column
    outputs[stride][0, cell, kind] = 0.75
    outputs[stride][0, cell, 79] = 0.99  # a class that nobody looks for
    for side, one in enumerate(bins):
        outputs[3 + stride][0, cell, side * BINS + one] = 60  # all weight on one bin
    found = NanoDet(lambda _: outputs, WIDE, HIGH).detect(np.zeros((HIGH, WIDE, 3), np.uint8))
    assert found.classes.tolist() == [kind] and found.scores[0] == pytest.approx(0.75)
    x, y = (column + 0.5) * step, (row + 0.5) * step
    left, top, right, bottom = (one * step for one in bins)
    wanted = np.clip([x - left, y - top, x + right, y + bottom], 0, [WIDE, HIGH, WIDE, HIGH])
    np.testing.assert_allclose(found.boxes[0], wanted, atol=1e-4)


def test_weight_between_two_bins_gives_a_distance_between_them() -> None:
    outputs = silent()
    outputs[1][0, 8, PERSON] = 0.9  # stride 16, row 1, column 2
    outputs[4][0, 8] = np.tile([-60, 0, 0, *[-60] * 5], 4)
    found = NanoDet(lambda _: outputs, WIDE, HIGH).detect(np.zeros((HIGH, WIDE, 3), np.uint8))
    np.testing.assert_allclose(found.boxes[0], [40 - 24, 24 - 24, 40 + 24, 24 + 24], atol=1e-4)


def test_the_network_gets_colours_about_their_mean_and_padding_as_black() -> None:
    batches = []

    def network(batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        batches.append(batch)
        return silent()

    frame = np.zeros((64, 48, 3), np.uint8)
    frame[...] = [10, 20, 30]
    assert len(NanoDet(network, WIDE, HIGH).detect(frame)) == 0
    (batch,) = batches
    assert batch.shape == (1, 3, HIGH, WIDE) and batch.dtype == np.float32
    np.testing.assert_allclose(batch[0, :, 5, 5], ([10, 20, 30] - MEAN) / SPREAD, rtol=1e-5)
    np.testing.assert_allclose(batch[0, :, 5, 90], -MEAN / SPREAD, rtol=1e-5)
