"""
Bursts in the patrol: after a look at a camera whose zones ask who moves, some seconds are followed and judged.

A burst of 8 s at 4 pictures a second costs about seconds · (rate · 0.11 + 0.12) s of processor time, 4.5 s: the
detector on each picture, and the decoding of all that 1080p25 sends between them. On a machine with four times the
load of its cores it was 8.3 s: detector 6.5, decoding 1.2, stills 0.3. That is why it comes after few looks only: every
`BURST_EVERY_S` seconds of a camera, whichever worker looks, and in a process never in more than half of its threads,
so that looks go on meanwhile. The detector is asked picture by picture; other cameras have it in between.

What the seconds between bursts show, nobody sees: only the seconds of bursts count as looked at. Leads of bursts are
not merged with others: two who pass the same place are two.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter, thread_time

from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.errors import HuiyanError, InputError
from analysis.patrolling import phase
from analysis.vision.rules.tracked import Moved, follow, judge_tracks
from analysis.vision.thresholds import ClassThresholds
from analysis.vision.tracking import CascadedTracker, Look, Tracks
from analysis.vision.yolo import Detector
from geodata import database
from geodata.commands.exposures import add_exposure
from geodata.commands.leads import keep_leads, known_leads
from geodata.commands.placing import Placing
from geodata.errors import NotFound, StreamError
from geodata.queries.watches import CameraSetup, ZoneSetup, read_health
from geodata.settings import settings
from geodata.towns.town import Town
from geodata.video.addresses import parse_source
from geodata.video.bursts import burst
from geodata.video.stills import still_jpeg

__all__ = ["BURST_EVERY_S", "BurstDone", "burst_after_look", "standing_trouble"]

BURST_EVERY_S = 60.0
"""From one burst of a camera to the next."""
SECONDS, RATE_HZ, TIMEOUT_S = 8.0, 4.0, 10.0
SLOWEST = 3.0
"""A burst that takes this many times its seconds is judged as far as it has come."""
GOES_ON = 2.5
"""The tally of a line is over after so many intervals between bursts without a crossing."""
MARK = "burst"
"""What tells a burst's trouble among the errors of a camera."""


@dataclass(frozen=True, slots=True)
class BurstDone:
    """
    What became of a burst.

    Attributes
    ----------
    outcome
        none (no zone asks for one, or it is not due), later (other bursts are being taken; after the next look),
        taken, failed (the camera's error says why) or gone (no longer watched).
    looks, leads
        Pictures that were looked at; leads that are new.
    forward, backward
        Crossings of all lines, each way.
    seconds, cpu_s
        That it took, by the clock and of this thread's processor time; a detector with threads of its own takes more.
    """

    outcome: str
    looks: int = 0
    leads: int = 0
    forward: int = 0
    backward: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0


def burst_after_look(
    setup: CameraSetup,
    town: Town,
    at: dt.datetime,
    detector: Detector,
    *,
    thresholds: ClassThresholds | None = None,
) -> BurstDone:
    """
    Takes a burst of a camera that was just looked at, if its zones ask for one and it is due, and writes its leads.

    Parameters
    ----------
    setup
        With zones cut to the picture of the look.
    town
        Where it stands.
    at
        When the look's picture was taken, aware; the look is written. It is the first of its interval, so that one
        look in each interval is followed by a burst, on whatever machine.
    detector
        What finds things, down to its floor: heads are blurred by all of it.
    thresholds
        What a box needs to be followed, by class.

    Raises
    ------
    DatabaseUnavailable
        If the database is away; then nothing is written. Whatever is wrong with the source becomes the camera's error.
    """
    zones = _asking(setup)
    if not zones:
        return BurstDone("none")
    every_s = min(_every_s(each) for each in zones)
    with _turn(setup.id, _is_due(setup.id, at, every_s)) as outcome:
        if outcome != "now":
            return BurstDone(outcome)
        began, cpu_s = perf_counter(), thread_time()
        trouble: HuiyanError | None = None
        try:
            seen = _seen(setup, zones, detector, thresholds)
        except (InputError, StreamError) as error:
            trouble, seen = error, _Seen()
        done = _written(setup, town, zones, seen, trouble)
        return replace(done, seconds=perf_counter() - began, cpu_s=thread_time() - cpu_s)


