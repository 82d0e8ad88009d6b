"""The twin's own records: datasets, jobs, audit."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from sqlalchemy import BigInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from geodata.models.base import Base, Id, Simulated

__all__ = ["Audit", "Dataset", "Job", "JobState"]


class Dataset(Base, Simulated):
    """What is loaded: where it came from, under which licence, and its revision."""

    __tablename__ = "dataset"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    """name of the table (or part of one) that it fills"""
    town: Mapped[str]
    source: Mapped[str]
    licence: Mapped[str]
    method: Mapped[str]
    rows: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(BigInteger)
    """grows with every change, across all datasets"""
    loaded_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class JobState(enum.Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Base):
    """Something long that a worker does, with its progress."""

    __tablename__ = "job"

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(index=True)
    state: Mapped[JobState]
    arguments: Mapped[dict[str, Any]]
    done: Mapped[int] = mapped_column(server_default="0", default=0)
    total: Mapped[int | None]
    message: Mapped[str | None]
    error: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    """what it found, where a screen tells it"""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]


class Audit(Base):
    """Who did what to which data; rows are only added."""

    __tablename__ = "audit"

    id: Mapped[Id]
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), index=True)
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]]
