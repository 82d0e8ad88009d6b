"""The video desk: verdicts and their way back, dealt with, the ladder, thresholds, and what the screen reads."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import text

from analysis.errors import InputError
from geodata import database
from geodata.commands.desk import call_dealt_with, give_verdict, take_back, take_step, use_threshold
from geodata.errors import NotFound
from geodata.export.leads import idle_geojson
from geodata.queries.algorithms import algorithm_matrix, by_group, idle_cameras, watch_stamp
from geodata.queries.datasets import revision
from geodata.queries.desk import (
    LeadFilter,
    desk_counts,
    lead_choices,
    lead_queue,
    precisions,
    read_lead,
    suggest_for,
    zone_scores,
)
from geodata.queries.watching import WALL_ORDERS, camera_health, cell_leads, patrol_pace, video_wall
from geodata.video.failures import Failure, told
from layers.catalogue import LAYERS

pytestmark = pytest.mark.postgis

NOW = dt.datetime.now(dt.UTC)
EMPTIED = ("ladder_step", "verdict", "finding_frame", "finding", "sample")


def row(sql: str, **values: object) -> Any:
    with database.connection() as conn:
        return conn.execute(text(sql), values).one()


def write(sql: str, **values: object) -> None:
    with database.transaction() as session:
        session.execute(text(sql), values)


@pytest.fixture
def desk(town_of_module: str) -> Iterator[int]:
    """The demonstration camera, of which nothing was seen yet; everything written is taken away again."""
    zones = row("SELECT json_agg(z) AS kept FROM zone z").kept
    for table in EMPTIED:
        write(f"DELETE FROM {table}")
    yield int(row("SELECT id FROM camera WHERE demonstration").id)
    for table in EMPTIED:
        write(f"DELETE FROM {table}")
    for zone in zones:
        write(
            "UPDATE zone SET settings = CAST(:settings AS jsonb), version = :version, rule = :rule WHERE id = :id",
            settings=json.dumps(zone["settings"]),
            version=zone["version"],
            rule=zone["rule"],
            id=zone["id"],
        )
    write(
        "UPDATE camera_watch SET state = 'unknown', state_since = NULL, failures = 0, last_event_at = NULL,"
        " error = NULL, next_try_at = NULL, sampled_h = 0"
    )


def add_lead(camera: int, *, zone: int = 0, at: dt.datetime = NOW, **more: Any) -> int:
    """A lead of the camera's first or another zone; returns its number."""
    values = {
        "camera": camera,
        "zone": int(
            row("SELECT id FROM zone WHERE camera_id = :c ORDER BY id OFFSET :n LIMIT 1", c=camera, n=zone).id
        ),
        "at": at,
        "confidence": 0.8,
        "hint": False,
        "state": "lead",
        "merged_into": None,
        "rule": "standing",
        "x1": 10.0 + row("SELECT count(*) AS n FROM finding").n,
    } | more
    with database.transaction() as session:
        return int(
            session.execute(
                text(
                    "INSERT INTO finding (camera_id, zone_id, class_code, label, first_seen_at, last_seen_at, dwell_s,"
                    " confidence, x1, y1, x2, y2, rule, hint, state, merged_into, simulated, geom, error_m, cell_id)"
                    " SELECT :camera, :zone, '05-05', 'car', :at, CAST(:at AS timestamptz) + interval '60 s', 60,"
                    " :confidence, :x1, 20, 60, 70, :rule, :hint, :state, :merged_into, true, c.geom, 4.0,"
                    " (SELECT u.id FROM unit_cell u WHERE ST_Covers(u.geom, c.geom) ORDER BY id LIMIT 1)"
                    " FROM camera c WHERE c.id = :camera RETURNING id"
                ),
                values,
            ).scalar_one()
        )


def lead_of(number: int) -> Any:
    return row("SELECT * FROM finding WHERE id = :id", id=number)


# ------------------------------------------------------------------------------------------ verdicts


