"""Keeping the register of what is loaded true."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.lineage import MADE_FROM
from geodata.models import Base

__all__ = ["Provenance", "record", "renew"]


@dataclass(frozen=True)
class Provenance:
    """Where rows come from, under which licence, how they were made, and whether anyone measured them."""

    source: str
    licence: str
    method: str
    simulated: bool


def record(session: Session, name: str, town: str, provenance: Provenance, *, made_here: bool = True) -> int:
    """
    Notes in the register and in the audit that table `name` changed, and on which revisions of others it rests.

    Returns its new revision, the highest of all datasets.

    Parameters
    ----------
    session
        An open transaction.
    name, town, provenance
        The table, the town, and where the rows come from.
    made_here
        This twin made the rows from others (`geodata.lineage.MADE_FROM`); false for rows that a user loads.

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
            " jsonb_build_object('revision', d.revision, 'rows', d.rows, 'method', d.method, 'source', d.source,"
            " 'inputs', (SELECT coalesce(jsonb_object_agg(i.name, i.revision), '{}') FROM dataset i"
            " WHERE i.name = ANY (:inputs))) FROM dataset d WHERE d.name = :name"
        ),
        {"name": table, "inputs": list(MADE_FROM.get(table, ())) if made_here else []},
    )
    return int(session.scalar(text("SELECT revision FROM dataset WHERE name = :name"), {"name": table}) or 0)


def renew(session: Session, name: str, town: str, made: Provenance) -> int:
    """Notes that table `name` changed; where it comes from stays as told, and is `made` if nobody told it yet."""
    known = session.execute(
        text("SELECT source, licence, method, simulated FROM dataset WHERE name = :name"), {"name": name}
    ).one_or_none()
    return record(session, name, town, made if known is None else replace(made, **known._mapping))
