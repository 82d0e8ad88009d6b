"""What is loaded, in counts."""

from __future__ import annotations

from geodata.models import Base

__all__ = ["COUNTED", "COUNT_SQL"]

COUNTED = {
    **{
        name: name
        for name in sorted(Base.metadata.tables)
        if not name.startswith("truth_") and name != "api_client"
    },
    "violation": "violation",
}
"""Table or view → itself, for the health report."""

COUNT_SQL = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in COUNTED)  # noqa: S608
"""Rows (name, count). Exact: the tables of one town count in milliseconds, and a report that guesses helps no one."""
