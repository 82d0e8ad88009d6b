"""Hot spots: where and when more happens than chance explains, over what was looked at."""

from __future__ import annotations

import datetime as dt
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pydeck as pdk
import streamlit as st

from geodata.commands.runs import keep_hot_spots
from geodata.export.hotspots import hotspots_geojson
from geodata.queries.hotspot_answers import STATISTICS as ORDER
from geodata.queries.hotspot_answers import HotSpots, Question
from geodata.queries.hotspots import Period, Scene
from geodata.towns.town import Town
from layers.catalogue import LAYERS
from layers.deck import shape_layer, tile_layer, view_state
from layers.hotspots import (
    COLUMNS,
    DENOMINATORS,
    EMERGING,
    KINDS,
    PLACES,
    STATISTICS,
    class_labels,
    kind_colour,
    method_of,
    readable,
    unit_of,
)
from layers.i18n import N_
from layers.layer import Colour, Form
from layers.placewise import colours_by_kind
from pages import cached
from pages.paper.telling import speaker
from pages.session import language, words
from pages.widgets.columns import side_and_field
from pages.widgets.figures import figures
from pages.widgets.legend import keys, shown_sources, source_line
from pages.widgets.map import Click, show_map
from pages.widgets.screen import fact_table, screen, told
from pages.widgets.sharing import run_report
from pages.widgets.taking import data_table, other_formats

DAYS = {
    "all": (N_("Every day"), (0, 1, 2, 3, 4, 5, 6)),
    "work": (N_("Monday to Friday"), (0, 1, 2, 3, 4)),
    "rest": (N_("Saturday and Sunday"), (5, 6)),
}
UNDER = ("buildings", "streets")
SOURCES = ("unit_cells", "violations", "streets", "buildings")
EDGE: Colour = (120, 130, 136, 90)
FLAT = Form(fill=(222, 226, 223, 255), line=(205, 210, 206, 255))
BANDWIDTHS_M = (50, 75, 100, 150, 200, 300, 400, 500)
SHOWN_ROWS = 100
QUIET = ("none", "no evidence", "weak", "hot", "cold")
"""Kinds that do not stand out from chance."""


def main() -> None:
    with screen(
        N_("Hot spots"),
        N_("Where and when more happens than chance explains, set against how long somebody looked there."),
    ) as revision:
        if revision is None:
            return
        town = cached.town(revision)
        side, field = side_and_field(2.9)
        with side:
            code = _class(revision)
            if code is None:
                return
            with st.spinner(words(N_("Reading events and what was looked at …"))):
                scene = cached.hot_spot_scene(revision, code)
            question = _question(scene)
        click, found = None, None
        with field, told():
            with st.spinner(words(N_("Computing …"))):
                found = cached.hot_spots(revision, question)
            click = _show(revision, town, scene, question, found)
        if click is not None and found is not None:
            with side:
                _facts(click, found)


# ---------------------------------------------------------------------------------------- what is asked


def _class(revision: int) -> str | None:
    classes = cached.hot_spot_classes(revision)
    if classes.empty:
        st.info(words(N_("There is no event in any cell yet.")), icon=":material/inbox:")
        return None
    named = classes["name_zh" if language() == "zh-CN" else "name_en"]
    names = {code: f"{name} ({code})" for code, name in named.items()}
    return str(
        st.selectbox(words(N_("Class of event")), list(names), format_func=names.__getitem__, key="hot_class")
    )


def _question(scene: Scene) -> Question:
    names = {each: words(STATISTICS[each]) for each in ORDER}
    statistic = st.selectbox(
        words(N_("Statistic")), list(ORDER), format_func=names.__getitem__, key="hot_statistic"
    )
    divided = _denominator(scene, statistic)
    place, bandwidth = "cells", 150
    if statistic == "density":
        titles = {each: words(title) for each, title in PLACES.items()}
        place = (
            st.segmented_control(
                words(N_("Density over")),
                list(PLACES),
                format_func=titles.__getitem__,
                default="cells",
                key="hot_place",
            )
            or "cells"
        )
        widths = {each: f"{each} m" for each in BANDWIDTHS_M}
        bandwidth = st.select_slider(
            words(N_("Bandwidth")), BANDWIDTHS_M, 150, format_func=widths.__getitem__, key="hot_bandwidth"
        )
    period = _period(scene)
    return Question(scene.class_code, period, statistic, divided, place, float(bandwidth))


