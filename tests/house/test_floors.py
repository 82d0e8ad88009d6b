"""Small rooms with a word at every door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("analysis", "geodata", "layers", "pages")
MOST_LINES = 600
LONG_AND_KNOWN = {
    "geodata/cluster.py": 1000,
    "analysis/coverage/sweep.py": 620,
}
"""Rooms that are too large; the limit is where they stand, so that they only shrink."""


def modules(*floors: str) -> list[Path]:
    return sorted(
        path for floor in floors for path in (ROOT / floor).rglob("*.py") if "versions" not in path.parts
    )


def test_no_room_is_too_large() -> None:
    large = {
        name: lines
        for path in modules(*FLOORS)
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > LONG_AND_KNOWN.get(name := path.relative_to(ROOT).as_posix(), MOST_LINES)
    }
    assert not large


def _unexplained(body: list[ast.stmt], path: str) -> Iterator[str]:
    for node in body:
        if not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield f"{path}.{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _unexplained(node.body, f"{path}.{node.name}")


@pytest.mark.parametrize("floor", ["analysis", "geodata", "layers"])
def test_every_public_door_has_a_word(floor: str) -> None:
    bare = []
    for path in modules(floor):
        name = path.relative_to(ROOT).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if ast.get_docstring(tree) is None:
            bare.append(name)
        bare += _unexplained(tree.body, name)
    assert not bare


@pytest.mark.parametrize("path", modules("layers", "pages"), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_floor_that_shows_reads_the_truth_behind_the_simulation(path: Path) -> None:
    assert "truth_" not in path.read_text(encoding="utf-8")
