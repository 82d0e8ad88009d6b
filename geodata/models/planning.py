"""Planning: scenarios, what was computed for them, building reviews, and where no camera may look."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id, Simulated, geometry, geometry_indexes, web_geometry

__all__ = [
    "BuildingReview",
    "CoveragePart",
    "CoverageShare",
    "NoParkingArea",
    "PatrolTrack",
    "RestrictedArea",
    "Run",
    "Scenario",
    "ScenarioBay",
    "ScenarioItem",
    "ScenarioTariff",
]


class Scenario(Base):
    """A set of changes to the cameras that a planner tries out; the stored cameras stay as they are."""

    __tablename__ = "scenario"

    id: Mapped[Id]
    token: Mapped[str] = mapped_column(unique=True)
    """names the scenario in addresses; not to be guessed"""
    name: Mapped[str]
    note: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(server_default="1", default=1)
    """grows with every change"""


class ScenarioItem(Base):
    """One camera that a scenario adds, moves, turns or removes. Angles in degrees, lengths in metres."""

    __tablename__ = "scenario_item"
    __table_args__ = (
        UniqueConstraint("scenario_id", "camera_id"),
        CheckConstraint("action IN ('add', 'change', 'remove')", name="action"),
        CheckConstraint("(action = 'add') = (camera_id IS NULL)", name="camera"),
        CheckConstraint("heading_deg >= 0 AND heading_deg < 360", name="heading"),
        CheckConstraint("hfov_deg > 0 AND hfov_deg <= 360", name="hfov"),
        CheckConstraint("range_m > 0", name="range"),
        *geometry_indexes("scenario_item", "geom"),
    )

    id: Mapped[Id]
    scenario_id: Mapped[int] = mapped_column(ForeignKey("scenario.id", ondelete="CASCADE"), index=True)
    action: Mapped[str]
    """add, change (moved or turned) or remove"""
    camera_id: Mapped[int | None] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"))
    """the stored camera that is changed or removed; null for a new one"""
    name: Mapped[str | None]
    site: Mapped[str | None]
    """code of the lamp, pole or cell that it hangs on"""
    heading_deg: Mapped[float | None]
    tilt_deg: Mapped[float | None]
    height_m: Mapped[float | None]
    hfov_deg: Mapped[float | None]
    vfov_deg: Mapped[float | None]
    resolution_px: Mapped[int | None]
    range_m: Mapped[float | None]
    presets: Mapped[list[Any] | None]
    """[{heading_deg, tilt_deg, hfov_deg, share}, …]: where a PTZ camera looks, and for what share of the time"""
    cost: Mapped[float | None]
    geom: Mapped[Any | None] = mapped_column(geometry("POINT"))


class ScenarioBay(Base):
    """A block of bays that a scenario adds along a kerb."""

    __tablename__ = "scenario_bay"
    __table_args__ = (
        CheckConstraint("places > 0", name="places"),
        CheckConstraint("cost >= 0", name="cost"),
        *geometry_indexes("scenario_bay", "geom"),
    )

    id: Mapped[Id]
    scenario_id: Mapped[int] = mapped_column(ForeignKey("scenario.id", ondelete="CASCADE"), index=True)
    street: Mapped[str | None]
    places: Mapped[int]
    """vehicles that fit"""
    shape: Mapped[str]
    """parallel, diagonal or perpendicular"""
    cost: Mapped[float]
    """yuan"""
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"))
    """the bays one by one"""


class ScenarioTariff(Base):
    """What an hour costs under a scenario at the places of a street or of a car park; yuan."""

    __tablename__ = "scenario_tariff"
    __table_args__ = (CheckConstraint("tariff > 0 AND before > 0", name="tariff"),)

    scenario_id: Mapped[int] = mapped_column(ForeignKey("scenario.id", ondelete="CASCADE"), primary_key=True)
    block: Mapped[str] = mapped_column(primary_key=True)
    """kerb: or car_park: and the name"""
    before: Mapped[float]
    tariff: Mapped[float]


class Run(Base):
    """An analysis that was run: method, parameters, result, seconds."""

    __tablename__ = "run"

    id: Mapped[Id]
    scenario_id: Mapped[int | None] = mapped_column(ForeignKey("scenario.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(index=True)
    """place, remove, relocate, scenario, coverage, parking, bays, hot_spots"""
    revision: Mapped[int] = mapped_column(BigInteger)
    """revision of the data that it used"""
    method: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any]]
    seconds: Mapped[float]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class BuildingReview(Base):
    """An application to build cameras, its pre-check sheet, and what was decided."""

    __tablename__ = "building_review"
    __table_args__ = (CheckConstraint("state IN ('submitted', 'approved', 'returned')", name="state"),)

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    """such as 2026-0001"""
    title: Mapped[str]
    applicant: Mapped[str]
    """the office that applies, not a person"""
    proposal: Mapped[dict[str, Any]]
    """GeoJSON FeatureCollection of the proposed cameras, WGS 84"""
    sheet: Mapped[dict[str, Any]]
    """the figures that were decided upon"""
    revision: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    reasons: Mapped[str | None]
    submitted_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[str | None]


class RestrictedArea(Base, Simulated, web_geometry):
    """Where no camera may look: guest rooms, dormitories, toilets, bathing, changing (Order 799)."""

    __tablename__ = "restricted_area"
    __table_args__ = geometry_indexes("restricted_area", "geom", "g3857")

    id: Mapped[Id]
    kind: Mapped[str]
    """guest_room, dormitory, toilet, bathing, changing or dwelling"""
    name: Mapped[str | None]
    source: Mapped[str]
    """how it is known: the tag that it was derived from"""
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"))


class NoParkingArea(Base, Simulated, web_geometry):
    """Ground where no vehicle may stand."""

    __tablename__ = "no_parking_area"
    __table_args__ = geometry_indexes("no_parking_area", "geom", "g3857")

    id: Mapped[Id]
    kerb_id: Mapped[int | None] = mapped_column(ForeignKey("kerb.id", ondelete="CASCADE"), index=True)
    rule: Mapped[str]
    """no_parking or no_stopping"""
    geom: Mapped[Any] = mapped_column(geometry("MULTIPOLYGON"))


class PatrolTrack(Base, Simulated, web_geometry):
    """Where a patrol on foot or in a vehicle went; it saw what lies within its width."""

    __tablename__ = "patrol_track"
    __table_args__ = geometry_indexes("patrol_track", "geom", "g3857")

    id: Mapped[Id]
    level: Mapped[str]
    """district, street or community"""
    means: Mapped[str]
    """foot or vehicle"""
    began_at: Mapped[dt.datetime] = mapped_column(index=True)
    ended_at: Mapped[dt.datetime]
    width_m: Mapped[float]
    """how far to each side it looked, metres"""
    geom: Mapped[Any] = mapped_column(geometry("LINESTRING"))


class CoverageShare(Base):
    """How much of a place a group of cameras sees; written by the coverage run."""

    __tablename__ = "coverage_share"
    __table_args__ = (
        CheckConstraint("once_ratio BETWEEN 0 AND 1 AND twice_ratio BETWEEN 0 AND once_ratio", name="ratios"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    """one a place and group, for those who draw and export rows"""
    place: Mapped[str] = mapped_column(primary_key=True)
    """table of the place: unit_cell, street_edge, no_parking_area, poi (school gates), area"""
    place_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    grouping: Mapped[str] = mapped_column(primary_key=True)
    """all, dori:detect, dori:observe, dori:recognise, dori:identify, hour:00 … hour:23, owner:…, share:1 …, tier:…"""
    once_ratio: Mapped[float]
    """share that at least one camera of the group sees, [0, 1]"""
    twice_ratio: Mapped[float]
    """share that at least two see"""


class CoveragePart(Base):
    """What a part of a city-wide run found, kept under the digest of all that went in: a run that stops goes on."""

    __tablename__ = "coverage_part"

    digest: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of cameras, obstacles and method"""
    cameras: Mapped[int]
    seconds: Mapped[float]
    payload: Mapped[bytes]
    computed_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
