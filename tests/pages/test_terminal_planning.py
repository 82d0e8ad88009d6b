"""`huiyan place`, `remove` and `relocate`: what they tell and write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from geodata import database
from geodata.settings import settings
from pages.terminal.main import app

pytestmark = pytest.mark.postgis
FAST = ("--time-limit", "0.3")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("pages.terminal.console.language", lambda: "en")
    monkeypatch.setattr("pages.terminal.planning.console.width", 200)
    yield


def huiyan(*words: object) -> Result:
    settings.cache_clear()
    return CliRunner().invoke(app, [str(word) for word in words])


def said(*words: object) -> str:
    result = huiyan(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def complained(*words: object) -> str:
    result = huiyan(*words)
    assert result.exit_code == 1 and "Traceback" not in result.output, result.output
    return result.stderr


def test_a_budget_with_two_lenses_and_mixed_demand(town_database: str) -> None:
    shown = said(
        *("place", "--model", "budgeted", "--budget", 15_000, "--lens", "wide", "--lens", "tele"),
        *("--weight", "violations", "--weight", "complaints=2", *FAST),
    )
    assert re.search(r"Covers \d+\.\d% of what no camera sees", shown)
    assert re.search(
        r"[\d,]+ of [\d,]+ candidates weighed; \d+\.\d% is out of their reach; cost 1\d,\d{3}", shown
    )
    assert re.search(r"1\s+24\.\d+ 60\.\d+\s+\d+\.0°  (wide|tele), \d+°, \d+ m  \+\d", shown)


def test_districts_and_the_curve_are_told(town_database: str) -> None:
    shown = said("place", 4, "--model", "fair", "--minimum-of", "910091001=0.05", "--curve", *FAST)
    assert re.search(r"910091001\s+\d+\.\d% ≥ 5\.0%", shown)
    assert re.search(r"^\s+8\s+\d+\.\d\d%  ≤ \d+\.\d\d%$", shown, re.MULTILINE)


def test_qr_points_along_streets_of_an_area(town_database: str) -> None:
    shown = said(
        *(
            "place",
            2,
            "--kind",
            "qr",
            "--site",
            "streets",
            "--weight",
            "uniform",
            "--area",
            "910091001",
            *FAST,
        )
    )
    assert "of what nothing covers yet" in shown and shown.count("  QR point  ") == 2


def test_removal_and_relocation_are_told_written_and_kept(town_copy: str, tmp_path: Path) -> None:
    shown = said("remove", 3, "--keep", "--out", tmp_path / "gone.geojson", *FAST)
    assert re.search(r"3 of \d+ cameras: \d+\.\d\d% of what counts would be lost", shown)
    assert re.search(r"^\s+3  \d{20}  −\d\.\d{3}%\s+[\d,]+ m²\s+\d+%$", shown, re.MULTILINE)
    gone = json.loads((tmp_path / "gone.geojson").read_text(encoding="utf-8"))
    assert len(gone["features"]) == 3 and gone["method"] and gone["losses"]
    shown = said("relocate", 2, "--keep", "--out", tmp_path / "moved.geojson", *FAST)
    assert re.search(r"2 moves: from \d+\.\d% to \d+\.\d% of the demand", shown)
    assert re.search(r"^\s+2  \d{20} → 24\.\d+ 60\.\d+", shown, re.MULTILINE)
    assert len(json.loads((tmp_path / "moved.geojson").read_text(encoding="utf-8"))["features"]) == 4
    with database.connection() as conn:
        kinds = list(
            conn.scalars(text("SELECT kind FROM run WHERE kind IN ('remove', 'relocate') ORDER BY id"))
        )
    assert kinds == ["remove", "relocate"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("place", 3, "--model", "best"), "Choose from mclp, lscp, backup, budgeted, fair."),
        (("place", 3, "--site", "roofs"), "Choose from lamps, streets, walls."),
        (("place", 3, "--lens", "fisheye"), "Choose from wide, medium, tele, panorama."),
        (("place", "--model", "budgeted"), "Say how much may be spent."),
        (("place", "--model", "budgeted", "--budget", 5), "the cheapest candidate"),
        (("place", 3, "--model", "fair", "--minimum", 1), "cannot reach its minimum of 100.0%"),
        (("remove", 501), "Ask for 1 to 500."),
        (("remove", 1, "--weight", "smells"), "'smells' is unknown"),
        (("relocate", 501), "Ask for 1 to 500."),
        (("relocate", 1, "--area", "12"), "There is no area 12."),
    ],
)
def test_mistakes_are_one_sentence(words: tuple[object, ...], told: str, town_database: str) -> None:
    assert told in complained(*words)


@pytest.mark.parametrize(
    "words", [("place",), ("place", "--model", "fair"), ("place", 1, "--weight", "schools=many"), ("remove",)]
)
def test_words_that_make_no_command_are_a_usage_error(words: tuple[object, ...]) -> None:
    result = huiyan(*words)
    assert result.exit_code == 2 and "Usage" in result.stderr
