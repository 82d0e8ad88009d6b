"""Cameras: pose, visible area, calibration, zones, and how long each looked."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id, Simulated, geometry, geometry_indexes, web_geometry

__all__ = ["Calibration", "Camera", "CameraPreset", "CameraView", "DetectorRecall", "Exposure", "Zone"]


class Camera(Base, Simulated, web_geometry):
    """A video camera. Angles in degrees, lengths in metres."""

    __tablename__ = "camera"
    __table_args__ = (
        CheckConstraint("heading_deg >= 0 AND heading_deg < 360", name="heading"),
        CheckConstraint("hfov_deg > 0 AND hfov_deg <= 360", name="hfov"),
        CheckConstraint("range_m > 0", name="range"),
        *geometry_indexes("camera", "geom", "g3857"),
    )

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(unique=True)
    """20 digits of GB/T 28181"""
    component_code: Mapped[str | None] = mapped_column(unique=True)
    """16 digits, component class 01-36"""
    osm_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    name: Mapped[str]
    heading_deg: Mapped[float]
    """clockwise from north, [0, 360)"""
    tilt_deg: Mapped[float]
    """downward from the horizon"""
    height_m: Mapped[float]
    hfov_deg: Mapped[float]
    vfov_deg: Mapped[float]
    resolution_px: Mapped[int]
    """pixels across the picture"""
    range_m: Mapped[float]
    """how far the picture is used"""
    hours_per_day: Mapped[float]
    """hours in which frames are sampled"""
    owner: Mapped[str]
    share_level: Mapped[int] = mapped_column(SmallInteger)
    """1 own office only, 2 departments, 3 all partners"""
    area_class: Mapped[str]
    state: Mapped[str]
    """online, offline or maintenance"""
    stream_url: Mapped[str | None]
    kind: Mapped[str] = mapped_column(server_default="fixed")
    """fixed, dome, ptz or panorama"""
    tier: Mapped[str] = mapped_column(server_default="street")
    """high (tower, roof), street or vehicle"""
    pan_from_deg: Mapped[float | None]
    """a PTZ camera turns clockwise from here …"""
    pan_to_deg: Mapped[float | None]
    """… to here"""
    heading_sd_deg: Mapped[float] = mapped_column(server_default="0")
    """standard deviation of the heading; 0 where it was surveyed"""
    pose_simulated: Mapped[bool]
    """heading, tilt and field were not surveyed"""
    demonstration: Mapped[bool] = mapped_column(server_default="false")
    """plays recorded footage from another place"""
    geom: Mapped[Any] = mapped_column(geometry("POINT"))


class CameraPreset(Base, Simulated):
    """Where a PTZ camera looks by turns. Angles in degrees."""

    __tablename__ = "camera_preset"
    __table_args__ = (
        CheckConstraint("heading_deg >= 0 AND heading_deg < 360", name="heading"),
        CheckConstraint("hfov_deg > 0 AND hfov_deg < 180", name="hfov"),
        CheckConstraint("share > 0 AND share <= 1", name="share"),
    )

    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    name: Mapped[str | None]
    heading_deg: Mapped[float]
    tilt_deg: Mapped[float]
    hfov_deg: Mapped[float]
    share: Mapped[float]
    """share of the time that it looks there, (0, 1]"""


class CameraView(Base, Simulated, web_geometry):
    """Ground that a camera sees behind the buildings, with its DORI distances (EN 62676-4)."""

    __tablename__ = "camera_view"
    __table_args__ = geometry_indexes("camera_view", "geom", "g3857")

    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), unique=True)
    area_m2: Mapped[float]
    near_m: Mapped[float]
    """nearest ground in the picture; closer lies the blind cone"""
    detect_m: Mapped[float]
    observe_m: Mapped[float]
    recognise_m: Mapped[float]
    identify_m: Mapped[float]
    method: Mapped[str]
    computed_at: Mapped[dt.datetime]
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"))


class Calibration(Base, Simulated):
    """Pixel ↔ ground reference points of a camera; the homography is fitted to them whenever it is needed."""

    __tablename__ = "calibration"

    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), unique=True)
    width_px: Mapped[int]
    height_px: Mapped[int]
    points: Mapped[list[Any]]
    """[[pixel x, pixel y, ground x metres, ground y metres], …] in the local frame"""
    anchor_x_m: Mapped[float]
    """the camera's own place in the local frame"""
    anchor_y_m: Mapped[float]
    rotation_deg: Mapped[float]
    """anticlockwise turn that carries the local frame onto the map"""
    rmse_m: Mapped[float]
    max_error_m: Mapped[float]
    loo_rmse_m: Mapped[float | None]
    """leave-one-out error: each point told by the others; null where there are too few"""
    loo_max_m: Mapped[float | None]
    source: Mapped[str]


