"""What the columns of a table mean, as the models say it."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

from geodata.models.base import Base, web_geometry

__all__ = ["ColumnFacts", "columns_of", "sentence_of"]

SHARED = {
    "id": "number of the row",
    "simulated": "nobody measured it",
    "geom": "the shape, CGCS2000 degrees, longitude first",
    "g3857": "the same shape for tiles, made by the database",
}
"""Columns that many tables have."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column: its name, PostgreSQL's type, whether it may be empty, and what it means; "" where nobody says."""

    name: str
    type: str
    nullable: bool
    meaning: str


@cache
def columns_of(table: str) -> tuple[ColumnFacts, ...]:
    """
    Columns of a table, in their order.

    Raises
    ------
    KeyError
        If there is no such table.
    """
    model = _models()[table]
    said: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if parent.__module__.startswith("geodata.models") and parent is not web_geometry:
            said |= _docs(parent)
    return tuple(
        ColumnFacts(
            column.name,
            _type(column),
            bool(column.nullable),
            said.get(column.name) or SHARED.get(column.name, ""),
        )
        for column in Base.metadata.tables[table].columns
    )


def sentence_of(table: str) -> str:
    """What a row of a table is: the first paragraph of its model."""
    return (inspect.getdoc(_models()[table]) or "").split("\n\n")[0].replace("\n", " ")


def _models() -> dict[str, type]:
    return {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]


def _type(column: Column[object]) -> str:
    return str(column.type.compile(dialect=postgresql.dialect())).lower()


@cache
def _docs(model: type) -> dict[str, str]:
    """Column → the text under it."""
    [tree] = ast.parse(inspect.cleandoc("\n" + inspect.getsource(model))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for at, node in enumerate(tree.body[:-1]):
        after = tree.body[at + 1]
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            found[node.target.id] = " ".join(after.value.value.split())
    return found
