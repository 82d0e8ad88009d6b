"""Derived places: they lie where their source lies, say what they rest on, and come out the same again."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import text

from geodata import database
from geodata.commands.derive import BEATS, BUILDING_KINDS, PATROL_DAYS, POI_KINDS, STRIP_M, derive_places
from geodata.queries.datasets import loaded_town
from geodata.queries.frames import read_frame

pytestmark = pytest.mark.postgis


def derive() -> dict[str, int]:
    with database.transaction() as session:
        return derive_places(session, loaded_town(session))


def change(*statements: str) -> None:
    with database.transaction() as session:
        for each in statements:
            session.execute(text(each))


def frame(sql: str) -> gpd.GeoDataFrame:
    """Rows in the town's metres."""
    with database.connection() as conn:
        return read_frame(conn, sql).to_crs(loaded_town(conn).metric_epsg)


def test_places_are_derived_and_noted(town_copy: str) -> None:
    counts = derive()
    assert counts["restricted_area"] > 50 and counts["no_parking_area"] > 500
    assert counts["patrol_track"] == PATROL_DAYS * (3 + 2 + 4)
    with database.connection() as conn:
        noted = {
            row.name: row
            for row in conn.execute(text("SELECT name, rows, simulated, source, method FROM dataset"))
        }
    for name, rows in counts.items():
        assert noted[name].rows == rows and "OpenStreetMap" in noted[name].source
    assert noted["patrol_track"].simulated and "simulated" in noted["patrol_track"].method


def test_deriving_again_changes_nothing(town_copy: str) -> None:
    read = {
        "restricted_area": "SELECT kind, name, source, simulated, geom FROM restricted_area ORDER BY id",
        "no_parking_area": "SELECT kerb_id, rule, simulated, geom FROM no_parking_area ORDER BY id",
        "patrol_track": "SELECT level, means, began_at, ended_at, width_m, geom FROM patrol_track ORDER BY id",
    }
    first_counts = derive()
    first = {name: frame(sql) for name, sql in read.items()}
    assert derive() == first_counts
    for name, sql in read.items():
        again = frame(sql)
        assert again.geom_equals_exact(first[name], 1e-6).all()
        assert again.drop(columns="geom").equals(first[name].drop(columns="geom"))


def test_private_buildings_stand_as_tagged_and_rooms_known_as_points_are_marked(town_copy: str) -> None:
    derive()
    areas = frame("SELECT id, kind, source, simulated, geom FROM restricted_area")
    assert set(areas["kind"]) <= set(BUILDING_KINDS.values()) | {kind for kind, _ in POI_KINDS.values()}
    assert areas.is_valid.all() and (areas.area > 0).all()
    tagged = areas["source"].str.startswith("building=")
    assert not areas.loc[tagged, "simulated"].any() and areas.loc[~tagged, "simulated"].all()
    uses = "', '".join(BUILDING_KINDS)
    buildings = frame(f"SELECT id, geom FROM building WHERE use IN ('{uses}') ORDER BY id")
    assert areas[tagged].area.sum() == pytest.approx(buildings.area.sum(), rel=1e-6)
    toilets = areas[areas["kind"] == "toilet"]
    assert len(toilets) and np.allclose(toilets.area, math.pi * 16, rtol=0.02)
    with database.connection() as conn:
        spots = conn.scalar(text("SELECT count(*) FROM poi WHERE category = 'toilets'"))
    assert len(toilets) == spots


def test_a_building_is_not_told_twice(town_copy: str) -> None:
    change(
        "UPDATE building SET use = 'hotel' WHERE id = (SELECT b.id FROM building b JOIN poi p"
        " ON ST_Covers(b.geom, p.geom) WHERE p.category = 'hotel' AND b.use <> 'hotel' ORDER BY b.id LIMIT 1)"
    )
    derive()
    areas = frame("SELECT id, kind, geom FROM restricted_area WHERE kind = 'guest_room'")
    shapes = areas.geometry.normalize().to_wkb()
    assert shapes.is_unique


def test_a_strip_lies_between_its_kerb_and_the_middle_of_its_street(town_copy: str) -> None:
    derive()
    strips = frame("SELECT id, kerb_id, rule, geom FROM no_parking_area ORDER BY kerb_id")
    kerbs = frame(
        "SELECT id, rule, length_m, geom FROM kerb WHERE rule IN ('no_parking', 'no_stopping') ORDER BY id"
    )
    assert (
        strips["kerb_id"].tolist() == kerbs.index.tolist()
        and (strips["rule"].to_numpy() == kerbs["rule"].to_numpy()).all()
    )
    assert strips.is_valid.all()
    lines, shapes = kerbs.geometry.to_numpy(), strips.geometry.to_numpy()
    assert (shapely.hausdorff_distance(shapes, lines) < 12).all()
    straight = shapely.length(lines) <= 1.0001 * shapely.distance(
        shapely.get_point(lines, 0), shapely.get_point(lines, -1)
    )
    assert straight.sum() > 300
    assert np.allclose(shapely.area(shapes[straight]), STRIP_M * shapely.length(lines[straight]), rtol=0.01)
    edges = frame(
        "SELECT k.id, s.geom FROM kerb k JOIN street_edge s ON s.id = k.street_edge_id"
        " WHERE k.rule IN ('no_parking', 'no_stopping') ORDER BY k.id"
    ).geometry.to_numpy()
    inner = shapely.distance(shapely.centroid(shapes[straight]), edges[straight])
    assert np.allclose(inner, 3.5 - STRIP_M / 2, atol=0.3)


def test_patrols_follow_the_streets_by_day_at_their_pace(town_copy: str) -> None:
    derive()
    tracks = frame("SELECT id, level, means, began_at, ended_at, width_m, geom FROM patrol_track ORDER BY id")
    streets = frame("SELECT id, geom FROM street_edge")
    steps = shapely.points(shapely.get_coordinates(shapely.segmentize(tracks.geometry.to_numpy()[::7], 25.0)))
    _, away_m = shapely.STRtree(streets.geometry.to_numpy()).query_nearest(
        steps, return_distance=True, all_matches=False
    )
    assert away_m.max() < 1.0
    assert set(tracks["level"]) == {"district", "street", "community"}
    with database.connection() as conn:
        zone = loaded_town(conn).time_zone
    local = tracks["began_at"].dt.tz_convert(zone)
    assert local.dt.hour.between(7, 17).all()
    assert local.dt.date.nunique() == PATROL_DAYS
    assert str(local.dt.date.max()) == "2026-10-31"
    for beat in BEATS:
        own = tracks[tracks["level"] == beat.level]
        length_m = own.length
        assert (length_m >= beat.length_m - 1).all() and (own["means"] == beat.means).all()
        hours = (own["ended_at"] - own["began_at"]).dt.total_seconds() / 3600
        assert np.allclose(hours * beat.speed_kmh, length_m / 1000, rtol=1e-3)
    middles = shapely.line_interpolate_point(streets.geometry.to_numpy(), 0.5, normalized=True)
    walked = shapely.STRtree(tracks.geometry.to_numpy())
    visited = len(np.unique(walked.query(middles, predicate="dwithin", distance=2.0)[0])) / len(streets)
    assert visited > 0.7, "who goes where nobody was yet comes by most streets in a month"


def test_a_town_without_any_of_it_has_empty_tables(town_copy: str) -> None:
    change("DELETE FROM kerb", "DELETE FROM poi", "UPDATE building SET use = NULL", "DELETE FROM street_edge")
    assert derive() == {"restricted_area": 0, "no_parking_area": 0, "patrol_track": 0}
