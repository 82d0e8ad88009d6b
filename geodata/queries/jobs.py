"""Jobs and how far they are."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, text

from analysis.errors import HuiyanError

__all__ = ["JobView", "newest_job"]


@dataclass(frozen=True)
class JobView:
    """A job row: state is queued, running, done or failed; share in [0, 1]."""

    id: int
    state: str
    share: float
    message: str | None
    error: HuiyanError | None


def newest_job(conn: Connection, kind: str) -> JobView | None:
    """The newest job of a kind, or None."""
    row = conn.execute(
        text(
            "SELECT id, state, done, total, message, error FROM job WHERE kind = :kind ORDER BY id DESC LIMIT 1"
        ),
        {"kind": kind},
    ).first()
    if row is None:
        return None
    share = min(1.0, row.done / row.total) if row.total else 0.0
    error = HuiyanError.retold(json.loads(row.error)) if row.error else None
    return JobView(row.id, row.state, share, row.message, error)
