"""Units of the city as a tree that opens level by level, with the way up, and the streets of a cell at its end."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from geodata.export.units import units_geojson
from geodata.queries.units import children, lineage_of, tree_rows
from geodata.towns.town import Town
from layers.catalogue import LAYERS
from layers.i18n import N_
from layers.layer import Measure
from layers.units import COLUMNS, EVIDENCE, LEVELS, METHOD, OF_SOURCE, STREET_COLUMNS, UNIT_MEASURES
from layers.view import View
from pages import cached, cached_units
from pages.drilling.drawing import unit_breaks, units_map
from pages.drilling.opening import UNITS_MODE, cell_of, open_unit, turn
from pages.session import address, language, literal, set_address, words
from pages.widgets.legend import source_line
from pages.widgets.sharing import share
from pages.widgets.taking import data_table, other_formats

__all__ = ["show_units"]

SHOWN = ("unit_cells", "cameras", "violations", "findings")
"""Layers whose sources the figures rest on."""
INDENT = "\u2003"
OPEN, CLOSED, LEAF = "▾", "▸", "·"


def show_units(revision: int, town: Town, view: View, sources: dict[str, str]) -> None:
    """
    The tree, its map, and for a cell its streets.

    Parameters
    ----------
    revision
        Of the data.
    town
        That is loaded.
    view
        Area, days, class and source that are chosen.
    sources
        Source of violations → what it is called.
    """
    kinds = tuple(
        sorted((name, value) for name, value in view.filters.items() if name in ("class", "source"))
    )
    chosen = (view.since, view.until, kinds)
    table = cached_units.unit_table(revision, chosen)
    cell = cell_of(table, view.area)
    path = lineage_of(table, cell or view.area)
    measure = next((each for each in UNIT_MEASURES if each.id == address("figure")), UNIT_MEASURES[0])
    _way_up(table, path)
    names = {each.id: words(each.title) for each in UNIT_MEASURES}
    ids = list(names)
    measure = UNIT_MEASURES[
        ids.index(
            st.selectbox(
                words(N_("Units show")),
                ids,
                ids.index(measure.id),
                format_func=names.__getitem__,
                key="units_figure",
            )
        )
    ]
    set_address(show=UNITS_MODE, cell=cell, figure=measure.id)
    st.caption(words(measure.meaning))
    drawn = children(table, table.at[cell, "parent_code"] if cell else (path[-1] if path else None))
    if drawn.empty and path:  # a community without cells
        drawn = table.loc[path[-1:]]
    units_map(revision, town, drawn, _breaks(table, drawn, measure), measure, cell)
    rows = tree_rows(table, path)
    _tree(rows, path, sources)
    _left_out(table)
    _take(revision, rows, replace(view, figure=measure.id, cell=cell))
    if cell is not None:
        _streets(revision, cell)


def _breaks(table: pd.DataFrame, drawn: pd.DataFrame, measure: Measure) -> list[float]:
    """Classes of all units of the town at this level, so that a colour means the same wherever one goes."""
    level = drawn["level"].iloc[0] if len(drawn) else "county"
    return unit_breaks(pd.to_numeric(table.loc[table["level"] == level, measure.id]), measure)


def _name(table: pd.DataFrame, code: str) -> str:
    return str(table.at[code, "name_zh" if language() == "zh-CN" else "name_en"])


def _way_up(table: pd.DataFrame, path: list[str]) -> None:
    """A button for each unit above the open one."""
    with st.container(horizontal=True):
        for depth, code in enumerate(path):
            label = f"{words(LEVELS[table.at[code, 'level']])} {literal(_name(table, code))}"
            if depth == len(path) - 1:
                st.markdown(f"**{label}**")
            else:
                st.button(
                    label,
                    icon=":material/chevron_right:" if depth else ":material/location_city:",
                    key=f"units_up_{depth}",
                    on_click=open_unit,
                    args=(code,),
                    type="tertiary",
                )


def _tree(rows: pd.DataFrame, path: list[str], sources: dict[str, str]) -> None:
    shown, columns = tree_table(rows, path, sources)
    codes = [str(code) for code in rows.index]
    current = path[-1] if path else ""
    parent = path[-2] if len(path) > 1 else None
    key = f"units_tree_{current}"
    data_table(
        "units",
        shown,
        key=key,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(shown), 560),
        on_select=lambda: turn(key, codes, current, parent),
        selection_mode="single-row",
        column_config=columns,
    )
    st.caption(words(N_("Choose a row to open it; the open one closes. Empty: not known.")))


def tree_table(
    rows: pd.DataFrame, path: list[str], sources: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, object]]:
    """The rows of a tree in the visitor's language, and how Streamlit is to show its columns."""
    chinese = language() == "zh-CN"
    names = {name: words(title) for name, title in COLUMNS.items()}
    marks = [
        LEAF if level in ("cell", "rest") else OPEN if code in path else CLOSED
        for code, level in zip(rows.index, rows["level"], strict=True)
    ]
    named = rows["name_zh"] if chinese else rows["name_en"]
    labels = named.where(rows["level"] != "rest", words(LEVELS["rest"]))
    found = pd.DataFrame(
        {
            names["unit"]: [
                f"{INDENT * depth}{mark} {label}"
                for depth, mark, label in zip(rows["depth"], marks, labels, strict=True)
            ],
            names["code"]: rows.index,
            names["level"]: [words(LEVELS[level]) for level in rows["level"]],
            names["cells"]: rows["cells"],
            names["cameras"]: rows["cameras"],
            names["online"]: rows["online"],
            names["coverage_ratio"]: (rows["coverage_ratio"] * 100).round(1),
            names["violations"]: rows["violations"],
        },
        index=rows.index,
    )
    for source in sorted({name for each in rows["by_source"] for name in each}):
        title = words(OF_SOURCE, source=words(sources.get(source, source)))
        found[title] = [each.get(source, 0) for each in rows["by_source"]]
    none = words(N_("no evidence"))
    found[names["exposure_kmh"]] = rows["exposure_kmh"].round(1)
    found[names["captures"]] = rows["captures"]
    found[names["rate"]] = rows["rate"].round(4)
    found[names["interval"]] = _intervals(rows, none)
    for name in ("leads", "leads_waiting", "leads_confirmed", "leads_dealt", "leads_solved"):
        found[names[name]] = rows[name]
    found[names["verdict_h"]] = rows["verdict_h"].round(2)
    found[names["simulated"]] = rows["simulated"]
    return found, {
        names["unit"]: st.column_config.TextColumn(width="medium", pinned=True),
        names["coverage_ratio"]: st.column_config.NumberColumn(format="%.1f %%"),
    }


