"""Codes of event classes (事件类别): 2 + 2 digits."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.categories import CategoryClass, event_class
from analysis.codes.classes import explain_class
from analysis.codes.layout import CodeProfile, Layout
from analysis.errors import CodeError

__all__ = ["EventCode", "build_event_code", "explain_event_code", "parse_event_code"]

_LAYOUT = Layout.of("event class", "GB/T 30428.2-2013", major=2, minor=2)


@dataclass(frozen=True, slots=True, order=True)
class EventCode:
    """
    Code of one event class (GB/T 30428.2-2013).

    Parameters
    ----------
    major, minor
        Two digits each: a class of `analysis.categories.EVENT_CLASSES`, or a local one with a major from 21.
    profile
        Edition of the standard. The table of the revision is not published, so both are read with the table
        of 2013.
    """

    major: str
    minor: str
    profile: CodeProfile = "2013"

    def __post_init__(self) -> None:
        problems = explain_event_code(self.text)
        if problems:
            raise problems[0]

    @property
    def text(self) -> str:
        """Both pairs with a hyphen: `05-05`."""
        return f"{self.major}-{self.minor}"

    @property
    def local(self) -> bool:
        """The class is a local extension, so the standard has no name for it."""
        return int(self.major) >= 21

    @property
    def category(self) -> CategoryClass | None:
        """Names of the class, or None for a local extension."""
        return None if self.local else event_class(self.text)

    def __str__(self) -> str:
        return self.text


def build_event_code(major: int | str, minor: int | str, *, profile: CodeProfile = "2013") -> EventCode:
    """
    The code of an event class from its parts; numbers are padded with zeros.

    Raises
    ------
    CodeError
        If a part does not fit or the table has no such class.
    """
    text = _LAYOUT.join(
        major=f"{major:02d}" if isinstance(major, int) else major,
        minor=f"{minor:02d}" if isinstance(minor, int) else minor,
    )
    return parse_event_code(text, profile=profile)


def parse_event_code(text: str, *, profile: CodeProfile = "2013") -> EventCode:
    """
    The parts of an event class code, written `05-05` or `0505`.

    Raises
    ------
    CodeError
        With the first problem that `explain_event_code` finds.
    """
    problems = explain_event_code(text)
    if problems:
        raise problems[0]
    digits = text.replace("-", "")
    return EventCode(digits[:2], digits[2:], profile)


def explain_event_code(text: str) -> list[CodeError]:
    """
    All that is wrong with an event class code; an empty list for a good one.

    Digits are counted without the hyphen, so the minor class is digits 3-4 in `05-05` and in `0505`.
    """
    digits = text[:2] + text[3:] if isinstance(text, str) and text[2:3] == "-" else text
    problems = _LAYOUT.explain_shape(digits)
    if isinstance(digits, str):
        problems += explain_class(_LAYOUT, digits, "event")
    return problems
