"""Cells as a table."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection

from geodata.queries.frames import read_table

__all__ = ["cell_table"]


def cell_table(conn: Connection) -> pd.DataFrame:
    """One row a cell, by code: its community's names, area and measures; missing numbers are NaN."""
    rows = read_table(
        conn,
        "SELECT c.id, c.code, a.name_zh, a.name_en, c.area_m2, m.coverage_ratio, m.cameras, m.captures, m.reports,"
        " m.exposure_h, m.rate, m.rate_lower, m.rate_upper, c.simulated,"
        " ST_X(ST_Centroid(c.geom)) AS lon_deg, ST_Y(ST_Centroid(c.geom)) AS lat_deg"
        " FROM unit_cell c JOIN area a ON a.id = c.area_id LEFT JOIN cell_measure m ON m.cell_id = c.id"
        " ORDER BY c.code",
    )
    numbers = [
        "coverage_ratio",
        "cameras",
        "captures",
        "reports",
        "exposure_h",
        "rate",
        "rate_lower",
        "rate_upper",
    ]
    rows[numbers] = rows[numbers].apply(pd.to_numeric)
    return rows
