"""Ways on foot: the graph, places on it, distances against scipy, and catchments against published values."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csgraph

from analysis.access import (
    SnappedPlaces,
    StreetGraph,
    Walks,
    flat,
    floating_catchment,
    gaussian,
    reached_nodes,
    snap_places,
    street_graph,
    supply_in_reach,
    walking_distances,
    zones,
)
from analysis.errors import CrsError, InputError

EPSG = 4549


def lines(*shapes: object, **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=[shapely.LineString(shape) for shape in shapes], crs=EPSG)


def points(*places: tuple[float, float]) -> gpd.GeoSeries:
    return gpd.GeoSeries(shapely.points(np.array(places, dtype=float)), crs=EPSG)


def town(seed: int, side: int = 12) -> gpd.GeoDataFrame:
    """A bent lattice of streets with gaps."""
    draw = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    at = np.column_stack([x.ravel(), y.ravel()]) * 80.0 + draw.uniform(-20, 20, (side * side, 2))
    number = np.arange(side * side).reshape(side, side)
    pairs = np.vstack(
        [
            np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
            np.column_stack([number[:-1].ravel(), number[1:].ravel()]),
        ]
    )
    return lines(*at[pairs[draw.random(len(pairs)) < 0.8]])


def all_pairs(graph: StreetGraph, a: SnappedPlaces, b: SnappedPlaces) -> np.ndarray:
    """Distances between places from full distances between nodes: slow and plain."""
    node = csgraph.dijkstra(graph.half_edges())
    found = np.full((len(a), len(b)), np.inf)
    for i in range(len(a)):
        for j in range(len(b)):
            if a.edge[i] < 0 or b.edge[j] < 0:
                continue
            e, f = a.edge[i], b.edge[j]
            ways = [
                first + node[u, v] + last
                for u, first in (
                    (graph.begin[e], a.along_m[i]),
                    (graph.end[e], graph.length_m[e] - a.along_m[i]),
                )
                for v, last in (
                    (graph.begin[f], b.along_m[j]),
                    (graph.end[f], graph.length_m[f] - b.along_m[j]),
                )
            ]
            if e == f:
                ways.append(abs(a.along_m[i] - b.along_m[j]))
            found[i, j] = min(ways) + a.leg_m[i] + b.leg_m[j]
    return found


def dense(walks: Walks) -> np.ndarray:
    found = np.full((walks.origins, walks.targets), np.inf)
    found[walks.origin, walks.target] = walks.metres
    return found


def test_streets_meet_where_they_share_a_vertex_and_nowhere_else() -> None:
    graph = street_graph(lines([(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 40)], [(20, -10), (20, 10)]))
    assert graph.nodes == 6
    assert graph.edges == 4
    assert sorted(graph.length_m.tolist()) == [20, 40, 50, 50]
    assert graph.component_m.tolist() == [140, 20]
    assert graph.from_m[graph.street == 0].tolist() == [0, 50]


def test_a_loop_and_two_ways_between_the_same_junctions_are_kept() -> None:
    graph = street_graph(
        lines([(0, 0), (10, 0)], [(0, 0), (5, 30), (10, 0)], [(0, 0), (-5, 5), (-5, -5), (0, 0)])
    )
    assert graph.edges == 3
    assert graph.half_edges().max() == 10
    ring = snap_places(graph, points((-5, 0), (5, 30)))
    assert dense(walking_distances(graph, ring, ring, 200))[0, 1] == pytest.approx(
        5 + np.hypot(5, 5) + np.hypot(5, 30)
    )


def test_nobody_walks_on_motorways_but_on_footways() -> None:
    streets = lines([(0, 0), (100, 0)], [(0, 10), (100, 10)], highway=["motorway", "footway"])
    graph = street_graph(streets)
    assert graph.street.tolist() == [1]
    with pytest.raises(InputError, match="no streets"):
        street_graph(streets[:1])


def test_vertices_a_hair_apart_are_one() -> None:
    apart = lines([(0, 0), (50, 0)], [(50.02, 0), (90, 0)])
    assert len(street_graph(apart).component_m) == 1
    assert len(street_graph(apart, tolerance_m=0).component_m) == 2


def test_degrees_and_shapes_that_are_no_lines_are_refused() -> None:
    with pytest.raises(CrsError):
        street_graph(lines([(0, 0), (1, 1)]).to_crs(4490))
    with pytest.raises(InputError, match="Street 0"):
        street_graph(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=EPSG))


def test_places_join_the_nearest_street_that_leads_somewhere() -> None:
    graph = street_graph(lines([(0, 0), (400, 0)], [(100, 30), (120, 30)]))
    near = snap_places(graph, points((110, 28), (50, 7), (0, 900)))
    assert near.leg_m.tolist() == [2, 7, 0]
    assert near.lost.tolist() == [2]
    far = snap_places(graph, points((110, 28)), least_component_m=100)
    assert graph.length_m[far.edge[0]] == 400
    assert far.leg_m[0] == 28
    with pytest.raises(InputError, match="1000 m"):
        snap_places(graph, points((0, 0)), least_component_m=1000)


def test_an_area_is_joined_at_its_outline() -> None:
    graph = street_graph(lines([(0, 0), (100, 0)]))
    yard = gpd.GeoSeries([shapely.box(40, 5, 60, 30)], crs=EPSG)
    assert snap_places(graph, yard).leg_m[0] == 5


def test_the_search_equals_scipy() -> None:
    graph = street_graph(town(1, 20))
    half = graph.half_edges()
    origins = np.arange(0, graph.nodes, 7)
    wanted = csgraph.dijkstra(half, indices=origins, limit=500)
    found = reached_nodes(half, origins[:, None], np.zeros((len(origins), 1)), 500)
    given_m = np.full(wanted.shape, np.inf)
    for row in range(len(origins)):
        part = slice(found.starts[row], found.starts[row + 1])
        given_m[row, found.node[part]] = found.metres[part]
        assert (np.diff(found.metres[part]) >= 0).all()
    np.testing.assert_allclose(given_m, wanted, rtol=0, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), limit=st.floats(20, 900))
def test_walks_equal_the_plain_reference_and_go_both_ways(seed: int, limit: float) -> None:
    draw = np.random.default_rng(seed)
    graph = street_graph(town(seed, 6))
    a, b = (snap_places(graph, points(*draw.uniform(-50, 450, (9, 2))), most_m=60) for _ in range(2))
    wanted = all_pairs(graph, a, b)
    walks = walking_distances(graph, a, b, limit)
    near = wanted <= limit - 1e-9
    np.testing.assert_allclose(dense(walks)[near], wanted[near], rtol=0, atol=1e-9)
    assert np.isinf(dense(walks)[wanted > limit + 1e-9]).all()
    back = walking_distances(graph, b, a, limit).turned()
    np.testing.assert_allclose(dense(back)[near], wanted[near], rtol=0, atol=1e-9)
    shorter = walks.within(limit / 2)
    assert set(zip(shorter.origin, shorter.target, strict=True)) <= set(
        zip(walks.origin, walks.target, strict=True)
    )


def test_targets_that_come_later_stand_beside_the_others() -> None:
    graph = street_graph(town(3))
    draw = np.random.default_rng(3)
    a, b, c = (snap_places(graph, points(*draw.uniform(0, 900, (n, 2)))) for n in (5, 8, 3))
    both = walking_distances(graph, a, b.beside(c), 400)
    joined = walking_distances(graph, a, b, 400).beside(walking_distances(graph, a, c, 400))
    np.testing.assert_array_equal(dense(both), dense(joined))
    np.testing.assert_array_equal(dense(both.only([9, 2])), dense(both)[:, [9, 2]])


def test_walks_from_pairs_are_checked() -> None:
    for pairs in (([0, 0], [1, 1], [3.0, 4.0]), ([0], [0], [-1.0]), ([0], [0], [np.nan]), ([2], [0], [1.0])):
        with pytest.raises(InputError):
            Walks.of_pairs(*pairs, (2, 2), 100)
    with pytest.raises(InputError, match="not 200 m"):
        Walks.of_pairs([0], [0], [1.0], (1, 1), 100).within(200)


def test_2sfca_value_of_the_r_package_fca() -> None:
    """Its test: four places of 1 to 4 people that all reach six supplies of 1 to 6 have 2.1 each."""
    walks = Walks.of_pairs(np.repeat(np.arange(4), 6), np.tile(np.arange(6), 4), np.ones(24), (4, 6), 10)
    found = floating_catchment(walks, np.arange(1, 5), np.arange(1, 7))
    np.testing.assert_allclose(found.access, 2.1, rtol=1e-14)
    np.testing.assert_allclose(found.ratio, np.arange(1, 7) / 10)


def test_3sfca_values_of_the_r_package_fca() -> None:
    """The worked example of its README, Gaussian with weight 0.01 at 20 minutes and no end."""
    minutes = np.array(
        [
            [
                8.627326,
                23.64915,
                12.26931,
                26.49052,
                28.21402,
                1.366695,
                15.843165,
                26.772571,
                16.543050,
                13.698442,
            ],
            [
                28.705000,
                13.60002,
                20.32712,
                17.17900,
                3.08774,
                26.994749,
                7.382632,
                1.261786,
                9.837622,
                28.635109,
            ],
            [
                26.686179,
                20.78410,
                19.21520,
                29.82809,
                19.67117,
                21.255914,
                16.321981,
                17.824261,
                8.674792,
                4.413409,
            ],
        ]
    ).T
    origin, target = np.indices(minutes.shape)
    walks = Walks.of_pairs(origin.ravel(), target.ravel(), minutes.ravel(), minutes.shape, 30)
    found = floating_catchment(
        walks,
        [100, 200, 50, 100, 500, 50, 100, 100, 50, 500],
        [1000, 200, 500],
        decay=lambda metres: np.exp(metres**2 / (20**2 / np.log(0.01))),
        choosing=True,
    )
    published = [3.97260949, 0.03678999, 1.46747735, 0.01079342, 0.28782748, 9.11410451, 0.19596873, 0.31194607,
                 0.37539987, 1.10349481]  # fmt: skip
    np.testing.assert_allclose(found.access, published, rtol=2e-6)


def test_2sfca_by_hand() -> None:
    """Two supplies share the middle place: 1/(4+6) at one end, 1/(6+5) at the other, their sum in the middle."""
    walks = Walks.of_pairs([0, 1, 1, 2], [0, 0, 1, 1], [100, 200, 200, 100], (3, 2), 250)
    found = floating_catchment(walks, [4, 6, 5], [1, 1])
    np.testing.assert_allclose(found.access, [1 / 10, 1 / 10 + 1 / 11, 1 / 11])


def test_decays() -> None:
    weight = gaussian(500)(np.array([0.0, 250.0, 500.0, 600.0]))
    np.testing.assert_allclose(weight, [1, (np.exp(-0.125) - np.exp(-0.5)) / (1 - np.exp(-0.5)), 0, 0])
    np.testing.assert_allclose(
        zones([100, 200, 300])(np.array([0.0, 100.0, 150.0, 300.0, 301.0])), [1, 1, 0.68, 0.22, 0]
    )
    with pytest.raises(InputError):
        zones([100, 50], [1, 0.5])
    with pytest.raises(InputError):
        gaussian(0)


def test_a_supply_that_nobody_reaches_has_no_ratio_and_bad_numbers_are_named() -> None:
    walks = Walks.of_pairs([0, 1], [0, 1], [10, 10], (2, 3), 50)
    found = floating_catchment(walks, [4, 0], [2, 3, 1])
    assert np.isnan(found.ratio).tolist() == [False, True, True]
    assert found.access.tolist() == [0.5, 0]
    for demand, supply in (([1, -1], [1, 1, 1]), ([1, 1], [1, np.nan, 1]), ([1, 1, 1], [1, 1, 1])):
        with pytest.raises(InputError):
            floating_catchment(walks, demand, supply)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_laws_of_catchments(seed: int) -> None:
    draw = np.random.default_rng(seed)
    places, supplies = draw.integers(1, 12, 2)
    metres = draw.uniform(0, 500, (places, supplies))
    origin, target = np.indices(metres.shape)
    walks = Walks.of_pairs(origin.ravel(), target.ravel(), metres.ravel(), metres.shape, 300)
    demand, supply = draw.uniform(0, 9, (places, 2)), draw.uniform(0, 9, supplies)
    for decay in (flat, gaussian(300), zones([100, 200, 300])):
        for choosing in (False, True):
            found = floating_catchment(walks, demand, supply, decay=decay, choosing=choosing)
            reached = np.where(np.isnan(found.ratio), 0, supply[:, None]).sum(axis=0)
            np.testing.assert_allclose((demand * found.access).sum(axis=0), reached, atol=1e-9)
            more = floating_catchment(walks, demand, supply * 2, decay=decay, choosing=choosing)
            np.testing.assert_allclose(more.access, 2 * found.access)
    plain = metres <= 300
    crowd = plain.T @ demand[:, 0]
    ratio = np.divide(supply, crowd, out=np.zeros_like(crowd), where=crowd > 0)
    np.testing.assert_allclose(floating_catchment(walks, demand[:, 0], supply).access, plain @ ratio)
    assert (supply_in_reach(walks.within(150), supply) <= supply_in_reach(walks, supply) + 1e-12).all()
