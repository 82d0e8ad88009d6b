"""The queue: procrastinate on the same PostgreSQL, its tasks, and the worker that does them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from sqlalchemy import text

from geodata import database
from geodata.commands.coverage import run_coverage
from geodata.commands.demand import estimate_demand
from geodata.commands.patrol import patrol_cameras
from geodata.commands.plans import work_out
from geodata.commands.quality import check_datasets
from geodata.commands.uploading import until_done, work_off
from geodata.errors import DatabaseUnavailable
from geodata.ingest.uploads import sweep_uploads
from geodata.jobs.record import close_abandoned, recorded
from geodata.queries.asked import Asked
from geodata.queries.datasets import loaded_town
from geodata.queries.jobs import waiting_jobs

__all__ = ["KINDS", "defer", "run_worker"]


log = logging.getLogger(__name__)

QUEUE = "default"
"""Long work; looks at cameras have a queue of their own."""
RETRY_S = 3.0
MOST_ATTEMPTS = 3
"""Work whose worker was killed is begun again, so many times in all."""


def patrol(code: str | None = None) -> None:
    """Patrols one camera, or all with footage."""
    with recorded("patrol", {"camera": code}) as progress:
        patrol_cameras(code, progress=progress)


def coverage() -> None:
    """Recomputes every view, the coverage of places, and the demand that rests on them."""
    with recorded("coverage", {}) as progress:
        run_coverage(then=estimate_demand, progress=progress)


def demand() -> None:
    """Estimates the demand anew."""
    with recorded("demand", {}) as progress, database.transaction() as session:
        estimate_demand(session, loaded_town(session), progress)


def load(**asked: Any) -> None:
    """Loads a file that a person uploaded, or only checks it."""
    result: dict[str, Any] = {}
    with until_done(asked["upload"]), recorded("load", asked, result) as progress:
        result.update(work_off(asked, progress))


def plan(**asked: Any) -> None:
    """Answers a planner's question and keeps the answer as a run."""
    with recorded("plan", asked) as progress:
        work_out(Asked.of(asked), progress)


def check(name: str | None = None) -> None:
    """Checks a dataset, or all that changed since they were checked."""
    with recorded("check", {"dataset": name}) as progress:
        check_datasets(name, progress)


KINDS = {
    "patrol": patrol,
    "coverage": coverage,
    "demand": demand,
    "load": load,
    "plan": plan,
    "check": check,
}
"""Kind of job → what a worker does."""
ALONE = {"load": "load"}
"""Kind of job → lock: of those with one lock one is done at a time, in the order in which they came."""


def defer(kind: str, /, **arguments: Any) -> None:
    """
    Puts a job into the queue; one of the same kind and arguments that still waits is not doubled.

    Raises
    ------
    DatabaseUnavailable
        If the database does not answer.
    """
    url = database.database_url()
    with database.connection(url) as conn:  # says so at once; the queue's pool would wait for half a minute
        conn.execute(text("SELECT 1"))
    app = _app(SyncPsycopgConnector(conninfo=database.psycopg_url(url), kwargs=_session()))
    lock = f"{kind}:{sorted(arguments.items())}"
    with app.open():
        try:
            app.configure_task(kind, queueing_lock=lock, lock=ALONE.get(kind)).defer(**arguments)
        except AlreadyEnqueued:
            return


def run_worker(*, once: bool = False) -> None:
    """Works until it is stopped, or until the queue is empty."""
    asyncio.run(_work(once=once))


def _sweep() -> None:
    """Uploads whose job is over, but whose worker was killed before it could remove them."""
    with database.connection() as conn:
        asked = waiting_jobs(conn, "load", "todo", "doing")
    if swept := sweep_uploads({str(each.get("upload")) for each in asked}):
        log.info("%d uploads that nobody waits for were removed.", swept)


def _session() -> dict[str, Any]:
    return {"options": f"-c search_path={database.SEARCH_PATH.replace(' ', '')}"}


def _app(connector: Any, *, nightly: bool = True) -> App:
    app = App(connector=connector)
    for kind, work in KINDS.items():
        app.task(name=kind, pass_context=False)(work)

    @app.task(name="check_nightly", pass_context=False, queueing_lock="check_nightly")
    def check_nightly(timestamp: int) -> None:
        """Every night: datasets that changed since they were checked."""
        del timestamp
        check()

    if nightly:
        app.periodic(cron="30 2 * * *")(check_nightly)

    @app.periodic(cron="* * * * *")
    @app.task(name="take_up_abandoned", pass_context=False, queueing_lock="take_up_abandoned")
    async def take_up_abandoned(timestamp: int) -> None:
        """Every minute: has another worker been killed in the middle of its work?"""
        del timestamp
        await _take_up_abandoned(app)

    return app


async def _take_up_abandoned(app: App) -> None:
    """Work of workers that are gone goes back into the queue; their job rows are closed."""
    await asyncio.to_thread(close_abandoned)
    for job in await app.job_manager.get_stalled_jobs(queue=QUEUE):
        if job.attempts + 1 < MOST_ATTEMPTS:  # those before this one
            await app.job_manager.retry_job(job)
        else:
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)


async def _work(*, once: bool) -> None:
    """Works on; a database that goes away is waited for, unless the work is to be done once."""
    url = database.psycopg_url(database.database_url())
    while True:
        try:
            await _serve(url, once=once)
        except (ConnectorException, psycopg.OperationalError, DatabaseUnavailable) as error:
            if once:
                raise database.unavailable(error) from error
            log.warning("The database is away (%s); trying again in %.0f s.", error, RETRY_S)
            await asyncio.sleep(RETRY_S)
        else:
            return


async def _serve(url: str, *, once: bool) -> None:
    await asyncio.to_thread(_sweep)
    # whoever asks for what waits is not given what the hour would add
    app = _app(PsycopgConnector(conninfo=url, kwargs=_session()), nightly=not once)
    async with app.open_async():
        await _take_up_abandoned(app)
        await app.run_worker_async(
            queues=[QUEUE],
            wait=not once,
            concurrency=1,
            install_signal_handlers=True,
            delete_jobs="successful",
        )
