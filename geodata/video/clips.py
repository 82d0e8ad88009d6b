"""The demonstration clip: street footage that Debian and Ubuntu package."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from geodata.errors import MissingAsset
from geodata.video.streams import footage

__all__ = ["CLIP_NAME", "fetch_clip", "has_clip"]

CLIP_NAME = "vtest.avi"
"""Name of the clip in `Settings.clips_dir`: PETS 2009 S2-L1, view 1, 768×576, 795 frames."""
CLIP_BYTES = 8_131_690
CLIP_SHA256 = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
PACKAGE = "opencv-doc"
PATIENCE_S = 900


def has_clip(path: Path) -> bool:
    """The file is the whole clip."""
    if not path.is_file() or path.stat().st_size != CLIP_BYTES:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == CLIP_SHA256


def fetch_clip(dest: Path) -> Path:
    """
    The demonstration clip at `dest`; nothing is done if it is there and whole.

    Parameters
    ----------
    dest
        File to write, such as `settings().clips_dir / CLIP_NAME`. It appears whole or not at all.

    Raises
    ------
    MissingAsset
        If this system has no apt, the package cannot be fetched, or it holds another clip.

    Notes
    -----
    The package (96 MB) is downloaded into a temporary folder, not installed, so any user may do it; only the
    clip is kept.
    """
    if has_clip(dest):
        return dest
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise _missing(dest, "this system has no apt")
    dest.parent.mkdir(parents=True, exist_ok=True)
    partial = dest.with_name(f".{dest.stem}.part{dest.suffix}")
    try:
        with tempfile.TemporaryDirectory(prefix="huiyan-clip-") as folder:
            partial.write_bytes(_clip_of(_download(Path(folder), dest), dest))
        if not has_clip(partial):
            raise _missing(dest, f"the {CLIP_NAME} of this system's {PACKAGE} is another one")
        footage(partial)
        partial.replace(dest)
    finally:
        partial.unlink(missing_ok=True)
    return dest


def _download(folder: Path, dest: Path) -> Path:
    command = ["apt-get", "download", "--quiet", PACKAGE]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        said = [line for line in done.stderr.splitlines() if line.startswith("E:")]
    except subprocess.TimeoutExpired:
        said = [f"no answer within {PATIENCE_S} s"]
    found = sorted(folder.glob(f"{PACKAGE}_*.deb"))
    if not found:
        why = said[0].removeprefix("E:").strip() if said else "apt-get brought nothing"
        raise _missing(dest, why)
    return found[0]


def _clip_of(package: Path, dest: Path) -> bytes:
    """The clip's bytes out of a Debian package; nothing else is unpacked."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as unpacking:
        try:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tree:
                for member in tree:
                    source = tree.extractfile(member) if member.name.endswith(f"/{CLIP_NAME}") else None
                    if source is not None:
                        return source.read()
        except tarfile.TarError as error:
            raise _missing(dest, f"{package.name} cannot be unpacked") from error
        finally:
            unpacking.kill()
    raise _missing(dest, f"{package.name} holds no {CLIP_NAME}")


def _missing(dest: Path, why: str) -> MissingAsset:
    return MissingAsset(
        "The demonstration clip cannot be fetched: {why}.",
        "On Debian or Ubuntu run `apt-get update` as root and `make setup` again; elsewhere take {clip} from "
        "the samples/data folder of OpenCV's source and put it at {dest}.",
        why=why.rstrip("."),
        clip=CLIP_NAME,
        dest=dest,
    )
