"""What speaks for a lead: frames before, at and after it, its facts, and its place with the uncertainty."""

from __future__ import annotations

import math
from typing import Any

import geopandas as gpd
import streamlit as st

from analysis.crs import DISPLAY_EPSG
from geodata.projecting import projected
from geodata.queries.desk import LeadView
from geodata.towns.town import Town
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import shape_layer, tile_layer, view_state
from layers.i18n import N_
from layers.layer import Form
from layers.watching import VERDICTS
from pages import cached
from pages.session import words
from pages.watching.closeup import close_up
from pages.watching.telling import (
    VEHICLES,
    age,
    camera_name,
    class_name,
    label_name,
    moment,
    rule_name,
    title,
)
from pages.widgets.legend import keys, shown_sources
from pages.widgets.map import show_map
from pages.widgets.picture import annotated_picture
from pages.widgets.screen import fact_table, simulated_mark

__all__ = ["evidence", "lead_facts", "lead_map"]

ROLES = {
    "before": N_("Before"),
    "at": N_("At the lead"),
    "after": N_("After"),
    "recheck": N_("Second recognition"),
}
MISSING = {
    "before": N_("No frame before it was kept."),
    "at": N_("The evidence is gone."),
    "after": N_("It has not ended yet, or no frame after it was kept."),
}
POINT = Form(fill=ramps.FINDING, line=(255, 255, 255, 255), radius_px=7)
CIRCLE = Form(fill=(*ramps.FINDING[:3], 40), line=(*ramps.FINDING[:3], 200))
FLAT = Form(fill=(222, 226, 223, 255), line=(205, 210, 206, 255))
CAMERA = Form(fill=ramps.CAMERA, line=(255, 255, 255, 255), radius_px=6)


def evidence(found: LeadView, town: Town) -> None:
    """The frames side by side, each with the zone; boxes where the lead is."""
    facts = found.facts
    roles = ["before", "at", "after"] + (["recheck"] if "recheck" in found.frames else [])
    for role, place in zip(roles, st.columns(len(roles), gap="small"), strict=True):
        with place:
            at = facts["last_seen_at"] if role == "at" else found.frames.get(role)
            head = words(ROLES[role])
            told = (
                moment(found.frames.get(role), town) if role != "at" else moment(facts["first_seen_at"], town)
            )
            st.caption(f"**{head}** · {told}")
            if (role == "at" and not facts["pictured"]) or at is None:
                st.info(words(MISSING[role]), icon=":material/hide_image:")
                continue
            boxes = facts["boxes"] or [[facts["x1"], facts["y1"], facts["x2"], facts["y2"]]]
            label = f"{label_name(facts['label'])} {facts['confidence']:.2f}"
            kind = "finding" if role == "at" else role
            annotated_picture(
                f"/api/pictures/{kind}/{facts['id']}.jpg",
                facts["size_px"],
                boxes=[
                    (*box, label if number == 0 else "", facts["label"] in VEHICLES)
                    for number, box in enumerate(boxes)
                    if role == "at"
                ],
                zones=[(facts["polygon_px"], title(facts))],
                alternative=f"{head}: {rule_name(facts['rule'])}",
            )
            close_up(
                f"/api/pictures/{kind}/{facts['id']}.jpg",
                facts["size_px"],
                (facts["x1"], facts["y1"], facts["x2"], facts["y2"]),
                alternative=f"{head}: {words(N_('close up'))}",
            )


def lead_facts(found: LeadView, town: Town) -> None:
    """What is known of a lead, and the leads that stand behind it."""
    facts = found.facts
    place = words(N_("not known"))
    if facts["error_m"] is not None:
        place = words(N_("± {error:.1f} m (standard deviation)"), error=facts["error_m"])
    fact_table(
        [
            (words(N_("Lead")), f"{facts['id']} · {words(VERDICTS[facts['state']])}"),
            (words(N_("Camera")), camera_name(facts["camera_name"], facts["camera"])),
            (words(N_("Zone")), title(facts)),
            (words(N_("Class of event")), class_name(facts)),
            (
                words(N_("Rule and version")),
                f"{rule_name(facts['rule'])} · {facts['rule_version']}"
                + (f" · {words(N_('hint'))}" if facts["hint"] else ""),
            ),
            (words(N_("Score")), f"{facts['confidence']:.2f}"),
            (words(N_("First seen")), moment(facts["first_seen_at"], town)),
            (words(N_("Lasted")), age(facts["dwell_s"])),
            (words(N_("Place")), place),
        ]
    )
    if facts["simulated"]:
        st.html(
            f"{simulated_mark()} {words(N_('Recorded footage of another place: this did not happen here.'))}"
        )
    if len(found.others):
        with st.expander(
            words(N_("{count} other leads about the same thing"), count=len(found.others)),
            icon=":material/stacks:",
        ):
            fact_table(
                [
                    (
                        f"{row.id} · {row.camera[-6:]} · {rule_name(row.rule)}",
                        f"{row.confidence:.2f} · {moment(row.first_seen_at, town)}",
                    )
                    for row in found.others.itertuples()
                ]
            )


def lead_map(revision: int, town: Town, found: LeadView) -> None:
    """Where a lead is, with a circle of one standard deviation, and its camera."""
    facts = found.facts
    if facts["lon_deg"] is None:
        st.caption(words(N_("This lead has no place: its camera is not calibrated.")))
        return
    point = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy([facts["lon_deg"]], [facts["lat_deg"]]), crs=DISPLAY_EPSG
    )
    eye = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy([facts["camera_lon_deg"]], [facts["camera_lat_deg"]]), crs=DISPLAY_EPSG
    )
    layers = [LAYERS["streets"], LAYERS["buildings"]]
    drawn = [
        tile_layer(LAYERS["buildings"], revision=revision, form=FLAT, pickable=False),
        tile_layer(LAYERS["streets"], revision=revision, pickable=False),
    ]
    if facts["error_m"] is not None:
        circle = projected(point, town.metric_epsg)
        circle = gpd.GeoDataFrame(geometry=circle.buffer(float(facts["error_m"])), crs=circle.crs)
        drawn.append(shape_layer("uncertainty", circle, CIRCLE, pickable=False))
    drawn.append(shape_layer("eye", eye, CAMERA, pickable=False))
    drawn.append(shape_layer("lead", point, POINT, pickable=False))
    register = cached.register(revision)
    sources, simulated = shown_sources(register, layers)
    show_map(
        f"lead_map_{facts['id']}",
        drawn,
        view_state((float(facts["lon_deg"]), float(facts["lat_deg"])), _zoom(facts)),
        sources,
        simulated=simulated or bool(facts["simulated"]),
        height_px=300,
        selectable=False,
    )
    keys(
        words(N_("Place")),
        [
            (ramps.FINDING, N_("lead, with its standard deviation"), "dot"),
            (ramps.CAMERA, N_("camera"), "dot"),
        ],
    )


def _zoom(facts: dict[str, Any]) -> float:
    """At which the circle fills most of the map; a pixel of deck.gl is 78,272 m wide at zoom 0 on the equator."""
    radius_m = max(float(facts["error_m"] or 0.0), 12.0)
    across_m = 78_271.5 * math.cos(math.radians(float(facts["lat_deg"])))
    return max(14.0, min(18.5, math.log2(across_m * 300 / (3 * radius_m))))
