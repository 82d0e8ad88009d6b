"""Scenarios: kept apart from the cameras that stand, whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from analysis.errors import InputError
from geodata import database
from geodata.commands import scenarios as commands
from geodata.errors import NotFound, TwinError
from geodata.queries.poses import Pose, Preset
from geodata.queries.scenarios import Scenario, list_scenarios, read_scenario, site, stored_pose

pytestmark = pytest.mark.postgis

POSE = Pose(24.944, 60.171, 90.0, name="A", site="lamp", cost=12_000.0)


def read(token: str) -> Scenario:
    with database.connection() as conn:
        return read_scenario(conn, token)


def some_camera() -> int:
    with database.connection() as conn:
        return int(conn.execute(text("SELECT min(id) FROM camera")).scalar_one())


def test_a_scenario_holds_what_was_put_into_it_and_leaves_the_cameras_alone(town_copy: str) -> None:
    with database.connection() as conn:
        before = conn.execute(text("SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM camera c")).scalar()
    token = commands.create_scenario("  More   light ")
    commands.add_cameras(token, [POSE, replace(POSE, heading_deg=10.0, name="B")])
    camera = some_camera()
    commands.remove_cameras(token, [camera])
    found = read(token)
    assert found.name == "More light"
    assert found.items["action"].tolist() == ["add", "add", "remove"]
    assert found.items["heading_deg"].iloc[0] == 90.0
    assert found.items.geometry.iloc[0].x == pytest.approx(24.944)
    assert found.items["camera_id"].iloc[2] == camera
    assert not found.items.geometry.iloc[2].is_empty
    with database.connection() as conn:
        assert list_scenarios(conn) == {token: "More light"}
        after = conn.execute(text("SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM camera c")).scalar()
    assert after == before


def test_every_change_makes_a_new_version(town_copy: str) -> None:
    token = commands.create_scenario("A")
    versions = [read(token).version]
    commands.add_cameras(token, [POSE])
    versions.append(read(token).version)
    item = int(read(token).items.index[0])
    commands.change_camera(token, replace(POSE, heading_deg=180.0), item_id=item)
    versions.append(read(token).version)
    assert read(token).items.loc[item, "heading_deg"] == 180.0
    commands.drop_item(token, item)
    versions.append(read(token).version)
    assert versions == sorted(set(versions))
    assert read(token).items.empty


def test_a_stored_camera_is_changed_once_and_taken_back(town_copy: str) -> None:
    token, camera = commands.create_scenario("A"), some_camera()
    commands.remove_cameras(token, [camera])
    commands.change_camera(token, POSE, camera_id=camera)
    items = read(token).items
    assert items["action"].tolist() == ["change"]
    commands.drop_item(token, int(items.index[0]))
    assert read(token).items.empty


def test_presets_come_back_as_they_were_given(town_copy: str) -> None:
    token = commands.create_scenario("PTZ")
    looks = (Preset(10.0, 20.0, 60.0, 0.5), Preset(200.0, 25.0, 40.0, 0.5))
    commands.add_cameras(token, [replace(POSE, presets=looks)])
    held = read(token).items["presets"].iloc[0]
    assert tuple(Preset(**each) for each in held) == looks


def test_a_copy_goes_its_own_way(town_copy: str) -> None:
    token = commands.create_scenario("A")
    commands.add_cameras(token, [POSE])
    copy = commands.copy_scenario(token, "B")
    commands.add_cameras(copy, [POSE])
    assert (len(read(token).items), len(read(copy).items)) == (1, 2)
    commands.delete_scenario(token)
    with pytest.raises(NotFound, match="no scenario"):
        read(token)
    assert len(read(copy).items) == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"heading_deg": 361.0}, r"heading_deg of camera A must be in \[0, 360\), but is 361"),
        ({"heading_deg": float("nan")}, "heading_deg.*nan"),
        ({"hfov_deg": 0.0}, r"hfov_deg.*\(0, 360\]"),
        ({"height_m": -1.0}, "height_m.*-1"),
        ({"range_m": 0.0}, "range_m"),
        ({"lat_deg": 99.0}, "lat_deg"),
        ({"presets": (Preset(10.0, 20.0, 60.0, 0.0),)}, "share"),
    ],
)
def test_a_pose_that_cannot_be_is_told_and_nothing_is_added(
    town_copy: str, change: dict[str, object], told: str
) -> None:
    token = commands.create_scenario("A")
    with pytest.raises(InputError, match=told):
        commands.add_cameras(token, [POSE, replace(POSE, **change)])
    assert read(token).items.empty


def test_a_table_replaces_all_or_nothing(town_copy: str) -> None:
    token, camera = commands.create_scenario("A"), some_camera()
    commands.add_cameras(token, [POSE])
    version = read(token).version
    rows = [("add", None, POSE), ("change", camera, replace(POSE, name="C")), ("add", None, POSE)]
    with pytest.raises(InputError, match="range_m"):
        commands.replace_items(token, [*rows, ("add", None, replace(POSE, range_m=-5.0))], version=version)
    assert len(read(token).items) == 1
    commands.replace_items(token, rows, version=version)
    assert read(token).items["action"].tolist() == ["add", "change", "add"]
    with pytest.raises(TwinError, match="changed by someone else"):
        commands.replace_items(token, rows, version=version)


def test_names_and_cameras_that_are_not_there_are_told(town_copy: str) -> None:
    with pytest.raises(InputError, match="1 to 80 characters"):
        commands.create_scenario("   ")
    token = commands.create_scenario("A")
    with pytest.raises(NotFound, match="no camera 999999"):
        commands.remove_cameras(token, [999_999])
    with pytest.raises(NotFound, match="no scenario"):
        commands.add_cameras("nothing", [POSE])


def test_a_cell_offers_its_lamp_and_a_lamp_offers_itself(town_database: str) -> None:
    with database.connection() as conn:
        lamp = conn.execute(text("SELECT id, code FROM component WHERE class_code = '01-18' LIMIT 1")).one()
        assert site(conn, "lamps", lamp.id)["code"] == lamp.code  # type: ignore[index]
        held = conn.execute(
            text(
                "SELECT c.id FROM unit_cell c JOIN component l ON ST_Intersects(l.geom, c.geom)"
                " WHERE l.class_code = '01-18' LIMIT 1"
            )
        ).scalar_one()
        assert site(conn, "unit_cells", held)["lamp"] is True  # type: ignore[index]
        assert site(conn, "unit_cells", 10**9) is None
        camera = conn.execute(text("SELECT id FROM camera LIMIT 1")).scalar_one()
        assert stored_pose(conn, camera)["range_m"] > 0
