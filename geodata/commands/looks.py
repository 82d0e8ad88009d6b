"""
One look at one camera: grab a picture, detect, let the rules judge the recent looks, and write it all at once.

A look belongs to a due time. Whoever takes it, and however often it is begun, it is written once: a worker that is
killed in the middle leaves nothing behind, and the look is begun again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.errors import HuiyanError, InputError
from analysis.patrolling import Event, Health, Policy, after, backoff_s, sampled_hours
from analysis.vision.detections import CLASS_NAMES, Detections
from analysis.vision.rules import zone_patch
from analysis.vision.thresholds import ClassThresholds
from analysis.vision.yolo import Detector
from geodata import database
from geodata.commands.bursts import burst_after_look, standing_trouble
from geodata.commands.exposures import add_exposure, monday_s
from geodata.commands.leads import recheck_leads, write_leads
from geodata.commands.placing import Placing
from geodata.errors import NotFound, StreamError
from geodata.queries.datasets import loaded_town
from geodata.queries.watches import CameraSetup, camera_setup, read_health
from geodata.towns.town import Town
from geodata.video.addresses import parse_source
from geodata.video.failures import Failure, SourceError
from geodata.video.sources import Grabbed, grab
from geodata.video.stills import still_jpeg

__all__ = ["LookDone", "look"]

RECORDED_SCORE = 0.2
"""Boxes below this are not written; heads are blurred down to the detector's floor."""
KEPT_PICTURES = 24
"""Newest pictures of a camera that are kept; older ones only as evidence."""
TIMEOUT_S = 10.0
EVENTS: dict[Failure, Event] = {
    Failure.UNREACHABLE: "refused",
    Failure.DENIED: "refused",
    Failure.UNSUPPORTED: "refused",
    Failure.STALLED: "timeout",
    Failure.GARBAGE: "garbage",
    Failure.EMPTY: "garbage",
    Failure.CUT_SHORT: "garbage",
}
"""What each kind of failure is to the health of a stream."""


@dataclass(frozen=True, slots=True)
class LookDone:
    """
    What became of a look.

    Attributes
    ----------
    camera_id
        Of which camera.
    outcome
        taken; failed (the camera's state says why); twice (somebody else had taken it); same (the camera shows the
        picture of the look before); gone (no such camera, or it is no longer watched).
    boxes, leads
        Written; leads that are new.
    late_s
        From the due time to the picture's.
    seconds
        That it took.
    """

    camera_id: int
    outcome: str
    boxes: int = 0
    leads: int = 0
    late_s: float = 0.0
    seconds: float = 0.0


