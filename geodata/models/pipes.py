"""Lifelines: pipes and their nodes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id, Simulated, geometry, geometry_indexes, web_geometry
from geodata.models.loads import FromFile, source_key_index

__all__ = ["Pipe", "PipeNode", "Sensor"]


class Pipe(Base, Simulated, FromFile, web_geometry):
    """A pipe between nodes."""

    __tablename__ = "pipe"
    __table_args__ = (source_key_index("pipe"), *geometry_indexes("pipe", "geom", "g3857"))

    id: Mapped[Id]
    osm_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    kind: Mapped[str]
    """water, drain, gas, heat, power, telecom or unknown"""
    diameter_mm: Mapped[float | None]
    location: Mapped[str | None]
    owner: Mapped[str | None]
    length_m: Mapped[float]
    geom: Mapped[Any] = mapped_column(geometry("LINESTRING"))


class PipeNode(Base, Simulated, FromFile, web_geometry):
    """A manhole, valve, hydrant or regulator."""

    __tablename__ = "pipe_node"
    __table_args__ = (source_key_index("pipe_node"), *geometry_indexes("pipe_node", "geom", "g3857"))

    id: Mapped[Id]
    osm_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    kind: Mapped[str]
    """manhole, hydrant, valve …"""
    network: Mapped[str]
    """water, drain, gas, heat, power, telecom or unknown"""
    label: Mapped[str | None]
    diameter_mm: Mapped[float | None]
    geom: Mapped[Any] = mapped_column(geometry("POINT"))


class Sensor(Base, Simulated, web_geometry):
    """A device that measures at a node of a network."""

    __tablename__ = "sensor"
    __table_args__ = (
        CheckConstraint("state IN ('online', 'offline')", name="state"),
        *geometry_indexes("sensor", "geom", "g3857"),
    )

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    """what it measures: methane"""
    pipe_node_id: Mapped[int | None] = mapped_column(
        ForeignKey("pipe_node.id", ondelete="SET NULL"), index=True
    )
    state: Mapped[str]
    geom: Mapped[Any] = mapped_column(geometry("POINT"))
