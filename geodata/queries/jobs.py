"""Jobs and how far they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, text

from analysis.errors import HuiyanError
from geodata.errors import TwinError

__all__ = [
    "ABANDONED",
    "LOCKS",
    "JobView",
    "job_asked",
    "lost_worker",
    "newest_job",
    "recent_jobs",
    "waiting_jobs",
]

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
    """A job row: state is queued, running, done or failed; share in [0, 1]; what it was given and what it found."""

    id: int
    state: str
    share: float
    message: str | None
    error: HuiyanError | None
    arguments: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None


ROWS = (
    "SELECT id, state, done, total, message, error, arguments, result,"  # noqa: S608
    f" {ABANDONED} AS abandoned FROM job WHERE kind = :kind"
)


def newest_job(conn: Connection, kind: str, arguments: dict[str, Any] | None = None) -> JobView | None:
    """The newest job of a kind, or of those with these arguments, or None; one whose worker is gone has failed."""
    same = "" if arguments is None else " AND arguments = CAST(:arguments AS jsonb)"
    row = conn.execute(
        text(f"{ROWS}{same} ORDER BY id DESC LIMIT 1"),
        {"kind": kind} | ({} if arguments is None else {"arguments": json.dumps(arguments)}),
    ).first()
    return None if row is None else _view(row)


def recent_jobs(conn: Connection, kind: str, hours: float, most: int = 5) -> list[JobView]:
    """Jobs of a kind that run, or ended no more than so many hours ago, the newest first."""
    rows = conn.execute(
        text(
            f"{ROWS} AND (state = 'running' OR finished_at > now() - :hours * interval '1 hour')"
            " ORDER BY id DESC LIMIT :most"
        ),
        {"kind": kind, "hours": hours, "most": most},
    )
    return [_view(row) for row in rows]


def job_asked(conn: Connection, kind: str, name: str, value: str) -> JobView | None:
    """The newest job of a kind whose argument `name` is `value`, or None while it waits."""
    row = conn.execute(
        text(f"{ROWS} AND arguments->>:name = :value ORDER BY id DESC LIMIT 1"),
        {"kind": kind, "name": name, "value": value},
    ).first()
    return None if row is None else _view(row)


def waiting_jobs(conn: Connection, kind: str, *states: str) -> list[dict[str, Any]]:
    """Arguments of jobs that wait in the queue, the next one first; with states of the queue, those in them."""
    sql = "SELECT args FROM procrastinate_jobs WHERE task_name = :kind AND status::text = ANY (:states) ORDER BY id"
    return list(conn.execute(text(sql), {"kind": kind, "states": list(states or ("todo",))}).scalars())


def _view(row: Row[Any]) -> JobView:
    share = min(1.0, row.done / row.total) if row.total else 0.0
    if row.abandoned:
        return JobView(row.id, "failed", share, row.message, lost_worker(), row.arguments)
    error = HuiyanError.retold(json.loads(row.error)) if row.error else None
    return JobView(row.id, row.state, share, row.message, error, row.arguments, row.result)


def lost_worker() -> TwinError:
    """Why an abandoned job has failed."""
    return TwinError(
        "The worker was stopped in the middle of the work.",
        "Start the work again; what was done in parts is kept.",
    )
