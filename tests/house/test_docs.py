"""What the documents name is there, and what is there is documented, in both languages."""

from __future__ import annotations

import importlib
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from starlette.routing import Mount, Route

from geodata.models import Base
from geodata.settings import ROOT, Settings
from layers.catalogue import LAYERS
from pages.endpoints.routes import Door
from pages.terminal.benching import bench_names
from pages.terminal.main import app

READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
DOCUMENTS = [*READMES, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PICTURE = ROOT / "docs" / "overview.png"
PICTURE_MAX_BYTES = 300_000
FOLDERS = ("analysis", "geodata", "layers", "pages", "tests", "scripts", "docs")
HIDDEN_TARGETS = {"setup-test"}

in_each = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
in_both = pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)


def _text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def _code(document: Path) -> list[str]:
    """Spans and blocks of code: what a reader would type, or look up."""
    text = _text(document)
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
    return [*re.findall(r"`([^`\n]+)`", text), *fenced, *indented]


def _named(document: Path, pattern: str) -> set[str]:
    """First groups of `pattern` in the document's code."""
    return {found for code in _code(document) for found in re.findall(pattern, code)}


def _table(document: Path, head: str) -> list[list[str]]:
    """Cells of the rows of the table whose first column is headed by one of `head`, separated by `|`."""
    rows = re.search(rf"^\| (?:{head}) \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", _text(document), re.MULTILINE)
    assert rows, f"{document.name} has no table headed {head}"
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.group(1).splitlines()]


def _column(document: Path, head: str) -> set[str]:
    """First column of that table, without the marks of code."""
    return {row[0].strip("` |") for row in _table(document, head)}


# ---------------------------------------------------------------------------------------- what there is


def _commands() -> set[str]:
    found = typer.main.get_command(app)
    return set(found.commands)  # type: ignore[attr-defined]


def _settings() -> set[str]:
    return {f"TWIN_{name.upper()}" for name in Settings.model_fields}


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", _text(ROOT / "Makefile"), re.MULTILINE)) - HIDDEN_TARGETS


@cache
def _addresses() -> frozenset[str]:
    """Every endpoint under /api but the one that catches the rest."""
    mounts = [route for route in Door().routes() if isinstance(route, Mount) and route.path == "/api"]
    inner = [route.path for mount in mounts for route in mount.routes or [] if isinstance(route, Route)]
    return frozenset(f"/api{path}" for path in inner if "{rest:path}" not in path)


def _leads_somewhere(address: str) -> bool:
    if address.startswith("/api/ogc/"):  # an application of its own stands there
        return "/api/ogc" in _addresses()
    return any(
        re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(known)), address) for known in _addresses()
    )


