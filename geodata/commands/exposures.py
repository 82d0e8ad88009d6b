"""Exposure: the hours in which a camera was really looked at for a class, by month and hour of the week."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis.patrolling import sampled_hours
from geodata.queries.watches import CameraSetup, hour_of_week
from geodata.towns.town import Town

__all__ = ["add_exposure", "monday_s"]


def add_exposure(
    session: Session,
    setup: CameraSetup,
    town: Town,
    class_code: str,
    since_s: float,
    until_s: float,
    cap_s: float,
) -> None:
    """
    Adds the time from `since_s` on, until `until_s` but no longer than `cap_s`, to a camera's hours for a class.

    Parameters
    ----------
    session
        The caller's transaction.
    setup, town
        Of which camera, and whose clock tells the hours.
    class_code
        Class of event that was looked for.
    since_s, until_s
        Epoch seconds.
    cap_s
        Seconds for which a look may stand.
    """
    hours = sampled_hours([since_s], cap_s, until_s=until_s, week_start_s=monday_s(since_s, town))
    session.execute(
        text(
            "INSERT INTO exposure (camera_id, class_code, month, hours, simulated)"
            " VALUES (:camera, :class, :month, :hours, :simulated)"
            " ON CONFLICT (camera_id, class_code, month) DO UPDATE SET hours = ("
            "SELECT array_agg(a + b ORDER BY n) FROM unnest(exposure.hours, excluded.hours)"
            " WITH ORDINALITY AS u(a, b, n))"
        ),
        {
            "camera": setup.id,
            "class": class_code,
            "month": dt.datetime.fromtimestamp(since_s, town.time_zone).date().replace(day=1),
            "hours": hours.tolist(),
            "simulated": setup.demonstration,
        },
    )


def monday_s(at_s: float, town: Town) -> float:
    """Epoch seconds of the Monday 00:00, by the clock of the moment, of the week in which it lies."""
    local = dt.datetime.fromtimestamp(at_s, town.time_zone)
    into = (
        hour_of_week(local, town.time_zone) * 3600
        + local.minute * 60
        + local.second
        + local.microsecond / 1e6
    )
    return at_s - into
