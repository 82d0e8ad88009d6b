"""Kinds of rules by name; rules from plain settings, as a form or a table keeps them, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import date, time

from analysis.errors import InputError
from analysis.vision.detections import CLASS_NAMES
from analysis.vision.rules.settings import (
    BikesOutside,
    Crowding,
    Gathering,
    Intrusion,
    LineCrossing,
    Motion,
    Rule,
    Standing,
    StaticObject,
    WrongWay,
)
from analysis.vision.rules.validity import Hours, Validity

__all__ = ["RULES", "from_settings", "to_settings"]

RULES: dict[str, type[Rule]] = {
    rule.kind: rule
    for rule in (
        Standing,
        StaticObject,
        Gathering,
        Crowding,
        Intrusion,
        BikesOutside,
        LineCrossing,
        WrongWay,
        Motion,
    )
}
"""Kind → rule."""

_NUMBERS = {english: number for number, (_, english) in CLASS_NAMES.items()}
_NEEDED = {"line_crossing": {"line"}, "wrong_way": {"arrow"}}
"""Settings without which a rule makes no sense."""


def from_settings(kind: str, settings: Mapping[str, object]) -> Rule:
    """
    A rule of plain settings.

    Parameters
    ----------
    kind
        A name in `RULES`.
    settings
        Field → plain value, as JSON holds it; fields left out take their defaults. Classes may be given by number
        or by English name. `validity` is a mapping of `weekly` (a list of `days`, `start`, `end` as "HH:MM"),
        `first_day`, `last_day` (as "YYYY-MM-DD") and `time_zone`.

    Raises
    ------
    InputError
        If the kind or a field is unknown, a needed field is missing, or a value is outside what the field takes.
    """
    if kind not in RULES:
        raise InputError(
            "There is no rule {kind!r}.", "Choose one of: {kinds}.", kind=kind, kinds=", ".join(RULES)
        )
    if not isinstance(settings, Mapping):
        raise InputError(
            "The settings of {kind} are {value}.", "Give fields and values.", kind=kind, value=settings
        )
    _known(settings, [each.name for each in fields(RULES[kind])], kind)
    for name in sorted(_NEEDED.get(kind, set()) - set(settings)):
        raise InputError("{kind} lacks {name}.", "Give {name}.", kind=kind, name=name)
    return RULES[kind](**{name: _read(name, value) for name, value in settings.items()})


def to_settings(rule: Rule) -> dict[str, object]:
    """The plain settings of a rule, all fields, as JSON holds them; `from_settings` makes the rule again."""
    return {each.name: _plain(getattr(rule, each.name)) for each in fields(rule)}


def _read(name: str, value: object) -> object:
    """The value as the rule keeps it; what it does not take is left for the rule to refuse."""
    if (
        name in {"classes", "ignored"}
        and isinstance(value, Iterable)
        and not isinstance(value, str | Mapping)
    ):
        return frozenset(_class_number(each, name) for each in value)
    if name in {"line", "arrow", "allowed"}:
        return _tuples(value)
    if name == "validity" and isinstance(value, Mapping):
        return _validity(value)
    return value


def _class_number(value: object, name: str) -> object:
    if isinstance(value, str):
        if value not in _NUMBERS:
            raise InputError(
                "{name} holds an unknown class {value!r}.",
                "Choose among: {classes}; or give its COCO number.",
                name=name,
                value=value,
                classes=", ".join(_NUMBERS),
            )
        return _NUMBERS[value]
    if isinstance(value, list | dict | set):
        raise InputError("{name} is {value}.", "Give classes by number or name.", name=name, value=value)
    return value


def _tuples(value: object) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_tuples(each) for each in value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _validity(settings: Mapping[str, object]) -> Validity:
    _known(settings, [each.name for each in fields(Validity)], "validity")
    given = {key: value for key, value in settings.items() if value is not None}
    made: dict[str, object] = {}
    for name, value in given.items():
        if name == "weekly":
            if not isinstance(value, Sequence) or isinstance(value, str):
                raise InputError("weekly is {value}.", "Give a list of days with hours.", value=value)
            made[name] = tuple(_hours(each) for each in value)
        else:
            made[name] = _day(name, value) if name.endswith("_day") else value
    return Validity(**made)  # type: ignore[arg-type]  # Validity checks what it is given


def _hours(settings: object) -> Hours:
    if not isinstance(settings, Mapping):
        raise InputError("weekly holds {value}.", "Give days, start and end.", value=settings)
    _known(settings, [each.name for each in fields(Hours) if each.default is not MISSING], "weekly")
    days = settings.get("days", (1, 2, 3, 4, 5, 6, 7))
    if not isinstance(days, Sequence) or isinstance(days, str):
        raise InputError(
            "{days} are not days of the week.", "Give numbers from 1 Monday to 7 Sunday.", days=days
        )
    clock = [_time(name, settings.get(name, time(0))) for name in ("start", "end")]
    return Hours(tuple(days), *clock)


def _time(name: str, value: object) -> time:
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat("00:00" if value == "24:00" else str(value))
    except ValueError as error:
        raise InputError("{name} is {value}.", "Give a time as HH:MM.", name=name, value=value) from error


def _day(name: str, value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise InputError("{name} is {value}.", "Give a day as YYYY-MM-DD.", name=name, value=value) from error


def _known(settings: Mapping[str, object], names: Sequence[str], where: str) -> None:
    unknown = [str(name) for name in settings if name not in names]
    if unknown:
        raise InputError(
            "{where} has no {unknown}.",
            "It has: {names}.",
            where=where,
            unknown=", ".join(sorted(unknown)),
            names=", ".join(names),
        )


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Validity | Hours):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, time | date):
        return value.isoformat()
    return value
