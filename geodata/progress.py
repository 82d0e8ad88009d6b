"""How long work tells how far it is: the command line draws a bar, a worker writes its job row, tests look away."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called as work goes on: `done` of `total` (None: not known), and what is being done (a message to translate)."""

    def __call__(self, done: int, total: int | None, message: str) -> None: ...


def silent(done: int, total: int | None, message: str) -> None:
    """Tells nobody."""
