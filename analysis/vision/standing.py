"""
A vehicle standing in a zone: the rule behind parking captures.

A patrol looks at a street once in a few seconds, too seldom to follow what moves but enough to see what
stays: a box that comes back in the same place is the same standing vehicle. The rule is a state machine
without a clock; time comes with every sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.detections import VEHICLE_CLASSES, Detections, box_inside, box_iou

__all__ = ["ImageZone", "StandingFinding", "StandingRule", "StandingState", "advance", "begin", "standing"]

SAME_VEHICLE_INSIDE = 0.7
"""A box that lies in a reported vehicle's box by this share is a part of that vehicle."""


@dataclass(frozen=True, slots=True)
class StandingRule:
    """
    When a vehicle counts as standing.

    Parameters
    ----------
    dwell_s
        It must be seen over at least this many seconds.
    needed, window
        It must be found in `needed` of the last `window` samples; `window - needed` misses (somebody walks
        past) are forgiven, one more and it has left.
    iou
        A box continues a vehicle if it overlaps the vehicle's smoothed box by this much, in (0, 1].
    smoothing
        Weight of a new box in the smoothed box, in (0, 1].
    min_score
        Boxes under this confidence are not looked at, in [0, 1].
    min_median_score
        The median confidence of its boxes must reach this, in [0, 1].
    classes
        COCO classes the rule is about.

    References
    ----------
    .. [1] Frigate, `loitering_time`, `inertia`, `threshold` (median score): the vocabulary of dwelling.
    """

    dwell_s: float
    needed: int = 6
    window: int = 8
    iou: float = 0.5
    smoothing: float = 0.2
    min_score: float = 0.25
    min_median_score: float = 0.4
    classes: frozenset[int] = VEHICLE_CLASSES

    def __post_init__(self) -> None:
        _require(
            np.isfinite(self.dwell_s) and self.dwell_s > 0, "dwell_s", self.dwell_s, "seconds above zero"
        )
        _require(1 <= self.needed <= self.window, "needed", self.needed, f"1 to window ({self.window})")
        _require(0 < self.iou <= 1, "iou", self.iou, "a share in (0, 1]")
        _require(0 < self.smoothing <= 1, "smoothing", self.smoothing, "a weight in (0, 1]")
        for name in ("min_score", "min_median_score"):
            value = getattr(self, name)
            _require(0 <= value <= 1, name, value, "a confidence in [0, 1]")


