"""
Mapbox vector tiles straight from PostGIS.

A tile has up to two forms. Near the ground it holds features as they are; far away points become bins, 64 a tile side,
areas become a mosaic of squares or lose their small ones. A tile over the byte limit falls back to its coarser form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.errors import InputError
from geodata.errors import TwinError

__all__ = [
    "AREA",
    "AREA_SHAPES",
    "MAX_ZOOM",
    "BadTileAddress",
    "TileSource",
    "applied",
    "check_address",
    "conditions",
    "read_box",
    "tile_sql",
]

MAX_ZOOM = 22
EXTENT = 4096
BUFFER = 64
BINS = 64
AREA = "ST_Intersects(t.g3857, (SELECT {shape} FROM area a WHERE a.code = %(area)s))"
"""Rows that meet an area; asked as one value, it is made once, and its box reaches the indexes behind a view."""
AREA_SHAPES = {
    "point": "ST_Transform(a.geom, 3857)",
    "line": "ST_Transform(a.geom, 3857)",
    # neighbours share a border but are not in the area: what reaches less than a metre into it only touches
    "area": "ST_Buffer(ST_Transform(a.geom, 3857), -1)",
}
BBOX = "ST_Intersects(t.g3857, ST_Transform(ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326), 3857))"
BBOX_PARTS = ("west", "south", "east", "north")
POLE_DEG = 85.06
"""Beyond it Web Mercator, in which rows are compared, has no place."""


class BadTileAddress(TwinError):
    """Zoom, column or row outside the tile pyramid."""


@dataclass(frozen=True)
class TileSource:
    """
    What a tile of a layer is made of. All SQL here is written in this program; values come as parameters.

    Parameters
    ----------
    table
        Table or view with `g3857`; its alias in the expressions is `t`.
    columns
        Property name → SQL expression.
    shape
        point, line or area: decides the coarse form.
    join
        SQL joined to `t`.
    filters
        Query parameter → SQL condition with `%(parameter)s`.
    coarse_below
        Zoom below which the coarse form is used.
    coarse_where
        Condition that thins the coarse form (streets: the main ones only).
    bin_columns
        Property name → aggregate over a bin, beside `n`; coarse form of points.
    mosaic
        Coarse areas become squares, 128 a tile side, where their middles lie: uniting ten thousands takes seconds.
    min_zoom
        Below this zoom the tile is empty.
    keyed
        The id is repeated among the properties, where a click on the map is read; it costs a quarter of the bytes.
    """

    table: str
    columns: Mapping[str, str]
    shape: Literal["point", "line", "area"]
    join: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    coarse_below: int = 14
    coarse_where: str = ""
    bin_columns: Mapping[str, str] = field(default_factory=dict)
    mosaic: bool = False
    min_zoom: int = 0
    keyed: bool = True


def check_address(z: int, x: int, y: int) -> None:
    """
    The tile exists in the Web Mercator pyramid.

    Raises
    ------
    BadTileAddress
        Naming the number that is out of range.
    """
    if not 0 <= z <= MAX_ZOOM:
        raise BadTileAddress(
            "Zoom {z} is outside 0-{most}.", "Ask for a zoom in that range.", z=z, most=MAX_ZOOM
        )
    for name, value in (("Column x", x), ("Row y", y)):
        if not 0 <= value < 2**z:
            raise BadTileAddress(
                "{name} = {value} does not exist at zoom {z}.",
                "It must lie in 0-{most}.",
                name=name,
                value=value,
                z=z,
                most=2**z - 1,
            )


def applied(source: TileSource, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `filters` that choose among rows of `source`: its own, `area`, and a box of four sides in degrees."""
    known = {*source.filters, "area"}
    if all(side in filters for side in BBOX_PARTS):
        known |= set(BBOX_PARTS)
    return {name: value for name, value in filters.items() if name in known}


def conditions(source: TileSource, filters: Mapping[str, Any]) -> list[str]:
    """SQL conditions over `t`: the same for tiles, heat maps and exports, so that a file holds what the map shows."""
    used = applied(source, filters)
    found = [f"({source.filters[name]})" for name in used if name in source.filters]
    if "area" in used:
        found.append(f"({AREA.format(shape=AREA_SHAPES[source.shape])})")
    if "west" in used:
        found.append(f"({BBOX})")
    return found