@pytest.mark.parametrize("verdict", ["confirmed", "rejected", "unsure"])
def test_a_verdict_writes_its_row_and_the_lead_at_once(desk: int, verdict: str) -> None:
    lead = add_lead(desk)
    before = row("SELECT max(revision) AS r FROM dataset").r
    give_verdict(lead, verdict)
    assert lead_of(lead).state == verdict and lead_of(lead).verdict_at is not None
    kept = row("SELECT verdict, given_by FROM verdict WHERE finding_id = :id", id=lead)
    assert kept.verdict == verdict and kept.given_by == "video desk"
    after = row("SELECT max(revision) AS r FROM dataset").r
    assert (after > before) == (verdict == "confirmed"), "only what becomes a violation is read anew"
    with database.connection() as conn:
        assert verdict != "confirmed" or revision(conn, ["finding"]) == after
    shown = row("SELECT count(*) AS n FROM violation WHERE origin = 'finding'").n
    assert shown == (verdict == "confirmed")


def test_an_unknown_verdict_or_lead_writes_nothing(desk: int) -> None:
    lead = add_lead(desk)
    with pytest.raises(InputError, match="maybe"):
        give_verdict(lead, "maybe")
    with pytest.raises(NotFound):
        give_verdict(lead + 1_000_000, "confirmed")
    assert lead_of(lead).state == "lead" and row("SELECT count(*) AS n FROM verdict").n == 0


def test_a_verdict_can_be_taken_back_and_rows_are_only_added(desk: int) -> None:
    lead = add_lead(desk)
    first = give_verdict(lead, "confirmed")
    second = give_verdict(lead, "rejected")
    assert take_back(second) == lead
    assert lead_of(lead).state == "confirmed" and lead_of(lead).verdict_at is not None
    take_back(first)
    assert lead_of(lead).state == "lead" and lead_of(lead).verdict_at is None
    said = row(
        "SELECT array_agg(verdict ORDER BY id) AS said FROM verdict WHERE finding_id = :id", id=lead
    ).said
    assert said == ["confirmed", "rejected", "confirmed", "unsure"]
    with database.connection() as conn:
        assert precisions(conn).empty, "a verdict that was taken back counts in no score"
    third = give_verdict(lead, "unsure")
    take_back(third)
    assert lead_of(lead).state == "lead"


def test_nobody_takes_back_what_somebody_else_said_since(desk: int) -> None:
    lead = add_lead(desk)
    mine = give_verdict(lead, "confirmed")
    give_verdict(lead, "rejected")
    with pytest.raises(InputError, match="since"):
        take_back(mine)
    assert lead_of(lead).state == "rejected"
    with pytest.raises(NotFound):
        take_back(mine + 1_000_000)


def test_a_verdict_on_a_merged_lead_is_about_the_one_in_front(desk: int) -> None:
    front = add_lead(desk)
    middle = add_lead(desk, merged_into=front)
    behind = add_lead(desk, merged_into=middle)
    give_verdict(behind, "confirmed")
    assert [lead_of(each).state for each in (front, middle, behind)] == ["confirmed", "lead", "lead"]
    with database.connection() as conn:
        assert read_lead(conn, behind).facts["id"] == front
        assert sorted(read_lead(conn, front).others["id"]) == [middle, behind]


# ------------------------------------------------------------------------------------------ the queue


def test_the_queue_counts_merged_leads_once_and_filters(desk: int) -> None:
    old = add_lead(desk, at=NOW - dt.timedelta(hours=3), confidence=0.95)
    new = add_lead(desk, zone=1, confidence=0.5)
    add_lead(desk, merged_into=new)
    hint = add_lead(desk, hint=True, rule="motion", confidence=0.6)
    judged = add_lead(desk, state="confirmed")
    with database.connection() as conn:

        def asked(**chosen: Any) -> list[int]:
            return list(lead_queue(conn, LeadFilter(**chosen))["id"])

        assert set(asked()) == {old, new, hint}
        assert asked(order="surest") == [old, hint, new]
        assert asked()[-1] == old
        assert asked(hints=False, order="surest") == [old, new] and asked(hints=True) == [hint]
        assert asked(rule="motion") == [hint] and asked(camera_id=desk + 1) == []
        assert asked(class_code="05-05", state="confirmed") == [judged]
        assert lead_queue(conn, LeadFilter()).set_index("id")["others"].to_dict() == {old: 0, new: 1, hint: 0}
        counts = desk_counts(conn, "Europe/Helsinki")
        assert counts.waiting == 3 and counts.oldest_at == NOW - dt.timedelta(hours=3)
        assert set(lead_choices(conn)["rule"]) == {"standing", "motion"}


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Europe/Helsinki", "Asia/Shanghai", "Pacific/Kiritimati"])
def test_today_is_the_towns_day(desk: int, zone: str) -> None:
    given = [NOW - dt.timedelta(hours=3 * n) for n in range(9)]
    for at in given:
        write(
            "UPDATE finding SET verdict_at = :at WHERE id = :id", at=at, id=add_lead(desk, state="confirmed")
        )
    with database.connection() as conn:
        today = conn.execute(text("SELECT now()")).scalar_one().astimezone(ZoneInfo(zone)).date()
        judged = desk_counts(conn, zone).judged_today
    assert judged == sum(at.astimezone(ZoneInfo(zone)).date() == today for at in given)


