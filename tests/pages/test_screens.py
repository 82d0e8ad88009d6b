"""Every screen with an empty and a full town, in both languages: what it shows, against what SQL says."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import streamlit as st
from sqlalchemy import Engine, event, text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.queries.datasets import loaded_town
from geodata.queries.planning import Question, make_plan
from geodata.settings import ROOT, settings
from layers.catalogue import LAYERS
from layers.i18n import LANGUAGES, translate
from layers.measures import MEASURES
from layers.view import View
from pages.widgets import map as maps
from pages.widgets.map import Click

pytestmark = pytest.mark.postgis

PAGES = ROOT / "pages"
SCREENS = {
    "overview": "Overview",
    "camera_planning": "Cameras",
    "building_review": "Building review",
    "parking_demand": "Parking",
    "hot_spots": "Hot spots",
    "video_patrol": "Video",
    "scenes": "Scenes",
    "data_catalogue": "Data",
}
MOST_STATEMENTS = {
    "overview": 12,
    "camera_planning": 24,
    "building_review": 24,
    "parking_demand": 32,
    "hot_spots": 16,
    "video_patrol": 20,
    "scenes": 12,
    "data_catalogue": 8,
}
"""Statements of a first visit; a second one asks for the revision only."""
OF_REVISION = 3
ASKED_ANEW = {
    "data_catalogue": 1,
    "camera_planning": 3,
    "building_review": 6,
    "parking_demand": 3,
    "video_patrol": 14,
}
"""Statements for the list of scenarios and of applications, which others may have changed; the video wall is live."""
HEAT = "heat"
HAN = re.compile("[\u4e00-\u9fff]")

every_screen = pytest.mark.parametrize("page", SCREENS)
every_language = pytest.mark.parametrize("language", LANGUAGES)


def opened(page: str, language: str = "en", **address: str) -> AppTest:
    """One screen by itself, after its first run."""
    app = AppTest.from_file(PAGES / f"{page}.py", default_timeout=180)
    for name, value in {"lang": language, **address}.items():
        app.query_params[name] = value
    return app.run()


def walked(page: str, language: str = "en") -> AppTest:
    """One screen inside the shell, reached through the menu."""
    app = AppTest.from_file(PAGES / "shell.py", default_timeout=180)
    app.query_params["lang"] = language
    return app.run().switch_page(f"{page}.py").run()


def texts(app: AppTest) -> str:
    """All HTML blocks that the screen wrote."""
    return "\n".join(each.proto.body for each in app.get("html"))


def figures(app: AppTest) -> dict[str, str]:
    """Key figures: their words and values."""
    return {each.label: each.value for each in app.metric}


def drawn(app: AppTest) -> list[list[dict[str, Any]]]:
    """The layers of every map, as deck.gl is told."""
    return [json.loads(each.proto.json)["layers"] for each in app.get("deck_gl_json_chart")]


def row(statement: str, **facts: object) -> Any:
    """One row of the database."""
    with database.connection() as conn:
        return conn.execute(text(statement), facts).one()


def write(*statements: str) -> None:
    """Changes the test's own town; the screens must ask anew."""
    with database.transaction() as session:
        for each in statements:
            session.execute(text(each))
    forget()


def forget() -> None:
    """Nobody was here before: what Streamlit caches is gone."""
    st.cache_data.clear()
    st.cache_resource.clear()


def sound(app: AppTest) -> AppTest:
    """No traceback and no error box."""
    assert not app.exception, [each.message for each in app.exception]
    assert not app.error, [each.value for each in app.error]
    return app