def look(
    camera_id: int,
    due_at: dt.datetime,
    detector: Detector,
    *,
    thresholds: ClassThresholds | None = None,
    timeout_s: float = TIMEOUT_S,
) -> LookDone:
    """
    Takes the look at a camera that was due at `due_at`.

    Parameters
    ----------
    camera_id
        Which camera.
    due_at
        Names the look; aware.
    detector
        What finds things in the picture, down to its floor: heads are blurred by all of it.
    thresholds
        What a box needs to be written and judged, by class.
    timeout_s
        How long the camera may take to send one.

    Raises
    ------
    DatabaseUnavailable
        If the database is away; then nothing is written. Whatever is wrong with the camera becomes its state.
    """
    began = perf_counter()
    try:
        setup, town = _asked(camera_id, due_at)
        if setup is None:
            return LookDone(camera_id, "twice")
        setup, seen = _seen(setup, detector, thresholds, timeout_s)
    except NotFound:
        return LookDone(camera_id, "gone")
    except (InputError, StreamError) as error:
        event = EVENTS[error.kind] if isinstance(error, SourceError) else "garbage"
        return _failed(camera_id, due_at, event, error, began)
    done = _written(setup, town, due_at, seen, detector.name)
    if done.outcome == "taken" and not seen.resized:
        burst = burst_after_look(setup, town, seen.grabbed.taken_at, detector, thresholds=thresholds)
        done = replace(done, leads=done.leads + burst.leads)
    return replace(done, seconds=perf_counter() - began)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What a look brought, before it is written."""

    grabbed: Grabbed
    detections: Detections
    detected_s: float
    picture: bytes
    resized: bool
    patches: dict[int, NDArray[np.uint8]]


def _asked(camera_id: int, due_at: dt.datetime) -> tuple[CameraSetup | None, Town]:
    """What the look needs; nothing if it is taken already."""
    with database.connection() as conn:
        town = loaded_town(conn)
        if _taken(conn, camera_id, due_at):
            return None, town
        read_health(conn, camera_id)
        return camera_setup(conn, camera_id), town


def _seen(
    setup: CameraSetup, detector: Detector, thresholds: ClassThresholds | None, timeout_s: float
) -> tuple[CameraSetup, _Seen]:
    """What the camera shows, and its setup with the zones that lie in the picture."""
    grabbed = grab(parse_source(setup.address, loop=True), timeout_s=timeout_s)
    before = perf_counter()
    detections = detector.detect(grabbed.image)
    detected_s = perf_counter() - before
    resized = setup.size_px is not None and setup.size_px != (grabbed.width_px, grabbed.height_px)
    if not resized:
        setup = setup.in_picture(grabbed.width_px, grabbed.height_px)
    return setup, _Seen(
        grabbed,
        detections if thresholds is None else thresholds.keep(detections),
        detected_s,
        still_jpeg(grabbed.image, detections),
        resized,
        {} if resized else _patches(setup, grabbed.image),
    )


def _written(setup: CameraSetup, town: Town, due_at: dt.datetime, seen: _Seen, detector: str) -> LookDone:
    at = seen.grabbed.taken_at
    with database.transaction() as session:
        try:
            health = read_health(session, setup.id, locked=True)
        except NotFound:
            return LookDone(setup.id, "gone")
        number = _write_sample(session, setup, due_at, seen, detector)
        if number is None and _taken(session, setup.id, due_at):
            return LookDone(setup.id, "twice")
        if number is None:
            values = {"next_try_at": None, "error": None}
            _write_health(session, setup.id, after(health, "ok", _now()), values)
            return LookDone(setup.id, "same")
        boxes = _write_boxes(session, number, setup, town, seen.detections)
        _write_patches(session, number, seen.patches)
        fresh = 0 if seen.resized else write_leads(session, setup, Placing(setup, town), at)
        _count(session, setup, town, health, at)
        _well(session, setup, after(health, "resized" if seen.resized else "ok", _now()), at, fresh)
        recheck_leads(session, setup, at)
        _forget(session, setup, at)
    return LookDone(setup.id, "taken", boxes, fresh, (at - due_at).total_seconds())


def _now() -> float:
    return dt.datetime.now(dt.UTC).timestamp()


def _taken(conn: Any, camera_id: int, due_at: dt.datetime) -> bool:
    found = conn.execute(
        text("SELECT 1 FROM sample WHERE camera_id = :camera AND due_at = :due"),
        {"camera": camera_id, "due": due_at},
    )
    return found.first() is not None


def _failed(camera_id: int, due_at: dt.datetime, event: Event, error: HuiyanError, began: float) -> LookDone:
    """The camera's state says why; it is left alone for a while."""
    with database.transaction() as session:
        try:
            health = after(read_health(session, camera_id, locked=True), event, _now())
        except NotFound:
            return LookDone(camera_id, "gone")
        policy = Policy()
        wait = backoff_s(
            [health.failures], [camera_id], first_s=policy.first_wait_s, most_s=policy.most_wait_s
        )
        _write_health(
            session,
            camera_id,
            health,
            {
                "next_try_at": dt.datetime.fromtimestamp(_now() + float(wait[0]), dt.UTC),
                "error": json.dumps(error.told()),
                "due_at": due_at,
            },
        )
    return LookDone(camera_id, "failed", seconds=perf_counter() - began)


def _well(session: Session, setup: CameraSetup, health: Health, at: dt.datetime, fresh: int) -> None:
    """The stream is well; what is wrong with a zone or the calibration is told all the same."""
    told = json.dumps(setup.problems[0].told()) if setup.problems else standing_trouble(session, setup)
    values: dict[str, Any] = {"last_sampled_at": at, "next_try_at": None, "error": told}
    if fresh:
        values["last_lead_at"] = at
    _write_health(session, setup.id, health, values)


def _write_health(session: Session, camera_id: int, health: Health, more: Mapping[str, Any]) -> None:
    values = {
        "state": health.state,
        "state_since": _moment(health.since_s),
        "failures": health.failures,
        "unanswered": health.unanswered,
        "last_event": health.last_event,
        "last_event_at": _moment(health.last_event_s),
        "resized_at": _moment(health.resized_s),
        **more,
    }
    sets = ", ".join(
        f"{name} = CAST(:{name} AS jsonb)" if name == "error" else f"{name} = :{name}" for name in values
    )
    session.execute(
        text(f"UPDATE camera_watch SET {sets} WHERE camera_id = :camera"),  # noqa: S608 - names from above
        {**values, "camera": camera_id},
    )


def _moment(epoch_s: float | None) -> dt.datetime | None:
    return None if epoch_s is None else dt.datetime.fromtimestamp(epoch_s, dt.UTC)


def _patches(setup: CameraSetup, image: NDArray[np.uint8]) -> dict[int, NDArray[np.uint8]]:
    """Zone → small grey picture, for rules that compare pictures."""
    return {
        each.id: zone_patch(image, each.zone.polygon_px)
        for each in setup.zones
        if each.zone.rule.needs == "patch"
    }


