"""Reference points: the same place clicked on the picture and on the map, and how far the fit can be trusted."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from analysis.errors import HuiyanError
from analysis.vision.calibration import ASKED_POINTS, LEAST_POINTS, Homography
from geodata.commands.calibrations import save_calibration
from geodata.queries.calibrations import PictureDesk, fit_points
from layers.i18n import N_
from pages.calibrating import surfaces
from pages.session import explained, forget, recall, remember, words
from pages.widgets.figures import figures
from pages.widgets.marking import Marks, Overlay, mark
from pages.widgets.screen import told
from pages.widgets.taking import data_table

__all__ = ["apply_marks", "points_task"]

COLUMNS = ("x_px", "y_px", "lon_deg", "lat_deg")
PIXEL, PLACE = COLUMNS[:2], COLUMNS[2:]
QUARTERS = (0.25, 0.5, 0.75)


def points_task(revision: int, desk: PictureDesk, reach_m: int) -> None:
    """Marks pairs, shows what they are worth, keeps them."""
    upper, lower = st.container(key="points_upper"), st.container(key="points_lower")
    with lower:
        now = _table(desk)
    pairs = now.dropna()
    fit, trouble = _fit(desk, pairs)
    with upper:
        with st.container():  # always there, so that what comes after it keeps its place
            _say_next(now)
        _surfaces(revision, desk, reach_m, now, fit)
    with lower:
        if trouble is not None:
            st.error(explained(trouble), icon=":material/error:")
        if fit is not None:
            _worth(desk, pairs, fit)
        _keep(desk, now, pairs, fit)


def apply_marks(now: pd.DataFrame, marks: Marks, side: tuple[str, str]) -> pd.DataFrame:
    """
    The table after marks of one side were set, moved or taken out.

    A new mark goes to the first row that lacks this side, else to a new row; a row that has lost both sides goes.
    """
    rows = now.reset_index(drop=True)
    kept = {i: place for i, place in zip(marks.ids, marks.places, strict=True) if i is not None}
    for row in rows.index:
        rows.loc[row, list(side)] = kept.get(int(row), (math.nan, math.nan))
    for place in (place for i, place in zip(marks.ids, marks.places, strict=True) if i is None):
        free = rows.index[rows[side[0]].isna() & rows.notna().any(axis=1)]
        row = free[0] if len(free) else len(rows)
        if row == len(rows):
            rows.loc[row] = math.nan
        rows.loc[row, list(side)] = place
    return rows.dropna(how="all").reset_index(drop=True)


def _table(desk: PictureDesk) -> pd.DataFrame:
    """The table of pairs, to be edited; as it is now."""
    held = recall(f"points_{desk.id}")
    edition = int(recall(f"points_{desk.id}_edition", 0))
    st.header(words(N_("Pairs of points")), anchor=False)
    st.caption(
        words(N_("The same numbers as on picture and map; they can be typed, changed and deleted here."))
    )
    number = st.column_config.NumberColumn
    edited = st.data_editor(
        _stored_rows(desk) if held is None else held,
        num_rows="dynamic",
        hide_index=True,
        key=f"points_table_{desk.id}_{edition}",
        column_order=list(COLUMNS),
        column_config={
            "x_px": number(words(N_("x, px from the left")), format="%.1f"),
            "y_px": number(words(N_("y, px from the top")), format="%.1f"),
            "lon_deg": number(words(N_("Longitude, °")), format="%.7f"),
            "lat_deg": number(words(N_("Latitude, °")), format="%.7f"),
        },
    )
    return edited[list(COLUMNS)].astype(float).dropna(how="all").reset_index(drop=True)


def _stored_rows(desk: PictureDesk) -> pd.DataFrame:
    if desk.stored is None:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in COLUMNS})
    pixels = desk.stored.pixels
    if desk.another_size and desk.picture is not None:  # a first guess for the new size
        pixels = pixels * np.divide(desk.picture.size_px, desk.stored.size_px)
    return pd.DataFrame(
        np.column_stack([pixels, desk.frame.to_degrees(desk.stored.ground_m)]), columns=list(COLUMNS)
    )


def _fit(desk: PictureDesk, pairs: pd.DataFrame) -> tuple[Homography | None, HuiyanError | None]:
    if len(pairs) < LEAST_POINTS:
        return None, None
    try:
        return fit_points(pairs[list(PIXEL)], desk.frame.to_metres(pairs[list(PLACE)])), None
    except HuiyanError as error:
        return None, error


def _say_next(now: pd.DataFrame) -> None:
    """What to do next."""
    lacks = {
        N_("Point {number} has no place on the map yet: click it there, or type it below."): PLACE,
        N_("Point {number} is not on the picture yet: click it there, or type it below."): PIXEL,
    }
    for message, side in lacks.items():
        open_rows = now.index[now[list(side)].isna().any(axis=1)]
        if len(open_rows):
            st.info(words(message, number=int(open_rows[0]) + 1), icon=":material/touch_app:")
            return
    if len(now) < ASKED_POINTS:
        st.info(
            words(
                N_(
                    "{count} pairs are marked; {least} are needed and {asked} are asked, spread over the ground that"
                    " the picture shows. Click a place on the picture, then the same place on the map."
                ),
                count=len(now),
                least=LEAST_POINTS,
                asked=ASKED_POINTS,
            ),
            icon=":material/touch_app:",
        )


def _surfaces(
    revision: int, desk: PictureDesk, reach_m: int, now: pd.DataFrame, fit: Homography | None
) -> None:
    left, right = st.columns([1.35, 1], gap="medium")
    with left:
        marks = [
            (float(row.x_px), float(row.y_px), str(i + 1), int(i))
            for i, row in enumerate(now.itertuples())
            if not math.isnan(row.x_px + row.y_px)
        ]
        overlays = [*_zones(desk), *surfaces.picture_hull(fit), *_picture_misses(fit)]
        found = mark(f"points_picture_{desk.id}", surfaces.picture_surface(desk), marks, "points", overlays)
        if found is not None:
            _take(desk, now, found, PIXEL)
    with right:
        known = now[list(PLACE)].notna().all(axis=1)
        ground = np.full((len(now), 2), np.nan)
        ground[known] = desk.frame.to_metres(now.loc[known, list(PLACE)])
        places = [
            (float(x), -float(y), str(i + 1), int(i)) for i, (x, y) in enumerate(ground) if known.iloc[i]
        ]
        overlays = [*surfaces.plan_zones(desk, fit), *surfaces.plan_hull(fit), *_plan_misses(fit)]
        overlays += surfaces.scale_bar(reach_m)
        found = mark(
            f"points_plan_{desk.id}_{reach_m}",
            surfaces.plan_surface(revision, desk, reach_m),
            places,
            "points",
            overlays,
        )
        if found is not None:
            degrees = desk.frame.to_degrees(surfaces.upwards(found.places)) if found.places else ()
            moved = Marks(tuple((float(x), float(y)) for x, y in degrees), found.ids)
            _take(desk, now, moved, PLACE)
        surfaces.plan_source(revision)


def _take(desk: PictureDesk, now: pd.DataFrame, marks: Marks, side: tuple[str, str]) -> None:
    remember(f"points_{desk.id}", apply_marks(now, marks, side))
    _draw_anew(desk)


def _zones(desk: PictureDesk) -> list[Overlay]:
    if desk.another_size:
        return []
    return [
        Overlay("zone" if zone.enabled else "zone_off", surfaces.zone_title(zone), zone.polygon_px)
        for zone in desk.zones
    ]


def _picture_misses(fit: Homography | None) -> list[Overlay]:
    """From each reference pixel to where its ground place falls."""
    if fit is None:
        return []
    with np.errstate(all="ignore"):
        back = fit.to_pixels(fit.ground_m)
    return [
        Overlay("off", "", (here, there), closed=False)
        for here, there in zip(fit.pixels, back, strict=True)
        if np.isfinite(there).all()
    ]


def _plan_misses(fit: Homography | None) -> list[Overlay]:
    """From each ground place to where its pixel lands."""
    if fit is None:
        return []
    there = fit.to_ground(fit.pixels)
    return [
        Overlay("off", "", surfaces.downwards(ends), closed=False)
        for ends in zip(fit.ground_m, there, strict=True)
    ]


def _worth(desk: PictureDesk, pairs: pd.DataFrame, fit: Homography) -> None:
    """How good the fit is, and where."""
    st.header(words(N_("What the calibration is worth")), anchor=False)
    figures(
        [
            (N_("Points"), str(len(pairs))),
            (N_("Residual, mean"), _metres(fit.rmse_m)),
            (N_("Residual, worst"), _metres(fit.max_m)),
            (
                N_("Leave-one-out, mean"),
                _metres(fit.leave_one_out_rmse_m),
                N_("Each point told by the others alone: what a new point would show."),
            ),
            (N_("Leave-one-out, worst"), _metres(fit.leave_one_out_max_m)),
        ]
    )
    if len(pairs) == LEAST_POINTS:
        st.warning(
            words(
                N_(
                    "Four points always fit exactly: a residual of zero proves nothing, and no point is left to"
                    " check it. Mark six or more."
                )
            ),
            icon=":material/warning:",
        )
    else:
        st.caption(
            words(N_("A low residual proves little; the leave-one-out error is what a new point would show."))
        )
    left, right = st.columns(2, gap="medium")
    with left:
        _each_point(fit)
    with right:
        _spread(desk, fit)


def _each_point(fit: Homography) -> None:
    number = st.column_config.NumberColumn
    data_table(
        "reference-points",
        pd.DataFrame(
            {
                "point": np.arange(1, len(fit.pixels) + 1),
                "residual": fit.residuals_m,
                "left_out": fit.leave_one_out_m,
            }
        ),
        hide_index=True,
        column_config={
            "point": number(words(N_("Point"))),
            "residual": number(words(N_("Residual, m")), format="%.2f"),
            "left_out": number(words(N_("Leave-one-out distance, m")), format="%.2f"),
        },
    )


def _spread(desk: PictureDesk, fit: Homography) -> None:
    """How far off a place may be at the picture's quarter points."""
    assert desk.size_px is not None
    places = np.array([(x * desk.size_px[0], y * desk.size_px[1]) for y in QUARTERS for x in QUARTERS])
    cells = _told_sigma(fit, places).reshape(len(QUARTERS), len(QUARTERS))
    high = [N_("upper quarter"), N_("middle"), N_("lower quarter")]
    wide = [N_("left quarter"), N_("centre"), N_("right quarter")]
    st.markdown(f"**{words(N_('Standard deviation of a place on the ground'))}**")
    data_table(
        "spread",
        pd.DataFrame(cells, columns=[words(each) for each in wide]).assign(at=[words(each) for each in high]),
        hide_index=True,
        column_order=["at", *[words(each) for each in wide]],
        column_config={"at": st.column_config.TextColumn(words(N_("Picture")))},
    )
    st.caption(
        words(
            N_(
                "It grows with distance. Pixels beyond the hull of the reference points are refused: finds there stand"
                " at the camera's own place."
            )
        )
    )


