"""The city-wide run: the same from every executor, going on where it stopped, one part for one camera."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from analysis.visibility import prepare_obstacles, visible_polygons
from geodata import database
from geodata.commands import coverage
from geodata.commands.coverage import CoverageRun, recompute_coverage, run_coverage
from geodata.commands.demand import estimate_demand
from geodata.errors import NotFound, TwinError
from geodata.parts import shares, views
from geodata.queries.city import buildings, cameras
from geodata.queries.coverage import newest_run
from geodata.queries.datasets import loaded_town
from geodata.queries.frames import read_frame, read_table
from geodata.settings import ROOT

pytestmark = pytest.mark.postgis

METRES = 3067


class Interrupted(Exception):
    """Ctrl-C, as it were."""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several parts even for a small town."""
    monkeypatch.setattr(views, "MOST_POSES", 40)
    monkeypatch.setattr(shares, "MOST_PLACES", 400)


def change(sql: str, **values: object) -> None:
    with database.transaction() as session:
        session.execute(text(sql), values)


def number(sql: str, **values: object) -> Any:
    with database.connection() as conn:
        return conn.scalar(text(sql), values)


def stored() -> str:
    """A digest of all that a run writes, but for moments."""
    with database.connection() as conn:
        seen = conn.execute(text("SELECT * FROM camera_view ORDER BY camera_id")).mappings().all()
        told = [[str(row[key]) for key in row if key not in ("id", "computed_at")] for row in seen]
        ratios = conn.execute(text("SELECT * FROM coverage_share ORDER BY 1, 2, 3")).all()
        cells = conn.execute(
            text("SELECT cell_id, coverage_ratio, cameras FROM cell_measure ORDER BY 1")
        ).all()
    return hashlib.sha256(repr((told, ratios, cells)).encode()).hexdigest()


def ratios(place: str, grouping: str = "all") -> pd.DataFrame:
    with database.connection() as conn:
        return read_table(
            conn,
            "SELECT place_id, once_ratio, twice_ratio FROM coverage_share"
            " WHERE place = :place AND grouping = :grouping ORDER BY place_id",
            {"place": place, "grouping": grouping},
        ).set_index("place_id")


def kept() -> set[str]:
    with database.connection() as conn:
        return set(conn.scalars(text("SELECT digest FROM coverage_part")))


# ------------------------------------------------------------------------------------- where it is computed


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster.scheduler_address


def test_every_executor_writes_the_same(town_copy: str, small_parts: None, scheduler: str) -> None:
    found: dict[str, CoverageRun] = {}
    written: set[str] = set()
    for name, options in (
        ("serial", {"workers": 1}),
        ("processes", {"workers": 2}),
        ("Dask", {"scheduler": scheduler}),
    ):
        change("TRUNCATE coverage_part")
        found[name] = run_coverage("helsinki", **options)  # type: ignore[arg-type]
        assert name in found[name].executor and found[name].computed == found[name].parts
        written.add(stored())
    assert len(written) == 1 and len({run.digest for run in found.values()}) == 1
    assert found["serial"].parts > 6
    pd.testing.assert_series_equal(found["processes"].share, found["Dask"].share)


def test_a_load_writes_what_a_run_writes(town_copy: str) -> None:
    loaded, written = newest(), stored()
    run = run_coverage(workers=1)
    assert (run.digest, stored()) == (loaded["result"]["digest"], written)
    assert loaded["result"]["parts"] == run.parts and kept()


def test_as_part_of_a_transaction_nothing_is_kept(town_copy: str) -> None:
    written = stored()
    with database.transaction() as session:
        share = recompute_coverage(session, loaded_town(session))
    assert stored() == written and kept() == set()
    assert share.to_numpy() == pytest.approx(ratios("unit_cell")["once_ratio"].to_numpy())


