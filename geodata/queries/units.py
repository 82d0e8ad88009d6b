"""The city unit by unit: each division and each unit cell with what stands there, what happened, and what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from analysis.categories import ILLEGAL_PARKING
from analysis.intervals import poisson_intervals
from geodata.queries.frames import read_frame, read_table

__all__ = [
    "COUNTS",
    "GROUND_DATASETS",
    "NUMBERS",
    "REST",
    "Ground",
    "cell_streets",
    "children",
    "ground",
    "lineage_of",
    "tree_rows",
    "unit_shapes",
    "unit_stamp",
    "units",
]

COUNTS = (
    "cells",
    "cameras",
    "online",
    "violations",
    "leads",
    "leads_waiting",
    "leads_confirmed",
    "leads_dealt",
    "leads_solved",
    "captures",
)
"""Whole numbers of a unit, each the sum over its children's."""
LEAD_COUNTS = ("leads", "leads_waiting", "leads_confirmed", "leads_dealt", "leads_solved")
NUMBERS = ("area_m2", "coverage_ratio", "exposure_kmh", "rate", "rate_lower", "rate_upper", "verdict_h")
"""Other numbers; missing where nothing is known."""
GROUND_DATASETS = ("area", "unit_cell", "camera", "cell_measure", "demand_estimate")
"""What `ground` rests on: cases and leads come often, these seldom."""
CELL_DIGITS = 15
REST = "000"
"""Ends the code of what of a community lies outside all unit cells: cells are counted from 001."""
OF_TIME = (
    "(CAST(:since AS timestamptz) IS NULL OR {at} >= :since)"
    " AND (CAST(:until AS timestamptz) IS NULL OR {at} < :until)"
    " AND (CAST(:class AS text) IS NULL OR {row}.class_code = ANY (string_to_array(:class, ',')))"
)
OF_VIOLATION = (
    f"{OF_TIME.format(at='v.at', row='v')} AND (CAST(:source AS text) IS NULL OR v.source = :source)"
)
OF_LEAD = f"f.merged_into IS NULL AND {OF_TIME.format(at='f.first_seen_at', row='f')}"
LEAF = (
    "SELECT a.id, a.code, a.geom FROM area a WHERE NOT EXISTS (SELECT FROM area b WHERE b.parent_id = a.id)"
)
# a base is a cell, or with its number turned negative what of a division lies outside all cells; OFFSET 0 keeps the
# division outside, so that its outline is made ready once for all cameras near it
STANDS = f"""
WITH in_cell AS MATERIALIZED (
    SELECT DISTINCT ON (c.id) c.id, c.state, u.id AS base_id FROM unit_cell u CROSS JOIN LATERAL
        (SELECT id, state FROM camera WHERE ST_Covers(u.geom, camera.geom) OFFSET 0) c ORDER BY c.id, u.id
)
SELECT id, state = 'online' AS online, base_id FROM in_cell
UNION ALL
(SELECT DISTINCT ON (c.id) c.id, c.state = 'online', -a.id FROM ({LEAF}) a CROSS JOIN LATERAL
    (SELECT id, state FROM camera WHERE ST_Covers(a.geom, camera.geom) OFFSET 0) c
 WHERE NOT EXISTS (SELECT FROM in_cell i WHERE i.id = c.id) ORDER BY c.id, a.id)
"""  # noqa: S608 - our own text
PARTS = f"""
WITH RECURSIVE leaf AS ({LEAF}),
up (base_id, area_id) AS (
    SELECT id, area_id FROM unit_cell UNION ALL SELECT -id, id FROM leaf
    UNION ALL
    SELECT u.base_id, a.parent_id FROM up u JOIN area a ON a.id = u.area_id WHERE a.parent_id IS NOT NULL
)
SELECT a.code, u.base_id FROM up u JOIN area a ON a.id = u.area_id
UNION ALL SELECT code, id FROM unit_cell UNION ALL SELECT code || '{REST}', -id FROM leaf
"""  # noqa: S608
KNOWN = f"""
SELECT a.kind AS level, a.id AS unit_id, a.code, a.name_zh, a.name_en, q.code AS parent_code, a.simulated
FROM area a LEFT JOIN area q ON q.id = a.parent_id
UNION ALL
SELECT 'cell', c.id, c.code, c.code, c.code, a.code, c.simulated FROM unit_cell c JOIN area a ON a.id = c.area_id
UNION ALL
SELECT 'rest', -a.id, a.code || '{REST}', '', '', a.code, false FROM ({LEAF}) a
"""  # noqa: S608
CELLS = """
SELECT u.id AS base_id, 1 AS cells, u.area_m2, m.coverage_ratio * u.area_m2 AS seen_m2,
       CASE WHEN m.coverage_ratio IS NOT NULL THEN u.area_m2 END AS told_m2,
       CASE WHEN d.exposure_mh > 0 THEN d.captures END AS captures, d.exposure_mh / 1000 AS exposure_kmh,
       u.simulated OR coalesce(d.simulated, false) AS simulated
FROM unit_cell u LEFT JOIN cell_measure m ON m.cell_id = u.id
LEFT JOIN demand_estimate d ON d.place = 'unit_cell' AND d.place_id = u.id AND d.class_code = :parking
"""
HAPPENED = f"""
SELECT v.cell_id, CASE WHEN v.cell_id IS NULL THEN v.camera_id END AS camera_id, v.source, count(*) AS violations,
       bool_or(v.simulated) AS simulated
FROM violation v WHERE {OF_VIOLATION} GROUP BY 1, 2, 3 ORDER BY 3
"""  # noqa: S608 - our own conditions, values are parameters
LED = f"""
SELECT f.cell_id, f.camera_id, 1 AS leads, (f.state = 'lead')::int AS leads_waiting,
       (f.state = 'confirmed')::int AS leads_confirmed, (f.disposed_at IS NOT NULL)::int AS leads_dealt,
       (f.recheck IS NOT DISTINCT FROM 'solved')::int AS leads_solved,
       CASE WHEN f.verdict_at >= f.first_seen_at
            THEN extract(epoch FROM f.verdict_at - f.first_seen_at)::float8 / 3600 END AS verdict_h, f.simulated
FROM finding f WHERE {OF_LEAD}
"""  # noqa: S608 - as above