def _denominator(scene: Scene, statistic: str) -> bool:
    """Whether events are divided by what was looked at."""
    if statistic == "repeat":
        st.caption(
            words(
                N_(
                    "Near repeat shuffles times only: what cameras see often stays so, and needs no denominator."
                )
            )
        )
        return False
    if not scene.can_divide:
        st.caption(words(N_("There is no exposure for this class: events count as they are.")))
        return False
    titles = {each: words(title) for each, title in DENOMINATORS.items()}
    chosen = st.segmented_control(
        words(N_("Denominator")),
        list(DENOMINATORS),
        format_func=titles.__getitem__,
        default="exposure",
        key="hot_denominator",
    )
    return (chosen or "exposure") == "exposure"


def _period(scene: Scene) -> Period:
    first, after = scene.span
    last = after - dt.timedelta(days=1)
    since, until = first, last
    if first < last:
        since, until = st.slider(
            words(N_("Days from – to")), first, last, (first, last), format="YYYY-MM-DD", key="hot_days"
        )
    titles = {each: words(title) for each, (title, _) in DAYS.items()}
    days = st.segmented_control(
        words(N_("Days of the week")),
        list(DAYS),
        format_func=titles.__getitem__,
        default="all",
        key="hot_weekdays",
    )
    begin, end = st.slider(words(N_("Hours of the day")), 0, 24, (0, 24), format="%d:00", key="hot_hours")
    if begin == end:
        begin, end = (begin, begin + 1) if begin < 24 else (23, 24)
    return Period(since, until + dt.timedelta(days=1), DAYS[days or "all"][1], begin, end)


# ---------------------------------------------------------------------------------------- what is seen


def _show(revision: int, town: Town, scene: Scene, question: Question, found: HotSpots) -> Click | None:
    if not question.by_exposure and question.statistic != "repeat" and scene.by_cameras:
        st.warning(
            words(N_("A map of captures is a map of cameras: divide by exposure before you act on it.")),
            icon=":material/visibility:",
        )
    if not scene.by_cameras:
        st.caption(words(N_("No camera captures this class: these are reports by people.")))
    _figures(question, found)
    looks = EMERGING if question.statistic == "emerging" else KINDS
    register = cached.register(revision)
    register = register[register["name"] != "finding"]  # events are captures, or reports by people
    named = [LAYERS[name] for name in SOURCES]
    sources, simulated = shown_sources(register, named)
    drawn = [
        tile_layer(LAYERS["buildings"], revision=revision, form=FLAT, pickable=False),
        tile_layer(LAYERS["streets"], revision=revision, pickable=False),
        _drawn(revision, found, looks, question),
    ]
    view = view_state(town.centre, town.zoom - 0.35)
    click = show_map("hot_map", drawn, view, sources, simulated=simulated, height_px=560)
    _legend(question, found, looks)
    method = _method(question, found)
    st.caption(method)
    source_line(register, named)
    _table(question, found, looks)
    names = {name for layer in named for name in layer.datasets} | {"exposure", "camera_view", "kerb"}
    rows = register[register["name"].isin(names)]
    stem = f"hot-spots-{question.statistic}-{question.class_code}"

    def collection() -> bytes:
        return hotspots_geojson(
            found,
            question,
            rows,
            title=words(STATISTICS[question.statistic]),
            method=method,
            unit=_unit(question),
        ).encode()

    with st.container(horizontal=True):
        st.download_button(
            "GeoJSON",
            collection,
            f"{stem}.geojson",
            "application/geo+json",
            icon=":material/download:",
            key="hot_geojson",
        )
        other_formats("hot", stem, collection)
        run_report(
            "hot_spots",
            (revision, question),
            lambda: keep_hot_spots(found, question, rows, method=_method(question, found, "en")),
        )
    return click


def _figures(question: Question, found: HotSpots) -> None:
    length = question.place == "streets" and question.statistic == "density"
    area = question.statistic == "density" and not length
    unit = " km" if length else " km²" if area else ""
    form = ",.1f" if length or area else ",.0f"
    clear = (~found.shapes["kind"].isin(QUIET)).sum()
    rows: list[tuple[str, str] | tuple[str, str, str]] = [
        (N_("Events"), f"{found.events:,}"),
        (
            N_("Left out"),
            f"{found.left_out:,}",
            N_(
                "Events where nobody looked in this period, or far from every kerb: nothing to divide them by."
            ),
        ),
        (N_("With evidence"), f"{found.evidence:{form}} / {found.places:{form}}{unit}"),
    ]
    if question.statistic in ("gi", "moran", "scan", "emerging"):
        rows.append((N_("Cells that stand out"), f"{clear:,}"))
    figures(rows)


