"""
One frame in ten seconds of 1080p25, as a patrol takes it, side by side with reading every frame.

The ways take turns in the same run, and the best of several rounds counts, in the processor's own time of one thread:
other programs only ever make one longer.

The clip is made on the spot: a still scene with the contrast of natural ones, things that move, a mast that sways by
half a pixel, and the noise of a sensor; H.264 as cameras code it, without looking ahead, a keyframe every 50 frames,
a constant 4 Mbit/s with half a second of buffer. How much larger its keyframes are than its other frames decides the
ratio; it is a row of the table (4 to 20 in real footage of streets).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from geodata.video import streams
from geodata.video.addresses import parse_source
from geodata.video.sources import grab, watching
from tests.benchmarks.conftest import Row
from tests.rtsp_server import Camera, Film, RtspServer

WIDTH, HEIGHT, RATE, GOP = 1920, 1080, 25, 50
LENGTH_S, EVERY_S = 40, 10.0
SAMPLES = 4
THINGS = 24
"""They cover a fifth of the picture."""
ROUNDS = 3
FLOOR = 50.0
"""How many times less than reading every frame."""


def street() -> Iterator[np.ndarray]:
    """Its frames as planar YUV."""
    draw = np.random.default_rng(0)
    octaves = [
        2**power for power in range(1, 10)
    ]  # natural scenes have as much contrast at every scale (1/f)
    scene = np.full((HEIGHT, WIDTH), 110, np.float32)
    for cell in octaves:
        patch = draw.normal(0, 18, (HEIGHT // cell + 2, WIDTH // cell + 2)).astype(np.float32)
        scene += np.float32(cell / 64 if cell < 64 else 1) * cv2.resize(
            patch, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
        )
    scene = np.clip(scene, 16, 235).astype(np.uint8)
    noise = [draw.normal(0, 2.5, (HEIGHT, WIDTH)).astype(np.int8) for _ in range(8)]
    colour = draw.integers(118, 138, (HEIGHT // 2, WIDTH), np.uint8)
    lane_y, speed = draw.integers(0, HEIGHT - 90, THINGS), draw.uniform(-6, 6, THINGS)
    car = [cv2.GaussianBlur(draw.integers(0, 255, (90, 180), np.uint8), (0, 0), 3) for _ in range(THINGS)]
    car = [cv2.normalize(each, None, 30, 225, cv2.NORM_MINMAX) for each in car]
    for frame in range(LENGTH_S * RATE):
        sway = [0.6 * np.sin(2 * np.pi * 0.7 * frame / RATE), 0.3 * np.sin(2 * np.pi * 1.9 * frame / RATE)]
        shift = np.array([[1, 0, sway[0]], [0, 1, sway[1]]])
        picture = cv2.warpAffine(scene, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        for each in range(THINGS):
            x = int(200 * each + speed[each] * frame) % (WIDTH - 180)
            picture[lane_y[each] : lane_y[each] + 90, x : x + 180] = car[each]
        grain = np.roll(noise[frame % 8], int(draw.integers(0, HEIGHT)), axis=0)
        picture = cv2.add(picture, grain, dtype=cv2.CV_8U)
        yield np.vstack([picture, colour])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sampling") / "street.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = GOP
        stream.bit_rate = 4_000_000
        steady = {"maxrate": "4000000", "bufsize": "2000000"}
        stream.options = {"preset": "veryfast", "tune": "zerolatency", "sc_threshold": "0"} | steady
        for planes in street():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())
    return path


def opened(path: Path) -> cv2.VideoCapture:
    return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])


def read_all(path: Path) -> list[np.ndarray]:
    """Reads every frame with OpenCV and keeps the due ones."""
    capture, kept, number = opened(path), [], 0
    while True:
        found, image = capture.read()
        if not found:
            return kept
        if number % int(EVERY_S * RATE) == 0:
            kept.append(image)
        number += 1


def seek_each(path: Path) -> list[np.ndarray]:
    """Seeks each due frame with OpenCV."""
    capture, kept = opened(path), []
    for sample in range(SAMPLES):
        capture.set(cv2.CAP_PROP_POS_MSEC, sample * EVERY_S * 1000)
        kept.append(capture.read()[1])
    return kept


def keyframes_only(path: Path) -> list[np.ndarray]:
    """Has PyAV decode every keyframe and keeps the due ones."""
    kept: list[np.ndarray] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.skip_frame = "NONKEY"
        for picture in container.decode(stream):
            if picture.time >= len(kept) * EVERY_S - 0.01:
                kept.append(picture.to_ndarray(format="bgr24"))
    return kept


def sampled_anew(path: Path) -> list[np.ndarray]:
    """Ours, of a file that was never seen before."""
    streams._surveyed.cache_clear()
    return [frame.image for frame in streams.sample(path, EVERY_S)]


def sampled(path: Path) -> list[np.ndarray]:
    """Ours, of a file that is known."""
    return [frame.image for frame in streams.sample(path, EVERY_S)]


def demuxed(path: Path) -> list[av.Packet]:
    with av.open(str(path)) as container:
        return list(container.demux(video=0))


def test_one_frame_in_ten_seconds_of_a_clip(row: Row, clip: Path) -> None:
    """1080p25, H.264, a keyframe every 50 frames; the same four pictures in each way."""
    ways: dict[str, Callable[[Path], list[np.ndarray]]] = {
        "cv2, every frame": read_all,
        "cv2, seeking": seek_each,
        "PyAV, NONKEY": keyframes_only,
        "ours, a clip never seen": sampled_anew,
        "ours, a clip that is known": sampled,
    }
    best = dict.fromkeys(ways, float("inf"))
    cv2.setNumThreads(1)
    kept: dict[str, list[np.ndarray]] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.process_time()
            kept[name] = way(clip)
            best[name] = min(best[name], time.process_time() - start)
    known = [packet for packet in demuxed(clip) if packet.size]
    keys = float(np.mean([packet.size for packet in known if packet.is_keyframe]))
    others = float(np.mean([packet.size for packet in known if not packet.is_keyframe]))
    row("sampling 1080p25, a keyframe against another frame", keys / others, 0, "× its bytes", True)
    apart = max(
        float(np.abs(mine.astype(int) - theirs).mean())
        for name in ways
        for mine, theirs in zip(kept[name], kept["cv2, every frame"], strict=True)
    )
    whole = best["cv2, every frame"]
    for name, seconds in best.items():
        row(f"sampling 1080p25, {name}, a sample", 1e3 * seconds / SAMPLES, 0, "ms CPU", True)
    for name in ("ours, a clip that is known", "ours, a clip never seen"):
        ratio = whole / best[name]
        row(f"sampling 1080p25, {name}, times less CPU", ratio, FLOOR, "×", ratio >= FLOOR)
    row("sampling 1080p25, mean difference from cv2", apart, 3, "of 255", apart <= 3)


def test_one_frame_in_ten_seconds_of_a_stream(row: Row, clip: Path) -> None:
    """
    The same clip as a live RTSP stream: kept open, connected to for each picture, and as a file that loops.

    A stream that is kept open has to be received whole, which reading a file does not show; no floor is set.
    """
    start = time.process_time()
    assert len(read_all(clip)) == SAMPLES
    whole_ms = 1e3 * (time.process_time() - start) / SAMPLES
    loop = parse_source(str(clip), clips_dir=clip.parent, loop=True)
    grab(loop)
    looped = [grab(loop) for _ in range(5)]
    with RtspServer({"street": Camera((Film.read(clip),))}) as server:
        source = parse_source(server.url("street"))
        grabbed = [grab(source) for _ in range(4)]
        watched = list(islice(watching(source, EVERY_S), 4))[1:]
    for name, taken in [("RTSP grabbed", grabbed), ("RTSP kept open", watched), ("loop grabbed", looped)]:
        cost_ms = 1e3 * min(each.cpu_s for each in taken)
        row(
            f"RTSP 1080p25, {name}, a sample" if taken is not looped else f"{name}, a sample",
            cost_ms,
            0,
            "ms CPU",
            True,
        )
        assert all(each.keyframe and each.image.shape == (HEIGHT, WIDTH, 3) for each in taken)
        if taken is watched:
            row(
                "1080p25, RTSP kept open, times less CPU than cv2 of the file",
                whole_ms / cost_ms,
                0,
                "×",
                True,
            )


def test_sixty_four_streams(row: Row, clip: Path) -> None:
    """64 cameras of 1080p25 behind 16 threads: whether each gives its picture, and how long that takes."""
    film = Film.read(clip)
    with RtspServer({f"c{n}": Camera((film,), packet_bytes=60_000) for n in range(64)}) as server:
        begun = time.perf_counter()
        with ThreadPoolExecutor(16) as crew:
            taken = list(
                crew.map(lambda name: grab(parse_source(server.url(name)), timeout_s=30), server.cameras)
            )
        seconds = time.perf_counter() - begun
    row("64 RTSP cameras grabbed once", seconds, 20, "s", seconds <= 20 and len(taken) == 64)
    row(
        "64 RTSP cameras, CPU a picture",
        1e3 * float(np.median([each.cpu_s for each in taken])),
        0,
        "ms CPU",
        True,
    )
