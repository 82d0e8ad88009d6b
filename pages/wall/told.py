"""What the pages of the wall are told with: the page as a value, and the parts that several of them share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.desk import share_interval
from analysis.evaluation import Change
from geodata.queries.wall_scope import Period
from geodata.towns.town import Town
from layers.i18n import N_
from layers.layer import Colour
from pages.paper.telling import OWNERS, Say
from pages.wall.blocks import Block, figure, number, percent, share, span, statement

__all__ = [
    "Place",
    "Told",
    "cell",
    "changed",
    "middle",
    "named",
    "not_told",
    "owner",
    "pins",
    "ranked",
    "recall",
    "rule",
    "rule_colour",
    "verdict",
    "within",
]


@dataclass(frozen=True)
class Place:
    """A pin on the map: longitude and latitude in degrees, and the sign that the table bears too."""

    lon_deg: float
    lat_deg: float
    mark: str


@dataclass(frozen=True)
class Told:
    """
    A page in words.

    Attributes
    ----------
    left, right
        Blocks on either side of the map.
    method
        How the figures came to be, one sentence.
    layers
        Ids of the catalogue that the map shows above the ground, and `heat`.
    measure
        Number that the cells show.
    breaks
        Limits of its classes.
    places
        Pins.
    focus
        Where the map's camera flies to; None: the town's centre.
    closer, pitch_deg, bearing_deg
        Zoom levels nearer than the town's own, and how the camera is held.
    """

    left: list[Block]
    right: list[Block]
    method: str
    layers: tuple[str, ...]
    measure: str | None = None
    breaks: tuple[float, ...] = ()
    places: tuple[Place, ...] = field(default=())
    focus: tuple[float, float] | None = None
    closer: float = 0.0
    pitch_deg: float = 52.0
    bearing_deg: float = -18.0


def named(rows: pd.DataFrame, language: str) -> list[tuple[str, float, str]]:
    """Areas or classes with their cases: name, size, size as people read it."""
    names = rows["name_zh" if language == "zh-CN" else "name_en"]
    return [
        (str(name), float(cases), number(cases)) for name, cases in zip(names, rows["cases"], strict=True)
    ]


def ranked(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table of rates, marked as their pins are."""
    return [
        {
            "mark": str(rank),
            "label": str(row.label),
            "value": row.rate,
            "lower": row.lower,
            "upper": row.upper,
            "text": number(row.rate, 2),
            "note": span(row.lower, row.upper),
        }
        for rank, row in enumerate(rows.itertuples(), 1)
    ]


def within(found: Period, town: Town, say: Say) -> str:
    """Of which days a count is; empty where nothing is on record."""
    dates = found.dates(town.time_zone)
    return say(N_("in {days} days to {day}"), days=found.days, day=dates[1]) if dates else ""


def changed(found: Change, days: int, say: Say) -> Block:
    """A count against the one before it."""
    label = say(N_("Against the {days} days before"), days=days)
    if found.ratio is None or found.lower is None or found.upper is None:
        return statement(label, say(N_("There is nothing to compare with.")))
    return figure(
        label,
        f"{100 * (found.ratio - 1):+.0f} %",
        note=say(
            N_("{verdict}; 95 %: {lower} to {upper}"),
            verdict=say(verdict(found)),
            lower=f"{100 * (found.lower - 1):+.0f} %",
            upper=f"{100 * (found.upper - 1):+.0f} %",
        ),
    )


def verdict(found: Change) -> str:
    """What a change says, as a message."""
    if not found.told:
        return N_("no more than chance")
    return N_("more than before") if (found.lower or 0) > 1 else N_("less than before")


def recall(found: tuple[float, float] | None, say: Say) -> Block:
    """The share that the detector catches, with its interval."""
    label = say(N_("Caught of what cameras look at"))
    if found is None:
        return statement(label, say(N_("No report by people tells it yet.")))
    hits, misses = found
    # the stored beta holds its prior: half a hit and half a miss
    lower, upper = (float(each) for each in share_interval(max(0.0, hits - 0.5), max(0.0, misses - 0.5)))
    limits = say(N_("95 %: {lower} – {upper}"), lower=percent(lower), upper=percent(upper))
    return share(label, hits / (hits + misses), lower=lower, upper=upper, note=limits)


def not_told(name: str, say: Say, *, limited: int, timed: int) -> str:
    """Why an indicator has no value: of so many cases limits are known, and of so many that they are closed."""
    if name == "closed_in_time" and not limited:
        return say(N_("Not on record: no scene sets a time limit for these cases."))
    if name == "closed_in_time" and not timed:
        return say(
            N_("Not on record: {cases} cases have a time limit, and none tells when it was closed."),
            cases=number(limited),
        )
    if name == "closed_in_time":
        return say(N_("No case with a time limit is closed or overdue yet."))
    return say(N_("Not on record: no case tells what came after its registration."))


def rule(legal: Any, say: Say) -> str:
    """What a kerb allows."""
    if legal is None or pd.isna(legal):
        return say(N_("not tagged"))
    return say(N_("bays")) if legal else say(N_("no parking or stopping"))


def rule_colour(legal: Any) -> Colour:
    """Its colour, as on the map."""
    if legal is None or pd.isna(legal):
        return (110, 122, 130, 255)
    return (92, 150, 255, 255) if legal else (255, 96, 84, 255)


def owner(name: str, say: Say) -> str:
    """An owner; of a private unit the number stays as it is."""
    head, colon, unit_name = name.partition(":")
    return say(OWNERS.get(head, head)) + colon + unit_name


def cell(code: str) -> str:
    """The last digits of a cell's code: its community and its number."""
    return f"…{code[-6:-3]} {code[-3:]}"


def pins(rows: pd.DataFrame) -> tuple[Place, ...]:
    """Pins for rows of a table, marked as they are there."""
    return tuple(
        Place(float(row.lon_deg), float(row.lat_deg), str(rank))
        for rank, row in enumerate(rows.itertuples(), 1)
    )


def middle(rows: pd.DataFrame) -> tuple[float, float] | None:
    """The place about which the rows lie; None without any."""
    return (float(rows["lon_deg"].median()), float(rows["lat_deg"].median())) if len(rows) else None
