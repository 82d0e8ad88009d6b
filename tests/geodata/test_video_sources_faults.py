"""Sources that fail: every one ends, with its kind, a mend, and no secret. A test that hangs is stopped and fails."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import av.error
import pytest

from analysis.errors import Term
from geodata.video import connecting
from geodata.video.addresses import Source, parse_source
from geodata.video.failures import Failure, SourceError, failure_of, reason_of, reason_of_name
from geodata.video.failures import told as told_of
from geodata.video.sources import grab, watching
from tests.films import film, jpeg, quarter_lit
from tests.rtsp_server import Camera, Film, RtspServer
from tests.web_cameras import (
    Page,
    dribbles,
    hangs_up,
    never_answers,
    rude_server,
    sends_noise,
    stops_in_its_head,
    web_server,
)

pytestmark = pytest.mark.timeout(300)

SECRET = "s3cr3t"
TIMEOUT_S = 0.9
PATIENCE_S = 10
"""A fault that takes longer counts as a hang; the promise is 1.2 s on an idle machine."""


def fails(read: Callable[[], object], *kinds: Failure) -> SourceError:
    """The error of `read`, which comes in time, says how to mend it and tells no secret."""
    ended: list[BaseException] = []

    def attempt() -> None:
        try:
            read()
        except BaseException as error:  # noqa: BLE001  (it is handed on)
            ended.append(error)

    trying = threading.Thread(target=attempt, daemon=True)
    trying.start()
    trying.join(PATIENCE_S)
    assert not trying.is_alive(), "it hangs"
    assert ended and isinstance(ended[0], SourceError), ended
    error = ended[0]
    assert error.kind in kinds and error.mend
    assert error.__context__ is None and error.__cause__ is None
    for told in (
        str(error),
        repr(error),
        json.dumps(error.told()),
        "".join(traceback.format_exception(error)),
        repr(error.facts),
    ):
        assert SECRET not in told
    assert SourceError.retold(error.told()).kind is error.kind  # type: ignore[attr-defined]
    return error


def address(scheme: str, port: int, path: str = "live") -> Source:
    return parse_source(f"{scheme}://admin:{SECRET}@127.0.0.1:{port}/{path}?token={SECRET}")


def each_way(source: Source) -> Iterator[Callable[[], object]]:
    yield lambda: grab(source, timeout_s=TIMEOUT_S)
    yield lambda: next(watching(source, 1.0, timeout_s=TIMEOUT_S))


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_nobody_there(scheme: str) -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else takes the port
        bound.bind(("127.0.0.1", 0))
        for read in each_way(address(scheme, bound.getsockname()[1])):
            fails(read, Failure.UNREACHABLE)


def test_no_such_host() -> None:
    fails(lambda: grab(parse_source(f"rtsp://u:{SECRET}@nobody.invalid/a"), timeout_s=5), Failure.UNREACHABLE)


def test_a_name_that_is_looked_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = threading.Event()
    monkeypatch.setattr(connecting.socket, "getaddrinfo", lambda *_, **__: waiting.wait(60))
    for read in each_way(address("rtsp", 554)):
        error = fails(read, Failure.UNREACHABLE)
        assert "cannot be looked up" in str(error)
    waiting.set()


MANNERS: list[tuple[Callable[[socket.socket, threading.Event], None], list[str], set[Failure]]] = [
    (never_answers, ["rtsp", "rtsps", "http", "https"], {Failure.STALLED}),
    (stops_in_its_head, ["rtsp", "http"], {Failure.STALLED}),
    (dribbles, ["rtsp", "http"], {Failure.STALLED}),
    (
        sends_noise,
        ["rtsp", "rtsps", "http", "https"],
        {Failure.STALLED, Failure.GARBAGE, Failure.UNREACHABLE},
    ),
    (hangs_up, ["rtsp", "rtsps", "http", "https"], {Failure.UNREACHABLE, Failure.CUT_SHORT, Failure.GARBAGE}),
]


@pytest.mark.parametrize(
    ("manner", "scheme", "kinds"),
    [(manner, scheme, kinds) for manner, schemes, kinds in MANNERS for scheme in schemes],
)
def test_a_server_without_manners(
    manner: Callable[[socket.socket, threading.Event], None], scheme: str, kinds: set[Failure]
) -> None:
    with rude_server(manner) as port:
        for read in each_way(address(scheme, port)):
            fails(read, *kinds)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses at once")
@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_nobody_takes_the_call(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        for _ in range(8):  # its queue is full and the system drops whoever comes
            caller = waiting.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        for read in each_way(address(scheme, full.getsockname()[1])):
            fails(read, Failure.UNREACHABLE)


@pytest.fixture(scope="module")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    reel = Film.read(film(tmp_path_factory.mktemp("films") / "reel.mp4", frames=100))
    faulty = {
        "unplayed": Camera((reel,), stall_after=0),
        "stalling": Camera((reel,), stall_after=12),
        "dropping": Camera((reel,), drop_after=12),
        "dropped": Camera((reel,), drop_after=0),
        "noisy": Camera((reel,), garbage_after=0),
        "spoilt": Camera((reel,), garbage_after=12),
        "noisy-undescribed": Camera((reel,), garbage_after=0, described=False),
        "forbidden": Camera((reel,), status=403),
        "broken": Camera((reel,), status=500),
        "busy": Camera((reel,), status=453),
        "locked": Camera((reel,), login="admin:other"),
    }
    with RtspServer(faulty) as running:
        yield running


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("unplayed", {Failure.STALLED}),
        ("dropped", {Failure.CUT_SHORT}),
        ("noisy", {Failure.GARBAGE}),
        ("noisy-undescribed", {Failure.GARBAGE, Failure.STALLED}),
        ("forbidden", {Failure.DENIED}),
        ("broken", {Failure.UNREACHABLE}),
        ("busy", {Failure.UNREACHABLE}),
        ("locked", {Failure.DENIED}),
        ("unknown", {Failure.UNREACHABLE}),
    ],
)
def test_a_camera_that_gives_no_picture(cameras: RtspServer, name: str, kinds: set[Failure]) -> None:
    for read in each_way(address("rtsp", cameras.port, name)):
        fails(read, *kinds)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("stalling", Failure.STALLED), ("dropping", Failure.CUT_SHORT), ("spoilt", Failure.GARBAGE)],
)
def test_a_stream_that_breaks_off_gives_what_it_gave(cameras: RtspServer, name: str, kind: Failure) -> None:
    pictures = watching(address("rtsp", cameras.port, name), 0.1, timeout_s=TIMEOUT_S)
    seen = [next(pictures), next(pictures)]
    error = fails(lambda: [next(pictures) for _ in range(50)], kind)
    assert all(each.keyframe for each in seen)
    assert error.facts["source"] == f"rtsp://…@127.0.0.1:{cameras.port}/{name}?…"


def test_a_stream_that_broke_off_can_be_watched_again(cameras: RtspServer) -> None:
    for _ in range(2):
        pictures = watching(address("rtsp", cameras.port, "dropping"), 0.1, timeout_s=TIMEOUT_S)
        assert next(pictures).keyframe
        fails(lambda pictures=pictures: list(pictures), Failure.CUT_SHORT)  # type: ignore[misc]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("web")
    clip = film(folder / "clip.mp4").read_bytes()
    secret = folder / "secret.ts"
    film(secret)
    playlist = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
    leads = {
        f"/{name}.m3u8": Page(playlist.format(target).encode(), "application/vnd.apple.mpegurl")
        for name, target in [
            ("file", secret.as_uri()),
            ("path", secret),
            ("subfile", f"subfile,,start,0,end,0,,:{secret}"),
            ("concat", f"concat:{secret}|{secret}"),
            ("data", "data:video/mp2t;base64,R0BAAA=="),
        ]
    }
    pages = {
        "/page.html": Page(b"<!doctype html><title>Camera</title>" * 200, "text/html"),
        "/nothing": Page(b"", "image/jpeg"),
        "/denied": Page(status=403),
        "/locked": Page(jpeg(quarter_lit()), login="admin:other"),
        "/broken": Page(status=503),
        "/half.jpg": Page(jpeg(quarter_lit(480, 640))[:3000], "image/jpeg"),
        "/stalling.jpg": Page(jpeg(quarter_lit()), "image/jpeg", stall_after=300),
        "/stalling.mp4": Page(clip, "video/mp4", stall_after=len(clip) // 2),
        "/cut.mp4": Page(clip[: len(clip) // 2], "video/mp4"),
        "/round": Page(status=302, location="/round"),
        "/elsewhere": Page(status=302, location=secret.as_uri()),
    } | leads
    with web_server(pages) as at:
        yield at


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("page.html", {Failure.GARBAGE}),
        ("nothing", {Failure.EMPTY, Failure.CUT_SHORT, Failure.GARBAGE}),
        ("denied", {Failure.DENIED}),
        ("locked", {Failure.DENIED}),
        ("broken", {Failure.UNREACHABLE}),
        ("missing", {Failure.UNREACHABLE}),
        ("half.jpg", {Failure.GARBAGE, Failure.CUT_SHORT}),
        ("stalling.jpg", {Failure.STALLED}),
        ("stalling.mp4", {Failure.STALLED}),
        ("cut.mp4", {Failure.GARBAGE, Failure.CUT_SHORT}),
        ("round", {Failure.UNREACHABLE, Failure.GARBAGE, Failure.STALLED}),
    ],
)
def test_a_page_that_is_no_picture(web: str, path: str, kinds: set[Failure]) -> None:
    source = parse_source(f"{web.replace('//', f'//admin:{SECRET}@')}/{path}")
    for read in each_way(source):
        fails(read, *kinds)


@pytest.mark.parametrize(
    "path", ["elsewhere", "file.m3u8", "path.m3u8", "subfile.m3u8", "concat.m3u8", "data.m3u8"]
)
def test_no_server_leads_to_files_of_this_machine(web: str, path: str) -> None:
    for read in each_way(parse_source(f"{web}/{path}")):
        fails(read, *(set(Failure) - {Failure.DENIED}))


def test_a_server_that_sends_only_from_the_start_cannot_loop(tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", frames=100)
    with web_server(
        {"/clip.ts": Page(film(tmp_path / "clip.ts").read_bytes(), "video/mp2t", ranges=False)}
    ) as at:
        source = parse_source(f"{at}/clip.ts", loop=True)
        try:
            assert grab(source, timeout_s=TIMEOUT_S).image.shape == (
                48,
                64,
                3,
            )  # it has no length: the first one
        except SourceError as error:
            assert error.kind in (Failure.UNSUPPORTED, Failure.CUT_SHORT)
    assert clip.exists()


def test_nothing_is_logged_of_an_address(cameras: RtspServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for name in ("locked", "noisy", "unknown"):
            for read in each_way(address("rtsp", cameras.port, name)):
                fails(read, *Failure)
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("errno", "kind"), [(101, Failure.UNREACHABLE), (113, Failure.UNREACHABLE), (110, Failure.STALLED)]
)
def test_a_network_without_a_way_is_unreachable(errno: int, kind: Failure) -> None:
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(-errno)
    assert failure_of(caught.value) is kind


def tagged(letters: bytes) -> int:
    """A code of libav's own, made of four letters."""
    return -int.from_bytes(letters, "little")


