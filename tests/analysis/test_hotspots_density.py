"""Kernel density on a raster and along streets: brute force, other libraries and laws."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gaussian_kde

from analysis.errors import CrsError, InputError
from analysis.hotspots import (
    Raster,
    StreetPieces,
    cut_streets,
    kernel_density,
    network_density,
    relative_density,
)
from analysis.hotspots.network import kernel_steps

RASTER = Raster.over((0, 0, 2000, 1600), 20.0)


def events(count: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.normal((800, 700), 120, (count // 2, 2)), rng.uniform(0, 1600, (count // 2, 2))]
    )


def exact(points: np.ndarray, raster: Raster, bandwidth: float) -> np.ndarray:
    found = np.zeros((raster.rows, raster.columns))
    for x, y in points:
        square = (raster.x[None, :] - x) ** 2 + (raster.y[:, None] - y) ** 2
        found += np.exp(-square / (2 * bandwidth**2)) / (2 * np.pi * bandwidth**2)
    return found


# ----------------------------------------------------------------------------------------------- raster


@pytest.mark.parametrize("bandwidth", [80.0, 100.0, 300.0])
def test_the_error_is_below_a_thousandth(bandwidth: float) -> None:
    points = events(400)
    found, reference = kernel_density(points, RASTER, bandwidth_m=bandwidth), exact(points, RASTER, bandwidth)
    assert np.abs(found - reference).max() < 1e-3 * reference.max()


def test_it_is_what_scipy_finds() -> None:
    points = events(300)
    found = kernel_density(points, RASTER, bandwidth_m=150.0)
    peer = gaussian_kde(points.T)
    peer.covariance = np.eye(2) * 150.0**2
    peer._compute_covariance = lambda: None  # its own choice is a multiple of the points' covariance
    peer.cho_cov = np.linalg.cholesky(peer.covariance)
    x, y = np.meshgrid(RASTER.x[::20], RASTER.y[::20])
    there = peer(np.stack([x.ravel(), y.ravel()])).reshape(x.shape) * len(points)
    np.testing.assert_allclose(found[::20, ::20], there, atol=1e-3 * found.max())


def test_the_density_adds_up_to_the_events() -> None:
    points = np.random.default_rng(2).uniform(600, 1000, (250, 2))
    found = kernel_density(points, RASTER, bandwidth_m=90.0)
    assert found.sum() * 20**2 == pytest.approx(250, rel=1e-4)
    assert (found >= 0).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(-20, 20), st.integers(-20, 20))
def test_moving_all_moves_the_map(across: int, up: int) -> None:
    points = events(60)
    moved = Raster(RASTER.west_m + across * 7, RASTER.south_m + up * 7, 20.0, RASTER.columns, RASTER.rows)
    there = kernel_density(points, RASTER, bandwidth_m=100.0)
    here = kernel_density(points + np.array([across * 7, up * 7]), moved, bandwidth_m=100.0)
    np.testing.assert_allclose(here, there, atol=1e-5 * there.max())


def test_weights_count_as_so_many_points() -> None:
    points = events(50)
    weighed = kernel_density(points, RASTER, bandwidth_m=100.0, weights=np.full(len(points), 3.0))
    np.testing.assert_allclose(
        weighed, 3 * kernel_density(points, RASTER, bandwidth_m=100.0), rtol=1e-3, atol=1e-9
    )


def test_no_events_are_no_density() -> None:
    assert kernel_density(np.zeros((0, 2)), RASTER, bandwidth_m=100.0).max() == 0


def test_divided_by_looking_a_steady_rate_is_flat_and_unseen_ground_has_no_evidence() -> None:
    places = np.random.default_rng(3).uniform(0, 900, (3000, 2))
    hours = np.where(places[:, 0] < 450, 10.0, 40.0)
    captured = np.repeat(places, (hours * 0.5).astype(int), axis=0)
    rate = relative_density(captured, places, hours, RASTER, bandwidth_m=100.0)
    seen = np.isfinite(rate)
    np.testing.assert_allclose(rate[seen], 0.5, rtol=0.05)
    assert not seen[:, RASTER.x > 1500].any() and seen[:40, :40].all()
    assert np.nanmax(relative_density(captured, places, hours * 2, RASTER, bandwidth_m=100.0)) < 0.27


def test_bad_input_of_the_raster_is_named() -> None:
    with pytest.raises(InputError, match="Point 1 has no place"):
        kernel_density(np.array([[1.0, 2.0], [np.nan, 3.0]]), RASTER, bandwidth_m=100.0)
    with pytest.raises(InputError, match="pixels"):
        kernel_density(events(4), RASTER, bandwidth_m=60.0)
    with pytest.raises(InputError, match="weights"):
        kernel_density(events(4), RASTER, bandwidth_m=100.0, weights=np.ones(3))
    with pytest.raises(InputError, match="hours"):
        relative_density(events(4), events(4), np.full(4, -1.0), RASTER, bandwidth_m=100.0)


# ---------------------------------------------------------------------------------------------- streets


def streets(*lines: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.LineString(line) for line in lines], crs=32650)


CROSS = streets(
    [(0, 0), (100, 0)],
    [(100, 0), (200, 0)],
    [(100, 0), (100, 60)],
    [(100, 0), (100, -30)],
    [(200, 0), (200, 50)],
)
BLOCK = streets(
    [(0, 0), (40, 0)],
    [(40, 0), (40, 30)],
    [(40, 30), (0, 30)],
    [(0, 30), (0, 0)],
    [(40, 0), (90, 0)],
    [(40, 30), (40, 80)],
)
FORK = streets([(0, 0), (50, 0)], [(50, 0), (100, 0)], [(50, 0), (50, 40)])
"""The streets of three small towns; every length is a multiple of ten."""
TOWNS = {"cross": CROSS, "block": BLOCK, "fork": FORK}


def followed(
    town: gpd.GeoDataFrame, street: int, at: int, kernel: np.ndarray, step: float, continuous: bool
) -> list[np.ndarray]:
    """The density of one event in the middle of a piece, by following every path of its kernel."""
    tips = [(shapely.get_coordinates(line)[0], shapely.get_coordinates(line)[-1]) for line in town.geometry]
    nodes = [tuple(tuple(np.round(tip, 3)) for tip in pair) for pair in tips]
    pieces = [round(line.length / step) for line in town.geometry]
    found = [np.zeros(count) for count in pieces]

    def walk(line: int, place: int, way: int, steps: int, amount: float) -> None:
        while steps < len(kernel):
            found[line][place] += amount * kernel[steps]
            steps, place = steps + 1, place + way
            if 0 <= place < pieces[line]:
                continue
            node = nodes[line][1 if way > 0 else 0]
            ways = [(each, end) for each, pair in enumerate(nodes) for end in (0, 1) if pair[end] == node]
            for each, end in ways:
                own = each == line and end == (1 if way > 0 else 0)
                through = 2 / len(ways) if continuous else 1 / max(len(ways) - 1, 1)
                share = through - own if continuous else through * (not own)
                if share:
                    walk(
                        each,
                        0 if end == 0 else pieces[each] - 1,
                        1 if end == 0 else -1,
                        steps,
                        amount * share,
                    )
            return

    found[street][at] += kernel[0]
    for way in (1, -1):
        walk_from = at + way
        if 0 <= walk_from < pieces[street]:
            walk(street, walk_from, way, 1, 1.0)
        else:  # the junction is next: enter the loop on the far side of an imagined step
            found[street][at] -= kernel[0]
            walk(street, at, way, 0, 1.0)
    return found


@pytest.mark.parametrize("split", ["discontinuous", "continuous"])
@pytest.mark.parametrize("name", TOWNS)
def test_the_wave_is_what_following_every_path_finds(name: str, split: str) -> None:
    town = TOWNS[name]
    pieces = cut_streets(town, step_m=5.0)
    kernel = kernel_steps(70.0, 5.0)
    for street in range(len(town)):
        for at in (0, 2, round(town.length.iloc[street] / 5) - 1):
            start = pieces.shared_out(np.array([street]), np.array([at * 5 + 2.5]))
            assert start.max() == 1.0
            ours = network_density(pieces, start, bandwidth_m=70.0, split=split)  # type: ignore[arg-type]
            theirs = np.concatenate(followed(town, street, at, kernel, 5.0, split == "continuous"))
            np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_along_one_long_street_it_is_the_density_of_a_line() -> None:
    pieces = cut_streets(streets([(0, 0), (1000, 0)]), step_m=1.0)
    at = np.array([300.5, 402.25, 611.0])
    found = network_density(pieces, pieces.shared_out(np.zeros(3, int), at), bandwidth_m=120.0)
    middles = np.arange(1000) + 0.5
    away = (middles[:, None] - at) / 120.0
    exact_line = (15 / 16 / 120.0 * np.where(np.abs(away) < 1, (1 - away**2) ** 2, 0)).sum(axis=1)
    np.testing.assert_allclose(found, exact_line, atol=1e-3 * exact_line.max())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 30)), min_size=1, max_size=12), st.floats(15, 300))
def test_the_continuous_split_loses_nothing(found: list[tuple[int, float]], bandwidth: float) -> None:
    pieces = cut_streets(BLOCK, step_m=5.0)
    street, along = (np.array(column) for column in zip(*found, strict=True))
    start = pieces.shared_out(street, along)
    density = network_density(pieces, start, bandwidth_m=bandwidth)
    assert (density * pieces.piece_m).sum() == pytest.approx(len(found), rel=1e-9)


def test_the_discontinuous_split_loses_what_runs_out_of_dead_ends() -> None:
    pieces = cut_streets(CROSS, step_m=5.0)
    start = pieces.shared_out(np.array([0]), np.array([52.5]))
    inside = network_density(pieces, start, bandwidth_m=50.0, split="discontinuous")
    assert (inside * 5).sum() == pytest.approx(1.0)
    wide = network_density(pieces, start, bandwidth_m=120.0, split="discontinuous")
    kernel = kernel_steps(120.0, 5.0) * 5
    lost = kernel[11:].sum()  # out of the western end, 52.5 m away: the 11th step is past it
    lost += kernel[16:].sum() / 3  # and out of the short southern dead end behind the crossing
    lost += kernel[22:].sum() / 3  # and of the northern one
    assert (wide * 5).sum() == pytest.approx(1 - lost)


def test_the_continuous_density_has_no_step_at_a_junction() -> None:
    pieces = cut_streets(CROSS, step_m=1.0)
    start = pieces.shared_out(np.array([0]), np.array([80.5]))
    around = [pieces.starts[1] - 1, pieces.starts[1], pieces.starts[2], pieces.starts[3]]
    smooth = network_density(pieces, start, bandwidth_m=60.0)[around]
    assert np.ptp(smooth) < 0.08 * smooth.max()
    split = network_density(pieces, start, bandwidth_m=60.0, split="discontinuous")[around]
    assert split[0] > 2.5 * split[1:].max()


def test_events_add_up_and_the_order_of_streets_does_not_matter() -> None:
    pieces = cut_streets(CROSS, step_m=5.0)
    one = pieces.shared_out(np.array([0, 2]), np.array([33.0, 12.0]))
    two = pieces.shared_out(np.array([1]), np.array([71.0]))
    together = network_density(pieces, one + 3 * two, bandwidth_m=80.0)
    apart = [network_density(pieces, each, bandwidth_m=80.0) for each in (one, two)]
    np.testing.assert_allclose(together, apart[0] + 3 * apart[1], atol=1e-12)
    order = [3, 1, 4, 0, 2]
    turned = cut_streets(CROSS.iloc[order], step_m=5.0)
    place = np.argsort(order)
    moved = turned.shared_out(place[[0, 2]], np.array([33.0, 12.0]))
    by_street = turned.by_street(network_density(turned, moved, bandwidth_m=80.0))
    np.testing.assert_allclose(by_street.sort_index(), pieces.by_street(apart[0]).sort_index(), atol=1e-12)


def test_bad_input_of_streets_is_named() -> None:
    with pytest.raises(InputError, match="no streets"):
        cut_streets(CROSS.iloc[:0])
    with pytest.raises(CrsError, match="streets"):
        cut_streets(CROSS.to_crs(4490))
    pieces: StreetPieces = cut_streets(CROSS)
    with pytest.raises(InputError, match="pieces"):
        network_density(pieces, np.zeros(3), bandwidth_m=100.0)
    with pytest.raises(InputError, match="two steps"):
        network_density(pieces, np.zeros(len(pieces)), bandwidth_m=6.0)
    with pytest.raises(InputError, match="split"):
        network_density(pieces, np.zeros(len(pieces)), bandwidth_m=60.0, split="simple")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="street 7"):
        pieces.shared_out(np.array([7]), np.array([1.0]))
