"""Errors that say what is wrong, where, and how to mend it."""

from __future__ import annotations

from math import isfinite
from numbers import Integral, Real
from typing import Any

__all__ = ["CodeError", "CrsError", "HuiyanError", "InputError", "Term", "Terms"]


class Term(str):
    """A fact that is a word of ours, not of the data: shown in the reader's language."""

    __slots__ = ()


class Terms(tuple[Term, ...]):
    """Several of them, told as an enumeration."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(self)

    def __format__(self, form: str) -> str:
        return format(str(self), form)


class HuiyanError(Exception):
    """
    Something a person can mend.

    Parameters
    ----------
    message
        One sentence, a `str.format` template: what is wrong and where.
    mend
        One sentence, a `str.format` template: what to do about it.
    **facts
        Values for both templates. Templates stay apart from values so that both languages can show them.
    """

    def __init__(self, message: str, mend: str = "", **facts: object) -> None:
        self.message = message
        self.mend = mend
        self.facts = facts
        super().__init__(
            " ".join(part.format(**facts) if facts else part for part in (message, mend) if part)
        )

    def told(self) -> dict[str, object]:
        """The error as plain values, to be kept and told later in either language."""
        return {
            "message": self.message,
            "mend": self.mend,
            "facts": {k: _plain(v) for k, v in self.facts.items()},
        }

    @classmethod
    def retold(cls, told: dict[str, Any]) -> HuiyanError:
        """The error that `told` was made of; numbers and terms have stayed what they are, other facts are text."""
        return cls(told["message"], told["mend"], **{k: _fact(v) for k, v in told["facts"].items()})


class InputError(HuiyanError, ValueError):
    """An argument is outside what the function takes."""


class CrsError(InputError):
    """Coordinates are in a reference system that the computation cannot use."""


class CodeError(InputError):
    """A code of a standard is malformed; the message names the digit."""


def _plain(fact: object) -> object:
    """A fact as JSON can hold it."""
    if isinstance(fact, Terms):
        return {"terms": list(fact)}
    if isinstance(fact, Real) and not isinstance(fact, bool):
        number = int(fact) if isinstance(fact, Integral) else float(fact)
        return number if isfinite(number) else {"number": str(number)}
    return {"term": str(fact)} if isinstance(fact, Term) else str(fact)


def _fact(plain: Any) -> object:
    if not isinstance(plain, dict):
        return plain
    if "number" in plain:
        return float(plain["number"])
    return Terms(map(Term, plain["terms"])) if "terms" in plain else Term(plain["term"])
