"""
The library of algorithms: what each looks for, with which detectors and rule, and what it asks of a camera.

The entries are data, in `library.toml`; here they are read and checked, so that an entry names no class that a detector
does not have and no event that the product does not know.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib import resources
from math import isfinite
from typing import Any, Literal

from analysis.categories import EVENT_CLASSES
from analysis.errors import InputError, Term, Terms
from analysis.vision.detections import CLASS_NAMES
from analysis.vision.rules import RULES

__all__ = [
    "DENSITY_SOURCES",
    "HOURS",
    "LAYOUTS",
    "TIERS",
    "TRACK_PER_S",
    "Algorithm",
    "library",
    "read_library",
]

LAYOUTS = ("yolov3-tiny", "yolox", "nanodet")
"""Layouts of detectors that can be loaded; all have the 80 classes of COCO, of which the product uses those about
traffic."""
HOURS = ("any", "day")
TIERS: dict[str, Term] = {
    "street": Term("street camera"),
    "high": Term("high camera"),
    "vehicle": Term("vehicle camera"),
}
DENSITY_SOURCES: dict[str, Term] = {
    "measured": Term("measured on footage"),
    "DORI": Term("EN 62676-4 (DORI)"),
    "assumed": Term("assumed"),
}
TRACK_PER_S = 3.5
"""Looks a second below which tracks tear: line crossing and wrong way need as many."""

CLASSES = tuple(english for _, english in CLASS_NAMES.values())
EVENTS = frozenset(each.code for each in EVENT_CLASSES)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """
    One entry of the library.

    Parameters
    ----------
    code
        Its own, in lower-case letters and underscores.
    title_zh, title_en
        What people call it.
    models
        Layouts of detectors that can do it, of `LAYOUTS`; none if no detector of ours knows the thing.
    classes
        COCO classes that the detector must have, by the English names of `CLASS_NAMES`.
    rule
        A kind of `analysis.vision.rules`, "" without a detector.
    density_px_m
        Pixels across one metre at the target, above 0.
    density_from
        Where that number comes from, of `DENSITY_SOURCES`.
    frame_height_px
        Smallest picture, pixels above 0.
    hours
        "any", or "day" where darkness takes away what the rule needs.
    tiers
        Where the camera may hang, of `TIERS`.
    calibration
        Whether places on the ground are needed.
    events
        Event classes that its leads become, such as "05-05".
    note_zh, note_en
        What it cannot do; "" for nothing to say.

    Raises
    ------
    InputError
        If a field is not what it should be; the message names the entry and the field.
    """

    code: str
    title_zh: str
    title_en: str
    models: tuple[str, ...]
    classes: tuple[str, ...]
    rule: str
    density_px_m: float
    density_from: str
    frame_height_px: int
    hours: Literal["any", "day"]
    tiers: tuple[str, ...]
    calibration: bool
    events: tuple[str, ...]
    note_zh: str = ""
    note_en: str = ""

    def __post_init__(self) -> None:
        named = (
            self.code.replace("_", "").isalnum() and self.code.isascii() and self.code == self.code.lower()
        )
        self._require(named, "code", Term("lower-case letters and underscores"))
        for name in ("title_zh", "title_en"):
            self._require(bool(getattr(self, name).strip()), name, Term("a title"))
        self._require(
            (self.note_zh == "") == (self.note_en == ""), "note_zh", "a note in both languages or none"
        )
        for name, known in (
            ("models", LAYOUTS),
            ("classes", CLASSES),
            ("tiers", tuple(TIERS)),
            ("events", EVENTS),
        ):
            chosen = getattr(self, name)
            self._require(set(chosen) <= set(known), name, ", ".join(sorted(known)))
            self._require(len(set(chosen)) == len(chosen), name, Term("each value once"))
        for name in ("tiers", "events"):
            self._require(bool(getattr(self, name)), name, Term("one value or more"))
        if self.models:
            self._require(self.rule in RULES, "rule", ", ".join(RULES))
            self._require(bool(self.classes), "classes", Term("what the detector looks for"))
        else:
            self._require(self.rule == "", "rule", Term("nothing, because no model can do it"))
            self._require(not self.classes, "classes", Term("nothing, because no model can do it"))
        self._require(self.density_from in DENSITY_SOURCES, "density_from", ", ".join(DENSITY_SOURCES))
        self._require(self.hours in HOURS, "hours", ", ".join(HOURS))
        for name in ("density_px_m", "frame_height_px"):
            value = getattr(self, name)
            self._require(isfinite(value) and value > 0, name, Term("pixels above 0"))

    @property
    def rate_per_s(self) -> float:
        """Looks a second that the rule needs; 0 where seldom looks do."""
        return TRACK_PER_S if self.rule and RULES[self.rule].needs == "track" else 0.0

    def _require(self, good: bool, name: str, allowed: str) -> None:
        if not good:
            raise InputError(
                "Algorithm {entry!r}: {field} is {value}.",
                "Allowed: {allowed}.",
                entry=self.code,
                field=name,
                value=repr(getattr(self, name)),
                allowed=allowed,
            )


def read_library(text: str) -> dict[str, Algorithm]:
    """
    The algorithms of a TOML text, by code, in its order.

    Parameters
    ----------
    text
        Tables `[[algorithm]]` with the fields of `Algorithm`.

    Raises
    ------
    InputError
        If it is not TOML, or an entry lacks a field, has one that is unknown or of another type, or comes twice; the
        message names the entry and the field.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("The library is not TOML: {why}.", "Mend that line.", why=str(error)) from error
    entries = tables.pop("algorithm", None)
    if tables or not isinstance(entries, list) or not entries:
        raise InputError(
            "The library holds something else than algorithms.", "Write [[algorithm]] tables only."
        )
    found: dict[str, Algorithm] = {}
    for number, entry in enumerate(entries, 1):
        algorithm = _algorithm(number, entry)
        if algorithm.code in found:
            raise InputError(
                "Algorithm {entry!r} comes twice.", "Give each a code of its own.", entry=algorithm.code
            )
        found[algorithm.code] = algorithm
    return found