@dataclass(frozen=True, eq=False)
class Ground:
    """
    What of the units is the same whatever is asked for: it is read once until one of `GROUND_DATASETS` changes.

    Attributes
    ----------
    units
        As `units` gives it, without what happened and was done: indexed by code, with the rest of every community.
    parts
        `code`, `base_id`: of what bases a unit is the sum. A base is a cell, or with its number turned negative what of
        a division lies outside all cells: everything is counted in one base.
    stands
        Camera → base where it stands.
    cameras
        All cameras, those in no division too.
    """

    units: pd.DataFrame
    parts: pd.DataFrame
    stands: pd.Series[int]
    cameras: int


def ground(conn: Connection) -> Ground:
    """Divisions and cells with what stands there and how much of it was looked at."""
    # without any row a column has no type that could be matched
    cameras = read_table(conn, STANDS).astype({"id": "int64", "base_id": "int64", "online": "int64"})
    standing = cameras.groupby("base_id")["online"].agg(cameras="size", online="sum").reset_index()
    parts = read_table(conn, PARTS).astype({"base_id": "int64"})
    cells = read_table(conn, CELLS, {"parking": ILLEGAL_PARKING}).astype({"base_id": "int64"})
    amounts = ("cells", "area_m2", "seen_m2", "told_m2", "captures", "exposure_kmh")
    cells[list(amounts)] = cells[list(amounts)].astype("float64")
    told = cells.merge(standing, on="base_id", how="outer")
    told["simulated"] = told["simulated"].eq(True)  # where cameras stand in no cell, none is told
    sums = _sums(parts, told, (*amounts, "cameras", "online"))
    found = read_table(conn, KNOWN).set_index("code").sort_index()
    known = sums.reindex(found.index)
    found["simulated"] |= known["simulated"].eq(True)
    for name in ("cells", "cameras", "online", "captures"):
        found[name] = known[name].fillna(0).astype("int64")
    found["area_m2"] = known["area_m2"].where(found["cells"] > 0)
    found["coverage_ratio"] = known["seen_m2"] / known["told_m2"].where(known["told_m2"] > 0)
    found["exposure_kmh"] = known["exposure_kmh"].fillna(0.0)
    seen = found["exposure_kmh"].to_numpy()
    found["rate"] = found["captures"] / np.where(seen > 0, seen, np.nan)
    found["rate_lower"], found["rate_upper"] = poisson_intervals(found["captures"].to_numpy(), seen)
    whole = conn.execute(text("SELECT count(*) FROM camera")).scalar_one()
    return Ground(found, parts, cameras.set_index("id")["base_id"], int(whole))


