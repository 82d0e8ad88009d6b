"""The open door: who may come in, and what they brought."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id

__all__ = ["ApiClient", "ExchangedCase", "ServiceRequest"]


class ApiClient(Base):
    """A program that may come in with a token; the token itself is kept nowhere."""

    __tablename__ = "api_client"
    __table_args__ = (
        CheckConstraint("per_minute > 0", name="per_minute"),
        CheckConstraint("scopes <@ ARRAY['read', 'report', 'exchange']", name="scopes"),
        Index("uq_api_client_name", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
    )

    id: Mapped[Id]
    name: Mapped[str]
    token_sha256: Mapped[str] = mapped_column(unique=True)
    """hexadecimal"""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """of read, report and exchange"""
    per_minute: Mapped[int]
    """requests"""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[dt.datetime | None]


class ServiceRequest(Base):
    """What a service request of Open311 said beside its case; never given out, and without anything of the person."""

    __tablename__ = "service_request"

    number: Mapped[str] = mapped_column(primary_key=True)
    """of the case"""
    client_id: Mapped[int] = mapped_column(ForeignKey("api_client.id"))
    description: Mapped[str | None]
    media_url: Mapped[str | None]
    requested_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class ExchangedCase(Base):
    """A case that another platform sent; only the client that sent it changes it."""

    __tablename__ = "exchanged_case"

    number: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("api_client.id"))
    digest: Mapped[str]
    """SHA-256 of the case as it was sent last"""
    received_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
