"""Where nobody looks: blind areas by camera, patrol and report, and coverage by group of cameras."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import streamlit as st

from analysis.coverage import blind_cells
from geodata.queries.outlook import Outlook
from geodata.towns.town import Town
from layers.catalogue import LAYERS
from layers.deck import tile_layer, view_state
from layers.i18n import N_
from layers.layer import Colour, Form, Measure
from layers.measures import GROUP_MEASURES
from layers.placewise import colours_by_kind
from pages import cached
from pages.session import language, words
from pages.widgets.columns import side_and_field
from pages.widgets.figures import figures
from pages.widgets.legend import choropleth_legend, keys, legend, shown_sources, source_line
from pages.widgets.map import show_map
from pages.widgets.screen import fact_table
from pages.widgets.taking import data_table, take_layers

__all__ = ["show"]

BLIND: Colour = (178, 24, 43, 190)
SOURCES: dict[str, tuple[Colour, str]] = {
    "camera": ((27, 142, 168, 170), N_("seen by a camera")),
    "patrol": ((30, 120, 60, 170), N_("seen by a patrol, by no camera")),
    "report": ((106, 61, 154, 170), N_("reported by people only")),
    "nobody": (BLIND, N_("blind: nobody looked")),
}
TASKS = {
    "dori:detect": N_("detect (25 px/m)"),
    "dori:observe": N_("observe (62.5 px/m)"),
    "dori:recognise": N_("recognise (125 px/m)"),
    "dori:identify": N_("identify (250 px/m)"),
}
SHARES = {"share:1": N_("own office only"), "share:2": N_("departments"), "share:3": N_("all partners")}
TIERS = {
    "tier:high": N_("high: towers and roofs"),
    "tier:street": N_("street"),
    "tier:vehicle": N_("vehicle"),
}
KINDS = {
    "looked": N_("Who looked, within days"),
    "all": N_("All cameras"),
    "dori": N_("By DORI task"),
    "hour": N_("By hour of the day"),
    "owner": N_("By owner"),
    "share": N_("By share level"),
    "tier": N_("By tier"),
}
PLACES = {
    "unit_cell": N_("unit cells"),
    "street_edge": N_("streets"),
    "no_parking_area": N_("no-parking areas"),
    "poi": N_("school gates"),
}


def show(revision: int, town: Town, found: Outlook) -> None:
    """Blind areas and coverage by group; both of the cameras as they stand."""
    side, field = side_and_field(2.9)
    with side:
        kind = st.radio(
            words(N_("Show")), list(KINDS), format_func=lambda each: words(KINDS[each]), key="blind_kind"
        )
        if kind == "looked":
            days = st.slider(words(N_("A look counts for so many days")), 1, 90, 7, key="blind_days")
            until = cached.last_moment(revision)
            if until is not None:
                moment = until.astimezone(town.time_zone)
                st.caption(words(N_("Counted back from {moment}"), moment=f"{moment:%Y-%m-%d %H:%M %z}"))
        else:
            grouping = _grouping(revision, kind)
            measure = st.radio(
                words(N_("Cells show")),
                GROUP_MEASURES,
                format_func=lambda each: words(each.title),
                key="blind_measure",
            )
            st.caption(words(measure.meaning))
    with field:
        if kind == "looked":
            _looked(revision, town, days, until)
        else:
            _by_group(revision, town, grouping, measure)
    with side:
        _blind_list(revision, found)


def _grouping(revision: int, kind: str) -> str:
    if kind == "all":
        return "all"
    if kind == "hour":
        hour = st.slider(words(N_("Hour of the day")), 0, 23, 8, key="blind_hour", format="%d:00")
        return f"hour:{hour:02d}"
    there = [each for each in cached.groupings(revision) if each.startswith(f"{kind}:")]
    titles = {**TASKS, **SHARES, **TIERS}
    if kind == "dori":
        there = [each for each in TASKS if each in there]
    if not there:
        st.caption(words(N_("No camera is in such a group.")))
        return f"{kind}:"
    return st.selectbox(
        words(KINDS[kind]),
        there,
        format_func=lambda each: words(titles.get(each, each.partition(":")[2])),
        key=f"blind_group_{kind}",
    )


def _by_group(revision: int, town: Town, grouping: str, measure: Measure) -> None:
    layer = LAYERS["cell_coverage"]
    drawn = [
        tile_layer(
            layer,
            measure=measure,
            breaks=measure.breaks or (),
            revision=revision,
            filters={"grouping": grouping},
        ),
        tile_layer(LAYERS["streets"], revision=revision),
        tile_layer(LAYERS["buildings"], revision=revision, form=_flat()),
        tile_layer(LAYERS["cameras"], revision=revision),
    ]
    register = cached.register(revision)
    used = [layer, LAYERS["streets"], LAYERS["cameras"]]
    sources, simulated = shown_sources(register, used)
    show_map(
        f"group_map_{grouping}_{measure.id}",
        drawn,
        view_state(town.centre, town.zoom - 0.35),
        sources,
        simulated=simulated,
        height_px=560,
        selectable=False,
    )
    choropleth_legend(measure, measure.breaks or ())
    legend([LAYERS["cameras"]])
    source_line(register, used)
    take_layers(used, {"grouping": grouping})
    _table_of_groups(revision, grouping)


def _table_of_groups(revision: int, grouping: str) -> None:
    rows = cached.group_means(revision, grouping)
    if rows.empty:
        return
    st.header(words(N_("Share seen, by kind of place")), anchor=False)
    table = rows.assign(place=rows["place"].map(lambda each: words(PLACES.get(each, each))))
    data_table(
        "groups-of-cameras",
        table,
        hide_index=True,
        column_config={
            "place": st.column_config.TextColumn(words(N_("Places"))),
            "places": st.column_config.NumberColumn(words(N_("Number")), format="localized"),
            "once_ratio": st.column_config.NumberColumn(
                words(N_("Seen by at least one, mean")), format="percent"
            ),
            "twice_ratio": st.column_config.NumberColumn(
                words(N_("Seen by at least two, mean")), format="percent"
            ),
            "unseen": st.column_config.NumberColumn(words(N_("Not seen at all")), format="localized"),
        },
    )


def _looked(revision: int, town: Town, days: int, until: dt.datetime | None) -> None:
    if until is None:
        st.caption(words(N_("Nobody has looked yet: there is nothing to count back from.")))
        return
    cells = cached.blind_areas(revision, days)
    who = pd.Series("nobody", index=cells.index)
    for name in ("report", "patrol", "camera"):
        who[cells[f"{name}_ratio"] >= 0.05] = name
    figures(
        [
            (N_("Blind cells"), f"{int(cells['blind'].sum()):,} / {len(cells):,}"),
            (N_("Seen by a camera"), f"{int((who == 'camera').sum()):,}"),
            (N_("Only by a patrol"), f"{int((who == 'patrol').sum()):,}"),
            (N_("Only by people"), f"{int((who == 'report').sum()):,}"),
        ]
    )
    colours = colours_by_kind(who, {name: colour for name, (colour, _) in SOURCES.items()})
    places = tile_layer(
        LAYERS["unit_cells"],
        revision=revision,
        pickable=False,
        form=Form(fill=colours, line=(255, 255, 255, 130)),
    )
    places.id = "blind_cells"
    drawn = [
        places,
        tile_layer(LAYERS["streets"], revision=revision),
        tile_layer(LAYERS["buildings"], revision=revision, form=_flat()),
        tile_layer(LAYERS["patrol_tracks"], revision=revision, form=Form(line=(30, 120, 60, 110), line_px=1)),
        tile_layer(LAYERS["cameras"], revision=revision),
    ]
    register = cached.register(revision)
    used = [LAYERS[name] for name in ("unit_cells", "streets", "patrol_tracks", "cameras")]
    sources, simulated = shown_sources(register, used)
    show_map(
        "blind_map",
        drawn,
        view_state(town.centre, town.zoom - 0.35),
        sources,
        simulated=simulated,
        height_px=560,
        selectable=False,
    )
    keys(N_("Who looked"), [(colour, label, "fill") for colour, label in SOURCES.values()])
    legend([LAYERS["patrol_tracks"], LAYERS["cameras"]])
    source_line(register, used)
    st.header(words(N_("Blind cells")), anchor=False)
    name = "name_zh" if language() == "zh-CN" else "name_en"
    names = cached.cell_table(revision).set_index("code")[name]
    blind = cells[cells["blind"]]
    table = pd.DataFrame(
        {
            "code": blind["code"],
            "community": blind["code"].map(names),
            "days_since": blind["days_since"],
            "reports": blind["reports"],
        }
    ).sort_values("days_since", ascending=False, na_position="first")
    never = words(N_("never"))
    data_table(
        "looked-at",
        table.assign(days_since=[never if pd.isna(each) else f"{each:.1f}" for each in table["days_since"]]),
        hide_index=True,
        height=320,
        column_config={
            "code": st.column_config.TextColumn(words(N_("Unit cell"))),
            "community": st.column_config.TextColumn(words(N_("Community"))),
            "days_since": st.column_config.TextColumn(words(N_("Days since anybody looked"))),
            "reports": st.column_config.NumberColumn(words(N_("Reports by people")), format="localized"),
        },
    )


def _blind_list(revision: int, found: Outlook) -> None:
    """The least seen cells of the open scenario."""
    st.markdown(f"**{words(N_('Blind cells (under 5 % seen)'))}**")
    st.caption(words(N_("By cameras alone, those of the open scenario among them.")))
    blind = found.shares[blind_cells(found.shares.clip(0, 1))]
    fact_table(
        [
            (words(N_("Cells")), f"{len(blind):,} / {len(found.shares):,}"),
            (words(N_("Cells that no camera sees")), f"{int((found.shares <= 0).sum()):,}"),
        ]
    )


def _flat() -> Form:
    return Form(fill=(205, 210, 206, 235), line=(170, 176, 172, 255))
