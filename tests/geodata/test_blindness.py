"""Who looked at a cell last: cameras, patrols, people."""

from __future__ import annotations

import datetime as dt
import math

import pytest
import shapely
from sqlalchemy import text

from geodata import database
from geodata.queries.blindness import blind_areas, group_means, last_moment, sightings
from geodata.towns.town import find_town

pytestmark = pytest.mark.postgis

TOWN = find_town("helsinki")


def test_longer_memory_leaves_fewer_cells_blind(town_database: str) -> None:
    with database.connection() as conn:
        brief, long = blind_areas(conn, TOWN, 2), blind_areas(conn, TOWN, 30)
    assert (long["any_ratio"] >= brief["any_ratio"] - 1e-9).all()
    assert 0 < long["blind"].sum() <= brief["blind"].sum() < len(brief)
    assert (
        brief["any_ratio"] >= brief[["camera_ratio", "patrol_ratio", "report_ratio"]].max(axis=1) - 1e-9
    ).all()


def test_without_patrols_and_reports_only_cameras_look(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(text("DELETE FROM patrol_track"))
        session.execute(text("DELETE FROM case_file WHERE camera_id IS NULL"))
    with database.connection() as conn:
        found = blind_areas(conn, TOWN, 31)
    assert (found["patrol_ratio"] == 0).all()
    assert (found["report_ratio"] == 0).all()
    assert (found["any_ratio"] - found["camera_ratio"]).abs().max() < 1e-9


def test_a_street_that_patrols_pass_again_counts_once_and_as_new_as_the_last(town_database: str) -> None:
    with database.connection() as conn:
        until = last_moment(conn)
        assert until is not None
        seen = sightings(conn, TOWN.metric_epsg, until)
        newest = conn.execute(text("SELECT max(ended_at) FROM patrol_track")).scalar_one()
    assert seen.tracks["ended_at"].max() == newest
    same = seen.tracks.assign(line=seen.tracks.geometry.to_wkb())[["line", "width_m"]]
    assert not same.duplicated().any()
    assert until - seen.views["sampled_at"].max() < dt.timedelta(days=1)


def test_a_view_that_crosses_itself_is_mended(town_copy: str) -> None:
    """On the way through degrees a corner may slip past another edge; one such view stops nobody."""
    with database.transaction() as session:
        camera = session.execute(
            text(
                "SELECT v.camera_id AS id, ST_X(c.geom) AS x, ST_Y(c.geom) AS y FROM camera_view v JOIN camera c"
                " ON c.id = v.camera_id WHERE NOT c.demonstration AND c.hours_per_day > 0"
                " ORDER BY v.area_m2 DESC LIMIT 1"
            )
        ).one()
        x, y, wide, slip = camera.x, camera.y, 4e-4, 1e-10
        ring = [(0, 0), (wide, 0), (wide, wide), (wide / 2, -slip), (0, wide), (0, 0)]
        shape = ", ".join(f"{x + east:.12f} {y + north:.12f}" for east, north in ring)
        valid = session.execute(
            text(
                "UPDATE camera_view SET geom = ST_GeomFromText(:shape, 4490) WHERE camera_id = :id"
                " RETURNING ST_IsValid(geom)"
            ),
            {"shape": f"MULTIPOLYGON((({shape})))", "id": camera.id},
        ).scalar_one()
        assert not valid
    with database.connection() as conn:
        until = last_moment(conn)
        assert until is not None
        seen = sightings(conn, TOWN.metric_epsg, until).views
        found = blind_areas(conn, TOWN, 31)
    assert seen.geometry.is_valid.all()
    side_m2 = (wide * 111_320) ** 2 * math.cos(math.radians(y))
    notched = shapely.Polygon([(0, 0), (1, 0), (1, 1), (0.5, 0), (0, 1)]).area
    assert seen.geometry.loc[camera.id].area == pytest.approx(notched * side_m2, rel=0.02)
    assert found["camera_ratio"].gt(0).any()


def test_the_demonstration_camera_does_not_look_at_the_town(town_database: str) -> None:
    with database.connection() as conn:
        until = last_moment(conn)
        assert until is not None
        seen = sightings(conn, TOWN.metric_epsg, until)
        shown = set(conn.execute(text("SELECT id FROM camera WHERE demonstration")).scalars())
    assert shown
    assert not shown & set(seen.views.index)


def test_means_of_a_group_are_those_of_its_places(town_database: str) -> None:
    with database.connection() as conn:
        rows = group_means(conn, "all").set_index("place")
        share = conn.execute(
            text(
                "SELECT avg(coalesce(coverage_ratio, 0)) FROM unit_cell c LEFT JOIN cell_measure m ON m.cell_id = c.id"
            )
        ).scalar_one()
    assert rows.loc["unit_cell", "once_ratio"] == pytest.approx(share, abs=1e-4)
    assert (rows["twice_ratio"] <= rows["once_ratio"]).all()
    assert (rows["unseen"] <= rows["places"]).all()
