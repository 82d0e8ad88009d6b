"""Scenarios: what a planner would change about the cameras, kept apart from the cameras that stand."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG
from analysis.errors import InputError
from geodata import database
from geodata.errors import NotFound, TwinError
from geodata.queries.poses import Pose

__all__ = [
    "MOST_ITEMS",
    "add_cameras",
    "change_camera",
    "copy_scenario",
    "create_scenario",
    "delete_scenario",
    "drop_item",
    "found_scenario",
    "mark_changed",
    "remove_cameras",
    "replace_items",
]

MOST_ITEMS = 1_000
"""A scenario is a plan, not another register of cameras."""
NAME_LENGTH = 80


def create_scenario(name: str, note: str | None = None) -> str:
    """
    Makes an empty scenario and returns its token.

    Raises
    ------
    InputError
        If the name is empty or too long.
    """
    with database.transaction() as session:
        return _create(session, name, note)


def copy_scenario(token: str, name: str) -> str:
    """Makes a scenario with the items of another and returns its token; NotFound if there is no such other."""
    with database.transaction() as session:
        source = found_scenario(session, token)
        fresh = _create(session, name, source.note)
        session.execute(
            text(
                "INSERT INTO scenario_item (scenario_id, action, camera_id, name, site, heading_deg, tilt_deg,"
                " height_m, hfov_deg, vfov_deg, resolution_px, range_m, presets, cost, geom)"
                " SELECT (SELECT id FROM scenario WHERE token = :fresh), action, camera_id, name, site, heading_deg,"
                " tilt_deg, height_m, hfov_deg, vfov_deg, resolution_px, range_m, presets, cost, geom"
                " FROM scenario_item WHERE scenario_id = :source ORDER BY id"
            ),
            {"fresh": fresh, "source": source.id},
        )
        for table, columns in (
            ("scenario_bay", "street, places, shape, cost, geom"),
            ("scenario_tariff", "block, before, tariff"),
        ):
            session.execute(
                text(
                    f"INSERT INTO {table} (scenario_id, {columns})"  # noqa: S608 - names of two lines above
                    f" SELECT (SELECT id FROM scenario WHERE token = :fresh), {columns} FROM {table}"
                    " WHERE scenario_id = :source ORDER BY 1, 2"
                ),
                {"fresh": fresh, "source": source.id},
            )
        return fresh


def delete_scenario(token: str) -> None:
    """Deletes a scenario with its items and runs."""
    with database.transaction() as session:
        session.execute(
            text("DELETE FROM scenario WHERE id = :id"), {"id": found_scenario(session, token).id}
        )


def add_cameras(token: str, poses: Sequence[Pose]) -> None:
    """
    Adds new cameras.

    Raises
    ------
    NotFound
        If there is no such scenario.
    InputError
        If a pose is out of range, naming it; nothing is added then.
    """
    with database.transaction() as session:
        found = found_scenario(session, token)
        for number, pose in enumerate(poses, start=1):
            _insert(session, found.id, "add", None, _checked(pose, number))
        mark_changed(session, found.id)


def change_camera(
    token: str, pose: Pose, *, camera_id: int | None = None, item_id: int | None = None
) -> None:
    """
    Moves or turns a stored camera (`camera_id`) or one that the scenario has (`item_id`).

    Raises
    ------
    NotFound
        If there is no such scenario, camera or item.
    InputError
        If the pose is out of range.
    """
    with database.transaction() as session:
        found = found_scenario(session, token)
        pose = _checked(pose, 1)
        if item_id is not None:
            row = session.execute(
                text(
                    "SELECT action, camera_id FROM scenario_item WHERE id = :id AND scenario_id = :scenario"
                ),
                {"id": item_id, "scenario": found.id},
            ).first()
            if row is None:
                raise NotFound("The scenario has no item {item}.", "Reload the page.", item=item_id)
            camera_id = row.camera_id
            session.execute(text("DELETE FROM scenario_item WHERE id = :id"), {"id": item_id})
        else:
            _require_camera(session, camera_id)
            _forget(session, found.id, [camera_id])
        _insert(session, found.id, "add" if camera_id is None else "change", camera_id, pose, item_id)
        mark_changed(session, found.id)


def remove_cameras(token: str, camera_ids: Sequence[int]) -> None:
    """Takes stored cameras away; NotFound if the scenario or a camera is not there."""
    with database.transaction() as session:
        found = found_scenario(session, token)
        for camera_id in camera_ids:
            _require_camera(session, camera_id)
        _forget(session, found.id, camera_ids)
        for camera_id in camera_ids:
            _insert(session, found.id, "remove", camera_id, None)
        mark_changed(session, found.id)


def drop_item(token: str, item_id: int) -> None:
    """Takes one change back."""
    with database.transaction() as session:
        found = found_scenario(session, token)
        session.execute(
            text("DELETE FROM scenario_item WHERE id = :id AND scenario_id = :scenario"),
            {"id": item_id, "scenario": found.id},
        )
        mark_changed(session, found.id)


def replace_items(token: str, rows: Sequence[tuple[str, int | None, Pose | None]], *, version: int) -> None:
    """
    Puts (action, camera_id, pose) rows in place of all items, as from an edited table.

    Raises
    ------
    TwinError
        If the scenario is not at `version` any more: somebody else changed it.
    InputError
        If a row is out of range, naming it; nothing is changed then.
    """
    with database.transaction() as session:
        found = found_scenario(session, token)
        if found.version != version:
            raise TwinError(
                "The scenario was changed by someone else since you opened the table.",
                "Reload the page and make the change again.",
            )
        session.execute(text("DELETE FROM scenario_item WHERE scenario_id = :id"), {"id": found.id})
        for number, (action, camera_id, pose) in enumerate(rows, start=1):
            if camera_id is not None:
                _require_camera(session, camera_id)
            _insert(session, found.id, action, camera_id, _checked(pose, number) if pose else None)
        mark_changed(session, found.id)


def _create(session: Session, name: str, note: str | None) -> str:
    token = secrets.token_urlsafe(9)
    session.execute(
        text("INSERT INTO scenario (token, name, note) VALUES (:token, :name, :note)"),
        {"token": token, "name": _checked_name(name), "note": note},
    )
    return token


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise InputError(
            "A scenario's name has 1 to {most} characters, not {length}.",
            "Give it a short name.",
            most=NAME_LENGTH,
            length=len(name),
        )
    return name


def found_scenario(session: Session, token: str) -> Row[Any]:
    """The row of a scenario, locked until the transaction ends; NotFound if there is none."""
    row = session.execute(
        text("SELECT id, name, note, version FROM scenario WHERE token = :token FOR UPDATE"), {"token": token}
    ).first()
    if row is None:
        raise NotFound(
            "There is no scenario '{token}'.", "Choose one from the list, or make a new one.", token=token
        )
    return row


def _require_camera(session: Session, camera_id: int | None) -> None:
    if session.execute(text("SELECT 1 FROM camera WHERE id = :id"), {"id": camera_id}).first() is None:
        raise NotFound("There is no camera {camera}.", "Reload the page.", camera=camera_id)


def _forget(session: Session, scenario_id: int, camera_ids: Sequence[int | None]) -> None:
    session.execute(
        text("DELETE FROM scenario_item WHERE scenario_id = :scenario AND camera_id = ANY(:ids)"),
        {"scenario": scenario_id, "ids": list(camera_ids)},
    )


def mark_changed(session: Session, scenario_id: int) -> None:
    """Counts a change of a scenario; InputError if it holds too many."""
    count = session.execute(
        text("SELECT count(*) FROM scenario_item WHERE scenario_id = :id"), {"id": scenario_id}
    ).scalar_one()
    if count > MOST_ITEMS:
        raise InputError(
            "A scenario holds at most {most} changes, this one would have {count}.",
            "Make several scenarios, or change the register of cameras itself.",
            most=MOST_ITEMS,
            count=count,
        )
    session.execute(
        text("UPDATE scenario SET version = version + 1, changed_at = now() WHERE id = :id"),
        {"id": scenario_id},
    )


def _insert(
    session: Session,
    scenario_id: int,
    action: str,
    camera_id: int | None,
    pose: Pose | None,
    item_id: int | None = None,
) -> None:

    values = {name: None for name in Pose.__dataclass_fields__} if pose is None else asdict(pose)
    presets = values.pop("presets")
    session.execute(
        text(
            "INSERT INTO scenario_item (id, scenario_id, action, camera_id, name, site, heading_deg, tilt_deg,"
            " height_m, hfov_deg, vfov_deg, resolution_px, range_m, presets, cost, geom) VALUES"
            " (coalesce(:item, nextval(pg_get_serial_sequence('scenario_item', 'id'))), :scenario, :action, :camera,"
            " :name, :site, :heading_deg, :tilt_deg, :height_m, :hfov_deg, :vfov_deg, :resolution_px, :range_m,"
            " CAST(:presets AS jsonb), :cost,"
            " ST_SetSRID(ST_MakePoint(CAST(:lon_deg AS float8), CAST(:lat_deg AS float8)), :srid))"
        ),
        {
            "item": item_id,
            "scenario": scenario_id,
            "action": action,
            "camera": camera_id,
            "presets": json.dumps(presets) if presets else None,
            "srid": STORAGE_EPSG,
            **values,
        },
    )


_RULES: dict[str, tuple[str, float, float, bool, bool]] = {
    "lon_deg": ("in [-180, 180]", -180, 180, True, True),
    "lat_deg": ("in [-90, 90]", -90, 90, True, True),
    "heading_deg": ("in [0, 360)", 0, 360, True, False),
    "tilt_deg": ("in [-90, 90]", -90, 90, True, True),
    "height_m": ("in [0, 500]", 0, 500, True, True),
    "hfov_deg": ("in (0, 360]", 0, 360, False, True),
    "vfov_deg": ("in (0, 180)", 0, 180, False, False),
    "resolution_px": ("in [1, 100000]", 1, 100_000, True, True),
    "range_m": ("in (0, 5000]", 0, 5_000, False, True),
    "share": ("in (0, 1]", 0, 1, False, True),
    "cost": ("0 or more", 0, math.inf, True, False),
}
"""What a number may be: words, from, to, whether either end belongs to it."""


def _checked(pose: Pose, row: int) -> Pose:
    for part in (pose, *pose.presets):
        for name, value in asdict(part).items():
            if name in _RULES and value is not None:
                rule, low, high, from_low, to_high = _RULES[name]
                above = value >= low if from_low else value > low
                below = value <= high if to_high else value < high
                if not (above and below):  # NaN is neither
                    raise InputError(
                        "{name} of camera {row} must be {rule}, but is {value}.",
                        "Correct that camera or leave it out.",
                        name=name,
                        row=pose.name or row,
                        rule=rule,
                        value=value,
                    )
    return pose
