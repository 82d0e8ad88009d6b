"""Jobs: put into the queue, done by a worker, and told in a row that a screen can read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from analysis.errors import HuiyanError, InputError
from geodata import database
from geodata.errors import DatabaseUnavailable, NotFound
from geodata.jobs.queue import defer, run_worker
from geodata.jobs.record import close_abandoned, recorded
from geodata.queries.jobs import newest_job
from geodata.settings import ROOT

pytestmark = pytest.mark.postgis


def jobs(kind: str) -> list[Any]:
    with database.connection() as conn:
        return list(conn.execute(text("SELECT * FROM job WHERE kind = :kind ORDER BY id"), {"kind": kind}))


def told(job: Any) -> str:
    """The sentence of a failed job."""
    return str(HuiyanError.retold(json.loads(job.error)))


def waiting() -> int:
    with database.connection() as conn:
        sql = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"
        return int(conn.scalar(text(sql)) or 0)


def test_a_worker_does_what_was_asked_and_says_so(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE camera SET state = 'offline'"))
    defer("coverage")
    assert waiting() == 1 and jobs("coverage") == []
    run_worker(once=True)
    assert waiting() == 0
    [job] = jobs("coverage")
    assert (job.state, job.error, job.done, job.total) == ("done", None, 4, 4)
    assert job.created_at <= job.finished_at and job.started_at <= job.finished_at
    with database.connection() as conn:
        assert conn.scalar(text("SELECT sum(coverage_ratio) FROM cell_measure")) == 0


def test_what_waits_already_is_not_doubled(empty_database: str) -> None:
    for _ in range(3):
        defer("coverage")
        defer("patrol", code="1")
    assert waiting() == 2
    defer("patrol", code="2")
    assert waiting() == 3


def test_a_job_that_fails_says_why_and_the_next_is_done(town_copy: str) -> None:
    defer("patrol", code="00000000000000000000")
    defer("coverage")
    run_worker(once=True)
    [failed] = [job for job in jobs("patrol") if job.arguments["camera"]]
    assert failed.state == "failed" and failed.finished_at is not None
    assert "no camera 00000000000000000000 with footage" in told(failed)
    assert [job.state for job in jobs("coverage")] == ["done"]


def test_an_empty_database_fails_with_its_mend(empty_database: str) -> None:
    defer("coverage")
    run_worker(once=True)
    [job] = jobs("coverage")
    assert job.state == "failed" and "huiyan load" in told(job)


def test_the_row_tells_of_work_while_it_goes_on(empty_database: str) -> None:
    with recorded("look", {"camera": "x"}) as progress:
        progress(1, 4, "Reading")
        [job] = jobs("look")
        assert (job.state, job.done, job.total, job.message) == ("running", 1, 4, "Reading")
        assert job.arguments == {"camera": "x"} and job.finished_at is None
        progress(2, 4, "too soon after the last to be written")
        assert jobs("look")[0].done == 1
        progress(4, 4, "Ready")
    assert [(job.state, job.done) for job in jobs("look")] == [("done", 4)]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("so odd"), "ValueError: so odd"),
        (NotFound("There is no {x}.", "Look.", x="y"), "There is no y."),
    ],
)
def test_any_failure_is_told_and_passed_on(error: Exception, said: str, empty_database: str) -> None:
    with pytest.raises(type(error)), recorded("look", {}):
        raise error
    [job] = jobs("look")
    assert job.state == "failed" and said in told(job)


def test_numbers_in_a_sentence_stay_numbers(empty_database: str) -> None:
    facts = {"cheapest": np.float64(5999.5), "count": np.int64(12_000), "none": float("nan"), "name": "x"}
    error = InputError("{name} costs {cheapest:g}, {count:,} times {none:.1f}.", "Look.", **facts)
    with pytest.raises(InputError), recorded("look", {}):
        raise error
    assert told(jobs("look")[0]) == str(error) == "x costs 5999.5, 12,000 times nan. Look."


HOLDING = """
import time
from geodata.jobs.record import recorded

with recorded("look", {}) as progress:
    progress(1, 4, "Looking")
    print("at work", flush=True)
    time.sleep(60)
"""


def test_a_job_whose_worker_was_killed_has_failed(empty_database: str) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", HOLDING], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None and worker.stdout.readline() == "at work\n"
    with database.connection() as conn:
        assert newest_job(conn, "look").state == "running"
    assert close_abandoned() == 0
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    until = time.monotonic() + 60
    while (view := _newest("look")).state == "running" and time.monotonic() < until:
        time.sleep(0.05)  # the server notices when the kernel closes the connection
    assert view.state == "failed" and "stopped in the middle" in str(view.error)
    assert jobs("look")[0].state == "running"  # reading writes nothing
    assert close_abandoned() == 1
    [job] = jobs("look")
    assert job.state == "failed" and job.finished_at is not None and "stopped in the middle" in told(job)
    assert close_abandoned() == 0


DYING = """
import os, signal
from geodata.jobs import queue
from geodata.jobs.record import recorded

def dies():
    with recorded("coverage", {}):
        os.kill(os.getpid(), signal.SIGKILL)

queue.KINDS["coverage"] = dies
queue.run_worker(once=True)
"""


def die_at_work() -> None:
    worker = subprocess.run([sys.executable, "-c", DYING], cwd=ROOT, check=False)
    assert worker.returncode == -signal.SIGKILL


def let_a_minute_go_by() -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"))


def test_work_of_a_killed_worker_is_done_by_the_next_but_not_tried_for_ever(town_copy: str) -> None:
    defer("coverage")
    die_at_work()
    run_worker(once=True)
    assert [job.state for job in jobs("coverage")] == ["failed"]  # for all one knows it still lives
    let_a_minute_go_by()
    run_worker(once=True)
    assert [job.state for job in jobs("coverage")] == ["failed", "done"]
    defer("coverage")
    die_at_work()
    with database.transaction() as session:
        session.execute(text("UPDATE procrastinate_jobs SET attempts = 2 WHERE status = 'doing'"))
    let_a_minute_go_by()
    run_worker(once=True)
    assert [job.state for job in jobs("coverage")] == ["failed", "done", "failed"]
    assert waiting() == 0


def _newest(kind: str) -> Any:
    with database.connection() as conn:
        return newest_job(conn, kind)


def test_without_a_database_nothing_can_be_deferred() -> None:
    with pytest.raises(DatabaseUnavailable):
        defer("coverage")
