"""A patrol from clip to findings: a scripted detector, and the demonstration camera with the real one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.calibration import fit_homography
from analysis.vision.detections import CAR, PERSON, VEHICLE_CLASSES, Detections
from analysis.vision.standing import ImageZone, StandingRule
from analysis.vision.yolo import Detector
from geodata.errors import StreamError
from geodata.settings import ROOT, settings
from geodata.video.clips import CLIP_NAME
from geodata.video.demonstration import demonstration
from geodata.video.detector import load_tiny, load_yolox
from geodata.video.patrol import PatrolResult, patrol_clip
from geodata.video.weights import MODEL_NAME

START = datetime(2024, 5, 1, 8, tzinfo=UTC)
ZONE = ImageZone("kerb", ((0, 40), (160, 40), (160, 120), (0, 120)), StandingRule(dwell_s=2))
PARKED = [40.0, 50, 90, 80]
YOLOX = ROOT.parent / "shared" / "data" / "video" / "models" / "yolox_nano_416x416.onnx"


class Scripted:
    """Sees a parked car, surest in the seventh frame it is shown, and a passer-by in every frame."""

    name = "scripted"

    def __init__(self) -> None:
        self.shown = 0

    def detect(self, frame: NDArray[np.uint8]) -> Detections:
        self.shown += 1
        score = 0.9 if self.shown == 7 else 0.7
        boxes = np.array([PARKED, [100 + self.shown, 40, 110 + self.shown, 100]])
        return Detections(boxes, np.array([score, 0.1]), np.array([CAR, PERSON]))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of noise, 160×120 px."""
    path = tmp_path_factory.mktemp("patrol") / "noise.mp4"
    noise = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 160, 120, "yuv420p", 4_000_000
        stream.codec_context.gop_size = 100
        stream.options = {"sc_threshold": "1000000000"}
        for _ in range(80):
            image = noise.integers(0, 256, (120, 160, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def test_samples_findings_place_and_evidence(clip: Path) -> None:
    ground = fit_homography([[0, 20], [160, 20], [160, 120], [0, 120]], [[0, 20], [16, 20], [16, 0], [0, 0]])
    heard: list[float] = []
    result = patrol_clip(
        clip, Scripted(), every_s=0.5, zones=[ZONE], calibration=ground, start_at=START, progress=heard.append
    )
    assert [sample.time_s for sample in result.samples] == pytest.approx(np.arange(16) / 2)
    assert [sample.frame_index for sample in result.samples] == list(range(0, 80, 5))
    assert result.samples[3].at == START + timedelta(seconds=1.5)
    assert (result.samples[0].width_px, result.samples[0].height_px) == (160, 120)
    # The passer-by is too unsure to be recorded, yet is blurred below.
    assert all(sample.detections.classes.tolist() == [CAR] for sample in result.samples)
    assert heard == sorted(heard) and heard[-1] == 1

    [finding] = result.findings
    assert finding.zone == "kerb" and finding.rule == ZONE.rule and finding.vehicle_class == CAR
    assert finding.box_px == pytest.approx(PARKED) and finding.confidence == pytest.approx(0.7)
    assert finding.dwell_s == pytest.approx(7.5)
    assert (finding.first_seen_at, finding.last_seen_at) == (START, START + timedelta(seconds=7.5))
    assert finding.ground_m == pytest.approx((6.5, 8.0)) and 0 < finding.ground_error_m < 1
    assert finding.evidence_index == 6

    still = cv2.imdecode(np.frombuffer(finding.evidence_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert still.shape == (120, 160, 3)
    assert still[40:58, 107:117].std() < 0.4 * still[50:80, 40:90].std()


def test_without_zones_there_are_samples_and_no_findings(clip: Path) -> None:
    result = patrol_clip(clip, Scripted(), every_s=2, zones=[], start_at=START)
    assert len(result.samples) == 4 and result.findings == [] and result.watched_s == pytest.approx(8)


def test_without_calibration_or_above_the_horizon_a_finding_has_no_place(clip: Path) -> None:
    # A view with its horizon at y = 90, below the parked car's foot at 80.
    pixels = np.array([[0, 100], [160, 100], [160, 120], [0, 120]])
    ground = np.array([[10 * (x - 80) / (y - 90), 1000 / (y - 90)] for x, y in pixels.astype(float)])
    for calibration in (None, fit_homography(pixels, ground)):
        result = patrol_clip(
            clip, Scripted(), every_s=0.5, zones=[ZONE], calibration=calibration, start_at=START
        )
        assert [(each.ground_m, each.ground_error_m) for each in result.findings] == [(None, None)]


def test_bad_input_is_named_before_anything_is_decoded(clip: Path, tmp_path: Path) -> None:
    def patrol(
        path: Path = clip, zones: tuple[ImageZone, ...] = (ZONE,), start_at: datetime = START
    ) -> PatrolResult:
        return patrol_clip(path, Scripted(), every_s=1, zones=zones, start_at=start_at)

    with pytest.raises(InputError, match="no time zone"):
        patrol(start_at=START.replace(tzinfo=None))
    with pytest.raises(InputError, match="same name"):
        patrol(zones=(ZONE, ZONE))
    with pytest.raises(InputError, match="outside the picture of 160×120"):
        patrol(zones=(ImageZone("far", ((500, 0), (600, 0), (600, 9)), ZONE.rule),))
    with pytest.raises(StreamError, match="no footage"):
        patrol(path=tmp_path / "gone.mp4")


def demonstrate(detector: Detector, every_s: float) -> PatrolResult:
    scene = demonstration()
    return patrol_clip(
        settings().clips_dir / scene.clip,
        detector,
        every_s=every_s,
        zones=scene.zones,
        calibration=scene.calibration(),
        start_at=START,
    )


def assert_both_vehicles(result: PatrolResult) -> None:
    assert sorted(finding.zone for finding in result.findings) == ["double_line", "gate"]
    for finding in result.findings:
        assert finding.vehicle_class in VEHICLE_CLASSES and finding.confidence > 0.6
        assert finding.dwell_s >= 70
        assert finding.ground_m == pytest.approx((18.9, -5.2), abs=1.7) and finding.ground_error_m < 0.7
        assert len(finding.evidence_jpeg) > 20_000


def test_the_demonstration_camera_knows_its_ground() -> None:
    scene = demonstration()
    fit = scene.calibration()
    assert scene.clip == CLIP_NAME and set(scene.titles) == {zone.name for zone in scene.zones}
    assert fit.rmse_m < 0.05 and fit.max_m < 0.07
    # The pose agrees with the reference points: the axis meets the ground in the picture's middle.
    axis = np.radians(scene.pose.axis_deg)
    reach = scene.pose.height_m / np.tan(np.radians(-scene.pose.tilt_deg))
    aimed = np.add(scene.pose.position_m, [reach * np.cos(axis), reach * np.sin(axis)])
    np.testing.assert_allclose(fit.to_ground([[384, 288]])[0], aimed, atol=0.5)


@pytest.mark.parametrize("every_s", [5, 10])
def test_the_demonstration_finds_both_parked_vehicles_and_nobody_else(every_s: float) -> None:
    model, clip = settings().models_dir / MODEL_NAME, settings().clips_dir / CLIP_NAME
    if not (model.is_file() and clip.is_file()):
        pytest.skip("run make setup: weights or clip are absent")
    result = demonstrate(load_tiny(model), every_s)
    assert_both_vehicles(result)
    assert sum(len(sample.detections.of({PERSON})) for sample in result.samples) > 3 * len(result.samples)


def test_yolox_finds_the_same_vehicles() -> None:
    if not (YOLOX.is_file() and (settings().clips_dir / CLIP_NAME).is_file()):
        pytest.skip("the shared YOLOX model or the clip (make setup) is absent")
    assert_both_vehicles(demonstrate(load_yolox(YOLOX), 5))
