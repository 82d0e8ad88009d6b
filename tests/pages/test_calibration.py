"""The Calibration screen: pairs marked, judged and kept; zones drawn on picture and map, with their rules."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from analysis.vision.rules import RULES, from_settings
from geodata import database
from geodata.commands.sources import set_source
from geodata.commands.zones import ZoneDraft, save_zone
from geodata.queries.calibrations import PictureDesk, fit_points, read_desk
from geodata.queries.datasets import loaded_town
from geodata.settings import ROOT
from layers.i18n import LANGUAGES, translate
from pages.calibrating.points import COLUMNS, PIXEL, PLACE, apply_marks
from pages.calibrating.ruling import DRAWN, LABELS, defaults
from pages.widgets.marking import Marks
from tests.pages.test_screens import figures, row, sound, texts, write

every_language = pytest.mark.parametrize("language", LANGUAGES)
postgis = pytest.mark.postgis


class Hand:
    """What a person does on the surfaces, told to the next runs once; and what was shown there."""

    def __init__(self) -> None:
        self.does: dict[str, Marks] = {}
        self.shown: dict[str, tuple[Any, ...]] = {}

    def __call__(self, key: str, surface: Any, marks: Any, mode: str, overlays: Any = ()) -> Marks | None:
        side = "picture" if "_picture_" in key else "plan"
        self.shown[side] = surface, list(marks), mode, list(overlays)
        return self.does.pop(side, None)

    def mark(self, side: str, places: Any, ids: Any = None) -> None:
        """The next run is told that these marks are there now."""
        rows = tuple((float(x), float(y)) for x, y in places)
        self.does[side] = Marks(rows, tuple(ids) if ids is not None else (None,) * len(rows))

    def adds(self, side: str, place: tuple[float, float]) -> None:
        """One more mark beside those that are shown."""
        here = [(x, y) for x, y, *_ in self.shown[side][1]]
        self.mark(side, [*here, place], [*(each[3] for each in self.shown[side][1]), None])

    def overlays(self, side: str) -> list[str]:
        """Kinds of what is drawn over a side."""
        return [each.kind for each in self.shown[side][3]]


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    """Stands for the browser."""
    found = Hand()
    monkeypatch.setattr("pages.calibrating.points.mark", found)
    monkeypatch.setattr("pages.calibrating.zoning.mark", found)
    return found


def opened(language: str = "en", **address: str) -> AppTest:
    """The screen by itself, at an address."""
    app = AppTest.from_file(ROOT / "pages" / "calibration.py", default_timeout=180)
    app.query_params["lang"] = language
    for name, told in address.items():
        app.query_params[name] = told
    return app.run()


def said(app: AppTest) -> str:
    return "\n".join(
        each.value
        for each in (*app.caption, *app.info, *app.warning, *app.success, *app.error, *app.markdown)
    )


def desk() -> PictureDesk:
    camera = row("SELECT id FROM camera WHERE demonstration").id
    with database.connection() as conn:
        return read_desk(conn, loaded_town(conn), camera)


def named(app: AppTest, label: str, language: str = "en") -> Any:
    """The button of these words."""
    [found] = [each for each in app.button if each.label == translate(label, language)]
    return found


@pytest.fixture
def pictured(town_copy: str) -> str:
    """A town to write in whose demonstration camera has a picture, looked at or not."""
    write(
        "INSERT INTO sample (camera_id, taken_at, footage_s, frame_index, width_px, height_px, detector, looked_s,"
        " simulated, picture) SELECT id, '2100-01-01Z', 0, 0, 768, 576, 'none', 0, true, '\\x00' FROM camera"
        " WHERE demonstration"
    )
    return town_copy


# ------------------------------------------------------------------------------------------------- laws


def table(rows: Any) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=float)


halves = st.one_of(st.none(), st.tuples(st.floats(0, 700), st.floats(0, 500)))


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Pairs, some of which lack a side."""
    rows = []
    for a, b in draw(st.lists(st.tuples(halves, halves), max_size=6)):
        if a is not None or b is not None:
            rows.append([*(a or (np.nan, np.nan)), *(b or (np.nan, np.nan))])
    return table(rows)


def marks_of(now: pd.DataFrame, side: tuple[str, str]) -> Marks:
    known = now.index[now[list(side)].notna().all(axis=1)]
    return Marks(tuple((now.at[i, side[0]], now.at[i, side[1]]) for i in known), tuple(int(i) for i in known))


