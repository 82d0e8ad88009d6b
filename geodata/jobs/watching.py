"""
The patrol that never ends: every second the cameras that are due go into the queue, and video workers look at them.

Every video worker can hand out what is due, one does: the one that holds a lock of the database. When it is gone the
next one takes the lock within a second.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from sqlalchemy import text

from analysis.patrolling import Watched, allot
from analysis.vision.detections import Detections
from analysis.vision.thresholds import ClassThresholds
from analysis.vision.yolo import Detector
from geodata import database
from geodata.commands.looks import look
from geodata.errors import DatabaseUnavailable
from geodata.queries.datasets import is_empty, loaded_town
from geodata.queries.watches import hour_of_week, read_watched
from geodata.settings import settings
from geodata.video.detector import load_detector, load_thresholds

__all__ = ["QUEUE", "Dispatcher", "run_video_worker"]

log = logging.getLogger(__name__)

QUEUE = "video"
TICK_S = 1.0
"""What is due is handed out so often."""
KNOWN_S = 5.0
"""Which cameras there are, and how they are, is read anew so often."""
RETRY_S = 3.0
HEARTBEAT_S = 2.0
"""A video worker says so often that it is alive …"""
DEAD_S = 8.0
"""… and one that was silent for so long is dead: its looks are begun again."""
MOST_ATTEMPTS = 3
TILE_OVERLAP = 0.2
LOCK = 7_352_011
"""Advisory lock of the worker that hands out."""


@dataclass
class _Known:
    """Cameras as they were read, and what was handed out since."""

    watched: Watched
    read_s: float
    handed_s: dict[int, float]


class Dispatcher:
    """
    Hands out what is due.

    Parameters
    ----------
    put
        Puts a look into the queue: camera and due time.
    waiting
        Cameras of which a look is in the queue or being taken: they get no second one.
    budget_per_s
        Samples a second.
    """

    def __init__(
        self,
        put: Callable[[int, dt.datetime], None],
        waiting: Callable[[], Collection[int]],
        budget_per_s: float,
    ) -> None:
        self._put = put
        self._waiting = waiting
        self._budget_per_s = budget_per_s
        self._known: _Known | None = None
        self._free_s = -np.inf

    def tick(self, now_s: float) -> int:
        """Hands out all that is due until the next tick; returns how many looks."""
        with database.connection() as conn:
            if is_empty(conn):
                return 0
            zone = loaded_town(conn).time_zone
            if self._known is None or now_s - self._known.read_s >= KNOWN_S:
                handed = {} if self._known is None else self._known.handed_s
                self._known = _Known(read_watched(conn), now_s, handed)
        watched = self._with_handed(self._known)
        hour = hour_of_week(dt.datetime.fromtimestamp(now_s, dt.UTC), zone)
        found = allot(watched, now_s, TICK_S, self._budget_per_s, hour, free_s=self._free_s)
        self._free_s = found.free_s
        given: list[tuple[int, dt.datetime]] = []
        waiting = set(self._waiting()) if len(found.row) else set()
        for row, at_s in zip(found.row.tolist(), found.at_s.tolist(), strict=True):
            camera = int(watched.camera[row])
            due = dt.datetime.fromtimestamp(at_s, dt.UTC)
            self._known.handed_s[camera] = at_s
            if camera not in waiting:
                self._put(camera, due)
                given.append((camera, due))
        if given:
            with database.transaction() as session:
                session.execute(
                    text("UPDATE camera_watch SET due_at = :due WHERE camera_id = :camera"),
                    [{"camera": camera, "due": due} for camera, due in given],
                )
        return len(given)

    @staticmethod
    def _with_handed(known: _Known) -> Watched:
        """What was handed out since the cameras were read counts as taken."""
        watched = known.watched
        if not known.handed_s:
            return watched
        last = watched.last_sampled_s.copy()
        for row, camera in enumerate(watched.camera.tolist()):
            last[row] = max(last[row], known.handed_s.get(camera, -np.inf))
        return Watched(
            camera=watched.camera,
            priority=watched.priority,
            risk_per_h=watched.risk_per_h,
            last_sampled_s=last,
            last_finding_s=watched.last_finding_s,
            failures=watched.failures,
            next_try_s=np.where(
                watched.failures > 0, np.maximum(watched.next_try_s, last), watched.next_try_s
            ),
            min_interval_s=watched.min_interval_s,
            max_interval_s=watched.max_interval_s,
        )


class _Alone:
    """A detector for one thread at a time: two that compute at once only take longer."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._lock = threading.Lock()
        self.thresholds: ClassThresholds | None = None

    @property
    def name(self) -> str:
        """Of the detector."""
        return self._detector.name

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        """As the detector, in turn."""
        with self._lock:
            return self._detector.detect(frame)


