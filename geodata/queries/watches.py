"""Which cameras are sampled, how their streams are, and what a look at one of them needs to know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Row, select, text
from sqlalchemy.orm import Session

from analysis.errors import InputError
from analysis.patrolling import WEEK_H, Health, Watched
from analysis.vision.calibration import Homography, fit_homography
from analysis.vision.rules import RULES, Rule, WatchedZone, check_zone, from_settings
from geodata.errors import NotFound
from geodata.models import CameraWatch
from geodata.queries.frames import read_table

__all__ = ["CameraSetup", "ZoneSetup", "camera_setup", "hour_of_week", "read_health", "read_watched"]

PRIOR_HOURS = 20.0
"""A camera's own rate of leads counts as much as that of all cameras once it was looked at for so long."""
PRIOR_LEADS_PER_H = 0.05
"""Leads an hour where nothing is known; this project's own assumption."""


@dataclass(frozen=True, slots=True)
class ZoneSetup:
    """A zone that is watched: its row, class of event and version, and how long one sample of it may stand."""

    id: int
    class_code: str
    version: int
    zone: WatchedZone

    @property
    def cap_s(self) -> float:
        """Seconds for which a sample stands: the longest gap after which the rule does not begin anew."""
        gap = getattr(self.zone.rule, "max_gap_s", None)
        return float(gap if gap is not None else self.zone.rule.window_s)


@dataclass(frozen=True, slots=True, eq=False)
class CameraSetup:
    """
    What a look at a camera needs to know.

    Attributes
    ----------
    id, code, address, demonstration
        Of the camera; the address may hold a password.
    lon_deg, lat_deg, range_m
        Where it stands, and how far its picture is used.
    size_px
        Width and height that calibration and zones were made for; None if nobody said.
    zones
        Those that are watched.
    homography
        Pixels → local metres; None without calibration.
    anchor_m, rotation_deg
        The camera in local metres, and the turn that carries these onto the map.
    problems
        Zones and calibrations that make no sense, each as a sentence; the camera is looked at without them.
    """

    id: int
    code: str
    address: str
    demonstration: bool
    lon_deg: float
    lat_deg: float
    range_m: float
    size_px: tuple[int, int] | None
    zones: tuple[ZoneSetup, ...]
    homography: Homography | None
    anchor_m: tuple[float, float]
    rotation_deg: float
    problems: tuple[InputError, ...] = ()

    @property
    def window_s(self) -> float:
        """How far back its rules look."""
        return max((each.zone.rule.window_s for each in self.zones), default=0.0)

    def in_picture(self, width_px: int, height_px: int) -> CameraSetup:
        """The same with zones cut to a picture of this size; those beside it become problems."""
        kept, problems = [], list(self.problems)
        for each in self.zones:
            try:
                polygon = check_zone(each.zone.polygon_px, width_px, height_px).polygon_px
            except InputError as error:
                problems.append(error)
            else:
                zone = replace(each.zone, polygon_px=polygon, frame_px=(width_px, height_px))
                kept.append(replace(each, zone=zone))
        return replace(self, zones=tuple(kept), problems=tuple(problems))


def camera_setup(conn: Connection | Session, camera_id: int) -> CameraSetup:
    """
    What a look needs.

    Raises
    ------
    NotFound
        If the camera is gone, or has no address.
    """
    row = conn.execute(
        text(
            "SELECT c.code, c.stream_url, c.demonstration, c.range_m, ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat,"
            " k.width_px, k.height_px, k.points, k.anchor_x_m, k.anchor_y_m, k.rotation_deg"
            " FROM camera c LEFT JOIN calibration k ON k.camera_id = c.id WHERE c.id = :id"
        ),
        {"id": camera_id},
    ).one_or_none()
    if row is None or row.stream_url is None:
        raise NotFound(
            "There is no camera {camera} with footage.",
            "Look at the Video page for the cameras that have.",
            camera=camera_id,
        )
    size = None if row.width_px is None else (int(row.width_px), int(row.height_px))
    zones = conn.execute(
        text(
            "SELECT id, name, rule, class_code, version, dwell_s, polygon_px, settings FROM zone"
            " WHERE camera_id = :id AND enabled ORDER BY id"
        ),
        {"id": camera_id},
    )
    homography, problems = None, []
    if row.points is not None:
        try:
            homography = _fitted(tuple(tuple(map(float, pair)) for pair in row.points))
        except InputError as error:
            problems.append(error)
    watched = []
    for each in zones:
        try:
            watched.append(_zone(each, size))
        except InputError as error:
            problems.append(error)
    return CameraSetup(
        id=camera_id,
        code=row.code,
        address=row.stream_url,
        demonstration=row.demonstration,
        lon_deg=row.lon,
        lat_deg=row.lat,
        range_m=row.range_m,
        size_px=size,
        zones=tuple(watched),
        homography=homography,
        anchor_m=(row.anchor_x_m or 0.0, row.anchor_y_m or 0.0),
        rotation_deg=row.rotation_deg or 0.0,
        problems=tuple(problems),
    )


