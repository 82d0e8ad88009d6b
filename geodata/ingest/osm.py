"""OpenStreetMap extracts → the twin's tables as frames (EPSG:4326, OSM ids kept)."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyrosm import OSM

from analysis.crs import DISPLAY_EPSG
from geodata.errors import IngestError

__all__ = ["ATTRIBUTION", "LICENCE", "OsmExtract"]

ATTRIBUTION = "© OpenStreetMap contributors, ODbL"
LICENCE = "ODbL-1.0"
LEVEL_M = 3.2
"""Height of one storey, metres."""

MOTOR = frozenset(
    (
        *("motorway", "trunk", "primary", "secondary", "tertiary"),
        *("unclassified", "residential", "living_street", "service", "road"),
    )
)
"""Highway classes open to motor vehicles; their `_link` forms too."""
PARKING_RULES = {
    "inline": ("parallel", True),
    "parallel": ("parallel", True),
    "diagonal": ("diagonal", True),
    "orthogonal": ("perpendicular", True),
    "perpendicular": ("perpendicular", True),
    "marked": ("parallel", True),
    "lane": ("parallel", True),
    "yes": ("parallel", True),
    "street_side": ("parallel", True),
    "on_kerb": ("parallel", True),
    "half_on_kerb": ("parallel", True),
    "no_parking": ("no_parking", False),
    "no_stopping": ("no_stopping", False),
    "no": ("no_parking", False),
    "fire_lane": ("no_stopping", False),
}
"""Tag value → (rule, are there bays?)."""
PIPE_NETWORKS = {
    "heat": "heat",
    "hot_water": "heat",
    "water": "water",
    "sewage": "drain",
    "drain": "drain",
    "rainwater": "drain",
    "gas": "gas",
    "natural_gas": "gas",
    "power": "power",
    "electricity": "power",
    "telecom": "telecom",
    "communication": "telecom",
    "cable": "telecom",
}
POI_KEYS = ("amenity", "shop", "tourism", "office", "leisure")
NOT_POIS = frozenset(
    {"parking", "parking_entrance", "parking_space", "bench", "waste_basket", "bicycle_parking"}
)

TRAFFIC = "traffic"
"""Kind of the points that `OsmExtract.traffic_points` reads."""
TRAFFIC_POINTS: dict[str, dict[str, Any]] = {
    "crossing": {"highway": ["crossing"]},
    "level_crossing": {"railway": ["level_crossing"]},
    "bus_stop": {"highway": ["bus_stop"]},
    "tram_stop": {"railway": ["tram_stop"]},
}
"""Category → tags."""


class OsmExtract:
    """
    One `.osm.pbf` extract and what the twin reads from it.

    Parameters
    ----------
    path
        An OpenStreetMap extract in PBF.

    Raises
    ------
    IngestError
        If the file is not there or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise IngestError(
                "There is no OpenStreetMap extract at {path}.", "Give a .osm.pbf file.", path=path
            )
        try:
            # the other engine keeps its results in /tmp, where another user may have laid them
            self._osm = OSM(str(path), engine="in_memory")
        except Exception as error:
            raise IngestError(
                "{path} cannot be read as an OpenStreetMap extract ({why}).",
                "Give a .osm.pbf file.",
                path=path,
                why=error,
            ) from error

    def _select(self, tags: dict[str, Any], **kinds: bool) -> gpd.GeoDataFrame:
        """Elements with any of `tags`; each row has all its tags as a dict in `all_tags`."""
        keep = {"keep_nodes": True, "keep_ways": True, "keep_relations": True, **kinds}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "could not find any data": an empty frame says it
            found = self._osm.get_data_by_custom_criteria(custom_filter=tags, filter_type="keep", **keep)
        return _with_tags(found)

    def streets(self) -> gpd.GeoDataFrame:
        """Streets and paths, one row a piece between junctions."""
        rows = _with_tags(self._osm.get_network("all"))
        rows = rows.explode(index_parts=False, ignore_index=True)
        rows = rows[rows.geometry.geom_type == "LineString"]
        highway = rows["highway"].astype(str)
        return gpd.GeoDataFrame(
            {
                "osm_id": rows["id"].astype("int64"),
                "name": _text(rows, "name"),
                "highway": highway,
                "drivable": highway.str.removesuffix("_link").isin(MOTOR),
                "oneway": rows["oneway"].isin(["yes", "true", "1", "-1"]) if "oneway" in rows else False,
                "lit": _yes_no(rows, "lit"),
                "maxspeed_kmh": _number(rows, "maxspeed"),
                "all_tags": rows["all_tags"],
            },
            geometry=rows.geometry.values,
            crs=DISPLAY_EPSG,
        ).reset_index(drop=True)

    def buildings(self) -> gpd.GeoDataFrame:
        """Footprints with heights: tagged, from levels, or assumed to be the median of the others."""
        rows = _with_tags(self._osm.get_buildings())
        rows = rows[rows.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
        tagged, levels = _number(rows, "height"), _number(rows, "building:levels")
        height = tagged.fillna(levels * LEVEL_M)
        source = np.where(tagged.notna(), "tag", np.where(levels.notna(), "levels", "assumed"))
        return gpd.GeoDataFrame(
            {
                "osm_id": rows["id"].astype("int64"),
                "name": _text(rows, "name"),
                "use": _text(rows, "building"),
                "levels": levels,
                "height_m": height.fillna(height.median() if height.notna().any() else 3 * LEVEL_M),
                "height_source": source,
            },
            geometry=_multi(rows.geometry),
            crs=DISPLAY_EPSG,
        ).reset_index(drop=True)

    def cameras(self) -> gpd.GeoDataFrame:
        """Surveillance cameras as mapped; columns of the pose are empty where nobody mapped them."""
        rows = self._select({"man_made": ["surveillance"]})
        rows = rows[rows.geometry.geom_type == "Point"]
        height = _number(rows, "height").fillna(_number(rows, "est_height"))
        return gpd.GeoDataFrame(
            {
                "osm_id": rows["id"].astype("int64"),
                "heading_deg": _number(rows, "camera:direction").fillna(_number(rows, "direction")) % 360,
                "tilt_deg": _number(rows, "camera:angle"),
                "height_m": height.where(height.between(1.5, 30)),
                "dome": _tag(rows, "camera:type").eq("dome") | _tag(rows, "revolving").eq("yes"),
                "operator": _text(rows, "operator"),
            },
            geometry=rows.geometry.values,
            crs=DISPLAY_EPSG,
        ).reset_index(drop=True)

    def car_parks(self) -> gpd.GeoDataFrame:
        """Off-street car parks, points or polygons as mapped."""
        rows = self._select({"amenity": ["parking"]})
        return gpd.GeoDataFrame(
            {
                "osm_id": rows["id"].astype("int64"),
                "name": _text(rows, "name"),
                "kind": _text(rows, "parking"),
                "capacity": _number(rows, "capacity").round().astype("Int64"),
                "fee": _yes_no(rows, "fee"),
                "access": _text(rows, "access"),
            },
            geometry=rows.geometry.values,
            crs=DISPLAY_EPSG,
        ).reset_index(drop=True)

    def lamps(self) -> gpd.GeoDataFrame:
        """Street lamps."""
        rows = self._select({"highway": ["street_lamp"]}, keep_ways=False, keep_relations=False)
        return gpd.GeoDataFrame(
            {"osm_id": rows["id"].astype("int64")}, geometry=rows.geometry.values, crs=DISPLAY_EPSG
        ).reset_index(drop=True)

    def manholes(self) -> gpd.GeoDataFrame:
        """Manholes and hydrants: the nodes of the pipe networks."""
        holes = self._select({"manhole": True}, keep_ways=False, keep_relations=False).assign(kind="manhole")
        hydrants = self._select(
            {"emergency": ["fire_hydrant"]}, keep_ways=False, keep_relations=False
        ).assign(kind="hydrant")
        rows = pd.concat([holes, hydrants], ignore_index=True)
        cover = _tag(rows, "manhole")
        network = cover.map(PIPE_NETWORKS).where(rows["kind"].eq("manhole"), "water").fillna("unknown")
        return gpd.GeoDataFrame(
            {
                "osm_id": rows["id"].astype("int64"),
                "kind": rows["kind"],
                "network": network,
                "label": _text(rows, "label").fillna(_text(rows, "marker:label")).fillna(_text(rows, "ref")),
                "diameter_mm": _millimetres(rows, "hole:diameter").fillna(_millimetres(rows, "diameter")),
            },
            geometry=rows.geometry.values,
            crs=DISPLAY_EPSG,
        ).reset_index(drop=True)

    def pipes(self) -> gpd.GeoDataFrame:
        """Underground pipes."""
        rows = self._select({"man_made": ["pipeline"]}, keep_nodes=False)
        rows = rows[rows.geometry.geom_type == "LineString"]
        kind = _tag(rows, "substance").where(_tag(rows, "substance") != "", _tag(rows, "type"))
        return gpd.GeoDataFrame(
            {
                "osm_id": rows["id"].astype("int64"),
                "kind": kind.map(PIPE_NETWORKS).fillna("unknown"),
                "diameter_mm": _millimetres(rows, "diameter"),
                "location": _text(rows, "location"),
                "owner": _text(rows, "operator"),
            },
            geometry=rows.geometry.values,
            crs=DISPLAY_EPSG,
        ).reset_index(drop=True)

    def pois(self) -> gpd.GeoDataFrame:
        """Points of interest; telephone numbers, mail addresses and web sites are left behind."""
        rows = self._select(dict.fromkeys(POI_KEYS, True))
        tags = pd.DataFrame({key: _tag(rows, key) for key in POI_KEYS})
        kind = tags.ne("").idxmax(axis=1)
        category = pd.Series([tags.at[row, key] for row, key in kind.items()], index=rows.index)
        keep = tags.ne("").any(axis=1) & ~category.isin(NOT_POIS)
        rows, kind, category = rows[keep], kind[keep], category[keep]
        return gpd.GeoDataFrame(
            {
                "osm_id": rows["id"].astype("int64"),
                "name": _text(rows, "name"),
                "kind": kind,
                "category": category,
            },
            geometry=shapely.point_on_surface(rows.geometry.values),
            crs=DISPLAY_EPSG,
        ).reset_index(drop=True)

    def traffic_points(self) -> gpd.GeoDataFrame:
        """Pedestrian and level crossings, bus and tram stops: near them nobody may stand."""
        parts = []
        for category, tags in TRAFFIC_POINTS.items():
            rows = self._select(tags, keep_ways=False, keep_relations=False)
            rows = rows[rows.geometry.geom_type == "Point"]
            parts.append(
                gpd.GeoDataFrame(
                    {
                        "osm_id": rows["id"].astype("int64"),
                        "name": _text(rows, "name"),
                        "kind": TRAFFIC,
                        "category": category,
                    },
                    geometry=rows.geometry.values,
                    crs=DISPLAY_EPSG,
                )
            )
        return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=DISPLAY_EPSG)


