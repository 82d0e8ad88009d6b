"""Key figures and the facts behind a click."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from geodata.queries.frames import read_table
from geodata.queries.tiles import AREA, AREA_SHAPES

__all__ = [
    "FAR_PX_PER_M",
    "FAR_TASK",
    "KeyFigures",
    "camera_facts",
    "cell_facts",
    "key_figures",
    "measure_breaks",
    "violation_span",
    "within",
]

FAR_PX_PER_M = (
    "(CASE WHEN {camera}.hfov_deg >= 180 THEN {camera}.resolution_px * 45 / {camera}.hfov_deg"
    " ELSE {camera}.resolution_px / (2 * tand({camera}.hfov_deg / 2)) END"
    " / sqrt({camera}.range_m ^ 2 + {camera}.height_m ^ 2))"
)
"""
Pixels across one metre at the far end of a camera's range (EN 62676-4), as `analysis.visibility.pixel_density` tells
them; a wide picture is taken as stitched from pictures of 90°.
"""
FAR_TASK = (
    "CASE WHEN {view}.identify_m >= {camera}.range_m - 0.01 THEN 'identify'"
    " WHEN {view}.recognise_m >= {camera}.range_m - 0.01 THEN 'recognise'"
    " WHEN {view}.observe_m >= {camera}.range_m - 0.01 THEN 'observe'"
    " WHEN {view}.detect_m >= {camera}.range_m - 0.01 THEN 'detect' END"
)
"""The finest task of DORI that a camera can do in all of its view; NULL if there is none."""
MEASURE_COLUMNS = ("coverage_ratio", "rate", "captures", "exposure_h", "reports")


@dataclass(frozen=True)
class KeyFigures:
    """Numbers at the head of the overview; areas in square metres, ratios in [0, 1]."""

    cells: int
    cameras: int
    cameras_online: int
    coverage_ratio: float | None
    dark_cells: int
    violations: int


def key_figures(conn: Connection, filters: Mapping[str, Any]) -> KeyFigures:
    """
    Counts over the whole town, or over an area.

    Parameters
    ----------
    filters
        area: code, for all figures. since, until (aware moments), class, source: for violations. Cameras count where
        they stand; the conditions are those of the map's tiles.
    """
    area = {"area": filters["area"]} if filters.get("area") else {}
    cells, cameras = (within(shape, area) for shape in ("area", "point"))
    row = conn.execute(
        text(
            f"SELECT (SELECT count(*) FROM unit_cell t WHERE true{cells}),"  # noqa: S608 - our own conditions
            f" (SELECT count(*) FROM camera t WHERE true{cameras}),"
            f" (SELECT count(*) FROM camera t WHERE t.state = 'online'{cameras}),"
            " (SELECT sum(m.coverage_ratio * t.area_m2) / sum(t.area_m2) FROM cell_measure m"
            f" JOIN unit_cell t ON t.id = m.cell_id WHERE true{cells}),"
            " (SELECT count(*) FROM unit_cell t LEFT JOIN cell_measure m ON m.cell_id = t.id"
            f" WHERE m.rate IS NULL{cells})"
        ),
        area,
    ).one()
    violations = conn.execute(
        text(
            "SELECT count(*) FROM violation t WHERE (CAST(:since AS timestamptz) IS NULL OR t.at >= :since)"  # noqa: S608
            " AND (CAST(:until AS timestamptz) IS NULL OR t.at < :until)"
            " AND (CAST(:class AS text) IS NULL OR t.class_code = ANY (string_to_array(:class, ',')))"
            f" AND (CAST(:source AS text) IS NULL OR t.source = :source){cameras}"
        ),
        {**{name: filters.get(name) for name in ("since", "until", "class", "source")}, **area},
    ).scalar_one()
    return KeyFigures(*row, violations)


def within(shape: str, area: Mapping[str, Any]) -> str:
    """The tiles' condition for an area, over `t`."""
    return f" AND {AREA.format(shape=AREA_SHAPES[shape])}".replace("%(area)s", ":area") if area else ""


def cell_facts(conn: Connection, cell_id: int) -> dict[str, Any] | None:
    """What is known of a cell, or None if there is no such cell."""
    row = conn.execute(
        text(
            "SELECT c.code, c.area_m2, a.name_zh, a.name_en, m.coverage_ratio, m.cameras, m.captures, m.reports,"
            " m.exposure_h, m.rate, m.rate_lower, m.rate_upper, c.simulated FROM unit_cell c"
            " JOIN area a ON a.id = c.area_id LEFT JOIN cell_measure m ON m.cell_id = c.id WHERE c.id = :id"
        ),
        {"id": cell_id},
    ).mappings()
    found = row.first()
    return dict(found) if found else None


def camera_facts(conn: Connection, camera_id: int) -> dict[str, Any] | None:
    """What is known of a camera, or None if there is no such camera."""
    row = conn.execute(
        text(
            "SELECT c.code, c.component_code, c.name, c.state, c.heading_deg, c.tilt_deg, c.height_m, c.hfov_deg,"  # noqa: S608
            f" c.resolution_px, c.range_m, {FAR_PX_PER_M.format(camera='c')} AS far_px_per_m,"
            f" {FAR_TASK.format(camera='c', view='v')} AS far_task,"
            " c.hours_per_day, c.owner, c.share_level, c.pose_simulated, c.heading_sd_deg,"
            " c.demonstration, v.area_m2, v.near_m, v.detect_m, v.observe_m, v.recognise_m, v.identify_m"
            " FROM camera c LEFT JOIN camera_view v ON v.camera_id = c.id WHERE c.id = :id"
        ),
        {"id": camera_id},
    ).mappings()
    found = row.first()
    return dict(found) if found else None


def measure_breaks(conn: Connection, measure: str, classes: int) -> list[float]:
    """
    Upper limits of all classes but the last, at quantiles of the values that are above zero.

    Equal limits are told once, so there may be fewer.
    """
    if measure not in MEASURE_COLUMNS:
        raise ValueError(f"no such measure: {measure}")
    values = read_table(conn, f"SELECT {measure} AS v FROM cell_measure WHERE {measure} > 0")["v"]  # noqa: S608
    if values.empty:
        return []
    limits = np.quantile(values.to_numpy(dtype=float), np.arange(1, classes) / classes)
    return sorted({float(f"{limit:.3g}") for limit in limits})


def violation_span(conn: Connection) -> tuple[dt.datetime, dt.datetime] | None:
    """Times of the first and the last violation, or None if there are none."""
    first, last = conn.execute(text("SELECT min(at), max(at) FROM violation")).one()
    return None if first is None else (first, last)
