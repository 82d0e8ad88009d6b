"""What a scene is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CLOCKS",
    "DOMAINS",
    "INDICATORS",
    "PEOPLE",
    "SENSOR",
    "STAGES",
    "Limit",
    "Rule",
    "Scene",
    "Words",
]

DOMAINS = ("street", "appearance", "construction", "lifeline", "safety")
"""Fields of city management, in the order in which they are shown."""
STAGES = ("register", "dispatch", "dispose", "verify")
"""Steps of a case that a limit may be set for, in their order."""
CLOCKS = ("natural", "working")
"""Hours of the clock, or working hours: nine to five from Monday to Friday."""
INDICATORS = ("open", "per_day", "per_sampled_h", "closed_in_time", "repeat", "no_evidence")
"""Figures that a scene may show, see `geodata.queries.scenes`."""
PEOPLE, SENSOR = "people", "sensor"
"""Rules without a camera: people report, or a device measures."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a scene is called and says, in one language."""

    title: str
    sentence: str
    """what it is about"""
    advice: str
    """what to do when it happens"""


@dataclass(frozen=True, slots=True)
class Limit:
    """
    How long a step may take.

    Attributes
    ----------
    stage
        Of `STAGES`.
    hours
        Above 0.
    clock
        Of `CLOCKS`.
    source_zh, source_en
        Who set it; "" where this program chose it as a beginning.
    """

    stage: str
    hours: float
    clock: Literal["natural", "working"]
    source_zh: str
    source_en: str


@dataclass(frozen=True, slots=True)
class Rule:
    """
    What notices it.

    Attributes
    ----------
    kind
        A kind of `analysis.vision.rules`, `PEOPLE` or `SENSOR`.
    settings
        Plain settings of a video rule, see `analysis.vision.rules.from_settings`.
    algorithm
        Code of the entry in `analysis.algorithms` that a camera would run; None where there is none.
    density_px_m
        Pixels that a camera needs across one metre, of the algorithm or as the scene says; None where no camera can.
    measures, unit, warn, alarm
        What a sensor measures, in which unit, and from where on it warns and alarms; None for other rules.
    source_zh, source_en
        Who set these two; "" where this program chose them.
    """

    kind: str
    settings: Mapping[str, object]
    algorithm: str | None = None
    density_px_m: float | None = None
    measures: str | None = None
    unit: str | None = None
    warn: float | None = None
    alarm: float | None = None
    source_zh: str = ""
    source_en: str = ""

    @property
    def is_video(self) -> bool:
        """A rule about pictures of cameras."""
        return self.kind not in (PEOPLE, SENSOR)


@dataclass(frozen=True, slots=True)
class Scene:
    """
    One scene.

    Attributes
    ----------
    id
        Its name in addresses; the name of its file.
    domain
        Of `DOMAINS`.
    icon
        Name of a Material symbol.
    profile
        Code profile of `codes` and `components`.
    codes
        Event classes, 2+2 digits; none where it is about components only.
    components
        Classes of components that it is about, 2+2 digits; none where it is about events only.
    layers
        Layers that its map shows.
    rule, limits, indicators
        What notices it, how long each step may take, which figures tell how it stands.
    repeat_days
        The same class in the same cell within so many days counts as happening again.
    words
        Language tag → words.
    asked_zh, asked_en
        Which cities work this way.
    """

    id: str
    domain: str
    icon: str
    profile: str
    codes: tuple[str, ...]
    components: tuple[str, ...]
    layers: tuple[str, ...]
    rule: Rule
    limits: tuple[Limit, ...]
    indicators: tuple[str, ...]
    repeat_days: int
    words: Mapping[str, Words]
    asked_zh: str
    asked_en: str

    def limit_h(self, clock: str) -> float:
        """Hours of one clock that all steps may take together."""
        return sum(limit.hours for limit in self.limits if limit.clock == clock)
