"""Files that people upload: kept under names of ours until the job that reads them has ended."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from geodata.errors import IngestError
from geodata.settings import settings

__all__ = ["FOLDER", "drop_upload", "keep_upload", "kept_upload", "sweep_uploads"]

FOLDER = "uploads"
"""Below the data folder."""
NAME = re.compile(r"[0-9a-f]{32}(\.[a-z0-9]{1,12})?")
YOUNG_S = 600.0
"""A file younger than this may belong to a job that is about to be put into the queue."""


def keep_upload(name: str, content: BinaryIO) -> str:
    """
    Copies an upload piece by piece below the data folder; returns the name that it has there.

    Parameters
    ----------
    name
        As the person calls it; only its ending is used.
    content
        Open for reading; read from its beginning.

    Raises
    ------
    IngestError
        If it is above `TWIN_LOAD_MAX_MB`; nothing is kept then.
    """
    most = settings().load_max_mb
    size = content.seek(0, os.SEEK_END)
    if size > most * 1e6:
        raise IngestError(
            "{name} has {size:,.0f} MB; {most:,} MB are allowed.",
            "Split it, or set TWIN_LOAD_MAX_MB.",
            name=name,
            size=size / 1e6,
            most=most,
        )
    content.seek(0)
    ending = PurePosixPath(name).suffix.lower()
    kept = secrets.token_hex(16) + (ending if re.fullmatch(r"\.[a-z0-9]{1,12}", ending) else "")
    folder = settings().data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / kept
    try:
        with path.open("xb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise IngestError(
            "{name} cannot be kept ({why}).", "Make room on the disk.", name=name, why=error.strerror or error
        ) from error
    return kept


def kept_upload(kept: str) -> Path:
    """
    Where an upload lies.

    Raises
    ------
    IngestError
        If it is no name of ours, or the file is gone.
    """
    path = settings().data_dir / FOLDER / kept
    if not NAME.fullmatch(kept) or not path.is_file():
        raise IngestError("The uploaded file is not there any more.", "Upload it again.")
    return path


def drop_upload(kept: str) -> None:
    """Removes an upload, if it is there."""
    if NAME.fullmatch(kept):
        (settings().data_dir / FOLDER / kept).unlink(missing_ok=True)


def sweep_uploads(wanted: Collection[str]) -> int:
    """Removes uploads that no job waits for any more; returns how many."""
    folder, swept = settings().data_dir / FOLDER, 0
    for path in folder.glob("*") if folder.is_dir() else ():
        if NAME.fullmatch(path.name) and path.name not in wanted and _age_s(path) > YOUNG_S:
            path.unlink(missing_ok=True)
            swept += 1
    return swept


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
