"""Patrols as they are written: whole, once, and with the second one prolonging what the first one found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from analysis.vision.detections import CAR, Detections
from geodata import database
from geodata.commands import patrol
from geodata.errors import DetectorError, MissingAsset, NotFound, StreamError
from geodata.queries.frames import read_table
from geodata.settings import settings
from geodata.video.clips import CLIP_NAME
from geodata.video.demonstration import demonstration
from geodata.video.weights import MODEL_NAME
from tests.conftest import may_look

pytestmark = pytest.mark.postgis

SEEN = ("sample", "detection", "finding")
needs_assets = pytest.mark.skipif(
    not may_look(), reason="run make setup: the detector's weights or the street clip are absent"
)


class Parked:
    """Sees one car that stands in the middle of the first zone."""

    name = "scripted"

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        x, y = np.mean(demonstration().zones[0].polygon_px, axis=0)
        return Detections(np.array([[x - 30, y - 40, x + 30, y]]), np.array([0.8]), np.array([CAR]))


@pytest.fixture
def own_folder(town_copy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder with two minutes of grey footage and no weights, over a town that nobody patrolled."""
    (tmp_path / "clips").mkdir()
    with av.open(str(tmp_path / "clips" / CLIP_NAME), "w", format="avi") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 768, 576, "yuv420p"
        for shade in range(120):
            image = np.full((576, 768, 3), 100 + shade % 8, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    with monkeypatch.context() as patch:
        patch.setenv("TWIN_DATA_DIR", str(tmp_path))
        settings.cache_clear()
        with database.transaction() as session:
            session.execute(text("TRUNCATE sample, detection, finding CASCADE"))
        yield tmp_path
    settings.cache_clear()


def counts() -> dict[str, int]:
    with database.connection() as conn:
        return {name: int(conn.scalar(text(f"SELECT count(*) FROM {name}")) or 0) for name in SEEN}


def findings() -> Any:
    with database.connection() as conn:
        return read_table(conn, "SELECT * FROM finding ORDER BY id")


def revisions() -> dict[str, int]:
    with database.connection() as conn:
        return {row.name: row.revision for row in conn.execute(text("SELECT name, revision FROM dataset"))}


def test_a_patrol_writes_what_it_looked_at_saw_and_found(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "load_detector", lambda _: Parked())
    at = revisions()
    told: list[int] = []
    [(code, samples, boxes, fresh)] = patrol.patrol_cameras(
        every_s=20, progress=lambda done, total, message: told.append(done)
    )
    assert (samples, boxes, fresh) == (6, 6, 1)
    assert counts() == {"sample": 6, "detection": 6, "finding": 1}
    assert told == sorted(told) and told[-1] == 100
    assert all(revisions()[name] > at.get(name, 0) for name in SEEN)
    with database.connection() as conn:
        looked = read_table(conn, "SELECT * FROM sample ORDER BY taken_at")
        [camera] = conn.execute(text("SELECT * FROM camera WHERE code = :code"), {"code": code}).all()
        inside, away_m = conn.execute(
            text(
                "SELECT ST_Covers(c.geom, f.geom), ST_Distance(ST_Transform(f.geom, 3067),"
                " ST_Transform(m.geom, 3067)) FROM finding f"
                " JOIN unit_cell c ON c.id = f.cell_id JOIN camera m ON m.id = f.camera_id"
            )
        ).one()
        now = conn.scalar(text("SELECT now()"))
        count = "SELECT count(*) FROM violation WHERE origin = 'finding'"
        leads = conn.scalar(text(count))
        conn.execute(text("UPDATE finding SET state = 'confirmed'"))
        shown = conn.scalar(text(count))
        conn.rollback()
    assert leads == 0, "a rule says lead, not case"
    assert looked["footage_s"].iloc[0] == 0 and looked["footage_s"].diff().dropna().between(15, 25).all()
    assert looked["taken_at"].max() <= now
    assert looked["simulated"].all() and looked["detector"].eq("scripted").all()
    [found] = findings().itertuples()
    assert (found.camera_id, found.label, found.class_code, found.simulated) == (
        camera.id,
        "car",
        "05-05",
        True,
    )
    assert found.dwell_s == pytest.approx(looked["footage_s"].max()) and found.confidence == pytest.approx(
        0.8
    )
    assert hashlib.sha256(found.evidence).hexdigest() == found.evidence_sha256
    still = cv2.imdecode(np.frombuffer(found.evidence, np.uint8), cv2.IMREAD_COLOR)
    assert still.shape == (576, 768, 3)
    assert inside and away_m <= camera.range_m
    assert shown == 1


def test_a_second_patrol_prolongs_what_still_stands(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "load_detector", lambda _: Parked())
    patrol.patrol_cameras(every_s=20)
    first = findings()
    [(_, samples, _, fresh)] = patrol.patrol_cameras(every_s=20)
    second = findings()
    assert fresh == 0 and samples == 6 and counts() == {"sample": 12, "detection": 12, "finding": 1}
    assert second["id"].equals(first["id"]) and second["first_seen_at"].equals(first["first_seen_at"])
    assert (second["last_seen_at"] > first["last_seen_at"]).all()
    # a recording that is played again proves no longer stay
    assert second["dwell_s"].equals(first["dwell_s"])
    with database.connection() as conn:
        pictured = conn.scalar(text("SELECT count(*) FROM sample WHERE picture IS NOT NULL"))
    assert pictured == 6


def test_what_stands_before_a_camera_of_the_town_grows_older(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "load_detector", lambda _: Parked())
    with database.transaction() as session:
        session.execute(text("UPDATE camera SET demonstration = false"))
    for _ in range(2):
        patrol.patrol_cameras(every_s=20)
        rows = findings()
        lasted = (rows["last_seen_at"] - rows["first_seen_at"]).dt.total_seconds()
        assert rows["dwell_s"].to_numpy() == pytest.approx(lasted.to_numpy())


def test_after_a_long_absence_it_is_another_finding(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "load_detector", lambda _: Parked())
    patrol.patrol_cameras(every_s=20)
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE finding SET first_seen_at = first_seen_at - interval '2 days',"
                " last_seen_at = last_seen_at - interval '2 days'"
            )
        )
    patrol.patrol_cameras(every_s=20)
    assert counts()["finding"] == 2