class Zone(Base, Simulated):
    """A polygon in the picture and the rule that watches it."""

    __tablename__ = "zone"
    __table_args__ = (UniqueConstraint("camera_id", "name"),)

    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    rule: Mapped[str]
    """kind, of analysis.vision.rules: standing, static_object, crowding …"""
    class_code: Mapped[str] = mapped_column(ForeignKey("event_class.code"))
    dwell_s: Mapped[float]
    polygon_px: Mapped[list[Any]]
    """[[x, y], …] pixels"""
    settings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """of the rule, beside dwell_s"""
    version: Mapped[int] = mapped_column(server_default="1", default=1)
    """grows with every change; a lead keeps the version that made it"""
    enabled: Mapped[bool] = mapped_column(server_default="true", default=True)


class CameraWatch(Base):
    """How a camera is sampled, and how its stream is. Times aware."""

    __tablename__ = "camera_watch"
    __table_args__ = (
        CheckConstraint("state IN ('unknown', 'online', 'stalled', 'unreachable')", name="state"),
        CheckConstraint("priority >= 0", name="priority"),
        CheckConstraint("min_interval_s > 0 AND max_interval_s >= min_interval_s", name="interval"),
    )

    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True)
    priority: Mapped[float] = mapped_column(server_default="1", default=1.0)
    """0: not sampled"""
    min_interval_s: Mapped[float]
    max_interval_s: Mapped[float]
    """no camera waits longer for its next sample"""
    state: Mapped[str] = mapped_column(server_default="unknown", default="unknown")
    state_since: Mapped[dt.datetime | None]
    failures: Mapped[int] = mapped_column(server_default="0", default=0)
    """in a row"""
    unanswered: Mapped[int] = mapped_column(server_default="0", default=0)
    """of these, the last ones at which nothing answered"""
    last_event: Mapped[str | None]
    """what the last try brought: ok, resized, timeout, garbage or refused"""
    last_event_at: Mapped[dt.datetime | None]
    resized_at: Mapped[dt.datetime | None]
    """since when pictures have another size than the one that zones and calibration were made for"""
    next_try_at: Mapped[dt.datetime | None]
    """back-off: not tried before"""
    due_at: Mapped[dt.datetime | None]
    """of the sample that is in the queue; null where none is"""
    last_sampled_at: Mapped[dt.datetime | None]
    last_lead_at: Mapped[dt.datetime | None]
    sampled_h: Mapped[float] = mapped_column(server_default="0", default=0.0)
    """hours really looked at"""
    error: Mapped[dict[str, Any] | None]
    """why the last try failed, as told"""


class Exposure(Base, Simulated):
    """How long a camera looked for a class: camera × month × hour of the week."""

    __tablename__ = "exposure"
    __table_args__ = (CheckConstraint("cardinality(hours) = 168 AND 0 <= ALL (hours)", name="hours"),)

    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True)
    class_code: Mapped[str] = mapped_column(ForeignKey("event_class.code"), primary_key=True)
    month: Mapped[dt.date] = mapped_column(primary_key=True)
    hours: Mapped[list[float]] = mapped_column(ARRAY(Double))
    """hours sampled in each hour of the week, from Monday 00:00 in the town's time; 168 numbers"""


class DetectorRecall(Base):
    """
    The share of a class's violations in view that detectors report, as a beta distribution.

    `hits` and `misses` are above 0: as if so many violations in view had been found and missed.
    """

    __tablename__ = "detector_recall"
    __table_args__ = (CheckConstraint("hits > 0 AND misses > 0", name="numbers"),)

    class_code: Mapped[str] = mapped_column(ForeignKey("event_class.code"), primary_key=True)
    hits: Mapped[float]
    misses: Mapped[float]
    reports: Mapped[int]
    """reports by people at places that cameras saw, from which it was estimated"""
    caught: Mapped[int]
    """those of them that a camera caught too"""
    method: Mapped[str]
