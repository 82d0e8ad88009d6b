"""The catalogue: who answers for a dataset, and what its checks found."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base

__all__ = ["DatasetCard", "DatasetCheck"]


class DatasetCard(Base):
    """Who answers for a dataset and how often it is to be renewed; it stays when the town is loaded anew."""

    __tablename__ = "dataset_card"
    __table_args__ = (CheckConstraint("renew_days > 0", name="renew"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    """of the dataset"""
    owner: Mapped[str | None]
    """the office that answers for it, not a person"""
    contact: Mapped[str | None]
    """the unit to ask, not a person"""
    renew_days: Mapped[float | None]
    """renewed at least so often, days"""
    note: Mapped[str | None]
    changed_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class DatasetCheck(Base):
    """What one check of one revision of a dataset found."""

    __tablename__ = "dataset_check"
    __table_args__ = (
        CheckConstraint("kind IN ('code', 'geometry', 'duplicate', 'time', 'null')", name="kind"),
        CheckConstraint("0 <= faults AND faults <= rows", name="faults"),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    """of the dataset"""
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """of the dataset when it was checked"""
    kind: Mapped[str] = mapped_column(primary_key=True)
    """code, geometry, duplicate, time (in the future) or null (nothing given)"""
    subject: Mapped[str] = mapped_column(primary_key=True)
    """the column, or what of the geometry: valid, inside …"""
    rows: Mapped[int] = mapped_column(BigInteger)
    """rows looked at"""
    faults: Mapped[int] = mapped_column(BigInteger)
    """rows among them that fail"""
    examples: Mapped[list[Any]]
    """[{row, value, reason}, …]: a few of those that fail"""
    checked_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    seconds: Mapped[float]