@dataclass(frozen=True, slots=True)
class ImageZone:
    """
    A part of the picture with a rule.

    Parameters
    ----------
    name
        Identifies the zone on its camera.
    polygon_px
        Its corners, three or more (x, y) in pixels of the frame, closed by itself.
    rule
        What must not happen there.
    """

    name: str
    polygon_px: tuple[tuple[float, float], ...]
    rule: StandingRule

    def __post_init__(self) -> None:
        corners = np.asarray(self.polygon_px, dtype=float)
        good = (
            corners.ndim == 2
            and corners.shape[0] >= 3
            and corners.shape[1] == 2
            and np.isfinite(corners).all()
        )
        if not good or not shapely.Polygon(corners).is_valid or shapely.Polygon(corners).area == 0:
            raise InputError(
                "Zone {name!r} is not a simple polygon in pixels: {polygon}.",
                "Give three or more corners in order, without crossing edges.",
                name=self.name,
                polygon=self.polygon_px,
            )

    def holds(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of (n, 2) pixel points lie in the zone or on its edge."""
        polygon = shapely.Polygon(self.polygon_px)
        inside: NDArray[np.bool_] = np.asarray(
            shapely.intersects_xy(polygon, points[:, 0], points[:, 1]), dtype=bool
        )
        return inside


@dataclass(frozen=True, slots=True)
class StandingFinding:
    """
    One vehicle that stood in a zone.

    Parameters
    ----------
    zone
        Name of the zone.
    track
        Number of the vehicle in its zone's state; an update of the same finding bears the same number.
    box_px
        Smoothed left, top, right, bottom.
    vehicle_class
        COCO class it was most often taken for.
    confidence
        Median score of its boxes, in [0, 1].
    first_seen_s, last_seen_s
        Times of the first and the latest sample that shows it there.
    """

    zone: str
    track: int
    box_px: tuple[float, float, float, float]
    vehicle_class: int
    confidence: float
    first_seen_s: float
    last_seen_s: float

    @property
    def dwell_s(self) -> float:
        """Seconds between first and latest sight; the true stay is at least this."""
        return self.last_seen_s - self.first_seen_s

    @property
    def foot_px(self) -> tuple[float, float]:
        """Bottom middle of the box: where the vehicle touches the ground."""
        return ((self.box_px[0] + self.box_px[2]) / 2, self.box_px[3])


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    number: int
    first_box: NDArray[np.float64]
    box: NDArray[np.float64]
    scores: tuple[float, ...]
    classes: tuple[int, ...]
    first_seen_s: float
    last_seen_s: float
    recent: tuple[bool, ...] = (True,)
    reported: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class StandingState:
    """What a zone remembers between samples; made by `begin`, changed only by `advance`."""

    zone: ImageZone
    time_s: float = float("-inf")
    next_number: int = 1
    tracks: tuple[_Track, ...] = field(default=())


def begin(zone: ImageZone) -> StandingState:
    """The state of a zone nobody has looked at yet."""
    return StandingState(zone)


def advance(
    state: StandingState, time_s: float, detections: Detections
) -> tuple[StandingState, list[StandingFinding]]:
    """
    Take in one sample.

    Parameters
    ----------
    state
        What `begin` or the sample before returned.
    time_s
        Time of the sample in seconds, later than the sample before.
    detections
        Everything seen in the frame; the rule picks what concerns it by class, score and foot point.

    Returns
    -------
    state
        For the next sample.
    findings
        Vehicles that have stood long enough as of this sample and were not reported before; each vehicle
        comes once. `standing` gives their later sights.

    Raises
    ------
    InputError
        If `time_s` is not finite or not later than the sample before.

    Notes
    -----
    A vehicle that creeps on is not standing: once its boxes overlap its first box by less than `rule.iou`,
    its time begins anew. If one vehicle leaves and another of the same size stops in its place between two
    samples, both count as one.
    """
    if not np.isfinite(time_s) or time_s <= state.time_s:
        raise InputError(
            "A sample at {time_s} s cannot follow the one at {before} s.",
            "Give samples in order of time.",
            time_s=time_s,
            before=state.time_s,
        )
    zone, rule = state.zone, state.zone.rule
    seen = detections.at_least(rule.min_score).of(rule.classes)
    seen = seen.take(zone.holds(seen.foot_points()))
    partner = _match(state.tracks, seen, rule.iou)

    tracks = [
        _continue(track, seen, partner.get(row), time_s, rule) for row, track in enumerate(state.tracks)
    ]
    tracks = [track for track in tracks if track.recent.count(False) <= rule.window - rule.needed]
    number = state.next_number
    for row in sorted(set(range(len(seen))) - set(partner.values())):
        box, score, kind = seen.boxes[row], float(seen.scores[row]), int(seen.classes[row])
        tracks.append(_Track(number, box, box, (score,), (kind,), time_s, time_s))
        number += 1

    tracks, findings = _report(tracks, zone)
    return StandingState(zone, time_s, number, tuple(tracks)), findings


def standing(state: StandingState) -> list[StandingFinding]:
    """Vehicles already reported that still stand there, with their latest sight."""
    return [_finding(track, state.zone) for track in state.tracks if track.reported]


def _match(tracks: Sequence[_Track], seen: Detections, least: float) -> dict[int, int]:
    """Track row → detection row, best overlap first, each used once."""
    if not tracks or not len(seen):
        return {}
    iou = box_iou(np.stack([track.box for track in tracks]), seen.boxes)
    pairs: dict[int, int] = {}
    for flat in np.argsort(-iou, axis=None, kind="stable"):
        row, column = divmod(int(flat), len(seen))
        if iou[row, column] < least:
            break
        if row not in pairs and column not in pairs.values():
            pairs[row] = column
    return pairs


def _continue(track: _Track, seen: Detections, row: int | None, time_s: float, rule: StandingRule) -> _Track:
    """The track after this sample: seen in detection `row`, or missed."""
    recent = (*track.recent, row is not None)[-rule.window :]
    if row is None:
        return replace(track, recent=recent)
    score, kind = float(seen.scores[row]), int(seen.classes[row])
    box = (1 - rule.smoothing) * track.box + rule.smoothing * seen.boxes[row]
    latest, smoothed = box_iou(track.first_box[None], np.stack([seen.boxes[row], box]))[0]
    if latest < rule.iou and smoothed < (1 + rule.iou) / 2:  # one odd box alone moves the smoothed one little
        return _Track(track.number, seen.boxes[row], seen.boxes[row], (score,), (kind,), time_s, time_s)
    return replace(
        track,
        box=box,
        scores=(*track.scores, score),
        classes=(*track.classes, kind),
        last_seen_s=time_s,
        recent=recent,
    )


def _report(tracks: Sequence[_Track], zone: ImageZone) -> tuple[list[_Track], list[StandingFinding]]:
    """Mark and return the tracks that have just become findings; surest first, no parts of reported ones."""
    rule = zone.rule
    due = [
        track
        for track in tracks
        if not track.reported
        and track.recent.count(True) >= rule.needed
        and track.last_seen_s - track.first_seen_s >= rule.dwell_s
        and float(np.median(track.scores)) >= rule.min_median_score
        and bool(zone.holds(_foot(track.box)[None])[0])
    ]
    known = [track.box for track in tracks if track.reported]
    chosen: dict[int, _Track] = {}
    for track in sorted(due, key=lambda each: -float(np.median(each.scores))):
        if not any(_same(track.box, box) for box in known):
            known.append(track.box)
            chosen[track.number] = replace(track, reported=True)
    return (
        [chosen.get(track.number, track) for track in tracks],
        [_finding(track, zone) for track in chosen.values()],
    )


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """One box lies mostly in the other."""
    inside = max(box_inside(a[None], b[None])[0, 0], box_inside(b[None], a[None])[0, 0])
    return bool(inside >= SAME_VEHICLE_INSIDE)


def _foot(box: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([(box[0] + box[2]) / 2, box[3]])


def _finding(track: _Track, zone: ImageZone) -> StandingFinding:
    left, top, right, bottom = (float(edge) for edge in track.box)
    return StandingFinding(
        zone=zone.name,
        track=track.number,
        box_px=(left, top, right, bottom),
        vehicle_class=Counter(track.classes).most_common(1)[0][0],
        confidence=float(np.median(track.scores)),
        first_seen_s=track.first_seen_s,
        last_seen_s=track.last_seen_s,
    )


def _require(good: bool | np.bool_, name: str, value: float, wanted: str) -> None:
    if not good:
        raise InputError("{name} is {value}.", "Give {wanted}.", name=name, value=value, wanted=wanted)
