"""The workbench: a scenario is opened by its address, changed, weighed, compared and shared."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.commands import scenarios as commands
from geodata.jobs.queue import run_worker
from geodata.queries.poses import Pose
from geodata.queries.scenarios import list_scenarios, read_scenario
from geodata.settings import ROOT
from layers.i18n import translate
from pages.widgets.map import Click
from pages.workbench import target as targets
from tests.pages.test_screens import drawn, figures, opened, sound, texts

pytestmark = pytest.mark.postgis

CHANGE, PLACE, REMOVE, RELOCATE, COMPARE, BLIND = "change", "place", "remove", "relocate", "compare", "blind"


def visit(token: str | None = None, task: str = CHANGE, language: str = "en") -> AppTest:
    """The screen with a scenario in its address, at a task."""
    app = AppTest.from_file(ROOT / "pages" / "camera_planning.py", default_timeout=180)
    app.query_params["lang"] = language
    if token is not None:
        app.query_params["scenario"] = token
    app.run()
    if task != CHANGE:
        app.segmented_control(key="camera_task").set_value(task).run()
    return app


def spot() -> Pose:
    """A lamp of the town."""
    with database.connection() as conn:
        lamp = conn.execute(
            text("SELECT code, ST_X(geom) AS x, ST_Y(geom) AS y FROM component ORDER BY id LIMIT 1")
        ).one()
    return Pose(lamp.x, lamp.y, 90.0, site=lamp.code, cost=6_000.0)


def work_out(app: AppTest) -> AppTest:
    """Asks what is in the form, lets a worker answer, and shows that."""
    sound(next(each for each in app.button if each.label == "Work it out").click().run())
    run_worker(once=True)
    return sound(app.run())


def press(app: AppTest, key: str) -> AppTest:
    return sound(app.button(key=key).click().run())


def click(monkeypatch: pytest.MonkeyPatch, found: Click | None) -> None:
    """What is selected on the map."""
    monkeypatch.setattr("pages.camera_planning.peek", lambda _key: found, raising=False)
    monkeypatch.setattr("pages.widgets.map.peek", lambda _key: found)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_an_address_opens_its_scenario(town_copy: str, language: str) -> None:
    token = commands.create_scenario("夜 <i>night</i>")
    commands.add_cameras(token, [spot()])
    app = sound(visit(token, language=language))
    assert figures(app)[translate("New cameras, yuan", language)] == "6,000"
    ids = [each["id"] for each in drawn(app)[0]]
    assert {"items", "new_views", "changed_cells"} <= set(ids)
    assert ids.index("changed_cells") < ids.index("buildings")
    assert "<i>night</i>" not in texts(app)


def test_scenarios_of_one_name_stay_apart(town_copy: str) -> None:
    first, second = commands.create_scenario("A"), commands.create_scenario("A")
    commands.add_cameras(first, [spot()])
    for token, cost in ((first, True), (second, False), (first, True)):
        app = sound(visit(token).run())
        assert app.query_params["scenario"] in (token, [token])
        assert (figures(app).get("New cameras, yuan") is not None) is cost


def test_an_unknown_scenario_is_told_and_the_cameras_are_shown(town_database: str) -> None:
    app = visit("nothing")
    assert not app.exception
    assert "no scenario 'nothing'" in app.warning[0].value
    assert figures(app)["Cameras that look"]


def test_a_click_on_a_lamp_offers_a_camera_and_adds_it(
    town_copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.connection() as conn:
        lamp = conn.execute(text("SELECT id, code FROM component WHERE class_code = '01-18' LIMIT 1")).one()
    click(monkeypatch, Click("lamps", {"key": lamp.id}))
    app = sound(visit())
    assert any(lamp.code in each.value for each in app.markdown)
    assert {"draft_view", "draft"} <= {each["id"] for each in drawn(app)[0]}
    app.slider(key=f"site_{lamp.id}_range_m").set_value(100.0)
    press(app.run(), f"site_{lamp.id}_apply")
    with database.connection() as conn:
        [token] = list_scenarios(conn)
        items = read_scenario(conn, token).items
    assert items["action"].tolist() == ["add"]
    assert items["range_m"].tolist() == [100.0]
    assert items["site"].tolist() == [lamp.code]
    assert app.query_params["scenario"] == token


def test_a_click_on_a_camera_turns_moves_removes_and_takes_back(
    town_copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.connection() as conn:
        camera = conn.execute(
            text("SELECT camera_id FROM camera_view ORDER BY area_m2 DESC LIMIT 1")
        ).scalar_one()
        lamp = conn.execute(text("SELECT id, code FROM component WHERE class_code = '01-18' LIMIT 1")).one()
    token = commands.create_scenario("A")
    click(monkeypatch, Click("cameras", {"key": camera}))
    app = sound(visit(token))
    app.slider(key=f"camera_{camera}_heading_deg").set_value(123.0)
    press(sound(app.run()), f"camera_{camera}_apply")

    def items() -> list[tuple[int, str, float | None, str | None]]:
        with database.connection() as conn:
            found = read_scenario(conn, token).items
        return [(int(i), r["action"], r["heading_deg"], r["site"]) for i, r in found.iterrows()]

    [(item, action, heading, _)] = items()
    assert (action, heading) == ("change", 123.0)
    press(app, f"item_{item}_move")
    click(monkeypatch, Click("lamps", {"key": lamp.id}))
    sound(app.run())
    [(item, action, _, site)] = items()
    assert (action, site) == ("change", lamp.code)
    click(monkeypatch, Click("items", {"key": item}))
    press(app.run(), f"item_{item}_remove")
    [(item, action, _, _)] = items()
    assert action == "remove"
    click(monkeypatch, Click("cameras", {"key": camera}))
    press(app.run(), f"item_{item}_undo")
    assert items() == []


def test_a_click_on_something_else_changes_nothing(
    town_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    click(monkeypatch, Click("cameras", {"n": 12}))
    app = sound(visit())
    assert app.info
    click(monkeypatch, Click("unit_cells", {"key": 10**9}))
    assert sound(app.run()).info


@pytest.mark.parametrize("model", ["mclp", "lscp", "backup", "budgeted", "fair"])
def test_every_model_answers_with_its_bound(town_copy: str, model: str) -> None:
    app = visit(task=PLACE)
    app.selectbox(key="place_model").set_value(model)
    app.number_input(key="place_count").set_value(8)
    app.slider(key="place_share").set_value(20)
    app.slider(key="place_minimum").set_value(5)
    work_out(app)
    shown = figures(app)
    covered, bound = (
        float(shown[name].rstrip("%")) for name in ("Unseen demand covered", "No choice covers more than")
    )
    assert 0 < covered <= bound + 0.1
    assert re.fullmatch(r"\d+\.\d\d%", shown["Gap"])
    assert {"proposed", "proposed_views"} <= {each["id"] for each in drawn(app)[0]}


def test_a_proposal_goes_into_a_scenario_and_does_what_it_says(town_copy: str) -> None:
    app = visit(task=PLACE)
    app.number_input(key="place_count").set_value(3)
    work_out(app)
    covered = float(figures(app)["Unseen demand covered"].rstrip("%")) / 100
    before = float(figures(app)["Violations unseen"].rstrip("%")) / 100
    [link] = [each.proto.url for each in app.get("link_button")]
    assert re.search(r"/api/report\.zip\?run=\d+&lang=en$", link)
    press(app, "adopt_plan")
    after = float(figures(app)["Violations unseen"].rstrip("%")) / 100
    assert after == pytest.approx(before * (1 - covered), abs=0.004)
    with database.connection() as conn:
        [token] = list_scenarios(conn)
        assert len(read_scenario(conn, token).items) == 3
    press(app, "report_scenario_keep")
    with database.connection() as conn:
        run = conn.execute(text("SELECT id, kind, result FROM run ORDER BY id DESC LIMIT 1")).one()
    assert run.kind == "scenario" and run.result["after"]["seen_ratio"] > run.result["before"]["seen_ratio"]
    assert f"run={run.id}&" in app.get("link_button")[0].proto.url


@pytest.mark.parametrize("task", [REMOVE, RELOCATE])
def test_fewer_and_moved_cameras_go_into_a_scenario(town_copy: str, task: str) -> None:
    app = visit(task=task)
    app.number_input(key=f"{task}_count").set_value(2)
    work_out(app)
    assert re.fullmatch(r"\d+\.\d\d%", figures(app)["Gap"])
    assert "going" in {each["id"] for each in drawn(app)[0]}
    press(app, "adopt_removal" if task == REMOVE else "adopt_moves")
    with database.connection() as conn:
        [token] = list_scenarios(conn)
        actions = read_scenario(conn, token).items["action"].tolist()
    assert actions.count("remove") == (2 if task == REMOVE else actions.count("add"))


def test_a_question_waits_for_a_worker_and_its_answer_is_there_for_all(
    town_copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = commands.create_scenario("A")
    app = visit(token, REMOVE)
    app.number_input(key="remove_count").set_value(2)
    sound(next(each for each in app.button if each.label == "Work it out").click().run())
    assert "Gap" not in figures(app)
    work_out(app)  # pressed again: the same question is not asked twice
    assert "Gap" in figures(app)
    with database.connection() as conn:
        assert conn.execute(text("SELECT count(*) FROM run WHERE kind = 'remove'")).scalar() == 1
    other = visit(token, REMOVE)
    other.number_input(key="remove_count").set_value(2)
    sound(next(each for each in other.button if each.label == "Work it out").click().run())
    assert figures(other)["Gap"] == figures(app)["Gap"]
    commands.add_cameras(token, [spot()])
    sound(app.run())
    assert "Gap" not in figures(app)
    assert any("ask again" in each.value for each in app.caption)


def test_a_question_that_fails_says_why(town_copy: str) -> None:
    app = visit(task=PLACE)
    app.selectbox(key="place_model").set_value("budgeted")
    app.number_input(key="place_budget").set_value(1.0)
    sound(next(each for each in app.button if each.label == "Work it out").click().run())
    run_worker(once=True)
    app.run()
    assert not app.exception
    assert "budget" in app.error[0].value


def test_two_scenarios_stand_side_by_side(town_copy: str) -> None:
    token, other = commands.create_scenario("A"), commands.create_scenario("B")
    commands.add_cameras(token, [spot()])
    app = visit(token, COMPARE)
    app.selectbox(key="compare_with").set_value(other)
    sound(app.run())
    left, right = drawn(app)
    assert "items" in {each["id"] for each in left}
    assert "items" not in {each["id"] for each in right}
    assert "Violations unseen" in texts(app)
    assert app.query_params["against"] == other


@pytest.mark.parametrize("kind", ["looked", "all", "dori", "hour", "owner", "share", "tier"])
def test_blind_areas_and_groups(town_database: str, kind: str) -> None:
    app = visit(task=BLIND)
    app.radio(key="blind_kind").set_value(kind)
    sound(app.run())
    assert drawn(app)
    if kind == "looked":
        assert re.fullmatch(r"\d+ / 208", figures(app)["Blind cells"])
    else:
        [layer] = [each for each in drawn(app)[0] if each["id"] == "cell_coverage"]
        assert "grouping=" in layer["data"]


def test_a_table_with_a_fault_is_told_and_the_scenario_stays(town_copy: str) -> None:
    token = commands.create_scenario("A")
    commands.add_cameras(token, [spot()])
    with database.connection() as conn:
        version = read_scenario(conn, token).version
    app = visit(token)
    app.session_state[f"items_{token}_{version}"] = {
        "edited_rows": {0: {"heading_deg": 361.0}},
        "added_rows": [],
        "deleted_rows": [],
    }
    app.button(key="save_items").click().run()
    assert not app.exception
    if app.error:
        assert "heading_deg" in app.error[0].value
    with database.connection() as conn:
        assert read_scenario(conn, token).items["heading_deg"].tolist() == [90.0]


def test_a_pose_in_hand_follows_the_sliders(town_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"camera_7_heading_deg": 10.0, "camera_7_range_m": None}
    monkeypatch.setattr(targets, "widget", lambda key, default=None: held.get(key, default))
    found = targets.draft(targets.Target("camera", 7, "A", Pose(24.9, 60.1, 200.0, range_m=40.0)))
    assert (found.heading_deg, found.range_m) == (10.0, 40.0)


def test_the_first_visit_opens_a_known_screen(town_database: str) -> None:
    assert sound(opened("camera_planning"))
