"""Who looked at a place last: cameras, patrols, people."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection, text

from analysis.coverage import unseen_places
from geodata.queries.city import cells
from geodata.queries.city import views as all_views
from geodata.queries.frames import read_frame, read_table
from geodata.towns.town import Town

__all__ = [
    "REPORT_RADIUS_M",
    "Sightings",
    "blind_areas",
    "group_means",
    "groupings",
    "last_moment",
    "sightings",
]

REPORT_RADIUS_M = 15.0
"""How far around a report its reporter looked."""


@dataclass(frozen=True, eq=False)
class Sightings:
    """
    What was looked at, and when; metric CRS, times aware.

    Attributes
    ----------
    views
        Visible areas by camera, with `sampled_at`: the end of the newest month in which frames were sampled.
    tracks
        Stretches that patrols went, with `ended_at` (the newest) and `width_m` to each side.
    reports
        Places of reports by people, with `at` (the newest) and `radius_m`.
    """

    views: gpd.GeoDataFrame
    tracks: gpd.GeoDataFrame
    reports: gpd.GeoDataFrame


def last_moment(conn: Connection) -> dt.datetime | None:
    """The newest moment of which anything is known: the day that blind areas are counted back from."""
    found: dt.datetime | None = conn.execute(
        text(
            "SELECT greatest((SELECT max(at) FROM violation WHERE source <> 'video'),"
            " (SELECT max(ended_at) FROM patrol_track))"
        )
    ).scalar_one()
    return found


def sightings(
    conn: Connection, epsg: int, until: dt.datetime, seen: gpd.GeoSeries | None = None
) -> Sightings:
    """
    Everything that was looked at up to `until`.

    A camera counts as looking until the end of the newest month in which its exposure is above zero; one without
    any exposure on record but with hours a day counts as looking until `until`.

    Parameters
    ----------
    conn
        An open connection.
    epsg
        Metric CRS.
    until
        What was seen later is left out.
    seen
        What each stored camera sees, by camera, in `epsg`, for who has read it already; read if not given.
    """
    stored = (all_views(conn, epsg).geometry if seen is None else seen).rename("geometry")
    sampled = read_table(
        conn,
        "SELECT v.camera_id AS id, least(CAST(:until AS timestamptz), coalesce(("
        "SELECT max(e.month) + interval '1 month' FROM exposure e"
        " WHERE e.camera_id = v.camera_id AND 0 < ANY (e.hours)),"
        " CAST(:until AS timestamptz))) AS sampled_at FROM camera_view v JOIN camera c ON c.id = v.camera_id"
        " WHERE c.hours_per_day > 0 AND NOT c.demonstration ORDER BY v.camera_id",
        {"until": until},
    ).set_index("id")
    sampled = sampled[sampled.index.isin(stored.index)]
    views = gpd.GeoDataFrame(sampled, geometry=stored.loc[sampled.index].set_axis(sampled.index), crs=epsg)
    tracks = read_frame(
        conn,
        "SELECT id, level, means, width_m, ended_at, geom FROM patrol_track WHERE ended_at <= :until ORDER BY id",
        {"until": until},
    )
    reports = read_frame(
        conn,
        "SELECT max(id) AS id, max(at) AS at, geom FROM violation WHERE camera_id IS NULL AND at <= :until"
        " GROUP BY geom ORDER BY 1",
        {"until": until},
    ).assign(radius_m=REPORT_RADIUS_M)
    views["sampled_at"] = pd.to_datetime(views["sampled_at"], utc=True)
    tracks["ended_at"] = pd.to_datetime(tracks["ended_at"], utc=True)
    reports["at"] = pd.to_datetime(reports["at"], utc=True)
    return Sightings(views, _last_passed(tracks.to_crs(epsg)), reports.to_crs(epsg))


def _last_passed(tracks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Each stretch between two corners once, as it was passed last: patrols go the same streets day after day."""
    corners, row = shapely.get_coordinates(tracks.geometry.to_numpy(), return_index=True)
    same = row[1:] == row[:-1]
    ends = np.round(np.stack([corners[:-1][same], corners[1:][same]], axis=1), 2)
    swapped = (ends[:, 0] > ends[:, 1]).any(axis=1) & ~(ends[:, 0] < ends[:, 1])[:, 0]
    ends[swapped] = ends[swapped][:, ::-1]
    passed = tracks.iloc[row[:-1][same]].drop(columns="geom").reset_index(drop=True)
    keys = pd.DataFrame(ends.reshape(-1, 4), columns=list("abcd")).assign(
        width_m=passed["width_m"], ended_at=passed["ended_at"]
    )
    newest = (
        keys.sort_values("ended_at", kind="stable").drop_duplicates([*"abcd", "width_m"], keep="last").index
    )
    lines = gpd.GeoSeries(shapely.linestrings(ends[newest]), index=newest, crs=tracks.crs)
    lines = lines[lines.length > 0]
    return gpd.GeoDataFrame(passed.loc[lines.index], geometry=lines)


def blind_areas(
    conn: Connection, town: Town, days: int, seen: gpd.GeoSeries | None = None
) -> gpd.GeoDataFrame:
    """
    Unit cells with what cameras, patrols and people looked at within `days` before the last moment on record.

    Adds the columns of `analysis.coverage.unseen_places` to code and reports; `seen` as of `sightings`.
    """
    epsg = town.metric_epsg
    grid = cells(conn, epsg)[["code", "reports", "geom"]]
    until = last_moment(conn)
    if until is None:
        return grid.assign(blind=True)
    looked = sightings(conn, epsg, until, seen)
    looks = unseen_places(
        grid,
        until=until,
        days=days,
        views=looked.views,
        sampled_at=looked.views["sampled_at"],
        tracks=looked.tracks,
        reports=looked.reports,
    )
    return grid.join(looks)


def groupings(conn: Connection) -> list[str]:
    """Groups of cameras whose coverage was computed."""
    rows = conn.execute(
        text("SELECT DISTINCT grouping FROM coverage_share WHERE place = 'unit_cell' ORDER BY grouping")
    )
    return [row.grouping for row in rows]


def group_means(conn: Connection, grouping: str) -> pd.DataFrame:
    """By kind of place: how many there are, the mean shares that a group sees, and how many it does not see."""
    totals = (
        "SELECT 'unit_cell' AS place, count(*) AS places FROM unit_cell"
        " UNION ALL SELECT 'street_edge', count(*) FROM street_edge WHERE drivable"
        " UNION ALL SELECT 'no_parking_area', count(*) FROM no_parking_area"
        " UNION ALL SELECT 'poi', count(*) FROM poi WHERE kind = 'amenity' AND category IN ('school', 'kindergarten')"
    )
    return read_table(
        conn,
        f"SELECT t.place, t.places, coalesce(sum(s.once_ratio), 0) / t.places AS once_ratio,"  # noqa: S608
        " coalesce(sum(s.twice_ratio), 0) / t.places AS twice_ratio,"
        " t.places - count(s.place_id) FILTER (WHERE s.once_ratio > 0) AS unseen"
        f" FROM ({totals}) t LEFT JOIN coverage_share s ON s.place = t.place AND s.grouping = :grouping"
        " WHERE t.places > 0 GROUP BY t.place, t.places ORDER BY t.places DESC",
        {"grouping": grouping},
    )
