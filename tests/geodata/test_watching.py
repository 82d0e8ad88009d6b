"""Video workers: what is due is handed out within the budget, shared, and survives a worker that is killed."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from geodata import database
from geodata.commands.sources import set_source
from geodata.jobs.watching import Dispatcher
from geodata.settings import ROOT, settings

pytestmark = pytest.mark.postgis

LONGEST_S = 240.0

WORKER = """
import sys
import numpy as np
from analysis.vision.detections import Detections
from geodata.jobs import watching

class Eye:
    name = "none"
    def detect(self, frame):
        return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))

watching.load_detector = lambda chosen, **_: Eye()
slow = float(sys.argv[1])
if slow:
    real = watching.look
    def look(camera, due, detector, thresholds):
        import time
        open(sys.argv[2], "a").write(f"{camera} {due.isoformat()}\\n")
        time.sleep(slow)  # between the picture and the writing there is always some time
        return real(camera, due, detector, thresholds=thresholds)
    watching.look = look
watching.run_video_worker()
"""


def rows(sql: str, **values: object) -> list[Any]:
    with database.connection() as conn:
        return list(conn.execute(text(sql), values).all())


@pytest.fixture
def cameras(town_copy: str) -> list[int]:
    """Twelve cameras that play the demonstration clip."""
    if not (settings().clips_dir / "vtest.avi").is_file():
        pytest.skip("the demonstration clip is not there: make setup")
    found = rows("SELECT id, code FROM camera WHERE NOT demonstration ORDER BY id LIMIT 12")
    for each in found:
        set_source(each.code, "clip:vtest.avi", 1.0, 4.0)
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE camera_watch w SET priority = 0 FROM camera c WHERE c.id = w.camera_id AND c.demonstration"
            )
        )
    return [each.id for each in found]


def start(*, slow: float = 0.0, told: Path = Path(os.devnull)) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "TWIN_SAMPLES_PER_S": "6",
        "TWIN_DATABASE_URL": database.database_url(),
    }
    command = [sys.executable, "-c", WORKER, str(slow), str(told)]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def stop_when(done: Callable[[], bool], *workers: subprocess.Popen[bytes]) -> None:
    """Lets them work until that is so, and then end as an administrator ends them."""
    until = time.monotonic() + LONGEST_S
    while not done():
        assert time.monotonic() < until and all(each.poll() is None for each in workers)
        time.sleep(0.2)
    for each in workers:
        each.terminate()
    for each in workers:
        assert each.wait(timeout=LONGEST_S) == 0


def end(*workers: subprocess.Popen[bytes] | None) -> None:
    """Whatever happened, nobody works on."""
    for each in workers:
        if each is not None and each.poll() is None:
            each.kill()
            each.wait()


def samples() -> list[Any]:
    return rows(
        "SELECT camera_id, due_at, taken_at FROM sample WHERE due_at IS NOT NULL ORDER BY camera_id, due_at"
    )


def test_what_is_due_is_handed_out_once_and_within_the_budget(cameras: list[int]) -> None:
    handed: list[tuple[int, dt.datetime]] = []

    dispatcher = Dispatcher(lambda camera, due: handed.append((camera, due)), lambda: [], budget_per_s=3.0)
    began = time.time()
    for tick in range(20):
        dispatcher.tick(began + tick)
    per_s = len(handed) / 20
    assert 2.0 < per_s <= 3.1
    assert set(cameras) == {camera for camera, _ in handed}
    for camera in cameras:
        due = [at.timestamp() for each, at in handed if each == camera]
        assert all(b - a >= 1.0 for a, b in pairwise(due))
        assert max(b - a for a, b in pairwise(due)) <= 6.0
    assert len(set(handed)) == len(handed)


def test_cameras_nobody_weighs_are_left_alone(cameras: list[int]) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE camera_watch SET priority = 0"))
    handed: list[int] = []
    dispatcher = Dispatcher(lambda camera, due: handed.append(camera), lambda: [], 3.0)
    assert dispatcher.tick(time.time()) == 0 and not handed


def test_a_camera_whose_look_still_waits_gets_no_second_one(cameras: list[int]) -> None:
    handed: list[int] = []
    waiting = cameras[:6]
    dispatcher = Dispatcher(lambda camera, due: handed.append(camera), lambda: waiting, 12.0)
    began = time.time()
    for tick in range(10):
        dispatcher.tick(began + tick)
    assert set(handed) == set(cameras[6:])


def test_a_killed_worker_loses_nothing_and_doubles_nothing(cameras: list[int], tmp_path: Path) -> None:
    told = tmp_path / "begun.txt"
    first = start(slow=1.5, told=told)
    second: subprocess.Popen[bytes] | None = None
    try:
        until = time.monotonic() + LONGEST_S
        while not (told.is_file() and len(told.read_text().splitlines()) >= 6):
            assert time.monotonic() < until and first.poll() is None, "the worker begins to look"
            time.sleep(0.1)
        first.send_signal(signal.SIGKILL)
        first.wait()
        begun = {tuple(line.split()) for line in told.read_text().splitlines()}
        written = {(str(each.camera_id), each.due_at.isoformat()) for each in samples()}
        lost = [
            (int(camera), dt.datetime.fromisoformat(due))
            for camera, due in begun
            if (camera, due) not in written
        ]
        assert lost, "it was killed in the middle of some looks"
        second = start()

        def caught_up() -> bool:
            found = samples()
            known = {(each.camera_id, each.due_at) for each in found}
            return known.issuperset(lost) and {camera for camera, _ in known} == set(cameras)

        stop_when(caught_up, second)
    finally:
        end(first, second)
    there = samples()
    known = {(each.camera_id, each.due_at) for each in there}
    assert len(known) == len(there), "no look is written twice"
    assert {each.camera_id for each in there} == set(cameras)
    assert all(each in known for each in lost), "every look that was begun is written"
    left = rows("SELECT count(*) AS n FROM procrastinate_jobs WHERE task_name = 'look' AND status = 'doing'")
    assert left[0].n == 0
    shutil.rmtree(tmp_path)


def test_two_workers_share_the_looks(cameras: list[int]) -> None:
    pair = [start(), start()]
    try:
        stop_when(lambda: len(samples()) >= 4 * len(cameras), *pair)
    finally:
        end(*pair)
    there = samples()
    assert len({(each.camera_id, each.due_at) for each in there}) == len(there) >= 4 * len(cameras)
    for camera in cameras:
        due = [each.due_at.timestamp() for each in there if each.camera_id == camera]
        assert all(b - a >= 1.0 for a, b in pairwise(due)), "one hands out, not both"
