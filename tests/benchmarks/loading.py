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
from sqlalchemy.orm import Session

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


def _made(session: Session, kind: str) -> None:
    """A table of the columns that are filled, without an index."""
    columns = "source_key, name, kind, category, source_name, simulated, geom"
    session.execute(text(f"CREATE {kind} TABLE {TABLE} AS SELECT {columns} FROM poi LIMIT 0"))


def _copied(session: Session, frame: gpd.GeoDataFrame) -> int:
    columns: dict[str, Any] = {
        name: pa.array(frame[name], pa.string(), from_pandas=True)
        for name in ("source_key", "name", "kind", "category")
    }
    columns |= {
        "source_name": "bench",
        "simulated": np.zeros(len(frame), dtype=bool),
        "geom": ewkb(frame.geometry.to_numpy()),
    }
    return copy_arrays(session, "poi", columns, into=TABLE)


def _staged(frame: gpd.GeoDataFrame) -> int:
    """Into a table of the transaction's own, as a load does it."""
    with database.transaction() as session:
        _made(session, "TEMP")
        return _copied(session, frame)


def _kept(frame: gpd.GeoDataFrame) -> int:
    """Into a table that stays, which gets its spatial index afterwards."""
    with database.transaction() as session:
        _made(session, "")
        count = _copied(session, frame)
        session.execute(text(f"CREATE INDEX ON {TABLE} USING gist (geom)"))
        return count


def _to_postgis(frame: gpd.GeoDataFrame) -> int:
    """Into a table that is there already and has no index."""
    with database.transaction() as session:
        _made(session, "")
    with database.engine().begin() as conn:
        frame.rename_geometry("geom").to_postgis(TABLE, conn, if_exists="append", index=False)
    return len(frame)


def _to_postgis_new(frame: gpd.GeoDataFrame) -> int:
    """As its documentation shows it: it makes the table, with a spatial index, and fills it."""
    with database.engine().begin() as conn:
        frame.rename_geometry("geom").to_postgis(TABLE, conn, index=False)
    return len(frame)


WAYS: dict[str, Callable[[gpd.GeoDataFrame], int]] = {
    "staged": _staged,
    "to_postgis": _to_postgis,
    "kept": _kept,
    "to_postgis_new": _to_postgis_new,
}


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
    gone = text(f"DROP TABLE IF EXISTS {TABLE}")
    with database.transaction() as session:
        session.execute(gone)
    before, start, thinking = _peak_mb(), time.perf_counter(), time.process_time()
    rows = WAYS[who](frame)
    seconds, own = time.perf_counter() - start, time.process_time() - thinking
    peak = _peak_mb() - before
    with database.transaction() as session:
        session.execute(gone)
    print(json.dumps({"seconds": seconds, "own_seconds": own, "rows": rows, "peak_mb": peak}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
