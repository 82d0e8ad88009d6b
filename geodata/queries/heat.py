"""Points for heat maps: violations binned to a fine grid, as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geodata.queries.tiles import TileSource, conditions

__all__ = ["heat_sql"]

BIN_DEG = 0.00015
"""About 15 m: finer than the radius of any heat map, so nothing is lost and a million points stay small."""


def heat_sql(source: TileSource, filters: Mapping[str, Any]) -> str:
    """Rows (longitude, latitude, count), in degrees, of all points of `source` that pass `filters`."""
    where = "".join(f" AND {condition}" for condition in conditions(source, filters))
    return (
        f"SELECT round((i * {BIN_DEG})::numeric, 5), round((j * {BIN_DEG})::numeric, 5), n FROM"
        f" (SELECT round(ST_X(t.geom) / {BIN_DEG}) AS i, round(ST_Y(t.geom) / {BIN_DEG}) AS j, count(*) AS n"
        f" FROM {source.table} t WHERE t.geom IS NOT NULL{where} GROUP BY 1, 2) q"
    )
