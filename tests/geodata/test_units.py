"""Units of the city: what a parent has is the sum of what its children have, whatever is asked for."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Connection, text

from geodata import database
from geodata.export.units import units_geojson
from geodata.queries.datasets import dataset_rows
from geodata.queries.units import (
    COUNTS,
    cell_streets,
    children,
    ground,
    lineage_of,
    tree_rows,
    unit_shapes,
    unit_stamp,
    units,
)
from tests.conftest import chosen

pytestmark = pytest.mark.postgis

DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ASKED: dict[str, dict[str, Any]] = {
    "everything": {},
    "a month of captures": {"since": DAY, "until": DAY + dt.timedelta(days=31), "source": "camera"},
    "a class that nobody saw": {"class": "04-06"},
}


@pytest.fixture(scope="module")
def conn(town_of_module: str) -> Iterator[Connection]:
    """A town in which leads were judged, some stand nowhere, and a camera stands outside all cells."""
    with chosen(town_of_module):
        with database.transaction() as session:
            session.execute(
                text(
                    "DELETE FROM unit_cell WHERE id = (SELECT u.id FROM unit_cell u JOIN camera c"
                    " ON ST_Covers(u.geom, c.geom) WHERE NOT EXISTS (SELECT FROM finding f WHERE f.cell_id = u.id)"
                    " AND NOT EXISTS (SELECT FROM address_point a WHERE a.cell_id = u.id)"
                    " AND NOT EXISTS (SELECT FROM truth_event e WHERE e.cell_id = u.id)"
                    " ORDER BY u.id LIMIT 1)"
                )
            )
            camera, zone = session.execute(
                text("SELECT camera_id, id FROM zone ORDER BY id LIMIT 1")
            ).one_or_none() or (None, None)
            if zone is None:
                camera = session.execute(text("SELECT min(id) FROM camera")).scalar_one()
                zone = session.execute(
                    text(
                        "INSERT INTO zone (camera_id, name, title_zh, title_en, rule, class_code, dwell_s, polygon_px)"
                        " VALUES (:camera, 'z', '区', 'zone', 'standing', '05-05', 60, '[[0,0],[9,0],[9,9]]')"
                        " RETURNING id"
                    ),
                    {"camera": camera},
                ).scalar_one()
            cells = session.execute(text("SELECT id FROM unit_cell ORDER BY code LIMIT 3")).scalars().all()
            for n, (cell, state, hours) in enumerate(
                [(cells[0], "confirmed", 1), (cells[0], "rejected", 2), (cells[1], "confirmed", 30),
                 (cells[2], "lead", None), (None, "lead", None)]
            ):  # fmt: skip
                session.execute(
                    text(
                        "INSERT INTO finding (camera_id, zone_id, cell_id, class_code, label, first_seen_at,"
                        " last_seen_at, dwell_s, confidence, x1, y1, x2, y2, state, verdict_at, disposed_at, recheck,"
                        " recheck_at, simulated) VALUES (:camera, :zone, :cell, '05-05', 'car', :at, :at, 60, 0.5, :n,"
                        " 0, 1, 1, :state, CAST(:at AS timestamptz) + make_interval(hours => :hours),"
                        " CASE WHEN :n = 0 THEN CAST(:at AS timestamptz) END,"
                        " CASE WHEN :n = 0 THEN 'solved' END, CASE WHEN :n = 0 THEN CAST(:at AS timestamptz) END, true)"
                    ),
                    {
                        "camera": camera, "zone": zone, "cell": cell, "at": DAY, "n": n, "state": state,
                        "hours": hours,
                    },
                )  # fmt: skip
        with database.connection() as link:
            yield link


@pytest.mark.parametrize("asked", ASKED.values(), ids=list(ASKED))
def test_a_parent_has_what_its_children_have(conn: Connection, asked: dict[str, Any]) -> None:
    table = units(conn, asked)
    assert list(table.index) == sorted(table.index)
    for code in table.index[table["level"].isin(["county", "street", "community"])]:
        below = children(table, code)
        assert len(below) or table.at[code, "cells"] == 0
        for name in (*COUNTS, "exposure_kmh", "area_m2"):
            assert below[name].sum() == pytest.approx(table.at[code, name], rel=1e-9), (code, name)
        split: dict[str, int] = {}
        for each in below["by_source"]:
            for source, n in each.items():
                split[source] = split.get(source, 0) + n
        assert split == table.at[code, "by_source"]
        assert sum(split.values()) == table.at[code, "violations"]
    assert (table["leads_waiting"] + table["leads_confirmed"] <= table["leads"]).all()


def test_the_root_is_what_sql_says_and_nothing_is_lost(conn: Connection) -> None:
    table = units(conn, {})
    [root] = children(table, None).index
    row = conn.execute(
        text(
            "SELECT (SELECT count(*) FROM unit_cell) AS cells, (SELECT count(*) FROM camera) AS cameras,"
            " (SELECT count(*) FROM violation) AS violations,"
            " (SELECT count(*) FROM finding WHERE merged_into IS NULL) AS leads,"
            " (SELECT sum(captures) FROM demand_estimate WHERE place = 'unit_cell' AND exposure_mh > 0"
            "  AND class_code = '05-05' AND place_id IN (SELECT id FROM unit_cell)) AS captures"
        )
    ).one()
    lost = table.attrs["unplaced"]
    for name in ("cells", "cameras", "violations", "leads", "captures"):
        assert table.at[root, name] + lost.get(name, 0) == getattr(row, name), name
    assert lost["cameras"] == 0
    [rest] = table.index[(table["level"] == "rest") & (table["cameras"] > 0)]
    assert table.at[rest, "cells"] == 0 and pd.isna(table.at[rest, "rate"])


def test_what_was_done_with_leads(conn: Connection) -> None:
    table = units(conn, {"since": DAY, "until": DAY + dt.timedelta(seconds=1)})
    [root] = children(table, None).index
    told = table.loc[root]
    assert [told[f"leads{name}"] for name in ("", "_waiting", "_confirmed", "_dealt", "_solved")] == [
        5,
        2,
        2,
        1,
        1,
    ]
    assert told["verdict_h"] == pytest.approx(2)  # of 1, 2 and 30 hours
    cells = table[(table["level"] == "cell") & (table["leads"] > 0)]
    assert sorted(cells["verdict_h"].dropna()) == pytest.approx([1.5, 30])
    assert cells["verdict_h"].isna().sum() == 2, "nothing judged is no number, not 0"
    assert cells["leads"].sum() == 5, "a lead whose place nobody knows is where its camera stands"
    nobody = units(conn, {"class": "04-06"})
    assert nobody["verdict_h"].isna().all() and not nobody["leads"].any()


def test_where_nobody_looked_nothing_is_said_and_the_interval_holds_the_rate(conn: Connection) -> None:
    table = units(conn, {})
    dark = table["exposure_kmh"] == 0
    assert dark.any() and table.loc[dark, ["rate", "rate_lower", "rate_upper"]].isna().all().all()
    seen = table[~dark]
    assert ((seen["rate_lower"] <= seen["rate"]) & (seen["rate"] <= seen["rate_upper"])).all()
    assert (seen["rate_upper"] > 0).all(), "no capture is no proof of none"
    wide = (seen["rate_upper"] - seen["rate_lower"]) / seen["rate_upper"]
    [root] = children(table, None).index
    assert wide[root] == wide.min(), "the whole is known best"


def test_the_tree_opens_level_by_level(conn: Connection) -> None:
    table = units(conn, {})
    [root] = children(table, None).index
    cell = table.index[table["level"] == "cell"][0]
    path = lineage_of(table, cell)
    assert [table.at[code, "level"] for code in path] == ["county", "street", "community", "cell"]
    assert lineage_of(table, None) == [root] == lineage_of(table, "999999")
    closed = tree_rows(table, [])
    assert list(closed.index) == [root]
    for depth in range(1, 4):
        shown = tree_rows(table, path[:depth])
        assert set(shown.index) == {root} | {
            code for above in path[:depth] for code in children(table, above).index
        }
        assert shown["depth"].max() == depth
    assert list(shown.index) == sorted(shown.index), "each stands before its children"


def test_outlines_streets_and_the_file(conn: Connection) -> None:
    table = units(conn, {})
    [root] = children(table, None).index
    rows = tree_rows(table, [root])
    fine, coarse = unit_shapes(conn, list(rows.index)), unit_shapes(conn, list(rows.index), most_px=500)
    assert set(fine.index) == set(rows.index) == set(coarse.index)
    assert fine.to_crs(3067).area.sum() == pytest.approx(coarse.to_crs(3067).area.sum(), rel=0.05)
    columns = ["name", "town", "source", "licence", "method", "rows", "revision", "loaded_at", "simulated"]
    register = pd.DataFrame([tuple(row) for row in dataset_rows(conn)], columns=columns)
    body = json.loads(units_geojson(rows, fine.geometry, register, {"class": "05-05"}, title="t", method="m"))
    assert [each["id"] for each in body["features"]] == list(rows.index)
    assert body["filters"] == {"class": "05-05"} and body["simulated"] is True and body["licence"]
    told = body["features"][0]["properties"]
    assert told["violations"] == rows.at[root, "violations"] and told["parent_code"] is None
    crossed = conn.execute(
        text(
            "SELECT u.code FROM unit_cell u JOIN street_edge s ON s.drivable AND ST_Intersects(s.geom, u.geom)"
            " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
        )
    ).scalar_one()
    streets = cell_streets(conn, crossed)
    assert len(streets) and streets["length_m"].is_monotonic_decreasing
    known = streets.dropna(subset=["rate"])
    assert (pd.to_numeric(known["rate_lower"]) <= pd.to_numeric(known["rate"])).all()
    assert cell_streets(conn, "999999999999999").empty


@pytest.mark.parametrize("gone", ["camera", "unit_cell", "camera, unit_cell, case_file, finding"])
def test_a_town_without_cameras_or_cells_has_units_too(conn: Connection, gone: str) -> None:
    savepoint = conn.begin_nested()
    conn.execute(text(f"TRUNCATE {gone} CASCADE"))
    table = units(conn, {})
    [root] = children(table, None).index
    assert set(table["level"]) >= {"county", "street", "community"}
    for name, of in (("cameras", "camera"), ("cells", "unit_cell")):
        if of in gone:
            assert table.at[root, name] == 0
    assert ("unit_cell" in gone) == pd.isna(table.at[root, "area_m2"])
    assert min(table.attrs["unplaced"].values()) >= 0
    savepoint.rollback()


def test_what_is_the_same_for_all_questions_is_read_once(conn: Connection) -> None:
    known = ground(conn)
    before = known.units.copy()
    for asked in ASKED.values():
        pd.testing.assert_frame_equal(units(conn, asked, known), units(conn, asked))
    pd.testing.assert_frame_equal(known.units, before)


def test_the_stamp_changes_with_what_the_desk_does(conn: Connection) -> None:
    before = unit_stamp(conn)
    assert unit_stamp(conn) == before
    savepoint = conn.begin_nested()
    conn.execute(
        text("UPDATE finding SET disposed_at = now() WHERE x1 = 3 AND first_seen_at = :at"), {"at": DAY}
    )
    assert unit_stamp(conn) != before
    savepoint.rollback()
