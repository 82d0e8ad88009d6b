"""The city-wide run on a Dask cluster: two local workers against one, and against no Dask at all."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from geodata.parts import views
from geodata.parts.executors import Cluster, Executor, Part, Processes, Serial
from tests.benchmarks.conftest import Row
from tests.benchmarks.synthetic_city import cameras, city

TURNS = 3


@pytest.fixture(scope="module")
def parts() -> list[Part]:
    """Parts of 53,000 cameras among 200,000 buildings, as `huiyan coverage` sends them."""
    buildings = city()
    random = np.random.default_rng(3)
    eyes = cameras(buildings)
    eyes = eyes.assign(
        height_m=random.uniform(3.5, 9, len(eyes)),
        tilt_deg=random.uniform(8, 30, len(eyes)),
        vfov_deg=random.uniform(35, 60, len(eyes)),
        resolution_px=random.choice([1920, 2560, 3840], len(eyes)),
        kind="fixed",
    )
    return list(views.view_parts(views.poses_of(eyes, pd.DataFrame({"camera_id": []})), buildings))


@pytest.fixture
def clusters() -> Iterator[dict[int, str]]:
    """Addresses of two Dask clusters on this machine, by the number of their workers, each worker a process."""
    from distributed import LocalCluster

    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": ":0", "silence_logs": 50}
    with LocalCluster(n_workers=1, **options) as one, LocalCluster(n_workers=2, **options) as two:
        yield {1: one.scheduler_address, 2: two.scheduler_address}


def _run(executor: Executor, parts: list[Part]) -> tuple[float, str]:
    """Seconds for all parts, and the digest of what came out."""
    began = time.perf_counter()
    results = {done.part.number: done.result for done in executor.run(views.view_part, parts)}
    seconds = time.perf_counter() - began
    return seconds, hashlib.sha256(b"".join(results[part.number] for part in parts)).hexdigest()


def test_two_dask_workers_against_one(row: Row, parts: list[Part], clusters: dict[int, str]) -> None:
    """The same tasks through the same scheduler code, turn by turn; best of three."""
    with Cluster(clusters[1]) as one, Cluster(clusters[2]) as two, Serial() as alone, Processes(2) as both:
        executors: dict[str, Executor] = {
            "Dask, 1 worker": one,
            "Dask, 2 workers": two,
            "in this process": alone,
            "2 processes": both,
        }
        for executor in executors.values():  # imported and compiled before it is timed
            _run(executor, parts[:4])
        turns = {name: [] for name in executors}
        for _ in range(TURNS):
            for name, executor in executors.items():
                turns[name].append(_run(executor, parts))
    best = {name: min(seconds for seconds, _ in each) for name, each in turns.items()}
    digests = {digest for each in turns.values() for _, digest in each}
    for name, seconds in best.items():
        row(f"53,000 views and DORI rings, {name}", seconds, 0.0, "s", True)
    gain = best["Dask, 1 worker"] / best["Dask, 2 workers"]
    row("Dask, 2 workers against 1", gain, 1.5, "times faster", gain >= 1.5)
    row("different results of all ways", len(digests), 1, "digests", len(digests) == 1)
