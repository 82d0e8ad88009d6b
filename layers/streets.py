"""What streets without a name are called: by their class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from layers.i18n import N_

__all__ = ["HIGHWAYS", "place_name", "street_words"]

HIGHWAYS = {
    "motorway": N_("motorway"),
    "trunk": N_("trunk road"),
    "primary": N_("primary road"),
    "secondary": N_("secondary road"),
    "tertiary": N_("tertiary road"),
    "unclassified": N_("minor road"),
    "residential": N_("residential street"),
    "living_street": N_("living street"),
    "service": N_("service road"),
    "pedestrian": N_("pedestrian street"),
    "track": N_("farm track"),
    "road": N_("road of unknown class"),
    "footway": N_("footway"),
    "cycleway": N_("cycleway"),
    "path": N_("footpath"),
    "steps": N_("steps"),
}
"""Class of a street as OpenStreetMap codes it → words."""
LINK = "_link"
NEW, UNNAMED = "+", "#"
"""Before the number of new bays, and of a place without a name."""


def street_words(name: object, say: Callable[..., str]) -> str:
    """
    The name of a street or car park, or what it is where it has none.

    Parameters
    ----------
    name
        As tables have it: a name, a class of street, or a number after + (new bays) or # (no name); a dash if missing.
    say
        In the reader's language.
    """
    if not isinstance(name, str) or not name:
        return "–"
    if name in HIGHWAYS:
        return say(HIGHWAYS[name])
    if name.endswith(LINK) and name.removesuffix(LINK) in HIGHWAYS:
        return say(N_("slip road"))
    if name[1:].isdecimal() and name[0] in (NEW, UNNAMED):
        words = N_("new bays {number}") if name[0] == NEW else N_("without a name, no. {number}")
        return say(words, number=name[1:])
    return name


def place_name(row: Mapping[Any, Any], say: Callable[..., str]) -> str:
    """What the row of a street or car park is called: `name`, `street`, or else the class of its street."""
    told = (row.get(each) for each in ("name", "street", "highway"))
    return street_words(next((each for each in told if isinstance(each, str) and each), None), say)
