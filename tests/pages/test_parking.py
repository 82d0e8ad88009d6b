"""The Parking screen: five linked views, one place, a plan, a scenario, and what a town lacks."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.commands import scenarios as commands
from geodata.queries.poses import Pose
from geodata.settings import ROOT
from layers.i18n import LANGUAGES, translate
from layers.parking import MEASURES, VIEWS
from pages.kerbside import planning
from pages.widgets.map import Click
from tests.pages.test_screens import drawn, figures, row, sound, texts, write

pytestmark = pytest.mark.postgis

every_language = pytest.mark.parametrize("language", LANGUAGES)
LOOKUP = re.compile(r"@@=\(.*\)\[\('\d+'\)\[properties\.(cell_id|street_edge_id) - \d+\]\]")


def opened(language: str = "en", **address: str) -> AppTest:
    """The screen by itself, at an address."""
    app = AppTest.from_file(ROOT / "pages" / "parking_demand.py", default_timeout=180)
    app.query_params["lang"] = language
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def place_layer(app: AppTest) -> dict[str, object]:
    """The layer of cells or streets of the one map."""
    [layers] = drawn(app)
    [found] = [each for each in layers if each["id"] in ("cell_demand", "edge_demand")]
    return found


def shown_text(app: AppTest) -> str:
    return "\n".join(each.value for each in (*app.markdown, *app.caption, *app.warning, *app.info))


@every_language
def test_five_views_share_map_hours_and_place(town_database: str, language: str) -> None:
    cell = row(
        "SELECT cell_id FROM cell_demand WHERE evidence = 'observed' ORDER BY captures DESC LIMIT 1"
    ).cell_id
    app = sound(opened(language, view="captures", days="work", hours="8-20", place=f"cell:{cell}"))
    for view, (_, numbers) in VIEWS.items():
        sound(app.segmented_control(key="parking_view").set_value(view).run())
        layer = place_layer(app)
        assert layer["id"] == "cell_demand" and LOOKUP.match(str(layer["getFillColor"]))
        assert translate(MEASURES[numbers[0]].unit, language) in texts(app)
        assert app.query_params["view"] == view
        assert app.query_params["days"] == "work" and app.query_params["hours"] == "8-20"
        assert app.query_params["place"] == f"cell:{cell}"
        assert any(each["id"] == "chosen" for each in drawn(app)[0])
    assert translate("simulated", language) in texts(app)


def test_a_link_opens_the_same(town_database: str) -> None:
    edge = row("SELECT street_edge_id FROM edge_demand ORDER BY captures DESC LIMIT 1").street_edge_id
    app = sound(
        opened(view="demand", of="street", shown="width", days="6", hours="10-12", place=f"street:{edge}")
    )
    layer = place_layer(app)
    assert layer["id"] == "edge_demand" and LOOKUP.match(str(layer["getLineColor"]))
    assert translate(MEASURES["width"].unit, "en") in texts(app)
    assert "Sunday 10:00–12:00" in texts(app)
    again = sound(opened(view="nonsense", days="never", hours="30-2", place="cell:x", of="?"))
    assert place_layer(again)["id"] == "cell_demand" and "days" not in again.query_params


def test_the_whole_week_is_one_press_away(town_database: str) -> None:
    app = sound(opened(days="work", hours="8-20"))
    before = figures(app)["Captures"]
    sound(app.button(key="parking_whole").click().run())
    assert "hours" not in app.query_params
    known = row("SELECT sum(captures) AS n FROM demand_estimate WHERE place = 'unit_cell'").n
    after = figures(app)["Captures"]
    assert after != before and int(after.replace(",", "")) >= known


def test_figures_are_what_sql_says(town_database: str) -> None:
    shown = figures(sound(opened()))
    known = row(
        "SELECT sum(per_h) AS per_h, count(*) FILTER (WHERE evidence = 'observed') AS seen,"
        " count(*) FILTER (WHERE evidence = 'modelled') AS told, count(*) FILTER (WHERE evidence = 'none') AS dark"
        " FROM demand_estimate WHERE place = 'unit_cell'"
    )
    assert shown["Violations an hour"] == f"{known.per_h:,.1f}"
    assert shown["Observed / modelled / none"] == f"{known.seen:,} / {known.told:,} / {known.dark:,}"
    recall = row("SELECT hits / (hits + misses) AS mean FROM detector_recall").mean
    assert shown["Recall"].startswith(f"{recall:.2f} (")


@every_language
@pytest.mark.parametrize("evidence", ["observed", "modelled", "none"])
def test_a_place_says_where_its_number_comes_from(town_database: str, evidence: str, language: str) -> None:
    known = row(
        f"SELECT cell_id, captures, exposure_mh, weight FROM cell_demand WHERE evidence = '{evidence}'"
        " ORDER BY exposure_mh DESC, cell_id LIMIT 1"
    )
    said = shown_text(sound(opened(language, place=f"cell:{known.cell_id}")))
    if evidence == "none":
        assert (
            translate(
                "No evidence: nobody looked here, and the place is unlike all places where somebody did.",
                language,
            )
            in said
        )
    else:
        assert f"{known.captures:,}" in said and f"{known.exposure_mh:,.0f}" in said
        assert f"{known.weight:.0%}" in said


def test_a_click_selects_and_the_address_tells(town_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = row("SELECT cell_id, code FROM cell_demand ORDER BY cell_id LIMIT 1")
    monkeypatch.setattr(
        "pages.widgets.map.peek", lambda _key: Click("cell_demand", {"key": 1, "cell_id": known.cell_id})
    )
    app = sound(opened())
    assert app.query_params["place"] == f"cell:{known.cell_id}"
    assert known.code in shown_text(app)


def test_chapman_for_the_town_and_its_parts(town_database: str) -> None:
    app = sound(opened())
    [table] = [each.value for each in app.dataframe if "missed" in each.value]
    assert table["area"].iloc[0] == "Whole town" and len(table) > 1
    assert ((table["missed"] > 0) & (table["missed"] < 100)).all()


@every_language
def test_bays_are_chosen_drawn_and_kept(town_copy: str, language: str) -> None:
    app = sound(opened(language))
    app.number_input(key="bays_budget").set_value(20_000.0)
    [press] = [each for each in app.button if each.label == translate("Work it out", language)]
    sound(press.click().run())
    shown = figures(app)
    before, after, bound = (
        float(shown[translate(name, language)].replace(",", ""))
        for name in ("Served before, vehicle-hours a week", "Served after", "No choice serves more than")
    )
    assert before <= after <= bound + 0.1
    assert any(each["id"] == "bays" for each in drawn(app)[0])
    sound(app.button(key="bays_keep").click().run())
    kept = row("SELECT kind, parameters, result FROM run ORDER BY id DESC LIMIT 1")
    assert kept.kind == "bays" and kept.parameters["budget"] == 20_000.0
    assert kept.result["features"] and kept.result["question"]["served_after"] == pytest.approx(
        after, abs=0.06
    )
    sound(app.segmented_control(key="parking_plan").set_value("works").run())
    assert any("benefit" in each.value for each in app.dataframe)
    sound(app.button(key="report_parking_keep").click().run())
    whole = row("SELECT id, kind, parameters, result FROM run ORDER BY id DESC LIMIT 1")
    assert whole.kind == "parking" and whole.parameters["bays_budget"] == 20_000.0
    assert {"cells", "streets", "tariffs", "patrols", "bays", "works"} <= set(whole.result["layers"])
    [link] = [each.proto.url for each in app.get("link_button")]
    assert link.endswith(f"/api/report.zip?run={whole.id}&lang={language}")
    sound(app.run())
    assert row("SELECT max(id) AS id FROM run").id == whole.id, "what is shown is kept once"


@every_language
@pytest.mark.parametrize(("part", "column"), [("tariff", "new"), ("patrols", "expected")])
def test_tariffs_and_patrols(town_database: str, part: str, column: str, language: str) -> None:
    app = sound(opened(language, days="work", hours="8-20"))
    sound(app.segmented_control(key="parking_plan").set_value(part).run())
    assert any(column in each.value and len(each.value) for each in app.dataframe)


@every_language
def test_a_scenario_changes_what_is_known_and_its_run_is_kept(town_copy: str, language: str) -> None:
    spot = row(
        "SELECT ST_X(p) AS lon, ST_Y(p) AS lat FROM (SELECT ST_LineInterpolatePoint(geom, 0.5) AS p FROM edge_demand"
        " WHERE evidence = 'modelled' AND ST_GeometryType(geom) = 'ST_LineString' ORDER BY length_m DESC LIMIT 1) q"
    )
    token = commands.create_scenario("Eyes")
    commands.add_cameras(token, [Pose(spot.lon, spot.lat, turn * 90.0, range_m=120.0) for turn in range(4)])
    before = figures(sound(opened(language)))[translate("Kerb looked at", language)]
    app = sound(opened(language, scenario=token))
    assert figures(app)[translate("Kerb looked at", language)] != before
    assert "Eyes" in shown_text(app)
    kept = row("SELECT kind, parameters, result FROM run ORDER BY id DESC LIMIT 1")
    assert kept.kind == "parking" and kept.parameters["version"] == 2
    assert kept.result["after"]["width"] < kept.result["before"]["width"]
    count = row("SELECT count(*) AS n FROM run").n
    sound(opened(language, scenario=token))
    assert row("SELECT count(*) AS n FROM run").n == count, "the same question is kept once"


@every_language
def test_bays_and_tariffs_are_put_into_a_scenario_and_taken_out(town_copy: str, language: str) -> None:
    app = sound(opened(language, days="work", hours="8-20"))
    app.slider(key="parking_free").set_value(0)
    sound(app.run())
    [press] = [each for each in app.button if each.label == translate("Work it out", language)]
    sound(press.click().run())
    sound(app.button(key="bays_into").click().run())
    token = row("SELECT token FROM scenario ORDER BY id DESC LIMIT 1").token
    bays = row("SELECT count(*) AS n, sum(places) AS places FROM scenario_bay")
    assert bays.n > 0 and any(each["id"] == "scenario_bays" for each in drawn(app)[0])
    kept = row("SELECT scenario_id, result FROM run WHERE kind = 'parking' ORDER BY id DESC LIMIT 1")
    assert kept.result["after"]["bays"] == bays.places
    assert kept.result["after"]["unmet"] < kept.result["before"]["unmet"]
    sound(app.segmented_control(key="parking_plan").set_value("tariff").run())
    sound(app.button(key="tariffs_into").click().run())
    assert row("SELECT count(*) AS n FROM scenario_tariff").n > 0
    kept = row("SELECT result FROM run WHERE kind = 'parking' ORDER BY id DESC LIMIT 1").result["after"]
    assert kept["tariffs"] > 0 and kept["unmet_from"] <= kept["unmet"] <= kept["unmet_to"]
    app = sound(opened(language, scenario=token))
    sound(app.button(key="scenario_out_bays").click().run())
    sound(app.button(key="scenario_out_tariffs").click().run())
    assert (
        row("SELECT (SELECT count(*) FROM scenario_bay) + (SELECT count(*) FROM scenario_tariff) AS n").n == 0
    )


LACKS = {
    "cameras": ("DELETE FROM camera_view", "DELETE FROM exposure"),
    "exposure": ("DELETE FROM exposure",),
    "bays": ("DELETE FROM car_park", "UPDATE kerb SET legal = NULL"),
    "captures": ("DELETE FROM case_file WHERE source = 'camera'",),
    "reports": ("DELETE FROM case_file WHERE source = 'qr'",),
    "streets": ("DELETE FROM kerb", "DELETE FROM street_edge"),
}
SAID = {
    "cameras": "There are no cameras that see a kerb: demand has no evidence.",
    "exposure": "There are no hours of looking on record: nothing can be divided by exposure.",
    "bays": "There are no legal bays and no car parks with capacity: supply, access and shortage are not known.",
    "captures": "There are no captures of illegal parking in the period.",
    "reports": "Nobody reported illegal parking: recall is not known, any between 0 and 1 is as likely.",
    "streets": "There are no streets with kerbs inside the unit cells.",
}


@pytest.mark.parametrize("lack", LACKS)
def test_what_a_town_lacks_is_said(town_copy: str, lack: str) -> None:
    write(
        *LACKS[lack],
        "UPDATE dataset SET revision = (SELECT max(revision) + 1 FROM dataset) WHERE name = 'exposure'",
    )
    for language in LANGUAGES:
        app = sound(opened(language))
        assert translate(SAID[lack], language) in shown_text(app)
        if lack != "streets":
            for view in VIEWS:
                sound(app.segmented_control(key="parking_view").set_value(view).run())
        else:
            assert not drawn(app)


def test_the_run_table_is_empty_without_a_scenario(town_database: str) -> None:
    with database.connection() as conn:
        before = conn.execute(text("SELECT count(*) FROM run WHERE kind = 'parking'")).scalar()
        sound(opened())
        assert conn.execute(text("SELECT count(*) FROM run WHERE kind = 'parking'")).scalar() == before


@every_language
def test_where_nobody_is_short_the_screen_says_so(
    town_database: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needless = translate(
        "Under these assumptions everybody finds a place within the walk: no bay is needed.", language
    )
    app = sound(opened(language, view="shortage"))
    told = translate(
        "In these hours everybody finds a place within {walk:g} m if {free:.0%} of the legal places are free."
        " A shorter walk or fewer free places, under Assumptions, show where it gets tight first.",
        language,
    )
    assert told.format(walk=300, free=0.3) not in shown_text(app) and needless not in shown_text(app)
    app.slider(key="parking_limit").set_value(500)
    app.slider(key="parking_stay").set_value(5)
    app.slider(key="parking_free").set_value(100)
    sound(app.slider(key="parking_hours_0").set_value((3, 4)).run())
    assert told.format(walk=500, free=1.0) in shown_text(app), "by night nobody is short"
    assert needless not in shown_text(app), "by day somebody is"
    monkeypatch.setattr(planning, "NOBODY", 1e6)
    assert needless in shown_text(sound(app.run())), "before anything is asked for"
