"""Private cameras that join: what each adds to what the departments' own see."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.crs import DISPLAY_EPSG
from geodata.towns.town import Town
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import MOST_FEATURES, shape_layer, tile_layer, view_state
from layers.i18n import N_
from layers.layer import Colour, Form
from pages import cached
from pages.paper.telling import SHARES, owner
from pages.session import words
from pages.widgets.figures import figures
from pages.widgets.legend import keys, shown_sources, source_line
from pages.widgets.map import show_map
from pages.widgets.taking import data_table

__all__ = ["private_cameras"]

GAINS: tuple[tuple[float, Colour, str], ...] = (
    (500.0, (253, 204, 138, 255), N_("adds under 500 m²")),
    (2_000.0, (252, 141, 89, 255), N_("500 to 2,000 m²")),
    (float("inf"), (179, 0, 0, 255), N_("more")),
)
SHOWN = ("streets", "camera_views", "cameras")
FLAT = Form(fill=ramps.BUILDING, line=ramps.BUILDING_EDGE)


def private_cameras(revision: int, town: Town) -> None:
    """Figures, map and table of what private cameras add."""
    with st.spinner(words(N_("Measuring what each private camera adds …"))):
        gains = cached.private_gains(revision)
    if gains.empty:
        st.info(words(N_("No private camera sees any ground.")), icon=":material/info:")
        return
    names = {each: words(title) for each, title in SHARES.items()}
    levels = st.pills(
        words(N_("Shared with")),
        list(SHARES),
        selection_mode="multi",
        default=list(SHARES),
        format_func=names.__getitem__,
        key="private_levels",
    )
    shown = gains[gains["share_level"].isin(levels)]
    figures(
        [
            (N_("Private cameras"), f"{len(shown):,} / {len(gains):,}"),
            (N_("Owners"), f"{shown['owner'].nunique():,}"),
            (
                N_("Ground added, one by one"),
                f"{shown['added_m2'].sum():,.0f} m²",
                N_(
                    "Ground that no camera of a department sees; where two private cameras share it, both count."
                ),
            ),
            (
                N_("Cameras that add nothing"),
                f"{int((shown['added_ratio'] < 0.01).sum()):,}",
                N_("Under 1 % of their ground is new."),
            ),
        ]
    )
    _map(revision, town, shown)
    _table(shown)


def _map(revision: int, town: Town, gains: pd.DataFrame) -> None:
    most = gains.head(MOST_FEATURES)
    points = gpd.GeoDataFrame(
        {"name": most["name"], "added_m2": most["added_m2"].round()},
        geometry=gpd.points_from_xy(most["lon_deg"], most["lat_deg"]),
        crs=DISPLAY_EPSG,
    )
    drawn = [
        tile_layer(LAYERS["streets"], revision=revision),
        tile_layer(LAYERS["buildings"], revision=revision, form=FLAT),
    ]
    drawn.append(tile_layer(LAYERS["camera_views"], revision=revision))
    lowest = 0.0
    for number, (limit, colour, _) in enumerate(GAINS):
        mine = points[(points["added_m2"] >= lowest) & (points["added_m2"] < limit)]
        form = Form(fill=colour, line=(255, 255, 255, 220), radius_px=4 + 2 * number)
        drawn.append(shape_layer(f"private_{number}", mine, form, pickable=False))
        lowest = limit
    layers = [LAYERS[name] for name in SHOWN]
    register = cached.register(revision)
    sources, simulated = shown_sources(register, layers)
    show_map(
        "private_map",
        drawn,
        view_state(town.centre, town.zoom - 0.35),
        sources,
        simulated=simulated,
        height_px=460,
        selectable=False,
    )
    keys(N_("Private cameras"), [(colour, label, "dot") for _, colour, label in GAINS])
    if len(gains) > MOST_FEATURES:
        st.caption(words(N_("On the map: the {count} that add most."), count=MOST_FEATURES))
    source_line(register, layers)


def _table(gains: pd.DataFrame) -> None:
    table = gains.assign(
        owner=[owner(each, words) for each in gains["owner"]],
        shared=[words(SHARES.get(int(each), "–")) for each in gains["share_level"]],
    )
    columns = {
        "code": st.column_config.TextColumn(words(N_("Code (GB/T 28181)"))),
        "name": st.column_config.TextColumn(words(N_("Name"))),
        "owner": st.column_config.TextColumn(words(N_("Owner"))),
        "shared": st.column_config.TextColumn(words(N_("Shared with"))),
        "view_m2": st.column_config.NumberColumn(words(N_("Ground seen, m²")), format="%.0f"),
        "added_m2": st.column_config.NumberColumn(
            words(N_("Adds, m²")), format="%.0f", help=words(N_("Seen by no camera of a department."))
        ),
        "added_ratio": st.column_config.NumberColumn(words(N_("Adds")), format="percent"),
        "marginal_m2": st.column_config.NumberColumn(
            words(N_("Lost without it, m²")), format="%.0f", help=words(N_("Seen by no other camera at all."))
        ),
    }
    data_table("private-places", table[list(columns)], hide_index=True, height=380, column_config=columns)
