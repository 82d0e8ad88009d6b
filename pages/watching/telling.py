"""How the video desk tells ages, moments, cameras, rules and boxes."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any

import pandas as pd

from analysis.vision.detections import CLASS_NAMES, VEHICLE_CLASSES
from geodata.towns.town import Town
from layers.i18n import N_
from layers.ramps import css
from layers.watching import RULE_NAMES, STREAM_STATES
from pages.session import language, words

__all__ = [
    "LEAST_SCORE",
    "VEHICLES",
    "age",
    "camera_name",
    "class_name",
    "label_name",
    "moment",
    "rule_name",
    "since",
    "state_chip",
    "title",
]

LABELS = {english: (chinese, english) for chinese, english in CLASS_NAMES.values()}
VEHICLES = {CLASS_NAMES[number][1] for number in VEHICLE_CLASSES}
LEAST_SCORE = 0.3
"""Boxes below this are not drawn."""


def age(seconds: float | None) -> str:
    """A length of time, as short as it can be read."""
    if seconds is None or pd.isna(seconds):
        return "–"
    if seconds < 100:
        return words(N_("{count:.0f} s"), count=max(0.0, seconds))
    if seconds < 6_000:
        return words(N_("{count:.0f} min"), count=seconds / 60)
    if seconds < 172_800:
        return words(N_("{count:.0f} h"), count=seconds / 3_600)
    return words(N_("{count:.0f} d"), count=seconds / 86_400)


def since(at: Any) -> str:
    """How long ago a moment was."""
    if at is None or pd.isna(at):
        return "–"
    return age((dt.datetime.now(dt.UTC) - at).total_seconds())


def moment(at: Any, town: Town) -> str:
    """A moment by the town's clock."""
    return "–" if at is None or pd.isna(at) else f"{at.astimezone(town.time_zone):%Y-%m-%d %H:%M:%S}"


def state_chip(state: str) -> str:
    """The state of a stream in its colour, as HTML."""
    colour, name = STREAM_STATES.get(state, STREAM_STATES["unknown"])
    return (
        f'<span style="display:inline-flex;align-items:center;gap:0.3rem;white-space:nowrap">'
        f'<span style="width:0.65rem;height:0.65rem;border-radius:50%;background:{css(colour)}"></span>'
        f"{html.escape(words(name))}</span>"
    )


def camera_name(name: str, code: str) -> str:
    """A camera's name with the end of its code, which tells it from others of the same name."""
    return f"{words(name)} · {code}"


def rule_name(kind: str) -> str:
    """A kind of rule in words."""
    return words(RULE_NAMES.get(kind, kind))


def label_name(english: str) -> str:
    """What the detector calls a box."""
    pair = LABELS.get(english, (english, english))
    return pair[0] if language() == "zh-CN" else pair[1]


def title(row: Any) -> str:
    """The title of a zone: `title_zh` or `title_en`."""
    return str(_of(row, "title"))


def class_name(row: Any) -> str:
    """The class of an event: its code with `name_zh` or `name_en`."""
    return f"{_get(row, 'class_code')} {_of(row, 'name')}"


def _of(row: Any, name: str) -> Any:
    return _get(row, f"{name}_zh" if language() == "zh-CN" else f"{name}_en")


def _get(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, dict | pd.Series) else getattr(row, name)
