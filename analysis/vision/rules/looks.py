"""What a rule is given: recent looks at one camera, and the zones drawn on its picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.errors import HuiyanError, InputError
from analysis.vision.detections import Detections
from analysis.vision.rules.settings import Rule
from analysis.vision.rules.shapes import Point, corners

__all__ = [
    "PATCH_PX",
    "CheckedZone",
    "Look",
    "WatchedZone",
    "check_zone",
    "concerned",
    "patch_box",
    "zone_patch",
]

PATCH_PX = 96
"""Longest side of a patch in pixels."""
INSIDE_RATIO = 0.999
"""A zone that keeps this share of its area inside the picture is not said to be cut."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """
    One sample of a camera.

    Parameters
    ----------
    time_s
        When the frame was taken, in seconds since 1970-01-01 UTC.
    detections
        Everything the detector saw in the frame, in pixels of the frame.
    patches
        Zone name → what `zone_patch` cut out of the frame; a zone whose rule needs none may be absent.
    """

    time_s: float
    detections: Detections
    patches: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchedZone:
    """
    A part of the picture with a rule.

    Parameters
    ----------
    name
        Identifies the zone on its camera.
    polygon_px
        Its corners, three or more (x, y) in pixels of the frame, closed by itself; `check_zone` cuts them to the
        picture.
    rule
        What is looked for there.
    holes_px
        Parts of the zone that do not count, each a polygon.
    frame_px
        Width and height of the frame; with it, boxes that the picture's border cuts are known as such.

    Raises
    ------
    InputError
        If a polygon is not simple or the size of the frame is not above 0.
    """

    name: str
    polygon_px: tuple[Point, ...]
    rule: Rule
    holes_px: tuple[tuple[Point, ...], ...] = ()
    frame_px: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "polygon_px", corners(self.polygon_px, self.name))
        object.__setattr__(self, "holes_px", tuple(corners(hole, self.name) for hole in self.holes_px))
        if self.frame_px is not None and min(self.frame_px) <= 0:
            raise _no_size(*self.frame_px)

    def area(self) -> shapely.Geometry:
        """The zone without its holes, in pixels of the frame."""
        whole: shapely.Geometry = shapely.Polygon(self.polygon_px)
        for hole in self.holes_px:
            whole = shapely.difference(whole, shapely.Polygon(hole))
        return whole

    def feet(self, detections: Detections) -> NDArray[np.float64]:
        """(n, 2) foot points; those of boxes that leave the picture are drawn back to its border."""
        feet = detections.foot_points()
        return feet if self.frame_px is None else np.clip(feet, 0, np.asarray(self.frame_px, dtype=float))

    def foot(self, box: Sequence[float]) -> Point:
        """The foot point of one box, drawn back in the same way."""
        x, y = (box[0] + box[2]) / 2, box[3]
        wide, high = self.frame_px if self.frame_px is not None else (x, y)
        return min(max(x, 0.0), float(wide)), min(max(y, 0.0), float(high))

    def cuts(self, box: Sequence[float]) -> bool:
        """The picture's border cuts the box, so that its foot point is not where it seems; False if unknown."""
        if self.frame_px is None:
            return False
        wide, high = self.frame_px
        return box[0] <= 1 or box[2] >= wide - 1 or box[3] >= high - 1


def concerned(
    zone: WatchedZone,
    looks: Sequence[Look],
    classes: Collection[int],
    min_score: float,
    area: shapely.Geometry | None = None,
) -> list[Detections]:
    """
    What each look shows of some classes in a zone.

    Parameters
    ----------
    zone
        Where.
    looks
        Any number.
    classes
        COCO classes.
    min_score
        Confidence from which a box counts, in [0, 1].
    area
        Where foot points count, in pixels; the zone's own area if not given.

    Returns
    -------
    detections
        One for each look: those whose foot point lies in the area or on its edge, surest first; equal looks give
        equal rows, however their boxes were ordered.
    """
    where = zone.area() if area is None else area
    shapely.prepare(where)
    wanted = list(classes)
    found = []
    for look in looks:
        seen = look.detections
        feet = zone.feet(seen)
        keep = (seen.scores >= min_score) & np.isin(seen.classes, wanted)
        keep &= shapely.intersects_xy(where, feet[:, 0], feet[:, 1])
        rows = np.flatnonzero(keep)
        keys = (*seen.boxes[rows].T[::-1], seen.classes[rows], -seen.scores[rows])
        found.append(seen.take(rows[np.lexsort(keys)]) if len(rows) else Detections.none())
    return found