def standing_trouble(session: Session, setup: CameraSetup) -> str | None:
    """The error of a camera's last burst as JSON; a look that goes well leaves it until a burst goes well."""
    if not _asking(setup):
        return None
    found: str | None = session.scalar(
        text(
            "SELECT error::text FROM camera_watch WHERE camera_id = :camera AND error->'facts'->>'of' = :mark"
        ),
        {"camera": setup.id, "mark": MARK},
    )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What a burst brought: looks, and their pictures by time in epoch seconds, heads blurred."""

    looks: list[Look] = field(default_factory=list)
    pictures: dict[float, bytes] = field(default_factory=dict)

    def picture_at(self, at_s: float | None) -> bytes | None:
        """The JPEG of a look."""
        return None if at_s is None else self.pictures.get(at_s)


def _asking(setup: CameraSetup) -> tuple[ZoneSetup, ...]:
    """Zones whose rules follow who moves."""
    return tuple(each for each in setup.zones if each.zone.rule.needs == "track")


def _every_s(zone: ZoneSetup) -> float:
    """Of the zone's rule, once it has such a setting."""
    return float(getattr(zone.zone.rule, "burst_every_s", BURST_EVERY_S))


def _is_due(camera_id: int, at: dt.datetime, every_s: float) -> bool:
    """The look at this moment is the first one of its interval; each camera's intervals begin at its own time."""
    with database.connection() as conn:
        before = conn.scalar(
            text(
                "SELECT max(taken_at) FROM sample WHERE camera_id = :camera AND due_at IS NOT NULL"
                " AND taken_at < :at"
            ),
            {"camera": camera_id, "at": at},
        )
    shift_s = every_s * float(phase([camera_id])[0])
    return before is None or (at.timestamp() + shift_s) // every_s > (before.timestamp() + shift_s) // every_s


_lock = threading.Lock()
_busy: set[int] = set()
_owed: set[int] = set()


