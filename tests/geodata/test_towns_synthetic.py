"""A made-up town: what holds by construction at any seed, and that a seed makes the same town each time."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from analysis.codes import explain_camera_code, explain_component_code
from analysis.grid import check_cells, unit_cells
from geodata.errors import IngestError, NotFound
from geodata.towns.city import City
from geodata.towns.simulation import turning_presets
from geodata.towns.synthetic import synthetic_city
from geodata.towns.synthetic.boundary import district_boundary
from geodata.towns.synthetic.footprints import BROKEN_RATIO
from geodata.towns.synthetic.lattice import MACRO, draw_lattice
from geodata.towns.synthetic.places import beside, lamps_of
from geodata.towns.town import Plan, Town, find_town

SHARE = 0.02
seeds = st.integers(0, 2**32 - 1)


def small() -> Town:
    return find_town("haining").scaled(SHARE)


@pytest.fixture(scope="module")
def city() -> City:
    return synthetic_city(small())


def plan() -> Plan:
    found = small().plan
    assert found is not None
    return found


def bounds(city: City) -> shapely.Geometry:
    return district_boundary(plan().district).to_crs(city.streets.crs).iloc[0]


def inside(buildings: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> list[int]:
    tree = shapely.STRtree(buildings.geometry.to_numpy())
    return np.unique(tree.query(points.geometry.to_numpy(), predicate="intersects")[0]).tolist()


def test_there_is_as_much_of_everything_as_planned(city: City) -> None:
    wanted = plan()
    assert len(city.buildings) == wanted.buildings
    assert len(city.lamps) == wanted.lamps
    assert len(city.pois) == wanted.pois
    assert len(city.car_parks) == wanted.car_parks
    assert len(city.cameras) == wanted.cameras
    assert len(unit_cells(city.communities[city.communities["has_cells"]])) == wanted.cells
    owner = city.cameras["owner"]
    private = owner.str.startswith("private: ")
    assert private.sum() == wanted.private_cameras
    assert owner[private].nunique() == wanted.private_units
    assert city.cameras["tier"].value_counts().to_dict() == {
        "street": wanted.cameras - wanted.high_cameras - wanted.vehicle_cameras,
        "high": wanted.high_cameras,
        "vehicle": wanted.vehicle_cameras,
    }


def test_the_same_seed_makes_the_same_town(city: City) -> None:
    again, other = synthetic_city(small()), synthetic_city(replace(small(), seed=1))
    for name in City.__dataclass_fields__:
        one, same = getattr(city, name), getattr(again, name)
        pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(same), obj=name)
    assert not city.cameras.geometry.geom_equals(other.cameras.geometry, align=False).any()


def test_communities_fill_the_boundary_without_gaps_or_overlaps(city: City) -> None:
    grounds = city.communities
    whole = bounds(city)
    assert grounds.is_valid.all()
    assert grounds.area.sum() == pytest.approx(whole.area, abs=200)
    # corners lie on whole millimetres along some 200 km
    assert shapely.symmetric_difference(shapely.union_all(grounds.geometry.values), whole).area < 200
    assert list(grounds["community_code"]) == [each.code for each in small().communities]


def test_cells_tile_their_communities(city: City) -> None:
    celled = city.communities[city.communities["has_cells"]]
    assert check_cells(unit_cells(celled), celled).empty
    assert not [
        each for each in small().communities if each.is_village and each.code in set(celled["community_code"])
    ]


def test_streets_hang_together_for_vehicles_and_lie_inside(city: City) -> None:
    driven = city.streets[city.streets["drivable"]]
    ends = [shapely.get_coordinates(shapely.get_point(driven.geometry.values, place)) for place in (0, -1)]
    nodes, number = np.unique(np.concatenate(ends).round(2), axis=0, return_inverse=True)
    count = len(driven)
    links = coo_array((np.ones(count), (number[:count], number[count:])), shape=(len(nodes), len(nodes)))
    assert connected_components(links, directed=False)[0] == 1
    assert shapely.covers(bounds(city), city.streets.geometry.values).all()
    assert (city.streets["length_m"] - city.streets.length).abs().max() < 1e-3
    assert set(city.kerbs["street_edge_id"]) <= set(driven.index)


def test_nothing_stands_in_the_way(city: City) -> None:
    assert inside(city.buildings, city.cameras) == []
    assert inside(city.buildings, city.lamps) == []
    assert inside(city.buildings, city.streets) == []
    assert inside(city.buildings, city.kerbs) == []


def test_few_footprints_are_broken_or_overlap(city: City) -> None:
    shapes = city.buildings.geometry.to_numpy()
    good = city.buildings.is_valid.to_numpy()
    assert (~good).mean() < 4 * BROKEN_RATIO + 1e-3
    one, other = shapely.STRtree(shapes[good]).query(shapes[good], predicate="overlaps")
    common = shapely.area(shapely.intersection(shapes[good][one], shapes[good][other]))
    assert (common > 0.5).sum() / 2 < 0.01 * len(shapes)
    assert city.buildings["height_m"].between(2, 110).all()
    assert (city.buildings["height_m"] < 3.2).any() and (city.buildings["height_m"] > 50).any()


def test_wall_cameras_look_away_from_their_wall_and_pole_cameras_over_their_street(city: City) -> None:
    eyes = city.cameras
    turn = np.radians(eyes["heading_deg"].to_numpy())
    ahead = np.column_stack([np.sin(turn), np.cos(turn)])
    at = np.column_stack([eyes.geometry.x, eyes.geometry.y])
    # a metre ahead is never a building, whatever the mount
    step = gpd.GeoDataFrame(geometry=shapely.points(at + ahead), crs=eyes.crs)
    assert inside(city.buildings, step) == []
    pole = (eyes["street"] > 0).to_numpy() & (eyes["tier"] == "street").to_numpy()
    road = city.streets.loc[eyes["street"][pole]]
    lines = road.geometry.to_numpy()
    assert shapely.distance(lines, eyes.geometry.to_numpy()[pole]).max() < 12
    # from the kerb, ten metres on lie no farther from the middle than the other kerb's lamps
    on = shapely.points(at[pole] + 10 * ahead[pole])
    assert (shapely.distance(lines, on) < road["half_width_m"].to_numpy() + 6).mean() > 0.95


def test_every_camera_has_a_whole_pose_and_both_codes(city: City) -> None:
    eyes = city.cameras
    assert eyes["heading_deg"].between(0, 360, inclusive="left").all()
    assert eyes["hfov_deg"].between(1, 360).all() and eyes["range_m"].between(20, 800).all()
    assert eyes["tilt_deg"].between(5, 60).all() and eyes["height_m"].between(2, 110).all()
    assert eyes["hours_per_day"].between(0, 24).all()
    assert set(eyes["share_level"]) == {1, 2, 3}
    assert eyes["state"].eq("online").mean() == pytest.approx(0.95, abs=0.03)
    assert eyes["heading_sd_deg"].gt(0).equals(eyes["pose_simulated"])
    assert eyes["heading_sd_deg"].eq(0).any() and eyes["heading_sd_deg"].max() <= 25
    assert set(eyes["kind"]) == {"fixed", "dome", "ptz", "panorama"}
    assert not [each for each in eyes["code"] if explain_camera_code(each)]
    assert not [each for each in eyes["component_code"] if explain_component_code(each)]
    assert eyes["code"].is_unique and eyes["component_code"].is_unique and city.lamps["code"].is_unique
    assert not [each for each in city.lamps["code"] if explain_component_code(each)]


def test_presets_lie_within_the_swing(city: City) -> None:
    turning = city.cameras[city.cameras["kind"] == "ptz"]
    assert set(city.presets["camera_id"]) == set(turning.index)
    held = turning.loc[city.presets["camera_id"]].reset_index()
    start, end = (held[f"pan_{side}_deg"].to_numpy() for side in ("from", "to"))
    turned = (city.presets["heading_deg"].to_numpy() - start) % 360
    assert (turned <= (end - start) % 360 + 0.2).all()
    assert city.presets.groupby("camera_id")["share"].sum().round(6).eq(1).all()
    assert city.presets["share"].gt(0).all() and city.presets["hfov_deg"].between(1, 179).all()


def test_schools_have_their_gate_on_the_street(city: City) -> None:
    gates = city.pois[city.pois["category"].isin(("school", "kindergarten"))]
    assert len(gates) and inside(city.buildings, gates) == []
    tree = shapely.STRtree(city.streets.geometry.values)
    _, away = tree.query_nearest(gates.geometry.values, return_distance=True, all_matches=False)
    assert away.max() < 30


def test_no_camera_turns_without_presets() -> None:
    eyes = gpd.GeoDataFrame(
        {
            "kind": ["fixed"],
            "heading_deg": [1.0],
            "tilt_deg": [9.0],
            "hfov_deg": [50.0],
            "pan_from_deg": [np.nan],
            "pan_to_deg": [np.nan],
        },
        geometry=[shapely.Point(0, 0)],
        crs=4549,
    )
    assert turning_presets(eyes, np.random.default_rng(0)).empty


@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_blocks_of_any_lattice_are_convex_and_do_not_overlap(seed: int) -> None:
    field = shapely.box(500_000, 3_300_000, 506_000, 3_304_000)
    shore = np.array([[490_000.0, 3_300_800.0], [510_000.0, 3_300_800.0]])
    lattice = draw_lattice(field, shore, np.random.default_rng(seed))
    quads = shapely.polygons(lattice.corners)
    assert shapely.is_valid(quads).all() and (shapely.area(quads) > 4000).all()
    assert shapely.area(shapely.convex_hull(quads)) == pytest.approx(shapely.area(quads))
    assert shapely.area(shapely.union_all(quads)) == pytest.approx(shapely.area(quads).sum())
    assert shapely.difference(field, shapely.union_all(quads)).area < 1e-6
    assert (lattice.nodes[lattice.dry][:, 1] > 3_300_800).all()
    assert ((np.array(lattice.number.shape) - 1) % MACRO == 0).all()
    assert (lattice.number[lattice.col, lattice.row] == np.arange(len(lattice.col))).all()


@settings(deadline=None, max_examples=40)
@given(seed=seeds, aside=st.floats(0.5, 20), turn=st.floats(0, 360))
def test_places_beside_a_street_lie_on_the_named_side(seed: int, aside: float, turn: float) -> None:
    rng = np.random.default_rng(seed)
    way = np.array([np.sin(np.radians(turn)), np.cos(np.radians(turn))])
    line = shapely.LineString([(0, 0), tuple(100 * way)])
    along = rng.uniform(5, 95, 4)
    for side in (1.0, -1.0):
        placed = beside(np.array([line] * 4), along, np.full(4, side * aside))
        assert placed.along == pytest.approx(np.tile(way, (4, 1)))
        left = np.array([-way[1], way[0]])
        assert (placed.at - along[:, None] * way) @ left == pytest.approx(np.full(4, side * aside))
        # the way to the middle leads back to the line
        assert placed.at + aside * placed.inward == pytest.approx(along[:, None] * way)


def street(length_m: float, **told: object) -> gpd.GeoDataFrame:
    row = {"lit": True, "highway": "residential", "in_town": True, "half_width_m": 4.0} | told
    return gpd.GeoDataFrame(
        {name: [value] for name, value in row.items()},
        index=[7],
        geometry=[shapely.LineString([(0, 0), (length_m, 0)])],
        crs=4549,
    )


def test_lamps_stand_at_the_kerb_on_alternate_sides() -> None:
    lamps = lamps_of(street(300.0), 8, np.random.default_rng(3))
    assert len(lamps) == 8 and set(lamps["street"]) == {7}
    assert lamps.geometry.y.abs().to_numpy() == pytest.approx(4.8)
    assert set(np.sign(lamps.geometry.y)) == {-1.0, 1.0}
    assert (lamps["inward_y"] == -np.sign(lamps.geometry.y)).all()
    assert (lamps["to_end_m"] >= 13).all()


@pytest.mark.parametrize("told", [{"lit": False}, {}])
def test_too_few_streets_for_the_lamps_are_told(told: dict[str, object]) -> None:
    with pytest.raises(IngestError, match="no room for 500 lamps"):
        lamps_of(street(300.0, **told), 500, np.random.default_rng(3))


def test_plans_that_have_no_room_are_told() -> None:
    town = small()
    crowded = replace(town, plan=replace(plan(), buildings=10_000_000))
    with pytest.raises(IngestError, match="has room for"):
        synthetic_city(crowded)
    dark = replace(town, plan=replace(plan(), cameras=20_000, lamps=60))
    with pytest.raises(IngestError, match="lamp posts have no room"):
        synthetic_city(dark)


def test_an_unknown_district_is_told() -> None:
    with pytest.raises(NotFound, match="no district 156999999"):
        district_boundary("156999999")
