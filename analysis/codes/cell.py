"""Unit-cell codes (单元网格): 15 digits."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.codes.layout import CodeProfile, Layout, not_zero, padded
from analysis.codes.places import explain_county
from analysis.errors import CodeError

__all__ = ["CellCode", "build_cell_code", "explain_cell_code", "parse_cell_code"]

_LAYOUT = Layout.of("unit-cell", "GB/T 30428.1-2013", county=6, street=3, community=3, sequence=3)
_OTHER_LENGTHS = {
    16: "Some platforms add one character of their own to the 15 digits.",
    20: "A 20-digit code is a professional grid (CJ/T 349-2010).",
}


@dataclass(frozen=True, slots=True, order=True)
class CellCode:
    """
    Code of one unit cell (GB/T 30428.1-2013).

    Parameters
    ----------
    county
        6 digits, county-level division of GB/T 2260.
    street
        3 digits, street or town, from 001.
    community
        3 digits, community or village, from 001.
    sequence
        Number of the cell inside its community, 1 to 999, west to east and then north to south.
    profile
        Edition of the standard; both have the same 15 digits.
    """

    county: str
    street: str
    community: str
    sequence: int
    profile: CodeProfile = "2013"

    def __post_init__(self) -> None:
        _raise_first(explain_cell_code(self.text))

    @property
    def text(self) -> str:
        """The 15 digits."""
        return _LAYOUT.join(
            county=self.county,
            street=self.street,
            community=self.community,
            sequence=padded(_LAYOUT, "sequence", self.sequence),
        )

    @property
    def street_code(self) -> str:
        """Digits 1-9."""
        return self.county + self.street

    @property
    def community_code(self) -> str:
        """Digits 1-12, the prefix that all cells of one community share."""
        return self.county + self.street + self.community

    def __str__(self) -> str:
        return self.text


def build_cell_code(
    county: str, street: int | str, community: int | str, sequence: int, *, profile: CodeProfile = "2013"
) -> CellCode:
    """
    The code of a cell from its parts; numbers are padded with zeros.

    Raises
    ------
    CodeError
        If a part does not fit; the message names its digits.
    """
    street, community = padded(_LAYOUT, "street", street), padded(_LAYOUT, "community", community)
    return CellCode(county, street, community, sequence, profile)


def parse_cell_code(text: str, *, profile: CodeProfile = "2013") -> CellCode:
    """
    The parts of a 15-digit unit-cell code.

    Raises
    ------
    CodeError
        With the first problem that `explain_cell_code` finds.
    """
    _raise_first(explain_cell_code(text))
    county, street, community, sequence = (field.of(text) for field in _LAYOUT.fields)
    return CellCode(county, street, community, int(sequence), profile)


def explain_cell_code(text: str) -> list[CodeError]:
    """
    All that is wrong with a unit-cell code, from left to right; an empty list for a good one.

    The digits are checked for shape and for what GB/T 2260 can tell of a county; whether that street,
    community or cell exists is known only to the city's own tables.
    """
    problems = _LAYOUT.explain_shape(text)
    if not isinstance(text, str):
        return problems
    if len(text) in _OTHER_LENGTHS:
        problems[0] = CodeError(problems[0].message, _OTHER_LENGTHS[len(text)], **problems[0].facts)
    found: list[CodeError | None] = []
    for field in _LAYOUT.fields:
        if _LAYOUT.whole(text, field):
            found.append(explain_county(text) if field.name == "county" else not_zero(text, field))
    return problems + [problem for problem in found if problem is not None]


def _raise_first(problems: list[CodeError]) -> None:
    if problems:
        raise problems[0]
