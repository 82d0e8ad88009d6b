"""How Alembic reaches the database and what it compares."""

from __future__ import annotations

from typing import Any

import geoalchemy2  # noqa: F401 - registers the geometry type
from alembic import context

from geodata import database
from geodata.models import Base


def ours(obj: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
    """Leaves out what others own: extensions' tables, the queue, the partitions."""
    if kind == "table" and reflected:
        return name in Base.metadata.tables
    return True


def run() -> None:
    """Runs migrations on a live connection."""
    url = context.config.attributes.get("url") or database.database_url()
    with database.engine(url).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=ours,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
