"""One layer on its way out: what it is, which of its rows, and what its file says of where they come from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg

from geodata import database
from geodata.errors import NotFound
from geodata.queries.tiles import TileSource, applied, conditions

__all__ = [
    "DIGITS",
    "SHAPE",
    "Chosen",
    "ExportQuery",
    "Parcel",
    "choose",
    "opened",
    "provenance_of",
    "rows_sql",
    "snapshot",
]

DIGITS = 7
"""Decimals of a degree: about a centimetre."""
SHAPE = "ST_SetSRID(t.geom, 4326)"
"""
A row's shape in EPSG:4326: in degrees CGCS2000 and WGS 84 have the same numbers.

`ST_Transform` between the two changes no bit, and took a tenth of an export's time to find that out.
"""
TOLD = ("since", "until", "class", "source", "grouping", "area")


class ExportQuery(Protocol):
    """What is exported; `layers` binds one to each layer."""

    table: str
    columns: dict[str, str]
    join: str
    where: str
    order: str


@dataclass(frozen=True)
class Chosen:
    """
    Which rows go out.

    Parameters
    ----------
    conditions
        SQL over `t` with `%(name)s`; all of them must hold.
    parameters
        Values by name.
    told
        The same for readers: filter → value.
    """

    conditions: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Parcel:
    """
    One layer on its way out.

    Parameters
    ----------
    layer, title, method
        Its name in addresses, its name for readers, how its rows came to be.
    export
        The query.
    datasets
        Whose source, licence and revision are told.
    chosen
        Which rows.
    dated
        The file tells when it was written; without it the same rows make the same bytes.
    url
        Address of the database; None: the one that settings name.
    """

    layer: str
    title: str
    method: str
    export: ExportQuery
    datasets: Sequence[str]
    chosen: Chosen = Chosen()
    dated: bool = True
    url: str | None = None


def choose(source: TileSource, filters: Mapping[str, Any], *, shown: bool = False) -> Chosen:
    """
    The rows that a map with these filters shows: the conditions are those of its tiles.

    Parameters
    ----------
    source
        Of the layer's tiles.
    filters
        since, until (aware moments), class, source, grouping, area (code), and a box of west, south, east, north in
        degrees. What the layer does not know is passed over, as its tiles do.
    shown
        Only what can be drawn: rows with a place, and of leads those that are neither rejected nor told twice.
    """
    used = applied(source, filters)
    extra: tuple[str, ...] = ()
    if shown:
        extra = ("t.g3857 IS NOT NULL",)
        used |= {"moment": "shown"} if "moment" in source.filters else {}
    told = {name: _told(used[name]) for name in TOLD if name in used}
    if "west" in used:
        told["bbox"] = [used[side] for side in ("west", "south", "east", "north")]
    if shown:
        told["shown"] = True
    return Chosen((*conditions(source, used), *extra), used, told)


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value


@contextmanager
def opened(parcel: Parcel) -> Iterator[psycopg.Connection]:
    """
    One snapshot of the database for a whole file.

    Raises
    ------
    DatabaseUnavailable
        If the database does not answer.
    """
    with snapshot(parcel.url) as conn:
        yield conn


@contextmanager
def snapshot(url: str | None = None) -> Iterator[psycopg.Connection]:
    """
    The database as it is now, for as long as it takes to read it.

    Parameters
    ----------
    url
        Its address; None: the one that settings name.

    Raises
    ------
    DatabaseUnavailable
        If the database does not answer.
    """
    address = database.psycopg_url(url or database.database_url())
    try:
        with psycopg.connect(address, connect_timeout=5, cursor_factory=psycopg.ClientCursor) as conn:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            conn.execute(f"SET LOCAL search_path TO {database.SEARCH_PATH}")
            conn.execute("SET LOCAL timezone TO 'UTC'")
            yield conn
    except psycopg.OperationalError as error:
        raise database.unavailable(error) from error


def rows_sql(parcel: Parcel) -> str:
    """FROM and WHERE of the parcel's rows; its parameters are `parcel.chosen.parameters`."""
    export = parcel.export
    where = " AND ".join([f"({export.where})", *parcel.chosen.conditions])
    return f"{export.table} t {export.join} WHERE {where}"


def provenance_of(conn: psycopg.Connection, parcel: Parcel) -> dict[str, Any]:
    """
    What every file of ours says of itself: name, method, CRS, revision, licence, filters, sources, bounds.

    Raises
    ------
    NotFound
        If the area that is asked for does not exist.
    """
    sources = conn.execute(
        "SELECT name, town, source, licence, revision, simulated, method, loaded_at FROM dataset"
        " WHERE name = ANY(%s) ORDER BY name",
        [list(parcel.datasets)],
    ).fetchall()
    if (area := parcel.chosen.parameters.get("area")) is not None:
        require_area(conn, area)
    box = conn.execute(
        f"SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM"  # noqa: S608 - the catalogue's own SQL
        f" (SELECT ST_Extent(t.geom) AS e FROM {rows_sql(parcel)}) q",
        parcel.chosen.parameters,
    ).fetchone()
    members = {
        "name": parcel.layer,
        "title": parcel.title,
        "method": parcel.method,
        "town": sources[0][1] if sources else None,
        "crs_note": "EPSG:4326 (WGS 84), longitude before latitude, degrees; stored in EPSG:4490",
        "revision": max((row[4] for row in sources), default=0),
        "licence": "; ".join(sorted({row[3] for row in sources})),
        "attribution": "; ".join(sorted({row[2] for row in sources})),
        "simulated": any(row[5] for row in sources),
        "loaded_at": max(row[7] for row in sources).isoformat(timespec="seconds") if sources else None,
        "sources": [
            {
                "dataset": r[0],
                "source": r[2],
                "licence": r[3],
                "revision": r[4],
                "simulated": r[5],
                "method": r[6],
            }
            for r in sources
        ],
    }
    if parcel.chosen.told:
        members["filters"] = dict(parcel.chosen.told)
    if parcel.dated:
        members["exported_at"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    if box and box[0] is not None:
        members["bbox"] = [round(value, DIGITS) for value in box]
    return members


def require_area(conn: psycopg.Connection, code: str) -> None:
    """
    The area exists.

    Raises
    ------
    NotFound
        If it does not.
    """
    if conn.execute("SELECT 1 FROM area WHERE code = %s", [code]).fetchone() is None:
        raise NotFound(
            "There is no area {code}.",
            "Give the code of a county (6 digits), street (9) or community (12) of this town.",
            code=code,
        )
