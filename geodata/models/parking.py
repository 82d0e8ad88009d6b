"""Parking: kerbs and car parks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id, Simulated, geometry, geometry_indexes, web_geometry
from geodata.models.loads import FromFile, source_key_index

__all__ = ["CarPark", "DemandEstimate", "DemandProfile", "Kerb"]


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


class CarPark(Base, Simulated, FromFile, web_geometry):
    """An off-street car park, a point or a polygon as mapped."""

    __tablename__ = "car_park"
    __table_args__ = (source_key_index("car_park"), *geometry_indexes("car_park", "geom", "g3857"))

    id: Mapped[Id]
    osm_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    name: Mapped[str | None]
    kind: Mapped[str | None]
    """surface, underground, multi-storey"""
    capacity: Mapped[int | None]
    fee: Mapped[bool | None]
    access: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(geometry("GEOMETRY"))


class DemandEstimate(Base, Simulated):
    """
    How often a class of violation begins at a place, whoever looked; written by the demand run.

    Rates are per metre of kerb and hour, the mean over the week. Missing numbers: nobody looked, and the place is
    unlike all that were seen.
    """

    __tablename__ = "demand_estimate"
    __table_args__ = (
        CheckConstraint("evidence IN ('observed', 'modelled', 'none')", name="evidence"),
        CheckConstraint("length_m > 0", name="length"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    place: Mapped[str] = mapped_column(primary_key=True)
    """table of the place: unit_cell or street_edge"""
    place_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    class_code: Mapped[str] = mapped_column(ForeignKey("event_class.code"), primary_key=True)
    length_m: Mapped[float]
    """kerb along which it can happen"""
    captures: Mapped[int]
    reports: Mapped[int]
    exposure_mh: Mapped[float]
    """metre-hours looked at, weighted with how busy the hours are"""
    seen_m: Mapped[float]
    """kerb that any camera with hours sees"""
    evidence: Mapped[str]
    """observed: captures tell at least as much as the model; modelled: the model tells more; none"""
    weight: Mapped[float]
    """share of the answer that captures tell, [0, 1]"""
    rate: Mapped[float | None]
    """violations begun a metre and hour"""
    lower80: Mapped[float | None]
    upper80: Mapped[float | None]
    lower95: Mapped[float | None]
    upper95: Mapped[float | None]
    per_h: Mapped[float | None]
    """violations begun an hour at the place"""


class DemandProfile(Base):
    """How busy each hour of the week is against the mean."""

    __tablename__ = "demand_profile"
    __table_args__ = (CheckConstraint("hour BETWEEN 0 AND 167", name="hour"),)

    class_code: Mapped[str] = mapped_column(ForeignKey("event_class.code"), primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    """hour of the week, from Monday 00:00 in the town's time"""
    weight: Mapped[float]
    """of mean 1"""
    cv: Mapped[float]
    """standard deviation of the weight over the weight"""
