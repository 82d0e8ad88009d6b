"""The Scenes screen: the gallery, and every scene on the one page that draws them all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
import streamlit as st
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.scenes import read_scenes
from geodata.settings import ROOT, settings
from layers.catalogue import LAYERS
from layers.scenes import WHY
from layers.view import read_view

pytestmark = pytest.mark.postgis

PAGE = ROOT / "pages" / "scenes.py"


def opened(scene: str | None = None, language: str = "en") -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=180)
    app.query_params["lang"] = language
    if scene is not None:
        app.query_params["scene"] = scene
    return app.run()


def texts(app: AppTest) -> str:
    return "\n".join(each.proto.body for each in app.get("html"))


def test_the_gallery_shows_every_scene_and_opens_one(town_database: str) -> None:
    found = read_scenes(tuple(LAYERS)).found
    app = opened()
    assert not app.exception and not app.error
    told = {each.label: each.value for each in app.metric}
    assert told["Scenes"] == str(len(found))
    assert sum(int(told[name]) for name in ("Monitored", "Reported by people only", "No evidence")) == len(
        found
    )
    assert told["Monitored"] == "1", "the town looks for parking only"
    shown = "\n".join(each.value for each in app.markdown)
    assert all(scene.words["en"].title in shown for scene in found.values())
    app.button(key="scene_open_ponding").click().run()
    assert not app.exception
    assert [each.value for each in app.header] == [f":material/flood: {found['ponding'].words['en'].title}"]
    app.button(key="scene_back").click().run()
    assert not any(":material/" in each.value for each in app.header) and app.metric


def test_one_page_draws_every_scene_in_both_languages(town_database: str) -> None:
    found = read_scenes(tuple(LAYERS)).found
    with database.connection() as conn:
        there = dict(
            conn.execute(
                text("SELECT class_code, count(*) FROM case_file WHERE stage <> 'void' GROUP BY 1")
            ).all()
        )
    app = opened("illegal_parking", "zh-CN")
    for at, scene in enumerate(found.values()):
        language = "zh-CN" if at % 2 else "en"
        app.query_params["lang"] = language
        app.query_params["scene"] = scene.id
        app.run()
        assert not app.exception and not app.error, scene.id
        assert scene.words[language].title in app.header[0].value
        [chart] = app.get("deck_gl_json_chart")
        layers = {each["id"]: each for each in json.loads(chart.proto.json)["layers"]}
        assert set(layers) == {*scene.layers, "streets", "buildings"}
        if "violations" in layers and scene.codes:
            query = parse_qs(urlparse(layers["violations"]["data"]).query)
            assert query["class"] == [",".join(scene.codes)]
        shown = texts(app)
        cases = sum(there.get(code, 0) for code in scene.codes)
        if not cases and "open" in scene.indicators and language == "en":
            assert shown.count(WHY["no_cases"]) >= 2, "no evidence, not nought"
        [link] = app.get("link_button")
        view = read_view({k: v[0] for k, v in parse_qs(urlparse(link.proto.url).query).items()})
        assert view.left_out == () and set(scene.layers) <= set(view.view.layers)


def test_the_figures_are_those_of_the_database(town_database: str) -> None:
    shown = texts(opened("illegal_parking"))
    with database.connection() as conn:
        open_still, cases, closed, dark, cells = conn.execute(
            text(
                "SELECT (SELECT count(*) FROM case_file WHERE class_code = '05-05'"
                " AND stage NOT IN ('void', 'closed')),"
                " (SELECT count(*) FROM case_file WHERE class_code = '05-05' AND stage <> 'void'),"
                " (SELECT count(closed_at) FROM case_file WHERE class_code = '05-05'),"
                " (SELECT count(*) FROM unit_cell c WHERE NOT EXISTS (SELECT FROM case_file f WHERE"
                " f.cell_id = c.id AND f.stage <> 'void') AND NOT EXISTS (SELECT FROM camera_view v"
                " JOIN exposure e ON e.camera_id = v.camera_id WHERE ST_Intersects(v.geom, c.geom)"
                " AND (SELECT sum(h) FROM unnest(e.hours) h) > 0)), (SELECT count(*) FROM unit_cell)"
            )
        ).one()
    assert f"{open_still:,} / {cases:,}" in shown and 0 < open_still < closed < cases
    assert f"{dark:,} / {cells:,}" in shown and dark / cells > 0
    assert "no case was ever closed here" not in shown


def test_a_scene_that_is_not_there(town_database: str) -> None:
    app = opened("weather<script>")
    assert not app.exception
    assert "There is no such scene" in texts(app)
    assert "<script>" not in texts(app)


@pytest.fixture
def own_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "scenes"
    folder.mkdir()
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    yield folder
    monkeypatch.undo()
    settings.cache_clear()
    st.cache_resource.clear()


def test_a_broken_scene_is_told_and_the_rest_work(town_database: str, own_scenes: Path) -> None:
    app = opened()
    count = int({each.label: each.value for each in app.metric}["Scenes"])
    (own_scenes / "typhoon.toml").write_text('domain = "safety"\nicon = 5\n', encoding="utf-8")
    app.run()
    assert not app.exception
    assert "typhoon.toml, line 2: icon" in app.error[0].value or "is missing" in app.error[0].value
    assert int({each.label: each.value for each in app.metric}["Scenes"]) == count
    (own_scenes / "typhoon.toml").unlink()
    assert not app.run().error, "mended without a restart"
