"""Exports of a million features, measured side by side with GeoPandas: seconds and memory, in every format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pyogrio
import pytest

from geodata.settings import ROOT
from tests.benchmarks.conftest import Row

pytestmark = pytest.mark.postgis

COUNT = 1_000_000
LEAST_RATIO = 8.0
FLAT_MB = 30.0
"""What streaming may grow by: the same for a tenth of the rows."""
MOST_MB = {"parquet": 90.0, "gpkg": 120.0, "fgb": 280.0, "csv": FLAT_MB}
"""
Batches of 1 MB of text, a row group and the libraries that write them: as much for a fifth of the rows.

GeoPackage fills its spatial index in memory, to a bound; that of FlatGeobuf stands at the head and needs all rows.
"""


@pytest.fixture(scope="module")
def points(bench_url: str) -> str:
    """A table of so many points with six attributes."""
    with psycopg.connect(bench_url, autocommit=True) as link:
        link.execute("SET search_path TO public, extensions")
        link.execute("DROP TABLE IF EXISTS bench_point")
        [(known,)] = link.execute("SELECT count(*) FROM violation WHERE geom IS NOT NULL").fetchall()
        link.execute(
            "CREATE TABLE bench_point AS SELECT row_number() OVER () AS id, origin, class_code, source, at,"
            " confidence, simulated, geom FROM violation, generate_series(1, %s)"
            f" WHERE geom IS NOT NULL LIMIT {COUNT}",
            [COUNT // known + 1],
            prepare=False,
        )
        link.execute("ALTER TABLE bench_point ADD PRIMARY KEY (id)")  # as every layer's table has one
        link.execute("VACUUM ANALYZE bench_point")
    return bench_url


def test_geojson(row: Row, points: str, tmp_path: Path) -> None:
    """A million points with six attributes as GeoJSON, turn by turn; the best of two runs counts."""
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "peer": [], "arrow": []}
    for _ in range(2):
        for who, found in runs.items():
            out = tmp_path / f"{who}.geojson"
            found.append(_export(who, out, points))
            assert _features_in(out) == COUNT
            out.unlink()
    seconds = {who: min(each["seconds"] for each in found) for who, found in runs.items()}
    peak = {who: max(each["peak_mb"] for each in found) for who, found in runs.items()}
    ratio, arrow = seconds["peer"] / seconds["ours"], seconds["arrow"] / seconds["ours"]
    per_s = COUNT / seconds["ours"]
    row("export, features a second", per_s, 100_000, "rows/s", per_s >= 100_000)
    row("export, to_file", COUNT / seconds["peer"], 0, "rows/s", True)
    row("export against to_file", ratio, LEAST_RATIO, "times", ratio >= LEAST_RATIO)
    row("export against to_file with arrow", arrow, 3, "times", arrow >= 3)
    row("export, memory it grew by", peak["ours"], FLAT_MB, "MB", peak["ours"] <= FLAT_MB)
    row("export, memory to_file grew by", peak["peer"], 0, "MB", True)


@pytest.mark.parametrize("suffix", ["parquet", "gpkg", "fgb", "csv"])
def test_other_formats(row: Row, points: str, tmp_path: Path, suffix: str) -> None:
    """The same rows in the other formats against GeoPandas with Arrow; once each, for information but for memory."""
    who = "peer" if suffix in ("parquet", "csv") else "arrow"
    ours, theirs = (_export(each, tmp_path / f"{each}.{suffix}", points) for each in ("ours", who))
    assert _features_in(tmp_path / f"ours.{suffix}") == _features_in(tmp_path / f"{who}.{suffix}") == COUNT
    row(f"export as {suffix}, rows a second", COUNT / ours["seconds"], 0, "rows/s", True)
    row(f"export as {suffix} against GeoPandas", theirs["seconds"] / ours["seconds"], 0, "times", True)
    most = MOST_MB[suffix]
    row(f"export as {suffix}, memory it grew by", ours["peak_mb"], most, "MB", ours["peak_mb"] <= most)
    row(f"export as {suffix}, memory GeoPandas grew by", theirs["peak_mb"], 0, "MB", True)


def _export(who: str, out: Path, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.exporting", who, str(out)]
    environment = {**os.environ, "TWIN_DATABASE_URL": url}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def _features_in(path: Path) -> int:
    """As many as another program reads."""
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    if path.suffix == ".csv":
        with path.open("rb") as file:
            return sum(1 for _ in file) - 1
    return int(pyogrio.read_info(path, force_feature_count=True)["features"])