def kerbs(streets: gpd.GeoDataFrame, *, offset_m: float = 3.5) -> gpd.GeoDataFrame:
    """
    Both sides of every drivable street with what the parking tags say.

    Parameters
    ----------
    streets
        `OsmExtract.streets()` in a projected CRS in metres, indexed by street edge.
    offset_m
        Distance of the kerb line from the centre line.

    Returns
    -------
    kerbs
        One row a side: street_edge (index value of `streets`), side, rule, legal (None where nobody tagged it),
        condition, length_m, geometry.
    """
    rows = []
    for edge, tags, line in zip(
        streets.index[streets["drivable"]],
        streets.loc[streets["drivable"], "all_tags"],
        streets.geometry[streets["drivable"]],
        strict=True,
    ):
        for side, sign in (("left", 1), ("right", -1)):
            shape = shapely.offset_curve(line, sign * offset_m)
            if shape.geom_type != "LineString" or shape.is_empty or shape.length < 1:
                continue
            rule, legal = _parking_rule(tags, side)
            rows.append((edge, side, rule, legal, _condition(tags, side), shape.length, shape))
    columns = ["street_edge", "side", "rule", "legal", "condition", "length_m", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=streets.crs)


def _parking_rule(tags: dict[str, str], side: str) -> tuple[str, bool | None]:
    for key in (f"parking:lane:{side}", "parking:lane:both", f"parking:{side}", "parking:both"):
        if tags.get(key) in PARKING_RULES:
            return PARKING_RULES[tags[key]]
    return "untagged", None


