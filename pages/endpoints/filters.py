"""
Conditions that strangers write in CQL2: what of them reaches the database.

CQL2 lets a condition call any function of the database, and its reader ends the whole process at deep nesting. So a
condition is measured before it is read, and afterwards only the operators of the standard and the collection's own
columns pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection as Names
from collections.abc import Iterator
from typing import Any

from pages.endpoints.problems import BadRequest

__all__ = ["check_filter", "check_length"]

LONGEST = 4000
DEEPEST = 24
MOST_OF_A_KIND = 24
"""NOT and arithmetic, which nest without brackets."""

OPERATORS = frozenset(
    [
        *("and", "or", "not", "=", "<>", "<", ">", "<=", ">=", "like", "between", "in", "isnull"),
        *(
            "casei",
            "s_intersects",
            "s_equals",
            "s_disjoint",
            "s_touches",
            "s_within",
            "s_overlaps",
            "s_crosses",
        ),
        *(
            "s_contains",
            "t_after",
            "t_before",
            "t_contains",
            "t_disjoint",
            "t_during",
            "t_equals",
            "t_finishedby",
        ),
        *("t_finishes", "t_intersects", "t_meets", "t_metby", "t_overlappedby", "t_overlaps", "t_startedby"),
        "t_starts",
    ]
)
"""Of CQL2: comparison, spatial, temporal. No arithmetic and no functions: they could ask the server itself."""
SHAPES = frozenset(["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"])
VALUES = frozenset(["date", "timestamp", "interval", "bbox"])
MEND = "Write CQL2 with and, or, not, comparisons, like, between, in, is null, s_… and t_… operators."


def check_length(text: str) -> None:
    """
    Refuses a condition that is too long or too deep to be read.

    Raises
    ------
    BadRequest
        Whose message says what is too much.
    """
    if "\0" in text:
        raise BadRequest("The filter holds a NUL character.", MEND)
    plain = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"", "''", text) if not text.lstrip().startswith("{") else text
    depth = deepest = 0
    for letter in plain:
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
    nots = len(re.findall(r"\bnot\b", plain, re.IGNORECASE))
    sums = len(re.findall(r"[+*/^%]|[\w)]\s*-|\bdiv\b", plain, re.IGNORECASE))
    brackets = DEEPEST * 4 if plain is text else DEEPEST
    if len(text) > LONGEST or deepest > brackets or nots > MOST_OF_A_KIND or _chained(plain, sums):
        raise BadRequest(
            "The filter is too long or too deep.",
            "Use at most {most} characters and {deepest} brackets inside each other.",
            most=LONGEST,
            deepest=DEEPEST,
        )


def _chained(plain: str, sums: int) -> bool:
    """So much arithmetic that reading it is dangerous; JSON nests it in brackets, which are counted."""
    return sums > MOST_OF_A_KIND and not plain.lstrip().startswith("{")


def check_filter(tree: Any, columns: Names[str]) -> None:
    """
    Refuses what is no condition on the columns of a collection.

    Parameters
    ----------
    tree
        The condition as CQL2 JSON.
    columns
        Names that it may ask for.

    Raises
    ------
    BadRequest
        Whose message names the operator or column.
    """
    if not isinstance(tree, dict) or "op" not in tree:
        raise BadRequest("The filter is no condition.", MEND)
    for part in _parts(tree):
        if "op" in part:
            if str(part["op"]).lower() not in OPERATORS:
                raise BadRequest(
                    "The filter uses '{operator}', which is not offered.", MEND, operator=part["op"]
                )
        elif "property" in part:
            if part["property"] not in columns:
                raise BadRequest(
                    "The collection has no column '{name}'.",
                    "It has: {known}.",
                    name=part["property"],
                    known=", ".join(sorted(columns)),
                )
        elif part.get("type") not in SHAPES and not VALUES & set(part):
            raise BadRequest("The filter holds something that is no value of CQL2.", MEND)


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of the tree."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