@given(tables(), st.sampled_from([PIXEL, PLACE]))
@settings(max_examples=60, deadline=None)
def test_marks_as_they_are_change_nothing(now: pd.DataFrame, side: tuple[str, str]) -> None:
    pd.testing.assert_frame_equal(apply_marks(now, marks_of(now, side), side), now)


@given(tables(), st.sampled_from([PIXEL, PLACE]), st.tuples(st.floats(0, 700), st.floats(0, 500)))
@settings(max_examples=60, deadline=None)
def test_a_new_mark_completes_the_first_row_that_waits_for_it(
    now: pd.DataFrame, side: tuple[str, str], place: tuple[float, float]
) -> None:
    held = marks_of(now, side)
    after = apply_marks(now, Marks((*held.places, place), (*held.ids, None)), side)
    waiting = now.index[now[side[0]].isna()]
    target = waiting[0] if len(waiting) else len(now)
    assert tuple(after.loc[target, list(side)]) == place
    assert len(after) == max(len(now), target + 1)
    others = [name for name in COLUMNS if name not in side]
    pd.testing.assert_frame_equal(after.loc[now.index, others], now[others])


@given(tables(), st.sampled_from([PIXEL, PLACE]), st.data())
@settings(max_examples=60, deadline=None)
def test_a_mark_that_is_taken_out_leaves_its_other_side(
    now: pd.DataFrame, side: tuple[str, str], data: st.DataObject
) -> None:
    held = marks_of(now, side)
    if not held.ids:
        return
    gone = data.draw(st.integers(0, len(held.ids) - 1))
    row_gone = held.ids[gone]
    rest = Marks(
        tuple(each for i, each in enumerate(held.places) if i != gone),
        tuple(each for i, each in enumerate(held.ids) if i != gone),
    )
    other = PLACE if side == PIXEL else PIXEL
    after = apply_marks(now, rest, side)
    paired = bool(now.loc[row_gone, list(other)].notna().all())
    assert len(after) == len(now) - (not paired)
    if paired:
        assert tuple(after.loc[row_gone, list(other)]) == tuple(now.loc[row_gone, list(other)])
        assert after.loc[row_gone, list(side)].isna().all()


def test_every_setting_of_every_rule_has_its_words() -> None:
    wanted = {each.name for rule in RULES.values() for each in fields(rule)} - set(DRAWN)
    assert set(LABELS) == wanted


@pytest.mark.parametrize("kind", RULES)
def test_the_form_starts_from_the_rule_itself(kind: str) -> None:
    assert set(defaults(kind)) == {each.name for each in fields(RULES[kind])}
    assert from_settings(kind, defaults(kind)).kind == kind


# --------------------------------------------------------------------------------------------- pairs


@postgis
@every_language
def test_what_is_kept_is_shown_with_what_it_is_worth(pictured: str, hand: Hand, language: str) -> None:
    app = sound(opened(language))
    stored = desk().stored
    assert stored is not None
    fit = fit_points(stored.pixels, stored.ground_m)
    shown = figures(app)
    assert shown[translate("Points", language)] == str(len(stored.pixels))
    assert shown[translate("Residual, mean", language)] == f"{fit.rmse_m:.2f} m"
    assert shown[translate("Leave-one-out, mean", language)] == f"{fit.leave_one_out_rmse_m:.2f} m"
    assert fit.leave_one_out_rmse_m > fit.rmse_m
    assert translate("simulated", language) in texts(app)
    surface, marks, mode, _ = hand.shown["picture"]
    assert surface.image.startswith("/api/pictures/sample/") and mode == "points"
    assert np.allclose([each[:2] for each in marks], stored.pixels)
    _, places, _, _ = hand.shown["plan"]
    assert np.allclose([(x, -y) for x, y, *_ in places], stored.ground_m, atol=1e-3)
    assert "hull" in hand.overlays("picture") and "hull" in hand.overlays("plan")
    [each] = [frame.value for frame in app.dataframe if "left_out" in frame.value]
    assert np.allclose(each["residual"], fit.residuals_m) and np.allclose(
        each["left_out"], fit.leave_one_out_m
    )
    [spread] = [frame.value for frame in app.dataframe if "at" in frame.value]
    assert translate("beyond the points", language) in spread.to_numpy()


