"""SQL becomes frames that keep their shape when there are no rows."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import pytest
from sqlalchemy import Connection, text

from analysis.crs import STORAGE_EPSG
from geodata import database
from geodata.queries import city
from geodata.queries.cells import cell_table
from geodata.queries.frames import listed_numbers, read_frame, read_table

pytestmark = pytest.mark.postgis

METRIC_EPSG = 3067
QUESTIONS = [getattr(city, name) for name in city.__all__]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.__name__)
def test_no_rows_have_the_columns_and_the_crs_of_many(
    question: Callable[[Connection, int], gpd.GeoDataFrame], empty_url: str, town_url: str
) -> None:
    with database.connection(empty_url) as conn:
        none = question(conn, METRIC_EPSG)
    with database.connection(town_url) as conn:
        many = question(conn, METRIC_EPSG)
    assert len(none) == 0 < len(many)
    assert list(none.columns) == list(many.columns)
    assert none.index.name == many.index.name
    assert none.crs == many.crs and none.crs.to_epsg() == METRIC_EPSG
    assert none.geometry.name == many.geometry.name == "geom"
    assert many.index.is_unique and many.is_valid.all()


def test_parameters_choose_rows_and_missing_geometry_stays_missing(empty_url: str) -> None:
    sql = "SELECT n AS id, CASE WHEN n > 1 THEN ST_SetSRID(ST_MakePoint(n, n), 4490) END AS geom FROM"
    sql += " generate_series(1, 3) n WHERE n < :most"
    with database.connection(empty_url) as conn:
        rows = read_frame(conn, sql, {"most": 3})
        unindexed = read_frame(conn, text(sql), {"most": 0}, index=None)
    assert rows.index.tolist() == [1, 2] and rows.crs.to_epsg() == STORAGE_EPSG
    assert rows.geometry.isna().tolist() == [True, False] and rows.geometry[2].x == 2
    assert unindexed.empty and unindexed.columns.tolist() == ["id", "geom"]
    assert unindexed.crs.to_epsg() == STORAGE_EPSG


def test_tables_without_rows_keep_their_columns(empty_url: str, town_url: str) -> None:
    with database.connection(empty_url) as conn, database.connection(town_url) as town:
        assert read_table(conn, "SELECT 1 AS a, 'x' AS b WHERE false").columns.tolist() == ["a", "b"]
        none, many = cell_table(conn), cell_table(town)
    assert none.columns.tolist() == many.columns.tolist() and len(none) == 0
    assert (none.dtypes["rate"], many.dtypes["rate"]) != ("object", "object")
    assert many["code"].is_monotonic_increasing


def test_listed_numbers_are_the_arrays_to_the_last_bit(town_url: str) -> None:
    with database.connection(town_url) as conn:
        rows = read_table(
            conn,
            "SELECT hours, array_to_string(hours, ',') AS told FROM exposure ORDER BY camera_id, month LIMIT 500",
        )
    found = listed_numbers(rows["told"], 168)
    assert found.shape == (500, 168)
    assert found.tolist() == rows["hours"].to_list()
    assert listed_numbers([], 168).shape == (0, 168)
    assert listed_numbers(["0.1,1e-300,17"], 3).tolist() == [[0.1, 1e-300, 17.0]]
