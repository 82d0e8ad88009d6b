"""Major and minor class inside a code, checked against the tables of the standard."""

from __future__ import annotations

from analysis.categories import (
    COMPONENT_CLASSES,
    COMPONENT_MAJORS,
    EVENT_CLASSES,
    EVENT_MAJORS,
    FIRST_LOCAL_MAJOR,
    Kind,
)
from analysis.codes.layout import Field, Layout, digit_error, not_zero
from analysis.errors import CodeError

__all__ = ["explain_class"]

_MAJORS = {
    "component": {major.code: major for major in COMPONENT_MAJORS},
    "event": {major.code: major for major in EVENT_MAJORS},
}
_MINORS: dict[Kind, dict[str, set[str]]] = {
    "component": {
        code: {row.minor for row in COMPONENT_CLASSES if row.major == code} for code in _MAJORS["component"]
    },
    "event": {code: {row.minor for row in EVENT_CLASSES if row.major == code} for code in _MAJORS["event"]},
}


def explain_class(layout: Layout, text: str, kind: Kind) -> list[CodeError]:
    """Problems of the fields `major` and `minor` of 2 digits each, against the tables of 2013."""
    major, minor = layout.field("major"), layout.field("minor")
    if not layout.whole(text, major):
        return []
    found = major.of(text)
    local = int(found) >= FIRST_LOCAL_MAJOR
    if not local and found not in _MAJORS[kind]:
        return [
            digit_error(
                major,
                found,
                "no such major class of {kind}s",
                "Use {known}, or a local extension from {local}.",
                kind=kind,
                known=", ".join(f"{row.code} {row.en}" for row in _MAJORS[kind].values()),
                local=FIRST_LOCAL_MAJOR,
            )
        ]
    if not layout.whole(text, minor):
        return []
    if local:
        zero = not_zero(text, minor)
        return [] if zero is None else [zero]
    if minor.of(text) in _MINORS[kind][found]:
        return []
    known = sorted(_MINORS[kind][found])
    return [
        digit_error(
            Field("class", major.first, minor.last),
            found + minor.of(text),
            "major class {major} ({name}) has no minor class {minor}",
            "It has {known}; local classes have a major from {local}.",
            major=found,
            name=_MAJORS[kind][found].en,
            minor=minor.of(text),
            known=f"{known[0]} to {known[-1]} ({len(known)} classes)",
            local=FIRST_LOCAL_MAJOR,
        )
    ]
