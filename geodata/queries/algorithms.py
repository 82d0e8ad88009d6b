"""Camera × algorithm of the town: what cameras offer, what they run, and which idle ones could run what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, text

from analysis.algorithms import Algorithm, Cameras, Matrix, library, matrix
from geodata.queries.frames import read_frame, read_table

__all__ = [
    "GROUPS",
    "STATUSES",
    "AlgorithmMatrix",
    "algorithm_matrix",
    "by_group",
    "idle_cameras",
    "watch_stamp",
]

GROUPS = ("tier", "owner", "area_class")
"""Columns of cameras by which they may be counted."""
STATUSES = ("idle", "running", "cannot")
BURST_HZ = 4.0
"""Pictures a second of a burst, see `geodata.video.bursts.burst`."""
DAY_H = 12.0
"""Hours a day counted as daylight, 6 to 18 o'clock; as many are counted as dark."""
RUNS_BY_EXPOSURE = "illegal_parking"
"""The algorithm behind hours of looking that no zone of ours explains."""
NEAR_PX_PER_M = (
    "(CASE WHEN c.hfov_deg >= 180 THEN c.resolution_px * 45 / c.hfov_deg"
    " ELSE c.resolution_px / (2 * tand(c.hfov_deg / 2)) END / sqrt(v.near_m ^ 2 + c.height_m ^ 2))"
)
"""Pixels across one metre at the nearest ground that a camera sees, as `geodata.queries.figures.FAR_PX_PER_M`."""


@dataclass(frozen=True, eq=False)
class AlgorithmMatrix:
    """
    Cameras, algorithms, and what stands between them.

    Attributes
    ----------
    cameras
        Points, indexed by id, in the order of the matrix' rows: code, name, tier, owner, area_class, demonstration,
        simulated, density_px_m.
    matrix
        As `analysis.algorithms.matrix` tells it.
    """

    cameras: gpd.GeoDataFrame
    matrix: Matrix

    def column(self, code: str) -> int:
        """Number of an algorithm's column."""
        return next(k for k, each in enumerate(self.matrix.algorithms) if each.code == code)

    def status(self, code: str) -> npt.NDArray[np.str_]:
        """(n,) of `STATUSES`: what each camera has to do with an algorithm."""
        at = self.column(code)
        running, idle = self.matrix.running[:, at], self.matrix.idle[:, at]
        return np.where(running, "running", np.where(idle, "idle", "cannot"))


def watch_stamp(conn: Connection) -> str:
    """Changes when streams, zones or calibrations do: with the data's revision it names a matrix."""
    row = conn.execute(
        text(
            "SELECT (SELECT count(*) || '/' || coalesce(max(state_since)::text, '') FROM camera_watch) || '/' ||"
            " (SELECT count(*) || '/' || coalesce(sum(version), 0) || '/' || count(*) FILTER (WHERE enabled) FROM zone)"
            " || '/' || (SELECT count(*) FROM calibration)"
        )
    )
    return str(row.scalar_one())


def algorithm_matrix(conn: Connection, *, layout: str, every_s: float) -> AlgorithmMatrix:
    """
    The matrix of all cameras of the town and all algorithms of the library.

    Parameters
    ----------
    conn
        An open connection.
    layout
        Layout of the detector in use, of `analysis.algorithms.LAYOUTS`.
    every_s
        Seconds between two looks at a camera that nobody samples yet, above 0.

    Notes
    -----
    The height of the picture is that of the calibration, or follows from its width and the camera's angles. Hours in
    which a camera is not free are those of its newest month of exposure; a camera that the patrol samples shares its
    looks among all its rules, so it stays free.
    """
    algorithms = library()
    rows = read_frame(
        conn,
        "SELECT c.id, c.code, c.name, c.tier, c.owner, c.area_class, c.demonstration, c.simulated, c.geom,"  # noqa: S608
        f" {NEAR_PX_PER_M} AS density_px_m, c.resolution_px, c.hfov_deg, c.vfov_deg, k.height_px,"
        " k.camera_id IS NOT NULL AS calibrated, w.min_interval_s,"
        " CASE WHEN w.camera_id IS NULL THEN c.state = 'online' ELSE w.state = 'online' END AS pictures"
        " FROM camera c LEFT JOIN camera_view v ON v.camera_id = c.id LEFT JOIN calibration k ON k.camera_id = c.id"
        " LEFT JOIN camera_watch w ON w.camera_id = c.id ORDER BY c.id",
    )
    busy = _busy(conn)
    day_h, night_h = _free(rows.index, busy, rows["min_interval_s"].notna())
    ratio = np.where(
        rows["hfov_deg"] < 180,
        np.tan(np.radians(rows["vfov_deg"].clip(upper=170) / 2))
        / np.tan(np.radians(rows["hfov_deg"].clip(upper=179) / 2)),
        rows["vfov_deg"] / rows["hfov_deg"],
    )
    height = (
        rows["height_px"].astype(float).fillna(pd.Series(rows["resolution_px"] * ratio, index=rows.index))
    )
    offered = Cameras(
        density_px_m=rows["density_px_m"].to_numpy(dtype=float),
        tier=rows["tier"].to_numpy(dtype=object),
        frame_height_px=height.round().to_numpy(dtype=np.int64),
        online=rows["pictures"].to_numpy(dtype=bool),
        calibrated=rows["calibrated"].to_numpy(dtype=bool),
        # a camera that is looked at seldom can still be followed for some seconds (`geodata.video.bursts`)
        rate_per_s=np.maximum(
            BURST_HZ, 1.0 / rows["min_interval_s"].astype(float).fillna(every_s).to_numpy()
        ),
        free_day_h=day_h,
        free_night_h=night_h,
        running=_running(conn, rows.index, busy, algorithms),
    )
    kept = [
        "code",
        "name",
        "tier",
        "owner",
        "area_class",
        "demonstration",
        "simulated",
        "density_px_m",
        "geom",
    ]
    return AlgorithmMatrix(rows[kept], matrix(offered, algorithms, layout=layout))


