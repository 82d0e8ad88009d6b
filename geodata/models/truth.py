"""True values behind simulated data, kept apart so that estimates can be scored; no screen of the city reads them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, geometry, geometry_indexes

__all__ = ["TruthEvent", "TruthRate", "TruthSighting"]


class TruthRate(Base):
    """The true mean number of parking violations that begin in a cell in an hour."""

    __tablename__ = "truth_rate"

    cell_id: Mapped[int] = mapped_column(ForeignKey("unit_cell.id", ondelete="CASCADE"), primary_key=True)
    class_code: Mapped[str] = mapped_column(primary_key=True)
    rate_per_h: Mapped[float]


class TruthEvent(Base):
    """A violation that happened, seen or not."""

    __tablename__ = "truth_event"
    __table_args__ = geometry_indexes("truth_event", "geom")

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    cell_id: Mapped[int] = mapped_column(ForeignKey("unit_cell.id", ondelete="CASCADE"), index=True)
    class_code: Mapped[str]
    began_at: Mapped[dt.datetime]
    lasted_s: Mapped[float]
    geom: Mapped[Any] = mapped_column(geometry("POINT"))


class TruthSighting(Base):
    """Which case tells of which true event."""

    __tablename__ = "truth_sighting"

    case_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger, index=True)
