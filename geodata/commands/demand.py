"""Estimating violations per exposure of every cell."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.categories import ILLEGAL_PARKING
from analysis.demand import violation_rate
from analysis.exposure import cell_exposure
from geodata.commands.datasets import Provenance, record
from geodata.progress import Progress, silent
from geodata.queries.city import cells, kerbs, streets, views
from geodata.queries.frames import read_table
from geodata.towns.simulation import bare_kerbs
from geodata.towns.town import Town

__all__ = ["estimate_demand"]

_PROVENANCE = Provenance(
    "Huiyan",
    "ODbL-1.0",
    "captures / (visible share of streets without bays x hours sampled x recall), gamma-Poisson, 95 % interval",
    simulated=True,
)


def estimate_demand(session: Session, town: Town, progress: Progress = silent) -> pd.DataFrame:
    """
    Writes captures, exposure, rate and interval of every cell; returns them by cell id.

    The period is that of the exposure on record. Cameras that play recorded footage of another place do not count.
    """
    progress(0, 3, "Reading exposure")
    grid, seen = cells(session, town.metric_epsg), views(session, town.metric_epsg)
    hours = read_table(
        session,
        "SELECT e.camera_id, sum(e.hours) AS hours, sum(e.hours * e.recall) / nullif(sum(e.hours), 0) AS recall,"
        " min(e.month) AS first, max(e.month) AS last FROM exposure e JOIN camera c ON c.id = e.camera_id"
        " WHERE e.class_code = :class AND NOT c.demonstration GROUP BY 1",
        {"class": ILLEGAL_PARKING},
    ).set_index("camera_id")
    first, until = _period(hours, town)
    progress(1, 3, "Measuring exposure")
    seen = seen[seen.index.isin(hours.index)]
    roads = streets(session, town.metric_epsg)
    sides = kerbs(session, town.metric_epsg)
    bare = bare_kerbs(roads[roads["drivable"]], sides[sides["legal"].eq(True)])
    looked = cell_exposure(
        grid,
        seen,
        hours["hours"].astype(float),
        hours["recall"].astype(float).fillna(0.0),
        period_h=max((until - first).total_seconds() / 3600, 1.0),
        kerbs=bare,
    )
    progress(2, 3, "Estimating rates")
    counts = read_table(
        session,
        "SELECT v.cell_id, count(*) FILTER (WHERE v.source = 'camera') AS captures,"
        " count(*) FILTER (WHERE v.source = 'qr') AS reports FROM violation v"
        " WHERE v.class_code = :class AND v.at >= :first AND v.at < :until AND v.cell_id IS NOT NULL GROUP BY 1",
        {"class": ILLEGAL_PARKING, "first": first, "until": until},
    ).set_index("cell_id")
    counts = counts.reindex(grid.index).fillna(0).astype(int)
    # captures of cameras that have since been moved: counted and shown, but there is nothing to divide them by
    usable = counts["captures"].where(looked["exposure_h"] > 0, 0)
    rates = violation_rate(usable, looked["exposure_h"])
    found = rates.assign(
        captures=counts["captures"], reports=counts["reports"], exposure_h=looked["exposure_h"]
    )
    _write(session, found)
    record(session, "cell_measure", town.name, _PROVENANCE)
    progress(3, 3, "Demand is ready")
    return found


def _period(hours: pd.DataFrame, town: Town) -> tuple[dt.datetime, dt.datetime]:
    """First moment and end of the months on record, in the town's time; an hour where there is no exposure."""
    if hours.empty:
        now = dt.datetime.now(dt.UTC)
        return now - dt.timedelta(hours=1), now
    first: dt.date = hours["first"].min()
    after = (hours["last"].max().replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return tuple(dt.datetime(day.year, day.month, 1, tzinfo=town.time_zone) for day in (first, after))  # type: ignore[return-value]


def _write(session: Session, found: pd.DataFrame) -> None:
    rows = [
        {
            "cell": int(cell),
            "captures": int(row.captures),
            "reports": int(row.reports),
            "exposure": round(float(row.exposure_h), 3) if row.evidence else None,
            "rate": float(row.rate_per_h) if row.evidence else None,
            "lower": float(row.lower) if row.evidence else None,
            "upper": float(row.upper) if row.evidence else None,
        }
        for cell, row in zip(found.index, found.itertuples(index=False), strict=True)
    ]
    session.execute(
        text(
            "INSERT INTO cell_measure (cell_id, captures, reports, exposure_h, rate, rate_lower, rate_upper)"
            " VALUES (:cell, :captures, :reports, :exposure, :rate, :lower, :upper) ON CONFLICT (cell_id) DO UPDATE"
            " SET captures = excluded.captures, reports = excluded.reports, exposure_h = excluded.exposure_h,"
            " rate = excluded.rate, rate_lower = excluded.rate_lower, rate_upper = excluded.rate_upper"
        ),
        rows,
    )
