"""The Hot spots screen: every statistic, both denominators, what it says when nothing is known, and its file."""

from __future__ import annotations

import datetime as dt
import json
import re

import pandas as pd
import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.export.hotspots import hotspots_geojson
from geodata.queries import datasets
from geodata.queries.hotspot_answers import STATISTICS, HotSpots, Question, find_hot_spots
from geodata.queries.hotspots import Period, Scene, event_classes, load_scene
from layers.hotspots import EMERGING, KINDS
from layers.hotspots import STATISTICS as TITLES
from layers.i18n import LANGUAGES, translate
from layers.ramps import NO_EVIDENCE
from pages.widgets.map import Click
from tests.pages.test_screens import HAN, drawn, figures, opened, sound, texts, write

pytestmark = pytest.mark.postgis

PARKING = "05-05"
every_language = pytest.mark.parametrize("language", LANGUAGES)


def scene() -> Scene:
    with database.connection() as conn:
        return load_scene(conn, datasets.loaded_town(conn), PARKING)


def chosen(statistic: str, *, by_exposure: bool = True, language: str = "en") -> AppTest:
    """The screen with a statistic and a denominator."""
    app = opened("hot_spots", language)
    app.selectbox(key="hot_statistic").set_value(statistic).run(timeout=180)
    if statistic != "repeat" and not by_exposure:
        app.segmented_control(key="hot_denominator").set_value("captures").run(timeout=180)
    return sound(app)


def register() -> pd.DataFrame:
    columns = ["name", "town", "source", "licence", "method", "rows", "revision", "loaded_at", "simulated"]
    with database.connection() as conn:
        return pd.DataFrame([tuple(row) for row in datasets.dataset_rows(conn)], columns=columns)


def looked_up(expression: str) -> dict[int, list[int]]:
    """Id → colour that an expression of `layers.placewise` gives in the browser."""
    digits = re.findall(r"\('(\d+)'\)", expression)
    first = int(re.search(r"properties\.key >= (\d+)", expression)[1])  # type: ignore[index]
    palettes = json.loads(re.search(r"\((\[\[\[.*?\]\]\])\)", expression)[1])  # type: ignore[index]
    rows = zip(*digits, strict=True)
    return {first + n: palettes[int(group)][int(step)] for n, (group, step) in enumerate(rows)}


# ------------------------------------------------------------------------------------------------ screen


@every_language
@pytest.mark.parametrize("statistic", STATISTICS)
def test_every_statistic_has_a_map_a_legend_a_method_and_a_table(
    town_database: str, statistic: str, language: str
) -> None:
    app = chosen(statistic, language=language)
    [layers] = drawn(app)
    assert [each["id"] for each in layers] == ["buildings", "streets", "hot_spots"]
    assert translate(TITLES[statistic], language) in texts(app), "the legend names it"
    assert translate("simulated", language) in texts(app)
    assert app.dataframe or app.info
    said = [each.value for each in app.caption]
    assert any(
        "permutation" in each
        or "kernel" in each
        or "circle" in each
        or "置换" in each
        or "核" in each
        or "圆" in each
        or "时间步" in each
        or "step" in each
        or "Knox" in each
        for each in said
    )
    if language == "zh-CN":
        labels = [each.label for each in (*app.metric, *app.selectbox, *app.slider)]
        assert not [label for label in labels if not HAN.search(label)]


def test_what_is_shown_is_kept_as_a_run_with_a_report(town_copy: str) -> None:
    app = sound(opened("hot_spots", "en"))
    sound(app.button(key="report_hot_spots_keep").click().run(timeout=180))
    with database.connection() as conn:
        run = conn.execute(
            text("SELECT id, kind, parameters, result FROM run ORDER BY id DESC LIMIT 1")
        ).one()
    assert run.kind == "hot_spots" and run.parameters["class"] == PARKING and run.result["features"]
    assert f"run={run.id}&" in app.get("link_button")[0].proto.url


@every_language
def test_captures_as_they_are_come_with_a_warning(town_database: str, language: str) -> None:
    app = sound(opened("hot_spots", language))
    assert not app.warning
    app.segmented_control(key="hot_denominator").set_value("captures").run()
    [warning] = sound(app).warning
    assert warning.value == translate(
        "A map of captures is a map of cameras: divide by exposure before you act on it.", language
    )


