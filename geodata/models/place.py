"""Places: areas, unit cells, streets, buildings, points of interest, components and QR points."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id, Simulated, geometry, geometry_indexes, web_geometry
from geodata.models.loads import FromFile, source_key_index

__all__ = ["AddressPoint", "Area", "Building", "CellMeasure", "Component", "Poi", "StreetEdge", "UnitCell"]


class Area(Base, Simulated):
    """A division of the city: county, street (town) or community; each names its parent."""

    __tablename__ = "area"
    __table_args__ = geometry_indexes("area", "geom")

    id: Mapped[Id]
    kind: Mapped[str]
    """county, street or community"""
    code: Mapped[str] = mapped_column(unique=True)
    """6, 9 or 12 digits of GB/T 2260 and its extension"""
    name_zh: Mapped[str]
    name_en: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"))


class UnitCell(Base, Simulated, web_geometry):
    """A unit cell 单元网格 of GB/T 30428.1, about 10,000 m², never across a community's boundary."""

    __tablename__ = "unit_cell"
    __table_args__ = geometry_indexes("unit_cell", "geom", "g3857")

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(unique=True)
    """15 digits"""
    code_profile: Mapped[str] = mapped_column(server_default="2013")
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), index=True)
    area_m2: Mapped[float]
    set_up_on: Mapped[dt.date]
    changed_on: Mapped[dt.date | None]
    note: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"))


class CellMeasure(Base):
    """What is computed of a cell; written by the commands, read by the map. Null means not known, never zero."""

    __tablename__ = "cell_measure"

    cell_id: Mapped[int] = mapped_column(ForeignKey("unit_cell.id", ondelete="CASCADE"), primary_key=True)
    coverage_ratio: Mapped[float | None]
    """share of the ground that at least one camera sees, [0, 1]"""
    cameras: Mapped[int | None]
    """cameras that see any of it"""
    captures: Mapped[int | None]
    """parking captures in the period of the estimate"""
    exposure_h: Mapped[float | None]
    """hours of full view: visible share x hours sampled x recall"""
    rate: Mapped[float | None]
    """violations begun per hour of full view; null where nobody looked"""
    rate_lower: Mapped[float | None]
    rate_upper: Mapped[float | None]
    reports: Mapped[int | None]
    """reports by people in the same period"""


class StreetEdge(Base, Simulated, web_geometry):
    """A piece of street between junctions."""

    __tablename__ = "street_edge"
    __table_args__ = (*geometry_indexes("street_edge", "geom", "g3857"),)

    id: Mapped[Id]
    osm_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    name: Mapped[str | None]
    highway: Mapped[str]
    """OpenStreetMap class: primary, residential, footway …"""
    drivable: Mapped[bool]
    """open to motor vehicles"""
    oneway: Mapped[bool]
    lit: Mapped[bool | None]
    maxspeed_kmh: Mapped[float | None]
    length_m: Mapped[float]
    geom: Mapped[Any] = mapped_column(geometry("LINESTRING"))


class Building(Base, Simulated, FromFile, web_geometry):
    """A building footprint with its height above ground."""

    __tablename__ = "building"
    __table_args__ = (source_key_index("building"), *geometry_indexes("building", "geom", "g3857"))

    id: Mapped[Id]
    osm_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    name: Mapped[str | None]
    use: Mapped[str | None]
    levels: Mapped[float | None]
    height_m: Mapped[float]
    height_source: Mapped[str]
    """tag (measured), levels (3.2 m each) or assumed (the median of the rest)"""
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"))


class Poi(Base, Simulated, FromFile, web_geometry):
    """A point of interest; telephone numbers and mail addresses are not kept."""

    __tablename__ = "poi"
    __table_args__ = (source_key_index("poi"), *geometry_indexes("poi", "geom", "g3857"))

    id: Mapped[Id]
    osm_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    name: Mapped[str | None]
    kind: Mapped[str]
    """amenity, shop, tourism, office …; traffic: crossings and stops, where nobody wants to go"""
    category: Mapped[str]
    """restaurant, supermarket …"""
    geom: Mapped[Any] = mapped_column(geometry("POINT"))


class Component(Base, Simulated, web_geometry):
    """A city component 部件 of GB/T 30428.2, such as a street lamp or a manhole cover."""

    __tablename__ = "component"
    __table_args__ = (
        UniqueConstraint("code"),
        *geometry_indexes("component", "geom", "g3857"),
    )

    id: Mapped[Id]
    code: Mapped[str]
    """16 digits"""
    code_profile: Mapped[str] = mapped_column(server_default="2013")
    class_code: Mapped[str] = mapped_column(index=True)
    """major-minor, such as 01-18 street lamp"""
    osm_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    state: Mapped[str] = mapped_column(server_default="intact")
    """intact, damaged, lost or abandoned"""
    owner: Mapped[str | None]
    geom: Mapped[Any] = mapped_column(geometry("POINT"))


class AddressPoint(Base, Simulated, web_geometry):
    """A street point with a QR code that people scan to report."""

    __tablename__ = "address_point"
    __table_args__ = geometry_indexes("address_point", "geom", "g3857")

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str | None]
    cell_id: Mapped[int | None] = mapped_column(ForeignKey("unit_cell.id"), index=True)
    geom: Mapped[Any] = mapped_column(geometry("POINT"))
