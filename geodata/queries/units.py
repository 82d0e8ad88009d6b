"""The city unit by unit: each division and each unit cell with what stands there, what happened, and what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    "NUMBERS",
    "REST",
    "cell_streets",
    "children",
    "lineage_of",
    "tree_rows",
    "unit_shapes",
    "unit_stamp",
    "units",
    "unplaced",
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
NUMBERS = ("area_m2", "coverage_ratio", "exposure_kmh", "rate", "rate_lower", "rate_upper", "verdict_h")
"""Other numbers; missing where nothing is known."""
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
UNITS = f"""
WITH RECURSIVE leaf AS (
    SELECT a.id, a.code, a.geom FROM area a WHERE NOT EXISTS (SELECT FROM area b WHERE b.parent_id = a.id)
),
-- a base is a cell, or with its number turned negative what of a division lies outside all cells; OFFSET 0 keeps the
-- division outside, so that its outline is made ready once for all cameras near it
in_cell AS MATERIALIZED (
    SELECT DISTINCT ON (c.id) c.id, c.state, u.id AS base_id FROM unit_cell u CROSS JOIN LATERAL
        (SELECT id, state FROM camera WHERE ST_Covers(u.geom, camera.geom) OFFSET 0) c ORDER BY c.id, u.id
),
stands AS MATERIALIZED (
    SELECT * FROM in_cell
    UNION ALL
    (SELECT DISTINCT ON (c.id) c.id, c.state, -a.id FROM leaf a CROSS JOIN LATERAL
        (SELECT id, state FROM camera WHERE ST_Covers(a.geom, camera.geom) OFFSET 0) c
     WHERE NOT EXISTS (SELECT FROM in_cell i WHERE i.id = c.id) ORDER BY c.id, a.id)
),
up (base_id, area_id) AS (
    SELECT id, area_id FROM unit_cell UNION ALL SELECT -id, id FROM leaf
    UNION ALL
    SELECT u.base_id, a.parent_id FROM up u JOIN area a ON a.id = u.area_id WHERE a.parent_id IS NOT NULL
),
part (is_area, unit_id, base_id) AS (
    SELECT true, area_id, base_id FROM up
    UNION ALL SELECT false, id, id FROM unit_cell UNION ALL SELECT false, -id, -id FROM leaf
),
standing AS (
    SELECT base_id, count(*) AS cameras, count(*) FILTER (WHERE state = 'online') AS online FROM stands GROUP BY 1
),
ground AS (
    SELECT p.is_area, p.unit_id, count(u.id) AS cells, sum(s.cameras) AS cameras, sum(s.online) AS online,
           sum(u.area_m2) AS area_m2, sum(m.coverage_ratio * u.area_m2) / nullif(sum(u.area_m2)
               FILTER (WHERE m.coverage_ratio IS NOT NULL), 0) AS coverage_ratio,
           sum(d.captures) FILTER (WHERE d.exposure_mh > 0) AS captures,
           sum(d.exposure_mh) / 1000 AS exposure_kmh, bool_or(u.simulated OR d.simulated) AS simulated
    FROM part p LEFT JOIN unit_cell u ON u.id = p.base_id
    LEFT JOIN standing s ON s.base_id = p.base_id LEFT JOIN cell_measure m ON m.cell_id = p.base_id
    LEFT JOIN demand_estimate d ON d.place = 'unit_cell' AND d.place_id = p.base_id AND d.class_code = :parking
    GROUP BY 1, 2
),
caught AS (
    SELECT coalesce(v.cell_id, s.base_id) AS base_id, v.source, sum(v.n) AS n, bool_or(v.simulated) AS simulated
    FROM (SELECT v.cell_id, CASE WHEN v.cell_id IS NULL THEN v.camera_id END AS camera_id, v.source, count(*) AS n,
                 bool_or(v.simulated) AS simulated
          FROM violation v WHERE {OF_VIOLATION} GROUP BY 1, 2, 3) v
    LEFT JOIN stands s ON s.id = v.camera_id GROUP BY 1, 2
),
happened AS (
    SELECT is_area, unit_id, sum(n) AS violations, jsonb_object_agg(source, n) AS by_source,
           bool_or(simulated) AS simulated
    FROM (SELECT p.is_area, p.unit_id, c.source, sum(c.n) AS n, bool_or(c.simulated) AS simulated
          FROM part p JOIN caught c ON c.base_id = p.base_id GROUP BY 1, 2, 3) q
    GROUP BY 1, 2
),
led AS (
    SELECT p.is_area, p.unit_id, count(*) AS leads, count(*) FILTER (WHERE f.state = 'lead') AS leads_waiting,
           count(*) FILTER (WHERE f.state = 'confirmed') AS leads_confirmed,
           count(f.disposed_at) AS leads_dealt, count(*) FILTER (WHERE f.recheck = 'solved') AS leads_solved,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM f.verdict_at - f.first_seen_at) / 3600)
               FILTER (WHERE f.verdict_at >= f.first_seen_at) AS verdict_h,
           bool_or(f.simulated) AS simulated
    FROM finding f LEFT JOIN stands s ON s.id = f.camera_id JOIN part p ON p.base_id = coalesce(f.cell_id, s.base_id)
    WHERE {OF_LEAD} GROUP BY 1, 2
),
unit AS (
    SELECT true AS is_area, a.id, a.kind AS level, a.code, a.name_zh, a.name_en, q.code AS parent_code, a.simulated
    FROM area a LEFT JOIN area q ON q.id = a.parent_id
    UNION ALL
    SELECT false, c.id, 'cell', c.code, c.code, c.code, a.code, c.simulated
    FROM unit_cell c JOIN area a ON a.id = c.area_id
    UNION ALL
    SELECT false, -a.id, 'rest', a.code || '{REST}', '', '', a.code, false FROM leaf a
)
SELECT t.level, t.id AS unit_id, t.code, t.name_zh, t.name_en, t.parent_code,
       coalesce(g.cells, 0) AS cells, coalesce(g.cameras, 0) AS cameras, coalesce(g.online, 0) AS online,
       g.area_m2, g.coverage_ratio, coalesce(h.violations, 0) AS violations,
       coalesce(h.by_source, '{{}}') AS by_source, coalesce(l.leads, 0) AS leads,
       coalesce(l.leads_waiting, 0) AS leads_waiting, coalesce(l.leads_confirmed, 0) AS leads_confirmed,
       coalesce(l.leads_dealt, 0) AS leads_dealt, coalesce(l.leads_solved, 0) AS leads_solved, l.verdict_h,
       coalesce(g.captures, 0) AS captures, coalesce(g.exposure_kmh, 0) AS exposure_kmh,
       t.simulated OR coalesce(g.simulated, false) OR coalesce(h.simulated, false) OR coalesce(l.simulated, false)
           AS simulated
