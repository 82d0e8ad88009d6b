"""Keeping the register of what is loaded true."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.models import Base

__all__ = ["Provenance", "record"]


@dataclass(frozen=True)
class Provenance:
    """Where rows come from, under which licence, how they were made, and whether anyone measured them."""

    source: str
    licence: str
    method: str
    simulated: bool


def record(session: Session, name: str, town: str, provenance: Provenance) -> int:
    """
    Notes in the register and in the audit that table `name` changed.

    Returns its new revision, the highest of all datasets.

    Raises
    ------
    KeyError
        If there is no such table.
    """
    table = Base.metadata.tables[name].name
    session.execute(
        text(
            f"INSERT INTO dataset (name, town, source, licence, method, simulated, rows, revision)"  # noqa: S608
            f" SELECT :name, :town, :source, :licence, :method, :simulated, (SELECT count(*) FROM {table}),"
            " nextval('dataset_revision')"
            " ON CONFLICT (name) DO UPDATE SET town = excluded.town, source = excluded.source,"
            " licence = excluded.licence, method = excluded.method, simulated = excluded.simulated,"
            " rows = excluded.rows, revision = excluded.revision, loaded_at = now()"
        ),
        {
            "name": table,
            "town": town,
            "source": provenance.source,
            "licence": provenance.licence,
            "method": provenance.method,
            "simulated": provenance.simulated,
        },
    )
    session.execute(
        text(
            "INSERT INTO audit (actor, action, subject, details) SELECT current_user, 'write', d.name,"
            " jsonb_build_object('revision', d.revision, 'rows', d.rows, 'method', d.method)"
            " FROM dataset d WHERE d.name = :name"
        ),
        {"name": table},
    )
    return int(session.scalar(text("SELECT revision FROM dataset WHERE name = :name"), {"name": table}) or 0)
