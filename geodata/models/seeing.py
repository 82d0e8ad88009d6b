"""What was looked at and what was seen."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id, Simulated, geometry, geometry_indexes, web_geometry

__all__ = ["Detection", "Finding", "FindingFrame", "LadderStep", "Sample", "SamplePatch", "Verdict"]


class Sample(Base, Simulated):
    """One frame that the detector looked at."""

    __tablename__ = "sample"
    __table_args__ = (UniqueConstraint("camera_id", "taken_at"), UniqueConstraint("camera_id", "due_at"))

    id: Mapped[Id]
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"))
    taken_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime | None]
    """when the schedule wanted it: one sample for each due time, whoever takes it; null for a patrol of footage"""
    taken_from: Mapped[str] = mapped_column(server_default="footage", default="footage")
    """what tells the time: stream, wall clock, or footage that is taken to end now"""
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


class SamplePatch(Base):
    """A zone of a sample in small and grey: what rules about things that stay compare."""

    __tablename__ = "sample_patch"

    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id", ondelete="CASCADE"), primary_key=True)
    zone_id: Mapped[int] = mapped_column(ForeignKey("zone.id", ondelete="CASCADE"), primary_key=True)
    width_px: Mapped[int]
    height_px: Mapped[int]
    grey: Mapped[bytes]
    """row by row, one byte a pixel"""


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
    """A lead: a rule fired. What, where, how sure, with its evidence, and what people said of it."""

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("camera_id", "zone_id", "first_seen_at", "x1", "y1"),
        CheckConstraint("state IN ('lead', 'confirmed', 'rejected', 'unsure')", name="state"),
        CheckConstraint("recheck IN ('solved', 'not_solved', 'cannot_say')", name="recheck"),
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
    error_m: Mapped[float | None]
    """standard deviation of the point, metres"""
    rule: Mapped[str] = mapped_column(server_default="standing", default="standing")
    rule_version: Mapped[str] = mapped_column(server_default="1", default="1")
    """of the rule's thinking, a dot, and of the zone's settings"""
    lead_key: Mapped[str | None]
    """of analysis.vision.rules.Lead: what a later look prolongs"""
    quiet_s: Mapped[float] = mapped_column(server_default="0", default=0.0)
    """unseen for longer than this it is over"""
    placed: Mapped[bool] = mapped_column(server_default="true", default=True)
    """about one thing at its box; false if about the zone as a whole"""
    hint: Mapped[bool] = mapped_column(server_default="false", default=False)
    """something changed: a hint for a person, not a find"""
    boxes: Mapped[list[Any] | None]
    """[[x1, y1, x2, y2], …] of all that belong to it"""
    state: Mapped[str] = mapped_column(server_default="lead", default="lead", index=True)
    """lead until a person has looked; then confirmed, rejected or unsure"""
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("finding.id", ondelete="SET NULL"), index=True)
    """the lead that stands for the same thing: same place, class and time"""
    verdict_at: Mapped[dt.datetime | None]
    disposed_at: Mapped[dt.datetime | None]
    """when somebody said that it is dealt with"""
    recheck: Mapped[str | None]
    """what the same camera says after that"""
    recheck_at: Mapped[dt.datetime | None]


class FindingFrame(Base):
    """A frame that speaks for a lead beside its evidence: before it, after it, after its disposal."""

    __tablename__ = "finding_frame"
    __table_args__ = (CheckConstraint("role IN ('before', 'after', 'recheck')", name="role"),)

    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    taken_at: Mapped[dt.datetime]
    picture: Mapped[bytes] = mapped_column(LargeBinary)
    """JPEG, faces blurred"""
    sha256: Mapped[str]


class Verdict(Base):
    """What a person said of a lead; rows are only added."""

    __tablename__ = "verdict"
    __table_args__ = (CheckConstraint("verdict IN ('confirmed', 'rejected', 'unsure')", name="verdict"),)

    id: Mapped[Id]
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id", ondelete="CASCADE"), index=True)
    verdict: Mapped[str]
    given_by: Mapped[str]
    """the desk, not a person's name"""
    given_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class LadderStep(Base):
    """A step of escalation at a place: remind, warn, case."""

    __tablename__ = "ladder_step"
    __table_args__ = (CheckConstraint("step IN ('remind', 'warn', 'case')", name="step"),)

    id: Mapped[Id]
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id", ondelete="CASCADE"), index=True)
    place: Mapped[str] = mapped_column(index=True)
    """camera and zone, or unit cell"""
    class_code: Mapped[str] = mapped_column(ForeignKey("event_class.code"))
    step: Mapped[str]
    taken_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
