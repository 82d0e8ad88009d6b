"""Coverage and demand against the data that they were computed from: what has changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection, text

__all__ = ["DERIVED", "Behind", "behind"]

DERIVED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"coverage": ("camera_view", "coverage_share"), "demand": ("demand_estimate", "demand_profile")}
)
"""Kind of job → datasets that it computes; the second follows the first."""
ARRIVING = ("case_file",)
"""Rows of these arrive one by one all the time; only a file that was loaded, or taken back, counts as a change."""


@dataclass(frozen=True)
class Behind:
    """Datasets that have changed since coverage, and since demand, were computed; none where both are up to date."""

    coverage: tuple[str, ...]
    demand: tuple[str, ...]

    @property
    def job(self) -> str | None:
        """Kind of job that brings everything up to date: coverage has demand after it."""
        return "coverage" if self.coverage else "demand" if self.demand else None

    @property
    def datasets(self) -> tuple[str, ...]:
        """All of them, by name."""
        return tuple(sorted({*self.coverage, *self.demand}))


def behind(conn: Connection) -> Behind:
    """What coverage and demand do not know yet, as the audit tells."""
    now = dict(
        conn.execute(
            text("SELECT name, revision FROM dataset WHERE name <> ALL (:arriving)"), _ARRIVING
        ).all()
    )
    now |= dict(
        conn.execute(
            text(
                "SELECT subject, max((coalesce(details->>'now', details->>'revision'))::bigint) FROM audit"
                " WHERE subject = ANY (:arriving) AND (action = 'unload' OR action = 'write'"
                " AND (details->>'revision')::bigint IN (SELECT revision FROM load)) GROUP BY subject"
            ),
            _ARRIVING,
        ).all()
    )
    used = dict(
        conn.execute(
            text(
                "SELECT DISTINCT ON (subject) subject, details->'inputs' FROM audit"
                " WHERE action = 'write' AND subject = ANY (:made) ORDER BY subject, id DESC"
            ),
            {"made": [name for names in DERIVED.values() for name in names]},
        ).all()
    )

    def since(kind: str) -> tuple[str, ...]:
        inputs = [item for made in DERIVED[kind] for item in (used.get(made) or {}).items()]
        return tuple(sorted({name for name, revision in inputs if now.get(name, 0) > revision}))

    return Behind(since("coverage"), since("demand"))


_ARRIVING = {"arriving": list(ARRIVING)}
