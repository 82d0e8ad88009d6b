"""Model files become detectors: onnxruntime behind `analysis.vision.yolo`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states

from analysis.vision.yolo import Detector, YoloV3Tiny, YoloX, yolox_rows
from geodata.errors import DetectorError, MissingAsset
from geodata.settings import Settings
from geodata.video.weights import MODEL_NAME

__all__ = ["load_detector", "load_tiny", "load_yolox"]

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


def load_detector(chosen: Settings, *, threads: int = THREADS) -> Detector:
    """
    The detector of this deployment.

    `TWIN_DETECTOR_MODEL` in YOLOX layout if it is set, otherwise the yolov3-tiny that set-up converted.

    Raises
    ------
    MissingAsset
        If the file is not there.
    DetectorError
        If it is not ONNX, or its inputs and outputs are not those of its kind.
    """
    if chosen.detector_model is not None:
        return load_yolox(chosen.detector_model, threads=threads)
    return load_tiny(chosen.models_dir / MODEL_NAME, threads=threads)


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
    if not path.is_file():
        raise MissingAsset(
            "TWIN_DETECTOR_MODEL names {path}, which is not there.",
            "Correct the variable or unset it.",
            path=path,
        )
    session = _session(path, threads)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape = inputs[0].shape if len(inputs) == 1 else []
    fixed = (
        len(shape) == 4
        and all(isinstance(side, int) for side in shape[1:])
        and inputs[0].type == "tensor(float)"
    )
    if not fixed or shape[1] != 3 or shape[2] % 32 or shape[3] % 32:
        raise _wrong_layout(path, "input", [each.shape for each in inputs])
    height_px, width_px = shape[2:]
    out = outputs[0].shape if len(outputs) == 1 else []
    # A side that the export left open is a name or None.
    rows = out[1] if len(out) == 3 and isinstance(out[1], int) else yolox_rows(width_px, height_px)
    if len(out) != 3 or out[2] != 85 or rows != yolox_rows(width_px, height_px):
        raise _wrong_layout(path, "output", [each.shape for each in outputs])
    return YoloX(_Network(session, path.name), width_px, height_px, name=path.stem)


class _Network:
    """A session as a plain function of one batch."""

    def __init__(self, session: onnxruntime.InferenceSession, name: str) -> None:
        self._session, self._name = session, name
        self._input = session.get_inputs()[0].name

    def __call__(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        try:
            return self._session.run(None, {self._input: batch})
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


def _wrong_layout(path: Path, side: str, shapes: list[object]) -> DetectorError:
    return DetectorError(
        "{path} is ONNX but not in YOLOX layout: its {side} is {shapes}.",
        LAYOUT,
        path=path.name,
        side=side,
        shapes=shapes,
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
