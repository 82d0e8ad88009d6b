"""Results in files below the data folder, under the digest of all that went in: for what no row of a table can hold."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from pathlib import Path

from geodata.parts.executors import Done
from geodata.settings import settings

__all__ = ["KeptInFile"]

log = logging.getLogger(__name__)

FOLDER = "kept"
ENDING = ".part"
YOUNG_S = 3600.0
"""A half-written file may still be written for so long."""
CHECK_BYTES = hashlib.sha256().digest_size


class KeptInFile:
    """
    Keeps the newest result of one kind of work; an older one goes as soon as a newer is kept.

    A file that is damaged, and one that cannot be read or written, is told in the log: the work is then done anew.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    @property
    def _folder(self) -> Path:
        return settings().data_dir / FOLDER

    def _path(self, digest: str) -> Path:
        return self._folder / f"{self._kind}-{digest}{ENDING}"

    def find(self, digest: str) -> bytes | None:
        """The result that an earlier process kept; None if there is none, or it is damaged."""
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("What was kept of %s cannot be read, so it is computed anew: %s", self._kind, error)
            return None
        result = content[CHECK_BYTES:]
        if hashlib.sha256(result).digest() != content[:CHECK_BYTES]:
            log.warning("What was kept of %s is damaged, so it is computed anew: %s", self._kind, path)
            return None
        return result

    def keep(self, done: Done) -> None:
        """Writes it, whole or not at all."""
        path = self._path(done.part.digest)
        passing = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with passing.open("xb") as file:
                    file.write(hashlib.sha256(done.result).digest())
                    file.write(done.result)
                passing.replace(path)
            finally:
                passing.unlink(missing_ok=True)
            for other in path.parent.glob(f"{self._kind}-*"):
                if other != path and (other.suffix == ENDING or _age_s(other) > YOUNG_S):
                    other.unlink(missing_ok=True)
        except OSError as error:
            log.warning("What was computed of %s cannot be kept: %s", self._kind, error)


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
