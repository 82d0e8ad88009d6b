"""Faults of a file as a table that a spreadsheet opens without running any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from analysis.errors import HuiyanError
from geodata.export.tables import DANGEROUS
from geodata.ingest.tables import RowFault

__all__ = ["HEADING", "fault_lines", "harmless"]

HEADING = ("row", "field", "value", "reason", "mend")


def harmless(value: str) -> str:
    """Text that a spreadsheet would take for a formula, with an apostrophe before it; numbers stay."""
    if not value.startswith(DANGEROUS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def fault_lines(
    faults: Iterable[RowFault], told: Callable[[HuiyanError], tuple[str, str]]
) -> Iterator[tuple[str, ...]]:
    """
    A heading, then a line a fault: row, field, value, reason, mend.

    Parameters
    ----------
    faults
        What is wrong.
    told
        Reason and mend of an error in the reader's language.
    """
    yield HEADING
    for each in faults:
        reason, mend = told(each.error)
        yield (
            str(each.row),
            harmless(each.column or ""),
            harmless(each.value),
            harmless(reason),
            harmless(mend),
        )
