"""What is wrong with JSON that came from outside: a fault with its place, and the words for what a schema finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from analysis.errors import HuiyanError, InputError
from geodata.errors import IngestError

__all__ = [
    "MOST_FAULTS",
    "PackageFault",
    "hidden_fault",
    "read_json",
    "schema_errors",
    "schema_sentence",
    "short",
]

SHORT = 80
MOST_FAULTS = 10_000
"""Of one file: a file with so many is not read further."""


@dataclass(frozen=True)
class PackageFault:
    """
    Something wrong with a package of several files.

    Attributes
    ----------
    file
        Path inside the package.
    row
        Place of the row in the file, from 1; None for the file itself.
    field
        Name of the field; empty for the row as a whole.
    value
        What stands there, shortened.
    why
        Reason and mend.
    """

    file: str
    row: int | None
    field: str
    value: str
    why: HuiyanError


def read_json(text: bytes | str) -> Any:
    """
    JSON as plain values.

    Raises
    ------
    IngestError
        If it is none.
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise IngestError(
            "The package is no JSON ({why}).", "Write UTF-8 JSON.", why=str(error)[:100] or "too deep"
        ) from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def schema_errors(validator: Draft202012Validator, value: Any) -> Iterator[ValidationError]:
    """What a schema finds; fields that are missing at one place are one error, whose sentence names them all."""
    lacking = set()
    for error in validator.iter_errors(value):
        if error.validator == "required":
            if (place := tuple(error.absolute_path)) in lacking:
                continue
            lacking.add(place)
        yield error


def schema_sentence(error: ValidationError, see: str, **facts: str) -> HuiyanError:  # noqa: PLR0911 - one a rule
    """
    What a schema says, in words.

    Parameters
    ----------
    error
        What was found.
    see
        Mend of what the sentence alone does not tell how to mend: where the schema is to be read.
    **facts
        Values for `see`.
    """
    asked = error.validator_value
    match error.validator:
        case "required":
            missing = [name for name in asked if name not in error.instance]
            return InputError("{names} is missing.", see, names=", ".join(missing), **facts)
        case "additionalProperties":
            known = error.schema.get("properties", {})
            extra = sorted(set(error.instance) - set(known))
            return InputError(
                "{names} is no field.",
                "Send only: {known}.",
                names=", ".join(map(short, extra))[:200],
                known=", ".join(known),
            )
        case "type":
            kinds = [asked] if isinstance(asked, str) else asked
            return InputError("This is no {kind}.", see, kind=" / ".join(kinds), **facts)
        case "enum" | "const":
            allowed = asked if isinstance(asked, list) else [asked]
            return InputError(
                "This is none of the values that may be.",
                "Choose: {allowed}.",
                allowed=", ".join(each if isinstance(each, str) else json.dumps(each) for each in allowed),
            )
        case "pattern":
            return InputError("This does not have the form {form}.", see, form=asked, **facts)
        case "minimum" | "maximum":
            return InputError("This is outside what may be ({limit}).", see, limit=asked, **facts)
    return InputError("This does not fit the schema ({rule}).", see, rule=error.validator, **facts)


def hidden_fault() -> InputError:
    """A text holds what nobody can see."""
    return InputError("This holds a character that is not shown.", "Write letters and digits only.")


def short(value: Any) -> str:
    """A value as text of at most 80 characters, all of which can be shown: no control of a terminal is among them."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if not text.isprintable():
        text = text[:SHORT].encode("unicode_escape").decode("ascii")
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"
