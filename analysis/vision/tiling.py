"""A detector on overlapping tiles: small objects are seen larger, and those that an edge cuts are put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import CAR, VEHICLE_CLASSES, Detections, box_inside, box_iou, suppress
from analysis.vision.yolo import Detector

__all__ = ["Tiled", "merge_tiles", "tiles"]

CUT_PX = 5.0
"""A box that comes this close to an inner edge of its tile may go on beyond it."""
COVERED = 0.7
"""A piece that lies in a whole box by this share is a part of that object."""
SAME_STRIP = 0.5
"""Two pieces are one object where what they show of the tiles' common strip overlaps by this much."""


@dataclass(frozen=True, slots=True)
class Tiled:
    """
    A detector that looks at 2×2 overlapping tiles of a frame, and at the whole frame; costs five looks.

    Parameters
    ----------
    detector
        What looks at each tile.
    overlap
        Share of a tile's side that its neighbour shows too, in (0, 0.5]. Objects smaller than the common strip
        are whole in some tile.
    whole
        Look at the whole frame too, which finds what is larger than a tile.
    """

    detector: Detector
    overlap: float = 0.2
    whole: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.overlap <= 0.5:
            raise InputError(
                "Tiles cannot overlap by {overlap} of their side.",
                "Give a share above 0, up to 0.5, such as 0.2.",
                overlap=self.overlap,
            )

    @property
    def name(self) -> str:
        """The detector's name with `-2x2` behind, because its scores are not those of the bare detector."""
        return f"{self.detector.name}-2x2"

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        """Detections of a (h, w, 3) BGR frame in its own pixels, one box an object, best first."""
        if frame.ndim != 3 or 0 in frame.shape:
            return self.detector.detect(frame)  # it says what is wrong with the frame
        high, wide = frame.shape[:2]
        parts = tiles(wide, high, self.overlap)
        seen = []
        for left, top, right, bottom in parts:
            found = self.detector.detect(np.ascontiguousarray(frame[top:bottom, left:right]))
            shifted = found.boxes + np.array([left, top, left, top], dtype=np.float64)
            seen.append(Detections(shifted, found.scores, found.classes))
        if self.whole:
            parts = [*parts, (0, 0, wide, high)]
            seen.append(self.detector.detect(frame))
        return merge_tiles(seen, parts, (wide, high))


def tiles(width_px: int, height_px: int, overlap: float) -> list[tuple[int, int, int, int]]:
    """
    Left, top, right, bottom of 2×2 tiles that cover a frame, row by row.

    Parameters
    ----------
    width_px, height_px
        Size of the frame; a side of one pixel is not divided.
    overlap
        Share of a tile's side that it has in common with its neighbour, in (0, 0.5].
    """

    def spans(side: int) -> list[tuple[int, int]]:
        length = min(side, int(np.ceil(side / (2 - overlap))))
        return [(0, length)] if length == side else [(0, length), (side - length, side)]

    return [(left, top, right, bottom) for top, bottom in spans(height_px) for left, right in spans(width_px)]


def merge_tiles(
    seen: list[Detections], parts: list[tuple[int, int, int, int]], size_px: tuple[int, int]
) -> Detections:
    """
    What several overlapping parts of a frame show, one box an object.

    A box that ends at an inner edge of its part is a piece. A piece that lies in a whole box of its kind is that
    object and goes; pieces that show the same in the strip that their parts have in common are put together into
    one box with the better score. Then boxes that overlap are suppressed as usual.

    Parameters
    ----------
    seen
        Detections of each part, in pixels of the frame.
    parts
        Left, top, right, bottom of each part.
    size_px
        Width and height of the frame.
    """
    boxes = np.concatenate([each.boxes for each in seen])
    scores = np.concatenate([each.scores for each in seen])
    classes = np.concatenate([each.classes for each in seen])
    part = np.repeat(np.arange(len(seen)), [len(each) for each in seen])
    kind = np.where(np.isin(classes, list(VEHICLE_CLASSES)), CAR, classes)
    edges = np.asarray(parts, dtype=np.float64).reshape(-1, 4)
    cut = _cut(boxes, edges[part], size_px)

    whole = np.flatnonzero(~cut)
    pieces = np.flatnonzero(cut)
    same = kind[pieces][:, None] == kind[whole][None, :]
    covered = ((box_inside(boxes[pieces], boxes[whole]) >= COVERED) & same).any(axis=1)
    left = [int(row) for row in pieces[~covered]]
    group = {row: row for row in left}
    for place, a in enumerate(left):
        for b in left[place + 1 :]:
            if kind[a] == kind[b] and part[a] != part[b] and _one(boxes, edges[part], a, b):
                first, second = group[a], group[b]
                group = {row: first if head == second else head for row, head in group.items()}

    joined = [[row for row in left if group[row] == head] for head in sorted(set(group.values()))]
    united = [np.concatenate([boxes[g][:, :2].min(0), boxes[g][:, 2:].max(0)]) for g in joined]
    best = [max(g, key=lambda row: scores[row]) for g in joined]
    return suppress(
        Detections(
            np.concatenate([boxes[whole], np.asarray(united).reshape(-1, 4)]),
            np.concatenate([scores[whole], scores[best]]),
            np.concatenate([classes[whole], classes[best]]),
        )
    )


def _cut(
    boxes: NDArray[np.float64], edges: NDArray[np.float64], size_px: tuple[int, int]
) -> NDArray[np.bool_]:
    """Which boxes end at an edge of their part that is not an edge of the frame."""
    inner = np.column_stack(
        [edges[:, 0] > 0, edges[:, 1] > 0, edges[:, 2] < size_px[0], edges[:, 3] < size_px[1]]
    )
    return np.asarray(((np.abs(boxes - edges) <= CUT_PX) & inner).any(axis=1), dtype=bool)


def _one(boxes: NDArray[np.float64], edges: NDArray[np.float64], a: int, b: int) -> bool:
    """Two pieces show the same object in the strip that both of their parts show."""
    strip = np.concatenate([np.maximum(edges[a, :2], edges[b, :2]), np.minimum(edges[a, 2:], edges[b, 2:])])
    seen = []
    for row in (a, b):
        low, high = np.maximum(boxes[row, :2], strip[:2]), np.minimum(boxes[row, 2:], strip[2:])
        if not (high > low).all():
            return False
        seen.append(np.concatenate([low, high])[None])
    return bool(box_iou(seen[0], seen[1])[0, 0] >= SAME_STRIP)
