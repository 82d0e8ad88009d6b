"""Building review: laws of its areas, worked cases of its reasons, and bad input."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.coverage import marginal_area_m2, seen_area_m2
from analysis.errors import CrsError, InputError
from analysis.review import (
    DWELLING,
    MENDS,
    METHODS,
    MOST_CAMERAS,
    REASONS,
    SEVERITIES,
    TITLES,
    UNITS,
    ReviewRules,
    ReviewSheet,
    review_cameras,
)
from analysis.review.ground import Ground, measure_ground
from analysis.visibility import prepare_obstacles, visible_polygons

METRIC = 4549
CODE = "33048100081320000{:02d}1"
POSE: dict[str, Any] = {
    "heading_deg": 0.0,
    "hfov_deg": 90.0,
    "range_m": 60.0,
    "resolution_px": 1920,
    "height_m": 5.0,
    "tilt_deg": 20.0,
    "vfov_deg": 56.0,
    "cost": 1000.0,
}
EXISTING: dict[str, Any] = {"owner": "traffic police", "share_level": 2}


def cameras(*poses: tuple[float, float, dict[str, Any]], **common: Any) -> gpd.GeoDataFrame:
    """Cameras at (x, y) with what differs from the usual pose."""
    rows = [POSE | {"code": CODE.format(number)} | common | pose for number, (_, _, pose) in enumerate(poses)]
    return gpd.GeoDataFrame(
        rows or {name: [] for name in POSE},
        geometry=[shapely.Point(x, y) for x, y, _ in poses],
        crs=METRIC,
        index=[f"P{number}" for number in range(len(poses))],
    )


def frame(shapes: Sequence[shapely.Geometry] = (), **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=METRIC, index=range(len(shapes)))


def review(
    proposed: gpd.GeoDataFrame,
    existing: gpd.GeoDataFrame | None = None,
    *,
    buildings: gpd.GeoDataFrame | None = None,
    restricted: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    **more: Any,
) -> ReviewSheet:
    existing = cameras() if existing is None else existing
    buildings = frame() if buildings is None else buildings
    obstacles = prepare_obstacles(buildings)
    return review_cameras(
        proposed,
        visible_polygons(proposed, obstacles),
        existing,
        visible_polygons(existing, obstacles),
        buildings=buildings,
        restricted=frame(kind=[]) if restricted is None else restricted,
        places=frame(task=[]) if places is None else places,
        **more,
    )


def codes(sheet: ReviewSheet, camera: str | None = None) -> list[str]:
    return [reason.code for reason in sheet.reasons if camera is None or reason.camera == camera]


# -------------------------------------------------------------------------------------------------- laws

spots = st.tuples(st.floats(-60, 60), st.floats(-60, 60), st.floats(0, 359.9))
some = st.lists(spots, min_size=1, max_size=6)
few = st.lists(spots, max_size=5)


def drawn(places: list[tuple[float, float, float]]) -> gpd.GeoDataFrame:
    return cameras(*((x, y, {"heading_deg": heading}) for x, y, heading in places))


def ground(proposed: gpd.GeoDataFrame, existing: gpd.GeoDataFrame) -> Ground:
    nothing = prepare_obstacles(frame())
    views = (visible_polygons(each, nothing) for each in (proposed, existing))
    return measure_ground(proposed, next(views), existing, next(views), ReviewRules())


@given(some, few)
@settings(max_examples=25, deadline=None)
def test_new_and_repeated_ground_are_all_of_it_and_agree_with_coverage(
    new: list[tuple[float, float, float]], old: list[tuple[float, float, float]]
) -> None:
    proposed, existing = drawn(new), drawn(old)
    found = ground(proposed, existing)
    figures, totals = found.figures, found.totals
    assert np.allclose(figures["new_m2"] + figures["duplicate_m2"], figures["view_m2"], atol=1e-3)
    assert totals["new_m2"] + totals["duplicate_m2"] == pytest.approx(totals["view_m2"], abs=1e-3)
    nothing = prepare_obstacles(frame())
    before = visible_polygons(existing, nothing)
    seen = visible_polygons(proposed, nothing)
    whole = pd.concat([before.set_axis([f"E{n}" for n in range(len(before))]), seen])
    assert totals["new_m2"] == pytest.approx(seen_area_m2(whole) - seen_area_m2(before), abs=1e-2)
    marginal = marginal_area_m2(whole)[seen.index]
    assert np.allclose(figures["own_m2"], marginal, atol=1e-2)
    for part in ("new", "duplicate", "mutual"):
        assert figures[f"{part}_ratio"].between(0, 1).all()


@given(some, few, few)
@settings(max_examples=25, deadline=None)
def test_one_more_existing_camera_never_adds_new_ground(
    new: list[tuple[float, float, float]],
    old: list[tuple[float, float, float]],
    more: list[tuple[float, float, float]],
) -> None:
    proposed = drawn(new)
    before, after = ground(proposed, drawn(old)), ground(proposed, drawn(old + more))
    assert (after.figures["new_m2"] <= before.figures["new_m2"] + 1e-3).all()
    worth = [each.totals["new_m2"] + each.totals["sharper_m2"] for each in (before, after)]
    assert worth[1] <= worth[0] + 1e-3


@given(some, few)
@settings(max_examples=10, deadline=None)
def test_what_stays_is_worth_building_and_little_is_lost_with_the_rest(
    new: list[tuple[float, float, float]], old: list[tuple[float, float, float]]
) -> None:
    proposed, existing = drawn(new), drawn(old)
    rules = ReviewRules(least_gain_ratio=0.3)
    sheet = review(proposed, existing, rules=rules)
    needless = sheet.cameras["needless"].astype(bool)
    assert sheet.totals["saved"] == 1000.0 * needless.sum() == 1000.0 * sheet.totals["needless"]
    stay = proposed[~needless]
    if len(stay):
        again = review(stay, existing, rules=rules)
        assert not again.cameras["needless"].any()
        lost = sheet.totals["new_m2"] - again.totals["new_m2"]
    else:
        lost = sheet.totals["new_m2"]
    assert -1e-3 <= lost <= 0.3 * sheet.cameras.loc[needless, "view_m2"].sum() + 1e-3
    told = {reason.camera for reason in sheet.reasons if reason.code.startswith("duplicates_")}
    assert told == set(sheet.cameras.index[needless])


# ------------------------------------------------------------------------------------------------- ground


def test_of_two_equal_cameras_the_second_is_not_built() -> None:
    sheet = review(cameras((0, 0, {}), (0, 0, {}), (500, 0, {})))
    assert sheet.cameras["needless"].tolist() == [False, True, False]
    assert codes(sheet, "P1") == ["duplicates_proposed"]
    assert sheet.advice == "return" and sheet.totals["saved"] == 1000.0
    assert sheet.totals["view_m2"] == pytest.approx(sheet.cameras["view_m2"].iloc[[0, 2]].sum())


def test_a_camera_where_one_looks_already_names_that_one_and_its_owner() -> None:
    before = cameras((0, 0, {}), (300, 0, {}), **EXISTING).assign(code=["A", "B"], name=["Gate", "Far"])
    sheet = review(cameras((0, 0, {})), before)
    [row] = sheet.duplicates.to_dict("records")
    assert (row["code"], row["owner"], row["share_level"]) == ("A", "traffic police", 2)
    assert row["shared_ratio"] == pytest.approx(1.0)
    [reason] = sheet.reasons
    assert reason.code == "duplicates_existing" and reason.facts["codes"] == "A"
    assert "100% of its ground" in reason.plain()["text"] and "use A" in reason.plain()["text"]


def test_unshared_cameras_are_asked_for_instead() -> None:
    before = cameras((0, 0, {}), owner="private", share_level=1)
    sheet = review(cameras((0, 0, {})), before)
    assert "ask_to_share" in codes(sheet)
    assert sheet.totals["unshared_m2"] == pytest.approx(sheet.totals["duplicate_m2"])
    shared = review(
        cameras((0, 0, {})), pd.concat([before, cameras((0, 0, {}), **EXISTING).set_axis(["E1"])])
    )
    assert "ask_to_share" not in codes(shared) and shared.totals["unshared_m2"] == pytest.approx(0, abs=1e-6)


def test_seeing_sharper_is_worth_something() -> None:
    coarse = cameras((0, 0, {"resolution_px": 320}), **EXISTING)
    sharp = cameras((0, 0, {"resolution_px": 7680, "range_m": 30.0}))
    sheet = review(sharp, coarse)
    assert sheet.totals["new_m2"] == pytest.approx(0, abs=1e-3)
    assert sheet.totals["sharper_m2"] == pytest.approx(sheet.totals["view_m2"], rel=1e-3)
    assert sheet.advice == "approve" and not sheet.cameras["needless"].any()


def test_a_camera_that_sees_nothing_is_returned_and_stops_no_other() -> None:
    block = frame([shapely.box(-40, -40, 40, 40)])
    sheet = review(cameras((0, 0, {}), (300, 0, {})), buildings=block)
    assert codes(sheet, "P0") == ["sees_nothing"]
    assert codes(sheet, "P1") == [] and sheet.cameras.loc["P1", "new_m2"] > 1000
    assert sheet.cameras["needless"].tolist() == [True, False]


# ------------------------------------------------------------------------------------------------ privacy


def home(y: float) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    shape = shapely.box(-30, y, 30, y + 10)
    return frame([shape], height_m=[9.0]), frame([shape], kind=[DWELLING], name=["Elm House"])


@pytest.mark.parametrize(
    ("distance", "code"), [(3.0, "windows_identified"), (7.0, "windows_recognised"), (20.0, None)]
)
def test_windows_by_what_could_be_made_out_behind_them(distance: float, code: str | None) -> None:
    """1920 px over 90°: identify to 3.8 m, recognise to 7.7 m."""
    buildings, homes = home(distance)
    sheet = review(cameras((0, 0, {})), buildings=buildings, restricted=homes)
    told = [each for each in codes(sheet) if each != "sees_nothing"]
    assert told == ([code] if code else [])
    # so near to the wall the picture begins beyond it: no ground is seen, and yet the windows are
    assert sheet.advice == ("return" if distance == 3.0 else "approve")
    if code:
        [window] = sheet.windows.to_dict("records")
        assert window["name"] == "Elm House" and window["facade_m"] >= window["close_m"] >= 0
        assert window["nearest_m"] == pytest.approx(distance, abs=0.05)
        assert window["px_per_m"] >= (250 if code == "windows_identified" else 125)


def test_forbidden_ground_rooms_and_places() -> None:
    ground = shapely.Point(0, 20).buffer(4)
    hotel = shapely.box(-30, 30, 30, 40)
    areas = frame(
        [ground, hotel, shapely.Point(300, 0).buffer(4)],
        kind=["toilet", "guest_room", "toilet"],
        source=["amenity=toilets", "building=hotel", "amenity=toilets"],
    )
    buildings = frame([hotel], height_m=[9.0])
    sharp = {"resolution_px": 7680}
    sheet = review(cameras((0, 0, sharp), (300, 0, {})), buildings=buildings, restricted=areas)
    assert {"forbidden_in_view", "forbidden_facade"} <= set(codes(sheet, "P0"))
    assert "inside_forbidden" in codes(sheet, "P1")
    row = sheet.forbidden[(sheet.forbidden["camera"] == "P0") & (sheet.forbidden["area"] == 0)].iloc[0]
    assert row["ground_m2"] == pytest.approx(ground.area, rel=1e-3)
    assert row["nearest_m"] == pytest.approx(16, abs=0.1) and row["source"] == "amenity=toilets"
    assert sheet.cameras.loc["P0", "forbidden_m2"] == pytest.approx(ground.area, rel=1e-3)
    assert sheet.advice == "return"


def test_a_building_of_unknown_use_is_a_doubt_and_no_reason() -> None:
    shape = shapely.box(-30, 5, 30, 15)
    buildings = frame([shape], height_m=[9.0], use_known=[False])
    sheet = review(cameras((0, 0, {})), buildings=buildings)
    assert codes(sheet) == ["use_unknown"] and sheet.advice == "approve"
    assert sheet.totals["unknown_m"] > 3 and sheet.totals["private_m"] == 0
    known = review(cameras((0, 0, {})), buildings=buildings, restricted=frame([shape], kind=[DWELLING]))
    assert known.totals["unknown_m"] == 0 and known.totals["private_m"] > 3


def test_a_facade_that_two_cameras_see_counts_once() -> None:
    buildings, homes = home(6.0)
    one = review(cameras((0, 0, {})), buildings=buildings, restricted=homes)
    two = review(cameras((0, 0, {}), (0, 0, {})), buildings=buildings, restricted=homes)
    assert two.totals["private_m"] == pytest.approx(one.totals["private_m"], rel=0.01)
    assert two.cameras["private_m"].sum() == pytest.approx(2 * one.cameras["private_m"].sum())


# ------------------------------------------------------------------------------------------------- places


def gate(y: float, task: str = "recognise") -> gpd.GeoDataFrame:
    return frame([shapely.Point(0, y)], task=[task], name=["School gate"], kind=["school"])


def test_a_place_reaches_its_task_with_enough_pixels() -> None:
    sharp = {"resolution_px": 7680}
    for pose, reached in (({}, False), (sharp, True)):
        sheet = review(cameras((0, 0, pose)), places=gate(20.0))
        [place] = sheet.places.to_dict("records")
        assert place["reached_after"] == reached and not place["reached_before"]
        want = (7680 if reached else 1920) / 2 / np.hypot(19.5, 5.0)
        assert place["after_px_per_m"] == pytest.approx(want, rel=0.01)
        assert ("place_missed" in codes(sheet)) != reached
        assert sheet.totals["places_after"] == float(reached) and sheet.totals["places"] == 1.0


def test_a_place_that_no_camera_sees_is_listed() -> None:
    sheet = review(cameras((0, 0, {})), places=gate(-30.0))
    [place] = sheet.places.to_dict("records")
    assert place["after_px_per_m"] == 0 and place["camera"] is None and not place["reached_after"]
    assert codes(sheet) == []


def test_places_seen_and_unseen_beside_cameras_that_are_numbered() -> None:
    both = pd.concat([gate(20.0), gate(-30.0).set_axis([1])])
    sheet = review(cameras((0, 0, {})).set_axis([7]), places=both)
    assert sheet.places["camera"].tolist() == [7, None]
    assert [reason.camera for reason in sheet.reasons] == [7]


def test_a_camera_that_only_repeats_stays_if_a_place_needs_it() -> None:
    before = cameras((0, 0, {}), **EXISTING)
    narrow = cameras((0, 0, {"hfov_deg": 20.0, "resolution_px": 3840}))
    strict = ReviewRules(sharp_task="identify", least_gain_ratio=0.95)
    sheet = review(narrow, before, places=gate(50.0), rules=strict)
    assert sheet.places["reached_after"].tolist() == [True]
    assert "needed_for_place" in codes(sheet) and not sheet.cameras["needless"].any()
    assert sheet.advice == "approve"
    without = review(narrow, before, rules=strict)
    assert without.cameras["needless"].tolist() == [True] and without.advice == "return"


def test_an_unknown_task_names_the_place() -> None:
    with pytest.raises(InputError, match="Place 0 asks for the task 'stare'"):
        review(cameras((0, 0, {})), places=gate(20.0, "stare"))


# -------------------------------------------------------------------------------------------------- codes


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("33048100081320000011", None),
        (None, "code_missing"),
        ("", "code_missing"),
        ("330481000813200000", "code_invalid"),
        ("3304810008132000001X", "code_invalid"),
        ("33048100081320000099", "code_taken"),
        ("33010600081320000011", "code_elsewhere"),
    ],
)
def test_codes(code: str | None, reason: str | None) -> None:
    sheet = review(
        cameras((0, 0, {"code": code})),
        taken_codes={"33048100081320000099"},
        rules=ReviewRules(county_code="330481"),
    )
    assert codes(sheet) == ([reason] if reason else [])
    if reason == "code_invalid":
        assert sheet.reasons[0].problem is not None
        assert "digit" in sheet.reasons[0].plain()["text"]


def test_a_code_twice_and_a_class_out_of_use() -> None:
    twice = cameras((0, 0, {}), (500, 0, {}), code=CODE.format(1), area_class="street")
    sheet = review(twice, rules=ReviewRules(classes=("gate",)))
    assert codes(sheet) == ["code_repeated", "code_repeated", "class_unknown", "class_unknown"]
    untold = review(cameras((0, 0, {"area_class": None})), rules=ReviewRules(classes=("gate",)))
    assert codes(untold) == []


def test_a_needless_camera_of_unknown_cost() -> None:
    sheet = review(cameras((0, 0, {}), (0, 0, {"cost": np.nan})))
    assert codes(sheet, "P1") == ["duplicates_proposed", "cost_missing"] and sheet.totals["saved"] == 0.0


# ---------------------------------------------------------------------------------------------- the sheet


def test_every_figure_has_words_a_unit_and_a_method_and_every_reason_a_mend() -> None:
    buildings, homes = home(6.0)
    sheet = review(cameras((0, 0, {}), (0, 0, {})), buildings=buildings, restricted=homes, places=gate(20.0))
    plain = sheet.plain()
    assert TITLES.keys() == UNITS.keys() == METHODS.keys()
    assert REASONS.keys() == MENDS.keys() == SEVERITIES.keys()
    assert {each["name"] for each in plain["totals"]} <= TITLES.keys()
    assert all(each["unit"] and each["method"] for each in plain["totals"])
    shown = set(plain["cameras"][0]) - {"camera", "name", "code", "needless", "gain_ratio"}
    assert shown <= TITLES.keys()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert set(sheet.shapes["kind"]) >= {"view", "new", "window"}
    assert sheet.shapes.crs == METRIC


def test_templates_ask_only_for_facts_that_are_given() -> None:
    facts = {
        name
        for template in (*REASONS.values(), *MENDS.values())
        for _, name, _, _ in string.Formatter().parse(template)
        if name
    }
    assert facts <= {
        *("share", "gain", "codes", "kind", "source", "area", "distance", "length", "code", "found", "known"),
        *("owners", "wanted", "place", "density", "task"),
    }


def test_an_application_without_a_doubt_is_advised_for() -> None:
    sheet = review(cameras((0, 0, {})))
    assert sheet.advice == "approve" and sheet.reasons == ()
    assert sheet.totals["new_ratio"] == pytest.approx(1.0)


# ---------------------------------------------------------------------------------------------- bad input


def test_bad_input_is_told() -> None:
    good = cameras((0, 0, {}))
    with pytest.raises(InputError, match="0 cameras cannot be reviewed"):
        review(cameras())
    with pytest.raises(InputError, match=f"1 to {MOST_CAMERAS}"):
        review(cameras(*[(0.0, 0.0, {})] * (MOST_CAMERAS + 1)))
    with pytest.raises(InputError, match="one index"):
        review(pd.concat([good, good]))
    with pytest.raises(CrsError):
        review(good, restricted=frame(kind=[]).to_crs(4326))
    with pytest.raises(InputError, match="kind"):
        review(good, restricted=frame([shapely.box(0, 0, 1, 1)]))
    with pytest.raises(InputError, match="resolution_px"):
        review(good.drop(columns="resolution_px"))
