"""When a rule holds: hours of the week and a range of dates, on the clock of the place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from analysis.errors import InputError

__all__ = ["Hours", "Validity"]


@dataclass(frozen=True, slots=True)
class Hours:
    """
    Hours that come back every week.

    Parameters
    ----------
    days
        Days of the week on which they begin, 1 Monday to 7 Sunday.
    start, end
        On the clock, from `start` up to but without `end`; an `end` not later than `start` is on the next day, so
        that equal times are 24 hours.
    """

    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    start: time = time(0)
    end: time = time(0)

    def __post_init__(self) -> None:
        if not self.days or any(type(day) is not int or not 1 <= day <= 7 for day in self.days):
            raise InputError(
                "{days} are not days of the week.", "Give numbers from 1 Monday to 7 Sunday.", days=self.days
            )
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise InputError("Hours of the week bear a time zone.", "Give the time zone once, to the rule.")


@dataclass(frozen=True, slots=True)
class Validity:
    """
    When a rule holds.

    Parameters
    ----------
    weekly
        Hours of the week; none means always.
    first_day, last_day
        Dates between which it holds, both included; None leaves that side open. Hours that run past midnight belong
        to the day on which they begin.
    time_zone
        IANA name of the clock that hours and dates are read on, such as "Asia/Shanghai".

    Raises
    ------
    InputError
        If the time zone is unknown or `last_day` is before `first_day`.

    Notes
    -----
    Where the clock is put forward, hours that do not exist are passed over; where it is put back, hours that come
    twice hold twice.
    """

    weekly: tuple[Hours, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
            raise InputError(
                "There is no time zone {name!r}.",
                "Give an IANA name, such as Asia/Shanghai.",
                name=self.time_zone,
            ) from error
        if self.first_day is not None and self.last_day is not None and self.last_day < self.first_day:
            raise InputError(
                "The last day {last} is before the first day {first}.",
                "Exchange them.",
                last=self.last_day,
                first=self.first_day,
            )

    def holds(self, time_s: float) -> bool:
        """It holds at a time in seconds since 1970-01-01 UTC."""
        local = datetime.fromtimestamp(time_s, UTC).astimezone(ZoneInfo(self.time_zone))
        today, clock = local.date(), local.time().replace(fold=0)
        if not self.weekly:
            return self._dated(today)
        yesterday = today - timedelta(days=1)
        for hours in self.weekly:
            overnight = hours.end <= hours.start
            begun = clock >= hours.start and (overnight or clock < hours.end)
            if begun and today.isoweekday() in hours.days and self._dated(today):
                return True
            carried = overnight and clock < hours.end
            if carried and yesterday.isoweekday() in hours.days and self._dated(yesterday):
                return True
        return False

    def _dated(self, day: date) -> bool:
        early = self.first_day is not None and day < self.first_day
        return not early and (self.last_day is None or day <= self.last_day)
