"""What a scenario leads to: equal to computing everything anew, and never against common sense."""

from __future__ import annotations

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.coverage import coverage_by_cell, seen_counts
from analysis.crs import STORAGE_EPSG
from geodata import database
from geodata.commands import scenarios as commands
from geodata.export.scenario import scenario_geojson
from geodata.queries.outlook import Ground, Outlook, added_by, best_heading, load_ground, outlook, sight
from geodata.queries.poses import Pose, Preset
from geodata.queries.scenarios import Scenario, read_scenario
from geodata.towns.town import find_town

pytestmark = pytest.mark.postgis

LENS = {"hfov_deg": 90.0, "range_m": 60.0, "height_m": 5.0, "tilt_deg": 20.0, "vfov_deg": 56.0}


@pytest.fixture(scope="module")
def ground(town_url: str) -> Ground:
    with database.connection(town_url) as conn:
        return load_ground(conn, find_town("helsinki"))


def spot(ground: Ground) -> Pose:
    """A camera where the heaviest demand is that nobody sees."""
    unseen = outlook(ground).unseen
    heaviest = int(np.where(unseen, ground.points["weight"], -1.0).argmax())
    at = ground.points.iloc[[heaviest]].to_crs(STORAGE_EPSG).geometry.iloc[0]
    turned = best_heading(ground, unseen, gpd.GeoSeries([at], crs=STORAGE_EPSG), LENS)
    return Pose(at.x, at.y, turned, name="new", **LENS)  # type: ignore[arg-type]


def scenario_of(items: list[dict[str, object]]) -> Scenario:
    frame = pd.DataFrame(items, index=pd.RangeIndex(1, len(items) + 1))
    for name in ("camera_id", "presets", "cost", *LENS, "heading_deg", "resolution_px"):
        if name not in frame:
            frame[name] = None
    frame["camera_id"] = frame["camera_id"].astype("Int64")
    frame["cost"] = pd.to_numeric(frame["cost"])
    shapes = gpd.GeoDataFrame(frame, geometry="geom", crs=STORAGE_EPSG)
    return Scenario("t", "n", None, 1, pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime(), shapes)


def added(*poses: Pose) -> Scenario:
    return scenario_of(
        [
            {
                "action": "add",
                "geom": shapely.Point(pose.lon_deg, pose.lat_deg),
                "cost": 5.0,
                "presets": [vars(each) for each in pose.presets] or None,
                **{name: getattr(pose, name) for name in (*LENS, "heading_deg", "resolution_px")},
            }
            for pose in poses
        ]
    )


def removed(ground: Ground, count: int) -> Scenario:
    cameras = ground.views.index[:count]
    return scenario_of(
        [{"action": "remove", "camera_id": int(c), "geom": shapely.Point(24.94, 60.17)} for c in cameras]
    )


def shares_anew(ground: Ground, found: Outlook) -> pd.Series:  # type: ignore[type-arg]
    views = pd.concat([ground.views.drop(found.lost_views.index), found.new_views])
    return coverage_by_cell(ground.cells, gpd.GeoSeries(views, crs=ground.epsg))


def test_without_changes_things_stay_as_they_are(ground: Ground) -> None:
    found = outlook(ground)
    assert found.changed_cells.empty
    assert found.figures.cameras == len(ground.views)
    assert 0 < found.figures.unseen_ratio < 1
    assert found.figures.twice_ratio <= found.figures.seen_ratio


def test_a_new_camera_shows_more_and_equals_a_full_computation(ground: Ground) -> None:
    base, found = outlook(ground), outlook(ground, added(spot(ground)))
    assert found.figures.seen_ratio > base.figures.seen_ratio
    assert found.figures.unseen_ratio < base.figures.unseen_ratio
    assert found.figures.cameras == base.figures.cameras + 1
    assert (found.figures.added, found.figures.cost) == (1, 5.0)
    assert np.allclose(found.shares, shares_anew(ground, found), atol=1e-6)
    assert 0 < len(found.changed_cells) < 30
    assert (found.changed_cells["change"] > 0).all()


def test_removing_cameras_equals_a_full_computation(ground: Ground) -> None:
    base, found = outlook(ground), outlook(ground, removed(ground, 5))
    assert found.figures.cameras == base.figures.cameras - 5
    assert (found.shares <= base.shares + 1e-9).all()
    assert np.allclose(found.shares, shares_anew(ground, found), atol=1e-6)
    counts = seen_counts(ground.points, ground.views.iloc[5:])["all"]
    assert (found.unseen == (counts == 0)).all()


def test_ptz_sees_what_its_presets_show_by_turns(ground: Ground) -> None:
    pose = spot(ground)
    looks = (Preset(0.0, 20.0, 60.0, 0.5), Preset(180.0, 20.0, 60.0, 0.5))
    both = sight(ground, replace(pose, presets=looks)).area_m2
    parts = [sight(ground, replace(pose, heading_deg=h, hfov_deg=60.0)).area_m2 for h in (0.0, 180.0)]
    assert both == pytest.approx(sum(parts), rel=1e-6)


def test_what_a_camera_would_add_is_what_it_adds(ground: Ground) -> None:
    base, pose = outlook(ground), spot(ground)
    more_m2, more = added_by(ground, base, sight(ground, pose).view)
    found = outlook(ground, added(pose))
    assert more_m2 == pytest.approx(found.figures.seen_m2 - base.figures.seen_m2, abs=0.5)
    assert more == pytest.approx(base.figures.unseen_ratio - found.figures.unseen_ratio, abs=1e-9)


def test_the_best_heading_adds_no_less_than_any_other(ground: Ground) -> None:
    base, pose = outlook(ground), spot(ground)
    at = gpd.GeoSeries([shapely.Point(pose.lon_deg, pose.lat_deg)], crs=STORAGE_EPSG)
    best = best_heading(ground, base.unseen, at, LENS)
    gains = {
        h: added_by(ground, base, sight(ground, replace(pose, heading_deg=h)).view)[1]
        for h in (*range(0, 360, 45), best)
    }
    assert gains[best] == pytest.approx(max(gains.values()))


def test_the_distances_of_tasks_lie_within_each_other(ground: Ground) -> None:
    seen = sight(ground, spot(ground))
    areas = seen.tasks.set_index("task").area
    assert list(areas.index) == ["detect", "observe", "recognise", "identify"]
    assert areas.is_monotonic_decreasing
    assert areas.iloc[0] <= seen.area_m2 + 1e-6


def test_the_file_tells_method_figures_and_every_change(ground: Ground, town_copy: str) -> None:
    token = commands.create_scenario("多看 <b>one</b>")
    commands.add_cameras(token, [spot(ground)])
    commands.remove_cameras(token, [int(ground.views.index[0])])
    with database.connection() as conn:
        scenario = read_scenario(conn, token)
    found, base = outlook(ground, scenario), outlook(ground)
    body = json.loads(scenario_geojson(scenario, found, 7, base=base.figures))
    assert body["title"] == "多看 <b>one</b>"
    assert [f["properties"]["what"] for f in body["features"]] == ["camera", "camera", "view", "lost_view"]
    assert body["after"]["added"] == 1
    assert body["after"]["removed"] == 1
    assert body["simulated"] is True
    assert "method" in body
    assert 24 < body["features"][0]["geometry"]["coordinates"][0] < 26
