"""A review sheet on a screen: advice, figures, reasons, tables, and its shapes on the map."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import pydeck as pdk
import streamlit as st

from analysis.crs import DISPLAY_EPSG
from analysis.review.sheet import TITLES, UNITS
from layers import ramps
from layers.deck import MOST_FEATURES, shape_layer
from layers.i18n import N_
from layers.layer import Colour, Form
from pages.paper import telling
from pages.session import language, words
from pages.widgets.legend import keys

__all__ = ["sheet_keys", "sheet_layers", "show_sheet"]

DUPLICATE: Colour = (224, 138, 0, 150)
WINDOW: Colour = (209, 0, 31, 255)
FORBIDDEN: Colour = (96, 40, 120, 200)
FORMS: Mapping[str, Form] = {
    "new": Form(fill=(*ramps.PROPOSED[:3], 70), line=(*ramps.PROPOSED[:3], 220)),
    "duplicate": Form(fill=DUPLICATE, line=(148, 86, 0, 220)),
    "forbidden": Form(fill=FORBIDDEN, line=(96, 40, 120, 255), line_px=2),
    "barred": Form(line=WINDOW, line_px=4),
    "window": Form(line=WINDOW, line_px=4),
}
"""Kind of shape → how it is drawn, from the ground up."""
MARK = Form(fill=ramps.PROPOSED, line=(255, 255, 255, 255), radius_px=9)
HEADLINES = ("new_m2", "duplicate_ratio", "needless", "saved", "forbidden_m2", "private_m")
COLOURS = {"return": "var(--hy-return)", "condition": "var(--hy-condition)", "note": "var(--hy-quiet)"}


def sheet_layers(shapes: gpd.GeoDataFrame, cameras: gpd.GeoDataFrame) -> list[pdk.Layer]:
    """
    New and repeated ground, forbidden ground, windows, and the proposed cameras.

    Parameters
    ----------
    shapes
        kind, camera and geometry, as `ReviewSheet.shapes`.
    cameras
        Points with `number`.
    """
    drawn = []
    for kind, form in FORMS.items():
        mine = shapes[shapes["kind"] == kind].iloc[:MOST_FEATURES]
        if len(mine):
            drawn.append(
                shape_layer(f"review_{kind}", mine[["kind", mine.geometry.name]], form, pickable=False)
            )
    return [*drawn, *_marks(cameras.iloc[:MOST_FEATURES])]


def _marks(cameras: gpd.GeoDataFrame) -> list[pdk.Layer]:
    """The proposed cameras as dots with their numbers."""
    points = cameras.to_crs(DISPLAY_EPSG)
    labels = [
        {"at": [shape.x, shape.y], "number": number}
        for shape, number in zip(points.geometry, points["number"], strict=True)
    ]
    numbers = pdk.Layer(
        "TextLayer",
        id="review_numbers",
        data=labels,
        get_position="at",
        get_text="number",
        get_size=11,
        get_color=[255, 255, 255, 255],
        font_weight=700,
        pickable=False,
    )
    return [shape_layer("review_cameras", cameras, MARK, pickable=False), numbers]


def sheet_keys() -> None:
    """What the colours of a sheet mean."""
    keys(
        N_("Building review"),
        [
            (ramps.PROPOSED, N_("proposed camera and new ground"), "dot"),
            (DUPLICATE, N_("ground that is seen already"), "fill"),
            (FORBIDDEN, N_("no camera may look here"), "fill"),
            (WINDOW, N_("private windows in view"), "line"),
        ],
    )


def show_sheet(sheet: Mapping[str, Any], key: str) -> None:
    """
    The whole sheet.

    Parameters
    ----------
    sheet
        `ReviewSheet.plain`.
    key
        Tells its widgets from those of another sheet.
    """
    say = words
    values = {each["name"]: each["value"] for each in sheet["totals"]}
    approve = sheet["advice"] == "approve"
    banner = st.success if approve else st.warning
    icon = ":material/check_circle:" if approve else ":material/assignment_return:"
    banner(f"**{words(N_('Advice of the check'))}: {words(telling.ADVICES[sheet['advice']])}**", icon=icon)
    with st.container(horizontal=True, gap="large", key=f"figures_{key}"):
        for name in HEADLINES:
            unit = UNITS[name]
            sign = (
                f" {unit}" if unit in ("m²", "m") else f" {words(N_('yuan'))}" if unit == "currency" else ""
            )
            st.metric(
                telling.title(name, say),
                telling.figure(name, values.get(name)) + sign,
                help=telling.method(name, say),
                width="content",
            )
    _reasons(sheet["reasons"])
    tabs = _tables(sheet)
    if tabs:
        for place, (_, table, columns) in zip(st.tabs([title for title, _, _ in tabs]), tabs, strict=True):
            place.dataframe(table, hide_index=True, column_config=columns)


def _reasons(told: Sequence[Mapping[str, Any]]) -> None:
    found = telling.reasons(told, language())
    if not found:
        st.caption(words(N_("Nothing was found that speaks against it.")))
        return
    rows = "".join(
        f"<tr><td style='white-space:nowrap;color:{COLOURS[each.severity]}'>"
        f"<b>{html.escape(words(telling.SEVERITIES[each.severity]))}</b></td>"
        f"<td style='min-width:4.5rem'>{html.escape(each.where(words))}</td><td>{html.escape(each.sentence)}</td>"
        f"<td>{html.escape(each.mend)}</td></tr>"
        for each in found
    )
    heads = "".join(
        f"<th>{html.escape(words(head))}</th>"
        for head in (N_("Weight"), N_("Cameras"), N_("What was found"), N_("What to do"))
    )
    st.html(f'<table class="hy-table"><tr>{heads}</tr>{rows}</table>')


Tab = tuple[str, pd.DataFrame, dict[str, Any]]


def _tables(sheet: Mapping[str, Any]) -> list[Tab]:
    """Tabs that have something to show."""
    made = (
        _cameras(sheet),
        _duplicates(sheet),
        _forbidden(sheet),
        _windows(sheet),
        _places(sheet),
        _figures(sheet),
    )
    return [each for each in made if each is not None]


def _number(title: str, format_: str) -> Any:
    return st.column_config.NumberColumn(title, format=format_)


def _column(name: str) -> Any:
    """A figure's column: percentages and numbers with the unit in the head."""
    sign = UNITS[name]
    title = words(N_(TITLES[name]))
    if sign == "%":
        return _number(title, "percent")
    return _number(
        f"{title}, {sign}" if sign in ("m²", "m", "px/m") else title, "%.1f" if sign == "m" else "%.0f"
    )


