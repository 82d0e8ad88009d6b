"""What is copied in comes back unchanged, or nothing is copied."""

from __future__ import annotations

import datetime as dt
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pytest
import shapely
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from sqlalchemy import text

from geodata import database
from geodata.errors import IngestError
from geodata.ingest.copying import copy_arrays, copy_rows
from geodata.ingest.packing import ewkb
from geodata.queries.frames import read_frame

pytestmark = pytest.mark.postgis

HARD = [
    "",
    "\\N",
    "\\.",
    "a\tb\nc\rd",
    'quoted "twice"',
    "O'Brien",
    "慧眼 🛰",
    "\x01\x02\x7f",
    "%s {x} :y",
    "\\",
]


def pois(names: list[Any], **columns: Any) -> gpd.GeoDataFrame:
    facts = {"name": names, "kind": "shop", "category": "test", **columns}
    return gpd.GeoDataFrame(
        pd.DataFrame(facts, index=range(len(names))),
        geometry=gpd.points_from_xy(24.9 + np.arange(len(names)) / 1e3, np.full(len(names), 60.1)),
        crs=4326,
    )


def count() -> int:
    with database.connection() as conn:
        return int(conn.scalar(text("SELECT count(*) FROM poi")) or 0)


def test_hard_texts_come_back(empty_database: str) -> None:
    with database.transaction() as session:
        assert copy_rows(session, "poi", pois(HARD)) == len(HARD)
    with database.connection() as conn:
        rows = read_frame(conn, "SELECT id, name, geom, ST_SRID(g3857) AS web FROM poi ORDER BY id")
    assert rows["name"].tolist() == HARD
    assert rows["web"].eq(3857).all()
    assert rows.geometry.x.tolist() == pytest.approx([24.9 + n / 1e3 for n in range(len(HARD))])


@given(names=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))))
@given_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back(names: list[str], empty_database: str) -> None:
    with database.transaction() as session:
        assert copy_rows(session, "poi", pois(names)) == len(names)
        assert session.scalars(text("SELECT name FROM poi ORDER BY id")).all() == names
        session.execute(text("DELETE FROM poi"))


