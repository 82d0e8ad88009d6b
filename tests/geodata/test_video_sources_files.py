"""Files as sources: loops, folders, phones, and files that are not what they seem."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from geodata.video import streams
from geodata.video.addresses import Source, parse_source
from geodata.video.clocks import BACKWARD, FORWARD, NO_TIMES, Clock
from geodata.video.connecting import Connection
from geodata.video.failures import Failure, SourceError
from geodata.video.looping import turn_at
from geodata.video.shots import of_turn
from geodata.video.sources import grab, watching
from geodata.video.streams import footage, frame_at, sample, survey
from tests.films import encoded, film, jpeg, lit_corner, number_of, numbered, quarter_lit, sound, turned

FORMS = {
    "mp4": "libx264",
    "mkv": "libx264",
    "ts": "libx264",
    "avi": "mpeg4",
    "flv": "libx264",
    "mov": "mpeg4",
}


def named(path: Path, *, loop: bool = False) -> Source:
    return parse_source(str(path), clips_dir=path.parent, loop=loop)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module", params=FORMS)
def clip(folder: Path, request: pytest.FixtureRequest) -> Path:
    return film(folder / f"clip.{request.param}", codec=FORMS[request.param])


def test_every_keyframe_of_a_loop_is_found_by_seeking(clip: Path) -> None:
    known = survey(clip)
    assert len(known.key_ticks) == 10 and known.about.duration_s == pytest.approx(2, abs=0.05)
    with Connection.to(named(clip, loop=True), 5) as link:
        for round_s in (1e6, 1e6 + 3):
            begun_s = round_s * known.about.duration_s
            for row in (7, 0, 9, 3, 8):
                turn = turn_at(known, begun_s + known.keys_s[row] + 0.11, None, 10)
                shot = of_turn(link, clip, turn)
                assert turn.key == row and shot.keyframe
                assert number_of(shot.image) == 5 * row
                assert shot.stamp.at.timestamp() == pytest.approx(begun_s + known.keys_s[row], abs=1e-4)


def test_a_loop_runs_with_the_clock(clip: Path) -> None:
    known = survey(clip)
    before = time.time()
    got = grab(named(clip, loop=True))
    shown_s = got.taken_at.timestamp()
    assert before - 0.25 <= shown_s <= time.time()
    assert number_of(got.image) == pytest.approx(25 * (shown_s % known.about.duration_s), abs=0.6)
    assert (got.taken_from, got.keyframe, got.doubts) == (Clock.WALL, True, ())
    assert got.cpu_s > 0 and got.waited_s > 0


def test_a_loop_waits_for_a_picture_that_is_new_enough(clip: Path) -> None:
    earliest = datetime.now(UTC) + timedelta(seconds=0.3)
    got = grab(named(clip, loop=True), not_before=earliest)
    assert earliest <= got.taken_at <= datetime.now(UTC)
    with pytest.raises(SourceError) as caught:
        grab(named(clip, loop=True), timeout_s=0.2, not_before=datetime.now(UTC) + timedelta(hours=1))
    assert caught.value.kind is Failure.STALLED


def test_watching_a_loop_gives_each_keyframe_once(clip: Path) -> None:
    got = list(islice(watching(named(clip, loop=True), 0.1), 6))
    assert all(each.keyframe for each in got)
    shown = [number_of(each.image) for each in got]
    length_s = footage(clip).duration_s
    assert shown == pytest.approx([25 * (each.taken_at.timestamp() % length_s) for each in got], abs=0.6)
    assert (np.diff([each.taken_at.timestamp() for each in got]) > 0.15).all()


def test_a_loop_with_rare_keyframes_still_moves(folder: Path) -> None:
    clip = film(folder / "sparse.mp4", gop=1000)
    got = grab(named(clip, loop=True), stale_s=1e-9)
    assert not got.keyframe
    assert number_of(got.image) == pytest.approx(25 * (got.taken_at.timestamp() % 2), abs=1)


def test_a_clip_is_surveyed_again_only_when_it_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = film(folder / "changing.mp4")
    read: list[Path] = []
    real = streams._survey
    monkeypatch.setattr(streams, "_survey", lambda path, *rest: read.append(path) or real(path, *rest))
    for _ in range(3):
        grab(named(clip, loop=True))
        assert footage(clip).frames == 50
    assert len(read) == 1
    film(clip, frames=30)
    assert footage(clip).frames == 30 and len(read) == 2


def test_a_clip_by_itself_plays_once(clip: Path) -> None:
    os.utime(clip, (1e9, 1e9))
    got = list(watching(named(clip), 0.4))
    assert [number_of(each.image) for each in got] == [0, 10, 20, 30, 40]
    assert {each.taken_from for each in got} == {Clock.FILE}
    begun = 1e9 - footage(clip).duration_s
    assert [each.taken_at.timestamp() - begun for each in got] == pytest.approx(
        [0, 0.4, 0.8, 1.2, 1.6], abs=0.01
    )
    first = grab(named(clip))
    assert number_of(first.image) == 0 and first.taken_at == got[0].taken_at


def test_the_newest_file_of_a_folder_is_shown(tmp_path: Path) -> None:
    now = time.time()
    for age_s, name, number in [
        (300, "old.jpg", 10),
        (100, "new.png", 20),
        (50, ".hidden.jpg", 30),
        (10, "a.txt", 0),
    ]:
        path = tmp_path / name
        path.write_bytes(jpeg(numbered(number)))
        os.utime(path, (now - age_s, now - age_s))
    source = parse_source(f"folder:{tmp_path.name}", clips_dir=tmp_path.parent)
    got = grab(source)
    assert number_of(got.image) == 20 and got.taken_from is Clock.FILE
    assert got.taken_at.timestamp() == pytest.approx(now - 100, abs=1e-3)
    with pytest.raises(SourceError, match=r"newer than new\.png") as caught:
        grab(source, not_before=datetime.fromtimestamp(now - 99, UTC))
    assert caught.value.kind is Failure.STALLED
    film(tmp_path / "clip.mp4", first=40)
    assert number_of(grab(source).image) == 40


def test_a_file_that_is_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mp4", first=7)
    os.utime(whole, (time.time() - 60,) * 2)
    part = tmp_path / "part.mp4"
    part.write_bytes(whole.read_bytes()[:700])
    source = named(tmp_path)
    assert number_of(grab(source).image) == 7
    os.utime(part, (time.time() - 30,) * 2)
    with pytest.raises(SourceError) as caught:
        grab(source)
    assert caught.value.kind in (Failure.GARBAGE, Failure.CUT_SHORT, Failure.EMPTY)


def test_watching_a_folder_gives_each_file_once(tmp_path: Path) -> None:
    source, seen = named(tmp_path), []
    now = time.time()
    (tmp_path / "0.jpg").write_bytes(jpeg(quarter_lit()))
    os.utime(tmp_path / "0.jpg", (now - 100,) * 2)
    pictures = watching(source, 0.05, timeout_s=0.3)
    for row in range(1, 4):
        seen.append(next(pictures).image.shape[:2])
        (tmp_path / f"{row}.jpg").write_bytes(jpeg(quarter_lit(48 + 16 * row)))
        os.utime(tmp_path / f"{row}.jpg", (now - 100 + row,) * 2)
    last = next(pictures)
    assert [*seen, last.image.shape[:2]] == [(48, 64), (64, 64), (80, 64), (96, 64)]
    assert last.changed
    with pytest.raises(SourceError) as caught:
        next(pictures)
    assert caught.value.kind is Failure.STALLED


@pytest.mark.parametrize(
    ("quarters", "degrees", "corner"),
    [
        (0, 0, ("upper", "left")),
        (1, 270, ("upper", "right")),
        (2, 180, ("lower", "right")),
        (3, 90, ("lower", "left")),
    ],
)
def test_pictures_of_phones_stand_upright(
    folder: Path, quarters: int, degrees: int, corner: tuple[str, str]
) -> None:
    flat = encoded(folder / f"flat{quarters}.mp4", [quarter_lit()] * 10)
    clip = turned(flat, folder / f"turned{quarters}.mp4", quarters)
    about = footage(clip)
    size = (64, 48) if quarters % 2 else (48, 64)
    assert (about.height_px, about.width_px) == size and about.rotation_deg == degrees
    photograph = folder / f"{quarters}.jpg"
    photograph.write_bytes(jpeg(quarter_lit(), (1, 6, 3, 8)[quarters]))
    frames = [next(sample(clip, 1)), frame_at(clip, 0.3)]
    grabbed = [grab(named(clip)), grab(named(clip, loop=True)), grab(named(photograph))]
    assert [each.rotation_deg for each in grabbed] == [degrees] * 3
    for each in (*frames, *grabbed):
        assert each.image.shape == (*size, 3) and each.image.flags.c_contiguous
        assert lit_corner(each.image) == corner
    assert all((each.height_px, each.width_px) == size for each in grabbed)


def test_pictures_at_uneven_times_keep_them(folder: Path) -> None:
    ticks = [0, 1, 2, 3, 10, 11, 40, 41, 42, 90]
    pictures = [numbered(n) for n in range(10)]
    clip = encoded(folder / "uneven.mkv", pictures, gop=1, ticks=ticks)
    about = footage(clip)
    assert about.frames == 10 and not about.doubts
    assert about.keyframe_gap_s == pytest.approx(48 / 25, abs=0.01)
    got = list(sample(clip, 1e-3))
    assert [frame.index for frame in got] == [number_of(frame.image) for frame in got] == list(range(10))
    assert [frame.time_s for frame in got] == pytest.approx([tick / 25 for tick in ticks], abs=2e-3)
    assert [number_of(frame_at(clip, at).image) for at in (0.2, 0.41, 1.2, 3.0, 99)] == [3, 4, 5, 8, 9]
    assert [number_of(frame.image) for frame in sample(clip, 2)] == [0, 9]


def wrong(folder: Path, name: str) -> Path:
    """Footage of 100 frames whose times are wrong: two transport streams in one file, or none at all."""
    if name == "none":
        return film(folder / "none.h264", frames=100, form="h264")
    first = film(folder / f"{name}-1.ts")
    ahead = {"output_ts_offset": "20000"} if name == "ahead" else {}
    second = film(folder / f"{name}-2.ts", first=50, options=ahead)
    both = folder / f"{name}.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    return both


@pytest.mark.parametrize(("name", "doubt"), [("back", BACKWARD), ("ahead", FORWARD), ("none", NO_TIMES)])
def test_wrong_times_are_noticed_and_mended(folder: Path, name: str, doubt: object) -> None:
    clip = wrong(folder, name)
    frames = 100
    about = footage(clip)
    assert about.doubts == (doubt,)
    assert about.frames == frames and about.duration_s == pytest.approx(frames / 25)
    got = list(sample(clip, 1e-3))
    assert [frame.time_s for frame in got] == pytest.approx(np.arange(frames) / 25)
    assert [number_of(frame.image) for frame in got] == list(range(frames))
    assert [frame.index for frame in sample(clip, 0.8)] == list(range(0, frames, 20))
    assert frame_at(clip, 2.2).index == 55 and number_of(frame_at(clip, 2.2).image) == 55
    looped = grab(named(clip, loop=True))
    assert looped.doubts == (doubt,) and not looped.keyframe
    shown = 25 * (looped.taken_at.timestamp() % about.duration_s)
    assert number_of(looped.image) == pytest.approx(shown, abs=1.01)
    assert grab(named(clip)).doubts == (doubt,)


def test_the_end_of_a_transport_stream_is_found(folder: Path) -> None:
    clip = film(folder / "end.ts")
    assert number_of(frame_at(clip, 99).image) == 49


def spoilt(folder: Path, name: str, write: Callable[[Path], object]) -> Source:
    path = folder / name
    write(path)
    return named(path)


def test_files_that_are_no_footage_say_what_they_are(folder: Path) -> None:
    mp4 = film(folder / "w.mp4").read_bytes()
    mkv = film(folder / "w.mkv").read_bytes()
    avi = film(folder / "w.avi", codec="mpeg4").read_bytes()
    for source, kinds in [
        (named(folder / "gone.mp4"), {Failure.UNREACHABLE}),
        (parse_source("folder:gone", clips_dir=folder), {Failure.UNREACHABLE}),
        (spoilt(folder, "nothing", Path.mkdir), {Failure.EMPTY}),
        (spoilt(folder, "empty.mp4", Path.touch), {Failure.EMPTY}),
        (spoilt(folder, "sound.wav", lambda path: path.write_bytes(sound())), {Failure.EMPTY}),
        (spoilt(folder, "none.avi", lambda path: film(path, codec="mpeg4", frames=0)), {Failure.EMPTY}),
        (spoilt(folder, "none.mp4", lambda path: film(path, frames=0)), {Failure.EMPTY}),
        (spoilt(folder, "none.mkv", lambda path: film(path, frames=0)), {Failure.EMPTY}),
        (spoilt(folder, "words.avi", lambda path: path.write_text("No footage.\n" * 400)), {Failure.GARBAGE}),
        (spoilt(folder, "zeros.mp4", lambda path: path.write_bytes(bytes(9000))), {Failure.GARBAGE}),
        (spoilt(folder, "cut.mp4", lambda path: path.write_bytes(mp4[: len(mp4) // 2])), {Failure.GARBAGE}),
        (spoilt(folder, "cut.mkv", lambda path: path.write_bytes(mkv[: len(mkv) // 2])), {Failure.CUT_SHORT}),
        (
            spoilt(folder, "cut.avi", lambda path: path.write_bytes(avi[: len(avi) * 7 // 10])),
            {Failure.CUT_SHORT},
        ),
        (
            spoilt(folder, "cut.jpg", lambda path: path.write_bytes(jpeg(quarter_lit())[:500])),
            {Failure.GARBAGE, Failure.CUT_SHORT},
        ),
    ]:
        for read in (grab, lambda source: next(watching(source, 1, timeout_s=1))):
            with pytest.raises(SourceError) as caught:
                read(source)
            assert caught.value.kind in kinds, source
            assert caught.value.mend


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.mp4", "ffconcat version 1.0\nfile 'other.mp4'\n"),
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nother.mp4\n#EXT-X-ENDLIST\n"),
        ("list.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n"),
    ],
)
def test_a_file_that_only_names_others_is_refused(folder: Path, name: str, content: str) -> None:
    film(folder / "other.mp4")
    (folder / name).write_text(content)
    for read in (lambda: grab(named(folder / name)), lambda: footage(folder / name)):
        with pytest.raises(SourceError) as caught:
            read()
        assert caught.value.kind in (Failure.GARBAGE, Failure.UNSUPPORTED)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_impossible_times_are_refused(folder: Path, seconds: float) -> None:
    source = named(folder / "other.mp4")
    for read in (
        lambda: grab(source, timeout_s=seconds),
        lambda: next(watching(source, seconds)),
        lambda: next(watching(source, 1, timeout_s=seconds)),
    ):
        with pytest.raises(SourceError, match="seconds above 0") as caught:
            read()
        assert caught.value.kind is Failure.UNSUPPORTED