FROM unit t LEFT JOIN ground g ON g.is_area = t.is_area AND g.unit_id = t.id
LEFT JOIN happened h ON h.is_area = t.is_area AND h.unit_id = t.id
LEFT JOIN led l ON l.is_area = t.is_area AND l.unit_id = t.id
WHERE t.level <> 'rest' OR coalesce(g.cameras, 0) + coalesce(h.violations, 0) + coalesce(l.leads, 0) > 0
ORDER BY t.code COLLATE "C"
"""  # noqa: S608 - our own conditions, values are parameters
"""Every unit with its figures, counted where they lie, so that a unit's counts are the sum of its children's."""


def units(conn: Connection, filters: Mapping[str, Any]) -> pd.DataFrame:
    """
    Every division and every unit cell with its figures.

    What is in no cell is in the rest of its community, a row of level `rest` where there is any. A lead or violation
    whose place is not known is where its camera stands.

    Parameters
    ----------
    filters
        since, until (aware moments) and class of violations and leads; source of violations. What is missing or None
        leaves out nothing.

    Returns
    -------
    units
        Indexed by code, each before its children: level (county, street, community, cell, rest), unit_id, names,
        parent_code, `COUNTS`, by_source (source → violations), and `NUMBERS`: square metres; share of the ground in
        view; kilometre-hours of kerb looked at; parking captures per kilometre-hour with their 95 % interval, missing
        where nobody looked; median hours from a lead to the verdict, missing where there is none.
    """
    asked = {name: filters.get(name) for name in ("since", "until", "class", "source")}
    found = read_table(conn, UNITS, {**asked, "parking": ILLEGAL_PARKING}).set_index("code")
    found[list(COUNTS)] = found[list(COUNTS)].astype("int64")
    for name in ("area_m2", "coverage_ratio", "exposure_kmh", "verdict_h"):
        found[name] = pd.to_numeric(found[name]).astype("float64")
    seen = found["exposure_kmh"].to_numpy()
    found["rate"] = found["captures"] / np.where(seen > 0, seen, np.nan)
    found["rate_lower"], found["rate_upper"] = poisson_intervals(found["captures"].to_numpy(), seen)
    found["simulated"] = found["simulated"].astype(bool)
    return found


def unplaced(conn: Connection, filters: Mapping[str, Any], table: pd.DataFrame) -> dict[str, int]:
    """How many cameras, violations and leads are in no division, and so in no row of `units`."""
    asked = {name: filters.get(name) for name in ("since", "until", "class", "source")}
    row = conn.execute(
        text(
            "SELECT (SELECT count(*) FROM camera) AS cameras,"  # noqa: S608 - as above
            f" (SELECT count(*) FROM violation v WHERE {OF_VIOLATION}) AS violations,"
            f" (SELECT count(*) FROM finding f WHERE {OF_LEAD}) AS leads"
        ),
        asked,
    ).one()
    placed = children(table, None)
    return {name: int(whole) - int(placed[name].sum()) for name, whole in row._mapping.items()}


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