@postgis
def test_a_pair_is_marked_on_both_sides_and_kept(pictured: str, hand: Hand) -> None:
    app = sound(opened())
    before = desk().stored
    assert before is not None
    fit = fit_points(before.pixels, before.ground_m)
    pixel = tuple(np.add(before.pixels.mean(axis=0), (3, 5)))
    [ground] = fit.to_ground([pixel])
    hand.adds("picture", pixel)
    sound(app.run())
    assert "Point 9 has no place on the map yet" in said(app)
    assert "1 rows that lack a side are left out." in said(app)
    hand.adds("plan", (ground[0] + 0.2, -ground[1]))
    sound(app.run())
    assert "has no place" not in said(app) and figures(app)["Points"] == "9"
    sound(named(app, "Keep the calibration").click().run())
    assert "The calibration is kept." in said(app)
    after = desk().stored
    assert after is not None and len(after.pixels) == 9
    assert after.pixels[8] == pytest.approx(pixel, abs=0.01)
    assert after.ground_m[8] == pytest.approx(np.add(ground, (0.2, 0)), abs=0.01)
    assert "kept" not in said(sound(app.run())), "said once"


@postgis
@every_language
def test_points_on_a_line_are_told_and_cannot_be_kept(pictured: str, hand: Hand, language: str) -> None:
    app = sound(opened(language))
    ids = range(8)
    hand.mark("picture", [(50 + 80 * i, 100 + 50 * i) for i in ids], ids)
    app.run()
    assert not app.exception
    [trouble] = app.error
    assert "1, 2, 3, 4, 5, 6, 7, 8" in trouble.value
    assert named(app, "Keep the calibration", language).disabled
    assert "hull" not in hand.overlays("picture")
    sound(named(app, "Back to what is kept", language).click().run())
    assert not named(app, "Keep the calibration", language).disabled


@postgis
def test_four_points_prove_nothing_and_fewer_are_asked_for(pictured: str, hand: Hand) -> None:
    app = sound(opened())
    four = [(0, 0), (3, 3), (4, 4), (6, 6)]  # rows that no line holds
    shown = hand.shown["picture"][1], hand.shown["plan"][1]
    for side, marks in zip(("picture", "plan"), shown, strict=True):
        rows = [i for i, _ in four]
        hand.mark(side, [marks[i][:2] for i in rows], rows if side == "picture" else range(4))
        if side == "picture":
            # the other rows lose this side, then the plan's marks go too
            sound(app.run())
            kept = [each for each in hand.shown["plan"][1] if each[3] in rows]
            hand.mark("plan", [each[:2] for each in kept], [each[3] for each in kept])
            sound(app.run())
            break
    assert figures(app)["Points"] == "4" and figures(app)["Residual, mean"] == "0.00 m"
    assert figures(app)["Leave-one-out, mean"] == "–"
    assert "a residual of zero proves nothing" in said(app)
    marks = hand.shown["picture"][1][:3]
    hand.mark("picture", [each[:2] for each in marks], [each[3] for each in marks])
    sound(app.run())
    assert "Residual, mean" not in figures(app)
    assert named(app, "Keep the calibration").disabled


@postgis
def test_another_size_of_picture_is_said_and_mended(pictured: str, hand: Hand) -> None:
    write(
        "UPDATE calibration SET width_px = 384, height_px = 288, points = (SELECT jsonb_agg(jsonb_build_array("
        " (p->>0)::float / 2, (p->>1)::float / 2, p->2, p->3)) FROM jsonb_array_elements(points) p)"
    )
    write("UPDATE zone SET polygon_px = '[[10, 10], [90, 10], [90, 90]]'")
    app = sound(opened())
    assert "768 × 576" in said(app) and "384 × 288" in said(app) and "do not hold" in said(app)
    assert hand.shown["picture"][1][0][0] > 10, "a first guess: the points scaled with the picture"
    assert "zone" not in hand.overlays("picture")
    sound(app.segmented_control(key="calibration_task").set_value("zones").run())
    sound(app.segmented_control(key="calibration_task").set_value("points").run())
    sound(named(app, "Keep the calibration").click().run())
    assert "carried over to the new size" in said(app)
    after = desk()
    assert not after.another_size
    assert {zone.polygon_px for zone in after.zones} == {((20.0, 20.0), (180.0, 20.0), (180.0, 180.0))}


# --------------------------------------------------------------------------------------------- nothing there


@postgis
@every_language
def test_a_camera_without_picture_and_without_footage(town_copy: str, hand: Hand, language: str) -> None:
    write("DELETE FROM finding", "DELETE FROM sample", "DELETE FROM calibration")
    app = sound(opened(language))
    assert translate("This camera has no picture yet", language) in texts(app)
    write("UPDATE camera SET stream_url = NULL")
    write("UPDATE dataset SET revision = (SELECT max(revision) + 1 FROM dataset) WHERE name = 'camera'")
    assert translate("No camera has footage", language) in texts(sound(opened(language)))
    assert hand.shown == {}


