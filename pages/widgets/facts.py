"""What is known of a cell or a camera, as a small table with units."""

from __future__ import annotations

from typing import Any

import streamlit as st

from geodata.queries.headings import SeenInterval
from layers.catalogue import NETWORKS
from layers.i18n import N_
from layers.layer import Layer
from pages.paper.telling import TASKS
from pages.session import literal, words
from pages.widgets.screen import fact_table, simulated_mark

__all__ = ["camera_panel", "cell_panel", "feature_panel"]

STATES = {"online": N_("online"), "offline": N_("offline"), "maintenance": N_("in maintenance")}
SHARES = {1: N_("own office only"), 2: N_("departments"), 3: N_("all partners")}

PROPERTIES = {
    "n": N_("Features here"),
    "online": N_("Cameras online"),
    "name": N_("Name"),
    "code": N_("Code"),
    "kind": N_("Kind"),
    "category": N_("Category"),
    "network": N_("Network"),
    "label": N_("Label"),
    "diameter_mm": N_("Diameter, mm"),
    "location": N_("Location"),
    "capacity": N_("Capacity"),
    "rule": N_("Parking rule"),
    "state": N_("State"),
    "class_code": N_("Event class"),
    "source": N_("Source"),
    "at": N_("Time (UTC)"),
    "dwell_s": N_("Standing for, s"),
}
"""Property of a tile → what it is called; others are not shown."""


def feature_panel(layer: Layer, properties: dict[str, Any]) -> None:
    """What a tile says of a feature that has no page of its own, or of a bin of several."""
    st.markdown(f"**{words(layer.title)}**")
    rows = [
        (words(label), words(NETWORKS.get(str(properties[name]), str(properties[name]))))
        for name, label in PROPERTIES.items()
        if properties.get(name) not in (None, "")
    ]
    if rows:
        fact_table(rows)


def cell_panel(facts: dict[str, Any] | None, language: str) -> None:
    """Facts of a cell."""
    if facts is None:
        st.caption(words(N_("This cell is gone.")))
        return
    st.markdown(f"**{words(N_('Unit cell'))} {facts['code']}**")
    nobody = words(N_("no evidence: nobody looked"))
    rate = facts["rate"]
    rows = [
        (words(N_("Community")), facts["name_zh"] if language == "zh-CN" else facts["name_en"]),
        (words(N_("Area")), f"{facts['area_m2']:,.0f} m²"),
        (words(N_("Ground seen (share)")), _share(facts["coverage_ratio"])),
        (words(N_("Cameras that see it")), _count(facts["cameras"])),
        (words(N_("Captures")), _count(facts["captures"])),
        (words(N_("Reports by people")), _count(facts["reports"])),
        (words(N_("Exposure")), nobody if facts["exposure_h"] is None else f"{facts['exposure_h']:,.0f} h"),
        (words(N_("Violations per hour of full view")), nobody if rate is None else f"{rate:.3f}"),
    ]
    if rate is not None:
        rows.append((words(N_("95 % interval")), f"{facts['rate_lower']:.3f} – {facts['rate_upper']:.3f}"))
    fact_table(rows)
    if facts["simulated"]:
        st.html(simulated_mark())


def camera_panel(facts: dict[str, Any] | None, seen: SeenInterval | None) -> None:
    """Facts of a camera, and what it sees as far as its heading is known."""
    if facts is None:
        st.caption(words(N_("This camera is gone.")))
        return
    st.markdown(f"**{literal(words(facts['name']))}**")
    rows = [
        (words(N_("Code (GB/T 28181)")), facts["code"]),
        (words(N_("State")), words(STATES.get(facts["state"], facts["state"]))),
        (words(N_("Heading")), _heading(facts)),
        (words(N_("Height · tilt")), f"{facts['height_m']:.1f} m · {facts['tilt_deg']:.0f}°"),
        (words(N_("Horizontal field")), f"{facts['hfov_deg']:.0f}°"),
        (words(N_("Picture width · range")), f"{facts['resolution_px']} px · {facts['range_m']:.0f} m"),
        (words(N_("Hours sampled a day")), f"{facts['hours_per_day']:.1f} h/d"),
        (words(N_("Shared with")), words(SHARES.get(facts["share_level"], ""))),
    ]
    if facts["area_m2"] is not None:
        rows.append((words(N_("Visible ground")), f"{facts['area_m2']:,.0f} m²"))
        reach = " / ".join(
            f"{facts[f'{name}_m']:.0f}" for name in ("detect", "observe", "recognise", "identify")
        )
        if seen is not None:
            rows.append(
                (
                    words(N_("Visible ground, 95 % interval")),
                    f"{seen.lower_m2:,.0f} – {seen.upper_m2:,.0f} m²",
                )
            )
        rows.append((words(N_("Detect / observe / recognise / identify to")), f"{reach} m"))
        task = words(TASKS[facts["far_task"]]) if facts["far_task"] else words(N_("too coarse to detect"))
        rows.append(
            (words(N_("Pixel density where it sees farthest")), f"{facts['far_px_per_m']:.1f} px/m · {task}")
        )
    fact_table(rows)
    if seen is not None:
        st.caption(
            words(
                N_(
                    "Its heading is known to ±{sd:.0f}° only (standard deviation): in 95 of 100 cases it sees"
                    " between {lower:,.0f} and {upper:,.0f} m²."
                ),
                sd=seen.sd_deg,
                lower=seen.lower_m2,
                upper=seen.upper_m2,
            )
        )
    if facts["pose_simulated"]:
        st.html(f"{simulated_mark()} {words(N_('heading and lens'))}")
    if facts["demonstration"]:
        st.caption(words(N_("Demonstration camera: plays recorded footage of another place.")))


def _heading(facts: dict[str, Any]) -> str:
    """The heading, with its standard deviation where nobody surveyed it."""
    known = f" ± {facts['heading_sd_deg']:.0f}°" if facts["heading_sd_deg"] > 0 else ""
    return f"{facts['heading_deg']:.0f}°{known}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
