"""Model files become detectors: onnxruntime behind `analysis.vision.yolo`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states

from analysis.errors import Term
from analysis.vision.mirroring import Mirrored
from analysis.vision.nanodet import STRIDES, NanoDet, nanodet_rows
from analysis.vision.thresholds import Thresholded, Thresholds, parse_thresholds
from analysis.vision.tiling import Tiled
from analysis.vision.yolo import Detector, YoloV3Tiny, YoloX, yolox_rows
from geodata.errors import DetectorError, MissingAsset
from geodata.settings import Settings
from geodata.video.weights import MODEL_NAME

__all__ = ["load_detector", "load_model", "load_nanodet", "load_thresholds", "load_tiny", "load_yolox"]

THREADS = 1
"""Threads of a network; two on a machine with other work were up to twice slower than one."""

UNREADABLE = (
    states.EPFail,
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NotImplemented,
    states.RuntimeException,
    RuntimeError,
    ValueError,
)
LAYOUT = "It needs one input 1×3×h×w of fixed size and one output 1×n×85, as YOLOX exports without decoding."
NANODET_LAYOUT = (
    "It needs one input 1×3×h×w of fixed size, and for strides 8, 16 and 32 an output 1×n×80 of scores and one "
    "1×n×4·bins of distances, as NanoDet exports without decoding."
)
LAYOUTS = (
    "It needs one input 1×3×h×w of fixed size, and either one output 1×n×85 (YOLOX without decoding) or three "
    "outputs 1×n×80 and three 1×n×4·bins (NanoDet without decoding)."
)
COCO_CLASSES = 80
INPUT, OUTPUT = Term("input"), Term("output")


def load_detector(
    chosen: Settings,
    *,
    threads: int = THREADS,
    tile_overlap: float | None = None,
    mirrored: bool = False,
    thresholds: Thresholds | None = None,
) -> Detector:
    """
    The detector of this deployment.

    `TWIN_DETECTOR_MODEL` if it is set, in whichever layout it has, otherwise the yolov3-tiny that set-up converted.

    Parameters
    ----------
    chosen
        Names the model.
    threads
        Threads of the network; a process of a patrol uses one.
    tile_overlap
        Look at 2×2 tiles that overlap by this share of their side, in (0, 0.5], and at the whole frame; costs
        five looks. None looks at the whole frame alone.
    mirrored
        Look at the mirrored frame too, and put boxes where both looks agree; costs two looks.
    thresholds
        What a box needs to be reported, by model and class (`load_thresholds`). None reports every box down to
        the floor, as blurring needs it.

    Raises
    ------
    MissingAsset
        If the file is not there.
    DetectorError
        If it is not ONNX, or its inputs and outputs are not those of a layout that is known.
    InputError
        If the overlap is out of range, or the thresholds know nothing of the model.
    """
    detector: Detector
    if chosen.detector_model is not None:
        detector = load_model(chosen.detector_model, threads=threads)
    else:
        detector = load_tiny(chosen.models_dir / MODEL_NAME, threads=threads)
    if tile_overlap is not None:
        detector = Tiled(detector, tile_overlap)
    if mirrored:
        detector = Mirrored(detector)
    return detector if thresholds is None else Thresholded(detector, thresholds.of(detector.name))


def load_thresholds(path: Path) -> Thresholds:
    """
    The thresholds of a calibration file.

    Raises
    ------
    MissingAsset
        If the file is not there.
    DetectorError
        If it cannot be read as text.
    InputError
        If it is not as `analysis.vision.thresholds.parse_thresholds` wants it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise MissingAsset(
            "There is no file of thresholds at {path}.", "Correct the setting or unset it.", path=path
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DetectorError(
            "The thresholds in {path} cannot be read: {why}.",
            "Write them as TOML in UTF-8.",
            path=path.name,
            why=_first_line(error),
        ) from error
    return parse_thresholds(text)


def load_model(path: Path, *, threads: int = THREADS) -> Detector:
    """
    A model file in the layout that its inputs and outputs show: converted yolov3-tiny, YOLOX or NanoDet.

    Raises
    ------
    MissingAsset, DetectorError
        As `load_detector`; the message says which inputs and outputs there are and which are needed.
    """
    session = _session(_there(path), threads)
    heads = _heads(session)
    if heads is not None:
        return YoloV3Tiny(_Network(session, path.name), heads, name=path.stem)
    outputs = [each.shape for each in session.get_outputs()]
    if len(outputs) == 1 and len(outputs[0]) == 3 and outputs[0][2] == COCO_CLASSES + 5:
        return _yolox(session, path)
    if len(outputs) == 2 * len(STRIDES) and all(len(shape) == 3 for shape in outputs):
        return _nanodet(session, path)
    raise DetectorError(
        "{path} is ONNX but in no layout that is known: its inputs are {inputs}, its outputs {outputs}.",
        LAYOUTS,
        path=path.name,
        inputs=_told(session.get_inputs()),
        outputs=_told(session.get_outputs()),
    )


def load_tiny(path: Path, *, width_px: int = 768, height_px: int = 576, threads: int = THREADS) -> YoloV3Tiny:
    """Yolov3-tiny as `geodata.video.weights.fetch_weights` writes it; raises as `load_detector`."""
    if not path.is_file():
        raise MissingAsset(
            "The detector's weights are not at {path}.", "Run `make setup`, which fetches them.", path=path
        )
    session = _session(path, threads)
    heads = _heads(session)
    if heads is None:
        raise DetectorError(
            "{path} is not a yolov3-tiny that set-up converted: its heads are not described.",
            "Delete the file and run `make setup`; a YOLOX model goes in TWIN_DETECTOR_MODEL.",
            path=path.name,
        )
    return YoloV3Tiny(_Network(session, path.name), heads, width_px, height_px)


def load_yolox(path: Path, *, threads: int = THREADS) -> YoloX:
    """A model file in YOLOX layout; raises as `load_detector`."""
    return _yolox(_session(_there(path), threads), path)


def load_nanodet(path: Path, *, threads: int = THREADS) -> NanoDet:
    """A model file in NanoDet layout; raises as `load_detector`."""
    return _nanodet(_session(_there(path), threads), path)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise MissingAsset(
            "TWIN_DETECTOR_MODEL names {path}, which is not there.",
            "Correct the variable or unset it.",
            path=path,
        )
    return path


def _yolox(session: onnxruntime.InferenceSession, path: Path) -> YoloX:
    width_px, height_px = _input_size(session, path, "YOLOX", LAYOUT)
    outputs = session.get_outputs()
    out = outputs[0].shape if len(outputs) == 1 else []
    # A side that the export left open is a name or None.
    rows = out[1] if len(out) == 3 and isinstance(out[1], int) else yolox_rows(width_px, height_px)
    if len(out) != 3 or out[2] != COCO_CLASSES + 5 or rows != yolox_rows(width_px, height_px):
        raise _wrong_layout(path, "YOLOX", OUTPUT, outputs, LAYOUT)
    return YoloX(_Network(session, path.name), width_px, height_px, name=path.stem)


def _nanodet(session: onnxruntime.InferenceSession, path: Path) -> NanoDet:
    width_px, height_px = _input_size(session, path, "NanoDet", NANODET_LAYOUT)
    outputs = session.get_outputs()
    shapes = [tuple(each.shape[1:]) for each in outputs]
    wanted = nanodet_rows(width_px, height_px)
    plain = all(len(shape) == 2 and all(isinstance(side, int) for side in shape) for shape in shapes)
    depths = {last for _, last in shapes if last != COCO_CLASSES} if plain else set()
    depth = depths.pop() if len(depths) == 1 else 0
    names = [(rows, last) for last in (COCO_CLASSES, depth) for rows in wanted]
    if depth < 8 or depth % 4 or sorted(shapes) != sorted(names):
        raise _wrong_layout(path, "NanoDet", OUTPUT, outputs, NANODET_LAYOUT)
    order = [shapes.index(name) for name in names]
    return NanoDet(_Network(session, path.name, order), width_px, height_px, name=path.stem)


def _input_size(session: onnxruntime.InferenceSession, path: Path, kind: str, layout: str) -> tuple[int, int]:
    """Width and height of the one input, in pixels."""
    inputs = session.get_inputs()
    shape = inputs[0].shape if len(inputs) == 1 else []
    fixed = (
        len(shape) == 4
        and all(isinstance(side, int) for side in shape[1:])
        and inputs[0].type == "tensor(float)"
    )
    if not fixed or shape[1] != 3 or shape[2] % 32 or shape[3] % 32:
        raise _wrong_layout(path, kind, INPUT, inputs, layout)
    return shape[3], shape[2]


class _Network:
    """A session as a plain function of one batch; `order` says which output comes when, if not as they are."""

    def __init__(
        self, session: onnxruntime.InferenceSession, name: str, order: Sequence[int] | None = None
    ) -> None:
        self._session, self._name = session, name
        self._input = session.get_inputs()[0].name
        outputs = [each.name for each in session.get_outputs()]
        self._outputs = outputs if order is None else [outputs[row] for row in order]

    def __call__(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        try:
            return self._session.run(self._outputs, {self._input: batch})
        except UNREADABLE as error:
            raise DetectorError(
                "{name} failed on a frame: {why}.",
                "Check that the model takes frames of {shape}.",
                name=self._name,
                why=_first_line(error),
                shape=batch.shape,
            ) from error


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except UNREADABLE as error:
        raise DetectorError(
            "{path} is not an ONNX model that can be run: {why}.",
            "Give an ONNX file, or unset TWIN_DETECTOR_MODEL and run `make setup`.",
            path=path.name,
            why=_first_line(error),
        ) from error


def _heads(session: onnxruntime.InferenceSession) -> list[list[tuple[int, int]]] | None:
    """Anchors of each head, in the order of the outputs, as the converter noted them."""
    try:
        noted = json.loads(session.get_modelmeta().custom_metadata_map["heads"])
        named = {head["output"]: [(int(w), int(h)) for w, h in head["anchors"]] for head in noted}
        return [named[output.name] for output in session.get_outputs()]
    except (KeyError, TypeError, ValueError):
        return None


def _wrong_layout(
    path: Path, kind: str, side: Term, found: Sequence[onnxruntime.NodeArg], layout: str
) -> DetectorError:
    return DetectorError(
        "{path} is ONNX but not in {kind} layout: its {side} is {shapes}.",
        layout,
        path=path.name,
        kind=kind,
        side=side,
        shapes=_told(found),
    )


def _told(nodes: Sequence[onnxruntime.NodeArg]) -> str:
    """Inputs or outputs with their names and sides."""
    return ", ".join(f"{each.name} {'×'.join(map(str, each.shape))}" for each in nodes) or "–"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