def test_parts_do_not_change_what_is_seen(town_copy: str, small_parts: None) -> None:
    with database.connection() as conn:
        fixed = set(conn.scalars(text("SELECT id FROM camera WHERE kind <> 'ptz'")))
        before = read_frame(conn, "SELECT camera_id, geom FROM camera_view", index="camera_id").to_crs(METRES)
        eyes = cameras(conn, METRES)
        obstacles = prepare_obstacles(buildings(conn, METRES), height_column="height_m")
    assert run_coverage(workers=1).parts > 6
    with database.connection() as conn:
        seen = read_frame(conn, "SELECT camera_id, geom FROM camera_view", index="camera_id").to_crs(METRES)
    assert set(seen.index) == set(before.index)
    # which walls touch farther away decides how a sight line passes between two that share one
    assert (seen.symmetric_difference(before.loc[seen.index]).area < 1e-3 * seen.area).all()
    seen = seen[seen.index.isin(fixed)]
    whole = visible_polygons(eyes.loc[seen.index], obstacles)
    assert (seen.symmetric_difference(whole).area < 1e-3 * seen.area).all()


def newest() -> dict[str, Any]:
    with database.connection() as conn:
        found = newest_run(conn)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------- going on


def test_an_interrupted_run_leaves_everything_and_goes_on(town_copy: str, small_parts: None) -> None:
    change("UPDATE camera SET heading_deg = mod(heading_deg::numeric + 180, 360)")
    written = stored()

    def after_three(done: int, total: int | None, message: str) -> None:
        if done == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        run_coverage(workers=1, progress=after_three)
    assert stored() == written
    done = kept()
    assert len(done) == 3
    run = run_coverage(workers=1)
    assert run.computed == run.parts - 3
    assert stored() != written
    assert done < kept() and len(kept()) == run.parts
    again = run_coverage(workers=1)
    assert (again.computed, again.digest) == (0, run.digest)


KILLED = """
from geodata.commands.coverage import run_coverage
from geodata.parts import views

views.MOST_POSES = 40
run_coverage(workers=1, progress=lambda done, total, message: print(done, flush=True))
"""


def test_a_killed_run_goes_on(town_copy: str, small_parts: None) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "2":
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(kept())
    assert done >= 2
    run = run_coverage(workers=1)
    assert run.parts - run.computed >= 2


