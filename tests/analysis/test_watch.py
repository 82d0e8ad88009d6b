"""Watch: what cameras look at along kerbs, by hour, and what a change of cameras changes."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import CrsError, InputError
from analysis.exposure import Watch, line_points

EPSG = 3879
FEW = settings(max_examples=30, deadline=None)


def kerbs(*lines):
    return gpd.GeoSeries(
        [shapely.LineString(each) for each in lines], index=range(10, 10 + len(lines)), crs=EPSG
    )


def views(**boxes):
    return gpd.GeoSeries([shapely.box(*each) for each in boxes.values()], index=list(boxes), crs=EPSG)


def constant(cameras, value, hours=168):
    return pd.DataFrame(value, index=list(cameras), columns=range(hours))


STREET = line_points(kerbs([(0, 0), (100, 0)], [(0, 30), (50, 30)]), 2.0)
GROUP = (STREET["line"] == 11).to_numpy().astype(np.int64)
LENGTH = STREET["length_m"].to_numpy()


def looked(watch, chance):
    return watch.looked_at(LENGTH, GROUP, 2, chance)


def test_points_stand_for_the_whole_line():
    points = line_points(kerbs([(0, 0), (7, 0)], [(0, 0), (0, 0.5)], [(3, 3), (3, 3)]), 2.0)
    assert points.groupby("line")["length_m"].agg(["size", "sum"]).to_dict("index") == {
        10: {"size": 4, "sum": 7.0},
        11: {"size": 1, "sum": 0.5},
    }
    assert points.geometry.x[:4].tolist() == pytest.approx([0.875, 2.625, 4.375, 6.125])


def test_one_camera_looks_at_what_it_sees_times_share_times_recall():
    watch = Watch.of(STREET, views(a=(0, -1, 40, 1)))
    assert watch.seen_lengths(LENGTH).to_dict() == {"a": 40.0}
    assert looked(watch, constant("a", 0.5 * 0.8)) == pytest.approx(np.array([[16.0] * 168, [0.0] * 168]))


def test_a_second_camera_catches_what_the_first_missed():
    watch = Watch.of(STREET, views(a=(0, -1, 40, 1), b=(20, -1, 60, 1)))
    found = looked(watch, constant("ab", 0.4))[0, 0]
    assert found == pytest.approx(20 * 0.4 + 20 * (1 - 0.6**2) + 20 * 0.4)


def test_hours_are_apart():
    chance = constant("a", 0.0)
    chance.loc["a", 9] = 1.0
    found = looked(Watch.of(STREET, views(a=(0, -1, 40, 1))), chance)
    assert found[0, 9] == pytest.approx(40) and found.sum() == pytest.approx(40)


def test_points_without_a_group_do_not_count():
    watch = Watch.of(STREET, views(a=(0, -1, 100, 40)))
    found = watch.looked_at(LENGTH, np.where(GROUP == 1, 0, -1), 1, constant("a", 1.0))
    assert found[0, 0] == pytest.approx(50)


@st.composite
def boxes(draw, most=5):
    some = draw(st.integers(1, most))
    corner = st.floats(-10, 100)
    return {
        f"c{n}": (x := draw(corner), -5, x + draw(st.floats(1, 60)), draw(st.floats(-4, 40)))
        for n in range(some)
    }


@FEW
@given(boxes(), st.floats(0, 1))
def test_a_change_gives_what_a_new_watch_gives(drawn, share):
    seen = views(**drawn)
    whole = Watch.of(STREET, seen)
    first = Watch.of(STREET, seen.iloc[:1].set_axis(["gone"]))
    grown = first.changed(remove=["gone"], add=seen)
    chance = constant(seen.index, share)
    assert looked(grown, chance) == pytest.approx(looked(whole, chance))
    shrunk = grown.changed(remove=list(seen.index[1:]))
    assert looked(shrunk, chance) == pytest.approx(looked(Watch.of(STREET, seen.iloc[:1]), chance))
    assert looked(whole, chance) == pytest.approx(looked(Watch.of(STREET, seen), chance)), (
        "it is left as it was"
    )


@FEW
@given(boxes(), st.floats(0, 1))
def test_one_more_camera_never_looks_at_less_and_never_at_more_than_there_is(drawn, share):
    seen = views(**drawn)
    chance = constant(seen.index, share)
    less, more = (looked(Watch.of(STREET, each), chance) for each in (seen.iloc[1:], seen))
    assert (more >= less - 1e-9).all()
    assert (more <= np.array([[100.0], [50.0]]) + 1e-9).all()


def test_simulated_catches_agree_with_the_chance():
    rng = np.random.default_rng(1)
    watch = Watch.of(STREET, views(a=(0, -1, 40, 1), b=(20, -1, 60, 1)))
    chance = {"a": 0.3, "b": 0.6}
    point = rng.choice(len(LENGTH), 200_000, p=LENGTH / LENGTH.sum())
    caught = np.zeros(len(point), bool)
    camera, seen = watch.pairs()
    for row, name in enumerate(watch.cameras):
        caught |= np.isin(point, seen[camera == row]) & (rng.random(len(point)) < chance[name])
    table = pd.DataFrame([[each] for each in chance.values()], index=list(chance))
    assert looked(watch, table).sum() / LENGTH.sum() == pytest.approx(caught.mean(), abs=0.005)


def test_what_is_wrong_is_said():
    seen = views(a=(0, -1, 40, 1))
    with pytest.raises(InputError, match=r"Camera a has the chance 1\.5 in column 0"):
        looked(Watch.of(STREET, seen), constant("a", 1.5))
    with pytest.raises(InputError, match="Camera a has more than one view"):
        Watch.of(STREET, pd.concat([seen, seen]))
    with pytest.raises(InputError, match="Camera z is not there"):
        Watch.of(STREET, seen).changed(remove=["z"])
    with pytest.raises(CrsError, match="add is in EPSG:3878"):
        Watch.of(STREET, seen).changed(add=seen.set_axis(["b"]).to_crs(3878))
    with pytest.raises(CrsError):
        line_points(kerbs([(0, 0), (1, 0)]).to_crs(4326))
