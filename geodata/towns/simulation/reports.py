"""QR points on the streets, and what passers-by report through them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analysis.categories import ILLEGAL_PARKING
from analysis.checks import require_columns, require_metric, require_positive
from analysis.errors import InputError
from geodata.towns.simulation.lines import segments_in_cells

__all__ = ["qr_points", "qr_reports"]


def qr_points(
    cells: gpd.GeoDataFrame, lines: gpd.GeoDataFrame, count: int, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """
    Places of QR codes along lines: cells with much line have more of them.

    Parameters
    ----------
    cells
        Unit cells with the column `code`, Polygons in metres.
    lines
        Lines in the CRS of `cells`, for instance from `bare_kerbs`.
    count
        How many, 1 or more.
    rng
        Source of randomness.

    Returns
    -------
    points
        `qr_id` (from 1), `cell_code` and a geometry of Points.
    """
    require_metric(cells=cells, lines=lines)
    require_columns("cells", cells, "code")
    require_positive("count", count)
    segments = segments_in_cells(lines, cells)
    length = segments.length_by_cell(len(cells))
    require_positive("metres of line in the cells", length.sum())
    cell = np.sort(rng.choice(len(cells), count, p=length / length.sum()))
    return gpd.GeoDataFrame(
        {"qr_id": np.arange(1, count + 1), "cell_code": cells["code"].to_numpy()[cell]},
        geometry=shapely.points(segments.places(cell, rng)),
        crs=cells.crs,
    )


def qr_reports(
    events: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    rng: np.random.Generator,
    *,
    captures: gpd.GeoDataFrame | None = None,
    chance: float = 0.04,
    reach_m: float = 80.0,
) -> gpd.GeoDataFrame:
    """
    Reports of passers-by, who know nothing of cameras.

    An event is reported at most once, through its nearest QR point within `reach_m`, with the chance
    chance · exp(-2 · distance / reach_m).

    Parameters
    ----------
    events
        From `parking_events`.
    points
        From `qr_points`, in the CRS of `events`.
    rng
        Source of randomness.
    captures
        From `parking_captures` of the same events, to link both; has no effect on who reports what.
    chance
        Chance that an event at the foot of a QR point is reported, [0, 1].
    reach_m
        Events farther from every QR point are not reported; metres above 0.

    Returns
    -------
    reports
        Sorted by time: `report_id` (from 1), `event_id`, `qr_id`, `cell_code` (of the event), `reported_at`
        (aware UTC, during the event), `event_class` ("05-05"), `same_as` (the `capture_id` of the first
        capture of the same event; missing if no camera caught it or `captures` is not given) and a geometry
        of Points: the event's place.

    Raises
    ------
    CrsError
        If the frames are not in metres, or differ.
    InputError
        If `chance` is outside [0, 1] or `reach_m` is not above 0.
    """
    require_metric(events=events, points=points)
    require_positive("reach_m", reach_m)
    if not 0 <= chance <= 1:
        raise InputError("chance must lie in [0, 1], not {chance}.", "Pass a share.", chance=chance)
    places = events.geometry.to_numpy()
    (event, point), distance = shapely.STRtree(points.geometry.to_numpy()).query_nearest(
        places, max_distance=reach_m, return_distance=True, all_matches=False
    )
    noticed = rng.random(len(event)) < chance * np.exp(-2 * distance / reach_m)
    event, point = event[noticed], point[noticed]
    rows = events.iloc[event]
    waited = rng.random(len(rows)) * rows["duration_min"].to_numpy()
    first = pd.Series(dtype="Int64") if captures is None else captures.groupby("event_id")["capture_id"].min()
    same_as = first.reindex(rows["event_id"]).astype("Int64").array
    reports = gpd.GeoDataFrame(
        {
            "event_id": rows["event_id"].to_numpy(),
            "qr_id": points["qr_id"].to_numpy()[point],
            "cell_code": rows["cell_code"].to_numpy(),
            "reported_at": pd.DatetimeIndex(rows["started_at"])
            + pd.to_timedelta((waited * 60).round(), unit="s"),
            "event_class": ILLEGAL_PARKING,
            "same_as": same_as,
        },
        geometry=rows.geometry.to_numpy(),
        crs=events.crs,
    )
    reports = reports.sort_values(["reported_at", "event_id"], kind="stable", ignore_index=True)
    reports.insert(0, "report_id", np.arange(1, len(reports) + 1))
    return reports
