"""Reports of hot spots that were kept: places that stand out, with how sure one can be."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pandas as pd

from layers.hotspots import (
    COLUMNS,
    EMERGING,
    KINDS,
    STATISTICS,
    class_labels,
    method_of,
    readable,
    unit_of,
)
from layers.i18n import N_
from layers.layer import Colour
from pages.paper.brief import Grid, Section
from pages.paper.classes import fill, hexed
from pages.paper.mapping import Ink, MapLayer
from pages.paper.runs.asked import class_words
from pages.paper.runs.stage import Stage, Story
from pages.paper.telling import Say

__all__ = ["tell_hot_spots"]

MOST_ROWS = 40
MOST_COLUMNS = 8
FIRST = (
    "rank",
    "code",
    "name",
    "distance",
    "days",
    "kind",
    "events",
    "expected",
    "value",
    "ratio",
    "z",
    "i",
    "llr",
    "p",
)
"""Columns of a place on paper, the weightiest first; the rest are in the layer."""


def tell_hot_spots(stage: Stage) -> Story:
    """A statistic of a class in a period."""
    say, body = stage.say, stage.facts.run.result
    asked = body["question"]
    statistic, place = asked["statistic"], asked["place"]
    by_exposure = asked["denominator"] == "exposure"
    unit = say(unit_of(statistic, place, by_exposure=by_exposure))
    title = say(STATISTICS[statistic])
    method = method_of(
        statistic,
        place,
        body["notes"],
        say,
        by_exposure=by_exposure,
        between="" if stage.language == "zh-CN" else " ",
    )
    evidence, places = body["evidence"]
    rows = [
        (say("Events"), f"{body['events']:,}"),
        (say("Left out: nobody looked there, or no kerb is near"), f"{body['events_left_out']:,}"),
        (say("With evidence, of all"), f"{evidence:,.6g} / {places:,.6g}"),
    ]
    looks = EMERGING if statistic == "emerging" else KINDS
    layer = stage.collection(body, title, method)
    layer.pop("table", None)
    layer["unit"] = unit
    sections = [
        Section(
            say("Key figures"),
            (),
            Grid((say("Figure"), say("Value")), tuple(rows), (0.66, 0.34), frozenset({1})),
        ),
        stage.map(
            say("Map"),
            _drawn(stage, body, looks),
            notes=(
                f"{title} ({unit})",
                say("Streets and buildings under the map are those that are loaded now."),
            ),
        ),
        _table(stage, body, looks, unit, by_exposure=by_exposure),
    ]
    last = dt.date.fromisoformat(asked["until"]) - dt.timedelta(days=1)
    code = class_words(asked["class"], stage.conn, stage.language)
    lead = [say("Class {code}, {since} – {until}", code=code, since=asked["since"], until=last)]
    if not by_exposure and statistic != "repeat":
        lead.append(say("A map of captures is a map of cameras: divide by exposure before you act on it."))
    return Story(
        title=f"{say('Hot spots')}: {title}",
        lead=tuple(lead),
        sections=tuple(each for each in sections if each is not None),
        layers={"hot_spots": (title, layer)},
        methods=(method,),
        simulated=bool(body.get("simulated", True)),
        question=stage.facts.run.parameters,
    )


def _drawn(stage: Stage, body: dict[str, Any], looks: dict[str, tuple[Colour, str]]) -> list[MapLayer]:
    say = stage.say
    if not body["features"]:
        return []
    shapes = stage.frame(body)
    lines = shapes.geom_type.iloc[0].endswith("LineString")
    labels = dict(zip((f"class{n}" for n in range(1, 10)), class_labels(body["limits"]), strict=False))
    found = []
    for kind, (colour, words) in looks.items():
        ink = Ink(line=hexed(colour), width_pt=1.8) if lines else fill(colour)
        label = labels.get(kind) or (say(words) if words else "")
        found.append(MapLayer(shapes.geometry[(shapes["kind"] == kind).to_numpy()], ink, label))
    return found


def _table(
    stage: Stage, body: dict[str, Any], looks: dict[str, tuple[Colour, str]], unit: str, *, by_exposure: bool
) -> Section:
    say: Say = stage.say
    heads = {
        "repeat": N_("Pairs of events by distance and delay"),
        "density": N_("Where it is densest"),
        "scan": N_("Clusters"),
    }
    statistic = body["question"]["statistic"]
    title = say(heads.get(statistic, N_("Places that stand out")))
    table = pd.DataFrame(body["table"])
    if table.empty:
        return Section(title, (say("No place stands out from chance in this period."),))
    rows = readable(table, looks, say, chinese=stage.language == "zh-CN")
    there = [name for name in COLUMNS if name in rows]
    if not by_exposure and statistic != "density":
        there = [name for name in there if name != "value"]
    order = [name for name in FIRST if name in there] + [name for name in there if name not in FIRST]
    shown = order[:MOST_COLUMNS]
    if "p_fdr" in there and "p_fdr" not in shown:
        shown = [*shown[: MOST_COLUMNS - 1], "p_fdr"]
    cells = tuple(
        tuple(_plain(row[name], COLUMNS[name][1]) for name in shown)
        for row in rows.head(MOST_ROWS).to_dict("records")
    )
    wide = [2.0 if COLUMNS[name][1] is None else 1.0 for name in shown]
    numbers = frozenset(n for n, name in enumerate(shown) if COLUMNS[name][1] is not None)
    titles = tuple(unit if name == "value" else say(COLUMNS[name][0]) for name in shown)
    notes: tuple[str, ...] = ()
    if len(rows) > MOST_ROWS:
        notes = (say(N_("The first {count} of {all}."), count=MOST_ROWS, all=len(rows)),)
    return Section(title, notes, Grid(titles, cells, tuple(each / sum(wide) for each in wide), numbers))


def _plain(value: Any, form: str | None) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if form is None:
        return str(value)
    digits = re.sub(r"[%d]", "", form)
    return format(float(value), f",{digits}") if digits else f"{int(value):,}"