def _no_clip(folder: Path) -> None:
    (folder / "clips" / CLIP_NAME).unlink()


def _broken_clip(folder: Path) -> None:
    (folder / "clips" / CLIP_NAME).write_bytes(b"RIFF" + bytes(5000))


def _short_clip(folder: Path) -> None:
    clip = folder / "clips" / CLIP_NAME
    clip.write_bytes(clip.read_bytes()[:600])


@pytest.mark.parametrize("spoil", [_no_clip, _broken_clip, _short_clip], ids=lambda spoil: spoil.__name__)
def test_footage_that_cannot_be_read_leaves_nothing(
    spoil: Any, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "load_detector", lambda _: Parked())
    spoil(own_folder)
    at = revisions()
    with pytest.raises((StreamError, MissingAsset)):
        patrol.patrol_cameras()
    assert counts() == dict.fromkeys(SEEN, 0) and revisions() == at


@pytest.mark.parametrize("url", ["rtsp://camera/1", "clip:", "clip:../secret.avi", "clip:/etc/passwd"])
def test_an_address_that_is_no_footage_here_is_named(
    url: str, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "load_detector", lambda _: Parked())
    with database.transaction() as session:
        session.execute(text("UPDATE camera SET stream_url = :url WHERE demonstration"), {"url": url})
    with pytest.raises(StreamError, match=r"not footage on this machine.*clip:NAME"):
        patrol.patrol_cameras()
    assert counts() == dict.fromkeys(SEEN, 0)


def test_a_model_that_is_missing_or_not_onnx_leaves_nothing(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingAsset, match="make setup"):
        patrol.patrol_cameras()
    (own_folder / "models").mkdir()
    (own_folder / "models" / MODEL_NAME).write_bytes(b"not a model")
    with pytest.raises(DetectorError, match="not an ONNX model"):
        patrol.patrol_cameras()
    other = own_folder / "other.onnx"
    other.write_text("<html>")
    monkeypatch.setattr(settings(), "detector_model", other)
    with pytest.raises(DetectorError, match="not an ONNX model"):
        patrol.patrol_cameras()
    assert counts() == dict.fromkeys(SEEN, 0)


def test_a_camera_is_written_whole_or_not_at_all(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patrol, "load_detector", lambda _: Parked())
    monkeypatch.setattr(patrol, "_write_findings", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        patrol.patrol_cameras(every_s=20)
    assert counts() == dict.fromkeys(SEEN, 0)


def test_no_such_camera_and_no_footage_at_all_are_told(own_folder: Path) -> None:
    with pytest.raises(NotFound, match="no camera 123 with footage"):
        patrol.patrol_cameras("123")
    with database.transaction() as session:
        session.execute(text("UPDATE camera SET stream_url = NULL"))
    with pytest.raises(NotFound, match="No camera has footage"):
        patrol.patrol_cameras()


@needs_assets
def test_the_town_was_patrolled_with_the_real_detector(town_database: str) -> None:
    found = findings()
    assert counts()["sample"] >= 8 and counts()["detection"] > 30
    assert len(found) == 2 and set(found["label"]) <= {"car", "truck", "bus"}
    assert (found["dwell_s"] >= 60).all() and found["cell_id"].notna().all()
