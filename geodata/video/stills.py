"""Frames become pictures that may leave the system."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.vision.detections import Detections
from analysis.vision.privacy import blur_heads

__all__ = ["still_jpeg"]

QUALITY = 88


def still_jpeg(image: NDArray[np.uint8], detections: Detections) -> bytes:
    """
    A (h, w, 3) BGR frame as JPEG with the heads of all people in `detections` blurred.

    Every still that is shown, stored or exported is made here. Give `detections` down to the detector's
    floor.
    """
    done, coded = cv2.imencode(".jpg", blur_heads(image, detections), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ValueError("an 8-bit colour frame always encodes")
    return coded.tobytes()