def _condition(tags: dict[str, str], side: str) -> str | None:
    return next(
        (tags[k] for k in (f"parking:condition:{side}", "parking:condition:both") if tags.get(k)), None
    )


def _with_tags(rows: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Adds `all_tags`: the columns that the reader made of tags, and the rest it left in JSON."""
    if rows is None or not len(rows):
        empty = {"id": pd.Series(dtype="int64"), "all_tags": pd.Series(dtype=object)}
        return gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], crs=DISPLAY_EPSG))
    rows = rows.reset_index(drop=True)
    plain = [
        c for c in rows.columns if c not in ("geometry", "tags", "id", "lon", "lat", "version", "timestamp")
    ]
    records = rows[plain].to_dict("records")
    rest = rows["tags"] if "tags" in rows else [None] * len(rows)
    rows["all_tags"] = [
        {k: v for k, v in record.items() if isinstance(v, str)}
        | (json.loads(more) if isinstance(more, str) else {})
        for record, more in zip(records, rest, strict=True)
    ]
    return rows


def _tag(rows: gpd.GeoDataFrame, key: str) -> pd.Series[str]:
    """The tag as text, "" where it is missing."""
    return pd.Series([str(tags.get(key, "")) for tags in rows["all_tags"]], index=rows.index, dtype=object)


def _text(rows: gpd.GeoDataFrame, key: str) -> pd.Series[Any]:
    values = _tag(rows, key)
    return values.where(values != "", None)


def _yes_no(rows: gpd.GeoDataFrame, key: str) -> pd.Series[Any]:
    return pd.Series(_tag(rows, key).map({"yes": True, "no": False}), index=rows.index, dtype="boolean")


def _number(rows: gpd.GeoDataFrame, key: str) -> pd.Series[float]:
    """The first number in the tag; missing where there is none."""
    return pd.Series([_first_number(value) for value in _tag(rows, key)], index=rows.index, dtype=float)


def _millimetres(rows: gpd.GeoDataFrame, key: str) -> pd.Series[float]:
    """A diameter in millimetres; OSM writes bare numbers for millimetres and "m" or "cm" after others."""
    found = [
        _first_number(value) * (1000 if re.search(r"\dm\b|\d m\b", value) else 10 if "cm" in value else 1)
        for value in _tag(rows, key)
    ]
    return pd.Series(found, index=rows.index, dtype=float)


def _first_number(value: str) -> float:
    match = re.search(r"-?\d+(?:[.,]\d+)?", value)
    return float(match.group().replace(",", ".")) if match else float("nan")


def _multi(shapes: Iterable[Any]) -> list[Any]:
    """MultiPolygons, repaired, with nothing but area in them."""
    fixed = []
    for shape in shapes:
        valid = shape if shape.is_valid else shapely.make_valid(shape)
        parts = [p for p in shapely.get_parts(valid) if p.geom_type in ("Polygon", "MultiPolygon")]
        fixed.append(shapely.MultiPolygon([q for p in parts for q in shapely.get_parts(p)]))
    return fixed
