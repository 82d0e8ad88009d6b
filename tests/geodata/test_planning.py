"""Proposals of more cameras: never worse with more of them, within their bound, and on ground nobody sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely
from sqlalchemy import text

from analysis.errors import InputError
from geodata import database
from geodata.errors import NotFound, TwinError
from geodata.queries.city import views
from geodata.queries.datasets import loaded_town
from geodata.queries.planning import MOST, Plan, place_more

pytestmark = pytest.mark.postgis


def plan(count: int) -> Plan:
    with database.connection() as conn:
        return place_more(conn, loaded_town(conn), count)


def test_each_further_camera_adds_and_none_exceeds_the_bound(town_database: str) -> None:
    plans = [plan(count) for count in (1, 2, 5)]
    for count, each in zip((1, 2, 5), plans, strict=True):
        assert each.cameras["order"].tolist() == list(range(1, count + 1))
        assert len(each.views) == count and each.candidates > 1000
        assert 0 < each.covered_ratio <= each.bound_ratio <= 1
        assert 0 <= each.gap_ratio < 0.05
        if each.proven_optimal:
            assert each.covered_ratio == pytest.approx(each.bound_ratio)
        assert each.cameras["gain_ratio"].sum() == pytest.approx(each.covered_ratio, abs=1e-4)
        assert (each.cameras["gain_ratio"] > 0).all()
        assert each.cameras["heading_deg"].between(0, 360, inclusive="left").all()
    assert plans[0].covered_ratio < plans[1].covered_ratio < plans[2].covered_ratio


def test_proposals_hang_on_lamp_posts_and_see_ground_that_no_camera_sees(town_database: str) -> None:
    found = plan(5)
    with database.connection() as conn:
        town = loaded_town(conn)
        seen = shapely.union_all(views(conn, town.metric_epsg).geometry.to_numpy())
        lamps = set(conn.scalars(text("SELECT code FROM component WHERE class_code = '01-18'")))
    assert set(found.cameras["lamp"]) <= lamps
    fresh = found.views.to_crs(town.metric_epsg).difference(seen)
    assert (fresh.area > 0).all()


def test_where_every_place_is_seen_nothing_is_gained(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE camera_view SET geom = (SELECT ST_Multi(ST_Buffer(ST_Extent(geom)::geometry, 0.01)) FROM area)"
            )
        )
    try:
        found = plan(3)
    except NotFound:
        return
    assert found.cameras.empty or found.cameras["gain_ratio"].eq(0).all()
    assert found.covered_ratio == 0


@pytest.mark.parametrize("count", [-1, 0, MOST + 1])
def test_a_count_out_of_range_names_the_range(count: int, town_database: str) -> None:
    with pytest.raises(InputError, match=f"{count} more cameras.*1 to {MOST}"):
        plan(count)


def test_a_town_without_lamps_or_without_anything_says_so(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(text("DELETE FROM component"))
    with pytest.raises(NotFound, match="no lamp posts"):
        plan(1)


def test_an_empty_database_says_what_to_do(empty_database: str) -> None:
    with pytest.raises(NotFound, match="huiyan load"):
        plan(1)


def test_the_file_names_method_and_licence_and_is_whole_or_absent(town_database: str, tmp_path: Path) -> None:
    found = plan(2)
    found.write(tmp_path / "plan.geojson")
    body = json.loads((tmp_path / "plan.geojson").read_text(encoding="utf-8"))
    assert body["type"] == "FeatureCollection" and len(body["features"]) == 2
    assert "crs" not in body and body["simulated"] and "Church & ReVelle" in body["method"]
    assert body["licence"] == "ODbL-1.0" and body["gap_ratio"] >= 0
    for feature in body["features"]:
        longitude, latitude = feature["geometry"]["coordinates"]
        assert 24 < longitude < 26 and 60 < latitude < 61
    with pytest.raises(TwinError, match="cannot be written"):
        found.write(tmp_path / "no" / "folder.geojson")
