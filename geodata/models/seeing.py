"""What was looked at and what was seen."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id, Simulated, geometry, geometry_indexes, web_geometry

__all__ = ["Detection", "Finding", "Sample"]


class Sample(Base, Simulated):
    """One frame that the detector looked at."""

    __tablename__ = "sample"
    __table_args__ = (UniqueConstraint("camera_id", "taken_at"),)

    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"))
    taken_at: Mapped[dt.datetime]
    footage_s: Mapped[float]
    """seconds from the start of the footage"""
    frame_index: Mapped[int]
    width_px: Mapped[int]
    height_px: Mapped[int]
    detector: Mapped[str]
    looked_s: Mapped[float]
    """seconds that opening and detecting took"""
    picture: Mapped[bytes | None] = mapped_column(LargeBinary)
    """JPEG of the frame, faces blurred; kept for the newest patrol of a camera only"""


class Detection(Base, Simulated):
    """A box that the detector drew in a sample."""

    __tablename__ = "detection"
    __table_args__ = geometry_indexes("detection", "geom")

    id: Mapped[Id]
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id", ondelete="CASCADE"), index=True)
    label: Mapped[str]
    """COCO class name"""
    score: Mapped[float]
    x1: Mapped[float]
    y1: Mapped[float]
    x2: Mapped[float]
    y2: Mapped[float]
    geom: Mapped[Any | None] = mapped_column(geometry("POINT"), nullable=True)
    """the foot point on the ground, where the camera is calibrated"""


class Finding(Base, Simulated, web_geometry):
    """A rule fired: what, where, how sure, with its evidence."""

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("camera_id", "zone_id", "first_seen_at", "x1", "y1"),
        *geometry_indexes("finding", "geom", "g3857"),
    )

    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), index=True)
    zone_id: Mapped[int] = mapped_column(ForeignKey("zone.id", ondelete="CASCADE"), index=True)
    cell_id: Mapped[int | None] = mapped_column(ForeignKey("unit_cell.id"), index=True)
    class_code: Mapped[str] = mapped_column(ForeignKey("event_class.code"))
    label: Mapped[str]
    first_seen_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime]
    dwell_s: Mapped[float]
    confidence: Mapped[float]
    """median score of the boxes, [0, 1]"""
    x1: Mapped[float]
    y1: Mapped[float]
    x2: Mapped[float]
    y2: Mapped[float]
    evidence: Mapped[bytes | None] = mapped_column(LargeBinary)
    """JPEG of the frame, faces blurred"""
    evidence_sha256: Mapped[str | None]
    geom: Mapped[Any | None] = mapped_column(geometry("POINT"), nullable=True)
