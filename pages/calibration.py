"""Calibration: where the pixels of a camera are on the ground, and the zones that its rules watch."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.errors import HuiyanError
from geodata import database
from geodata.queries.calibrations import PictureDesk, read_desk
from geodata.towns.town import Town
from layers.i18n import N_
from pages import cached
from pages.calibrating.points import points_task
from pages.calibrating.surfaces import REACHES_M, default_reach_m
from pages.calibrating.zoning import zones_task
from pages.session import address, explained, forget, recall, set_address, words
from pages.watching.telling import moment
from pages.widgets.screen import empty, screen, simulated_mark

TASKS = {"points": N_("Reference points"), "zones": N_("Zones")}


def main() -> None:
    with screen(
        N_("Calibration"),
        N_(
            "Which pixel of a camera is which place on the ground, how surely, and the zones that its rules watch."
        ),
    ) as revision:
        if revision is None:
            return
        town = cached.town(revision)
        cameras = cached.footage()
        if cameras.empty:
            empty(
                N_("No camera has footage"),
                N_("Load the town, which sets up a demonstration camera:"),
                "huiyan load helsinki",
            )
            return
        camera_id, task = _choose(cameras)
        with database.connection() as conn:
            desk = read_desk(conn, town, camera_id)
        if desk.size_px is None:
            empty(
                N_("This camera has no picture yet"),
                N_(
                    "Nobody has looked through it. Send a patrol from the Video screen, or with this command:"
                ),
                "huiyan patrol",
            )
            return
        with st.container():  # always there, so that what comes after it keeps its place
            _say(desk, town)
        reach_m = _reach(desk, town)
        if task == "zones":
            zones_task(revision, town, desk, reach_m)
        else:
            points_task(revision, desk, reach_m)


def _choose(cameras: pd.DataFrame) -> tuple[int, str]:
    """The camera of the address or the first, and what is to be done."""
    codes = cameras["code"].tolist()
    names = {row.code: f"{words(row.name)} · {row.code}" for row in cameras.itertuples(index=False)}
    titles = {each: words(title) for each, title in TASKS.items()}
    asked = address("camera")
    calibrated = cameras["rmse_m"].notna().to_numpy()
    first = int(calibrated.argmax())  # where a picture is likelier; row 0 without any
    with st.container(horizontal=True, vertical_alignment="bottom", key="calibration_bar"):
        chosen = st.selectbox(
            words(N_("Camera")),
            codes,
            index=codes.index(asked) if asked in codes else first,
            format_func=names.__getitem__,
            key=f"calibration_camera_{asked}",
            width=520,
        )
        task = st.segmented_control(
            words(N_("Tools")),
            list(titles),
            format_func=titles.__getitem__,
            default="zones" if address("task") == "zones" else "points",
            key="calibration_task",
            label_visibility="collapsed",
        )
    if chosen != (asked or codes[0]):
        set_address(camera=chosen)
        st.rerun()
    return int(cameras.loc[cameras["code"] == chosen, "id"].iloc[0]), task or "points"


def _say(desk: PictureDesk, town: Town) -> None:
    """What must be known before anything is marked."""
    _say_kept(desk)
    if desk.another_size:
        assert desk.stored is not None and desk.size_px is not None
        st.warning(
            words(
                N_(
                    "The pictures have {now} px, but the calibration and the zones were made for {then} px, so they do"
                    " not hold. Move the reference points to where they are now and keep the calibration: zones are"
                    " carried over where the picture has kept its shape, else they are switched off to be drawn anew."
                ),
                now=_size(desk.size_px),
                then=_size(desk.stored.size_px),
            ),
            icon=":material/aspect_ratio:",
        )
    elif desk.resized_at is not None:
        st.warning(
            words(
                N_(
                    "Since {since} this camera's pictures have another size than the one it was calibrated for; the"
                    " picture here is an older one. Wait for a new picture, then calibrate it anew."
                ),
                since=moment(desk.resized_at, town),
            ),
            icon=":material/aspect_ratio:",
        )
    if desk.demonstration:
        st.html(
            f"{simulated_mark()} "
            + words(
                N_(
                    "Demonstration: recorded footage of another place; its ground is laid before this camera, so"
                    " picture and map do not show the same things."
                )
            )
        )
    if desk.picture is None:
        st.info(
            words(N_("No picture is kept; points stand on an empty frame of the calibrated size.")),
            icon=":material/hide_image:",
        )


def _reach(desk: PictureDesk, town: Town) -> int:
    """How much ground the map shows on each side of the camera."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        taken = "–" if desk.picture is None else moment(desk.picture.taken_at, town)
        assert desk.size_px is not None
        st.caption(words(N_("Picture of {taken}, {size} px"), taken=taken, size=_size(desk.size_px)))
        return int(
            st.selectbox(
                words(N_("The map shows, m on each side of the camera")),
                REACHES_M,
                index=REACHES_M.index(default_reach_m(desk)),
                key=f"calibration_reach_{desk.id}",
                width=300,
            )
        )


def _say_kept(desk: PictureDesk) -> None:
    """What the last press of a button has done."""
    kept = recall("calibration_kept")
    if kept is not None and kept[0] == desk.id:
        forget("calibration_kept")
        _, moved, off = kept
        st.success(words(N_("The calibration is kept.")), icon=":material/check:")
        if moved:
            st.info(
                words(N_("{count} zones were carried over to the new size of the pictures."), count=moved)
            )
        if off:
            st.warning(
                words(
                    N_("{count} zones were switched off: the picture has another shape. Draw them anew."),
                    count=off,
                )
            )
    zone = recall("zone_kept")
    if zone is not None and zone[0] == desk.id:
        forget("zone_kept")
        _, version, remark = zone
        st.success(
            words(N_("The zone is kept, at version {version}."), version=version), icon=":material/check:"
        )
        if remark:
            st.warning(explained(HuiyanError.retold(remark)), icon=":material/crop:")


def _size(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]} × {size_px[1]}"


main()
