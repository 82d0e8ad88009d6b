"""The converted model, kept golden; the YOLOX layout; model files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from analysis.errors import InputError
from analysis.vision.detections import CAR, PERSON, TRUCK, Detections, box_iou
from analysis.vision.yolo import TINY_HEADS, Detector
from geodata.errors import DetectorError, MissingAsset
from geodata.settings import ROOT, Settings, settings
from geodata.video.clips import CLIP_NAME
from geodata.video.detector import (
    load_detector,
    load_model,
    load_nanodet,
    load_thresholds,
    load_tiny,
    load_yolox,
)
from geodata.video.streams import Frame, sample
from geodata.video.weights import MODEL_NAME, has_weights

SHARED = ROOT.parent / "shared" / "data" / "video"
TRUTH = SHARED / "clips" / "PETS09-S2L1.gt.txt"
YOLOX = SHARED / "models" / "yolox_nano_416x416.onnx"
NANODET = SHARED / "models" / "nanodet_m_416.onnx"
CENTERNET = SHARED / "models" / "centernet_mb3_512.onnx"
WHITE_VAN, BLUE_CAR = [651, 42, 719, 96], [731, 47, 768, 98]


@pytest.fixture(scope="module")
def weights() -> Path:
    path = settings().models_dir / MODEL_NAME
    if not path.is_file():
        pytest.skip("run make setup: the detector's weights are absent")
    return path


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    clip = settings().clips_dir / CLIP_NAME
    if not clip.is_file():
        pytest.skip("run make setup: the demonstration clip is absent")
    return list(sample(clip, 3))


@pytest.fixture(scope="module")
def yolox() -> Path:
    if not YOLOX.is_file():
        pytest.skip("the shared YOLOX model is absent")
    return YOLOX


def pattern() -> NDArray[np.float32]:
    """A fixed 64×96 picture: ramps in red and green, a chessboard in blue."""
    y, x = np.mgrid[0:64, 0:96].astype(np.float32)
    return np.stack([x / 95, y / 63, (x // 8 + y // 8) % 2])[None].astype(np.float32)


def average_precision(seen: dict[int, Detections], truth: dict[int, NDArray[np.float64]]) -> float:
    """Area under precision over recall at IoU 0.5, each true box taken once, surest first in its frame."""
    scored = []
    for number, boxes in truth.items():
        found, taken = seen[number], np.zeros(len(boxes), bool)
        for box, score in zip(found.boxes, found.scores, strict=True):
            overlap = np.where(taken, -1, box_iou(box[None], boxes)[0])
            best = int(overlap.argmax())
            hit = overlap[best] >= 0.5
            taken[best] |= hit
            scored.append((score, hit))
    scored.sort(key=lambda each: -each[0])
    hits = np.cumsum([hit for _, hit in scored])
    recall = hits / sum(map(len, truth.values()))
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0) * envelope))


def people_precision(detector: Detector, frames: list[Frame]) -> float:
    if not TRUTH.is_file():
        pytest.skip("the shared ground truth is absent")
    rows = np.loadtxt(TRUTH, delimiter=",")
    rows = rows[rows[:, 6] > 0]
    truth = {}
    for frame in frames:
        mine = rows[rows[:, 0] == frame.index + 1]
        truth[frame.index] = np.column_stack([mine[:, 2:4], mine[:, 2:4] + mine[:, 4:6]])
    seen = {frame.index: detector.detect(frame.image).of({PERSON}) for frame in frames}
    return average_precision(seen, truth)


def assert_sees(found: Detections, box: list[int], kind: int) -> None:
    overlap = box_iou(np.array([box], float), found.of({kind}).boxes)
    assert overlap.size and overlap.max() > 0.75
    assert found.of({kind}).scores[overlap.argmax()] > 0.6


def test_the_converted_model_keeps_its_golden_values(weights: Path) -> None:
    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    coarse, fine = session.run(None, {"images": pattern()})
    assert coarse.shape == (1, 255, 2, 3) and fine.shape == (1, 255, 4, 6)
    np.testing.assert_allclose(coarse[0, [4, 100, 200], 1, 1], [-3.796764, -7.683493, -4.957031], atol=2e-3)
    np.testing.assert_allclose(fine[0, [4, 100, 200], 1, 1], [-8.906132, -6.948904, -6.629255], atol=2e-3)
    assert [coarse.mean(), coarse.std()] == pytest.approx([-5.734183, 2.095314], abs=1e-3)
    assert [fine.mean(), fine.std()] == pytest.approx([-7.028808, 2.596644], abs=1e-3)


def test_onnxruntime_computes_what_plain_numpy_computes(weights: Path) -> None:
    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    plain = ReferenceEvaluator(onnx.load(weights)).run(None, {"images": pattern()})
    for ours, wanted in zip(session.run(None, {"images": pattern()}), plain, strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-3)


def test_the_heads_come_from_the_model(weights: Path) -> None:
    assert has_weights(weights)
    assert load_tiny(weights).heads == [list(head) for head in TINY_HEADS]


def test_yolov3_tiny_finds_people_and_both_parked_vehicles(weights: Path, frames: list[Frame]) -> None:
    detector = load_tiny(weights)
    found = detector.detect(frames[0].image)
    assert_sees(found, WHITE_VAN, TRUCK)
    assert_sees(found, BLUE_CAR, CAR)
    assert people_precision(detector, frames) >= 0.85


def test_yolox_finds_people_and_both_parked_vehicles(yolox: Path, frames: list[Frame]) -> None:
    detector = load_detector(Settings(detector_model=yolox))
    assert detector.name == "yolox_nano_416x416"
    found = detector.detect(frames[0].image)
    assert_sees(found, WHITE_VAN, TRUCK)
    assert_sees(found, BLUE_CAR, CAR)
    assert people_precision(detector, frames) >= 0.85


def test_no_weights_say_make_setup(tmp_path: Path) -> None:
    with pytest.raises(MissingAsset, match="make setup"):
        load_detector(Settings(data_dir=tmp_path, detector_model=None))
    with pytest.raises(MissingAsset, match="TWIN_DETECTOR_MODEL"):
        load_detector(Settings(detector_model=tmp_path / "gone.onnx"))


def test_a_file_that_is_not_onnx_says_so(tmp_path: Path) -> None:
    for content in (b"", b"not a model", bytes(range(256)) * 40):
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        for load in (load_tiny, load_yolox):
            with pytest.raises(DetectorError, match="not an ONNX model") as caught:
                load(path)
            assert caught.value.mend


def test_a_model_cut_short_says_so(weights: Path, tmp_path: Path) -> None:
    cut = tmp_path / MODEL_NAME
    cut.write_bytes(weights.read_bytes()[:1_000_000])
    assert not has_weights(cut)
    with pytest.raises(DetectorError):
        load_tiny(cut)


def shared(model: Path) -> Path:
    if not model.is_file():
        pytest.skip(f"{model.name} of ../shared/data is not here")
    return model


def made(path: Path, into: list[int], outs: dict[str, list[int]]) -> Path:
    """A model of these shapes that gives zeros, whatever it is shown."""
    shapes = {name: f"shape_of_{name}" for name in outs}
    graph = helper.make_graph(
        [helper.make_node("ConstantOfShape", [shapes[name]], [name]) for name in outs],
        "other",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, into)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outs.items()],
        [helper.make_tensor(shapes[name], TensorProto.INT64, [len(s)], s) for name, s in outs.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def nanodet_shapes(classes: int = 80, distances: int = 32, rows: tuple[int, ...] = (192, 48, 12)):
    """Outputs of the NanoDet layout for 128×96 px, not in their usual order."""
    outs = {f"dis_{n}": [1, n, distances] for n in rows}
    return {**outs, **{f"cls_{n}": [1, n, classes] for n in reversed(rows)}}


def test_nanodet_finds_people_and_both_parked_vehicles(frames: list[Frame]) -> None:
    detector = load_detector(Settings(detector_model=shared(NANODET)))
    assert detector.name == "nanodet_m_416"
    found = detector.detect(frames[0].image)
    golden = [[500, 155, 530, 231], [643, 241, 685, 321], [251, 217, 282, 307]]
    people = found.of({PERSON}).at_least(0.6)
    assert len(people) == 3
    assert (box_iou(np.array(golden, float), people.boxes).max(axis=1) > 0.9).all()
    for box, kind in ((WHITE_VAN, TRUCK), (BLUE_CAR, CAR)):
        assert box_iou(np.array([box], float), found.of({kind}).boxes).max() > 0.75
    assert people_precision(detector, frames) >= 0.75


def test_the_setting_takes_the_converted_model_too(weights: Path, frames: list[Frame]) -> None:
    named = load_detector(Settings(detector_model=weights))
    assert named.name == "yolov3-tiny"
    ours, default = (each.detect(frames[0].image) for each in (named, load_tiny(weights)))
    np.testing.assert_array_equal(ours.boxes, default.boxes)


def test_the_layout_is_told_from_inputs_and_outputs(tmp_path: Path) -> None:
    square = [1, 3, 96, 128]
    nanodet = load_model(made(tmp_path / "n.onnx", square, nanodet_shapes()))
    yolox = load_model(made(tmp_path / "y.onnx", square, {"out": [1, 252, 85]}))
    assert [type(each).__name__ for each in (nanodet, yolox)] == ["NanoDet", "YoloX"]
    picture = np.zeros((96, 128, 3), np.uint8)
    assert len(nanodet.detect(picture)) == 0 and len(yolox.detect(picture)) == 0


def test_a_model_of_no_known_layout_says_what_was_found_and_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=r"tower_0/images 1×3×512×512.*keypoints 1×80×128×128") as caught:
        load_detector(Settings(detector_model=shared(CENTERNET)))
    assert "1×n×85" in caught.value.mend and "1×n×80" in caught.value.mend


@pytest.mark.parametrize(
    ("into", "outs", "word"),
    [
        ([1, 3, 96, 128], nanodet_shapes(classes=90), "its output"),
        ([1, 3, 96, 128], nanodet_shapes(distances=30), "its output"),
        ([1, 3, 96, 128], nanodet_shapes(rows=(192, 48, 13)), "its output"),
        ([1, 3, 100, 128], nanodet_shapes(), "its input"),
        ([1, 4, 96, 128], nanodet_shapes(), "its input"),
    ],
)
def test_a_nanodet_of_other_shapes_names_them(
    tmp_path: Path, into: list[int], outs: dict[str, list[int]], word: str
) -> None:
    path = made(tmp_path / "other.onnx", into, outs)
    for load in (load_nanodet, load_model):
        with pytest.raises(DetectorError, match=f"not in NanoDet layout: {word}"):
            load(path)


def test_tiles_see_people_too_small_for_the_whole_frame(weights: Path, frames: list[Frame]) -> None:
    """The frame at half its size, where the bare detector misses most people."""
    small = np.full((576, 768, 3), 127, np.uint8)
    small[:288, :384] = frames[0].image[::2, ::2]
    chosen = Settings(detector_model=weights)
    bare, tiled = load_detector(chosen), load_detector(chosen, tile_overlap=0.25)
    assert tiled.name == "yolov3-tiny-2x2"
    seen = [len(each.detect(small).of({PERSON}).at_least(0.4)) for each in (bare, tiled)]
    assert seen[1] > seen[0]


def test_thresholds_of_a_file_are_applied_to_the_model_they_name(weights: Path, tmp_path: Path) -> None:
    file = tmp_path / "thresholds.toml"
    file.write_text("[yolov3-tiny]\nperson = 0.9\n")
    chosen = Settings(detector_model=weights)
    strict = load_detector(chosen, thresholds=load_thresholds(file))
    assert strict.name == "yolov3-tiny"
    file.write_text("[yolox]\nperson = 0.9\n")
    with pytest.raises(InputError, match="no thresholds for the model 'yolov3-tiny'"):
        load_detector(chosen, thresholds=load_thresholds(file))


def test_thresholds_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    with pytest.raises(MissingAsset, match="no file of thresholds"):
        load_thresholds(tmp_path / "gone.toml")
    with pytest.raises(MissingAsset, match="no file of thresholds"):
        load_thresholds(tmp_path)
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DetectorError, match="cannot be read"):
        load_thresholds(tmp_path / "odd.toml")


@pytest.mark.parametrize(
    ("into", "out", "word"),
    [
        ([1, 3, 416, 416], [1, 3549, 84], "its output"),
        ([1, 3, 416, 416], [1, 100, 85], "its output"),
        ([1, 1, 416, 416], [1, 3549, 85], "its input"),
        ([1, 3, 400, 416], [1, 3549, 85], "its input"),
        ([1, 10], [1, 85], "its input"),
    ],
)
def test_a_model_of_another_layout_names_its_shapes(
    tmp_path: Path, into: list[int], out: list[int], word: str
) -> None:
    path = made(tmp_path / "other.onnx", into, {"rows": out})
    with pytest.raises(DetectorError, match=word):
        load_yolox(path)
    with pytest.raises(DetectorError, match="not a yolov3-tiny"):
        load_tiny(path)


def test_a_mirrored_look_sees_the_same_people_and_vehicles(weights: Path, frames: list[Frame]) -> None:
    detector = load_detector(Settings(detector_model=weights), mirrored=True)
    assert detector.name == "yolov3-tiny-mirrored"
    found = detector.detect(frames[0].image)
    assert_sees(found, WHITE_VAN, TRUCK)
    assert_sees(found, BLUE_CAR, CAR)
    assert people_precision(detector, frames) >= 0.85
