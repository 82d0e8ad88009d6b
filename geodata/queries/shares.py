"""Who finds what: the share that cameras find, by district and month, where they are silent, and rounds they spare."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection

from analysis.desk import chance_of_silence
from analysis.intervals import wilson_interval
from geodata.queries.frames import read_frame, read_table
from geodata.towns.town import Town

__all__ = ["REASONS", "SPANS_D", "TOWN", "district_shares", "month_shares", "silent_cells", "spared_rounds"]

BY_CAMERAS = "t.source IN ('camera', 'video')"
"""Captures by cameras, and leads of the patrol that a person confirmed."""
TOWN = "town"
REASONS = ("silent", "unsampled", "unseen")
"""Why cameras find nothing: they look and find nothing; they see the place and were not sampled; none sees it."""
SPANS_D = (1, 7)
"""Days over which rounds are counted; longer ones would read tens of millions of looks."""
MOST_PLACES = 500


def month_shares(conn: Connection, town: Town) -> pd.DataFrame:
    """
    What cameras and what people found, by district and month of the town's time.

    Returns
    -------
    table
        One row a district (street or town of the division) and month, then the whole town with the code `TOWN`: code,
        name_zh, name_en, month (first day), cameras, people, found, share (of cameras, [0, 1]), lower and upper (95 %,
        Wilson), simulated; by code and month. What lies outside all cells counts for the whole town alone; a violation
        that a camera caught and a person reported counts for both.
    """
    rows = read_table(
        conn,
        "SELECT p.code, p.name_zh, p.name_en, date_trunc('month', t.at AT TIME ZONE :zone)::date AS month,"  # noqa: S608
        f" count(*) FILTER (WHERE {BY_CAMERAS}) AS cameras, count(*) FILTER (WHERE NOT {BY_CAMERAS}) AS people,"
        " bool_or(t.simulated) AS simulated FROM violation t LEFT JOIN unit_cell c ON c.id = t.cell_id"
        " LEFT JOIN area a ON a.id = c.area_id LEFT JOIN area p ON p.id = coalesce(a.parent_id, a.id)"
        " GROUP BY p.code, p.name_zh, p.name_en, month",
        {"zone": str(town.time_zone)},
    )
    whole = rows.groupby("month", as_index=False).agg(
        cameras=("cameras", "sum"), people=("people", "sum"), simulated=("simulated", "any")
    )
    whole = whole.assign(code=TOWN, name_zh=town.name_zh, name_en=town.name_en)
    table = (
        pd.concat([rows[rows["code"].notna()], whole[rows.columns]], ignore_index=True) if len(rows) else rows
    )
    return _shared(table).sort_values(["code", "month"], ignore_index=True)


def district_shares(months: pd.DataFrame) -> pd.DataFrame:
    """
    `month_shares` added up for each district, the town first, then by what people found.

    Returns
    -------
    table
        As `month_shares` without month, with `before` (share before the last whole half of the months) and `change` (of
        the later half against it); NaN where a half has nothing.
    """
    if months.empty:
        return months.drop(columns="month").assign(
            before=pd.Series(dtype=float), change=pd.Series(dtype=float)
        )
    every = sorted(months["month"].unique())
    later = months["month"] >= every[len(every) // 2]
    keys = ["code", "name_zh", "name_en"]
    added = months.groupby(keys, as_index=False).agg(
        cameras=("cameras", "sum"), people=("people", "sum"), simulated=("simulated", "any")
    )
    halves = [
        months[half].groupby("code")[["cameras", "people"]].sum().pipe(lambda t: t["cameras"] / t.sum(axis=1))
        for half in (~later, later)
    ]
    table = _shared(added)
    table["before"] = table["code"].map(halves[0]).astype(float)
    table["change"] = table["code"].map(halves[1]).astype(float) - table["before"]
    order = table.assign(town=table["code"].ne(TOWN)).sort_values(["town", "people"], ascending=[True, False])
    return order.drop(columns="town").reset_index(drop=True)


def silent_cells(conn: Connection, *, most: int = MOST_PLACES) -> gpd.GeoDataFrame:
    """
    Unit cells where people found something and cameras nothing, over all violations on record.

    Returns
    -------
    cells
        code, name_zh, name_en (of the community), people, reason (of `REASONS`), chance (that cameras would find
        nothing there if they found as they do elsewhere; NaN where they do not look), coverage_ratio, exposure_h,
        simulated, lon_deg, lat_deg and geometry; the silent ones first, by their chance, then by reports.
        `attrs["cells"]` tells how many there are of each reason before `most` cut the list.
    """
    counts = read_table(
        conn,
        f"SELECT t.cell_id AS id, count(*) FILTER (WHERE {BY_CAMERAS}) AS cameras,"  # noqa: S608
        f" count(*) FILTER (WHERE NOT {BY_CAMERAS}) AS people, m.coverage_ratio, m.exposure_h"
        " FROM violation t LEFT JOIN cell_measure m ON m.cell_id = t.cell_id WHERE t.cell_id IS NOT NULL"
        " GROUP BY t.cell_id, m.coverage_ratio, m.exposure_h",
    )
    seen = pd.to_numeric(counts["coverage_ratio"]).gt(0)
    looked = pd.to_numeric(counts["exposure_h"]).gt(0) | counts["cameras"].gt(0)
    reports = int(counts.loc[looked, "people"].sum())
    ratio = float(counts.loc[looked, "cameras"].sum()) / reports if reports else 0.0
    counts["reason"] = np.select([looked, seen], ["silent", "unsampled"], "unseen")
    counts["chance"] = np.where(
        looked, chance_of_silence(counts["people"].to_numpy(dtype=np.int64), finds_per_report=ratio), np.nan
    )
    mute = counts[counts["cameras"].eq(0) & counts["people"].gt(0)]
    rank = mute["reason"].map({name: at for at, name in enumerate(REASONS)})
    mute = mute.assign(rank=rank).sort_values(["rank", "people", "id"], ascending=[True, False, True])
    shapes = read_frame(
        conn,
        "SELECT c.id, c.code, a.name_zh, a.name_en, c.simulated, c.geom, ST_X(ST_Centroid(c.geom)) AS lon_deg,"
        " ST_Y(ST_Centroid(c.geom)) AS lat_deg FROM unit_cell c JOIN area a ON a.id = c.area_id"
        " WHERE c.id = ANY(:cells)",
        {"cells": [int(each) for each in mute["id"].head(most)]},
    )
    shown = mute.head(most).set_index("id")[["people", "reason", "chance", "coverage_ratio", "exposure_h"]]
    shown = shown[shown.index.isin(shapes.index)]
    cells = shapes.loc[shown.index].join(shown)
    cells.attrs["cells"] = {name: int(mute["reason"].eq(name).sum()) for name in REASONS}
    return gpd.GeoDataFrame(cells, geometry="geom", crs=shapes.crs)


def spared_rounds(conn: Connection, days: int) -> pd.DataFrame:
    """
    What looking spared people: hours in which a camera looked at a place, and in how many of them somebody had to go.

    A look stands in for somebody who passes by; however many looks an hour has, it counts as one round. An hour with a
    lead that a person confirmed is none that was spared.

    Parameters
    ----------
    conn
        An open connection.
    days
        Back from now; of `SPANS_D`.

    Returns
    -------
    places
        One row a zone that is switched on: zone_id, camera, camera_name, title_zh, title_en, class_code, name_zh,
        name_en, looks, rounds (hours with a look), leads, confirmed, gone (rounds in which somebody had to go), spared,
        demonstration; most rounds first. Looks from before the zone was drawn do not count.
    """
    rows = read_table(
        conn,
        "SELECT z.id AS zone_id, c.code AS camera, c.name AS camera_name, z.title_zh, z.title_en, z.class_code,"
        " e.name_zh, e.name_en, c.demonstration, s.looks, s.rounds, f.leads, f.confirmed, f.gone FROM zone z"
        " JOIN camera c ON c.id = z.camera_id JOIN event_class e ON e.code = z.class_code"
        " CROSS JOIN LATERAL (SELECT greatest(now() - make_interval(days => :days), (SELECT min(at) FROM audit"
        " WHERE action = 'draw zone' AND subject = 'camera ' || c.code || ' ' || z.name)) AS since) d"
        " CROSS JOIN LATERAL (SELECT count(*) AS looks, count(DISTINCT date_trunc('hour', taken_at)) AS rounds"
        " FROM sample WHERE camera_id = z.camera_id AND due_at IS NOT NULL AND taken_at > d.since) s"
        " CROSS JOIN LATERAL (SELECT count(*) AS leads, count(*) FILTER (WHERE state = 'confirmed') AS confirmed,"
        " count(DISTINCT date_trunc('hour', first_seen_at)) FILTER (WHERE state = 'confirmed') AS gone"
        " FROM finding WHERE zone_id = z.id AND merged_into IS NULL AND NOT hint AND first_seen_at > d.since) f"
        " WHERE z.enabled ORDER BY s.rounds DESC, c.code, z.name",
        {"days": days},
    )
    rows["spared"] = (rows["rounds"] - rows["gone"]).clip(lower=0)
    return rows


def _shared(table: pd.DataFrame) -> pd.DataFrame:
    """With the share of cameras and its interval; NaN where nothing was found."""
    table = table.assign(found=table["cameras"] + table["people"])
    bounds = [
        wilson_interval(int(row.cameras), int(row.found)) if row.found else (np.nan, np.nan)
        for row in table.itertuples()
    ]
    table["share"] = table["cameras"] / table["found"].where(table["found"] > 0)
    table[["lower", "upper"]] = np.array(bounds, dtype=float).reshape(-1, 2)
    return table
