"""Stills that leave the system show no faces and no number plates."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.vision.detections import BUS, CAR, MOTORCYCLE, PERSON, TRUCK, Detections

__all__ = ["blur_heads", "blur_plates"]

HEAD_SHARE = 0.35
"""Upper part of a person's box that is blurred: head and shoulders, with room for a box too high."""
MARGIN_SHARE = 0.15
"""Blurred beyond the box, of its width at the sides and of its height above."""
PLATED = frozenset({CAR, MOTORCYCLE, BUS, TRUCK})
PLATE_FROM = 0.4
"""Plates lie below this share of a vehicle's box."""
LEGIBLE_PX = 100.0
"""
A vehicle whose box is narrower than this shows no plate that anybody could read: a plate of 0.44 m on a vehicle 1.8 m
wide then has 24 px for seven characters, and characters want five each with the gaps between them.
"""
STRIP_PX = 16
"""Plates are averaged into patches this wide, so that the vehicle stays a vehicle."""
PATCHES = 3
"""A head is averaged into this many patches along each side, which no sharpening brings back."""


def blur_heads(image: NDArray[np.uint8], detections: Detections) -> NDArray[np.uint8]:
    """
    A copy of a frame with the upper part of every person averaged away.

    Parameters
    ----------
    image
        (h, w, 3) bytes.
    detections
        What was seen in it, down to the detector's lowest score: a needless blur harms less than a face.
        People whom the detector misses stay as they are.

    Returns
    -------
    image
        Of the same shape; pixels outside the blurred parts are unchanged.
    """
    blurred = image.copy()
    high, wide = image.shape[:2]
    for left, top, right, bottom in detections.of({PERSON}).boxes:
        side, above = MARGIN_SHARE * (right - left), MARGIN_SHARE * (bottom - top)
        x0, x1 = max(0, int(left - side)), min(wide, int(np.ceil(right + side)))
        y0, y1 = max(0, int(top - above)), min(high, int(np.ceil(top + HEAD_SHARE * (bottom - top))))
        if x1 > x0 and y1 > y0:
            patches = cv2.resize(image[y0:y1, x0:x1], (PATCHES, PATCHES), interpolation=cv2.INTER_AREA)
            blurred[y0:y1, x0:x1] = cv2.resize(patches, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return blurred


def blur_plates(image: NDArray[np.uint8], detections: Detections) -> NDArray[np.uint8]:
    """
    A copy of a frame with the lower part of every vehicle, where its number plates are, averaged into coarse patches.

    There is no detector of plates here, so that all of the lower part goes; vehicles too small to be read stay.

    Parameters
    ----------
    image
        (h, w, 3) bytes.
    detections
        What was seen in it, down to the detector's lowest score. Vehicles that it misses stay as they are.

    Returns
    -------
    image
        Of the same shape; pixels outside the blurred parts are unchanged.
    """
    blurred = image.copy()
    high, wide = image.shape[:2]
    for left, top, right, bottom in detections.of(PLATED).boxes:
        if right - left < LEGIBLE_PX:
            continue
        x0, x1 = max(0, int(left)), min(wide, int(np.ceil(right)))
        y0, y1 = max(0, int(top + PLATE_FROM * (bottom - top))), min(high, int(np.ceil(bottom)))
        if x1 > x0 and y1 > y0:
            size = (max(1, (x1 - x0) // STRIP_PX), max(1, (y1 - y0) // STRIP_PX))
            patches = cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
            blurred[y0:y1, x0:x1] = cv2.resize(patches, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return blurred
