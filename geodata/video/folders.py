"""Folders that other systems drop pictures and clips into."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from geodata.video.addresses import Source
from geodata.video.failures import Failure, SourceError

__all__ = ["CLIPS", "PICTURES", "newest_files"]

WRITING_S = 10.0
"""A file that changed so recently may still be being written."""
TRIED = 3
"""So many of the newest files are looked at."""
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
CLIPS = frozenset(
    {
        ".mp4",
        ".m4v",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".ts",
        ".mts",
        ".mpg",
        ".mpeg",
        ".flv",
        ".h264",
        ".h265",
    }
)


def newest_files(source: Source, not_before: datetime | None = None) -> list[tuple[Path, bool]]:
    """
    The newest pictures and clips of a folder, newest first, each with whether it may still be being written.

    Parameters
    ----------
    source
        A folder.
    not_before
        Older files are left out; aware. None for any.

    Raises
    ------
    StreamError
        Of kind `unreachable` without the folder, `empty` without a picture or clip in it, `stalled` if all are older.
    """
    folder = source.path
    if folder is None or not folder.is_dir():
        raise SourceError(
            "There is no folder at {source}.",
            "Check its name, and that the system which brings the pictures has made it.",
            kind=Failure.UNREACHABLE,
            source=source.shown,
        )
    found: list[tuple[datetime, Path]] = []
    for path in folder.iterdir():
        if path.suffix.lower() in PICTURES | CLIPS and not path.name.startswith("."):
            try:
                found.append((datetime.fromtimestamp(path.stat().st_mtime, UTC), path))
            except FileNotFoundError:  # moved away meanwhile
                continue
    if not found:
        raise SourceError(
            "{source} holds no picture or clip.",
            "Check that the system which brings them is running; known are {suffixes}.",
            kind=Failure.EMPTY,
            source=source.shown,
            suffixes=" ".join(sorted(PICTURES | CLIPS)),
        )
    found.sort(reverse=True)
    wanted = [each for each in found if not_before is None or each[0] >= not_before]
    if not wanted:
        raise SourceError(
            "Nothing newer than {path} has come to {source} since {since}.",
            "Check that the system which brings the pictures is running.",
            kind=Failure.STALLED,
            source=source.shown,
            path=found[0][1].name,
            since=found[0][0].isoformat(timespec="seconds"),
        )
    now = datetime.now(UTC)
    return [(path, now - at < timedelta(seconds=WRITING_S)) for at, path in wanted[:TRIED]]
