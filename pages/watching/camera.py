"""One camera: its sampled frames with boxes and zones, and what was found, on the map."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.crs import DISPLAY_EPSG
from geodata.queries.watching import Patrol
from geodata.towns.town import Town
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import shape_layer, tile_layer, view_state
from layers.i18n import N_
from layers.layer import Form
from pages import cached
from pages.session import literal, words
from pages.watching.telling import LEAST_SCORE, VEHICLES, class_name, label_name, moment, title
from pages.widgets.columns import side_and_field
from pages.widgets.jobs import job_button
from pages.widgets.legend import legend, shown_sources, source_line
from pages.widgets.map import show_map
from pages.widgets.picture import annotated_picture
from pages.widgets.screen import empty, fact_table, simulated_mark

__all__ = ["camera_view", "demonstration_note"]

HERE = Form(fill=ramps.ACCENT, line=(90, 60, 0, 255), radius_px=8)


def camera_view(revision: int, town: Town, camera: pd.Series) -> None:
    """All about one camera: a row of `cameras_with_footage`."""
    patrol = cached.looks(int(camera["id"]))
    side, field = side_and_field(2.4)
    with side:
        if str(camera["stream_url"]).startswith("clip:"):  # only recorded footage can be looked at as a whole
            job_button("patrol", words(N_("Patrol now")), code=str(camera["code"]))
    with field:
        _frames(patrol, town)
    with side:
        _about(camera, patrol, town)
    _findings(revision, town, camera, patrol)


def demonstration_note() -> None:
    """What the demonstration camera shows did not happen here."""
    st.html(simulated_mark())
    st.caption(
        words(
            N_(
                "Demonstration: recorded footage of another place (PETS 2009 S2-L1) is played here; "
                "what it shows did not happen in this town. Heads are blurred."
            )
        )
    )


def _about(camera: pd.Series, patrol: Patrol, town: Town) -> None:
    rows = [(words(N_("Code (GB/T 28181)")), str(camera["code"]))]
    if pd.notna(camera["rmse_m"]):
        residual = f"{camera['rmse_m']:.2f} m · {camera['max_error_m']:.2f} m"
        rows.append((words(N_("Calibration: mean and worst residual")), residual))
    if len(patrol.samples):
        rows.append((words(N_("Detector")), str(patrol.samples["detector"].iloc[-1])))
        rows.append((words(N_("Time per frame")), f"{patrol.samples['looked_s'].median() * 1000:.0f} ms"))
        rows.append((words(N_("Newest patrol")), moment(patrol.samples["taken_at"].iloc[-1], town)))
    fact_table(rows)
    if camera["demonstration"]:
        demonstration_note()


def _frames(patrol: Patrol, town: Town) -> None:
    if patrol.samples.empty:
        empty(N_("Nobody has looked yet"), N_("Press Patrol now, or run this command:"), "huiyan patrol")
        return
    samples = patrol.samples.reset_index(drop=True)
    told = [f"{at.astimezone(town.time_zone):%H:%M:%S}" for at in samples["taken_at"]]
    place = st.select_slider(
        words(N_("Sampled frames: when they were taken")),
        options=list(samples.index),
        format_func=told.__getitem__,
        value=len(samples) - 1,
        key="video_frame",
    )
    sample = samples.loc[place]
    boxes = patrol.detections[
        (patrol.detections["sample_id"] == sample["id"]) & (patrol.detections["score"] >= LEAST_SCORE)
    ]
    annotated_picture(
        f"/api/pictures/sample/{int(sample['id'])}.jpg",
        (int(sample["width_px"]), int(sample["height_px"])),
        boxes=[
            (
                row.x1,
                row.y1,
                row.x2,
                row.y2,
                f"{label_name(row.label)} {row.score:.2f}",
                row.label in VEHICLES,
            )
            for row in boxes.itertuples()
        ],
        zones=[(zone.polygon_px, title(zone)) for zone in patrol.zones.itertuples()],
        alternative=words(N_("Sampled frame with detections and zones")),
    )
    vehicles = int(boxes["label"].isin(VEHICLES).sum())
    st.caption(
        words(
            N_("{boxes} boxes, {vehicles} of them vehicles; score {least} and more"),
            boxes=len(boxes),
            vehicles=vehicles,
            least=LEAST_SCORE,
        )
    )


def _findings(revision: int, town: Town, camera: pd.Series, patrol: Patrol) -> None:
    st.header(words(N_("Findings")), anchor=False)
    if patrol.findings.empty:
        st.caption(words(N_("No rule has fired.")))
        return
    cards, field = st.columns([1.3, 1], gap="medium")
    with cards:
        pair = st.columns(2)
        for number, found in enumerate(patrol.findings.head(4).itertuples()):
            with pair[number % 2]:
                _card(found, patrol, town)
    with field:
        _place(revision, camera)


def _card(found: Any, patrol: Patrol, town: Town) -> None:
    annotated_picture(
        f"/api/pictures/finding/{found.id}.jpg",
        _size(patrol),
        boxes=[(found.x1, found.y1, found.x2, found.y2, label_name(found.label), True)],
        zones=[],
        alternative=words(N_("Evidence of the finding")),
    )
    st.markdown(f"**{literal(title(found))}** · {class_name(found)}")
    fact_table(
        [
            (words(N_("Standing for")), f"{found.dwell_s:,.0f} s"),
            (words(N_("Confidence")), f"{found.confidence:.2f}"),
            (words(N_("First seen")), moment(found.first_seen_at, town)),
        ]
    )


def _size(patrol: Patrol) -> tuple[int, int]:
    """Width and height of the camera's pictures in pixels; those of the demonstration where none is kept."""
    if patrol.samples.empty:
        return 768, 576
    return int(patrol.samples["width_px"].max()), int(patrol.samples["height_px"].max())


def _place(revision: int, camera: pd.Series) -> None:
    spot = gpd.GeoDataFrame(
        {"name": [camera["name"]]},
        geometry=gpd.points_from_xy([camera["lon_deg"]], [camera["lat_deg"]]),
        crs=DISPLAY_EPSG,
    )
    layers = [LAYERS["streets"], LAYERS["camera_views"], LAYERS["findings"]]
    drawn = [
        tile_layer(LAYERS["streets"], revision=revision),
        tile_layer(
            LAYERS["buildings"], revision=revision, form=Form(fill=ramps.BUILDING, line=ramps.BUILDING_EDGE)
        ),
        tile_layer(LAYERS["camera_views"], revision=revision),
        shape_layer("here", spot, HERE),
        tile_layer(LAYERS["findings"], revision=revision),
    ]
    register = cached.register(revision)
    sources, simulated = shown_sources(register, layers)
    view = view_state((float(camera["lon_deg"]), float(camera["lat_deg"])), 17.3)
    show_map(
        f"video_map_{camera['id']}",
        drawn,
        view,
        sources,
        simulated=simulated,
        height_px=420,
        selectable=False,
    )
    legend([LAYERS["camera_views"], LAYERS["findings"]])
    source_line(register, layers)
