"""Bulk writing with COPY, inside the caller's transaction."""

from __future__ import annotations

import math
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from psycopg import sql
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG
from geodata.errors import IngestError
from geodata.models import Base

__all__ = ["copy_rows"]


def copy_rows(session: Session, table: str, rows: pd.DataFrame | gpd.GeoDataFrame) -> int:
    """
    Appends `rows` to `table` and returns how many there were.

    Columns are matched by name; the geometry column goes to `geom` and must be in CGCS2000 or WGS 84 degrees.
    Part of the session's transaction: an error leaves nothing behind.

    Raises
    ------
    IngestError
        If a column does not exist in the table or the geometry is not in degrees.
    """
    known = Base.metadata.tables[table].columns
    plain = pd.DataFrame(rows)
    if isinstance(rows, gpd.GeoDataFrame):
        if rows.crs is None or not rows.crs.is_geographic:
            raise IngestError(
                "Rows for {table} are not in degrees.",
                "Convert them first: frame.to_crs({epsg}).",
                table=table,
                epsg=STORAGE_EPSG,
            )
        wkb = shapely.to_wkb(
            shapely.set_srid(rows.geometry.values, STORAGE_EPSG), hex=True, include_srid=True
        )
        plain = plain.drop(columns=rows.geometry.name).assign(geom=wkb)
    strange = [column for column in plain.columns if column not in known]
    if strange:
        raise IngestError("Table {table} has no column {names}.", table=table, names=", ".join(strange))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, plain.columns))
    )
    raw = session.connection().connection.driver_connection
    assert raw is not None
    columns = [_clean(plain[name]) for name in plain.columns]
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for row in zip(*columns, strict=True):
            copy.write_row(row)
    return len(plain)


def _clean(column: pd.Series[Any]) -> list[Any]:
    """Values that psycopg writes: Python objects, None for everything that is missing."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return [None if pd.isna(value) else value.to_pydatetime() for value in column]
    values = column.to_numpy(dtype=object, na_value=None)
    return [
        None
        if value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and math.isnan(value))
        else value.item()
        if isinstance(value, np.generic)
        else value
        for value in values
    ]
