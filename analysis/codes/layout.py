"""What all codes share: fields of digits, and words for a digit that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.errors import CodeError

__all__ = ["CodeProfile", "Field", "Layout", "digit_error", "not_zero", "padded"]

CodeProfile = Literal["2013", "revision"]
"""Edition of the standards that a code follows; stored beside the code."""


@dataclass(frozen=True, slots=True)
class Field:
    """Digits `first` to `last` of a code, counted from 1, and what they mean."""

    name: str
    first: int
    last: int

    @property
    def width(self) -> int:
        """How many digits."""
        return self.last - self.first + 1

    def of(self, text: str) -> str:
        """This field's digits in `text`."""
        return text[self.first - 1 : self.last]


@dataclass(frozen=True, slots=True)
class Layout:
    """A code as a row of fields without gaps."""

    kind: str
    standard: str
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, kind: str, standard: str, **widths: int) -> Layout:
        """A layout of fields named by `widths`, in that order; `_` in a name reads as a space."""
        fields: list[Field] = []
        first = 1
        for name, width in widths.items():
            fields.append(Field(name.replace("_", " "), first, first + width - 1))
            first += width
        return cls(kind, standard, tuple(fields))

    def __len__(self) -> int:
        return self.fields[-1].last

    def field(self, name: str) -> Field:
        """The field of that name."""
        return next(field for field in self.fields if field.name == name)

    def at(self, digit: int) -> Field:
        """The field that holds `digit`, counted from 1; the last field for digits past the end."""
        return next((field for field in self.fields if digit <= field.last), self.fields[-1])

    def explain_shape(self, text: object) -> list[CodeError]:
        """Problems of type, length and characters; none of the fields' meaning."""
        if not isinstance(text, str):
            return [
                CodeError(
                    "{kind} codes must be text, but this is {found!r} of type {type}.",
                    "Read that column as text: as a number it loses leading and last digits.",
                    kind=self.kind,
                    found=text,
                    type=type(text).__name__,
                    first=1,
                    last=len(self),
                )
            ]
        problems: list[CodeError] = []
        if len(text) < len(self):
            problems.append(
                CodeError(
                    "{text!r} has {count} digits; {kind} codes have {wanted}, so digits {first}-{last} "
                    "({field}) are missing.",
                    "Complete the code as {standard} lays it out.",
                    text=text,
                    count=len(text),
                    kind=self.kind,
                    wanted=len(self),
                    first=len(text) + 1,
                    last=len(self),
                    field=self._names(len(text) + 1),
                    standard=self.standard,
                )
            )
        elif len(text) > len(self):
            problems.append(
                CodeError(
                    "{text!r} has {count} digits; {kind} codes have {wanted}, so digits {first}-{last} "
                    "are too many.",
                    "Remove spaces and suffixes, or say which profile the code follows.",
                    text=text,
                    count=len(text),
                    kind=self.kind,
                    wanted=len(self),
                    first=len(self) + 1,
                    last=len(text),
                )
            )
        for digit, character in enumerate(text[: len(self)], start=1):
            if not _is_digits(character):
                problems.append(
                    digit_error(
                        Field(self.at(digit).name, digit, digit),
                        character,
                        "not a digit from 0 to 9; it belongs to the {field}",
                        "Correct that character.",
                    )
                )
        return problems

    def whole(self, text: str, field: Field) -> bool:
        """`text` has all of the field's digits, and they are digits, so that its meaning can be checked."""
        part = field.of(text)
        return len(part) == field.width and _is_digits(part)

    def join(self, **parts: str) -> str:
        """
        Text made from the fields' own texts.

        Raises
        ------
        CodeError
            If a part does not fill its field.
        """
        for field in self.fields:
            part = parts[field.name.replace(" ", "_")]
            if len(part) != field.width or not _is_digits(part):
                raise digit_error(
                    field,
                    part,
                    "the {field} takes {width} digit(s)",
                    "Pad it with zeros on the left, or correct it.",
                    width=field.width,
                )
        return "".join(parts[field.name.replace(" ", "_")] for field in self.fields)

    def _names(self, first: int) -> str:
        return ", ".join(field.name for field in self.fields if field.last >= first)


def digit_error(field: Field, found: str, what: str, mend: str, **facts: object) -> CodeError:
    """A `CodeError` that begins with the digits' place and value; `what` and `mend` are templates."""
    where = "digit {first}" if field.first == field.last else "digits {first}-{last}"
    return CodeError(
        where + " {found!r}: " + what + ".",
        mend,
        **{"first": field.first, "last": field.last, "found": found, "field": field.name, **facts},
    )


def not_zero(text: str, field: Field) -> CodeError | None:
    """A problem if all of the field's digits are 0: counting starts at 1."""
    found = field.of(text)
    if found.strip("0"):
        return None
    return digit_error(field, found, "the {field} counts from 1", "Give it the number it was set up with.")


def padded(layout: Layout, name: str, value: int | str) -> str:
    """`value` as text; a number is padded with zeros to the width of the field `name`."""
    return f"{value:0{layout.field(name).width}d}" if isinstance(value, int) else value


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
