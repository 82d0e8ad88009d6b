"""Frames in, detections out for the NanoDet layout: class scores and distributed distances, three strides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.vision.detections import TRAFFIC_CLASSES, Detections, merge_boxes
from analysis.vision.yolo import PEOPLE_IOU, SCORE_FLOOR, Network, letterbox

__all__ = ["STRIDES", "NanoDet", "nanodet_rows"]

STRIDES = (8, 16, 32)
MEAN = np.array([103.53, 116.28, 123.675], dtype=np.float32)
SPREAD = np.array([57.375, 57.12, 58.395], dtype=np.float32)
"""Mean and standard deviation of blue, green and red that the network was trained with."""


@dataclass(frozen=True)
class NanoDet:
    """
    A NanoDet-layout network: for each stride scores of every class, and four distances as distributions.

    Parameters
    ----------
    network
        (1, 3, h, w) BGR, less the training mean, over its spread → six arrays: (1, n, classes) scores in
        [0, 1] for strides 8, 16 and 32, then (1, n, 4·bins) distances for the same, n as `nanodet_rows` counts.
    width_px, height_px
        Size of the input, multiples of 32.
    classes
        COCO classes to look for; a box takes the likeliest of these.
    score_floor
        Boxes under this confidence, in [0, 1], are dropped.

    References
    ----------
    .. [1] Li et al. (2020), Generalized focal loss (the distribution of each distance).
    """

    network: Network
    width_px: int = 416
    height_px: int = 416
    classes: Sequence[int] = TRAFFIC_CLASSES
    score_floor: float = SCORE_FLOOR
    name: str = "nanodet"

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        """Detections of a (h, w, 3) BGR frame in its own pixels, best first."""
        canvas, fit = letterbox(frame, self.width_px, self.height_px, pad=0)
        batch = ((canvas.astype(np.float32) - MEAN) / SPREAD).transpose(2, 0, 1)[None]
        outputs = self.network(np.ascontiguousarray(batch))
        count = len(STRIDES)
        found = [
            self._read(scores[0], distances[0], stride)
            for scores, distances, stride in zip(outputs[:count], outputs[count:], STRIDES, strict=True)
        ]
        boxes, scores, classes = (np.concatenate(part) for part in zip(*found, strict=True))
        return merge_boxes(Detections(fit.to_frame(boxes), scores, classes), people_iou=PEOPLE_IOU)

    def _read(
        self, likely: NDArray[np.float32], distances: NDArray[np.float32], stride: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Boxes in input px, scores and classes of one stride above the floor."""
        row, column = np.indices((self.height_px // stride, self.width_px // stride))
        middle = (np.column_stack([column.ravel(), row.ravel()]) + 0.5) * stride
        likely = likely[:, list(self.classes)]
        best = likely.argmax(axis=1)
        scores = np.clip(likely[np.arange(len(best)), best].astype(np.float64), 0, 1)
        keep = scores >= self.score_floor
        bins = distances[keep].astype(np.float64).reshape(int(keep.sum()), 4, distances.shape[1] // 4)
        weight = np.exp(bins - bins.max(axis=2, keepdims=True))
        away = (weight / weight.sum(axis=2, keepdims=True)) @ np.arange(bins.shape[2]) * stride
        boxes = np.hstack([middle[keep] - away[:, :2], middle[keep] + away[:, 2:]])
        return boxes, scores[keep], np.asarray(self.classes, dtype=np.int64)[best[keep]]


def nanodet_rows(width_px: int, height_px: int) -> tuple[int, ...]:
    """How many rows the outputs of strides 8, 16 and 32 have for an input of this size."""
    return tuple((width_px // stride) * (height_px // stride) for stride in STRIDES)
