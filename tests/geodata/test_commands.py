"""Commands that recompute: they change what they should, nothing else, and the register tells of it."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
from sqlalchemy import text

from geodata import database
from geodata.commands.coverage import recompute_coverage
from geodata.commands.datasets import Provenance, record
from geodata.commands.demand import estimate_demand
from geodata.commands.partitions import ensure_months
from geodata.queries.city import cells, views
from geodata.queries.datasets import loaded_town, revision
from geodata.queries.frames import read_table

pytestmark = pytest.mark.postgis


def look() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Cells and views in metres."""
    with database.connection() as conn:
        town = loaded_town(conn)
        return cells(conn, town.metric_epsg), views(conn, town.metric_epsg)


def change(sql: str, **values: object) -> None:
    with database.transaction() as session:
        session.execute(text(sql), values)


def recompute() -> pd.Series[float]:
    with database.transaction() as session:
        return recompute_coverage(session, loaded_town(session))


def estimate() -> pd.DataFrame:
    with database.transaction() as session:
        return estimate_demand(session, loaded_town(session))


# ---------------------------------------------------------------------------------------------- coverage


def test_recomputing_unchanged_cameras_changes_nothing(town_copy: str) -> None:
    grid, seen = look()
    share = recompute()
    again, seen_again = look()
    assert seen_again.geom_equals_exact(seen, 1e-6).all() and seen_again["area_m2"].equals(seen["area_m2"])
    pd.testing.assert_series_equal(again["coverage_ratio"], grid["coverage_ratio"])
    assert share.round(6).to_numpy() == pytest.approx(again["coverage_ratio"].to_numpy(dtype=float))
    assert share.between(0, 1).all()


def test_a_moved_camera_changes_its_own_view_and_the_cells_it_leaves_or_enters(town_copy: str) -> None:
    grid, seen = look()
    camera = int(seen["area_m2"].idxmax())
    change("UPDATE camera SET geom = ST_Translate(geom, 0.003, 0) WHERE id = :id", id=camera)
    recompute()
    again, seen_again = look()
    others = seen.index.drop(camera)
    assert seen_again.loc[others].geom_equals_exact(seen.loc[others], 1e-6).all()
    touched = grid.intersects(seen.geometry[camera])
    if camera in seen_again.index:
        assert not seen_again.geometry[camera].equals(seen.geometry[camera])
        touched |= grid.intersects(seen_again.geometry[camera])
    changed = again["coverage_ratio"] != grid["coverage_ratio"]
    assert changed.any()
    assert not (changed & ~touched).any()


def test_cameras_that_go_dark_hide_ground_and_show_none(town_copy: str) -> None:
    grid, seen = look()
    dark = seen.index[:20].tolist()
    change("UPDATE camera SET state = 'offline' WHERE id = ANY (:ids)", ids=dark)
    recompute()
    fewer, seen_fewer = look()
    assert set(seen_fewer.index) == set(seen.index) - set(dark)
    assert (fewer["coverage_ratio"] <= grid["coverage_ratio"] + 1e-6).all()
    assert (fewer["cameras"] <= grid["cameras"]).all()
    change("UPDATE camera SET state = 'offline'")
    assert recompute().eq(0).all()
    assert look()[1].empty


def test_distances_of_a_view_are_in_the_order_of_the_standard(town_database: str) -> None:
    with database.connection() as conn:
        rows = read_table(
            conn, "SELECT v.*, c.range_m FROM camera_view v JOIN camera c ON c.id = v.camera_id"
        )
    for nearer, farther in (
        ("identify_m", "recognise_m"),
        ("recognise_m", "observe_m"),
        ("observe_m", "detect_m"),
        ("detect_m", "range_m"),
    ):
        assert (rows[nearer] <= rows[farther] + 0.01).all()
    assert (rows["area_m2"] > 0).all() and (rows["near_m"] >= 0).all()


# ------------------------------------------------------------------------------------------------ demand


def test_evidence_and_estimate_come_together_or_not_at_all(town_database: str) -> None:
    with database.connection() as conn:
        rows = read_table(conn, "SELECT * FROM cell_measure")
    estimates = rows[["exposure_h", "rate", "rate_lower", "rate_upper"]]
    evidence = estimates["exposure_h"].notna()
    assert 0 < evidence.sum() < len(rows)
    assert estimates[~evidence].isna().all(axis=None) and estimates[evidence].notna().all(axis=None)
    known = estimates[evidence].astype(float)
    assert (known["exposure_h"] > 0).all() and (known["rate_lower"] >= 0).all()
    assert known["rate"].between(known["rate_lower"], known["rate_upper"]).all()
    assert rows["captures"].notna().all() and rows["reports"].notna().all()


