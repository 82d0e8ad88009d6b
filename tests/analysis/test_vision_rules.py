"""Settings of rules, zones on a picture, hours and dates: what is taken, what is refused and why."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from analysis.vision.detections import BICYCLE, CAR, PERSON, Detections
from analysis.vision.rules import (
    RULES,
    BikesOutside,
    Crowding,
    Gathering,
    Hours,
    Intrusion,
    LineCrossing,
    Look,
    Standing,
    Validity,
    WatchedZone,
    WrongWay,
    check_zone,
    from_settings,
    judge,
    patch_box,
    to_settings,
    zone_patch,
)

SQUARE = ((10.0, 10.0), (60.0, 10.0), (60.0, 60.0), (10.0, 60.0))
NEEDED = {"line_crossing": {"line": [[0, 0], [10, 5]]}, "wrong_way": {"arrow": [[0, 0], [0, 9.5]]}}


@pytest.mark.parametrize("kind", sorted(RULES))
def test_every_kind_comes_of_its_settings_and_goes_back(kind: str) -> None:
    rule = from_settings(kind, NEEDED.get(kind, {}))
    assert type(rule) is RULES[kind] and rule.kind == kind
    assert rule.version and rule.label and rule.window_s > 0
    assert rule.needs in {"detections", "patch", "track"}
    plain = json.loads(json.dumps(to_settings(rule)))
    assert from_settings(kind, plain) == rule


def test_settings_of_all_sorts_are_read() -> None:
    rule = from_settings(
        "intrusion",
        {
            "classes": ["person", 1],
            "validity": {
                "weekly": [{"days": [1, 5], "start": "22:00", "end": "06:00"}],
                "first_day": "2026-05-01",
                "last_day": None,
                "time_zone": "Asia/Shanghai",
            },
        },
    )
    assert isinstance(rule, Intrusion)
    assert rule.classes == {PERSON, BICYCLE}
    assert rule.validity == Validity(
        (Hours((1, 5), time(22), time(6)),), date(2026, 5, 1), None, "Asia/Shanghai"
    )
    assert from_settings("intrusion", json.loads(json.dumps(to_settings(rule)))) == rule
    bikes = from_settings("bikes_outside", {"allowed": [[[0, 0], [9, 0], [9, 9]]]})
    assert bikes == BikesOutside(allowed=(((0.0, 0.0), (9.0, 0.0), (9.0, 9.0)),))


@pytest.mark.parametrize(
    ("kind", "given_", "says"),
    [
        ("loitering", {}, "standing"),
        ("standing", {"dwel_s": 60}, "dwel_s"),
        ("standing", {"dwell_s": 0}, "dwell_s is 0"),
        ("standing", {"dwell_s": "60"}, "dwell_s"),
        ("standing", {"dwell_s": True}, "dwell_s"),
        ("standing", {"dwell_s": float("nan")}, "dwell_s"),
        ("standing", {"dwell_s": None}, "dwell_s"),
        ("standing", {"min_share": 1.2}, "min_share"),
        ("standing", {"min_sights": 2.5}, "min_sights"),
        ("standing", {"classes": []}, "classes"),
        ("standing", {"classes": "car"}, "classes"),
        ("standing", {"classes": ["lorry"]}, "lorry"),
        ("standing", {"classes": [[2]]}, "classes"),
        ("static_object", {"min_area_ratio": 1}, "min_area_ratio"),
        ("static_object", {"min_reference": 2}, "min_reference"),
        ("gathering", {"min_people": None}, "min_people"),
        ("crowding", {"min_density": 2}, "area_m2"),
        ("crowding", {"min_people": None}, "min_people or min_density"),
        ("crowding", {"area_m2": -1}, "area_m2"),
        ("intrusion", {"validity": {"weekly": [{"days": [8]}]}}, "days of the week"),
        ("intrusion", {"validity": {"weekly": [{"start": "25:00"}]}}, "HH:MM"),
        ("intrusion", {"validity": {"weekly": [{"hours": 3}]}}, "hours"),
        ("intrusion", {"validity": {"weekly": 3}}, "list of days"),
        ("intrusion", {"validity": {"time_zone": "Asia/Nowhere"}}, "Asia/Nowhere"),
        ("intrusion", {"validity": {"first_day": "1 May"}}, "YYYY-MM-DD"),
        ("intrusion", {"validity": {"first_day": "2026-05-02", "last_day": "2026-05-01"}}, "before"),
        ("intrusion", {"validity": "always"}, "validity"),
        ("bikes_outside", {"allowed": [[[0, 0], [1, 1]]]}, "simple polygon"),
        ("bikes_outside", {"allowed": 3}, "allowed"),
        ("line_crossing", {}, "line"),
        ("line_crossing", {"line": [[1, 1], [1, 1]]}, "two different points"),
        ("line_crossing", {"line": [[0, 0], [1, 1]], "direction": "up"}, "forward, backward or both"),
        ("wrong_way", {}, "arrow"),
        ("wrong_way", {"arrow": [[0, 0], [1, "a"]]}, "two different points"),
        ("wrong_way", {"arrow": [[0, 0], [1, 0]], "tolerance_deg": 180}, "tolerance_deg"),
        ("motion", {"min_ratio": 0}, "min_ratio"),
    ],
)
def test_bad_settings_say_which(kind: str, given_: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        from_settings(kind, given_)


@pytest.mark.parametrize("rule", [LineCrossing(line=((0, 0), (9, 9))), WrongWay(arrow=((0, 0), (9, 9)))])
def test_rules_of_motion_are_refused_without_a_tracker(rule: LineCrossing | WrongWay) -> None:
    assert rule.needs == "track"
    with pytest.raises(InputError, match=r"tracker at 3\.5 samples a second"):
        judge(WatchedZone("road", SQUARE, rule), [])


def test_looks_out_of_order_are_refused() -> None:
    zone = WatchedZone("bay", SQUARE, Standing())
    for times in ((1.0, 1.0), (2.0, 1.0), (1.0, float("nan"))):
        with pytest.raises(InputError, match="order of time"):
            judge(zone, [Look(at, Detections.none()) for at in times])
    assert judge(zone, []) == []


def test_zones_that_are_none_are_refused() -> None:
    for bad in (
        ((0, 0), (1, 1)),
        ((0, 0), (9, 9), (9, 0), (0, 9)),
        ((0, 0), (1, float("inf")), (2, 2)),
        "zone",
    ):
        with pytest.raises(InputError, match="simple polygon"):
            WatchedZone("z", bad, Standing())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="simple polygon"):
        WatchedZone("z", SQUARE, Standing(), holes_px=(((0, 0), (1, 1)),))
    with pytest.raises(InputError, match="no area"):
        WatchedZone("z", SQUARE, Standing(), frame_px=(0, 10))


def test_a_zone_within_the_picture_stays_and_one_outside_is_refused() -> None:
    checked = check_zone(SQUARE, 100, 100)
    assert checked.polygon_px == SQUARE and checked.inside_ratio == 1 and checked.remark is None
    with pytest.raises(InputError, match=r"outside the picture of 10×10 px"):
        check_zone(SQUARE, 10, 10)  # touches it in one point
    with pytest.raises(InputError, match="no area"):
        check_zone(SQUARE, 0, 10)


@given(st.lists(st.tuples(st.integers(-200, 300), st.integers(-200, 300)), min_size=3, max_size=7))
def test_what_is_cut_off_is_said_and_what_is_left_is_inside(points: list[tuple[int, int]]) -> None:
    polygon = shapely.Polygon(points)
    assume(polygon.is_valid and polygon.area > 0)
    shown = shapely.intersection(polygon, shapely.box(0, 0, 100, 80))
    try:
        checked = check_zone(points, 100, 80)
    except InputError:
        assert all(part.area < 1 for part in shapely.get_parts(shown))
        return
    left = shapely.Polygon(checked.polygon_px)
    assert left.is_valid
    assert 0 < checked.inside_ratio <= 1
    if checked.remark is None:
        assert left.area == pytest.approx(polygon.area) and shown.area >= 0.99 * polygon.area
    else:
        assert shapely.box(-1e-6, -1e-6, 100 + 1e-6, 80 + 1e-6).covers(left)
        assert left.area == pytest.approx(max(part.area for part in shapely.get_parts(shown)))
        assert "cut off" in str(checked.remark)


@settings(deadline=None)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(-50, 250),
    st.integers(-50, 250),
    st.integers(1, 300),
)
def test_a_patch_is_small_and_never_enlarged(wide: int, high: int, x: int, y: int, side: int) -> None:
    frame = np.zeros((high, wide, 3), np.uint8)
    polygon = ((x, y), (x + side, y), (x + side, y + side), (x, y + side))
    try:
        patch = zone_patch(frame, polygon)
    except InputError:
        assert x >= wide or y >= high or x + side <= 0 or y + side <= 0
        return
    left, top, right, bottom = patch_box(polygon, (wide, high))
    assert patch.dtype == np.uint8 and patch.ndim == 2 and max(patch.shape) <= 96
    assert patch.shape[0] <= bottom - top and patch.shape[1] <= right - left
    if max(bottom - top, right - left) <= 96:
        assert patch.shape == (bottom - top, right - left)


def test_a_patch_shows_its_part_of_the_picture() -> None:
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[20:40, 50:90] = 200
    assert (zone_patch(frame, ((50, 20), (90, 20), (90, 40), (50, 40))) == 200).all()
    assert (zone_patch(frame[:, :, 0], ((50, 20), (90, 20), (90, 40), (50, 40))) == 200).all()
    with pytest.raises(InputError, match="not a picture"):
        zone_patch(frame.astype(float), SQUARE)  # type: ignore[arg-type]


def at(text: str, zone: str = "Asia/Shanghai") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


NIGHT = Validity((Hours((5,), time(22), time(6)),), date(2026, 5, 1), date(2026, 5, 8), "Asia/Shanghai")


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("2026-05-01T21:59:59", False),  # a Friday
        ("2026-05-01T22:00:00", True),
        ("2026-05-02T05:59:59", True),  # the same night
        ("2026-05-02T06:00:00", False),
        ("2026-05-02T23:00:00", False),  # Saturday
        ("2026-04-24T23:00:00", False),  # before the first day
        ("2026-05-09T05:00:00", True),  # began on the last day
        ("2026-05-15T23:00:00", False),  # after the last day
    ],
)
def test_hours_and_dates_are_those_of_the_place(when: str, holds: bool) -> None:
    assert NIGHT.holds(at(when)) is holds


def test_without_hours_it_always_holds_and_dates_bound_it() -> None:
    assert Validity().holds(0)
    day = Validity((), date(2026, 5, 1), date(2026, 5, 1), "Asia/Shanghai")
    assert day.holds(at("2026-05-01T00:00:00")) and day.holds(at("2026-05-01T23:59:59"))
    assert not day.holds(at("2026-05-02T00:00:00")) and not day.holds(at("2026-04-30T23:59:59"))


def test_the_clock_that_is_put_back_passes_its_hour_twice() -> None:
    early = Validity((Hours((7,), time(2), time(3)),), time_zone="Europe/Berlin")
    hours = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC).timestamp() for hour in range(3)]
    assert [early.holds(hour) for hour in hours] == [True, True, False]


@given(st.integers(0, 2_000_000_000), st.integers(0, 23), st.integers(0, 23))
def test_hours_and_the_rest_of_the_day_part_the_time(seconds: int, start: int, end: int) -> None:
    assume(start != end)
    some = Validity((Hours(start=time(start), end=time(end)),), time_zone="Asia/Shanghai")
    rest = Validity((Hours(start=time(end), end=time(start)),), time_zone="Asia/Shanghai")
    assert some.holds(seconds) is not rest.holds(seconds)


def test_a_gathering_looks_for_objects_by_its_own_terms() -> None:
    rule = Gathering(dwell_s=33, reference_s=444, min_share=0.8)
    assert (rule.objects().dwell_s, rule.objects().reference_s, rule.objects().min_share) == (33, 444, 0.8)
    assert rule.window_s >= 33 + 444
    assert Crowding(min_density=2, area_m2=10, min_people=None).min_people is None
    assert CAR in LineCrossing(line=((0, 0), (1, 1))).classes
