"""The harness of the video benches against brute force, supervision and hand counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.vision.detections import PERSON, Detections
from analysis.vision.tracking import Track, Tracks
from tests.benchmarks.video_truth import NOBODY, People, average_precision, tracking_figures

side = st.integers(0, 30)
box = st.tuples(side, side, st.integers(3, 20), st.integers(3, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
scored = st.tuples(box, st.integers(1, 100).map(lambda s: s / 100))
frames = st.lists(
    st.tuples(st.lists(scored, max_size=6), st.lists(box, max_size=5), st.lists(box, max_size=2)),
    min_size=1,
    max_size=4,
)


def detections(rows: list) -> Detections:
    return Detections(
        np.array([row[0] for row in rows], float).reshape(-1, 4),
        np.array([row[1] for row in rows], float),
        np.full(len(rows), PERSON),
    )


def brute_force(made: list) -> float:
    """The same by the letter: cells counted, every box by loops, every cut of the ranking tried."""

    def cells(one: tuple) -> set:
        return {(x, y) for x in range(one[0], one[2]) for y in range(one[1], one[3])}

    ranked = []
    for seen, truth, ignore in made:
        free = list(truth)
        for found, score in sorted(seen, key=lambda row: -row[1]):
            mine = cells(found)
            shares = [len(mine & cells(t)) / len(mine | cells(t)) for t in free]
            if shares and max(shares) >= 0.5:
                free.pop(shares.index(max(shares)))
                ranked.append((score, True))
            elif not any(len(mine & cells(i)) / len(mine) > 0.5 for i in ignore):
                ranked.append((score, False))
    total = sum(len(truth) for _, truth, _ in made)
    ranked.sort(key=lambda row: -row[0])
    points = []
    for cut in range(1, len(ranked) + 1):
        hits = sum(hit for _, hit in ranked[:cut])
        points.append((hits / total if total else 0.0, hits / cut))
    area = 0.0
    for step in range(1, total + 1):  # each true box is one step of recall
        best = [precision for recall, precision in points if recall >= step / total - 1e-12]
        area += max(best, default=0.0) / total
    return area


@settings(deadline=None, max_examples=200)
@given(frames)
def test_average_precision_is_what_brute_force_counts(made: list) -> None:
    ours = average_precision(
        {n: detections(seen) for n, (seen, _, _) in enumerate(made)},
        {n: np.array(truth, float).reshape(-1, 4) for n, (_, truth, _) in enumerate(made)},
        {n: np.array(ignore, float).reshape(-1, 4) for n, (_, _, ignore) in enumerate(made)},
    )
    assert ours == pytest.approx(brute_force(made), abs=1e-9)


def test_average_precision_is_near_that_of_supervision() -> None:
    """COCO's reads the same curve at 101 points of recall."""
    import supervision
    from supervision.metrics import MeanAveragePrecision

    rng = np.random.default_rng(8)
    seen, truth = {}, {}
    metric = MeanAveragePrecision()
    for frame in range(60):
        corner = np.column_stack([rng.uniform(0, 900, 6), rng.uniform(0, 700, 6)])
        true = np.hstack([corner, corner + rng.uniform(60, 90, (6, 2))])
        found = np.vstack([true[:5] + rng.normal(0, 7, (5, 4)), true[:2] + 300])
        score = np.round(np.concatenate([rng.uniform(0.2, 1, 5), rng.uniform(0.05, 0.8, 2)]), 4)
        seen[frame], truth[frame] = Detections(found, score, np.full(7, PERSON)), true
        metric.update(
            supervision.Detections(xyxy=found, confidence=score, class_id=np.zeros(7, int)),
            supervision.Detections(xyxy=true, class_id=np.zeros(6, int)),
        )
    ours = average_precision(seen, truth)
    assert 0.5 < ours < 0.95
    assert ours == pytest.approx(float(metric.compute().map50), abs=0.01)


def test_nothing_to_find_or_nothing_found_is_zero() -> None:
    one = {1: detections([((0, 0, 9, 9), 0.9)])}
    assert average_precision({}, {1: np.array([[0.0, 0, 9, 9]])}) == 0
    assert average_precision(one, {1: NOBODY}) == 0
    assert average_precision(one, {1: np.array([[0.0, 0, 9, 9]])}) == 1


def person(number: int, frames_from: int, frames_to: int, left: float) -> Track:
    times = np.arange(frames_from, frames_to) / 10
    boxes = np.tile([left, 0, left + 30, 80], (len(times), 1)).astype(float)
    return Track(number, PERSON, times, boxes, np.ones(len(times)))


def test_figures_of_tracks_are_those_counted_by_hand() -> None:
    """One true person over ten frames, followed as two; another never seen; a third that is not there."""
    boxes = np.tile([100.0, 0, 130, 80], (10, 1))
    truth = People(
        np.tile(np.arange(10), 2),
        np.repeat([7, 9], 10),
        np.vstack([boxes, boxes + np.array([400, 0, 400, 0])]),
        np.zeros((20, 2)),
    )
    times = {frame: frame / 10 for frame in range(10)}
    found = Tracks((person(1, 0, 6, 100), person(2, 6, 10, 100), person(3, 0, 2, 700)), np.arange(10) / 10)
    figures = tracking_figures(found, times, truth)
    assert figures["switches"] == 1
    assert figures["MOTA"] == pytest.approx(1 - (10 + 2 + 1) / 20)
    assert figures["IDF1"] == pytest.approx(2 * 6 / (20 + 12))
    assert 0 < figures["HOTA"] < 1
    perfect = Tracks((person(1, 0, 10, 100), person(2, 0, 10, 500)), np.arange(10) / 10)
    assert tracking_figures(perfect, times, truth) == {"MOTA": 1, "IDF1": 1, "HOTA": 1, "switches": 0}
