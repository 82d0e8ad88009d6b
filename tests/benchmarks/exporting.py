"""
An export in a process of its own, so that its memory is its own: `python -m tests.benchmarks.exporting WHO OUT`.

The suffix of OUT names the format.

Prints the seconds, best of its runs, and how many MB the process grew by at the first; imports are not counted.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy  # noqa: F401 - in memory before the measuring begins
import pyogrio  # noqa: F401

from geodata import database
from geodata.export.columnar import DRIVERS
from geodata.export.formats import FORMATS
from geodata.export.geojson import export_file
from geodata.export.parcel import Parcel
from layers.layer import Export

TABLE = "bench_point"
ENOUGH_S = 3.0
"""Whoever is quick is measured more often, so that everyone has as long to find a quiet moment."""
COLUMNS = ("origin", "class_code", "source", "at", "confidence", "simulated")


def parcel() -> Parcel:
    """The table as a layer of its own."""
    export = Export(TABLE, {name: f"t.{name}" for name in COLUMNS})
    return Parcel(TABLE, "Points", "violations, repeated", export, ("case_file",))


def ours(out: Path) -> None:
    """As `huiyan export` writes it, in the format of the suffix."""
    export_file(out, FORMATS[out.suffix[1:]].stream(parcel()))


def peer(out: Path, *, use_arrow: bool = False) -> None:
    """As the GeoPandas documentation does it; GeoJSON asked for the same: RFC 7946, 7 decimals, bbox."""
    query = f"SELECT id, {', '.join(COLUMNS)}, geom FROM {TABLE} ORDER BY id"
    rows = gpd.read_postgis(query, database.engine(), geom_col="geom").to_crs(4326)
    suffix = out.suffix[1:]
    if suffix == "parquet":
        rows.to_parquet(out, compression="zstd", write_covering_bbox=True, schema_version="1.1.0")
    elif suffix == "csv":
        rows.assign(lon=rows.geometry.x, lat=rows.geometry.y).drop(columns="geom").to_csv(out, index=False)
    elif suffix == "geojson":
        options = {"RFC7946": "YES", "COORDINATE_PRECISION": "7", "WRITE_BBOX": "YES", "ID_FIELD": "id"}
        rows.to_file(out, driver="GeoJSON", engine="pyogrio", use_arrow=use_arrow, **options)
    else:
        rows.to_file(out, driver=DRIVERS[suffix], engine="pyogrio", use_arrow=use_arrow)


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # the kernel's other figure outlives exec and may be the parent's
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 * 1024 if sys.platform == "darwin" else 1024
    )


def main(who: str, out: Path) -> None:
    with database.connection():  # drivers are loaded
        pass
    export = {"ours": ours, "peer": peer, "arrow": lambda path: peer(path, use_arrow=True)}[who]
    before, peak, seconds = _peak_mb(), 0.0, []
    while sum(seconds) < ENOUGH_S:
        out.unlink(missing_ok=True)
        began = time.perf_counter()
        export(out)
        seconds.append(time.perf_counter() - began)
        peak = peak or _peak_mb() - before
    print(json.dumps({"seconds": min(seconds), "peak_mb": peak}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