def _write_sample(
    session: Session, setup: CameraSetup, due_at: dt.datetime, seen: _Seen, detector: str
) -> int | None:
    """The number of the sample; None if it is there already, or its picture is."""
    number = session.scalar(
        text(
            "INSERT INTO sample (camera_id, taken_at, due_at, taken_from, footage_s, frame_index, width_px, height_px,"
            " detector, looked_s, picture, simulated) VALUES (:camera, :at, :due, :clock, 0, 0, :width, :height,"
            " :detector, :seconds, :picture, :simulated) ON CONFLICT DO NOTHING RETURNING id"
        ),
        {
            "camera": setup.id,
            "at": seen.grabbed.taken_at,
            "due": due_at,
            "clock": str(seen.grabbed.taken_from),
            "width": seen.grabbed.width_px,
            "height": seen.grabbed.height_px,
            "detector": detector,
            "seconds": seen.detected_s,
            "picture": seen.picture,
            "simulated": setup.demonstration,
        },
    )
    return None if number is None else int(number)


def _write_boxes(
    session: Session, sample: int, setup: CameraSetup, town: Town, detections: Detections
) -> int:
    shown = detections.at_least(RECORDED_SCORE)
    placing = Placing(setup, town)
    rows = []
    for box, score, kind, foot in zip(
        shown.boxes, shown.scores, shown.classes, shown.foot_points(), strict=True
    ):
        placed = placing.pixel((float(foot[0]), float(foot[1])))
        x1, y1, x2, y2 = (round(float(value), 2) for value in box)
        rows.append(
            {
                "sample": sample,
                "label": CLASS_NAMES[int(kind)][1],
                "score": round(float(score), 4),
                "x1": x1,
                "y1": y1,
                "x2": x2,
                "y2": y2,
                "geom": None if placed is None else placed.wkt,
                "simulated": setup.demonstration,
            }
        )
    if rows:
        session.execute(
            text(
                "INSERT INTO detection (sample_id, label, score, x1, y1, x2, y2, geom, simulated) VALUES"
                " (:sample, :label, :score, :x1, :y1, :x2, :y2,"
                " ST_GeomFromText(CAST(:geom AS text), 4490), :simulated)"
            ),
            rows,
        )
    return len(rows)


def _write_patches(session: Session, sample: int, patches: Mapping[int, NDArray[np.uint8]]) -> None:
    if patches:
        session.execute(
            text(
                "INSERT INTO sample_patch (sample_id, zone_id, width_px, height_px, grey)"
                " VALUES (:sample, :zone, :width, :height, :grey)"
            ),
            [
                {
                    "sample": sample,
                    "zone": zone,
                    "width": patch.shape[1],
                    "height": patch.shape[0],
                    "grey": patch.tobytes(),
                }
                for zone, patch in patches.items()
            ],
        )


def _count(session: Session, setup: CameraSetup, town: Town, health: Health, at: dt.datetime) -> None:
    """
    The hours that the sample before this one stands for, into exposure by class and into the camera's sum.

    A sample stands until the next one, but no longer than the rule allows between two looks. For a rule about who
    moves it does not stand at all: there the seconds of bursts count.
    """
    last_s, now_s = health.last_ok_s, at.timestamp()
    if last_s is None or now_s <= last_s:
        return
    caps: dict[str, float] = {}
    for each in setup.zones:
        if each.zone.rule.needs != "track":
            caps[each.class_code] = max(caps.get(each.class_code, 0.0), each.cap_s)
    for class_code, cap_s in caps.items():
        add_exposure(session, setup, town, class_code, last_s, now_s, cap_s)
    longest = max(caps.values(), default=TIMEOUT_S)
    looked = sampled_hours([last_s], longest, until_s=now_s, week_start_s=monday_s(last_s, town))
    session.execute(
        text("UPDATE camera_watch SET sampled_h = sampled_h + :hours WHERE camera_id = :camera"),
        {"hours": float(looked.sum()), "camera": setup.id},
    )


def _forget(session: Session, setup: CameraSetup, at: dt.datetime) -> None:
    """Pictures beyond the newest, and patches that no rule compares any more."""
    session.execute(
        text(
            "UPDATE sample SET picture = NULL WHERE camera_id = :camera AND picture IS NOT NULL AND id NOT IN"
            " (SELECT id FROM sample WHERE camera_id = :camera AND picture IS NOT NULL"
            " ORDER BY taken_at DESC LIMIT :kept)"
        ),
        {"camera": setup.id, "kept": KEPT_PICTURES},
    )
    if any(each.zone.rule.needs == "patch" for each in setup.zones):
        session.execute(
            text(
                "DELETE FROM sample_patch p USING sample s WHERE s.id = p.sample_id AND s.camera_id = :camera"
                " AND s.taken_at < :since"
            ),
            {"camera": setup.id, "since": at - dt.timedelta(seconds=2 * setup.window_s)},
        )
