"""
Leads of those who move: who crossed a line, and who went the wrong way, in a burst of looks with a tracker.

Looks of a burst are a quarter of a second apart, so that the frames before and after are taken a second away from
what happened, as far as the burst reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.calibration import Homography
from analysis.vision.lines import (
    CountLine,
    Crossing,
    DirectionRule,
    count_crossings,
    find_crossings,
    find_wrong_way,
)
from analysis.vision.rules.leads import Lead, place_key
from analysis.vision.rules.looks import WatchedZone
from analysis.vision.rules.settings import LineCrossing, WrongWay
from analysis.vision.rules.shapes import Box, Point
from analysis.vision.tracking import Look, Track, Tracker, Tracks

__all__ = ["Moved", "count_line", "direction_rule", "follow", "judge_tracks"]

APART_S = 1.0
"""The frames before and after are taken so far from what happened, or as far as the burst reaches."""


@dataclass(frozen=True, slots=True)
class Moved:
    """
    What a rule about movement says of a burst.

    Parameters
    ----------
    leads
        In order of time; no two bear the same key.
    forward, backward
        Crossings of the zone's line each way, whether or not they make a lead; 0 for other rules.
    """

    leads: tuple[Lead, ...]
    forward: int = 0
    backward: int = 0


def follow(zone: WatchedZone, looks: Sequence[Look], tracker: Tracker) -> Tracks:
    """
    The tracks that a zone's rule is judged by.

    Parameters
    ----------
    zone
        With a rule that needs tracks.
    looks
        Of one burst, in order of time, all that was seen in each; `LEAST_RATE_HZ` a second or more.
    tracker
        Follows boxes with the rule's `min_score` or more. Classes are told apart only afterwards, because a detector
        often takes one for another.

    Raises
    ------
    InputError
        If the looks come too slowly or out of order, or the rule needs no tracks.
    """
    rule = _moving(zone)
    return tracker.track(Look(look.time_s, look.detections.at_least(rule.min_score)) for look in looks)


def judge_tracks(
    zone: WatchedZone, tracks: Tracks, calibration: Homography | None = None, *, quiet_s: float = 0.0
) -> Moved:
    """
    What a zone's rule says of a burst.

    Against a forbidden direction each vehicle makes a lead of its own, and so does each crossing of a line whose
    `direction` is one way: a line that may not be passed. A line that is watched both ways is a tally: whoever
    passes counts, and all together make one lead about the zone with their number as its `amount`.

    Parameters
    ----------
    zone
        Where, and by which rule. Crossings beside the zone do not count; a line on its very edge is within it.
    tracks
        Of one burst, as `follow` gives them, with times in epoch seconds.
    calibration
        Pixels → ground; headings are then compared on the ground.
    quiet_s
        So long after its last crossing a tally is over; at least the time from one burst to the next, if it is to go
        on from burst to burst. Seconds, 0 or more.

    Raises
    ------
    InputError
        If there are fewer than 3.5 looks a second, the rule needs no tracks, or the calibration does not hold at its
        arrow.
    """
    rule = _moving(zone)
    numbered = {track.number: track for track in tracks.tracks}
    if isinstance(rule, WrongWay):
        return Moved(tuple(_wrong_ways(zone, tracks, numbered, calibration)))
    area = shapely.buffer(zone.area(), rule.clear_px)
    crossings = [
        each
        for each in find_crossings(tracks, count_line(zone))
        if shapely.intersects_xy(area, *each.point_px)
    ]
    forward, backward = count_crossings(crossings)
    if rule.direction == "both":
        leads = [_tally(zone, tracks, numbered, crossings, quiet_s)] if crossings else []
    else:
        wanted = rule.direction == "forward"
        leads = [
            _crossed(zone, tracks, numbered[each.track], each) for each in crossings if each.forward == wanted
        ]
    return Moved(tuple(leads), forward, backward)


def count_line(zone: WatchedZone) -> CountLine:
    """The line of a zone whose rule is `LineCrossing`; InputError for another rule."""
    rule = zone.rule
    if not isinstance(rule, LineCrossing):
        raise _no_tracks(zone)
    return CountLine(zone.name, *rule.line, clear_px=rule.clear_px, classes=rule.classes)


def direction_rule(zone: WatchedZone) -> DirectionRule:
    """The permitted direction of a zone whose rule is `WrongWay`; InputError for another rule."""
    rule = zone.rule
    if not isinstance(rule, WrongWay):
        raise _no_tracks(zone)
    return DirectionRule(
        zone.name,
        rule.arrow,
        tolerance_deg=rule.tolerance_deg,
        zone_px=zone.polygon_px,
        travel_px=rule.travel_px,
        travel_m=rule.travel_m,
        hold_s=rule.hold_s,
        classes=rule.classes,
    )


def _moving(zone: WatchedZone) -> LineCrossing | WrongWay:
    if not isinstance(zone.rule, LineCrossing | WrongWay):
        raise _no_tracks(zone)
    return zone.rule


def _no_tracks(zone: WatchedZone) -> InputError:
    return InputError(
        "The rule {kind} is not judged by tracks.",
        "Judge it with analysis.vision.rules.judge on single looks.",
        kind=zone.rule.kind,
    )


def _wrong_ways(
    zone: WatchedZone, tracks: Tracks, numbered: dict[int, Track], calibration: Homography | None
) -> list[Lead]:
    """A lead for each object; what passes through a hole of the zone is not seen there."""
    seen = tracks
    if zone.holes_px:
        area = zone.area()
        seen = Tracks(tuple(_within(track, area) for track in tracks.tracks), tracks.times_s)
    leads = []
    for each in find_wrong_way(seen, direction_rule(zone), calibration):
        track = numbered[each.track]
        during = np.flatnonzero((track.times_s >= each.first_s) & (track.times_s <= each.last_s))
        best = int(during[np.argmax(np.nan_to_num(track.scores[during], nan=-1.0))])
        key = _key(zone, each.first_s, each.from_px)
        leads.append(_lead(zone, tracks, track, best, (each.first_s, each.last_s), None, key))
    return leads


def _within(track: Track, area: shapely.Geometry) -> Track:
    """The sights of a track whose foot point lies in an area."""
    feet = track.foot_points()
    keep = np.asarray(shapely.intersects_xy(area, feet[:, 0], feet[:, 1]), dtype=bool)
    return Track(track.number, track.kind, track.times_s[keep], track.boxes[keep], track.scores[keep])


def _crossed(zone: WatchedZone, tracks: Tracks, track: Track, crossing: Crossing) -> Lead:
    row = _nearest(track.times_s, crossing.time_s)
    key = _key(zone, crossing.time_s, crossing.point_px)
    return _lead(zone, tracks, track, row, _around(track, crossing), crossing.point_px, key)


def _tally(
    zone: WatchedZone,
    tracks: Tracks,
    numbered: dict[int, Track],
    crossings: Sequence[Crossing],
    quiet_s: float,
) -> Lead:
    """One lead of all who crossed; its evidence is the surest of them, with the others who are in that look."""
    best = max(crossings, key=lambda each: (_score(numbered[each.track]), -each.time_s))
    track = numbered[best.track]
    row = _nearest(track.times_s, best.time_s)
    at_s = track.times_s[row]
    others = [numbered[number] for number in sorted({each.track for each in crossings} - {best.track})]
    shown = [_box(each, place) for each in others for place in np.flatnonzero(each.times_s == at_s).tolist()]
    spans = [_around(numbered[each.track], each) for each in crossings]
    span = min(first for first, _ in spans), max(last for _, last in spans)
    lead = _lead(zone, tracks, track, row, span, best.point_px, place_key(zone))
    return replace(
        lead,
        boxes_px=(*lead.boxes_px, *shown),
        quiet_s=quiet_s,
        placed=False,
        amount=float(len(crossings)),
    )


def _lead(
    zone: WatchedZone,
    tracks: Tracks,
    track: Track,
    row: int,
    span_s: tuple[float, float],
    foot_px: Point | None,
    key: str,
) -> Lead:
    """A lead about one track, shown at one of its sights; its foot point there unless another is given."""
    first_s, last_s = span_s
    box = _box(track, row)
    return Lead(
        rule=zone.rule.kind,
        rule_version=zone.rule.version,
        zone=zone.name,
        kind_label=zone.rule.label,
        score=_score(track),
        first_seen_s=first_s,
        last_seen_s=last_s,
        before_s=_before(tracks.times_s, first_s),
        at_s=float(track.times_s[row]),
        after_s=_after(tracks.times_s, last_s),
        boxes_px=(box,),
        foot_px=zone.foot(box) if foot_px is None else foot_px,
        key=key,
        quiet_s=0.0,
        object_class=track.kind,
        foot_cut=zone.cuts(box),
    )


def _score(track: Track) -> float:
    """The median confidence of its sights."""
    return float(np.nanmedian(track.scores))


def _box(track: Track, row: int) -> Box:
    x1, y1, x2, y2 = (float(edge) for edge in track.boxes[row])
    return x1, y1, x2, y2


def _key(zone: WatchedZone, time_s: float, at_px: Point) -> str:
    """Kind, zone, time and place: two who cross at once are two."""
    return f"{place_key(zone)}/{time_s:.1f}/{at_px[0]:.0f}-{at_px[1]:.0f}"


def _around(track: Track, crossing: Crossing) -> tuple[float, float]:
    """Times of the sights between which it crossed."""
    after = min(max(int(np.searchsorted(track.times_s, crossing.time_s)), 1), len(track) - 1)
    return float(track.times_s[after - 1]), float(track.times_s[after])


def _nearest(times_s: NDArray[np.float64], time_s: float) -> int:
    return int(np.argmin(np.abs(times_s - time_s)))


def _before(times_s: NDArray[np.float64], first_s: float) -> float | None:
    """The last look a second before, or the first of the burst; None if the burst begins with it."""
    early = times_s[times_s <= first_s - APART_S]
    if len(early):
        return float(early[-1])
    return float(times_s[0]) if times_s[0] < first_s else None


def _after(times_s: NDArray[np.float64], last_s: float) -> float | None:
    """The first look a second after, or the last of the burst; None if the burst ends with it."""
    late = times_s[times_s >= last_s + APART_S]
    if len(late):
        return float(late[0])
    return float(times_s[-1]) if times_s[-1] > last_s else None
