"""Changing cameras by hand: what was clicked is added, turned, moved, removed, or edited in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from analysis.errors import InputError, Term
from geodata.commands import scenarios as commands
from geodata.queries.outlook import Ground, Outlook, added_by, sight
from geodata.queries.poses import Pose, Preset
from geodata.queries.scenarios import Scenario
from layers.i18n import N_
from pages import cached
from pages.session import forget, recall, remember, words
from pages.widgets.screen import fact_table, told
from pages.workbench.bar import opened
from pages.workbench.target import Target, draft

__all__ = ["change_panel", "change_table"]

ACTIONS = {"add": N_("add"), "change": N_("move or turn"), "remove": N_("remove")}
SLIDERS = (
    ("heading_deg", N_("Heading, °"), 0.0, 359.0, 1.0),
    ("tilt_deg", N_("Tilt below the horizon, °"), -10.0, 90.0, 1.0),
    ("height_m", N_("Height, m"), 1.0, 60.0, 0.5),
    ("hfov_deg", N_("Horizontal field, °"), 5.0, 360.0, 1.0),
    ("range_m", N_("Range, m"), 5.0, 400.0, 5.0),
)
NUMBERS = (
    ("heading_deg", N_("Heading, °")),
    ("tilt_deg", N_("Tilt below the horizon, °")),
    ("height_m", N_("Height, m")),
    ("hfov_deg", N_("Horizontal field, °")),
    ("vfov_deg", N_("Vertical field, °")),
    ("resolution_px", N_("Picture width, px")),
    ("range_m", N_("Range, m")),
    ("lon_deg", N_("Longitude, °")),
    ("lat_deg", N_("Latitude, °")),
    ("cost", N_("Cost, yuan")),
)
MOVING = "moving_camera"


def change_panel(ground: Ground, found: Outlook, scenario: Scenario | None, target: Target | None) -> None:
    """What can be done with what was clicked."""
    moving: Target | None = recall(MOVING)
    if moving is not None:
        _finish_move(scenario, moving, target)
        return
    if target is None:
        st.info(
            words(
                N_(
                    "Click a lamp or a cell to add a camera there, or a camera to turn, move or remove it."
                    " The map and the figures follow at once."
                )
            ),
            icon=":material/touch_app:",
        )
        return
    with told():
        if target.removed:
            _restore(scenario, target)
        else:
            _pose(ground, found, scenario, target)


def change_table(scenario: Scenario | None) -> None:
    """The scenario's changes as a table to edit; rows can be added and deleted."""
    if scenario is None:
        st.caption(words(N_("No scenario is open: the table of changes is empty.")))
        return
    items = scenario.items
    rows = pd.DataFrame(
        {
            "action": items["action"],
            "code": items["code"].fillna(""),
            "name": items["name"].fillna(""),
            "lon_deg": items.geometry.x,
            "lat_deg": items.geometry.y,
            **{name: items[name] for name, _ in NUMBERS if name in items},
        }
    ).reset_index(drop=True)
    titles = {action: words(title) for action, title in ACTIONS.items()}
    edited = st.data_editor(
        rows.assign(action=rows["action"].map(titles)),
        num_rows="dynamic",
        hide_index=True,
        key=f"items_{scenario.token}_{scenario.version}",
        column_order=["action", "code", "name", *[name for name, _ in NUMBERS]],
        column_config={
            "action": st.column_config.SelectboxColumn(
                words(N_("Change")), options=list(titles.values()), required=True, default=titles["add"]
            ),
            "code": st.column_config.TextColumn(words(N_("Camera code"))),
            "name": st.column_config.TextColumn(words(N_("Name"))),
            **{
                name: st.column_config.NumberColumn(
                    words(title), format="%.6f" if name in ("lon_deg", "lat_deg") else None
                )
                for name, title in NUMBERS
            },
        },
    )
    if st.button(words(N_("Save the table")), icon=":material/save:", key="save_items"):
        with told():
            held = items[["site", "presets"]].to_dict("records")
            commands.replace_items(scenario.token, _rows(edited, titles, held), version=scenario.version)
            st.rerun()


def _pose(ground: Ground, found: Outlook, scenario: Scenario | None, target: Target) -> None:
    new = target.kind == "site"
    title = N_("New camera at {label}") if new else N_("Camera {label}")
    st.markdown(f"**{words(title, label=target.label)}**")
    for name, label, low, high, step in SLIDERS:
        value = min(max(float(getattr(target.pose, name)), low), high)
        st.slider(words(label), low, high, value, step, key=f"{target.key}_{name}")
    pose = draft(target)
    pose = replace(pose, presets=_presets(target, pose))
    seen = sight(ground, pose)
    label = None if new else (-target.id if target.kind == "item" else target.camera_id)
    known = label is not None and label in found.state.cameras
    more_m2, more = added_by(ground, found, seen.view, without=label if known else None)
    fact_table(
        [
            (words(N_("Visible ground")), f"{seen.area_m2:,.0f} m²"),
            (
                words(N_("Ground of cells added") if new else N_("Ground of cells gained or lost")),
                f"{more_m2:+,.0f} m²",
            ),
            (words(N_("Violations seen that nobody saw")), f"{more:.2%}"),
        ]
    )
    with st.container(horizontal=True):
        done = words(N_("Add here")) if new else words(N_("Turn so"))
        if st.button(done, type="primary", icon=":material/check:", key=f"{target.key}_apply"):
            _apply(scenario, target, pose)
        if not new and st.button(words(N_("Move")), icon=":material/open_with:", key=f"{target.key}_move"):
            remember(MOVING, replace(target, pose=pose))
            st.rerun()
        if not new and st.button(words(N_("Remove")), icon=":material/delete:", key=f"{target.key}_remove"):
            _remove(scenario, target)
        if target.kind == "item" and st.button(
            words(N_("Take back")), icon=":material/undo:", key=f"{target.key}_undo"
        ):
            assert scenario is not None
            commands.drop_item(scenario.token, target.id)
            st.rerun()