def test_everything_missing_becomes_null(empty_database: str) -> None:
    missing = [None, np.nan, pd.NA, pd.NaT]
    for osm_id in (
        pd.array([7, None, None, None], dtype="Int64"),
        pd.Series([7, *missing[1:]], dtype=object),
    ):
        with database.transaction() as session:
            session.execute(text("DELETE FROM poi"))
            copy_rows(session, "poi", pois(missing, osm_id=osm_id))
            rows = session.execute(text("SELECT name, osm_id FROM poi ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [(None, 7), (None, None), (None, None), (None, None)]


def test_times_keep_their_moment(empty_database: str) -> None:
    moment = pd.Timestamp("2026-03-29 03:30", tz="Asia/Shanghai")
    rows = pd.DataFrame({"at": [moment], "actor": "test", "action": "look", "subject": "x", "details": "{}"})
    with database.transaction() as session:
        copy_rows(session, "audit", rows)
        assert session.scalar(text("SELECT at FROM audit")) == moment


def test_no_rows_are_no_work(empty_database: str) -> None:
    with database.transaction() as session:
        assert copy_rows(session, "poi", pois([])) == 0


def test_strange_columns_and_metres_are_refused(empty_database: str) -> None:
    refused = [
        (pois(["a"], colour="red", size=1), "poi has no column colour, size"),
        (pois(["a"]).to_crs(3067), r"poi are not in degrees.*to_crs\(4490\)"),
        (pois(["a"]).set_crs(None, allow_override=True), "not in degrees"),
    ]
    for rows, said in refused:
        with pytest.raises(IngestError, match=said), database.transaction() as session:
            copy_rows(session, "poi", rows)
    assert count() == 0


def test_a_bad_row_leaves_nothing_of_the_good_ones(empty_database: str) -> None:
    with pytest.raises(psycopg.Error), database.transaction() as session:
        copy_rows(session, "poi", pois(["good", "bad"], osm_id=["1", "one"]))
    assert count() == 0


def test_arrays_come_back_bit_by_bit(empty_database: str) -> None:
    rng = np.random.default_rng(1)
    ratios = np.sort(rng.random((2, 50_001)), axis=0)
    numbers = np.arange(50_001) - 7
    with database.transaction() as session:
        told = {"place": "unit_cell", "place_id": numbers, "grouping": "所有:慧眼"}
        assert (
            copy_arrays(
                session, "coverage_share", {**told, "once_ratio": ratios[1], "twice_ratio": ratios[0]}
            )
            == 50_001
        )
        assert (
            copy_arrays(session, "coverage_share", {"place": "x", "place_id": numbers[:0], "grouping": "y"})
            == 0
        )
    with database.connection() as conn:
        rows = conn.execute(
            text(
                "SELECT place, place_id, grouping, once_ratio, twice_ratio FROM coverage_share ORDER BY place_id"
            )
        ).all()
    assert [tuple(row) for row in rows] == [
        ("unit_cell", *row)
        for row in zip(
            numbers.tolist(), ["所有:慧眼"] * 50_001, ratios[1].tolist(), ratios[0].tolist(), strict=True
        )
    ]


def test_arrays_with_shapes_moments_and_marks_come_back(empty_database: str) -> None:
    shapes = shapely.set_srid(shapely.points(np.arange(5) + 24.0, 60.1), 4490)
    at = dt.datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=dt.UTC)
    columns = {
        "kind": "cone",
        "category": "test",
        "simulated": np.array([True, False, True, True, False]),
        "geom": shapely.to_wkb(shapes, include_srid=True).tolist(),
    }
    with database.transaction() as session:
        assert copy_arrays(session, "poi", columns) == 5
        part = {"digest": "d", "cameras": np.array([3]), "seconds": np.array([0.5]), "computed_at": at}
        assert copy_arrays(session, "coverage_part", {**part, "payload": [b"\0\xff"]}) == 1
    with database.connection() as conn:
        rows = read_frame(conn, "SELECT id, simulated, geom FROM poi ORDER BY id")
        kept = conn.execute(
            text("SELECT digest, cameras, seconds, computed_at, payload FROM coverage_part")
        ).one()
    assert tuple(kept) == ("d", 3, 0.5, at, b"\0\xff")
    assert rows["simulated"].tolist() == columns["simulated"].tolist()
    assert shapely.equals_identical(rows.geometry.to_numpy(), shapely.set_srid(shapes, 0)).all()


def test_arrays_of_days_and_moments_come_back(empty_database: str) -> None:
    moments = np.array(["1999-12-31T23:59:59.999999", "2026-02-03T04:05:06.000789"], dtype="M8[us]")
    line = shapely.to_wkb(shapely.set_srid(shapely.LineString([(0, 0), (1, 1)]), 4490), include_srid=True)
    ground = shapely.to_wkb(
        shapely.set_srid(shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]), 4490), include_srid=True
    )
    one, marks = np.ones(1, dtype=int), np.array([True])
    with database.transaction() as session:
        walk = {
            "level": "street",
            "means": "foot",
            "width_m": np.ones(2),
            "simulated": np.array([True, True]),
        }
        copy_arrays(
            session, "patrol_track", {**walk, "began_at": moments, "ended_at": moments, "geom": [line] * 2}
        )
        area = {"id": one, "kind": "street", "code": "1", "name_zh": "一", "name_en": "One"}
        copy_arrays(session, "area", {**area, "simulated": marks, "geom": [ground]})
        for day in ("1970-01-01", "2026-02-28"):
            cell = {"code": day, "area_id": one, "area_m2": one, "set_up_on": np.array([day], dtype="M8[s]")}
            copy_arrays(session, "unit_cell", {**cell, "simulated": marks, "geom": [ground]})
    with database.connection() as conn:
        at = conn.execute(text("SELECT began_at FROM patrol_track ORDER BY began_at")).scalars().all()
        days = conn.execute(text("SELECT code, set_up_on FROM unit_cell")).all()
    assert [each.astimezone(dt.UTC).replace(tzinfo=None) for each in at] == moments.tolist()
    assert all(code == day.isoformat() for code, day in days) and len(days) == 2


def test_arrays_for_no_such_column_are_refused(empty_database: str) -> None:
    with pytest.raises(IngestError, match="no column colour"), database.transaction() as session:
        copy_arrays(session, "poi", {"kind": "shop", "colour": np.array([1])})


def test_columns_with_gaps_and_texts_of_any_length_come_back(empty_database: str) -> None:
    count = 20_003  # more than one chunk
    names = [None if n % 5 == 0 else "慧" * (n % 7) + str(n) for n in range(count)]
    numbers = [None if n % 3 == 0 else n - 9 for n in range(count)]
    shapes = shapely.points(24.0 + np.arange(count) / 1e6, 60.1)
    columns = {
        "name": pa.chunked_array([names[:7], names[7:]], pa.string()),
        "osm_id": pa.array(numbers, pa.int64()),
        "kind": "shop",
        "category": pa.array(["test"] * count),
        "simulated": np.zeros(count, dtype=bool),
        "geom": ewkb(shapes),
    }
    with database.transaction() as session:
        assert copy_arrays(session, "poi", columns) == count
    with database.connection() as conn:
        rows = read_frame(conn, "SELECT id, name, osm_id, kind, category, geom FROM poi ORDER BY id")
    assert [None if pd.isna(each) else each for each in rows["name"]] == names
    assert [None if pd.isna(each) else int(each) for each in rows["osm_id"]] == numbers
    assert (rows["kind"] == "shop").all() and (rows["category"] == "test").all()
    assert shapely.equals_identical(rows.geometry.to_numpy(), shapes).all()
    line = np.array([shapely.LineString([(0, 0), (1, 1)])], dtype=object)
    assert ewkb(line)[0].as_py() == shapely.to_wkb(shapely.set_srid(line[0], 4490), include_srid=True)
    point = shapely.set_srid(shapes[0], 4490)
    assert ewkb(shapes[:1])[0].as_py() == shapely.to_wkb(point, include_srid=True, byte_order=1)
