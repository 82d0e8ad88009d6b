"""The job row: what a screen shows of long work."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from analysis.errors import HuiyanError
from geodata import database
from geodata.models import Job, JobState
from geodata.progress import Progress

__all__ = ["recorded"]

SELDOM_S = 0.5
"""Progress is written at most this often."""


@contextmanager
def recorded(kind: str, arguments: dict[str, Any]) -> Iterator[Progress]:
    """
    Runs a block under a job row: running, then done or failed with the sentence that explains it.

    Progress is written in transactions of its own, so that screens see it while the work is still open.
    """
    with database.transaction() as session:
        job = Job(kind=kind, state=JobState.RUNNING, arguments=arguments, started_at=dt.datetime.now(dt.UTC))
        session.add(job)
        session.flush()
        number = job.id
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
        _update(number, state=JobState.FAILED.value, error=_told(error), finished_at=dt.datetime.now(dt.UTC))
        raise
    _update(number, state=JobState.DONE.value, finished_at=dt.datetime.now(dt.UTC))


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
