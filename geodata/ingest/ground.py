"""What the rows of a file are checked against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

__all__ = ["Ground"]


@dataclass(frozen=True)
class Ground:
    """
    What the town is, as far as rows are checked against it.

    Attributes
    ----------
    epsg
        Its metric system.
    zone
        Its time zone.
    box_deg
        West, south, east, north; rows outside are at fault.
    today
        Its date.
    height_m
        Median height of its buildings.
    areas
        Code of a community → its id.
    classes
        Event classes that are known.
    cameras
        Code of a camera → its id.
    """

    epsg: int
    zone: ZoneInfo
    box_deg: tuple[float, float, float, float]
    today: dt.date
    height_m: float = 9.6
    areas: Mapping[str, int] = field(default_factory=dict)
    classes: frozenset[str] = frozenset()
    cameras: Mapping[str, int] = field(default_factory=dict)