def units(conn: Connection, filters: Mapping[str, Any], known: Ground | None = None) -> pd.DataFrame:
    """
    Every division and every unit cell with its figures.

    What is in no cell is in the rest of its community, a row of level `rest` where there is any. A lead or violation
    whose place is not known is where its camera stands.

    Parameters
    ----------
    filters
        since, until (aware moments) and class of violations and leads; source of violations. What is missing or None
        leaves out nothing.
    known
        What `ground` gives; None: it is read anew.

    Returns
    -------
    units
        Indexed by code, each before its children: level (county, street, community, cell, rest), unit_id, names,
        parent_code, `COUNTS`, by_source (source → violations), and `NUMBERS`: square metres; share of the ground in
        view; kilometre-hours of kerb looked at; parking captures per kilometre-hour with their 95 % interval, missing
        where nobody looked; median hours from a lead to the verdict, missing where there is none.
        `attrs["unplaced"]`: how many cameras, violations and leads are in no division, and so in no row.
    """
    known = ground(conn) if known is None else known
    asked = {name: filters.get(name) for name in ("since", "until", "class", "source")}
    found = known.units.copy()
    caught = _placed(read_table(conn, HAPPENED, asked), known)
    led = _placed(read_table(conn, LED, asked), known)
    happened = _sums(known.parts, caught, ("violations",)).reindex(found.index)
    done = _sums(known.parts, led, LEAD_COUNTS).reindex(found.index)
    for sums, names in ((happened, ("violations",)), (done, LEAD_COUNTS)):
        found[list(names)] = sums[list(names)].fillna(0).astype("int64")
        found["simulated"] |= sums["simulated"].eq(True)
    split = known.parts.merge(caught, on="base_id").groupby(["code", "source"])["violations"].sum()
    by_source: dict[str, dict[str, int]] = {}
    for (code, source), n in split.items():
        by_source.setdefault(str(code), {})[str(source)] = int(n)
    found["by_source"] = [by_source.get(str(code), {}) for code in found.index]
    hours = known.parts.merge(led.dropna(subset=["verdict_h"]), on="base_id").groupby("code")["verdict_h"]
    found["verdict_h"] = hours.median().reindex(found.index).astype("float64")
    empty = (found["level"] == "rest") & (found[["cameras", "violations", "leads"]].sum(axis=1) == 0)
    found = found[~empty][["level", "unit_id", "name_zh", "name_en", "parent_code", *COUNTS, *NUMBERS, "by_source",
                           "simulated"]]  # fmt: skip
    found.attrs["unplaced"] = {
        "cameras": known.cameras - len(known.stands),
        "violations": int(caught.loc[caught["base_id"].isna(), "violations"].sum()),
        "leads": int(led["base_id"].isna().sum()),
    }
    return found


def _placed(rows: pd.DataFrame, known: Ground) -> pd.DataFrame:
    """Rows with the base in which they count: their cell, else where their camera stands; missing where neither is."""
    cell, camera = (pd.to_numeric(rows[name]) for name in ("cell_id", "camera_id"))
    return rows.assign(base_id=cell.fillna(camera.map(known.stands)).astype("float64"))


