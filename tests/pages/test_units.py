"""The overview's way down: from the city to a street, the same in the tree, the map, the address and the file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlparse

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.settings import ROOT
from layers.i18n import LANGUAGES, translate
from layers.measures import MEASURES
from layers.units import UNIT_MEASURES
from pages.wall.scoping import NO_TREE

pytestmark = pytest.mark.postgis

PAGES: Path = ROOT / "pages"
KEPT = ("overview_layers", "overview_measure")


def opened(language: str = "en", **address: str) -> AppTest:
    app = AppTest.from_file(PAGES / "overview.py", default_timeout=60)
    for name, value in {"lang": language, "show": "units", **address}.items():
        app.query_params[name] = value
    return sound(app.run())


def sound(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].message
    assert not app.error
    return app


def told(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return value[0] if isinstance(value, list) else value


def one(sql: str) -> str:
    with database.connection() as conn:
        return str(conn.execute(text(sql)).scalar_one())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_way_down_and_up(town_database: str, language: str) -> None:
    app = opened(language)
    county = one("SELECT code FROM area WHERE kind = 'county'")
    codes = translate("Code", language)
    streets = int(one("SELECT count(*) FROM area WHERE kind = 'street'"))
    tree = app.dataframe[0].value
    assert tree[codes].iloc[0] == county and len(tree) == streets + 1
    cell = one(
        "SELECT u.code FROM unit_cell u JOIN street_edge s ON s.drivable AND ST_Intersects(s.geom, u.geom)"
        " ORDER BY 1 LIMIT 1"
    )
    app.selectbox(key="overview_area").set_value(cell[:12]).run()
    tree = sound(app).dataframe[0].value
    assert {cell, cell[:12], cell[:9], county} <= set(tree[codes])
    assert (told(app, "area"), told(app, "show")) == (cell[:12], "units")
    sound(app.button(key="units_up_1").click().run())
    assert app.selectbox(key="overview_area").value == cell[:9]
    sound(app.button(key="units_up_0").click().run())
    assert app.selectbox(key="overview_area").value == ""


def test_a_link_opens_a_cell_with_its_streets_and_the_map_takes_it_out_again(town_database: str) -> None:
    cell = one(
        "SELECT u.code FROM unit_cell u JOIN street_edge s ON s.drivable AND ST_Intersects(s.geom, u.geom)"
        " ORDER BY 1 LIMIT 1"
    )
    app = opened(area=cell[:12], cell=cell, figure="violations")
    assert any(cell in each.value for each in app.header)
    assert len(app.dataframe) == 2 and len(app.dataframe[1].value)
    assert app.selectbox(key="units_figure").value == "violations"
    assert told(app, "cell") == cell
    for measure in UNIT_MEASURES:
        sound(app.selectbox(key="units_figure").set_value(measure.id).run())
        assert any(measure.meaning in each.value for each in app.caption)
    sound(app.segmented_control(key="overview_show").set_value("map").run())
    assert not {"show", "cell", "figure"} & set(app.query_params)
    assert app.selectbox(key="overview_area").value == cell[:12]


def test_the_link_that_is_shared_opens_the_same_units_and_tells_what_the_wall_shows(
    town_database: str,
) -> None:
    cell = one("SELECT code FROM unit_cell ORDER BY code LIMIT 1")
    app = opened(area=cell[:12], cell=cell, figure="cameras", source="qr")
    links = [each.value for each in app.code]
    assert len(links) == 2 and "/big-screen?" in links[1]
    assert any(each.value == NO_TREE for each in app.caption)
    query = dict(parse_qsl(urlparse(links[0]).query))
    assert (query["show"], query["figure"], query["cell"], query["area"]) == (
        "units",
        "cameras",
        cell,
        cell[:12],
    )
    again = opened(**query)
    assert again.selectbox(key="units_figure").value == "cameras"
    assert told(again, "cell") == cell
    assert [each.value for each in again.code] == links


def test_layers_are_no_matter_of_the_units_and_are_there_again_on_the_map(town_database: str) -> None:
    app = opened(show="map")
    sound(app.pills(key="overview_layers").set_value(["cameras"]).run())
    sound(app.selectbox(key="overview_measure").set_value(MEASURES[1]).run())
    mode = app.segmented_control(key="overview_show")
    sound(mode.set_value("units").run())
    assert not [each for each in (*app.pills, *app.selectbox) if each.key in KEPT]
    sound(app.selectbox(key="units_figure").set_value("violations").run())
    assert any("layers=cameras&" in each.value for each in app.code), "a link keeps them"
    sound(app.segmented_control(key="overview_show").set_value("map").run())
    assert app.pills(key="overview_layers").value == ["cameras"]
    assert app.selectbox(key="overview_measure").value == MEASURES[1]
    assert not app.warning


def test_a_link_that_names_nothing_says_so(town_database: str) -> None:
    app = opened(area="910091999", cell="1", figure="poetry")
    for wrong in ("910091999", "cell = '1'", "poetry"):
        assert any(wrong in each.value for each in app.warning), wrong
    assert app.selectbox(key="units_figure").value == UNIT_MEASURES[0].id
