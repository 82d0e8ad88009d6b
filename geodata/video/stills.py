"""Frames become pictures that may leave the system."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.vision.detections import Detections
from analysis.vision.privacy import blur_heads, blur_plates

__all__ = ["narrowed", "still_jpeg"]

QUALITY = 88


def still_jpeg(image: NDArray[np.uint8], detections: Detections) -> bytes:
    """
    A (h, w, 3) BGR frame as JPEG with the heads of all people and the plates of all vehicles in `detections` blurred.

    Every still that is shown, stored or exported is made here. Give `detections` down to the detector's
    floor.
    """
    shown = blur_plates(blur_heads(image, detections), detections)
    done, coded = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ValueError("an 8-bit colour frame always encodes")
    return coded.tobytes()


def narrowed(jpeg: bytes, width_px: int) -> bytes:
    """The same picture no wider than `width_px`; as it was if it is narrower already, or cannot be read."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None or image.shape[1] <= width_px:
        return jpeg
    height = max(1, round(image.shape[0] * width_px / image.shape[1]))
    done, coded = cv2.imencode(
        ".jpg",
        cv2.resize(image, (width_px, height), interpolation=cv2.INTER_AREA),
        [cv2.IMWRITE_JPEG_QUALITY, QUALITY],
    )
    return coded.tobytes() if done else jpeg
