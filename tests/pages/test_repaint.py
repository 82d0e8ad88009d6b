"""What one change of a scenario costs the screen, counted: the same however many cameras the town has."""

from __future__ import annotations

import pytest
import streamlit as st
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.commands import scenarios as commands
from geodata.models import Base
from pages.widgets.map import Click
from tests.pages.test_screens import figures, overheard, sound
from tests.pages.test_workbench import click, visit

pytestmark = pytest.mark.postgis

MOST_STATEMENTS = 16
"""Of the click on the button and the run of the page after it."""
MOST_BYTES = 100_000
"""Of what deck.gl is told anew."""
TURN_DEG = 50.0


def turned(monkeypatch: pytest.MonkeyPatch, camera: int, heading: float) -> tuple[AppTest, list[str]]:
    """The screen after a camera was turned with the slider and the button, and what was asked for that."""
    token = commands.create_scenario("A")
    click(monkeypatch, Click("cameras", {"key": camera}))
    app = sound(visit(token))
    app.slider(key=f"camera_{camera}_heading_deg").set_value(heading)
    sound(app.run())
    with overheard() as said:
        sound(app.button(key=f"camera_{camera}_apply").click().run())
    return app, said


def sent(app: AppTest) -> int:
    """Bytes of what the map is told."""
    return sum(len(each.proto.json) for each in app.get("deck_gl_json_chart"))


def many_more_cameras() -> None:
    """As many again three times over, each with its view, beside the town."""
    tables = {
        name: ", ".join(
            each.name
            for each in Base.metadata.tables[name].columns
            if not each.computed and each.name not in omitted
        )
        for name, omitted in (
            ("camera", ("id", "code", "component_code", "osm_id", "geom")),
            ("camera_view", ("id", "camera_id", "geom")),
        )
    }
    with database.transaction() as session:
        for step in (1, 2, 3):
            session.execute(
                text(
                    f"INSERT INTO camera (code, {tables['camera']}, geom) SELECT '{step}' || substr(code, 2),"
                    f" {tables['camera']}, ST_Translate(geom, {step}, 0) FROM camera WHERE ST_X(geom) < 25.5"
                )
            )
            session.execute(
                text(
                    f"INSERT INTO camera_view (camera_id, {tables['camera_view']}, geom) SELECT n.id,"
                    f" {', '.join('v.' + each for each in tables['camera_view'].split(', '))},"
                    f" ST_Translate(v.geom, {step}, 0) FROM camera_view v JOIN camera c ON c.id = v.camera_id"
                    f" JOIN camera n ON n.code = '{step}' || substr(c.code, 2) WHERE ST_X(c.geom) < 25.5"
                )
            )
        session.execute(
            text(
                "UPDATE dataset SET revision = nextval('dataset_revision') WHERE name IN ('camera', 'camera_view')"
            )
        )
    st.cache_data.clear()
    st.cache_resource.clear()


def test_one_change_asks_and_sends_little_however_many_cameras_there_are(
    town_copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.connection() as conn:
        camera, heading = conn.execute(
            text(
                "SELECT c.id, c.heading_deg FROM camera c JOIN camera_view v ON v.camera_id = c.id"
                " WHERE c.kind = 'fixed' AND NOT c.demonstration AND c.heading_deg < 300"
                " ORDER BY v.area_m2 DESC LIMIT 1"
            )
        ).one()
    few, said = turned(monkeypatch, camera, round(heading + TURN_DEG))
    many_more_cameras()
    many, said_of_many = turned(monkeypatch, camera, round(heading + TURN_DEG))
    seeing = [int(figures(app)["Cameras that look"].replace(",", "")) for app in (few, many)]
    assert seeing[1] == 4 * seeing[0]
    assert len(said) == len(said_of_many) <= MOST_STATEMENTS
    assert not [
        each for each in said_of_many if "FROM camera_view ORDER BY" in each or "FROM building" in each
    ]
    assert sent(many) <= MOST_BYTES
    assert sent(many) == pytest.approx(sent(few), rel=0.02)
