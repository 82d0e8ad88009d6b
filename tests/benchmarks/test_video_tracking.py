"""How well people are followed through a crowd: PETS09-S2L1, every frame, the default detector and tracker."""

from __future__ import annotations

from analysis.vision.tracking import CascadedTracker, Look
from tests.benchmarks.conftest import Row
from tests.benchmarks.video_truth import people, seen_by_default, tracking_figures

FLOOR = 0.78


def test_people_are_followed_through_every_frame(row: Row) -> None:
    truth = people("PETS09-S2L1.gt.txt")
    times, looks = {}, []
    for number, time_s, found in seen_by_default("vtest.avi"):
        times[number] = time_s
        looks.append(Look(time_s, found))
    tracker = CascadedTracker()
    figures = tracking_figures(tracker.track(looks), times, truth)
    for name in ("MOTA", "IDF1"):
        row(f"{name} PETS09-S2L1, every frame", figures[name], FLOOR, "share", figures[name] >= FLOOR)
    row("HOTA PETS09-S2L1, every frame", figures["HOTA"], 0, "share", True)
    row("identities switched PETS09-S2L1", figures["switches"], 0, "times", True)

    bare = CascadedTracker(join_s=0, fill_s=0, smooth_s=0)
    plain = tracking_figures(bare.track(looks), times, truth)
    row("MOTA of C-BIoU alone", plain["MOTA"], 0, "share", True)
    row("IDF1 of C-BIoU alone", plain["IDF1"], 0, "share", True)

    second = dict(list(times.items())[::2])
    half = tracking_figures(tracker.track(looks[::2]), second, truth)
    row("MOTA at every second frame", half["MOTA"], 0, "share", True)
    row("IDF1 at every second frame", half["IDF1"], 0, "share", True)
    assert figures["MOTA"] >= FLOOR and figures["IDF1"] >= FLOOR
