"""Errors that say what is wrong, where, and how to mend it."""

from __future__ import annotations

from typing import Any

__all__ = ["CodeError", "CrsError", "HuiyanError", "InputError"]


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
            "facts": {k: str(v) for k, v in self.facts.items()},
        }

    @classmethod
    def retold(cls, told: dict[str, Any]) -> HuiyanError:
        """The error that `told` was made of; its facts have become text."""
        return cls(told["message"], told["mend"], **told["facts"])


class InputError(HuiyanError, ValueError):
    """An argument is outside what the function takes."""


class CrsError(InputError):
    """Coordinates are in a reference system that the computation cannot use."""


class CodeError(InputError):
    """A code of a standard is malformed; the message names the digit."""
