"""Exposure: more looking never lowers it, it stays within the period, and ground seen twice counts once."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import CrsError, InputError
from analysis.exposure import camera_exposure, cell_exposure

EPSG = 4549
PERIOD_H = 1000.0

CELLS = gpd.GeoDataFrame(
    geometry=[shapely.box(x, y, x + 100, y + 100) for y in (100, 0) for x in (0, 100)],
    index=["nw", "ne", "sw", "se"],
    crs=EPSG,
)
KERBS = gpd.GeoDataFrame(
    geometry=[shapely.LineString([(0, 50), (200, 50)]), shapely.LineString([(20, 0), (20, 160)])], crs=EPSG
)


def seen(**boxes):
    return gpd.GeoDataFrame(
        geometry=[shapely.box(*corners) for corners in boxes.values()], index=list(boxes), crs=EPSG
    )


def every(views, value):
    return pd.Series(float(value), index=views.index)


corners = st.tuples(st.floats(-20, 180), st.floats(-20, 180), st.floats(5, 150), st.floats(5, 150)).map(
    lambda box: shapely.box(box[0], box[1], box[0] + box[2], box[1] + box[3])
)
towns = st.lists(st.tuples(corners, st.floats(0, PERIOD_H), st.floats(0, 1)), min_size=1, max_size=6)


def exposure(rows, kerbs):
    views = gpd.GeoDataFrame(geometry=[row[0] for row in rows], crs=EPSG)
    hours, recall = (pd.Series([row[place] for row in rows], dtype=float) for place in (1, 2))
    return cell_exposure(CELLS, views, hours, recall, period_h=PERIOD_H, kerbs=kerbs, spacing_m=5)


@settings(max_examples=40, deadline=None)
@given(towns, st.sampled_from([None, KERBS]))
def test_one_more_camera_never_lowers_exposure(rows, kerbs):
    less, more = exposure(rows[:-1], kerbs) if len(rows) > 1 else None, exposure(rows, kerbs)
    if less is not None:
        tolerance = 0.002 * PERIOD_H  # pieces between the samples are weighed anew
        assert (more["exposure_h"] >= less["exposure_h"] - tolerance).all()
    assert more["exposure_h"].between(0, PERIOD_H * (1 + 1e-9)).all()
    assert more["seen_share"].between(0, 1 + 1e-9).all()
    assert more.index.equals(CELLS.index)


@settings(max_examples=40, deadline=None)
@given(towns, st.sampled_from([None, KERBS]), st.randoms(use_true_random=False))
def test_the_order_of_cameras_does_not_matter(rows, kerbs, random):
    shuffled = random.sample(rows, len(rows))
    pd.testing.assert_frame_equal(exposure(rows, kerbs), exposure(shuffled, kerbs))


@settings(max_examples=40, deadline=None)
@given(towns, st.sampled_from([None, KERBS]))
def test_exposure_lies_between_the_best_camera_and_the_sum_of_all(rows, kerbs):
    views = gpd.GeoDataFrame(geometry=[row[0] for row in rows], crs=EPSG)
    hours, recall = (pd.Series([row[place] for row in rows], dtype=float) for place in (1, 2))
    total = exposure(rows, kerbs)["exposure_h"]
    alone = camera_exposure(CELLS, views, hours, recall, period_h=PERIOD_H, kerbs=kerbs, spacing_m=5)
    each = alone.groupby("cell")["exposure_h"].agg(["max", "sum"]).reindex(CELLS.index, fill_value=0.0)
    assert (total >= each["max"] - 1e-6).all()
    assert (total <= each["sum"] + 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(corners, st.floats(0, PERIOD_H), st.floats(0, 1))
def test_one_camera_gives_share_times_hours_times_recall(view, hours, recall):
    found = exposure([(view, hours, recall)], KERBS)
    for name, cell in CELLS.geometry.items():
        length = KERBS.intersection(cell).length.sum()
        share = KERBS.intersection(cell & view).length.sum() / length if length else 0.0
        assert found.loc[name, "exposure_h"] == pytest.approx(share * hours * recall, abs=0.05)
    ground = exposure([(view, hours, recall)], None)
    share = CELLS.intersection(view).area / CELLS.area
    np.testing.assert_allclose(ground["exposure_h"], share * hours * recall, atol=0.08 * PERIOD_H)


def test_worked_example_with_two_cameras():
    views = seen(a=(0, 0, 50, 100), b=(0, 0, 100, 50))
    hours = pd.Series({"a": 500.0, "b": 1000.0, "unused": 3.0})
    found = cell_exposure(CELLS, views, hours, 0.8, period_h=PERIOD_H)
    # A quarter is seen by both, a quarter by a alone, a quarter by b alone.
    both = 1 - (1 - 0.4) * (1 - 0.8)
    assert found.loc["sw", "exposure_h"] == pytest.approx(PERIOD_H * (both + 0.4 + 0.8) / 4)
    assert found.loc["sw", ["seen_share", "cameras"]].tolist() == [0.75, 2]
    assert found.loc["ne"].tolist() == [0, 0, 0]
    alone = camera_exposure(CELLS, views, hours, 0.8, period_h=PERIOD_H).set_index(["cell", "camera"])
    assert alone["exposure_h"].to_dict() == pytest.approx({("sw", "a"): 200, ("sw", "b"): 400})


def test_a_twin_camera_that_misses_the_same_hours_adds_what_the_first_one_missed():
    twins = seen(a=(0, 0, 100, 100), b=(0, 0, 100, 100))
    found = cell_exposure(CELLS, twins, every(twins, PERIOD_H), 0.5, period_h=PERIOD_H)
    assert found.loc["sw", "exposure_h"] == pytest.approx(750)
    perfect = cell_exposure(CELLS, twins, every(twins, PERIOD_H), 1.0, period_h=PERIOD_H)
    assert perfect.loc["sw", "exposure_h"] == pytest.approx(PERIOD_H)


def test_deduplicated_captures_follow_this_exposure():
    """Simulated: events uniform in the cell, two overlapping cameras, each event counted once."""
    rng = np.random.default_rng(7)
    views = seen(a=(0, 0, 70, 100), b=(30, 0, 100, 100))
    hours, recall = pd.Series({"a": 600.0, "b": 900.0}), pd.Series({"a": 0.9, "b": 0.6})
    events = 200_000
    x = rng.uniform(0, 100, events)
    caught = np.zeros(events, dtype=bool)
    for camera, (low, high) in {"a": (0, 70), "b": (30, 100)}.items():
        chance = hours[camera] / PERIOD_H * recall[camera]
        caught |= (x >= low) & (x <= high) & (rng.random(events) < chance)
    found = cell_exposure(CELLS, views, hours, recall, period_h=PERIOD_H)
    expected = events * found.loc["sw", "exposure_h"] / PERIOD_H
    assert abs(caught.sum() - expected) < 4 * np.sqrt(expected)


def test_a_piece_between_the_samples_is_still_evidence():
    views = seen(a=(50.1, 50.1, 50.9, 50.9))
    found = cell_exposure(CELLS, views, every(views, 100), 1.0, period_h=PERIOD_H, spacing_m=10)
    assert found.loc["sw", "exposure_h"] == pytest.approx(100 * 0.64 / 10_000, rel=1e-3)


def test_cells_without_kerb_and_cameras_without_hours_have_no_exposure():
    views = seen(a=(0, 0, 200, 200))
    found = cell_exposure(CELLS, views, every(views, 10), 1.0, period_h=PERIOD_H, kerbs=KERBS.iloc[[0]])
    assert found["exposure_h"].tolist() == [0, 0, pytest.approx(10), pytest.approx(10)]
    off = cell_exposure(CELLS, views, every(views, 0), 1.0, period_h=PERIOD_H)
    assert (off == 0).all(axis=None)


def test_no_cameras_and_no_cells_give_empty_answers():
    none = CELLS.iloc[:0]
    assert (cell_exposure(CELLS, none, pd.Series(dtype=float), 1.0, period_h=1) == 0).all(axis=None)
    views = seen(a=(0, 0, 10, 10))
    assert len(cell_exposure(none, views, every(views, 1), 1.0, period_h=1)) == 0
    alone = camera_exposure(CELLS, none, pd.Series(dtype=float), 1.0, period_h=1)
    assert alone.empty and list(alone) == ["cell", "camera", "seen_share", "exposure_h"]


def test_errors_name_the_camera_and_the_mend():
    views = seen(a=(0, 0, 10, 10), b=(0, 0, 10, 10))
    with pytest.raises(InputError, match="hours has no value for camera b"):
        cell_exposure(CELLS, views, pd.Series({"a": 1.0}), 1.0, period_h=1)
    with pytest.raises(InputError, match=r"camera a has 24\.0"):
        cell_exposure(CELLS, views, every(views, 24), 1.0, period_h=1)
    with pytest.raises(InputError, match=r"recall must lie in \[0, 1\], but camera a has 1.5"):
        cell_exposure(CELLS, views, every(views, 1), 1.5, period_h=1)
    with pytest.raises(InputError, match="camera a has nan"):
        cell_exposure(CELLS, views, every(views, np.nan), 1.0, period_h=1)
    with pytest.raises(InputError, match="camera a more than once"):
        cell_exposure(CELLS, views.rename({"b": "a"}), every(views, 1), 1.0, period_h=1)
    with pytest.raises(InputError, match="period_h must be above zero"):
        cell_exposure(CELLS, views, every(views, 0), 1.0, period_h=0)
    with pytest.raises(CrsError, match="views is in EPSG:4326"):
        cell_exposure(CELLS, views.to_crs(4326), every(views, 1), 1.0, period_h=1)
    with pytest.raises(CrsError, match="kerbs"):
        cell_exposure(CELLS, views, every(views, 1), 1.0, period_h=1, kerbs=KERBS.to_crs(4550))
