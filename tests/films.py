"""Clips made on the fly: each picture shows its number, so that it tells which one it is."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 8


def numbered(number: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """A picture of eight columns, white for each bit of the number that is set."""
    columns = np.unpackbits(np.array([number % 256], np.uint8)) * np.uint8(255)
    row = np.repeat(columns, -(-size[0] // BITS))[: size[0]]
    return np.broadcast_to(row[None, :, None], (size[1], size[0], 3)).copy()


def number_of(image: np.ndarray) -> int:
    """The number that a picture of `numbered` shows."""
    places = ((np.arange(BITS) + 0.5) * image.shape[1] / BITS).astype(int)
    return int(np.packbits(image[:, places].mean(axis=(0, 2)) > 127)[0])


def film(
    path: Path,
    *,
    frames: int = 50,
    rate: int = 25,
    gop: int = 5,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    first: int = 0,
    options: Mapping[str, str] | None = None,
    form: str | None = None,
) -> Path:
    """A clip of pictures numbered from `first`, coded as cameras do: none waits for a later one."""
    pictures = (numbered(first + n, size) for n in range(frames))
    return encoded(path, pictures, size=size, rate=rate, gop=gop, codec=codec, options=options, form=form)


def encoded(
    path: Path,
    pictures: Iterable[np.ndarray],
    *,
    size: tuple[int, int] = (64, 48),
    rate: int = 25,
    gop: int = 5,
    codec: str = "libx264",
    ticks: Iterable[int] | None = None,
    bit_rate: int | None = None,
    options: Mapping[str, str] | None = None,
    form: str | None = None,
) -> Path:
    """A clip of these pictures; `ticks` are their times in 1/rate s, if not one after another."""
    with av.open(str(path), "w", format=form, options=dict(options or {})) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.codec_context.gop_size = gop
        stream.pix_fmt = "yuv420p"
        stream.options = {"sc_threshold": "0" if codec == "libx264" else "1000000000"}
        if codec == "libx264":
            stream.options |= {"preset": "ultrafast", "tune": "zerolatency"}
        if bit_rate:
            stream.bit_rate = bit_rate
        container.start_encoding()
        times = iter(ticks) if ticks is not None else None
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            if times is not None:
                frame.pts, frame.time_base = next(times), Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turned(clip: Path, path: Path, quarters: int) -> Path:
    """A copy of an MP4 whose pictures are to be shown turned clockwise by so many quarters, as phones write it."""
    one = 1 << 16
    c, s = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarters % 4]
    matrix = struct.pack(">9i", c * one, s * one, 0, -s * one, c * one, 0, 0, 0, 1 << 30)
    content = bytearray(clip.read_bytes())
    at = content.index(b"tkhd") + 4
    at += 4 + (32 if content[at] else 20) + 16
    content[at : at + 36] = matrix
    path.write_bytes(bytes(content))
    return path


def jpeg(picture: np.ndarray, orientation: int = 1) -> bytes:
    """A JPEG file with the orientation that cameras and phones note in it (EXIF)."""
    import cv2

    content = cv2.imencode(".jpg", picture)[1].tobytes()
    note = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIHH", 1, 0x112, 3, 1, orientation, 0) + bytes(4)
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note + content[2:]


def quarter_lit(height: int = 48, width: int = 64) -> np.ndarray:
    """A black picture whose upper left quarter is white: it shows which way up it is."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 255
    return picture


def lit_corner(image: np.ndarray) -> tuple[str, str]:
    """In which corner the light of `quarter_lit` is."""
    rows, columns = np.nonzero(image[..., 0] > 128)
    middle = image.shape[0] / 2, image.shape[1] / 2
    return "upper" if rows.mean() < middle[0] else "lower", "left" if columns.mean() < middle[1] else "right"


def sound() -> bytes:
    """A file with a track of sound only."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    return buffer.getvalue()
