"""Haining: real in its facts, planned as large as the briefings say, and a part of it loaded like any town."""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely
from sqlalchemy import Connection, text

from analysis.codes import explain_cell_code
from analysis.grid import check_cells
from geodata import database
from geodata.commands import load
from geodata.errors import IngestError
from geodata.models import Base
from geodata.queries.city import cells
from geodata.queries.datasets import loaded_town
from geodata.queries.frames import read_frame, read_table
from geodata.towns.synthetic.boundary import district_boundary
from geodata.towns.town import find_town, towns

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "city" / "china"
SHARE = 0.02


def test_the_plan_is_that_of_the_briefings() -> None:
    town = find_town("haining")
    assert towns() == ["haining", "helsinki"]
    plan = town.plan
    assert plan is not None
    assert (plan.buildings, plan.cameras, plan.cells, plan.lamps) == (200_000, 53_000, 1_846, 60_000)
    assert (plan.private_cameras, plan.private_units, town.year.qr_points) == (22_128, 1_008, 9_349)
    assert len(town.streets) == 12 and len(town.communities) == 236
    assert {each.street_code for each in town.communities} == set(town.streets)
    assert set(plan.seats) == set(town.streets)
    assert (plan.drains_km, plan.gas_sensors) == (1_000, 1_581)


def test_the_map_opens_in_the_town_and_it_is_measured_in_its_own_zone() -> None:
    town = find_town("haining")
    assert town.plan is not None
    boundary = district_boundary(town.plan.district)
    whole = boundary.iloc[0]
    assert shapely.contains(whole, shapely.Point(town.centre))
    assert all(shapely.contains(whole, shapely.Point(seat)) for seat in town.plan.seats.values())
    area = pyproj.CRS.from_epsg(town.metric_epsg).area_of_use
    west, south, east, north = whole.bounds
    assert area is not None
    assert area.west <= west and east <= area.east and area.south <= south and north <= area.north
    # a projection on the wrong meridian would stretch the ground
    geodesic, _ = pyproj.Geod(ellps="GRS80").geometry_area_perimeter(whole)
    assert boundary.to_crs(town.metric_epsg).area.iloc[0] == pytest.approx(abs(geodesic), rel=3e-4)


def test_streets_and_communities_are_those_of_the_statistics_bureau() -> None:
    path = SHARED / "haining_streets_villages.csv"
    if not path.is_file():
        pytest.skip("the list of streets and villages is not on this machine")
    with path.open(encoding="utf-8-sig", newline="") as file:
        told = list(csv.DictReader(file))
    town = find_town("haining")
    assert {each["streetCode"]: each["streetName"] for each in told} == {
        code: names[0] for code, names in town.streets.items()
    }
    names = {each.code: each.name_zh for each in town.communities}
    assert set(names) == {each["code"] for each in told}
    assert all(each["name"].startswith(names[each["code"]].removesuffix("村")) for each in told)
    villages = {each.code for each in town.communities if each.is_village}
    assert villages == {each["code"] for each in told if "村委会" in each["name"]}


@pytest.mark.postgis
def test_a_part_of_haining_is_loaded_whole_and_marked(empty_database: str) -> None:
    heard: list[tuple[int, int | None]] = []
    counts = load.load_town("haining", lambda done, total, message: heard.append((done, total)), share=SHARE)
    assert heard == sorted(heard) and heard[-1] == (load.STEPS, load.STEPS)
    plan = find_town("haining").scaled(SHARE).plan
    assert plan is not None
    assert (counts["building"], counts["camera"], counts["unit_cell"]) == (
        plan.buildings,
        plan.cameras,
        plan.cells,
    )
    assert counts["area"] == 1 + 12 + 236 and counts["sensor"] == plan.gas_sensors
    with database.connection() as conn:
        town = loaded_town(conn)
        assert town.name == "haining"
        # nothing of it was measured, and every row says so
        for row in conn.execute(text("SELECT * FROM dataset")):
            assert row.simulated or row.name == "no_parking_area", row.name
            assert row.town == "haining" and row.source and row.licence and row.method
        for name, table in Base.metadata.tables.items():
            if "simulated" in table.columns and name not in ("dataset", "restricted_area"):
                unmarked = conn.scalar(text(f"SELECT count(*) FROM {name} WHERE NOT simulated"))
                assert unmarked == 0, name
        _check_places(conn, town.metric_epsg)
        _check_estimates(conn)


def _check_places(conn: Connection, epsg: int) -> None:
    grid = cells(conn, epsg)
    areas = read_frame(
        conn,
        "SELECT a.code AS community_code, a.geom FROM area a WHERE EXISTS"
        " (SELECT FROM unit_cell c WHERE c.area_id = a.id)",
    ).to_crs(epsg)
    assert check_cells(grid, areas, tolerance_m2=1.0).empty
    assert not [code for code in grid["code"] if explain_cell_code(code)]
    orphans = conn.scalar(
        text(
            "SELECT count(*) FROM area a LEFT JOIN area p ON p.id = a.parent_id WHERE a.kind <> 'county'"
            " AND (p.id IS NULL OR NOT starts_with(a.code, p.code)"
            " OR ST_Area(ST_Difference(a.geom, p.geom)) > 1e-12)"
        )
    )
    assert orphans == 0
    inside = conn.scalar(
        text(
            "SELECT count(*) FROM camera c JOIN building b ON ST_DWithin(b.geom, c.geom, 0)"
            " WHERE ST_IsValid(b.geom)"
        )
    )
    assert inside == 0
    town = loaded_town(conn)
    assert town.plan is not None
    boundary = district_boundary(town.plan.district).iloc[0]
    eyes = read_frame(conn, "SELECT id, geom FROM camera")
    assert isinstance(eyes, gpd.GeoDataFrame) and shapely.covers(boundary, eyes.geometry.values).all()


def _check_estimates(conn: Connection) -> None:
    rows = read_table(
        conn,
        "SELECT t.rate_per_h, m.rate, m.rate_lower, m.rate_upper, m.coverage_ratio FROM truth_rate t"
        " JOIN cell_measure m USING (cell_id)",
    )
    assert rows["coverage_ratio"].between(0, 1).all() and rows["coverage_ratio"].mean() > 0.1
    known = rows[rows["rate"].notna()].astype(float)
    assert len(known) > len(rows) / 4
    assert known["rate_per_h"].between(known["rate_lower"], known["rate_upper"]).mean() >= 0.75
    dark, watched = conn.execute(
        text(
            "SELECT count(*) FILTER (WHERE c.state <> 'online'), count(DISTINCT e.camera_id)"
            " FROM exposure e JOIN camera c ON c.id = e.camera_id"
        )
    ).one()
    assert dark == 0 and 0 < watched <= 60


@pytest.mark.postgis
def test_haining_does_not_push_helsinki_out(town_copy: str) -> None:
    with pytest.raises(IngestError, match=r"already holds a town.*huiyan load haining --replace"):
        load.load_town("haining", share=SHARE)
    with database.connection() as conn:
        assert loaded_town(conn).name == "helsinki"
