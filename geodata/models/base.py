"""What all tables share: names of constraints, types, the stored geometry and its tile twin."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Computed,
    DateTime,
    Enum,
    Float,
    Identity,
    Index,
    MetaData,
    Text,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from analysis.crs import STORAGE_EPSG, WEB_EPSG

__all__ = ["Base", "Id", "Simulated", "geometry", "geometry_indexes", "web_geometry"]

Id = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]
"""Surrogate key; the field's own codes stand beside it and are unique."""


class Base(DeclarativeBase):
    """Declarative base of the twin."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as it is
        str: Text(),
        float: Float(53),
        bool: Boolean(),
        dt.datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
        # values, not names, and a checked text rather than a native type that is hard to change
        enum.Enum: Enum(
            enum.Enum,
            native_enum=False,
            length=32,
            values_callable=lambda kind: [member.value for member in kind],
        ),
    }


class Simulated:
    """A row that no one measured says so."""

    simulated: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)


def geometry(kind: str) -> Geometry:
    """A stored geometry in CGCS2000 degrees, longitude first. Indexes are declared by `geometry_indexes`."""
    return Geometry(kind, srid=STORAGE_EPSG, spatial_index=False)


class web_geometry:  # noqa: N801 - a mixin that reads as what it adds
    """Adds `g3857`, the same geometry in Web Mercator, kept by the database: tiles never reproject."""

    @declared_attr
    @classmethod
    def g3857(cls) -> Mapped[Any]:
        """`geom` in Web Mercator."""
        return mapped_column(
            Geometry("GEOMETRY", srid=WEB_EPSG, spatial_index=False),
            Computed(f"ST_Transform(geom, {WEB_EPSG})", persisted=True),
            nullable=True,
        )


def geometry_indexes(table: str, *columns: str) -> tuple[Index, ...]:
    """GiST indexes on geometry columns."""
    return tuple(Index(f"ix_{table}_{column}", column, postgresql_using="gist") for column in columns)
