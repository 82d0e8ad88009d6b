"""Applications: checked against what is stored, numbered, decided once, handed out, and all of it in the audit."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import text

from analysis.coverage import seen_area_m2
from analysis.errors import InputError
from analysis.review import ReviewRules
from geodata import database
from geodata.commands.derive import derive_places
from geodata.commands.reviews import decide_review, export_review, note_export, submit_review
from geodata.errors import NotFound, TwinError
from geodata.queries.city import views
from geodata.queries.datasets import loaded_town
from geodata.queries.frames import read_frame
from geodata.queries.reviews import (
    PRIVATE,
    Precheck,
    list_reviews,
    precheck,
    private_gains,
    read_review,
    reading_ground,
    surroundings,
)

pytestmark = pytest.mark.postgis

OFFICE = "Video office"
POSE: dict[str, Any] = {
    "heading_deg": 0.0,
    "hfov_deg": 90.0,
    "range_m": 60.0,
    "height_m": 5.0,
    "tilt_deg": 20.0,
    "vfov_deg": 56.0,
    "resolution_px": 1920.0,
    "cost": 8000.0,
    "area_class": "street",
}


@pytest.fixture(autouse=True)
def _derived(request: pytest.FixtureRequest) -> None:
    """The town of a test that writes knows its restricted areas."""
    if "town_copy" in request.fixturenames:
        request.getfixturevalue("town_copy")
        with database.transaction() as session:
            derive_places(session, loaded_town(session))


def at_lamps(count: int, **pose: Any) -> gpd.GeoDataFrame:
    """Cameras on lamp posts."""
    with database.connection() as conn:
        town = loaded_town(conn)
        lamps = read_frame(conn, "SELECT id, geom FROM component WHERE class_code = '01-18' ORDER BY id")
    rng = np.random.default_rng(5)
    spots = lamps.to_crs(town.metric_epsg).geometry.to_numpy()[rng.choice(len(lamps), count, replace=False)]
    return cameras(*spots, **pose)


def cameras(*spots: shapely.Point, **pose: Any) -> gpd.GeoDataFrame:
    with database.connection() as conn:
        epsg = loaded_town(conn).metric_epsg
    rows = [POSE | {"code": None, "name": f"杆 {n}"} | pose for n in range(len(spots))]
    return gpd.GeoDataFrame(rows, geometry=list(spots), crs=epsg, index=range(1, len(spots) + 1))


def check(proposed: gpd.GeoDataFrame, rules: ReviewRules | None = None) -> Precheck:
    with database.connection() as conn:
        return precheck(conn, loaded_town(conn), proposed, rules)


def submit(count: int = 2, title: str = "Square") -> str:
    proposed = at_lamps(count)
    return submit_review(title, "Roads office", proposed, check(proposed))


def stored(number: str) -> Any:
    with database.connection() as conn:
        return read_review(conn, number)


def audit(number: str) -> list[tuple[str, str, dict[str, Any]]]:
    with database.connection() as conn:
        rows = conn.execute(
            text("SELECT actor, action, details FROM audit WHERE subject = :subject ORDER BY id"),
            {"subject": f"building_review {number}"},
        )
        return [(row.actor, row.action, row.details) for row in rows]


# ------------------------------------------------------------------------------------------------ the check


def test_the_check_agrees_with_the_stored_views(town_copy: str) -> None:
    proposed = at_lamps(8)
    found = check(proposed)
    with database.connection() as conn:
        town = loaded_town(conn)
        fixed = conn.scalars(
            text("SELECT id FROM camera WHERE NOT demonstration AND tier <> 'vehicle'")
        ).all()
        seen = views(conn, town.metric_epsg).geometry
    seen = seen[seen.index.isin(fixed)]
    own = found.sheet.shapes[found.sheet.shapes["kind"] == "view"].geometry
    both = gpd.GeoSeries([*seen, *own], crs=town.metric_epsg)
    gained = seen_area_m2(both) - seen_area_m2(seen)
    assert found.sheet.totals["new_m2"] == pytest.approx(gained, abs=1.0)
    assert found.epsg == town.metric_epsg and found.revision > 0
    assert {"camera_view", "restricted_area"} <= {each["name"] for each in found.sources}
    assert found.simulated


def test_a_camera_where_one_stands_is_told_whose_that_is(town_copy: str) -> None:
    with database.connection() as conn:
        town = loaded_town(conn)
        eyes = read_frame(
            conn,
            "SELECT c.* FROM camera c JOIN camera_view v ON v.camera_id = c.id"
            " WHERE NOT c.demonstration AND v.area_m2 > 500 AND c.kind = 'fixed' ORDER BY c.id LIMIT 1",
        ).to_crs(town.metric_epsg)
    one = eyes.iloc[0]
    pose = {
        name: one[name] for name in ("heading_deg", "tilt_deg", "height_m", "hfov_deg", "vfov_deg", "range_m")
    }
    found = check(cameras(one.geom, **pose, resolution_px=float(one.resolution_px), code=one.code)).sheet
    assert found.totals["duplicate_ratio"] > 0.9 and found.advice == "return"
    assert {"code_taken", "duplicates_existing"} <= {reason.code for reason in found.reasons}
    assert one.code in found.duplicates["code"].tolist()
    assert found.totals["saved"] == 8000.0


def test_windows_of_a_tagged_dwelling_are_seen(town_copy: str) -> None:
    with database.connection() as conn:
        town = loaded_town(conn)
        homes = read_frame(conn, "SELECT id, geom FROM restricted_area WHERE kind = 'dwelling' ORDER BY id")
        walls = read_frame(conn, "SELECT id, geom FROM building").to_crs(town.metric_epsg)
    homes = homes.to_crs(town.metric_epsg)
    ring = shapely.buffer(homes.geometry.to_numpy(), 4.0)
    free = shapely.difference(shapely.boundary(ring), walls.buffer(1.0).union_all())
    home = int(np.argmax(shapely.length(free)))
    spot = shapely.line_interpolate_point(max(shapely.get_parts(free[home]), key=shapely.length), 1.0)
    foot = shapely.get_point(shapely.shortest_line(spot, homes.geometry.iloc[home]), 1)
    heading = float(np.degrees(np.arctan2(foot.x - spot.x, foot.y - spot.y)) % 360)
    found = check(cameras(spot, heading_deg=heading, resolution_px=3840.0)).sheet
    assert found.totals["private_m"] > 3
    assert {"windows_recognised", "windows_identified"} & {reason.code for reason in found.reasons}
    assert homes.index[home] in found.windows["area"].tolist()


def test_places_before_which_a_camera_would_stand(town_copy: str) -> None:
    with database.connection() as conn:
        town = loaded_town(conn)
        banks = read_frame(conn, "SELECT id, name, geom FROM poi WHERE category = 'bank' ORDER BY id")
        streets = read_frame(conn, "SELECT id, geom FROM street_edge").to_crs(town.metric_epsg)
        walls = read_frame(conn, "SELECT id, geom FROM building").to_crs(town.metric_epsg)
    banks = banks.to_crs(town.metric_epsg)
    lines = shapely.STRtree(streets.geometry.to_numpy())
    near = streets.geometry.to_numpy()[lines.nearest(banks.geometry.to_numpy())]
    fronts = shapely.get_point(shapely.shortest_line(near, banks.geometry.to_numpy()), 0)
    free = shapely.distance(fronts, walls.union_all()) > 1.0
    which = int(np.flatnonzero(free & (shapely.distance(fronts, banks.geometry.to_numpy()) < 50))[0])
    down = {"tilt_deg": 70.0, "vfov_deg": 90.0, "hfov_deg": 120.0, "resolution_px": 7680.0, "range_m": 30.0}
    table = check(cameras(fronts[which], **down)).sheet.places
    row = table[table["place"] == banks.index[which]].iloc[0]
    assert row["kind"] == "shop" and row["task"] == "recognise" and row["name"] == banks["name"].iloc[which]
    assert row["after_px_per_m"] >= 125 and row["camera"] == 1


def test_rules_of_the_office_are_kept_with_the_sheet(town_copy: str) -> None:
    sheet = check(at_lamps(2), ReviewRules(least_gain_ratio=1.0)).sheet
    assert sheet.rules.least_gain_ratio == 1.0 and "street" in sheet.rules.classes
    assert sheet.rules.county_code == "910091"


def test_without_restricted_areas_nothing_is_advised(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(text("DELETE FROM dataset WHERE name = 'restricted_area'"))
    with pytest.raises(NotFound, match="where no camera may look"):
        check(at_lamps(1))


# ------------------------------------------------------------------------------------- submit, decide, export


def test_an_application_is_stored_whole(town_copy: str) -> None:
    proposed = at_lamps(3)
    found = check(proposed)
    number = submit_review("  North   square ", "Roads office", proposed, found)
    year = dt.datetime.now(ZoneInfo("Europe/Helsinki")).year
    assert number in {f"{year - 1}-0001", f"{year}-0001"}, "the year may have ended meanwhile"
    review = stored(number)
    assert (review.title, review.applicant, review.state) == ("North square", "Roads office", "submitted")
    assert review.sheet["advice"] == found.sheet.advice and review.revision == found.revision
    assert len(review.sheet["cameras"]) == 3 and review.sheet["crs_of_measures"].startswith("EPSG:")
    points = review.shapes("camera").to_crs(proposed.crs)
    assert points.distance(proposed.geometry.reset_index(drop=True)).max() < 0.05
    seen = review.shapes("view").to_crs(proposed.crs)
    assert seen.area.sum() == pytest.approx(found.sheet.cameras["view_m2"].sum(), rel=1e-3)
    with database.connection() as conn:
        [row] = list_reviews(conn).to_dict("records")
    assert row["number"] == number and row["cameras"] == 3 and row["advice"] == found.sheet.advice
    assert audit(number) == [("Roads office", "submit", {"cameras": 3, "advice": found.sheet.advice})]


def test_numbers_count_up_even_at_once(town_copy: str) -> None:
    proposed = at_lamps(1)
    found = check(proposed)
    with ThreadPoolExecutor(4) as many:
        numbers = list(many.map(lambda n: submit_review(f"t{n}", "o", proposed, found), range(8)))
    assert sorted(int(each.split("-")[1]) for each in numbers) == list(range(1, 9))


@pytest.mark.parametrize(("decision", "state"), [("approve", "approved"), ("return", "returned")])
def test_a_decision_stands_once_and_in_the_audit(town_copy: str, decision: Any, state: str) -> None:
    number = submit()
    decide_review(number, decision, "Camera 2 repeats another.", OFFICE)
    review = stored(number)
    assert (review.state, review.reasons, review.decided_by) == (state, "Camera 2 repeats another.", OFFICE)
    assert review.decided_at is not None and review.decided_at >= review.submitted_at
    actor, action, details = audit(number)[-1]
    assert (actor, action) == (OFFICE, decision) and details["reasons"] == "Camera 2 repeats another."
    with pytest.raises(TwinError, match=f"has been decided by {OFFICE}"):
        decide_review(number, "approve", "", "Another office")
    assert stored(number).decided_by == OFFICE and len(audit(number)) == 2


def test_two_offices_at_once_decide_once(town_copy: str) -> None:
    number = submit()

    def decide(office: str) -> bool:
        try:
            decide_review(number, "approve", "", office)
        except TwinError:
            return False
        return True

    with ThreadPoolExecutor(4) as many:
        assert sum(many.map(decide, ["a", "b", "c", "d"])) == 1
    assert [action for _, action, _ in audit(number)].count("approve") == 1


def test_what_cannot_be_decided(town_copy: str) -> None:
    number = submit()
    with pytest.raises(InputError, match="without a reason"):
        decide_review(number, "return", "  ", OFFICE)
    with pytest.raises(InputError, match="office has 0 characters"):
        decide_review(number, "approve", "", " ")
    with pytest.raises(InputError, match="no decision"):
        decide_review(number, "perhaps", "x", OFFICE)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="reasons have"):
        decide_review(number, "return", "x" * 5000, OFFICE)
    with pytest.raises(NotFound, match="no application 1999-0001"):
        decide_review("1999-0001", "approve", "", OFFICE)
    assert stored(number).state == "submitted" and len(audit(number)) == 1


def test_what_cannot_be_submitted(town_copy: str) -> None:
    proposed = at_lamps(1)
    found = check(proposed)
    for title, office in (("", "o"), ("t", ""), ("t" * 200, "o")):
        with pytest.raises(InputError, match="characters"):
            submit_review(title, office, proposed, found)
    with database.connection() as conn:
        assert list_reviews(conn).empty
        with pytest.raises(NotFound):
            read_review(conn, "2026-0001")


def test_the_file_says_what_it_is_and_who_took_it(town_copy: str) -> None:
    number = submit()
    decide_review(number, "return", "重复建设", OFFICE)
    body = json.loads(export_review(number, OFFICE))
    assert body["type"] == "FeatureCollection" and body["number"] == number
    assert body["state"] == "returned" and body["reasons"] == "重复建设"
    assert body["method"] and body["crs_of_measures"].startswith("EPSG:") and "WGS 84" in body["crs_note"]
    assert body["simulated"] is True and "OpenStreetMap" in body["attribution"] and body["revision"] > 0
    assert body["code_profile"] and body["submitted_at"] and body["decided_at"] and body["exported_at"]
    assert all(each["unit"] and each["method"] for each in body["sheet"]["totals"])
    assert {each["properties"]["what"] for each in body["features"]} >= {"camera", "view", "new"}
    for feature in body["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        west, south, east, north = shape.bounds
        assert 24 < west <= east < 26 and 60 < south <= north < 61
    note_export(stored(number), "pdf", OFFICE)
    assert [(actor, action, details.get("form")) for actor, action, details in audit(number)[-2:]] == [
        (OFFICE, "export", "geojson"),
        (OFFICE, "export", "pdf"),
    ]
    with pytest.raises(InputError, match="office"):
        export_review(number, "")


# -------------------------------------------------------------------------------------------- for the screen


def test_maps_of_an_application(town_copy: str) -> None:
    proposed = at_lamps(6)
    with database.connection() as conn:
        maps = surroundings(conn, loaded_town(conn), proposed)
        one = surroundings(conn, loaded_town(conn), proposed.iloc[:1])
    assert len(one) == 1 and len(maps) > 2, "lamps far from each other have a map each, and one of all"
    boxes = [shapely.box(*each.box) for each in maps]
    assert all(boxes[0].contains(each) for each in boxes[1:])
    assert all(any(each.contains(spot) for each in boxes[1:]) for spot in proposed.geometry)
    assert maps[0].buildings.empty and any(len(each.buildings) for each in maps[1:])
    for each, box in zip(maps, boxes, strict=True):
        assert each.streets.crs == proposed.crs
        for layer in (each.buildings, each.streets, each.restricted, each.cameras, each.views):
            assert layer.intersects(box.buffer(1)).all()


def test_what_private_cameras_add(town_copy: str) -> None:
    with database.connection() as conn:
        town = loaded_town(conn)
        gains = private_gains(conn, town)
        owners = dict(conn.execute(text("SELECT id, owner FROM camera")).all())
        seen = views(conn, town.metric_epsg)
    assert len(gains) and gains["added_m2"].is_monotonic_decreasing
    assert all(owners[each].startswith(PRIVATE) for each in gains["camera_id"])
    assert gains["added_ratio"].between(0, 1).all()
    assert (gains["marginal_m2"] <= gains["added_m2"] + 1e-3).all(), "others may see it too"
    assert (gains["added_m2"] <= gains["view_m2"] + 1e-3).all()
    one = gains.iloc[len(gains) // 2]
    public = [each for each, owner in owners.items() if not owner.startswith(PRIVATE)]
    others = seen[seen.index.isin(public)].geometry.union_all()
    assert seen.geometry[one["camera_id"]].difference(others).area == pytest.approx(one["added_m2"], abs=1e-2)


def test_a_town_without_private_cameras(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE camera SET owner = 'city management'"))
    with database.connection() as conn:
        assert private_gains(conn, loaded_town(conn)).empty


def test_ground_to_read_files_on(town_copy: str) -> None:
    with database.connection() as conn:
        town = loaded_town(conn)
        land, marks = reading_ground(conn, town)
        seen = views(conn, town.metric_epsg)
    assert land.crs == marks.crs == seen.crs and len(land) == 1 and len(marks) > 1000
    assert land.geometry.iloc[0].intersects(seen.geometry.iloc[0])
