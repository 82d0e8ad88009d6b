"""Cameras and people: who finds what by district, where cameras are silent, and which rounds looking spares."""

from __future__ import annotations

import altair as alt
import geopandas as gpd
import numpy as np
import pandas as pd
import streamlit as st

from geodata.queries.shares import REASONS, SPANS_D, TOWN
from geodata.towns.town import Town
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import shape_layer, tile_layer, view_state
from layers.i18n import N_
from layers.layer import Colour, Form
from pages import cached, cached_desk
from pages.session import language, words
from pages.watching.telling import camera_name, class_name, title
from pages.widgets.figures import figures
from pages.widgets.legend import keys, shown_sources
from pages.widgets.map import show_map
from pages.widgets.screen import simulated_mark
from pages.widgets.taking import data_table

__all__ = ["shares_tab"]

REASON_NAMES = {
    "silent": N_("cameras look there and find nothing"),
    "unsampled": N_("cameras see it and were not sampled"),
    "unseen": N_("no camera sees it"),
}
COLOURS: dict[str, Colour] = {
    "silent": ramps.FINDING,
    "unsampled": ramps.ACCENT,
    "unseen": ramps.CAMERA_OFF,
}
LINES = ["#0b6e8f", "#d55e00", "#7a5195", "#2e7d32", "#b8860b", "#6b7280"]
MOST_LINES = 5
"""Districts drawn beside the town: those where people found most."""
FLAT = Form(fill=(222, 226, 223, 255), line=(205, 210, 206, 255))
SPAN_NAMES = {1: N_("the last 24 hours"), 7: N_("the last 7 days")}


def shares_tab(revision: int, town: Town) -> None:
    """The tab."""
    st.caption(
        words(
            N_(
                "By cameras: captures, and leads of the patrol that a person confirmed. By people: street points (QR),"
                " the hot line, patrols on foot. A violation that both found counts for both."
            )
        )
    )
    months, districts = cached_desk.month_shares(revision)
    if months.empty:
        st.info(words(N_("No violation is on record: there is nothing to share.")), icon=":material/inbox:")
    else:
        _shares(months, districts)
        _silent(revision, town)
    _rounds()


def _name(row: object) -> str:
    return str(getattr(row, "name_zh" if language() == "zh-CN" else "name_en"))


def _shares(months: pd.DataFrame, districts: pd.DataFrame) -> None:
    st.header(words(N_("Share that cameras find, by district")), anchor=False)
    whole = districts.iloc[0]
    figures(
        [
            (
                N_("Share found by cameras"),
                f"{whole.share:.1%}",
                N_(
                    "Of all violations on record, not of those that happen: what neither finds is in neither."
                ),
            ),
            (N_("95 % interval"), f"{whole.lower:.1%} – {whole.upper:.1%}"),
            (N_("Found by cameras"), f"{whole.cameras:,}"),
            (N_("Found by people"), f"{whole.people:,}"),
        ]
    )
    _trend(months, districts)
    rows = pd.DataFrame(
        {
            "district": [
                words(N_("the whole town")) if row.code == TOWN else _name(row)
                for row in districts.itertuples()
            ],
            "cameras": districts["cameras"],
            "people": districts["people"],
            "share": 100 * districts["share"],
            "interval": [f"{row.lower:.1%} – {row.upper:.1%}" for row in districts.itertuples()],
            "before": 100 * districts["before"],
            "change": 100 * districts["change"],
        }
    )
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    data_table(
        "shares-by-district",
        rows,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(rows), 460),
        key="shares_districts",
        column_config={
            "district": texts(words(N_("District"))),
            "cameras": number(words(N_("Found by cameras")), format="localized"),
            "people": number(words(N_("Found by people")), format="localized"),
            "share": number(words(N_("Share found by cameras")), format="%.1f %%"),
            "interval": texts(words(N_("95 % interval"))),
            "before": number(words(N_("Earlier half of the months")), format="%.1f %%"),
            "change": number(words(N_("Change to the later half, points")), format="%+.1f"),
        },
    )
    if districts["simulated"].any():
        st.html(f"{simulated_mark()} {words(N_('violations'))}")


def _trend(months: pd.DataFrame, districts: pd.DataFrame) -> None:
    """Lines of the town and of the districts where people found most; upright, the 95 % interval of each month."""
    names = {
        row.code: words(N_("the whole town")) if row.code == TOWN else _name(row)
        for row in districts.head(1 + MOST_LINES).itertuples()
    }
    rows = months[months["code"].isin(names) & months["found"].gt(0)]
    rows = rows.assign(what=rows["code"].map(names), month=rows["month"].astype(str).str.slice(0, 7))
    rows = rows.assign(interval=[f"{row.lower:.1%} – {row.upper:.1%}" for row in rows.itertuples()])
    shown = list(names.values())
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=shown, range=LINES[: len(names)]),
        legend=alt.Legend(orient="bottom", columns=3),
    )
    found = alt.Chart(rows[["what", "month", "share", "lower", "upper", "interval", "found"]]).encode(
        x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        # side by side, or intervals of one month would hide each other
        xOffset=alt.XOffset("what:N", scale=alt.Scale(domain=shown, paddingOuter=0.2)),
        color=colour,
        tooltip=[
            alt.Tooltip("what:N", title=words(N_("District"))),
            alt.Tooltip("month:O", title=words(N_("Month"))),
            alt.Tooltip("share:Q", format=".1%", title=words(N_("Share found by cameras"))),
            alt.Tooltip("interval:N", title=words(N_("95 % interval"))),
            alt.Tooltip("found:Q", format=",", title=words(N_("Violations"))),
        ],
    )
    share = alt.Y("share:Q", title=None, axis=alt.Axis(format="%"))
    intervals = found.mark_rule(strokeWidth=2, opacity=0.55).encode(
        y=alt.Y("lower:Q", title=None, axis=alt.Axis(format="%")), y2="upper:Q"
    )
    lines = found.mark_line(point=True).encode(y=share)
    st.altair_chart((intervals + lines).properties(height=340), key="shares_trend", width="stretch")
    st.caption(words(N_("Upright lines: the 95 % interval of each month.")))