def _drawn(
    revision: int, found: HotSpots, looks: dict[str, tuple[Colour, str]], question: Question
) -> pdk.Layer:
    """Cells as the tiles of all cells, coloured by their kinds; a density as one shape a class."""
    if question.statistic != "density":
        colours = {kind: colour for kind, (colour, _) in looks.items()}
        form = Form(fill=colours_by_kind(found.shapes["kind"], colours), line=EDGE, line_px=0.5)
        cells = tile_layer(LAYERS["unit_cells"], revision=revision, form=form)
        cells.id = "hot_spots"
        return cells
    shapes = found.shapes
    lines = question.place == "streets"
    colour = kind_colour(looks)
    form = Form(line=colour, line_px=4) if lines else Form(fill=colour, line=EDGE, line_px=0.5)
    plain = gpd.GeoDataFrame(shapes[["kind"]].astype(object), geometry=shapes.geometry, crs=shapes.crs)
    return shape_layer("hot_spots", plain, form, pickable=False)


def _legend(question: Question, found: HotSpots, looks: dict[str, tuple[Colour, str]]) -> None:
    title = STATISTICS[question.statistic]
    there = set(found.shapes["kind"])
    if found.limits:
        labels = class_labels(found.limits)
        entries = [(KINDS[f"class{n}"][0], label, "fill") for n, label in enumerate(labels, 1)]
        entries += [(KINDS[kind][0], KINDS[kind][1], "fill") for kind in ("no evidence",) if kind in there]
        keys(f"{words(title)} ({_unit(question)})", entries)
        return
    shown = [kind for kind in looks if kind in there]
    keys(f"{words(title)} ({_unit(question)})", [(looks[kind][0], looks[kind][1], "fill") for kind in shown])


def _unit(question: Question) -> str:
    """Of the value that is compared or drawn."""
    return words(unit_of(question.statistic, question.place, by_exposure=question.by_exposure))


def _method(question: Question, found: HotSpots, tongue: str | None = None) -> str:
    """How it was found, in a language; the visitor's if none is named."""
    tongue = tongue or language()
    between = "" if tongue == "zh-CN" else " "
    return method_of(
        question.statistic,
        question.place,
        found.notes,
        speaker(tongue),
        by_exposure=question.by_exposure,
        between=between,
    )


def _table(question: Question, found: HotSpots, looks: dict[str, tuple[Colour, str]]) -> None:
    heads = {
        "repeat": N_("Pairs of events by distance and delay"),
        "density": N_("Where it is densest"),
        "scan": N_("Clusters"),
    }
    st.header(words(heads.get(question.statistic, N_("Places that stand out"))), anchor=False)
    if found.table.empty:
        st.info(words(N_("No place stands out from chance in this period.")), icon=":material/info:")
        return
    rows = readable(found.table, looks, words, chinese=language() == "zh-CN")
    shown = [name for name in COLUMNS if name in rows]
    if not question.by_exposure and question.statistic != "density":
        shown = [name for name in shown if name != "value"]  # the same as the events
    rows = rows[shown].head(SHOWN_ROWS)
    config: dict[str, object] = {}
    for name in shown:
        title, form = COLUMNS[name]
        label = _unit(question) if name == "value" else words(title)
        config[name] = (
            st.column_config.NumberColumn(label, format=form) if form else st.column_config.TextColumn(label)
        )
    data_table(
        "hot-spots-shown", rows, column_config=config, hide_index=True, width="stretch", key="hot_table"
    )
    if len(found.table) > SHOWN_ROWS:
        st.caption(words(N_("The first {count} of {all}."), count=SHOWN_ROWS, all=len(found.table)))


def _facts(click: Click, found: HotSpots) -> None:
    """What is known of the cell that was clicked."""
    if click.id is None or click.id not in found.shapes.index or "code" not in found.shapes:
        return
    facts = {str(name): value for name, value in found.shapes.loc[click.id].items()}
    st.header(words(N_("One cell")), anchor=False)
    looks = {**KINDS, **EMERGING}
    name = facts.get("name_zh" if language() == "zh-CN" else "name_en")
    rows = [(words(N_("Unit cell")), str(facts["code"])), (words(N_("Community")), str(name or "–"))]
    for column, (title, form) in COLUMNS.items():
        value = facts.get(column)
        if isinstance(value, np.generic):
            value = value.item()
        if column == "kind" and value in looks and looks[str(value)][1]:
            rows.append((words(title), words(looks[str(value)][1])))
        elif form and isinstance(value, int | float) and not pd.isna(value):
            digits = re.sub(r"[%d]", "", form)
            rows.append((words(title), format(value, f",{digits}") if digits else f"{int(value):,}"))
    fact_table(rows)


main()
