"""What files brought, and how sources call their columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pandas as pd
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from geodata.queries.frames import read_table

__all__ = ["Remembered", "loads", "rasters", "remembered", "taken_back"]


@dataclass(frozen=True)
class Remembered:
    """Field → column, and the system of the coordinates that somebody named, of a source's last load."""

    columns: Mapping[str, str] = field(default_factory=dict)
    crs: str | None = None


def remembered(conn: Connection | Session, kind: str, source: str) -> Remembered:
    """How a source was mapped before; nothing where it is new."""
    row = conn.execute(
        text("SELECT mapping, crs FROM column_mapping WHERE kind = :kind AND source = :source"),
        {"kind": kind, "source": source},
    ).one_or_none()
    return Remembered() if row is None else Remembered(row.mapping, row.crs)


def loads(conn: Connection | Session) -> pd.DataFrame:
    """Every load with what it brought, the newest first; `newest` says that it may be taken back."""
    return read_table(
        conn,
        "SELECT l.revision, l.kind, l.dataset, l.file_name, l.source, l.licence, l.added, l.changed, l.same,"
        " l.faulty, l.crs, l.encoding, l.actor, l.at, l.sha256, l.rolled_back_at,"
        " l.rolled_back_at IS NULL AND NOT EXISTS (SELECT FROM load n WHERE n.dataset = l.dataset AND n.id > l.id"
        " AND n.rolled_back_at IS NULL) AS newest FROM load l ORDER BY l.id DESC",
    )


def taken_back(conn: Connection | Session, revisions: Collection[int]) -> set[int]:
    """Those of the loads with these revisions that were taken back."""
    sql = text("SELECT revision FROM load WHERE rolled_back_at IS NOT NULL AND revision = ANY (:revisions)")
    return set(conn.execute(sql, {"revisions": list(revisions)}).scalars())


def rasters(conn: Connection | Session) -> pd.DataFrame:
    """Every raster, the newest first, without its bounds."""
    return read_table(
        conn,
        "SELECT name, path, crs, width_px, height_px, bands, resolution_m, taken_on, source, licence, bytes, sha256,"
        " loaded_at FROM raster_asset ORDER BY id DESC",
    )
