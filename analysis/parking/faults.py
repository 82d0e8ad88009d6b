"""Rows that cannot be used as they are: which, and why; the rest goes on."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from analysis.errors import InputError

__all__ = ["Fault"]


@dataclass(frozen=True, eq=False)
class Fault:
    """
    One row that is wrong or rests on an assumption.

    Attributes
    ----------
    row
        Its label in the frame that was given.
    error
        What is wrong and how to mend it.
    left_out
        Whether the row is out; otherwise an assumption stands in.
    """

    row: Hashable
    error: InputError
    left_out: bool