def test_one_moved_camera_is_one_part_of_views_and_the_places_around_it(
    town_copy: str, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_coverage(workers=1)
    before, rows = kept(), _views()
    change("UPDATE camera SET heading_deg = mod(heading_deg::numeric + 90, 360) WHERE id = 60")
    worked: list[str] = []
    for module, name in ((views, "view_part"), (shares, "share_part")):
        real = getattr(module, name)

        def counted(content: bytes, real: Any = real, name: str = name) -> bytes:
            worked.append(name)
            return real(content)

        monkeypatch.setattr(module, name, counted)
    run = run_coverage(workers=1)
    assert worked.count("view_part") == 1
    assert 1 <= worked.count("share_part") < first.parts - 6
    assert run.computed == len(worked) and run.digest != first.digest
    # rows of views that are as they were have not been touched
    now = _views()
    changed = {camera for camera in rows.keys() | now.keys() if rows.get(camera) != now.get(camera)}
    assert 60 in changed and len(changed) < 60 < len(rows)
    # what no part needs any more is gone
    assert len(kept()) == run.parts and len(before - kept()) == run.computed


def _views() -> dict[int, tuple[int, object]]:
    return {row.camera_id: (row.id, row.computed_at) for row in _rows("SELECT * FROM camera_view")}


def test_data_that_change_under_a_run_are_read_again(town_copy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    revisions = iter([1, 2, 2, 2])
    monkeypatch.setattr(coverage.queries, "newest_change", lambda session: next(revisions))
    written = stored()
    assert run_coverage(workers=1).computed == 0
    assert next(revisions, None) is None and stored() == written


def test_data_that_keep_changing_are_told(town_copy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ever = iter(range(100))
    monkeypatch.setattr(coverage.queries, "newest_change", lambda session: next(ever))
    written = stored()
    with pytest.raises(TwinError, match="changed while they were computed, 3 times over"):
        run_coverage(workers=1)
    assert stored() == written


def test_what_follows_is_part_of_the_transaction(town_copy: str) -> None:
    change("UPDATE camera SET state = 'offline'")
    written = stored()

    def fails(*_: object) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        run_coverage(workers=1, then=fails)
    assert stored() == written
    run = run_coverage(workers=1, then=estimate_demand)
    assert run.cameras == 0 and run.share.eq(0).all()
    assert number("SELECT count(*) FROM cell_measure WHERE rate IS NOT NULL") == 0
    assert number("SELECT count(*) FROM camera_view") == 0


# ------------------------------------------------------------------------------------- what is wrong


def test_bad_rows_are_told_and_stop_nobody_else(town_copy: str) -> None:
    with database.connection() as conn:
        before = read_frame(conn, "SELECT camera_id, geom FROM camera_view", index="camera_id")
    bad = before.index[:3].tolist()
    change("UPDATE camera SET height_m = -3 WHERE id = :id", id=bad[0])
    change("UPDATE camera SET range_m = 'NaN' WHERE id = :id", id=bad[1])
    change("UPDATE camera SET vfov_deg = 180 WHERE id = :id", id=bad[2])
    run = run_coverage(workers=1)
    codes = [number("SELECT code FROM camera WHERE id = :id", id=each) for each in bad]
    assert set(run.left_out) == set(codes)
    assert "height_m" in str(run.left_out[codes[0]]) and codes[0] in str(run.left_out[codes[0]])
    with database.connection() as conn:
        after = read_frame(conn, "SELECT camera_id, geom FROM camera_view", index="camera_id")
    assert set(before.index) - set(after.index) == set(bad)
    assert after.geometry.geom_equals_exact(before.geometry.loc[after.index], 0).all()
    told = newest()["result"]
    assert told["left_out"] == 3 and len(told["first_left_out"]) == 3
    assert {"message", "mend", "facts"} <= set(told["first_left_out"][0])


@pytest.mark.parametrize(
    ("place", "mend"),
    [
        ("ST_SetSRID(ST_MakePoint(24.95, 59.80), 4490)", "Correct its position"),  # in the sea
        ("ST_SetSRID(ST_MakePoint(ST_Y(geom), ST_X(geom)), 4490)", ""),  # latitude first
        ("ST_SetSRID(ST_MakePoint(0, 0), 4490)", ""),
    ],
)
def test_a_camera_outside_the_town_is_named_and_stops_nobody_else(
    town_copy: str, place: str, mend: str
) -> None:
    camera, code = _rows(
        "SELECT c.id, c.code FROM camera c JOIN camera_view v ON v.camera_id = c.id ORDER BY c.id LIMIT 1"
    )[0]
    cameras_before = number("SELECT count(*) FROM camera_view")
    change(f"UPDATE camera SET geom = {place} WHERE id = :id", id=camera)
    run = run_coverage(workers=1)
    assert set(run.left_out) == {code} and run.cameras == cameras_before - 1
    said = str(run.left_out[code])
    assert code in said and "outside the land of the town" in said and mend in said


def test_a_bad_preset_leaves_out_its_camera_alone(town_copy: str) -> None:
    camera, code = _rows(
        "SELECT id, code FROM camera WHERE kind = 'ptz' AND state = 'online' ORDER BY id LIMIT 1"
    )[0]
    cameras_before = number("SELECT count(*) FROM camera_view")
    change("UPDATE camera_preset SET tilt_deg = 91 WHERE camera_id = :id", id=camera)
    run = run_coverage(workers=1)
    assert set(run.left_out) == {code} and "tilt_deg" in str(run.left_out[code])
    assert run.cameras == cameras_before - 1


def test_another_town_than_the_loaded_one_is_refused(town_copy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = loaded_town_named("elsewhere")
    monkeypatch.setattr(coverage, "find_town", lambda name: other)
    with pytest.raises(TwinError, match=r"holds helsinki, not elsewhere.*huiyan load elsewhere --replace"):
        run_coverage("elsewhere")


def loaded_town_named(name: str) -> Any:
    from dataclasses import replace

    with database.connection() as conn:
        return replace(loaded_town(conn), name=name)


def test_a_town_that_does_not_exist_or_is_not_loaded_is_refused(empty_database: str) -> None:
    with pytest.raises(NotFound, match="no town 'atlantis'"):
        run_coverage("atlantis")
    with pytest.raises(NotFound, match="huiyan load"):
        run_coverage()


# ------------------------------------------------------------------------------------- cameras that turn


def test_a_camera_that_turns_sees_what_its_presets_show_or_all_that_it_can_reach(town_copy: str) -> None:
    with database.connection() as conn:
        eyes = cameras(conn, METRES)
        obstacles = prepare_obstacles(buildings(conn, METRES), height_column="height_m")
    one, other = (
        row.id
        for row in _rows(
            "SELECT c.id FROM camera c JOIN camera_view v ON v.camera_id = c.id WHERE c.kind = 'fixed'"
            " AND c.hfov_deg < 90 ORDER BY v.area_m2 DESC LIMIT 2"
        )
    )
    change(
        "UPDATE camera SET kind = 'ptz', pan_from_deg = 10, pan_to_deg = 200 WHERE id IN (:a, :b)",
        a=one,
        b=other,
    )
    lens = float(eyes.loc[one, "hfov_deg"])
    change(
        "INSERT INTO camera_preset (camera_id, number, heading_deg, tilt_deg, hfov_deg, share, simulated) VALUES"
        " (:id, 1, 20, 15, :lens, 0.5, true), (:id, 2, 45, 15, :lens, 0.3, true), (:id, 3, 180, 15, :lens, 0.2, true)",
        id=one,
        lens=lens,
    )
    run_coverage(workers=1)
    with database.connection() as conn:
        seen = read_frame(conn, "SELECT camera_id, geom FROM camera_view", index="camera_id").to_crs(METRES)
    looks = pd.concat([eyes.loc[[one]]] * 3).assign(heading_deg=[20.0, 45.0, 180.0], tilt_deg=15.0)
    united = visible_polygons(looks.reset_index(drop=True), obstacles).union_all()
    assert seen.geometry[one].symmetric_difference(united).area < 1e-3
    wide = eyes.loc[[other]].assign(heading_deg=105.0, hfov_deg=190.0 + eyes.loc[other, "hfov_deg"])
    assert seen.geometry[other].symmetric_difference(visible_polygons(wide, obstacles).iloc[0]).area < 1e-3


# ------------------------------------------------------------------------------------- shares by group


def test_groups_and_places_are_all_there(town_database: str) -> None:
    with database.connection() as conn:
        groups = set(conn.scalars(text("SELECT DISTINCT grouping FROM coverage_share")))
        owners = set(conn.scalars(text("SELECT DISTINCT owner FROM camera")))
        places = dict(
            conn.execute(
                text("SELECT place, count(*) FROM coverage_share WHERE grouping = 'all' GROUP BY 1")
            ).all()
        )
    wanted = {"all", *(f"hour:{hour:02}" for hour in range(24)), *(f"owner:{owner}" for owner in owners)}
    wanted |= (
        {f"dori:{task}" for task in views.TASKS} | {f"share:{level}" for level in (1, 2, 3)} | {"tier:street"}
    )
    assert groups == wanted
    assert places["unit_cell"] == number("SELECT count(*) FROM unit_cell")
    assert places["street_edge"] == number("SELECT count(*) FROM street_edge WHERE drivable")
    assert places["area"] == number("SELECT count(*) FROM area")
    assert number("SELECT count(*) FROM coverage_share WHERE place = 'unit_cell'") == places[
        "unit_cell"
    ] * len(wanted)


def test_a_smaller_group_never_sees_more(town_database: str) -> None:
    whole = ratios("unit_cell")
    assert whole["once_ratio"].equals(
        pd.Series(
            {row.cell_id: row.coverage_ratio for row in _rows("SELECT * FROM cell_measure ORDER BY cell_id")},
            name="once_ratio",
        ).rename_axis("place_id")
    )
    assert (whole["twice_ratio"] <= whole["once_ratio"]).all() and whole["twice_ratio"].max() > 0
    for wider, narrower in (
        ("all", "dori:detect"),
        ("dori:detect", "dori:observe"),
        ("dori:observe", "dori:recognise"),
        ("dori:recognise", "dori:identify"),
        ("all", "owner:private"),
        ("all", "share:2"),
        ("all", "hour:12"),
    ):
        more, less = ratios("unit_cell", wider), ratios("unit_cell", narrower)
        assert (less <= more + 2e-5).all(axis=None) and less["once_ratio"].sum() > 0
    owners = sum(ratios("unit_cell", f"owner:{name}")["once_ratio"] for name in ("private", "traffic police"))
    assert (
        ratios("unit_cell", "owner:city management")["once_ratio"] + owners >= whole["once_ratio"] - 2e-6
    ).all()


def test_an_area_is_seen_as_its_cells_are(town_database: str) -> None:
    with database.connection() as conn:
        cells = read_table(conn, "SELECT id, area_id, area_m2 FROM unit_cell").set_index("id")
        parents = read_table(conn, "SELECT id, parent_id FROM area").set_index("id")["parent_id"]
    seen = cells["area_m2"] * ratios("unit_cell")["once_ratio"]
    found = ratios("area")["once_ratio"]
    communities = seen.groupby(cells["area_id"]).sum() / cells.groupby("area_id")["area_m2"].sum()
    assert found.loc[communities.index].to_numpy() == pytest.approx(communities.to_numpy(), abs=2e-3)
    county = parents.index[parents.isna()][0]
    assert found[county] == pytest.approx(seen.sum() / cells["area_m2"].sum(), abs=2e-3)


def _rows(sql: str) -> list[Any]:
    with database.connection() as conn:
        return list(conn.execute(text(sql)))


def square(x: float, y: float, side: float) -> shapely.Polygon:
    return shapely.box(x, y, x + side, y + side)


def test_an_area_that_its_parts_do_not_fill_is_measured_itself() -> None:
    areas = gpd.GeoDataFrame(
        {"parent_id": pd.array([None, 1, 1, None, 4], dtype="Int64")},
        geometry=[
            square(0, 0, 1000),
            shapely.box(0, 0, 600, 1000),
            shapely.box(600, 0, 1000, 1000),
            square(5000, 0, 900),
            square(5000, 0, 300),
        ],
        index=[1, 2, 3, 4, 5],
        crs=METRES,
    )
    lowest = shares.lowest_areas(areas)
    assert lowest.set_index("place_id").area.to_dict() == pytest.approx(
        {2: 600_000, 3: 400_000, 4: 810_000, 5: 90_000}
    )
    assert shares.parents_of(areas, lowest) == {2: 1, 3: 1}


def test_many_owners_are_folded() -> None:
    rows = pd.DataFrame(
        {
            "owner": [f"private: shop {n}" for n in range(50)]
            + ["police"] * 9
            + [f"bureau {n}" for n in range(40)],
            "share_level": 1,
            "tier": "street",
            "hours": 3,
        }
    )
    groups = shares.groups_of(rows, rows.index.to_numpy())
    owners = {name for name in groups.bit if name.startswith("owner:")}
    assert {"owner:private", "owner:police", "owner:other"} <= owners and len(
        owners
    ) == shares.MOST_OWNERS + 1
    private = groups.members >> groups.bit["owner:private"] & 1
    assert private.tolist() == [1] * 50 + [0] * 49
    assert groups.bit["hour:00"] == groups.bit["hour:01"] == groups.bit["all"] != groups.bit["hour:02"]
    assert (groups.members >> groups.bit["hour:02"] & 1).sum() == 0
    assert max(groups.bit.values()) < 64 and np.all(groups.members >= 0)
