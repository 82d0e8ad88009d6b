"""Questions that a worker answers: asked in JSON, worked out under a scenario, kept and read back whole."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal
from pandas.testing import assert_frame_equal
from sqlalchemy import text

from analysis.errors import HuiyanError
from geodata import database
from geodata.commands import scenarios as commands
from geodata.commands.plans import work_out
from geodata.jobs.queue import defer, run_worker
from geodata.queries.asked import Answer, Asked, answer_to, views_under
from geodata.queries.datasets import loaded_town
from geodata.queries.jobs import newest_job
from geodata.queries.kept import kept_run, newest_source, read_answer
from geodata.queries.outlook import load_ground, outlook, standing_views
from geodata.queries.planning import Question
from geodata.queries.poses import Pose
from geodata.queries.scenarios import read_scenario
from geodata.queries.sites import LENSES

pytestmark = pytest.mark.postgis

FAIR = Question(
    model="fair",
    count=4,
    lenses=(LENSES["wide"], LENSES["panorama"]),
    weights=(("violations", 1.0), ("schools", 2.0)),
    minimum_ratio=0.01,
    curve=True,
    time_limit_s=2.0,
)
QUESTIONS = [Asked("place", FAIR), Asked("remove", 3), Asked("relocate", 2)]
every_question = pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked.task)


def a_scenario() -> str:
    """One camera turned, one removed, one added."""
    with database.connection() as conn:
        turned, gone = conn.execute(
            text(
                "SELECT camera_id FROM camera_view JOIN camera c ON c.id = camera_id AND NOT c.demonstration"
                " ORDER BY camera_view.area_m2 DESC LIMIT 2"
            )
        ).scalars()
        lamp = conn.execute(
            text("SELECT ST_X(geom) AS x, ST_Y(geom) AS y FROM component WHERE class_code = '01-18' LIMIT 1")
        ).one()
    token = commands.create_scenario("A")
    commands.add_cameras(token, [Pose(lamp.x, lamp.y, 90.0)])
    commands.change_camera(token, Pose(lamp.x, lamp.y, 10.0), camera_id=turned)
    commands.remove_cameras(token, [gone])
    return token


def same(one: Any, other: Any) -> None:
    """Two values of an answer."""
    if isinstance(one, gpd.GeoDataFrame):
        assert_geodataframe_equal(one, other, check_dtype=False)
    elif isinstance(one, pd.DataFrame):
        assert_frame_equal(one, other, check_dtype=False)
    else:
        assert one == other


def figures(answer: Answer) -> dict[str, Any]:
    """Its figures but the seconds."""
    return {name: value for name, value in answer.figures().items() if not name.endswith("_s")}


@every_question
def test_a_question_survives_json(asked: Asked) -> None:
    assert Asked.of(json.loads(json.dumps(asked.plain()))) == asked


@every_question
def test_an_answer_that_is_kept_reads_back_whole(town_copy: str, asked: Asked) -> None:
    with database.connection() as conn:
        fresh = answer_to(conn, asked, None)
    run = work_out(asked)
    with database.connection() as conn:
        found = read_answer(conn, run)
        assert kept_run(conn, asked, newest_source(conn)) == run
        assert kept_run(conn, Asked(asked.task, 9), newest_source(conn)) is None
        assert kept_run(conn, asked, newest_source(conn) + 1) is None
    assert type(found) is type(fresh)
    assert figures(found) == figures(fresh)
    for field in fields(fresh):
        if not field.name.endswith("_s"):
            same(getattr(found, field.name), getattr(fresh, field.name))
    assert json.loads(found.geojson())["features"] == json.loads(fresh.geojson())["features"]


def test_views_under_a_scenario_are_those_that_the_screen_shows(town_copy: str) -> None:
    token = a_scenario()
    with database.connection() as conn:
        town, scenario = loaded_town(conn), read_scenario(conn, token)
        found = views_under(conn, town, scenario)
        ground = load_ground(conn, town)
        shown = conn.execute(text("SELECT id FROM camera WHERE demonstration")).scalars().all()
    expected = standing_views(ground, outlook(ground, scenario)).drop(shown, errors="ignore")
    assert set(found.index) == set(expected.index)
    assert (found.index < 0).sum() == 2
    apart = found.symmetric_difference(expected.reindex(found.index)).area
    assert np.allclose(apart, 0, atol=1e-6)


def test_a_question_about_a_scenario_is_about_its_version(town_copy: str) -> None:
    token = a_scenario()
    with database.connection() as conn:
        version = read_scenario(conn, token).version
    asked = Asked("remove", 2, token, version)
    run = work_out(asked)
    with database.connection() as conn:
        newest = newest_source(conn)
        assert kept_run(conn, asked, newest) == run
        assert kept_run(conn, Asked("remove", 2), newest) is None
        assert (read_answer(conn, run).cameras["camera_id"] > 0).all()
    commands.delete_scenario(token)
    with database.connection() as conn:
        assert kept_run(conn, asked, newest) is None
    with pytest.raises(HuiyanError, match="no scenario"):
        work_out(asked)


def test_a_worker_answers_and_tells_how_far_it_is(town_copy: str) -> None:
    asked, hopeless = Asked("remove", 2), Asked("remove", 10_000)
    for each in (asked, asked, hopeless):
        defer("plan", **each.plain())
    run_worker(once=True)
    with database.connection() as conn:
        job, failed = (newest_job(conn, "plan", each.plain()) for each in (asked, hopeless))
        assert job is not None and (job.state, job.share) == ("done", 1.0)
        assert failed is not None and failed.state == "failed" and "10000 cameras" in str(failed.error)
        assert kept_run(conn, asked, newest_source(conn)) is not None
        assert conn.execute(text("SELECT count(*) FROM job WHERE kind = 'plan'")).scalar() == 2