def test_a_lead_with_its_evidence(desk: int) -> None:
    lead = add_lead(desk)
    write(
        "INSERT INTO finding_frame (finding_id, role, taken_at, picture, sha256) VALUES (:id, 'before', :at, 'x', 'y')",
        id=lead,
        at=NOW - dt.timedelta(minutes=1),
    )
    give_verdict(lead, "unsure")
    with database.connection() as conn:
        found = read_lead(conn, lead)
    assert found.facts["size_px"] == (768, 576) and found.facts["polygon_px"]
    assert found.frames == {"before": NOW - dt.timedelta(minutes=1)}
    assert list(found.verdicts["verdict"]) == ["unsure"]
    assert found.standing.step is None and found.others.empty and found.steps.empty
    with database.connection() as conn, pytest.raises(NotFound):
        read_lead(conn, lead + 1_000_000)


# ------------------------------------------------------------------------------- dealt with, and the ladder


def test_only_what_is_confirmed_is_dealt_with_and_doubt_takes_it_away(desk: int) -> None:
    lead = add_lead(desk)
    with pytest.raises(InputError, match="confirmed"):
        call_dealt_with(lead)
    give_verdict(lead, "confirmed")
    call_dealt_with(lead)
    assert lead_of(lead).disposed_at is not None
    write("UPDATE finding SET recheck = 'solved', recheck_at = now() WHERE id = :id", id=lead)
    call_dealt_with(lead)
    assert lead_of(lead).recheck is None, "dealt with again, the camera looks again"
    call_dealt_with(lead, done=False)
    assert lead_of(lead).disposed_at is None
    call_dealt_with(lead)
    give_verdict(lead, "rejected")
    assert lead_of(lead).disposed_at is None


def test_the_ladder_counts_confirmed_leads_and_is_climbed_rung_by_rung(desk: int) -> None:
    leads = [add_lead(desk, at=NOW - dt.timedelta(hours=hour)) for hour in (1, 2)]
    add_lead(desk, state="confirmed", zone=1)
    add_lead(desk, state="confirmed", hint=True)

    def standing() -> Any:
        with database.connection() as conn:
            return read_lead(conn, leads[0]).standing

    assert standing().step is None, "what nobody confirmed does not count, nor does another zone or a hint"
    with pytest.raises(InputError, match="confirmed"):
        take_step(leads[0], "remind")
    give_verdict(leads[0], "confirmed")
    assert standing().step == "remind"
    with pytest.raises(InputError, match="not due"):
        take_step(leads[0], "warn")
    assert take_step(leads[0], "remind") is None
    assert standing().level == 1 and standing().step is None
    with pytest.raises(InputError, match="not due"):
        take_step(leads[0], "remind")
    step = row("SELECT * FROM ladder_step")
    zone = row("SELECT name FROM zone WHERE id = :id", id=lead_of(leads[0]).zone_id)
    camera = row("SELECT code FROM camera WHERE id = :id", id=desk)
    assert (step.place, step.class_code, step.step) == (f"{camera.code}/{zone.name}", "05-05", "remind")


