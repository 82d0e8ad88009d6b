"""What a city-wide coverage run needs to know: cameras with the hours that they look, and places to be seen."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from geodata.queries.frames import read_frame, read_table

__all__ = ["SOURCES", "areas", "newest_change", "newest_run", "posed_cameras", "presets", "seen_places"]

SOURCES = (
    "area",
    "building",
    "camera",
    "camera_preset",
    "exposure",
    "no_parking_area",
    "poi",
    "street_edge",
    "unit_cell",
)
"""Datasets that a run reads."""

EVERY_HOUR = 2**24 - 1


def newest_change(conn: Connection | Session) -> int:
    """Newest revision among the datasets that a run reads."""
    newest = conn.scalar(
        text("SELECT max(revision) FROM dataset WHERE name = ANY (:names)"), {"names": list(SOURCES)}
    )
    return int(newest or 0)


def posed_cameras(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """
    Cameras with all of their pose, and the hours of the day in which frames of theirs are looked at.

    Bit h of `hours` is set for hour h. Where no exposure is on record, the camera's hours are spread over the day.
    """
    cameras = read_frame(
        conn,
        "SELECT id, code, heading_deg, tilt_deg, height_m, hfov_deg, vfov_deg, resolution_px, range_m, owner,"
        " hours_per_day, share_level, tier, kind, pan_from_deg, pan_to_deg, state,"
        " (pose_simulated OR simulated) AS simulated, geom"
        " FROM camera ORDER BY id",
    ).to_crs(epsg)
    hours = read_table(
        conn,
        "SELECT e.camera_id, bit_or(1 << CAST((u.at - 1) % 24 AS int)) AS hours FROM exposure e"
        " CROSS JOIN LATERAL unnest(e.hours) WITH ORDINALITY AS u(looked, at) WHERE u.looked > 0 GROUP BY 1",
    ).set_index("camera_id")["hours"]
    numbers = ["pan_from_deg", "pan_to_deg"]
    cameras[numbers] = cameras[numbers].apply(pd.to_numeric)
    spread = (cameras["hours_per_day"] > 0).astype("int64") * EVERY_HOUR
    return cameras.assign(hours=hours.reindex(cameras.index).fillna(spread).astype("int64"))


def presets(conn: Connection | Session) -> pd.DataFrame:
    """Where PTZ cameras look by turns."""
    return read_table(
        conn,
        "SELECT camera_id, number, heading_deg, tilt_deg, hfov_deg, share FROM camera_preset"
        " ORDER BY camera_id, number",
    )


def seen_places(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """Places whose coverage is told: cells, drivable street edges, no-parking areas and the gates of schools."""
    return read_frame(
        conn,
        "SELECT 'unit_cell' AS place, id AS place_id, geom FROM unit_cell"
        " UNION ALL SELECT 'street_edge', id, geom FROM street_edge WHERE drivable"
        " UNION ALL SELECT 'no_parking_area', id, geom FROM no_parking_area"
        " UNION ALL SELECT 'poi', id, geom FROM poi WHERE kind = 'amenity' AND category IN ('school', 'kindergarten')"
        " ORDER BY place, place_id",
    ).to_crs(epsg)


def areas(conn: Connection | Session, epsg: int) -> gpd.GeoDataFrame:
    """The divisions of the town, each with the one that it is a part of."""
    return read_frame(conn, "SELECT id, parent_id, geom FROM area ORDER BY id").to_crs(epsg)


def newest_run(conn: Connection | Session) -> dict[str, Any] | None:
    """
    What the newest coverage run did: method, parameters, seconds, created_at, and result.

    The result tells of `left_out`, how many cameras had faults, and `first_left_out`, errors to be retold.
    """
    row = conn.execute(
        text(
            "SELECT revision, method, parameters, result, seconds, created_at FROM run WHERE kind = 'coverage'"
            " ORDER BY id DESC LIMIT 1"
        )
    ).mappings()
    found = row.first()
    return None if found is None else dict(found)
