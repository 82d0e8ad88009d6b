"""Proposals: never worse with more of them, within their bound, on ground nobody sees; what removal loses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from analysis.errors import InputError
from analysis.placement import Lens
from geodata import database
from geodata.commands.plans import keep_plan
from geodata.errors import NotFound, TwinError
from geodata.queries.city import standing_views, views
from geodata.queries.datasets import loaded_town
from geodata.queries.planning import MOST, Plan, Question, make_plan, place_more
from geodata.queries.sites import LENSES, named_lenses, possible_sites, promising
from geodata.queries.thinning import Relocated, Thinned, relocate_cameras, remove_cameras
from geodata.queries.wanted import demand_points, ground_points, wanted_points

QUICK = Question(count=3, time_limit_s=0.5)


def plan(count: int) -> Plan:
    with database.connection() as conn:
        return place_more(conn, loaded_town(conn), count)


def ask(seen: gpd.GeoSeries | None = None, **changes: object) -> Plan:
    with database.connection() as conn:
        return make_plan(conn, loaded_town(conn), replace(QUICK, **changes), seen)  # type: ignore[arg-type]


def remove(count: int, **more: object) -> Thinned:
    with database.connection() as conn:
        return remove_cameras(conn, loaded_town(conn), count, **more)  # type: ignore[arg-type]


def relocate(swaps: int, **more: object) -> Relocated:
    with database.connection() as conn:
        return relocate_cameras(conn, loaded_town(conn), swaps, QUICK, **more)  # type: ignore[arg-type]


def metric(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> gpd.GeoDataFrame | gpd.GeoSeries:
    with database.connection() as conn:
        return frame.to_crs(loaded_town(conn).metric_epsg)


def looked() -> gpd.GeoSeries:
    with database.connection() as conn:
        return standing_views(conn, loaded_town(conn).metric_epsg).geometry


# -------------------------------------------------------------------------------------------------- cameras


@pytest.mark.postgis
def test_each_further_camera_adds_and_none_exceeds_the_bound(town_database: str) -> None:
    plans = [plan(count) for count in (1, 2, 5)]
    for count, each in zip((1, 2, 5), plans, strict=True):
        assert each.cameras["order"].tolist() == list(range(1, count + 1))
        assert len(each.views) == count and each.possible >= each.candidates > 1000
        assert 0 < each.covered_ratio <= each.bound_ratio <= 1
        assert 0 <= each.gap_ratio < 0.05
        if each.proven_optimal:
            assert each.covered_ratio == pytest.approx(each.bound_ratio)
        assert each.cameras["gain_ratio"].sum() == pytest.approx(each.covered_ratio, abs=1e-4)
        assert (each.cameras["gain_ratio"] > 0).all()
        assert each.cameras["heading_deg"].between(0, 360, inclusive="left").all()
        assert each.covered_ratio + each.unreachable_ratio <= 1
    assert plans[0].covered_ratio < plans[1].covered_ratio < plans[2].covered_ratio


@pytest.mark.postgis
def test_proposals_hang_on_lamp_posts_and_see_ground_that_no_camera_sees(town_database: str) -> None:
    found = plan(5)
    with database.connection() as conn:
        town = loaded_town(conn)
        seen = shapely.union_all(views(conn, town.metric_epsg).geometry.to_numpy())
        lamps = set(conn.scalars(text("SELECT code FROM component WHERE class_code = '01-18'")))
    assert set(found.cameras["lamp"]) <= lamps
    fresh = found.views.to_crs(town.metric_epsg).difference(seen)
    assert (fresh.area > 0).all()


@pytest.mark.postgis
def test_what_is_proposed_is_not_proposed_again(town_database: str) -> None:
    first = ask()
    with_first = gpd.GeoSeries(
        np.concatenate([looked().to_numpy(), metric(first.views).geometry.to_numpy()]), crs=looked().crs
    )
    second = ask(with_first)
    assert not set(zip(second.cameras["site"], second.cameras["heading_deg"], strict=True)) & set(
        zip(first.cameras["site"], first.cameras["heading_deg"], strict=True)
    )
    alone = ask(looked().iloc[:0], count=6)
    assert alone.covered_ratio > 0 and alone.unreachable_ratio < 1


@pytest.mark.postgis
def test_the_camera_that_plays_footage_of_elsewhere_sees_nothing_here(town_copy: str) -> None:
    with database.connection() as conn:
        epsg = loaded_town(conn).metric_epsg
        before = set(standing_views(conn, epsg).index)
        stored = set(views(conn, epsg).index)
    with database.transaction() as session:
        played = set(session.scalars(text("SELECT id FROM camera WHERE demonstration")))
        session.execute(text("UPDATE camera SET demonstration = true WHERE id = :id"), {"id": min(before)})
    assert before == stored - played
    assert set(looked().index) == before - {min(before)}


@pytest.mark.postgis
def test_every_model_keeps_its_promise(town_database: str) -> None:
    most = ask(curve=True)
    assert list(most.curve["count"]) == list(range(11))
    assert (most.curve["covered_ratio"] <= most.curve["bound_ratio"] + 1e-9).all()
    assert most.curve["covered_ratio"].is_monotonic_increasing
    assert most.curve["covered_ratio"][3] == pytest.approx(most.covered_ratio, rel=0.05)

    fewest = ask(model="lscp", share_ratio=0.3)
    reach = 1 - fewest.unreachable_ratio
    assert fewest.covered_ratio >= 0.3 * reach - 1e-6
    assert fewest.bound_cost is not None and fewest.bound_cost <= fewest.cost == len(fewest.cameras)

    paid = ask(model="budgeted", budget=20_000.0, lenses=tuple(LENSES.values()))
    assert paid.cost == pytest.approx(paid.cameras["cost"].sum()) and paid.cost <= 20_000
    assert set(paid.cameras["lens"]) <= set(LENSES)
    assert paid.covered_ratio >= most.covered_ratio * 0.99

    twice = ask(model="backup", backup_ratio=1.0)
    assert 0 < twice.covered_ratio <= twice.bound_ratio <= 1

    fair = ask(model="fair", count=12, districts="community", minimum_ratio=0.25)
    assert len(fair.districts) == 4 and not fair.districts["unmet"].any()
    assert (fair.districts["covered_ratio"] >= 0.25 - 1e-6).all()
    short = ask(model="fair", count=7, districts="community", minimum_ratio=0.25)
    assert list(short.districts["unmet"]) == list(short.districts["covered_ratio"] < 0.25)


@pytest.mark.postgis
def test_a_district_that_cannot_have_its_minimum_is_named(town_database: str) -> None:
    with pytest.raises(InputError, match=r"District 9100910\d+ cannot reach its minimum of 99\.0%") as caught:
        ask(model="fair", minima=(("910091001", 0.99),))
    assert caught.value.mend
    with pytest.raises(InputError, match="names the district 999"):
        ask(model="fair", minima=(("999", 0.1),))


@pytest.mark.postgis
def test_fewer_candidates_are_weighed_and_both_numbers_told(town_database: str) -> None:
    some, all_of_them = ask(most_candidates=200), ask()
    assert some.candidates <= 200 and some.possible == all_of_them.possible
    assert some.covered_ratio <= all_of_them.bound_ratio + 1e-9
    assert some.covered_ratio > 0.5 * all_of_them.covered_ratio


@pytest.mark.postgis
def test_walls_and_new_poles_are_sites_too(town_database: str) -> None:
    with database.connection() as conn:
        town = loaded_town(conn)
        sites = possible_sites(conn, town, ("lamps", "streets", "walls"), spacing_m=40)
        houses = set(conn.scalars(text("SELECT id FROM building")))
    assert set(sites["kind"]) == {"lamp", "street", "wall"}
    walls = sites[sites["kind"] == "wall"]
    assert set(walls["source"]) <= houses and walls["facing_deg"].notna().all()
    assert (sites["cost"] > 0).eq(sites["kind"] == "street").all()
    found = ask(sites=("streets", "walls"), spacing_m=40)
    assert set(found.cameras["site_kind"]) <= {"street", "wall"} and found.cameras["lamp"].isna().all()


@pytest.mark.postgis
def test_an_area_or_cells_limit_sites_and_demand(town_database: str) -> None:
    with database.connection() as conn:
        area = shapely.from_wkb(
            bytes(conn.scalar(text("SELECT ST_AsBinary(geom) FROM area WHERE code = '910091001'")))
        )
        cells = tuple(conn.scalars(text("SELECT id FROM unit_cell ORDER BY id LIMIT 60")))
    found = ask(area="910091001", sites=("streets",))
    assert shapely.dwithin(found.cameras.geometry.to_numpy(), area, 1e-9).all()
    assert ask(cells=cells, sites=("streets",)).possible < ask(sites=("streets",)).possible
    with pytest.raises(NotFound, match="no area 1"):
        ask(area="1")
    with pytest.raises(NotFound, match="no cell -5"):
        ask(cells=(-5,))
    with pytest.raises(InputError, match="Both an area and cells"):
        ask(area="910091001", cells=cells)


@pytest.mark.postgis
def test_where_every_place_is_seen_nothing_is_gained(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE camera_view SET geom = (SELECT ST_Multi(ST_Buffer(ST_Extent(geom)::geometry, 0.01)) FROM area)"
            )
        )
    with pytest.raises(NotFound, match="not covered already"):
        plan(3)


# ----------------------------------------------------------------------------------------------- QR points


@pytest.mark.postgis
def test_qr_points_serve_who_walks_and_signs_are_seen(town_database: str) -> None:
    qr = ask(kind="qr", sites=("streets",), weights=(("complaints", 1.0), ("uniform", 0.5)))
    assert (qr.cameras["lens"] == "qr").all() and qr.covered_ratio > 0.1
    reach = metric(qr.views).hausdorff_distance(metric(qr.cameras.geometry), align=True)
    assert (reach <= 150 + 2).all()
    sign = ask(kind="sign", sites=("streets",), weights=(("uniform", 1.0),))
    assert (sign.cameras["lens"] == "sign").all() and (~sign.views.is_empty).all()
    wider = ask(
        kind="qr", sites=("streets",), weights=(("uniform", 1.0),), lenses=(Lens("qr", 360.0, 300.0),)
    )
    assert wider.covered_ratio > ask(kind="qr", sites=("streets",), weights=(("uniform", 1.0),)).covered_ratio


# --------------------------------------------------------------------------------------------------- demand


@pytest.mark.postgis
def test_demand_mixes_by_its_factors(town_database: str) -> None:
    with database.connection() as conn:
        town = loaded_town(conn)
        rate = conn.scalar(text("SELECT sum(rate) FROM cell_measure"))
        reports = conn.scalar(text("SELECT count(*) FROM case_file WHERE source = 'qr'"))
        kerbs = demand_points(conn, town)
        schools = wanted_points(conn, town, [("schools", 1.0)])
        told = wanted_points(conn, town, [("complaints", 1.0)])
        mixed = wanted_points(conn, town, [("violations", 1.0), ("schools", 3.0), ("uniform", 0.0)])
    assert kerbs["weight"].sum() >= float(rate)
    assert told["weight"].sum() == reports
    assert schools["weight"].sum() == pytest.approx(round(schools["weight"].sum()))
    assert mixed.groupby("layer")["weight"].sum().to_dict() == pytest.approx({"violations": 1, "schools": 3})


@given(
    st.lists(
        st.tuples(st.floats(-200, 200), st.floats(-200, 200), st.floats(0.5, 90), st.floats(0.5, 90)),
        max_size=5,
    ),
    st.sampled_from([5.0, 10.0, 13.0]),
)
@settings(max_examples=30, deadline=None)
def test_points_of_ground_are_the_lattice_within_the_views(
    boxes: list[tuple[float, ...]], spacing: float
) -> None:
    shapes = gpd.GeoSeries([shapely.box(x, y, x + w, y + h) for x, y, w, h in boxes], crs=3067)
    points = ground_points(shapes, spacing)
    axis = np.arange(-41, 60) * spacing
    x, y = (each.ravel() for each in np.meshgrid(axis, axis))
    ground = shapely.union_all(shapes.to_numpy())
    inside = shapely.intersects_xy(ground, x, y)
    assert points["weight"].sum() == pytest.approx(inside.sum() * spacing**2)
    assert len(points) == inside.sum() and shapely.intersects(points.geometry.to_numpy(), ground).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_promising_sites_are_near_unseen_demand_and_spread(seed: int, most: int) -> None:
    random = np.random.default_rng(seed)
    sites = gpd.GeoDataFrame(geometry=shapely.points(random.uniform(0, 2000, (60, 2))), crs=3067)
    points = gpd.GeoDataFrame(geometry=shapely.points(random.uniform(0, 400, (40, 2))), crs=3067)
    unseen = random.choice([0.0, 1.0], 40)
    rows = promising(sites, points, unseen, 60.0, most)
    assert len(rows) <= most and len(set(rows)) == len(rows)
    lit = points[unseen > 0]
    if not len(lit):
        assert not len(rows)
        return
    far = shapely.distance(sites.geometry.to_numpy()[:, None], lit.geometry.to_numpy()[None, :]).min(axis=1)
    assert (far[rows] <= 60 * 2**0.5 + 80).all()
    assert set(np.flatnonzero(far <= 60)) <= set(promising(sites, points, unseen, 60.0, 60))


# -------------------------------------------------------------------------------------- removal, relocation


@pytest.mark.postgis
def test_the_ground_lost_is_the_ground_told(town_database: str) -> None:
    found = remove(20)
    seen = looked()
    rest = seen.drop(found.cameras["camera_id"].tolist())
    lost = shapely.union_all(seen.to_numpy()).area - shapely.union_all(rest.to_numpy()).area
    assert len(found.cameras) == 20 and found.among == len(seen)
    assert found.lost_m2 == pytest.approx(lost, abs=2.0)
    assert metric(found.lost).area.sum() == pytest.approx(lost, abs=2.0)
    assert 0 <= found.bound_ratio <= found.loss_ratio <= 1
    assert found.cameras["loss_ratio"].sum() == pytest.approx(found.loss_ratio, abs=1e-4)
    assert found.cameras["overlap_ratio"].between(0, 1).all()
    staying = set(rest.index)
    with database.connection() as conn:
        codes = dict(conn.execute(text("SELECT code, id FROM camera")).all())
    named = {codes[code] for each in found.cameras["twins"] for code in each.split(", ") if code}
    assert named and named <= staying


@pytest.mark.postgis
def test_more_removals_lose_more_and_some_cameras_must_stay(town_database: str) -> None:
    few, many = remove(30), remove(90)
    assert few.loss_ratio <= many.loss_ratio and few.bound_ratio <= many.bound_ratio
    stay = few.cameras["camera_id"].tolist()[:5]
    assert not set(remove(30, keep=stay).cameras["camera_id"]) & set(stay)
    assert remove(3, weights=(("ground", 1.0),)).losses["layer"].tolist() == ["ground"]
    with pytest.raises(InputError, match="Camera -1 must stay"):
        remove(1, keep=[-1])


@pytest.mark.postgis
def test_of_two_equal_views_one_can_go(town_database: str) -> None:
    seen = looked().iloc[:30]
    doubled = gpd.GeoSeries(np.append(seen.to_numpy(), seen.iloc[0]), index=[*seen.index, -7], crs=seen.crs)
    found = remove(1, views=doubled, weights=(("ground", 1.0),))
    assert found.loss_ratio == 0 and found.proven_optimal


@pytest.mark.postgis
def test_moving_cameras_covers_no_less(town_database: str) -> None:
    found = relocate(5)
    assert 0 < len(found.added) == len(found.removed) == len(found.views) <= 5
    assert found.current_ratio <= found.covered_ratio <= found.bound_ratio <= 1
    assert set(found.removed["camera_id"]) <= set(looked().index)
    assert found.added["gain_ratio"].sum() >= found.covered_ratio - found.current_ratio - 1e-4
    stay = [int(camera) for camera in found.removed["camera_id"]]
    assert not set(relocate(5, keep=stay).removed["camera_id"]) & set(stay)


# ------------------------------------------------------------------------------------- bad input and files


@pytest.mark.postgis
@pytest.mark.parametrize("count", [-1, 0, MOST + 1])
def test_a_count_out_of_range_names_the_range(count: int, town_database: str) -> None:
    with pytest.raises(InputError, match=f"{count} more cameras.*1 to {MOST}"):
        plan(count)
    for taken in (remove, relocate):
        with pytest.raises(InputError, match=f"{count} cameras cannot be taken away.*1 to {MOST}"):
            taken(count)


@pytest.mark.postgis
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "best"}, "no model 'best'"),
        ({"kind": "drone"}, "no kind 'drone'"),
        ({"sites": ("roofs",)}, "Sites of the kind 'roofs'"),
        ({"sites": ()}, "Sites of the kind ''"),
        ({"headings": 0}, "headings must be above zero"),
        ({"weights": ()}, "No kind of demand has a weight"),
        ({"weights": (("violations", -1.0),)}, "No kind of demand has a weight"),
        ({"weights": (("violations", 1.0), ("schools", float("nan")))}, "factor of schools"),
        ({"weights": (("smells", 1.0),)}, "'smells' is unknown"),
        ({"weights": (("schools", 1.0), ("schools", 1.0))}, "named twice"),
        ({"model": "budgeted"}, "needs a budget"),
        ({"model": "budgeted", "budget": 10.0}, "The budget is 10, but the cheapest candidate"),
        ({"model": "lscp", "share_ratio": 1.5}, "share is 1.5"),
        ({"model": "backup", "backup_ratio": -0.5}, "backup must be from 0 to 1"),
        ({"model": "fair", "districts": "planet"}, "level 'planet'"),
        ({"model": "fair", "minimum_ratio": 2.0}, "is 2.0; a share"),
        ({"lenses": (Lens("blind", 0.0, 10.0),)}, "hfov_deg of lens 'blind'"),
        ({"most_candidates": 0}, "most_candidates must be above zero"),
    ],
)
def test_questions_without_sense_say_what_to_mend(
    changes: dict[str, object], words: str, town_database: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        ask(**changes)
    assert caught.value.mend


def test_a_lens_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(InputError, match=r"no lens 'fisheye'.*wide, medium, tele, panorama"):
        named_lenses(["wide", "fisheye"])


@pytest.mark.postgis
def test_a_town_without_lamps_or_without_anything_says_so(town_copy: str) -> None:
    with database.transaction() as session:
        session.execute(text("DELETE FROM component"))
        session.execute(text("DELETE FROM camera_view"))
    with pytest.raises(NotFound, match="no lamp posts"):
        plan(1)
    with pytest.raises(NotFound, match="huiyan coverage"):
        remove(1)


@pytest.mark.postgis
def test_an_empty_database_says_what_to_do(empty_database: str) -> None:
    with pytest.raises(NotFound, match="huiyan load"):
        plan(1)


@pytest.mark.postgis
def test_the_file_names_method_and_licence_and_is_whole_or_absent(town_database: str, tmp_path: Path) -> None:
    found = plan(2)
    found.write(tmp_path / "plan.geojson")
    body = json.loads((tmp_path / "plan.geojson").read_text(encoding="utf-8"))
    assert body["type"] == "FeatureCollection" and len(body["features"]) == 2
    assert "crs" not in body and body["simulated"] and "Church & ReVelle" in body["method"]
    assert "ODbL-1.0" in body["licence"] and body["attribution"] and body["gap_ratio"] >= 0
    for feature in body["features"]:
        longitude, latitude = feature["geometry"]["coordinates"]
        assert 24 < longitude < 26 and 60 < latitude < 61
    with pytest.raises(TwinError, match="cannot be written"):
        found.write(tmp_path / "no" / "folder.geojson")
    assert "budgeted" in ask(model="budgeted", budget=9_000.0).method
    moved = json.loads(relocate(2).geojson())
    assert {each["properties"]["action"] for each in moved["features"]} == {"add", "remove"}


@pytest.mark.postgis
def test_answers_are_kept_as_runs(town_copy: str) -> None:
    answers = (ask(), remove(2), relocate(1))
    with database.transaction() as session:
        numbers = [keep_plan(session, each) for each in answers]
        kept = session.execute(
            text("SELECT id, kind, revision, method, parameters, result, seconds FROM run")
        ).all()
    assert [row.id for row in kept][-3:] == numbers
    assert [row.kind for row in kept][-3:] == ["place", "remove", "relocate"]
    for row, answer in zip(kept[-3:], answers, strict=True):
        assert row.revision > 0 and row.method == answer.method and row.seconds > 0
        assert row.parameters == json.loads(json.dumps(answer.parameters))
        assert row.result["gap_ratio"] == pytest.approx(answer.gap_ratio, abs=1e-6)
    with pytest.raises(NotFound, match="no scenario 'x'"), database.transaction() as session:
        keep_plan(session, answers[0], "x")
