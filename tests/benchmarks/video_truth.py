"""
Ground truth of the shared footage, and how detections, tracks and places are held against it.

Average precision is that of the issue's protocol, all points, greedy by score, IoU 0.5; libraries compute COCO's, at
101 points of recall and without regions to ignore, so it is our own, checked against brute force and against
supervision in tests/analysis/test_vision_truth.py. Tracks are measured by `trackers.eval`, a port of TrackEval.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.vision.detections import PERSON, VEHICLE_CLASSES, Detections, box_inside, box_iou
from analysis.vision.tracking import Tracks
from analysis.vision.yolo import Detector
from geodata.settings import ROOT, settings
from geodata.video.detector import load_tiny
from geodata.video.streams import sample
from geodata.video.weights import MODEL_NAME

CLIPS = ROOT.parent / "shared" / "data" / "video" / "clips"
EVERY_FRAME_S = 1e-4
IGNORED = 0.5
"""An unmatched box that lies in a region to ignore by this share counts neither for nor against."""
NOBODY: NDArray[np.float64] = np.zeros((0, 4))

Boxes = Mapping[int, NDArray[np.float64]]


@dataclass(frozen=True)
class People:
    """MOT ground truth: (n,) frame from 1, (n,) identity, (n, 4) boxes, (n, 2) ground places in metres."""

    frames: NDArray[np.int64]
    numbers: NDArray[np.int64]
    boxes: NDArray[np.float64]
    ground_m: NDArray[np.float64]

    def by_frame(self) -> dict[int, NDArray[np.float64]]:
        return {int(frame): self.boxes[self.frames == frame] for frame in np.unique(self.frames)}

    def foot_points(self) -> NDArray[np.float64]:
        return np.column_stack([(self.boxes[:, 0] + self.boxes[:, 2]) / 2, self.boxes[:, 3]])


def clip(name: str) -> Path:
    """A shared clip or its truth; the test is skipped where it is absent."""
    path = CLIPS / name
    if not path.is_file():
        pytest.skip(f"{name} of ../shared/data/video is not here")
    return path


def default_detector() -> Detector:
    """What the product uses when nothing else is chosen; the test is skipped where set-up has not made it."""
    path = settings().models_dir / MODEL_NAME
    if not path.is_file():
        pytest.skip("run make setup: the detector's weights are absent")
    return load_tiny(path)


def people(name: str) -> People:
    """A MOT15 file's rows that count."""
    rows = np.loadtxt(clip(name), delimiter=",")
    rows = rows[rows[:, 6] > 0]
    boxes = np.column_stack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]])
    return People(rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64), boxes, rows[:, 7:9])


def vehicles(name: str) -> tuple[dict[int, NDArray[np.float64]], dict[int, NDArray[np.float64]]]:
    """Boxes to find, and boxes to ignore, by labelled frame."""
    with clip(name).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts: list[dict[int, NDArray[np.float64]]] = []
    for wanted in ("1", "0"):
        found = {}
        for frame in sorted({int(row["frame"]) for row in rows}):
            mine = [row for row in rows if int(row["frame"]) == frame and row["eval"] == wanted]
            boxes = [[float(row[side]) for side in ("x1", "y1", "x2", "y2")] for row in mine]
            found[frame] = np.array(boxes, dtype=np.float64).reshape(-1, 4)
        parts.append(found)
    return parts[0], parts[1]


def seen_in(
    name: str, detector: Detector, only: set[int] | None = None
) -> Iterator[tuple[int, float, Detections]]:
    """Number of each frame from 1, its time in seconds and what the detector sees in it."""
    for frame in sample(clip(name), EVERY_FRAME_S):
        if only is None or frame.index + 1 in only:
            yield frame.index + 1, frame.time_s, detector.detect(frame.image)


@lru_cache(maxsize=3)
def seen_by_default(name: str) -> tuple[tuple[int, float, Detections], ...]:
    """`seen_in` every frame with the default detector; looked at once, for all benches of a run."""
    return tuple(seen_in(name, default_detector()))


