"""Scenarios as they are stored."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Connection, text

from geodata.errors import NotFound
from geodata.queries.frames import read_frame

__all__ = ["Scenario", "camera_ids", "list_scenarios", "read_scenario", "site", "stored_pose"]


@dataclass(frozen=True)
class Scenario:
    """
    A scenario and its items.

    Attributes
    ----------
    token
        Names it in addresses.
    name, note
        For people.
    version
        Grows with every change.
    changed_at
        When it was changed last.
    items
        One row a change, by id: action (add, change, remove), camera_id, code and name, site, pose, presets, cost;
        points in EPSG:4490, those of removed cameras where they stand.
    """

    token: str
    name: str
    note: str | None
    version: int
    changed_at: dt.datetime
    items: gpd.GeoDataFrame


def list_scenarios(conn: Connection) -> dict[str, str]:
    """Token → name, the one that was changed last first."""
    rows = conn.execute(text("SELECT token, name FROM scenario ORDER BY changed_at DESC, id DESC"))
    return {row.token: row.name for row in rows}


def read_scenario(conn: Connection, token: str) -> Scenario:
    """
    The scenario of an address.

    Raises
    ------
    NotFound
        If there is none.
    """
    head = conn.execute(
        text("SELECT id, name, note, version, changed_at FROM scenario WHERE token = :token"),
        {"token": token},
    ).first()
    if head is None:
        raise NotFound(
            "There is no scenario '{token}'.", "Choose one from the list, or make a new one.", token=token
        )
    items = read_frame(
        conn,
        "SELECT i.id, i.action, i.camera_id, c.code, coalesce(i.name, c.name) AS name, i.site, i.heading_deg,"
        " i.tilt_deg, i.height_m, i.hfov_deg, i.vfov_deg, i.resolution_px, i.range_m, i.presets, i.cost,"
        " coalesce(i.geom, c.geom) AS geom FROM scenario_item i LEFT JOIN camera c ON c.id = i.camera_id"
        " WHERE i.scenario_id = :id ORDER BY i.id",
        {"id": head.id},
    )
    numbers = [
        "heading_deg",
        "tilt_deg",
        "height_m",
        "hfov_deg",
        "vfov_deg",
        "resolution_px",
        "range_m",
        "cost",
    ]
    items[numbers] = items[numbers].apply(pd.to_numeric)
    items["camera_id"] = items["camera_id"].astype("Int64")
    return Scenario(token, head.name, head.note, head.version, head.changed_at, items)


def stored_pose(conn: Connection, camera_id: int) -> dict[str, Any]:
    """
    How a stored camera stands, with its place in degrees and the presets of a PTZ camera.

    Raises
    ------
    NotFound
        If there is no such camera.
    """
    row = conn.execute(
        text(
            "SELECT id, code, name, kind, heading_deg, tilt_deg, height_m, hfov_deg, vfov_deg, resolution_px, range_m,"
            " ST_X(geom) AS lon_deg, ST_Y(geom) AS lat_deg,"
            " (SELECT jsonb_agg(jsonb_build_object('heading_deg', p.heading_deg, 'tilt_deg', p.tilt_deg,"
            " 'hfov_deg', p.hfov_deg, 'share', p.share) ORDER BY p.number) FROM camera_preset p"
            " WHERE p.camera_id = c.id) AS presets FROM camera c WHERE id = :id"
        ),
        {"id": camera_id},
    ).mappings()
    found = row.first()
    if found is None:
        raise NotFound("There is no camera {camera}.", "Reload the page.", camera=camera_id)
    return dict(found)


def camera_ids(conn: Connection, codes: list[str]) -> dict[str, int]:
    """Code → id of the cameras that are there."""
    rows = conn.execute(text("SELECT code, id FROM camera WHERE code = ANY(:codes)"), {"codes": codes})
    return {row.code: row.id for row in rows}


def site(conn: Connection, layer: str, feature: int) -> dict[str, Any] | None:
    """
    Where a new camera would hang: code, lon_deg, lat_deg, lamp; None if the feature is gone.

    A lamp is its own site. In a cell it is the lamp nearest to the middle, in a cell without lamps the middle itself.
    """
    if layer == "lamps":
        sql = "SELECT code, ST_X(geom) AS lon_deg, ST_Y(geom) AS lat_deg, true AS lamp FROM component WHERE id = :id"
    else:
        sql = (
            "SELECT coalesce(l.code, c.code) AS code, ST_X(coalesce(l.geom, m.geom)) AS lon_deg,"
            " ST_Y(coalesce(l.geom, m.geom)) AS lat_deg, l.code IS NOT NULL AS lamp FROM unit_cell c"
            " CROSS JOIN LATERAL (SELECT ST_PointOnSurface(c.geom) AS geom) m"
            " LEFT JOIN LATERAL (SELECT code, geom FROM component WHERE class_code = '01-18'"
            " AND ST_Intersects(geom, c.geom) ORDER BY geom <-> m.geom LIMIT 1) l ON true WHERE c.id = :id"
        )
    row = conn.execute(text(sql), {"id": feature}).mappings().first()
    return dict(row) if row else None
