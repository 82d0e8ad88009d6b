"""Where something could hang or stand, what could hang there, and which of it is worth weighing."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import ndimage
from sqlalchemy import Connection

from analysis import visibility
from analysis.crs import STORAGE_EPSG
from analysis.errors import InputError, Term
from analysis.placement import Lens, candidate_sites
from geodata.errors import NotFound
from geodata.queries.city import lamps, streets
from geodata.queries.frames import read_frame
from geodata.towns.town import Town

__all__ = [
    "LENSES",
    "LENS_TITLES",
    "QR_POINT",
    "SIGN",
    "SITES",
    "named_lenses",
    "obstacles_near",
    "possible_sites",
    "promising",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SITES = ("lamps", "streets", "walls")
"""Lamp posts from the register; new poles along drivable streets; walls that face a street."""

LENSES = {
    lens.name: lens
    for lens in (
        Lens("wide", 90.0, 60.0, 5.0, 20.0, 56.0, 2560, 6_000.0),
        Lens("medium", 56.0, 100.0, 6.0, 14.0, 32.0, 2560, 6_500.0),
        Lens("tele", 30.0, 180.0, 6.0, 8.0, 17.0, 2560, 9_000.0),
        Lens("panorama", 360.0, 40.0, 6.0, 45.0, 90.0, 4096, 12_000.0),
    )
}
"""
Cameras by name. Costs are this project's own assumptions, yuan for a camera hung on a post that is there, with cabling;
give others where a town has its own prices.
"""
LENS_TITLES = {
    "wide": Term("wide, 90°, 60 m"),
    "medium": Term("medium, 56°, 100 m"),
    "tele": Term("tele, 30°, 180 m"),
    "panorama": Term("panorama, 360°, 40 m"),
    "sign": Term("sign"),
    "qr": Term("QR point"),
}
"""What they are called, and signs and QR points."""
SIGN = Lens("sign", 120.0, 40.0, cost=400.0)
"""A sign is seen from the ground before it; cost assumed, yuan."""
QR_POINT = Lens("qr", 360.0, 150.0, cost=30.0)
"""A QR point serves whoever walks no farther than its range; cost assumed, yuan."""
NEW_POLE_COST = 8_000.0
"""What a new pole costs beyond the camera; assumed, yuan."""

NEAR_STREET_M = 30.0
"""Walls farther from a street are nobody's site."""
RASTER_M = 20.0
"""Cell in which unseen demand is summed to find promising sites."""
APART_M = 40.0
"""Of the sites in a square of this side the most promising comes first."""
TILE_M = 500.0
"""Squares in which buildings are looked up."""


def named_lenses(names: Sequence[str]) -> tuple[Lens, ...]:
    """
    Lenses of the catalogue by name.

    Raises
    ------
    InputError
        If one is unknown.
    """
    for name in names:
        if name not in LENSES:
            raise InputError(
                "There is no lens {name!r}.", "Choose from {known}.", name=name, known=", ".join(LENSES)
            )
    return tuple(LENSES[name] for name in names)


def possible_sites(
    conn: Connection,
    town: Town,
    kinds: Sequence[str],
    *,
    spacing_m: float = 25.0,
    within: shapely.Geometry | None = None,
) -> gpd.GeoDataFrame:
    """
    All sites of some kinds.

    Parameters
    ----------
    conn
        An open connection.
    town
        The town.
    kinds
        Of `SITES`.
    spacing_m
        Distance between new poles, and between brackets on a wall.
    within
        Ground to which the sites are limited, in the town's metric CRS.

    Returns
    -------
    sites
        Counted from 0: `kind` (lamp, street, wall), `source` (lamp code, or id of the street or building),
        `facing_deg`, `cost` (of a new pole); metric CRS.

    Raises
    ------
    InputError
        If a kind is unknown or none is given.
    NotFound
        If the town has no such sites.
    """
    unknown = [kind for kind in kinds if kind not in SITES]
    if unknown or not kinds:
        raise InputError(
            "Sites of the kind {kind!r} are not known.",
            "Choose from {known}.",
            kind=unknown[0] if unknown else "",
            known=", ".join(SITES),
        )
    parts = []
    epsg = town.metric_epsg
    if "lamps" in kinds:
        posts = lamps(conn, epsg).set_index("code")
        if posts.empty and len(kinds) == 1:
            raise NotFound("The town has no lamp posts to hang cameras on.", "Load a town with street lamps.")
        parts.append(candidate_sites(poles=posts).assign(kind="lamp", cost=0.0))
    made = [kind.removesuffix("s") for kind in kinds if kind != "lamps"]
    if made:
        roads = streets(conn, epsg)
        roads = roads[roads["drivable"]]
        houses = _buildings_near(conn, epsg, roads.geometry.to_numpy(), NEAR_STREET_M)
        places = candidate_sites(
            streets=roads, buildings=houses, spacing_m=spacing_m, near_street_m=NEAR_STREET_M
        )
        places["cost"] = np.where(places["kind"] == "street", NEW_POLE_COST, 0.0)
        parts.append(places[places["kind"].isin(made)])
    found = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=epsg)
    if within is not None:
        shapely.prepare(within)
        found = found[shapely.intersects(within, found.geometry.to_numpy())].reset_index(drop=True)
    if found.empty:
        raise NotFound(
            "There is nothing to hang cameras on in the planned ground.",
            "Choose other sites, such as streets, or a larger area.",
        )
    return found


