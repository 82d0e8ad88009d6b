"""What a shared view asks the figures of the wall to be of: an area, days, a class, a source."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from geodata.queries.figures import within

__all__ = ["RECENT_DAYS", "Named", "Period", "Scope", "named", "period"]

RECENT_DAYS = 30
"""So many days the figures tell of where nobody chose any."""


@dataclass(frozen=True)
class Scope:
    """
    What figures are asked of; without any part: the whole town, and its last days on record.

    Attributes
    ----------
    area
        Code of a county, street or community.
    since, until
        Aware moments: from the first on, before the second.
    class_codes
        Codes of event classes with commas between them.
    source
        Of violations.
    """

    area: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    class_codes: str | None = None
    source: str | None = None

    def __bool__(self) -> bool:
        return self != Scope()

    @property
    def filters(self) -> dict[str, Any]:
        """Values for the conditions below, and what `key_figures` takes."""
        found = {
            "area": self.area,
            "since": self.since,
            "until": self.until,
            "class": self.class_codes,
            "source": self.source,
        }
        return {name: value for name, value in found.items() if value is not None}

    def place(self, shape: str) -> str:
        """Condition over `t` for rows that lie in the area; `shape` is area, line or point. Empty: everywhere."""
        return within(shape, {"area": self.area} if self.area else {})

    def kind(self) -> str:
        """Condition over `t` for class and source."""
        found = ""
        if self.class_codes is not None:
            found += " AND t.class_code = ANY (string_to_array(:class, ','))"
        if self.source is not None:
            found += " AND t.source = :source"
        return found

    def violations(self) -> str:
        """Condition over the violation `t` for place, class and source."""
        return self.place("point") + self.kind()


@dataclass(frozen=True)
class Period:
    """
    The days that figures tell of.

    Attributes
    ----------
    since, until
        From the first on, before the second; None: nothing is on record.
    chosen
        Somebody chose them; otherwise they are the last ones on record.
    """

    since: dt.datetime | None
    until: dt.datetime | None
    chosen: bool

    @property
    def days(self) -> int:
        """Whole days, the last one counted even if it has begun only."""
        if self.since is None or self.until is None:
            return 0
        return math.ceil((self.until - self.since) / dt.timedelta(days=1))

    def before(self) -> dt.datetime | None:
        """Since when the period before lasts, as long as this one."""
        return None if self.since is None or self.until is None else self.since - (self.until - self.since)

    def dates(self, zone: ZoneInfo) -> tuple[dt.date, dt.date] | None:
        """First and last day in this zone; None where nothing is on record."""
        if self.since is None or self.until is None:
            return None
        last = self.until - dt.timedelta(microseconds=1)
        return self.since.astimezone(zone).date(), last.astimezone(zone).date()


@dataclass(frozen=True)
class Named:
    """
    A scope with the names of what it asks for.

    Attributes
    ----------
    scope
        What was asked.
    area
        Name in Chinese and English, or None: there is no such area, or none was asked.
    bounds
        West, south, east, north of the area, degrees.
    classes
        Code → names in Chinese and English, of the classes that are known.
    """

    scope: Scope
    area: tuple[str, str] | None
    bounds: tuple[float, float, float, float] | None
    classes: dict[str, tuple[str, str]]


def named(conn: Connection, scope: Scope) -> Named:
    """Looks up the names of what a scope asks for."""
    area = bounds = None
    if scope.area is not None:
        row = conn.execute(
            text(
                "SELECT name_zh, name_en, ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom) FROM area"
                " WHERE code = :area"
            ),
            {"area": scope.area},
        ).first()
        if row is not None:
            area, bounds = (row[0], row[1]), (row[2], row[3], row[4], row[5])
    codes = [] if scope.class_codes is None else scope.class_codes.split(",")
    rows = conn.execute(
        text("SELECT code, name_zh, name_en FROM event_class WHERE code = ANY (CAST(:codes AS text[]))"),
        {"codes": codes},
    )
    return Named(scope, area, bounds, {row.code: (row.name_zh, row.name_en) for row in rows})


def period(conn: Connection, scope: Scope, days: int = RECENT_DAYS) -> Period:
    """
    The days chosen, or the last `days` on record of what the scope asks for.

    A violation that is dated in the future does not count as the last.
    """
    if scope.since is not None and scope.until is not None:
        return Period(scope.since, scope.until, True)
    if scope.until is not None:
        first = _end_of_record(conn, scope, "min")
        return Period(first, scope.until, True) if first else Period(None, None, True)
    last = _end_of_record(conn, scope, "max")
    end = None if last is None else last + dt.timedelta(microseconds=1)
    if scope.since is not None:
        return Period(scope.since, max(end or scope.since, scope.since), True)
    return Period(None, None, False) if end is None else Period(end - dt.timedelta(days=days), end, False)


def _end_of_record(conn: Connection, scope: Scope, end: str) -> dt.datetime | None:
    """The first (`min`) or last (`max`) violation that the scope asks for."""
    before = " AND t.at < :until" if scope.until else ""
    moment: dt.datetime | None = conn.execute(
        text(f"SELECT {end}(t.at) FROM violation t WHERE t.at <= now(){before}{scope.violations()}"),  # noqa: S608
        scope.filters,
    ).scalar()
    return moment
