"""The converter against a plain numpy network, and what it refuses."""

from __future__ import annotations

import json
import struct

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.darknet import fingerprint, parse_config, to_onnx

CONFIG = """
[net]
width=32   # only a hint
channels=3

[convolutional]
batch_normalize=1
filters=4
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
filters=6
size=1
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=1

[convolutional]
filters=21
size=1
activation=linear

[yolo]
mask = 3,4,5
anchors = 10,14, 23,27, 37,58, 81,82, 135,169, 344,319
classes=2
num=6

[route]
layers = -3

[upsample]
stride=2

[route]
layers = -1, 0

[convolutional]
filters=21
size=3
pad=1
activation=linear

[yolo]
mask = 0,1,2
anchors = 10,14, 23,27, 37,58, 81,82, 135,169, 344,319
classes=2
num=6
"""
COUNTS = (4 * 4 + 4 * 3 * 9, 6 + 6 * 4, 21 + 21 * 6, 21 + 21 * 10 * 9)


def header(version: tuple[int, int, int] = (0, 2, 0)) -> bytes:
    return struct.pack("<3i", *version) + (
        struct.pack("<q", 7) if version >= (0, 2, 0) else struct.pack("<i", 7)
    )


def weights(seed: int = 3) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).normal(0, 0.5, sum(COUNTS)).astype(np.float32)
    values[12:16] = np.abs(values[12:16])  # variances
    return values


def convolve(x: NDArray, kernel: NDArray, bias: NDArray) -> NDArray:
    pad = kernel.shape[2] // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], axis=(1, 2))
    return np.einsum("chwij,fcij->fhw", windows, kernel) + bias[:, None, None]


def leaky(x: NDArray) -> NDArray:
    return np.where(x > 0, x, 0.1 * x)


def pool(x: NDArray, stride: int) -> NDArray:
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2, 2), axis=(1, 2))
    return windows.max(axis=(3, 4))[:, ::stride, ::stride]


def reference(x: NDArray, w: NDArray) -> list[NDArray]:
    """The network above, layer by layer, as Darknet computes it."""
    parts = np.split(w.astype(np.float64), np.cumsum(COUNTS)[:-1])
    beta, gamma, mean, variance, kernel = np.split(parts[0], [4, 8, 12, 16])
    first = convolve(x, kernel.reshape(4, 3, 3, 3), np.zeros(4))
    normal = (first - mean[:, None, None]) / (np.sqrt(variance) + 1e-6)[:, None, None]
    first = leaky(normal * gamma[:, None, None] + beta[:, None, None])
    second = leaky(convolve(pool(first, 2), parts[1][6:].reshape(6, 4, 1, 1), parts[1][:6]))
    third = pool(second, 1)
    coarse = convolve(third, parts[2][21:].reshape(21, 6, 1, 1), parts[2][:21])
    joined = np.concatenate([third.repeat(2, axis=1).repeat(2, axis=2), first])
    return [coarse, convolve(joined, parts[3][21:].reshape(21, 10, 3, 3), parts[3][:21])]


@pytest.mark.parametrize("shape", [(32, 32), (64, 96)])
@pytest.mark.parametrize("version", [(0, 2, 0), (0, 1, 0)])
def test_the_onnx_model_computes_what_the_darknet_network_computes(
    shape: tuple[int, int], version: tuple[int, int, int]
) -> None:
    model = to_onnx(CONFIG, header(version) + weights().tobytes())
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).random((3, *shape), dtype=np.float32)
    outputs = session.run(None, {"images": image[None]})
    for ours, wanted in zip(outputs, reference(image, weights()), strict=True):
        np.testing.assert_allclose(ours[0], wanted, atol=1e-4)


def test_the_slip_in_the_published_mask_is_put_right_and_other_masks_are_kept() -> None:
    def second_head(config: str) -> list[list[int]]:
        model = to_onnx(config, header() + weights().tobytes())
        return json.loads({each.key: each.value for each in model.metadata_props}["heads"])[1]["anchors"]

    assert second_head(CONFIG) == [[23, 27], [37, 58], [81, 82]]
    assert second_head(CONFIG.replace("mask = 0,1,2", "mask = 0,2,4")) == [[10, 14], [37, 58], [135, 169]]


def test_the_fingerprint_tells_weights_apart() -> None:
    one, other = (to_onnx(CONFIG, header() + weights(seed).tobytes()) for seed in (1, 2))
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == {each.key: each.value for each in one.metadata_props}["fingerprint"]


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ("hello", "neither"),
        ("[convolutional]\nfilters=1", "does not begin with"),
        ("[net]\n[convolutional]\nfilters=4\nsize=1", r"no \[yolo\]"),
        (CONFIG.replace("[maxpool]", "[shortcut]"), r"\[shortcut\] is not one"),
        (CONFIG.replace("leaky", "mish"), "mish"),
        (CONFIG.replace("filters=4", "filters=four"), "filters is 'four'"),
        (CONFIG.replace("layers = -3", "layers = -30"), r"\[route\] names"),
        (CONFIG.replace("classes=2", "classes=3"), r"\[yolo\] with 3 classes"),
    ],
)
def test_a_configuration_that_cannot_be_converted_says_why(config: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        to_onnx(config, header() + weights().tobytes())


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "0 bytes"),
        (header() + weights().tobytes()[:-2], "whole number of floats"),
        (header() + weights().tobytes()[:-8], "end after"),
        (header() + weights().tobytes() + bytes(8), "configuration uses"),
    ],
)
def test_weights_of_the_wrong_length_say_so(content: bytes, word: str) -> None:
    with pytest.raises(InputError, match=word):
        to_onnx(CONFIG, content)


def test_sections_know_their_lines() -> None:
    sections = parse_config(CONFIG)
    assert sections[0].kind == "net" and sections[0].line == 2
    assert sections[-1].numbers("mask") == [0, 1, 2]