def average_precision(
    seen: Mapping[int, Detections], truth: Boxes, ignore: Boxes | None = None, iou: float = 0.5
) -> float:
    """
    Area under the envelope of precision over recall, all points, in [0, 1].

    In each frame boxes are taken surest first; each takes the free true box that it overlaps most, if by `iou`. What
    finds none and lies in a region to ignore is passed over.

    Parameters
    ----------
    seen
        Detections of one kind by frame; of the same frames as `truth`, others count as false.
    truth, ignore
        (n, 4) boxes by frame.
    iou
        Least overlap of a find, in (0, 1].
    """
    scored: list[tuple[float, bool]] = []
    for frame in sorted(set(seen) | set(truth)):
        found = seen.get(frame, Detections.none())
        boxes = truth.get(frame, NOBODY)
        regions = (ignore or {}).get(frame, NOBODY)
        overlap, inside = box_iou(found.boxes, boxes), box_inside(found.boxes, regions)
        free = np.ones(len(boxes), dtype=bool)
        for row in np.argsort(-found.scores, kind="stable"):
            here = np.where(free, overlap[row], -1.0)
            best = int(here.argmax()) if len(boxes) else -1
            hit = best >= 0 and here[best] >= iou
            if hit:
                free[best] = False
            elif len(regions) and inside[row].max() > IGNORED:
                continue
            scored.append((float(found.scores[row]), bool(hit)))
    total = sum(len(boxes) for boxes in truth.values())
    if not scored or not total:
        return 0.0
    scored.sort(key=lambda each: -each[0])
    hits = np.cumsum([hit for _, hit in scored])
    recall, precision = hits / total, hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0) * envelope))


def person_precision(truth_name: str, seen: Iterable[tuple[int, float, Detections]]) -> float:
    """Average precision of people over every frame of a clip, as `seen_in` gives them."""
    truth = people(truth_name).by_frame()
    return average_precision({number: found.of({PERSON}) for number, _, found in seen}, truth)


def vehicle_precision(name: str, truth_name: str, detector: Detector) -> float:
    """Average precision of cars, buses and trucks as one kind over the labelled frames."""
    truth, ignore = vehicles(truth_name)
    seen = {n: found.of(VEHICLE_CLASSES) for n, _, found in seen_in(name, detector, set(truth))}
    return average_precision(seen, truth, ignore)


def tracking_figures(tracks: Tracks, times_s: Mapping[int, float], truth: People) -> dict[str, float]:
    """MOTA, IDF1, HOTA and the count of switched identities of people, over the frames of `times_s`."""
    from trackers.eval import compute_clear_metrics, compute_hota_metrics, compute_identity_metrics

    frame_at = {time_s: frame for frame, time_s in times_s.items()}
    ours: dict[int, list[tuple[int, NDArray[np.float64]]]] = {frame: [] for frame in times_s}
    for track in tracks.tracks:
        if track.kind == PERSON:
            for time_s, box in zip(track.times_s, track.boxes, strict=True):
                ours[frame_at[float(time_s)]].append((track.number - 1, box))
    _, true_numbers = np.unique(truth.numbers, return_inverse=True)
    numbers = sorted({number for rows in ours.values() for number, _ in rows})
    true_ids, our_ids, likeness = [], [], []
    for frame, rows in sorted(ours.items()):
        mine = truth.frames == frame
        true_ids.append(true_numbers[mine])
        our_ids.append(np.array([numbers.index(number) for number, _ in rows], dtype=int))
        boxes = np.array([box for _, box in rows], dtype=np.float64).reshape(-1, 4)
        likeness.append(box_iou(truth.boxes[mine], boxes))
    clear = compute_clear_metrics(true_ids, our_ids, likeness)
    identity = compute_identity_metrics(true_ids, our_ids, likeness)
    hota = compute_hota_metrics(true_ids, our_ids, likeness)
    return {
        "MOTA": float(clear["MOTA"]),
        "IDF1": float(identity["IDF1"]),
        "HOTA": float(hota["HOTA"]),
        "switches": float(clear["IDSW"]),
    }
