"""The city as frames, for analysis: projected to metres, indexed by id and in its order, so that seeds repeat."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import shapely
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG
from geodata.queries.frames import read_frame

__all__ = ["buildings", "cameras", "cells", "kerbs", "lamps", "pois", "standing_views", "streets", "views"]


def cells(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Unit cells with their measures."""
    sql = (
        "SELECT t.id, t.code, t.area_m2, m.coverage_ratio, m.cameras, m.captures, m.exposure_h, m.rate,"
        " m.rate_lower, m.rate_upper, m.reports, t.simulated, t.geom"
        " FROM unit_cell t LEFT JOIN cell_measure m ON m.cell_id = t.id ORDER BY t.code"
    )
    return read_frame(conn, sql).to_crs(epsg)


def cameras(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Cameras with their poses."""
    sql = (
        "SELECT id, code, name, heading_deg, tilt_deg, height_m, hfov_deg, vfov_deg, resolution_px, range_m,"
        " hours_per_day, owner, share_level, area_class, state, stream_url, pose_simulated, demonstration,"
        " simulated, geom FROM camera ORDER BY id"
    )
    return read_frame(conn, sql).to_crs(epsg)


def views(conn: Connection | Session, epsg: int, cameras: Sequence[int] | None = None) -> gpd.GeoDataFrame:
    """Visible areas, indexed by camera; of all cameras if none are named."""
    limit = "" if cameras is None else " WHERE camera_id = ANY (:cameras)"
    sql = f"SELECT camera_id, area_m2, geom FROM camera_view{limit} ORDER BY camera_id"  # noqa: S608
    chosen = None if cameras is None else {"cameras": list(cameras)}
    return _seen(read_frame(conn, sql, chosen, index="camera_id"), epsg)


def standing_views(
    conn: Connection | Session, epsg: int, near: shapely.Geometry | None = None
) -> gpd.GeoDataFrame:
    """
    Visible areas with code, name and owner, indexed by camera; without those that play footage of elsewhere.

    `near`, in the CRS of `epsg`, limits them to those that meet its bounding box.
    """
    sql = (
        "SELECT v.camera_id, c.code, c.name, c.owner, v.area_m2, v.geom FROM camera_view v"
        " JOIN camera c ON c.id = v.camera_id WHERE NOT c.demonstration{limit} ORDER BY v.camera_id"
    )
    if near is None:
        return _seen(read_frame(conn, sql.format(limit=""), index="camera_id"), epsg)
    west, south, east, north = gpd.GeoSeries([near], crs=epsg).to_crs(STORAGE_EPSG).total_bounds.tolist()
    limit = " AND v.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4490)"
    box = {"west": west, "south": south, "east": east, "north": north}
    return _seen(read_frame(conn, sql.format(limit=limit), box, index="camera_id"), epsg)


def _seen(stored: gpd.GeoDataFrame, epsg: int) -> gpd.GeoDataFrame:
    """In metres, and valid: on the way through degrees a corner may slip by a nanometre onto another edge."""
    found = stored.to_crs(epsg)
    shapes = found.geometry.to_numpy(copy=True)
    broken = ~shapely.is_valid(shapes)
    if not broken.any():
        return found
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return found.set_geometry(gpd.GeoSeries(shapes, index=found.index, crs=epsg).rename(found.geometry.name))


def buildings(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Footprints with heights."""
    return read_frame(conn, "SELECT id, height_m, geom FROM building ORDER BY id").to_crs(epsg)


def streets(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Street edges."""
    return read_frame(
        conn, "SELECT id, name, highway, drivable, length_m, geom FROM street_edge ORDER BY id"
    ).to_crs(epsg)


def kerbs(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Kerbs with their rule."""
    sql = "SELECT id, street_edge_id, side, rule, legal, length_m, geom FROM kerb ORDER BY id"
    return read_frame(conn, sql).to_crs(epsg)


def lamps(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Street lamps: poles on which a camera can hang."""
    return read_frame(
        conn, "SELECT id, code, geom FROM component WHERE class_code = '01-18' ORDER BY id"
    ).to_crs(epsg)


def pois(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Points of interest where people want to go: without crossings and stops."""
    sql = "SELECT id, kind, category, geom FROM poi WHERE kind <> 'traffic' ORDER BY id"
    return read_frame(conn, sql).to_crs(epsg)
