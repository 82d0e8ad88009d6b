"""Footage: which frames a patrol gets, and what it is told about files that are none."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from geodata.errors import StreamError
from geodata.video.streams import footage, frame_at, sample

RATE, FRAMES = 10, 60


def film(path: Path, *, gop: int, codec: str = "mpeg4", frames: int = FRAMES) -> Path:
    """A clip of 64×48 px whose frame n is a grey of 4·n."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size = gop
        stream.options = {"sc_threshold": "1000000000"}  # no keyframes but those of the gop
        stream.bit_rate = 800_000
        for number in range(frames):
            grey = np.full((48, 64, 3), 4 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="bgr24")))
        container.mux(stream.encode())
    return path


def number_of(image: np.ndarray) -> int:
    return round(float(image.mean()) / 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("footage")


@pytest.fixture(scope="module")
def sparse(folder: Path) -> Path:
    """One keyframe in 60 frames."""
    return film(folder / "sparse.mp4", gop=600)


@pytest.fixture(scope="module")
def dense(folder: Path) -> Path:
    """A keyframe every 5 frames."""
    return film(folder / "dense.mp4", gop=5)


def test_a_clip_is_known_without_decoding(sparse: Path, dense: Path) -> None:
    about = footage(dense)
    assert (about.width_px, about.height_px, about.frames, about.rate_hz) == (64, 48, FRAMES, RATE)
    assert about.duration_s == pytest.approx(6) and about.keyframe_gap_s == pytest.approx(0.5)
    assert footage(sparse).keyframe_gap_s == pytest.approx(6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(every_s=st.floats(0.05, 8), which=st.sampled_from(["sparse", "dense"]))
def test_every_interval_gives_its_first_frame(
    every_s: float, which: str, request: pytest.FixtureRequest
) -> None:
    clip = request.getfixturevalue(which)
    got = list(sample(clip, every_s))
    keyed = footage(clip).keyframe_gap_s <= every_s
    step = 5 if keyed else 1
    places = [(number / RATE + 0.05) / every_s for number in range(0, FRAMES, step)]
    assume(all(abs(place - round(place)) > 1e-6 for place in places))
    slots = [int(place) for place in places]
    first = [step * row for row, slot in enumerate(slots) if slot not in slots[:row]]
    assert [frame.index for frame in got] == first
    assert [frame.time_s for frame in got] == pytest.approx([number / RATE for number in first])
    assert [number_of(frame.image) for frame in got] == pytest.approx(first, abs=1)
    assert got[0].image.shape == (48, 64, 3) and got[0].image.dtype == np.uint8


@pytest.mark.parametrize("which", ["sparse", "dense"])
def test_a_frame_is_found_again_by_its_time(which: str, request: pytest.FixtureRequest) -> None:
    clip = request.getfixturevalue(which)
    for frame in sample(clip, 0.7):
        again = frame_at(clip, frame.time_s)
        assert again.index == frame.index
        np.testing.assert_array_equal(again.image, frame.image)
    assert frame_at(clip, 999).index == FRAMES - 1
    assert frame_at(clip, 0).index == 0


def test_sparse_keyframes_that_suffice_are_all_that_is_decoded(
    dense: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from geodata.video import streams

    decoded = []
    real = streams._decode
    monkeypatch.setattr(
        streams, "_decode", lambda stream, packet: decoded.append(packet) or real(stream, packet)
    )
    assert len(list(sample(dense, 2))) == 3
    assert len([packet for packet in decoded if packet is not None]) == 3


def test_bad_files_give_one_sentence_with_the_mend(folder: Path, dense: Path) -> None:
    text = folder / "words.avi"
    text.write_text("This is not footage.\n" * 200)
    empty = folder / "empty.mp4"
    empty.touch()
    sound = folder / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        noise = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        noise.sample_rate = 8000
        container.mux(stream.encode(noise))
        container.mux(stream.encode())
    headless = folder / "headless.mp4"
    headless.write_bytes(dense.read_bytes()[:600])
    for path, word in [
        (folder / "gone.avi", "no footage at"),
        (folder, "no footage at"),
        (text, "cannot be read as footage"),
        (empty, "cannot be read as footage"),
        (sound, "no picture track"),
        (headless, "cannot be read as footage|no picture"),
    ]:
        for read in (footage, lambda clip: next(sample(clip, 1)), lambda clip: frame_at(clip, 0)):
            with pytest.raises(StreamError, match=word) as caught:
                read(path)
            assert caught.value.mend


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_a_clip_cut_short_is_not_taken_for_whole(folder: Path, share: float) -> None:
    whole = film(folder / "whole.avi", gop=12)
    cut = folder / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(StreamError, match=r"cut short|no picture|cannot be read"):
        list(sample(cut, 1))


def test_a_damaged_stretch_is_passed_over(folder: Path, dense: Path) -> None:
    content = bytearray(dense.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 300] = bytes(300)
    hurt = folder / "hurt.mp4"
    hurt.write_bytes(bytes(content))
    assert len(list(sample(hurt, 0.1))) > FRAMES / 2


def test_an_interval_of_nothing_is_refused(dense: Path) -> None:
    for every_s in (0, -1, float("nan")):
        with pytest.raises(StreamError, match="above 0"):
            next(sample(dense, every_s))