@postgis
def test_calibrated_and_without_picture_there_is_an_empty_frame(town_copy: str, hand: Hand) -> None:
    write("DELETE FROM finding", "DELETE FROM sample")
    app = sound(opened())
    assert "No picture is kept" in said(app)
    assert hand.shown["picture"][0].image is None and hand.shown["picture"][0].box[2:] == (768, 576)


@postgis
def test_a_camera_by_its_address(pictured: str, hand: Hand) -> None:
    code = row("SELECT code FROM camera WHERE NOT demonstration ORDER BY id LIMIT 1").code
    write(f"UPDATE camera SET stream_url = 'clip:x.avi' WHERE code = '{code}'")
    write("UPDATE dataset SET revision = (SELECT max(revision) + 1 FROM dataset) WHERE name = 'camera'")
    assert "no picture yet" in texts(sound(opened(camera=code)))
    assert "picture" not in hand.shown
    sound(opened(camera=desk().code, task="zones"))
    assert hand.shown["picture"][2] == "polygon"
    sound(opened(camera="nonsense", task="nonsense"))


# --------------------------------------------------------------------------------------------- zones


def zone_widget(app: AppTest, kind: str, name: str) -> Any:
    """The one widget of a kind whose key begins so."""
    [found] = [each for each in getattr(app, kind) if (each.key or "").startswith(name)]
    return found


def new_zone(app: AppTest) -> AppTest:
    return sound(zone_widget(app, "selectbox", "zone_choice_").set_value(0).run())


LAWN = [(260, 300), (480, 300), (500, 430), (280, 450)]


@postgis
@every_language
def test_a_zone_is_drawn_on_the_picture_and_kept(pictured: str, hand: Hand, language: str) -> None:
    app = new_zone(sound(opened(language, task="zones")))
    hand.mark("picture", LAWN)
    sound(app.run())
    assert "planned" in hand.overlays("plan"), "the map shows what is drawn on the picture"
    zone_widget(app, "text_input", "zone_en_").set_value("Lawn")
    zone_widget(app, "text_input", "zone_zh_").set_value("草坪")
    zone_widget(app, "number_input", "zone_set_" + _key(app) + "_standing_dwell_s").set_value(75.0)
    sound(named(app, "Keep the zone", language).click().run())
    kept = row("SELECT * FROM zone ORDER BY id DESC LIMIT 1")
    assert (kept.title_en, kept.title_zh, kept.rule, kept.dwell_s) == ("Lawn", "草坪", "standing", 75.0)
    assert kept.polygon_px == [list(map(float, each)) for each in LAWN] and kept.class_code == "05-05"
    sound(app.run())
    zone_widget(app, "toggle", "zone_enabled_").set_value(False)
    sound(named(app, "Keep the zone", language).click().run())
    again = row("SELECT * FROM zone ORDER BY id DESC LIMIT 1")
    assert (again.id, again.version, again.enabled, again.dwell_s) == (kept.id, 2, False, 75.0)


def _key(app: AppTest) -> str:
    """What tells the widgets of the zone in hand."""
    [kind] = [each.key for each in app.selectbox if (each.key or "").startswith("zone_kind_")]
    return str(kind).removeprefix("zone_kind_")


@postgis
def test_a_zone_is_drawn_on_the_map(pictured: str, hand: Hand) -> None:
    stored = desk().stored
    assert stored is not None
    fit = fit_points(stored.pixels, stored.ground_m)
    app = new_zone(sound(opened(task="zones")))
    sound(zone_widget(app, "segmented_control", "zone_on_").set_value("map").run())
    assert (hand.shown["picture"][2], hand.shown["plan"][2]) == ("none", "polygon")
    ground = fit.to_ground(LAWN)
    hand.mark("plan", [(x, -y) for x, y in ground])
    sound(app.run())
    assert "planned" in hand.overlays("picture")
    zone_widget(app, "text_input", "zone_en_").set_value("Lawn")
    sound(named(app, "Keep the zone").click().run())
    kept = row("SELECT polygon_px FROM zone ORDER BY id DESC LIMIT 1").polygon_px
    assert np.allclose(kept, LAWN, atol=0.2)


