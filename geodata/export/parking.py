"""A view of the Parking screen as RFC 7946 GeoJSON: exactly what is shown, with hours, assumptions and sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.crs import DISPLAY_EPSG
from geodata.export.provenance import provenance

__all__ = ["parking_geojson"]

GRID_DEG = 1e-7
"""Seven decimals of a degree: about a centimetre."""


def parking_geojson(
    table: pd.DataFrame,
    shapes: gpd.GeoDataFrame,
    register: pd.DataFrame,
    *,
    title: str,
    method: str,
    units: Mapping[str, str],
    question: Mapping[str, Any],
) -> str:
    """
    What is shown as one FeatureCollection in WGS 84.

    Parameters
    ----------
    table
        One row a place.
    shapes
        Geometry and names by the same index.
    register
        Rows of the datasets that it rests on: name, town, source, licence, method, revision, simulated.
    title, method, units
        In the reader's language; units by column.
    question
        View, hours, assumptions, scenario.
    """
    known = shapes.reindex(table.index).to_crs(DISPLAY_EPSG)
    rows = pd.concat([pd.DataFrame(known.drop(columns=known.geometry.name)), table], axis=1)
    features = [
        {"type": "Feature", "id": _value(label), "geometry": _shape(shape), "properties": _row(row)}
        for label, shape, row in zip(rows.index, known.geometry, rows.to_dict(orient="records"), strict=True)
    ]
    body = {
        "type": "FeatureCollection",
        "title": title,
        "method": method,
        "units": dict(units),
        "question": dict(question),
        **provenance(register),
        "features": features,
    }
    return json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _shape(shape: shapely.Geometry) -> Any:
    rounded = shapely.set_precision(shape, GRID_DEG, mode="pointwise")
    return json.loads(shapely.to_geojson(shapely.orient_polygons(rounded)))


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    """All columns; what is not known is null."""
    return {str(name): _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if value is None or (not isinstance(value, str | list) and pd.isna(value)):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return round(value, 6) if isinstance(value, float) else value
