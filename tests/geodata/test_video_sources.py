"""Streams as sources: pictures of real servers on the loopback, with libav as the client."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from geodata.video.addresses import Source, parse_source
from geodata.video.clocks import NO_TIMES, WRONG_CLOCK, Clock
from geodata.video.failures import Failure, SourceError
from geodata.video.shots import Due
from geodata.video.sources import Grabbed, grab, watching
from tests.films import film, jpeg, lit_corner, number_of, numbered, quarter_lit
from tests.rtsp_server import Camera, Film, RtspServer
from tests.web_cameras import Page, web_server

pytestmark = pytest.mark.timeout(300)

KEY_S = 0.2
"""From one keyframe of the films to the next."""
RATE_HZ, FRAMES = 25, 100


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RtspServer]:
    reel = Film.read(film(folder / "reel.mp4", frames=100))
    large = Film.read(film(folder / "large.mp4", frames=25, size=(160, 120)))
    small = Film.read(film(folder / "small.mp4", frames=25))
    rare = Film.read(film(folder / "rare.mp4", frames=250, gop=1000))
    cameras = {
        "plain": Camera((reel,)),
        "silent": Camera((reel,), reports=False),
        "early": Camera((reel,), clock_off_s=-8 * 3600),
        "undescribed": Camera((reel,), described=False),
        "pieces": Camera((large,), packet_bytes=100),
        "locked": Camera((reel,), login="user:p/@s"),
        "changing": Camera((small, large)),
        "rare": Camera((rare,)),
    }
    with RtspServer(cameras) as running:
        yield running


def rtsp(server: RtspServer, name: str, login: str = "") -> Source:
    return parse_source(server.url(name, login))


def age_s(picture: Grabbed) -> float:
    return (datetime.now(UTC) - picture.taken_at).total_seconds()


@pytest.mark.parametrize("name", ["plain", "silent", "early", "undescribed"])
def test_a_keyframe_is_grabbed_with_its_time(server: RtspServer, name: str) -> None:
    before = datetime.now(UTC)
    got = grab(rtsp(server, name))
    assert got.image.shape == (48, 64, 3) and (got.width_px, got.height_px) == (64, 48)
    assert number_of(got.image) % 5 == 0 and got.keyframe and not got.changed and got.rotation_deg == 0
    assert got.taken_from is (Clock.STREAM if name in ("plain", "undescribed") else Clock.WALL)
    # described by its own pictures alone, a stream may give the first of them before it knows their times
    told = [each for each in got.doubts if name != "undescribed" or each != NO_TIMES]
    assert told == ([WRONG_CLOCK] if name == "early" else [])
    assert before - timedelta(seconds=0.1) <= got.taken_at <= datetime.now(UTC)
    assert 0 < got.cpu_s <= got.waited_s


def test_the_cameras_time_is_that_of_its_picture(server: RtspServer) -> None:
    began_s = server.began_s
    for got in islice(watching(rtsp(server, "plain"), KEY_S), 5):
        assert got.taken_from is Clock.STREAM
        shown = round((got.taken_at.timestamp() - began_s) * 25, 1)
        assert shown % 100 == pytest.approx(number_of(got.image), abs=0.1)


def test_pictures_in_many_packets_are_put_together(server: RtspServer) -> None:
    assert number_of(grab(rtsp(server, "pieces")).image) % 5 == 0


def test_a_name_and_password_open_a_camera(server: RtspServer) -> None:
    assert grab(rtsp(server, "locked", "user:p%2F%40s")).keyframe
    for login in ("", "user:wrong"):
        with pytest.raises(SourceError) as caught:
            grab(rtsp(server, "locked", login))
        assert caught.value.kind is Failure.DENIED and "user" not in str(caught.value.facts)


def test_old_pictures_are_passed_over(server: RtspServer) -> None:
    earliest = datetime.now(UTC) + timedelta(seconds=0.5)
    got = grab(rtsp(server, "plain"), not_before=earliest)
    assert earliest <= got.taken_at <= datetime.now(UTC)
    with pytest.raises(SourceError) as caught:
        grab(rtsp(server, "plain"), timeout_s=0.6, not_before=datetime.now(UTC) + timedelta(hours=1))
    assert caught.value.kind is Failure.STALLED


def test_a_camera_with_rare_keyframes_is_told_so(server: RtspServer) -> None:
    with pytest.raises(SourceError, match=r"no keyframe.*GOP") as caught:
        grab(rtsp(server, "rare"), timeout_s=0.6)
    assert caught.value.kind is Failure.STALLED


@pytest.mark.parametrize(("every_s", "apart_s"), [(0.05, 0.2), (0.2, 0.2), (0.6, 0.6)])
def test_watching_decodes_only_the_due_keyframes(
    server: RtspServer, monkeypatch: pytest.MonkeyPatch, every_s: float, apart_s: float
) -> None:
    from geodata.video import streams

    decoded: list[object] = []
    real = streams._decode
    monkeypatch.setattr(
        streams, "_decode", lambda stream, packet: (packet and decoded.append(packet)) or real(stream, packet)
    )
    got = list(islice(watching(rtsp(server, "plain"), every_s), 5))
    assert len(decoded) == 5
    numbers = np.array([number_of(each.image) for each in got])
    steps = np.diff(numbers) % FRAMES
    assert (numbers % (KEY_S * RATE_HZ) == 0).all(), "keyframes only"
    assert (steps >= apart_s * RATE_HZ).all()
    assert not any(each.changed or each.doubts for each in got)


def test_a_change_of_size_is_said(server: RtspServer) -> None:
    got = list(islice(watching(rtsp(server, "changing"), KEY_S), 16))
    sizes = [each.image.shape[:2] for each in got]
    assert set(sizes) == {(48, 64), (120, 160)}
    assert [each.changed for each in got] == [False] + [a != b for a, b in pairwise(sizes)]
    assert all((each.height_px, each.width_px) == each.image.shape[:2] for each in got)


@pytest.mark.parametrize("name", ["plain", "silent"])
def test_what_piled_up_while_nobody_looked_is_passed_over(server: RtspServer, name: str) -> None:
    pictures = watching(rtsp(server, name), KEY_S)
    for _ in range(3):
        next(pictures)
    threading.Event().wait(1.5)  # whoever looks is busy
    back = datetime.now(UTC)
    assert back - timedelta(seconds=2 * KEY_S) <= next(pictures).taken_at <= datetime.now(UTC)


def test_sixty_four_cameras_are_looked_at_side_by_side(folder: Path) -> None:
    reel = Film.read(film(folder / "many.mp4", frames=50))
    with (
        RtspServer({f"c{row}": Camera((reel,)) for row in range(64)}) as many,
        ThreadPoolExecutor(16) as crew,
    ):
        looked = list(crew.map(lambda name: grab(rtsp(many, name), timeout_s=20), many.cameras))
        assert all(number_of(each.image) % 5 == 0 and each.taken_from is Clock.STREAM for each in looked)
        assert sorted(many.plays) == sorted(many.cameras)


@pytest.fixture(scope="module")
def web(folder: Path) -> Iterator[str]:
    clip = film(folder / "web.mp4", frames=50).read_bytes()
    segments = {
        f"/live/{row}.ts": film(folder / f"{row}.ts", first=50 * row).read_bytes() for row in range(3)
    }
    playlist = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n"
    moving = tuple(jpeg(numbered(row)) for row in range(10))
    pages = {
        "/clip.mp4": Page(clip, "video/mp4"),
        "/onward.mp4": Page(clip, "video/mp4", ranges=False),
        "/snapshot.jpg": Page(jpeg(numbered(9)), "image/jpeg"),
        "/snapshot": Page(jpeg(quarter_lit(), 6), "image/jpeg", login="user:p/@s"),
        "/motion": Page(moving, "multipart/x-mixed-replace"),
        "/live/index.m3u8": Page(
            (playlist + "".join(f"#EXTINF:2,\n{row}.ts\n" for row in range(3))).encode(),
            "application/vnd.apple.mpegurl",
        ),
        "/over": Page(status=302, location="/snapshot.jpg"),
    } | {name: Page(content, "video/mp2t") for name, content in segments.items()}
    with web_server(pages) as address:
        yield address


def test_a_snapshot_is_grabbed(web: str) -> None:
    got = grab(parse_source(f"{web}/snapshot.jpg"))
    assert number_of(got.image) == 9 and got.taken_from is Clock.WALL and 0 <= age_s(got) < 5
    assert number_of(grab(parse_source(f"{web}/over")).image) == 9


def test_a_snapshot_behind_a_password_stands_upright(web: str) -> None:
    got = grab(parse_source(web.replace("//", "//user:p%2F%40s@") + "/snapshot"))
    assert (got.rotation_deg, got.image.shape) == (270, (64, 48, 3))
    assert lit_corner(got.image) == ("upper", "right")
    with pytest.raises(SourceError) as caught:
        grab(parse_source(f"{web}/snapshot"))
    assert caught.value.kind is Failure.DENIED


def test_snapshots_are_asked_for_again_when_due(web: str) -> None:
    got = list(islice(watching(parse_source(f"{web}/snapshot.jpg"), 0.2), 4))
    assert [number_of(each.image) for each in got] == [9] * 4
    assert (np.diff([each.taken_at.timestamp() for each in got]) > 0.1).all()


def test_motion_jpeg_moves(web: str) -> None:
    source = parse_source(f"{web}/motion")
    assert number_of(grab(source).image) == 0
    got = list(islice(watching(source, 0.2), 4))
    assert len({number_of(each.image) for each in got}) > 1
    assert {each.taken_from for each in got} == {Clock.WALL}
    assert all(0 <= age_s(each) < 2 for each in got)


def test_recorded_footage_of_the_web_plays_once(web: str) -> None:
    assert number_of(grab(parse_source(f"{web}/clip.mp4")).image) == 0
    got = list(watching(parse_source(f"{web}/clip.mp4"), 0.4))
    assert [number_of(each.image) for each in got] == [0, 10, 20, 30, 40]


def test_recorded_footage_of_the_web_plays_round_and_round(web: str) -> None:
    source = parse_source(f"{web}/clip.mp4", loop=True)
    assert -0.01 <= age_s(grab(source)) <= KEY_S + 0.5
    for got in islice(watching(source, 0.25), 4):
        assert number_of(got.image) == pytest.approx(25 * (got.taken_at.timestamp() % 2), abs=0.6)


def test_a_server_that_sends_only_from_the_start_still_gives_the_first_picture(web: str) -> None:
    assert number_of(grab(parse_source(f"{web}/onward.mp4")).image) == 0


def test_a_live_playlist_is_followed(web: str) -> None:
    got = grab(parse_source(f"{web}/live/index.m3u8"))
    assert number_of(got.image) % 5 == 0 and got.keyframe


def test_intervals_that_passed_are_not_made_up_for() -> None:
    due = Due(10.0, 5.0, time.monotonic())
    assert due.wants(None)
    due.took(None)
    assert not due.wants(None) and not due.is_late()
    due.next_s -= 44
    assert due.is_late()
    due.took(None)
    assert 5.5 < due.next_s - time.monotonic() < 6.5 and not due.wants(None) and not due.is_late()
    due = Due(10.0, 5.0, time.monotonic())
    times = [0.0, 4.0, 9.9, 10.0, 12.0, 35.0, 39.0, 40.0]
    taken = []
    for at in times:
        if due.wants(at):
            due.took(at)
            taken.append(at)
    assert taken == [0.0, 10.0, 35.0, 40.0]