def test_the_top_of_the_ladder_opens_a_case(desk: int) -> None:
    cases = row("SELECT count(*) AS n FROM case_file").n
    known = row("SELECT source, licence, method, simulated, rows FROM dataset WHERE name = 'case_file'")
    ago = [dt.timedelta(days=day) for day in (9, 8, 7, 6, 5, 4)]
    leads = [add_lead(desk, at=NOW - each, state="confirmed") for each in ago]
    for step, day in (("remind", 9), ("warn", 7)):
        write(
            "INSERT INTO ladder_step (finding_id, place, class_code, step, taken_at)"
            " SELECT f.id, c.code || '/' || z.name, f.class_code, :step, CAST(:at AS timestamptz)"
            " FROM finding f JOIN camera c ON c.id = f.camera_id JOIN zone z ON z.id = f.zone_id WHERE f.id = :id",
            id=leads[0],
            step=step,
            at=NOW - dt.timedelta(days=day) + dt.timedelta(hours=1),
        )
    with database.connection() as conn:
        before = revision(conn, ["case_file"])
        assert read_lead(conn, leads[-1]).standing.step == "case"
    number = take_step(leads[-1], "case")
    case = row(
        "SELECT *, ST_Equals(geom, (SELECT geom FROM finding WHERE id = :id)) AS there"
        " FROM case_file WHERE number = :number",
        id=leads[-1],
        number=number,
    )
    assert case.source == "camera" and case.stage == "registered" and case.class_code == "05-05"
    assert case.camera_id == desk and case.cell_id is not None and case.simulated and case.there
    assert row("SELECT count(*) AS n FROM case_file").n == cases + 1
    with database.connection() as conn:
        assert revision(conn, ["case_file"]) > before
    after = row("SELECT source, licence, method, simulated, rows FROM dataset WHERE name = 'case_file'")
    assert after[:4] == known[:4] and after.rows == known.rows + 1
    write("DELETE FROM case_file WHERE number = :number", number=number)


def test_numbers_of_cases_go_on_within_a_day(desk: int) -> None:
    numbers = []
    for zone in (0, 1):
        lead = add_lead(desk, zone=zone, state="confirmed")
        for _ in range(3):
            add_lead(desk, zone=zone, state="confirmed")
        write(
            "INSERT INTO ladder_step (finding_id, place, class_code, step, taken_at)"
            " SELECT f.id, c.code || '/' || z.name, f.class_code, 'warn', now() - interval '1 day'"
            " FROM finding f JOIN camera c ON c.id = f.camera_id JOIN zone z ON z.id = f.zone_id WHERE f.id = :id",
            id=lead,
        )
        numbers.append(str(take_step(lead, "case")))
    first, second = (int(each.rsplit("-", 1)[1]) for each in numbers)
    assert second == first + 1 and numbers[0].rsplit("-", 1)[0] == numbers[1].rsplit("-", 1)[0]
    write("DELETE FROM case_file WHERE number = ANY(:numbers)", numbers=numbers)


# ------------------------------------------------------------------------------------------ scores


def judged(camera: int, yes: list[float], no: list[float], **more: Any) -> None:
    for state, scores in (("confirmed", yes), ("rejected", no)):
        for number, score in enumerate(scores):
            add_lead(
                camera, state=state, confidence=score, at=NOW - dt.timedelta(days=14, minutes=number), **more
            )


def test_precision_counts_what_people_said(desk: int) -> None:
    judged(desk, [0.9] * 6, [0.4] * 2)
    add_lead(desk, state="unsure")
    add_lead(desk)
    add_lead(desk, state="confirmed", hint=True)
    add_lead(desk, state="lead", merged_into=int(row("SELECT min(id) AS id FROM finding").id))
    with database.connection() as conn:
        [table] = [each for _, each in precisions(conn).iterrows()]
    assert (table["confirmed"], table["rejected"], table["unsure"]) == (6, 2, 1)
    assert table["precision"] == pytest.approx(0.75)
    assert table["lower"] < 0.75 < table["upper"] and table["simulated"]