def run_video_worker(*, for_s: float | None = None) -> None:
    """
    Looks at cameras until it is stopped, or for some seconds.

    Raises
    ------
    MissingAsset, DetectorError, InputError
        If the detector or its thresholds cannot be loaded.
    """
    chosen = settings()
    overlap = TILE_OVERLAP if chosen.detector_tiles else None
    detector = _Alone(load_detector(chosen, tile_overlap=overlap, mirrored=chosen.detector_mirrored))
    if chosen.detector_thresholds is not None:
        detector.thresholds = load_thresholds(chosen.detector_thresholds).of(detector.name)
    asyncio.run(_work(detector, for_s))


async def _work(detector: _Alone, for_s: float | None) -> None:
    """Works on; a database that goes away is waited for."""
    url = database.psycopg_url(database.database_url())
    until = None if for_s is None else time.monotonic() + for_s
    while until is None or time.monotonic() < until:
        try:
            await _serve(url, detector, until)
        except (ConnectorException, psycopg.OperationalError, DatabaseUnavailable) as error:
            log.warning("The database is away (%s); trying again in %.0f s.", error, RETRY_S)
            await asyncio.sleep(RETRY_S)
        else:
            return


async def _serve(url: str, detector: _Alone, until: float | None) -> None:
    app = _app(PsycopgConnector(conninfo=url, kwargs=_session()), detector)
    async with app.open_async():
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=[QUEUE],
                concurrency=settings().video_threads,
                install_signal_handlers=until is None,
                delete_jobs="successful",
                fetch_job_polling_interval=TICK_S,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=DEAD_S,
                shutdown_graceful_timeout=15.0,
            )
        )
        handing = asyncio.create_task(_hand_out(app, url))
        clock = asyncio.create_task(_until(until))
        try:
            done, _ = await asyncio.wait({worker, handing, clock}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (handing, clock, worker):
                if not task.done():
                    task.cancel()
            await asyncio.gather(worker, handing, clock, return_exceptions=True)
        for task in done:
            task.result()


async def _until(until: float | None) -> None:
    await asyncio.sleep(1e9 if until is None else max(0.0, until - time.monotonic()))


def _app(connector: Any, detector: _Alone | None) -> App:
    app = App(connector=connector)

    def look_at(camera: int, due: str) -> None:
        assert detector is not None
        done = look(camera, dt.datetime.fromisoformat(due), detector, thresholds=detector.thresholds)
        log.info("%s: %s, %.1f s late, %.2f s", done.camera_id, done.outcome, done.late_s, done.seconds)

    app.task(name="look", queue=QUEUE, pass_context=False)(look_at)
    return app


def _session() -> dict[str, Any]:
    return {"options": f"-c search_path={database.SEARCH_PATH.replace(' ', '')}"}


async def _hand_out(app: App, url: str) -> None:
    """Takes the lock when it is free, and hands out for as long as it is held."""
    while True:
        link = await psycopg.AsyncConnection.connect(url, autocommit=True)
        async with link:
            cursor = await link.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,))
            row = await cursor.fetchone()
            if row is not None and row[0]:
                await _while_held(app, url, link)
        await asyncio.sleep(TICK_S)


async def _while_held(app: App, url: str, link: psycopg.AsyncConnection[Any]) -> None:
    waiting = SyncPsycopgConnector(conninfo=url, kwargs=_session())
    queue = _app(waiting, None)
    with queue.open():

        def put(camera: int, due: dt.datetime) -> None:
            queue.configure_task("look", queue=QUEUE).defer(camera=camera, due=due.isoformat())

        dispatcher = Dispatcher(put, _waiting, settings().samples_per_s)
        turn = 0
        while True:
            await link.execute("SELECT 1")  # the lock is ours for as long as this connexion lives
            began = time.time()
            await asyncio.to_thread(dispatcher.tick, began)
            if turn % 3 == 0:
                await _begin_again(app)
            turn += 1
            await asyncio.sleep(max(0.05, TICK_S - (time.time() - began)))


def _waiting() -> list[int]:
    with database.connection() as conn:
        found = conn.execute(
            text(
                "SELECT (args->>'camera')::bigint AS camera FROM procrastinate_jobs"
                " WHERE task_name = 'look' AND status IN ('todo', 'doing')"
            )
        )
        return [row.camera for row in found]


async def _begin_again(app: App) -> None:
    """Looks of workers that were killed go back into the queue; each is written once, however often it is begun."""
    for job in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=DEAD_S):
        if job.attempts + 1 < MOST_ATTEMPTS:
            await app.job_manager.retry_job(job)
        else:
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)
