"""What patrols saw."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection

from geodata.queries.frames import read_table

__all__ = ["Patrol", "cameras_with_footage", "newest_patrol"]


@dataclass(frozen=True)
class Patrol:
    """
    The newest patrol of a camera.

    Attributes
    ----------
    samples
        id, taken_at, footage_s, width_px, height_px, detector, looked_s, pictured: by time.
    detections
        sample_id, label, score, x1, y1, x2, y2: pixels.
    findings
        Of the camera, newest first: id, zone, titles, label, class names, times, dwell_s, confidence, box, lon_deg,
        lat_deg, simulated.
    zones
        name, titles, dwell_s, polygon_px.
    """

    samples: pd.DataFrame
    detections: pd.DataFrame
    findings: pd.DataFrame
    zones: pd.DataFrame


def cameras_with_footage(conn: Connection) -> pd.DataFrame:
    """Cameras that have footage: id, code, name, stream_url, demonstration, lon_deg, lat_deg, and their calibration."""
    return read_table(
        conn,
        "SELECT c.id, c.code, c.name, c.stream_url, c.demonstration, c.pose_simulated,"
        " ST_X(c.geom) AS lon_deg, ST_Y(c.geom) AS lat_deg, k.rmse_m, k.max_error_m, k.source"
        " FROM camera c LEFT JOIN calibration k ON k.camera_id = c.id WHERE c.stream_url IS NOT NULL ORDER BY c.id",
    )


def newest_patrol(conn: Connection, camera_id: int) -> Patrol:
    """Samples that still have their pictures, their boxes, and the camera's findings."""
    here = {"camera": camera_id}
    return Patrol(
        samples=read_table(
            conn,
            "SELECT id, taken_at, footage_s, width_px, height_px, detector, looked_s, simulated FROM sample"
            " WHERE camera_id = :camera AND picture IS NOT NULL ORDER BY taken_at",
            here,
        ),
        detections=read_table(
            conn,
            "SELECT d.sample_id, d.label, d.score, d.x1, d.y1, d.x2, d.y2 FROM detection d"
            " JOIN sample s ON s.id = d.sample_id"
            " WHERE s.camera_id = :camera AND s.picture IS NOT NULL ORDER BY d.sample_id, d.id",
            here,
        ),
        findings=read_table(
            conn,
            "SELECT f.id, z.name AS zone, z.title_zh, z.title_en, f.label, e.code AS class_code, e.name_zh, e.name_en,"
            " f.first_seen_at, f.last_seen_at, f.dwell_s, f.confidence, f.x1, f.y1, f.x2, f.y2,"
            " ST_X(f.geom) AS lon_deg, ST_Y(f.geom) AS lat_deg, f.simulated FROM finding f"
            " JOIN zone z ON z.id = f.zone_id JOIN event_class e ON e.code = f.class_code"
            " WHERE f.camera_id = :camera ORDER BY f.first_seen_at DESC, f.id LIMIT 200",
            here,
        ),
        zones=read_table(
            conn,
            "SELECT name, title_zh, title_en, dwell_s, polygon_px FROM zone WHERE camera_id = :camera ORDER BY name",
            here,
        ),
    )
