"""Why a source gives no picture: one kind for each thing that somebody can do about it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import av.error

from analysis.errors import Term
from geodata.errors import StreamError

__all__ = [
    "UNCODED",
    "UNDECODABLE",
    "Failure",
    "Reason",
    "SourceError",
    "failure_of",
    "reason_of",
    "reason_of_name",
    "told",
]


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
    Failure.DENIED: lambda facts: SourceError(
        "{source} cannot be read: {why}.", "Allow the user under whom the workers run to read it.", **facts
    ),
}
UNDECODABLE = Term("its pictures cannot be decoded")
UNCODED = Term("its coding is not one of those that are known here")
UNTOLD = Term("it does not say why")


@dataclass(frozen=True, slots=True)
class Reason:
    """
    Why a source gives no picture, and what to do about just that.

    Attributes
    ----------
    why
        A word of ours where it is a common one, else libav's or the system's own.
    mend
        What to do; empty where there is nothing more to do than for every trouble of its kind.
    detail
        What libav or the system said itself, without the address; empty if that is `why` already.
    """

    why: str
    mend: str = ""
    detail: str = ""


_COMMON: tuple[tuple[tuple[type[av.error.FFmpegError], ...], Reason], ...] = (
    (
        (av.error.ConnectionRefusedError,),
        Reason(
            Term("it refused the connection"),
            Term("Check the port in its address, and that its video service is switched on."),
        ),
    ),
    (
        (av.error.ConnectionResetError, av.error.ConnectionAbortedError, av.error.BrokenPipeError),
        Reason(
            Term("it broke the connection off"),
            Term("Check its network connection, and whether too many look at it at once."),
        ),
    ),
    (
        (av.error.FileNotFoundError,),
        Reason(Term("there is nothing under this path any more")),
    ),
    (
        (av.error.HTTPNotFoundError,),
        Reason(
            Term("it has nothing under this path (404)"),
            Term("Check path and channel in its address against the manual of the camera or recorder."),
        ),
    ),
    (
        (av.error.HTTPUnauthorizedError,),
        Reason(Term("it asks for a login, or the one in the address is wrong (401)")),
    ),
    (
        (av.error.HTTPForbiddenError,),
        Reason(
            Term("this login may not see it (403)"),
            Term("Allow this user to see the channel, or enter another user in the address."),
        ),
    ),
    (
        (av.error.PermissionError,),
        Reason(
            Term("it may not be read from here"),
            Term("Allow the user under whom the workers run to read it."),
        ),
    ),
    (
        (av.error.HTTPTooManyRequestsError,),
        Reason(
            Term("too many ask it at once (429)"),
            Term("Let fewer look at it, or give it longer intervals: huiyan source … --shortest."),
        ),
    ),
    (
        (av.error.HTTPBadRequestError, av.error.HTTPOtherClientError, av.error.HTTPClientError),
        Reason(
            Term("it does not take such a request (4xx)"),
            Term("Check path and parameters in its address against the manual of the camera or recorder."),
        ),
    ),
    (
        (av.error.HTTPServerError,),
        Reason(
            Term("it has an error of its own (5xx)"),
            Term("Restart the camera, the recorder or the service that sends it, and read their own log."),
        ),
    ),
    ((av.error.InvalidDataError,), Reason(Term("no picture is found in it"))),
    (
        (av.error.ArgumentError, av.error.DemuxerNotFoundError),
        Reason(Term("its format is not one of those that are known here")),
    ),
    (
        (av.error.DecoderNotFoundError, av.error.PatchWelcomeError, av.error.ExperimentalError),
        Reason(
            UNCODED,
            Term("Set the camera to H.264, H.265 or JPEG, without the manufacturer's own extensions."),
        ),
    ),
    ((av.error.ProtocolNotFoundError,), Reason(Term("its protocol is not allowed here"))),
    ((av.error.EOFError,), Reason(Term("it ended at once"))),
    (
        (av.error.TimeoutError, av.error.ExitError),
        Reason(Term("it did not answer in time")),
    ),
)
"""Class of libav's errors → what it means; the first that fits."""
_NO_ROUTE = Reason(
    Term("no way in the network leads to it"),
    Term("Check cables, network settings and firewalls between this machine and the camera."),
)
_NAMES = {
    socket.EAI_NONAME: Reason(
        Term("nobody knows its host name"),
        Term("Check how the host in its address is spelt, or write its number (IP) instead."),
    ),
    socket.EAI_AGAIN: Reason(
        Term("the name server did not answer"),
        Term("Check this machine's name server (DNS), or write the camera's number (IP) in its address."),
    ),
}
"""What the system says of a name → what it means."""


def failure_of(error: av.error.FFmpegError) -> Failure:
    """What kind of trouble libav speaks of."""
    if error.errno in _NO_WAY:
        return Failure.UNREACHABLE
    return next((kind for kind, classes in _SPOKEN if isinstance(error, classes)), Failure.GARBAGE)


def reason_of(error: av.error.FFmpegError) -> Reason:
    """Why, and what to do about it; never with the address."""
    said = str(error.strerror or type(error).__name__)
    if error.errno in _NO_WAY:
        return replace(_NO_ROUTE, detail=said)
    if error.errno == errno.EIO:
        return Reason(Term("reading from it failed"), detail=said)
    known = next((reason for classes, reason in _COMMON if isinstance(error, classes)), None)
    return Reason(said) if known is None else replace(known, detail=said)


def reason_of_name(error: OSError | UnicodeError) -> Reason:
    """Why a host cannot be looked up."""
    said = str(getattr(error, "strerror", None) or "")
    known = _NAMES.get(getattr(error, "errno", None) or 0, Reason(Term("its name cannot be looked up")))
    return replace(known, detail=said)


def told(
    kind: Failure, source: str, *, why: str = "", mend: str = "", detail: str = "", limit_s: float = 0.0
) -> SourceError:
    """
    The sentence for a kind of trouble.

    Parameters
    ----------
    kind
        What it is.
    source
        Address as it may be shown; a file's has no scheme.
    why, mend, detail
        As a `Reason` has them, without the address.
    limit_s
        How long was waited.
    """
    words = _WORDS if "://" in source else _WORDS | _OF_FILES
    facts = {"kind": kind, "source": source, "why": why or UNTOLD, "limit_s": limit_s}
    if detail:
        facts["detail"] = detail
    error = words[kind](facts)
    if not mend or kind is Failure.STALLED:
        return error
    return type(error)(error.message, mend, **facts)
