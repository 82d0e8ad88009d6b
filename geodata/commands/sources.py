"""Where a camera's footage comes from, and how often it is sampled."""

from __future__ import annotations

import math

from sqlalchemy import text

from analysis.errors import InputError
from geodata import database
from geodata.errors import NotFound
from geodata.video.addresses import parse_source

__all__ = ["set_source"]


def set_source(
    camera: str, address: str | None, min_interval_s: float, max_interval_s: float, priority: float = 1.0
) -> str | None:
    """
    Gives a camera its footage; returns the address as it may be shown.

    Parameters
    ----------
    camera
        Its 20 digits.
    address
        As `geodata.video.addresses.parse_source` takes it; None takes the camera's footage away.
    min_interval_s, max_interval_s
        Samples are never closer together, and no sample is waited for longer; seconds above 0.
    priority
        Weight against other cameras, 0 or more; 0 is not sampled.

    Raises
    ------
    NotFound
        If there is no such camera.
    StreamError
        If the address is not allowed; nothing is written.
    InputError
        If an interval or the priority is out of range; nothing is written.
    """
    if not (0 < min_interval_s <= max_interval_s < math.inf and 0 <= priority < math.inf):
        raise InputError(
            "Intervals from {low:g} s to {high:g} s with priority {priority:g} are impossible.",
            "Give seconds above 0, the shortest first, and a priority of 0 or more.",
            low=min_interval_s,
            high=max_interval_s,
            priority=priority,
        )
    shown = None if address is None else parse_source(address, loop=True).shown
    with database.transaction() as session:
        number = session.scalar(
            text("UPDATE camera SET stream_url = :address WHERE code = :code RETURNING id"),
            {"address": address, "code": camera},
        )
        if number is None:
            raise NotFound("There is no camera {code}.", "Look it up on the Cameras page.", code=camera)
        if address is None:
            session.execute(text("DELETE FROM camera_watch WHERE camera_id = :id"), {"id": number})
        else:
            session.execute(
                text(
                    "INSERT INTO camera_watch (camera_id, priority, min_interval_s, max_interval_s)"
                    " VALUES (:id, :priority, :low, :high) ON CONFLICT (camera_id) DO UPDATE SET"
                    " priority = excluded.priority, min_interval_s = excluded.min_interval_s,"
                    " max_interval_s = excluded.max_interval_s, failures = 0, next_try_at = NULL, error = NULL"
                ),
                {"id": number, "priority": priority, "low": min_interval_s, "high": max_interval_s},
            )
    return shown
