"""environment.yml asks for the same Python packages, and no older ones, as pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Where conda-forge cuts a package in another way.
ALSO = {"psycopg[binary,pool]": "psycopg-pool"}
NOT_PYTHON = {"postgresql", "postgis", "pgrouting", "nodejs", "make", "python", "pip"}


def _split(asked: str) -> tuple[str, str]:
    """A requirement's name and its version bounds."""
    found = re.fullmatch(r"([a-z0-9.-]+)(?:\[[a-z,]+\])?\s*([<>=~!0-9.,]*)", asked.lower())
    assert found, f"{asked!r} is not NAME BOUNDS"
    return found.group(1), found.group(2)


def _pyproject() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    wanted = dict(_split(one) for one in asked)
    for name, also in ALSO.items():
        if any(one.startswith(name) for one in asked):
            wanted[also] = ""
    return wanted


def _environment() -> dict[str, str]:
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").split("dependencies:\n")[1].splitlines()
    listed = [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]
    return dict(_split(one) for one in listed if one != "pip:")


def test_python_packages_and_their_floors_are_those_of_pyproject() -> None:
    listed = {name: bounds for name, bounds in _environment().items() if name not in NOT_PYTHON}
    assert listed == _pyproject()


def test_python_itself_is_the_one_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert _environment()["python"] == project["requires-python"]


def test_the_database_comes_along() -> None:
    assert _environment().keys() >= {"postgresql", "postgis", "pgrouting", "nodejs"}
