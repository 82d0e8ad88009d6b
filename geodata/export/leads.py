"""What leaves the video desk as RFC 7946 GeoJSON: places and numbers, never pictures."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
import pandas as pd

from analysis.crs import DISPLAY_EPSG
from geodata.export.provenance import provenance

__all__ = ["idle_geojson"]

DIGITS = 7
"""Decimals of a degree: about a centimetre."""
COLUMNS = ("code", "name", "tier", "owner", "area_class", "density_px_m", "demonstration", "simulated")
"""What is told of a camera: nothing of its stream."""


def idle_geojson(
    cameras: gpd.GeoDataFrame, register: pd.DataFrame, *, algorithm: str, title: str, method: str
) -> str:
    """
    Cameras that could run an algorithm and do not, as one FeatureCollection in WGS 84.

    Parameters
    ----------
    cameras
        Points with `COLUMNS`, indexed by id.
    register
        Rows of the datasets that it rests on: name, town, source, licence, method, revision, simulated.
    algorithm
        Its code in the library.
    title, method
        In the reader's language.
    """
    places = cameras.geometry.to_crs(DISPLAY_EPSG)
    rows = pd.DataFrame(cameras[list(COLUMNS)]).to_dict(orient="records")
    features = [
        {
            "type": "Feature",
            "id": int(number),
            "geometry": {"type": "Point", "coordinates": [round(x, DIGITS), round(y, DIGITS)]},
            "properties": {str(name): _value(value) for name, value in row.items()},
        }
        for number, x, y, row in zip(cameras.index, places.x, places.y, rows, strict=True)
    ]
    body = {
        "type": "FeatureCollection",
        "title": title,
        "method": method,
        "algorithm": algorithm,
        "units": {"density_px_m": "pixels across one metre at the nearest ground in view"},
        **provenance(register),
        "features": features,
    }
    return json.dumps(body, ensure_ascii=False, allow_nan=False) + "\n"


def _value(value: Any) -> Any:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if hasattr(value, "item"):
        value = value.item()
    return round(value, 2) if isinstance(value, float) else value
