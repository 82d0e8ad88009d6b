"""The job row: what a screen shows of long work."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import text

from analysis.errors import HuiyanError
from geodata import database
from geodata.models import Job, JobState
from geodata.progress import Progress
from geodata.queries.jobs import ABANDONED, LOCKS, lost_worker

__all__ = ["close_abandoned", "recorded"]

SELDOM_S = 0.5
"""Progress is written at most this often."""


@contextmanager
def recorded(
    kind: str, arguments: dict[str, Any], result: dict[str, Any] | None = None
) -> Iterator[Progress]:
    """
    Runs a block under a job row: running, then done or failed with the sentence that explains it.

    Progress is written in transactions of its own, so that screens see it while the work is still open.

    Parameters
    ----------
    kind, arguments
        What is done, on what.
    result
        Plain values that the block puts there, kept with the row when it is done.
    """
    with ExitStack() as stack:
        with database.transaction() as session:
            job = Job(
                kind=kind, state=JobState.RUNNING, arguments=arguments, started_at=dt.datetime.now(dt.UTC)
            )
            session.add(job)
            session.flush()
            number = job.id
            stack.enter_context(_alive(number))
        last = 0.0

        def progress(done: int, total: int | None, message: str) -> None:
            nonlocal last
            if time.monotonic() - last < SELDOM_S and done != total:
                return
            last = time.monotonic()
            _update(number, done=done, total=total, message=message)

        try:
            yield progress
        except Exception as error:
            _update(
                number, state=JobState.FAILED.value, error=_told(error), finished_at=dt.datetime.now(dt.UTC)
            )
            raise
        found = {"result": json.dumps(result, ensure_ascii=False)} if result else {}
        _update(number, state=JobState.DONE.value, finished_at=dt.datetime.now(dt.UTC), **found)


def close_abandoned() -> int:
    """Marks jobs as failed that are said to run, but whose worker is gone; returns how many."""
    with database.transaction() as session:
        closed = session.execute(
            text(
                f"UPDATE job SET state = 'failed', error = :error, finished_at = now() WHERE {ABANDONED}"  # noqa: S608
                " RETURNING id"
            ),
            {"error": json.dumps(lost_worker().told())},
        )
        return len(closed.all())


@contextmanager
def _alive(number: int) -> Iterator[None]:
    """
    A lock of the database, on a connection of its own, for as long as the job is worked on.

    The server lets go of it when this process is gone, however it went.
    """
    with database.engine().connect() as conn:
        conn.detach()  # closed at the end, not given back with the lock still held
        conn.execute(text("SET tcp_keepalives_idle = 30"))
        conn.execute(text(f"SELECT pg_advisory_lock({LOCKS}, :key)"), {"key": number % 2**31})
        conn.commit()
        yield


def _told(error: Exception) -> str:
    """The error as JSON, so that screens can tell it in either language."""
    if not isinstance(error, HuiyanError):
        error = HuiyanError(
            "The work stopped on {kind}: {what}.",
            "Look at the worker's messages.",
            kind=type(error).__name__,
            what=error,
        )
    return json.dumps(error.told())


def _update(number: int, **values: Any) -> None:
    sets = ", ".join(f"{name} = :{name}" for name in values)
    with database.transaction() as session:
        session.execute(text(f"UPDATE job SET {sets} WHERE id = :id"), {**values, "id": number})  # noqa: S608
