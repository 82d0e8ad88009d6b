"""What the planner has in hand: a stored camera, a camera of the scenario, or a place for a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd

from analysis.crs import STORAGE_EPSG
from geodata.queries.outlook import Ground, Outlook, best_heading
from geodata.queries.poses import Pose, Preset
from geodata.queries.scenarios import Scenario
from pages import cached
from pages.session import widget
from pages.widgets.map import Click

__all__ = ["FIELDS", "LENS", "Target", "draft", "find_target"]

LENS = {"hfov_deg": 90.0, "range_m": 60.0, "height_m": 5.0, "tilt_deg": 20.0, "vfov_deg": 56.0}
FIELDS = ("heading_deg", "tilt_deg", "height_m", "hfov_deg", "range_m")
"""What sliders turn."""


@dataclass(frozen=True)
class Target:
    """
    What was clicked.

    Attributes
    ----------
    kind
        camera (a stored one that the scenario leaves alone), item (one that the scenario adds, changes or removes),
        site (a lamp or a cell).
    id
        Of the camera, the item, or the lamp or cell.
    label
        Code or name for people.
    pose
        How it stands, or would stand at first.
    camera_id
        The stored camera behind it, if there is one.
    removed
        The scenario takes it away.
    ptz
        It can turn.
    """

    kind: str
    id: int
    label: str
    pose: Pose
    camera_id: int | None = None
    removed: bool = False
    ptz: bool = False

    @property
    def key(self) -> str:
        """Tells its widgets from those of others."""
        return f"{self.kind}_{self.id}"


def find_target(
    revision: int, ground: Ground, found: Outlook, scenario: Scenario | None, click: Click | None
) -> Target | None:
    """What the click means; None if nothing that can be changed was clicked."""
    if click is None or click.id is None:
        return None
    if click.layer == "items" and scenario is not None and click.id in scenario.items.index:
        return _item(scenario, click.id)
    if click.layer == "cameras" and "n" not in click.properties:
        if scenario is not None:
            same = scenario.items.index[scenario.items["camera_id"].eq(click.id).fillna(False)]
            if len(same):
                return _item(scenario, int(same[0]))
        row = cached.stored_pose(revision, click.id)
        return Target(
            "camera",
            click.id,
            row["name"],
            _pose(row),
            camera_id=click.id,
            ptz=row["kind"] in ("ptz", "dome"),
        )
    if click.layer in ("lamps", "unit_cells") and "n" not in click.properties:
        return _site(revision, ground, found, scenario, click)
    return None


def draft(target: Target) -> Pose:
    """The pose that the sliders show now."""
    held = {name: widget(f"{target.key}_{name}") for name in FIELDS}
    return replace(target.pose, **{name: float(value) for name, value in held.items() if value is not None})


def _item(scenario: Scenario, item_id: int) -> Target:
    row = scenario.items.loc[item_id]
    stored = None if row["camera_id"] is None or row.isna()["camera_id"] else int(row["camera_id"])
    removed = row["action"] == "remove"
    facts = dict(row) | {"lon_deg": row["geom"].x, "lat_deg": row["geom"].y}
    pose = Pose(facts["lon_deg"], facts["lat_deg"], 0.0) if removed else _pose(facts)
    return Target(
        "item",
        item_id,
        str(row["name"] or row["site"] or item_id),
        pose,
        camera_id=stored,
        removed=removed,
        ptz=bool(pose.presets),
    )


def _site(
    revision: int, ground: Ground, found: Outlook, scenario: Scenario | None, click: Click
) -> Target | None:
    """A place for a new camera; the camera that hangs there already, if the scenario added one at this lamp."""
    assert click.id is not None
    place = cached.site(revision, click.layer, click.id)
    if place is None:
        return None
    if scenario is not None and click.layer == "lamps":
        there = scenario.items.index[
            (scenario.items["site"] == place["code"]) & (scenario.items["action"] == "add")
        ]
        if len(there):
            return _item(scenario, int(there[-1]))
    at = gpd.GeoSeries(gpd.points_from_xy([place["lon_deg"]], [place["lat_deg"]]), crs=STORAGE_EPSG)
    heading = best_heading(ground, found.unseen, at, LENS)
    pose = Pose(
        place["lon_deg"],
        place["lat_deg"],
        heading,
        site=place["code"],
        **LENS,  # type: ignore[arg-type]
    )
    return Target("site", click.id if click.layer == "lamps" else -click.id, place["code"], pose)


def _pose(row: Mapping[str, Any]) -> Pose:
    presets = row.get("presets") or ()
    return Pose(
        lon_deg=float(row["lon_deg"]),
        lat_deg=float(row["lat_deg"]),
        heading_deg=float(row["heading_deg"]),
        tilt_deg=float(row["tilt_deg"]),
        height_m=float(row["height_m"]),
        hfov_deg=float(row["hfov_deg"]),
        vfov_deg=float(row["vfov_deg"]),
        resolution_px=int(row["resolution_px"]),
        range_m=float(row["range_m"]),
        name=row.get("name"),
        site=row.get("site"),
        cost=None if row.get("cost") is None or row["cost"] != row["cost"] else float(row["cost"]),
        presets=tuple(Preset(**each) for each in presets),
    )
