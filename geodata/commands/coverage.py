"""Recomputing what the cameras see, and how much of each cell."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis import coverage, visibility
from analysis.crs import STORAGE_EPSG
from geodata.commands.datasets import Provenance, record
from geodata.ingest.copying import copy_rows
from geodata.progress import Progress, silent
from geodata.queries.city import buildings, cameras, cells, views
from geodata.towns.town import Town

__all__ = ["METHOD", "recompute_coverage"]

METHOD = "angular sweep over footprints; 2-D sight lines, blind cone under the camera"
FLAT_FIELD_DEG = 180.0
"""A wider picture is stitched from several."""
_PROVENANCE = Provenance("Huiyan", "ODbL-1.0", METHOD, simulated=True)


def recompute_coverage(session: Session, town: Town, progress: Progress = silent) -> pd.Series[float]:
    """
    Replaces every camera's visible area and every cell's coverage; returns the coverage by cell id.

    Cameras that are not online see nothing: their view is kept out.
    """
    progress(0, 3, "Reading cameras and buildings")
    eyes = cameras(session, town.metric_epsg)
    obstacles = visibility.prepare_obstacles(buildings(session, town.metric_epsg))
    progress(1, 3, "Computing visible areas")
    seen = visibility.visible_polygons(eyes[eyes["state"] == "online"], obstacles)
    seen = seen[~seen.is_empty]
    _replace_views(session, eyes.loc[seen.index], seen)
    progress(2, 3, "Measuring the coverage of cells")
    share = _cover_cells(session, town)
    record(session, "camera_view", town.name, _PROVENANCE)
    record(session, "cell_measure", town.name, _PROVENANCE)
    progress(3, 3, "Coverage is ready")
    return share


def _replace_views(session: Session, eyes: gpd.GeoDataFrame, seen: gpd.GeoSeries) -> None:
    flat = eyes["hfov_deg"].to_numpy() < FLAT_FIELD_DEG if len(eyes) else np.array([], dtype=bool)
    # a panorama is stitched from pictures of at most 90°
    field = np.where(flat, eyes["hfov_deg"], 90.0)
    pixels = np.where(flat, eyes["resolution_px"], eyes["resolution_px"] * 90.0 / eyes["hfov_deg"])
    height = eyes["height_m"].to_numpy()
    dori = {
        f"{name}_m": np.round(
            np.minimum(visibility.dori_distance_m(pixels, field, density, height), eyes["range_m"]), 2
        )
        for name, density in visibility.DORI_PX_PER_M.items()
    }
    near = visibility.near_distance_m(height, eyes["tilt_deg"], eyes["vfov_deg"])
    rows = gpd.GeoDataFrame(
        {
            "camera_id": seen.index,
            "area_m2": np.round(seen.area.to_numpy(), 2),
            "near_m": np.round(np.minimum(near, eyes["range_m"]), 2),
            **dori,
            "method": METHOD,
            "computed_at": pd.Timestamp.now(tz="UTC"),
            "simulated": (eyes["pose_simulated"] | eyes["simulated"]).to_numpy(),
        },
        geometry=[shapely.MultiPolygon(shapely.get_parts(shape).tolist()) for shape in seen],
        crs=seen.crs,
    )
    session.execute(text("DELETE FROM camera_view"))
    copy_rows(session, "camera_view", rows.to_crs(STORAGE_EPSG))


def _cover_cells(session: Session, town: Town) -> pd.Series[float]:
    grid = cells(session, town.metric_epsg)
    looked = views(session, town.metric_epsg)
    share = coverage.coverage_by_cell(grid, looked)
    pairs = shapely.STRtree(grid.geometry.values).query(looked.geometry.values, predicate="intersects")
    watching = pd.Series(np.bincount(pairs[1], minlength=len(grid)), index=grid.index)
    session.execute(
        text(
            "INSERT INTO cell_measure (cell_id, coverage_ratio, cameras) VALUES (:cell, :share, :cameras)"
            " ON CONFLICT (cell_id) DO UPDATE"
            " SET coverage_ratio = excluded.coverage_ratio, cameras = excluded.cameras"
        ),
        [
            {"cell": int(cell), "share": round(float(share[cell]), 6), "cameras": int(watching[cell])}
            for cell in grid.index
        ],
    )
    return share
