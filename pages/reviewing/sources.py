"""Where proposed cameras come from: a file, a click on the map, a scenario; and the table that holds them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analysis.crs import DISPLAY_EPSG
from analysis.errors import HuiyanError
from analysis.review import MOST_CAMERAS
from geodata.ingest.camera_columns import DEFAULTS
from geodata.ingest.readers import MOST_BYTES, SUFFIXES, CrsNeeded, Reading
from geodata.queries.scenarios import Scenario
from geodata.towns.town import Town
from layers.i18n import N_, explain
from pages import cached
from pages.session import explained, language, listed, recall, remember, words
from pages.widgets.screen import told
from pages.workbench.changing import SLIDERS
from pages.workbench.target import Target, draft

__all__ = [
    "COLUMNS",
    "add_rows",
    "edit_rows",
    "fault_table",
    "from_file",
    "from_map",
    "from_scenario",
    "held_rows",
]

ROWS, EDITION = "review_rows", "review_edition"
COLUMNS: Mapping[str, str] = {
    "name": N_("Name"),
    "code": N_("Code (GB/T 28181)"),
    "lon_deg": N_("Longitude, °"),
    "lat_deg": N_("Latitude, °"),
    "heading_deg": N_("Heading, °"),
    "hfov_deg": N_("Horizontal field, °"),
    "range_m": N_("Range, m"),
    "height_m": N_("Height, m"),
    "tilt_deg": N_("Tilt below the horizon, °"),
    "vfov_deg": N_("Vertical field, °"),
    "resolution_px": N_("Picture width, px"),
    "cost": N_("Cost, yuan"),
    "area_class": N_("Area class"),
}
WORDS = ("name", "code", "area_class")
SYSTEMS = {
    "": N_("as the file says"),
    "wgs84": "WGS 84 / CGCS2000",
    "gcj02": N_("GCJ-02 (AMap, Tencent)"),
    "bd09": N_("BD-09 (Baidu)"),
    "town": N_("metres of the town"),
    "other": N_("another EPSG code"),
}
MOST_FAULTS = 200
AREA_CLASS = "street"


def held_rows() -> pd.DataFrame:
    """The cameras of the application that is being written, as they were taken over last."""
    held = recall(ROWS)
    return held if held is not None else _table([])


def add_rows(rows: pd.DataFrame, *, to: pd.DataFrame) -> None:
    """Adds cameras to the application and draws the screen anew."""
    remember(
        ROWS, pd.concat([to, rows[list(COLUMNS)]], ignore_index=True) if len(to) else rows[list(COLUMNS)]
    )
    remember(EDITION, int(recall(EDITION, 0)) + 1)
    st.rerun()


def edit_rows() -> pd.DataFrame:
    """The table of the application, to be edited; returns it as it is now."""
    numbers = {
        name: st.column_config.NumberColumn(
            words(title),
            format="%.6f" if name in ("lon_deg", "lat_deg") else None,
            default=DEFAULTS.get(name),
        )
        for name, title in COLUMNS.items()
        if name not in WORDS
    }
    texts = {name: st.column_config.TextColumn(words(COLUMNS[name])) for name in WORDS}
    edited = st.data_editor(
        held_rows(),
        num_rows="dynamic",
        hide_index=True,
        key=f"review_table_{recall(EDITION, 0)}",
        column_order=list(COLUMNS),
        column_config=numbers | texts,
    )
    return edited.dropna(how="all").reset_index(drop=True)


def from_file(revision: int, town: Town, edited: pd.DataFrame, wide: DeltaGenerator) -> None:
    """Reads a file, says in the `wide` place what is wrong with which row, and takes the good ones over."""
    file = st.file_uploader(
        words(N_("File of proposed cameras")),
        [suffix.removeprefix(".") for suffix in SUFFIXES],
        key=f"review_file_{recall(EDITION, 0)}",
        max_upload_size=MOST_BYTES // 1_000_000,
        help=words(
            N_(
                "GeoJSON, CSV, GeoPackage or a zipped shapefile; columns in Chinese or English: longitude, latitude"
                " (or x, y), heading, and where known field, range, height, tilt, width in pixels, cost, code, name."
            )
        ),
    )
    if file is None:
        return
    crs, exchanged = _system(town)
    try:
        found = cached.read_file(revision, file.name, file.getvalue(), crs, exchanged)
    except CrsNeeded as error:
        st.warning(explained(error), icon=":material/explore:")
        return
    except HuiyanError as error:
        st.error(explained(error), icon=":material/error:")
        return
    _say_reading(found)
    with wide:
        fault_table(found, words(N_("Rows of the file that cannot be used")))
    if len(found.cameras) and st.button(
        words(N_("Take over {count} cameras"), count=len(found.cameras)),
        type="primary",
        icon=":material/playlist_add:",
        key="review_take_file",
    ):
        with told():
            _require_few(len(edited) + len(found.cameras))
            add_rows(_rows(found.cameras), to=edited)


def from_map(edited: pd.DataFrame, target: Target | None) -> None:
    """Adds a camera where the map was clicked."""
    if target is None or target.kind != "site":
        st.info(
            words(N_("Click a lamp or a cell on the map to propose a camera there.")),
            icon=":material/touch_app:",
        )
        return
    st.markdown(f"**{words(N_('New camera at {label}'), label=target.label)}**")
    for name, label, low, high, step in SLIDERS:
        value = min(max(float(getattr(target.pose, name)), low), high)
        st.slider(words(label), low, high, value, step, key=f"{target.key}_{name}")
    cost = st.number_input(words(N_("Cost, yuan")), min_value=0.0, value=None, step=1000.0, key="review_cost")
    if st.button(
        words(N_("Propose it")), type="primary", icon=":material/add_location_alt:", key="review_add"
    ):
        pose = draft(target)
        row = {name: getattr(pose, name) for name in COLUMNS if hasattr(pose, name)}
        row |= {"name": target.label, "cost": cost, "code": None, "area_class": AREA_CLASS}
        with told():
            _require_few(len(edited) + 1)
            add_rows(_table([row]), to=edited)


def from_scenario(edited: pd.DataFrame) -> None:
    """Takes the new cameras of a scenario over."""
    names = cached.scenarios()
    if not names:
        st.caption(words(N_("There are no scenarios yet: make one on the Cameras screen.")))
        return
    token = st.selectbox(
        words(N_("Scenario")), list(names), format_func=names.__getitem__, key="review_scenario"
    )
    scenario: Scenario = cached.scenario(token)
    items = scenario.items[scenario.items["action"] == "add"]
    st.caption(words(N_("New cameras in it: {count}"), count=len(items)))
    if len(items) and st.button(
        words(N_("Take over {count} cameras"), count=len(items)),
        type="primary",
        icon=":material/playlist_add:",
        key="review_take_scenario",
    ):
        with told():
            _require_few(len(edited) + len(items))
            add_rows(_rows(items.assign(code=None, area_class=AREA_CLASS)), to=edited)


def fault_table(found: Reading, heading: str) -> None:
    """Every bad row with column, value and mend, under a heading; nothing where all are good."""
    if not found.faults:
        return
    st.markdown(f"**{heading}** ({len(found.faults):,})")
    heads = "".join(
        f"<th>{html.escape(words(head))}</th>"
        for head in (N_("Row"), N_("Column"), N_("Value"), N_("What is wrong, and what to do"))
    )
    rows = "".join(
        f"<tr><td>{each.row}</td><td>{html.escape(each.column or '–')}</td><td>{html.escape(each.value)}</td>"
        f"<td>{html.escape(explain(each.error, language()))}</td></tr>"
        for each in found.faults[:MOST_FAULTS]
    )
    st.html(f'<table class="hy-table"><tr>{heads}</tr>{rows}</table>')
    if len(found.faults) > MOST_FAULTS:
        st.caption(words(N_("… and {count} more."), count=len(found.faults) - MOST_FAULTS))


def _say_reading(found: Reading) -> None:
    """How many rows are good, what was assumed, and whether the coordinates look shifted."""
    good = words(N_("{good} of {rows} rows can be used."), good=len(found.cameras), rows=found.rows)
    st.markdown(f"**{good}** {words(N_('Coordinates: {crs}.'), crs=found.crs)}")
    if found.assumed:
        told_ = listed([f"{words(COLUMNS[name])} {value:g}" for name, value in found.assumed.items()])
        st.caption(words(N_("Not in the file, so assumed: {assumed}"), assumed=told_))
    if found.hint is not None:
        _offer(found)


def _offer(found: Reading) -> None:
    """Says that another reading of the coordinates fits better, and lets it be chosen with one click."""
    hint = found.hint
    assert hint is not None
    if hint.median_m:
        said = words(
            N_(
                "The cameras lie {before:.0f} m from streets and lamps in the median; read as {crs} they lie"
                " {after:.0f} m from them."
            ),
            before=hint.median_m[0],
            after=hint.median_m[1],
            crs=hint.crs,
        )
    else:
        reading = words(N_("{crs}, coordinates exchanged"), crs=hint.crs) if hint.exchanged else hint.crs
        said = words(
            N_("Read as {reading}, {share:.0%} of the cameras stand in the town."),
            reading=reading,
            share=hint.inside_ratio,
        )
    st.warning(said, icon=":material/explore:")
    if st.button(words(N_("Read them so")), key="review_reread", icon=":material/sync_alt:"):
        remember("review_reading", (hint.crs, hint.exchanged))
        st.rerun()


def _system(town: Town) -> tuple[str | None, bool]:
    """The system that the person says the coordinates are in; a hint that was taken is the first choice."""
    taken: tuple[str, bool] | None = recall("review_reading")
    first, turned = taken or ("", False)
    own = f"EPSG:{town.metric_epsg}"
    start = first if first in SYSTEMS else "town" if first == own else "other" if first else ""
    names = {each: words(title) for each, title in SYSTEMS.items()}
    names["town"] += f" ({own})"
    chosen = st.selectbox(
        words(N_("Coordinates")),
        list(SYSTEMS),
        index=list(SYSTEMS).index(start),
        format_func=names.__getitem__,
        key=f"review_system_{first}",
    )
    exchanged = st.toggle(
        words(N_("First and second coordinate exchanged")), value=turned, key=f"review_turned_{turned}"
    )
    if chosen == "other":
        code = st.text_input("EPSG", value=first.removeprefix("EPSG:"), key=f"review_epsg_{first}")
        return (f"EPSG:{code.strip().upper().removeprefix('EPSG:')}" if code.strip() else None), exchanged
    return {"": None, "town": own}.get(chosen, chosen), exchanged


def _rows(cameras: gpd.GeoDataFrame) -> pd.DataFrame:
    """Cameras as rows of the table, in degrees."""
    points = cameras.to_crs(DISPLAY_EPSG).geometry
    plain = pd.DataFrame(cameras.drop(columns=cameras.geometry.name)).assign(
        lon_deg=points.x.round(7), lat_deg=points.y.round(7)
    )
    return _table(plain.reindex(columns=list(COLUMNS)).to_dict("records"))


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows with all columns and their kinds, also where there are none."""
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in COLUMNS:
        if name in WORDS:
            table[name] = table[name].astype(object).where(table[name].notna(), None)
        else:
            table[name] = pd.to_numeric(table[name], errors="coerce").astype(float)
    return table


def _require_few(count: int) -> None:
    if count > MOST_CAMERAS:
        raise HuiyanError(
            "An application holds at most {most} cameras, this one would have {count}.",
            "Divide it by projects.",
            most=MOST_CAMERAS,
            count=count,
        )