@cache
def library() -> Mapping[str, Algorithm]:
    """The algorithms that come with the product, by code."""
    return read_library(resources.files(__package__).joinpath("library.toml").read_text(encoding="utf-8"))


def _algorithm(number: int, entry: Any) -> Algorithm:
    name = str(entry.get("code", number)) if isinstance(entry, dict) else str(number)
    if not isinstance(entry, dict):
        raise InputError("Algorithm {entry!r} is no table.", "Write it as [[algorithm]].", entry=name)
    known = {each.name: each for each in fields(Algorithm)}
    unknown = [key for key in entry if key not in known]
    if unknown:
        raise InputError(
            "Algorithm {entry!r} has no field {field}.",
            "It has: {fields}.",
            entry=name,
            field=unknown[0],
            fields=", ".join(known),
        )
    values: dict[str, Any] = {}
    for key, each in known.items():
        if key not in entry:
            if each.default is MISSING:
                raise InputError(
                    "Algorithm {entry!r} lacks the field {field}.", "Add it.", entry=name, field=key
                )
            continue
        value = entry[key]
        kinds, wanted = _KINDS[key]
        items = value if isinstance(value, list) and kinds is list else [value]
        inner = str if kinds is list else kinds
        sound = isinstance(value, kinds) and all(isinstance(item, inner) for item in items)
        if not sound or (isinstance(value, bool) and kinds is not bool):
            raise InputError(
                "Algorithm {entry!r}: {field} is {value}, not {wanted}.",
                "Write {wanted}.",
                entry=name,
                field=key,
                value=repr(value),
                wanted=wanted,
            )
        values[key] = tuple(value) if kinds is list else value
    return Algorithm(**values)


_TEXT: tuple[Any, Term] = (str, Term("a text"))
_LIST: tuple[Any, Term] = (list, Term("a list of texts"))
_KINDS: dict[str, tuple[Any, Term]] = {
    **dict.fromkeys(
        ("code", "title_zh", "title_en", "rule", "density_from", "hours", "note_zh", "note_en"), _TEXT
    ),
    **dict.fromkeys(("models", "classes", "tiers", "events"), _LIST),
    "density_px_m": ((int, float), Term("a number")),
    "frame_height_px": (int, Term("a whole number")),
    "calibration": (bool, Term("true or false")),
}
"""What TOML must hold for each field."""


def tier_names(tiers: tuple[str, ...]) -> Terms:
    """The tiers in words."""
    return Terms(TIERS[tier] for tier in tiers)