@postgis
@every_language
def test_beyond_the_points_and_without_calibration_the_map_is_refused(
    pictured: str, hand: Hand, language: str
) -> None:
    app = new_zone(sound(opened(language, task="zones")))
    sound(zone_widget(app, "segmented_control", "zone_on_").set_value("map").run())
    hand.mark("plan", [(0, -500), (10, -500), (10, -490)])
    app.run()
    assert not app.exception and len(app.error) == 1 and "1, 2, 3" in app.error[0].value
    count = row("SELECT count(*) AS n FROM zone").n
    zone_widget(app, "text_input", "zone_en_").set_value("Nowhere")
    named(app, "Keep the zone", language).click().run()
    assert not app.exception and row("SELECT count(*) AS n FROM zone").n == count
    write("DELETE FROM calibration")
    app = opened(language, task="zones")
    zone_widget(app, "segmented_control", "zone_on_").set_value("map").run()
    assert not app.exception and desk().code in app.error[0].value
    assert hand.shown["plan"][2] == "none"


@postgis
def test_a_zone_partly_outside_is_cut_and_said_wholly_outside_refused(pictured: str, hand: Hand) -> None:
    app = new_zone(sound(opened(task="zones")))
    zone_widget(app, "text_input", "zone_en_").set_value("Edge")
    hand.mark("picture", [(700, 500), (900, 500), (900, 560), (700, 560)])
    sound(app.run())
    sound(named(app, "Keep the zone").click().run())
    assert "the rest was cut off" in said(app)
    app = new_zone(sound(opened(task="zones")))
    zone_widget(app, "text_input", "zone_en_").set_value("Outside")
    hand.mark("picture", [(800, 600), (900, 600), (900, 700)])
    sound(app.run())
    named(app, "Keep the zone").click().run()
    assert not app.exception and "lies outside the picture" in app.error[0].value


@postgis
@pytest.mark.parametrize(
    ("kind", "language"),
    [*((kind, "en") for kind in RULES), ("intrusion", "zh-CN"), ("line_crossing", "zh-CN")],
)
def test_every_rule_has_its_form(pictured: str, hand: Hand, kind: str, language: str) -> None:
    camera = desk()
    draft = ZoneDraft("区", "Z", kind, "05-05", LAWN, (768, 576), defaults(kind))
    saved = save_zone(camera.id, draft)
    app = sound(opened(language, task="zones"))
    sound(zone_widget(app, "selectbox", "zone_choice_").set_value(saved.id).run())
    if RULES[kind].needs == "track":
        assert "3.5" in said(app)
    sound(named(app, "Keep the zone", language).click().run())
    after = row("SELECT version, settings, dwell_s FROM zone WHERE id = :id", id=saved.id)
    assert after.version == 2
    whole = after.settings | ({"dwell_s": after.dwell_s} if "dwell_s" in defaults(kind) else {})
    assert from_settings(kind, whole) == from_settings(kind, defaults(kind)), "kept as it was"


@postgis
def test_a_line_is_drawn_for_its_rule(pictured: str, hand: Hand) -> None:
    app = new_zone(sound(opened(task="zones")))
    hand.mark("picture", LAWN)
    sound(app.run())
    sound(zone_widget(app, "selectbox", "zone_kind_").set_value("line_crossing").run())
    sound(zone_widget(app, "selectbox", "zone_part_").set_value("line").run())
    assert hand.shown["picture"][2] == "line"
    hand.mark("picture", [(100, 400), (400, 300)])
    sound(app.run())
    zone_widget(app, "text_input", "zone_en_").set_value("Across")
    sound(named(app, "Keep the zone").click().run())
    kept = row("SELECT rule, settings, polygon_px FROM zone ORDER BY id DESC LIMIT 1")
    assert kept.rule == "line_crossing" and kept.settings["line"] == [[100.0, 400.0], [400.0, 300.0]]
    assert kept.polygon_px == [list(map(float, each)) for each in LAWN]


@postgis
def test_planned_areas_are_drawn_one_by_one(pictured: str, hand: Hand) -> None:
    app = new_zone(sound(opened(task="zones")))
    hand.mark("picture", LAWN)
    sound(app.run())
    sound(zone_widget(app, "selectbox", "zone_kind_").set_value("bikes_outside").run())
    areas = [[(270, 310), (300, 310), (300, 340)], [(400, 310), (450, 310), (450, 340)]]
    for number, area in enumerate(areas, start=1):
        sound(zone_widget(app, "selectbox", "zone_part_").set_value(f"area{number}").run())
        hand.mark("picture", area)
        sound(app.run())
    zone_widget(app, "text_input", "zone_en_").set_value("Racks")
    sound(named(app, "Keep the zone").click().run())
    kept = row("SELECT settings FROM zone ORDER BY id DESC LIMIT 1").settings["allowed"]
    assert kept == [[list(map(float, each)) for each in area] for area in areas]


