"""
Whether a camera gives pictures: online, stalled, unreachable or unknown, and since when.

A state machine without a clock: every attempt to sample is an event, `after` tells the next state, and `seen_at` what
silence makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from analysis.checks import require_positive
from analysis.errors import InputError

__all__ = ["EVENTS", "STATES", "Event", "Health", "Patience", "State", "accepted", "after", "seen_at"]

State = Literal["online", "stalled", "unreachable", "unknown"]
Event = Literal["ok", "resized", "timeout", "garbage", "refused"]

STATES: tuple[State, ...] = ("online", "stalled", "unreachable", "unknown")
"""online: pictures come · stalled: it answers, but no picture comes · unreachable: it does not answer · unknown: nobody
has asked lately."""
EVENTS: tuple[Event, ...] = ("ok", "resized", "timeout", "garbage", "refused")
"""ok: a picture came · resized: one came in another size than before · timeout: none came in time · garbage: what came
is no picture · refused: no connection."""


@dataclass(frozen=True, slots=True)
class Patience:
    """
    How many failures change a state.

    Parameters
    ----------
    tolerated
        Failures in a row, 0 or more, that an online camera is forgiven.
    lost_after
        Failures in a row without any answer (timeouts, refusals) from which a camera that times out counts as
        unreachable; more than `tolerated`.
    silence_s
        Seconds without any event after which nothing is known any more; above 0.
    """

    tolerated: int = 1
    lost_after: int = 6
    silence_s: float = 3600.0

    def __post_init__(self) -> None:
        require_positive("tolerated", self.tolerated, zero=True)
        require_positive("silence_s", self.silence_s)
        if self.lost_after <= self.tolerated:
            raise InputError(
                "lost_after ({lost_after}) must be more than tolerated ({tolerated}).",
                "Forgive fewer failures, or wait for more.",
                lost_after=self.lost_after,
                tolerated=self.tolerated,
            )


@dataclass(frozen=True, slots=True)
class Health:
    """
    What is known of a camera's stream; a new one with nothing known is `Health()`.

    Attributes
    ----------
    state
        One of `STATES`.
    since_s
        Epoch seconds since when it is in that state; None if it was never asked.
    failures
        Failed attempts in a row; what `backoff_s` takes.
    unanswered
        Of these, the last ones in a row at which nothing answered (timeouts, refusals).
    last_ok_s, last_event_s
        Epoch seconds of the last picture and of the last attempt; None for never.
    last_event
        What the last attempt brought.
    resized_s
        Since when pictures have another size than the one that zones and calibration were made for; None if they have
        not. `accepted` clears it.
    """

    state: State = "unknown"
    since_s: float | None = None
    failures: int = 0
    unanswered: int = 0
    last_ok_s: float | None = None
    last_event_s: float | None = None
    last_event: Event | None = None
    resized_s: float | None = None


def after(health: Health, event: Event, at_s: float, patience: Patience | None = None) -> Health:
    """
    The health after an attempt to sample.

    Pictures make a camera online at once. Failures are forgiven while there are no more than `tolerated` in a row; then
    a refusal makes it unreachable, a timeout or garbage stalled, and timeouts without end unreachable. A camera that
    was not online is forgiven nothing.

    Parameters
    ----------
    health
        Before.
    event
        One of `EVENTS`.
    at_s
        Epoch seconds of the attempt. Reports of several workers may overtake each other: one that is not newer than
        the last changes nothing, so a report told twice counts once.
    patience
        How many failures change a state.

    Raises
    ------
    InputError
        If the event is unknown or the time is not finite.
    """
    patience = patience or Patience()
    if event not in EVENTS:
        raise InputError(
            "There is no event {event!r}.", "Use one of {events}.", event=event, events=", ".join(EVENTS)
        )
    if not isfinite(at_s):
        raise InputError("The time of an event is {at_s}.", "Give epoch seconds.", at_s=at_s)
    if health.last_event_s is not None and at_s <= health.last_event_s:
        return health
    health = replace(seen_at(health, at_s, patience), last_event_s=at_s, last_event=event)
    if event in ("ok", "resized"):
        resized_s = at_s if event == "resized" and health.resized_s is None else health.resized_s
        health = replace(health, failures=0, unanswered=0, last_ok_s=at_s, resized_s=resized_s)
        return _moved(health, "online", at_s)
    failures = health.failures + 1
    unanswered = 0 if event == "garbage" else health.unanswered + 1
    health = replace(health, failures=failures, unanswered=unanswered)
    if health.state == "online" and failures <= patience.tolerated:
        return health
    if event == "refused" or unanswered >= patience.lost_after:
        return _moved(health, "unreachable", at_s)
    # an unreachable camera that merely times out is still out of reach; garbage proves that something answers
    if health.state == "unreachable" and event == "timeout":
        return health
    return _moved(health, "stalled", at_s)


def seen_at(health: Health, now_s: float, patience: Patience | None = None) -> Health:
    """The health as one may tell it at `now_s`: after long silence it is unknown, since the silence was too long."""
    patience = patience or Patience()
    if health.last_event_s is None or now_s <= health.last_event_s + patience.silence_s:
        return health
    return _moved(health, "unknown", health.last_event_s + patience.silence_s)


def accepted(health: Health) -> Health:
    """The same after zones and calibration were made for the new size of the picture."""
    return replace(health, resized_s=None)


def _moved(health: Health, state: State, at_s: float) -> Health:
    return health if health.state == state else replace(health, state=state, since_s=at_s)