def _intervals(rows: pd.DataFrame, none: str) -> list[str]:
    return [
        none if pd.isna(low) else f"{low:.4f} – {high:.4f}"
        for low, high in zip(rows["rate_lower"], rows["rate_upper"], strict=True)
    ]


def _left_out(table: pd.DataFrame) -> None:
    lost = table.attrs["unplaced"]
    if any(lost.values()):
        st.caption(
            words(
                N_(
                    "In no division, so in no row: {cameras:,} cameras, {violations:,} violations, {leads:,} leads."
                ),
                **lost,
            )
        )


def _take(revision: int, rows: pd.DataFrame, view: View) -> None:
    """The rows of the tree with their outlines, and the link that opens them."""
    register = cached.register(revision)
    used = {name for layer in SHOWN if layer in LAYERS for name in LAYERS[layer].datasets} | {"area"}
    source_line(register, [LAYERS[layer] for layer in SHOWN if layer in LAYERS])

    def collection() -> str:
        outlines = cached_units.unit_outlines(revision, tuple(rows.index))
        return units_geojson(
            rows,
            outlines.geometry,
            register[register["name"].isin(used)],
            view.tile_filters(),
            title=words(N_("Units")),
            method=words(METHOD),
        )

    with st.container(horizontal=True):
        st.download_button(
            "GeoJSON",
            collection,
            "units.geojson",
            "application/geo+json",
            icon=":material/download:",
            on_click="ignore",
            key="units_geojson",
        )
        other_formats("units", "units", collection)
        share(view)


def _streets(revision: int, cell: str) -> None:
    """The last step down: streets of a cell."""
    st.header(words(N_("Streets of cell {code}"), code=cell), anchor=False)
    found = cached_units.cell_streets(revision, cell)
    if found.empty:
        st.caption(words(N_("No street that is open to vehicles crosses this cell.")))
        return
    names = {name: words(title) for name, title in STREET_COLUMNS.items()}
    none = words(N_("no evidence"))
    shown = pd.DataFrame(
        {
            names["name"]: [
                name if isinstance(name, str) else words(N_("without a name")) for name in found["name"]
            ],
            names["highway"]: found["highway"],
            names["length_m"]: pd.to_numeric(found["length_m"]).round(0),
            names["captures"]: found["captures"],
            names["exposure_kmh"]: pd.to_numeric(found["exposure_kmh"]).round(2),
            names["rate"]: pd.to_numeric(found["rate"]).round(4),
            names["interval"]: _intervals(found.assign(**_numbers(found)), none),
            names["evidence"]: [
                words(EVIDENCE[each]) if each in EVIDENCE else words(N_("no kerb to park badly at"))
                for each in found["evidence"]
            ],
            names["simulated"]: found["simulated"],
        }
    )
    data_table(f"streets-{cell}", shown, hide_index=True, width="stretch")


def _numbers(found: pd.DataFrame) -> dict[str, pd.Series]:
    return {name: pd.to_numeric(found[name]) for name in ("rate_lower", "rate_upper")}
