"""Frames in, detections out: what goes on before and after the network of yolov3-tiny and of YOLOX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import TRAFFIC_CLASSES, Detections, merge_boxes

__all__ = [
    "PEOPLE_IOU",
    "TINY_HEADS",
    "Detector",
    "Letterbox",
    "Network",
    "YoloV3Tiny",
    "YoloX",
    "letterbox",
    "yolox_rows",
]

Network = Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]]
"""A network: a (1, 3, h, w) batch in, its outputs in order."""

SCORE_FLOOR = 0.05
"""Below this a box is noise; users of detections set their own, higher bar."""

PEOPLE_IOU = 0.65
"""Boxes of people may overlap by this before the fainter one goes; at 0.5 those who walk side by side were lost."""

TINY_HEADS: tuple[tuple[tuple[int, int], ...], ...] = (
    ((81, 82), (135, 169), (344, 319)),
    ((23, 27), (37, 58), (81, 82)),
)
"""Anchors (width, height in px of the input) of yolov3-tiny's heads of stride 32 and 16."""


class Detector(Protocol):
    """Anything that finds traffic in a frame."""

    @property
    def name(self) -> str:
        """What findings say they were made with."""
        ...

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        """Detections of a (h, w, 3) BGR frame in its own pixels, one box an object, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a frame was fitted into the network's input: scaled by `ratio`, top left, the rest padded."""

    ratio: float
    width_px: int
    height_px: int

    def to_frame(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes in input pixels → boxes in frame pixels, cut at the frame's border."""
        edges = [self.width_px, self.height_px, self.width_px, self.height_px]
        return np.clip(boxes / self.ratio, 0, edges)


def letterbox(
    frame: NDArray[np.uint8], width_px: int, height_px: int, pad: int
) -> tuple[NDArray[np.uint8], Letterbox]:
    """
    A frame scaled to fit `width_px` × `height_px`, its shape kept, at the top left of a canvas of grey `pad`.

    Raises
    ------
    InputError
        If `frame` is not a (h, w, 3) array of bytes with at least one pixel.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or 0 in frame.shape:
        raise InputError(
            "A frame of shape {shape} and type {dtype} is not a colour picture.",
            "Give a (height, width, 3) array of bytes, blue first.",
            shape=frame.shape,
            dtype=frame.dtype,
        )
    high, wide = frame.shape[:2]
    ratio = min(width_px / wide, height_px / high)
    size = (max(1, round(wide * ratio)), max(1, round(high * ratio)))
    canvas = np.full((height_px, width_px, 3), pad, dtype=np.uint8)
    scaled = frame if size == (wide, high) else cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
    canvas[: size[1], : size[0]] = scaled
    return canvas, Letterbox(ratio, wide, high)


@dataclass(frozen=True)
class YoloV3Tiny:
    """
    Yolov3-tiny with raw heads, as `analysis.vision.darknet` converts it.

    Parameters
    ----------
    network
        (1, 3, h, w) RGB in [0, 1] → one (1, 3·(5 + classes), h/stride, w/stride) array a head.
    heads
        Anchors of each head in px of the input.
    width_px, height_px
        Size of the input, multiples of 32. 416×416 is 2.5 times faster than 768×576 and misses small objects.
    classes
        COCO classes to look for; a box takes the likeliest of these.
    score_floor
        Boxes under this confidence, in [0, 1], are dropped.

    References
    ----------
    .. [1] Redmon & Farhadi (2018), YOLOv3: An incremental improvement.
    """

    network: Network
    heads: Sequence[Sequence[tuple[int, int]]] = TINY_HEADS
    width_px: int = 768
    height_px: int = 576
    classes: Sequence[int] = TRAFFIC_CLASSES
    score_floor: float = SCORE_FLOOR
    name: str = "yolov3-tiny"

    def __post_init__(self) -> None:
        if self.width_px <= 0 or self.height_px <= 0 or self.width_px % 32 or self.height_px % 32:
            raise InputError(
                "An input of {width}×{height} px does not fit yolov3-tiny.",
                "Use multiples of 32, such as 768×576.",
                width=self.width_px,
                height=self.height_px,
            )

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        """Detections of a (h, w, 3) BGR frame in its own pixels, best first."""
        canvas, fit = letterbox(frame, self.width_px, self.height_px, pad=127)
        rgb = canvas[:, :, ::-1].transpose(2, 0, 1)[None]
        outputs = self.network(np.ascontiguousarray(rgb, dtype=np.float32) / np.float32(255))
        found = [self._read(head, anchors) for head, anchors in zip(outputs, self.heads, strict=True)]
        boxes, scores, classes = (np.concatenate(part) for part in zip(*found, strict=True))
        return merge_boxes(Detections(fit.to_frame(boxes), scores, classes), people_iou=PEOPLE_IOU)

    def _read(
        self, head: NDArray[np.float32], anchors: Sequence[tuple[int, int]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Boxes in input px, scores and classes of one head above the floor."""
        rows, columns = head.shape[2:]
        stride_x, stride_y = self.width_px / columns, self.height_px / rows
        cells = head[0].reshape(len(anchors), -1, rows, columns)
        objectness = _sigmoid(cells[:, 4])
        anchor, row, column = np.nonzero(objectness >= self.score_floor)
        x, y, w, h = cells[anchor, :4, row, column].astype(np.float64).T
        likely = _sigmoid(cells[anchor, 5:, row, column][:, list(self.classes)])
        best = likely.argmax(axis=1)
        scores = objectness[anchor, row, column] * likely[np.arange(len(best)), best]
        size = np.asarray(anchors, dtype=np.float64)[anchor]
        middle = np.column_stack([(_sigmoid(x) + column) * stride_x, (_sigmoid(y) + row) * stride_y])
        half = np.exp(np.minimum(np.column_stack([w, h]), 10)) * size / 2
        return _above(self.score_floor, middle, half, scores, np.asarray(self.classes)[best])


@dataclass(frozen=True)
class YoloX:
    """
    A YOLOX-layout network: undecoded (1, n, 5 + classes) rows for strides 8, 16 and 32.

    Parameters
    ----------
    network
        (1, 3, h, w) BGR in [0, 255] padded with 114 → [(1, n, 5 + classes)], n as `yolox_rows` counts.
    width_px, height_px
        Size of the input, multiples of 32.
    classes, score_floor
        As in `YoloV3Tiny`.

    References
    ----------
    .. [1] Ge et al. (2021), YOLOX: Exceeding YOLO series in 2021.
    """

    network: Network
    width_px: int = 416
    height_px: int = 416
    classes: Sequence[int] = TRAFFIC_CLASSES
    score_floor: float = SCORE_FLOOR
    name: str = "yolox"

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        """Detections of a (h, w, 3) BGR frame in its own pixels, best first."""
        canvas, fit = letterbox(frame, self.width_px, self.height_px, pad=114)
        batch = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], dtype=np.float32)
        rows = self.network(batch)[0][0].astype(np.float64)
        column, row, stride = self._cells()
        likely = rows[:, 5:][:, list(self.classes)]
        best = likely.argmax(axis=1)
        scores = np.clip(rows[:, 4] * likely[np.arange(len(best)), best], 0, 1)
        middle = (rows[:, :2] + np.column_stack([column, row])) * stride[:, None]
        half = np.exp(np.minimum(rows[:, 2:4], 10)) * stride[:, None] / 2
        found = _above(self.score_floor, middle, half, scores, np.asarray(self.classes)[best])
        return merge_boxes(Detections(fit.to_frame(found[0]), *found[1:]), people_iou=PEOPLE_IOU)

    def _cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Column, row and stride of each output row, strides 8, 16 and 32 in turn, row by row."""
        parts = []
        for stride in _YOLOX_STRIDES:
            row, column = np.indices((self.height_px // stride, self.width_px // stride))
            parts.append((column.ravel(), row.ravel(), np.full(row.size, stride)))
        column, row, strides = (np.concatenate(part) for part in zip(*parts, strict=True))
        return column, row, strides


_YOLOX_STRIDES = (8, 16, 32)


def yolox_rows(width_px: int, height_px: int) -> int:
    """How many rows a YOLOX-layout output has for an input of this size."""
    return sum((width_px // stride) * (height_px // stride) for stride in _YOLOX_STRIDES)


def _above(
    floor: float,
    middle: NDArray[np.float64],
    half: NDArray[np.float64],
    scores: NDArray[np.float64],
    classes: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Boxes from their middles and half sizes, with scores and classes, where the score reaches the floor."""
    keep = scores >= floor
    boxes = np.hstack([middle - half, middle + half])
    return boxes[keep], scores[keep].astype(np.float64), classes[keep].astype(np.int64)


def _sigmoid(z: NDArray[np.floating]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.asarray(z, dtype=np.float64)))
