"""Rules about those who move: who crossed a line, which way, and who went against the permitted direction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis.errors import InputError
from analysis.vision.calibration import Homography
from analysis.vision.detections import TRAFFIC_CLASSES
from analysis.vision.tracking import Track, Tracks, require_rate

__all__ = [
    "CountLine",
    "Crossing",
    "DirectionRule",
    "WrongWay",
    "count_crossings",
    "find_crossings",
    "find_wrong_way",
]

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class CountLine:
    """
    A line in the picture that is watched for who crosses it.

    Parameters
    ----------
    name
        Identifies the line on its camera.
    start_px, end_px
        Its ends, (x, y) in pixels. Forward is from the left to the right of someone who looks from `start_px`
        to `end_px` in the picture.
    clear_px
        A foot point this near to the line is on neither side, so that whoever dawdles on it counts once.
    classes
        COCO classes that count.
    """

    name: str
    start_px: Point
    end_px: Point
    clear_px: float = 5.0
    classes: Collection[int] = TRAFFIC_CLASSES

    def __post_init__(self) -> None:
        _require_arrow("Line", self.name, self.start_px, self.end_px)
        if not 0 <= self.clear_px < np.inf:
            raise InputError(
                "clear_px of line {name!r} is {value}.",
                "Give pixels from 0.",
                name=self.name,
                value=self.clear_px,
            )


@dataclass(frozen=True, slots=True)
class Crossing:
    """
    One object that crossed a line.

    Parameters
    ----------
    line
        Name of the line.
    track, kind
        The object's number among the tracks, and its COCO class.
    time_s
        When its foot point was on the line, between two looks by even motion.
    forward
        From the left of the line to its right; otherwise the other way.
    point_px
        Where on the line.
    """

    line: str
    track: int
    kind: int
    time_s: float
    forward: bool
    point_px: Point


@dataclass(frozen=True, slots=True)
class DirectionRule:
    """
    In which direction a part of the picture may be driven or walked.

    Parameters
    ----------
    name
        Identifies the rule on its camera.
    allowed_px
        Two points (x, y) in pixels: an arrow along the permitted direction.
    tolerance_deg
        Headings up to this angle from the arrow are permitted, in (0, 180).
    zone_px
        Corners of the part of the picture that it holds for; None is all of it.
    travel_px, travel_m
        The heading is that of the last so many pixels, or metres with a calibration, that an object moved;
        whoever moves less has none. More than the jitter of a box.
    hold_s
        It must go the wrong way for so many seconds in a row.
    classes
        COCO classes that it holds for.
    """

    name: str
    allowed_px: tuple[Point, Point]
    tolerance_deg: float = 60.0
    zone_px: tuple[Point, ...] | None = None
    travel_px: float = 30.0
    travel_m: float = 2.0
    hold_s: float = 0.5
    classes: Collection[int] = TRAFFIC_CLASSES

    def __post_init__(self) -> None:
        _require_arrow("The arrow of rule", self.name, *self.allowed_px)
        for name, good in (
            ("tolerance_deg", 0 < self.tolerance_deg < 180),
            ("travel_px", 0 < self.travel_px < np.inf),
            ("travel_m", 0 < self.travel_m < np.inf),
            ("hold_s", 0 <= self.hold_s < np.inf),
        ):
            if not good:
                raise InputError(
                    "{setting} of rule {name!r} is {value}.",
                    "Give an angle between 0 and 180 degrees, lengths above 0 and seconds from 0.",
                    setting=name,
                    name=self.name,
                    value=getattr(self, name),
                )
        if self.zone_px is not None:
            corners = np.asarray(self.zone_px, dtype=float)
            if (
                corners.ndim != 2
                or corners.shape[1] != 2
                or len(corners) < 3
                or not np.isfinite(corners).all()
            ):
                good = False
            else:
                good = bool(shapely.Polygon(corners).is_valid and shapely.Polygon(corners).area > 0)
            if not good:
                raise InputError(
                    "The zone of rule {name!r} is not a simple polygon in pixels.",
                    "Give three or more corners in order, without crossing edges.",
                    name=self.name,
                )


@dataclass(frozen=True, slots=True)
class WrongWay:
    """
    One object that went against the permitted direction.

    Parameters
    ----------
    rule
        Name of the rule.
    track, kind
        The object's number among the tracks, and its COCO class.
    first_s, last_s
        Between which times it was seen going the wrong way.
    from_px, to_px
        Its foot points at these times.
    off_deg
        The largest angle between its heading and the arrow, in (tolerance, 180]; on the ground with a
        calibration, in the picture without.
    """

    rule: str
    track: int
    kind: int
    first_s: float
    last_s: float
    from_px: Point
    to_px: Point
    off_deg: float


def find_crossings(tracks: Tracks, line: CountLine) -> list[Crossing]:
    """
    Who crossed a line, in order of time.

    An object has crossed once its foot point is clear of the line on the other side, having passed between the
    line's ends; back again is another crossing, the other way.

    Raises
    ------
    InputError
        If the tracks come from fewer than 3.5 looks a second.
    """
    require_rate(tracks.rate_hz)
    found = [each for track in tracks.tracks if track.kind in line.classes for each in _crossed(track, line)]
    return sorted(found, key=lambda each: (each.time_s, each.track))


def count_crossings(crossings: Sequence[Crossing]) -> tuple[int, int]:
    """How many crossings were forward, and how many backward."""
    forward = sum(each.forward for each in crossings)
    return forward, len(crossings) - forward


def find_wrong_way(
    tracks: Tracks, rule: DirectionRule, calibration: Homography | None = None
) -> list[WrongWay]:
    """
    Who went against the permitted direction, each object once, in order of time.

    Parameters
    ----------
    tracks
        From 3.5 looks a second or more.
    rule
        Where, which way, how far off and how long.
    calibration
        Pixels → ground: headings and the arrow are then compared on the ground, where perspective bends
        nothing; the arrow must lie where the calibration holds, and foot points where it does not are left out.

    Raises
    ------
    InputError
        If there are fewer than 3.5 looks a second, or the arrow lies where the calibration does not hold.
    """
    require_rate(tracks.rate_hz)
    arrow = np.asarray(rule.allowed_px, dtype=np.float64)
    if calibration is not None:
        if not calibration.covers(arrow).all():
            raise InputError(
                "The arrow of rule {name!r} leaves the part of the picture that the reference points enclose.",
                "Draw it among the reference points, or add reference points about it.",
                name=rule.name,
            )
        arrow = calibration.to_ground(arrow)
    found = [
        each
        for track in tracks.tracks
        if track.kind in rule.classes and (each := _against(track, rule, arrow[1] - arrow[0], calibration))
    ]
    return sorted(found, key=lambda each: (each.first_s, each.track))


def _crossed(track: Track, line: CountLine) -> list[Crossing]:
    """Crossings of one track: from clear of the line on one side to clear of it on the other."""
    start, along = np.asarray(line.start_px, float), np.subtract(line.end_px, line.start_px).astype(float)
    feet = track.foot_points()
    away = feet - start
    # Right of the line is positive, for y grows downwards.
    side = (along[0] * away[:, 1] - along[1] * away[:, 0]) / np.hypot(*along)
    share = away @ along / (along @ along)
    clear = np.flatnonzero((np.abs(side) >= line.clear_px) & (side != 0))
    found = []
    for before, after in pairwise(clear):
        if (side[before] > 0) == (side[after] > 0):
            continue
        net, last = 0, None
        for row in range(before, after):
            right = int(side[row + 1] > 0) - int(side[row] > 0)
            if not right:
                continue
            part = side[row] / (side[row] - side[row + 1])
            if 0 <= share[row] + part * (share[row + 1] - share[row]) <= 1:
                net, last = net + right, (row, float(part))
        if net and last is not None:
            row, part = last
            x, y = feet[row] + part * (feet[row + 1] - feet[row])
            time_s = track.times_s[row] + part * (track.times_s[row + 1] - track.times_s[row])
            found.append(
                Crossing(line.name, track.number, track.kind, float(time_s), net > 0, (float(x), float(y)))
            )
    return found


def _against(
    track: Track, rule: DirectionRule, allowed: NDArray[np.float64], calibration: Homography | None
) -> WrongWay | None:
    """The first time that one track goes the wrong way for long enough."""
    feet, times = track.foot_points(), track.times_s
    keep = np.ones(len(feet), dtype=bool)
    if rule.zone_px is not None:
        zone = shapely.Polygon(rule.zone_px)
        keep &= np.asarray(shapely.intersects_xy(zone, feet[:, 0], feet[:, 1]), dtype=bool)
    if calibration is not None:
        keep &= calibration.covers(feet)
    feet, times = feet[keep], times[keep]
    places = feet if calibration is None else calibration.to_ground(feet)
    travel = rule.travel_px if calibration is None else rule.travel_m

    first: int | None = None
    worst = 0.0
    done: WrongWay | None = None
    for row in range(len(places)):
        off = _off_deg(places, row, travel, allowed)
        if off is None or off <= rule.tolerance_deg:
            if done is not None:
                break
            first, worst = None, 0.0
            continue
        first, worst = row if first is None else first, max(worst, off)
        if times[row] - times[first] >= rule.hold_s:
            (from_x, from_y), (to_x, to_y) = feet[first].tolist(), feet[row].tolist()
            done = WrongWay(
                rule.name,
                track.number,
                track.kind,
                float(times[first]),
                float(times[row]),
                (from_x, from_y),
                (to_x, to_y),
                worst,
            )
    return done


def _off_deg(
    places: NDArray[np.float64], row: int, travel: float, allowed: NDArray[np.float64]
) -> float | None:
    """Angle between the heading at `row`, over the last `travel`, and the permitted one; None without heading."""
    moved = places[row] - places[:row]
    far = np.flatnonzero(np.hypot(moved[:, 0], moved[:, 1]) >= travel)
    if not len(far):
        return None
    heading = moved[far[-1]]
    across = heading[0] * allowed[1] - heading[1] * allowed[0]
    return float(np.degrees(np.arctan2(abs(across), heading @ allowed)))


def _require_arrow(what: str, name: str, start: Point, end: Point) -> None:
    ends = np.asarray([start, end], dtype=float)
    if ends.shape != (2, 2) or not np.isfinite(ends).all() or (ends[0] == ends[1]).all():
        raise InputError(
            "{what} {name!r} from {start} to {end} has no direction.",
            "Give two different points (x, y) in pixels.",
            what=what,
            name=name,
            start=start,
            end=end,
        )
