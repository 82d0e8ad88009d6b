"""Cases against the limits of their scenes: one reckoning for scenes and the wall, and nothing made up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, text

from geodata import database
from geodata.queries import wall
from geodata.queries.closing import class_scenes, closings, together
from geodata.queries.datasets import loaded_town
from geodata.queries.scenes import scene_figures
from geodata.queries.wall_pages import Evaluation
from geodata.queries.wall_scope import Scope
from pages.wall.telling import TELLERS
from pages.wall.told import Told
from tests.conftest import chosen

pytestmark = pytest.mark.postgis

ZONE = ZoneInfo("Europe/Helsinki")
CODE = "05-05"
LIMIT_H = 3.0
"""Of the scene illegal_parking: half an hour, half an hour and two hours, all of the clock."""


@pytest.fixture(scope="module")
def town(town_of_module: str) -> Iterator[str]:
    with chosen(town_of_module):
        yield town_of_module


@pytest.fixture
def conn(town: str) -> Iterator[Connection]:
    """A connection whose changes are never kept; in its town no case was ever closed yet."""
    with database.connection() as link:
        link.execute(
            text("UPDATE case_file SET stage = 'registered', closed_at = NULL WHERE stage <> 'void'")
        )
        yield link
        link.rollback()


def close(conn: Connection, hours: float, cases: int, skip: int = 0) -> None:
    """Closes some cases after so many hours."""
    conn.execute(
        text(
            "UPDATE case_file SET stage = 'closed', closed_at = reported_at + make_interval(secs => :s) WHERE id IN ("
            "SELECT id FROM case_file WHERE stage <> 'void' ORDER BY id LIMIT :n OFFSET :skip)"
        ),
        {"s": 3600 * hours, "n": cases, "skip": skip},
    )


def evaluation(conn: Connection, scope: Scope | None = None) -> Evaluation:
    return wall.evaluation(conn, loaded_town(conn), scope or Scope())


def test_where_nothing_was_ever_closed_nothing_is_told(conn: Connection) -> None:
    found = evaluation(conn)
    assert found.limited == found.cases > 0 and found.timed == 0
    [told] = [each for each in found.shares if each.name == "closed_in_time"]
    assert told.ratio is None and told.of == 0
    words = _words(conn)
    assert words["Closed in time"]["kind"] == "statement" and "none tells" in words["Closed in time"]["text"]


def test_the_wall_and_the_scene_reckon_alike(conn: Connection) -> None:
    close(conn, LIMIT_H - 0.01, 40)
    close(conn, LIMIT_H + 0.01, 25, skip=40)
    found = evaluation(conn)
    [told] = [each for each in found.shares if each.name == "closed_in_time"]
    # all others are overdue: the last of them is of a year that is over
    assert (told.hits, told.of) == (40, found.timed) and found.timed == found.cases
    assert told.lower is not None and told.lower < told.ratio < told.upper
    scene = class_scenes(conn)[CODE]
    [figure] = [each for each in scene_figures(conn, scene, ZONE) if each.name == "closed_in_time"]
    assert (figure.hits, figure.of) == (told.hits, told.of)
    assert f"for {found.timed:,} of {found.cases:,} cases" in _told(conn).method


def test_what_has_time_left_is_not_due_and_what_is_closed_without_a_time_is_not_told(
    conn: Connection,
) -> None:
    close(conn, 1, 10)
    conn.execute(
        text(
            "UPDATE case_file SET stage = 'closed' WHERE id IN (SELECT id FROM case_file WHERE stage = 'registered'"
            " ORDER BY id LIMIT 7)"
        )
    )
    before = closings(conn, class_scenes(conn), ZONE.key)[CODE]
    # a limit longer than these cases are old
    scene = class_scenes(conn)[CODE]
    patient = replace(scene, limits=(replace(scene.limits[0], hours=1e6),))
    after = closings(conn, {CODE: patient}, ZONE.key)[CODE]
    assert (before.cases, before.closed) == (after.cases, after.closed) and before.closed == 10
    assert before.due == before.cases and after.due == after.hits == 10
    everything = conn.execute(text("SELECT count(*) FROM case_file WHERE stage <> 'void'")).scalar_one()
    assert before.cases == everything - 7
    assert together([before, after]).cases == 2 * before.cases


def test_days_and_area_of_a_view_are_kept_to(conn: Connection) -> None:
    close(conn, 1, 10_000_000)
    area = conn.execute(text("SELECT code FROM area WHERE kind = 'community' ORDER BY code LIMIT 1")).scalar()
    since = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    scope = Scope(area=area, since=since, until=since + dt.timedelta(days=31))
    found, whole = evaluation(conn, scope), evaluation(conn)
    [told] = [each for each in found.shares if each.name == "closed_in_time"]
    assert 0 < told.of == found.timed == found.cases < whole.cases
    assert told.hits == told.of


def _told(conn: Connection) -> Told:
    return TELLERS["evaluation"](
        evaluation(conn), loaded_town(conn), lambda message, **facts: message.format(**facts), "en"
    )


def _words(conn: Connection) -> dict[str, dict[str, object]]:
    return {block["label"]: block for block in _told(conn).left}
