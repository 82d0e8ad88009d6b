"""Looks at cameras: written once, with leads, exposure, health; and what happens when something is wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from analysis.vision.detections import CAR, PERSON, Detections
from geodata import database
from geodata.commands import looks as looking
from geodata.commands.looks import look
from geodata.commands.sources import set_source
from geodata.queries.watches import camera_setup, read_health, read_watched
from geodata.video.addresses import Source
from geodata.video.failures import Failure, told
from geodata.video.sources import Grabbed

pytestmark = pytest.mark.postgis

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
IN_ZONE = (660.0, 80.0, 700.0, 95.0)


def row(sql: str, **values: object) -> Any:
    with database.connection() as conn:
        return conn.execute(text(sql), values).one()


class Eye:
    """A detector that sees what it is told."""

    name = "told"

    def __init__(self) -> None:
        self.boxes: list[tuple[tuple[float, float, float, float], float, int]] = [(IN_ZONE, 0.9, CAR)]

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        return Detections(
            np.array([box for box, _, _ in self.boxes]).reshape(-1, 4),
            np.array([score for _, score, _ in self.boxes]),
            np.array([kind for _, _, kind in self.boxes], dtype=np.int64),
        )


class Street:
    """A camera whose pictures come when and as they are told to."""

    def __init__(self) -> None:
        self.at = MORNING
        self.size = (768, 576)
        self.fails: Failure | None = None

    def __call__(self, source: Source, *, timeout_s: float) -> Grabbed:
        if self.fails is not None:
            raise told(self.fails, source.shown)
        width, height = self.size
        return Grabbed(
            np.full((height, width, 3), 90, np.uint8), self.at, "stream", width, height, 0, True, 0.0, 0.0
        )


@pytest.fixture
def street(town_copy: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    found = Street()
    monkeypatch.setattr(looking, "grab", found)
    with database.transaction() as session:
        session.execute(text("DELETE FROM finding"))
        session.execute(text("DELETE FROM sample"))
        session.execute(text("UPDATE camera_watch SET sampled_h = 0"))  # of the patrol of footage
    yield found


@pytest.fixture
def camera(town_copy: str) -> int:
    return int(row("SELECT id FROM camera WHERE demonstration").id)


def looked(camera: int, street: Street, eye: Eye, seconds: float) -> looking.LookDone:
    street.at = MORNING + dt.timedelta(seconds=seconds)
    return look(camera, street.at, eye)


def test_a_vehicle_that_stays_becomes_one_lead_with_its_frames(camera: int, street: Street) -> None:
    eye = Eye()
    standing, eye.boxes = eye.boxes, []
    assert looked(camera, street, eye, 0).leads == 0
    eye.boxes = standing
    fresh = [looked(camera, street, eye, 10.0 * turn).leads for turn in range(1, 10)]
    assert sum(fresh) == 1
    lead = row("SELECT * FROM finding WHERE camera_id = :camera", camera=camera)
    assert lead.state == "lead" and lead.rule == "standing" and lead.label == "car" and lead.simulated
    assert lead.dwell_s == pytest.approx(80.0)
    assert lead.evidence and lead.evidence_sha256
    assert lead.geom is not None and lead.error_m > 0 and lead.cell_id is not None
    before = row("SELECT role, taken_at FROM finding_frame WHERE finding_id = :id", id=lead.id)
    assert before.role == "before" and before.taken_at == MORNING
    # it drives away: the frame after it is kept, and no second lead is made
    eye.boxes = []
    assert looked(camera, street, eye, 110.0).leads == 0
    roles = row(
        "SELECT array_agg(role ORDER BY role) AS roles FROM finding_frame WHERE finding_id = :id", id=lead.id
    ).roles
    assert roles == ["after", "before"]


def test_things_without_a_place_of_their_own_are_not_one_thing(camera: int, street: Street) -> None:
    eye = Eye()
    eye.boxes = [(IN_ZONE, 0.9, CAR), ((740.0, 100.0, 766.0, 140.0), 0.9, CAR)]
    for turn in range(9):
        looked(camera, street, eye, 10.0 * turn)
    both = row("SELECT count(*) AS n, count(merged_into) AS merged, min(error_m) AS error FROM finding")
    assert (both.n, both.merged) == (2, 0)
    reach = row("SELECT range_m FROM camera WHERE id = :camera", camera=camera).range_m
    assert both.error == reach, "beyond the reference points a lead has its camera's place"


def test_a_pause_of_the_patrol_brings_no_second_lead_to_judge(camera: int, street: Street) -> None:
    eye = Eye()
    eye.boxes = [
        ((740.0, 100.0, 766.0, 140.0), 0.9, CAR)
    ]  # beyond the reference points: it has no place of its own
    for turn in range(9):
        looked(camera, street, eye, 10.0 * turn)
    for turn in range(9):
        looked(camera, street, eye, 700.0 + 10.0 * turn)
    both = row("SELECT count(*) AS n, count(merged_into) AS merged FROM finding")
    assert (both.n, both.merged) == (2, 1)
    for turn in range(9):
        looked(camera, street, eye, 3_000.0 + 10.0 * turn)
    both = row("SELECT count(*) AS n, count(merged_into) AS merged FROM finding")
    assert (both.n, both.merged) == (3, 1), "after a quarter of an hour it is another one"


def test_a_zone_that_looks_far_back_brings_its_neighbour_no_old_leads(camera: int, street: Street) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE zone SET rule = CASE name WHEN 'gate' THEN 'static_object' ELSE 'intrusion' END,"
                " polygon_px = '[[0, 0], [768, 0], [768, 576], [0, 576]]', settings = '{}' WHERE camera_id = :camera"
            ),
            {"camera": camera},
        )
    eye = Eye()
    eye.boxes = [((300.0, 200.0, 330.0, 280.0), 0.9, PERSON)]
    for turn in range(5):
        looked(camera, street, eye, 10.0 * turn)
    before = row("SELECT count(*) AS n FROM finding WHERE rule = 'intrusion'").n
    assert before == 1
    with database.connection() as conn:
        setup = camera_setup(conn, camera)
    assert setup.window_s > 1_500
    eye.boxes = []
    for turn in range(6):  # the first looks leave the longer window one by one
        looked(camera, street, eye, setup.window_s - 5.0 + 10.0 * turn)
    assert row("SELECT count(*) AS n FROM finding WHERE rule = 'intrusion'").n == before


def test_a_look_is_written_once(camera: int, street: Street) -> None:
    eye = Eye()
    assert looked(camera, street, eye, 0).outcome == "taken"
    assert look(camera, MORNING, eye).outcome == "twice"
    street.at = MORNING
    later = MORNING + dt.timedelta(seconds=10)
    assert look(camera, later, eye).outcome == "same", "the camera shows the picture of the look before"
    assert row("SELECT count(*) AS n FROM sample WHERE due_at IS NOT NULL").n == 1


def test_hours_looked_at_are_counted_by_hour_of_the_week_and_gaps_are_not(
    camera: int, street: Street
) -> None:
    eye = Eye()
    cap_s = camera_setup_of(camera).zones[0].cap_s
    for seconds in (0.0, 30.0, 60.0, 7200.0, 7230.0):
        looked(camera, street, eye, seconds)
    hours = np.array(
        row(
            "SELECT hours FROM exposure WHERE camera_id = :camera AND month = '2026-03-01'", camera=camera
        ).hours
    )
    assert hours.sum() * 3600 == pytest.approx(60 + cap_s + 30)
    with database.connection() as conn:
        zone = looking.loaded_town(conn).time_zone
    first = MORNING.astimezone(zone)
    assert hours[first.weekday() * 24 + first.hour] * 3600 == pytest.approx(60 + cap_s)
    assert hours[first.weekday() * 24 + first.hour + 2] * 3600 == pytest.approx(30)
    assert row(
        "SELECT sampled_h AS h FROM camera_watch WHERE camera_id = :camera", camera=camera
    ).h == pytest.approx(hours.sum())


def camera_setup_of(camera: int) -> Any:
    with database.connection() as conn:
        return camera_setup(conn, camera)


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (Failure.UNREACHABLE, "unreachable"),
        (Failure.DENIED, "unreachable"),
        (Failure.STALLED, "stalled"),
        (Failure.GARBAGE, "stalled"),
    ],
)
def test_a_camera_without_a_picture_has_a_state_and_is_left_alone_for_a_while(
    camera: int, street: Street, failure: Failure, state: str
) -> None:
    eye = Eye()
    street.fails = failure
    assert looked(camera, street, eye, 0).outcome == "failed"
    watch = row("SELECT * FROM camera_watch WHERE camera_id = :camera", camera=camera)
    assert watch.state == state and watch.failures == 1
    assert watch.state_since is not None and watch.next_try_at > dt.datetime.now(dt.UTC)
    assert watch.error["message"] and "kind" in watch.error["facts"]
    with database.connection() as conn:
        watched = read_watched(conn)
    assert watched.failures.tolist() == [1] and np.isfinite(watched.next_try_s).all()
    street.fails = None
    assert looked(camera, street, eye, 10).outcome == "taken"
    watch = row("SELECT * FROM camera_watch WHERE camera_id = :camera", camera=camera)
    assert (watch.state, watch.failures, watch.error, watch.next_try_at) == ("online", 0, None, None)


def test_a_picture_of_another_size_is_kept_but_not_judged(camera: int, street: Street) -> None:
    eye = Eye()
    for turn in range(8):
        looked(camera, street, eye, 10.0 * turn)
    assert row("SELECT count(*) AS n FROM finding").n == 1
    with database.transaction() as session:
        session.execute(text("DELETE FROM finding"))
    street.size = (384, 288)
    for turn in range(8, 16):
        assert looked(camera, street, eye, 10.0 * turn).leads == 0
    with database.connection() as conn:
        health = read_health(conn, camera)
    assert health.state == "online" and health.resized_s is not None


def test_second_recognition_says_solved_or_not(camera: int, street: Street) -> None:
    eye = Eye()
    for turn in range(9):
        looked(camera, street, eye, 10.0 * turn)
    with database.transaction() as session:
        session.execute(
            text("UPDATE finding SET state = 'confirmed', disposed_at = :at"),
            {"at": MORNING + dt.timedelta(seconds=85)},
        )
    looked(camera, street, eye, 90.0)
    assert row("SELECT recheck FROM finding").recheck == "cannot_say"
    for turn in (10, 11):
        looked(camera, street, eye, 10.0 * turn)
    assert row("SELECT recheck FROM finding").recheck == "not_solved"
    with database.transaction() as session:
        session.execute(
            text("UPDATE finding SET recheck = NULL, disposed_at = :at"),
            {"at": MORNING + dt.timedelta(seconds=115)},
        )
    eye.boxes = []
    for turn in (12, 13, 14):
        looked(camera, street, eye, 10.0 * turn)
    found = row("SELECT recheck, recheck_at FROM finding")
    assert found.recheck == "solved" and found.recheck_at == MORNING + dt.timedelta(seconds=140)
    assert row("SELECT count(*) AS n FROM finding_frame WHERE role = 'recheck'").n == 1


def test_second_recognition_says_nothing_of_pictures_of_another_size(camera: int, street: Street) -> None:
    eye = Eye()
    for turn in range(9):
        looked(camera, street, eye, 10.0 * turn)
    with database.transaction() as session:
        session.execute(
            text("UPDATE finding SET state = 'confirmed', disposed_at = :at"),
            {"at": MORNING + dt.timedelta(seconds=85)},
        )
    street.size, eye.boxes = (1536, 1152), [(tuple(2 * edge for edge in IN_ZONE), 0.9, CAR)]
    for turn in (9, 10, 11, 12):
        looked(camera, street, eye, 10.0 * turn)
    assert row("SELECT recheck FROM finding").recheck == "cannot_say"
    street.size, eye.boxes = (768, 576), []
    for turn in (13, 14, 15):
        looked(camera, street, eye, 10.0 * turn)
    assert row("SELECT recheck FROM finding").recheck == "solved"


def test_a_zone_beside_the_picture_and_a_bad_calibration_stop_nobody(camera: int, street: Street) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE zone SET polygon_px = '[[2000, 10], [2100, 10], [2100, 90]]' WHERE name = 'double_line'"
            )
        )
    eye = Eye()
    fresh = [looked(camera, street, eye, 10.0 * turn) for turn in range(9)]
    assert {each.outcome for each in fresh} == {"taken"} and sum(each.leads for each in fresh) == 1
    watch = row("SELECT state, error FROM camera_watch WHERE camera_id = :camera", camera=camera)
    assert watch.state == "online" and "outside the picture" in watch.error["message"]
    with database.transaction() as session:
        session.execute(text("UPDATE zone SET rule = 'dancing' WHERE name = 'double_line'"))
        session.execute(text("UPDATE calibration SET points = '[[0,0,0,0],[1,1,1,1],[2,2,2,2],[3,3,3,3]]'"))
    assert looked(camera, street, eye, 100.0).outcome == "taken"
    assert len(camera_setup_of(camera).problems) == 2 and camera_setup_of(camera).homography is None
    assert row("SELECT error FROM camera_watch WHERE camera_id = :camera", camera=camera).error is not None


def test_pictures_and_patches_do_not_grow_without_end(camera: int, street: Street) -> None:
    eye = Eye()
    with database.transaction() as session:
        session.execute(
            text(
                'UPDATE zone SET rule = \'static_object\', settings = \'{"reference_s": 100, "max_gap_s": 15,'
                " \"dwell_s\": 20}' WHERE name = 'gate'"
            )
        )
    for turn in range(60):
        looked(camera, street, eye, 10.0 * turn)
    pictures = row("SELECT count(*) AS n FROM sample WHERE due_at IS NOT NULL AND picture IS NOT NULL").n
    assert pictures == looking.KEPT_PICTURES
    patches = row("SELECT count(*) AS n FROM sample_patch").n
    assert 0 < patches <= 2 * camera_setup_of(camera).window_s / 10 + 2


def test_sources_are_given_and_taken_away(camera: int, street: Street) -> None:
    code = row("SELECT code FROM camera WHERE id = :camera", camera=camera).code
    assert set_source(code, "rtsp://me:secret@10.0.0.1/live", 5.0, 60.0) == "rtsp://…@10.0.0.1/live"
    assert (
        row("SELECT min_interval_s AS s FROM camera_watch WHERE camera_id = :camera", camera=camera).s == 5.0
    )
    set_source(code, None, 5.0, 60.0)
    assert row("SELECT count(*) AS n FROM camera_watch").n == 0
    assert look(camera, MORNING, Eye()).outcome == "gone"