def _zone(row: Row[Any], size: tuple[int, int] | None) -> ZoneSetup:
    """A stored zone with its rule."""
    rule = zone_rule(row.rule, row.dwell_s, row.settings)
    zone = WatchedZone(row.name, tuple((float(x), float(y)) for x, y in row.polygon_px), rule, frame_px=size)
    return ZoneSetup(row.id, row.class_code, row.version, zone)


@lru_cache(maxsize=1024)
def _fitted(points: tuple[tuple[float, ...], ...]) -> Homography:
    """The fit of reference points; the same points are fitted once."""
    pairs = np.asarray(points)
    return fit_homography(pairs[:, :2], pairs[:, 2:])


def zone_rule(kind: str, dwell_s: float, settings: Mapping[str, object]) -> Rule:
    """The rule of a zone as it is stored; dwell_s where its settings do not say otherwise and the rule has one."""
    own = dict(settings)
    if kind in RULES and "dwell_s" in RULES[kind].__dataclass_fields__:
        own.setdefault("dwell_s", dwell_s)
    return from_settings(kind, own)


def read_health(conn: Connection | Session, camera_id: int, *, locked: bool = False) -> Health:
    """What is known of a camera's stream; NotFound if it is not watched."""
    wanted = select(*CameraWatch.__table__.columns).where(CameraWatch.camera_id == camera_id)
    row = conn.execute(wanted.with_for_update() if locked else wanted).one_or_none()
    if row is None:
        raise NotFound("Camera {camera} is not watched.", "Let it be sampled first.", camera=camera_id)
    return Health(
        state=row.state,
        since_s=_epoch(row.state_since),
        failures=row.failures,
        unanswered=row.unanswered,
        last_ok_s=_epoch(row.last_sampled_at),
        last_event_s=_epoch(row.last_event_at),
        last_event=row.last_event,
        resized_s=_epoch(row.resized_at),
    )


def read_watched(conn: Connection) -> Watched:
    """
    All cameras that are to be sampled, as the schedule takes them.

    Risk is the leads an hour of each camera so far, drawn towards that of all cameras as far as it was looked at
    little, times the hours' share of the estimated demand.
    """
    rows = read_table(
        conn,
        "SELECT w.camera_id, w.priority, w.min_interval_s, w.max_interval_s, w.failures, w.sampled_h,"
        " extract(epoch FROM greatest(w.last_sampled_at, w.due_at))::float8 AS sampled_s,"
        " extract(epoch FROM w.last_lead_at)::float8 AS lead_s,"
        " extract(epoch FROM w.next_try_at)::float8 AS try_s,"
        " (SELECT count(*) FROM finding f WHERE f.camera_id = w.camera_id AND f.merged_into IS NULL"
        " AND f.state <> 'rejected' AND NOT f.hint) AS leads"
        " FROM camera_watch w JOIN camera c ON c.id = w.camera_id"
        " WHERE c.stream_url IS NOT NULL AND w.priority > 0 ORDER BY w.camera_id",
    )
    profile = read_table(
        conn, "SELECT hour, avg(weight) AS weight FROM demand_profile GROUP BY hour ORDER BY hour"
    )
    share = np.ones(WEEK_H)
    if len(profile) == WEEK_H and profile["weight"].mean() > 0:
        share = (profile["weight"] / profile["weight"].mean()).to_numpy(dtype=np.float64)
    leads, hours = rows["leads"].to_numpy(dtype=float), rows["sampled_h"].to_numpy(dtype=float)
    all_per_h = (leads.sum() + PRIOR_LEADS_PER_H * PRIOR_HOURS) / (hours.sum() + PRIOR_HOURS)
    own = (leads + all_per_h * PRIOR_HOURS) / (hours + PRIOR_HOURS)
    return Watched(
        camera=rows["camera_id"].to_numpy(dtype=np.int64),
        priority=rows["priority"].to_numpy(dtype=float),
        risk_per_h=(own[:, None] * share[None, :]).astype(np.float32),
        last_sampled_s=_or_never(rows["sampled_s"]),
        last_finding_s=_or_never(rows["lead_s"]),
        failures=rows["failures"].to_numpy(dtype=np.int64),
        next_try_s=_or_never(rows["try_s"]),
        min_interval_s=rows["min_interval_s"].to_numpy(dtype=float),
        max_interval_s=rows["max_interval_s"].to_numpy(dtype=float),
    )


def hour_of_week(at: dt.datetime, zone: dt.tzinfo) -> int:
    """0 for Monday 00:00 of the town's time, to 167."""
    local = at.astimezone(zone)
    return local.weekday() * 24 + local.hour


def _or_never(values: pd.Series[float]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = values.astype(float).fillna(-np.inf).to_numpy(dtype=np.float64)
    return found


def _epoch(moment: dt.datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
