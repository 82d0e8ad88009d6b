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
    row = conn.execute(
        text(
            "SELECT (SELECT jsonb_object_agg(name, revision) FROM dataset WHERE name <> ALL (:arriving)) AS now,"
            " (SELECT jsonb_object_agg(subject, revision) FROM (SELECT subject,"
            " max((coalesce(details->>'now', details->>'revision'))::bigint) AS revision FROM audit"
            " WHERE subject = ANY (:arriving) AND (action = 'unload' OR action = 'write'"
            " AND (details->>'revision')::bigint IN (SELECT revision FROM load)) GROUP BY subject) a) AS arrived,"
            " (SELECT jsonb_object_agg(subject, inputs) FROM (SELECT DISTINCT ON (subject) subject,"
            " details->'inputs' AS inputs FROM audit WHERE action = 'write' AND subject = ANY (:made)"
            " ORDER BY subject, id DESC) m) AS used"
        ),
        {"arriving": list(ARRIVING), "made": [name for names in DERIVED.values() for name in names]},
    ).one()
    now, used = (row.now or {}) | (row.arrived or {}), row.used or {}

    def since(kind: str) -> tuple[str, ...]:
        inputs = [item for made in DERIVED[kind] for item in (used.get(made) or {}).items()]
        return tuple(sorted({name for name, revision in inputs if now.get(name, 0) > revision}))

    return Behind(since("coverage"), since("demand"))
