"""Which column of a file fills which field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from geodata.errors import IngestError
from geodata.ingest.camera_columns import NAMES, plain_name, told_text
from geodata.ingest.kinds import Kind

__all__ = ["PLACES", "Mapped", "check_mapping", "place_columns", "suggest"]

PLACES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: NAMES[name] for name in ("lon_deg", "lat_deg", "x_m", "y_m")}
)
"""Columns of places, for files without geometry."""
PAIRS = (("lon_deg", "lat_deg"), ("x_m", "y_m"))


@dataclass(frozen=True)
class Mapped:
    """
    How a file fills a kind.

    Attributes
    ----------
    columns
        Field → column of the file.
    constants
        Field → one value for all rows.
    """

    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)


def suggest(
    kind: Kind, columns: Sequence[str], remembered: Mapping[str, str] | None = None
) -> dict[str, str]:
    """
    Field → column: as this source was mapped before, then by the names that offices use.

    A column fills at most one field; of several that would do, the first alias wins, then the first column.
    """
    found = {ours: theirs for ours, theirs in (remembered or {}).items() if theirs in columns}
    plain: dict[str, str] = {}
    for each in columns:
        plain.setdefault(plain_name(each), each)
    for name, aliases in _wanted(kind):
        if name in found:
            continue
        for alias in (name, *aliases):
            theirs = plain.get(plain_name(alias))
            if theirs is not None and theirs not in found.values():
                found[name] = theirs
                break
    return found


def _wanted(kind: Kind) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.name, each.aliases) for each in kind.fields] + list(PLACES.items())


def check_mapping(kind: Kind, mapped: Mapped, columns: Sequence[str], *, has_shapes: bool, name: str) -> None:
    """
    Raises
    ------
    IngestError
        If a field or a column does not exist, a needed field has none, or nothing says where rows are.
    """
    fields = {each.name for each in kind.fields}
    for ours in (*mapped.columns, *mapped.constants):
        if ours not in fields | PLACES.keys():
            raise IngestError(
                "{kind} have no field '{field}'.",
                "They have: {fields}.",
                kind=kind.title,
                field=told_text(ours),
                fields=", ".join(sorted(fields)),
            )
    for theirs in mapped.columns.values():
        if theirs not in columns:
            raise IngestError(
                "{name} has no column '{column}'.",
                "It has: {columns}.",
                name=name,
                column=told_text(theirs),
                columns=told_text(", ".join(columns), most=300) or "-",
            )
    given = mapped.columns.keys() | mapped.constants.keys()
    missing = [each.name for each in kind.fields if each.required and each.name not in given]
    if not has_shapes and place_columns(mapped) is None:
        missing.insert(0, "lon_deg, lat_deg")
    if missing:
        raise IngestError(
            "{name} lacks what every row of {kind} needs: {missing}.",
            "Say which column it is, for example --map {first}=COLUMN; the file has: {columns}.",
            name=name,
            kind=kind.title,
            missing=", ".join(missing),
            first=missing[0].split(",")[0],
            columns=told_text(", ".join(columns), most=300) or "-",
        )


def place_columns(mapped: Mapped) -> tuple[str, str] | None:
    """The file's columns of longitude and latitude, or of x and y; None where it has neither pair."""
    for pair in PAIRS:
        if set(pair) <= mapped.columns.keys():
            return mapped.columns[pair[0]], mapped.columns[pair[1]]
    return None
