"""
How far a person's place on the ground is off, on PETS09-S2L1, whose truth has places in metres.

The camera is calibrated by the eight reference points of the demonstration. A person found (score 0.4 or more, IoU 0.5
with the true box) is placed by the middle of the lower edge: of the box of a single look, as a patrol does it, and of
the track's box, as those do it who look 3.5 times a second or more. Every frame.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.vision.calibration import Homography
from analysis.vision.detections import PERSON, box_iou
from analysis.vision.mirroring import Mirrored
from analysis.vision.tracking import CascadedTracker, Look
from geodata.settings import ROOT
from geodata.video.demonstration import demonstration
from geodata.video.detector import load_model
from tests.benchmarks.conftest import Row
from tests.benchmarks.video_truth import (
    People,
    default_detector,
    people,
    person_precision,
    seen_by_default,
    seen_in,
)

FLOOR_M = 0.20
SURE = 0.4
YOLOX = ROOT.parent / "shared" / "data" / "video" / "models" / "yolox_nano_416x416.onnx"


def matched(boxes: dict[int, NDArray], truth: People) -> tuple[NDArray, NDArray]:
    """Foot points of the boxes that find somebody, and where he truly is."""
    feet, places = [], []
    for frame, found in boxes.items():
        mine = truth.frames == frame
        if not len(found) or not mine.any():
            continue
        overlap = box_iou(truth.boxes[mine], found)
        best = overlap.argmax(axis=1)
        hit = overlap[np.arange(len(best)), best] >= 0.5
        box = found[best[hit]]
        feet.append(np.column_stack([(box[:, 0] + box[:, 2]) / 2, box[:, 3]]))
        places.append(truth.ground_m[mine][hit])
    return np.concatenate(feet), np.concatenate(places)


def off_m(fit: Homography, feet: NDArray, places: NDArray) -> NDArray:
    return np.linalg.norm(fit.to_ground(feet) - places, axis=1)


@pytest.fixture(scope="module")
def truth() -> People:
    return people("PETS09-S2L1.gt.txt")


@pytest.fixture(scope="module")
def fit() -> Homography:
    return demonstration().calibration()


def test_the_calibration_alone(row: Row, truth: People, fit: Homography) -> None:
    row("reference points, root mean square", fit.rmse_m, 0, "m", True)
    row("the same, each left out in turn", fit.leave_one_out_rmse_m, 0, "m", True)
    alone = float(np.median(off_m(fit, truth.foot_points(), truth.ground_m)))
    row("true foot point → ground, median", alone, FLOOR_M, "m", alone <= FLOOR_M)
    assert alone <= FLOOR_M


def test_places_of_people_who_are_followed_and_of_single_looks(
    row: Row, truth: People, fit: Homography
) -> None:
    single, looks, number_at = {}, [], {}
    for number, time_s, found in seen_by_default("vtest.avi"):
        single[number] = found.of({PERSON}).at_least(SURE).boxes
        looks.append(Look(time_s, found))
        number_at[time_s] = number
    followed: dict[int, list[NDArray]] = {number: [] for number in single}
    for track in CascadedTracker().track(looks).tracks:
        if track.kind == PERSON:
            for time_s, box in zip(track.times_s, track.boxes, strict=True):
                followed[number_at[float(time_s)]].append(box)

    feet, places = matched({n: np.array(b).reshape(-1, 4) for n, b in followed.items()}, truth)
    off = off_m(fit, feet, places)
    median = float(np.median(off))
    row("foot point of a track → ground, median", median, FLOOR_M, "m", median <= FLOOR_M)
    row("foot point of a track → ground, 95 %", float(np.percentile(off, 95)), 0, "m", True)

    feet, places = matched(single, truth)
    off = off_m(fit, feet, places)
    row("foot point of a single look → ground, median", float(np.median(off)), 0, "m", True)
    row("foot point of a single look → ground, 95 %", float(np.percentile(off, 95)), 0, "m", True)
    covered = fit.covers(feet)
    row("foot points among the reference points", float(covered.mean()), 0, "share", True)
    within = float((off[covered] <= 2 * fit.sigma_m(feet[covered])).mean())
    row("of these within two deviations", within, 0, "share", True)
    assert median <= FLOOR_M


def test_single_looks_with_a_mirrored_look_each(row: Row, truth: People, fit: Homography) -> None:
    seen = list(seen_in("vtest.avi", Mirrored(default_detector())))
    single = {number: found.of({PERSON}).at_least(SURE).boxes for number, _, found in seen}
    median = float(np.median(off_m(fit, *matched(single, truth))))
    row("foot point of a single look → ground, mirrored too", median, FLOOR_M, "m", median <= FLOOR_M)
    row("person AP50, mirrored too", person_precision("PETS09-S2L1.gt.txt", seen), 0, "AP", True)
    assert median <= FLOOR_M


def test_single_looks_of_another_small_model(row: Row, truth: People, fit: Homography) -> None:
    if not YOLOX.is_file():
        pytest.skip(f"{YOLOX.name} of ../shared/data/video is not here")
    single = {
        number: found.of({PERSON}).at_least(SURE).boxes
        for number, _, found in seen_in("vtest.avi", load_model(YOLOX))
    }
    median = float(np.median(off_m(fit, *matched(single, truth))))
    row("foot point of a single look → ground, yolox_nano, median", median, 0, "m", True)
