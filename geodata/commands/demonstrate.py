"""The demonstration camera: one camera of the town plays recorded footage of another place, and says so."""

from __future__ import annotations

import math

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.categories import ILLEGAL_PARKING
from geodata.models import Calibration, CameraWatch, Zone
from geodata.queries.city import cameras, streets
from geodata.towns.town import Town
from geodata.video.demonstration import demonstration

__all__ = ["set_up_demonstration"]

BY_ROAD_M = 15.0
"""The camera that demonstrates stands so near to a street."""


def set_up_demonstration(session: Session, town: Town) -> int:
    """
    Marks the online camera nearest to the middle of the town's drivable streets, gives it the clip's pose,
    calibration and zones, and returns its id.

    The clip's ground is laid before the camera: its optical axis on the camera's heading.
    """
    show = demonstration()
    eyes = cameras(session, town.metric_epsg)
    roads = streets(session, town.metric_epsg)
    roads = roads[roads["drivable"]]
    by_road = eyes.index[np.unique(roads.sindex.query(eyes.geometry, "dwithin", distance=BY_ROAD_M)[0])]
    near = eyes[(eyes["state"] == "online") & eyes.index.isin(by_road)]
    camera_id = int(near.distance(roads.union_all().centroid).idxmin())
    heading = float(eyes.at[camera_id, "heading_deg"])
    fit = show.calibration()
    range_m = math.ceil(max(math.dist(show.pose.position_m, point) for point in show.ground_m) / 10) * 10 + 20
    session.execute(
        text(
            "UPDATE camera SET demonstration = true, pose_simulated = true, name = :name, stream_url = :url,"
            " tilt_deg = :tilt, height_m = :height, hfov_deg = :hfov, vfov_deg = :vfov, resolution_px = :pixels,"
            " range_m = :range WHERE id = :id"
        ),
        {
            "id": camera_id,
            "name": "Demonstration: recorded footage of another place",
            "url": f"clip:{show.clip}",
            "tilt": -show.pose.tilt_deg,
            "height": show.pose.height_m,
            "hfov": show.pose.hfov_deg,
            "vfov": show.pose.hfov_deg * show.height_px / show.width_px,
            "pixels": show.width_px,
            "range": range_m,
        },
    )
    session.add(
        Calibration(
            camera_id=camera_id,
            width_px=show.width_px,
            height_px=show.height_px,
            points=[[*pixel, *ground] for pixel, ground in zip(show.pixels, show.ground_m, strict=True)],
            anchor_x_m=show.pose.position_m[0],
            anchor_y_m=show.pose.position_m[1],
            rotation_deg=(90.0 - heading - show.pose.axis_deg) % 360,
            rmse_m=fit.rmse_m,
            max_error_m=fit.max_m,
            source=show.source,
            simulated=True,
        )
    )
    for zone in show.zones:
        session.add(
            Zone(
                camera_id=camera_id,
                name=zone.name,
                title_zh=show.titles[zone.name][0],
                title_en=show.titles[zone.name][1],
                rule="standing",
                class_code=ILLEGAL_PARKING,
                dwell_s=zone.rule.dwell_s,
                polygon_px=[list(corner) for corner in zone.polygon_px],
                simulated=True,
            )
        )
    session.add(
        CameraWatch(camera_id=camera_id, min_interval_s=show.every_s, max_interval_s=12 * show.every_s)
    )
    session.flush()
    return camera_id