def _resolves(name: str) -> bool:
    """`name` is a dotted path to something in the code."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def _stored(name: str) -> bool:
    """`name` is a table, or a column of one."""
    table, _, column = name.partition(".")
    return table in Base.metadata.tables and (not column or column in Base.metadata.tables[table].columns)


# ------------------------------------------------------------------------------ named, therefore there


@in_each
def test_every_command_that_is_named_exists(document: Path) -> None:
    assert _named(document, r"\bhuiyan ([a-z]+)") <= _commands()


@in_each
def test_every_setting_that_is_named_exists(document: Path) -> None:
    assert set(re.findall(r"TWIN_[A-Z][A-Z_]*[A-Z]", _text(document))) <= _settings()


@in_each
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    assert _named(document, r"\bmake ([a-z][a-z-]*)") <= _targets()


@in_each
def test_every_address_that_is_named_leads_somewhere(document: Path) -> None:
    named = set(re.findall(r"/api/[\w{}./-]*[\w}]", _text(document)))
    assert {address for address in named if not _leads_somewhere(address)} == set()


@in_each
def test_every_layer_that_is_named_exists(document: Path) -> None:
    text = _text(document)
    named = set(re.findall(r"/api/(?:tiles|heat|export)/(\w+)", text))
    named |= _named(document, r"huiyan export ([a-z_]+)")
    assert named <= set(LAYERS)


@in_each
def test_every_bench_that_is_named_exists(document: Path) -> None:
    named = _named(document, r"huiyan bench ([a-z]+)") | _named(document, r"\bBENCH=([a-z]+)")
    assert named <= set(bench_names())


@in_each
def test_every_town_that_is_named_exists(document: Path) -> None:
    named = _named(document, r"\bTOWN=([a-z]+)") | _named(document, r"huiyan load ([a-z]+)")
    assert {name for name in named if not (ROOT / "geodata" / "towns" / f"{name}.toml").is_file()} == set()


@in_each
def test_every_file_that_is_named_exists(document: Path) -> None:
    folders = "|".join(FOLDERS)
    named = {code for code in _code(document) if re.fullmatch(rf"(?:{folders})/[\w./-]*", code)}
    assert {name for name in named if not (ROOT / name).exists()} == set()


@in_each
def test_every_name_in_the_code_that_is_named_exists(document: Path) -> None:
    named = {code for code in _code(document) if re.fullmatch(r"(?:analysis|geodata|layers)(?:\.\w+)+", code)}
    assert {name for name in named if not _resolves(name)} == set()


def test_every_word_of_the_vocabulary_leads_into_the_code() -> None:
    rows = re.findall(
        r"^\| [^|]+ \| [^|]+ \| ([^|]+) \|$", _text(ROOT / "docs" / "vocabulary.md"), re.MULTILINE
    )
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert len(named) > 80
    lost = {
        name
        for name in named
        if not (
            name in LAYERS or _stored(name) or _resolves(name) or ("/" in name and (ROOT / name).exists())
        )
    }
    assert lost == set()


def test_every_table_that_the_architecture_names_exists() -> None:
    rows = _table(ROOT / "docs" / "architecture.md", "group")
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert named == set(Base.metadata.tables)


# ------------------------------------------------------------------------------ there, therefore named


@in_both
def test_every_command_is_documented(readme: Path) -> None:
    assert {name.split()[1] for name in _column(readme, "command|命令")} == _commands()


@in_both
def test_every_make_target_is_documented(readme: Path) -> None:
    assert {name.split()[1] for name in _column(readme, "make target|make 目标")} == _targets()


@in_both
def test_every_setting_is_documented_with_its_default(readme: Path) -> None:
    told = {row[0].strip("`"): row[1].strip("`") for row in _table(readme, "setting|设置")}
    wanted = {f"TWIN_{name.upper()}": _shown(field.default) for name, field in Settings.model_fields.items()}
    assert told == wanted


def _shown(default: object) -> str:
    if isinstance(default, Path):
        return default.relative_to(ROOT).as_posix()
    return "–" if default is None else f"{default:g}" if isinstance(default, float) else str(default)


@in_both
def test_every_address_is_documented(readme: Path) -> None:
    heads = [row[0].strip("`") for row in _table(readme, "address|地址")]
    assert set(heads) == _addresses()


@in_both
def test_every_layer_is_documented(readme: Path) -> None:
    assert _column(readme, "layer|图层") == set(LAYERS)


@in_both
def test_every_screen_is_documented(readme: Path) -> None:
    shell = _text(ROOT / "pages" / "shell.py")
    screens = {f"/{path}" for path in re.findall(r'url_path="([\w-]+)"', shell)} | {"/", "/big-screen"}
    assert {row[1].strip("`") for row in _table(readme, "screen|页面")} == screens


@in_both
def test_the_two_commands_stand_at_the_head(readme: Path) -> None:
    head = _text(readme).split("\n### ")[0]
    assert re.findall(r"^ {4}make (\w+) ", head, re.MULTILINE) == ["run", "test"]


def test_every_decision_is_linked_from_both() -> None:
    pages = {path.name for path in (ROOT / "docs" / "decisions").glob("*.md")}
    for readme in READMES:
        assert set(re.findall(r"docs/decisions/([\w-]+\.md)", _text(readme))) == pages


def test_decisions_say_what_they_must_and_are_numbered() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for number, page in enumerate(pages, start=1):
        assert page.name.startswith(f"{number:04d}-")
        assert _text(page).startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", _text(page), re.MULTILINE) == [
            "Context",
            "Choice",
            "Consequences",
            "What would change our mind",
        ]


# --------------------------------------------------------------------------------- alike, and no more


def test_both_readmes_name_the_same_things() -> None:
    def things(readme: Path) -> dict[str, object]:
        text = _text(readme)
        return {
            "commands": _named(readme, r"\bhuiyan ([a-z]+)"),
            "options": _named(readme, r"(--[a-z]+)"),
            "targets": _named(readme, r"\bmake ([a-z][a-z-]*)"),
            "settings": set(re.findall(r"TWIN_[A-Z_]+", text)),
            "addresses": set(re.findall(r"/api/[\w{}./-]*[\w}]", text)),
            "links": sorted(set(re.findall(r"\]\(([^)]+)\)", text)) - {path.name for path in READMES}),
            "numbers": sorted(re.findall(r"\b\d{1,3}(?:,\d{3})+\b", text)),
            "headings": [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)],
            "rows": len(re.findall(r"^\|", text, re.MULTILINE)),
        }

    english, chinese = map(things, READMES)
    assert english == chinese


@in_each
def test_relative_links_lead_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", _text(document))
    lost = [
        link
        for link in links
        if not link.startswith(("https:", "http:"))
        and not (document.parent / link).exists()
        and document.parent / link != PICTURE
    ]
    assert not lost


def test_the_picture_is_there_and_light() -> None:
    if not PICTURE.exists():
        pytest.skip("docs/overview.png has not been taken yet")
    assert PICTURE.stat().st_size < PICTURE_MAX_BYTES


@in_each
def test_no_path_of_one_machine_is_named(document: Path) -> None:
    machine = r"(?<![\w.])/(?:home|root|work|tmp|mnt|opt|Users|private)\b"
    assert re.findall(rf"{machine}\S*", _text(document)) == []


@in_each
def test_only_known_hosts_are_named(document: Path) -> None:
    """No registry's host, and no address that a reader did not ask for."""
    hosts = set(re.findall(r"https?://([^/\s:)]+)", _text(document)))
    assert hosts <= {"127.0.0.1", "keepachangelog.com", "semver.org"}


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## \[{re.escape(version)}\]", _text(ROOT / "CHANGELOG.md"), re.MULTILINE)


def test_the_licence_is_whole() -> None:
    text = _text(ROOT / "LICENSE")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
