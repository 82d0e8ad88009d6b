"""How sure a detector must be, by model and class; read from a calibration file and applied to detections."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import CLASS_NAMES, TRAFFIC_CLASSES, Detections
from analysis.vision.yolo import Detector

__all__ = [
    "DEFAULT_SCORE",
    "ClassThresholds",
    "Thresholded",
    "Thresholds",
    "format_thresholds",
    "parse_thresholds",
]

DEFAULT_SCORE = 0.25
"""What a box needs where nothing else is said."""
ANY_MODEL, ANY_CLASS = "default", "other"
NUMBERS = {english: number for number, (_, english) in CLASS_NAMES.items()}
MEND = 'Write a table for each model with classes and thresholds, such as [yolov3-tiny] and "person = 0.35".'


@dataclass(frozen=True, slots=True)
class ClassThresholds:
    """
    What a box needs to be reported, by class.

    Parameters
    ----------
    by_class
        COCO class → least confidence in (0, 1).
    other
        Least confidence in (0, 1) of every class not named.
    """

    by_class: Mapping[int, float] = field(default_factory=dict)
    other: float = DEFAULT_SCORE

    def __post_init__(self) -> None:
        for number, score in self.by_class.items():
            _require_score(_told(number), score)
        _require_score(ANY_CLASS, self.other)
        object.__setattr__(self, "by_class", MappingProxyType(dict(self.by_class)))

    def least(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,) least confidence of each of (n,) COCO classes."""
        return np.array([self.by_class.get(int(each), self.other) for each in classes], dtype=np.float64)

    def keep(self, detections: Detections) -> Detections:
        """Those that are sure enough for their class, in the same order."""
        return detections.take(detections.scores >= self.least(detections.classes))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """
    Thresholds of several models.

    Parameters
    ----------
    by_model
        A detector's name → its thresholds.
    default
        Those of every model not named; None refuses such a model, so that thresholds measured on one are not
        taken for another's by mistake.
    """

    by_model: Mapping[str, ClassThresholds] = field(default_factory=dict)
    default: ClassThresholds | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_model", MappingProxyType(dict(self.by_model)))

    def of(self, model: str) -> ClassThresholds:
        """
        The thresholds of a model.

        Raises
        ------
        InputError
            If the model is not named and there is no default.
        """
        found = self.by_model.get(model, self.default)
        if found is None:
            raise InputError(
                "There are no thresholds for the model {model!r}, only for: {known}.",
                "Add a table [{model}], or [default] for every model that is not named.",
                model=model,
                known=", ".join(self.by_model) or "–",
            )
        return found


@dataclass(frozen=True, slots=True)
class Thresholded:
    """
    A detector that reports only what is sure enough for its class.

    What blurs heads and plates must not use it: `detector` still gives every box down to the floor, and
    `thresholds.keep` picks from those what is reported.
    """

    detector: Detector
    thresholds: ClassThresholds = field(default_factory=ClassThresholds)

    @property
    def name(self) -> str:
        """The detector's own name."""
        return self.detector.name

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        """Detections of a (h, w, 3) BGR frame that reach their threshold, best first."""
        return self.thresholds.keep(self.detector.detect(frame))


def parse_thresholds(text: str, models: Collection[str] | None = None) -> Thresholds:
    """
    Thresholds from a calibration file: a TOML table for each model, `class = threshold` in each.

    `other` stands for every class not named, the table `default` for every model not named; classes that
    neither names need `DEFAULT_SCORE`. An empty text gives the defaults for every model.

    Parameters
    ----------
    text
        TOML, such as::

            [yolov3-tiny]
            person = 0.35
            other = 0.4
    models
        Names of the models there are; None takes every name.

    Raises
    ------
    InputError
        If it is not TOML, a model or class is unknown, or a threshold is not a number in (0, 1).
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("The thresholds are not TOML: {why}.", MEND, why=str(error)) from None
    found = {}
    for model, table in tables.items():
        if not isinstance(table, dict):
            raise InputError("{name} stands outside the table of a model.", MEND, name=model)
        if models is not None and model != ANY_MODEL and model not in models:
            raise InputError(
                "There is no model {model!r}.",
                "Choose one of: {known}.",
                model=model,
                known=", ".join([*models, ANY_MODEL]),
            )
        found[model] = _table(model, table)
    default = found.pop(ANY_MODEL, None)
    return Thresholds(found, default if found or default is not None else ClassThresholds())


def format_thresholds(thresholds: Thresholds) -> str:
    """The calibration file that `parse_thresholds` reads as these thresholds."""
    tables = dict(thresholds.by_model)
    if thresholds.default is not None:
        tables[ANY_MODEL] = thresholds.default
    parts = []
    for model, each in tables.items():
        rows = [f"{_told(number)} = {score!r}" for number, score in sorted(each.by_class.items())]
        parts.append("\n".join([f"[{_quoted(model)}]", *rows, f"{ANY_CLASS} = {each.other!r}", ""]))
    return "\n".join(parts)


def _table(model: str, table: Mapping[str, Any]) -> ClassThresholds:
    """One model's table, checked."""
    scores: dict[int, float] = {}
    other = DEFAULT_SCORE
    for name, score in table.items():
        if name != ANY_CLASS and name not in NUMBERS:
            raise InputError(
                "[{model}] names the class {name!r}, which the detectors do not look for.",
                "Choose one of: {known}.",
                model=model,
                name=name,
                known=", ".join([*NUMBERS, ANY_CLASS]),
            )
        if isinstance(score, bool) or not isinstance(score, (int, float)):
            raise InputError(
                "[{model}] {name} is {score!r}, not a number.", MEND, model=model, name=name, score=score
            )
        _require_score(f"[{model}] {name}", score)
        if name == ANY_CLASS:
            other = float(score)
        else:
            scores[NUMBERS[name]] = float(score)
    return ClassThresholds(scores, other)


def _require_score(name: str, score: float) -> None:
    if not 0 < score < 1:
        raise InputError(
            "The threshold {name} is {score}.",
            "Give a confidence above 0 and below 1, such as 0.35.",
            name=name,
            score=score,
        )


def _told(number: int) -> str:
    """A class's name in the file."""
    if number not in CLASS_NAMES:
        raise InputError(
            "There is no class {number} among those that the detectors look for.",
            "Choose one of: {known}.",
            number=number,
            known=", ".join(map(str, TRAFFIC_CLASSES)),
        )
    return CLASS_NAMES[number][1]


def _quoted(key: str) -> str:
    """A TOML key that may hold any character."""
    plain = key and all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in key)
    if plain:
        return key
    escaped = "".join(
        f"\\u{ord(letter):04x}" if ord(letter) < 32 or ord(letter) == 127 or letter in '"\\' else letter
        for letter in key
    )
    return f'"{escaped}"'
