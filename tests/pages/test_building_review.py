"""The review screen: cameras from map, file and scenario, the sheet, submitting, deciding, files, private cameras."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.commands import scenarios
from geodata.commands.reviews import submit_review
from geodata.ingest.readers import read_cameras
from geodata.queries.datasets import loaded_town
from geodata.queries.poses import Pose
from geodata.queries.reviews import list_reviews, precheck, read_review, reading_ground
from geodata.settings import ROOT, settings
from layers.i18n import LANGUAGES, translate
from pages.paper.fonts import FILES
from pages.widgets.map import Click
from tests.pages.test_screens import drawn, figures, overheard, sound, texts

pytestmark = pytest.mark.postgis

OFFICE = "Video office"
every_language = pytest.mark.parametrize("language", LANGUAGES)


def visit(language: str = "en", task: str | None = None, **address: str) -> AppTest:
    app = AppTest.from_file(ROOT / "pages" / "building_review.py", default_timeout=180)
    app.query_params["lang"] = language
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    if task is not None:
        app.segmented_control(key="review_task_0").set_value(task).run()
    return app


def lamps(count: int) -> pd.DataFrame:
    """Rows of cameras on lamp posts in the middle of the town."""
    with database.connection() as conn:
        rows = conn.execute(
            text(
                "SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat FROM component WHERE class_code = '01-18'"
                " ORDER BY geom <-> ST_SetSRID(ST_MakePoint(24.9443, 60.1716), 4490) LIMIT :count"
            ),
            {"count": count},
        ).all()
    table = pd.DataFrame([tuple(row) for row in rows], columns=["lon", "lat"])
    return table.assign(
        heading=[40 * n for n in range(count)], cost=7000, name=[f"竦 {n}" for n in range(count)]
    )


def as_csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def submitted(count: int = 2, title: str = "Square <b>") -> str:
    with database.connection() as conn:
        town = loaded_town(conn)
        land, _ = reading_ground(conn, town)
        found = read_cameras("c.csv", as_csv(lamps(count)), epsg=town.metric_epsg, land=land)
        checked = precheck(conn, town, found.cameras)
    return submit_review(title, "Roads office", found.cameras, checked)


def actions(number: str) -> list[str]:
    with database.connection() as conn:
        return list(
            conn.scalars(
                text("SELECT action FROM audit WHERE subject = :s ORDER BY id"),
                {"s": f"building_review {number}"},
            )
        )


def layers(app: AppTest) -> dict[str, Any]:
    return {each["id"]: each for each in drawn(app)[0]}


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.segmented_control(key="review_source").set_value("file").run()
    app.file_uploader[0].upload(name, content)
    return sound(app.run())


def taken_over(table: pd.DataFrame, language: str = "en") -> AppTest:
    app = upload(visit(language), "c.csv", as_csv(table))
    return sound(app.button(key="review_take_file").click().run())


# ---------------------------------------------------------------------------------------------------- apply


@every_language
def test_it_opens_without_cameras_and_says_how_to_begin(town_database: str, language: str) -> None:
    app = sound(visit(language))
    assert app.title[0].value == translate("Building review", language)
    assert (
        translate("Click a lamp or a cell on the map to propose a camera there.", language)
        in app.info[0].value
    )
    assert not app.metric and "review_cameras" not in layers(app)
    assert {"restricted_areas", "camera_views", "lamps", "unit_cells"} <= set(layers(app))


@every_language
def test_a_file_becomes_cameras_and_a_sheet(town_database: str, language: str) -> None:
    app = taken_over(lamps(3), language)
    shown = figures(app)
    assert re.fullmatch(r"[\d,]+ m²", shown[translate("New ground, seen by no existing camera", language)])
    assert len(app.tabs) >= 2
    assert len(layers(app)["review_cameras"]["data"]["features"]) == 3
    advice = [*app.success, *app.warning]
    assert any(translate("Advice of the check", language) in each.value for each in advice)
    assert "{" not in texts(app).replace("{{", "")


def test_bad_rows_are_told_and_the_good_ones_go_on(town_database: str) -> None:
    table = lamps(4).astype(str)
    table.loc[1, "heading"] = "361"
    table.loc[2, "lon"] = "<i>"
    app = upload(visit(), "c.csv", as_csv(table))
    shown = texts(app)
    assert "<td>2</td><td>heading</td><td>361</td>" in shown
    assert "&lt;i&gt;" in shown and "<i>" not in shown.replace("<i></i>", "")
    assert any("2 of 4 rows can be used" in each.value for each in app.markdown)
    assert app.button(key="review_take_file").label == "Take over 2 cameras"


def test_a_file_of_another_kind_is_a_sentence(town_database: str) -> None:
    app = visit()
    app.segmented_control(key="review_source").set_value("file").run()
    app.file_uploader[0].upload("c.csv", b"a,b\n1,2\n")
    app.run()
    assert not app.exception and "lacks the column" in app.error[0].value


def test_metres_without_a_system_are_asked_about_and_read_when_named(town_database: str) -> None:
    with database.connection() as conn:
        land, _ = reading_ground(conn, loaded_town(conn))
    middle = land.geometry.iloc[0].representative_point()
    content = f"x,y,heading\n{middle.x},{middle.y},10\n".encode()
    app = upload(visit(), "c.csv", content)
    assert "does not say in which system" in app.warning[0].value
    [system] = [each for each in app.selectbox if str(each.key).startswith("review_system")]
    sound(system.set_value("town").run())
    assert app.button(key="review_take_file").label == "Take over 1 cameras"


def test_exchanged_coordinates_are_offered_the_right_way_round(town_database: str) -> None:
    table = lamps(5).rename(columns={"lon": "lat", "lat": "lon"})
    app = upload(visit(), "c.csv", as_csv(table))
    assert "coordinates exchanged" in app.warning[0].value
    sound(app.button(key="review_reread").click().run())
    assert app.button(key="review_take_file").label == "Take over 5 cameras"


def test_a_click_proposes_a_camera(town_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.connection() as conn:
        lamp = conn.execute(
            text("SELECT id, code FROM component WHERE class_code = '01-18' ORDER BY id LIMIT 1")
        ).one()
    monkeypatch.setattr("pages.widgets.map.peek", lambda _key: Click("lamps", {"key": lamp.id}))
    app = sound(visit())
    assert any(lamp.code in each.value for each in app.markdown)
    assert "draft_view" in layers(app)
    app.slider(key=f"site_{lamp.id}_heading_deg").set_value(90.0)
    app.number_input(key="review_cost").set_value(5000.0)
    sound(app.button(key="review_add").click().run())
    assert len(layers(app)["review_cameras"]["data"]["features"]) == 1
    assert figures(app)["Cameras that need not be built"] in ("0", "1")


def test_new_cameras_of_a_scenario_are_taken_over(town_copy: str) -> None:
    spot = lamps(1).iloc[0]
    token = scenarios.create_scenario("Plan")
    scenarios.add_cameras(token, [Pose(spot.lon, spot.lat, 10.0, cost=100.0)])
    app = visit()
    app.segmented_control(key="review_source").set_value("scenario").run()
    sound(app.button(key="review_take_scenario").click().run())
    assert len(layers(app)["review_cameras"]["data"]["features"]) == 1


def test_stricter_rules_change_the_sheet(town_database: str) -> None:
    app = taken_over(lamps(4))
    before = int(figures(app)["Cameras that need not be built"])
    sound(app.slider(key="rule_gain").set_value(100).run())
    assert int(figures(app)["Cameras that need not be built"]) >= max(before, 1)


# ------------------------------------------------------------------------------------- submit and decide


def test_an_application_is_submitted_and_opens(town_copy: str) -> None:
    app = taken_over(lamps(2))
    app.text_input(key="review_title").set_value("North square")
    app.text_input(key="review_applicant").set_value("Roads office")
    [send] = [each for each in app.button if each.label == "Submit"]
    sound(send.click().run())
    with database.connection() as conn:
        [row] = list_reviews(conn).to_dict("records")
    assert (row["title"], row["applicant"], row["cameras"]) == ("North square", "Roads office", 2)
    assert app.query_params["application"] == row["number"]
    assert any("North square" in each.value for each in app.markdown)
    assert actions(row["number"]) == ["submit"]


def test_an_application_without_an_office_is_not_submitted(town_copy: str) -> None:
    app = taken_over(lamps(1))
    app.text_input(key="review_title").set_value("North square")
    [send] = [each for each in app.button if each.label == "Submit"]
    send.click().run()
    assert not app.exception and any("office has 0 characters" in each.value for each in app.error)
    with database.connection() as conn:
        assert list_reviews(conn).empty


@every_language
def test_an_application_of_the_address(town_copy: str, language: str) -> None:
    first, second = submitted(2, "First"), submitted(1, "Second")
    app = sound(visit(language, application=first))
    assert any("First" in each.value for each in app.markdown)
    assert len(layers(app)["review_cameras"]["data"]["features"]) == 2
    assert figures(app)[translate("Cameras that need not be built", language)]
    app.selectbox[0].set_value(second).run()
    assert app.query_params["application"] == second


def test_an_unknown_application_is_told_and_the_newest_shown(town_copy: str) -> None:
    number = submitted()
    app = visit(application="1999-0001")
    assert not app.exception
    assert app.query_params["application"] == number


def test_without_applications_the_list_says_so(town_database: str) -> None:
    assert "No application has been submitted yet" in visit(task="decide").info[0].value


@pytest.mark.parametrize(("press", "state"), [("Approve", "approved"), ("Return", "returned")])
def test_deciding(town_copy: str, press: str, state: str) -> None:
    number = submitted()
    app = sound(visit(application=number))
    app.text_input(key=f"office_{number}").set_value(OFFICE)
    app.text_area(key=f"reasons_{number}").set_value("Camera 2 <b>repeats</b>")
    [button] = [each for each in app.button if each.label == press]
    sound(button.click().run())
    with database.connection() as conn:
        review = read_review(conn, number)
    assert (review.state, review.decided_by) == (state, OFFICE)
    assert not [each for each in app.button if each.label == press], "it is decided"
    assert "Camera 2 &lt;b&gt;repeats&lt;/b&gt;" in texts(app)


def test_returning_needs_a_reason(town_copy: str) -> None:
    number = submitted()
    app = visit(application=number)
    app.text_input(key=f"office_{number}").set_value(OFFICE)
    app.text_area(key=f"reasons_{number}").set_value(" ")
    [button] = [each for each in app.button if each.label == "Return"]
    button.click().run()
    assert not app.exception and any("without a reason" in each.value for each in app.error)
    assert actions(number) == ["submit"]


# --------------------------------------------------------------------------------------------------- files


def test_files_are_made_for_an_office_that_is_named_and_noted(
    town_copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = submitted()
    made: dict[str, Any] = {}

    def button(label: str, data: Any, *_args: Any, **more: Any) -> None:
        made[label] = (data, more["disabled"])

    monkeypatch.setattr("streamlit.download_button", button)
    app = visit(application=number)
    assert made["PDF"][1] and made["GeoJSON"][1], "nobody is named"
    app.text_input(key=f"taker_{number}").set_value(OFFICE).run()
    assert not made["PDF"][1] and not made["GeoJSON"][1]
    assert actions(number) == ["submit"], "offering is not handing out"
    assert json.loads(made["GeoJSON"][0]())["number"] == number
    assert actions(number) == ["submit", "export"]
    if all((settings().assets_dir / file).exists() for file in FILES.values()):
        assert made["PDF"][0]().startswith(b"%PDF-")
        assert actions(number) == ["submit", "export", "export"]


# ------------------------------------------------------------------------------------------ private cameras


@every_language
def test_what_private_cameras_add(town_database: str, language: str) -> None:
    app = sound(visit(language, task="private"))
    shown = figures(app)
    with database.connection() as conn:
        count = conn.scalar(
            text(
                "SELECT count(*) FROM camera c JOIN camera_view v ON v.camera_id = c.id WHERE NOT c.demonstration"
                " AND c.tier <> 'vehicle' AND c.owner LIKE 'private%'"
            )
        )
    label = translate("Private cameras", language)
    assert shown[label] == f"{count:,} / {count:,}"
    [table] = [each.value for each in app.dataframe]
    assert len(table) == count and table["added_m2"].is_monotonic_decreasing
    sound(app.pills(key="private_levels").set_value([3]).run())
    assert int(figures(app)[label].split(" / ")[0].replace(",", "")) < count


def test_a_second_visit_asks_for_little(town_database: str) -> None:
    sound(visit(task="private"))
    with overheard() as said:
        sound(visit(task="private"))
    assert not [each for each in said if "camera_view" in each], "what was measured is kept"


def test_no_page_of_it_holds_sql() -> None:
    room = [ROOT / "pages" / "building_review.py", *(ROOT / "pages" / "reviewing").glob("*.py")]
    assert len(room) >= 4
    for path in map(Path, room):
        assert not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE) ", path.read_text(encoding="utf-8")), path
