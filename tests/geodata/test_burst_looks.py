"""Bursts after looks: who goes the wrong way or crosses a line becomes a lead with its frames, once."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from analysis.vision.detections import CAR, Detections
from geodata import database
from geodata.commands import bursts as bursting
from geodata.commands import looks as looking
from geodata.commands.bursts import BURST_EVERY_S
from geodata.commands.looks import look
from geodata.commands.sources import set_source
from geodata.errors import StreamError
from geodata.settings import settings
from geodata.video.addresses import Source
from geodata.video.failures import Failure, told
from geodata.video.sources import Grabbed
from tests.films import film, number_of
from tests.rtsp_server import Camera as ServedCamera
from tests.rtsp_server import Film, RtspServer

pytestmark = pytest.mark.postgis

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
SIZE = (768, 576)
WHOLE = [[1, 1], [767, 1], [767, 575], [1, 575]]


def row(sql: str, **values: object) -> Any:
    with database.connection() as conn:
        return conn.execute(text(sql), values).one()


class Street:
    """A camera whose pictures say in their corner how far its cars have come; a look shows none."""

    def __init__(self) -> None:
        self.at = MORNING
        self.size = SIZE
        self.fails: Failure | None = None
        self.bursts = 0
        self.rate_hz = 4.0

    def picture(self, number: int) -> NDArray[np.uint8]:
        image = np.full((self.size[1], self.size[0], 3), 90, np.uint8)
        image[100:116, 12 * number : 12 * number + 12] = 200
        image[0, 0, 0] = number
        return image

    def grab(self, source: Source, *, timeout_s: float) -> Grabbed:
        width, height = SIZE
        return Grabbed(self.picture(0), self.at, "stream", width, height, 0, True, 0.0, 0.0)  # type: ignore[arg-type]

    def burst(
        self, source: Source, *, seconds: float, rate_hz: float, timeout_s: float
    ) -> Iterator[tuple[dt.datetime, NDArray[np.uint8]]]:
        self.bursts += 1
        for number in range(1, 1 + int(seconds * self.rate_hz)):
            if self.fails is not None and number == 5:
                raise told(self.fails, source.shown, limit_s=3.0)
            yield self.at + dt.timedelta(seconds=number / self.rate_hz), self.picture(number)


class Eye:
    """A detector that sees cars on straight ways, each from (x, y) by so much a picture."""

    name = "told"

    def __init__(self, *ways: tuple[float, float, float, float]) -> None:
        self.ways = ways
        self.asked = 0

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        self.asked += 1
        number = int(frame[0, 0, 0])
        if not number:
            return Detections.none()
        feet = np.array([(x + number * dx, y + number * dy) for x, y, dx, dy in self.ways]).reshape(-1, 2)
        boxes = np.column_stack([feet[:, 0] - 30, feet[:, 1] - 50, feet[:, 0] + 30, feet[:, 1]])
        return Detections(boxes, np.full(len(boxes), 0.8), np.full(len(boxes), CAR, dtype=np.int64))


@pytest.fixture
def street(town_copy: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    found = Street()
    monkeypatch.setattr(looking, "grab", found.grab)
    monkeypatch.setattr(bursting, "burst", found.burst)
    monkeypatch.setattr(bursting, "_owed", set())
    with database.transaction() as session:
        session.execute(text("DELETE FROM finding"))
        session.execute(text("DELETE FROM sample"))
        session.execute(text("DELETE FROM calibration"))
    yield found


@pytest.fixture
def camera(town_copy: str) -> int:
    return int(row("SELECT id FROM camera WHERE demonstration").id)


def watched(camera: int, rule: str, **settings: object) -> None:
    """Its zones are given this rule, over the whole picture."""
    with database.transaction() as session:
        session.execute(
            text("DELETE FROM zone WHERE camera_id = :camera AND id > (SELECT min(id) FROM zone)"),
            {"camera": camera},
        )
        session.execute(
            text(
                "UPDATE zone SET rule = :rule, settings = CAST(:settings AS jsonb),"
                " polygon_px = CAST(:corners AS jsonb), enabled = true WHERE camera_id = :camera"
            ),
            {
                "camera": camera,
                "rule": rule,
                "settings": json.dumps(settings),
                "corners": json.dumps(WHOLE),
            },
        )


def looked(camera: int, street: Street, eye: Eye, seconds: float = 0) -> looking.LookDone:
    street.at = MORNING + dt.timedelta(seconds=seconds)
    return look(camera, street.at, eye)


ARROW = {"arrow": [[100, 100], [600, 100]]}
WRONG, RIGHT = (430.0, 300.0, -18.0, 0.0), (60.0, 500.0, 18.0, 0.0)
"""The first one has left the picture before the burst ends."""


def test_a_vehicle_that_goes_the_wrong_way_is_one_lead_with_three_frames(camera: int, street: Street) -> None:
    watched(camera, "wrong_way", **ARROW)
    eye = Eye(WRONG, RIGHT)
    done = looked(camera, street, eye)
    assert (done.outcome, done.leads, street.bursts) == ("taken", 1, 1)
    assert eye.asked == 33, "once for the look, and picture by picture"
    lead = row("SELECT * FROM finding WHERE camera_id = :camera", camera=camera)
    assert (lead.rule, lead.label, lead.state, lead.simulated) == ("wrong_way", "car", "lead", True)
    assert lead.confidence == pytest.approx(0.8) and lead.x2 > lead.x1 and 240 < lead.y1 < lead.y2 < 310
    assert lead.geom is not None and lead.error_m > 0
    frames = row(
        "SELECT array_agg(role ORDER BY role) AS roles, array_agg(taken_at ORDER BY role) AS at,"
        " array_agg(picture ORDER BY role) AS pictures, array_agg(sha256 ORDER BY role) AS sums"
        " FROM finding_frame WHERE finding_id = :id",
        id=lead.id,
    )
    assert frames.roles == ["after", "before"]
    assert frames.at[0] > lead.last_seen_at > lead.first_seen_at > frames.at[1]
    assert len({*frames.pictures, lead.evidence}) == 3
    assert lead.evidence_sha256 == hashlib.sha256(lead.evidence).hexdigest()
    assert [hashlib.sha256(each).hexdigest() for each in frames.pictures] == frames.sums
    # the same look again writes nothing, and the next look is too soon for another burst
    assert look(camera, MORNING, eye).outcome == "twice"
    looked(camera, street, eye, 1)
    assert street.bursts == 1 and row("SELECT count(*) AS n FROM finding").n == 1
    watch = row("SELECT state, error, last_lead_at FROM camera_watch WHERE camera_id = :id", id=camera)
    assert watch.state == "online" and watch.error is None
    assert watch.last_lead_at == MORNING + dt.timedelta(seconds=8)


def test_looks_go_on_and_one_in_each_interval_is_followed_by_a_burst(camera: int, street: Street) -> None:
    watched(camera, "wrong_way", **ARROW)
    eye = Eye(WRONG)
    done = [looked(camera, street, eye, 10.0 * turn) for turn in range(25)]
    assert {each.outcome for each in done} == {"taken"}
    fired = [turn for turn, each in enumerate(done) if each.leads]
    assert len(fired) == street.bursts and fired[0] == 0
    assert set(np.diff(fired[1:])) == {BURST_EVERY_S / 10}
    assert row("SELECT count(*) AS n, count(DISTINCT lead_key) AS keys FROM finding") == (len(fired),) * 2
    assert row("SELECT count(*) AS n FROM finding WHERE merged_into IS NOT NULL").n == 0


def test_only_the_seconds_of_bursts_count_as_looked_at(camera: int, street: Street) -> None:
    watched(camera, "wrong_way", **ARROW)
    with database.transaction() as session:
        session.execute(text("DELETE FROM exposure"))
    for turn in range(13):
        looked(camera, street, Eye(WRONG), 10.0 * turn)
    hours = row("SELECT hours FROM exposure WHERE camera_id = :camera", camera=camera).hours
    assert sum(hours) * 3600 == pytest.approx(street.bursts * 7.75)


def test_cameras_without_such_zones_have_no_bursts(camera: int, street: Street) -> None:
    for turn in range(9):
        looked(camera, street, Eye(WRONG), 10.0 * turn)
    assert street.bursts == 0


def error_of(camera: int) -> dict[str, Any] | None:
    return row("SELECT error FROM camera_watch WHERE camera_id = :id AND state = 'online'", id=camera).error


def test_a_burst_that_fails_is_told_and_the_look_stays(camera: int, street: Street) -> None:
    watched(camera, "wrong_way", **ARROW)
    eye = Eye(WRONG)
    street.fails = Failure.STALLED
    done = looked(camera, street, eye)
    assert (done.outcome, done.leads) == ("taken", 0)
    assert row("SELECT count(*) AS n FROM sample WHERE due_at IS NOT NULL").n == 1
    told_first = error_of(camera)
    assert told_first and told_first["facts"]["kind"] == "stalled"
    assert StreamError.retold(told_first).mend
    street.fails = None
    looked(camera, street, eye, 0.5)
    assert street.bursts == 1 and error_of(camera) == told_first, "until a burst goes well"
    assert looked(camera, street, eye, 60.5).leads == 1
    assert error_of(camera) is None
    street.size = (640, 480)
    looked(camera, street, eye, 121)
    assert "640×480" in str(StreamError.retold(error_of(camera) or {})) and street.bursts == 3
    street.size, street.rate_hz = SIZE, 2.0
    looked(camera, street, eye, 182)
    assert "looks a second" in (error_of(camera) or {})["message"]
    assert row("SELECT count(*) AS n FROM finding").n == 1


def test_a_line_makes_leads_one_way_and_a_tally_both_ways(camera: int, street: Street) -> None:
    line = [[300, 50], [300, 550]]
    eye = Eye((430, 200, -18, 0), (430, 400, -18, 0), (60, 540, 18, 0))
    watched(camera, "line_crossing", line=line, direction="forward")
    assert looked(camera, street, eye).leads == 2
    assert row("SELECT min(x1 + x2) / 2 AS x FROM finding").x == pytest.approx(300, abs=18)
    watched(camera, "line_crossing", line=line, direction="backward")
    assert looked(camera, street, eye, 61).leads == 1
    watched(camera, "line_crossing", line=line, direction="both")
    assert looked(camera, street, eye, 122).leads == 1
    assert looked(camera, street, eye, 183).leads == 0, "the tally goes on"
    tally = row("SELECT * FROM finding WHERE NOT placed")
    assert 61 <= tally.dwell_s <= 65 and tally.quiet_s > BURST_EVERY_S
    assert row("SELECT count(*) AS n FROM finding").n == 4


def test_what_was_changed_during_a_burst_is_not_judged(
    camera: int, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(camera, "wrong_way", **ARROW)
    real, change = street.burst, ["UPDATE zone SET version = version + 1", "DELETE FROM zone"]

    def changing(*args: Any, **more: Any) -> Iterator[Any]:
        yield from real(*args, **more)
        with database.transaction() as session:
            session.execute(text(change.pop(0)))

    monkeypatch.setattr(bursting, "burst", changing)
    for seconds in (0, 61):
        assert looked(camera, street, Eye(WRONG), seconds).outcome == "taken"
    assert not change and row("SELECT count(*) AS n FROM finding").n == 0


def test_bursts_leave_threads_for_looks_and_come_later(
    camera: int, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(camera, "wrong_way", **ARROW)
    others = set(range(-settings().video_threads // 2, 0))
    monkeypatch.setattr(bursting, "_busy", others)
    assert looked(camera, street, Eye(WRONG)).leads == 0 and street.bursts == 0
    others.clear()
    assert looked(camera, street, Eye(WRONG), 0.5).leads == 1 and street.bursts == 1
    assert looked(camera, street, Eye(WRONG), 1.0).leads == 0 and street.bursts == 1


def test_no_second_recognition_of_what_has_long_gone(camera: int, street: Street) -> None:
    watched(camera, "wrong_way", **ARROW)
    looked(camera, street, Eye(WRONG))
    with database.transaction() as session:
        session.execute(text("UPDATE finding SET disposed_at = :at"), {"at": MORNING})
    for turn in range(1, 6):
        looked(camera, street, Eye(WRONG), float(turn))
    assert row("SELECT recheck FROM finding").recheck is None


class Reader:
    """A detector of a camera that shows numbers: a car that goes to the left as they grow."""

    name = "reader"

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        x = 60 - 0.5 * number_of(frame)
        return Detections(np.array([[x - 5, 10.0, x + 5, 30.0]]), np.array([0.9]), np.array([CAR]))


@pytest.mark.timeout(120)
def test_a_stream_of_a_real_server_is_looked_at_and_followed(
    town_copy: str, camera: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bursting, "SECONDS", 6.0)
    with database.transaction() as session:
        for table in ("finding", "sample", "calibration"):
            session.execute(text(f"DELETE FROM {table}"))
        code = session.scalar(text("SELECT code FROM camera WHERE id = :id"), {"id": camera})
    watched(camera, "wrong_way", arrow=[[1, 20], [50, 20]], travel_px=5)
    reel = Film.read(film(tmp_path / "reel.mp4", frames=100, gop=10))
    with RtspServer({"live": ServedCamera((reel,))}) as server:
        set_source(code, server.url("live"), 5.0, 60.0)
        began = dt.datetime.now(dt.UTC)
        done = look(camera, began, Reader())
    assert done.outcome == "taken" and error_of(camera) is None
    assert done.leads >= 1
    lead = row("SELECT * FROM finding ORDER BY id LIMIT 1")
    assert lead.rule == "wrong_way" and began <= lead.first_seen_at < lead.last_seen_at
    assert lead.last_seen_at <= dt.datetime.now(dt.UTC) and lead.evidence