def by_group(found: AlgorithmMatrix, group: str) -> pd.DataFrame:
    """Cameras that could run an algorithm and do not: algorithm × value of one of `GROUPS`."""
    idle = pd.DataFrame(
        found.matrix.idle,
        index=pd.Index(found.cameras[group], name=group),
        columns=[each.code for each in found.matrix.algorithms],
    )
    return idle.groupby(level=0).sum().T.astype(int)


def idle_cameras(found: AlgorithmMatrix, code: str) -> gpd.GeoDataFrame:
    """Cameras that could run an algorithm and do not: points with code, name, tier, owner and density."""
    return found.cameras[found.status(code) == "idle"]


def _busy(conn: Connection) -> pd.DataFrame:
    """Hours that cameras outside the patrol looked in their newest month: camera_id, day_h, night_h a day, class."""
    return read_table(
        conn,
        "SELECT camera_id, class_code, day_h / days AS day_h, night_h / days AS night_h FROM ("
        "SELECT e.camera_id, e.class_code, sum(h) FILTER (WHERE (n - 1) % 24 BETWEEN 6 AND 17) AS day_h,"
        " sum(h) FILTER (WHERE (n - 1) % 24 NOT BETWEEN 6 AND 17) AS night_h,"
        " extract(day FROM e.month + interval '1 month' - interval '1 day')::float8 AS days"
        " FROM exposure e, unnest(e.hours) WITH ORDINALITY AS u(h, n) WHERE e.month ="
        " (SELECT max(month) FROM exposure x WHERE x.camera_id = e.camera_id AND x.class_code = e.class_code)"
        " AND NOT EXISTS (SELECT FROM camera_watch w WHERE w.camera_id = e.camera_id)"
        " GROUP BY e.camera_id, e.class_code, e.month) q",
    )


def _free(
    ids: pd.Index[Any], busy: pd.DataFrame, watched: pd.Series[bool]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Hours a day by daylight and in the dark in which nothing uses each camera."""
    free = []
    for column in ("day_h", "night_h"):
        used = busy.groupby("camera_id")[column].max().astype(float).reindex(ids).fillna(0.0)
        free.append(np.where(watched, DAY_H, np.clip(DAY_H - used.to_numpy(dtype=float), 0.0, DAY_H)))
    return free[0], free[1]


def _running(
    conn: Connection, ids: pd.Index[Any], busy: pd.DataFrame, algorithms: Any
) -> npt.NDArray[np.bool_]:
    """(n, a) what runs: zones by rule and class of event, hours of looking by class."""
    known: dict[str, Algorithm] = dict(algorithms)
    column = {code: k for k, code in enumerate(known)}
    row = {camera: k for k, camera in enumerate(ids)}
    running = np.zeros((len(ids), len(known)), dtype=bool)
    zones = read_table(conn, "SELECT DISTINCT camera_id, rule, class_code FROM zone WHERE enabled")
    for zone in zones.itertuples():
        fitting = [
            each.code for each in known.values() if each.rule == zone.rule and zone.class_code in each.events
        ]
        for code in fitting:
            running[row[zone.camera_id], column[code]] = True
    looked = busy["camera_id"][busy["class_code"].isin(known[RUNS_BY_EXPOSURE].events)]
    running[[row[camera] for camera in looked], column[RUNS_BY_EXPOSURE]] = True
    return running
