"""The library of algorithms and the matrix: honest entries, and a reason for every camera that cannot."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.algorithms import LAYOUTS, TIERS, Cameras, Obstacle, library, matrix, read_library
from analysis.categories import EVENT_CLASSES, event_class
from analysis.errors import HuiyanError, InputError, Term, Terms
from analysis.vision.detections import CLASS_NAMES
from analysis.vision.rules import RULES

FEW = settings(max_examples=100, deadline=None)
CODES = list(library())
ENTRY = """
[[algorithm]]
code = "illegal_parking"
title_zh = "机动车违停"
title_en = "Illegal parking"
models = ["yolox"]
classes = ["car"]
rule = "standing"
density_px_m = 25
density_from = "DORI"
frame_height_px = 480
hours = "any"
tiers = ["street"]
calibration = false
events = ["05-05"]
"""


def changed(field, value):
    """The entry with another line for a field; None takes the line away."""
    line = "" if value is None else f"{field} = {value}"
    text, times = re.subn(rf"(?m)^{field} = .*$", line, ENTRY)
    return text if times else ENTRY + line


def cameras(n=1, **given):
    values = {
        "density_px_m": np.full(n, 300.0),
        "tier": np.full(n, "street"),
        "frame_height_px": np.full(n, 1080),
        "online": np.ones(n, bool),
        "calibrated": np.ones(n, bool),
        "rate_per_s": np.full(n, 5.0),
        "free_day_h": np.full(n, 12.0),
        "free_night_h": np.full(n, 12.0),
        "running": [set() for _ in range(n)],
    }
    return Cameras(**(values | given))


def test_the_library_is_large_and_names_only_what_there_is():
    assert len(CODES) >= 12
    wanted = {
        "illegal_parking",
        "store_overflow",
        "street_stall",
        "crowding",
        "shared_bikes",
        "piled_objects",
    }
    wanted |= {"intrusion", "exposed_rubbish", "muck_truck", "wrong_way", "line_crossing", "ponding"}
    assert wanted <= set(CODES)
    known = {english for _, english in CLASS_NAMES.values()}
    for each in library().values():
        assert set(each.classes) <= known
        assert each.rule in {*RULES, ""}
        for code in each.events:
            assert event_class(code) in EVENT_CLASSES
        if each.rule:
            rule = RULES[each.rule]
            assert (each.rate_per_s > 0) == (rule.needs == "track")


@pytest.mark.parametrize(
    "code", ["illegal_parking", "shared_bikes", "wrong_way", "intrusion", "line_crossing"]
)
def test_classes_are_those_that_the_rule_reads(code):
    each = library()[code]
    field = RULES[each.rule].__dataclass_fields__["classes"]
    assert {CLASS_NAMES[number][1] for number in field.default} == set(each.classes)


def test_what_no_detector_knows_is_said_to_be_so():
    full = matrix(cameras(), library())
    for code in ("exposed_rubbish", "ponding", "hung_laundry", "road_damage"):
        assert library()[code].models == ()
        assert str(full.reason(0, code)) == "There is no detector for this class."
    able = [code for code in CODES if full.reason(0, code) is None]
    assert able == [code for code in CODES if library()[code].models]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", '"Illegal Parking"'),
        ("title_en", '" "'),
        ("models", '["detr"]'),
        ("classes", '["rubbish"]'),
        ("classes", "[]"),
        ("classes", '["car", "car"]'),
        ("rule", '"guessing"'),
        ("density_px_m", "0"),
        ("density_px_m", "nan"),
        ("density_px_m", '"25"'),
        ("density_px_m", "true"),
        ("density_from", '"hope"'),
        ("frame_height_px", "480.5"),
        ("hours", '"night"'),
        ("tiers", "[]"),
        ("tiers", '"street"'),
        ("calibration", "1"),
        ("events", '["21-01"]'),
        ("events", "[505]"),
        ("note_zh", '"只有中文"'),
        ("colour", '"red"'),
        ("models", "[]"),
    ],
)
def test_a_faulty_entry_is_named_with_its_field(field, value):
    with pytest.raises(InputError) as told:
        read_library(changed(field, value))
    assert field in str(told.value) or (field, value) == ("models", "[]")
    assert "illegal_parking" in str(told.value) or field == "code"


@pytest.mark.parametrize("field", [line.split(" = ")[0] for line in ENTRY.strip().splitlines()[1:]])
def test_a_missing_field_is_named(field):
    with pytest.raises(InputError, match=field):
        read_library(changed(field, None))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[algorithm]\n", "TOML"),
        ("", "else"),
        ("algorithm = 3", "else"),
        ("algorithm = [3]", "'1'"),
        (ENTRY + ENTRY, "twice"),
        (ENTRY + "[city]\nname = 1\n", "else"),
    ],
)
def test_what_is_no_library_is_refused(text, word):
    with pytest.raises(InputError, match=word):
        read_library(text)


def test_a_sound_entry_is_read():
    entry = read_library(ENTRY)["illegal_parking"]
    assert entry.models == ("yolox",)
    assert entry.density_px_m == 25
    assert entry.rate_per_s == 0


@st.composite
def cities(draw):
    n = draw(st.integers(1, 6))

    def several(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    return cameras(
        n,
        density_px_m=several(st.sampled_from([np.nan, 0.0, 24.0, 25.0, 36.0, 62.5, 130.0])),
        tier=several(st.sampled_from(sorted(TIERS))),
        frame_height_px=several(st.sampled_from([0, 479, 480, 576, 720, 1080])),
        online=several(st.booleans()),
        calibrated=several(st.booleans()),
        rate_per_s=several(st.sampled_from([0.1, 3.5, 25.0])),
        free_day_h=several(st.sampled_from([0.0, 5.0])),
        free_night_h=several(st.sampled_from([0.0, 5.0])),
        running=draw(st.lists(st.sets(st.sampled_from(CODES), max_size=3), min_size=n, max_size=n)),
    )


def by_hand(each, of, row, layout):
    """The obstacles of one camera and algorithm, written one by one."""
    hours = of.free_day_h[row] if each.hours == "day" else of.free_day_h[row] + of.free_night_h[row]
    checks = {
        Obstacle.NO_DETECTOR: not each.models,
        Obstacle.NO_CLASS: bool(each.models) and layout not in each.models,
        Obstacle.TIER: of.tier[row] not in each.tiers,
        Obstacle.NO_DENSITY: np.isnan(of.density_px_m[row]),
        Obstacle.DENSITY: of.density_px_m[row] < each.density_px_m,
        Obstacle.FRAME: of.frame_height_px[row] < each.frame_height_px,
        Obstacle.RATE: of.rate_per_s[row] < each.rate_per_s,
        Obstacle.HOURS: hours == 0 and each.code not in of.running[row],
        Obstacle.CALIBRATION: each.calibration and not of.calibrated[row],
        Obstacle.OFFLINE: not of.online[row],
    }
    return [obstacle for obstacle, holds in checks.items() if holds]


@FEW
@given(cities(), st.sampled_from(LAYOUTS))
def test_every_pair_is_as_it_is_by_hand_and_tells_its_reason(of, layout):
    found = matrix(of, library(), layout=layout)
    for row in range(len(of)):
        for column, each in enumerate(found.algorithms):
            expected = by_hand(each, of, row, layout)
            reasons = found.reasons(row, each.code)
            assert [reason.obstacle for reason in reasons] == expected
            assert found.can[row, column] == (not expected)
            assert found.first[row, column] == (expected[0] if expected else 0)
            assert found.running[row, column] == (each.code in of.running[row])
            assert found.reason(row, each.code) == (reasons[0] if reasons else None)
            for reason in reasons:
                assert isinstance(reason.message, Term)
                assert "{" not in str(reason)
                told = HuiyanError(reason.message, **reason.facts).told()
                again = HuiyanError.retold(told)
                assert str(again) == str(reason)
    assert not (found.idle & found.running).any()
    assert (found.idle <= found.can).all()
    asleep = [not codes and bool(found.can[row].any()) for row, codes in enumerate(of.running)]
    assert found.sleeping().tolist() == asleep


@FEW
@given(cities())
def test_the_summary_counts_every_camera_once(of):
    found = matrix(of, library())
    table = found.summary()
    obstacles = table.drop(columns=["running", "idle"])
    assert (obstacles.sum(axis=1).to_numpy() + found.can.sum(axis=0) == len(of)).all()
    assert table.index.tolist() == CODES


def test_reasons_in_words():
    few = cameras(density_px_m=[42.7], frame_height_px=[400], tier=["vehicle"], rate_per_s=[0.1])
    found = matrix(few, library())
    told = [str(each) for each in found.reasons(0, "shared_bikes")]
    assert told == [
        "This is a vehicle camera; it takes: street camera.",
        "42 px/m here, 62.5 needed.",
        "The picture is 400 px high, 576 needed.",
    ]
    assert "0.1 looks a second, 3.5 needed." in [str(each) for each in found.reasons(0, "wrong_way")]
    reason = found.reason(0, "shared_bikes")
    assert isinstance(reason.facts["tier"], Term)
    assert isinstance(reason.facts["needed"], Terms)
    night = matrix(cameras(free_day_h=[0.0]), library())
    assert str(night.reason(0, "store_overflow")) == "No free hour of daylight left."
    assert night.reason(0, "illegal_parking") is None


def test_a_detector_without_the_class_says_so():
    found = matrix(cameras(), library(), classes=("person",))
    assert found.reason(0, "crowding") is None
    assert found.reason(0, "illegal_parking").obstacle == Obstacle.NO_CLASS


def test_more_of_everything_never_takes_an_algorithm_away():
    rng = np.random.default_rng(0)
    n = 500
    poor = {
        "density_px_m": rng.choice([10.0, 30, 50, 70, 130], n),
        "frame_height_px": rng.choice([360, 480, 576, 1080], n),
        "rate_per_s": rng.choice([0.1, 3.5, 10], n),
        "calibrated": rng.random(n) < 0.5,
        "online": rng.random(n) < 0.8,
    }
    rich = {name: values * 2 if values.dtype != bool else np.ones(n, bool) for name, values in poor.items()}
    before, after = (matrix(cameras(n, **each), library()).can for each in (poor, rich))
    assert (after >= before).all()
    assert after.sum() > before.sum()


def test_a_province_of_cameras_has_its_matrix():
    n = 53_000
    rng = np.random.default_rng(1)
    running = np.zeros((n, len(CODES)), bool)
    running[: n // 4, 0] = True
    of = cameras(n, density_px_m=rng.uniform(0, 200, n), tier=rng.choice(sorted(TIERS), n), running=running)
    found = matrix(of, library())
    assert found.can.shape == (n, len(CODES))
    assert found.summary().loc["illegal_parking", "running"] == n // 4
    assert found.sleeping().sum() > 10_000


def test_no_cameras_and_wrong_questions():
    assert matrix(cameras(0), library()).can.shape == (0, len(CODES))
    with pytest.raises(InputError, match="guess"):
        matrix(cameras(), library(), layout="guess")
    with pytest.raises(InputError, match="magic"):
        matrix(cameras(running=[{"magic"}]), library())
    with pytest.raises(InputError, match="magic"):
        matrix(cameras(), library()).reason(0, "magic")
    with pytest.raises(InputError, match="running"):
        matrix(cameras(running=np.zeros((1, 2), bool)), library())


@pytest.mark.parametrize(
    "given",
    [
        {"tier": ["moon"]},
        {"density_px_m": [-1.0]},
        {"frame_height_px": [-1]},
        {"online": [True, False]},
        {"free_day_h": [np.nan]},
        {"running": []},
    ],
)
def test_impossible_cameras_are_refused(given):
    with pytest.raises(InputError, match=next(iter(given)).split("_")[0]):
        cameras(**given)
