"""How a table that files may fill is described: its fields, its key, what follows from what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from analysis.errors import CodeError, Term

__all__ = ["Check", "CodeForm", "Field", "Kind", "ValueType"]

ValueType = Literal["text", "number", "whole", "flag", "choice", "moment", "day", "code"]


@dataclass(frozen=True)
class CodeForm:
    """
    A code of a standard.

    Attributes
    ----------
    explain
        Tells all that is wrong with one.
    digits
        How many it has; 0 where codes are few and each is looked at.
    head
        So many digits say what it is; the rest is a number, not all zeros.
    """

    explain: Callable[[str], list[CodeError]]
    digits: int = 0
    head: int = 0


@dataclass(frozen=True)
class Field:
    """
    A field that a file may fill.

    Attributes
    ----------
    name
        Column of the table.
    title
        For people.
    type
        What its values are.
    aliases
        Names that others use, compared without case, blanks and units.
    required
        Every row needs a value.
    unit
        Of a number.
    low, high
        Limits of a number.
    above
        `low` itself is too little.
    below
        `high` itself is too much.
    choices
        What others write → the value that is stored.
    default
        Stored with new rows where the file says nothing; None: nothing is stored.
    code
        Form of a code.
    stored
        False: read, and used by what is derived, but no column of its own.
    """

    name: str
    title: Term
    type: ValueType = "text"
    aliases: tuple[str, ...] = ()
    required: bool = False
    unit: str = ""
    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False
    choices: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    default: str | float | bool | None = None
    code: CodeForm | None = None
    stored: bool = True


Check = Literal["cameras", "buildings", "lines", "cells", "cases", "components", ""]
"""Which function of `deriving` fills in what follows from the fields."""


@dataclass(frozen=True)
class Kind:
    """
    What a file can be loaded as.

    Attributes
    ----------
    name
        As the command line calls it.
    title
        For people.
    table
        Where its rows go.
    shapes
        Types of geometry, as shapely names them, that a row may have; the first is what is stored.
    fields
        What a file may fill.
    key
        The code by which a row is found again; empty: the key of its source, or else its shape.
    derive
        What follows from the fields and the shape.
    then
        Commands that renew what was computed from the table before.
    """

    name: str
    title: Term
    table: str
    shapes: tuple[str, ...]
    fields: tuple[Field, ...]
    key: str = ""
    derive: Check = ""
    then: tuple[str, ...] = ()

    def field(self, name: str) -> Field:
        """
        The field called `name`.

        Raises
        ------
        KeyError
            If there is none.
        """
        return {each.name: each for each in self.fields}[name]

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Columns by which a row is found again."""
        return (self.key,) if self.key else ("source_name", "source_key")