def test_a_threshold_is_suggested_used_and_kept_in_the_audit(desk: int) -> None:
    judged(desk, [0.7 + 0.01 * n for n in range(12)], [0.35 + 0.005 * n for n in range(12)])
    with database.connection() as conn:
        [zone] = zone_scores(conn)
    assert zone.field == "min_median_score" and zone.current == pytest.approx(0.3) and zone.version == 1
    assert zone.weeks == pytest.approx(2.0, abs=0.01) and zone.reviewed_share == 1.0
    found = suggest_for(zone, wanted_precision=0.9, most_lost=0.5)
    assert 0.35 < found.threshold <= 0.7 and found.precision >= 0.9
    assert found.false_leads.per_week < -1 and found.true_leads.per_week == pytest.approx(0.0, abs=1e-9)
    assert use_threshold(zone.zone_id, found.threshold, version=1, why={"precision": 0.9}) == 2
    kept = row("SELECT settings, version FROM zone WHERE id = :id", id=zone.zone_id)
    assert kept.settings["min_median_score"] == pytest.approx(found.threshold) and kept.version == 2
    audit = row("SELECT actor, action, subject, details FROM audit ORDER BY id DESC LIMIT 1")
    assert (audit.actor, audit.action) == ("video desk", "threshold") and zone.zone in audit.subject
    assert audit.details["before"] == pytest.approx(0.3) and audit.details["why"] == {"precision": 0.9}
    with pytest.raises(InputError, match="changed"):
        use_threshold(zone.zone_id, 0.5, version=1, why={})
    with database.connection() as conn:
        [again] = zone_scores(conn)
    assert again.current == pytest.approx(found.threshold)
    assert (again.scores >= again.current).all(), "what the new threshold hides says nothing of it"


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_an_impossible_threshold_is_refused(desk: int, value: float) -> None:
    zone = int(row("SELECT id FROM zone ORDER BY id LIMIT 1").id)
    with pytest.raises(InputError):
        use_threshold(zone, value, version=1, why={})
    assert row("SELECT version FROM zone WHERE id = :id", id=zone).version == 1


def test_scores_that_are_no_detectors_have_no_threshold(desk: int) -> None:
    write("UPDATE zone SET rule = 'static_object'")
    judged(desk, [0.9] * 12, [0.4] * 12, rule="static_object")
    with database.connection() as conn:
        [zone] = zone_scores(conn)
    assert zone.field is None
    with pytest.raises(InputError, match="detector"):
        suggest_for(zone, wanted_precision=0.8, most_lost=None)
    with pytest.raises(InputError, match="detector"):
        use_threshold(zone.zone_id, 0.5, version=1, why={})


def test_too_few_verdicts_say_why(desk: int) -> None:
    judged(desk, [0.9] * 3, [0.4])
    with database.connection() as conn:
        [zone] = zone_scores(conn)
    with pytest.raises(InputError, match="too few"):
        suggest_for(zone, wanted_precision=0.8, most_lost=None)


# ------------------------------------------------------------------------------------- wall, health, heat


def add_sample(
    camera: int, at: dt.datetime, *, late_s: float | None = 0.0, picture: bytes | None = b"x"
) -> int:
    due = None if late_s is None else at - dt.timedelta(seconds=late_s)
    with database.transaction() as session:
        return int(
            session.execute(
                text(
                    "INSERT INTO sample (camera_id, taken_at, due_at, footage_s, frame_index, width_px, height_px,"
                    " detector, looked_s, picture) VALUES (:c, :at, :due, 0, 0, 768, 576, 'told', 0.1, :picture)"
                    " RETURNING id"
                ),
                {"c": camera, "at": at, "due": due, "picture": picture},
            ).scalar_one()
        )


def test_the_wall_shows_the_newest_picture_that_is_kept(desk: int) -> None:
    now = dt.datetime.now(dt.UTC)
    add_sample(desk, now - dt.timedelta(seconds=30))
    kept = add_sample(desk, now - dt.timedelta(seconds=20))
    add_sample(desk, now - dt.timedelta(seconds=10), picture=None)
    for score in (0.9, 0.1):
        write(
            "INSERT INTO detection (sample_id, label, score, x1, y1, x2, y2) VALUES (:s, 'car', :score, 1, 2, 3, 4)",
            s=kept,
            score=score,
        )
    add_lead(desk)
    with database.connection() as conn:
        for order in WALL_ORDERS:
            shown = video_wall(conn, order, page=0, of=12, least_score=0.3)
            [camera] = shown.cameras.to_dict(orient="records")
            assert camera["sample_id"] == kept and camera["leads"] == 1 and camera["state"] == "unknown"
            assert list(shown.boxes["score"]) == [0.9] and len(shown.zones) == 2
            assert shown.watched == 1 and shown.by_state == {"unknown": 1}
        assert video_wall(conn, "trouble", page=1, of=12, least_score=0.3).cameras.empty


