"""Parking: kerbs and car parks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id, Simulated, geometry, geometry_indexes, web_geometry

__all__ = ["CarPark", "Kerb"]


class Kerb(Base, Simulated, web_geometry):
    """One side of a street edge and what may stand there."""

    __tablename__ = "kerb"
    __table_args__ = geometry_indexes("kerb", "geom", "g3857")

    id: Mapped[Id]
    street_edge_id: Mapped[int] = mapped_column(ForeignKey("street_edge.id", ondelete="CASCADE"), index=True)
    side: Mapped[str]
    """left or right in the direction of the edge"""
    rule: Mapped[str]
    """inline, parallel, diagonal, perpendicular, no_parking, no_stopping or untagged"""
    legal: Mapped[bool | None]
    """true: bays; false: forbidden; null: nobody tagged it"""
    condition: Mapped[str | None]
    length_m: Mapped[float]
    geom: Mapped[Any] = mapped_column(geometry("LINESTRING"))


class CarPark(Base, Simulated, web_geometry):
    """An off-street car park, a point or a polygon as mapped."""

    __tablename__ = "car_park"
    __table_args__ = geometry_indexes("car_park", "geom", "g3857")

    id: Mapped[Id]
    osm_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    name: Mapped[str | None]
    kind: Mapped[str | None]
    """surface, underground, multi-storey"""
    capacity: Mapped[int | None]
    fee: Mapped[bool | None]
    access: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(geometry("GEOMETRY"))
