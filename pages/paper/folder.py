"""A report as a folder or a zip with a manifest; the same files make the same bytes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from geodata.errors import TwinError

__all__ = ["MANIFEST", "manifest_of", "write_folder", "write_zip"]

MANIFEST = "manifest.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can tell: what is in it is dated inside, not by the clock."""


def manifest_of(files: Mapping[str, bytes | Path], about: Mapping[str, Any]) -> bytes:
    """
    Each file with its bytes and SHA-256, under what the report says of itself.

    Parameters
    ----------
    files
        Path inside the report → content, or the file that holds it.
    about
        Members of the manifest.
    """
    listed = [
        {"path": name, "bytes": _size(content), "sha256": _digest(content)}
        for name, content in sorted(files.items())
    ]
    return (json.dumps({**about, "files": listed}, ensure_ascii=False, indent=1) + "\n").encode()


def write_zip(out: Path, files: Mapping[str, bytes | Path]) -> None:
    """
    All files as one zip: sorted, undated, each packed the same way; never left half-written.

    Raises
    ------
    TwinError
        If it cannot be written.
    """
    part = out.with_name(out.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as pack:
            for name, content in sorted(files.items()):
                entry = zipfile.ZipInfo(name, EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                entry.create_system = 3
                with pack.open(entry, "w", force_zip64=True) as inside:
                    for chunk in _chunks(content):
                        inside.write(chunk)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritable(out, error) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_folder(out: Path, files: Mapping[str, bytes | Path]) -> None:
    """
    All files as a folder, which must not hold anything yet.

    Raises
    ------
    TwinError
        If it holds something, or cannot be written.
    """
    try:
        out.mkdir(exist_ok=True)
        if any(out.iterdir()):
            raise TwinError(
                "The folder {path} is not empty.",
                "Name a new folder, or one without anything in it.",
                path=out,
            )
        for name, content in sorted(files.items()):
            path = out.joinpath(*PurePosixPath(name).parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for chunk in _chunks(content):
                    file.write(chunk)
    except OSError as error:
        raise _unwritable(out, error) from error


def _unwritable(path: Path, error: OSError) -> TwinError:
    return TwinError(
        "{path} cannot be written ({why}).",
        "Choose a folder that exists and that you own.",
        path=path,
        why=error,
    )


def _chunks(content: bytes | Path) -> Any:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def _size(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _digest(content: bytes | Path) -> str:
    found = hashlib.sha256()
    for chunk in _chunks(content):
        found.update(chunk)
    return found.hexdigest()
