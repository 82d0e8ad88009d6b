"""Why a source gives no picture: one kind for each thing that somebody can do about it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from enum import StrEnum

import av.error

from analysis.errors import Term
from geodata.errors import StreamError

__all__ = ["Failure", "SourceError", "failure_of", "told", "words_of"]


class Failure(StrEnum):
    """What kind of trouble a source is in; `unsupported` and `denied` do not pass by waiting."""

    UNREACHABLE = "unreachable"
    """Nobody answers there, or what answers knows no such address."""
    DENIED = "denied"
    """It wants another name or password."""
    STALLED = "stalled"
    """It answers and then nothing more comes, or nothing newer."""
    GARBAGE = "garbage"
    """What comes is not video."""
    EMPTY = "empty"
    """It is video without one picture."""
    CUT_SHORT = "cut short"
    """It ends before it should."""
    UNSUPPORTED = "unsupported"
    """It is asked for in a way that is not allowed or cannot be done."""


class SourceError(StreamError):
    """
    A source gives no picture.

    Parameters
    ----------
    message, mend, **facts
        As for every error of ours; the fact `kind` is a `Failure`. No fact holds a password.
    """

    @property
    def kind(self) -> Failure:
        """What kind of trouble it is."""
        return Failure(str(self.facts["kind"]))


_SPOKEN: tuple[tuple[Failure, tuple[type[av.error.FFmpegError], ...]], ...] = (
    (Failure.DENIED, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, av.error.PermissionError)),
    (Failure.STALLED, (av.error.ExitError, av.error.TimeoutError)),
    (Failure.CUT_SHORT, (av.error.EOFError,)),
    (Failure.UNSUPPORTED, (av.error.ProtocolNotFoundError, av.error.PatchWelcomeError)),
    (Failure.UNSUPPORTED, (av.error.DecoderNotFoundError, av.error.DemuxerNotFoundError)),
    (Failure.UNREACHABLE, (av.error.HTTPError, av.error.HTTPClientError, av.error.HTTPServerError)),
    (Failure.UNREACHABLE, (av.error.ConnectionRefusedError, av.error.ConnectionResetError)),
    (Failure.UNREACHABLE, (av.error.BrokenPipeError, av.error.FileNotFoundError, av.error.OSError)),
)
_NO_WAY = (errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL)
"""What the system says of a network without a way; libav has no class for it."""
_WORDS: dict[Failure, Callable[[dict[str, object]], SourceError]] = {
    Failure.UNREACHABLE: lambda facts: SourceError(
        "{source} cannot be reached: {why}.",
        "Check that the camera is on, that its address is right, and that this machine may reach it.",
        **facts,
    ),
    Failure.DENIED: lambda facts: SourceError(
        "{source} refuses to show its picture: {why}.",
        "Enter its user name and password in the address again: scheme://user:password@host/path.",
        **facts,
    ),
    Failure.STALLED: lambda facts: SourceError(
        "{source} was silent for more than {limit_s:.1f} s.",
        "Check its network connection and restart it; if it is only slow, allow it more time.",
        **facts,
    ),
    Failure.GARBAGE: lambda facts: SourceError(
        "What {source} sends is not video: {why}.",
        "Check that the address leads to a stream or a picture and not to a page, in a common player (VLC, "
        "ffplay).",
        **facts,
    ),
    Failure.EMPTY: lambda facts: SourceError(
        "{source} holds no picture.",
        "Give an address with video; for a recorder, choose a channel that has a camera.",
        **facts,
    ),
    Failure.CUT_SHORT: lambda facts: SourceError(
        "{source} ended before it gave a picture.",
        "Check its network connection; for a file, copy it again.",
        **facts,
    ),
    Failure.UNSUPPORTED: lambda facts: SourceError(
        "{source} asks for something that is not allowed or not known here: {why}.",
        "Give a file, a folder, or an rtsp, rtsps, http or https address of H.264, H.265 or JPEG pictures.",
        **facts,
    ),
}


_OF_FILES: dict[Failure, Callable[[dict[str, object]], SourceError]] = {
    Failure.GARBAGE: lambda facts: SourceError(
        "{source} cannot be read as a picture or clip: {why}.",
        "Copy the file again, or give one that a common player (VLC, ffplay) can show.",
        **facts,
    ),
    Failure.EMPTY: lambda facts: SourceError(
        "{source} holds no picture.", "Copy the file again, or give a clip with video.", **facts
    ),
    Failure.CUT_SHORT: lambda facts: SourceError(
        "{source} ended before it gave a picture.", "Copy or fetch the file again.", **facts
    ),
}
_PLAIN: dict[type[av.error.FFmpegError], Term] = {
    av.error.InvalidDataError: Term("no picture is found in it"),
    av.error.ArgumentError: Term("its format is not one of those that are known here"),
}


def failure_of(error: av.error.FFmpegError) -> Failure:
    """What kind of trouble libav speaks of."""
    if error.errno in _NO_WAY:
        return Failure.UNREACHABLE
    return next((kind for kind, classes in _SPOKEN if isinstance(error, classes)), Failure.GARBAGE)


def words_of(error: av.error.FFmpegError) -> str:
    """Why, in our words or libav's own; never with the address."""
    return _PLAIN.get(type(error)) or str(error.strerror or type(error).__name__)


def told(kind: Failure, source: str, *, why: str = "", limit_s: float = 0.0) -> SourceError:
    """
    The sentence for a kind of trouble.

    Parameters
    ----------
    kind
        What it is.
    source
        Address as it may be shown; a file's has no scheme.
    why
        Libav's words, without the address.
    limit_s
        How long was waited.
    """
    words = _WORDS if "://" in source else _WORDS | _OF_FILES
    return words[kind]({"kind": kind, "source": source, "why": why or kind.value, "limit_s": limit_s})