def _apply(scenario: Scenario | None, target: Target, pose: Pose) -> None:
    token = opened(scenario)
    if target.kind == "site":
        commands.add_cameras(token, [pose])
    elif target.kind == "item":
        commands.change_camera(token, pose, item_id=target.id)
    else:
        commands.change_camera(token, pose, camera_id=target.camera_id)
    st.rerun()


def _remove(scenario: Scenario | None, target: Target) -> None:
    token = opened(scenario)
    if target.camera_id is None:
        commands.drop_item(token, target.id)
    else:
        commands.remove_cameras(token, [target.camera_id])
    st.rerun()


def _restore(scenario: Scenario | None, target: Target) -> None:
    assert scenario is not None
    st.markdown(f"**{words(N_('Camera {label}'), label=target.label)}**")
    st.caption(words(N_("This scenario removes it.")))
    if st.button(words(N_("Take back")), icon=":material/undo:", key=f"{target.key}_undo"):
        commands.drop_item(scenario.token, target.id)
        st.rerun()


def _finish_move(scenario: Scenario | None, moving: Target, place: Target | None) -> None:
    """Waits for the click on the place to which a camera moves."""
    st.info(
        words(N_("Click the lamp or the cell to which camera {label} moves."), label=moving.label),
        icon=":material/open_with:",
    )
    if place is not None and place.kind == "site":
        forget(MOVING)
        with told():
            _apply(
                scenario,
                moving,
                replace(
                    moving.pose, lon_deg=place.pose.lon_deg, lat_deg=place.pose.lat_deg, site=place.pose.site
                ),
            )
    if st.button(words(N_("Do not move it")), key="move_cancel"):
        forget(MOVING)
        st.rerun()


def _presets(target: Target, pose: Pose) -> tuple[Preset, ...]:
    """The presets of a PTZ camera, as they are edited."""
    turning = st.toggle(
        words(N_("PTZ: looks by turns")), value=bool(target.pose.presets), key=f"{target.key}_ptz"
    )
    if not turning:
        return ()
    held = target.pose.presets or (
        Preset(pose.heading_deg, pose.tilt_deg, min(pose.hfov_deg, 120.0), 0.5),
        Preset((pose.heading_deg + 180) % 360, pose.tilt_deg, min(pose.hfov_deg, 120.0), 0.5),
    )
    edited = st.data_editor(
        pd.DataFrame([vars(each) for each in held]),
        num_rows="dynamic",
        hide_index=True,
        key=f"{target.key}_presets",
        column_config={
            "heading_deg": st.column_config.NumberColumn(words(N_("Heading, °")), required=True),
            "tilt_deg": st.column_config.NumberColumn(words(N_("Tilt, °")), required=True, default=20.0),
            "hfov_deg": st.column_config.NumberColumn(words(N_("Field, °")), required=True, default=60.0),
            "share": st.column_config.NumberColumn(words(N_("Share of time")), required=True, default=0.25),
        },
    ).dropna()
    found = tuple(Preset(*map(float, row)) for row in edited.itertuples(index=False))
    for number, each in enumerate(found, start=1):
        if not (0 <= each.heading_deg < 360 and 0 < each.hfov_deg < 180 and 0 < each.share <= 1):
            raise InputError(
                "Preset {number} cannot be: heading {heading}°, field {field}°, share {share}.",
                "Give a heading in [0, 360), a field in (0, 180) and a share in (0, 1].",
                number=number,
                heading=each.heading_deg,
                field=each.hfov_deg,
                share=each.share,
            )
    return found


def _rows(
    edited: pd.DataFrame, titles: dict[str, str], held: Sequence[dict[str, Any]]
) -> Sequence[tuple[str, int | None, Pose | None]]:
    """
    The edited table as rows of a scenario; the first fault names its row and column.

    `held` has what the table does not show of the rows that it began with: site and presets.
    """
    names = {title: action for action, title in titles.items()}
    titles_of = dict(NUMBERS)
    codes = cached.camera_ids([str(code) for code in edited["code"].dropna()])
    found: list[tuple[str, int | None, Pose | None]] = []
    for number, (label, row) in enumerate(zip(edited.index, edited.to_dict("records"), strict=True), start=1):
        action = names[row["action"]]
        camera_id = None
        if action != "add":
            camera_id = codes.get(str(row["code"]))
            if camera_id is None:
                raise InputError(
                    "Row {row}: there is no camera with the code {code}.",
                    "Copy the 20 digits from the register, or choose to add a camera.",
                    row=number,
                    code=row["code"],
                )
        if action == "remove":
            found.append((action, camera_id, None))
            continue
        values: dict[str, Any] = {}
        for name, _ in NUMBERS:
            value = row[name]
            if value is None or pd.isna(value):
                if name == "cost":
                    values[name] = None
                elif name in ("vfov_deg", "resolution_px", "tilt_deg", "height_m", "hfov_deg", "range_m"):
                    continue
                else:
                    raise InputError(
                        "Row {row}: {name} is missing.",
                        "Fill it in or delete the row.",
                        row=number,
                        name=Term(titles_of[name]),
                    )
            else:
                values[name] = int(value) if name == "resolution_px" else float(value)
        before = held[label] if label in range(len(held)) else {}
        pose = Pose(
            **values,
            name=row["name"] or None if isinstance(row["name"], str) else None,
            site=before.get("site"),
            presets=tuple(Preset(**each) for each in before.get("presets") or ()),
        )
        found.append((action, camera_id, pose))
    return found
