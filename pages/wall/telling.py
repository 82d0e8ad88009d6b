"""The seven pages of the wall in words: what each tells on either side of the map, and what the map shows meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from geodata.queries import wall_pages as wall
from geodata.queries.wall_scope import RECENT_DAYS
from geodata.towns.town import Town
from layers import wall as dark
from layers.catalogue import NETWORKS
from layers.i18n import N_
from layers.watching import STREAM_STATES, VERDICTS
from pages.paper.telling import TASKS, Say
from pages.wall.blocks import (
    DASH,
    Block,
    bars,
    figure,
    number,
    percent,
    series,
    share,
    split,
    statement,
    table,
)
from pages.wall.told import (
    Told,
    cell,
    changed,
    middle,
    named,
    not_told,
    owner,
    pins,
    ranked,
    recall,
    rule,
    rule_colour,
    verdict,
    within,
)

__all__ = ["TELLERS", "TITLES"]

TITLES = {
    "overview": N_("The city at a glance"),
    "cells": N_("Grid and cases"),
    "cameras": N_("Cameras and coverage"),
    "parking": N_("Parking"),
    "pipes": N_("Pipes and lifelines"),
    "video": N_("Video leads"),
    "evaluation": N_("Evaluation"),
}
SOURCES = {
    "camera": N_("Cameras"),
    "video": N_("Video patrol"),
    "qr": N_("QR reports"),
    "hotline": N_("Hot line"),
    "patrol": N_("Patrols"),
}
SOURCE_COLOURS = (dark.ICE, dark.AMBER, (168, 148, 255, 255), (120, 208, 140, 255), dark.QUIET)
INDICATORS = {
    "registered": N_("Registered of reported"),
    "disposed": N_("Disposed of registered"),
    "closed": N_("Closed of registered"),
    "closed_in_time": N_("Closed in time"),
}
SEEN, UNSEEN = dark.ICE, (70, 82, 92, 255)
HOURS = tuple((hour, f"{hour:02d}:00") for hour in (0, 6, 12, 18))
STEADY_RATIO = 0.95
"""Fewer cameras online than this share of all is worth a look."""
INTERVALS = N_("95 % intervals; ordered by the lower limit")


def overview(found: wall.OverviewPage, town: Town, say: Say, language: str) -> Told:
    """The city at a glance."""
    figures = found.figures
    blind = figures.dark_cells / figures.cells if figures.cells else None
    left = [
        figure(
            say(N_("Violations on record")),
            number(figures.violations),
            note=within(found.period, town, say),
        ),
        figure(
            say(N_("Cameras online")),
            number(figures.cameras_online),
            unit=say(N_("of {number}"), number=number(figures.cameras)),
        ),
        figure(say(N_("Ground that a camera sees")), percent(figures.coverage_ratio)),
        figure(
            say(N_("Cells without evidence")),
            number(figures.dark_cells),
            unit=say(N_("of {number}"), number=number(figures.cells)),
            note=say(
                N_("{share}: nobody looks there, which does not mean that all is well"),
                share=percent(blind, 0),
            ),
            tone="warn",
        ),
    ]
    days = list(found.by_day["day"])
    right = [
        series(
            say(N_("Violations a day")),
            found.by_day["cases"],
            [(at, f"{days[at]:%m-%d}") for at in range(0, len(days), max(14, -(-len(days) // 4)))],
            note=say(N_("{days} days to {day}"), days=len(days), day=f"{days[-1]:%Y-%m-%d}") if days else "",
        ),
        bars(say(N_("Where: by community")), named(found.by_area, language), empty=say(N_("Nothing yet."))),
        split(
            say(N_("Who found them")),
            [
                (say(SOURCES.get(str(row.source), str(row.source))), row.cases, number(row.cases), colour)
                for row, colour in zip(found.by_source.itertuples(), SOURCE_COLOURS, strict=False)
            ],
        ),
    ]
    method = say(
        N_(
            "Cases and confirmed leads as they were found: where more cameras look, more is found. Rates divide by"
            " exposure."
        )
    )
    return Told(left, right, method, ("camera_views", "heat", "cameras"), closer=-0.35, bearing_deg=-24)


def cells(found: wall.CellPage, town: Town, say: Say, language: str) -> Told:
    """Grid and cases."""
    blind = found.cells - found.seen_cells
    recently = within(found.period, town, say)
    left = [
        figure(say(N_("Violations on record")), number(found.recent.now), note=recently),
        changed(found.recent, found.period.days or RECENT_DAYS, say),
        split(
            say(N_("Unit cells")),
            [
                (say(N_("looked at")), found.seen_cells, number(found.seen_cells), SEEN),
                (say(N_("no evidence")), blind, number(blind), UNSEEN),
            ],
        ),
        bars(say(N_("What: by class")), named(found.by_class, language), empty=say(N_("Nothing yet."))),
    ]
    right = [
        series(say(N_("Violations by hour of the day")), found.by_hour, HOURS, note=recently),
        table(
            say(N_("Most violations per exposure")),
            ranked(found.worst.assign(label=[cell(str(code)) for code in found.worst["code"]])),
            unit=say(N_("an hour of full view")),
            note=say(INTERVALS),
            empty=say(N_("Nobody looked at any cell.")),
        ),
    ]
    method = say(
        N_(
            "Captures over exposure (kerb in view × hours sampled × recall), gamma-Poisson over all cells; grey veil:"
            " no evidence."
        )
    )
    return Told(
        left,
        right,
        method,
        ("unit_cells",),
        measure="rate",
        breaks=tuple(found.breaks),
        places=pins(found.worst),
        focus=middle(found.worst),
        closer=0.25,
        pitch_deg=46,
        bearing_deg=14,
    )


def cameras(found: wall.CameraPage, _town: Town, say: Say, _language: str) -> Told:
    """Cameras and coverage."""
    online = found.online / found.cameras if found.cameras else None
    brightest = float(np.nanmax(found.by_hour)) if np.isfinite(found.by_hour).any() else None
    left = [
        figure(say(N_("Cameras")), number(found.cameras)),
        figure(
            say(N_("Online")),
            percent(online),
            note=say(
                N_("{number} are offline or in maintenance"), number=number(found.cameras - found.online)
            ),
            tone="good" if online is not None and online >= STEADY_RATIO else "warn",
        ),
        figure(say(N_("Ground that a camera sees")), percent(found.once_ratio)),
        figure(
            say(N_("Ground that two or more see")),
            percent(found.twice_ratio),
            note=say(N_("where one may fail, or be spared")),
        ),
    ]
    right = [
        bars(
            say(N_("Ground seen well enough to …")),
            [
                (say(TASKS[str(row.name)]), 0.0 if pd.isna(row.ratio) else row.ratio, percent(row.ratio, 2))
                for row in found.by_task.itertuples()
            ],
            note=say(N_("classes of EN 62676-4 (DORI)")),
        ),
        series(
            say(N_("Ground in view by hour of the day")), 100 * found.by_hour, HOURS, text=percent(brightest)
        ),
        bars(
            say(N_("Cameras by owner")),
            [
                (owner(str(row.owner), say), row.cameras, number(row.cameras))
                for row in found.by_owner.itertuples()
            ],
        ),
    ]
    method = say(
        N_(
            "What a camera online sees: its field and range, minus what buildings hide and the blind cone under it."
        )
    )
    return Told(left, right, method, ("camera_views", "cameras"), closer=0.45, pitch_deg=56, bearing_deg=-38)


def parking(found: wall.ParkingPage, _town: Town, say: Say, _language: str) -> Told:
    """Parking."""
    busiest = float(np.nanmax(found.by_hour)) if np.isfinite(found.by_hour).any() else None
    left = [
        figure(
            say(N_("Illegal parking begins")),
            number(found.per_h, 1),
            unit=say(N_("times an hour")),
            note=say(
                N_("estimate for {told} of {all} streets; captures tell {seen} of them"),
                told=number(found.edges),
                all=number(found.edges + found.dark_edges),
                seen=number(found.seen_edges),
            ),
        ),
        recall(found.recall, say),
        split(
            say(N_("Kerbs by rule, km")),
            [
                (rule(row.legal, say), row.km, number(row.km, 1), rule_colour(row.legal))
                for row in found.kerb_km.itertuples()
            ],
        ),
        figure(
            say(N_("Car parks")),
            number(found.car_parks),
            note=say(
                N_("capacity on record for {told} of them: {spaces} spaces"),
                told=number(found.told_capacity),
                spaces=number(found.capacity),
            ),
        ),
    ]
    right = [
        series(
            say(N_("How busy the hours are")),
            found.by_hour,
            HOURS,
            unit=say(N_("× the mean")),
            text=number(busiest, 1),
            shape="line",
        ),
        table(
            say(N_("Streets where it happens most")),
            ranked(found.worst.assign(label=found.worst["name"])),
            unit=say(N_("a kilometre and hour")),
            note=say(INTERVALS),
            empty=say(N_("No street was looked at.")),
        ),
    ]
    method = say(
        N_(
            "Captures over exposure by hour of the week, gamma-Poisson about a log-linear model; streets told by the"
            " model are blue."
        )
    )
    return Told(
        left,
        right,
        method,
        ("kerbs", "edge_demand"),
        places=pins(found.worst),
        focus=middle(found.worst),
        closer=0.7,
        pitch_deg=50,
        bearing_deg=26,
    )


def pipes(found: wall.PipePage, _town: Town, say: Say, _language: str) -> Told:
    """Pipes and lifelines."""

    def by_network(rows: pd.DataFrame, column: str, digits: int, label: str, unit: str = "") -> Block:
        networks = [str(each) for each in rows["network"]]
        sizes = [float(each) for each in rows[column]]
        return bars(
            label,
            [
                (say(NETWORKS.get(name, name)), size, number(size, digits))
                for name, size in zip(networks, sizes, strict=True)
            ],
            unit=unit,
            empty=say(N_("Nothing yet.")),
            colours=[dark.PIPES.get(name, dark.PIPES["unknown"]) for name in networks],
        )

    left = [
        figure(say(N_("Pipelines on record")), number(float(found.by_network["km"].sum()), 1), unit="km"),
        figure(say(N_("Manholes, hydrants and valves")), number(int(found.nodes["nodes"].sum()))),
        figure(
            say(N_("Length with a known diameter")),
            percent(found.sized_ratio, 0),
            note=say(N_("flow and pressure cannot be computed without")),
        ),
        figure(
            say(N_("Sensors online")),
            number(found.online),
            unit=say(N_("of {number}"), number=number(found.sensors)),
        )
        if found.sensors
        else statement(
            say(N_("Sensors")),
            say(N_("None is on record: a leak is known only when somebody reports it.")),
        ),
    ]
    right = [
        by_network(found.by_network, "km", 2, say(N_("Length by network")), "km"),
        by_network(found.nodes, "nodes", 0, say(N_("Nodes by network"))),
    ]
    method = say(
        N_(
            "Networks as their sources give them, in the colours of CJJ 61; what no source holds is not shown."
        )
    )
    return Told(
        left,
        right,
        method,
        ("pipes", "pipe_nodes", "sensors"),
        focus=found.middle,
        closer=0.5,
        pitch_deg=40,
        bearing_deg=-8,
    )


def video(found: wall.LeadPage, town: Town, say: Say, language: str) -> Told:
    """Video leads."""
    watched = sum(found.streams.values())
    oldest = found.desk.oldest_at
    left = [
        figure(
            say(N_("Leads that wait for a person")),
            number(found.desk.waiting),
            note=say(
                N_("the oldest since {moment}"), moment=f"{oldest.astimezone(town.time_zone):%m-%d %H:%M}"
            )
            if oldest
            else "",
            tone="warn" if found.desk.waiting else "good",
        ),
        figure(say(N_("Judged today")), number(found.desk.judged_today)),
        figure(
            say(N_("Looks in the last hour")),
            number(found.looks),
            note=say(N_("cameras on patrol: {number}"), number=number(watched)),
        ),
        split(
            say(N_("Streams on patrol")),
            [
                (say(words), found.streams.get(state, 0), number(found.streams.get(state, 0)), colour)
                for (state, (_, words)), colour in zip(
                    STREAM_STATES.items(), (dark.ICE, dark.AMBER, dark.CORAL, dark.QUIET), strict=True
                )
            ],
        )
        if watched
        else statement(say(N_("Streams on patrol")), say(N_("No camera is on patrol."))),
    ]
    hours = list(found.by_hour["at"])
    newest = [
        {
            "mark": str(rank),
            "label": str(row.name_zh if language == "zh-CN" else row.name_en),
            "value": row.confidence,
            "lower": None,
            "upper": None,
            "text": percent(row.confidence, 0),
            "note": f"{row.first_seen_at.astimezone(town.time_zone):%m-%d %H:%M} · {say(VERDICTS[str(row.state)])}",
        }
        for rank, row in enumerate(found.newest.itertuples(), 1)
    ]
    right = [
        series(
            say(N_("Leads by hour, last 24 hours")),
            found.by_hour["leads"],
            [(at, f"{hours[at]:%H}:00") for at in range(0, len(hours), 6)],
        ),
        table(
            say(N_("Newest leads")),
            newest,
            unit=say(N_("score of the detector")),
            empty=say(N_("No lead is on record.")),
        ),
    ]
    method = say(
        N_(
            "A rule fired on sampled frames. A lead is no case until a person confirms it; pictures stay off the wall."
        )
    )
    return Told(
        left,
        right,
        method,
        ("camera_views", "camera_health", "findings"),
        places=pins(found.newest.head(1)),
        focus=middle(found.newest.head(1)),
        closer=1.1,
        pitch_deg=58,
        bearing_deg=40,
    )


def evaluation(found: wall.Evaluation, _town: Town, say: Say, language: str) -> Told:
    """Evaluation."""
    left: list[Block] = []
    for each in found.shares:
        label = say(INDICATORS[each.name])
        if each.ratio is None:
            left.append(statement(label, not_told(each.name, say, limited=found.limited, timed=found.timed)))
            continue
        limits = say(
            N_("{hits} of {of} · {lower} – {upper} %"),
            hits=number(each.hits),
            of=number(each.of),
            lower=number(100 * each.lower, 1),
            upper=number(100 * each.upper, 1),
        )
        left.append(share(label, each.ratio, lower=each.lower, upper=each.upper, note=limits))
    name = "name_zh" if language == "zh-CN" else "name_en"
    ranks, changes = [], []
    for row in found.areas.head(wall.TOP).itertuples():
        seen = pd.notna(row.rank)
        ranks.append(
            {
                "mark": "",
                "label": getattr(row, name),
                "value": row.rate_per_h,
                "lower": row.lower,
                "upper": row.upper,
                "text": number(row.rate_per_h, 3),
                "note": say(N_("rank {first} to {last}"), first=int(row.rank_first), last=int(row.rank_last))
                if seen
                else say(N_("no evidence: nobody looked")),
            }
        )
    for row in found.reports.itertuples():
        ratio = row.change.ratio
        changes.append(
            {
                "mark": "",
                "label": getattr(row, name),
                "value": ratio,
                "lower": row.change.lower,
                "upper": row.change.upper,
                "text": DASH if ratio is None else f"× {ratio:.2f}",
                "note": say(verdict(row.change)),
            }
        )
    right = [
        table(
            say(N_("Communities by violations per exposure")),
            ranks,
            unit=say(N_("an hour of full view")),
            note=say(N_("95 % intervals of rate and rank")),
            empty=say(N_("Nobody looked at any cell.")),
        ),
        table(
            say(
                N_("Reports by people: {days} days against the {days} before"),
                days=found.compared_days or wall.COMPARED_DAYS,
            ),
            changes,
            empty=say(N_("Nobody reported anything.")),
            middle=1.0,
        ),
    ]
    method = say(
        N_(
            "Shares after GB/T 30428.4-2016, 95 % Jeffreys intervals; limits of scenes for {timed} of {cases} cases."
            " Compare with one's own past first, with others last."
        ),
        timed=number(found.timed),
        cases=number(found.cases),
    )
    return Told(
        left,
        right,
        method,
        ("unit_cells",),
        measure="rate",
        breaks=tuple(found.breaks),
        closer=-0.1,
        pitch_deg=44,
        bearing_deg=4,
    )


TELLERS: Mapping[str, Callable[[Any, Town, Say, str], Told]] = {
    "overview": overview,
    "cells": cells,
    "cameras": cameras,
    "parking": parking,
    "pipes": pipes,
    "video": video,
    "evaluation": evaluation,
}
"""Page → the function that tells what was found for it."""
