"""The town that a web process holds: read once a revision, apart from whoever asks, and told while it is read."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from geodata import database
from geodata.commands import scenarios as commands
from geodata.commands.coverage import run_coverage
from geodata.errors import NotFound
from geodata.queries import grounds
from geodata.queries.grounds import GroundStore, ground_revision
from geodata.queries.outlook import load_ground
from geodata.queries.poses import Pose
from geodata.queries.scenarios import read_scenario
from geodata.towns.town import find_town

pytestmark = pytest.mark.postgis


def test_all_who_ask_get_the_same(town_database: str) -> None:
    store, revision = GroundStore(), ground_revision()
    first = store.reading(revision)
    assert store.reading(revision) is first
    ground = first.ground()
    assert first.wait(0) and not first.failed
    assert first.ground() is ground and store.reading(revision).ground() is ground
    with database.connection() as conn:
        anew = load_ground(conn, find_town("helsinki"))
    assert ground.state.shares.equals(anew.state.shares)
    assert first.outlook() is first.outlook()


def test_it_tells_how_far_it_is(town_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, go_on = threading.Event(), threading.Event()

    def slow(conn: object, town: object, progress: Callable[[int, int, str], None]) -> str:
        progress(1, 4, "Reading where eyes are wanted")
        seen.set()
        go_on.wait(20)
        return "the town"

    monkeypatch.setattr(grounds, "load_ground", slow)
    reading = GroundStore().reading(1)
    assert seen.wait(20)
    assert not reading.wait(0) and not reading.failed
    assert (reading.done, reading.total, reading.message) == (1, 4, "Reading where eyes are wanted")
    go_on.set()
    assert reading.ground() == "the town"


def test_a_failure_is_told_to_all_who_waited_and_tried_again(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = GroundStore()
    reading = store.reading(0)
    with pytest.raises(NotFound, match="huiyan load"):
        reading.ground()
    assert reading.failed
    assert store.reading(0) is not reading


def test_new_coverage_is_read_anew_and_a_scenario_by_its_version(town_copy: str) -> None:
    store, before = GroundStore(), ground_revision()
    old = store.reading(before)
    token = commands.create_scenario("A")
    at = old.ground().views.to_crs(4490).iloc[0].centroid
    for heading in (0.0, 180.0):
        commands.add_cameras(token, [Pose(at.x, at.y, heading)])
        with database.connection() as conn:
            scenario = read_scenario(conn, token)
        found = old.outlook(scenario)
        assert found is old.outlook(scenario)
        assert len(found.new_views) == len(scenario.items)
    assert ground_revision() == before
    run_coverage()
    assert ground_revision() > before
    assert store.reading(ground_revision()) is not old