@pytest.mark.parametrize(
    "code",
    [
        *(-number for number in (5, 13, 32, 101, 103, 104, 110, 111, 113)),
        *(tagged(b"\xf8" + each) for each in (b"400", b"401", b"403", b"404", b"429", b"4XX", b"5XX")),
        *(tagged(each) for each in (b"INDA", b"EOF ", b"\xf8DEC", b"\xf8DEM", b"\xf8PRO", b"PAWE", b"EXIT")),
    ],
)
def test_what_libav_says_often_is_told_in_words_of_ours_and_kept_as_a_detail(code: int) -> None:
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(code)
    error, reason = caught.value, reason_of(caught.value)
    assert isinstance(reason.why, Term) and reason.detail == error.strerror
    shown = told_of(
        failure_of(error), "rtsp://camera/1", why=reason.why, mend=reason.mend, detail=reason.detail
    )
    again = SourceError.retold(json.loads(json.dumps(shown.told())))
    assert isinstance(again.facts["why"], Term) and again.facts["detail"] == error.strerror
    assert again.mend == shown.mend and again.mend and str(error.strerror) not in str(again)
    if reason.mend and failure_of(error) is not Failure.STALLED:
        assert again.mend == reason.mend, "it says what to do about just that"


def test_a_strange_reason_is_told_as_it_came() -> None:
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(-16)
    assert reason_of(caught.value).why == caught.value.strerror and not reason_of(caught.value).mend


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAMILY])
def test_why_a_name_cannot_be_looked_up(number: int) -> None:
    reason = reason_of_name(socket.gaierror(number, "said by the system"))
    assert isinstance(reason.why, Term) and reason.detail == "said by the system"
    assert bool(reason.mend) == (number != socket.EAI_FAMILY)
