"""What each field of a rule may be; a name means the same in all rules."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import TypeGuard

from analysis.errors import InputError, Term
from analysis.vision.rules.shapes import corners
from analysis.vision.rules.validity import Validity

__all__ = ["require_field"]


def require_field(name: str, value: object) -> None:
    """InputError if the field of a rule may not have this value."""
    if value is None and name in _OPTIONAL:
        return
    good, wanted = _WANTED[name]
    if not good(value):
        raise InputError("{name} is {value}.", "Give {wanted}.", name=name, value=value, wanted=wanted)


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _above_zero(value: object) -> bool:
    return _number(value) and value > 0


def _share(value: object) -> bool:
    return _number(value) and 0 < value <= 1


def _part(value: object) -> bool:
    return _number(value) and 0 < value < 1


def _confidence(value: object) -> bool:
    return _number(value) and 0 <= value <= 1


def _whole(value: object) -> bool:
    return type(value) is int and value >= 1


def _three(value: object) -> bool:
    return type(value) is int and value >= 3


def _class_numbers(value: object) -> bool:
    return isinstance(value, frozenset) and all(type(each) is int and each >= 0 for each in value)


def _some_class_numbers(value: object) -> bool:
    return bool(value) and _class_numbers(value)


def _polygons(value: object) -> bool:
    if not isinstance(value, tuple):
        return False
    for polygon in value:
        corners(polygon, "allowed")
    return True


def _line(value: object) -> bool:
    if not (isinstance(value, tuple) and len(value) == 2 and value[0] != value[1]):
        return False
    return all(isinstance(end, tuple) and len(end) == 2 and all(map(_number, end)) for end in value)


def _angle(value: object) -> bool:
    return _number(value) and 0 < value < 180


_SECONDS = (_above_zero, Term("seconds above zero"))
_SHARE = (_share, Term("a share in (0, 1]"))
_PART = (_part, Term("a share in (0, 1), both ends left out"))
_CONFIDENCE = (_confidence, Term("a confidence in [0, 1]"))
_COUNT = (_whole, Term("a whole number from 1"))
_POINTS = (_line, Term("two different points in pixels"))
_NUMBER = (_above_zero, Term("a number above zero"))

_OPTIONAL = {"min_people", "min_people_near_object", "area_m2", "min_density"}
_WANTED: dict[str, tuple[Callable[[object], bool], Term]] = {
    "allowed": (_polygons, Term("polygons in pixels")),
    "area_m2": _NUMBER,
    "arrow": _POINTS,
    "clear_px": _NUMBER,
    "classes": (_some_class_numbers, Term("COCO class numbers, one or more")),
    "direction": (
        lambda value: value in ("forward", "backward", "both"),
        Term("forward, backward or both"),
    ),
    "dwell_s": _SECONDS,
    "hold_s": _SECONDS,
    "ignored": (_class_numbers, Term("COCO class numbers")),
    "iou": _SHARE,
    "line": _POINTS,
    "max_gap_s": _SECONDS,
    "min_area_ratio": _PART,
    "min_density": _NUMBER,
    "min_median_score": _CONFIDENCE,
    "min_people": _COUNT,
    "min_people_near_object": _COUNT,
    "min_ratio": _PART,
    "min_reference": (_three, Term("a whole number from 3")),
    "min_score": _CONFIDENCE,
    "min_share": _SHARE,
    "min_sights": _COUNT,
    "reach": _NUMBER,
    "reference_s": _SECONDS,
    "tolerance_deg": (_angle, Term("degrees in (0, 180)")),
    "travel_m": _NUMBER,
    "travel_px": _NUMBER,
    "validity": (lambda value: isinstance(value, Validity), Term("hours and dates")),
}
