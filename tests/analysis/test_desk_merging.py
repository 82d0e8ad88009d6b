"""Merging of leads: one thing is one lead, in whatever order and by however many cameras it is told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.desk import Leads, Sameness, merge, same_place
from analysis.errors import InputError

FEW = settings(max_examples=150, deadline=None)
NAMES = ("x_m", "y_m", "sigma_m", "first_s", "last_s", "kind", "camera", "score")


def leads(*rows, **given):
    """Rows of x, camera, first, last; the rest is alike."""
    x, camera, first, last = np.array(rows, dtype=float).T if rows else np.zeros((4, 0))
    n = len(x)
    values = {"y_m": np.zeros(n), "sigma_m": np.ones(n), "kind": np.zeros(n), "score": np.full(n, 0.5)}
    values |= {"x_m": x, "camera": camera, "first_s": first, "last_s": last}
    return Leads(**(values | given))


def taken(those, rows):
    return Leads(**{name: getattr(those, name)[rows] for name in NAMES})


@st.composite
def many(draw):
    n = draw(st.integers(1, 14))

    def several(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=float)

    first = several(st.integers(0, 3000))
    return Leads(
        x_m=several(st.integers(0, 12)),
        y_m=several(st.integers(0, 4)),
        sigma_m=several(st.sampled_from([0.3, 1.0, 2.0])),
        first_s=first,
        last_s=first + several(st.integers(0, 500)),
        kind=several(st.integers(0, 1)),
        camera=several(st.integers(-1, 2)),
        score=several(st.sampled_from([0.3, 0.5, 0.9])),
    )


@FEW
@given(many(), st.randoms(use_true_random=False))
def test_the_order_does_not_matter(those, random):
    order = list(range(len(those)))
    random.shuffle(order)
    straight, turned = merge(those), merge(taken(those, order))
    assert turned.group.tolist() == straight.group[order].tolist()
    assert turned.leads.tolist() == straight.leads.tolist()
    assert turned.cameras.tolist() == straight.cameras.tolist()
    for name in NAMES:
        assert (
            getattr(those, name)[np.array(order)[turned.surest]] == getattr(those, name)[straight.surest]
        ).all()


@FEW
@given(many())
def test_groups_are_of_one_kind_and_the_surest_stands_for_each(those):
    merged = merge(those)
    assert sorted(set(merged.group.tolist())) == list(range(len(merged.surest)))
    for thing, row in enumerate(merged.surest):
        of = merged.group == thing
        assert of[row]
        assert len(set(those.kind[of].tolist())) == 1
        assert those.score[row] == those.score[of].max()
        assert merged.leads[thing] == of.sum()
        assert merged.cameras[thing] == len(set(those.camera[of & (those.camera >= 0)].tolist()))
    firsts = [those.first_s[merged.group == thing].min() for thing in range(len(merged.surest))]
    assert firsts == sorted(firsts)


@FEW
@given(many())
def test_no_thing_was_seen_by_one_camera_in_two_places_at_once(those):
    by = Sameness()
    merged = merge(those, by)
    for a in range(len(those)):
        for b in range(a):
            if merged.group[a] == merged.group[b] and those.camera[a] == those.camera[b] >= 0:
                at_once = those.first_s[a] <= those.last_s[b] and those.first_s[b] <= those.last_s[a]
                distance = np.hypot(those.x_m[a] - those.x_m[b], those.y_m[a] - those.y_m[b])
                assert not at_once or distance <= by.twin_m


@FEW
@given(many())
def test_without_cameras_groups_are_what_links_connect(those):
    by = Sameness()
    people = taken(those, np.arange(len(those)))
    object.__setattr__(people, "camera", np.full(len(those), -1))
    merged = merge(people, by)
    n = len(those)
    reach = np.eye(n, dtype=bool)
    for a in range(n):
        for b in range(n):
            distance = np.hypot(those.x_m[a] - those.x_m[b], those.y_m[a] - those.y_m[b])
            close = same_place(distance, those.sigma_m[a], those.sigma_m[b], by) <= 1
            gap = max(those.first_s[a], those.first_s[b]) - min(those.last_s[a], those.last_s[b])
            reach[a, b] |= bool(close and those.kind[a] == those.kind[b] and gap <= by.most_gap_s)
    for _ in range(n):
        reach = reach @ reach
    assert (reach == (merged.group[:, None] == merged.group[None, :])).all()


@FEW
@given(many())
def test_telling_everything_twice_changes_nothing_but_the_count(those):
    n = len(those)
    once, twice = merge(those), merge(taken(those, np.tile(np.arange(n), 2)))
    assert twice.group[:n].tolist() == once.group.tolist() == twice.group[n:].tolist()
    assert twice.leads.tolist() == (2 * once.leads).tolist()


def test_two_cameras_and_a_citizen_tell_of_one_car():
    merged = merge(leads((0, 1, 0, 60), (1.5, 2, 30, 90), (2, -1, 300, 300), score=[0.4, 0.8, 0.6]))
    assert merged.group.tolist() == [0, 0, 0]
    assert merged.surest.tolist() == [1]
    assert merged.cameras.tolist() == [2]


@pytest.mark.parametrize(("x", "group"), [(1.0, [0, 1, 0]), (1.6, [0, 1, 1])])
def test_two_cars_that_one_camera_sees_side_by_side_stay_two(x, group):
    # camera 2 cannot tell which of them it saw: its lead goes to the nearer
    assert merge(leads((0, 1, 0, 60), (2.5, 1, 0, 60), (x, 2, 0, 60))).group.tolist() == group


def test_two_zones_of_one_camera_tell_of_one_car():
    assert merge(leads((0, 1, 0, 60), (0.2, 1, 0, 90))).group.tolist() == [0, 0]


def test_place_time_and_class_keep_apart():
    assert merge(leads((0, 1, 0, 60), (5, 2, 0, 60))).leads.tolist() == [1, 1]
    assert merge(leads((0, 1, 0, 60), (0, 2, 961, 999))).leads.tolist() == [1, 1]
    assert merge(leads((0, 1, 0, 60), (0, 2, 960, 999))).leads.tolist() == [2]
    assert merge(leads((0, 1, 0, 60), (0, 2, 0, 60), kind=[1, 2])).leads.tolist() == [1, 1]
    unsure = leads((0, 1, 0, 60), (9, 2, 0, 60), sigma_m=[4, 4])
    assert merge(unsure).leads.tolist() == [2]
    assert merge(unsure, Sameness(most_m=8)).leads.tolist() == [1, 1]


def test_nothing_merges_to_nothing():
    assert len(merge(leads()).group) == 0


def test_a_city_of_leads_is_merged():
    rng = np.random.default_rng(2)
    places = rng.uniform(0, 20_000, (3000, 2))
    truth = np.repeat(np.arange(3000), 5)
    spot = places[truth] + rng.normal(0, 0.5, (15_000, 2))
    first = rng.uniform(0, 300, 15_000)
    merged = merge(
        Leads(
            x_m=spot[:, 0],
            y_m=spot[:, 1],
            sigma_m=np.full(15_000, 0.5),
            first_s=first,
            last_s=first + 60,
            kind=np.zeros(15_000),
            camera=np.tile(np.arange(5), 3000),
            score=rng.random(15_000),
        )
    )
    assert len(merged.surest) == pytest.approx(3000, rel=0.02)
    pure = [len(set(truth[merged.group == thing].tolist())) for thing in range(0, len(merged.surest), 50)]
    assert np.mean(np.array(pure) == 1) > 0.97


def test_a_place_reported_for_years_is_one_thing_at_a_time():
    n = 20_000
    first = np.repeat(np.arange(n // 2) * 5000.0, 2)
    merged = merge(
        leads(*np.column_stack([np.zeros(n), np.tile([1, 2], n // 2), first, first + 60]).tolist())
    )
    assert merged.leads.tolist() == [2] * (n // 2)


@pytest.mark.parametrize(
    "given",
    [
        {"sigma_m": [0.0, 1]},
        {"last_s": [-1.0, 5]},
        {"score": [0.5, 1.5]},
        {"y_m": [np.nan, 0]},
        {"kind": [1]},
    ],
)
def test_impossible_leads_are_refused(given):
    with pytest.raises(InputError):
        leads((0, 1, 0, 1), (1, 1, 0, 1), **given)