def _silent(revision: int, town: Town) -> None:
    st.header(words(N_("Where cameras find nothing though people do")), anchor=False)
    cells = cached_desk.silent_cells(revision)
    counts: dict[str, int] = cells.attrs["cells"]
    figures([(REASON_NAMES[name], f"{counts[name]:,}") for name in REASONS])
    if cells.empty:
        st.success(
            words(N_("Wherever people found something, cameras did too.")), icon=":material/check_circle:"
        )
        return
    names = {name: words(text) for name, text in REASON_NAMES.items()}
    chosen = st.segmented_control(
        words(N_("Why")),
        list(REASONS),
        format_func=names.__getitem__,
        selection_mode="multi",
        key="shares_why",
    )
    shown = cells[cells["reason"].isin(chosen)] if chosen else cells
    _silent_map(revision, town, shown)
    rows = pd.DataFrame(
        {
            "code": shown["code"],
            "community": shown["name_zh" if language() == "zh-CN" else "name_en"],
            "people": shown["people"],
            "why": shown["reason"].map(names),
            "chance": 100 * shown["chance"],
            "coverage": 100 * pd.to_numeric(shown["coverage_ratio"]),
        }
    )
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    data_table(
        "cameras-silent",
        rows,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(rows), 320),
        key="shares_silent",
        column_config={
            "code": texts(words(N_("Unit cell"))),
            "community": texts(words(N_("Community"))),
            "people": number(words(N_("Found by people"))),
            "why": texts(words(N_("Why")), width="large"),
            "chance": number(
                words(N_("Chance of silence")),
                format="%.2g %%",
                help=words(
                    N_(
                        "How likely cameras would find nothing here if they found as many for each report as they do"
                        " where they look. Small: look at angle, thresholds and zones of these cameras."
                    )
                ),
            ),
            "coverage": number(words(N_("Ground in view")), format="%.0f %%"),
        },
    )
    if len(cells) < sum(counts.values()):
        st.caption(words(N_("The first {count} of {all}."), count=len(cells), all=sum(counts.values())))


def _silent_map(revision: int, town: Town, shown: gpd.GeoDataFrame) -> None:
    layers = [LAYERS[name] for name in ("unit_cells", "streets", "cameras")]
    sources, simulated = shown_sources(cached.register(revision), layers)
    drawn = [
        tile_layer(LAYERS["buildings"], revision=revision, form=FLAT, pickable=False),
        *(
            shape_layer(
                f"silent_{name}",
                gpd.GeoDataFrame(geometry=shown.geometry[shown["reason"] == name], crs=shown.crs),
                Form(fill=(*COLOURS[name][:3], 150), line=(*COLOURS[name][:3], 255)),
                pickable=False,
            )
            for name in REASONS
            if (shown["reason"] == name).any()
        ),
        tile_layer(LAYERS["streets"], revision=revision, pickable=False),
        tile_layer(LAYERS["cameras"], revision=revision, pickable=False),
    ]
    show_map(
        "silent_map",
        drawn,
        view_state(town.centre, town.zoom - 0.35),
        sources,
        simulated=simulated,
        height_px=420,
        selectable=False,
    )
    keys(words(N_("Why")), [(COLOURS[name], REASON_NAMES[name], "fill") for name in REASONS])


def _rounds() -> None:
    st.header(words(N_("Rounds that looking spared")), anchor=False)
    names = {days: words(text) for days, text in SPAN_NAMES.items()}
    days = (
        st.segmented_control(
            words(N_("Over")), list(SPANS_D), format_func=names.__getitem__, default=1, key="shares_span"
        )
        or 1
    )
    places = cached_desk.spared_rounds(int(days))
    st.caption(
        words(
            N_(
                "An hour in which a camera looked at a place counts as one round that nobody had to walk, however many"
                " looks it had; an hour with a lead that a person confirmed does not, for somebody had to go. Whether"
                " anybody would have walked it is not known."
            )
        )
    )
    if places.empty:
        st.info(words(N_("No zone is switched on.")), icon=":material/inbox:")
        return
    figures(
        [
            (N_("Rounds spared"), f"{int(places['spared'].sum()):,}"),
            (N_("Rounds in which somebody had to go"), f"{int(places['gone'].sum()):,}"),
            (N_("Places"), f"{len(places):,}"),
        ]
    )
    rows = pd.DataFrame(
        {
            "place": [title(row) for row in places.itertuples()],
            "camera": [camera_name(row.camera_name, row.camera[-6:]) for row in places.itertuples()],
            "class": [class_name(row) for row in places.itertuples()],
            **{
                name: places[name].astype(np.int64) for name in ("looks", "rounds", "gone", "spared", "leads")
            },
        }
    )
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    data_table(
        "rounds-spared",
        rows,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(rows), 320),
        key="shares_rounds",
        column_config={
            "place": texts(words(N_("Zone"))),
            "camera": texts(words(N_("Camera"))),
            "class": texts(words(N_("Class of event"))),
            "looks": number(words(N_("Looks")), format="localized"),
            "rounds": number(words(N_("Hours looked at"))),
            "gone": number(words(N_("Somebody had to go"))),
            "spared": number(words(N_("Rounds spared"))),
            "leads": number(words(N_("Leads"))),
        },
    )
    if places["demonstration"].any():
        st.html(f"{simulated_mark()} {words(N_('The demonstration camera plays recorded footage.'))}")
