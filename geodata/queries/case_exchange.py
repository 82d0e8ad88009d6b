"""Cases to be exchanged, page by page in the order in which they changed."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from typing import Any

from analysis.errors import InputError

__all__ = ["PAGE_SQL", "SHARED_WITH_ALL", "cursor_after", "exchanged", "place_of_cursor"]

SHARED_WITH_ALL = 3
"""Share level of a camera that its owner shares with all partners."""
PAGE_SQL = (
    "SELECT t.number, u.code_profile, t.class_code, u.code, t.component_code,"  # noqa: S608 - a number of ours
    f" CASE WHEN c.share_level = {SHARED_WITH_ALL} THEN c.code END, ST_X(ST_Transform(t.geom, 4326)),"
    " ST_Y(ST_Transform(t.geom, 4326)), t.reported_at, t.closed_at, t.stage, t.source, t.simulated, t.changed_at, t.id"
    " FROM case_file t LEFT JOIN unit_cell u ON u.id = t.cell_id LEFT JOIN camera c ON c.id = t.camera_id"
    " WHERE (t.changed_at, t.id) > (%(changed_at)s, %(id)s) AND t.changed_at < now() - interval '1 second'"
    " ORDER BY t.changed_at, t.id LIMIT %(most)s"
)
"""
Cases that changed after a moment; those of the last second wait, as others of that moment may still be written. A
camera is named only if it is shared with all.
"""


def exchanged(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row of `PAGE_SQL` as a case of the package."""
    (
        number,
        profile,
        code,
        cell,
        component,
        camera,
        lon,
        lat,
        reported,
        closed,
        stage,
        source,
        simulated,
        changed,
        _,
    ) = row
    return {
        "number": number,
        "code_profile": profile or "2013",
        "class_code": code,
        "cell_code": cell,
        "component_code": component,
        "camera_code": camera,
        "place": {"type": "Point", "coordinates": [round(lon, 7), round(lat, 7)]},
        "reported_at": _time(reported),
        "closed_at": _time(closed) if closed else None,
        "stage": stage,
        "source": source,
        "simulated": simulated,
        "changed_at": _time(changed),
    }


def cursor_after(row: tuple[Any, ...]) -> str:
    """The cursor of what comes after a row of `PAGE_SQL`."""
    return base64.urlsafe_b64encode(json.dumps([row[-2].isoformat(), row[-1]]).encode()).decode()


def place_of_cursor(cursor: str) -> tuple[dt.datetime, int]:
    """
    Moment of change and number of the row after which a cursor goes on.

    Raises
    ------
    InputError
        If it is no cursor of ours.
    """
    try:
        changed, number = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
        moment = dt.datetime.fromisoformat(changed)
        if moment.tzinfo is None or type(number) is not int or not 0 <= number < 2**63:
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise InputError("This is no cursor.", "Send `next` of the package before, as it came.") from error
    return moment, number


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
