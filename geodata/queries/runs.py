"""Kept runs as a report tells them: question, answer, revision, and whether the data have changed since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import pandas as pd
from sqlalchemy import Connection, text

from analysis.crs import STORAGE_EPSG
from geodata.errors import NotFound
from geodata.queries import coverage, datasets, kept, parking_reading
from geodata.queries.frames import read_frame
from geodata.towns.town import Town

__all__ = [
    "REPORTED",
    "SOURCES",
    "RunFacts",
    "StoredRun",
    "Surroundings",
    "codes_of",
    "coverage_cells",
    "read_run",
    "run_facts",
    "surroundings",
]

SOURCES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("place", "remove", "relocate"), kept.SOURCES),
    "coverage": coverage.SOURCES,
    "scenario": datasets.GROUND,
    **dict.fromkeys(("parking", "bays"), parking_reading.SOURCES),
    "hot_spots": ("unit_cell", "street_edge", "building", "case_file", "exposure", "camera_view", "kerb"),
}
"""Kind of run → datasets that its answer rests on."""
REPORTED = tuple(SOURCES)
"""Kinds of which there is a report."""
LISTED = 8
"""So many runs are named to whoever asks for one that is not there."""
DETAIL_M = 6_000.0
"""A map of more metres across has main streets and no buildings under it."""
MAIN = ("motorway", "trunk", "primary", "secondary", "tertiary")


@dataclass(frozen=True, eq=False)
class StoredRun:
    """
    A run as it was kept.

    Attributes
    ----------
    id, kind, revision, method, parameters, result, seconds
        As in the table.
    made_at
        When it was kept.
    """

    id: int
    kind: str
    revision: int
    method: str
    parameters: dict[str, Any]
    result: dict[str, Any]
    seconds: float
    made_at: dt.datetime


@dataclass(frozen=True, eq=False)
class RunFacts:
    """
    A run and what it stands in.

    Attributes
    ----------
    run
        The run.
    town
        The town; a run goes when another is loaded.
    loaded, loaded_at
        Newest revision of what the run rests on, and when it was loaded.
    outdated
        Something of it is newer than the run.
    profiles
        Profiles of the codes in use.
    register
        Rows of the datasets that it rests on.
    """

    run: StoredRun
    town: Town
    loaded: int
    loaded_at: dt.datetime
    outdated: bool
    profiles: tuple[str, ...]
    register: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Streets (`drivable`) and footprints of buildings under a map, metric CRS."""

    streets: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame


def read_run(conn: Connection, run: int) -> StoredRun:
    """
    A run by its number.

    Raises
    ------
    NotFound
        If there is none, or there is no report of its kind; the mend names those that there are.
    """
    found = None
    if 0 < run < 2**63:
        found = conn.execute(
            text(
                "SELECT id, kind, revision, method, parameters, result, seconds, created_at FROM run WHERE id = :id"
            ),
            {"id": run},
        ).first()
    if found is None:
        raise NotFound(
            "There is no run {run}: it was never kept, its scenario was deleted, or a town was loaded since. A"
            " question that failed leaves no run.",
            "Choose one of: {runs}.",
            run=run,
            runs=_newest(conn),
        )
    if found.kind not in REPORTED:
        raise NotFound(
            "There is no report of run {run}, which is of the kind {kind}.",
            "Choose one of: {runs}.",
            run=run,
            kind=found.kind,
            runs=_newest(conn),
        )
    return StoredRun(*found)


def run_facts(conn: Connection, run: int) -> RunFacts:
    """A run with what a report tells beside it; raises as `read_run`, and NotFound if nothing is loaded."""
    town = datasets.loaded_town(conn)
    found = read_run(conn, run)
    names = SOURCES[found.kind]
    rows = [row._asdict() for row in datasets.dataset_rows(conn) if row.name in names]
    register = pd.DataFrame(rows, columns=[*(rows[0] if rows else ())])
    loaded = datasets.revision(conn, names)
    return RunFacts(
        run=found,
        town=town,
        loaded=loaded,
        loaded_at=register["loaded_at"].max(),
        outdated=loaded > found.revision or _replaced(conn, found),
        profiles=tuple(
            conn.execute(text("SELECT DISTINCT code_profile FROM unit_cell ORDER BY 1")).scalars()
        ),
        register=register,
    )


def surroundings(conn: Connection, town: Town, box: tuple[float, float, float, float]) -> Surroundings:
    """
    What lies under a map.

    Parameters
    ----------
    conn
        An open connection.
    town
        Whose metric system the box is in.
    box
        West, south, east, north in metres.
    """
    given = dict(zip(("west", "south", "east", "north"), box, strict=True))
    given |= {"metric": town.metric_epsg, "stored": STORAGE_EPSG, "main": list(MAIN)}
    inside = (
        "geom && ST_Transform(ST_MakeEnvelope(CAST(:west AS float8), CAST(:south AS float8), CAST(:east AS float8),"
        " CAST(:north AS float8), CAST(:metric AS int)), CAST(:stored AS int))"
    )
    near = max(box[2] - box[0], box[3] - box[1]) <= DETAIL_M
    streets = read_frame(
        conn,
        f"SELECT id, drivable, geom FROM street_edge WHERE {inside}"  # noqa: S608 - texts of two lines above
        f"{'' if near else ' AND highway = ANY (:main)'} ORDER BY id",
        given,
    )
    buildings = read_frame(
        conn,
        f"SELECT id, geom FROM building WHERE {inside}{'' if near else ' AND false'} ORDER BY id",  # noqa: S608
        given,
    )
    return Surroundings(streets.to_crs(town.metric_epsg), buildings.to_crs(town.metric_epsg))


def coverage_cells(conn: Connection) -> gpd.GeoDataFrame:
    """Unit cells by code with `coverage_ratio`, the share of their ground that at least one camera sees, [0, 1]."""
    return read_frame(
        conn,
        "SELECT t.code, m.coverage_ratio, t.geom FROM unit_cell t LEFT JOIN cell_measure m ON m.cell_id = t.id"
        " ORDER BY t.code",
        index=None,
    )


def codes_of(conn: Connection, table: Literal["unit_cell", "camera"], ids: Sequence[int]) -> dict[int, str]:
    """The codes of some cells or cameras by id; those that are gone are missing."""
    rows = conn.execute(text(f"SELECT id, code FROM {table} WHERE id = ANY (:ids)"), {"ids": list(ids)})  # noqa: S608
    return {row.id: row.code for row in rows}


def _replaced(conn: Connection, run: StoredRun) -> bool:
    """Whether a newer run wrote over what a run over all cameras wrote."""
    newer = text("SELECT EXISTS (SELECT FROM run WHERE kind = 'coverage' AND id > :id)")
    return run.kind == "coverage" and bool(conn.scalar(newer, {"id": run.id}))


def _newest(conn: Connection) -> str:
    rows = conn.execute(
        text("SELECT id, kind FROM run WHERE kind = ANY (:kinds) ORDER BY id DESC LIMIT :most"),
        {"kinds": list(REPORTED), "most": LISTED},
    )
    return ", ".join(f"{row.id} ({row.kind})" for row in rows) or "–"
