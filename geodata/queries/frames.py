"""The one door from SQL to a GeoDataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG

__all__ = ["listed_numbers", "read_frame", "read_table"]


def read_frame(
    conn: Connection | Session,
    sql: str | TextClause,
    parameters: dict[str, Any] | None = None,
    *,
    geometry: str = "geom",
    index: str | None = "id",
    epsg: int = STORAGE_EPSG,
) -> gpd.GeoDataFrame:
    """
    Rows of a query as a GeoDataFrame; with no rows it still has its columns and its CRS.

    Parameters
    ----------
    conn
        An open connection or session.
    sql
        A query with `:name` parameters; its geometry column comes as it is stored.
    parameters
        Values for the parameters.
    geometry
        Name of the geometry column.
    index
        Column that becomes the index, if it is there.
    epsg
        CRS of the geometry.
    """
    clause = text(sql) if isinstance(sql, str) else sql
    result = conn.execute(clause, parameters or {})
    columns = list(result.keys())
    values = dict(zip(columns, zip(*result.all(), strict=True), strict=False)) or dict.fromkeys(columns, ())
    # the shapes go their own way: a column of long texts would cost more than all the rest
    wkb = [None if each is None else bytes.fromhex(str(each)) for each in values[geometry]]
    values[geometry] = (None,) * len(wkb)
    frame = pd.DataFrame.from_records(list(zip(*values.values(), strict=True)), columns=columns)
    frame[geometry] = shapely.set_srid(shapely.from_wkb(wkb), 0) if wkb else gpd.array.from_shapely([])
    found = gpd.GeoDataFrame(frame, geometry=geometry, crs=epsg)
    return found.set_index(index) if index in columns else found


def read_table(
    conn: Connection | Session, sql: str | TextClause, parameters: dict[str, Any] | None = None
) -> pd.DataFrame:
    """Rows of a query without geometry as a DataFrame; with no rows it still has its columns."""
    clause = text(sql) if isinstance(sql, str) else sql
    result = conn.execute(clause, parameters or {})
    return pd.DataFrame.from_records([tuple(row) for row in result], columns=list(result.keys()))


def listed_numbers(rows: Iterable[str], many: int) -> npt.NDArray[np.float64]:
    """
    Arrays of numbers that a query gives as `array_to_string(column, ',')`, to the last bit: (rows, many).

    Millions of numbers come so in a tenth of the time that arrays of the driver take.
    """
    told = ",".join(rows)
    return (np.fromstring(told, dtype=np.float64, sep=",") if told else np.empty(0)).reshape(-1, many)
