"""The catalogue on the Data screen: search, one dataset whole, the card, and words that are not markup."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import streamlit as st
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.commands.quality import check_datasets
from geodata.models.describing import columns_of, sentence_of
from geodata.settings import ROOT
from layers.columns import COLUMNS, TABLES
from layers.datasets import DATASET_NAMES, freshness, matches, searched
from layers.i18n import translate

pytestmark = pytest.mark.postgis


def opened(language: str = "en", **address: str) -> AppTest:
    app = AppTest.from_file(ROOT / "pages" / "data_catalogue.py", default_timeout=180)
    for name, value in {"lang": language, **address}.items():
        app.query_params[name] = value
    return app.run()


def texts(app: AppTest) -> str:
    return "\n".join(each.proto.body for each in app.get("html"))


@pytest.fixture(scope="module")
def town(town_of_module: str) -> Iterator[str]:
    check_datasets("car_park")
    check_datasets("component")
    st.cache_data.clear()
    yield town_of_module


def test_every_dataset_has_a_title_in_both_languages(town: str) -> None:
    with database.connection() as conn:
        names = set(conn.execute(text("SELECT name FROM dataset")).scalars())
    assert names <= set(DATASET_NAMES)


def test_search_finds_by_title_in_either_language_by_source_and_by_column(town: str) -> None:
    app = opened()
    count = len(app.dataframe[0].value)
    assert count > 20
    for words, wanted in (
        ("car park", {"car_park"}),
        (translate("Unit cells", "zh-CN"), {"unit_cell"}),
        ("pyrosm HIGHWAY", {"street_edge"}),
        ("hours_per_day", {"camera"}),
    ):
        found = app.text_input(key="catalogue_search").set_value(words).run()
        assert not found.exception
        assert wanted <= set(found.dataframe[0].value["name"]) and len(found.dataframe[0].value) < count, (
            words
        )
    app.text_input(key="catalogue_search").set_value("no such thing <b>").run()
    assert not app.exception and not app.dataframe


def test_a_dataset_is_told_whole(town: str) -> None:
    app = opened(dataset="car_park")
    assert not app.exception and not app.error
    shown = texts(app)
    with database.connection() as conn:
        row = conn.execute(
            text("SELECT rows, revision, licence, method FROM dataset WHERE name = 'car_park'")
        ).one()
        wrong = conn.execute(text("SELECT count(*) FROM car_park WHERE NOT ST_IsValid(geom)")).scalar()
    assert f"<td>{row.rows:,}</td>" in shown and row.licence in shown and row.method in shown
    checks = next(each.value for each in app.dataframe if "faults" in each.value)
    found = checks[(checks["check"] == "Geometry") & checks["what"].str.startswith("neither")].iloc[0]
    assert found["faults"] == wrong > 0 and "intersection" in found["seen"]
    [chart] = app.get("deck_gl_json_chart")
    assert [each["id"] for each in json.loads(chart.proto.json)["layers"]] == ["car_parks"]
    assert "/api/export/car_parks.geojson" in shown
    history = next(each.value for each in app.dataframe if "actor" in each.value)
    assert row.revision in set(history["revision"])
    columns = next(each.value for each in app.dataframe if "meaning" in each.value)
    assert {"capacity", "geom", "simulated"} <= set(columns["name"])


def test_lineage_leads_on_and_stale_inputs_are_told(town: str) -> None:
    app = opened(dataset="camera_view")
    assert not app.exception and not app.warning
    shown = texts(app)
    assert 'href="?dataset=building&amp;lang=en"' in shown and "Buildings</a> r" in shown
    runs = next(each.value for each in app.dataframe if "used" in each.value)
    assert set(runs["kind"]) == {"coverage run"}


def test_a_card_is_saved_and_shown_as_text(town: str) -> None:
    app = opened(dataset="poi")
    fields = {each.label: each for each in app.text_input}
    fields["Owner"].set_value("<script>alert(1)</script> Office")
    app.number_input[0].set_value(0.00001)
    next(each for each in app.button if each.label == "Save the card").click().run()
    assert not app.exception and not app.error
    shown = texts(app)
    assert "<script>" not in shown and "&lt;script&gt;alert(1)&lt;/script&gt; Office" in shown
    assert "overdue" in shown
    listed = app.dataframe[0].value.set_index("name").loc["poi"]
    assert listed["fresh"] == "overdue" and listed["owner"].endswith("Office")


def test_an_unknown_dataset_opens_nothing(town: str) -> None:
    app = opened(dataset="pg_authid")
    assert not app.exception and len(app.dataframe) == 1


def test_freshness_and_search_are_plain() -> None:
    import datetime as dt

    then = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    ages = [freshness(then, then + dt.timedelta(days=d), 10.0)[1] for d in (0, 7, 9, 11)]
    assert ages == ["fresh", "fresh", "due", "overdue"]
    assert freshness(then, then, None)[1] == freshness(then, then, float("nan"))[1] == "open"
    text_ = searched("kerb", ["ODbL-1.0", None, float("nan")])
    assert matches(text_, "KERB odbl") and matches(text_, "") and not matches(text_, "kerb rail")


def test_every_meaning_of_a_column_and_of_a_table_is_a_message() -> None:
    said = {each.meaning for name in DATASET_NAMES for each in columns_of(name)} - {""}
    assert said == set(COLUMNS)
    assert {sentence_of(name) for name in DATASET_NAMES} == set(TABLES)
