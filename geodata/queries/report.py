"""What a report of a view tells: key figures, exposures and rates with intervals, the worst cells, the data's date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from analysis.demand import Recall, violation_rate
from geodata.errors import NotFound
from geodata.queries.areas import AreaChoice, areas
from geodata.queries.datasets import dataset_rows, loaded_town, revision
from geodata.queries.figures import KeyFigures, key_figures, within
from geodata.queries.frames import read_table
from geodata.towns.town import Town

__all__ = ["RecallTold", "ReportFacts", "report_facts"]

TOP_CELLS = 15
REGISTER = ("name", "town", "source", "licence", "method", "rows", "revision", "loaded_at", "simulated")


@dataclass(frozen=True)
class RecallTold:
    """Share of a class's violations in view that detectors report, with its 95 % interval, [0, 1]."""

    class_code: str
    mean: float
    lower: float
    upper: float
    reports: int


@dataclass(frozen=True, eq=False)
class ReportFacts:
    """
    What is told.

    Attributes
    ----------
    town, area
        Where; area is None for the whole town.
    bounds
        West, south, east, north of it, degrees.
    revision, loaded_at
        Of the data: the same revision gives the same report.
    figures
        As on the overview.
    captures, reports, exposure_h
        Of cells that somebody looked at, in the period of the estimate.
    rate
        Violations an hour of full view over all of them: mean, lower and upper end of the 95 % interval; None without
        exposure.
    recall
        Of the detectors, by class.
    cells
        The cells with the highest rate: code, community names, rate, rate_lower, rate_upper, captures, reports,
        exposure_h, coverage_ratio.
    profiles
        Profiles of the codes in use.
    register
        Rows of all datasets.
    """

    town: Town
    area: AreaChoice | None
    bounds: tuple[float, float, float, float]
    revision: int
    loaded_at: dt.datetime
    figures: KeyFigures
    captures: int
    reports: int
    exposure_h: float
    rate: tuple[float, float, float] | None
    recall: tuple[RecallTold, ...]
    cells: pd.DataFrame
    profiles: tuple[str, ...]
    register: pd.DataFrame


def report_facts(conn: Connection, filters: Mapping[str, Any]) -> ReportFacts:
    """
    What a report of these filters tells.

    Parameters
    ----------
    filters
        area, since, until, class, source, as for `key_figures`.

    Raises
    ------
    NotFound
        If nothing is loaded or there is no such area.
    """
    town, known = loaded_town(conn), areas(conn)
    code = filters.get("area")
    area = next((each for each in known if each.code == code), None)
    if code and area is None:
        raise NotFound(
            "There is no area {code}.",
            "Give the code of a county (6 digits), street (9) or community (12) of this town.",
            code=code,
        )
    register = pd.DataFrame([tuple(row) for row in dataset_rows(conn)], columns=list(REGISTER))
    given = {"area": code} if code else {}
    inside = within("area", given)
    [sums] = read_table(
        conn,
        "SELECT coalesce(sum(m.captures), 0) AS captures, coalesce(sum(m.reports), 0) AS reports,"  # noqa: S608
        " coalesce(sum(m.exposure_h), 0) AS exposure_h FROM cell_measure m JOIN unit_cell t ON t.id = m.cell_id"
        f" WHERE m.exposure_h > 0{inside}",
        given,
    ).itertuples()
    return ReportFacts(
        town=town,
        area=area,
        bounds=area.bounds if area else _around(known),
        revision=revision(conn),
        loaded_at=register["loaded_at"].max(),
        figures=key_figures(conn, filters),
        captures=int(sums.captures),
        reports=int(sums.reports),
        exposure_h=float(sums.exposure_h),
        rate=_rate(float(sums.captures), float(sums.exposure_h)),
        recall=_recall(conn),
        cells=_cells(conn, inside, given),
        profiles=tuple(
            conn.execute(text("SELECT DISTINCT code_profile FROM unit_cell ORDER BY 1")).scalars()
        ),
        register=register,
    )


def _around(known: list[AreaChoice]) -> tuple[float, float, float, float]:
    west, south, east, north = zip(*(each.bounds for each in known), strict=True)
    return min(west), min(south), max(east), max(north)


def _rate(captures: float, exposure_h: float) -> tuple[float, float, float] | None:
    if exposure_h <= 0:
        return None
    found = violation_rate(pd.Series([captures]), pd.Series([exposure_h]), prior="jeffreys").iloc[0]
    return float(found["rate_per_h"]), float(found["lower"]), float(found["upper"])


def _recall(conn: Connection) -> tuple[RecallTold, ...]:
    rows = conn.execute(
        text("SELECT class_code, hits, misses, reports FROM detector_recall ORDER BY class_code")
    ).all()
    found = []
    for code, hits, misses, reports in rows:
        recall = Recall(hits, misses)
        lower, upper = recall.interval()
        found.append(RecallTold(code, recall.mean, lower, upper, reports))
    return tuple(found)


def _cells(conn: Connection, inside: str, given: Mapping[str, Any]) -> pd.DataFrame:
    return read_table(
        conn,
        "SELECT t.code, a.name_zh, a.name_en, m.rate, m.rate_lower, m.rate_upper, m.captures, m.reports,"  # noqa: S608
        " m.exposure_h, m.coverage_ratio FROM unit_cell t JOIN cell_measure m ON m.cell_id = t.id"
        f" JOIN area a ON a.id = t.area_id WHERE m.rate IS NOT NULL{inside}"
        f" ORDER BY m.rate DESC, t.code LIMIT {TOP_CELLS}",
        dict(given),
    )