def _told_sigma(fit: Homography, places: NDArray[np.float64]) -> NDArray[np.object_]:
    ground, inside = fit.sees_ground(places), fit.covers(places)
    told_ = np.full(len(places), words(N_("no ground")), dtype=object)
    if inside.any():
        told_[inside] = [_metres(each) for each in fit.sigma_m(places[inside])]
    told_[ground & ~inside] = words(N_("beyond the points"))
    return told_


def _keep(desk: PictureDesk, now: pd.DataFrame, pairs: pd.DataFrame, fit: Homography | None) -> None:
    if len(now) > len(pairs):
        st.caption(words(N_("{count} rows that lack a side are left out."), count=len(now) - len(pairs)))
    with st.container(horizontal=True):
        pressed = st.button(
            words(N_("Keep the calibration")),
            type="primary",
            icon=":material/save:",
            disabled=fit is None,
            key="points_keep",
        )
        if st.button(words(N_("Back to what is kept")), icon=":material/undo:", key="points_back"):
            _start_over(desk)
    if pressed:
        assert desk.size_px is not None
        with told():
            saved = save_calibration(desk.id, desk.size_px, pairs[list(PIXEL)], pairs[list(PLACE)])
            remember("calibration_kept", (desk.id, saved.zones_moved, saved.zones_off))
            _start_over(desk)


def _start_over(desk: PictureDesk) -> None:
    """From the stored points again, in a table of its own."""
    forget(f"points_{desk.id}")
    _draw_anew(desk)


def _draw_anew(desk: PictureDesk) -> None:
    """A table of another edition: what was typed into the last one is in it already, or given up."""
    remember(f"points_{desk.id}_edition", int(recall(f"points_{desk.id}_edition", 0)) + 1)
    st.rerun()


def _metres(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:.2f} m"
