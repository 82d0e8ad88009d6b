"""What the wall answers: every page in both languages, and the last good figures when the database is away."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from sqlalchemy import text

from geodata import database
from geodata.errors import DatabaseUnavailable, NotFound, SettingsError
from geodata.queries import wall
from geodata.queries.tiles import conditions
from geodata.queries.wall_pages import Reading
from geodata.queries.wall_scope import Scope, period
from geodata.settings import Settings
from layers.catalogue import LAYERS
from layers.i18n import translate
from layers.view import View
from pages.endpoints.wall import chosen_pages
from pages.wall.answering import FRESH_S, MOST_HELD, Answers
from pages.wall.scoping import NO_TREE, scope_of

pytestmark = pytest.mark.postgis


class Watch:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def reading_of(url: str) -> Callable[[str, Scope], Reading]:
    def read(page: str, scope: Scope) -> Reading:
        with database.connection(url) as conn:
            return wall.read(conn, page, scope)

    return read


@pytest.mark.parametrize("page", wall.PAGES)
def test_every_page_tells_figures_map_and_source(page: str, town_database: str) -> None:
    answers = Answers(Settings(), reading_of(town_database))
    for language in ("zh-CN", "en"):
        told = json.loads(json.dumps(answers.answer(page, language), allow_nan=False))
        assert 2 <= len(told["left"]) <= 5 and 2 <= len(told["right"]) <= 4
        assert all(block["label"] for block in told["left"] + told["right"])
        assert told["source"] and told["method"] and told["title"]
        assert (told["simulated"] is not None) == (page != "pipes"), (
            "the pipes of this town are as they were mapped"
        )
        assert told["trouble"] is None and told["ageS"] >= 0
        names = [each["id"] for each in told["map"]["layers"]]
        assert names[0] == "streets" and names[-1] == "buildings" and len(names) > 2
        assert told["legend"]


def test_no_rank_comes_without_its_interval(town_database: str) -> None:
    told = Answers(Settings(), reading_of(town_database)).answer("evaluation", "en")
    ranks = next(block for block in told["right"] if block["kind"] == "table")
    assert ranks["rows"]
    for row in ranks["rows"]:
        if row["value"] is None:
            assert "no evidence" in row["note"]
        else:
            assert row["lower"] <= row["value"] <= row["upper"]
            assert re.fullmatch(r"rank \d+ to \d+", row["note"])
    shares = {block["label"]: block for block in told["left"]}
    assert shares["Registered of reported"]["kind"] == "share"
    timed = shares["Closed in time"]
    assert timed["kind"] == "share" and timed["lower"] <= timed["ratio"] <= timed["upper"]


def test_the_last_good_figures_stay_with_their_age_until_the_database_is_back(town_database: str) -> None:
    clock, away, asked = Watch(), [False], [0]
    real = reading_of(town_database)

    def read(page: str, scope: Scope) -> Reading:
        asked[0] += 1
        if away[0]:
            raise DatabaseUnavailable("The database does not answer ({reason}).", "Start it.", reason="gone")
        return real(page, scope)

    answers = Answers(Settings(), read, clock)
    first = answers.answer("overview", "en")
    for _ in range(5):
        answers.answer("overview", "zh-CN")
    assert asked[0] == 1, "one reading serves all walls for a while"

    away[0] = True
    clock.now += 180
    stale = answers.answer("overview", "en")
    assert stale["left"] == first["left"] and stale["takenAt"] == first["takenAt"]
    assert stale["ageS"] == 180 and "does not answer" in stale["trouble"]
    with pytest.raises(DatabaseUnavailable):
        answers.answer("parking", "en")

    away[0] = False
    clock.now += FRESH_S
    back = answers.answer("overview", "en")
    assert back["ageS"] == 0 and back["trouble"] is None and back["takenAt"] > first["takenAt"]


def test_a_planners_view_opens_on_the_wall(town_database: str) -> None:
    view = View.from_query(
        {
            "layers": "unit_cells,cameras",
            "measure": "coverage_ratio",
            "area": "910091001",
            "centre": "24.94,60.17",
            "zoom": "16",
        }
    )
    told = Answers(Settings(), reading_of(town_database)).answer("overview", "en", view)
    addresses = {each["id"]: each["address"] for each in told["map"]["layers"]}
    assert list(addresses) == ["streets", "unit_cells", "cameras", "buildings"]
    assert "area=910091001" in addresses["cameras"] and told["map"]["view"]["zoom"] == 16
    assert (told["map"]["view"]["longitude"], told["map"]["view"]["latitude"]) == (24.94, 60.17)


SHARED = {
    "nothing asked": {},
    "area": {"area": "910091001"},
    "days": {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"},
    "area, days, class and source": {
        "area": "910091001001",
        "since": "2026-03-01T00:00:00Z",
        "class": "05-05",
        "source": "qr",
    },
    "nothing found": {"class": "01-01", "area": "910091999"},
}


@pytest.mark.parametrize("parts", SHARED.values(), ids=SHARED)
def test_figures_follow_a_shared_view_as_its_map_does_and_say_so(
    parts: dict[str, str], town_database: str
) -> None:
    answers = Answers(Settings(), reading_of(town_database))
    view = View.from_query({"layers": "violations", **parts})
    told = {page: answers.answer(page, "en", view) for page in wall.PAGES}
    for each in told.values():
        json.dumps(each, allow_nan=False)
        assert (each["scope"] is None) == (not parts), each["page"]
    found = {block["label"]: block for block in told["overview"]["left"]}
    with database.connection(town_database) as conn:
        days = period(conn, scope_of(view))
        filters = {**view.tile_filters(), "since": days.since, "until": days.until}
        where = " AND ".join(["true", *conditions(LAYERS["violations"].tile, filters)])
        named = re.sub(r"%[(](\w+)[)]s", r":\1", where)
        rows = conn.execute(text(f"SELECT count(*) FROM violation t WHERE {named}"), filters).scalar_one()
    assert found["Violations on record"]["value"] == f"{rows:,}"
    assert (rows == 0) == ("01-01" in parts.values())
    whole = answers.answer("overview", "en")
    if parts.get("area"):
        cameras = next(block for block in told["cameras"]["left"] if block["label"] == "Cameras")
        everywhere = answers.answer("cameras", "en")["left"][0]["value"]
        assert int(cameras["value"]) < int(everywhere)
        assert whole["scope"] is None, "the town's own figures are not those of the view"
    if set(parts) - {"area"}:
        assert "follow" in told["overview"]["scope"]["how"]
    if parts.get("until"):
        assert "2026-03-01 to 2026-04-01" in told["overview"]["scope"]["of"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("parts", [{}, {"area": "910091002001"}])
def test_a_view_shared_from_the_units_says_that_the_wall_shows_the_map(
    town_database: str, parts: dict[str, str], language: str
) -> None:
    view = View.from_query({"show": "units", **parts})
    answers = Answers(Settings(), reading_of(town_database))
    for page in ("overview", "parking"):
        told = answers.answer(page, language, view)["scope"]
        assert told["of"] and translate(NO_TREE, language) in told["how"]


def test_views_of_strangers_fill_no_memory_and_drive_out_no_figures_of_the_town(town_database: str) -> None:
    clock, asked = Watch(), list[str]()
    real = reading_of(town_database)
    kept: dict[str, Reading] = {}

    def read(page: str, scope: Scope) -> Reading:
        asked.append(page)
        return kept.setdefault(page, real(page, scope))

    answers = Answers(Settings(), read, clock)
    answers.answer("pipes", "en")
    for at in range(3 * MOST_HELD):
        answers.answer("pipes", "en", View.from_query({"area": f"{100000 + at}"}))
    assert len(answers._held) <= MOST_HELD and len(answers._locks) <= MOST_HELD + 1
    before = len(asked)
    answers.answer("pipes", "zh-CN")
    assert len(asked) == before


def test_the_citys_name_may_be_chosen(town_database: str) -> None:
    answers = Answers(Settings(wall_city="滨海市"), reading_of(town_database))
    assert answers.answer("pipes", "en")["city"] == "滨海市"
    plain = Answers(Settings(), reading_of(town_database))
    assert (plain.answer("pipes", "en")["city"], plain.answer("pipes", "zh-CN")["city"]) == (
        "Central Helsinki",
        "赫尔辛基市中心",
    )


def test_an_unknown_page_is_told(town_database: str) -> None:
    with pytest.raises(NotFound, match="no page"):
        Answers(Settings(), reading_of(town_database)).answer("weather", "en")
    assert chosen_pages("video, pipes,video") == ("video", "pipes")
    for wrong in ("", "video,weather"):
        with pytest.raises(SettingsError):
            chosen_pages(wrong)
