"""
Hot spots, measured side by side with the libraries that are usual for them.

Each pair takes turns in the same run, and its best of several rounds counts, in the processor's own time: other
programs only ever make one longer. What ours finds is held against what the peer finds, or against an exact sum.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import affinity

from analysis.hotspots import (
    CellIndex,
    Neighbours,
    Raster,
    count_by_cell_and_step,
    cut_streets,
    getis_ord,
    kernel_density,
    local_moran,
    network_density,
    space_scan,
    within,
)
from tests.benchmarks.conftest import Row

SIDE_M = 26_500.0
"""About the extent of haining."""
HOURS = 365 * 24
PIXELS = 1024
BANDWIDTH_M = 300.0


def took(*tasks: Callable[[], object], rounds: int = 5) -> list[float]:
    """The shortest processor time of each task, by turns, in seconds; a round before them makes what is made once."""
    best = [float("inf")] * len(tasks)
    for each in range(rounds + 1):
        for place, task in enumerate(tasks):
            start = time.process_time()
            task()
            if each:
                best[place] = min(best[place], time.process_time() - start)
    return best


def captures(count: int) -> np.ndarray:
    """Places of captures in a made-up town: sixty clusters of all sizes, a quarter anywhere. Shape (count, 2)."""
    rng = np.random.default_rng(7)
    middles, sizes = rng.uniform(3000, SIDE_M - 3000, (60, 2)), rng.uniform(200, 1500, 60)
    cluster = rng.choice(60, count, p=rng.dirichlet(np.full(60, 0.7)))
    spots = middles[cluster] + rng.normal(size=(count, 2)) * sizes[cluster][:, None]
    anywhere = rng.random(count) < 0.25
    spots[anywhere] = rng.uniform(0, SIDE_M, (int(anywhere.sum()), 2))
    return np.clip(spots, 0, SIDE_M - 1e-6)


@pytest.mark.parametrize("side", [43, 133])
def test_local_statistics_at_the_cells_of_haining_and_of_a_lattice(row: Row, side: int) -> None:
    import esda
    import libpysal

    cells = side * side
    weights = libpysal.weights.lat2W(side, side, rook=False)
    weights.transform = "B"
    near = Neighbours.of_pairs(*weights.sparse.nonzero(), cells)
    spots = captures(102_000)
    bins = (spots // (SIDE_M / side)).astype(int)
    # captures that differ by a hair: ties are counted otherwise by the peer
    counts = np.bincount(bins[:, 1] * side + bins[:, 0], minlength=cells)
    values = counts + np.random.default_rng(1).uniform(0, 1e-3, cells)
    series = pd.Series(values)
    asked = {"star": True, "transform": "B", "n_jobs": 1, "seed": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = esda.G_Local(values, weights, permutations=999, **asked)
        ours = getis_ord(series, near)
        slow, fast = took(
            lambda: esda.G_Local(values, weights, permutations=999, keep_simulations=False, **asked),
            lambda: getis_ord(series, near),
        )
        plain, quick = took(
            lambda: esda.G_Local(values, weights, permutations=0, **asked),
            lambda: getis_ord(series, near, permutations=0),
        )
        moran, ours_moran = took(
            lambda: esda.Moran_Local(values, weights, permutations=999, seed=1, keep_simulations=False),
            lambda: local_moran(series, near),
            rounds=2,
        )
    apart = float(np.abs(ours["z"] - peer.Zs).max())
    chance = float(np.abs(ours["p"] / 2 - peer.p_sim).mean())
    row(f"Gi* of {cells:,} cells, 999 permutations", fast * 1e3, 0, "ms", True)
    row(f"Gi* of {cells:,} cells, against esda", slow / fast, 5, "x", slow / fast >= 5)
    row(f"Gi* of {cells:,} cells, analytic, against esda", plain / quick, 5, "x", plain / quick >= 5)
    row(f"Gi* of {cells:,} cells, scores differ by", apart, 1e-8, "at most", apart <= 1e-8)
    row(f"Gi* of {cells:,} cells, p differ by", chance, 0.02, "in the mean", chance <= 0.02)
    row(
        f"local Moran of {cells:,} cells, against esda",
        moran / ours_moran,
        5,
        "x",
        moran / ours_moran >= 5,
    )


@pytest.mark.parametrize("count", [102_000, 1_000_000])
def test_kernel_density(row: Row, count: int) -> None:
    from KDEpy import FFTKDE

    spots = captures(count)
    raster = Raster(0.0, 0.0, SIDE_M / (PIXELS - 1), PIXELS, PIXELS)
    # the peer wants all points inside its grid
    edge = np.linspace(-1.0, SIDE_M + 1.0, PIXELS)

    def peer() -> np.ndarray:
        grid = np.stack(np.meshgrid(edge, edge, indexing="ij"), axis=-1).reshape(-1, 2)
        return np.asarray(FFTKDE(bw=BANDWIDTH_M, kernel="gaussian").fit(spots).evaluate(grid))

    slow, fast = took(peer, lambda: kernel_density(spots, raster, bandwidth_m=BANDWIDTH_M), rounds=6)
    found = kernel_density(spots, raster, bandwidth_m=BANDWIDTH_M)
    theirs = peer().reshape(PIXELS, PIXELS).T * count
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(0, PIXELS, 300), rng.integers(0, PIXELS, 300)

    def wrong(density: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
        exact = [
            np.exp(-((spots[:, 0] - x[b]) ** 2 + (spots[:, 1] - y[a]) ** 2) / (2 * BANDWIDTH_M**2)).sum()
            for a, b in zip(rows, columns, strict=True)
        ]
        scale = 2 * np.pi * BANDWIDTH_M**2
        return float(100 * np.abs(density[rows, columns] - np.array(exact) / scale).max() / density.max())

    error = wrong(found, raster.x, raster.y)
    row(f"density of {count:,} points on {PIXELS}²", fast * 1e3, 0, "ms", True)
    row(f"density of {count:,} points, against KDEpy", slow / fast, 3, "x", slow / fast >= 3)
    row(f"density of {count:,} points, error", error, 0.1, "% of the highest", error <= 0.1)
    row(f"density of {count:,} points, KDEpy's error", wrong(theirs, edge, edge), 0, "% of the highest", True)


def test_a_million_captures_into_cells_and_hours(row: Row) -> None:
    side = 43
    step = SIDE_M / side
    boxes = [
        shapely.box(x * step, y * step, x * step + step, y * step + step)
        for y in range(side)
        for x in range(side)
    ][:1846]
    turned = [affinity.rotate(box, 12, origin=(SIDE_M / 2, SIDE_M / 2)) for box in boxes]
    cells = gpd.GeoDataFrame({"cell": np.arange(len(turned))}, geometry=turned, crs=32650)
    spots = captures(1_000_000)
    hours = np.random.default_rng(3).integers(0, HOURS, len(spots))
    points = gpd.GeoDataFrame({"hour": hours}, geometry=gpd.points_from_xy(*spots.T), crs=32650)
    [made] = took(lambda: CellIndex(cells), rounds=2)
    index = CellIndex(cells)

    def ours() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return count_by_cell_and_step(index.rows(spots[:, 0], spots[:, 1]), hours, HOURS)

    def peer() -> pd.Series:
        joined = gpd.sjoin(points, cells, predicate="within")
        return joined.groupby(["cell", "hour"]).size()

    slow, fast = took(peer, ours, rounds=2)
    counted, (cell, hour, number) = peer(), ours()
    same = list(counted.index.get_level_values(0)) == cell.tolist() and counted.tolist() == number.tolist()
    same &= list(counted.index.get_level_values(1)) == hour.tolist()
    row("index of 1,846 cells, made once", made * 1e3, 0, "ms", True)
    row("1,000,000 captures into cell × hour", fast * 1e3, 0, "ms", True)
    row("1,000,000 captures, against geopandas", slow / fast, 10, "x", slow / fast >= 10)
    row("1,000,000 captures, the same counts", float(same), 1, "yes", same)


def test_what_has_no_peer_here(row: Row) -> None:
    """Density along streets and the space scan, at the size of haining; limits keep a screen waiting no longer."""
    blocks = np.arange(0, 12_001, 150.0)
    lines = [
        shapely.LineString([(x, y), (x + dx, y + dy)])
        for dx, dy in ((150, 0), (0, 150))
        for x in blocks[: len(blocks) - (dx > 0)]
        for y in blocks[: len(blocks) - (dy > 0)]
    ]
    pieces = cut_streets(gpd.GeoDataFrame(geometry=lines, crs=32650), step_m=5.0)
    rng = np.random.default_rng(2)
    start = pieces.shared_out(rng.integers(0, len(lines), 102_000), rng.uniform(0, 150, 102_000))
    [spent] = took(lambda: network_density(pieces, start, bandwidth_m=BANDWIDTH_M), rounds=2)
    kilometres = pieces.lengths_m.sum() / 1000
    row(f"density of 102,000 captures along {kilometres:,.0f} km of streets", spent, 2, "s", spent <= 2)
    middles = np.stack(np.meshgrid(np.arange(43) * 100.0, np.arange(43) * 100.0), axis=-1).reshape(-1, 2)[
        :1846
    ]
    hours = pd.Series(rng.gamma(2, 100, len(middles)))
    counts = pd.Series(rng.poisson(hours * 0.27))
    [spent] = took(lambda: space_scan(counts, hours, middles), rounds=1)
    row("space scan of 1,846 cells, 999 simulations", spent, 10, "s", spent <= 10)
    assert len(within(middles, 150.0)) == len(middles)
