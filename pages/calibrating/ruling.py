"""The settings of a zone's rule as a form, made from the fields of the rule itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import pandas as pd
import streamlit as st

from analysis.errors import HuiyanError
from analysis.vision.detections import CLASS_NAMES
from analysis.vision.rules import RULES, from_settings, to_settings
from geodata.towns.town import Town
from layers.i18n import N_
from pages.session import explained, language, words

__all__ = ["DRAWN", "defaults", "settings_form"]

DRAWN = ("line", "arrow", "allowed")
"""Fields that are drawn on the picture, not typed."""
NEEDED: Mapping[str, Any] = {"line": ((0.0, 0.0), (1.0, 0.0)), "arrow": ((0.0, 0.0), (1.0, 0.0))}
"""For rules that cannot do without, before anything is drawn."""

LABELS = {
    "clear_px": N_("So near to the line is on neither side, px"),
    "area_m2": N_("Ground that the zone shows, m²"),
    "classes": N_("What it is about"),
    "direction": N_("Which crossings count"),
    "dwell_s": N_("Seen over at least, s"),
    "hold_s": N_("Seen going the wrong way for, s"),
    "ignored": N_("What is not the object"),
    "iou": N_("Overlap that continues a thing, 0 to 1"),
    "max_gap_s": N_("Unseen for longer it begins anew, s"),
    "min_area_ratio": N_("Smallest object, share of the zone"),
    "min_density": N_("People per m² from which it is crowded"),
    "min_median_score": N_("Median confidence at least, 0 to 1"),
    "travel_px": N_("Heading of its last way, px"),
    "travel_m": N_("Heading of its last way where calibrated, m"),
    "min_people": N_("People from which it is a lead"),
    "min_people_near_object": N_("People beside a new object from which it is a lead"),
    "min_ratio": N_("Share of the zone that must have changed"),
    "min_reference": N_("Usual look from at least so many samples"),
    "min_score": N_("Boxes count from this confidence, 0 to 1"),
    "min_share": N_("Seen in this share of the samples, 0 to 1"),
    "min_sights": N_("Seen in at least so many samples"),
    "reach": N_("Together within so many body heights"),
    "reference_s": N_("Usual look learned from the last, s"),
    "tolerance_deg": N_("Permitted up to this angle from the arrow, °"),
    "validity": N_("When it holds"),
}
"""Field of a rule → what it is called."""
HELP = {
    "min_people": N_("Empty: people are not counted."),
    "min_people_near_object": N_("Empty: objects are not looked for."),
    "min_density": N_("Empty: density is not looked at. It takes the ground that the zone shows."),
    "direction": N_(
        "Forward is from the left to the right of someone who looks from the first end to the second."
    ),
}
DIRECTIONS = {"both": N_("both"), "forward": N_("forward"), "backward": N_("backward")}
DAYS = (
    N_("Mon"),
    N_("Tue"),
    N_("Wed"),
    N_("Thu"),
    N_("Fri"),
    N_("Sat"),
    N_("Sun"),
)
STEPS = {
    "dwell_s": 10.0,
    "max_gap_s": 10.0,
    "reference_s": 60.0,
    "tolerance_deg": 5.0,
    "travel_px": 5.0,
    "clear_px": 1.0,
    "hold_s": 0.1,
    "travel_m": 0.5,
    "area_m2": 10.0,
    "min_density": 0.1,
    "reach": 0.1,
    "min_area_ratio": 0.01,
}
WHOLE = ("min_people", "min_people_near_object", "min_reference", "min_sights")


def defaults(kind: str) -> dict[str, Any]:
    """Plain settings of a rule that nobody has set."""
    wanted = {each.name for each in fields(RULES[kind])}
    return to_settings(from_settings(kind, {k: v for k, v in NEEDED.items() if k in wanted}))


def settings_form(kind: str, held: Mapping[str, Any], town: Town, key: str) -> dict[str, Any]:
    """
    A widget for every field of a rule.

    Parameters
    ----------
    kind
        Of the rule.
    held
        Plain settings to start from; what is missing takes its default.
    town
        Whose clock hours are read on.
    key
        Tells the widgets from those of another zone.

    Returns
    -------
    settings
        Plain settings, without the fields that are drawn; `from_settings` checks them.
    """
    start = defaults(kind)
    try:
        start = to_settings(from_settings(kind, start | _known(kind, held)))
    except HuiyanError as error:
        st.warning(explained(error), icon=":material/warning:")
    found: dict[str, Any] = {}
    typed = [each for each in fields(RULES[kind]) if each.name not in DRAWN]
    places = st.columns(2, gap="medium")
    small = [each.name for each in typed if each.name not in ("classes", "ignored", "validity")]
    for number, name in enumerate(small):
        with places[number % 2]:
            found[name] = _one(name, start[name], f"{key}_{kind}_{name}")
    for each in typed:
        if each.name in ("classes", "ignored"):
            found[each.name] = _classes(each.name, start[each.name], f"{key}_{kind}_{each.name}")
        elif each.name == "validity":
            clock = None if each.name in held else str(town.time_zone)
            found[each.name] = _validity(start[each.name], clock, f"{key}_{kind}_{each.name}")
    assert all(each.default is not MISSING or each.default_factory is not MISSING for each in typed)
    return found


def _known(kind: str, held: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in held.items() if name in RULES[kind].__dataclass_fields__}


def _one(name: str, value: Any, key: str) -> Any:
    label, hint = words(LABELS.get(name, name)), words(HELP[name]) if name in HELP else None
    if name == "direction":
        names = {each: words(title) for each, title in DIRECTIONS.items()}
        return st.selectbox(
            label,
            list(names),
            index=list(names).index(value),
            format_func=names.__getitem__,
            help=hint,
            key=key,
        )
    if name in WHOLE:
        given = st.number_input(label, value=value, step=1, format="%d", help=hint, key=key)
        return None if given is None else int(given)
    given = st.number_input(
        label,
        value=None if value is None else float(value),
        step=STEPS.get(name, 0.05),
        format="%.2f" if STEPS.get(name, 0.05) < 1 else "%.0f",
        help=hint,
        key=key,
    )
    return None if given is None else float(given)


def _classes(name: str, value: list[int], key: str) -> list[int]:
    own = 0 if language() == "zh-CN" else 1
    names = {number: both[own] for number, both in sorted(CLASS_NAMES.items())}
    return st.multiselect(
        words(LABELS[name]),
        list(names),
        default=[number for number in value if number in names],
        format_func=names.__getitem__,
        key=key,
    )


def _validity(value: Mapping[str, Any], zone_name: str | None, key: str) -> dict[str, Any]:
    """Hours of the week, dates, and the clock they are read on."""
    st.markdown(f"**{words(LABELS['validity'])}**")
    st.caption(
        words(
            N_(
                "Without a row it holds always. Hours that end before they begin run past midnight and belong to the"
                " day on which they begin; 00:00 to 00:00 is the whole day."
            )
        )
    )
    days = {f"d{number}": words(name) for number, name in enumerate(DAYS, start=1)}
    rows = [
        {"start": _clock(each["start"]), "end": _clock(each["end"])}
        | {day: int(day[1:]) in each["days"] for day in days}
        for each in value["weekly"]
    ]
    held = pd.DataFrame(rows, columns=["start", "end", *days])
    for name in days:
        held[name] = held[name].astype(bool)
    clock = st.column_config.TimeColumn
    edited = st.data_editor(
        held.astype({"start": object, "end": object}),
        num_rows="dynamic",
        hide_index=True,
        key=f"{key}_weekly",
        column_config={
            "start": clock(words(N_("From")), format="HH:mm", default=dt.time(0)),
            "end": clock(words(N_("To")), format="HH:mm", default=dt.time(0)),
            **{
                day: st.column_config.CheckboxColumn(name, default=True, width="small")
                for day, name in days.items()
            },
        },
    )
    weekly = [
        {
            "days": [int(day[1:]) for day in days if bool(row[day])],
            "start": _told_clock(row["start"]),
            "end": _told_clock(row["end"]),
        }
        for row in edited.to_dict("records")
    ]
    first, last, zone = st.columns(3)
    with first:
        begins = st.date_input(words(N_("First day")), value=_day(value["first_day"]), key=f"{key}_first")
    with last:
        ends = st.date_input(words(N_("Last day")), value=_day(value["last_day"]), key=f"{key}_last")
    with zone:
        own = zone_name or value["time_zone"]
        name = st.text_input(words(N_("Time zone")), value=own, key=f"{key}_zone")
    return {
        "weekly": weekly,
        "first_day": begins.isoformat() if begins else None,
        "last_day": ends.isoformat() if ends else None,
        "time_zone": name,
    }


def _clock(told: str) -> dt.time:
    return dt.time.fromisoformat(told)


def _told_clock(value: Any) -> str:
    return value.strftime("%H:%M") if isinstance(value, dt.time) else str(value or "00:00")[:5]


def _day(told: str | None) -> dt.date | None:
    return None if told is None else dt.date.fromisoformat(told)