def test_the_wall_puts_trouble_leads_or_news_first(desk: int) -> None:
    now = dt.datetime.now(dt.UTC)
    others = [
        each for (each,) in database_rows("SELECT id FROM camera WHERE NOT demonstration ORDER BY id LIMIT 3")
    ]
    for camera, state, sampled in zip(others, ("online", "stalled", "unreachable"), (1, 50, 90), strict=True):
        write(
            "INSERT INTO camera_watch (camera_id, min_interval_s, max_interval_s, state, last_event_at,"
            " last_sampled_at) VALUES (:c, 5, 30, :state, :at, CAST(:at AS timestamptz) - make_interval(secs => :ago))",
            c=camera,
            state=state,
            at=now,
            ago=sampled,
        )
    write(
        "UPDATE camera_watch SET state = 'online', last_event_at = now() - interval '2 hours', last_sampled_at ="
        " now() - interval '2 hours' WHERE camera_id = :c",
        c=desk,
    )
    add_lead(desk)
    try:
        with database.connection() as conn:
            first = {
                order: list(video_wall(conn, order, page=0, of=9, least_score=0.3).cameras["camera_id"])
                for order in WALL_ORDERS
            }
            by_state = video_wall(conn, "trouble", page=0, of=9, least_score=0.3).by_state
            health = camera_health(conn, page=0, of=9, now=now)
            some = camera_health(conn, states=("stalled", "unknown"), page=0, of=9, now=now)
    finally:
        write("DELETE FROM camera_watch WHERE camera_id = ANY(:others)", others=others)
    assert first["trouble"] == [others[2], others[1], desk, others[0]]
    assert first["leads"][0] == desk and first["newest"] == [*others, desk]
    assert by_state == {"online": 1, "stalled": 1, "unreachable": 1, "unknown": 1}
    assert list(health.cameras["state"]) == ["unreachable", "stalled", "unknown", "online"]
    assert set(some.cameras["state"]) == {"stalled", "unknown"} and some.watched == 2


def database_rows(sql: str) -> list[Any]:
    with database.connection() as conn:
        return list(conn.execute(text(sql)).all())


def test_health_tells_why_since_when_and_the_longest_silence(desk: int) -> None:
    now = dt.datetime.now(dt.UTC)
    for ago in (300, 290, 100, 40):
        add_sample(desk, now - dt.timedelta(seconds=ago))
    add_sample(desk, now - dt.timedelta(seconds=200), late_s=None)  # a patrol of footage, not of the schedule
    trouble = told(Failure.STALLED, "rtsp://…@camera/1", limit_s=10.0)
    write(
        "UPDATE camera_watch SET state = 'stalled', state_since = :at, failures = 3, last_event_at = :at,"
        " error = CAST(:error AS jsonb) WHERE camera_id = :c",
        c=desk,
        at=now - dt.timedelta(seconds=35),
        error=json.dumps(trouble.told()),
    )
    with database.connection() as conn:
        [camera] = camera_health(conn, page=0, of=9, now=now).cameras.to_dict(orient="records")
    assert camera["state"] == "stalled" and camera["failures"] == 3
    assert camera["since"] == now - dt.timedelta(seconds=35)
    assert str(camera["error"]) == str(trouble)
    assert camera["silence_s"] == pytest.approx(190.0)
    with database.connection() as conn:
        [later] = camera_health(conn, page=0, of=9, now=now + dt.timedelta(hours=2)).cameras.to_dict(
            orient="records"
        )
    assert later["state"] == "unknown" and later["silence_s"] == pytest.approx(7240.0)


def test_pace_counts_due_samples_of_ten_minutes(desk: int) -> None:
    now = dt.datetime.now(dt.UTC)
    with database.connection() as conn:
        none = patrol_pace(conn, 2.0)
    assert none.taken == 0 and none.late_median_s is None and none.workers == 0 and not none.handing_out
    add_sample(desk, now - dt.timedelta(seconds=3000), late_s=500.0)
    for ago, late in ((500, 1.0), (400, 2.0), (30, 9.0)):
        add_sample(desk, now - dt.timedelta(seconds=ago), late_s=late)
    add_sample(desk, now - dt.timedelta(seconds=20), late_s=None)
    with database.connection() as conn:
        pace = patrol_pace(conn, 2.0)
    assert pace.taken == 3 and pace.per_s == pytest.approx(1 / 60)
    assert pace.late_median_s == pytest.approx(2.0) and pace.late_worst_s == pytest.approx(9.0)