@contextmanager
def overheard() -> Iterator[list[str]]:
    """SQL statements sent meanwhile."""
    said: list[str] = []

    def listen(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


@pytest.fixture
def patrolled(town_database: str) -> str:
    """The shared town, whose footage was looked at."""
    if row("SELECT count(*) AS n FROM sample").n == 0:
        if os.environ.get("CI"):
            pytest.fail("weights or clip are not set up; make setup")
        pytest.skip("weights or clip are not set up")
    return town_database


# ----------------------------------------------------------------------------------------- every screen


@every_language
@every_screen
def test_with_a_town_there_is_a_heading_and_no_trouble(town_database: str, page: str, language: str) -> None:
    app = sound(opened(page, language))
    assert [each.value for each in app.title] == [translate(SCREENS[page], language)]
    assert "hy-state" not in texts(app) or page == "video_patrol"
    assert all(each.proto.alt for each in app.get("deck_gl_json_chart")), "a map is told in words too"
    if language == "zh-CN":
        said = [each.label for each in app.metric] + [each.value for each in (*app.title, *app.caption)]
        assert not [words for words in said if not HAN.search(words)]


def test_without_a_town_every_screen_says_how_to_load_one(empty_database: str) -> None:
    for page, title in SCREENS.items():
        for language in LANGUAGES:
            app = sound(opened(page, language))
            assert app.title[0].value == translate(title, language)
            shown = texts(app)
            assert translate("No town is loaded yet", language) in shown
            assert "<code>huiyan load helsinki</code>" in shown
            assert not app.metric and not app.get("deck_gl_json_chart")


def test_a_database_without_tables_is_an_empty_one(bare_database: str) -> None:
    for page in SCREENS:
        assert "No town is loaded yet" in texts(sound(opened(page)))


@every_language
@every_screen
def test_a_database_that_is_away_is_a_sentence_with_its_mend(page: str, language: str) -> None:
    app = opened(page, language)
    assert not app.exception
    assert app.title[0].value == translate(SCREENS[page], language)
    [trouble] = app.error
    assert translate("The database cannot be reached", language) in trouble.value
    assert "Traceback" not in trouble.value
    assert (
        translate("Start it (huiyan up) or correct TWIN_DATABASE_URL, then try again.", language)
        in trouble.value
    )
    assert [each.label for each in app.button] == [translate("Try again", language)]


def test_the_screen_is_back_when_the_database_is(town_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("overview")
    assert app.error
    monkeypatch.setenv("TWIN_DATABASE_URL", town_url)
    settings.cache_clear()
    sound(app.button[0].click().run())
    assert app.metric
    monkeypatch.undo()
    settings.cache_clear()
    database.dispose()
    app.run()
    assert app.error and not app.exception, "what is in the caches does not hide that the database went away"


@every_screen
def test_statements_of_a_first_and_a_second_visit(town_database: str, page: str) -> None:
    forget()
    with overheard() as first:
        sound(opened(page))
    assert 0 < len(first) <= MOST_STATEMENTS[page], first
    with overheard() as second:
        sound(opened(page))
    assert len(second) <= OF_REVISION + ASKED_ANEW.get(page, 0), second
    known = ("dataset", "scenario", "building_review")  # short lists that are asked anew in every run
    if page == "video_patrol":
        known += ("camera", "finding", "sample", "procrastinate_jobs", "pg_stat_activity")
    assert all(any(name in each for name in known) for each in second)


def test_new_data_are_seen_at_the_next_run(town_copy: str) -> None:
    app = sound(opened("overview"))
    before = figures(app)["Violations"]
    with database.transaction() as session:
        session.execute(text("DELETE FROM finding"))
        session.execute(text("DELETE FROM case_file WHERE source = 'qr'"))
        session.execute(
            text(
                "UPDATE dataset SET revision = (SELECT max(revision) + 1 FROM dataset) WHERE name = 'case_file'"
            )
        )
    sound(app.run())
    assert figures(app)["Violations"] == f"{row('SELECT count(*) AS n FROM violation').n:,}" != before


# -------------------------------------------------------------------------------------------- the shell


@every_screen
def test_the_menu_leads_to_every_screen(town_database: str, page: str) -> None:
    app = sound(walked(page))
    assert app.title[0].value == SCREENS[page]
    assert "<style>" in texts(app) and "慧眼 Huiyan" in texts(app)


def test_choosing_a_language_stays_on_the_screen_and_is_kept_in_the_address(town_database: str) -> None:
    app = walked("parking_demand")
    assert app.title[0].value == "Parking"
    sound(app.segmented_control(key="language").set_value("zh-CN").run())
    assert app.title[0].value == translate("Parking", "zh-CN") != "Parking"
    assert app.query_params["lang"] == "zh-CN"
    sound(app.switch_page("data_catalogue.py").run())
    assert app.title[0].value == translate("Data", "zh-CN")
    sound(app.segmented_control(key="language").set_value("en").run())
    assert app.title[0].value == "Data"


def test_choosing_a_language_after_other_choices(town_database: str) -> None:
    app = walked("overview")
    app.selectbox(key="overview_measure").set_value(MEASURES[1]).run()
    app.pills(key="overview_layers").set_value([HEAT, "unit_cells"]).run()
    sound(app.segmented_control(key="language").set_value("zh-CN").run())
    assert app.title[0].value == translate("Overview", "zh-CN")
    sound(app.run())


def test_choosing_the_same_language_again_changes_nothing(town_database: str) -> None:
    app = walked("data_catalogue", "zh-CN")
    sound(app.segmented_control(key="language").set_value(None).run())
    assert app.title[0].value == translate("Data", "zh-CN")


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh-Hans-CN", "zh-CN"), ("zh", "zh-CN"), ("en-GB", "en"), ("fi-FI", "en")],
)
def test_without_a_wish_in_the_address_the_browser_says_the_language(
    town_database: str, locale: str, language: str
) -> None:
    app = AppTest.from_file(PAGES / "shell.py", default_timeout=180)
    app.context = {"locale": locale}
    sound(app.run())
    assert app.title[0].value == translate("Overview", language)


@pytest.mark.parametrize("wish", ["tlh", "", "../../etc", "<b>"])
def test_a_language_that_we_do_not_speak_is_english(town_database: str, wish: str) -> None:
    app = AppTest.from_file(PAGES / "shell.py", default_timeout=180)
    app.query_params["lang"] = wish
    assert sound(app.run()).title[0].value == "Overview"


# ----------------------------------------------------------------------------------------- the overview


def test_overview_figures_are_what_sql_says(town_database: str) -> None:
    shown = figures(opened("overview"))
    cameras = row("SELECT count(*) AS n, count(*) FILTER (WHERE state = 'online') AS online FROM camera")
    seen = row(
        "SELECT sum(coverage_ratio * area_m2) / sum(area_m2) AS share, count(*) AS cells,"
        " count(*) FILTER (WHERE rate IS NULL) AS dark"
        " FROM unit_cell c LEFT JOIN cell_measure m ON m.cell_id = c.id"
    )
    assert shown == {
        "Unit cells": f"{seen.cells:,}",
        "Cameras online": f"{cameras.online:,} / {cameras.n:,}",
        "Ground seen (share)": f"{seen.share:.1%}",
        "Cells without evidence": f"{seen.dark:,}",
        "Violations": f"{row('SELECT count(*) AS n FROM violation').n:,}",
    }
    assert 0 < seen.dark < seen.cells


@every_language
def test_overview_measures(town_database: str, language: str) -> None:
    app = opened("overview", language)
    for measure in MEASURES:
        sound(app.selectbox(key="overview_measure").set_value(measure).run())
        assert translate(measure.meaning, language) in [each.value for each in app.caption]
        assert f"<b>{translate(measure.title, language)}</b>" in texts(app)
        assert translate(measure.empty, language) in texts(app)
        [cells] = [each for each in drawn(app)[0] if each["id"] == "unit_cells"]
        assert f"properties.{measure.id} >= 0 ?" in cells["getFillColor"]


def test_overview_layers(town_database: str) -> None:
    app = opened("overview")
    pills = app.pills(key="overview_layers")
    names = {each.title: each.id for each in LAYERS.values()} | {"Violation heat map": HEAT}
    switches = [names[title] for title in pills.options]
    opening = [name for name in switches if name in LAYERS and LAYERS[name].shown]
    assert pills.value == opening
    assert [each["id"] for each in drawn(app)[0]] == opening

    sound(pills.set_value(list(reversed(switches))).run())
    wanted = ["violations_heat" if name == HEAT else name for name in switches]
    assert [each["id"] for each in drawn(app)[0]] == wanted, (
        "from the ground up, whatever the order of clicks"
    )
    shown = texts(app)
    assert "<b>Violation heat map</b>" in shown
    for name in set(switches) - {HEAT, "streets"}:
        assert all(f"{entry.label}</span>" in shown for entry in LAYERS[name].legend), name

    sound(app.pills(key="overview_layers").set_value([]).run())
    assert drawn(app) == [[]]


def test_overview_days(town_database: str) -> None:
    app = opened("overview")
    app.pills(key="overview_layers").set_value([HEAT]).run()
    slider = app.slider(key="overview_time")
    first, last = slider.value
    span = row(
        "SELECT min(at AT TIME ZONE 'Europe/Helsinki')::date, max(at AT TIME ZONE 'Europe/Helsinki')::date"
        " FROM violation"
    )
    assert (first, last) == tuple(span)

    middle = first + (last - first) / 2
    sound(slider.set_value((first, middle)).run())
    known = row(
        "SELECT count(*) AS n FROM violation"
        " WHERE (at AT TIME ZONE 'Europe/Helsinki')::date BETWEEN :first AND :last",
        first=first,
        last=middle,
    ).n
    assert figures(app)["Violations"] == f"{known:,}"
    assert 0 < known < row("SELECT count(*) AS n FROM violation").n
    [[heat]] = drawn(app)
    assert "since=" in heat["data"] and "until=" in heat["data"]

    sound(app.slider(key="overview_time").set_value((first, first)).run())
    assert int(figures(app)["Violations"].replace(",", "")) <= known


def test_a_link_opens_the_same_overview_and_the_overview_is_its_link(town_database: str) -> None:
    view = View(
        layers=("unit_cells", "cameras", HEAT),
        measure="rate",
        filters={"class": "05-05", "source": "qr"},
        area="910091002001",
        centre=(24.94, 60.168),
        zoom=16.5,
        bearing_deg=20,
    )
    app = AppTest.from_file(PAGES / "overview.py", default_timeout=180)
    for name, value in {**view.to_query(), "lang": "en"}.items():
        app.query_params[name] = value
    sound(app.run())
    told = {name: each[0] if isinstance(each, list) else each for name, each in app.query_params.items()}
    assert View.from_query(told) == view
    [spec] = [json.loads(each.proto.json) for each in app.get("deck_gl_json_chart")]
    opening = spec["initialViewState"]
    assert (opening["longitude"], opening["latitude"], opening["zoom"], opening["bearing"]) == (
        24.94,
        60.168,
        16.5,
        20,
    )
    assert all("area=910091002001" in each["data"] for each in spec["layers"])
    [heat] = [each for each in spec["layers"] if each["id"] == "violations_heat"]
    assert "class=05-05" in heat["data"] and "source=qr" in heat["data"]
    inside = row(
        "SELECT count(*) AS n FROM violation v JOIN area a ON ST_Intersects(v.geom, a.geom)"
        " WHERE a.code = '910091002001' AND v.source = 'qr' AND v.class_code = '05-05'"
    )
    assert abs(int(figures(app)["Violations"].replace(",", "")) - inside.n) <= 1
    assert figures(app)["Unit cells"] == "52"
    links = texts(app)
    assert "/api/export/violations.gpkg?class=05-05&amp;source=qr&amp;area=910091002001&amp;shown=1" in links
    wall = [each.value for each in app.code]
    assert len(wall) == 2 and "/big-screen?" in wall[1] and "area=910091002001" in wall[0]

    sound(app.selectbox(key="overview_area").set_value("").run())
    assert figures(app)["Unit cells"] == "208"
    assert "area" not in app.query_params and "centre" not in app.query_params


def test_what_stands_in_a_link_is_shown_and_draws_no_picture(town_database: str) -> None:
    app = AppTest.from_file(PAGES / "overview.py", default_timeout=180)
    app.query_params["lang"] = "en"
    app.query_params["area"] = "![x](https://elsewhere.example/x.png)"
    app.query_params["since"] = "[press](https://elsewhere.example)"
    app.run()
    told = [each.value for each in app.warning]
    assert len(told) == 2 and all("elsewhere.example" in each for each in told)
    assert not any(re.search(r"(?<!\\)\[", each) for each in told)


def test_a_broken_link_opens_and_says_what_it_left_out(town_database: str) -> None:
    app = AppTest.from_file(PAGES / "overview.py", default_timeout=180)
    for name, value in {"layers": "cameras,clouds", "area": "1", "zoom": "far", "lang": "en"}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception and len(app.warning) == 3
    assert [each["id"] for each in drawn(app)[0]] == ["cameras"]


@every_screen
def test_maps_ask_no_other_host_and_bear_their_source(town_database: str, page: str) -> None:
    app = opened(page)
    for each in app.get("deck_gl_json_chart"):
        spec = json.loads(each.proto.json)
        assert spec.get("mapProvider") is None
        assert "://" not in each.proto.json
    if app.get("deck_gl_json_chart"):
        assert "© OpenStreetMap contributors" in texts(app)
        assert '<span class="hy-mark">simulated</span>' in texts(app)


def clicked(monkeypatch: pytest.MonkeyPatch, click: Click) -> None:
    """The next runs believe that this was clicked on the map."""
    before = maps.show_map

    def show(*args: Any, **more: Any) -> Click | None:
        before(*args, **more)
        return click

    monkeypatch.setattr(maps, "show_map", show)


@pytest.mark.parametrize("page", ["overview"])
@pytest.mark.parametrize(("dark", "language"), [(False, "en"), (True, "zh-CN")])
def test_facts_of_a_cell(
    town_database: str, monkeypatch: pytest.MonkeyPatch, page: str, language: str, dark: bool
) -> None:
    cell = row(
        "SELECT c.id, c.code, c.area_m2, m.rate, m.captures FROM unit_cell c JOIN cell_measure m"
        f" ON m.cell_id = c.id WHERE (m.rate IS NULL) = {dark} ORDER BY c.id LIMIT 1"
    )
    clicked(monkeypatch, Click("unit_cells", {"key": cell.id, "code": cell.code}))
    app = sound(opened(page, language))
    assert any(cell.code in each.value for each in app.markdown)
    [facts] = [each for each in map(_body, app.get("html")) if "hy-facts" in each]
    assert f"{cell.area_m2:,.0f} m²" in facts
    assert f"<td>{cell.captures:,}</td>" in facts
    nobody = translate("no evidence: nobody looked", language)
    assert (nobody in facts) == dark
    assert (translate("95 % interval", language) in facts) == (not dark)


def _body(block: Any) -> str:
    return str(block.proto.body)


@pytest.mark.parametrize(("page", "language"), [("overview", "zh-CN"), ("overview", "en")])
def test_facts_of_a_camera(
    town_database: str, monkeypatch: pytest.MonkeyPatch, page: str, language: str
) -> None:
    camera = row(
        "SELECT c.id, c.code, c.height_m, c.tilt_deg, c.heading_deg, c.heading_sd_deg FROM camera c"
        " JOIN camera_view v ON v.camera_id = c.id WHERE c.pose_simulated AND c.kind <> 'ptz' AND c.hfov_deg < 360"
        " ORDER BY c.id LIMIT 1"
    )
    clicked(monkeypatch, Click("cameras", {"key": camera.id}))
    shown = texts(sound(opened(page, language)))
    assert camera.code in shown
    assert f"{camera.height_m:.1f} m · {camera.tilt_deg:.0f}°" in shown
    assert f"{camera.heading_deg:.0f}° ± {camera.heading_sd_deg:.0f}°" in shown
    assert translate("Visible ground, 95 % interval", language) in shown and "px/m" in shown
    assert translate("simulated", language) in shown


@pytest.mark.parametrize("layer", ["unit_cells", "cameras"])
def test_a_click_on_what_is_gone(town_database: str, monkeypatch: pytest.MonkeyPatch, layer: str) -> None:
    clicked(monkeypatch, Click(layer, {"key": 2**40}))
    said = [each.value for each in sound(opened("overview")).caption]
    assert any("is gone" in each for each in said)


@pytest.mark.parametrize("properties", [{}, {"n": 12}, {"key": 7, "name": "<b>Kamppi</b>", "kind": "shop"}])
def test_a_click_on_other_things_and_on_bins(
    town_database: str, monkeypatch: pytest.MonkeyPatch, properties: dict[str, Any]
) -> None:
    clicked(monkeypatch, Click("pois", properties))
    assert "<b>Kamppi</b>" not in texts(sound(opened("overview")))


# ------------------------------------------------------------------------------------------- the cameras


def test_camera_figures_are_what_sql_says(town_database: str) -> None:
    shown = figures(opened("camera_planning"))
    known = row(
        "SELECT count(*) FILTER (WHERE coverage_ratio < 0.05) AS blind,"
        " sum(coverage_ratio * area_m2) / sum(area_m2) AS share, (SELECT count(*) FROM camera_view) AS cameras"
        " FROM unit_cell c JOIN cell_measure m ON m.cell_id = c.id"
    )
    assert shown["Ground seen (share)"] == f"{known.share:.1%}"
    assert shown["Blind cells (under 5 % seen)"] == f"{known.blind:,}"
    assert shown["Cameras that look"] == f"{known.cameras:,}"
    assert "Cost of new cameras" not in shown


# ---------------------------------------------------------------------------------------------- the data


@every_language
def test_one_download_for_each_layer(town_database: str, language: str) -> None:
    app = opened("data_catalogue", language, part="home")
    with database.connection() as conn:
        loaded = set(conn.execute(text("SELECT name FROM dataset")).scalars())
    expected = [each for each in LAYERS.values() if loaded & set(each.datasets)]
    assert len(expected) >= 9
    shown = texts(app)
    links = re.findall(r'href="(/api/export/(\w+)\.geojson)" download', shown)
    assert [name for _, name in links] == [each.id for each in expected]
    for each in expected:
        rows = row(f"SELECT count(*) AS n FROM {each.export.table}").n
        assert re.search(
            f'<td class="n">{rows:,}</td><td><a class="hy-get" href="/api/export/{each.id}.geojson"', shown
        )
        assert translate(each.title, language) in shown


def test_the_register_is_whole(town_database: str) -> None:
    [register] = [each.value for each in opened("data_catalogue").dataframe]
    with database.connection() as conn:
        rows = conn.execute(text("SELECT name, rows, revision, licence FROM dataset ORDER BY name")).all()
    assert list(register[["name", "rows", "revision", "licence"]].itertuples(index=False, name=None)) == [
        tuple(each) for each in rows
    ]
    assert (register["source"].str.len() > 0).all() and (register["licence"].str.len() > 0).all()


# ---------------------------------------------------------------------------------- towns with something odd


def test_a_town_whose_measures_are_not_computed_yet(town_copy: str) -> None:
    write("DELETE FROM cell_measure")
    for page in SCREENS:
        app = sound(opened(page))
        assert not [each.value for each in app.metric if "nan" in each.value.lower()], page


def test_a_town_without_a_single_violation(town_copy: str) -> None:
    write("DELETE FROM finding", "DELETE FROM case_file")
    for page in SCREENS:
        sound(opened(page))


def test_words_from_data_are_not_taken_for_markup(town_copy: str) -> None:
    write("UPDATE dataset SET source = '<script>alert(1)</script>', licence = '<img src=x onerror=alert(1)>'")
    for page in SCREENS:
        shown = texts(sound(opened(page)))
        assert "<script>" not in shown and "<img src=x" not in shown, page


def test_a_proposal_as_a_file_reads_back(town_database: str, tmp_path: Path) -> None:
    with database.connection() as conn:
        plan = make_plan(conn, loaded_town(conn), Question(count=3))
    path = tmp_path / "more.geojson"
    plan.write(path)
    read = gpd.read_file(path)
    assert len(read) == 3 and read["order"].tolist() == [1, 2, 3]