def _cameras(sheet: Mapping[str, Any]) -> Tab | None:
    shown = (
        *("view_m2", "new_ratio", "duplicate_ratio", "mutual_ratio", "sharper_m2", "own_m2"),
        *("forbidden_m2", "private_m", "private_close_m", "cost"),
    )
    table = pd.DataFrame(sheet["cameras"])
    if "name" not in table:
        table["name"] = None
    table["build"] = [words(N_("do not build") if each else N_("build")) for each in table["needless"]]
    columns = {name: _column(name) for name in shown} | {
        "camera": st.column_config.TextColumn("#", width="small"),
        "name": st.column_config.TextColumn(words(N_("Name"))),
        "build": st.column_config.TextColumn(words(N_("Proposal"))),
    }
    table["camera"] = table["camera"].astype(str)
    return words(N_("Cameras")), table[["camera", "name", "build", *shown]], columns


def _duplicates(sheet: Mapping[str, Any]) -> Tab | None:
    if not sheet["duplicates"]:
        return None
    table = pd.DataFrame(sheet["duplicates"])
    table["camera"] = table["camera"].astype(str)
    table["owner"] = [telling.owner(each, words) for each in table["owner"]]
    table["shared"] = [
        words(telling.SHARES[int(each)]) if each in telling.SHARES else "–" for each in table["share_level"]
    ]
    columns = {
        "camera": st.column_config.TextColumn("#", width="small"),
        "code": st.column_config.TextColumn(words(N_("Code"))),
        "name": st.column_config.TextColumn(words(N_("Existing camera"))),
        "owner": st.column_config.TextColumn(words(N_("Owner"))),
        "shared": st.column_config.TextColumn(words(N_("Shared with"))),
        "shared_m2": _number(words(N_("Ground, m²")), "%.0f"),
        "shared_ratio": _number(words(N_("Share")), "percent"),
    }
    return words(N_("Repeats existing")), table[list(columns)], columns


