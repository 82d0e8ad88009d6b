"""
Addresses of footage: which are allowed, where they lead, and how they may be shown.

Libav opens far more than cameras (`concat:`, `subfile:`, `data:`, playlists of other files). Here only the listed
schemes pass, and `Source` tells libav to open no other on the way. User names, passwords and queries of an address
appear in no message, representation or log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from analysis.errors import Term
from geodata.settings import settings
from geodata.video.failures import Failure, SourceError

__all__ = ["Origin", "Source", "parse_source", "shown_address"]

RTSP, WEB = ("rtsp", "rtsps"), ("http", "https")
_ALLOWED = "clip:NAME, folder:NAME, file:///…, rtsp://…, rtsps://…, http://… or https://…"
_SECRET_FIELD = re.compile(
    r"\b((?:user|usr|login|pass|pwd|token|key|auth|secret|sig)\w*=)[^&/;?#]*", re.IGNORECASE
)


class Origin(StrEnum):
    """Where pictures come from."""

    FILE = "file"
    FOLDER = "folder"
    RTSP = "rtsp"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Source:
    """
    A place that gives pictures.

    Parameters
    ----------
    origin
        What sort of place.
    shown
        The address without secrets, for people and logs.
    path
        File or folder, if it is one.
    address
        Where a stream is, with its password; `address.get_secret_value()` tells it.
    loop
        Recorded footage plays round and round as if it were live: its position is the time of day modulo its
        length.
    """

    origin: Origin
    shown: str
    path: Path | None = None
    address: SecretStr | None = field(default=None, repr=False)
    loop: bool = False

    @property
    def host(self) -> tuple[str, int] | None:
        """Name and port to connect to; None for files."""
        if self.address is None:
            return None
        parts = urlsplit(self.address.get_secret_value())
        default = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}[parts.scheme.lower()]
        return parts.hostname or "", parts.port or default


def parse_source(
    address: str, *, clips_dir: Path | None = None, folders: Sequence[Path] = (), loop: bool = False
) -> Source:
    """
    What an address stands for; nothing is opened.

    Parameters
    ----------
    address
        `clip:NAME` (file in `clips_dir`), `folder:NAME` (newest picture or clip in that folder of `clips_dir`),
        `file:///…` or an absolute path inside `clips_dir` or `folders`, `rtsp://`, `rtsps://`, `http://`,
        `https://`.
    clips_dir
        Where clips and folders of pictures lie; the setting's, if None.
    folders
        More folders that paths may lead into.
    loop
        Recorded footage is to play round and round.

    Raises
    ------
    StreamError
        Of kind `unsupported`: another scheme, a path outside, no host, blanks or control characters.
    """
    clips = settings().clips_dir if clips_dir is None else clips_dir
    scheme, colon, rest = address.partition(":")
    scheme = scheme.lower()
    if colon and scheme in ("clip", "folder"):
        if rest in ("", "..") or Path(rest).name != rest or "\0" in rest:
            raise _refused(address, Term("its name is not that of a file or folder"))
        return Source(Origin.FILE if scheme == "clip" else Origin.FOLDER, address, clips / rest, loop=loop)
    if address.startswith("/") or (colon and scheme == "file"):
        return _of_path(address, (clips, *folders), loop)
    if re.search(r"[\x00-\x20\x7f]", address):
        raise _refused(address, Term("it holds a blank or a control character"))
    if scheme not in (*RTSP, *WEB) or not rest.startswith("//"):
        raise _refused(address, Term("it begins in another way"))
    if not _has_host(address):
        raise _refused(address, Term("its host or port cannot be read"))
    return Source(
        Origin.RTSP if scheme in RTSP else Origin.WEB,
        shown_address(address),
        address=SecretStr(f"{scheme}:{rest}"),
        loop=loop,
    )


def shown_address(address: str) -> str:
    """
    An address as it may be shown: no user, no password, no query.

    Whatever stands before the last @ is left out, because a password with a slash or a question mark that was not
    escaped would otherwise pass for part of a path.
    """
    scheme, colon, rest = address.partition(":")
    if not colon or not rest.startswith("//"):
        return address
    if "@" in rest:
        rest = "//…@" + rest.rpartition("@")[2]
    path, question, _ = rest.partition("#")[0].partition("?")
    path = _SECRET_FIELD.sub(r"\1…", path)
    return f"{scheme}:{path}{question and '?…'}"


def _of_path(address: str, roots: Sequence[Path], loop: bool) -> Source:
    if address.startswith("/"):
        path = Path(address)
    else:
        parts = urlsplit(address)
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise _refused(address, Term("a file address is file:/// and an absolute path"))
        path = Path(unquote(parts.path))
    if "\0" in str(path) or not any(path.resolve().is_relative_to(root.resolve()) for root in roots):
        raise SourceError(
            "{source} lies outside the folders that footage may come from.",
            "Put it into {folder}, or allow its folder.",
            kind=Failure.UNSUPPORTED,
            source=str(path).replace("\0", "…"),
            folder=roots[0],
        )
    return Source(Origin.FOLDER if path.is_dir() else Origin.FILE, str(path), path.resolve(), loop=loop)


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _refused(address: str, why: Term) -> SourceError:
    """Shows no more of the address than its scheme: what is wrong with it may be a password."""
    scheme, colon, _ = address.partition(":")
    known = bool(colon) and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,19}", scheme)
    return SourceError(
        "The address '{source}' cannot be used: {why}.",
        "Give {allowed}; escape special characters of a password, such as %40 for @.",
        kind=Failure.UNSUPPORTED,
        source=f"{scheme}:…" if known else "…",
        why=why,
        allowed=_ALLOWED,
    )
