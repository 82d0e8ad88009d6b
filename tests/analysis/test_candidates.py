"""Sites, candidates and what they cover: laws and cases."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse import csgraph

from analysis.errors import CrsError, InputError
from analysis.placement.candidates import Lens, candidate_cameras, candidate_sites, cover_matrix
from analysis.visibility import prepare_obstacles, visible_polygons

UTM = 32635
FEW = settings(max_examples=40, deadline=None)
HOUSE = shapely.box(20, 20, 60, 40)
STREET = shapely.LineString([(0, 10), (100, 10)])


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=UTM)


def lattice(side, step=100.0):
    """Streets of a town of square blocks, cut at the junctions."""
    at = step * np.arange(side + 1)
    lines = [
        shapely.LineString([(x, y), (x + dx * step, y + dy * step)])
        for x in at
        for y in at
        for dx, dy in ((1, 0), (0, 1))
        if x + dx * step <= at[-1] and y + dy * step <= at[-1]
    ]
    return gpd.GeoSeries(lines, crs=UTM)


# Laws


@FEW
@given(st.integers(0, 2**32 - 1), st.floats(50, 500))
def test_walking_covers_what_the_shortest_paths_between_all_places_say(seed, limit):
    random = np.random.default_rng(seed)
    streets = lattice(3)[random.random(24) < 0.8].reset_index(drop=True)
    places = random.uniform(0, 300, (12, 2))
    starts, ends = (gpd.GeoSeries(shapely.points(part), crs=UTM) for part in (places[:5], places[5:]))
    covers = cover_matrix(starts, ends, distance_m=limit, streets=streets)

    tree = shapely.STRtree(streets.to_numpy())
    nodes = {
        tuple(xy): number for number, xy in enumerate(np.unique(shapely.get_coordinates(streets), axis=0))
    }
    count = len(nodes) + len(places)
    ways = sparse.lil_matrix((count, count))
    foot = [(*tree.query_nearest(shapely.Point(xy), all_matches=False), shapely.Point(xy)) for xy in places]
    for line, (one, two) in enumerate(shapely.get_coordinates(streets).reshape(-1, 2, 2)):
        here = [
            (streets[line].project(point), point.distance(streets[line]), len(nodes) + number)
            for number, (nearest, point) in enumerate(foot)
            if nearest == line
        ]
        on = [(0.0, 0.0, nodes[tuple(one)]), (100.0, 0.0, nodes[tuple(two)]), *here]
        for along, aside, a in on:
            for further, beside, b in on:
                if a != b:
                    ways[a, b] = abs(along - further) + aside + beside
    far = csgraph.dijkstra(ways.tocsr())[len(nodes) : len(nodes) + 5, len(nodes) + 5 :]
    unsure = np.abs(far - limit) < 1e-6
    assert ((covers.toarray() > 0) == (far <= limit))[~unsure].all()


@FEW
@given(st.integers(0, 2**32 - 1), st.floats(1, 300), st.floats(0, 200))
def test_walking_further_covers_more_and_never_more_than_a_bird(seed, limit, more):
    random = np.random.default_rng(seed)
    places = gpd.GeoSeries(shapely.points(random.uniform(0, 300, (15, 2))), crs=UTM)
    near = cover_matrix(places, places, distance_m=limit, streets=lattice(3)).toarray() > 0
    far = cover_matrix(places, places, distance_m=limit + more, streets=lattice(3)).toarray() > 0
    bird = cover_matrix(places, places, distance_m=limit + more).toarray() > 0
    assert (near <= far).all()
    near_diagonal = ~np.eye(15, dtype=bool)
    assert (far <= bird)[near_diagonal].all()


@FEW
@given(st.floats(5, 60), st.floats(0, 8))
def test_new_poles_stand_beside_the_street_outside_of_buildings(spacing, offset):
    sites = candidate_sites(
        streets=frame([STREET]), buildings=frame([HOUSE]), spacing_m=spacing, offset_m=offset
    )
    poles = sites[sites["kind"] == "street"]
    assert len(poles) == max(round(100 / spacing), 1)
    assert poles.distance(STREET).to_numpy() == pytest.approx(offset)
    assert not sites.intersects(HOUSE).any()
    walls = sites[sites["kind"] == "wall"]
    assert walls.distance(HOUSE).to_numpy() == pytest.approx(0.3)
    assert (walls.distance(STREET) <= 30).all()


@FEW
@given(st.floats(0, 359), st.floats(10, 40), st.floats(10, 40))
def test_a_wall_looks_straight_away_from_its_house(turn, width, depth):
    house = shapely.affinity.rotate(shapely.box(-width / 2, -depth / 2, width / 2, depth / 2), turn)
    sites = candidate_sites(buildings=frame([house]), spacing_m=7)
    bearing = np.deg2rad(sites["facing_deg"].to_numpy())
    ahead = shapely.get_coordinates(sites.geometry) + np.column_stack([np.sin(bearing), np.cos(bearing)])
    assert shapely.distance(shapely.points(ahead), house) == pytest.approx(1.3, abs=1e-6)


# Cases


def test_sites_say_what_they_are_and_where_they_come_from():
    poles = frame([shapely.Point(1, 1), shapely.Point(2, 2)], code=["a", "b"]).set_index("code")
    sites = candidate_sites(poles=poles, streets=frame([STREET]), buildings=frame([HOUSE]), spacing_m=25)
    assert list(sites.index) == list(range(len(sites)))
    assert list(sites["kind"].unique()) == ["pole", "street", "wall"]
    assert list(sites["source"][:2]) == ["a", "b"]
    assert sites["facing_deg"].notna().eq(sites["kind"] == "wall").all()
    south = sites[(sites["kind"] == "wall") & np.isclose(sites["facing_deg"], 180)]
    assert len(south) and np.allclose(south.geometry.y, 19.7)


def test_walls_far_from_streets_and_against_a_neighbour_are_left_out():
    pair = frame([HOUSE, shapely.box(60, 20, 90, 40)])
    sites = candidate_sites(buildings=pair, streets=frame([STREET]), spacing_m=10, near_street_m=10)
    walls = sites[sites["kind"] == "wall"]
    assert len(walls) and np.allclose(walls["facing_deg"], 180)
    alone = candidate_sites(buildings=pair, spacing_m=10)
    assert not np.isclose(alone.geometry.x, 60, atol=1).any()


def test_every_site_heading_and_lens_is_weighed_once():
    sites = frame([shapely.Point(0, 0), shapely.Point(50, 0)], cost=[0.0, 100.0])
    lenses = [Lens("wide", 90, 40, cost=10), Lens("tele", 30, 120, cost=20), Lens("around", 360, 25, cost=30)]
    cameras = candidate_cameras(sites, 4, lenses=lenses)
    assert len(cameras) == 2 * (4 + 4 + 1)
    assert not cameras.duplicated(["site", "heading_deg", "lens"]).any()
    assert cameras.groupby(["site", "lens"])["cost"].first().unstack().loc[1].to_dict() == {
        "wide": 110,
        "tele": 120,
        "around": 130,
    }
    assert {"hfov_deg", "range_m"} < set(cameras.columns) and "vfov_deg" not in cameras.columns
    assert (visible_polygons(cameras, prepare_obstacles(frame([HOUSE]))).area > 0).all()


def test_on_a_wall_no_camera_looks_into_the_house():
    sites = candidate_sites(buildings=frame([HOUSE]), spacing_m=20)
    cameras = candidate_cameras(sites, 8, lenses=[Lens("wide", 60, 30)])
    aside = np.abs(
        (cameras["heading_deg"] - sites["facing_deg"].loc[cameras["site"]].to_numpy() + 180) % 360 - 180
    )
    assert (aside <= 90).all() and len(cameras) == 5 * len(sites)
    views = visible_polygons(cameras, prepare_obstacles(frame([HOUSE])))
    assert views.intersection(HOUSE).area.max() < 1e-3


def test_qr_points_cover_by_the_way_on_foot():
    streets = frame([shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(100, 0), (100, 100)])])
    start = frame([shapely.Point(0, 0)])
    ends = frame(
        [shapely.Point(90, 5), shapely.Point(100, 30), shapely.Point(50, 40), shapely.Point(100, 40)]
    )
    assert cover_matrix(start, ends, distance_m=130, streets=streets).toarray().tolist() == [[1, 1, 1, 0]]
    assert cover_matrix(start, ends, distance_m=80).toarray().tolist() == [[0, 0, 1, 0]]


def test_streets_that_cross_without_a_shared_corner_do_not_meet():
    bridge = frame([shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(50, -50), (50, 50)])])
    ends = frame([shapely.Point(100, 0), shapely.Point(50, 45)])
    assert cover_matrix(
        frame([shapely.Point(0, 0)]), ends, distance_m=500, streets=bridge
    ).toarray().tolist() == [[1, 0]]


def test_walking_within_one_stretch_does_not_go_by_its_ends():
    street = frame([shapely.LineString([(0, 0), (1000, 0)])])
    covers = cover_matrix(
        frame([shapely.Point(500, 0)]), frame([shapely.Point(510, 0)]), distance_m=20, streets=street
    )
    assert covers.toarray().tolist() == [[1]]


def test_nothing_to_start_from_or_to_reach_is_an_empty_matrix():
    none, one = frame([]), frame([shapely.Point(0, 0)])
    for starts, ends in ((none, one), (one, none), (none, none)):
        for streets in (None, frame([STREET])):
            covers = cover_matrix(starts, ends, distance_m=10, streets=streets)
            assert covers.shape == (len(starts), len(ends)) and covers.nnz == 0
    assert len(candidate_sites(streets=none)) == len(candidate_sites(buildings=none)) == 0


# Errors


def test_wrong_sites_are_refused():
    with pytest.raises(InputError, match="nothing to hang cameras on"):
        candidate_sites()
    with pytest.raises(CrsError):
        candidate_sites(streets=frame([STREET]).set_crs(4326, allow_override=True))
    with pytest.raises(InputError, match="spacing_m must be above zero"):
        candidate_sites(streets=frame([STREET]), spacing_m=0)
    with pytest.raises(InputError, match="Row 0 is LineString, not a point"):
        candidate_sites(poles=frame([STREET]))


@pytest.mark.parametrize(
    ("lenses", "words"),
    [
        ([], "no lens"),
        ([Lens("a", 0, 10)], "hfov_deg of lens 'a' is 0"),
        ([Lens("a", 361, 10)], "hfov_deg of lens 'a' is 361"),
        ([Lens("a", 90, float("nan"))], "range_m of lens 'a'"),
        ([Lens("a", 90, 10, cost=-1)], "cost of lens 'a'"),
        ([Lens("a", 90, 10), Lens("a", 60, 10)], "Two lenses are called 'a'"),
    ],
)
def test_wrong_lenses_are_refused(lenses, words):
    with pytest.raises(InputError, match=words):
        candidate_cameras(frame([shapely.Point(0, 0)]), lenses=lenses)


def test_wrong_distances_are_refused():
    point = frame([shapely.Point(0, 0)])
    with pytest.raises(InputError, match="no distance to walk"):
        cover_matrix(point, point, streets=frame([STREET]))
    with pytest.raises(InputError, match="distance_m must be above zero"):
        cover_matrix(point, point, distance_m=-1)
    with pytest.raises(InputError, match="not a point"):
        cover_matrix(frame([STREET]), point, distance_m=10)
    with pytest.raises(InputError, match="no street"):
        cover_matrix(point, point, distance_m=10, streets=frame([]))
    with pytest.raises(CrsError):
        cover_matrix(point, point.set_crs(32636, allow_override=True), distance_m=10)