def _forbidden(sheet: Mapping[str, Any]) -> Tab | None:
    if not sheet["forbidden"]:
        return None
    table = pd.DataFrame(sheet["forbidden"])
    table["camera"] = table["camera"].astype(str)
    table["kind"] = [words(telling.KINDS.get(each, each)) for each in table["kind"]]
    columns = {
        "camera": st.column_config.TextColumn("#", width="small"),
        "kind": st.column_config.TextColumn(words(N_("Kind"))),
        "name": st.column_config.TextColumn(words(N_("Name"))),
        "source": st.column_config.TextColumn(words(N_("Known from"))),
        "ground_m2": _number(words(N_("Ground, m²")), "%.0f"),
        "facade_m": _number(words(N_("Facade, m")), "%.1f"),
        "nearest_m": _number(words(N_("Nearest, m")), "%.1f"),
        "px_per_m": _number("px/m", "%.0f"),
    }
    return words(N_("Forbidden")), table[list(columns)], columns


def _windows(sheet: Mapping[str, Any]) -> Tab | None:
    if not sheet["windows"]:
        return None
    table = pd.DataFrame(sheet["windows"])
    table["camera"] = table["camera"].astype(str)
    table["name"] = table["name"].fillna(words(telling.KINDS["dwelling"]) + " " + table["area"].astype(str))
    columns = {
        "camera": st.column_config.TextColumn("#", width="small"),
        "name": st.column_config.TextColumn(words(N_("Dwelling"))),
        "facade_m": _number(words(N_("Facade: people recognised, m")), "%.1f"),
        "close_m": _number(words(N_("Facade: people identified, m")), "%.1f"),
        "nearest_m": _number(words(N_("Nearest, m")), "%.1f"),
        "px_per_m": _number("px/m", "%.0f"),
    }
    return words(N_("Private windows")), table[list(columns)], columns


def _places(sheet: Mapping[str, Any]) -> Tab | None:
    if not sheet["places"]:
        return None
    table = pd.DataFrame(sheet["places"])
    table["name"] = table["name"].fillna(table["place"].astype(str))
    table["kind"] = [words(telling.PLACE_KINDS.get(each, each or "–")) for each in table["kind"]]
    table["task"] = [words(telling.TASKS[each]) for each in table["task"]]
    table["camera"] = ["–" if each is None else str(each) for each in table["camera"]]
    table["done"] = [words(telling.DONE[bool(each)]) for each in table["reached_after"]]
    columns = {
        "name": st.column_config.TextColumn(words(N_("Place"))),
        "kind": st.column_config.TextColumn(words(N_("Kind"))),
        "task": st.column_config.TextColumn(words(N_("Task"))),
        "wanted_px_per_m": _number(words(N_("px/m wanted")), "%g"),
        "before_px_per_m": _number(words(N_("px/m before")), "%.0f"),
        "after_px_per_m": _number(words(N_("px/m after")), "%.0f"),
        "after_ratio": _number(words(N_("Seen so sharply")), "percent"),
        "camera": st.column_config.TextColumn(words(N_("By camera"))),
        "done": st.column_config.TextColumn(words(N_("Task after"))),
    }
    return words(N_("Places that matter")), table[list(columns)], columns


def _figures(sheet: Mapping[str, Any]) -> Tab | None:
    rows = [
        {
            "figure": telling.title(each["name"], words),
            "value": telling.figure(each["name"], each["value"]),
            "unit": telling.unit(each["name"], words),
            "method": telling.method(each["name"], words),
        }
        for each in sheet["totals"]
    ]
    columns = {
        "figure": st.column_config.TextColumn(words(N_("Figure"))),
        "value": st.column_config.TextColumn(words(N_("Value"))),
        "unit": st.column_config.TextColumn(words(N_("Unit"))),
        "method": st.column_config.TextColumn(words(N_("How it is found")), width="large"),
    }
    return words(N_("All figures")), pd.DataFrame(rows), columns
