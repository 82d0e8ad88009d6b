"""What files brought: loads, how to take them back, columns as sources call them, rasters."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, Index, func, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from geodata.models.base import Base, Id, Simulated, geometry, geometry_indexes

__all__ = ["ColumnMapping", "FromFile", "Load", "LoadRow", "RasterAsset", "source_key_index"]


class FromFile:
    """A row that a file may bring and bring again: its key in that source. Null where the town's loader made it."""

    @declared_attr
    @classmethod
    def source_name(cls) -> Mapped[str | None]:
        """The source, as whoever loaded it calls it."""
        return mapped_column()

    @declared_attr
    @classmethod
    def source_key(cls) -> Mapped[str | None]:
        """What the source calls the row; a digest of the shape where it has no name for it."""
        return mapped_column()


def source_key_index(table: str) -> Index:
    """One row for each key of a source."""
    return Index(
        f"uq_{table}_source",
        "source_name",
        "source_key",
        unique=True,
        postgresql_where=text("source_key IS NOT NULL"),
    )


class Load(Base, Simulated):
    """A file that was loaded into a table, as one revision that can be taken back."""

    __tablename__ = "load"

    id: Mapped[Id]
    kind: Mapped[str]
    """what the file was loaded as: cameras, buildings …"""
    dataset: Mapped[str] = mapped_column(index=True)
    """the table"""
    revision: Mapped[int] = mapped_column(BigInteger, unique=True)
    """of the dataset, after it"""
    file_name: Mapped[str]
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str]
    licence: Mapped[str]
    mapping: Mapped[dict[str, Any]]
    """field → column of the file"""
    crs: Mapped[str]
    encoding: Mapped[str]
    added: Mapped[int] = mapped_column(BigInteger)
    changed: Mapped[int] = mapped_column(BigInteger)
    same: Mapped[int] = mapped_column(BigInteger)
    faulty: Mapped[int] = mapped_column(BigInteger)
    """rows that were left out"""
    actor: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    before: Mapped[dict[str, Any] | None]
    """what the register said of the table before: source, licence, method, simulated"""
    xid: Mapped[int] = mapped_column(BigInteger)
    """transaction that wrote its rows: who wrote a row since can be told from the row"""
    rolled_back_at: Mapped[dt.datetime | None]
    rolled_back_by: Mapped[str | None]
    rolled_back_xid: Mapped[int | None] = mapped_column(BigInteger)


class LoadRow(Base):
    """
    A row that a load added or changed.

    Without a reference to `load`: checking it a million times would cost more than the rest.
    """

    __tablename__ = "load_row"

    load_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    row_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    before: Mapped[dict[str, Any] | None]
    """the row as it was; null for one that was added"""


class ColumnMapping(Base):
    """How a source calls the fields of a kind, remembered from its last load."""

    __tablename__ = "column_mapping"

    kind: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    mapping: Mapped[dict[str, Any]]
    crs: Mapped[str | None]
    used_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class RasterAsset(Base, Simulated):
    """A raster in a file below the data folder: a height model or an aerial picture."""

    __tablename__ = "raster_asset"
    __table_args__ = geometry_indexes("raster_asset", "bounds")

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    path: Mapped[str]
    """below the data folder"""
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    crs: Mapped[str]
    width_px: Mapped[int]
    height_px: Mapped[int]
    bands: Mapped[int]
    resolution_m: Mapped[float]
    """ground size of a pixel in the middle"""
    taken_on: Mapped[dt.date | None]
    source: Mapped[str]
    licence: Mapped[str]
    loaded_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    bounds: Mapped[Any] = mapped_column(geometry("POLYGON"))