@dataclass(frozen=True, slots=True)
class CheckedZone:
    """
    A zone as far as the picture shows it.

    Parameters
    ----------
    polygon_px
        Its corners inside the picture.
    inside_ratio
        Share of the drawn area that the picture shows, in (0, 1].
    remark
        What was cut off, to be told in the reader's language; None if nothing was.
    """

    polygon_px: tuple[Point, ...]
    inside_ratio: float
    remark: HuiyanError | None


def check_zone(polygon: Sequence[Sequence[float]], width: int, height: int) -> CheckedZone:
    """
    Cut a drawn zone to the picture.

    Parameters
    ----------
    polygon
        Three or more (x, y) in pixels.
    width, height
        Size of the picture in pixels, above 0.

    Returns
    -------
    zone
        The part inside the picture; of several parts the largest.

    Raises
    ------
    InputError
        If it is not a simple polygon, lies outside the picture, or shows less than one pixel of area there.
    """
    if width <= 0 or height <= 0:
        raise _no_size(width, height)
    drawn = shapely.Polygon(corners(polygon))
    shown = shapely.intersection(drawn, shapely.box(0, 0, width, height))
    parts = [part for part in shapely.get_parts(shown) if isinstance(part, shapely.Polygon)]
    largest = max(parts, key=lambda part: part.area, default=None)
    if largest is None or largest.area < 1:
        raise InputError(
            "The zone from {low} to {high} lies outside the picture of {width}×{height} px.",
            "Draw the zone again on a frame of this footage.",
            low=tuple(drawn.bounds[:2]),
            high=tuple(drawn.bounds[2:]),
            width=width,
            height=height,
        )
    ratio = min(1.0, largest.area / drawn.area)
    if ratio >= INSIDE_RATIO:
        return CheckedZone(corners(polygon), ratio, None)
    remark = HuiyanError(
        "The picture of {width}×{height} px shows {share:.0%} of the zone; the rest was cut off.",
        "Draw the zone again if the part that is left is not meant.",
        width=width,
        height=height,
        share=ratio,
    )
    inside = tuple((float(x), float(y)) for x, y in shapely.get_coordinates(largest)[:-1])
    return CheckedZone(inside, ratio, remark)


def patch_box(
    polygon_px: Sequence[Sequence[float]], frame_px: tuple[int, int] | None = None
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the whole pixels around a polygon, cut to the frame (width, height) if known."""
    at = np.asarray(polygon_px, dtype=float)
    (left, top), (right, bottom) = at.min(axis=0), at.max(axis=0)
    wide, high = frame_px if frame_px is not None else (ceil(right), ceil(bottom))
    return max(0, floor(left)), max(0, floor(top)), min(wide, ceil(right)), min(high, ceil(bottom))


def zone_patch(frame: NDArray[np.uint8], polygon_px: Sequence[Sequence[float]]) -> NDArray[np.uint8]:
    """
    What is stored of a zone with each sample: a small grey picture of the rectangle around it.

    Parameters
    ----------
    frame
        (h, w, 3) bytes, blue first, or (h, w) grey.
    polygon_px
        The zone's corners in pixels of the frame.

    Returns
    -------
    patch
        At most `PATCH_PX` on its longer side, never enlarged; the zone's shape is not cut out.

    Raises
    ------
    InputError
        If `frame` is not a picture of bytes, or the zone lies outside it.
    """
    if frame.ndim not in (2, 3) or frame.dtype != np.uint8 or 0 in frame.shape:
        raise InputError(
            "A frame of shape {shape} and type {dtype} is not a picture.",
            "Give a (height, width, 3) array of bytes, blue first.",
            shape=frame.shape,
            dtype=frame.dtype,
        )
    high, wide = frame.shape[:2]
    check_zone(polygon_px, wide, high)
    left, top, right, bottom = patch_box(polygon_px, (wide, high))
    crop = frame[top:bottom, left:right]
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    ratio = min(1.0, PATCH_PX / max(grey.shape))
    size = (max(1, round(grey.shape[1] * ratio)), max(1, round(grey.shape[0] * ratio)))
    patch: NDArray[np.uint8] = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return patch


def _no_size(width: int, height: int) -> InputError:
    return InputError(
        "A picture of {width}×{height} px has no area.",
        "Give the width and the height of a frame.",
        width=width,
        height=height,
    )
