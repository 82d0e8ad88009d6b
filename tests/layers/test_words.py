"""Both languages for every word a person sees."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest

from analysis.errors import HuiyanError, InputError, Term, Terms
from geodata.errors import IngestError, NotFound
from layers import i18n
from layers.catalogue import LAYERS, layer
from layers.i18n import LANGUAGES, N_, explain, pick_language, translate

ROOT = Path(__file__).resolve().parents[2]
SAME: frozenset[str] = frozenset()
"""Proper names that are the same in both languages."""
SIGNS = frozenset({", "})
"""What is no word: the comma of an enumeration."""


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("huiyan_words", ROOT / "scripts" / "words.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


words = _tool()
FOUND = words.Source().words()
TOLD: dict[str, str] = {str(each.id): str(each.string) for each in words.read_catalogue() if each.id}


def _placeholders(text: str) -> Counter[tuple[str, str, str]]:
    """Name, format and conversion of every placeholder."""
    return Counter(
        (name, form or "", turn or "") for _, name, form, turn in Formatter().parse(text) if name is not None
    )


def _told_and_said() -> list[tuple[str, str]]:
    return [(text, TOLD[text]) for text in FOUND.words if TOLD.get(text)]


# ------------------------------------------------------------------------------------------ the catalogue


def test_every_word_has_chinese() -> None:
    missing = [f"{p[0].path}:{p[0].line}: {text!r}" for text, p in FOUND.words.items() if not TOLD.get(text)]
    assert not missing, "say it in layers/i18n/zh_CN.po (make words ARGS=--write lists it there)"


def test_nothing_is_translated_that_nobody_says() -> None:
    assert sorted(set(TOLD) - set(FOUND.words)) == []


def test_every_word_can_be_read_from_the_source() -> None:
    assert FOUND.unreadable == []


def test_no_entry_is_marked_as_a_guess() -> None:
    assert [each.id for each in words.read_catalogue() if each.id and each.fuzzy] == []


def test_placeholders_are_the_same_on_both_sides() -> None:
    assert [(en, zh) for en, zh in _told_and_said() if _placeholders(en) != _placeholders(zh)] == []


def test_chinese_differs_from_english() -> None:
    assert {en for en, zh in _told_and_said() if en == zh} == SAME


def test_every_translation_holds_chinese() -> None:
    assert [
        zh
        for en, zh in _told_and_said()
        if en not in SAME | SIGNS
        and re.search("[A-Za-z]", re.sub(r"{\w*(:[^}]*)?}", "", en))  # figures and signs alone are no words
        and not re.search("[\u4e00-\u9fff]", zh)
    ] == []


def test_latin_words_in_chinese_are_names_that_stand_in_the_english() -> None:
    """Codes, commands and proper names stay; no English word is left over or mistyped."""
    strange = [
        (word, zh)
        for en, zh in _told_and_said()
        for word in re.findall("[A-Za-z][A-Za-z0-9_]*", zh)
        if word not in re.findall("[A-Za-z][A-Za-z0-9_]*", en)
    ]
    assert strange == []


def test_a_sentence_ends_as_a_sentence() -> None:
    uneven = [(en, zh) for en, zh in _told_and_said() if en.endswith(".") != zh.endswith("。")]
    assert uneven == []


def test_chinese_bears_chinese_punctuation() -> None:
    assert [
        zh for _, zh in _told_and_said() if re.search("[\u4e00-\u9fff][,;?!(]|[\u4e00-\u9fff]: ", zh)
    ] == []


def test_edges_without_blanks() -> None:
    assert [zh for _, zh in _told_and_said() if zh != zh.strip() or "  " in zh] == []


def test_titles_and_methods_of_layers_are_translated() -> None:
    for each in LAYERS.values():
        said = [each.title, each.method, *(entry.label for entry in each.legend)]
        said += [text for m in each.measures for text in (m.title, m.unit, m.meaning, m.empty)]
        assert [text for text in said if translate(text, "zh-CN") == text] == []


# ---------------------------------------------------------------------------------------------- the tool


def _read(tmp_path: Path, source: str, home: str = "pages/page.py") -> words.Found:
    for floor in words.FLOORS:
        (tmp_path / floor).mkdir(exist_ok=True)
    (tmp_path / "analysis" / "errors.py").write_text(
        "class HuiyanError(Exception): ...\nclass Ours(HuiyanError): ...\n", encoding="utf-8"
    )
    (tmp_path / home).write_text(source, encoding="utf-8")
    return words.Source(tmp_path).words()


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ('N_("a")', {"a"}),
        ('words("a")', {"a"}),
        ('say("a" if b else "c", x=1)', {"a", "c"}),
        ('words(job.message or N_("a"))', {"a"}),
        ('progress(1, 2, "a")', {"a"}),
        ("progress(1, 2, line[2:].strip())", set()),
        ('st.progress(0.5, "a")', set()),
        ('raise Ours("a " "b.", "c.", fact="d")', {"a b.", "c."}),
        ('raise errors.Ours("a", mend="b")', {"a", "b"}),
        ('raise ValueError("a")', set()),
        ('MEND = "b"\nraise Ours("a", MEND)', {"a", "b"}),
        (
            'def mend():\n    if x:\n        return "b"\n    return "c"\nraise Ours("a", mend())',
            {"a", "b", "c"},
        ),
        (
            'def wrong(what):\n    where = "one" if x else "many"\n    return Ours(where + ": " + what)\nwrong("a")',
            {"one: a", "many: a"},
        ),
        ('def head(title):\n    words(title)\nhead("a")\nhead(N_("b"))', {"a", "b"}),
        ("words(measure.title)", set()),
    ],
)
def test_words_are_found_where_they_are_written(tmp_path: Path, source: str, wanted: set[str]) -> None:
    found = _read(tmp_path, source)
    assert set(found.words) == wanted
    assert found.unreadable == []


def test_words_that_are_stored_with_data_are_found(tmp_path: Path) -> None:
    source = 'METHOD = "how it was made"\nProvenance("Huiyan", "ODbL-1.0", "drawn by hand", simulated=True)\n'
    source += 'write({"name": "a camera", "url": "clip:x"})\n'
    (tmp_path / "geodata" / "commands").mkdir(parents=True)
    found = _read(tmp_path, source, "geodata/commands/made.py")
    assert set(found.words) == {"how it was made", "Huiyan", "drawn by hand", "a camera"}


@pytest.mark.parametrize(
    "source", ['raise Ours(f"a {b}")', "raise Ours(text)", 'N_("a" % b)', 'progress(1, 2, f"{a}")']
)
def test_words_that_cannot_be_read_are_told(tmp_path: Path, source: str) -> None:
    assert [place.split(": ")[0] for place in _read(tmp_path, source).unreadable] == ["pages/page.py:1"]


def test_places_are_told(tmp_path: Path) -> None:
    (place,) = _read(tmp_path, '\n\nN_("a")\n').words["a"]
    assert (place.path, place.line) == ("pages/page.py", 3)


def test_bringing_the_catalogue_up_to_date(tmp_path: Path) -> None:
    """Told words stay, new ones wait, forgotten ones go; and doing it twice changes nothing."""
    catalogue = tmp_path / "zh_CN.po"
    catalogue.write_text(
        words.HEADER + 'msgid "stays"\nmsgstr "留"\n\nmsgid "goes"\nmsgstr "去"\n', encoding="utf-8"
    )
    found = _read(tmp_path, 'N_("stays")\nN_("comes")\n')
    words.write_catalogue(found, catalogue)
    once = catalogue.read_bytes()
    assert {each.id: each.string for each in words.read_catalogue(catalogue) if each.id} == {
        "stays": "留",
        "comes": "",
    }
    words.write_catalogue(found, catalogue)
    assert catalogue.read_bytes() == once


# ------------------------------------------------------------------------------------------- being spoken


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        (("zh",), "zh-CN"),
        (("zh-CN",), "zh-CN"),
        (("zh-Hans-CN",), "zh-CN"),
        (("zh_CN",), "zh-CN"),
        (("ZH-cn,en;q=0.8",), "zh-CN"),
        (("en",), "en"),
        (("en-GB,zh;q=0.5",), "en"),
        ((None, "zh"), "zh-CN"),
        (("", "zh"), "zh-CN"),
        (("fi", "zh"), "zh-CN"),
        (("en", "zh"), "en"),
        (("zh", "en"), "zh-CN"),
        (("fi",), "en"),
        ((None,), "en"),
        ((), "en"),
    ],
)
def test_pick_language(wishes: tuple[str | None, ...], language: str) -> None:
    assert pick_language(*wishes) == language
    assert pick_language(*wishes) in LANGUAGES


def test_translate_speaks_both_languages() -> None:
    assert translate("Unit cells", "zh-CN") == "单元网格"
    assert translate("Unit cells", "en") == "Unit cells"


def test_translate_fills_in_facts() -> None:
    assert translate("Written: {path} ({size:,} bytes)", "zh-CN", path="a.geojson", size=12345) == (
        "已写入：a.geojson（12,345 字节）"
    )


@pytest.mark.parametrize("language", [*LANGUAGES, "fi-FI"])
def test_translate_falls_back_to_english(language: str) -> None:
    assert translate("nobody ever said {this}", language, this="thing") == "nobody ever said thing"
    assert translate("", language) == ""


def test_braces_stay_where_there_are_no_facts() -> None:
    assert translate("{nobody}", "zh-CN") == "{nobody}"


def test_marking_changes_nothing() -> None:
    assert N_("Overview") == "Overview"


def test_explain_tells_what_is_wrong_and_how_to_mend_it() -> None:
    error = IngestError(
        "The database already holds a town.",
        "Use huiyan load {name} --replace to load it anew.",
        name="helsinki",
    )
    zh = explain(error, "zh-CN")
    assert "数据库中已载有城区。" in zh
    assert "huiyan load helsinki --replace" in zh
    assert explain(error, "en") == str(error)


def test_explain_an_error_as_it_is_raised() -> None:
    with pytest.raises(NotFound) as caught:
        layer("moon")
    assert "没有名为“moon”的图层。" in explain(caught.value, "zh-CN")
    assert ", ".join(LAYERS) in explain(caught.value, "zh-CN")


def test_explain_an_error_without_a_mend_or_a_translation() -> None:
    assert explain(InputError("{what} is new.", what="This"), "zh-CN") == "This is new."


def test_the_catalogue_of_the_product_is_the_one_that_is_held_to_account() -> None:
    assert Path(i18n.__file__).parent / "zh_CN.po" == words.CATALOGUE
    assert i18n.catalogue("zh-CN") == {en: zh for en, zh in TOLD.items() if zh}


# ------------------------------------------------------------------------------------------ terms


@pytest.mark.parametrize("again", [False, True])
def test_terms_of_ours_are_told_in_the_language_and_data_as_they_are(again: bool) -> None:
    error: HuiyanError = InputError(
        "There is no demand of the kind {layers} on the planned ground.",
        "Choose another kind, or a larger area.",
        layers=Terms((Term("reports by people"), Term("streets about schools"))),
    )
    if again:
        error = HuiyanError.retold(error.told())
    assert "公众上报、学校周边道路" in explain(error, "zh-CN")
    assert "reports by people, streets about schools" in explain(error, "en")
    assert "reports by people, streets about schools" in str(error)
    plain = InputError("There is no {name} {value!r}.", name=Term("model"), value="model")
    assert explain(plain, "zh-CN").count("model") == 1