@contextmanager
def _turn(camera_id: int, due: bool) -> Iterator[str]:
    """Lets half of the threads take bursts; who finds no place has it after the next look."""
    most = max(1, settings().video_threads // 2)
    with _lock:
        if not (due or camera_id in _owed):
            outcome = "none"
        elif len(_busy) >= most or camera_id in _busy:
            outcome = "later"
            _owed.add(camera_id)
        else:
            outcome = "now"
            _owed.discard(camera_id)
            _busy.add(camera_id)
    try:
        yield outcome
    finally:
        if outcome == "now":
            with _lock:
                _busy.discard(camera_id)


def _seen(
    setup: CameraSetup, zones: Sequence[ZoneSetup], detector: Detector, thresholds: ClassThresholds | None
) -> _Seen:
    seen = _Seen()
    began = perf_counter()
    pictures = burst(
        parse_source(setup.address, loop=True), seconds=SECONDS, rate_hz=RATE_HZ, timeout_s=TIMEOUT_S
    )
    with closing(pictures):
        for at, image in pictures:
            height, width = image.shape[:2]
            frame_px = zones[0].zone.frame_px
            if frame_px is not None and frame_px != (width, height):
                raise InputError(
                    "A burst shows {width}×{height} px, the look before it {old_width}×{old_height} px.",
                    "Let the camera send one size; zones are drawn in it.",
                    width=width,
                    height=height,
                    old_width=frame_px[0],
                    old_height=frame_px[1],
                )
            found = detector.detect(image)
            at_s = at.timestamp()
            seen.pictures[at_s] = still_jpeg(image, found)
            seen.looks.append(Look(at_s, found if thresholds is None else thresholds.keep(found)))
            if perf_counter() - began > SLOWEST * SECONDS + TIMEOUT_S:
                break
    return seen


def _written(
    setup: CameraSetup,
    town: Town,
    zones: Sequence[ZoneSetup],
    seen: _Seen,
    trouble: HuiyanError | None,
) -> BurstDone:
    """Leads and the camera's error in one transaction; a zone that was changed meanwhile is not judged."""
    judged: list[tuple[ZoneSetup, Moved]] = []
    if seen.looks:
        judged, trouble = _judged(setup, zones, seen.looks)
    fresh = 0
    with database.transaction() as session:
        try:
            read_health(session, setup.id, locked=True)
        except NotFound:
            return BurstDone("gone")
        current = _current(session, zones)
        _count(session, setup, town, current, seen.looks)
        placing = Placing(setup, town)
        for zone, moved in judged:
            if zone.id in current:
                end = dt.datetime.fromtimestamp(seen.looks[-1].time_s, dt.UTC)
                known = known_leads(session, zone, end)
                fresh += len(keep_leads(session, setup, zone, moved.leads, known, placing, seen.picture_at))
        _tell(session, setup, trouble, seen.looks[-1].time_s if fresh else None)
    return BurstDone(
        "failed" if trouble is not None else "taken",
        len(seen.looks),
        fresh,
        sum(moved.forward for _, moved in judged),
        sum(moved.backward for _, moved in judged),
    )


def _judged(
    setup: CameraSetup, zones: Sequence[ZoneSetup], looks: Sequence[Look]
) -> tuple[list[tuple[ZoneSetup, Moved]], HuiyanError | None]:
    """What each zone's rule says; the first trouble of a zone, which stops no other."""
    tracker = CascadedTracker()
    followed: dict[float, Tracks] = {}
    found: list[tuple[ZoneSetup, Moved]] = []
    trouble: HuiyanError | None = None
    for each in zones:
        least = float(getattr(each.zone.rule, "min_score", 0.0))
        try:
            if least not in followed:
                followed[least] = follow(each.zone, looks, tracker)
            moved = judge_tracks(
                each.zone, followed[least], setup.homography, quiet_s=GOES_ON * _every_s(each)
            )
        except InputError as error:
            trouble = trouble or error
        else:
            found.append((each, moved))
    return found, trouble


def _current(session: Session, zones: Sequence[ZoneSetup]) -> set[int]:
    """Zones that are still what they were; none is deleted until the transaction ends."""
    rows = session.execute(
        text("SELECT id, version FROM zone WHERE id = ANY(:ids) AND enabled FOR KEY SHARE"),
        {"ids": [each.id for each in zones]},
    )
    versions = {row.id: row.version for row in rows}
    return {each.id for each in zones if versions.get(each.id) == each.version}


def _count(
    session: Session, setup: CameraSetup, town: Town, current: set[int], looks: Sequence[Look]
) -> None:
    """The seconds of a burst, into exposure by class; a class for which looks count, too, has them already."""
    if len(looks) < 2:
        return
    first_s, last_s = looks[0].time_s, looks[-1].time_s
    looked = {each.class_code for each in setup.zones if each.zone.rule.needs != "track"}
    for class_code in sorted({each.class_code for each in setup.zones if each.id in current} - looked):
        add_exposure(session, setup, town, class_code, first_s, last_s, last_s - first_s)


def _tell(session: Session, setup: CameraSetup, trouble: HuiyanError | None, lead_s: float | None) -> None:
    """The camera's error, which only another burst takes back, and when its latest lead was."""
    if trouble is not None and not setup.problems:
        words = type(trouble)(trouble.message, trouble.mend, **trouble.facts, of=MARK).told()
        session.execute(
            text("UPDATE camera_watch SET error = CAST(:error AS jsonb) WHERE camera_id = :camera"),
            {"error": json.dumps(words), "camera": setup.id},
        )
    if trouble is None:
        session.execute(
            text(
                "UPDATE camera_watch SET error = NULL WHERE camera_id = :camera AND error->'facts'->>'of' = :mark"
            ),
            {"camera": setup.id, "mark": MARK},
        )
    if lead_s is not None:
        session.execute(
            text(
                "UPDATE camera_watch SET last_lead_at = greatest(last_lead_at, :at) WHERE camera_id = :camera"
            ),
            {"at": dt.datetime.fromtimestamp(lead_s, dt.UTC), "camera": setup.id},
        )
