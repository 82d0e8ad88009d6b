"""Printed sheets: to scale, in both languages, without empty boxes, whatever an application holds."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import re
from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics
from reportlab.platypus import Flowable, KeepTogether, Paragraph, Table

from analysis.review import DWELLING, review_cameras
from analysis.review.sheet import REASONS, SEVERITIES, TITLES, UNITS
from analysis.visibility import prepare_obstacles, visible_polygons
from geodata.errors import MissingAsset
from geodata.export.review import proposal_geojson
from geodata.queries.reviews import Review, Surroundings
from geodata.settings import settings
from geodata.towns.town import find_town
from layers.i18n import LANGUAGES
from pages.paper import fonts, telling
from pages.paper.fonts import BOLD, FILES, REGULAR, register_fonts
from pages.paper.mapping import Ink, MapLayer, PaperMap, scale_bar_m, shown_scale
from pages.paper.review_sheet import _Sheet, review_pdf

TOWN = find_town("helsinki")
EPSG = TOWN.metric_epsg
EAST, NORTH = 385_600.0, 6_672_000.0
MADE_AT = dt.datetime(2026, 5, 4, 3, 2, tzinfo=dt.UTC)

every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture
def font() -> None:
    """The font that set-up brings."""
    if not all((settings().assets_dir / file).exists() for file in FILES.values()):
        if os.environ.get("CI"):
            pytest.fail("the font for printed pages is not set up; make setup")
        pytest.skip("the font for printed pages is not set up")
    register_fonts()


def frame(shapes: list[shapely.Geometry], **columns: Any) -> gpd.GeoDataFrame:
    moved = [shapely.affinity.translate(each, EAST, NORTH) for each in shapes]
    return gpd.GeoDataFrame(columns, geometry=moved, crs=EPSG, index=range(len(shapes)))


def review(
    count: int = 3, *, state: str = "submitted", title: str = "竦秀路 <b>二期</b> & more", **pose: Any
) -> tuple[Review, Surroundings]:
    """An application beside a dwelling, with everything that a sheet can hold."""
    block, home = shapely.box(-60, 30, -20, 50), shapely.box(-15, 8, 40, 20)
    toilet = shapely.Point(30, -12).buffer(4)
    buildings = frame([block, home], height_m=[9.0, 12.0], use_known=[False, True])
    restricted = frame(
        [home, toilet],
        kind=[DWELLING, "toilet"],
        name=[None, "WC"],
        source=["building=apartments", "amenity=toilets"],
        simulated=[False, True],
    )
    proposed = frame(
        [shapely.Point(6 * n, 0) for n in range(count)],
        heading_deg=[(50.0 * n) % 360 for n in range(count)],
        hfov_deg=90.0,
        range_m=60.0,
        height_m=5.0,
        tilt_deg=20.0,
        vfov_deg=56.0,
        resolution_px=3840.0,
        cost=1000.0,
        name=[f"竦 {n}" for n in range(count)],
        code="123",
    ).set_axis(range(1, count + 1))
    for name, value in pose.items():
        proposed[name] = value
    existing = proposed.iloc[:1].assign(owner="private: unit 7", share_level=1, name="Pole", code="9" * 20)
    obstacles = prepare_obstacles(buildings)
    places = frame([shapely.Point(20, -20)], task=["identify"], name=["Gate"], kind=["school"])
    views = visible_polygons(proposed, obstacles)
    sheet = review_cameras(
        proposed, views, existing, views.iloc[:1], buildings=buildings, restricted=restricted, places=places
    )
    extra = {
        "method": "m",
        "crs_of_measures": f"EPSG:{EPSG}",
        "code_profile": "GB/T 28181",
        "simulated": True,
        "sources": [
            {
                "name": "building",
                "source": "© OpenStreetMap contributors, ODbL",
                "licence": "ODbL-1.0",
                "revision": 3,
            }
            | {"simulated": False}
        ],
    }
    stored = json.loads(json.dumps(sheet.plain() | extra))
    decided = state != "submitted"
    found = Review(
        number="2026-0007",
        title=title,
        applicant="Roads <office>",
        proposal=proposal_geojson(proposed, sheet),
        sheet=stored,
        revision=31,
        state=state,
        reasons="Camera 2\nrepeats & is returned" if decided else None,
        submitted_at=MADE_AT,
        decided_at=MADE_AT if decided else None,
        decided_by="Video <office>" if decided else None,
    )
    around = Surroundings(
        box=tuple(proposed.buffer(80).total_bounds),
        buildings=buildings,
        streets=frame([shapely.LineString([(-90, -5), (90, -5)])], drivable=[True]),
        restricted=restricted,
        cameras=existing.assign(owner="private"),
        views=frame([shapely.box(0, 0, 20, 20)]),
    )
    return found, around


def texts(parts: list[Any]) -> Iterator[str]:
    """All words of a story."""
    for part in parts:
        if isinstance(part, Paragraph):
            yield part.text
        elif isinstance(part, KeepTogether):
            yield from texts(list(part._content))
        elif isinstance(part, Table):
            yield from texts([cell for row in part._cellvalues for cell in row])
        elif isinstance(part, list):
            yield from texts(part)
        elif isinstance(part, str):
            yield part
        elif isinstance(part, PaperMap):
            yield from (each.label for each in part.entries)
            yield part.attribution


def story(language: str, **more: Any) -> list[Flowable]:
    found, around = review(**more)
    return _Sheet(found, TOWN, language, MADE_AT).story([around])


# --------------------------------------------------------------------------------------------- the document


@every_language
@pytest.mark.parametrize("state", ["submitted", "approved", "returned"])
def test_a_sheet_prints_with_its_font_inside(font: None, language: str, state: str) -> None:
    found, around = review(state=state)
    body = review_pdf(found, [around], TOWN, language, made_at=MADE_AT)
    assert body.startswith(b"%PDF-") and body.rstrip().endswith(b"%%EOF")
    assert 2 <= len(re.findall(rb"/Type /Page\b(?!s)", body)) <= 6
    assert body.count(b"/FontFile2") >= 2, "regular and bold are embedded"
    assert b"Helvetica" not in re.sub(rb"/BaseFont /Helvetica\b", b"", body, count=2)
    assert len(body) < 600_000, "only the letters that are used"


@every_language
def test_no_letter_is_an_empty_box(font: None, language: str) -> None:
    known = {name: pdfmetrics.getFont(name).face.charToGlyph for name in (REGULAR, BOLD)}
    said = "".join(texts(story(language, state="returned")))
    plain = re.sub(r"</?(?:b|br/?|para)[^>]*>", "", said).replace("&amp;", "&")
    for glyphs in known.values():
        assert {c for c in plain if c.isprintable() and ord(c) not in glyphs} == set()
    assert "竦" in plain, "a letter that web fonts leave out"


@every_language
def test_what_was_typed_is_shown_as_it_was_typed(font: None, language: str) -> None:
    said = "\n".join(texts(story(language, state="returned")))
    assert "竦秀路 &lt;b&gt;二期&lt;/b&gt; &amp; more" in said
    assert "Roads &lt;office&gt;" in said and "Video &lt;office&gt;" in said
    assert "repeats &amp; is returned" in said


@every_language
def test_the_sheet_tells_what_its_figures_are(font: None, language: str) -> None:
    found, _ = review()
    said = "\n".join(texts(story(language)))
    say = telling.speaker(language)
    for each in found.sheet["totals"]:
        assert telling.title(each["name"], say) in said
        assert telling.figure(each["name"], each["value"]) in said
    assert f"EPSG:{EPSG}" in said and "GB/T 28181" in said and "OpenStreetMap" in said
    assert "{" not in said, "no placeholder is left open"
    assert found.sheet["reasons"], "the case holds reasons"


def test_a_long_application_prints_and_says_what_it_leaves_out(font: None) -> None:
    found, around = review(62)
    body = review_pdf(found, [around], TOWN, "en", made_at=MADE_AT)
    assert len(re.findall(rb"/Type /Page\b(?!s)", body)) > 3
    said = "\n".join(texts(_Sheet(found, TOWN, "en", MADE_AT).story([around])))
    assert "… and 2 more" in said


def test_an_application_without_doubts_and_without_neighbours(font: None) -> None:
    found, around = review(1)
    quiet = json.loads(json.dumps(found.sheet)) | {
        **{name: [] for name in ("reasons", "duplicates", "forbidden", "windows", "places")},
        "advice": "approve",
    }
    nothing = {
        name: getattr(around, name).iloc[:0]
        for name in ("buildings", "streets", "restricted", "cameras", "views")
    }
    empty = Surroundings(box=around.box, **nothing)
    calm = Review(**{**vars(found), "sheet": quiet})
    assert review_pdf(calm, [empty], TOWN, "zh-CN", made_at=MADE_AT).startswith(b"%PDF-")
    assert review_pdf(calm, [], TOWN, "en", made_at=MADE_AT).startswith(b"%PDF-")


def test_without_its_font_a_sheet_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(fonts, "FILES", {"Absent": "absent.ttf"})
    monkeypatch.setattr(fonts, "REGULAR", "Absent")
    with pytest.raises(MissingAsset, match=r"absent\.ttf.*make setup"):
        register_fonts()


# ------------------------------------------------------------------------------------------------- the map


@given(st.floats(0.5, 1e6))
def test_a_scale_bar_is_nice_and_no_longer_than_its_room(room: float) -> None:
    length = scale_bar_m(room)
    assert room / 2.6 < length <= room * (1 + 1e-9)
    first = length / 10 ** math.floor(math.log10(length) + 1e-9)
    assert any(math.isclose(first, each) for each in (1, 2, 2.5, 5))


def test_the_scale_is_that_of_the_paper() -> None:
    assert shown_scale(1.0) == "1 : 2,800"  # 72 points an inch of 25.4 mm
    assert shown_scale(0.3528) == "1 : 1,000"


def test_a_map_shows_its_box_and_lists_only_what_is_on_it(font: None) -> None:
    here, far = frame([shapely.box(0, 0, 10, 10)]), frame([shapely.box(9000, 0, 9010, 10)])
    layers = [MapLayer(here.geometry, Ink("#000000"), "here"), MapLayer(far.geometry, Ink("#000000"), "far")]
    drawn = PaperMap(
        (EAST, NORTH, EAST + 100, NORTH + 20), layers, [], (200, 100), attribution="©", epsg=EPSG
    )
    assert [each.label for each in drawn.entries] == ["here"]
    assert drawn.frame.covers(shapely.box(EAST, NORTH, EAST + 100, NORTH + 20))
    assert drawn.metres_a_point == pytest.approx(0.5) and drawn.frame.area == pytest.approx(100 * 50)


# ----------------------------------------------------------------------------------------------- the words


@every_language
def test_every_reason_and_figure_has_words(language: str) -> None:
    facts = {
        "share": 0.5,
        "gain": 0.1,
        "codes": "1, 2",
        "kind": "toilet",
        "source": "s",
        "area": 3.0,
        "distance": 4.0,
        "length": 5.0,
        "code": "c",
        "found": "f",
        "known": "k",
        "owners": "private: unit 7, traffic police",
        "wanted": 125.0,
        "place": "school",
        "density": 7.0,
        "task": "recognise",
    }
    told = [
        {"code": code, "severity": SEVERITIES[code], "camera": n, "facts": facts, "problem": None}
        for code in REASONS
        for n in (1, 2)
    ]
    found = telling.reasons(told, language)
    assert len(found) == len(REASONS) and all(each.cameras == (1, 2) for each in found)
    say = telling.speaker(language)
    assert all(each.where(say) == say(", ").join("12") for each in found)
    for name in TITLES:
        assert telling.title(name, say) and telling.method(name, say) and telling.unit(name, say)
        assert telling.figure(name, None) == "–" == telling.figure(name, float("nan"))
    assert telling.figure("new_ratio", 0.256) == "26%" and telling.figure("view_m2", 12345.6) == "12,346"
    assert set(UNITS.values()) <= {"%", *telling.DIGITS}
    assert telling.owner("private: unit 0007", say).endswith(": unit 0007")
    assert telling.owner(None, say) == "–"


def test_what_is_missing_is_a_dash_and_all_cameras_are_all() -> None:
    [told] = telling.reasons(
        [
            {
                "code": "use_unknown",
                "severity": "note",
                "camera": None,
                "facts": {"length": 3.0},
                "problem": None,
            }
        ],
        "en",
    )
    assert told.where(telling.speaker("en")) == "all" and pd.notna(told.sentence)
