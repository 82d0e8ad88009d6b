"""Partitions by month: made when they are needed."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["ensure_months"]


def ensure_months(
    session: Session, first: dt.datetime, last: dt.datetime, table: str = "case_file"
) -> list[str]:
    """
    Makes the partitions of `table` for every month (UTC) from `first` to `last`; returns the names of all of them.

    Parameters
    ----------
    first, last
        Aware times.
    """
    month = first.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    names = []
    while month <= last:
        following = (month + dt.timedelta(days=32)).replace(day=1)
        name = f"{table}_{month:%Y_%m}"
        session.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table}"
                f" FOR VALUES FROM ('{month.isoformat()}') TO ('{following.isoformat()}')"
            )
        )
        names.append(name)
        month = following
    return names
