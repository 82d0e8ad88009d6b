"""
Darknet to ONNX: the few layers that yolov3-tiny is made of.

OpenCV 5 no longer reads Darknet files, so the network is rewritten once as ONNX, batch normalisation folded
into the convolutions, and run by onnxruntime. Height and width stay free (multiples of 32).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from analysis.errors import InputError

__all__ = ["CONVERTER_REVISION", "Section", "fingerprint", "parse_config", "to_onnx"]

CONVERTER_REVISION = 1
"""Raised when the same weights would give another graph, so that set-up converts again."""

OPSET, IR_VERSION = 18, 9

TINY_ANCHORS = 6


@dataclass(frozen=True, slots=True)
class Section:
    """One `[kind]` of a Darknet configuration with its options, and the line it begins on."""

    kind: str
    options: dict[str, str]
    line: int

    def number(self, name: str, default: int | None = None) -> int:
        """Option `name` as a whole number; InputError names the section if it is absent or not one."""
        text = self.options.get(name)
        if text is None and default is not None:
            return default
        try:
            return int(text or "")
        except ValueError:
            raise InputError(
                "[{kind}] on line {line}: {name} is {text!r}, not a whole number.",
                "Use the configuration that belongs to the weights.",
                kind=self.kind,
                line=self.line,
                name=name,
                text=text,
            ) from None

    def numbers(self, name: str) -> list[int]:
        """Option `name` as whole numbers separated by commas."""
        parts = self.options.get(name, "").split(",")
        return [Section(self.kind, {name: part.strip()}, self.line).number(name) for part in parts]


def parse_config(text: str) -> list[Section]:
    """
    Sections of a Darknet configuration, in order.

    Raises
    ------
    InputError
        If a line is neither `[section]`, `name=value`, a comment nor blank, or an option stands before any
        section.
    """
    sections: list[Section] = []
    for row, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].strip()
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            sections.append(Section(line[1:-1].strip(), {}, row))
        elif "=" in line and sections:
            name, value = line.split("=", 1)
            sections[-1].options[name.strip()] = value.strip()
        else:
            raise InputError(
                "Line {row} of the Darknet configuration, {line!r}, is neither [section] nor name=value.",
                "Use a .cfg file of Darknet.",
                row=row,
                line=line[:40],
            )
    if not sections or sections[0].kind not in ("net", "network"):
        raise InputError(
            "The Darknet configuration does not begin with [net].", "Use a .cfg file of Darknet."
        )
    return sections


def to_onnx(config: str, weights: bytes) -> onnx.ModelProto:
    """
    The ONNX model of a Darknet network of convolution, max-pool, route, upsample and yolo layers.

    Parameters
    ----------
    config
        Text of the `.cfg` file.
    weights
        Bytes of the `.weights` file.

    Returns
    -------
    model
        Input `images` (1, 3, h, w), RGB in [0, 1], h and w multiples of 32. One raw output a yolo layer, in
        the order of the configuration, (1, 3·(5 + classes), h/stride, w/stride), before any sigmoid.
        `metadata_props`: `heads`, JSON list of {output, anchors}, px of the input; `fingerprint`; `revision`.

    Raises
    ------
    InputError
        If a layer or an activation is not among those above, or the weights are longer or shorter than the
        configuration asks.

    Notes
    -----
    The published yolov3-tiny configuration says `mask = 0,1,2` for the finer of its two heads, while the
    published weights were trained with `1,2,3`. The mask picks the anchors that box sizes are multiplied by,
    so with the written mask every box of that head comes out at about half its size (10×14 px where 23×27 was
    learned, and so on). A head of that form is read as `1,2,3`; see `_anchor_numbers`.

    References
    ----------
    .. [1] Redmon & Farhadi (2018), YOLOv3: An incremental improvement.
    """
    net, *layers = parse_config(config)
    writer = _Writer(_read_floats(weights), channels=net.number("channels", 3))
    yolos = [layer for layer in layers if layer.kind == "yolo"]
    if not yolos:
        raise InputError(
            "The Darknet configuration has no [yolo] layer.", "Use the .cfg file of a YOLOv3 detector."
        )
    for layer in layers:
        writer.add(layer)
    if writer.used != len(writer.floats):
        raise InputError(
            "The weights hold {held} numbers but the configuration uses {used}.",
            "Use the .cfg and .weights files of the same network.",
            held=len(writer.floats),
            used=writer.used,
        )
    heads = [
        {"output": name, "anchors": [_anchors(layer)[number] for number in _anchor_numbers(layer, yolos)]}
        for name, layer in zip(writer.heads, yolos, strict=True)
    ]
    images = _tensor("images", writer.first_channels)
    outputs = [_tensor(*head) for head in zip(writer.heads, writer.head_channels, strict=True)]
    graph = helper.make_graph(writer.nodes, "darknet", [images], outputs, writer.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="huiyan")
    model.ir_version = IR_VERSION
    facts = {
        "heads": json.dumps(heads),
        "revision": str(CONVERTER_REVISION),
        "fingerprint": fingerprint(model),
    }
    helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    return model


def fingerprint(model: onnx.ModelProto) -> str:
    """SHA-256 of every constant of the graph, in order; shows whether a stored model is whole."""
    digest = hashlib.sha256()
    for constant in model.graph.initializer:
        digest.update(constant.name.encode())
        digest.update(constant.raw_data)
    return digest.hexdigest()


@dataclass(slots=True)
class _Writer:
    """Walks the layers, taking weights from the front and appending graph nodes."""

    floats: NDArray[np.float32]
    channels: int
    used: int = 0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    head_channels: list[int] = field(default_factory=list)
    first_channels: int = 0

    def __post_init__(self) -> None:
        self.first_channels = self.channels

    @property
    def here(self) -> str:
        """Name of the tensor the next layer reads."""
        return self.names[-1] if self.names else "images"

    def add(self, layer: Section) -> None:
        kinds: dict[str, Callable[[Section, str], str]] = {
            "convolutional": self._convolution,
            "maxpool": self._max_pool,
            "route": self._route,
            "upsample": self._upsample,
            "yolo": self._yolo,
        }
        if layer.kind not in kinds:
            raise InputError(
                "Line {line}: the Darknet layer [{kind}] is not one that can be converted.",
                "It must be one of {known}; yolov3-tiny has no other.",
                line=layer.line,
                kind=layer.kind,
                known=", ".join(kinds),
            )
        self.names.append(kinds[layer.kind](layer, f"layer{len(self.names)}"))
        self.widths.append(self.channels)

    def _take(self, count: int) -> NDArray[np.float32]:
        part = self.floats[self.used : self.used + count]
        if len(part) < count:
            raise InputError(
                "The weights end after {held} numbers, in layer {layer} of the configuration.",
                "The file is cut short or belongs to another network: fetch it again.",
                held=len(self.floats),
                layer=len(self.names),
            )
        self.used += count
        return part

    def _constant(self, name: str, values: NDArray[np.float32]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float32), name))
        return name

    def _convolution(self, layer: Section, name: str) -> str:
        filters, size = layer.number("filters"), layer.number("size", 1)
        stride, groups = layer.number("stride", 1), layer.number("groups", 1)
        activation = layer.options.get("activation", "linear")
        if activation not in ("leaky", "linear") or groups != 1:
            raise InputError(
                "Line {line}: a convolution, {activation!r} in {groups} group(s), is unknown here.",
                "Only leaky or linear ones in one group can be converted; yolov3-tiny has no other.",
                line=layer.line,
                activation=activation,
                groups=groups,
            )
        # Order in the file: biases, then scales, means and variances if normalised, then the kernel.
        bias = self._take(filters)
        scale = np.ones(filters, dtype=np.float32)
        if layer.number("batch_normalize", 0):
            gamma, mean, variance = self._take(filters), self._take(filters), self._take(filters)
            scale = (gamma / (np.sqrt(variance) + np.float32(1e-6))).astype(np.float32)
            bias = (bias - mean * scale).astype(np.float32)
        kernel = self._take(filters * self.channels * size * size).reshape(filters, self.channels, size, size)
        pad = size // 2 if layer.number("pad", 0) else layer.number("padding", 0)
        linear = name if activation == "linear" else f"{name}_linear"
        self._node(
            "Conv",
            [
                self.here,
                self._constant(f"{name}_kernel", kernel * scale[:, None, None, None]),
                self._constant(f"{name}_bias", bias),
            ],
            linear,
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[pad] * 4,
        )
        if activation == "leaky":
            self._node("LeakyRelu", [linear], name, alpha=0.1)
        self.channels = filters
        return name

    def _max_pool(self, layer: Section, name: str) -> str:
        size, stride = layer.number("size"), layer.number("stride", 1)
        # Darknet pads size - 1 in all, the odd one at the right and below: SAME_UPPER, also at stride 1.
        shape = {"kernel_shape": [size, size], "strides": [stride, stride], "auto_pad": "SAME_UPPER"}
        self._node("MaxPool", [self.here], name, **shape)
        return name

    def _route(self, layer: Section, name: str) -> str:
        own = len(self.names)
        sources = [number if number >= 0 else own + number for number in layer.numbers("layers")]
        if any(not 0 <= source < own for source in sources):
            raise InputError(
                "Line {line}: [route] names layer(s) {sources}, but only {own} stand before it.",
                "Use the configuration that belongs to the weights.",
                line=layer.line,
                sources=sources,
                own=own,
            )
        self._node("Concat", [self.names[source] for source in sources], name, axis=1)
        self.channels = sum(self.widths[source] for source in sources)
        return name

    def _upsample(self, layer: Section, name: str) -> str:
        stride = layer.number("stride", 2)
        scales = self._constant(f"{name}_scales", np.array([1, 1, stride, stride], dtype=np.float32))
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        self._node("Resize", [self.here, "", scales], name, **how)
        return name

    def _yolo(self, layer: Section, name: str) -> str:
        per_anchor, rest = divmod(self.channels, len(layer.numbers("mask")))
        if rest or per_anchor != 5 + layer.number("classes"):
            raise InputError(
                "Line {line}: [yolo] with {classes} classes cannot read {channels} channels.",
                "The convolution before it needs (classes + 5) filters for each number of its mask.",
                line=layer.line,
                classes=layer.number("classes"),
                channels=self.channels,
            )
        self.heads.append(self.here)
        self.head_channels.append(self.channels)
        return self.here

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))


def _read_floats(weights: bytes) -> NDArray[np.float32]:
    """Numbers after the header: three int32 of version, then images seen as int64 from 0.2 on, else int32."""
    shortest = 16
    if len(weights) < shortest:
        raise InputError(
            "The Darknet weights hold {held} bytes, no header.", "Fetch the file again.", held=len(weights)
        )
    major, minor, _ = np.frombuffer(weights, "<i4", count=3)
    header = 20 if major * 10 + minor >= 2 else shortest
    if (len(weights) - header) % 4:
        raise InputError(
            "The Darknet weights hold {held} bytes, not a whole number of floats.",
            "The file is cut short or is not a .weights file: fetch it again.",
            held=len(weights),
        )
    return np.frombuffer(weights, "<f4", offset=header)


def _anchors(layer: Section) -> list[list[int]]:
    flat = layer.numbers("anchors")
    return [list(pair) for pair in zip(flat[::2], flat[1::2], strict=True)]


def _anchor_numbers(layer: Section, yolos: list[Section]) -> list[int]:
    """Mask of a head, with the slip of the published yolov3-tiny configuration put right (see `to_onnx`)."""
    mask = partial(Section.numbers, name="mask")
    numbers, tiny = mask(layer), len(_anchors(layer)) == TINY_ANCHORS
    slipped = tiny and [mask(each) for each in yolos] == [[3, 4, 5], [0, 1, 2]]
    return [1, 2, 3] if slipped and numbers == [0, 1, 2] else numbers


def _tensor(name: str, channels: int) -> onnx.ValueInfoProto:
    shape = [1, channels, f"{name}_height", f"{name}_width"]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
