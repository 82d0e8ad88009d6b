"""Cases against the time that their scene leaves for them: the one reckoning for scenes and for the wall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from analysis.workhours import in_time
from geodata.queries.frames import read_table
from geodata.scenes import Scene, read_scenes, scenes_stamp

__all__ = ["Closings", "class_scenes", "closings", "together"]


@dataclass(frozen=True)
class Closings:
    """
    How cases were closed.

    Attributes
    ----------
    cases
        That are not void.
    closed
        Of them, those of which it is known when they were closed; none: nobody keeps it on record.
    due
        Closed, or their time is up.
    hits
        Of these, those that were closed within their time.
    """

    cases: int
    closed: int
    due: int
    hits: int


def together(parts: list[Closings]) -> Closings:
    """Those of several classes as one."""
    return Closings(*(sum(getattr(each, name) for each in parts) for name in Closings.__annotations__))


def class_scenes(conn: Connection) -> dict[str, Scene]:
    """Event class → the first scene that sets limits for it."""
    rows = conn.execute(text("SELECT code FROM event_class ORDER BY code")).scalars().all()
    return dict(_class_scenes(scenes_stamp(), tuple(rows)))


@lru_cache(maxsize=4)
def _class_scenes(stamp: str, event_classes: tuple[str, ...]) -> Mapping[str, Scene]:
    found: dict[str, Scene] = {}
    for scene in read_scenes(event_classes=dict.fromkeys(event_classes)).found.values():
        for code in scene.codes if scene.limits else ():
            found.setdefault(code, scene)
    return found


def closings(
    conn: Connection,
    scenes: Mapping[str, Scene],
    zone: str,
    *,
    where: str = "",
    filters: Mapping[str, Any] | None = None,
) -> dict[str, Closings]:
    """
    How the cases of each class were closed; classes without any case are left out.

    The steps of a scene count one after the other: hours of the clock first, then working hours. A case that is said to
    be closed, but not when, is left out.

    Parameters
    ----------
    scenes
        Event class → scene whose limits count.
    zone
        Name of the town's time, for working hours.
    where, filters
        Further conditions over the case `t`, beginning with AND, and their values.
    """
    asked = {"codes": list(scenes), **(filters or {})}
    those = (
        "FROM case_file t WHERE t.class_code = ANY (:codes) AND t.stage <> 'void'"
        f" AND (t.stage <> 'closed' OR t.closed_at IS NOT NULL){where}"
    )
    counts = conn.execute(
        text(f"SELECT t.class_code, count(*), count(t.closed_at) {those} GROUP BY 1 ORDER BY 1"), asked
    ).all()
    found = {}
    for code, cases, closed in counts:
        hits = due = 0
        if closed:
            scene = scenes[code]
            rows = read_table(
                conn,
                "SELECT (t.reported_at + make_interval(secs => :natural_s)) AT TIME ZONE :zone AS begun,"
                " t.closed_at AT TIME ZONE :zone AS closed, now() AT TIME ZONE :zone AS today"
                f" {those} AND t.class_code = :code",
                {**asked, "code": code, "zone": zone, "natural_s": 3600 * scene.limit_h("natural")},
            )
            begun, ended, now = (
                rows[name].to_numpy(dtype="datetime64[s]") for name in ("begun", "closed", "today")
            )
            good, over = in_time(begun, ended, now, scene.limit_h("working"))
            hits, due = int(np.sum(good)), int(np.sum(good | over))
        found[code] = Closings(cases, closed, due, hits)
    return found
