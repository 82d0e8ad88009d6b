"""Bursts of real sources on the loopback: enough pictures a second, of the right times, and an end to every one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from analysis.vision.tracking import LEAST_RATE_HZ
from geodata.video import bursts
from geodata.video.addresses import Source, parse_source
from geodata.video.bursts import burst
from geodata.video.failures import Failure, SourceError
from tests.films import encoded, film, jpeg, number_of, numbered
from tests.rtsp_server import Camera, Film, RtspServer
from tests.web_cameras import Page, never_answers, rude_server, web_server

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bursts")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RtspServer]:
    reel = Film.read(film(folder / "reel.mp4", frames=100, gop=10))
    slow = Film.read(film(folder / "slow.mp4", frames=30, rate=2, gop=2))
    rare = Film.read(film(folder / "rare.mp4", frames=500, gop=1000))
    cameras = {
        "plain": Camera((reel,)),
        "silent": Camera((reel,), reports=False),
        "slow": Camera((slow,)),
        "rare": Camera((rare,)),
        "stalling": Camera((reel,), stall_after=40),
        "dropping": Camera((reel,), drop_after=40),
        "spoilt": Camera((reel,), garbage_after=0),
        "hurt": Camera((reel,), garbage_after=40),
    }
    with RtspServer(cameras) as running:
        yield running


def times_of(pictures: list[bursts.Picture]) -> np.ndarray:
    return np.array([at.timestamp() for at, _ in pictures])


@pytest.mark.parametrize("name", ["plain", "silent"])
def test_a_stream_gives_about_four_pictures_a_second(server: RtspServer, name: str) -> None:
    asked = datetime.now(UTC)
    got = list(burst(parse_source(server.url(name)), seconds=2.5))
    times = times_of(got)
    assert LEAST_RATE_HZ <= 1 / np.median(np.diff(times)) <= 4.5
    assert (np.diff(times) > 0).all() and 2.0 <= times[-1] - times[0] <= 2.5
    assert asked - timedelta(seconds=0.5) <= got[0][0] <= got[-1][0] <= datetime.now(UTC)
    assert all(image.shape == (48, 64, 3) for _, image in got)
    assert any(number_of(image) % 10 for _, image in got), "not only keyframes"


def test_the_times_are_those_of_the_pictures(server: RtspServer) -> None:
    for at, image in burst(parse_source(server.url("plain")), seconds=1.5):
        shown = (at.timestamp() - server.began_s) * 25
        assert shown % 100 == pytest.approx(number_of(image), abs=0.1)


@pytest.mark.parametrize("name", ["plain", "silent"])
def test_a_busy_reader_loses_no_time_of_the_pictures(server: RtspServer, name: str) -> None:
    got = []
    for each in burst(parse_source(server.url(name)), seconds=1.2, timeout_s=2):
        got.append(each)
        threading.Event().wait(0.6)  # slower than the pictures come
    shown = np.array([number_of(image) for _, image in got]) / 25
    assert len(got) >= 4
    assert np.diff(times_of(got)) == pytest.approx(np.diff(np.unwrap(shown, period=4)), abs=0.1)


def test_slow_streams_are_refused_in_time(server: RtspServer) -> None:
    with pytest.raises(SourceError, match=r"2\.0 pictures a second.*3\.5") as caught:
        list(burst(parse_source(server.url("slow")), seconds=30))
    assert caught.value.kind is Failure.UNSUPPORTED


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("rare", {Failure.STALLED}),
        ("stalling", {Failure.STALLED}),
        ("dropping", {Failure.CUT_SHORT, Failure.STALLED}),
        ("spoilt", {Failure.GARBAGE}),
        ("hurt", {Failure.GARBAGE}),
    ],
)
def test_a_stream_that_fails_ends_with_its_kind(server: RtspServer, name: str, kinds: set[Failure]) -> None:
    with pytest.raises(SourceError) as caught:
        list(burst(parse_source(server.url(name)), seconds=4, timeout_s=1.5))
    assert caught.value.kind in kinds and caught.value.mend
    assert caught.value.__context__ is None


def test_nobody_answers() -> None:
    with rude_server(never_answers) as port, pytest.raises(SourceError) as caught:
        list(burst(parse_source(f"rtsp://u:s3cr3t@127.0.0.1:{port}/a"), timeout_s=0.9))
    assert caught.value.kind is Failure.STALLED and "s3cr3t" not in str(caught.value)


def clip(path: Path, *, loop: bool = False) -> Source:
    return parse_source(f"file://{path}", folders=[path.parent], loop=loop)


@pytest.mark.parametrize("rate", [4, 5, 6, 7, 8, 10, 12, 15, 25, 30])
def test_whatever_a_clip_gives_who_moves_can_be_followed(folder: Path, rate: int) -> None:
    path = film(folder / f"at{rate}.mp4", frames=4 * rate, rate=rate, gop=2 * rate)
    got = list(burst(clip(path), seconds=3))
    apart = np.diff(times_of(got))
    assert 1 / np.median(apart) >= LEAST_RATE_HZ * (1 - 1e-6)
    # times are told in whole microseconds
    assert apart.max() <= 1 / LEAST_RATE_HZ and apart.mean() >= 0.5 / LEAST_RATE_HZ - 1e-6
    shown = [number_of(image) for _, image in got]
    assert shown[0] == 0 and np.diff(shown) / rate == pytest.approx(apart, abs=1e-3)
    assert len({b - a for a, b in pairwise(shown)}) == 1, "one in n"


@pytest.mark.parametrize("rate", [1, 2, 3])
def test_slow_clips_are_refused_before_a_picture(folder: Path, rate: int) -> None:
    path = film(folder / f"slow{rate}.mp4", frames=20, rate=rate)
    with pytest.raises(SourceError, match=f"{rate}\\.0 pictures a second") as caught:
        next(burst(clip(path)))
    assert caught.value.kind is Failure.UNSUPPORTED


def test_a_clip_with_pictures_out_of_order_comes_in_order(folder: Path) -> None:
    path = encoded(
        folder / "between.mp4", (numbered(n) for n in range(60)), codec="mpeg4", gop=12, options={}
    )
    shown = [number_of(image) for _, image in burst(clip(path), seconds=2)]
    assert shown == sorted(shown) and shown[0] == 0 and shown[-1] > 40


def test_footage_that_loops_shows_what_plays_now_and_no_cut(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(folder / "round.mp4", frames=200, rate=25, gop=50)
    for position in (0.5, 6.0, 7.5):
        real, shift = time.time, position - time.time() % 8
        monkeypatch.setattr(bursts.time, "time", lambda shift=shift, real=real: real() + shift)
        now = time.time()
        got = list(burst(clip(path, loop=True), seconds=1.0))
        monkeypatch.undo()
        times, shown = times_of(got), [number_of(image) for _, image in got]
        assert 25 * (times % 8) == pytest.approx(np.array(shown), abs=0.6)
        assert (np.diff(shown) > 0).all(), "no new round in a burst"
        assert now - 1.1 <= times[0] and times[-1] <= now + 5


def test_folders_give_their_newest_clip_and_single_pictures_are_refused(folder: Path) -> None:
    inside = folder / "cam"
    inside.mkdir()
    film(inside / "old.mp4", frames=50)
    got = list(burst(parse_source("folder:cam", clips_dir=folder), seconds=1))
    assert len(got) >= 4
    (inside / "new.jpg").write_bytes(jpeg(numbered(3)))
    with pytest.raises(SourceError, match="single pictures") as caught:
        list(burst(parse_source("folder:cam", clips_dir=folder), seconds=1))
    assert caught.value.kind is Failure.UNSUPPORTED


@pytest.fixture(scope="module")
def web(folder: Path) -> Iterator[str]:
    content = film(folder / "web.mp4", frames=100, gop=10).read_bytes()
    moving = tuple(jpeg(numbered(row)) for row in range(100))
    pages = {
        "/clip.mp4": Page(content, "video/mp4"),
        "/snapshot.jpg": Page(jpeg(numbered(9)), "image/jpeg"),
        "/motion": Page(moving, "multipart/x-mixed-replace", every_s=0.1),
        "/sluggish": Page(moving, "multipart/x-mixed-replace", every_s=0.5),
    }
    with web_server(pages) as address:
        yield address


def test_the_web(web: str) -> None:
    got = list(burst(parse_source(f"{web}/clip.mp4", loop=True), seconds=1))
    assert 25 * (times_of(got) % 4) == pytest.approx([number_of(image) for _, image in got], abs=0.6)
    got = list(burst(parse_source(f"{web}/clip.mp4"), seconds=2))
    assert number_of(got[0][1]) == 0 and len(got) >= 7
    got = list(burst(parse_source(f"{web}/motion"), seconds=2))
    assert len({number_of(image) for _, image in got}) == len(got) >= 7
    with pytest.raises(SourceError, match="single pictures"):
        next(burst(parse_source(f"{web}/snapshot.jpg")))
    with pytest.raises(SourceError, match="pictures a second"):
        list(burst(parse_source(f"{web}/sluggish"), seconds=5))


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"rate_hz": 3.0},
        {"timeout_s": -1.0},
        {"rate_hz": float("inf")},
    ],
)
def test_what_makes_no_sense_is_refused_at_once(folder: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(SourceError, match=next(iter(wrong))):
        burst(clip(folder / "none.mp4"), **wrong)


def test_a_burst_that_is_left_early_closes_its_source(server: RtspServer) -> None:
    before = threading.active_count()
    pictures = burst(parse_source(server.url("plain")), seconds=5)
    next(pictures)
    pictures.close()
    with pytest.raises(StopIteration):
        next(pictures)
    assert threading.active_count() <= before