def read_box(text: str) -> dict[str, float]:
    """
    `west,south,east,north` in degrees as four values by name.

    Raises
    ------
    InputError
        If it is no such box.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise InputError(
            "bbox = '{value}' is not a box.",
            "Write west,south,east,north in degrees, such as 24.93,60.16,24.95,60.18.",
            value=text,
        )
    return {"west": west, "south": max(south, -POLE_DEG), "east": east, "north": min(north, POLE_DEG)}


def tile_sql(source: TileSource, z: int, filters: Mapping[str, Any], *, coarse: bool | None = None) -> str:
    """
    The query that makes one tile; its parameters are `z`, `x`, `y`, `layer` and the filters'.

    Parameters
    ----------
    source
        What the tile is made of.
    z
        Zoom, decides the form unless `coarse` does.
    filters
        The filters in use; only those that the source knows, and `area`, are applied.
    coarse
        Forces the coarse (True) or the near form (False).
    """
    if coarse is None:
        coarse = z < source.coarse_below
    chosen = conditions(source, filters)
    if coarse and source.coarse_where:
        chosen.append(f"({source.coarse_where})")
    where = "".join(f" AND {condition}" for condition in chosen)
    # asked as one value, not as a join, the box reaches the indexes of every partition behind a view
    hit = f"FROM {source.table} t {source.join} CROSS JOIN b WHERE t.g3857 && (SELECT wide FROM b){where}"
    frame = (
        "WITH b AS (SELECT e AS g, ST_Expand(e, (ST_XMax(e) - ST_XMin(e)) * 0.016) AS wide,"
        " (ST_XMax(e) - ST_XMin(e)) AS side, ST_XMin(e) AS x0, ST_YMin(e) AS y0"
        " FROM ST_TileEnvelope(%(z)s, %(x)s, %(y)s) e)"
    )
    cut = f"ST_AsMVTGeom({{}}, (SELECT g FROM b), {EXTENT}, {BUFFER}, true)"
    if coarse and source.shape == "point":
        return (
            f"{frame}, bins AS ({_bins(source, where)}), m AS (SELECT {cut.format('g')} AS geom, bins.* FROM bins)"
            + (_finish(["n", *source.bin_columns]))
        )
    if coarse and source.mosaic:
        return (
            f"{frame}, squares AS ({_squares(source, where)}),"
            f" m AS (SELECT {cut.format('g')} AS geom, n FROM squares)" + _finish(["n"])
        )
    shape = "t.g3857"
    if coarse and source.shape == "area":
        hit += f" AND (ST_Dimension(t.g3857) < 2 OR ST_Area(t.g3857) > (b.side / {EXTENT} * 6) ^ 2)"
    if coarse and source.shape in ("area", "line"):
        shape = f"ST_Simplify(t.g3857, b.side / {EXTENT} * 2, true)"
    properties = {**({"key": "t.id"} if source.keyed else {}), **source.columns}
    columns = ", ".join(f"{sql} AS {name}" for name, sql in properties.items())
    return f"{frame}, m AS (SELECT t.id, {columns}, {cut.format(shape)} AS geom {hit})" + _finish(
        [*properties], identity=True
    )


def _bins(source: TileSource, where: str) -> str:
    """Counts in a grid of 64 x 64 over the tile proper; a bin's point is its centre."""
    extra = "".join(f", {sql} AS {name}" for name, sql in source.bin_columns.items())
    side = f"(b.side / {BINS})"
    return (
        f"SELECT ST_SetSRID(ST_MakePoint(b.x0 + (i + 0.5::float8) * {side}, b.y0 + (j + 0.5::float8) * {side}), 3857)"
        " AS g, n"
        + "".join(f", {name}" for name in source.bin_columns)
        + f" FROM b, LATERAL (SELECT floor((ST_X(t.g3857) - b.x0) / {side})::int AS i,"
        f" floor((ST_Y(t.g3857) - b.y0) / {side})::int AS j, count(*) AS n{extra}"
        f" FROM {source.table} t {source.join} WHERE t.g3857 && (SELECT g FROM b){where}"
        # OFFSET 0 keeps the condition here: sent down to the rows it would have each place computed twice more
        f" GROUP BY 1, 2 OFFSET 0) q WHERE i BETWEEN 0 AND {BINS - 1} AND j BETWEEN 0 AND {BINS - 1}"
    )


def _squares(source: TileSource, where: str) -> str:
    """Squares in a grid of 128 x 128 over the tile proper in which the middle of an area lies, and how many."""
    side = f"(b.side / {2 * BINS})"
    return (
        f"SELECT ST_MakeEnvelope(b.x0 + i * {side}, b.y0 + j * {side}, b.x0 + (i + 1) * {side},"
        f" b.y0 + (j + 1) * {side}, 3857) AS g, n FROM b, LATERAL ("
        f"SELECT floor((ST_X(c) - b.x0) / {side})::int AS i, floor((ST_Y(c) - b.y0) / {side})::int AS j, count(*) AS n"
        f" FROM (SELECT ST_Centroid(t.g3857) AS c FROM {source.table} t {source.join}"
        f" WHERE t.g3857 && (SELECT g FROM b){where}) p GROUP BY 1, 2) q"
        f" WHERE i BETWEEN 0 AND {2 * BINS - 1} AND j BETWEEN 0 AND {2 * BINS - 1}"
    )


def _finish(columns: list[str], *, identity: bool = False) -> str:
    chosen = ", ".join((["id"] if identity else []) + columns)
    last = ", 'id'" if identity else ""
    # rows without a geometry are left out by ST_AsMVT; a condition here would have each geometry cut twice
    return f" SELECT ST_AsMVT(r, %(layer)s, {EXTENT}, 'geom'{last}) FROM (SELECT {chosen}, geom FROM m) r"
