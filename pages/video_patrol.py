"""Video: the sampled frames of a camera with boxes and zones, and what was found, on the map."""

from __future__ import annotations

import html

import geopandas as gpd
import pandas as pd
import streamlit as st

from analysis.crs import DISPLAY_EPSG
from analysis.vision.detections import CLASS_NAMES, VEHICLE_CLASSES
from geodata.queries.watching import Patrol
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import shape_layer, tile_layer, view_state
from layers.i18n import N_
from layers.layer import Form
from pages import cached
from pages.session import language, words
from pages.widgets.columns import side_and_field
from pages.widgets.jobs import job_button
from pages.widgets.legend import legend, shown_sources, source_line
from pages.widgets.map import show_map
from pages.widgets.picture import annotated_picture
from pages.widgets.screen import empty, fact_table, screen, simulated_mark

LABELS = {english: (chinese, english) for chinese, english in CLASS_NAMES.values()}
VEHICLES = {CLASS_NAMES[number][1] for number in VEHICLE_CLASSES}
LEAST_SCORE = 0.3
HERE = Form(fill=ramps.ACCENT, line=(90, 60, 0, 255), radius_px=8)


def main() -> None:
    with screen(
        N_("Video"),
        N_(
            "Frames sampled from a camera's footage, what the detector saw in them, and the rules that fired."
        ),
    ) as revision:
        if revision is None:
            return
        cameras = cached.cameras_with_footage(revision)
        if cameras.empty:
            empty(
                N_("No camera has footage"),
                N_("Load the town, which sets up a demonstration camera:"),
                "huiyan load helsinki",
            )
            return
        side, field = side_and_field(2.4)
        with side:
            camera = _choose(cameras)
            job_button("patrol", words(N_("Patrol now")), code=str(camera["code"]))
        patrol = cached.patrol(revision, int(camera["id"]))
        with field:
            _frames(patrol)
        with side:
            _about(camera, patrol)
        _findings(revision, camera, patrol)


def _choose(cameras: pd.DataFrame) -> pd.Series:
    names = {row.id: f"{words(row.name)} · {row.code}" for row in cameras.itertuples(index=False)}
    chosen = st.selectbox(words(N_("Camera")), list(names), format_func=names.__getitem__, key="video_camera")
    return cameras.set_index("id", drop=False).loc[chosen]


def _about(camera: pd.Series, patrol: Patrol) -> None:
    rows = [(words(N_("Code (GB/T 28181)")), str(camera["code"]))]
    if pd.notna(camera["rmse_m"]):
        residual = f"{camera['rmse_m']:.2f} m · {camera['max_error_m']:.2f} m"
        rows.append((words(N_("Calibration: mean and worst residual")), residual))
    if len(patrol.samples):
        rows.append((words(N_("Detector")), str(patrol.samples["detector"].iloc[0])))
        rows.append((words(N_("Time per frame")), f"{patrol.samples['looked_s'].median() * 1000:.0f} ms"))
        rows.append((words(N_("Newest patrol")), f"{patrol.samples['taken_at'].iloc[0]:%Y-%m-%d %H:%M}Z"))
    fact_table(rows)
    if camera["demonstration"]:
        st.html(simulated_mark())
        st.caption(
            words(
                N_(
                    "Demonstration: recorded footage of another place (PETS 2009 S2-L1) is played here; "
                    "what it shows did not happen in this town. Heads are blurred."
                )
            )
        )


def _frames(patrol: Patrol) -> None:
    if patrol.samples.empty:
        empty(N_("Nobody has looked yet"), N_("Press Patrol now, or run this command:"), "huiyan patrol")
        return
    samples = patrol.samples.reset_index(drop=True)
    place = st.select_slider(
        words(N_("Sampled frames: seconds from the start")),
        options=list(samples.index),
        format_func=lambda row: f"{samples.at[row, 'footage_s']:.0f} s",
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
            (row.x1, row.y1, row.x2, row.y2, f"{_label(row.label)} {row.score:.2f}", row.label in VEHICLES)
            for row in boxes.itertuples()
        ],
        zones=[(zone.polygon_px, _title(zone)) for zone in patrol.zones.itertuples()],
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


def _findings(revision: int, camera: pd.Series, patrol: Patrol) -> None:
    st.subheader(words(N_("Findings")), anchor=False)
    if patrol.findings.empty:
        st.caption(words(N_("No rule has fired.")))
        return
    cards, field = st.columns([1.3, 1], gap="medium")
    with cards:
        pair = st.columns(2)
        for number, found in enumerate(patrol.findings.head(4).itertuples()):
            with pair[number % 2]:
                _card(found, patrol)
    with field:
        _place(revision, camera)


def _card(found: tuple, patrol: Patrol) -> None:
    annotated_picture(
        f"/api/pictures/finding/{found.id}.jpg",
        _size(patrol),
        boxes=[(found.x1, found.y1, found.x2, found.y2, _label(found.label), True)],
        zones=[],
        alternative=words(N_("Evidence of the finding")),
    )
    name = found.name_zh if language() == "zh-CN" else found.name_en
    st.markdown(f"**{html.escape(_title(found))}** · {found.class_code} {name}")
    fact_table(
        [
            (words(N_("Standing for")), f"{found.dwell_s:,.0f} s"),
            (words(N_("Confidence")), f"{found.confidence:.2f}"),
            (words(N_("First seen")), f"{found.first_seen_at:%Y-%m-%d %H:%M:%S}Z"),
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
            LAYERS["buildings"], revision=revision, form=Form(fill=ramps.BUILDING, line=(170, 176, 172, 255))
        ),
        tile_layer(LAYERS["camera_views"], revision=revision),
        shape_layer("here", spot, HERE),
        tile_layer(LAYERS["findings"], revision=revision),
    ]
    register = cached.register(revision)
    sources, simulated = shown_sources(register, layers)
    view = view_state((float(camera["lon_deg"]), float(camera["lat_deg"])), 17.3)
    show_map("video_map", drawn, view, sources, simulated=simulated, height_px=420, selectable=False)
    legend([LAYERS["camera_views"], LAYERS["findings"]])
    source_line(register, layers)


def _label(english: str) -> str:
    pair = LABELS.get(english, (english, english))
    return pair[0] if language() == "zh-CN" else pair[1]


def _title(row: tuple) -> str:
    return str(row.title_zh if language() == "zh-CN" else row.title_en)


main()
