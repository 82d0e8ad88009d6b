"""Jobs and how far they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from analysis.errors import HuiyanError
from geodata.errors import TwinError

__all__ = ["ABANDONED", "LOCKS", "JobView", "lost_worker", "newest_job"]

LOCKS = 30428
"""First key of the advisory locks that workers hold while they work on a job; the second is the job's number."""
ABANDONED = (
    "job.state = 'running' AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory'"  # noqa: S608
    f" AND l.classid = {LOCKS} AND l.objid = job.id % 2147483648 AND l.objsubid = 2"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)
"""Said to run, but nobody holds its lock: the worker was killed, or its machine went down."""


@dataclass(frozen=True)
class JobView:
    """A job row: state is queued, running, done or failed; share in [0, 1]."""

    id: int
    state: str
    share: float
    message: str | None
    error: HuiyanError | None


def newest_job(conn: Connection, kind: str, arguments: dict[str, Any] | None = None) -> JobView | None:
    """The newest job of a kind, or of those with these arguments, or None; one whose worker is gone has failed."""
    same = "" if arguments is None else " AND arguments = CAST(:arguments AS jsonb)"
    row = conn.execute(
        text(
            f"SELECT id, state, done, total, message, error, {ABANDONED} AS abandoned FROM job"  # noqa: S608
            f" WHERE kind = :kind{same} ORDER BY id DESC LIMIT 1"
        ),
        {"kind": kind} | ({} if arguments is None else {"arguments": json.dumps(arguments)}),
    ).first()
    if row is None:
        return None
    share = min(1.0, row.done / row.total) if row.total else 0.0
    if row.abandoned:
        return JobView(row.id, "failed", share, row.message, lost_worker())
    error = HuiyanError.retold(json.loads(row.error)) if row.error else None
    return JobView(row.id, row.state, share, row.message, error)


def lost_worker() -> TwinError:
    """Why an abandoned job has failed."""
    return TwinError(
        "The worker was stopped in the middle of the work.",
        "Start the work again; what was done in parts is kept.",
    )
