"""From looks to leads: one function for all rules that look seldom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from analysis.errors import InputError
from analysis.vision.rules.boxes import crowds, intruders, standing_things
from analysis.vision.rules.leads import Lead, carried
from analysis.vision.rules.looks import Look, WatchedZone
from analysis.vision.rules.objects import changes, gatherings, new_objects
from analysis.vision.rules.settings import (
    BikesOutside,
    Crowding,
    Gathering,
    Intrusion,
    Motion,
    Standing,
    StaticObject,
)

__all__ = ["judge"]


def judge(zone: WatchedZone, looks: Sequence[Look], *, known: Iterable[Lead] = ()) -> list[Lead]:
    """
    What a zone's rule says of the recent looks at it.

    Nothing is remembered between calls: the same looks give the same leads, on any machine.

    Parameters
    ----------
    zone
        Where, and by which rule.
    looks
        Looks of at least the last `zone.rule.window_s` seconds, in order of time. With older ones, `known` must go
        back as far: what ended long ago would be a new lead otherwise.
    known
        Leads of earlier calls that may still go on. A lead that prolongs one of them takes its key and its
        beginning; without them, what began before the window seems to begin with it.

    Returns
    -------
    leads
        In order of time, then place; also those that ended within the window. No two bear the same key.

    Raises
    ------
    InputError
        If the looks are not in order of time, a patch is no patch, or the rule needs tracks.
    """
    rule = zone.rule
    if rule.needs == "track":
        raise InputError(
            "The rule {kind} needs a tracker at 3.5 samples a second or more.",
            "Judge it with analysis.vision.lines on the tracks of a stream that is read so often.",
            kind=rule.kind,
        )
    _require_order(looks)
    return carried(_leads(zone, looks), tuple(known))


def _leads(zone: WatchedZone, looks: Sequence[Look]) -> list[Lead]:
    match zone.rule:
        case Standing() | BikesOutside():
            return standing_things(zone, looks, zone.rule)
        case StaticObject():
            return new_objects(zone, looks, zone.rule)
        case Gathering():
            return gatherings(zone, looks, zone.rule)
        case Crowding():
            return crowds(zone, looks, zone.rule)
        case Intrusion():
            return intruders(zone, looks, zone.rule)
        case Motion():
            return changes(zone, looks, zone.rule)
    raise InputError(
        "The rule {kind} cannot be judged.", "Take one of analysis.vision.rules.RULES.", kind=zone.rule.kind
    )


def _require_order(looks: Sequence[Look]) -> None:
    before = float("-inf")
    for look in looks:
        if not np.isfinite(look.time_s) or look.time_s <= before:
            raise InputError(
                "A look at {time_s} s cannot follow the one at {before} s.",
                "Give looks in order of time, each once.",
                time_s=look.time_s,
                before=before,
            )
        before = look.time_s