def _sums(parts: pd.DataFrame, rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """What `rows` of bases add up to, by code of every unit that has any; `simulated` where one of them is."""
    found = parts.merge(rows[["base_id", *names, "simulated"]], on="base_id").groupby("code")
    return found[list(names)].sum().assign(simulated=found["simulated"].any())


def unit_stamp(conn: Connection) -> str:
    """Changes with every lead, verdict, disposal and second recognition, which come without a new revision."""
    row = conn.execute(
        text(
            "SELECT count(*), count(merged_into), max(id), max(disposed_at), max(recheck_at), count(disposed_at),"
            " (SELECT max(id) FROM verdict) FROM finding"
        )
    ).one()
    return repr(tuple(row))


def lineage_of(table: pd.DataFrame, code: str | None) -> list[str]:
    """Codes from the root to a unit; where there is no such unit, to the only root, if there is one."""
    if code not in table.index:
        roots = table.index[table["parent_code"].isna()]
        return [str(roots[0])] if len(roots) == 1 else []
    path = [str(code)]
    while isinstance(above := table.at[path[0], "parent_code"], str) and above in table.index:
        path.insert(0, above)
    return path


def children(table: pd.DataFrame, code: str | None) -> pd.DataFrame:
    """Units directly under one; None: the roots."""
    above = table["parent_code"]
    return table[above.isna() if code is None else above.eq(code)]


def tree_rows(table: pd.DataFrame, opened: Sequence[str]) -> pd.DataFrame:
    """What a tree shows whose units `opened` are open: the roots and all children of open ones, each with `depth`."""
    above = table["parent_code"]
    shown = table[above.isna() | above.isin(list(opened))]
    return shown.assign(depth=[len(lineage_of(table, code)) - 1 for code in shown.index])


def unit_shapes(conn: Connection, codes: Sequence[str], *, most_px: int | None = None) -> gpd.GeoDataFrame:
    """
    Outlines of units in EPSG:4490, indexed by code.

    Parameters
    ----------
    codes
        Of divisions and cells.
    most_px
        Outlines that a map of so many pixels can show: neighbours keep their common border. None: as stored.
    """
    found = read_frame(
        conn,
        "SELECT code, geom FROM area WHERE code = ANY (:codes)"
        " UNION ALL SELECT code, geom FROM unit_cell WHERE code = ANY (:codes) ORDER BY 1",
        {"codes": list(codes)},
        index="code",
    ).rename_geometry("geometry")
    if most_px is not None and len(found):
        west, south, east, north = found.total_bounds
        finest = max(east - west, north - south) / most_px
        found = found.set_geometry(
            gpd.GeoSeries(
                shapely.coverage_simplify(found.geometry.to_numpy(), finest), found.index, found.crs
            )
        )
    return found


def cell_streets(conn: Connection, code: str) -> pd.DataFrame:
    """
    Streets of a unit cell that are open to vehicles: the last step of the way down.

    Returns
    -------
    streets
        Indexed by id: name, highway, length_m (inside the cell), captures, exposure_kmh, rate, rate_lower, rate_upper
        (violations begun per kilometre of kerb and hour, with the 95 % interval), evidence (observed, modelled, none;
        missing where the street has no kerb to park badly at), simulated. The longest first.
    """
    return read_table(
        conn,
        "SELECT s.id, s.name, s.highway, ST_Length(ST_Intersection(s.geom, u.geom)::geography) AS length_m,"
        " d.captures, d.exposure_mh / 1000 AS exposure_kmh, d.rate * 1000 AS rate, d.lower95 * 1000 AS rate_lower,"
        " d.upper95 * 1000 AS rate_upper, d.evidence, s.simulated OR coalesce(d.simulated, false) AS simulated"
        " FROM unit_cell u JOIN street_edge s ON s.drivable AND ST_Intersects(s.geom, u.geom)"
        " LEFT JOIN demand_estimate d ON d.place = 'street_edge' AND d.place_id = s.id AND d.class_code = :parking"
        " WHERE u.code = :code ORDER BY length_m DESC, s.id",
        {"code": code, "parking": ILLEGAL_PARKING},
    ).set_index("id")
