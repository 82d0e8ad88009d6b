"""What an endpoint takes and answers, said beside it: the OpenAPI document is made of this and of the routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

__all__ = ["Described", "described", "parameter"]

TEXT = {"type": "string"}
IN_A_PATH = {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Described:
    """
    One operation.

    Attributes
    ----------
    summary
        One line.
    answers
        Status → media type → JSON schema; problems need not be named.
    parameters
        As OpenAPI writes them.
    body
        Media type → JSON schema of what is sent.
    scope
        What a client's token must allow; "read" needs no token unless settings say so, None needs none at all.
    """

    summary: str
    answers: Mapping[int, Mapping[str, Mapping[str, Any]]]
    parameters: tuple[Mapping[str, Any], ...] = ()
    body: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scope: str | None = None


def described(
    summary: str,
    answers: Mapping[int, Mapping[str, Mapping[str, Any]]],
    *parameters: Mapping[str, Any],
    body: Mapping[str, Mapping[str, Any]] | None = None,
    scope: str | None = None,
) -> Callable[[Function], Function]:
    """An endpoint that says what it does; see `Described`."""

    def mark(function: Function) -> Function:
        function.described = Described(summary, answers, parameters, body or {}, scope)  # type: ignore[attr-defined]
        return function

    return mark


def parameter(
    name: str, about: str, schema: Mapping[str, Any] | None = None, *, where: str = "query", **more: Any
) -> dict[str, Any]:
    """A parameter as OpenAPI writes it; those of the path are required."""
    needed = {"required": True} if where == "path" else {}
    schema = schema or (IN_A_PATH if where == "path" else TEXT)
    return {
        "name": name,
        "in": where,
        "description": about,
        "schema": dict(schema),
        **needed,
        **more,
    }
