"""Patrolling: look at footage, write what was looked at, seen and found."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from geoalchemy2.shape import from_shape
from pyproj import Transformer
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG
from analysis.vision.calibration import Homography, fit_homography
from analysis.vision.detections import CLASS_NAMES
from analysis.vision.standing import ImageZone, StandingRule
from analysis.vision.yolo import Detector
from geodata import database
from geodata.commands.datasets import Provenance, record
from geodata.errors import NotFound, StreamError
from geodata.models import Calibration, Camera, Detection, Finding, Sample, Zone
from geodata.progress import Progress, silent
from geodata.queries.datasets import loaded_town
from geodata.settings import settings
from geodata.towns.town import Town
from geodata.video.detector import load_detector
from geodata.video.patrol import PatrolFinding, PatrolResult, patrol_clip
from geodata.video.streams import footage

__all__ = ["patrol_cameras"]

SAME_PLACE_IOU = 0.5
"""A finding whose box overlaps an older one of its zone this much is the same vehicle still standing."""
STILL_THERE_S = 1800.0
"""A finding that was not seen for longer is over."""
FOOTAGE = Provenance(
    "PETS2009 S2-L1 (opencv-doc vtest.avi)",
    "as in Debian opencv-doc",
    "sampled frames of recorded footage from another place, played on a demonstration camera",
    simulated=True,
)


def patrol_cameras(
    code: str | None = None, every_s: float | None = None, progress: Progress = silent
) -> list[tuple[str, int, int, int]]:
    """
    Patrols one camera or all that have footage; returns (camera, samples, detections, new findings) of each.

    Each camera is one transaction: looked at whole and written whole, or not at all.

    Parameters
    ----------
    code
        A camera's 20 digits; None: all with footage.
    every_s
        Seconds between frames; None: as settings say.
    progress
        Told how far the footage is.

    Raises
    ------
    NotFound
        If there is no such camera, or none has footage.
    MissingAsset, DetectorError, StreamError
        If weights or footage are missing or unusable; nothing is written.
    """
    chosen = settings()
    with database.transaction() as session:
        town = loaded_town(session)
        wanted = select(Camera.id, Camera.code).where(Camera.stream_url.is_not(None)).order_by(Camera.id)
        if code is not None:
            wanted = select(Camera.id, Camera.code).where(Camera.code == code, Camera.stream_url.is_not(None))
        found = session.execute(wanted).all()
    if not found:
        raise NotFound(
            "There is no camera {code} with footage." if code else "No camera has footage.",
            "Look at the Video page for the cameras that have.",
            code=code,
        )
    detector = load_detector(chosen)
    done = []
    for camera_id, camera_code in found:
        done.append(
            (camera_code, *_patrol(camera_id, town, detector, every_s or chosen.sample_every_s, progress))
        )
    return done


def _patrol(
    camera_id: int, town: Town, detector: Detector, every_s: float, progress: Progress
) -> tuple[int, int, int]:
    with database.transaction() as session:
        camera = session.get_one(Camera, camera_id)
        clip = _clip(camera)
        zones = session.scalars(
            select(Zone).where(Zone.camera_id == camera_id, Zone.rule == "standing", Zone.enabled)
        ).all()
        calibration = session.scalar(select(Calibration).where(Calibration.camera_id == camera_id))
    homography = None
    if calibration is not None:
        pairs = np.asarray(calibration.points, dtype=float)
        homography = fit_homography(pairs[:, :2], pairs[:, 2:])
    result = patrol_clip(
        clip,
        detector,
        every_s=every_s,
        zones=[
            ImageZone(zone.name, tuple((x, y) for x, y in zone.polygon_px), StandingRule(zone.dwell_s))
            for zone in zones
        ],
        calibration=homography,
        # recorded footage is taken to end now; whole seconds would let two patrols claim one moment
        start_at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=footage(clip).duration_s),
        progress=lambda share: progress(round(share * 100), 100, "Looking at footage"),
    )
    with database.transaction() as session:
        camera = session.get_one(Camera, camera_id)
        ground = _Ground(session, camera, calibration, town, homography)
        boxes = _write_samples(session, camera, result, ground)
        fresh = _write_findings(session, camera, {zone.name: zone for zone in zones}, result, ground)
        session.execute(
            text("UPDATE camera_watch SET sampled_h = sampled_h + :hours WHERE camera_id = :camera"),
            {"hours": result.watched_s / 3600, "camera": camera_id},
        )
        for table in ("sample", "detection", "finding"):
            record(session, table, town.name, FOOTAGE)
    return len(result.samples), boxes, fresh


def _clip(camera: Camera) -> Path:
    kind, _, name = (camera.stream_url or "").partition(":")
    if kind != "clip" or not name or Path(name).name != name:
        raise StreamError(
            "Camera {code} has the address '{url}', which is not footage on this machine.",
            "Give it clip:NAME with a file in {folder}.",
            code=camera.code,
            url=camera.stream_url,
            folder=settings().clips_dir,
        )
    return settings().clips_dir / name


class _Ground:
    """Local metres of a calibration → points on the map."""

    def __init__(
        self,
        session: Session,
        camera: Camera,
        calibration: Calibration | None,
        town: Town,
        homography: Homography | None,
    ) -> None:
        self.homography = homography
        self._calibration = calibration
        if calibration is None:
            return
        lon, lat = session.execute(
            text("SELECT ST_X(geom), ST_Y(geom) FROM camera WHERE id = :id"), {"id": camera.id}
        ).one()
        to_metres = Transformer.from_crs(STORAGE_EPSG, town.metric_epsg, always_xy=True)
        self._to_degrees = Transformer.from_crs(town.metric_epsg, STORAGE_EPSG, always_xy=True)
        self._foot = np.array(to_metres.transform(lon, lat))
        angle = math.radians(calibration.rotation_deg)
        self._turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    def point(self, local_m: tuple[float, float] | None) -> Any:
        """A stored point, or None."""
        if self._calibration is None or local_m is None:
            return None
        away = np.asarray(local_m) - (self._calibration.anchor_x_m, self._calibration.anchor_y_m)
        lon, lat = self._to_degrees.transform(*(self._foot + self._turn @ away))
        return from_shape(shapely.Point(lon, lat), srid=STORAGE_EPSG)

    def pixel(self, foot_px: tuple[float, float]) -> Any:
        """The stored point of a pixel, or None where it has no place on the ground."""
        if self.homography is None or not self.homography.sees_ground([foot_px])[0]:
            return None
        x, y = self.homography.to_ground([foot_px])[0]
        return self.point((float(x), float(y))) if math.hypot(x, y) < 200 else None


def _write_samples(session: Session, camera: Camera, result: PatrolResult, ground: _Ground) -> int:
    """Samples with their boxes; pictures stay only of the newest patrol."""
    session.execute(update(Sample).where(Sample.camera_id == camera.id).values(picture=None))
    boxes = 0
    for look in result.samples:
        sample = Sample(
            camera_id=camera.id,
            taken_at=look.at,
            footage_s=look.time_s,
            frame_index=look.frame_index,
            width_px=look.width_px,
            height_px=look.height_px,
            detector=result.detector,
            looked_s=look.seconds,
            picture=look.picture_jpeg,
            simulated=camera.demonstration,
        )
        session.add(sample)
        session.flush()
        feet = look.detections.foot_points()
        for box, score, kind, foot in zip(
            look.detections.boxes, look.detections.scores, look.detections.classes, feet, strict=True
        ):
            x1, y1, x2, y2 = (round(float(value), 2) for value in box)
            session.add(
                Detection(
                    sample_id=sample.id,
                    label=CLASS_NAMES[int(kind)][1],
                    score=round(float(score), 4),
                    x1=x1,
                    y1=y1,
                    x2=x2,
                    y2=y2,
                    geom=ground.pixel((float(foot[0]), float(foot[1]))),
                    simulated=camera.demonstration,
                )
            )
            boxes += 1
    return boxes


def _write_findings(
    session: Session, camera: Camera, zones: dict[str, Zone], result: PatrolResult, ground: _Ground
) -> int:
    """New findings; one that an earlier patrol already knows is prolonged, not told again."""
    fresh = 0
    since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=max(STILL_THERE_S, 3 * result.watched_s))
    for each in result.findings:
        zone = zones[each.zone]
        known = _known(session, camera.id, zone.id, each, since)
        if known is not None:
            known.last_seen_at = each.last_seen_at
            # a recording that is played again proves no longer stay
            whole = (each.last_seen_at - known.first_seen_at).total_seconds()
            known.dwell_s = max(known.dwell_s, each.dwell_s) if camera.demonstration else whole
            continue
        x1, y1, x2, y2 = (round(float(value), 2) for value in each.box_px)
        session.add(
            Finding(
                camera_id=camera.id,
                zone_id=zone.id,
                class_code=zone.class_code,
                label=CLASS_NAMES[each.vehicle_class][1],
                first_seen_at=each.first_seen_at,
                last_seen_at=each.last_seen_at,
                dwell_s=each.dwell_s,
                confidence=each.confidence,
                x1=x1,
                y1=y1,
                x2=x2,
                y2=y2,
                evidence=each.evidence_jpeg,
                evidence_sha256=hashlib.sha256(each.evidence_jpeg).hexdigest(),
                geom=ground.point(each.ground_m),
                simulated=camera.demonstration,
            )
        )
        fresh += 1
    session.flush()
    session.execute(
        text(
            "UPDATE finding f SET cell_id = c.id FROM unit_cell c"
            " WHERE f.camera_id = :camera AND f.cell_id IS NULL AND f.geom && c.geom AND ST_Covers(c.geom, f.geom)"
        ),
        {"camera": camera.id},
    )
    return fresh


def _known(
    session: Session, camera_id: int, zone_id: int, found: PatrolFinding, since: dt.datetime
) -> Finding | None:
    recent = session.scalars(
        select(Finding).where(
            Finding.camera_id == camera_id, Finding.zone_id == zone_id, Finding.last_seen_at >= since
        )
    )
    mine = shapely.box(*found.box_px)
    for old in recent:
        theirs = shapely.box(old.x1, old.y1, old.x2, old.y2)
        if mine.intersection(theirs).area > SAME_PLACE_IOU * mine.union(theirs).area:
            return old
    return None
