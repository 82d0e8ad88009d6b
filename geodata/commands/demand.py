"""Estimating violations per exposure of every cell and street edge."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.categories import ILLEGAL_PARKING
from analysis.demand import WEEK_H
from geodata.commands.datasets import Provenance, record
from geodata.ingest.copying import copy_rows
from geodata.progress import Progress, silent
from geodata.queries.city import cells
from geodata.queries.demand import (
    PLACES,
    UNIT_CELL,
    Estimates,
    Events,
    Looking,
    Streetscape,
    estimate,
    find_recall,
    load_streetscape,
    read_events,
    read_looking,
    watching,
)
from geodata.queries.frames import read_table
from geodata.towns.town import Town

__all__ = ["estimate_demand"]

METHOD = (
    "captures / (kerb without bays in view x hours sampled x recall) by hour of the week, gamma-Poisson about a"
    " log-linear model of what lies about the place"
)
RECALL_METHOD = "violations reported by people where cameras were looking: how many of them were caught"
_COLUMNS = ("rate", "lower80", "upper80", "lower95", "upper95", "per_h")


def estimate_demand(session: Session, town: Town, progress: Progress = silent) -> pd.DataFrame:
    """
    Writes rates and intervals of every cell and street edge; returns those of the cells by id.

    The period is that of the exposure on record. Cameras that play recorded footage of another place do not count.
    """
    progress(0, 4, "Reading kerbs and what lies about them")
    scape = load_streetscape(session, town)
    progress(1, 4, "Reading exposure")
    looking = read_looking(session, town)
    watch = watching(session, scape, looking)
    progress(2, 4, "Reading captures and reports")
    events = read_events(session, town, scape, looking)
    recall, reports, caught = find_recall(events, watch, looking)
    progress(3, 4, "Estimating rates")
    found = estimate(scape, watch, looking, events, recall)
    session.execute(text("DELETE FROM detector_recall WHERE class_code = :class"), {"class": ILLEGAL_PARKING})
    session.execute(
        text(
            "INSERT INTO detector_recall (class_code, hits, misses, reports, caught, method)"
            " VALUES (:class, :hits, :misses, :reports, :caught, :method)"
        ),
        {
            "class": ILLEGAL_PARKING,
            "hits": recall.hits,
            "misses": recall.misses,
            "reports": reports,
            "caught": caught,
            "method": RECALL_METHOD,
        },
    )
    table = _write_estimates(session, scape, events, found)
    _write_profile(session, found)
    measures = _write_cells(session, town, table, looking)
    made = Provenance("Huiyan", town.licence, METHOD, simulated=True)
    for name in ("cell_measure", "demand_estimate", "demand_profile", "detector_recall"):
        record(session, name, town.name, made)
    progress(4, 4, "Demand is ready")
    return measures


def _write_estimates(
    session: Session, scape: Streetscape, events: Events, found: Estimates
) -> dict[str, pd.DataFrame]:
    session.execute(text("DELETE FROM demand_estimate WHERE class_code = :class"), {"class": ILLEGAL_PARKING})
    tables = {}
    for place in PLACES:
        demand = found.demand[place]
        rates = demand.rates()
        table = pd.DataFrame(
            {
                "place": place,
                "place_id": scape.ids[place],
                "class_code": ILLEGAL_PARKING,
                "length_m": demand.places["length_m"].round(2),
                "captures": demand.places["captures"],
                "reports": events.tally(scape, place, "qr").sum(axis=1).astype(int),
                "exposure_mh": demand.places["exposure"].round(3),
                "seen_m": found.seen_m[place].round(2),
                "evidence": demand.places["evidence"],
                "weight": demand.places["weight"].round(6),
                **{name: rates[name] for name in _COLUMNS},
                "simulated": True,
            }
        )
        table[list(_COLUMNS)] = table[list(_COLUMNS)].astype(object).where(table["rate"].notna(), None)
        copy_rows(session, "demand_estimate", table)
        tables[place] = table.set_index("place_id")
    return tables


def _write_profile(session: Session, found: Estimates) -> None:
    session.execute(text("DELETE FROM demand_profile WHERE class_code = :class"), {"class": ILLEGAL_PARKING})
    profile = found.demand[UNIT_CELL].profile
    rows = {
        "class_code": ILLEGAL_PARKING,
        "hour": np.arange(WEEK_H),
        "weight": profile.weight,
        "cv": profile.cv,
    }
    copy_rows(session, "demand_profile", pd.DataFrame(rows))


def _write_cells(
    session: Session, town: Town, tables: dict[str, pd.DataFrame], looking: Looking
) -> pd.DataFrame:
    """
    What the map shows of cells: hours of full view, and the rate where somebody looked.

    Counts are of all captures of a cell, those too that have nothing to be divided by.
    """
    ids = cells(session, town.metric_epsg).index
    counted = read_table(
        session,
        "SELECT v.cell_id, count(*) FILTER (WHERE v.source = 'camera') AS captures,"
        " count(*) FILTER (WHERE v.source = 'qr') AS reports FROM violation v"
        " WHERE v.class_code = :class AND v.at >= :first AND v.at < :until AND v.cell_id IS NOT NULL GROUP BY 1",
        {"class": ILLEGAL_PARKING, "first": looking.first, "until": looking.until},
    )
    counts = counted.set_index("cell_id").reindex(ids).fillna(0).astype(int)
    known = tables[UNIT_CELL].reindex(ids)
    watched = known["exposure_mh"].gt(0) & known["rate"].notna()
    length = known["length_m"]
    found = pd.DataFrame(
        {
            "captures": counts["captures"],
            "reports": counts["reports"],
            "exposure_h": (known["exposure_mh"] / length).where(watched),
            "rate": known["per_h"].where(watched),
            "rate_lower": (known["lower95"] * length).where(watched),
            "rate_upper": (known["upper95"] * length).where(watched),
            "evidence": watched,
        },
        index=ids,
    )
    rows = [
        {
            "cell": int(cell),
            "captures": int(row.captures),
            "reports": int(row.reports),
            "exposure": round(float(row.exposure_h), 3) if row.evidence else None,
            "rate": float(row.rate) if row.evidence else None,
            "lower": float(row.rate_lower) if row.evidence else None,
            "upper": float(row.rate_upper) if row.evidence else None,
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
    return found