def test_what_nobody_looked_at_is_drawn_as_no_evidence(town_database: str) -> None:
    app = sound(opened("hot_spots"))
    cells_layer = drawn(app)[0][-1]
    assert "/api/tiles/unit_cells/" in cells_layer["data"]
    colours = looked_up(cells_layer["getFillColor"])
    with database.connection() as conn:
        ids = set(conn.execute(text("SELECT id FROM unit_cell")).scalars())
    seen, cells = (int(part) for part in figures(app)["With evidence"].split(" / "))
    assert set(colours) == ids and len(ids) == cells
    assert sum(colour == list(NO_EVIDENCE) for colour in colours.values()) == cells - seen > 0
    assert "no evidence: nobody looked" in texts(app)


def test_what_is_sent_stays_small(town_database: str) -> None:
    """Shapes of cells come from their tiles, once for all statistics; of each cell two digits are sent."""
    app = sound(opened("hot_spots"))
    spec = app.get("deck_gl_json_chart")[0].proto.json
    with database.connection() as conn:
        cells = conn.execute(text("SELECT max(id) - min(id) FROM unit_cell")).scalar_one()
    assert len(spec) < 20_000 + 2 * cells


def test_a_cell_that_is_clicked_tells_its_numbers(
    town_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_hot_spots(scene(), Question(PARKING, Period(*scene().span)))
    best = found.shapes["z"].idxmax()
    monkeypatch.setattr("pages.widgets.map._first", lambda _found: Click("hot_spots", {"key": int(best)}))
    facts = texts(sound(opened("hot_spots")))
    assert str(found.shapes.at[best, "code"]) in facts and f"{found.shapes.at[best, 'z']:,.2f}" in facts


def test_density_along_streets(town_database: str) -> None:
    app = chosen("density")
    app.segmented_control(key="hot_place").set_value("streets").run(timeout=180)
    sound(app)
    shapes = drawn(app)[0][-1]["data"]["features"]
    assert {each["geometry"]["type"] for each in shapes} == {"MultiLineString"}
    assert figures(app)["With evidence"].endswith(" km")
    app.select_slider(key="hot_bandwidth").set_value(400).run()
    sound(app)


def test_fewer_days_and_hours_are_fewer_events(town_database: str) -> None:
    app = chosen("gi", by_exposure=False)
    whole = int(figures(app)["Events"].replace(",", ""))
    app.segmented_control(key="hot_weekdays").set_value("rest").run()
    rest = int(figures(sound(app))["Events"].replace(",", ""))
    app.slider(key="hot_hours").set_range(8, 12).run()
    morning = int(figures(sound(app))["Events"].replace(",", ""))
    assert 0 < morning < rest < whole
    found = scene()
    zone = found.events["at"]
    expected = ((zone.dt.day_of_week >= 5) & (zone.dt.hour >= 8) & (zone.dt.hour < 12)).sum()
    assert morning == expected


def test_hours_in_which_nothing_happened_are_told(town_copy: str) -> None:
    write("DELETE FROM case_file WHERE extract(isodow FROM reported_at AT TIME ZONE 'Europe/Helsinki') >= 6")
    app = sound(opened("hot_spots"))
    app.segmented_control(key="hot_weekdays").set_value("rest").run()
    assert not app.exception
    [trouble] = app.error
    assert "There is no event of this class in the days and hours chosen." in trouble.value
    assert "Choose a longer period." in trouble.value


def test_without_exposure_events_count_as_they_are(town_copy: str) -> None:
    write("DELETE FROM exposure")
    app = sound(opened("hot_spots"))
    assert any("There is no exposure for this class" in each.value for each in app.caption)
    assert app.warning and figures(app)["With evidence"].startswith(figures(app)["With evidence"].split()[-1])
    with pytest.raises(Exception, match="Nobody knows for how long"):
        find_hot_spots(scene(), Question(PARKING, Period(*scene().span)))


def test_without_cameras_reports_by_people_remain(town_copy: str) -> None:
    write("DELETE FROM case_file WHERE source = 'camera'")
    app = sound(opened("hot_spots"))
    assert any("reports by people" in each.value for each in app.caption)


def test_without_any_event_it_says_so(town_copy: str) -> None:
    write("DELETE FROM case_file", "DELETE FROM finding")
    app = sound(opened("hot_spots"))
    assert [each.value for each in app.info] == ["There is no event in any cell yet."]


# ------------------------------------------------------------------------------------- behind the screen


def test_counts_and_exposure_add_up_over_parts_of_the_period(town_database: str) -> None:
    found = scene()
    first, until = found.span
    whole = Period(first, until)
    middle = first + dt.timedelta(days=140)
    parts = [Period(first, middle), Period(middle, until)]
    hours = [Period(first, until, from_hour=0, to_hour=9), Period(first, until, from_hour=9, to_hour=24)]
    days = [Period(first, until, days=(0, 1, 2, 3)), Period(first, until, days=(4, 5, 6))]
    assert (whole.hours().sum()) == (until - first).days * 24
    for split in (parts, hours, days):
        counts = sum(found.cell_counts(part, seen=False) for part in split)
        pd.testing.assert_series_equal(counts, found.cell_counts(whole, seen=False), check_names=False)
        looked = sum(found.cell_exposure(part) for part in split)
        whole_h = found.cell_exposure(whole)
        # where several cameras look at one kerb, chances of months are not quite those of the year
        assert ((looked - whole_h).abs() <= 0.03 * whole_h + 1e-6).all()
    assert (
        len(found.happened(whole)) == found.events["day"].between(first, until - dt.timedelta(days=1)).sum()
    )


def test_exposure_is_that_of_the_demand_estimate(town_database: str) -> None:
    with database.connection() as conn:
        rows = conn.execute(text("SELECT cell_id, exposure_h FROM cell_measure WHERE exposure_h > 0")).all()
    stored = pd.Series(dict(tuple(row) for row in rows))
    found = scene().cell_exposure(Period(*scene().span))
    assert set(found[found > 0].index) >= set(stored.index)
    assert stored.corr(found.reindex(stored.index), method="spearman") > 0.5


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("by_exposure", [True, False])
def test_the_file_holds_what_the_map_shows(town_database: str, statistic: str, by_exposure: bool) -> None:
    found = scene()
    places = ("cells", "streets") if statistic == "density" else ("cells",)
    for place in places:
        question = Question(PARKING, Period(*found.span), statistic, by_exposure, place)
        answer: HotSpots = find_hot_spots(found, question)
        looks = EMERGING if statistic == "emerging" else KINDS
        assert set(answer.shapes["kind"]) <= set(looks)
        file = json.loads(
            hotspots_geojson(answer, question, register(), title="Hot spots", method="…", unit="events")
        )
        assert len(file["features"]) == len(answer.shapes)
        assert [each["properties"]["kind"] for each in file["features"]] == answer.shapes["kind"].tolist()
        assert file["simulated"] is True and "ODbL" in file["licence"] and file["revision"] > 0
        assert file["question"]["denominator"] == ("exposure" if by_exposure else "captures as they are")
        west, south, *_ = answer.shapes.to_crs(4326).total_bounds
        assert 24 < west < 26 and 59 < south < 61
        assert (
            answer.events + answer.left_out == len(found.happened(question.period)) or statistic == "repeat"
        )


def test_raw_counts_make_hot_spots_where_cameras_look(town_database: str) -> None:
    found = scene()
    period = Period(*found.span)
    raw = find_hot_spots(found, Question(PARKING, period, "gi", False)).shapes
    rate = find_hot_spots(found, Question(PARKING, period, "gi", True)).shapes
    looked = found.cell_exposure(period)
    assert raw["events"].corr(looked, method="spearman") > 0.7
    assert rate.loc[looked == 0, "kind"].eq("no evidence").all()
    assert raw["kind"].isin(["hot99", "hot95", "hot90"]).sum() > 0


def test_classes_come_with_names_in_both_languages(town_database: str) -> None:
    with database.connection() as conn:
        classes = event_classes(conn)
    assert classes.index[0] == PARKING and classes["events"].is_monotonic_decreasing
    assert classes.loc[PARKING, "name_zh"] == "机动车乱停放"