@postgis
def test_deleting_asks_and_leads_forbid_it(pictured: str, hand: Hand) -> None:
    saved = save_zone(desk().id, ZoneDraft("区", "Z", "standing", "05-05", LAWN, (768, 576)))
    app = sound(opened(task="zones"))
    sound(zone_widget(app, "selectbox", "zone_choice_").set_value(saved.id).run())
    sound(named(app, "Yes, delete it").click().run())
    assert row("SELECT count(*) AS n FROM zone WHERE id = :id", id=saved.id).n == 0
    first = desk().zones[0]
    write(
        "INSERT INTO finding (camera_id, zone_id, class_code, label, first_seen_at, last_seen_at, dwell_s,"
        f" confidence, x1, y1, x2, y2, simulated) SELECT camera_id, {first.id}, '05-05', 'car', now(), now(), 60,"
        f" 0.5, 1, 1, 9, 9, true FROM zone WHERE id = {first.id}"
    )
    app = sound(opened(task="zones"))
    sound(zone_widget(app, "selectbox", "zone_choice_").set_value(first.id).run())
    named(app, "Yes, delete it").click().run()
    assert not app.exception and "Switch it off instead." in app.error[0].value


@postgis
def test_somebody_else_was_faster(pictured: str, hand: Hand) -> None:
    first = desk().zones[0]
    app = sound(opened(task="zones"))
    sound(zone_widget(app, "selectbox", "zone_choice_").set_value(first.id).run())
    write(f"UPDATE zone SET version = version + 1 WHERE id = {first.id}")
    zone_widget(app, "text_input", "zone_en_").set_value("Mine")
    for press in ("Keep the zone", "Yes, delete it"):
        named(app, press).click().run()
        assert not app.exception and "Somebody else has changed the zone" in app.error[0].value
    after = row("SELECT version, title_en FROM zone WHERE id = :id", id=first.id)
    assert (after.version, after.title_en) == (first.version + 1, first.title_en)
    sound(named(app, "Back to what is kept").click().run())
    zone_widget(app, "text_input", "zone_en_").set_value("Mine")
    sound(named(app, "Keep the zone").click().run())
    assert row("SELECT title_en FROM zone WHERE id = :id", id=first.id).title_en == "Mine"


@postgis
def test_settings_that_make_no_sense_are_told_and_start_anew(pictured: str, hand: Hand) -> None:
    first = desk().zones[0]
    write(f"""UPDATE zone SET settings = '{{"iou": 7}}' WHERE id = {first.id}""")
    app = sound(opened(task="zones"))
    sound(zone_widget(app, "selectbox", "zone_choice_").set_value(first.id).run())
    assert any("iou" in each.value for each in app.warning)
    write(f"UPDATE zone SET rule = 'levitation' WHERE id = {first.id}")
    app = sound(opened(task="zones"))
    sound(zone_widget(app, "selectbox", "zone_choice_").set_value(first.id).run())


# --------------------------------------------------------------------------------------------- the widget


@postgis
@every_language
def test_the_surfaces_are_drawn_by_the_browser(pictured: str, language: str) -> None:
    """Without a stand-in: the component mounts, with its words in the visitor's language and no other host."""
    app = sound(opened(language))
    shown = [each.proto for each in app.get("bidi_component")]
    assert [each.component_name for each in shown] == ["huiyan_marking"] * 2
    parts = shown[0].js_content + shown[0].css_content
    assert "http" not in parts.replace("http://www.w3.org/2000/svg", "")
    sound(app.run())


def test_a_camera_that_was_just_given_a_source_can_be_chosen(pictured: str, hand: Hand) -> None:
    app = sound(opened())
    [before] = [each.options for each in app.selectbox if each.label == "Camera"]
    new = row("SELECT code FROM camera WHERE stream_url IS NULL ORDER BY id LIMIT 1").code
    set_source(new, "rtsp://10.0.0.9/1", 5.0, 20.0)
    [after] = [each.options for each in sound(app.run()).selectbox if each.label == "Camera"]
    assert len(after) == len(before) + 1 and any(new in each for each in after)
