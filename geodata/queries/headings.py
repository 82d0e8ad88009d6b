"""What a camera sees, as far as its heading is known."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from analysis import visibility
from geodata.queries.frames import read_frame
from geodata.queries.sites import obstacles_near
from geodata.towns.town import Town

__all__ = ["SeenInterval", "seen_interval"]

STEP_OUT_M = 30.0
"""A camera inside a footprint steps out so far at most before its range counts."""


@dataclass(frozen=True)
class SeenInterval:
    """
    Ground that a camera sees, square metres.

    Attributes
    ----------
    sd_deg
        Standard deviation of its heading.
    mean_m2, lower_m2, upper_m2
        Mean, and the bounds between which 95 % of the headings lie.
    """

    sd_deg: float
    mean_m2: float
    lower_m2: float
    upper_m2: float


def seen_interval(conn: Connection, town: Town, camera_id: int) -> SeenInterval | None:
    """
    How much ground a camera sees, given how well its heading is known.

    None if the heading was surveyed, or does not matter: a panorama, and a PTZ camera, which turns.
    """
    camera = read_frame(
        conn,
        "SELECT id, heading_deg, heading_sd_deg, tilt_deg, height_m, hfov_deg, vfov_deg, range_m, geom FROM camera"
        " WHERE id = :id AND heading_sd_deg > 0 AND hfov_deg < 360 AND kind <> 'ptz' AND state = 'online'",
        {"id": camera_id},
    ).to_crs(town.metric_epsg)
    if camera.empty or not visibility.camera_faults(camera).empty:
        return None
    reach = float(camera["range_m"].iloc[0]) + STEP_OUT_M
    around = camera.buffer(reach)
    shares = visibility.visible_share(camera, obstacles_near(conn, town, camera.geometry, reach), around)
    if shares.empty:
        return None
    mean, lower, upper = shares[["mean", "lower", "upper"]].iloc[0] * float(around.area.iloc[0])
    return SeenInterval(float(camera["heading_sd_deg"].iloc[0]), float(mean), float(lower), float(upper))
