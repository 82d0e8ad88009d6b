"""Video: the wall of cameras, the health of streams, the desk for leads, scores, algorithms, heat, and shares."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from geodata.towns.town import Town
from layers.i18n import N_
from pages import cached
from pages.session import address, set_address, words
from pages.watching.algorithms import algorithms_tab
from pages.watching.camera import camera_view, demonstration_note
from pages.watching.health import health_tab
from pages.watching.heat import heat_tab
from pages.watching.leads import leads_tab
from pages.watching.scores import scores_tab
from pages.watching.shares import shares_tab
from pages.watching.telling import camera_name
from pages.watching.wall import wall_tab
from pages.widgets.screen import empty, screen

TABS = {
    "wall": N_("Wall"),
    "health": N_("Health"),
    "leads": N_("Leads"),
    "scores": N_("Scores"),
    "algorithms": N_("Algorithms"),
    "heat": N_("Heat"),
    "shares": N_("Cameras and people"),
}


def main() -> None:
    with screen(
        N_("Video"),
        N_(
            "Cameras are sampled by turns; rules make leads of what they show; people judge them, and the desk learns."
        ),
    ) as revision:
        if revision is None:
            return
        town = cached.town(revision)
        tab = _tab(str(town.time_zone))
        if tab == "algorithms":
            algorithms_tab(revision)
            return
        if tab == "heat":
            heat_tab(revision, town)
            return
        if tab == "shares":
            shares_tab(revision, town)
            return
        cameras = cached.footage()
        if cameras.empty:
            empty(
                N_("No camera has footage"),
                N_("Load the town, which sets up a demonstration camera:"),
                "huiyan load helsinki",
            )
            return
        if tab == "health":
            health_tab(revision, town)
        elif tab == "leads":
            leads_tab(revision, town)
        elif tab == "scores":
            scores_tab()
        else:
            _wall(revision, town, cameras)


def _tab(zone: str) -> str:
    """The tab that the address names, or that was pressed."""
    asked = address("tab")
    first = asked if asked in TABS else "wall"
    titles = {name: words(title) for name, title in TABS.items()}
    waiting = cached.desk_counts(zone).waiting
    if waiting:
        titles["leads"] = f"{titles['leads']} ({waiting:,})"
    tab = (
        st.segmented_control(
            words(N_("Part of the screen")),
            list(TABS),
            format_func=titles.__getitem__,
            default=first,
            key="video_tab",
            label_visibility="collapsed",
        )
        or first
    )
    set_address(tab=tab)
    return str(tab)


def _wall(revision: int, town: Town, cameras: pd.DataFrame) -> None:
    """All cameras, or the one that the address names."""
    names: dict[str, str] = {
        "": words(N_("All cameras")),
        **{row.code: camera_name(row.name, row.code) for row in cameras.itertuples(index=False)},
    }
    asked = address("camera")
    first = asked if asked in names else ""
    code = st.selectbox(
        words(N_("Camera")),
        list(names),
        index=list(names).index(first or ""),
        format_func=names.__getitem__,
        key="video_camera",
        width=460,
    )
    set_address(camera=code or None)
    if code:
        camera_view(revision, town, cameras.set_index("code", drop=False).loc[code])
        return
    wall_tab(int(cameras["watched"].sum()), clips=bool(cameras["stream_url"].str.startswith("clip:").all()))
    if cameras["demonstration"].any():
        demonstration_note()


main()
