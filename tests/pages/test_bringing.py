"""The desk where data come in: a file is checked, told, loaded and taken back, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.commands.imports import Order
from geodata.commands.uploading import ask_for
from geodata.jobs.queue import defer, run_worker
from geodata.settings import ROOT
from layers.i18n import LANGUAGES, translate
from tests.pages.test_screens import sound

pytestmark = pytest.mark.postgis

CODES = [f"91009100081320{n:06d}" for n in (900_001, 900_002)]
GOOD = "设备编码,方位角,经度,纬度\n" + "".join(f"{code},90,24.944,60.171\n" for code in CODES)
BAD = GOOD + "12,<b>x</b>,24.944,60.171\n"


@pytest.fixture(scope="module")
def town(town_of_module: str) -> Iterator[str]:
    """A town to write in."""
    yield town_of_module


def desk(language: str = "en", content: str | None = None) -> AppTest:
    app = AppTest.from_file(ROOT / "pages" / "data_catalogue.py", default_timeout=180)
    app.query_params["lang"], app.query_params["part"] = language, "bring"
    sound(app.run())
    if content is not None:
        app.file_uploader[0].upload("cams.csv", content.encode("gb18030"))
        sound(app.run())
    return app


def said(app: AppTest) -> str:
    return " ".join(each.value for each in (*app.markdown, *app.success, *app.info))


def cameras() -> int:
    with database.connection() as conn:
        sql = text("SELECT count(*) FROM camera WHERE code = ANY (:codes)")
        return int(conn.scalar(sql, {"codes": CODES}) or 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_with_faults_is_told_and_cannot_be_loaded(town: str, language: str) -> None:
    app = desk(language, BAD)
    sound(app.button(key="bring_check").click().run())
    assert translate("Rows that cannot be used", language) in said(app)
    [table] = [each.value for each in app.dataframe if len(each.value.columns) == 5]
    assert set(table.iloc[:, 1]) == {"设备编码", "方位角"} and set(table.iloc[:, 0]) == {"3"}
    assert "bring_load" not in {each.key for each in app.button}
    assert cameras() == 0


def test_what_was_checked_is_loaded_by_a_worker_and_taken_back(town: str) -> None:
    app = desk("en", GOOD)
    sound(app.button(key="bring_check").click().run())
    assert cameras() == 0
    sound(app.button(key="bring_load").click().run())
    assert cameras() == 0 and "bring_check" not in {each.key for each in app.button}
    run_worker(once=True)  # whoever asked for it may have left
    other = desk("en")
    assert cameras() == 2
    assert "2 rows added" in said(other)
    assert "older than the data" in " ".join(each.value for each in other.warning)
    assert "job_coverage" in {each.key for each in other.button}
    sound(app.run())
    sound(app.button(key="bring_back").click().run())
    assert cameras() == 0 and "2 rows added" not in said(app)


def test_a_large_file_is_checked_by_a_worker(town: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.bringing.desk.AT_ONCE_BYTES", 10)
    app = desk("en", GOOD)
    sound(app.button(key="bring_check").click().run())
    assert "bring_load" not in {each.key for each in app.button}
    run_worker(once=True)
    sound(app.run())
    assert "bring_load" in {each.key for each in app.button} and cameras() == 0
    app = desk("en", BAD.replace("纬度", "x"))
    sound(app.button(key="bring_check").click().run())
    run_worker(once=True)
    app.run()
    assert not app.exception and "lat_deg" in " ".join(each.value for each in app.error)


def test_a_file_that_cannot_be_read_is_a_sentence(town: str) -> None:
    app = AppTest.from_file(ROOT / "pages" / "data_catalogue.py", default_timeout=180)
    app.query_params["lang"], app.query_params["part"] = "en", "bring"
    app.run()
    app.file_uploader[0].upload("a.gpkg", b"<OGRVRTDataSource/>")
    app.run()
    assert not app.exception and "is not a GeoPackage" in " ".join(each.value for each in app.error)


def test_a_load_that_failed_tells_everybody_why(town: str) -> None:
    defer("load", **ask_for(Order(ROOT, "cameras", name="![x](http://other.example/x.png).csv"), "0" * 32))
    run_worker(once=True)
    app = AppTest.from_file(ROOT / "pages" / "data_catalogue.py", default_timeout=180)
    app.query_params["lang"], app.query_params["part"] = "en", "bring"
    app.run()
    assert not app.exception
    [told] = [each.value for each in app.error]
    assert "not there any more" in told and told.startswith(r"\!\[x\](http\://other.example/x.png).csv\: ")
