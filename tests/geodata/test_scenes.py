"""Scenes as files: those that come with the program, broken ones, a city's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.material_icon_names import ALL_MATERIAL_ICONS

from analysis.algorithms import library
from analysis.categories import component_class, event_class
from analysis.vision.rules import RULES, from_settings
from geodata import scenes
from geodata.errors import SceneError
from geodata.scenes import DOMAINS, PEOPLE, SENSOR, read_scene, read_scenes
from geodata.settings import ROOT, settings
from layers.catalogue import LAYERS
from layers.scenes import INDICATOR_NAMES, scene_view

FOLDER = ROOT / "geodata" / "scenes"
FILES = sorted(FOLDER.glob("*.toml"))
WANTED = {
    "05-04": "store overflow",
    "05-05": "illegal parking",
    "05-06": "shared bikes",
    "05-07": "piled objects",
    "01-02": "exposed rubbish",
    "04-06": "ponding",
    "01-12": "muck trucks",
    "04-03": "gas leaks",
    "04-99": "danger-zone intrusion",
    "03-02": "construction dust",
    "05-11": "drying on streets",
}
GOOD = (FOLDER / "store_overflow.toml").read_text(encoding="utf-8")
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_scene_loads_and_names_only_what_exists(path: Path) -> None:
    scene = read_scene(path, tuple(LAYERS))
    assert [event_class(code).code for code in scene.codes] == list(scene.codes)
    assert [component_class(code).code for code in scene.components] == list(scene.components)
    assert scene.codes or scene.components
    assert set(scene.layers) <= set(LAYERS)
    assert set(scene.indicators) <= set(INDICATOR_NAMES)
    assert scene.icon in ALL_MATERIAL_ICONS
    assert {limit.stage for limit in scene.limits} >= {"register", "dispatch", "dispose"}
    assert bool(HAN.search(scene.words["zh-CN"].title)) and not HAN.search(scene.words["en"].title)
    assert (scene.rule.kind in RULES) == scene.rule.is_video
    if scene.rule.is_video:
        from_settings(scene.rule.kind, scene.rule.settings)
        assert scene.rule.algorithm is not None and scene.rule.density_px_m is not None
        assert library()[scene.rule.algorithm].rule == scene.rule.kind
    else:
        assert scene.rule.kind in (PEOPLE, SENSOR)
    assert set(scene.layers) <= set(scene_view(scene).layers)
    assert scene_view(scene).filters.get("class", "") == ",".join(scene.codes)


def test_there_are_enough_of_them_and_none_is_broken() -> None:
    found = read_scenes(tuple(LAYERS))
    assert found.broken == ()
    assert len(found.found) == len(FILES) >= 12
    assert {scene.domain for scene in found.found.values()} == set(DOMAINS)
    assert set(WANTED) <= {code for scene in found.found.values() for code in scene.codes}
    assert any("01-02" in scene.components for scene in found.found.values()), "manhole covers"
    order = [DOMAINS.index(scene.domain) for scene in found.found.values()]
    assert order == sorted(order)


def wrong(tmp_path: Path, text: str, name: str = "trial.toml") -> SceneError:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SceneError) as caught:
        read_scene(path, tuple(LAYERS))
    return caught.value


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("was", "becomes", "key"),
    [
        ('codes = ["05-04"]', 'codes = ["05-44"]', "codes"),
        ('codes = ["05-04"]', 'codes = "05-04"', "codes"),
        ('codes = ["05-04"]', "codes = []", "codes"),
        ('codes = ["05-04"]', 'codes = ["05-04", "05-04"]', "codes"),
        ('domain = "street"', 'domain = "weather"', "domain"),
        ('icon = "storefront"', 'icon = "<b>"', "icon"),
        ('"camera_views"', '"camera_dreams"', "layers"),
        ("repeat_days = 15", "repeat_days = 1.5", "repeat_days"),
        ("repeat_days = 15", "repeat_days = true", "repeat_days"),
        ('kind = "static_object"', 'kind = "magic"', "rule.kind"),
        ('kind = "static_object"', 'kind = "standing"', "rule.kind"),
        ('algorithm = "store_overflow"', 'algorithm = "ponding"', "rule.algorithm"),
        ("dwell_s = 600.0", "dwell_s = -1.0", "rule.settings.dwell_s"),
        ("dwell_s = 600.0", "patience = 1", "rule.settings.patience"),
        ("hours = 4", "hours = 0", "limits[2].hours"),
        ("hours = 4", "hours = nan", "limits[2].hours"),
        ("hours = 4", "minutes = 4", "limits[2].minutes"),
        ('stage = "dispose"', 'stage = "register"', "limits[2].stage"),
        ('clock = "working"', 'clock = "lunar"', "limits[2].clock"),
        ('"per_sampled_h"', '"happiness"', "indicators"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(
    tmp_path: Path, was: str, becomes: str, key: str
) -> None:
    assert GOOD.count(was) == 1
    text = GOOD.replace(was, becomes)
    error = wrong(tmp_path, text)
    assert error.facts["file"] == "trial.toml"
    assert error.facts["key"] == key
    inside = was.startswith('"camera')  # a value in a list over several lines: the line of its key
    assert error.facts["line"] == line_of(GOOD, "layers = [" if inside else was)
    assert error.mend


@pytest.mark.parametrize("gone", ["domain", "codes", "layers", "[words.en]", "advice", "hours"])
def test_what_is_missing_is_named(tmp_path: Path, gone: str) -> None:
    if gone == "layers":
        text = re.sub(r"layers = \[.*?\]\n", "", GOOD, flags=re.DOTALL)
    elif gone == "[words.en]":
        text = GOOD[: GOOD.index(gone)]
    else:
        lines = GOOD.splitlines(keepends=True)
        lines.pop(next(n for n, line in enumerate(lines) if line.startswith(f"{gone} =")))
        text = "".join(lines)
    error = wrong(tmp_path, text)
    assert "missing" in error.message
    assert str(error.facts["key"]).rsplit(".", 1)[-1] == gone.strip("[]").rsplit(".", 1)[-1]


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"domain = \n", 1),
        (b'domain = "street"\n[rule\nkind = 1\n', 2),
        ('domain = "street"\n# 出店'.encode("gbk"), 2),
        (b"", None),
        (b"\x00\x01", None),
        (b"# long\n" * 20_000, None),
    ],
)
def test_what_is_no_toml(tmp_path: Path, raw: bytes, line: int | None) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(raw)
    with pytest.raises(SceneError) as caught:
        read_scene(path)
    assert caught.value.facts["file"] == "broken.toml"
    assert line is None or caught.value.facts["line"] == line


@pytest.mark.parametrize("name", ["Über.toml", "a b.toml", "x" * 60 + ".toml", "9.toml"])
def test_a_file_whose_name_is_no_id(tmp_path: Path, name: str) -> None:
    assert wrong(tmp_path, GOOD, name).facts["file"] == name


def test_a_city_adds_replaces_and_breaks_scenes_without_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "scenes"
    own.mkdir()
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    before = scenes.scenes_stamp()
    assert len(read_scenes().found) == len(FILES)
    local = GOOD.replace('codes = ["05-04"]', 'codes = ["21-01"]').replace(
        'algorithm = "store_overflow"\n', ""
    )
    (own / "dogs.toml").write_text(local.replace('title = "Store overflow"', 'title = "Dogs"'), "utf-8")
    (own / "crowding.toml").write_text(GOOD.replace('title = "Store overflow"', 'title = "Ours"'), "utf-8")
    (own / "ponding.toml").write_text("domain = 1", "utf-8")
    found = read_scenes(tuple(LAYERS), {"21-01": ("养犬", "Dogs")})
    monkeypatch.undo()
    settings.cache_clear()
    assert found.found["dogs"].codes == ("21-01",), "a local extension that the town has"
    assert found.found["crowding"].words["en"].title == "Ours"
    assert "ponding" not in found.found
    assert [error.facts["file"] for error in found.broken] == ["ponding.toml"]
    assert len(found.found) == len(FILES)
    assert before != ""
