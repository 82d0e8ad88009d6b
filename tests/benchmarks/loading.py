"""One way to load in a process of its own: `python -m tests.benchmarks.loading WHO FILE COUNT`."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from sqlalchemy import text

from geodata import database
from geodata.commands.imports import Order, load_file
from geodata.commands.unloading import unload
from geodata.ingest.copying import copy_arrays
from geodata.ingest.packing import ewkb

TABLE = "bench_loaded"


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _read(path: Path, count: int) -> gpd.GeoDataFrame:
    table = pacsv.read_csv(path).slice(0, count)
    frame = table.drop_columns(["lon", "lat"]).to_pandas()
    frame = frame.rename(columns={"id": "source_key"}).assign(source_name="bench", simulated=False)
    shapes = gpd.points_from_xy(table["lon"].to_numpy(), table["lat"].to_numpy())
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4490)


def _empty_table() -> None:
    columns = "source_key, name, kind, category, source_name, simulated, geom"
    with database.transaction() as session:
        session.execute(text(f"DROP TABLE IF EXISTS {TABLE}"))
        session.execute(text(f"CREATE TABLE {TABLE} AS SELECT {columns} FROM poi LIMIT 0"))


def _ours(frame: gpd.GeoDataFrame) -> None:
    with database.transaction() as session:
        columns: dict[str, Any] = {
            name: pa.array(frame[name], pa.string(), from_pandas=True)
            for name in ("source_key", "name", "kind", "category")
        }
        columns |= {
            "source_name": "bench",
            "simulated": np.zeros(len(frame), dtype=bool),
            "geom": ewkb(frame.geometry.to_numpy()),
        }
        copy_arrays(session, "poi", columns, into=TABLE)


def _to_postgis(frame: gpd.GeoDataFrame) -> None:
    named = frame.rename_geometry("geom")
    with database.engine().begin() as conn:
        named.to_postgis(TABLE, conn, if_exists="append", index=False)


def main(who: str, path: Path, count: int) -> None:
    """Prints seconds, rows and megabytes."""
    if who == "load":
        order = Order(path, "pois", source="bench")
        before, start = _peak_mb(), time.perf_counter()
        done = load_file(order)
        seconds, peak = time.perf_counter() - start, _peak_mb() - before
        unload(done.revision or 0)
        print(json.dumps({"seconds": seconds, "rows": done.added, "peak_mb": peak}))
        return
    frame = _read(path, count)
    ways: dict[str, Callable[[gpd.GeoDataFrame], None]] = {"ours": _ours, "to_postgis": _to_postgis}
    _empty_table()
    before, start = _peak_mb(), time.perf_counter()
    ways[who](frame)
    seconds, peak = time.perf_counter() - start, _peak_mb() - before
    with database.transaction() as session:
        rows = int(session.scalar(text(f"SELECT count(*) FROM {TABLE}")) or 0)
        session.execute(text(f"DROP TABLE {TABLE}"))
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