def test_where_nobody_looked_there_is_no_rate_however_many_captures(town_copy: str) -> None:
    change("DELETE FROM exposure")
    found = estimate()
    assert not found["evidence"].any()
    with database.connection() as conn:
        known = conn.execute(
            text("SELECT count(rate), count(exposure_h), count(rate_upper) FROM cell_measure")
        ).one()
    assert tuple(known) == (0, 0, 0)


def test_estimating_again_gives_the_same(town_copy: str) -> None:
    with database.connection() as conn:
        before = read_table(conn, "SELECT * FROM cell_measure ORDER BY cell_id")
    estimate()
    with database.connection() as conn:
        pd.testing.assert_frame_equal(read_table(conn, "SELECT * FROM cell_measure ORDER BY cell_id"), before)


def test_the_same_captures_in_half_the_hours_are_a_higher_rate(town_copy: str) -> None:
    before = estimate()
    change(
        "UPDATE exposure SET hours = (SELECT array_agg(u.h / 2 ORDER BY u.i)"
        " FROM unnest(hours) WITH ORDINALITY AS u(h, i))"
    )
    after = estimate()
    both = before["evidence"] & after["evidence"]
    watched = both & (before["captures"] > 20)
    assert watched.any()
    assert (after.loc[watched, "exposure_h"] < before.loc[watched, "exposure_h"]).all()
    assert (after.loc[watched, "rate"] > before.loc[watched, "rate"]).all()


def test_footage_of_another_place_is_no_evidence(town_copy: str) -> None:
    before = estimate()
    change(
        "INSERT INTO exposure (camera_id, class_code, month, hours)"
        " SELECT id, '05-05', '2026-01-01', array_fill(2.0::float8, ARRAY[168]) FROM camera WHERE demonstration"
    )
    pd.testing.assert_frame_equal(estimate(), before)


# -------------------------------------------------------------------------------------------- partitions


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        ("2026-01-15T00:00+00:00", "2026-01-15T00:00+00:00", ["2026_01"]),
        ("2026-11-30T23:59:59+00:00", "2027-02-01T00:00+00:00", ["2026_11", "2026_12", "2027_01", "2027_02"]),
        ("2026-12-31T23:30-02:00", "2027-01-31T23:59+00:00", ["2027_01"]),
        ("2027-01-01T01:00+08:00", "2027-01-01T09:00+08:00", ["2026_12", "2027_01"]),
    ],
)
def test_there_is_a_partition_for_every_month_in_utc(
    first: str, last: str, months: list[str], empty_database: str
) -> None:
    since, until = dt.datetime.fromisoformat(first), dt.datetime.fromisoformat(last)
    with database.transaction() as session:
        assert ensure_months(session, since, until) == [f"case_file_{month}" for month in months]
        assert ensure_months(session, since, until) == [f"case_file_{month}" for month in months]
        for at in (since, until):
            session.execute(
                text(
                    "INSERT INTO case_file (reported_at, number, class_code, source, stage, geom) VALUES"
                    " (:at, 'n', '05-05', 'patrol', 'reported', ST_SetSRID(ST_MakePoint(25, 60), 4490))"
                ),
                {"at": at},
            )
        lain = set(session.scalars(text("SELECT tableoid::regclass::text FROM case_file")))
    assert lain == {f"case_file_{months[0]}", f"case_file_{months[-1]}"}


# ---------------------------------------------------------------------------------------------- register


def test_every_change_has_a_revision_above_all_others(town_copy: str) -> None:
    with database.transaction() as session:
        seen = [revision(session)]
        for name in ("pipe", "camera", "pipe"):
            seen.append(record(session, name, "helsinki", Provenance("a", "b", "c", simulated=False)))
            assert revision(session) == seen[-1]
        row = session.execute(text("SELECT * FROM dataset WHERE name = 'pipe'")).one()
    assert seen == sorted(set(seen))
    assert (row.source, row.licence, row.method, row.simulated, row.rows) == ("a", "b", "c", False, 78)


def test_recomputing_raises_the_revision_of_what_it_writes(town_copy: str) -> None:
    sql = "SELECT name, revision FROM dataset"
    with database.connection() as conn:
        before = dict(conn.execute(text(sql)).all())  # type: ignore[arg-type]
    recompute()
    with database.connection() as conn:
        after = dict(conn.execute(text(sql)).all())  # type: ignore[arg-type]
    assert {name for name in after if after[name] != before[name]} == {
        "camera_view",
        "cell_measure",
        "coverage_share",
    }


def test_only_tables_can_be_registered(empty_database: str) -> None:
    with pytest.raises(KeyError), database.transaction() as session:
        record(session, "camera; DROP TABLE camera", "x", Provenance("a", "b", "c", simulated=False))