def test_pace_sees_who_hands_out(desk: int) -> None:
    with database.connection() as one, database.connection() as other:
        one.execute(text("SELECT pg_advisory_lock(7352011)"))
        assert patrol_pace(other, 2.0).handing_out
        one.execute(text("SELECT pg_advisory_unlock(7352011)"))
        assert not patrol_pace(other, 2.0).handing_out


def test_heat_is_over_sampled_hours_and_forgets_what_was_rejected(desk: int) -> None:
    with database.connection() as conn:
        assert cell_leads(conn).empty, "nobody looked: there is no evidence"
    write("UPDATE camera_watch SET sampled_h = 2 WHERE camera_id = :c", c=desk)
    leads = [add_lead(desk) for _ in range(3)]
    add_lead(desk, hint=True)
    write("UPDATE finding SET cell_id = (SELECT min(id) FROM cell_leads)")
    with database.connection() as conn:
        before = cell_leads(conn)
    give_verdict(leads[0], "rejected")
    with database.connection() as conn:
        after = cell_leads(conn)
    assert (before["hours"] == 2.0).all() and before["leads_per_h"].sum() == pytest.approx(1.5)
    assert after["leads_per_h"].sum() == pytest.approx(1.0) and before["simulated"].all()


def test_tiles_of_heat_tell_what_the_view_tells(desk: int) -> None:
    source = LAYERS["cell_leads"].tile
    names = list(source.columns)
    write("UPDATE camera_watch SET sampled_h = 2 WHERE camera_id = :c", c=desk)
    add_lead(desk)
    add_lead(desk, state="rejected")
    write("UPDATE finding SET cell_id = (SELECT min(id) FROM cell_leads)")
    columns = ", ".join(f"{sql} AS {name}" for name, sql in source.columns.items())
    tiles = database_rows(f"SELECT {columns} FROM {source.table} t {source.join} ORDER BY t.code")
    view = database_rows(f"SELECT {', '.join(names)} FROM cell_leads ORDER BY code")
    assert [tuple(each) for each in tiles] == [tuple(each) for each in view]
    assert sum(each.leads for each in view) == 1


# ------------------------------------------------------------------------------------------ algorithms


def test_the_matrix_of_the_town(desk: int) -> None:
    with database.connection() as conn:
        found = algorithm_matrix(conn, layout="yolov3-tiny", every_s=10.0)
        stamp = watch_stamp(conn)
    cameras = row("SELECT count(*) AS n FROM camera").n
    assert found.matrix.can.shape == (cameras, len(found.matrix.algorithms)) and len(found.cameras) == cameras
    place = list(found.cameras.index).index(desk)
    assert found.status("illegal_parking")[place] == "running", "its zones say so"
    assert set(found.status("ponding")) == {"cannot"}, "no detector knows it"
    for each in found.matrix.algorithms:
        status = found.status(each.code)
        assert sum((status == name).sum() for name in ("idle", "running", "cannot")) == cameras
        assert by_group(found, "owner").loc[each.code].sum() == (status == "idle").sum()
    write("UPDATE zone SET enabled = false")
    try:
        with database.connection() as conn:
            assert watch_stamp(conn) != stamp
            without = algorithm_matrix(conn, layout="yolov3-tiny", every_s=10.0)
    finally:
        write("UPDATE zone SET enabled = true")
    assert without.status("illegal_parking")[place] != "running"


def test_idle_cameras_leave_as_geojson_without_their_streams(desk: int) -> None:
    with database.connection() as conn:
        found = algorithm_matrix(conn, layout="yolov3-tiny", every_s=10.0)
    idle = idle_cameras(found, "crowding")
    assert len(idle)
    register = pd.DataFrame(
        [("camera", "helsinki", "OSM", "ODbL", "m", 7, True)],
        columns=["name", "town", "source", "licence", "method", "revision", "simulated"],
    )
    body = json.loads(idle_geojson(idle, register, algorithm="crowding", title="Crowding", method="m"))
    assert body["revision"] == 7 and body["simulated"] and body["algorithm"] == "crowding"
    assert [each["id"] for each in body["features"]] == list(idle.index)
    for each in body["features"]:
        lon, lat = each["geometry"]["coordinates"]
        assert 24 < lon < 26 and 59 < lat < 61
        assert not {"stream_url", "picture", "evidence"} & set(each["properties"])
