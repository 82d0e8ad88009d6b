"""What was asked of a run, value by value, in the reader's words; codes stand beside names that belong to data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from geodata.queries.areas import areas
from geodata.queries.runs import codes_of
from geodata.queries.scenes import event_classes
from geodata.queries.sites import LENS_TITLES
from geodata.queries.wanted import TITLES
from layers.hotspots import DENOMINATORS, PLACES, STATISTICS
from layers.i18n import N_
from layers.parking import FEATURES, RULES, SHAPE_NAMES
from layers.planning import DISTRICTS, KINDS, MODELS, SITE_NAMES
from pages.paper.telling import Say

__all__ = ["WEEKDAYS", "area_words", "class_words", "value_words", "yes_no"]

WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
WORDS: dict[str, Mapping[str, str]] = {
    "model": MODELS,
    "kind": KINDS,
    "sites": SITE_NAMES,
    "districts": DISTRICTS,
    "rule": RULES,
    "shape": SHAPE_NAMES,
    "statistic": STATISTICS,
    "denominator": {**DENOMINATORS, "captures as they are": DENOMINATORS["captures"]},
    "place": {**PLACES, "unit_cell": N_("Unit cells"), "street_edge": N_("Streets")},
    "executor": {"serial": N_("one process")},
}
"""Parameter → its codes in words."""
WEIGHTS = {**TITLES, "ground": N_("ground in view")}
MOST_NAMED = 20
"""Of cells and cameras; their number is told of more."""


def value_words(name: str, value: Any, say: Say, conn: Connection, language: str) -> str:
    """
    The value of a parameter as people read it.

    Parameters
    ----------
    name
        Of the parameter, without the name of its part.
    value
        As it was kept.
    say, language
        The reader's.
    conn
        An open connection, by which codes of classes, areas, cells and cameras are named.
    """
    if name == "lenses" and not value:
        return say("what is usual for the kind")
    if value is None or value in ([], (), {}):
        return "–"
    if name in NAMED:
        return NAMED[name](value, say, conn, language)
    if name in LISTED:
        return LISTED[name](value, say)
    if name in WORDS:
        known = WORDS[name]
        several = value if isinstance(value, list | tuple) else [value]
        return say(", ").join(say(known[each]) if each in known else str(each) for each in several)
    return _plain(value, say)


def class_words(code: str, conn: Connection, language: str) -> str:
    """An event class by its name, with its code."""
    names = event_classes(conn).get(code)
    return code if names is None else _beside(names[0 if language == "zh-CN" else 1], code, language)


def area_words(conn: Connection, language: str) -> Callable[[str], str]:
    """A function that names an area by its code."""
    chinese = language == "zh-CN"
    names = {each.code: each.name_zh if chinese else each.name_en for each in areas(conn)}
    return lambda code: _beside(names[code], code, language) if code in names else code


def yes_no(value: bool, say: Say) -> str:
    """A truth in a word."""
    return say("yes") if value else say("no")


def _beside(name: str, code: str, language: str) -> str:
    return f"{name}（{code}）" if language == "zh-CN" else f"{name} ({code})"


def _class(value: str, _say: Say, conn: Connection, language: str) -> str:
    return class_words(value, conn, language)


def _area(value: str, _say: Say, conn: Connection, language: str) -> str:
    return area_words(conn, language)(value)


def _minima(value: list[list[Any]], say: Say, conn: Connection, language: str) -> str:
    named = area_words(conn, language)
    return say(", ").join(f"{named(str(code))}: {ratio:g}" for code, ratio in value)


def _cells(value: list[int], say: Say, conn: Connection, _language: str) -> str:
    return _coded(value, codes_of(conn, "unit_cell", value), say)


def _cameras(value: list[int], say: Say, conn: Connection, _language: str) -> str:
    return _coded(value, codes_of(conn, "camera", value), say)


def _coded(ids: list[int], codes: Mapping[int, str], say: Say) -> str:
    if len(ids) > MOST_NAMED:
        return f"{len(ids):,}"
    return say(", ").join(codes.get(each, str(each)) for each in ids)


def _plain(value: Any, say: Say) -> str:
    if isinstance(value, bool):
        return yes_no(value, say)
    if isinstance(value, Mapping):
        return say("; ").join(f"{name} {_plain(each, say)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return say(", ").join(_plain(each, say) for each in value)
    if isinstance(value, float):
        return f"{value:,.10g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _weights(value: list[list[Any]], say: Say) -> str:
    return say(", ").join(f"{say(WEIGHTS.get(kind, kind))} × {factor:g}" for kind, factor in value)


def _lenses(value: list[dict[str, Any]], say: Say) -> str:
    told = []
    for each in value:
        title = LENS_TITLES.get(each["name"])
        fields = f"{each['name']}, {each['hfov_deg']:g}°, {each['range_m']:g} m"
        told.append(
            say("{lens} at {cost:,.0f} yuan", lens=fields if title is None else say(title), cost=each["cost"])
        )
    return say("; ").join(told)


def _distances(value: list[list[Any]], say: Say) -> str:
    return say(", ").join(f"{say(FEATURES.get(kind, kind))} {metres:g}" for kind, metres in value)


def _days(value: list[int], say: Say) -> str:
    if sorted(value) == list(range(7)):
        return say("Every day")
    return say(", ").join(say(WEEKDAYS[day]) for day in value)


def _hours(value: list[int], _say: Say) -> str:
    return f"{value[0]}:00–{value[1]}:00"


def _week(value: list[list[int]], say: Say) -> str:
    """Hours of the week as spans, from and up to."""
    if value == [[0, 168]]:
        return say("whole week")
    return say("; ").join(_span(begin, end, say) for begin, end in value)


def _span(begin: int, end: int, say: Say) -> str:
    """From an hour of the week up to another; midnight belongs to the day that ends."""
    (first, hour), (last, until) = divmod(begin, 24), divmod(end - 1, 24)
    head = f"{say(WEEKDAYS[first])} {hour}:00–"
    return f"{head}{until + 1}:00" if first == last else f"{head}{say(WEEKDAYS[last])} {until + 1}:00"


LISTED: dict[str, Callable[[Any, Say], str]] = {
    "weights": _weights,
    "lenses": _lenses,
    "clearances": _distances,
    "days": _days,
    "hours": _hours,
    "week_hours": _week,
}
"""Parameters that are lists of more than codes → their words."""
NAMED: dict[str, Callable[[Any, Say, Connection, str], str]] = {
    "class": _class,
    "area": _area,
    "minima": _minima,
    "cells": _cells,
    "keep": _cameras,
}
"""Parameters whose codes have names in the data."""
