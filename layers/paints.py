"""Colours by a layer's own rule, away from the browser: deck.gl expressions over `properties`, read and worked out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

import pandas as pd

from layers.layer import Colour

__all__ = ["colours", "names_in", "painted"]

Rule: TypeAlias = Callable[[Mapping[str, Any]], Any]
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|'(?P<text>[^']*)'|properties\.(?P<name>\w+)|(?P<word>true|false|null)\b"
    r"|(?P<sign>\|\||&&|[=!<>]=|[?:<>!()\[\],]))"
)
WORDS = {"true": True, "false": False, "null": None}


def painted(expression: str, properties: Mapping[str, Any]) -> Colour:
    """
    The colour that an expression gives a feature; a property that it does not have is nothing, as in the browser.

    Raises
    ------
    ValueError
        If the expression holds what this reader does not know, naming where.
    """
    red, green, blue, alpha = _rule(expression)[0](properties)
    return int(red), int(green), int(blue), int(alpha)


def names_in(expression: str) -> tuple[str, ...]:
    """Properties that an expression asks for, each once; ValueError as `painted`."""
    return _rule(expression)[1]


def colours(expression: str, rows: pd.DataFrame) -> pd.Series[Any]:
    """The colour of each row, by its index; each combination of values is worked out once. ValueError as `painted`."""
    known = [name for name in names_in(expression) if name in rows]
    if not known:
        return pd.Series([painted(expression, {})] * len(rows), index=rows.index, dtype=object)
    found: dict[tuple[Any, ...], Colour] = {}
    told = []
    for values in zip(*(rows[name] for name in known), strict=True):
        key = tuple(None if pd.isna(value) else value for value in values)
        if key not in found:
            found[key] = painted(expression, dict(zip(known, key, strict=True)))
        told.append(found[key])
    return pd.Series(told, index=rows.index, dtype=object)


@cache
def _rule(expression: str) -> tuple[Rule, tuple[str, ...]]:
    reader = _Reader(expression)
    rule = reader.choice()
    if reader.tokens:
        raise ValueError(f"{reader.tokens[0][1]!r} is one too many in {expression!r}")
    return rule, tuple(dict.fromkeys(reader.names))


class _Reader:
    """Reads an expression from its loosest part to its tightest."""

    def __init__(self, expression: str) -> None:
        self.names: list[str] = []
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(expression.rstrip()):
            found = TOKEN.match(expression, at)
            if found is None:
                raise ValueError(f"{expression[at : at + 20]!r} cannot be read in {expression!r}")
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind]))
            at = found.end()

    def choice(self) -> Rule:
        test = self._either()
        if not self._next("?"):
            return test
        one = self.choice()
        self._expect(":")
        other = self.choice()
        return lambda row: one(row) if test(row) else other(row)

    def _either(self) -> Rule:
        parts = [self._both()]
        while self._next("||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _both(self) -> Rule:
        parts = [self._compared()]
        while self._next("&&"):
            parts.append(self._compared())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _compared(self) -> Rule:
        one = self._plain()
        for sign in ("==", "!=", "<=", ">=", "<", ">"):
            if self._next(sign):
                return _comparing(sign, one, self._plain())
        return one

    def _plain(self) -> Rule:
        if self._next("!"):
            inner = self._plain()
            return lambda row: not inner(row)
        if self._next("("):
            inside = self.choice()
            self._expect(")")
            return inside
        if self._next("["):
            parts = [self.choice()]
            while self._next(","):
                parts.append(self.choice())
            self._expect("]")
            return lambda row: tuple(part(row) for part in parts)
        kind, value = self.tokens.pop(0) if self.tokens else ("sign", "the end")
        if kind == "name":
            self.names.append(value)
            return lambda row: row.get(value)
        if kind == "sign":
            raise ValueError(f"a value is missing before {value!r}")
        held = float(value) if kind == "number" else WORDS[value] if kind == "word" else value
        return lambda _row: held

    def _next(self, sign: str) -> bool:
        there = bool(self.tokens) and self.tokens[0] == ("sign", sign)
        if there:
            self.tokens.pop(0)
        return there

    def _expect(self, sign: str) -> None:
        if not self._next(sign):
            raise ValueError(f"{sign!r} is missing before {self.tokens[:1]}")


def _comparing(sign: str, one: Rule, other: Rule) -> Rule:
    def equal(row: Mapping[str, Any]) -> bool:
        return bool(one(row) == other(row))

    def ordered(row: Mapping[str, Any]) -> bool:
        left, right = one(row), other(row)
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            return False  # as undefined and NaN compare
        return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign]

    if sign == "==":
        return equal
    return (lambda row: not equal(row)) if sign == "!=" else ordered
