"""A detector that looks twice, the second time at the mirrored frame: what it errs by is not the same both times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.vision.detections import Detections, merge_boxes
from analysis.vision.yolo import PEOPLE_IOU, Detector

__all__ = ["Mirrored"]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """
    A detector that looks at a frame and at its mirror image; costs two looks.

    Boxes of both looks that mean one object become one, put where they agree (`merge_boxes`). On PETS people's foot
    points come 5 % nearer to the true ones and more people are found there and on TUD-Campus; vehicles at a junction
    were found a little worse (average precision 0.93 instead of 0.96 on six labelled frames).

    Parameters
    ----------
    detector
        What looks both times.
    """

    detector: Detector

    @property
    def name(self) -> str:
        """The detector's name with `-mirrored` behind, because its scores are not those of the bare detector."""
        return f"{self.detector.name}-mirrored"

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        """Detections of a (h, w, 3) BGR frame in its own pixels, one box an object, best first."""
        plain = self.detector.detect(frame)
        turned = self.detector.detect(np.ascontiguousarray(frame[:, ::-1]))
        wide = frame.shape[1]
        left, top, right, bottom = turned.boxes.T
        back = np.column_stack([wide - right, top, wide - left, bottom])
        return merge_boxes(
            Detections(
                np.concatenate([plain.boxes, back]),
                np.concatenate([plain.scores, turned.scores]),
                np.concatenate([plain.classes, turned.classes]),
            ),
            people_iou=PEOPLE_IOU,
        )
