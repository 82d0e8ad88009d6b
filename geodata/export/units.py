"""Units of the city as RFC 7946 GeoJSON: the rows that the tree shows, with what they were counted by."""

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
from geodata.queries.units import COUNTS, NUMBERS

__all__ = ["units_geojson"]

GRID_DEG = 1e-7
"""Seven decimals of a degree: about a centimetre."""
TOLD = ("level", "name_zh", "name_en", "parent_code", *COUNTS, *NUMBERS, "by_source", "simulated")
UNITS = {
    "area_m2": "square metres",
    "coverage_ratio": "share of the ground in view, 0 to 1",
    "exposure_kmh": "kilometre-hours of kerb looked at",
    "rate": "parking captures per kilometre-hour; missing where nobody looked",
    "verdict_h": "median hours from a lead to its verdict; missing where there is none",
}


def units_geojson(
    rows: pd.DataFrame,
    shapes: gpd.GeoSeries,
    register: pd.DataFrame,
    filters: Mapping[str, Any],
    *,
    title: str,
    method: str,
) -> str:
    """
    Units as one FeatureCollection in WGS 84.

    Parameters
    ----------
    rows
        Of `geodata.queries.units.units`, indexed by code.
    shapes
        Outlines by code, in any CRS.
    register
        Rows of the datasets that they rest on: name, town, source, licence, method, revision, simulated.
    filters
        What violations and leads were chosen by, as text.
    title, method
        In the reader's language.
    """
    outlines = shapes.to_crs(DISPLAY_EPSG).reindex(rows.index)
    features = [
        {
            "type": "Feature",
            "id": code,
            "geometry": _shape(outline),
            "properties": {"code": code, **{name: _plain(row[name]) for name in TOLD}},
        }
        for code, outline, row in zip(rows.index, outlines, rows.to_dict(orient="records"), strict=True)
    ]
    body = {
        "type": "FeatureCollection",
        "title": title,
        "method": method,
        "units": UNITS,
        "filters": dict(filters),
        **provenance(register),
        "features": features,
    }
    return json.dumps(body, ensure_ascii=False, allow_nan=False) + "\n"


def _shape(outline: shapely.Geometry | None) -> Any:
    if outline is None:
        return None
    rounded = shapely.set_precision(outline, GRID_DEG, mode="pointwise")
    return json.loads(shapely.to_geojson(shapely.orient_polygons(rounded)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value
