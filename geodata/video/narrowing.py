"""Smaller copies of stored pictures, for walls of many."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["narrowed"]

QUALITY = 85


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