def promising(
    sites: gpd.GeoDataFrame, points: gpd.GeoDataFrame, unseen: Floats, reach_m: float, most: int
) -> Ints:
    """
    Rows of the sites that have most unseen demand near, spread over the ground.

    Demand is summed in cells of 20 m and over a square as wide as the reach. In each square of 40 m the best site
    comes first; all the first come before all the second, by the demand near them.

    Parameters
    ----------
    sites, points
        In one metric CRS.
    unseen
        One weight a point; 0 where somebody looks already.
    reach_m
        How far a candidate is of use.
    most
        How many sites to keep.
    """
    at = shapely.get_coordinates(sites.geometry.to_numpy())
    if not len(points):
        return np.arange(min(most, len(sites)))
    demand = shapely.get_coordinates(points.geometry.to_numpy())
    corner = np.minimum(at.min(axis=0), demand.min(axis=0))
    shape = ((np.maximum(at.max(axis=0), demand.max(axis=0)) - corner) // RASTER_M).astype(int) + 1
    cell = ((demand - corner) // RASTER_M).astype(int)
    raster = np.bincount(cell[:, 0] * shape[1] + cell[:, 1], unseen, int(shape.prod())).reshape(shape)
    width = 2 * int(np.ceil(reach_m / RASTER_M)) + 1
    near = ndimage.uniform_filter(raster, width, mode="constant")
    own = ((at - corner) // RASTER_M).astype(int)
    worth = np.round(near[own[:, 0], own[:, 1]], 12)
    square = ((at - corner) // APART_M).astype(np.int64)
    key = square[:, 0] * (square[:, 1].max() + 1) + square[:, 1]
    order = np.lexsort((np.arange(len(sites)), -worth, key))
    begins = np.r_[True, key[order][1:] != key[order][:-1]]
    rank = np.arange(len(sites)) - np.maximum.accumulate(np.where(begins, np.arange(len(sites)), 0))
    place = np.empty(len(sites), np.int64)
    place[order] = rank
    hopeful = np.flatnonzero(worth > 0)
    best = hopeful[np.lexsort((hopeful, -worth[hopeful], place[hopeful]))]
    return np.sort(best[:most])


def obstacles_near(conn: Connection, town: Town, at: gpd.GeoSeries, reach_m: float) -> visibility.Obstacles:
    """Footprints with heights, of the buildings within `reach_m` metres of any of the places (or a little farther)."""
    near = _buildings_near(conn, town.metric_epsg, at.to_numpy(), reach_m)
    return visibility.prepare_obstacles(near, height_column="height_m")


def _buildings_near(
    conn: Connection, epsg: int, shapes: npt.NDArray[np.object_], reach_m: float
) -> gpd.GeoDataFrame:
    """Buildings in the squares of 500 m that the shapes, widened by the reach, touch."""
    bounds = shapely.bounds(shapes) + reach_m * np.array([-1, -1, 1, 1])
    low, high = np.floor(bounds[:, :2] / TILE_M).astype(int), np.floor(bounds[:, 2:] / TILE_M).astype(int)
    tiles = {
        (x, y)
        for west, south, east, north in np.unique(np.hstack([low, high]), axis=0).tolist()
        for x in range(west, east + 1)
        for y in range(south, north + 1)
    }
    corners = np.array(sorted(tiles), dtype=float).reshape(-1, 2) * TILE_M
    squares = gpd.GeoSeries(shapely.box(*corners.T, *(corners + TILE_M).T), crs=epsg).to_crs(STORAGE_EPSG)
    west, south, east, north = squares.bounds.to_numpy().T
    return read_frame(
        conn,
        "SELECT b.id, b.height_m, b.geom FROM building b WHERE b.id IN (SELECT n.id FROM"
        " unnest(CAST(:west AS float[]), CAST(:south AS float[]), CAST(:east AS float[]), CAST(:north AS float[]))"
        " AS t (west, south, east, north) JOIN building n"
        " ON n.geom && ST_MakeEnvelope(t.west, t.south, t.east, t.north, 4490)) ORDER BY b.id",
        {"west": west.tolist(), "south": south.tolist(), "east": east.tolist(), "north": north.tolist()},
    ).to_crs(epsg)
