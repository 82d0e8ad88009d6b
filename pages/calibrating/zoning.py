"""Zones of a camera: drawn on the picture or on the map, with the rule that watches them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
import streamlit as st

from analysis.errors import HuiyanError, InputError
from analysis.vision.calibration import Homography
from analysis.vision.rules import RULES
from geodata import database
from geodata.commands.zones import ZoneDraft, delete_zone, save_zone
from geodata.queries.calibrations import (
    PictureDesk,
    StoredZone,
    event_classes,
    fit_points,
    zone_in_picture,
    zone_on_ground,
)
from geodata.towns.town import Town
from layers.i18n import N_
from pages.calibrating import surfaces
from pages.calibrating.ruling import settings_form
from pages.session import explained, language, recall, remember, words
from pages.widgets.marking import Mode, Overlay, mark
from pages.widgets.screen import told
from pages.widgets.taking import data_table

__all__ = ["zones_task"]

WHERE = {"picture": N_("Picture"), "map": N_("Map")}
ZONE, AREA = "zone", "area"
ENDS: dict[str, tuple[str, Mode]] = {
    "line": (N_("Line"), "line"),
    "arrow": (N_("Permitted direction"), "arrow"),
}
"""Parts of two points, named as the setting they are: what it is called, and how it is marked."""
MOST_AREAS = 20
NEW = 0
"""No zone has this id."""
USUAL = {
    "standing": "05-05",
    "static_object": "05-07",
    "gathering": "05-01",
    "crowding": "04-09",
    "bikes_outside": "05-06",
    "wrong_way": "05-99",
    "line_crossing": "05-99",
    "intrusion": "05-99",
    "motion": "05-99",
}
"""Kind of rule → the class that is offered first, of GB/T 30428.2."""
Ring = list[tuple[float, float]]


def zones_task(revision: int, town: Town, desk: PictureDesk, reach_m: int) -> None:
    """Chooses a zone or begins one, draws it, sets its rule, keeps it."""
    fit = _fit(desk)
    zone = _choose(desk)
    bar, field, lower = st.container(), st.container(), st.container()
    with lower:
        left, right = st.columns([1, 1.35], gap="large")
    key = f"{desk.id}_{zone.id if zone else 'new'}_{recall('zone_edition', 0)}"
    _looked_at(zone, key)
    with right:
        kind = _kind(zone, key)
    with bar:
        on, part = _bar(kind, zone, key)
    with left:
        now, trouble = _corners(desk, fit, zone, key, part, on)
    pixels = {part: _to_picture(desk, fit, now, on)} if trouble is None else {part: None}
    with field:
        with st.container():  # always there, so that what comes after it keeps its place
            _say_where(desk, fit, on)
        _surfaces(revision, desk, fit, reach_m, key, part, on, now, pixels[part], zone, kind)
    with left:
        if trouble is not None:
            st.error(explained(trouble), icon=":material/error:")
        _say_ground(fit, pixels[part], part)
    with right:
        _rest(desk, town, fit, zone, key, kind)
    with lower:
        _list(desk)


# ---------------------------------------------------------------------------------------- which, and where


def _fit(desk: PictureDesk) -> Homography | None:
    """The kept calibration, where it is for pictures of this size."""
    if desk.stored is None or desk.another_size:
        return None
    try:
        return fit_points(desk.stored.pixels, desk.stored.ground_m)
    except HuiyanError as error:
        st.warning(explained(error), icon=":material/warning:")
        return None


def _choose(desk: PictureDesk) -> StoredZone | None:
    names = {NEW: words(N_("New zone"))}
    for zone in desk.zones:
        off = "" if zone.enabled else f" · {words(N_('switched off'))}"
        names[zone.id] = f"{surfaces.zone_title(zone)} · {surfaces.rule_name(zone.kind)}{off}"
    asked = recall(f"zone_of_{desk.id}", desk.zones[0].id if desk.zones else NEW)
    chosen = st.selectbox(
        words(N_("Zone")),
        list(names),
        index=list(names).index(asked) if asked in names else 0,
        format_func=names.__getitem__,
        key=f"zone_choice_{desk.id}_{recall('zone_edition', 0)}",
    )
    return next((zone for zone in desk.zones if zone.id == chosen), None)


def _kind(zone: StoredZone | None, key: str) -> str:
    names = {kind: words(rule.label) for kind, rule in RULES.items()}
    kind = st.selectbox(
        words(N_("Rule")),
        list(RULES),
        index=list(RULES).index(zone.kind) if zone and zone.kind in RULES else 0,
        format_func=names.__getitem__,
        key=f"zone_kind_{key}",
    )
    if RULES[kind].needs == "track":
        st.warning(
            words(
                N_(
                    "This rule follows things from picture to picture, at 3.5 pictures a second or more. After a"
                    " sample the camera is followed for eight seconds, once a minute at most; its stream must give as"
                    " many pictures."
                )
            ),
            icon=":material/speed:",
        )
    return kind


def _bar(kind: str, zone: StoredZone | None, key: str) -> tuple[str, str]:
    """Where is drawn, and what."""
    parts = {ZONE: words(N_("Zone"))}
    for name, (label, _) in ENDS.items():
        if name in RULES[kind].__dataclass_fields__:
            parts[name] = words(label)
    if "allowed" in RULES[kind].__dataclass_fields__:
        for number in range(1, _areas(zone, key) + 2):
            parts[f"{AREA}{number}"] = words(N_("Planned area {number}"), number=number)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        places = {each: words(title) for each, title in WHERE.items()}
        on = st.segmented_control(
            words(N_("Draw on")),
            list(places),
            format_func=places.__getitem__,
            default="picture",
            key=f"zone_on_{key}",
        )
        part = ZONE
        if len(parts) > 1:
            part = st.selectbox(
                words(N_("What is drawn")),
                list(parts),
                format_func=parts.__getitem__,
                key=f"zone_part_{key}_{kind}",
                width=240,
            )
    return on or "picture", part


def _areas(zone: StoredZone | None, key: str) -> int:
    """How many planned areas there are."""
    stored = len(zone.settings.get("allowed") or ()) if zone else 0
    drawn = [
        number for number in range(1, MOST_AREAS) if (recall(f"drawn_{key}_{AREA}{number}") or {}).get("now")
    ]
    return max([stored, *drawn])


def _say_where(desk: PictureDesk, fit: Homography | None, on: str) -> None:
    if on == "map" and fit is None:
        error = InputError(
            "Camera {code} has no calibration for its pictures, so a place on the map has no place in its picture.",
            "Calibrate it first, or draw on the picture.",
            code=desk.code,
        )
        st.error(explained(error), icon=":material/error:")


# ------------------------------------------------------------------------------------------------- corners


def _stored_part(zone: StoredZone | None, part: str) -> Ring:
    """What is kept of a part, in pixels."""
    if zone is None:
        return []
    if part == ZONE:
        return list(zone.polygon_px)
    if part in ENDS:
        return [(float(x), float(y)) for x, y in zone.settings.get(part) or ()]
    areas = zone.settings.get("allowed") or ()
    number = int(part.removeprefix(AREA))
    return [(float(x), float(y)) for x, y in areas[number - 1]] if number <= len(areas) else []


def _corners(
    desk: PictureDesk, fit: Homography | None, zone: StoredZone | None, key: str, part: str, on: str
) -> tuple[Ring, HuiyanError | None]:
    """The corners of a part as a table, to be edited: pixels, or metres about the camera; and why they cannot be."""
    state = recall(f"drawn_{key}_{part}") or {
        "on": "picture",
        "held": _stored_part(zone, part),
        "now": _stored_part(zone, part),
        "edition": 0,
    }
    if state["on"] != on:
        ring = _turned(fit, state["now"], on)
        state = {"on": on, "held": ring, "now": ring, "edition": state["edition"] + 1}
    names = ("x_px", "y_px") if on == "picture" else ("lon_deg", "lat_deg")
    held = np.asarray(state["held"], dtype=float).reshape(-1, 2)
    table = pd.DataFrame(held if on == "picture" else desk.frame.to_degrees(held), columns=list(names))
    number = st.column_config.NumberColumn
    titles = (
        (words(N_("x, px from the left")), words(N_("y, px from the top")))
        if on == "picture"
        else (words(N_("Longitude, °")), words(N_("Latitude, °")))
    )
    st.markdown(f"**{words(N_('Corners'))}**")
    edited = st.data_editor(
        table,
        num_rows="dynamic",
        hide_index=True,
        key=f"zone_table_{key}_{part}_{on}_{state['edition']}",
        column_config={
            name: number(title, format="%.1f" if on == "picture" else "%.7f")
            for name, title in zip(names, titles, strict=True)
        },
    )
    typed = edited.astype(float).dropna().to_numpy()
    ring = typed if on == "picture" else desk.frame.to_metres(typed) if len(typed) else typed
    state["now"] = [(float(x), float(y)) for x, y in ring]
    remember(f"drawn_{key}_{part}", state)
    try:
        if on == "map" and fit is not None and state["now"]:
            zone_in_picture(fit, state["now"])
    except InputError as error:
        return state["now"], error
    return state["now"], None


def _turned(fit: Homography | None, ring: Ring, on: str) -> Ring:
    """Corners carried from the picture to the map or back; none where the calibration does not tell."""
    if fit is None or not ring:
        return []
    if on == "map":
        return [(float(x), float(y)) for x, y in fit.to_ground(ring)] if fit.covers(ring, 0.5).all() else []
    try:
        return list(zone_in_picture(fit, ring))
    except InputError:
        return []


def _to_picture(desk: PictureDesk, fit: Homography | None, ring: Ring, on: str) -> Ring | None:
    """Corners in pixels; None where they have none."""
    if on == "picture":
        return ring
    return list(zone_in_picture(fit, ring)) if fit is not None and ring else None


def _surfaces(
    revision: int,
    desk: PictureDesk,
    fit: Homography | None,
    reach_m: int,
    key: str,
    part: str,
    on: str,
    now: Ring,
    pixels: Ring | None,
    zone: StoredZone | None,
    kind: str,
) -> None:
    mode: Mode = ENDS[part][1] if part in ENDS else "polygon"
    left, right = st.columns([1.35, 1], gap="medium")
    with left:
        overlays = [*surfaces.picture_hull(fit), *_others(desk, zone), *_parts(key, zone, kind, part, fit)]
        if on == "map" and pixels:
            overlays.append(Overlay("planned", words(N_("as drawn on the map")), pixels, mode == "polygon"))
        found = mark(
            f"zone_picture_{key}_{part}",
            surfaces.picture_surface(desk),
            [(x, y, "", i) for i, (x, y) in enumerate(now)] if on == "picture" else [],
            mode if on == "picture" else "none",
            overlays,
        )
        if found is not None:
            _take(key, part, on, found.places)
    with right:
        overlays = [*surfaces.plan_zones(desk, fit, zone.id if zone else None), *surfaces.plan_hull(fit)]
        overlays += surfaces.scale_bar(reach_m)
        if on == "picture" and fit is not None and pixels and len(pixels) > 2 and part not in ENDS:
            shown = surfaces.downwards(zone_on_ground(fit, pixels))
            overlays.append(Overlay("planned", words(N_("as drawn on the picture")), shown))
        drawing = on == "map" and fit is not None
        found = mark(
            f"zone_plan_{key}_{part}_{reach_m}",
            surfaces.plan_surface(revision, desk, reach_m),
            [(x, y, "", i) for i, (x, y) in enumerate(surfaces.downwards(now))] if drawing else [],
            mode if drawing else "none",
            overlays,
        )
        if found is not None:
            _take(key, part, on, surfaces.upwards(found.places))
        surfaces.plan_source(revision)


def _take(key: str, part: str, on: str, places: Any) -> None:
    state = recall(f"drawn_{key}_{part}")
    ring = [(float(x), float(y)) for x, y in places]
    edition = state["edition"] + 1
    remember(f"drawn_{key}_{part}", {"on": on, "held": ring, "now": ring, "edition": edition})
    st.rerun()


def _others(desk: PictureDesk, zone: StoredZone | None) -> list[Overlay]:
    """The other zones on the picture."""
    return [
        Overlay("zone" if each.enabled else "zone_off", surfaces.zone_title(each), each.polygon_px)
        for each in desk.zones
        if zone is None or each.id != zone.id
    ]


def _parts(key: str, zone: StoredZone | None, kind: str, part: str, fit: Homography | None) -> list[Overlay]:
    """What else belongs to this zone on the picture: the zone itself, its line, its planned areas."""
    found = []
    for each in _part_names(kind, zone, key):
        ring = _part_px(key, zone, each, fit)
        if each != part and ring:
            shown = "zone" if each == ZONE else "off" if each in ENDS else "planned"
            found.append(Overlay(shown, "", ring, each not in ENDS))
    return found


def _part_names(kind: str, zone: StoredZone | None, key: str) -> list[str]:
    names = [ZONE]
    names += [name for name in ENDS if name in RULES[kind].__dataclass_fields__]
    if "allowed" in RULES[kind].__dataclass_fields__:
        names += [f"{AREA}{number}" for number in range(1, _areas(zone, key) + 1)]
    return names


def _part_px(key: str, zone: StoredZone | None, part: str, fit: Homography | None) -> Ring:
    """A part as it is drawn now, in pixels; none where it has no place in the picture."""
    state = recall(f"drawn_{key}_{part}")
    if state is None:
        return _stored_part(zone, part)
    if state["on"] == "picture":
        return list(state["now"])
    try:
        return list(zone_in_picture(fit, state["now"])) if fit is not None and state["now"] else []
    except InputError:
        return []


def _say_ground(fit: Homography | None, pixels: Ring | None, part: str) -> None:
    """How much ground the zone shows, where that is known."""
    if fit is None or part != ZONE or not pixels or len(pixels) < 3:
        return
    shown = zone_on_ground(fit, pixels)
    if not shown:
        st.caption(words(N_("The zone lies beyond the reference points: its ground is not known.")))
        return
    drawn = shapely.Polygon(pixels)
    whole = bool(fit.covers(pixels, 0.5).all()) or not drawn.is_valid
    area = shapely.Polygon(shown).area
    st.caption(
        words(N_("The zone shows {area:,.1f} m² of ground."), area=area)
        if whole
        else words(
            N_("Of the zone's ground {area:,.1f} m² are known; the rest lies beyond the points."), area=area
        )
    )


# ---------------------------------------------------------------------------------------- rule, and keeping


def _rest(
    desk: PictureDesk, town: Town, fit: Homography | None, zone: StoredZone | None, key: str, kind: str
) -> None:
    """Titles, class, settings, and the buttons."""
    first, second = st.columns(2, gap="medium")
    with first:
        chinese = st.text_input(
            words(N_("Title in Chinese")),
            value=zone.title_zh if zone else "",
            max_chars=80,
            key=f"zone_zh_{key}",
        )
    with second:
        english = st.text_input(
            words(N_("Title in English")),
            value=zone.title_en if zone else "",
            max_chars=80,
            key=f"zone_en_{key}",
        )
    code = _class(zone, kind, key)
    enabled = st.toggle(words(N_("Watched")), value=zone.enabled if zone else True, key=f"zone_enabled_{key}")
    held = dict(zone.settings) | {"dwell_s": zone.dwell_s} if zone and zone.kind == kind else {}
    with st.expander(words(N_("Settings of the rule")), expanded=zone is None, icon=":material/tune:"):
        settings = settings_form(kind, held, town, f"zone_set_{key}")
    assert desk.size_px is not None
    names = _part_names(kind, zone, key)
    settings |= {name: _part_px(key, zone, name, fit) for name in names if name in ENDS}
    if "allowed" in RULES[kind].__dataclass_fields__:
        areas = [_part_px(key, zone, each, fit) for each in names if each.startswith(AREA)]
        settings["allowed"] = [each for each in areas if each]
    draft = ZoneDraft(
        chinese, english, kind, code, _part_px(key, zone, ZONE, fit), desk.size_px, settings, enabled
    )
    with st.container(horizontal=True):
        pressed = st.button(
            words(N_("Keep the zone")), type="primary", icon=":material/save:", key=f"zone_keep_{key}"
        )
        if st.button(words(N_("Back to what is kept")), icon=":material/undo:", key=f"zone_back_{key}"):
            _start_over(desk, zone.id if zone else NEW)
        if zone is not None:
            _delete(desk, zone, key)
    if pressed:
        with told():
            saved = save_zone(desk.id, draft, zone.id if zone else None, _looked_at(zone, key))
            remember("zone_kept", (desk.id, saved.version, saved.remark and saved.remark.told()))
            _start_over(desk, saved.id)


def _looked_at(zone: StoredZone | None, key: str) -> int | None:
    """The version that this visit began to change: others may have changed the zone since."""
    if zone is None:
        return None
    if recall(f"looked_{key}") is None:
        remember(f"looked_{key}", zone.version)
    return int(recall(f"looked_{key}"))


def _class(zone: StoredZone | None, kind: str, key: str) -> str:
    with database.connection() as conn:
        classes = event_classes(conn)
    own = 0 if language() == "zh-CN" else 1
    names = {code: f"{code} {both[own]}" for code, both in classes.items()}
    codes = list(names)
    first = zone.class_code if zone else USUAL.get(kind)
    return st.selectbox(
        words(N_("Event class")),
        codes,
        index=codes.index(first) if first in codes else 0,
        format_func=names.__getitem__,
        key=f"zone_class_{key}_{'' if zone else kind}",
    )


def _delete(desk: PictureDesk, zone: StoredZone, key: str) -> None:
    with st.popover(words(N_("Delete")), icon=":material/delete:"):
        st.markdown(words(N_("Delete this zone? Its rule no longer watches; this cannot be taken back.")))
        sure = st.button(words(N_("Yes, delete it")), type="primary", key=f"zone_delete_{key}")
    if sure:
        with told():
            delete_zone(desk.id, zone.id, _looked_at(zone, key) or zone.version)
            _start_over(desk, NEW)


def _start_over(desk: PictureDesk, zone_id: int) -> None:
    """From what is kept again, in widgets of another edition."""
    remember(f"zone_of_{desk.id}", zone_id)
    remember("zone_edition", int(recall("zone_edition", 0)) + 1)
    st.rerun()


def _list(desk: PictureDesk) -> None:
    st.header(words(N_("Zones of this camera")), anchor=False)
    if not desk.zones:
        st.caption(words(N_("There are none yet: draw one on the picture or on the map.")))
        return
    number, texts = st.column_config.NumberColumn, st.column_config.TextColumn
    data_table(
        "zones",
        pd.DataFrame(
            {
                "title": [surfaces.zone_title(each) for each in desk.zones],
                "rule": [surfaces.rule_name(each.kind) for each in desk.zones],
                "class": [each.class_code for each in desk.zones],
                "watched": [each.enabled for each in desk.zones],
                "version": [each.version for each in desk.zones],
                "leads": [each.leads for each in desk.zones],
            }
        ),
        hide_index=True,
        column_config={
            "title": texts(words(N_("Title"))),
            "rule": texts(words(N_("Rule"))),
            "class": texts(words(N_("Event class"))),
            "watched": st.column_config.CheckboxColumn(words(N_("Watched"))),
            "version": number(words(N_("Version"))),
            "leads": number(words(N_("Leads"))),
        },
    )
