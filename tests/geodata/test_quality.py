"""Checks, cards and lineage of datasets on one town, spoiled on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from analysis.errors import InputError
from geodata import database
from geodata.commands.datasets import Provenance, record
from geodata.commands.quality import check_datasets, set_card
from geodata.errors import NotFound
from geodata.lineage import MADE_FROM, READ_BY_RUN, WRITTEN_BY_RUN
from geodata.models import Base
from geodata.models.describing import columns_of, sentence_of
from geodata.queries.catalogue import catalogue, history, lineage
from geodata.queries.quality import CHECKED_KINDS, CODES, SAME_KIND, UNIQUE, Check

pytestmark = pytest.mark.postgis


def run(*statements: str) -> None:
    with database.transaction() as session:
        for each in statements:
            session.execute(text(each))


def value(sql: str) -> Any:
    with database.connection() as conn:
        return conn.execute(text(sql)).scalar()


@pytest.fixture(scope="module")
def checked(town_of_module: str) -> Iterator[dict[str, list[Check]]]:
    """What the checks of the whole town found."""
    return check_datasets()


def one(checks: list[Check], kind: str, subject: str) -> Check:
    [found] = [each for each in checks if (each.kind, each.subject) == (kind, subject)]
    return found


def test_the_tables_that_are_named_exist() -> None:
    tables = Base.metadata.tables
    assert all(column in tables[table].columns for table, column in CODES)
    assert all(column in tables[name].columns for name, columns in UNIQUE.items() for column in columns)
    assert all(column in tables[name].columns for name, columns in SAME_KIND.items() for column in columns)
    for made in (MADE_FROM, READ_BY_RUN, WRITTEN_BY_RUN):
        assert {each for names in made.values() for each in names} <= set(tables)
    assert set(MADE_FROM) <= set(tables)


def test_every_dataset_is_checked_and_what_passes_adds_up(checked: dict[str, list[Check]]) -> None:
    with database.connection() as conn:
        rows = catalogue(conn)
    assert set(checked) == set(rows["name"])
    assert {each.kind for checks in checked.values() for each in checks} == set(CHECKED_KINDS)
    for checks in checked.values():
        assert all(0 <= each.faults <= each.rows for each in checks)
        assert all(bool(each.examples) == bool(each.faults) for each in checks if each.kind != "null")
    assert one(checked["camera"], "code", "code").rows == value("SELECT count(*) FROM camera")
    scored = rows.set_index("name")["score"]
    assert scored["unit_cell"] == 1.0
    # the OpenStreetMap extract really holds a few of these, and the catalogue says so
    wrong = value("SELECT count(*) FROM car_park WHERE NOT ST_IsValid(geom) OR ST_IsEmpty(geom)")
    assert one(checked["car_park"], "geometry", "valid").faults == wrong > 0
    assert scored["car_park"] == pytest.approx(1 - wrong / value("SELECT count(*) FROM car_park"))


def test_faults_are_found_with_row_and_reason(checked: dict[str, list[Check]]) -> None:
    before = {
        each: one(checked["component"], *each).faults for each in (("code", "code"), ("geometry", "inside"))
    }
    doubled = one(checked["component"], "duplicate", "geom, class_code").faults
    cases = one(checked["case_file"], "time", "reported_at").faults
    assert cases == 0
    run(
        "UPDATE component SET code = left(code, 15) || 'X' WHERE id = 1",
        "UPDATE component SET geom = ST_Translate(geom, 5, 0) WHERE id = 2",
        "UPDATE component SET geom = (SELECT geom FROM component WHERE id = 4) WHERE id = 3",
    )
    found = check_datasets("component")["component"]
    wrong = one(found, "code", "code")
    assert wrong.faults == before["code", "code"] + 1
    assert any(each["row"] == "1" and each["error"]["facts"]["first"] == 16 for each in wrong.examples)
    assert one(found, "geometry", "inside").faults == before["geometry", "inside"] + 1
    assert one(found, "duplicate", "geom, class_code").faults == doubled + 1
    with database.connection() as conn:
        row = catalogue(conn).set_index("name").loc["component"]
    assert row["checked_revision"] == row["revision"]
    assert 0 < row["score"] < 1


def test_only_what_changed_is_checked_again(checked: dict[str, list[Check]]) -> None:
    empty = {name for name, checks in checked.items() if not checks}
    assert set(check_datasets()) <= empty
    with database.transaction() as session:
        record(session, "kerb", "helsinki", Provenance("Huiyan", "ODbL-1.0", "trial", simulated=True))
    assert set(check_datasets()) - empty == {"kerb"}
    assert value("SELECT count(DISTINCT revision) FROM dataset_check WHERE name = 'kerb'") == 2


def test_a_dataset_knows_what_it_was_made_from(checked: dict[str, list[Check]]) -> None:
    with database.connection() as conn:
        views = lineage(conn, "camera_view")
    assert set(views.inputs["dataset"]) == {"building", "camera", "camera_preset"}
    assert (views.inputs["used"] == views.inputs["now"]).all() and views.stale == []
    assert {"coverage_share", "demand_estimate"} <= set(views.outputs["dataset"])
    assert set(views.runs["role"]) == {"written"}
    with database.transaction() as session:
        record(
            session,
            "camera",
            "helsinki",
            Provenance("a file", "own", "loaded", simulated=False),
            made_here=False,
        )
    with database.connection() as conn:
        views, cameras = lineage(conn, "camera_view"), lineage(conn, "camera")
        past = history(conn, "camera")
    assert views.stale == ["camera"]
    assert cameras.inputs.empty and cameras.stale == []
    assert set(cameras.runs["role"]) == {"read"}
    assert cameras.runs["used"].iloc[-1] < value("SELECT revision FROM dataset WHERE name = 'camera'")
    assert (
        list(past["revision"]) == sorted(past["revision"], reverse=True)
        and past["method"].iloc[0] == "loaded"
    )


def test_a_card_is_kept_audited_and_checked(checked: dict[str, list[Check]]) -> None:
    set_card("poi", owner=" Survey office ", renew_days=30, note="")
    with database.connection() as conn:
        row = catalogue(conn).set_index("name").loc["poi"]
        past = history(conn, "poi")
    assert (row["owner"], row["renew_days"], row["note"]) == ("Survey office", 30.0, None)
    assert past["action"].iloc[0] == "card"
    for bad in ({"renew_days": 0}, {"renew_days": -1}, {"owner": "x" * 500}, {"note": "a\0b"}):
        with pytest.raises(InputError):
            set_card("poi", **bad)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        set_card("poi; DROP TABLE poi", owner="x")
    with pytest.raises(NotFound):
        check_datasets("weather")


def test_columns_have_types_and_meanings() -> None:
    columns = {each.name: each for each in columns_of("camera")}
    assert columns["code"].meaning == "20 digits of GB/T 28181" and not columns["code"].nullable
    assert columns["geom"].type.startswith("geometry") and columns["simulated"].meaning
    assert columns["stream_url"].nullable
    for name in Base.metadata.tables:
        assert [each.name for each in columns_of(name)] == list(Base.metadata.tables[name].columns.keys())
        assert sentence_of(name)
