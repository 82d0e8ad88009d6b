"""The Video screen: wall, one camera, health, the leads desk, scores, algorithms and heat, in both languages."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.settings import ROOT
from geodata.video.failures import Failure, told
from layers.i18n import LANGUAGES, explain, translate
from layers.ramps import NO_EVIDENCE
from layers.watching import STREAM_STATES, VERDICTS
from pages.watching.closeup import part_of
from pages.watching.heat import heat_breaks
from pages.watching.telling import age
from tests.pages.test_screens import drawn, figures, row, sound, texts, write

pytestmark = pytest.mark.postgis

every_language = pytest.mark.parametrize("language", LANGUAGES)
TABS = ("wall", "health", "leads", "scores", "algorithms", "heat", "shares")
LEAST_SCORE = 0.3


def opened(language: str = "en", **address: str) -> AppTest:
    """The screen by itself, at an address."""
    app = AppTest.from_file(ROOT / "pages" / "video_patrol.py", default_timeout=180)
    app.query_params["lang"] = language
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def camera_code() -> str:
    return str(row("SELECT code FROM camera WHERE demonstration").code)


def shown_text(app: AppTest) -> str:
    parts = (*app.markdown, *app.caption, *app.warning, *app.info, *app.success)
    return "\n".join(each.value for each in parts) + texts(app)


def add_leads(count: int, **more: Any) -> list[int]:
    """Leads of the demonstration camera, the newest last."""
    values = {"state": "lead", "confidence": 0.8, "merged": None, "days": 0} | more
    numbers = []
    for number in range(count):
        with database.transaction() as session:
            numbers.append(
                session.execute(
                    text(
                        "INSERT INTO finding (camera_id, zone_id, class_code, label, first_seen_at, last_seen_at,"
                        " dwell_s, confidence, x1, y1, x2, y2, rule, state, merged_into, simulated, geom, error_m,"
                        " evidence) SELECT c.id, (SELECT min(id) FROM zone WHERE camera_id = c.id), '05-05', 'car', at,"
                        " at + interval '60 s', 60, :confidence, :x1, 20, 600, 70, 'standing', :state, :merged, true,"
                        " c.geom, 4.0, 'x' FROM camera c, LATERAL (SELECT now() - make_interval(days => :days,"
                        " mins => 60 - :number) AS at) t WHERE c.demonstration RETURNING id"
                    ),
                    {**values, "x1": 10 + row("SELECT count(*) AS n FROM finding").n, "number": number},
                ).scalar_one()
            )
    return numbers


@pytest.fixture
def patrolled(town_database: str) -> str:
    """The shared town, whose footage was looked at."""
    if row("SELECT count(*) AS n FROM sample").n == 0:
        if os.environ.get("CI"):
            pytest.fail("weights or clip are not set up; make setup")
        pytest.skip("weights or clip are not set up")
    return town_database


@pytest.fixture
def desk(town_copy: str) -> str:
    """A town without leads."""
    write("DELETE FROM finding")
    return town_copy


# ------------------------------------------------------------------------------------------ every tab


@every_language
@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_by_its_address_and_keeps_it(town_database: str, tab: str, language: str) -> None:
    app = sound(opened(language, tab=tab))
    assert app.query_params["tab"] == tab
    assert app.segmented_control(key="video_tab").value == tab


def test_a_tab_that_is_not_there_is_the_wall(town_database: str) -> None:
    app = sound(opened(tab="nonsense", camera="nobody", lead="x"))
    assert app.query_params["tab"] == "wall" and "camera" not in app.query_params
    sound(app.segmented_control(key="video_tab").set_value("heat").run())
    assert app.query_params["tab"] == "heat"


def test_a_town_without_footage(town_copy: str) -> None:
    write("UPDATE camera SET stream_url = NULL")
    for tab in ("wall", "health", "leads", "scores"):
        assert "No camera has footage" in texts(sound(opened(tab=tab)))
    for tab in ("algorithms", "heat"):
        assert "No camera has footage" not in texts(sound(opened(tab=tab)))


def test_no_tab_shows_a_password(town_copy: str) -> None:
    write("UPDATE camera SET stream_url = 'rtsp://boss:geheim@10.0.0.9/1?token=hush' WHERE demonstration")
    for tab in TABS:
        app = sound(opened(tab=tab))
        tables = "\n".join(each.value.to_csv() for each in app.dataframe)
        assert not re.search("geheim|hush|boss", shown_text(app) + tables)
        if tab == "health":
            assert "rtsp://…@10.0.0.9/1?…" in tables
    assert "geheim" not in shown_text(sound(opened(camera=camera_code())))


# ------------------------------------------------------------------------------------------ the wall


@every_language
def test_the_wall_shows_each_watched_camera_with_its_newest_picture(patrolled: str, language: str) -> None:
    app = sound(opened(language))
    newest = row("SELECT id FROM sample WHERE picture IS NOT NULL ORDER BY taken_at DESC LIMIT 1").id
    boxes = row("SELECT count(*) AS n FROM detection WHERE sample_id = :s AND score >= 0.3", s=newest).n
    [wall] = [each for each in map(_body, app.get("html")) if f"/sample/{newest}.jpg?width=" in each]
    assert wall.count("box-sizing:border-box") == boxes
    assert wall.count("clip-path:polygon") == row("SELECT count(*) AS n FROM zone").n > 0
    assert f"camera={camera_code()}" in wall and 'class="hy-mark"' in wall
    assert translate(STREAM_STATES["unknown"][1], language) in wall
    assert figures(app)[translate("Cameras watched", language)] == "1"
    assert any(translate("did not happen in this town", "en") in each.value for each in app.caption) or (
        language != "en"
    )
    sound(app.toggle(key="wall_boxes").set_value(False).run())
    assert "clip-path:polygon" not in texts(app)


def test_nobody_looks_is_said(town_database: str) -> None:
    app = sound(opened())
    assert any("No video worker runs" in each.value for each in app.warning)
    assert figures(app)["Video workers"] == "0"


def test_the_wall_has_pages_in_the_order_that_is_asked(town_copy: str) -> None:
    write(
        "INSERT INTO camera_watch (camera_id, min_interval_s, max_interval_s, state, last_event_at)"
        " SELECT id, 5, 30, CASE WHEN id % 2 = 0 THEN 'online' ELSE 'unreachable' END, now() FROM camera"
        " WHERE NOT demonstration ORDER BY id LIMIT 20",
        "UPDATE camera SET stream_url = 'clip:vtest.avi' WHERE id IN (SELECT camera_id FROM camera_watch)",
    )
    app = sound(opened())
    assert figures(app)["Cameras watched"] == "21"
    assert texts(app).count('target="_self"') == 12 and "1–12 of 21" in shown_text(app)
    assert texts(app).index("unreachable") < texts(app).rindex("online")
    sound(app.button(key="wall_on").click().run())
    assert texts(app).count('target="_self"') == 9 and "13–21 of 21" in shown_text(app)
    assert app.button(key="wall_on").disabled
    sound(app.selectbox(key="wall_of").set_value(24).run())
    assert texts(app).count('target="_self"') == 21


def test_asking_for_a_patrol_puts_one_job_into_the_queue(town_copy: str) -> None:
    app = opened()
    for _ in range(2):
        sound(app.button(key="job_patrol").click().run())
    waiting = row(
        "SELECT count(*) AS n FROM procrastinate_jobs WHERE task_name = 'patrol' AND status = 'todo'"
    )
    assert waiting.n == 1, "a job that waits is not doubled"


def test_streams_are_not_patrolled_as_a_whole(town_copy: str) -> None:
    write("UPDATE camera SET stream_url = 'rtsp://10.0.0.9/1' WHERE demonstration")
    for address in ({}, {"camera": camera_code()}):
        assert not [each for each in sound(opened(**address)).button if each.key == "job_patrol"]


# ------------------------------------------------------------------------------------------ one camera


def _body(block: Any) -> str:
    return str(block.proto.body)


@every_language
def test_every_sampled_frame_with_its_boxes(patrolled: str, language: str) -> None:
    app = sound(opened(language, camera=camera_code()))
    with database.connection() as conn:
        samples = conn.execute(
            text(
                "SELECT s.id, count(d.id) FILTER (WHERE d.score >= :least) AS boxes FROM sample s"
                " LEFT JOIN detection d ON d.sample_id = s.id WHERE s.picture IS NOT NULL"
                " GROUP BY s.id, s.taken_at ORDER BY s.taken_at"
            ),
            {"least": LEAST_SCORE},
        ).all()
    slider = app.select_slider(key="video_frame")
    assert len(slider.options) == len(samples) > 0
    zones = row("SELECT count(*) AS n FROM zone").n
    for place in {0, len(samples) // 2, len(samples) - 1}:
        sound(app.select_slider(key="video_frame").set_value(place).run())
        sample = samples[place]
        [picture] = [each for each in map(_body, app.get("html")) if f"/sample/{sample.id}.jpg" in each]
        assert picture.count("box-sizing:border-box") == sample.boxes
        assert picture.count("clip-path:polygon") == zones > 0
        assert any(each.value.startswith(f"{sample.boxes} ") for each in app.caption) or language != "en"


@every_language
def test_findings_with_their_evidence(patrolled: str, language: str) -> None:
    shown = texts(opened(language, camera=camera_code()))
    with database.connection() as conn:
        found = conn.execute(
            text("SELECT id, dwell_s FROM finding ORDER BY first_seen_at DESC, id LIMIT 4")
        ).all()
    assert found
    for each in found:
        assert f"/api/pictures/finding/{each.id}.jpg" in shown
        assert f"{each.dwell_s:,.0f} s" in shown


def test_the_demonstration_says_that_it_is_one(town_database: str) -> None:
    for address in ({}, {"camera": camera_code()}):
        app = sound(opened(**address))
        assert any("did not happen in this town" in each.value for each in app.caption)
        assert '<span class="hy-mark">simulated</span>' in texts(app)


def test_footage_that_nobody_looked_at_yet(town_copy: str) -> None:
    write("DELETE FROM finding", "DELETE FROM detection", "DELETE FROM sample")
    assert "Nobody has looked yet" in texts(sound(opened()))
    app = sound(opened(camera=camera_code()))
    assert "Nobody has looked yet" in texts(app)
    assert any(each.value == "No rule has fired." for each in app.caption)


def test_findings_whose_pictures_are_gone(patrolled: str, town_copy: str) -> None:
    write("UPDATE sample SET picture = NULL")
    app = sound(opened(camera=camera_code()))
    assert "Nobody has looked yet" in texts(app)
    assert "/api/pictures/finding/" in texts(app)


# ------------------------------------------------------------------------------------------ health


@every_language
def test_health_tells_the_error_in_the_readers_language(town_copy: str, language: str) -> None:
    trouble = told(Failure.STALLED, "rtsp://…@camera/1", limit_s=10.0)
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE camera_watch SET state = 'stalled', state_since = now() - interval '5 min', failures = 3,"
                " last_event_at = now(), next_try_at = now() + interval '1 min', error = CAST(:error AS jsonb)"
            ),
            {"error": json.dumps(trouble.told())},
        )
    app = sound(opened(language, tab="health"))
    [table] = [each.value for each in app.dataframe]
    assert list(table["state"]) == [translate("stalled", language)] and list(table["failures"]) == [3]
    assert list(table["since"]) == [translate("{count:.0f} min", language, count=5.0)]
    # what others wrote stands there with signs that keep it from being Markdown
    assert any(each.value.replace("\\", "") == explain(trouble, language) for each in app.warning)
    assert any(each["id"] == "camera_health" for each in drawn(app)[0])
    sound(app.segmented_control(key="health_states").set_value(["online"]).run())
    assert not app.dataframe and translate("No camera is in this state.", language) in shown_text(app)


# ------------------------------------------------------------------------------------------ leads


@every_language
def test_no_lead_and_nothing_left_to_judge(desk: str, language: str) -> None:
    assert translate("There is no lead yet", language) in texts(sound(opened(language, tab="leads")))
    add_leads(1, state="confirmed")
    assert translate("Nothing to judge", language) in texts(sound(opened(language, tab="leads")))


@every_language
def test_a_lead_with_its_evidence_place_and_keys(desk: str, language: str) -> None:
    [lead] = add_leads(1)
    add_leads(1, merged=lead)
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO finding_frame (finding_id, role, taken_at, picture, sha256)"
                " VALUES (:id, 'before', now(), 'x', 'y')"
            ),
            {"id": lead},
        )
    app = sound(opened(language, tab="leads"))
    shown = texts(app)
    assert app.query_params["lead"] == str(lead)
    assert shown.count(f"/api/pictures/before/{lead}.jpg") == 2, "the frame and its close-up"
    assert shown.count(f"/api/pictures/finding/{lead}.jpg") == 2
    assert f"/api/pictures/after/{lead}.jpg" not in shown
    assert translate("It has not ended yet, or no frame after it was kept.", language) in shown_text(app)
    assert translate("± {error:.1f} m (standard deviation)", language, error=4.0) in shown
    assert translate("simulated", language) in shown
    assert {"uncertainty", "lead", "eye"} <= {each["id"] for each in drawn(app)[0]}
    assert [each.label for each in app.expander] == [
        translate("{count} other leads about the same thing", language, count=1)
    ]
    keys = {each.key: each.proto.shortcut for each in app.button if str(each.key).startswith("desk_")}
    assert {keys[f"desk_{name}"] for name in ("confirmed", "rejected", "unsure")} == {"y", "n", "u"}
    assert translate(VERDICTS["lead"], language) in shown


def test_leads_are_judged_one_after_the_other_and_taken_back(desk: str) -> None:
    old, middle, new = add_leads(3)
    app = sound(opened(tab="leads"))
    assert app.query_params["lead"] == str(new)
    sound(app.button(key="desk_confirmed").click().run())
    assert app.query_params["lead"] == str(middle)
    sound(app.button(key="desk_rejected").click().run())
    sound(app.button(key="desk_unsure").click().run())
    states = [row("SELECT state FROM finding WHERE id = :id", id=each).state for each in (new, middle, old)]
    assert states == ["confirmed", "rejected", "unsure"]
    assert "Nothing to judge" in texts(app)
    for lead in (old, middle, new):
        sound(app.button(key="desk_undo").click().run())
        assert row("SELECT state FROM finding WHERE id = :id", id=lead).state == "lead"
        assert app.query_params["lead"] == str(lead)
    assert not [each for each in app.button if each.key == "desk_undo"]
    assert row("SELECT count(*) AS n FROM verdict").n == 6
    assert shown_text(app).count("taken back") == 1 and "Confirmed · video desk" in shown_text(app)


def test_the_arrows_walk_through_the_queue(desk: str) -> None:
    old, new = add_leads(2)
    app = sound(opened(tab="leads"))
    sound(app.button(key="desk_on").click().run())
    assert app.query_params["lead"] == str(old)
    sound(app.button(key="desk_back").click().run())
    assert app.query_params["lead"] == str(new)
    assert row("SELECT count(*) AS n FROM verdict").n == 0


def test_a_link_opens_a_lead_and_one_that_is_gone_is_said(desk: str) -> None:
    add_leads(1)
    [judged] = add_leads(1, state="rejected")
    app = sound(opened(tab="leads", lead=str(judged)))
    assert f"/api/pictures/finding/{judged}.jpg" in texts(app)
    app = opened(tab="leads", lead="999999999")
    assert not app.exception and "There is no lead 999999999" in app.error[0].value


def test_filters_and_queues(desk: str) -> None:
    add_leads(2)
    add_leads(1, state="confirmed")
    app = sound(opened(tab="leads"))
    assert len(app.dataframe[0].value) == 2
    sound(app.segmented_control(key="desk_state").set_value("confirmed").run())
    assert len(app.dataframe[0].value) == 1
    sound(app.selectbox(key="desk_hints").set_value("only").run())
    assert "No lead in this queue" in texts(app)


@every_language
def test_from_confirmed_to_reminded_to_dealt_with(desk: str, language: str) -> None:
    add_leads(1, state="confirmed")
    app = sound(opened(language, tab="leads"))
    sound(app.segmented_control(key="desk_state").set_value("confirmed").run())
    step = app.button(key="desk_step")
    assert step.label == translate("Take the step: {step}", language, step=translate("remind", language))
    sound(step.click().run())
    assert row("SELECT step FROM ladder_step").step == "remind"
    assert not [each for each in app.button if each.key == "desk_step"], "the next step takes more leads"
    sound(app.button(key="desk_dealt").click().run())
    assert row("SELECT disposed_at FROM finding").disposed_at is not None
    assert translate("Waiting for the camera's next looks.", language) in shown_text(app)
    with database.transaction() as session:
        session.execute(text("UPDATE finding SET recheck = 'not_solved', recheck_at = now()"))
    app.run()
    assert (
        translate("Not solved: the camera looked again and found it again.", language) in app.error[0].value
    )
    app.button(key="desk_not_dealt").click().run()
    assert row("SELECT disposed_at FROM finding").disposed_at is None


# ------------------------------------------------------------------------------------------ scores


@every_language
def test_scores_and_a_threshold_that_is_used(desk: str, language: str) -> None:
    app = sound(opened(language, tab="scores"))
    assert translate("Nobody has judged a lead yet", language) in texts(app)
    add_leads(12, state="confirmed", confidence=0.9, days=7)
    add_leads(12, state="rejected", confidence=0.4, days=7)
    app = sound(opened(language, tab="scores"))
    [table] = [each.value for each in app.dataframe]
    assert (list(table["confirmed"]), list(table["rejected"])) == ([12], [12])
    assert table["precision"].iloc[0] == pytest.approx(50.0)
    assert any(translate("recall", "en") in each.value for each in app.caption) or language != "en"
    sound(app.button(key="scores_use").click().run())
    zone = row("SELECT settings, version FROM zone ORDER BY id LIMIT 1")
    assert zone.settings["min_median_score"] == pytest.approx(0.9) and zone.version == 2
    assert translate("The zone uses the new threshold from its next look on.", language) in shown_text(app)


def test_too_few_verdicts_are_told_with_their_reason(desk: str) -> None:
    add_leads(2, state="confirmed")
    app = sound(opened(tab="scores"))
    assert any("too few to suggest a threshold" in each.value for each in app.info)


# ------------------------------------------------------------------------------------------ algorithms, heat


@every_language
def test_the_matrix_by_algorithm_group_and_camera(town_database: str, language: str) -> None:
    app = sound(opened(language, tab="algorithms"))
    cameras = row("SELECT count(*) AS n FROM camera").n
    assert figures(app)[translate("Cameras", language)] == f"{cameras:,}"
    summary = app.dataframe[0].value.set_index("algorithm")
    assert (summary.drop(columns="running").sum(axis=1) <= cameras).all()
    sound(app.selectbox(key="algorithms_code").set_value("ponding").run())
    [idle] = [each for each in app.get("download_button") if "GeoJSON" in each.proto.label]
    assert idle.proto.disabled
    sound(app.segmented_control(key="algorithms_status").set_value("cannot").run())
    reasons = app.dataframe[-1].value["reason"]
    assert reasons.str.contains(translate("There is no detector for this class.", language)).all()
    assert len(reasons) == min(cameras, 100)
    sound(app.segmented_control(key="algorithms_group").set_value("owner").run())
    assert app.dataframe[1].value.shape[1] == 1 + row("SELECT count(DISTINCT owner) AS n FROM camera").n


@every_language
def test_heat_is_empty_until_somebody_looked(town_copy: str, language: str) -> None:
    write("UPDATE camera_watch SET sampled_h = 0")
    app = sound(opened(language, tab="heat"))
    assert translate("Nobody has looked anywhere yet: there is no evidence.", language) in shown_text(app)
    write("UPDATE camera_watch SET sampled_h = 3")
    app = sound(opened(language, tab="heat"))
    [layers] = drawn(app)
    assert [each["id"] for each in layers][:2] == ["unit_cells", "cell_leads"]
    assert layers[0]["getFillColor"] == list(NO_EVIDENCE), "no evidence lies under what is known"
    [table] = [each.value for each in app.dataframe]
    assert (table["hours"] == 3).all()


def test_nothing_found_is_a_class_of_its_own() -> None:
    assert heat_breaks(pd.Series([0.0, 0.0])) == [0.0]
    assert heat_breaks(pd.Series([], dtype=float)) == [0.0]
    assert heat_breaks(pd.Series([0.0, 2.5])) == [0.0]
    limits = heat_breaks(pd.Series([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
    assert limits[0] == 0.0 and limits == sorted(set(limits)) and len(limits) == 4 and limits[-1] < 5.0


@pytest.mark.parametrize("size", [(768, 576), (1920, 1080), (100, 900), (90, 40)])
@pytest.mark.parametrize("box", [(0, 0, 5, 5), (700, 500, 768, 576), (0, 0, 768, 576), (10, 30, 20, 40)])
def test_a_close_up_stays_inside_its_picture(size: tuple[int, int], box: tuple[float, ...]) -> None:
    left, top, wide, high = part_of(size, box)  # type: ignore[arg-type]
    assert left >= 0 and top >= 0 and wide > 0 and high > 0
    assert left + wide <= size[0] + 1e-6 and top + high <= size[1] + 1e-6
    assert wide / high == pytest.approx(4 / 3)


def test_ages_are_short(town_database: str) -> None:
    assert [age(each) for each in (None, 0.4, 99, 150, 7200, 400_000)] == [
        "–",
        "0 s",
        "99 s",
        "2 min",
        "2 h",
        "5 d",
    ]


# ---------------------------------------------------------------------------------- cameras and people


@every_language
def test_shares_tell_who_found_what_where_cameras_are_silent_and_rounds(
    town_database: str, language: str
) -> None:
    app = sound(opened(language, tab="shares"))
    shown = figures(app)
    told = row(
        "SELECT count(*) FILTER (WHERE source IN ('camera', 'video')) AS cameras, count(*) AS found"
        " FROM violation WHERE cell_id IS NOT NULL"
    )
    assert shown[translate("Found by cameras", language)] == f"{told.cameras:,}"
    assert shown[translate("Share found by cameras", language)] == f"{told.cameras / told.found:.1%}"
    tables = {tuple(each.value.columns): each.value for each in app.dataframe}
    [districts] = [each for columns, each in tables.items() if "district" in columns]
    assert districts["cameras"].iloc[0] == districts["cameras"].iloc[1:].sum() == told.cameras
    [trend] = [json.loads(each.proto.spec) for each in app.get("vega_lite_chart")]
    [intervals] = [each for each in trend["layer"] if "y2" in each["encoding"]]
    assert (intervals["encoding"]["y"]["field"], intervals["encoding"]["y2"]["field"]) == ("lower", "upper")
    [silent] = [each for columns, each in tables.items() if "chance" in columns]
    app.segmented_control(key="shares_why").set_value(["unseen"])
    fewer = [each.value for each in sound(app.run()).dataframe if "chance" in each.value.columns]
    assert fewer[0]["chance"].isna().all() and 0 < len(fewer[0]) < len(silent)


def test_shares_of_a_town_without_violations(town_copy: str) -> None:
    write("DELETE FROM finding")
    write("DELETE FROM case_file")
    write("UPDATE zone SET enabled = false")
    shown = shown_text(sound(opened(tab="shares")))
    assert "No violation is on record" in shown and "No zone is switched on" in shown
