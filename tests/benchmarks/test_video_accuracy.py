"""
How well the default detector finds people and vehicles in footage it was not made for.

Average precision at IoU 0.5, all points, greedy by score, every frame of the clip (`video_truth`). The peers' rows are
other small models of the shared data through the same code of ours, in the same run.
"""

from __future__ import annotations

import pytest

from analysis.vision.mirroring import Mirrored
from geodata.settings import ROOT
from geodata.video.detector import load_model
from tests.benchmarks.conftest import Row
from tests.benchmarks.video_truth import (
    default_detector,
    person_precision,
    seen_by_default,
    seen_in,
    vehicle_precision,
)

MODELS = ROOT.parent / "shared" / "data" / "video" / "models"
PEERS = ("yolox_nano_416x416", "nanodet_m_416")


def test_people_on_a_wide_path_seen_from_above(row: Row) -> None:
    found = person_precision("PETS09-S2L1.gt.txt", seen_by_default("vtest.avi"))
    row("person AP50 PETS09-S2L1 (vtest.avi)", found, 0.87, "AP", found >= 0.87)
    assert found >= 0.87


def test_people_in_a_narrow_street_at_eye_level(row: Row) -> None:
    found = person_precision("TUD-Campus.gt.txt", seen_by_default("TUD-Campus.mp4"))
    row("person AP50 TUD-Campus", found, 0.77, "AP", found >= 0.77)
    assert found >= 0.77


def test_vehicles_at_a_junction(row: Row) -> None:
    found = vehicle_precision("ot_cars_truck.mp4", "ot_cars_truck.gt.csv", default_detector())
    row("vehicle AP50 ot_cars_truck", found, 0.93, "AP", found >= 0.93)
    assert found >= 0.93


def test_the_default_with_a_mirrored_look_each(row: Row) -> None:
    detector = Mirrored(default_detector())
    people = person_precision("TUD-Campus.gt.txt", seen_in("TUD-Campus.mp4", detector))
    row("person AP50 TUD-Campus, mirrored too", people, 0.77, "AP", people >= 0.77)
    vehicles = vehicle_precision("ot_cars_truck.mp4", "ot_cars_truck.gt.csv", detector)
    row("vehicle AP50 ot_cars_truck, mirrored too", vehicles, 0.93, "AP", vehicles >= 0.93)
    assert people >= 0.77 and vehicles >= 0.93


@pytest.mark.parametrize("name", PEERS)
def test_other_small_models_on_the_same_footage(row: Row, name: str) -> None:
    path = MODELS / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"{path.name} of ../shared/data/video is not here")
    detector = load_model(path)
    people = person_precision("TUD-Campus.gt.txt", seen_in("TUD-Campus.mp4", detector))
    row(f"person AP50 TUD-Campus, {name}", people, 0, "AP", True)
    vehicles = vehicle_precision("ot_cars_truck.mp4", "ot_cars_truck.gt.csv", detector)
    row(f"vehicle AP50 ot_cars_truck, {name}", vehicles, 0, "AP", True)
