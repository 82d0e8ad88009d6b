"""A patrol of one clip: look now and then, apply the zone rules, place what was found; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np

from analysis.errors import InputError
from analysis.vision.calibration import Homography
from analysis.vision.detections import Detections, box_iou
from analysis.vision.standing import (
    ImageZone,
    StandingFinding,
    StandingRule,
    StandingState,
    advance,
    begin,
    standing,
)
from analysis.vision.yolo import Detector
from geodata.video.stills import still_jpeg
from geodata.video.streams import footage, frame_at, sample

__all__ = ["PatrolFinding", "PatrolResult", "PatrolSample", "patrol_clip"]

RECORDED_SCORE = 0.25
"""Detections under this confidence are used for blurring only, not recorded."""


@dataclass(frozen=True, slots=True, eq=False)
class PatrolSample:
    """
    A frame that was looked at.

    Parameters
    ----------
    time_s
        Seconds from the first frame of the clip.
    at
        The same as an aware time.
    frame_index
        Number of the frame, from 0.
    width_px, height_px
        Size of the frame.
    seconds
        How long the detector took.
    detections
        What it saw, down to `RECORDED_SCORE`, in pixels of the frame.
    picture_jpeg
        The frame without boxes, heads blurred.
    """

    time_s: float
    at: datetime
    frame_index: int
    width_px: int
    height_px: int
    seconds: float
    detections: Detections
    picture_jpeg: bytes


@dataclass(frozen=True, slots=True, eq=False)
class PatrolFinding:
    """
    A rule that fired.

    Parameters
    ----------
    zone, rule
        The zone's name and its rule.
    box_px
        Left, top, right, bottom of the vehicle.
    vehicle_class
        COCO class it was most often taken for.
    confidence
        Median score, in [0, 1].
    first_seen_at, last_seen_at, dwell_s
        Between which times it was seen standing; it may have stood longer.
    ground_m, ground_error_m
        Where it stands in the system of the calibration, in metres, and the standard error; None without a
        calibration or above its horizon.
    evidence_index
        Which of the patrol's samples shows the vehicle best.
    evidence_jpeg
        That frame without boxes, heads blurred.
    """

    zone: str
    rule: StandingRule
    box_px: tuple[float, float, float, float]
    vehicle_class: int
    confidence: float
    first_seen_at: datetime
    last_seen_at: datetime
    dwell_s: float
    ground_m: tuple[float, float] | None
    ground_error_m: float | None
    evidence_index: int
    evidence_jpeg: bytes


@dataclass(frozen=True, slots=True, eq=False)
class PatrolResult:
    """
    All that a patrol of one clip brought home.

    Parameters
    ----------
    clip, detector
        Their names.
    every_s
        Sampling interval.
    samples, findings
        In order of time.
    watched_s
        Length of the footage that the samples stand for.
    seconds
        How long the patrol took.
    """

    clip: str
    detector: str
    every_s: float
    samples: list[PatrolSample]
    findings: list[PatrolFinding]
    watched_s: float
    seconds: float


def patrol_clip(
    clip: Path,
    detector: Detector,
    *,
    every_s: float,
    zones: Sequence[ImageZone],
    calibration: Homography | None = None,
    start_at: datetime,
    progress: Callable[[float], None] | None = None,
) -> PatrolResult:
    """
    Look at one frame in every `every_s` seconds of a clip and apply the rules of its zones.

    Parameters
    ----------
    clip
        The footage.
    detector
        What finds vehicles and people in a frame.
    every_s
        Sampling interval in seconds, above 0. A rule that needs k samples cannot fire before (k - 1)·every_s.
    zones
        Image polygons with their rules, in pixels of the clip; may be empty.
    calibration
        Pixels → ground; without it findings have no place.
    start_at
        Aware time of the clip's first frame.
    progress
        Told the share that is done, in [0, 1], after every sample.

    Raises
    ------
    StreamError
        If the clip cannot be read to its end.
    InputError
        If `start_at` has no time zone, two zones bear one name, or a zone lies outside the picture.
    """
    begun = perf_counter()
    about = footage(clip)
    _check(zones, start_at, about.width_px, about.height_px)
    states = {zone.name: begin(zone) for zone in zones}
    found: dict[tuple[str, int], StandingFinding] = {}
    samples: list[PatrolSample] = []
    seen: list[Detections] = []
    for frame in sample(clip, every_s):
        before = perf_counter()
        detections = detector.detect(frame.image)
        took = perf_counter() - before
        for name, state in states.items():
            states[name] = _look(state, frame.time_s, detections, found)
        seen.append(detections)
        samples.append(
            PatrolSample(
                time_s=frame.time_s,
                at=start_at + timedelta(seconds=frame.time_s),
                frame_index=frame.index,
                width_px=frame.image.shape[1],
                height_px=frame.image.shape[0],
                seconds=took,
                detections=detections.at_least(RECORDED_SCORE),
                picture_jpeg=still_jpeg(frame.image, detections),
            )
        )
        if progress is not None:
            progress(min(1.0, frame.time_s / about.duration_s) if about.duration_s else 1.0)

    rules = {zone.name: zone.rule for zone in zones}
    findings = []
    for each in sorted(
        found.values(), key=lambda finding: (finding.first_seen_s, finding.zone, finding.track)
    ):
        best = _best_sample(each, samples, seen)
        ground_m, error_m = _place(each, calibration)
        findings.append(
            PatrolFinding(
                zone=each.zone,
                rule=rules[each.zone],
                box_px=each.box_px,
                vehicle_class=each.vehicle_class,
                confidence=each.confidence,
                first_seen_at=start_at + timedelta(seconds=each.first_seen_s),
                last_seen_at=start_at + timedelta(seconds=each.last_seen_s),
                dwell_s=each.dwell_s,
                ground_m=ground_m,
                ground_error_m=error_m,
                evidence_index=best,
                evidence_jpeg=still_jpeg(frame_at(clip, samples[best].time_s).image, seen[best]),
            )
        )
    if progress is not None:
        progress(1.0)
    return PatrolResult(
        clip=clip.name,
        detector=detector.name,
        every_s=every_s,
        samples=samples,
        findings=findings,
        watched_s=about.duration_s,
        seconds=perf_counter() - begun,
    )


def _check(zones: Sequence[ImageZone], start_at: datetime, width_px: int, height_px: int) -> None:
    if start_at.tzinfo is None:
        raise InputError("start_at has no time zone.", "Give an aware time, such as datetime.now(UTC).")
    if len({zone.name for zone in zones}) < len(zones):
        raise InputError("Two zones of the camera bear the same name.", "Name each zone differently.")
    for zone in zones:
        x, y = np.asarray(zone.polygon_px).T
        if x.min() >= width_px or y.min() >= height_px or x.max() <= 0 or y.max() <= 0:
            raise InputError(
                "Zone {name!r} lies outside the picture of {width}×{height} px.",
                "Draw the zone again on a frame of this footage.",
                name=zone.name,
                width=width_px,
                height=height_px,
            )


def _look(
    state: StandingState,
    time_s: float,
    detections: Detections,
    found: dict[tuple[str, int], StandingFinding],
) -> StandingState:
    """Advance one zone and keep the latest sight of each of its findings."""
    state, _ = advance(state, time_s, detections)
    found.update({(each.zone, each.track): each for each in standing(state)})
    return state


def _best_sample(
    finding: StandingFinding, samples: Sequence[PatrolSample], seen: Sequence[Detections]
) -> int:
    """The sample within the finding's time in which its box is surest."""
    box = np.asarray([finding.box_px])
    best, surest = 0, -1.0
    for row, (at, detections) in enumerate(zip(samples, seen, strict=True)):
        if not finding.first_seen_s <= at.time_s <= finding.last_seen_s:
            continue
        vehicles = detections.vehicles()
        here = vehicles.scores[box_iou(box, vehicles.boxes)[0] >= 0.5]
        if len(here) and here.max() > surest:
            best, surest = row, float(here.max())
    return best


def _place(
    finding: StandingFinding, calibration: Homography | None
) -> tuple[tuple[float, float] | None, float | None]:
    """Foot point on the ground with its error, if it has one."""
    foot = [finding.foot_px]
    if calibration is None or not calibration.sees_ground(foot)[0]:
        return None, None
    x, y = calibration.to_ground(foot)[0]
    return (float(x), float(y)), float(calibration.error_m(foot)[0])
