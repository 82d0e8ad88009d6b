"""Component codes (部件): 16 digits, or 18 for monitoring components of the revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from analysis.categories import FIRST_LOCAL_MAJOR, CategoryClass, component_class
from analysis.codes.classes import explain_class
from analysis.codes.layout import CodeProfile, Layout, not_zero, padded
from analysis.codes.places import explain_county
from analysis.errors import CodeError

__all__ = ["ComponentCode", "build_component_code", "explain_component_code", "parse_component_code"]

_LAYOUT_2013 = Layout.of("component", "GB/T 30428.2-2013", county=6, major=2, minor=2, sequence=6)
_LAYOUT_REVISION = Layout.of("component", "the revision", county=6, major=2, minor=3, sequence=5)
_LAYOUT_MONITORING = Layout.of("monitoring component", "the revision", county=6, major=2, minor=3, sequence=7)
_FIRST_LOCAL_MINOR = 80
"""In the revision, minors 001-079 are the standard's and 080-999 the city's, given out backwards from 999."""


@dataclass(frozen=True, slots=True, order=True)
class ComponentCode:
    """
    Code of one component: a thing that stays where it is (GB/T 30428.2-2013).

    Parameters
    ----------
    county
        6 digits, county-level division of GB/T 2260.
    major, minor
        Class of `analysis.categories.COMPONENT_CLASSES`: 2 + 2 digits; 2 + 3 in the revision.
    sequence
        Number inside its class and county, from 1.
    profile
        "2013": 6+2+2+6. "revision": 6+2+3+5; its class table is not published, so classes are not checked.
    monitoring
        A monitoring component (监测部件) of the revision: 6+2+3+7 = 18 digits.
    """

    county: str
    major: str
    minor: str
    sequence: int
    profile: CodeProfile = "2013"
    monitoring: bool = False

    def __post_init__(self) -> None:
        problems = explain_component_code(self.text, profile=self.profile)
        if problems:
            raise problems[0]

    @property
    def text(self) -> str:
        """The 16 (monitoring: 18) digits."""
        layout = _layout(self.profile, self.monitoring)
        return layout.join(
            county=self.county,
            major=self.major,
            minor=self.minor,
            sequence=padded(layout, "sequence", self.sequence),
        )

    @property
    def local(self) -> bool:
        """The class is a local extension, so the standard has no name for it."""
        if self.profile == "revision":
            return int(self.minor) >= _FIRST_LOCAL_MINOR
        return int(self.major) >= FIRST_LOCAL_MAJOR

    @property
    def category(self) -> CategoryClass | None:
        """Names of the class; None for a local extension and for the revision."""
        if self.local or self.profile == "revision":
            return None
        return component_class(f"{self.major}-{self.minor}")

    def __str__(self) -> str:
        return self.text


def build_component_code(
    county: str,
    major: int | str,
    minor: int | str,
    sequence: int,
    *,
    profile: CodeProfile = "2013",
    monitoring: bool = False,
) -> ComponentCode:
    """
    The code of a component from its parts; numbers are padded with zeros.

    Raises
    ------
    CodeError
        If a part does not fit or the table has no such class; the message names its digits.
    """
    layout = _layout(profile, monitoring)
    major, minor = padded(layout, "major", major), padded(layout, "minor", minor)
    return ComponentCode(county, major, minor, sequence, profile, monitoring)


def parse_component_code(text: str, *, profile: CodeProfile = "2013") -> ComponentCode:
    """
    The parts of a component code; 18 digits of the revision are a monitoring component.

    Raises
    ------
    CodeError
        With the first problem that `explain_component_code` finds.
    """
    problems = explain_component_code(text, profile=profile)
    if problems:
        raise problems[0]
    layout = _layout_for(text, profile)
    county, major, minor, sequence = (field.of(text) for field in layout.fields)
    return ComponentCode(county, major, minor, int(sequence), profile, layout is _LAYOUT_MONITORING)


def explain_component_code(text: str, *, profile: CodeProfile = "2013") -> list[CodeError]:
    """All that is wrong with a component code, from left to right; an empty list for a good one."""
    layout = _layout_for(text, profile)
    problems = layout.explain_shape(text)
    if not isinstance(text, str):
        return problems
    county, major, minor, sequence = layout.fields
    found: list[CodeError | None] = []
    if layout.whole(text, county):
        found.append(explain_county(text))
    if profile == "2013":
        found += explain_class(layout, text, "component")
    else:
        found += [not_zero(text, field) for field in (major, minor) if layout.whole(text, field)]
    if layout.whole(text, sequence):
        found.append(not_zero(text, sequence))
    return problems + [problem for problem in found if problem is not None]


def _layout(profile: CodeProfile, monitoring: bool) -> Layout:
    if profile not in get_args(CodeProfile):
        raise CodeError(
            "There is no code profile {profile!r}.",
            "Use one of {known}.",
            profile=profile,
            known=", ".join(get_args(CodeProfile)),
        )
    if profile == "2013":
        if monitoring:
            raise CodeError(
                "The profile of 2013 has no monitoring components; they came with the revision.",
                'Pass profile="revision".',
            )
        return _LAYOUT_2013
    return _LAYOUT_MONITORING if monitoring else _LAYOUT_REVISION


def _layout_for(text: object, profile: CodeProfile) -> Layout:
    monitoring = profile == "revision" and isinstance(text, str) and len(text) == len(_LAYOUT_MONITORING)
    return _layout(profile, monitoring)
