"""Cases and the classes they belong to."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Simulated, geometry, geometry_indexes, web_geometry

__all__ = ["CaseFile", "EventClass", "Stage"]


class EventClass(Base):
    """An event class 事件 of GB/T 30428.2: 2 + 2 digits, local extensions from 21."""

    __tablename__ = "event_class"

    code: Mapped[str] = mapped_column(primary_key=True)
    """major-minor, such as 05-05 motor vehicles parked in disorder"""
    name_zh: Mapped[str]
    name_en: Mapped[str]
    code_profile: Mapped[str] = mapped_column(server_default="2013")


class Stage(enum.Enum):
    """Where a case stands (GB/T 30428.8)."""

    REPORTED = "reported"
    REGISTERED = "registered"
    DISPATCHED = "dispatched"
    DISPOSED = "disposed"
    VERIFIED = "verified"
    CLOSED = "closed"
    VOID = "void"


class CaseFile(Base, Simulated, web_geometry):
    """
    A case: a problem with a code and a place. Partitioned by the month of `reported_at`.

    References to cells, cameras and classes are plain columns: rows arrive by the hundred thousand, and the loader
    and the commands check them.
    """

    __tablename__ = "case_file"
    __table_args__ = (
        Index("ix_case_file_reported_at", "reported_at", postgresql_using="brin"),
        Index("ix_case_file_cell_id_class_code", "cell_id", "class_code"),
        Index("ix_case_file_camera_id", "camera_id"),
        Index("ix_case_file_number", "number"),
        Index("ix_case_file_changed_at_id", "changed_at", "id"),
        *geometry_indexes("case_file", "geom", "g3857"),
        {"postgresql_partition_by": "RANGE (reported_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    reported_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    number: Mapped[str]
    """county, day and sequence: 330481-20260131-000123"""
    class_code: Mapped[str]
    source: Mapped[str]
    """camera, qr, hotline, patrol …"""
    stage: Mapped[Stage]
    camera_id: Mapped[int | None] = mapped_column(BigInteger)
    cell_id: Mapped[int | None] = mapped_column(BigInteger)
    address_point_id: Mapped[int | None] = mapped_column(BigInteger)
    closed_at: Mapped[dt.datetime | None]
    changed_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    """when the row was written or changed last; a trigger keeps it"""
    component_code: Mapped[str | None]
    """16 digits, if it is about a component"""
    geom: Mapped[Any] = mapped_column(geometry("POINT"))
