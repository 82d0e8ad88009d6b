"""One cell or street: where its number comes from, in a sentence; its intervals; its week."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from analysis.demand import WEEK_H
from geodata.queries.parking import UNIT_CELL, ParkingGround, Standing
from layers import ramps
from layers.demand import EVIDENCE
from layers.i18n import N_
from layers.streets import street_words
from pages.kerbside.choosing import Choice, hours_told
from pages.session import language, literal, words
from pages.widgets.screen import fact_table, simulated_mark

__all__ = ["inspect", "origin"]

WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
DASH = "–"


def inspect(
    ground: ParkingGround, standing: Standing, choice: Choice, table: pd.DataFrame, place: int | None
) -> None:
    """The panel of the selected place."""
    st.header(words(N_("One place")), anchor=False)
    if place is None:
        st.caption(words(N_("Click a cell or a street on the map.")))
        return
    st.markdown(f"**{literal(_title(ground, choice, place))}**")
    st.write(origin(ground, standing, choice.place, place))
    row = {str(name): value for name, value in table.loc[place].items()}
    fact_table(_facts(row, choice))
    _week(standing, choice, place)
    st.html(simulated_mark())


def origin(ground: ParkingGround, standing: Standing, kind: str, place: int) -> str:
    """Where the rate of a place comes from, in one sentence."""
    known = standing.found.demand[kind].of(place)
    low, high = ground.recall.interval()
    recall = words(
        N_("recall {mean:.2f} ({low:.2f}–{high:.2f})"), mean=ground.recall.mean, low=low, high=high
    )
    if known["evidence"] == "none":
        return words(
            N_("No evidence: nobody looked here, and the place is unlike all places where somebody did.")
        )
    if known["exposure"] <= 0:
        return words(
            N_(
                "Nobody looked at these {length:,.0f} m of kerb: the model alone tells the estimate, from what lies"
                " about the place."
            ),
            length=known["length_m"],
        )
    return words(
        N_(
            "{captures:,.0f} captures in {hours:,.0f} metre-hours looked at; captures tell {weight:.0%} of the"
            " estimate, the model the rest; {recall}."
        ),
        captures=known["captures"],
        hours=known["exposure"],
        weight=known["weight"],
        recall=recall,
    )


def _title(ground: ParkingGround, choice: Choice, place: int) -> str:
    row = ground.shapes[choice.place].loc[place]
    if choice.place == UNIT_CELL:
        area = row["name_zh" if language() == "zh-CN" else "name_en"]
        return f"{words(N_('Unit cell'))} {row['code']} · {area or DASH}"
    name = row["name"] if isinstance(row["name"], str) else words(N_("Street without a name"))
    return f"{name} · {street_words(row['highway'], words)} · {words(N_('edge {number}'), number=place)}"


def _facts(row: Mapping[str, Any], choice: Choice) -> list[tuple[str, str]]:
    def span(level: int) -> str:
        return f"{_number(row[f'lower{level}'], 3)} – {_number(row[f'upper{level}'], 3)}"

    return [
        (words(N_("Hours")), hours_told(choice)),
        (words(N_("Evidence")), words(EVIDENCE[str(row["evidence"])][1])),
        (words(N_("Violations per 100 m and hour")), _number(row["rate_100"], 3)),
        (words(N_("80 % interval")), span(80)),
        (words(N_("95 % interval")), span(95)),
        (words(N_("Violations an hour in the place")), _number(row["per_h"], 3)),
        (words(N_("Kerb without bays")), f"{_number(row['length_m'], 0)} m"),
        (words(N_("Captures")), _number(row["captures"], 0)),
        (words(N_("Reports by people")), _number(row["reports"], 0)),
        (words(N_("Kerb looked at")), f"{_number(row['exposure_kmh'], 2)} km·h"),
        (words(N_("Vehicles that want a place, at a time")), _number(row["wanted"], 3)),
        (words(N_("Free places within the walk")), _number(row["reach"], 0)),
        (words(N_("Free places for each of them (E2SFCA)")), _number(row["access"], 1)),
        (words(N_("Without a place, vehicle-hours a week")), _number(row["unmet"], 2)),
    ]


def _number(value: Any, digits: int) -> str:
    return DASH if pd.isna(value) else f"{value:,.{digits}f}"


def _week(standing: Standing, choice: Choice, place: int) -> None:
    """Violations expected in each hour of the week, as days by hours."""
    demand = standing.found.demand[choice.place]
    at = int(demand.places.index.get_indexer(pd.Index([place]))[0])
    expected = demand.by_hour()[at]
    if np.isnan(expected).any():
        return
    hours = np.arange(WEEK_H)
    days = [words(each) for each in WEEKDAYS]
    week = pd.DataFrame(
        {
            "day": [days[hour // 24] for hour in hours],
            "hour": hours % 24,
            "expected": expected,
            "captures": demand.hour_captures[at],
            "looked": demand.hour_exposure[at],
            "chosen": np.isin(hours, choice.hours),
        }
    )
    colour = alt.Color(
        "expected:Q",
        title=words(N_("violations an hour")),
        scale=alt.Scale(range=[ramps.css((*each[:3], 255)) for each in ramps.ORANGES]),
        legend=alt.Legend(orient="bottom", direction="horizontal", gradientLength=150, format=".2~g"),
    )
    chart = (
        alt.Chart(week)
        .mark_rect()
        .encode(
            x=alt.X(
                "hour:O",
                title=words(N_("Hour of the day")),
                axis=alt.Axis(labelAngle=0, values=[0, 6, 12, 18]),
            ),
            y=alt.Y("day:N", sort=days, title=None),
            color=colour,
            opacity=alt.condition("datum.chosen", alt.value(1.0), alt.value(0.35)),
            tooltip=[
                alt.Tooltip("day:N", title=words(N_("Day"))),
                alt.Tooltip("hour:O", title=words(N_("Hour of the day"))),
                alt.Tooltip("expected:Q", format=".4f", title=words(N_("violations an hour"))),
                alt.Tooltip("captures:Q", format=".1f", title=words(N_("Captures"))),
                alt.Tooltip("looked:Q", format=",.0f", title=words(N_("metre-hours looked at"))),
            ],
        )
        .properties(height=alt.Step(15))
    )
    st.altair_chart(chart, width="stretch")
    st.caption(words(N_("Hour by hour, as the town's week goes; hours that were not chosen are pale.")))
