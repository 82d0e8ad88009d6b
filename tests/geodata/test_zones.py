"""Zones and their rules: kept, changed, cut to the picture, taken away; each change is another version."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from analysis.errors import InputError
from analysis.vision.rules import RULES, from_settings, to_settings
from geodata import database
from geodata.commands.zones import ZoneDraft, delete_zone, save_zone
from geodata.errors import NotFound, TwinError
from geodata.queries.calibrations import StoredZone, read_desk
from geodata.queries.datasets import loaded_town, revision
from geodata.queries.watches import camera_setup

pytestmark = pytest.mark.postgis

SQUARE = ((100.0, 100.0), (300.0, 100.0), (300.0, 260.0), (100.0, 260.0))
DRAFT = ZoneDraft("草坪", "Lawn", "standing", "05-05", SQUARE, (768, 576), {"dwell_s": 90.0})
NEEDED: dict[str, dict[str, Any]] = {
    "line_crossing": {"line": [[10, 10], [200, 300]], "direction": "forward"},
    "wrong_way": {"arrow": [[20, 20], [90, 60]], "hold_s": 1.5},
    "bikes_outside": {"allowed": [[[110, 110], [150, 110], [150, 150]]]},
    "intrusion": {
        "validity": {
            "weekly": [{"days": [1, 7], "start": "22:00", "end": "05:00"}],
            "first_day": "2026-01-01",
            "last_day": None,
            "time_zone": "Europe/Helsinki",
        },
        "classes": [0, 2],
    },
    "crowding": {"min_people": None, "min_density": 0.5, "area_m2": 80.0},
}


@pytest.fixture
def camera(town_copy: str) -> int:
    """The demonstration camera of a town to write in."""
    return int(value("SELECT id FROM camera WHERE demonstration"))


def value(statement: str, **facts: object) -> Any:
    with database.connection() as conn:
        return conn.execute(text(statement), facts).scalar()


def zones(camera: int) -> dict[int, StoredZone]:
    with database.connection() as conn:
        return {zone.id: zone for zone in read_desk(conn, loaded_town(conn), camera).zones}


def state() -> tuple[Any, ...]:
    with database.connection() as conn:
        kept = conn.execute(text("SELECT md5(string_agg(z::text, ',' ORDER BY id)) FROM zone z")).scalar()
        return kept, conn.execute(text("SELECT count(*) FROM audit")).scalar(), revision(conn)


def test_a_zone_is_kept_and_watched(camera: int) -> None:
    before = state()
    saved = save_zone(camera, DRAFT)
    assert saved.version == 1 and saved.remark is None
    zone = zones(camera)[saved.id]
    assert (zone.title_zh, zone.title_en, zone.class_code) == ("草坪", "Lawn", "05-05")
    assert zone.polygon_px == SQUARE and zone.enabled and zone.dwell_s == 90.0 and zone.leads == 0
    with database.connection() as conn:
        [watched] = [each for each in camera_setup(conn, camera).zones if each.id == saved.id]
        assert revision(conn) > before[2]
    assert watched.zone.rule == from_settings("standing", {"dwell_s": 90.0})
    audit = value(
        "SELECT details FROM audit WHERE action = 'draw zone' AND subject LIKE '%zone-1' ORDER BY id DESC LIMIT 1"
    )
    assert audit["before"] is None and audit["after"]["polygon_px"] == [list(each) for each in SQUARE]


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_comes_back_as_it_was_set(camera: int, kind: str) -> None:
    wanted = from_settings(kind, NEEDED.get(kind, {}))
    saved = save_zone(camera, replace(DRAFT, kind=kind, settings=to_settings(wanted)))
    with database.connection() as conn:
        [watched] = [each for each in camera_setup(conn, camera).zones if each.id == saved.id]
    assert watched.zone.rule == wanted
    assert zones(camera)[saved.id].dwell_s > 0


def test_each_change_is_another_version_and_the_older_one_is_told(camera: int) -> None:
    first = save_zone(camera, DRAFT)
    second = save_zone(camera, replace(DRAFT, title_en="Meadow", enabled=False), first.id, first.version)
    assert (second.id, second.version) == (first.id, 2)
    zone = zones(camera)[first.id]
    assert zone.title_en == "Meadow" and not zone.enabled
    with database.connection() as conn:
        assert first.id not in [each.id for each in camera_setup(conn, camera).zones], "it is switched off"
    before = state()
    with pytest.raises(TwinError, match="version 2, you looked at version 1"):
        save_zone(camera, DRAFT, first.id, first.version)
    assert state() == before
    change = value("SELECT details FROM audit WHERE action = 'change zone' ORDER BY id DESC LIMIT 1")
    assert change["before"]["title_en"] == "Lawn" and change["after"]["version"] == 2


def test_what_lies_outside_the_picture_is_cut_off_and_told(camera: int) -> None:
    over = ((600.0, 100.0), (900.0, 100.0), (900.0, 200.0), (600.0, 200.0))
    saved = save_zone(camera, replace(DRAFT, polygon_px=over))
    assert saved.remark is not None and saved.remark.facts["share"] == pytest.approx(168 / 300)
    kept = np.asarray(zones(camera)[saved.id].polygon_px)
    assert kept.max(axis=0).tolist() == [768.0, 200.0] and kept.min(axis=0).tolist() == [600.0, 100.0]


WRONG = {
    "outside": {"polygon_px": ((800, 10), (900, 10), (900, 90))},
    "of another size than calibrated": {"size_px": (1536, 1152)},
    "two corners": {"polygon_px": SQUARE[:2]},
    "edges that cross": {"polygon_px": (SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3])},
    "no corners": {"polygon_px": ()},
    "no title": {"title_zh": " ", "title_en": ""},
    "a long title": {"title_en": "x" * 81},
    "no such rule": {"kind": "levitation", "settings": {}},
    "a setting that is none": {"settings": {"dwell": 3}},
    "a setting out of range": {"settings": {"dwell_s": -1.0}},
    "no line": {"kind": "line_crossing", "settings": {}},
    "a line outside": {"kind": "line_crossing", "settings": {"line": [[10, 10], [900, 10]]}},
    "an arrow outside": {"kind": "wrong_way", "settings": {"arrow": [[10, 10], [10, -5]]}},
    "a line of one end": {"kind": "line_crossing", "settings": {"line": [[10, 10]]}},
    "density without ground": {"kind": "crowding", "settings": {"min_density": 1.0}},
}


@pytest.fixture(scope="module")
def untouched(town_of_module: str) -> int:
    """The demonstration camera of a town in which what is refused changes nothing."""
    return int(value("SELECT id FROM camera WHERE demonstration"))


@pytest.mark.parametrize("wrong", WRONG)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(untouched: int, wrong: str) -> None:
    before = state()
    with pytest.raises(InputError):
        save_zone(untouched, replace(DRAFT, **WRONG[wrong]))  # type: ignore[arg-type]
    assert state() == before


def test_what_is_gone(untouched: int) -> None:
    before = state()
    with pytest.raises(NotFound):
        save_zone(untouched, replace(DRAFT, class_code="77-77"))
    with pytest.raises(NotFound):
        save_zone(999_999, DRAFT)
    with pytest.raises(NotFound):
        save_zone(untouched, DRAFT, 999_999, 1)
    with pytest.raises(NotFound):
        delete_zone(untouched, 999_999, 1)
    other = value("SELECT min(id) FROM camera WHERE NOT demonstration")
    mine = next(iter(zones(untouched)))
    with pytest.raises(NotFound):
        save_zone(other, DRAFT, mine, 1)
    assert state() == before


def test_one_title_serves_for_both(camera: int) -> None:
    saved = save_zone(camera, replace(DRAFT, title_zh="", title_en="  The   lawn "))
    zone = zones(camera)[saved.id]
    assert zone.title_zh == zone.title_en == "The lawn"


def test_names_are_found_anew_after_a_gap(camera: int) -> None:
    one, two = (save_zone(camera, DRAFT) for _ in range(2))
    delete_zone(camera, one.id, one.version)
    three = save_zone(camera, DRAFT)
    names = {key: zone.name for key, zone in zones(camera).items()}
    assert (names[two.id], names[three.id]) == ("zone-2", "zone-1")


def test_a_zone_with_leads_stays(camera: int) -> None:
    mine = next(iter(zones(camera).values()))
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO finding (camera_id, zone_id, class_code, label, first_seen_at, last_seen_at, dwell_s,"
                " confidence, x1, y1, x2, y2, simulated) VALUES (:camera, :zone, '05-05', 'car', now(), now(), 60,"
                " 0.5, 1, 1, 9, 9, true)"
            ),
            {"camera": camera, "zone": mine.id},
        )
    before = state()
    leads = zones(camera)[mine.id].leads
    assert leads >= 1
    with pytest.raises(TwinError) as caught:
        delete_zone(camera, mine.id, mine.version)
    assert caught.value.facts["leads"] == leads
    assert state() == before


def test_a_zone_without_leads_goes(camera: int) -> None:
    saved = save_zone(camera, DRAFT)
    with pytest.raises(TwinError, match="Somebody else"):
        delete_zone(camera, saved.id, saved.version + 1)
    delete_zone(camera, saved.id, saved.version)
    assert saved.id not in zones(camera)
    gone = value("SELECT details FROM audit WHERE action = 'delete zone' ORDER BY id DESC LIMIT 1")
    assert gone["after"] is None and gone["before"]["title_zh"] == "草坪" and gone["before"]["version"] == 1
